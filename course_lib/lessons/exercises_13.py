"""Exercises and quiz of lesson 13, hyperparameter search."""

import math
import statistics

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call
from course_lib.translation import Message


def _number(value, what):
    """Return a learner's answer as a float; truth values and text are no numbers."""
    if isinstance(value, (bool, str)):
        raise Mistake("return {what}, a number; you return {value!r}.", what=what, value=value)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise Mistake(
            "return {what}, a number; you return a {kind}.",
            what=what,
            kind=type(value).__name__,
        ) from None


# 13.1 ---------------------------------------------------------------------------------------------


def log_uniform(u, low, high):
    """Return the value at share u of the way from low to high on a logarithmic scale."""
    return low * (high / low) ** u


def examine_log_uniform(answer):
    low, high = 1e-5, 1e-3
    for u in (0.5, 0.25, 0.0, 0.9):
        result = call(answer, u, low, high)
        result, reference = _number(result, Message("a learning rate")), log_uniform(u, low, high)
        if math.isclose(result, reference, rel_tol=1e-6):
            continue
        if math.isclose(result, low + u * (high - low), rel_tol=1e-6):
            raise Mistake(
                "that is uniform on a linear scale: halfway lies {result:.3g}, and nine draws of ten fall "
                "into the upper decade. Halfway on a logarithmic scale is 1e-4.",
                result=result,
            )
        if math.isclose(result, math.log10(low) + u * math.log10(high / low), rel_tol=1e-6) or math.isclose(
            result, math.log(low) + u * math.log(high / low), rel_tol=1e-6
        ):
            raise Mistake(
                "you return {result:.3g}, the logarithm of the rate. Raise the base to that power.",
                result=result,
            )
        if math.isclose(result, math.exp(math.log10(low) + u * math.log10(high / low)), rel_tol=1e-6) or (
            math.isclose(result, 10 ** (math.log(low) + u * math.log(high / low)), rel_tol=1e-6)
        ):
            raise Mistake("you mix two logarithms: 10 ** undoes log10, and exp undoes the natural logarithm.")
        if math.isclose(result, high * (low / high) ** u, rel_tol=1e-6):
            raise Mistake("it runs backward: u = 0 should give low, and u = 1 high.")
        raise Mistake(
            "for u = {u}, from 1e-5 to 1e-3, you return {result:.3g}; it should be {reference:.3g}.",
            u=u,
            result=result,
            reference=reference,
        )
    result = _number(call(answer, 0.5, 16.0, 64.0), Message("a learning rate"))
    if not math.isclose(result, 32.0, rel_tol=1e-6):
        raise Mistake(
            "from 16 to 64 halfway is 32, and you return {result:.3g}. Use low and high, not fixed numbers.",
            result=result,
        )


# 13.2 ---------------------------------------------------------------------------------------------


def chance_of_hit(trials, share):
    """Return the probability that at least one of so many random trials is among the best share."""
    return 1 - (1 - share) ** trials


def examine_chance_of_hit(answer):
    for trials, share in ((60, 0.05), (12, 0.05), (1, 0.2), (3, 0.5)):
        result = call(answer, trials, share)
        result, reference = _number(result, Message("a probability")), chance_of_hit(trials, share)
        if math.isclose(result, reference, rel_tol=1e-6):
            continue
        if math.isclose(result, trials * share, rel_tol=1e-6) or math.isclose(
            result, min(1.0, trials * share)
        ):
            raise Mistake(
                "{trials} trials give you {result:.3g}: you add up the chances of the trials. Two of them "
                "may hit the same 5%; and 20 trials would be certain. Ask how likely it is that all of them "
                "miss.",
                trials=trials,
                result=result,
            )
        if math.isclose(result, (1 - share) ** trials, rel_tol=1e-6):
            raise Mistake("that is the chance that all trials miss. At least one hits in all other cases.")
        if math.isclose(result, share**trials, rel_tol=1e-6):
            raise Mistake("that is the chance that every single trial hits. One hit is enough.")
        if math.isclose(result, 100 * reference, rel_tol=1e-6):
            raise Mistake("you return percent; a probability lies between 0 and 1.")
        raise Mistake(
            "for {trials} trials and a share of {share} you return {result:.3g}; it should be "
            "{reference:.3g}.",
            trials=trials,
            share=share,
            result=result,
            reference=reference,
        )


# 13.3 ---------------------------------------------------------------------------------------------


def choose_trial(trials):
    """Return the number of the trial to keep: complete, the best on validation, the earliest of equals."""
    complete = [trial for trial in trials if not trial["pruned"]]
    return max(complete, key=lambda trial: trial["validation"][-1])["number"]


TRIALS = [
    {"number": 10, "validation": [71.0, 69.3], "pruned": False, "test": 71.3},
    {"number": 11, "validation": [79.9, 70.4], "pruned": False, "test": 72.0},
    {"number": 12, "validation": [74.0, 78.7], "pruned": False, "test": 73.9},
    {"number": 13, "validation": [68.0, 75.1], "pruned": False, "test": 77.5},
    {"number": 14, "validation": [81.1], "pruned": True, "test": 70.0},
    {"number": 15, "validation": [75.0, 78.7], "pruned": False, "test": 76.1},
]


