"""Exercises: ``check`` says at once whether an answer is right, and speaks to the usual mistakes."""

from __future__ import annotations

import builtins
import dis
import inspect
import os
import site
import sys
import sysconfig
import textwrap
from collections.abc import Callable
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from course_lib.lessons.catalog import Exercise, Mistake, NotAttempted, find_exercise, printable
from course_lib.lessons.event_log import remember
from course_lib.lessons.time_limit import OverTime, time_limit
from course_lib.translation import Message, Verbatim, translate

LONGEST_SOURCE = 20_000  # characters of a function or class that are kept with the learner's progress
LONGEST_VALUE = 2_000  # characters of a plain value
LONGEST_CASE = 60  # characters of the arguments that a message names
SECONDS = 20  # of computing that a check may take
# These alone are shown: the repr of another kind is code that nobody has read.
PLAIN = (str, int, float, bool)


def call(answer: Callable, *arguments: object, **named: object) -> Any:
    """Call a learner's function for what it returns; turn what goes wrong inside it into a sentence.

    Raises
    ------
    NotAttempted
        If the function is still a stub: its body is ``...``, or it raises NotImplementedError.
    Mistake
        If it raises anything else, or returns nothing.
    """
    result = call_procedure(answer, *arguments, **named)
    if result is None:
        raise nothing_returned(*arguments, *named.values())
    return result


def nothing_returned(*arguments: object) -> Mistake:
    """Return the mistake of a function that has code and returns nothing, with its arguments if they are short."""
    case = ", ".join(map(repr, arguments)) if all(map(_is_plain, arguments)) else ""
    if 0 < len(case) <= LONGEST_CASE:
        return Mistake(
            "your function returns nothing: is a `return` missing? It was called with {case}.", case=case
        )
    return Mistake("your function returns nothing: is a `return` missing?")


def call_procedure(answer: Callable, *arguments: object, **named: object) -> Any:
    """Call a learner's function for what it does, as :func:`call`; it may return nothing."""
    if not callable(answer):
        raise Mistake(
            "I expected a function and got {kind}. Pass the function itself, without calling it.",
            kind=type(answer).__name__,
        )
    if _is_stub(answer):
        raise NotAttempted
    try:
        return answer(*arguments, **named)
    except (KeyboardInterrupt, OverTime):  # the learner, or the clock, stops a check that takes too long
        raise
    except BaseException as error:  # SystemExit too: exit() in an answer must not end the kernel
        frames = _frames_of_answer(error.__traceback__)
        if isinstance(error, NotImplementedError) and _is_raised_by(frames):
            raise NotAttempted from None
        line = Message(" (line {line} of your cell)", line=frames[-1].tb_lineno) if frames else ""
        raise Mistake(
            "Your function stops with {kind}: {error}{line}.{suggestion}",
            kind=type(error).__name__,
            error=printable(error),
            line=line,
            suggestion=_suggestion(error, frames),
        ) from None


def _suggestion(error: BaseException, frames: list[TracebackType]) -> str | Message:
    """Return the name that a misspelt one is close to, as a question; nothing if there's none."""
    with suppress(Exception):  # an answer's own objects and errors may say anything of themselves
        names = ()
        if isinstance(error, AttributeError):
            names = dir(error.obj)
        elif isinstance(error, NameError) and frames:
            frame = frames[-1].tb_frame
            names = {*frame.f_locals, *frame.f_globals, *dir(builtins)}
        for name in get_close_matches(error.name, names, n=1, cutoff=0.75) if names else ():
            return Message(" Did you mean {name}?", name=Verbatim(name))
    return ""


def describe(value: object) -> str | Message:
    """Return what a value is: its shape if it is a tensor, its type if not."""
    import torch

    if isinstance(value, torch.Tensor):
        return Message("a tensor of shape {shape}", shape=tuple(value.shape))
    return type(value).__name__


def _is_plain(value: object) -> bool:
    return type(value) in PLAIN or (type(value) is list and all(type(item) in PLAIN for item in value))


def _is_stub(function: Callable) -> bool:
    """Tell whether a function's body is nothing but a docstring and ``...``, ``pass`` or ``return``."""
    if not inspect.isfunction(function):
        return False
    steps = [s for s in dis.get_instructions(function) if s.opname not in ("RESUME", "NOP", "COPY_FREE_VARS")]
    constants = [s.argval for s in steps if s.opname in ("LOAD_CONST", "RETURN_CONST")]
    return (
        all(s.opname in ("LOAD_CONST", "RETURN_CONST", "RETURN_VALUE") for s in steps)
        and len(constants) == 1
        and (constants[0] is None or constants[0] is ...)
    )


def _may_be_stub(answer: Callable) -> bool:
    """Tell, without a call, whether an answer is or may be unfinished: it must not take a real one's place."""
    code = getattr(answer, "__code__", None)
    return _is_stub(answer) or "NotImplementedError" in getattr(code, "co_names", ())


def _frames_of_answer(trace: TracebackType | None) -> list[TracebackType]:
    """Return the frames in the file, or the cell, of the first code that is the learner's own, outermost first."""
    frames = []
    while trace is not None:
        if not _is_library(trace.tb_frame.f_code.co_filename):
            frames.append(trace)
        trace = trace.tb_next
    return [f for f in frames if f.tb_frame.f_code.co_filename == frames[0].tb_frame.f_code.co_filename]


