"""``course collect``: the grade book of a class, and answers that want out of their process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas
import pytest

from course_lib.classroom.closed_process import Answer, _verdict_in, check_again
from course_lib.classroom.grade_book import collect, graded, tables, write_grade_book
from course_lib.classroom.handed_in import find_logs, read_log
from course_lib.cli import main
from course_lib.errors import DataFileError, SettingError
from course_lib.lessons.catalog import LETTERS, exercise_module
from course_lib.lessons.exercises import source_of

RIGHT = "def how_many(length):\n    return min(20, max(1, round(0.15 * length)))\n"
WRONG = "def how_many(length):\n    return 1\n"


def event(kind, number, outcome, **more):
    return {"time": 1_790_000_000, "kind": kind, "number": number, "outcome": outcome, **more}


def solved(number="4.1", source=RIGHT):
    return event("exercise", number, "correct", source=source)


def write_log(path: Path, *events) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
    return path


def learner(tmp_path, *events, **how):
    return graded(read_log("ada", write_log(tmp_path / "ada.jsonl", *events)), **how)


def test_logs_are_found_by_file_and_by_folder(tmp_path):
    write_log(tmp_path / "ada.jsonl")
    write_log(tmp_path / "ben" / ".course" / "progress.jsonl")
    write_log(tmp_path / "ben" / "data" / "train.jsonl")
    assert list(find_logs(tmp_path)) == ["ada", "ben"]


def test_two_logs_of_one_learner_are_told(tmp_path):
    write_log(tmp_path / "ada.jsonl")
    write_log(tmp_path / "ada" / "progress.jsonl")
    with pytest.raises(DataFileError, match=r"ada has another log.*Keep one"):
        find_logs(tmp_path)


@pytest.mark.parametrize("missing", [True, False])
def test_a_folder_without_logs_is_told(tmp_path, missing):
    folder = tmp_path / "missing" if missing else tmp_path
    with pytest.raises(DataFileError, match="not a folder" if missing else "no log in it"):
        find_logs(folder)


def test_broken_lines_are_counted_and_the_rest_goes_on(tmp_path):
    path = write_log(tmp_path / "ada.jsonl", solved())
    path.write_bytes(b"this isn't JSON\n\xff\xfe\n[1, 2]\n" + path.read_bytes())
    found = graded(read_log("ada", path))
    assert found.remarks == ["3 of 4 lines are no events, the first one is line 1."]
    assert found.lessons[4]["solved"] == 1


def test_a_right_answer_counts_and_a_tampered_one_is_told(tmp_path):
    found = learner(
        tmp_path, solved(), solved("4.2", WRONG.replace("how_many", "corrupt")), solved("4.3", None)
    )
    assert found.lessons[4]["solved"] == 1 and found.lessons[4]["tries"] == 3
    assert [row["checked"] for row in found.exercises] == ["right", "wrong", "not saved"]
    first, second = found.remarks
    assert first.startswith("4.2 is logged as solved, and its answer is wrong: ")
    assert second == "4.3 is logged as solved, and no answer is kept with it."


def test_tries_hints_and_shown_solutions_are_counted(tmp_path):
    wrong = event("exercise", "4.1", "wrong", source=WRONG)
    found = learner(
        tmp_path, wrong, event("hint", "4.1", "1"), event("solution", "4.1", "shown"), wrong, solved()
    )
    (row,) = found.exercises
    assert (row["tries"], row["hints"], row["solution shown"]) == (3, 1, True)


def test_a_quiz_answer_that_cannot_have_been_right_is_told(tmp_path):
    options = exercise_module(4).QUIZ[0].options
    right = LETTERS[[o.correct for o in options].index(True)]
    wrong = LETTERS[[o.correct for o in options].index(False)]
    honest = [event("quiz", "4.q1", "correct", answer=right), event("quiz", "4.q1", "wrong", answer=wrong)]
    assert learner(tmp_path, *honest).remarks == []
    assert "4.q1" in learner(tmp_path, event("quiz", "4.q1", "correct", answer=wrong)).remarks[0]


def test_times_that_run_backward_are_told(tmp_path):
    found = learner(tmp_path, solved(), {**solved(), "time": 5}, check=lambda answers: [])
    assert "backward" in found.remarks[0]


def test_reference_answers_pass_as_they_are_saved():
    """What ``check`` keeps can be checked again, with the imports of the notebook alone."""
    answers = []
    for lesson in (2, 4, 5):
        for exercise in exercise_module(lesson).EXERCISES:
            source = source_of(exercise.solution)
            if source is not None:
                answers.append(Answer(exercise.identifier, source))
    verdicts = check_again(answers)
    refuted = [verdict for verdict in verdicts if verdict.outcome == "wrong"]
    assert len(verdicts) == len(answers) > 8 and refuted == []
    assert sum(verdict.outcome == "right" for verdict in verdicts) > len(answers) / 2


WAYS_OUT = {
    "deletes a file": "import os; os.remove({path!r})",
    "deletes by pathlib": "from pathlib import Path; Path({path!r}).unlink()",
    "empties a file": "open({path!r}, 'w')",
    "appends": "open({path!r}, 'a').write('more')",
    "opens by number": "import os; os.open({path!r}, os.O_RDWR | os.O_TRUNC)",
    "renames": "import os; os.rename({path!r}, {path!r} + 'x')",
    "removes a folder": "import shutil; shutil.rmtree({folder!r})",
    "makes a file": "open({folder!r} + '/new', 'x')",
    "makes a folder": "import os; os.mkdir({folder!r} + '/new')",
    "links into its folder": "import os; os.symlink({path!r}, 'mine'); open('mine', 'w')",
    "runs a program": "import subprocess; subprocess.run(['touch', {folder!r} + '/new'])",
    "runs a shell": "import os; os.system('touch ' + {folder!r} + '/new')",
    "copies itself": "import os; os.fork()",
    "opens the network": "import socket; socket.create_connection(('127.0.0.1', {port}))",
    "asks for an address": "import socket; socket.getaddrinfo('example.org', 80)",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """All ways out, tried in one closed process, between two right answers."""
    import socket

    folder = tmp_path_factory.mktemp("teacher")
    path = folder / "exam.txt"
    path.write_text("questions", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        values = {"path": str(path), "folder": str(folder), "port": server.getsockname()[1]}
        tried = [
            Answer("4.1", f"def how_many(length):\n    {way.format(**values)}\n    return 1\n")
            for way in WAYS_OUT.values()
        ]
        verdicts = check_again([Answer("4.1", RIGHT), *tried, Answer("4.1", RIGHT)])
    return folder, verdicts


def test_nothing_outside_the_folder_is_touched(outcomes):
    folder, _ = outcomes
    assert [file.name for file in folder.iterdir()] == ["exam.txt"]
    assert (folder / "exam.txt").read_text(encoding="utf-8") == "questions"


@pytest.mark.parametrize("number", range(len(WAYS_OUT)), ids=WAYS_OUT)
def test_a_way_out_is_refused_with_a_sentence(outcomes, number):
    verdict = outcomes[1][1 + number]
    assert verdict.outcome == "wrong"
    assert "ClosedError" in verdict.sentence and "the answer wanted" in verdict.sentence


def test_the_rest_goes_on(outcomes):
    assert outcomes[1][0].outcome == outcomes[1][-1].outcome == "right"


def test_prints_waits_and_ends_are_survived():
    sleep = "def how_many(length):\n    import time\n    time.sleep(1000)\n"
    prints = "def how_many(length):\n    print('x' * 2_000_000)\n    return min(20, max(1, round(0.15 * length)))\n"
    ends = "def how_many(length):\n    import os\n    os._exit(0)\n"
    verdicts = check_again([Answer("4.1", source) for source in (prints, sleep, ends, RIGHT)], seconds=3)
    assert [verdict.outcome for verdict in verdicts] == ["right", "wrong", "wrong", "right"]
    assert "still running after 3 seconds" in verdicts[1].sentence and "ended Python" in verdicts[2].sentence


def test_a_loop_a_gigabyte_and_all_memory_are_survived():
    loop = """def how_many(length):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""
    right = RIGHT.split("\n", 1)[1]
    gigabyte = f"def how_many(length):\n    global said\n    if 'said' not in globals():\n        said = [print('x' * 10**6) for _ in range(1000)]\n{right}"
    memory = f"def how_many(length):\n    kept = bytearray(5 * 2**30)\n{right}"
    tried = [gigabyte, memory, loop, RIGHT] if sys.platform == "linux" else [gigabyte, loop, RIGHT]
    verdicts = check_again([Answer("4.1", source) for source in tried], seconds=15)
    assert [verdict.outcome for verdict in verdicts] == ["right", *["wrong"] * (len(tried) - 2), "right"]
    assert "still running after 15 seconds" in verdicts[-2].sentence
    assert sys.platform != "linux" or "MemoryError" in verdicts[1].sentence


