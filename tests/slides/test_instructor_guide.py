"""The instructor's guide: fifteen full hours, and nothing in it that does not exist."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from course_lib import cli
from course_lib.lessons.catalog import exercise_module, lessons_with_exercises
from course_lib.lessons.report import summary
from course_lib.maintenance import readme
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
