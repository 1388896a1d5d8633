"""Exercises and quiz of lesson 16, ablations."""

import math

import numpy as np
import torch

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call

# 16.1 ---------------------------------------------------------------------------------------------


def changed(one, other):
    """Return the sorted names of the settings that differ, those that only one of the two has among them."""
    missing = object()
    return sorted(name for name in {**one, **other} if one.get(name, missing) != other.get(name, missing))


FULL = {"direction": "both", "next sentence": True, "steps": 200, "rate": 2e-4}
PAIRS_OF_SETTINGS = (
    (FULL, {**FULL, "next sentence": False}),
    ({**FULL, "next sentence": False}, {**FULL, "next sentence": False, "direction": "left to right"}),
    (FULL, {"direction": "left to right", "next sentence": True, "rate": 2e-4}),
    (FULL, {**FULL, "warm-up": 20, "rate": 1e-4}),
    ({**FULL, "dropout": None}, FULL),
    (FULL, dict(FULL)),
)


def examine_changed(answer):
    for one, other in PAIRS_OF_SETTINGS:
        result, reference = call(answer, dict(one), dict(other)), changed(one, other)
        if isinstance(result, (bool, int, str, dict)) or not hasattr(result, "__iter__"):
            raise Mistake(
                "return the names of what differs, as a list; you return a {kind}.",
                kind=type(result).__name__,
            )
        result = list(result)
        if result == reference:
            continue
        if any(not isinstance(name, str) for name in result):
            raise Mistake("return the names alone, without the values.")
        if sorted(result) == reference:
            raise Mistake("the names are right, but not in order: {result}. Sort them.", result=result)
        lost = [name for name in reference if name not in result]
        if lost and all(name not in one for name in lost):
            raise Mistake(
                "you miss {name!r}, which only the second one has. A setting that is new has changed too.",
                name=lost[0],
            )
        if lost and all(name not in other for name in lost):
            raise Mistake(
                "you miss {name!r}, which only the first one has. A setting that is gone has changed too, "
                "even if its value was None.",
                name=lost[0],
            )
        if result and not reference:
            raise Mistake("two equal settings differ in nothing; you return {result}.", result=result)
        if all(name in one and name in other and one[name] == other[name] for name in result) and result:
            raise Mistake("you return what stayed the same: {result}.", result=result)
        raise Mistake(
            "for {one} and {other} you return {result}; it should be {reference}.",
            one=one,
            other=other,
            result=result,
            reference=reference,
        )


# 16.2 ---------------------------------------------------------------------------------------------


def left_to_right_mask(attention_mask):
    """Return (B, T, T) bool: whether the query of a row of the table may look at the key of a column."""
    T = attention_mask.shape[1]
    before = torch.ones(T, T).tril().bool()  # (T, T): key no later than query
    return before & attention_mask[:, None].bool()  # (B, T, T)


def examine_left_to_right_mask(answer):
    attention_mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])  # (2, 5)
    result = call(answer, attention_mask.clone())
    if not isinstance(result, torch.Tensor):
        raise Mistake("return a tensor; you return a {kind}.", kind=type(result).__name__)
    if result.shape == (5, 5):
        raise Mistake(
            "the shape is (T, T), the same for all rows of the batch. Their padding differs: combine it "
            "with attention_mask[:, None], which is (B, 1, T)."
        )
    if result.shape == (2, 1, 5, 5):
        result = result[:, 0]  # with an axis for the heads, as some libraries want it
    if result.shape != (2, 5, 5):
        raise Mistake(
            "the shape should be (B, T, T), here (2, 5, 5); yours is {shape}. A row is a query, a column a "
            "key.",
            shape=tuple(result.shape),
        )
    if result.dtype != torch.bool:
        raise Mistake("return True and False (torch.bool); your dtype is {dtype}.", dtype=result.dtype)
    reference = left_to_right_mask(attention_mask)
    if torch.equal(result, reference):
        _examine_other_length(answer)
        return
    keys = attention_mask[:, None].bool()
    square = torch.ones(5, 5).bool()
    if torch.equal(result, square.tril(-1) & keys):
        raise Mistake("a token may look at itself, too: with tril(-1) the first one sees nothing at all.")
    if torch.equal(result, square.triu() & keys):
        raise Mistake("that is right to left: a token sees itself and what comes after it.")
    if torch.equal(result, square.triu(1) & keys):
        raise Mistake("those are the places that must be hidden: what comes after a token.")
    if torch.equal(result, square.tril().expand(2, 5, 5)):
        raise Mistake(
            "padding is visible in the second row: its last two keys must be False for every query."
        )
    if torch.equal(result, ~reference):
        raise Mistake("it is the wrong way around: True is what may be looked at, in this library.")
    if torch.equal(result, square.tril() & attention_mask[:, :, None].bool()):
        raise Mistake(
            "you hide the padding's queries instead of its keys: attention_mask[:, None] is (B, 1, T), one "
            "value a key."
        )
    if torch.equal(result, keys.expand(2, 5, 5)):
        raise Mistake("that hides the padding and nothing else: every token still sees what comes after it.")
    place = tuple(int(i) for i in (result != reference).nonzero()[0])
    raise Mistake(
        "row {row}, query {column}, key {key}: you say {result}, it should be {reference}.",
        row=place[0],
        column=place[1],
        key=place[2],
        result=bool(result[place]),
        reference=bool(reference[place]),
    )


