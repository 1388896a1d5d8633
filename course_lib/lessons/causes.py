"""What probably went wrong: a wrong answer is compared with what the usual mistakes return for the same cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import eq
from typing import Any

from course_lib.translation import Message

Causes = Iterable[tuple[Callable[..., Any], Message]]  # a function with the mistake, and what to say about it


def likely_cause(
    results: Sequence[Any], cases: Sequence[tuple], causes: Causes, same: Callable[[Any, Any], bool] = eq
) -> Message | None:
    """Return what there is to say about a wrong answer, None if it is no usual mistake.

    Parameters
    ----------
    results : what the answer returned for each case, in the form that the functions of ``causes`` return.
    cases : the arguments of each call.
    causes : usual mistakes; the first that returns the same for all cases is taken for the cause.
    same : says whether two results are the same.
    """
    for function, message in causes:
        if all(same(function(*case), result) for result, case in zip(results, cases, strict=True)):
            return message
    return None
