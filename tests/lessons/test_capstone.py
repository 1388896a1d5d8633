"""The learner's own functions in the library's place, and the reference where one lacks."""

from __future__ import annotations

import inspect
import sys
from textwrap import dedent

import pytest

from course_lib.lessons import yours
from course_lib.lessons.capstone import saved_answer
from course_lib.lessons.catalog import find_exercise
from course_lib.lessons.event_log import progress_path, remember

pytestmark = pytest.mark.usefixtures("fresh_log")

RIGHT = dedent(
    """\
    def how_many(count):
        return min(20, max(1, round(count * 0.15)))
    """
)


def own_how_many(count):
    return min(20, max(1, round(count * 0.15)))


def stub(count): ...


def always_one(count):
    return 1


def test_a_right_answer_is_used_and_named(capsys):
    assert yours({"4.1": own_how_many}) == [own_how_many]
    assert capsys.readouterr().out == "★ 4.1 How many tokens to choose: yours\n"


@pytest.mark.parametrize(
    "answer, said", [(stub, "until you've solved it"), (always_one, 'check("4.1", …) says why')]
)
def test_the_reference_stands_in_and_is_named(answer, said, capsys):
    assert yours({"4.1": answer}) == [find_exercise("4.1").solution]
    out = capsys.readouterr().out
    assert "4.1 How many tokens to choose: the reference" in out and said in out


def test_each_answer_comes_in_its_place(capsys):
    found = yours({"4.4": ..., "4.1": own_how_many, "4.3": stub})
    assert found == [find_exercise("4.4").solution, own_how_many, find_exercise("4.3").solution]
    assert [line[:5] for line in capsys.readouterr().out.splitlines()] == ["○ 4.4", "★ 4.1", "○ 4.3"]


def test_the_last_right_answer_of_another_notebook_comes_back(capsys):
    remember("exercise", "4.1", "correct", source="def old(count):\n    return 1\n")
    remember("exercise", "4.1", "correct", source=RIGHT)
    remember("exercise", "4.1", "wrong", source="def how_many(count):\n    return 7\n")
    (function,) = yours(["4.1"])
    assert function.__name__ == "how_many" and function(100) == 15
    assert inspect.getsource(function) == RIGHT  # so that a check can say the line
    assert capsys.readouterr().out.startswith("★ 4.1")


def test_a_value_and_a_class_come_back_too():
    remember("exercise", "4.1", "correct", source="answer = [1, 2]")
    remember("exercise", "4.2", "correct", source="class Mine:\n    size = 3\n")
    assert saved_answer("4.1") == [1, 2] and saved_answer("4.2").size == 3


def test_a_saved_answer_finds_the_names_of_the_notebook(monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "share_of_the_notebook", 0.15, raising=False)
    text = "def how_many(count):\n    return min(20, max(1, int(round(count * share_of_the_notebook))))\n"
    remember("exercise", "4.1", "correct", source=text)
    assert yours(["4.1"])[0](100) == 15


@pytest.mark.parametrize(
    "source",
    ["def how_many(count", "", "1 / 0", "import gone_for_good\n", "def f(count):\n    return gone\n"],
)
def test_a_saved_answer_that_no_longer_runs_gives_way_to_the_reference(source, capsys):
    remember("exercise", "4.1", "correct", source=source)
    assert yours(["4.1"]) == [find_exercise("4.1").solution]


def test_a_line_written_by_hand_is_passed_over():
    progress_path().parent.mkdir(parents=True, exist_ok=True)
    progress_path().write_text(
        '{"kind": "exercise", "number": "4.1", "outcome": "correct", "source": 5}\n', encoding="utf-8"
    )
    assert saved_answer("4.1") is ...


def test_an_exercise_that_is_not_there_is_an_error():
    with pytest.raises(LookupError, match=r"no exercise 4\.99"):
        yours(["4.99"])
