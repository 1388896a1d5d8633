"""All exercises as parameters of tests, their wrong answers, and what a call prints."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
from pathlib import Path

import pytest

from course_lib.lessons.catalog import exercise_module, lessons_with_exercises

HERE = Path(__file__).parent
LESSONS = lessons_with_exercises()
ALL = [
    pytest.param(lesson, e, id=e.identifier) for lesson in LESSONS for e in exercise_module(lesson).EXERCISES
]
every_exercise = pytest.mark.parametrize(("lesson", "exercise"), ALL)
every_lesson = pytest.mark.parametrize("lesson", LESSONS)


def said(function, *arguments) -> str:
    """Return what a call prints. Not capsys: hypothesis calls a test many times with one fixture."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert function(*arguments) is None
    return out.getvalue()


def answers(lesson: int):
    path = HERE / f"answers_{lesson:02d}.py"
    assert path.is_file(), f"lesson {lesson} has no {path.name} with STUBS, RIGHT and WRONG"
    name = f"course_answers_{lesson:02d}"
    if name not in sys.modules:
        specification = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(specification)
        sys.modules[name] = module
        specification.loader.exec_module(module)
    return sys.modules[name]
