"""A corpus tokenized once, kept as flat arrays with the offsets of sentences and documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor


@dataclass(frozen=True)
class TokenizedCorpus:
    """All word pieces of a corpus, one after the other.

    Parameters
    ----------
    tokens : (N,) int32, word-piece ids without special tokens.
    sentence_starts : (S + 1,) int64, where each sentence starts in ``tokens``; the last entry is N.
    document_starts : (D + 1,) int64, where each document starts in the sentences; the last is S.
    """

    tokens: np.ndarray
    sentence_starts: np.ndarray
    document_starts: np.ndarray

    @property
    def sentence_lengths(self) -> np.ndarray:
        """(S,) int64, the number of word pieces of each sentence."""
        return np.diff(self.sentence_starts)

    @property
    def number_of_documents(self) -> int:
        """The number of documents D."""
        return len(self.document_starts) - 1

    def documents(self, numbers: Iterable[int]) -> TokenizedCorpus:
        """Return a corpus of the chosen documents, in the given order.

        Raises
        ------
        IndexError
            If there is no document of such a number.
        """
        numbers = list(numbers)
        for number in numbers:
            if not 0 <= number < self.number_of_documents:
                raise IndexError(
                    f"There is no document {number}: the {self.number_of_documents} documents are numbered "
                    "from 0."
                )
        sentences = [
            range(self.document_starts[number], self.document_starts[number + 1]) for number in numbers
        ]
        pieces = [
            self.tokens[self.sentence_starts[s] : self.sentence_starts[s + 1]]
            for document in sentences
            for s in document
        ]
        return corpus_from_pieces(pieces, [len(document) for document in sentences])


def corpus_from_pieces(pieces: Sequence[np.ndarray], sentences_per_document: list[int]) -> TokenizedCorpus:
    """Join tokenized sentences into a corpus."""
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    return TokenizedCorpus(
        tokens=np.concatenate(pieces).astype(np.int32) if pieces else np.zeros(0, np.int32),
        sentence_starts=np.concatenate([[0], lengths.cumsum()]).astype(np.int64),
        document_starts=np.concatenate([[0], np.cumsum(sentences_per_document)]).astype(np.int64),
    )


def tokenize_corpus(documents: Iterable[Sequence[str]], tokenizer: Tokenizer) -> TokenizedCorpus:
    """Tokenize documents, each a list of sentences; empty sentences and documents are left out.

    Parameters
    ----------
    documents : the sentences of each document.
    tokenizer : a tokenizer of the ``tokenizers`` library; its own truncation and padding are not used.

    Raises
    ------
    ValueError
        If there is no text at all.
    """
    # A published tokenizer.json may truncate and pad (MiniLM's: to 128 tokens), which would lose text.
    plain = tokenizer.encode_special_tokens  # which the copy would forget
    tokenizer = Tokenizer.from_str(tokenizer.to_str())
    tokenizer.encode_special_tokens = plain
    tokenizer.no_truncation()
    tokenizer.no_padding()
    pieces, counts = [], []
    for sentences in documents:
        encodings = tokenizer.encode_batch(list(sentences), add_special_tokens=False)
        ids = [np.array(e.ids, dtype=np.int32) for e in encodings if e.ids]
        if ids:
            pieces += ids
            counts.append(len(ids))
    if not pieces:
        raise ValueError(
            "The corpus is empty: no document holds any text. Give at least one document of one sentence."
        )
    return corpus_from_pieces(pieces, counts)


def full_sequences(
    corpus: TokenizedCorpus, max_length: int, cls_id: int, sep_id: int, pad_id: int = 0
) -> Tensor:
    """Cut each document into sequences of consecutive sentences, [CLS] before and [SEP] after.

    Sentences are kept whole where they fit (the DOC-SENTENCES format of Liu et al. 2019); a sentence
    longer than a sequence is cut.

    Parameters
    ----------
    corpus : the tokenized text.
    max_length : tokens of a sequence, special ones counted.
    cls_id, sep_id, pad_id : ids of the special tokens.

    Returns
    -------
    Tensor
        (number of sequences, max_length) int64, padded with ``pad_id``.

    Raises
    ------
    ValueError
        If no token fits between [CLS] and [SEP].
    """
    if max_length < 3:
        raise ValueError(f"max_length is {max_length}; use at least 3, room for [CLS], one token and [SEP].")
    room, rows = max_length - 2, []
    for first, last in zip(corpus.document_starts[:-1], corpus.document_starts[1:], strict=True):
        start, end, stop = corpus.sentence_starts[first], 0, corpus.sentence_starts[last]
        starts = corpus.sentence_starts[first : last + 1]
        while start < stop:
            fitting = starts[(starts > start) & (starts <= start + room)]
            end = fitting[-1] if len(fitting) else start + room
            rows.append(corpus.tokens[start:end])
            start = end
    sequences = torch.full((len(rows), max_length), pad_id)
    for i, row in enumerate(rows):
        sequences[i, : len(row) + 2] = torch.from_numpy(
            np.concatenate([[cls_id], row, [sep_id]]).astype(np.int64)
        )
    return sequences
