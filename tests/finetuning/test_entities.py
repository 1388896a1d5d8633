"""Named entities: where the tags stand, what is refused, and that seqeval's entities are what is counted."""

import unicodedata
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB1, IOB2, Entities
from tokenizers import normalizers
from torch import nn

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import token_classification_head
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.bert.wordpiece import vanishes
from course_lib.data.readers import read_conll
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError, WeightsError
from course_lib.finetuning.entities import (
    IGNORED,
    PAIR_KINDS,
    TAGS,
    bio_to_iob1,
    capital_letter_tags,
    entities_of,
    entity_features,
    entity_loss,
    entity_model,
    entity_scores,
    error_counts,
    find_entities,
    gazetteer_of,
    gazetteer_tags,
    iob1_to_bio,
    model_inputs,
    pad_entities,
    pair_entities,
    predict_tags,
    recall_by_seen,
    split_words,
    tag_scores,
    tags_of,
    tags_on_every_piece,
    type_confusion,
)
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, fine_tune
from course_lib.training.update import TrainingDivergedError

TOKENIZER = load_tokenizer(encoder_folder("bundled"))
TYPES = ("PER", "ORG", "LOC", "MISC")
WORDS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), min_size=1, max_size=12)
ENTITIES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from(TYPES)), max_size=6)


@st.composite
def legal_tags(draw, length: int = 14):
    """Draw legal BIO tags: entities of one to three words, some of them touching."""
    tags: list[str] = []
    for gap, width, kind in draw(ENTITIES):
        tags += ["O"] * gap + [f"B-{kind}", *[f"I-{kind}"] * (width - 1)]
    return (tags + ["O"] * length)[:length]


def tiny_model(tags=TAGS, dropout: float = 0.0) -> TaskModel:
    torch.manual_seed(0)
    configuration = BertConfiguration(
        vocab_size=TOKENIZER.get_vocab_size(), hidden_size=24, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=40, max_position_embeddings=64, hidden_dropout_prob=dropout, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return TaskModel(
        BertEncoder(configuration), token_classification_head(configuration, len(tags)), False, tags
    )


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


def script_counts(gold: list[list[str]], predicted: list[list[str]]) -> tuple[int, int, int]:
    """Count right, true and predicted chunks by the rules of the official script of CoNLL, conlleval.

    It walks both columns at once and looks at two neighboring tags only. A chunk begins at ``B``, at a tag
    behind ``O``, and where the type changes; it ends before ``B``, before ``O``, and where the type changes.
    It is right if both columns begin it at the same word with the same type and end it at the same word.
    """

    def begins(before: str, tag: str) -> bool:
        return tag != "O" and (tag[0] == "B" or before == "O" or before[2:] != tag[2:])

    def ends(before: str, tag: str) -> bool:
        return before != "O" and (tag == "O" or tag[0] == "B" or before[2:] != tag[2:])

    right = true = said = 0
    for pair in zip(gold, predicted, strict=True):
        before, together = ("O", "O"), False
        for tags in [*zip(*pair, strict=True), ("O", "O")]:  # a line without a word parts sentences
            over = [ends(*neighbors) for neighbors in zip(before, tags, strict=True)]
            new = [begins(*neighbors) for neighbors in zip(before, tags, strict=True)]
            right += together and all(over)
            together = (together and not any(over)) or (all(new) and tags[0][2:] == tags[1][2:])
            true, said, before = true + new[0], said + new[1], tags
    return right, true, said


def any_tags(length: int = 14):
    """Draw tags as a model may say them: I-PER behind O, behind I-LOC, at the start of a sentence."""
    return st.lists(st.sampled_from(TAGS), min_size=length, max_size=length)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.one_of(
        st.lists(st.tuples(legal_tags(), legal_tags()), min_size=1, max_size=3),
        st.lists(st.tuples(legal_tags(), any_tags()), min_size=1, max_size=3),
        st.lists(st.tuples(any_tags(), any_tags()), min_size=1, max_size=3),
    ),
    data=st.data(),
)
def test_scores_are_those_of_the_official_script(rows, data):
    """For every sequence of B-, I- and O, legal or not. Tags of BIOES, or without a type, are not claimed."""
    gold, predicted = map(list, zip(*rows, strict=True))
    for true, guessed in zip(gold, predicted, strict=True):  # two random rows would hardly share a name
        start = data.draw(st.integers(0, len(true)))
        guessed[start:] = true[start:]
    right, true, said = script_counts(gold, predicted)
    scores = entity_scores(gold, predicted)
    assert scores["precision"] == pytest.approx(right / said if said else 0.0)
    assert scores["recall"] == pytest.approx(right / true if true else 0.0)
    assert scores["f1"] == pytest.approx(2 * right / (true + said) if right else 0.0)


