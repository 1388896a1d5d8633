"""What a small model is worth: accuracy, bytes of the saved file, and milliseconds a text, measured alike for all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from course_lib.errors import CourseError
from course_lib.finetuning.classification import class_probabilities
from course_lib.finetuning.loop import TaskModel
from course_lib.studies.statistics import paired_interval, wilson_interval
from course_lib.training.batching import pad_batch

BATCH_SIZES = (1, 32)


@dataclass(frozen=True)
class Measurement:
    """One model's place in the comparison.

    Parameters
    ----------
    name : of the model.
    right : whether each test row was predicted right.
    file_bytes : of the file or folder that the model is stored in.
    milliseconds : a text, by batch size.
    """

    name: str
    right: tuple[bool, ...]
    file_bytes: int
    milliseconds: Mapping[int, float]

    @property
    def accuracy(self) -> float:
        """Share of the test rows that are right, from 0 to 1."""
        return float(np.mean(self.right))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the accuracy."""
        return wilson_interval(sum(self.right), len(self.right))

    def gain_over(self, other: Measurement) -> tuple[float, float, float]:
        """Return how much more accurate this model is, with a 95% interval over the same rows: mean, low, high."""
        return paired_interval(np.array(self.right), np.array(other.right))

    def speed_over(self, other: Measurement, batch_size: int = 32) -> float:
        """Return how many times as fast this model is.

        Raises
        ------
        CourseError
            If one of the models was not timed at that batch size.
        """
        for model in (self, other):
            if batch_size not in model.milliseconds:
                raise CourseError(
                    f"{model.name!r} was not timed at batch size {batch_size}. "
                    f"Choose one of: {', '.join(map(str, model.milliseconds))}."
                )
        return other.milliseconds[batch_size] / self.milliseconds[batch_size]

    def size_over(self, other: Measurement) -> float:
        """Return the share of the other model's bytes that this one takes."""
        return self.file_bytes / other.file_bytes


def file_bytes(path: str | Path) -> int:
    """Return the bytes of a file, or of all files of a folder: what is copied, not what the parameters add up to.

    Raises
    ------
    CourseError
        If there is no such file or folder.
    """
    path = Path(path)
    if not path.exists():
        raise CourseError(f"{path} does not exist, so it has no size. Save the model first.")
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


@torch.no_grad()
def latencies(
    models: Mapping[str, TaskModel],
    features: Sequence[dict],
    batch_sizes: Sequence[int] = BATCH_SIZES,
    *,
    rounds: int = 5,
    limit: int = 64,
) -> dict[str, dict[int, float]]:
    """Return the milliseconds that each model takes for a text, by batch size.

    In every round each model reads the same texts once, one model after the other: whatever else slows the
    machine down slows all of them. The median of the rounds counts, after one round that doesn't.

    Parameters
    ----------
    models : by name.
    features : texts in the order in which they come; a batch is padded to its longest.
    batch_sizes : texts that are read at once.
    rounds : how often everything is read.
    limit : the first so many texts are read.

    Raises
    ------
    CourseError
        If there is nothing to read or no round.
    """
    if not features or rounds < 1:
        raise CourseError("A time needs at least one text and one round. Give both.")
    rows = [{"input_ids": feature["input_ids"]} for feature in features[:limit]]
    found: dict[str, dict[int, float]] = {name: {} for name in models}
    for model in models.values():
        model.eval()
    for size in batch_sizes:
        batches = [pad_batch(rows[start : start + size]) for start in range(0, len(rows), size)]
        seconds: dict[str, list[float]] = {name: [] for name in models}
        for _ in range(rounds + 1):
            for name, model in models.items():
                began = time.perf_counter()
                for batch in batches:
                    model(batch)
                seconds[name].append(time.perf_counter() - began)
        for name, times in seconds.items():
            found[name][size] = 1000 * statistics.median(times[1:]) / len(rows)  # the first round warms up
    return found


def measure(
    candidates: Mapping[str, tuple[TaskModel, Path]],
    features: Sequence[dict],
    labels: Sequence[int],
    *,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    rounds: int = 5,
    limit: int = 64,
) -> list[Measurement]:
    """Measure models on the same rows, in turns.

    Parameters
    ----------
    candidates : by name, a model and the file or folder that it is stored in.
    features, labels : test rows.
    batch_sizes, rounds, limit : as for :func:`latencies`.

    Raises
    ------
    CourseError
        If a file is missing, or features and labels don't pair up.
    """
    if len(features) != len(labels):
        raise CourseError(f"There are {len(features)} texts and {len(labels)} labels. Give one label a text.")
    sizes = {name: file_bytes(path) for name, (_, path) in candidates.items()}
    models = {name: model for name, (model, _) in candidates.items()}
    times = latencies(models, features, batch_sizes, rounds=rounds, limit=limit)
    truth = np.asarray(labels)
    return [
        Measurement(
            name,
            tuple(bool(right) for right in class_probabilities(model, features).argmax(axis=1) == truth),
            sizes[name],
            times[name],
        )
        for name, model in models.items()
    ]
