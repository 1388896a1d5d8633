"""Exercises and quiz of lesson 10, named-entity recognition."""

from course_lib.lessons.exercises import Exercise, Mistake, NotAttempted, call
from course_lib.lessons.quizzes import Option, Question

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
        got = call(answer, list(tags))
        if got is None:
            raise NotAttempted
        got, wanted = [tuple(span) for span in got], spans_from_bio(tags)
        if got == wanted:
            continue
        shown = " ".join(tags)
        if sorted(got) == sorted((a, b - 1, kind) for a, b, kind in wanted):
            raise Mistake(
                f"for {shown}, your ends are the last word itself. The end is exclusive, as in Python's slices: words[start:end]."
            )
        if [span[:2] for span in got] == [span[:2] for span in wanted]:
            raise Mistake(
                f"for {shown}, the places are right and the types are not: cut B- or I- off, tag[2:]."
            )
        if len(got) == len(wanted) - 1 and got == wanted[:-1]:
            raise Mistake(
                f"for {shown}, the last entity is lost. It has no O behind it that would close it: close it after the loop."
            )
        if len(got) > len(wanted):
            raise Mistake(
                f"for {shown}, you find {len(got)} entities, and there are {len(wanted)}. I- continues the entity before it."
            )
        if len(got) < len(wanted):
            raise Mistake(
                f"for {shown}, you find {len(got)} of {len(wanted)} entities. Each B- begins a new one, also right behind another of its type."
            )
        raise Mistake(f"for {shown}, you return {got}; it should be {wanted}.")


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
        got = call(answer, list(tags))
        if got is None:
            raise NotAttempted
        got, wanted = list(got), iob1_to_bio(tags)
        if got == wanted:
            continue
        shown = " ".join(tags)
        if got == tags:
            raise Mistake(f"{shown} comes back unchanged. In BIO the first word of every entity has B-.")
        if got == ["B-" + tag[2:] if tag != "O" else tag for tag in tags]:
            raise Mistake(
                f"for {shown}, every word of an entity gets B-: that would be {len([t for t in tags if t != 'O'])} entities. Only the first word begins one."
            )
        if name == "touch":
            raise Mistake(
                f"for {shown}, you return {' '.join(got)}. A B- that is there already parts two places that touch: keep it, and what follows it continues."
            )
        if name == "types":
            raise Mistake(
                f"for {shown}, you return {' '.join(got)}. I-PER behind I-ORG begins a person: compare the types, not only whether the tag before is O."
            )
        raise Mistake(f"for {shown}, you return {' '.join(got)}; it should be {' '.join(wanted)}.")


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
    got = call(answer, list(words), list(tags))
    if got is None:
        raise NotAttempted
    got, wanted = [int(label) for label in got], align(words, tags)
    every = [-100 if word is None else tags[word] for word in words]
    if got == wanted:
        padded = [None, 0, 1, None, None]
        if [int(label) for label in call(answer, list(padded), [1, 2])] != align(padded, [1, 2]):
            raise Mistake(f"for {padded}, only positions 1 and 2 carry a tag; [SEP] and [PAD] have -100.")
        return
    if len(got) != len(words):
        raise Mistake(
            f"you return {len(got)} labels for {len(words)} pieces. Each piece needs one, if only -100."
        )
    if got == every:
        raise Mistake(
            "the tag is copied to every piece of a word, so a B- of three pieces becomes three entities. Later pieces get -100: the loss passes over them."
        )
    if got == [0 if word is None else label for word, label in zip(words, wanted, strict=True)]:
        raise Mistake(
            "[CLS] and [SEP] get tag 0, so the model is trained to call them O. They are no words: label -100."
        )
    if got == [0 if label == -100 else label for label in wanted]:
        raise Mistake(
            "later pieces and special tokens get tag 0, which is O. That trains the model to deny the rest of a name; use -100."
        )
    lasts = [
        -100 if word is None or word == after else tags[word]
        for word, after in zip(words, [*words[1:], None], strict=True)
    ]
    if got == lasts:
        raise Mistake("the tag stands on the last piece of each word. BERT reads it at the first.")
    raise Mistake(f"you return {got}; it should be {wanted}.")


