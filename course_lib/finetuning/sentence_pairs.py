"""Sentence pairs: [CLS] A [SEP] B [SEP], one label or one score (Devlin et al. 2018, section 4.1; GLUE).

Shape letters: B pairs in a batch, T tokens, H hidden size.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import READINGS, sequence_classification_head
from course_lib.bert.inputs import truncate_longest_first
from course_lib.bert.loading import load_encoder
from course_lib.data.readers.glue import TASKS as LAYOUTS
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.classification import classification_loss
from course_lib.finetuning.loop import TaskModel, predict
from course_lib.finetuning.scores import check_pairs

logger = logging.getLogger(__name__)

HIGHEST_SCORE = 5  # of STS-B: 0 is another topic, 5 the same meaning
SEGMENTS = ("kept", "removed", "swapped")


@dataclass(frozen=True)
class PairTask:
    """What a task asks about a pair, and how its predictions are scored.

    Parameters
    ----------
    name : of the task.
    labels : the names of the classes in the order of their numbers; None for a score from 0 to 5.
    metrics : names of :data:`METRICS`; the first one is what models are compared by.
    single : whether there is one sentence only, as in CoLA and SST-2.
    may_be_empty : whether a sentence may be empty, as a few of QQP's are.
    """

    name: str
    labels: tuple[str, ...] | None
    metrics: tuple[str, ...]
    single: bool = False
    may_be_empty: bool = False

    @property
    def outputs(self) -> int:
        """How many outputs the head has: one a class, or a single one for a score."""
        return 1 if self.labels is None else len(self.labels)


PAIR_TASKS = {
    task.name: task
    for task in (
        PairTask("paraphrase", ("not_equivalent", "equivalent"), ("accuracy", "f1")),
        PairTask("inference", ("entailment", "neutral", "contradiction"), ("accuracy",)),
        PairTask("question-sentence", ("entailment", "not_entailment"), ("accuracy",)),
        PairTask("similarity", None, ("spearman", "pearson")),
    )
}

# The tasks of GLUE by their names in :mod:`course_lib.data.readers.glue`, each with the metrics that GLUE reports.
_GLUE_METRICS = {
    "cola": ("mcc",),
    "sst2": ("accuracy",),
    "mrpc": ("f1", "accuracy"),
    "qqp": ("f1", "accuracy"),
    "stsb": ("pearson", "spearman"),
    "mnli": ("accuracy",),
    "qnli": ("accuracy",),
    "rte": ("accuracy",),
    "wnli": ("accuracy",),
}
GLUE_TASKS = {
    name: PairTask(
        name,
        layout.names or layout.labels,
        _GLUE_METRICS[name],
        single=len(layout.sentences) == 1,
        may_be_empty=layout.may_be_empty,
    )
    for name, layout in LAYOUTS.items()
}


def pair_model(
    labels: Sequence[str] | None,
    source: str | Path | None = None,
    *,
    reads: str = READINGS[0],
    pretrained: bool = True,
) -> TaskModel:
    """Return an encoder with a fresh head for pairs.

    Parameters
    ----------
    labels : the names of the classes in their order; None for a score, which needs one output.
    source : where the encoder comes from, see :func:`~course_lib.data.sources.encoder_folder`.
    reads : what the head reads, see :func:`~course_lib.bert.heads.row_state`; the bundled MiniLM was trained for
        ``"mean"``, and its pooler never was.
    pretrained : False for random weights of the same sizes, to see what pre-training is worth.
    """
    folder = encoder_folder(source)
    if pretrained:
        encoder = load_encoder(folder)
    else:
        encoder = BertEncoder(BertConfiguration.from_file(folder / "config.json"))
    outputs = 1 if labels is None else len(labels)
    head = sequence_classification_head(encoder.configuration, outputs)
    return TaskModel(encoder, head, pooled=True, labels=labels, reads=reads)


def pair_features(
    firsts: Sequence[str],
    seconds: Sequence[str] | None,
    tokenizer: Tokenizer,
    labels: Sequence | None = None,
    *,
    names: Sequence[str] | None = None,
    max_length: int = 128,
    may_be_empty: bool = False,
) -> list[dict]:
    """Turn pairs into features: [CLS] A [SEP] B [SEP], the tokens of B and the last [SEP] in segment 1.

    A pair that is too long loses tokens off the end of its longer sentence, by
    :func:`~course_lib.bert.inputs.truncate_longest_first`; how many such pairs there are goes to the log, see also
    :func:`count_shortened`.

    Parameters
    ----------
    firsts, seconds : the sentences; ``seconds=None`` for single sentences: [CLS] A [SEP].
    tokenizer : the model's tokenizer; its settings stay as they are.
    labels : the right class of each pair, all as numbers from 0 or all as names, or the score from 0 to 5; left
        out for prediction.
    names : the names of the classes in their order; None if the labels are scores.
    max_length : the most tokens of a pair, special ones counted.
    may_be_empty : whether a sentence may be empty.

    Returns
    -------
    list of dict
        ``input_ids``, ``token_type_ids`` and, where there are labels, ``label``: an int, or a float for a score.

    Raises
    ------
    CourseError
        If a sentence is empty, a label is none of the classes or no score, labels are words in one row and numbers
        in another, the columns don't pair up, or ``max_length`` has no room for a token of each.
    """
    columns = [list(column) for column in (firsts, seconds) if column is not None]
    special = len(columns) + 1  # [CLS], and one [SEP] after each sentence
    _check_sentences(columns, max_length, special, may_be_empty)
    numbers = None if labels is None else label_numbers(list(labels), names, rows=len(columns[0]))
    ids = [_token_ids(column, tokenizer) for column in columns]
    cls_id, sep_id = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    room, shortened, features = max_length - special, 0, []
    for row, first in enumerate(ids[0]):
        second = ids[1][row] if len(ids) > 1 else []
        if len(first) + len(second) > room:
            shortened += 1
            kept, others = truncate_longest_first(len(first), len(second), room)
            first, second = first[:kept], second[:others]
        tokens, types = [cls_id, *first, sep_id], [0] * (len(first) + 2)
        if len(ids) > 1:
            tokens += [*second, sep_id]
            types += [1] * (len(second) + 1)
        feature = {"input_ids": tokens, "token_type_ids": types}
        if numbers is not None:
            feature["label"] = numbers[row]
        features.append(feature)
    if shortened:
        logger.warning(
            "%d of %d pairs were longer than %d tokens and lost the end of their longer sentence",
            shortened,
            len(features),
            max_length,
        )
    return features


def count_shortened(
    firsts: Sequence[str], seconds: Sequence[str] | None, tokenizer: Tokenizer, max_length: int = 128
) -> int:
    """Return how many pairs are longer than ``max_length`` tokens, special ones counted."""
    columns = [firsts] if seconds is None else [firsts, seconds]
    lengths = np.full(len(firsts), len(columns) + 1)
    for column in columns:
        lengths += [len(ids) for ids in _token_ids(list(column), tokenizer)]
    return int((lengths > max_length).sum())


def _token_ids(sentences: list[str], tokenizer: Tokenizer) -> list[list[int]]:
    """Return the ids of sentences without special tokens; nobody asks where they stand in the text."""
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(sentences, add_special_tokens=False)]


def _check_sentences(columns: Sequence[Sequence[str]], max_length: int, special: int, empty: bool) -> None:
    if max_length < special + len(columns):
        raise CourseError(
            f"max_length is {max_length}; use at least {special + len(columns)}, room for the special tokens and one "
            "token of each sentence."
        )
    if len(columns) == 2 and len(columns[0]) != len(columns[1]):
        raise CourseError(
            f"There are {len(columns[0])} first sentences and {len(columns[1])} second ones. Give one of each a pair."
        )
    for column, name in zip(columns, ("first", "second"), strict=False):
        for row, sentence in enumerate(column):
            if not isinstance(sentence, str):
                raise CourseError(
                    f"Row {row}: the {name} sentence is {sentence!r}, and a text is wanted. Read the column as text."
                )
            if not empty and not sentence.strip():
                raise CourseError(
                    f"Row {row}: the {name} sentence is empty. Write one, or leave the pair out."
                )


def label_numbers(
    labels: Sequence, names: Sequence[str] | None = None, *, rows: int | None = None
) -> list[int] | list[float]:
    """Return labels as class numbers, or scores as floats.

    Parameters
    ----------
    labels : class numbers from 0, or names of classes, not both; or scores.
    names : the names of the classes in their order; None for scores from 0 to 5.
    rows : how many labels are wanted.

    Raises
    ------
    CourseError
        If a label is none of the classes, words and numbers are mixed, or a score is not from 0 to 5.
    """
    if rows is not None and len(labels) != rows:
        raise CourseError(f"There are {rows} pairs and {len(labels)} labels. Give one label a pair.")
    if names is None:
        return [_score(row, label) for row, label in enumerate(labels)]
    words = [isinstance(label, str) for label in labels]
    if any(words) and not all(words):
        row = words.index(not words[0])
        raise CourseError(
            f"Row {row}: the label is {labels[row]!r}, and row 0 has {labels[0]!r}. Write all labels as words, or all "
            "as numbers."
        )
    numbers = {name: number for number, name in enumerate(names)}
    return [_class_number(row, label, numbers) for row, label in enumerate(labels)]


def _class_number(row: int, label, numbers: Mapping[str, int]) -> int:
    if isinstance(label, str):
        if label in numbers:
            return numbers[label]
    else:
        try:
            if int(label) == label and 0 <= label < len(numbers):
                return int(label)
        except (TypeError, ValueError):
            pass
    named = ", ".join(f"{number} {name}" for name, number in numbers.items())
    raise CourseError(f"Row {row}: the label is {label!r}, and the classes are {named}. Correct the label.")


def _score(row: int, label) -> float:
    try:
        if not isinstance(label, str) and 0 <= float(label) <= HIGHEST_SCORE:
            return float(label)
    except (TypeError, ValueError):
        pass
    raise CourseError(
        f"Row {row}: the score is {label!r}, and scores go from 0 to {HIGHEST_SCORE}. Correct the score."
    )


def with_segments(features: Sequence[dict], segments: str) -> list[dict]:
    """Return features with the segment ids ``kept``, ``removed`` (all 0) or ``swapped`` (1 for A, 0 for B).

    Raises
    ------
    CourseError
        If it's none of the three.
    """
    change = {
        "kept": lambda types: list(types),
        "removed": lambda types: [0] * len(types),
        "swapped": lambda types: [1 - segment for segment in types],
    }
    if segments not in change:
        raise CourseError(f"Segment ids can't be {segments!r}. Choose one of: {', '.join(SEGMENTS)}.")
    return [feature | {"token_type_ids": change[segments](feature["token_type_ids"])} for feature in features]


def regression_loss(scores: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Mean squared error of (B, 1) scores.

    Raises
    ------
    CourseError
        If the head has more than one output.
    """
    if scores.shape[-1] != 1:
        raise CourseError(
            f"The head has {scores.shape[-1]} outputs, and a score needs one. Make the model with labels=None."
        )
    # without squeeze, (B, 1) - (B,) is (B, B): every prediction against every score
    return nn.functional.mse_loss(scores.squeeze(-1), batch["label"].to(scores.dtype))


