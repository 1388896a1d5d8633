"""What a report says of the events, and the answers that it gives back."""

from __future__ import annotations

import json
import time

import pytest

from course_lib.figures.your_bert import PLACES, your_bert
from course_lib.lessons import exercises, progress, quiz
from course_lib.lessons.catalog import exercise_module
from course_lib.lessons.event_log import progress_path, read_events, remember, written_events
from course_lib.lessons.report import PARTS, last_answers, parts, print_answers, summary

pytestmark = pytest.mark.usefixtures("fresh_log")


def test_the_summary_counts():
    module = exercise_module(4)
    first, second = (e.identifier for e in module.EXERCISES[:2])
    for number, outcome in [(first, "wrong"), (first, "correct"), (first, "correct"), (second, "wrong")]:
        remember("exercise", number, outcome)
    remember("exercise", "99.1", "correct")  # a lesson that is gone
    remember("hint", first, "1")
    remember("quiz", "4.q1", "wrong", "a")
    remember("quiz", "4.q1", "correct", "b")
    remember("quiz", "4.q2", "wrong")  # as it was kept before letters were
    assert summary()[4] == {
        "exercises": len(module.EXERCISES),
        "solved": 1,
        "tries": 4,
        "questions": len(module.QUIZ),
        "answered": 1,
        "right_at_first": 0,
        "answers": {"4.q1": "b"},
    }
    assert 99 not in summary()


def test_the_first_letter_counts_whatever_comes_after():
    remember("exercise", "4.q3", "wrong")  # not of the quiz, as a file written by hand may hold
    for number, outcome in [("4.q1", "correct"), ("4.q2", "wrong"), ("4.q1", "wrong"), ("4.q3", "correct")]:
        remember("quiz", number, outcome, "a")
    remember("quiz", "4.q2", "correct", "b")
    assert (summary()[4]["right_at_first"], summary()[4]["answered"]) == (2, 3)


def test_the_letters_of_a_quiz_are_kept(capsys):
    letters = "abcd" * len(exercise_module(4).QUIZ)
    given = letters[: len(exercise_module(4).QUIZ)]
    quiz(4, given.upper())
    assert "".join(summary()[4]["answers"].values()) == given


def test_progress_prints_a_line_for_each_lesson(capsys):
    exercise = exercise_module(4).EXERCISES[0]
    remember("exercise", exercise.identifier, "correct")
    progress()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(summary()) + 2 + len(PARTS)
    (line,) = [line for line in lines if line.startswith("04")]
    assert f"1 / {len(exercise_module(4).EXERCISES)}" in line


def wrong_answer(*arguments):
    return 0


OLDER = """
{"time": 1700000000, "kind": "exercise", "number": "4.1", "outcome": "correct"}

{"time": 1700000001, "kind": "quiz", "number": "4.q1", "outcome": "wrong", "answer": "a"}
"""


def test_a_file_of_an_older_version_is_read_and_gone_on_with(capsys):
    progress_path().parent.mkdir(parents=True)
    progress_path().write_text(OLDER, encoding="utf-8")
    assert summary()[4]["solved"] == 1 and summary()[4]["answers"] == {"4.q1": "a"}
    print_answers()
    assert capsys.readouterr().out.startswith("No answer is kept yet")
    exercises.check("4.2", wrong_answer)
    assert [event["number"] for event in written_events()] == ["4.1", "4.q1", "4.2", "4.2"] and list(
        last_answers()
    ) == ["4.2"]
    assert summary()[4]["solved"] == 1 and summary()[4]["tries"] == 2


def test_the_last_answer_of_each_exercise_is_printed_as_python_with_its_date(capsys):
    remember("exercise", "10.1", "wrong", source="ten = 1\n")
    remember("exercise", "4.1", "wrong", source="four = 1\n")
    remember("exercise", "4.1", "correct", source="four = 2\n")
    remember("exercise", "4.1", "wrong")  # too long to be kept
    remember("solution", "4.2", "shown", source="not the learner's")
    date = time.strftime("%Y-%m-%d %H:%M", time.localtime(read_events()[2]["time"]))
    junk = {"kind": "exercise", "number": "5.1", "outcome": "wrong", "source": "five = 1"}
    with open(progress_path(), "a", encoding="utf-8") as file:
        for more in ({"time": 10**30}, {"source": ["no text"]}, {"time": "yesterday"}, {}):
            file.write(json.dumps(junk | more) + "\n")
    print_answers()
    said = capsys.readouterr().out
    assert f"# 4.1, correct, {date}\nfour = 2\n" in said
    assert "# 5.1, wrong, date unknown\nfive = 1\n" in said
    names = {}
    exec(said, names)
    assert (names["four"], names["five"], names["ten"]) == (2, 1, 1)
    assert said.index("four") < said.index("five") < said.index("ten") and said.count(" = ") == 3


@pytest.mark.parametrize("date", [10**30, -(10**30), 1e300, "yesterday", None, [1]])
def test_a_date_that_was_written_by_hand_stops_nothing(date, capsys):
    progress_path().parent.mkdir(parents=True)
    event = {"time": date, "kind": "exercise", "number": "5.1", "outcome": "wrong", "source": "five = 1"}
    progress_path().write_text(json.dumps(event), encoding="utf-8")
    print_answers()
    assert capsys.readouterr().out == "# 5.1, wrong, date unknown\nfive = 1\n\n"


def test_every_exercise_on_the_model_belongs_to_one_part_of_your_bert():
    named = [number for numbers in PARTS.values() for number in numbers]
    assert sorted(named) == sorted(e.identifier for n in range(2, 11) for e in exercise_module(n).EXERCISES)


def test_a_part_of_your_bert_is_built_when_all_its_exercises_are_solved(capsys):
    remember("exercise", "3.2", "correct")
    remember("exercise", "4.3", "correct")
    remember("exercise", "2.1", "wrong")
    remember("quiz", "2.1", "correct")  # no exercise
    found = parts()
    assert found["packing"] == (1, 2) and found["masked-word loss"] == (1, 1) and found["attention"] == (0, 1)
    progress()
    said = capsys.readouterr().out
    assert (
        "★ masked-word loss     1 / 1   4.3\n" in said and "◐ packing              1 / 2   3.2, 3.3\n" in said
    )
    assert "○ attention            0 / 1   2.1\n" in said


def test_your_bert_is_drawn_with_every_part_and_its_count():
    picture = your_bert(parts() | {"attention": (1, 1), "packing": (1, 2)})
    assert set(PLACES) == set(PARTS)
    texts = {text.get_text() for text in picture.figure.axes[0].texts}
    assert {"★ attention\n1 of 1", "◐ packing\n1 of 2", "○ masking\n0 of 3"} <= texts
    assert picture.title == "Your BERT: 1 of 15 parts" and "1 of 15 are built: attention." in picture.alt
