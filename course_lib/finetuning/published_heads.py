"""Fine-tuned models under the names and classes of transformers, head included.

Transformers' classes for one label a row read the pooled [CLS] state. A head that reads the [CLS] state itself goes
through a pooler that changes nothing; one that reads the mean of all states has no class there.
"""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor

from course_lib.bert.loading import (
    IDENTITY_SCALE,
    has_identity_pooler,
    identity_pooler,
    published_tensors,
    to_published_names,
)
from course_lib.data.readers.reviews import LABELS
from course_lib.finetuning.loop import TaskModel

CLASSES = {  # task: transformers' class and its name of the head
    "classification": ("BertForSequenceClassification", "classifier"),
    "reviews": ("BertForSequenceClassification", "classifier"),
    "pairs": ("BertForSequenceClassification", "classifier"),
    "entities": ("BertForTokenClassification", "classifier"),
    "questions": ("BertForQuestionAnswering", "qa_outputs"),
    "endings": ("BertForMultipleChoice", "classifier"),
}


def has_published_class(model: TaskModel) -> bool:
    """Tell whether a class of transformers computes what a model computes."""
    return model.reads != "mean"


def published_model(task_name: str, model: TaskModel) -> dict[str, Tensor]:
    """Return encoder and head as transformers' class for the task names them.

    Parameters
    ----------
    task_name : of :data:`CLASSES`.
    model : a model that :func:`has_published_class`.
    """
    head = CLASSES[task_name][1]
    encoder = to_published_names(model.encoder.state_dict())
    scores = dict(model.head.state_dict())
    if model.pooled and (model.reads == "cls" or model.encoder.pooler is None):
        encoder |= identity_pooler(model.encoder.configuration.hidden_size)
        scores["weight"] = scores["weight"] / IDENTITY_SCALE
    return {f"bert.{name}": tensor for name, tensor in encoder.items()} | {
        f"{head}.{name}": tensor for name, tensor in scores.items()
    }


def published_head(folder: str | Path) -> dict[str, Tensor] | None:
    """Return the head in a folder of weights under the course's names, None if there is no fine-tuned one.

    Raises
    ------
    WeightsError
        If the weights are missing or damaged.
    """
    published = published_tensors(Path(folder) / "model.safetensors")
    tensors = {
        name.removeprefix(f"{head}."): tensor
        for name, tensor in published.items()
        for _, head in set(CLASSES.values())
        if name.startswith(f"{head}.")
    }
    if not tensors:
        return None
    if has_identity_pooler(published) and "weight" in tensors:
        tensors["weight"] = tensors["weight"] * IDENTITY_SCALE
    return tensors


def published_configuration(task_name: str, model: TaskModel) -> dict:
    """Return the content of ``config.json``: class, names of the labels and the kind of loss."""
    content = model.encoder.configuration.to_dict() | {"architectures": [CLASSES[task_name][0]]}
    if CLASSES[task_name][1] != "classifier" or task_name == "endings":
        return content  # a start and an end, or one score a choice: no labels
    outputs = model.head.out_features
    labels = model.labels or _names_of(task_name, outputs)
    content |= {"id2label": {str(number): label for number, label in enumerate(labels)}}
    content |= {"label2id": {label: number for number, label in enumerate(labels)}}
    if model.pooled:
        content["problem_type"] = "regression" if outputs == 1 else "single_label_classification"
    return content


def _names_of(task_name: str, outputs: int) -> list[str]:
    """Return names for the outputs of a model that carries none."""
    if outputs == 1:
        return ["score"]
    return list(LABELS) if task_name == "reviews" and outputs == 2 else [f"LABEL_{n}" for n in range(outputs)]


def published_tokenizer(tokenizer: Tokenizer, max_length: int) -> tuple[str, dict]:
    """Return the content of ``tokenizer.json`` and that of ``tokenizer_config.json``.

    Parameters
    ----------
    tokenizer : of the model; it stays as it is.
    max_length : the most pieces of a row; with ``truncation=True``, transformers cuts longer ones there.
    """
    whole = Tokenizer.from_str(tokenizer.to_str())
    special = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    whole.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=special
    )
    names = {f"{name.lower()}_token": f"[{name}]" for name in ("CLS", "SEP", "UNK", "PAD", "MASK")}
    return whole.to_str(), {
        "tokenizer_class": "PreTrainedTokenizerFast",  # takes tokenizer.json as it is, in transformers 4 and 5
        "model_max_length": max_length,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        "split_special_tokens": True,  # a "[SEP]" that somebody writes in a text is text
        **{name: token for name, token in names.items() if tokenizer.token_to_id(token) is not None},
    }
