"""Stubs of lesson 09, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import bisect
from decimal import Decimal
from fractions import Fraction
from itertools import product

import numpy as np
import torch

from course_lib.lessons import exercises_09


def starts_of_windows(length, room, step):
    """Return where the windows start: step apart, room pieces each, until the last piece is in one."""
    ...


def piece_span(offsets, start, text):
    """Return the first and the last piece that share a character with the answer."""
    ...


def best_span(start_scores, end_scores, first, last, max_answer):
    """Return (start, end) with the highest sum of scores, both from first to last, at most max_answer pieces."""
    ...


def choose_threshold(candidates, parts):
    """Return the candidate with the highest mean F1."""
    ...


STUBS = {"9.1": piece_span, "9.2": starts_of_windows, "9.3": best_span, "9.4": choose_threshold}


# Right, in other styles ---------------------------------------------------------------------------


def pieces_by_numpy(offsets, start, text):
    starts, ends = np.array(offsets).T
    return np.flatnonzero((starts < start + len(text)) & (ends > start))[[0, -1]]


def pieces_by_torch(offsets, start, text):
    starts, ends = torch.tensor(offsets).unbind(dim=1)
    touched = ((starts < start + len(text)) & (ends > start)).nonzero()
    return touched.min(), touched.max()


def pieces_by_sets(offsets, start, text):
    characters = set(range(start, start + len(text)))
    return [f(i for i, (a, b) in enumerate(offsets) if characters & set(range(a, b))) for f in (min, max)]


def pieces_by_loop(offsets, start, text):
    first = last = None
    for i, (a, b) in enumerate(offsets):
        if b <= start or a >= start + len(text):
            continue
        if first is None:
            first = i
        last = i
    return first, last


def pieces_by_bisection(offsets, start, text):
    starts, ends = [a for a, _ in offsets], [b for _, b in offsets]
    return bisect.bisect_right(ends, start), bisect.bisect_left(starts, start + len(text)) - 1


def windows_by_recursion(length, room, step, start=0):
    more = start + room < length
    return [start] + (windows_by_recursion(length, room, step, start + step) if more else [])


def windows_by_count(length, room, step):
    return [i * step for i in range(1 + max(0, -(-(length - room) // step)))]


def windows_by_loop(length, room, step):
    start = 0
    yield start
    while start + room < length:
        start += step
        yield start


def span_by_numpy(start_scores, end_scores, first, last, max_answer):
    sums = np.add.outer(start_scores, end_scores)
    rows, columns = np.indices(sums.shape)
    legal = (rows >= first) & (columns <= last) & (rows <= columns) & (columns < rows + max_answer)
    return np.unravel_index(np.where(legal, sums, -np.inf).argmax(), sums.shape)


def span_by_torch(start_scores, end_scores, first, last, max_answer):
    sums = torch.tensor(start_scores)[:, None] + torch.tensor(end_scores)[None, :]
    inside = torch.zeros(len(start_scores), dtype=torch.bool)
    inside[first : last + 1] = True
    legal = torch.ones_like(sums, dtype=torch.bool).triu().tril(max_answer - 1) & inside[:, None] & inside
    position = sums.masked_fill(~legal, float("-inf")).argmax()
    return torch.stack([position // len(sums), position % len(sums)])


def span_by_loops(start_scores, end_scores, first, last, max_answer):
    best, span = float("-inf"), None
    for start in range(first, last + 1):
        for end in range(start, last + 1):
            if (
                end - start < max_answer and start_scores[start] + end_scores[end] >= best
            ):  # the last of equals
                best, span = start_scores[start] + end_scores[end], [start, end]
    return span


def span_by_sorting(start_scores, end_scores, first, last, max_answer):
    inside = range(first, last + 1)
    pairs = sorted(product(inside, inside), key=lambda pair: -start_scores[pair[0]] - end_scores[pair[1]])
    return next(pair for pair in pairs if 0 <= pair[1] - pair[0] < max_answer)


def threshold_by_numpy(candidates, parts):
    difference, f1, has_answer = np.array(parts["validation"], dtype=float).T
    withheld = difference[None] > np.array(candidates)[:, None]
    means = np.where(withheld, 100 * (1 - has_answer), f1).mean(axis=1)
    return np.array(candidates)[means.argmax()]


def threshold_by_torch(candidates, parts):
    rows = torch.tensor([[float(value) for value in row] for row in parts["validation"]])
    means = [torch.where(rows[:, 0] > t, 100 - 100 * rows[:, 2], rows[:, 1]).mean() for t in candidates]
    return torch.tensor(candidates)[torch.stack(means).argmax()]


def threshold_by_fractions(candidates, parts):
    def mean(threshold):
        rows = parts["validation"]
        given = sum(Fraction(f1) for difference, f1, _ in rows if not difference > threshold)
        return (given + 100 * sum(d > threshold and not has for d, _, has in rows)) / len(rows)

    return Decimal(max(sorted(candidates), key=mean))


RIGHT = {
    "9.1": [pieces_by_numpy, pieces_by_torch, pieces_by_sets, pieces_by_loop, pieces_by_bisection],
    "9.2": [
        windows_by_recursion,
        windows_by_count,
        windows_by_loop,
        lambda length, room, step: range(0, max(1, length - room + step), step),
        lambda length, room, step: np.arange(0, max(1, length - room + step), step),
        lambda length, room, step: torch.arange(0, max(1, length - room + step), step),
    ],
    "9.3": [span_by_numpy, span_by_torch, span_by_loops, span_by_sorting],
    "9.4": [
        threshold_by_numpy,
        threshold_by_torch,
        threshold_by_fractions,
        lambda candidates, parts: max(
            candidates, key=lambda t: exercises_09.f1_at(t, parts["validation"]) / 100
        ),
        lambda candidates, parts: max((exercises_09.f1_at(t, parts["validation"]), t) for t in candidates)[1],
    ],
}

# Wrong --------------------------------------------------------------------------------------------


def overlapping(length, room, step):
    starts = [0]
    while starts[-1] + room < length:
        starts.append(starts[-1] + max(1, room - step))
    return starts


def one_short(length, room, step):
    return list(range(0, max(1, length - room), step))[:-1] or [0]


def pulled_back(length, room, step):
    return sorted(
        {min(start, max(0, length - room)) for start in range(0, max(1, length - room + step), step)}
    )


def first_likeness(offsets, start, text):
    return exercises_09.piece_span(offsets, exercises_09.PARAGRAPH.index(text), text)


def by_words(offsets, start, text):
    first = len(exercises_09.PARAGRAPH[:start].split())
    return first, first + len(text.split()) - 1


def pieces(change):
    """Return a right answer to 9.1 whose result is changed."""
    return lambda offsets, start, text: change(*exercises_09.piece_span(offsets, start, text))


def touching(offsets, start, text):
    found = [i for i, (a, b) in enumerate(offsets) if a < start + len(text) and b >= start]
    return found[0], found[-1]


def shorter_by_a_part(offsets, start, text):
    first, last = exercises_09.piece_span(offsets, start, text)
    if last > first and offsets[last][1] > start + len(text):
        last -= 1
    return first, last


def each_alone(starts, ends, first, last, longest):
    inside = range(first, last + 1)
    return max(inside, key=lambda i: starts[i]), max(inside, key=lambda i: ends[i])


def anywhere(starts, ends, first, last, longest):
    return exercises_09.best_span(starts, ends, 0, len(starts) - 1, longest)


def any_length(starts, ends, first, last, longest):
    return exercises_09.best_span(starts, ends, first, last, 100)


def too_short(starts, ends, first, last, longest):
    return exercises_09.best_span(starts, ends, first, last, longest - 1)


def start_first(starts, ends, first, last, longest):
    start = max(range(first, last + 1), key=lambda i: starts[i])
    return start, max(range(start, min(start + longest - 1, last) + 1), key=lambda i: ends[i])


def searched(legal=lambda start, end, last: True, key=lambda a, b: a + b, least=float("-inf")):
    """Return a search of all pairs that differs from the right one in one point."""

    def search(starts, ends, first, last, longest):
        best, span = least, (first, first)
        for start in range(first, last + 1):
            for end in range(start, min(start + longest, last + 1)):
                if legal(start, end, last) and key(starts[start], ends[end]) > best:
                    best, span = key(starts[start], ends[end]), (start, end)
        return span

    return search


def masking(starts, ends, first, last, longest):
    starts[:first] = ends[:first] = [-100] * first
    return exercises_09.best_span(starts, ends, first, last, longest)


def choose_on(select, best=max):
    return lambda candidates, parts: best(candidates, key=lambda t: exercises_09.f1_at(t, select(parts)))


def or_equal(candidates, parts):
    def mean(threshold):
        return sum((0 if has else 100) if d >= threshold else f1 for d, f1, has in parts["validation"])

    return max(candidates, key=mean)


def right_decisions(candidates, parts):
    return max(candidates, key=lambda t: sum((d > t) != has for d, _, has in parts["validation"]))


WRONG = {
    "9.2": [
        (overlapping, "stride of some libraries is an overlap"),
        (lambda length, room, step: list(range(0, length, step)), "nothing that's new"),
        (one_short, "never read"),
        (lambda length, room, step: [s for s in range(step, length, step)], "starts at 0"),
        (lambda length, room, step: list(range(0, length, room)), "stand side by side"),
        (pulled_back, "pull the last window back"),
        (lambda length, room, step: exercises_09.starts_of_windows(length, room, 128), "128 apart"),
        (lambda length, room, step: len(windows_by_count(length, room, step)), "as one list"),
        (lambda length, room, step: [(s, s + room) for s in range(0, length, step)], "without its end"),
        (lambda length, room, step: [s / 1 for s in windows_by_count(length, room, step)], "of type float"),
    ],
    "9.1": [
        (first_likeness, "the answer is the second"),
        (by_words, "you count words"),
        (pieces(lambda first, last: (first, last + 1)), "the last piece is"),
        (touching, "shares no character"),
        (lambda offsets, start, text: (start, start + len(text)), "you return characters"),
        (shorter_by_a_part, "only in part"),
        (pieces(lambda first, last: list(range(first, last + 1))), "all the pieces"),
        (pieces(lambda first, last: (last, first)), "first piece comes first"),
        (pieces(lambda first, last: (first, first)), "continues to piece"),
        (pieces(lambda first, last: first), "as one list"),
        (pieces(lambda first, last: (first, last - first + 1)), "is the number of pieces"),
        (pieces(lambda first, last: (first, last, 0)), "you return 3"),
    ],
    "9.3": [
        (each_alone, "end is before the start"),
        (anywhere, "not all inside the paragraph"),
        (any_length, "pieces long"),
        (too_short, "which is allowed"),
        (start_first, "doesn't settle it"),
        (searched(lambda start, end, last: end > start), "may be the same"),
        (searched(lambda start, end, last: end < last), "the last piece, which is allowed"),
        (searched(least=0), "start the search at -inf"),
        (lambda a, b, first, last, most: exercises_09.best_span(a, b, first, last, 4), "not too long here"),
        (
            lambda *given: tuple(i - given[2] for i in exercises_09.best_span(*given)),
            "Positions count from [CLS]",
        ),
        (
            lambda *given: (exercises_09.best_span(*given)[0], exercises_09.best_span(*given)[1] + 1),
            "one too far",
        ),
        (lambda *given: (*exercises_09.best_span(*given), 7.0), "of type float"),
        (lambda *given: (*exercises_09.best_span(*given), 7), "two positions"),
        (masking, "changes what it's given"),
    ],
    "9.4": [
        (choose_on(lambda parts: parts["test"]), "best on test"),
        (choose_on(lambda parts: [row for row in parts["validation"] if row[2]]), "never abstains"),
        (choose_on(lambda parts: parts["validation"], min), "never abstains"),
        (choose_on(lambda parts: [row for row in parts["validation"] if not row[2]]), "always abstains"),
        (or_equal, ">, not >="),
        (right_decisions, "30 here, and not 100"),
        (
            lambda candidates, parts: candidates.index(exercises_09.choose_threshold(candidates, parts)),
            "a position in",
        ),
        (
            lambda candidates, parts: max(exercises_09.f1_at(t, parts["validation"]) for t in candidates),
            "the mean F1 itself",
        ),
        (lambda candidates, parts: 17.5, "none of the candidates"),
        (lambda candidates, parts: candidates, "should be one number"),
    ],
}
