"""Usual wrong answers to lesson 02's exercises, each with a fragment of the message it must get."""

import math
from functools import partial

import torch
from torch.nn import functional


def _attend(query, key, value, attention_mask, *, divisor=None, axis=-1, masking="before"):
    divisor = math.sqrt(query.shape[-1]) if divisor is None else divisor(query)
    scores = query @ key.transpose(-2, -1) / divisor
    padding = attention_mask[:, None, None, :] == 0
    if masking == "before":
        scores = scores.masked_fill(padding, -1e9)
    if masking == "inverted":
        scores = scores.masked_fill(~padding, -1e9)
    if masking == "minus infinity times mask":
        scores = scores + padding * float("-inf")
    if masking == "queries":
        scores = scores.masked_fill(attention_mask[:, None, :, None] == 0, -1e9)
    weights = scores.softmax(dim=axis)
    if masking == "after":
        weights = weights * attention_mask[:, None, None, :]
    return weights @ value, weights


def _context_transposed(query, key, value, attention_mask):
    weights = _attend(query, key, value, attention_mask)[1]
    return weights.transpose(-2, -1) @ value, weights


def _layer_norm(hidden, weight, bias, eps, *, outside=False, unbiased=False, axis=-1, affine=True):
    mean = hidden.mean(axis, keepdim=True)
    variance = hidden.var(axis, unbiased=unbiased, keepdim=True)
    root = variance.sqrt() + eps if outside else (variance + eps).sqrt()
    normalized = (hidden - mean) / root
    return weight * normalized + bias if affine else normalized


def _block(
    hidden, layer, heads, *, residual=True, pre_norm=False, activation=functional.gelu, root=None, mixed=False
):
    B, T, H = hidden.shape

    def linear(name, x):
        return x @ layer[name + ".weight"].T + layer[name + ".bias"]

    def norm(name, x):
        return functional.layer_norm(x, (H,), layer[name + ".weight"], layer[name + ".bias"], 1e-12)

    def attention(x):
        parts = [
            linear(f"attention.self.{part}", x).view(B, T, heads, -1) for part in ("query", "key", "value")
        ]
        query, key, value = (part.transpose(1, 2) for part in parts)
        context = (query @ key.transpose(-2, -1) / (root or math.sqrt(H // heads))).softmax(-1) @ value
        context = context.reshape(B, T, H) if mixed else context.transpose(1, 2).reshape(B, T, H)
        return linear("attention.output.dense", context)

    def feed_forward(x):
        return linear("output.dense", activation(linear("intermediate.dense", x)))

    first, last = "attention.output.LayerNorm", "output.LayerNorm"
    if pre_norm:
        hidden = hidden + attention(norm(first, hidden))
        return hidden + feed_forward(norm(last, hidden))
    hidden = norm(first, attention(hidden) + (hidden if residual else 0))
    return norm(last, feed_forward(hidden) + hidden)


def _parameters(c, *, tied=True, heads=True, decoder_bias=True, by_heads=1, inner=None, norms=2, biases=True):
    H, inner = c.hidden_size, inner or c.intermediate_size
    embeddings = (c.vocab_size + c.max_position_embeddings + c.type_vocab_size) * H + 2 * H
    attention = by_heads * 4 * (H * H + H * biases)
    feed_forward = 2 * H * inner + (inner + H) * biases
    total = embeddings + c.num_hidden_layers * (attention + feed_forward + norms * 2 * H) + H * H + H
    if heads:
        total += H * H + 3 * H + c.vocab_size * decoder_bias + 2 * H + 2
    return total if tied else total + c.vocab_size * H


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "2.1": [
        (partial(_attend, divisor=lambda query: math.sqrt(query.shape[1] * query.shape[-1])), "d_model"),
        (partial(_attend, divisor=lambda query: 1.0), "not divided by anything"),
        (partial(_attend, divisor=lambda query: query.shape[-1]), "its square root"),
        (partial(_attend, divisor=lambda query: math.sqrt(query.shape[2])), "sequence length"),
        (partial(_attend, axis=-2), "wrong axis"),
        (partial(_attend, axis=1), "wrong axis"),
        (partial(_attend, masking="after"), "after the softmax"),
        (partial(_attend, masking=None), "padding is attended to"),
        (partial(_attend, masking="inverted"), "1 means token"),
        (partial(_attend, masking="queries"), "keys that must be hidden"),
        (partial(_attend, masking="minus infinity times mask"), "NaN"),
        (_context_transposed, "weighted sum of the values"),
        (lambda query, key, value, attention_mask: value, "return context, weights"),
        (lambda query, key, value, attention_mask: (value, value), "the shape should be"),
    ],
    "2.2": [
        (partial(_layer_norm, outside=True), "outside the root"),
        (lambda hidden, weight, bias, eps: weight * (hidden - hidden.mean(-1, keepdim=True)) / (hidden.std(-1, keepdim=True) + eps) + bias, "And std() divides by H - 1"),
        (partial(_layer_norm, unbiased=True), "H - 1"),
        (partial(_layer_norm, axis=0), "wrong axis"),
        (partial(_layer_norm, axis=1), "wrong axis"),
        (partial(_layer_norm, axis=(0, 1, 2)), "wrong axis"),
        (partial(_layer_norm, affine=False), "weight and bias are not used"),
        (lambda hidden, weight, bias, eps: hidden * weight + bias, "differs from LayerNorm by up to"),
        (lambda hidden, weight, bias, eps: hidden.tolist(), "you return list"),
    ],
    "2.3": [
        (partial(_block, residual=False), "residual around attention is missing"),
        (partial(_block, pre_norm=True), "post-norm"),
        (partial(_block, activation=functional.relu), "ReLU"),
        (partial(_block, activation=partial(functional.gelu, approximate="tanh")), "tanh approximation"),
        (partial(_block, activation=lambda x: x), "one linear map"),
        (partial(_block, root=1.0), "not divided by the square root"),
        (partial(_block, root=math.sqrt(384)), "divide by that of one head's width"),
        (partial(_block, mixed=True), "side by side"),
        (lambda hidden, layer, heads: hidden[0], "the shape should be"),
        (lambda hidden, layer, heads: hidden, "differs from the real layer's by up to"),
    ],
    "2.4": [
        (partial(_parameters, tied=False), "It is tied"),
        (partial(_parameters, heads=False), "both heads are missing"),
        (partial(_parameters, decoder_bias=False), "decoder's own bias is missing"),
        (lambda c: _parameters(c, by_heads=c.num_attention_heads), "number of heads"),
        (lambda c: _parameters(c, inner=4 * c.hidden_size), "4 times the hidden size"),
        (partial(_parameters, norms=1), "two LayerNorms"),
        (partial(_parameters, biases=False), "biases of the dense layers in the blocks"),
        (lambda c: 110_000_000, "a difference of"),
        (lambda c: torch.zeros(2), "return one number"),
    ],
}  # fmt: skip


def attend(query, key, value, attention_mask):
    """Return the context (B, A, T, D) and the attention weights (B, A, T, T)."""
    ...


def layer_norm(hidden, weight, bias, eps):
    """Return each token's vector with mean 0 and variance 1, times weight, plus bias."""
    ...


def my_block(hidden, layer, heads):
    """Return the output (B, T, H) of one block with the published weights in the dictionary layer."""
    ...


def pretraining_parameters(configuration):
    """Return the number of parameters of encoder, pooler, word head and sentence head."""
    ...


STUBS = {"2.1": attend, "2.2": layer_norm, "2.3": my_block, "2.4": pretraining_parameters}
