"""Hyperparameter search on Optuna: grid, random and TPE at an equal budget of trials (lesson 13).

Bergstra and Bengio 2012 for random against grid search; Bergstra et al. 2011 for TPE. Trials are kept
in a storage that several worker processes share, here or on other machines:

    course search --storage sqlite:///search.db --study reviews --trials 12

Start the same line in a second terminal and the two share the trials. A worker that dies stops its
heartbeat; its trial is put back and run by another one.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import optuna
from optuna.samplers import BaseSampler, GridSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage, RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from course_lib import settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.errors import SettingError
from course_lib.finetuning import classification
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune
from course_lib.studies.records import Runner
from course_lib.studies.search import METHODS

CODE_VERSION = 1
STORAGE_ERRORS = (optuna.exceptions.StorageInternalError, SQLAlchemyError)
LOCK_SECONDS = 60  # that a worker waits for another program to leave the database
ATTEMPTS = 6  # at opening a database that several workers make at the same moment


@dataclass(frozen=True)
class SearchSpace:
    """What may be chosen; the rate on a logarithmic scale.

    ``grid_rates`` and ``grid_epochs`` are the values a grid tries: with the batch sizes, twelve points.
    """

    lowest_rate: float = 1e-5
    highest_rate: float = 1e-3
    batch_sizes: tuple[int, ...] = (16, 32)
    epochs: tuple[int, ...] = (1, 2, 3)
    grid_rates: tuple[float, ...] = (3e-5, 1e-4, 3e-4)
    grid_epochs: tuple[int, ...] = (1, 3)


@dataclass(frozen=True)
class TrialConfiguration:
    """One fine-tuning of MiniLM on the reviews, small enough for many trials.

    ``training_rows`` takes the first so many training reviews; 0 takes all.
    """

    learning_rate: float = 1e-4
    batch_size: int = 16
    epochs: int = 2
    max_length: int = 48
    training_rows: int = 400
    frozen: str = "half"
    precision: str = "bfloat16"


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    space: SearchSpace = SearchSpace()
    trial: TrialConfiguration = TrialConfiguration()
    trials: int = 12
    start_up: int = 4  # random trials before TPE has something to learn from
    search_seed: int = 7
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)  # of one configuration, to see the noise


CONFIGURATION = Configuration()


# One trial ----------------------------------------------------------------------------------------


def fine_tune_reviews(
    configuration: TrialConfiguration,
    seed: int,
    report: Callable[[int, float], None] | None = None,
    test: bool = False,
) -> dict:
    """Fine-tune once and return accuracies (%) on validation reviews, one an epoch.

    Parameters
    ----------
    configuration : what to run.
    seed : of the new head, the order and the dropout.
    report : called after each epoch with its number from 1 and its accuracy; may raise to stop the run.
    test : whether to score the test reviews too, at the end. Never in a search.
    """
    c, reviews = configuration, load_texts("reviews", "bundled")
    settings.prepare(seed)
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    model = classification.classification_model(2, "bundled")
    training = reviews["train"]
    if c.training_rows:
        training = training.select(range(c.training_rows))

    def features_of(rows):
        return classification.classification_features(
            rows["text"], tokenizer, rows["label"], max_length=c.max_length
        )

    def accuracy(part: str) -> float:
        predicted = classification.class_probabilities(model, features[part]).argmax(axis=1)
        return round(
            100 * classification.classification_scores(reviews[part]["label"], predicted)["accuracy"], 2
        )

    features = {"validation": features_of(reviews["validation"])}
    validation: list[float] = []

    def evaluate(_) -> dict[str, float]:
        validation.append(accuracy("validation"))
        if report is not None:
            report(len(validation), validation[-1])
        return {"accuracy": validation[-1]}

    run = TrainingConfiguration(
        learning_rate=c.learning_rate,
        epochs=c.epochs,
        batch_size=c.batch_size,
        precision=c.precision,
        frozen=c.frozen,
        seed=seed,
    )
    history = fine_tune(
        model,
        features_of(training),
        classification.classification_loss,
        run,
        evaluate=evaluate,
        progress=False,
    )
    results = {"validation": validation, "seconds": round(history.seconds, 1)}
    if test:
        features["test"] = features_of(reviews["test"])
        results["test"] = accuracy("test")
    return results


def suggest(trial: Trial, space: SearchSpace, base: TrialConfiguration) -> TrialConfiguration:
    """Let the sampler choose the learning rate, the batch size and the epochs of a trial."""
    return replace(
        base,
        learning_rate=trial.suggest_float("learning_rate", space.lowest_rate, space.highest_rate, log=True),
        batch_size=trial.suggest_categorical("batch_size", list(space.batch_sizes)),
        epochs=trial.suggest_int("epochs", min(space.epochs), max(space.epochs)),
    )


def reviews_objective(space: SearchSpace, base: TrialConfiguration, seed: int) -> Callable[[Trial], float]:
    """Return the function that Optuna maximizes: validation accuracy (%) after the last epoch.

    The accuracy of each epoch is reported, and the pruner may stop a trial that does worse than the
    others did at the same epoch.
    """

    def objective(trial: Trial) -> float:
        def report(epoch: int, accuracy: float) -> None:
            trial.report(accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        return fine_tune_reviews(suggest(trial, space, base), seed, report)["validation"][-1]

    return objective


# Studies ------------------------------------------------------------------------------------------


def sampler_of(method: str, space: SearchSpace, seed: int | None, start_up: int = 4) -> BaseSampler:
    """Return Optuna's sampler for ``grid``, ``random``, ``tpe`` or ``tpe, pruned``.

    Workers that share a study must not share a seed, or each would draw the same values: give them
    ``None``.

    Raises
    ------
    SettingError
        If there is no such method.
    """
    if method == "grid":
        points = {
            "learning_rate": list(space.grid_rates),
            "batch_size": list(space.batch_sizes),
            "epochs": list(space.grid_epochs),
        }
        return GridSampler(points, seed=seed)
    if method == "random":
        return RandomSampler(seed=seed)
    if method in ("tpe", "tpe, pruned"):
        return TPESampler(n_startup_trials=start_up, seed=seed)
    raise SettingError(f"There is no search method {method!r}. Choose one of: {', '.join(METHODS)}.")


def storage_address(path: Path) -> str:
    """Return the address of a database in a file, whatever letters its name has.

    Parameters
    ----------
    path : the file; ``?``, ``%`` and ``#`` in it would mean something else in an address.
    """
    return URL.create("sqlite", database=str(path)).render_as_string()


def open_storage(url: str | None, heartbeat_seconds: int = 10, grace_seconds: int = 60) -> BaseStorage | None:
    """Open a storage that worker processes can share; ``None`` keeps trials in memory.

    A worker signs its running trial every ``heartbeat_seconds``. A trial without a sign for
    ``grace_seconds`` is marked as failed and put back in the queue. Be generous: the sign of a living
    worker may be late on a busy machine. Workers that start at the same moment on a new database get in one
    another's way while they make its tables, so an attempt that fails is repeated.

    Raises
    ------
    SettingError
        If the address names no database that can be opened, or it stays locked.
    """
    if url is None:
        return None
    engine = {"connect_args": {"timeout": LOCK_SECONDS}} if url.startswith("sqlite") else None
    for attempt in range(ATTEMPTS):
        try:
            with warnings.catch_warnings():  # heartbeats are marked as experimental; a test holds them
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return RDBStorage(
                    url,
                    engine_kwargs=engine,
                    heartbeat_interval=heartbeat_seconds,
                    grace_period=grace_seconds,
                    heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(),
                )
        except Exception as error:  # each database's driver has errors of its own
            reason = str(error).splitlines()[0]
            if "locked" in reason:
                raise SettingError(
                    f"The storage {url!r} is locked by another program ({reason}). Close that program, or wait, "
                    "and start again: finished trials are kept."
                ) from None
            beginners = any(word in reason for word in ("already exists", "UNIQUE constraint", "unique"))
            if not beginners or attempt == ATTEMPTS - 1:
                raise SettingError(
                    f"The storage {url!r} cannot be opened ({reason}). Give an address such as "
                    "sqlite:///search.db, or postgresql://user@host/name with its driver installed."
                ) from None
            time.sleep(0.2 * (attempt + 1))  # another worker is making the tables


def open_study(
    method: str,
    space: SearchSpace,
    seed: int | None,
    *,
    storage: BaseStorage | None = None,
    name: str | None = None,
    start_up: int = 4,
    trial: TrialConfiguration | None = None,
) -> optuna.Study:
    """Open a study, or join it if another worker has made it already.

    Parameters
    ----------
    method : one of ``METHODS``.
    space : what may be chosen.
    seed : of the sampler; None for workers that share a study.
    storage, name : where the study is kept, and under which name; in memory if left out.
    start_up : random trials before TPE has something to learn from.
    trial : what each trial runs. It is noted in the study with method and space.

    Raises
    ------
    SettingError
        If the study of that name was made by another method, of another space, or of other trials.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = (
        optuna.pruners.MedianPruner(n_startup_trials=start_up)
        if method == "tpe, pruned"
        else optuna.pruners.NopPruner()
    )
    try:
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            sampler=sampler_of(method, space, seed, start_up),
            pruner=pruner,
            direction="maximize",  # the default of Optuna is to minimize
            load_if_exists=True,
        )
        if storage is not None:
            _check_same_study(
                study, {"method": method, "space": asdict(space), "trial": trial and asdict(trial)}
            )
    except STORAGE_ERRORS as error:
        raise _storage_error(error) from None
    return study


