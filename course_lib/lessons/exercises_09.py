"""Exercises and quiz of lesson 09, question answering."""

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call
from course_lib.translation import Message

# 9.1 ----------------------------------------------------------------------------------------------


def piece_span(offsets, start, text):
    """Return the first and the last piece that share a character with the answer."""
    end = start + len(text)
    touched = [i for i, (a, b) in enumerate(offsets) if a < end and b > start]
    return touched[0], touched[-1]


PARAGRAPH = "In Paris? Yes: (in Paris) unbelievable sights."
OFFSETS = [
    (0, 2),
    (3, 8),
    (8, 9),
    (10, 13),
    (13, 14),
    (15, 16),
    (16, 18),
    (19, 24),
    (24, 25),
    (26, 28),
    (28, 35),
]
OFFSETS += [(35, 38), (39, 45), (45, 46)]
CASES = ((19, "Paris"), (26, "unbelievable"), (16, "in Paris"), (28, "believable sights"), (3, "Paris"))


def examine_piece_span(answer):
    for start, text in CASES:
        result, reference = call(answer, list(OFFSETS), start, text), piece_span(OFFSETS, start, text)
        result, case = (
            tuple(result),
            Message("the answer {text!r} at character {start}: ", text=text, start=start),
        )
        if result == reference:
            continue
        if result == (reference[0], reference[1] + 1):
            raise Mistake(
                "{case}you return {result}; the last piece is {last}. Either the end is counted as outside, "
                "or the piece that begins where the answer ends is taken for a part of it.",
                case=case,
                result=result,
                last=reference[1],
            )
        if result == (reference[0] - 1, reference[1]):
            raise Mistake(
                "{case}a piece that ends where the answer starts shares no character with it.",
                case=case,
            )
        if result == (start, start + len(text)) or result == (start, start + len(text) - 1):
            raise Mistake(
                "{case}you return characters. The model points to pieces: look them up in the offsets.",
                case=case,
            )
        words = len(PARAGRAPH[:start].split())
        if result == (words, words + len(text.split()) - 1):
            raise Mistake(
                "{case}you count words, and the model sees pieces: 'unbelievable' is three of them, and "
                "every punctuation mark is one.",
                case=case,
            )
        if start == 19 and result == piece_span(OFFSETS, 3, text):
            raise Mistake(
                "{case}you found the first {text!r} of the paragraph, and the answer is the second. Use the "
                "offset that the data give.",
                case=case,
                text=text,
            )
        raise Mistake(
            "{case}you return {result}; it should be {reference}.",
            case=case,
            result=result,
            reference=reference,
        )


# 9.2 ----------------------------------------------------------------------------------------------


def starts_of_windows(length, room, step):
    """Return where the windows start: step apart, room pieces each, until the last piece is in one."""
    starts = [0]
    while starts[-1] + room < length:
        starts.append(starts[-1] + step)
    return starts


def examine_starts_of_windows(answer):
    for length, room, step in ((100, 40, 10), (100, 40, 40), (30, 40, 10), (40, 40, 10), (41, 40, 10)):
        result, reference = call(answer, length, room, step), starts_of_windows(length, room, step)
        result, case = (
            list(result),
            Message("{length} pieces, room for {room}, step {step}: ", length=length, room=room, step=step),
        )
        if result == reference:
            continue
        if result == starts_of_windows(length, room, max(1, room - step)):
            raise Mistake(
                "{case}your windows overlap by {step}; they should start {step} apart. The original's "
                "doc_stride is a step; the argument stride of some libraries is an overlap.",
                case=case,
                step=step,
            )
        if not result or result[0] != 0:
            raise Mistake("{case}the first window starts at 0, even when the text is short.", case=case)
        if result == list(range(0, length, step)):
            raise Mistake(
                "{case}you go on after the last piece is in a window. The extra windows, {extra}, hold "
                "nothing that is new.",
                case=case,
                extra=result[len(reference) :],
            )
        if result[-1] + room < length:
            raise Mistake(
                "{case}your last window ends at piece {end}, so the rest is never read. The answer may be "
                "there.",
                case=case,
                end=result[-1] + room,
            )
        raise Mistake(
            "{case}you return {result}; it should be {reference}.",
            case=case,
            result=result,
            reference=reference,
        )


# 9.3 ----------------------------------------------------------------------------------------------


def best_span(start_scores, end_scores, first, last, max_answer):
    """Return (start, end) with the highest sum of scores, from first to last, at most max_answer pieces."""
    legal = [
        (start, end)
        for start in range(first, last + 1)
        for end in range(start, min(start + max_answer - 1, last) + 1)
    ]
    return max(legal, key=lambda span: start_scores[span[0]] + end_scores[span[1]])


