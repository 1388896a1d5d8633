"""Published weights into our encoder, and our weights out again, in the Hugging Face layout.

Only safetensors is read and written: a file of tensors that cannot carry code.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import BertForMaskedLanguageModel
from course_lib.errors import CheckpointError, WeightsError
from course_lib.files import whole_file

# Our name of a parameter (left) and the published name (right); the layer number stays.
PUBLISHED_NAMES = [
    (r"^embeddings\.token\.", "embeddings.word_embeddings."),
    (r"^embeddings\.position\.", "embeddings.position_embeddings."),
    (r"^embeddings\.segment\.", "embeddings.token_type_embeddings."),
    (r"^embeddings\.norm\.", "embeddings.LayerNorm."),
    (r"^blocks\.(\d+)\.attention\.output\.", r"encoder.layer.\1.attention.output.dense."),
    (r"^blocks\.(\d+)\.attention_norm\.", r"encoder.layer.\1.attention.output.LayerNorm."),
    (r"^blocks\.(\d+)\.expand\.", r"encoder.layer.\1.intermediate.dense."),
    (r"^blocks\.(\d+)\.contract\.", r"encoder.layer.\1.output.dense."),
    (r"^blocks\.(\d+)\.output_norm\.", r"encoder.layer.\1.output.LayerNorm."),
    (r"^pooler\.", "pooler.dense."),
]
# A pooler that lets the [CLS] state through: tanh(x) is x for numbers this small, to float32's last digit, and a power
# of two loses nothing. BERT's published classes all have a pooler, so an encoder without one is saved with this one.
IDENTITY_SCALE = 2.0**-16
KEPT = "save again: an older checkpoint of that name is untouched"
JOINED = re.compile(r"^blocks\.(\d+)\.attention\.query_key_value\.(weight|bias)$")
HEAD_NAMES = {
    "transform.weight": "cls.predictions.transform.dense.weight",
    "transform.bias": "cls.predictions.transform.dense.bias",
    "norm.weight": "cls.predictions.transform.LayerNorm.weight",
    "norm.bias": "cls.predictions.transform.LayerNorm.bias",
    "decoder.bias": "cls.predictions.bias",
}


def to_published_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename our parameters to the published names, splitting queries, keys and values again."""
    published = {}
    for name, tensor in state.items():
        joined = JOINED.match(name)
        if joined:
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                key = f"encoder.layer.{joined[1]}.attention.self.{part}.{joined[2]}"
                published[key] = piece.contiguous()
            continue
        for ours, theirs in PUBLISHED_NAMES:
            name = re.sub(ours, theirs, name)
        published[name] = tensor
    return published


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises
    ------
    WeightsError
        If the file is missing, cut short, or not a safetensors file.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(
            f"{path} does not exist. A model folder needs config.json and model.safetensors; "
            "pytorch_model.bin can carry code and is not read: convert it with transformers' save_pretrained."
        )
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"{path} is not a whole safetensors file ({error}). It is probably a truncated download: "
            "delete it and fetch it again."
        ) from None


