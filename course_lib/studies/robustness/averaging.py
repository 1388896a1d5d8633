"""Averages: of one run's weights over its last updates (SWA), and of several models' answers (an ensemble)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn
from torch.optim.swa_utils import AveragedModel

from course_lib.errors import CourseError
from course_lib.studies.robustness.answers import margins_from, probabilities


class WeightAverage:
    """The mean of a model's weights over some moments of its training (Izmailov et al. 2018), by torch.

    The encoder has no batch norm, so nothing has to be read again after averaging.

    Parameters
    ----------
    model : which is trained; its weights of now aren't part of the mean yet.
    """

    def __init__(self, model: nn.Module):
        self._average = AveragedModel(model)

    @property
    def moments(self) -> int:
        """How many weights the mean is of."""
        return int(self._average.n_averaged)

    def update(self, model: nn.Module) -> None:
        """Take the model's weights of now into the mean."""
        self._average.update_parameters(model)

    def copy_to(self, model: nn.Module) -> None:
        """Give a model the mean weights.

        Raises
        ------
        CourseError
            If there was no update.
        """
        if not self.moments:
            raise CourseError("There is no mean of weights yet. Call update after the updates that count.")
        model.load_state_dict(self._average.module.state_dict())


def ensemble(members: Sequence[np.ndarray], seeds: Sequence[int]) -> np.ndarray:
    """Return what several models say together: the mean of their probabilities, as margins again.

    Parameters
    ----------
    members : margins of each on the same rows, (rows,) for two classes, else (rows, classes - 1).
    seeds : of each model's training.

    Raises
    ------
    CourseError
        If there are fewer than two, they don't pair up with the seeds, or a seed is there twice: such a member
        says the same again, and costs as much as one that doesn't.
    """
    if len(members) < 2:
        raise CourseError(f"An ensemble of {len(members)} has nothing to average. Give at least two models.")
    if len(members) != len(seeds):
        raise CourseError(f"There are {len(members)} models and {len(seeds)} seeds. Give the seed of each.")
    twice = sorted({seed for seed in seeds if list(seeds).count(seed) > 1})
    if twice:
        raise CourseError(
            f"Seed {twice[0]} is in the ensemble more than once, and the same seed gives the same model. Train each "
            "model with a seed of its own."
        )
    if len({np.shape(member) for member in members}) > 1:
        raise CourseError("The models were asked about different rows. Give the margins on the same ones.")
    return margins_from(np.mean([probabilities(member) for member in members], axis=0))
