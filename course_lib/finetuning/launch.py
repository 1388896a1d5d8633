"""The tasks on one device or many, with the Hugging Face Trainer.

    accelerate launch -m course_lib.finetuning.launch reviews --encoder hub --texts hub --max-length 512
    accelerate launch --num_processes 4 -m course_lib.finetuning.launch entities --texts path/to/conll2003

Features, heads, losses and metrics are those of the lessons; the Trainer shares the rows out to the
processes and groups them by length. ``--encoder`` and ``--texts`` take ``bundled``, ``hub`` or a path.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import PrinterCallback

from course_lib import settings
from course_lib.bert.loading import save_encoder, write_tensors
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.errors import CourseError, DataFileError
from course_lib.finetuning import classification, entities, question_answering
from course_lib.finetuning.batching import pad_batch
from course_lib.finetuning.frameworks import TaskTrainer, trainer_arguments
from course_lib.finetuning.loop import (
    TaskModel,
    TrainingConfiguration,
    check_features,
    freeze_body,
    prepare_model,
)


@dataclass(frozen=True)
class Task:
    """What a task brings: its model, features, loss and scores."""

    model: Callable[[Path], TaskModel]
    features: Callable[[object, Tokenizer, int], list[dict]]
    loss_of: Callable
    score: Callable[[TaskModel, object, Tokenizer, int], dict[str, float]]


def _review_features(rows, tokenizer: Tokenizer, max_length: int) -> list[dict]:
    return classification.classification_features(
        rows["text"], tokenizer, rows["label"], max_length=max_length, number_of_labels=2
    )


def _review_scores(model: TaskModel, rows, tokenizer: Tokenizer, max_length: int) -> dict[str, float]:
    features = classification.classification_features(rows["text"], tokenizer, max_length=max_length)
    predicted = classification.class_probabilities(model, features).argmax(axis=1)
    return classification.classification_scores(rows["label"], predicted)


def _entity_features(rows, tokenizer: Tokenizer, max_length: int) -> list[dict]:
    features = entities.entity_features(rows["tokens"], tokenizer, rows["tags"], max_length=max_length)
    return entities.model_inputs(features)


def _entity_scores(model: TaskModel, rows, tokenizer: Tokenizer, max_length: int) -> dict[str, float]:
    features = entities.entity_features(rows["tokens"], tokenizer, max_length=max_length)
    return entities.entity_scores(rows["tags"], entities.predict_tags(model, features))


def _question_features(rows, tokenizer: Tokenizer, max_length: int) -> list[dict]:
    windows = question_answering.make_windows(
        rows["question"],
        rows["context"],
        tokenizer,
        rows["answers"],
        question_answering.WindowSettings(max_length=max_length),
    )
    return [window.feature for window in windows]


def _question_scores(model: TaskModel, rows, tokenizer: Tokenizer, max_length: int) -> dict[str, float]:
    found = question_answering.answer_questions(
        model,
        rows["question"],
        rows["context"],
        tokenizer,
        question_answering.WindowSettings(max_length=max_length),
        threshold=0.0,  # lesson 09 tunes it
    )
    references = [answer["text"] for answer in rows["answers"]]
    return question_answering.answer_scores([answer.text for answer in found], references)


TASKS = {
    "reviews": Task(
        lambda folder: classification.classification_model(2, folder),
        _review_features,
        classification.classification_loss,
        _review_scores,
    ),
    "entities": Task(
        lambda folder: entities.entity_model(source=folder),
        _entity_features,
        entities.entity_loss,
        _entity_scores,
    ),
    "questions": Task(
        lambda folder: question_answering.question_model(folder),
        _question_features,
        question_answering.span_loss,
        _question_scores,
    ),
}


def run(
    task_name: str,
    configuration: TrainingConfiguration,
    *,
    encoder: str | None = None,
    texts: str | None = None,
    max_length: int = 128,
    frozen: str = "none",
    save: str | Path | None = None,
    cpu: bool = False,
) -> dict[str, float]:
    """Fine-tune one task on every process of the launch and score it on held-out rows.

    Parameters
    ----------
    task_name : ``reviews``, ``entities`` or ``questions``.
    configuration : how to fine-tune; the batch size is that of one device.
    encoder, texts : where weights and rows come from: ``bundled``, ``hub`` or a path; by the profile if left out.
    max_length : the most pieces of a row or window.
    frozen : part of the body to freeze, see :func:`course_lib.finetuning.loop.freeze_body`.
    save : a folder for the encoder, its tokenizer and the head.
    cpu : whether to stay on the CPU where there is a GPU.

    Returns
    -------
    dict
        The task's scores on the validation part, or on the test part if there is no other.

    Raises
    ------
    DataFileError
        If the texts have no training part, or none to score on.
    CourseError
        All that loading, features and training raise.
    """
    c, task = configuration, TASKS[task_name]
    data, folder = load_texts(task_name, texts), encoder_folder(encoder)
    held_out = next((part for part in ("validation", "test") if part in data), None)
    if "train" not in data or held_out is None:
        raise DataFileError(
            str(texts), f"the parts are {', '.join(data)}", "Give a folder with train and validation files"
        )
    tokenizer = classification.load_tokenizer(folder)
    features = task.features(data["train"], tokenizer, max_length)
    torch.manual_seed(c.seed)  # the same head in every process
    model = task.model(folder)
    freeze_body(model, frozen)
    check_features(model, features)
    prepare_model(model, c)
    with tempfile.TemporaryDirectory() as place:
        # The Trainer refuses bfloat16 on a processor unless it is told that there is nothing else.
        on_cpu = cpu or not torch.accelerator.is_available()
        arguments = trainer_arguments(
            place,
            c,
            use_cpu=on_cpu,
            dataloader_pin_memory=not on_cpu,
            train_sampling_strategy="group_by_length",
        )
        trainer = TaskTrainer(
            task.loss_of, c, model=model, args=arguments, train_dataset=features, data_collator=pad_batch
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    scores = {}
    if trainer.is_world_process_zero():
        model.eval()
        scores = task.score(model, data[held_out], tokenizer, max_length)
        print(
            json.dumps({"task": task_name, "part": held_out, "updates": trainer.state.global_step, **scores})
        )
        if save is not None:
            save_encoder(model.encoder.cpu(), save)
            write_tensors(model.head.cpu().state_dict(), Path(save) / "head.safetensors")
            tokenizer.save(str(Path(save) / "tokenizer.json"))
    trainer.accelerator.wait_for_everyone()
    return scores


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, run, and say what is wrong in one sentence if something is."""
    usual = TrainingConfiguration()
    parser = argparse.ArgumentParser(description="Fine-tune BERT on one device or many.")
    parser.add_argument("task", choices=sorted(TASKS))
    parser.add_argument("--encoder", help="bundled, hub, or the folder of a BERT checkpoint")
    parser.add_argument("--texts", help="bundled, hub, or a path to files of your own")
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=usual.batch_size, help="rows a device")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default=usual.precision)
    parser.add_argument("--frozen", choices=("none", "embeddings", "half", "all"), default="none")
    parser.add_argument("--save", help="folder for the fine-tuned model")
    parser.add_argument("--cpu", action="store_true")
    o = parser.parse_args(arguments)
    configuration = TrainingConfiguration(
        learning_rate=o.learning_rate,
        epochs=o.epochs,
        batch_size=o.batch_size,
        precision=o.precision,
        freeze_embeddings=False,  # --frozen decides
        seed=settings.prepare().seed,
    )
    try:
        run(
            o.task,
            configuration,
            encoder=o.encoder,
            texts=o.texts,
            max_length=o.max_length,
            frozen=o.frozen,
            save=o.save,
            cpu=o.cpu,
        )
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
