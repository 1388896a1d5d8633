"""Figures 18 and 19, tables 18 and 19, and more of lesson 15: a study of reviews from its plan to its errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.style import (
    BLUE,
    CYCLE,
    GRAY,
    ORANGE,
    VERMILION,
    Picture,
    Table,
    new_figure,
    values_by_name,
)
from course_lib.studies.case_study.calibration import Bin
from course_lib.studies.case_study.plan import Plan
from course_lib.studies.statistics import Part, mean_interval
from course_lib.translation import Message, joined

MARKERS = ("o", "s", "^", "D", "v")


def table_18_plan(plan: Plan) -> Table:
    """Return table 18: what was decided before the first run."""
    rows = [
        ["question", plan.question],
        ["measure", plan.measure],
        ["judged on", plan.judged_on],
        ["choices made on", plan.chosen_on],
        ["training rows", ", ".join(str(size) for size in plan.sizes)],
        ["seeds", ", ".join(str(seed) for seed in plan.seeds)],
    ]
    rows += [
        [
            Message("claim: {name}", name=claim.name),
            Message("{difference} > {bound:g}", difference=claim.difference, bound=claim.bound),
        ]
        for claim in plan.claims
    ]
    note = Message(
        "Fingerprint of the plan: {digits}. It changes with every word.", digits=plan.fingerprint()
    )
    return Table("Table 18. The plan, before the first run", ["what", "decided"], rows, note)


def figure_18_learning_curve(curves: Mapping[str, Mapping[int, Sequence[float]]]) -> Picture:
    """Draw figure 18: accuracy against the number of training rows, for each model.

    Parameters
    ----------
    curves : accuracies, shares, of each seed, by number of rows, by name of the model.
    """
    title = "Figure 18. Learning curves: what each doubling of the data is worth"
    figure, axes = new_figure(8.6, 4.4)
    last = {}
    for number, (name, curve) in enumerate(curves.items()):
        color, marker = CYCLE[number % len(CYCLE)], MARKERS[number % len(MARKERS)]
        sizes = list(curve)
        means = [100 * float(np.mean(values)) for values in curve.values()]
        axes.plot(sizes, means, marker=marker, color=color, label=name)
        for size, values in curve.items():
            axes.plot(
                [size] * len(values), 100 * np.array(values), marker, color=color, alpha=0.35, markersize=4
            )
        last[name] = f"{means[0]:.0f} → {means[-1]:.0f}"
    axes.axhline(50, color=GRAY, linestyle="--", label="a coin")
    axes.set_xscale("log")
    sizes = list(next(iter(curves.values())))
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set(xlabel="training reviews (log scale)", ylabel="test reviews right (%)")
    axes.legend()
    alt = Message(
        "Accuracy in percent from {few:,} to {many:,} training reviews: {values}. Small marks are single seeds",
        few=sizes[0],
        many=sizes[-1],
        values=values_by_name(last, "{name} {value}", "; "),
    )
    return Picture(figure, title, alt)


def table_19_results(models: Mapping[str, Sequence[Part]], costs: Mapping[str, str]) -> Table:
    """Return table 19: accuracy of each model on the test part, and what it costs.

    Parameters
    ----------
    models : the accuracy of each seed on the same rows, by name of the model.
    costs : seconds of training, or a dash, by name of the model.
    """
    rows = []
    for name, parts in models.items():
        values = [100 * part.accuracy for part in parts]
        seeds = (
            f"{np.mean(values):.1f}"
            if len(values) == 1
            else f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"
        )
        first = parts[0]
        rows.append([name, seeds, f"{100 * first.low:.1f} – {100 * first.high:.1f}", first.rows, costs[name]])
    columns = ["model", "accuracy (%)", "95% interval of the first seed", "test reviews", "training (s)"]
    note = "± is the standard deviation over seeds; the interval is Wilson's, over reviews."
    return Table("Table 19. Baselines and model on the test part", columns, rows, note)


def figure_19_parts(lengths: Sequence[Part], kinds: Sequence[Part], average: float) -> Picture:
    """Draw figure 19: accuracy by length and by kind, each with its count and its 95% interval.

    Parameters
    ----------
    lengths, kinds : the parts; ``kinds`` may be empty, where the data name none.
    average : accuracy of all rows, a share.
    """
    title = "Figure 19. Where the model is right: by length and by kind, with 95% intervals"
    panels = {"length (words)": lengths} | ({"kind of review": kinds} if kinds else {})
    figure, axes = new_figure(9.6, 4.4, columns=len(panels))
    for panel, (label, parts) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        _draw_parts(panel, parts, average)
        panel.set_ylabel(label)
    alt = Message(
        "Accuracy in percent with counts. {values}. The dashed line is the average, {average:.0f}",
        values=joined("; ", (_in_words(part) for part in [*lengths, *kinds])),
        average=100 * average,
    )
    return Picture(figure, title, alt)


def _in_words(part: Part) -> Message:
    share = 100 * part.accuracy
    return Message("{name}: {share:.0f} of {rows}", name=Message(part.name), share=share, rows=part.rows)


def _draw_parts(axes, parts: Sequence[Part], average: float) -> None:
    for place, part in enumerate(parts):
        axes.plot([100 * part.low, 100 * part.high], [place, place], color=BLUE, linewidth=2)
        axes.plot([100 * part.accuracy], [place], "o", color=BLUE)
    axes.axvline(100 * average, color=VERMILION, linestyle="--", label="all reviews")
    names = [Message("{name} (n = {rows})", name=Message(part.name), rows=part.rows) for part in parts]
    axes.set_yticks(range(len(parts)), names)
    axes.invert_yaxis()
    axes.set(xlabel="right (%)", xlim=(0, 100))
    axes.legend(loc="lower left")


def figure_ways(results: Mapping[str, Mapping[str, Sequence[float]]]) -> Picture:
    """Draw how well each way to cut a review does, for each set of reviews; a dot is a seed.

    Parameters
    ----------
    results : accuracies, shares, of each seed, by way, by name of the set.
    """
    title = "Head, tail, or both: the same number of tokens, the same training"
    figure, panels = new_figure(9.4, 3.8, columns=len(results))
    said = {}
    for axes, (name, ways) in zip(np.atleast_1d(panels), results.items(), strict=True):
        for place, (way, values) in enumerate(ways.items()):
            mean, low, high = mean_interval(values)
            said[f"{name}, {way}"] = mean
            axes.plot([100 * low, 100 * high], [place, place], color=CYCLE[place % len(CYCLE)], linewidth=2)
            axes.plot(100 * np.array(values), [place] * len(values), "o", color=CYCLE[place % len(CYCLE)])
        axes.set_yticks(range(len(ways)), list(ways))
        axes.invert_yaxis()
        axes.set(xlabel="right (%)", title=name)
    alt = Message(
        "Mean accuracy in percent: {values}. Dots are seeds, lines are 95% intervals over seeds",
        values=values_by_name(
            {name: 100 * value for name, value in said.items()}, "{name} {value:.1f}", "; "
        ),
    )
    return Picture(figure, title, alt)


def figure_reliability(before: Sequence[Bin], after: Sequence[Bin], errors: tuple[float, float]) -> Picture:
    """Draw confidence against accuracy before and after the temperature; a dot's area is its number of reviews.

    Parameters
    ----------
    before, after : the bins that hold a row.
    errors : the expected calibration error of each, shares.
    """
    title = "Does 90% mean nine in ten?"
    figure, panels = new_figure(9, 4.2, columns=2)
    titles = (
        Message("as trained: error {error:.3f}", error=errors[0]),
        Message("with the temperature: error {error:.3f}", error=errors[1]),
    )
    for axes, label, bins, color in zip(panels, titles, (before, after), (ORANGE, BLUE), strict=True):
        axes.plot([50, 100], [50, 100], color=GRAY, linestyle="--", label="calibrated")
        sizes = [4 * part.rows for part in bins]
        axes.scatter(
            [100 * b.confidence for b in bins],
            [100 * b.accuracy for b in bins],
            s=sizes,
            color=color,
            alpha=0.8,
        )
        axes.set(xlabel="confidence (%)", ylabel="right (%)", xlim=(48, 102), ylim=(20, 105))
        axes.set_title(label)
        axes.legend(loc="lower right")
    alt = Message(
        "Two panels. Expected calibration error {before:.3f} as trained, {after:.3f} with the temperature. "
        "As trained, the surest bin is sure to {sure:.0f}% and right in {right:.0f}%",
        before=errors[0],
        after=errors[1],
        sure=100 * before[-1].confidence,
        right=100 * before[-1].accuracy,
    )
    return Picture(figure, title, alt)


def figure_error_types(types: Mapping[str, int], kinds: Mapping[str, int]) -> Picture:
    """Draw how often each type of error was given by the reader, beside the kinds that the writers named.

    Parameters
    ----------
    types : number of errors by type, of the reader.
    kinds : number of errors by kind of review.
    """
    title = "Errors by type: your reading, and the kind of review"
    figure, (left, right) = new_figure(9.6, 4.0, columns=2)
    for axes, counts, color, label in (
        (left, types, ORANGE, "your type"),
        (right, kinds, BLUE, "kind of review"),
    ):
        axes.barh(range(len(counts)), list(counts.values()), color=color)
        axes.set_yticks(range(len(counts)), list(counts))
        axes.invert_yaxis()
        axes.set(xlabel="errors", ylabel=label, xlim=(0, max(3, *counts.values()) * 1.1))
    alt = Message(
        "{number} errors have a type from you. By kind of review: {kinds}",
        number=sum(types.values()),
        kinds=values_by_name(kinds, "{name} {value}"),
    )
    return Picture(figure, title, alt)
