"""Sentence pairs: the original's algorithm in distribution, and the errors that others make."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency, ks_2samp

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.heads import next_sentence_head
from course_lib.bert.inputs import SpecialIds, pack, truncate_longest_first
from course_lib.errors import CourseError
from course_lib.pretraining.corpus import TokenizedCorpus, corpus_from_pieces
from course_lib.pretraining.masking import MaskingVocabulary, mask_tokens
from course_lib.pretraining.sentence_pairs import (
    PairError,
    SegmentPairs,
    _truncate,
    gather_pairs,
    plan_pairs,
)
from tests.pretraining.literal_examples import (
    lists_of,
    literal_arrays,
    literal_example,
    literal_pairs,
    truncate_by_coins,
)

PAD, CLS, SEP, MASK, FIRST_WORD = 0, 1, 2, 3, 4
SPECIAL = SpecialIds(CLS, SEP, PAD)
TRIALS = settings(max_examples=100, deadline=None)
CHANCE = 1e-4  # a p-value that no seed of a right version gave; a wrong one is far below it


def corpus_of(lengths: list[list[int]]) -> TokenizedCorpus:
    """Return a corpus of the given sentence lengths, every token with an id of its own: its position."""
    sizes = [size for document in lengths for size in document]
    ends = np.cumsum(sizes)
    pieces = [np.arange(end - size, end) + FIRST_WORD for size, end in zip(sizes, ends, strict=True)]
    return corpus_from_pieces(pieces, [len(document) for document in lengths])


def document_of(corpus: TokenizedCorpus, tokens: np.ndarray) -> np.ndarray:
    """Return the number of the document that positions in the tokens lie in."""
    return np.searchsorted(corpus.sentence_starts[corpus.document_starts], tokens, side="right") - 1


lengths_of_documents = st.lists(st.lists(st.integers(1, 12), min_size=2, max_size=9), min_size=2, max_size=6)
seeds = st.integers(0, 2**31)


def long_corpus(documents: int = 300, seed: int = 0) -> TokenizedCorpus:
    """Return documents of 2 to 40 sentences of 3 to 40 tokens, about as in running text."""
    draw = np.random.default_rng(seed)
    return corpus_of([draw.integers(3, 41, draw.integers(2, 41)).tolist() for _ in range(documents)])


# Errors that well-known teaching code makes. Each is a check, so that the error can be put in, too.


def check_labels(corpus: TokenizedCorpus, pairs: SegmentPairs) -> None:
    """Error 3: label 0 is IsNext, 1 is random."""
    same = document_of(corpus, pairs.first[:, 0]) == document_of(corpus, pairs.second[:, 0])
    in_order = pairs.first[:, 1] <= pairs.second[:, 0]
    assert np.array_equal(pairs.labels == 0, same & in_order)


def check_random_documents(corpus: TokenizedCorpus, pairs: SegmentPairs) -> None:
    """Error 4: a random B is from another document, so it is never the true one."""
    own, other = (document_of(corpus, span[:, 0]) for span in (pairs.first, pairs.second))
    assert (own != other)[pairs.labels == 1].all()
    for span in (pairs.first, pairs.second):  # and no segment runs over the end of its document
        assert np.array_equal(document_of(corpus, span[:, 0]), document_of(corpus, span[:, 1] - 1))


def check_spans(corpus: TokenizedCorpus, pairs: SegmentPairs, room: int) -> None:
    """Error 5: segments are spans of several sentences that together fill the room."""
    numbers = [np.searchsorted(corpus.sentence_starts, span - [0, 1], side="right") for span in
               (pairs.first, pairs.second)]  # fmt: skip
    sentences = [number[:, 1] - number[:, 0] + 1 for number in numbers]
    assert sentences[0].mean() > 2 and sentences[1].mean() > 2
    tokens = (pairs.first[:, 1] - pairs.first[:, 0]) + (pairs.second[:, 1] - pairs.second[:, 0])
    assert (tokens == room).mean() > 0.6


def check_rows(input_ids: torch.Tensor, token_type_ids: torch.Tensor, max_length: int) -> None:
    """Error 6: every row is [CLS] A [SEP] B [SEP] within the length, the last [SEP] too."""
    assert input_ids.shape[1] <= max_length
    for ids, types in zip(input_ids.tolist(), token_type_ids.tolist(), strict=True):
        while ids[-1] == PAD:
            ids.pop()
        assert ids[0] == CLS and ids[-1] == SEP and ids.count(SEP) == 2 and ids.count(CLS) == 1
        middle = ids.index(SEP)
        assert 1 < middle < len(ids) - 2  # both segments hold something
        assert types == [0] * (middle + 1) + [1] * (len(ids) - middle - 1) + [0] * (len(types) - len(ids))


@given(lengths=lengths_of_documents, room=st.integers(2, 60), seed=seeds, short=st.sampled_from([0, 0.1, 1]))
@TRIALS
def test_labels_and_documents_of_every_pair(lengths, room, seed, short):
    corpus = corpus_of(lengths)
    pairs = plan_pairs(corpus, room + 3, short_probability=short, seed=seed)
    check_labels(corpus, pairs)
    check_random_documents(corpus, pairs)


@given(lengths=lengths_of_documents, room=st.integers(2, 60), seed=seeds,
       objective=st.sampled_from(["nsp", "sop"]))  # fmt: skip
@TRIALS
def test_every_row_has_both_separators_and_both_segments(lengths, room, seed, objective):
    corpus = corpus_of(lengths)
    pairs = plan_pairs(corpus, room + 3, objective=objective, seed=seed)
    if len(pairs):
        batch = gather_pairs(corpus, pairs, np.arange(len(pairs)), SPECIAL)
        check_rows(batch.input_ids, batch.token_type_ids, room + 3)


def test_segments_are_spans_of_several_sentences():
    draw = np.random.default_rng(1)
    corpus = corpus_of([draw.integers(5, 15, 60).tolist() for _ in range(50)])
    check_spans(corpus, plan_pairs(corpus, 128, seed=0), 125)


def test_two_documents_never_give_a_random_segment_of_the_same_one():
    """The original tries ten times, and with two documents one pair in a thousand is wrong."""
    corpus = corpus_of([[3] * 40, [3] * 40])
    for seed in range(300):
        check_random_documents(corpus, plan_pairs(corpus, 20, seed=seed))


def test_the_checks_see_the_errors():
    """Each error is put in, and its check must fail."""
    draw = np.random.default_rng(2)
    corpus = corpus_of([draw.integers(5, 15, 60).tolist() for _ in range(50)])
    pairs = plan_pairs(corpus, 64, seed=0)
    for check in (check_labels, check_random_documents):
        check(corpus, pairs)
    with pytest.raises(AssertionError):  # 3: inverted labels
        check_labels(corpus, replace(pairs, labels=1 - pairs.labels))
    one = int(np.flatnonzero(pairs.labels == 1)[0])  # 4: one random B from the document of A
    second = pairs.second.copy()
    start = corpus.sentence_starts[corpus.document_starts[document_of(corpus, pairs.first[one, 0])]]
    second[one] = start, start + 5
    with pytest.raises(AssertionError):
        check_random_documents(corpus, replace(pairs, second=second))
    s = corpus.sentence_starts  # 5: a sentence and the next one
    single = SegmentPairs(
        np.stack([s[:-2], s[1:-1]], 1), np.stack([s[1:-1], s[2:]], 1), np.zeros(len(s) - 2, np.int64)
    )
    with pytest.raises(AssertionError):
        check_spans(corpus, single, 61)
    batch = gather_pairs(corpus, pairs, np.arange(50), SPECIAL)
    check_rows(batch.input_ids, batch.token_type_ids, 64)
    with pytest.raises(AssertionError):  # 6: cut after the special tokens were added
        check_rows(batch.input_ids[:, :60], batch.token_type_ids[:, :60], 64)


def test_the_label_convention_is_that_of_the_head():
    """Class 0 is IsNext in the pairs as in the head's documentation and in published checkpoints."""
    assert "class 0 is IsNext" in next_sentence_head.__doc__
    head = next_sentence_head(BertConfiguration(hidden_size=8, num_attention_heads=2))
    corpus = long_corpus(20)
    pairs = plan_pairs(corpus, 32, seed=0)
    assert head(torch.zeros(3, 8)).shape[1] == len(set(pairs.labels.tolist())) == 2


