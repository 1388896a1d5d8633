"""Exercises and quiz of lesson 09, question answering."""

from course_lib.lessons.exercises import Exercise, Mistake, NotAttempted, call
from course_lib.lessons.quizzes import Option, Question

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
        got, wanted = call(answer, list(OFFSETS), start, text), piece_span(OFFSETS, start, text)
        if got is None:
            raise NotAttempted
        got, case = tuple(got), f"the answer {text!r} at character {start}: "
        if got == wanted:
            continue
        if got == (wanted[0], wanted[1] + 1):
            raise Mistake(
                f"{case}you return {got}; the last piece is {wanted[1]}. Either the end is counted as outside, or the "
                "piece that begins where the answer ends is taken for a part of it."
            )
        if got == (wanted[0] - 1, wanted[1]):
            raise Mistake(f"{case}a piece that ends where the answer starts shares no character with it.")
        if got == (start, start + len(text)) or got == (start, start + len(text) - 1):
            raise Mistake(
                f"{case}you return characters. The model points to pieces: look them up in the offsets."
            )
        words = len(PARAGRAPH[:start].split())
        if got == (words, words + len(text.split()) - 1):
            raise Mistake(
                f"{case}you count words, and the model sees pieces: 'unbelievable' is three of them, and every "
                "punctuation mark is one."
            )
        if start == 19 and got == piece_span(OFFSETS, 3, text):
            raise Mistake(
                f"{case}you found the first {text!r} of the paragraph, and the answer is the second. Use the offset "
                "that the data give."
            )
        raise Mistake(f"{case}you return {got}; it should be {wanted}.")


# 9.2 ----------------------------------------------------------------------------------------------


def starts_of_windows(length, room, step):
    """Return where the windows start: step apart, room pieces each, until the last piece is in one."""
    starts = [0]
    while starts[-1] + room < length:
        starts.append(starts[-1] + step)
    return starts


def examine_starts_of_windows(answer):
    for length, room, step in ((100, 40, 10), (100, 40, 40), (30, 40, 10), (40, 40, 10), (41, 40, 10)):
        got, wanted = call(answer, length, room, step), starts_of_windows(length, room, step)
        if got is None:
            raise NotAttempted
        got, case = list(got), f"{length} pieces, room for {room}, step {step}: "
        if got == wanted:
            continue
        if got == starts_of_windows(length, room, max(1, room - step)):
            raise Mistake(
                f"{case}your windows overlap by {step}; they should start {step} apart. The original's doc_stride is a "
                "step; the argument stride of some libraries is an overlap."
            )
        if not got or got[0] != 0:
            raise Mistake(f"{case}the first window starts at 0, even when the text is short.")
        if got == list(range(0, length, step)):
            raise Mistake(
                f"{case}you go on after the last piece is in a window. The extra windows, {got[len(wanted) :]}, hold "
                "nothing that is new."
            )
        if got[-1] + room < length:
            raise Mistake(
                f"{case}your last window ends at piece {got[-1] + room}, so the rest is never read. The answer may be "
                "there."
            )
        raise Mistake(f"{case}you return {got}; it should be {wanted}.")


# 9.3 ----------------------------------------------------------------------------------------------


def best_span(start_scores, end_scores, first, last, max_answer):
    """Return (start, end) with the highest sum of scores, both from first to last, at most max_answer pieces."""
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
        got = call(answer, list(start_scores), list(end_scores), first, last, max_answer)
        wanted = best_span(start_scores, end_scores, first, last, max_answer)
        if got is None:
            raise NotAttempted
        start, end = got
        if (start, end) == wanted:
            continue
        case = f"paragraph at positions {first} to {last}, at most {max_answer} pieces: you return {(start, end)}, and "
        if not (first <= start <= last and first <= end <= last):
            raise Mistake(
                f"{case}that is not all inside the paragraph. [CLS] and the question have scores too; they are no "
                "answer."
            )
        if end < start:
            raise Mistake(
                f"{case}the end is before the start. Do not choose both alone: search the pairs with start <= end."
            )
        if end - start + 1 > max_answer:
            raise Mistake(f"{case}that is {end - start + 1} pieces long.")
        if wanted[1] - wanted[0] + 1 == max_answer:
            raise Mistake(
                f"{case}the best span, {wanted}, has exactly {max_answer} pieces, which is allowed."
            )
        raise Mistake(f"{case}{wanted} has a higher sum. The best start alone does not settle it.")


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
    "validation": [(-5, 100, True), (-3, 100, True), (-1, 80, True), (1, 100, True), (3, 60, True), (3, 0, False), (3, 0, False), (3, 0, False), (5, 0, False), (-1, 0, False)],
    "test": [(-5, 100, True), (-3, 100, True), (-1, 0, False), (-1, 0, False), (1, 0, False), (1, 60, True), (3, 0, False), (3, 0, False)],
}  # fmt: skip


