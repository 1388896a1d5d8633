"""Whether a model uses what a probe finds: remove the direction, and see whether the task suffers (Elazar et al. 2021)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from course_lib.errors import CourseError
from course_lib.finetuning.classification import class_probabilities
from course_lib.finetuning.loop import TaskModel
from course_lib.training.batching import inference_batches


@torch.no_grad()
def cls_states(model: TaskModel, features: Sequence[dict], layer: int) -> np.ndarray:
    """Return the [CLS] state after a layer, (texts, H) float32; layer 0 are the embeddings.

    Raises
    ------
    CourseError
        If there is no such layer or no text.
    """
    layers = len(model.encoder.blocks)
    if not 0 <= layer <= layers:
        raise CourseError(f"There is no layer {layer}. Choose one of 0 to {layers}.")
    if not features:
        raise CourseError("There is no text to read. Give at least one.")
    model.eval()
    states = np.empty((len(features), model.encoder.configuration.hidden_size), np.float32)
    rows = [{"input_ids": feature["input_ids"]} for feature in features]
    for numbers, batch in inference_batches(rows, 32):
        output = model.encoder(batch["input_ids"], None, batch["attention_mask"], output_hidden_states=True)
        states[numbers] = output.hidden_states[layer][:, 0].numpy()  # (B, H)
    return states


def class_direction(states: np.ndarray, labels: Sequence[int]) -> Tensor:
    """Return the unit vector (H,) from the mean state of class 0 to that of class 1.

    Raises
    ------
    CourseError
        If one of the two classes has no text.
    """
    labels = np.asarray(labels)
    if not {0, 1} <= set(labels.tolist()):
        raise CourseError("Both classes, 0 and 1, must have at least one text. Give texts of both.")
    difference = states[labels == 1].mean(axis=0) - states[labels == 0].mean(axis=0)
    return torch.tensor(difference / np.linalg.norm(difference), dtype=torch.float32)


def random_direction(size: int, seed: int) -> Tensor:
    """Return a random unit vector (size,)."""
    vector = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    return vector / vector.norm()


@contextmanager
def removed(model: TaskModel, layer: int, direction: Tensor, states: np.ndarray) -> Iterator[TaskModel]:
    """Give, inside the block, a model that has lost one direction after a layer, and all later layers with it.

    Along the direction, every token gets the mean of ``states``; all that is at right angles to it stays.

    Parameters
    ----------
    model : the classifier; it is as before when the block ends.
    layer : from 1, the block whose output is changed.
    direction : (H,), a unit vector.
    states : (texts, H), whose mean is what is left along the direction.

    Raises
    ------
    CourseError
        If there is no such layer.
    """
    if not 1 <= layer <= len(model.encoder.blocks):
        raise CourseError(f"There is no block {layer}. Choose one of 1 to {len(model.encoder.blocks)}.")
    mean = torch.tensor(states.mean(axis=0)) @ direction  # one number

    def change(_module, _inputs, output):
        hidden, weights = output  # (B, T, H)
        along = hidden @ direction - mean  # (B, T)
        return hidden - along[..., None] * direction, weights  # (B, T, H)

    handle = model.encoder.blocks[layer - 1].register_forward_hook(change)
    try:
        yield model
    finally:
        handle.remove()


def accuracy_without(
    model: TaskModel,
    features: Sequence[dict],
    labels: Sequence[int],
    *,
    layer: int,
    direction: Tensor,
    states: np.ndarray,
) -> float:
    """Return the accuracy, a share, of a model that has lost one direction after a layer."""
    with removed(model, layer, direction, states):
        predictions = class_probabilities(model, features).argmax(axis=1)
    return float((predictions == np.asarray(labels)).mean())
