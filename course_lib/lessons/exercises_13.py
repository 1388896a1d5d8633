"""Exercises and quiz of lesson 13, hyperparameter search."""

import math
import operator
import statistics
from copy import deepcopy
from functools import partial
from random import Random

from course_lib.lessons.answer_forms import number
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.causes import likely_cause
from course_lib.lessons.exercises import call
from course_lib.translation import Message

close = partial(math.isclose, rel_tol=1e-5, abs_tol=1e-9)  # float32 keeps seven digits


# 13.1 ---------------------------------------------------------------------------------------------


def log_uniform(u, low, high):
    """Return the value at share u of the way from low to high on a logarithmic scale."""
    return low * (high / low) ** u


RATE_CAUSES = (
    (
        lambda u, low, high: low + u * (high - low),
        Message(
            "That's uniform on a linear scale, where nine draws of ten land in the upper decade. Halfway from 1e-5 "
            "to 1e-3 on a logarithmic scale is 1e-4."
        ),
    ),
    (
        lambda u, low, high: math.log10(low) + u * math.log10(high / low),
        Message("That's the logarithm of the rate. Undo it: 10 to that power."),
    ),
    (
        lambda u, low, high: math.log(low) + u * math.log(high / low),
        Message("That's the natural logarithm of the rate. Undo it: math.exp of it."),
    ),
    (
        lambda u, low, high: math.exp(math.log10(low) + u * math.log10(high / low)),
        Message("You mix up two logarithms: exp undoes the natural one, and 10 ** undoes log10."),
    ),
    (
        lambda u, low, high: 10 ** (math.log(low) + u * math.log(high / low)),
        Message("You mix up two logarithms: 10 ** undoes log10, and math.log is the natural one."),
    ),
    (
        lambda u, low, high: high * (low / high) ** u,
        Message("It runs backward: u = 0 should give low, and u = 1 high."),
    ),
    (
        lambda u, low, high: high * u,
        Message(
            "You multiply by u. Equal steps on this scale are equal factors, so u belongs in the exponent."
        ),
    ),
    (
        lambda u, low, high: (high / low) ** u,
        Message("That's the factor by which the rate grows. Start at low: multiply by it."),
    ),
    (
        lambda u, low, high: 10 ** (-5 + 2 * u),
        Message("It works from 1e-5 to 1e-3 only. Use low and high, not fixed numbers."),
    ),
)


def examine_log_uniform(answer):
    generator = Random(13)
    cases = [(u, 1e-5, 1e-3) for u in (0.5, 0.25, 0.0, 0.9, 1.0)] + [(0.5, 16.0, 64.0), (0.3, 1e-4, 1e-3)]
    for _ in range(30):
        low = 10 ** generator.uniform(-6, 1)
        cases.append((generator.random(), low, low * generator.uniform(1.5, 1000)))
    results = [number(call(answer, *case), Message("the learning rate")) for case in cases]
    for (u, low, high), result in zip(cases, results, strict=True):
        reference = log_uniform(u, low, high)
        if close(result, reference):
            continue
        again = [number(call(answer, *cases[0]), Message("the learning rate")) for _ in range(3)]
        if len(set(again)) > 1:
            cause = Message("And it's another number each time. Don't draw one: u is the draw already.")
        elif math.isclose(result, reference, rel_tol=0.1):
            cause = Message("That's close. Do you round it somewhere? Return the number as it is.")
        else:
            cause = Message("Equal steps of u have to be equal factors.")
        raise Mistake(
            "for u = {u:.3g}, from {low:.3g} to {high:.3g}, you return {result:.6g}; it should be {reference:.6g}. "
            "{cause}",
            u=u,
            low=low,
            high=high,
            result=result,
            reference=reference,
            cause=likely_cause(results, cases, RATE_CAUSES, close) or cause,
        )


# 13.2 ---------------------------------------------------------------------------------------------


