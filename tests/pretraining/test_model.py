"""The pre-training model: against transformers, and the errors that teaching code makes in its loss."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional
from transformers import BertConfig, BertForPreTraining

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import number_of_parameters
from course_lib.bert.heads import masked_language_model_loss
from course_lib.bert.loading import HEAD_NAMES, to_published_names
from course_lib.pretraining.model import (
    PretrainingModel,
    attend_to_neighbors,
    next_sentence_loss,
    set_output_bias,
)

SMALL = BertConfiguration(
    vocab_size=50,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=16,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    initializer_range=0.2,
)


@pytest.fixture
def batch():
    """Three pairs, one of them padded; five chosen positions, none in the second row."""
    generator = torch.Generator().manual_seed(0)
    input_ids = torch.randint(5, 50, (3, 12), generator=generator)
    attention_mask = torch.ones(3, 12, dtype=torch.long)
    attention_mask[2, 8:] = 0
    token_type_ids = (torch.arange(12) > 5).long() * attention_mask
    labels = torch.full((3, 12), -100)
    for row, column in ((0, 1), (0, 7), (2, 2), (2, 3), (2, 7)):
        labels[row, column] = input_ids[row, column]
    return {
        "input_ids": input_ids * attention_mask,
        "token_type_ids": token_type_ids,
        "attention_mask": attention_mask,
        "labels": labels,
        "next_sentence_label": torch.tensor([0, 1, 0]),
    }


def ours_of(model, batch):
    """Return our scores, and the targets at the chosen positions."""
    chosen = (batch["labels"] != -100).flatten()
    scores = model(
        batch["input_ids"], batch["token_type_ids"], batch["attention_mask"], chosen.nonzero().squeeze(1)
    )
    return scores, batch["labels"].flatten()[chosen]


def reference_of(model: PretrainingModel) -> BertForPreTraining:
    """Return transformers' model with our weights."""
    fields = {name: getattr(SMALL, name) for name in SMALL.__dataclass_fields__}
    reference = BertForPreTraining(BertConfig(**fields)).eval()
    state = {f"bert.{name}": t for name, t in to_published_names(model.encoder.state_dict()).items()}
    head = model.head
    state |= {theirs: head.get_parameter(ours) for ours, theirs in HEAD_NAMES.items()}
    state["cls.predictions.decoder.weight"] = head.decoder.weight
    state["cls.predictions.decoder.bias"] = head.decoder.bias
    state |= {
        f"cls.seq_relationship.{name}": parameter
        for name, parameter in model.next_sentence.named_parameters()
    }
    missing = reference.load_state_dict(state, strict=False)
    assert not missing.missing_keys and not missing.unexpected_keys
    return reference


def test_loss_and_gradients_are_those_of_transformers(batch):
    torch.manual_seed(0)
    model = PretrainingModel(SMALL).eval()
    reference = reference_of(model)
    expected = reference(**batch)
    scores, targets = ours_of(model, batch)
    words = masked_language_model_loss(scores.words, targets)
    loss = words + next_sentence_loss(scores.sentences, batch["next_sentence_label"])
    assert torch.allclose(loss, expected.loss, atol=1e-5)
    assert torch.allclose(scores.words, expected.prediction_logits[batch["labels"] != -100], atol=1e-4)
    assert torch.allclose(scores.sentences, expected.seq_relationship_logits, atol=1e-4)
    loss.backward()
    expected.loss.backward()
    theirs = dict(reference.named_parameters())
    tied = model.encoder.embeddings.token.weight.grad
    assert torch.allclose(tied, theirs["bert.embeddings.word_embeddings.weight"].grad, atol=1e-5)
    assert torch.allclose(
        model.next_sentence.weight.grad, theirs["cls.seq_relationship.weight"].grad, atol=1e-5
    )


def test_the_decoder_is_tied_and_every_parameter_counts_once():
    model = PretrainingModel(SMALL)
    assert model.head.decoder.weight is model.encoder.embeddings.token.weight
    assert number_of_parameters(model) == sum(p.numel() for p in reference_of(model).parameters())


