"""Scores are shares everywhere, and nothing to score is one sentence everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.finetuning import classification, entities, question_answering, scores
from course_lib.finetuning.question_answering import Answer

TRUTH_AND_PREDICTIONS = {
    classification.classification_scores: ([0, 1, 1], [0, 1, 0]),
    entities.entity_scores: ([["B-PER", "O"]], [["B-PER", "O"]]),
    entities.tag_scores: ([["B-PER", "O"]], [["O", "O"]]),
    question_answering.answer_scores: (["Paris", ""], [["in Paris"], []]),
    question_answering.scores_by_kind: (["Paris", ""], [["in Paris"], []]),
    question_answering.threshold_curve: ([Answer("Paris", 0, 5, 1.0, -1.0)] * 2, [["in Paris"], []]),
}
FUNCTIONS = pytest.mark.parametrize("function", TRUTH_AND_PREDICTIONS, ids=lambda function: function.__name__)


def numbers(value) -> list[float]:
    if isinstance(value, question_answering.ThresholdCurve):
        value = {"overall": value.overall, "HasAns": value.has_answer, "NoAns": value.no_answer}
    if isinstance(value, dict):
        return [number for inner in value.values() for number in numbers(inner)]
    return np.ravel(value).tolist()


@FUNCTIONS
def test_a_score_is_a_share(function):
    found = numbers(function(*TRUTH_AND_PREDICTIONS[function]))
    assert found and all(0 <= value <= 1 for value in found) and max(found) > 0.3


@FUNCTIONS
@pytest.mark.parametrize("length", [(0, 0), (1, 0), (2, 1)])
def test_nothing_to_score_and_halves_that_do_not_pair_up_are_one_sentence(function, length):
    one, other = (
        values[:count] for values, count in zip(TRUTH_AND_PREDICTIONS[function], length, strict=True)
    )
    if len(one) == len(other) != 0:
        pytest.skip("one of each is something to score")
    with pytest.raises(CourseError, match=r"nothing to score|Give one of each") as caught:
        function(one, other)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", [entities.entity_scores, entities.tag_scores])
@pytest.mark.parametrize(
    ("gold", "predicted"), [([[]], [[]]), ([["O"]], [["O", "O"]]), ([["O"], []], [[], ["O"]])]
)
def test_tags_of_no_word_or_of_other_words(function, gold, predicted):
    with pytest.raises(CourseError, match=r"not one word|Give one of each per word"):
        function(gold, predicted)


def test_a_threshold_where_no_span_is_legal():
    nothing = [Answer("", 0, 0, 0.0, float("inf"))] * 2
    with pytest.raises(CourseError, match="Not one of the 2 questions has a legal span"):
        question_answering.threshold_curve(nothing, [["Paris"], []])


def test_percent_reaches_every_number():
    assert scores.percent({"a": {"b": 0.5}, "c": 0.123456}, 2) == {"a": {"b": 50.0}, "c": 12.35}
    assert scores.percent(np.array([0.25])).tolist() == [25.0]