# 10.4 ---------------------------------------------------------------------------------------------


def entity_f1(gold, predicted):
    """Return the F1 of two lists of (start, end, type); 0 if nothing is found."""
    right = len(set(gold) & set(predicted))
    return 2 * right / (len(gold) + len(predicted)) if right else 0.0


def examine_entity_f1(answer):
    gold = [(0, 2, "PER"), (4, 5, "LOC"), (7, 10, "ORG"), (12, 13, "LOC")]
    predicted = [(0, 2, "PER"), (4, 5, "ORG"), (7, 9, "ORG"), (12, 13, "LOC"), (15, 16, "PER")]
    got = call(answer, list(gold), list(predicted))
    if got is None:
        raise NotAttempted
    value, wanted = float(got), entity_f1(gold, predicted)
    if abs(value - wanted) < 1e-6:
        for one, other in ((gold, []), ([], predicted), ([], [])):
            try:
                empty = answer(list(one), list(other))
            except ZeroDivisionError:
                raise Mistake(
                    f"with {len(other)} predicted entities of {len(one)} you divide by zero. F1 is 0 where nothing was found."
                ) from None
            if empty is None or float(empty) != 0.0:
                raise Mistake(
                    f"with {len(other)} predicted entities of {len(one)} you return {empty}; F1 is 0 there."
                )
        return
    if abs(value - 2 / 4) < 1e-6:
        raise Mistake(
            f"{value:.3f} is the recall: 2 of the 4 entities in the data. F1 asks for precision too."
        )
    if abs(value - 2 / 5) < 1e-6:
        raise Mistake(f"{value:.3f} is the precision: 2 of the 5 predicted. F1 asks for recall too.")
    if abs(value - 2 * 3 / 9) < 1e-6:
        raise Mistake(
            f"{value:.3f} counts an entity whose words or whose type alone are right. Start, end and type must all agree."
        )
    if abs(value - 2 * 4 / 9) < 1e-6:
        raise Mistake(f"{value:.3f} counts what merely overlaps. Start, end and type must all agree.")
    words = lambda spans: {(i, kind) for a, b, kind in spans for i in range(a, b)}  # noqa: E731
    right = len(words(gold) & words(predicted))
    if abs(value - 2 * right / (len(words(gold)) + len(words(predicted)))) < 1e-6:
        raise Mistake(f"{value:.3f} counts words. A long name is one entity, as a short one is.")
    raise Mistake(f"you return {value:.3f}; here F1 is {wanted:.3f}.")


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
    for gold, predicted, wanted in cases:
        got = call(answer, gold, predicted)
        if got is None:
            raise NotAttempted
        if got == wanted:
            continue
        where = f"gold {gold}, predicted {predicted}"
        if gold and predicted and gold[1] == predicted[0]:
            raise Mistake(
                f"{where}: you say {got!r}. The end is exclusive, so these two only touch: the predicted one is invented."
            )
        if {got, wanted} == {"missed", "invented"}:
            raise Mistake(
                f"{where}: you say {got!r}, it is {wanted!r}. Missed is in the data only, invented is in the prediction only."
            )
        if wanted == "boundary and type":
            raise Mistake(
                f"{where}: you say {got!r}. Both the words and the type are wrong: 'boundary and type'."
            )
        if wanted == "boundary":
            raise Mistake(
                f"{where}: you say {got!r}. They share words and the type, and not the same words: 'boundary'."
            )
        raise Mistake(f"{where}: you say {got!r}, it is {wanted!r}.")


