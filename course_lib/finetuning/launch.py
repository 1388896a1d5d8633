"""The tasks on one device or many, with the Hugging Face Trainer.

    accelerate launch -m course_lib.cli finetune reviews --encoder hub --texts hub --max-length 512
    accelerate launch --num_processes 4 -m course_lib.cli finetune entities --texts path/to/conll2003

Features, heads, losses and metrics are those of :mod:`course_lib.finetuning.tasks`; the Trainer shares the rows out
to the processes and groups them by length. ``--encoder`` and ``--texts`` take ``bundled``, ``hub`` or a path.
:func:`course_lib.finetuning.saving.load_saved` reads back what ``--save`` has written.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.readers.glue import NO_LABEL
from course_lib.data.sources import encoder_folder, held_out_part, load_glue, load_texts
from course_lib.errors import DataFileError, SettingError
from course_lib.finetuning.frameworks import TaskTrainer, trainer_arguments
from course_lib.finetuning.loop import (
    TrainingConfiguration,
    check_features,
    prepare_model,
)
from course_lib.finetuning.model_card import CardFacts, label_counts, write_card
from course_lib.finetuning.saving import save_model
from course_lib.finetuning.tasks import task_of

# The parts that a model is scored on, the first of them that there is; GLUE's own test parts have no labels.


def on_cpu(cpu: bool) -> bool:
    """Tell whether a run stays on the CPU, because it is asked to or there is nothing else."""
    return cpu or not torch.accelerator.is_available()


def _has_labels(rows) -> bool:
    """Tell whether rows can be scored: the public test parts of GLUE have -1 for each label."""
    return "label" not in rows.column_names or any(label != NO_LABEL for label in rows["label"])


def _rows_of(task_name: str, glue: str | None, texts: str | None, types: Sequence[str] | None, reading: dict):
    if task_name != "pairs":
        return load_texts(task_name, texts, types=types, **reading)
    given = [name for name, value in {"types": types, **reading}.items() if value is not None]
    if given:
        raise SettingError(
            f"{given[0]!r} was given for 'pairs', and the files of GLUE need none. Leave it out."
        )
    return load_glue(glue or "mrpc", texts)


def run(
    task_name: str,
    configuration: TrainingConfiguration,
    *,
    encoder: str | None = None,
    texts: str | None = None,
    types: Sequence[str] | None = None,
    reads: str | None = None,
    glue: str | None = None,
    max_length: int = 128,
    save: str | Path | None = None,
    cpu: bool = False,
    **reading: Any,
) -> dict[str, float]:
    """Fine-tune one task on every process of the launch and score it on held-out rows.

    Parameters
    ----------
    task_name : ``reviews``, ``entities``, ``questions``, ``endings`` or ``pairs``.
    configuration : how to fine-tune; the batch size is that of one device.
    encoder, texts : where weights and rows come from: ``bundled``, ``hub`` or a path; by the profile if left out.
    types : entity types of files of your own, for ``entities``; PER, ORG, LOC and MISC if left out.
    reads : what the head reads of a row, for ``reviews``, ``endings`` and ``pairs``, see
        :func:`~course_lib.bert.heads.row_state`; the pooler if left out.
    glue : for ``pairs``, the task of GLUE whose files are read and whose metrics are reported; ``mrpc`` if left out.
    max_length : the most pieces of a row or window.
    save : a folder for the encoder, its tokenizer and the head, see :func:`course_lib.finetuning.saving.load_saved`.
    cpu : whether to stay on the CPU where there is a GPU.
    reading : how to read files of your own, see :func:`course_lib.data.sources.load_texts`.

    Returns
    -------
    dict
        The task's scores on the validation part, or on the test part if there is no other. For questions,
        overall, and by kind (``HasAns_f1``, ``NoAns_f1`` and so on) if some of them have no answer. For pairs with a
        matched and a mismatched part, those of the matched part, and the others as ``mismatched_accuracy``.

    Raises
    ------
    SettingError
        If there is no such task, or types, a task of GLUE, a reading of the head or a way to read files are given
        for one that has none.
    DataFileError
        If the texts have no training part, or none to score on.
    CourseError
        All that loading, features and training raise.
    """
    c, task = configuration, task_of(task_name, types, reads, glue)
    data = _rows_of(task_name, glue, texts, types, reading)
    folder = encoder_folder(encoder)
    held_out = held_out_part({part: rows for part, rows in data.items() if _has_labels(rows)})
    if "train" not in data or held_out is None:
        raise DataFileError(
            str(texts), f"the parts are {', '.join(data)}", "Give a folder with train and validation files"
        )
    tokenizer = load_tokenizer(folder)
    features = task.features(data["train"], tokenizer, max_length)
    torch.manual_seed(c.seed)  # the same head in every process
    model = task.model(folder)
    check_features(model, features)
    prepare_model(model, c)
    with tempfile.TemporaryDirectory() as place:
        # The Trainer refuses bfloat16 on a processor unless it is told that there is nothing else.
        cpu_only = on_cpu(cpu)
        arguments = trainer_arguments(
            place,
            c,
            use_cpu=cpu_only,
            dataloader_pin_memory=not cpu_only,
            train_sampling_strategy="group_by_length",
        )
        trainer = TaskTrainer(
            task.loss, c, model=model, args=arguments, train_dataset=features, data_collator=task.collate
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    scores = {}
    if trainer.is_world_process_zero():
        model.eval()
        scores = task.score(model, data[held_out], tokenizer, max_length)
        other = held_out.replace("_matched", "_mismatched")
        if other != held_out and other in data:
            others = task.score(model, data[other], tokenizer, max_length)
            scores |= {f"mismatched_{name}": score for name, score in others.items()}
        print(
            json.dumps({"task": task_name, "part": held_out, "updates": trainer.state.global_step, **scores})
        )
        if save is not None:
            save_model(task_name, model, tokenizer, save, max_length=max_length)
            facts = CardFacts(
                task=task_name,
                encoder=str(encoder or folder.name),
                texts=str(texts or "the bundled texts"),
                rows={part: len(rows) for part, rows in data.items()},
                label_counts=label_counts(model, data["train"]),
                part=held_out,
                scores=scores,
                configuration=c,
                max_length=max_length,
            )
            write_card(facts, model, save)
    trainer.accelerator.wait_for_everyone()
    return scores
