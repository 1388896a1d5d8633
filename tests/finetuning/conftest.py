"""What the tests of several tasks share: the real tokenizer, and a small model of the real architecture."""

from __future__ import annotations

import shutil

import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.loading import save_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.weights import bundled_weights_folder


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(bundled_weights_folder(verify=False))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small model of the real architecture, saved beside the real tokenizer."""
    torch.manual_seed(0)
    configuration = BertConfiguration(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40,
        max_position_embeddings=64, initializer_range=0.2,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("model")
    save_encoder(BertEncoder(configuration), path)
    shutil.copy(bundled_weights_folder(verify=False) / "tokenizer.json", path)
    return path
