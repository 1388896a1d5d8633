"""Fine-tuning with length buckets against padding everything to one length.

The same rows, the same number of updates, in interleaved pairs of one run: our loop with batches of like
length, padded to their longest row, against the same loop fed as most tutorials do, with random batches
padded to a fixed ``max_length``: 256 pieces for the reviews (tutorials take 256 or 512), 128 for the
entities. The Hugging Face Trainer, fed that way, is timed once. The target is a ratio of at least 2. The
scores are those of the recording ``buckets``, six seeds each on all rows held out: buckets against random
batches, both padded to their longest row, since the amount of padding changes no score.

A second comparison takes the usual tutorial as it is: transformers' own model, with all of its weights and its dropout
of attention, in the Trainer, every row padded to the fixed length. Against it stands all that this course does for
speed: buckets, the encoder that leaves the rest of the padding out, frozen embeddings, and no dropout of attention.
Its target is a ratio of at least 4.

    python -m benchmarks.bucket_speed --repetitions 3
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import statistics
import tempfile
from functools import partial

from transformers import (
    BertForSequenceClassification,
    BertForTokenClassification,
    Trainer,
    TrainingArguments,
)

from benchmarks.timing import paired_medians, print_table, result, seconds, use_course_threads
from course_lib.bert.unpadded import without_padding
from course_lib.data.weights import bundled_weights_folder
from course_lib.finetuning.frameworks import fine_tune_with_trainer
from course_lib.finetuning.loop import TaskModel, fine_tune
from course_lib.studies.finetuning.buckets import (
    CONFIGURATION,
    SCORED,
    TIMED,
    Arm,
    Task,
    TaskSettings,
    load_task,
    train_arm,
)
from course_lib.studies.records import load_record

TARGET, TUTORIAL_TARGET = 2.0, 4.0
TUTORIAL_ROWS = {"reviews": 48, "entities": 96}  # of an epoch that is timed against the usual tutorial
ROWS = {"reviews": 128, "entities": 128}  # of an epoch that is timed


def time_rows(repetitions: int, rows_of: dict[str, int] = ROWS) -> list[dict]:
    """Return, for each task, seconds of both ways, the Trainer's, and the ratio of each pair's median."""
    threads, rows = use_course_threads(), []
    for name, count in rows_of.items():
        chosen = dataclasses.replace(getattr(CONFIGURATION, f"{name}_timed"), rows=count, epochs=1)
        task = load_task(name, count, chosen.max_length)
        # Reading the weights from disk takes as long for both, and is no part of fine-tuning.
        task = dataclasses.replace(task, new_model=partial(copy.deepcopy, task.new_model()))
        arm = partial(
            Arm,
            name,
            chosen=chosen,
            batch_size=CONFIGURATION.batch_size,
            precision=CONFIGURATION.precision,
        )

        def ours(task=task, arm=arm):
            train_arm(arm("buckets"), 1, task, fit=lambda *a, **k: fine_tune(*a, progress=False, **k))

        def fixed(task=task, arm=arm):
            train_arm(arm("fixed"), 1, task, fit=lambda *a, **k: fine_tune(*a, progress=False, **k))

        def trainer(task=task, arm=arm):
            train_arm(arm("fixed"), 1, task, fit=fine_tune_with_trainer)

        times = paired_medians(ours, fixed, repetitions, warm_up=1)
        rows.append(
            {
                "benchmark": "buckets",
                "task": name,
                "rows": count,
                "padded to": chosen.max_length,
                "threads": threads,
                "ours_s": times.ours,
                "fixed_s": times.reference,
                "trainer_fixed_s": seconds(trainer),
                "ratio": times.ratio,
                "target": TARGET,
            }
        )
    return rows


def model_without_padding(task: Task) -> TaskModel:
    """Return a fresh model of a task whose encoder leaves padding out."""
    model = task.new_model()
    model.encoder = without_padding(model.encoder)
    return model


class UsualTutorial:
    """transformers' own model in its Trainer, fed with rows padded to one length, and otherwise as it comes.

    Parameters
    ----------
    name : ``reviews`` or ``entities``.
    task : whose rows it learns.
    chosen : length, epochs and learning rate.
    """

    def __init__(self, name: str, task: Task, chosen: TaskSettings):
        kind = BertForSequenceClassification if name == "reviews" else BertForTokenClassification
        labels = task.new_model().head.out_features
        self.model = kind.from_pretrained(
            bundled_weights_folder(), num_labels=labels, attn_implementation="sdpa", use_safetensors=True
        )
        self.chosen, self.rows = chosen, []
        for feature in task.features:
            row = {key: value[0] for key, value in task.collate([feature], length=chosen.max_length).items()}
            self.rows.append(row)

    def train(self) -> None:
        """Train for an epoch, from fresh optimizer states."""
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                output_dir=folder,
                num_train_epochs=self.chosen.epochs,
                per_device_train_batch_size=CONFIGURATION.batch_size,
                learning_rate=self.chosen.learning_rate,
                logging_strategy="no",
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
                use_cpu=True,
            )
            Trainer(self.model, arguments, train_dataset=self.rows).train()


def tutorial_rows(repetitions: int, rows_of: dict[str, int] = TUTORIAL_ROWS) -> list[dict]:
    """Return, for each task, the times of ours and of the usual tutorial, and their ratio."""
    threads, rows = use_course_threads(), []
    for name, count in rows_of.items():
        chosen = dataclasses.replace(getattr(CONFIGURATION, f"{name}_timed"), rows=count, epochs=1)
        task = load_task(name, count, chosen.max_length)
        tutorial = UsualTutorial(name, task, chosen)
        model = model_without_padding(task)
        task = dataclasses.replace(task, new_model=partial(copy.deepcopy, model))
        arm = Arm(name, "buckets", chosen, CONFIGURATION.batch_size, CONFIGURATION.precision)

        def ours(task=task, arm=arm):
            train_arm(arm, 1, task, fit=lambda *a, **k: fine_tune(*a, progress=False, **k))

        times = paired_medians(ours, tutorial.train, repetitions, warm_up=1)
        case = {"task": f"{name} as in a tutorial", "rows": count, "padded to": chosen.max_length}
        rows.append(result("buckets", times, TUTORIAL_TARGET, **case, threads=threads))
    return rows


def score_rows() -> list[dict]:
    """Return, for each task, the recorded scores of both kinds of batches, and what fixed padding costs."""
    rows = []
    for name, found in load_record("buckets")["results"].items():
        scores = {batches: found[batches]["score"] for batches in SCORED}
        spent = {batches: sum(found[batches]["processor_seconds"]) for batches in TIMED}
        means = {batches: statistics.mean(values) for batches, values in scores.items()}
        rows.append(
            {
                "task": name,
                "score": "entity F1 (%)" if name == "entities" else "accuracy (%)",
                "buckets": means["buckets"],
                "s.d.": statistics.stdev(scores["buckets"]),
                "random batches": means["random"],
                "s.d. ": statistics.stdev(scores["random"]),
                "difference": means["buckets"] - means["random"],
                "fixed padding takes": spent["fixed"] / spent["buckets"],
            }
        )
    return rows


def main(repetitions: int = 3) -> list[dict]:
    """Time both ways, print the table and the recorded scores, and return the timed rows."""
    rows = time_rows(repetitions)
    print_table("Fine-tuning: length buckets against padding to a fixed length", rows)
    tutorials = tutorial_rows(repetitions)
    print_table("Fine-tuning: all that the course does against the usual tutorial", tutorials)
    print_table("Scores of both on rows held out, six seeds (`course record buckets`)", score_rows())
    return rows + tutorials


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=3)
    main(parser.parse_args().repetitions)
