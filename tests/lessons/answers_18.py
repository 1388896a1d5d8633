"""Stubs of lesson 18, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import numpy as np
import torch

from course_lib.lessons import exercises_18 as reference


def offset_weight(attention, offset):
    """Return (A,): the mean weight from each token to the one `offset` places away, for attention (A, T, T)."""
    ...


def path_points(vectors, baseline, steps):
    """Return (steps, T, H): points from baseline to vectors, both (1, T, H), at the middle of `steps` equal pieces."""
    ...


def remove_direction(states, direction):
    """Return states (N, H) without their part along direction (H,), which may have any length."""
    ...


def equalized_odds_gap(labels, predictions, groups):
    """Return the larger of two gaps between groups: of the true positive rates and of the false positive rates."""
    ...


STUBS = {
    "18.1": offset_weight,
    "18.2": path_points,
    "18.3": remove_direction,
    "18.4": equalized_odds_gap,
}


def weight_in_a_loop(attention, offset):
    heads, length, _ = attention.shape
    found = []
    for head in range(heads):
        pairs = [(i, i + offset) for i in range(length) if 0 <= i + offset < length]
        found.append(sum(attention[head, i, j] for i, j in pairs) / len(pairs))
    return torch.stack(found)


def weight_with_a_mask(attention, offset):
    place = torch.arange(attention.shape[-1])
    mask = place[None, :] - place[:, None] == offset
    return (attention * mask).sum(dim=(1, 2)) / mask.sum()


def path_in_a_loop(vectors, baseline, steps):
    points = [baseline + (step + 0.5) / steps * (vectors - baseline) for step in range(steps)]
    return torch.cat(points)


def path_from(shares_of):
    """A path through other shares of the way."""
    return lambda x, b, n: b + shares_of(torch.arange(n), n)[:, None, None] * (x - b)


def removed_in_place(states, direction):
    unit = direction / direction.norm()
    states -= (states @ unit)[:, None] * unit
    return states


def gap_with_a_dictionary(labels, predictions, groups):
    by_label = {}
    for label, said, group in zip(labels, predictions, groups, strict=True):
        by_label.setdefault(label, {}).setdefault(group, []).append(said)
    return max(
        max(map(np.mean, rates.values())) - min(map(np.mean, rates.values())) for rates in by_label.values()
    )


def fairlearn_gap(labels, predictions, groups):
    from fairlearn.metrics import equalized_odds_difference

    return equalized_odds_difference(labels, predictions, sensitive_features=groups)


def gaps(labels, predictions, groups):
    """Return the gaps of the true and of the false positive rates."""
    found = []
    for truth in (1, 0):
        rates = [predictions[(groups == g) & (labels == truth)].mean() for g in np.unique(groups)]
        found.append(max(rates) - min(rates))
    return found


def gap_of_means(values, groups):
    means = [values[groups == group].mean() for group in np.unique(groups)]
    return max(means) - min(means)


def rolled_weight(attention, offset):
    place = torch.arange(attention.shape[-1])
    return attention[:, place, (place + offset) % len(place)].mean(dim=-1)


RIGHT = {
    "18.1": [
        weight_in_a_loop,
        weight_with_a_mask,
        lambda a, o: torch.stack([torch.diagonal(head, o).mean() for head in a]),
        lambda a, o: a.diagonal(o, 1, 2).sum(-1) / (a.shape[-1] - abs(o)),
    ],
    "18.2": [
        path_in_a_loop,
        path_from(lambda step, n: (2 * step + 1) / (2 * n)),
        lambda x, b, n: torch.lerp(b, x, ((torch.arange(n) + 0.5) / n)[:, None, None]),
        lambda x, b, n: (w := torch.linspace(0.5 / n, 1 - 0.5 / n, n).view(n, 1, 1)) * x + (1 - w) * b,
    ],
    "18.3": [
        lambda s, d: s - torch.outer(s @ d / (d @ d), d),
        lambda s, d: s @ (torch.eye(len(d)) - torch.outer(d, d) / d.pow(2).sum()),
        lambda s, d: torch.stack([row - (row @ d) / (d @ d) * d for row in s]),
        lambda s, d: s - (s * d).sum(-1, keepdim=True) / d.norm() ** 2 * d,
    ],
    "18.4": [
        gap_with_a_dictionary,
        fairlearn_gap,
        lambda y, p, g: np.max(gaps(y, p, g)),
        lambda y, p, g: max(gap_of_means(p[y == truth], g[y == truth]) for truth in (0, 1)),
    ],
}

WRONG = {
    "18.1": [
        (lambda a, o: reference.offset_weight(a, -o), "the *next* token"),
        (lambda a, o: a.diagonal(o, 1, 2).sum(-1) / a.shape[-1], "divided by 5"),
        (lambda a, o: a.diagonal(o, 1, 2).sum(-1), "that's a sum"),
        (rolled_weight, "wrapped around"),
        (lambda a, o: a.diagonal(o, 1, 2).mean(), "one number a head"),
        (lambda a, o: a.diagonal(-1, 1, 2).mean(-1), "wrong for 1"),
        (lambda a, o: a.mean(dim=(1, 2)), "the first head gets"),
        (lambda a, o: a.diagonal(o, 1, 2).mean(-1).tolist(), "return a tensor"),
        (lambda a, o: a[:, 0, 0] * torch.nan, "no numbers (NaN)"),
    ],
    "18.2": [
        (
            lambda x, b, n: b + ((torch.arange(n) + 0.5) / n)[:, None, None] * x - b,
            "the bracket is misplaced",
        ),
        (lambda x, b, n: reference.path_points(b, x, n), "runs backward"),
        (path_from(lambda step, n: step / n), "left ends"),
        (path_from(lambda step, n: (step + 1) / n), "right ends"),
        (path_from(lambda step, n: step / (n - 1)), "outer ends"),
        (lambda x, b, n: reference.path_points(x, b, n) - b, "starts at zero"),
        (lambda x, b, n: x.expand(n, -1, -1), "the first number is"),
        (lambda x, b, n: reference.path_points(x, b, n)[None], "it should be (4, 3, 2)"),
    ],
    "18.3": [
        (lambda s, d: s - (s @ d)[:, None] * d, "length went in twice"),
        (lambda s, d: s - (s @ d)[:, None] * d / d.norm(), "length once"),
        (lambda s, d: (s @ d)[:, None] * d / (d @ d), "the part along"),
        (lambda s, d: s + (s @ d)[:, None] * d / (d @ d), "is added"),
        (lambda s, d: s - d, "moved alike"),
        (lambda s, d: s - d / d.norm(), "moved alike"),
        (removed_in_place, "changes the states"),
        (lambda s, d: s * 0, "the first number is"),
        (lambda s, d: s @ d, "it should be (4, 3)"),
    ],
    "18.4": [
        (lambda y, p, g: gap_of_means(p, g), "demographic parity"),
        (lambda y, p, g: gap_of_means(p == y, g), "gap of accuracy"),
        (lambda y, p, g: min(gaps(y, p, g)), "only one of the two"),
        (lambda y, p, g: gaps(y, p, g)[0], "only one of the two"),
        (lambda y, p, g: gaps(y, p, g)[1], "only one of the two"),
        (lambda y, p, g: sum(gaps(y, p, g)) / 2, "the mean of the two"),
        (lambda y, p, g: 100 * max(gaps(y, p, g)), "that's percent"),
        (lambda y, p, g: -max(gaps(y, p, g)), "is negative"),
        (lambda y, p, g: 0.5, "largest rate with the smallest"),
        (lambda y, p, g: float("nan"), "isn't a number"),
        (lambda y, p, g: gaps(y, p, g), "return one number"),
    ],
}
