"""The tasks on one device or many, with the Hugging Face Trainer.

    accelerate launch -m course_lib.cli finetune reviews --encoder hub --texts hub --max-length 512
    accelerate launch --num_processes 4 -m course_lib.cli finetune entities --texts path/to/conll2003

Features, heads, losses and metrics are those of the lessons; the Trainer shares the rows out to the
processes and groups them by length. ``--encoder`` and ``--texts`` take ``bundled``, ``hub`` or a path.
:func:`load_saved` reads back what ``--save`` has written.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import PrinterCallback

from course_lib.bert.loading import read_tensors, save_encoder, write_tensors
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.errors import DataFileError, SettingError, WeightsError
from course_lib.files import whole_text
from course_lib.finetuning import classification, entities, question_answering
from course_lib.finetuning.frameworks import TaskTrainer, trainer_arguments
from course_lib.finetuning.loop import (
    TaskModel,
    TrainingConfiguration,
    check_features,
    freeze_body,
    prepare_model,
)
from course_lib.training.batching import pad_batch

HEAD_FILE = "head.safetensors"
TAGS_FILE = "tags.json"  # the tags of an entity head, in the order of its outputs


@dataclass(frozen=True)
class Task:
    """What a task brings: its model, features, loss and scores, and the names of its outputs if they are tags."""

    model: Callable[[Path], TaskModel]
    features: Callable[[object, Tokenizer, int], list[dict]]
    loss_of: Callable
    score: Callable[[TaskModel, object, Tokenizer, int], dict[str, float]]
    tags: tuple[str, ...] | None = None


def _review_features(rows, tokenizer: Tokenizer, max_length: int) -> list[dict]:
    return classification.classification_features(
        rows["text"], tokenizer, rows["label"], max_length=max_length, number_of_labels=2
    )


def _review_scores(model: TaskModel, rows, tokenizer: Tokenizer, max_length: int) -> dict[str, float]:
    features = classification.classification_features(rows["text"], tokenizer, max_length=max_length)
    predicted = classification.class_probabilities(model, features).argmax(axis=1)
    return classification.classification_scores(rows["label"], predicted)


def _entity_features(rows, tokenizer: Tokenizer, max_length: int, *, tags: Sequence[str]) -> list[dict]:
    features = entities.entity_features(
        rows["tokens"], tokenizer, rows["tags"], tag_names=tags, max_length=max_length
    )
    return entities.model_inputs(features)


def _entity_scores(
    model: TaskModel, rows, tokenizer: Tokenizer, max_length: int, *, tags: Sequence[str]
) -> dict[str, float]:
    features = entities.entity_features(rows["tokens"], tokenizer, max_length=max_length)
    return entities.entity_scores(rows["tags"], entities.predict_tags(model, features, tags))


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
    references = [answer["text"] for answer in rows["answers"]]
    found = question_answering.answer_questions(
        model,
        rows["question"],
        rows["context"],
        tokenizer,
        question_answering.WindowSettings(max_length=max_length),
        threshold=None if all(references) else 0.0,  # SQuAD 1.1 never abstains; lesson 09 tunes that of 2.0
    )
    by_kind = question_answering.scores_by_kind([answer.text for answer in found], references)
    scores = by_kind.pop("overall")
    if not all(references):
        scores |= {f"{kind}_{name}": score for kind, part in by_kind.items() for name, score in part.items()}
    return scores


def entity_task(types: Sequence[str]) -> Task:
    """Return the task of entities of given types: its head and its tags follow from them."""
    tags = entities.tags_of(types)
    return Task(
        partial(entities.entity_model, tags),
        partial(_entity_features, tags=tags),
        entities.entity_loss,
        partial(_entity_scores, tags=tags),
        tags,
    )


TASKS = {
    "reviews": Task(
        lambda folder: classification.classification_model(2, folder),
        _review_features,
        classification.classification_loss,
        _review_scores,
    ),
    "entities": entity_task(entities.TYPES),
    "questions": Task(
        question_answering.question_model,
        _question_features,
        question_answering.span_loss,
        _question_scores,
    ),
}


def _task(name: str, types: Sequence[str] | None) -> Task:
    if name not in TASKS:
        raise SettingError(f"There is no task {name!r}. Choose one of: {', '.join(sorted(TASKS))}.")
    if types is not None and name != "entities":
        raise SettingError(f"Types were given for {name!r}, and only entities have types. Leave them out.")
    return TASKS[name] if types is None else entity_task(types)


def on_cpu(cpu: bool) -> bool:
    return cpu or not torch.accelerator.is_available()


def run(
    task_name: str,
    configuration: TrainingConfiguration,
    *,
    encoder: str | None = None,
    texts: str | None = None,
    types: Sequence[str] | None = None,
    scheme: str | None = None,
    repair: bool | None = None,
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
    types : entity types of files of your own, for ``entities``; PER, ORG, LOC and MISC if left out.
    scheme, repair : how to read files of your own, see :func:`course_lib.data.sources.load_texts`.
    max_length : the most pieces of a row or window.
    frozen : part of the body to freeze, see :func:`course_lib.finetuning.loop.freeze_body`.
    save : a folder for the encoder, its tokenizer and the head, see :func:`load_saved`.
    cpu : whether to stay on the CPU where there is a GPU.

    Returns
    -------
    dict
        The task's scores on the validation part, or on the test part if there is no other. For questions,
        overall, and by kind (``HasAns_f1``, ``NoAns_f1`` and so on) if some of them have no answer.

    Raises
    ------
    SettingError
        If there is no such task, or types, scheme or repair are given for another one than theirs.
    DataFileError
        If the texts have no training part, or none to score on.
    CourseError
        All that loading, features and training raise.
    """
    c, task = configuration, _task(task_name, types)
    data = load_texts(task_name, texts, types=types, scheme=scheme, repair=repair)
    folder = encoder_folder(encoder)
    held_out = next((part for part in ("validation", "test") if part in data), None)
    if "train" not in data or held_out is None:
        raise DataFileError(
            str(texts), f"the parts are {', '.join(data)}", "Give a folder with train and validation files"
        )
    tokenizer = load_tokenizer(folder)
    features = task.features(data["train"], tokenizer, max_length)
    torch.manual_seed(c.seed)  # the same head in every process
    model = task.model(folder)
    freeze_body(model, frozen)
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
            write_tensors(model.head.cpu().state_dict(), Path(save) / HEAD_FILE)
            tokenizer.save(str(Path(save) / "tokenizer.json"))
            if task.tags is not None:
                with whole_text(Path(save) / TAGS_FILE) as file:
                    file.write(json.dumps(task.tags) + "\n")
    trainer.accelerator.wait_for_everyone()
    return scores


