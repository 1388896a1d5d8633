"""Stubs of lesson 10, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

from decimal import Decimal
from fractions import Fraction
from itertools import groupby

import numpy as np
import torch

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


# 10.1, right


def spans_with_a_while(tags):
    spans, i = [], 0
    while i < len(tags):
        if tags[i][0] != "B":
            i += 1
            continue
        end = i + 1
        while end < len(tags) and tags[end][0] == "I":
            end += 1
        spans.append([i, end, tags[i].split("-")[1]])
        i = end
    return spans


def spans_as_generator(tags):
    for i, tag in enumerate(tags):
        if tag.startswith("B-"):
            end = next((j for j in range(i + 1, len(tags)) if not tags[j].startswith("I-")), len(tags))
            yield i, end, tag[2:]


def spans_with_numpy(tags):
    letters = np.array([tag[0] for tag in tags] + ["O"])
    starts = np.flatnonzero(letters == "B")
    ends = [start + 1 + np.argmax(letters[start + 1 :] != "I") for start in starts]
    return {(start, end, tags[start][2:]) for start, end in zip(starts, ends, strict=True)}


def spans_with_a_sentinel(tags):
    tags.append("O")
    spans, start = [], None
    for position, tag in enumerate(tags):
        if start is not None and tag[0] != "I":
            spans.append((torch.tensor(start), torch.tensor(position), tags[start][2:]))
            start = None
        if tag[0] == "B":
            start = position
    tags.pop()
    return tuple(spans)


# 10.1, wrong


def closed_by_o(tags):
    spans, start = [], None
    for position, tag in enumerate(tags):
        if start is not None and not tag.startswith("I-"):
            spans.append((start, position, tags[start][2:]))
            start = None
        if tag.startswith("B-"):
            start = position
    return spans


def runs(tags):
    joined = [tag.replace("B-", "I-") for tag in tags]
    return exercises_10.spans_from_bio(exercises_10.iob1_to_bio(joined))


def runs_of_any_type(tags):
    spans = []
    for is_name, group in groupby(enumerate(tags), key=lambda pair: pair[1] != "O"):
        if is_name:
            group = list(group)
            spans.append((group[0][0], group[-1][0] + 1, group[0][1][2:]))
    return spans


def never_closed(tags):
    spans = []
    for position, tag in enumerate(tags):
        if tag.startswith("B-"):
            spans.append((position, position + 1, tag[2:]))
        elif spans:
            spans[-1] = (spans[-1][0], position + 1, spans[-1][2])
    return spans


def default_list(tags, spans=[]):  # noqa: B006  # the mistake itself
    spans += exercises_10.spans_from_bio(tags)
    return spans


def reshaped(change):
    """Return the right spans, changed."""
    return lambda tags: [change(start, end, kind) for start, end, kind in exercises_10.spans_from_bio(tags)]


def emptied(tags):
    spans = exercises_10.spans_from_bio(tags)
    tags.clear()
    return spans


# 10.2, right


def bio_in_place_on_a_copy(tags):
    tags = list(tags)
    for i in range(len(tags) - 1, -1, -1):
        if tags[i][0] == "I" and (i == 0 or tags[i - 1][1:] != tags[i][1:]):
            tags[i] = "B" + tags[i][1:]
    return tags


def bio_through_spans(tags):
    bio, current = [], None
    for tag in tags:
        prefix, _, kind = tag.partition("-")
        if prefix == "O":
            current = None
            bio.append(tag)
        elif prefix == "B" or kind != current:
            current = kind
            bio.append(f"B-{kind}")
        else:
            bio.append(f"I-{kind}")
    return tuple(bio)


def bio_as_generator(tags):
    for before, tag in zip(["O", *tags], tags, strict=False):
        yield tag if tag == "O" or before[2:] == tag[2:] else tag.replace("I-", "B-")


def bio_with_numpy(tags):
    tags = np.array(tags, dtype="U10")
    types = np.array([tag[2:] for tag in tags], dtype="U10")
    before = np.concatenate([[""], types[:-1]])[: len(types)]
    begins = (types != before) & (types != "")
    return np.where(begins, np.char.add("B-", types), tags)


# 10.2, wrong


def begins_where(condition):
    return lambda tags: [
        "B-" + tag[2:] if condition(before, tag) else tag
        for before, tag in zip(["O", *tags], tags, strict=False)
    ]


def wraps_around(tags):
    return [
        "B-" + tags[i][2:] if tags[i][0] == "I" and tags[i - 1][2:] != tags[i][2:] else tags[i]
        for i in range(len(tags))
    ]


def in_place(tags):
    tags[:] = exercises_10.iob1_to_bio(tags)
    return tags


# 10.3, right


def align_with_a_set(words, tags):
    seen, labels = set(), []
    for word in words:
        if word is None or word in seen:
            labels.append(-100)
        else:
            seen.add(word)
            labels.append(tags[word])
    return labels


def align_from_firsts(words, tags):
    labels = np.full(len(words), -100)
    for word, tag in enumerate(tags):
        labels[words.index(word)] = tag
    return labels


def align_with_torch(words, tags):
    numbers = torch.tensor([-1 if word is None else word for word in words])
    first = (numbers >= 0) & (numbers != torch.cat([torch.tensor([-1]), numbers[:-1]]))
    return torch.where(first, torch.tensor(tags)[numbers.clamp(min=0)], torch.tensor(-100)).float()


def align_as_generator(words, tags):
    for i, word in enumerate(words):
        yield np.int32(tags[word] if word is not None and (i == 0 or words[i - 1] != word) else -100)


# 10.3, wrong


def mapped(change):
    """Return a function of the word, the label that is right and the tags, for each piece."""
    return lambda words, tags: [
        change(word, label, tags) for word, label in zip(words, exercises_10.align(words, tags), strict=True)
    ]


def last_pieces(words, tags):
    return exercises_10.align(words[::-1], tags)[::-1]


def words_only(words, tags):
    return [label for label in exercises_10.align(words, tags) if label != -100]


# 10.4, right


def counts(gold, predicted):
    right = len(set(gold) & set(predicted))
    return right, len(gold), len(predicted)


def f1_from_both(gold, predicted):
    right, names, said = counts(gold, predicted)
    precision = right / said if said else 0
    recall = right / names if names else 0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0


def f1_as_fraction(gold, predicted):
    right, names, said = counts(gold, predicted)
    return Fraction(2 * right, max(1, names + said))


def f1_as_decimal(gold, predicted):
    right = sum(span in gold for span in predicted)
    return Decimal(right) / max(Decimal("0.5"), Decimal(len(gold) + len(predicted)) / 2)


def f1_of_float32(gold, predicted):
    right, names, said = (torch.tensor(float(count)) for count in counts(gold, predicted))
    return torch.nan_to_num(2 * right / (names + said), nan=0.0)


def f1_with_try(gold, predicted):
    remaining, right = list(gold), 0
    for span in predicted:
        if span in remaining:
            remaining.remove(span)
            right += 1
    try:
        return np.float32(1 / ((len(gold) / right + len(predicted) / right) / 2))
    except ZeroDivisionError:
        return 0


# 10.4, wrong


def f1_of(right, gold, predicted):
    return 2 * right / (len(gold) + len(predicted)) if right else 0.0


def lenient_type(gold, predicted):
    return f1_of(len({g[:2] for g in gold} & {p[:2] for p in predicted}), gold, predicted)


def lenient_end(gold, predicted):
    return f1_of(len({(g[0], g[2]) for g in gold} & {(p[0], p[2]) for p in predicted}), gold, predicted)


def overlapping(gold, predicted):
    return f1_of(sum(any(g[0] < p[1] and p[0] < g[1] for p in predicted) for g in gold), gold, predicted)


def of_words(gold, predicted):
    one, other = ({(i, k) for a, b, k in spans for i in range(a, b)} for spans in (gold, predicted))
    return 2 * len(one & other) / (len(one) + len(other))


def divides_by_zero(gold, predicted):
    right = len(set(gold) & set(predicted))
    precision, recall = right / len(predicted), right / len(gold)
    return 2 * precision * recall / (precision + recall)


def place_by_place(gold, predicted):
    return f1_of(sum(g == p for g, p in zip(gold, predicted, strict=False)), gold, predicted)


def in_order_only(gold, predicted):
    right, at = 0, 0
    for span in predicted:
        if span in gold[at:]:
            right, at = right + 1, gold.index(span, at) + 1
    return f1_of(right, gold, predicted)


def nothing_is_perfect(gold, predicted):
    return 1.0 if not gold and not predicted else exercises_10.entity_f1(gold, predicted)


# 10.5, right


def name_with_sets(gold, predicted):
    words = [set(range(*span[:2])) if span else set() for span in (gold, predicted)]
    if not words[0] & words[1]:
        return "invented" if predicted else "missed"
    wrong = [
        name
        for name, is_wrong in (("boundary", words[0] != words[1]), ("type", gold[2] != predicted[2]))
        if is_wrong
    ]
    return " and ".join(wrong) or "correct"


def name_with_match(gold, predicted):
    match gold, predicted:
        case _, None:
            return "missed"
        case None, _:
            return "invented"
        case (a, b, _), (c, d, _) if b <= c or d <= a:
            return "invented"
        case (a, b, kind), (c, d, other):
            names = {(True, True): "correct", (True, False): "type", (False, True): "boundary"}
            return names.get(((a, b) == (c, d), kind == other), "boundary and type")


def name_with_numpy(gold, predicted):
    if gold == predicted:
        return np.str_("correct")
    if not predicted:
        return np.str_("missed")
    if not gold or max(gold[0], predicted[0]) >= min(gold[1], predicted[1]):
        return np.str_("invented")
    border = gold[0] != predicted[0] or gold[1] != predicted[1]
    return np.array(["type", "boundary", "boundary and type"])[border + (border and gold[2] != predicted[2])]


def name_early(gold, predicted):
    if gold is None:
        return "invented"
    if predicted is None:
        return "missed"
    (a, b, kind), (c, d, other) = gold, predicted
    if not any(a <= i < b for i in range(c, d)):
        return "invented"
    if kind == other:
        return "correct" if a == c and b == d else "boundary"
    return "type" if a == c and b == d else "boundary and type"


# 10.5, wrong


def inclusive_overlap(gold, predicted):
    if gold and predicted and (gold[1] == predicted[0] or predicted[1] == gold[0]):
        return "boundary" if gold[2] == predicted[2] else "boundary and type"
    return exercises_10.name_the_error(gold, predicted)


def swapped(gold, predicted):
    names = {"missed": "invented", "invented": "missed"}
    said = exercises_10.name_the_error(gold, predicted)
    return names.get(said, said)


def renamed(old, new):
    """Return the right name, except one that is called something else where both spans are there."""

    def name(gold, predicted):
        said = exercises_10.name_the_error(gold, predicted)
        return new if said == old and gold and predicted else said

    return name


def start_only(gold, predicted):
    said = exercises_10.name_the_error(gold, predicted)
    return "missed" if gold and predicted and said != "invented" and gold[0] > predicted[0] else said


def one_side(gold, predicted):
    if gold and predicted and gold[0] >= predicted[1]:
        return "boundary"
    return exercises_10.name_the_error(gold, predicted)


RIGHT = {
    "10.1": [spans_with_a_while, spans_as_generator, spans_with_numpy, spans_with_a_sentinel],
    "10.2": [bio_in_place_on_a_copy, bio_through_spans, bio_as_generator, bio_with_numpy],
    "10.3": [align_with_a_set, align_from_firsts, align_with_torch, align_as_generator],
    "10.4": [f1_from_both, f1_as_fraction, f1_as_decimal, f1_of_float32, f1_with_try],
    "10.5": [name_with_sets, name_with_match, name_with_numpy, name_early],
}

WRONG = {
    "10.1": [
        (reshaped(lambda a, b, kind: (a, b - 1, kind)), "exclusive"),
        (reshaped(lambda a, b, kind: (a + 1, b + 1, kind)), "start at 0"),
        (reshaped(lambda a, b, kind: (a + 1, b, kind)), "the starts are one too high"),
        (reshaped(lambda a, b, kind: (a, b, f"B-{kind}")), "still has its B-"),
        (reshaped(lambda a, b, kind: (a, b, kind[0])), "you keep one letter"),
        (reshaped(lambda a, b, kind: (a, a + 1, kind)), "one word longer"),
        (reshaped(lambda a, b, kind: (b, a, kind)), "changed places"),
        (reshaped(lambda a, b, kind: (a, b)), "three things for each name"),
        (lambda tags: [(i, i + 1, tag[2:]) for i, tag in enumerate(tags) if tag != "O"], "a name of its own"),
        (closed_by_o, "at the very end"),
        (runs, "one type that touch become one"),
        (runs_of_any_type, "with no O in between"),
        (never_closed, "An O ends the name"),
        (default_list, "names of an earlier call"),
        (emptied, "changes what it's given"),
        (lambda tags: exercises_10.spans_from_bio(tags[:5]), "B- begins a name"),
    ],
    "10.2": [
        (lambda tags: tags, "come back unchanged"),
        (begins_where(lambda before, tag: tag != "O"), "Only the first word"),
        (begins_where(lambda before, tag: tag[0] == "I" and before != tag), "Compare the types of both tags"),
        (begins_where(lambda before, tag: tag[0] == "I" and before[0] != "I"), "after a B- of its type"),
        (begins_where(lambda before, tag: tag[0] == "I" and before == "O"), "isn't the only sign"),
        (begins_where(lambda before, tag: before[2:] != tag[2:]), "O stays O"),
        (lambda tags: exercises_10.iob1_to_bio([t.replace("B-", "I-") for t in tags]), "keep it"),
        (wraps_around, "tags[-1]"),
        (in_place, "changes what it's given"),
        (
            lambda tags: [tag for tag in exercises_10.iob1_to_bio(tags) if tag != "O"],
            "Each word keeps one tag",
        ),
        (lambda tags: " ".join(exercises_10.iob1_to_bio(tags)), "one text"),
    ],
    "10.3": [
        (
            mapped(lambda word, label, tags: -100 if word is None else tags[word]),
            "copy the tag to every piece",
        ),
        (mapped(lambda word, label, tags: max(label, 0)), "Later pieces and special tokens"),
        (mapped(lambda word, label, tags: 0 if word is None else label), "learns to call them O"),
        (mapped(lambda word, label, tags: label if word is None else max(label, 0)), "isn't part of it"),
        (mapped(lambda word, label, tags: label if word else -100), "counts as false"),
        (mapped(lambda word, label, tags: label if label == -100 else word), "tag_numbers[word]"),
        (mapped(lambda word, label, tags: -1 if label == -100 else label), "You use -1"),
        (mapped(lambda word, label, tags: None if label == -100 else label), "are None"),
        (last_pieces, "the last piece of each word"),
        (words_only, "Every piece needs one"),
    ],
    "10.4": [
        (lambda g, p: len(set(g) & set(p)) / len(g), "is the recall"),
        (lambda g, p: len(set(g) & set(p)) / len(p), "is the precision"),
        (lambda g, p: len(set(g) & set(p)) * (1 / len(g) + 1 / len(p)) / 2, "plain mean"),
        (lambda g, p: len(set(g) & set(p)) / len(set(g + p)), "all different names"),
        (lambda g, p: exercises_10.entity_f1(g, p) / 2, "with a 2"),
        (lambda g, p: exercises_10.entity_f1(g, p) * 100, "in percent"),
        (lambda g, p: round(exercises_10.entity_f1(g, p), 2), "You round it"),
        (lenient_type, "whose type is wrong"),
        (lenient_end, "ends at the wrong word"),
        (overlapping, "merely overlaps"),
        (of_words, "You count words"),
        (place_by_place, "place by place"),
        (divides_by_zero, "you divide by zero"),
        (nothing_is_perfect, "F1 is 0 there"),
        (in_order_only, "in this order"),
    ],
    "10.5": [
        (inclusive_overlap, "only touch"),
        (swapped, "in the prediction only"),
        (renamed("boundary and type", "boundary"), "Both the words and the type"),
        (renamed("boundary", "type"), "but not all"),
        (renamed("type", "boundary and type"), "only the type is wrong"),
        (renamed("correct", "boundary"), "all agree"),
        (renamed("invented", "missed"), "The task calls"),
        (start_only, "so they are a pair"),
        (one_side, "on either side"),
        (lambda g, p: exercises_10.name_the_error(g, p).title(), "letter for letter"),
    ],
}
