"""What does a word mean here? Vectors of ambiguous words, by layer and by the context they may use, scored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from course_lib.bert.encoder import BertEncoder
from course_lib.studies.before_bert.word_counts import words_of
from course_lib.studies.before_bert.word_vectors import WordVectors

DIRECTIONS = ("left to right", "right to left", "both sides")


def context_mask(direction: str, length: int) -> Tensor:
    """Return which position (row) may look at which (column).

    Parameters
    ----------
    direction : one of ``DIRECTIONS``; each position always sees itself.
    length : T.

    Returns
    -------
    (T, T) bool

    Raises
    ------
    ValueError
        If there is no such direction.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"There is no direction {direction!r}. Choose one of: {', '.join(DIRECTIONS)}.")
    everything = torch.ones(length, length, dtype=torch.bool)
    return {
        "left to right": everything.tril(),
        "right to left": everything.triu(),
        "both sides": everything,
    }[direction]


def sense_accuracy(vectors: Tensor, senses: Sequence[str]) -> float:
    """Return the share of a word's occurrences whose nearest other occurrence has the same sense.

    Parameters
    ----------
    vectors : (N, H), one for each occurrence; the nearest has the largest cosine. Of several that are equally
        near, the share with the right sense counts, so that equal vectors score what a guess scores.
    senses : N names.
    """
    unit = functional.normalize(vectors.double(), dim=1)
    cosines = unit @ unit.T  # (N, N)
    cosines.fill_diagonal_(-2)  # nothing is its own neighbor
    nearest = cosines >= cosines.max(dim=1, keepdim=True).values - 1e-9  # equal but for rounding
    names = sorted(set(senses))
    numbers = torch.tensor([names.index(sense) for sense in senses])
    same = numbers[:, None] == numbers[None, :]
    return float(((nearest & same).sum(dim=1) / nearest.sum(dim=1)).mean())


def sense_score(vectors: Tensor, rows: Sequence[Mapping]) -> float:
    """Return the mean over words of :func:`sense_accuracy`.

    Parameters
    ----------
    vectors : (N, H), one for each row.
    rows : of ``data/senses``, with ``word`` and ``sense_id``.
    """
    return sum(scores_by_word(vectors, rows).values()) / len({row["word"] for row in rows})


def scores_by_word(vectors: Tensor, rows: Sequence[Mapping]) -> dict[str, float]:
    """Return :func:`sense_accuracy` of each word."""
    places = defaultdict(list)
    for place, row in enumerate(rows):
        places[row["word"]].append(place)
    return {
        word: sense_accuracy(vectors[own], [rows[place]["sense_id"] for place in own])
        for word, own in places.items()
    }


def chance_of_sense(rows: Sequence[Mapping]) -> float:
    """Return what :func:`sense_score` gives for vectors that are all the same."""
    return sense_score(torch.ones(len(rows), 1), rows)


@torch.no_grad()
def vectors_by_layer(
    encoder: BertEncoder,
    tokenizer,
    rows: Sequence[Mapping],
    direction: str = "both sides",
    batch_size: int = 64,
) -> Tensor:
    """Return the vector of each row's word after the embeddings and after each layer.

    Parameters
    ----------
    encoder : a body, in evaluation mode.
    tokenizer : that of the encoder.
    rows : with ``sentence`` and ``start``, where the word begins.
    direction : what a position may look at, one of ``DIRECTIONS``.
    batch_size : sentences at a time.

    Returns
    -------
    (layers + 1, N, H) float
    """
    parts = []
    for first in range(0, len(rows), batch_size):
        batch = rows[first : first + batch_size]
        encodings = [tokenizer.encode(row["sentence"]) for row in batch]
        places = torch.tensor(
            [e.char_to_token(row["start"]) for e, row in zip(encodings, batch, strict=True)]
        )
        input_ids, real = _padded([e.ids for e in encodings])  # (B, T) each
        mask = context_mask(direction, input_ids.shape[1]) & real[:, None]  # (B, T, T)
        states = encoder(input_ids, attention_mask=mask, output_hidden_states=True).hidden_states
        parts.append(torch.stack([state[torch.arange(len(batch)), places] for state in states]))
    return torch.cat(parts, dim=1)


