"""Fast dropout: the right rate, independent draws, and the attention of the encoder."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import binomtest, chisquare

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder, SelfAttention
from course_lib.training.dropout import (
    FastDropout,
    FastDropoutAttention,
    drop,
    random_keep,
    use_fast_dropout,
)

SMALL = BertConfiguration(
    vocab_size=60,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=32,
    initializer_range=0.3,
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


@pytest.mark.parametrize("padded", [False, True])
def test_attention_is_the_encoder_s(padded):
    """At a rate too small to drop anything, the fast path with dropout gives what the plain one gives."""
    torch.manual_seed(0)
    plain, fast = SelfAttention(SMALL).eval(), FastDropoutAttention(SMALL).train()
    fast.load_state_dict(plain.state_dict())
    fast.dropout = 1e-9
    hidden = torch.randn(3, 9, 32)
    mask = None
    if padded:
        mask = (torch.arange(9) < torch.tensor([9, 5, 1])[:, None])[:, None, None, :]
    outputs, gradients = [], []
    for attention in (plain, fast):
        leaf = hidden.clone().requires_grad_()
        output, _ = attention(leaf, mask, False)
        output.square().sum().backward()
        outputs.append(output.detach())
        gradients.append((leaf.grad, attention.query_key_value.weight.grad))
    assert torch.allclose(*outputs, atol=1e-5)
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_attention_drops_weights_not_states():
    """Devlin et al. 2018 drop attention probabilities: the mean over draws is the output without dropout."""
    torch.manual_seed(0)
    attention = FastDropoutAttention(SMALL).train()
    attention.dropout = 0.2
    hidden = torch.randn(1, 6, 32)
    with torch.no_grad():
        draws = torch.stack([attention(hidden, None, False)[0] for _ in range(4000)])
        expected = attention.eval()(hidden, None, False)[0]
    error = draws.std(dim=0) / 4000**0.5
    assert ((draws.mean(dim=0) - expected).abs() < 5 * error).all()
    assert float(draws.std(dim=0).min()) > 0


def test_padding_is_never_attended_to_in_training():
    attention = FastDropoutAttention(SMALL).train()
    hidden = torch.randn(2, 8, 32)
    mask = (torch.arange(8) < 5).view(1, 1, 1, 8).expand(2, 1, 1, 8)
    changed = hidden.clone()
    changed[:, 5:] = 100.0
    outputs = []
    for states in (hidden, changed):
        torch.manual_seed(5)
        outputs.append(attention(states, mask, False)[0][:, :5])
    assert torch.allclose(*outputs)


def test_an_encoder_keeps_its_parameters_and_its_output():
    torch.manual_seed(0)
    encoder = BertEncoder(SMALL).eval()
    names, input_ids = list(encoder.state_dict()), torch.randint(5, 60, (2, 10))
    expected = encoder(input_ids).last_hidden_state
    use_fast_dropout(encoder)
    assert list(encoder.state_dict()) == names
    assert torch.equal(encoder.eval()(input_ids).last_hidden_state, expected)
    dropouts = [module for module in encoder.modules() if isinstance(module, torch.nn.Dropout)]
    assert len(dropouts) == 3 and all(isinstance(module, FastDropout) for module in dropouts)
