"""One loop for all the techniques: that of fine-tuning, with a recipe for what's different."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.errors import CourseError
from course_lib.finetuning.loop import (
    TaskModel,
    TrainingConfiguration,
    check_features,
    prepare_model,
)
from course_lib.studies.robustness.adversarial import FastGradientMethod
from course_lib.studies.robustness.answers import scores_of
from course_lib.studies.robustness.averaging import WeightAverage
from course_lib.studies.robustness.mixing import mixup_loss
from course_lib.studies.robustness.regularizers import (
    EarlyStopping,
    layer_wise_groups,
    rdrop_loss,
    reinitialize_top,
    smoothed_loss,
)
from course_lib.training.batching import BucketBatchSampler, pad_batch, tokens_of
from course_lib.training.optimization import warmup_linear_share
from course_lib.training.precision import autocast
from course_lib.training.update import check_loss


@dataclass(frozen=True)
class Recipe:
    """What a training does differently; as it is, nothing, which is plain fine-tuning.

    Parameters
    ----------
    hidden_dropout : another rate of the hidden states; the model's own if left out.
    attention_dropout : of the attention weights.
    weight_decay : of the matrices.
    patience : looks at the validation loss without a new best, until training stops; 0 never stops.
    layer_decay : see :func:`~course_lib.studies.robustness.regularizers.layer_rates`.
    fresh_blocks : see :func:`~course_lib.studies.robustness.regularizers.reinitialize_top`.
    smoothing : of the labels.
    augmentation : how copies of the training rows are made, one each: ``eda``, ``table``, ``neighbors`` or ``masked``;
        none if empty. The loop gets rows and copies alike, and makes no more updates.
    mixing : mixup's alpha; 0 mixes nothing.
    consistency : R-Drop's weight; 0 reads each row once.
    epsilon : length of FGM's move; 0 attacks nothing.
    averaged : the share of the updates, the last ones, whose weights are averaged (SWA); from there on the rate no
        longer falls, so that the weights keep moving. 0 averages nothing.
    """

    hidden_dropout: float | None = None
    attention_dropout: float = 0.0
    weight_decay: float = 0.01
    patience: int = 0
    layer_decay: float = 1.0
    fresh_blocks: int = 0
    smoothing: float = 0.0
    augmentation: str = ""
    mixing: float = 0.0
    consistency: float = 0.0
    epsilon: float = 0.0
    averaged: float = 0.0

    def __post_init__(self):
        if self.mixing and self.consistency:
            raise CourseError("A recipe has one loss: mixup's or R-Drop's. Leave one of them out.")


@dataclass
class Outcome:
    """What a training left behind.

    Parameters
    ----------
    losses : by update.
    tokens : real ones, in all readings: R-Drop and FGM read each row twice.
    looks : at the validation rows: the mean loss and the accuracy, a share.
    kept : the update whose weights the model has; the last one but for early stopping.
    """

    losses: list[float] = field(default_factory=list)
    tokens: int = 0
    looks: list[tuple[float, float]] = field(default_factory=list)
    kept: int = 0


def batches_of(
    features: Sequence[dict], training: TrainingConfiguration, updates: int
) -> Iterator[list[int]]:
    """Yield the rows of each update: epoch after epoch, and the last one as far as the updates go."""
    sampler = BucketBatchSampler([tokens_of(f) for f in features], training.batch_size, training.seed)
    done = 0
    while True:
        for rows in sampler:
            if done == updates:
                return
            done += 1
            yield rows


def loss_by(recipe: Recipe, seed: int) -> Callable[[TaskModel, dict[str, Tensor]], Tensor]:
    """Return the loss of a model on a batch, as a recipe wants it."""
    generator = np.random.default_rng(seed)  # of mixup
    if recipe.mixing:
        return lambda model, batch: mixup_loss(model, batch, recipe.mixing, generator)
    if recipe.consistency:
        return lambda model, batch: rdrop_loss(model, batch, recipe.consistency)
    return lambda model, batch: smoothed_loss(model(batch).float(), batch["label"], recipe.smoothing)


def look_at(model: TaskModel, features: Sequence[dict], precision: str = "float32") -> tuple[float, float]:
    """Return the mean cross-entropy and the accuracy of rows with labels, without dropout."""
    scores = scores_of(model, features, precision)  # (rows, classes)
    labels = torch.tensor([feature["label"] for feature in features])
    loss = nn.functional.cross_entropy(scores, labels)
    return float(loss), float((scores.argmax(dim=1) == labels).float().mean())


def train(
    model: TaskModel,
    features: Sequence[dict],
    recipe: Recipe,
    training: TrainingConfiguration,
    updates: int,
    *,
    look_every: int = 0,
    validation: Sequence[dict] = (),
) -> Outcome:
    """Fine-tune a model in place by a recipe, and leave it in evaluation mode.

    The recipe that does nothing differently gives what :func:`~course_lib.finetuning.loop.fine_tune` gives, bit for bit.

    Parameters
    ----------
    model : body and head.
    features : training rows, copies among them if the recipe has some.
    recipe : what's different.
    training : rate, batch size, precision, seed and so on; its epochs and its weight decay don't count here.
    updates : of the weights, the same for all recipes, whatever they read.
    look_every : updates between two looks at the validation rows, which early stopping decides by; 0 never looks.
    validation : those rows.

    Raises
    ------
    CourseError
        If there are no rows, or early stopping has nothing to look at.
    TrainingDivergedError
        If the loss becomes NaN or infinite.
    """
    if (recipe.patience or look_every) and not (look_every and validation):
        raise CourseError("There is nothing to look at while training. Give validation rows, and look_every.")
    check_features(model, features)
    reinitialize_top(model, recipe.fresh_blocks, training.seed)
    prepare_model(model, training)
    model.encoder.use_dropout(hidden=recipe.hidden_dropout, attention=recipe.attention_dropout)
    groups = layer_wise_groups(model, training.learning_rate, recipe.layer_decay, recipe.weight_decay)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-6)
    attack = FastGradientMethod(model, recipe.epsilon) if recipe.epsilon else None  # after the groups
    loss_of, outcome = loss_by(recipe, training.seed), Outcome()
    warmup, averaging = round(updates * training.warmup_share), updates - round(updates * recipe.averaged)
    average = WeightAverage(model) if recipe.averaged else None
    stopping, best = EarlyStopping(recipe.patience), None
    device = trained[0].device

    def backward(batch: dict[str, Tensor], step: int) -> float:
        with autocast(device.type, training.precision):
            loss = loss_of(model, batch)
        check_loss(loss, step + 1, updates, training.learning_rate)
        loss.backward()
        outcome.tokens += int(batch["attention_mask"].sum()) * (2 if recipe.consistency else 1)
        return loss.item()

    model.train()
    for step, rows in enumerate(batches_of(features, training, updates)):
        batch = {name: t.to(device) for name, t in pad_batch([features[row] for row in rows]).items()}
        outcome.losses.append(backward(batch, step))
        if attack is not None:
            with attack.attacked():
                backward(batch, step)  # adds to the gradients
        nn.utils.clip_grad_norm_(trained, training.clip)
        share = warmup_linear_share(min(step, averaging), warmup, updates)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * share
        optimizer.step()
        model.zero_grad()  # of the token embeddings too, which FGM needs and the optimizer may not have
        if average is not None and step >= averaging:
            average.update(model)
        outcome.kept = step + 1
        if look_every and (step + 1) % look_every == 0:
            outcome.looks.append(look_at(model, validation, training.precision))
            if recipe.patience and stopping.better(outcome.looks[-1][0]):
                best = step + 1, {name: t.clone() for name, t in model.state_dict().items()}
            if recipe.patience and stopping.stop:
                break
    if best is not None:
        outcome.kept = best[0]
        model.load_state_dict(best[1])
    if average is not None:
        average.copy_to(model)
    if attack is not None:
        attack.close()
    model.eval()
    return outcome