# The walk through a document


@given(lengths=lengths_of_documents, seed=seeds)
@TRIALS
def test_unused_sentences_are_put_back(lengths, seed):
    """Where nothing is cut, the segments A and the true segments B of a document are the document."""
    corpus = corpus_of(lengths)
    pairs = plan_pairs(corpus, 600, short_probability=1, seed=seed)  # long enough for any two documents
    spans = np.concatenate([pairs.first, pairs.second[pairs.labels == 0]])
    spans = spans[spans[:, 0].argsort()]
    assert spans[0, 0] == 0 and spans[-1, 1] == len(corpus.tokens)
    assert np.array_equal(spans[1:, 0], spans[:-1, 1])
    assert np.isin(spans, corpus.sentence_starts).all()


@given(lengths=lengths_of_documents, seed=seeds)
@TRIALS
def test_swapped_segments_are_neighbors(lengths, seed):
    corpus = corpus_of(lengths)
    pairs = plan_pairs(corpus, 600, objective="sop", short_probability=1, seed=seed)
    swapped = pairs.labels == 1
    early = np.where(swapped[:, None], pairs.second, pairs.first)
    late = np.where(swapped[:, None], pairs.first, pairs.second)
    assert np.array_equal(early[:, 1], late[:, 0])
    assert np.array_equal(document_of(corpus, early[:, 0]), document_of(corpus, late[:, 1] - 1))


