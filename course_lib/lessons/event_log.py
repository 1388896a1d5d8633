"""What the learner has done: one line for each event, appended to a small local file.

Appending whole lines is what keeps it safe: two kernels may write at once, a killed kernel leaves at
worst one broken line, which is passed over, and nothing that was written before is ever rewritten.
What a full disk refuses is kept in the kernel and written first as soon as there is space again, at the
latest when the kernel ends; it is lost only with a kernel that is killed before.
A database would do the same with a lock for each reader, and homes on a network are where its locks fail.

An event is a JSON object with ``time`` (seconds since 1970), ``kind``, ``number`` and ``outcome``. A quiz question
adds ``answer``, the letter that was given, and a check adds ``source``, the Python text of what was checked, so that
a learner whose notebook is lost has the answers back; an event of the kind ``answer`` has it before the answer is
run, which may never end. Older files have events without them.
"""

from __future__ import annotations

import atexit
import errno
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_lib import settings
from course_lib.errors import SettingError
from course_lib.translation import Message

try:
    import msvcrt  # of Windows alone
except ImportError:
    msvcrt = None

LOCK_POSITION = 2**30  # far behind the end: Windows keeps everyone from reading what is locked
LOCK_SECONDS = 5.0
LOCK_SECONDS_AT_EXIT = 1.0  # JupyterLab kills a kernel that takes 5 seconds to end

_warned = False
_unsaved: list[dict] = []  # events that are not in the file yet, the oldest first


def progress_path() -> Path:
    """Return the file that keeps the learner's progress."""
    return settings.current().home / "progress.jsonl"


def remember(
    kind: str, number: str, outcome: str, answer: str | None = None, source: str | None = None
) -> None:
    """Append an event; a failure to write is said once and never stops the lesson.

    An event that could not be written waits, and goes before the next one or when Python ends.

    Parameters
    ----------
    kind : ``answer``, ``exercise``, ``quiz``, ``hint`` or ``solution``.
    number : number of the exercise or quiz question.
    outcome : ``correct``, ``wrong``, ``not finished`` for an answer that is about to be run, or what was shown.
    answer : the letter that was given, to a quiz question.
    source : the Python text of the answer that was checked.
    """
    global _warned
    event = {"time": int(time.time()), "kind": kind, "number": number, "outcome": outcome}
    given = {"answer": answer, "source": source}
    _unsaved.append(event | {name: text for name, text in given.items() if text is not None})
    try:
        _write_unsaved(LOCK_SECONDS)
        _warned = False  # a disk that fills up a second time is said a second time
    except OSError as error:
        if not _warned:
            _warned = True
            message = Message(
                "Your progress could not be saved in {path} ({error}), and is kept only while this kernel runs. The "
                "lesson goes on: free some space, then run the check again. If that folder can never be written, set "
                "COURSE_HOME to another one before you start.",
                path=progress_path(),
                error=error.strerror or error,
            )
            print(message)


def _write_unsaved(seconds: float) -> None:
    """Write all events that are not in the file yet; on Windows wait so long for another kernel to finish."""
    progress_path().parent.mkdir(parents=True, exist_ok=True)
    binary = getattr(os, "O_BINARY", 0)  # Windows would write each newline as two characters
    handle = os.open(progress_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND | binary, 0o644)
    try:
        with _alone(handle, seconds):
            while _unsaved:
                _append(handle, _unsaved[0])
                del _unsaved[0]
    finally:
        os.close(handle)


@atexit.register
def _write_unsaved_at_exit() -> None:
    """Try once more when Python ends; nobody reads a message there any more, and none may stop it."""
    if _unsaved:
        try:
            _write_unsaved(LOCK_SECONDS_AT_EXIT)
        except Exception:  # the settings can have changed too; what is lost was said when it was refused
            pass


if hasattr(os, "register_at_fork"):
    # A copy of the process would write the same events a second time when it ends.
    os.register_at_fork(after_in_child=lambda: _unsaved.clear())


def _append(handle: int, event: dict) -> None:
    """Write one event in one step."""
    # A newline first: if the line before was cut off, this one still stands alone.
    line = ("\n" + json.dumps(event) + "\n").encode()
    # A disk that fills up stops in the middle of a line. Without the last newline alone, the event is there.
    if os.write(handle, line) < len(line) - 1:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _alone(handle: int, seconds: float) -> Iterator[None]:
    """Keep other kernels from writing on Windows, which appends in two steps; elsewhere it is one."""
    if msvcrt is None:
        yield
        return
    deadline = time.monotonic() + seconds
    while True:
        os.lseek(handle, LOCK_POSITION, os.SEEK_SET)  # a lock begins where the file stands
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
    try:
        yield
    finally:
        os.lseek(handle, LOCK_POSITION, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)


def read_events() -> list[dict]:
    """Return all events in the order they were written, passing over broken lines; then those not written yet.

    Raises
    ------
    SettingError
        As :func:`written_events`.
    """
    return [*written_events(), *_unsaved]


def written_events() -> list[dict]:
    """Return the events in the file.

    Raises
    ------
    SettingError
        If the file is there, or something else in its place, and cannot be read.
    """
    try:
        lines = progress_path().read_bytes().split(b"\n")
    except FileNotFoundError:
        lines = []
    except OSError as error:
        message = Message(
            "{path} cannot be read ({error}), so your progress is not known. Check its permissions, or set "
            "COURSE_HOME to another folder.",
            path=progress_path(),
            error=error.strerror or type(error).__name__,
        )
        raise SettingError(message) from None
    events = []
    for line in lines:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and all(
            isinstance(event.get(k), str) for k in ("kind", "number", "outcome")
        ):
            events.append(event)
    return events
