"""Exercises and quiz of lesson 15, A case study."""

import math

import numpy as np

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call

# 15.1 -----------------------------------------------------------------------------------------------


def mcnemar_p_value(only_first, only_second):
    """Return the exact two-sided p-value of McNemar's test: how surprising the split is for a fair coin."""
    flips, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(flips, heads) for heads in range(fewer + 1)) / 2**flips
    return min(1.0, 2 * tail)


def examine_mcnemar_p_value(answer):
    value = _number(call(answer, 3, 9))
    wanted, exactly = mcnemar_p_value(3, 9), math.comb(12, 3) / 2**12
    if _near(value, wanted):
        return _examine_edges_of_mcnemar(answer)
    if _near(value, wanted / 2):
        raise Mistake("that's one tail. The other model might as well have been the lucky one: double it.")
    if _near(value, exactly) or _near(value, 2 * exactly):
        raise Mistake(
            "that's the probability of exactly 3 heads in 12 flips. Add up everything at least as extreme: 0 to 3."
        )
    if _near(value, 2 * sum(math.comb(12, heads) for heads in range(3)) / 2**12):
        raise Mistake("you add up 0 to 2 heads. The 3 that were seen count, too.")
    if _near(value, 1 - wanted) or _near(value, 1 - wanted / 2):
        raise Mistake("that's 1 minus the p-value. A small p-value is a surprise.")
    if _near(value, math.erfc(6 / math.sqrt(2 * 12))):
        raise Mistake(
            "that's the chi-square form, an approximation for many flips. Take the exact one, with math.comb."
        )
    raise Mistake(
        "for 3 and 9 you return {value:.4f}; it should be {wanted:.4f}.", value=value, wanted=wanted
    )


def _examine_edges_of_mcnemar(answer):
    turned = _number(call(answer, 9, 3))
    if not _near(turned, mcnemar_p_value(3, 9)):
        raise Mistake(
            "for 9 and 3 you return {value:.4f}, and for 3 and 9 something else. Take the smaller number first.",
            value=turned,
        )
    for pair in ((5, 5), (0, 0)):
        value = _number(call(answer, *pair))
        if not _near(value, 1):
            raise Mistake(
                "for {a} and {b} you return {value:.4f}. An even split is no surprise at all: 1, and never more.",
                a=pair[0],
                b=pair[1],
                value=value,
            )


def _number(value) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Mistake("return a number, not {kind}.", kind=type(value).__name__) from None


def _near(value: float, wanted: float) -> bool:
    return math.isclose(value, wanted, rel_tol=1e-4, abs_tol=1e-5)


# 15.2 -----------------------------------------------------------------------------------------------


def head_and_tail(pieces, room, head_share=0.25):
    """Return at most `room` pieces: a share of them from the head, the rest from the tail."""
    if len(pieces) <= room:
        return list(pieces)
    head = round(head_share * room)
    return [*pieces[:head], *pieces[len(pieces) - (room - head) :]]


def examine_head_and_tail(answer):
    pieces = list(range(100, 120))
    result = _whole_numbers(call(answer, list(pieces), 8))
    wanted = head_and_tail(pieces, 8)
    if result == pieces[:8]:
        raise Mistake("you return the head alone. A quarter of the room is the head's, the rest the tail's.")
    if result == pieces[-8:]:
        raise Mistake("you return the tail alone. A quarter of the room is the head's, the rest the tail's.")
    if result == [*pieces[:6], *pieces[-2:]]:
        raise Mistake("head and tail changed places: {head} of 8 pieces are from the head.", head=2)
    if result == [*pieces[-6:], *pieces[:2]]:
        raise Mistake("the tail comes first. Keep the order of the text.")
    if len(result) != 8:
        raise Mistake("for 20 pieces and room for 8 you return {count}.", count=len(result))
    if result != wanted:
        raise Mistake("you return {result}; it should be {wanted}.", result=result, wanted=wanted)
    short = _whole_numbers(call(answer, [1, 2, 3], 8))
    if short != [1, 2, 3]:
        raise Mistake(
            "a text of 3 pieces fits into 8, so it stays whole; you return {result}. Head and tail overlap there.",
            result=short,
        )
    only_head = _whole_numbers(call(answer, list(pieces), 8, 1.0))
    if len(only_head) != 8:
        raise Mistake(
            "with head_share=1 there's no tail, and you return {count} pieces: pieces[-0:] is the whole list. Count "
            "from the front instead.",
            count=len(only_head),
        )
    half = _whole_numbers(call(answer, list(pieces), 8, 0.5))
    if half != [*pieces[:4], *pieces[-4:]]:
        raise Mistake("with head_share=0.5 you return {result}. Is head_share used?", result=half)


