"""Figure 16, table 16 and the plots of a hyperparameter search (lesson 13).

Trials are rows of :func:`course_lib.studies.search.study.trial_rows`, live or recorded: ``params``, ``value``
(validation accuracy in percent, ``None`` if pruned) and ``reports`` (the accuracy after each epoch).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import optuna

from course_lib.figures.style import (
    BLACK,
    BLUE,
    GRAY,
    GREEN,
    LIGHT,
    ORANGE,
    PARAMETERS,
    PURPLE,
    VERMILION,
    Picture,
    Table,
    new_figure,
    values_by_name,
)
from course_lib.studies.published import FINE_TUNING_GRID, RANDOM_SEARCH
from course_lib.studies.records import mean_and_deviation
from course_lib.studies.search.study import SearchSpace, best_so_far, study_of
from course_lib.translation import Message, joined

Trials = Sequence[Mapping]
NAMES = {"grid": "grid", "random": "random", "tpe": "TPE", "tpe, pruned": "TPE, pruned"}
LOOKS = {
    "grid": (ORANGE, "s", "--"),
    "random": (BLUE, "o", "-"),
    "tpe": (GREEN, "^", "-."),
    "tpe, pruned": (PURPLE, "D", ":"),
}
PARAMETER_NAMES = {"learning_rate": "learning rate", "batch_size": "batch size", "epochs": "epochs"}
BATCH_MARKERS = ("s", "o", "^", "D")  # a batch size each


def complete(trials: Trials) -> list[Mapping]:
    """Return the trials that were not pruned."""
    return [trial for trial in trials if trial["value"] is not None]


def different(trials: Trials, parameter: str = "learning_rate") -> int:
    """Return how many different values of a parameter the trials have tried."""
    return len({trial["params"][parameter] for trial in trials})


def epochs_run(trials: Trials) -> int:
    """Return how many epochs the trials took together, those of pruned trials counted."""
    return sum(len(trial["reports"]) for trial in trials)


def importances(trials: Trials, space: SearchSpace, seed: int = 0) -> dict[str, float]:
    """Return what share of the variance of the accuracy each parameter explains, by Optuna's fANOVA.

    Hutter, Hoos and Leyton-Brown 2014. Pruned trials are left out.

    Parameters
    ----------
    trials : at least two complete trials.
    space : where they were drawn from.
    seed : of the random forest.

    Returns
    -------
    dict
        Shares that add up to 1, the largest first.
    """
    study = study_of(complete(trials), space, "random")
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
    return optuna.importance.get_param_importances(study, evaluator=evaluator)


def figure_16_searches(methods: Mapping[str, Trials], space: SearchSpace) -> Picture:
    """Draw figure 16: where each method looks, and the best accuracy that it has found so far.

    Parameters
    ----------
    methods : trials by method, at an equal budget.
    space : what could be chosen.
    """
    import matplotlib

    title = "Figure 16. Grid, random and TPE search at an equal budget of trials"
    figure, axes = new_figure(10, 5.2, rows=2, columns=len(methods), squeeze=False)
    values = [trial["value"] for trials in methods.values() for trial in complete(trials)]
    scale = {"vmin": min(values), "vmax": max(values), "cmap": "cividis"}
    for axis, (method, trials) in zip(axes[0], methods.items(), strict=True):
        dots = _draw_coverage(axis, trials, space, scale)
        axis.set_title(
            Message("{method}: {count} rates", method=_name(method), count=different(trials)), fontsize=11
        )
    axes[0, 0].set_ylabel("epochs")
    for axis in axes[0, 1:]:
        axis.set_yticklabels([])
    figure.colorbar(dots, ax=axes[0].tolist(), label="validation accuracy (%)", pad=0.01)
    for axis in axes[1]:
        axis.remove()
    with matplotlib.rc_context(PARAMETERS):
        below = figure.add_subplot(axes[0, 0].get_gridspec()[1, :])
    for number, (method, trials) in enumerate(methods.items()):
        color, marker, line = LOOKS[method]
        best = best_so_far(study_of(trials, space, method))
        numbers = range(1, len(best) + 1)
        look = {"color": color, "marker": marker, "linestyle": line, "drawstyle": "steps-post"}
        # Thinner and thinner: where lines are the same, all of them can be seen.
        below.plot(numbers, best, label=_name(method), linewidth=5.5 - 1.5 * number, **look)
    below.xaxis.get_major_locator().set_params(integer=True)
    below.set(
        xlabel="trials finished", ylabel="best validation accuracy\nso far (%)", title="The best so far"
    )
    below.legend(loc="lower right", ncols=2)
    figure.legend(handles=_keys(space), loc="outside lower center", ncols=4, fontsize=9)
    parts = [
        Message(
            "{method} tries {rates} learning rates in {trials} trials and finds {best:.1f}%",
            method=_name(method),
            rates=different(trials),
            trials=len(trials),
            best=_best(trials)["value"],
        )
        for method, trials in methods.items()
    ]
    return Picture(figure, title, joined("; ", parts))


def _keys(space: SearchSpace) -> list:
    """Return what the marks of the upper row stand for, as handles of a legend."""
    from matplotlib.lines import Line2D

    look = {"linestyle": "none", "color": GRAY, "markeredgecolor": BLACK}
    keys = [
        Line2D([], [], marker=marker, label=Message("batch size {size}", size=size), **look)
        for size, marker in zip(sorted(space.batch_sizes), BATCH_MARKERS, strict=False)
    ]
    keys.append(Line2D([], [], marker="x", linestyle="none", color=VERMILION, label=Message("pruned")))
    rate = Line2D(
        [], [], marker="|", markersize=11, linestyle="none", color=BLACK, label=Message("a rate tried")
    )
    return [*keys, rate]


def _draw_coverage(axis, trials: Trials, space: SearchSpace, scale: dict):
    """Draw each trial at its rate and epochs, colored by its accuracy, and a tick for each rate tried."""
    low, high = min(space.epochs), max(space.epochs)
    floor = low - 0.62
    rates = sorted({trial["params"]["learning_rate"] for trial in trials})
    axis.plot(rates, [floor] * len(rates), "|", color=BLACK, markersize=13, markeredgewidth=1.4)
    # Batch sizes stand beside the whole number of epochs, so that no trial hides another.
    offsets = np.linspace(-0.13, 0.13, len(space.batch_sizes))
    for size, marker, offset in zip(sorted(space.batch_sizes), BATCH_MARKERS, offsets, strict=False):
        found = [trial for trial in complete(trials) if trial["params"]["batch_size"] == size]
        dots = axis.scatter(
            [trial["params"]["learning_rate"] for trial in found],
            [trial["params"]["epochs"] + offset for trial in found],
            c=[trial["value"] for trial in found],
            marker=marker,
            s=52,
            edgecolor=BLACK,
            linewidth=0.6,
            **scale,
        )
        pruned = [t["params"] for t in trials if t["value"] is None and t["params"]["batch_size"] == size]
        axis.scatter(
            [params["learning_rate"] for params in pruned],
            [params["epochs"] + offset for params in pruned],
            marker="x",
            color=VERMILION,
            s=46,
        )
    axis.set_xscale("log")
    axis.set(
        xlim=(space.lowest_rate / 1.4, space.highest_rate * 1.4),
        ylim=(floor - 0.2, high + 0.5),
        xlabel="learning rate",
    )
    axis.set_yticks(range(low, high + 1))
    return dots


def figure_two_densities(
    trials: Trials, space: SearchSpace, share: float = 0.25, width: float = 0.25
) -> Picture:
    """Draw what TPE looks at: the density of the good rates, that of the others, and their ratio.

    Bergstra et al. 2011, section 4. A sketch for one parameter; Optuna takes all of them together.

    Parameters
    ----------
    trials : complete ones are used.
    space : its rates are the horizontal axis.
    share : of the trials that count as good.
    width : standard deviation of the kernel, in decades.
    """
    title = "What TPE looks at: the rates of good trials and of the others"
    places = np.linspace(np.log10(space.lowest_rate), np.log10(space.highest_rate), 201)
    good, others = split_by_value(trials, share)
    one, two = density(good, places, width), density(others, places, width)
    figure, (left, right) = new_figure(10, 3.6, columns=2)
    left.plot(10**places, one, color=BLUE, label="good trials")
    left.plot(10**places, two, color=ORANGE, linestyle="--", label="the others")
    height = 0.04 * max(one.max(), two.max())
    left.plot(good, [-height] * len(good), "|", color=BLUE, markersize=11, markeredgewidth=1.6)
    left.plot(others, [-3 * height] * len(others), "|", color=ORANGE, markersize=11, markeredgewidth=1.6)
    left.set(xlabel="learning rate", ylabel="density (per decade)", xscale="log", title="Two densities")
    left.legend()
    ratio = one / two
    best = 10 ** places[ratio.argmax()]
    right.plot(10**places, ratio, color=GREEN)
    right.axvline(best, color=BLACK, linestyle=":", label="most promising")
    right.set(xlabel="learning rate", ylabel="good / others", xscale="log", yscale="log", title="Their ratio")
    right.legend()
    alt = Message(
        "{good} good trials and {others} others. The ratio of the densities is largest near a rate of "
        "{best:.0e}",
        good=len(good),
        others=len(others),
        best=best,
    )
    return Picture(figure, title, alt)


def split_by_value(trials: Trials, share: float = 0.25) -> tuple[list[float], list[float]]:
    """Return the rates of the best share of the complete trials, at least one, and those of the others."""
    ranked = sorted(complete(trials), key=lambda trial: -trial["value"])
    count = max(1, round(share * len(ranked)))
    rates = [trial["params"]["learning_rate"] for trial in ranked]
    return rates[:count], rates[count:]


def density(rates: Sequence[float], places: np.ndarray, width: float) -> np.ndarray:
    """Return a density over decades: the mean of a bell curve around each rate (a Parzen estimator).

    Parameters
    ----------
    rates : where the bells stand.
    places : logarithms to base 10 at which to give the density.
    width : standard deviation of a bell, in decades.
    """
    distances = (places[:, None] - np.log10(np.asarray(rates))[None, :]) / width  # (places, rates)
    return np.exp(-0.5 * distances**2).mean(axis=1) / (width * np.sqrt(2 * np.pi))


def figure_noise(noise: Sequence[float], methods: Mapping[str, Trials]) -> Picture:
    """Draw one configuration over several seeds beside the best of each method, on one axis.

    Parameters
    ----------
    noise : validation accuracies (%) of the same configuration, one a seed.
    methods : trials by method.
    """
    title = "Noise: the seed alone, and the differences that were found"
    figure, axis = new_figure(8.5, 3.4)
    mean, deviation = mean_and_deviation(noise)
    axis.axvspan(mean - 2 * deviation, mean + 2 * deviation, color=LIGHT, label="mean ± 2 s.d. of the seeds")
    axis.axvline(mean, color=GRAY, linewidth=1)
    rows = [Message("one configuration,\n{n} seeds", n=len(noise)), *map(_name, methods)]
    # Equal accuracies would hide one another: each seed stands a little lower than the one before.
    places = np.linspace(-0.22, 0.22, len(noise))
    axis.plot(noise, places, "o", color=BLACK, markersize=6)
    bests = [_best(trials)["value"] for trials in methods.values()]
    for row, (method, best) in enumerate(zip(methods, bests, strict=True), start=1):
        color, marker, _ = LOOKS[method]
        axis.plot([best], [row], marker=marker, color=color, markersize=9)
    axis.set_yticks(range(len(rows)), rows)
    axis.invert_yaxis()
    axis.set(xlabel="validation accuracy (%)", title=title)
    axis.legend(loc="lower left", fontsize=9)
    spread = max(bests) - min(bests)
    alt = Message(
        "The seed alone moves the accuracy between {low:.1f} and {high:.1f}%, a standard deviation of "
        "{deviation:.1f} points. The best of each method differ by {spread:.1f} points, {verdict} than two "
        "standard deviations",
        low=min(noise),
        high=max(noise),
        deviation=deviation,
        spread=spread,
        verdict=Message("more" if spread > 2 * deviation else "not more"),
    )
    return Picture(figure, title, alt)


def figure_importance(shares: Mapping[str, float]) -> Picture:
    """Draw what share of the variance each parameter explains, the largest on top.

    Parameters
    ----------
    shares : of :func:`importances`.
    """
    title = "Which parameter matters? Importance by fANOVA"
    shares = dict(sorted(shares.items(), key=lambda item: -item[1]))
    figure, axis = new_figure(7.2, 2)
    named = {PARAMETER_NAMES.get(name, name): share for name, share in shares.items()}
    bars = axis.barh(list(named), list(named.values()), color=BLUE)
    axis.bar_label(bars, fmt="%.2f", padding=4)
    axis.invert_yaxis()
    axis.set(xlabel="share of the variance explained", xlim=(0, 1.05), title=title)
    return Picture(figure, title, Message("Share of the variance: {shares}", shares=values_by_name(named)))


def figure_slices(methods: Mapping[str, Trials]) -> Picture:
    """Draw the accuracy of every complete trial against each parameter in turn.

    Parameters
    ----------
    methods : trials by method.
    """
    title = "Slices: accuracy against one parameter at a time"
    figure, axes = new_figure(9.2, 2.9, columns=len(PARAMETER_NAMES), sharey=True)
    for axis, (parameter, label) in zip(axes, PARAMETER_NAMES.items(), strict=True):
        every = {t["params"][parameter] for trials in methods.values() for t in trials}
        scale = sorted(every)
        for number, (method, trials) in enumerate(methods.items()):
            color, marker, _ = LOOKS[method]
            found = complete(trials)
            x = [trial["params"][parameter] for trial in found]
            if parameter != "learning_rate":  # few values: side by side, so that no method hides another
                x = [scale.index(value) + 0.14 * (number - (len(methods) - 1) / 2) for value in x]
            axis.plot(x, [t["value"] for t in found], marker, color=color, alpha=0.8, label=_name(method))
        if parameter == "learning_rate":
            axis.set_xscale("log")
        else:
            axis.set_xticks(range(len(scale)), scale)
        axis.set(xlabel=label)
    axes[0].set(ylabel="validation accuracy (%)")
    axes[-1].legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    found = [trial for trials in methods.values() for trial in complete(trials)]
    best, worst = (choose(found, key=lambda trial: trial["value"]) for choose in (max, min))
    alt = Message(
        "{n} complete trials. The best has a learning rate of {best:.0e}, the worst one of {worst:.0e}",
        n=len(found),
        best=best["params"]["learning_rate"],
        worst=worst["params"]["learning_rate"],
    )
    return Picture(figure, title, alt)


def table_16_methods(methods: Mapping[str, Trials]) -> Table:
    """Return table 16: the methods compared at an equal budget of trials, beside what is published.

    Parameters
    ----------
    methods : trials by method.
    """
    published = {
        "grid": "spends its trials on parameters that matter little¹",
        "random": "as good as a grid or better, in a small fraction of its time¹",
        "tpe": "better than random search on deep belief networks²",
        "tpe, pruned": "stops what does worse than the median³",
    }
    rows = [
        [
            _name(method),
            len(trials),
            different(trials),
            epochs_run(trials),
            len(trials) - len(complete(trials)),
            f"{_best(trials)['value']:.1f}",
            1 + list(trials).index(_best(trials)),
            published[method],
        ]
        for method, trials in methods.items()
    ]
    return Table(
        "Table 16. Search methods compared",
        [
            "method",
            "trials",
            "learning rates tried",
            "epochs run",
            "pruned",
            "best validation accuracy (%)",
            "found in trial",
            "published finding",
        ],
        rows,
        "1: Bergstra and Bengio 2012. 2: Bergstra et al. 2011. 3: Golovin et al. 2017, the median stopping "
        "rule.",
    )


def table_paper_and_here(methods: Mapping[str, Trials], noise: Sequence[float], space: SearchSpace) -> Table:
    """Return the paper's own search, and that of Bergstra and Bengio, beside the course's.

    Parameters
    ----------
    methods : trials by method, ``grid`` and ``random`` among them.
    noise : accuracies of one configuration over seeds.
    space : what could be chosen.
    """
    paper, found = FINE_TUNING_GRID, RANDOM_SEARCH
    listed = lambda values: ", ".join(f"{value:g}" for value in values)  # noqa: E731
    published = Message(
        "{parameters} parameters: equal on {equal} of {sets} data sets, better on {better}",
        parameters=found["parameters"],
        equal=found["statistically equal"],
        sets=found["data sets"],
        better=found["better"],
    )
    here = Message(
        "{parameters} parameters: {random:.1f}% beside {grid:.1f}%, noise {noise:.1f}",
        parameters=len(PARAMETER_NAMES),
        random=_best(methods["random"])["value"],
        grid=_best(methods["grid"])["value"],
        noise=mean_and_deviation(noise)[1],
    )
    combinations = math.prod(len(values) for values in paper.values())
    rows = [
        ["learning rate", listed(paper["learning rate"]), f"{space.lowest_rate:g} – {space.highest_rate:g}"],
        ["batch size", listed(paper["batch size"]), listed(space.batch_sizes)],
        ["epochs", listed(paper["epochs"]), listed(space.epochs)],
        [
            "training runs",
            Message("{count}, every combination", count=combinations),
            Message("{count} for each method", count=len(methods["grid"])),
        ],
        ["chosen by", "development set", "validation reviews"],
        ["random beside grid search¹", published, here],
    ]
    return Table(
        "Paper versus here: searching",
        ["what", "paper", "here"],
        rows,
        "Devlin et al. 2018, appendix A.3. 1: Bergstra and Bengio 2012, deep belief networks, beside manual "
        "and grid search combined.",
    )


def _best(trials: Trials) -> Mapping:
    """Return the complete trial with the largest value, the earliest of equals."""
    return max(complete(trials), key=lambda trial: trial["value"])


def _name(method: str) -> Message:
    return Message(NAMES[method])
