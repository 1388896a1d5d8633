"""Exercises and quizzes on a page: hints, a solution and explanations, folded until someone asks for them."""

from __future__ import annotations

import html
import inspect
import re

from course_lib.html_text import escape
from course_lib.lessons.catalog import LETTERS, Exercise, Question
from course_lib.lessons.quiz_widget import explanation_html, option_html, with_code
from course_lib.translation import Message, translate

CHECK = re.compile(r"^check\(\s*\"(\d+\.\d+)\"", re.MULTILINE)
QUIZ = re.compile(r"^quiz\(\d+\)", re.MULTILINE)


def help_html(exercise: Exercise) -> str:
    """Return an exercise's hints and its solution, each folded away.

    Parameters
    ----------
    exercise : an exercise of a lesson.
    """
    of_all = len(exercise.hints)
    folds = [
        _fold(Message("Hint {step} of {all}", step=step, all=of_all), f"<p>{with_code(translate(text))}</p>")
        for step, text in enumerate(exercise.hints, 1)
    ]
    folds.append(_fold(Message("One solution"), highlighted(solution_of(exercise))))
    name = str(Message("Help with exercise {number}", number=exercise.identifier))
    return f'<div class="course-help" role="group" aria-label="{html.escape(name)}">{"".join(folds)}</div>'


def _fold(summary: str, content: str) -> str:
    return f"<details><summary>{escape(str(summary))}</summary>{content}</details>"


def solution_of(exercise: Exercise) -> str:
    """Return the source of an exercise's solution."""
    if callable(exercise.solution):
        return inspect.getsource(exercise.solution).rstrip()
    return f"answer = {exercise.solution!r}"


def highlighted(code: str) -> str:
    """Return Python code as HTML, in the classes that the site's styles color."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return (
        f'<div class="highlight-python">{highlight(code, PythonLexer(), HtmlFormatter(wrapcode=True))}</div>'
    )


def quiz_html(lesson: int, questions: list[Question]) -> str:
    """Return a quiz to click: a choice opens its explanation, and a small script counts what was right at once.

    Parameters
    ----------
    lesson : number of the lesson.
    questions : its questions.
    """
    asked = []
    for number, question in enumerate(questions, 1):
        options = "".join(
            f'<details data-right="{int(option.correct)}"><summary>{option_html(letter, option)}</summary>'
            f"<p>{explanation_html(option)}</p></details>"
            for letter, option in zip(LETTERS, question.options, strict=False)
        )
        text = with_code(translate(question.text))
        name = f"quiz-{lesson}-{number}"
        asked.append(
            f'<div role="group" aria-labelledby="{name}" class="course-question">'
            f'<p id="{name}"><b>{number}. {text}</b></p>{options}</div>'
        )
    count = html.escape(translate("{right} of {answered} right at once, {open} to go."))
    return (
        f'<div class="course-quiz" data-lesson="{lesson}" data-count="{count}">{"".join(asked)}'
        f'<p class="course-count" role="status"></p></div>'
    )
