"""How good a ranking is: recall, reciprocal rank, and discounted cumulative gain (Järvelin and Kekäläinen 2002).

A ranking is a list of passage ids, best first. The judgments of one question give the gain of each relevant passage
by its id (2 answers it, 1 answers a part); a passage without a judgment isn't relevant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from course_lib.errors import CourseError


class Hit(NamedTuple):
    """A passage that was found, and the score that put it in its place."""

    passage: str
    score: float


def check_depth(k: int) -> None:
    """Refuse a number of passages that isn't a whole number from 1.

    Raises
    ------
    CourseError
        If ``k`` isn't one.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise CourseError(f"k is {k!r}, and a ranking is cut after k passages: use a whole number from 1.")


def check_query(query: str) -> None:
    """Refuse a question without a word.

    Raises
    ------
    CourseError
        If the question is empty.
    """
    if not query.strip():
        raise CourseError("The question is empty. Type at least one word to search for.")


def check_corpus(corpus: Mapping) -> None:
    """Refuse a corpus without passages.

    Raises
    ------
    CourseError
        If there is no passage.
    """
    if not corpus:
        raise CourseError("The corpus has no passage to search in. Give it at least one.")


def top_hits(ids: Sequence[str], scores: np.ndarray, k: int) -> list[Hit]:
    """Return the k passages of the highest scores, best first; equal scores keep the order of the corpus.

    Parameters
    ----------
    ids : of the passages.
    scores : one a passage.
    k : how many to return; fewer come back where there are fewer.
    """
    check_depth(k)
    order = np.argsort(-np.asarray(scores), kind="stable")[:k]
    return [Hit(ids[place], float(scores[place])) for place in order]


def _check(judgments: Mapping[str, int], k: int) -> None:
    check_depth(k)
    if not any(gain > 0 for gain in judgments.values()):
        raise CourseError(
            "No passage is relevant to this question, so no ranking of it is better than another. "
            "Leave questions without an answer out of the mean."
        )


def recall_at(ranking: Sequence[str], judgments: Mapping[str, int], k: int = 10) -> float:
    """Return the share of a question's relevant passages that are among the first k.

    Parameters
    ----------
    ranking : passage ids, best first.
    judgments : the gain of each relevant passage.
    k : how many of the ranking count. The share is of the *relevant* passages, however large k is.

    Raises
    ------
    CourseError
        If no passage is relevant, or ``k`` isn't a whole number from 1.
    """
    _check(judgments, k)
    relevant = {passage for passage, gain in judgments.items() if gain > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant)


def reciprocal_rank(ranking: Sequence[str], judgments: Mapping[str, int], k: int = 10) -> float:
    """Return 1 divided by the rank of the first relevant passage, 0 if it isn't among the first k."""
    _check(judgments, k)
    for rank, passage in enumerate(ranking[:k], start=1):
        if judgments.get(passage, 0) > 0:
            return 1 / rank
    return 0.0


def discounted_gain(gains: Sequence[float]) -> float:
    """Return the sum of gains, each divided by log2 of its rank plus 1."""
    gains = np.asarray(gains, dtype=float)
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())


def ndcg_at(ranking: Sequence[str], judgments: Mapping[str, int], k: int = 10) -> float:
    """Return the discounted gain of the first k, as a share of what the best possible ranking has."""
    _check(judgments, k)
    best = sorted(judgments.values(), reverse=True)[:k]
    return discounted_gain([judgments.get(passage, 0) for passage in ranking[:k]]) / discounted_gain(best)


METRICS: dict[str, Callable[[Sequence[str], Mapping[str, int]], float]] = {
    "Recall@10": partial(recall_at, k=10),
    "MRR@10": partial(reciprocal_rank, k=10),
    "nDCG@10": partial(ndcg_at, k=10),
}


def score_queries(
    rankings: Mapping[str, Sequence[str]], qrels: Mapping[str, Mapping[str, int]]
) -> dict[str, np.ndarray]:
    """Score the ranking of every question that has an answer.

    Parameters
    ----------
    rankings : by question.
    qrels : the judgments by question. Questions without any are no part of it, and of no mean.

    Returns
    -------
    dict
        By metric, one score a question, in the order of ``qrels``.

    Raises
    ------
    CourseError
        If a question with an answer has no ranking.
    """
    missing = [query for query in qrels if query not in rankings]
    if missing:
        raise CourseError(
            f"There is no ranking for question {missing[0]}. Rank every question that has an answer."
        )
    return {
        name: np.array([metric(rankings[query], judgments) for query, judgments in qrels.items()])
        for name, metric in METRICS.items()
    }
