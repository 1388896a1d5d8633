"""Training by a recipe: plain is fine-tuning bit for bit, and each recipe changes what it says and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.errors import CourseError
from course_lib.finetuning.classification import classification_loss
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune
from course_lib.studies.robustness import training as recipes
from course_lib.studies.robustness.adversarial import ATTACKED
from course_lib.studies.robustness.landscape import directions, loss_slice, mean_rise
from course_lib.studies.robustness.regularizers import dropout_rates
from course_lib.studies.robustness.training import Recipe, batches_of, look_at, train
from course_lib.training.optimization import warmup_linear_share

TRAINING = TrainingConfiguration(batch_size=8, epochs=2, learning_rate=1e-3, seed=5)
UPDATES = 6  # three batches of 22 rows in each of two epochs


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("frozen", ["embeddings", "none"])
def test_the_plain_recipe_is_fine_tuning(new_model, features, precision, frozen):
    training, first, second = replace(TRAINING, precision=precision, frozen=frozen), new_model(), new_model()
    history = fine_tune(first, features, classification_loss, training, progress=False)
    outcome = train(second, features, Recipe(), training, UPDATES)
    assert outcome.losses == history.losses and outcome.tokens == history.tokens
    assert outcome.kept == UPDATES and not second.training
    for (name, one), other in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(one, other), name


def test_updates_are_the_same_for_twice_as_many_rows(features):
    for rows in (features, [*features, *features]):
        batches = list(batches_of(rows, TRAINING, 7))
        assert len(batches) == 7
    seen = [row for batch in batches[:6] for row in batch]
    assert sorted(seen) == list(range(44))  # an epoch of rows and copies, then the next one begins


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(hidden_dropout=0.3, attention_dropout=0.3),
        Recipe(weight_decay=0.5),
        Recipe(layer_decay=0.5),
        Recipe(fresh_blocks=1),
        Recipe(smoothing=0.1),
        Recipe(mixing=0.4),
        Recipe(consistency=1.0),
        Recipe(epsilon=0.5),
        Recipe(averaged=0.5),
    ],
)
def test_every_recipe_ends_elsewhere_and_leaves_frozen_embeddings_as_they_are(new_model, features, recipe):
    plain, other, untouched = new_model(), new_model(), new_model().encoder.embeddings.state_dict()
    train(plain, features, Recipe(), TRAINING, UPDATES)
    outcome = train(other, features, recipe, TRAINING, UPDATES)
    assert len(outcome.losses) == UPDATES and not torch.equal(plain.head.weight, other.head.weight)
    for name, tensor in other.encoder.embeddings.state_dict().items():
        assert torch.equal(tensor, untouched[name]), name
    assert not any(p.requires_grad for p in other.encoder.embeddings.parameters())


def test_dropout_is_that_of_the_recipe_in_both_places(new_model, features):
    model = new_model()
    train(model, features, Recipe(hidden_dropout=0.3, attention_dropout=0.2), TRAINING, 1)
    assert dropout_rates(model) == {"hidden": 0.3, "attention": 0.2, "head": 0.1}


def rates_of(new_model, features, monkeypatch, recipe):
    """Return the rates of all groups before each update."""
    seen = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW,
        "step",
        lambda self: seen.append({g["name"]: g["lr"] for g in self.param_groups}) or step(self),
    )
    train(new_model(), features, recipe, replace(TRAINING, warmup_share=0.34), UPDATES)
    return seen


def test_layer_wise_rates_follow_the_schedule_each_by_its_own_peak(new_model, features, monkeypatch):
    seen = rates_of(new_model, features, monkeypatch, Recipe(layer_decay=0.5))
    for step, rates in enumerate(seen):
        share = warmup_linear_share(step, 2, UPDATES)
        expected = {"head": 1e-3, "block 3": 5e-4, "block 2": 2.5e-4, "block 1": 1.25e-4}
        assert rates == pytest.approx({name: peak * share for name, peak in expected.items()})


def test_averaging_keeps_the_rate_of_its_first_moment(new_model, features, monkeypatch):
    seen = [rates["head"] for rates in rates_of(new_model, features, monkeypatch, Recipe(averaged=0.5))]
    expected = [1e-3 * warmup_linear_share(min(step, 3), 2, UPDATES) for step in range(UPDATES)]
    assert seen == pytest.approx(expected) and len(set(seen[3:])) == 1


def test_the_average_is_that_of_the_last_updates(new_model, features, monkeypatch):
    moments, update = [], recipes.WeightAverage.update

    def noted(self, model):
        moments.append(model.head.weight.detach().clone())
        update(self, model)

    monkeypatch.setattr(recipes.WeightAverage, "update", noted)
    model = new_model()
    train(model, features, Recipe(averaged=0.5), TRAINING, UPDATES)
    assert len(moments) == 3
    assert torch.allclose(model.head.weight, torch.stack(moments).mean(dim=0), atol=1e-7)


def test_the_attack_reads_every_row_twice_from_moved_embeddings(new_model, features, monkeypatch):
    model, seen = new_model(), []
    first = model.state_dict()[ATTACKED].clone()
    forward = recipes.smoothed_loss
    monkeypatch.setattr(
        recipes,
        "smoothed_loss",
        lambda *inputs: seen.append(torch.equal(model.state_dict()[ATTACKED], first)) or forward(*inputs),
    )
    outcome = train(model, features, Recipe(epsilon=0.5), TRAINING, 3)
    assert seen == [True, False] * 3
    plain = train(new_model(), features, Recipe(), TRAINING, 3)
    assert outcome.tokens == 2 * plain.tokens and len(outcome.losses) == 3


def test_the_attack_s_gradient_does_not_shorten_the_update(new_model, features, monkeypatch):
    seen, clip = [], torch.nn.utils.clip_grad_norm_
    monkeypatch.setattr(
        recipes.nn.utils,
        "clip_grad_norm_",
        lambda parameters, most: seen.append(list(parameters)) or clip(parameters, most),
    )
    model = new_model()
    train(model, features, Recipe(epsilon=0.5), TRAINING, 1)
    table = dict(model.named_parameters())[ATTACKED]
    assert seen and all(parameter is not table for parameter in seen[0])


def test_a_trained_table_comes_back_before_it_is_updated(new_model, features):
    training, model = replace(TRAINING, frozen="none", learning_rate=1e-4), new_model()
    before = model.state_dict()[ATTACKED].clone()
    train(model, features, Recipe(epsilon=5.0), training, 1)
    # AdamW moves no number by more than the rate (and the decay) in an update; the attack moves some by far more
    assert (model.state_dict()[ATTACKED] - before).abs().max() <= 1.01e-4


def test_early_stopping_keeps_the_best_weights(new_model, features, monkeypatch):
    losses, kept = iter([0.9, 0.5, 0.7, 0.6, 0.8, 0.1]), {}
    model = new_model()

    def look(model, *rest):
        loss = next(losses)
        kept[loss] = model.head.weight.detach().clone()
        return loss, 0.5

    monkeypatch.setattr(recipes, "look_at", look)
    outcome = train(
        model, features, Recipe(patience=2), TRAINING, UPDATES, look_every=1, validation=features[:4]
    )
    assert len(outcome.losses) == 4 and outcome.kept == 2
    assert [loss for loss, _ in outcome.looks] == [0.9, 0.5, 0.7, 0.6]
    assert torch.equal(model.head.weight, kept[0.5]) and not torch.equal(kept[0.5], kept[0.6])


def test_looking_changes_nothing(new_model, features):
    first, second = new_model(), new_model()
    train(first, features, Recipe(), TRAINING, UPDATES)
    outcome = train(second, features, Recipe(), TRAINING, UPDATES, look_every=3, validation=features[:9])
    assert torch.equal(first.head.weight, second.head.weight)
    assert len(outcome.looks) == 2 and outcome.looks[-1] == pytest.approx(look_at(second, features[:9]))


def test_a_look_is_the_mean_loss_and_the_accuracy(new_model, features):
    model = new_model().eval()
    loss, accuracy = look_at(model, features)
    single = [look_at(model, [feature]) for feature in features]
    assert loss == pytest.approx(np.mean([value for value, _ in single]), abs=1e-6)
    assert accuracy == pytest.approx(np.mean([value for _, value in single]))


@pytest.mark.parametrize(
    ("recipe", "inputs"),
    [(Recipe(patience=1), {}), (Recipe(patience=1), {"look_every": 2}), (Recipe(), {"look_every": 2})],
)
def test_nothing_to_look_at_gets_one_sentence(new_model, features, recipe, inputs):
    with pytest.raises(CourseError, match="There is nothing to look at while training"):
        train(new_model(), features, recipe, TRAINING, UPDATES, **inputs)


def test_a_recipe_has_one_loss():
    with pytest.raises(CourseError, match="A recipe has one loss"):
        Recipe(mixing=0.4, consistency=1.0)


def test_directions_are_as_long_as_the_matrices_and_leave_the_rest(new_model):
    model = new_model()
    model.encoder.embeddings.requires_grad_(False)
    first, second = directions(model, seed=3)
    parameters = dict(model.named_parameters())
    assert set(first) == set(second) == {n for n, p in parameters.items() if p.requires_grad and p.dim() > 1}
    for name, direction in first.items():
        assert direction.norm().item() == pytest.approx(parameters[name].norm().item(), rel=1e-4)
        assert not torch.equal(direction, second[name])
    again, _ = directions(model, seed=3)
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_middle_of_a_slice_is_the_model_and_it_comes_back(new_model, features, precision):
    model = new_model()
    train(model, features, Recipe(), replace(TRAINING, learning_rate=1e-2), 12)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    values = loss_slice(model, features, classification_loss, points=3, reach=0.8, precision=precision)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert values[1, 1] == pytest.approx(look_at(model, features, precision)[0], abs=1e-5)
    assert len(np.unique(values)) == 9
    with torch.no_grad():  # a corner, by hand
        for name, direction in directions(model, 0)[0].items():
            dict(model.named_parameters())[name].sub_(0.8 * direction)
    assert values[0, 1] == pytest.approx(look_at(model, features, precision)[0], abs=1e-4)


@pytest.mark.parametrize(("points", "reach"), [(4, 0.5), (1, 0.5), (3, 0)])
def test_a_slice_without_a_middle_gets_one_sentence(new_model, features, points, reach):
    with pytest.raises(CourseError, match="Give an odd number from 3, and a positive reach"):
        loss_slice(new_model(), features, classification_loss, points=points, reach=reach)


def test_the_rise_is_that_of_the_other_points():
    assert mean_rise(np.array([[1.0, 2, 3], [4, 0.5, 6], [7, 8, 9]])) == pytest.approx(40 / 8 - 0.5)