def chance_of_hit(trials, share):
    """Return the probability that at least one of so many random trials is among the best share."""
    return 1 - (1 - share) ** trials


CHANCE_CAUSES = (
    (
        lambda trials, share: trials * share,
        Message(
            "You add up the chances of the trials, and by that 20 trials would be sure to hit the best 5%. Two of "
            "them may both hit. Ask how likely it is that all of them miss."
        ),
    ),
    (
        lambda trials, share: min(1.0, trials * share),
        Message(
            "You add up the chances and cut the sum at 1. Two trials may both hit, so chances don't add. Ask how "
            "likely it is that all of them miss."
        ),
    ),
    (
        lambda trials, share: (1 - share) ** trials,
        Message("That's the chance that all trials miss. In all other cases at least one hits."),
    ),
    (
        lambda trials, share: share**trials,
        Message("That's the chance that every single trial hits. One hit is enough."),
    ),
    (
        lambda trials, share: 1 - share**trials,
        Message("That's the chance that not all trials hit. Multiply the chances of missing, 1 - share."),
    ),
    (
        lambda trials, share: trials * share * (1 - share) ** (trials - 1) if trials else 0.0,
        Message("That's the chance of exactly one hit. Two or more count as well."),
    ),
    (
        lambda trials, share: 100 * (1 - (1 - share) ** trials),
        Message("You return percent; a probability lies between 0 and 1."),
    ),
    (
        lambda trials, share: share,
        Message("That's the chance of a single trial. More trials have a better chance."),
    ),
    (
        lambda trials, share: 1 - 0.95**trials,
        Message("It's right for the best 5% only. Use share, not a fixed number."),
    ),
)


