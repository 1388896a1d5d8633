"""Senses and cosines: scores against slow versions, masks that hide what they say, and what the course claims."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.loading import load_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import load_texts
from course_lib.data.weights import bundled_weights_folder
from course_lib.studies.before_bert.senses import (
    DIRECTIONS,
    chance_of_sense,
    context_mask,
    context_means,
    interaction,
    mean_cosine,
    sense_accuracy,
    sense_score,
    vectors_by_layer,
    vectors_of_all_words,
)
from course_lib.studies.before_bert.word_vectors import WordVectors


def table(seed, rows=7, size=5):
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def bundled():
    folder = bundled_weights_folder(verify=False)
    return load_encoder(folder).eval(), load_tokenizer(folder, special_tokens=True)


@pytest.fixture(scope="module")
def rows():
    return list(load_texts("senses", "bundled")["test"])


@given(st.integers(0, 500))
def test_the_accuracy_is_that_of_a_slow_search(seed):
    vectors, senses = table(seed), [str(n % 3) for n in range(7)]
    right = 0
    for i in range(7):
        others = [j for j in range(7) if j != i]
        nearest = max(others, key=lambda j: float(torch.cosine_similarity(vectors[i], vectors[j], dim=0)))
        right += senses[nearest] == senses[i]
    assert sense_accuracy(vectors, senses) == pytest.approx(right / 7)


@given(st.integers(0, 500))
def test_lengths_and_order_do_not_matter(seed):
    vectors, senses = table(seed), [str(n % 2) for n in range(7)]
    order = torch.randperm(7, generator=torch.Generator().manual_seed(seed)).tolist()
    longer = vectors * torch.rand(7, 1, generator=torch.Generator().manual_seed(seed)).add(0.1)
    expected = sense_accuracy(vectors, senses)
    assert sense_accuracy(longer, senses) == pytest.approx(expected)
    assert sense_accuracy(vectors[order], [senses[n] for n in order]) == pytest.approx(expected)


def test_equal_vectors_score_what_a_guess_scores(rows):
    assert sense_accuracy(torch.ones(16, 3), ["a"] * 8 + ["b"] * 8) == pytest.approx(7 / 15)
    assert chance_of_sense(rows) == pytest.approx(7 / 15)


@given(st.integers(0, 500))
def test_the_mean_cosine_is_that_of_all_pairs(seed):
    vectors = table(seed)
    pairs = [(i, j) for i in range(7) for j in range(7) if i != j]
    slow = sum(float(torch.cosine_similarity(vectors[i], vectors[j], dim=0)) for i, j in pairs) / len(pairs)
    assert mean_cosine(vectors) == pytest.approx(slow, abs=1e-6)


def test_masks_show_what_their_names_say():
    left, right, both = (context_mask(direction, 4) for direction in DIRECTIONS)
    assert left[1].tolist() == [True, True, False, False] and right[1].tolist() == [False, True, True, True]
    assert torch.equal(left | right, both) and both.all() and torch.equal(left & right, torch.eye(4).bool())
    with pytest.raises(ValueError, match="no direction 'up'"):
        context_mask("up", 4)


@pytest.fixture
def small():
    torch.manual_seed(0)
    configuration = BertConfiguration(
        vocab_size=50, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16, initializer_range=0.5,
    )  # fmt: skip
    return BertEncoder(configuration).eval()


def test_only_in_both_directions_do_left_and_right_meet(small):
    pairs = torch.tensor([[a, 5, 6, 7, c] for a in (10, 11) for c in (20, 21)])
    for direction in DIRECTIONS[:2]:
        assert interaction(small, pairs, direction, 2).abs().max() < 1e-5
    both = interaction(small, pairs, "both sides", 2)
    assert both[0] == 0 and both[1:].min() > 0.01  # before the first layer nothing has met


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_padding_does_not_change_a_vector(bundled, rows, direction):
    some = [rows[0], rows[120], rows[300]]
    together = vectors_by_layer(*bundled, some, direction)
    for place, row in enumerate(some):
        alone = vectors_by_layer(*bundled, [row], direction)[:, 0]
        assert torch.allclose(together[:, place], alone, atol=1e-4)


def test_a_vector_is_that_of_the_marked_word(bundled, rows):
    encoder, tokenizer = bundled
    row = rows[37]
    encoding = tokenizer.encode(row["sentence"])
    place = encoding.tokens.index(row["form"])
    with torch.no_grad():
        states = encoder(torch.tensor([encoding.ids]), output_hidden_states=True).hidden_states
    found = vectors_by_layer(encoder, tokenizer, [row])[:, 0]
    assert torch.allclose(found, torch.stack([state[0, place] for state in states]), atol=1e-5)


def test_all_words_are_all_pieces_without_the_special_ones(bundled):
    encoder, tokenizer = bundled
    sentences = ["A bat flew.", "The organ played on in the church."]
    vectors, numbers = vectors_of_all_words(encoder, tokenizer, sentences)
    lengths = [len(tokenizer.encode(s).ids) - 2 for s in sentences]
    assert vectors.shape[:2] == (7, sum(lengths)) and numbers.tolist() == [0] * lengths[0] + [1] * lengths[1]
    with torch.no_grad():
        alone = encoder(torch.tensor([tokenizer.encode(sentences[0]).ids])).last_hidden_state[0, 1:-1]
    assert torch.allclose(vectors[-1, : lengths[0]], alone, atol=1e-4)


def test_the_mean_of_the_surroundings_leaves_the_word_out():
    words = WordVectors(("old", "bank", "river"), torch.tensor([[2.0, 0.0], [0.0, 9.0], [0.0, 1.0]]))
    row = {"sentence": "The old bank by the river", "start": 8, "form": "bank"}
    assert torch.allclose(context_means(words, [row]), torch.tensor([[0.5, 0.5]]))
    assert torch.allclose(context_means(words, [row], window=1), torch.tensor([[1.0, 0.0]]))


def test_the_best_layer_finds_nine_of_ten_and_static_vectors_guess(bundled, rows):
    encoder, tokenizer = bundled
    layers = [sense_score(layer, rows) for layer in vectors_by_layer(encoder, tokenizer, rows)]
    ids = torch.tensor([tokenizer.token_to_id(row["form"]) for row in rows])
    assert sense_score(encoder.embeddings.token.weight[ids].detach(), rows) == pytest.approx(7 / 15)
    assert max(layers) >= 0.90 and layers.index(max(layers)) >= 4
