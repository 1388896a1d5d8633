"""The masking strategies of Devlin et al. 2018, table 8, compared at our scale: lesson 04's table 4.

Each strategy continues the pre-training of MiniLM for the same number of steps, on the same text, in
the same order. Three things are then measured on held-out data: words right where there is a [MASK];
words right where the word itself stands and the model is asked for it; and, as in the paper's last
column, named entities found by a linear classifier on the frozen hidden states.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from course_lib import settings
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import load_texts
from course_lib.data.weights import bundled_weights_folder
from course_lib.pretraining.corpus import full_sequences
from course_lib.pretraining.masking import MaskedBatch, MaskingStrategy, MaskingVocabulary, mask_tokens
from course_lib.studies.masking.masked_word_model import (
    evaluate_masked,
    new_model,
    train_masked_language_model,
    wikipedia_split,
)
from course_lib.studies.published import MASKING_STRATEGIES
from course_lib.studies.records import Runner
from course_lib.training.batching import inference_batches

CODE_VERSION = 1


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    strategies: tuple[tuple[int, int, int], ...] = tuple(row[:3] for row in MASKING_STRATEGIES)
    seeds: tuple[int, ...] = (1, 2)
    steps: int = 50
    batch_size: int = 16
    max_length: int = 128
    learning_rate: float = 5e-4
    warmup_steps: int = 10
    precision: str = "bfloat16"
    validation_sequences: int = 150


CONFIGURATION = Configuration()


@torch.no_grad()
def first_piece_states(encoder: BertEncoder, tokenizer, sentences: list[list[str]]) -> list[np.ndarray]:
    """Return, for each sentence, the last hidden state of the first piece of each word, (words, H)."""
    features, firsts = [], []
    for words in sentences:
        encodings = tokenizer.encode_batch(words, add_special_tokens=False)
        pieces = [encoding.ids or [tokenizer.token_to_id("[UNK]")] for encoding in encodings]
        firsts.append(1 + np.cumsum([0, *map(len, pieces[:-1])]))
        inside = [piece for word in pieces for piece in word]
        ids = [tokenizer.token_to_id("[CLS]"), *inside, tokenizer.token_to_id("[SEP]")]
        features.append({"input_ids": ids})
    states: list[np.ndarray] = [np.empty(0)] * len(sentences)
    was_training = encoder.training
    encoder.eval()
    for rows, batch in inference_batches(features, 32):
        hidden = encoder(batch["input_ids"], None, batch["attention_mask"]).last_hidden_state
        for row, values in zip(rows, hidden, strict=True):
            states[row] = values[firsts[row]].numpy()
    encoder.train(was_training)
    return states


def entity_f1_from_features(encoder: BertEncoder, tokenizer, training, test) -> float:
    """Return the entity-level F1 (%) of logistic regression on frozen hidden states."""
    from seqeval.metrics import f1_score
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    states = [first_piece_states(encoder, tokenizer, list(part["tokens"])) for part in (training, test)]
    scaler = StandardScaler()
    inputs = scaler.fit_transform(np.concatenate(states[0]))
    targets = np.array([tag for tags in training["tags"] for tag in tags])
    classifier = LogisticRegression(C=0.05, max_iter=200).fit(inputs, targets)
    predicted = [list(classifier.predict(scaler.transform(words))) for words in states[1]]
    return 100 * float(f1_score([list(tags) for tags in test["tags"]], predicted))


def _percent_right(model, masked, pad_id: int) -> float:
    return 100 * evaluate_masked(model, masked, pad_id)["accuracy"]


@dataclass(frozen=True)
class Run:
    """One run of the recording: a strategy, in percent of [MASK], the same word and a random one.

    ``shared`` by all runs is the rest.
    """

    strategy: tuple[int, int, int]
    shared: Configuration


@cache
def _sequences(max_length: int, count: int) -> tuple[MaskingVocabulary, Tensor, Tensor]:
    """Return what masking must know, the training sequences, and about ``count`` held-out ones."""
    tokenizer = load_tokenizer(bundled_weights_folder(verify=False))
    vocabulary = MaskingVocabulary.from_tokens(
        [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    )
    cls_id, sep_id = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    training, validation = (
        full_sequences(part, max_length, cls_id, sep_id) for part in wikipedia_split(tokenizer)
    )
    return vocabulary, training, validation[:: max(1, len(validation) // count)]


def run_strategy(run: Run, seed: int) -> dict[str, float]:
    """Train one model with one strategy, and return its three measures in percent."""
    c = run.shared
    settings.prepare(seed)
    vocabulary, training, validation = _sequences(c.max_length, c.validation_sequences)
    entities = load_texts("entities", "bundled")

    def held_out(strategy: MaskingStrategy) -> MaskedBatch:
        return mask_tokens(validation, vocabulary, strategy, generator=torch.Generator().manual_seed(0))

    all_masked = held_out(MaskingStrategy(mask=1, random=0, keep=0))
    all_visible = held_out(MaskingStrategy(mask=0, random=0, keep=1))
    torch.manual_seed(seed)
    model = new_model(training, vocabulary)
    model.encoder.use_dropout(attention=0.0)
    mask, keep, random = (share / 100 for share in run.strategy)
    updates = train_masked_language_model(
        model,
        training,
        vocabulary,
        strategy=MaskingStrategy(mask=mask, keep=keep, random=random),
        steps=c.steps,
        batch_size=c.batch_size,
        learning_rate=c.learning_rate,
        warmup_steps=c.warmup_steps,
        precision=c.precision,
        seed=seed,
    )
    for _ in tqdm(updates, total=c.steps, desc="/".join(map(str, run.strategy)), unit="step"):
        pass
    f1 = entity_f1_from_features(
        model.encoder,
        load_tokenizer(bundled_weights_folder(verify=False)),
        entities["train"],
        entities["test"],
    )
    return {
        "entity_f1": round(f1, 2),
        "masked_accuracy": round(_percent_right(model, all_masked, vocabulary.pad_id), 2),
        "visible_accuracy": round(_percent_right(model, all_visible, vocabulary.pad_id), 2),
    }


def record(configuration: Configuration, runner: Runner) -> list[dict]:
    """Train one model for each strategy and seed, and measure each."""
    c = configuration
    shared = replace(c, strategies=(), seeds=())
    runs = {"/".join(map(str, strategy)): Run(strategy, shared) for strategy in c.strategies}
    found = runner.grid("masking-strategies", CODE_VERSION, runs, c.seeds, run_strategy)
    return [
        dict(zip(("mask", "keep", "random"), run.strategy, strict=True))
        | {measure: [result[measure] for result in found[name]] for measure in found[name][0]}
        for name, run in runs.items()
    ]
