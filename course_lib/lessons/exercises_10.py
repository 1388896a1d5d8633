"""Exercises and quiz of lesson 10, named-entity recognition."""

from functools import partial
from math import isclose
from random import Random

from course_lib.lessons.answer_forms import call_unchanged
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.causes import likely_cause
from course_lib.lessons.exercises import call
from course_lib.translation import Message

TYPES = ("PER", "ORG", "LOC", "MISC")


def random_spans(generator, length):
    """Return (start, end, type) of a few names in a sentence of so many words; some of them touch."""
    spans, position = [], generator.randint(0, 2)
    while position < length:
        end = min(length, position + generator.randint(1, 3))
        spans.append((position, end, generator.choice(TYPES)))
        position = end + generator.choice((0, 0, 1, 3))
    return spans


def tags_of(spans, length):
    """Return the BIO tags of spans."""
    tags = ["O"] * length
    for start, end, kind in spans:
        tags[start:end] = ["B-" + kind, *["I-" + kind] * (end - start - 1)]
    return tags


def iob1_of(tags):
    """Return BIO tags as IOB1: B- only where a name touches another of its type."""
    befores = ["O", *tags]
    return [
        "I-" + tag[2:] if tag.startswith("B-") and before[2:] != tag[2:] else tag
        for before, tag in zip(befores, tags, strict=False)
    ]


# 10.1 ---------------------------------------------------------------------------------------------


def spans_from_bio(tags):
    """Return (start, end, type) of each entity; end is the position behind its last word."""
    spans = []
    for position, tag in enumerate(tags):
        if tag.startswith("B-"):
            spans.append((position, position + 1, tag[2:]))
        elif tag.startswith("I-"):
            start, _, kind = spans[-1]
            spans[-1] = (start, position + 1, kind)
    return spans


def _without_last_open(tags):
    spans = spans_from_bio(tags)
    return spans[:-1] if spans and spans[-1][1] == len(tags) else spans


def _runs_of_one_type(tags):
    spans = []
    for start, end, kind in spans_from_bio(tags):
        if spans and spans[-1][1:] == (start, kind):
            start = spans.pop()[0]
        spans.append((start, end, kind))
    return spans


def _runs_of_names(tags):
    spans = []
    for start, end, kind in spans_from_bio(tags):
        if spans and spans[-1][1] == start:
            start, _, kind = spans.pop()
        spans.append((start, end, kind))
    return spans


def _until_the_next(tags):
    starts = [i for i, tag in enumerate(tags) if tag.startswith("B-")]
    ends = [*starts[1:], len(tags)]
    return [(start, end, tags[start][2:]) for start, end in zip(starts, ends, strict=False)]


SPAN_CAUSES = (
    (
        lambda tags: [(start, end - 1, kind) for start, end, kind in spans_from_bio(tags)],
        Message(
            "Your end is the last word itself. It has to be exclusive, as in a slice: words[start:end] gives "
            "the whole name."
        ),
    ),
    (
        lambda tags: [(start + 1, end + 1, kind) for start, end, kind in spans_from_bio(tags)],
        Message("You count words from 1. Positions start at 0, as they do in a list."),
    ),
    (
        lambda tags: [(start + 1, end, kind) for start, end, kind in spans_from_bio(tags)],
        Message("You count the first word from 1. Your ends are right; the starts are one too high."),
    ),
    (
        lambda tags: [(start, end, "B-" + kind) for start, end, kind in spans_from_bio(tags)],
        Message("The positions are right, but the type still has its B- in front. Cut it off: tag[2:]."),
    ),
    (
        lambda tags: [(start, end, kind[0]) for start, end, kind in spans_from_bio(tags)],
        Message(
            "The type is a whole word, such as PER, and you keep one letter of it. tag[2:] is all of it."
        ),
    ),
    (
        lambda tags: [(start, start + 1, kind) for start, _, kind in spans_from_bio(tags)],
        Message("Each of your names has one word only. An I- makes the name before it one word longer."),
    ),
    (
        _without_last_open,
        Message(
            "A name at the very end of the sentence is lost: no O comes after it to close it. Close it after "
            "the loop."
        ),
    ),
    (
        lambda tags: [(i, i + 1, tag[2:]) for i, tag in enumerate(tags) if tag != "O"],
        Message("Each word becomes a name of its own. I- continues the name before it."),
    ),
    (
        _runs_of_one_type,
        Message("Two names of one type that touch become one. Each B- begins a new name, even there."),
    ),
    (
        _runs_of_names,
        Message("Names that touch become one. Each B- begins a new name, even with no O in between."),
    ),
    (
        _until_the_next,
        Message("Your names continue through the words with O, up to the next B-. An O ends the name."),
    ),
)


