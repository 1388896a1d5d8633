"""Exercises and quiz of lesson 18, looking inside."""

import numpy as np
import torch

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call


def _tensor(result):
    """Refuse what isn't a tensor, or holds no numbers."""
    if not isinstance(result, torch.Tensor):
        raise Mistake("return a tensor, not {kind}.", kind=type(result).__name__)
    result = result.detach().float()
    if result.isnan().any():
        raise Mistake("the result has numbers that are no numbers (NaN).")
    return result


def _close(one, other):
    return one.shape == other.shape and torch.allclose(one, other, atol=1e-4)


# 18.1 -----------------------------------------------------------------------------------------------


def offset_weight(attention, offset):
    """Return (A,): the mean weight from each token to the one `offset` places away, for attention (A, T, T)."""
    return torch.diagonal(attention, offset=offset, dim1=1, dim2=2).mean(dim=-1)


def examine_offset_weight(answer):
    attention = torch.rand(2, 5, 5, generator=torch.Generator().manual_seed(0)).softmax(dim=-1)  # (A, T, T)
    result = _tensor(call(answer, attention.clone(), -1))
    wanted = offset_weight(attention, -1)
    if _close(result, wanted):
        for other in (1, 0, -3):
            if not _close(_tensor(call(answer, attention.clone(), other)), offset_weight(attention, other)):
                raise Mistake(
                    "it's right for offset -1 and wrong for {offset}. Negative is to the left, positive to the right, "
                    "and 0 is the token itself.",
                    offset=other,
                )
        return
    if result.shape != wanted.shape:
        raise Mistake(
            "the shape is {shape}; it should be (2,), one number a head.", shape=tuple(result.shape)
        )
    if _close(result, offset_weight(attention, 1)):
        raise Mistake("that's the *next* token. Row i of attention[head] is the token that looks.")
    if _close(result, wanted * 4 / 5):
        raise Mistake(
            "the sum is divided by 5, but only four tokens have a left neighbor. Leave out those without a target."
        )
    if _close(result, wanted * 4):
        raise Mistake("that's a sum. Take the mean over the tokens that have a target.")
    rolled = attention[:, range(5), [4, 0, 1, 2, 3]].mean(dim=-1)
    if _close(result, rolled):
        raise Mistake("the first token looks at the last one: the places wrapped around. It has no target.")
    raise Mistake(
        "the first head gets {found:.3f}; it should get {wanted:.3f}.",
        found=float(result[0]),
        wanted=float(wanted[0]),
    )


# 18.2 -----------------------------------------------------------------------------------------------


def path_points(vectors, baseline, steps):
    """Return (steps, T, H): points from baseline to vectors, both (1, T, H), at the middle of `steps` equal pieces."""
    shares = (torch.arange(steps) + 0.5) / steps  # (steps,)
    return baseline + shares[:, None, None] * (vectors - baseline)


def examine_path_points(answer):
    generator = torch.Generator().manual_seed(0)
    vectors, baseline = (torch.randn(1, 3, 2, generator=generator) for _ in range(2))
    result = _tensor(call(answer, vectors.clone(), baseline.clone(), 4))
    wanted = path_points(vectors, baseline, 4)
    if _close(result, wanted):
        return
    if result.shape != wanted.shape:
        raise Mistake("the shape is {shape}; it should be (4, 3, 2).", shape=tuple(result.shape))
    steps = torch.arange(4)[:, None, None]
    middle = (steps + 0.5) / 4
    if _close(result, baseline + middle * vectors - baseline):
        raise Mistake(
            "the bracket is misplaced: baseline + share · vectors - baseline is share · vectors. It's right for a "
            "baseline of zeros only."
        )
    if _close(result, wanted.flip(0)):
        raise Mistake("the path runs backward. It starts near the baseline and ends near the text.")
    for shares, where in ((steps / 4, "left"), ((steps + 1) / 4, "right"), (steps / 3, "both")):
        if _close(result, baseline + shares * (vectors - baseline)):
            raise Mistake(
                "the points are at the {where} ends of the pieces. The middles are (0.5, 1.5, ...) / steps.",
                where={"left": "left", "right": "right", "both": "outer"}[where],
            )
    if _close(result, middle * (vectors - baseline)):
        raise Mistake("the path starts at zero. Add the baseline.")
    raise Mistake(
        "the first number is {found:.3f}; it should be {wanted:.3f}.",
        found=float(result[0, 0, 0]),
        wanted=float(wanted[0, 0, 0]),
    )


# 18.3 -----------------------------------------------------------------------------------------------


def remove_direction(states, direction):
    """Return states (N, H) without their part along direction (H,), which may have any length."""
    unit = direction / direction.norm()
    return states - (states @ unit)[:, None] * unit


