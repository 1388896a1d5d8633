"""Checkpoints are those that were recorded: the manifest is kept by what stores them, and asked by what loads them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from course_lib import settings
from course_lib.bert.heads import BertForMaskedLanguageModel
from course_lib.bert.loading import load_encoder
from course_lib.data import manifest
from course_lib.data.manifest import check_files, read_manifest, renew_manifest
from course_lib.data.weights import bundled_weights_folder, sha256_of
from course_lib.errors import CourseError, WeightsError
from course_lib.finetuning.classification import classification_model
from course_lib.finetuning.compact import load_compact, save_compact
from course_lib.studies.masking import masked_word_model
from course_lib.studies.pretraining import pretraining_run


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    """A folder of checkpoints of one's own, with two files in it."""
    root = tmp_path / "checkpoints"
    for name in ("one", "two"):
        (root / name).mkdir(parents=True)
        (root / name / "config.json").write_text(json.dumps({"name": name}))
    monkeypatch.setattr(settings, "CHECKPOINTS", root)
    renew_manifest()
    return root


def test_every_file_has_its_line_as_the_usual_tool_writes_it(checkpoints):
    lines = (checkpoints / manifest.NAME).read_bytes().decode().splitlines(keepends=True)
    digests = [sha256_of(checkpoints / name / "config.json") for name in ("one", "two")]
    assert lines == [f"{digests[0]}  one/config.json\n", f"{digests[1]}  two/config.json\n"]
    assert list(read_manifest().values()) == digests


@pytest.mark.parametrize("change", ["changed", "new"])
def test_a_file_that_is_not_the_recorded_one_is_refused(checkpoints, change):
    check_files(checkpoints / "one")
    path = checkpoints / "one" / ("config.json" if change == "changed" else "other.json")
    path.write_text("{}")
    with pytest.raises(WeightsError, match=r"not the file that was recorded.*course record") as caught:
        check_files(checkpoints / "one")
    assert str(path.name) in str(caught.value) and "\n" not in str(caught.value)
    check_files(checkpoints / "two")


def test_renewing_one_folder_declares_nothing_else_whole(checkpoints):
    for name in ("one", "two"):
        (checkpoints / name / "config.json").write_text("{}")
    renew_manifest(checkpoints / "one")
    check_files(checkpoints / "one")
    with pytest.raises(WeightsError):
        check_files(checkpoints / "two")


def test_a_file_that_is_gone_loses_its_line(checkpoints):
    (checkpoints / "one" / "config.json").unlink()
    renew_manifest(checkpoints / "one")
    assert list(read_manifest()) == ["two/config.json"]


def test_other_folders_are_their_owners_affair(checkpoints, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "model.safetensors").write_bytes(b"")
    before = read_manifest()
    renew_manifest(tmp_path / "own")
    check_files(tmp_path / "own")
    assert read_manifest() == before


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff"])
def test_without_a_manifest_nothing_is_trusted(checkpoints, content):
    path = checkpoints / manifest.NAME
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read"):
        check_files(checkpoints / "one")


def store_compact(folder):
    save_compact(classification_model(2, "bundled"), folder, rank=1)
    return lambda: load_compact(classification_model(2, "bundled"), folder)


def store_masked_word_model(folder):
    model = BertForMaskedLanguageModel(load_encoder(bundled_weights_folder()))
    masked_word_model.save_masked_word_model(model, folder)
    return lambda: masked_word_model.load_masked_word_model(folder)


def store_run(folder):
    vocabulary = [*pretraining_run.texts.SPECIAL_TOKENS, *(f"w{i}" for i in range(45))]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    model = replace(pretraining_run.CONFIGURATION.run.model, num_hidden_layers=1, vocab_size=50)
    assert asdict(model)["vocab_size"] == len(vocabulary)
    pretraining_run.save_run(pretraining_run.PretrainingModel(model))
    return pretraining_run.load_run


@pytest.mark.parametrize("store", [store_compact, store_masked_word_model, store_run])
def test_what_stores_a_checkpoint_renews_the_manifest_and_what_loads_it_asks(checkpoints, monkeypatch, store):
    folder = checkpoints / "stored"
    monkeypatch.setattr(pretraining_run, "CHECKPOINT", folder)
    load = store(folder)
    assert "stored/model.safetensors" in read_manifest()
    load()
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # one bit of one weight: every other check lets it pass
    path.write_bytes(content)
    with pytest.raises(CourseError, match="not the file that was recorded"):
        load()
