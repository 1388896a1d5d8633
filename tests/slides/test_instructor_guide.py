"""The instructor's guide: fifteen full hours, other plans that add up, and nothing in it that does not exist."""

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


# Other plans --------------------------------------------------------------------------------------


def plan(title: str) -> str:
    """Return the text of a plan that isn't the fifteen hours."""
    (text,) = re.findall(rf"^### {title}$(.+?)(?=^##)", GUIDE, re.MULTILINE | re.DOTALL)
    return text


def minutes_of(exercise: str) -> int:
    lesson = int(exercise.split(".")[0])
    return {e.identifier: e.minutes for e in exercise_module(lesson).EXERCISES}[exercise]


def exercises_in(text: str) -> list[str]:
    return re.findall(r"\b\d{1,2}\.\d\b", text)


def builds_on() -> dict[str, set[str]]:
    rows = re.findall(r"^\| ([\d, ]+) \| ([\d, and]+) \|$", GUIDE, re.MULTILINE)
    return {
        lesson: set(re.findall(r"\d\d", before))
        for lessons, before in rows
        for lesson in re.findall(r"\d\d", lessons)
    }


DAYS = re.findall(r"^\*\*(First|Second) day\.\*\*(.+?)(?=^\*\*|\Z)", plan("Two days"), re.M | re.S)


def clock(text: str) -> list[tuple[int, int, str, str]]:
    """Return the rows of a timetable: start and end in minutes after midnight, what, and with."""
    return [
        (60 * int(a) + int(b), 60 * int(c) + int(d), what, tools)
        for a, b, c, d, what, tools in re.findall(
            r"^\| (\d+):(\d\d)–(\d+):(\d\d) \| (.+?) \| (.*?) ?\|$", text, re.MULTILINE
        )
    ]


def test_one_hour_names_slides_that_fit_their_minutes():
    rows = [
        (int(start), int(end), what, tools)
        for start, end, what, tools in re.findall(
            r"^\| (\d+)–(\d+) \| (.+?) \| (.+?) \|$", plan("One hour"), re.MULTILINE
        )
    ]
    assert rows[0][0] == 0 and rows[-1][1] == 60
    assert all(before[1] == after[0] for before, after in pairwise(rows))
    shown = []
    for start, end, what, tools in rows:
        needed = sum(minutes_of(exercise) for exercise in exercises_in(what))
        for number, titles in re.findall(r"deck (\d\d): ((?:\*[^*]+\*(?:, )?)+)", tools):
            minutes = {slide.title: slide.minutes for slide in read_deck(deck_paths([number])[0]).slides}
            for title in re.findall(r"\*([^*]+)\*", titles):
                needed += minutes[title]
                shown.append((number, title))
        assert 0 <= end - start - needed <= 4, what
    assert len(shown) == len(set(shown)) > 12
    alone = re.search(r"^Another .+? Hours ([\d, and]+) below", plan("One hour"), re.MULTILINE)[1]
    single = [number for number, title, _ in HOURS if len(re.findall(r"\d\d", title)) == 1 and number != "6"]
    assert re.findall(r"\d+", alone) == single  # hour 6 needs what hour 5 has begun


@pytest.mark.parametrize(("day", "text"), DAYS, ids=[day for day, _ in DAYS])
def test_a_day_of_the_workshop_is_full(day, text):
    rows = clock(text)
    assert (rows[0][0], rows[-1][1]) == (9 * 60, 16 * 60 + 30)
    assert all(before[1] == after[0] for before, after in pairwise(rows))
    pauses = [end - start for start, end, what, _ in rows if what in ("Break", "Lunch")]
    work = sum(end - start for start, end, _, _ in rows) - sum(pauses)
    assert sorted(pauses) == [15, 15, 15, 60] and work >= 5.75 * 60
    longest = run = 0
    for start, end, what, _ in rows:
        run = 0 if what in ("Break", "Lunch") else run + end - start
        longest = max(longest, run)
    assert longest <= 100
    for start, end, what, _ in rows:
        if "whatever" not in what:  # as far as each one gets
            assert sum(minutes_of(exercise) for exercise in exercises_in(what)) <= end - start, what


@pytest.mark.parametrize(("day", "text"), DAYS, ids=[day for day, _ in DAYS])
def test_the_slides_of_a_day_fit_its_minutes(day, text):
    planned, chosen = Counter(), minutes_shown(text)
    for start, end, _, tools in clock(text):
        for deck in re.findall(r"deck (\d\d)", tools):
            planned[deck] += end - start
    assert len(planned) >= 5 and set(chosen) <= set(planned)
    for deck, minutes in planned.items():
        needed = chosen.get(deck, read_deck(deck_paths([deck])[0]).minutes)
        assert 0 <= minutes - needed <= 3, f"deck {deck}: {needed} minutes of slides in {minutes}"


