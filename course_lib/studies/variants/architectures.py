"""Nine architectures side by side, computed from their configurations on the meta device: nothing is downloaded.

The meta device knows the shape of every tensor and holds none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from course_lib.errors import CourseError

BYTES = 4  # of a float32 number


@dataclass(frozen=True)
class Architecture:
    """One published model.

    Parameters
    ----------
    name : of the checkpoint whose sizes these are.
    year, paper : of its publication.
    changed : what it does differently from BERT.
    model_type : what transformers calls the architecture.
    fields : of its ``config.json``, where they differ from the library's defaults.
    longest_input : tokens it was trained to read; None where nothing limits it.
    times_applied : how often each stored layer is used.
    window : tokens that a token attends to in a local layer; None if it attends to all.
    full_every : one layer in so many attends to all; 0 if none does.
    products : products of a query with a key or value, of which BERT has two.
    """

    name: str
    year: int
    paper: str
    changed: str
    model_type: str
    fields: Mapping = field(default_factory=dict)
    longest_input: int | None = 512
    times_applied: int = 1
    window: int | None = None
    full_every: int = 0
    products: int = 2

    @property
    def source(self) -> str:
        """Where the configuration is published."""
        return f"https://huggingface.co/{self.name}/blob/main/config.json"


BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
ARCHITECTURES = (
    Architecture(
        "google-bert/bert-base-uncased", 2018, "Devlin et al.", "the one that all others change", "bert"
    ),
    Architecture(
        "FacebookAI/roberta-base",
        2019,
        "Liu et al.",
        "more data, longer training, no sentence pairs, masks drawn anew, bytes",
        "roberta",
        {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1},
    ),
    Architecture(
        "albert/albert-base-v2",
        2019,
        "Lan et al.",
        "one layer used twelve times, thin embeddings, sentence order",
        "albert",
        BASE | {"embedding_size": 128},
        times_applied=12,
    ),
    Architecture(
        "distilbert/distilbert-base-uncased",
        2019,
        "Sanh et al.",
        "half the layers, taught by BERT; no segments, no pooler",
        "distilbert",
    ),
    Architecture(
        "google/electra-base-discriminator",
        2020,
        "Clark et al.",
        "finds replaced tokens, so every token teaches",
        "electra",
        BASE | {"embedding_size": 768},
    ),
    Architecture(
        "microsoft/deberta-v3-base",
        2021,
        "He et al.",
        "content and distance apart in attention; finds replaced tokens",
        "deberta-v2",
        BASE
        | {
            "relative_attention": True,
            "position_buckets": 256,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
        },
        products=4,
    ),
    Architecture(
        "xlnet/xlnet-base-cased",
        2019,
        "Yang et al.",
        "predicts in random order, two streams, distances instead of positions",
        "xlnet",
        {"d_model": 768, "n_layer": 12, "n_head": 12, "d_inner": 3072},
        longest_input=None,
        products=4,
    ),
    Architecture(
        "allenai/longformer-base-4096",
        2020,
        "Beltagy et al.",
        "a window of 512 tokens, and a few that see everything",
        "longformer",
        {"vocab_size": 50265, "max_position_embeddings": 4098, "type_vocab_size": 1},
        longest_input=4096,
        window=512,
    ),
    Architecture(
        "answerdotai/ModernBERT-base",
        2024,
        "Warner et al.",
        "rotated positions, gated layers, local attention in two layers of three",
        "modernbert",
        longest_input=8192,
        window=128,
        full_every=3,
    ),
)


@dataclass(frozen=True)
class ArchitectureRow:
    """What is computed of one architecture; the body alone, without a task's head.

    Parameters
    ----------
    name, year, paper, changed, longest_input : as for :class:`Architecture`; the name without its owner.
    parameters : each shared one counted once.
    embedding_parameters : of them, those of embeddings.
    memory_bytes : of the parameters in float32.
    flops_per_token : of one token of a text of 128, twice the multiplications; the pooler isn't counted.
    flops_at_longest : of one token of a text as long as possible, 512 where nothing limits it.
    layers : that a token goes through.
    has_pooler : whether the body ends in a pooler.
    """

    name: str
    year: int
    paper: str
    changed: str
    parameters: int
    embedding_parameters: int
    memory_bytes: int
    flops_per_token: int
    flops_at_longest: int
    longest_input: int | None
    layers: int
    has_pooler: bool


def describe(architecture: Architecture) -> ArchitectureRow:
    """Build a model's body on the meta device and count it.

    Raises
    ------
    CourseError
        If transformers doesn't know the architecture.
    """
    from transformers import CONFIG_MAPPING, AutoModel

    if architecture.model_type not in CONFIG_MAPPING:
        raise CourseError(
            f"transformers knows no architecture {architecture.model_type!r}. "
            "Take model_type from the model's config.json."
        )
    configuration = CONFIG_MAPPING[architecture.model_type](**architecture.fields)
    with torch.device("meta"):
        model = AutoModel.from_config(configuration, attn_implementation="eager")
    parameters = dict(model.named_parameters())
    embeddings = {
        f"{name}.weight" for name, module in model.named_modules() if isinstance(module, torch.nn.Embedding)
    }
    longest = architecture.longest_input or 512
    return ArchitectureRow(
        architecture.name.split("/")[1],
        architecture.year,
        architecture.paper,
        architecture.changed,
        sum(p.numel() for p in parameters.values()),
        sum(parameters[name].numel() for name in embeddings),
        sum(p.numel() for p in parameters.values()) * BYTES,
        flops_per_token(architecture, configuration, parameters, 128),
        flops_per_token(architecture, configuration, parameters, longest),
        architecture.longest_input,
        configuration.num_hidden_layers,
        any("pooler" in name for name in parameters),
    )


def flops_per_token(
    architecture: Architecture, configuration, parameters: Mapping[str, torch.Tensor], length: int
) -> int:
    """Return twice the multiplications for one token of a text of ``length`` tokens: layers alone.

    Every number of a layer's matrices is multiplied once a token and use; attention adds its products with
    the other tokens. Norms, activations and the softmax are left out.

    Parameters
    ----------
    architecture : how often layers are used, and how far a token attends.
    configuration : transformers' object.
    parameters : of the model, by name.
    length : tokens of the text.
    """
    inside = (".layer.", ".layers.", "albert_layer_groups.")
    matrices = sum(
        p.numel()
        for name, p in parameters.items()
        # Longformer's second set of matrices serves the few tokens that see everything.
        if p.dim() >= 2 and any(part in f".{name}" for part in inside) and "_global." not in name
    )
    layers = configuration.num_hidden_layers
    attended = layers * length
    if architecture.window is not None:
        full = -(-layers // architecture.full_every) if architecture.full_every else 0
        attended = full * length + (layers - full) * min(architecture.window, length)
    attention = architecture.products * attended * configuration.hidden_size
    return 2 * (matrices * architecture.times_applied + attention)


def architecture_table() -> list[ArchitectureRow]:
    """Return the rows of all nine architectures."""
    return [describe(architecture) for architecture in ARCHITECTURES]
