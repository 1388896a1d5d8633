"""Quizzes: each question shows its options, and every option explains itself."""

from __future__ import annotations

from course_lib.html_text import escape
from course_lib.lessons.catalog import LETTERS, Question, exercise_module, lessons_with_exercises
from course_lib.lessons.event_log import remember
from course_lib.translation import Message, translate


class _QuizView:
    """A quiz that shows itself: with folding explanations in a notebook, as text elsewhere."""

    def __init__(self, lesson: int, questions: list[Question]):
        self.lesson, self.questions = lesson, questions

    def _repr_html_(self) -> str:
        parts = []
        for number, question in enumerate(self.questions, 1):
            options = "".join(
                f"<details><summary>{letter}) {_markup(translate(option.text))}</summary>"
                f"<p>{'✓ ' + translate('Right.') if option.correct else '✗ ' + translate('No.')} "
                f"{_markup(translate(option.explanation))}</p></details>"
                for letter, option in zip(LETTERS, question.options, strict=False)
            )
            parts.append(f"<p><b>{number}. {_markup(translate(question.text))}</b></p>{options}")
        how = translate(
            'Open an option to see why it is right or wrong, or answer all at once: quiz({n}, "abcda").'
        )
        return "".join(parts) + f"<p><i>{_markup(how.format(n=self.lesson))}</i></p>"

    def __repr__(self) -> str:
        lines = []
        for number, question in enumerate(self.questions, 1):
            lines.append(f"{number}. {translate(question.text)}")
            for letter, option in zip(LETTERS, question.options, strict=False):
                lines.append(f"   {letter}) {translate(option.text)}")
        return "\n".join(lines)


def _markup(text: str) -> str:
    """Escape text for HTML, keeping `code` in backquotes as code."""
    pieces = [escape(piece) for piece in text.split("`")]
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))


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
