"""The studies of sentence pairs: where they come from, one body with several heads, and a short run from end to end."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.loading import save_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import load_texts
from course_lib.data.weights import bundled_weights_folder
from course_lib.finetuning import sentence_pairs as library
from course_lib.finetuning.loop import TrainingConfiguration, predict
from course_lib.finetuning.sentence_pairs import PAIR_TASKS, pair_loss
from course_lib.studies.finetuning import pair_transfer, pairs, sentence_pairs
from course_lib.training.batching import pad_batch

TASKS = ("similarity", "question-sentence", "paraphrase", "inference")
SHORT = TrainingConfiguration(learning_rate=1e-3, epochs=1)


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory):
    torch.manual_seed(0)
    configuration = BertConfiguration(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=96, initializer_range=0.2,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("encoder")
    save_encoder(BertEncoder(configuration), path)
    shutil.copy(bundled_weights_folder(verify=False) / "tokenizer.json", path)
    return path


@pytest.fixture(scope="module")
def few_rows():
    """Twenty rows of each part of each task, drawn from the whole."""
    generator = np.random.default_rng(0)
    return {
        task: {
            name: rows.select(generator.permutation(len(rows))[:20])
            for name, rows in sentence_pairs.load_pairs(task).items()
        }
        for task in TASKS
    }


@pytest.fixture
def few(monkeypatch, small_folder, few_rows):
    """A small encoder in place of MiniLM, its tokenizer read once, and few rows."""
    for module in (library, sentence_pairs, pair_transfer):
        monkeypatch.setattr(module, "encoder_folder", lambda source=None: small_folder)
    for module in (sentence_pairs, pair_transfer):
        monkeypatch.setattr(module, "load_pairs", few_rows.__getitem__)
    tokenizer = load_tokenizer(small_folder)
    monkeypatch.setattr(sentence_pairs, "load_tokenizer", lambda folder: tokenizer)
    return few_rows.__getitem__


# The rows


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_its_parts_and_columns(task):
    parts = sentence_pairs.load_pairs(task)
    assert {"train", "validation", sentence_pairs.scored_part(task)} <= set(parts)
    for rows in parts.values():
        assert {"sentence1", "sentence2", "label"} <= set(rows.column_names)
        labels = set(rows["label"])
        names = PAIR_TASKS[task].labels
        assert labels == set(range(len(names))) if names else min(labels) >= 0 and max(labels) <= 5
        assert getattr(rows.features["label"], "names", list(names or [])) == list(names or [])


def test_question_sentence_pairs_are_of_other_paragraphs_in_each_part():
    contexts = {name: set(rows["context"]) for name, rows in load_texts("questions", "bundled").items()}
    for name, rows in sentence_pairs.load_pairs("question-sentence").items():
        assert np.bincount(rows["label"]).tolist() == [len(rows) / 2] * 2
        others = [text for other, texts in contexts.items() if other != name for text in texts]
        sentences = rows["sentence2"][:40]
        assert all(any(sentence in text for text in contexts[name]) for sentence in sentences)
        assert not any(sentence in text for text in others for sentence in sentences)


def test_exchanged_rows_begin_with_the_second_sentence():
    rows = sentence_pairs.load_pairs("inference")["validation"].select([0, 1])
    kept, exchanged = (
        sentence_pairs.features_of("inference", rows, exchanged=value) for value in (False, True)
    )
    for before, after in zip(kept, exchanged, strict=True):
        border = before["token_type_ids"].index(1)
        assert after["input_ids"] == [101, *before["input_ids"][border:], *before["input_ids"][1:border]]
        assert after["label"] == before["label"]


# One body, several heads


def joint(few):
    torch.manual_seed(0)
    model = pair_transfer.joint_model(TASKS).eval()
    torch.nn.init.normal_(model.head.weight)
    features = {task: sentence_pairs.features_of(task, few(task)["train"].select(range(3))) for task in TASKS}
    return model, features


def test_the_joint_loss_is_the_mean_of_each_rows_loss_by_its_own_head(few):
    model, features = joint(few)
    with torch.no_grad():
        batch = pad_batch(pair_transfer.joint_features(features))
        found = pair_transfer.joint_loss(TASKS)(model(batch), batch)
        losses = []
        for task in TASKS:
            own = pair_transfer.model_of_one(model, TASKS, task)
            for row in features[task]:
                alone = pad_batch([row])
                losses.append(pair_loss(own(alone), alone).item())
    assert found.item() == pytest.approx(np.mean(losses), rel=1e-5)
    assert np.std(losses) > 0.1


def test_the_model_of_one_task_has_its_outputs_of_the_joint_one(few):
    model, features = joint(few)
    rows = [row for task in TASKS for row in features[task]]
    together, start = torch.stack(predict(model, rows)), 0
    for task in TASKS:
        own = pair_transfer.model_of_one(model, TASKS, task)
        width = PAIR_TASKS[task].outputs
        torch.testing.assert_close(torch.stack(predict(own, rows)), together[:, start : start + width])
        assert own.labels == PAIR_TASKS[task].labels and own.encoder is model.encoder
        start += width
    assert start == together.shape[1] == 8


def test_both_sides_of_a_comparison_make_as_many_updates(few):
    """Those of the recording, counted by the rows, the batches and the epochs."""
    c = pairs.CONFIGURATION
    for side in c.together.values():
        assert side.rows % side.training.batch_size == 0, (
            "else the last batches of four tasks are not those of one"
        )
    assert len({(side.tasks, side.rows, side.training) for side in c.together.values()}) == 1
    updates = {
        (first.inference_rows + first.rows * first.training.epochs) / first.training.batch_size
        for first in c.first.values()
    }
    assert len(updates) == 1


def test_a_body_that_was_trained_before_is_trained_on(few):
    rows = few("inference")["train"]
    before, _ = sentence_pairs.train_pairs("inference", rows, SHORT)
    weights = before.encoder.blocks[0].expand.weight.detach().clone()
    after, losses = sentence_pairs.train_pairs("paraphrase", few("paraphrase")["train"], SHORT, body=before)
    fresh, others = sentence_pairs.train_pairs("paraphrase", few("paraphrase")["train"], SHORT)
    assert losses[0] != others[0] and after.labels == fresh.labels == PAIR_TASKS["paraphrase"].labels
    assert after.encoder is before.encoder and not torch.equal(after.encoder.blocks[0].expand.weight, weights)


# The recording


def test_agreement_is_that_of_classes_or_of_ranks():
    assert sentence_pairs.agreement("paraphrase", [0, 1, 1, 0], [0, 1, 0, 1]) == 50
    assert sentence_pairs.agreement("similarity", [0.0, 1.0, 5.0], [1.0, 2.0, 2.5]) == 100


def test_a_recording_has_all_tasks_sides_and_seeds(few, runner):
    c = pairs.CONFIGURATION
    short = replace(
        c,
        recipes={task: pairs.Recipe(SHORT, rows=16) for task in c.recipes},
        together={name: replace(side, rows=16, training=SHORT) for name, side in c.together.items()},
        first={
            "alone": replace(c.first["alone"], rows=16, training=replace(SHORT, epochs=2)),
            "inference first": replace(
                c.first["inference first"], rows=16, inference_rows=16, training=SHORT
            ),
        },
        seeds=(1, 2),
    )
    found = pairs.record(short, runner)
    assert set(found["tasks"]) == set(found["baselines"]) == set(TASKS)
    for task, readers in found["tasks"].items():
        metrics = set(PAIR_TASKS[task].metrics)
        for name, seeds in (("MiniLM", 2), ("random weights", 1)):
            entry = readers[name]
            assert len(entry["agreement"]) == len(entry["last_loss"]) == seeds
            inputs = {"kept", "removed", "swapped", "exchanged", "validation"}
            inputs |= {"mismatched"} if task == "inference" else set()
            assert set(entry) == inputs | {"agreement", "last_loss"}
            for part in inputs:
                assert set(entry[part]) == metrics
                assert all(len(values) == seeds for values in entry[part].values())
        assert readers["MiniLM"]["last_loss"][0] != readers["random weights"]["last_loss"][0]
        assert set(found["baselines"][task]) == {"majority", "bag of words, hypothesis only", "bag of words"}
        assert all(set(scores) == metrics for scores in found["baselines"][task].values())
    together, first = found["together"], found["first"]
    assert together["alone"]["updates"] == together["together"]["updates"] == [4, 4]
    assert first["alone"]["updates"] == first["inference first"]["updates"] == [2, 2]
    assert set(together["together"]) == {*TASKS, "updates"}
    assert len(found["without_segments"]["kept"]["accuracy"]) == 2
