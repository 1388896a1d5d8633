"""The script for a GPU, run on the CPU with a tiny model: every step of it, and none of its speed."""

import importlib
import json

import pytest
import torch

from course_lib.settings import REPOSITORY


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY))
    return importlib.import_module("benchmarks.gpu")


def test_without_a_gpu_one_sentence_says_so_and_nothing_is_kept(gpu, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--output", str(tmp_path / "gpu.json")]) == 1
    said = capsys.readouterr().err
    assert (
        said.startswith("This script needs a GPU") and said.count("\n") == 1 and not list(tmp_path.iterdir())
    )


def test_all_of_it_runs_and_its_result_tells_where_it_comes_from(gpu):
    found = gpu.measure(gpu.TINY, torch.device("cpu"))
    assert json.loads(json.dumps(found)) and found["device"] == "CPU"
    assert found["versions"]["torch"] and found["date"] and found["configuration"]["seed"] == gpu.SEED
    before, after = (found["results"][name] for name in ("pretraining", "fine_tuning"))
    assert before["last_loss"] < before["first_loss"] and after["last_loss"] < after["first_loss"]
    assert before["largest_difference_after_resuming"] < 1e-5
    assert before["resumed_from_step"] == gpu.TINY.steps // 2
    assert all(part[f"{side}_tokens_per_s"] > 0 for part in (before, after) for side in ("ours", "reference"))
    assert 0 < before["share_of_peak"] < 1


def test_a_run_that_learns_nothing_is_no_result(gpu, monkeypatch):
    monkeypatch.setattr(
        gpu, "pretraining", lambda *_: {"first_loss": 3.0, "last_loss": 3.0, "operations_per_s": 1.0}
    )
    monkeypatch.setattr(gpu, "fine_tuning", lambda *_: {"first_loss": 3.0, "last_loss": 1.0})
    with pytest.raises(AssertionError, match=r"pretraining: the loss went from 3\.0 to 3\.0"):
        gpu.measure(gpu.TINY, torch.device("cpu"))


def test_a_run_that_goes_on_differently_is_no_result(gpu, monkeypatch):
    falls = {"first_loss": 3.0, "last_loss": 1.0}
    shaken = falls | {"operations_per_s": 1.0, "largest_difference_after_resuming": 0.4}
    monkeypatch.setattr(gpu, "pretraining", lambda *_: dict(shaken))
    monkeypatch.setattr(gpu, "fine_tuning", lambda *_: dict(falls))
    with pytest.raises(AssertionError, match="goes on differently"):
        gpu.measure(gpu.TINY, torch.device("cpu"))