@cache
def _library_folders() -> set[Path]:
    """Return the folders of the course, of Python and of installed packages."""
    packages = [*site.getsitepackages(), site.getusersitepackages()]
    return {Path(__file__).parents[1], Path(sysconfig.get_path("stdlib")), *map(Path, packages)}


def _is_library(file: str) -> bool:
    """Tell whether code is not the learner's: decorators and callbacks of a library come between."""
    generated = file.startswith(("<frozen", "<string>", "<__array_function__"))
    return generated or not _library_folders().isdisjoint(Path(file).parents)


def _is_raised_by(frames: list[TracebackType]) -> bool:
    """Tell whether the last of these frames raises the error itself; torch's own come out of a call."""
    if not frames or frames[-1].tb_next is not None:
        return False
    return frames[-1].tb_frame.f_code.co_code[frames[-1].tb_lasti] == dis.opmap["RAISE_VARARGS"]


def source_of(answer: Any) -> str | None:
    """Return the Python text of an answer, None where there is none or it is too long to be kept.

    Parameters
    ----------
    answer : a function or class, of which it is the source, or a plain value or a list of some.
    """
    try:
        if callable(answer):
            text, longest = textwrap.dedent(inspect.getsource(answer)), LONGEST_SOURCE
        elif _is_plain(answer):
            text, longest = f"answer = {answer!r}", LONGEST_VALUE
        else:
            return None
    except KeyboardInterrupt:
        raise
    except BaseException:  # builtins have none, and an answer can do anything when it is looked at
        return None
    return text if len(text) <= longest else None


def check(identifier: str, answer: Any = ...) -> None:
    """Check an answer and print the verdict; never raises.

    What was checked is kept with the learner's progress, as far as :func:`source_of` can give it.

    Parameters
    ----------
    identifier : name of the exercise, such as ``"4.1"``.
    answer : the learner's function or value.
    """
    try:
        exercise = find_exercise(identifier)
    except LookupError as error:
        print(error)
        return
    source = source_of(answer)  # before it is examined, which may change a list
    if callable(answer) and source is not None and not _may_be_stub(answer):
        # Before it is run: an answer can hang, or take all memory, and the kernel ends without a verdict.
        remember("answer", exercise.identifier, "not finished", source=source)
    mark, verdict = judge(exercise, answer)
    if mark != "○":
        remember("exercise", exercise.identifier, "correct" if mark == "✓" else "wrong", source=source)
    if mark != "✓":
        verdict += " " + translate('Stuck? hint("{number}")').format(number=exercise.identifier)
    print(f"{_colored(mark)} {exercise.identifier} {translate(exercise.title)}: {verdict}")


def _colored(mark: str) -> str:
    """Return the mark in green or red where a notebook shows it, which its shape says too."""
    color = {"✓": 32, "✗": 31}.get(mark)
    shown_by_notebook = type(sys.stdout).__module__.startswith("ipykernel.")  # else a file may be written
    if color is None or not shown_by_notebook or os.environ.get("NO_COLOR"):
        return mark
    return f"\033[1;{color}m{mark}\033[0m"


def judge(exercise: Exercise, answer: Any) -> tuple[str, str]:
    """Return the mark of an answer (○ not attempted, ✗ wrong, ✓ right) and what there is to say; never raises."""
    try:
        with time_limit(SECONDS):
            try:
                if answer is ... or answer is None:
                    raise NotAttempted
                exercise.examine(answer)
            except Mistake as mistake:  # printed here: what an answer returns may refuse to be
                return "✗", str(mistake)
    except NotAttempted:
        return "○", translate("not attempted") + "."
    except KeyboardInterrupt:
        raise
    except OverTime:
        message = "your answer was still running after {seconds} seconds. Does its loop move on?"
        return "✗", str(Message(message, seconds=SECONDS))
    except BaseException as error:  # a check must never stop a lesson, whatever the answer does to it
        message = "the answer has an unexpected form ({kind}: {error})."
        return "✗", str(Message(message, kind=type(error).__name__, error=printable(error)))
    return "✓", translate("correct") + ". " + translate(exercise.praise)


_hints_shown: dict[str, int] = {}


def hint(identifier: str) -> None:
    """Print the next hint of an exercise; after the last one, it starts again."""
    try:
        exercise = find_exercise(identifier)
    except LookupError as error:
        print(error)
        return
    step = _hints_shown.get(exercise.identifier, 0) % len(exercise.hints)
    _hints_shown[exercise.identifier] = step + 1
    remember("hint", exercise.identifier, str(step + 1))
    head = translate("Hint {step} of {all}").format(step=step + 1, all=len(exercise.hints))
    print(f"{head}: {translate(exercise.hints[step])}")
    if step + 1 == len(exercise.hints):
        message = translate('That was the last hint. solution("{number}") shows one way.')
        print(message.format(number=exercise.identifier))


def solution(identifier: str) -> None:
    """Print the reference solution of an exercise."""
    try:
        exercise = find_exercise(identifier)
    except LookupError as error:
        print(error)
        return
    remember("solution", exercise.identifier, "shown")
    if callable(exercise.solution):
        print(inspect.getsource(exercise.solution).rstrip())
    else:
        print(f"answer = {exercise.solution!r}")
