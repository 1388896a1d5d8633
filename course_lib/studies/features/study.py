"""Table 7 on the course's entities, and the road from a frozen encoder to one that is trained whole; lesson 17's tables.

The bundled MiniLM reads each sentence once, alone and with its document. BiLSTMs are trained on the cached states, one
for each row of the paper's table 7. Then the encoder itself is trained: nothing of it, its last blocks, adapters, LoRA,
all of it. All see the same training documents, a part of those that are bundled. Rates are chosen on the validation part,
with a seed that isn't used again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from course_lib import settings
from course_lib.bert.loading import load_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.data.weights import sha256_of
from course_lib.errors import CourseError
from course_lib.finetuning.entities import (
    TAGS,
    entity_features,
    entity_loss,
    entity_model,
    entity_scores,
    model_inputs,
    pad_entities,
    predict_tags,
)
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, fine_tune, freeze_body
from course_lib.finetuning.scores import percent
from course_lib.studies.features.adapters import (
    add_adapters,
    add_lora,
    train_last_blocks,
    trainable_parameters,
    training_bytes,
)
from course_lib.studies.features.cache import (
    CachedStates,
    join_documents,
    open_states,
    save_states,
    split_by_sentence,
)
from course_lib.studies.features.probes import pooled_states, probe
from course_lib.studies.features.tagger import ROWS, Features, TaggerTraining, tag_words, train_tagger
from course_lib.studies.records import Runner

CODE_VERSION = 1
CONTEXTS = ("sentence", "document")
JUDGES = ("validation", "test")


@dataclass(frozen=True)
class Method:
    """One way to train the encoder.

    Parameters
    ----------
    kind : ``"last"`` blocks, ``"adapters"``, ``"lora"`` or ``"everything"``, the embeddings included.
    size : how many blocks; the bottleneck; the rank.
    rates : peaks of the schedule that are tried on the validation part.
    runs : how many of the seeds are run.
    """

    kind: str
    size: int
    rates: tuple[float, ...]
    runs: int = 3


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    rows: Mapping[str, Features]
    tagger: TaggerTraining
    tagger_rates: tuple[float, ...]
    paper_row: str
    paper_tagger: TaggerTraining
    methods: Mapping[str, Method]
    training: TrainingConfiguration
    context_method: str
    seeds: tuple[int, ...] = (1, 2, 3)
    search_seed: int = 0
    documents: int = 52  # of the training part
    max_length: int = 512
    review_length: int = 192


CONFIGURATION = Configuration(
    rows=ROWS,
    tagger=TaggerTraining(),
    tagger_rates=(3e-3, 1e-2),
    paper_row="concat of last four",
    paper_tagger=TaggerTraining(hidden=768, epochs=4, learning_rate=1e-3),
    methods={
        "head alone": Method("last", 0, (1e-2, 3e-2)),
        "last block": Method("last", 1, (6e-4,)),
        "last 3 blocks": Method("last", 3, (3e-4,)),
        "adapters": Method("adapters", 32, (1e-3, 3e-3)),
        "LoRA": Method("lora", 4, (1e-3, 3e-3)),
        "all blocks": Method("last", 6, (3e-4,)),
        "everything": Method("everything", 0, (3e-4,), runs=1),
    },
    training=TrainingConfiguration(epochs=6, batch_size=8, frozen="as it is", precision="bfloat16"),
    context_method="all blocks",
)


# Data ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """Sentences of one part: a feature each, their tags, and their documents."""

    features: list[dict]
    tags: list[list[str]]
    documents: list[int]

    def labels(self) -> list[list[int]]:
        """Return the number of each word's tag."""
        return [[TAGS.index(tag) for tag in row] for row in self.tags]


