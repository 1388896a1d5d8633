"""Length buckets against padding to a fixed length: the same fine-tuning twice, its time and its score.

Most tutorials pad every text to one ``max_length``. Here the bundled reviews and entities are learned
that way (batches of random rows, all padded to the fixed length), and with batches of like length that
are padded to their longest row alone. Rows, steps, rate and everything else are equal, the arms take
turns, and the scores are those of the validation part: no choice and no claim touches the test part.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from course_lib import settings
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.finetuning import classification, entities
from course_lib.finetuning.batching import pad_batch
from course_lib.finetuning.loop import History, TaskModel, TrainingConfiguration, fine_tune

CODE_VERSION = 1
ARMS = ("buckets", "fixed")


@dataclass(frozen=True)
class TaskSettings:
    """What is learned: rows of the training part, the length that tutorials pad to, epochs and rate."""

    rows: int
    max_length: int
    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on; batches of 8 give the most updates for the time."""

    reviews: TaskSettings = TaskSettings(rows=256, max_length=256, epochs=1, learning_rate=1e-4)
    entities: TaskSettings = TaskSettings(rows=320, max_length=128, epochs=2, learning_rate=3e-4)
    seeds: tuple[int, ...] = (1, 2, 3)
    batch_size: int = 8
    precision: str = "bfloat16"


CONFIGURATION = Configuration()


@dataclass(frozen=True)
class Task:
    """Features of the training part, how to make a model, its loss, and its score (%) on validation."""

    features: list[dict]
    new_model: Callable[[], TaskModel]
    loss_of: Callable
    score: Callable[[TaskModel], float]


def load_task(name: str, configuration: Configuration = CONFIGURATION) -> Task:
    """Return ``reviews`` (scored by accuracy) or ``entities`` (scored by entity-level F1)."""
    chosen = getattr(configuration, name)
    tokenizer = classification.load_tokenizer(encoder_folder("bundled"))
    data = load_texts(name, "bundled")
    training, validation = data["train"].select(range(chosen.rows)), data["validation"]
    if name == "reviews":
        features, held_out = (
            classification.classification_features(
                rows["text"], tokenizer, rows["label"], max_length=chosen.max_length
            )
            for rows in (training, validation)
        )

        def accuracy(model: TaskModel) -> float:
            predicted = classification.class_probabilities(model, held_out).argmax(axis=1)
            return 100 * classification.classification_scores(validation["label"], predicted)["accuracy"]

        new_model = partial(classification.classification_model, 2, "bundled")
        return Task(features, new_model, classification.classification_loss, accuracy)
    features, held_out = (
        entities.entity_features(rows["tokens"], tokenizer, rows["tags"], max_length=chosen.max_length)
        for rows in (training, validation)
    )

    def f1(model: TaskModel) -> float:
        return 100 * entities.entity_scores(validation["tags"], entities.predict_tags(model, held_out))["f1"]

    new_model = partial(entities.entity_model, source="bundled")
    return Task(entities.model_inputs(features), new_model, entities.entity_loss, f1)


def batch_making(arm: str, max_length: int) -> dict:
    """Return the arguments of :func:`fine_tune` that make one arm's batches."""
    if arm == "buckets":
        return {"collate": pad_batch, "pool": 32}
    return {"collate": partial(pad_batch, length=max_length), "pool": 1}


def train_arm(
    arm: str, task: Task, name: str, seed: int, configuration: Configuration = CONFIGURATION, fit=fine_tune
) -> tuple[TaskModel, History]:
    """Fine-tune a fresh model with one arm's batches; ``fit`` is our loop or one of the frameworks."""
    c, chosen = configuration, getattr(configuration, name)
    torch.manual_seed(seed)
    model = task.new_model()
    run = TrainingConfiguration(
        learning_rate=chosen.learning_rate,
        epochs=chosen.epochs,
        batch_size=c.batch_size,
        precision=c.precision,
        seed=seed,
    )
    return model, fit(model, task.features, task.loss_of, run, **batch_making(arm, chosen.max_length))


def record(configuration: Configuration = CONFIGURATION) -> dict:
    """Train both arms with every seed, in turn; return scores (%), processor seconds and shares of padding."""
    c, results = configuration, {}
    settings.prepare()
    for name in ("entities", "reviews"):
        task = load_task(name, c)
        found = {arm: {"score": [], "processor_seconds": [], "padding": []} for arm in ARMS}
        for number, seed in enumerate(c.seeds):
            for arm in ARMS if number % 2 == 0 else ARMS[::-1]:
                began = time.process_time()
                model, history = train_arm(arm, task, name, seed, c)
                row = found[arm]
                row["processor_seconds"].append(round(time.process_time() - began, 1))
                row["score"].append(round(task.score(model), 2))
                row["padding"].append(round(1 - history.tokens / history.padded_tokens, 3))
                print(name, seed, arm, {key: values[-1] for key, values in row.items()}, flush=True)
        results[name] = found
    return results
