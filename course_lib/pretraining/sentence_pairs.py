"""Pairs of segments for next-sentence prediction (NSP) and sentence-order prediction (SOP).

Devlin et al. 2018, section 3.1 (task 2) and appendix A.2, with the counts of the authors'
``create_pretraining_data``; SOP after Lan et al. 2019 (ALBERT), section 3.1. Pairs are planned as
positions in a corpus that was tokenized once; tokens are copied when a batch is made. In the shape
comments S is the number of sentences, P the number of pairs, B the batch, T the sequence length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.bert.inputs import SpecialIds
from course_lib.errors import CourseError
from course_lib.pretraining.corpus import TokenizedCorpus

OBJECTIVES = ("nsp", "sop")


class PairError(CourseError, ValueError):
    """No pairs can be made of this corpus, or not in this way."""


@dataclass(frozen=True)
class SegmentPairs:
    """Pairs of segments, as positions in ``corpus.tokens``, already short enough.

    Parameters
    ----------
    first, second : (P, 2) int64, start and end of segments A and B.
    labels : (P,) int64; NSP: 0 if B is the text after A (IsNext), 1 if it is random; SOP: 0 if A and B
        are in order, 1 if they are swapped.
    """

    first: np.ndarray
    second: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


class PairBatch(NamedTuple):
    """A padded batch of pairs, all int64.

    ``input_ids`` (B, T) is [CLS] A [SEP] B [SEP] and padding; ``token_type_ids`` (B, T) is 1 for B and
    its [SEP]; ``attention_mask`` (B, T) is 0 for padding; ``labels`` (B,) are those of the pairs.
    """

    input_ids: Tensor
    token_type_ids: Tensor
    attention_mask: Tensor
    labels: Tensor


def plan_pairs(
    corpus: TokenizedCorpus,
    max_length: int,
    *,
    objective: str = "nsp",
    short_probability: float = 0.1,
    seed: int,
) -> SegmentPairs:
    """Plan the pairs of one pass over all documents, in random order.

    Another seed gives another pass; the original makes ten and stores them all. A segment is a span of
    sentences, not one sentence. SOP leaves out a chunk of one sentence, which has nothing to swap.

    Parameters
    ----------
    corpus : the tokenized text.
    max_length : tokens of a sequence, [CLS] and both [SEP] counted; at least 5.
    objective : ``nsp`` or ``sop``.
    short_probability : share of the documents that are cut into shorter sequences.
    seed : seed of every draw.

    Raises
    ------
    PairError
        If the corpus is empty, has an empty sentence, has a document of one sentence, or, for NSP, a
        single document; or if a setting is out of its range.
    """
    _check(corpus, max_length, objective, short_probability)
    generator, room = np.random.default_rng(seed), max_length - 3
    starts = corpus.sentence_starts

    # The length to fill, once a document: the whole room, or (p = 0.1) anything from 2 up.
    D = corpus.number_of_documents
    short = generator.random(D) < short_probability
    targets = np.where(short, generator.integers(2, room, D, endpoint=True), room)  # (D,)

    # The original walks through a document chunk by chunk. No sentence starts a chunk twice, so what a
    # chunk would be can be drawn for every sentence at once, and the walk has only to follow.
    documents = np.repeat(np.arange(D), np.diff(corpus.document_starts))  # (S,)
    sentences = np.arange(len(documents))  # (S,)
    ends = _fill(starts, sentences, targets[documents], corpus.document_starts[documents + 1])  # (S,)
    sizes = ends - sentences  # (S,) sentences of the chunk
    splits = sentences + generator.integers(1, np.maximum(sizes, 2))  # A: the first 1 to n - 1 sentences
    changed = generator.random(len(sentences)) < 0.5  # random B, or swapped order
    if objective == "nsp":
        changed |= sizes == 1  # nothing is left for a true B: this is why labels are not 50/50
        following = np.where(changed, splits, ends)  # a random B puts the chunk's other sentences back
    else:
        following = ends
    visited = _walk(following, corpus.document_starts)  # (P,)
    if objective == "sop":
        visited = visited[sizes[visited] > 1]

    # Segments as (start, end) in sentences.
    first = np.stack([visited, splits[visited]])  # (2, P)
    second = np.stack([splits[visited], ends[visited]])  # (2, P)
    labels = changed[visited].astype(np.int64)  # (P,) 0 = IsNext, or in order
    if objective == "nsp":
        wanted = targets[documents[visited]] - (starts[first[1]] - starts[first[0]])
        random_b = _random_segments(corpus, documents[visited], wanted, generator)  # (2, P)
        second = np.where(labels == 1, random_b, second)
    else:
        first, second = np.where(labels == 1, (second, first), (first, second))

    order = generator.permutation(len(labels))
    first, second = _truncate(starts[first[:, order]], starts[second[:, order]], room, generator)
    return SegmentPairs(first, second, labels[order])


def _check(corpus: TokenizedCorpus, max_length: int, objective: str, short_probability: float) -> None:
    """Refuse what no pairs can be made of."""
    if objective not in OBJECTIVES:
        raise PairError(f"objective is {objective!r}. Use one of: {', '.join(OBJECTIVES)}.")
    if max_length < 5:
        raise PairError(
            f"max_length is {max_length}. Use at least 5: [CLS], a token of A, [SEP], a token of B, [SEP]."
        )
    if not 0 <= short_probability <= 1:
        raise PairError(f"short_probability is {short_probability}. It is a share: use 0 to 1.")
    if corpus.number_of_documents == 0 or len(corpus.tokens) == 0:
        raise PairError(
            "The corpus is empty, so there are no pairs. Give documents of two sentences or more."
        )
    sizes = np.diff(corpus.document_starts)
    if (sizes < 2).any():
        number = int((sizes < 2).argmax())
        raise PairError(
            f"Document {number} of the corpus (counted from 0, without empty ones) has {'a single sentence' if sizes[number] else 'no sentence'}, "
            "so nothing in it follows anything. Leave out such documents, or cut the text into sentences first."
        )
    if (corpus.sentence_lengths == 0).any():
        number = int((corpus.sentence_lengths == 0).argmax())
        raise PairError(f"Sentence {number} (counted from 0) has no token. Leave it out of the corpus.")
    if objective == "nsp" and corpus.number_of_documents == 1:
        raise PairError(
            "The corpus is one document, and a random B must come from another one. "
            "Mark where documents end, or use objective='sop', which needs no other document."
        )


def _fill(starts: np.ndarray, first: np.ndarray, targets: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Return where a span ends that takes whole sentences until the target is reached.

    Parameters
    ----------
    starts : (S + 1,) where each sentence starts in the tokens.
    first : (N,) sentence that each span begins with; it takes at least this one.
    targets : (N,) tokens to reach, or to pass by the last sentence taken.
    stops : (N,) the sentence after the document's last.
    """
    ends = np.searchsorted(starts, starts[first] + targets)  # the first sentence that starts at or behind it
    return np.clip(ends, first + 1, stops)


