"""The study's runs: which rows they learn from, how long, what they are judged on, and a short one end to end."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import DatasetDict
from hypothesis import given
from hypothesis import strategies as st

from course_lib import settings as course_settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data import weights
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.errors import CourseError
from course_lib.finetuning.classification import class_probabilities
from course_lib.studies.case_study import study
from course_lib.studies.case_study.calibration import probability_of_positive
from course_lib.studies.case_study.study import Configuration, Run, Shared, epochs_of, training_rows
from course_lib.studies.case_study.truncation import cut_features

sys.path.append(str(Path(__file__).parents[2]))


@given(st.integers(1, 300), st.integers(0, 9))
def test_a_smaller_draw_is_part_of_a_larger_one(number, seed):
    rows = training_rows(300, number, seed)
    assert len(rows) == len(set(rows)) == number and set(rows) <= set(range(300))
    assert rows == training_rows(300, 300, seed)[:number]


def test_another_seed_draws_other_rows():
    assert training_rows(300, 50, 1) != training_rows(300, 50, 2)
    assert training_rows(300, 50, 1) != list(range(50))


@pytest.mark.parametrize("number", [200, 0, -3])
def test_more_rows_than_there_are_get_one_sentence(number):
    with pytest.raises(CourseError) as caught:
        training_rows(100, number, 1)
    assert str(caught.value) == f"{number} training rows are asked for, and there are 100. Ask for 1 to 100."


def test_few_rows_are_read_more_often_and_many_three_times():
    shared = Shared()
    updates = {rows: epochs_of(rows, shared) * -(-rows // 16) for rows in (1, 16, 50, 100, 200, 400, 935)}
    assert all(number >= shared.fewest_updates for number in updates.values())
    assert [epochs_of(rows, shared) for rows in (400, 935, 100_000)] == [3, 3, 3]
    assert updates[50] == 48 and updates[100] < 56


def test_no_long_review_is_about_a_film_of_another_part():
    reviews = study.load_reviews(Shared())
    titles = {part: set(rows["title"]) for part, rows in reviews.items()}
    for part in ("train", "validation", "test"):
        assert not titles["long"] & titles[part]
    assert set(reviews["long"]["kind"]) == {"long"} and len(reviews["train"]) == len(
        load_texts("reviews", "bundled")["train"]
    )


def test_the_head_reads_the_mean_of_the_real_tokens():
    torch.manual_seed(0)
    model = study.review_model(Shared()).eval()
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    features = cut_features(
        ["Good.", "A film that nobody needed, and I sat through it."], tokenizer, [1, 0], max_length=64
    )
    probabilities = class_probabilities(model, features)  # in one batch, padded
    margins = study.margins(model, features)
    assert np.allclose(probability_of_positive(margins), probabilities[:, 1], atol=1e-6)
    with torch.no_grad():
        for row, feature in enumerate(features):
            states = model.encoder(torch.tensor([feature["input_ids"]])).last_hidden_state[0]  # (T, H)
            scores = model.head(states.mean(dim=0))
            assert margins[row] == pytest.approx((scores[1] - scores[0]).item(), abs=1e-5)


def test_the_full_study_reads_the_pooler():
    model = study.review_model(replace(Shared(), reads="pooler"))
    assert model.pooled and model.reads == "pooler"


@pytest.fixture
def few(monkeypatch, small_encoder):
    """The study with few reviews and a small encoder, in place of all."""
    monkeypatch.setattr(weights, "bundled_weights_folder", lambda *place, **checks: small_encoder)
    whole = study.load_reviews(Shared())
    rows = {"train": 24, "validation": 4, "test": 5, "long": 3}
    parts = {part: whole[part].select(range(number)) for part, number in rows.items()}
    monkeypatch.setattr(study, "load_reviews", lambda shared: parts)
    return parts


def short(**changes) -> Shared:
    shared = Shared()
    return replace(
        shared, fewest_updates=1, training=replace(shared.training, epochs=1), budget=24, **changes
    )


def test_a_recording_has_every_size_and_way_and_what_was_said_of_each_review(few, runner):
    c = Configuration(short(), sizes=(8, 24), ways=("tail", "head+tail"), seeds=(1, 2))
    found = study.record(c, runner)
    assert list(found["curve"]) == ["8", "24"] and list(found["ways"]) == ["tail", "head+tail"]
    for name, runs in (found["curve"] | found["ways"]).items():
        assert len(runs) == 2 and runs[0]["margins"] != runs[1]["margins"]
        for run in runs:
            assert run["rows"] == (8 if name == "8" else 24) and run["updates"] == (1 if name == "8" else 2)
            parts = {
                part: len(few[part]) for part in ("validation", "test", *(["long"] if name != "8" else []))
            }
            assert {part: len(values) for part, values in run["margins"].items()} == parts
    # At most 24 tokens of each of 24 reviews; whole ones have more.
    assert all(run["tokens"] <= 24 * 24 < found["curve"]["24"][0]["tokens"] for run in found["ways"]["tail"])
    assert found["ways"]["tail"][0]["tokens"] == found["ways"]["head+tail"][0]["tokens"]  # equal tokens


def test_a_run_is_the_same_when_it_is_made_again(few):
    run = Run(short(), 8)
    first, second = study.make_run(run, 3), study.make_run(run, 3)
    assert first["margins"] == second["margins"] and first["last_loss"] == second["last_loss"]


def test_the_full_study_is_made_of_the_hub_s_reviews_and_kept(monkeypatch, small_encoder, tmp_path):
    reviews = load_texts("reviews", "bundled")
    imdb = {
        part: reviews[part].select(range(24)).select_columns(["text", "label"]) for part in ("train", "test")
    }
    served = DatasetDict(imdb)  # no validation part, no kinds, no titles
    monkeypatch.setattr(study, "load_texts", lambda name, source: served if source == "hub" else None)
    monkeypatch.setattr(study, "encoder_folder", lambda source: small_encoder if source == "hub" else None)
    monkeypatch.setattr(study, "folder_of_runs", lambda: tmp_path)
    current = course_settings.current()
    monkeypatch.setattr(study.settings, "current", lambda: replace(current, profile="full"))
    full = study.study_configuration()
    parts = study.load_reviews(full.shared)
    assert set(parts) == {"train", "validation", "test"} and not set(parts["train"]["text"]) & set(
        parts["validation"]["text"]
    )
    assert full.sizes == (len(parts["train"]) // 2, len(parts["train"]))
    assert full.shared.reads == "pooler" and full.shared.training.frozen == "none"
    short = replace(full.shared, fewest_updates=1, budget=24)
    quick = replace(full, shared=short, seeds=(1,), ways=("tail",))
    found = study.study_results(quick)
    assert list(found["curve"]) == [str(size) for size in full.sizes] and list(found["ways"]) == ["tail"]
    assert set(found["curve"][str(full.sizes[1])][0]["margins"]) == {"validation", "test"}  # none are longer
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert len(kept) == 3 and study.study_results(quick) == found
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")} == kept


def test_the_full_study_grows_to_all_rows_that_there_are(monkeypatch):
    monkeypatch.setattr(study, "load_texts", lambda name, source: {"train": range(25_000)})
    monkeypatch.setattr(study, "all_parts", lambda data: {"train": data["train"][:22_500]})
    assert study.full_configuration().sizes == (50, 200, 1000, 5000, 22_500)
