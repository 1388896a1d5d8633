"""Quizzes: each question shows its options, and every option explains itself once it's chosen."""

from __future__ import annotations

from itertools import cycle, islice
from uuid import uuid4

from course_lib.frontend import is_attended
from course_lib.lessons.catalog import LETTERS, Question, exercise_module, lessons_with_exercises
from course_lib.lessons.event_log import remember
from course_lib.lessons.quiz_widget import explanation_html, option_html, quiz_widget, with_code
from course_lib.translation import Message, translate

WIDGET = "application/vnd.jupyter.widget-view+json"


class _QuizView:
    """A quiz that shows itself: with buttons in a live notebook, folded in a stored one, as text elsewhere."""

    def __init__(self, lesson: int, questions: list[Question]):
        self.lesson, self.questions = lesson, questions

    def _ipython_display_(self) -> None:
        if not is_attended():
            raise NotImplementedError  # IPython goes on with the other forms below
        from IPython.display import display

        hidden = f"course-quiz-{uuid4().hex}"
        widget = quiz_widget(self.lesson, self.questions, hidden)
        # A notebook that's saved now has no widget when it's opened again, only a reference to one. So the folded
        # quiz goes with it: the widget's own style hides it, and its style hides the error in the widget's place.
        lost = f".jp-OutputArea-child:has(.{hidden}) + * > .jupyter-widgets:not(:has(*))"
        style = f"<style>{lost} {{display: none}}</style>"
        folded = f'<div class="{hidden}">{style}{self._repr_html_()}</div>'
        display({"text/html": folded, "text/plain": repr(self)}, raw=True)
        display({WIDGET: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}, raw=True)

    def _repr_html_(self) -> str:
        parts = []
        for number, question in enumerate(self.questions, 1):
            options = "".join(
                f'<details style="margin: 0.35em 0 0 1.2em"><summary>{option_html(letter, option)}</summary>'
                f'<p style="margin: 0.2em 0 0.5em 1.2em">{explanation_html(option)}</p></details>'
                for letter, option in zip(LETTERS, question.options, strict=False)
            )
            heading = f"<b>{number}. {with_code(translate(question.text))}</b>"
            parts.append(f'<p style="margin: 1.2em 0 0">{heading}</p>{options}')
        how = Message(
            "Open an option to see why it's right or wrong. To have your answers recorded, run this cell and "
            'click, or type all letters at once: quiz({n}, "{letters}").',
            n=self.lesson,
            letters="".join(islice(cycle(LETTERS[:3]), len(self.questions))),
        )
        return "".join(parts) + f'<p style="margin: 1.2em 0 0"><i>{with_code(str(how))}</i></p>'

    def __repr__(self) -> str:
        lines = []
        for number, question in enumerate(self.questions, 1):
            lines.append(f"{number}. {translate(question.text)}")
            for letter, option in zip(LETTERS, question.options, strict=False):
                lines.append(f"   {letter}) {translate(option.text)}")
        return "\n".join(lines)


def quiz(lesson: int, answers: str | None = None) -> _QuizView | None:
    """Show a lesson's quiz, or check answers to it.

    Parameters
    ----------
    lesson : number of the lesson.
    answers : one letter for each question, such as ``"abcda"``; the questions are shown if left out.
    """
    if isinstance(lesson, str) and lesson.strip().isdecimal():
        lesson = int(lesson)
    if lesson not in lessons_with_exercises():
        known = ", ".join(map(str, lessons_with_exercises()))
        print(Message("Lesson {lesson} has no quiz. There is one for: {known}.", lesson=lesson, known=known))
        return None
    questions = exercise_module(lesson).QUIZ
    if answers is None:
        return _QuizView(lesson, questions)
    letters = [letter for letter in str(answers).lower() if letter.isalnum()]
    if len(letters) != len(questions):
        message = "This quiz has {n} questions, and you gave {count} letters."
        print(Message(message, n=len(questions), count=len(letters)))
        return None
    right = 0
    for number, (question, letter) in enumerate(zip(questions, letters, strict=True), 1):
        position = LETTERS.find(letter)
        if not 0 <= position < len(question.options):
            print(Message("{n}. There is no option {letter}.", n=number, letter=letter))
            continue
        option = question.options[position]
        right += option.correct
        remember("quiz", f"{lesson}.q{number}", "correct" if option.correct else "wrong", letter)
        mark = "✓" if option.correct else "✗"
        print(f"{mark} {number}{letter}: {translate(option.explanation)}")
    print(Message("{right} of {n} right.", right=right, n=len(questions)))
    return None
