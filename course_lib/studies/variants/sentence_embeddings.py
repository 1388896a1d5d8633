"""Sentence-BERT: one vector a sentence, so that comparing two costs next to nothing (Reimers and Gurevych 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import row_state
from course_lib.errors import CourseError
from course_lib.training.batching import inference_batches


@torch.no_grad()
def sentence_vectors(
    encoder: BertEncoder, features: Sequence[dict], *, reads: str = "mean", batch_size: int = 32
) -> Tensor:
    """Return a vector of length 1 for each sentence, (rows, H) float.

    Parameters
    ----------
    encoder : the body.
    features : rows with ``input_ids``.
    reads : ``"mean"`` of all states as in Sentence-BERT, or ``"cls"``.
    batch_size : rows that are read at once.

    Raises
    ------
    CourseError
        If there is no sentence.
    """
    if not features:
        raise CourseError("There is no sentence to read. Give at least one.")
    encoder.eval()
    vectors = torch.empty(len(features), encoder.configuration.hidden_size)
    rows = [{"input_ids": feature["input_ids"]} for feature in features]
    for numbers, batch in inference_batches(rows, batch_size):
        output = encoder(batch["input_ids"], None, batch["attention_mask"])
        vectors[numbers] = row_state(output, batch["attention_mask"], reads)  # (B, H)
    return torch.nn.functional.normalize(vectors, dim=1)


def cosines(first: Tensor, second: Tensor) -> np.ndarray:
    """Return the cosine of each pair of unit vectors, (rows,) float; (rows, H) both."""
    return (first * second).sum(dim=1).numpy()


def spearman(said: Sequence[float], truth: Sequence[float]) -> float:
    """Return the rank correlation of similarities with people's scores, from -1 to 1.

    Raises
    ------
    CourseError
        If they don't pair up.
    """
    from scipy.stats import spearmanr

    if len(said) != len(truth):
        raise CourseError(
            f"There are {len(said)} similarities and {len(truth)} scores. Give one of each a pair."
        )
    return float(spearmanr(said, truth).statistic)


@dataclass(frozen=True)
class SearchCost:
    """What it costs to compare every sentence with every other.

    Parameters
    ----------
    sentences : how many.
    bi_passes, cross_passes : texts that the encoder reads: each sentence once, or each pair.
    bi_seconds, cross_seconds : the passes' time.
    """

    sentences: int
    bi_passes: int
    cross_passes: int
    bi_seconds: float
    cross_seconds: float


def search_cost(sentences: int, seconds_per_text: float, seconds_per_pair: float) -> SearchCost:
    """Return the cost of finding the most similar pair, from the measured time of one pass.

    Parameters
    ----------
    sentences : how many.
    seconds_per_text, seconds_per_pair : of one pass of the encoder over a sentence, and over two in one input.

    Raises
    ------
    CourseError
        If there are fewer than two sentences.
    """
    if sentences < 2:
        raise CourseError(f"There must be two sentences to compare, and there is {sentences}.")
    pairs = sentences * (sentences - 1) // 2
    return SearchCost(sentences, sentences, pairs, sentences * seconds_per_text, pairs * seconds_per_pair)
