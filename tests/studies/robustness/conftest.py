"""A model small enough to be trained in a test by every recipe."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import sequence_classification_head
from course_lib.finetuning.loop import TaskModel

VOCABULARY = 60


@pytest.fixture
def new_model() -> Callable[..., TaskModel]:
    """What makes a model of three blocks, the same one every time."""

    def make(
        classes: int = 2, dropout: float = 0.1, vocabulary: int = VOCABULARY, seed: int = 0
    ) -> TaskModel:
        torch.manual_seed(seed)
        configuration = BertConfiguration(
            vocab_size=vocabulary,
            hidden_size=16,
            num_hidden_layers=3,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=20,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=0.0,
        )
        encoder = BertEncoder(configuration)
        return TaskModel(encoder, sequence_classification_head(configuration, classes), True, reads="mean")

    return make


@pytest.fixture
def features() -> list[dict]:
    """Rows of random pieces; the pieces of a row tell its label, so it can be learned."""
    generator, rows = np.random.default_rng(0), []
    for number in range(22):
        label = number % 2
        pieces = generator.integers(5 + 25 * label, 35 + 25 * label, int(generator.integers(2, 9)))
        rows.append({"input_ids": [2, *pieces.tolist(), 3], "label": label})
    return rows
