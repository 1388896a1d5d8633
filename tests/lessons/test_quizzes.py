"""Quizzes: every option explains itself, and answers are counted right."""

from __future__ import annotations

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.lessons import quiz
from course_lib.lessons.catalog import LETTERS, Option, Question, exercise_module, lessons_with_exercises
from course_lib.lessons.event_log import read_events

every_lesson = pytest.mark.parametrize("lesson", lessons_with_exercises())


def right_letters(lesson: int) -> str:
    return "".join(
        LETTERS[[option.correct for option in question.options].index(True)]
        for question in exercise_module(lesson).QUIZ
    )


@every_lesson
def test_a_quiz_is_complete(lesson):
    questions = exercise_module(lesson).QUIZ
    assert len(questions) >= 5  # `course check` says how many a lesson needs
    for question in questions:
        assert question.text.rstrip().endswith(("?", ".", ":"))
        assert 3 <= len(question.options) <= 4
        assert sum(option.correct for option in question.options) == 1
        assert len({option.text for option in question.options}) == len(question.options)
        for option in question.options:
            assert len(option.explanation.split()) >= 4, f"{option.text!r} is explained in too few words"
    assert len({question.text for question in questions}) == len(questions)


@every_lesson
def test_the_right_answers_are_not_all_at_one_place(lesson):
    letters = right_letters(lesson)
    assert len(set(letters)) >= 3, f"the right answers are {letters}: one could pass without reading"


@every_lesson
@pytest.mark.parametrize("extreme", [min, max])
def test_the_length_of_an_option_gives_nothing_away(lesson, extreme):
    by_length = [
        extreme(q.options, key=lambda option: len(option.text)).correct for q in exercise_module(lesson).QUIZ
    ]
    assert sum(by_length) <= (2 if len(by_length) >= 7 else len(by_length) - 1)


def test_no_lesson_has_the_key_of_another():
    keys = [right_letters(lesson) for lesson in lessons_with_exercises()]
    assert len(set(keys)) == len(keys)


@every_lesson
def test_right_answers_are_all_right(lesson, home, capsys):
    assert quiz(lesson, right_letters(lesson)) is None
    out = capsys.readouterr().out
    count = len(right_letters(lesson))
    assert f"{count} of {count} right." in out and out.count("✓") == count and "✗" not in out
    assert [e["outcome"] for e in read_events()] == ["correct"] * count
    assert [e["number"] for e in read_events()] == [f"{lesson}.q{i}" for i in range(1, count + 1)]


@every_lesson
def test_a_wrong_answer_is_explained(lesson, home, capsys):
    letters = right_letters(lesson)
    wrong = ("b" if letters[0] == "a" else "a") + letters[1:]
    quiz(lesson, ", ".join(wrong.upper()))
    out = capsys.readouterr().out
    option = exercise_module(lesson).QUIZ[0].options[LETTERS.index(wrong[0])]
    assert (
        f"✗ 1{wrong[0]}: {option.explanation}" in out
        and f"{len(letters) - 1} of {len(letters)} right." in out
    )
    assert read_events()[0]["outcome"] == "wrong"


@every_lesson
def test_a_quiz_shows_itself(lesson):
    view = quiz(lesson)
    page, text = view._repr_html_(), repr(view)
    assert page.count("<details>") == sum(len(q.options) for q in exercise_module(lesson).QUIZ)
    assert page.count("✓ ") == len(right_letters(lesson))
    for question in exercise_module(lesson).QUIZ:
        assert question.text in text
        assert all(option.text in text for option in question.options)
    assert "✓" not in text  # a reader of the plain text must not see the answers
    assert f'quiz({lesson}, "' in html.unescape(page)


def test_the_number_may_be_typed_as_text(capsys):
    assert quiz("04") is not None and quiz("4") is not None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("lesson", [99, -1, "x", None, 4.5, [], "²"])
def test_an_unknown_lesson_gives_a_sentence(lesson, capsys):
    assert quiz(lesson) is None
    out = capsys.readouterr().out
    assert "has no quiz" in out and "4" in out and out.count("\n") == 1


@pytest.mark.parametrize("answers", ["", "a", "abcdabcdab", 3])
def test_a_wrong_count_of_letters_gives_a_sentence(answers, home, capsys):
    quiz(4, answers)
    assert f"{len(right_letters(4))} questions" in capsys.readouterr().out
    assert read_events() == []


def test_a_letter_without_option(home, capsys):
    count = len(right_letters(4))
    quiz(4, "z" * count)
    out = capsys.readouterr().out
    assert out.count("There is no option z.") == count and f"0 of {count} right." in out
    assert read_events() == []


@settings(max_examples=40, deadline=None)
@given(answers=st.text(max_size=8) | st.integers() | st.lists(st.text(max_size=1), max_size=6))
def test_no_answer_stops_the_lesson(answers):
    assert quiz(4, answers) is None


def test_markup_is_escaped_and_code_is_code():
    from course_lib.lessons.quizzes import _markup

    assert _markup("`x < y` & <b>") == "<code>x &lt; y</code> &amp; &lt;b&gt;"


@pytest.mark.parametrize("correct", [(), (0, 1)])
def test_a_question_has_exactly_one_right_option(correct):
    options = tuple(Option(str(i), "because it is so", i in correct) for i in range(3))
    with pytest.raises(ValueError, match="exactly one"):
        Question("Why?", *options)


@pytest.mark.parametrize("count", [1, 5])
def test_a_question_has_two_to_four_options(count):
    options = tuple(Option(str(i), "because it is so", i == 0) for i in range(count))
    with pytest.raises(ValueError, match="2 to 4"):
        Question("Why?", *options)
