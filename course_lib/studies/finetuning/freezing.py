"""What to freeze, and what pre-training is worth: lesson 07's table of strategies.

Some sentences of the bundled entities are learned with nothing frozen, with the embeddings,
with the embeddings and the lower half of the blocks, and with the whole body frozen; and once more from
random weights instead of the pre-trained ones. Every run has the same rows, steps and settings but the
rate. Rates are chosen on the validation part, with a seed that is not used again; the test part is
scored only then.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from course_lib import settings
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import token_classification_head
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
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
from course_lib.studies.records import Runner

CODE_VERSION = 1


@dataclass(frozen=True)
class Strategy:
    """One way to fine-tune: from which weights, what is frozen, and which rates are tried.

    A strategy without ``rates`` takes the rate that was chosen for ``rate_of``.
    """

    name: str
    frozen: str
    rates: tuple[float, ...] = ()
    rate_of: str = ""
    pretrained: bool = True


EMBEDDINGS = "embeddings frozen"


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    strategies: tuple[Strategy, ...] = (
        Strategy(EMBEDDINGS, "embeddings", (3e-4, 6e-4)),
        Strategy("whole body frozen", "all", (3e-3, 1e-2, 3e-2)),
        Strategy("random weights", "none", rate_of=EMBEDDINGS, pretrained=False),
        Strategy("nothing frozen", "none", rate_of=EMBEDDINGS),
        Strategy("lower half frozen", "half", rate_of=EMBEDDINGS),
    )
    seeds: tuple[int, ...] = (1, 2, 3)
    search_seed: int = 0
    sentences: int = 240
    epochs: int = 2
    batch_size: int = 8
    precision: str = "bfloat16"


CONFIGURATION = Configuration()


def random_entity_model() -> TaskModel:
    """Return a model of the bundled encoder's sizes with random weights in every part."""
    configuration = BertConfiguration.from_file(encoder_folder("bundled") / "config.json")
    head = token_classification_head(configuration, len(TAGS))
    return TaskModel(BertEncoder(configuration), head, pooled=False, labels=TAGS)


def entity_parts(
    configuration: Configuration = CONFIGURATION,
) -> dict[str, tuple[list[dict], list[list[str]]]]:
    """Return features and tags of each part of the bundled entities, the training part cut to size."""
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    parts = {}
    for split, rows in load_texts("entities", "bundled").items():
        if split == "train":
            rows = rows.select(range(configuration.sentences))
        parts[split] = (entity_features(rows["tokens"], tokenizer, rows["tags"]), list(rows["tags"]))
    return parts


def f1(model: TaskModel, part: tuple[list[dict], list[list[str]]]) -> float:
    """Return the entity-level F1 in percent."""
    features, tags = part
    return percent(entity_scores(tags, predict_tags(model, features))["f1"])


def run_strategy(
    strategy: Strategy,
    learning_rate: float,
    features: list[dict],
    seed: int,
    configuration: Configuration = CONFIGURATION,
    *,
    progress: bool = True,
) -> tuple[TaskModel, dict]:
    """Fine-tune one model by one strategy.

    Parameters
    ----------
    strategy : weights, and what is frozen.
    learning_rate : peak of the schedule.
    features : training rows.
    seed : of the head, the order of the rows and dropout.
    configuration : what all strategies share.
    progress : whether to show a progress bar.

    Returns
    -------
    tuple
        The model; and number of ``trainable`` parameters, ``losses`` by step, and processor time in
        seconds (``processor_seconds``: all threads together, so that a busy machine does not count).
    """
    c = configuration
    torch.manual_seed(seed)
    model = entity_model(source="bundled") if strategy.pretrained else random_entity_model()
    freeze_body(model, strategy.frozen)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    run = TrainingConfiguration(
        learning_rate=learning_rate,
        epochs=c.epochs,
        batch_size=c.batch_size,
        frozen=strategy.frozen,
        precision=c.precision,
        seed=seed,
    )
    began = time.process_time()
    history = fine_tune(
        model, model_inputs(features), entity_loss, run, progress=progress, collate=pad_entities
    )
    seconds = time.process_time() - began
    return model, {"trainable": trainable, "losses": history.losses, "processor_seconds": seconds}


@dataclass(frozen=True)
class Run:
    """One run of the recording: a strategy at one rate, scored on one part; ``shared`` by all of them is the rest."""

    strategy: Strategy
    learning_rate: float
    judge: str
    shared: Configuration


def score_run(run: Run, seed: int) -> dict[str, float]:
    """Fine-tune by one strategy and return its F1 (%) on the judging part, and its cost."""
    parts = entity_parts(run.shared)
    model, cost = run_strategy(run.strategy, run.learning_rate, parts["train"][0], seed, run.shared)
    return {
        "f1": round(f1(model, parts[run.judge]), 2),
        "trainable": cost["trainable"],
        "last_loss": round(float(np.mean(cost["losses"][-10:])), 4),
        "processor_seconds": round(cost["processor_seconds"], 1),
    }


def choose_rate(strategy: Strategy, configuration: Configuration, runner: Runner) -> dict[str, float]:
    """Return the validation F1 of each rate of a strategy; the test part is not looked at."""
    c = configuration
    shared = replace(c, strategies=(), seeds=())
    runs = {f"{rate:g}": Run(strategy, rate, "validation", shared) for rate in strategy.rates}
    found = runner.grid("freezing-rates", CODE_VERSION, runs, [c.search_seed], score_run)
    return {rate: result["f1"] for rate, (result,) in found.items()}


def record(configuration: Configuration, runner: Runner) -> list[dict]:
    """Choose each rate on the validation part, then run every strategy with every seed and score it on test."""
    c, rows, rates = configuration, [], {}
    settings.prepare()
    shared = replace(c, strategies=(), seeds=())
    for strategy in c.strategies:
        name, search = strategy.name, choose_rate(strategy, c, runner)
        rates[name] = rates[strategy.rate_of] if strategy.rate_of else float(max(search, key=search.get))
        runs = {name: Run(strategy, rates[name], "test", shared)}
        found = runner.grid("freezing", CODE_VERSION, runs, c.seeds, score_run)[name]
        row = {"name": name, "rate": rates[name], "search": search, "trainable": found[0]["trainable"]}
        rows.append(
            row | {key: [run[key] for run in found] for key in ("f1", "last_loss", "processor_seconds")}
        )
    return rows
