"""A task and its rows, made of somebody's own files: the classes and types are those of the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from course_lib.data.own.examples import ColumnNames, read_examples
from course_lib.data.own.findings import findings, label_names
from course_lib.data.own.parts import complete_parts
from course_lib.data.readers.conll import read_conll
from course_lib.data.readers.glue import NO_LABEL
from course_lib.data.sources import load_texts
from course_lib.errors import DataFileError, SettingError
from course_lib.finetuning import classification, sentence_pairs
from course_lib.finetuning.annotations import read_annotations
from course_lib.finetuning.loop import TaskModel
from course_lib.finetuning.tasks import Scores, Task, entity_task, task_of
from course_lib.translation import Message

if TYPE_CHECKING:
    import pandas
    from datasets import DatasetDict

ANNOTATIONS = (".json", ".jsonl")
COLUMN_OPTIONS = ("types", "scheme", "token_column", "tag_column", "comments")  # of read_conll

# Rows of a single file that must not come into two parts: questions about a paragraph, endings of a sentence.
KEPT_TOGETHER = {"questions": "context", "endings": "sent1"}


@dataclass(frozen=True)
class OwnData:
    """Somebody's own rows and what is to be learned of them.

    Parameters
    ----------
    task : with a head for the labels of the data.
    parts : a ``datasets.DatasetDict`` with train and validation, and mostly test.
    said : what there is to know about the data, a sentence each.
    """

    task: Task
    parts: DatasetDict
    said: list[Message]


def is_own(task_name: str, texts: str | Path | None, names: ColumnNames) -> bool:
    """Tell whether the rows of a task are somebody's own, and not in the format of a published data set.

    Parameters
    ----------
    task_name : of the command line.
    texts, names : the path, and the columns that were asked for.
    """
    if task_name in KEPT_TOGETHER:
        return texts is not None and Path(texts).is_file()
    if task_name == "entities":
        return texts is not None and (Path(texts).suffix.lower() in ANNOTATIONS or Path(texts).is_file())
    return task_name == "classification" or (task_name == "pairs" and names.second is not None)


def own_data(
    task_name: str,
    path: str | Path | None,
    names: ColumnNames = ColumnNames(),
    *,
    class_weights: bool = False,
    reads: str | None = None,
    seed: int = 0,
    **columns: Any,
) -> OwnData:
    """Read somebody's own files and make the task that fits them.

    Parameters
    ----------
    task_name : ``classification``, ``pairs``, ``entities``, ``questions`` or ``endings``.
    path : the file or folder, see :func:`~course_lib.data.own.examples.read_examples` and
        :func:`~course_lib.finetuning.annotations.read_annotations`.
    names : of the columns.
    class_weights : whether each class counts the same in the loss, however many rows it has.
    reads : what the head reads of a row; the pooler if left out.
    seed : of the split, where one is made.
    columns : ``types`` and others of :func:`~course_lib.data.readers.read_conll`, for a single file of columns;
        ``repair`` for questions.

    Raises
    ------
    DataFileError
        If the files cannot be read or learned.
    SettingError
        If there is no path, or class weights are asked for where there are no classes.
    """
    if path is None or str(path) in ("bundled", "hub"):
        raise SettingError(f"{task_name!r} is learned from files of your own. Give their path with --data.")
    if task_name in KEPT_TOGETHER and names != ColumnNames():
        raise SettingError(
            f"Columns are for tables, and a file of {task_name!r} has its own. Leave them out."
        )
    if class_weights and (task_name in ("entities", *KEPT_TOGETHER) or names.score):
        raise SettingError("Class weights are for texts and pairs with classes. Leave --class-weights out.")
    if task_name == "classification" and names.score:
        raise SettingError("A score is learned of pairs. Give --second COLUMN, or leave --score out.")
    if task_name == "entities":
        if reads is not None:
            raise SettingError(
                "A head for entities scores every token: there is nothing to choose. Leave --reads out."
            )
        return _own_entities(
            Path(path), seed, {name: value for name, value in columns.items() if value is not None}
        )
    columns = {name: value for name, value in columns.items() if value is not None}
    if task_name in KEPT_TOGETHER:
        return _own_file(task_name, Path(path), seed, reads, columns)
    if columns:
        raise SettingError(f"{next(iter(columns))!r} is for files in another format. Leave it out.")
    parts = read_examples(path, names)
    labels = None if names.score else label_names(parts, path)
    parts, made = complete_parts(parts, path, seed=seed)
    weights = balanced_weights(parts["train"]["label"], labels) if class_weights else None
    task = pair_task_of(labels, weights) if names.second is not None else classification_task(labels, weights)
    if reads is not None:
        task = replace(task, model=partial(task.model, reads=reads))
    return OwnData(task, _data_set(parts, labels), findings(parts, made))


def balanced_weights(labels: Sequence[str], names: Sequence[str]) -> Tensor:
    """Return a weight for each class, so that each has the same share in the loss: rows / (classes · rows of it)."""
    counts = Counter(labels)
    return torch.tensor([len(labels) / (len(names) * counts[name]) for name in names])


def _weighted_loss(scores: Tensor, batch: dict[str, Tensor], *, weights: Tensor) -> Tensor:
    return nn.functional.cross_entropy(scores, batch["label"], weight=weights.to(scores))


def classification_task(labels: Sequence[str], weights: Tensor | None = None) -> Task:
    """Return the task of texts with given classes.

    Parameters
    ----------
    labels : the classes, in the order of the head's outputs.
    weights : of the classes in the loss; all the same if left out.
    """
    loss = classification.classification_loss if weights is None else partial(_weighted_loss, weights=weights)
    return Task(
        name="classification",
        model=partial(classification.classification_model, len(labels), labels=labels),
        features=partial(_text_features, number_of_labels=len(labels)),
        loss=loss,
        score=_text_scores,
        main_score="f1",  # classes are seldom even in one's own data
        max_length=128,
        pooled=True,
    )


def _text_features(rows, tokenizer: Tokenizer, max_length: int, *, number_of_labels: int) -> list[dict]:
    return classification.classification_features(
        rows["text"], tokenizer, rows["label"], max_length=max_length, number_of_labels=number_of_labels
    )


def _text_scores(model: TaskModel, rows, tokenizer: Tokenizer, max_length: int) -> Scores:
    features = classification.classification_features(rows["text"], tokenizer, max_length=max_length)
    predicted = classification.class_probabilities(model, features).argmax(axis=1)
    return classification.classification_scores(rows["label"], predicted)


def pair_task_of(labels: Sequence[str] | None, weights: Tensor | None = None) -> Task:
    """Return the task of pairs with given classes, or with scores of any size where there are none."""
    metrics = ("spearman", "pearson") if labels is None else ("accuracy",)
    return Task(
        name="pairs",
        model=partial(sentence_pairs.pair_model, labels),
        features=partial(_pair_features, kind=float if labels is None else int),
        loss=sentence_pairs.pair_loss if weights is None else partial(_weighted_loss, weights=weights),
        score=partial(_pair_scores, metrics=metrics),
        main_score=metrics[0],
        max_length=128,
        pooled=True,
    )


def _pair_features(rows, tokenizer: Tokenizer, max_length: int, *, kind: type) -> list[dict]:
    features = sentence_pairs.pair_features(rows["text"], rows["second"], tokenizer, max_length=max_length)
    return [feature | {"label": kind(label)} for feature, label in zip(features, rows["label"], strict=True)]


def _pair_scores(model: TaskModel, rows, tokenizer: Tokenizer, max_length: int, *, metrics) -> Scores:
    features = sentence_pairs.pair_features(rows["text"], rows["second"], tokenizer, max_length=max_length)
    return sentence_pairs.pair_scores(
        rows["label"], sentence_pairs.pair_predictions(model, features), metrics
    )


def _data_set(parts: dict[str, pandas.DataFrame], labels: Sequence[str] | None) -> DatasetDict:
    """Return frames as a ``datasets.DatasetDict``, with classes as numbers."""
    import datasets

    numbers = {label: number for number, label in enumerate(labels or ())}
    found = {}
    for part, frame in parts.items():
        label = frame["label"] if labels is None else frame["label"].map(numbers)
        found[part] = datasets.Dataset.from_dict({**frame.to_dict(orient="list"), "label": list(label)})
    return datasets.DatasetDict(found)


def read_entities(path: str | Path, **columns: Any) -> pandas.DataFrame:
    """Read names in texts: an export of an annotation tool, or a file in CoNLL's layout.

    Parameters
    ----------
    path : the file.
    columns : how to read CoNLL's layout: ``types`` and so on, as :func:`course_lib.data.sources.load_texts` takes them.

    Returns
    -------
    pandas.DataFrame
        A row for each text, see :func:`~course_lib.finetuning.annotations.read_annotations`.

    Raises
    ------
    DataFileError
        If the file cannot be read.
    """
    exported = Path(path).suffix.lower() in ANNOTATIONS
    return read_annotations(path) if exported else _read_columns(Path(path), columns)


def _read_columns(path: Path, columns: dict[str, Any]) -> pandas.DataFrame:
    """Read a file in CoNLL's layout as :func:`read_annotations` reads an export."""
    import pandas

    if unused := [name for name in columns if name not in COLUMN_OPTIONS]:
        raise SettingError(f"{unused[0]!r} is for files in another format. Leave it out.")
    rows = read_conll(path, **columns)
    texts = [" ".join(tokens) for tokens in rows["tokens"]]
    places = [f"{path}, sentence {number}" for number in range(1, len(texts) + 1)]
    return pandas.DataFrame(
        {"tokens": list(rows["tokens"]), "tags": list(rows["tags"]), "text": texts, "place": places}
    )