def plain_spans(result, shown):
    """Return what an answer gives as sorted (start, end, type), whatever numbers and containers it uses."""
    try:
        return sorted((int(start), int(end), str(kind)) for start, end, kind in result)
    except (TypeError, ValueError):
        raise Mistake(
            "for {shown}, you return {result}. Return a list with three things for each name: start, end "
            "and type.",
            shown=shown,
            result=result,
        ) from None


def examine_spans_from_bio(answer):
    generator = Random(10)
    cases = [
        ["B-PER", "I-PER", "O", "B-LOC"],
        ["O", "O"],
        ["B-LOC", "B-LOC", "I-LOC", "B-PER"],
        ["O", "B-ORG", "I-ORG"],
        ["B-MISC", "O", "B-MISC", "I-MISC", "I-MISC", "O"],
        [],
    ]
    for _ in range(30):
        length = generator.randint(1, 12)
        cases.append(tags_of(random_spans(generator, length), length))
    results = [plain_spans(call_unchanged(answer, tags), " ".join(tags) or "[]") for tags in cases]
    for tags, result in zip(cases, results, strict=True):
        reference = spans_from_bio(tags)
        if result == reference:
            continue
        shown = " ".join(tags) or "[]"
        if set(result) > set(reference) and plain_spans(call(answer, list(cases[0])), shown) != results[0]:
            raise Mistake(
                "for {shown}, you also return names of an earlier call. Does your function keep its list, as "
                "a default value does? Make a new one inside.",
                shown=shown,
            )
        if sorted(result) == sorted((end, start, kind) for start, end, kind in reference):
            raise Mistake("for {shown}, start and end have changed places.", shown=shown)
        cause = likely_cause(results, [(tags,) for tags in cases], SPAN_CAUSES)
        raise Mistake(
            "for {shown}, you return {result}; it should be {reference}. {cause}",
            shown=shown,
            result=result,
            reference=reference,
            cause=cause or Message("B- begins a name, I- makes it longer, O is outside."),
        )


# 10.2 ---------------------------------------------------------------------------------------------


def iob1_to_bio(tags):
    """Return the same entities in BIO: every entity begins with B-."""
    bio, previous = [], "O"
    for tag in tags:
        begins = tag.startswith("I-") and previous[2:] != tag[2:]
        bio.append("B-" + tag[2:] if begins else tag)
        previous = tag
    return bio


def _begins_where(condition):
    """Return a function that puts B- where a condition on (tag before, tag) holds."""

    def convert(tags):
        befores = ["O", *tags]
        return [
            "B-" + tag[2:] if condition(before, tag) else tag
            for before, tag in zip(befores, tags, strict=False)
        ]

    return convert


def _wrapped(tags):
    return [
        "B-" + tag[2:] if tag.startswith("I-") and tags[i - 1][2:] != tag[2:] else tag
        for i, tag in enumerate(tags)
    ]


BIO_CAUSES = (
    (
        lambda tags: tags,
        Message("The tags come back unchanged. In BIO the first word of every name has B-."),
    ),
    (
        _begins_where(lambda before, tag: tag != "O"),
        Message(
            "Every word of a name gets B-, so each becomes a name of its own. Only the first word begins one."
        ),
    ),
    (
        lambda tags: iob1_to_bio([tag.replace("B-", "I-") for tag in tags]),
        Message("A B- that is there already separates two names that touch: keep it."),
    ),
    (
        _begins_where(lambda before, tag: tag.startswith("I-") and before != tag),
        Message(
            "An I- after a B- of its type continues the name. Compare the types of both tags, not the whole tags."
        ),
    ),
    (
        _begins_where(lambda before, tag: tag.startswith("I-") and not before.startswith("I-")),
        Message(
            "A name begins after O, and also where the type changes; after a B- of its type an I- continues. "
            "So compare the types."
        ),
    ),
    (
        _begins_where(lambda before, tag: tag.startswith("I-") and before == "O"),
        Message(
            "I-PER right after I-ORG begins a person: compare the types. An O before it isn't the only sign."
        ),
    ),
    (
        _begins_where(lambda before, tag: before[2:] != tag[2:]),
        Message("An O gets a B- too. Only a tag that has I- can begin a name; O stays O."),
    ),
    (
        _wrapped,
        Message(
            "At the first word you compare with tags[-1], which in Python is the last tag. Nothing comes "
            "before the first word."
        ),
    ),
)