@pytest.mark.parametrize(
    ("tags", "entities"),
    [
        (["O", "I-PER", "I-PER"], [(1, 3, "PER")]),
        (["I-LOC", "I-PER"], [(0, 1, "LOC"), (1, 2, "PER")]),
        (["B-LOC", "I-PER", "I-LOC"], [(0, 1, "LOC"), (1, 2, "PER"), (2, 3, "LOC")]),
        (["I-PER", "B-PER"], [(0, 1, "PER"), (1, 2, "PER")]),
    ],
)
def test_what_tags_that_are_not_legal_name(tags, entities):
    """As the official script: an I- that continues nothing begins an entity, where a strict reading has none."""
    assert entities_of(tags, tags) == entities
    assert script_counts([tags], [tags]) == (len(entities),) * 3


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


# Tag schemes


@settings(max_examples=200, deadline=None)
@given(bio=legal_tags())
def test_iob1_and_bio_say_the_same(bio):
    iob1 = bio_to_iob1(bio)
    assert iob1_to_bio(iob1) == bio
    assert iob1_to_bio(bio) == bio  # tags that are BIO already stay
    assert entities_of(iob1, iob1) == entities_of(bio, bio)
    as_read = [[(e.start, e.end, e.tag) for e in Entities([tags], scheme).entities[0]] for tags, scheme in
               ((iob1, IOB1), (bio, IOB2))]  # fmt: skip
    assert as_read[0] == as_read[1] == entities_of(bio, bio)


def test_a_b_in_iob1_only_parts_two_that_touch():
    assert bio_to_iob1(["B-PER", "B-PER", "I-PER", "B-LOC", "O", "B-LOC"]) == [
        "I-PER", "B-PER", "I-PER", "I-LOC", "O", "I-LOC",
    ]  # fmt: skip


def test_the_reader_of_files_converts_the_same_way(tmp_path):
    bio = ["B-PER", "B-PER", "I-PER", "B-LOC", "O", "B-LOC"]
    lines = [f"word{i} {tag}" for i, tag in enumerate(bio_to_iob1(bio))]
    (tmp_path / "test.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert read_conll(tmp_path / "test.txt", scheme="iob1")["tags"][0] == bio


# Baselines


def test_a_gazetteer_takes_the_longest_name_and_its_most_frequent_type():
    sentences = [["New", "York", "Times"], ["New", "York"], ["Apple"], ["Apple"], ["Apple"]]
    tags = [["B-ORG", "I-ORG", "I-ORG"], ["B-LOC", "I-LOC"], ["B-LOC"], ["B-ORG"], ["B-ORG"]]
    names = gazetteer_of(sentences, tags)
    assert names == {("New", "York", "Times"): "ORG", ("New", "York"): "LOC", ("Apple",): "ORG"}
    text = [["The", "New", "York", "Times", "of", "New", "York", "New"], ["an", "apple"]]
    assert gazetteer_tags(text, names) == [
        ["O", "B-ORG", "I-ORG", "I-ORG", "O", "B-LOC", "I-LOC", "O"], ["O", "O"],
    ]  # fmt: skip
    uncased = gazetteer_of(sentences, tags, cased=False)
    assert gazetteer_tags(text, uncased, cased=False)[1] == ["O", "B-ORG"]
    assert gazetteer_tags(text, {}) == [["O"] * 8, ["O"] * 2]


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(legal_tags(), min_size=1, max_size=4))
def test_a_gazetteer_finds_all_names_that_occur_once(rows):
    sentences = [[f"w{row}-{i}" for i in range(len(tags))] for row, tags in enumerate(rows)]
    assert gazetteer_tags(sentences, gazetteer_of(sentences, rows)) == rows