def _whole_numbers(values) -> list[int]:
    try:
        return [int(value) for value in values]
    except (TypeError, ValueError):
        raise Mistake("return a list of pieces, such as [100, 101, 119].") from None


# 15.3 -----------------------------------------------------------------------------------------------


def calibration_error(confidences, right, bins=10):
    """Return the expected calibration error: |confidence - accuracy| of each bin, weighted by its rows."""
    numbers = np.minimum((confidences * bins).astype(int), bins - 1)  # exactly 1.0 is in the last bin
    error = 0.0
    for number in range(bins):
        inside = numbers == number
        if inside.any():
            gap = abs(confidences[inside].mean() - right[inside].mean())
            error += inside.mean() * gap
    return error


def examine_calibration_error(answer):
    confidences = np.array([0.55, 0.58, 0.72, 0.93, 0.96, 0.98, 0.75, 0.97, 0.62, 0.86])
    right = np.array([False, True, True, True, False, True, False, True, True, True])
    value = _number(call(answer, confidences.copy(), right.copy()))
    wanted, parts = calibration_error(confidences, right), _bins_of(confidences, right)
    gaps = [abs(gap) for _, gap in parts]
    if not _near(value, wanted):
        if _near(value, float(np.mean(gaps))):
            raise Mistake("each bin counts the same in your mean. Weight it by its share of the rows.")
        if _near(value, max(gaps)):
            raise Mistake("that's the largest gap of a bin. Take the mean over all rows.")
        if _near(value, abs(sum(share * gap for share, gap in parts))):
            raise Mistake(
                "gaps of opposite sign cancel in your sum. Take the absolute value in each bin, before you add."
            )
        if _near(value, sum(share * gap**2 for share, gap in parts)):
            raise Mistake("you square the gaps. Take their absolute value.")
        if _near(value, float(np.abs(confidences - right).mean())):
            raise Mistake(
                "that's the gap of each single row. Average confidence and accuracy in a bin first."
            )
        if _near(value, len(right) * wanted):
            raise Mistake("you weight by the number of rows. Divide by all rows: weight by the share.")
        if _near(value, float(np.mean([*gaps, *[0] * (10 - len(gaps))]))):
            raise Mistake(
                "you average over all ten bins, the empty ones too. Weight each bin by its share of rows."
            )
        raise Mistake("you return {value:.4f}; it should be {wanted:.4f}.", value=value, wanted=wanted)
    _examine_a_confidence_of_one(answer)
    five = _number(call(answer, confidences.copy(), right.copy(), 5))
    if not _near(five, calibration_error(confidences, right, 5)):
        raise Mistake(
            "with bins=5 you return {value:.4f}. Are there still ten bins in your code?", value=five
        )


def _examine_a_confidence_of_one(answer):
    confidences, right = np.array([1.0, 1.0, 0.98, 0.96]), np.array([True, False, True, True])
    value = _number(call(answer, confidences.copy(), right.copy()))
    if _near(value, 0.5 * 0.03):
        raise Mistake(
            "rows with a confidence of exactly 1.0 are in none of your bins, so the surest mistakes don't count. Put "
            "them into the last bin."
        )
    if _near(value, 0.5 * 0.03 + 0.5 * 0.5):
        raise Mistake(
            "a confidence of exactly 1.0 got a bin of its own, an eleventh one. It belongs into the last of the ten."
        )
    if not _near(value, 0.235):
        raise Mistake(
            "with confidences of exactly 1.0 you return {value:.4f}; it should be 0.2350.", value=value
        )


def _bins_of(confidences, right) -> list[tuple[float, float]]:
    """Return share and signed gap of each bin that holds a row."""
    numbers = (confidences * 10).astype(int)
    groups = [numbers == number for number in np.unique(numbers)]
    return [(float(g.mean()), float(confidences[g].mean() - right[g].mean())) for g in groups]


