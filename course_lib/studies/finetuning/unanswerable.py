"""What training on answerable questions alone does to questions without an answer, and what training on both does.

The same encoder is fine-tuned in the manner of SQuAD 1.1 (answerable questions only: the recorded model of
``task-models``) and of SQuAD 2.0 (both kinds, the target of the second being [CLS]), with about as many
updates. Both are stored compactly and tested on all questions: always answering, and abstaining above a
threshold that is tuned on the validation part. Beside each result stands the SHA-256 of the checkpoint that gave it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from course_lib import settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.data.weights import sha256_of
from course_lib.finetuning.compact import load_compact, save_compact
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, fine_tune
from course_lib.finetuning.question_answering import (
    abstain,
    answer_questions,
    make_windows,
    question_model,
    scores_by_kind,
    span_loss,
    tune_threshold,
)
from course_lib.finetuning.scores import percent
from course_lib.studies.finetuning.task_models import CHECKPOINTS, QUESTIONS, load_task_model
from course_lib.studies.records import Runner

CODE_VERSION = 1
CHECKPOINT = settings.CHECKPOINTS / "unanswerable"
BOTH = replace(QUESTIONS, epochs=3)


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on.

    ``answerable`` is how the 1.1-style model was trained, and ``both`` how the 2.0-style one is: more
    questions, so fewer epochs for the same number of updates.
    """

    answerable: TrainingConfiguration = QUESTIONS
    both: TrainingConfiguration = BOTH
    rank: int = 64


CONFIGURATION = Configuration()


def load_model(folder: Path = CHECKPOINT) -> TaskModel:
    """Load the recorded 2.0-style model.

    Raises
    ------
    WeightsError
        If its file is missing or damaged.
    """
    return load_compact(question_model("bundled"), folder)


def checksum(folder: Path) -> str:
    """Return the SHA-256 of the weights in a checkpoint's folder."""
    return sha256_of(folder / "model.safetensors")


def train(rows, configuration: TrainingConfiguration) -> tuple[TaskModel, dict]:
    """Fine-tune on the questions of ``rows``, as they are, and return the model and what the run cost."""
    settings.prepare(configuration.seed)
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    windows = make_windows(rows["question"], rows["context"], tokenizer, rows["answers"])
    model = question_model("bundled")
    history = fine_tune(model, [window.feature for window in windows], span_loss, configuration)
    return model, {
        "questions": len(rows),
        "updates": len(history.losses),
        "minutes": round(history.seconds / 60, 1),
    }


def examine(model: TaskModel, data) -> dict:
    """Tune the threshold on the validation part, then score the test part with it and without, in percent."""
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    curve = tune_threshold(model, data, tokenizer)
    test = data["test"]
    answers = answer_questions(model, test["question"], test["context"], tokenizer)
    references = [reference["text"] for reference in test["answers"]]
    tuned = abstain(answers, curve.best)
    return {
        "threshold": round(curve.best, 3),
        "curve": {
            "thresholds": curve.thresholds.round(3).tolist(),
            "overall": percent(curve.overall).round(2).tolist(),
            "HasAns": percent(curve.has_answer).round(2).tolist(),
            "NoAns": percent(curve.no_answer).round(2).tolist(),
        },
        "test": {
            name: percent(scores_by_kind([answer.text for answer in given], references), 2)
            for name, given in (("always answers", answers), ("may abstain", tuned))
        },
    }


@dataclass(frozen=True)
class Examined:
    """A stored model that is only examined, by the SHA-256 of its checkpoint."""

    checkpoint: str


def examine_answerable(examined: Examined, seed: int) -> dict:
    """Examine the recorded model of ``task-models``."""
    settings.prepare(seed)
    found = examine(load_task_model("questions"), load_texts("questions", "bundled"))
    return {"checkpoint": examined.checkpoint} | found


def train_on_both(configuration: Configuration, seed: int) -> dict:
    """Train in the manner of SQuAD 2.0, store the model, and examine it."""
    c, data = configuration, load_texts("questions", "bundled")
    model, cost = train(data["train"], replace(c.both, seed=seed))
    save_compact(model, CHECKPOINT, c.rank)
    return {"checkpoint": checksum(CHECKPOINT)} | cost | examine(load_model(), data)


def record(configuration: Configuration, runner: Runner) -> dict:
    """Make both runs: examine the 1.1-style model, and train, store and examine the 2.0-style one."""
    c = configuration
    answerable, product = Examined(checksum(CHECKPOINTS / "questions")), CHECKPOINT / "model.safetensors"
    return {
        "1.1-style": runner.run(
            "unanswerable-1.1", CODE_VERSION, answerable, c.answerable.seed, examine_answerable
        ),
        "2.0-style": runner.run(
            "unanswerable-2.0", CODE_VERSION, c, c.both.seed, train_on_both, products=[product]
        ),
    }
