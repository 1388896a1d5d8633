"""Padding leaves before the matrix products, and returns for attention alone: the same numbers in less time."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.bert.encoder import BertEncoder, EncoderBlock, EncoderOutput
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TaskModel


class UnpaddedEncoder(nn.Module):
    """An encoder that computes real tokens only, for reading and not for training.

    Parameters
    ----------
    encoder : whose layers are used; any that :mod:`~course_lib.studies.compression` makes will do.
    """

    def __init__(self, encoder: BertEncoder):
        super().__init__()
        self.configuration = encoder.configuration
        self.embeddings, self.blocks, self.pooler = encoder.embeddings, encoder.blocks, encoder.pooler

    def forward(
        self,
        input_ids: Tensor,
        token_type_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> EncoderOutput:
        """Encode a batch as :meth:`BertEncoder.forward` does; the states of padding are zeros."""
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        B, T = input_ids.shape
        real = attention_mask.flatten().nonzero()[:, 0]  # (N,): the places of real tokens, row by row
        hidden = self.embeddings(input_ids, token_type_ids).flatten(0, 1)[real]  # (N, H)
        mask = None if len(real) == B * T else attention_mask[:, None, None].bool()  # (B, 1, 1, T)
        for block in self.blocks:
            hidden = _through(block, hidden, real, mask, (B, T))
        states = _padded(hidden, real, B * T).view(B, T, -1)  # (B, T, H)
        first = states[:, 0]  # (B, H)
        pooled = first if self.pooler is None else torch.tanh(self.pooler(first))
        return EncoderOutput(states, pooled)


def _padded(values: Tensor, real: Tensor, slots: int) -> Tensor:
    """Return (N, width) values at their places among all slots, zeros elsewhere: (slots, width)."""
    return (
        values
        if len(values) == slots
        else values.new_zeros(slots, values.shape[1]).index_copy_(0, real, values)
    )


def _through(
    block: EncoderBlock, hidden: Tensor, real: Tensor, mask: Tensor | None, shape: tuple[int, int]
) -> Tensor:
    """Return the states (N, H) of real tokens after a block."""
    attention, (B, T) = block.attention, shape
    joined = _padded(attention.query_key_value(hidden), real, B * T)  # (B · T, 3 · heads · D)
    joined = joined.view(B, T, 3, attention.heads, attention.head_size)
    query, key, value = joined.permute(2, 0, 3, 1, 4)  # each (B, heads, T, D)
    context = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    context = context.transpose(1, 2).reshape(B * T, -1)  # heads side by side again
    context = context if len(real) == B * T else context[real]  # (N, heads · D)
    hidden = block.attention_norm(hidden + attention.output(context))  # (N, H)
    expanded = block.activation(block.expand(hidden))  # (N, I)
    return block.output_norm(hidden + block.contract(expanded))


def without_padding(model: TaskModel) -> TaskModel:
    """Return a copy of a model that computes no padding; it is for reading, and can't be trained.

    Raises
    ------
    CourseError
        If the model computes no padding already.
    """
    if isinstance(model.encoder, UnpaddedEncoder):
        raise CourseError("The model leaves padding out already. Use it as it is.")
    small = copy.deepcopy(model).eval().requires_grad_(False)
    small.encoder = UnpaddedEncoder(small.encoder)
    return small
