"""Weights in little space: matrices as 8-bit integers with one scale a row, the rest in half precision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from course_lib.errors import CheckpointError

SCALE = ".scale"  # behind the name of a matrix: (rows, 1) float, what its integers are multiples of


def as_half(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors in half precision: two bytes a number, about three digits."""
    return {name: tensor.detach().half() for name, tensor in tensors.items()}


def as_int8(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return matrices as integers from -127 to 127, with the scale of each row, and the rest in half precision."""
    compact = {}
    for name, tensor in tensors.items():
        if tensor.dim() == 2:
            scale = (tensor.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-8)  # (rows, 1)
            compact[name] = (tensor / scale).round().to(torch.int8)
            compact[name + SCALE] = scale
        else:
            compact[name] = tensor.half()
    return compact


def restored(
    compact: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path, remedy: str
) -> dict[str, Tensor]:
    """Return the tensors that were made compact, as float32.

    Parameters
    ----------
    compact : from :func:`as_half` or :func:`as_int8`.
    expected : the tensors of the model that they are for, by name: all of them and no others are to be there.
    path, remedy : for the message.

    Raises
    ------
    CheckpointError
        If a name or a shape is not the model's.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    wanted |= {n + SCALE: (len(t), 1) for n, t in compact.items() if t.dtype == torch.int8}
    found = {name: tuple(tensor.shape) for name, tensor in compact.items()}
    strange = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
    if strange:
        raise CheckpointError(f"{path}: tensor {strange[0]!r} does not belong to this model. {remedy}")
    one = torch.ones(1)
    return {name: compact[name].float() * compact.get(name + SCALE, one) for name in expected}
