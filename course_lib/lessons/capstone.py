"""What the learner wrote is used: ``yours`` gives the learner's functions, with the reference where one lacks."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from course_lib.lessons.catalog import find_exercise
from course_lib.lessons.event_log import read_events
from course_lib.lessons.exercises import judge
from course_lib.translation import Message, translate


def yours(answers: Mapping[str, Any] | Iterable[str]) -> list[Any]:
    """Return for each exercise the learner's answer if it is right, else the reference solution, and say which.

    Parameters
    ----------
    answers : numbers of exercises, each with the answer that stands in the notebook; ``...``, or a number without
        an answer, asks for the last right answer that was kept with the learner's progress.

    Raises
    ------
    LookupError
        If there is no exercise of such a number.
    SettingError
        If the learner's progress cannot be read.
    """
    given = dict(answers) if isinstance(answers, Mapping) else dict.fromkeys(answers, ...)
    parts = []
    for identifier, answer in given.items():
        exercise = find_exercise(identifier)
        if answer is ...:
            answer = saved_answer(exercise.identifier)
        mark = judge(exercise, answer)[0]
        parts.append(answer if mark == "✓" else exercise.solution)
        message = {
            "✓": "★ {number} {title}: yours",
            "○": "○ {number} {title}: the reference, until you've solved it",
            "✗": '✗ {number} {title}: the reference, because yours isn\'t right yet; check("{number}", …) says why',
        }[mark]
        print(Message(message, number=exercise.identifier, title=translate(exercise.title)))
    return parts


def saved_answer(identifier: str) -> Any:
    """Return the last right answer to an exercise that the learner's progress has, ``...`` if there is none.

    It is run again, with the names of the notebook that asks: an answer that needs a function of another notebook
    finds it only if this one has it too.

    Raises
    ------
    SettingError
        If the learner's progress cannot be read.
    """
    sources = [
        event["source"]
        for event in read_events()
        if event["kind"] == "exercise"
        and event["number"] == identifier
        and event["outcome"] == "correct"
        and isinstance(event.get("source"), str)
    ]
    if not sources:
        return ...
    file = f"<your answer to {identifier}>"
    source = sources[-1]
    try:
        (*_, last) = ast.parse(source).body
        name = last.targets[0].id if isinstance(last, ast.Assign) else last.name
        namespace = dict(vars(sys.modules["__main__"])) | {"__name__": "__main__"}
        exec(compile(source, file, "exec"), namespace)  # the learner's own code, on the learner's own machine
    except KeyboardInterrupt:
        raise
    except BaseException:  # what ran in another notebook need not run here
        return ...
    # inspect and tracebacks read the text of a function from here
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return namespace[name]
