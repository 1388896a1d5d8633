"""Stubs of lesson 08, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import numpy as np
import torch

from course_lib.lessons import exercises_08


def pack(pieces, max_length, cls_id, sep_id):
    """Return [CLS], as many pieces as fit, [SEP]: at most max_length ids."""
    ...


def pad(rows, pad_id=0):
    """Return (input_ids, attention_mask) as tensors, padded on the right to the longest row."""
    ...


def macro_f1(matrix):
    """Return the mean F1 of the classes; matrix[i, j] counts rows of class i that were called j."""
    ...


def choose_epoch(scores):
    """Return the number (from 1) of the epoch to keep, the earliest of equals."""
    ...


STUBS = {"8.1": pack, "8.2": pad, "8.3": macro_f1, "8.4": choose_epoch}


def pad_to(rows, width):
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    return ids, (ids != 0).long()


def pad_left(rows):
    longest = max(map(len, rows))
    ids = torch.tensor([[0] * (longest - len(row)) + row for row in rows])
    return ids, (ids != 0).long()


def all_ones(rows):
    ids, mask = exercises_08.pad(rows)
    return ids, torch.ones_like(mask)


def upside_down(rows):
    ids, mask = exercises_08.pad(rows)
    return ids, 1 - mask


def precision_of(matrix):
    return np.mean(np.diag(matrix) / matrix.sum(axis=0))


def recall_of(matrix):
    return np.mean(np.diag(matrix) / matrix.sum(axis=1))


def nan_f1(matrix):
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.diag(matrix) / matrix.sum(axis=0)
        recall = np.diag(matrix) / matrix.sum(axis=1)
        return float(np.mean(2 * precision * recall / (precision + recall)))


def latest_best(scores):
    best = max(s["validation"] for s in scores)
    return max(i for i, s in enumerate(scores, 1) if s["validation"] == best)


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "8.1": [
        (lambda p, m, c, s: [c, *p, s][:m], "was cut off"),
        (lambda p, m, c, s: [c, *p[:m], s], "more than max_length"),
        (lambda p, m, c, s: [*p[: m - 1], s], "first id must be [CLS]"),
        (lambda p, m, c, s: [c, *p[: m - 1]], "last id must be [SEP]"),
    ],
    "8.2": [
        (lambda rows: pad_to(rows, 128), "work for nothing"),
        (all_ones, "1 everywhere"),
        (upside_down, "upside down"),
        (pad_left, "wrong side"),
    ],
    "8.3": [
        (lambda m: np.trace(m) / m.sum(), "is the accuracy"),
        (recall_of, "mean recall"),
        (precision_of, "mean precision"),
        (nan_f1, "NaN"),
    ],
    "8.4": [
        (lambda s: 1 + max(range(4), key=lambda i: s[i]["test"]), "Choosing by test"),
        (latest_best, "earlier one"),
        (lambda s: max(range(4), key=lambda i: s[i]["validation"]), "plus 1"),
    ],
}
