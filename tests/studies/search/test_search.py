"""Hyperparameter search: the samplers, shared studies, pruning, and the test set left alone."""

from __future__ import annotations

import itertools
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import optuna
import pytest
from optuna.trial import TrialState

from course_lib import cli, settings
from course_lib.errors import SettingError
from course_lib.studies.search import study as search
from course_lib.studies.search.study import SearchSpace, TrialConfiguration

SPACE = SearchSpace()


def formula(trial: optuna.Trial) -> float:
    """A quick stand-in for training: best at a rate of 1e-4, whatever the rest."""
    suggested = search.suggest(trial, SPACE, TrialConfiguration())
    return 80 - 10 * math.log10(suggested.learning_rate / 1e-4) ** 2 + 0.01 * suggested.batch_size


def searched(method: str, trials: int = 12) -> optuna.Study:
    study = search.open_study(method, SPACE, seed=7)
    search.work(study, formula, trials)
    return study


def test_the_grid_visits_each_of_its_points_once():
    found = [
        tuple(t.params[k] for k in ("learning_rate", "batch_size", "epochs")) for t in searched("grid").trials
    ]
    wanted = itertools.product(SPACE.grid_rates, SPACE.batch_sizes, SPACE.grid_epochs)
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_random_and_tpe_try_a_new_rate_each_time(method):
    rates = [trial.params["learning_rate"] for trial in searched(method).trials]
    assert len(set(rates)) == len(rates) == 12  # what a grid cannot: 3 rates in 12 trials
    assert all(SPACE.lowest_rate <= rate <= SPACE.highest_rate for rate in rates)


def test_the_best_is_the_largest_value():
    study = searched("random")
    assert study.best_value == max(trial.value for trial in study.trials)


def test_the_rate_is_drawn_on_a_logarithmic_scale():
    study = search.open_study("random", SPACE, seed=0)
    search.work(study, formula, 200)
    below = sum(trial.params["learning_rate"] < 1e-4 for trial in study.trials)
    assert 70 <= below <= 130  # half of the decades; on a linear scale it would be 18


def test_an_unknown_method_and_a_bad_storage_are_one_clear_message(tmp_path):
    with pytest.raises(SettingError, match=r"no search method 'magic'.*grid, random"):
        search.sampler_of("magic", SPACE, 0)
    with pytest.raises(SettingError, match=r"cannot be opened.*sqlite:///search\.db"):
        search.open_storage("no such database")


def test_best_so_far_never_falls_and_pruned_trials_do_not_count():
    rows = [
        {"number": 0, "params": dict(learning_rate=1e-4, batch_size=16, epochs=2), "value": 70.0, "reports": [60.0, 70.0]},
        {"number": 1, "params": dict(learning_rate=2e-4, batch_size=16, epochs=2), "value": None, "reports": [99.0]},
        {"number": 2, "params": dict(learning_rate=3e-4, batch_size=32, epochs=1), "value": 65.0, "reports": [65.0]},
        {"number": 3, "params": dict(learning_rate=9e-4, batch_size=32, epochs=1), "value": 75.0, "reports": [75.0]},
    ]  # fmt: skip
    study = search.study_of(rows, SPACE, "tpe, pruned")
    assert search.best_so_far(study) == [70.0, 70.0, 70.0, 75.0]
    back = search.trial_rows(study)
    assert [(r["params"], r["value"], r["reports"]) for r in back] == [
        (r["params"], r["value"], r["reports"]) for r in rows
    ]


def test_a_hopeless_trial_is_pruned_and_a_good_one_is_not(monkeypatch):
    curves = iter([[70, 80, 85]] * 4 + [[40, 99, 99], [75, 81, 86]])

    def run(configuration, seed, report):
        values = []
        for epoch, value in enumerate(next(curves), start=1):
            values.append(value)
            report(epoch, value)
        return {"validation": values}

    monkeypatch.setattr(search, "fine_tune_reviews", run)
    study = search.open_study("tpe, pruned", SPACE, seed=1)
    search.work(study, search.reviews_objective(SPACE, TrialConfiguration(), seed=1), 6)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 4 + [
        TrialState.PRUNED,
        TrialState.COMPLETE,
    ]
    assert study.trials[4].intermediate_values == {1: 40}  # stopped after its first epoch


