"""The forms in which a learner may give a right answer: lists, arrays, tensors, and numbers of many types."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Mapping
from itertools import islice
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


def number(value: object, what: Message) -> float:
    """Return one number of any type, such as numpy's, torch's, Fraction or Decimal, as a float.

    Raises
    ------
    Mistake
        If it isn't one number.
    """
    if not isinstance(value, (str, bytes)):
        try:
            if getattr(value, "shape", ()) == ():
                return float(value)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            pass
    raise Mistake("{what} should be one number; you return {kind}.", what=what, kind=describe(value))
