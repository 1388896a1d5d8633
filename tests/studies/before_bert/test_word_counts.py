"""n-gram models: probabilities that add up, against counts by hand, and weights that are worth choosing."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.studies.before_bert.word_counts import START, UNKNOWN, NGramModel, frequent_words, words_of

TEXT = [s.split() for s in ("the cat sat", "the dog sat", "a cat saw the dog", "the cat saw a dog")]
WORDS = sorted({word for sentence in TEXT for word in sentence})


def model(order, weights=None, vocabulary=WORDS):
    made = NGramModel(TEXT, order, vocabulary)
    made.weights |= weights or {}
    return made


def test_words_are_lower_case_and_without_punctuation():
    assert words_of("It's the café, No. 7 (O’Neill's).") == ["it's", "the", "café", "no", "7", "o’neill's"]


def test_frequent_words_come_first_and_rare_ones_not_at_all():
    found = frequent_words(TEXT, 3)
    assert next(iter(found.items())) == ("the", 4) and set(found) == {"the", "cat", "dog"}


def test_a_bigram_is_the_mixture_that_one_counts_by_hand():
    tokens = [word for sentence in TEXT for word in sentence]
    after_the = [b for sentence in TEXT for a, b in pairwise(sentence) if a == "the"]
    share, alone = after_the.count("cat") / len(after_the), tokens.count("cat") / len(tokens)
    assert model(2, {1: 0.7}).probability("cat", ["the"]) == pytest.approx(0.7 * share + 0.3 * alone)


@pytest.mark.parametrize("order", [1, 2, 3])
@given(history=st.lists(st.sampled_from([*WORDS, START, "zebra"]), max_size=4))
def test_probabilities_add_up_to_one(order, history):
    some = model(order, {1: 0.35, 2: 0.8}, WORDS[:-1])  # one word is unknown
    total = sum(some.probability(word, history) for word in [*WORDS[:-1], UNKNOWN])
    assert total == pytest.approx(1)


def test_an_unseen_history_counts_for_nothing():
    assert model(3).probability("cat", ["zebra", "zebra"]) == model(1).probability("cat")


def test_the_loss_is_the_mean_surprise_of_each_word():
    some, text = model(3, {1: 0.6, 2: 0.2}), [["the", "cat", "saw"], ["a", "dog"]]
    surprises = [
        -math.log(some.probability(word, [START, START, *sentence[:place]]))
        for sentence in text
        for place, word in enumerate(sentence)
    ]
    assert some.loss(text) == pytest.approx(np.mean(surprises))


def test_chosen_weights_are_the_best_of_their_grid():
    some = model(3)
    held_out = [["the", "dog", "saw", "the", "cat"], ["a", "cat", "sat"]]
    weights = some.choose_weights(held_out)
    best = some.loss(held_out)
    for weight in (0.05, 0.5, 0.95):
        some.weights = {**weights, 2: weight}
        assert some.loss(held_out) >= best


def test_an_order_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1 word"):
        NGramModel(TEXT, 0, WORDS)
