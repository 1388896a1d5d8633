"""An answer that does not end is ended; everything else goes on as if nobody had looked."""

from __future__ import annotations

import threading
import time

import nbformat
import pytest
from nbclient import NotebookClient

from course_lib.lessons import exercises
from course_lib.lessons.catalog import find_exercise
from course_lib.lessons.event_log import read_events
from course_lib.lessons.time_limit import OverTime, time_limit


def compute(seconds: float) -> None:
    """Compute so long, in steps that can be ended."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def endless(*arguments):
    while True:
        pass


def stubborn(*arguments):
    while True:
        try:
            compute(100)
        except Exception:
            continue


def catching_everything_once(*arguments):
    try:
        endless()
    except BaseException:
        endless()


def generating(*arguments):
    def numbers():
        while True:
            yield 1

    return sum(numbers())


KERNEL_CELLS = [
    "from course_lib.lessons import check, exercises\nexercises.SECONDS = 0.5",
    "def answer(length):\n    while True:\n        pass\n\ncheck('4.1', answer)",
    "# a comment\ndef answer(length):\n    half = length / 2\n    return half / 0\n\ncheck('4.1', answer)",
    "print('all is well')",
]
ENDLESS = [endless, stubborn, catching_everything_once, generating]


@pytest.mark.parametrize("answer", ENDLESS)
def test_an_answer_that_does_not_end_is_ended(answer, fresh_log, monkeypatch, capsys):
    monkeypatch.setattr(exercises, "SECONDS", 0.2)
    exercises.check("4.1", answer)
    assert "still running after 0.2 seconds. Does its loop move on?" in capsys.readouterr().out
    assert [event["outcome"] for event in read_events()][-1] == "wrong"
    compute(1.2)  # the exception comes twice a second as long as it is needed, and never afterward
    exercises.check("4.1", find_exercise("4.1").solution)
    assert "✓" in capsys.readouterr().out


def test_a_kernel_lives_on(home):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in KERNEL_CELLS]
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    said = ["".join(o.get("text", "") for o in cell.outputs) for cell in notebook.cells]
    assert "still running after 0.5 seconds" in said[1] and "(line 4 of your cell)" in said[2]
    assert said[3] == "all is well\n"


def test_it_works_in_another_thread(monkeypatch, capsys):
    monkeypatch.setattr(exercises, "SECONDS", 0.2)
    thread = threading.Thread(target=exercises.check, args=("4.1", endless))
    thread.start()
    thread.join(60)
    assert not thread.is_alive() and "still running" in capsys.readouterr().out


def test_what_ends_in_time_is_left_alone():
    for _ in range(50):
        with time_limit(0.05):
            compute(0.001)
    compute(0.7)


def test_time_that_is_not_spent_on_computing_does_not_count():
    with time_limit(0.2):
        time.sleep(0.8)


def test_time_of_many_threads_is_not_added_up(monkeypatch):
    clock = time.process_time
    monkeypatch.setattr(time, "process_time", lambda: 100 * clock())
    with time_limit(5):
        end = clock() + 1
        while clock() < end:
            pass


def test_errors_and_interrupts_of_the_block_go_on():
    for error in (ValueError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error), time_limit(5):
            raise error
    assert threading.active_count() < 20


def test_the_block_may_end_just_when_time_is_up():
    for milliseconds in range(40, 60):
        try:
            with time_limit(0.05):
                compute(milliseconds / 1000)
        except OverTime:
            pass
    compute(1)
