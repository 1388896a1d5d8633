"""Inputs of the encoder: one or two segments of word pieces become one row of a batch.

``[CLS] A [SEP]`` or ``[CLS] A [SEP] B [SEP]``, with token type 0 for [CLS], A and its [SEP], and 1
for B and its [SEP] (Devlin et al. 2018, section 3, figure 2). In the shape comments, B is the batch
and T the sequence length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.bert.wordpiece import WordPieceTokenizer
from course_lib.errors import CourseError

TRUNCATIONS = ("longest_first", "only_first", "only_second")


class InputError(CourseError, ValueError):
    """Segments cannot be packed as asked."""


class SpecialIds(NamedTuple):
    """The ids of the tokens that packing adds."""

    cls_id: int
    sep_id: int
    pad_id: int

    @classmethod
    def from_vocabulary(cls, vocabulary: Mapping[str, int]) -> SpecialIds:
        """Look up [CLS], [SEP] and [PAD].

        Raises
        ------
        InputError
            If the vocabulary lacks one of them.
        """
        missing = [token for token in ("[CLS]", "[SEP]", "[PAD]") if token not in vocabulary]
        if missing:
            raise InputError(
                f"The vocabulary has no {missing[0]}, so no input can be packed. "
                "Add it to the special tokens when the vocabulary is trained."
            )
        return cls(vocabulary["[CLS]"], vocabulary["[SEP]"], vocabulary["[PAD]"])


class PackedSequence(NamedTuple):
    """One packed input, not yet padded: two lists of the same length."""

    input_ids: list[int]
    token_type_ids: list[int]


class PackedBatch(NamedTuple):
    """A padded batch, all (B, T) int64.

    ``input_ids`` are word pieces, [PAD] at the end; ``token_type_ids`` 0 for segment A and padding, 1
    for B; ``attention_mask`` 1 for tokens and 0 for padding; ``position_ids`` count from 0 in each row.
    """

    input_ids: Tensor
    token_type_ids: Tensor
    attention_mask: Tensor
    position_ids: Tensor


def truncate_longest_first(first: int, second: int, budget: int) -> tuple[int, int]:
    """Return how many tokens of each segment stay when the longer one loses its last token, again and again.

    This is ``_truncate_seq_pair`` of the original. Of two equally long segments it shortens the
    second, so the first keeps the odd token; ``tokenizers`` and transformers may give it to the second.

    Parameters
    ----------
    first, second : tokens of each segment.
    budget : tokens that may stay in all.
    """
    while first + second > budget:
        if first > second:
            first -= 1
        else:
            second -= 1
    return first, second


def truncate(
    first: Sequence[int], second: Sequence[int] | None, budget: int, truncation: str = "longest_first"
) -> tuple[list[int], list[int] | None]:
    """Shorten segments at their ends until they fit a budget of tokens.

    Parameters
    ----------
    first, second : ids of the two segments; ``second`` is ``None`` if there is one only.
    budget : tokens that may stay in all, special tokens not counted.
    truncation : ``longest_first`` (the original's rule), ``only_first`` or ``only_second``.

    Raises
    ------
    InputError
        If the rule is unknown, or nothing would be left of the only segment that may be cut.
    """
    if truncation not in TRUNCATIONS:
        raise InputError(f"truncation is {truncation!r}. Use one of: {', '.join(TRUNCATIONS)}.")
    lengths = len(first), 0 if second is None else len(second)
    excess = sum(lengths) - budget
    if excess <= 0:
        keep = lengths
    elif truncation == "longest_first":
        keep = truncate_longest_first(*lengths, budget)
    else:
        cut = TRUNCATIONS.index(truncation) - 1  # 0 for the first segment, 1 for the second
        if lengths[cut] <= excess:
            raise InputError(
                f"The segments are {excess} tokens too long, and {truncation} may cut only a segment of "
                f"{lengths[cut]}, of which nothing would be left. Use longest_first, or raise max_length."
            )
        keep = (lengths[0] - excess, lengths[1]) if cut == 0 else (lengths[0], lengths[1] - excess)
    return list(first[: keep[0]]), None if second is None else list(second[: keep[1]])


def pack(
    first: Sequence[int],
    second: Sequence[int] | None = None,
    *,
    special: SpecialIds,
    max_length: int | None = None,
    truncation: str = "longest_first",
) -> PackedSequence:
    """Put [CLS] and [SEP] around one or two segments; what truncation cuts is never one of those.

    Parameters
    ----------
    first, second : ids of the segments, without special tokens.
    special : the ids to add.
    max_length : the longest result, special tokens included; no limit if left out.
    truncation : which segment is cut, see :func:`truncate`.

    Raises
    ------
    InputError
        If ``max_length`` cannot hold the special tokens, or truncation is impossible.
    """
    number_added = 2 if second is None else 3
    if max_length is not None:
        if max_length < number_added:
            raise InputError(
                f"max_length is {max_length}, but {'one segment' if second is None else 'two segments'} "
                f"need {number_added} places for [CLS] and [SEP] alone. Raise max_length."
            )
        # Cut before the special tokens are added: cutting afterwards would lose the last [SEP].
        first, second = truncate(first, second, max_length - number_added, truncation)
    input_ids = [special.cls_id, *first, special.sep_id]
    token_type_ids = [0] * len(input_ids)
    if second is not None:
        input_ids += [*second, special.sep_id]
        token_type_ids += [1] * (len(second) + 1)
    return PackedSequence(input_ids, token_type_ids)


def pad_batch(sequences: Sequence[PackedSequence], pad_id: int, multiple_of: int = 1) -> PackedBatch:
    """Pad packed sequences at the end, to the longest of them.

    Parameters
    ----------
    sequences : at least one packed sequence.
    pad_id : id of [PAD].
    multiple_of : round the length up to a multiple of this, which some hardware prefers.

    Raises
    ------
    InputError
        If there is no sequence, or ``multiple_of`` is less than 1.
    """
    if not sequences:
        raise InputError("The batch has no sequence, so it has no length. Skip it, or give one at least.")
    if multiple_of < 1:
        raise InputError(f"multiple_of is {multiple_of}. Use 1 for no rounding, or 8 or 64.")
    longest = max(len(sequence.input_ids) for sequence in sequences)
    length = -(-longest // multiple_of) * multiple_of  # rounded up
    input_ids = torch.full((len(sequences), length), pad_id)  # (B, T)
    token_type_ids = torch.zeros_like(input_ids)  # (B, T)
    attention_mask = torch.zeros_like(input_ids)  # (B, T)
    for row, sequence in enumerate(sequences):
        end = len(sequence.input_ids)
        input_ids[row, :end] = torch.tensor(sequence.input_ids)
        token_type_ids[row, :end] = torch.tensor(sequence.token_type_ids)
        attention_mask[row, :end] = 1
    position_ids = torch.arange(length).repeat(len(sequences), 1)  # (T,) -> (B, T)
    return PackedBatch(input_ids, token_type_ids, attention_mask, position_ids)


def pack_texts(
    tokenizer: WordPieceTokenizer,
    texts: Sequence[str | tuple[str, str]],
    *,
    max_length: int | None = None,
    truncation: str = "longest_first",
    multiple_of: int = 1,
) -> PackedBatch:
    """Encode, pack and pad texts, or pairs of texts.

    Parameters
    ----------
    tokenizer : cuts the texts into word pieces.
    texts : each a text, or a pair (A, B).
    max_length, truncation : see :func:`pack`.
    multiple_of : see :func:`pad_batch`.

    Raises
    ------
    InputError
        If ``texts`` is empty or a single string, or an entry is no text and no pair, or cannot be packed.
    """
    if isinstance(texts, str):
        raise InputError("texts is one string; a batch is a list. Write [text] for a batch of one.")
    special = SpecialIds.from_vocabulary(tokenizer.vocabulary)
    sequences = []
    for text in texts:
        parts = (text,) if isinstance(text, str) else tuple(text)
        if len(parts) not in (1, 2):
            raise InputError(f"An input has {len(parts)} segments. Give a text, or a pair of texts.")
        segments = [tokenizer.encode(part).ids for part in parts]
        sequences.append(pack(*segments, special=special, max_length=max_length, truncation=truncation))
    return pad_batch(sequences, special.pad_id, multiple_of)
