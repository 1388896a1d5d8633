"""Exercises and quiz of lesson 16, ablations."""

import json
import math
from contextlib import suppress
from random import Random

import numpy as np
import torch

from course_lib.lessons.answer_forms import call_unchanged
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.causes import likely_cause
from course_lib.lessons.exercises import call
from course_lib.translation import Message

# 16.1 ---------------------------------------------------------------------------------------------


def changed(one, other):
    """Return the sorted names of the settings that differ, those that only one of the two has among them."""
    missing = object()
    return sorted(name for name in {**one, **other} if one.get(name, missing) != other.get(name, missing))


FULL = {"direction": "both", "next sentence": True, "steps": 2000, "rate": 2e-4, "width": 384}
PAIRS_OF_SETTINGS = (
    (FULL, {**FULL, "next sentence": False}),
    ({**FULL, "next sentence": False}, {**FULL, "next sentence": False, "direction": "left to right"}),
    (
        FULL,
        {"steps": 2000, "direction": "left to right", "next sentence": True, "rate": 2e-4, "width": 384},
    ),
    (FULL, {"direction": "left to right", "next sentence": True, "rate": 2e-4, "width": 384}),
    (FULL, {**FULL, "warm-up": 20, "rate": 1e-4}),
    ({**FULL, "dropout": None}, FULL),
    (FULL, {**FULL, "dropout": 0}),
    ({**FULL, "clipping": ""}, FULL),
    (FULL, {**FULL, "width": 768}),
    (FULL, dict(FULL)),
)


def _missing_is(value):
    """Return a function that takes a setting that is missing for one of this value."""
    return lambda one, other: sorted(n for n in {**one, **other} if one.get(n, value) != other.get(n, value))


CHANGED_CAUSES = (
    (
        lambda one, other: sorted(n for n in one if n not in other or one[n] != other[n]),
        Message("You look only at the names of the first one. A setting that's new has changed too."),
    ),
    (
        lambda one, other: sorted(n for n in other if n not in one or one[n] != other[n]),
        Message("You look only at the names of the second one. A setting that's gone has changed too."),
    ),
    (
        lambda one, other: sorted(n for n in one if n in other and one[n] != other[n]),
        Message("You look only at names that both have. A setting that is new or gone has changed too."),
    ),
    (
        lambda one, other: sorted(n for n in one if one[n] != other.get(n)),
        Message(
            "You look at the names of the first one only, and a value of None looks to you like a setting that "
            "is gone."
        ),
    ),
    (
        lambda one, other: sorted(set(one) ^ set(other)),
        Message("You compare the names alone. A setting also changes when its value does."),
    ),
    (
        _missing_is(None),
        Message(
            "get returns None for a name that is missing, so a setting whose value is None looks missing. "
            "Ask whether the name is in both."
        ),
    ),
    (
        _missing_is(0),
        Message("You take 0 for a name that is missing, so a setting whose value is 0 looks missing."),
    ),
    (
        _missing_is(""),
        Message("You take an empty text for a name that is missing, and a setting can have that value."),
    ),
    (
        lambda one, other: sorted(n for n in one if n in other and one[n] == other[n]),
        Message("You return what stayed the same."),
    ),
    (
        lambda one, other: sorted({**one, **other}),
        Message("You return every name. Keep those whose values differ."),
    ),
)


def examine_changed(answer):
    generator, names = Random(16), ["rate", "steps", "dropout", "direction", "warm-up", "layers", "batch"]
    cases = list(PAIRS_OF_SETTINGS)
    for _ in range(30):
        one, other = (
            {n: generator.choice((None, 0, 1.5, 1000, "both")) for n in generator.sample(names, 5)}
            for _ in "12"
        )
        cases.append((one, {**one, **other} if generator.random() < 0.5 else other))
    results = [_names_from(answer, one, other) for one, other in cases]
    for (one, other), result in zip(cases, results, strict=True):
        reference = changed(one, other)
        if result == reference:
            continue
        if sorted(result) == reference:
            raise Mistake("the names are right, but not in order: {result}. Sort them.", result=result)
        same = [name for name in result if name in one and name in other and one[name] == other[name]]
        cause = likely_cause([sorted(result) for result in results], cases, CHANGED_CAUSES)
        if cause is None and same:
            cause = Message(
                "{name!r} has the same value in both. Compare values with !=, because `is not` asks whether "
                "they are one object.",
                name=same[0],
            )
        raise Mistake(
            "for {one} and {other} you return {result}; it should be {reference}. {cause}",
            one=one,
            other=other,
            result=result,
            reference=reference,
            cause=cause or Message("A name counts if only one of the two has it, or if its values differ."),
        )


