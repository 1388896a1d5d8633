"""How sure a result is: intervals of shares, parts with counts, and a test of two models on the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_lib.errors import CourseError
from course_lib.finetuning.scores import check_pairs

Z = 1.959963984540054  # of a normal distribution, 95% lie between -Z and Z


def wilson_interval(right: int, rows: int, z: float = Z) -> tuple[float, float]:
    """Return the interval of a share, from 0 to 1 (Wilson 1927).

    It never leaves 0 to 1, and it has a width where all or no rows are right.

    Parameters
    ----------
    right : how many rows are right.
    rows : of how many.
    z : how many standard errors; the default gives 95%.

    Raises
    ------
    CourseError
        If there is no row, or more are right than there are.
    """
    if not 0 <= right <= rows or rows < 1:
        raise CourseError(
            f"{right} of {rows} rows can't be right. Give at least one row, and no more right ones than rows."
        )
    share, weight = right / rows, z**2 / rows
    center = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / rows + weight / (4 * rows))
    low = center - half if right else 0.0  # exactly, whatever the rounding
    high = center + half if right < rows else 1.0
    return low, high


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean, low and high end of the 95% interval of a mean over a few seeds, by Student's t.

    Raises
    ------
    CourseError
        If there are fewer than two values.
    """
    from scipy.stats import t as student

    if len(values) < 2:
        raise CourseError(f"An interval over seeds needs at least 2 of them, and there is {len(values)}.")
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    half = float(student.ppf(0.975, len(values) - 1)) * error
    return mean, mean - half, mean + half


def paired_interval(
    first: np.ndarray, second: np.ndarray, *, draws: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Return how far the first model is ahead of the second, on average, with a 95% bootstrap interval over the rows.

    Parameters
    ----------
    first, second : whether each model is right, or a score of each row, (rows,) or (seeds, rows), in the same order.
    draws : how often rows are drawn again.
    seed : of the draws.
    """
    check_pairs(first, second, "row")
    gains = np.atleast_2d(np.asarray(first, dtype=float) - np.asarray(second, dtype=float)).mean(
        axis=0
    )  # (rows,)
    rows = np.random.default_rng(seed).integers(len(gains), size=(draws, len(gains)))
    low, high = np.quantile(gains[rows].mean(axis=1), (0.025, 0.975))
    return float(gains.mean()), float(low), float(high)


@dataclass(frozen=True)
class McNemar:
    """How two models differ on the same rows: who alone is right how often, and how surprising that would be."""

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """Test whether two models are right equally often, on the same rows (McNemar 1947, the exact form).

    Rows that both get right or both get wrong say nothing; the others are coin flips if no model is better.

    Parameters
    ----------
    first, second : whether each model is right, (rows,) bool.
    """
    from scipy.stats import binomtest

    check_pairs(first, second, "row")
    first, second = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    if only_first + only_second == 0:
        return McNemar(0, 0, 1.0)
    p_value = float(binomtest(only_first, only_first + only_second).pvalue)
    return McNemar(only_first, only_second, p_value)


@dataclass(frozen=True)
class Part:
    """The accuracy of some of the rows, a share, with its count and its interval."""

    name: str
    rows: int
    accuracy: float
    low: float
    high: float


def part_of(name: str, right: np.ndarray) -> Part:
    """Return the accuracy of rows, with count and interval; ``right`` is (rows,) bool."""
    low, high = wilson_interval(int(np.sum(right)), len(right))
    return Part(name, len(right), float(np.mean(right)), low, high)


def accuracy_by(groups: Sequence[str], right: Sequence[bool]) -> list[Part]:
    """Return the accuracy of each group, the largest group first.

    Parameters
    ----------
    groups : the group of each row.
    right : whether each row was predicted right.
    """
    check_pairs(groups, right, "row")
    groups, right = np.asarray(groups), np.asarray(right, dtype=bool)
    parts = [part_of(str(name), right[groups == name]) for name in np.unique(groups)]
    return sorted(parts, key=lambda part: (-part.rows, part.name))


def accuracy_by_length(lengths: Sequence[int], right: Sequence[bool], edges: Sequence[int]) -> list[Part]:
    """Return the accuracy of each bin of lengths: up to the first edge, up to the second, and so on.

    Parameters
    ----------
    lengths : length of each row.
    right : whether each row was predicted right.
    edges : the largest length of each bin, rising; longer rows make the last bin.

    Raises
    ------
    CourseError
        If the edges don't rise, or a bin is empty.
    """
    check_pairs(lengths, right, "row")
    lengths, right, edges = np.asarray(lengths), np.asarray(right, dtype=bool), list(edges)
    if not edges or edges != sorted(set(edges)):
        raise CourseError(f"The edges of the bins are {edges}. Give at least one, from small to large.")
    bins = np.searchsorted(edges, lengths)  # an edge belongs to the bin that it closes
    names = [f"{low + 1}–{high}" for low, high in zip([0, *edges], edges)] + [f">{edges[-1]}"]
    for number, name in enumerate(names):
        if not (bins == number).any():
            raise CourseError(f"No row has a length of {name}, so that bin is empty. Choose other edges.")
    return [part_of(name, right[bins == number]) for number, name in enumerate(names)]
