"""The runner of experiments: each run once, resumable, nothing half-written."""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import dataclass

import pytest

from course_lib.errors import RecordError
from course_lib.studies import RECORDINGS
from course_lib.studies.records import Runner, mean_and_deviation
from course_lib.studies.search import study as search


@dataclass(frozen=True)
class Variant:
    rate: float = 1e-4
    layers: tuple = (1, 2)


@pytest.fixture
def counted():
    calls = []

    def function(configuration, seed):
        calls.append((configuration.rate, seed))
        return {"score": 100 * configuration.rate + seed, "pair": (1, 2)}

    function.calls = calls
    return function


GRID = {"low": Variant(1e-4), "high": Variant(1e-3)}


def test_a_grid_runs_every_configuration_with_every_seed_once(runner, counted):
    results = runner.grid("tiny", 1, GRID, [1, 2], counted)
    assert {name: [run["score"] for run in runs] for name, runs in results.items()} == {
        "low": [1.01, 2.01],
        "high": [1.1, 2.1],
    }
    assert counted.calls == [(1e-4, 1), (1e-3, 1), (1e-4, 2), (1e-3, 2)]  # a whole comparison first
    again = runner.grid("tiny", 1, GRID, [1, 2], counted)
    assert again == results and len(counted.calls) == 4  # read back, not run


def test_a_study_that_was_stopped_goes_on(runner, counted):
    def stops(configuration, seed):
        if (configuration.rate, seed) == (1e-3, 2):
            raise KeyboardInterrupt
        return counted(configuration, seed)

    with pytest.raises(KeyboardInterrupt):
        runner.grid("tiny", 1, GRID, [1, 2], stops)
    runner.grid("tiny", 1, GRID, [1, 2], counted)
    assert len(counted.calls) == 4  # three before, one after


@pytest.mark.parametrize("change", ["version", "configuration", "seed", "study"])
def test_whatever_a_run_depends_on_makes_it_another_run(runner, counted, change):
    runner.run("tiny", 1, Variant(), 1, counted)
    runner.run(
        "other" if change == "study" else "tiny",
        2 if change == "version" else 1,
        Variant(layers=(1, 3)) if change == "configuration" else Variant(),
        2 if change == "seed" else 1,
        counted,
    )
    assert len(counted.calls) == 2


@pytest.mark.parametrize("content", ["", '{"results": ', "[]", "{}", "null"])
def test_a_damaged_file_is_run_again(runner, counted, content):
    runner.run("tiny", 1, Variant(), 1, counted)
    path = runner.path("tiny", 1, Variant(), 1)
    path.write_text(content)
    assert runner.run("tiny", 1, Variant(), 1, counted)["score"] == 1.01
    assert len(counted.calls) == 2 and json.loads(path.read_text())["results"]["score"] == 1.01


def test_a_run_keeps_what_it_depended_on(runner, counted):
    runner.run("tiny", 3, Variant(), 5, counted)
    stored = json.loads(runner.path("tiny", 3, Variant(), 5).read_text())
    assert (stored["study"], stored["code_version"], stored["seed"]) == ("tiny", 3, 5)
    assert stored["configuration"] == {"rate": 1e-4, "layers": [1, 2]}
    assert {"threads", "versions", "machine", "date"} <= set(stored)


def test_results_that_are_no_json_leave_nothing_behind(tmp_path, runner):
    with pytest.raises(RecordError, match="not plain JSON"):
        runner.run("tiny", 1, Variant(), 1, lambda c, s: {"score": object()})
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_mean_and_deviation():
    mean, deviation = mean_and_deviation([1.0, 2.0, 4.0])
    assert mean == pytest.approx(7 / 3)
    assert deviation == pytest.approx((((4 / 3) ** 2 + (1 / 3) ** 2 + (5 / 3) ** 2) / 2) ** 0.5)


def test_a_run_is_made_again_when_what_it_wrote_is_gone_or_another(tmp_path, runner, counted):
    product = tmp_path / "model.safetensors"

    def writes(configuration, seed):
        product.write_bytes(b"weights")
        return counted(configuration, seed)

    def run():
        return runner.run("tiny", 1, Variant(), 1, writes, products=[product])

    assert run() == run() and len(counted.calls) == 1
    stored = json.loads(runner.path("tiny", 1, Variant(), 1).read_text())
    assert stored["products"] == {"model.safetensors": hashlib.sha256(b"weights").hexdigest()}
    product.write_bytes(b"other weights")
    assert run()["score"] == 1.01 and len(counted.calls) == 2
    product.unlink()
    assert run()["score"] == 1.01 and len(counted.calls) == 3
    assert product.read_bytes() == b"weights"


def test_the_products_of_a_grid_go_by_name(tmp_path, runner, counted):
    product = tmp_path / "model.safetensors"
    product.write_bytes(b"weights")
    products = {"low": [product]}
    runner.grid("tiny", 1, GRID, [1], counted, products)
    product.write_bytes(b"other weights")
    runner.grid("tiny", 1, GRID, [1], counted, products)
    assert counted.calls == [(1e-4, 1), (1e-3, 1), (1e-4, 1)]


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_every_recording_makes_its_runs_by_the_runner(name, monkeypatch, tmp_path):
    """What is measured is measured in a run: kept, resumable, with its provenance."""

    class Started(Exception):
        pass

    class Refusal(Runner):
        def run(self, study, code_version, configuration, seed, function, products=()):
            assert code_version == module.CODE_VERSION and callable(function)
            assert self.path(study, code_version, configuration, seed).suffix == ".json"
            raise Started(study)

    module = importlib.import_module(RECORDINGS[name])
    # The trials of the search are Optuna's own to keep; the runs that follow them are not.
    monkeypatch.setattr(search, "work", lambda *arguments, **named: None)
    with pytest.raises(Started, match=name):
        module.record(module.CONFIGURATION, Refusal(tmp_path))