def _names_from(answer, one, other):
    """Return the names that an answer gives; equal values of the two settings are different objects."""
    given = json.loads(json.dumps(one)), json.loads(json.dumps(other))
    result = call(answer, *given)
    if isinstance(result, (set, frozenset)):
        raise Mistake("you return a set, which has no order. Return a sorted list.")
    if isinstance(result, (bool, int, str, dict)) or not hasattr(result, "__iter__"):
        raise Mistake(
            "return the names of what differs, as a list; you return a {kind}.",
            kind=type(result).__name__,
        )
    result = list(result)
    if given != (one, other):
        raise Mistake("your function changes the settings that it's given. Work on copies: dict(one).")
    if any(not isinstance(name, str) for name in result):
        raise Mistake("return the names alone, without the values.")
    return [str(name) for name in result]


# 16.2 ---------------------------------------------------------------------------------------------


def left_to_right_mask(attention_mask):
    """Return (B, T, T) bool: whether the query of a row of the table may look at the key of a column."""
    T = attention_mask.shape[1]
    before = torch.ones(T, T).tril().bool()  # (T, T): key no later than query
    return before & attention_mask[:, None].bool()  # (B, T, T)


def masks_of(generator, rows, length):
    """Return (rows, length) of ones, with zeros for the padding at the end; one row at least has none."""
    lengths = [length, *(generator.randint(1, length) for _ in range(rows - 1))]
    generator.shuffle(lengths)
    return torch.tensor([[1] * n + [0] * (length - n) for n in lengths])


def _triangle(shape=torch.tril, keys=True, turned=False):
    """Return a function that makes the mask of a mistake, as nested lists; False for the queries of padding."""

    def mask(attention_mask):
        B, T = attention_mask.shape
        made = shape(torch.ones(B, T, T)).bool()  # (B, T, T)
        if keys:
            made &= attention_mask[:, None].bool()
        return ((~made if turned else made) & attention_mask[:, :, None].bool()).tolist()

    return mask


MASK_CAUSES = (
    (
        _triangle(lambda square: square.tril(-1)),
        Message("A token may look at itself too: with tril(-1) the first one sees nothing at all."),
    ),
    (
        _triangle(torch.triu),
        Message("That's right to left: a token sees itself and what comes after it."),
    ),
    (
        _triangle(lambda square: square.triu(1)),
        Message("Those are the places to hide: what comes after a token."),
    ),
    (
        _triangle(keys=False),
        Message(
            "Padding is visible: its keys, the columns where attention_mask is 0, must be False for every query."
        ),
    ),
    (
        _triangle(turned=True),
        Message("It's the wrong way around: in this library, True means that a token may look there."),
    ),
    (
        _triangle(lambda square: square),
        Message("That hides the padding and nothing else: every token still sees what comes after it."),
    ),
)

QUERY_CAUSES = (  # among real queries alone, this looks as if no padding were hidden
    (
        _triangle(keys=False),
        Message(
            "You hide the padding's rows, its queries, instead of its columns, the keys: attention_mask[:, None] "
            "is (B, 1, T), one value per key."
        ),
    ),
)


