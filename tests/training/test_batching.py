"""Batches of like length: every row once, little padding, and padding that changes nothing."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import token_classification_head
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TaskModel
from course_lib.training.batching import (
    BucketBatchSampler,
    inference_batches,
    length_buckets,
    pad_batch,
)

lengths_of_rows = st.lists(st.integers(1, 60), max_size=90)
rows_of_ids = st.lists(st.lists(st.integers(1, 96), min_size=1, max_size=12), min_size=1, max_size=7)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(lengths=lengths_of_rows, size=st.integers(1, 9), pool=st.integers(1, 5), seed=st.integers(0, 99))
@settings(deadline=None)
def test_buckets_are_a_partition_of_the_rows(lengths, size, pool, seed):
    batches = length_buckets(lengths, size, generator(seed), pool)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= size for batch in batches)
    assert len(batches) == -(-len(lengths) // size), "an update more or fewer than the schedule counts on"


@given(lengths=lengths_of_rows, size=st.integers(1, 9), seed=st.integers(0, 99))
@settings(deadline=None)
def test_the_order_depends_on_the_generator_alone(lengths, size, seed):
    torch.manual_seed(1)
    first = length_buckets(lengths, size, generator(seed))
    torch.manual_seed(2)
    assert length_buckets(lengths, size, generator(seed)) == first


def test_another_generator_gives_other_batches_and_another_order_of_lengths():
    lengths = [1 + i % 50 for i in range(400)]
    one, other = (length_buckets(lengths, 8, generator(seed)) for seed in (0, 1))
    assert {frozenset(batch) for batch in one} != {frozenset(batch) for batch in other}
    one_pool = length_buckets(lengths, 8, generator(0), pool=50)  # which is sorted whole
    means = [sum(lengths[row] for row in batch) / len(batch) for batch in one_pool]
    assert means != sorted(means) and means != sorted(means, reverse=True), "batches go by length"


@given(seed=st.integers(0, 200))
@settings(deadline=None, max_examples=25)
def test_like_lengths_stand_together_and_padding_is_below_that_of_plain_shuffling(seed):
    lengths = torch.randint(5, 200, (300,), generator=generator(seed)).tolist()

    def padding(pool: int) -> float:
        batches = length_buckets(lengths, 16, generator(seed), pool)
        slots = sum(len(batch) * max(lengths[row] for row in batch) for batch in batches)
        return 1 - sum(lengths) / slots

    assert padding(1) > 0.35, "these lengths would not show a difference"
    assert padding(32) < 0.2 * padding(1)


@given(rows=rows_of_ids)
@settings(deadline=None)
def test_padding_reaches_to_the_longest_row_and_no_further(rows):
    features = [
        {"input_ids": ids, "token_type_ids": [1] * len(ids), "labels": [5] * len(ids), "label": i}
        for i, ids in enumerate(rows)
    ]
    batch = pad_batch(features, padding={"labels": -100})
    longest = max(map(len, rows))
    assert batch["input_ids"].shape == (len(rows), longest)
    for i, ids in enumerate(rows):
        rest = longest - len(ids)
        assert batch["input_ids"][i].tolist() == ids + [0] * rest
        assert batch["token_type_ids"][i].tolist() == [1] * len(ids) + [0] * rest
        assert batch["labels"][i].tolist() == [5] * len(ids) + [-100] * rest
        assert batch["attention_mask"][i].tolist() == [1] * len(ids) + [0] * rest
    assert batch["label"].tolist() == list(range(len(rows)))
    assert all(tensor.dtype == torch.long for tensor in batch.values())


@pytest.mark.parametrize(("length", "width"), [(None, 3), (2, 3), (3, 3), (7, 7)])
def test_padding_to_a_fixed_length_never_cuts(length, width):
    batch = pad_batch(
        [{"input_ids": [7, 5, 8], "labels": [1, 2, 3]}, {"input_ids": [7], "labels": [1]}],
        length,
        padding={"labels": -100},
    )
    assert batch["input_ids"].shape == batch["labels"].shape == batch["attention_mask"].shape == (2, width)
    assert batch["attention_mask"].sum(dim=1).tolist() == [3, 1]
    assert batch["labels"].tolist() == [[1, 2, 3] + [-100] * (width - 3), [1] + [-100] * (width - 1)]


@given(lengths=lengths_of_rows, size=st.integers(1, 9), pool=st.integers(1, 5), seed=st.integers(0, 99))
@settings(deadline=None)
def test_the_sampler_gives_the_buckets_of_each_epoch(lengths, size, pool, seed):
    sampler, same = BucketBatchSampler(lengths, size, seed, pool), generator(seed)
    for _ in range(2):
        batches = list(sampler)
        assert batches == length_buckets(lengths, size, same, pool)
        assert len(sampler) == len(batches)


def test_a_task_says_what_pads_its_own_fields():
    """Another label of each token, whatever it is called, is never trained on behind a row's end."""
    features = [{"input_ids": [7, 5, 8], "sentiments": [1, 0, 1]}, {"input_ids": [7], "sentiments": [1]}]
    with pytest.raises(
        CourseError, match=r"'sentiments' has a value for each token, and nothing says what pads it"
    ):
        pad_batch(features)
    batch = pad_batch(features, padding={"sentiments": -100})
    assert batch["sentiments"].tolist() == [[1, 0, 1], [1, -100, -100]]
    ((_, batch),) = inference_batches(features, 2, partial(pad_batch, padding={"sentiments": -1}))
    assert batch["sentiments"].tolist() == [[1, 0, 1], [1, -1, -1]]


