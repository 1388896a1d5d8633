"""What a model said about each row, as a recording keeps it: margins, from which all else is computed.

With two classes it's the score of the second minus that of the first, (rows,), as in lesson 15; with more, the score
of each further class minus that of the first, (rows, classes - 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from scipy.special import softmax
from torch import Tensor

from course_lib.finetuning.loop import TaskModel, predict
from course_lib.training.precision import autocast

DIGITS = 2
LOWEST = 1e-12  # of a probability, whose logarithm is taken


def scores_of(model: TaskModel, features: Sequence[dict], precision: str = "float32") -> Tensor:
    """Return the scores of rows, (rows, classes) float32.

    Parameters
    ----------
    model, features : as for :func:`~course_lib.finetuning.loop.predict`.
    precision : that of the products; ``bfloat16`` takes half the time where the device multiplies it.
    """
    with autocast(next(model.parameters()).device.type, precision):
        return torch.stack([row.float() for row in predict(model, features)])


def margins(model: TaskModel, features: Sequence[dict], precision: str = "float32") -> np.ndarray:
    """Return the margins of a model on rows: (rows,) of two classes, else (rows, classes - 1).

    Parameters
    ----------
    model, features, precision : as for :func:`scores_of`.
    """
    scores = scores_of(model, features, precision).numpy()  # (rows, classes)
    differences = scores[:, 1:] - scores[:, :1]
    return differences[:, 0] if scores.shape[1] == 2 else differences


def probabilities(values: np.ndarray) -> np.ndarray:
    """Return the probability of each class, (rows, classes), of margins."""
    values = np.asarray(values, dtype=float)
    further = values[:, None] if values.ndim == 1 else values  # (rows, classes - 1)
    return softmax(np.hstack([np.zeros((len(further), 1)), further]), axis=1)


def margins_from(shares: np.ndarray) -> np.ndarray:
    """Return the margins of probabilities, (rows, classes): the inverse of :func:`probabilities`."""
    logarithms = np.log(np.clip(shares, LOWEST, None))
    differences = logarithms[:, 1:] - logarithms[:, :1]
    return differences[:, 0] if shares.shape[1] == 2 else differences


def right_rows(values: np.ndarray, labels: Sequence[int]) -> np.ndarray:
    """Return which rows are answered rightly, (rows,) bool."""
    return probabilities(values).argmax(axis=1) == np.asarray(labels)


def as_text(values: np.ndarray) -> str:
    """Return margins as one line for a recording: a list would take a line for each number."""
    return " ".join(f"{value:.{DIGITS}f}" for value in np.asarray(values, dtype=float).ravel())


def margins_of(run: Mapping, part: str) -> np.ndarray:
    """Return the margins of a recorded run on a part, ``"validation"`` or ``"test"``."""
    values = np.array(run["margins"][part].split(), dtype=float)
    return values if run["classes"] == 2 else values.reshape(-1, run["classes"] - 1)