def examine_chance_of_hit(answer):
    generator = Random(14)
    cases = [(3, 0.5), (60, 0.05), (12, 0.05), (1, 0.2), (30, 0.05), (0, 0.1)]
    cases += [(generator.randint(1, 80), generator.uniform(0.005, 0.6)) for _ in range(30)]
    same = partial(math.isclose, rel_tol=1e-5, abs_tol=1e-6)
    results = [number(call(answer, *case), Message("the probability")) for case in cases]
    for (trials, share), result in zip(cases, results, strict=True):
        reference = chance_of_hit(trials, share)
        if same(result, reference):
            continue
        if math.isclose(result, reference, abs_tol=0.02):
            cause = Message("That's close. Do you round or simulate? The formula is exact.")
        else:
            cause = Message("Think of the trials that miss: their chances multiply.")
        raise Mistake(
            "for {trials} trials and a share of {share:.3g} you return {result:.6g}; it should be {reference:.6g}. "
            "{cause}",
            trials=trials,
            share=share,
            result=result,
            reference=reference,
            cause=likely_cause(results, cases, CHANCE_CAUSES, same) or cause,
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


def _best_by(score, pruned=False):
    """Return a function that keeps the trial with the highest score."""
    return lambda trials: max((t for t in trials if pruned or not t["pruned"]), key=score)["number"]


def _last(trial):
    return trial["validation"][-1]


def _position(trials):
    return [trial["number"] for trial in trials].index(choose_trial(trials))


TRIAL_CAUSES = (
    (
        _best_by(lambda trial: trial["test"]),
        Message("You choose by test, and then there's no test set left. Choose by validation."),
    ),
    (
        _best_by(lambda trial: trial["test"], pruned=True),
        Message(
            "You choose by test, and then there's no test set left. Choose by validation, among complete trials."
        ),
    ),
    (
        _best_by(_last, pruned=True),
        Message(
            "A trial that was pruned never reached its last epoch. Its accuracy can't be compared with final ones."
        ),
    ),
    (
        _best_by(lambda trial: max(trial["validation"])),
        Message(
            "You take the best epoch of each trial. A lucky epoch is gone when training ends: the model that you "
            "have is that of validation[-1]."
        ),
    ),
    (
        _best_by(lambda trial: max(trial["validation"]), pruned=True),
        Message(
            "You take the best epoch of any trial, pruned or not. Compare validation[-1] of the complete ones."
        ),
    ),
    (
        _best_by(lambda trial: -_last(trial)),
        Message(
            "You keep the worst. Accuracy should be large; Optuna, too, minimizes unless you say otherwise."
        ),
    ),
    (
        lambda trials: _best_by(_last)(trials[::-1]),
        Message("Of trials with equal accuracy, keep the earliest; yours is the latest."),
    ),
    (
        _best_by(lambda trial: (_last(trial), trial["test"])),
        Message("Don't let the test score break a tie: you may not look at it. Keep the earliest."),
    ),
    (
        _best_by(lambda trial: statistics.mean(trial["validation"])),
        Message(
            "You average over the epochs. The model that you have is that of the last one: validation[-1]."
        ),
    ),
    (
        _best_by(lambda trial: trial["validation"][0]),
        Message(
            "You compare the first epoch. The model that you have is that of the last one: validation[-1]."
        ),
    ),
    (
        _best_by(lambda trial: trial["validation"][min(1, len(trial["validation"]) - 1)]),
        Message("You compare the second epoch, and some trials have more. The last one is validation[-1]."),
    ),
    (_position, Message("That's a position in the list. Return the trial's own number.")),
)


def random_trials(generator):
    """Return a search of a few trials; some are pruned, and some end with equal accuracy."""
    trials = []
    for place in range(generator.randint(1, 3), generator.randint(5, 10)):
        pruned = bool(trials) and generator.random() < 0.3
        epochs = generator.randint(1, 2) if pruned else generator.randint(2, 4)
        validation = [generator.choice((70.0, 71.5, 72.0, 74.5, 75.0)) for _ in range(epochs)]
        trials.append(
            {"number": place, "validation": validation, "pruned": pruned, "test": generator.uniform(65, 80)}
        )
    return trials


def examine_choose_trial(answer):
    generator = Random(15)
    cases = [TRIALS, TRIALS[3:], *(random_trials(generator) for _ in range(30))]
    results = []
    for trials in cases:
        given = deepcopy(trials)
        results.append(_trial_number(call(answer, given)))
        if given != trials:
            raise Mistake(
                "your function changes the list of trials, or one of them. sorted makes a new list, sort doesn't."
            )
    for trials, result in zip(cases, results, strict=True):
        reference = choose_trial(trials)
        if result != reference:
            kept = [(t["number"], t["validation"], "pruned" if t["pruned"] else "complete") for t in trials]
            raise Mistake(
                "you return {result}; trial {reference} is complete and the best on validation, of {kept}. {cause}",
                result=result,
                reference=reference,
                kept=kept,
                cause=likely_cause(results, [(trials,) for trials in cases], TRIAL_CAUSES)
                or Message(
                    "Leave out the pruned ones, compare validation[-1], and keep the earliest of equals."
                ),
            )


def _trial_number(result):
    """Return a trial's number; numpy's and torch's integers are as good as Python's."""
    if isinstance(result, dict):
        raise Mistake("you return the whole trial; return its number.")
    if isinstance(result, (list, tuple)):
        raise Mistake("you return several things. Return one number: of equals, that of the earliest.")
    try:
        if isinstance(result, bool):
            raise TypeError
        return operator.index(result)
    except TypeError:
        raise Mistake(
            "return the number of a trial, an int; you return a {kind}.", kind=type(result).__name__
        ) from None


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
        Message("there are only 2 other trials, and start_up is 4: too few to know what is hopeless."),
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
            "a curve that goes up and down isn't hopeless."
        ),
    ),
    (
        [60.0, 71.0],
        [[80.0, 60.0], [82.0, 61.0], [81.0, 62.0], [79.0, 63.0]],
        4,
        Message(
            "at the second epoch the others had 60 to 63, whatever they had before. Only this trial counts with "
            "its best."
        ),
    ),
    (
        [60.0, 61.0],
        [[70.0], [72.0], [71.0], [73.0]],
        4,
        Message("no other trial has a second epoch, so there's nothing to compare with."),
    ),
    (
        [60.0, 61.0],
        [[70.0], [72.0, 75.0], [71.0, 74.0], [73.0]],
        4,
        Message("two trials have a second epoch, 75.0 and 74.0; 61.0 is below their median."),
    ),
    (
        [72.0],
        [[70.0], [71.0], [73.0], [74.0]],
        4,
        Message("of four values, the median is the mean of the middle two, 72.0, and 72.0 isn't below it."),
    ),
    (
        [60.0],
        [[70.0]],
        1,
        Message("one other trial is enough here, since start_up is 1: 60.0 is below its 70.0."),
    ),
)


