"""Scores are shares from 0 to 1 everywhere in the library; here they become percent, where people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from course_lib.errors import CourseError


def percent(scores: Any, digits: int | None = None) -> Any:
    """Return scores in percent: a number, an array, or a mapping with names of such, however deep.

    Parameters
    ----------
    scores : shares.
    digits : decimals to keep, as recordings do; all of them if left out.
    """
    if isinstance(scores, Mapping):
        return {name: percent(value, digits) for name, value in scores.items()}
    return 100 * scores if digits is None else round(100 * scores, digits)


def check_pairs(truth: Sequence, said: Sequence, unit: str) -> None:
    """Refuse to score nothing, and truth and predictions that don't pair up.

    Parameters
    ----------
    truth, said : what is right, and what was predicted.
    unit : what one of them is, for the message, such as ``review``.

    Raises
    ------
    CourseError
        If there is nothing to score, or their numbers differ.
    """
    if len(truth) != len(said):
        raise CourseError(
            f"There are {len(truth)} right values and {len(said)} predictions. Give one of each per {unit}."
        )
    if not len(truth):
        raise CourseError(
            f"There is nothing to score: not one {unit}. Check the file, or the filter that left none."
        )
