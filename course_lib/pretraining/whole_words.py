"""Whole-word masking: which pieces are a word, and words chosen until the count is full.

The option of the authors' ``create_pretraining_data`` (May 2019), and Cui et al. 2019 for words that a
segmenter has found. In the shape comments B is the batch, T the sequence length.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class PieceKinds(Protocol):
    """What has to be known of a vocabulary's pieces, both (V,) bool; a ``MaskingVocabulary`` knows it."""

    is_special: Tensor
    is_continuation: Tensor


def word_numbers(input_ids: Tensor, vocabulary: PieceKinds) -> Tensor:
    """Number the words of each sequence: a ``##`` piece belongs to the word before it.

    Punctuation marks and Chinese characters are words of their own, because WordPiece separates
    them before it cuts words into pieces. Special tokens get -1.

    Parameters
    ----------
    input_ids : (B, T) int64.
    vocabulary : which of its pieces are special tokens, and which continue a word.

    Returns
    -------
    Tensor
        (B, T) int64, counted from 0 in each row.
    """
    special = vocabulary.is_special[input_ids]  # (B, T)
    after_special = torch.cat([torch.ones_like(special[:, :1]), special[:, :-1]], dim=1)
    starts = ~special & (~vocabulary.is_continuation[input_ids] | after_special)
    return torch.where(special, -1, starts.long().cumsum(dim=1) - 1)


def maskable_words(words: Tensor, candidates: Tensor) -> Tensor:
    """Name each word by the position of its first piece; -1 outside words.

    A caller's numbers may be of any size, a position is always below T. A word with a piece that must
    be left alone is left alone as a whole.

    Parameters
    ----------
    words : (B, T) int64, numbers of words; negative outside words.
    candidates : (B, T) bool, pieces that may be chosen.

    Returns
    -------
    Tensor
        (B, T) int64.
    """
    ordered, order = words.sort(dim=1, stable=True)  # (B, T): pieces of a word side by side
    is_first = torch.ones_like(ordered, dtype=torch.bool)
    is_first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    places = torch.arange(words.shape[1], device=words.device)
    first_places = torch.where(is_first, places, 0).cummax(dim=1).values  # (B, T)
    first = torch.empty_like(order).scatter_(1, order, order.gather(1, first_places))  # (B, T)
    left_alone = torch.zeros_like(first).scatter_add_(1, first, (~candidates).long()).gather(1, first)
    return torch.where((words < 0) | (left_alone > 0), -1, first)


def choose_words(scores: Tensor, words: Tensor, counts: Tensor) -> Tensor:
    """Choose whole words in random order; a word that would overflow the count is skipped.

    Parameters
    ----------
    scores : (B, T) float, random; that of its first piece decides when a word's turn comes.
    words : (B, T) int64, from :func:`maskable_words`.
    counts : (B,) int64, the most pieces of each sequence.

    Returns
    -------
    Tensor
        (B, T) bool, the pieces that are chosen.
    """
    B, T = words.shape
    inside = words >= 0
    slot = words.clamp(min=0)
    lengths = torch.zeros_like(words).scatter_add_(1, slot, inside.long())  # (B, T) pieces per word
    order = scores.masked_fill(lengths == 0, torch.inf).argsort(dim=1)  # words in random order
    chosen = torch.zeros(B, T, dtype=torch.bool, device=words.device)
    remaining = counts.clone()
    for rank in range(T):  # vectorized over the batch
        word = order[:, rank : rank + 1]  # (B, 1)
        length = lengths.gather(1, word).squeeze(1)
        fits = (length > 0) & (length <= remaining)
        chosen.scatter_(1, word, fits[:, None])
        remaining -= torch.where(fits, length, 0)
        if not bool(((length > 0) & (remaining > 0)).any()):  # no words left, or no budget
            break
    return chosen.gather(1, slot) & inside
