"""Text classification: features, the model against transformers', scores and baselines."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from transformers import BertConfig, BertForSequenceClassification

from course_lib.bert.loading import to_published_names
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.errors import CourseError
from course_lib.finetuning.classification import (
    class_probabilities,
    classification_features,
    classification_loss,
    classification_model,
    classification_scores,
    majority_baseline,
    tfidf_baseline,
)
from course_lib.training.batching import pad_batch

TEXTS = [
    "A fine, quiet film.",
    "Dreadful; I left before the end of the unbelievably long second act.",
    "Yes.",
]
CLS, SEP = 101, 102


# Features


@given(text=st.text(alphabet="ab é漢.,\n'", max_size=80), length=st.integers(3, 40))
@settings(deadline=None)
def test_cls_and_sep_stand_at_every_length(tokenizer, text, length):
    """Error 6: the final [SEP] cut off by truncation."""
    (feature,) = classification_features([text], tokenizer, max_length=length)
    ids = feature["input_ids"]
    pieces = tokenizer.encode(text, add_special_tokens=False).ids
    assert ids[0] == CLS and ids[-1] == SEP and ids.count(SEP) == 1
    assert ids[1:-1] == pieces[: length - 2]
    assert len(ids) == min(length, len(pieces) + 2)


@pytest.mark.parametrize("length", [-1, 0, 1, 2])
def test_a_length_without_room_for_text_is_refused(tokenizer, length):
    with pytest.raises(CourseError, match=f"max_length is {length}; use at least 3"):
        classification_features(TEXTS, tokenizer, max_length=length)


def test_a_long_text_is_not_cut_by_the_tokenizers_own_limit(tokenizer):
    """The published tokenizer.json cuts and pads to 128 tokens."""
    (feature,) = classification_features(["word " * 300], tokenizer, max_length=512)
    assert len(feature["input_ids"]) == 302
    (short,) = classification_features(["word"], tokenizer)
    assert len(short["input_ids"]) == 3


@pytest.mark.parametrize("label", [-1, 2, 7])
def test_a_label_outside_the_classes_is_refused(tokenizer, label):
    with pytest.raises(CourseError, match=f"Row 1: the label is {label}, and the model has classes 0 to 1"):
        classification_features(TEXTS, tokenizer, [0, label, 1], number_of_labels=2)


@pytest.mark.parametrize("label", ["positive", "1", 0.5, None, float("nan")])
def test_a_label_that_is_no_whole_number_is_refused_and_not_cut(tokenizer, label):
    with pytest.raises(CourseError, match=r"Row 2: the label is .*, and classes are whole numbers from 0"):
        classification_features(TEXTS, tokenizer, [0, 1, label])


@pytest.mark.parametrize(("labels", "named"), [([0, 3], 3), ([-1, 2], -1)])
def test_a_label_that_the_head_does_not_have_is_named_by_the_loss(labels, named):
    """A label that was not seen in training, when nobody said how many classes there are."""
    with pytest.raises(CourseError, match=f"label of the batch is {named}, and the scores are for 0 to 2"):
        classification_loss(torch.zeros(2, 3), {"label": torch.tensor(labels)})


@pytest.mark.parametrize("number", [2, 3, 7])
def test_the_number_of_labels_and_the_source_are_not_ignored(folder, number):
    """Error 16: head and size arguments that are accepted and ignored."""
    model = classification_model(number, folder)
    assert model.head.weight.shape == (number, 24)
    assert len(model.encoder.blocks) == 2 and model.encoder.configuration.hidden_size == 24
    assert class_probabilities(model, classification_features(TEXTS, load_tokenizer(folder))).shape == (
        3,
        number,
    )


@pytest.mark.parametrize("count", [0, 2, 4])
def test_texts_and_labels_must_pair_up(tokenizer, count):
    with pytest.raises(CourseError, match=f"3 texts and {count} labels"):
        classification_features(TEXTS, tokenizer, [0] * count)


def test_labels_are_kept_with_their_rows(tokenizer):
    features = classification_features(TEXTS, tokenizer, np.array([1, 0, 2]), number_of_labels=3)
    assert [f["label"] for f in features] == [1, 0, 2]
    assert all("label" not in f for f in classification_features(TEXTS, tokenizer))


# The model


@pytest.fixture(scope="module")
def pair(folder):
    """Our model and transformers' with the same weights."""
    ours = classification_model(3, folder).eval()
    torch.nn.init.normal_(ours.head.bias)
    reference = BertForSequenceClassification(
        BertConfig(**ours.encoder.configuration.to_dict(), num_labels=3)
    ).eval()
    published = {f"bert.{name}": t for name, t in to_published_names(ours.encoder.state_dict()).items()}
    published |= {f"classifier.{name}": t for name, t in ours.head.state_dict().items()}
    reference.load_state_dict(published)
    return ours, reference


@torch.no_grad()
def test_the_model_equals_transformers(pair, folder):
    ours, reference = pair
    features = classification_features(TEXTS, load_tokenizer(folder), [2, 0, 1], max_length=16)
    batch = pad_batch(features)
    assert not batch["attention_mask"].all()
    labels = batch["label"]
    wanted = reference(batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels)
    torch.testing.assert_close(ours(batch), wanted.logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(classification_loss(ours(batch), batch), wanted.loss, rtol=0, atol=1e-5)
    assert wanted.logits.std(dim=0).max() > 0.1, "texts that score alike would not tell"


def test_probabilities_are_the_softmax_in_the_order_of_the_rows(pair, folder):
    ours, reference = pair
    features = classification_features(TEXTS, load_tokenizer(folder))
    found = class_probabilities(ours, features)
    assert found.shape == (3, 3) and found.sum(axis=1) == pytest.approx(1)
    for row, feature in zip(found, features, strict=True):
        with torch.no_grad():
            wanted = reference(torch.tensor([feature["input_ids"]])).logits.softmax(-1)[0]
        assert row == pytest.approx(wanted.numpy(), abs=1e-5)


def test_the_head_starts_fresh_and_its_dropout_is_the_configured_one(folder):
    torch.manual_seed(1)
    one = classification_model(3, folder)
    torch.manual_seed(2)
    other = classification_model(3, folder)
    assert not torch.equal(one.head.weight, other.head.weight)
    assert torch.equal(one.encoder.pooler.weight, other.encoder.pooler.weight)
    assert one.head.dropout.p == 0.1


# Scores and baselines


@given(pairs=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
@settings(deadline=None, max_examples=40)
@pytest.mark.filterwarnings("ignore")
def test_scores_are_those_of_scikit_learn_and_of_the_definition(pairs):
    gold, found = zip(*pairs, strict=True)
    scores = classification_scores(gold, found)
    assert scores["accuracy"] == metrics.accuracy_score(gold, found)
    assert scores["f1"] == metrics.f1_score(gold, found, average="macro")
    each = []
    for label in set(gold) | set(found):
        right = sum(g == f == label for g, f in pairs)
        each.append(2 * right / (gold.count(label) + found.count(label)))
    assert scores["f1"] == pytest.approx(sum(each) / len(each))


def test_the_majority_is_that_of_the_training_labels():
    assert majority_baseline([1, 0, 1, 2, 1], 4).tolist() == [1, 1, 1, 1]
    assert majority_baseline([2, 2, 0], 0).tolist() == []


def test_tfidf_learns_words_and_word_pairs():
    texts = ["good film", "not bad at all", "bad film", "not good at all"] * 3
    labels = [1, 1, 0, 0] * 3
    new = ["a good film", "a bad film", "not bad", "not good"]
    assert tfidf_baseline(texts, labels, new).tolist() == [1, 0, 1, 0]