def examine_remove_direction(answer):
    generator = torch.Generator().manual_seed(0)
    states, direction = torch.randn(4, 3, generator=generator), torch.tensor([2.0, -1.0, 2.0])  # length 3
    given = states.clone()
    result = _tensor(call(answer, given, direction.clone()))
    wanted = remove_direction(states, direction)
    if not torch.equal(given, states):
        raise Mistake("your function changes the states it was given. Return new ones.")
    if _close(result, wanted):
        return
    if result.shape != wanted.shape:
        raise Mistake("the shape is {shape}; it should be (4, 3).", shape=tuple(result.shape))
    along = (states @ direction)[:, None] * direction
    if _close(result, states - along):
        raise Mistake(
            "the direction has length 3, and its length went in twice. Make it a unit vector first."
        )
    if _close(result, states - along / 3):
        raise Mistake("you divided by the length once. The direction appears twice in the product.")
    if _close(result, along / 9):
        raise Mistake("that's the part along the direction. Take it away from the states.")
    if _close(result, states + along / 9):
        raise Mistake("the part along the direction is added, so it's twice as large now. Subtract it.")
    if _close(result, states - direction) or _close(result, states - direction / 3):
        raise Mistake(
            "all states are moved alike. Subtract from each state *its own* part along the direction."
        )
    raise Mistake(
        "the first number is {found:.3f}; it should be {wanted:.3f}.",
        found=float(result[0, 0]),
        wanted=float(wanted[0, 0]),
    )


# 18.4 -----------------------------------------------------------------------------------------------


def equalized_odds_gap(labels, predictions, groups):
    """Return the larger of two gaps between groups: of the true positive rates and of the false positive rates."""
    gaps = []
    for truth in (1, 0):
        rates = [predictions[(groups == group) & (labels == truth)].mean() for group in np.unique(groups)]
        gaps.append(max(rates) - min(rates))
    return float(max(gaps))


def _fairness_case(seed):
    generator = np.random.default_rng(seed)
    groups = generator.choice(["a", "b", "c"], size=240)
    labels = generator.integers(2, size=240)
    share = np.where(labels == 1, 0.6, 0.2)
    share = share + np.where(
        (groups == "b") & (labels == seed % 2), 0.35, 0.0
    )  # one of the two gaps is the larger
    return labels, (generator.random(240) < share).astype(int), groups


def examine_equalized_odds_gap(answer):
    for seed in (1, 2, 4):
        labels, said, groups = _fairness_case(seed)
        result = call(answer, labels.copy(), said.copy(), groups.copy())
        try:
            result = float(result)
        except (TypeError, ValueError):
            raise Mistake("return one number, not {kind}.", kind=type(result).__name__) from None
        names = np.unique(groups)

        def gap(rates):
            return max(rates) - min(rates)

        true, false = (
            gap([said[(groups == name) & (labels == truth)].mean() for name in names]) for truth in (1, 0)
        )
        wanted = max(true, false)
        if np.isnan(result):
            raise Mistake("the result isn't a number (NaN): a mean of no sentence.")
        if abs(result - wanted) < 1e-6:
            continue
        others = {
            "parity": gap([said[groups == name].mean() for name in names]),
            "accuracy": gap([(said == labels)[groups == name].mean() for name in names]),
            "true": true,
            "false": false,
            "mean": (true + false) / 2,
            "smaller": min(true, false),
            "percent": 100 * wanted,
            "minus": -wanted,
        }
        said_wrong = next((name for name, value in others.items() if abs(value - result) < 1e-6), None)
        if said_wrong == "parity":
            raise Mistake(
                "that's demographic parity: the true labels play no part. Split the sentences by label first."
            )
        if said_wrong == "accuracy":
            raise Mistake("that's a gap of accuracy, which adds up both kinds of error.")
        if said_wrong in ("true", "false", "smaller"):
            raise Mistake(
                "only one of the two gaps is looked at, or the smaller one. Return the larger of both: a model must be "
                "fair to the positive *and* to the negative."
            )
        if said_wrong == "mean":
            raise Mistake("that's the mean of the two gaps. Return the larger one.")
        if said_wrong == "percent":
            raise Mistake("that's percent. Return a share.")
        if said_wrong == "minus":
            raise Mistake("the gap is negative. Take the largest rate less the smallest.")
        raise Mistake(
            "the gap is {found:.3f}; it should be {wanted:.3f}. There are three groups: compare the largest rate with "
            "the smallest.",
            found=result,
            wanted=wanted,
        )


