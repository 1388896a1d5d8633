"""The encoder against transformers' BertModel, with the real MiniLM weights and with small random ones."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoTokenizer, BertConfig, BertModel

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.dropout import FastDropout
from course_lib.bert.encoder import BertEncoder, SelfAttention, initialize_weights, number_of_parameters
from course_lib.bert.heads import MaskedLanguageModelHead
from course_lib.bert.loading import load_encoder, to_published_names
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import SequenceTooLongError

SMALL = BertConfiguration(
    vocab_size=97,
    hidden_size=24,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=40,
    max_position_embeddings=16,
)
FIRST = ["The bank raised its rates.", "We sat down on the bank of the river, and waited.", "Rain."]
SECOND = ["Borrowing is dearer now.", "No boat came.", "It had not rained for seven weeks, said the farmer."]


@pytest.fixture(scope="module")
def ours() -> BertEncoder:
    return load_encoder(bundled_weights_folder(verify=False))


@pytest.fixture(scope="module", params=["sdpa", "eager"])
def reference(request) -> BertModel:
    folder = bundled_weights_folder(verify=False)
    return BertModel.from_pretrained(folder, attn_implementation=request.param).eval()


@pytest.fixture(scope="module")
def batches() -> dict[str, dict[str, Tensor]]:
    tokenizer = AutoTokenizer.from_pretrained(bundled_weights_folder(verify=False))
    long = [" ".join(FIRST + SECOND) * 30, " ".join(SECOND) * 9]
    return {
        "padded": dict(tokenizer(FIRST, padding=True, return_tensors="pt")),
        "segment pairs": dict(tokenizer(FIRST, SECOND, padding=True, return_tensors="pt")),
        "length 512": dict(
            tokenizer(long, padding=True, truncation=True, max_length=512, return_tensors="pt")
        ),
    }


def small_encoder(seed: int = 0, **changes) -> BertEncoder:
    torch.manual_seed(seed)
    return BertEncoder(dataclasses.replace(SMALL, **changes)).eval()


def assert_close(found: Tensor, wanted: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(found, wanted, rtol=0, atol=tolerance)


# Equality with transformers


@pytest.mark.parametrize("name", ["padded", "segment pairs", "length 512"])
@torch.no_grad()
def test_real_weights_give_the_hidden_states_of_transformers(ours, reference, batches, name):
    batch = batches[name]
    assert batch["input_ids"].shape[1] == 512 or name != "length 512"
    assert not batch["attention_mask"].all(), "a batch without padding would not test the mask"
    assert (name == "segment pairs") == bool(batch["token_type_ids"].any())
    wanted = reference(**batch, output_hidden_states=True)
    found = ours(**batch, output_hidden_states=True)
    tokens = batch["attention_mask"].bool()  # what is computed at padding is of no use to anyone
    assert len(found.hidden_states) == len(wanted.hidden_states) == 7
    for layer, expected in zip(found.hidden_states, wanted.hidden_states, strict=True):
        assert_close(layer[tokens], expected[tokens], 1e-5)
    assert_close(found.last_hidden_state[tokens], wanted.last_hidden_state[tokens], 1e-5)
    assert_close(found.pooled_output, wanted.pooler_output, 1e-5)
    assert found.attentions == ()


@pytest.mark.parametrize("name", ["padded", "segment pairs", "length 512"])
@torch.no_grad()
def test_real_weights_give_the_attentions_of_transformers(ours, batches, name):
    reference = BertModel.from_pretrained(
        bundled_weights_folder(verify=False), attn_implementation="eager"
    ).eval()
    batch = batches[name]
    wanted = reference(**batch, output_attentions=True).attentions
    found = ours(**batch, output_attentions=True).attentions
    assert len(found) == len(wanted) == 6
    tokens = batch["attention_mask"].bool()
    for weights, expected in zip(found, wanted, strict=True):
        # What padding attends to is rounding noise, grown layer by layer: at length 512 transformers' own
        # float32 is 3e-5 away from its float64 there. So tokens here; everything, in float64, below.
        assert_close(weights.transpose(1, 2)[tokens], expected.transpose(1, 2)[tokens], 1e-5)
        assert_close(weights.sum(dim=-1), torch.ones(weights.shape[:-1]), 1e-5)
        padding = ~batch["attention_mask"].bool()[:, None, None, :].expand_as(weights)
        assert weights[padding].eq(0).all()


@pytest.mark.parametrize("name", ["padded", "segment pairs"])
@torch.no_grad()
def test_in_double_precision_nothing_differs_not_even_at_padding(ours, batches, name):
    folder = bundled_weights_folder(verify=False)
    reference = BertModel.from_pretrained(folder, attn_implementation="eager").eval().double()
    wanted = reference(**batches[name], output_hidden_states=True, output_attentions=True)
    found = copy.deepcopy(ours).double()(**batches[name], output_hidden_states=True, output_attentions=True)
    pairs = [(found.pooled_output, wanted.pooler_output)]
    pairs += zip(
        found.hidden_states + found.attentions, wanted.hidden_states + wanted.attentions, strict=True
    )
    for tensor, expected in pairs:
        assert tensor.dtype == torch.float64
        assert_close(tensor, expected, 1e-10)


@torch.no_grad()
def test_without_a_mask_and_segments_everything_is_a_token_of_segment_a(ours, reference):
    input_ids = torch.tensor([[101, 2054, 2003, 1037, 2924, 102]])
    assert_close(ours(input_ids).last_hidden_state, reference(input_ids).last_hidden_state, 1e-5)


@settings(max_examples=20, deadline=None)
@given(
    heads=st.integers(1, 5),
    head_size=st.integers(1, 9),
    layers=st.integers(0, 3),
    activation=st.sampled_from(["gelu", "gelu_new", "relu"]),
    lengths=st.lists(st.integers(1, 16), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
)
@torch.no_grad()
def test_any_size_gives_the_output_of_transformers(heads, head_size, layers, activation, lengths, seed):
    model = small_encoder(
        seed,
        hidden_size=heads * head_size,
        num_attention_heads=heads,
        num_hidden_layers=layers,
        hidden_act=activation,
        initializer_range=0.2,  # so large that a wrong detail shows
    )
    for parameter in model.parameters():  # biases and LayerNorm too, or a forgotten one would not show
        parameter.add_(torch.randn_like(parameter), alpha=0.1)
    values = {**model.configuration.to_dict(), "attn_implementation": "eager"}
    reference = BertModel(BertConfig(**values)).eval()
    reference.load_state_dict(to_published_names(model.state_dict()))
    B, T = len(lengths), max(lengths)
    batch = {
        "input_ids": torch.randint(97, (B, T)),
        "token_type_ids": torch.randint(2, (B, T)),
        "attention_mask": (torch.arange(T) < torch.tensor(lengths)[:, None]).long(),
    }
    wanted, found = reference(**batch), model(**batch)
    tokens = batch["attention_mask"].bool()
    assert_close(found.last_hidden_state[tokens], wanted.last_hidden_state[tokens], 1e-5)
    assert_close(found.pooled_output, wanted.pooler_output, 1e-5)


# Attention and its mask


@settings(max_examples=30, deadline=None)
@given(lengths=st.lists(st.integers(1, 16), min_size=1, max_size=4), seed=st.integers(0, 1000))
@torch.no_grad()
def test_explicit_softmax_equals_scaled_dot_product_attention(lengths, seed):
    torch.manual_seed(seed)
    attention = SelfAttention(SMALL).eval()
    initialize_weights(attention.query_key_value, 0.3)  # far from uniform weights
    B, T = len(lengths), max(lengths)
    hidden = torch.randn(B, T, 24)
    mask = (torch.arange(T) < torch.tensor(lengths)[:, None])[:, None, None, :]
    explicit, weights = attention(hidden, mask, need_weights=True)
    fused, nothing = attention(hidden, mask, need_weights=False)
    assert nothing is None and weights.shape == (B, 4, T, T)
    assert_close(explicit, fused, 1e-6)


@torch.no_grad()
def test_attention_of_real_weights_is_the_same_by_both_paths(ours, batches):
    batch = batches["segment pairs"]
    mask = batch["attention_mask"][:, None, None, :].bool()
    states = ours(**batch, output_hidden_states=True).hidden_states
    for block, hidden in zip(ours.blocks, states[:-1], strict=True):
        fused, _ = block.attention(hidden, mask, need_weights=False)
        explicit, _ = block.attention(hidden, mask, need_weights=True)
        assert_close(explicit, fused, 1e-6)


@pytest.mark.parametrize("explicit", [False, True])
@torch.no_grad()
def test_padding_is_never_attended_to(ours, batches, explicit):
    """Error 19: whatever stands in the padding, and however much of it, tokens do not change."""
    batch = batches["padded"]
    tokens = batch["attention_mask"].bool()
    before = ours(**batch, output_attentions=explicit)
    other = batch["input_ids"].masked_fill(~tokens, 2748)
    segments = batch["token_type_ids"].masked_fill(~tokens, 1)
    after = ours(other, segments, batch["attention_mask"], output_attentions=explicit)
    assert_close(after.last_hidden_state[tokens], before.last_hidden_state[tokens], 1e-6)
    assert_close(after.pooled_output, before.pooled_output, 1e-6)
    for row in range(len(tokens)):
        alone = ours(batch["input_ids"][row : row + 1, : tokens[row].sum()])
        assert_close(before.last_hidden_state[row, tokens[row]], alone.last_hidden_state[0], 1e-5)


@pytest.mark.parametrize("kind", [torch.long, torch.bool, torch.float32])
@torch.no_grad()
def test_the_mask_may_be_of_any_usual_type(kind):
    model = small_encoder()
    input_ids, mask = torch.arange(1, 13).view(2, 6), torch.tensor([[1] * 6, [1, 1, 1, 0, 0, 0]])
    wanted = model(input_ids, attention_mask=mask).last_hidden_state
    assert torch.equal(model(input_ids, attention_mask=mask.to(kind)).last_hidden_state, wanted)


@pytest.mark.parametrize("explicit", [False, True])
def test_a_row_of_padding_alone_spoils_neither_output_nor_gradient(explicit):
    model = small_encoder()
    mask = torch.tensor([[1] * 6, [0] * 6])
    output = model(torch.arange(12).view(2, 6), attention_mask=mask, output_attentions=explicit)
    assert output.last_hidden_state.isfinite().all()
    output.last_hidden_state[0].square().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.blocks.parameters())


def test_half_precision_masks_without_overflow():
    model = small_encoder().bfloat16()
    mask = torch.tensor([[1, 1, 1, 0]])
    with torch.no_grad():
        output = model(torch.tensor([[1, 2, 3, 4]]), attention_mask=mask, output_attentions=True)
    assert output.last_hidden_state.isfinite().all()
    assert output.attentions[0][..., 3].eq(0).all()


# Dropout


def test_evaluation_is_repeatable_and_training_is_not():
    model, input_ids = small_encoder(), torch.arange(1, 13).view(2, 6)
    evaluated = model(input_ids).last_hidden_state
    assert torch.equal(model(input_ids).last_hidden_state, evaluated)
    model.train()
    first, second = (model(input_ids).last_hidden_state for _ in range(2))
    assert not torch.equal(first, second) and not torch.equal(first, evaluated)


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("rate", ["hidden_dropout_prob", "attention_probs_dropout_prob"])
def test_each_dropout_rate_acts_alone_and_only_in_training(rate, explicit):
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    input_ids = torch.arange(1, 13).view(2, 6)

    def output(model: BertEncoder) -> Tensor:
        return model(input_ids, output_attentions=explicit).last_hidden_state

    without, with_dropout = small_encoder(**none), small_encoder(**{**none, rate: 0.5})
    assert torch.equal(output(without), output(with_dropout)), "dropout acts in evaluation"
    assert torch.equal(output(without), output(without.train())), "there is dropout at rate 0"
    assert not torch.equal(output(with_dropout.eval()), output(with_dropout.train())), f"{rate} is not used"


def test_hidden_dropout_acts_on_the_embeddings_and_after_both_parts_of_a_block():
    model = small_encoder(hidden_dropout_prob=0.5, attention_probs_dropout_prob=0.0)
    calls = []
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.register_forward_hook(lambda *_: calls.append(1))
    model(torch.ones(1, 3, dtype=torch.long))
    assert len(calls) == 1 + 2 * SMALL.num_hidden_layers


# Length


def test_513_tokens_give_a_clear_error(ours):
    with pytest.raises(SequenceTooLongError, match=r"513 tokens.*512 positions.*Truncate"):
        ours(torch.full((1, 513), 1037))


@given(length=st.integers(1, 40))
@settings(max_examples=25, deadline=None)
@torch.no_grad()
def test_the_limit_is_exactly_the_number_of_positions(length):
    model = small_encoder()
    if length <= 16:
        assert model(torch.ones(1, length, dtype=torch.long)).last_hidden_state.shape == (1, length, 24)
    else:
        with pytest.raises(SequenceTooLongError, match=f"{length} tokens"):
            model(torch.ones(1, length, dtype=torch.long))


# Sizes and initialization


@pytest.mark.parametrize(
    ("configuration", "parameters"),
    [(BertConfiguration.base(), 109_482_240), (BertConfiguration.large(), 335_141_888)],
    ids=["base", "large"],
)
def test_published_sizes(configuration, parameters):
    with torch.device("meta"):  # no memory: 1.3 GB for large otherwise
        model = BertEncoder(configuration)
        reference = BertModel(BertConfig(**configuration.to_dict()))
    assert number_of_parameters(model) == parameters
    assert reference.num_parameters() == parameters


def test_a_shared_parameter_counts_once():
    model = small_encoder()
    head = MaskedLanguageModelHead(SMALL, model.embeddings.token)
    both = nn.ModuleList([model, head])
    own = 24 * 24 + 24 + 2 * 24 + 97  # transform, LayerNorm, output bias
    assert number_of_parameters(both) == number_of_parameters(model) + own


def first_layer_norm(model: BertEncoder) -> nn.LayerNorm:
    return model.blocks[0].attention_norm


# Error 16: for each field, another value and what must become of it in the module.
FIELDS = {
    "vocab_size": (50, lambda m: m.embeddings.token.num_embeddings),
    "hidden_size": (32, lambda m: m(torch.ones(1, 2, dtype=torch.long)).last_hidden_state.shape[-1]),
    "num_hidden_layers": (
        2,
        lambda m: len(m(torch.ones(1, 2, dtype=torch.long), output_hidden_states=True).hidden_states) - 1,
    ),
    "num_attention_heads": (
        8,
        lambda m: m(torch.ones(1, 2, dtype=torch.long), output_attentions=True).attentions[0].shape[1],
    ),
    "intermediate_size": (64, lambda m: m.blocks[-1].expand.out_features),
    "max_position_embeddings": (9, lambda m: m.embeddings.position.num_embeddings),
    "type_vocab_size": (3, lambda m: m.embeddings.segment.num_embeddings),
    "hidden_dropout_prob": (0.3, lambda m: m.blocks[-1].dropout.p),
    "attention_probs_dropout_prob": (0.4, lambda m: m.blocks[-1].attention.dropout),
    "layer_norm_eps": (1e-3, lambda m: first_layer_norm(m).eps),
    "initializer_range": (0.5, lambda m: m.configuration.initializer_range),  # more below
    "pad_token_id": (7, lambda m: m.embeddings.token.weight.eq(0).all(dim=1).nonzero().item()),
    "hidden_act": ("relu", lambda m: {functional.relu: "relu"}.get(m.blocks[-1].activation)),
    "fast_dropout": (True, lambda m: isinstance(m.embeddings.dropout, FastDropout)),
}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(BertConfiguration)])
@torch.no_grad()
def test_every_field_of_the_configuration_changes_the_model(field):
    """Error 16: head and size arguments that are accepted and ignored."""
    value, found = FIELDS[field]
    assert getattr(SMALL, field) != value
    assert found(small_encoder(**{field: value})) == value


@pytest.mark.parametrize(
    "field", ["num_attention_heads", "hidden_act", "layer_norm_eps", "initializer_range"]
)
@torch.no_grad()
def test_fields_without_a_shape_change_the_output(field):
    value = {"layer_norm_eps": 1e-2}.get(field, FIELDS[field][0])
    base, changed = small_encoder(), small_encoder(**{field: value})
    if field != "initializer_range":
        changed.load_state_dict(base.state_dict())  # same weights, another computation
    input_ids = torch.arange(1, 7).view(1, 6)
    assert not torch.allclose(
        base(input_ids).last_hidden_state, changed(input_ids).last_hidden_state, atol=1e-6
    )


@pytest.mark.parametrize("heads", [5, 7])
def test_heads_that_do_not_divide_the_width_are_refused(heads):
    with pytest.raises(ValueError, match=f"hidden_size 24 cannot be split over {heads} heads"):
        dataclasses.replace(SMALL, num_attention_heads=heads)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="'swish' is not one of BERT's activations"):
        dataclasses.replace(SMALL, hidden_act="swish")


# The standard deviation of a normal that is cut at two standard deviations, in units of the uncut one.
CUT = 0.8796


@pytest.mark.parametrize("standard_deviation", [0.02, 0.1])
def test_every_matrix_starts_as_a_truncated_normal(standard_deviation):
    """Error 17: position embeddings, like all others, start at 0.02 and not at torch's default of 1."""
    torch.manual_seed(0)
    model = BertEncoder(
        BertConfiguration(
            vocab_size=600,
            hidden_size=192,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=256,
            initializer_range=standard_deviation,
        )
    )
    matrices = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Embedding))]
    assert model.embeddings.position in matrices and len(matrices) == 3 + 4 + 1
    for module in matrices:
        weight = module.weight.detach()
        if module is model.embeddings.token:
            assert weight[0].eq(0).all(), "the [PAD] row"
            weight = weight[1:]
        assert weight.abs().max() <= 2 * standard_deviation * (1 + 1e-6)
        if weight.numel() > 1000:
            assert weight.abs().max() > 1.95 * standard_deviation
            assert weight.std().item() == pytest.approx(CUT * standard_deviation, rel=0.03)
            assert weight.mean().item() == pytest.approx(0, abs=0.03 * standard_deviation)
        if isinstance(module, nn.Linear):
            assert module.bias.eq(0).all()
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            assert module.weight.eq(1).all() and module.bias.eq(0).all()