def _walk(following: np.ndarray, document_starts: np.ndarray) -> np.ndarray:
    """Return the sentences that chunks begin with, from the start of each document to its end."""
    following, visited = following.tolist(), []
    sentence, stop = int(document_starts[0]), int(document_starts[-1])
    while sentence < stop:  # a document's last chunk ends where the next document starts
        visited.append(sentence)
        sentence = following[sentence]
    return np.array(visited, dtype=np.int64)


def _random_segments(
    corpus: TokenizedCorpus, own: np.ndarray, wanted: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Draw a segment from another document for each pair: (2, P), start and end in sentences.

    Parameters
    ----------
    corpus : the tokenized text, of two documents or more.
    own : (P,) the document of segment A.
    wanted : (P,) tokens to reach; one sentence is taken at least.
    generator : source of randomness.
    """
    other = generator.integers(corpus.number_of_documents - 1, size=len(own))
    other += other >= own  # skips the own document; the others stay equally likely
    begin, stop = corpus.document_starts[other], corpus.document_starts[other + 1]
    sentence = generator.integers(begin, stop)  # any sentence of it
    return np.stack([sentence, _fill(corpus.sentence_starts, sentence, wanted, stop)])


def _truncate(
    first: np.ndarray, second: np.ndarray, room: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Shorten pairs as if the longer segment lost one token at a time, front or back by a fair coin.

    Which segment loses how many tokens is certain (of two equally long ones B loses the next); only how
    many of them go at the front is left to the coins, and fair coins add up to a binomial draw.

    Parameters
    ----------
    first, second : (2, P) start and end of each segment, in tokens.
    room : tokens that may stay in a pair.
    generator : source of the coins.

    Returns
    -------
    tuple of ndarray
        Both segments as (P, 2) int64.
    """
    lengths = first[1] - first[0], second[1] - second[0]  # each (P,)
    kept_of_first = np.minimum(lengths[0], np.maximum(room - lengths[1], (room + 1) // 2))
    kept = kept_of_first, np.minimum(lengths[1], room - kept_of_first)
    segments = []
    for span, length, stay in zip((first, second), lengths, kept, strict=True):
        start = span[0] + generator.binomial(length - stay, 0.5)
        segments.append(np.stack([start, start + stay], axis=1))
    return segments[0], segments[1]


def gather_pairs(
    corpus: TokenizedCorpus,
    pairs: SegmentPairs,
    rows: np.ndarray | Tensor,
    special: SpecialIds,
    max_length: int | None = None,
) -> PairBatch:
    """Copy the tokens of some pairs into a batch, [CLS] A [SEP] B [SEP], all rows at once.

    Parameters
    ----------
    corpus : the text that the pairs were planned on.
    pairs : planned pairs.
    rows : (B,) integers, which pairs.
    special : ids of [CLS], [SEP], [PAD].
    max_length : length of the batch; that of its longest pair if left out.

    Raises
    ------
    PairError
        If there are no rows, or a pair is longer than ``max_length``.
    IndexError
        If there is no pair of such a number.
    """
    rows = np.asarray(rows)
    if not len(rows):
        raise PairError("The batch has no pair. Give the number of one pair at least.")
    # Half as wide, nearly twice as fast; only a corpus of two billion tokens needs the full width.
    width = np.int32 if len(corpus.tokens) < 2**31 - 2**16 else np.int64
    first, second = pairs.first[rows].astype(width), pairs.second[rows].astype(width)  # each (B, 2)
    first_end = 1 + first[:, 1] - first[:, 0]  # (B,) place of the [SEP] after A
    second_end = first_end + 1 + second[:, 1] - second[:, 0]  # (B,) place of the last [SEP]
    T = int(second_end.max()) + 1
    if max_length is not None:
        if max_length < T:
            raise PairError(
                f"A pair has {T} tokens, but max_length is {max_length}. Plan the pairs with that max_length."
            )
        T = max_length
    places = np.arange(T, dtype=width)
    in_second = places > first_end[:, None]  # (B, T)
    attention_mask = places <= second_end[:, None]  # (B, T)
    # Where in the corpus the token of a place stands: a row is two runs of consecutive tokens.
    sources = np.where(in_second, (second[:, 0] - first_end - 1)[:, None], first[:, :1] - 1)  # (B, T)
    sources += places
    tokens = corpus.tokens.take(sources, mode="clip")  # (B, T); what is not a token's place is set below
    input_ids = np.where(attention_mask, tokens, np.int64(special.pad_id))
    every_row = np.arange(len(rows))
    input_ids[:, 0] = special.cls_id
    input_ids[every_row, first_end] = special.sep_id
    input_ids[every_row, second_end] = special.sep_id
    return PairBatch(
        torch.from_numpy(input_ids),
        torch.from_numpy((in_second & attention_mask).astype(np.int64)),
        torch.from_numpy(attention_mask.astype(np.int64)),
        torch.from_numpy(pairs.labels[rows]),
    )
