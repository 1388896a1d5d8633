"""One teacher made small in every way of this lesson, each alone and all together (lesson 19).

The teacher is the course's classifier of reviews, with six layers. What a student is trained with is chosen on the
validation part; the test part is only measured.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from course_lib import settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.finetuning.classification import (
    class_probabilities,
    classification_features,
    classification_loss,
)
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration
from course_lib.studies.compression.distillation import distill, student_of
from course_lib.studies.compression.measurement import Measurement, measure
from course_lib.studies.compression.pruning import importance, masked, pruned, weakest
from course_lib.studies.compression.quantization import quantized
from course_lib.studies.compression.storage import save_small
from course_lib.studies.compression.unpadding import without_padding
from course_lib.studies.finetuning import task_models
from course_lib.studies.records import Runner

CODE_VERSION = 1
TRAINING = TrainingConfiguration(learning_rate=2e-4, epochs=3, precision="bfloat16")
REPAIR = replace(TRAINING, epochs=2)


@dataclass(frozen=True)
class Student:
    """How a student is trained.

    Parameters
    ----------
    layers : the teacher's blocks that it starts from, counted from 0.
    temperature, soft_share, state_weight : of the loss, see :func:`distillation_loss`.
    training : rate, epochs and so on.
    max_length : the most pieces of a review.
    """

    layers: tuple[int, ...] = (1, 3, 5)
    temperature: float = 2.0
    soft_share: float = 0.7
    state_weight: float = 0.0
    training: TrainingConfiguration = TRAINING
    max_length: int = 96


@dataclass(frozen=True)
class Comparison:
    """What is measured side by side.

    Parameters
    ----------
    student : the one that did best on validation data.
    share : of heads and neurons that is removed.
    judged_rows : training rows that tell which heads and neurons matter.
    calibration_rows : training rows that tell which columns stay floats.
    repair : the training after a removal.
    rounds, timed_rows : of the measured times.
    """

    student: Student
    share: float = 1 / 3
    judged_rows: int = 160
    calibration_rows: int = 48
    repair: TrainingConfiguration = REPAIR
    rounds: int = 5
    timed_rows: int = 32


def _students() -> dict[str, Student]:
    by_temperature = {f"T = {t}": Student(temperature=float(t)) for t in (1, 2, 4, 8)}
    return by_temperature | {
        "hard labels": Student(soft_share=0.0),
        "first blocks": Student(layers=(0, 1, 2)),
        "with states": Student(state_weight=1.0),
    }


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on.

    Parameters
    ----------
    students : to be trained, by name.
    share, judged_rows, calibration_rows, repair, rounds, timed_rows : as for :class:`Comparison`.
    seeds : of the students; all that is measured has the first one.
    """

    students: dict[str, Student] = field(default_factory=_students)
    share: float = Comparison.share
    judged_rows: int = Comparison.judged_rows
    calibration_rows: int = Comparison.calibration_rows
    repair: TrainingConfiguration = Comparison.repair
    rounds: int = Comparison.rounds
    timed_rows: int = Comparison.timed_rows
    seeds: tuple[int, ...] = (1, 2)


CONFIGURATION = Configuration()


def review_features(max_length: int) -> dict[str, list[dict]]:
    """Return the bundled reviews as features with labels, by part."""
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    return {
        split: classification_features(
            rows["text"], tokenizer, rows["label"], max_length=max_length, number_of_labels=2
        )
        for split, rows in load_texts("reviews", "bundled").items()
    }


def teacher() -> TaskModel:
    """Return the course's classifier of reviews, in evaluation mode."""
    return task_models.load_task_model("reviews").eval()


def accuracy(model: TaskModel, features: list[dict]) -> float:
    """Return the share of rows that a model classifies as their label says."""
    predicted = class_probabilities(model, features).argmax(axis=1)
    return sum(int(p) == f["label"] for p, f in zip(predicted, features, strict=True)) / len(features)


def trained_student(
    student: Student, seed: int, large: TaskModel, features: dict[str, list[dict]]
) -> TaskModel:
    """Return a student that has learned from its teacher and from the labels of the training part."""
    torch.manual_seed(seed)
    small = student_of(large, student.layers)
    _learn(small, large, features["train"], student, student.training, seed)
    return small


