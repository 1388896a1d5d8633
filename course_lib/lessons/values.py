"""What a learner's function may return for a number or a row of values, in any of the usual forms."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

from course_lib.lessons.catalog import Mistake
from course_lib.translation import Message


def one_number(result: Any) -> int | float | None:
    """Return an answer as an int or a float, None if it isn't one number of Python, NumPy or PyTorch.

    Whole numbers come back as int, whatever their type was; fractions and decimals as float.
    """
    try:
        value = result.item() if hasattr(result, "item") else result
        if isinstance(value, (bool, str, bytes)):
            return None
        number = float(value)
        return int(number) if number.is_integer() else number
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def as_list(result: Any) -> list | None:
    """Return an answer as a list if it is some row of values: a list, tuple, deque, array or tensor; else None."""
    import numpy
    import torch

    if isinstance(result, (torch.Tensor, numpy.ndarray)):
        result = result.tolist()
    return list(result) if isinstance(result, (list, tuple, deque)) else None


def as_ids(result: Any) -> list[int] | None:
    """Return an answer as a list of whole numbers, None if it is not one: 7.0 and True look up no row of a table."""
    import numpy
    import torch

    values = as_list(result)
    if values is None:
        return None
    values = [value.item() if isinstance(value, (torch.Tensor, numpy.generic)) else value for value in values]
    return values if all(type(value) is int for value in values) else None


def changed_argument(given: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """Return the name of the first argument that an answer has changed, None if all are as they were.

    Parameters
    ----------
    given : the values that the answer was called with, by name.
    before : the same as they were before.
    """
    import torch

    for name, value in given.items():
        same = torch.equal(value, before[name]) if isinstance(value, torch.Tensor) else value == before[name]
        if not same:
            return name
    return None


def as_number(value: Any) -> float | None:
    """Return a number as a float, None for anything else; an array or a tensor of one element counts as one."""
    if type(value).__module__.partition(".")[0] in ("numpy", "torch"):
        if getattr(value, "shape", None) is None or math.prod(value.shape) != 1:
            return None
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        return None
    return float(value)


def number(value: Any, what: str | Message) -> float:
    """Return a learner's number as a float.

    Raises
    ------
    Mistake
        If it is no number.
    """
    found = as_number(value)
    if found is None:
        raise Mistake("return {what}, one number; you return {kind}.", what=what, kind=type(value).__name__)
    return found