def examine_should_prune(answer):
    generator = Random(16)
    drawn = []
    for _ in range(30):
        others = [
            [generator.choice((60.0, 65.0, 70.0, 75.0)) for _ in range(generator.randint(1, 3))]
            for _ in range(generator.randint(1, 6))
        ]
        reports = [generator.choice((61.0, 65.0, 68.0, 75.0)) for _ in range(generator.randint(1, 3))]
        reason = Message(
            "compare the best report with the median of the others at epoch {epoch}.", epoch=len(reports)
        )
        drawn.append((reports, others, generator.randint(1, 5), reason))
    for reports, others, start_up, reason in (*CASES, *drawn):
        given = deepcopy((reports, others))
        result = call(answer, *given, start_up)
        if given != (reports, others):
            raise Mistake(
                "your function changes the reports that it's given, and the search still needs them. Change a copy."
            )
        reference = should_prune(reports, others, start_up)
        if _truth(result) != reference:
            raise Mistake(
                "for reports {reports}, others {others} and start_up {start_up} you say {result}, and it should be "
                "{reference}: {reason}",
                reports=reports,
                others=others,
                start_up=start_up,
                result=_truth(result),
                reference=reference,
                reason=reason,
            )


def _truth(result):
    """Return a truth value; numpy's and torch's are as good as Python's."""
    is_tensor = getattr(result, "numel", int)() == 1 and str(getattr(result, "dtype", "")) == "torch.bool"
    if not is_tensor and type(result).__name__ not in ("bool", "bool_"):
        raise Mistake("return True or False; you return a {kind}.", kind=type(result).__name__)
    return bool(result)


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
            "What's the chance that one random trial misses the best share?",
            "Trials are drawn independently, so their chances of missing multiply.",
            "1 - (1 - share) ** trials",
        ),
        solution=chance_of_hit,
        praise="The number of parameters isn't in it: that's the strength of random search.",
    ),
    Exercise(
        identifier="13.3",
        title="Which trial to keep",
        difficulty=2,
        minutes=10,
        examine=examine_choose_trial,
        hints=(
            "Think of three things: pruned trials, the last epoch, and what you may look at.",
            "Keep the trials that weren't pruned, and compare validation[-1].",
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
        praise="That's how Optuna's MedianPruner decides.",
    ),
]

