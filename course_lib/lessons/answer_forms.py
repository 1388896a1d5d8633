"""The forms in which a learner may give a right answer: lists, arrays, tensors, and numbers of many types."""

from __future__ import annotations

import copy
import math
import operator
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import islice
from numbers import Real
from typing import Any

import numpy as np
import torch

from course_lib.lessons.catalog import Mistake
from course_lib.lessons.exercises import call, describe
from course_lib.translation import Message

MOST_ITEMS = 100_000  # of an iterator, which may have no end


def call_unchanged(answer: Callable, *arguments: object) -> Any:
    """Call a learner's function with copies of the arguments, which must come back as they were.

    Raises
    ------
    Mistake
        If the function changes an argument, besides what :func:`~course_lib.lessons.exercises.call` raises.
    """
    given = copy.deepcopy(arguments)
    result = call(answer, *given)
    if not hasattr(result, "__len__") and hasattr(result, "__next__"):
        result = list(result)  # a generator does its work, and its changes, while it is read
    if not all(_same(*pair) for pair in zip(given, arguments, strict=True)):
        raise Mistake(
            "your function changes what it's given, and the caller may need that again. Work on a copy, or "
            "build something new."
        )
    return result


def _same(given: object, before: object) -> bool:
    if isinstance(before, np.ndarray):
        return np.array_equal(given, before)
    return given == before


def whole_number(value: object, what: Message) -> int:
    """Return an int of Python, numpy or torch as Python's.

    Parameters
    ----------
    value : what the learner returned.
    what : what it should be, the subject of the message.

    Raises
    ------
    Mistake
        If it is anything else: a number with a decimal point can't look anything up in a list or an embedding.
    """
    try:
        return operator.index(value)
    except (TypeError, ValueError, RuntimeError):
        kind = describe(value)
    raise Mistake(
        "{what} must be whole numbers (int), and one of them is of type {kind}.", what=what, kind=kind
    )


def whole_numbers(values: object, what: Message) -> list[int]:
    """Return whole numbers in a list, tuple, array, tensor or iterator as a list of ints.

    Raises
    ------
    Mistake
        If it has no order, or what it holds isn't whole numbers.
    """
    if isinstance(values, (str, bytes, Mapping, set, frozenset)) or not hasattr(values, "__iter__"):
        raise Mistake("return {what} as one list; you return {kind}.", what=what, kind=describe(values))
    if isinstance(values, (np.ndarray, torch.Tensor)):
        values = values.tolist()
    items = (
        list(islice(values, MOST_ITEMS)) if hasattr(values, "__iter__") else [values]
    )  # an array of no axis holds one number
    nested = next((item for item in items if isinstance(item, (list, tuple))), None)
    if nested is not None:
        raise Mistake(
            "{what} should be one flat list, and yours has a {kind} inside. A star unpacks it: [first, *more].",
            what=what,
            kind=describe(nested),
        )
    return [whole_number(item, what) for item in items]


def number(value: Any, what: str | Message) -> float:
    """Return one number of any type, such as numpy's, torch's, Fraction or Decimal, as a float.

    Raises
    ------
    Mistake
        If it isn't one number; True and False aren't.
    """
    found = as_number(value)
    if found is None:
        raise Mistake("{what} should be one number; you return {kind}.", what=what, kind=describe(value))
    return float(found)


def as_number(value: Any) -> int | float | None:
    """Return one number, a whole one as an int, and None for anything else.

    Every type of number counts: Python's, Fraction and Decimal, and an array or a tensor of one element.
    """
    if type(value).__module__.partition(".")[0] in ("numpy", "torch"):
        if getattr(value, "shape", None) is None or math.prod(value.shape) != 1:
            return None
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        return None
    try:
        found = float(value)
    except OverflowError:  # a whole number beyond all floats
        return None
    return int(found) if found.is_integer() else found


def as_list(result: Any) -> list | None:
    """Return an answer as a list if it is some row of values: a list, tuple, deque, array or tensor; else None."""
    if isinstance(result, (torch.Tensor, np.ndarray)):
        result = result.tolist()
    return list(result) if isinstance(result, (list, tuple, deque)) else None


def as_ids(result: Any) -> list[int] | None:
    """Return an answer as a list of whole numbers, None if it is not one: 7.0 and True look up no row of a table."""
    values = as_list(result)
    if values is None:
        return None
    values = [value.item() if isinstance(value, (torch.Tensor, np.generic)) else value for value in values]
    return values if all(type(value) is int for value in values) else None


def changed_argument(given: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """Return the name of the first argument that an answer has changed, None if all are as they were.

    Parameters
    ----------
    given : the values that the answer was called with, by name.
    before : the same as they were before.
    """
    for name, value in given.items():
        same = torch.equal(value, before[name]) if isinstance(value, torch.Tensor) else value == before[name]
        if not same:
            return name
    return None
