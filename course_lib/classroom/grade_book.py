"""The grade book of a class: what each learner has solved, checked again, and what a teacher should look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas

from course_lib.classroom.closed_process import RIGHT, UNCHECKED, WRONG, Answer, Verdict, check_again
from course_lib.classroom.handed_in import HandedIn, find_logs, read_log
from course_lib.errors import SettingError
from course_lib.files import whole_file
from course_lib.lessons.catalog import LETTERS, exercise_module
from course_lib.lessons.report import summary
from course_lib.translation import Message

UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]"
)  # no terminal, CSV or XLSX takes all of them
NOT_SAVED = "not saved"  # marked as solved, without the answer
CheckAgain = Callable[[Sequence[Answer]], list[Verdict]]


@dataclass
class Learner:
    """One learner's row of the grade book.

    Parameters
    ----------
    name : of the learner.
    lessons : by number, as :func:`course_lib.lessons.report.summary` returns them; ``solved`` counts the answers
        that the second look didn't refute.
    exercises : one dictionary for each exercise that was tried: ``exercise``, ``logged``, ``checked``, ``tries``,
        ``hints``, ``solution shown`` and ``sentence``.
    remarks : what a teacher should look at.
    """

    name: str
    lessons: dict[int, dict]
    exercises: list[dict] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def collect(folder: Path, check: CheckAgain = check_again) -> Iterator[Learner]:
    """Yield the rows of a class, one learner after the other.

    Parameters
    ----------
    folder : with the learners' logs, see :func:`~course_lib.classroom.handed_in.find_logs`.
    check : checks answers again.

    Raises
    ------
    DataFileError
        If no log is found, or a learner has two.
    """
    for name, path in find_logs(folder).items():
        yield graded(read_log(name, path), check)


def graded(handed_in: HandedIn, check: CheckAgain = check_again) -> Learner:
    """Return a learner's row.

    Parameters
    ----------
    handed_in : the log.
    check : checks answers again.
    """
    events = handed_in.events
    learner = Learner(_clean(handed_in.name), summary(events))
    learner.remarks = [_clean(remark) for remark in (*handed_in.remarks, *_wrong_letters(events))]
    answers = [answer for lesson in learner.lessons for answer in _saved_answers(events, lesson)]
    verdicts = {verdict.number: verdict for verdict in check(answers)}
    for lesson, row in learner.lessons.items():
        row["solved"] = 0
        for exercise in exercise_module(lesson).EXERCISES:
            found = _exercise_row(events, exercise.identifier, verdicts.get(exercise.identifier))
            if not found["tries"]:
                continue
            learner.exercises.append(found)
            row["solved"] += found["checked"] in (RIGHT, UNCHECKED)
            if found["logged"] == "correct" and found["checked"] in (WRONG, NOT_SAVED):
                learner.remarks.append(_refuted(found))
    return learner


def _saved_answers(events: list[dict], lesson: int) -> list[Answer]:
    """Return the answers of a lesson to be checked again: of each exercise, the last right one."""
    sources = {}
    for event in events:
        if (
            event["kind"] == "exercise"
            and event["outcome"] == "correct"
            and isinstance(event.get("source"), str)
        ):
            sources[event["number"]] = event["source"]
    numbers = [
        exercise.identifier
        for exercise in exercise_module(lesson).EXERCISES
        if exercise.identifier in sources
    ]
    return [
        Answer(number, sources[number], tuple(sources[other] for other in numbers if other != number))
        for number in numbers
    ]


def _exercise_row(events: list[dict], number: str, verdict: Verdict | None) -> dict:
    mine = [event for event in events if event["number"] == number]
    outcomes = [event["outcome"] for event in mine if event["kind"] == "exercise"]
    logged = "correct" if "correct" in outcomes else "wrong"
    if verdict is not None:
        checked, sentence = verdict.outcome, _clean(verdict.sentence)
    else:
        checked, sentence = (NOT_SAVED, "") if logged == "correct" else (WRONG, "")
    return {
        "exercise": number,
        "logged": logged,
        "checked": checked,
        "tries": len(outcomes),
        "hints": sum(event["kind"] == "hint" for event in mine),
        "solution shown": any(event["kind"] == "solution" for event in mine),
        "sentence": sentence,
    }


def _refuted(row: dict) -> str:
    if row["checked"] == NOT_SAVED:
        return str(
            Message("{number} is logged as solved, and no answer is kept with it.", number=row["exercise"])
        )
    return str(
        Message(
            "{number} is logged as solved, and its answer is wrong: {sentence}",
            number=row["exercise"],
            sentence=row["sentence"],
        )
    )


def _wrong_letters(events: list[dict]) -> list[str]:
    """Return a remark for each quiz answer that is logged as right and isn't, or the other way round."""
    remarks = []
    for event in events:
        right = _right_letter(event["number"]) if event["kind"] == "quiz" else None
        letter = event.get("answer")
        if right is None or not isinstance(letter, str):
            continue
        if (letter == right) != (event["outcome"] == "correct"):
            remarks.append(
                str(
                    Message(
                        "Question {number} is logged as {outcome}, and the answer {letter} isn't.",
                        number=event["number"],
                        outcome=event["outcome"],
                        letter=letter,
                    )
                )
            )
    return remarks


