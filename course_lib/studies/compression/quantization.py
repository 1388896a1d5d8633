"""Dynamic int8 quantization: weights as 8-bit integers, activations rounded as they come (Zafrir et al. 2019).

Each row of a matrix has a scale of its own, as in :mod:`course_lib.bert.compact`. Activations have one
scale a product, found from their smallest and largest value at that moment: nothing needs calibrating.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.bert.compact import SCALE, as_int8
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TaskModel, predict

FLOAT_COLUMNS = 8


def integers_and_scales(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return a matrix (rows, columns) as int8, and the scale of each row, (rows, 1) float."""
    compact = as_int8({"weight": weight.detach()})
    return compact["weight"], compact["weight" + SCALE]


def has_int8_products() -> bool:
    """Whether this build of PyTorch multiplies 8-bit integers; without, the rounded weights are multiplied as floats."""
    return any(engine != "none" for engine in torch.backends.quantized.supported_engines)


class QuantizedLinear(nn.Module):
    """A linear layer with int8 weights: (..., inputs) -> (..., outputs).

    All activations of a product share one scale, so one column of large values leaves a coarse grid to all
    others. A few such columns are multiplied as floats instead (Dettmers et al. 2022, LLM.int8()).

    Parameters
    ----------
    inputs, outputs : sizes of the layer.
    float_columns : how many columns of the input stay floats.
    """

    def __init__(self, inputs: int, outputs: int, float_columns: int = 0):
        super().__init__()
        self.in_features, self.out_features = inputs, outputs
        self.register_buffer("weight", torch.zeros(outputs, inputs, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(outputs, 1))
        self.register_buffer("bias", torch.zeros(outputs))
        self.register_buffer("columns", torch.zeros(float_columns, dtype=torch.long))
        self.register_buffer("column_weight", torch.zeros(outputs, float_columns))
        self.packed = None  # the weights in the order that the processor wants; made at the first product

    @classmethod
    def from_linear(cls, linear: nn.Linear, columns: Sequence[int] = ()) -> QuantizedLinear:
        """Return a layer with the rounded weights of another; ``columns`` of the input stay floats."""
        layer = cls(linear.in_features, linear.out_features)
        weight = linear.weight.detach().clone()  # (outputs, inputs)
        layer.columns = torch.tensor(columns, dtype=torch.long)
        layer.column_weight = weight[:, layer.columns].clone()  # (outputs, columns)
        weight[:, layer.columns] = 0.0
        layer.weight, layer.scale = integers_and_scales(weight)
        if linear.bias is not None:
            layer.bias = linear.bias.detach().clone()
        return layer

    def forward(self, states: Tensor) -> Tensor:
        if not len(self.columns):
            return self._rounded_product(states)
        large = states[..., self.columns]  # (..., columns)
        rest = states.index_fill(-1, self.columns, 0.0)  # (..., inputs)
        return self._rounded_product(rest) + functional.linear(large, self.column_weight)

    def _rounded_product(self, states: Tensor) -> Tensor:
        if not (has_int8_products() and states.is_cpu):
            return functional.linear(states, self.weight.float() * self.scale, self.bias)
        if self.packed is None:
            self.packed = self._pack()
        # 7 bits for activations: some processors add pairs of products in 16 bits, which 8 bits would overflow.
        return torch.ops.quantized.linear_dynamic(states.float(), self.packed, True)

    def _pack(self):
        with warnings.catch_warnings():  # PyTorch plans other names for these two
            warnings.simplefilter("ignore", UserWarning)
            zero_points = torch.zeros(self.out_features, dtype=torch.long)
            rounded = torch.quantize_per_channel(
                self.weight.float() * self.scale,
                self.scale[:, 0].double(),
                zero_points,
                axis=0,
                dtype=torch.qint8,
            )
            return torch.ops.quantized.linear_prepack(rounded, self.bias)

    def __getstate__(self) -> dict:
        return self.__dict__ | {"packed": None}  # a copy packs its own


class QuantizedEmbedding(nn.Module):
    """An embedding table with int8 rows: (...) ids -> (..., H); only the rows that are looked up become floats."""

    def __init__(self, rows: int, size: int):
        super().__init__()
        self.num_embeddings, self.embedding_dim = rows, size
        self.register_buffer("weight", torch.zeros(rows, size, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(rows, 1))

    @classmethod
    def from_embedding(cls, embedding: nn.Embedding) -> QuantizedEmbedding:
        """Return a table with the rounded rows of another."""
        table = cls(embedding.num_embeddings, embedding.embedding_dim)
        table.weight, table.scale = integers_and_scales(embedding.weight)
        return table

    def forward(self, ids: Tensor) -> Tensor:
        return self.weight[ids].float() * self.scale[ids]  # (..., H)


@torch.no_grad()
def largest_columns(model: TaskModel, features: Sequence[dict], count: int) -> dict[str, tuple[int, ...]]:
    """Return, by linear layer of the encoder, the input columns with the largest values.

    Parameters
    ----------
    model : not quantized.
    features : rows to read, training rows: they need no labels.
    count : columns of each layer.
    """
    largest: dict[str, Tensor] = {}
    layers = {n: module for n, module in model.encoder.named_modules() if isinstance(module, nn.Linear)}

    def note(name: str, states: Tensor) -> None:
        values = states.abs().flatten(0, -2).amax(dim=0)  # (inputs,)
        largest[name] = torch.maximum(largest.get(name, values), values)

    handles = [
        layer.register_forward_pre_hook(lambda _, given, name=name: note(name, given[0]))
        for name, layer in layers.items()
    ]
    try:
        predict(model, [{"input_ids": feature["input_ids"]} for feature in features])
    finally:
        for handle in handles:
            handle.remove()
    return {name: tuple(sorted(values.topk(count).indices.tolist())) for name, values in largest.items()}


def quantized(
    model: TaskModel, features: Sequence[dict] = (), *, float_columns: int = FLOAT_COLUMNS
) -> TaskModel:
    """Return a copy of a model whose word embeddings and linear layers are int8; the head stays as it is.

    The copy can't be trained.

    Parameters
    ----------
    model : left as it is.
    features : some training rows, to find the columns that stay floats; without any, none does.
    float_columns : how many columns of each layer's input stay floats.

    Raises
    ------
    CourseError
        If the model is quantized already.
    """
    if is_quantized(model):
        raise CourseError("The model is quantized already. Quantize the one that it was made from.")
    columns = largest_columns(model, features, float_columns) if features else {}
    small = copy.deepcopy(model).eval().requires_grad_(False)
    layers = [(n, module) for n, module in small.encoder.named_modules() if isinstance(module, nn.Linear)]
    for name, layer in layers:
        small.encoder.set_submodule(name, QuantizedLinear.from_linear(layer, columns.get(name, ())))
    small.encoder.embeddings.token = QuantizedEmbedding.from_embedding(small.encoder.embeddings.token)
    return small


def empty_quantized(model: TaskModel, float_columns: int) -> TaskModel:
    """Return a quantized copy with so many float columns, for a file's tensors to be put into."""
    small = quantized(model)
    for name, layer in list(small.encoder.named_modules()):
        if isinstance(layer, QuantizedLinear):
            empty = QuantizedLinear(layer.in_features, layer.out_features, float_columns)
            small.encoder.set_submodule(name, empty)
    return small


def is_quantized(model: TaskModel) -> bool:
    """Whether a model came from :func:`quantized`."""
    return isinstance(model.encoder.embeddings.token, QuantizedEmbedding)


def rounding_errors(model: TaskModel) -> dict[str, float]:
    """Return, by layer of the encoder, how far int8 weights are from the floats: length of the difference, as a share."""
    errors = {}
    for name, module in model.encoder.named_modules():
        if isinstance(module, nn.Linear):
            weight = module.weight.detach()  # (outputs, inputs)
            whole, scale = integers_and_scales(weight)
            errors[name] = float((whole.float() * scale - weight).norm() / weight.norm())
    return errors
