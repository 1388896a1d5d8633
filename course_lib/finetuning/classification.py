"""Text classification: [CLS] text [SEP], one label (Devlin et al. 2018, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from course_lib.bert.heads import READINGS, sequence_classification_head
from course_lib.bert.loading import load_encoder
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TaskModel, predict
from course_lib.finetuning.scores import check_pairs


def classification_model(
    number_of_labels: int,
    source: str | Path | None = None,
    *,
    labels: Sequence[str] | None = None,
    reads: str = READINGS[0],
) -> TaskModel:
    """Return a pre-trained encoder with a fresh classification head.

    Parameters
    ----------
    number_of_labels : how many classes there are.
    source : where the encoder comes from, see :func:`~course_lib.data.sources.encoder_folder`.
    labels : the names of the classes, in their order, for the model to carry.
    reads : what the head reads: ``"pooler"``, ``"cls"`` or ``"mean"``, see :func:`~course_lib.bert.heads.row_state`.
    """
    encoder = load_encoder(encoder_folder(source))
    head = sequence_classification_head(encoder.configuration, number_of_labels)
    return TaskModel(encoder, head, pooled=True, labels=labels, reads=reads)


def classification_features(
    texts: Sequence[str],
    tokenizer: Tokenizer,
    labels: Sequence[int] | None = None,
    *,
    max_length: int = 128,
    number_of_labels: int | None = None,
) -> list[dict]:
    """Turn texts into features: [CLS], as many pieces as fit, [SEP].

    Parameters
    ----------
    texts : the texts.
    tokenizer : the model's tokenizer.
    labels : the class of each text, from 0; left out for prediction.
    max_length : the most tokens, special ones counted.
    number_of_labels : how many classes there are, to check the labels.

    Raises
    ------
    CourseError
        If a label is outside the classes, texts and labels do not pair up, or no text fits.
    """
    if max_length < 3:
        raise CourseError(f"max_length is {max_length}; use at least 3, room for [CLS], one piece and [SEP].")
    if labels is not None and len(labels) != len(texts):
        raise CourseError(f"There are {len(texts)} texts and {len(labels)} labels. Give one label a text.")
    cls_id, sep_id = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    features = []
    for row, encoding in enumerate(tokenizer.encode_batch(list(texts), add_special_tokens=False)):
        feature = {"input_ids": [cls_id, *encoding.ids[: max_length - 2], sep_id]}
        if labels is not None:
            label = whole_label(labels[row])
            if label is None:
                raise CourseError(
                    f"Row {row}: the label is {labels[row]!r}, and classes are whole numbers from 0. Number the names of "
                    "your classes, in the same order for every part of the data."
                )
            if number_of_labels is not None and not 0 <= label < number_of_labels:
                raise CourseError(
                    f"Row {row}: the label is {label}, and the model has classes 0 to {number_of_labels - 1}. "
                    "Correct the label, or make the model with more classes."
                )
            feature["label"] = label
        features.append(feature)
    return features


def whole_label(label) -> int | None:
    """Return a label as a whole number, None if it isn't one: ``int`` alone would make 1 of 1.7 and accept "1"."""
    try:
        return int(label) if int(label) == label else None
    except (TypeError, ValueError, OverflowError):  # no number, NaN, infinite
        return None


def classification_loss(scores: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Mean cross-entropy of (B, classes) scores.

    Raises
    ------
    CourseError
        If a label is none of the classes that there are scores for.
    """
    low, high, classes = int(batch["label"].min()), int(batch["label"].max()), scores.shape[-1]
    if low < 0 or high >= classes:
        raise CourseError(
            f"A label of the batch is {low if low < 0 else high}, and the scores are for 0 to {classes - 1}. "
            "Correct the label, or make the model with more classes."
        )
    return nn.functional.cross_entropy(scores, batch["label"])


def class_probabilities(model: TaskModel, features: Sequence[dict]) -> np.ndarray:
    """Return the probability of each class, (rows, classes) float; (0, classes) of no rows."""
    if not features:
        return np.zeros((0, model.head.out_features), dtype=np.float32)
    return torch.stack(predict(model, features)).softmax(dim=-1).numpy()


def classification_scores(labels: Sequence[int], predictions: Sequence[int]) -> dict[str, float]:
    """Return ``accuracy`` and macro-averaged ``f1``, shares, by scikit-learn.

    Raises
    ------
    CourseError
        If there is nothing to score, or labels and predictions don't pair up.
    """
    from sklearn.metrics import accuracy_score, f1_score

    check_pairs(labels, predictions, "text")
    return {
        "accuracy": float(accuracy_score(labels, predictions)),
        "f1": float(f1_score(labels, predictions, average="macro")),
    }


def majority_baseline(training_labels: Sequence[int], number: int) -> np.ndarray:
    """Predict the most frequent training label for every row."""
    return np.full(number, np.bincount(training_labels).argmax())


def tfidf_baseline(
    training_texts: Sequence[str], training_labels: Sequence[int], texts: Sequence[str]
) -> np.ndarray:
    """Predict with TF-IDF of words and word pairs, and logistic regression, by scikit-learn."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10, max_iter=1000)
    )
    return model.fit(list(training_texts), list(training_labels)).predict(list(texts))
