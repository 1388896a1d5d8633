"""Whether a model knows how sure it can be: calibration, its error, and the temperature that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_lib.errors import CourseError
from course_lib.finetuning.scores import check_pairs

BINS = 10


def probability_of_positive(margins: Sequence[float], temperature: float = 1.0) -> np.ndarray:
    """Return the probability of the second of two classes, (rows,) float.

    Parameters
    ----------
    margins : score of the second class minus that of the first.
    temperature : all scores are divided by it; above 1, the model is less sure.
    """
    from scipy.special import expit

    if temperature <= 0:
        raise CourseError(f"The temperature is {temperature}; it divides the scores, so use more than 0.")
    return expit(np.asarray(margins, dtype=float) / temperature)


def confidences_of(probabilities: np.ndarray) -> np.ndarray:
    """Return the probability of the class that is chosen, at least one half: (rows,) -> (rows,)."""
    return np.maximum(probabilities, 1 - probabilities)


def bin_numbers(confidences: Sequence[float], bins: int = BINS) -> np.ndarray:
    """Return the bin of each confidence, from 0 to ``bins`` - 1.

    Only the edges *between* the bins are looked at, so that a confidence of exactly 1.0 is in the last bin. With
    all edges it would be in a bin of its own, behind the last.

    Raises
    ------
    CourseError
        If there is no bin, or a confidence isn't from 0 to 1.
    """
    confidences = np.asarray(confidences, dtype=float)
    if bins < 1:
        raise CourseError(f"{bins} bins hold nothing. Use at least one.")
    if not ((confidences >= 0) & (confidences <= 1)).all():
        raise CourseError("A confidence is a share from 0 to 1. Give probabilities, not scores or percent.")
    return np.digitize(confidences, np.linspace(0, 1, bins + 1)[1:-1])


@dataclass(frozen=True)
class Bin:
    """Rows of about the same confidence: their number, their mean confidence, and how many are right, a share."""

    rows: int
    confidence: float
    accuracy: float


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """Return the bins that hold a row, from low to high confidence.

    Parameters
    ----------
    confidences : of the chosen class, shares.
    right : whether the chosen class is right.
    bins : how many bins of equal width there are between 0 and 1.
    """
    check_pairs(right, confidences, "row")
    confidences, right = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    numbers = bin_numbers(confidences, bins)
    groups = [numbers == number for number in np.unique(numbers)]
    return [Bin(int(g.sum()), float(confidences[g].mean()), float(right[g].mean())) for g in groups]


def expected_calibration_error(
    confidences: Sequence[float], right: Sequence[bool], bins: int = BINS
) -> float:
    """Return how far confidence and accuracy are apart in a bin, on average over the rows, a share.

    Guo et al. 2017, equation 3. Parameters are those of :func:`reliability`.
    """
    parts = reliability(confidences, right, bins)
    return sum(part.rows * abs(part.confidence - part.accuracy) for part in parts) / len(confidences)


def brier_score(probabilities: Sequence[float], labels: Sequence[int]) -> float:
    """Return the mean squared distance of the probability of class 1 from the label (Brier 1950); 0.25 for "one half"."""
    check_pairs(labels, probabilities, "row")
    return float(np.mean((np.asarray(probabilities, dtype=float) - np.asarray(labels)) ** 2))


def mean_loss(margins: Sequence[float], labels: Sequence[int], temperature: float = 1.0) -> float:
    """Return the mean cross-entropy in nats, of margins divided by a temperature."""
    check_pairs(labels, margins, "row")
    return float(losses_of(margins, labels, temperature).mean())


def losses_of(margins: Sequence[float], labels: Sequence[int], temperature: float = 1.0) -> np.ndarray:
    """Return the cross-entropy of each row in nats, (rows,) float."""
    signs = 2 * np.asarray(labels) - 1  # -1 or 1
    return np.logaddexp(0, -signs * np.asarray(margins, dtype=float) / temperature)


def fit_temperature(margins: Sequence[float], labels: Sequence[int]) -> float:
    """Return the temperature with the least loss on rows that the model has *not* learned from: the validation part.

    Guo et al. 2017, section 4.2. The loss has one lowest point in 1 / temperature.

    Raises
    ------
    CourseError
        If no temperature is best, because the rows are all right, or not even half as sure as they should be.
    """
    from scipy.optimize import minimize_scalar

    check_pairs(labels, margins, "row")
    found = minimize_scalar(
        lambda sharpness: mean_loss(sharpness * np.asarray(margins, dtype=float), labels),
        bounds=(1e-3, 1e3),
        method="bounded",
        options={"xatol": 1e-6},
    )
    if not 2e-3 < found.x < 5e2:
        raise CourseError(
            "No temperature fits: the rows are all right, or the scores say nothing about the labels. "
            "Give more validation rows, or train the model first."
        )
    return float(1 / found.x)


def error_of_a_calibrated_model(
    confidences: Sequence[float], bins: int = BINS, *, draws: int = 500, seed: int = 0
) -> float:
    """Return the calibration error that a perfectly calibrated model of these confidences has, by chance alone.

    Each row is right as often as its confidence says; the error isn't 0, because a bin holds few rows.

    Parameters
    ----------
    confidences : of the chosen class, shares.
    bins : as for :func:`reliability`.
    draws : how often it is drawn which rows are right.
    seed : of the draws.
    """
    confidences = np.asarray(confidences, dtype=float)
    right = np.random.default_rng(seed).random((draws, len(confidences))) < confidences  # (draws, rows)
    return float(np.mean([expected_calibration_error(confidences, row, bins) for row in right]))
