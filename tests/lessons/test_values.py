"""Whatever is a number in Python, numpy or torch counts as one, and nothing else does."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from course_lib.lessons.catalog import Mistake
from course_lib.lessons.values import as_number, number

HALVES = [
    0.5,
    Fraction(1, 2),
    Decimal("0.5"),
    np.float16(0.5),
    np.float64(0.5),
    np.array(0.5),
    np.array([[0.5]]),
    torch.tensor(0.5),
    torch.tensor([0.5], dtype=torch.bfloat16, requires_grad=True),
]
NOTHING = [
    None,
    True,
    np.bool_(True),
    torch.tensor(True),
    "0.5",
    0.5j,
    [0.5],
    np.array([0.5, 0.5]),
    np.array([]),
    torch.zeros(2),
    torch.zeros(0),
    torch.tensor(1j),
    np,
    np.array,
]


@pytest.mark.parametrize("value", HALVES, ids=repr)
def test_a_number_of_any_kind_counts(value):
    assert as_number(value) == number(value, "the loss") == 0.5
    assert type(as_number(value)) is float


@pytest.mark.parametrize("value", [3, np.int64(3), torch.tensor(3)], ids=repr)
def test_whole_numbers_count(value):
    assert as_number(value) == 3.0


def test_what_is_not_finite_is_a_number_too():
    assert math.isnan(as_number(np.float32("nan"))) and as_number(torch.tensor(math.inf)) == math.inf


@pytest.mark.parametrize("value", NOTHING, ids=lambda value: type(value).__name__)
def test_anything_else_is_told(value):
    assert as_number(value) is None
    with pytest.raises(Mistake) as told:
        number(value, "the loss")
    assert f"return the loss, one number; you return {type(value).__name__}." == str(told.value)
