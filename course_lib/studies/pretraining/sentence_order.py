"""Next-sentence prediction and sentence-order prediction on the same text: the study of lesson 05.

MiniLM is fine-tuned on pairs from some Wikipedia articles and asked about pairs from others, after
Lan et al. 2019, table 5. The recording trains both tasks longer than a lesson can.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from course_lib import settings
from course_lib.bert.heads import next_sentence_head
from course_lib.bert.inputs import SpecialIds
from course_lib.bert.loading import load_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.weights import bundled_weights_folder
from course_lib.finetuning.loop import History, TaskModel, TrainingConfiguration, fine_tune, predict
from course_lib.pretraining.corpus import TokenizedCorpus
from course_lib.pretraining.sentence_pairs import SegmentPairs, gather_pairs, plan_pairs
from course_lib.studies.masking.masked_word_model import wikipedia_split
from course_lib.studies.records import Runner

CODE_VERSION = 1


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    max_length: int = 64
    short_probability: float = 0.0  # with twenty articles to ask about, one cut short would tilt the labels
    training_pairs: tuple[int, int] = (2000, 4000)  # for NSP and for SOP, which is learned more slowly
    learning_rate: float = 2e-4
    batch_size: int = 16
    validation_every: int = 5  # one article in five is kept for validation
    validation_pairs: int = 500
    precision: str = "bfloat16"


CONFIGURATION = Configuration()


def special_ids(tokenizer: Tokenizer) -> SpecialIds:
    """Return the ids of [CLS], [SEP] and [PAD]."""
    return SpecialIds.from_vocabulary(tokenizer.get_vocab())


def pair_features(
    corpus: TokenizedCorpus, pairs: SegmentPairs, special: SpecialIds, rows: np.ndarray | None = None
) -> list[dict]:
    """Return pairs as the fine-tuning loop takes them; ``label`` is that of the pair.

    Parameters
    ----------
    corpus : the text of the pairs.
    pairs : planned pairs.
    special : ids of the special tokens.
    rows : which pairs; all of them if left out.
    """
    batch = gather_pairs(corpus, pairs, np.arange(len(pairs)) if rows is None else rows, special)
    lengths = batch.attention_mask.sum(dim=1).tolist()
    rows_of_ids, rows_of_types = batch.input_ids.tolist(), batch.token_type_ids.tolist()
    return [
        {"input_ids": ids[:length], "token_type_ids": types[:length], "label": label}
        for ids, types, length, label in zip(
            rows_of_ids, rows_of_types, lengths, batch.labels.tolist(), strict=True
        )
    ]


def pair_model() -> TaskModel:
    """Return MiniLM with a fresh head on the pooled [CLS] state."""
    encoder = load_encoder(bundled_weights_folder())
    return TaskModel(encoder, next_sentence_head(encoder.configuration), pooled=True)


def pair_loss(scores: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Mean cross-entropy of the two classes; no class is left out, so no index is ignored."""
    return torch.nn.functional.cross_entropy(scores, batch["label"])


def train_pairs(
    features: list[dict], learning_rate: float, batch_size: int, precision: str, progress: bool = True
) -> tuple[TaskModel, History]:
    """Fine-tune a fresh model on one pass over some pairs."""
    torch.manual_seed(settings.current().seed)  # the head
    model = pair_model()
    run = TrainingConfiguration(
        learning_rate=learning_rate,
        epochs=1,
        batch_size=batch_size,
        precision=precision,
        seed=settings.current().seed,
    )
    return model, fine_tune(model, features, pair_loss, run, progress=progress)


def accuracy(model: TaskModel, features: list[dict]) -> float:
    """Return the share of pairs whose class the model finds."""
    predicted = torch.stack(predict(model, features, batch_size=64)).argmax(dim=1)  # (P,)
    return float((predicted == torch.tensor([feature["label"] for feature in features])).float().mean())


def majority_accuracy(features: list[dict]) -> float:
    """Return the accuracy of always naming the more frequent class."""
    share = float(np.mean([feature["label"] for feature in features]))
    return max(share, 1 - share)


