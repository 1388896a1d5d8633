"""Stubs of lesson 11, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import numpy as np
import torch
from scipy import stats
from sklearn.metrics import f1_score, matthews_corrcoef
from torch.nn import functional

from course_lib.lessons import exercises_11 as reference


def pack_pair(first, second, cls_id, sep_id, max_length):
    """Return (input_ids, token_type_ids) of [CLS] first [SEP] second [SEP], the longer side cut if needed."""
    ...


def columns_by_name(probabilities, model_names, our_names):
    """Return the columns of probabilities (N, C) in the order of our names; capitals don't count."""
    ...


def squared_error(scores, labels):
    """Return the mean squared error, shape (), of scores (B, 1) against labels (B,)."""
    ...


def two_correlations(truth, predictions):
    """Return (Pearson, Spearman) of two arrays (N,); equal values share the mean of their ranks."""
    ...


def matthews(labels, predictions):
    """Return Matthews' correlation of two arrays (N,) of 0 and 1, and 0.0 where one of the four sums is 0."""
    ...


STUBS = {
    "11.1": pack_pair,
    "11.2": matthews,
    "11.3": columns_by_name,
    "11.4": squared_error,
    "11.5": two_correlations,
}


def lengths(first, second, room):
    """How many tokens stay on each side, without a loop."""
    if first + second <= room:
        return first, second
    short = min(first, second)
    if short <= room // 2:
        return (room - short, short) if first > second else (short, room - short)
    return room - room // 2, room // 2


def pack_by_counting(first, second, cls_id, sep_id, max_length):
    left, right = lengths(len(first), len(second), max_length - 3)
    start, end = [cls_id, *first[:left], sep_id], [*second[:right], sep_id]
    return start + end, [0] * len(start) + [1] * len(end)


def pack_with_slices(first, second, cls_id, sep_id, max_length):
    while len(first) + len(second) + 3 > max_length:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    ids = [cls_id] + first + [sep_id] + second + [sep_id]
    return tuple(ids), tuple(int(place > len(first) + 1) for place in range(len(ids)))


def pack_with_arrays(first, second, cls_id, sep_id, max_length):
    ids, types = pack_by_counting(first, second, cls_id, sep_id, max_length)
    return np.array(ids), np.array(types)


def pack_with_tensors(first, second, cls_id, sep_id, max_length):
    ids, types = pack_with_slices(first, second, cls_id, sep_id, max_length)
    return [torch.tensor(ids), torch.tensor(types)]


def packed(make):
    """An answer with other ids, and the right token types."""

    def answer(first, second, cls_id, sep_id, max_length):
        _, types = reference.pack_pair(first, second, cls_id, sep_id, max_length)
        return make(list(first), list(second), cls_id, sep_id, max_length), types

    return answer


def typed(change):
    """An answer with right ids and changed token types."""

    def answer(*arguments):
        ids, types = reference.pack_pair(*arguments)
        return ids, change(types)

    return answer


def shortening_in_place(first, second, cls_id, sep_id, max_length):
    while len(first) + len(second) > max_length - 3:
        (first if len(first) > len(second) else second).pop()
    return reference.pack_pair(first, second, cls_id, sep_id, max_length)


def first_in_a_tie(first, second, cls_id, sep_id, max_length):
    while len(first) + len(second) > max_length - 3:
        (first if len(first) >= len(second) else second).pop()
    return [cls_id, *first, sep_id, *second, sep_id]


def from_the_front(first, second, cls_id, sep_id, max_length):
    while len(first) + len(second) > max_length - 3:
        (first if len(first) > len(second) else second).pop(0)
    return [cls_id, *first, sep_id, *second, sep_id]


def halves(first, second, cls_id, sep_id, max_length):
    half = (max_length - 3) // 2
    return [cls_id, *first[:half], sep_id, *second[:half], sep_id]


def columns_by_dictionary(probabilities, model_names, our_names):
    by_name = {name.lower(): probabilities[:, place] for place, name in enumerate(model_names)}
    if set(by_name) != {name.lower() for name in our_names}:
        raise ValueError("other names")
    return np.stack([by_name[name.lower()] for name in our_names], axis=1)


def columns_as_table(probabilities, model_names, our_names):
    import pandas as pd

    table = pd.DataFrame(probabilities, columns=[name.lower() for name in model_names])
    try:
        return table[[name.lower() for name in our_names]].to_numpy()
    except KeyError as error:
        raise ValueError(str(error)) from None


def columns_in_lists(probabilities, model_names, our_names):
    places = [[name.lower() for name in model_names].index(name.lower()) for name in our_names]
    return [[row[place] for place in places] for row in probabilities]