@torch.no_grad()
def vectors_of_all_words(
    encoder: BertEncoder, tokenizer, sentences: Sequence[str], batch_size: int = 64
) -> tuple[Tensor, Tensor]:
    """Return the vectors of all pieces of some sentences by layer, [CLS] and [SEP] left out.

    Returns
    -------
    vectors : (layers + 1, N, H)
    sentence_numbers : (N,) which sentence each comes from.
    """
    parts, numbers = [], []
    for first in range(0, len(sentences), batch_size):
        encodings = [tokenizer.encode(sentence) for sentence in sentences[first : first + batch_size]]
        input_ids, real = _padded([e.ids for e in encodings])
        states = encoder(input_ids, attention_mask=real, output_hidden_states=True).hidden_states
        lengths = real.sum(dim=1)
        inside = torch.arange(input_ids.shape[1]) < (lengths - 1)[:, None]  # (B, T): before [SEP]
        inside[:, 0] = False  # [CLS]
        parts.append(torch.stack([state[inside] for state in states]))
        numbers.append(inside.nonzero()[:, 0] + first)
    return torch.cat(parts, dim=1), torch.cat(numbers)


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return ids filled up with 0, and where they are real, (B, T) each."""
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    lengths = torch.tensor([len(row) for row in rows])
    return ids, torch.arange(ids.shape[1]) < lengths[:, None]


def context_means(vectors: WordVectors, rows: Sequence[Mapping], window: int | None = None) -> Tensor:
    """Return for each row the mean static vector of the words around its word, (N, D); the word itself is left out.

    Parameters
    ----------
    vectors : one for each word; words without one are passed over.
    rows : with ``sentence``, ``start`` and ``form``.
    window : how many words on each side; all of them if left out.
    """
    means = []
    for row in rows:
        before = words_of(row["sentence"][: row["start"]])
        after = words_of(row["sentence"][row["start"] + len(row["form"]) :])
        if window is not None:
            before, after = before[max(0, len(before) - window) :], after[:window]
        around = [functional.normalize(vectors[word], dim=0) for word in (*before, *after) if word in vectors]
        means.append(torch.stack(around).mean(dim=0) if around else torch.zeros(vectors.vectors.shape[1]))
    return torch.stack(means)


def mean_cosine(vectors: Tensor) -> float:
    """Return the mean cosine of all pairs of different vectors, without making the pairs.

    The squared length of a sum of unit vectors is the sum of all their cosines, each with itself included
    (Ethayarajh 2019 calls the mean over random words anisotropy).

    Parameters
    ----------
    vectors : (N, H), at least two.
    """
    unit = functional.normalize(vectors.double(), dim=1)
    N = len(unit)
    return float((unit.sum(dim=0).square().sum() - N) / (N * (N - 1)))


@torch.no_grad()
def interaction(encoder: BertEncoder, pairs: Tensor, direction: str, place: int) -> Tensor:
    """Return by how much the effect of the last word on one place depends on the first word, at each layer.

    The state at the place is computed for both first words with both last words. If left and right were only
    added or joined, this difference of differences would be 0:
    ``f(a, c) − f(a, d) − f(b, c) + f(b, d)``.

    Parameters
    ----------
    encoder : a body, in evaluation mode.
    pairs : (4, T) ids of the sentence with a…c, a…d, b…c, b…d.
    direction : one of ``DIRECTIONS``.
    place : the position that is looked at.

    Returns
    -------
    (layers + 1,) float
        Its length, as a share of the length of the state.
    """
    mask = context_mask(direction, pairs.shape[1]).expand(4, -1, -1)
    states = encoder(pairs, attention_mask=mask, output_hidden_states=True).hidden_states
    signs = torch.tensor([1.0, -1.0, -1.0, 1.0])[:, None]
    return torch.stack(
        [(state[:, place] * signs).sum(dim=0).norm() / state[:, place].norm(dim=1).mean() for state in states]
    )
