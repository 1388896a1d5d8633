"""Three ways to cut a text: each keeps exactly the budget, and the right end of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.classification import classification_features
from course_lib.studies.case_study.truncation import WAYS, cut_features, cut_pieces

pieces = st.integers(0, 300).map(lambda number: list(range(number)))


@given(pieces, st.integers(1, 300), st.sampled_from(WAYS))
def test_a_cut_keeps_exactly_the_budget_in_order(ids, room, way):
    kept = cut_pieces(ids, room, way)
    assert len(kept) == min(len(ids), room)
    assert kept == sorted(set(kept)) and set(kept) <= set(ids)
    if len(ids) <= room:
        assert kept == ids


@given(pieces, st.integers(4, 300))
def test_each_way_keeps_its_end(ids, room):
    head, tail, both = (cut_pieces(ids, room, way) for way in WAYS)
    assert head == ids[:room] and tail == ids[max(0, len(ids) - room) :]
    if ids:
        assert both[0] == ids[0] and both[-1] == ids[-1]


def test_head_and_tail_are_shared_as_in_the_paper():
    kept = cut_pieces(list(range(1000)), 510, "head+tail")  # Sun et al. 2019: 128 and 382
    assert kept == [*range(128), *range(618, 1000)]


def test_one_piece_of_room_is_the_last_or_the_first():
    assert [cut_pieces([7, 8, 9], 1, way) for way in WAYS] == [[7], [9], [9]]


@pytest.mark.parametrize(
    ("room", "way", "words"), [(10, "middle", "head, tail, head\\+tail"), (0, "head", "at least one")]
)
def test_other_ways_and_no_room_are_refused(room, way, words):
    with pytest.raises(CourseError, match=words):
        cut_pieces([1], room, way)


@pytest.mark.parametrize("way", WAYS)
def test_features_have_the_special_tokens_and_the_budget(way):
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    texts = ["A fine film, and then it isn't. " * 9, "Good."]
    long, short = cut_features(texts, tokenizer, [0, 1], max_length=20, way=way)
    assert len(long["input_ids"]) == 20 and [long["label"], short["label"]] == [0, 1]
    for feature, text in zip((long, short), texts, strict=True):
        whole = tokenizer.encode(text).ids
        assert (feature["input_ids"][0], feature["input_ids"][-1]) == (whole[0], whole[-1])
        assert feature["input_ids"][1:-1] == cut_pieces(whole[1:-1], 18, way)


def test_the_head_is_what_the_lessons_before_have_read():
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    texts = ["A fine film, and then it isn't. " * 9, "Good."]
    assert cut_features(texts, tokenizer, [0, 1], max_length=20) == classification_features(
        texts, tokenizer, [0, 1], max_length=20
    )
