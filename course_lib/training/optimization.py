"""The optimizer and the schedule that pre-training and fine-tuning share.

Devlin et al. 2018, appendix A.2 and A.3: AdamW, no decay on biases and LayerNorm, linear warm-up,
then linear decay to zero.
"""

from __future__ import annotations

import torch
from torch import nn


def parameter_groups(model: nn.Module, weight_decay: float = 0.01) -> list[dict]:
    """Split the trainable parameters: matrices are decayed, biases and LayerNorm are not.

    Parameters
    ----------
    model : any model; parameters that are frozen are left out.
    weight_decay : decay of the matrices.

    Returns
    -------
    list of dict
        Two groups for a torch optimizer, matrices first.
    """
    norms = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.LayerNorm)
        for parameter in module.parameters()
    }
    trainable = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    plain = [p for name, p in trainable if id(p) in norms or name.endswith("bias")]
    plain_ids = {id(p) for p in plain}
    decayed = [p for _, p in trainable if id(p) not in plain_ids]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]


def adamw(
    model: nn.Module,
    learning_rate: float,
    weight_decay: float = 0.01,
    epsilon: float = 1e-6,
    fused: bool | None = None,
) -> torch.optim.AdamW:
    """Return AdamW with BERT's groups, betas 0.9 and 0.999, and epsilon 1e-6.

    Unlike the original code, torch corrects the bias of the first steps; Mosbach et al. 2021 find
    that fine-tuning is steadier with the correction. ``fused`` updates all numbers of a matrix in one
    go: the same formula, faster, other roundings.
    """
    groups = parameter_groups(model, weight_decay)
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.999), eps=epsilon, fused=fused)


def warmup_linear_share(step: int, warmup_steps: int, total_steps: int) -> float:
    """Return the share of the peak learning rate at a step: up from 0, then down to 0.

    Parameters
    ----------
    step : number of updates done so far.
    warmup_steps, total_steps : updates of the warm-up, and of the whole run.
    """
    if step < warmup_steps:
        return step / max(1, warmup_steps)
    return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))


def linear_schedule(
    optimizer: torch.optim.Optimizer, warmup_steps: int, total_steps: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """Return the scheduler of warm-up and linear decay; step it once after each update."""
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: warmup_linear_share(step, warmup_steps, total_steps)
    )
