"""Progress is never lost, and never in the way of a lesson."""

from __future__ import annotations

import errno
import json
import linecache
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from course_lib.errors import SettingError
from course_lib.lessons import event_log, exercises, progress
from course_lib.lessons.catalog import exercise_module, find_exercise
from course_lib.lessons.event_log import progress_path, read_events, remember, written_events
from course_lib.lessons.report import last_answers, print_answers, summary
from course_lib.settings import REPOSITORY

WRITER = """
import sys
from course_lib.lessons.event_log import remember
for i in range(int(sys.argv[2])):
    remember("exercise", f"{sys.argv[1]}.{i}", "wrong")
"""


pytestmark = pytest.mark.usefixtures("fresh_log")


def start(name, count):
    return subprocess.Popen([sys.executable, "-c", WRITER, name, str(count)], cwd=REPOSITORY)


def numbers():
    return [event["number"] for event in written_events()]


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
from course_lib.lessons.event_log import remember
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
from course_lib.lessons.event_log import remember
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
for i in range(20):
    remember("exercise", f"1.{i}", "wrong")
print("went on")
"""


@pytest.mark.skipif(os.name == "nt", reason="the system has no such limit")
@pytest.mark.parametrize("size", [0, 1, 50, 300, 333])
def test_what_the_system_never_takes_goes_with_the_kernel_and_the_next_one_goes_on(size):
    """The limit is the system's own: it stops a write wherever it is, as a full disk does, at exit too."""
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(size)], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0 and run.stderr == ""
    warning, last = run.stdout.splitlines()
    assert "could not be saved" in warning and last == "went on"
    assert progress_path().stat().st_size == size
    before = numbers()
    assert before == [f"1.{i}" for i in range(len(before))] and len(before) < 20
    remember("exercise", "2.1", "correct")
    assert numbers() == before + ["2.1"]


