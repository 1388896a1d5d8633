"""Every message is a template that a catalog can hold, translated where it is shown."""

from __future__ import annotations

import ast
import gettext
import sys
from pathlib import Path

import pytest

from course_lib import translation
from course_lib.lessons import exercises
from course_lib.lessons.catalog import Mistake, exercise_module
from course_lib.lessons.exercises import check, hint
from course_lib.lessons.quizzes import quiz
from course_lib.translation import Message

sys.path.append(str(Path(__file__).parent))
from lesson_answers import answers, every_exercise, every_lesson, said

PACKAGE = Path(translation.__file__).parent
MODULES = sorted((PACKAGE / "lessons").glob("*.py"))
LATER = (ast.Name, ast.Subscript, ast.BoolOp, ast.IfExp, ast.Attribute)  # a message that was made before


def calls(tree: ast.AST, *names: str):
    return [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", None) in names]


def templates(path: Path) -> set[str]:
    """Return the texts that stand in the messages and mistakes of a module."""
    firsts = [
        call.args[0] for call in calls(ast.parse(path.read_text(encoding="utf-8")), "Mistake", "Message")
    ]
    return {first.value for first in firsts if isinstance(first, ast.Constant)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_message_is_a_text_with_names_and_never_put_together(path):
    """No f-string, no %, no +, no .format: a catalog could not hold what comes out of them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for call in calls(tree, "Mistake", "Message"):
        first, where = call.args[0], f"{path.name}, line {call.lineno}"
        if isinstance(first, ast.Constant):
            assert isinstance(first.value, str), where
            names = {k.arg for k in call.keywords}
            Message(first.value, **dict.fromkeys(names, Number(1))).__str__()
            for name in names:
                assert "{" + name in first.value, f"{where}: nothing shows {name}"
        else:
            assert isinstance(first, LATER), f"{where}: {ast.unparse(first)}"
            assert not call.keywords or isinstance(first, ast.Name), where


class Number(int):
    """A value that every format of a template takes."""

    def __format__(self, form: str) -> str:
        return super().__format__(form) if form != "" else str(int(self))


@pytest.fixture
def catalog(monkeypatch):
    """A language whose words are ours in brackets; it keeps what was asked for."""

    class Bracketed(gettext.NullTranslations):
        def __init__(self):
            super().__init__()
            self.texts: set[str] = set()

        def gettext(self, message: str) -> str:
            self.texts.add(message)
            return f"⟦{message}⟧"

    bracketed = Bracketed()
    monkeypatch.setattr(translation, "_catalog", lambda language: bracketed)
    return bracketed


@every_exercise
def test_all_that_a_check_says_is_translated(lesson, exercise, catalog, monkeypatch):
    """Whatever stands outside of brackets is a name, a value or a sign."""
    monkeypatch.setattr(exercises, "_hints_shown", {})
    modules = f"exercises_{lesson:02d}.py", "exercises.py", "causes.py", "answer_forms.py"
    known = set().union(*(templates(PACKAGE / "lessons" / name) for name in modules))
    for answer, _ in answers(lesson).WRONG[exercise.identifier]:
        catalog.texts.clear()
        text = said(check, exercise.identifier, answer)
        assert text.startswith(f"✗ {exercise.identifier} ⟦"), text
        outside = text.rpartition("⟧: ⟦")
        assert outside[1] and text.rstrip().endswith("⟧"), text
        assert catalog.texts & known, f"no template of the module: {text}"
    assert f": ⟦{exercise.hints[0]}⟧" in said(hint, exercise.identifier)
    text = said(check, exercise.identifier, exercise.solution)
    assert text == f"✓ {exercise.identifier} ⟦{exercise.title}⟧: ⟦correct⟧. ⟦{exercise.praise}⟧\n"


@every_lesson
def test_all_that_a_quiz_says_is_translated(lesson, catalog):
    repr(quiz(lesson))
    page = quiz(lesson)._repr_html_()
    for question in exercise_module(lesson).QUIZ:
        assert {question.text} | {option.text for option in question.options} <= catalog.texts
        assert {option.explanation for option in question.options} <= catalog.texts
    assert page.count("⟦") == page.count("⟧") > 20


def test_a_message_is_translated_when_it_is_shown_and_not_before(catalog):
    inner = Message("the {count} pieces", count=3)
    error = Mistake("look at {what}", what=inner)
    assert not catalog.texts
    assert str(error) == "⟦look at ⟦the 3 pieces⟧⟧"
    assert catalog.texts == {"look at {what}", "the {count} pieces"}


def test_a_message_without_values_is_shown_as_it_stands():
    assert str(Message('put an f before it: f"{name}"')) == 'put an f before it: f"{name}"'
    assert str(Mistake(Message("{n} and {{n}}", n=1))) == "1 and {n}"


def test_a_message_can_be_what_an_error_says():
    from course_lib.errors import CourseError

    assert str(CourseError(Message("no {thing} here", thing="file"))) == "no file here"