def examine_iob1_to_bio(answer):
    generator = Random(11)
    cases = [
        ["O", "I-PER", "I-PER", "O", "I-LOC"],
        ["I-LOC", "B-LOC", "I-LOC", "O"],
        ["I-ORG", "I-PER", "I-PER"],
        ["I-PER", "O", "I-PER", "I-PER"],
        ["O", "O"],
        [],
    ]
    for _ in range(30):
        length = generator.randint(1, 12)
        cases.append(iob1_of(tags_of(random_spans(generator, length), length)))
    results = []
    for tags in cases:
        result = call_unchanged(answer, tags)
        if isinstance(result, str):
            raise Mistake("you return one text. Return a list with a tag for each word.")
        results.append([str(tag) for tag in result])
        if len(results[-1]) != len(tags):
            raise Mistake(
                "for {shown}, you return {count} tags, and there are {words} words. Each word keeps one tag, "
                "O included.",
                shown=" ".join(tags),
                count=len(results[-1]),
                words=len(tags),
            )
    for tags, result in zip(cases, results, strict=True):
        reference = iob1_to_bio(tags)
        if result != reference:
            cause = likely_cause(results, [(tags,) for tags in cases], BIO_CAUSES)
            raise Mistake(
                "for {shown}, you return {result}; it should be {reference}. {cause}",
                shown=" ".join(tags),
                result=" ".join(result),
                reference=" ".join(reference),
                cause=cause or Message("The first word of each name has B-, its other words have I-."),
            )


# 10.3 ---------------------------------------------------------------------------------------------


def align(word_of_piece, tag_numbers):
    """Return a label for each piece: the word's tag at its first piece, -100 everywhere else."""
    labels, previous = [], None
    for word in word_of_piece:
        labels.append(-100 if word is None or word == previous else tag_numbers[word])
        previous = word
    return labels


def _every_piece(words, tags):
    return [-100 if word is None else tags[word] for word in words]


def _special_zeros(words, tags):
    return [0 if word is None else label for word, label in zip(words, align(words, tags), strict=True)]


def _later_zeros(words, tags):
    return [
        0 if w is not None and label == -100 else label
        for w, label in zip(words, align(words, tags), strict=True)
    ]


ALIGN_CAUSES = (
    (
        _every_piece,
        Message(
            "You copy the tag to every piece of a word, so a B- on three pieces becomes three names. The later "
            "pieces get -100, which the loss ignores."
        ),
    ),
    (
        lambda words, tags: [0 if label == -100 else label for label in align(words, tags)],
        Message(
            "Later pieces and special tokens get tag 0, and that is O. It would train the model to say that a "
            "name stops after its first piece. Use -100."
        ),
    ),
    (
        _special_zeros,
        Message(
            "[CLS], [SEP] and [PAD] get tag 0, so the model learns to call them O. They aren't words: use -100."
        ),
    ),
    (
        _later_zeros,
        Message(
            "Later pieces get tag 0, and that is O: the model would learn that the rest of a name isn't "
            "part of it. Use -100."
        ),
    ),
    (
        lambda words, tags: align(words[::-1], tags)[::-1],
        Message("You put the tag on the last piece of each word. BERT reads it at the first."),
    ),
    (
        lambda words, tags: [
            label if word else -100 for word, label in zip(words, align(words, tags), strict=True)
        ],
        Message("Word 0 never gets its tag: 0 counts as false in Python. Ask word is None."),
    ),
    (
        lambda words, tags: [
            label if label == -100 else w for w, label in zip(words, align(words, tags), strict=True)
        ],
        Message("You return the number of the word where its tag belongs: tag_numbers[word]."),
    ),
    (
        lambda words, tags: [-1 if label == -100 else label for label in align(words, tags)],
        Message("You use -1 for the pieces without a tag. The loss ignores -100, and nothing else."),
    ),
)