@pytest.mark.parametrize(
    "written",
    [
        b"not JSON\n",
        b"[]\n",
        b'{"number": "4.2", "outcome": "right", "sentence": ""}\n',
        b'{"number": "4.1", "outcome": "best", "sentence": ""}\n',
        b'{"number": "4.1", "outcome": "right", "sentence": 1}\n',
        b'{"number": "4.1"}\n',
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_verdict_is_told(written):
    assert _verdict_in(written, "4.1") is None
    assert _verdict_in(b'{"number": "4.1", "outcome": "right", "sentence": ""}\n', "4.1").outcome == "right"


def test_an_answer_that_writes_among_the_verdicts_is_told():
    writes = "def how_many(length):\n    import os\n    for n in range(3, 30):\n        try:\n            os.write(n, b'x' * 3_000_000)\n        except OSError:\n            pass\n"
    verdicts = check_again([Answer("4.1", writes), Answer("4.1", RIGHT)])
    assert [verdict.outcome for verdict in verdicts] == ["wrong", "right"]
    assert "only the verdict" in verdicts[0].sentence


def test_files_that_are_no_logs_are_told_and_the_rest_goes_on(tmp_path, capsys):
    folder = tmp_path / "class"
    write_log(folder / "ada.jsonl", event("hint", "4.1", "1"))
    (folder / "ben.jsonl").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (folder / "cem.jsonl").write_text('{"cells": [], "nbformat": 4}', encoding="utf-8")  # a notebook, renamed
    (folder / "dan.jsonl").mkdir()
    (folder / "eve.jsonl").write_bytes(b"")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert main(["collect", str(folder), "--save", str(tmp_path / "grades.csv")]) == 0
    said = capsys.readouterr().out
    remarks = pandas.read_csv(tmp_path / "grades-remarks.csv").groupby("name")["remark"].count()
    assert remarks.to_dict() == {"ben": 1, "cem": 1, "dan": 1}
    assert all(f"{name}: 0 of" in said for name in ("ada", "ben", "cem", "dan", "eve"))
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_characters_that_no_table_takes_are_replaced(tmp_path, capsys, ending):
    wrong = LETTERS[[o.correct for o in exercise_module(4).QUIZ[0].options].index(False)]
    odd = event("quiz", "4.q1", "correct", answer=f"{wrong}\x00\ud800\x1b[2J")
    write_log(tmp_path / "class" / "ada.jsonl", odd)
    file = tmp_path / f"grades.{ending}"
    assert main(["collect", str(tmp_path / "class"), "--save", str(file)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\x00" not in said and f"answer {wrong}\ufffd\ufffd\ufffd[2J isn't" in said
    assert file.exists()


def test_an_answer_that_needs_the_notebook_is_not_called_wrong():
    source = "def how_many(length):\n    return table_of_my_notebook[length]\n"
    (verdict,) = check_again([Answer("4.1", source)])
    assert verdict.outcome == "unchecked" and "table_of_my_notebook" in verdict.sentence


def test_thirty_learners_make_a_grade_book(tmp_path):
    for number in range(30):
        write_log(tmp_path / "class" / f"learner{number:02d}.jsonl", solved())
    write_log(tmp_path / "class" / "=cmd.jsonl", event("exercise", "4.1", "wrong", source=WRONG))
    learners = list(collect(tmp_path / "class", check=lambda answers: []))
    assert tables(learners)["grades"].shape[0] == 31
    files = write_grade_book(learners, tmp_path / "grades.csv")
    assert [file.name for file in files] == ["grades.csv", "grades-exercises.csv", "grades-remarks.csv"]
    names = pandas.read_csv(files[0])["name"].tolist()
    assert "'=cmd" in names and "=cmd" not in names  # no spreadsheet runs it
    (book,) = write_grade_book(learners, tmp_path / "grades.xlsx")
    sheets = pandas.read_excel(book, sheet_name=None)
    assert list(sheets) == ["grades", "exercises", "remarks"] and len(sheets["grades"]) == 31


def test_the_command_prints_remarks_and_writes(tmp_path, capsys):
    write_log(
        tmp_path / "class" / "ada.jsonl", solved(), solved("4.2", "def corrupt(*a):\n    return a[0]\n")
    )
    assert main(["collect", str(tmp_path / "class"), "--save", str(tmp_path / "grades.csv")]) == 0
    said = capsys.readouterr().out
    assert "ada: 1 of" in said and "4.2 is logged as solved, and its answer is wrong" in said
    assert "grades.csv is written" in said
    assert main(["collect", str(tmp_path / "class"), "--save", str(tmp_path / "grades.txt")]) == 2


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(SettingError, match="ends neither in"):
        write_grade_book([], tmp_path / "grades.txt")
