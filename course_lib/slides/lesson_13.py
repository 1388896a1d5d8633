"""Figures, tables and numbers of the deck on hyperparameter search, from the recorded searches."""

from __future__ import annotations

from course_lib.figures import search as figures
from course_lib.figures.style import Picture, Table
from course_lib.studies.records import load_record, mean_and_deviation
from course_lib.studies.search.study import CONFIGURATION


def _record() -> dict:
    return load_record("search")["results"]


def _methods() -> dict[str, list[dict]]:
    return _record()["methods"]


def figure_16_searches() -> Picture:
    """Return figure 16 of the recorded searches."""
    return figures.figure_16_searches(_methods(), CONFIGURATION.space)


def table_16_methods() -> Table:
    """Return table 16 of the recorded searches."""
    return figures.table_16_methods(_methods())


def figure_two_densities() -> Picture:
    """Return the two densities of TPE, over the recorded random trials."""
    return figures.figure_two_densities(_methods()["random"], CONFIGURATION.space)


def figure_noise() -> Picture:
    """Return the recorded seeds of one configuration beside the best of each method."""
    return figures.figure_noise(_record()["noise"], _methods())


def figure_importance() -> Picture:
    """Return the importance of the parameters over all recorded trials."""
    trials = [trial for trials in _methods().values() for trial in trials]
    return figures.figure_importance(figures.importances(trials, CONFIGURATION.space))


def figure_slices() -> Picture:
    """Return the accuracy of the recorded trials against each parameter."""
    return figures.figure_slices(_methods())


def table_paper_and_here() -> Table:
    """Return the paper's search beside the recorded ones."""
    return figures.table_paper_and_here(_methods(), _record()["noise"], CONFIGURATION.space)


def deviation_of_the_seed() -> float:
    """Return the standard deviation of one configuration over seeds, in points."""
    return mean_and_deviation(_record()["noise"])[1]