def test_capital_letters_make_runs_but_not_at_the_start_nor_in_a_headline():
    sentences = [
        ["Yesterday", "Angela", "Merkel", "met", "Siemens"],
        ["STORM", "HITS", "MIAMI"],
        [],
        ["1997"],
    ]
    assert capital_letter_tags(sentences, "LOC") == [
        ["O", "B-LOC", "I-LOC", "O", "B-LOC"], ["O"] * 3, [], ["O"],
    ]  # fmt: skip


# What the scores count


@settings(max_examples=200, deadline=None)
@given(gold=st.lists(legal_tags(), min_size=1, max_size=3), data=st.data())
def test_the_kinds_of_error_add_up_to_what_seqeval_counts(gold, data):
    drawn = st.lists(st.sampled_from(TAGS), min_size=14, max_size=14)  # models say illegal things too
    predicted = [data.draw(st.one_of(legal_tags(), drawn)) for _ in gold]
    count = error_counts(gold, predicted)
    assert tuple(count) == PAIR_KINDS
    in_data = sum(len(entities_of(tags, tags)) for tags in gold)
    said = sum(len(entities_of(tags, tags)) for tags in predicted)
    assert sum(count.values()) - count["invented"] == in_data
    assert sum(count.values()) - count["missed"] == said
    recall, precision = (
        recall_score(gold, predicted, zero_division=0),
        precision_score(gold, predicted, zero_division=0),
    )
    assert count["correct"] == pytest.approx(recall * in_data) == pytest.approx(precision * said)
    matrix = np.array(type_confusion(gold, predicted, TYPES))
    assert matrix[-1, -1] == 0 and matrix.sum() == sum(count.values())
    assert np.trace(matrix) == count["correct"] + count["boundary"]
    assert matrix[:, -1].sum() == count["missed"] and matrix[-1].sum() == count["invented"]


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ([(0, 2, "PER")], [(0, 2, "PER")], ["correct"]),
        ([(0, 2, "PER")], [(0, 2, "ORG")], ["type"]),
        ([(0, 2, "PER")], [(0, 1, "PER")], ["boundary"]),
        ([(0, 2, "PER")], [(1, 3, "ORG")], ["boundary and type"]),
        ([(0, 2, "PER")], [], ["missed"]),
        ([], [(0, 2, "PER")], ["invented"]),
        ([(0, 2, "PER")], [(2, 3, "PER")], ["missed", "invented"]),  # side by side is not overlapping
        ([(0, 3, "ORG")], [(0, 1, "ORG"), (1, 3, "LOC")], ["boundary", "invented"]),
        ([(0, 1, "LOC"), (1, 3, "ORG")], [(0, 3, "ORG")], ["missed", "boundary"]),  # not the first that overlaps
    ],
)  # fmt: skip
def test_each_entity_is_in_one_pair(gold, predicted, kinds):
    pairs = pair_entities(gold, predicted)
    assert [kind for _, _, kind in pairs] == kinds
    assert sorted(one for one, _, _ in pairs if one) == gold
    assert sorted(other for _, other, _ in pairs if other) == predicted


@settings(max_examples=50, deadline=None)
@given(words=WORDS, data=st.data())
def test_tags_copied_to_pieces_are_the_tags_of_the_words(words, data):
    tags = data.draw(st.lists(st.sampled_from(TAGS), min_size=len(words), max_size=len(words)))
    (feature,) = entity_features([words], TOKENIZER, [tags])
    (copied,) = tags_on_every_piece([feature], [tags])
    assert len(copied) == len(feature["input_ids"]) - 2  # all but [CLS] and [SEP]
    assert [copied[first - 1] for first in feature["first_pieces"]] == tags


def test_labels_hold_as_many_entities_as_the_data():
    """Known error 21: a B- copied to every piece of a name is an entity each time."""
    words, tags = ["Reykjavik", "beat", "Ouagadougou", "FC"], ["B-LOC", "O", "B-ORG", "I-ORG"]
    (feature,) = entity_features([words], TOKENIZER, [tags])
    kept = [TAGS[label] for label in feature["labels"] if label != IGNORED]
    assert len(entities_of(words, kept)) == 2
    (copied,) = tags_on_every_piece([feature], [tags])
    assert len(entities_of(copied, copied)) > 2
    right, wrong = [tags], [["B-LOC", "O", "O", "O"]]
    claimed = f1_score(*(tags_on_every_piece([feature], rows) for rows in (right, wrong)))
    assert claimed != entity_scores(right, wrong)["f1"]