SPACE_AGAIN = (
    LIMITED
    + """
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""
)


@pytest.mark.skipif(os.name == "nt", reason="the system has no such limit")
@pytest.mark.parametrize("size", [0, 1, 50, 300, 333])
def test_with_space_again_at_exit_everything_is_written_once(size):
    run = subprocess.run(
        [sys.executable, "-c", SPACE_AGAIN, str(size)], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert run.returncode == 0 and run.stderr == ""
    assert run.stdout.count("could not be saved") == 1
    assert numbers() == [f"1.{i}" for i in range(20)]


REFUSED = """
import errno, os, sys
from course_lib.lessons.event_log import remember
write = os.write
def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")
os.write = full
remember("exercise", "1.0", "wrong")
"""


def ended(code):
    return subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not copied here")
def test_a_copy_of_the_process_writes_nothing_of_it_a_second_time():
    run = ended(REFUSED + "os.write = write\nif os.fork():\n    os.wait()\n")
    assert run.returncode == 0 and numbers() == ["1.0"]


@pytest.mark.parametrize(
    "broken",
    [
        "def broken(*_):\n    raise RuntimeError\nos.open = broken",
        "from course_lib import settings\nsettings.current.cache_clear()\nos.environ['COURSE_PROFILE'] = 'x'",
    ],
)
def test_nothing_that_is_broken_at_exit_is_seen_there(broken):
    run = ended(REFUSED + broken)
    assert run.returncode == 0 and run.stderr == "" and numbers() == []


def test_at_exit_it_does_not_wait_long_for_a_lock(monkeypatch, capsys):
    monkeypatch.setattr(event_log, "LOCK_SECONDS", 0.02)
    monkeypatch.setattr(event_log, "msvcrt", Locks(busy=10**9))
    remember("exercise", "4.1", "correct")
    monkeypatch.setattr(event_log, "LOCK_SECONDS", 60)
    before = time.monotonic()
    event_log._write_unsaved_at_exit()
    assert 1 <= time.monotonic() - before < 30
    monkeypatch.setattr(event_log, "msvcrt", Locks(busy=0))
    event_log._write_unsaved_at_exit()
    event_log._write_unsaved_at_exit()
    assert numbers() == ["4.1"]


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
    assert "kept only while this kernel runs" in said and "free some space, then run the check again" in said
    assert said.count("\n") == 1
    remember("exercise", "4.2", "correct")
    assert capsys.readouterr().out == ""


def test_a_disk_that_is_full_again_is_said_again(monkeypatch, capsys):
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            remember("exercise", "4.1", "correct")
        remember("exercise", "4.2", "correct")
    assert capsys.readouterr().out.count("could not be saved") == 2


def test_what_is_not_written_yet_counts_all_the_same(monkeypatch, capsys):
    remember("exercise", "4.1", "correct")
    monkeypatch.setattr(os, "write", full)
    remember("exercise", "4.2", "correct")
    assert numbers() == ["4.1"]
    assert [event["number"] for event in read_events()] == ["4.1", "4.2"]


def test_what_a_full_disk_refused_is_written_first_when_there_is_space_again(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        remember("exercise", "4.1", "correct")
        remember("quiz", "4.q1", "wrong", "b")
    assert written_events() == []
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
    with pytest.raises(SettingError, match="progress is not known"):
        read_events()
    progress()  # in a lesson it is a sentence, and the lesson goes on
    assert "cannot be read" in capsys.readouterr().out
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
        self.seen.append((mode, len(written_events())))


def test_on_windows_an_event_is_written_under_a_lock(monkeypatch):
    locks = Locks(busy=3)
    monkeypatch.setattr(event_log, "msvcrt", locks)
    remember("exercise", "4.1", "correct")
    assert locks.seen == [(Locks.LK_NBLCK, 0), (Locks.LK_UNLCK, 1)]


def test_a_lock_that_is_never_free_is_a_failure_to_write(monkeypatch, capsys):
    monkeypatch.setattr(event_log, "LOCK_SECONDS", 0.02)
    monkeypatch.setattr(event_log, "msvcrt", Locks(busy=10**9))
    remember("exercise", "4.1", "correct")
    assert "could not be saved" in capsys.readouterr().out and written_events() == []
    monkeypatch.setattr(event_log, "msvcrt", Locks(busy=0))
    remember("exercise", "4.2", "correct")
    assert numbers() == ["4.1", "4.2"]


def test_a_check_goes_on_with_a_full_disk(monkeypatch, capsys):
    exercise = exercise_module(4).EXERCISES[0]
    monkeypatch.setattr(os, "write", full)
    exercises.check(exercise.identifier, exercise.solution)
    said = capsys.readouterr().out
    assert "✓" in said and said.count("could not be saved") == 1


def test_a_stub_is_no_event(capsys):
    def stub(length):
        """Not yet."""
        ...

    exercises.check("4.1", stub)
    exercises.check("4.1")
    assert "not attempted" in capsys.readouterr().out
    assert read_events() == [] and not progress_path().exists()


def test_verdicts_hints_and_solutions_are_events(capsys):
    exercise = exercise_module(4).EXERCISES[0]
    exercises.check(exercise.identifier, exercise.solution)
    exercises.check(exercise.identifier, lambda *_: "junk")
    exercises.hint(exercise.identifier)
    exercises.solution(exercise.identifier)
    found = [(e["kind"], e["outcome"]) for e in read_events() if e["kind"] != "answer"]
    assert found[:2] == [("exercise", "correct"), ("exercise", "wrong")]
    assert [kind for kind, _ in found[2:]] == ["hint", "solution"]
    assert all(json.loads(line) for line in progress_path().read_text().splitlines() if line)


# The code of an answer ----------------------------------------------------------------------------


def run_in_kernel(*cells: str):
    """Run cells in a kernel of Jupyter, and return its manager while it is alive."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", cwd=str(REPOSITORY), startup_timeout=300)
    try:
        for cell in cells:
            reply = client.execute_interactive(cell, timeout=300, output_hook=lambda message: None)
            assert reply["content"]["status"] == "ok", reply["content"]
    except BaseException:
        manager.shutdown_kernel(now=True)
        raise
    finally:
        client.stop_channels()
    return manager


FUNCTION = (
    "def how_many(length):\n    # a thought of mine: é\n    return min(20, max(1, round(0.15 * length)))\n"
)


def test_the_code_of_an_answer_survives_a_killed_kernel(capsys):
    cells = ["from course_lib.lessons import check", f"import math\n\n{FUNCTION}", 'check("4.1", how_many)']
    run_in_kernel(*cells).shutdown_kernel(now=True)
    *_, event = read_events()
    assert event["outcome"] == "correct" and event["source"] == FUNCTION
    print_answers()
    head, *code = capsys.readouterr().out.splitlines()
    assert head.startswith("# 4.1, ") and code[:3] == FUNCTION.splitlines()


HANGS = """
import signal
from course_lib.lessons import check

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background

def how_many(length):
    print("hangs", flush=True)
    while True:
        pass

check("4.1", how_many)
"""


