"""Stubs of lesson 08, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

from collections import deque
from fractions import Fraction
from itertools import zip_longest

import numpy as np
import torch
from sklearn.metrics import f1_score

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


# Right, in other styles ---------------------------------------------------------------------------


def pack_in_place(pieces, max_length, cls_id, sep_id):
    ids = list(pieces)
    del ids[max_length - 2 :]
    ids.insert(0, cls_id)
    ids.append(sep_id)
    return ids


def pack_by_loop(pieces, max_length, cls_id, sep_id):
    ids = [cls_id]
    for piece in pieces:
        if len(ids) == max_length - 1:
            break
        ids.append(piece)
    ids.append(sep_id)
    return ids


def pack_array(pieces, max_length, cls_id, sep_id):
    return np.concatenate([[cls_id], np.array(pieces[: max_length - 2], dtype=int), [sep_id]])


def pack_tensor(pieces, max_length, cls_id, sep_id):
    pieces = torch.tensor(pieces, dtype=torch.long)[: max_length - 2]
    return torch.cat([torch.tensor([cls_id]), pieces, torch.tensor([sep_id])])


def pack_iterator(pieces, max_length, cls_id, sep_id):
    yield cls_id
    yield from pieces[: max_length - 2]
    yield sep_id


def pad_with_torch(rows, pad_id=0):
    tensors = [torch.tensor(row) for row in rows]
    ids = torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=pad_id)
    lengths = torch.tensor([len(row) for row in rows])
    return ids, torch.arange(ids.shape[1])[None, :] < lengths[:, None]


def pad_with_numpy(rows, pad_id=0):
    ids = np.full((len(rows), max(map(len, rows))), pad_id)
    mask = np.zeros(ids.shape)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = row, 1
    return ids, mask


def pad_with_zip(rows, pad_id=0):
    columns = list(zip_longest(*rows, fillvalue=pad_id))
    ids = torch.tensor(columns, dtype=torch.int32).T
    return [ids, torch.tensor([[float(i < len(row)) for i in range(ids.shape[1])] for row in rows])]


def pad_a_copy(rows, pad_id=0):
    rows, longest = [list(row) for row in rows], max(len(row) for row in rows)
    mask = []
    for row in rows:
        mask.append([1] * len(row))
        while len(row) < longest:
            row.append(pad_id)
            mask[-1].append(0)
    return torch.LongTensor(rows), torch.LongTensor(mask)


def pad_by_id(rows, pad_id=0):
    ids, _ = exercises_08.pad(rows, pad_id)
    return ids, ids.ne(pad_id).int()


def f1_by_sklearn(matrix):
    rows, columns = np.indices(matrix.shape)
    truth, said = (np.repeat(kind.ravel(), matrix.ravel()) for kind in (rows, columns))
    return f1_score(truth, said, average="macro", labels=range(len(matrix)), zero_division=0)


def f1_by_torch(matrix):
    matrix = torch.tensor(matrix).float()
    return (2 * matrix.diag() / (matrix.sum(0) + matrix.sum(1)).clamp(min=1)).mean()


def f1_by_fractions(matrix):
    total, rows = 0, matrix.tolist()
    for k, row in enumerate(rows):
        both = sum(row) + sum(other[k] for other in rows)
        total += Fraction(2 * row[k], both) if both else 0
    return total / len(rows)


def f1_in_half_steps(matrix):
    found, called, true = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    precision = np.divide(found, called, out=np.zeros(len(matrix)), where=called > 0)
    recall = np.divide(found, true, out=np.zeros(len(matrix)), where=true > 0)
    both = precision + recall
    return np.divide(2 * precision * recall, both, out=np.zeros(len(matrix)), where=both > 0).mean()


def epoch_by_loop(scores):
    best, number = float("-inf"), 0
    for i, score in enumerate(scores, start=1):
        if score["validation"] > best:
            best, number = score["validation"], i
    return number


RIGHT = {
    "8.1": [
        pack_in_place,
        pack_by_loop,
        pack_array,
        pack_tensor,
        pack_iterator,
        lambda p, m, c, s: deque((c, *p[: m - 2], s)),
    ],
    "8.2": [pad_with_torch, pad_with_numpy, pad_with_zip, pad_a_copy, pad_by_id],
    "8.3": [f1_by_sklearn, f1_by_torch, f1_by_fractions, f1_in_half_steps],
    "8.4": [
        epoch_by_loop,
        lambda s: np.argmax([score["validation"] for score in s]) + 1,
        lambda s: torch.tensor([score["validation"] for score in s], dtype=torch.double).argmax() + 1,
        lambda s: max(range(1, len(s) + 1), key=lambda i: s[i - 1]["validation"]),
        lambda s: -max((score["validation"], -i) for i, score in enumerate(s, 1))[1],
        lambda s: sorted(enumerate(s, 1), key=lambda pair: -pair[1]["validation"])[0][0],
    ],
}

# Wrong --------------------------------------------------------------------------------------------


def insert_in_place(pieces, max_length, cls_id, sep_id):
    pieces.insert(0, cls_id)
    return [*pieces[: max_length - 1], sep_id]


def pad_to(width):
    def padded(rows, pad_id=0):
        ids = torch.tensor([(row + [pad_id] * width)[:width] for row in rows])
        return ids, torch.tensor([[int(i < len(row)) for i in range(width)] for row in rows])

    return padded


def pad_left(rows, pad_id=0):
    longest = max(map(len, rows))
    ids = torch.tensor([[pad_id] * (longest - len(row)) + row for row in rows])
    return ids, (ids != pad_id).long()


def padded(change):
    """Return a right answer to 8.2 whose result is changed."""
    return lambda rows, pad_id=0: change(*exercises_08.pad(rows, pad_id))


def pad_in_place(rows, pad_id=0):
    longest = max(map(len, rows))
    mask = torch.tensor([[int(i < len(row)) for i in range(longest)] for row in rows])
    for row in rows:
        row += [pad_id] * (longest - len(row))
    return torch.tensor(rows), mask


def per_class(matrix):
    return np.array(
        [exercises_08.macro_f1(np.array([[matrix[k, k], 0], [0, 0]])) for k in range(len(matrix))]
    )


def precision_of(matrix):
    return np.mean(np.diag(matrix) / matrix.sum(axis=0))


def recall_of(matrix):
    return np.mean(np.diag(matrix) / matrix.sum(axis=1))


def f1_of_means(matrix):
    return 2 * precision_of(matrix) * recall_of(matrix) / (precision_of(matrix) + recall_of(matrix))


def weighted_f1(matrix):
    f1 = 2 * np.diag(matrix) / (matrix.sum(axis=0) + matrix.sum(axis=1))
    return (f1 * matrix.sum(axis=1)).sum() / matrix.sum()


def nan_f1(matrix):
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.diag(matrix) / matrix.sum(axis=0)
        recall = np.diag(matrix) / matrix.sum(axis=1)
        return float(np.mean(2 * precision * recall / (precision + recall)))


def f1_of(select):
    """Return a mean over the classes that ``select`` leaves, by the sums of their columns and rows."""

    def mean_f1(matrix):
        called, true = matrix.sum(axis=0), matrix.sum(axis=1)
        kept = select(called, true)
        return (2 * np.diag(matrix)[kept] / (called + true)[kept]).mean()

    return mean_f1


def best(name, choose=max):
    """Return the first epoch with the best score of a name."""
    return lambda scores: 1 + [s[name] for s in scores].index(choose(s[name] for s in scores))


def latest_best(scores):
    highest = max(s["validation"] for s in scores)
    return max(i for i, s in enumerate(scores, 1) if s["validation"] == highest)


def early_stopping(scores):
    for i in range(1, len(scores)):
        if scores[i]["validation"] < scores[i - 1]["validation"]:
            return best("validation")(scores[:i])
    return best("validation")(scores)


def smallest_gap(scores):
    return 1 + min(range(len(scores)), key=lambda i: scores[i]["training"] - scores[i]["validation"])


def rounded(scores):
    return 1 + max(range(len(scores)), key=lambda i: round(scores[i]["validation"], 2))


WRONG = {
    "8.1": [
        (lambda p, m, c, s: [c, *p, s][:m], "was cut off"),
        (lambda p, m, c, s: [c, *p[:m], s], "[CLS] and [SEP] count too"),
        (lambda p, m, c, s: [*p[: m - 1], s], "first id must be [CLS]"),
        (lambda p, m, c, s: [c, *p[: m - 2]], "last id must be [SEP]"),
        (lambda p, m, c, s: p[:m], "add nothing"),
        (lambda p, m, c, s: [101, *p[: m - 2], 102], "101 and 102 into the code"),
        (lambda p, m, c, s: [c, *p[:126], s], "whatever max_length says"),
        (lambda p, m, c, s: [s, *p[: m - 2], c], "changed places"),
        (lambda p, m, c, s: [c, *p[-(m - 2) :], s], "keep the end of the text"),
        (lambda p, m, c, s: [c, *p[: m - 3], s], "pieces where"),
        (lambda p, m, c, s: [c, *p[: m - 3], s, s], "2 [SEP]"),
        (lambda p, m, c, s: ([c, *p[: m - 2], s] + [0] * m)[:m], "Padding comes later"),
        (lambda p, m, c, s: [c, p[: m - 2], s], "flat list"),
        (lambda p, m, c, s: [str(i) for i in (c, *p[: m - 2], s)], "of type str"),
        (lambda p, m, c, s: {c, *p[: m - 2], s}, "as one list"),
        (insert_in_place, "changes what it's given"),
    ],
    "8.2": [
        (pad_to(128), "Padding further is wasted work"),
        (pad_to(2), "Don't lose any of them"),
        (padded(lambda ids, mask: (ids, torch.ones_like(mask))), "1 everywhere"),
        (padded(lambda ids, mask: (ids, 1 - mask)), "upside down"),
        (pad_left, "wrong side"),
        (padded(lambda ids, mask: ids), "two tensors"),
        (padded(lambda ids, mask: {"input_ids": ids, "attention_mask": mask}), "you return dict"),
        (padded(lambda ids, mask: (mask, ids)), "the two parts have changed places"),
        (padded(lambda ids, mask: (ids.float(), mask)), "torch.float32"),
        (padded(lambda ids, mask: (ids.T, mask.T)), "one line per row"),
        (padded(lambda ids, mask: (ids, mask.sum(dim=1))), "the attention mask has shape"),
        (padded(lambda ids, mask: (ids, -10000 * (1 - mask))), "other values than 1 and 0"),
        (padded(lambda ids, mask: (ids, mask * (ids > 103))), "are tokens too"),
        (padded(lambda ids, mask: (ids.flip(0), mask.flip(0))), "in a different order"),
        (lambda rows, pad_id=0: exercises_08.pad(rows), "you pad with 0"),
        (lambda rows, pad_id=0: (rows, [[1] * len(row) for row in rows]), "different lengths"),
        (pad_in_place, "changes what it's given"),
    ],
    "8.3": [
        (lambda m: np.trace(m) / m.sum(), "is the accuracy"),
        (recall_of, "mean recall"),
        (precision_of, "mean precision"),
        (nan_f1, "NaN"),
        (f1_of_means, "F1 of the mean precision"),
        (weighted_f1, "weighted F1"),
        (lambda m: 2 * m[1, 1] / (m[1].sum() + m[:, 1].sum()), "class 1 alone"),
        (f1_of(lambda called, true: called + true > 0), "no row was called"),
        (f1_of(lambda called, true: called > 0), "never predicted. It counts"),
        (lambda m: exercises_08.macro_f1(m[:2, :2]), "you look only at the first two"),
        (lambda m: 100 * exercises_08.macro_f1(m), "in percent"),
        (lambda m: len(m) * exercises_08.macro_f1(m), "the sum over the classes"),
        (lambda m: exercises_08.macro_f1(m) / 2, "half of it"),
        (lambda m: round(exercises_08.macro_f1(m), 2), "Don't round"),
        (per_class, "one F1 for each"),
    ],
    "8.4": [
        (best("test"), "If you choose by test"),
        (latest_best, "earlier one"),
        (lambda s: best("validation")(s) - 1, "plus 1"),
        (len, "the last epoch"),
        (best("training"), "texts that the model has seen"),
        (best("validation", min), "lowest score"),
        (early_stopping, "look at all epochs"),
        (rounded, "Don't round"),
        (smallest_gap, "smallest gap to training"),
        (lambda s: max(score["validation"] for score in s), "is a score"),
        (lambda s: [best("validation")(s)], "should be one number"),
    ],
}