def test_predictions_are_read_at_first_pieces_alone():
    """Known error 21, at prediction: what the head says of later pieces is not counted."""
    words = ["Reykjavik", "applauded", "Merkel"]
    (feature,) = entity_features([words], TOKENIZER)

    class Says(nn.Module):
        """A head that says B-LOC at first pieces and B-PER everywhere else."""

        def forward(self, hidden):
            scores = torch.zeros(*hidden.shape[:2], len(TAGS))
            scores[..., TAGS.index("B-PER")] = 1
            scores[:, feature["first_pieces"], TAGS.index("B-LOC")] = 2
            return scores

    model = tiny_model()
    model.head = Says()
    assert predict_tags(model, [feature]) == [["B-LOC"] * 3]


def test_the_loss_looks_at_first_pieces_alone():
    features = model_inputs(entity_features([["Reykjavik", "won"]], TOKENIZER, [["B-LOC", "O"]]))
    labels = torch.tensor([features[0]["labels"]])
    scores = torch.randn(1, labels.shape[1], len(TAGS), generator=torch.Generator().manual_seed(1))
    loss = entity_loss(scores, {"labels": labels})
    reference = nn.functional.cross_entropy(scores.transpose(1, 2), labels, ignore_index=IGNORED)
    assert loss.item() == pytest.approx(reference.item())
    noise = scores + 5 * torch.randn(scores.shape) * (labels == IGNORED)[..., None]
    assert entity_loss(noise, {"labels": labels}).item() == pytest.approx(loss.item())


def test_a_batch_without_any_tag_has_a_loss_of_zero_that_can_be_trained_on():
    """Error 9 for tags: the mean over nothing is NaN."""
    scores = torch.randn(2, 3, len(TAGS), requires_grad=True)
    loss = entity_loss(scores, {"labels": torch.full((2, 3), IGNORED)})
    loss.backward()
    assert loss.item() == 0.0 and scores.grad.eq(0).all()


def test_tag_scores_are_what_they_say():
    gold, predicted = [["B-PER", "I-PER", "O", "O"]], [["B-PER", "O", "O", "B-LOC"]]
    assert tag_scores(gold, predicted) == {"accuracy": 0.5, "f1": 0.5}
    assert tag_scores([["O"] * 9 + ["B-PER"]], [["O"] * 10]) == {"accuracy": 0.9, "f1": 0.0}
    assert tag_scores([["O"]], [["O"]]) == {"accuracy": 1.0, "f1": 0.0}


def test_recall_parts_names_by_training():
    sentences, gold = [["Oslo", "and", "New", "Oslo"]], [["B-LOC", "O", "B-LOC", "I-LOC"]]
    found = recall_by_seen(sentences, gold, [["B-LOC", "O", "O", "B-LOC"]], {("oslo",)})
    assert found == {"seen": (1, 1), "unseen": (0, 1)}


# The model


def test_a_head_has_as_many_outputs_as_there_are_tags():
    """Error 16: an argument that is accepted and ignored."""
    tags = ("O", "B-EVENT", "I-EVENT")
    model = entity_model(tags, "bundled")
    assert model.head(torch.zeros(1, 4, model.encoder.configuration.hidden_size)).shape == (1, 4, 3)
    words, gold = [["The", "Reykjavik", "Fair"]], [["O", "B-EVENT", "I-EVENT"]]
    features = entity_features(words, TOKENIZER, gold, tag_names=tags)
    assert [x for x in features[0]["labels"] if x != IGNORED] == [0, 1, 2]
    (predicted,) = predict_tags(model, features, tags)
    assert len(predicted) == 3 and set(predicted) <= set(tags)
    with pytest.raises(CourseError, match="the model takes 4"):
        entity_features(words, TOKENIZER, max_length=4)