@given(lengths=lengths_of_documents, room=st.integers(2, 40), seed=seeds,
       objective=st.sampled_from(["nsp", "sop"]))  # fmt: skip
@TRIALS
def test_a_seed_decides_and_nothing_else(lengths, room, seed, objective):
    corpus = corpus_of(lengths)
    before = corpus.tokens.copy(), corpus.sentence_starts.copy(), corpus.document_starts.copy()
    first, again = (plan_pairs(corpus, room + 3, objective=objective, seed=seed) for _ in range(2))
    for name in ("first", "second", "labels"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert getattr(first, name).dtype == np.int64
    assert first.first.shape == first.second.shape == (len(first), 2) and first.labels.shape == (len(first),)
    after = corpus.tokens, corpus.sentence_starts, corpus.document_starts
    assert all(map(np.array_equal, before, after))


def test_another_seed_is_another_pass_in_another_order():
    corpus = long_corpus(30)
    first, second = (plan_pairs(corpus, 64, seed=seed) for seed in (0, 1))
    assert len(first) != len(second) or not np.array_equal(first.second, second.second)
    for pairs in (first, second):
        documents = document_of(corpus, pairs.first[:, 0])
        assert not np.array_equal(documents, np.sort(documents))


# Against the literal version, in distribution


def outcomes(corpus: TokenizedCorpus, kinds: list[list[int]], triples) -> dict[str, list]:
    """Return what the first and the last pair of each document were, and how many it gave.

    A corpus of many copies of a few documents makes these independent draws, whose every possible
    outcome can be counted. Places are named by the kind of document and the place in it.
    """
    starts = corpus.sentence_starts[corpus.document_starts]

    def place(tokens: list[int]) -> tuple[int, int, int]:
        begin, end = tokens[0] - FIRST_WORD, tokens[-1] - FIRST_WORD + 1
        document = int(np.searchsorted(starts, begin, side="right")) - 1
        return document % len(kinds), begin - int(starts[document]), end - int(starts[document])

    of_document: dict[int, list] = {}
    for first, second, label in triples:
        document = int(np.searchsorted(starts, min(first[0], second[0] if label == 0 else first[0])
                                       - FIRST_WORD, side="right")) - 1  # fmt: skip
        of_document.setdefault(document, []).append((first[0], (place(first), place(second), int(label))))
    ordered = {document: [key for _, key in sorted(found)] for document, found in of_document.items()}
    return {
        "first": [keys[0] for keys in ordered.values()],
        "last": [keys[-1] for keys in ordered.values()],
        "number": [(document % len(kinds), len(keys)) for document, keys in ordered.items()],
    }


def same_distribution(ours: list, theirs: list) -> float:
    """Return the p-value of a chi-square test that two samples of outcomes are of one distribution."""
    counts = [Counter(ours), Counter(theirs)]
    names = sorted(set(ours) | set(theirs))
    table = np.array([[count[name] for name in names] for count in counts])
    frequent = table.sum(axis=0) >= 10
    table = np.concatenate([table[:, frequent], table[:, ~frequent].sum(axis=1, keepdims=True)], axis=1)
    return chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue


def tokens_of(corpus: TokenizedCorpus, pairs: SegmentPairs):
    """Yield the tokens of A and B and the label of each pair."""
    for first, second, label in zip(pairs.first, pairs.second, pairs.labels.tolist(), strict=True):
        yield corpus.tokens[slice(*first)].tolist(), corpus.tokens[slice(*second)].tolist(), label


@pytest.mark.parametrize("objective", ["nsp", "sop"])
@pytest.mark.parametrize("short", [0.0, 0.5])
def test_every_outcome_is_as_likely_as_in_the_literal_version(objective, short):
    kinds = [[2, 1, 3], [4, 1, 1, 2], [1, 6]]
    corpus = corpus_of(kinds * 4000)
    ours = outcomes(
        corpus,
        kinds,
        tokens_of(corpus, plan_pairs(corpus, 8, objective=objective, short_probability=short, seed=3)),
    )
    literal = literal_pairs(lists_of(corpus), 8, random.Random(4), objective, short)
    theirs = outcomes(corpus, kinds, literal)
    assert len(set(theirs["first"])) > (20 if objective == "nsp" else 10)
    for name in ours:
        assert same_distribution(ours[name], theirs[name]) > CHANCE, name


@pytest.mark.parametrize("objective", ["nsp", "sop"])
def test_lengths_and_labels_of_long_documents(objective):
    """Independent documents: one value each, so that the tests of the distributions hold."""
    corpus = long_corpus(3000)
    ours = list(tokens_of(corpus, plan_pairs(corpus, 128, objective=objective, seed=5)))
    theirs = literal_pairs(lists_of(corpus), 128, random.Random(6), objective)
    samples = []
    for pairs in (ours, theirs):
        rows = np.array([(min(first[0], second[0]) if objective == "sop" else first[0],
                          len(first), len(second), label) for first, second, label in pairs])  # fmt: skip
        documents = document_of(corpus, rows[:, 0] - FIRST_WORD)
        number = np.bincount(documents, minlength=3000)
        chosen = np.random.default_rng(0).permutation(len(rows))
        _, picked = np.unique(documents[chosen], return_index=True)
        picked = rows[chosen[picked]]  # (documents, 4): a random pair of each
        samples.append((number, picked[:, 1], picked[:, 2], picked[:, 1] + picked[:, 2], picked[:, 3]))
    for own, other in zip(*samples, strict=True):
        assert ks_2samp(own, other, method="asymp").pvalue > CHANCE
    shares = [np.mean(sample[4]) for sample in samples]
    assert shares[0] == pytest.approx(shares[1], abs=4.5 * math.sqrt(0.5 / 3000))


@pytest.mark.parametrize("name", ["first", "last", "number"])
def test_the_comparison_of_outcomes_can_fail(name):
    """It notices a version that never shortens, and one that inverts the labels."""
    kinds = [[2, 1, 3], [4, 1, 1, 2], [1, 6]]
    corpus = corpus_of(kinds * 4000)
    found = [
        outcomes(corpus, kinds, tokens_of(corpus, plan_pairs(corpus, 8, short_probability=p, seed=3)))[name]
        for p in (0, 0.5)
    ]
    assert same_distribution(*found) < CHANCE
    if name == "first":
        inverted = [(first, second, 1 - label) for first, second, label in found[0]]
        assert same_distribution(found[0], inverted) < CHANCE


def test_the_share_of_random_segments_where_it_can_be_computed():
    """Two sentences in one chunk: 1/2 IsNext, else two random pairs, so 1/3 of the labels are 0."""
    corpus = corpus_of([[3, 3]] * 20_000)
    pairs = plan_pairs(corpus, 32, short_probability=0, seed=7)
    is_next = int((pairs.labels == 0).sum())
    assert len(pairs) == is_next + 2 * (20_000 - is_next)
    assert binomtest(is_next, 20_000, 0.5).pvalue > CHANCE


def test_random_segments_come_from_all_other_documents_alike():
    corpus = corpus_of([[2] * 6] * 12)
    counts = np.zeros((12, 12), dtype=int)
    for seed in range(400):
        pairs = plan_pairs(corpus, 20, seed=seed)
        changed = pairs.labels == 1
        own, other = (document_of(corpus, span[changed, 0]) for span in (pairs.first, pairs.second))
        np.add.at(counts, (own, other), 1)
    assert (counts.diagonal() == 0).all()
    for own in range(12):
        others = np.delete(counts[own], own)
        assert binomtest(int(others.max()), int(others.sum()), 1 / 11).pvalue > CHANCE / 11
        assert others.min() > 0.5 * others.mean()


# Truncation


def truncated(first: int, second: int, room: int, repeats: int, seed: int = 0) -> np.ndarray:
    """Return the spans that are left, (repeats, 2, 2), of segments that begin at 0 and at 1000."""
    spans = [np.repeat([[0], [first]], repeats, 1), np.repeat([[1000], [1000 + second]], repeats, 1)]
    return np.stack(_truncate(*spans, room, np.random.default_rng(seed)), axis=1)


@given(first=st.integers(1, 80), second=st.integers(1, 80), room=st.integers(2, 100))
@settings(max_examples=300, deadline=None)
def test_each_segment_keeps_as_many_tokens_as_the_original_leaves(first, second, room):
    spans = truncated(first, second, room, 5)
    assert (spans[..., 1] - spans[..., 0] == truncate_longest_first(first, second, room)).all()
    assert (spans[:, 0] >= 0).all() and (spans[:, 0] <= first).all()
    assert (spans[:, 1] >= 1000).all() and (spans[:, 1] <= 1000 + second).all()


@pytest.mark.parametrize(("first", "second", "room"), [(9, 4, 8), (10, 10, 13), (3, 30, 20), (12, 1, 5)])
def test_tokens_go_at_the_front_as_often_as_single_coins_say(first, second, room):
    ours = [tuple(span[:, 0].tolist()) for span in truncated(first, second, room, 5000, seed=1)]
    generator, theirs = random.Random(2), []
    for _ in range(5000):
        a, b = list(range(first)), list(range(1000, 1000 + second))
        truncate_by_coins(a, b, room, generator)
        theirs.append((a[0], b[0]))
    assert same_distribution(ours, theirs) > CHANCE


# Batches


@given(lengths=lengths_of_documents, room=st.integers(2, 60), seed=seeds,
       objective=st.sampled_from(["nsp", "sop"]), extra=st.none() | st.integers(0, 5))  # fmt: skip
@TRIALS
def test_a_batch_equals_packing_one_pair_after_the_other(lengths, room, seed, objective, extra):
    corpus = corpus_of(lengths)
    pairs = plan_pairs(corpus, room + 3, objective=objective, seed=seed)
    if not len(pairs):
        return
    rows = np.random.default_rng(seed).integers(0, len(pairs), 7)
    length = None if extra is None else room + 3 + extra
    batch = gather_pairs(corpus, pairs, rows, SPECIAL, length)
    packed = [pack(a, b, special=SPECIAL) for a, b, _ in list(tokens_of(corpus, pairs))]
    T = length or max(len(packed[row].input_ids) for row in rows)
    for i, row in enumerate(rows):
        ids, types = packed[row]
        missing = T - len(ids)
        assert batch.input_ids[i].tolist() == ids + [PAD] * missing
        assert batch.token_type_ids[i].tolist() == types + [0] * missing
        assert batch.attention_mask[i].tolist() == [1] * len(ids) + [0] * missing
    assert batch.labels.tolist() == pairs.labels[rows].tolist()
    assert all(tensor.dtype == torch.int64 for tensor in batch)


def test_other_ids_of_special_tokens_and_rows_as_a_tensor():
    corpus = corpus_of([[5, 5, 5], [5, 5]])
    pairs = plan_pairs(corpus, 40, seed=0)
    rows = np.arange(len(pairs))
    ours = gather_pairs(corpus, pairs, torch.from_numpy(rows), SpecialIds(101, 102, 77), 40)
    usual = gather_pairs(corpus, pairs, rows, SPECIAL, 40)
    assert ours.input_ids[:, 0].eq(101).all() and (ours.input_ids == 102).sum() == 2 * len(pairs)
    assert ours.input_ids[ours.attention_mask == 0].eq(77).all()
    inside = usual.input_ids >= FIRST_WORD
    assert torch.equal(ours.input_ids[inside], usual.input_ids[inside])


def test_masks_of_pairs_are_those_of_the_literal_version():
    """The count is equal at every length; the fates are compared by their shares."""
    corpus = long_corpus(120)
    size = len(corpus.tokens) + FIRST_WORD
    names = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(size - FIRST_WORD))]
    vocabulary = MaskingVocabulary.from_tokens(names)
    pairs = plan_pairs(corpus, 128, seed=8)
    batch = gather_pairs(corpus, pairs, np.arange(len(pairs)), SPECIAL, 128)
    masked = mask_tokens(batch.input_ids, vocabulary, generator=torch.Generator().manual_seed(9))
    generator, words = random.Random(10), list(range(FIRST_WORD, size))
    examples = [
        literal_example(pair, CLS, SEP, MASK, words, generator)
        for pair in literal_pairs(lists_of(corpus), 128, generator)
    ]
    theirs = {name: torch.from_numpy(a) for name, a in literal_arrays(examples, 128, PAD).items()}
    counts = {}
    for name, inputs, labels, attention in (
        ("ours", masked.input_ids, masked.labels, batch.attention_mask),
        ("literal", theirs["input_ids"], theirs["labels"], theirs["attention_mask"]),
    ):
        chosen = labels != -100
        counts[name] = dict(zip(attention.sum(1).tolist(), chosen.sum(1).tolist(), strict=True))
        fates = [inputs[chosen] == MASK, inputs[chosen] == labels[chosen]]
        fates.append(~fates[0] & ~fates[1])
        n = int(chosen.sum())
        assert n > 10_000
        for fate, share in zip(fates, (0.8, 0.1, 0.1), strict=True):
            assert abs(int(fate.sum()) - n * share) < 4.5 * math.sqrt(n * share * (1 - share)), name
        special = torch.isin(torch.where(chosen, labels, inputs), torch.tensor([PAD, CLS, SEP]))
        assert not (chosen & special).any()
    for length in set(counts["ours"]) & set(counts["literal"]):
        assert counts["ours"][length] == counts["literal"][length]
    assert len(set(counts["ours"]) & set(counts["literal"])) > 5


