"""A quiz to click: one button for each option, and each choice is kept before it's explained."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

from course_lib.html_text import escape
from course_lib.lessons.catalog import LETTERS, Option, Question
from course_lib.lessons.event_log import remember
from course_lib.translation import Message, translate

# A button of ipywidgets holds one line of plain text. So an option is written beside it, with its code and line
# breaks, and the button is laid over it: it's what's clicked, what Tab reaches, and what a screen reader names.
STYLE = """<style>
.course-quiz {max-width: 48em; overflow: hidden}
.course-quiz .widget-html, .course-quiz .widget-html-content
  {height: auto; margin: 0; line-height: 1.45; white-space: normal; overflow-wrap: anywhere}
.course-quiz .widget-html {overflow: visible}
.course-quiz .course-quiz-question {margin: 1.2em 0 0; overflow: visible}
.course-quiz .course-quiz-option
  {position: relative; margin: 0.35em 4px 0 1.2em; border: 1px solid var(--jp-border-color1, #888);
   border-radius: 4px; padding: 0.35em 0.7em; overflow: visible}
.course-quiz .course-quiz-option > button
  {position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; color: transparent;
   background: transparent; box-shadow: none; cursor: pointer; text-overflow: clip; border-radius: 4px}
.course-quiz .course-quiz-option:hover {border-color: var(--jp-ui-font-color1, currentColor)}
.course-quiz .course-quiz-option > button:focus-visible
  {outline: 2px solid var(--jp-brand-color1, #0072B2); outline-offset: 1px}
.course-quiz .course-quiz-explanation {margin: 0 4px 0 1.9em}
.course-quiz .course-quiz-explanation div[role] {padding: 0.2em 0 0.4em}
.course-quiz .course-quiz-count {margin-top: 1.2em}
</style>"""


def option_html(letter: str, option: Option) -> str:
    """Return an option as it's shown before it's chosen."""
    return f"{letter}) {with_code(translate(option.text))}"


def explanation_html(option: Option) -> str:
    """Return whether an option is right, and why."""
    verdict = f"✓ {translate('Right.')}" if option.correct else f"✗ {translate('No.')}"
    return f"{verdict} {with_code(translate(option.explanation))}"


def with_code(text: str) -> str:
    """Escape text for HTML, keeping `code` in backquotes as code."""
    pieces = [escape(piece) for piece in text.split("`")]
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))


def quiz_widget(lesson: int, questions: list[Question], hidden: str):
    """Return the quiz of a lesson as a widget.

    Parameters
    ----------
    lesson : number of the lesson.
    questions : its questions.
    hidden : CSS class of what isn't shown while the widget is, which is the same quiz without a kernel.

    Returns
    -------
    ipywidgets.VBox
        One box for each question, with a button for each option, and the count at the end.
    """
    from ipywidgets import HTML, VBox

    style = HTML(f"{STYLE}<style>.{hidden} {{display: none}}</style>")
    count = _text("", "course-quiz-count")
    right_at_once: dict[
        int, bool
    ] = {}  # number of each question answered: whether the first choice was right

    def count_choice(number: int, correct: bool) -> None:
        right_at_once.setdefault(number, correct)
        count.value = str(_count(right_at_once, len(questions)))

    boxes = [_question_box(lesson, n, question, count_choice) for n, question in enumerate(questions, 1)]
    count.value = str(_count(right_at_once, len(questions)))
    widget = VBox([style, *boxes, count])
    widget.add_class("course-quiz")
    return widget


def _count(right_at_once: dict[int, bool], questions: int) -> Message:
    """Return how many questions are answered or, at the end, how many were right at the first choice."""
    if len(right_at_once) < questions:
        message = "Click an option to see why it's right or wrong. Answered: {count} of {n}."
        return Message(message, count=len(right_at_once), n=questions)
    return Message(
        "{right} of {n} right at the first choice.", right=sum(right_at_once.values()), n=questions
    )


def _text(html: str, css_class: str):
    from ipywidgets import HTML

    text = HTML(html)
    text.add_class(css_class)
    return text


def _question_box(lesson: int, number: int, question: Question, count_choice):
    """Return a question with its options; a choice is kept, explained, and counted, in this order."""
    from ipywidgets import Box, Button, VBox

    heading = f"<b>{number}. {with_code(translate(question.text))}</b>"
    children = [_text(heading, "course-quiz-question")]
    last_choice = [""]  # a second click on the same option is no second choice
    for letter, option in zip(LETTERS, question.options, strict=False):
        name = f"{letter}) {translate(option.text).replace('`', '')}"
        button = Button(description=name, tooltip="")
        label = _text(f'<span aria-hidden="true">{option_html(letter, option)}</span>', "course-quiz-label")
        explanation = _text("", "course-quiz-explanation")

        def choose(_, letter=letter, option=option, explanation=explanation):
            if letter == last_choice[0]:
                return
            last_choice[0] = letter
            outcome = "correct" if option.correct else "wrong"
            with redirect_stdout(
                io.StringIO()
            ) as printed:  # a disk that's full; a click has no output of its own
                remember("quiz", f"{lesson}.q{number}", outcome, letter)
            warning = f"<p>{escape(printed.getvalue())}</p>" if printed.getvalue() else ""
            explanation.value = f'<div role="alert">{explanation_html(option)}{warning}</div>'
            count_choice(number, option.correct)

        button.on_click(choose)
        row = Box([label, button])
        row.add_class("course-quiz-option")
        children += [row, explanation]
    return VBox(children)
