"""Exercises and quiz of lesson 09, question answering."""

import math
import random
from collections.abc import Iterator

from course_lib.lessons.answer_forms import call_unchanged, number, whole_numbers
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.translation import Message

RANDOM_CASES = 30  # besides those that speak to a mistake

# 9.1 ----------------------------------------------------------------------------------------------


def piece_span(offsets, start, text):
    """Return the first and the last piece that share a character with the answer."""
    end = start + len(text)
    touched = [i for i, (a, b) in enumerate(offsets) if a < end and b > start]
    return touched[0], touched[-1]


PARAGRAPH = "In Paris? Yes: (in Paris) unbelievable sights of 1880s."
OFFSETS = [(0, 2), (3, 8), (8, 9), (10, 13), (13, 14), (15, 16), (16, 18), (19, 24), (24, 25), (26, 28)]
OFFSETS += [(28, 35), (35, 38), (39, 45), (46, 48), (49, 54), (54, 55)]
AT_BORDERS = ((19, "Paris"), (26, "unbelievable"), (16, "in Paris"), (28, "believable sights"), (3, "Paris"))
INSIDE_PIECES = ((49, "188"), (50, "880s"), (27, "nbelievab"), (50, "88"))


def piece_cases() -> Iterator[tuple[list[tuple[int, int]], int, str]]:
    """Yield offsets and answers: at borders of pieces, inside them, and at random places of random texts."""
    for start, text in AT_BORDERS + INSIDE_PIECES:
        yield OFFSETS, start, text
    draw = random.Random(9)
    for _ in range(RANDOM_CASES):
        offsets, place = [], 0
        for _ in range(draw.randrange(1, 30)):
            place += draw.random() < 0.6  # a space
            offsets.append((place, place + draw.randrange(1, 9)))
            place = offsets[-1][1]
        first, last = sorted(draw.choices(offsets, k=2))
        start, end = draw.randrange(*first), draw.randrange(*last) + 1
        start, end = min(start, end - 1), max(start + 1, end)
        yield offsets, start, "x" * (end - start)


def examine_piece_span(answer):
    for offsets, start, text in piece_cases():
        case = Message("the answer {text!r} at character {start}: ", text=text, start=start)
        try:
            result = call_unchanged(answer, offsets, start, text)
        except Mistake as mistake:
            if (start, text) not in INSIDE_PIECES:
                raise Mistake("{case}{mistake}", case=case, mistake=mistake) from None
            raise Mistake(
                "{case}it starts or ends in the middle of a piece, so no offset is equal to it. A piece counts as "
                "soon as it shares one character. {mistake}",
                case=case,
                mistake=mistake,
            ) from None
        result = tuple(whole_numbers(result, Message("the first and the last piece")))
        if result != piece_span(offsets, start, text):
            raise piece_mistake(result, offsets, start, text, case)