def examine_align(answer):
    generator = Random(12)
    cases = [
        ([None, 0, 0, 0, 1, 2, 2, None], [3, 0, 3]),
        ([None, 0, 1, None, None], [1, 2]),
        ([None, 0, 1, 2, 3, 3, None], [0, 5, 5, 6]),
    ]
    for _ in range(30):
        tags = [generator.randrange(9) for _ in range(generator.randint(1, 8))]
        words = [word for word in range(len(tags)) for _ in range(generator.choice((1, 1, 2, 4)))]
        cases.append(([None, *words, *[None] * generator.randint(1, 3)], tags))
    results = [_plain_labels(call_unchanged(answer, *case), *case) for case in cases]
    for (words, tags), result in zip(cases, results, strict=True):
        reference = align(words, tags)
        if result != reference:
            raise Mistake(
                "for the words {words} and the tags {tags}, you return {result}; it should be {reference}. {cause}",
                words=words,
                tags=tags,
                result=result,
                reference=reference,
                cause=likely_cause(results, cases, ALIGN_CAUSES)
                or Message("A word's tag goes to its first piece; all other pieces have -100."),
            )


def _plain_labels(result, words, tags):
    result = result.tolist() if hasattr(result, "tolist") else list(result)
    if len(result) != len(words):
        raise Mistake(
            "you return {count} labels for {pieces} pieces. Every piece needs one, even if it's -100.",
            count=len(result),
            pieces=len(words),
        )
    if any(label is None for label in result):
        raise Mistake("some of your labels are None. The number that the loss ignores is -100.")
    return [int(label) for label in result]


# 10.4 ---------------------------------------------------------------------------------------------


def entity_f1(gold, predicted):
    """Return the F1 of two lists of (start, end, type); 0 if nothing is found."""
    right = len(set(gold) & set(predicted))
    return 2 * right / (len(gold) + len(predicted)) if right else 0.0


def _f1_of(right, gold, predicted):
    return 2 * right / (len(gold) + len(predicted))


def _cut(gold, predicted, part):
    return len({part(span) for span in gold} & {part(span) for span in predicted})


def _word_f1(gold, predicted):
    one, other = ({(i, kind) for a, b, kind in spans for i in range(a, b)} for spans in (gold, predicted))
    return _f1_of(len(one & other), one, other)


def _overlaps(gold, predicted):
    return sum(any(g[0] < p[1] and p[0] < g[1] for p in predicted) for g in gold)


def _right(gold, predicted):
    return _cut(gold, predicted, lambda span: span)


F1_CAUSES = (
    (
        lambda g, p: _right(g, p) / len(g),
        Message("That is the recall, the share of the names in the data. F1 asks for precision too."),
    ),
    (
        lambda g, p: _right(g, p) / len(p),
        Message("That is the precision, the share of the predicted names. F1 asks for recall too."),
    ),
    (
        lambda g, p: (_right(g, p) / len(g) + _right(g, p) / len(p)) / 2,
        Message("That is the plain mean of precision and recall. F1 is their harmonic mean."),
    ),
    (
        lambda g, p: _right(g, p) / len(set(g) | set(p)),
        Message(
            "That is the share of right names among all different names of both lists. F1 is 2PR / (P + R)."
        ),
    ),
    (
        lambda g, p: _f1_of(_right(g, p), g, p) / 2,
        Message("That is half of F1: the harmonic mean of P and R is 2PR / (P + R), with a 2."),
    ),
    (
        lambda g, p: 100 * _f1_of(_right(g, p), g, p),
        Message("That is in percent. In this course a score is a share from 0 to 1."),
    ),
    (
        lambda g, p: round(_f1_of(_right(g, p), g, p), 2),
        Message("You round it. Return the number as it is, and round when you print it."),
    ),
    (
        lambda g, p: _f1_of(_cut(g, p, lambda span: span[:2]), g, p),
        Message("You count a name whose type is wrong. Start, end and type must all agree."),
    ),
    (
        lambda g, p: _f1_of(_cut(g, p, lambda span: span[::2]), g, p),
        Message("You count a name that ends at the wrong word. Start, end and type must all agree."),
    ),
    (
        lambda g, p: _f1_of(sum(one == other for one, other in zip(g, p, strict=False)), g, p),
        Message("You compare the lists place by place. One extra name shifts all that come after it."),
    ),
    (
        lambda g, p: _f1_of(_overlaps(g, p), g, p),
        Message("You count what merely overlaps. Start, end and type must all agree."),
    ),
    (
        _word_f1,
        Message("You count words. A long name is one name, as a short one is."),
    ),
)
F1_CASES = (
    (
        [(0, 2, "PER"), (4, 5, "LOC"), (7, 10, "ORG"), (12, 13, "LOC")],
        [(0, 2, "PER"), (4, 5, "ORG"), (7, 9, "ORG"), (12, 13, "LOC"), (15, 16, "PER")],
    ),
    (
        [(3, 4, "LOC"), (6, 8, "PER"), (9, 12, "MISC")],
        [(1, 2, "LOC"), (3, 4, "LOC"), (6, 8, "PER"), (9, 11, "MISC")],
    ),
)


