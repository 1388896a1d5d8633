"""What a learner may return where a number is asked for: any kind of number that Python, numpy and torch have."""

from __future__ import annotations

import math
from decimal import Decimal
from numbers import Real
from typing import Any

from course_lib.lessons.catalog import Mistake
from course_lib.translation import Message


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