def _examine_other_length(answer):
    longer = torch.tensor([[1] * 7])
    result = call(answer, longer)
    if (
        not isinstance(result, torch.Tensor)
        or result.reshape(-1).tolist() != left_to_right_mask(longer).reshape(-1).tolist()
    ):
        raise Mistake(
            "it is right for two rows of 5 tokens and wrong for one of 7. Take B and T from the mask's shape."
        )


# 16.3 ---------------------------------------------------------------------------------------------


def next_word_targets(input_ids, attention_mask):
    """Return (B, T): at each token the id of the next one, and -100 where there is none."""
    targets = torch.full_like(input_ids, -100)  # (B, T)
    targets[:, :-1] = input_ids[:, 1:]
    targets[:, :-1][attention_mask[:, 1:] == 0] = -100  # what follows is padding
    return targets


def examine_next_word_targets(answer):
    input_ids = torch.tensor([[101, 7, 8, 9, 102], [101, 5, 102, 0, 0]])
    attention_mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    given, mask = input_ids.clone(), attention_mask.clone()
    result = call(answer, given, mask)
    if not torch.equal(given, input_ids) or not torch.equal(mask, attention_mask):
        raise Mistake(
            "your function changes its input, which the model still has to read. Make a new tensor."
        )
    if not isinstance(result, torch.Tensor):
        raise Mistake("return a tensor; you return a {kind}.", kind=type(result).__name__)
    if result.shape == (2, 4):
        raise Mistake(
            "the shape is (B, T - 1). Keep (B, T): the last token has no next word, so its target is -100."
        )
    if result.shape != (2, 5):
        raise Mistake(
            "the shape should be that of input_ids, (2, 5); yours is {shape}.",
            shape=tuple(result.shape),
        )
    reference = next_word_targets(input_ids, attention_mask)
    if result.is_floating_point():
        raise Mistake("targets are word numbers, integers; yours are decimals.")
    if torch.equal(result, reference):
        return
    if torch.equal(result, torch.roll(input_ids, -1, dims=1)):
        raise Mistake(
            "roll moves in a circle: the last token is told to predict [CLS], and padding counts as a word."
        )
    if torch.equal(result, input_ids) or torch.equal(
        result, input_ids.masked_fill(attention_mask == 0, -100)
    ):
        raise Mistake("each token is its own target: it has seen that word already. Shift by one.")
    before = torch.full_like(input_ids, -100)
    before[:, 1:] = input_ids[:, :-1]
    if torch.equal(result[:, 1:3], before[:, 1:3]):
        raise Mistake("you shift the wrong way: the target is the word after a token, not the one before it.")
    padded = input_ids.new_tensor([[7, 8, 9, 102, -100], [5, 102, 0, 0, -100]])
    if torch.equal(result, padded):
        raise Mistake("padding is a target in the second row: after its [SEP] nothing comes, so -100.")
    if int((result != reference).sum()) == 1 and result[1, 2] == 0:
        raise Mistake(
            "the last real token of the second row predicts [PAD]. Look at the mask of the next token, not "
            "at its own."
        )
    if torch.equal(result.masked_fill(result == 0, -100), reference):
        raise Mistake(
            "where there is no next word the target must be -100, which the loss leaves out; 0 is a word, "
            "[PAD]."
        )
    place = tuple(int(i) for i in (result != reference).nonzero()[0])
    raise Mistake(
        "row {row}, token {column}: your target is {result}, it should be {reference}.",
        row=place[0],
        column=place[1],
        result=int(result[place]),
        reference=int(reference[place]),
    )