def _check_same_study(study: optuna.Study, identity: dict) -> None:
    """Note in a study what it is made of; refuse one that was made of something else.

    Who only looks at a study need not say what its trials run: what is None is neither noted nor compared.
    """
    identity = {key: value for key, value in json.loads(json.dumps(identity)).items() if value is not None}
    noted = study.user_attrs.get("course")
    if noted is None and study.trials:
        noted = dict.fromkeys(identity)  # of another program
    noted = noted or {}
    different = [key for key in identity if key in noted and noted[key] != identity[key]]
    if different:
        raise SettingError(
            f"The study {study.study_name!r} in this storage was made with another {', '.join(different)}, and its trials "
            "can't be compared with new ones. Give the study another name, or the options it was made with."
        )
    if noted != noted | identity:
        study.set_user_attr("course", noted | identity)


def _storage_error(error: Exception) -> SettingError:
    """Return the one sentence for a storage that fails during the work."""
    cause = error.__cause__ or error
    reason = str(cause).splitlines()[0]
    return SettingError(
        f"The storage of the trials can't be written ({reason}). Free it, or make room, and start this worker again: "
        "finished trials are kept, and the one that was running is run again."
    )


def trials_in(study: optuna.Study, *states: TrialState) -> list[FrozenTrial]:
    """Return the trials in one of the states, in the order of their numbers."""
    return study.get_trials(deepcopy=False, states=states)


