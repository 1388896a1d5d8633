"""Stubs of lesson 13, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import math
import statistics


def log_uniform(u, low, high):
    """Return the value at share u (0 to 1) of the way from low to high on a logarithmic scale."""
    ...


def chance_of_hit(trials, share):
    """Return the probability that at least one of so many random trials is among the best share."""
    ...


def choose_trial(trials):
    """Return the number of the trial to keep, the earliest of equals."""
    ...


def should_prune(reports, others, start_up):
    """Tell (True or False) whether a trial is hopeless by the median rule."""
    ...


STUBS = {"13.1": log_uniform, "13.2": chance_of_hit, "13.3": choose_trial, "13.4": should_prune}


def best_of(score, only_complete=True):
    def choose(trials):
        return max((t for t in trials if not (only_complete and t["pruned"])), key=score)["number"]

    return choose


def latest_of_equals(trials):
    complete = [t for t in trials if not t["pruned"]]
    return max(reversed(complete), key=lambda t: t["validation"][-1])["number"]


def smallest(trials):
    return min((t for t in trials if not t["pruned"]), key=lambda t: t["validation"][-1])["number"]


def position(trials):
    scores = [0 if t["pruned"] else t["validation"][-1] for t in trials]
    return scores.index(max(scores))


def whole_trial(trials):
    return max((t for t in trials if not t["pruned"]), key=lambda t: t["validation"][-1])


def rule(middle=statistics.median, enough=True, last=False, best=True, below=lambda a, b: a < b):
    """Return the median rule with one thing done differently."""

    def decide(reports, others, start_up):
        if enough and len(others) < start_up:
            return False
        epoch = len(reports) - 1
        same = [other[-1 if last else epoch] for other in others if last or len(other) > epoch]
        return bool(same) and below(max(reports) if best else reports[-1], middle(same))

    return decide


def missing_epochs_count_as_worst(reports, others, start_up):
    epoch = len(reports) - 1
    same = [other[epoch] if len(other) > epoch else 0.0 for other in others]
    return len(others) >= start_up and max(reports) < statistics.median(same)


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "13.1": [
        (lambda u, low, high: low + u * (high - low), "linear scale"),
        (lambda u, low, high: math.log10(low) + u * math.log10(high / low), "logarithm of the rate"),
        (lambda u, low, high: math.log(low) + u * math.log(high / low), "logarithm of the rate"),
        (lambda u, low, high: math.exp(math.log10(low) + u * math.log10(high / low)), "mix two logarithms"),
        (lambda u, low, high: high * (low / high) ** u, "runs backward"),
        (lambda u, low, high: 10 ** (-5 + 2 * u), "not fixed numbers"),
    ],
    "13.2": [
        (lambda trials, share: trials * share, "add up the chances"),
        (lambda trials, share: min(1, trials * share), "add up the chances"),
        (lambda trials, share: (1 - share) ** trials, "all trials miss"),
        (lambda trials, share: share**trials, "every single trial hits"),
        (lambda trials, share: 100 * (1 - (1 - share) ** trials), "percent"),
    ],
    "13.3": [
        (best_of(lambda t: t["test"]), "best on test"),
        (best_of(lambda t: t["validation"][-1], only_complete=False), "was pruned"),
        (best_of(lambda t: max(t["validation"])), "one lucky epoch"),
        (smallest, "ends worst of all"),
        (latest_of_equals, "the earlier one"),
        (position, "position in the list"),
        (whole_trial, "whole trial"),
    ],
    "13.4": [
        (rule(below=lambda a, b: a > b), "below it"),
        (rule(last=True), "same epoch"),
        (rule(enough=False), "too few to know"),
        (rule(middle=statistics.mean), "pulls the mean down"),
        (rule(below=lambda a, b: a <= b), "equals the median"),
        (rule(best=False), "best report so far"),
        (missing_epochs_count_as_worst, "two trials have a second epoch"),
        (lambda reports, others, start_up: 1, "True or False"),
    ],
}
