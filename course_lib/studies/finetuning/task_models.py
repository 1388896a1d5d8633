"""Three fine-tuned models, one a task: the recording behind lesson 00's tour and the data sets' cards.

MiniLM is fine-tuned on the bundled reviews, entities and (answerable) questions, each alone, and
scored once on the bundled test parts. The models are stored compactly, at the smallest rank that
costs at most one point on the validation part (else at the largest tried); the test part has no say in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from course_lib import settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.finetuning.compact import load_compact, save_compact
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, fine_tune
from course_lib.finetuning.scores import percent
from course_lib.finetuning.tasks import TASKS
from course_lib.studies.records import Runner

CODE_VERSION = 2
CHECKPOINTS = settings.CHECKPOINTS / "task-models"


def _half_precision(learning_rate: float, epochs: int) -> TrainingConfiguration:
    return TrainingConfiguration(learning_rate=learning_rate, epochs=epochs, precision="bfloat16")


REVIEWS, ENTITIES, QUESTIONS = _half_precision(1e-4, 4), _half_precision(3e-4, 6), _half_precision(2e-4, 4)


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    reviews: TrainingConfiguration = REVIEWS
    entities: TrainingConfiguration = ENTITIES
    questions: TrainingConfiguration = QUESTIONS
    review_length: int = 192
    ranks: tuple[int, ...] = (32, 64, 96)  # of the stored differences, tried in this order
    most_lost: float = 1.0  # points of the main score on validation data


CONFIGURATION = Configuration()


def load_task_model(task: str, folder: Path = CHECKPOINTS) -> TaskModel:
    """Load a recorded model.

    Raises
    ------
    WeightsError
        If its file is missing or damaged.
    """
    return load_compact(TASKS[task].model("bundled"), folder / task)


def score(task: str, model: TaskModel, rows, review_length: int = 192) -> dict[str, float]:
    """Score a model on rows of its task, in percent: accuracy, or entity F1, or exact match and F1."""
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    return percent(TASKS[task].score(model, rows, tokenizer, _length(task, review_length)), 2)


def task_features(task: str, rows, review_length: int) -> list[dict]:
    """Return training rows of a task as the fine-tuning loop takes them; a question as its windows."""
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    return TASKS[task].features(rows, tokenizer, _length(task, review_length))


def _length(task: str, review_length: int) -> int:
    return review_length if task == "reviews" else TASKS[task].max_length


def answerable(rows):
    """Return the rows of a question set that have an answer in their paragraph."""
    return rows.select([place for place, impossible in enumerate(rows["is_impossible"]) if not impossible])


@dataclass(frozen=True)
class TaskRun:
    """One task of the recording: what is learned and how, and how the model is stored."""

    task: str
    training: TrainingConfiguration
    review_length: int
    ranks: tuple[int, ...]
    most_lost: float


def _store(model: TaskModel, validation, run: TaskRun) -> dict:
    """Store a model at the smallest rank that loses little on validation data, and return what it lost."""
    task, main = run.task, TASKS[run.task].main_score
    before = score(task, model, validation, run.review_length)
    for rank in run.ranks:
        save_compact(model, CHECKPOINTS / task, rank)
        after = score(task, load_task_model(task), validation, run.review_length)
        if before[main] - after[main] <= run.most_lost:
            break
    return {"rank": rank, "validation": before, "validation_stored": after}


def run_task(run: TaskRun, seed: int) -> dict:
    """Fine-tune on one task, store the model, and score it on the test part, as it was and as it is stored."""
    task, data = run.task, load_texts(run.task, "bundled")
    training, validation, test = (data[split] for split in ("train", "validation", "test"))
    if task == "questions":
        training, validation, test = map(answerable, (training, validation, test))
    settings.prepare(seed)
    model = TASKS[task].model("bundled")
    features = task_features(task, training, run.review_length)
    history = fine_tune(
        model, features, TASKS[task].loss, replace(run.training, seed=seed), collate=TASKS[task].collate
    )
    stored = _store(model, validation, run)
    return {
        "rows": len(training),
        "minutes": round(history.seconds / 60, 1),
        **stored,
        "test": score(task, model, test, run.review_length),
        "stored": score(task, load_task_model(task), test, run.review_length),
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Fine-tune on each task, score on the test parts, store, and score what was stored."""
    c = configuration
    runs = {
        task: TaskRun(task, getattr(c, task), c.review_length, c.ranks, c.most_lost)
        for task in ("reviews", "entities", "questions")
    }
    products = {task: [CHECKPOINTS / task / "model.safetensors"] for task in runs}
    seeds = [settings.prepare().seed]
    found = runner.grid("task-models", CODE_VERSION, runs, seeds, run_task, products=products)
    return {task: result for task, (result,) in found.items()}
