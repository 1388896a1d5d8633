"""The instructor's guide: fifteen full hours, and nothing in it that does not exist."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections import Counter
from itertools import pairwise

import nbformat
import pandas
import pytest

from course_lib import cli
from course_lib.lessons import check, quiz
from course_lib.lessons.catalog import exercise_module, find_exercise, lessons_with_exercises
from course_lib.lessons.event_log import progress_path
from course_lib.lessons.report import summary
from course_lib.maintenance import readme
from course_lib.maintenance.notebooks import notebook_path
from course_lib.slides.deck import DECKS, deck_paths, read_deck

GUIDE = (DECKS / "INSTRUCTOR_GUIDE.md").read_text(encoding="utf-8")
HOURS = re.findall(r"^### Hour (\d+) · (.+?)$(.+?)(?=^### |^## )", GUIDE, re.MULTILINE | re.DOTALL)


def test_there_are_fifteen_hours_with_all_lessons():
    assert [int(number) for number, _, _ in HOURS] == list(range(1, 16))
    numbers = {name[:2] for lessons in readme.SYLLABUS.values() for name in lessons}
    assert numbers <= set(re.findall(r"\b\d\d\b", " ".join(title for _, title, _ in HOURS)))


@pytest.mark.parametrize(("number", "title", "text"), HOURS, ids=[f"hour {number}" for number, _, _ in HOURS])
def test_an_hour_is_full(number, title, text):
    spans = [tuple(map(int, span)) for span in re.findall(r"^\| (\d+)–(\d+) \|", text, re.MULTILINE)]
    assert spans[0][0] == 0 and spans[-1][1] == 60
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    assert all(start < end for start, end in spans)
    for part in ("Beforehand:", "**Where students get stuck.**", "Say:", "**Discuss.**", "Model answer:"):
        assert part in text, part


@pytest.mark.parametrize(("number", "title", "text"), HOURS, ids=[f"hour {number}" for number, _, _ in HOURS])
def test_decks_exercises_and_quizzes_of_an_hour_exist(number, title, text):
    known = {path.stem[:2] for path in deck_paths()}
    assert set(re.findall(r"\bdeck (\d\d)\b", text)) <= known
    for exercise in re.findall(r"\b(\d{1,2}\.\d)\b(?!%)", text):
        lesson = int(exercise.split(".")[0])
        assert exercise in {e.identifier for e in exercise_module(lesson).EXERCISES}, exercise
    assert {int(lesson) for lesson in re.findall(r"quiz\((\d+)\)", text)} <= set(lessons_with_exercises())


def test_a_deck_fits_its_hour():
    for path in deck_paths():
        assert 15 <= read_deck(path).minutes <= 45, path.stem


CHOICE = re.compile(r"[Ff]rom deck (\d\d) (show only|leave out) ((?:.*?\*[^*]+\*)+?)[.:]")


def minutes_shown(text: str) -> dict[str, int]:
    """Return the minutes of each deck's slides that an hour shows, those that its text leaves out not counted."""
    chosen = {}
    for number, how, titles in CHOICE.findall(text):
        deck = read_deck(deck_paths([number])[0])
        minutes = {slide.title: slide.minutes for slide in deck.slides}
        named = sum(minutes[title] for title in re.findall(r"\*([^*]+)\*", titles))
        chosen[number] = named if how == "show only" else deck.minutes - named
    return chosen


def test_the_slides_of_an_hour_fit_its_minutes():
    planned, chosen = Counter(), {}
    for _, _, text in HOURS:
        for start, end, tools in re.findall(r"^\| (\d+)–(\d+) \| .+? \| (.+?) \|$", text, re.MULTILINE):
            for deck in re.findall(r"deck (\d\d)", tools):
                planned[deck] += int(end) - int(start)
        chosen |= minutes_shown(text)
    for path in deck_paths():
        deck = path.stem[:2]
        if deck in planned:  # the plan of a lesson that isn't finished has no deck
            needed = chosen.get(deck, read_deck(path).minutes)
            assert needed <= planned[deck], f"deck {deck}: {needed} minutes of slides in {planned[deck]}"


def test_the_table_of_what_lessons_build_on_is_what_they_say():
    rows = re.findall(r"^\| ([\d, ]+) \| ([\d, and]+) \|$", GUIDE, re.MULTILINE)
    assert len(rows) >= 8
    for lessons, before in rows:
        for lesson in re.findall(r"\d\d", lessons):
            notebook = nbformat.read(notebook_path(lesson), as_version=4)
            line = re.search(r"\*\*Before this\.\*\* .+", "\n".join(c.source for c in notebook.cells))[0]
            assert set(re.findall(r"\d\d", before)) == set(re.findall(r"\]\((\d\d)_", line)), lesson


def snippet(word: str) -> str:
    """Return the Python code of the guide in which a word occurs."""
    found = [code for code in re.findall(r"^ *```python\n(.+?)^ *```", GUIDE, re.M | re.S) if word in code]
    assert len(found) == 1
    return textwrap.dedent(found[0])


def test_the_sheet_of_exercises_has_all_of_them(capsys):
    exec(snippet("exercise.title"), {})
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    exercises = [e for lesson in lessons_with_exercises() for e in exercise_module(lesson).EXERCISES]
    assert rows == [[e.identifier, "★" * e.difficulty, str(e.minutes), e.title] for e in exercises]


def test_the_class_is_shown_at_a_glance(home, tmp_path, monkeypatch, capsys):
    check("4.1", find_exercise("4.1").solution)
    quiz(4, "abcdabcd"[: len(exercise_module(4).QUIZ)])
    (tmp_path / "handed_in").mkdir()
    shutil.copy(progress_path(), tmp_path / "handed_in" / "garcia.jsonl")
    monkeypatch.chdir(tmp_path)
    (command,) = re.findall(r"`course (collect handed_in [^`]+)`", GUIDE)
    assert cli.main(command.split()) == 0
    capsys.readouterr()
    sheets = pandas.read_excel("grades.xlsx", sheet_name=None)
    (row,) = sheets["grades"].to_dict("records")
    rows = summary().values()
    for kind in ("solved", "exercises", "right_at_first", "questions"):
        assert row[kind] == sum(lesson[kind] for lesson in rows)
    assert row["name"] == "garcia" and row["solved"] == 1 and row["right_at_first"] >= 1
    assert sheets["remarks"].empty


def test_the_report_is_described_as_it_is(home):
    described = set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE))
    report = summary()
    assert described == set(report[4])
    example = re.search(r'\{"04": \{.+?\}\}', GUIDE)[0]
    assert set(re.findall(r'"(\w+)":', example)) - {"04"} == described
    assert (
        f'"exercises": {report[4]["exercises"]}' in example
        and f'"questions": {report[4]["questions"]}' in example
    )


def test_its_commands_and_links_exist():
    commands = set(cli.COMMANDS)
    assert set(re.findall(r"`course (\w+)", GUIDE)) <= commands
    headings = {
        re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-")
        for h in re.findall(r"^#+ (.+)$", GUIDE, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", GUIDE):
        name, _, anchor = target.partition("#")
        assert (DECKS / name).resolve().exists() if name else anchor in headings, target
