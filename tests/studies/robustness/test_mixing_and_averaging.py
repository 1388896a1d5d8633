"""Mixup, averaged weights, ensembles, and margins that lead back to probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from torch.optim.swa_utils import AveragedModel

from course_lib.errors import CourseError
from course_lib.finetuning.loop import predict
from course_lib.studies.case_study.calibration import probability_of_positive
from course_lib.studies.robustness import mixing
from course_lib.studies.robustness.answers import (
    as_text,
    margins,
    margins_from,
    margins_of,
    probabilities,
    right_rows,
)
from course_lib.studies.robustness.averaging import WeightAverage, ensemble
from course_lib.studies.robustness.mixing import mixed, mixup_loss
from course_lib.training.batching import pad_batch


@given(st.integers(1, 8), st.integers(2, 4), st.floats(0.05, 5), st.integers(0, 1000))
def test_mixed_labels_sum_to_one_and_states_are_mixed_in_the_same_share(rows, classes, alpha, seed):
    targets = torch.nn.functional.one_hot(torch.arange(rows) % classes, classes).double()
    weights = torch.linspace(-1, 1, classes * 3, dtype=torch.float64).view(classes, 3)
    states = targets @ weights  # a state tells its target, and so must a mixed one
    new_states, new_targets = mixed(states, targets, alpha, np.random.default_rng(seed))
    assert torch.allclose(new_targets.sum(dim=1), torch.ones(rows, dtype=torch.float64))
    assert (new_targets >= 0).all() and torch.allclose(new_states, new_targets @ weights)


def test_a_batch_is_mixed_with_itself_in_another_order():
    states = torch.eye(6)
    found, _ = mixed(states, torch.eye(6), 1.0, np.random.default_rng(0))
    assert not torch.equal(found, states) and torch.allclose(found.sum(dim=0), torch.ones(6))


def test_mixup_without_shares_gets_one_sentence():
    with pytest.raises(CourseError, match="Give a positive number"):
        mixed(torch.eye(2), torch.eye(2), 0, np.random.default_rng(0))


def test_mixup_s_loss_is_the_cross_entropy_of_what_the_head_makes_of_mixed_states(
    new_model, features, monkeypatch
):
    model, batch = new_model().eval(), pad_batch(features[:6])
    monkeypatch.setattr(mixing, "mixed", lambda states, targets, *rest: (states, targets))
    loss = mixup_loss(model, batch, 1.0, np.random.default_rng(0))
    assert loss.item() == pytest.approx(
        torch.nn.functional.cross_entropy(model(batch), batch["label"]).item(), abs=1e-6
    )


def test_the_average_is_that_of_torch_and_of_the_weights(new_model):
    model, reference = new_model(), AveragedModel(new_model())
    average, seen = WeightAverage(model), []
    for moment in range(1, 4):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.1).add_(0.1 * moment)
        average.update(model)
        reference.update_parameters(model)
        seen.append({name: p.detach().clone() for name, p in model.named_parameters()})
    assert average.moments == 3
    average.copy_to(model)
    expected = dict(reference.module.named_parameters())
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, expected[name])
        assert torch.allclose(
            parameter, torch.stack([weights[name] for weights in seen]).mean(dim=0), atol=1e-6
        )


def test_an_average_of_nothing_gets_one_sentence(new_model):
    with pytest.raises(CourseError, match="There is no mean of weights yet"):
        WeightAverage(new_model()).copy_to(new_model())


@pytest.mark.parametrize("shape", [(7,), (7, 2)])
def test_an_ensemble_says_the_mean_probability(shape):
    generator = np.random.default_rng(0)
    members = [generator.normal(scale=3, size=shape) for _ in range(3)]
    together = ensemble(members, (1, 2, 3))
    assert together.shape == shape
    assert np.allclose(
        probabilities(together), np.mean([probabilities(member) for member in members], axis=0)
    )


@pytest.mark.parametrize(
    ("members", "seeds", "message"),
    [
        (1, (1,), "An ensemble of 1 has nothing to average"),
        (0, (), "An ensemble of 0 has nothing to average"),
        (2, (1, 2, 3), "There are 2 models and 3 seeds"),
        (3, (4, 2, 4), "Seed 4 is in the ensemble more than once"),
    ],
)
def test_an_ensemble_of_one_or_of_the_same_seed_is_refused(members, seeds, message):
    with pytest.raises(CourseError, match=message):
        ensemble([np.zeros(3)] * members, seeds)


def test_members_of_other_rows_are_refused():
    with pytest.raises(CourseError, match="asked about different rows"):
        ensemble([np.zeros(3), np.zeros(4)], (1, 2))


@pytest.mark.parametrize("classes", [2, 3])
def test_margins_lead_back_to_the_model_s_probabilities(new_model, features, classes):
    model = new_model(classes).eval()
    values = margins(model, features)
    scores = torch.stack(predict(model, features)).numpy()
    assert np.allclose(probabilities(values), softmax(scores, axis=1), atol=1e-6)
    assert np.allclose(margins_from(probabilities(values)), values, atol=1e-6)
    labels = scores.argmax(axis=1)
    assert right_rows(values, labels).all() and not right_rows(values, (labels + 1) % classes).any()
    run = {"classes": classes, "margins": {"test": as_text(values)}}
    assert np.abs(margins_of(run, "test") - values).max() <= 0.005 + 1e-9
    if classes == 2:
        assert np.allclose(probabilities(values)[:, 1], probability_of_positive(values))
