"""The runs of lesson 14's study: many recipes, each with the same rows, updates and seeds as plain fine-tuning.

Every run stores what it says about each row it is judged on, so that accuracies, intervals, calibration and
ensembles are computed from the recording, and none of them is recorded.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
import torch

from course_lib import settings
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.loading import load_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.data.splits import all_parts
from course_lib.errors import CourseError
from course_lib.finetuning.classification import (
    classification_features,
    classification_loss,
    classification_model,
)
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration
from course_lib.finetuning.sentence_pairs import PAIR_TASKS, pair_features, pair_model
from course_lib.studies.case_study.study import training_rows
from course_lib.studies.masking.masked_word_model import load_masked_word_model
from course_lib.studies.records import Runner, folder_of_runs, load_record
from course_lib.studies.robustness.answers import as_text, margins
from course_lib.studies.robustness.augmentation import (
    EmbeddingNeighbors,
    MaskedWords,
    Rows,
    apply_operation,
    augmented_parts,
    changer,
    eda,
)
from course_lib.studies.robustness.landscape import loss_slice
from course_lib.studies.robustness.synonyms import read_synonyms
from course_lib.studies.robustness.training import Outcome, Recipe, train

STUDY = "robustness"
CODE_VERSION = 1
JUDGED = ("validation", "test")
CLASSES = {"reviews": ("negative", "positive"), "inference": PAIR_TASKS["inference"].labels}
TRAINING = TrainingConfiguration(learning_rate=2e-4, precision="bfloat16")

RECIPES = {
    "plain": Recipe(),
    "dropout": Recipe(hidden_dropout=0.2, attention_dropout=0.2),
    "no decay": Recipe(weight_decay=0.0),
    "decay 0.1": Recipe(weight_decay=0.1),
    "early stopping": Recipe(patience=1),
    "layer-wise 0.9": Recipe(layer_decay=0.9),
    "layer-wise 0.8": Recipe(layer_decay=0.8),
    "fresh top 1": Recipe(fresh_blocks=1),
    "fresh top 2": Recipe(fresh_blocks=2),
    "label smoothing": Recipe(smoothing=0.1),
    "eda": Recipe(augmentation="eda"),
    "table synonyms": Recipe(augmentation="table"),
    "neighbor synonyms": Recipe(augmentation="neighbors"),
    "masked words": Recipe(augmentation="masked"),
    "mixup": Recipe(mixing=0.4),
    "r-drop": Recipe(consistency=1.0),
    "fgm": Recipe(epsilon=0.3),  # better than 0.1 and 1.0 on validation, with a seed that isn't used again
    "swa": Recipe(averaged=0.5),
}
SLICED = ("plain", "fgm", "swa")
WATCHED = ("plain", "dropout", "early stopping")  # of these the validation loss is kept, epoch by epoch


@dataclass(frozen=True)
class Setting:
    """What a recipe is tried on.

    Parameters
    ----------
    task : ``reviews`` or ``inference``.
    rows : training rows, the same ones for all runs.
    epochs : of plain fine-tuning, which give the updates of all recipes.
    recipes : names of those that are tried, ``plain`` first.
    """

    task: str
    rows: int
    epochs: int
    recipes: tuple[str, ...]


SETTINGS = {
    "few": Setting("reviews", 200, 4, tuple(RECIPES)),
    "inference": Setting("inference", 2000, 3, ("plain", "eda", "r-drop", "fgm", "swa")),
    "all": Setting("reviews", 935, 2, ("plain", "table synonyms", "r-drop", "fgm", "swa")),
}


@dataclass(frozen=True)
class Shared:
    """What all runs have in common.

    Parameters
    ----------
    encoder, texts : where weights and texts come from, as in the fine-tuning functions.
    reads : what the head reads of a text, see :func:`~course_lib.bert.heads.row_state`.
    training : rate, batch size and so on; the epochs are the setting's.
    max_length : tokens of a text or a pair, special ones counted.
    drawing_seed : of the training rows. The seeds of the runs are those of head, order, dropout and copies: an ensemble
        of runs that had read other rows would have read more rows than a single run.
    judged_rows : the most rows of a part that a run is judged on.
    slice_rows, slice_points, reach : of the slice through the loss of some recipes' first seed.
    """

    encoder: str = "bundled"
    texts: str = "bundled"
    reads: str = "mean"
    training: TrainingConfiguration = TRAINING
    max_length: int = 64
    drawing_seed: int = 7
    judged_rows: int = 1000
    slice_rows: int = 40
    slice_points: int = 9
    reach: float = 0.5


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    shared: Shared = Shared()
    settings: tuple[tuple[str, Setting], ...] = tuple(SETTINGS.items())
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)


CONFIGURATION = Configuration()


def full_configuration() -> Configuration:
    """Return the same study with bert-base on the hub's texts: IMDB and MultiNLI, a few rows and more."""
    shared = Shared(
        encoder="hub",
        texts="hub",
        reads="pooler",
        training=TrainingConfiguration(learning_rate=2e-5, frozen="none", precision="bfloat16"),
        max_length=256,
    )
    few, inference, everything = SETTINGS["few"], SETTINGS["inference"], SETTINGS["all"]
    sizes = (
        ("few", few),
        ("inference", replace(inference, rows=2000)),
        ("all", replace(everything, rows=5000)),
    )
    return Configuration(shared, sizes)


