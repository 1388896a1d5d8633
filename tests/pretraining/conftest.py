"""A corpus small enough to train on in a second, with a pattern that can be learned."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from course_lib.bert.configuration import BertConfiguration
from course_lib.pretraining.corpus import TokenizedCorpus, corpus_from_pieces
from course_lib.pretraining.masking import MaskingVocabulary

TINY_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{i}" for i in range(40))]


def counting_corpus(documents: int = 10, sentences: int = 20, seed: int = 0) -> TokenizedCorpus:
    """Sentences that count upwards from a random word: a neighbor gives a masked word away."""
    generator = np.random.default_rng(seed)
    pieces = [
        5 + (generator.integers(40) + np.arange(generator.integers(4, 12))) % 40
        for _ in range(documents * sentences)
    ]
    return corpus_from_pieces(pieces, [sentences] * documents)


def tiny_parts() -> SimpleNamespace:
    """Corpus, held-out corpus, vocabulary and model configuration, all tiny."""
    return SimpleNamespace(
        corpus=counting_corpus(),
        held_out=counting_corpus(documents=4, seed=1),
        vocabulary=MaskingVocabulary.from_tokens(TINY_TOKENS),
        model=BertConfiguration(
            vocab_size=len(TINY_TOKENS),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=48,
        ),
    )


@pytest.fixture(scope="session")
def tiny() -> SimpleNamespace:
    return tiny_parts()
