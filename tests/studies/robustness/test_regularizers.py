"""Dropout in both places, rates by layer, fresh blocks, smoothed labels, R-Drop and early stopping."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr, softmax
from torch.nn import functional

from course_lib.errors import CourseError
from course_lib.studies.robustness import regularizers
from course_lib.studies.robustness.regularizers import (
    EarlyStopping,
    consistency,
    dropout_rates,
    layer_rates,
    layer_wise_groups,
    rdrop_loss,
    reinitialize_top,
    smoothed_loss,
    use_dropout_everywhere,
)
from course_lib.training.batching import pad_batch

scores = st.lists(st.lists(st.floats(-8, 8), min_size=3, max_size=3), min_size=1, max_size=5)


def test_dropout_is_raised_for_hidden_states_and_for_attention(new_model):
    model = new_model()
    use_dropout_everywhere(model, 0.3)
    assert dropout_rates(model) == {"hidden": 0.3, "attention": 0.3, "head": 0.1}
    encoder = model.encoder
    assert {m.dropout.p for m in (encoder.embeddings, *encoder.blocks)} == {0.3}
    assert {block.attention.dropout for block in encoder.blocks} == {0.3}


def test_attention_alone_makes_two_readings_differ(new_model, features):
    model, batch = new_model(dropout=0.0).train(), pad_batch(features[:4])
    assert torch.equal(model(batch), model(batch))
    use_dropout_everywhere(model, 0.5)
    model.encoder.use_dropout(hidden=0.0)
    assert not torch.equal(model(batch), model(batch))


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2])
def test_a_rate_that_is_none_gets_one_sentence(new_model, rate):
    with pytest.raises(CourseError, match=r"is no share\. Give a number from 0 to below 1"):
        use_dropout_everywhere(new_model(), rate)
    with pytest.raises(CourseError, match=r"is no share\. Give a number from 0 to below 1"):
        smoothed_loss(torch.zeros(1, 2), torch.tensor([0]), rate)


def test_rates_fall_layer_by_layer_from_the_head(new_model):
    rates = layer_rates(new_model(), 1e-3, 0.5)
    assert rates == pytest.approx(
        {"head": 1e-3, "block 3": 5e-4, "block 2": 2.5e-4, "block 1": 1.25e-4, "embeddings": 6.25e-5}
    )
    assert set(layer_rates(new_model(), 1e-3, 1.0).values()) == {1e-3}


@pytest.mark.parametrize("decay", [0.0, -1, 1.01])
def test_a_decay_that_is_none_gets_one_sentence(new_model, decay):
    with pytest.raises(CourseError, match="Give a factor above 0, up to 1"):
        layer_rates(new_model(), 1e-3, decay)


def test_every_parameter_is_in_one_group_with_the_rate_of_its_layer(new_model):
    model = new_model()
    groups = layer_wise_groups(model, 1e-3, 0.5, weight_decay=0.1)
    rates, names = layer_rates(model, 1e-3, 0.5), {id(p): name for name, p in model.named_parameters()}
    found = {names[id(p)]: group for group in groups for p in group["params"]}
    assert sum(len(group["params"]) for group in groups) == len(found) == len(names)
    for name, group in found.items():
        part = "embeddings" if ".embeddings." in name else "head"
        if ".blocks." in name:
            part = f"block {int(name.split('.')[2]) + 1}"
        assert group["name"] == part and group["lr"] == group["peak"] == rates[part], name
        norm_or_bias = "norm" in name or name.endswith("bias")
        assert group["weight_decay"] == (0.0 if norm_or_bias else 0.1), name


def test_frozen_parameters_are_in_no_group(new_model):
    model = new_model()
    model.encoder.embeddings.requires_grad_(False)
    assert {group["name"] for group in layer_wise_groups(model, 1.0, 0.5)} == {
        "head",
        "block 1",
        "block 2",
        "block 3",
    }


@pytest.mark.parametrize("blocks", [0, 1, 2, 3])
def test_only_the_top_blocks_are_fresh(new_model, blocks):
    model = new_model()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5)  # neither fresh weights nor zeros nor ones
    before = {name: p.clone() for name, p in model.named_parameters()}
    drawn = torch.get_rng_state()
    reinitialize_top(model, blocks, seed=1)
    assert torch.equal(torch.get_rng_state(), drawn)  # head and dropout are drawn as without it
    for name, parameter in model.named_parameters():
        fresh = any(f"blocks.{number}." in name for number in range(3 - blocks, 3))
        assert torch.equal(parameter, before[name]) is not fresh, name
        if fresh and "norm.weight" in name:
            assert (parameter == 1).all(), name
        elif fresh and name.endswith("bias"):
            assert (parameter == 0).all(), name
        elif fresh:
            assert 0.01 < parameter.std() < 0.03 and parameter.abs().max() <= 0.04, name


def test_more_fresh_blocks_than_there_are_get_one_sentence(new_model):
    with pytest.raises(CourseError, match=r"4 blocks are to be fresh, and the encoder has 3\. Give 0 to 3\."):
        reinitialize_top(new_model(), 4, seed=1)


@given(scores, st.floats(0, 0.9))
def test_smoothed_labels_are_a_mean_of_label_and_all_classes(values, smoothing):
    values = torch.tensor(values, dtype=torch.float64)
    labels = torch.arange(len(values)) % 3
    plain = functional.cross_entropy(values, labels)
    uniform = -values.log_softmax(dim=-1).mean(dim=-1).mean()
    assert smoothed_loss(values, labels, smoothing).item() == pytest.approx(
        ((1 - smoothing) * plain + smoothing * uniform).item(), abs=1e-9
    )


@given(scores, st.randoms())
def test_consistency_is_the_symmetric_divergence_of_scipy(values, random):
    first = np.array(values)
    second = np.array([random.sample(row, 3) for row in values])
    p, q = softmax(first, axis=1), softmax(second, axis=1)
    expected = (rel_entr(p, q).sum(axis=1) + rel_entr(q, p).sum(axis=1)).mean() / 2
    a, b = torch.from_numpy(first), torch.from_numpy(second)
    assert consistency(a, b).item() == pytest.approx(expected, abs=1e-9)
    assert consistency(a, b).item() == pytest.approx(consistency(b, a).item(), abs=1e-12)
    assert consistency(a, a).item() == 0


def test_rdrop_reads_twice_and_the_readings_differ(new_model, features, monkeypatch):
    model, batch, seen = new_model().train(), pad_batch(features[:6]), []
    divergence = regularizers.consistency
    monkeypatch.setattr(regularizers, "consistency", lambda a, b: seen.append((a, b)) or divergence(a, b))
    loss = rdrop_loss(model, batch, 2.0)
    (first, second), labels = seen[0], batch["label"]
    assert not torch.equal(first, second)
    expected = functional.cross_entropy(first, labels) + functional.cross_entropy(second, labels)
    assert loss.item() == pytest.approx((expected + 2 * divergence(first, second)).item(), abs=1e-6)
    assert divergence(first, second) > 0 and loss.requires_grad


def test_rdrop_without_dropout_is_refused(new_model, features):
    batch = pad_batch(features[:6])
    for model in (new_model(dropout=0.0).train(), new_model().eval()):
        with pytest.raises(CourseError, match="this model drops nothing"):
            rdrop_loss(model, batch)


def test_early_stopping_waits_as_long_as_its_patience():
    stopping, losses = EarlyStopping(2), [0.7, 0.5, 0.6, 0.4, 0.45, 0.41]
    found = [(stopping.better(loss), stopping.stop) for loss in losses]
    assert found == [
        (True, False),
        (True, False),
        (False, False),
        (True, False),
        (False, False),
        (False, True),
    ]
    assert stopping.best == 0.4 and stopping.best_look == 4
