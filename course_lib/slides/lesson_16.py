"""Figures, tables and numbers of the deck on ablations, from the recorded trainings."""

from __future__ import annotations

from course_lib.figures import ablations as figures
from course_lib.figures.style import Picture, Table
from course_lib.studies.records import load_record


def _record() -> dict:
    return load_record("ablations")["results"]


def _loss(variant: str, against: str, task: str) -> tuple[float, float]:
    """Return mean and standard deviation of what a variant loses against another on a task, in points."""
    scores = figures.scores_by_variant(_record()["objectives"])
    mean, deviation = figures.differences(scores[variant][task], scores[against][task])
    return -mean, deviation


def table_paper_objectives() -> Table:
    """Return table 5 of the paper."""
    return figures.table_paper_objectives()


def table_objectives() -> Table:
    """Return the recorded objectives on every task."""
    return figures.table_objectives(_record()["objectives"], _record()["untouched"])


def figure_objectives() -> Picture:
    """Return what each variant loses, in the paper and in the recording."""
    return figures.figure_objectives(_record()["objectives"])


def figure_steps() -> Picture:
    """Return the entities' score by updates, from the recording."""
    return figures.figure_steps(_record()["objectives"], _record()["untouched"])


def figure_sizes() -> Picture:
    """Return the sizes of the paper and of the recording."""
    return figures.figure_sizes(_record()["sizes"])


def table_masking() -> Table:
    """Return the recorded masking strategies beside the paper's."""
    return figures.table_masking(_record()["masking"], _record()["objectives"])


def questions_lost_left_to_right() -> float:
    """Return the points of F1 on questions that left to right loses against masked words alone."""
    return _loss("left to right", "MLM alone", "questions")[0]


def entities_lost_left_to_right() -> float:
    """Return the points of F1 on entities that left to right loses against masked words alone."""
    return _loss("left to right", "MLM alone", "entities")[0]
