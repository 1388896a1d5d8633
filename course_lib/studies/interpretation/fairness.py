"""Whether a model treats people alike: rates by group with intervals, swapped names, and two mitigations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from course_lib.data.fairness import sentences_about
from course_lib.errors import CourseError

LABELS = {"negative": 0, "positive": 1}
CRITERIA = ("demographic parity difference", "equalized odds difference")


@dataclass(frozen=True)
class Templates:
    """Sentences that differ in nothing but the person, as columns.

    Parameters
    ----------
    texts : the sentences.
    labels : (N,) int, 0 negative and 1 positive, whoever the person is.
    groups, people, frames : (N,) str: the group a reader would guess, the person, and the sentence without one.
    """

    texts: list[str]
    labels: np.ndarray
    groups: np.ndarray
    people: np.ndarray
    frames: np.ndarray

    def select(self, rows: np.ndarray) -> Templates:
        """Return some rows, given as a mask or as numbers."""
        numbers = np.arange(len(self.texts))[rows]
        texts = [self.texts[number] for number in numbers]
        return Templates(texts, self.labels[rows], self.groups[rows], self.people[rows], self.frames[rows])


def fill_templates(frames: Sequence[Mapping], people: Sequence[Mapping], group_type: str) -> Templates:
    """Fill each frame that has an opinion with each person of a kind of group, with its first filler.

    Parameters
    ----------
    frames, people : rows of :func:`course_lib.data.fairness.load_fairness`.
    group_type : ``"gender"`` or ``"origin"``.

    Raises
    ------
    CourseError
        If no person is of such a group.
    """
    chosen = [person for person in people if person["group_type"] == group_type]
    if not chosen:
        known = ", ".join(sorted({person["group_type"] for person in people}))
        raise CourseError(f"Nobody has a group of the kind {group_type!r}. Choose one of {known}.")
    rows = [
        (next(iter(sentences_about(frame, person["text"]))), LABELS[frame["sentiment"]], person, frame)
        for frame in frames
        if frame["sentiment"] in LABELS
        for person in chosen
    ]
    return Templates(
        [text for text, *_ in rows],
        np.array([label for _, label, *_ in rows]),
        np.array([person["group"] for *_, person, _ in rows]),
        np.array([person["text"] for *_, person, _ in rows]),
        np.array([frame["id"] for *_, frame in rows]),
    )


def group_rates(labels: Sequence[int], predictions: Sequence[int], groups: Sequence[str]):
    """Return, by group, the share called positive and how often positive and negative are recognized.

    Returns
    -------
    pandas.DataFrame
        One row a group: ``called positive``, ``true positive rate``, ``false positive rate`` and ``accuracy``,
        by fairlearn.
    """
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score

    metrics = {
        "called positive": selection_rate,
        "true positive rate": true_positive_rate,
        "false positive rate": false_positive_rate,
        "accuracy": accuracy_score,
    }
    frame = MetricFrame(
        metrics=metrics, y_true=labels, y_pred=predictions, sensitive_features={"group": groups}
    )
    return frame.by_group


def largest_gaps(
    labels: Sequence[int], predictions: Sequence[int], groups: Sequence[str]
) -> dict[str, float]:
    """Return the two criteria of fairness by fairlearn, both 0 at best and shares.

    Demographic parity asks for the same share called positive in each group; equalized odds for the same rates among
    the truly positive, and among the truly negative.
    """
    from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference

    return {
        name: float(criterion(labels, predictions, sensitive_features=groups))
        for name, criterion in zip(CRITERIA, (demographic_parity_difference, equalized_odds_difference))
    }


def gap_between(
    templates: Templates, predictions: np.ndarray, first: str, second: str, seed: int, draws: int = 1000
) -> tuple[float, float, float]:
    """Return how much more often the first group is called positive, with a 95% interval.

    The draws are over *frames*: sentences from one frame are nearly the same, so they come and go together.

    Parameters
    ----------
    templates : the sentences.
    predictions : (N,) int.
    first, second : the two groups.
    seed, draws : of the bootstrap.

    Raises
    ------
    CourseError
        If one of the groups isn't there.
    """
    for group in (first, second):
        if group not in templates.groups:
            raise CourseError(
                f"There is no group {group!r}. Choose among {', '.join(set(templates.groups))}."
            )
    names = np.unique(templates.frames)
    by_frame = np.array(
        [
            [
                np.mean(predictions[(templates.frames == name) & (templates.groups == group)])
                for group in (first, second)
            ]
            for name in names
        ]
    )  # (frames, 2)
    differences = by_frame[:, 0] - by_frame[:, 1]  # (frames,)
    rows = np.random.default_rng(seed).integers(len(names), size=(draws, len(names)))
    low, high = np.quantile(differences[rows].mean(axis=1), (0.025, 0.975))
    return float(differences.mean()), float(low), float(high)


@dataclass(frozen=True)
class Swap:
    """What happens to a sentence when only the person changes.

    Parameters
    ----------
    frame : its id.
    lowest, highest : the people with the lowest and the highest probability of positive.
    low, high : these probabilities.
    flips : whether some people get one class and some the other.
    """

    frame: str
    lowest: str
    highest: str
    low: float
    high: float
    flips: bool


def counterfactual_swaps(templates: Templates, positive: np.ndarray) -> list[Swap]:
    """Compare each frame's sentences, the largest change first.

    Parameters
    ----------
    templates : the sentences.
    positive : (N,) float, the probability of the positive class.
    """
    swaps = []
    for name in np.unique(templates.frames):
        rows = np.flatnonzero(templates.frames == name)
        low, high = rows[positive[rows].argmin()], rows[positive[rows].argmax()]
        said = positive[rows] > 0.5
        swaps.append(
            Swap(
                str(name),
                str(templates.people[low]),
                str(templates.people[high]),
                float(positive[low]),
                float(positive[high]),
                bool(said.any() and not said.all()),
            )
        )
    return sorted(swaps, key=lambda swap: swap.low - swap.high)


def augmentation(templates: Templates, copies: int, seed: int) -> list[tuple[str, int]]:
    """Return training sentences in which every frame meets every group equally often.

    Parameters
    ----------
    templates : the sentences of the frames that may be trained on.
    copies : sentences of each frame and group, with different people.
    seed : draws the people.
    """
    generator, rows = np.random.default_rng(seed), []
    for name in np.unique(templates.frames):
        for group in np.unique(templates.groups):
            found = np.flatnonzero((templates.frames == name) & (templates.groups == group))
            drawn = generator.choice(found, size=min(copies, len(found)), replace=False)
            rows += [(templates.texts[row], int(templates.labels[row])) for row in drawn]
    return rows


def equalizing_thresholds(
    positive: np.ndarray, labels: np.ndarray, groups: np.ndarray, *, constraint: str = "equalized_odds"
):
    """Fit fairlearn's ``ThresholdOptimizer``: a threshold for each group, so that their rates agree.

    Returns
    -------
    function
        From probabilities, groups and a seed to classes (N,) int. It needs to be told each person's group.
    """
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.base import BaseEstimator

    class Scores(BaseEstimator):
        """A model that needs no fitting: its inputs are its scores."""

        def fit(self, X, y):
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, X):
            return np.asarray(X)[:, 0]

    optimizer = ThresholdOptimizer(
        estimator=Scores(), constraints=constraint, prefit=True, predict_method="predict"
    )
    optimizer.fit(np.asarray(positive)[:, None], labels, sensitive_features=groups)

    def decide(positive: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
        column = np.asarray(positive)[:, None]  # (N, 1)
        return np.asarray(optimizer.predict(column, sensitive_features=groups, random_state=seed)).astype(int)

    return decide
