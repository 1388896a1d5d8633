"""Masking for the masked language model, over a whole batch at once.

Devlin et al. 2018, section 3.1 (task 1) and appendix A.1; the counts are those of the authors'
``create_pretraining_data``. In the shape comments B is the batch, T the sequence length, M the number
of chosen tokens in the batch, V the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.bert.heads import IGNORED
from course_lib.bert.inputs import SpecialIds
from course_lib.pretraining.whole_words import choose_words, maskable_words, word_numbers


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
    max_predictions: int | None = None
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

    @classmethod
    def of_paper(cls) -> MaskingStrategy:
        """Return the strategy of the authors' code: 20 predictions at most, the default of a flag.

        It goes with sequences of 128 tokens, 15% of which are 19; for 512 they tell you to raise it to 77.
        """
        return cls(max_predictions=20)


@dataclass(frozen=True)
class MaskingVocabulary:
    """What masking, and packing before it, must know of a vocabulary of V word pieces.

    Parameters
    ----------
    mask_id : id of [MASK].
    special : ids of [CLS], [SEP] and [PAD].
    is_special : (V,) bool, true for [PAD], [UNK], [CLS], [SEP], [MASK].
    is_continuation : (V,) bool, true for pieces that continue a word (``##ing``).
    random_ids : (R,) int64, the words that a random replacement may be.
    """

    mask_id: int
    special: SpecialIds
    is_special: Tensor
    is_continuation: Tensor
    random_ids: Tensor

    @property
    def pad_id(self) -> int:
        """Id of [PAD]."""
        return self.special.pad_id

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
            If [MASK], [PAD], [CLS] or [SEP] is not in the vocabulary.
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
            special=SpecialIds.from_vocabulary({token: number for number, token in enumerate(tokens)}),
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

    ``input_ids`` (B, T) int64 is what the model sees; ``positions`` (M,) int64 says where to predict, in
    the batch read row by row: row · T + column; ``targets`` (M,) int64 are the original ids there.
    """

    input_ids: Tensor
    positions: Tensor
    targets: Tensor

    @property
    def chosen(self) -> Tensor:
        """Where to predict: (B, T) bool."""
        chosen = torch.zeros_like(self.input_ids, dtype=torch.bool).flatten()
        return chosen.index_fill_(0, self.positions, True).view_as(self.input_ids)

    @property
    def labels(self) -> Tensor:
        """The original ids at chosen positions and -100 elsewhere, as transformers has them: (B, T) int64."""
        labels = torch.full_like(self.input_ids, IGNORED).flatten()
        return labels.index_copy_(0, self.positions, self.targets).view_as(self.input_ids)

    def rows(self, first: int, last: int) -> MaskedBatch:
        """Return the sequences from ``first`` up to ``last``, that one not included, as a batch."""
        T = self.input_ids.shape[1]
        inside = (self.positions >= first * T) & (self.positions < last * T)  # (M,)
        return MaskedBatch(
            self.input_ids[first:last], self.positions[inside] - first * T, self.targets[inside]
        )


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


def choose_tokens(scores: Tensor, counts: Tensor) -> Tensor:
    """Choose in each row the ``counts`` tokens of lowest score: a draw without replacement.

    Parameters
    ----------
    scores : (B, T) float32 from 0 to 2, random where a token may be chosen.
    counts : (B,) int64.

    Returns
    -------
    Tensor
        (B, T) bool.
    """
    T = scores.shape[1]
    # Two float32 numbers can be equal: then the earlier position is the lower one, in float64.
    scores = scores.double() + torch.arange(T, device=scores.device) * 2.0**-40
    most = max(counts.tolist(), default=0)
    lowest = scores.topk(most, dim=1, largest=False).indices  # (B, most) positions, lowest score first
    among_counts = torch.arange(most, device=scores.device) < counts[:, None]  # (B, most)
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(1, lowest, among_counts)


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
    device = input_ids.device
    # How many, and among which: 15% of the real tokens, never a special one.
    special = vocabulary.is_special.index_select(0, input_ids.reshape(-1)).view(B, T)
    candidates = ~special if never is None else ~special & ~never
    lengths = (input_ids != vocabulary.pad_id).sum(dim=1)  # (B,)
    counts = torch.minimum(number_to_choose(lengths, strategy), candidates.sum(dim=1))

    # Which: a random score for each token, and the lowest ones are chosen.
    scores = torch.rand(B, T, generator=generator, device=device)
    if strategy.whole_words:
        words = word_numbers(input_ids, vocabulary) if words is None else words
        chosen = choose_words(scores, maskable_words(words, candidates), counts)
    else:
        chosen = choose_tokens(torch.where(candidates, scores, 2.0), counts)
    positions = chosen.flatten().nonzero().squeeze(1)  # (M,): the chosen tokens alone are far fewer
    targets = input_ids.flatten().index_select(0, positions)  # (M,)

    # What they become: one random number decides between [MASK] (80%), a random word (10%) and itself (10%).
    M, words_to_draw = len(positions), len(vocabulary.random_ids)
    number = torch.rand(M, generator=generator, device=device)  # (M,) from 0 to 1
    random_numbers = torch.randint(words_to_draw, (M,), generator=generator, device=device)
    replacement_ids = vocabulary.random_ids.index_select(0, random_numbers)  # (M,)
    replacement_ids = torch.where(number < strategy.mask, vocabulary.mask_id, replacement_ids)
    replacement_ids = torch.where(number >= strategy.mask + strategy.random, targets, replacement_ids)
    masked_ids = input_ids.flatten().index_copy(0, positions, replacement_ids).view(B, T)
    return MaskedBatch(masked_ids, positions, targets)