def entity_parts(documents: int | None = None) -> dict[str, Part]:
    """Return the bundled entities; of the training part the first documents, or all of them.

    Raises
    ------
    CourseError
        If there aren't so many.
    """
    tokenizer, parts = load_tokenizer(encoder_folder("bundled")), {}
    for split, rows in load_texts("entities", "bundled").items():
        if split == "train" and documents is not None:
            there = len(set(rows["document"]))
            if not 0 < documents <= there:
                raise CourseError(f"{documents} training documents are asked for. Choose from 1 to {there}.")
            chosen = list(dict.fromkeys(rows["document"]))[:documents]
            rows = rows.select([n for n, document in enumerate(rows["document"]) if document in chosen])
        features = entity_features(rows["tokens"], tokenizer, rows["tags"])
        parts[split] = Part(features, list(rows["tags"]), list(rows["document"]))
    return parts


def rows_of(part: Part, context: str, max_length: int = 512) -> list[dict]:
    """Return what the encoder reads at once: single sentences, or documents."""
    if context == "sentence":
        return part.features
    return join_documents(part.features, part.documents, max_length)


@lru_cache(maxsize=4)
def _checksum(path: Path, changed: int) -> str:
    return sha256_of(path)


def cached_states(part: Part, context: str, max_length: int = 512) -> CachedStates:
    """Return the states of a part from the course's cache; the encoder reads it where it hasn't done so yet."""
    rows = rows_of(part, context, max_length)
    weights = encoder_folder("bundled") / "model.safetensors"
    checksum = _checksum(weights, weights.stat().st_mtime_ns)
    text = repr([checksum, torch.__version__, [(row["input_ids"], row["first_pieces"]) for row in rows]])
    folder = settings.current().cache / "features" / hashlib.sha256(text.encode()).hexdigest()[:16]
    try:
        return open_states(folder)
    except CourseError:
        return save_states(load_encoder(encoder_folder("bundled")), rows, folder)


