"""What a long run needs: the best epoch kept, an early end, a limit of time, and a line that says how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch
from tqdm import tqdm
from transformers import TrainerCallback

from course_lib.finetuning.loop import History, TaskModel
from course_lib.translation import Message


class BestEpoch(TrainerCallback):
    """Score each epoch on the validation part and keep the weights of the best one.

    Parameters
    ----------
    score : gives the score of a model on the validation part; higher is better.
    patience : epochs in a row without a better score, after which the run ends.
    minutes : after which the run ends, whatever it has reached; no limit if left out.
    """

    def __init__(
        self, score: Callable[[TaskModel], float] | None, patience: int = 2, minutes: float | None = None
    ):
        self.score, self.patience, self.minutes = score, patience, minutes
        self.scores: list[float] = []
        self.best: dict[str, torch.Tensor] | None = None
        self.began = time.monotonic()
        self.out_of_time = False

    def on_train_begin(self, arguments, state, control, **_):
        self.began = time.monotonic()

    def on_step_end(self, arguments, state, control, **_):
        if self.minutes is not None and any_process(time.monotonic() - self.began > 60 * self.minutes):
            self.out_of_time = True
            control.should_training_stop = True
        return control

    def on_epoch_end(self, arguments, state, control, model, **_):
        if self.score is None:
            return control
        self.look_at(getattr(model, "module", model))  # of a model that is wrapped for several processes
        best = max(self.scores)
        if len(self.scores) - 1 - self.scores.index(best) >= self.patience:
            control.should_training_stop = True
        return control

    def look_at(self, model: TaskModel) -> None:
        """Score a model, and keep a copy of its weights if it is better than all before."""
        was_training = model.training
        model.eval()
        score = self.score(model)
        model.train(was_training)
        if not self.scores or score > max(self.scores):
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
        self.scores.append(score)

    def restore(self, model: TaskModel) -> int | None:
        """Give a model the weights of the best epoch and return its number from 1; None if no epoch was scored."""
        if self.best is None:
            return None
        model.load_state_dict(self.best)
        return self.scores.index(max(self.scores)) + 1


def any_process(condition: bool) -> bool:
    """Tell whether a condition holds in any process: all of them must leave the loop at the same step."""
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return condition
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    votes = torch.tensor(float(condition), device=device)
    torch.distributed.all_reduce(votes)
    return bool(votes > 0)


class ProgressLine(TrainerCallback):
    """A line on the error stream with steps, time left, loss and tokens a second.

    Parameters
    ----------
    history : of the trainer; its losses and tokens are shown.
    """

    def __init__(self, history: History):
        self.history, self.line, self.began = history, None, time.monotonic()

    def on_train_begin(self, arguments, state, control, **_):
        if state.is_world_process_zero:
            self.began = time.monotonic()
            self.line = tqdm(total=state.max_steps, desc="fine-tuning", unit="step", file=sys.stderr)

    def on_step_end(self, arguments, state, control, **_):
        if self.line is not None:
            tokens = self.history.tokens / max(time.monotonic() - self.began, 1e-9)
            self.line.set_postfix_str(
                f"loss {self.history.losses[-1]:.3f}, {tokens:,.0f} tokens/s", refresh=False
            )
            self.line.update(state.global_step - self.line.n)

    def close(self) -> None:
        """End the line, however the run has ended."""
        if self.line is not None:
            self.line.close()


def how_it_ended(best_epoch: BestEpoch, *, epoch: int | None, name: str, interrupted: bool) -> list[Message]:
    """Return sentences about the end of a run: which epoch was kept, and why there were not more.

    Parameters
    ----------
    best_epoch : the callback of the run.
    epoch : what was kept, from 1; None for the last weights.
    name : of the score that decided.
    interrupted : whether somebody pressed Ctrl-C.
    """
    said = []
    if interrupted:
        said.append(Message("Interrupted: what follows is the best model so far."))
    if best_epoch.out_of_time:
        said.append(Message("The run has ended after {minutes} minutes.", minutes=best_epoch.minutes))
    if epoch is not None:
        scores = ", ".join(f"{score:.3f}" for score in best_epoch.scores)
        said.append(
            Message(
                "{name} on the validation part by epoch: {scores}. Epoch {epoch} is kept.",
                name=name,
                scores=scores,
                epoch=epoch,
            )
        )
    return said