def test_no_trial_looks_at_the_test_reviews(monkeypatch):
    class Guarded(dict):
        def __getitem__(self, part):
            assert part != "test", "the search looked at the test reviews"
            return super().__getitem__(part)

    reviews = search.load_texts("reviews", "bundled")
    guarded = Guarded({part: reviews[part] for part in ("train", "validation", "test")})
    monkeypatch.setattr(search, "load_texts", lambda *_: guarded)
    small = TrialConfiguration(training_rows=16, epochs=1, max_length=8)
    assert len(search.fine_tune_reviews(small, seed=1)["validation"]) == 1
    with pytest.raises(AssertionError, match="looked at the test reviews"):
        search.fine_tune_reviews(small, seed=1, test=True)


def test_a_trial_is_repeatable_and_its_settings_matter():
    small = TrialConfiguration(training_rows=48, epochs=2, max_length=16, batch_size=8, learning_rate=3e-4)
    one, two = (search.fine_tune_reviews(small, seed=3)["validation"] for _ in range(2))
    assert one == two and len(one) == 2
    assert search.fine_tune_reviews(replace(small, learning_rate=1e-9), seed=3)["validation"] != one


WORKER = """
import sys, time
from course_lib.studies.search import study as search
url, trials, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
space = search.SearchSpace()
def objective(trial):
    rate = search.suggest(trial, space, search.TrialConfiguration()).learning_rate
    print("started", trial.number, flush=True)
    time.sleep(seconds)
    return rate
study = search.open_study("random", space, None, storage=search.open_storage(url, 1, 10), name="shared")
search.work(study, objective, trials)
"""


