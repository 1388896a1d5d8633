"""Exercises and quiz of lesson 10, named-entity recognition."""

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call
from course_lib.translation import Message

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


def examine_spans_from_bio(answer):
    cases = (
        ["B-PER", "I-PER", "O", "B-LOC"],
        ["O", "O"],
        ["B-LOC", "B-LOC", "I-LOC", "B-PER"],
        ["O", "B-ORG", "I-ORG"],
    )
    for tags in cases:
        result = call(answer, list(tags))
        result, reference = [tuple(span) for span in result], spans_from_bio(tags)
        if result == reference:
            continue
        shown = " ".join(tags)
        if sorted(result) == sorted((a, b - 1, kind) for a, b, kind in reference):
            raise Mistake(
                "for {shown}, your ends are the last word itself. The end is exclusive, as in Python's "
                "slices: words[start:end].",
                shown=shown,
            )
        if [span[:2] for span in result] == [span[:2] for span in reference]:
            raise Mistake(
                "for {shown}, the places are right and the types are not: cut B- or I- off, tag[2:].",
                shown=shown,
            )
        if len(result) == len(reference) - 1 and result == reference[:-1]:
            raise Mistake(
                "for {shown}, the last entity is lost. It has no O behind it that would close it: close it "
                "after the loop.",
                shown=shown,
            )
        if len(result) > len(reference):
            raise Mistake(
                "for {shown}, you find {count} entities, and there are {reference}. I- continues the entity "
                "before it.",
                shown=shown,
                count=len(result),
                reference=len(reference),
            )
        if len(result) < len(reference):
            raise Mistake(
                "for {shown}, you find {count} of {reference} entities. Each B- begins a new one, also "
                "right behind another of its type.",
                shown=shown,
                count=len(result),
                reference=len(reference),
            )
        raise Mistake(
            "for {shown}, you return {result}; it should be {reference}.",
            shown=shown,
            result=result,
            reference=reference,
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


def examine_iob1_to_bio(answer):
    cases = {
        "one": ["O", "I-PER", "I-PER", "O", "I-LOC"],
        "touch": ["I-LOC", "B-LOC", "I-LOC", "O"],
        "types": ["I-ORG", "I-PER", "I-PER"],
        "again": ["I-PER", "O", "I-PER", "I-PER"],
    }
    for name, tags in cases.items():
        result = call(answer, list(tags))
        result, reference = list(result), iob1_to_bio(tags)
        if result == reference:
            continue
        shown = " ".join(tags)
        if result == tags:
            raise Mistake(
                "{shown} comes back unchanged. In BIO the first word of every entity has B-.",
                shown=shown,
            )
        if result == ["B-" + tag[2:] if tag != "O" else tag for tag in tags]:
            raise Mistake(
                "for {shown}, every word of an entity gets B-: that would be {count} entities. Only the "
                "first word begins one.",
                shown=shown,
                count=len([t for t in tags if t != "O"]),
            )
        if name == "touch":
            raise Mistake(
                "for {shown}, you return {result}. A B- that is there already parts two places that touch: "
                "keep it, and what follows it continues.",
                shown=shown,
                result=" ".join(result),
            )
        if name == "types":
            raise Mistake(
                "for {shown}, you return {result}. I-PER behind I-ORG begins a person: compare the types, "
                "not only whether the tag before is O.",
                shown=shown,
                result=" ".join(result),
            )
        raise Mistake(
            "for {shown}, you return {result}; it should be {reference}.",
            shown=shown,
            result=" ".join(result),
            reference=" ".join(reference),
        )


# 10.3 ---------------------------------------------------------------------------------------------


def align(word_of_piece, tag_numbers):
    """Return a label for each piece: the word's tag at its first piece, -100 everywhere else."""
    labels, previous = [], None
    for word in word_of_piece:
        labels.append(-100 if word is None or word == previous else tag_numbers[word])
        previous = word
    return labels


def examine_align(answer):
    words, tags = [None, 0, 0, 0, 1, 2, 2, None], [3, 0, 3]
    result = call(answer, list(words), list(tags))
    result, reference = [int(label) for label in result], align(words, tags)
    every = [-100 if word is None else tags[word] for word in words]
    if result == reference:
        padded = [None, 0, 1, None, None]
        if [int(label) for label in call(answer, list(padded), [1, 2])] != align(padded, [1, 2]):
            raise Mistake(
                "for {padded}, only positions 1 and 2 carry a tag; [SEP] and [PAD] have -100.",
                padded=padded,
            )
        return
    if len(result) != len(words):
        raise Mistake(
            "you return {count} labels for {pieces} pieces. Each piece needs one, if only -100.",
            count=len(result),
            pieces=len(words),
        )
    if result == every:
        raise Mistake(
            "the tag is copied to every piece of a word, so a B- of three pieces becomes three entities. "
            "Later pieces get -100: the loss passes over them."
        )
    if result == [0 if word is None else label for word, label in zip(words, reference, strict=True)]:
        raise Mistake(
            "[CLS] and [SEP] get tag 0, so the model is trained to call them O. They are no words: label "
            "-100."
        )
    if result == [0 if label == -100 else label for label in reference]:
        raise Mistake(
            "later pieces and special tokens get tag 0, which is O. That trains the model to deny the rest "
            "of a name; use -100."
        )
    lasts = [
        -100 if word is None or word == after else tags[word]
        for word, after in zip(words, [*words[1:], None], strict=True)
    ]
    if result == lasts:
        raise Mistake("the tag stands on the last piece of each word. BERT reads it at the first.")
    raise Mistake("you return {result}; it should be {reference}.", result=result, reference=reference)


# 10.4 ---------------------------------------------------------------------------------------------


def entity_f1(gold, predicted):
    """Return the F1 of two lists of (start, end, type); 0 if nothing is found."""
    right = len(set(gold) & set(predicted))
    return 2 * right / (len(gold) + len(predicted)) if right else 0.0


def examine_entity_f1(answer):
    gold = [(0, 2, "PER"), (4, 5, "LOC"), (7, 10, "ORG"), (12, 13, "LOC")]
    predicted = [(0, 2, "PER"), (4, 5, "ORG"), (7, 9, "ORG"), (12, 13, "LOC"), (15, 16, "PER")]
    result = call(answer, list(gold), list(predicted))
    value, reference = float(result), entity_f1(gold, predicted)
    if abs(value - reference) < 1e-6:
        for one, other in ((gold, []), ([], predicted), ([], [])):
            try:
                empty = answer(list(one), list(other))
            except ZeroDivisionError:
                raise Mistake(
                    "with {predicted} predicted entities of {gold} you divide by zero. F1 is 0 where "
                    "nothing was found.",
                    predicted=len(other),
                    gold=len(one),
                ) from None
            if empty is None or float(empty) != 0.0:
                raise Mistake(
                    "with {predicted} predicted entities of {gold} you return {empty}; F1 is 0 there.",
                    predicted=len(other),
                    gold=len(one),
                    empty=empty,
                )
        return
    if abs(value - 2 / 4) < 1e-6:
        raise Mistake(
            "{value:.3f} is the recall: 2 of the 4 entities in the data. F1 asks for precision too.",
            value=value,
        )
    if abs(value - 2 / 5) < 1e-6:
        raise Mistake(
            "{value:.3f} is the precision: 2 of the 5 predicted. F1 asks for recall too.",
            value=value,
        )
    if abs(value - 2 * 3 / 9) < 1e-6:
        raise Mistake(
            "{value:.3f} counts an entity whose words or whose type alone are right. Start, end and type "
            "must all agree.",
            value=value,
        )
    if abs(value - 2 * 4 / 9) < 1e-6:
        raise Mistake(
            "{value:.3f} counts what merely overlaps. Start, end and type must all agree.",
            value=value,
        )
    words = lambda spans: {(i, kind) for a, b, kind in spans for i in range(a, b)}  # noqa: E731
    right = len(words(gold) & words(predicted))
    if abs(value - 2 * right / (len(words(gold)) + len(words(predicted)))) < 1e-6:
        raise Mistake("{value:.3f} counts words. A long name is one entity, as a short one is.", value=value)
    raise Mistake("you return {value:.3f}; here F1 is {reference:.3f}.", value=value, reference=reference)


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


def examine_name_the_error(answer):
    cases = [
        ((0, 2, "PER"), (0, 2, "PER"), "correct"),
        ((0, 2, "PER"), (0, 2, "ORG"), "type"),
        ((0, 2, "PER"), (0, 1, "PER"), "boundary"),
        ((0, 2, "PER"), (1, 3, "ORG"), "boundary and type"),
        ((0, 2, "PER"), None, "missed"),
        (None, (0, 2, "PER"), "invented"),
        ((0, 2, "PER"), (2, 3, "PER"), "invented"),
        ((2, 4, "LOC"), (0, 5, "LOC"), "boundary"),
    ]
    for gold, predicted, reference in cases:
        result = call(answer, gold, predicted)
        if result == reference:
            continue
        where = Message("gold {gold}, predicted {predicted}", gold=gold, predicted=predicted)
        if gold and predicted and gold[1] == predicted[0]:
            raise Mistake(
                "{where}: you say {result!r}. The end is exclusive, so these two only touch: the predicted "
                "one is invented.",
                where=where,
                result=result,
            )
        if {result, reference} == {"missed", "invented"}:
            raise Mistake(
                "{where}: you say {result!r}, it is {reference!r}. Missed is in the data only, invented is "
                "in the prediction only.",
                where=where,
                result=result,
                reference=reference,
            )
        if reference == "boundary and type":
            raise Mistake(
                "{where}: you say {result!r}. Both the words and the type are wrong: 'boundary and type'.",
                where=where,
                result=result,
            )
        if reference == "boundary":
            raise Mistake(
                "{where}: you say {result!r}. They share words and the type, and not the same words: "
                "'boundary'.",
                where=where,
                result=result,
            )
        raise Mistake(
            "{where}: you say {result!r}, it is {reference!r}.",
            where=where,
            result=result,
            reference=reference,
        )


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
        praise="This is how tags become names.",
    ),
    Exercise(
        identifier="10.2",
        title="From IOB1 to BIO",
        difficulty=2,
        minutes=10,
        examine=examine_iob1_to_bio,
        hints=(
            "Keep the tag before: start with previous = 'O'.",
            (
                "An I- begins an entity where the type before is another: previous[2:] != tag[2:]. For O, "
                "previous[2:] is empty."
            ),
            "Only such an I- becomes B-; everything else stays as it is.",
        ),
        solution=iob1_to_bio,
        praise="Files of the original task read like the course's own now.",
    ),
    Exercise(
        identifier="10.3",
        title="Align tags with pieces",
        difficulty=2,
        minutes=10,
        examine=examine_align,
        hints=(
            "Three kinds of pieces: a special token (None), the first piece of a word, a later piece of it.",
            "A later piece has the same word number as the piece before it.",
            "labels.append(-100 if word is None or word == previous else tag_numbers[word])",
        ),
        solution=align,
        praise="One tag a word: nothing is counted twice.",
    ),
    Exercise(
        identifier="10.4",
        title="Entity-level F1 by hand",
        difficulty=2,
        minutes=10,
        examine=examine_entity_f1,
        hints=(
            "What is right is in both lists: set(gold) & set(predicted).",
            "precision = right / len(predicted), recall = right / len(gold).",
            "Their harmonic mean is 2 · right / (len(gold) + len(predicted)), and 0 where nothing is right.",
        ),
        solution=entity_f1,
        praise="All or nothing for each name, as the CoNLL script counts.",
    ),
    Exercise(
        identifier="10.5",
        title="Name the error",
        difficulty=2,
        minutes=10,
        examine=examine_name_the_error,
        hints=(
            "First the cases with None: missed has no prediction, invented has nothing in the data.",
            "Two spans overlap if gold[0] < predicted[1] and predicted[0] < gold[1].",
            "Then two questions: are the words the same (gold[:2] == predicted[:2]), is the type the same?",
        ),
        solution=name_the_error,
        praise="Each kind of error tells you where to look next.",
    ),
]

