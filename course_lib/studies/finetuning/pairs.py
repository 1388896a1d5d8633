"""The recording of lesson 11: four tasks of sentence pairs, each alone, and what one does for another.

The runs that the lesson's table needs come first, so that a recording that's stopped has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from course_lib import settings
from course_lib.finetuning.loop import TrainingConfiguration
from course_lib.studies.finetuning.pair_transfer import First, Together, score_first, score_together
from course_lib.studies.finetuning.sentence_pairs import Recipe, Run, score_run, simple_baselines
from course_lib.studies.records import Runner

CODE_VERSION = 1


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on.

    Parameters
    ----------
    recipes : how each task is trained.
    without_segments : the task that is also trained with all segment ids 0.
    together : a body for all tasks, and a model for each.
    first : a small set after inference, and alone for as many updates.
    seeds : of MiniLM's runs.
    random_seeds : of the runs from random weights.
    """

    recipes: Mapping[str, Recipe]
    without_segments: str
    together: Mapping[str, Together]
    first: Mapping[str, First]
    seeds: tuple[int, ...] = (1, 2, 3)
    random_seeds: tuple[int, ...] = (1,)


def _training(epochs: int, learning_rate: float = 2e-4) -> TrainingConfiguration:
    return TrainingConfiguration(learning_rate=learning_rate, epochs=epochs, precision="bfloat16")


TASKS = ("similarity", "question-sentence", "paraphrase", "inference")  # the cheapest first
CONFIGURATION = Configuration(
    recipes={
        "similarity": Recipe(_training(8)),
        "question-sentence": Recipe(_training(1), rows=1400),
        "paraphrase": Recipe(_training(5, 1e-4)),
        "inference": Recipe(_training(3, 1e-4)),
    },
    without_segments="question-sentence",
    together={
        "alone": Together(TASKS, 384, _training(3), together=False),
        "together": Together(TASKS, 384, _training(3), together=True),
    },
    first={  # in updates of 16 rows: 12 · 8, and 64 + 4 · 8
        "alone": First("question-sentence", 128, 0, _training(12)),
        "inference first": First("question-sentence", 128, 1024, _training(4)),
    },
)


def _by_seed(results: list[dict]) -> dict:
    """Turn one dictionary a seed into lists by seed, however deep."""
    return {
        key: _by_seed([one[key] for one in results])
        if isinstance(results[0][key], dict)
        else [one[key] for one in results]
        for key in results[0]
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Run everything, and return the scores (%) as lists by seed.

    Returns
    -------
    dict
        ``tasks``: by task, for ``MiniLM`` and ``random weights``, what
        :func:`~course_lib.studies.finetuning.sentence_pairs.score_run` gives; ``baselines``: by task;
        ``without_segments``; ``together`` and ``first``: by side, what :mod:`course_lib.studies.finetuning.pair_transfer`
        gives.
    """
    c = configuration
    settings.prepare()

    def grid(runs: Mapping, seeds: tuple[int, ...], function) -> dict:
        found = {}
        for name, run in runs.items():  # a recording that's stopped has whole tasks, not whole seeds
            found |= runner.grid("pairs", CODE_VERSION, {name: run}, seeds, function)
        return {name: _by_seed(results) for name, results in found.items()}

    trained = grid({task: Run(task, recipe) for task, recipe in c.recipes.items()}, c.seeds, score_run)
    without = Run(c.without_segments, c.recipes[c.without_segments], segments="removed")
    without = grid({"without segments": without}, c.seeds, score_run)["without segments"]
    first, together = grid(c.first, c.seeds, score_first), grid(c.together, c.seeds, score_together)
    random = {task: Run(task, recipe, pretrained=False) for task, recipe in c.recipes.items()}
    random = grid(random, c.random_seeds, score_run)
    return {
        "tasks": {task: {"MiniLM": trained[task], "random weights": random[task]} for task in c.recipes},
        "baselines": {task: simple_baselines(task, recipe.rows) for task, recipe in c.recipes.items()},
        "without_segments": without,
        "first": first,
        "together": together,
    }
