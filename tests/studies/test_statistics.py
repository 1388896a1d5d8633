"""Intervals, parts and the paired test of the case study, against references and by their properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from course_lib.errors import CourseError
from course_lib.studies.statistics import (
    accuracy_by,
    accuracy_by_length,
    mcnemar,
    mean_interval,
    paired_interval,
    wilson_interval,
)


@given(st.integers(1, 400).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows))))
@settings(deadline=None)
def test_wilson_s_interval_is_scipy_s(pair):
    right, rows = pair
    low, high = wilson_interval(right, rows)
    reference = binomtest(right, rows).proportion_ci(0.95, method="wilson")
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=1e-12)
    assert 0 <= low <= right / rows <= high <= 1 and low < high


@pytest.mark.parametrize(("right", "rows"), [(3, 2), (-1, 5), (0, 0)])
def test_a_share_of_nothing_has_no_interval(right, rows):
    with pytest.raises(CourseError, match=f"{right} of {rows} rows"):
        wilson_interval(right, rows)


answers = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(answers)
@settings(deadline=None)
def test_mcnemar_is_the_sum_of_the_binomial_tails(pairs):
    first, second = zip(*pairs, strict=True)
    found = mcnemar(first, second)
    assert found.only_first == sum(a and not b for a, b in pairs)
    assert found.only_second == sum(b and not a for a, b in pairs)
    flips, fewer = found.only_first + found.only_second, min(found.only_first, found.only_second)
    tail = sum(math.comb(flips, k) for k in range(fewer + 1)) / 2**flips
    assert found.p_value == pytest.approx(min(1, 2 * tail))
    turned = mcnemar(second, first)
    assert (turned.only_first, turned.only_second) == (found.only_second, found.only_first)
    assert turned.p_value == pytest.approx(found.p_value)


def test_rows_that_both_models_get_right_do_not_change_mcnemar():
    first, second = [True] * 9 + [False], [False] * 9 + [True]
    assert mcnemar(first, second).p_value == mcnemar(first + [True] * 500, second + [True] * 500).p_value


def test_models_that_never_differ_are_not_told_apart():
    assert mcnemar([True, False], [True, False]).p_value == 1


def test_pairs_that_do_not_pair_up_are_refused():
    with pytest.raises(CourseError, match="3 right values and 2 predictions"):
        mcnemar([True] * 3, [True] * 2)


def test_the_interval_over_seeds_is_scipy_s():
    from scipy.stats import t

    values = [0.7, 0.74, 0.75]
    mean, low, high = mean_interval(values)
    error = np.std(values, ddof=1) / np.sqrt(3)
    assert (low, high) == pytest.approx(t.interval(0.95, 2, loc=mean, scale=error))
    with pytest.raises(CourseError, match="at least 2"):
        mean_interval([0.7])


def test_a_paired_interval_is_narrower_than_one_of_unpaired_rows():
    draw = np.random.default_rng(0)
    second = draw.random(300) < 0.7
    first = second | (draw.random(300) < 0.1)  # right wherever the second is, and a little more
    gain, low, high = paired_interval(first, second)
    assert 0 < low < gain < high
    _, unpaired_low, unpaired_high = paired_interval(first, draw.permutation(second))
    assert high - low < unpaired_high - unpaired_low
    assert paired_interval(second, first)[0] == pytest.approx(-gain)


def test_seeds_are_averaged_row_by_row():
    first, second = np.array([[1, 0], [1, 1]]), np.array([[0, 0], [0, 1]])
    assert paired_interval(first, second)[0] == pytest.approx(0.5)


def test_parts_count_every_row_once():
    groups, right = ["a", "b", "a", "a"], [True, True, False, True]
    parts = accuracy_by(groups, right)
    assert [(p.name, p.rows) for p in parts] == [("a", 3), ("b", 1)]
    assert parts[0].accuracy == pytest.approx(2 / 3)
    assert sum(p.rows * p.accuracy for p in parts) == pytest.approx(sum(right))


@given(st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=1, max_size=80))
def test_a_length_is_in_one_bin_and_an_edge_closes_its_bin(rows):
    lengths, right = zip(*[*rows, (10, True), (11, False), (301, True)], strict=True)
    parts = accuracy_by_length(lengths, right, [10, 300])
    assert [p.name for p in parts] == ["1–10", "11–300", ">300"]
    assert [p.rows for p in parts] == [sum(n <= 10 for n in lengths), sum(10 < n <= 300 for n in lengths), 1]


def test_an_empty_bin_of_lengths_gets_one_sentence():
    with pytest.raises(
        CourseError, match=r"^No row has a length of 51–100, so that bin is empty\. Choose other edges\.$"
    ):
        accuracy_by_length([20, 120], [True, True], [50, 100])


@pytest.mark.parametrize("edges", [[], [100, 50], [50, 50]])
def test_edges_rise(edges):
    with pytest.raises(CourseError, match="edges of the bins"):
        accuracy_by_length([20, 120], [True, True], edges)


def test_the_paired_interval_of_scores_is_that_of_the_normal_law():
    scores = np.random.default_rng(0).normal(1.0, 1.0, 200)
    mean, low, high = paired_interval(scores, np.zeros(200), seed=1)
    assert low < mean < high and mean == pytest.approx(scores.mean())
    assert high - low == pytest.approx(2 * 1.96 * scores.std() / np.sqrt(200), rel=0.15)
