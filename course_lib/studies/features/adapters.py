"""Between frozen and full: adapters (Houlsby et al. 2019), LoRA (Hu et al. 2022), and the last k blocks.

``peft`` has these and many more for the models of transformers. It isn't among the course's packages, and
the two ideas need so little code that they are written here.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from course_lib.bert.encoder import BertEncoder
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TaskModel, freeze


class Adapter(nn.Module):
    """A bottleneck with a residual connection: down, GELU, up (Houlsby et al. 2019, figure 2).

    Parameters
    ----------
    size : width H of the states.
    bottleneck : width in the middle.
    """

    def __init__(self, size: int, bottleneck: int):
        super().__init__()
        self.down, self.up = nn.Linear(size, bottleneck), nn.Linear(bottleneck, size)
        nn.init.normal_(self.down.weight, std=0.02)
        nn.init.zeros_(self.down.bias)
        nn.init.zeros_(self.up.weight)  # nothing is added at first: the model begins as it was
        nn.init.zeros_(self.up.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + self.up(nn.functional.gelu(self.down(hidden)))  # (B, T, H)


class LowRankLinear(nn.Module):
    """A frozen linear layer plus a trained product of two thin matrices (Hu et al. 2022, equation 3).

    Parameters
    ----------
    base : the layer; it's frozen.
    rank : the thin side.
    alpha : the product is scaled by ``alpha / rank``.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float):
        super().__init__()
        freeze(base)
        self.base, self.scale = base, alpha / rank
        self.down = nn.Parameter(torch.empty(rank, base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))  # so the product is 0 at first
        nn.init.normal_(self.down, std=base.in_features**-0.5)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.base(hidden) + self.scale * (hidden @ self.down.T) @ self.up.T  # (B, T, out)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """Return one linear layer that computes the same, at the price of the base."""
        layer = nn.Linear(self.base.in_features, self.base.out_features, bias=self.base.bias is not None)
        layer.weight.copy_(self.base.weight + self.scale * self.up @ self.down)  # (out, in)
        if self.base.bias is not None:
            layer.bias.copy_(self.base.bias)
        return layer.to(self.base.weight)


def _linear_layers(encoder: BertEncoder) -> Iterator[tuple[nn.Module, str]]:
    """Yield the modules that hold the blocks' linear layers, with the layers' names."""
    for block in encoder.blocks:
        yield block.attention, "query_key_value"
        yield block.attention, "output"
        yield block, "expand"
        yield block, "contract"


def _check_plain(encoder: BertEncoder) -> None:
    if not all(isinstance(getattr(holder, name), nn.Linear) for holder, name in _linear_layers(encoder)):
        raise CourseError(
            "The encoder carries adapters or LoRA already. Load it again, or merge LoRA: merge_lora(encoder)."
        )


def _check_width(name: str, width: int) -> None:
    if isinstance(width, bool) or not isinstance(width, int) or width < 1:
        raise CourseError(f"The {name} is {width!r}. Give a whole number from 1 up, such as 8.")


def add_adapters(encoder: BertEncoder, bottleneck: int = 32) -> None:
    """Freeze an encoder and put an adapter behind each sublayer of each block, before the residual sum.

    The LayerNorms are trained too, as in the paper.

    Raises
    ------
    CourseError
        If the bottleneck isn't a positive whole number, or the encoder carries adapters or LoRA already.
    """
    _check_width("bottleneck", bottleneck)
    _check_plain(encoder)
    freeze(encoder)
    size = encoder.configuration.hidden_size
    for block in encoder.blocks:
        block.attention.output = nn.Sequential(block.attention.output, Adapter(size, bottleneck))
        block.contract = nn.Sequential(block.contract, Adapter(size, bottleneck))
        for norm in (block.attention_norm, block.output_norm):
            norm.requires_grad_(True)


def add_lora(encoder: BertEncoder, rank: int = 4, alpha: float = 8.0) -> None:
    """Freeze an encoder and give every linear layer of its blocks a low-rank update.

    Hu et al. adapt queries and values alone. Query, key and value are one layer in this encoder, and Dettmers
    et al. 2023 (section 4) find that LoRA has to be in all linear layers to be as good as full fine-tuning.

    Raises
    ------
    CourseError
        If the rank isn't a positive whole number, or the encoder carries adapters or LoRA already.
    """
    _check_width("rank", rank)
    _check_plain(encoder)
    freeze(encoder)
    for holder, name in _linear_layers(encoder):
        setattr(holder, name, LowRankLinear(getattr(holder, name), rank, alpha))


def merge_lora(encoder: BertEncoder) -> None:
    """Put each low-rank update into its layer: the encoder has its old shape again, and costs nothing more."""
    for holder, name in _linear_layers(encoder):
        layer = getattr(holder, name)
        if isinstance(layer, LowRankLinear):
            setattr(holder, name, layer.merged())


def train_last_blocks(encoder: BertEncoder, count: int) -> None:
    """Freeze an encoder except for its last blocks.

    Raises
    ------
    CourseError
        If the encoder hasn't so many blocks.
    """
    blocks = len(encoder.blocks)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= blocks:
        raise CourseError(f"{count!r} blocks can't be trained: the encoder has {blocks}. Give 0 to {blocks}.")
    freeze(encoder)
    for block in encoder.blocks[blocks - count :]:
        block.requires_grad_(True)


def trainable_parameters(model: nn.Module) -> int:
    """Return how many parameters are trained."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def training_bytes(model: TaskModel, batch: dict[str, Tensor]) -> dict[str, int]:
    """Count the bytes that one update of a model needs besides the weights.

    Returns
    -------
    dict
        ``optimizer``: a gradient and Adam's two averages for each trained parameter, 12 bytes in float32.
        ``activations``: what the forward pass keeps for the backward pass, each tensor counted once and
        weights left out.
    """
    weights = {parameter.data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    was_training = model.training
    model.train()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        scores = model(batch)  # alive until here, so that no address is used twice
    model.train(was_training)
    del scores
    return {"optimizer": 12 * trainable_parameters(model), "activations": sum(kept.values())}
