"""Mixup: rows that are never read, between two that are (Zhang et al. 2018; for text Guo et al. 2019)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.bert.heads import row_state
from course_lib.errors import SettingError
from course_lib.finetuning.loop import TaskModel


def mixed(
    states: Tensor, targets: Tensor, alpha: float, generator: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Mix each row with another of its batch, state and target in the same share.

    Parameters
    ----------
    states : (B, H).
    targets : (B, classes), each row sums to 1, and so do the mixed ones.
    alpha : the share is drawn from Beta(alpha, alpha), one for the batch: near 0 or 1 for a small alpha.
    generator : source of randomness.

    Returns
    -------
    tuple of Tensor
        (B, H) and (B, classes).

    Raises
    ------
    SettingError
        If alpha isn't positive.
    """
    if alpha <= 0:
        raise SettingError(f"Mixup with an alpha of {alpha} has no shares to draw. Give a positive number.")
    share = generator.beta(alpha, alpha)
    order = torch.from_numpy(generator.permutation(len(states))).to(states.device)
    return share * states + (1 - share) * states[order], share * targets + (1 - share) * targets[order]


def mixup_loss(
    model: TaskModel, batch: dict[str, Tensor], alpha: float, generator: np.random.Generator
) -> Tensor:
    """Return the cross-entropy of mixed rows: pieces can't be mixed, so the states that the head reads are.

    Parameters
    ----------
    model : with a head that reads one state a row.
    batch : with ``label``.
    alpha, generator : as for :func:`mixed`.
    """
    output = model.encoder(batch["input_ids"], batch.get("token_type_ids"), batch.get("attention_mask"))
    states = row_state(output, batch.get("attention_mask"), model.reads)  # (B, H)
    targets = functional.one_hot(batch["label"], model.head.out_features).float()  # (B, classes)
    states, targets = mixed(states, targets, alpha, generator)
    return nn.functional.cross_entropy(model.head(states).float(), targets)