def _right_letter(number: str) -> str | None:
    """Return the right letter of a question such as ``4.q1``; None if there is no such question."""
    lesson, _, position = number.partition(".q")
    try:
        question = exercise_module(int(lesson)).QUIZ[int(position) - 1]
    except (ImportError, ValueError, IndexError):
        return None
    return LETTERS[[option.correct for option in question.options].index(True)]


def tables(learners: Sequence[Learner]) -> dict[str, pandas.DataFrame]:
    """Return the sheets of a grade book: ``grades`` (a row for each learner), ``exercises`` and ``remarks``."""
    grades, exercises, remarks = [], [], []
    for learner in learners:
        row: dict[str, object] = {"name": learner.name}
        for key in ("solved", "exercises", "tries", "right_at_first", "answered", "questions"):
            row[key] = sum(lesson[key] for lesson in learner.lessons.values())
        row["remarks"] = len(learner.remarks)
        for number, lesson in learner.lessons.items():
            row[f"{number:02d} solved"] = lesson["solved"]
            row[f"{number:02d} quiz"] = lesson["right_at_first"]
        grades.append(row)
        exercises += [{"name": learner.name, **found} for found in learner.exercises]
        remarks += [{"name": learner.name, "remark": remark} for remark in learner.remarks]
    columns = ["name", "exercise", "logged", "checked", "tries", "hints", "solution shown", "sentence"]
    return {
        "grades": pandas.DataFrame(grades),
        "exercises": pandas.DataFrame(exercises, columns=columns),
        "remarks": pandas.DataFrame(remarks, columns=["name", "remark"]),
    }


def check_grade_book(path: Path) -> None:
    """Refuse a file that a grade book can't be (SettingError)."""
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise SettingError(f"{path} ends neither in .csv nor in .xlsx. Choose one of them.")


def write_grade_book(learners: Sequence[Learner], path: Path) -> list[Path]:
    """Write a grade book, whole or not at all.

    Parameters
    ----------
    learners : the rows.
    path : ``.xlsx`` for one file of three sheets; ``.csv`` for the grades, with the other two sheets beside it.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    SettingError
        If the file's name ends otherwise.
    """
    check_grade_book(path)
    sheets = {name: table.map(_harmless) for name, table in tables(learners).items()}
    if path.suffix.lower() == ".xlsx":
        with (
            whole_file(path) as unfinished,
            open(unfinished, "xb") as file,
            pandas.ExcelWriter(file, engine="openpyxl") as book,
        ):
            for name, table in sheets.items():
                table.to_excel(book, sheet_name=name, index=False, freeze_panes=(1, 1))
        return [path]
    written = []
    for name, table in sheets.items():
        file = path if name == "grades" else path.with_name(f"{path.stem}-{name}.csv")
        with whole_file(file) as unfinished:
            table.to_csv(unfinished, index=False)
        written.append(file)
    return written


def _clean(text: str) -> str:
    """Return a text in which a mark stands for each character that can't be printed or saved."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _harmless(value: object) -> object:
    """Keep a spreadsheet from running a learner's text as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