def examine_entity_f1(answer):
    first = [float(call_unchanged(answer, *case)) for case in F1_CASES]
    for case, value in zip(F1_CASES, first, strict=True):
        if abs(value - entity_f1(*case)) < 1e-6:
            continue
        cause = likely_cause(first, F1_CASES, F1_CAUSES, partial(isclose, rel_tol=1e-6))
        raise Mistake(
            "for the names {gold} and the predictions {predicted}, you return {value:.3f}; F1 is {reference:.3f}. {cause}",
            gold=case[0],
            predicted=case[1],
            value=value,
            reference=entity_f1(*case),
            cause=cause
            or Message("Count the names that are in both lists, then take P, R and their harmonic mean."),
        )
    gold, predicted = F1_CASES[0]
    for case in ((gold, []), ([], predicted), ([], []), (gold, [(20, 21, "PER")])):
        _examine_nothing_right(answer, *case)
    generator = Random(13)
    for _ in range(30):
        gold, predicted = random_spans(generator, 20), random_spans(generator, 20)
        predicted = [span for span in gold if generator.random() < 0.5] + predicted[:2]
        predicted = list(dict.fromkeys(predicted))
        generator.shuffle(predicted)
        value, reference = float(call_unchanged(answer, gold, predicted)), entity_f1(gold, predicted)
        if not abs(value - reference) < 1e-6:
            raise Mistake(
                "for the names {gold} and the predictions {predicted}, in this order, you return {value:.3f}; F1 "
                "is {reference:.3f}.",
                gold=gold,
                predicted=predicted,
                value=value,
                reference=reference,
            )


def _examine_nothing_right(answer, gold, predicted):
    """Examine a case in which no name is right, where a formula may divide by zero."""
    try:
        value = answer(list(gold), list(predicted))
    except ZeroDivisionError:
        raise Mistake(
            "with {gold} names, {predicted} predictions and none of them right, you divide by zero. F1 is 0 there.",
            gold=len(gold),
            predicted=len(predicted),
        ) from None
    if value is None or float(value) != 0.0:
        raise Mistake(
            "with {gold} names, {predicted} predictions and none of them right, you return {value}. F1 is 0 there.",
            gold=len(gold),
            predicted=len(predicted),
            value=value,
        )


# 10.5 ---------------------------------------------------------------------------------------------


def name_the_error(gold, predicted):
    """Return correct, type, boundary, boundary and type, missed or invented; None means no entity."""
    if predicted is None:
        return "missed"
    overlap = gold is not None and gold[0] < predicted[1] and predicted[0] < gold[1]
    if not overlap:
        return "invented"
    same_words, same_type = gold[:2] == predicted[:2], gold[2] == predicted[2]
    if same_words:
        return "correct" if same_type else "type"
    return "boundary" if same_type else "boundary and type"


ERRORS = ("correct", "type", "boundary", "boundary and type", "missed", "invented")


