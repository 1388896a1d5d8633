"""A lesson as an assignment of nbgrader: its exercises become solution cells and locked, graded cells.

nbgrader cuts the marked lines out of what students get, and runs the graded cells on what they hand in. Grade ids follow
from the numbers of the exercises, so a lesson that is exported again keeps them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

from course_lib import settings
from course_lib.errors import SettingError
from course_lib.files import write_text
from course_lib.lessons.catalog import find_exercise
from course_lib.lessons.exercises import judge
from course_lib.translation import Message

SCHEMA = 3  # of nbgrader's metadata
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def assert_right(number: str, answer: Any) -> None:
    """Print what a check says of an answer; this is what a graded cell does.

    Parameters
    ----------
    number : of the exercise.
    answer : the student's function.

    Raises
    ------
    AssertionError
        If the answer isn't right, with the same sentence.
    """
    mark, sentence = judge(find_exercise(number), answer)
    if mark != "✓":
        raise AssertionError(sentence)
    print(sentence)


def reference(number: str) -> Callable:
    """Return the reference answer of an exercise, for a teacher's copy."""
    return find_exercise(number).solution


def assignment(notebook: Path) -> nbformat.NotebookNode:
    """Return a lesson's notebook as nbgrader's source, without outputs.

    Parameters
    ----------
    notebook : of the lesson.

    Raises
    ------
    SettingError
        If it has no exercise.
    """
    made = nbformat.read(notebook, as_version=4)
    cells, exercises = [], 0
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        number = _number_of(cell)
        if number is None:
            cells.append(cell)
            continue
        exercises += 1
        cells += _solution_and_check(cell, number)
    if not exercises:
        raise SettingError(
            f"{notebook.name} has no exercise, so there is nothing to grade. Choose another lesson."
        )
    made.cells = cells
    return made


def export(lesson: int, folder: Path) -> Path:
    """Write a lesson as ``FOLDER/source/lesson-NN/NN_name.ipynb``, as nbgrader wants it, and return the path.

    Parameters
    ----------
    lesson : its number.
    folder : nbgrader's course folder.

    Raises
    ------
    SettingError
        If there is no such lesson, or it has no exercise.
    """
    found = list(settings.NOTEBOOKS.glob(f"{lesson:02d}_*.ipynb"))
    if not found:
        raise SettingError(f"There is no lesson {lesson:02d}. Choose one of those in notebooks/.")
    made = assignment(found[0])
    path = folder / "source" / f"lesson-{lesson:02d}" / found[0].name
    write_text(path, nbformat.writes(made) + "\n")
    return path


def _number_of(cell: nbformat.NotebookNode) -> str | None:
    """Return the number of the exercise that a cell asks for; None if it asks for none."""
    if cell.cell_type != "code" or "check(" not in cell.source:
        return None
    try:
        last = ast.parse(cell.source).body[-1]
    except SyntaxError:  # a magic command
        return None
    match last:
        case ast.Expr(ast.Call(ast.Name("check"), [ast.Constant(str(number)), ast.Name()])):
            return number
    return None


def _solution_and_check(cell: nbformat.NotebookNode, number: str) -> list[nbformat.NotebookNode]:
    lines, tree = cell.source.split("\n"), ast.parse(cell.source)
    asked = tree.body[-1]  # check("4.1", how_many)
    name = asked.value.args[1].id
    stub = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    gap = stub.body[-1]
    indent = " " * gap.col_offset
    solution = [
        BEGIN,
        "from course_lib.classroom.nbgrader import reference",
        "",
        f'return reference("{number}")({_arguments(stub.args)})',
        END,
    ]
    filled = [*lines[: gap.lineno - 1], *(indent + line if line else "" for line in solution)]
    cell.source = "\n".join([*filled, *lines[gap.end_lineno : asked.lineno - 1]]).rstrip()
    grade_id = "exercise-" + number.replace(".", "-")
    cell.metadata["nbgrader"] = _marks(grade_id, solution=True)
    check = nbformat.v4.new_code_cell(
        f'from course_lib.classroom.nbgrader import assert_right\n\nassert_right("{number}", {name})',
        id=f"{cell.id}-check"[:64],
        metadata={"nbgrader": _marks(f"{grade_id}-check", points=find_exercise(number).difficulty)},
    )
    return [cell, check]


def _marks(grade_id: str, *, solution: bool = False, points: int | None = None) -> dict:
    marks = {
        "grade": points is not None,
        "grade_id": grade_id,
        "locked": not solution,
        "schema_version": SCHEMA,
        "solution": solution,
        "task": False,
    }
    return marks if points is None else {**marks, "points": points}


def _arguments(given: ast.arguments) -> str:
    """Return a call's arguments that hand on all that a function is given."""
    parts = [argument.arg for argument in [*given.posonlyargs, *given.args]]
    if given.vararg:
        parts.append(f"*{given.vararg.arg}")
    parts += [f"{argument.arg}={argument.arg}" for argument in given.kwonlyargs]
    if given.kwarg:
        parts.append(f"**{given.kwarg.arg}")
    return ", ".join(parts)


def said_of(path: Path) -> Message:
    """Return what to do with an exported lesson."""
    return Message(
        "{file} is written. In the folder above source, run: nbgrader generate_assignment {name}",
        file=path,
        name=path.parent.name,
    )
