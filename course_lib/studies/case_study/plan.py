"""The plan of a study, written before its results are seen, and what the results say about each of its claims."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from course_lib.errors import CourseError

VERDICTS = ("holds", "fails", "open")


@dataclass(frozen=True)
class Claim:
    """Something that the study can find to be wrong.

    Parameters
    ----------
    name : a few words.
    difference : what is measured, so that a larger number is better for the claim; a share.
    bound : the claim holds if the whole interval of the difference is above it.
    """

    name: str
    difference: str
    bound: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What is decided before the first run.

    Parameters
    ----------
    question : what the study wants to know.
    measure : the one score that decides.
    judged_on : the rows it is measured on, looked at once.
    chosen_on : the rows that every choice is made on.
    sizes, seeds : training rows and seeds of the runs.
    claims : what the study can find to be wrong.
    """

    question: str
    measure: str
    judged_on: str
    chosen_on: str
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    claims: tuple[Claim, ...]

    def fingerprint(self) -> str:
        """Return twelve hexadecimal digits that change with every word of the plan: publish them beforehand."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]

    def claim(self, name: str) -> Claim:
        """Return a claim by its name.

        Raises
        ------
        CourseError
            If the plan has no such claim: what wasn't planned is not confirmed, however good it looks.
        """
        for claim in self.claims:
            if claim.name == name:
                return claim
        names = ", ".join(repr(claim.name) for claim in self.claims)
        raise CourseError(
            f"{name!r} is not a claim of the plan, so report it as found afterward. It has {names}."
        )


def verdict(low: float, high: float, bound: float = 0.0) -> str:
    """Return what an interval says about a claim: ``"holds"`` above the bound, ``"fails"`` below it, else ``"open"``.

    Raises
    ------
    CourseError
        If the ends of the interval are in the wrong order.
    """
    if low > high:
        raise CourseError(f"The interval begins at {low:g} and ends at {high:g}. Give the smaller end first.")
    return "holds" if low > bound else "fails" if high < bound else "open"