def examine_choose_trial(answer):
    for trials, reference in ((TRIALS, 12), (TRIALS[3:], 15)):
        result = call(answer, [{**trial, "validation": list(trial["validation"])} for trial in trials])
        if type(result) is int and result == reference:
            continue
        if isinstance(result, dict):
            raise Mistake("you return the whole trial; return its number.")
        if type(result) is not int:
            raise Mistake(
                "return the number of a trial, an int; you return a {kind}.",
                kind=type(result).__name__,
            )
        if result == 13:
            raise Mistake(
                "trial 13 is the best on test. Whoever chooses by test has no test set any more; choose by "
                "validation."
            )
        if result == 14:
            raise Mistake(
                "trial 14 was pruned: it never reached its last epoch, and its one accuracy cannot be held "
                "against final ones."
            )
        if result == 11:
            raise Mistake(
                "trial 11 had one lucky epoch and fell from there. The model at hand is that of the last "
                "epoch: compare validation[-1]."
            )
        if result == 10:
            raise Mistake(
                "trial 10 ends worst of all. Accuracy is to be large; Optuna too minimizes unless direction "
                "says otherwise."
            )
        if result == 15:
            raise Mistake(
                "trials 12 and 15 are equal on validation. Take the earlier one; that 15 is better on test "
                "is something you may not know."
            )
        if 0 <= result < len(trials):
            raise Mistake("{result} is a position in the list; return the trial's own number.", result=result)
        raise Mistake(
            "you return {result}; trial {reference} is complete and the best on validation.",
            result=result,
            reference=reference,
        )


# 13.4 ---------------------------------------------------------------------------------------------


def should_prune(reports, others, start_up):
    """Tell whether the best of this trial's reports is below the median of the others at the same epoch."""
    if len(others) < start_up:
        return False
    epoch = len(reports) - 1
    same = [other[epoch] for other in others if len(other) > epoch]
    return bool(same) and max(reports) < statistics.median(same)


# Reports of this trial, those of the others, start-up trials, and what a wrong answer is likely to have done.
CASES = (
    (
        [60.0],
        [[50.0, 80.0], [70.0, 82.0], [72.0, 81.0], [66.0, 80.0]],
        4,
        Message("68.0 is the median at this epoch, and 60.0 is below it."),
    ),
    (
        [75.0],
        [[50.0, 80.0], [70.0, 82.0], [72.0, 81.0], [66.0, 80.0]],
        4,
        Message(
            "75.0 after the first epoch is above what most trials had then. Compare with the same epoch, "
            "not with the last one; and larger is better here."
        ),
    ),
    (
        [60.0],
        [[70.0, 80.0], [72.0, 81.0]],
        4,
        Message("only 2 trials are complete, and start_up is 4: too few to know what is hopeless."),
    ),
    (
        [68.0],
        [[10.0], [70.0], [72.0], [71.0]],
        4,
        Message("the median is 70.5; one bad trial pulls the mean down to 55.8, but not the median."),
    ),
    (
        [70.0],
        [[60.0], [70.0], [70.0], [80.0]],
        4,
        Message("70.0 equals the median. A trial is stopped only when it is worse."),
    ),
    (
        [78.0, 70.0],
        [[60.0, 76.0], [62.0, 77.0], [61.0, 74.0], [63.0, 75.0]],
        4,
        Message(
            "the trial had 78.0 before it fell to 70.0. Optuna compares its best report so far, because "
            "a curve that wobbles is not hopeless."
        ),
    ),
    (
        [60.0, 61.0],
        [[70.0], [72.0], [71.0], [73.0]],
        4,
        Message("no other trial has a second epoch, so there is nothing to compare with."),
    ),
    (
        [60.0, 61.0],
        [[70.0], [72.0, 75.0], [71.0, 74.0], [73.0]],
        4,
        Message("two trials have a second epoch, 75.0 and 74.0; 61.0 is below their median."),
    ),
)


def examine_should_prune(answer):
    for reports, others, start_up, reason in CASES:
        result = call(answer, list(reports), [list(other) for other in others], start_up)
        if type(result).__name__ not in ("bool", "bool_"):
            raise Mistake("return True or False; you return a {kind}.", kind=type(result).__name__)
        reference = should_prune(reports, others, start_up)
        if bool(result) != reference:
            raise Mistake(
                "for reports {reports} you say {result}, and it should be {reference}: {reason}",
                reports=reports,
                result=bool(result),
                reference=reference,
                reason=reason,
            )