EXERCISES = [
    Exercise(
        "10.1", "Spans from BIO tags", 1, 10, examine_spans_from_bio,
        ("Go through the tags with enumerate. What does B- do, what does I- do, what does O do?",
         "B- appends (position, position + 1, type). O does nothing.",
         "I- makes the last span one word longer: spans[-1] = (start, position + 1, kind)."),
        spans_from_bio,
        "This is how tags become names.",
    ),
    Exercise(
        "10.2", "From IOB1 to BIO", 2, 10, examine_iob1_to_bio,
        ("Keep the tag before: start with previous = 'O'.",
         "An I- begins an entity where the type before is another: previous[2:] != tag[2:]. For O, previous[2:] is empty.",
         "Only such an I- becomes B-; everything else stays as it is."),
        iob1_to_bio,
        "Files of the original task read like the course's own now.",
    ),
    Exercise(
        "10.3", "Align tags with pieces", 2, 10, examine_align,
        ("Three kinds of pieces: a special token (None), the first piece of a word, a later piece of it.",
         "A later piece has the same word number as the piece before it.",
         "labels.append(-100 if word is None or word == previous else tag_numbers[word])"),
        align,
        "One tag a word: nothing is counted twice.",
    ),
    Exercise(
        "10.4", "Entity-level F1 by hand", 2, 10, examine_entity_f1,
        ("What is right is in both lists: set(gold) & set(predicted).",
         "precision = right / len(predicted), recall = right / len(gold).",
         "Their harmonic mean is 2 · right / (len(gold) + len(predicted)), and 0 where nothing is right."),
        entity_f1,
        "All or nothing for each name, as the CoNLL script counts.",
    ),
    Exercise(
        "10.5", "Name the error", 2, 10, examine_name_the_error,
        ("First the cases with None: missed has no prediction, invented has nothing in the data.",
         "Two spans overlap if gold[0] < predicted[1] and predicted[0] < gold[1].",
         "Then two questions: are the words the same (gold[:2] == predicted[:2]), is the type the same?"),
        name_the_error,
        "Each kind of error asks for another remedy.",
    ),
]  # fmt: skip

QUIZ = [
    Question("A word has three pieces and the tag B-LOC. Which labels do its pieces get?", (
        Option("B-LOC, B-LOC, B-LOC", "Then one place counts as three entities, in training and in scoring."),
        Option("B-LOC, O, O", "That teaches the model that the rest of the name is no name."),
        Option("B-LOC, -100, -100", "The loss passes over -100; the word has one tag, and one prediction.", True),
        Option("-100, -100, B-LOC", "It could be made to work, but BERT reads the tag at the first piece."),
    )),
    Question("A tagger says O for every word and reaches an accuracy of 83%. What is its entity-level F1?", (
        Option("0", "It finds no entity at all. Most words are O, so accuracy flatters.", True),
        Option("0.83", "Accuracy of single tags counts the many words that are no names; F1 of entities does not."),
        Option("0.17", "That is the share of words inside names. None of them was found."),
        Option("Undefined, so it must be left out of the report", "By convention it is 0, and it belongs in the report: it shows what accuracy hides."),
    )),
    Question("Gold: [Bank of Spain ORG]. Predicted: Bank of [Spain LOC]. How does the CoNLL script count that?", (
        Option("One third right", "There is no credit for parts of a name."),
        Option("One missed entity only, since the prediction overlaps with it", "The prediction is wrong too, and counts against precision."),
        Option("Right in recall, wrong in precision", "Start, end and type must agree for either."),
        Option("One missed and one wrongly found", "A boundary error costs twice: in recall and in precision.", True),
    )),
    Question("Why did the paper use a cased model for this task alone?", (
        Option("Cased models have more layers.", "They have the same layers and another vocabulary."),
        Option("Capital letters help to tell names from words.", "May and may, US and us, Apple and apple are the same to an uncased model.", True),
        Option("CoNLL-2003 is written in capitals.", "Only some headlines are, and there case does not help."),
        Option("An uncased tokenizer cannot be aligned with the words of the data set.", "It can: this lesson does it."),
    )),
    Question("Your model finds nine of ten names that occur in the training set, and six of ten others. What follows?", (
        Option("The tokenizer is broken for rare words.", "Pieces cover every word; rarity alone breaks nothing."),
        Option("The training set should be searched for duplicates first.", "Names may recur; whole sentences may not, and the card counts those."),
        Option("Report both, since in use most names will be new.", "A test whose names were all seen would promise too much.", True),
        Option("Nothing: F1 is what counts.", "One F1 hides that it depends on how many names are new."),
    )),
]  # fmt: skip
