"""Sentence pairs: features, the model against transformers', losses, metrics, and what is refused."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef
from transformers import BertConfig, BertForSequenceClassification

from course_lib.bert.heads import READINGS
from course_lib.bert.inputs import truncate_longest_first
from course_lib.bert.loading import to_published_names
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune, predict
from course_lib.finetuning.saving import load_saved, save_model
from course_lib.finetuning.sentence_pairs import (
    METRICS,
    PAIR_TASKS,
    count_shortened,
    label_numbers,
    majority_of_pairs,
    pair_features,
    pair_loss,
    pair_model,
    pair_predictions,
    pair_scores,
    regression_loss,
    with_segments,
    words_of_pairs_baseline,
)
from course_lib.settings import REPOSITORY
from course_lib.training.batching import pad_batch

FIRSTS = [
    "Maya put the kettle on.",
    "The dog waited by the door for most of the long and rainy afternoon, and then for the evening.",
    "It snowed.",
]
SECONDS = ["She made tea for six.", "The dog slept.", "By noon the whole street lay under a foot of snow."]
INFERENCE = ("entailment", "neutral", "contradiction")
CLS, SEP = 101, 102


@pytest.fixture(scope="module")
def features(tokenizer):
    return pair_features(FIRSTS, SECONDS, tokenizer, [0, 2, 1], names=INFERENCE)


def steep_model(folder, labels, reads="pooler"):
    """A model whose head is drawn widely, so that different inputs have scores that differ."""
    torch.manual_seed(1)
    model = pair_model(labels, folder, reads=reads).eval()
    torch.nn.init.normal_(model.head.weight)
    torch.nn.init.normal_(model.head.bias)
    return model


# Features


def test_a_pair_is_both_sentences_with_their_segments(tokenizer, features):
    for row, feature in enumerate(features):
        encoding = tokenizer.encode(FIRSTS[row], SECONDS[row])
        assert feature == {
            "input_ids": encoding.ids,
            "token_type_ids": encoding.type_ids,
            "label": [0, 2, 1][row],
        }
        assert set(feature["token_type_ids"]) == {0, 1}, "segment ids of zeros: B would be read as A"


def test_a_single_sentence_is_one_segment(tokenizer):
    (feature,) = pair_features(FIRSTS[:1], None, tokenizer)
    assert feature == {"input_ids": tokenizer.encode(FIRSTS[0]).ids, "token_type_ids": [0] * 8}


@given(first=st.integers(1, 30), second=st.integers(1, 30), length=st.integers(5, 40))
@settings(deadline=None, max_examples=40)
def test_a_long_pair_keeps_the_beginnings_of_both_sentences(tokenizer, first, second, length):
    (feature,) = pair_features(["rain " * first], ["sun " * second], tokenizer, max_length=length)
    rain, sun = (tokenizer.token_to_id(word) for word in ("rain", "sun"))
    kept, others = truncate_longest_first(first, second, length - 3)
    assert feature["input_ids"] == [CLS, *[rain] * kept, SEP, *[sun] * others, SEP]
    assert feature["token_type_ids"] == [0] * (kept + 2) + [1] * (others + 1)
    assert min(kept, others) >= 1 and len(feature["input_ids"]) <= length


def test_pairs_that_are_shortened_are_counted_and_none_is_lost(tokenizer, caplog):
    found = pair_features(FIRSTS, SECONDS, tokenizer, max_length=14)
    lengths = [
        len(tokenizer.encode(first, second).ids) for first, second in zip(FIRSTS, SECONDS, strict=True)
    ]
    longer = sum(length > 14 for length in lengths)
    assert 0 < longer < len(found) == 3 or longer == 3
    assert f"{longer} of 3 pairs were longer than 14 tokens" in caplog.text
    assert count_shortened(FIRSTS, SECONDS, tokenizer, 14) == longer
    caplog.clear()
    pair_features(FIRSTS, SECONDS, tokenizer)
    assert not caplog.text and count_shortened(FIRSTS, SECONDS, tokenizer, max(lengths)) == 0


def test_exchanged_sentences_are_the_same_tokens_with_other_segments(tokenizer, features):
    exchanged = pair_features(SECONDS, FIRSTS, tokenizer)
    for before, after in zip(features, exchanged, strict=True):
        border = before["token_type_ids"].index(1)
        first, second = before["input_ids"][1:border], before["input_ids"][border:]
        assert after["input_ids"] == [CLS, *second, *first]
        assert after["token_type_ids"] == [0] * (1 + len(second)) + [1] * len(first)


def test_other_segments_change_the_token_types_and_nothing_else(features):
    for segments, wanted in (
        ("kept", lambda s: s),
        ("removed", lambda s: 0),
        ("swapped", lambda s: int(s == 0)),
    ):
        for before, after in zip(features, with_segments(features, segments), strict=True):
            assert after == before | {"token_type_ids": [wanted(s) for s in before["token_type_ids"]]}
    assert all(1 in feature["token_type_ids"] for feature in features), "the rows given stay as they are"
    with pytest.raises(CourseError, match=r"Segment ids can't be 'random'\. Choose one of: kept"):
        with_segments(features, "random")


def test_features_of_10000_pairs_are_made_in_time(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY))
    (row,) = importlib.import_module("benchmarks.pair_features").main(repetitions=1)
    # three times the target: the tests share their processor
    assert row["pairs"] == 10_000 and row["seconds"] <= 3 * row["target_seconds"] == 9, row


# Labels


def test_labels_are_numbers_or_names(tokenizer):
    assert label_numbers(["neutral", "entailment"], INFERENCE) == [1, 0]
    assert label_numbers(np.array([2, 0]), INFERENCE) == [2, 0]
    assert label_numbers([0, 2.5, np.float32(5)]) == [0.0, 2.5, 5.0]
    named = pair_features(
        FIRSTS, SECONDS, tokenizer, ["contradiction", "neutral", "neutral"], names=INFERENCE
    )
    assert [row["label"] for row in named] == [2, 1, 1]


def test_the_order_of_names_is_the_order_of_outputs(folder, tokenizer):
    """The label-order trap: the same names in another order are other classes."""
    turned = INFERENCE[::-1]
    assert pair_model(turned, folder).labels == turned
    assert label_numbers(list(INFERENCE), turned) == [2, 1, 0]


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([0, 3, 1], INFERENCE, r"Row 1: the label is 3, and the classes are 0 entailment, 1 neutral, 2 contra"),
        ([0, -1, 1], INFERENCE, r"Row 1: the label is -1"),
        ([0, 1.5, 1], INFERENCE, r"Row 1: the label is 1.5"),
        ([0, None, 1], INFERENCE, r"Row 1: the label is None"),
        (["neutral", "other", "neutral"], INFERENCE, r"Row 1: the label is 'other'"),
        ([0, "neutral", 1], INFERENCE, r"Row 1: the label is 'neutral', and row 0 has 0. Write all labels as words"),
        (["neutral", "neutral", 1], INFERENCE, r"Row 2: the label is 1, and row 0 has 'neutral'"),
        ([0, 5.1, 1], None, r"Row 1: the score is 5.1, and scores go from 0 to 5"),
        ([0, -0.1, 1], None, r"Row 1: the score is -0.1"),
        ([0, float("nan"), 1], None, r"Row 1: the score is nan"),
        ([0, "4", 1], None, r"Row 1: the score is '4'"),
        ([0, 1], INFERENCE, r"There are 3 pairs and 2 labels"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_used_are_named(tokenizer, labels, names, message):
    with pytest.raises(CourseError, match=message):
        pair_features(FIRSTS, SECONDS, tokenizer, labels, names=names)


@pytest.mark.parametrize(
    ("firsts", "seconds", "message"),
    [
        (["a", " "], ["b", "c"], "Row 1: the first sentence is empty"),
        (["a", "b"], ["c", ""], "Row 1: the second sentence is empty. Write one, or leave the pair out"),
        (["a", "b"], ["c", None], "Row 1: the second sentence is None, and a text is wanted"),
        (["a", "b"], ["c"], "2 first sentences and 1 second ones"),
    ],
)
def test_pairs_that_cannot_be_used_are_named(tokenizer, firsts, seconds, message):
    with pytest.raises(CourseError, match=message):
        pair_features(firsts, seconds, tokenizer)


def test_an_empty_side_is_read_where_the_task_has_such_pairs(tokenizer):
    found = pair_features(["a", ""], ["", "b"], tokenizer, may_be_empty=True)
    assert [row["token_type_ids"] for row in found] == [[0, 0, 0, 1], [0, 0, 1, 1]]
    with pytest.raises(CourseError, match="max_length is 4; use at least 5"):
        pair_features(["a"], ["b"], tokenizer, max_length=4)


# The model


@torch.no_grad()
@pytest.mark.parametrize("labels", [None, INFERENCE])
def test_the_model_equals_transformers(folder, tokenizer, labels):
    model, targets = steep_model(folder, labels), [0.5, 4.0, 2.5] if labels is None else [0, 2, 1]
    configuration = BertConfig(**model.encoder.configuration.to_dict(), num_labels=1 if labels is None else 3)
    reference = BertForSequenceClassification(configuration).eval()
    published = {f"bert.{name}": t for name, t in to_published_names(model.encoder.state_dict()).items()}
    published |= {f"classifier.{name}": t for name, t in model.head.state_dict().items()}
    reference.load_state_dict(published)
    batch = pad_batch(pair_features(FIRSTS, SECONDS, tokenizer, targets, names=labels))
    names = ("input_ids", "token_type_ids", "attention_mask")
    wanted = reference(**{name: batch[name] for name in names}, labels=batch["label"])
    assert not batch["attention_mask"].all()
    torch.testing.assert_close(model(batch), wanted.logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(pair_loss(model(batch), batch), wanted.loss, rtol=0, atol=1e-5)
    assert wanted.logits.std(dim=0).min() > 0.1, "pairs that score alike would not tell"


@torch.no_grad()
@pytest.mark.parametrize("reads", READINGS)
def test_padding_and_company_do_not_change_a_score(folder, features, reads):
    model = steep_model(folder, INFERENCE, reads)
    together = model(pad_batch(features))
    torch.testing.assert_close(model(pad_batch(features, 60)), together, rtol=0, atol=1e-5)
    for row, feature in enumerate(features):
        torch.testing.assert_close(model(pad_batch([feature]))[0], together[row], rtol=0, atol=1e-5)


@torch.no_grad()
def test_the_mean_is_over_the_real_tokens(folder, features):
    model = steep_model(folder, INFERENCE, "mean")
    ids = torch.tensor([features[0]["input_ids"]])
    states = model.encoder(ids, torch.tensor([features[0]["token_type_ids"]])).last_hidden_state  # (1, T, H)
    scores = model(pad_batch(features))[0]
    torch.testing.assert_close(scores, model.head(states[0].mean(dim=0)), rtol=0, atol=1e-5)


@torch.no_grad()
def test_the_model_reads_the_segment_ids(folder, features):
    model = steep_model(folder, INFERENCE)
    scores = [model(pad_batch(with_segments(features, name))) for name in ("kept", "removed", "swapped")]
    for other in scores[1:]:
        assert (scores[0] - other).abs().max() > 1e-3


def test_predictions_are_classes_or_scores_in_the_order_of_the_rows(folder, features, tokenizer):
    for labels in (INFERENCE, None):
        model = steep_model(folder, labels)
        outputs = torch.stack(predict(model, features))
        wanted = outputs[:, 0] if labels is None else outputs.argmax(dim=1)
        assert pair_predictions(model, features).tolist() == wanted.tolist()
        assert pair_predictions(model, []).shape == (0,)


def test_random_weights_have_the_same_sizes_and_are_others(folder):
    torch.manual_seed(0)
    pretrained, random = (pair_model(INFERENCE, folder, pretrained=value) for value in (True, False))
    shapes = [{name: t.shape for name, t in m.state_dict().items()} for m in (pretrained, random)]
    assert shapes[0] == shapes[1]
    assert not torch.equal(pretrained.encoder.embeddings.token.weight, random.encoder.embeddings.token.weight)


@pytest.mark.parametrize("reads", READINGS)
@pytest.mark.parametrize("labels", [None, INFERENCE])
def test_a_saved_model_gives_the_same_scores(folder, features, tokenizer, tmp_path, labels, reads):
    model = steep_model(folder, labels, reads)
    save_model("pairs", model, tokenizer, tmp_path)
    loaded = load_saved("pairs", tmp_path)
    assert loaded.labels == labels and loaded.reads == reads
    before, after = (torch.stack(predict(m, features)) for m in (model, loaded))
    assert torch.equal(before, after)


# Losses


def test_the_loss_of_scores_is_the_mean_squared_error():
    scores, targets = torch.tensor([[1.0], [2.0], [4.5]]), torch.tensor([0.0, 2.5, 5.0])
    wanted = torch.nn.MSELoss()(scores[:, 0], targets)
    assert regression_loss(scores, {"label": targets}) == wanted == pair_loss(scores, {"label": targets})
    assert wanted.item() == pytest.approx((1 + 0.25 + 0.25) / 3)
    with pytest.raises(CourseError, match="head has 3 outputs, and a score needs one"):
        regression_loss(torch.zeros(2, 3), {"label": targets[:2]})


def test_the_loss_of_classes_is_the_cross_entropy():
    scores, targets = (
        torch.randn(4, 3, generator=torch.Generator().manual_seed(0)),
        torch.tensor([0, 2, 1, 1]),
    )
    assert pair_loss(scores, {"label": targets}) == torch.nn.CrossEntropyLoss()(scores, targets)


def test_the_loop_learns_which_pairs_repeat_a_word(folder, tokenizer):
    """Rows that can be learned: the second sentence is the first, or another one."""
    generator, words = np.random.default_rng(0), ["cat", "dog"]
    firsts = [words[n] for n in generator.integers(2, size=64)]
    seconds = [words[n] for n in generator.integers(2, size=64)]
    labels = [int(a == b) for a, b in zip(firsts, seconds, strict=True)]
    torch.manual_seed(0)
    learned = pair_model(PAIR_TASKS["paraphrase"].labels, folder)
    rows = pair_features(firsts, seconds, tokenizer, labels, names=learned.labels)
    configuration = TrainingConfiguration(learning_rate=3e-3, epochs=40, frozen="none")
    fine_tune(learned, rows, pair_loss, configuration, progress=False)
    assert pair_scores(labels, pair_predictions(learned, rows))["accuracy"] > 0.9


# Metrics and baselines


@given(seed=st.integers(0, 1000), rows=st.integers(3, 40))
@settings(deadline=None, max_examples=25)
def test_metrics_are_those_of_scikit_learn_and_scipy(seed, rows):
    generator = np.random.default_rng(seed)
    truth, said = generator.integers(2, size=(2, rows))
    found = pair_scores(truth, said, ("accuracy", "f1", "mcc"))
    assert found["accuracy"] == accuracy_score(truth, said)
    assert found["f1"] == f1_score(truth, said, zero_division=0)
    assert found["mcc"] == matthews_corrcoef(truth, said)
    truth, said = generator.uniform(0, 5, size=(2, rows))
    found = pair_scores(truth, said, ("pearson", "spearman"))
    assert found == {"pearson": pearsonr(truth, said)[0], "spearman": spearmanr(truth, said)[0]}


def test_accuracy_flatters_the_majority_of_an_uneven_task_and_other_metrics_do_not():
    truth = np.array([0] * 95 + [1] * 5)
    found = pair_scores(truth, majority_of_pairs(truth, 100), ("accuracy", "f1", "mcc"))
    assert found == {"accuracy": 0.95, "f1": 0.0, "mcc": 0.0}


def test_scores_that_are_all_the_same_have_no_correlation():
    truth = [0.0, 2.0, 5.0]
    said = majority_of_pairs(truth, 3)
    assert said == pytest.approx(7 / 3)
    assert pair_scores(truth, said, ("pearson", "spearman")) == {"pearson": 0.0, "spearman": 0.0}


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(CourseError, match="2 right values and 1 predictions"):
        pair_scores([0, 1], [0])
    with pytest.raises(CourseError, match="not one pair"):
        pair_scores([], [])
    with pytest.raises(CourseError, match=f"no metric 'bleu'. Choose one of: {', '.join(METRICS)}"):
        pair_scores([0, 1], [0, 1], ("bleu",))


def test_bags_of_words_see_one_sentence_or_both():
    words = ["never", "always"]
    firsts, seconds = ["walks home"] * 20, [f"she {words[n % 2]} walks" for n in range(20)]
    labels = [n % 2 for n in range(20)]
    for first in (None, firsts):
        found = words_of_pairs_baseline((first, seconds), labels, (first, seconds))
        assert found.tolist() == labels
    scores = words_of_pairs_baseline((firsts, seconds), [5.0 * label for label in labels], (firsts, seconds))
    assert pair_scores(labels, scores, ("pearson",))["pearson"] > 0.99
    same = words_of_pairs_baseline((seconds, firsts), labels, (firsts, firsts))
    assert len(set(same.tolist())) == 1, "a word of A is not the same feature in B"
