"""Exercises and quiz of lesson 11, Sentence pairs."""

import math

import numpy as np
import torch

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, describe
from course_lib.translation import Message

# 11.1 -----------------------------------------------------------------------------------------------


def pack_pair(first, second, cls_id, sep_id, max_length):
    """Return (input_ids, token_type_ids) of [CLS] first [SEP] second [SEP], the longer side cut if needed."""
    first, second = list(first), list(second)
    while len(first) + len(second) > max_length - 3:
        (first if len(first) > len(second) else second).pop()
    input_ids = [cls_id, *first, sep_id, *second, sep_id]
    return input_ids, [0] * (len(first) + 2) + [1] * (len(second) + 1)


PAIRS = [  # first, second, max_length: all fits; the first is long, the second is; both are; both, and alike
    ([11, 12, 13], [21, 22], 16),
    ([11, 12, 13, 14, 15, 16, 17, 18], [21, 22], 8),
    ([11, 12], [21, 22, 23, 24, 25, 26], 8),
    ([11, 12, 13, 14, 15, 16], [21, 22, 23, 24, 25], 9),
    ([11, 12, 13, 14], [21, 22, 23, 24], 10),
]


def examine_pack_pair(answer):
    for first, second, max_length in PAIRS:
        given = list(first), list(second)
        result = call(answer, *given, 101, 102, max_length)
        if given != (first, second):
            raise Mistake(
                "your function shortens the lists that it was given. Copy them first: the caller may need them again."
            )
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise Mistake("return two lists, input_ids and token_type_ids.")
        ids, types = (list(part) for part in result)
        _examine_ids(ids, first, second, max_length)
        _examine_types(ids, types, first, second, max_length)


def _examine_ids(ids: list, first: list, second: list, max_length: int) -> None:
    wanted, _ = pack_pair(first, second, 101, 102, max_length)
    if ids == wanted:
        return
    whole, _ = pack_pair(first, second, 101, 102, 99)
    others = {
        tuple(whole): Message(
            "the row has {length} ids, and max_length is {limit}. Shorten the longer side until it fits.",
            length=len(ids),
            limit=max_length,
        ),
        tuple(whole[:max_length]): Message(
            "you cut the end of the whole row. That costs the second sentence and the last "
            "[SEP]: shorten the longer side instead, before you pack."
        ),
        tuple(wanted[:-1]): Message("the last [SEP] is missing: the second segment ends with one, too."),
        tuple(pack_pair(second, first, 101, 102, max_length)[0]): Message("the second sentence comes first."),
        tuple(pack_pair(first, second, 101, 102, max_length + 3)[0]): Message(
            "the row has {length} ids, and max_length "
            "is {limit}. The three special tokens need room, too: keep max_length - 3 for the sentences.",
            length=len(ids),
            limit=max_length,
        ),
        tuple(pack_pair(first[::-1], second[::-1], 101, 102, max_length)[0]): Message(
            "the tokens of a sentence are in the wrong order."
        ),
        tuple(_halves(first, second, max_length)): Message(
            "each side got half of the room, though one of them needs less. "
            "Take tokens from the longer side only, one at a time."
        ),
    }
    said = others.get(tuple(ids))
    if said is None and len(first) == len(second) and ids == _tie(first, second, max_length):
        said = Message(
            "both sides were equally long, and you shortened the first. In a tie shorten the second."
        )
    if said is None and [i for i in ids if i not in (101, 102)] == [i for i in wanted if i not in (101, 102)]:
        said = Message("the special tokens aren't in their places: [CLS] first [SEP] second [SEP].")
    if said is None and ids == _from_the_front(first, second, max_length):
        said = Message("you took tokens from the wrong place. Cut at the end of the longer side.")
    if said is not None:
        raise Mistake(said)
    raise Mistake("the row is {row}; it should be {wanted}.", row=ids, wanted=wanted)


def _halves(first: list, second: list, max_length: int) -> list:
    room = (max_length - 3) // 2
    return [101, *first[:room], 102, *second[:room], 102]


def _from_the_front(first: list, second: list, max_length: int) -> list:
    """Return the ids of a pair that lost the beginnings of its sides, not the ends."""
    _, types = pack_pair(first, second, 101, 102, max_length)
    left, right = types.count(0) - 2, types.count(1) - 1
    return [101, *first[len(first) - left :], 102, *second[len(second) - right :], 102]


