"""Buckets against random batches: the arms differ in their batches alone, and padding changes no loss."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace

import pytest

from course_lib.studies.finetuning import buckets
from course_lib.studies.finetuning.buckets import CONFIGURATION, Arm, TaskSettings
from course_lib.studies.records import load_record
from course_lib.training.batching import BucketBatchSampler

FEATURES = [{"input_ids": [7] * length, "labels": 0} for length in (2, 30, 3, 29, 4, 28, 5, 27)]
SHORT = replace(CONFIGURATION, entities_timed=TaskSettings(16, 64, 1, 3e-4), batch_size=4)


def widths(kind: str) -> list[int]:
    making = buckets.batch_making(kind, 40)
    order = BucketBatchSampler([len(f["input_ids"]) for f in FEATURES], 2, 1, making["pool"])
    return [making["collate"]([FEATURES[row] for row in rows])["input_ids"].shape[1] for rows in order]


def test_the_arms_differ_in_the_padding_that_they_need():
    assert widths("fixed") == [40] * 4
    assert max(widths("random")) <= 30  # the longest row, and no further
    assert sum(widths("buckets")) < sum(widths("random")) < sum(widths("fixed"))


def test_what_is_scored_differs_in_its_batches_alone():
    """Rows, epochs and rate are one object for both; and both are padded to their longest row."""
    one, other = (buckets.batch_making(kind, 128) for kind in buckets.SCORED)
    assert one["collate"] is other["collate"] is buckets.pad_batch
    assert one["pool"] > other["pool"] == 1
    assert "fixed" not in buckets.SCORED and "fixed" in buckets.TIMED


def test_the_amount_of_padding_changes_no_loss():
    assert buckets.largest_difference("entities", SHORT, steps=3) <= 1e-4


def test_padding_that_is_looked_at_would_be_seen(monkeypatch):
    """The check can fail: without a mask, the fixed length gives other losses."""
    from course_lib.finetuning.entities import pad_entities

    def unmasked(features, length=None):
        batch = pad_entities(features, length)
        return batch | {"attention_mask": batch["attention_mask"] * 0 + 1}

    task = buckets.load_task("entities", 16, 64)
    monkeypatch.setattr(buckets, "load_task", lambda *_: replace(task, collate=unmasked))
    assert buckets.largest_difference("entities", SHORT, steps=3) > 1e-3


@pytest.fixture
def counted(monkeypatch):
    """The study with runs that cost nothing."""
    calls = []

    def score_run(arm: Arm, seed: int) -> dict:
        calls.append((arm.task, arm.batches, seed))
        return {"score": 70.0 + seed, "padding": 0.1, "updates": 5}

    def time_run(arm: Arm, seed: int) -> dict:
        calls.append((arm.task, arm.batches, seed))
        return {"processor_seconds": 2.0, "timed_padding": 0.5}

    monkeypatch.setattr(buckets, "score_run", score_run)
    monkeypatch.setattr(buckets, "time_run", time_run)
    monkeypatch.setattr(buckets, "largest_difference", lambda name, configuration: 3.14159e-6)
    return calls


def test_a_recording_has_every_arm_and_goes_on_where_it_was(counted, runner):
    found = buckets.record(CONFIGURATION, runner)
    scored, others = 2 * 2 * len(CONFIGURATION.seeds), (2 + 2) * 2 * len(CONFIGURATION.few_seeds)
    assert len(counted) == scored + others
    for task in ("entities", "reviews"):
        assert (
            found[task]["buckets"]["score"]
            == found[task]["random"]["score"]
            == [70.0 + seed for seed in CONFIGURATION.seeds]
        )
        assert set(found[task]["fixed"]) == {"processor_seconds", "timed_padding"}
        assert found[task]["largest_difference"] == 3.1e-6
    for training in ("small", "longer"):
        assert set(found["reviews"][training]) == set(buckets.SCORED) and training not in found["entities"]
        assert len(found["reviews"][training]["random"]["score"]) == len(CONFIGURATION.few_seeds)
    json.dumps(found)
    counted.clear()
    assert buckets.record(CONFIGURATION, runner) == found and counted == []


def test_the_recorded_models_have_learned_and_fixed_padding_takes_longer():
    """A comparison of scores says nothing where nobody has learned anything: the bars are far above guessing."""
    results = load_record("buckets")["results"]
    for task, bar in (("entities", 50), ("reviews", 60)):
        found = results[task]
        for kind in buckets.SCORED:
            assert statistics.mean(found[kind]["score"]) > bar
        assert sum(found["fixed"]["processor_seconds"]) > 1.5 * sum(found["buckets"]["processor_seconds"])
        # The seeds are the same in both arms, so their differences are compared.
        pairs = zip(found["buckets"]["score"], found["random"]["score"], strict=True)
        assert abs(statistics.mean(buckets - other for buckets, other in pairs)) <= 1
        assert statistics.mean(found["random"]["padding"]) > statistics.mean(found["buckets"]["padding"])
        assert found["largest_difference"] <= 1e-4
