"""Which ending is right: MiniLM on the bundled endings against baselines that see less; lesson 12's table.

MiniLM is fine-tuned on context and ending, and on the endings alone; a model of the same sizes learns the same from
random weights. What the head reads was chosen on the validation part, where the mean of the states did better than the
pooler; the test part is scored once a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from course_lib import settings
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import choice_head
from course_lib.bert.loading import load_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.readers import read_swag
from course_lib.data.sources import encoder_folder
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune
from course_lib.finetuning.multiple_choice import (
    ChoiceModel,
    choice_features,
    choice_loss,
    choice_probabilities,
    choice_scores,
    pad_choices,
    words_of_endings_baseline,
)
from course_lib.finetuning.scores import percent
from course_lib.studies.records import Runner

CODE_VERSION = 1
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Reader:
    """What a model begins with, and what it sees of a question."""

    pretrained: bool = True
    contexts: bool = True


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    readers: Mapping[str, Reader]
    training: TrainingConfiguration
    max_length: int = 64
    seeds: tuple[int, ...] = (1, 2, 3)


CONFIGURATION = Configuration(
    readers={
        "random weights": Reader(pretrained=False),
        "MiniLM": Reader(),
        "MiniLM, endings only": Reader(contexts=False),
    },
    training=TrainingConfiguration(learning_rate=2e-4, epochs=2, precision="bfloat16"),
)


def load_endings() -> dict:
    """Return the parts of the bundled endings with the columns ``kind`` (of context) and ``hard`` besides."""
    settings.require_clone()
    columns = ("video-id", "hard")
    return {split: read_swag(settings.DATA / "endings" / f"{split}.csv", columns=columns) for split in SPLITS}


def reader_model(reader: Reader) -> ChoiceModel:
    """Return a model with a fresh head, on the bundled weights or on random ones of the same sizes.

    The head takes the mean of the tokens' states. The bundled MiniLM was trained that way, as a model of sentences; its
    pooler of [CLS] was not trained with it.
    """
    folder = encoder_folder("bundled")
    if reader.pretrained:
        encoder = load_encoder(folder)
    else:
        encoder = BertEncoder(BertConfiguration.from_file(folder / "config.json"))
    return ChoiceModel(encoder, choice_head(encoder.configuration), reads="mean")


def reader_features(rows, reader: Reader, max_length: int = 64) -> list[dict]:
    """Return the features of rows as a reader sees them."""
    return choice_features(
        rows["sent1"] if reader.contexts else None,
        rows["endings"],
        load_tokenizer(encoder_folder("bundled")),
        rows["label"],
        starts=rows["sent2"] if reader.contexts else None,
        max_length=max_length,
    )


def accuracies(rows, chosen: Sequence[int]) -> dict[str, float]:
    """Return the accuracy in percent: of all rows, of families, of single contexts and of hard rows."""
    labels, chosen = np.array(rows["label"]), np.asarray(chosen)
    families = np.array(["_f" in name for name in rows["video-id"]])
    parts = {"all": np.ones(len(labels), bool), "families": families, "single": ~families}
    parts["hard"] = np.array(rows["hard"]) == "1"
    return {
        name: percent(choice_scores(labels[part], chosen[part])["accuracy"], 2)
        for name, part in parts.items()
    }


def train_reader(
    reader: Reader, rows, training: TrainingConfiguration, *, max_length: int = 64, progress: bool = False
) -> tuple[ChoiceModel, list[float]]:
    """Fine-tune one reader on rows, and return it with its losses.

    Weights that begin at random are all trained; else what the configuration freezes stays.
    """
    torch.manual_seed(training.seed)
    model = reader_model(reader)
    if not reader.pretrained:
        training = replace(training, frozen="none")
    features = reader_features(rows, reader, max_length)
    history = fine_tune(model, features, choice_loss, training, collate=pad_choices, progress=progress)
    return model, history.losses


@dataclass(frozen=True)
class Run:
    """One run of the recording."""

    reader: Reader
    training: TrainingConfiguration
    max_length: int


def score_run(run: Run, seed: int) -> dict:
    """Fine-tune one reader and return its accuracies (%) on the test part."""
    parts = load_endings()
    training = replace(run.training, seed=seed)
    model, losses = train_reader(run.reader, parts["train"], training, max_length=run.max_length)
    features = reader_features(parts["test"], run.reader, run.max_length)
    chosen = choice_probabilities(model, features).argmax(axis=1)
    return accuracies(parts["test"], chosen) | {"last_loss": round(float(np.mean(losses[-10:])), 4)}


def with_contexts(rows) -> list[list[str]]:
    """Return each ending with its context before it, as a bag of words reads them."""
    return [
        [f"{first} {start} {ending}" for ending in endings]
        for first, start, endings in zip(rows["sent1"], rows["sent2"], rows["endings"], strict=True)
    ]


def simple_baselines() -> dict[str, dict[str, float]]:
    """Return the accuracies (%) on the test part of what needs no encoder."""
    parts = load_endings()
    train, test = parts["train"], parts["test"]
    majority = np.bincount(train["label"]).argmax()
    shorter = [int(np.argmin([len(ending) for ending in endings])) for endings in test["endings"]]
    chosen = {
        "most frequent position": np.full(len(test), majority),
        "shortest ending": shorter,
        "bag of words, endings only": words_of_endings_baseline(
            train["endings"], train["label"], test["endings"]
        ),
        "bag of words": words_of_endings_baseline(with_contexts(train), train["label"], with_contexts(test)),
    }
    return {name: accuracies(test, choice) for name, choice in chosen.items()}


def recorded_runs(configuration: Mapping, results: Mapping) -> Iterator[tuple[Run, int, dict]]:
    """Return the runs that a recording holds: each with its seed and its results.

    Parameters
    ----------
    configuration, results : of the recording, as its file has them.
    """
    training = TrainingConfiguration(**configuration["training"])
    if asdict(training) != configuration["training"]:  # a setting has come since, and the runs are without it
        return
    for name, reader in configuration["readers"].items():
        run = Run(Reader(**reader), training, configuration["max_length"])
        for index, seed in enumerate(configuration["seeds"]):
            yield run, seed, {key: values[index] for key, values in results["readers"][name].items()}


def record(configuration: Configuration, runner: Runner) -> dict:
    """Run every reader with every seed, and the baselines once."""
    c = configuration
    settings.prepare()
    runs = {name: Run(reader, c.training, c.max_length) for name, reader in c.readers.items()}
    found = {}
    for name, run in runs.items():  # one reader after the other: a study that is stopped has whole readers
        found |= runner.grid("endings", CODE_VERSION, {name: run}, c.seeds, score_run)
    readers = {
        name: {key: [run[key] for run in results] for key in results[0]} for name, results in found.items()
    }
    return {"readers": readers, "baselines": simple_baselines()}