@pytest.mark.parametrize("scale", [1e-3, 1e-2, 1e-1])
@torch.no_grad()
def test_epsilon_of_every_layer_norm_is_inside_the_root(scale):
    """Error 18: rows that hardly vary tell sqrt(variance + eps) from sqrt(variance) + eps."""
    model = small_encoder(layer_norm_eps=1e-4)
    head = MaskedLanguageModelHead(model.configuration, model.embeddings.token)
    norms = [model.embeddings.norm, head.norm]
    norms += [norm for block in model.blocks for norm in (block.attention_norm, block.output_norm)]
    x = 5 + scale * torch.randn(10, 24)
    mean, variance = x.double().mean(-1, keepdim=True), x.double().var(-1, keepdim=True, correction=0)
    inside = ((x - mean) / (variance + 1e-4).sqrt()).float()
    outside = ((x - mean) / (variance.sqrt() + 1e-4)).float()
    assert (inside - outside).abs().max() > 1e-2, "these rows would not tell the difference"
    for norm in norms:
        assert_close(norm(x), inside, 1e-3)


@torch.no_grad()
def test_near_constant_rows_through_a_block_keep_epsilon_inside_the_root():
    """Error 18 in place: the embeddings of a model whose rows hardly vary."""
    model = small_encoder(layer_norm_eps=1e-2)
    input_ids = torch.tensor([[4, 5, 6]])
    e = model.embeddings
    x = e.token(input_ids) + e.position.weight[:3] + e.segment.weight[0]
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
    assert_close(e(input_ids, None), (x - mean) / (variance + 1e-2).sqrt(), 1e-6)