def published_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read a published file of weights under the names of today's ``BertModel``.

    Pre-training checkpoints put ``bert.`` before the encoder's names, and the oldest files, those of
    ``bert-base-uncased`` among them, call the LayerNorm parameters gamma and beta.

    Raises
    ------
    WeightsError
        If the file is missing, cut short, or not a safetensors file.
    """
    return {
        name.removeprefix("bert.")
        .replace("LayerNorm.gamma", "LayerNorm.weight")
        .replace("LayerNorm.beta", "LayerNorm.bias"): tensor
        for name, tensor in read_tensors(path).items()
    }


def write_tensors(tensors: dict[str, Tensor], path: str | Path) -> None:
    """Write a safetensors file as a whole or not at all.

    Raises
    ------
    CheckpointError
        If it cannot be written, for instance because the disk is full; nothing is left behind.
    """
    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    causes = (OSError, SafetensorError)
    with whole_file(path, error=CheckpointError, then=KEPT, causes=causes) as temporary:
        save_file(contiguous, temporary, metadata={"format": "pt"})


def _check_tensors(published: dict[str, Tensor], expected: dict[str, Tensor], path: Path) -> None:
    """Refuse what ``copy_`` would take and change: numbers that are no decimals, shapes it would broadcast."""
    for name, tensor in expected.items():
        if not published[name].is_floating_point():
            raise WeightsError(
                f"{path}, tensor {name!r}: weights of the type {published[name].dtype} cannot be used. "
                "Use a file of decimals, such as float32, float16 or bfloat16."
            )
        if published[name].shape != tensor.shape:
            raise WeightsError(
                f"{path}, tensor {name!r}: shape {tuple(published[name].shape)}, but the configuration "
                f"calls for {tuple(tensor.shape)}. Use the config.json that belongs to these weights."
            )


def _load_published(encoder: BertEncoder, published: dict[str, Tensor], path: Path) -> None:
    """Copy published tensors into an encoder; say which are missing or of another shape."""
    expected = to_published_names(encoder.state_dict())
    missing = sorted(set(expected) - set(published))
    if missing:
        raise WeightsError(
            f"{path}: {len(missing)} tensors that the configuration calls for are missing, the first is "
            f"{missing[0]!r}. Use the config.json that belongs to these weights."
        )
    _check_tensors(published, expected, path)
    layers = {int(m[1]) for m in map(re.compile(r"encoder\.layer\.(\d+)\.").match, published) if m}
    if layers and max(layers) + 1 > len(encoder.blocks):
        raise WeightsError(
            f"{path} holds {max(layers) + 1} layers, but the configuration has {len(encoder.blocks)}. "
            "Use the config.json that belongs to these weights."
        )
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            joined = JOINED.match(name)
            if joined:
                parts = [
                    published[f"encoder.layer.{joined[1]}.attention.self.{part}.{joined[2]}"]
                    for part in ("query", "key", "value")
                ]
                parameter.copy_(torch.cat(parts))
            else:
                parameter.copy_(published[next(iter(to_published_names({name: parameter})))])


def load_encoder(folder: str | Path) -> BertEncoder:
    """Load an encoder from a folder in the Hugging Face layout, ready for inference.

    Parameters
    ----------
    folder : a folder with ``config.json`` and ``model.safetensors``; pre-training checkpoints work too.

    Raises
    ------
    WeightsError
        If a file is missing or damaged, or the weights do not fit the configuration.
    """
    configuration = BertConfiguration.from_file(Path(folder) / "config.json")
    path = Path(folder) / "model.safetensors"
    return _encoder_from(configuration, published_tensors(path), path)


def _encoder_from(configuration: BertConfiguration, published: dict[str, Tensor], path: Path) -> BertEncoder:
    """Build the encoder that published tensors fill."""
    with_pooler = any(name.startswith("pooler.") for name in published) and not has_identity_pooler(published)
    encoder = BertEncoder(configuration, with_pooler=with_pooler)
    _load_published(encoder, published, path)
    return encoder.eval()


def save_encoder(encoder: BertEncoder, folder: str | Path) -> None:
    """Save an encoder so that ``BertModel.from_pretrained(folder)`` opens it.

    Raises
    ------
    CheckpointError
        If the folder cannot be written; what was there before is untouched.
    """
    save_weights(encoder.configuration.to_dict(), to_published_names(encoder.state_dict()), folder)


def save_weights(configuration: dict, tensors: dict[str, Tensor], folder: str | Path) -> None:
    """Save the content of a ``config.json`` and the weights that belong to it, under published names.

    Raises
    ------
    CheckpointError
        If the folder cannot be written; what was there before is untouched.
    """
    folder = Path(folder)
    content = json.dumps(configuration, indent=2, ensure_ascii=False) + "\n"
    # The configuration is ready before the weights take their place: the two never disagree.
    with whole_file(folder / "config.json", error=CheckpointError, then=KEPT) as temporary:
        temporary.write_text(content, encoding="utf-8")
        write_tensors(tensors, folder / "model.safetensors")


def identity_pooler(size: int) -> dict[str, Tensor]:
    """Return the published tensors of a pooler that gives the [CLS] state times :data:`IDENTITY_SCALE`."""
    return {
        "pooler.dense.weight": torch.eye(size) * IDENTITY_SCALE,
        "pooler.dense.bias": torch.zeros(size),
    }


def has_identity_pooler(published: dict[str, Tensor]) -> bool:
    """Tell whether published tensors hold the pooler of :func:`identity_pooler`, which stands for none."""
    weight, bias = published.get("pooler.dense.weight"), published.get("pooler.dense.bias")
    if weight is None or bias is None or weight.ndim != 2 or weight.shape[0] != weight.shape[1]:
        return False
    return bool((weight == torch.eye(len(weight)) * IDENTITY_SCALE).all()) and not bool(bias.any())


def load_masked_language_model(folder: str | Path) -> BertForMaskedLanguageModel:
    """Load an encoder with its masked-language-model head, as ``bert-base-uncased`` publishes it.

    Raises
    ------
    WeightsError
        If the folder has no such head, or a file is damaged.
    """
    configuration = BertConfiguration.from_file(Path(folder) / "config.json")
    path = Path(folder) / "model.safetensors"
    published = published_tensors(path)
    missing = [name for name in HEAD_NAMES.values() if name not in published]
    if missing:
        raise WeightsError(
            f"{path}: no masked-language-model head (tensor {missing[0]!r} is missing). "
            "Use a pre-training checkpoint, or train a head with `course record mlm-head`."
        )
    model = BertForMaskedLanguageModel(_encoder_from(configuration, published, path))
    _check_tensors(
        published, {theirs: model.head.get_parameter(ours) for ours, theirs in HEAD_NAMES.items()}, path
    )
    with torch.no_grad():
        for ours, theirs in HEAD_NAMES.items():
            model.head.get_parameter(ours).copy_(published[theirs])
    return model.eval()
