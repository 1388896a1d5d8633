"""The optimizer's groups and the schedule of the learning rate."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import get_linear_schedule_with_warmup

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import BertForMaskedLanguageModel
from course_lib.training.optimization import adamw, linear_schedule, parameter_groups, warmup_linear_share


@pytest.fixture
def model() -> BertForMaskedLanguageModel:
    return BertForMaskedLanguageModel(
        BertEncoder(
            BertConfiguration(
                vocab_size=31,
                hidden_size=8,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=12,
                max_position_embeddings=6,
            )
        )
    )


def test_matrices_are_decayed_and_biases_and_layer_norms_are_not(model):
    """Error 12."""
    decayed, plain = parameter_groups(model, 0.01)
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.01, 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert {names[id(p)] for p in plain["params"]} == {
        name for name in names.values() if "norm" in name or name.endswith(".bias")
    }
    assert all(p.ndim == 2 for p in decayed["params"]) and all(p.ndim == 1 for p in plain["params"])


@given(frozen=st.sets(st.integers(0, 40)))
@settings(max_examples=40, deadline=None)
def test_every_trainable_parameter_is_in_exactly_one_group(frozen):
    model = BertEncoder(
        BertConfiguration(
            vocab_size=9,
            hidden_size=4,
            num_hidden_layers=2,
            num_attention_heads=1,
            intermediate_size=4,
            max_position_embeddings=3,
        )
    )
    parameters = list(model.parameters())
    for number, parameter in enumerate(parameters):
        parameter.requires_grad = number not in frozen
    grouped = [id(p) for group in parameter_groups(model) for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for n, p in enumerate(parameters) if n not in frozen)


def test_the_tied_matrix_is_in_one_group_once(model):
    decayed, plain = parameter_groups(model)
    token = model.encoder.embeddings.token.weight
    assert sum(p is token for p in decayed["params"]) == 1
    assert not any(p is token for p in plain["params"])


def test_a_layer_norm_is_known_by_its_kind_and_not_by_its_name():
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3), nn.Linear(3, 2, bias=False))
    decayed, plain = parameter_groups(model)
    assert [tuple(p.shape) for p in decayed["params"]] == [(3, 3), (2, 3)]
    assert len(plain["params"]) == 3


def test_one_step_without_gradient_shrinks_matrices_only(model):
    """Error 12, in effect: decay is the only force when all gradients are zero."""
    optimizer = adamw(model, learning_rate=0.1, weight_decay=0.5)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in model.named_parameters():
        factor = 1.0 if "norm" in name or name.endswith("bias") else 1 - 0.1 * 0.5
        torch.testing.assert_close(parameter.detach(), before[name] * factor)


def test_adamw_has_the_numbers_of_bert(model):
    optimizer = adamw(model, learning_rate=3e-5)
    for group in optimizer.param_groups:
        assert (group["lr"], group["betas"], group["eps"]) == (3e-5, (0.9, 0.999), 1e-6)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.01, 0.0]
    assert [group["eps"] for group in adamw(model, 1e-3, epsilon=1e-8).param_groups] == [1e-8, 1e-8]


@pytest.mark.parametrize(
    ("step", "share"),
    [(0, 0.0), (5, 0.5), (9, 0.9), (10, 1.0), (55, 0.5), (99, 1 / 90), (100, 0.0), (130, 0.0)],
)
def test_the_share_at_the_corners(step, share):
    assert warmup_linear_share(step, 10, 100) == pytest.approx(share)


def test_without_warm_up_the_first_update_is_at_the_peak():
    assert warmup_linear_share(0, 0, 100) == 1.0


@given(warmup=st.integers(0, 30), total=st.integers(1, 60), rate=st.floats(1e-6, 1))
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:Detected call of")
def test_the_schedule_is_that_of_transformers(warmup, total, rate):
    """Error 11: the rate that was asked for is the peak."""
    ours, theirs = (torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=rate) for _ in range(2))
    scheduler = linear_schedule(ours, warmup, total)
    reference = get_linear_schedule_with_warmup(theirs, warmup, total)
    rates = []
    for _ in range(total + 3):
        assert scheduler.get_last_lr() == pytest.approx(reference.get_last_lr(), rel=1e-12)
        rates.append(ours.param_groups[0]["lr"])
        ours.step()
        scheduler.step()
        reference.step()
    assert max(rates) <= rate * (1 + 1e-12)
    if warmup < total:
        assert max(rates) == pytest.approx(rate)


def test_the_schedule_scales_every_group(model):
    optimizer = adamw(model, learning_rate=1e-3)
    scheduler = linear_schedule(optimizer, 2, 4)
    seen = []
    for _ in range(5):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    assert torch.tensor(seen).T.tolist() == [pytest.approx([0, 5e-4, 1e-3, 5e-4, 0])] * 2
