"""Stubs of lesson 12, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import numpy as np
import torch
from torch.nn import functional

from course_lib.lessons import exercises_12 as reference


def pack_choices(context, endings, cls_id, sep_id):
    """Return (input_ids, token_type_ids), a list for each ending: [CLS] context [SEP] ending [SEP]."""
    ...


def score_choices(pooled, weight, bias, choices):
    """Return the scores (B, C) of pooled states (B·C, H), with weight (H,) and bias ()."""
    ...


def choice_cross_entropy(scores, labels):
    """Return the mean over the questions of -log(softmax over the endings at the right one)."""
    ...


def keep_hardest(plausibility, count):
    """Return the positions of the `count` most plausible candidates, the most plausible first."""
    ...


STUBS = {
    "12.1": pack_choices,
    "12.2": score_choices,
    "12.3": choice_cross_entropy,
    "12.4": keep_hardest,
}


def pack_in_a_loop(context, endings, cls_id, sep_id):
    ids, types = [], []
    for ending in endings:
        first, second = [cls_id] + context + [sep_id], ending + [sep_id]
        ids.append(first + second)
        types.append([0] * len(first) + [1] * len(second))
    return ids, types


def pack_with_arrays(context, endings, cls_id, sep_id):
    ids = [np.concatenate([[cls_id], context, [sep_id], ending, [sep_id]]).astype(int) for ending in endings]
    return [row.tolist() for row in ids], [
        (np.arange(len(row)) > len(context) + 1).astype(int).tolist() for row in ids
    ]


def pack_as_pairs(context, endings, cls_id, sep_id):
    def row(ending):
        parts = ((cls_id, 0), *((t, 0) for t in context), (sep_id, 0), *((t, 1) for t in ending), (sep_id, 1))
        return tuple(zip(*parts, strict=True))

    rows = [row(ending) for ending in endings]
    return tuple(row[0] for row in rows), tuple(row[1] for row in rows)


def pack_then_count(context, endings, cls_id, sep_id):
    ids = [[cls_id, *context, sep_id, *ending, sep_id] for ending in endings]
    return ids, [[int(place > row.index(sep_id)) for place in range(len(row))] for row in ids]


def typed(change):
    """An answer with right ids and changed token types."""

    def answer(context, endings, cls_id, sep_id):
        ids, types = reference.pack_choices(context, endings, cls_id, sep_id)
        return ids, change(types)

    return answer


def rows_of(make):
    """An answer with other ids, and token types of zeros."""

    def answer(context, endings, cls_id, sep_id):
        ids = [make(context, ending, cls_id, sep_id) for ending in endings]
        return ids, [[0] * len(row) for row in ids]

    return answer


def from_scores(make):
    """An answer made from the right scores (B, C)."""
    return lambda pooled, weight, bias, choices: make(reference.score_choices(pooled, weight, bias, choices))


def loss_in_a_loop(scores, labels):
    losses = [row.logsumexp(0) - row[label] for row, label in zip(scores, labels, strict=True)]
    return sum(losses) / len(losses)


def overflowing(scores, labels):
    shares = scores.exp() / scores.exp().sum(dim=1, keepdim=True)
    return -shares[torch.arange(len(labels)), labels].log().mean()


RIGHT = {
    "12.1": [pack_in_a_loop, pack_with_arrays, pack_as_pairs, pack_then_count],
    "12.2": [
        lambda p, w, b, c: functional.linear(p, w[None], b[None]).view(len(p) // c, c),
        lambda p, w, b, c: (p * w).sum(dim=1).add(b).reshape(-1, c),
        lambda p, w, b, c: torch.einsum("cnh,h->cn", p.unflatten(0, (-1, c)), w) + b,
        lambda p, w, b, c: torch.stack([torch.stack([s @ w + b for s in q]) for q in p.split(c)]),
    ],
    "12.3": [
        functional.cross_entropy,
        lambda s, y: functional.nll_loss(s.log_softmax(dim=1), y),
        loss_in_a_loop,
        lambda s, y: (s.logsumexp(dim=1) - s[torch.arange(len(y)), y]).mean(),
    ],
    "12.4": [
        lambda s, n: np.argsort([-value for value in s])[:n].tolist(),
        lambda s, n: torch.tensor(s).topk(n).indices.tolist(),
        lambda s, n: sorted(range(len(s)), key=s.__getitem__, reverse=True)[:n],
        lambda s, n: [place for _, place in sorted(((v, i) for i, v in enumerate(s)), reverse=True)][:n],
    ],
}

WRONG = {
    "12.1": [
        (rows_of(lambda x, e, c, s: [c, *x, s, *e]), "last [SEP] is missing"),
        (rows_of(lambda x, e, c, s: [c, *e, s, *x, s]), "ending comes before"),
        (rows_of(lambda x, e, c, s: [c, *e, s]), "context is missing"),
        (rows_of(lambda x, e, c, s: [c, *x, *e, s]), "no [SEP] between"),
        (lambda x, e, c, s: ([[c, *x, s, *sum(e, []), s]], [[0]]), "in a separate row"),  # noqa: RUF017
        (typed(lambda types: [[0] * len(row) for row in types]), "every token type is 0"),
        (typed(lambda types: [[*row[1:], 1] for row in types]), "belongs to segment A"),
        (typed(lambda types: [row[:-1] for row in types]), "one number for each id"),
    ],
    "12.2": [
        (from_scores(lambda s: s.flatten()), "back in their questions"),
        (from_scores(lambda s: s.T), "choices came first"),
        (lambda p, w, b, c: (p @ w).view(-1, c), "bias is missing"),
        (lambda p, w, b, c: (p @ w + b).view(c, -1).T, "wrong questions"),
        (from_scores(lambda s: s.softmax(dim=1)), "already a softmax"),
        (from_scores(lambda s: s.sigmoid()), "sigmoid"),
        (from_scores(lambda s: s.tolist()), "return a tensor"),
    ],
    "12.3": [
        (lambda s, y: s.log_softmax(1).gather(1, y[:, None]).mean(), "sign is wrong"),
        (lambda s, y: functional.cross_entropy(s, y, reduction="sum"), "sum over the questions"),
        (lambda s, y: -s.log_softmax(0).gather(1, y[:, None]).mean(), "dim 0"),
        (
            lambda s, y: functional.binary_cross_entropy_with_logits(s, functional.one_hot(y, 4).float()),
            "four yes/no",
        ),
        (lambda s, y: s.softmax(1).gather(1, y[:, None]).mean(), "minus its logarithm"),
        (lambda s, y: -s.gather(1, y[:, None]).mean(), "ignores the three other"),
        (overflowing, "more than a float can hold"),
    ],
    "12.4": [
        (lambda s, n: sorted(s, reverse=True)[:n], "those are the scores"),
        (lambda s, n: sorted(range(len(s)), key=s.__getitem__)[:n], "least plausible"),
        (lambda s, n: sorted(range(len(s)), key=s.__getitem__)[-n:], "the most plausible comes first"),
        (lambda s, n: sorted(np.argsort(s)[-n:].tolist()), "order of the list"),
        (lambda s, n: list(range(n)), "Nothing was filtered"),
        (lambda s, n: np.argsort(s)[::-1].tolist(), "count is 3"),
        (lambda s, n: [3, 1, 4], "for count 2"),
    ],
}
