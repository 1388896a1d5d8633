"""Heads and neurons removed: the matrices get smaller, so there is less to multiply (Michel et al. 2019).

Setting weights to zero gives the same scores and saves no time: the zeros are multiplied like any number.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.bert.encoder import EncoderBlock, SelfAttention
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TaskModel
from course_lib.training.batching import inference_batches

Removals = Sequence[Sequence[int]]  # for each block, what goes


class NarrowAttention(SelfAttention):
    """The encoder's attention, of fewer heads than the hidden size has room for: (B, T, H) -> (B, T, H).

    Parameters
    ----------
    hidden_size : H.
    heads : that are left.
    head_size : D, of each head; heads · D may be smaller than H.
    dropout : of attention weights in training.
    """

    def __init__(self, hidden_size: int, heads: int, head_size: int, dropout: float = 0.0):
        nn.Module.__init__(self)  # its own layers, and the forward pass of the encoder's
        self.heads, self.head_size, self.dropout = heads, head_size, dropout
        self.attend = functional.scaled_dot_product_attention
        self.query_key_value = nn.Linear(hidden_size, 3 * heads * head_size)
        self.output = nn.Linear(heads * head_size, hidden_size)


# How much each part matters -----------------------------------------------------------------------


def importance(
    model: TaskModel,
    features: Sequence[dict],
    loss_of: Callable[[Tensor, dict[str, Tensor]], Tensor],
    *,
    batch_size: int = 16,
) -> tuple[Tensor, Tensor]:
    """Return how much the loss would change, to first order, if a head or a neuron were gone.

    That is |activation · gradient|, summed over the positions of a text and averaged over texts (Michel et al. 2019,
    section 4.1).

    Parameters
    ----------
    model : a fine-tuned model, left as it is.
    features : rows with labels; never test rows.
    loss_of : the loss of scores and a batch.
    batch_size : rows that are read at once.

    Returns
    -------
    tuple of Tensor
        (L, A) for heads and (L, I) for neurons, float, at least 0.

    Raises
    ------
    CourseError
        If there is no row.
    """
    if not features:
        raise CourseError("There is no text to tell what matters. Give at least one, with its label.")
    probed = copy.deepcopy(model).eval().requires_grad_(True)
    blocks = probed.encoder.blocks
    inputs: dict[nn.Module, Tensor] = {}

    def note(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        inputs[module] = arguments[0]
        arguments[0].retain_grad()

    for block in blocks:
        block.attention.output.register_forward_pre_hook(note)
        block.contract.register_forward_pre_hook(note)
    heads = [torch.zeros(block.attention.heads) for block in blocks]
    neurons = [torch.zeros(block.contract.in_features) for block in blocks]
    for _, batch in inference_batches(features, batch_size):
        probed.zero_grad()
        (
            loss_of(probed(batch), batch) * len(batch["input_ids"])
        ).backward()  # a sum: each text has its gradient
        for layer, block in enumerate(blocks):
            context = inputs[block.attention.output]  # (B, T, heads · D)
            change = (context * context.grad).sum(dim=1)  # (B, heads · D)
            heads[layer] += change.unflatten(1, (block.attention.heads, -1)).sum(dim=2).abs().sum(dim=0)
            expanded = inputs[block.contract]  # (B, T, I)
            neurons[layer] += (expanded * expanded.grad).sum(dim=1).abs().sum(dim=0).detach()
    return torch.stack(heads).detach() / len(features), torch.stack(neurons) / len(features)


def weakest(matters: Tensor, share: float) -> list[tuple[int, ...]]:
    """Return, for each block, the places that matter least: the same number in every block, rounded down.

    Parameters
    ----------
    matters : (L, places) float.
    share : of the places that goes, from 0 to below 1.

    Raises
    ------
    CourseError
        If the share is out of its range.
    """
    if not 0 <= share < 1:
        raise CourseError(
            f"The share to remove is {share}. Choose one from 0 to below 1: something must stay."
        )
    count = math.floor(share * matters.shape[1] + 1e-9)  # a third of 12 is 4, in floats too
    return [tuple(sorted(row.argsort()[:count].tolist())) for row in matters]


# Removing -----------------------------------------------------------------------------------------


def _kept(total: int, removed: Sequence[int], kind: str) -> Tensor:
    strange = [place for place in removed if not 0 <= place < total]
    if strange:
        raise CourseError(f"There is no {kind} {strange[0]}. A block has {kind}s 0 to {total - 1}.")
    kept = [place for place in range(total) if place not in set(removed)]
    if not kept:
        raise CourseError(f"All {total} {kind}s of a block would go. Leave at least one.")
    return torch.tensor(kept)


def _rows(linear: nn.Linear, kept: Tensor) -> nn.Linear:
    smaller = nn.Linear(linear.in_features, len(kept))
    smaller.weight, smaller.bias = nn.Parameter(linear.weight[kept]), nn.Parameter(linear.bias[kept])
    return smaller


def _columns(linear: nn.Linear, kept: Tensor) -> nn.Linear:
    smaller = nn.Linear(len(kept), linear.out_features)
    smaller.weight, smaller.bias = nn.Parameter(linear.weight[:, kept]), nn.Parameter(linear.bias.clone())
    return smaller


def _columns_of_heads(kept: Tensor, head_size: int) -> Tensor:
    """Return the places of the kept heads in the hidden state, (kept · D,)."""
    return (kept[:, None] * head_size + torch.arange(head_size)).flatten()


def _check(model: TaskModel, heads: Removals, neurons: Removals) -> None:
    layers = len(model.encoder.blocks)
    if len(heads) != layers or len(neurons) != layers:
        raise CourseError(
            f"The model has {layers} blocks, and removals are given for {len(heads)} and {len(neurons)}. "
            "Give one list for each block, empty where nothing goes."
        )


@torch.no_grad()
def narrow(block: EncoderBlock, heads: Sequence[int], neurons: Sequence[int]) -> None:
    """Take heads and neurons out of a block in place: rows of one matrix, and the same columns of the next."""
    attention = block.attention
    kept = _kept(attention.heads, heads, "head")
    columns = _columns_of_heads(kept, attention.head_size)  # (kept · D,)
    width = attention.heads * attention.head_size
    smaller = NarrowAttention(
        attention.output.out_features, len(kept), attention.head_size, attention.dropout
    )
    rows = torch.cat([part * width + columns for part in range(3)])  # queries, keys and values
    smaller.query_key_value = _rows(attention.query_key_value, rows)
    smaller.output = _columns(attention.output, columns)
    block.attention = smaller
    left = _kept(block.expand.out_features, neurons, "neuron")
    block.expand, block.contract = _rows(block.expand, left), _columns(block.contract, left)


def pruned(model: TaskModel, heads: Removals, neurons: Removals) -> TaskModel:
    """Return a copy of a model without some heads and neurons; its matrices are smaller.

    Parameters
    ----------
    model : left as it is.
    heads, neurons : for each block, the places that go, counted from 0.

    Raises
    ------
    CourseError
        If a place doesn't exist, or nothing would be left of a block.
    """
    _check(model, heads, neurons)
    small = copy.deepcopy(model)
    for block, heads_gone, neurons_gone in zip(small.encoder.blocks, heads, neurons, strict=True):
        narrow(block, heads_gone, neurons_gone)
    return small.train(model.training)


@torch.no_grad()
def masked(model: TaskModel, heads: Removals, neurons: Removals) -> TaskModel:
    """Return a copy whose heads and neurons are multiplied by zero: the scores of :func:`pruned`, in the old matrices.

    Parameters
    ----------
    model, heads, neurons : as for :func:`pruned`.

    Raises
    ------
    CourseError
        As :func:`pruned` does.
    """
    _check(model, heads, neurons)
    masked_model = copy.deepcopy(model)
    for block, heads_gone, neurons_gone in zip(masked_model.encoder.blocks, heads, neurons, strict=True):
        attention = block.attention
        kept = _columns_of_heads(_kept(attention.heads, heads_gone, "head"), attention.head_size)
        left = _kept(block.expand.out_features, neurons_gone, "neuron")
        for linear, places in ((attention.output, kept), (block.contract, left)):
            gone = torch.ones(linear.in_features, dtype=torch.bool)
            gone[places] = False
            linear.weight[:, gone] = 0.0
    return masked_model