def test_prediction_is_without_dropout_and_without_gradient():
    """Error 15: evaluation without eval() and no_grad()."""
    model = tiny_model(dropout=0.5).train()
    features = entity_features([["Angela", "Merkel", "met", "Siemens"]] * 12, TOKENIZER)
    seen = []
    model.head.register_forward_hook(
        lambda _, __, scores: seen.append((scores.requires_grad, model.training))
    )
    assert len({tuple(tags) for tags in predict_tags(model, features)}) == 1
    assert seen == [(False, False)] and model.training


def test_a_tiny_model_learns_tags_by_heart():
    words = [["Reykjavik", "applauded", "Merkel"], ["Siemens", "left", "Reykjavik"]]
    tags = [["B-LOC", "O", "B-PER"], ["B-ORG", "O", "B-LOC"]]
    features = entity_features(words, TOKENIZER, tags)
    model, c = tiny_model(), TrainingConfiguration(learning_rate=1e-2, epochs=40, batch_size=2)
    fine_tune(model, model_inputs(features), entity_loss, c, progress=False, collate=pad_entities)
    assert predict_tags(model, features) == tags
    text = "Siemens left Reykjavik"
    assert [(text[a:b], kind) for a, b, kind in find_entities(text, model, TOKENIZER)] == [
        ("Siemens", "ORG"), ("Reykjavik", "LOC"),
    ]  # fmt: skip


def test_a_loss_that_is_no_number_stops_the_run_with_one_sentence():
    features = model_inputs(entity_features([["Merkel", "met"]] * 4, TOKENIZER, [["B-PER", "O"]] * 4))
    model = tiny_model()
    nn.init.constant_(next(model.head.parameters()), float("nan"))
    with pytest.raises(
        TrainingDivergedError, match=r"The loss is nan at step 1 of 2\. Lower the learning rate"
    ):
        c = TrainingConfiguration(epochs=2, batch_size=4)
        fine_tune(model, features, entity_loss, c, progress=False, collate=pad_entities)


def test_a_model_carries_its_tags_and_refuses_others():
    """With the tags of CoNLL read by number, a product would be called an organization."""
    own = tags_of(["PRODUCT", "PER"])
    model = tiny_model(tags=own)
    nn.init.zeros_(model.head.weight)
    with torch.no_grad():
        model.head.bias.copy_(torch.tensor([0.0, 9.0, 0.0, 0.0, 0.0]))  # B-PRODUCT everywhere
    features = entity_features([["Zephyr", "left"]], TOKENIZER)
    assert predict_tags(model, features) == [["B-PRODUCT", "B-PRODUCT"]]
    assert {kind for *_, kind in find_entities("Zephyr left", model, TOKENIZER)} == {"PRODUCT"}
    assert predict_tags(model, features, own) == [["B-PRODUCT", "B-PRODUCT"]]
    for tags in (TAGS, tags_of(["PER", "PRODUCT"])):
        with pytest.raises(CourseError, match=r"made for the tags O, B-PRODUCT.*Leave the tags out"):
            predict_tags(model, features, tags)
    model.labels = None
    with pytest.raises(CourseError, match="carries no tags"):
        predict_tags(model, features)
    with pytest.raises(CourseError, match=r"5 outputs, and 9 tags are given"):
        find_entities("Zephyr left", model, TOKENIZER, TAGS)
    with pytest.raises(CourseError, match=r"5 outputs, and there are 3 labels"):
        TaskModel(model.encoder, model.head, False, tags_of(["PER"]))


def test_a_model_folder_without_tokenizer_is_named(tmp_path):
    with pytest.raises(WeightsError, match="the model folder has no tokenizer"):
        load_tokenizer(tmp_path)


def test_the_first_wrong_label_is_named_with_its_sentence():
    with pytest.raises(CourseError, match=r"Sentence 1: the tag 'B-EVENT' is not one of O, B-PER"):
        entity_features([["a"], ["b"]], TOKENIZER, [["O"], ["B-EVENT"]])


# Running text