def columns_by_permutation(probabilities, model_names, our_names):
    permutation = np.zeros((len(model_names), len(our_names)))
    for column, name in enumerate(our_names):
        permutation[[n.casefold() for n in model_names].index(name.casefold()), column] = 1
    return probabilities @ permutation


def guessing(probabilities, model_names, our_names):
    try:
        return columns_by_dictionary(probabilities, model_names, our_names)
    except ValueError:
        return probabilities


def case_counts(probabilities, model_names, our_names):
    places = [model_names.index(name) if name in model_names else 0 for name in our_names]
    return probabilities[:, places]


def key_error(probabilities, model_names, our_names):
    by_name = {name.lower(): probabilities[:, place] for place, name in enumerate(model_names)}
    return np.stack([by_name[name] for name in our_names], axis=1)


def way_back(probabilities, model_names, our_names):
    return probabilities[:, [our_names.index(name) for name in model_names]]


def error_in_a_loop(scores, labels):
    return sum((score[0] - label) ** 2 for score, label in zip(scores, labels, strict=True)) / len(labels)


def pearson(first, second):
    return np.corrcoef(first, second)[0, 1]


def ranks_in_a_loop(values):
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2 for value in values]


def ordinal(values):
    return np.argsort(np.argsort(values))


def spearman(truth, predictions):
    return stats.spearmanr(truth, predictions).statistic


def covariance(truth, predictions):
    return ((truth - truth.mean()) * (predictions - predictions.mean())).mean()


def cosine(truth, predictions):
    return truth @ predictions / np.linalg.norm(truth) / np.linalg.norm(predictions)


def counts(labels, predictions):
    """Hits, false alarms, misses and correct noes."""
    labels, predictions = labels.astype(float), predictions.astype(float)
    return (
        (labels * predictions).sum(),
        ((1 - labels) * predictions).sum(),
        (labels * (1 - predictions)).sum(),
        ((1 - labels) * (1 - predictions)).sum(),
    )


def from_counts(make):
    """An answer made from the four counts."""
    return lambda labels, predictions: make(*counts(labels, predictions))


def below(h, f, m, n):
    """Return the lower part of the fraction, and 1 where it is 0."""
    return np.sqrt((h + f) * (h + m) * (n + f) * (n + m)) or 1


def by_correlation(labels, predictions):
    if labels.std() == 0 or predictions.std() == 0:
        return 0.0
    return np.corrcoef(labels, predictions)[0, 1]


def by_shares(labels, predictions):
    both, yes, said = (labels * predictions).mean(), labels.mean(), predictions.mean()
    spread = yes * said * (1 - yes) * (1 - said)
    return (both - yes * said) / np.sqrt(spread) if spread else 0


def with_whole_counts(labels, predictions):
    hits, noes = (labels * predictions).sum(), ((1 - labels) * (1 - predictions)).sum()
    alarms, misses = ((1 - labels) * predictions).sum(), (labels * (1 - predictions)).sum()
    product = (hits + alarms) * (hits + misses) * (noes + alarms) * (noes + misses)
    return (hits * noes - alarms * misses) / np.sqrt(abs(product)) if product else 0.0


def dividing_by_zero(labels, predictions):
    with np.errstate(all="ignore"):
        return np.corrcoef(labels, predictions)[0, 1]


RIGHT = {
    "11.1": [pack_by_counting, pack_with_slices, pack_with_arrays, pack_with_tensors],
    "11.2": [
        by_correlation,
        by_shares,
        matthews_corrcoef,
        from_counts(lambda *c: (c[0] * c[3] - c[1] * c[2]) / below(*c)),
    ],
    "11.3": [columns_by_dictionary, columns_as_table, columns_in_lists, columns_by_permutation],
    "11.4": [
        lambda s, y: functional.mse_loss(s[:, 0], y),
        lambda s, y: (s - y[:, None]).pow(2).mean(),
        error_in_a_loop,
        lambda s, y: torch.dot(s.view(-1) - y, s.view(-1) - y) / len(y),
    ],
    "11.5": [
        lambda t, p: (stats.pearsonr(t, p).statistic, spearman(t, p)),
        lambda t, p: (pearson(t, p), pearson(stats.rankdata(t), stats.rankdata(p))),
        lambda t, p: [pearson(t, p), pearson(ranks_in_a_loop(t), ranks_in_a_loop(p))],
        lambda t, p: np.array([covariance(t, p) / t.std() / p.std(), spearman(t, p)]),
    ],
}