def examine_name_the_error(answer):
    cases = [
        ((0, 2, "PER"), (0, 2, "PER")),
        ((0, 2, "PER"), (0, 2, "ORG")),
        ((0, 2, "PER"), (0, 1, "PER")),
        ((0, 2, "PER"), (1, 3, "ORG")),
        ((0, 2, "PER"), None),
        (None, (0, 2, "PER")),
        ((0, 2, "PER"), (2, 3, "PER")),
        ((4, 6, "PER"), (1, 3, "PER")),
        ((2, 4, "LOC"), (0, 5, "LOC")),
    ]
    generator = Random(14)
    for _ in range(60):
        (gold, *_), (predicted, *_) = random_spans(generator, 5), random_spans(generator, 5)
        cases.append((gold, predicted))
    for gold, predicted in cases:
        result, reference = call(answer, gold, predicted), name_the_error(gold, predicted)
        result = str(result)
        if result == reference:
            continue
        where = Message("gold {gold}, predicted {predicted}", gold=gold, predicted=predicted)
        raise Mistake(
            "{where}: you say {result!r}, and it is {reference!r}. {cause}",
            where=where,
            result=result,
            reference=reference,
            cause=_cause_of_name(gold, predicted, result, reference),
        )


def _cause_of_name(gold, predicted, result, reference):
    if result not in ERRORS:
        return Message("Use one of the six names, letter for letter.")
    if None in (gold, predicted):
        return Message("Missed is in the data only; invented is in the prediction only.")
    if reference == "invented":
        if result == "missed":
            return Message("Both are there and share no word. The task calls the predicted one invented.")
        if gold[1] == predicted[0] or predicted[1] == gold[0]:
            return Message("The ends are exclusive, so these two only touch: they share no word.")
        return Message(
            "They share no word. Ask whether they overlap before you compare them, on either side."
        )
    if result in ("missed", "invented"):
        return Message(
            "They share a word, so they are a pair. One may begin before the other, or lie inside it."
        )
    if reference == "correct":
        return Message("Start, end and type all agree.")
    if reference == "type":
        return Message("The words are the same, so only the type is wrong.")
    if reference == "boundary":
        return Message(
            "The type is the same, and so are some of the words, but not all: compare start and end."
        )
    return Message("Both the words and the type are wrong.")


EXERCISES = [
    Exercise(
        identifier="10.1",
        title="Spans from BIO tags",
        difficulty=1,
        minutes=10,
        examine=examine_spans_from_bio,
        hints=(
            "Go through the tags with enumerate. What does B- do, what does I- do, what does O do?",
            "B- appends (position, position + 1, type). O does nothing.",
            "I- makes the last span one word longer: spans[-1] = (start, position + 1, kind).",
        ),
        solution=spans_from_bio,
        praise="That's how tags become names again.",
    ),
    Exercise(
        identifier="10.2",
        title="From IOB1 to BIO",
        difficulty=2,
        minutes=10,
        examine=examine_iob1_to_bio,
        hints=(
            "Remember the tag before this one: start with previous = 'O'.",
            (
                "An I- begins a name if the tag before it has another type: previous[2:] != tag[2:]. For O, "
                "previous[2:] is empty."
            ),
            "Only an I- like that becomes B-; everything else stays as it is.",
        ),
        solution=iob1_to_bio,
        praise="Now you can read the original CoNLL files like the course's own.",
    ),
    Exercise(
        identifier="10.3",
        title="Align tags with pieces",
        difficulty=2,
        minutes=10,
        examine=examine_align,
        hints=(
            "There are three kinds of pieces: a special token (None), the first piece of a word, a later piece.",
            "A later piece has the same word number as the piece before it.",
            "labels.append(-100 if word is None or word == previous else tag_numbers[word])",
        ),
        solution=align,
        praise="One tag per word: nothing is counted twice.",
    ),
    Exercise(
        identifier="10.4",
        title="Entity-level F1 by hand",
        difficulty=2,
        minutes=10,
        examine=examine_entity_f1,
        hints=(
            "A right name is in both lists: set(gold) & set(predicted).",
            "precision = right / len(predicted), recall = right / len(gold).",
            "Their harmonic mean is 2 · right / (len(gold) + len(predicted)), and 0 if nothing is right.",
        ),
        solution=entity_f1,
        praise="All or nothing for each name, just as the CoNLL script counts.",
    ),
    Exercise(
        identifier="10.5",
        title="Name the error",
        difficulty=2,
        minutes=10,
        examine=examine_name_the_error,
        hints=(
            "First the cases with None: a missed name has no prediction, an invented one has no name in the data.",
            "Two spans overlap if gold[0] < predicted[1] and predicted[0] < gold[1].",
            "Then ask twice: are the words the same (gold[:2] == predicted[:2]), is the type the same?",
        ),
        solution=name_the_error,
        praise="Each kind of error tells you where to look next.",
    ),
]

