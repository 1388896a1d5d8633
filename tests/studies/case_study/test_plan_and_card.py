"""What is written down: the plan before, the reader's types of errors during, and the model card after a study."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder
from course_lib.errors import CheckpointError, CourseError
from course_lib.finetuning.classification import classification_model
from course_lib.finetuning.model_card import MARK
from course_lib.finetuning.saving import load_saved, save_model
from course_lib.studies.case_study.model_card import CardFacts, model_card, write_card
from course_lib.studies.case_study.plan import Claim, Plan, verdict
from course_lib.studies.case_study.typology import (
    TYPES,
    count_types,
    errors_by_loss,
    remember_types,
)
from course_lib.studies.statistics import Part

PLAN = Plan(
    "Does it help?",
    "accuracy",
    "test",
    "validation",
    (50, 100),
    (1, 2),
    (Claim("more", "more rows - fewer"),),
)


def test_a_plan_s_fingerprint_changes_with_every_decision():
    changed = [
        replace(PLAN, question="Does it hurt?"),
        replace(PLAN, measure="F1"),
        replace(PLAN, seeds=(1, 3)),
        replace(PLAN, claims=(replace(PLAN.claims[0], bound=0.01),)),
    ]
    prints = {plan.fingerprint() for plan in (PLAN, *changed)}
    assert len(prints) == 5 and replace(PLAN).fingerprint() in prints
    assert all(len(digits) == 12 and int(digits, 16) >= 0 for digits in prints)


def test_what_was_not_planned_is_not_a_claim():
    assert PLAN.claim("more") is PLAN.claims[0]
    with pytest.raises(CourseError, match="'surprise' is not a claim of the plan"):
        PLAN.claim("surprise")


@pytest.mark.parametrize(
    ("low", "high", "bound", "expected"),
    [(0.01, 0.03, 0, "holds"), (-0.01, 0.03, 0, "open"), (-0.03, -0.01, 0, "fails"), (0.01, 0.03, 0.02, "open"),
     (0.0, 0.03, 0, "open"), (-0.03, 0.0, 0, "open")],
)  # fmt: skip
def test_the_verdict_needs_the_whole_interval(low, high, bound, expected):
    assert verdict(low, high, bound) == expected


def test_an_interval_the_wrong_way_round_is_refused():
    with pytest.raises(CourseError, match="smaller end first"):
        verdict(0.2, 0.1)


def test_errors_are_read_from_the_surest_mistake_on():
    losses, right = np.array([0.1, 3.0, 5.0, 0.9, 3.0]), np.array([True, False, True, False, False])
    assert errors_by_loss(losses, right) == [1, 4, 3]
    assert errors_by_loss(losses, np.ones(5, bool)) == []


def test_types_are_kept_by_text_and_nothing_is_lost(tmp_path):
    path, texts = tmp_path / "types.json", ["one", "two", "three"]
    assert remember_types(texts, {}, path) == {} and not path.exists()
    assert remember_types(texts, {0: "irony"}, path) == {0: "irony"}
    assert remember_types(texts, {2: "plot"}, path) == {0: "irony", 2: "plot"}
    assert remember_types(texts[::-1], {}, path) == {2: "irony", 0: "plot"}  # known by their texts
    assert remember_types(["other", "data"], {1: "label"}, path) == {1: "label"}
    assert remember_types(texts, {0: "negation"}, path) == {0: "negation", 2: "plot"}


def test_types_are_in_the_reader_s_folder(tmp_path, monkeypatch):
    from course_lib.studies.case_study import typology

    monkeypatch.setattr(typology, "typology_path", lambda: tmp_path / "home" / "types.json")
    remember_types(["one"], {0: "irony"})
    assert remember_types(["one"], {}) == {0: "irony"}


@pytest.mark.parametrize(
    ("types", "words"),
    [({0: "sarcasm"}, "'sarcasm' is not a type"), ({1: "irony"}, "no row 1"), ({-1: "irony"}, "no row -1")],
)
def test_other_types_and_rows_are_refused_and_nothing_is_written(types, words, tmp_path):
    with pytest.raises(CourseError, match=words):
        remember_types(["one"], types, tmp_path / "types.json")
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_of_types_is_not_overwritten(tmp_path):
    path = tmp_path / "types.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(CourseError, match="Move it away"):
        remember_types(["one"], {0: "irony"}, path)
    assert path.read_text(encoding="utf-8") == "{"


def test_types_are_counted_with_those_that_nobody_gave():
    counts = count_types({3: "plot", 5: "plot", 8: "irony"})
    assert list(counts) == list(TYPES) and sum(counts.values()) == 3
    assert (counts["plot"], counts["irony"], counts["label"]) == (2, 1, 0)
    with pytest.raises(CourseError, match="not a type"):
        count_types({0: "mood"})


FACTS = CardFacts(
    name="review-reader",
    base_model="sentence-transformers/all-MiniLM-L6-v2",
    data="course-reviews",
    language="en",
    license="apache-2.0",
    training={"rows": 935, "epochs": 3},
    parts=[Part("all", 280, 0.8, 0.75, 0.84), Part("plot-heavy", 16, 0.5, 0.28, 0.72)],
    temperature=1.7,
    calibration_errors=(0.11, 0.04),
    uses=["Sorting film reviews."],
    limits=["Irony."],
)


def test_the_hub_reads_the_card():
    card = ModelCard(model_card(FACTS, ["negative", "positive"]))
    card.data.to_yaml()
    (result,) = card.data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_name) == (
        "accuracy",
        0.8,
        "course-reviews",
    )
    assert card.data.license == "apache-2.0" and card.data.language == "en"
    assert card.data.pipeline_tag == "text-classification" and card.data.base_model == FACTS.base_model
    for line in (
        "| plot-heavy | 16 | 50.0% | 28.0% to 72.0% |",
        "- Irony.",
        "- rows: 935",
        "negative, positive",
        "by 1.70",
    ):
        assert line in card.text


@pytest.mark.parametrize("lack", [{"limits": []}, {"parts": []}])
def test_a_card_without_limits_or_results_is_refused(lack):
    with pytest.raises(CourseError, match="Say where the model fails"):
        model_card(replace(FACTS, **lack), ["negative", "positive"])


def test_the_card_goes_into_a_saved_model_s_folder_once(tmp_path):
    torch.manual_seed(0)
    model = classification_model(2, "bundled", labels=("negative", "positive"))
    save_model("reviews", model, load_tokenizer(encoder_folder("bundled")), tmp_path)
    (tmp_path / "README.md").write_text(
        f"---\n---\n{MARK}\n# short\n", encoding="utf-8"
    )  # as course finetune does
    path = write_card(tmp_path, FACTS)
    first = path.read_text(encoding="utf-8")
    assert "one of: negative, positive" in first and "# short" not in first
    assert load_saved("reviews", tmp_path).labels == ("negative", "positive")  # the card is in nobody's way
    with pytest.raises(CheckpointError, match="is there already"):
        write_card(tmp_path, replace(FACTS, temperature=2.0))
    assert path.read_text(encoding="utf-8") == first
    write_card(tmp_path, replace(FACTS, temperature=2.0), replace=True)
    assert "by 2.00" in path.read_text(encoding="utf-8")


def test_a_folder_without_a_model_gets_no_card(tmp_path):
    with pytest.raises(CheckpointError, match="holds no fine-tuned model"):
        write_card(tmp_path, FACTS)
    assert not list(tmp_path.iterdir())