@dataclass(frozen=True)
class Run:
    """One run: on what, by which recipe, whether each epoch's validation loss is kept, and the first seed's slice."""

    shared: Shared
    task: str
    rows: int
    epochs: int
    recipe: Recipe
    watched: bool = False
    sliced: bool = False


def run_of(configuration: Configuration, setting: str, method: str) -> Run:
    """Return the run of a recipe of :data:`RECIPES` on one of the configuration's settings.

    Raises
    ------
    CourseError
        If there is no such setting or recipe.
    """
    known = dict(configuration.settings)
    for name, names, what in ((setting, known, "setting"), (method, RECIPES, "recipe")):
        if name not in names:
            raise CourseError(f"{name!r} is no {what}. Choose one of: {', '.join(names)}.")
    s = known[setting]
    watched, sliced = (setting == "few" and method in names for names in (WATCHED, SLICED))
    return Run(configuration.shared, s.task, s.rows, s.epochs, RECIPES[method], watched, sliced)


@lru_cache(maxsize=4)
def all_rows(task: str, texts: str = "bundled", judged_rows: int = 1000) -> dict[str, Rows]:
    """Return the rows of a task by part: ``train``, ``validation`` and ``test``.

    The test part of inference is the matched one: lesson 11 is about the other.

    Parameters
    ----------
    task : ``reviews`` or ``inference``.
    texts : where they come from.
    judged_rows : the most of validation and test; the first of a drawn order, if there are more.
    """
    found = dict(all_parts(load_texts(task, texts)))
    found["test"] = found.get("test_matched", found.get("test"))
    columns = ("text",) if task == "reviews" else ("sentence1", "sentence2")
    parts = {}
    for name in ("train", *JUDGED):
        part = found[name]
        if name != "train" and len(part) > judged_rows:
            part = part.select(training_rows(len(part), judged_rows, 0))
        parts[name] = Rows(tuple(list(part[column]) for column in columns), list(map(int, part["label"])))
    return parts


def labels_of(task: str, part: str, shared: Shared = Shared()) -> np.ndarray:
    """Return the labels of the rows that the runs of a task are judged on, (rows,) int, in their order."""
    return np.array(all_rows(task, shared.texts, shared.judged_rows)[part].labels)


def fresh_model(shared: Shared, task: str) -> TaskModel:
    """Return a pre-trained encoder with a fresh head for the classes of a task."""
    folder = encoder_folder(shared.encoder)
    if task == "inference":
        model = pair_model(CLASSES[task], folder, reads=shared.reads)
    else:
        model = classification_model(len(CLASSES[task]), folder, labels=CLASSES[task], reads=shared.reads)
    return model.to(settings.device())