def _tie(first: list, second: list, max_length: int) -> list:
    """Return the ids of a pair whose first side was shortened in a tie."""
    first, second = list(first), list(second)
    while len(first) + len(second) > max_length - 3:
        (first if len(first) >= len(second) else second).pop()
    return [101, *first, 102, *second, 102]


def _examine_types(ids: list, types: list, first: list, second: list, max_length: int) -> None:
    _, wanted = pack_pair(first, second, 101, 102, max_length)
    types = [int(number) for number in types]
    if types == wanted:
        return
    if len(types) != len(ids):
        raise Mistake(
            "there are {types} token types for {ids} ids. Each id has one.", types=len(types), ids=len(ids)
        )
    if not any(types):
        raise Mistake("every token type is 0. The second sentence and its [SEP] are segment B: 1.")
    if types == [1 - number for number in wanted]:
        raise Mistake("the token types are the wrong way around: segment A is 0, segment B is 1.")
    if types == [*wanted[1:], 1]:
        raise Mistake("the [SEP] after the first sentence belongs to segment A: its token type is 0.")
    if types == [*wanted[:-1], 0]:
        raise Mistake("the last [SEP] belongs to segment B: its token type is 1.")
    raise Mistake("the token types are {row}; they should be {wanted}.", row=types, wanted=wanted)


# 11.2 -----------------------------------------------------------------------------------------------


def matthews(labels, predictions):
    """Return Matthews' correlation of two arrays of 0 and 1, and 0.0 where one of the four sums is 0."""
    labels, predictions = np.asarray(labels) == 1, np.asarray(predictions) == 1
    hits, false_alarms = float((labels & predictions).sum()), float((~labels & predictions).sum())
    misses, correct_noes = float((labels & ~predictions).sum()), float((~labels & ~predictions).sum())
    sums = (hits + false_alarms, hits + misses, correct_noes + false_alarms, correct_noes + misses)
    if min(sums) == 0:
        return 0.0
    return (hits * correct_noes - false_alarms * misses) / math.sqrt(math.prod(sums))


def examine_matthews(answer):
    labels = np.array([1, 1, 0, 0, 0, 0, 0, 0, 1, 0])
    predictions = np.array([1, 0, 0, 0, 0, 1, 0, 0, 1, 0])
    value, wanted = float(call(answer, labels.copy(), predictions.copy())), matthews(labels, predictions)
    if not math.isclose(value, wanted, abs_tol=1e-6):
        said = _about_matthews(value, wanted)
        raise Mistake(said)
    opposite = float(call(answer, labels.copy(), 1 - predictions))
    if not math.isclose(opposite, -wanted, abs_tol=1e-6):
        raise Mistake(
            "with all predictions flipped you return {value:.4f}; it should be {wanted:.4f}. Keep the sign: below 0 "
            "means worse than chance.",
            value=opposite,
            wanted=-wanted,
        )
    constant = float(call(answer, labels.copy(), np.zeros_like(labels)))
    if constant != 0:
        raise Mistake(
            "for a model that always says 0 you return {value}; it should be 0. Its denominator is 0: ask before you "
            "divide.",
            value=constant,
        )
    many = 40_000
    large = float(call(answer, np.tile(labels, many), np.tile(predictions, many)))
    if not math.isclose(large, wanted, abs_tol=1e-6):
        raise Mistake(
            "the same answers {many} times over give {value}, and it should stay {wanted:.4f}. The product of four "
            "large counts doesn't fit in 64 bits: make the counts floats first.",
            many=many,
            value=large,
            wanted=wanted,
        )


def _about_matthews(value: float, wanted: float) -> Message:
    # 2 hits, 1 false alarm, 1 miss, 6 correct noes
    others = {
        0.8: Message(
            "that's the accuracy. It counts the many easy noes, and that's what we want to get away from."
        ),
        2 / 3: Message(
            "that's F1. It never looks at the correct noes; Matthews' correlation uses all four counts."
        ),
        11 / 441: Message("the root is missing below the line."),
        12 / 21: Message(
            "you left out the product of the errors: hits times correct noes *minus* false alarms times misses."
        ),
        13 / 21: Message("the products are added. Subtract the one of the two kinds of error."),
        -wanted: Message("the sign is wrong: right answers count up, errors down."),
        11.0: Message("that's the upper part alone. Divide by the root of the four sums."),
    }
    for other, said in others.items():
        if math.isclose(value, other, abs_tol=1e-6):
            return said
    return Message("you return {value:.4f}; it should be {wanted:.4f}.", value=value, wanted=wanted)


