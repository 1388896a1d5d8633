"""Lesson 14's study: equal rows and updates for every recipe, and a short recording of all of them end to end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.studies.robustness import study
from course_lib.studies.robustness.answers import margins_of, probabilities
from course_lib.studies.robustness.augmentation import Rows
from course_lib.studies.robustness.averaging import ensemble
from course_lib.studies.robustness.study import CONFIGURATION, RECIPES, Configuration, Shared, run_of

ROWS = {"train": 24, "validation": 6, "test": 9}


@pytest.fixture
def few(monkeypatch, new_model):
    """The study with few rows and a model of 16 numbers a token, in place of all."""
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    vocabulary = tokenizer.get_vocab_size()
    monkeypatch.setattr(
        study, "load_tokenizer", lambda folder: tokenizer
    )  # read once, and its folder checked once
    monkeypatch.setattr(study, "encoder_folder", lambda source: source)
    monkeypatch.setattr(
        study,
        "fresh_model",
        lambda shared, task: new_model(
            len(study.CLASSES[task]), vocabulary=vocabulary, seed=torch.initial_seed()
        ),
    )
    monkeypatch.setattr(study, "load_encoder", lambda folder: new_model(vocabulary=vocabulary).encoder)
    parts = {}
    for task in ("reviews", "inference"):
        whole = study.all_rows(task)
        parts[task] = {
            part: Rows(
                tuple(
                    [" ".join(text.split()[:6]) for text in column[:number]] for column in whole[part].texts
                ),
                whole[part].labels[:number],
            )
            for part, number in ROWS.items()
        }
    monkeypatch.setattr(study, "all_rows", lambda task, *place: parts[task])
    ways = study.change_by
    ways.cache_clear()
    yield parts
    ways.cache_clear()


def short(names=tuple(RECIPES), seeds=(1, 2), **changes) -> Configuration:
    shared = replace(Shared(), max_length=16, slice_rows=4, slice_points=3, **changes)
    training = replace(shared.training, batch_size=8, learning_rate=1e-2)
    settings = (
        ("few", study.Setting("reviews", 12, 2, names)),
        ("inference", study.Setting("inference", 8, 1, ("plain", "r-drop"))),
    )
    return Configuration(replace(shared, training=training), settings, seeds)


@pytest.fixture
def all_ways(monkeypatch):
    """Copies by the masked-language model, without loading it: it has the bundled encoder's blocks."""
    ways = study.change_by
    monkeypatch.setattr(
        study,
        "change_by",
        lambda way, encoder: (
            (lambda texts, seed: [text + " indeed" for text in texts])
            if way == "masked"
            else ways(way, encoder)
        ),
    )


def test_every_recipe_is_recorded_with_equal_updates(few, all_ways, runner, monkeypatch):
    seen, train = [], study.train
    monkeypatch.setattr(
        study, "train", lambda *inputs, **more: seen.append(inputs[2]) or train(*inputs, **more)
    )
    found = study.record(short(seeds=(1,)), runner)
    assert {name: tuple(runs) for name, runs in found.items()} == {
        "few": tuple(RECIPES),
        "inference": ("plain", "r-drop"),
    }
    plain, own = found["few"]["plain"], [recipe for name, recipe in RECIPES.items() if name != "plain"]
    assert seen == [RECIPES["plain"]] * 2 + own + [RECIPES["r-drop"]]
    for method, runs in found["few"].items():
        for run in runs:
            assert run["updates"] == 4 or method == "early stopping"
            assert {part: len(margins_of(run, part)) for part in study.JUDGED} == {"validation": 6, "test": 9}
    assert found["few"]["r-drop"][0]["tokens"] == found["few"]["fgm"][0]["tokens"] == 2 * plain[0]["tokens"]
    assert margins_of(found["inference"]["plain"][0], "test").shape == (9, 2)
    assert [len(run["losses"]) for run in plain] == [2] == [len(run["looks"]) for run in plain]
    assert np.shape(found["few"]["swa"][0]["slice"]["values"]) == (3, 3)
    assert not found["few"]["eda"][0]["looks"]


def test_the_best_look_is_kept(few):
    run = replace(run_of(short(), "few", "early stopping"), epochs=4)
    fitted = study.fit(run, 1)
    losses = [loss for loss, _ in fitted.outcome.looks]
    assert fitted.outcome.kept == 2 * (int(np.argmin(losses)) + 1)


def test_a_run_is_the_same_when_it_is_made_again(few):
    run = run_of(short(), "few", "eda")
    first, second = study.make_run(run, 3), study.make_run(run, 3)
    assert first["margins"] == second["margins"] and first["losses"] == second["losses"]


def test_only_training_rows_are_changed(few):
    plain, changed = (study.fit(run_of(short(), "few", method), 1) for method in ("plain", "table synonyms"))
    assert len(changed.features["train"]) == 2 * len(plain.features["train"]) == 24
    for part in study.JUDGED:
        assert changed.features[part] == plain.features[part]


def test_all_seeds_learn_from_the_same_rows(few):
    run = run_of(short(), "few", "plain")
    one, other = study.fit(run, 1), study.fit(run, 2)
    assert one.features == other.features and one.outcome.losses != other.outcome.losses


def test_an_ensemble_is_made_of_the_recorded_runs(few, runner):
    runs = study.record(short(("plain",), (1, 2, 3)), runner)["few"]["plain"]
    assert ["slice" in run for run in runs] == [True, False, False]
    members = [margins_of(run, "test") for run in runs]
    together = ensemble(members, (1, 2, 3))
    assert np.allclose(probabilities(together), np.mean([probabilities(m) for m in members], axis=0))


def test_more_rows_than_there_are_get_one_sentence(few):
    run = replace(run_of(short(), "few", "plain"), rows=200)
    with pytest.raises(
        CourseError, match=r"^200 training rows are asked for, and there are 24\. Ask for 1 to 24\.$"
    ):
        study.fit(run, 1)


def test_the_head_reads_the_mean_of_the_pre_trained_states_and_knows_its_classes():
    model = study.fresh_model(Shared(), "inference")
    assert model.reads == "mean" and model.labels == ("entailment", "neutral", "contradiction")
    assert model.head.out_features == 3 and len(model.encoder.blocks) == 6
    assert set(study.labels_of("reviews", "test")) == {0, 1}


def test_an_unknown_recipe_or_setting_or_way_gets_one_sentence():
    for wrong in (("few", "magic"), ("none", "plain")):
        with pytest.raises(CourseError, match="Choose one of"):
            run_of(CONFIGURATION, *wrong)
    with pytest.raises(CourseError, match="Choose one of: eda, table, neighbors, masked"):
        study.change_by("magic")


def test_a_second_process_makes_the_same_runs_and_plain_ones_come_first(few, runner):
    c = short(("plain", "decay 0.1"))
    order = [(setting, method) for setting, method, _ in study.planned_runs(c)]
    assert order == [("few", "plain"), ("inference", "plain"), ("few", "decay 0.1"), ("inference", "r-drop")]
    half = study.record(c, runner, ["inference"])
    kept = {path: path.stat().st_mtime_ns for path in runner.folder.rglob("*.json")}
    assert len(kept) == 4 and study.record(c, runner)["inference"] == half["inference"]
    assert all(path.stat().st_mtime_ns == kept[path] for path in kept)


def test_every_setting_has_plain_first_and_known_recipes():
    for _, setting in CONFIGURATION.settings:
        assert setting.recipes[0] == "plain" and set(setting.recipes) <= set(RECIPES)
    assert len(dict(CONFIGURATION.settings)["few"].recipes) == len(RECIPES) and len(CONFIGURATION.seeds) == 5
