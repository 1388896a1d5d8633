"""Hidden states computed once and kept on the disk: what a feature-based model is trained on (Devlin et al. 2018, section 5.3)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_lib.bert.encoder import BertEncoder
from course_lib.errors import CourseError
from course_lib.training.batching import inference_batches

DTYPES = ("float16", "float32")


def join_documents(features: Sequence[dict], documents: Sequence[int], max_length: int = 512) -> list[dict]:
    """Join the sentences of a document into one row, so that each word is read with all its document.

    A document that is longer than ``max_length`` becomes several rows, cut between two sentences.

    Parameters
    ----------
    features : of :func:`course_lib.finetuning.entities.entity_features`, a row a sentence.
    documents : number of each sentence's document; sentences of a document follow each other.
    max_length : the most tokens in a row, [CLS] and [SEP] counted.

    Returns
    -------
    list of dict
        Rows of the same form, with ``sentence_words`` besides: the words of each sentence in the row.

    Raises
    ------
    CourseError
        If there isn't one document number a sentence.
    """
    if len(features) != len(documents):
        raise CourseError(
            f"There are {len(features)} sentences and {len(documents)} document numbers. Give one a sentence."
        )
    rows, previous = [], None
    for feature, document in zip(features, documents, strict=True):
        begins = document != previous
        if begins or len(rows[-1]["input_ids"]) + len(feature["input_ids"]) - 2 > max_length:
            rows.append({"input_ids": [], "labels": [], "first_pieces": [], "sentence_words": []})
        _append(rows[-1], feature)
        previous = document
    return rows


def _append(row: dict, feature: dict) -> None:
    """Put a sentence behind those of a row: one [CLS] before all of them, one [SEP] behind."""
    if row["input_ids"]:
        row["input_ids"].pop()  # [SEP] comes behind the last sentence only
        row["labels"].pop()
        shift, own = len(row["input_ids"]) - 1, slice(1, None)
    else:
        shift, own = 0, slice(None)
    row["input_ids"] += feature["input_ids"][own]
    row["labels"] += feature["labels"][own]
    row["first_pieces"] += [place + shift for place in feature["first_pieces"]]
    row["sentence_words"].append(len(feature["first_pieces"]))


def split_by_sentence(rows: Sequence[dict], tags: Sequence[Sequence[str]]) -> list[list[str]]:
    """Cut the tags of joined rows back into those of single sentences, in their order."""
    sentences = []
    for row, names in zip(rows, tags, strict=True):
        end = 0
        for words in row["sentence_words"]:
            sentences.append(list(names[end : end + words]))
            end += words
    return sentences


@dataclass(frozen=True)
class CachedStates:
    """The states of every word at its first piece, from all layers.

    Parameters
    ----------
    states : (L + 1, words, H) float16 or float32: the embeddings, then each block; memory-mapped.
    starts : (sentences + 1,) int64: where each sentence's words begin, and where the last one's end.
    """

    states: np.ndarray
    starts: np.ndarray

    def layers(self, numbers: Sequence[int]) -> Tensor:
        """Read some layers into memory: (layers, words, H) float32. Negative numbers count from the last.

        Raises
        ------
        CourseError
            If no layer is asked for, or one that the cache doesn't have.
        """
        count = len(self.states)
        wrong = [number for number in numbers if not -count <= number < count]
        if wrong or not numbers:
            raise CourseError(
                f"Layers {list(numbers)} can't be read: the cache has the embeddings (0) and layers 1 to {count - 1}. "
                "Ask for at least one of them, or count from the last with -1."
            )
        return torch.from_numpy(np.stack([self.states[number] for number in numbers]).astype(np.float32))

    @property
    def bytes(self) -> int:
        """Bytes on the disk, without the few of ``starts``."""
        return self.states.nbytes


@torch.no_grad()
def save_states(
    encoder: BertEncoder,
    features: Sequence[dict],
    folder: Path,
    *,
    dtype: str = "float32",
    batch_size: int = 32,
) -> CachedStates:
    """Read every row once, without gradient or dropout, and keep the states of its words' first pieces.

    Parameters
    ----------
    encoder : the model that stays as it is.
    features : rows of sentences, or of documents by :func:`join_documents`.
    folder : where ``states.npy`` and ``starts.npy`` are written; what is there is replaced when all is done.
    dtype : ``"float32"``, or ``"float16"`` for half the space and three digits.
    batch_size : rows that are read at once.

    Raises
    ------
    CourseError
        If there is no row or no word, or numbers of another kind are asked for.
    """
    if dtype not in DTYPES:
        raise CourseError(f"States can't be kept as {dtype!r}. Choose one of: {', '.join(DTYPES)}.")
    counts = [len(feature["first_pieces"]) for feature in features]
    if not sum(counts):
        raise CourseError("There is no word whose states could be kept. Give at least one sentence.")
    folder.mkdir(parents=True, exist_ok=True)
    c = encoder.configuration
    shape = (c.num_hidden_layers + 1, sum(counts), c.hidden_size)
    unfinished = folder / "unfinished.npy"
    states = np.lib.format.open_memmap(unfinished, mode="w+", dtype=dtype, shape=shape)
    row_starts, was_training = np.cumsum([0, *counts]), encoder.training
    encoder.eval()
    rows = [{"input_ids": feature["input_ids"]} for feature in features]
    for numbers, batch in inference_batches(rows, batch_size):
        output = encoder(batch["input_ids"], None, batch["attention_mask"], output_hidden_states=True)
        for layer, hidden in enumerate(output.hidden_states):  # (B, T, H)
            for place, row in enumerate(numbers):
                words = hidden[place, features[row]["first_pieces"]]  # (words, H)
                states[layer, row_starts[row] : row_starts[row + 1]] = words.numpy()
    encoder.train(was_training)
    states.flush()
    del states
    np.save(folder / "starts.npy", _sentence_starts(features))
    os.replace(unfinished, folder / "states.npy")
    return open_states(folder)


def _sentence_starts(features: Sequence[dict]) -> np.ndarray:
    words = [feature.get("sentence_words", [len(feature["first_pieces"])]) for feature in features]
    return np.cumsum([0, *(count for row in words for count in row)])


def open_states(folder: Path) -> CachedStates:
    """Open what :func:`save_states` has written, without reading it into memory.

    Raises
    ------
    CourseError
        If there is nothing, or it can't be read.
    """
    try:
        states = np.load(folder / "states.npy", mmap_mode="r")
        return CachedStates(states, np.load(folder / "starts.npy"))
    except (OSError, ValueError) as error:
        raise CourseError(
            f"{folder}: the cached states can't be read ({error}). Make them again: save_states(...)."
        ) from error