# 11.3 -----------------------------------------------------------------------------------------------


def columns_by_name(probabilities, model_names, our_names):
    """Return the columns of probabilities (N, C) in the order of our names; capitals don't count."""
    places = [name.lower() for name in model_names]
    wanted = [name.lower() for name in our_names]
    if sorted(places) != sorted(wanted):
        raise ValueError(f"the model has {model_names}, and we have {our_names}")
    return probabilities[:, [places.index(name) for name in wanted]]


def examine_columns_by_name(answer):
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.35, 0.4], [0.5, 0.2, 0.3]])
    theirs = ["CONTRADICTION", "ENTAILMENT", "NEUTRAL"]
    ours = ["entailment", "neutral", "contradiction"]
    wanted = columns_by_name(probabilities, theirs, ours)
    lower = [name.lower() for name in theirs]
    result = np.asarray(call(answer, probabilities.copy(), list(lower), list(ours)))
    if result.shape == (4,):
        raise Mistake("you return one number a row. Return all the columns; an argmax can be taken later.")
    if result.shape != wanted.shape:
        raise Mistake("the shape is {shape}; it should be {wanted}.", shape=result.shape, wanted=wanted.shape)
    if not np.allclose(result, wanted):
        if np.allclose(result, probabilities):
            raise Mistake(
                "the columns are as before. The model's first column is contradiction, ours is entailment."
            )
        if np.allclose(result, probabilities[:, np.argsort([1, 2, 0])]):
            raise Mistake(
                "that's the way back, from our order to the model's. For each of *our* names, in our order, look "
                "up its place among the model's."
            )
        if np.allclose(result, probabilities[:, ::-1]):
            raise Mistake("you turned the columns around. Look each one up by its name.")
        if np.allclose(np.sort(result, axis=1), result):
            raise Mistake(
                "you sorted each row by its numbers. The order of the columns comes from the names."
            )
        raise Mistake(
            "the first row is {row}; it should be {wanted}.",
            row=[round(float(value), 3) for value in result[0]],
            wanted=wanted[0].tolist(),
        )
    capitals = np.asarray(call(answer, probabilities.copy(), list(theirs), list(ours)))
    if capitals.shape != wanted.shape or not np.allclose(capitals, wanted):
        raise Mistake(
            "with the model's names in capitals the columns are wrong. Compare the names in lower case."
        )
    _examine_refusal(answer, probabilities, ours)


def _examine_refusal(answer, probabilities: np.ndarray, ours: list[str]) -> None:
    """See that names which can't be matched end in a ValueError, and in nothing else."""
    nameless = ["LABEL_0", "LABEL_1", "LABEL_2"]
    try:
        answer(probabilities.copy(), nameless, list(ours))
    except ValueError:
        return
    except Exception as error:
        raise Mistake(
            "for a model with the names LABEL_0, LABEL_1 and LABEL_2 you raise {kind}; raise a ValueError.",
            kind=type(error).__name__,
        ) from None
    raise Mistake(
        "a model with the names LABEL_0, LABEL_1 and LABEL_2 can't be matched to ours. Don't guess: raise a ValueError."
    )


# 11.4 -----------------------------------------------------------------------------------------------


def squared_error(scores, labels):
    """Return the mean squared error of scores (B, 1) against labels (B,)."""
    return ((scores.squeeze(1) - labels) ** 2).mean()  # (B, 1) -> (B,) -> ()