# 16.4 ---------------------------------------------------------------------------------------------


def seed_by_seed(variant, full):
    """Return mean and standard deviation of a variant's score less the full model's, seed by seed."""
    differences = np.array(variant) - np.array(full)
    return float(differences.mean()), float(differences.std(ddof=1))


SCORES = (([70.0, 71.0, 75.0, 72.0], [70.5, 70.5, 73.5, 74.5]), ([61.0, 66.5, 58.3], [64.0, 68.5, 62.3]))


def examine_seed_by_seed(answer):
    for variant, full in SCORES:
        result = call(answer, list(variant), list(full))
        try:
            mean, deviation = (float(value) for value in result)
        except (TypeError, ValueError):
            raise Mistake(
                "return two numbers, mean and standard deviation; you return {result!r}.",
                result=result,
            ) from None
        reference_mean, reference = seed_by_seed(variant, full)
        one, other = np.array(variant), np.array(full)
        difference = one - other
        if math.isclose(mean, -reference_mean, abs_tol=1e-6):
            raise Mistake("the sign is turned: variant less full model, so that a loss is negative.")
        if not math.isclose(mean, reference_mean, abs_tol=1e-6):
            if math.isclose(mean, float(np.abs(difference).mean()), abs_tol=1e-6):
                raise Mistake("you take the size of each difference; their signs tell better from worse.")
            raise Mistake(
                "for {variant} and {full} the mean difference is {reference_mean:.3g}; you return "
                "{mean:.3g}.",
                variant=variant,
                full=full,
                reference_mean=reference_mean,
                mean=mean,
            )
        if math.isclose(deviation, reference, abs_tol=1e-6):
            continue
        if math.isclose(deviation, float(difference.std()), abs_tol=1e-6):
            raise Mistake(
                "that divides by the number of seeds. With few of them the sample's deviation divides by "
                "one less: ddof=1."
            )
        if math.isclose(deviation, reference / math.sqrt(len(variant)), abs_tol=1e-6):
            raise Mistake(
                "that is the standard error, the uncertainty of the mean. Here the spread of the seeds is "
                "asked for."
            )
        apart = math.sqrt(one.var(ddof=1) + other.var(ddof=1))
        if any(
            math.isclose(deviation, value, abs_tol=1e-6)
            for value in (apart, one.std(ddof=1), other.std(ddof=1), one.std(ddof=1) - other.std(ddof=1))
        ):
            raise Mistake(
                "you take the spread of the scores themselves. Subtract seed by seed first: what a seed "
                "does to both goes away."
            )
        if math.isclose(deviation, float(difference.var(ddof=1)), abs_tol=1e-6) and not math.isclose(
            reference, 1
        ):
            raise Mistake("that is the variance; the standard deviation is its root.")
        raise Mistake(
            "the differences are {differences}; their deviation is {reference:.3g}, not {deviation:.3g}.",
            differences=np.round(difference, 2).tolist(),
            reference=reference,
            deviation=deviation,
        )


EXERCISES = [
    Exercise(
        identifier="16.1",
        title="What has changed?",
        difficulty=1,
        minutes=10,
        examine=examine_changed,
        hints=(
            "Look at every name that occurs in either of the two.",
            (
                "A name that is missing in one of them has changed; dict.get with a default that no setting "
                "can be tells."
            ),
            (
                "missing = object(); sorted(n for n in {**one, **other} if one.get(n, missing) != "
                "other.get(n, missing))"
            ),
        ),
        solution=changed,
        praise="If it names more than one, the comparison is no ablation.",
    ),
    Exercise(
        identifier="16.2",
        title="Left to right",
        difficulty=2,
        minutes=15,
        examine=examine_left_to_right_mask,
        hints=(
            "A query at place q may look at keys at places up to q: a triangle.",
            (
                "torch.ones(T, T).tril() is the triangle, rows are queries; padding's columns must be False "
                "as well."
            ),
            "triangle.bool() & attention_mask[:, None].bool(), which broadcasts to (B, T, T)",
        ),
        solution=left_to_right_mask,
        praise="One triangle is all that parts BERT's attention from GPT's.",
    ),
    Exercise(
        identifier="16.3",
        title="The next word",
        difficulty=2,
        minutes=15,
        examine=examine_next_word_targets,
        hints=(
            "At place t stands the id of place t + 1; the last place has no next word.",
            "Begin with torch.full_like(input_ids, -100) and fill in all places but the last.",
            "Then set -100 where attention_mask[:, 1:] is 0: what follows there is padding.",
        ),
        solution=next_word_targets,
        praise="Every token is asked, not 15% of them; that is the advantage of the old task.",
    ),
    Exercise(
        identifier="16.4",
        title="Seed by seed",
        difficulty=2,
        minutes=10,
        examine=examine_seed_by_seed,
        hints=(
            "Subtract the full model's score of the same seed before you average anything.",
            "numpy divides by the number of values unless you say ddof=1.",
            "d = np.array(variant) - np.array(full); return d.mean(), d.std(ddof=1)",
        ),
        solution=seed_by_seed,
        praise="What a seed does to both models has gone; what is left is the difference.",
    ),
]