def _learn(
    small: TaskModel,
    large: TaskModel,
    rows: list[dict],
    student: Student,
    training: TrainingConfiguration,
    seed: int,
) -> None:
    distill(
        small,
        large,
        rows,
        replace(training, seed=seed),
        temperature=student.temperature,
        soft_share=student.soft_share,
        state_weight=student.state_weight,
        progress=False,
    )


def run_student(student: Student, seed: int) -> dict[str, float]:
    """Train one student; return its accuracy on the validation part, which may choose, and on the test part."""
    settings.prepare(seed)
    features = review_features(student.max_length)
    small = trained_student(student, seed, teacher(), features)
    return {split: round(accuracy(small, features[split]), 4) for split in ("validation", "test")}


def without_the_weakest(model: TaskModel, rows: list[dict], share: float) -> tuple[TaskModel, TaskModel]:
    """Return a model without the heads and neurons that matter least on ``rows``, and one where they are zeros."""
    heads, neurons = (weakest(matters, share) for matters in importance(model, rows, classification_loss))
    return pruned(model, heads, neurons), masked(model, heads, neurons)


def small_models(c: Comparison, seed: int, features: dict[str, list[dict]]) -> dict[str, TaskModel]:
    """Return the teacher and all that is made of it, by name; training rows alone are used."""
    rows, large = features["train"], teacher()
    some = rows[: c.calibration_rows]
    narrow, zeros = without_the_weakest(large, rows[: c.judged_rows], c.share)
    repaired = copy.deepcopy(narrow)
    _learn(repaired, large, rows, c.student, c.repair, seed)
    student = trained_student(c.student, seed, large, features)
    stacked, _ = without_the_weakest(student, rows[: c.judged_rows], c.share)
    _learn(stacked, large, rows, c.student, c.repair, seed)
    return {
        "teacher": large,
        "without padding": without_padding(large),
        "int8, plain": quantized(large),
        "int8": quantized(large, some),
        "pruned, masks only": zeros,
        "pruned, not trained": narrow,
        "pruned": repaired,
        "student": student,
        "all stacked": without_padding(quantized(stacked, some)),
    }


def run_comparison(c: Comparison, seed: int) -> dict[str, dict]:
    """Make all models, store each in a file, and measure them in turns on the test part."""
    settings.prepare(seed)
    features = review_features(c.student.max_length)
    models = small_models(c, seed, features)
    test = features["test"]
    with tempfile.TemporaryDirectory() as folder:
        candidates = {}
        for number, (name, model) in enumerate(models.items()):
            path = Path(folder) / f"{number}.safetensors"
            save_small(model, path)
            candidates[name] = (model, path)
        # The teacher once more, as the course stores it: differences of low rank from the bundled encoder.
        candidates["low rank"] = (models["teacher"], task_models.CHECKPOINTS / "reviews")
        measured = measure(
            candidates,
            test,
            [feature["label"] for feature in test],
            rounds=c.rounds,
            limit=c.timed_rows,
        )
    return {
        m.name: {
            "accuracy": round(m.accuracy, 4),
            "right": [int(right) for right in m.right],
            "file_bytes": m.file_bytes,
            "milliseconds": {str(size): round(time, 3) for size, time in m.milliseconds.items()},
        }
        for m in measured
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Train the students, choose one on validation data, and measure it beside everything else.

    Returns
    -------
    dict
        ``students`` (by name, accuracies one a seed), ``chosen`` (the name of the best on validation data) and
        ``measurements`` (by name).
    """
    c = configuration
    students = runner.grid("compression-students", CODE_VERSION, c.students, c.seeds, run_student)
    means = {name: sum(run["validation"] for run in runs) for name, runs in students.items()}
    chosen = max(means, key=means.get)
    comparison = Comparison(
        c.students[chosen], c.share, c.judged_rows, c.calibration_rows, c.repair, c.rounds, c.timed_rows
    )
    measurements = runner.run(
        "compression-measurements", CODE_VERSION, comparison, c.seeds[0], run_comparison
    )
    return {"students": students, "chosen": chosen, "measurements": measurements}


def measurements_of(results: Mapping) -> list[Measurement]:
    """Return the measurements of a recording's results."""
    return [
        Measurement(
            name,
            tuple(map(bool, row["right"])),
            row["file_bytes"],
            {int(size): time for size, time in row["milliseconds"].items()},
        )
        for name, row in results["measurements"].items()
    ]