def examine_left_to_right_mask(answer):
    generator = Random(17)
    cases = [torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])]  # (2, 5)
    cases += [
        torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1], [0, 1, 1, 1, 1, 0]])
    ]  # padding in front, too
    cases += [torch.ones(1, 7, dtype=torch.long), torch.ones(1, 1, dtype=torch.long)]
    cases += [masks_of(generator, generator.randint(1, 4), generator.randint(1, 9)) for _ in range(30)]
    results = [_mask_from(answer, case) for case in cases]
    of_all = [made.tolist() for made in results]
    of_real = [(made & mask[:, :, None].bool()).tolist() for made, mask in zip(results, cases, strict=True)]
    for case, result in zip(cases, results, strict=True):
        reference = left_to_right_mask(case)
        wrong = (result != reference) & case[:, :, None].bool()  # what padding may look at plays no part
        if not wrong.any():
            continue
        place = tuple(int(i) for i in wrong.nonzero()[0])
        raise Mistake(
            "for the attention mask {mask}, row {row}, query {column}, key {key}, you say {result}; it should be "
            "{reference}. {cause}",
            mask=case.tolist(),
            row=place[0],
            column=place[1],
            key=place[2],
            result=bool(result[place]),
            reference=bool(reference[place]),
            cause=likely_cause(of_all, [(case,) for case in cases], QUERY_CAUSES)
            or likely_cause(of_real, [(case,) for case in cases], MASK_CAUSES)
            or Message("A query may look at the keys up to its own place, except at padding."),
        )


def _mask_from(answer, case):
    (B, T), given = case.shape, case.clone()
    result = _tensor_from(call(answer, given))
    if not torch.equal(given, case):
        raise Mistake("your function changes the attention mask that it's given. Make a new tensor.")
    if result.shape == (T, T) and T > 1:
        raise Mistake(
            "the shape is (T, T), the same for all rows of the batch. Their padding differs: combine it "
            "with attention_mask[:, None], which is (B, 1, T)."
        )
    if result.shape == (B, 1, T, T):
        result = result[:, 0]  # with an axis for the heads, as some libraries want it
    if result.shape == (2, 5, 5) and (B, T) != (2, 5):
        raise Mistake(
            "you return a mask of 2 rows of 5 tokens for any batch. Take B and T from the mask's shape."
        )
    if result.shape != (B, T, T):
        raise Mistake(
            "the shape should be (B, T, T), here {wanted}; yours is {shape}. A row is a query, a column a key.",
            wanted=(B, T, T),
            shape=tuple(result.shape),
        )
    if result.dtype != torch.bool:
        raise Mistake("return True and False (torch.bool); your dtype is {dtype}.", dtype=result.dtype)
    return result


def _tensor_from(result):
    """Return a result as a tensor; numpy's arrays and nested lists of numbers are as good."""
    if isinstance(result, torch.Tensor):
        return result.detach()
    if isinstance(result, (list, tuple, np.ndarray)):
        with suppress(
            TypeError, ValueError, RuntimeError
        ):  # lists of unlike lengths, or of what is no number
            return torch.as_tensor(np.array(result))
    raise Mistake("return a tensor; you return a {kind}.", kind=type(result).__name__)


# 16.3 ---------------------------------------------------------------------------------------------


def next_word_targets(input_ids, attention_mask):
    """Return (B, T): at each token the id of the next one, and -100 where there is none."""
    targets = torch.full_like(input_ids, -100)  # (B, T)
    targets[:, :-1] = input_ids[:, 1:]
    targets[:, :-1][attention_mask[:, 1:] == 0] = -100  # what follows is padding
    return targets


def _where(condition, otherwise=-100):
    """Return a function that keeps the next word where a condition on (ids, mask) holds, as nested lists."""
    return lambda ids, mask: torch.where(condition(ids, mask), ids.roll(-1, dims=1), otherwise).tolist()


def _last_is_out(ids):
    return torch.arange(ids.shape[1]) < ids.shape[1] - 1


def _before(ids, mask):
    return torch.where((torch.arange(ids.shape[1]) > 0) & mask.bool(), ids.roll(1, dims=1), -100).tolist()


def _without_sep(ids, mask):
    targets = next_word_targets(ids, mask)
    return targets.masked_fill(targets == 102, -100).tolist()


