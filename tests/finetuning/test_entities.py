"""Named entities: where the tags stand, what is refused, and that seqeval's entities are what is counted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.classification import load_tokenizer
from course_lib.finetuning.entities import (
    IGNORED,
    TAGS,
    entities_of,
    entity_features,
    entity_scores,
)

TOKENIZER = load_tokenizer(encoder_folder("bundled"))
WORDS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(words=WORDS, data=st.data())
def test_tags_stand_on_first_pieces_alone(words, data):
    tags = data.draw(st.lists(st.sampled_from(TAGS), min_size=len(words), max_size=len(words)))
    (feature,) = entity_features([words], TOKENIZER, [tags])
    labels, firsts = feature["labels"], feature["first_pieces"]
    assert [TAGS[labels[i]] for i in firsts] == tags  # known error 21: never on a later piece
    assert all(label == IGNORED for i, label in enumerate(labels) if i not in firsts)
    assert len(labels) == len(feature["input_ids"]) and len(set(firsts)) == len(words)


def test_a_word_of_several_pieces_carries_one_tag():
    (feature,) = entity_features([["Reykjavik", "applauded"]], TOKENIZER, [["B-LOC", "O"]])
    assert len(feature["input_ids"]) > 4
    assert sum(label != IGNORED for label in feature["labels"]) == 2


@pytest.mark.parametrize(
    ("words", "tags", "message"),
    [
        (["a", "b"], ["O"], "2 words and 1 tags"),
        (["a"], ["B-EVENT"], "B-EVENT"),
        (["word"] * 600, ["O"] * 600, "the model takes 512"),
    ],
)
def test_bad_input_is_named(words, tags, message):
    with pytest.raises(CourseError, match=message):
        entity_features([words], TOKENIZER, [tags])


def test_scores_count_whole_entities():
    gold = [["B-PER", "I-PER", "O", "B-LOC"]]
    half = [["B-PER", "O", "O", "B-LOC"]]  # the boundary is wrong: that entity is wrong
    scores = entity_scores(gold, half)
    assert scores == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert entity_scores(gold, [["O"] * 4])["f1"] == 0.0


def test_counting_pieces_would_claim_more():
    """Known error 21: with labels copied to every piece, one long name would outweigh several short ones."""
    gold, found = [["B-LOC", "O", "B-PER"]], [["B-LOC", "O", "O"]]
    on_pieces = [["B-LOC", "I-LOC", "I-LOC", "O", "B-PER"]], [["B-LOC", "I-LOC", "I-LOC", "O", "O"]]
    right = sum(g == f != "O" for g, f in zip(*(rows[0] for rows in on_pieces), strict=True))
    claimed = right / sum(tag != "O" for tag in on_pieces[0][0])
    assert claimed > entity_scores(gold, found)["recall"]


def test_entities_are_read_as_seqeval_reads_them():
    words = ["Angela", "Merkel", "met", "Siemens", "in", "Paris"]
    tags = ["B-PER", "I-PER", "O", "B-ORG", "O", "B-LOC"]
    assert entities_of(words, tags) == [(0, 2, "PER"), (3, 4, "ORG"), (5, 6, "LOC")]
