"""Masking for the masked language model, over a whole batch at once.

Devlin et al. 2018, section 3.1 (task 1) and appendix A.1; the counts are those of the authors'
``create_pretraining_data``. In the shape comments B is the batch, T the sequence length, V the
vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

IGNORED = -100  # the label of a position that takes no part in the loss


@dataclass(frozen=True)
class MaskingStrategy:
    """How many tokens are chosen, and what a chosen token turns into.

    Parameters
    ----------
    mask, random, keep : shares of the chosen tokens that become [MASK], become a random word, stay.
    selection : share of the tokens that is chosen, [CLS] and [SEP] counted as the original does.
    max_predictions : the most tokens chosen in one sequence; ``None`` for no limit.
    whole_words : whether all pieces of a word are chosen together.

    Raises
    ------
    ValueError
        If the shares do not add up to 1, or a number is out of its range.
    """

    mask: float = 0.8
    random: float = 0.1
    keep: float = 0.1
    selection: float = 0.15
    max_predictions: int | None = 20
    whole_words: bool = False

    def __post_init__(self):
        shares = (self.mask, self.random, self.keep)
        if not (min(shares) >= 0 and abs(sum(shares) - 1) <= 1e-9):  # so written, NaN is refused too
            raise ValueError(
                f"The shares mask {self.mask}, random {self.random} and keep {self.keep} must each be at "
                "least 0 and add up to 1."
            )
        if not 0 < self.selection <= 1:
            raise ValueError(f"selection is {self.selection}; it is a share, above 0 and at most 1.")
        if self.max_predictions is not None and self.max_predictions < 1:
            raise ValueError(f"max_predictions is {self.max_predictions}; use at least 1, or None.")


@dataclass(frozen=True)
class MaskingVocabulary:
    """What masking must know of a vocabulary of V word pieces.

    Parameters
    ----------
    mask_id, pad_id : ids of [MASK] and [PAD].
    is_special : (V,) bool, true for [PAD], [UNK], [CLS], [SEP], [MASK].
    is_continuation : (V,) bool, true for pieces that continue a word (``##ing``).
    random_ids : (R,) int64, the words that a random replacement may be.
    """

    mask_id: int
    pad_id: int
    is_special: Tensor
    is_continuation: Tensor
    random_ids: Tensor

    @classmethod
    def from_tokens(
        cls,
        tokens: list[str],
        special_tokens: tuple[str, ...] = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    ) -> MaskingVocabulary:
        """Build it from the word pieces in the order of their ids.

        Raises
        ------
        ValueError
            If [MASK] or [PAD] is not in the vocabulary.
        """
        for needed in ("[MASK]", "[PAD]"):
            if needed not in tokens:
                raise ValueError(
                    f"The vocabulary has no {needed}, so no batch can be masked. "
                    "Add it to the special tokens when the vocabulary is trained."
                )
        is_special = torch.tensor([token in special_tokens for token in tokens])
        is_unused = torch.tensor([token.startswith("[unused") for token in tokens])
        return cls(
            mask_id=tokens.index("[MASK]"),
            pad_id=tokens.index("[PAD]"),
            is_special=is_special,
            is_continuation=torch.tensor([token.startswith("##") for token in tokens]),
            random_ids=(~is_special & ~is_unused).nonzero().squeeze(1),
        )

    @classmethod
    def from_tokenizer(cls, tokenizer) -> MaskingVocabulary:
        """Build it from a transformers tokenizer."""
        tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
        return cls.from_tokens(tokens, tuple(tokenizer.all_special_tokens))


class MaskedBatch(NamedTuple):
    """A masked batch.

    ``input_ids`` (B, T) int64 is what the model sees; ``labels`` (B, T) int64 holds the original id
    at chosen positions and -100 elsewhere; ``chosen`` (B, T) bool says where to predict.
    """

    input_ids: Tensor
    labels: Tensor
    chosen: Tensor


def number_to_choose(lengths: Tensor, strategy: MaskingStrategy) -> Tensor:
    """Return how many tokens to choose: min(limit, max(1, round(selection x length))).

    Parameters
    ----------
    lengths : (B,) int64, tokens of each sequence with [CLS] and [SEP], without padding.

    Returns
    -------
    Tensor
        (B,) int64.
    """
    # float64, and round half to even as Python's round does: float32 would disagree at exact halves
    count = (lengths.double() * strategy.selection).round().long().clamp(min=1)
    return count if strategy.max_predictions is None else count.clamp(max=strategy.max_predictions)


def word_numbers(input_ids: Tensor, vocabulary: MaskingVocabulary) -> Tensor:
    """Number the words of each sequence: a ``##`` piece belongs to the word before it.

    Punctuation marks and Chinese characters are words of their own, because WordPiece separates
    them before it cuts words into pieces. Special tokens get -1.

    Parameters
    ----------
    input_ids : (B, T) int64.

    Returns
    -------
    Tensor
        (B, T) int64, counted from 0 in each row.
    """
    special = vocabulary.is_special[input_ids]  # (B, T)
    after_special = torch.cat([torch.ones_like(special[:, :1]), special[:, :-1]], dim=1)
    starts = ~special & (~vocabulary.is_continuation[input_ids] | after_special)
    return torch.where(special, -1, starts.long().cumsum(dim=1) - 1)


def _choose_tokens(scores: Tensor, counts: Tensor) -> Tensor:
    """Choose in each row the ``counts`` tokens of lowest score: a draw without replacement."""
    if not scores.shape[1]:
        return torch.zeros_like(scores, dtype=torch.bool)
    places = torch.arange(scores.shape[1], device=scores.device)
    scores = scores.double() + places * 2.0**-40  # float32 scores can be equal; these cannot
    last = _sort_rows(scores).gather(1, counts.clamp(min=1)[:, None] - 1)  # (B, 1): the highest one chosen
    return scores <= last.masked_fill((counts == 0)[:, None], -1.0)


def _sort_rows(scores: Tensor) -> Tensor:
    """Sort each row; on a CPU by numpy, whose sort of short rows is twenty times as fast as torch's."""
    if scores.device.type == "cpu":
        return torch.from_numpy(np.sort(scores.numpy(), axis=1))
    return scores.sort(dim=1).values


def _places(chosen: Tensor) -> Tensor:
    """Return where a mask is true, counted through all rows; on a CPU numpy is five times as fast."""
    if chosen.device.type == "cpu":
        return torch.from_numpy(np.flatnonzero(chosen.numpy()))
    return chosen.view(-1).nonzero().squeeze(1)


def _maskable_words(words: Tensor, candidates: Tensor) -> Tensor:
    """Name each word by the position of its first piece; -1 outside words.

    A caller's numbers may be of any size, a position is always below T. A word with a piece that must
    be left alone is left alone as a whole.
    """
    ordered, order = words.sort(dim=1, stable=True)  # (B, T): pieces of a word side by side
    is_first = torch.ones_like(ordered, dtype=torch.bool)
    is_first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    places = torch.arange(words.shape[1], device=words.device)
    first_places = torch.where(is_first, places, 0).cummax(dim=1).values  # (B, T)
    first = torch.empty_like(order).scatter_(1, order, order.gather(1, first_places))  # (B, T)
    left_alone = torch.zeros_like(first).scatter_add_(1, first, (~candidates).long()).gather(1, first)
    return torch.where((words < 0) | (left_alone > 0), -1, first)


def _choose_words(scores: Tensor, words: Tensor, counts: Tensor) -> Tensor:
    """Choose whole words in random order; a word that would overflow the count is skipped."""
    B, T = words.shape
    inside = words >= 0
    slot = words.clamp(min=0)
    lengths = torch.zeros_like(words).scatter_add_(1, slot, inside.long())  # (B, T) pieces per word
    order = scores.masked_fill(lengths == 0, torch.inf).argsort(dim=1)  # words in random order
    taken = torch.zeros(B, T, dtype=torch.bool, device=words.device)
    remaining = counts.clone()
    for rank in range(T):  # vectorized over the batch
        word = order[:, rank : rank + 1]  # (B, 1)
        length = lengths.gather(1, word).squeeze(1)
        fits = (length > 0) & (length <= remaining)
        taken.scatter_(1, word, fits[:, None])
        remaining -= torch.where(fits, length, 0)
        if not bool(((length > 0) & (remaining > 0)).any()):  # no words left, or no budget
            break
    return taken.gather(1, slot) & inside


def mask_tokens(
    input_ids: Tensor,
    vocabulary: MaskingVocabulary,
    strategy: MaskingStrategy = MaskingStrategy(),
    *,
    generator: torch.Generator | None = None,
    words: Tensor | None = None,
    never: Tensor | None = None,
) -> MaskedBatch:
    """Choose tokens of each sequence and replace most of them (Devlin et al. 2018, section 3.1).

    The count is fixed for a given length and drawn without replacement, as in the original. Special
    tokens and padding are never chosen and never drawn as random words.

    Parameters
    ----------
    input_ids : (B, T) int64, sequences with [CLS] and [SEP], padded with [PAD].
    vocabulary : what to know of the vocabulary.
    strategy : shares and counts.
    generator : source of randomness, for a repeatable result.
    words : (B, T) int64, number of the word each token belongs to, negative outside words; for
        whole-word masking with words of your own, such as those of a Chinese segmenter. A word with
        a special token in it, or a position of ``never``, is left alone as a whole.
    never : (B, T) bool, further positions that must not be chosen.

    Returns
    -------
    MaskedBatch
        New tensors; ``input_ids`` itself is left as it was.

    Raises
    ------
    ValueError
        If ``words`` are given to a strategy that does not mask whole words.
    """
    if words is not None and not strategy.whole_words:
        raise ValueError(
            "words are given, and the strategy does not mask whole words: they would be ignored. "
            "Use MaskingStrategy(whole_words=True), or leave words out."
        )
    B, T = input_ids.shape
    special = vocabulary.is_special.index_select(0, input_ids.reshape(-1)).view(B, T)
    candidates = ~special if never is None else ~special & ~never
    lengths = (input_ids != vocabulary.pad_id).sum(dim=1)  # (B,)
    counts = torch.minimum(number_to_choose(lengths, strategy), candidates.sum(dim=1))

    scores = torch.rand(B, T, generator=generator, device=input_ids.device)
    if strategy.whole_words:
        words = word_numbers(input_ids, vocabulary) if words is None else words
        chosen = _choose_words(scores, _maskable_words(words, candidates), counts)
    else:
        chosen = _choose_tokens(torch.where(candidates, scores, 2.0), counts)

    places = _places(chosen)  # (M,): the chosen tokens alone are far fewer
    originals = input_ids.reshape(-1).index_select(0, places)  # (M,)
    labels = torch.full_like(input_ids, IGNORED).view(-1).index_copy_(0, places, originals).view(B, T)
    # The fate of a chosen token: one draw decides between [MASK], a random word, and itself.
    draw = torch.rand(len(places), generator=generator, device=input_ids.device)
    picks = torch.randint(
        len(vocabulary.random_ids), (len(places),), generator=generator, device=input_ids.device
    )
    random_words = vocabulary.random_ids.index_select(0, picks)  # (M,)
    replacements = torch.where(draw < strategy.mask, vocabulary.mask_id, random_words)  # (M,)
    kept = draw >= strategy.mask + strategy.random
    fates = torch.where(kept, originals, replacements)  # (M,)
    masked = input_ids.flatten().clone().index_copy_(0, places, fates)
    return MaskedBatch(masked.view(B, T), labels, chosen)