def test_each_epoch_masks_anew():
    """Error 7: the pairs are planned once, the masks drawn for every batch."""
    corpus = long_corpus(10)
    vocabulary = MaskingVocabulary.from_tokens(
        ["[PAD]", "[CLS]", "[SEP]", "[MASK]", *map(str, range(len(corpus.tokens)))]
    )
    pairs, generator = plan_pairs(corpus, 64, seed=0), torch.Generator().manual_seed(0)
    batch = gather_pairs(corpus, pairs, np.arange(8), SPECIAL)
    first, second = (mask_tokens(batch.input_ids, vocabulary, generator=generator) for _ in range(2))
    assert not torch.equal(first.chosen, second.chosen)


# Bad input: one clear message each


def test_an_empty_corpus_is_refused():
    empty = TokenizedCorpus(np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros(1, np.int64))
    with pytest.raises(PairError, match="The corpus is empty"):
        plan_pairs(empty, 128, seed=0)


def test_one_document_is_refused_for_next_sentences_but_not_for_their_order():
    corpus = corpus_of([[3, 4, 5]])
    with pytest.raises(PairError, match="The corpus is one document"):
        plan_pairs(corpus, 128, seed=0)
    assert len(plan_pairs(corpus, 128, objective="sop", short_probability=0, seed=0)) == 1


