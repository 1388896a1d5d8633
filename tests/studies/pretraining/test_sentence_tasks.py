"""Both sentence tasks again: pairs from several passes, the same questions for all, and the rate that is chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from course_lib.pretraining.corpus import TokenizedCorpus, corpus_from_pieces
from course_lib.pretraining.sentence_pairs import plan_pairs
from course_lib.studies.pretraining import sentence_tasks as study


@pytest.fixture
def corpus() -> TokenizedCorpus:
    draw = np.random.default_rng(0)
    return corpus_from_pieces([draw.integers(10, 90, 8) for _ in range(144)], [12] * 12)


@pytest.mark.parametrize("objective", ["nsp", "sop"])
def test_more_pairs_than_a_pass_has_come_from_further_passes(corpus, objective):
    one = plan_pairs(corpus, 64, objective=objective, short_probability=0.0, seed=3)
    found = study.passes(corpus, 64, objective, 2 * len(one) + 5, seed=3)
    assert len(found) == 2 * len(one) + 5
    np.testing.assert_array_equal(found.first[: len(one)], one.first)
    np.testing.assert_array_equal(found.labels[: len(one)], one.labels)
    next_pass = slice(len(one), 2 * len(one))
    assert not np.array_equal(found.second[next_pass], one.second)
    few = study.passes(corpus, 64, objective, 4, seed=3)
    np.testing.assert_array_equal(few.first, one.first[:4])


def test_the_pairs_of_one_pass_share_no_text(corpus):
    """So a pilot is asked about text that it didn't learn from."""
    pairs = plan_pairs(corpus, 64, objective="sop", short_probability=0.0, seed=3)
    spans = np.concatenate([pairs.first, pairs.second])
    spans = spans[spans[:, 0].argsort()]
    assert (spans[1:, 0] >= spans[:-1, 1]).all()


def test_answers_come_back_from_their_digits():
    right = np.array([True, False, False, True])
    assert study.digits(right) == "1001"
    np.testing.assert_array_equal(study.answers("1001"), right)


class Watched:
    """A runner that trains nothing: each run's loss is given by its rate."""

    def __init__(self, losses):
        self.losses, self.runs = losses, []

    def grid(self, study_name, version, plans, seeds, function):
        self.runs += [(name, plan, tuple(seeds)) for name, plan in plans.items()]
        return {
            name: [{"asked_loss": self.losses.get(plan.learning_rate, 0.0)} for _ in seeds]
            for name, plan in plans.items()
        }


@pytest.mark.parametrize(("losses", "chosen"), [((0.6, 0.7), 5e-5), ((0.7, 0.6), 1e-4)])
def test_the_rate_with_the_lowest_loss_on_pairs_not_learned_is_chosen(losses, chosen):
    c = replace(study.CONFIGURATION, sop_rates=(5e-5, 1e-4))
    runner = Watched(dict(zip(c.sop_rates, losses, strict=True)))
    assert study.record(c, runner)["rate"] == chosen
    by_name = {name: (plan, seeds) for name, plan, seeds in runner.runs}
    assert by_name["sop"][0].learning_rate == chosen and by_name["sop"][1] == c.seeds
    assert by_name["5e-05"][0].pilot and by_name["5e-05"][1] == c.seeds[:1]
    assert not by_name["sop"][0].pilot and not by_name["nsp"][0].pilot


def run_of(labels: str, model: str, overlap: str) -> dict:
    return {"labels": labels, "model": model, "overlap": overlap}


def test_models_are_compared_pair_by_pair_with_both_baselines():
    """The majority here says 1, the label of three pairs in four."""
    labels = "1110" * 25
    runs = [run_of(labels, "1111" * 25, "1011" * 25), run_of(labels, "1101" * 25, "1011" * 25)]
    found = {(row.task, row.baseline): row for row in study.comparisons({"nsp": runs, "sop": runs})}
    overlap, majority = found["nsp", "overlap"], found["sop", "majority"]
    assert (overlap.model, overlap.other) == (0.875, 0.75) == (majority.model, majority.other)
    assert overlap.ahead == pytest.approx(0.125) and overlap.low < 0.125 < overlap.high
    same = study.comparisons({"nsp": runs[:1], "sop": [run_of(labels, "1110" * 25, "1110" * 25)]})[-1]
    assert (same.baseline, same.ahead, same.low, same.high) == ("majority", 0, 0, 0)
