"""One file for one small model: its tensors as they are, and its shape beside them."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import LinearHead
from course_lib.bert.loading import write_tensors
from course_lib.bert.unpadded import UnpaddedEncoder
from course_lib.errors import CheckpointError
from course_lib.finetuning.loop import TaskModel
from course_lib.studies.compression.pruning import narrow
from course_lib.studies.compression.quantization import QuantizedLinear, empty_quantized, is_quantized
from course_lib.studies.compression.unpadding import without_padding

SHAPE = "shape"  # the tensor whose bytes are the JSON of what the others can't say
REMEDY = "Store the model again with save_small."


def save_small(model: TaskModel, path: str | Path) -> None:
    """Store a classifier in one safetensors file: whole, shallow, narrow, quantized, or all of that.

    Parameters
    ----------
    model : with a linear head.
    path : of the file.

    Raises
    ------
    CheckpointError
        If the file cannot be written.
    """
    encoder = model.encoder
    configuration = asdict(encoder.configuration) | {"num_hidden_layers": len(encoder.blocks)}
    shape = {
        "configuration": {
            field.name: configuration[field.name] for field in fields(BertConfiguration) if field.compare
        },
        "heads": [block.attention.heads for block in encoder.blocks],
        "neurons": [block.contract.in_features for block in encoder.blocks],
        "pooler": encoder.pooler is not None,
        "outputs": model.head.out_features,
        "pooled": model.pooled,
        "reads": model.reads,
        "labels": model.labels,
        "quantized": is_quantized(model),
        "float_columns": _float_columns(model),
        "without_padding": isinstance(encoder, UnpaddedEncoder),
    }
    written = torch.tensor(list(json.dumps(shape).encode()), dtype=torch.uint8)
    write_tensors(model.state_dict() | {SHAPE: written}, path)


def load_small(path: str | Path) -> TaskModel:
    """Load a model that :func:`save_small` has stored, in evaluation mode.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or not such a model.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist. {REMEDY}")
    try:
        tensors = load_file(path)
        shape = json.loads(bytes(tensors.pop(SHAPE).tolist()))
        model = _empty_model(shape)
        model.load_state_dict(tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        cause = str(error).splitlines()[0]
        raise CheckpointError(f"{path} is not a small model as a whole ({cause}). {REMEDY}") from None
    return model.eval()


def _float_columns(model: TaskModel) -> int:
    counts = [len(m.columns) for m in model.encoder.modules() if isinstance(m, QuantizedLinear)]
    return max(counts, default=0)


def _empty_model(shape: dict) -> TaskModel:
    """Return a model of the shape that a file names, with any weights."""
    c = BertConfiguration(**shape["configuration"])
    encoder = BertEncoder(c, shape["pooler"])
    for block, heads, neurons in zip(encoder.blocks, shape["heads"], shape["neurons"], strict=True):
        if (heads, neurons) != (c.num_attention_heads, c.intermediate_size):
            narrow(block, range(heads, c.num_attention_heads), range(neurons, c.intermediate_size))
    model = TaskModel(
        encoder, LinearHead(c, shape["outputs"]), shape["pooled"], shape["labels"], reads=shape["reads"]
    )
    model = empty_quantized(model, shape["float_columns"]) if shape["quantized"] else model
    return without_padding(model) if shape["without_padding"] else model
