"""Recall, reciprocal rank and discounted gain, against torchmetrics and scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score
from torchmetrics.functional.retrieval import (
    retrieval_normalized_dcg,
    retrieval_recall,
    retrieval_reciprocal_rank,
)

from course_lib.errors import CourseError
from course_lib.studies.retrieval.ranking import (
    METRICS,
    ndcg_at,
    recall_at,
    reciprocal_rank,
    score_queries,
    top_hits,
)

cases = st.integers(2, 14).flatmap(
    lambda size: st.tuples(
        st.permutations(range(size)),
        st.lists(st.integers(0, 2), min_size=size, max_size=size),
        st.integers(1, 12),
    )
)


@settings(max_examples=60, deadline=None)
@given(cases)
def test_metrics_are_those_of_torchmetrics_and_scikit_learn(case):
    order, gains, k = case
    if not any(gains):
        gains[0] = 1
    scores = torch.empty(len(order))
    scores[torch.tensor(order)] = torch.arange(len(order), 0, -1).float()
    ranking = [str(place) for place in order]
    judgments = {str(place): gain for place, gain in enumerate(gains) if gain}
    target, k = torch.tensor(gains), min(k, len(order))
    assert recall_at(ranking, judgments, k) == pytest.approx(
        float(retrieval_recall(scores, target > 0, top_k=k))
    )
    assert reciprocal_rank(ranking, judgments, k) == pytest.approx(
        float(retrieval_reciprocal_rank(scores, target > 0, top_k=k))
    )
    ndcg = ndcg_at(ranking, judgments, k)
    assert ndcg == pytest.approx(float(retrieval_normalized_dcg(scores, target, top_k=k)), abs=1e-6)
    assert ndcg == pytest.approx(ndcg_score([gains], scores[None].numpy(), k=k))


def test_recall_is_a_share_of_the_relevant_passages():
    assert recall_at(["a", "b", "c"], {"a": 2, "x": 1}, k=3) == 0.5
    assert recall_at(["a"], {"a": 2}, k=10) == 1.0


def test_a_ranking_shorter_than_k_is_no_error():
    assert reciprocal_rank(["b", "a"], {"a": 1}, k=10) == 0.5 and reciprocal_rank([], {"a": 1}) == 0


def test_equal_scores_keep_the_order_of_the_corpus():
    hits = top_hits(["a", "b", "c"], np.array([1.0, 2.0, 1.0]), 10)
    assert [hit.passage for hit in hits] == ["b", "a", "c"]


@pytest.mark.parametrize("k", [0, -1, 2.5, "ten", None, True])
def test_an_unknown_k_is_refused_in_one_sentence(k):
    with pytest.raises(CourseError, match="whole number from 1"):
        recall_at(["a"], {"a": 1}, k)


def test_questions_without_an_answer_are_in_no_mean():
    scores = score_queries({"with": ["a"], "without": ["a"]}, {"with": {"a": 2}})
    assert {name: values.tolist() for name, values in scores.items()} == {name: [1.0] for name in METRICS}
    for metric in METRICS.values():
        with pytest.raises(CourseError, match="Leave questions without an answer out"):
            metric(["a"], {})


def test_a_question_without_a_ranking_is_named():
    with pytest.raises(CourseError, match="question q7"):
        score_queries({}, {"q7": {"a": 2}})
