"""Whether an explanation is true of the model: comprehensiveness and sufficiency (DeYoung et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_lib.errors import CourseError
from course_lib.finetuning.classification import class_probabilities
from course_lib.finetuning.loop import TaskModel

SHARES = (0.1, 0.2, 0.35, 0.5)


@dataclass(frozen=True)
class Faithfulness:
    """What the deletions did to the probability of the class that the model predicts.

    Parameters
    ----------
    comprehensiveness : (texts, shares) float, the loss of probability when the top words are deleted; large is good.
    sufficiency : (texts, shares) float, the loss when only the top words stay; small is good.
    """

    comprehensiveness: np.ndarray
    sufficiency: np.ndarray


def without_words(feature: dict, values: Sequence[float], share: float, *, keep: bool = False) -> dict:
    """Delete the tokens with the largest values, or keep only those; [CLS] and [SEP] always stay.

    Parameters
    ----------
    feature : a row with ``input_ids``, [CLS] first and [SEP] last.
    values : one number a token.
    share : of the tokens between [CLS] and [SEP], rounded, and at least one.
    keep : keep the top tokens and delete the others.

    Raises
    ------
    CourseError
        If there are not as many values as tokens.
    """
    ids = feature["input_ids"]
    if len(values) != len(ids):
        raise CourseError(f"There are {len(ids)} tokens and {len(values)} values. Give one value a token.")
    inner = np.asarray(values, dtype=float)[1:-1]  # (T - 2,)
    count = max(1, round(share * len(inner)))
    top = np.zeros(len(inner), dtype=bool)
    top[np.argsort(-inner, kind="stable")[:count]] = True
    stays = top if keep else ~top
    return {"input_ids": [ids[0], *(i for i, stay in zip(ids[1:-1], stays) if stay), ids[-1]]}


def faithfulness(
    model: TaskModel,
    features: Sequence[dict],
    values: Sequence[Sequence[float]],
    shares: Sequence[float] = SHARES,
) -> Faithfulness:
    """Measure how the probability of the predicted class changes as words are deleted by their values.

    Parameters
    ----------
    model : the classifier.
    features : rows with ``input_ids``.
    values : one number a token of each row: the explanation of the *predicted* class.
    shares : of the words that are deleted, or that stay.

    Raises
    ------
    CourseError
        If values and rows, or values and tokens, don't pair up.
    """
    if len(features) != len(values):
        raise CourseError(f"There are {len(features)} texts and {len(values)} explanations. Give one a text.")
    whole = class_probabilities(model, features)  # (N, classes)
    label = whole.argmax(axis=1)  # (N,)
    losses = []
    for keep in (False, True):
        rows = [
            without_words(feature, value, share, keep=keep)
            for feature, value in zip(features, values)
            for share in shares
        ]
        after = class_probabilities(model, rows).reshape(
            len(features), len(shares), -1
        )  # (N, shares, classes)
        row = np.arange(len(features))
        losses.append(whole[row, label][:, None] - after[row, :, label])  # (N, shares)
    return Faithfulness(*losses)


def random_values(features: Sequence[dict], seed: int) -> list[np.ndarray]:
    """Return an explanation that knows nothing: random numbers, one a token."""
    generator = np.random.default_rng(seed)
    return [generator.random(len(feature["input_ids"])) for feature in features]
