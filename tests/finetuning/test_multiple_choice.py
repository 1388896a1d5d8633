"""Multiple choice: features, batches, the model against transformers', scores, and what is refused."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    BertConfig,
    BertForMultipleChoice,
    DataCollatorForMultipleChoice,
    PreTrainedTokenizerFast,
)

from course_lib.bert.heads import READINGS, LinearHead
from course_lib.bert.loading import load_encoder, to_published_names
from course_lib.errors import CourseError, SequenceTooLongError
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune, predict
from course_lib.finetuning.multiple_choice import (
    ChoiceModel,
    choice_features,
    choice_loss,
    choice_model,
    choice_probabilities,
    choice_scores,
    pad_choices,
    words_of_endings_baseline,
)
from course_lib.finetuning.saving import load_saved, save_model
from course_lib.settings import REPOSITORY

CONTEXTS = [
    "Maya put the kettle on.",
    "The dog waited by the door for most of the long and rainy afternoon, and then for the evening.",
    "It snowed.",
]
STARTS = ["She", "At last it", "We"]
ENDINGS = [
    ["made a pot of tea.", "sold the ocean.", "flew.", "ate the kettle with a long silver spoon."],
    ["barked.", "read the newspaper aloud.", "heard the key in the lock.", "paid."],
    ["swam.", "built a snowman.", "melted the moon with an umbrella.", "mowed the lawn."],
]
LABELS = [0, 2, 1]
CLS, SEP = 101, 102


@pytest.fixture(scope="module")
def model(folder):
    torch.manual_seed(1)
    model = choice_model(folder).eval()
    torch.nn.init.normal_(model.head.weight)
    torch.nn.init.normal_(model.head.bias)
    return model


@pytest.fixture(scope="module")
def features(tokenizer):
    return choice_features(CONTEXTS, ENDINGS, tokenizer, LABELS, starts=STARTS)


# Features


def test_a_choice_is_context_and_ending_with_their_segments(tokenizer, features):
    for row, feature in enumerate(features):
        assert len(feature["input_ids"]) == len(feature["token_type_ids"]) == 4
        for choice, (ids, segments) in enumerate(
            zip(feature["input_ids"], feature["token_type_ids"], strict=True)
        ):
            pair = tokenizer.encode(CONTEXTS[row], f"{STARTS[row]} {ENDINGS[row][choice]}")
            assert ids == pair.ids and segments == pair.type_ids
        assert feature["label"] == LABELS[row]


def test_without_contexts_only_the_endings_are_read(tokenizer):
    (feature,) = choice_features(None, ENDINGS[:1], tokenizer)
    assert feature["input_ids"] == [tokenizer.encode(ending).ids for ending in ENDINGS[0]]
    assert not any(any(segments) for segments in feature["token_type_ids"]) and "label" not in feature


@given(length=st.integers(16, 40), words=st.integers(1, 60))
@settings(deadline=None, max_examples=30)
def test_a_long_context_loses_its_beginning_and_no_ending_loses_a_piece(tokenizer, length, words):
    context = " ".join(["rain", "sun", "wind"][n % 3] for n in range(words))
    pieces = tokenizer.encode(context, add_special_tokens=False).ids
    (feature,) = choice_features([context], ENDINGS[:1], tokenizer, max_length=length)
    for ids, ending in zip(feature["input_ids"], ENDINGS[0], strict=True):
        second = tokenizer.encode(ending, add_special_tokens=False).ids
        kept = min(len(pieces), length - 3 - len(second))
        assert ids == [CLS, *pieces[len(pieces) - kept :], SEP, *second, SEP]
        assert kept >= 1 and len(ids) <= length


# Batches


def test_the_batch_is_that_of_transformers(tokenizer, features):
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
    rows = [
        feature | {"attention_mask": [[1] * len(ids) for ids in feature["input_ids"]]} for feature in features
    ]
    wanted = DataCollatorForMultipleChoice(wrapped, return_tensors="pt")(rows)
    found = pad_choices(features)
    assert found["input_ids"].shape == (3, 4, max(len(i) for f in features for i in f["input_ids"]))
    for ours, theirs in (
        ("input_ids", "input_ids"), ("token_type_ids", "token_type_ids"),
        ("attention_mask", "attention_mask"), ("label", "labels"),
    ):  # fmt: skip
        assert found[ours].dtype == torch.int64 and torch.equal(found[ours], wanted[theirs])


def test_batches_are_made_at_least_as_fast_as_by_transformers(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(REPOSITORY))
    rows = importlib.import_module("benchmarks.choice_speed").main(repetitions=5)
    assert [row["batch_size"] for row in rows] == [16, 64]
    assert all(row["ratio"] >= row["target"] == 1 for row in rows), rows


def test_questions_of_different_numbers_of_choices_are_no_batch(tokenizer, features):
    two = choice_features(CONTEXTS[:1], [ENDINGS[0][:2]], tokenizer, number_of_choices=2)
    with pytest.raises(CourseError, match="different numbers of choices"):
        pad_choices([features[0], *two])


# The model


@torch.no_grad()
def test_the_model_equals_transformers(model, features):
    reference = BertForMultipleChoice(BertConfig(**model.encoder.configuration.to_dict())).eval()
    published = {f"bert.{name}": t for name, t in to_published_names(model.encoder.state_dict()).items()}
    published |= {f"classifier.{name}": t for name, t in model.head.state_dict().items()}
    reference.load_state_dict(published)
    batch = pad_choices(features)
    names = ("input_ids", "token_type_ids", "attention_mask")
    wanted = reference(**{name: batch[name] for name in names}, labels=batch["label"])
    assert not batch["attention_mask"].all()
    torch.testing.assert_close(model(batch), wanted.logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(choice_loss(model(batch), batch), wanted.loss, rtol=0, atol=1e-5)
    assert wanted.logits.std(dim=1).min() > 0.1, "choices that score alike would not tell"


@torch.no_grad()
@given(order=st.permutations(range(4)))
@settings(deadline=None, max_examples=24)
def test_the_order_of_the_endings_only_moves_the_scores(model, tokenizer, features, order):
    shuffled = choice_features(
        CONTEXTS, [[choices[n] for n in order] for choices in ENDINGS], tokenizer, starts=STARTS
    )
    before, after = model(pad_choices(features)), model(pad_choices(shuffled))
    torch.testing.assert_close(after, before[:, order], rtol=0, atol=1e-5)


@torch.no_grad()
def test_padding_and_company_do_not_change_a_score(model, features):
    together = model(pad_choices(features))
    torch.testing.assert_close(model(pad_choices(features, 60)), together, rtol=0, atol=1e-5)
    for row, feature in enumerate(features):
        torch.testing.assert_close(model(pad_choices([feature]))[0], together[row], rtol=0, atol=1e-5)


@pytest.mark.parametrize("outputs", [2, 4])
def test_a_head_with_an_output_for_each_position_is_refused(model, outputs):
    """An error of many tutorials: ``num_labels`` outputs for choices."""
    head = LinearHead(model.encoder.configuration, outputs)
    with pytest.raises(CourseError, match=f"head has {outputs} outputs, and a choice has one score"):
        ChoiceModel(model.encoder, head)


def test_the_head_has_one_output_and_the_configured_dropout(folder):
    torch.manual_seed(1)
    one = choice_model(folder)
    torch.manual_seed(2)
    other = choice_model(folder)
    assert one.head.weight.shape == (1, 24) and one.head.dropout.p == 0.1
    assert not torch.equal(one.head.weight, other.head.weight)
    assert torch.equal(one.encoder.pooler.weight, load_encoder(folder).pooler.weight)


def test_probabilities_are_the_softmax_over_choices_in_the_order_of_the_rows(model, features):
    found = choice_probabilities(model, features)
    assert found.shape == (3, 4) and found.sum(axis=1) == pytest.approx(1)
    for row, feature in zip(found, features, strict=True):
        with torch.no_grad():
            alone = model(pad_choices([feature]))[0]
        assert row == pytest.approx(alone.softmax(-1).numpy(), abs=1e-5)
    assert choice_probabilities(model, []).shape == (0, 4)


def test_the_loss_is_the_cross_entropy_over_the_choices():
    scores = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
    wanted = -(scores.softmax(-1)[0, 3].log() + scores.softmax(-1)[1, 1].log()) / 2
    assert choice_loss(scores, {"label": torch.tensor([3, 1])}).item() == pytest.approx(wanted.item())


def test_the_loop_learns_which_ending_repeats_the_context(folder, tokenizer):
    """Rows that can be learned: the right ending is the context again."""
    torch.manual_seed(0)
    words = ["cat", "dog", "sun", "tree"]
    generator = np.random.default_rng(0)
    labels = generator.integers(4, size=64).tolist()
    orders = [generator.permutation(words).tolist() for _ in labels]
    contexts = [order[label] for order, label in zip(orders, labels, strict=True)]
    rows = choice_features(contexts, orders, tokenizer, labels)
    learned = choice_model(folder)
    configuration = TrainingConfiguration(learning_rate=3e-3, epochs=30, frozen="none")
    history = fine_tune(learned, rows, choice_loss, configuration, collate=pad_choices, progress=False)
    assert (
        history.padded_tokens >= history.tokens == 30 * sum(len(i) for row in rows for i in row["input_ids"])
    )
    found = choice_probabilities(learned, rows).argmax(axis=1)
    assert choice_scores(labels, found)["accuracy"] > 0.9


@pytest.mark.parametrize("reads", READINGS)
def test_a_saved_model_gives_the_same_scores(reads, model, features, tokenizer, tmp_path):
    model = ChoiceModel(model.encoder, model.head, reads=reads).eval()
    save_model("endings", model, tokenizer, tmp_path)
    loaded = load_saved("endings", tmp_path)
    assert isinstance(loaded, ChoiceModel) and loaded.reads == reads
    before, after = (torch.stack(predict(m, features, collate=pad_choices)) for m in (model, loaded))
    assert torch.equal(before, after)


# Scores and baselines


def test_accuracy_is_the_share_of_right_choices():
    assert choice_scores([0, 1, 2, 3], [0, 1, 2, 0]) == {"accuracy": 0.75}
    with pytest.raises(CourseError, match="2 right values and 1 predictions"):
        choice_scores([0, 1], [0])
    with pytest.raises(CourseError, match="nothing to score"):
        choice_scores([], [])


def test_the_baseline_finds_a_word_that_gives_right_endings_away():
    labels = [0, 1, 2, 3] * 4
    endings = [["goes home" if n == label else "eats the moon" for n in range(4)] for label in labels]
    found = words_of_endings_baseline(endings, labels, endings[:3])
    assert found.tolist() == labels[:3]


# What is refused


@pytest.mark.parametrize(
    ("endings", "message"),
    [
        (ENDINGS[0][:3], r"Row 0 has 3 endings, and 4 endings are wanted"),
        ("one text", r"Row 0 has one text, and 4 endings are wanted"),
        ([*ENDINGS[0][:3], "  "], r"Row 0: ending 3 is empty"),
        ([*ENDINGS[0][:3], "word " * 80], r"Row 0: ending 3 has 80 pieces .* leaves room for 60"),
    ],
)
def test_endings_that_cannot_be_used_are_named(tokenizer, endings, message):
    with pytest.raises(CourseError, match=message):
        choice_features(CONTEXTS[:1], [endings], tokenizer)


@pytest.mark.parametrize("label", [4, -1, "2", 1.5, None, float("nan"), float("inf")])
def test_a_label_that_is_no_choice_is_refused(tokenizer, label):
    with pytest.raises(CourseError, match=r"Row 1: the label is .*, and the endings are numbered 0 to 3"):
        choice_features(CONTEXTS, ENDINGS, tokenizer, [0, label, 1])


@pytest.mark.parametrize(("labels", "named"), [([0, 4], 4), ([-1, 2], -1)])
def test_a_label_that_is_no_choice_is_named_by_the_loss(labels, named):
    with pytest.raises(CourseError, match=f"label of the batch is {named}, and the scores are for 0 to 3"):
        choice_loss(torch.zeros(2, 4), {"label": torch.tensor(labels)})


def test_an_empty_context_is_refused(tokenizer):
    with pytest.raises(CourseError, match="Row 1: the context is empty"):
        choice_features(["It rained.", " ", "It snowed."], ENDINGS, tokenizer)


@pytest.mark.parametrize("column", ["contexts", "labels", "starts"])
def test_columns_must_pair_up(tokenizer, column):
    columns = {"contexts": CONTEXTS, "labels": LABELS, "starts": STARTS}
    columns[column] = columns[column][:2]
    with pytest.raises(CourseError, match=f"3 lists of endings and 2 {column}"):
        choice_features(columns["contexts"], ENDINGS, tokenizer, columns["labels"], starts=columns["starts"])


def test_a_context_longer_than_the_model_is_refused_before_any_work(model, tokenizer):
    rows = choice_features(["rain " * 300], ENDINGS[:1], tokenizer, LABELS[:1], max_length=128)
    with pytest.raises(SequenceTooLongError, match="Row 0 has 128 pieces, and the model takes 64"):
        fine_tune(model, rows, choice_loss, collate=pad_choices, progress=False)
    with pytest.raises(SequenceTooLongError, match="Row 0 has 128 pieces"):
        predict(model, rows, collate=pad_choices)
