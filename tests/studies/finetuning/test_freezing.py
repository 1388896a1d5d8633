"""Freezing: every strategy does what it says, and its rate is chosen without the test part."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.weights import bundled_weights_folder
from course_lib.finetuning.entities import entity_features
from course_lib.studies.finetuning import freezing
from course_lib.studies.finetuning.freezing import CONFIGURATION, Strategy

TINY = dataclasses.replace(CONFIGURATION, epochs=1, batch_size=4, precision="float32", seeds=(1, 2))


@pytest.fixture(scope="module")
def features():
    words = [
        ["Ada", "met", "Alan", "in", "London"],
        ["Nobody", "came"],
        ["Paris", "is", "far"],
        ["Eve", "left"],
    ]
    tags = [["B-PER", "O", "B-PER", "O", "B-LOC"], ["O", "O"], ["B-LOC", "O", "O"], ["B-PER", "O"]]
    return entity_features(words, load_tokenizer(bundled_weights_folder(verify=False)), tags)


def test_the_rate_is_the_best_on_validation_and_the_test_part_plays_no_part(monkeypatch, runner):
    """Error 24. On test, the other rate would be the better one."""
    seen = []
    scores = {
        ("validation", 1e-3): 50.0,
        ("validation", 1e-2): 40.0,
        ("test", 1e-3): 30.0,
        ("test", 1e-2): 70.0,
    }

    def run(strategy, rate, features, seed, configuration, progress=True):
        seen.append((strategy.name, rate, seed))
        return (strategy.name, rate), {"trainable": 1, "losses": [0.5], "processor_seconds": 1.0}

    monkeypatch.setattr(freezing, "run_strategy", run)
    monkeypatch.setattr(
        freezing, "entity_parts", lambda c: {p: (p, []) for p in ("train", "validation", "test")}
    )
    monkeypatch.setattr(freezing, "f1", lambda model, part: scores[part[0], model[1]])
    strategies = (Strategy("one", "none", (1e-2, 1e-3)), Strategy("two", "half", rate_of="one"))
    rows = freezing.record(dataclasses.replace(TINY, strategies=strategies), runner)
    assert [row["rate"] for row in rows] == [1e-3, 1e-3]
    assert rows[0]["search"] == {"0.01": 40.0, "0.001": 50.0} and rows[1]["search"] == {}
    assert [row["f1"] for row in rows] == [[30.0, 30.0]] * 2
    searched, scored = seen[:2], seen[2:]
    assert {seed for *_, seed in searched} == {TINY.search_seed}
    assert [seed for *_, seed in scored] == [1, 2, 1, 2] and TINY.search_seed not in (1, 2)


@pytest.mark.parametrize("strategy", CONFIGURATION.strategies, ids=lambda s: s.name)
def test_a_strategy_trains_what_it_says(strategy, features):
    torch.manual_seed(5)
    before = freezing.entity_model(source="bundled").encoder.state_dict()
    model, run = freezing.run_strategy(strategy, 1e-3, features, 1, TINY, progress=False)
    blocks = {"none": 6, "embeddings": 6, "half": 3, "all": 0}[strategy.frozen]
    per_block = sum(p.numel() for p in model.encoder.blocks[0].parameters())
    head = sum(p.numel() for p in model.head.parameters())
    pooler = 0 if strategy.frozen == "all" else 384 * 385
    embeddings = sum(p.numel() for p in model.encoder.embeddings.parameters()) * (strategy.frozen == "none")
    assert run["trainable"] == head + pooler + blocks * per_block + embeddings
    assert len(run["losses"]) == 1 and run["processor_seconds"] > 0
    after = model.encoder.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    if not strategy.pretrained:
        assert not any(name.endswith("token.weight") or "expand.weight" in name for name in same)
        return
    wanted = {
        name
        for name in before
        if (name.startswith("embeddings.") and strategy.frozen != "none")
        or (name.startswith("blocks.") and int(name.split(".")[1]) < 6 - blocks)
        or name.startswith("pooler.")  # the task does not use it
    }
    assert same == wanted


def test_a_random_model_has_the_sizes_of_the_pre_trained_one():
    random, pretrained = freezing.random_entity_model(), freezing.entity_model(source="bundled")
    assert random.encoder.configuration == pretrained.encoder.configuration
    assert {n: p.shape for n, p in random.named_parameters()} == {
        n: p.shape for n, p in pretrained.named_parameters()
    }
