"""Progress is never lost, and never in the way of a lesson."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time

import pytest

from course_lib.lessons import exercises, progress, quiz
from course_lib.lessons.progress import progress_path, read_events, remember, summary
from course_lib.settings import REPOSITORY

WRITER = """
import sys
from course_lib.lessons.progress import remember
for i in range(int(sys.argv[2])):
    remember("exercise", f"{sys.argv[1]}.{i}", "wrong")
"""


@pytest.fixture(autouse=True)
def _fresh(home, monkeypatch):
    from course_lib.lessons import progress as function  # the package exports a function of this name

    assert callable(function)
    module = sys.modules["course_lib.lessons.progress"]
    monkeypatch.setattr(module, "_warned", False)
    monkeypatch.setattr(module, "_unsaved", [])


def start(name, count):
    return subprocess.Popen([sys.executable, "-c", WRITER, name, str(count)], cwd=REPOSITORY)


def numbers():
    return [event["number"] for event in read_events()]


def test_an_event_comes_back_as_it_was():
    remember("exercise", "4.1", "correct")
    remember("quiz", "4.q1", "wrong")
    assert [(e["kind"], e["number"], e["outcome"]) for e in read_events()] == [
        ("exercise", "4.1", "correct"),
        ("quiz", "4.q1", "wrong"),
    ]


def test_two_processes_at_once_lose_nothing():
    for process in [start("1", 400), start("2", 400)]:
        assert process.wait() == 0
    assert sorted(numbers()) == sorted(f"{name}.{i}" for name in (1, 2) for i in range(400))


def test_a_killed_process_leaves_what_it_had_written():
    process = start("1", 10_000_000)
    try:
        deadline = time.time() + 60
        while len(numbers()) < 5 and time.time() < deadline:
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    before = numbers()
    assert before[:5] == [f"1.{i}" for i in range(5)]
    remember("exercise", "9.9", "correct")
    assert numbers() == before + ["9.9"]


ACKNOWLEDGING = """
import sys
from course_lib.lessons.progress import remember
for i in range(10**6):
    remember("exercise", f"{sys.argv[1]}.{i}", "wrong")
    print(f"{sys.argv[1]}.{i}", flush=True)
"""


@pytest.mark.parametrize("milliseconds", [3, 20, 70])
def test_two_kernels_killed_while_they_write_lose_nothing_that_was_written(milliseconds):
    command = [sys.executable, "-c", ACKNOWLEDGING]
    kernels = [
        subprocess.Popen([*command, name], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for name in "12"
    ]
    acknowledged = [kernel.stdout.readline() for kernel in kernels]  # both are at work
    time.sleep(milliseconds / 1000)
    for kernel in kernels:
        kernel.kill()
    for kernel in kernels:
        acknowledged += kernel.communicate()[0].splitlines(keepends=True)
    wanted = {line.strip() for line in acknowledged if line.endswith("\n")}
    found = numbers()
    assert wanted <= set(found) and len(found) == len(set(found)) >= 2
    for name in "12":
        own = [int(number.partition(".")[2]) for number in found if number.startswith(name)]
        assert own == list(range(len(own))), "in order, and none left out"
    remember("exercise", "9.9", "correct")
    assert numbers() == found + ["9.9"]


LIMITED = """
import resource, sys
from course_lib.lessons.progress import remember
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
for i in range(20):
    remember("exercise", f"1.{i}", "wrong")
print("went on")
"""


@pytest.mark.skipif(os.name == "nt", reason="the system has no such limit")
@pytest.mark.parametrize("size", [0, 1, 50, 300, 333])
def test_when_the_system_takes_no_more_the_rest_is_kept_and_it_goes_on_later(size):
    """The limit is the system's own: it stops a write wherever it is, as a full disk does."""
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(size)], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    warning, last = run.stdout.splitlines()
    assert "could not be saved" in warning and last == "went on"
    assert progress_path().stat().st_size == size
    before = numbers()
    assert before == [f"1.{i}" for i in range(len(before))] and len(before) < 20
    remember("exercise", "2.1", "correct")
    assert numbers() == before + ["2.1"]


@pytest.mark.parametrize("cut", [1, 10, 40])
def test_a_line_that_was_cut_off_costs_only_itself(cut):
    remember("exercise", "4.1", "correct")
    remember("exercise", "4.2", "correct")
    content = progress_path().read_bytes()
    progress_path().write_bytes(content.rstrip(b"\n")[:-cut])
    remember("exercise", "4.3", "correct")
    assert numbers() == ["4.1", "4.3"]