NEXT_CAUSES = (
    (
        lambda ids, mask: ids.roll(-1, dims=1).tolist(),
        Message(
            "roll moves in a circle: the last token is told to predict [CLS], and padding counts as a word."
        ),
    ),
    (
        lambda ids, mask: ids.tolist(),
        Message("Each token is its own target, and it has seen that word already. Shift by one."),
    ),
    (
        lambda ids, mask: ids.masked_fill(mask == 0, -100).tolist(),
        Message("Each real token is its own target, and it has seen that word already. Shift by one."),
    ),
    (
        _before,
        Message("You shift the wrong way: the target is the word after a token, not the one before it."),
    ),
    (
        lambda ids, mask: torch.where(torch.arange(ids.shape[1]) > 0, ids.roll(1, dims=1), -100).tolist(),
        Message("You shift the wrong way: the target is what comes next, and that's never padding."),
    ),
    (
        _where(lambda ids, mask: _last_is_out(ids).expand_as(ids)),
        Message("Padding is a target: nothing comes after a row's last real token, so -100 from there on."),
    ),
    (
        _where(lambda ids, mask: _last_is_out(ids) & mask.bool()),
        Message("The last real token predicts [PAD]. Look at the mask of the next token, not at its own."),
    ),
    (
        _where(lambda ids, mask: _last_is_out(ids) & (ids.roll(-1, dims=1) != 0)),
        Message(
            "You take 0 for the padding. Another vocabulary has another number for [PAD], 3 in this batch: "
            "read the mask."
        ),
    ),
    (
        lambda ids, mask: next_word_targets(ids, mask).clamp(min=0).tolist(),
        Message(
            "Where there's no next word the target must be -100, which the loss leaves out; 0 is a token."
        ),
    ),
    (
        _without_sep,
        Message("[SEP] is a token like others: the word before it has it as its target."),
    ),
    (
        lambda ids, mask: [
            [*row[2:], -100, -100][: len(row)] for row in next_word_targets(ids, mask).roll(1, 1).tolist()
        ],
        Message("You shift by two. The target is the token right after."),
    ),
)


def examine_next_word_targets(answer):
    generator = Random(18)
    cases = [
        (torch.tensor([[101, 7, 8, 9, 102], [101, 5, 102, 0, 0]]), torch.tensor([[1] * 5, [1, 1, 1, 0, 0]])),
        (torch.tensor([[101, 102, 3, 3], [101, 7, 7, 102]]), torch.tensor([[1, 1, 0, 0], [1] * 4])),
    ]
    for number in range(30):
        mask = masks_of(generator, generator.randint(1, 4), generator.randint(2, 9))
        ids = torch.tensor([[generator.choice((5, 6, 7, 102, 2000)) for _ in row] for row in mask])
        cases.append((ids.masked_fill(mask == 0, 3 * (number % 2)), mask))
    results = [_targets_from(answer, *case) for case in cases]
    for case, result in zip(cases, results, strict=True):
        reference = next_word_targets(*case)
        if torch.equal(result, reference):
            continue
        place = tuple(int(i) for i in (result != reference).nonzero()[0])
        raise Mistake(
            "for the tokens {ids}, row {row}, token {column}, your target is {result}; it should be {reference}. {cause}",
            ids=case[0].tolist(),
            row=place[0],
            column=place[1],
            result=int(result[place]),
            reference=int(reference[place]),
            cause=likely_cause([r.tolist() for r in results], cases, NEXT_CAUSES)
            or Message(
                "The target is the next token's id, and -100 where the next one is padding or doesn't exist."
            ),
        )


def _targets_from(answer, ids, mask):
    given = ids.clone(), mask.clone()
    result = _tensor_from(call(answer, *given))
    if not torch.equal(given[0], ids) or not torch.equal(given[1], mask):
        raise Mistake(
            "your function changes its input, which the model still has to read. Make a new tensor."
        )
    if result.shape == (ids.shape[0], ids.shape[1] - 1):
        raise Mistake(
            "the shape is (B, T - 1). Keep (B, T): the last token has no next word, so its target is -100."
        )
    if result.shape != ids.shape:
        raise Mistake(
            "the shape should be that of input_ids, {wanted}; yours is {shape}.",
            wanted=tuple(ids.shape),
            shape=tuple(result.shape),
        )
    if result.is_floating_point():
        raise Mistake("targets are token numbers, so integers; yours are decimals.")
    return result.long()


