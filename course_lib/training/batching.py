"""Batches of sequences of like length, padded to the longest in the batch and no further."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor
from torch.utils.data import Sampler

from course_lib.errors import CourseError

PADDING = {"input_ids": 0, "token_type_ids": 0}  # [PAD], segment A; every other field says what pads it


def length_buckets(
    lengths: Sequence[int],
    batch_size: int,
    generator: torch.Generator | None = None,
    pool: int = 32,
) -> list[list[int]]:
    """Group rows into batches of like length, in random order.

    Rows are shuffled, cut into pools of ``pool`` batches, sorted by length within a pool and cut
    into batches; the batches are shuffled. Each row occurs exactly once.

    Parameters
    ----------
    lengths : length of each row in tokens.
    batch_size : rows in a batch; the last one may be smaller.
    generator : source of randomness.
    pool : batches sorted together; 1 is plain shuffling.

    Returns
    -------
    list of list of int
        Row numbers of each batch.
    """
    order = torch.randperm(len(lengths), generator=generator).tolist()
    size = batch_size * pool
    batches = []
    for start in range(0, len(order), size):
        rows = sorted(order[start : start + size], key=lambda row: lengths[row])
        batches += [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
    shuffled = torch.randperm(len(batches), generator=generator).tolist()
    return [batches[i] for i in shuffled]


class BucketBatchSampler(Sampler[list[int]]):
    """The batches of :func:`length_buckets` for a torch ``DataLoader``, new ones in each epoch.

    Parameters
    ----------
    lengths : length of each row in tokens.
    batch_size : rows in a batch.
    seed : seed of the order; the same one gives the batches of :func:`course_lib.finetuning.loop.fine_tune`.
    pool : batches sorted together.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int, pool: int = 32):
        self.lengths, self.batch_size, self.pool = list(lengths), batch_size, pool
        self.drop_last = False  # accelerate asks for it when it shares batches out to several processes
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return math.ceil(len(self.lengths) / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        yield from length_buckets(self.lengths, self.batch_size, self.generator, self.pool)


def tokens_of(feature: Mapping) -> int:
    """Return the tokens of a row; of one that has several sequences to choose from, those of the longest."""
    ids = feature["input_ids"]
    return max(map(len, ids)) if ids and isinstance(ids[0], (list, tuple)) else len(ids)


def pad_batch(
    features: Sequence[dict], length: int | None = None, *, padding: Mapping[str, int] = MappingProxyType({})
) -> dict[str, Tensor]:
    """Join features into tensors, padded to the longest of them.

    Parameters
    ----------
    features : each with ``input_ids`` and other fields; lists are padded, single numbers are stacked.
    length : pad at least to this many instead, as fixed padding to a ``max_length`` does.
    padding : what pads each field of a list that is not ``input_ids`` or ``token_type_ids``; the task that has
        the field says it, such as -100 for labels of pieces.

    Returns
    -------
    dict of Tensor
        ``attention_mask`` (B, T) int64, and each field as (B, T) or (B,).

    Raises
    ------
    CourseError
        If a field of lists has no padding: any value would be trained on.
    """
    known = {**PADDING, **padding}
    longest = max(length or 0, *(len(feature["input_ids"]) for feature in features))
    batch = {}
    for name in features[0]:
        values = [feature[name] for feature in features]
        if isinstance(values[0], (list, tuple)):
            if name not in known:
                raise CourseError(
                    f"The field {name!r} has a value for each token, and nothing says what pads it. Give "
                    f"collate=partial(pad_batch, padding={{{name!r}: ...}}): -100 is left out of a loss."
                )
            values = [list(value) + [known[name]] * (longest - len(value)) for value in values]
        batch[name] = torch.tensor(values)
    batch["attention_mask"] = torch.tensor(
        [[1] * len(f["input_ids"]) + [0] * (longest - len(f["input_ids"])) for f in features]
    )
    return batch


def inference_batches(
    features: Sequence[dict],
    batch_size: int,
    collate: Callable[[list[dict]], dict[str, Tensor]] = pad_batch,
) -> Iterator[tuple[list[int], dict[str, Tensor]]]:
    """Yield row numbers and padded batches, longest rows first, for prediction."""
    rows = sorted(range(len(features)), key=lambda row: -tokens_of(features[row]))
    for start in range(0, len(rows), batch_size):
        chosen = rows[start : start + batch_size]
        yield chosen, collate([features[row] for row in chosen])
