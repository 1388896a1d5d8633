"""One update of a model's weights, the same in every loop: fine-tuning, pre-training, the studies.

Devlin et al. 2018, appendix A.2 and A.3: gradients clipped to a norm of 1, AdamW, warm-up and decay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn

from course_lib.errors import CourseError
from course_lib.training.optimization import warmup_linear_share
from course_lib.training.precision import autocast

if TYPE_CHECKING:
    from accelerate import Accelerator

Part = TypeVar("Part")


class TrainingDivergedError(CourseError):
    """The loss is no longer a number."""


def check_loss(
    loss: Tensor | float, step: int, steps: int, learning_rate: float, remedy: str = "check the labels"
) -> None:
    """Stop a training run whose loss is no number any more.

    Parameters
    ----------
    loss : one number.
    step, steps : the update that it belongs to, counted from 1, and how many there are.
    learning_rate : the peak, for the message.
    remedy : what may help beside a lower one.

    Raises
    ------
    TrainingDivergedError
        If the loss is NaN or infinite.
    """
    number = loss.item() if isinstance(loss, Tensor) else loss
    if not math.isfinite(number):
        raise TrainingDivergedError(
            f"The loss is {number} at step {step} of {steps}. "
            f"Lower the learning rate (now {learning_rate:g}) or {remedy}."
        )


@dataclass
class UpdateStep:
    """What all updates of a run have in common; a call makes one of them.

    Parameters
    ----------
    model : the model, or with several processes its wrapper.
    optimizer : of the model's trainable parameters.
    learning_rate, warmup_steps, steps : peak, updates up to it, updates of the whole run.
    clip : the longest that the whole gradient may be.
    precision : ``float32``, or ``bfloat16`` by autocast.
    accelerator : 🤗 Accelerate's view of the processes; this process alone if left out.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    learning_rate: float
    warmup_steps: int
    steps: int
    clip: float = 1.0
    precision: str = "float32"
    accelerator: Accelerator | None = None

    def __post_init__(self):
        self.optimizer.zero_grad()  # gradients of an earlier computation are not those of the first update

    def rate(self, step: int) -> float:
        """Return the learning rate of an update, counted from 0: it follows from the step, so nothing is kept."""
        return self.learning_rate * warmup_linear_share(step, self.warmup_steps, self.steps)

    def __call__(self, step: int, parts: Sequence[Part], loss_of: Callable[[Part], Tensor]) -> Tensor:
        """Update the weights once.

        Parameters
        ----------
        step : updates done so far.
        parts : the batch, or several whose gradients add up.
        loss_of : the loss of a part, a number or several that add up; computed under autocast, so scores
            are to be made float32 first.

        Returns
        -------
        Tensor
            The sum of the parts' losses, shaped as theirs, without gradient.

        Raises
        ------
        TrainingDivergedError
            If the loss is NaN or infinite. With an accelerator the caller checks it: a loss can only be read
            together with those of the other processes.
        """
        device, losses = next(self.model.parameters()).device, []
        for number, part in enumerate(parts, start=1):
            with self._without_exchange() if number < len(parts) else nullcontext():
                with autocast(device.type, self.precision):
                    loss = loss_of(part)
                self._backward(loss.sum(), step)
            losses.append(loss.detach())
        self._clip()
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(step)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return sum(losses)

    def _backward(self, loss: Tensor, step: int) -> None:
        if self.accelerator is None:
            check_loss(loss, step + 1, self.steps, self.learning_rate)
            loss.backward()
        else:  # processes average their gradients; the losses, each a part of the step, are to be added
            self.accelerator.backward(loss * self.accelerator.num_processes)

    def _without_exchange(self):
        """Return a context in which processes keep their gradients for themselves."""
        return nullcontext() if self.accelerator is None else self.accelerator.no_sync(self.model)

    def _clip(self) -> None:
        clip = nn.utils.clip_grad_norm_ if self.accelerator is None else self.accelerator.clip_grad_norm_
        clip(self.model.parameters(), self.clip)