QUIZ = [
    Question(
        "A word has three pieces and the tag B-LOC. Which labels do its pieces get?",
        Option("B-LOC, B-LOC, B-LOC", "Then one place counts as three names, in training and in scoring."),
        Option("B-LOC, O, O", "That teaches the model that a name stops after its first piece."),
        Option(
            "B-LOC, -100, -100",
            "The loss passes over -100, so the word has one tag and one prediction.",
            correct=True,
        ),
        Option("-100, -100, B-LOC", "You could train a model like that, but BERT reads the first piece."),
    ),
    Question(
        "A tagger says O for every word and reaches an accuracy of 83%. What is its entity-level F1?",
        Option(
            "0.83, the same as its accuracy", "Accuracy counts the many words outside of names; F1 doesn't."
        ),
        Option("0.17, the share of words in names", "None of those words was found, so they can't score."),
        Option(
            "Undefined, so leave it out", "By convention it's 0. Report it: it shows what accuracy hides."
        ),
        Option(
            "0, since it finds no name",
            "Most words are O, so accuracy flatters a tagger like this.",
            correct=True,
        ),
    ),
    Question(
        "Gold: [Bank of Spain ORG]. Predicted: Bank of [Spain LOC]. How does the CoNLL script count that?",
        Option("As one third right, for one of three words", "There's no credit for a part of a name."),
        Option(
            "As one name missed and one wrongly found",
            "A wrong border or type costs twice: once in recall, once in precision.",
            correct=True,
        ),
        Option("As one name missed, and nothing else", "The prediction is wrong too, which costs precision."),
        Option("As right in recall, wrong in precision", "Recall too wants start, end and type to agree."),
    ),
    Question(
        "What does a cased model know about names that an uncased one can't?",
        Option(
            "Whether a word begins with a capital.",
            "May and may, US and us, Apple and apple look the same to an uncased model.",
            correct=True,
        ),
        Option(
            "Where each word begins and ends.",
            "Both see that: the later pieces of a word are marked with ##.",
        ),
        Option(
            "What the words around a name say of it.", "Attention reads the neighbors in both kinds of model."
        ),
        Option("How to spell a name that is rare.", "Both have pieces for it, down to single letters."),
    ),
    Question(
        (
            "Your model finds nine of ten names that training has, and six of ten that it hasn't. In your "
            "newspaper, four of five names are new. About what recall do you expect?"
        ),
        Option("About 0.75, the mean of the two", "That would be right if half of the names were new."),
        Option(
            "About 0.66, closer to the new names",
            "0.2 · 0.9 + 0.8 · 0.6 = 0.66. That's why you report both recalls.",
            correct=True,
        ),
        Option("About 0.84, closer to the known names", "That would be right if one name in five were new."),
        Option(
            "About 0.90, as the model is that good", "It's that good on names that it has seen in training."
        ),
    ),
    Question(
        "Training data is in BIO. You score the model against test tags in IOB1, strictly read as BIO. What happens?",
        Option(
            "An error tells you that the schemes differ.",
            "Both are made of B-, I- and O: nothing looks wrong.",
        ),
        Option(
            "Only names that touch are counted wrong.", "Those are the few names that keep their B- in IOB1."
        ),
        Option(
            "Hardly any test name exists, so F1 is near 0.",
            "Without a B- no name begins, so even perfect predictions look invented.",
            correct=True,
        ),
        Option(
            "Nothing: the names are the same in both.",
            "They are, but a strict reader of BIO looks for the B-.",
        ),
    ),
    Question(
        (
            "On pieces, with the tag copied to every piece, F1 is 0.84; on whole names it's 0.79. Which names can "
            "explain the gap?"
        ),
        Option(
            "Long, rare words that the model gets right.",
            "Each of their pieces counts as a name, so a right one of five pieces counts five times.",
            correct=True,
        ),
        Option(
            "Names of one piece that the model misses.",
            "They count once either way and weigh less on pieces.",
        ),
        Option("Names with the right words and a wrong type.", "A wrong type is wrong in both counts."),
        Option(
            "Names that touch others of the same type.", "The B- of the second name separates them in both."
        ),
    ),
]