def piece_mistake(result, offsets, start, text, case) -> Mistake:
    """Return what wrong pieces say about the code behind them."""
    end = start + len(text)
    first, last = piece_span(offsets, start, text)
    if result == tuple(range(first, last + 1)):
        return Mistake(
            "{case}you return all the pieces, {result}. Return two numbers, the first and the last.",
            case=case,
            result=result,
        )
    if len(result) != 2:
        return Mistake(
            "{case}return two numbers, the first and the last piece; you return {count}.",
            case=case,
            count=len(result),
        )
    if result == (first, last + 1):
        return Mistake(
            "{case}you return {result}; the last piece is {last}. Either you give the piece after the last one, or you "
            "count a piece that only begins where the answer ends.",
            case=case,
            result=result,
            last=last,
        )
    if result == (first - 1, last):
        return Mistake(
            "{case}a piece that ends where the answer starts shares no character with it.", case=case
        )
    if result in ((start, end), (start, end - 1)):
        return Mistake(
            "{case}you return characters. The model points to pieces: look them up in the offsets.", case=case
        )
    if result == (first, last - first + 1):
        return Mistake(
            "{case}{count} is the number of pieces. Return the number of the last one, {last}.",
            case=case,
            count=result[1],
            last=last,
        )
    if offsets is OFFSETS:
        words = len(PARAGRAPH[:start].split())
        if result == (words, words + len(text.split()) - 1):
            return Mistake(
                "{case}you count words, and the model sees pieces: 'unbelievable' is three of them, and every "
                "punctuation mark is one.",
                case=case,
            )
        if result == piece_span(offsets, PARAGRAPH.index(text), text):
            return Mistake(
                "{case}you found the first {text!r} of the paragraph, and the answer is the second. Use the offset "
                "that comes with the data.",
                case=case,
                text=text,
            )
    if result == (last, first):
        return Mistake(
            "{case}the first piece comes first: ({first}, {last}).", case=case, first=first, last=last
        )
    if first < last and result == (first, first):
        return Mistake("{case}the answer continues to piece {last}.", case=case, last=last)
    if result[0] <= result[1] and first <= result[0] and result[1] <= last:
        return Mistake(
            "{case}you return {result}, and pieces {first} to {last} are touched. A piece that the answer covers only "
            "in part counts too.",
            case=case,
            result=result,
            first=first,
            last=last,
        )
    return Mistake(
        "{case}you return {result}; it should be ({first}, {last}).",
        case=case,
        result=result,
        first=first,
        last=last,
    )


# 9.2 ----------------------------------------------------------------------------------------------


def starts_of_windows(length, room, step):
    """Return where the windows start: step apart, room pieces each, until the last piece is in one."""
    starts = [0]
    while starts[-1] + room < length:
        starts.append(starts[-1] + step)
    return starts


def window_cases() -> Iterator[tuple[int, int, int]]:
    """Yield lengths, rooms and steps: texts that just fit, or don't, steps without overlap, the original's lengths."""
    yield from ((100, 40, 10), (100, 40, 40), (30, 40, 10), (40, 40, 10), (41, 40, 10), (50, 40, 10))
    yield from ((80, 40, 40), (500, 300, 128), (1000, 321, 128), (7, 3, 1), (1, 1, 1))
    draw = random.Random(9)
    for _ in range(RANDOM_CASES):
        room = draw.randrange(1, 60)
        yield draw.randrange(1, 300), room, draw.randrange(1, room + 1)


def examine_starts_of_windows(answer):
    for length, room, step in window_cases():
        result = call_unchanged(answer, length, room, step)
        if isinstance(result, (list, tuple)) and any(isinstance(item, (list, tuple)) for item in result):
            raise Mistake("return only where each window starts, without its end: [0, {step}, …].", step=step)
        result = whole_numbers(result, Message("the starts"))
        if result != starts_of_windows(length, room, step):
            raise window_mistake(result, length, room, step)