# positions:   CLS  question  SEP  paragraph ......................... SEP
SPAN_CASES = (
    ([0, 0, 9, 0, 1, 2, 7, 3, 1, 0, 0], [0, 0, 0, 9, 1, 6, 0, 5, 1, 0, 0], 4, 9, 4),
    ([0, 0, 0, 0, 1, 2, 4, 8, 1, 0, 0], [0, 0, 0, 0, 1, 9, 2, 0, 3, 1, 0], 4, 9, 4),
    ([0, 0, 0, 0, 9, 2, 2, 1, 1, 5, 0], [0, 0, 0, 0, 0, 1, 1, 1, 1, 9, 0], 4, 9, 4),
    ([0, 0, 0, 0, 9, 2, 2, 1, 1, 5, 0], [0, 0, 0, 0, 0, 1, 1, 8, 7, 1, 0], 4, 9, 4),
    ([9, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0], [9, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0], 4, 9, 4),
)


def examine_best_span(answer):
    for start_scores, end_scores, first, last, max_answer in SPAN_CASES:
        result = call(answer, list(start_scores), list(end_scores), first, last, max_answer)
        reference = best_span(start_scores, end_scores, first, last, max_answer)
        start, end = result
        if (start, end) == reference:
            continue
        case = Message(
            "paragraph at positions {first} to {last}, at most {max_answer} pieces: you return {result}, "
            "and ",
            first=first,
            last=last,
            max_answer=max_answer,
            result=(start, end),
        )
        if not (first <= start <= last and first <= end <= last):
            raise Mistake(
                "{case}that is not all inside the paragraph. [CLS] and the question have scores too; they "
                "are no answer.",
                case=case,
            )
        if end < start:
            raise Mistake(
                "{case}the end is before the start. Do not choose both alone: search the pairs with start "
                "<= end.",
                case=case,
            )
        if end - start + 1 > max_answer:
            raise Mistake("{case}that is {length} pieces long.", case=case, length=end - start + 1)
        if reference[1] - reference[0] + 1 == max_answer:
            raise Mistake(
                "{case}the best span, {reference}, has exactly {max_answer} pieces, which is allowed.",
                case=case,
                reference=reference,
                max_answer=max_answer,
            )
        raise Mistake(
            "{case}{reference} has a higher sum. The best start alone does not settle it.",
            case=case,
            reference=reference,
        )


# 9.4 ----------------------------------------------------------------------------------------------


def f1_at(threshold, questions):
    """Return the mean F1 when "none" is answered wherever the difference is above the threshold."""
    return sum(
        (0 if has_answer else 100) if difference > threshold else f1
        for difference, f1, has_answer in questions
    ) / len(questions)


def choose_threshold(candidates, parts):
    """Return the candidate with the highest mean F1 on the validation part."""

    def mean_f1(threshold):
        scores = []
        for difference, f1, has_answer in parts["validation"]:
            if difference > threshold:
                f1 = 0 if has_answer else 100  # the model says "none"
            scores.append(f1)
        return sum(scores) / len(scores)

    return max(candidates, key=mean_f1)


CANDIDATES = (-4.0, -2.0, 0.0, 2.0, 4.0)
PARTS = {
    "validation": [
        (-5, 100, True),
        (-3, 100, True),
        (-1, 80, True),
        (1, 100, True),
        (3, 60, True),
        (3, 0, False),
        (3, 0, False),
        (3, 0, False),
        (5, 0, False),
        (-1, 0, False),
    ],
    "test": [
        (-5, 100, True),
        (-3, 100, True),
        (-1, 0, False),
        (-1, 0, False),
        (1, 0, False),
        (1, 60, True),
        (3, 0, False),
        (3, 0, False),
    ],
}


def examine_choose_threshold(answer):
    result = call(answer, list(CANDIDATES), {name: list(rows) for name, rows in PARTS.items()})
    reference = choose_threshold(CANDIDATES, PARTS)
    if result == reference:
        return
    if result == max(CANDIDATES, key=lambda t: f1_at(t, PARTS["test"])):
        raise Mistake(
            "{result:g} is the best on test. Chosen there, the test score tells how well you fitted the "
            "test, and not how the model does on new questions. Choose on validation.",
            result=result,
        )
    validation = PARTS["validation"]
    if result == max(CANDIDATES, key=lambda t: f1_at(t, [row for row in validation if row[2]])):
        raise Mistake(
            "{result:g} never abstains here, which is best only for the questions that have an answer. "
            "Count the others too: there, 'none' earns 100. Or is a sign turned? A difference *above* the "
            "threshold means 'none'.",
            result=result,
        )
    if result == max(CANDIDATES, key=lambda t: f1_at(t, [row for row in validation if not row[2]])):
        raise Mistake(
            "{result:g} always abstains here, or nearly: best only for the questions without an answer. "
            "Count the others too.",
            result=result,
        )
    raise Mistake(
        "you return {result!r}; the mean F1 on validation is highest at {reference:g}.",
        result=result,
        reference=reference,
    )


