"""Recordings with little to do, from end to end: the same code as the long ones, and the same form of results."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from course_lib.data import weights
from course_lib.data.sources import load_texts
from course_lib.finetuning import compact
from course_lib.studies.finetuning import (
    freezing,
    live_questions,
    pooling,
    review_run,
    task_models,
    unanswerable,
)
from course_lib.studies.masking import masked_word_model, masking_strategies
from course_lib.studies.pretraining import sentence_order
from course_lib.studies.records import load_record

sys.path.append(str(Path(__file__).parents[1]))


def few(rows_of: dict[str, int]):
    """Return a loader of the bundled texts that keeps so many rows of each part, spread over it."""

    def load(name: str, source: str):
        return {
            split: rows.select(range(0, len(rows), max(1, len(rows) // rows_of[split])))
            for split, rows in load_texts(name, source).items()
        }

    return load


FEW = few({"train": 16, "validation": 6, "test": 6})


def form(value):
    """Return the keys and types of a result, so that two can be compared whatever their numbers are."""
    if isinstance(value, dict):
        return {key: form(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [form(value[0])] if value else []
    return "number" if isinstance(value, int | float) else type(value).__name__


def test_sentence_order(runner, in_place_of_the_bundled):
    c = replace(sentence_order.CONFIGURATION, training_pairs=(16, 32), validation_pairs=24)
    found = sentence_order.record(c, runner)
    assert form(found) == form(load_record("sentence-order")["results"])
    assert [found[name]["training_pairs"] for name in ("nsp", "sop")] == [16, 32]
    assert all(0 <= run["accuracy"][name] <= 1 for run in found.values() for name in found)


def test_masking_strategies(monkeypatch, runner, in_place_of_the_bundled):
    monkeypatch.setattr(masking_strategies, "load_texts", FEW)
    shares = ((80, 10, 10), (0, 0, 100))
    c = replace(masking_strategies.CONFIGURATION, strategies=shares, steps=2, validation_sequences=4)
    c = replace(c, warmup_steps=1, learning_rate=5e-3)  # far enough to see a difference after two updates
    found = masking_strategies.record(c, runner)
    assert form(found) == form(load_record("masking-strategies")["results"])
    assert [tuple(row[part] for part in ("mask", "keep", "random")) for row in found] == list(shares)
    assert all(len(row["entity_f1"]) == len(c.seeds) for row in found)
    measures = [[row[name] for name in row if name not in ("mask", "keep", "random")] for row in found]
    assert measures[0] != measures[1]  # another masking, another model


def test_freezing(monkeypatch, runner):
    monkeypatch.setattr(freezing, "load_texts", few({"train": 16, "validation": 12, "test": 12}))
    strategies = freezing.CONFIGURATION.strategies[:2]
    c = replace(freezing.CONFIGURATION, strategies=strategies, sentences=16, epochs=1, seeds=(1, 2))
    found = freezing.record(c, runner)
    recorded = load_record("freezing")["results"][: len(found)]
    assert [row | {"search": 0} for row in map(form, found)] == [
        row | {"search": 0} for row in map(form, recorded)
    ]
    assert [list(row["search"]) for row in found] == [list(row["search"]) for row in recorded]
    assert [row["trainable"] for row in found] == [row["trainable"] for row in recorded]


def test_review_run(monkeypatch, runner, in_place_of_the_bundled):
    monkeypatch.setattr(review_run, "load_texts", FEW)
    short = replace(review_run.CONFIGURATION.training, epochs=2)
    found = review_run.record(replace(review_run.CONFIGURATION, training=short), runner)
    recorded = load_record("review-run")["results"]
    assert form(found) | {"kinds": 0} == form(recorded) | {"kinds": 0}
    assert len(found["losses"]) == 4 and len(found["validation"]) == 2 and found["rows"] == 17


@pytest.fixture
def in_place_of_the_bundled(small_encoder, monkeypatch):
    """The small encoder wherever the bundled one is asked for by its folder."""
    for module in (weights, compact, masked_word_model, sentence_order):
        monkeypatch.setattr(module, "bundled_weights_folder", lambda *place, **checks: small_encoder)


def test_pooling(monkeypatch, runner, in_place_of_the_bundled):
    monkeypatch.setattr(pooling, "load_texts", FEW)
    short = replace(pooling.CONFIGURATION.training, epochs=1)
    found = pooling.record(replace(pooling.CONFIGURATION, training=short), runner)
    assert form(found) == form(load_record("pooling")["results"])
    losses = [row["last_loss"] for row in found.values()]
    assert len({tuple(row) for row in losses}) == len(losses)  # another reading, another run


@pytest.fixture
def checkpoints(tmp_path, monkeypatch, in_place_of_the_bundled):
    """A place for what the recordings store, and few rows to learn from."""
    for module in (task_models, unanswerable, live_questions):
        monkeypatch.setattr(module, "CHECKPOINTS", tmp_path)
        monkeypatch.setattr(module, "load_texts", FEW)
        monkeypatch.setattr(module, "load_task_model", lambda task: LOAD(task, tmp_path))
    monkeypatch.setattr(unanswerable, "CHECKPOINT", tmp_path / "unanswerable")
    monkeypatch.setattr(unanswerable, "load_model", lambda: LOAD_BOTH(tmp_path / "unanswerable"))
    return tmp_path


LOAD, LOAD_BOTH = task_models.load_task_model, unanswerable.load_model


def test_task_models_and_what_goes_on_from_them(checkpoints, runner):
    short = {
        task: replace(getattr(task_models.CONFIGURATION, task), epochs=1)
        for task in ("reviews", "entities", "questions")
    }
    c = replace(task_models.CONFIGURATION, **short, review_length=32, ranks=(2,))
    found = task_models.record(c, runner)
    assert form(found) == form(load_record("task-models")["results"])
    assert all((checkpoints / task / "model.safetensors").is_file() for task in found)
    assert task_models.record(c, runner) == found  # read back
    (checkpoints / "entities" / "model.safetensors").unlink()
    task_models.record(c, runner)  # the one whose checkpoint is gone is made again
    assert (checkpoints / "entities" / "model.safetensors").is_file()

    both = replace(
        unanswerable.CONFIGURATION, both=replace(unanswerable.CONFIGURATION.both, epochs=1), rank=2
    )
    examined = unanswerable.record(both, runner)
    assert form(examined) == form(load_record("unanswerable")["results"])
    for name, folder in (("1.1-style", "questions"), ("2.0-style", "unanswerable")):
        assert examined[name]["checkpoint"] == unanswerable.checksum(checkpoints / folder)

    live = live_questions.record(replace(live_questions.CONFIGURATION, questions=8), runner)
    assert form(live) == form(load_record("live-questions")["results"]) and live["questions"] == 8
    shorter = replace(c, questions=replace(c.questions, learning_rate=1e-3))
    task_models.record(shorter, runner)
    again = unanswerable.record(both, runner)  # another checkpoint of questions: examined anew
    assert again["1.1-style"]["checkpoint"] != examined["1.1-style"]["checkpoint"]
    assert again["2.0-style"] == examined["2.0-style"]