def test_only_chosen_positions_are_trained_on(batch):
    """Error 1: a loss over all slots, or a mean multiplied by weights, would move these gradients."""
    torch.manual_seed(0)
    model = PretrainingModel(SMALL).eval()
    scores, targets = ours_of(model, batch)
    assert scores.words.shape == (5, 50)  # not 36 positions
    expected = sum(
        -functional.log_softmax(row, dim=0)[word] for row, word in zip(scores.words, targets, strict=True)
    )
    assert torch.allclose(masked_language_model_loss(scores.words, targets, count=1), expected)


@pytest.mark.parametrize("label", [0, 1])
def test_both_next_sentence_classes_contribute(label):
    """Error 2: an ignore_index of 0 shared by both heads would silence the class IsNext."""
    scores = torch.tensor([[2.0, -1.0], [0.5, 0.25]], requires_grad=True)
    labels = torch.full((2,), label)
    loss = next_sentence_loss(scores, labels, count=1)
    loss.backward()
    expected = scores.detach().softmax(1) - functional.one_hot(labels, 2)
    assert torch.allclose(scores.grad, expected)
    assert float(loss.detach()) > 0.1


def test_the_word_with_id_0_is_a_word_like_any_other():
    """Error 2, for the other head: no id of a word is a mark for 'ignore'."""
    found = masked_language_model_loss(torch.zeros(2, 50), torch.tensor([0, 7]))
    assert float(found) == pytest.approx(torch.tensor(50.0).log().item())


def test_a_batch_without_masked_words_has_a_finite_loss_and_gradient(batch):
    """Error 9: the mean over no position is NaN."""
    model = PretrainingModel(SMALL)
    batch["labels"].fill_(-100)
    scores, targets = ours_of(model, batch)
    words = masked_language_model_loss(scores.words, targets)
    assert float(words.detach()) == 0.0
    (words + next_sentence_loss(scores.sentences, batch["next_sentence_label"])).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert all(p.grad is not None for p in model.parameters())  # several processes wait for every gradient


def test_the_output_bias_can_start_at_the_word_frequencies():
    model = PretrainingModel(SMALL)
    counts = torch.arange(50)
    is_special = torch.arange(50) < 5
    set_output_bias(model, counts, is_special)
    shares = model.head.decoder.bias.detach().exp()
    assert float(shares.sum()) == pytest.approx(1, abs=1e-5)
    assert float(shares[40] / shares[20]) == pytest.approx(40.1 / 20.1, abs=1e-3)
    assert float(shares[:5].max()) < 1e-4


def test_the_first_positions_turn_by_the_same_angle_everywhere():
    """What Vaswani et al. 2017 choose sinusoids for: a fixed step is a linear function of the position."""
    model = PretrainingModel(SMALL)
    attend_to_neighbors(model)
    weight = model.encoder.embeddings.position.weight.detach()
    assert weight.shape == (16, 16)
    assert float(weight.square().mean().sqrt()) == pytest.approx(0.4, rel=1e-3)  # twice that of the tokens
    pairs = torch.view_as_complex(weight.view(16, 8, 2).flip(2).contiguous())  # cosine + i sine
    steps = pairs[1:] / pairs[:-1]
    assert torch.allclose(steps, steps[:1].expand_as(steps), atol=1e-4)
    assert torch.allclose(steps[0].angle(), 500 ** (-torch.arange(8) / 8), atol=1e-4)
    assert model.encoder.embeddings.position.weight.requires_grad  # they go on to learn


def test_attention_starts_at_near_positions():
    """Averaged over many tokens, so that only the distance between two positions counts."""
    larger = replace(SMALL, hidden_size=128, num_attention_heads=4, max_position_embeddings=64)
    torch.manual_seed(0)
    model = PretrainingModel(larger).eval()
    ids = torch.randint(5, 50, (64, 64))

    def mass_near() -> float:
        with torch.no_grad():
            (weights, *_) = model.encoder(ids, output_attentions=True).attentions  # (B, A, T, T)
        mean = weights.mean(dim=(0, 1))
        return float(torch.stack([mean.diagonal(d).mean() for d in (-2, -1, 1, 2)]).sum())

    evenly = mass_near()
    attend_to_neighbors(model)
    assert evenly == pytest.approx(4 / 64, rel=0.2)
    assert mass_near() > 1.5 * evenly
