"""Exercises: ``check`` says at once whether an answer is right, and speaks to the usual mistakes.

Each lesson's exercises stand in ``course_lib/lessons/exercises_NN.py`` as a list ``EXERCISES``.
"""

from __future__ import annotations

import dis
import importlib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from course_lib.lessons.progress import remember
from course_lib.translation import translate

LONGEST_SOURCE = 20_000  # characters of a function or class that are kept with the learner's progress
LONGEST_VALUE = 2_000  # characters of a plain value


class NotAttempted(Exception):
    """The answer is still the stub."""


class Mistake(Exception):
    """The answer is wrong; the message says how, aimed at the likely cause."""


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    Parameters
    ----------
    number : lesson and position, such as ``"4.1"``.
    title : what the learner makes.
    difficulty : 1 (a line or two) to 3 (think first).
    minutes : time it takes a typical reader.
    examine : takes the answer; returns when it is right, raises :class:`Mistake` when it is not.
    hints : help in steps, the last nearly the answer.
    reference : a correct answer; its source is what ``solution`` shows.
    praise : what a right answer has shown.
    """

    number: str
    title: str
    difficulty: int
    minutes: int
    examine: Callable[[Any], None]
    hints: tuple[str, ...]
    reference: Any
    praise: str = ""


@cache
def lesson_module(lesson: int):
    """Return the module with a lesson's exercises and quiz."""
    return importlib.import_module(f"course_lib.lessons.exercises_{lesson:02d}")


def lessons_with_exercises() -> list[int]:
    """Return the numbers of the lessons that have exercises."""
    return sorted(int(path.stem[-2:]) for path in Path(__file__).parent.glob("exercises_[0-9][0-9].py"))


def find_exercise(number: str) -> Exercise:
    """Return an exercise by its number.

    Raises
    ------
    LookupError
        If there is none of that number.
    """
    name = number if isinstance(number, str) else _said(number)
    lesson = {str(n): n for n in lessons_with_exercises()}.get(name.partition(".")[0].strip())
    if lesson is not None:
        for exercise in lesson_module(lesson).EXERCISES:
            if exercise.number == name.strip():
                return exercise
        known = ", ".join(e.number for e in lesson_module(lesson).EXERCISES)
    else:
        known = ", ".join(f"{n}.1" for n in lessons_with_exercises())
    raise LookupError(
        translate("There is no exercise {number}. Try one of: {known}.").format(number=name, known=known)
    )


def call(answer: Callable, *arguments, **named):
    """Call a learner's function; turn what goes wrong inside it into a sentence.

    Raises
    ------
    NotAttempted
        If the function is still a stub: it raises NotImplementedError, or its body is ``...``.
    Mistake
        If it raises anything else.
    """
    if not callable(answer):
        raise Mistake(
            translate(
                "I expected a function and got {kind}. Pass the function itself, without calling it."
            ).format(kind=type(answer).__name__)
        )
    if _is_stub(answer):
        raise NotAttempted
    try:
        return answer(*arguments, **named)
    except NotImplementedError:
        raise NotAttempted from None
    except KeyboardInterrupt:  # the learner stops a check that takes too long
        raise
    except BaseException as error:  # SystemExit too: exit() in an answer must not end the kernel
        line = _line_in_answer(error)
        raise Mistake(
            translate("Your function stops with {kind}: {error}{line}").format(
                kind=type(error).__name__, error=_said(error), line=line
            )
        ) from None


def _is_stub(function: Callable) -> bool:
    """Tell whether a function's body is nothing but a docstring and ``...``, ``pass`` or ``return``."""
    if not inspect.isfunction(function):
        return False
    steps = [s for s in dis.get_instructions(function) if s.opname not in ("RESUME", "NOP", "COPY_FREE_VARS")]
    returned = [s.argval for s in steps if s.opname in ("LOAD_CONST", "RETURN_CONST")]
    return (
        all(s.opname in ("LOAD_CONST", "RETURN_CONST", "RETURN_VALUE") for s in steps)
        and len(returned) == 1
        and (returned[0] is None or returned[0] is ...)
    )


def _may_be_stub(answer: Callable) -> bool:
    """Tell, without a call, whether an answer is or may be unfinished: it must not take a real one's place."""
    code = getattr(answer, "__code__", None)
    return _is_stub(answer) or "NotImplementedError" in getattr(code, "co_names", ())


