"""``course export nbgrader``: cells that nbgrader understands, right with the reference and open without it."""

from __future__ import annotations

import re

import nbformat
import pytest

from course_lib.classroom.nbgrader import assert_right, assignment, export
from course_lib.cli import main
from course_lib.errors import SettingError
from course_lib.lessons.catalog import exercise_module, lessons_with_exercises
from course_lib.settings import NOTEBOOKS

SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION.*?### END SOLUTION$", re.DOTALL | re.MULTILINE)


def notebook_of(lesson):
    (path,) = NOTEBOOKS.glob(f"{lesson:02d}_*.ipynb")
    return path


def marked(cells, key):
    return [cell for cell in cells if cell.metadata.get("nbgrader", {}).get(key)]


@pytest.mark.parametrize("lesson", lessons_with_exercises())
def test_each_exercise_is_a_solution_and_a_graded_cell(lesson):
    made = assignment(notebook_of(lesson))
    nbformat.validate(made)
    numbers = [exercise.identifier.replace(".", "-") for exercise in exercise_module(lesson).EXERCISES]
    solutions, checks = marked(made.cells, "solution"), marked(made.cells, "grade")
    assert [cell.metadata.nbgrader.grade_id for cell in solutions] == [
        f"exercise-{number}" for number in numbers
    ]
    assert [cell.metadata.nbgrader.grade_id for cell in checks] == [
        f"exercise-{number}-check" for number in numbers
    ]
    assert all(
        cell.metadata.nbgrader.locked and cell.metadata.nbgrader.points in (1, 2, 3) for cell in checks
    )
    assert not any(cell.get("outputs") for cell in made.cells)
    assert not any(re.search(r"^check\(", cell.source, re.MULTILINE) for cell in solutions)


@pytest.mark.parametrize("lesson", [2, 4, 5])
def test_a_teachers_copy_passes_and_a_students_is_open(lesson):
    cells = assignment(notebook_of(lesson)).cells
    for solution, check in zip(marked(cells, "solution"), marked(cells, "grade"), strict=True):
        names = {}
        exec(solution.source, names)
        exec(check.source, names)
        given, cut = SOLUTION.subn(r"\1# YOUR CODE HERE\n\1raise NotImplementedError()", solution.source)
        assert cut == 1 and "reference" not in given
        exec(compile(given, "a cell", "exec"), names)  # a file of its own, as in a notebook
        with pytest.raises(AssertionError, match="not attempted"):
            exec(check.source, names)


def test_a_wrong_answer_fails_with_its_sentence():
    with pytest.raises(AssertionError, match="20"):
        assert_right("4.1", lambda length: max(1, round(0.15 * length)))


def test_exporting_again_changes_nothing(tmp_path):
    first = export(4, tmp_path)
    text = first.read_bytes()
    assert export(4, tmp_path) == first and first.read_bytes() == text
    assert first.relative_to(tmp_path).as_posix() == "source/lesson-04/04_masked_language_model.ipynb"


def test_the_command_says_how_to_go_on(tmp_path, capsys):
    assert main(["export", "nbgrader", "4", "--save", str(tmp_path)]) == 0
    assert "nbgrader generate_assignment lesson-04" in capsys.readouterr().out


def test_a_lesson_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SettingError, match="no lesson 99"):
        export(99, tmp_path)


def test_a_notebook_without_exercises_is_told(tmp_path):
    path = tmp_path / "00_none.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), path)
    with pytest.raises(SettingError, match="no exercise"):
        assignment(path)
