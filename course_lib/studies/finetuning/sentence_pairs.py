"""Four tasks of sentence pairs in the manner of GLUE: MiniLM against what sees less; lesson 11's table.

MiniLM is fine-tuned on each task alone, from its own weights and from random ones. How to train was chosen on the
validation parts; the test parts are scored once a run. Each model is also scored with other segment ids and with its
sentences exchanged, which needs no training. :mod:`course_lib.studies.finetuning.pair_transfer` has the runs in which one
task helps another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch

from course_lib import settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, fine_tune
from course_lib.finetuning.scores import percent
from course_lib.finetuning.sentence_pairs import (
    PAIR_TASKS,
    SEGMENTS,
    majority_of_pairs,
    pair_features,
    pair_loss,
    pair_model,
    pair_predictions,
    pair_scores,
    with_segments,
    words_of_pairs_baseline,
)
from course_lib.studies.ablations.question_sentences import question_sentence_pairs

MAX_LENGTH = 96
PAIRING_SEED = 7  # which other sentence of the paragraph stands beside a question
# The genres of MNLI's matched part are those of training; the mismatched part has others.
PARTS = {"inference": ("test_matched", "test_mismatched")}


def scored_part(task: str) -> str:
    """Return the name of the part that a task is scored on."""
    return PARTS.get(task, ("test",))[0]


@cache
def load_pairs(task: str) -> dict:
    """Return the parts of a bundled task, each with ``sentence1``, ``sentence2`` and ``label``.

    Parameters
    ----------
    task : ``paraphrase``, ``inference``, ``question-sentence`` or ``similarity``.

    Returns
    -------
    dict
        ``train``, ``validation`` and ``test``; for inference ``test_matched`` and ``test_mismatched``. Every part is a
        ``datasets.Dataset``. The question-sentence pairs are made of the bundled questions as QNLI was of SQuAD's, and
        the questions are split by paragraph already.
    """
    import datasets

    settings.require_clone()
    if task != "question-sentence":
        return dict(load_texts(task, "bundled"))
    parts = {}
    for name, rows in load_texts("questions", "bundled").items():
        pairs = question_sentence_pairs(rows, PAIRING_SEED)
        columns = zip(*pairs, strict=True)
        parts[name] = datasets.Dataset.from_dict(
            dict(zip(("sentence1", "sentence2", "label"), map(list, columns), strict=True))
        )
    return parts


def features_of(task: str, rows, *, exchanged: bool = False, max_length: int = MAX_LENGTH) -> list[dict]:
    """Return the features of a bundled task's rows, A and B exchanged or not.

    Parameters
    ----------
    task : see :func:`load_pairs`.
    rows : with ``sentence1``, ``sentence2`` and ``label``.
    exchanged : whether B comes first.
    max_length : the most tokens of a pair.
    """
    firsts, seconds = rows["sentence1"], rows["sentence2"]
    if exchanged:
        firsts, seconds = seconds, firsts
    return pair_features(
        firsts,
        seconds,
        load_tokenizer(encoder_folder("bundled")),
        rows["label"],
        names=PAIR_TASKS[task].labels,
        max_length=max_length,
    )


def train_pairs(
    task: str,
    rows,
    training: TrainingConfiguration,
    *,
    pretrained: bool = True,
    segments: str = "kept",
    body: TaskModel | None = None,
    progress: bool = False,
) -> tuple[TaskModel, list[float]]:
    """Fine-tune MiniLM, or random weights of its sizes, on rows of a task; return it with its losses.

    Parameters
    ----------
    task : see :func:`load_pairs`.
    rows : with ``sentence1``, ``sentence2`` and ``label``.
    training : how; random weights are all trained, whatever it freezes.
    pretrained : whether it begins with MiniLM's weights.
    segments : ``kept``, ``removed`` or ``swapped`` segment ids, see
        :func:`~course_lib.finetuning.sentence_pairs.with_segments`.
    body : a model that was trained on another task, whose encoder is trained on; it gets a fresh head.
    progress : whether to show a progress bar.
    """
    torch.manual_seed(training.seed)
    model = pair_model(PAIR_TASKS[task].labels, "bundled", reads="mean", pretrained=pretrained)
    if body is not None:
        model.encoder = body.encoder
    if not pretrained:
        training = replace(training, frozen="none")
    features = with_segments(features_of(task, rows), segments)
    history = fine_tune(model, features, pair_loss, training, progress=progress)
    return model, history.losses


def part_scores(
    model: TaskModel, task: str, part: str, *, segments: str = "kept", exchanged: bool = False
) -> dict[str, float]:
    """Return a model's scores (%) on a part of a bundled task, correlations times 100, too.

    Parameters
    ----------
    model : of :func:`train_pairs`.
    task, part : which rows, see :func:`load_pairs`.
    segments : ``kept``, ``removed`` or ``swapped`` segment ids.
    exchanged : whether B comes first.
    """
    rows = load_pairs(task)[part]
    features = with_segments(features_of(task, rows, exchanged=exchanged), segments)
    return _scores(task, rows["label"], pair_predictions(model, features))


def _scores(task: str, truth: Sequence, said: Sequence) -> dict[str, float]:
    return percent(pair_scores(truth, said, PAIR_TASKS[task].metrics), 2)


def agreement(task: str, said: Sequence, others: Sequence) -> float:
    """Return how far two lists of predictions agree (%): the share of equal classes, or the scores' Spearman."""
    metric = "spearman" if PAIR_TASKS[task].labels is None else "accuracy"
    return percent(pair_scores(others, said, (metric,))[metric], 2)