# 16.4 ---------------------------------------------------------------------------------------------


def seed_by_seed(variant, full):
    """Return mean and standard deviation of a variant's score less the full model's, seed by seed."""
    differences = np.array(variant) - np.array(full)
    return float(differences.mean()), float(differences.std(ddof=1))


SCORES = (([70.0, 71.0, 75.0, 72.0], [70.5, 70.5, 73.5, 74.5]), ([61.0, 66.5, 58.3], [64.0, 68.5, 62.3]))


def _of_differences(statistic):
    return lambda variant, full: float(statistic(np.array(variant) - np.array(full)))


MEAN_CAUSES = (
    (
        _of_differences(lambda d: -d.mean()),
        Message("The sign is flipped: take variant minus full model, so that a loss is negative."),
    ),
    (
        _of_differences(lambda d: abs(d).mean()),
        Message("You take the size of each difference. It's the sign that tells better from worse."),
    ),
    (_of_differences(np.median), Message("That's the median. The mean counts every seed.")),
    (
        _of_differences(np.sum),
        Message("That's the sum of the differences. Divide it by the number of seeds."),
    ),
    (
        lambda variant, full: float(np.std(np.array(variant) - np.array(full), ddof=1)),
        Message("That's the standard deviation. The mean comes first."),
    ),
    (
        lambda variant, full: float(100 * np.mean(np.array(variant) / np.array(full) - 1)),
        Message("You take percent of the full model's score. Subtract the scores as they are."),
    ),
    (
        lambda variant, full: float(np.mean(variant)),
        Message("That's the variant's own mean; subtract the full model's."),
    ),
)
DEVIATION_CAUSES = (
    (
        _of_differences(np.std),
        Message("You divide by the number of seeds. For a sample, divide by one less: ddof=1."),
    ),
    (
        _of_differences(lambda d: d.std(ddof=1) / math.sqrt(len(d))),
        Message(
            "That's the standard error, which says how sure the mean is. Here we ask how far the seeds spread."
        ),
    ),
    (
        _of_differences(lambda d: d.var(ddof=1)),
        Message("That's the variance; the standard deviation is its root."),
    ),
    (
        _of_differences(np.ptp),
        Message("That's the largest difference less the smallest. Use the standard deviation."),
    ),
    (
        lambda variant, full: math.hypot(np.std(variant, ddof=1), np.std(full, ddof=1)),
        Message(
            "You add up the spreads of both scores. Subtract seed by seed first: what a seed does to both goes away."
        ),
    ),
    (
        lambda variant, full: float(np.std(variant, ddof=1) - np.std(full, ddof=1)),
        Message("You subtract the spreads. Subtract the scores seed by seed, and take the spread of that."),
    ),
    (
        lambda variant, full: float(np.std(variant, ddof=1)),
        Message("That's the spread of the variant's scores. Subtract the full model's seed by seed first."),
    ),
    (
        _of_differences(lambda d: abs(d).std(ddof=1)),
        Message("You take the size of each difference first. Keep the signs."),
    ),
)


def examine_seed_by_seed(answer):
    generator = Random(19)
    cases = list(SCORES)
    for _ in range(30):
        full = [round(generator.uniform(50, 80), 1) for _ in range(generator.randint(2, 6))]
        cases.append(([round(score + generator.gauss(-1, 1.5), 1) for score in full], full))
    results = [_two_numbers(call_unchanged(answer, *case)) for case in cases]
    for part, name, causes in (
        (0, Message("mean"), MEAN_CAUSES),
        (1, Message("standard deviation"), DEVIATION_CAUSES),
    ):
        for case, result in zip(cases, results, strict=True):
            reference = seed_by_seed(*case)[part]
            if _close(result[part], reference):
                continue
            raise Mistake(
                "for {variant} and {full} the {name} of the differences is {reference:.3f}; you return {value:.3f}. "
                "{cause}",
                variant=case[0],
                full=case[1],
                name=name,
                reference=reference,
                value=result[part],
                cause=likely_cause([r[part] for r in results], cases, causes, _close)
                or Message("Subtract seed by seed, and describe these differences."),
            )