def test_a_real_token_0_is_not_taken_for_padding():
    batch = pad_batch([{"input_ids": [7, 0, 8]}, {"input_ids": [7]}])
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.fixture(scope="module")
def model() -> TaskModel:
    torch.manual_seed(0)
    configuration = BertConfiguration(
        vocab_size=97, hidden_size=24, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=40, max_position_embeddings=16, initializer_range=0.2,
    )  # fmt: skip
    return TaskModel(
        BertEncoder(configuration), token_classification_head(configuration, 3), pooled=False
    ).eval()


@given(rows=rows_of_ids, filler=st.integers(0, 96))
@settings(deadline=None, max_examples=30)
@torch.no_grad()
def test_neither_amount_nor_content_of_padding_changes_a_score(model, rows, filler):
    batch = pad_batch([{"input_ids": ids, "token_type_ids": [0] * len(ids)} for ids in rows])
    mask = batch["attention_mask"].bool()
    other = {
        "input_ids": batch["input_ids"].masked_fill(~mask, filler),
        "token_type_ids": batch["token_type_ids"].masked_fill(~mask, 1),
        "attention_mask": batch["attention_mask"],
    }
    torch.testing.assert_close(model(other)[mask], model(batch)[mask], rtol=0, atol=1e-5)
    for i, ids in enumerate(rows):
        alone = model(pad_batch([{"input_ids": ids}]))[0]
        torch.testing.assert_close(model(batch)[i, : len(ids)], alone, rtol=0, atol=1e-5)


@given(
    rows=st.lists(st.lists(st.integers(1, 96), min_size=1, max_size=12), max_size=20), size=st.integers(1, 6)
)
@settings(deadline=None)
def test_inference_covers_every_row_once_and_names_it(rows, size):
    features = [{"input_ids": ids} for ids in rows]
    seen = {}
    for numbers, batch in inference_batches(features, size):
        assert 1 <= len(numbers) <= size
        for number, ids, mask in zip(numbers, batch["input_ids"], batch["attention_mask"], strict=True):
            assert number not in seen
            seen[number] = ids[mask.bool()].tolist()
    assert [seen[i] for i in range(len(rows))] == rows
