"""Length buckets against random batches padded to a fixed length: the same fine-tuning, its score and its time.

Most tutorials pad every text to one ``max_length``. The amount of padding changes no score: it is hidden from
attention and from the loss (``tests/training/test_batching.py``, and :func:`largest_difference` here). What a
score could depend on is which rows meet in a batch. So the *scores* compare buckets with random batches, both
padded to their longest row, trained alike until they have learned something; and the *times*, which need few
steps, compare buckets with random batches that are padded to the fixed length. Nothing is chosen by a score, so
the validation and the test part are scored together: the more rows, the less of a difference is chance.

The reviews are scored with the settings of lesson 08. Two smaller runs, with batches of half the size, stand
beside them: the difference of their means goes one way after two epochs and the other way after four, where single
runs lie far apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
from datasets import concatenate_datasets
from torch import nn

from course_lib import settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.finetuning import classification, entities
from course_lib.finetuning.loop import Collate, History, TaskModel, TrainingConfiguration, fine_tune
from course_lib.finetuning.scores import percent
from course_lib.studies.records import Runner
from course_lib.training.batching import pad_batch

CODE_VERSION = 2
SCORED, TIMED = ("buckets", "random"), ("buckets", "fixed")


@dataclass(frozen=True)
class TaskSettings:
    """What is learned: rows (0 for all), the longest text, epochs and rate."""

    rows: int
    max_length: int
    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on.

    ``reviews`` and ``entities`` are trained for their scores; so are ``reviews_small`` and, for twice as long,
    ``reviews_longer``. ``reviews_timed`` and ``entities_timed`` are trained for their times: there the length is
    also the one that all rows are padded to in the arm ``fixed``.
    """

    reviews: TaskSettings = TaskSettings(rows=0, max_length=96, epochs=3, learning_rate=1e-4)
    reviews_batch_size: int = 16  # of ``reviews`` alone, as in lesson 08
    reviews_small: TaskSettings = TaskSettings(rows=0, max_length=64, epochs=2, learning_rate=1e-4)
    reviews_longer: TaskSettings = TaskSettings(rows=0, max_length=64, epochs=4, learning_rate=1e-4)
    entities: TaskSettings = TaskSettings(rows=0, max_length=128, epochs=3, learning_rate=3e-4)
    reviews_timed: TaskSettings = TaskSettings(rows=256, max_length=256, epochs=1, learning_rate=1e-4)
    entities_timed: TaskSettings = TaskSettings(rows=256, max_length=128, epochs=1, learning_rate=3e-4)
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    few_seeds: tuple[int, ...] = (
        1,
        2,
        3,
        4,
        5,
    )  # of the times, which hardly vary, and of the smaller runs
    batch_size: int = 8
    precision: str = "float32"


CONFIGURATION = Configuration()


@dataclass(frozen=True)
class Arm:
    """One run of the study: a task, how its batches are made, and what it is trained with."""

    task: str
    batches: str
    chosen: TaskSettings
    batch_size: int
    precision: str


@dataclass(frozen=True)
class Task:
    """Features of the training part, how to make a model, its loss, and its score (%) on rows held out."""

    features: list[dict]
    new_model: Callable[[], TaskModel]
    loss_of: Callable
    score: Callable[[TaskModel], float]
    collate: Collate = pad_batch


@cache
def load_task(name: str, rows: int, max_length: int) -> Task:
    """Return ``reviews`` (scored by accuracy) or ``entities`` (scored by entity-level F1).

    Parameters
    ----------
    name : of the task.
    rows : how many of the training part, from its start; 0 for all.
    max_length : the most pieces of a row.
    """
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    data = load_texts(name, "bundled")
    training, judged = data["train"], concatenate_datasets([data["validation"], data["test"]])
    training = training.select(range(rows)) if rows else training
    if name == "reviews":
        features, held_out = (
            classification.classification_features(
                part["text"], tokenizer, part["label"], max_length=max_length
            )
            for part in (training, judged)
        )

        def accuracy(model: TaskModel) -> float:
            predicted = classification.class_probabilities(model, held_out).argmax(axis=1)
            return percent(classification.classification_scores(judged["label"], predicted)["accuracy"])

        new_model = partial(classification.classification_model, 2, "bundled")
        return Task(features, new_model, classification.classification_loss, accuracy)
    features, held_out = (
        entities.entity_features(part["tokens"], tokenizer, part["tags"], max_length=max_length)
        for part in (training, judged)
    )

    def f1(model: TaskModel) -> float:
        return percent(entities.entity_scores(judged["tags"], entities.predict_tags(model, held_out))["f1"])

    new_model = partial(entities.entity_model, source="bundled")
    return Task(entities.model_inputs(features), new_model, entities.entity_loss, f1, entities.pad_entities)


def batch_making(batches: str, max_length: int, collate: Collate = pad_batch) -> dict:
    """Return the arguments of :func:`fine_tune` that make the batches of one arm.

    Parameters
    ----------
    batches : ``buckets`` (of like length, padded to their longest row), ``random`` (of any length, padded so
        too) or ``fixed`` (of any length, padded to ``max_length``).
    max_length : the fixed length.
    collate : makes a batch of the task's features.
    """
    return {
        "buckets": {"collate": collate, "pool": 32},
        "random": {"collate": collate, "pool": 1},
        "fixed": {"collate": partial(collate, length=max_length), "pool": 1},
    }[batches]


