"""Fast dropout: the right rate, independent draws, and the attention of the encoder, for every mask that it takes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from scipy.stats import binomtest, chisquare
from torch.nn import functional

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.dropout import FastDropout, drop, fast_attention, random_keep
from course_lib.bert.encoder import BertEncoder, SelfAttention

SMALL = BertConfiguration(
    vocab_size=60,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=32,
    initializer_range=0.3,
    fast_dropout=True,
)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.003])
def test_the_share_that_is_dropped_is_the_rate(rate):
    torch.manual_seed(0)
    dropped = int((~random_keep(torch.Size([1000, 1001]), rate)).sum())
    assert binomtest(dropped, 1_001_000, rate).pvalue > 1e-4


def test_neighbors_are_dropped_independently():
    torch.manual_seed(1)
    for distance in (1, 2, 3, 4, 64):  # four numbers come of one random word
        keep = random_keep(torch.Size([400_000]), 0.3)
        pairs = torch.stack([keep[:-distance], keep[distance:]])[:, :: 2 * distance]
        counts = [int(((pairs[0] == a) & (pairs[1] == b)).sum()) for a in (0, 1) for b in (0, 1)]
        shares = [0.09, 0.21, 0.21, 0.49]
        assert chisquare(counts, [share * sum(counts) for share in shares]).pvalue > 1e-4


def test_a_seed_of_torch_repeats_the_draws_and_each_draw_differs():
    torch.manual_seed(3)
    first, second = random_keep(torch.Size([1000]), 0.5), random_keep(torch.Size([1000]), 0.5)
    torch.manual_seed(3)
    assert torch.equal(random_keep(torch.Size([1000]), 0.5), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_stays_is_scaled_and_so_is_its_gradient(dtype):
    torch.manual_seed(0)
    values = torch.ones(50, 7, dtype=dtype, requires_grad=True)
    dropped = drop(values, 0.25)
    assert dropped.dtype == dtype
    assert set(dropped.detach().unique().tolist()) == {0.0, torch.tensor(1 / 0.75, dtype=dtype).item()}
    dropped.sum().backward()
    assert torch.equal(values.grad, dropped.detach())


def test_nothing_is_dropped_in_evaluation_or_at_rate_0():
    values = torch.randn(10, 10)
    assert FastDropout(0.5).eval()(values) is values
    assert drop(values, 0) is values
    assert not torch.equal(FastDropout(0.5).train()(values), values)


MASKS = {
    "everything": None,
    "padding": (torch.arange(9) < torch.tensor([9, 5, 1])[:, None])[:, None, None, :],  # (B, 1, 1, T)
    "left to right": torch.ones(9, 9).tril().bool().expand(3, 1, 9, 9),  # (B, 1, T, T)
}
BOTH = pytest.mark.parametrize("name", ["padding", "left to right"])


@pytest.mark.parametrize("name", MASKS)
def test_attention_is_the_encoder_s(name):
    """At a rate too small to drop anything, the fast path with dropout gives what the plain one gives."""
    torch.manual_seed(0)
    plain, fast = SelfAttention(replace(SMALL, fast_dropout=False)).eval(), SelfAttention(SMALL).train()
    fast.load_state_dict(plain.state_dict())
    fast.dropout = 1e-9
    hidden = torch.randn(3, 9, 32)
    outputs, gradients = [], []
    for attention in (plain, fast):
        leaf = hidden.clone().requires_grad_()
        output, _ = attention(leaf, MASKS[name], False)
        output.square().sum().backward()
        outputs.append(output.detach())
        gradients.append((leaf.grad, attention.query_key_value.weight.grad))
    assert torch.allclose(*outputs, atol=1e-5)
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", MASKS)
def test_without_dropout_attention_is_that_of_torch(name):
    query, key, value = torch.randn(3, 3, 4, 9, 8).unbind()
    expected = functional.scaled_dot_product_attention(query, key, value, attn_mask=MASKS[name])
    assert torch.equal(fast_attention(query, key, value, MASKS[name]), expected)


@pytest.mark.parametrize("name", MASKS)
def test_attention_drops_weights_not_states(name):
    """Devlin et al. 2018 drop attention probabilities: the mean over draws is the output without dropout."""
    torch.manual_seed(0)
    attention = SelfAttention(SMALL).train()
    attention.dropout = 0.2
    hidden, mask = torch.randn(3, 9, 32), MASKS[name]
    often = None if mask is None else mask.repeat(1000, 1, 1, 1)
    with torch.no_grad():
        draws = torch.cat([attention(hidden.repeat(1000, 1, 1), often, False)[0] for _ in range(4)])
        draws = draws.unflatten(0, (4000, 3))  # (draws, B, T, H)
        expected = attention.eval()(hidden, mask, False)[0]
    error = draws.std(dim=0) / 4000**0.5
    assert ((draws.mean(dim=0) - expected).abs() < 5 * error).all()
    assert float(draws.std(dim=0).min()) > 0


@pytest.mark.parametrize("name", MASKS)
def test_the_share_of_attention_weights_that_is_dropped_is_the_rate(name):
    """A value for each key that is 1 there and 0 elsewhere: the output is the row of weights."""
    torch.manual_seed(0)
    query, key, value = torch.zeros(3, 4, 9, 9), torch.zeros(3, 4, 9, 9), torch.eye(9).expand(3, 4, 9, 9)
    visible = torch.ones(3, 4, 9, 9, dtype=torch.bool) if MASKS[name] is None else MASKS[name]
    visible = visible.expand(3, 4, 9, 9)
    plain = functional.scaled_dot_product_attention(query, key, value, attn_mask=MASKS[name])
    dropped = 0
    for _ in range(200):
        weights = fast_attention(query, key, value, MASKS[name], dropout_p=0.3)
        assert torch.allclose(weights, torch.where(weights == 0, 0.0, plain / 0.7))  # not hidden ones: 0
        dropped += int((weights[visible] == 0).sum())
    assert binomtest(dropped, 200 * int(visible.sum()), 0.3).pvalue > 1e-4


@BOTH
def test_what_is_hidden_is_never_attended_to_in_training(name):
    attention, mask = SelfAttention(SMALL).train(), MASKS[name].expand(3, 1, 9, 9)
    hidden = torch.randn(3, 9, 32)
    for last in (0, 4, 7):  # states behind it change, where it may not look at them
        rows = ~mask[:, 0, last, last + 1 :].any(dim=1)  # (B,)
        changed = hidden.clone()
        changed[rows, last + 1 :] = 100.0
        outputs = []
        for states in (hidden, changed):
            torch.manual_seed(5)
            outputs.append(attention(states, mask, False)[0][rows, last])
        assert rows.any() and torch.allclose(*outputs, atol=1e-6)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_model_with_attention_dropout_takes_both_kinds_of_masks(dimensions):
    """(B, T) for padding and (B, T, T) for a model that reads from left to right, padded too."""
    torch.manual_seed(0)
    encoder, plain = BertEncoder(SMALL), BertEncoder(replace(SMALL, fast_dropout=False)).eval()
    plain.load_state_dict(encoder.state_dict())
    encoder.use_dropout(hidden=0.0, attention=1e-9)
    ids, mask = torch.randint(5, 60, (2, 10)), torch.arange(10) < torch.tensor([[10], [6]])
    if dimensions == 3:
        mask = mask[:, None] & torch.ones(10, 10).tril().bool()  # (B, T, T)
    outputs = [model(ids, None, mask).last_hidden_state for model in (plain, encoder.train())]
    torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-4)
    encoder.use_dropout(attention=0.5)
    assert not torch.allclose(encoder(ids, None, mask).last_hidden_state, outputs[0], atol=1e-2)


def test_rates_and_how_they_are_drawn_are_the_configuration_s():
    for fast, kind in ((False, torch.nn.Dropout), (True, FastDropout)):
        encoder = BertEncoder(replace(SMALL, fast_dropout=fast, hidden_dropout_prob=0.25))
        dropouts = [module for module in encoder.modules() if isinstance(module, torch.nn.Dropout)]
        assert [type(module) for module in dropouts] == [kind] * 3
        assert [module.p for module in dropouts] == [0.25] * 3
        assert [block.attention.attend is fast_attention for block in encoder.blocks] == [fast] * 2
    encoder.use_dropout(attention=0.5)
    assert [block.attention.dropout for block in encoder.blocks] == [0.5] * 2
    assert [module.p for module in dropouts] == [0.25] * 3
    dropouts[0].p = 0.0  # set by hand, as a search over rates may do
    encoder.use_dropout(attention=0.25)
    assert [module.p for module in dropouts] == [0.0, 0.25, 0.25]
    encoder.use_dropout(hidden=0.125, attention=0.5)
    assert [module.p for module in dropouts] == [0.125] * 3
    wanted = replace(SMALL, hidden_dropout_prob=0.125, attention_probs_dropout_prob=0.5)
    assert encoder.configuration == wanted and encoder.configuration.fast_dropout
    with pytest.raises(ValueError, match=r"attention_probs_dropout_prob is 1\.5"):
        encoder.use_dropout(attention=1.5)


def test_how_dropout_is_drawn_is_no_property_of_a_model(tmp_path):
    """Neither in config.json, nor read from it, nor a difference of two models."""
    assert "fast_dropout" not in SMALL.to_dict() and replace(SMALL, fast_dropout=False) == SMALL
    (tmp_path / "config.json").write_text(json.dumps(SMALL.to_dict() | {"fast_dropout": True}), "utf-8")
    assert not BertConfiguration.from_file(tmp_path / "config.json").fast_dropout
