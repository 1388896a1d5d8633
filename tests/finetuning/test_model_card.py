"""The card of a saved model: its code runs, and its numbers are those of the run."""

from __future__ import annotations

import contextlib
import io
import re

import pytest
import torch
from datasets import Dataset

from course_lib.finetuning import (
    classification,
    entities,
    multiple_choice,
    question_answering,
    sentence_pairs,
)
from course_lib.finetuning.loop import TrainingConfiguration
from course_lib.finetuning.model_card import CardFacts, label_counts, model_card, write_card
from course_lib.finetuning.saving import save_model

TOPICS = ("bills", "parcels")
MODELS = {
    "reviews": lambda folder: classification.classification_model(2, folder, labels=TOPICS),
    "pairs": lambda folder: sentence_pairs.pair_model(None, folder),
    "entities": lambda folder: entities.entity_model(entities.tags_of(["PRODUCT"]), folder),
    "questions": question_answering.question_model,
    "endings": multiple_choice.choice_model,
    "mean": lambda folder: classification.classification_model(2, folder, labels=TOPICS, reads="mean"),
}


def facts_of(task, **changes):
    told = {"encoder": "bundled", "texts": "tickets.csv", "rows": {"train": 1200, "validation": 130}}
    told |= {
        "label_counts": {"bills": 1193, "parcels": 7},
        "part": "validation",
        "scores": {"accuracy": 0.8125},
    }
    return CardFacts(
        task=task, configuration=TrainingConfiguration(seed=7), max_length=48, **(told | changes)
    )


@pytest.mark.parametrize("name", MODELS)
def test_the_code_of_the_card_opens_the_folder_beside_it(name, folder, tokenizer, tmp_path):
    torch.manual_seed(0)
    task, model = "reviews" if name == "mean" else name, MODELS[name](folder).eval()
    save_model(task, model, tokenizer, tmp_path, max_length=48)
    text = write_card(facts_of(task), model, tmp_path).read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.S)[1]
    variables = {}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        exec(code, variables)
    opened = variables["model"]
    opened = getattr(opened, "model", opened)  # of a pipeline
    biases = [opened.state_dict().get(key) for key in ("classifier.bias", "qa_outputs.bias", "head.bias")]
    assert [torch.equal(bias, model.head.bias) for bias in biases if bias is not None] == [True]
    assert ("transformers has no class" in text) == ("course_lib" in code) == (name == "mean")


def test_its_numbers_are_those_of_the_run(folder):
    text = model_card(facts_of("reviews"), MODELS["reviews"](folder), "models/tickets")
    for words in ("# tickets\n", "train: 1,200 rows", "accuracy: 0.8125", "seed: 7", "max_length: 48", "torch: 2",
                  "pipeline_tag: text-classification", "fewer than 20 examples of: parcels."):  # fmt: skip
        assert words in text, words
    assert "also chose the epoch" not in text
    assert "also chose the epoch" in model_card(
        facts_of("reviews", chosen_on="validation"), MODELS["reviews"](folder), "x"
    )
    assert "fewer than 20" not in model_card(
        facts_of("reviews", label_counts={"bills": 20}), MODELS["reviews"](folder), "x"
    )


def test_a_card_of_ones_own_stays(folder, tmp_path):
    model = MODELS["reviews"](folder)
    assert write_card(facts_of("reviews"), model, tmp_path) == tmp_path / "README.md"
    assert write_card(facts_of("reviews"), model, tmp_path) is not None, "its own card is renewed"
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    assert write_card(facts_of("reviews"), model, tmp_path) is None
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "mine"


def test_labels_are_counted_by_number_by_name_and_by_type(folder):
    model = MODELS["reviews"](folder)
    assert label_counts(model, Dataset.from_dict({"label": [1, 1, 0, 1]})) == {"bills": 1, "parcels": 3}
    assert label_counts(model, Dataset.from_dict({"label": ["bills", "bills"]})) == {"bills": 2, "parcels": 0}
    assert label_counts(MODELS["pairs"](folder), Dataset.from_dict({"label": [0.5]})) == {}
    tags = [["B-PRODUCT", "I-PRODUCT", "O"], ["B-PRODUCT"]]
    assert label_counts(MODELS["entities"](folder), Dataset.from_dict({"tags": tags})) == {"PRODUCT": 2}
