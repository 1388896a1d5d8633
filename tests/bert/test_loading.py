"""Weights in and out, in the Hugging Face layout, and every way in which a folder can be wrong."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining, BertModel

from course_lib.bert import loading
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.loading import (
    load_encoder,
    load_masked_language_model,
    read_tensors,
    save_encoder,
    to_published_names,
    write_tensors,
)
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import CheckpointError, WeightsError

SIZES = {
    "vocab_size": 71,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 36,
    "max_position_embeddings": 12,
    "initializer_range": 0.2,
}
BATCH = {
    "input_ids": torch.tensor([[1, 5, 9, 2, 7, 2], [1, 8, 2, 4, 0, 0]]),
    "token_type_ids": torch.tensor([[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 0, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]]),
}
TOKENS = BATCH["attention_mask"].bool()


def disturbed(model: torch.nn.Module) -> torch.nn.Module:
    """Move every parameter away from its start, so that biases that are lost or exchanged show."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    return model.eval()


def small_encoder(**changes) -> BertEncoder:
    return disturbed(BertEncoder(BertConfiguration(**{**SIZES, **changes})))


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder that transformers wrote."""
    disturbed(BertModel(BertConfig(**SIZES))).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def change_tensors(folder: Path, change) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def change_configuration(folder: Path, **values) -> None:
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, **values}))


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".part" in path.name]


# Round trips


@torch.no_grad()
def assert_same_outputs(ours: BertEncoder, theirs: BertModel) -> None:
    found, wanted = ours(**BATCH), theirs.eval()(**BATCH)
    tolerance = {"rtol": 0, "atol": 1e-5}
    torch.testing.assert_close(found.last_hidden_state[TOKENS], wanted.last_hidden_state[TOKENS], **tolerance)
    torch.testing.assert_close(found.pooled_output, wanted.pooler_output, **tolerance)


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
def test_transformers_opens_what_we_save(tmp_path, activation):
    encoder = small_encoder(hidden_act=activation)
    save_encoder(encoder, tmp_path / "new" / "model")
    reference, report = BertModel.from_pretrained(tmp_path / "new" / "model", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    assert_same_outputs(encoder, reference)
    assert {path.name for path in (tmp_path / "new" / "model").iterdir()} == {
        "config.json",
        "model.safetensors",
    }


def test_we_open_what_transformers_saves(folder):
    assert_same_outputs(load_encoder(folder), BertModel.from_pretrained(folder))


@settings(max_examples=15, deadline=None)
@given(
    heads=st.integers(1, 4),
    layers=st.integers(1, 3),
    segments=st.integers(1, 3),
    epsilon=st.sampled_from([1e-12, 1e-5]),
    pad=st.integers(0, 3),
)
def test_what_we_save_we_load_bit_for_bit(tmp_path_factory, heads, layers, segments, epsilon, pad):
    folder = tmp_path_factory.mktemp("round_trip")
    encoder = small_encoder(
        num_attention_heads=heads,
        hidden_size=heads * 5,
        num_hidden_layers=layers,
        type_vocab_size=segments,
        layer_norm_eps=epsilon,
        pad_token_id=pad,
    )
    save_encoder(encoder, folder)
    again = load_encoder(folder)
    assert again.configuration == encoder.configuration
    assert not again.training
    state = again.state_dict()
    assert state.keys() == encoder.state_dict().keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in encoder.state_dict().items())


def test_real_weights_keep_every_bit_through_our_encoder(tmp_path):
    source = bundled_weights_folder(verify=False)
    published = read_tensors(source / "model.safetensors")
    published.pop("embeddings.position_ids")  # 0, 1, 2, ...: not a weight
    ours = to_published_names(load_encoder(source).state_dict())
    assert ours.keys() == published.keys()
    assert all(torch.equal(ours[name], tensor) for name, tensor in published.items())


def test_joined_queries_keys_and_values_keep_their_order(folder):
    tensors = load_file(folder / "model.safetensors")
    encoder = load_encoder(folder)
    for number, block in enumerate(encoder.blocks):
        for kind in ("weight", "bias"):
            parts = [
                tensors[f"encoder.layer.{number}.attention.self.{p}.{kind}"]
                for p in ("query", "key", "value")
            ]
            assert torch.equal(block.attention.query_key_value.get_parameter(kind), torch.cat(parts))


def test_a_model_without_pooler_goes_both_ways(tmp_path):
    disturbed(BertModel(BertConfig(**SIZES), add_pooling_layer=False)).save_pretrained(tmp_path / "theirs")
    encoder = load_encoder(tmp_path / "theirs")
    assert encoder.pooler is None
    save_encoder(encoder, tmp_path / "ours")
    reference = BertModel.from_pretrained(tmp_path / "ours", add_pooling_layer=False).eval()
    with torch.no_grad():
        found, wanted = (model(**BATCH)[0][TOKENS] for model in (encoder, reference))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


def test_a_pre_training_checkpoint_gives_its_encoder(tmp_path):
    model = disturbed(BertForPreTraining(BertConfig(**SIZES)))
    model.save_pretrained(tmp_path)
    assert any(name.startswith("bert.") for name in load_file(tmp_path / "model.safetensors"))
    assert_same_outputs(load_encoder(tmp_path), model.bert)


def old_names(tensors: dict[str, Tensor]) -> None:
    """Rename LayerNorm parameters as the published file of bert-base-uncased has them."""
    for name in list(tensors):
        new = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        tensors[new] = tensors.pop(name)


@pytest.mark.parametrize("old", [False, True], ids=["today's names", "gamma and beta"])
@pytest.mark.parametrize("activation", ["gelu", "gelu_new"])
@pytest.mark.parametrize("kind", [BertForMaskedLM, BertForPreTraining])
@torch.no_grad()
def test_the_masked_language_model_scores_as_in_transformers(tmp_path, kind, activation, old):
    model = disturbed(kind(BertConfig(**SIZES, hidden_act=activation)))
    model.save_pretrained(tmp_path)
    if old:
        change_tensors(tmp_path, old_names)
    ours = load_masked_language_model(tmp_path)
    assert not ours.training
    wanted = model(**BATCH)[0]
    positions = TOKENS & (torch.arange(6) % 2 == 1)
    torch.testing.assert_close(ours(**BATCH)[TOKENS], wanted[TOKENS], rtol=0, atol=1e-5)
    places = positions.flatten().nonzero().squeeze(1)
    torch.testing.assert_close(ours(**BATCH, positions=places), wanted[positions], rtol=0, atol=1e-5)
    assert ours.head.decoder.weight is ours.encoder.embeddings.token.weight


def test_half_precision_files_load_as_float32(folder):
    change_tensors(folder, lambda tensors: tensors.update({n: t.half() for n, t in tensors.items()}))
    encoder = load_encoder(folder)
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}


# What can be wrong with a folder


@pytest.mark.parametrize("kind", [torch.int64, torch.int8, torch.bool, torch.complex64])
@pytest.mark.parametrize(
    ("load", "name"),
    [
        (load_encoder, "bert.encoder.layer.0.output.dense.weight"),
        (load_masked_language_model, "cls.predictions.bias"),
    ],
)
def test_weights_that_are_no_decimals_are_refused(tmp_path, load, name, kind):
    disturbed(BertForPreTraining(BertConfig(**SIZES))).save_pretrained(tmp_path)
    change_tensors(tmp_path, lambda tensors: tensors.update({name: tensors[name].to(kind)}))
    found = name.removeprefix("bert.")
    with pytest.raises(
        WeightsError, match=rf"model\.safetensors, tensor '{found}'.*type {kind} cannot be used"
    ):
        load(tmp_path)


@pytest.mark.parametrize("load", [load_encoder, load_masked_language_model])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name, load):
    (folder / name).unlink()
    with pytest.raises(WeightsError, match=f"{name} does not exist. A model folder needs config.json and"):
        load(folder)


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.02, 0.5, 0.999])
def test_a_truncated_file_of_weights_is_refused(folder, share):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(WeightsError, match=r"not a whole safetensors file.*truncated download"):
        load_encoder(folder)


def test_something_else_than_safetensors_is_refused(folder):
    (folder / "model.safetensors").write_text("<html>404 Not Found</html>" * 50)
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        load_encoder(folder)


@pytest.mark.parametrize(
    "name",
    ["encoder.layer.1.attention.self.key.weight", "pooler.dense.bias", "embeddings.LayerNorm.weight"],
)
def test_a_missing_tensor_is_named(folder, name):
    change_tensors(folder, lambda tensors: tensors.pop(name))
    with pytest.raises(WeightsError, match=f"1 tensors that .* missing, the first is '{name}'"):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("embeddings.word_embeddings.weight", (70, 24)),
        ("encoder.layer.0.attention.self.value.weight", (24, 12)),
        ("encoder.layer.0.output.dense.bias", (1,)),  # one that copy_ would broadcast
    ],
)
def test_a_wrong_shape_is_named(folder, name, shape):
    change_tensors(folder, lambda tensors: tensors.update({name: torch.ones(shape)}))
    with pytest.raises(WeightsError) as error:
        load_encoder(folder)
    assert name in str(error.value) and str(shape) in str(error.value)


@pytest.mark.parametrize(("layers", "match"), [(1, "holds 2 layers, but .* has 1"), (3, "encoder.layer.2.")])
def test_more_or_fewer_layers_than_the_configuration_are_refused(folder, layers, match):
    change_configuration(folder, num_hidden_layers=layers)
    with pytest.raises(WeightsError, match=match):
        load_encoder(folder)


def test_another_width_than_the_configuration_is_refused(folder):
    change_configuration(folder, hidden_size=48)
    with pytest.raises(WeightsError, match=r"\(71, 24\), but the configuration calls for \(71, 48\)"):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"model_type": "roberta"}, "'model_type': the model is a 'roberta', not a BERT"),
        ({"position_embedding_type": "relative_key"}, "'position_embedding_type'"),
        ({"hidden_act": "swish"}, "'swish'"),
        ({"num_attention_heads": 5}, "cannot be split over 5 heads"),
        ({"num_attention_heads": 0}, "num_attention_heads is 0, and a whole number from 1"),
        ({"num_attention_heads": -2}, "num_attention_heads is -2"),
        ({"hidden_size": "wide"}, "hidden_size is 'wide'"),
        ({"hidden_size": 8.0}, "hidden_size is 8.0"),
        ({"vocab_size": None}, "vocab_size is None"),
        ({"num_hidden_layers": True}, "num_hidden_layers is True"),
        ({"hidden_dropout_prob": 2}, "hidden_dropout_prob is 2, and a share"),
        ({"layer_norm_eps": "1e-12"}, "layer_norm_eps is '1e-12', and a number above 0"),
        ({"layer_norm_eps": -1}, "layer_norm_eps is -1"),
        ({"initializer_range": float("nan")}, "initializer_range is nan"),
        ({"pad_token_id": 10**6}, "pad_token_id is 1000000, and the vocabulary has"),
    ],
)
def test_a_configuration_of_another_model_is_refused(folder, values, match):
    change_configuration(folder, **values)
    with pytest.raises(WeightsError, match=match):
        load_encoder(folder)


@pytest.mark.parametrize(
    "content", [b"", b'{"hidden_size": 24', b"[1, 2]", b"null", b"\xff\xfe\x00", b"[" * 10**5, b"9" * 5000]
)
def test_a_configuration_that_is_not_json_fields_is_refused(folder, content):
    (folder / "config.json").write_bytes(content)
    with pytest.raises(WeightsError, match=r"config.json.*Copy the model folder again"):
        load_encoder(folder)


def test_an_encoder_alone_is_no_masked_language_model(folder):
    with pytest.raises(WeightsError, match=r"no masked-language-model head.*'cls.predictions"):
        load_masked_language_model(folder)


@pytest.mark.parametrize("shape", [(1,), (70,)])
def test_a_head_of_the_wrong_shape_is_refused(tmp_path, shape):
    BertForMaskedLM(BertConfig(**SIZES)).save_pretrained(tmp_path)
    change_tensors(tmp_path, lambda tensors: tensors.update({"cls.predictions.bias": torch.ones(shape)}))
    with pytest.raises(WeightsError, match=r"'cls.predictions.bias'"):
        load_masked_language_model(tmp_path)


# What can go wrong in writing


def full_disk(*arguments, **named):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def half_a_file_then_full_disk(tensors, path, **named):
    Path(path).write_bytes(b"half")
    full_disk()


@pytest.mark.parametrize("older", [True, False], ids=["over an older checkpoint", "in a new folder"])
@pytest.mark.parametrize("where", ["save_file", "replace", "configuration"])
def test_a_full_disk_leaves_the_old_checkpoint_and_nothing_else(tmp_path, monkeypatch, where, older):
    folder = tmp_path / "checkpoint"
    if older:
        save_encoder(small_encoder(), folder)
    before = {path.name: path.read_bytes() for path in folder.glob("*")}
    with monkeypatch.context() as patch:
        if where == "save_file":
            patch.setattr(loading, "save_file", half_a_file_then_full_disk)
        elif where == "replace":
            patch.setattr(os, "replace", full_disk)
        else:
            patch.setattr(Path, "write_text", full_disk)
        with pytest.raises(CheckpointError, match=r"could not be written.*No space left.*Free some space"):
            save_encoder(small_encoder(num_hidden_layers=1), folder)
    assert {path.name: path.read_bytes() for path in folder.glob("*")} == before
    if older:
        assert len(load_encoder(folder).blocks) == 2


def test_a_really_unwritable_place_is_a_checkpoint_error(tmp_path):
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(CheckpointError, match="could not be written"):
        write_tensors({"x": torch.ones(2)}, tmp_path / "file" / "model.safetensors")


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_save_leaves_nothing_behind(tmp_path, monkeypatch, error):
    def interrupted(tensors, path, **named):
        Path(path).write_bytes(b"half")
        raise error

    write_tensors({"x": torch.ones(2)}, tmp_path / "model.safetensors")
    monkeypatch.setattr(loading, "save_file", interrupted)
    with pytest.raises(error):
        write_tensors({"x": torch.zeros(2)}, tmp_path / "model.safetensors")
    assert leftovers(tmp_path) == []
    assert torch.equal(read_tensors(tmp_path / "model.safetensors")["x"], torch.ones(2))


def test_tensors_that_are_views_are_written_whole(tmp_path):
    tensor = torch.arange(12.0).view(3, 4)
    write_tensors({"transposed": tensor.T, "column": tensor[:, 1]}, tmp_path / "t.safetensors")
    again = read_tensors(tmp_path / "t.safetensors")
    assert torch.equal(again["transposed"], tensor.T) and torch.equal(again["column"], tensor[:, 1])
    assert (tmp_path / "t.safetensors").stat().st_mode & 0o777 == 0o644