def features_of(shared: Shared, rows: Rows) -> list[dict]:
    """Return the features of rows of one or two texts, cut to the configured length."""
    tokenizer = load_tokenizer(encoder_folder(shared.encoder))
    if len(rows.texts) == 1:
        return classification_features(rows.texts[0], tokenizer, rows.labels, max_length=shared.max_length)
    return pair_features(
        *rows.texts, tokenizer, rows.labels, names=CLASSES["inference"], max_length=shared.max_length
    )


@lru_cache(maxsize=8)
def change_by(way: str, encoder: str = "bundled") -> Callable[[Sequence[str], int], list[str]]:
    """Return what makes changed copies of texts.

    Parameters
    ----------
    way : ``eda``, one of the four operations with the course's table; ``table`` or ``neighbors``, replaced
        words alone, by the table or by the neighbors of the encoder's embeddings; or ``masked``, by the course's own masked-language
        model.
    encoder : whose embeddings have the neighbors.

    Raises
    ------
    CourseError
        If there is no such way.
    """
    ways = {"eda": _eda, "table": _table, "neighbors": _neighbors, "masked": _masked}
    if way not in ways:
        raise CourseError(f"{way!r} is no way to make copies. Choose one of: {', '.join(ways)}.")
    return ways[way](encoder)


def _eda(encoder: str):
    table = read_synonyms()
    return changer(lambda text, generator: eda(text, table.others, generator))


def _table(encoder: str):
    table = read_synonyms()
    return changer(lambda text, generator: apply_operation("replace", text, table.others, generator))


def _neighbors(encoder: str):
    folder = encoder_folder(encoder)
    body: BertEncoder = load_encoder(folder)
    nearest = EmbeddingNeighbors(body, load_tokenizer(folder))
    return changer(lambda text, generator: apply_operation("replace", text, nearest.others, generator))


def _masked(encoder: str):
    # The course's own model, whichever encoder is tuned: it's the one with a masked-language-model head.
    return MaskedWords(load_masked_word_model(), load_tokenizer(encoder_folder("bundled"))).substitute


@dataclass
class Fitted:
    """A model that was trained by a recipe, with the features of each part, how it went, and the updates it had."""

    model: TaskModel
    features: dict[str, list[dict]]
    outcome: Outcome
    updates: int
    seconds: float


def updates_of(run: Run) -> int:
    """Return the updates of a run: those of plain fine-tuning, whatever the recipe adds to the rows."""
    return run.epochs * math.ceil(run.rows / run.shared.training.batch_size)


def fit(run: Run, seed: int) -> Fitted:
    """Train one model by a recipe.

    Parameters
    ----------
    run : see :func:`run_of`.
    seed : of head, order, dropout, mixed shares and copies.

    Raises
    ------
    CourseError
        If more rows are asked for than there are.
    """
    s = run.shared
    settings.prepare(seed)
    parts = dict(all_rows(run.task, s.texts, s.judged_rows))
    chosen = training_rows(len(parts["train"]), run.rows, s.drawing_seed)
    parts["train"] = Rows(
        tuple([column[row] for row in chosen] for column in parts["train"].texts),
        [parts["train"].labels[row] for row in chosen],
    )
    began = time.process_time()
    if run.recipe.augmentation:
        parts = augmented_parts(parts, change_by(run.recipe.augmentation, s.encoder), seed)
    features = {part: features_of(s, rows) for part, rows in parts.items()}
    torch.manual_seed(seed)  # of the head
    model = fresh_model(s, run.task)
    outcome = train(
        model,
        features["train"],
        run.recipe,
        replace(s.training, seed=seed),
        updates_of(run),
        look_every=updates_of(run) // run.epochs if run.watched or run.recipe.patience else 0,
        validation=features["validation"],
    )
    return Fitted(model, features, outcome, len(outcome.losses), time.process_time() - began)


