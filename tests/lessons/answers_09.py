"""Stubs of lesson 09, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

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


def overlapping(length, room, step):
    starts = [0]
    while starts[-1] + room < length:
        starts.append(starts[-1] + max(1, room - step))
    return starts


def one_short(length, room, step):
    return list(range(0, max(1, length - room), step))[:-1] or [0]


def first_likeness(offsets, start, text):
    return exercises_09.piece_span(offsets, exercises_09.PARAGRAPH.index(text), text)


def by_words(offsets, start, text):
    first = len(exercises_09.PARAGRAPH[:start].split())
    return first, first + len(text.split()) - 1


def open_end(offsets, start, text):
    first, last = exercises_09.piece_span(offsets, start, text)
    return first, last + 1


def touching(offsets, start, text):
    found = [i for i, (a, b) in enumerate(offsets) if a < start + len(text) and b >= start]
    return found[0], found[-1]


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


def choose_on(select, best=max):
    return lambda candidates, parts: best(candidates, key=lambda t: exercises_09.f1_at(t, select(parts)))


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "9.2": [
        (overlapping, "stride of some libraries is an overlap"),
        (lambda length, room, step: list(range(0, length, step)), "nothing that is new"),
        (one_short, "never read"),
        (lambda length, room, step: [s for s in range(step, length, step)], "starts at 0"),
    ],
    "9.1": [
        (first_likeness, "the answer is the second"),
        (by_words, "you count words"),
        (open_end, "the last piece is"),
        (touching, "shares no character"),
        (lambda offsets, start, text: (start, start + len(text)), "you return characters"),
    ],
    "9.3": [
        (each_alone, "end is before the start"),
        (anywhere, "not all inside the paragraph"),
        (any_length, "pieces long"),
        (too_short, "which is allowed"),
        (start_first, "does not settle it"),
    ],
    "9.4": [
        (choose_on(lambda parts: parts["test"]), "best on test"),
        (choose_on(lambda parts: [row for row in parts["validation"] if row[2]]), "never abstains"),
        (choose_on(lambda parts: parts["validation"], min), "never abstains"),
        (choose_on(lambda parts: [row for row in parts["validation"] if not row[2]]), "always abstains"),
    ],
}