@dataclass(frozen=True)
class Recipe:
    """How a task is trained.

    Parameters
    ----------
    training : chosen on the validation part.
    rows : how many training rows; all of them if left out.
    """

    training: TrainingConfiguration
    rows: int | None = None


@dataclass(frozen=True)
class Run:
    """One run of the recording.

    Parameters
    ----------
    task : see :func:`load_pairs`.
    recipe : how it's trained.
    pretrained : whether it begins with MiniLM's weights.
    segments : the segment ids that it's trained with.
    """

    task: str
    recipe: Recipe
    pretrained: bool = True
    segments: str = "kept"


def first_rows(task: str, rows: int | None):
    """Return the first training rows of a task; all of them for None. Question-sentence pairs stand by article."""
    train = load_pairs(task)["train"]
    return train if rows is None else train.select(range(min(rows, len(train))))


def score_run(run: Run, seed: int) -> dict:
    """Fine-tune one model and score it on the test part, as it was trained and with other inputs.

    Returns
    -------
    dict
        Scores (%) with segment ids ``kept``, ``removed`` and ``swapped``, with A and B ``exchanged``, and of the
        ``validation`` part; ``mismatched`` for inference; ``agreement`` of the predictions before and after the
        exchange (%); ``last_loss``, the mean of the last ten.
    """
    training = replace(run.recipe.training, seed=seed)
    model, losses = train_pairs(
        run.task,
        first_rows(run.task, run.recipe.rows),
        training,
        pretrained=run.pretrained,
        segments=run.segments,
    )
    rows = load_pairs(run.task)[scored_part(run.task)]
    features, said, found = features_of(run.task, rows), {}, {}
    for segments in SEGMENTS:
        said[segments] = pair_predictions(model, with_segments(features, segments))
    exchanged = with_segments(features_of(run.task, rows, exchanged=True), run.segments)
    said["exchanged"] = pair_predictions(model, exchanged)
    for name, predictions in said.items():
        found[name] = _scores(run.task, rows["label"], predictions)
    found["validation"] = part_scores(model, run.task, "validation", segments=run.segments)
    if run.task == "inference":
        found["mismatched"] = part_scores(model, run.task, "test_mismatched", segments=run.segments)
    found["agreement"] = agreement(run.task, said[run.segments], said["exchanged"])
    return found | {"last_loss": round(float(np.mean(losses[-10:])), 4)}


def simple_baselines(task: str, rows: int | None = None) -> dict[str, dict[str, float]]:
    """Return the test scores (%) of what needs no encoder, from the rows that MiniLM learns from.

    Parameters
    ----------
    task : see :func:`load_pairs`.
    rows : how many training rows; all of them if left out.
    """
    train, test = first_rows(task, rows), load_pairs(task)[scored_part(task)]
    labels = np.array(train["label"])
    known, asked = ((list(part["sentence1"]), list(part["sentence2"])) for part in (train, test))
    said = {
        "majority": majority_of_pairs(labels, len(test)),
        "bag of words, hypothesis only": words_of_pairs_baseline((None, known[1]), labels, (None, asked[1])),
        "bag of words": words_of_pairs_baseline(known, labels, asked),
    }
    return {name: _scores(task, test["label"], predictions) for name, predictions in said.items()}