def _close(one, other):
    return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-4)  # float32 keeps seven digits of a score of 70


def _two_numbers(result):
    try:
        mean, deviation = (float(value) for value in result)
    except (TypeError, ValueError):
        raise Mistake(
            "return two numbers, mean and standard deviation; you return {result!r}.", result=result
        ) from None
    return mean, deviation


EXERCISES = [
    Exercise(
        identifier="16.1",
        title="What has changed?",
        difficulty=1,
        minutes=10,
        examine=examine_changed,
        hints=(
            "Look at every name that occurs in either of the two: {**one, **other} has them all.",
            (
                "A name that one of them lacks has changed too. Give dict.get a default that no setting can "
                "be, such as a new object()."
            ),
            (
                "missing = object(); sorted(n for n in {**one, **other} if one.get(n, missing) != "
                "other.get(n, missing))"
            ),
        ),
        solution=changed,
        praise="If the list has more than one name, ask whether it's still an ablation.",
    ),
    Exercise(
        identifier="16.2",
        title="Left to right",
        difficulty=2,
        minutes=15,
        examine=examine_left_to_right_mask,
        hints=(
            "A query at place q may look at the keys at places up to q: that's a triangle.",
            (
                "torch.ones(T, T).tril() is the triangle; its rows are queries. The columns of padding must be "
                "False as well."
            ),
            "triangle.bool() & attention_mask[:, None].bool(), which broadcasts to (B, T, T)",
        ),
        solution=left_to_right_mask,
        praise="One triangle is the whole difference between BERT's attention and GPT's.",
    ),
    Exercise(
        identifier="16.3",
        title="The next word",
        difficulty=2,
        minutes=15,
        examine=examine_next_word_targets,
        hints=(
            "The target at place t is the id at place t + 1; the last place has no next word.",
            "Start with torch.full_like(input_ids, -100) and fill in all places except the last.",
            "Then set -100 where attention_mask[:, 1:] is 0: the next token there is padding.",
        ),
        solution=next_word_targets,
        praise="Every token gets a prediction, not just 15% of them. That's the advantage of the older task.",
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
        praise="What a seed does to both models is gone; what's left is the difference.",
    ),
]