def _own_file(task_name: str, path: Path, seed: int, reads: str | None, columns: dict[str, Any]) -> OwnData:
    """Read a single file in the layout of SQuAD or SWAG, and split it."""
    import datasets
    import pandas

    (rows,) = load_texts(task_name, path, **columns).values()
    if "label" in rows.column_names and NO_LABEL in rows["label"]:
        raise DataFileError(path, "it has rows without a label", "Say of each row which ending is right")
    alike = KEPT_TOGETHER[task_name]
    frame = pandas.DataFrame({"text": list(rows[alike]), "label": "text", "number": range(len(rows))})
    found, made = complete_parts({"train": frame}, path, seed=seed)
    data = {part: rows.select(sorted(numbers["number"])) for part, numbers in found.items()}
    sizes = ", ".join(f"{part} {len(part_rows):,}" for part, part_rows in data.items())
    said = [
        Message("Rows: {sizes}.", sizes=sizes),
        Message(
            "There was no {made} part, so some rows were split off; those with the same {alike} stay together.",
            made=" and ".join(made),
            alike=alike,
        ),
    ]
    return OwnData(task_of(task_name, reads=reads), datasets.DatasetDict(data), said)


def _own_entities(path: Path, seed: int, columns: dict[str, Any]) -> OwnData:
    exported = path.suffix.lower() in ANNOTATIONS
    if exported and columns:
        raise SettingError(f"{next(iter(columns))!r} is for columns, and {path} is an export. Leave it out.")
    frame = read_entities(path, **columns).assign(label="text")  # no label of its own: nothing to stratify by
    parts, made = complete_parts({"train": frame}, path, seed=seed)
    kinds = {part: {tag[2:] for tags in rows["tags"] for tag in tags} - {""} for part, rows in parts.items()}
    for part, types in kinds.items():
        if lacking := sorted(types - kinds["train"]):
            raise DataFileError(
                path,
                f"{', '.join(lacking)} came into the {part} part only",
                "Annotate more, ten of each type at least",
            )
    counts = Counter(tag[2:] for tags in parts["train"]["tags"] for tag in tags if tag.startswith("B-"))
    said = [sentence for sentence in findings(parts, made) if sentence.values.get("counts") is None]
    said.append(
        Message("Entities: {found}.", found=", ".join(f"{name} {n:,}" for name, n in counts.most_common()))
    )
    import datasets

    columns = ("tokens", "tags", "place")
    data = {
        part: datasets.Dataset.from_dict({name: list(rows[name]) for name in columns})
        for part, rows in parts.items()
    }
    return OwnData(entity_task(sorted(kinds["train"])), datasets.DatasetDict(data), said)
