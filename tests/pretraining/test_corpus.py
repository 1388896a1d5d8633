"""A tokenized corpus: nothing lost, nothing moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from course_lib.data.weights import bundled_weights_folder
from course_lib.pretraining.corpus import (
    TokenizedCorpus,
    corpus_from_pieces,
    full_sequences,
    tokenize_corpus,
)

CLS, SEP, PAD = 101, 102, 0
# documents of sentences of tokens; ids from 1,000 up cannot be taken for special ones
sentence = st.lists(st.integers(1000, 30000), min_size=1, max_size=25)
documents = st.lists(st.lists(sentence, min_size=1, max_size=7), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The tokenizer as it is published: it truncates and pads to 128 tokens."""
    return Tokenizer.from_file(str(bundled_weights_folder(verify=False) / "tokenizer.json"))


def corpus_of(texts: list[list[list[int]]]) -> TokenizedCorpus:
    pieces = [np.array(sentence, dtype=np.int32) for document in texts for sentence in document]
    return corpus_from_pieces(pieces, [len(document) for document in texts])


def lists_of(corpus: TokenizedCorpus) -> list[list[list[int]]]:
    """Back to lists, by the offsets alone."""
    s, d = corpus.sentence_starts, corpus.document_starts
    return [
        [corpus.tokens[s[i] : s[i + 1]].tolist() for i in range(d[n], d[n + 1])]
        for n in range(corpus.number_of_documents)
    ]


@given(texts=documents)
@settings(deadline=None)
def test_offsets_cover_everything_once(texts):
    corpus = corpus_of(texts)
    assert lists_of(corpus) == texts
    assert corpus.number_of_documents == len(texts)
    assert corpus.sentence_lengths.tolist() == [len(s) for document in texts for s in document]
    assert corpus.sentence_starts[0] == corpus.document_starts[0] == 0
    assert corpus.sentence_starts[-1] == len(corpus.tokens)
    assert corpus.document_starts[-1] == len(corpus.sentence_starts) - 1
    assert corpus.tokens.dtype == np.int32
    assert corpus.sentence_starts.dtype == corpus.document_starts.dtype == np.int64


@given(texts=documents, data=st.data())
@settings(deadline=None)
def test_chosen_documents_in_the_given_order(texts, data):
    numbers = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=6))
    assert lists_of(corpus_of(texts).documents(iter(numbers))) == [texts[number] for number in numbers]


@pytest.mark.parametrize("number", [-1, 2, 99])
def test_a_document_that_is_not_there_is_refused(number):
    corpus = corpus_of([[[1000]], [[1001], [1002]]])
    with pytest.raises(IndexError, match=f"no document {number}: the 2 documents"):
        corpus.documents([0, number])


def test_tokenizing_gives_the_pieces_of_the_tokenizer_and_nothing_else(tokenizer):
    texts = [["BERT reads both ways.", "So do we."], ["Embeddings, unsurprisingly, add up."]]
    corpus = tokenize_corpus(iter(texts), tokenizer)
    found = [[[tokenizer.id_to_token(i) for i in s] for s in document] for document in lists_of(corpus)]
    assert found[0] == [["bert", "reads", "both", "ways", "."], ["so", "do", "we", "."]]
    assert "".join(found[1][0]).replace("##", "") == "embeddings,unsurprisingly,addup."


def test_a_tokenizer_that_truncates_and_pads_loses_and_adds_nothing(tokenizer):
    assert tokenizer.truncation["max_length"] == 128 and tokenizer.padding["length"] == 128
    corpus = tokenize_corpus([["word " * 300], ["one"]], tokenizer)
    assert corpus.sentence_lengths.tolist() == [300, 1]
    assert tokenizer.truncation["max_length"] == 128, "the caller's tokenizer was changed"


def test_empty_sentences_and_documents_are_left_out(tokenizer):
    corpus = tokenize_corpus([[], ["", "one", "  \n"], [" "], ["two words", ""]], tokenizer)
    assert [[len(s) for s in document] for document in lists_of(corpus)] == [[1], [2]]


@pytest.mark.parametrize("texts", [[], [[]], [["", " "], []]])
def test_an_empty_corpus_is_refused(tokenizer, texts):
    with pytest.raises(ValueError, match="The corpus is empty"):
        tokenize_corpus(texts, tokenizer)


def test_no_documents_chosen_is_an_empty_corpus():
    empty = corpus_of([[[1000]]]).documents([])
    assert empty.number_of_documents == 0 and len(empty.tokens) == 0
    assert full_sequences(empty, 8, CLS, SEP).shape == (0, 8)


def rows_of(corpus: TokenizedCorpus, max_length: int) -> list[list[int]]:
    sequences = full_sequences(corpus, max_length, CLS, SEP, PAD)
    assert sequences.shape[1] == max_length and str(sequences.dtype) == "torch.int64"
    rows = []
    for row in sequences.tolist():
        length = len([token for token in row if token != PAD])
        assert row[0] == CLS and row[length - 1] == SEP and row[length:] == [PAD] * (max_length - length)
        content = row[1 : length - 1]
        assert content and CLS not in content and SEP not in content
        rows.append(content)
    return rows


def slow_rows(texts: list[list[list[int]]], room: int) -> list[list[int]]:
    """Sentence by sentence: add it if it fits; if not, close the row; cut what fits in no row."""
    rows = []
    for document in texts:
        row: list[int] = []
        for sentence in document:
            if row and len(row) + len(sentence) > room:
                rows.append(row)
                row = []
            row = row + sentence
            while len(row) > room:
                rows.append(row[:room])
                row = row[room:]
        rows.append(row)
    return [row for row in rows if row]


@given(texts=documents, max_length=st.integers(3, 40))
@settings(max_examples=200, deadline=None)
def test_sequences_keep_every_token_in_order_and_whole_sentences_where_they_fit(texts, max_length):
    rows = rows_of(corpus_of(texts), max_length)
    assert [token for row in rows for token in row] == [
        token for document in texts for s in document for token in s
    ]
    assert rows == slow_rows(texts, max_length - 2)


def test_no_sequence_crosses_a_document():
    texts = [[[1000 * n + i] * 3 for i in range(4)] for n in range(1, 5)]
    for row in rows_of(corpus_of(texts), 32):
        assert len({token // 1000 for token in row}) == 1


def test_a_sentence_is_cut_only_if_it_is_longer_than_a_sequence():
    short, long = [1000] * 3, [2000] * 11
    assert (
        rows_of(corpus_of([[short, short, long, short]]), 7)
        == [
            short,  # with the next sentence it would be 6, and there is room for 5
            short,
            long[:5],
            long[:5],
            long[:1] + short,  # the rest of a cut sentence, and the next one whole
        ]
    )


@pytest.mark.parametrize("max_length", [2, 1, 0, -5])
def test_a_length_without_room_for_a_token_is_refused(max_length):
    with pytest.raises(ValueError, match="use at least 3"):
        full_sequences(corpus_of([[[1000]]]), max_length, CLS, SEP)


def test_another_padding_id_is_used():
    assert full_sequences(corpus_of([[[1000]]]), 5, CLS, SEP, 9).tolist() == [[CLS, 1000, SEP, 9, 9]]