def word_overlap(corpus: TokenizedCorpus, pairs: SegmentPairs, inverse_frequency: np.ndarray) -> np.ndarray:
    """Return how much the words of A and B have in common: the cosine of their TF-IDF vectors, (P,) float.

    Parameters
    ----------
    corpus, pairs : the text and its pairs.
    inverse_frequency : (V,) weight of each word, high for rare ones; see :func:`inverse_frequencies`.
    """
    from scipy.sparse import csr_matrix

    def vectors(spans: np.ndarray) -> csr_matrix:
        lengths = spans[:, 1] - spans[:, 0]
        tokens = np.concatenate([corpus.tokens[start:end] for start, end in spans])
        rows = np.repeat(np.arange(len(spans)), lengths)
        counts = csr_matrix((inverse_frequency[tokens], (rows, tokens)), (len(spans), len(inverse_frequency)))
        norms = np.sqrt(counts.multiply(counts).sum(axis=1)).clip(1e-9)
        return csr_matrix(counts.multiply(1 / norms))

    return np.asarray(vectors(pairs.first).multiply(vectors(pairs.second)).sum(axis=1)).ravel()


def inverse_frequencies(corpus: TokenizedCorpus, vocabulary_size: int) -> np.ndarray:
    """Return log(S / number of sentences a word is in) of each word of a vocabulary, (V,) float."""
    sentences = np.repeat(np.arange(len(corpus.sentence_lengths)), corpus.sentence_lengths)
    places = np.unique(np.stack([sentences, corpus.tokens]), axis=1)  # each word once a sentence
    counts = np.bincount(places[1], minlength=vocabulary_size)
    return np.log(len(corpus.sentence_lengths) / np.maximum(counts, 1))


def best_threshold(overlap: np.ndarray, labels: np.ndarray) -> float:
    """Return the overlap from which to say 0 (IsNext) so that most training pairs are right."""
    order = overlap.argsort()
    thresholds = np.append(np.unique(overlap), np.inf)
    below = np.searchsorted(overlap[order], thresholds)  # how many pairs are below each, so called 1
    ones = np.concatenate([[0], (labels[order] == 1).cumsum()])
    zeros = np.concatenate([[0], (labels[order] == 0).cumsum()])
    return float(thresholds[(ones[below] + zeros[-1] - zeros[below]).argmax()])


def overlap_accuracy(
    training: tuple[TokenizedCorpus, SegmentPairs],
    validation: tuple[TokenizedCorpus, SegmentPairs],
    vocabulary_size: int,
) -> float:
    """Return what word overlap alone achieves: threshold and word weights from training, then validation."""
    weights = inverse_frequencies(training[0], vocabulary_size)
    threshold = best_threshold(word_overlap(*training, weights), training[1].labels)
    predicted = word_overlap(*validation, weights) < threshold
    return float((predicted == validation[1].labels).mean())


@dataclass(frozen=True)
class Run:
    """One task of the recording: ``"nsp"`` or ``"sop"``, learned from so many pairs; ``shared`` is the rest."""

    objective: str
    training_pairs: int
    shared: Configuration


def run_objective(run: Run, seed: int) -> dict:
    """Train on the pairs of one task, and score the model on both tasks' pairs."""
    c = run.shared
    settings.prepare(seed)
    tokenizer = load_tokenizer(bundled_weights_folder(verify=False))
    special, size = special_ids(tokenizer), tokenizer.get_vocab_size()
    training, validation = wikipedia_split(tokenizer, c.validation_every)

    def pairs_of(part: TokenizedCorpus, objective: str) -> SegmentPairs:
        return plan_pairs(
            part, c.max_length, objective=objective, short_probability=c.short_probability, seed=seed
        )

    plans = {objective: pairs_of(validation, objective) for objective in ("nsp", "sop")}
    asked = {
        objective: pair_features(validation, plan, special, np.arange(c.validation_pairs))
        for objective, plan in plans.items()
    }
    pairs = pairs_of(training, run.objective)
    features = pair_features(training, pairs, special, np.arange(min(run.training_pairs, len(pairs))))
    model, history = train_pairs(features, c.learning_rate, c.batch_size, c.precision)
    overlap = overlap_accuracy((training, pairs), (validation, plans[run.objective]), size)
    return {
        "training_pairs": len(features),
        "training_tokens": history.tokens,
        "minutes": round(history.seconds / 60, 1),
        "validation_pairs": len(asked[run.objective]),
        "majority": round(majority_accuracy(asked[run.objective]), 4),
        "word_overlap": round(overlap, 4),
        "accuracy": {name: round(accuracy(model, rows), 4) for name, rows in asked.items()},
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Train both tasks, and score each model on both."""
    c = configuration
    shared = replace(c, training_pairs=())
    numbers = zip(("nsp", "sop"), c.training_pairs, strict=True)
    runs = {objective: Run(objective, number, shared) for objective, number in numbers}
    found = runner.grid("sentence-order", CODE_VERSION, runs, [settings.prepare().seed], run_objective)
    return {objective: result for objective, (result,) in found.items()}
