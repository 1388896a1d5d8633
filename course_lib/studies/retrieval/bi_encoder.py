"""Search by meaning: a question and a passage become one vector each, and the closest passages win.

A bi-encoder (Reimers and Gurevych 2019) reads question and passage apart, so that all passages are encoded once,
ahead of any question. The bundled MiniLM is one: it was trained on a billion pairs of texts that belong together.

Shape letters: N texts, B texts in a batch, T tokens, H hidden size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from course_lib import settings
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import row_state
from course_lib.bert.loading import load_encoder, read_tensors, write_tensors
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.manifest import check_files, renew_manifest
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.classification import classification_features
from course_lib.studies.retrieval.ranking import Hit, check_corpus, check_query, top_hits
from course_lib.training.batching import inference_batches

PASSAGES = settings.CHECKPOINTS / "retrieval" / "passages"
MAX_LENGTH = 256  # tokens that MiniLM was trained to read


class BiEncoder:
    """An encoder whose mean over a text's states stands for the text.

    Parameters
    ----------
    encoder : the pre-trained body.
    tokenizer : its tokenizer.
    max_length : the most tokens of a text, [CLS] and [SEP] counted; the rest is cut off.
    """

    def __init__(self, encoder: BertEncoder, tokenizer: Tokenizer, max_length: int = MAX_LENGTH):
        self.encoder, self.tokenizer = encoder.eval(), tokenizer
        self.max_length = min(max_length, encoder.configuration.max_position_embeddings)

    @torch.no_grad()
    def embed(self, texts: Sequence[str], batch_size: int = 32) -> np.ndarray:
        """Return the embedding of each text (N, H), of length 1: a dot product of two is their cosine.

        Parameters
        ----------
        texts : questions or passages.
        batch_size : texts that are read at once.

        Raises
        ------
        CourseError
            If there is no text.
        """
        if not len(texts):
            raise CourseError("There is no text to embed. Give at least one.")
        features = classification_features(texts, self.tokenizer, max_length=self.max_length)
        embeddings = np.empty((len(texts), self.encoder.configuration.hidden_size), dtype=np.float32)
        for rows, batch in inference_batches(features, batch_size):
            output = self.encoder(batch["input_ids"], None, batch["attention_mask"])
            means = row_state(output, batch["attention_mask"], "mean")  # (B, T, H) -> (B, H)
            embeddings[rows] = nn.functional.normalize(means, dim=-1).numpy()
        return embeddings


def load_bi_encoder() -> BiEncoder:
    """Return the bundled MiniLM as a bi-encoder, without any further training."""
    folder = encoder_folder("bundled")
    return BiEncoder(load_encoder(folder), load_tokenizer(folder))


class DenseIndex:
    """A corpus, indexed by the embeddings of its passages.

    Parameters
    ----------
    corpus : ``title`` and ``text`` of each passage, by its id. The title isn't embedded.
    bi_encoder : embeds questions, and the passages too where they come without embeddings.
    embeddings : of the passages (N, H), in the order of the corpus, from an earlier run.

    Raises
    ------
    CourseError
        If the corpus has no passage, or the embeddings are those of another corpus.
    """

    def __init__(
        self,
        corpus: Mapping[str, Mapping[str, str]],
        bi_encoder: BiEncoder,
        embeddings: np.ndarray | None = None,
    ):
        check_corpus(corpus)
        self.ids, self.bi_encoder = list(corpus), bi_encoder
        if embeddings is None:
            embeddings = bi_encoder.embed([passage["text"] for passage in corpus.values()])
        if len(embeddings) != len(self.ids):
            raise CourseError(
                f"There are {len(self.ids)} passages and {len(embeddings)} embeddings. Embed this corpus again."
            )
        self.embeddings = embeddings

    def scores(self, query: str) -> np.ndarray:
        """Return the cosine of every passage with a question (N,), in the order of the corpus."""
        check_query(query)
        return self.embeddings @ self.bi_encoder.embed([query])[0]  # (N, H) @ (H,) -> (N,)

    def search(self, query: str, k: int = 10) -> list[Hit]:
        """Return the k best passages for a question."""
        return top_hits(self.ids, self.scores(query), k)


# The recording's embeddings -----------------------------------------------------------------------


def fingerprint(corpus: Mapping[str, Mapping[str, str]]) -> torch.Tensor:
    """Return the SHA-256 of a corpus's texts, as 32 numbers."""
    digest = hashlib.sha256("\n".join(passage["text"] for passage in corpus.values()).encode()).digest()
    return torch.tensor(list(digest), dtype=torch.uint8)


def store_embeddings(
    embeddings: np.ndarray, corpus: Mapping[str, Mapping[str, str]], folder: Path = PASSAGES
) -> None:
    """Store embeddings in a byte a number: each vector's largest number is 127 steps from zero."""
    steps = np.abs(embeddings).max(axis=1, keepdims=True) / 127  # (N, 1)
    tensors = {
        "embeddings": torch.from_numpy((embeddings / steps).round().astype(np.int8)),
        "corpus": fingerprint(corpus),
    }
    write_tensors(tensors, folder / "model.safetensors")
    renew_manifest(folder)


def stored_embeddings(corpus: Mapping[str, Mapping[str, str]], folder: Path = PASSAGES) -> np.ndarray:
    """Return the embeddings that the recording stored (N, H), of length 1.

    Parameters
    ----------
    corpus : the passages; they must be the very ones that were embedded.
    folder : where the recording keeps them.

    Raises
    ------
    CourseError
        If they are those of another corpus.
    WeightsError
        If the file is missing or damaged.
    """
    check_files(folder)
    tensors = read_tensors(folder / "model.safetensors")
    if not torch.equal(tensors["corpus"], fingerprint(corpus)):
        raise CourseError(
            "The stored embeddings are those of the course's own passages, and this corpus is another. "
            "Leave the embeddings out, and the passages are embedded now."
        )
    embeddings = tensors["embeddings"].float()
    return nn.functional.normalize(embeddings, dim=-1).numpy()