def score_tags(tags: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> float:
    """Return the entity-level F1 in percent."""
    return percent(entity_scores(tags, predicted)["f1"], 2)


# A BiLSTM on cached states ------------------------------------------------------------------------


@dataclass(frozen=True)
class TaggerRun:
    """One row of table 7."""

    features: Features
    training: TaggerTraining
    context: str
    documents: int
    max_length: int


def run_tagger(run: TaggerRun, seed: int) -> dict:
    """Train a BiLSTM on the cached states of the training part, and score it on the others."""
    parts = entity_parts(run.documents)
    caches = {name: cached_states(part, run.context, run.max_length) for name, part in parts.items()}
    model, cost = train_tagger(
        run.features, caches["train"], parts["train"].labels(), replace(run.training, seed=seed)
    )
    found = {name: score_tags(parts[name].tags, tag_words(model, caches[name])) for name in JUDGES}
    weights = [] if model.mix is None else model.mix.weights().tolist()
    return {
        **found,
        "trainable": cost["trainable"],
        "epoch_seconds": round(cost["epoch_seconds"], 2),
        "last_loss": round(float(np.mean(cost["losses"][-10:])), 4),
        "weights": [round(weight, 4) for weight in weights],
    }


def measure_cache(run: TaggerRun, seed: int) -> dict:
    """Read the training part once and return what that costs, and how many bytes its states take."""
    part = entity_parts(run.documents)["train"]
    rows = rows_of(part, run.context, run.max_length)
    encoder = load_encoder(encoder_folder("bundled"))
    folder = settings.current().cache / "features" / "measured"
    began = time.process_time()
    cache = save_states(encoder, rows, folder)
    return {
        "seconds": round(time.process_time() - began, 2),
        "bytes": cache.bytes,
        "words": int(cache.starts[-1]),
        "pieces": sum(len(row["input_ids"]) for row in rows),
        "layers": len(cache.states),
    }


# The encoder itself -------------------------------------------------------------------------------


def prepared_model(method: Method, seed: int) -> TaskModel:
    """Return the pre-trained encoder with a fresh head, and with what a method trains left free.

    Raises
    ------
    CourseError
        If there is no such method.
    """
    torch.manual_seed(seed)
    model = entity_model(source="bundled")
    if method.kind == "everything":
        freeze_body(model, "none")
    elif method.kind == "last":
        train_last_blocks(model.encoder, method.size)
    elif method.kind == "adapters":
        add_adapters(model.encoder, method.size)
    elif method.kind == "lora":
        add_lora(model.encoder, method.size, alpha=2.0 * method.size)
    else:
        raise CourseError(
            f"There is no method {method.kind!r}. Choose one of: last, adapters, lora, everything."
        )
    return model


@dataclass(frozen=True)
class MethodRun:
    """One way to train the encoder, at one rate."""

    method: Method
    training: TrainingConfiguration
    context: str
    documents: int
    max_length: int


def run_method(run: MethodRun, seed: int) -> dict:
    """Train the encoder by one method on the training part, and score it on the others."""
    parts = entity_parts(run.documents)
    rows = {name: rows_of(part, run.context, run.max_length) for name, part in parts.items()}
    model = prepared_model(run.method, seed)
    inputs = model_inputs(rows["train"])
    needed = training_bytes(model, pad_entities(inputs[: run.training.batch_size]))
    began = time.process_time()
    history = fine_tune(
        model, inputs, entity_loss, replace(run.training, seed=seed), collate=pad_entities, progress=False
    )
    seconds = (time.process_time() - began) / run.training.epochs
    found = {}
    for name in JUDGES:
        predicted = predict_tags(model, rows[name])
        if run.context == "document":
            predicted = split_by_sentence(rows[name], predicted)
        found[name] = score_tags(parts[name].tags, predicted)
    return {
        **found,
        "trainable": trainable_parameters(model),
        "epoch_seconds": round(seconds, 2),
        "last_loss": round(float(np.mean(history.losses[-10:])), 4),
        **needed,
    }


def method_run(c: Configuration, name: str, rate: float, context: str = "sentence") -> MethodRun:
    """Return the run of a method at a rate; its other rates are no part of what it depends on."""
    method = replace(c.methods[name], rates=(), runs=1)
    training = replace(c.training, learning_rate=rate)
    if context == "document":  # a document is ten sentences: as many updates need batches of one
        training = replace(training, batch_size=1)
    return MethodRun(method, training, context, c.documents, c.max_length)


def best_rate(
    runs: Mapping[float, TaggerRun | MethodRun],
    name: str,
    function: Callable[[TaggerRun | MethodRun, int], dict],
    seed: int,
    runner: Runner,
) -> tuple[float, dict[str, float]]:
    """Return the rate with the best validation F1, and the F1 of each that was tried; one alone isn't tried.

    Parameters
    ----------
    runs : the run at each rate.
    name : what they are called while they run.
    function : makes a run.
    seed : of the search, not used again.
    runner : keeps the runs.
    """
    if len(runs) == 1:
        return next(iter(runs)), {}
    named = {f"{name} at {rate:g}": run for rate, run in runs.items()}
    found = runner.grid("features-rates", CODE_VERSION, named, [seed], function)
    scores = {rate: found[f"{name} at {rate:g}"][0]["validation"] for rate in runs}
    return max(scores, key=scores.get), {f"{rate:g}": score for rate, score in scores.items()}


# Reviews ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ProbeRun:
    """The probes of the reviews."""

    review_length: int
    strengths: tuple[float, ...] = (0.001, 0.01, 0.1)


def run_probes(run: ProbeRun, seed: int) -> dict:
    """Return the test accuracy (%) of probes by pooling, a number a layer; their strength is chosen on validation."""
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    tokenizer.enable_truncation(run.review_length)
    encoder = load_encoder(encoder_folder("bundled"))
    vectors, labels = {}, {}
    for split, rows in load_texts("reviews", "bundled").items():
        features = [{"input_ids": encoding.ids} for encoding in tokenizer.encode_batch(list(rows["text"]))]
        vectors[split], labels[split] = pooled_states(encoder, features), np.array(rows["label"])
    found: dict[str, list[float]] = {}
    for pooling in vectors["train"]:
        found[pooling] = []
        for layer in range(len(vectors["train"][pooling])):
            part = {split: states[pooling][layer] for split, states in vectors.items()}
            strength = max(run.strengths, key=lambda c: _accuracy(part, labels, "validation", c))
            found[pooling].append(_accuracy(part, labels, "test", strength))
    return found


def _accuracy(part: Mapping, labels: Mapping, split: str, strength: float) -> float:
    predicted = probe(part["train"], labels["train"], part[split], strength=strength)
    return percent(float((predicted == labels[split]).mean()), 2)


# The recording ------------------------------------------------------------------------------------


def columns(results: Sequence[dict]) -> dict:
    """Turn the results of several seeds into one list a number; what is the same for all stays one number."""
    same = ("trainable", "optimizer", "activations")
    return {
        key: results[0][key] if key in same else [result[key] for result in results] for key in results[0]
    }


def tagger_run(c: Configuration, name: str, rate: float, context: str) -> TaggerRun:
    """Return the run of a row at a rate."""
    training = replace(c.tagger, learning_rate=rate)
    return TaggerRun(c.rows[name], training, context, c.documents, c.max_length)


def record_features(c: Configuration, runner: Runner) -> dict:
    """Choose each row's rate without document context, then train its BiLSTM with and without."""
    rows: dict = {context: {} for context in CONTEXTS}
    for name in c.rows:
        tried = {rate: tagger_run(c, name, rate, "sentence") for rate in c.tagger_rates}
        rate, search = best_rate(tried, name, run_tagger, c.search_seed, runner)
        runs = {f"{name}, {context}": tagger_run(c, name, rate, context) for context in CONTEXTS}
        found = runner.grid("features", CODE_VERSION, runs, c.seeds, run_tagger)
        for context in CONTEXTS:
            rows[context][name] = {"rate": rate, "search": search} | columns(found[f"{name}, {context}"])
    return rows


def record_methods(c: Configuration, runner: Runner) -> tuple[dict, dict]:
    """Choose each method's rate, then run it with its seeds; and one method with the document besides."""
    rows = {}
    for name, method in c.methods.items():
        tried = {rate: method_run(c, name, rate) for rate in method.rates}
        rate, search = best_rate(tried, name, run_method, c.search_seed, runner)
        found = runner.grid(
            "features-methods", CODE_VERSION, {name: tried[rate]}, c.seeds[: method.runs], run_method
        )
        rows[name] = {"rate": rate, "search": search} | columns(found[name])
    name = c.context_method
    runs = {f"{name}, document": method_run(c, name, rows[name]["rate"], "document")}
    found = runner.grid("features-methods", CODE_VERSION, runs, c.seeds, run_method)
    return rows, columns(found[f"{name}, document"])


def record(configuration: Configuration, runner: Runner) -> dict:
    """Cache, train BiLSTMs on what was cached, probe the reviews, and train the encoder step by step."""
    c = configuration
    settings.prepare()
    first = next(iter(c.rows))
    reading = {context: tagger_run(c, first, c.tagger_rates[0], context) for context in CONTEXTS}
    caches = runner.grid("features-cache", CODE_VERSION, reading, [c.search_seed], measure_cache)
    probing = {"reviews": ProbeRun(c.review_length)}
    probes = runner.grid("features-probes", CODE_VERSION, probing, [c.search_seed], run_probes)
    features = record_features(c, runner)
    methods, with_document = record_methods(c, runner)
    paper = TaggerRun(c.rows[c.paper_row], c.paper_tagger, "sentence", c.documents, c.max_length)
    found = runner.grid("features", CODE_VERSION, {f"{c.paper_row}, 768": paper}, c.seeds[:1], run_tagger)
    return {
        "caches": {name: measured for name, (measured,) in caches.items()},
        "probes": probes["reviews"][0],
        "features": features,
        "methods": methods,
        "with_document": with_document,
        "paper_tagger": columns(found[f"{c.paper_row}, 768"]),
    }