def examine_squared_error(answer):
    scores = torch.tensor([[1.0], [4.5], [2.0], [3.0]], requires_grad=True)
    labels = torch.tensor([0.5, 5.0, 2.5, 1.0])
    result = call(answer, scores, labels)
    wanted = squared_error(scores, labels)
    if not isinstance(result, torch.Tensor):
        raise Mistake("return a tensor, not {kind}: training needs its gradient.", kind=type(result).__name__)
    if result.shape == (4, 4):
        raise Mistake(
            "you return 16 numbers for 4 pairs. (4, 1) minus (4,) is (4, 4): each score met each label."
        )
    if result.numel() != 1:
        raise Mistake("you return {kind}. A loss is one number: take the mean.", kind=describe(result))
    value, right = float(result.detach()), float(wanted.detach())
    if math.isclose(value, right, abs_tol=1e-6):
        if result.shape != ():
            raise Mistake("the loss has shape {shape}; it should be ().", shape=tuple(result.shape))
        if not result.requires_grad:
            raise Mistake("the value is right, but its gradient is gone. Don't detach, and don't use NumPy.")
        return
    distances = (scores.detach() - labels[:, None]).squeeze(1)
    others = {
        float(((scores.detach() - labels) ** 2).mean()): Message(
            "(B, 1) minus (B,) is (B, B): each score is compared with "
            "every label, and nothing complains. Bring both to (B,) first."
        ),
        float((distances**2).sum()): Message(
            "that's the sum over the pairs. Take the mean, or a larger batch takes larger steps."
        ),
        float(distances.abs().mean()): Message("that's the mean absolute error. Square the differences."),
        float((distances**2).mean().sqrt()): Message(
            "that's the root of the mean squared error. The loss has no root."
        ),
        float((distances**2).mean() / 2): Message("that's half of it. Take the plain mean of the squares."),
        float(distances.mean() ** 2): Message(
            "you took the mean first and squared it. Errors up and down cancel that way."
        ),
        0.0: Message(
            "that's 0 whatever the scores are. A softmax over one output is always 1: this is no classification."
        ),
    }
    for other, said in others.items():
        if math.isclose(value, other, abs_tol=1e-6):
            raise Mistake(said)
    raise Mistake("you return {value:.4f}; it should be {wanted:.4f}.", value=value, wanted=right)


# 11.5 -----------------------------------------------------------------------------------------------


def two_correlations(truth, predictions):
    """Return (Pearson, Spearman): of the values, and of their ranks, where equal values share the mean rank."""
    return _pearson(truth, predictions), _pearson(_mean_ranks(truth), _mean_ranks(predictions))


def _pearson(first, second) -> float:
    first, second = np.asarray(first) - np.mean(first), np.asarray(second) - np.mean(second)
    return float(first @ second / np.sqrt((first @ first) * (second @ second)))


def _mean_ranks(values) -> np.ndarray:
    values = np.asarray(values)
    return np.array([np.sum(values < value) + (np.sum(values == value) + 1) / 2 for value in values])


def examine_two_correlations(answer):
    cases = [
        (np.array([3.5, 0.0, 5.0, 1.5, 2.0]), np.array([0.8, 0.1, 4.0, 0.9, 0.2])),
        (np.array([1.0, 5.0, 0.0, 4.0, 1.0, 2.0]), np.array([1.4, 1.9, 0.2, 2.0, 0.9, 1.1])),  # with a tie
    ]
    for truth, predictions in cases:
        result = call(answer, truth.copy(), predictions.copy())
        if not isinstance(result, (tuple, list, np.ndarray)) or len(result) != 2:
            raise Mistake("return two numbers, Pearson first.")
        pearson, spearman = (float(value) for value in result)
        wanted = two_correlations(truth, predictions)
        if np.allclose((pearson, spearman), wanted, atol=1e-6):
            continue
        if np.allclose((spearman, pearson), wanted, atol=1e-6):
            raise Mistake("the two are the right numbers, but Pearson comes first.")
        _examine_pearson(pearson, truth, predictions)
        _examine_spearman(spearman, truth, predictions)


def _examine_pearson(value: float, truth: np.ndarray, predictions: np.ndarray) -> None:
    wanted = _pearson(truth, predictions)
    if math.isclose(value, wanted, abs_tol=1e-6):
        return
    centered = (truth - truth.mean()) * (predictions - predictions.mean())
    if math.isclose(value, wanted**2, abs_tol=1e-6):
        raise Mistake("that's Pearson's correlation squared. It loses the sign: return it as it is.")
    if any(math.isclose(value, one, abs_tol=1e-6) for one in (centered.mean(), centered.sum())):
        raise Mistake("that's the covariance. Divide by the two lengths, so that the unit doesn't count.")
    cosine = truth @ predictions / np.linalg.norm(truth) / np.linalg.norm(predictions)
    if math.isclose(value, cosine, abs_tol=1e-6):
        raise Mistake("that's the cosine. For a correlation subtract the mean of each side first.")
    shrunk = len(truth) / (len(truth) - 1)
    if any(math.isclose(value, wanted * factor, abs_tol=1e-6) for factor in (shrunk, 1 / shrunk)):
        raise Mistake("you divide by N in one place and by N - 1 in the other. Use one of them throughout.")
    raise Mistake("Pearson is {value:.4f}; it should be {wanted:.4f}.", value=value, wanted=wanted)


