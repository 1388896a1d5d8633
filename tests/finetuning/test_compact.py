"""Compact models: what is stored comes back, and what does not fit is refused before anything changes."""

from __future__ import annotations

import pytest
import torch

from course_lib.bert import loading
from course_lib.bert.heads import sequence_classification_head, span_head
from course_lib.bert.loading import load_encoder, read_tensors, write_tensors
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import CheckpointError, WeightsError
from course_lib.finetuning.compact import load_compact, save_compact
from course_lib.finetuning.loop import TaskModel

IDS = {"input_ids": torch.tensor([[101, 1996, 2143, 2001, 2986, 1012, 102]])}
MATRIX = "blocks.0.attention.output.weight"


def model(labels: int = 2, reads: str = "pooler") -> TaskModel:
    encoder = load_encoder(bundled_weights_folder(verify=False))
    head = sequence_classification_head(encoder.configuration, labels)
    return TaskModel(encoder, head, pooled=True, reads=reads).eval()


@pytest.fixture(scope="module")
def tuned() -> TaskModel:
    """MiniLM with one matrix and one bias changed, by more than rounding could hide."""
    torch.manual_seed(0)
    changed = model()
    with torch.no_grad():
        state = changed.encoder.state_dict()
        state[MATRIX].add_(torch.randn(384, 384), alpha=0.05)
        state["blocks.0.attention.output.bias"].add_(torch.randn(384), alpha=0.1)
        changed.head.weight.normal_()
    return changed


@pytest.fixture(scope="module")
def stored(tuned, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compact")
    save_compact(tuned, folder, rank=384)
    return folder


@torch.no_grad()
def test_full_rank_gives_the_outputs_back_and_a_small_rank_does_not(tuned, stored, tmp_path):
    wanted = tuned(IDS)
    assert (model()(IDS) - wanted).abs().max() > 0.2, "the change would not show"
    torch.testing.assert_close(load_compact(model(), stored)(IDS), wanted, rtol=0, atol=2e-2)
    save_compact(tuned, tmp_path, rank=4)
    small = load_compact(model(), tmp_path)
    change = tuned.encoder.state_dict()[MATRIX]
    errors = [
        (m.encoder.state_dict()[MATRIX] - change).norm() for m in (load_compact(model(), stored), small)
    ]
    assert errors[0] < 0.01 * errors[1]
    assert read_tensors(tmp_path / "model.safetensors")[f"left.{MATRIX}"].shape == (384, 4)


def test_trained_embeddings_are_refused(tmp_path):
    changed = model()
    with torch.no_grad():
        changed.encoder.embeddings.token.weight[1996, 0] += 0.1
    with pytest.raises(CheckpointError, match=r"embeddings\.token\.weight was trained.*frozen='embeddings'"):
        save_compact(changed, tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_kind_of_head_is_refused_and_the_model_is_left_as_it_was(stored):
    encoder = load_encoder(bundled_weights_folder(verify=False))
    other = TaskModel(encoder, span_head(encoder.configuration), pooled=False)
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(CheckpointError, match="another kind of model"):
        load_compact(other, stored)
    assert all(torch.equal(before[name], tensor) for name, tensor in other.state_dict().items())


@torch.no_grad()
def test_a_head_comes_back_on_what_it_has_learned_to_read_and_on_nothing_else(tmp_path):
    changed = model(reads="mean")
    changed.head.weight.normal_()
    save_compact(changed, tmp_path)
    loaded = load_compact(model(reads="mean"), tmp_path)
    torch.testing.assert_close(loaded(IDS), changed(IDS), rtol=0, atol=1e-2)
    for reads in ("pooler", "cls"):
        with pytest.raises(CheckpointError, match="another kind of model"):
            load_compact(model(reads=reads), tmp_path)


@pytest.mark.parametrize(("labels", "kept"), [(9, 2), (2, 1)])
def test_another_number_of_classes_is_refused_not_broadcast(stored, tmp_path, labels, kept):
    tensors = read_tensors(stored / "model.safetensors")
    tensors |= {name: t[:kept] for name, t in tensors.items() if name.startswith("head.")}
    write_tensors(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="another kind of model"):
        load_compact(model(labels), tmp_path)


def test_a_tensor_too_many_is_refused(stored, tmp_path):
    tensors = read_tensors(stored / "model.safetensors") | {"whole.blocks.99.bias": torch.zeros(3)}
    write_tensors(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="holds 1 tensors that this model does not have"):
        load_compact(model(), tmp_path)


def test_a_missing_or_truncated_file_is_refused(stored, tmp_path):
    with pytest.raises(WeightsError, match="does not exist"):
        load_compact(model(), tmp_path)
    whole = (stored / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        load_compact(model(), tmp_path)


def test_a_full_disk_leaves_nothing(tuned, tmp_path, monkeypatch):
    def full(tensors, path, metadata=None):
        open(path, "wb").write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loading, "save_file", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_compact(tuned, tmp_path / "new", rank=2)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
