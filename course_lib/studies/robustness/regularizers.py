"""Ways to keep a model from learning its few rows by heart, that change rates, weights or the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_lib.bert.encoder import initialize_weights
from course_lib.errors import CourseError, SettingError
from course_lib.finetuning.loop import TaskModel
from course_lib.training.optimization import parameter_groups


def dropout_rates(model: TaskModel) -> dict[str, float]:
    """Return what the modules themselves drop: ``hidden``, ``attention`` and ``head``, each the largest rate there is."""
    encoder = model.encoder
    hidden = [module.dropout.p for module in (encoder.embeddings, *encoder.blocks)]
    return {
        "hidden": max(hidden),
        "attention": max((block.attention.dropout for block in encoder.blocks), default=0.0),
        "head": max((m.p for m in model.head.modules() if isinstance(m, nn.Dropout)), default=0.0),
    }


def use_dropout_everywhere(model: TaskModel, rate: float) -> None:
    """Set dropout of the hidden states *and* of the attention weights, which are two settings.

    Parameters
    ----------
    model : body and head; the head's own dropout stays.
    rate : from 0 to below 1.

    Raises
    ------
    SettingError
        If it's no such rate.
    """
    if not 0 <= rate < 1:
        raise SettingError(f"A dropout of {rate} is no share. Give a number from 0 to below 1.")
    model.encoder.use_dropout(hidden=rate, attention=rate)


def layer_rates(model: TaskModel, rate: float, decay: float) -> dict[str, float]:
    """Return the peak rate of each part: the head's own, and down the body a factor less for each layer.

    Parameters
    ----------
    model : body and head.
    rate : of the head; the pooler is part of it.
    decay : factor from a layer to the one below, above 0 and up to 1; 1 is one rate for all.

    Raises
    ------
    SettingError
        If it's no such factor.

    References
    ----------
    Clark et al. 2020 (ELECTRA), appendix A; Howard and Ruder 2018, section 3.2, as discriminative fine-tuning.
    """
    if not 0 < decay <= 1:
        raise SettingError(f"A layer-wise decay of {decay} is none. Give a factor above 0, up to 1.")
    layers = len(model.encoder.blocks)
    blocks = {f"block {number}": rate * decay ** (layers + 1 - number) for number in range(layers, 0, -1)}
    return {"head": rate} | blocks | {"embeddings": rate * decay ** (layers + 1)}


def layer_wise_groups(model: TaskModel, rate: float, decay: float, weight_decay: float = 0.01) -> list[dict]:
    """Return groups for torch's optimizers, two for each part that's trained: its matrices, and what isn't decayed.

    Parameters
    ----------
    model, rate, decay : as for :func:`layer_rates`.
    weight_decay : of the matrices.

    Returns
    -------
    list of dict
        ``name``, ``params``, ``lr``, ``peak`` (the same number, for a schedule to multiply) and ``weight_decay``.
    """
    encoder = model.encoder
    parts = {"head": nn.ModuleList(m for m in (model.head, encoder.pooler) if m is not None)}
    parts |= {f"block {number}": block for number, block in enumerate(encoder.blocks, start=1)}
    parts["embeddings"] = encoder.embeddings
    return [
        {"name": name, **group, "lr": part_rate, "peak": part_rate}
        for name, part_rate in layer_rates(model, rate, decay).items()
        for group in parameter_groups(parts[name], weight_decay)
        if group["params"]
    ]


def reinitialize_top(model: TaskModel, blocks: int, seed: int) -> None:
    """Give the top blocks fresh weights, as before pre-training: they may be too set on its task (Zhang et al. 2021).

    Parameters
    ----------
    model : body and head; the head is fresh anyway.
    blocks : how many of the top; 0 changes nothing.
    seed : of the weights.

    Raises
    ------
    CourseError
        If the body hasn't so many blocks.
    """
    encoder = model.encoder
    if not 0 <= blocks <= len(encoder.blocks):
        raise CourseError(
            f"{blocks} blocks are to be fresh, and the encoder has {len(encoder.blocks)}. Give 0 to {len(encoder.blocks)}."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in encoder.blocks[len(encoder.blocks) - blocks :].modules():
            initialize_weights(module, encoder.configuration.initializer_range)
            if isinstance(module, nn.LayerNorm):
                module.reset_parameters()  # weights of 1, biases of 0


def smoothed_loss(scores: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
    """Return the cross-entropy with a target that isn't sure: 1 - s + s / classes for the label, s / classes else.

    Parameters
    ----------
    scores, labels : (B, classes) and (B,) of class numbers.
    smoothing : s, the share that's given to all classes alike (Szegedy et al. 2016, section 7).

    Raises
    ------
    SettingError
        If it's no share.
    """
    if not 0 <= smoothing < 1:
        raise SettingError(f"A smoothing of {smoothing} is no share. Give a number from 0 to below 1.")
    return nn.functional.cross_entropy(scores, labels, label_smoothing=smoothing)


def consistency(first: Tensor, second: Tensor) -> Tensor:
    """Return how far two answers to the same rows are apart: half the sum of both KL divergences, mean over the rows.

    Parameters
    ----------
    first, second : (B, classes) scores; exchanged, they give the same number.
    """
    p, q = first.log_softmax(dim=-1), second.log_softmax(dim=-1)  # (B, classes)
    # p log(p / q) + q log(q / p) = (p - q)(log p - log q), summed over the classes
    return ((p.exp() - q.exp()) * (p - q)).sum(dim=-1).mean() / 2


def rdrop_loss(model: TaskModel, batch: dict[str, Tensor], weight: float = 1.0) -> Tensor:
    """Return R-Drop's loss: each row is read twice, and the answers are to be right and alike (Liang et al. 2021).

    Both readings differ by their dropout alone, so a model that drops nothing would be compared with itself.

    Parameters
    ----------
    model : in training.
    batch : with ``label``.
    weight : of :func:`consistency`; the cross-entropies of both readings add up, as in the paper.

    Raises
    ------
    CourseError
        If the model drops nothing.
    """
    if not model.training or not any(dropout_rates(model).values()):
        raise CourseError(
            "R-Drop compares two readings of a row that differ by dropout, and this model drops nothing. Train it with "
            "dropout (model.train(), and a rate above 0)."
        )
    first, second = model(batch).float(), model(batch).float()  # (B, classes) each, of other draws
    losses = [nn.functional.cross_entropy(scores, batch["label"]) for scores in (first, second)]
    return sum(losses) + weight * consistency(first, second)


@dataclass
class EarlyStopping:
    """Watches a loss on validation rows, and says when it's time to stop.

    Parameters
    ----------
    patience : how many looks without a new best are waited for.
    """

    patience: int
    best: float = math.inf
    looks: int = 0
    best_look: int = 0

    def better(self, loss: float) -> bool:
        """Note a look, and return whether it's the best so far: then the weights are worth keeping."""
        self.looks += 1
        if loss < self.best:
            self.best, self.best_look = loss, self.looks
            return True
        return False

    @property
    def stop(self) -> bool:
        """Whether the last ``patience`` looks brought nothing better."""
        return self.looks - self.best_look >= self.patience
