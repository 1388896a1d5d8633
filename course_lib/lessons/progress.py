"""The learner's progress: one line for each event, appended to a small local file.

Appending whole lines is what keeps it safe: two kernels may write at once, a killed kernel leaves at
worst one broken line, which is passed over, and nothing that was written before is ever rewritten.
What a full disk refuses is kept in the kernel and written first as soon as there is space again.

Letters given to a quiz are kept here. Code given as an answer is not: it is in the notebook, which JupyterLab
saves by itself every two minutes.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_lib import settings
from course_lib.translation import translate

try:
    import msvcrt  # of Windows alone
except ImportError:
    msvcrt = None

LOCK_POSITION = 2**30  # far behind the end: Windows keeps everyone from reading what is locked
LOCK_SECONDS = 5.0

_warned = False
_unsaved: list[dict] = []  # events that are not in the file yet, the oldest first


def progress_path() -> Path:
    """Return the file that keeps the learner's progress."""
    return settings.current().home / "progress.jsonl"


def remember(kind: str, number: str, outcome: str, answer: str | None = None) -> None:
    """Append an event; a failure to write is said once and never stops the lesson.

    An event that could not be written waits, and goes before the next one.

    Parameters
    ----------
    kind : ``exercise``, ``quiz``, ``hint`` or ``solution``.
    number : number of the exercise or quiz question.
    outcome : ``correct``, ``wrong``, or what was shown.
    answer : the letter that was given, to a quiz question.
    """
    global _warned
    event = {"time": int(time.time()), "kind": kind, "number": number, "outcome": outcome}
    _unsaved.append(event if answer is None else event | {"answer": answer})
    try:
        progress_path().parent.mkdir(parents=True, exist_ok=True)
        binary = getattr(os, "O_BINARY", 0)  # Windows would write each newline as two characters
        handle = os.open(progress_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND | binary, 0o644)
        try:
            with _alone(handle):
                while _unsaved:
                    _append(handle, _unsaved[0])
                    del _unsaved[0]
        finally:
            os.close(handle)
    except OSError as error:
        if not _warned:
            _warned = True
            print(
                translate(
                    "Your progress could not be saved in {path} ({error}). The lesson goes on; free some space, "
                    "or set COURSE_HOME to a folder that can be written."
                ).format(path=progress_path(), error=error.strerror or error)
            )


def _append(handle: int, event: dict) -> None:
    """Write one event in one step."""
    # A newline first: if the line before was cut off, this one still stands alone.
    line = ("\n" + json.dumps(event) + "\n").encode()
    # A disk that fills up stops in the middle of a line. Without the last newline alone, the event is there.
    if os.write(handle, line) < len(line) - 1:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _alone(handle: int) -> Iterator[None]:
    """Keep other kernels from writing on Windows, which appends in two steps; elsewhere it is one."""
    if msvcrt is None:
        yield
        return
    deadline = time.monotonic() + LOCK_SECONDS
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
    """Return all events in the order they were written, passing over broken lines."""
    try:
        lines = progress_path().read_bytes().split(b"\n")
    except OSError:
        return []
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


def summary() -> dict[int, dict]:
    """Return, for each lesson, what there is and what is done.

    Returns
    -------
    dict
        Lesson number to ``exercises``, ``solved``, ``tries``, ``questions`` and ``answered`` (counts), and to
        ``answers``: the last letter given to each quiz question.
    """
    from course_lib.lessons.exercises import lesson_module, lessons_with_exercises

    events = read_events()
    report = {}
    for lesson in lessons_with_exercises():
        module = lesson_module(lesson)
        numbers = {e.number for e in module.EXERCISES}
        questions = {f"{lesson}.q{i}" for i in range(1, len(module.QUIZ) + 1)}
        right = {e["number"] for e in events if e["outcome"] == "correct"}
        report[lesson] = {
            "exercises": len(numbers),
            "solved": len(numbers & right),
            "tries": sum(e["kind"] == "exercise" and e["number"] in numbers for e in events),
            "questions": len(questions),
            "answered": len(questions & right),
            "answers": {
                e["number"]: e["answer"]
                for e in events
                if e["number"] in questions and isinstance(e.get("answer"), str)
            },
        }
    return report


def progress() -> None:
    """Print how far the learner has come, lesson by lesson."""
    print(translate("lesson   exercises solved   quiz questions right"))
    for lesson, row in summary().items():
        solved, questions = f"{row['solved']} / {row['exercises']}", f"{row['answered']} / {row['questions']}"
        print(f"{lesson:02d}       {solved:<18} {questions}")