# 15.4 -----------------------------------------------------------------------------------------------


def surest_mistakes(losses, right, count):
    """Return the positions of the `count` wrong rows with the largest loss, the largest first."""
    wrong = [row for row in range(len(losses)) if not right[row]]
    return sorted(wrong, key=lambda row: -losses[row])[:count]


def examine_surest_mistakes(answer):
    losses = [0.1, 2.5, 0.68, 0.9, 4.0, 0.75, 1.4]
    right = [True, False, True, False, False, False, False]
    result = _whole_numbers_of_rows(call(answer, list(losses), list(right), 3))
    if result == [4, 1, 6]:
        two = _whole_numbers_of_rows(call(answer, [0.5, 0.9, 3.0], [True, False, True], 2))
        if two != [1]:
            raise Mistake(
                "with one mistake and count 2 you return {result}; there's only [1] to return. Are rows left out that "
                "are right? A right row can have a large loss where there are many classes.",
                result=two,
            )
        return
    if result == [5, 3, 6]:
        raise Mistake("those are the closest calls. The surest mistakes have the largest loss.")
    if result == [0, 2, 5]:
        raise Mistake("those are the rows with the smallest loss: the easy ones.")
    if result == [6, 1, 4]:
        raise Mistake("the rows are right, but the largest loss comes first: [4, 1, 6].")
    if result == [1, 4, 6]:
        raise Mistake("you return the rows in the order of the data. Sort by loss, the largest first.")
    if result == [1, 3, 4]:
        raise Mistake("those are the first three mistakes of the data. Sort them by their loss first.")
    if result == [2, 0, 4]:
        raise Mistake("you count among the mistakes. Return the positions among all rows, to find the texts.")
    if len(result) != 3:
        raise Mistake("you return {count} rows; count is 3.", count=len(result))
    raise Mistake("you return {result}; it should be [4, 1, 6].", result=result)


def _whole_numbers_of_rows(values) -> list[int]:
    try:
        found = [float(value) for value in values]
    except (TypeError, ValueError):
        raise Mistake("return a list of positions, such as [4, 1].") from None
    if any(value != int(value) for value in found):
        raise Mistake("those are losses. Return the positions of the rows: the texts are there.")
    return [int(value) for value in found]


EXERCISES = [
    Exercise(
        identifier="15.1",
        title="A fair coin",
        difficulty=2,
        minutes=10,
        examine=examine_mcnemar_p_value,
        hints=(
            "flips = only_first + only_second; math.comb(flips, k) / 2**flips is the probability of k heads.",
            "Add up 0 to min(only_first, only_second): everything at least as one-sided as what you saw.",
            "Double it for the other side, and never return more than 1.",
        ),
        solution=mcnemar_p_value,
        praise="Four lines, and you know whether two models differ or two coins do.",
    ),
    Exercise(
        identifier="15.2",
        title="Head and tail",
        difficulty=1,
        minutes=5,
        examine=examine_head_and_tail,
        hints=(
            "A text that fits stays whole: look at that first.",
            "head = round(head_share * room), and the tail gets room - head.",
            "Count the tail from the front, pieces[len(pieces) - tail:], because pieces[-0:] is everything.",
        ),
        solution=head_and_tail,
        praise="Exactly the budget, in the order of the text, and never a piece twice.",
    ),
    Exercise(
        identifier="15.3",
        title="Calibration in eight lines",
        difficulty=3,
        minutes=15,
        examine=examine_calibration_error,
        hints=(
            "(confidences * bins).astype(int) is the bin of each row, except for a confidence of exactly 1.0.",
            "In each bin that holds a row: the absolute difference of mean confidence and share right.",
            "Weight each bin by inside.mean(), its share of the rows, and add them up.",
        ),
        solution=calibration_error,
        praise="Your eight lines are right where a well-known library isn't: at a confidence of exactly 1.0.",
    ),
    Exercise(
        identifier="15.4",
        title="The surest mistakes",
        difficulty=1,
        minutes=5,
        examine=examine_surest_mistakes,
        hints=(
            "First the rows that are wrong, by their position among all rows.",
            "Sort them by minus their loss.",
            "Then cut the list at count.",
        ),
        solution=surest_mistakes,
        praise="Begin where the model is sure and wrong: there's the most to learn.",
    ),
]