def examine_choose_threshold(answer):
    got = call(answer, list(CANDIDATES), {name: list(rows) for name, rows in PARTS.items()})
    if got is None:
        raise NotAttempted
    wanted = choose_threshold(CANDIDATES, PARTS)
    if got == wanted:
        return
    if got == max(CANDIDATES, key=lambda t: f1_at(t, PARTS["test"])):
        raise Mistake(
            f"{got:g} is the best on test. Chosen there, the test score tells how well you fitted the test, and not how "
            "the model does on new questions. Choose on validation."
        )
    validation = PARTS["validation"]
    if got == max(CANDIDATES, key=lambda t: f1_at(t, [row for row in validation if row[2]])):
        raise Mistake(
            f"{got:g} never abstains here, which is best only for the questions that have an answer. Count the others "
            "too: there, 'none' earns 100. Or is a sign turned? A difference *above* the threshold means 'none'."
        )
    if got == max(CANDIDATES, key=lambda t: f1_at(t, [row for row in validation if not row[2]])):
        raise Mistake(
            f"{got:g} always abstains here, or nearly: best only for the questions without an answer. Count the others "
            "too."
        )
    raise Mistake(f"you return {got!r}; the mean F1 on validation is highest at {wanted:g}.")


EXERCISES = [
    Exercise(
        "9.1", "From characters to pieces", 2, 10, examine_piece_span,
        ("The answer covers the characters from start up to, but without, end = start + len(text).",
         "A piece (a, b) shares a character with it if a < end and b > start.",
         "touched = [i for i, (a, b) in enumerate(offsets) if a < end and b > start]; return touched[0], touched[-1]"),
        piece_span,
        "The offset decides, so neither a repeated word nor a split one can move the target.",
    ),
    Exercise(
        "9.2", "Windows from a step", 1, 10, examine_starts_of_windows,
        ("Begin with starts = [0].",
         "As long as the last window ends before the text does, add another one, step further on.",
         "while starts[-1] + room < length: starts.append(starts[-1] + step)"),
        starts_of_windows,
        "The step is the distance from start to start; what overlaps is room - step.",
    ),
    Exercise(
        "9.3", "The best legal span", 2, 15, examine_best_span,
        ("Go through all pairs: start from first to last, end from start on.",
         "The last end allowed is start + max_answer - 1, and never past last.",
         "max(legal, key=lambda span: start_scores[span[0]] + end_scores[span[1]])"),
        best_span,
        "In the paragraph, forward, not too long: what the original demands of every answer.",
    ),
    Exercise(
        "9.4", "Choose the threshold", 2, 15, examine_choose_threshold,
        ("Which of the two parts may you look at while choosing?",
         "Where difference > threshold the model says 'none': 100 if there is no answer, 0 if there is one. Elsewhere it keeps its F1.",
         "Take the mean over parts[\"validation\"] for each candidate, and return max(candidates, key=...)."),
        choose_threshold,
        "Both kinds of questions weighed, and the test part not looked at.",
    ),
]  # fmt: skip

QUIZ = [
    Question("A paragraph has 500 pieces and a window has room for 300; the step is 128. Where do windows start?", (
        Option("At 0 and 172.", "172 = 300 - 128 takes the step for an overlap, as the argument `stride` of some libraries means it."),
        Option("At 0, 128, 256 and 384.", "The window from 256 reaches piece 556, past the end. The last one adds nothing."),
        Option("At 0, 128 and 256.", "128 apart, and the third, from 256, reaches the end.", True),
        Option("At 0 and 300.", "Without overlap: an answer that crosses piece 300 is in no window."),
    )),
    Question("What is the target of a window that does not contain the answer?", (
        Option("None: the window is left out of training.", "Some do that. The original keeps it, and so it learns what 'not here' looks like."),
        Option("`[CLS]`, as start and as end.", "Position 0 stands for 'the answer is not in this window'.", True),
        Option("The span that is most like the answer.", "That would teach it to guess."),
        Option("The last `[SEP]`.", "[SEP] only marks where a part ends."),
    )),
    Question("Why is the score of 'no answer' the *minimum* over the windows?", (
        Option("The others may abstain only because the answer is elsewhere.", "A single window that does not want to abstain has seen something.", True),
        Option("It is the cheapest to compute.", "Minimum, maximum and mean cost the same."),
        Option("The minimum is the most probable value.", "Scores are no probabilities; the minimum is the least inclined window."),
        Option("The maximum would always be that of the first window.", "Any window can have the highest one."),
    )),
    Question("A model was trained on answerable questions only. What does it do where the paragraph has no answer?", (
        Option("Its scores become nearly equal, so the probabilities are flat.", "It may be less sure, but nothing has taught it to be."),
        Option("It points to `[CLS]`.", "Its paragraphs fit one window here, so [CLS] has never been a target."),
        Option("It stops with an error.", "Span scores exist for every input."),
        Option("It marks the likeliest span all the same.", "It has learned that there always is one.", True),
    )),
    Question("The reference is 'the Nile', the model says 'Nile river'. What do exact match and F1 give?", (
        Option("0 and 67%.", "Articles are dropped: 'nile' against 'nile river', precision 1/2, recall 1.", True),
        Option("0 and 50%.", "That counts the article, which the normalization takes away."),
        Option("100% and 100%.", "'river' is not in the reference."),
        Option("0 and 100%.", "Recall is 1, but one of two words of the answer is too much."),
    )),
]  # fmt: skip