def start_worker(url: str, trials: int, seconds: float) -> subprocess.Popen:
    command = [sys.executable, "-c", WORKER, url, str(trials), str(seconds)]
    environment = {**os.environ, "PYTHONPATH": str(settings.REPOSITORY)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_two_workers_share_a_study_and_one_that_is_killed_loses_nothing(tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    victim = start_worker(url, 6, seconds=60)
    assert victim.stdout.readline() == "started 0\n"
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    two = [start_worker(url, 6, seconds=0.2) for _ in range(2)]
    for worker in two:
        worker.communicate(timeout=200)
        assert worker.returncode == 0
    study = search.open_study("random", SPACE, 7, storage=search.open_storage(url, 1, 10), name="shared")
    finished = search.trials_in(study, TrialState.COMPLETE)
    killed = study.trials[0]
    assert killed.state == TrialState.FAIL
    assert len(finished) == 6  # not five, not seven
    again = [trial for trial in finished if trial.params == killed.params]
    assert len(again) == 1 and again[0].value == killed.params["learning_rate"]  # run once more, same values
    assert len({trial.params["learning_rate"] for trial in finished}) == 6  # and nothing twice


def test_a_worker_that_dies_before_its_first_sign_of_life_is_missed(tmp_path):
    storage = search.open_storage(f"sqlite:///{tmp_path / 'silent.db'}", 1, 2)
    study = search.open_study("random", SPACE, 7, storage=storage, name="silent")
    study.ask()  # running, and nobody has ever signed for it
    search.work(study, formula, 3)  # would wait for ever
    states = [trial.state for trial in study.trials]
    assert states.count(TrialState.COMPLETE) == 3 and TrialState.RUNNING not in states


def test_a_finished_study_is_left_alone(tmp_path):
    storage = search.open_storage(f"sqlite:///{tmp_path / 'done.db'}")
    study = search.open_study("random", SPACE, 7, storage=storage, name="done")
    search.work(study, formula, 4)
    before, began = len(study.trials), time.monotonic()
    search.work(study, formula, 4)
    assert len(study.trials) == before == 4 and time.monotonic() - began < 5


def test_three_workers_that_start_at_once_on_a_new_database_share_it(tmp_path):
    url = search.storage_address(tmp_path / "new.db")
    workers = [start_worker(url, 6, seconds=0.1) for _ in range(3)]
    for worker in workers:
        worker.communicate(timeout=200)
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    study = search.open_study("random", SPACE, None, storage=search.open_storage(url), name="shared")
    assert len(search.trials_in(study, TrialState.COMPLETE)) == 6


def test_a_storage_whose_tables_another_worker_is_making_is_tried_again(monkeypatch):
    attempts = iter(
        [RuntimeError("table studies already exists"), RuntimeError("UNIQUE constraint failed"), None]
    )

    def storage(url, **_):
        error = next(attempts)
        if error:
            raise error
        return url

    monkeypatch.setattr(search, "RDBStorage", storage)
    monkeypatch.setattr(search.time, "sleep", lambda seconds: None)
    assert search.open_storage("sqlite:///new.db") == "sqlite:///new.db"


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """A database that another program keeps to itself, and a worker that doesn't wait long."""
    path = tmp_path / "locked.db"
    storage = search.open_storage(search.storage_address(path))
    study = search.open_study("random", SPACE, 7, storage=storage, name="locked")
    search.work(study, formula, 1)
    monkeypatch.setattr(search, "LOCK_SECONDS", 0.1)
    other = sqlite3.connect(path, isolation_level=None)
    yield path, other
    other.close()


def test_a_locked_database_is_told_at_opening(locked):
    path, other = locked
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SettingError, match=r"locked by another program.*finished trials are kept"):
        search.open_storage(search.storage_address(path))


def test_a_database_that_is_locked_during_the_work_is_told_and_keeps_its_trials(locked):
    path, other = locked
    storage = search.open_storage(search.storage_address(path))
    study = search.open_study("random", SPACE, 7, storage=storage, name="locked")

    def lock(trial):
        other.execute("BEGIN EXCLUSIVE")
        return formula(trial)

    with pytest.raises(SettingError, match=r"can't be written.*start this worker again") as caught:
        search.work(study, lock, 2)
    assert "\n" not in str(caught.value)
    other.execute("ROLLBACK")
    again = search.open_study(
        "random", SPACE, 7, storage=search.open_storage(search.storage_address(path)), name="locked"
    )
    assert len(search.trials_in(again, TrialState.COMPLETE)) == 1


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"space": SearchSpace(batch_sizes=(8, 64))}, "space"),
        ({"method": "grid"}, "method"),
        ({"trial": TrialConfiguration(training_rows=10)}, "trial"),
    ],
)
def test_a_study_of_other_trials_is_not_joined(tmp_path, changes, word):
    storage = search.open_storage(search.storage_address(tmp_path / "one.db"))
    given = {"method": "random", "space": SPACE, "trial": TrialConfiguration()}

    def opened(method, space, trial):
        return search.open_study(method, space, 7, storage=storage, name="one", trial=trial)

    search.work(opened(**given), formula, 1)
    assert len(opened(**given).trials) == 1
    assert len(opened(**(given | {"trial": None})).trials) == 1  # to look at it
    with pytest.raises(SettingError, match=rf"'one'.*another {word}.*another name"):
        opened(**(given | changes))


@pytest.mark.parametrize("count", [0, -1])
def test_no_trials_are_refused(count):
    with pytest.raises(SettingError, match="at least one"):
        search.work(search.open_study("random", SPACE, 7), formula, count)


@pytest.mark.parametrize("name", ["a?b", "a%41b", "100% #1", "王 小明", "it's"])
def test_a_folder_of_any_name_holds_the_database(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    study = search.open_study(
        "random", SPACE, 7, storage=search.open_storage(search.storage_address(folder / "s.db")), name="s"
    )
    search.work(study, formula, 1)
    assert [path.name for path in folder.iterdir()] == ["s.db"] and list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    "words", [["--trials", "0"], ["--trials", "x"], ["--method", "magic"], ["--rows", "-1"]]
)
def test_words_of_the_command_that_cannot_be(words):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["search", "--storage", "sqlite:///x.db", *words])
    assert stopped.value.code == 2


def test_an_address_without_a_kind_is_one_sentence(capsys):
    assert cli.main(["search", "--storage", "search.db"]) == 2
    assert "sqlite:///search.db" in capsys.readouterr().err


def test_the_command_is_one_worker(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(search, "reviews_objective", lambda space, trial, seed: formula)
    assert cli.main(["search", "--storage", search.storage_address(tmp_path / "s.db"), "--trials", "2"]) == 0
    assert capsys.readouterr().out.startswith("reviews: 2 trials finished, best ")
