"""The numbers that define one BERT, under the names that published configuration files use."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from course_lib.errors import WeightsError

MAY_BE_ZERO = ("num_hidden_layers", "pad_token_id")  # without layers, the embeddings alone


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@dataclass(frozen=True)
class BertConfiguration:
    """Sizes and rates of one BERT model (Devlin et al. 2018, section 3 and appendix A.2)."""

    vocab_size: int = 30522  # word pieces in the vocabulary
    hidden_size: int = 768  # H: width of every hidden state
    num_hidden_layers: int = 12  # L: number of blocks
    num_attention_heads: int = 12  # A: heads per block; each has width H / A
    intermediate_size: int = 3072  # width inside the feed-forward layer, 4H in the paper
    max_position_embeddings: int = 512  # the longest sequence that has positions
    type_vocab_size: int = 2  # segments: A and B
    hidden_act: str = "gelu"  # "gelu" is exact; "gelu_new" is the tanh approximation of the original
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    layer_norm_eps: float = 1e-12  # added to the variance, inside the root
    initializer_range: float = 0.02  # standard deviation of the truncated normal
    pad_token_id: int = 0
    # How dropout is drawn on a CPU, see dropout.py; no property of a model, so not in config.json.
    fast_dropout: bool = field(default=False, compare=False)

    def __post_init__(self):
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.type == "int":
                least = int(entry.name not in MAY_BE_ZERO)
                usable, wanted = type(value) is int and value >= least, f"a whole number from {least}"
            elif entry.name.endswith("_prob"):
                usable, wanted = _is_number(value) and 0 <= value < 1, "a share from 0 to below 1"
            elif entry.type == "float":
                usable, wanted = _is_number(value) and 0 < value < math.inf, "a number above 0"
            else:
                continue
            if not usable:
                raise ValueError(f"{entry.name} is {value!r}, and {wanted} is wanted.")
        if self.pad_token_id >= self.vocab_size:
            raise ValueError(
                f"pad_token_id is {self.pad_token_id}, and the vocabulary has {self.vocab_size} word pieces."
            )
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} cannot be split over {self.num_attention_heads} heads. "
                "Choose num_attention_heads so that it divides hidden_size."
            )
        if self.hidden_act not in ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu"):
            raise ValueError(
                f"hidden_act {self.hidden_act!r} is not one of BERT's activations. "
                "Use 'gelu' (exact), 'gelu_new' (tanh approximation) or 'relu'."
            )

    @classmethod
    def base(cls) -> BertConfiguration:
        """BERT-base: 12 layers, 768 wide, 12 heads."""
        return cls()

    @classmethod
    def large(cls) -> BertConfiguration:
        """BERT-large: 24 layers, 1,024 wide, 16 heads."""
        return cls(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)

    @classmethod
    def from_file(cls, path: str | Path) -> BertConfiguration:
        """Read a ``config.json`` in the Hugging Face layout; fields BERT does not have are ignored.

        Raises
        ------
        WeightsError
            If the file is missing, is not JSON, or describes a model that is not a BERT or cannot be.
        """
        path = Path(path)
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise WeightsError(
                f"{path} does not exist. A model folder needs config.json and model.safetensors."
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise WeightsError(
                f"{path} is not readable JSON ({error}). Copy the model folder again."
            ) from None
        if not isinstance(values, dict):
            raise WeightsError(
                f"{path} holds a {type(values).__name__}, not the fields of a configuration. "
                "Copy the model folder again."
            )
        if values.get("model_type", "bert") != "bert":
            raise WeightsError(
                f"{path}, field 'model_type': the model is a {values['model_type']!r}, not a BERT. "
                "Use a folder whose config.json says model_type bert."
            )
        if values.get("position_embedding_type", "absolute") != "absolute":
            raise WeightsError(
                f"{path}, field 'position_embedding_type': {values['position_embedding_type']!r} is a "
                "variant whose positions this encoder does not have. Use a model with absolute positions."
            )
        try:
            return cls(**{f.name: values[f.name] for f in fields(cls) if f.compare and f.name in values})
        except (TypeError, ValueError) as error:
            raise WeightsError(f"{path} describes a model that cannot be built: {error}") from None

    def to_dict(self) -> dict:
        """Return the content of a ``config.json`` that transformers opens."""
        values = asdict(self)
        del values["fast_dropout"]
        return {"model_type": "bert", "architectures": ["BertModel"], **values}
