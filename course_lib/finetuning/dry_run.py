"""What a run would take, before it is started: texts that would be cut, time and memory."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tokenizers import Tokenizer

from course_lib.bert.configuration import BertConfiguration
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, check_features, prepare_model
from course_lib.finetuning.tasks import Task
from course_lib.training.batching import tokens_of
from course_lib.translation import Message

LONGEST = 3  # texts that are named


def length_messages(rows, tokenizer: Tokenizer, max_length: int) -> list[Message]:
    """Tell how long the texts of a data set are, and which ones would be cut.

    Parameters
    ----------
    rows : of a data set with columns ``text``, ``place`` and perhaps ``second``.
    tokenizer : of the model.
    max_length : the most pieces of a row, special tokens counted.
    """
    import numpy as np

    columns = [name for name in ("text", "second") if name in rows.column_names]
    lengths = np.full(len(rows), len(columns) + 1)  # [CLS], and a [SEP] after each text
    for name in columns:
        encodings = tokenizer.encode_batch_fast(list(rows[name]), add_special_tokens=False)
        lengths += [len(encoding) for encoding in encodings]
    middle, most = np.percentile(lengths, [50, 95])
    said = [
        Message(
            "Pieces of a row: half of them have at most {middle:.0f}, 95% at most {most:.0f}; the longest has {longest}.",
            middle=middle,
            most=most,
            longest=int(lengths.max()),
        )
    ]
    longer = np.flatnonzero(lengths > max_length)
    if len(longer):
        longest = sorted(longer, key=lambda row: -lengths[row])[:LONGEST]
        places = rows["place"]
        said.append(
            Message(
                "Rows that would be cut at {max_length} pieces: {number}, the longest are {places}. --max-length changes that.",
                max_length=max_length,
                number=len(longer),
                places="; ".join(f"{places[int(row)]} ({lengths[row]})" for row in longest),
            )
        )
    return said


def activation_bytes(configuration: BertConfiguration, batch_size: int, length: int) -> int:
    """Return about how many bytes the activations of one float32 update take.

    Each layer keeps s·b·h·(34 + 5·a·s/h) bytes with 16-bit numbers (Korthikanti et al. 2022, equation 2), and twice
    that with 32 bits, except for the masks of dropout, which we neglect.
    """
    c = configuration
    states = batch_size * length * c.hidden_size
    scores = c.num_attention_heads * length / c.hidden_size
    return int(2 * c.num_hidden_layers * states * (34 + 5 * scores))


def cost_messages(
    model: TaskModel, task: Task, features: Sequence[dict], configuration: TrainingConfiguration
) -> list[Message]:
    """Estimate time, by two updates that are thrown away, and memory, by formula, of a run on this device.

    Parameters
    ----------
    model : a fresh one; its weights stay as they are.
    task, features, configuration : of the run.
    """
    c = configuration
    check_features(model, features)
    prepare_model(model, c)
    lengths = sorted(range(len(features)), key=lambda row: tokens_of(features[row]))
    start = max(0, (len(lengths) - c.batch_size) // 2)  # rows of the middle length
    batch = task.collate([features[row] for row in lengths[start : start + c.batch_size]])
    device = next(model.parameters()).device
    batch = {name: tensor.to(device) for name, tensor in batch.items()}
    seconds = 0.0
    for _ in range(2):  # the first one is slow: memory is made, kernels are chosen
        began = time.perf_counter()
        task.loss(model(batch).float(), batch).backward()
        seconds = time.perf_counter() - began
        model.zero_grad(set_to_none=True)
    steps = -(-len(features) // c.batch_size) * c.epochs
    weights = sum(p.numel() for p in model.parameters())
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    longest = tokens_of(features[lengths[-1]])
    memory = 4 * (weights + 3 * trained)  # the gradient and Adam's two moments
    memory += activation_bytes(model.encoder.configuration, c.batch_size, longest)
    return [
        Message(
            "It would take about {minutes:.1f} minutes on this {device} ({steps} updates), and {memory:.1f} GB of memory "
            "besides Python's own.",
            minutes=steps * seconds * 1.1 / 60,  # optimizer and validation
            device=device.type,
            steps=steps,
            memory=memory / 1e9,
        )
    ]
