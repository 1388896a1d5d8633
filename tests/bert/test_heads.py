"""The heads: tied, on masked positions only, and without NaN."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import (
    READINGS,
    BertForMaskedLanguageModel,
    MaskedLanguageModelHead,
    masked_language_model_loss,
    next_sentence_head,
    row_state,
    sequence_classification_head,
    span_head,
    token_classification_head,
)
from course_lib.errors import SettingError

SMALL = BertConfiguration(
    vocab_size=61,
    hidden_size=12,
    num_hidden_layers=2,
    num_attention_heads=3,
    intermediate_size=20,
    max_position_embeddings=10,
)


def small_model(**changes) -> BertForMaskedLanguageModel:
    torch.manual_seed(0)
    return BertForMaskedLanguageModel(BertEncoder(dataclasses.replace(SMALL, **changes))).eval()


def test_the_decoder_is_the_token_embedding_and_stays_so_in_training():
    """Error 14: one matrix reads and writes words."""
    model = small_model()
    token = model.encoder.embeddings.token
    assert model.head.decoder.weight is token.weight
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model(torch.tensor([[1, 2, 3]])).square().mean().backward()
    optimizer.step()
    assert model.head.decoder.weight.data_ptr() == token.weight.data_ptr()
    assert sum(p is token.weight for p in model.parameters()) == 1


def test_loading_a_state_keeps_the_decoder_tied():
    model, other = small_model(), small_model()
    with torch.no_grad():
        other.encoder.embeddings.token.weight.add_(1)
    model.load_state_dict(other.state_dict())
    assert model.head.decoder.weight is model.encoder.embeddings.token.weight
    assert torch.equal(model.head.decoder.weight, other.encoder.embeddings.token.weight)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=1, max_size=4),
    with_padding=st.booleans(),
)
@torch.no_grad()
def test_scores_at_positions_are_those_of_the_whole_sequence_there(rows, with_padding):
    """Error 14: the expensive decoder sees the masked positions, M of B x T, and no others."""
    model, positions = small_model(), torch.tensor(rows)
    input_ids = torch.randint(1, 61, positions.shape)
    mask = torch.ones_like(input_ids)
    if with_padding:
        mask[:, 5:] = 0
    seen = []
    model.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    everywhere = model(input_ids, None, mask)
    chosen = model(input_ids, None, mask, positions.flatten().nonzero().squeeze(1))
    M = int(positions.sum())
    assert seen == [(*positions.shape, 12), (M, 12)]
    assert chosen.shape == (M, 61)
    torch.testing.assert_close(chosen, everywhere[positions], rtol=0, atol=1e-6)  # row-major order


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
@torch.no_grad()
def test_the_head_is_dense_activation_norm_decoder(activation):
    model = small_model(hidden_act=activation, layer_norm_eps=1e-3, initializer_range=0.3)
    head, hidden = model.head, torch.randn(5, 12)
    nn.init.normal_(head.decoder.bias)
    gelu_new = functional.gelu(hidden @ head.transform.weight.T, approximate="tanh")
    by_name = {
        "gelu": functional.gelu(hidden @ head.transform.weight.T),
        "gelu_new": gelu_new,
        "relu": (hidden @ head.transform.weight.T).relu(),
    }
    x = by_name[activation]
    normed = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + 1e-3).sqrt()
    wanted = normed @ model.encoder.embeddings.token.weight.T + head.decoder.bias
    torch.testing.assert_close(head(hidden), wanted, rtol=0, atol=1e-5)


def test_heads_start_as_the_original_does():
    torch.manual_seed(0)
    configuration = dataclasses.replace(SMALL, hidden_size=300, initializer_range=0.05)
    embedding = nn.Embedding(61, 300)
    heads = {
        "masked words": MaskedLanguageModelHead(configuration, embedding).transform,
        "next sentence": next_sentence_head(configuration),
        "sequence": sequence_classification_head(configuration, 7),
        "token": token_classification_head(configuration, 9),
        "span": span_head(configuration),
    }
    for name, linear in heads.items():
        assert linear.bias.eq(0).all(), name
        assert linear.weight.abs().max() <= 0.1, name
        assert linear.weight.std().item() == pytest.approx(0.8796 * 0.05, rel=0.15), name
    assert MaskedLanguageModelHead(configuration, embedding).decoder.bias.eq(0).all()


@given(labels=st.integers(1, 9))
@settings(max_examples=5, deadline=None)
def test_shapes_of_the_fine_tuning_heads(labels):
    """Error 16: the number of labels is used."""
    pooled, hidden = torch.randn(3, 12), torch.randn(3, 5, 12)
    assert next_sentence_head(SMALL)(pooled).shape == (3, 2)
    assert sequence_classification_head(SMALL, labels)(pooled).shape == (3, labels)
    assert token_classification_head(SMALL, labels)(hidden).shape == (3, 5, labels)
    assert span_head(SMALL)(hidden).shape == (3, 5, 2)


@pytest.mark.parametrize("reads", READINGS)
def test_the_state_of_a_row_is_what_is_read_and_padding_is_no_part_of_it(reads):
    """Against each row by itself, without padding, word by word."""
    encoder, lengths = small_model().encoder, [7, 1, 4]
    ids = torch.randint(1, 61, (3, 7))  # (B, T)
    mask = (torch.arange(7) < torch.tensor(lengths)[:, None]).long()
    found = row_state(encoder(ids, attention_mask=mask), mask, reads)
    assert found.shape == (3, 12)
    for row, length in enumerate(lengths):
        output = encoder(ids[row : row + 1, :length])
        states = output.last_hidden_state[0]
        wanted = {
            "pooler": torch.tanh(encoder.pooler(states[0])),
            "cls": states[0],
            "mean": sum(states) / length,
        }[reads]
        torch.testing.assert_close(found[row], wanted, rtol=0, atol=1e-5)
        torch.testing.assert_close(row_state(output, reads=reads)[0], wanted, rtol=0, atol=1e-5)


def test_a_reading_that_does_not_exist_is_refused():
    output = small_model().encoder(torch.ones(1, 3, dtype=torch.long))
    with pytest.raises(SettingError, match=r"cannot read 'max'\. Choose one of: pooler, cls, mean"):
        row_state(output, reads="max")


@pytest.mark.parametrize("kind", [sequence_classification_head, token_classification_head])
def test_classification_heads_drop_out_in_training_only(kind):
    head = kind(dataclasses.replace(SMALL, hidden_dropout_prob=0.5), 4)
    x = torch.randn(8, 12)
    assert torch.equal(head.eval()(x), functional.linear(x, head.weight, head.bias))
    assert not torch.equal(head.train()(x), head(x))
    head = kind(dataclasses.replace(SMALL, hidden_dropout_prob=0.0), 4).train()
    assert torch.equal(head(x), head(x))


@given(chosen=st.integers(1, 20), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_loss_is_the_mean_over_the_chosen(chosen, seed):
    torch.manual_seed(seed)
    scores, labels = torch.randn(chosen, 13), torch.randint(13, (chosen,))
    slow = -sum(float(s.log_softmax(0)[label]) for s, label in zip(scores, labels, strict=True)) / chosen
    assert float(masked_language_model_loss(scores, labels)) == pytest.approx(slow, rel=1e-5)


def test_the_loss_counts_the_word_with_id_0():
    """Errors 1 and 2: no id is ignored by accident."""
    scores = torch.zeros(2, 4)
    scores[0, 0] = -5.0
    with_zero = masked_language_model_loss(scores, torch.tensor([0, 1]))
    assert with_zero > masked_language_model_loss(scores[1:], torch.tensor([1]))


def test_no_masked_token_gives_a_loss_of_zero_that_can_be_trained_on():
    """Error 9: not NaN, neither in the loss nor in a gradient."""
    model = small_model().train()
    input_ids = torch.tensor([[1, 2, 3, 0]])
    positions = torch.zeros(0, dtype=torch.long)
    scores = model(input_ids, positions=positions)
    assert scores.shape == (0, 61)
    loss = masked_language_model_loss(scores, input_ids.flatten()[positions])
    assert loss.item() == 0.0
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients and all(g.eq(0).all() for g in gradients)