@pytest.mark.parametrize(
    "ended",
    ["kill", pytest.param("interrupt", marks=pytest.mark.skipif(os.name == "nt", reason="has no SIGINT"))],
)
def test_an_answer_that_never_ends_is_not_lost_with_its_kernel(tmp_path, capsys, ended):
    script = tmp_path / "cell.py"
    script.write_text(HANGS, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, script],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    ) as process:
        try:
            assert process.stdout.readline() == b"hangs\n"
            if ended == "interrupt":
                process.send_signal(signal.SIGINT)
                process.wait(timeout=60)
        finally:
            process.kill()
    assert "while True" in last_answers()["4.1"]["source"]
    print_answers()
    assert capsys.readouterr().out.startswith("# 4.1, not finished, ")
    assert summary()[4]["tries"] == 0


def unfinished(length):
    raise NotImplementedError


def test_a_stub_never_takes_the_place_of_an_answer(capsys):
    """A learner who lost the notebook runs a fresh one first, stubs and all."""
    exercises.check("4.1", sized(100))
    before = last_answers()

    def stub(length): ...

    for not_yet in (stub, unfinished):
        exercises.check("4.1", not_yet)
    assert last_answers() == before and capsys.readouterr().out.count("not attempted") == 2


def test_a_kernel_that_is_shut_down_writes_what_was_refused_before():
    run_in_kernel(REFUSED, "os.write = write").shutdown_kernel()
    assert numbers() == ["1.0"]


def checked(answer) -> str | None:
    """Return what is kept of an answer; that it is kept must not show."""
    exercises.check("4.1", answer)
    return read_events()[-1].get("source")


def sized(characters: int):
    """Return a function whose source has so many characters."""
    name = f"<cell of {characters}>"
    code = "def answer(length):\n    return 0  # "
    code += "x" * (characters - len(code) - 1) + "\n"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)  # as IPython does it
    namespace = {}
    exec(compile(code, name, "exec"), namespace)
    return namespace["answer"]


def test_an_answer_is_kept_up_to_a_length(capsys):
    assert len(checked(sized(exercises.LONGEST_SOURCE))) == exercises.LONGEST_SOURCE == 20_000
    assert checked(sized(exercises.LONGEST_SOURCE + 1)) is None
    checks = [event for event in read_events() if event["kind"] == "exercise"]
    assert len(checks) == 2, "that it was checked is kept all the same"


class Hostile:
    def __repr__(self):
        return "code of its own"

    def __call__(self, length):
        return 1

    @property
    def __wrapped__(self):
        raise SystemExit


VALUES = {
    "text": ("a 'word'", "answer = \"a 'word'\""),
    "number": (0.15, "answer = 0.15"),
    "truth": (True, "answer = True"),
    "list": (["a", 1, 0.5], "answer = ['a', 1, 0.5]"),
    "longest text": ("x" * 1_989, f"answer = {'x' * 1_989!r}"),
    "text too long": ("x" * 1_990, None),
    "list too long": ([1] * 5_000, None),
    "number that cannot be written": (10**5_000, None),
    "function without source": (len, None),
    "list of something else": ([Hostile()], None),
    "something else": ({"a": 1}, None),
    "object that ends the kernel": (Hostile(), None),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_plain_value_is_kept_and_no_other(name, capsys):
    answer, kept = VALUES[name]
    assert checked(answer) == kept


def test_a_list_is_kept_as_it_was_given(monkeypatch, capsys):
    exercise = find_exercise("4.1")
    monkeypatch.setattr(
        exercises, "find_exercise", lambda name: replace(exercise, examine=lambda answer: answer.clear())
    )
    assert checked([1, 2]) == "answer = [1, 2]"


def test_an_answer_of_an_unexpected_form_is_kept(monkeypatch, capsys):
    exercise = find_exercise("4.1")
    monkeypatch.setattr(
        exercises, "find_exercise", lambda name: replace(exercise, examine=lambda answer: answer / 0)
    )
    assert checked(7) == "answer = 7" and "unexpected form" in capsys.readouterr().out


def test_what_is_kept_does_not_show(monkeypatch, capsys):
    shown = []
    for source_of in (exercises.source_of, lambda answer: None):
        monkeypatch.setattr(exercises, "source_of", source_of)
        exercises.check("4.1", sized(100))
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert [("source" in event) for event in read_events()] == [True, True, False]