def pair_loss(scores: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Mean cross-entropy where the labels are classes, mean squared error where they are scores."""
    if batch["label"].is_floating_point():
        return regression_loss(scores, batch)
    return classification_loss(scores, batch)


def pair_predictions(model: TaskModel, features: Sequence[dict]) -> np.ndarray:
    """Return the class of each pair, (pairs,) int, or its score, (pairs,) float, if the head has one output."""
    if not features:
        return np.zeros(0, dtype=np.int64)
    outputs = torch.stack(predict(model, features))  # (pairs, outputs)
    return (outputs.squeeze(-1) if outputs.shape[-1] == 1 else outputs.argmax(dim=-1)).numpy()


def _accuracy(truth, said) -> float:
    from sklearn.metrics import accuracy_score

    return accuracy_score(truth, said)


def _f1(truth, said) -> float:
    from sklearn.metrics import f1_score

    return f1_score(truth, said, pos_label=1)


def _matthews(truth, said) -> float:
    from sklearn.metrics import matthews_corrcoef

    return matthews_corrcoef(truth, said)


def _pearson(truth, said) -> float:
    from scipy.stats import pearsonr

    return pearsonr(truth, said).statistic


def _spearman(truth, said) -> float:
    from scipy.stats import spearmanr

    return spearmanr(truth, said).statistic


METRICS: dict[str, Callable[[Sequence, Sequence], float]] = {
    "accuracy": _accuracy,
    "f1": _f1,
    "mcc": _matthews,
    "pearson": _pearson,
    "spearman": _spearman,
}


def pair_scores(truth: Sequence, said: Sequence, metrics: Sequence[str] = ("accuracy",)) -> dict[str, float]:
    """Return scores of predictions, by scikit-learn and SciPy.

    Parameters
    ----------
    truth, said : the right classes or scores, and the predicted ones.
    metrics : ``accuracy``, ``f1`` (of class 1, as MRPC and QQP report it), ``mcc``, ``pearson``, ``spearman``.

    Returns
    -------
    dict
        Shares from 0 to 1; MCC and the correlations go from -1 to 1. A correlation with predictions that are all the
        same isn't defined and counts as 0.

    Raises
    ------
    CourseError
        If there is nothing to score, truth and predictions don't pair up, or there is no such metric.
    """
    check_pairs(truth, said, "pair")
    unknown = [name for name in metrics if name not in METRICS]
    if unknown:
        raise CourseError(f"There is no metric {unknown[0]!r}. Choose one of: {', '.join(METRICS)}.")
    scores = {}
    for name in metrics:
        undefined = name in ("pearson", "spearman") and (np.ptp(truth) == 0 or np.ptp(said) == 0)
        scores[name] = 0.0 if undefined else float(METRICS[name](truth, said))
    return scores


def majority_of_pairs(training_labels: Sequence, number: int) -> np.ndarray:
    """Predict the most frequent class for every pair, or the mean if the labels are scores."""
    labels = np.asarray(training_labels)
    if np.issubdtype(labels.dtype, np.floating):
        return np.full(number, labels.mean())
    return np.full(number, np.bincount(labels).argmax())


def words_of_pairs_baseline(
    training: tuple[Sequence[str] | None, Sequence[str]],
    training_labels: Sequence,
    pairs: tuple[Sequence[str] | None, Sequence[str]],
) -> np.ndarray:
    """Predict by a bag of words: TF-IDF of words and word pairs of each sentence, and a linear model of scikit-learn.

    Parameters
    ----------
    training, pairs : first and second sentences; None for the first ones to see the second ones alone
        (*hypothesis-only*).
    training_labels : the class of each training pair, or its score as a float.

    Returns
    -------
    ndarray
        (pairs,): classes by logistic regression, scores by ridge regression.
    """
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge

    columns = []
    for seen, asked in zip(training, pairs, strict=True):
        if seen is not None:  # one vocabulary a sentence: "not" in A is another feature than "not" in B
            vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
            columns.append((vectorizer.fit_transform(list(seen)), vectorizer.transform(list(asked))))
    known, new = (hstack(parts).tocsr() for parts in zip(*columns, strict=True))
    labels = np.asarray(training_labels)
    if np.issubdtype(labels.dtype, np.floating):
        return Ridge().fit(known, labels).predict(new)
    return LogisticRegression(C=10, max_iter=1000).fit(known, labels).predict(new)
