"""Pre-training examples the slow way: one document, one sentence, one token at a time.

What Devlin et al. 2018 describe in section 3.1 and appendix A, written as literally as Python lists allow.
The fast version is held against it, in distribution by the tests and in speed by the benchmark.
"""

from __future__ import annotations

import random
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from course_lib.pretraining.corpus import TokenizedCorpus

Document = list[list[int]]  # the ids of each sentence


class LiteralPair(NamedTuple):
    """Segments A and B with their label; NSP: 1 = random, SOP: 1 = swapped."""

    first: list[int]
    second: list[int]
    label: int


class LiteralExample(NamedTuple):
    """A masked pair, not padded: positions are in order, ``originals`` are the ids that stood there."""

    input_ids: list[int]
    token_type_ids: list[int]
    positions: list[int]
    originals: list[int]
    label: int


def lists_of(corpus: TokenizedCorpus) -> list[Document]:
    """Return a corpus as lists of lists of lists."""
    s, d = corpus.sentence_starts.tolist(), corpus.document_starts.tolist()
    tokens = corpus.tokens.tolist()
    return [[tokens[s[i] : s[i + 1]] for i in range(begin, end)] for begin, end in pairwise(d)]


def literal_pairs(
    documents: list[Document],
    max_length: int,
    generator: random.Random,
    objective: str = "nsp",
    short_probability: float = 0.1,
) -> list[LiteralPair]:
    """Return the pairs of all documents, shuffled."""
    pairs = []
    for number in range(len(documents)):
        pairs += pairs_of_document(documents, number, max_length, generator, objective, short_probability)
    generator.shuffle(pairs)
    return pairs


def pairs_of_document(
    documents: list[Document],
    number: int,
    max_length: int,
    generator: random.Random,
    objective: str,
    short_probability: float,
) -> list[LiteralPair]:
    """Return the pairs whose segment A is from one document, in its order."""
    room = max_length - 3
    target = generator.randint(2, room) if generator.random() < short_probability else room
    pairs: list[LiteralPair] = []
    waiting = list(documents[number])
    while waiting:
        chunk: list[list[int]] = []
        tokens = 0
        while waiting and tokens < target:
            chunk.append(waiting.pop(0))
            tokens += len(chunk[-1])
        split = generator.randint(1, len(chunk) - 1) if len(chunk) > 1 else 1
        first = [token for sentence in chunk[:split] for token in sentence]
        second = [token for sentence in chunk[split:] for token in sentence]
        label = 0
        if objective == "sop":
            if len(chunk) == 1:
                continue  # there is nothing to swap
            if generator.random() < 0.5:
                first, second, label = second, first, 1
        elif len(chunk) == 1 or generator.random() < 0.5:
            second, label = random_segment(documents, number, target - len(first), generator), 1
            waiting = chunk[split:] + waiting  # B did not use them: back they go
        truncate_by_coins(first, second, room, generator)
        pairs.append(LiteralPair(first, second, label))
    return pairs


def random_segment(
    documents: list[Document], number: int, wanted: int, generator: random.Random
) -> list[int]:
    """Return whole sentences from a random place of another document, at least one, up to a length."""
    other = number
    while other == number:
        other = generator.randrange(len(documents))
    segment: list[int] = []
    place = generator.randrange(len(documents[other]))
    for sentence in documents[other][place:]:
        for token in sentence:
            segment.append(token)
        if len(segment) >= wanted:
            break
    return segment


def truncate_by_coins(first: list[int], second: list[int], room: int, generator: random.Random) -> None:
    """Take single tokens from the longer segment, front or back, until both fit."""
    while len(first) + len(second) > room:
        longer = first if len(first) > len(second) else second
        if generator.random() < 0.5:
            del longer[0]
        else:
            longer.pop()


def literal_example(
    pair: LiteralPair,
    cls_id: int,
    sep_id: int,
    mask_id: int,
    random_ids: list[int],
    generator: random.Random,
    max_predictions: int = 20,
) -> LiteralExample:
    """Put the special tokens around a pair, and mask it."""
    input_ids, token_type_ids = [cls_id], [0]
    for token in pair.first:
        input_ids.append(token)
        token_type_ids.append(0)
    input_ids.append(sep_id)
    token_type_ids.append(0)
    for token in pair.second:
        input_ids.append(token)
        token_type_ids.append(1)
    input_ids.append(sep_id)
    token_type_ids.append(1)

    candidates = []
    for position, token in enumerate(input_ids):
        if token != cls_id and token != sep_id:
            candidates.append(position)
    generator.shuffle(candidates)
    count = min(max_predictions, max(1, round(0.15 * len(input_ids))))
    positions = sorted(candidates[:count])
    originals = []
    for position in positions:
        originals.append(input_ids[position])
        draw = generator.random()
        if draw < 0.8:
            input_ids[position] = mask_id
        elif draw < 0.9:
            input_ids[position] = random_ids[generator.randrange(len(random_ids))]
    return LiteralExample(input_ids, token_type_ids, positions, originals, pair.label)


def literal_arrays(examples: list[LiteralExample], max_length: int, pad_id: int) -> dict[str, np.ndarray]:
    """Pad examples and join them, as the fast version returns them: all (B, max_length) but ``next_labels``."""
    arrays: dict[str, list] = {"input_ids": [], "token_type_ids": [], "attention_mask": [], "labels": []}
    for example in examples:
        input_ids, token_type_ids = list(example.input_ids), list(example.token_type_ids)
        attention_mask = [1] * len(input_ids)
        while len(input_ids) < max_length:
            input_ids.append(pad_id)
            token_type_ids.append(0)
            attention_mask.append(0)
        labels = [-100] * max_length
        for position, original in zip(example.positions, example.originals, strict=True):
            labels[position] = original
        for name, row in zip(arrays, (input_ids, token_type_ids, attention_mask, labels), strict=True):
            arrays[name].append(row)
    joined = {name: np.array(rows, dtype=np.int64) for name, rows in arrays.items()}
    return joined | {"next_labels": np.array([example.label for example in examples])}