EXERCISES = [
    Exercise(
        identifier="9.1",
        title="From characters to pieces",
        difficulty=2,
        minutes=10,
        examine=examine_piece_span,
        hints=(
            "The answer covers the characters from start up to, but without, end = start + len(text).",
            "A piece (a, b) shares a character with it if a < end and b > start.",
            (
                "touched = [i for i, (a, b) in enumerate(offsets) if a < end and b > start]; return "
                "touched[0], touched[-1]"
            ),
        ),
        solution=piece_span,
        praise="The offset decides, so neither a repeated word nor a split one can move the target.",
    ),
    Exercise(
        identifier="9.2",
        title="Windows from a step",
        difficulty=1,
        minutes=10,
        examine=examine_starts_of_windows,
        hints=(
            "Begin with starts = [0].",
            "As long as the last window ends before the text does, add another one, step further on.",
            "while starts[-1] + room < length: starts.append(starts[-1] + step)",
        ),
        solution=starts_of_windows,
        praise="The step is the distance from start to start; what overlaps is room - step.",
    ),
    Exercise(
        identifier="9.3",
        title="The best legal span",
        difficulty=2,
        minutes=15,
        examine=examine_best_span,
        hints=(
            "Go through all pairs: start from first to last, end from start on.",
            "The last end allowed is start + max_answer - 1, and never past last.",
            "max(legal, key=lambda span: start_scores[span[0]] + end_scores[span[1]])",
        ),
        solution=best_span,
        praise="In the paragraph, forward, not too long: what the original demands of every answer.",
    ),
    Exercise(
        identifier="9.4",
        title="Choose the threshold",
        difficulty=2,
        minutes=15,
        examine=examine_choose_threshold,
        hints=(
            "Which of the two parts may you look at while choosing?",
            (
                "Where difference > threshold the model says 'none': 100 if there is no answer, 0 if there "
                "is one. Elsewhere it keeps its F1."
            ),
            'Take the mean over parts["validation"] for each candidate, and return max(candidates, key=...).',
        ),
        solution=choose_threshold,
        praise="Both kinds of questions weighed, and the test part not looked at.",
    ),
]

QUIZ = [
    Question(
        "A paragraph has 500 pieces and a window has room for 300; the step is 128. Where do windows start?",
        Option(
            "At 0, 172 and 344.",
            (
                "172 = 300 - 128 takes the step for an overlap, as the argument `stride` of some libraries "
                "means it."
            ),
        ),
        Option(
            "At 0, 128, 256 and 384.",
            "The window from 256 reaches piece 556, past the end. The last one adds nothing.",
        ),
        Option("At 0, 128 and 256.", "128 apart, and the third, from 256, reaches the end.", correct=True),
        Option("At 0 and 300.", "Without overlap: an answer that crosses piece 300 is in no window."),
    ),
    Question(
        "What is the target of a window that does not contain the answer?",
        Option(
            "None: the window is left out of training.",
            "Some do that. The original keeps it, and so it learns what 'not here' looks like.",
        ),
        Option(
            "`[CLS]`, as start and as end.",
            "Position 0 stands for 'the answer is not in this window'.",
            correct=True,
        ),
        Option("The span that is most like the answer.", "That would teach it to guess."),
        Option("The last `[SEP]`.", "[SEP] only marks where a part ends."),
    ),
    Question(
        "Why is the score of 'no answer' the *minimum* over the windows?",
        Option(
            "The others may abstain only because the answer is elsewhere.",
            "A single window that does not want to abstain has seen something.",
            correct=True,
        ),
        Option("It is the cheapest to compute.", "Minimum, maximum and mean cost the same."),
        Option(
            "The minimum is the most probable value.",
            "Scores are no probabilities; the minimum is the least inclined window.",
        ),
        Option(
            "The maximum would always be that of the first window.",
            "Any window can have the highest one.",
        ),
    ),
    Question(
        (
            "A model was trained on answerable questions only. What does it do where the paragraph has no "
            "answer?"
        ),
        Option(
            "Its scores become nearly equal, so the probabilities are flat.",
            "It may be less sure, but nothing has taught it to be.",
        ),
        Option(
            "It points to `[CLS]`.",
            "Its paragraphs fit one window here, so [CLS] has never been a target.",
        ),
        Option("It stops with an error.", "Span scores exist for every input."),
        Option(
            "It marks the likeliest span all the same.",
            "It has learned that there always is one.",
            correct=True,
        ),
    ),
    Question(
        "The reference is 'the Nile', the model says 'Nile river'. What do exact match and F1 give?",
        Option(
            "0 and 67%.",
            "Articles are dropped: 'nile' against 'nile river', precision 1/2, recall 1.",
            correct=True,
        ),
        Option("0 and 50%.", "That counts the article, which the normalization takes away."),
        Option("100% and 100%.", "'river' is not in the reference."),
        Option("0 and 100%.", "Recall is 1, but one of two words of the answer is too much."),
    ),
]