def test_a_sentence_is_parted_as_the_data_are():
    text = "The U.S. beat Guinea-Bissau 2-1 in O'Neill's rain (1,131 fans), she said."
    assert [text[a:b] for a, b in split_words(text)] == [
        "The", "U.S.", "beat", "Guinea-Bissau", "2-1", "in", "O'Neill", "'s", "rain", "(", "1,131", "fans", ")", ",",
        "she", "said", ".",
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_character_but_spaces_and_invisible_ones_is_lost_between_words(text):
    places = split_words(text)
    lost = "".join(text[b:c] for (_, b), (c, _) in pairwise([(0, 0), *places, (len(text), len(text))]))
    assert all(character.isspace() or vanishes(character) for character in lost)
    assert all(b <= c for (_, b), (c, _) in pairwise(places))
    assert not any(character.isspace() for a, b in places for character in text[a:b])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Jose\u0301 left", ["Jose\u0301", "left"]),
        ("Jose\u0301\u0323's café.", ["Jose\u0301\u0323", "'s", "café", "."]),
        ("Rey\u00adkja\u00advik slept", ["Rey\u00adkja\u00advik", "slept"]),  # soft hyphens
        (
            "\ufeffGuinea\u200b-Bis\u200bsau",
            ["Guinea\u200b-Bis\u200bsau"],
        ),  # a mark at the start, zero-width spaces
        ("a \u200b b\u2060", ["a", "b\u2060"]),
        ("U\u00ad.S. law", ["U\u00ad.S.", "law"]),
        ("राजा किला, थीं।", ["राजा", "किला", ",", "थीं", "।"]),  # vowel signs, which are no letters for Python
        ("می\u200cروم", ["می\u200cروم"]),  # a joiner inside a Persian word
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("a \u0301 b", ["a", "\u0301", "b"]),  # a mark with nothing to belong to
    ],
)
def test_marks_and_invisible_characters_belong_to_their_word(text, words):
    assert [text[a:b] for a, b in split_words(text)] == words


COMPOSED = [chr(c) for c in range(0x110000) if unicodedata.decomposition(chr(c))[:1] not in ("", "<")]


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(st.sampled_from(COMPOSED) | st.sampled_from("aB. ’'s-\u0301\u0327\u00ad한글"), max_size=30)
)
def test_the_words_are_the_same_in_both_normal_forms(text):
    found = []
    for form in ("NFC", "NFD"):
        spelled = unicodedata.normalize(form, text)
        found.append([unicodedata.normalize("NFC", spelled[a:b]) for a, b in split_words(spelled)])
    assert found[0] == found[1]


@pytest.mark.parametrize("lowercase", [True, False])
def test_the_entities_are_the_same_in_both_normal_forms(lowercase):
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    text = "José and Müller-Lüdenscheidt left Reykjavík for São\u00adTomé; Zoë's café in 서울 stayed."
    for seed in range(5):  # untrained models find entities everywhere, and each others
        model = tiny_model()
        nn.init.normal_(next(model.head.parameters()), generator=torch.Generator().manual_seed(seed))
        found = []
        for form in ("NFC", "NFD"):
            spelled = unicodedata.normalize(form, text)
            entities = find_entities(spelled, model, tokenizer)
            found.append([(unicodedata.normalize("NFC", spelled[a:b]), kind) for a, b, kind in entities])
        assert found[0] == found[1] and found[0]


def test_the_loss_is_the_mean_over_all_tags_and_not_of_the_sentences_means():
    scores = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[0, 1, 2, 1], [2, IGNORED, IGNORED, IGNORED]])
    carries = labels != IGNORED
    wanted = nn.functional.cross_entropy(scores[carries], labels[carries])
    rows = [nn.functional.cross_entropy(s[c], t[c]) for s, t, c in zip(scores, labels, carries, strict=True)]
    assert abs(sum(rows) / 2 - wanted) > 0.05
    torch.testing.assert_close(entity_loss(scores, {"labels": labels}), wanted)


def test_a_name_inside_a_longer_one_is_not_tagged_again():
    names = {("New", "York"): "ORG", ("York",): "LOC"}
    assert gazetteer_tags([["New", "York", "York"]], names) == [["B-ORG", "I-ORG", "B-LOC"]]


def test_a_name_found_with_another_type_is_not_recalled():
    found = recall_by_seen([["Oslo"]], [["B-LOC"]], [["B-PER"]], {("oslo",)})
    assert found == {"seen": (0, 1), "unseen": (0, 0)}


def test_a_sentence_of_just_the_length_is_taken():
    (feature,) = entity_features([["Oslo", "is"]], TOKENIZER, max_length=4)
    assert len(feature["input_ids"]) == 4