def load_saved(task_name: str, folder: str | Path, *, types: Sequence[str] | None = None) -> TaskModel:
    """Load a fine-tuned model that :func:`run` has saved, encoder and head, on the CPU and in evaluation mode.

    Its tokenizer is that of :func:`~course_lib.bert.tokenizer.load_tokenizer`.

    Parameters
    ----------
    task_name : ``reviews``, ``entities`` or ``questions``.
    folder : what was given as ``save``.
    types : the entity types that it was fine-tuned with, in their order; PER, ORG, LOC and MISC if left out.

    Raises
    ------
    WeightsError
        If a file is missing or damaged, or the head is that of another task or of other types.
    SettingError
        If there is no such task, or types are given for another one than ``entities``.
    """
    task, folder = _task(task_name, types), Path(folder)
    path = folder / HEAD_FILE
    if not path.is_file():
        raise WeightsError(
            f"{path} does not exist: the folder has no fine-tuned head. Give a folder that launch wrote with --save."
        )
    tensors = read_tensors(path)
    model = task.model(folder)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wanted = {name: tuple(tensor.shape) for name, tensor in model.head.state_dict().items()}
    if shapes != wanted:
        raise WeightsError(
            f"{path} holds the head of another task or other types: its shapes are {shapes}, and {task_name!r} "
            f"calls for {wanted}. Load it as what it was saved as."
        )
    if task.tags is not None:
        _check_tags(folder / TAGS_FILE, task.tags)
    model.head.load_state_dict(tensors)
    return model.eval()


def _check_tags(path: Path, tags: Sequence[str]) -> None:
    """Refuse a head with other tags: as many of them, or another order, would not show in its shape."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path} cannot be read ({error}), so the tags of the head are not known. Save the model again."
        ) from None
    if saved != list(tags):
        raise WeightsError(
            f"{path}: the head was fine-tuned for the tags {saved}, not {list(tags)}. Give the types of the "
            "training, in their order."
        )
