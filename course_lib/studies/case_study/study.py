"""The runs of lesson 15's study: a learning curve from a few reviews to all, and three ways to cut a review.

Every run stores what it says about each review it is judged on, so that accuracies, tests, calibration and
errors are computed from the recording, and none of them is recorded.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from course_lib import settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.data.splits import all_parts
from course_lib.errors import CourseError
from course_lib.finetuning.classification import classification_loss, classification_model
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, fine_tune, predict
from course_lib.studies.case_study.truncation import WAYS, cut_features
from course_lib.studies.records import Runner, folder_of_runs, load_record

CODE_VERSION = 1
LABELS = ("negative", "positive")
JUDGED = ("validation", "test")
TRAINING = TrainingConfiguration(learning_rate=2e-4, epochs=3, precision="bfloat16")


@dataclass(frozen=True)
class Shared:
    """What all runs have in common.

    Parameters
    ----------
    encoder, texts : where weights and reviews come from, as in the fine-tuning functions.
    reads : what the head reads of a text, see :func:`~course_lib.bert.heads.row_state`. The bundled MiniLM was trained
        as a model of sentences by the mean of the tokens' states; its pooler of [CLS] was not trained with it.
    training : rate, batch size and so on; ``epochs`` is the least number of epochs.
    fewest_updates : a run on few rows makes more epochs, until it has made so many updates.
    max_length : tokens of a review that is read whole, special ones counted.
    budget : tokens of a review that is cut.
    """

    encoder: str = "bundled"
    texts: str = "bundled"
    reads: str = "mean"
    training: TrainingConfiguration = TRAINING
    fewest_updates: int = 48
    max_length: int = 512
    budget: int = 64


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    shared: Shared = Shared()
    sizes: tuple[int, ...] = (50, 100, 200, 400, 935)
    ways: tuple[str, ...] = WAYS
    seeds: tuple[int, ...] = (1, 2, 3)


CONFIGURATION = Configuration()


def full_configuration() -> Configuration:
    """Return the same study on the hub's reviews, IMDB, with bert-base: the sizes grow to all rows that are there."""
    rows = len(all_parts(load_texts("reviews", "hub"))["train"])
    sizes = [size for size in (50, 200, 1000, 5000) if size < rows] or [rows // 2]
    shared = Shared(
        encoder="hub",
        texts="hub",
        reads="pooler",
        training=TrainingConfiguration(learning_rate=2e-5, epochs=3, frozen="none", precision="bfloat16"),
        budget=256,
    )
    return Configuration(shared, (*sizes, rows))


@dataclass(frozen=True)
class Run:
    """One run: how many reviews it learns from, how they are cut (``whole`` if they aren't), what it is judged on."""

    shared: Shared
    rows: int
    way: str = "whole"
    parts: tuple[str, ...] = JUDGED


def review_model(shared: Shared) -> TaskModel:
    """Return a pre-trained encoder with a fresh head for two classes."""
    model = classification_model(
        len(LABELS), encoder_folder(shared.encoder), labels=LABELS, reads=shared.reads
    )
    return model.to(settings.device())


def load_reviews(shared: Shared) -> dict:
    """Return the parts of the reviews, and as ``long`` the bundled longer ones, which no run learns from.

    IMDB has no validation part; it's split off the training part.
    """
    reviews = load_texts("reviews", shared.texts)
    if shared.texts != "bundled":
        return dict(all_parts(reviews))
    with_long = load_texts("reviews", shared.texts, long=True)["train"]
    return reviews | {"long": with_long.select(range(len(reviews["train"]), len(with_long)))}


def training_rows(available: int, number: int, seed: int) -> list[int]:
    """Draw the rows that a run learns from; a smaller draw of the same seed is part of a larger one.

    Parameters
    ----------
    available : how many rows there are.
    number : how many are drawn.
    seed : of the draw.

    Raises
    ------
    CourseError
        If more rows are asked for than there are, or none.
    """
    if not 1 <= number <= available:
        raise CourseError(
            f"{number} training rows are asked for, and there are {available}. Ask for 1 to {available}."
        )
    return np.random.default_rng(seed).permutation(available)[:number].tolist()


def epochs_of(rows: int, shared: Shared) -> int:
    """Return how many epochs a run makes: few rows are read more often, or the rate would not even warm up."""
    updates = math.ceil(rows / shared.training.batch_size)  # in one epoch
    return max(shared.training.epochs, math.ceil(shared.fewest_updates / updates))


def margins(model: TaskModel, features: Sequence[dict]) -> np.ndarray:
    """Return the score of ``positive`` minus that of ``negative`` for each row, (rows,) float.

    Its sign is the answer, and its sigmoid is the probability of ``positive``.
    """
    scores = torch.stack(predict(model, features))  # (rows, 2)
    return (scores[:, 1] - scores[:, 0]).float().numpy()


def make_run(run: Run, seed: int) -> dict:
    """Fine-tune once, and return what was said about each review.

    Returns
    -------
    dict
        ``rows``, ``updates``, ``tokens`` (real ones, of training), ``processor_seconds`` (of training),
        ``last_loss``, and ``margins`` by part, in the order of its rows.
    """
    s = run.shared
    settings.prepare(seed)
    reviews, tokenizer = load_reviews(s), load_tokenizer(encoder_folder(s.encoder))
    way, max_length = ("head", s.max_length) if run.way == "whole" else (run.way, s.budget)
    rows = training_rows(len(reviews["train"]), run.rows, seed)
    reviews = reviews | {"train": reviews["train"].select(rows)}
    features = {
        part: cut_features(
            reviews[part]["text"], tokenizer, reviews[part]["label"], max_length=max_length, way=way
        )
        for part in ("train", *run.parts)
    }
    torch.manual_seed(seed)  # of the head
    model = review_model(s)
    training = replace(s.training, seed=seed, epochs=epochs_of(run.rows, s))
    began = time.process_time()
    history = fine_tune(model, features["train"], classification_loss, training, progress=False)
    seconds = time.process_time() - began
    return {
        "rows": run.rows,
        "updates": len(history.losses),
        "tokens": history.tokens,
        "processor_seconds": round(seconds, 1),
        "last_loss": round(float(np.mean(history.losses[-10:])), 4),
        "margins": {part: _rounded(margins(model, features[part])) for part in run.parts},
    }


def _rounded(values: np.ndarray) -> list[float]:
    return [round(value, 3) for value in values.astype(float).tolist()]


def record(configuration: Configuration, runner: Runner) -> dict:
    """Make every run with every seed: the learning curve first, then the ways to cut with all rows.

    Returns
    -------
    dict
        ``curve`` by number of rows and ``ways`` by way, each with the runs in the order of the seeds, see
        :func:`make_run`; the largest run of the curve is the one that reads whole reviews.
    """
    c = configuration
    settings.prepare()
    most = max(c.sizes)
    everything = (*JUDGED, "long") if c.shared.texts == "bundled" else JUDGED
    curve = {str(rows): Run(c.shared, rows, parts=everything if rows == most else JUDGED) for rows in c.sizes}
    ways = {way: Run(c.shared, most, way, everything) for way in c.ways}
    found = runner.grid("case-study", CODE_VERSION, curve | ways, c.seeds, make_run)
    return {
        "curve": {name: found[name] for name in curve},
        "ways": {name: found[name] for name in ways},
    }


def study_configuration() -> Configuration:
    """Return the configuration of this profile: the recording's, or :func:`full_configuration` under ``full``."""
    return full_configuration() if settings.current().profile == "full" else CONFIGURATION


def study_results(configuration: Configuration) -> dict:
    """Return the results of the study: the recording, or the runs themselves under ``full``.

    Runs under ``full`` are kept in the course's cache, so a lesson that was stopped goes on where it was.

    Parameters
    ----------
    configuration : of this profile, see :func:`study_configuration`.
    """
    if settings.current().profile == "full":
        return record(configuration, Runner(folder_of_runs()))
    return load_record("case-study")["results"]