QUIZ = [
    Question(
        "Why is the plan written before the first run?",
        Option(
            "So that the runs can be started all at once.",
            "That's handy, but you could start them without a plan, too.",
        ),
        Option(
            "So that the results can't choose the question.",
            "With enough ways to look, something always looks good. A plan fixes the way first.",
            correct=True,
        ),
        Option(
            "So that the seeds give the same numbers each time.",
            "Seeds do that with or without a plan.",
        ),
        Option(
            "So that nobody else can use the same data set.",
            "Plans are published so that others can check them.",
        ),
    ),
    Question(
        "A model gets 12 of 16 plot-heavy reviews right, another 10 of 16. What can you say?",
        Option(
            "The first is better at plots: 75% against 62.5%.",
            "Two reviews are the whole difference. Wilson's intervals overlap almost entirely.",
        ),
        Option(
            "Both are equally good at plots.",
            "You don't know that either. Not seeing a difference isn't seeing that there's none.",
        ),
        Option(
            "Very little: sixteen reviews can't tell them apart.",
            "The interval of 12 of 16 goes from about 50% to about 90%.",
            correct=True,
        ),
        Option(
            "The first is better, if its average over all reviews is also higher.",
            "The average is about other reviews. It says nothing about plots.",
        ),
    ),
    Question(
        "Which rows decide McNemar's test?",
        Option(
            "All rows of the test part.",
            "Rows that both models get right, or both wrong, can't tell them apart.",
        ),
        Option(
            "Rows that exactly one of the two models gets right.",
            "They're the coin flips: who's alone right, how often?",
            correct=True,
        ),
        Option(
            "Rows that both of the models get wrong.",
            "They show what's hard, but they don't favor either model.",
        ),
        Option(
            "The rows with the largest difference in confidence.",
            "The test counts right and wrong answers; it knows no confidence.",
        ),
    ),
    Question(
        "You divide all scores by a temperature of 2. What happens to the accuracy?",
        Option(
            "It stays exactly the same.",
            "The largest score is still the largest, so every answer stays.",
            correct=True,
        ),
        Option("It falls, because the model is less sure.", "Sureness changes, answers don't."),
        Option(
            "It rises, because the model is better calibrated.",
            "Calibration says how far to trust an answer. The answer is the same.",
        ),
        Option(
            "It depends on the bins of the calibration error.",
            "Bins are a way to measure. They change no answer.",
        ),
    ),
    Question(
        "On which rows do you fit the temperature?",
        Option(
            "On the training part: it has the most rows.",
            "The model is far too sure there, because it has seen them. The temperature would come out too low.",
        ),
        Option(
            "On the test part, since it's judged there.",
            "Then the judge has seen the answers, and the error after it is worth nothing.",
        ),
        Option(
            "On the validation part.",
            "New to the model, and not the rows that decide. It's one number, so few rows are enough.",
            correct=True,
        ),
        Option(
            "On all three parts together, for a stable value.",
            "The training rows would drag it down, and the test part wouldn't be new any more.",
        ),
    ),
    Question(
        "Head+tail beats head on long reviews, at 64 tokens each. Why does the equal budget matter?",
        Option(
            "Because more tokens are always better.",
            "They often are, and that's the point: then you couldn't tell place from amount.",
        ),
        Option(
            "Because batches need rows of equal length.",
            "Padding takes care of that.",
        ),
        Option(
            "Because MiniLM can't read more than 64 tokens.",
            "It can read 512. The budget was our choice.",
        ),
        Option(
            "Then only *where* the tokens come from differs.",
            "One difference at a time: that's what makes it a comparison.",
            correct=True,
        ),
    ),
    Question(
        "A perfectly calibrated model is judged on 280 rows in ten bins. What error do you measure?",
        Option(
            "0, since it's calibrated.",
            "That's so for endlessly many rows. In a bin of 20, the share right wobbles.",
        ),
        Option(
            "A little more than 0, by chance alone.",
            "Absolute gaps never cancel. Always compare with what chance gives for as many rows.",
            correct=True,
        ),
        Option(
            "It can't be measured with as few rows as that.",
            "It can. You only have to know how far chance alone goes.",
        ),
        Option(
            "Its accuracy minus its confidence, below 0 or above.",
            "Gaps are absolute in each bin, so the error is never below 0.",
        ),
    ),
]
