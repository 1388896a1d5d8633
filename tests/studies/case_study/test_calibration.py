"""Calibration: its error against torchmetrics and by its properties, Brier's score, and the temperature."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss
from torchmetrics.functional.classification import multiclass_calibration_error

from course_lib.errors import CourseError
from course_lib.studies.case_study import calibration
from course_lib.studies.case_study.calibration import (
    brier_score,
    confidences_of,
    error_of_a_calibrated_model,
    expected_calibration_error,
    fit_temperature,
    mean_loss,
    probability_of_positive,
    reliability,
)

# Between the edges of ten bins: on an edge, float32 and float64 may disagree.
away_from_edges = st.tuples(st.integers(5, 9), st.integers(1, 99)).map(
    lambda pair: (pair[0] + pair[1] / 100) / 10
)
rows = st.lists(st.tuples(away_from_edges, st.booleans()), min_size=1, max_size=60)


def by_torchmetrics(confidences, right) -> float:
    positive = torch.tensor(confidences, dtype=torch.float64)
    both = torch.stack([1 - positive, positive], dim=1)
    return multiclass_calibration_error(both, torch.tensor(right).long(), num_classes=2, n_bins=10).item()


@given(rows)
@settings(deadline=None)
def test_the_error_is_that_of_torchmetrics_away_from_one(pairs):
    confidences, right = zip(*pairs, strict=True)
    assert expected_calibration_error(confidences, right) == pytest.approx(
        by_torchmetrics(confidences, right), abs=1e-6
    )


def test_a_confidence_of_one_is_in_the_last_bin():
    confidences, right = [1.0, 1.0, 0.98, 0.96], [True, False, True, True]
    assert calibration.bin_numbers(confidences).tolist() == [9, 9, 9, 9]
    assert expected_calibration_error(confidences, right) == pytest.approx(0.985 - 0.75)
    # torchmetrics opens an eleventh bin for it: |1 - 0.5| / 2 + |1 - 0.97| / 2
    assert by_torchmetrics(confidences, right) == pytest.approx(0.265, abs=1e-6)


@given(rows, st.integers(1, 20))
@settings(deadline=None)
def test_no_row_is_lost_whatever_the_bins(pairs, bins):
    confidences, right = zip(*pairs, (1.0, False), (0.5, True), strict=True)
    assert sum(part.rows for part in reliability(confidences, right, bins)) == len(right)
    error = expected_calibration_error(confidences, right, bins)
    assert 0 <= error <= 1
    one_bin = expected_calibration_error(confidences, right, 1)
    assert one_bin == pytest.approx(abs(np.mean(confidences) - np.mean(right)))
    if bins % 5 == 0:  # finer bins can only show more
        assert expected_calibration_error(confidences, right, 5) <= error + 1e-12


def test_a_sure_model_that_is_always_wrong_has_an_error_of_one():
    assert expected_calibration_error([1.0] * 5, [False] * 5) == 1
    assert expected_calibration_error([1.0] * 5, [True] * 5) == 0


@pytest.mark.parametrize(
    ("confidences", "words"),
    [([1.2], "share from 0 to 1"), ([float("nan")], "share from 0 to 1"), ([80], "percent")],
)
def test_what_is_not_a_confidence_is_refused(confidences, words):
    with pytest.raises(CourseError, match=words):
        expected_calibration_error(confidences, [True])


def test_no_bins_and_no_rows_are_refused():
    with pytest.raises(CourseError, match="0 bins"):
        expected_calibration_error([0.7], [True], 0)
    with pytest.raises(CourseError, match="nothing to score"):
        expected_calibration_error([], [])


MARGINS = st.lists(st.tuples(st.floats(-30, 30), st.integers(0, 1)), min_size=2, max_size=50)


@given(MARGINS, st.floats(0.05, 20))
@settings(deadline=None)
def test_a_temperature_never_changes_an_answer(pairs, temperature):
    margins = np.array([margin for margin, _ in pairs])
    before, after = probability_of_positive(margins), probability_of_positive(margins, temperature)
    clear = np.abs(margins) > 1e-9  # 0.5 + 1e-17 is 0.5 for a float
    assert np.array_equal(before[clear] > 0.5, after[clear] > 0.5)
    if temperature > 1:
        assert (confidences_of(after) <= confidences_of(before)).all()


def drawn(scale: float, rows: int = 4000):
    """Margins of a model that is sure ``scale`` times as much as it should be."""
    draw = np.random.default_rng(0)
    margins = draw.normal(0, 2, rows)
    return scale * margins, (draw.random(rows) < probability_of_positive(margins)).astype(int)


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_overconfidence(scale):
    margins, labels = drawn(scale)
    temperature = fit_temperature(margins, labels)
    assert temperature == pytest.approx(scale, rel=0.1)
    for other in (0.9, 1.1):
        assert mean_loss(margins, labels, temperature) < mean_loss(margins, labels, other * temperature)
    if scale == 3:
        errors = []
        for t in (1.0, temperature):
            probabilities = probability_of_positive(margins, t)
            errors.append(
                expected_calibration_error(confidences_of(probabilities), (probabilities > 0.5) == labels)
            )
        assert errors[0] > 0.08 and errors[1] < 0.03


def test_the_temperature_is_where_the_slope_of_the_loss_is_zero():
    margins, labels = drawn(2.0, 300)
    scores = torch.tensor(margins, requires_grad=False)
    sharpness = torch.tensor(1 / fit_temperature(margins, labels), dtype=torch.float64, requires_grad=True)
    torch.nn.functional.binary_cross_entropy_with_logits(
        sharpness * scores, torch.tensor(labels).double()
    ).backward()
    assert sharpness.grad.abs().item() < 1e-4


@pytest.mark.parametrize("labels", [[1, 1, 0], [0, 0, 1]])  # all right, and all wrong
def test_rows_without_any_best_temperature_are_refused(labels):
    with pytest.raises(CourseError, match="No temperature fits"):
        fit_temperature([1.0, 2.0, -1.0], labels)


@pytest.mark.parametrize("temperature", [0, -1])
def test_a_temperature_is_above_zero(temperature):
    with pytest.raises(CourseError, match="more than 0"):
        probability_of_positive([1.0], temperature)


@given(MARGINS)
@settings(deadline=None)
def test_loss_and_brier_score_are_scikit_learn_s(pairs):
    margins, labels = zip(*pairs, strict=True)
    probabilities = probability_of_positive(margins)
    assert brier_score(probabilities, labels) == pytest.approx(brier_score_loss(labels, probabilities))
    reference = log_loss(
        labels, np.stack([probability_of_positive(-np.array(margins)), probabilities], 1), labels=[0, 1]
    )
    assert mean_loss(margins, labels) == pytest.approx(reference, rel=1e-6, abs=1e-9)


def test_a_calibrated_model_has_an_error_too_and_less_with_more_rows():
    confidences = np.linspace(0.5, 1, 200)
    few, many = (
        error_of_a_calibrated_model(confidences),
        error_of_a_calibrated_model(np.repeat(confidences, 20)),
    )
    assert 0.02 < few < 0.1 and many < few / 3
    assert error_of_a_calibrated_model(np.ones(50)) == 0
