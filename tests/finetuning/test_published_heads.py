"""What ``course finetune --save`` writes is a transformers folder: another process, without the course, agrees."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.loading import load_encoder, read_tensors, save_encoder
from course_lib.errors import SettingError
from course_lib.finetuning import (
    classification,
    entities,
    launch,
    multiple_choice,
    onnx_export,
    question_answering,
    sentence_pairs,
)
from course_lib.finetuning.loop import TrainingConfiguration, predict
from course_lib.finetuning.onnx_export import INPUTS, ONNX_FILE, write_onnx
from course_lib.finetuning.published_heads import published_configuration
from course_lib.finetuning.saving import load_saved, save_model
from course_lib.finetuning.tasks import TASKS

TEXTS = ["a film about [SEP] war and café life " + "very good " * 20, "bad"]
PAIRS = [["the cat sat on the mat " * 6, "a cat"], ["no", "it never rained there"]]
TOPICS = ("spam", "neutral", "Ärger & Lob")
MAX_LENGTH = 24
# Runs without the course: what AutoModelFor... and AutoTokenizer of each folder say of the same texts.
OPEN = """
import json, sys
sys.modules["course_lib"] = None  # an import of it fails
import torch, transformers
answers = {}
for name, (kind, folder, inputs) in json.load(sys.stdin).items():
    model, report = getattr(transformers, kind).from_pretrained(folder, output_loading_info=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if isinstance(inputs, dict):  # numbers, for tasks whose rows the course makes in a way of its own
        batch = {key: torch.tensor(value) for key, value in inputs.items()}
    else:
        columns = list(zip(*inputs)) if isinstance(inputs[0], list) else [inputs]
        batch = tokenizer(*map(list, columns), truncation=True, padding=True, return_tensors="pt")
    with torch.no_grad():
        output = model(**batch)
    logits = [output.start_logits, output.end_logits] if "Question" in kind else [output.logits]
    answers[name] = {"missing": sorted(report["missing_keys"]), "logits": torch.stack(logits, -1).squeeze(-1).tolist(),
                     "ids": batch["input_ids"].tolist(), "labels": model.config.id2label,
                     "problem": model.config.problem_type, "longest": tokenizer.model_max_length}
classify = transformers.pipeline("text-classification", model=sys.argv[1], top_k=None)
answers["pipeline"] = classify(json.loads(sys.argv[2]), truncation=True)
json.dump(answers, sys.stdout)
"""


def steep(model):
    """Spread the scores, so that two models that differ are seen to."""
    torch.nn.init.normal_(model.head.weight, std=2.0)
    torch.nn.init.normal_(model.head.bias)
    return model.eval()


@pytest.fixture(scope="module")
def without_pooler(tmp_path_factory, folder):
    torch.manual_seed(1)
    configuration = BertConfiguration.from_file(folder / "config.json")
    path = tmp_path_factory.mktemp("no-pooler")
    save_encoder(BertEncoder(configuration, with_pooler=False), path)
    shutil.copy(folder / "tokenizer.json", path)
    return path


@pytest.fixture(scope="module")
def saved(tmp_path_factory, folder, without_pooler, tokenizer):
    """For each model: task, the model in memory, its folder, transformers' class, and features and texts of one batch."""
    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("saved")
    texts = classification.classification_features(TEXTS, tokenizer, max_length=MAX_LENGTH)
    pairs = sentence_pairs.pair_features(*zip(*PAIRS, strict=True), tokenizer, max_length=MAX_LENGTH)
    tags = entities.tags_of(["PRODUCT", "PER"])
    words = entities.entity_features(
        [["Lisa", "sells", "a", "Zephyr", "850"]], tokenizer, max_length=MAX_LENGTH
    )
    window = question_answering.make_windows(
        ["who?"], ["Lisa sells a Zephyr."], tokenizer,
        settings=question_answering.WindowSettings(max_length=MAX_LENGTH, step=4),
    )  # fmt: skip
    choices = multiple_choice.choice_features(
        ["She eats."], [["rice", "a red stone", "soup", "air"]], tokenizer
    )
    classifier, pair = classification.classification_model, sentence_pairs.pair_model
    one_label = "AutoModelForSequenceClassification"
    models = {
        "classes": ("reviews", classifier(3, folder, labels=TOPICS), one_label, texts, TEXTS),
        "classes-cls": ("reviews", classifier(3, folder, labels=TOPICS, reads="cls"), one_label, texts, TEXTS),
        "classes-no-pooler": ("reviews", classifier(3, without_pooler, labels=TOPICS), one_label, texts, TEXTS),
        "pairs": ("pairs", pair(("no", "yes"), folder), one_label, pairs, PAIRS),
        "score": ("pairs", pair(None, folder, reads="cls"), one_label, pairs, PAIRS),
        "tags": ("entities", entities.entity_model(tags, folder), "AutoModelForTokenClassification",
                 entities.model_inputs(words), None),
        "spans": ("questions", question_answering.question_model(folder), "AutoModelForQuestionAnswering",
                  [window[0].feature], None),
        "choices": ("endings", multiple_choice.choice_model(folder), "AutoModelForMultipleChoice", choices, None),
    }  # fmt: skip
    for name, (task, model, *_) in models.items():
        save_model(task, steep(model), tokenizer, place / name, max_length=MAX_LENGTH)
    return {name: (task, model, place / name, *rest) for name, (task, model, *rest) in models.items()}


def collate(task, features):
    return TASKS[task].collate(features)


@pytest.mark.parametrize(
    "name", ["classes", "classes-cls", "classes-no-pooler", "score", "tags", "spans", "choices"]
)
def test_onnx_gives_the_scores_of_the_course(name, saved, tmp_path):
    """For other numbers of rows and pieces than those of the export, and with padding."""
    pytest.importorskip(
        "onnx", reason="the extra onnx isn't installed: pip install onnx==1.23.2 onnxruntime==1.32.0"
    )
    runtime = pytest.importorskip("onnxruntime", reason="the extra onnx isn't installed")
    task, model, *_, features, _ = saved[name]
    path = write_onnx(task, model, tmp_path)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    assert outputs == (["start_logits", "end_logits"] if task == "questions" else ["logits"])
    for rows in (features[:1], [*features, *features[:1]]):
        batch = collate(task, rows)
        batch = {key: batch.get(key, torch.zeros_like(batch["input_ids"])) for key in INPUTS}
        padded = {key: torch.nn.functional.pad(tensor, (0, 3)) for key, tensor in batch.items()}
        for given in (batch, padded):
            found = session.run(None, {key: tensor.numpy() for key, tensor in given.items()})
            with torch.no_grad():
                wanted = model(given)
            wanted = wanted.unbind(-1) if task == "questions" else (wanted,)
            for ours, theirs in zip(wanted, found, strict=True):
                torch.testing.assert_close(torch.from_numpy(theirs), ours, rtol=0, atol=1e-4)


def test_without_the_package_onnx_is_refused_before_any_work(saved, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export.importlib.util, "find_spec", lambda name: None)
    task, model, *_ = saved["classes"]
    with pytest.raises(
        SettingError, match=r"not installed. Install it with: pip install onnx==.* leave out --onnx"
    ):
        launch.run(
            "classification", TrainingConfiguration(), texts="not read", save=tmp_path / "m", onnx=True
        )
    with pytest.raises(SettingError, match="not installed"):
        write_onnx(task, model, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_new_model_in_the_folder_takes_the_older_file_of_onnx_away(saved, tokenizer, tmp_path):
    task, model, *_ = saved["classes"]
    (tmp_path / ONNX_FILE).write_bytes(b"of an older model")
    save_model(task, model, tokenizer, tmp_path)
    assert (tmp_path / "model.safetensors").is_file() and not (tmp_path / ONNX_FILE).exists()


def test_onnx_without_a_folder_is_refused(monkeypatch):
    monkeypatch.setattr(launch, "require_onnx", lambda: None)
    with pytest.raises(SettingError, match="Name one with --save"):
        launch.run("classification", TrainingConfiguration(), texts="not read", onnx=True)


@pytest.fixture(scope="module")
def answers(saved, tmp_path_factory):
    """What transformers says of every folder, in one process of its own."""
    request = {}
    for name, (task, _, place, kind, features, texts) in saved.items():
        batch = collate(task, features)
        numbers = {key: tensor.tolist() for key, tensor in batch.items() if key in ("input_ids", "token_type_ids",
                   "attention_mask")}  # fmt: skip
        request[name] = (kind, str(place), texts or numbers)
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(saved["classes"][2]), json.dumps(TEXTS)],
        input=json.dumps(request), capture_output=True, text=True, timeout=1200, cwd=tmp_path_factory.mktemp("elsewhere"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


NAMES = ("classes", "classes-cls", "classes-no-pooler", "pairs", "score", "tags", "spans", "choices")


@pytest.mark.parametrize("name", NAMES)
def test_transformers_gives_the_same_scores_in_a_process_without_the_course(name, saved, answers):
    task, model, _, _, features, texts = saved[name]
    with torch.no_grad():
        ours = model(collate(task, features)).squeeze(-1).numpy()
    answer = answers[name]
    assert answer["missing"] == [], "no weight of the head is random"
    np.testing.assert_allclose(np.squeeze(answer["logits"]), np.squeeze(ours), rtol=1e-5, atol=1e-5)
    assert np.ptp(ours) > 0.5, "all alike would prove nothing"
    assert answer["longest"] == MAX_LENGTH
    if (
        texts is not None
    ):  # the tokenizer cuts and joins as the course does, and takes a written [SEP] for text
        assert answer["ids"] == collate(task, features)["input_ids"].tolist()


def test_labels_and_the_kind_of_loss_travel_with_the_folder(saved, answers):
    assert tuple(answers["classes"]["labels"].values()) == TOPICS
    assert answers["classes"]["problem"] == "single_label_classification"
    assert answers["pairs"]["labels"] == {"0": "no", "1": "yes"}
    assert answers["score"]["problem"] == "regression" and len(answers["score"]["labels"]) == 1
    assert tuple(answers["tags"]["labels"].values()) == saved["tags"][1].labels
    assert "B-PRODUCT" in answers["tags"]["labels"].values()


def test_the_pipeline_gives_the_probabilities_of_the_course(saved, answers):
    _, model, _, _, features, _ = saved["classes"]
    ours = classification.class_probabilities(model, features)
    for row, said in zip(ours, answers["pipeline"], strict=True):
        theirs = {entry["label"]: entry["score"] for entry in said}
        np.testing.assert_allclose([theirs[topic] for topic in TOPICS], row, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_course_reads_the_same_folder(name, saved):
    task, model, place, _, features, _ = saved[name]
    loaded = load_saved(task, place)
    assert loaded.labels == model.labels and loaded.reads == model.reads
    ours, theirs = (
        predict(either, features, collate=lambda rows: collate(task, rows)) for either in (model, loaded)
    )
    for first, second in zip(ours, theirs, strict=True):
        assert torch.equal(first, second)


def test_a_pooler_that_changes_nothing_is_not_taken_for_a_trained_one(saved, folder):
    """Going on from such a folder must not start with states close to zero."""
    assert load_encoder(saved["classes-no-pooler"][2]).pooler is None
    assert load_encoder(saved["classes"][2]).pooler is not None
    assert load_encoder(saved["tags"][2]).pooler is not None, "token tasks keep the pooler of the encoder"


def test_reviews_without_names_are_negative_and_positive(folder):
    model = classification.classification_model(2, folder)
    assert published_configuration("reviews", model)["id2label"] == {"0": "negative", "1": "positive"}
    assert published_configuration("pairs", model)["id2label"] == {"0": "LABEL_0", "1": "LABEL_1"}


def test_a_mean_has_no_class_in_transformers_and_none_is_pretended(folder, tokenizer, tmp_path):
    model = steep(classification.classification_model(2, folder, labels=("no", "yes"), reads="mean"))
    save_model("reviews", model, tokenizer, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["BertModel"]
    assert not any("classifier" in name for name in read_tensors(tmp_path / "model.safetensors"))
    assert load_saved("reviews", tmp_path).reads == "mean"
    model = steep(classification.classification_model(3, folder, labels=TOPICS))
    save_model(
        "reviews", model, tokenizer, tmp_path
    )  # into the same folder: nothing of the other head is left
    assert torch.equal(load_saved("reviews", tmp_path).head.weight, model.head.weight)
