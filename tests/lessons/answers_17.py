"""Stubs of lesson 17, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import torch
from torch.nn import functional

from course_lib.lessons import exercises_17 as reference


def concat_layers(states, layers):
    """Return (words, k·H): the states (L + 1, words, H) of k layers side by side, in the order of `layers`."""
    ...


def mix_layers(states, scores, scale):
    """Return (words, H): scale times the sum of the layers (layers, words, H), weighted by softmax(scores)."""
    ...


def low_rank_forward(hidden, weight, bias, down, up, alpha):
    """Return hidden · weightᵀ + bias + alpha/r · (hidden · downᵀ) · upᵀ; down is (r, in), up is (out, r)."""
    ...


def merge_update(weight, down, up, alpha):
    """Return one matrix (out, in) that does the work of the weight and its low-rank update."""
    ...


STUBS = {"17.1": concat_layers, "17.2": mix_layers, "17.3": low_rank_forward, "17.4": merge_update}


def concat_in_a_loop(states, layers):
    joined = states[layers[0]]
    for layer in layers[1:]:
        joined = torch.hstack([joined, states[layer]])
    return joined


def mix_in_a_loop(states, scores, scale):
    weights = torch.softmax(scores, 0)
    mixed = torch.zeros_like(states[0])
    for weight, layer in zip(weights, states, strict=True):
        mixed += weight * layer
    return scale * mixed


def mixed(weights_of):
    """A mix with other weights."""
    return lambda states, scores, scale: scale * torch.einsum("l,lwh->wh", weights_of(scores), states)


def merged_in_place(weight, down, up, alpha):
    weight += alpha / down.shape[0] * up @ down
    return weight


def from_forward(make):
    """An answer made of the frozen layer's result, the product and the bias."""
    return lambda h, w, b, down, up, alpha: make(h @ w.T + b, h @ down.T @ up.T, b)


def from_update(make):
    """An answer made of the weight and the unscaled update."""
    return lambda w, down, up, alpha: make(w, up @ down)


RIGHT = {
    "17.1": [
        concat_in_a_loop,
        lambda s, n: s[n].transpose(0, 1).flatten(1),
        lambda s, n: s[list(n)].permute(1, 0, 2).reshape(s.shape[1], -1),
        lambda s, n: torch.stack([s[layer] for layer in n], dim=1).flatten(1),
    ],
    "17.2": [
        mix_in_a_loop,
        lambda s, w, c: c * (w.softmax(0)[:, None, None] * s).sum(dim=0),
        lambda s, w, c: c * torch.tensordot(w.softmax(0), s, dims=1),
        lambda s, w, c: (s.permute(1, 2, 0) @ functional.softmax(w, dim=0)) * c,
    ],
    "17.3": [
        lambda h, w, b, d, u, a: functional.linear(h, w, b) + a / len(d) * functional.linear(h @ d.T, u),
        lambda h, w, b, d, u, a: h @ (w + a / d.shape[0] * u @ d).T + b,
        lambda h, w, b, d, u, a: functional.linear(h, w, b) + (h @ d.T @ u.T) * (a / d.size(0)),
        lambda h, w, b, d, u, a: torch.addmm(b, h, w.T) + torch.einsum("nr,or->no", h @ d.T, u) * a / len(d),
    ],
    "17.4": [
        lambda w, d, u, a: w + (a / len(d)) * torch.einsum("or,ri->oi", u, d),
        lambda w, d, u, a: torch.addmm(w, u, d, alpha=a / d.shape[0]),
        lambda w, d, u, a: w.clone().add_(u @ d, alpha=a / d.size(0)),
        lambda w, d, u, a: (w.T + a / len(d) * d.T @ u.T).T,
    ],
}

WRONG = {
    "17.1": [
        (lambda s, n: torch.cat([s[layer] for layer in n]), "below each other"),
        (lambda s, n: s[n], "not joined yet"),
        (lambda s, n: s[n].mean(0), "a sum or a mean"),
        (lambda s, n: s[n].sum(0), "a sum or a mean"),
        (lambda s, n: reference.concat_layers(s, n[::-1]), "wrong order"),
        (lambda s, n: s[n].reshape(s.shape[1], -1), "reshape alone"),
        (lambda s, n: s[n].permute(1, 2, 0).flatten(1), "alternate"),
        (lambda s, n: reference.concat_layers(s, sorted(n)), "for the layers [3, 0]"),
        (lambda s, n: reference.concat_layers(s, [0, 1]), "the first row is"),
        (lambda s, n: s[n].tolist(), "return a tensor"),
        (lambda s, n: s.transpose(0, 1).flatten(1), "it should be (3, 4)"),
    ],
    "17.2": [
        (lambda s, w, c: c * w.softmax(0)[:, None, None] * s, "not summed yet"),
        (lambda s, w, c: torch.einsum("l,lwh->wh", w.softmax(0), s), "scale is missing"),
        (mixed(lambda scores: scores), "used as weights"),
        (mixed(lambda scores: torch.full_like(scores, 1 / len(scores))), "the scores play no part"),
        (lambda s, w, c: torch.einsum("l,lwh->wh", (c * w).softmax(0), s), "outside of the softmax"),
        (mixed(torch.sigmoid), "a sigmoid gives"),
        (lambda s, w, c: s.sum(0), "the first number is"),
        (lambda s, w, c: s.sum(dim=1), "it should be (4, 5)"),
    ],
    "17.3": [
        (from_forward(lambda base, product, bias: base), "frozen layer alone"),
        (from_forward(lambda base, product, bias: 4 * product), "frozen layer is missing"),
        (from_forward(lambda base, product, bias: base + product), "isn't scaled"),
        (from_forward(lambda base, product, bias: base + 8 * product), "Divide it by the rank"),
        (from_forward(lambda base, product, bias: base + 4 * product - bias), "bias of the frozen layer"),
        (from_forward(lambda base, product, bias: base + 4 * product + 3 * bias), "Only the product is"),
        (from_forward(lambda base, product, bias: base + 2 * product), "the first number is"),
        (from_forward(lambda base, product, bias: base.T), "it should be (5, 4)"),
    ],
    "17.4": [
        (from_update(lambda w, update: w + 2 * update.T), "is transposed"),
        (from_update(lambda w, update: 2 * update), "update alone"),
        (from_update(lambda w, update: w + update), "isn't scaled"),
        (from_update(lambda w, update: w + 6 * update), "alpha / r, as in"),
        (from_update(lambda w, update: w - 2 * update), "undo a merge"),
        (from_update(lambda w, update: w), "Nothing is merged"),
        (from_update(lambda w, update: w + 3 * update), "the first number is"),
        (from_update(lambda w, update: w * torch.nan), "no numbers (NaN)"),
        (from_update(lambda w, update: w[:2]), "it should be (6, 6)"),
        (merged_in_place, "changes the weight"),
    ],
}