EXERCISES = [
    Exercise(
        identifier="13.1",
        title="A rate on a logarithmic scale",
        difficulty=1,
        minutes=5,
        examine=examine_log_uniform,
        hints=(
            "Halfway between 1e-5 and 1e-3 should be 1e-4: a factor of 10 from both ends.",
            "Go the share u of the way between the logarithms, then undo the logarithm.",
            "low * (high / low) ** u",
        ),
        solution=log_uniform,
        praise="Each decade gets the same share of the trials.",
    ),
    Exercise(
        identifier="13.2",
        title="The chance of a good trial",
        difficulty=1,
        minutes=5,
        examine=examine_chance_of_hit,
        hints=(
            "What is the chance that one random trial misses the best share?",
            "Trials are drawn independently: the chances of missing multiply.",
            "1 - (1 - share) ** trials",
        ),
        solution=chance_of_hit,
        praise="The number of parameters does not occur in it: that is the strength of random search.",
    ),
    Exercise(
        identifier="13.3",
        title="Which trial to keep",
        difficulty=2,
        minutes=10,
        examine=examine_choose_trial,
        hints=(
            "Three things to mind: pruned trials, the last epoch, and what you may look at.",
            "Keep the trials that were not pruned, and compare validation[-1].",
            (
                'max(complete, key=lambda trial: trial["validation"][-1]) is the earliest of equals; return '
                'its "number".'
            ),
        ),
        solution=choose_trial,
        praise="By validation, among complete trials, and the earliest of equals.",
    ),
    Exercise(
        identifier="13.4",
        title="The median rule",
        difficulty=3,
        minutes=20,
        examine=examine_should_prune,
        hints=(
            "Start with the reasons not to prune: too few other trials, or none that reached this epoch.",
            "This epoch is len(reports) - 1 in the lists of the others; leave out the shorter ones.",
            (
                "Then: max(reports) < statistics.median(same), where same holds the others' accuracies at "
                "this epoch."
            ),
        ),
        solution=should_prune,
        praise="That is Optuna's MedianPruner.",
    ),
]

QUIZ = [
    Question(
        (
            "A grid and a random search have 12 trials each, over learning rate, batch size and epochs. Only "
            "the rate matters. Which one learns more about it?"
        ),
        Option(
            "The grid: its values are evenly spread.",
            (
                "Evenly, but few: with three rates, each is tried four times over, once for each setting of "
                "what does not matter."
            ),
        ),
        Option(
            "The random search: every trial has a rate of its own.",
            "Twelve different rates instead of three (Bergstra and Bengio 2012, figure 1).",
            correct=True,
        ),
        Option(
            "Both the same, since the budget is equal.",
            "The budget is equal, the number of different rates is not.",
        ),
    ),
    Question(
        "Why is the learning rate drawn on a logarithmic scale?",
        Option(
            "Because Optuna can draw in no other way.",
            "It draws uniformly too, unless you say `log=True`.",
        ),
        Option(
            "Because small rates are better.",
            "Not in general; the scale only gives each decade the same share of the trials.",
        ),
        Option(
            "Because the loss is a logarithm.",
            "It is, but that has nothing to do with the scale of the rate.",
        ),
        Option(
            "Because its effect goes by factors: 1e-5 to 2e-5 matters as much as 1e-4 to 2e-4.",
            "On a linear scale nearly all draws would fall into the highest decade.",
            correct=True,
        ),
    ),
    Question(
        "What does TPE do with the trials that are finished?",
        Option(
            (
                "It learns where the good ones lie and where the others lie, and tries where the first "
                "outweighs the second."
            ),
            "Two densities, and their ratio (Bergstra et al. 2011).",
            correct=True,
        ),
        Option(
            "It tries the neighbors of the best trial only.",
            "That would be a local search; TPE also goes where little has been tried.",
        ),
        Option(
            "It stops those that are hopeless.",
            "That is the pruner's work; sampler and pruner are two things.",
        ),
        Option(
            "It fits the accuracy by a straight line.",
            "It models where parameters lie, not the accuracy, and certainly not as a line.",
        ),
    ),
    Question(
        "The best of 30 trials has 79% on validation. What will it have on new reviews, most likely?",
        Option(
            "More, for the model is retrained.",
            "It is retrained on the same rows with the same settings. Nothing makes it better.",
        ),
        Option(
            "79%, because validation reviews are new to the model too.",
            (
                "They are new to the model, but not to the choice: the best of many is partly the luckiest "
                "of many."
            ),
        ),
        Option(
            "Somewhat less: the best of many is partly the luckiest.",
            "That is why the test part is scored once, after the choice.",
            correct=True,
        ),
    ),
    Question(
        "One of two workers dies in the middle of a trial. What happens to the trial?",
        Option(
            "Its model is kept half trained, and the next worker trains on.",
            "Nothing of the model is stored; the trial starts anew.",
        ),
        Option(
            "It is run again by a worker that lives, under the same values.",
            "The heartbeat stops, the trial is marked as failed, and a copy of it is put into the queue.",
            correct=True,
        ),
        Option(
            "It is lost, and the study ends with one trial fewer.",
            "So it would be without heartbeats; the course's storage has them.",
        ),
        Option(
            "The whole study has to start again.",
            "Finished trials are in the database; nobody needs to run them again.",
        ),
    ),
]
