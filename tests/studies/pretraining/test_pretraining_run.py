"""The recorded pre-training run: its command works from end to end, and what is shipped is what it says."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch

from course_lib import settings
from course_lib.errors import CheckpointError
from course_lib.pretraining.examples import Stage
from course_lib.pretraining.loop import PretrainingHistory, evaluate_pretraining
from course_lib.studies.pretraining import pretraining_run
from course_lib.studies.pretraining.pretraining_run import (
    CHECKPOINT,
    CONFIGURATION,
    Configuration,
    curve_points,
    load_run,
)
from course_lib.studies.records import load_record


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache that holds the cleaned text alone, and a place for the checkpoint."""
    cleaned = settings.current().cache / "wikipedia-1.json"
    from course_lib.data.wikipedia import load_wikipedia

    load_wikipedia()  # makes it if it is not there
    (tmp_path / "cache").mkdir()
    shutil.copy(cleaned, tmp_path / "cache" / cleaned.name)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    settings.current.cache_clear()
    monkeypatch.setattr(pretraining_run, "CHECKPOINT", tmp_path / "stored")
    return tmp_path


def test_the_command_works_from_end_to_end(own_cache, runner):
    small = replace(
        CONFIGURATION.run,
        model=replace(CONFIGURATION.run.model, num_hidden_layers=1, hidden_size=48, intermediate_size=96),
        stages=(Stage(32, 6, 4), Stage(64, 2, 4)),
        warmup_steps=2,
        evaluate_every=4,
        checkpoint_every=4,
        report_every=2,
        held_out_pairs=20,
    )
    results = pretraining_run.record(Configuration(steps_of_a_point=2, run=small), runner)
    assert [point["step"] for point in results["curve"]] == [2, 4, 6, 8]
    assert [evaluation["step"] for evaluation in results["evaluations"]] == [0, 4, 8]
    for name, value in results["final"].items():
        assert results["stored"][name] == pytest.approx(value, abs=0.02)
    model, vocabulary = load_run(own_cache / "stored")
    assert model.configuration == small.model and len(vocabulary) == 4000
    assert not model.training
    again = pretraining_run.record(Configuration(steps_of_a_point=2, run=small), runner)
    assert again == results  # the run is only loaded


def test_points_of_a_curve_are_means():
    history = PretrainingHistory(
        steps=[1, 2, 3, 4, 5],
        losses=[9.0] * 5,
        mlm_losses=[1.0, 3.0, 5.0, 7.0, 100.0],
        nsp_losses=[0.5, 0.7, 0.1, 0.3, 9.0],
        learning_rates=[1.0, 2.0, 3.0, 4.0, 5.0],
        tokens_per_second=[10.0, 20.0, 30.0, 50.0, 0.0],
    )
    assert curve_points(history, 2) == [
        {"step": 2, "mlm_loss": 2.0, "nsp_loss": 0.6, "learning_rate": 2.0, "tokens_per_second": 15},
        {"step": 4, "mlm_loss": 6.0, "nsp_loss": 0.2, "learning_rate": 4.0, "tokens_per_second": 40},
    ]


recorded = pytest.mark.skipif(
    not (CHECKPOINT / "model.safetensors").is_file(), reason="not recorded yet: course record pretraining"
)


@recorded
def test_the_plateau_and_its_end_are_in_the_record():
    results = load_record("pretraining")["results"]
    losses = [evaluation["mlm_loss"] for evaluation in results["evaluations"]]
    assert results["final"]["mlm_loss"] < results["baselines"]["mlm_loss"] - 1
    assert results["final"]["mlm_accuracy"] > 2 * results["baselines"]["mlm_accuracy"]
    assert losses[0] > results["baselines"]["mlm_loss"] - 0.1  # it starts with nothing


@recorded
def test_the_shipped_model_scores_as_its_record_says():
    model, vocabulary = load_run()
    _, _, held_out = pretraining_run.corpora(vocabulary)
    batches = pretraining_run.evaluation_batches(vocabulary, held_out, CONFIGURATION.run)
    found = evaluate_pretraining(model, batches)
    for name, value in load_record("pretraining")["results"]["stored"].items():
        assert found[name] == pytest.approx(value, abs=2e-3)


@recorded
def test_the_shipped_files_are_small():
    assert sum(path.stat().st_size for path in CHECKPOINT.iterdir()) <= 15 * 2**20


@recorded
def test_files_that_do_not_belong_together_are_refused(tmp_path):
    shutil.copytree(CHECKPOINT, tmp_path / "copy")
    path = tmp_path / "copy" / "config.json"
    path.write_text(path.read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 1'))
    with pytest.raises(CheckpointError, match=r"blocks.1.*course record pretraining"):
        load_run(tmp_path / "copy")


def test_half_precision_changes_little(tmp_path, monkeypatch):
    torch.manual_seed(0)
    small = replace(CONFIGURATION.run.model, num_hidden_layers=1, vocab_size=50)
    model = pretraining_run.PretrainingModel(small)
    vocabulary = [*pretraining_run.texts.SPECIAL_TOKENS, *(f"w{i}" for i in range(45))]
    (tmp_path / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    monkeypatch.setattr(pretraining_run, "CHECKPOINT", tmp_path)
    pretraining_run.save_run(model)
    loaded, words = load_run()
    assert words == vocabulary
    assert loaded.head.decoder.weight is loaded.encoder.embeddings.token.weight
    for ours, theirs in zip(model.parameters(), loaded.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-6)