def window_mistake(result, length, room, step) -> Mistake:
    """Return what wrong starts say about the code behind them."""
    reference = starts_of_windows(length, room, step)
    case = Message("{length} pieces, room for {room}, step {step}: ", length=length, room=room, step=step)
    if step < room and result == starts_of_windows(length, room, room - step):
        return Mistake(
            "{case}your windows overlap by {step}; they should start {step} apart. The original's doc_stride is a "
            "step; the argument stride of some libraries is an overlap.",
            case=case,
            step=step,
        )
    if not result or result[0] != 0:
        return Mistake("{case}the first window starts at 0, even when the text is short.", case=case)
    if step != room and result == starts_of_windows(length, room, room):
        return Mistake(
            "{case}your windows stand side by side, {room} apart. An answer across a border would be in none of them: "
            "move on by the step.",
            case=case,
            room=room,
        )
    if step != 128 and result == starts_of_windows(length, room, 128):
        return Mistake("{case}your windows are 128 apart, whatever step says.", case=case)
    if len(result) > 1 and result[:-1] == reference[:-1] and result[-1] == length - room:
        return Mistake(
            "{case}you pull the last window back to {start}, so that it is full. It starts a step after the one "
            "before, and may be shorter.",
            case=case,
            start=result[-1],
        )
    if result[: len(reference)] == reference:
        return Mistake(
            "{case}you go on after the last piece is in a window. The extra windows, {extra}, hold nothing that's "
            "new.",
            case=case,
            extra=result[len(reference) :][:5],
        )
    if result[-1] + room < length:
        return Mistake(
            "{case}your last window ends at piece {end}, so the rest is never read. The answer may be there.",
            case=case,
            end=result[-1] + room,
        )
    if result == [start + room for start in [-room, *reference[:-1]]] or sorted(result) != result:
        return Mistake(
            "{case}the starts should rise by {step} each; you return {result}.",
            case=case,
            step=step,
            result=result[:5],
        )
    return Mistake(
        "{case}you return {result}; it should be {reference}.",
        case=case,
        result=result[:9],
        reference=reference[:9],
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


def span_cases() -> Iterator[tuple[list[float], list[float], int, int, int]]:
    """Yield scores: those that speak to a mistake, and random ones. Quarters, so that no sum is rounded."""
    # positions: CLS  question  SEP  paragraph ......................... SEP
    yield [0, 9, 0, 0, 1, 2, 7, 3, 1, 0, 0], [0, 0, 9, 0, 1, 6, 0, 5, 1, 0, 0], 4, 9, 4
    yield [0, 0, 0, 0, 1, 2, 4, 8, 1, 0, 0], [0, 0, 0, 0, 1, 9, 2, 0, 3, 1, 0], 4, 9, 4
    yield [0, 0, 0, 0, 1, 2, 3, 1, 9, 1, 0], [0, 0, 0, 0, 1, 2, 0, 3, 1, 9, 0], 4, 9, 4  # the last piece
    yield [0, 0, 0, 0, 9, 2, 2, 1, 1, 5, 0], [0, 0, 0, 0, 0, 1, 1, 1, 1, 9, 0], 4, 9, 4
    yield [0, 0, 0, 0, 9, 2, 2, 1, 1, 5, 0], [0, 0, 0, 0, 0, 1, 1, 8, 7, 1, 0], 4, 9, 4
    yield [9, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0], [9, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0], 4, 9, 4
    yield [0, 0, 0, 0, 1, 2, 9, 1, 1, 0, 0], [0, 0, 0, 0, 1, 2, 9, 5, 1, 0, 0], 4, 9, 4  # one piece
    yield [0, 0, 0, 0, -3, -1, -4, -5, -9, -7], [0, 0, 0, 0, -2, -6, -1, -8, -5, -9], 4, 8, 4  # all below 0
    yield [0, 0, 0, 0, 9, 2, 2, 1, 1, 5, 0], [0, 0, 0, 0, 0, 1, 1, 1, 9, 1, 0], 4, 9, 30
    draw = random.Random(9)
    for _ in range(RANDOM_CASES):
        first = draw.randrange(1, 9)
        last = first + draw.randrange(25)
        scores = [[draw.randrange(-40, 41) / 4 for _ in range(last + 3)] for _ in range(2)]
        yield *scores, first, last, draw.randrange(1, 12)


def examine_best_span(answer):
    for start_scores, end_scores, first, last, max_answer in span_cases():
        start_scores, end_scores = list(map(float, start_scores)), list(map(float, end_scores))
        result = call_unchanged(answer, start_scores, end_scores, first, last, max_answer)
        result = tuple(whole_numbers(result, Message("the start and the end")))
        mistake = span_mistake(result, start_scores, end_scores, first, last, max_answer)
        if mistake:
            raise mistake


def span_mistake(result, start_scores, end_scores, first, last, max_answer) -> Mistake | None:
    """Return what is wrong with a span, None if it is legal and no other has a higher sum."""
    reference = best_span(start_scores, end_scores, first, last, max_answer)
    case = Message(
        "paragraph at positions {first} to {last}, at most {max_answer} pieces: you return {result}, and ",
        first=first,
        last=last,
        max_answer=max_answer,
        result=result,
    )
    if len(result) != 2:
        return Mistake("return two positions, start and end; you return {count}.", count=len(result))
    start, end = result
    if 0 <= start <= end <= last - first and (start + first, end + first) == reference:
        return Mistake(
            "{case}that is counted from the paragraph's first token. Positions count from [CLS], as the scores do.",
            case=case,
        )
    if (start, end - 1) == reference:
        return Mistake(
            "{case}the end is one too far: it is the last piece itself, not the one after.", case=case
        )
    if not (first <= start <= last and first <= end <= last):
        return Mistake(
            "{case}that is not all inside the paragraph. [CLS] and the question have scores too, but they can't be the answer.",
            case=case,
        )
    if end < start:
        return Mistake(
            "{case}the end is before the start. Don't choose each alone: search the pairs with start <= end.",
            case=case,
        )
    if end - start + 1 > max_answer:
        return Mistake("{case}that is {length} pieces long.", case=case, length=end - start + 1)
    if start_scores[start] + end_scores[end] == start_scores[reference[0]] + end_scores[reference[1]]:
        return None
    if reference[0] == reference[1] in (start, end):
        return Mistake(
            "{case}the best answer is one piece, {piece}. Start and end may be the same.",
            case=case,
            piece=reference[0],
        )
    if start != reference[0] and start_scores[start] == max(start_scores[first : last + 1]):
        return Mistake(
            "{case}{reference} has a higher sum. The best start alone doesn't settle it.",
            case=case,
            reference=reference,
        )
    if reference[1] == last:
        return Mistake(
            "{case}the best span ends at {last}, the last piece, which is allowed.", case=case, last=last
        )
    if reference[1] - reference[0] + 1 == max_answer:
        return Mistake(
            "{case}the best span, {reference}, has exactly {max_answer} pieces, which is allowed.",
            case=case,
            reference=reference,
            max_answer=max_answer,
        )
    if start_scores[reference[0]] + end_scores[reference[1]] < 0:
        return Mistake(
            "{case}{reference} has a higher sum. Scores may be below 0: start the search at -inf, and add them, never "
            "multiply.",
            case=case,
            reference=reference,
        )
    if max_answer >= 30:
        return Mistake(
            "{case}{reference} has a higher sum, and is not too long here.", case=case, reference=reference
        )
    return Mistake(
        "{case}{reference} has a higher sum.",
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
AT_A_CANDIDATE = [(0.5, 90, True)] * 3 + [(1.5, 0, False)] * 2 + [(2.5, 100, True)] * 3


def threshold_cases() -> Iterator[tuple[list[float], dict[str, list]]]:
    """Yield candidates and parts: the best on test is another one, a difference lies on a candidate, random ones."""
    yield list(CANDIDATES), PARTS
    yield [2.5, 0.5, 1.0], {"validation": AT_A_CANDIDATE, "test": AT_A_CANDIDATE[3:]}
    partial = [(-1.0, 30, True)] * 4 + [(-1.0, 0, False)] * 2 + [(3.0, 0, False)] * 2
    yield [-2.0, 0.0, 4.0], {"validation": partial, "test": [(-1.0, 90, True), (3.0, 80, True)]}
    draw = random.Random(9)
    for _ in range(RANDOM_CASES):
        candidates = draw.sample([quarter / 4 for quarter in range(-20, 21)], draw.randrange(1, 12))
        parts = {}
        for name in ("validation", "test"):
            kinds = [draw.random() < 0.6 for _ in range(draw.randrange(4, 30))]
            parts[name] = [
                (draw.randrange(-24, 25) / 4, draw.choice((0, 40, 80, 100)) if has else 0, has)
                for has in kinds
            ]
        yield candidates, parts


def examine_choose_threshold(answer):
    for candidates, parts in threshold_cases():
        result = call_unchanged(answer, candidates, parts)
        value = number(result, Message("the threshold"))
        reference = choose_threshold(candidates, parts)
        if value in candidates and math.isclose(
            f1_at(value, parts["validation"]), f1_at(reference, parts["validation"])
        ):
            continue
        raise threshold_mistake(value, candidates, parts)


def threshold_mistake(value, candidates, parts) -> Mistake:
    """Return what a wrong threshold says about the code behind it."""
    validation, reference = parts["validation"], choose_threshold(candidates, parts)

    def is_best_for(score) -> bool:
        return value in candidates and score(value) == max(map(score, candidates))

    def included(threshold):
        return f1_at(math.nextafter(threshold, -math.inf), validation)

    def right_decisions(threshold):
        return sum((difference > threshold) != has_answer for difference, _, has_answer in validation)

    if value not in candidates and math.isclose(value, f1_at(reference, validation)):
        return Mistake(
            "you return {value:g}, the mean F1 itself. Return the threshold that reaches it.", value=value
        )
    if value not in candidates and value in range(len(candidates)):
        return Mistake(
            "you return {value:g}, a position in the list. Return the candidate there.", value=value
        )
    if value not in candidates:
        return Mistake(
            "{value:g} is none of the candidates {candidates}.", value=value, candidates=candidates[:5]
        )
    if candidates[:1] == [2.5] and is_best_for(included):
        return Mistake(
            "{value:g} is best where a difference *equal* to the threshold means 'none' as well. Only one above it "
            "does: >, not >=.",
            value=value,
        )
    if candidates[:2] == [-2.0, 0.0] and is_best_for(right_decisions):
        return Mistake(
            "{value:g} is most often right about whether there is an answer. But an answer that is given earns its F1, "
            "30 here, and not 100.",
            value=value,
        )
    if is_best_for(lambda t: f1_at(t, parts["test"])):
        return Mistake(
            "{value:g} is the best on test. If you choose there, the test score tells you how well you fitted the test, not "
            "how the model does on new questions. Choose on validation.",
            value=value,
        )
    if is_best_for(lambda t: f1_at(t, validation + parts["test"])):
        return Mistake(
            "{value:g} is the best on both parts together. Leave the test part closed.", value=value
        )
    if is_best_for(lambda t: f1_at(t, [row for row in validation if row[2]])):
        return Mistake(
            "{value:g} never abstains here, which is best only for the questions that have an answer. Count the "
            "others too: there, 'none' earns 100. Or did you flip a sign? A difference *above* the threshold means "
            "'none'.",
            value=value,
        )
    if is_best_for(lambda t: f1_at(t, [row for row in validation if not row[2]])):
        return Mistake(
            "{value:g} always abstains here, or nearly: best only for the questions without an answer. Count the "
            "others too.",
            value=value,
        )
    if is_best_for(lambda t: -f1_at(t, validation)):
        return Mistake("{value:g} has the *lowest* mean F1 on validation.", value=value)
    return Mistake(
        "you return {value:g}; the mean F1 on validation is highest at {reference:g}.",
        value=value,
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
            "The answer covers the characters from start up to end = start + len(text), end not included.",
            "A piece (a, b) shares a character with it if a < end and b > start.",
            "Collect the positions of these pieces with enumerate(offsets): you need the first one and the last.",
        ),
        solution=piece_span,
        praise="The offset decides, so neither a repeated word nor an answer that begins inside a piece moves the target.",
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
            "The last window ends at starts[-1] + room: that is the loop's condition, and length the limit.",
        ),
        solution=starts_of_windows,
        praise="The step is the distance from start to start; neighbors overlap by room - step.",
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
        praise="In the paragraph, forward, and not too long: that's what the original asks of every answer.",
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
        praise="You weighed both kinds of questions, and left the test part closed.",
    ),
]

