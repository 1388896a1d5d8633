"""Next sentences against word overlap on the same pairs, and sentence order with more text: lesson 05.

The recording ``sentence-order`` has one run for each task, and its run on sentence order gave one answer to
everything. This one asks the two questions that it left open:

- Is a model that learned next sentences better than word overlap? Both learn from the same pairs and answer the
  same pairs, so they can be compared pair by pair.
- Can sentence order be learned here at all? A pilot chooses among lower learning rates, on pairs of the training
  articles that nobody learned from. Then several seeds learn from more pairs than one pass over the text has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from course_lib import settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.finetuning.loop import predict
from course_lib.pretraining.corpus import TokenizedCorpus
from course_lib.pretraining.sentence_pairs import SegmentPairs, plan_pairs
from course_lib.studies.masking.masked_word_model import wikipedia_split
from course_lib.studies.pretraining import sentence_order
from course_lib.studies.records import Runner
from course_lib.studies.statistics import paired_interval

CODE_VERSION = 1


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    max_length: int = 64
    nsp_pairs: int = 1600  # as many as the lesson's own model learns from
    nsp_rate: float = 2e-4
    sop_pairs: int = 6000
    sop_rates: tuple[float, ...] = (5e-5, 1e-4)  # at 2e-4, the earlier run gave one answer to everything
    pilot_pairs: int = 4000  # as many as the earlier run learned from
    pilot_asked: int = 1000
    batch_size: int = 16
    validation_every: int = 5  # one article in five is kept for validation
    asked_pairs: int = 1000
    seeds: tuple[int, ...] = (42, 43, 44)
    precision: str = "bfloat16"


CONFIGURATION = Configuration()


def passes(corpus: TokenizedCorpus, max_length: int, objective: str, number: int, seed: int) -> SegmentPairs:
    """Return so many pairs, from as many passes over a corpus as it takes; each pass draws its pairs again.

    Parameters
    ----------
    corpus : the text.
    max_length : tokens of a pair, the special ones included.
    objective : ``"nsp"`` or ``"sop"``.
    number : how many pairs.
    seed : of the first pass; the next ones follow from it.
    """
    plans: list[SegmentPairs] = []
    while sum(len(plan) for plan in plans) < number:
        draws = seed + 1000 * len(plans)
        plans.append(plan_pairs(corpus, max_length, objective=objective, short_probability=0.0, seed=draws))
    first, second, labels = (
        np.concatenate([getattr(plan, part) for plan in plans])[:number]
        for part in ("first", "second", "labels")
    )
    return SegmentPairs(first, second, labels)


def part_of(pairs: SegmentPairs, start: int, end: int) -> SegmentPairs:
    """Return the pairs from one number up to another."""
    return SegmentPairs(pairs.first[start:end], pairs.second[start:end], pairs.labels[start:end])


def digits(right: np.ndarray) -> str:
    """Return which pairs are right as a text of ones and zeros; :func:`answers` reads it."""
    return "".join(str(int(one)) for one in right)


def answers(text: str) -> np.ndarray:
    """Return which pairs are right, (P,) bool, from a text of ones and zeros."""
    return np.array([digit == "1" for digit in text])


@dataclass(frozen=True)
class Run:
    """One run of the recording.

    Parameters
    ----------
    objective : ``"nsp"`` or ``"sop"``.
    learning_rate : the peak.
    training_pairs : how many pairs to learn from.
    pilot : whether it's asked about training articles, to choose a rate; else about articles held out.
    shared : the rest.
    """

    objective: str
    learning_rate: float
    training_pairs: int
    pilot: bool
    shared: Configuration


def run_task(run: Run, seed: int) -> dict:
    """Train a model on pairs, and ask it and word overlap about the same other pairs."""
    c = run.shared
    settings.prepare(seed)
    tokenizer = load_tokenizer(sentence_order.bundled_weights_folder(verify=False))
    special, size = sentence_order.special_ids(tokenizer), tokenizer.get_vocab_size()
    training, validation = wikipedia_split(tokenizer, c.validation_every)
    if run.pilot:  # pairs of one pass don't overlap, so the last ones are new to a model of the first ones
        plan = plan_pairs(training, c.max_length, objective=run.objective, short_probability=0.0, seed=seed)
        learned, corpus = part_of(plan, 0, run.training_pairs), training
        pairs = part_of(plan, run.training_pairs, run.training_pairs + c.pilot_asked)
    else:
        learned, corpus = passes(training, c.max_length, run.objective, run.training_pairs, seed), validation
        pairs = passes(validation, c.max_length, run.objective, c.asked_pairs, 0)  # the same for every seed
    features = sentence_order.pair_features(training, learned, special)
    model, history = sentence_order.train_pairs(
        features, run.learning_rate, c.batch_size, c.precision, progress=False
    )
    asked = sentence_order.pair_features(corpus, pairs, special)
    scores = torch.stack(predict(model, asked, batch_size=64))  # (P, 2)
    loss = torch.nn.functional.cross_entropy(scores.float(), torch.from_numpy(pairs.labels))
    weights = sentence_order.inverse_frequencies(training, size)
    threshold = sentence_order.best_threshold(
        sentence_order.word_overlap(training, learned, weights), learned.labels
    )
    overlap = sentence_order.word_overlap(corpus, pairs, weights) < threshold  # says 1: not the next sentence
    predicted = scores.argmax(dim=1).numpy()
    return {
        "training_pairs": len(learned),
        "asked_pairs": len(pairs),
        "minutes": round(history.seconds / 60, 1),
        "last_losses": [round(value, 4) for value in history.losses[-20:]],
        "asked_loss": round(float(loss), 4),
        "labels": digits(pairs.labels),
        "says_one": round(float(predicted.mean()), 4),
        "model": digits(predicted == pairs.labels),
        "overlap": digits(overlap == pairs.labels),
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Train on next sentences, choose a rate for sentence order, and train on sentence order with it."""
    c = configuration
    shared = replace(c, sop_rates=(), seeds=())

    def runs(plans: dict[str, Run], seeds: tuple[int, ...]) -> dict[str, list[dict]]:
        return runner.grid("sentence-tasks", CODE_VERSION, plans, seeds, run_task)

    nsp = runs({"nsp": Run("nsp", c.nsp_rate, c.nsp_pairs, False, shared)}, c.seeds)["nsp"]
    tried = {f"{rate:g}": Run("sop", rate, c.pilot_pairs, True, shared) for rate in c.sop_rates}
    pilot = {name: result for name, (result,) in runs(tried, c.seeds[:1]).items()}
    rate = min(pilot, key=lambda name: pilot[name]["asked_loss"])  # stated before the runs: the lowest loss
    sop = runs({"sop": Run("sop", float(rate), c.sop_pairs, False, shared)}, c.seeds)["sop"]
    return {"nsp": nsp, "pilot": pilot, "rate": float(rate), "sop": sop}


@dataclass(frozen=True)
class Comparison:
    """The models of one task beside a baseline, on the same pairs.

    Parameters
    ----------
    task : ``"nsp"`` or ``"sop"``.
    baseline : ``"overlap"`` or ``"majority"``.
    model, other : their accuracies, means over the seeds.
    ahead, low, high : how far the models are ahead, with the 95% interval of the paired difference.
    """

    task: str
    baseline: str
    model: float
    other: float
    ahead: float
    low: float
    high: float


def comparisons(results: Mapping[str, Sequence[Mapping]]) -> list[Comparison]:
    """Compare the recorded models of each task with word overlap and with the majority, pair by pair."""
    rows = []
    for task in ("nsp", "sop"):
        runs = results[task]
        models = np.array([answers(run["model"]) for run in runs])  # (S, P)
        labels = answers(runs[0]["labels"])  # (P,)
        baselines = {
            "overlap": np.array([answers(run["overlap"]) for run in runs]),
            "majority": np.tile(labels == (labels.mean() >= 0.5), (len(runs), 1)),
        }
        for name, others in baselines.items():
            interval = paired_interval(models, others)
            rows.append(Comparison(task, name, float(models.mean()), float(others.mean()), *interval))
    return rows
