"""Dropout for training on a CPU, at a tenth of the cost of torch's; ``fast_dropout`` asks for it.

torch draws a float for every number that may be dropped; 16 random bits are enough to decide with an
error of the rate below 1/65536, and counting generators give them fast. On a GPU torch's own is used.
In the shape comments B is the batch, T the sequence length, A the heads, D the width of one head.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.bert.configuration import BertConfiguration


def random_keep(shape: torch.Size, rate: float) -> Tensor:
    """Draw which numbers stay: bool of the given shape, each False with a probability of ``rate``.

    The draws follow from torch's generator, so a seed of torch repeats them.
    """
    seed = int(torch.randint(2**62, ()))
    count = math.prod(shape)
    bits = np.random.SFC64(seed).random_raw((count + 3) // 4).view(np.int16)[:count]
    return torch.from_numpy(bits).view(shape) >= round(rate * 65536) - 32768  # the lowest is -32768


def drop(values: Tensor, rate: float) -> Tensor:
    """Drop numbers at a rate and scale the rest by 1 / (1 - rate), as ``functional.dropout`` does."""
    if rate == 0:
        return values
    if values.device.type != "cpu":
        return functional.dropout(values, rate)
    # where, not a product: turning the marks into floats would cost more than drawing them
    return torch.where(random_keep(values.shape, rate), values, 0.0) * (1 / (1 - rate))


class FastDropout(nn.Dropout):
    """``nn.Dropout`` with fast draws on a CPU."""

    def forward(self, values: Tensor) -> Tensor:
        return drop(values, self.p) if self.training else values


def fast_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0
) -> Tensor:
    """Attend as ``functional.scaled_dot_product_attention`` does, with fast draws on a CPU.

    torch's has no fast path with dropout on a CPU. This one scales and masks in the product itself, and
    touches the (B, A, T, T) scores as seldom as it can.

    Parameters
    ----------
    query, key, value : each (B, A, T, D).
    attn_mask : (B, 1, 1, T) or (B, 1, T, T) bool, true where a query may look.
    dropout_p : the rate at which attention weights are dropped.

    Returns
    -------
    Tensor
        (B, A, T, D).
    """
    if dropout_p == 0 or query.device.type != "cpu":
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=attn_mask, dropout_p=dropout_p
        )
    B, A, T, D = query.shape
    query, key, value = (states.reshape(B * A, T, D) for states in (query, key, value))
    bias = query.new_zeros(1, 1, 1)
    if attn_mask is not None:  # before the softmax, never after
        bias = torch.where(attn_mask, 0.0, torch.finfo(query.dtype).min).to(query.dtype)
        bias = bias.expand(B, A, -1, T).flatten(0, 1)  # (B·A, 1 or T, T)
    scores = torch.baddbmm(bias, query, key.transpose(1, 2), alpha=D**-0.5)  # (B·A, T, T)
    weights = drop(scores.softmax(dim=-1), dropout_p)
    return (weights.to(value.dtype) @ value).view(B, A, T, D)


def dropout_layer(configuration: BertConfiguration) -> nn.Dropout:
    """Return the dropout of hidden states that a configuration asks for."""
    kind = FastDropout if configuration.fast_dropout else nn.Dropout
    return kind(configuration.hidden_dropout_prob)