QUIZ = [
    Question(
        (
            "A team removes next-sentence prediction and, since training got faster, doubles the steps. "
            "Accuracy rises. What have they shown?"
        ),
        Option(
            "That next-sentence prediction does harm.",
            "It may, but the steps may as well explain it: two things have changed.",
        ),
        Option(
            "That steps matter more than the objective.",
            "Neither was changed alone, so neither can be weighed against the other.",
        ),
        Option(
            "Nothing about either: two things were changed at once.",
            "An ablation changes one thing. They need the variant at the old number of steps.",
            correct=True,
        ),
        Option(
            "That both changes together are the best setting.",
            "They have tried two settings of four; the other two are unknown.",
        ),
    ),
    Question(
        (
            "Left to right, every token predicts its next word; with masks, 15% of the tokens are predicted. "
            "Why does the paper still choose masks?"
        ),
        Option(
            "More context for each prediction is worth more than more predictions.",
            (
                "It learns more slowly at first, but soon passes the left-to-right model (appendix C.1, "
                "figure 5)."
            ),
            correct=True,
        ),
        Option(
            "Because fewer predictions make pre-training cheaper.",
            "The encoder, which costs most, reads all tokens in either case.",
        ),
        Option(
            "Because left-to-right models cannot be fine-tuned.",
            "They can: GPT was fine-tuned before BERT. They score lower here.",
        ),
    ),
    Question(
        "In the paper's table 5, the direction alone costs SQuAD 10.1 points, MRPC 9.0 and SST-2 0.5. What follows?",
        Option(
            "The longer the texts of a task, the larger the loss.",
            "MRPC has pairs of short sentences, and loses nearly as much as SQuAD with its paragraphs.",
        ),
        Option(
            "Hidden context can explain SQuAD; MRPC needs another explanation.",
            (
                "At an answer's first token, what follows is hidden. MRPC marks no span, and its loss is "
                "open until somebody tests an explanation."
            ),
            correct=True,
        ),
        Option(
            "Left to right fails wherever a span must be marked, and nowhere else.",
            "MRPC marks no span: it asks whether two sentences say the same.",
        ),
    ),
    Question(
        (
            "A variant scores 70.1, 74.9 and 71.0 with three seeds, the full model 71.0, 75.8 and 72.2 with "
            "the same seeds. What do you report?"
        ),
        Option(
            "No difference: each spreads by more than two points, and the means are one point apart.",
            "The spread is common to both: with the same seed both are high or low together.",
        ),
        Option(
            "The best of each: 74.9 against 75.8.",
            "The best of three is partly the luckiest of three, and two seeds are thrown away.",
        ),
        Option(
            "A loss of 1.0 point, with a standard deviation of 0.2 over the seeds.",
            "Subtracted seed by seed, what the seed does to both goes away.",
            correct=True,
        ),
    ),
    Question(
        (
            "From 64 to 128 units, our share of right words rises by less than a point, and perplexity falls "
            "from 3.36 to 3.17. Does size still help?"
        ),
        Option(
            "No: the share of right words has stopped.",
            "The share counts only the first guess. The loss also sees how sure the model is, and it still falls.",
        ),
        Option(
            "A little: the measure decides what you see.",
            "In the paper's own measure, perplexity, ours falls at every step, too.",
            correct=True,
        ),
        Option(
            "Only in the small language; in real text it doesn't.",
            "In the paper's table 6 perplexity falls at every step as well.",
        ),
        Option(
            "No: 60% is all that can be known of the small language.",
            "Lesson 06 trains the same size for twice as many updates, and reaches 66%.",
        ),
    ),
]
