"""word2vec: pairs and loss against slow versions, what the loss converges to, and gensim's vectors."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.studies.before_bert.senses import sense_accuracy
from course_lib.studies.before_bert.word_vectors import (
    SkipGramConfiguration,
    WordVectors,
    negative_sampling_loss,
    skip_gram_pairs,
    train_word_vectors,
)

TOPICS = [[f"{topic}{number}" for number in range(6)] for topic in ("sea", "farm", "city")]


def topical_text(sentences=1500, seed=0):
    """Sentences of six words, all from one topic; words of a topic never stand near those of another."""
    generator = random.Random(seed)
    return [generator.choices(generator.choice(TOPICS), k=6) for _ in range(sentences)]


@given(st.lists(st.integers(0, 9), max_size=12), st.data())
def test_pairs_are_those_of_two_loops(sentence, data):
    windows = [data.draw(st.integers(1, 4)) for _ in sentence]
    centers, contexts = skip_gram_pairs(np.array(sentence, dtype=int), np.array(windows, dtype=int))
    slow = [
        (sentence[i], sentence[j])
        for i, window in enumerate(windows)
        for j in range(max(0, i - window), min(len(sentence), i + window + 1))
        if i != j
    ]
    assert list(zip(centers.tolist(), contexts.tolist(), strict=True)) == slow


def test_the_loss_is_equation_4_word_by_word():
    generator = torch.Generator().manual_seed(0)
    centers, contexts = (torch.randn(3, 4, generator=generator, dtype=torch.double) for _ in range(2))
    negatives = torch.randn(3, 2, 4, generator=generator, dtype=torch.double)
    slow = 0.0
    for center, context, drawn in zip(centers, contexts, negatives, strict=True):
        slow -= np.log(1 / (1 + np.exp(-float(center @ context)))) / 3
        slow -= sum(np.log(1 / (1 + np.exp(float(center @ word)))) for word in drawn) / 3
    assert float(negative_sampling_loss(centers, contexts, negatives)) == pytest.approx(slow)


def test_the_loss_makes_dot_products_pointwise_mutual_information():
    """Levy and Goldberg 2014: where there are numbers enough, v · u becomes PMI − log K."""
    counts = torch.tensor([[6, 2, 1], [2, 4, 3], [1, 3, 8]])
    frequency = counts.sum(dim=0)  # 9, 9, 12: negatives are drawn from these
    negatives_a_pair, total = 2, int(counts.sum())
    pairs = [(a, b) for a in range(3) for b in range(3) for _ in range(int(counts[a, b]))]
    # Every pair meets every draw in its exact share: 30 copies of each pair, with K words of the 30 each.
    words = [w for w in range(3) for _ in range(int(frequency[w]))]
    draws = torch.tensor([[words[i], words[(i + 7) % total]] for i in range(total)])  # (30, K)
    center = torch.tensor([a for a, _ in pairs]).repeat_interleave(total)
    context = torch.tensor([b for _, b in pairs]).repeat_interleave(total)
    drawn = draws.repeat(len(pairs), 1)
    torch.manual_seed(0)
    v, u = (torch.randn(3, 3, dtype=torch.double, requires_grad=True) for _ in range(2))
    optimizer = torch.optim.LBFGS([v, u], max_iter=300, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = negative_sampling_loss(v[center], u[context], u[drawn])
        loss.backward()
        return loss

    optimizer.step(closure)
    shares = counts.double() / total
    pmi = (shares / (shares.sum(1, keepdim=True) * frequency / total)).log()
    assert torch.allclose((v @ u.T).detach(), pmi - np.log(negatives_a_pair), atol=1e-3)


CONFIGURATION = SkipGramConfiguration(size=16, at_least=1, epochs=4, batch_size=256, subsample=1.0)


def test_topics_are_found_as_gensim_finds_them():
    from gensim.models import Word2Vec

    text = topical_text()
    words = [word for topic in TOPICS for word in topic]
    topics = [word[:3] for word in words]
    ours, losses = train_word_vectors(text, CONFIGURATION)
    theirs = Word2Vec(
        text, vector_size=16, window=5, sg=1, negative=5, min_count=1, epochs=20, workers=1, seed=1
    )
    assert losses[-1] < losses[0]
    assert sense_accuracy(torch.stack([ours[word] for word in words]), topics) == 1
    assert sense_accuracy(torch.from_numpy(np.stack([theirs.wv[word] for word in words])), topics) == 1

    def cosines(table):
        unit = torch.nn.functional.normalize(table, dim=1)
        return (unit @ unit.T)[~torch.eye(len(words), dtype=torch.bool)].numpy()

    both = [
        cosines(torch.stack([ours[word] for word in words])),
        cosines(torch.from_numpy(np.stack([theirs.wv[word] for word in words]))),
    ]
    assert np.corrcoef(both)[0, 1] > 0.8  # the same pairs are near, and the same are far


def test_training_is_repeated_exactly_and_depends_on_the_seed():
    text = topical_text(60)
    first, second = (train_word_vectors(text, CONFIGURATION)[0] for _ in range(2))
    other = train_word_vectors(text, SkipGramConfiguration(size=16, at_least=1, epochs=4, seed=1))[0]
    assert torch.equal(first.vectors, second.vectors)
    assert not torch.allclose(first.vectors, other.vectors)


def test_rare_words_get_no_vector_and_frequent_ones_come_first():
    text = [["a", "b"], ["a", "b"], ["a", "c"]]
    vectors, _ = train_word_vectors(text, SkipGramConfiguration(size=4, at_least=2, epochs=1, subsample=1.0))
    assert vectors.words == ("a", "b") and "c" not in vectors
    with pytest.raises(ValueError, match="No word occurs 9 times"):
        train_word_vectors(text, SkipGramConfiguration(at_least=9))


def test_the_nearest_word_is_never_the_word_itself():
    table = WordVectors(("a", "b", "c"), torch.tensor([[1.0, 0.0], [0.9, 0.1], [-1.0, 0.0]]))
    assert [word for word, _ in table.nearest("a", 2)] == ["b", "c"]
    assert table.nearest("a", 1)[0][1] == pytest.approx(0.9 / (0.82**0.5))
    assert torch.allclose(table.centered().vectors.mean(dim=0), torch.zeros(2), atol=1e-7)