def _examine_spearman(value: float, truth: np.ndarray, predictions: np.ndarray) -> None:
    _, wanted = two_correlations(truth, predictions)
    if math.isclose(value, wanted, abs_tol=1e-6):
        return
    others = {
        _pearson(np.argsort(np.argsort(truth)), np.argsort(np.argsort(predictions))): Message(
            "equal values got different ranks. Pairs with the same score share the mean of their ranks."
        ),
        _pearson(np.argsort(truth), np.argsort(predictions)): Message(
            "argsort alone gives which pair is at each rank. You "
            "need the rank of each pair: that's an argsort of the argsort."
        ),
        _pearson(truth, predictions): Message(
            "both numbers are Pearson's. For Spearman put ranks in the place of the values."
        ),
        _pearson(np.sort(truth), np.sort(predictions)): Message(
            "you sorted the two sides, each on its own. That tears the "
            "pairs apart: take ranks, and leave them in place."
        ),
    }
    for other, said in others.items():
        if math.isclose(value, other, abs_tol=1e-6):
            raise Mistake(said)
    raise Mistake("Spearman is {value:.4f}; it should be {wanted:.4f}.", value=value, wanted=wanted)


EXERCISES = [
    Exercise(
        identifier="11.1",
        title="Two sentences in one row",
        difficulty=2,
        minutes=10,
        examine=examine_pack_pair,
        hints=(
            "Cut first, pack then. There's room for max_length - 3 tokens of the two sentences.",
            "While both together are too long, pop one token from the end of the longer side; in a tie, of the second.",
            "Token types: 0 for [CLS], the first sentence and its [SEP]; 1 for the second and its [SEP].",
        ),
        solution=pack_pair,
        praise="A short sentence stays whole, however long the other one is.",
    ),
    Exercise(
        identifier="11.2",
        title="One number for an uneven class",
        difficulty=2,
        minutes=10,
        examine=examine_matthews,
        hints=(
            "Count four things: hits, false alarms, misses and correct noes.",
            "Above the line: hits · noes - false alarms · misses. Below: the root of the product of four sums.",
            "The four sums: all predicted yes, all true yes, all true no, all predicted no. If one is 0, return 0.0.",
        ),
        solution=matthews,
        praise="Always saying no is worth 0 now, however rare a yes is.",
    ),
    Exercise(
        identifier="11.3",
        title="Columns by name",
        difficulty=1,
        minutes=10,
        examine=examine_columns_by_name,
        hints=(
            "For each of our names, find its place in the list of the model's: list.index.",
            "probabilities[:, places] takes the columns in the order of `places`.",
            "Compare sorted lists of names in lower case first, and raise a ValueError where they differ.",
        ),
        solution=columns_by_name,
        praise="A number means nothing without its name. You'll never again trust column 0.",
    ),
    Exercise(
        identifier="11.4",
        title="A loss for a number",
        difficulty=1,
        minutes=5,
        examine=examine_squared_error,
        hints=(
            "Print (scores - labels).shape. What did broadcasting make of (4, 1) and (4,)?",
            "scores.squeeze(1) has the shape (B,), as the labels have.",
            "Differences, squares, mean.",
        ),
        solution=squared_error,
        praise="One score meets one label. The loss with the wrong shape would have run just as smoothly.",
    ),
    Exercise(
        identifier="11.5",
        title="Two correlations",
        difficulty=2,
        minutes=15,
        examine=examine_two_correlations,
        hints=(
            "Pearson: subtract the means, then divide the product of the two sides by their lengths.",
            "Spearman is Pearson of the ranks. The rank of a value: how many are smaller, and one more.",
            "Equal values share a rank: smaller + (equal + 1) / 2, where the value itself is among the equal ones.",
        ),
        solution=two_correlations,
        praise="One formula, two questions: is it a straight line, and is it the right order?",
    ),
]

