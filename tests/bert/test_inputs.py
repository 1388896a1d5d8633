"""Packing against transformers, and the rule of the original where the two part."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from course_lib.bert.inputs import (
    InputError,
    PackedSequence,
    SpecialIds,
    pack,
    pack_texts,
    pad_batch,
    truncate,
    truncate_longest_first,
)
from course_lib.bert.wordpiece import WordPieceTokenizer
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import CourseError

FOLDER = bundled_weights_folder(verify=False)
OURS = WordPieceTokenizer.from_file(FOLDER / "vocab.txt")
# A typed [MASK] is text, as it is for ours.
REFERENCE = AutoTokenizer.from_pretrained(FOLDER, split_special_tokens=True)
SPECIAL = SpecialIds.from_vocabulary(OURS.vocabulary)
CLS, SEP, PAD = SPECIAL

words = st.sampled_from(
    ["the", "unaffable", "bank", ",", "Café", "中文", "[MASK]", "2024", "don't", "embeddings"]
)
texts = st.lists(words, max_size=12).map(" ".join)
segments = st.lists(st.integers(1000, 30000), max_size=12)


def reference_batch(inputs: list, **options) -> dict[str, torch.Tensor]:
    first = [text if isinstance(text, str) else text[0] for text in inputs]
    second = None if isinstance(inputs[0], str) else [text[1] for text in inputs]
    return REFERENCE(first, second, return_tensors="pt", **options)


def assert_equal_batches(found, expected) -> None:
    for name in ("input_ids", "token_type_ids", "attention_mask"):
        assert getattr(found, name).dtype == torch.int64
        assert torch.equal(getattr(found, name), expected[name]), name


# Against transformers


@settings(deadline=None, max_examples=150)
@given(
    inputs=st.one_of(
        st.lists(texts, min_size=1, max_size=4), st.lists(st.tuples(texts, texts), min_size=1, max_size=4)
    ),
    multiple_of=st.sampled_from([1, 4, 8]),
)
def test_padding_equals_transformers(inputs, multiple_of):
    found = pack_texts(OURS, inputs, multiple_of=multiple_of)
    assert_equal_batches(found, reference_batch(inputs, padding=True, pad_to_multiple_of=multiple_of))


@settings(deadline=None, max_examples=200)
@given(text=texts, max_length=st.integers(2, 24))
def test_truncating_one_segment_equals_transformers(text, max_length):
    expected = reference_batch([text], truncation="longest_first", max_length=max_length)
    assert_equal_batches(pack_texts(OURS, [text], max_length=max_length), expected)


@settings(deadline=None, max_examples=300)
@given(
    first=texts,
    second=texts,
    max_length=st.integers(4, 30),
    truncation=st.sampled_from(["only_first", "only_second"]),
)
@example(first="the bank", second="the bank", max_length=5, truncation="only_first")  # nothing would be left
def test_truncating_a_named_segment_equals_transformers(first, second, max_length, truncation):
    try:
        expected = reference_batch([(first, second)], truncation=truncation, max_length=max_length)
    except Exception as error:  # tokenizers raises plain Exception
        assert "too short" in str(error)
        with pytest.raises(InputError, match="nothing would be left"):
            pack_texts(OURS, [(first, second)], max_length=max_length, truncation=truncation)
    else:
        found = pack_texts(OURS, [(first, second)], max_length=max_length, truncation=truncation)
        assert_equal_batches(found, expected)


@settings(deadline=None, max_examples=300)
@given(first=texts, second=texts, max_length=st.integers(3, 30))
@example(first="the the the the", second="the the the the", max_length=8)  # the odd token goes the other way
def test_longest_first_equals_transformers_but_for_the_odd_token(first, second, max_length):
    expected = reference_batch([(first, second)], truncation="longest_first", max_length=max_length)
    found = pack_texts(OURS, [(first, second)], max_length=max_length)
    lengths = len(OURS.encode(first).ids), len(OURS.encode(second).ids)
    budget = max_length - 3
    both_are_cut = min(lengths) > budget // 2
    if sum(lengths) > budget and both_are_cut and budget % 2 and lengths[0] <= lengths[1]:
        # The original lets the first segment keep the odd token; tokenizers gives it to the longer one.
        assert found.input_ids.shape == expected["input_ids"].shape
        ours, theirs = (types.sum().item() for types in (found.token_type_ids, expected["token_type_ids"]))
        assert (ours, theirs) == (budget // 2 + 1, budget // 2 + 2)  # tokens of B and its [SEP]
    else:
        assert_equal_batches(found, expected)


# Truncation


@given(first=st.integers(0, 60), second=st.integers(0, 60), budget=st.integers(0, 80))
def test_longest_first_takes_from_the_longer_segment(first, second, budget):
    kept_first, kept_second = truncate_longest_first(first, second, budget)
    assert kept_first + kept_second == min(first + second, budget)
    assert 0 <= kept_first <= first and 0 <= kept_second <= second
    if kept_first < first and kept_second < second:
        assert kept_first - kept_second == budget % 2  # balanced, the odd token with the first
    elif kept_first < first:
        assert kept_first >= kept_second
    elif kept_second < second:
        assert kept_second >= kept_first - 1


@settings(max_examples=300)
@given(first=segments, second=st.none() | segments, max_length=st.integers(3, 30))
def test_truncation_never_loses_a_special_token(first, second, max_length):
    packed = pack(first, second, special=SPECIAL, max_length=max_length)
    assert len(packed.input_ids) == min(max_length, len(first) + (2 if second is None else 3 + len(second)))
    assert packed.input_ids[0] == CLS
    assert packed.input_ids[-1] == SEP
    assert packed.input_ids.count(SEP) == (1 if second is None else 2)
    end_of_first = packed.input_ids.index(SEP)
    assert packed.input_ids[1:end_of_first] == first[: end_of_first - 1]
    assert packed.token_type_ids == [0] * (end_of_first + 1) + [1] * (
        len(packed.input_ids) - end_of_first - 1
    )
    if second is not None:
        rest = packed.input_ids[end_of_first + 1 : -1]
        assert rest == second[: len(rest)]


@given(first=segments, second=segments, budget=st.integers(0, 24), cut=st.sampled_from([0, 1]))
def test_naming_a_segment_leaves_the_other_whole(first, second, budget, cut):
    before = (first, second)
    excess = len(first) + len(second) - budget
    assume(len(before[cut]) > excess)
    after = truncate(first, second, budget, ("only_first", "only_second")[cut])
    assert after[1 - cut] == before[1 - cut]
    assert after[cut] == before[cut][: len(before[cut]) - max(0, excess)]


def test_segments_are_not_changed_in_place():
    first, second = list(range(10)), list(range(9))
    packed = pack(first, second, special=SPECIAL, max_length=8)
    packed.input_ids.append(0)
    assert (first, second) == (list(range(10)), list(range(9)))


# Batches


@given(
    lengths=st.lists(st.integers(2, 20), min_size=1, max_size=6),
    multiple_of=st.sampled_from([1, 2, 3, 8, 64]),
)
def test_a_batch_is_as_long_as_its_longest_row_rounded_up(lengths, multiple_of):
    sequences = [PackedSequence([7] * length, [1] * length) for length in lengths]
    batch = pad_batch(sequences, PAD, multiple_of)
    B, T = batch.input_ids.shape
    assert len(lengths) == B
    assert T % multiple_of == 0
    assert T - max(lengths) in range(multiple_of)
    assert batch.attention_mask.sum(dim=1).tolist() == lengths
    tokens = batch.attention_mask.bool()
    assert (batch.input_ids[tokens] == 7).all() and (batch.input_ids[~tokens] == PAD).all()
    assert (batch.token_type_ids[tokens] == 1).all() and (batch.token_type_ids[~tokens] == 0).all()
    assert (batch.attention_mask.diff(dim=1) <= 0).all()  # padding at the end only
    assert batch.position_ids.tolist() == [list(range(T))] * B
    assert {tensor.dtype for tensor in batch} == {torch.int64}


def test_another_padding_id_is_used():
    batch = pad_batch([PackedSequence([1], [0]), PackedSequence([1, 2], [0, 0])], pad_id=9)
    assert batch.input_ids.tolist() == [[1, 9], [1, 2]]


def test_single_texts_and_pairs_may_share_a_batch():
    batch = pack_texts(OURS, ["the bank", ("the", "bank")])
    the, bank = OURS.encode("the bank").ids
    assert batch.input_ids.tolist() == [[CLS, the, bank, SEP, PAD], [CLS, the, SEP, bank, SEP]]
    assert batch.token_type_ids.tolist() == [[0, 0, 0, 0, 0], [0, 0, 0, 1, 1]]


# Errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pack([5], special=SPECIAL, max_length=1), "max_length is 1, but one segment need"),
        # transformers passes over such a limit in silence and returns the whole pair
        (lambda: pack([5], [6], special=SPECIAL, max_length=2), "two segments need 3 places"),
        (lambda: pack([5] * 9, [6], special=SPECIAL, max_length=5, truncation="longest"), "'longest'"),
        (lambda: pack([5] * 9, special=SPECIAL, max_length=5, truncation="only_second"), "a segment of 0"),
        (lambda: pad_batch([], PAD), "no sequence"),
        (lambda: pad_batch([PackedSequence([1], [0])], PAD, 0), "multiple_of is 0"),
        (lambda: pack_texts(OURS, []), "no sequence"),
        (lambda: pack_texts(OURS, "the bank"), "one string"),
        (lambda: pack_texts(OURS, [("a", "b", "c")]), "3 segments"),
        (lambda: SpecialIds.from_vocabulary({"[CLS]": 0, "[PAD]": 1}), r"no \[SEP\]"),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert isinstance(caught.value, CourseError)


def test_an_unknown_rule_is_refused_even_when_nothing_is_cut():
    with pytest.raises(InputError, match="Use one of: longest_first, only_first, only_second"):
        truncate([1], [2], 10, "longest")