@pytest.mark.parametrize("objective", ["nsp", "sop"])
def test_a_document_of_one_sentence_is_refused_by_its_number(objective):
    with pytest.raises(PairError, match=r"Document 1 .* has a single sentence"):
        plan_pairs(corpus_of([[3, 4], [5], [6, 7]]), 128, objective=objective, seed=0)


def test_documents_and_sentences_without_content_are_refused():
    with pytest.raises(PairError, match=r"Document 1 .* has no sentence"):
        plan_pairs(corpus_of([[3, 4], [], [6, 7]]), 128, seed=0)
    with pytest.raises(PairError, match=r"Sentence 2 .* has no token"):
        plan_pairs(corpus_of([[3, 4], [0, 6, 7]]), 128, seed=0)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"max_length": 4}, "max_length is 4. Use at least 5"),
        ({"objective": "next"}, "objective is 'next'. Use one of: nsp, sop"),
        ({"short_probability": 1.5}, "short_probability is 1.5"),
        ({"short_probability": math.nan}, "short_probability is nan"),
    ],
)
def test_settings_out_of_range_are_refused(named, message):
    with pytest.raises(PairError, match=message):
        plan_pairs(corpus_of([[3, 4], [5, 6]]), **({"max_length": 64, "seed": 0} | named))


def test_batches_that_cannot_be_made_are_refused():
    corpus = corpus_of([[30, 40], [50, 60]])
    pairs = plan_pairs(corpus, 64, short_probability=0, seed=0)
    with pytest.raises(PairError, match="The batch has no pair"):
        gather_pairs(corpus, pairs, np.zeros(0, np.int64), SPECIAL)
    with pytest.raises(PairError, match="A pair has 64 tokens, but max_length is 32"):
        gather_pairs(corpus, pairs, np.arange(len(pairs)), SPECIAL, 32)
    with pytest.raises(IndexError):
        gather_pairs(corpus, pairs, np.array([10_000]), SPECIAL)
    assert issubclass(PairError, CourseError) and issubclass(PairError, ValueError)
