"""The short run that lesson 09 makes live: the 1.1-style model goes on with questions of both kinds.

Recorded, so that the lesson can hold its own run against it. The lesson's code is the same: the model of
``task-models``, the questions of :func:`both_kinds`, the loop of every task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from course_lib import settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune
from course_lib.finetuning.question_answering import make_windows, span_loss
from course_lib.studies.finetuning.task_models import CHECKPOINTS, load_task_model
from course_lib.studies.finetuning.unanswerable import checksum, examine
from course_lib.studies.records import Runner

CODE_VERSION = 1
TRAINING = TrainingConfiguration(learning_rate=1e-4, epochs=1, batch_size=8)
TOLERANCE = 6.0  # points of F1 between the recorded run and one on another processor, or with other threads


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on; ``questions`` is how many the model goes on with."""

    training: TrainingConfiguration = TRAINING
    questions: int = 400


CONFIGURATION = Configuration()


def both_kinds(training, questions: int = CONFIGURATION.questions):
    """Return as many questions with as without an answer, spread over all subjects, in the order of the data."""
    impossible, chosen = np.array(training["is_impossible"]), []
    for kind in (False, True):
        rows = np.flatnonzero(impossible == kind)
        count = min(questions // 2, len(rows))
        chosen += [int(rows[i * len(rows) // count]) for i in range(count)]
    return training.select(sorted(chosen))


@dataclass(frozen=True)
class GoingOn:
    """The one run of the recording: how it goes on, and the SHA-256 of the checkpoint that it starts from."""

    training: TrainingConfiguration
    questions: int
    checkpoint: str


def go_on(run: GoingOn, seed: int) -> dict:
    """Go on training, tune the threshold on the validation part, and score the test part once."""
    data = load_texts("questions", "bundled")
    settings.prepare(seed)
    tokenizer, model = load_tokenizer(encoder_folder("bundled")), load_task_model("questions")
    rows = both_kinds(data["train"], run.questions)
    windows = make_windows(rows["question"], rows["context"], tokenizer, rows["answers"])
    training = replace(run.training, seed=seed)
    history = fine_tune(model, [window.feature for window in windows], span_loss, training)
    found = examine(model, data)
    return {
        "questions": len(rows),
        "updates": len(history.losses),
        "minutes": round(history.seconds / 60, 1),
        "threshold": found["threshold"],
        "test": found["test"],
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Make the one run of the recording; see :func:`go_on`."""
    c = configuration
    going_on = GoingOn(c.training, c.questions, checksum(CHECKPOINTS / "questions"))
    return runner.run("live-questions", CODE_VERSION, going_on, c.training.seed, go_on)