QUIZ = [
    Question(
        (
            "A team removes next-sentence prediction and, because training got faster, doubles the steps. "
            "Accuracy rises. What have they shown?"
        ),
        Option(
            "That next-sentence prediction does harm.",
            "It may, but the steps may explain it just as well: two things have changed.",
        ),
        Option(
            "Nothing about either of the two changes.",
            "An ablation changes one thing. They need the variant at the old number of steps, too.",
            correct=True,
        ),
        Option(
            "That steps matter more than the objective.",
            "Neither was changed alone, so you can't weigh one against the other.",
        ),
        Option(
            "That their new setting is the best of the four.",
            "They've tried two settings of four; nobody knows the other two.",
        ),
    ),
    Question(
        (
            "Left to right, every token predicts its next word; with masks, 15% of the tokens are predicted. "
            "Why does the paper still choose masks?"
        ),
        Option(
            "Fewer predictions make pre-training cheaper.",
            "The encoder costs most, and it reads all tokens in either case.",
        ),
        Option(
            "A left-to-right model can't be fine-tuned.",
            "It can: GPT was fine-tuned before BERT. It scores lower here.",
        ),
        Option(
            "Masks are closer to the texts of the tasks.",
            "It's the other way around: no task has a [MASK], which is why some words are kept.",
        ),
        Option(
            "Each prediction sees the words on both sides.",
            "It learns more slowly at first, but soon passes the left-to-right model (appendix C.1, figure 5).",
            correct=True,
        ),
    ),
    Question(
        "In the paper's table 5, the direction alone costs SQuAD 10.1 points, MRPC 9.0 and SST-2 0.5. What follows?",
        Option(
            "The longer the texts of a task, the larger the loss.",
            "MRPC has pairs of short sentences, and loses nearly as much as SQuAD with its paragraphs.",
        ),
        Option(
            "It fails where a span must be marked, only there.",
            "MRPC marks no span: it asks whether two sentences say the same.",
        ),
        Option(
            "Hidden context may explain SQuAD, but not MRPC.",
            (
                "At an answer's first token, what follows is hidden. MRPC marks no span, so its loss stays open "
                "until somebody tests an explanation."
            ),
            correct=True,
        ),
        Option(
            "Tasks with two texts lose, and others don't.",
            "MNLI has two texts as well and loses 1.8 points, QNLI 0.6.",
        ),
    ),
    Question(
        (
            "A variant scores 70.1, 74.9 and 71.0 with three seeds, the full model 71.0, 75.8 and 72.2 with "
            "the same seeds. What do you report?"
        ),
        Option(
            "A loss of 1.0 point, with a deviation of 0.2.",
            "The differences are -0.9, -0.9 and -1.2: what a seed does to both goes away.",
            correct=True,
        ),
        Option(
            "No difference, since each spreads by over 2 points.",
            "That spread is common to both: with the same seed both are high or low together.",
        ),
        Option(
            "A loss of 0.9, the difference of the best runs.",
            "The best of three is partly the luckiest of three, and two seeds are thrown away.",
        ),
        Option(
            "Nothing, because three seeds are too few.",
            "They're few, but here they agree: each difference is several deviations from zero.",
        ),
    ),
    Question(
        (
            "From 64 to 128 units, our share of right words rises by less than a point, while perplexity falls "
            "from 3.36 to 3.17. Does size still help?"
        ),
        Option(
            "Yes: the share counts first guesses only.",
            "Perplexity also sees how sure the model is, and it falls at every step, as in the paper.",
            correct=True,
        ),
        Option(
            "No: the share of right words has stopped.",
            "It sees only the first guess. How likely the model finds the right word still rises.",
        ),
        Option(
            "Yes, but in the small language alone.",
            "In the paper's table 6, on real text, perplexity falls at every step as well.",
        ),
        Option(
            "No: 60% is all that one can know here.",
            "Lesson 06 trains the same size for twice as many updates and reaches 66%.",
        ),
    ),
    Question(
        (
            "Ten variants, one seed each; a seed alone moves a score by about a point. The best variant is 1.5 "
            "points above the full model. What next?"
        ),
        Option(
            "Report it, because 1.5 points is more than one.",
            "The best of ten draws is often that far up by luck alone.",
        ),
        Option(
            "Run it and the full model with new seeds.",
            "New runs haven't been chosen for being high, so they can show whether the gain is real.",
            correct=True,
        ),
        Option(
            "Run the other nine again, until one beats it.",
            "That looks for more luck: the winner would be the best of even more draws.",
        ),
        Option(
            "Average the ten, and compare with that.",
            "Ten different variants have a mean that describes none of them.",
        ),
    ),
    Question(
        (
            "Rows are padded at the end. You build the left-to-right mask but forget attention_mask, so padding "
            "stays visible. Which states change?"
        ),
        Option(
            "Those of all tokens, as softmax divides by more.",
            "Softmax divides by what a query may see. Which queries see the padding?",
        ),
        Option(
            "That of the last real token, which is next to it.",
            "It sees what comes before it, and the padding comes after.",
        ),
        Option(
            "None of the real tokens: padding comes later.",
            "The triangle hides it from them already. With padding in front it would be different.",
            correct=True,
        ),
        Option(
            "That of [CLS], which sums up the sentence.",
            "Left to right, [CLS] comes first and sees only itself.",
        ),
    ),
]