def _said(value: object) -> str:
    """Return ``str(value)``, or what can be said of a value that cannot be printed."""
    try:
        return str(value)
    except Exception:
        return type(value).__name__


def _line_in_answer(error: BaseException) -> str:
    frames, found = error.__traceback__, None
    while frames is not None:
        if frames.tb_frame.f_code.co_filename != __file__:
            found = found or frames
        frames = frames.tb_next
    if found is None:
        return ""
    return translate(" (line {line} of your cell)").format(line=found.tb_lineno)


def source_of(answer: Any) -> str | None:
    """Return the Python text of an answer, None where there is none or it is too long to be kept.

    Parameters
    ----------
    answer : a function or class, of which it is the source, or a plain value or a list of some.
    """
    plain = (str, int, float, bool)  # these alone: the repr of another kind is code that nobody has read
    try:
        if callable(answer):
            text, longest = textwrap.dedent(inspect.getsource(answer)), LONGEST_SOURCE
        elif type(answer) in plain or (
            type(answer) is list and all(type(value) in plain for value in answer)
        ):
            text, longest = f"answer = {answer!r}", LONGEST_VALUE
        else:
            return None
    except KeyboardInterrupt:
        raise
    except BaseException:  # builtins have none, and an answer can do anything when it is looked at
        return None
    return text if len(text) <= longest else None


def check(number: str, answer: Any = ...) -> None:
    """Check an answer and print the verdict; never raises.

    What was checked is kept with the learner's progress, as far as :func:`source_of` can give it.

    Parameters
    ----------
    number : number of the exercise, such as ``"4.1"``.
    answer : the learner's function or value.
    """
    try:
        exercise = find_exercise(number)
    except LookupError as error:
        print(error)
        return
    label = f"{exercise.number} {translate(exercise.title)}"
    source = source_of(answer)  # before it is examined, which may change a list
    if callable(answer) and source is not None and not _may_be_stub(answer):
        # Before it is run: an answer can hang, or take all memory, and the kernel ends without a verdict.
        remember("answer", exercise.number, "not finished", source=source)
    try:
        if answer is ... or answer is None:
            raise NotAttempted
        exercise.examine(answer)
    except NotAttempted:
        print(f"○ {label}: " + translate("not attempted") + ". " + _offer(exercise))
    except Mistake as mistake:
        remember("exercise", exercise.number, "wrong", source=source)
        print(f"✗ {label}: {mistake} " + _offer(exercise))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a check must never stop a lesson, whatever the answer does to it
        remember("exercise", exercise.number, "wrong", source=source)
        message = translate("the answer has an unexpected form ({kind}: {error}).")
        print(
            f"✗ {label}: "
            + message.format(kind=type(error).__name__, error=_said(error))
            + " "
            + _offer(exercise)
        )
    else:
        remember("exercise", exercise.number, "correct", source=source)
        print(f"✓ {label}: " + translate("correct") + ". " + translate(exercise.praise))


def _offer(exercise: Exercise) -> str:
    return translate('Stuck? hint("{number}")').format(number=exercise.number)


_steps: dict[str, int] = {}


def hint(number: str) -> None:
    """Print the next hint of an exercise; after the last one, it starts again."""
    try:
        exercise = find_exercise(number)
    except LookupError as error:
        print(error)
        return
    step = _steps.get(exercise.number, 0) % len(exercise.hints)
    _steps[exercise.number] = step + 1
    remember("hint", exercise.number, str(step + 1))
    head = translate("Hint {step} of {all}").format(step=step + 1, all=len(exercise.hints))
    print(f"{head}: {translate(exercise.hints[step])}")
    if step + 1 == len(exercise.hints):
        print(
            translate('That was the last hint. solution("{number}") shows one way.').format(
                number=exercise.number
            )
        )


def solution(number: str) -> None:
    """Print the reference solution of an exercise."""
    try:
        exercise = find_exercise(number)
    except LookupError as error:
        print(error)
        return
    remember("solution", exercise.number, "shown")
    if callable(exercise.reference):
        print(inspect.getsource(exercise.reference).rstrip())
    else:
        print(f"answer = {exercise.reference!r}")
