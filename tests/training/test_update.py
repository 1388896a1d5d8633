"""One update: parts that add up, a fresh gradient, a clipped one, and a loss that is no number."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from course_lib.training.optimization import adamw, warmup_linear_share
from course_lib.training.update import TrainingDivergedError, UpdateStep


def layer() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(4, 3)


def step_of(model: nn.Module, **changes) -> UpdateStep:
    settings = {"learning_rate": 0.1, "warmup_steps": 0, "steps": 10, **changes}
    return UpdateStep(model, adamw(model, settings["learning_rate"]), **settings)


def loss_of(model: nn.Module, rows: int = 6):
    """Return a loss of some rows, so that those of parts add up to that of the whole."""
    return lambda part: functional.cross_entropy(model(part[0]), part[1], reduction="sum") / rows


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(6, 4, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2])


def test_parts_add_up_to_the_whole_batch():
    inputs, labels = batch()
    parts = [(inputs[:1], labels[:1]), (inputs[1:4], labels[1:4]), (inputs[4:], labels[4:])]
    whole, accumulated = layer(), layer()
    one = step_of(whole)(0, [(inputs, labels)], loss_of(whole))
    other = step_of(accumulated)(0, parts, loss_of(accumulated))
    torch.testing.assert_close(one, other)
    torch.testing.assert_close(whole.weight, accumulated.weight)
    assert not torch.equal(whole.weight, layer().weight) and not other.requires_grad


def test_a_loss_of_several_numbers_is_followed_by_their_sum():
    one, other = layer(), layer()
    total = step_of(one)(0, [batch()], lambda part: torch.stack([loss_of(one)(part) / 4] * 4))
    step_of(other)(0, [batch()], loss_of(other))
    assert total.shape == (4,)
    torch.testing.assert_close(one.weight, other.weight)


def test_gradients_of_before_are_not_those_of_the_first_update():
    one, other = layer(), layer()
    (1e3 * other(batch()[0]).sum()).backward()
    for model in (one, other):
        step_of(model)(0, [batch()], loss_of(model))
        assert all(p.grad is None for p in model.parameters())
    assert torch.equal(one.weight, other.weight)


@pytest.mark.parametrize("accelerated", [False, True])
def test_the_gradient_is_clipped_and_the_rate_follows_from_the_step(accelerated, monkeypatch):
    from accelerate import Accelerator

    model, seen = layer(), []
    step = step_of(
        model, clip=0.5, warmup_steps=3, accelerator=Accelerator(cpu=True) if accelerated else None
    )
    update = torch.optim.AdamW.step

    def watched(optimizer):
        norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm().item()
        seen.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[1]["lr"], norm))
        return update(optimizer)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    for number in (7, 1):  # in any order: nothing is kept but the weights
        step(number, [batch()], lambda part: 1e4 * loss_of(model)(part))
    rates = [0.1 * warmup_linear_share(number, 3, 10) for number in (7, 1)]
    assert seen == [(rate, rate, pytest.approx(0.5, rel=1e-4)) for rate in rates]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_changes_no_weight(value):
    model = layer()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(
        TrainingDivergedError, match=r"at step 5 of 10\. Lower the learning rate \(now 0\.1\)"
    ):
        step_of(model)(4, [batch()], lambda part: value * loss_of(model)(part))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
