"""What learners hand in: each one's log of events, found and read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from course_lib.errors import DataFileError
from course_lib.translation import Message

LOG = "progress.jsonl"
LARGEST = 50_000_000  # bytes of a log; a term of checks makes less than a tenth of it


@dataclass
class HandedIn:
    """One learner's log.

    Parameters
    ----------
    name : of the file or folder.
    path : of the log.
    events : those that could be read, in their order.
    remarks : what a teacher should know of the file.
    """

    name: str
    path: Path
    events: list[dict]
    remarks: list[str] = field(default_factory=list)


def find_logs(folder: Path) -> dict[str, Path]:
    """Return each learner's log by name: ``NAME.jsonl``, or a ``progress.jsonl`` anywhere below a folder ``NAME``.

    Parameters
    ----------
    folder : what a class has handed in.

    Raises
    ------
    DataFileError
        If it isn't a folder, nothing is found, or two logs have the same name.
    """
    if not folder.is_dir():
        raise DataFileError(folder, "it is not a folder", "Name the one with your learners' files")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.jsonl")):
        inner = path.relative_to(folder).parts
        if len(inner) > 1 and path.name != LOG:
            continue
        name = path.stem if len(inner) == 1 else inner[0]
        if name in found:
            raise DataFileError(path, f"{name} has another log, {found[name]}", "Keep one of them")
        found[name] = path
    if not found:
        raise DataFileError(
            folder,
            "there is no log in it",
            f"Ask your learners for the file .course/{LOG}, and save it as NAME.jsonl or in a folder NAME",
        )
    return found


def read_log(name: str, path: Path) -> HandedIn:
    """Read one learner's log; what can't be read becomes a remark, and the rest is kept.

    Parameters
    ----------
    name : the learner's.
    path : of the log.
    """
    handed_in = HandedIn(name, path, [])
    try:
        if path.stat().st_size > LARGEST:
            handed_in.remarks.append(
                str(
                    Message(
                        "{file} has over {bytes:,} bytes and is no log of this course.",
                        file=path.name,
                        bytes=LARGEST,
                    )
                )
            )
            return handed_in
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        handed_in.remarks.append(
            str(Message("{file} can't be read ({error}).", file=path.name, error=error.strerror or error))
        )
        return handed_in
    broken = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        if not _is_event(event):
            broken.append(number)
            continue
        handed_in.events.append(event)
    if broken:
        handed_in.remarks.append(
            str(
                Message(
                    "{count} of {all} lines are no events, the first one is line {line}.",
                    count=len(broken),
                    all=len(broken) + len(handed_in.events),
                    line=broken[0],
                )
            )
        )
    times = [event["time"] for event in handed_in.events if isinstance(event.get("time"), int)]
    if any(later < earlier for earlier, later in pairwise(times)):
        handed_in.remarks.append(
            str(Message("Its times run backward: lines were moved, or a clock was set."))
        )
    return handed_in


def _is_event(event: object) -> bool:
    return isinstance(event, dict) and all(
        isinstance(event.get(key), str) for key in ("kind", "number", "outcome")
    )
