"""Saved answers, checked again in a process that is closed: no network, no programs, no files but in its own folder.

What keeps an answer in are Python's audit events (PEP 578), limits of the system where it has them, and a parent that
waits no longer than it said. That stops accidents and pranks. It isn't a prison: whoever hides an attack in machine
code gets out, so check the answers of people you don't trust in a container.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib.lessons.exercises import SECONDS
from course_lib.translation import Message

START_SECONDS = 120  # a slow machine needs tens of seconds to import torch
LONGEST_LINE = 1_000_000  # bytes; a verdict is a sentence
RIGHT, WRONG, UNCHECKED = "right", "wrong", "unchecked"


@dataclass(frozen=True)
class Answer:
    """A saved answer to one exercise, with the other answers of its lesson, which it may call."""

    number: str
    source: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a second look found: ``right``, ``wrong``, or ``unchecked``, and a sentence."""

    number: str
    outcome: str
    sentence: str


def check_again(answers: Sequence[Answer], seconds: float = 2 * SECONDS) -> list[Verdict]:
    """Check answers again, in their order, each within a time limit.

    Parameters
    ----------
    answers : of one learner.
    seconds : that one answer may take on the clock; a check itself ends a loop after 20.
    """
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="course-collect-", ignore_cleanup_errors=True) as folder:
        while len(verdicts) < len(answers):
            verdicts += _one_process(answers[len(verdicts) :], Path(folder), seconds)
    return verdicts


def _one_process(answers: Sequence[Answer], folder: Path, seconds: float) -> list[Verdict]:
    """Return the verdicts that one process reached; where it ended early, the last one says so."""
    task = folder / "answers.json"
    task.write_text(json.dumps([vars(answer) for answer in answers]), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "course_lib.classroom.closed_child", str(task)],
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    lines: queue.Queue[bytes | None] = queue.Queue(len(answers) + 1)  # what writes more than that waits
    threading.Thread(target=_read_lines, args=(process, lines), daemon=True).start()
    verdicts, patience = [], START_SECONDS + seconds
    try:
        while len(verdicts) < len(answers):
            number = answers[len(verdicts)].number
            try:
                line = lines.get(timeout=patience)
            except queue.Empty:
                message = Message("it was still running after {seconds:.0f} seconds.", seconds=seconds)
                return [*verdicts, Verdict(number, WRONG, str(message))]
            if line is None:
                return [
                    *verdicts,
                    Verdict(number, WRONG, str(Message("it ended Python, or took all memory."))),
                ]
            verdict = _verdict_in(line, number)
            if verdict is None:
                message = Message("it wrote where only the verdict on it may be.")
                return [*verdicts, Verdict(number, WRONG, str(message))]
            verdicts.append(verdict)
            patience = seconds
        return verdicts
    finally:
        process.kill()
        process.wait()


def _read_lines(process: subprocess.Popen, lines: queue.Queue) -> None:
    with process.stdout as stream:
        while line := stream.readline(LONGEST_LINE):
            lines.put(line)
    lines.put(None)


def _verdict_in(line: bytes, number: str) -> Verdict | None:
    """Return the verdict on an answer that a line holds; None if it holds something else."""
    try:
        verdict = Verdict(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    known = verdict.number == number and verdict.outcome in (RIGHT, WRONG, UNCHECKED)
    return verdict if known and isinstance(verdict.sentence, str) else None


def _environment(folder: Path) -> dict[str, str]:
    """Return the surroundings of the process: the folder is its home and its temporary folder, and no hub is asked."""
    places = dict.fromkeys(
        ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "COURSE_HOME", "MPLCONFIGDIR"), str(folder)
    )
    return {
        **os.environ,
        **places,
        "HF_HUB_OFFLINE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COURSE_PROFILE": "quick",
    }
