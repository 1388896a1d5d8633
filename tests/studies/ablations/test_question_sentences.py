"""Question-sentence pairs: what they are made of, and that no label can be told from their making."""

from __future__ import annotations

import pytest

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import load_texts
from course_lib.data.weights import bundled_weights_folder
from course_lib.data.wikipedia import split_sentences
from course_lib.studies.ablations.question_sentences import (
    few_sentences,
    pair_features,
    question_sentence_pairs,
    shared_words_accuracy,
)

CONTEXT = "Ada lived in London. Alan was born in Paris and lived in Rome. Eve sleeps."


def row(question: str, answer: str, context: str = CONTEXT, impossible: bool = False) -> dict:
    """One question as the bundled data hold it."""
    start = context.index(answer)
    return {
        "question": question,
        "context": context,
        "answers": {"text": [answer], "answer_start": [start]},
        "is_impossible": impossible,
    }


def both(question: dict) -> set[tuple[str, str, int]]:
    """Return what a question can become, by many seeds."""
    return {pair for seed in range(20) for pair in question_sentence_pairs([question], seed)}


def test_the_label_says_whether_the_answer_stands_in_the_sentence():
    question = "Who lived in London?"
    assert both(row(question, "Ada")) == {
        (question, "Ada lived in London.", 0),
        (question, "Alan was born in Paris and lived in Rome.", 1),
        (question, "Eve sleeps.", 1),
    }


def test_every_question_has_one_pair_of_each_label_so_that_it_tells_nothing():
    rows = [row("Who lived in London?", "Ada"), row("Who sleeps?", "Eve"), row("Who was born?", "Alan")]
    pairs = question_sentence_pairs(rows, seed=3)
    assert [(question, label) for question, _, label in pairs] == [
        (one["question"], label) for one in rows for label in (0, 1)
    ]


def test_the_second_of_two_equal_answers_is_found_by_its_place():
    context = "Rome is old. Alan loves Rome. Nobody knows why."
    question = row("What does Alan love?", "Rome", context)
    question["answers"]["answer_start"] = [context.rindex("Rome")]
    assert ("What does Alan love?", "Alan loves Rome.", 0) in both(question)
    assert ("What does Alan love?", "Rome is old.", 0) not in both(question)


@pytest.mark.parametrize(
    "question",
    [
        row("Who?", "Ada", impossible=True),
        row("Who?", "Ada", "Ada lived in London."),
        row("Who?", "London. Alan"),
    ],
    ids=["without an answer", "one sentence", "over a sentence's end"],
)
def test_what_makes_no_pair_is_left_out(question):
    assert both(question) == set()


def test_pairs_of_the_bundled_questions():
    rows = load_texts("questions", "bundled")["train"]
    pairs = question_sentence_pairs(rows, seed=0)
    labels = [label for *_, label in pairs]
    assert len(pairs) > 2000 and sum(labels) == len(labels) / 2
    contexts = set(rows["context"])
    sentences = {text for context in contexts for _, text in split_sentences(context)}
    assert {sentence for _, sentence, _ in pairs} <= sentences
    assert question_sentence_pairs(rows, seed=0) == pairs != question_sentence_pairs(rows, seed=1)


def test_shared_words_are_counted_by_questions_not_by_length():
    told = [
        ("who lived in rome", "she lived in rome", 0),
        ("who lived in rome", "a very long sentence", 1),
    ] * 8
    blind = [("who lived in rome", "lived in rome", label) for label in (0, 1)] * 8
    assert shared_words_accuracy(told, told) == 1.0
    assert shared_words_accuracy(blind, blind) == 0.5


def test_features_keep_the_frame_when_they_are_cut():
    tokenizer = load_tokenizer(bundled_weights_folder(verify=False))
    pairs = [("Who lived in London?", CONTEXT, 1), ("Who?", "Ada.", 0)]
    long, short = pair_features(pairs, tokenizer, max_length=12)
    assert [len(feature["input_ids"]) for feature in (long, short)] == [12, 7]
    for feature, label in ((long, 1), (short, 0)):
        pieces = [tokenizer.id_to_token(number) for number in feature["input_ids"]]
        assert pieces[0] == "[CLS]" and pieces[-1] == "[SEP]" and pieces.count("[SEP]") == 2
        first = pieces.index("[SEP]") + 1
        assert feature["token_type_ids"] == [0] * first + [1] * (len(pieces) - first)
        assert feature["label"] == label


LONG = "One is first. Two has a dog. Three sings loudly. Four has a cat. Five reads books. Six is last."


def cut(question: dict, sentences: int = 3) -> set[tuple[str, int]]:
    """Return what a question's paragraph can become, by many seeds, with the place of the answer."""
    return {
        (kept["context"], kept["answers"]["answer_start"][0])
        for seed in range(40)
        for kept in few_sentences([question], sentences, seed)
    }


def test_a_cut_paragraph_keeps_the_answer_at_every_place_it_can_have():
    question = row("Who has a cat?", "Four", LONG)
    assert cut(question) == {
        ("Two has a dog. Three sings loudly. Four has a cat.", 35),
        ("Three sings loudly. Four has a cat. Five reads books.", 20),
        ("Four has a cat. Five reads books. Six is last.", 0),
    }
    assert cut(row("Who is first?", "One", LONG)) == {("One is first. Two has a dog. Three sings loudly.", 0)}
    assert cut(row("Who is last?", "Six", LONG), 2) == {("Five reads books. Six is last.", 18)}


def test_a_short_paragraph_and_a_long_answer_are_not_cut():
    assert cut(row("Who sleeps?", "Eve"), 3) == {(CONTEXT, CONTEXT.index("Eve"))}
    across = row("What follows?", "Three sings loudly. Four has a cat.", LONG)
    assert cut(across, 1) == {("Three sings loudly. Four has a cat.", 0)}


def test_all_answers_of_the_bundled_questions_stand_where_the_cut_says():
    rows = load_texts("questions", "bundled")["test"]
    kept = few_sentences(rows, 3, seed=0)
    assert len(kept) == sum(not impossible for impossible in rows["is_impossible"])
    for question in kept:
        for text, place in zip(
            *(question["answers"][name] for name in ("text", "answer_start")), strict=True
        ):
            assert question["context"][place : place + len(text)] == text
    assert sum(len(question["context"]) for question in kept) < 0.8 * sum(map(len, rows["context"]))
