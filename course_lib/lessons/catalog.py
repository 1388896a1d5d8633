"""What exercises and quizzes are made of, and where those of each lesson are found.

A lesson's module ``course_lib/lessons/exercises_NN.py`` has two lists, ``EXERCISES`` and ``QUIZ``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from course_lib.translation import Message

LETTERS = "abcd"  # those of a question's options


class NotAttempted(Exception):
    """The answer is still the stub."""


class Mistake(Exception):
    """The answer is wrong; the message says how, aimed at the likely cause.

    Parameters
    ----------
    message : template of the message, in the form of :class:`~course_lib.translation.Message`, or such a message.
    values : what the names of the template stand for.
    """

    def __init__(self, message: str | Message, /, **values: object):
        super().__init__(message if isinstance(message, Message) else Message(message, **values))


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise of a lesson.

    Parameters
    ----------
    identifier : lesson and position, such as ``"4.1"``.
    title : what the learner makes.
    difficulty : 1 (a line or two) to 3 (think first).
    minutes : time it takes a typical reader.
    examine : takes the answer; returns when it is right, raises :class:`Mistake` when it is not.
    hints : help in steps, the last nearly the answer.
    solution : a correct answer; its source is what ``solution`` shows.
    praise : what a right answer has shown.
    """

    identifier: str
    title: str
    difficulty: int
    minutes: int
    examine: Callable[[Any], None]
    hints: tuple[str, ...]
    solution: Any
    praise: str


@dataclass(frozen=True)
class Option:
    """One answer to a question: what it says, why it is right or wrong, and which of both."""

    text: str
    explanation: str
    correct: bool = False


class Question:
    """One question of a quiz.

    Parameters
    ----------
    text : the question.
    options : 2 to 4 answers, exactly one of them correct.
    """

    def __init__(self, text: str, *options: Option):
        if sum(option.correct for option in options) != 1:
            raise ValueError(f"The question {text!r} needs exactly one correct option.")
        if not 2 <= len(options) <= len(LETTERS):
            raise ValueError(f"The question {text!r} needs 2 to {len(LETTERS)} options.")
        self.text, self.options = text, options


@cache
def exercise_module(lesson: int) -> ModuleType:
    """Return the module with a lesson's exercises and quiz."""
    return importlib.import_module(f"course_lib.lessons.exercises_{lesson:02d}")


def lessons_with_exercises() -> list[int]:
    """Return the numbers of the lessons that have exercises."""
    return sorted(int(path.stem[-2:]) for path in Path(__file__).parent.glob("exercises_[0-9][0-9].py"))


def find_exercise(identifier: object) -> Exercise:
    """Return an exercise by its identifier, a text such as ``"4.1"`` or a number such as ``4.1``.

    Raises
    ------
    LookupError
        If there is none of that name.
    """
    name = printable(identifier).strip()
    lesson = {str(n): n for n in lessons_with_exercises()}.get(name.partition(".")[0])
    if lesson is None:
        known = [f"{n}.1" for n in lessons_with_exercises()]
    else:
        exercises = {exercise.identifier: exercise for exercise in exercise_module(lesson).EXERCISES}
        if name in exercises:
            return exercises[name]
        known = list(exercises)
    message = "There is no exercise {name}. Try one of: {known}."
    raise LookupError(Message(message, name=name, known=", ".join(known)))


def printable(value: object) -> str:
    """Return ``str(value)``, or what can be said of a value that cannot be printed."""
    try:
        return str(value)
    except Exception:
        return type(value).__name__
