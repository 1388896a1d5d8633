"""Stubs of lesson 15, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import itertools
import math

import numpy as np
from scipy.stats import binom, binomtest

from course_lib.lessons import exercises_15 as reference
from course_lib.studies.case_study.calibration import expected_calibration_error
from course_lib.studies.case_study.truncation import cut_pieces


def head_and_tail(pieces, room, head_share=0.25):
    """Return at most `room` pieces: a share of them from the head, the rest from the tail."""
    ...


def mcnemar_p_value(only_first, only_second):
    """Return the exact two-sided p-value for what each of two models alone got right."""
    ...


def calibration_error(confidences, right, bins=10):
    """Return the expected calibration error of confidences (N,) and right (N,), numpy arrays."""
    ...


def surest_mistakes(losses, right, count):
    """Return the positions of the `count` wrong rows with the largest loss, the largest first."""
    ...


STUBS = {
    "15.1": mcnemar_p_value,
    "15.2": head_and_tail,
    "15.3": calibration_error,
    "15.4": surest_mistakes,
}


def cut_by_position(pieces, room, head_share=0.25):
    head = round(head_share * room)
    left_out = range(head, max(head, len(pieces) - room + head))
    return [piece for place, piece in enumerate(pieces) if place not in left_out]


def cut_by_deleting(pieces, room, head_share=0.25):
    kept, head = list(pieces), int(head_share * room + 0.5)
    while len(kept) > room:
        del kept[head]
    return kept


def cut_with_arrays(pieces, room, head_share=0.25):
    pieces = np.array(pieces)
    if len(pieces) <= room:
        return pieces
    head = int(np.rint(head_share * room))
    return np.concatenate([pieces[:head], pieces[len(pieces) - room + head :]])


def cut_as_the_library(pieces, room, head_share=0.25):
    if head_share == 0.25:
        return cut_pieces(pieces, room, "head+tail")
    return reference.head_and_tail(pieces, room, head_share)


def cut(make):
    """An answer that is right for texts that fit, and wrong for others."""
    return lambda p, r, s=0.25: list(p) if len(p) <= r else make(p, r, round(s * r))


def every_flip(first, second):
    flips = first + second
    seen = abs(first - second)
    worlds = [abs(2 * sum(world) - flips) >= seen for world in itertools.product((0, 1), repeat=flips)]
    return sum(worlds) / len(worlds)


def by_the_larger_tail(first, second):
    flips, more = first + second, max(first, second)
    return min(1.0, 2 * sum(math.comb(flips, heads) for heads in range(more, flips + 1)) * 0.5**flips)


def errors_by_edges(confidences, right, bins=10):
    numbers = np.digitize(confidences, np.linspace(0, 1, bins + 1)[1:-1])
    return sum(abs((confidences - right)[numbers == number].sum()) for number in np.unique(numbers)) / len(
        right
    )


def errors_by_bincount(confidences, right, bins=10):
    numbers = np.clip((confidences * bins).astype(int), 0, bins - 1)
    sure, hits = (np.bincount(numbers, values, bins) for values in (confidences, right.astype(float)))
    return np.abs(sure - hits).sum() / len(right)


def errors_in_lists(confidences, right, bins=10):
    groups = {}
    for confidence, hit in zip(confidences.tolist(), right.tolist(), strict=True):
        groups.setdefault(min(int(confidence * bins), bins - 1), []).append((confidence, hit))
    total = 0
    for rows in groups.values():
        sure, hits = zip(*rows, strict=True)
        total += len(rows) * abs(sum(sure) / len(rows) - sum(hits) / len(rows))
    return total / len(right)


def binned(combine, numbers_of=None):
    """An answer that combines (share, signed gap) of each bin that holds a row in another way."""

    def answer(confidences, right, bins=10):
        numbers = (confidences * bins).astype(int) if numbers_of is None else numbers_of(confidences, bins)
        groups = [numbers == number for number in range(bins + 1)]
        return combine([(g.mean(), confidences[g].mean() - right[g].mean()) for g in groups if g.any()])

    return answer


def without_ones(confidences, right, bins=10):
    error = 0.0
    for low in np.linspace(0, 1, bins + 1)[:-1]:
        inside = (confidences >= low) & (confidences < low + 1 / bins)
        if inside.any():
            error += inside.mean() * abs(confidences[inside].mean() - right[inside].mean())
    return error


def ranked(losses, right, count):
    losses = np.array(losses)
    wrong = np.flatnonzero(~np.array(right))
    return wrong[np.argsort(-losses[wrong])][:count].tolist()


RIGHT = {
    "15.1": [
        lambda a, b: 1.0 if a + b == 0 else binomtest(a, a + b).pvalue,
        every_flip,
        by_the_larger_tail,
        lambda a, b: min(1.0, 2 * float(binom.cdf(min(a, b), a + b, 0.5))),
    ],
    "15.2": [cut_by_position, cut_by_deleting, cut_with_arrays, cut_as_the_library],
    "15.3": [errors_by_edges, errors_by_bincount, errors_in_lists, expected_calibration_error],
    "15.4": [
        ranked,
        lambda x, ok, n: [row for row in np.argsort(x)[::-1].tolist() if not ok[row]][:n],
        lambda x, ok, n: [r for _, r in sorted(((v, i) for i, v in enumerate(x) if not ok[i]), reverse=True)][
            :n
        ],
        lambda x, ok, n: sorted((i for i, o in enumerate(ok) if not o), key=x.__getitem__, reverse=True)[:n],
    ],
}

WRONG = {
    "15.1": [
        (lambda a, b: reference.mcnemar_p_value(a, b) / 2, "one tail"),
        (lambda a, b: math.comb(a + b, min(a, b)) / 2 ** (a + b), "exactly 3 heads"),
        (lambda a, b: 2 * sum(math.comb(a + b, k) for k in range(min(a, b))) / 2 ** (a + b), "0 to 2"),
        (lambda a, b: 1 - reference.mcnemar_p_value(a, b), "1 minus"),
        (lambda a, b: math.erfc(abs(a - b) / math.sqrt(2 * (a + b))), "chi-square"),
        (
            lambda a, b: 2 * sum(math.comb(a + b, k) for k in range(min(a, b) + 1)) / 2 ** (a + b),
            "never more",
        ),
        (
            lambda a, b: 2 * sum(math.comb(a + b, k) for k in range(a + 1)) / 2 ** (a + b),
            "the smaller number",
        ),
        (lambda a, b: [a, b], "return a number"),
    ],
    "15.2": [
        (lambda p, r, s=0.25: p[:r], "head alone"),
        (lambda p, r, s=0.25: p[-r:], "tail alone"),
        (cut(lambda p, r, h: [*p[: r - h], *p[-h:]]), "changed places"),
        (cut(lambda p, r, h: [*p[h - r :], *p[:h]]), "tail comes first"),
        (lambda p, r, s=0.25: [*p[: round(s * r)], *p[-(r - round(s * r)) :]], "stays whole"),
        (cut(lambda p, r, h: [*p[:h], *p[-(r - h) :]]), "no tail"),
        (cut(lambda p, r, h: [*p[:2], *p[-6:]]), "Is head_share used"),
        (lambda p, r, s=0.25: p, "room for 8"),
        (lambda p, r, s=0.25: len(p), "return a list of pieces"),
    ],
    "15.3": [
        (binned(lambda parts: np.mean([abs(gap) for _, gap in parts])), "counts the same"),
        (binned(lambda parts: max(abs(gap) for _, gap in parts)), "largest gap"),
        (binned(lambda parts: abs(sum(share * gap for share, gap in parts))), "cancel"),
        (binned(lambda parts: sum(share * gap**2 for share, gap in parts)), "square"),
        (lambda c, ok, bins=10: np.abs(c - ok).mean(), "each single row"),
        (lambda c, ok, bins=10: len(ok) * errors_by_edges(c, ok, bins), "number of rows"),
        (binned(lambda parts: sum(abs(gap) for _, gap in parts) / 10), "empty ones too"),
        (without_ones, "none of your bins"),
        (binned(lambda parts: sum(share * abs(gap) for share, gap in parts)), "an eleventh one"),
        (lambda c, ok, bins=10: expected_calibration_error(c, ok, 10), "still ten bins"),
    ],
    "15.4": [
        (lambda x, ok, n: sorted(range(len(x)), key=lambda i: -x[i])[:n], "Are rows left out"),
        (
            lambda x, ok, n: sorted((i for i in range(len(x)) if not ok[i]), key=x.__getitem__)[:n],
            "closest calls",
        ),
        (lambda x, ok, n: np.argsort(x)[:n].tolist(), "the easy ones"),
        (lambda x, ok, n: ranked(x, ok, n)[::-1], "largest loss comes first"),
        (lambda x, ok, n: sorted(ranked(x, ok, n)), "order of the data"),
        (lambda x, ok, n: np.flatnonzero(~np.array(ok))[:n].tolist(), "first three mistakes"),
        (
            lambda x, ok, n: np.argsort([-v for v, o in zip(x, ok, strict=True) if not o])[:n].tolist(),
            "among all rows",
        ),
        (
            lambda x, ok, n: sorted((v for v, o in zip(x, ok, strict=True) if not o), reverse=True)[:n],
            "those are losses",
        ),
        (lambda x, ok, n: ranked(x, ok, 9), "count is 3"),
    ],
}