QUIZ = [
    Question(
        "A word has three pieces and the tag B-LOC. Which labels do its pieces get?",
        Option("B-LOC, B-LOC, B-LOC", "Then one place counts as three entities, in training and in scoring."),
        Option("B-LOC, O, O", "That teaches the model that the rest of the name is no name."),
        Option(
            "B-LOC, -100, -100",
            "The loss passes over -100; the word has one tag, and one prediction.",
            correct=True,
        ),
        Option("-100, -100, B-LOC", "It could be made to work, but BERT reads the tag at the first piece."),
    ),
    Question(
        "A tagger says O for every word and reaches an accuracy of 83%. What is its entity-level F1?",
        Option("0", "It finds no entity at all. Most words are O, so accuracy flatters.", correct=True),
        Option(
            "0.83",
            "Accuracy of single tags counts the many words that are no names; F1 of entities does not.",
        ),
        Option("0.17", "That is the share of words inside names. None of them was found."),
        Option(
            "Undefined, so it must be left out of the report",
            "By convention it is 0, and it belongs in the report: it shows what accuracy hides.",
        ),
    ),
    Question(
        "Gold: [Bank of Spain ORG]. Predicted: Bank of [Spain LOC]. How does the CoNLL script count that?",
        Option("One third right", "There is no credit for parts of a name."),
        Option(
            "One missed entity only, since the prediction overlaps with it",
            "The prediction is wrong too, and counts against precision.",
        ),
        Option("Right in recall, wrong in precision", "Start, end and type must agree for either."),
        Option(
            "One missed and one wrongly found",
            "A boundary error costs twice: in recall and in precision.",
            correct=True,
        ),
    ),
    Question(
        "Why is a cased model a good choice for names?",
        Option("Cased models have more layers.", "They have the same layers and another vocabulary."),
        Option(
            "Capital letters help to tell names from words.",
            "May and may, US and us, Apple and apple are the same to an uncased model.",
            correct=True,
        ),
        Option(
            "News such as CoNLL-2003 is written in capitals.",
            "Only some headlines are, and there case does not help.",
        ),
        Option(
            "An uncased tokenizer cannot be aligned with the words of the data set.",
            "It can: this lesson does it.",
        ),
    ),
    Question(
        (
            "Your model finds nine of ten names that occur in the training set, and six of ten others. What "
            "follows?"
        ),
        Option(
            "The tokenizer is broken for rare words.",
            "Pieces cover every word; rarity alone breaks nothing.",
        ),
        Option(
            "The training set should be searched for duplicates first.",
            "Names may recur; whole sentences may not, and the card counts those.",
        ),
        Option(
            "Report both, since in use most names will be new.",
            "A test whose names were all seen would promise too much.",
            correct=True,
        ),
        Option("Nothing: F1 is what counts.", "One F1 hides that it depends on how many names are new."),
    ),
]
