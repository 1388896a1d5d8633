"""A power law through measured sizes, with the interval of its exponent (Kaplan et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_lib.studies.published import MODEL_SIZES


class PowerLaw(NamedTuple):
    """loss = factor · size^(−exponent); ``low`` and ``high`` are the ends of the exponent's interval."""

    factor: float
    exponent: float
    low: float
    high: float

    def loss(self, size: float) -> float:
        """Return the loss that the law gives to a size."""
        return self.factor * size**-self.exponent


def fit_power_law(sizes: Sequence[float], losses: Sequence[float], confidence: float = 0.95) -> PowerLaw:
    """Fit a straight line to the logarithms, by least squares, with Student's interval for its slope.

    The interval holds if the points scatter around a line at random. Where they bend, it's too narrow.

    Parameters
    ----------
    sizes, losses : one of each for every run, at least three runs and two sizes.
    confidence : of the interval.

    Raises
    ------
    ValueError
        If there are too few runs or sizes, or something isn't positive.
    """
    from scipy.stats import t as student

    if len(sizes) < 3 or len(set(sizes)) < 2 or min(*sizes, *losses) <= 0:
        raise ValueError("A power law needs three runs of at least two sizes, and positive sizes and losses.")
    x, y = np.log(np.asarray(sizes, dtype=float)), np.log(np.asarray(losses, dtype=float))
    spread = ((x - x.mean()) ** 2).sum()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / spread
    intercept = y.mean() - slope * x.mean()
    rest = y - (intercept + slope * x)
    error = np.sqrt((rest**2).sum() / (len(x) - 2) / spread)
    half = error * student.ppf((1 + confidence) / 2, len(x) - 2)
    return PowerLaw(float(np.exp(intercept)), float(-slope), float(-slope - half), float(-slope + half))


def layer_parameters(layers: int, hidden_size: int) -> int:
    """Return the weights of the encoder's layers, about 12 · layers · size², as Kaplan et al. count them."""
    return 12 * layers * hidden_size**2


def published_sizes() -> tuple[list[int], list[float]]:
    """Return the layers' weights and the loss −ln p at masked words of the models in table 6 of Devlin et al. 2018."""
    rows = [
        (layer_parameters(layers, width), np.log(perplexity))
        for layers, width, _, perplexity, *_ in MODEL_SIZES
    ]
    return [size for size, _ in rows], [float(loss) for _, loss in rows]
