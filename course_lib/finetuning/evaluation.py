"""How good a saved model is on labeled texts: scores with intervals, what is taken for what, and the worst errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.data.own.examples import ColumnNames, read_examples
from course_lib.errors import DataFileError, SettingError
from course_lib.finetuning.entities import entities_of, entity_features, predict_tags
from course_lib.finetuning.own_data import read_entities
from course_lib.finetuning.prediction import SavedModel, predictions

RESAMPLES = 1000
LEVEL = (2.5, 97.5)  # percentiles of a 95% interval
WORST = 10


@dataclass(frozen=True)
class Interval:
    """A score and its 95% interval: where it would lie on other samples of such texts."""

    score: float
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """What was found.

    Parameters
    ----------
    rows : how many there are.
    scores : by name.
    labels : the classes; empty where there are none.
    confusion : (classes, classes) int, true classes in rows and predicted ones in columns; None without classes.
    worst : records with ``place``, ``text``, ``truth``, ``said`` and ``sure`` (a probability or a distance).
    """

    rows: int
    scores: dict[str, Interval]
    labels: tuple[str, ...]
    confusion: np.ndarray | None
    worst: list[dict[str, Any]]


def evaluate(
    saved: SavedModel, path: str | Path, names: ColumnNames = ColumnNames(), *, seed: int = 0
) -> Evaluation:
    """Score a saved model on a file of one's own; of several parts, on the test part.

    Parameters
    ----------
    saved : the model: for classes, scores or entities.
    path, names : as :func:`~course_lib.data.own.examples.read_examples` and
        :func:`~course_lib.finetuning.own_data.read_entities` take them.
    seed : of the resampling.

    Raises
    ------
    DataFileError
        If the file cannot be read, or has a label that the model does not know.
    SettingError
        If the model's task is not scored here.
    """
    if saved.task in ("questions", "endings"):
        raise SettingError(
            f"Models for {saved.task!r} are not scored here. See lesson 09 for the scores of answers."
        )
    generator = np.random.default_rng(seed)
    if saved.task == "entities":
        return _of_entities(saved, path, generator)
    parts = read_examples(path, names)
    frame = next(parts[part] for part in ("test", "validation", *parts) if part in parts)
    seconds = list(frame["second"]) if "second" in frame.columns else None
    said = predictions(saved, list(frame["text"]), seconds)
    if saved.model.labels is None:
        return _of_scores(frame, [record["score"] for record in said], generator)
    return _of_classes(frame, said, saved.model.labels, generator)


def _of_classes(frame, said: list[dict], labels: Sequence[str], generator) -> Evaluation:
    numbers = {label: number for number, label in enumerate(labels)}
    for label, place in zip(frame["label"], frame["place"], strict=True):
        if label not in numbers:
            raise DataFileError(place, f"the model has no label {label!r}", f"It knows: {', '.join(labels)}")
    confusion = np.zeros((len(labels), len(labels)), dtype=int)
    errors = []
    for (_, row), record in zip(frame.iterrows(), said, strict=True):
        confusion[numbers[row["label"]], numbers[record["label"]]] += 1
        if record["label"] != row["label"]:
            errors.append(_error(row, record["label"], record["probability"]))
    # To draw rows again is to draw cells of the confusion matrix again.
    draws = generator.multinomial(len(said), confusion.ravel() / len(said), size=RESAMPLES)
    draws = draws.reshape(RESAMPLES, *confusion.shape)
    scores = {
        name: _interval(float(score(confusion[None])[0]), score(draws))
        for name, score in (("accuracy", accuracies), ("f1", macro_f1))
    }
    worst = sorted(errors, key=lambda error: -error["sure"])[:WORST]
    return Evaluation(len(said), scores, tuple(labels), confusion, worst)


def accuracies(confusions: np.ndarray) -> np.ndarray:
    """Return the accuracy of each confusion matrix, (draws, classes, classes) -> (draws,)."""
    return np.trace(confusions, axis1=1, axis2=2) / confusions.sum(axis=(1, 2))


def macro_f1(confusions: np.ndarray) -> np.ndarray:
    """Return the mean F1 of the classes that are in the truth or the predictions, (draws, C, C) -> (draws,)."""
    right = np.diagonal(confusions, axis1=1, axis2=2)  # (draws, C)
    total = confusions.sum(axis=1) + confusions.sum(axis=2)
    there = total > 0
    f1 = np.divide(2 * right, total, out=np.zeros(total.shape), where=there)
    return f1.sum(axis=1) / there.sum(axis=1)


def _of_scores(frame, said: Sequence[float], generator) -> Evaluation:
    truth, said = np.asarray(frame["label"], dtype=float), np.asarray(said)
    rows = generator.integers(0, len(truth), size=(RESAMPLES, len(truth)))
    scores = {}
    for name, score in (("pearson", _pearson), ("mean absolute error", _distance)):
        scores[name] = _interval(
            score(truth, said), np.array([score(truth[draw], said[draw]) for draw in rows])
        )
    order = np.argsort(-np.abs(truth - said))[:WORST]
    worst = [_error(frame.iloc[row], f"{said[row]:.2f}", float(abs(truth - said)[row])) for row in order]
    return Evaluation(len(truth), scores, (), None, worst)


def _pearson(truth: np.ndarray, said: np.ndarray) -> float:
    return 0.0 if np.ptp(truth) == 0 or np.ptp(said) == 0 else float(np.corrcoef(truth, said)[0, 1])


def _distance(truth: np.ndarray, said: np.ndarray) -> float:
    return float(np.abs(truth - said).mean())


def _of_entities(saved: SavedModel, path: str | Path, generator) -> Evaluation:
    types = sorted({tag[2:] for tag in saved.model.labels} - {""})
    frame = read_entities(path, types=types)
    sentences = list(frame["tokens"])
    said = predict_tags(saved.model, entity_features(sentences, saved.tokenizer, max_length=saved.max_length))
    counts, errors = [], []
    for (_, row), tags in zip(frame.iterrows(), said, strict=True):
        gold, found = (set(entities_of(row["tokens"], either)) for either in (row["tags"], tags))
        counts.append((len(gold & found), len(found), len(gold)))
        if gold != found:
            errors.append(
                {"place": row["place"], "text": row["text"], "sure": float(len(gold ^ found))}
                | {"truth": _shown(row["tokens"], gold - found), "said": _shown(row["tokens"], found - gold)}
            )
    table = np.array(counts)  # (texts, 3): right, predicted, gold
    draws = table[generator.integers(0, len(table), size=(RESAMPLES, len(table)))].sum(axis=1)
    scores = {"f1": _interval(float(_entity_f1(table.sum(axis=0)[None])[0]), _entity_f1(draws))}
    worst = sorted(errors, key=lambda error: -error["sure"])[:WORST]
    return Evaluation(len(table), scores, (), None, worst)


def _entity_f1(counts: np.ndarray) -> np.ndarray:
    total = counts[:, 1] + counts[:, 2]
    return np.divide(2 * counts[:, 0], total, out=np.zeros(len(counts)), where=total > 0)


def _shown(words: Sequence[str], spans) -> str:
    return "; ".join(f"{' '.join(words[a:b])} ({kind})" for a, b, kind in sorted(spans)) or "nothing"


def _error(row, said: str, sure: float) -> dict[str, Any]:
    text = row["text"] if "second" not in row else f"{row['text']} | {row['second']}"
    return {"place": row["place"], "text": text, "truth": str(row["label"]), "said": said, "sure": sure}


def _interval(score: float, draws: np.ndarray) -> Interval:
    low, high = np.percentile(draws, LEVEL)
    return Interval(score, float(low), float(high))