def train_arm(arm: Arm, seed: int, task: Task | None = None, fit=fine_tune) -> tuple[TaskModel, History]:
    """Fine-tune a fresh model with the batches of one arm.

    Parameters
    ----------
    arm : the run.
    seed : of the head, the order of the rows and dropout.
    task : rows and model; loaded if left out.
    fit : our loop, or that of one of the frameworks.
    """
    chosen = arm.chosen
    task = task or load_task(arm.task, chosen.rows, chosen.max_length)
    torch.manual_seed(seed)
    model = task.new_model()
    run = TrainingConfiguration(
        learning_rate=chosen.learning_rate,
        epochs=chosen.epochs,
        batch_size=arm.batch_size,
        precision=arm.precision,
        seed=seed,
    )
    return model, fit(
        model, task.features, task.loss_of, run, **batch_making(arm.batches, chosen.max_length, task.collate)
    )


def padding_share(history: History) -> float:
    """Return the share of computed slots that held padding."""
    return round(1 - history.tokens / history.padded_tokens, 3)


def score_run(arm: Arm, seed: int) -> dict:
    """Train one arm and return its score (%), its share of padding, and its updates."""
    model, history = train_arm(arm, seed)
    task = load_task(arm.task, arm.chosen.rows, arm.chosen.max_length)
    return {
        "score": round(task.score(model), 2),
        "padding": padding_share(history),
        "updates": len(history.losses),
    }


def time_run(arm: Arm, seed: int) -> dict:
    """Train one arm for a few steps and return its processor seconds, all threads together, and its padding."""
    load_task(arm.task, arm.chosen.rows, arm.chosen.max_length)  # reading the texts is not timed
    began = time.process_time()
    _, history = train_arm(arm, seed)
    return {
        "processor_seconds": round(time.process_time() - began, 1),
        "timed_padding": padding_share(history),
    }


def largest_difference(name: str, configuration: Configuration = CONFIGURATION, steps: int = 6) -> float:
    """Train on the same random batches twice, padded to their longest row and to the fixed length.

    Dropout is off: how many numbers it draws depends on the shape of a batch, so with it the two would differ by
    chance.

    Returns
    -------
    float
        The largest difference between the losses of an update.
    """
    c, chosen = configuration, getattr(configuration, f"{name}_timed")
    task, losses = load_task(name, chosen.rows, chosen.max_length), []
    run = TrainingConfiguration(
        learning_rate=chosen.learning_rate, epochs=1, batch_size=c.batch_size, seed=c.seeds[0]
    )
    for batches in ("random", "fixed"):
        torch.manual_seed(c.seeds[0])
        model = task.new_model()
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        rows = task.features[: steps * c.batch_size]
        making = batch_making(batches, chosen.max_length, task.collate)
        losses.append(fine_tune(model, rows, task.loss_of, run, progress=False, **making).losses)
    return float(np.abs(np.subtract(*losses)).max())


def over_seeds(
    arms: dict[str, Arm], function: Callable[[Arm, int], dict], seeds: tuple[int, ...], runner: Runner
) -> dict[str, dict[str, list]]:
    """Run each arm with each seed; return each result as a list, in seed order.

    Parameters
    ----------
    arms : by the kind of their batches.
    function : :func:`score_run` or :func:`time_run`.
    seeds : of the runs.
    runner : makes and keeps them.
    """
    grid = runner.grid(f"buckets-{function.__name__}", CODE_VERSION, arms, seeds, function)
    return {kind: {key: [run[key] for run in runs] for key in runs[0]} for kind, runs in grid.items()}


def record(configuration: Configuration, runner: Runner) -> dict:
    """Score and time both tasks with every seed; a recording that was stopped goes on where it was.

    Returns
    -------
    dict
        For each task: ``buckets``, ``random`` and ``fixed``, each with the lists that belong to it (``score`` in %,
        ``padding``, ``updates``; ``processor_seconds``, ``timed_padding``), and ``largest_difference`` of the losses.
        For the reviews also ``small`` and ``longer``: ``buckets`` and ``random`` of the smaller runs.
    """
    c, results = configuration, {}
    settings.prepare()

    def arms(name: str, chosen: TaskSettings, kinds: tuple[str, ...], batch_size: int) -> dict[str, Arm]:
        return {kind: Arm(name, kind, chosen, batch_size, c.precision) for kind in kinds}

    for name, size in (("entities", c.batch_size), ("reviews", c.reviews_batch_size)):
        scored = over_seeds(arms(name, getattr(c, name), SCORED, size), score_run, c.seeds, runner)
        chosen = getattr(c, f"{name}_timed")
        timed = over_seeds(arms(name, chosen, TIMED, c.batch_size), time_run, c.few_seeds, runner)
        found = {kind: scored.get(kind, {}) | timed.get(kind, {}) for kind in ("buckets", "random", "fixed")}
        results[name] = found | {"largest_difference": float(f"{largest_difference(name, c):.1e}")}
    for name, chosen in (("small", c.reviews_small), ("longer", c.reviews_longer)):
        smaller = arms("reviews", chosen, SCORED, c.batch_size)
        results["reviews"][name] = over_seeds(smaller, score_run, c.few_seeds, runner)
    return results
