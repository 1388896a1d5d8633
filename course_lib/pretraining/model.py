"""BERT as it is pre-trained: one encoder, two heads, one joint loss.

Devlin et al. 2018, section 3.1 and appendix A.2. In the shape comments B is the batch, T the sequence
length, H the hidden size, M the number of chosen (masked) positions in the batch, V the vocabulary.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import BertForMaskedLanguageModel, next_sentence_head


class PretrainingScores(NamedTuple):
    """What the two heads say: ``words`` (M, V) float and ``sentences`` (B, 2) float."""

    words: Tensor
    sentences: Tensor


class PretrainingModel(BertForMaskedLanguageModel):
    """A masked language model with a second head, for sentence pairs.

    Parameters
    ----------
    configuration : sizes and rates.
    """

    def __init__(self, configuration: BertConfiguration):
        super().__init__(BertEncoder(replace(configuration, fast_dropout=True)))
        self.next_sentence = next_sentence_head(configuration)

    @property
    def configuration(self) -> BertConfiguration:
        """Sizes and rates of the encoder."""
        return self.encoder.configuration

    def forward(
        self,
        input_ids: Tensor,
        token_type_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        positions: Tensor | None = None,
    ) -> PretrainingScores:
        """Score the words at the chosen positions, and the sentence pairs.

        Parameters
        ----------
        input_ids, token_type_ids, attention_mask, positions : as for :class:`BertForMaskedLanguageModel`.
        """
        output = self.encoder(input_ids, token_type_ids, attention_mask)
        words = self.score_words(output.last_hidden_state, positions)
        return PretrainingScores(words, self.next_sentence(output.pooled_output))


def next_sentence_loss(scores: Tensor, labels: Tensor, count: int | None = None) -> Tensor:
    """Mean cross-entropy of the sentence pairs; every one counts.

    Parameters
    ----------
    scores : (B, 2) float.
    labels : (B,) int64, 0 for IsNext and 1 for random.
    count : what the sum is divided by, if not B; see :func:`~course_lib.bert.heads.masked_language_model_loss`.
    """
    summed = functional.cross_entropy(scores.float(), labels, reduction="sum")
    return summed / (len(labels) if count is None else count)


def set_output_bias(model: BertForMaskedLanguageModel, counts: Tensor, is_special: Tensor) -> None:
    """Start the decoder's bias at the logarithm of each word's share.

    It saves the steps in which a model would learn nothing but which words are common. The original
    starts at zero.

    Parameters
    ----------
    model : the model, changed in place.
    counts : (V,) how often each word occurs in the training text.
    is_special : (V,) bool, tokens that are never to be predicted.
    """
    smoothed = counts.float().masked_fill(is_special, 0) + 0.1
    with torch.no_grad():
        model.head.decoder.bias.copy_((smoothed / smoothed.sum()).log())


def attend_to_neighbors(model: PretrainingModel, wavelength: float = 500.0, sharpness: float = 1.5) -> None:
    """Start with attention that looks at near positions most; everything is learned from there.

    From random weights, attention spreads evenly, and a model must first find out that the words next to
    a gap say more about it than others: a long plateau. Here position embeddings start as sinusoids
    (Vaswani et al. 2017, section 3.5), twice the size of the token embeddings, and the matrices of keys as
    those of queries, times ``sharpness``. Then a key scores the higher the more it is like the query, and
    near positions are alike (mimetic initialization: Trockman and Kolter 2023). The original starts at
    random, and has a million steps.

    Parameters
    ----------
    model : the model, changed in place.
    wavelength : the longest wave has 2π times so many positions.
    sharpness : factor of the keys.
    """
    weight = model.encoder.embeddings.position.weight  # (positions, H)
    positions, H = torch.arange(len(weight)), weight.shape[1]
    angles = positions[:, None] / wavelength ** (torch.arange(0, H, 2) / H)  # (positions, H / 2)
    waves = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :H]
    with torch.no_grad():
        weight.copy_(waves * 2 * 2**0.5 * model.configuration.initializer_range)
        for block in model.encoder.blocks:
            query, key, _ = block.attention.query_key_value.weight.chunk(3)  # views, each (H, H)
            key.copy_(sharpness * query)
