"""Attention to a window and to a few global tokens: cost that grows with the length, not with its square.

Beltagy et al. 2020 (Longformer), section 3.1 and figure 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.errors import CourseError


def window_mask(length: int, window: int, global_positions: Sequence[int] = ()) -> Tensor:
    """Return who may look at whom, (T, T) bool: ``window`` tokens on each side, and global ones from and to all.

    Parameters
    ----------
    length : T.
    window : tokens on each side of a token.
    global_positions : tokens that see all others and are seen by all, mostly [CLS].

    Raises
    ------
    CourseError
        If the window is below 0, or a global position is outside the text.
    """
    if window < 0:
        raise CourseError(f"The window is {window}. Choose a number of tokens from 0.")
    outside = [place for place in global_positions if not 0 <= place < length]
    if outside:
        raise CourseError(
            f"There is no position {outside[0]} in a text of {length} tokens. Choose 0 to {length - 1}."
        )
    places = torch.arange(length)
    mask = (places[:, None] - places[None, :]).abs() <= window  # (T, T)
    mask[list(global_positions)] = True  # they see everything
    mask[:, list(global_positions)] = True  # and everything sees them
    return mask


def attended_pairs(length: int, window: int | None = None, global_tokens: int = 0) -> int:
    """Return how many pairs of tokens are scored, without building the mask.

    Parameters
    ----------
    length : T.
    window : tokens on each side; None for full attention.
    global_tokens : the first so many tokens are global.
    """
    if window is None or global_tokens >= length:
        return length**2
    window = min(window, length - 1)
    rest, near = length - global_tokens, min(window, length - global_tokens - 1)
    # Among the others: a band. With the global ones: their rows and their columns.
    band = rest * (2 * near + 1) - near * (near + 1)
    return band + 2 * length * global_tokens - global_tokens**2


@dataclass(frozen=True)
class CostRow:
    """Scores of one head at one length.

    Parameters
    ----------
    length : tokens.
    full_pairs, sparse_pairs : pairs that are scored.
    full_bytes, sparse_bytes : of those scores in float32.
    """

    length: int
    full_pairs: int
    sparse_pairs: int
    full_bytes: int
    sparse_bytes: int


def attention_costs(lengths: Sequence[int], window: int, global_tokens: int = 1) -> list[CostRow]:
    """Return what full and sparse attention cost at several lengths.

    Parameters
    ----------
    lengths : tokens of a text.
    window : tokens on each side.
    global_tokens : the first so many see everything.
    """
    pairs = [(n, attended_pairs(n), attended_pairs(n, window, global_tokens)) for n in lengths]
    return [CostRow(n, full, sparse, 4 * full, 4 * sparse) for n, full, sparse in pairs]