def test_the_workshop_teaches_nothing_before_what_it_builds_on():
    taught = [deck for _, text in DAYS for row in clock(text) for deck in re.findall(r"deck (\d\d)", row[3])]
    for position, deck in enumerate(taught):
        assert builds_on().get(deck, set()) <= set(taught[:position]), deck
    teaching = (DECKS.parent / "docs" / "teaching.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| \[two days\].+$", teaching, re.MULTILINE)
    assert [deck for deck in dict.fromkeys(taught) if deck != "05"] == re.findall(r"\b\d\d\b", row)


WEEKS = re.findall(r"^\| (\d+) \| (lessons? .+?) \| (.+?) \| (.+?) \|$", plan("Fourteen weeks"), re.MULTILINE)


def test_fourteen_weeks_hold_fifteen_hours():
    assert [int(week) for week, *_ in WEEKS] == list(range(1, 15))
    text = " ".join(in_class for _, _, in_class, _ in WEEKS)
    whole = re.findall(r"\bhour (\d+) \((\d+)\)", text)
    assert whole == [(number, "60") for number, _, _ in HOURS if number != "14"]
    parts = []
    for spans, minutes in re.findall(r"hour 14, minutes ([\d– and]+) \((\d+)\)", text):
        found = [(int(a), int(b)) for a, b in re.findall(r"(\d+)–(\d+)", spans)]
        assert sum(b - a for a, b in found) == int(minutes)
        parts += found
    (hour,) = [text for number, _, text in HOURS if number == "14"]
    starts = {int(start) for start in re.findall(r"^\| (\d+)–", hour, re.MULTILINE)}
    left_out = [(before[1], after[0]) for before, after in pairwise(parts) if before[1] != after[0]]
    assert parts[0][0] == 0 and parts[-1][1] == 60 and {a for a, _ in parts} <= starts
    for start, end in left_out:  # an exercise, which is an assignment then
        (what,) = re.findall(rf"^\| {start}–{end} \| (.+?) \|", hour, re.MULTILINE)
        assert exercises_in(what) and set(exercises_in(what)) <= set(exercises_in(WEEKS[12][3]))


@pytest.mark.parametrize(
    ("week", "reading", "in_class", "assignment"), WEEKS, ids=[week for week, *_ in WEEKS]
)
def test_the_minutes_of_a_week_add_up(week, reading, in_class, assignment):
    assert sum(map(int, re.findall(r"\((\d+)\)", in_class))) == 90
    for part in [*in_class.split("; "), *assignment.split("; ")]:
        assert re.fullmatch(r".+ \(\d+\)", part), part
        for exercise, minutes in re.findall(r"^(\d{1,2}\.\d) \((\d+)\)$", part):
            assert minutes_of(exercise) == int(minutes), exercise
    lessons = {f"{int(e.split('.')[0]):02d}" for e in exercises_in(f"{in_class} {assignment}")}
    read = {n for _, text, _, _ in WEEKS[: int(week)] for n in re.findall(r"\b\d\d\b", text.split(";")[0])}
    assert lessons <= read | {"01"}  # the first meeting begins lesson 01


def test_each_exercise_has_its_place_in_the_semester():
    in_hours = [
        exercise
        for number, _, text in HOURS
        for what in re.findall(r"^\| \d+–\d+ \| (.+?) \|", text, re.MULTILINE)
        for exercise in exercises_in(what.split("; anyone who's done")[0])
        if exercise != "18.1"  # its part of hour 14 is left out
    ]
    in_weeks = [e for _, _, in_class, assignment in WEEKS for e in exercises_in(f"{in_class}; {assignment}")]
    (more,) = re.findall(
        r"^Exercises ([\d., and]+) and those of lesson 20 are for", plan("Fourteen weeks"), re.M
    )
    every = {e.identifier for n in lessons_with_exercises() if n != 20 for e in exercise_module(n).EXERCISES}
    placed = Counter([*in_hours, *in_weeks, *exercises_in(more)])
    assert set(placed) == every and max(placed.values()) == 1


def test_the_table_of_a_week_has_the_columns_that_the_plan_names(home, tmp_path, monkeypatch, capsys):
    check("4.1", find_exercise("4.1").solution)
    (tmp_path / "handed_in").mkdir()
    shutil.copy(progress_path(), tmp_path / "handed_in" / "garcia.jsonl")
    monkeypatch.chdir(tmp_path)
    text = plan("Fourteen weeks")
    (command,) = re.findall(r"`course (collect [^`]+)`", text)
    assert cli.main(command.split()) == 0
    capsys.readouterr()
    (grades,) = re.findall(r"--save (\S+)", command)
    assert set(re.findall(r"`(\d\d \w+)`", text)) <= set(pandas.read_csv(grades).columns)
    (exercises,) = re.findall(r"`(\S+-exercises\.csv)`", text)
    assert {"tries", "hints"} <= set(pandas.read_csv(exercises).columns)


# The rest of the guide ----------------------------------------------------------------------------


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
    (command,) = re.findall(r"`course (collect handed_in --save grades[^`]+)`", GUIDE)
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