class _BudgetSpentError(Exception):
    """Another worker has taken the last trial of the budget."""


def work(study: optuna.Study, objective: Callable[[Trial], float], trials: int) -> None:
    """Run trials until the study has ``trials`` that are complete or pruned, those of all workers counted.

    A worker takes one trial at a time and looks at the study before each. So one that joins late does
    only what is missing, and what a dead worker left running is run again, under the same values.

    Raises
    ------
    SettingError
        If no trial is asked for, or the storage can't be written any more.
    """
    if trials < 1:
        raise SettingError(f"{trials} trials are asked for. Ask for at least one.")
    try:
        _work(study, objective, trials)
    except Exception as error:  # Optuna trips over its own clean-up when the storage fails there too
        cause = error
        while cause is not None and not isinstance(cause, STORAGE_ERRORS):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        raise _storage_error(cause) from None


def _work(study: optuna.Study, objective: Callable[[Trial], float], trials: int) -> None:
    def within_budget(trial: Trial) -> float:
        # Two workers may ask at the same moment; the one with the higher number steps back.
        started = trials_in(study, TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        if sum(other.number < trial.number for other in started) >= trials:
            raise _BudgetSpentError
        return objective(trial)

    signed: set[int] = set()
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            optuna.storages.fail_stale_trials(study)
        running = trials_in(study, TrialState.RUNNING)
        finished = finished_trials(study)
        if trials_in(study, TrialState.WAITING) or len(finished) + len(running) < trials:
            study.optimize(within_budget, n_trials=1, catch=(_BudgetSpentError,))
        elif running:
            # Another worker is at it; should it die, its trial comes back to the queue. One that died before
            # its first sign of life would never be missed, so sign once for each trial in its place.
            for trial in running:
                if trial.number not in signed:
                    signed.add(trial.number)
                    study._storage.record_heartbeat(trial._trial_id)
            time.sleep(1)
        else:
            return


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that are complete or pruned, in the order of their numbers."""
    return trials_in(study, TrialState.COMPLETE, TrialState.PRUNED)


def best_so_far(study: optuna.Study) -> list[float]:
    """Return the best value after each trial; a pruned trial leaves it as it was."""
    best, values = float("-inf"), []
    for trial in finished_trials(study):
        if trial.state == TrialState.COMPLETE:
            best = max(best, trial.value)
        values.append(best)
    return values


# The recording ------------------------------------------------------------------------------------


def trial_rows(study: optuna.Study) -> list[dict]:
    """Return the finished trials as plain JSON."""
    return [
        {
            "number": trial.number,
            "params": trial.params,
            "value": trial.value if trial.state == TrialState.COMPLETE else None,
            "reports": [trial.intermediate_values[epoch] for epoch in sorted(trial.intermediate_values)],
            "seconds": round(trial.duration.total_seconds(), 1),
        }
        for trial in finished_trials(study)
    ]


def study_of(rows: list[dict], space: SearchSpace, method: str) -> optuna.Study:
    """Return a study in memory that holds recorded trials, for plots and importances."""
    study = open_study(method, space, seed=0)
    distributions = {
        "learning_rate": optuna.distributions.FloatDistribution(
            space.lowest_rate, space.highest_rate, log=True
        ),
        "batch_size": optuna.distributions.CategoricalDistribution(list(space.batch_sizes)),
        "epochs": optuna.distributions.IntDistribution(min(space.epochs), max(space.epochs)),
    }
    for row in rows:
        pruned = row["value"] is None
        study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.PRUNED if pruned else TrialState.COMPLETE,
                value=None if pruned else row["value"],
                params=row["params"],
                distributions=distributions,
                intermediate_values=dict(enumerate(row["reports"], start=1)),
            )
        )
    return study


def record(configuration: Configuration, runner: Runner) -> dict:
    """Search by every method, see the noise of one configuration, and test the best one once.

    The trials lie in a database in the course's cache: a recording that was stopped goes on there.
    """
    c = configuration
    folder = settings.current().cache / "search"
    folder.mkdir(parents=True, exist_ok=True)
    identity = hashlib.sha256(json.dumps([CODE_VERSION, asdict(c)], sort_keys=True).encode()).hexdigest()[:12]
    storage = open_storage(storage_address(folder / f"{identity}.db"), 30, 600)
    objective = reviews_objective(c.space, c.trial, settings.current().seed)
    methods = {}
    for method in METHODS:
        study = open_study(
            method, c.space, c.search_seed, storage=storage, name=method, start_up=c.start_up, trial=c.trial
        )
        work(study, objective, c.trials)
        methods[method] = trial_rows(study)
        print(method, best_so_far(study), flush=True)
    noise = runner.grid("search", CODE_VERSION, {"noise": c.trial}, c.seeds, fine_tune_reviews)
    complete = [row for rows in methods.values() for row in rows if row["value"] is not None]
    best = max(complete, key=lambda row: row["value"])  # the earliest of equals; by validation alone
    chosen, seed = replace(c.trial, **best["params"]), settings.current().seed
    final = runner.run("search-test", CODE_VERSION, chosen, seed, partial(fine_tune_reviews, test=True))
    return {
        "methods": methods,
        "noise": [run["validation"][-1] for run in noise["noise"]],
        "best": {"params": best["params"], "validation": best["value"], "test": final["test"]},
    }
