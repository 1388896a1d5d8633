"""The study of sentence tasks: features, word overlap and its threshold, and what is recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.bert.inputs import SpecialIds
from course_lib.pretraining.corpus import TokenizedCorpus, corpus_from_pieces
from course_lib.pretraining.sentence_pairs import plan_pairs
from course_lib.studies.pretraining import sentence_order as study
from course_lib.studies.published import SENTENCE_FORMATS, SENTENCE_OBJECTIVES

SPECIAL = SpecialIds(1, 2, 0)


@pytest.fixture
def corpus() -> TokenizedCorpus:
    """Twelve documents, each with words of its own (topics) and some that all share."""
    draw = np.random.default_rng(0)
    pieces = [
        np.concatenate([draw.integers(10, 20, 4), draw.integers(20 + 10 * d, 30 + 10 * d, 4)])
        for d in range(12)
        for _ in range(12)
    ]
    return corpus_from_pieces(pieces, [12] * 12)


def test_features_are_the_pairs_without_padding(corpus):
    pairs = plan_pairs(corpus, 64, seed=0)
    rows = np.array([3, 0, 5])
    features = study.pair_features(corpus, pairs, SPECIAL, rows)
    for row, feature in zip(rows, features, strict=True):
        first, second = (corpus.tokens[slice(*span[row])].tolist() for span in (pairs.first, pairs.second))
        assert feature["input_ids"] == [1, *first, 2, *second, 2]
        assert feature["token_type_ids"] == [0] * (len(first) + 2) + [1] * (len(second) + 1)
        assert feature["label"] == pairs.labels[row]
    assert len(study.pair_features(corpus, pairs, SPECIAL)) == len(pairs)


def test_overlap_is_the_cosine_of_weighted_word_counts(corpus):
    pairs, weights = plan_pairs(corpus, 64, seed=0), study.inverse_frequencies(corpus, 200)
    found = study.word_overlap(corpus, pairs, weights)
    for row in range(0, len(pairs), 7):
        vectors = []
        for start, end in (pairs.first[row], pairs.second[row]):
            vectors.append(weights * np.bincount(corpus.tokens[start:end], minlength=200))
        cosine = vectors[0] @ vectors[1] / (np.linalg.norm(vectors[0]) * np.linalg.norm(vectors[1]))
        assert found[row] == pytest.approx(cosine)


def test_rare_words_weigh_more(corpus):
    weights = study.inverse_frequencies(corpus, 200)
    sentences = np.split(corpus.tokens, corpus.sentence_starts[1:-1])
    for word in (12, 25):
        assert weights[word] == pytest.approx(np.log(144 / sum(word in sentence for sentence in sentences)))
    assert weights[10:20].max() < weights[20:140].min()


def test_overlap_finds_the_topic_and_not_the_order(corpus):
    """Next sentences share their topic, random ones do not; swapping changes nothing."""
    for objective, low, high in (("nsp", 0.9, 1.0), ("sop", 0.3, 0.7)):
        training, validation = (plan_pairs(corpus, 64, objective=objective, seed=seed) for seed in (0, 1))
        assert low <= study.overlap_accuracy((corpus, training), (corpus, validation), 200) <= high
    swapped = replace(validation, first=validation.second, second=validation.first)
    weights = study.inverse_frequencies(corpus, 200)
    overlaps = [study.word_overlap(corpus, pairs, weights) for pairs in (validation, swapped)]
    assert np.allclose(*overlaps)


@given(values=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 1)), min_size=1, max_size=30))
@settings(deadline=None)
def test_no_threshold_is_better_than_the_one_chosen(values):
    overlap, labels = (np.array(column) for column in zip(*values, strict=True))
    right = lambda threshold: int(((overlap < threshold) == labels).sum())  # noqa: E731
    best = study.best_threshold(overlap, labels)
    assert right(best) == max(right(t) for t in [*overlap.tolist(), np.inf])


def test_loss_and_majority_count_both_classes():
    """Error 2: no class is left out of the loss."""
    scores = torch.tensor([[4.0, 0.0], [0.0, 4.0], [0.0, 4.0]])
    wrong_on_zero = study.pair_loss(scores, {"label": torch.tensor([1, 1, 1])})
    wrong_on_one = study.pair_loss(scores, {"label": torch.tensor([0, 0, 1])})
    right = study.pair_loss(scores, {"label": torch.tensor([0, 1, 1])})
    assert wrong_on_zero > right + 1 and wrong_on_one > right + 1
    assert study.majority_accuracy([{"label": label} for label in (0, 1, 1, 1)]) == 0.75
    assert study.majority_accuracy([{"label": label} for label in (0, 0, 1)]) == pytest.approx(2 / 3)


def test_published_numbers_have_their_shape():
    assert set(SENTENCE_OBJECTIVES) == {"none", "nsp", "sop"}
    assert all(len(scores) == 4 for scores in SENTENCE_OBJECTIVES.values())
    assert all(len(row) == 5 for row in SENTENCE_FORMATS)
