"""Search by reading: question and passage go through the encoder together, and one score comes out.

A cross-encoder (Nogueira and Cho 2019) sees both texts at once, so its attention can compare them word by word. It
can't encode passages ahead of the question, so it only reads the few that faster methods have found.

Shape letters: B pairs in a batch, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer

from course_lib import settings
from course_lib.bert.heads import sequence_classification_head
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.readers.beir import SearchData
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.classification import classification_loss
from course_lib.finetuning.compact import load_compact, save_compact
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, fine_tune, predict
from course_lib.finetuning.sentence_pairs import pair_features
from course_lib.studies.finetuning.unanswerable import load_model as load_reader
from course_lib.studies.retrieval.ranking import Hit, check_query
from course_lib.training.precision import autocast

CHECKPOINT = settings.CHECKPOINTS / "retrieval" / "cross-encoder"
LABELS = ("not relevant", "relevant")
TRAINING = TrainingConfiguration(learning_rate=2e-4, epochs=3, frozen="half", precision="bfloat16")


@dataclass(frozen=True)
class CrossEncoderConfiguration:
    """How a cross-encoder is trained.

    ``bm25_negatives`` and ``bi_encoder_negatives`` are passages a question that one of both rankings puts first and
    that the judgments don't call relevant. Only the upper half of the blocks is trained.
    """

    training: TrainingConfiguration = TRAINING
    bm25_negatives: int = 2
    bi_encoder_negatives: int = 2
    depth: int = 20  # passages of a ranking that negatives are drawn from: as deep as it was judged
    max_length: int = 160
    rank: int = 32  # of the stored differences


class Pair(NamedTuple):
    """A question with a passage, and whether that is relevant to it (1) or not (0)."""

    query: str
    text: str
    label: int


def hard_negatives(
    hits: Sequence[Hit], relevant: Iterable[str], number: int, generator: np.random.Generator
) -> list[str]:
    """Draw passages that a ranking puts first and that aren't relevant: the wrong ones that look right.

    Parameters
    ----------
    hits : of a ranking, best first, as deep as negatives may come from.
    relevant : passages that answer the question or a part of it; none of them is ever drawn.
    number : how many to draw; fewer come back where the ranking holds fewer.
    generator : draws them.
    """
    relevant = set(relevant)
    wrong = [hit.passage for hit in hits if hit.passage not in relevant]
    return [wrong[place] for place in sorted(generator.permutation(len(wrong))[:number])]


def training_pairs(
    data: SearchData,
    searches: Mapping[str, tuple[Callable[[str, int], list[Hit]], int]],
    *,
    depth: int,
    seed: int,
) -> list[Pair]:
    """Return each training question with its relevant passages, and with hard negatives.

    Parameters
    ----------
    data : questions and judgments. A question without an answer gives negatives only.
    searches : by name, a search (such as ``LexicalIndex.search``) and how many negatives to take from it.
    depth : passages of a ranking that negatives are drawn from.
    seed : of the draws.
    """
    generator, pairs = np.random.default_rng(seed), []
    for query in data.splits["train"]:
        relevant = data.qrels["train"].get(query, {})
        question, wrong = data.queries[query], dict.fromkeys(())
        for search, number in searches.values():
            judged_or_drawn = {*relevant, *wrong}
            wrong |= dict.fromkeys(
                hard_negatives(search(question, depth), judged_or_drawn, number, generator)
            )
        pairs += [Pair(question, data.corpus[passage]["text"], 1) for passage in relevant]
        pairs += [Pair(question, data.corpus[passage]["text"], 0) for passage in wrong]
    return pairs


def new_cross_encoder() -> TaskModel:
    """Return lesson 09's reader of questions with a fresh head for pairs in place of the one for spans.

    The reader has learned to compare a question with a paragraph. That is a better start than the bundled
    encoder, which never saw two texts at once.
    """
    encoder = load_reader().encoder
    head = sequence_classification_head(encoder.configuration, len(LABELS))
    return TaskModel(encoder, head, pooled=True, labels=LABELS, reads="mean")


class CrossEncoder:
    """A model for pairs, and how to score passages with it.

    Parameters
    ----------
    model : gives two scores a pair.
    tokenizer : its tokenizer.
    max_length : the most tokens of a pair; the longer text loses its end.
    """

    def __init__(self, model: TaskModel, tokenizer: Tokenizer, max_length: int = 160):
        self.model, self.tokenizer = model.eval(), tokenizer
        self.max_length = min(max_length, model.encoder.configuration.max_position_embeddings)

    def scores(self, query: str, texts: Sequence[str]) -> np.ndarray:
        """Return a score for each passage: the log odds that it answers the question, higher for more likely.

        Parameters
        ----------
        query : the question.
        texts : the passages.

        Raises
        ------
        CourseError
            If the question is empty.
        """
        check_query(query)
        if not len(texts):
            return np.zeros(0)
        features = pair_features([query] * len(texts), texts, self.tokenizer, max_length=self.max_length)
        device = next(self.model.parameters()).device
        with autocast(device.type, "bfloat16"):  # half the time, on a processor that has it
            classes = torch.stack(predict(self.model, features)).float()  # (B, C)
        return (classes[:, 1] - classes[:, 0]).numpy()

    def rank(self, query: str, passages: Mapping[str, str]) -> list[Hit]:
        """Return passages, given by their ids, with their scores, best first."""
        scores = self.scores(query, list(passages.values()))
        hits = [Hit(name, float(score)) for name, score in zip(passages, scores, strict=True)]
        return sorted(hits, key=lambda hit: -hit.score)


def train_cross_encoder(
    pairs: Sequence[Pair],
    configuration: CrossEncoderConfiguration = CrossEncoderConfiguration(),
    *,
    seed: int,
    model: TaskModel | None = None,
    progress: bool = False,
) -> CrossEncoder:
    """Train a cross-encoder.

    Parameters
    ----------
    pairs : of :func:`training_pairs`.
    configuration : how.
    seed : of the head, the order and the dropout.
    model : what to start from; :func:`new_cross_encoder` if left out.
    progress : whether to show a progress bar.

    Raises
    ------
    CourseError
        If all pairs have the same label: there is nothing to tell apart.
    """
    c = configuration
    if len({pair.label for pair in pairs}) < 2:
        raise CourseError(
            "All pairs have the same label. Give relevant passages and others, so they can be told apart."
        )
    settings.prepare(seed)
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    model = new_cross_encoder() if model is None else model
    queries, texts, labels = zip(*pairs, strict=True)
    features = pair_features(queries, texts, tokenizer, list(labels), names=LABELS, max_length=c.max_length)
    fine_tune(model, features, classification_loss, replace(c.training, seed=seed), progress=progress)
    return CrossEncoder(model, tokenizer, c.max_length)


def store_cross_encoder(cross_encoder: CrossEncoder, rank: int, folder: Path = CHECKPOINT) -> None:
    """Store a cross-encoder as its differences from the bundled encoder."""
    save_compact(cross_encoder.model, folder, rank)


def load_cross_encoder(folder: Path = CHECKPOINT) -> CrossEncoder:
    """Load the recorded cross-encoder.

    Raises
    ------
    WeightsError
        If its file is missing or damaged.
    """
    from course_lib.finetuning.classification import classification_model

    model = classification_model(len(LABELS), "bundled", labels=LABELS, reads="mean")
    return CrossEncoder(load_compact(model, folder), load_tokenizer(encoder_folder("bundled")))