JUNK = [
    bytes(range(256)) * 20,
    b"\x00" * 100,
    b"null\n[]\n3\n",
    b'{"kind": 1, "number": [1], "outcome": {}}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_is_passed_over(junk):
    progress_path().parent.mkdir(parents=True)
    progress_path().write_bytes(junk)
    remember("exercise", "4.1", "correct")
    assert numbers() == ["4.1"]
    assert all(row["solved"] <= 1 for row in summary().values())


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_said_once_and_stops_nothing(monkeypatch, capsys):
    monkeypatch.setattr(os, "write", full)
    remember("exercise", "4.1", "correct")
    said = capsys.readouterr().out
    assert "No space left on device" in said and str(progress_path()) in said and "COURSE_HOME" in said
    assert said.count("\n") == 1
    remember("exercise", "4.2", "correct")
    assert capsys.readouterr().out == ""


def test_what_a_full_disk_refused_is_written_first_when_there_is_space_again(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        remember("exercise", "4.1", "correct")
        remember("quiz", "4.q1", "wrong", "b")
    assert read_events() == []
    remember("exercise", "4.2", "correct")
    assert numbers() == ["4.1", "4.q1", "4.2"] and read_events()[1]["answer"] == "b"
    remember("exercise", "4.3", "correct")
    assert numbers() == ["4.1", "4.q1", "4.2", "4.3"]


@pytest.mark.parametrize("missing", [1, 2, 60])
def test_a_disk_that_fills_up_within_a_line_loses_and_doubles_nothing(monkeypatch, capsys, missing):
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda handle, line: write(handle, line[:-missing]))
        remember("exercise", "4.1", "correct")
    assert ("could not be saved" in capsys.readouterr().out) is (missing > 1)
    assert numbers() == (["4.1"] if missing == 1 else [])  # without the newline alone, it is whole
    remember("exercise", "4.2", "correct")
    assert numbers() == ["4.1", "4.2"]


def test_a_home_that_is_a_file_stops_nothing(home, capsys):
    home.write_text("not a folder")
    remember("exercise", "4.1", "correct")
    assert "could not be saved" in capsys.readouterr().out
    assert read_events() == []
    home.unlink()
    remember("exercise", "4.2", "correct")
    assert numbers() == ["4.1", "4.2"]


class Locks:
    """What Windows has for locking, busy for the first few tries."""

    LK_NBLCK, LK_UNLCK = 2, 0

    def __init__(self, busy: int):
        self.busy, self.seen = busy, []

    def locking(self, handle, mode, count):
        assert count == 1 and os.lseek(handle, 0, os.SEEK_CUR) > progress_path().stat().st_size
        if mode == self.LK_NBLCK and self.busy:
            self.busy -= 1
            raise PermissionError(errno.EACCES, "Permission denied")
        self.seen.append((mode, len(read_events())))


def test_on_windows_an_event_is_written_under_a_lock(monkeypatch):
    locks = Locks(busy=3)
    monkeypatch.setattr(sys.modules["course_lib.lessons.progress"], "msvcrt", locks)
    remember("exercise", "4.1", "correct")
    assert locks.seen == [(Locks.LK_NBLCK, 0), (Locks.LK_UNLCK, 1)]


def test_a_lock_that_is_never_free_is_a_failure_to_write(monkeypatch, capsys):
    module = sys.modules["course_lib.lessons.progress"]
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.02)
    monkeypatch.setattr(module, "msvcrt", Locks(busy=10**9))
    remember("exercise", "4.1", "correct")
    assert "could not be saved" in capsys.readouterr().out and read_events() == []
    monkeypatch.setattr(module, "msvcrt", Locks(busy=0))
    remember("exercise", "4.2", "correct")
    assert numbers() == ["4.1", "4.2"]


def test_a_check_goes_on_with_a_full_disk(monkeypatch, capsys):
    exercise = exercises.lesson_module(4).EXERCISES[0]
    monkeypatch.setattr(os, "write", full)
    exercises.check(exercise.number, exercise.reference)
    said = capsys.readouterr().out
    assert "✓" in said and said.count("could not be saved") == 1


def test_the_summary_counts():
    module = exercises.lesson_module(4)
    first, second = (e.number for e in module.EXERCISES[:2])
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
        "answers": {"4.q1": "b"},
    }
    assert 99 not in summary()


def test_the_letters_of_a_quiz_are_kept(capsys):
    letters = "abcd" * len(exercises.lesson_module(4).QUIZ)
    given = letters[: len(exercises.lesson_module(4).QUIZ)]
    quiz(4, given.upper())
    assert "".join(summary()[4]["answers"].values()) == given


def test_progress_prints_a_line_for_each_lesson(capsys):
    exercise = exercises.lesson_module(4).EXERCISES[0]
    remember("exercise", exercise.number, "correct")
    progress()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(summary())
    (line,) = [line for line in lines if line.startswith("04")]
    assert f"1 / {len(exercises.lesson_module(4).EXERCISES)}" in line


def test_a_stub_is_no_event(capsys):
    def stub(length):
        """Not yet."""
        ...

    exercises.check("4.1", stub)
    exercises.check("4.1")
    assert "not attempted" in capsys.readouterr().out
    assert read_events() == [] and not progress_path().exists()


def test_verdicts_hints_and_solutions_are_events(capsys):
    exercise = exercises.lesson_module(4).EXERCISES[0]
    exercises.check(exercise.number, exercise.reference)
    exercises.check(exercise.number, lambda *_: "junk")
    exercises.hint(exercise.number)
    exercises.solution(exercise.number)
    found = [(e["kind"], e["outcome"]) for e in read_events()]
    assert found[:2] == [("exercise", "correct"), ("exercise", "wrong")]
    assert [kind for kind, _ in found[2:]] == ["hint", "solution"]
    assert all(json.loads(line) for line in progress_path().read_text().splitlines() if line)
