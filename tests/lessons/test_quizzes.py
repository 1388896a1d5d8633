"""Quizzes: every option explains itself, and answers are counted right."""

from __future__ import annotations

import html
import re

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.lessons import quiz, quizzes
from course_lib.lessons import quiz_widget as widget_module
from course_lib.lessons.catalog import LETTERS, Option, Question, exercise_module, lessons_with_exercises
from course_lib.lessons.event_log import read_events
from course_lib.lessons.quiz_widget import quiz_widget
from course_lib.lessons.quizzes import WIDGET
from course_lib.maintenance.notebooks import notebook_paths

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
    assert page.count("<details ") == sum(len(q.options) for q in exercise_module(lesson).QUIZ)
    assert page.count("✓ ") == len(right_letters(lesson))
    for question in exercise_module(lesson).QUIZ:
        assert question.text in text
        assert all(option.text in text for option in question.options)
    assert "✓" not in text  # a reader of the plain text must not see the answers
    example = re.search(rf'quiz\({lesson}, "(\w+)"\)', html.unescape(page))[1]
    assert len(example) == len(right_letters(lesson)) and example != right_letters(lesson)


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
    from course_lib.lessons.quiz_widget import with_code

    assert with_code("`x < y` & <b>") == "<code>x &lt; y</code> &amp; &lt;b&gt;"


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


# Clicking ------------------------------------------------------------------------------------------


def clickable(lesson: int = 4):
    """Return a quiz widget, and a function that clicks an option of a question, both counted from 0."""
    widget = quiz_widget(lesson, exercise_module(lesson).QUIZ, "folded")

    def parts(question: int, option: int):
        row, explanation = widget.children[question + 1].children[2 * option + 1 : 2 * option + 3]
        return row.children[1], explanation

    return widget, parts


def letters_of(events: list[dict]) -> list[tuple[str, str, str]]:
    return [(event["number"], event["answer"], event["outcome"]) for event in events]


def test_a_choice_is_kept_before_it_is_explained(home, monkeypatch):
    _, parts = clickable()
    button, explanation = parts(0, 0)
    seen = []
    monkeypatch.setattr(widget_module, "remember", lambda *event: seen.append((event, explanation.value)))
    button.click()
    outcome = "correct" if exercise_module(4).QUIZ[0].options[0].correct else "wrong"
    assert seen == [(("quiz", "4.q1", outcome, "a"), "")]  # nothing is explained at that moment
    assert (
        html.escape(exercise_module(4).QUIZ[0].options[0].explanation[:12], quote=False) in explanation.value
    )


def test_every_choice_is_kept_and_the_first_one_stays(home):
    _, parts = clickable()
    right = LETTERS.index(right_letters(4)[0])
    wrong = 1 if right == 0 else 0
    for option in (wrong, wrong, right):  # a second click on the same option is no second choice
        parts(0, option)[0].click()
    expected = [("4.q1", LETTERS[wrong], "wrong"), ("4.q1", LETTERS[right], "correct")]
    assert letters_of(read_events()) == expected
    assert all(parts(0, option)[1].value for option in (wrong, right))  # both explanations stay


@every_lesson
def test_the_count_is_of_first_choices_and_comes_at_the_end(lesson, home):
    widget, parts = clickable(lesson)
    places = [LETTERS.index(letter) for letter in right_letters(lesson)]
    parts(0, 1 if places[0] == 0 else 0)[0].click()
    for question, place in enumerate(places):
        assert "first choice" not in widget.children[-1].value or question == len(places)
        parts(question, place)[0].click()
    assert widget.children[-1].value == f"{len(places) - 1} of {len(places)} right at the first choice."
    assert len(read_events()) == len(places) + 1


@every_lesson
def test_a_button_names_its_option_and_shows_it_as_code(lesson):
    widget, parts = clickable(lesson)
    for number, question in enumerate(exercise_module(lesson).QUIZ):
        for place, (letter, option) in enumerate(zip(LETTERS, question.options, strict=False)):
            button, explanation = parts(number, place)
            assert button.description == f"{letter}) {option.text.replace('`', '')}"
            assert explanation.value == "" and option.explanation not in str(widget.get_state())


def test_a_full_disk_is_told_beside_the_explanation(home, monkeypatch, capsys):
    home.mkdir(parents=True, exist_ok=True)
    (home / "progress.jsonl").mkdir()  # nothing can be written there
    _, parts = clickable()
    button, explanation = parts(0, 0)
    button.click()
    assert "could not be saved" in explanation.value and capsys.readouterr().out == ""


def test_buttons_are_shown_to_a_person_and_the_folded_quiz_is_kept_with_them(kernel):
    folded, view = (message["data"] for message in kernel.messages("quiz(4)", person=True))
    assert set(view) == {WIDGET}  # no text: what cannot show a widget shows nothing in its place
    assert folded["text/plain"] == repr(quiz(4)) and quiz(4)._repr_html_() in folded["text/html"]


def test_without_a_person_the_folded_quiz_is_the_whole_output(kernel):
    (result,) = kernel.messages("quiz(4)", person=False)
    assert result["kind"] == "execute_result"
    assert result["data"] == {"text/html": quiz(4)._repr_html_(), "text/plain": repr(quiz(4))}


def test_the_widget_hides_the_folded_quiz_and_nothing_else(monkeypatch):
    shown = []
    monkeypatch.setattr(quizzes, "is_attended", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    made = []
    monkeypatch.setattr(quizzes, "quiz_widget", lambda *given: made.append(quiz_widget(*given)) or made[-1])
    quiz(4)._ipython_display_()
    quiz(4)._ipython_display_()
    classes = [re.match(r'<div class="(.+?)">', data["text/html"])[1] for data in shown[::2]]
    assert len(set(classes)) == 2
    for name, widget, view in zip(classes, made, shown[1::2], strict=True):
        assert f".{name} {{display: none}}" in widget.children[0].value
        assert view[WIDGET]["model_id"] == widget.model_id


@pytest.mark.parametrize("path", notebook_paths(), ids=lambda path: path.stem)
def test_no_committed_notebook_holds_a_widget(path):
    notebook = nbformat.read(path, as_version=4)
    assert "widgets" not in notebook.metadata
    kinds = {kind for cell in notebook.cells for o in cell.get("outputs", []) for kind in o.get("data", {})}
    assert WIDGET not in kinds
