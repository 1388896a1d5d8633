"""The tasks as `accelerate launch` runs them: own files, own checkpoint folder, one process and two."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.loading import load_encoder, read_tensors, save_encoder
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import DataFileError
from course_lib.finetuning import frameworks, launch
from course_lib.finetuning.loop import TrainingConfiguration
from course_lib.settings import DATA, REPOSITORY

C = TrainingConfiguration(learning_rate=1e-3, epochs=2, batch_size=4, freeze_embeddings=False)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    torch.manual_seed(0)
    configuration = BertConfiguration(
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=40,
        max_position_embeddings=64,
    )
    path = tmp_path_factory.mktemp("encoder")
    save_encoder(BertEncoder(configuration), path)
    shutil.copy(bundled_weights_folder(verify=False) / "tokenizer.json", path)
    return path


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Small files in the official formats: the first rows of the bundled ones."""
    path = tmp_path_factory.mktemp("texts")
    for name in ("reviews", "entities", "questions"):
        (path / name).mkdir()
    for split, count in (("train", 22), ("validation", 6)):
        lines = (DATA / "reviews" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        (path / "reviews" / f"{split}.jsonl").write_text("\n".join(lines[:count]) + "\n", encoding="utf-8")
        blocks = (DATA / "entities" / f"{split}.txt").read_text(encoding="utf-8").split("\n\n")
        (path / "entities" / f"{split}.txt").write_text("\n\n".join(blocks[:count]) + "\n", encoding="utf-8")
        subjects = json.loads((DATA / "questions" / f"{split}.json").read_text(encoding="utf-8"))["data"]
        paragraph = subjects[0]["paragraphs"][0]
        paragraph |= {"qas": paragraph["qas"][: 4 if split == "train" else 2]}
        small = {"version": "v2.0", "data": [{"title": subjects[0]["title"], "paragraphs": [paragraph]}]}
        (path / "questions" / f"{split}.json").write_text(json.dumps(small), encoding="utf-8")
    return path


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is something else than the processor")
def test_bfloat16_without_a_gpu_is_no_error(encoder, texts, monkeypatch, capsys):
    """Some processors have instructions for it; the Trainer must be told that nothing else is meant."""
    monkeypatch.setattr(frameworks, "casts", lambda device, precision: precision == "bfloat16")
    half = replace(C, precision="bfloat16", epochs=1)
    scores = launch.run("entities", half, encoder=str(encoder), texts=str(texts / "entities"), max_length=32)
    assert 0 <= scores["f1"] <= 1 and json.loads(capsys.readouterr().out.splitlines()[-1])["updates"] > 0


def test_questions_are_trained_on_windows_and_scored(encoder, texts, tmp_path, capsys):
    """A paragraph is longer than this model's 64 positions: it is cut into windows, more than there are questions."""
    scores = launch.run(
        "questions",
        C,
        encoder=encoder,
        texts=texts / "questions",
        max_length=60,
        save=tmp_path / "saved",
        cpu=True,
    )
    assert 0 <= scores["exact_match"] <= scores["f1"] <= 100
    said = json.loads(capsys.readouterr().out)
    assert said["task"] == "questions" and said["part"] == "validation" and said["f1"] == scores["f1"]
    assert said["updates"] > 2  # four questions would be one batch an epoch
    saved, old = load_encoder(tmp_path / "saved"), load_encoder(encoder)
    assert not torch.equal(saved.blocks[0].expand.weight, old.blocks[0].expand.weight)
    assert read_tensors(tmp_path / "saved" / "head.safetensors")["weight"].shape == (2, 24)


@pytest.mark.parametrize(("name", "metric"), [("reviews", "accuracy"), ("entities", "f1")])
def test_a_task_is_trained_scored_and_saved(name, metric, encoder, texts, tmp_path, capsys):
    scores = launch.run(
        name, C, encoder=encoder, texts=texts / name, max_length=60, save=tmp_path / "saved", cpu=True
    )
    assert 0 <= scores[metric] <= 1
    said = json.loads(capsys.readouterr().out)
    assert said["task"] == name and said["part"] == "validation" and said[metric] == scores[metric]
    assert said["updates"] in (10, 12)  # two epochs of 19 to 22 rows in batches of 4
    saved, old = load_encoder(tmp_path / "saved"), load_encoder(encoder)
    assert not torch.equal(saved.blocks[0].expand.weight, old.blocks[0].expand.weight)
    assert read_tensors(tmp_path / "saved" / "head.safetensors")["classifier.weight"].shape[1] == 24
    assert launch.run(name, C, encoder=tmp_path / "saved", texts=texts / name, max_length=60, cpu=True)


def test_what_is_frozen_stays(encoder, texts, tmp_path):
    launch.run(
        "reviews",
        C,
        encoder=encoder,
        texts=texts / "reviews",
        max_length=40,
        frozen="all",
        save=tmp_path,
        cpu=True,
    )
    old, new = load_encoder(encoder).state_dict(), load_encoder(tmp_path).state_dict()
    assert all(torch.equal(old[name], new[name]) for name in old)


def test_texts_without_a_training_part_are_refused(encoder, texts):
    with pytest.raises(DataFileError, match=r"the parts are test.*Give a folder with train and validation"):
        launch.run("reviews", C, encoder=encoder, texts=texts / "reviews" / "train.jsonl", cpu=True)


def test_the_command_says_in_one_sentence_what_is_wrong(encoder, capsys):
    assert launch.main(["reviews", "--encoder", str(encoder), "--texts", "nowhere", "--cpu"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "nowhere" in err


@pytest.mark.skipif(sys.platform == "win32", reason="gloo between processes is not offered there")
def test_two_processes_share_the_rows(encoder, texts):
    """As `accelerate launch` starts it on two GPUs, with torch's launcher: half the updates, one report."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
        "-m", "course_lib.finetuning.launch", "entities", "--encoder", str(encoder),
        "--texts", str(texts / "entities"), "--max-length", "60", "--batch-size", "4", "--epochs", "2", "--cpu",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(reports) == 1 and reports[0]["updates"] == 6