QUIZ = [
    Question(
        "A paragraph has 500 pieces, a window has room for 300, and the step is 128. Where do the windows start?",
        Option(
            "At 0, 172 and 344.",
            "172 = 300 - 128 takes the step for an overlap, which is what the argument `stride` of some libraries means.",
        ),
        Option(
            "At 0, 128 and 256.",
            "128 apart, and the third one, from 256, reaches the end.",
            correct=True,
        ),
        Option(
            "At 0, 128, 256 and 384.",
            "The window from 256 already reaches past piece 500. Another one adds nothing.",
        ),
        Option("At 0 and 300.", "Without overlap, an answer that crosses piece 300 is in no window."),
    ),
    Question(
        "What's the target of a window that doesn't contain the answer?",
        Option(
            "None: training leaves the window out.",
            "Some implementations do that. The original keeps it, and learns what 'not here' looks like.",
        ),
        Option(
            "The last `[SEP]`, as start and as end.",
            "[SEP] only marks where a part ends.",
        ),
        Option(
            "`[CLS]`, as the start and as the end.",
            "Position 0 means 'the answer isn't in this window'.",
            correct=True,
        ),
        Option(
            "The span that's most like the answer.",
            "That would teach it to guess.",
        ),
    ),
    Question(
        "Why is the score of 'no answer' the *minimum* over the windows?",
        Option(
            "The answer may be in one window only.",
            "The others abstain with good reason. A single window that doesn't want to has seen something.",
            correct=True,
        ),
        Option(
            "The minimum is the cheapest to compute.",
            "Minimum, maximum and mean cost the same.",
        ),
        Option(
            "The minimum is the most probable value.",
            "Scores aren't probabilities. The minimum comes from the window that is least inclined to abstain.",
        ),
        Option(
            "The first window would have the maximum.",
            "Any window can have the highest score.",
        ),
    ),
    Question(
        "A model has seen answerable questions only. What does it do where the paragraph has no answer?",
        Option(
            "It gives all the spans nearly the same score.",
            "It may be less sure, but nothing has taught it to be.",
        ),
        Option(
            "It points to `[CLS]`, as start and as end.",
            "Its paragraphs fit into one window each, so [CLS] has never been a target.",
        ),
        Option(
            "It stops, because no span is legal.",
            "A legal span is forward, short and in the paragraph. It needn't be right.",
        ),
        Option(
            "It marks the likeliest span all the same.",
            "It has learned that there always is one.",
            correct=True,
        ),
    ),
    Question(
        "The reference is 'the Nile', and the model says 'Nile river'. What do exact match and F1 give?",
        Option("0% and 50%.", "That counts the article, which the normalization takes away."),
        Option("100% and 100%.", "'river' isn't in the reference."),
        Option(
            "0% and 67%.",
            "Articles are dropped: 'nile' against 'nile river' has precision 1/2 and recall 1.",
            correct=True,
        ),
        Option("0% and 100%.", "Recall is 1, but one of the two words of the answer is too much."),
    ),
    Question(
        "You raise the threshold of the null difference. What happens to F1 on the two kinds of questions?",
        Option(
            "HasAns can't fall, and NoAns can't rise.",
            "The model says 'none' less often: that helps only where there is an answer.",
            correct=True,
        ),
        Option(
            "HasAns can't rise, and NoAns can't fall.",
            "That's what lowering it does: the model says 'none' more often.",
        ),
        Option(
            "Both can rise, since it's tuned on their mean.",
            "A threshold only moves questions from one side to the other. What one kind gains, the other may lose.",
        ),
        Option(
            "Neither changes, since the spans stay the same.",
            "The spans do stay the same, but fewer of them are withheld.",
        ),
    ),
    Question(
        "For the bootstrap you draw single questions instead of whole paragraphs. What becomes of the interval?",
        Option(
            "It gets wider, since there's more to draw.",
            "More independent rows make an interval narrower. But these rows aren't independent.",
        ),
        Option(
            "It gets too narrow for what we really know.",
            "Questions of one paragraph are hard or easy together, so there's less evidence than questions.",
            correct=True,
        ),
        Option(
            "It stays, since the questions are the same.",
            "The questions are, but not what counts as one draw.",
        ),
        Option(
            "It moves up, since easy questions repeat.",
            "Hard ones repeat just as often. Drawing again doesn't move the middle.",
        ),
    ),
]
