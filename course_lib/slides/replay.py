"""Running a quick notebook once more while its deck is built: the deck's figures and numbers are the notebook's own."""

from __future__ import annotations

import ast
import contextlib
import io
import random
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from functools import cache

from course_lib.figures.style import Picture, Table
from course_lib.slides.deck import DeckError
from course_lib.slides.notebook import Lesson

Note = Callable[[Callable, tuple, dict], None]
FOR_THE_LEARNER = ("check", "hint", "quiz", "solution", "progress", "attention_view")


@dataclass
class Replay:
    """What a notebook has made.

    Parameters
    ----------
    namespace : its variables after the last cell.
    shown : the pictures and tables that its cells showed, by the function that made each; a second one
        of the same function is ``name:2``.
    """

    namespace: dict = field(default_factory=dict)
    shown: dict[str, Picture | Table] = field(default_factory=dict)


def called(node: ast.AST | None) -> str | None:
    """Return the name of the function that an expression calls, without its module."""
    if not isinstance(node, ast.Call):
        return None
    return getattr(node.func, "id", None) or getattr(node.func, "attr", None)


@contextlib.contextmanager
def left_as_it_was() -> Iterator[None]:
    """Put back what a notebook changes for its whole process: random states, threads, gradients."""
    import numpy
    import torch

    states = random.getstate(), numpy.random.get_state(), torch.get_rng_state()
    threads, gradients = torch.get_num_threads(), torch.is_grad_enabled()
    try:
        yield
    finally:
        random.setstate(states[0])
        numpy.random.set_state(states[1])
        torch.set_rng_state(states[2])
        torch.set_grad_enabled(gradients)
        torch.set_num_threads(threads)


def _last_value(node: ast.expr, namespace: dict, where: str, note: Note | None):
    """Return the value of a cell's last expression; a call that shows a figure or table is noted."""

    def value_of(part: ast.expr):
        return eval(compile(ast.Expression(part), where, "eval"), namespace)

    if note is None or not isinstance(node, ast.Call) or called(node) is None:
        return value_of(node)
    function, arguments = value_of(node.func), []
    for part in node.args:
        arguments += value_of(part.value) if isinstance(part, ast.Starred) else [value_of(part)]
    named = {part.arg: value_of(part.value) for part in node.keywords}
    value = function(*arguments, **named)
    if isinstance(value, (Picture, Table)):
        note(function, tuple(arguments), named)
    return value


def numbered(name: str, taken: Container[str]) -> str:
    """Return a name, with a number behind it if it is taken: ``Table``, ``Table:2``, ``Table:3``."""
    number = 1
    while (key := name if number == 1 else f"{name}:{number}") in taken:
        number += 1
    return key


def run(name: str, note: Note | None = None) -> Replay:
    """Run the code cells of a lesson in this process, but for checks and quizzes, and return what they made.

    Parameters
    ----------
    name : the lesson, such as ``04_masked_language_model``.
    note : is told of each call that shows a picture or table: the function and its arguments.

    Raises
    ------
    DeckError
        If a cell fails.
    """
    lesson, made = Lesson.of(name), Replay({"__name__": "__main__"})
    with left_as_it_was(), contextlib.redirect_stdout(io.StringIO()):
        for cell in lesson.cells:
            if cell.cell_type != "code":
                continue
            tree = ast.parse(cell.source)
            last = tree.body[-1].value if isinstance(tree.body[-1], ast.Expr) else None
            if called(last) in FOR_THE_LEARNER:
                continue
            if last is not None:
                tree.body.pop()
            try:
                exec(compile(tree, lesson.path.name, "exec"), made.namespace)
                value = _last_value(last, made.namespace, lesson.path.name, note) if last else None
            except Exception as error:
                raise DeckError(
                    f"{lesson.path.name}: the cell In [{cell.execution_count}] fails ({type(error).__name__}: {error}). "
                    f"Mend the notebook: course run {name[:2]}"
                ) from error
            if isinstance(value, (Picture, Table)):
                made.shown[numbered(called(last), made.shown)] = value
    return made


@cache
def replay(name: str) -> Replay:
    """Run a lesson as :func:`run` does, once in this process."""
    return run(name)
