"""Dropout for training on a CPU, at a tenth of the cost of torch's.

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

from course_lib.bert.encoder import BertEncoder, SelfAttention


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


class FastDropoutAttention(SelfAttention):
    """Self-attention whose dropout has fast draws on a CPU; without dropout, the one it inherits.

    torch's attention has no fast path with dropout on a CPU. This one scales and masks in the product
    itself, and touches the (B, A, T, T) scores as seldom as it can.
    """

    def forward(
        self, hidden: Tensor, mask: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        if not self.training or self.dropout == 0 or need_weights or hidden.device.type != "cpu":
            return super().forward(hidden, mask, need_weights)
        B, T, H = hidden.shape
        A, D = self.heads, self.head_size
        joined = self.query_key_value(hidden).view(B, T, 3, A, D)
        query, key, value = joined.permute(2, 0, 3, 1, 4).reshape(3, B * A, T, D)  # one copy for all
        bias = query.new_zeros(1, 1, 1)
        if mask is not None:  # before the softmax, never after
            bias = torch.where(mask, 0.0, torch.finfo(query.dtype).min).to(query.dtype)  # (B, 1, 1, T)
            bias = bias.expand(B, A, 1, T).reshape(B * A, 1, T)
        scores = torch.baddbmm(bias, query, key.transpose(1, 2), alpha=D**-0.5)  # (B·A, T, T)
        weights = drop(scores.softmax(dim=-1), self.dropout)
        context = (weights.to(value.dtype) @ value).view(B, A, T, D)
        return self.output(context.transpose(1, 2).reshape(B, T, H)), None


def use_fast_dropout(encoder: BertEncoder) -> None:
    """Give an encoder the fast dropout, in place; its parameters and their names stay."""
    encoder.embeddings.dropout = FastDropout(encoder.embeddings.dropout.p)
    for block in encoder.blocks:
        block.dropout = FastDropout(block.dropout.p)
        with torch.device("meta"):  # without weights: they are taken over
            attention = FastDropoutAttention(encoder.configuration)
        attention.query_key_value = block.attention.query_key_value
        attention.output = block.attention.output
        attention.dropout = block.attention.dropout
        block.attention = attention
