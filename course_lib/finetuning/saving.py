"""Fine-tuned models in folders that the course and plain transformers open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer
from torch import Tensor

from course_lib.bert.heads import READINGS
from course_lib.bert.loading import read_tensors, save_encoder, save_weights, write_tensors
from course_lib.errors import CheckpointError, WeightsError
from course_lib.files import read_json, whole_folder, write_json, write_text
from course_lib.finetuning.classification import classification_model
from course_lib.finetuning.entities import types_of
from course_lib.finetuning.loop import TaskModel
from course_lib.finetuning.onnx_export import ONNX_FILE
from course_lib.finetuning.published_heads import (
    has_published_class,
    published_configuration,
    published_head,
    published_model,
    published_tokenizer,
)
from course_lib.finetuning.sentence_pairs import pair_model
from course_lib.finetuning.tasks import task_of

HEAD_FILE = "head.safetensors"  # of heads that transformers has no class for, and of all older folders
NOTE_FILE = "head.json"  # the task, the most pieces of a row, and what the head reads, and what its outputs stand for, in their order


def save_model(
    task_name: str,
    model: TaskModel,
    tokenizer: Tokenizer,
    folder: str | Path,
    *,
    max_length: int | None = None,
) -> None:
    """Save a fine-tuned model with its tokenizer; :func:`load_saved` and transformers' ``AutoModelFor...`` open it.

    A head that reads the mean of all states is saved beside the encoder, in a file that only :func:`load_saved`
    reads: transformers has no class for it.

    Parameters
    ----------
    task_name : ``classification``, ``reviews``, ``entities``, ``questions``, ``endings`` or ``pairs``.
    model, tokenizer : what belongs together.
    folder : is made if it isn't there; a model in it is replaced.
    max_length : the most pieces of a row in training; as many as the model has positions if left out.

    Raises
    ------
    CheckpointError
        If the folder cannot be written.
    """
    folder, model = Path(folder), model.cpu()
    positions = model.encoder.configuration.max_position_embeddings
    longest = min(max_length or positions, positions)
    if folder.exists():
        _write_model(task_name, model, tokenizer, folder, longest)
        return
    with whole_folder(folder, error=CheckpointError) as temporary:  # all of it or nothing
        _write_model(task_name, model, tokenizer, temporary, longest)


def _write_model(task_name: str, model: TaskModel, tokenizer: Tokenizer, folder: Path, longest: int) -> None:
    if has_published_class(model):
        tensors = published_model(task_name, model)
        save_weights(published_configuration(task_name, model), tensors, folder)
        (folder / HEAD_FILE).unlink(missing_ok=True)  # of an older model in the same folder
    else:
        save_encoder(model.encoder, folder)
        write_tensors(model.head.state_dict(), folder / HEAD_FILE)
    (folder / ONNX_FILE).unlink(missing_ok=True)  # of an older model, too
    content, tokenizer_settings = published_tokenizer(tokenizer, longest)
    write_text(folder / "tokenizer.json", content, error=CheckpointError)
    write_json(folder / "tokenizer_config.json", tokenizer_settings, error=CheckpointError)
    labels = None if model.labels is None else list(model.labels)
    reads = model.reads if model.pooled else None
    note = {"task": task_name, "labels": labels, "reads": reads, "max_length": longest}
    write_json(folder / NOTE_FILE, note, error=CheckpointError)


def load_saved(task_name: str, folder: str | Path, *, types: Sequence[str] | None = None) -> TaskModel:
    """Load a fine-tuned model, encoder and head, on the CPU and in evaluation mode.

    Its tokenizer is that of :func:`~course_lib.bert.tokenizer.load_tokenizer`.

    Parameters
    ----------
    task_name : ``classification``, ``reviews``, ``entities``, ``questions``, ``endings`` or ``pairs``.
    folder : what was saved by :func:`save_model`.
    types : the entity types that it was fine-tuned with, in their order, to make sure of them; those of the folder if
        left out.

    Raises
    ------
    WeightsError
        If a file is missing or damaged, or the head is that of another task or of other types.
    SettingError
        If there is no such task, or types are given for another one than ``entities``.
    """
    classes = task_name == "classification"  # whose labels only the folder knows
    task, folder = task_of("reviews" if classes else task_name, types), Path(folder)
    path, tensors = _saved_head(folder)
    note = saved_note(folder)
    if note["task"] != task_name:
        raise WeightsError(
            f"{folder} holds a model for {note['task']!r}, and it is asked for as one for {task_name!r}. Load it as what it "
            "was saved as."
        )
    if task_name == "entities":
        task = task_of(task_name, _saved_types(folder / NOTE_FILE, note["labels"], types))
    elif task.pooled:
        task = task_of(task.name, reads=note.get("reads"))  # none in folders of before there was a choice
    if task_name == "pairs":  # the classes are those of the folder; without any, the head gives a score
        model = pair_model(note["labels"], folder, reads=note.get("reads") or READINGS[0])
    elif task.name == "reviews" and note["labels"]:
        labels = note["labels"]
        model = classification_model(
            len(labels), folder, labels=labels, reads=note.get("reads") or READINGS[0]
        )
    else:
        model = task.model(folder)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    expected = {name: tuple(tensor.shape) for name, tensor in model.head.state_dict().items()}
    if shapes != expected:
        raise WeightsError(
            f"{path} holds the head of other labels: its shapes are {shapes}, and {task_name!r} "
            f"calls for {expected}. Load it as what it was saved as."
        )
    model.head.load_state_dict(tensors)
    return model.eval()


def _saved_head(folder: Path) -> tuple[Path, dict[str, Tensor]]:
    """Return a head's tensors and their file: of its own, or together with the encoder."""
    path = folder / HEAD_FILE
    if path.is_file():
        return path, read_tensors(path)
    whole = folder / "model.safetensors"
    tensors = published_head(folder) if whole.is_file() else None
    if tensors is None:
        raise WeightsError(
            f"{path} does not exist: the folder has no fine-tuned head. Give a folder that was saved by course finetune."
        )
    return whole, tensors


def saved_note(folder: str | Path) -> dict:
    """Return what a folder says about its head: ``task``, ``labels``, ``reads`` and, in newer ones, ``max_length``.

    Raises
    ------
    WeightsError
        If the note is missing or damaged.
    """
    path, remedy = Path(folder) / NOTE_FILE, "Save the model again."
    note = read_json(path, remedy, error=WeightsError)
    if note is None:
        raise WeightsError(f"{path} does not exist, so the task of the head is not known. {remedy}")
    labels = note.get("labels")
    names = labels is None or (isinstance(labels, list) and all(isinstance(label, str) for label in labels))
    if not isinstance(note.get("task"), str) or not names:
        raise WeightsError(f"{path} does not say the task and the labels of the head. {remedy}")
    if note.get("reads") not in (None, *READINGS):
        raise WeightsError(f"{path} says that the head reads {note['reads']!r}, which no head can. {remedy}")
    return note


def _saved_types(path: Path, labels: list[str] | None, types: Sequence[str] | None) -> list[str]:
    """Return the entity types of a saved head; refuse others, whose head could have the same shape."""
    if not labels:
        raise WeightsError(f"{path} does not say the tags of the head. Save the model again.")
    saved = types_of(labels)
    if types is not None and list(types) != saved:
        raise WeightsError(
            f"{path}: the head was fine-tuned for the types {', '.join(saved)}, not {', '.join(types)}. Give the types of "
            "the training in their order, or leave them out."
        )
    return saved
