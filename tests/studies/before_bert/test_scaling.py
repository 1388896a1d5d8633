"""Power laws: against SciPy's regression, exact laws found, and sizes as the paper gives them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress, t

from course_lib.studies.before_bert.scaling import fit_power_law, layer_parameters, published_sizes


@given(st.integers(0, 500))
def test_the_fit_and_its_interval_are_scipy_s(seed):
    drawing = np.random.default_rng(seed)
    sizes = np.repeat([1e4, 3e4, 1e5, 1e6], 2)
    losses = 5 * sizes**-0.1 * np.exp(0.05 * drawing.standard_normal(8))
    law, line = fit_power_law(sizes, losses, confidence=0.9), linregress(np.log(sizes), np.log(losses))
    half = line.stderr * t.ppf(0.95, 6)
    assert law.exponent == pytest.approx(-line.slope) and law.factor == pytest.approx(np.exp(line.intercept))
    assert (law.low, law.high) == pytest.approx((-line.slope - half, -line.slope + half))


def test_an_exact_law_is_found_and_continued():
    law = fit_power_law([10, 100, 1000], [8 * size**-0.25 for size in (10, 100, 1000)])
    assert law.exponent == pytest.approx(0.25) and law.low == pytest.approx(0.25) == law.high
    assert law.loss(16) == pytest.approx(4)


@pytest.mark.parametrize(
    ("sizes", "losses"), [([1, 2], [1, 2]), ([2, 2, 2], [1, 2, 3]), ([1, 2, 3], [1, 0, 2])]
)
def test_what_has_no_line_is_refused(sizes, losses):
    with pytest.raises(ValueError, match="power law needs"):
        fit_power_law(sizes, losses)


def test_sizes_of_the_paper():
    sizes, losses = published_sizes()
    assert layer_parameters(12, 768) == sizes[3] == 84_934_656  # BERT-base's layers, without biases
    assert losses[-1] == pytest.approx(np.log(3.23)) and losses == sorted(losses, reverse=True)