@torch.no_grad()
def test_both_norms_of_a_block_keep_epsilon_inside_the_root():
    """Error 18 in a block: with attention and feed-forward silenced, both norms are all that is left."""
    block = small_encoder(layer_norm_eps=1e-2).blocks[0]
    for linear in (block.attention.output, block.contract):
        linear.weight.zero_()
    x = 5 + 1e-2 * torch.randn(1, 3, 24, generator=torch.Generator().manual_seed(0))

    def normalized(x, epsilon_inside: bool):
        variance = x.var(-1, keepdim=True, correction=0)
        root = (variance + 1e-2).sqrt() if epsilon_inside else variance.sqrt() + 1e-2
        return (x - x.mean(-1, keepdim=True)) / root

    expected = normalized(normalized(x, True), True)
    for wrong in (normalized(normalized(x, False), True), normalized(normalized(x, True), False)):
        assert (wrong - expected).abs().max() > 1e-2, "these rows would not tell the difference"
    assert_close(block(x)[0], expected, 1e-4)


# Fixes of details that no output shows


@torch.no_grad()
def test_the_joined_product_is_query_key_value_in_this_order():
    attention = SelfAttention(SMALL).eval()
    hidden = torch.randn(2, 5, 24)
    query, key, value = (
        functional.linear(hidden, weight, bias).view(2, 5, 4, 6).transpose(1, 2)
        for weight, bias in zip(
            attention.query_key_value.weight.chunk(3), attention.query_key_value.bias.chunk(3), strict=True
        )
    )
    weights = (query @ key.transpose(-2, -1) / 6**0.5).softmax(-1)
    context = (weights @ value).transpose(1, 2).reshape(2, 5, 24)
    output, found = attention(hidden, None, need_weights=True)
    assert_close(found, weights, 1e-6)
    assert_close(output, attention.output(context), 1e-6)


@torch.no_grad()
def test_without_a_pooler_the_pooled_output_is_the_state_of_cls():
    model = BertEncoder(SMALL, with_pooler=False).eval()
    output = model(torch.arange(1, 7).view(2, 3))
    assert torch.equal(output.pooled_output, output.last_hidden_state[:, 0])
    assert number_of_parameters(model) == number_of_parameters(small_encoder()) - (24 * 24 + 24)