WRONG = {
    "11.1": [
        (shortening_in_place, "Copy them first"),
        (packed(lambda a, b, c, s, n: [c, *a, s, *b, s]), "until it fits"),
        (packed(lambda a, b, c, s, n: [c, *a, s, *b, s][:n]), "end of the whole row"),
        (packed(lambda a, b, c, s, n: reference.pack_pair(a, b, c, s, n)[0][:-1]), "last [SEP] is missing"),
        (packed(lambda a, b, c, s, n: reference.pack_pair(a, b, c, s, n + 3)[0]), "special tokens need room"),
        (packed(lambda a, b, c, s, n: reference.pack_pair(b, a, c, s, n)[0]), "second sentence comes first"),
        (packed(lambda a, b, c, s, n: [c, *a, *b, s]), "aren't in their places"),
        (packed(halves), "half of the room"),
        (packed(first_in_a_tie), "In a tie shorten the second"),
        (packed(from_the_front), "Cut at the end"),
        (typed(lambda types: [0] * len(types)), "every token type is 0"),
        (typed(lambda types: [1 - number for number in types]), "wrong way around"),
        (typed(lambda types: [*types[1:], 1]), "belongs to segment A"),
        (typed(lambda types: [*types[:-1], 0]), "belongs to segment B"),
        (typed(lambda types: types[1:]), "Each id has one"),
    ],
    "11.2": [
        (lambda y, p: (y == p).mean(), "that's the accuracy"),
        (lambda y, p: f1_score(y, p), "that's F1"),
        (from_counts(lambda *c: (c[0] * c[3] - c[1] * c[2]) / below(*c) ** 2), "root is missing"),
        (from_counts(lambda *c: c[0] * c[3] / below(*c)), "product of the errors"),
        (from_counts(lambda *c: (c[0] * c[3] + c[1] * c[2]) / below(*c)), "products are added"),
        (from_counts(lambda *c: (c[1] * c[2] - c[0] * c[3]) / below(*c)), "sign is wrong"),
        (from_counts(lambda h, f, m, n: h * n - f * m), "upper part alone"),
        (lambda y, p: abs(by_correlation(y, p)), "Keep the sign"),
        (dividing_by_zero, "ask before you divide"),
        (with_whole_counts, "doesn't fit in 64 bits"),
    ],
    "11.3": [
        (lambda p, theirs, ours: p, "columns are as before"),
        (way_back, "the way back"),
        (lambda p, theirs, ours: p[:, ::-1], "turned the columns around"),
        (lambda p, theirs, ours: np.sort(p, axis=1), "sorted each row"),
        (lambda p, theirs, ours: p.argmax(axis=1), "Return all the columns"),
        (lambda p, theirs, ours: p.T, "the shape is"),
        (case_counts, "in lower case"),
        (guessing, "Don't guess"),
        (key_error, "raise KeyError; raise a ValueError"),
    ],
    "11.4": [
        (lambda s, y: ((s - y) ** 2).mean(), "compared with every label"),
        (lambda s, y: (s - y) ** 2, "16 numbers for 4 pairs"),
        (lambda s, y: (s[:, 0] - y) ** 2, "take the mean"),
        (lambda s, y: ((s[:, 0] - y) ** 2).sum(), "sum over the pairs"),
        (lambda s, y: (s[:, 0] - y).abs().mean(), "absolute error"),
        (lambda s, y: functional.mse_loss(s[:, 0], y).sqrt(), "has no root"),
        (lambda s, y: functional.mse_loss(s[:, 0], y) / 2, "half of it"),
        (lambda s, y: (s[:, 0] - y).mean() ** 2, "cancel that way"),
        (lambda s, y: -(s.log_softmax(dim=1)[:, 0] * y).mean(), "no classification"),
        (lambda s, y: functional.mse_loss(s.detach()[:, 0], y), "its gradient is gone"),
        (lambda s, y: functional.mse_loss(s[:, 0], y).item(), "return a tensor"),
    ],
    "11.5": [
        (lambda t, p: (spearman(t, p), pearson(t, p)), "Pearson comes first"),
        (lambda t, p: (pearson(t, p) ** 2, spearman(t, p)), "loses the sign"),
        (lambda t, p: (covariance(t, p), spearman(t, p)), "the covariance"),
        (lambda t, p: (cosine(t, p), spearman(t, p)), "subtract the mean"),
        (lambda t, p: (covariance(t, p) / t.std(ddof=1) / p.std(ddof=1), spearman(t, p)), "N - 1"),
        (lambda t, p: (pearson(t, p), pearson(ordinal(t), ordinal(p))), "share the mean of their ranks"),
        (lambda t, p: (pearson(t, p), pearson(np.argsort(t), np.argsort(p))), "argsort of the argsort"),
        (lambda t, p: (pearson(t, p), pearson(t, p)), "both numbers are Pearson's"),
        (lambda t, p: (pearson(t, p), pearson(np.sort(t), np.sort(p))), "tears the pairs apart"),
        (lambda t, p: [pearson(t, p)], "return two numbers"),
    ],
}