QUIZ = [
    Question(
        (
            "A grid and a random search have 12 trials each, over learning rate, batch size and epochs. Only "
            "the rate matters. Which one learns more about it?"
        ),
        Option(
            "The random search: each trial has its own rate.",
            "Twelve different rates instead of three (Bergstra and Bengio 2012, figure 1).",
            correct=True,
        ),
        Option(
            "The grid: its rates are evenly spread.",
            "Evenly, but there are few: each is tried again for every setting of what doesn't matter.",
        ),
        Option(
            "Both learn the same, since the budget is equal.",
            "The budget is equal; the number of different rates isn't.",
        ),
        Option(
            "The grid: it repeats each rate, which averages out luck.",
            "It does, but four times three rates say little about the rates in between.",
        ),
    ),
    Question(
        "Why is the learning rate drawn on a logarithmic scale?",
        Option(
            "Optuna has no other way to draw a number.",
            "It draws uniformly too, unless you say `log=True`.",
        ),
        Option(
            "Small rates are better than large ones.",
            "Not in general; the scale only gives each decade the same share of the trials.",
        ),
        Option(
            "The loss is a logarithm of a probability.",
            "It is, but that has nothing to do with the scale of the rate.",
        ),
        Option(
            "Its effect goes by factors, not by steps.",
            "From 1e-5 to 2e-5 matters as much as from 1e-4 to 2e-4. On a linear scale nearly all draws are large.",
            correct=True,
        ),
    ),
    Question(
        "What does TPE do with the trials that are finished?",
        Option(
            "It tries the neighbors of the best trial only.",
            "That would be a local search; TPE also goes where little has been tried.",
        ),
        Option(
            "It stops those that look hopeless after an epoch.",
            "That's the pruner's work; sampler and pruner are two things.",
        ),
        Option(
            "It learns where good ones lie, and where others do.",
            "It keeps two densities and tries where the first outweighs the second (Bergstra et al. 2011).",
            correct=True,
        ),
        Option(
            "It fits their accuracy by a line and follows it upward.",
            "It models where parameters lie, not the accuracy, and certainly not as a line.",
        ),
    ),
    Question(
        "The best of 30 trials has 79% on validation. What will it have on new reviews, most likely?",
        Option(
            "More, because the model is trained again.",
            "It's trained again on the same rows with the same settings. Nothing makes it better.",
        ),
        Option(
            "Less, since the best is partly the luckiest.",
            "That's why the test part is scored once, after the choice.",
            correct=True,
        ),
        Option(
            "79%, as it hasn't learned from validation either.",
            "The model hasn't, but the choice has: it was made by these very reviews.",
        ),
        Option(
            "You can't say: it may be more or less alike.",
            "For a single trial, yes. But this one was picked for being high, and luck is part of that.",
        ),
    ),
    Question(
        "One of two workers dies in the middle of a trial. What happens to the trial?",
        Option(
            "The next worker trains its model on from there.",
            "Nothing of the model is stored; the trial starts over.",
        ),
        Option(
            "It's lost, and the study ends with one trial fewer.",
            "That's what would happen without heartbeats; the course's storage has them.",
        ),
        Option(
            "A living worker runs it again with the same values.",
            "The heartbeat stops, the trial is marked as failed, and a copy of it is put into the queue.",
            correct=True,
        ),
        Option(
            "The whole study has to be started again, from trial 0.",
            "Finished trials are in the database; nobody needs to run them again.",
        ),
    ),
    Question(
        "You run 60 trials of TPE with 30 workers instead of one. What does the speed cost you?",
        Option(
            "Each suggestion knows fewer results.",
            "The first 30 start with no result at all, so half of the search is as good as random.",
            correct=True,
        ),
        Option(
            "Each trial has a lower accuracy.",
            "A trial trains the same way, however many others run beside it.",
        ),
        Option(
            "The best trial is luckier than before.",
            "It's still the best of 60; luck depends on how many you choose from.",
        ),
        Option(
            "Nothing, since 60 trials are 60 trials.",
            "For a random search that's true. TPE learns from results, and needs to have them.",
        ),
    ),
    Question(
        "A median rule stops trials after the first epoch. Which good trial does it cost you most often?",
        Option(
            "One that learns fast and then falls back.",
            "It's above the median after the first epoch, so the rule lets it go on.",
        ),
        Option(
            "One that starts slowly and ends high.",
            "Early on, a small rate looks like a bad one. That's why you want some epochs of warm-up first.",
            correct=True,
        ),
        Option(
            "One of the very first that are run.",
            "Until enough trials are there to compare with, the rule stops none.",
        ),
        Option(
            "One that ties with the best at the end.",
            "What comes at the end plays no part after the first epoch.",
        ),
    ),
]
