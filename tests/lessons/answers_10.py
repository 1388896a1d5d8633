"""Stubs of lesson 10, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

from course_lib.lessons import exercises_10


def spans_from_bio(tags):
    """Return (start, end, type) of each entity; end is the position behind its last word."""
    ...


def iob1_to_bio(tags):
    """Return the same entities in BIO: every entity begins with B-."""
    ...


def align(word_of_piece, tag_numbers):
    """Return a label for each piece: the word's tag at its first piece, -100 everywhere else."""
    ...


def entity_f1(gold, predicted):
    """Return the F1 of two lists of (start, end, type); 0 if nothing is found."""
    ...


def name_the_error(gold, predicted):
    """Return correct, type, boundary, boundary and type, missed or invented; None means no entity."""
    ...


STUBS = {
    "10.1": spans_from_bio,
    "10.2": iob1_to_bio,
    "10.3": align,
    "10.4": entity_f1,
    "10.5": name_the_error,
}


def inclusive(tags):
    return [(a, b - 1, kind) for a, b, kind in exercises_10.spans_from_bio(tags)]


def whole_tags(tags):
    return [(a, b, f"B-{kind}") for a, b, kind in exercises_10.spans_from_bio(tags)]


def closed_by_o(tags):
    spans, start = [], None
    for position, tag in enumerate(tags):
        if start is not None and not tag.startswith("I-"):
            spans.append((start, position, tags[start][2:]))
            start = None
        if tag.startswith("B-"):
            start = position
    return spans


def one_a_word(tags):
    return [(i, i + 1, tag[2:]) for i, tag in enumerate(tags) if tag != "O"]


def runs(tags):
    joined = [tag.replace("B-", "I-") for tag in tags]
    return exercises_10.spans_from_bio(exercises_10.iob1_to_bio(joined))


def behind_o(tags):
    return [
        "B-" + tag[2:] if tag.startswith("I-") and before == "O" else tag
        for before, tag in zip(["O", *tags], tags, strict=False)
    ]


def without_old_begins(tags):
    return exercises_10.iob1_to_bio([tag.replace("B-", "I-") for tag in tags])


def every_piece(words, tags):
    return [-100 if word is None else tags[word] for word in words]


def zeros(words, tags):
    return [max(label, 0) for label in exercises_10.align(words, tags)]


def special_zeros(words, tags):
    return [
        0 if word is None else label
        for word, label in zip(words, exercises_10.align(words, tags), strict=True)
    ]


def last_pieces(words, tags):
    return exercises_10.align(words[::-1], tags)[::-1]


def words_only(words, tags):
    return [label for label in exercises_10.align(words, tags) if label != -100]


def f1_of(right, gold, predicted):
    return 2 * right / (len(gold) + len(predicted))


def lenient_type(gold, predicted):
    return f1_of(len({g[:2] for g in gold} & {p[:2] for p in predicted}), gold, predicted)


def overlapping(gold, predicted):
    return f1_of(sum(any(g[0] < p[1] and p[0] < g[1] for p in predicted) for g in gold), gold, predicted)


def of_words(gold, predicted):
    one, other = ({(i, k) for a, b, k in spans for i in range(a, b)} for spans in (gold, predicted))
    return 2 * len(one & other) / (len(one) + len(other))


def divides_by_zero(gold, predicted):
    right = len(set(gold) & set(predicted))
    precision, recall = right / len(predicted), right / len(gold)
    return 2 * precision * recall / (precision + recall)


def inclusive_overlap(gold, predicted):
    if gold and predicted and gold[1] == predicted[0]:
        return "boundary"
    return exercises_10.name_the_error(gold, predicted)


def swapped(gold, predicted):
    names = {"missed": "invented", "invented": "missed"}
    said = exercises_10.name_the_error(gold, predicted)
    return names.get(said, said)


def boundary_first(gold, predicted):
    return exercises_10.name_the_error(gold, predicted).replace("boundary and type", "boundary")


def start_only(gold, predicted):
    said = exercises_10.name_the_error(gold, predicted)
    return "missed" if gold and predicted and gold[0] > predicted[0] else said


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "10.1": [
        (inclusive, "exclusive"),
        (whole_tags, "the types are not"),
        (closed_by_o, "the last entity is lost"),
        (one_a_word, "continues the entity before"),
        (runs, "begins a new one"),
    ],
    "10.2": [
        (lambda tags: tags, "comes back unchanged"),
        (lambda tags: ["B-" + t[2:] if t != "O" else t for t in tags], "Only the first word"),
        (without_old_begins, "keep it"),
        (behind_o, "compare the types"),
    ],
    "10.3": [
        (every_piece, "copied to every piece"),
        (zeros, "deny the rest of a name"),
        (special_zeros, "trained to call them O"),
        (last_pieces, "last piece"),
        (words_only, "Each piece needs one"),
    ],
    "10.4": [
        (lambda g, p: len(set(g) & set(p)) / len(g), "is the recall"),
        (lambda g, p: len(set(g) & set(p)) / len(p), "is the precision"),
        (lenient_type, "type alone"),
        (overlapping, "merely overlaps"),
        (of_words, "counts words"),
        (divides_by_zero, "you divide by zero"),
    ],
    "10.5": [
        (inclusive_overlap, "only touch"),
        (swapped, "in the prediction only"),
        (boundary_first, "Both the words and the type"),
        (start_only, "not the same words"),
    ],
}
