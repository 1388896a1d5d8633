"""Stubs of lesson 13, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import copy
import math
import random
import statistics
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import torch


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


# 13.1, right


def by_log10(u, low, high):
    return 10 ** (math.log10(low) + u * (math.log10(high) - math.log10(low)))


def by_weights(u, low, high):
    return np.float32(np.exp((1 - u) * np.log(low) + u * np.log(high)))


def by_torch(u, low, high):
    low, high = torch.tensor(low), torch.tensor(high)
    return torch.lerp(low.log2(), high.log2(), u).exp2()


def by_decimal(u, low, high):
    return Decimal(low) * (Decimal(high) / Decimal(low)) ** Decimal(u)


def by_powers(u, low, high):
    return low ** (1 - u) * high**u


# 13.1, wrong


def another_draw(u, low, high):
    return low * (high / low) ** random.Random().random()


# 13.2, right


def all_miss(trials, share):
    miss = 1.0
    for _ in range(trials):
        miss *= 1 - share
    return 1 - miss


def by_numpy(trials, share):
    return np.float32(1) - np.prod(np.full(trials, 1 - share))


def by_torch_power(trials, share):
    return 1 - torch.pow(torch.tensor(1 - share), trials)


def by_fractions(trials, share):
    return 1 - (1 - Fraction(share)) ** trials


def by_counting(trials, share):
    return sum(
        math.comb(trials, hits) * share**hits * (1 - share) ** (trials - hits)
        for hits in range(1, trials + 1)
    )


# 13.2, wrong


def simulated(trials, share):
    generator = np.random.default_rng(1)
    return (generator.random((4000, trials)) < share).any(axis=1).mean()


# 13.3, right


def by_loop(trials):
    best = None
    for trial in trials:
        if not trial["pruned"] and (best is None or trial["validation"][-1] > best["validation"][-1]):
            best = trial
    return best["number"]


def by_sorting(trials):
    complete = filter(lambda trial: not trial["pruned"], trials)
    return sorted(complete, key=lambda trial: (-trial["validation"][-1], trial["number"]))[0]["number"]


def by_argmax(trials):
    scores = np.array([-np.inf if trial["pruned"] else trial["validation"][-1] for trial in trials])
    return np.array([trial["number"] for trial in trials])[scores.argmax()]


def by_deleting_from_a_copy(trials):
    trials = copy.deepcopy(trials)
    for trial in list(trials):
        if trial.pop("pruned"):
            trials.remove(trial)
    trials.sort(key=lambda trial: trial["validation"].pop(), reverse=True)
    return torch.tensor(trials[0]["number"])


# 13.3, wrong


def best_of(score, only_complete=True):
    def choose(trials):
        return max((t for t in trials if not (only_complete and t["pruned"])), key=score)["number"]

    return choose


def latest_of_equals(trials):
    complete = [t for t in trials if not t["pruned"]]
    return max(reversed(complete), key=lambda t: t["validation"][-1])["number"]


def position(trials):
    scores = [0 if t["pruned"] else t["validation"][-1] for t in trials]
    return scores.index(max(scores))


def whole_trial(trials):
    return max((t for t in trials if not t["pruned"]), key=lambda t: t["validation"][-1])


def all_of_equals(trials):
    complete = [t for t in trials if not t["pruned"]]
    best = max(t["validation"][-1] for t in complete)
    return [t["number"] for t in complete if t["validation"][-1] == best]


def sorts_in_place(trials):
    trials.sort(key=lambda t: (t["pruned"], -t["validation"][-1]))
    return trials[0]["number"]


def most_epochs_first(trials):
    return best_of(lambda t: (len(t["validation"]), t["validation"][-1]))(trials)


# 13.4, right


def by_numpy_median(reports, others, start_up):
    epoch = len(reports)
    same = np.array([other[epoch - 1] for other in others if len(other) >= epoch])
    if len(others) < start_up or same.size == 0:
        return False
    return np.max(reports) < np.median(same)


def by_hand(reports, others, start_up):
    same = sorted(other[len(reports) - 1] for other in others if len(other) >= len(reports))
    if not same or len(others) < start_up:
        return False
    middle = (same[len(same) // 2] + same[(len(same) - 1) // 2]) / 2
    return not any(report >= middle for report in reports)


def by_quantile(reports, others, start_up):
    same = [torch.tensor(other[len(reports) - 1]) for other in others if len(other) >= len(reports)]
    if len(others) < start_up or len(same) == 0:
        return torch.tensor(False)
    return torch.tensor(reports).max() < torch.stack(same).quantile(0.5)


def by_nan(reports, others, start_up):
    longest = max(map(len, [reports, *others]))
    table = pd.DataFrame([other + [float("nan")] * (longest - len(other)) for other in others])
    return bool(len(others) >= start_up and max(reports) < table[len(reports) - 1].median())


# 13.4, wrong


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


def best_of_the_others(reports, others, start_up):
    same = [max(other[: len(reports)]) for other in others if len(other) >= len(reports)]
    return len(others) >= start_up and bool(same) and max(reports) < statistics.median(same)


def one_more_than_start_up(reports, others, start_up):
    return len(others) > start_up and rule()(reports, others, start_up)


def start_up_at_this_epoch(reports, others, start_up):
    same = [other for other in others if len(other) >= len(reports)]
    return len(same) >= start_up and rule()(reports, same, start_up)


def sorts_reports(reports, others, start_up):
    reports.sort()
    return rule(best=False)(reports, others, start_up)


RIGHT = {
    "13.1": [by_log10, by_weights, by_torch, by_decimal, by_powers],
    "13.2": [all_miss, by_numpy, by_torch_power, by_fractions, by_counting],
    "13.3": [by_loop, by_sorting, by_argmax, by_deleting_from_a_copy],
    "13.4": [by_numpy_median, by_hand, by_quantile, by_nan],
}

WRONG = {
    "13.1": [
        (lambda u, low, high: low + u * (high - low), "linear scale"),
        (
            lambda u, low, high: math.log10(low) + u * math.log10(high / low),
            "That's the logarithm of the rate",
        ),
        (lambda u, low, high: math.log(low) + u * math.log(high / low), "the natural logarithm of the rate"),
        (
            lambda u, low, high: math.exp(math.log10(low) + u * math.log10(high / low)),
            "exp undoes the natural one",
        ),
        (
            lambda u, low, high: 10 ** (math.log(low) + u * math.log(high / low)),
            "math.log is the natural one",
        ),
        (lambda u, low, high: high * (low / high) ** u, "runs backward"),
        (lambda u, low, high: low * (high / low) * u, "in the exponent"),
        (lambda u, low, high: (high / low) ** u, "Start at low"),
        (lambda u, low, high: 10 ** (-5 + 2 * u), "not fixed numbers"),
        (lambda u, low, high: float(f"{low * (high / low) ** u:.2g}"), "Do you round it"),
        (another_draw, "u is the draw already"),
        (lambda u, low, high: f"{low * (high / low) ** u}", "one number; you return"),
        (lambda u, low, high: (low * high) ** 0.5, "have to be equal factors"),
    ],
    "13.2": [
        (lambda trials, share: trials * share, "20 trials would be sure"),
        (lambda trials, share: min(1, trials * share), "cut the sum at 1"),
        (lambda trials, share: (1 - share) ** trials, "all trials miss"),
        (lambda trials, share: share**trials, "every single trial hits"),
        (lambda trials, share: 1 - share**trials, "not all trials hit"),
        (lambda trials, share: trials * share * (1 - share) ** max(0, trials - 1), "exactly one hit"),
        (lambda trials, share: 100 * (1 - (1 - share) ** trials), "percent"),
        (lambda trials, share: share, "a single trial"),
        (lambda trials, share: 1 - 0.95**trials, "best 5% only"),
        (lambda trials, share: round(1 - (1 - share) ** trials, 2), "round or simulate"),
        (simulated, "round or simulate"),
        (lambda trials, share: (1 - share) ** trials > 0.5, "one number; you return"),
        (lambda trials, share: 1 - (1 - share) * trials, "Think of the trials that miss"),
    ],
    "13.3": [
        (best_of(lambda t: t["test"]), "no test set left. Choose by validation."),
        (best_of(lambda t: t["test"], only_complete=False), "among complete trials"),
        (best_of(lambda t: t["validation"][-1], only_complete=False), "never reached its last epoch"),
        (best_of(lambda t: max(t["validation"])), "A lucky epoch"),
        (best_of(lambda t: max(t["validation"]), only_complete=False), "pruned or not"),
        (best_of(lambda t: -t["validation"][-1]), "You keep the worst"),
        (latest_of_equals, "yours is the latest"),
        (best_of(lambda t: (t["validation"][-1], t["test"])), "let the test score break a tie"),
        (best_of(lambda t: np.mean(t["validation"])), "average over the epochs"),
        (best_of(lambda t: t["validation"][0]), "the first epoch"),
        (best_of(lambda t: t["validation"][1]), "the second epoch"),
        (position, "position in the list"),
        (whole_trial, "whole trial"),
        (all_of_equals, "several things"),
        (sorts_in_place, "changes the list of trials"),
        (lambda trials: str(best_of(lambda t: t["validation"][-1])(trials)), "an int"),
        (most_epochs_first, "Leave out the pruned ones"),
    ],
    "13.4": [
        (rule(below=lambda a, b: a > b), "and 60.0 is below it"),
        (rule(last=True), "same epoch"),
        (rule(enough=False), "too few to know"),
        (rule(middle=statistics.mean), "pulls the mean down"),
        (rule(below=lambda a, b: a <= b), "equals the median"),
        (rule(best=False), "best report so far"),
        (rule(middle=statistics.median_high), "the mean of the middle two"),
        (best_of_the_others, "whatever they had before"),
        (missing_epochs_count_as_worst, "two trials have a second epoch"),
        (one_more_than_start_up, "and 60.0 is below it"),
        (start_up_at_this_epoch, "two trials have a second epoch"),
        (sorts_reports, "changes the reports"),
        (lambda reports, others, start_up: 1, "True or False"),
    ],
}