def make_run(run: Run, seed: int, *, first_seed: int = 1) -> dict:
    """Train by a recipe, and return what was said about each row.

    Returns
    -------
    dict
        ``rows``, ``classes``, ``updates``, ``kept`` (the update whose weights are kept), ``tokens`` (real ones, of
        training, in all readings), ``processor_seconds`` (of copies and training), ``losses`` (the mean of
        each epoch of plain fine-tuning), ``looks`` (validation loss and accuracy after each, if watched), and ``margins`` by part as one line of text, see
        :func:`~course_lib.studies.robustness.answers.margins_of`. The first seed of a sliced run has ``slice``.
    """
    fitted, s = fit(run, seed), run.shared
    losses, epoch = fitted.outcome.losses, updates_of(run) // run.epochs
    ends = range(epoch, len(losses), epoch)
    found = {
        "rows": run.rows,
        "classes": len(CLASSES[run.task]),
        "updates": fitted.updates,
        "kept": fitted.outcome.kept,
        "tokens": fitted.outcome.tokens,
        "processor_seconds": round(fitted.seconds, 1),
        "losses": [round(float(np.mean(part)), 4) for part in np.split(np.array(losses), ends)],
        "looks": [[round(value, 4) for value in look] for look in fitted.outcome.looks],
        "margins": {
            part: as_text(margins(fitted.model, fitted.features[part], s.training.precision))
            for part in JUDGED
        },
    }
    if run.sliced and seed == first_seed:
        rows = fitted.features["train"][: s.slice_rows]
        values = loss_slice(
            fitted.model,
            rows,
            classification_loss,
            points=s.slice_points,
            reach=s.reach,
            precision=s.training.precision,
        )
        found["slice"] = {
            "reach": s.reach,
            "values": [[round(v, 4) for v in line] for line in values.tolist()],
        }
    return found


def planned_runs(
    configuration: Configuration, chosen: Iterable[str] | None = None
) -> Iterator[tuple[str, str, Run]]:
    """Yield setting, method and run, in the order in which they're made: plain ones first, so that there is a baseline.

    Parameters
    ----------
    configuration : of the study.
    chosen : names of settings; all if left out.
    """
    chosen = [name for name, _ in configuration.settings] if chosen is None else list(chosen)
    by_name = dict(configuration.settings)
    for plain in (True, False):
        for setting in chosen:
            for method in by_name[setting].recipes:
                if (method == "plain") is plain:
                    yield setting, method, run_of(configuration, setting, method)


def record(configuration: Configuration, runner: Runner, chosen: Iterable[str] | None = None) -> dict:
    """Make every run with every seed.

    Parameters
    ----------
    configuration : of the study.
    runner : keeps the runs, so that a second process may make those of some settings.
    chosen : names of the settings to run; all if left out.

    Returns
    -------
    dict
        By setting, then by method, the runs in the order of the seeds, see :func:`make_run`.
    """
    settings.prepare()
    planned = {(setting, method): run for setting, method, run in planned_runs(configuration, chosen)}
    results: dict[str, dict] = {}
    for plain in (True, False):  # two grids, whose outer loop is the seeds
        runs = {key: run for key, run in planned.items() if (key[1] == "plain") is plain}
        for setting in dict.fromkeys(key[0] for key in runs):
            names = {f"{setting}, {method}": run for (s, method), run in runs.items() if s == setting}
            made = partial(make_run, first_seed=configuration.seeds[0])
            found = runner.grid(STUDY, CODE_VERSION, names, configuration.seeds, made)
            of_setting = results.setdefault(setting, {})
            of_setting |= {name.removeprefix(f"{setting}, "): rows for name, rows in found.items()}
    return results


def study_configuration() -> Configuration:
    """Return the configuration of this profile: the recording's, or :func:`full_configuration` under ``full``."""
    return full_configuration() if settings.current().profile == "full" else CONFIGURATION


def study_results(configuration: Configuration) -> Mapping[str, Mapping[str, list[dict]]]:
    """Return the results of the study: the recording, or the runs themselves under ``full``.

    Runs under ``full`` are kept in the course's cache, so a lesson that was stopped goes on where it was.

    Parameters
    ----------
    configuration : of this profile, see :func:`study_configuration`.
    """
    if settings.current().profile == "full":
        return record(configuration, Runner(folder_of_runs()))
    return load_record(STUDY)["results"]
