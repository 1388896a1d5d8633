"""A slice through the loss around trained weights, along two random directions (Li et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from course_lib.errors import SettingError
from course_lib.finetuning.loop import TaskModel
from course_lib.training.batching import inference_batches
from course_lib.training.precision import autocast

Direction = dict[str, Tensor]


def directions(model: TaskModel, seed: int = 0) -> tuple[Direction, Direction]:
    """Return two random directions, in each matrix as long as the matrix itself, and none in biases and LayerNorm.

    So a step of 1 changes every matrix by its own length, and models of other scales can be compared. The same seed
    draws the same directions for every model of the same shape.

    Parameters
    ----------
    model : whose trainable matrices are moved.
    seed : of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    found: tuple[Direction, Direction] = ({}, {})
    for direction in found:
        for name, weights in model.named_parameters():
            if weights.requires_grad and weights.dim() > 1:
                drawn = torch.randn(weights.shape, generator=generator)
                direction[name] = drawn * (weights.detach().norm() / drawn.norm())
    return found


@torch.no_grad()
def loss_slice(
    model: TaskModel,
    features: Sequence[dict],
    loss_of: Callable[[Tensor, dict[str, Tensor]], Tensor],
    *,
    seed: int = 0,
    points: int = 9,
    reach: float = 0.5,
    precision: str = "float32",
) -> np.ndarray:
    """Return the mean loss on a grid around the weights, (points, points); the middle one is the model itself.

    Parameters
    ----------
    model : is the same afterwards, bit for bit.
    features : rows to read, with labels.
    loss_of : the mean loss of scores and a batch.
    seed : of the two :func:`directions`.
    points : on a side, an odd number, so that there is a middle.
    reach : how far the outermost points are, in lengths of each matrix.
    precision : that of the products.

    Raises
    ------
    SettingError
        If there is no middle, or no reach.
    """
    if points < 3 or points % 2 == 0 or reach <= 0:
        raise SettingError(
            f"A slice of {points} points with a reach of {reach} has no middle to look around. Give an odd number from 3, "
            "and a positive reach."
        )
    first, second = directions(model, seed)
    kept = {name: weights.detach().clone() for name, weights in model.named_parameters() if name in first}
    batches = [batch for _, batch in inference_batches(features, 32)]
    was_training, steps = model.training, np.linspace(-reach, reach, points)
    model.eval()
    values = np.zeros((points, points))
    parameters = dict(model.named_parameters())
    for row, along_first in enumerate(steps):
        for column, along_second in enumerate(steps):
            for name, weights in kept.items():
                parameters[name].copy_(weights + along_first * first[name] + along_second * second[name])
            losses = [_loss(model, batch, loss_of, precision) * len(batch["label"]) for batch in batches]
            values[row, column] = sum(losses) / len(features)
    for name, weights in kept.items():
        parameters[name].copy_(weights)
    model.train(was_training)
    return values


def _loss(model: TaskModel, batch: dict[str, Tensor], loss_of: Callable, precision: str) -> float:
    # A context for each batch: autocast keeps the weights that it has cast, and these are about to move.
    with autocast(next(model.parameters()).device.type, precision):
        scores = model(batch).float()
    return float(loss_of(scores, batch))


def mean_rise(values: np.ndarray) -> float:
    """Return how much higher the loss is around the middle of a slice than in it, on average over the other points."""
    values = np.asarray(values)
    middle = values[len(values) // 2, len(values) // 2]
    return float((values.sum() - middle) / (values.size - 1) - middle)