EXERCISES = [
    Exercise(
        identifier="18.1",
        title="A score for a head",
        difficulty=1,
        minutes=5,
        examine=examine_offset_weight,
        hints=(
            "attention[head, i, j] is how much token i looks at token j. For offset -1 you want j = i - 1.",
            "These entries lie on a diagonal. torch.diagonal(attention, offset, dim1=1, dim2=2) gives (A, entries).",
            "Take the mean over the last dimension. The diagonal holds only tokens that have a target.",
        ),
        solution=offset_weight,
        praise="A story about a head is now a number, and a number can be wrong. That's progress.",
    ),
    Exercise(
        identifier="18.2",
        title="The path",
        difficulty=2,
        minutes=8,
        examine=examine_path_points,
        hints=(
            "With 4 steps, the middles lie at shares 1/8, 3/8, 5/8 and 7/8 of the way.",
            "A point is baseline + share · (vectors - baseline). Mind the bracket.",
            "Shares with shape (steps, 1, 1) spread over (1, T, H): shares[:, None, None].",
        ),
        solution=path_points,
        praise="The rest of integrated gradients is a mean and a product.",
    ),
    Exercise(
        identifier="18.3",
        title="Remove a direction",
        difficulty=2,
        minutes=8,
        examine=examine_remove_direction,
        hints=(
            "First make a unit vector: direction / direction.norm().",
            "states @ unit is (N,): how far each state lies along the direction.",
            "Subtract (states @ unit)[:, None] * unit.",
        ),
        solution=remove_direction,
        praise="Everything at right angles is untouched, so if a task suffers, you know why.",
    ),
    Exercise(
        identifier="18.4",
        title="Equalized odds",
        difficulty=2,
        minutes=8,
        examine=examine_equalized_odds_gap,
        hints=(
            "Look at the truly positive sentences first: how often is each group called positive?",
            "predictions[(groups == group) & (labels == 1)].mean() is the rate of one group.",
            "Do the same for labels == 0. Largest less smallest gives two gaps; return the larger.",
        ),
        solution=equalized_odds_gap,
        praise="fairlearn counts it the same way.",
    ),
]

QUIZ = [
    Question(
        "A head puts 70% of its weight on the next token. What do you know?",
        Option(
            "The model needs the next token for its prediction.",
            "You know where the head looks. Whether anything depends on it is another question: remove it and see.",
        ),
        Option(
            "Where this head looks, on these texts.",
            "That's what was measured. Compare it with an even head before you call it much.",
            correct=True,
        ),
        Option(
            "The head was trained to predict the next token.", "Nobody told it to. It's a habit that helped."
        ),
        Option("The other heads look at the previous token.", "Each head has a score of its own."),
    ),
    Question(
        "Integrated gradients of a text add up to 3.1, and the score rises by 8.5 from the baseline to the text. What is it?",
        Option("A baseline that was chosen badly.", "Every baseline has its own completeness."),
        Option("A model that isn't sure.", "The sum has to match the difference for any model."),
        Option(
            "A mistake, or too few steps.",
            "Completeness must hold. More steps close a small gap; a wrong formula never will.",
            correct=True,
        ),
        Option("Normal: attributions are only approximate.", "A gap that large means that they're wrong."),
    ),
    Question(
        "Deleting the top words of an explanation costs as much probability as deleting random words. What follows?",
        Option(
            "The explanation isn't about this model.",
            "The words it names matter to the model no more than any others.",
            correct=True,
        ),
        Option(
            "The model is robust.", "Perhaps. But then other words don't matter either, so why name these?"
        ),
        Option("The explanation is right, and the words are synonyms.", "Nothing here shows that."),
        Option("More words should be shown.", "It would look fuller and be no truer."),
    ),
    Question(
        "A probe finds names in layer 3 with 90% balanced accuracy. On random labels for each word it gets 85%. What then?",
        Option("Layer 3 knows what a name is.", "It could be that the probe has learned the words by heart."),
        Option(
            "Much of the 90% may be memory of the words.",
            "The control task has nothing to know. What's above it is what counts.",
            correct=True,
        ),
        Option("The control task was too easy.", "Random labels can't be known at all, only memorized."),
        Option("The probe should be larger.", "A larger one memorizes more."),
    ),
    Question(
        "You remove a direction and the task suffers. Which comparison do you still owe your reader?",
        Option(
            "Removing a random direction.",
            "If that hurts as much, your direction isn't special.",
            correct=True,
        ),
        Option("Removing the same direction twice.", "The second time, there's nothing left to remove."),
        Option("A larger model.", "That answers another question: what a larger model does."),
        Option("The accuracy of the probe.", "It says what can be found, not what is used."),
    ),
    Question(
        "A decision tree imitates a model with a fidelity of 70% on held-out texts, and the model is right in 85%. May you "
        "show its rules as the model's reasons?",
        Option(
            "Yes: the rules can be read.", "A readable rule that's wrong three times in ten isn't the reason."
        ),
        Option(
            "No: in three of ten cases it says something else.",
            "Always print the fidelity next to the rules.",
            correct=True,
        ),
        Option(
            "Yes, if its accuracy is high as well.",
            "Accuracy compares it with the truth, not with the model.",
        ),
        Option("Only with more leaves.", "On training texts that helps; on held-out ones you'd have to see."),
    ),
    Question(
        "After a mitigation, both groups are called positive equally often. What's guaranteed?",
        Option(
            "That the model is fair.",
            "One number of one criterion, on these sentences, is equal. That's all.",
        ),
        Option(
            "That nobody's sentence changes class when the name changes.",
            "Group rates can agree while names flip.",
        ),
        Option(
            "Nothing beyond this criterion on texts like these.",
            "Other criteria, other names and other texts have to be measured again.",
            correct=True,
        ),
        Option("That accuracy is unchanged.", "A mitigation may cost accuracy, so measure it."),
    ),
]
