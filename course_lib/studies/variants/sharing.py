"""ALBERT's two savings: one block used again and again, and thin word embeddings made wide (Lan et al. 2019)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import ACTIVATIONS, BertEncoder, initialize_weights, number_of_parameters
from course_lib.errors import CourseError


class SharedEncoder(BertEncoder):
    """An encoder with one block that every layer uses: as much to compute, far fewer parameters.

    Parameters
    ----------
    configuration : with ``num_hidden_layers`` uses of the block.
    with_pooler : as for :class:`BertEncoder`.
    """

    def __init__(self, configuration: BertConfiguration, with_pooler: bool = True):
        super().__init__(replace(configuration, num_hidden_layers=1), with_pooler)
        self.configuration = configuration
        self.blocks = nn.ModuleList([self.blocks[0]] * configuration.num_hidden_layers)


class FactorizedEmbedding(nn.Module):
    """Word embeddings of size E, made as wide as the hidden states: (B, T) ids -> (B, T, H).

    V · E + E · H numbers take the place of V · H.

    Parameters
    ----------
    configuration : of the encoder: V, H, the id of [PAD] and the spread of the first weights.
    embedding_size : E.

    Raises
    ------
    CourseError
        If E isn't from 1 to H.
    """

    def __init__(self, configuration: BertConfiguration, embedding_size: int):
        super().__init__()
        c = configuration
        if not 1 <= embedding_size <= c.hidden_size:
            raise CourseError(
                f"The embedding size is {embedding_size}. Choose one from 1 to the hidden size, {c.hidden_size}."
            )
        self.table = nn.Embedding(c.vocab_size, embedding_size, padding_idx=c.pad_token_id)  # (V, E)
        self.widen = nn.Linear(embedding_size, c.hidden_size)  # (E, H)
        self.apply(lambda module: initialize_weights(module, c.initializer_range))

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.widen(self.table(input_ids))  # (B, T) -> (B, T, E) -> (B, T, H)


class FactorizedHead(nn.Module):
    """A head for masked words whose decoder is tied to thin embeddings: (M, H) -> (M, V).

    Parameters
    ----------
    configuration : of the encoder.
    embedding : the encoder's own; its table is used, not copied.
    """

    def __init__(self, configuration: BertConfiguration, embedding: FactorizedEmbedding):
        super().__init__()
        c, size = configuration, embedding.table.embedding_dim
        self.transform = nn.Linear(c.hidden_size, size)
        self.activation = ACTIVATIONS[c.hidden_act]
        self.norm = nn.LayerNorm(size, eps=c.layer_norm_eps)
        self.decoder = nn.Linear(size, c.vocab_size)
        initialize_weights(self.transform, c.initializer_range)
        nn.init.zeros_(self.decoder.bias)
        self.decoder.weight = embedding.table.weight  # tied

    def forward(self, hidden: Tensor) -> Tensor:
        return self.decoder(self.norm(self.activation(self.transform(hidden))))


def factorized(encoder: BertEncoder, embedding_size: int) -> BertEncoder:
    """Give an encoder thin word embeddings, in place, and return it."""
    encoder.embeddings.token = FactorizedEmbedding(encoder.configuration, embedding_size)
    return encoder


def sharing_table(configuration: BertConfiguration, embedding_size: int) -> dict[str, int]:
    """Return the parameters of an encoder as BERT has it, with each saving, and with both.

    Parameters
    ----------
    configuration : of the encoder; it is built on the meta device, so its size doesn't matter.
    embedding_size : of the thin embeddings.
    """
    with torch.device("meta"):
        encoders = {
            "BERT": BertEncoder(configuration),
            "shared blocks": SharedEncoder(configuration),
            "thin embeddings": factorized(BertEncoder(configuration), embedding_size),
            "both": factorized(SharedEncoder(configuration), embedding_size),
        }
    return {name: number_of_parameters(encoder) for name, encoder in encoders.items()}
