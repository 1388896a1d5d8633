"""What a head reads of a row: the pooler, the [CLS] state or the mean of all states; lesson 08's table.

MiniLM is fine-tuned on the bundled reviews once for each reading and seed. Runs of one seed share the first weights of
the head, the order of the rows and the draws of dropout: what's left to differ is the state that the head reads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from course_lib import settings
from course_lib.bert.heads import READINGS
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune
from course_lib.finetuning.scores import percent
from course_lib.finetuning.tasks import task_of
from course_lib.studies.records import Runner

CODE_VERSION = 1
TRAINING = TrainingConfiguration(learning_rate=1e-4, epochs=3, batch_size=16, precision="bfloat16")


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    training: TrainingConfiguration = TRAINING
    max_length: int = 128
    readings: tuple[str, ...] = READINGS
    seeds: tuple[int, ...] = (0, 1)


CONFIGURATION = Configuration()


@dataclass(frozen=True)
class Run:
    """One run of the recording."""

    reads: str
    training: TrainingConfiguration
    max_length: int


def score_run(run: Run, seed: int) -> dict[str, float]:
    """Fine-tune a head on one reading.

    Parameters
    ----------
    run : what the head reads, and how it is fine-tuned.
    seed : of the head, the order of the rows and dropout.

    Returns
    -------
    dict
        Accuracy (%) on the ``validation`` and the ``test`` part after the last epoch, and ``last_loss``, the mean
        of the last ten updates in nats.
    """
    parts = load_texts("reviews", "bundled")
    task, tokenizer = task_of("reviews", reads=run.reads), load_tokenizer(encoder_folder("bundled"))
    torch.manual_seed(seed)
    model = task.model("bundled")
    features = task.features(parts["train"], tokenizer, run.max_length)
    history = fine_tune(model, features, task.loss, replace(run.training, seed=seed), progress=False)
    scores = {
        part: percent(task.score(model, parts[part], tokenizer, run.max_length)["accuracy"], 2)
        for part in ("validation", "test")
    }
    return scores | {"last_loss": round(float(np.mean(history.losses[-10:])), 4)}


def record(configuration: Configuration, runner: Runner) -> dict[str, dict[str, list[float]]]:
    """Fine-tune every reading with every seed; results by reading, a value for each seed."""
    c = configuration
    settings.prepare()
    runs = {reads: Run(reads, c.training, c.max_length) for reads in c.readings}
    found = runner.grid("pooling", CODE_VERSION, runs, c.seeds, score_run)
    return {
        reads: {key: [run[key] for run in results] for key in results[0]} for reads, results in found.items()
    }
