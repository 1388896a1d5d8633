"""Does one task of pairs help another? One body trained on four at once, and inference first; lesson 11.

**Together** (multi-task learning): one body and a head for each task, in one model, trained on rows of all tasks, against
a model for each task alone. **First** (intermediate training; Phang et al. 2018): inference before a small set, against the
small set alone. Both sides of a comparison make the same number of updates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from course_lib.bert.heads import sequence_classification_head
from course_lib.bert.loading import load_encoder
from course_lib.data.sources import encoder_folder
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, fine_tune
from course_lib.finetuning.sentence_pairs import PAIR_TASKS, pair_loss
from course_lib.studies.finetuning.sentence_pairs import (
    features_of,
    load_pairs,
    part_scores,
    scored_part,
    train_pairs,
)

DRAWING_SEED = 7  # the same rows for all runs: their seeds are those of training


def drawn_rows(task: str, rows: int):
    """Return a few training rows of a task, drawn from all of them: its first ones may be of a single article."""
    train = load_pairs(task)["train"]
    return train.select(np.random.default_rng(DRAWING_SEED).permutation(len(train))[:rows])


def joint_features(features: Mapping[str, Sequence[dict]]) -> list[dict]:
    """Return the rows of all tasks in one list, each with the number of its task.

    Parameters
    ----------
    features : of each task, by its name, with labels.
    """
    return [
        row | {"task": number, "label": float(row["label"])}  # one tensor holds classes and scores
        for number, rows in enumerate(features.values())
        for row in rows
    ]


def joint_model(tasks: Sequence[str]) -> TaskModel:
    """Return MiniLM with the heads of several tasks side by side, as one layer: their outputs are one after the other."""
    encoder = load_encoder(encoder_folder("bundled"))
    outputs = sum(PAIR_TASKS[task].outputs for task in tasks)
    head = sequence_classification_head(encoder.configuration, outputs)
    return TaskModel(encoder, head, pooled=True, reads="mean")


def joint_loss(tasks: Sequence[str]) -> Callable[[Tensor, dict[str, Tensor]], Tensor]:
    """Return the loss of a batch of rows of several tasks: each row's own loss by its own head, their mean."""
    widths = [PAIR_TASKS[task].outputs for task in tasks]

    def loss_of(scores: Tensor, batch: dict[str, Tensor]) -> Tensor:
        total = scores.new_zeros(())
        for number, part in enumerate(scores.split(widths, dim=-1)):  # (B, outputs of the task)
            rows = batch["task"] == number  # (B,) bool
            if rows.any():
                labels = batch["label"][rows]
                labels = labels if PAIR_TASKS[tasks[number]].labels is None else labels.long()
                total = total + pair_loss(part[rows], {"label": labels}) * rows.sum()
        return total / len(scores)

    return loss_of


def model_of_one(joint: TaskModel, tasks: Sequence[str], task: str) -> TaskModel:
    """Return the model of one task: the common body, and the outputs of that task's head."""
    widths = [PAIR_TASKS[name].outputs for name in tasks]
    start, width = sum(widths[: tasks.index(task)]), PAIR_TASKS[task].outputs
    head = sequence_classification_head(joint.encoder.configuration, width)
    with torch.no_grad():
        head.weight.copy_(joint.head.weight[start : start + width])  # (outputs, H)
        head.bias.copy_(joint.head.bias[start : start + width])
    labels = PAIR_TASKS[task].labels
    return TaskModel(joint.encoder, head, pooled=True, labels=labels, reads=joint.reads).eval()


@dataclass(frozen=True)
class Together:
    """One body for several tasks, or a model for each of them.

    Parameters
    ----------
    tasks : which.
    rows : training rows of each task.
    training : how; the epochs are those of both sides, and so are the updates in all.
    together : whether it's one body.
    """

    tasks: tuple[str, ...]
    rows: int
    training: TrainingConfiguration
    together: bool


def score_together(run: Together, seed: int) -> dict:
    """Train a body for all tasks, or one for each, and return the test scores (%) of each task, and the updates."""
    training, found, updates = replace(run.training, seed=seed), {}, 0
    if run.together:
        torch.manual_seed(seed)
        joint = joint_model(run.tasks)
        features = joint_features({task: features_of(task, drawn_rows(task, run.rows)) for task in run.tasks})
        history = fine_tune(joint, features, joint_loss(run.tasks), training, progress=False)
        updates = len(history.losses)
    for task in run.tasks:
        if run.together:
            model = model_of_one(joint, run.tasks, task)
        else:
            model, losses = train_pairs(task, drawn_rows(task, run.rows), training)
            updates += len(losses)
        found[task] = part_scores(model, task, scored_part(task))
    return found | {"updates": updates}


@dataclass(frozen=True)
class First:
    """A small set after inference, or alone.

    Parameters
    ----------
    task : of the small set.
    rows : training rows of it.
    inference_rows : rows of inference that are trained on first, for one epoch; 0 for none.
    training : how the small set is trained.
    """

    task: str
    rows: int
    inference_rows: int
    training: TrainingConfiguration


def score_first(run: First, seed: int) -> dict:
    """Train on inference if the run has it, then on the small set; return its test scores (%), and the updates."""
    training, updates, model = replace(run.training, seed=seed), 0, None
    if run.inference_rows:
        rows = drawn_rows("inference", run.inference_rows)
        model, losses = train_pairs("inference", rows, replace(training, epochs=1))
        updates += len(losses)
    model, losses = train_pairs(run.task, drawn_rows(run.task, run.rows), training, body=model)
    updates += len(losses)
    return part_scores(model, run.task, scored_part(run.task)) | {"updates": updates}
