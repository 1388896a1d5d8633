"""The encoder without padding: the same numbers and gradients, the same weights."""

import copy

import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.unpadded import UnpaddedEncoder, without_padding
from course_lib.errors import SequenceTooLongError

SIZES = dict(
    vocab_size=60,
    hidden_size=24,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=40,
    max_position_embeddings=32,
)
MASKS = {
    "different lengths": [[1] * 9, [1] * 4 + [0] * 5, [1] + [0] * 8],
    "padding on the left": [[0] * 3 + [1] * 6, [1] * 9],
    "holes": [[1, 0, 1, 1, 0, 0, 1, 0, 1], [1, 1, 0, 1, 0, 1, 0, 0, 0]],
    "a row of padding": [[1] * 5 + [0] * 4, [0] * 9],
    "nothing padded": [[1] * 9, [1] * 9],
}


def encoder(seed=0, **changes) -> BertEncoder:
    torch.manual_seed(seed)
    return BertEncoder(BertConfiguration(**SIZES | changes, initializer_range=0.3)).eval()


def batch(mask) -> dict[str, torch.Tensor]:
    attention_mask = torch.tensor(mask)
    draw = torch.Generator().manual_seed(1)
    return {
        "input_ids": torch.randint(1, 60, attention_mask.shape, generator=draw),
        "token_type_ids": torch.randint(0, 2, attention_mask.shape, generator=draw),
        "attention_mask": attention_mask,
    }


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("segments", [True, False], ids=["segments", "one segment"])
def test_states_are_those_of_the_encoder(mask, segments):
    slow, rows = encoder(), batch(mask)
    if not segments:
        del rows["token_type_ids"]
    expected = slow(**rows, output_hidden_states=True)
    found = without_padding(slow)(**rows, output_hidden_states=True)
    real = rows["attention_mask"].bool()
    assert len(found.hidden_states) == len(expected.hidden_states) == 4
    for ours, theirs in zip(found.hidden_states, expected.hidden_states, strict=True):
        torch.testing.assert_close(ours[real], theirs[real], atol=1e-5, rtol=1e-5)
    first = real[:, 0]
    torch.testing.assert_close(
        found.pooled_output[first], expected.pooled_output[first], atol=1e-5, rtol=1e-5
    )
    if not real.all():
        assert (found.last_hidden_state[~real] == 0).all()


def test_gradients_are_those_of_the_encoder():
    rows = batch(MASKS["different lengths"])
    real = rows["attention_mask"].bool()
    slow = encoder()
    fast = without_padding(copy.deepcopy(slow))
    for model in (slow, fast):
        output = model(**rows)
        (output.last_hidden_state[real].pow(3).sum() + output.pooled_output.sum()).backward()
    for (name, ours), theirs in zip(fast.named_parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-4, rtol=1e-4, msg=name)


def test_weights_are_shared_and_saved_alike():
    slow = encoder()
    fast = without_padding(slow)
    assert isinstance(fast, UnpaddedEncoder) and not isinstance(slow, UnpaddedEncoder)
    assert [id(p) for p in fast.parameters()] == [id(p) for p in slow.parameters()]
    assert list(fast.state_dict()) == list(slow.state_dict())


def test_padding_costs_no_products():
    """The products see real tokens alone, and attention sees each row by itself."""
    slow, rows = encoder(), batch(MASKS["different lengths"])
    seen = []
    slow.blocks[1].expand.register_forward_hook(
        lambda module, inputs, output: seen.append(tuple(inputs[0].shape))
    )
    without_padding(slow)(**rows)
    assert seen == [(int(rows["attention_mask"].sum()), 24)]


def test_attention_weights_and_masks_by_query_take_the_usual_way():
    slow, rows = encoder(), batch(MASKS["different lengths"])
    fast = without_padding(slow)
    weights = fast(**rows, output_attentions=True).attentions
    torch.testing.assert_close(weights, slow(**rows, output_attentions=True).attentions)
    rows["attention_mask"] = torch.ones(9, 9).tril().expand(3, 9, 9)
    torch.testing.assert_close(fast(**rows).last_hidden_state, slow(**rows).last_hidden_state)


@pytest.mark.parametrize("fast_dropout", [True, False])
def test_dropout_is_drawn_in_training_alone(fast_dropout):
    model = without_padding(
        encoder(hidden_dropout_prob=0.5, attention_probs_dropout_prob=0.5, fast_dropout=fast_dropout)
    )
    rows = batch(MASKS["different lengths"])
    assert torch.equal(model(**rows).last_hidden_state, model(**rows).last_hidden_state)
    model.train()
    torch.manual_seed(3)
    one, other = model(**rows).last_hidden_state, model(**rows).last_hidden_state
    assert not torch.equal(one, other)
    torch.manual_seed(3)
    assert torch.equal(model(**rows).last_hidden_state, one)


def test_a_sequence_that_is_too_long_is_refused():
    mask = torch.ones(2, 33)
    mask[1, 5:] = 0
    with pytest.raises(SequenceTooLongError, match=r"33 tokens.*32 positions"):
        without_padding(encoder())(torch.ones(2, 33, dtype=torch.long), None, mask)