QUIZ = [
    Question(
        "A pair has 300 tokens in its first sentence and 20 in its second; there's room for 125. What goes?",
        Option(
            "Half of each: 62 tokens stay on both sides.",
            "The second has 20 tokens only; its unused room would be lost to the first.",
        ),
        Option(
            "195 tokens at the end of the first.",
            "It stays the longer side all the way down to 105, so it alone is cut.",
            correct=True,
        ),
        Option(
            "The second, because it comes last in the row.",
            "That's what cutting the packed row does, and then there's no pair left.",
        ),
        Option(
            "The whole pair: cut sentences teach nothing.",
            "Most tasks can be learned from the first hundred tokens, and it's better than no row.",
        ),
    ),
    Question(
        "A model of three even classes gets 22% right on new pairs. What do you check first?",
        Option(
            "Whether it has trained for long enough.",
            "A model that has learned nothing is right a third of the time, not less.",
        ),
        Option(
            "Whether the learning rate was too large.",
            "A run that blew up says one class all the time. That's 33%, too.",
        ),
        Option(
            "Whether the test pairs were seen in training.",
            "That would push the score up. This one is too low.",
        ),
        Option(
            "Whether its labels are in your order.",
            "Far below chance means it knows something, and you read it under the wrong name.",
            correct=True,
        ),
    ),
    Question(
        "The premise is covered up, and a bag of words is still right in 60% of three classes. So what?",
        Option(
            "The hypotheses give part of the labels away.",
            "Whoever wrote them left traces in the words, such as *nobody* for a contradiction.",
            correct=True,
        ),
        Option(
            "The bag of words can draw conclusions.",
            "It never saw what the conclusion would be drawn from.",
        ),
        Option(
            "Most premises are copies of each other.",
            "They were covered up, so they can't have helped at all.",
        ),
        Option(
            "It's chance: three classes are easy to hit.",
            "Chance is 33% there. On a thousand pairs, 60% can't be luck.",
        ),
    ),
    Question(
        "A entails B. What do you know about the pair the other way around, B first?",
        Option(
            "It's an entailment, because both are about one scene.",
            "*A dog runs* follows from *a black dog runs*, but not the other way around.",
        ),
        Option(
            "It's a contradiction: the direction was turned.",
            "Both can be true at once, so it can't be one.",
        ),
        Option(
            "It's neutral or entailment, never a contradiction.",
            "If B ruled out A, then A would rule out B as well.",
            correct=True,
        ),
        Option(
            "Nothing: each of the three labels can happen.",
            "One can't: they're true together whenever A is.",
        ),
    ),
    Question(
        "One in ten pairs is a duplicate, and a model that always says no is 90% accurate. What's its MCC?",
        Option(
            "0.00, as for every model that says one thing.",
            "It tells no pair from another, and MCC is 0 for that.",
            correct=True,
        ),
        Option("0.90, the same as its accuracy.", "MCC isn't a share of right answers; it's a correlation."),
        Option(
            "0.10, the share of the duplicates.",
            "How rare they are sets the accuracy of such a model, and not its MCC.",
        ),
        Option(
            "-1.00, because it finds no duplicates at all.",
            "-1 needs a model that's wrong every time, and it's right in 90%.",
        ),
    ),
    Question(
        "Scores have shape (16, 1), labels (16,). What does `((scores - labels) ** 2).mean()` give?",
        Option(
            "An error, because the shapes differ.",
            "PyTorch broadcasts them. That's convenient, and here it's a trap.",
        ),
        Option(
            "The mean of 256 squares instead of 16.",
            "(16, 1) and (16,) broadcast to (16, 16). Training then pulls all scores to the mean label.",
            correct=True,
        ),
        Option(
            "The right loss: PyTorch drops the 1.",
            "It stretches the 1 to 16. Only squeeze would drop it.",
        ),
        Option(
            "Sixteen times the loss that was wanted.",
            "It's a mean, so the count cancels. What's in it is wrong.",
        ),
    ),
    Question(
        "A similarity model has Spearman 0.99 and Pearson 0.80. What is it like?",
        Option(
            "It gets the order wrong for one pair in five.",
            "Spearman is about order, and it's nearly perfect.",
        ),
        Option(
            "It has seen the test pairs while training.",
            "Then both numbers would be near 1.",
        ),
        Option(
            "It's no better than the mean score of all pairs.",
            "A constant has no correlation at all.",
        ),
        Option(
            "Its order is right, but its scale is bent.",
            "Say, it gives 0.1 to most pairs and 5 to a few. Fine for ranking, wrong as a score.",
            correct=True,
        ),
    ),
]
