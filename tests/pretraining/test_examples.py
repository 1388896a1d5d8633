"""The batches of a run: repeatable, split over processes without loss, masked anew in each pass."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pretraining import examples, sentence_pairs
from course_lib.pretraining.examples import PretrainingBatches, Stage, derived_seed, held_out_batches
from course_lib.pretraining.masking import MaskingStrategy

STAGES = (Stage(24, 30, 4), Stage(48, 10, 4))


def batches_of(tiny, stages=STAGES, **changes):
    return PretrainingBatches(tiny.corpus, tiny.vocabulary, stages, **changes)


def joined(parts):
    """Put the parts of one step together: the padded rows, and the targets by row."""
    fields = ("input_ids", "token_type_ids", "attention_mask", "next_sentence_labels", "targets")
    return {field: torch.cat([getattr(part, field) for part in parts]) for field in fields}


def same(first, second):
    return all(torch.equal(first[field], second[field]) for field in first)


def test_a_step_is_the_same_whenever_it_is_asked_for(tiny):
    once, again = batches_of(tiny), batches_of(tiny)
    backwards = {step: again[step] for step in reversed(range(len(again)))}
    for step in range(len(once)):
        assert same(joined(once[step]), joined(backwards[step]))


def test_another_seed_gives_other_batches(tiny):
    assert not torch.equal(batches_of(tiny)[0][0].targets, batches_of(tiny, seed=1)[0][0].targets)


@pytest.mark.parametrize(("processes", "accumulation"), [(2, 1), (1, 4), (2, 2), (4, 1)])
def test_processes_and_accumulation_share_the_step_of_one_process(tiny, processes, accumulation):
    size = 8 // (processes * accumulation)
    whole = batches_of(tiny, (Stage(24, 5, 8),))
    shares = [
        batches_of(
            tiny, (Stage(24, 5, size),), processes=processes, process=process, accumulation=accumulation
        )
        for process in range(processes)
    ]
    for step in range(5):
        parts = [[share[step][part] for share in shares] for part in range(accumulation)]
        parts = list(itertools.chain.from_iterable(parts))
        assert same(joined(whole[step]), joined(parts))
        for part in parts:
            assert part[6:] == whole[step][0][6:]  # the counts of the whole step
        assert sum(len(part.targets) for part in parts) == parts[0].masked_in_step
        assert sum(int(part.attention_mask.sum()) for part in parts) == parts[0].tokens_in_step


def test_positions_lead_to_the_chosen_words(tiny):
    for part in (batches_of(tiny)[step][0] for step in (0, 35)):
        restored = part.input_ids.flatten().clone()
        restored[part.positions] = part.targets
        restored = restored.view_as(part.input_ids)
        assert not tiny.vocabulary.is_special[part.targets].any()
        lengths = part.attention_mask.sum(dim=1)
        assert (restored[:, 0] == tiny.vocabulary.special.cls_id).all()
        assert (restored[torch.arange(len(lengths)), lengths - 1] == tiny.vocabulary.special.sep_id).all()
        counts = (lengths.double() * 0.15).round().clamp(min=1)
        assert len(part.positions) == counts.sum()  # none is lost to a limit, not at length 48 either


def test_stages_follow_one_another_and_the_run_ends(tiny):
    batches = batches_of(tiny)
    assert len(batches) == 40
    assert batches.stage_of(29) == 0 and batches.stage_of(30) == 1
    assert batches[29][0].input_ids.shape[1] <= 24 < batches[30][0].input_ids.shape[1] <= 48
    for step in (-1, 40):
        with pytest.raises(IndexError, match="40, counted from 0"):
            batches[step]


def test_every_pair_of_an_epoch_is_used_once(tiny, monkeypatch):
    seen = []
    gather = sentence_pairs.gather_pairs
    monkeypatch.setattr(
        sentence_pairs, "gather_pairs", lambda corpus, pairs, rows, special: (
            seen.extend(np.asarray(rows).tolist()) or gather(corpus, pairs, rows, special)
        )
    )  # fmt: skip
    batches = batches_of(tiny, (Stage(24, 1000, 4),))
    steps = batches.steps_in_epoch(0)
    for step in range(steps):
        batches[step]
    assert len(seen) == len(set(seen)) == 4 * steps
    assert 4 * steps > len(sentence_pairs.plan_pairs(tiny.corpus, 24, seed=derived_seed(42, 0, 0, 0))) - 4


def test_masks_are_drawn_anew_for_the_same_pairs(tiny, monkeypatch):
    """Error 7: masks drawn once and never refreshed."""
    fixed = sentence_pairs.plan_pairs(tiny.corpus, 24, seed=0)
    monkeypatch.setattr(sentence_pairs, "plan_pairs", lambda *a, **k: fixed)
    batches = batches_of(tiny, (Stage(24, 1000, 4),))
    first, second = batches[0][0], batches[batches.steps_in_epoch(0)][0]
    assert torch.equal(first.attention_mask, second.attention_mask)  # the same pairs, one epoch later
    assert torch.equal(first.next_sentence_labels, second.next_sentence_labels)
    assert not torch.equal(first.positions, second.positions)


def test_pairs_are_planned_anew_in_each_epoch(tiny, monkeypatch):
    plans, plan = [], sentence_pairs.plan_pairs
    monkeypatch.setattr(
        sentence_pairs, "plan_pairs", lambda *a, seed, **k: plans.append(seed) or plan(*a, seed=seed, **k)
    )
    batches = batches_of(tiny, (Stage(24, 1000, 4),))
    for step in range(3 * batches.steps_in_epoch(0)):
        batches[step]
    assert len(set(plans)) == 3


@pytest.fixture
def planned(monkeypatch):
    """What is asked of each plan of pairs."""
    asked, plan = [], sentence_pairs.plan_pairs
    monkeypatch.setattr(
        sentence_pairs, "plan_pairs", lambda *a, **named: asked.append(named) or plan(*a, **named)
    )
    return asked


def test_pairs_are_planned_anew_in_each_stage(tiny, planned):
    """Else a second stage of the same length begins with the pairs of the first."""
    batches = batches_of(tiny, (Stage(24, 2, 4), Stage(24, 2, 4)))
    batches[0], batches[2]
    assert len(planned) == 2 and planned[0]["seed"] != planned[1]["seed"]


def test_what_is_asked_of_pairs_and_masks_reaches_the_run_and_the_held_out_text(tiny, planned):
    asked = {"short_probability": 0.7, "objective": "sop"}
    strategy = MaskingStrategy(1.0, 0.0, 0.0, selection=0.5, max_predictions=None)
    (part,) = batches_of(tiny, strategy=strategy, **asked)[0]
    held_out = held_out_batches(tiny.held_out, tiny.vocabulary, 24, strategy=strategy, **asked)
    assert len(planned) == 2 and all(asked.items() <= plan.items() for plan in planned)
    for batch in (part, held_out[0]):
        assert (batch.input_ids.flatten()[batch.positions] == tiny.vocabulary.mask_id).all()
        assert batch.masked_in_step > batch.tokens_in_step * 0.4


def test_held_out_masks_stay_the_same(tiny):
    arguments = (tiny.held_out, tiny.vocabulary, 24)
    once, again = held_out_batches(*arguments), held_out_batches(*arguments)
    assert all(same(joined([a]), joined([b])) for a, b in zip(once, again, strict=True))
    assert sum(batch.pairs_in_step for batch in held_out_batches(*arguments, limit=10)) == 10


@pytest.mark.parametrize("wrong", [{"max_length": 4}, {"steps": 0}, {"batch_size": 0}])
def test_an_impossible_stage_is_refused(wrong):
    with pytest.raises(ValueError, match="cannot be run"):
        Stage(**{"max_length": 8, "steps": 1, "batch_size": 1} | wrong)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 10**9)), min_size=2, max_size=2, unique=True))
def test_seeds_of_different_purposes_differ(paths):
    first, second = (derived_seed(42, *path) for path in paths)
    assert first != second and 0 <= first < 2**63
    assert examples.derived_seed(42, *paths[0]) == first


def test_a_stage_begins_with_the_first_pairs_of_its_own_first_epoch(tiny, monkeypatch):
    rows_of, gather = [], sentence_pairs.gather_pairs
    monkeypatch.setattr(
        sentence_pairs, "gather_pairs", lambda corpus, pairs, rows, special: (
            rows_of.append(np.asarray(rows).tolist()) or gather(corpus, pairs, rows, special)
        )
    )  # fmt: skip
    batches_of(tiny, (Stage(24, 3, 4), Stage(24, 3, 4)))[3]
    assert rows_of == [[0, 1, 2, 3]]


def test_masks_are_drawn_anew_in_each_stage(tiny, monkeypatch):
    fixed = sentence_pairs.plan_pairs(tiny.corpus, 24, seed=0)
    monkeypatch.setattr(sentence_pairs, "plan_pairs", lambda *a, **k: fixed)
    batches = batches_of(tiny, (Stage(24, 2, 4), Stage(24, 2, 4)))
    first, second = batches[0][0], batches[2][0]
    assert torch.equal(first.attention_mask, second.attention_mask)  # the same pairs, one stage later
    assert not torch.equal(first.positions, second.positions)


def test_held_out_batches_have_masks_and_pairs_of_their_own(tiny, monkeypatch, planned):
    """The same draws for every batch would look at the same places again and again."""
    batches_of(tiny)[0]
    fixed = torch.full((2, 12), 7)
    drawn, mask = [], examples.mask_tokens

    def masking(input_ids, *a, **k):
        drawn.append(mask(fixed, *a, **k).chosen)
        return mask(input_ids, *a, **k)

    monkeypatch.setattr(examples, "mask_tokens", masking)
    held_out_batches(tiny.held_out, tiny.vocabulary, 24, batch_size=2, limit=16)
    assert planned[0]["seed"] != planned[1]["seed"]
    assert len({tuple(chosen.flatten().tolist()) for chosen in drawn}) > 1
