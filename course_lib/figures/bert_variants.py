"""Figures of lesson 19: changes at an equal budget, sparse attention, why T², and smaller models against their teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.style import (
    BLUE,
    CYCLE,
    GRAY,
    LINES,
    ORANGE,
    VERMILION,
    Picture,
    new_figure,
    values_by_name,
)
from course_lib.studies.compression.measurement import Measurement
from course_lib.translation import Message, joined

MARKERS = "osD^vPX*<>hp"


def figure_equal_budget(
    arms: Mapping[str, Sequence[float]], chance: float, baseline: str = "BERT"
) -> Picture:
    """Draw the score of each change at an equal budget; a small dot is a seed, a large one their mean.

    Parameters
    ----------
    arms : for each change, the share of probes that are right, from 0 to 1, one a seed.
    chance : what guessing gives.
    baseline : the arm that a line is drawn for.
    """
    title = "One change at a time, at an equal budget"
    figure, axes = new_figure(8.5, 1.0 + 0.38 * len(arms))
    means = {name: 100 * float(np.mean(scores)) for name, scores in arms.items()}
    for place, (name, scores) in enumerate(arms.items()):
        color = VERMILION if name == baseline else BLUE
        axes.plot([100 * score for score in scores], [place] * len(scores), ".", color=color, markersize=5)
        axes.plot(means[name], place, "o", color=color, markersize=8)
    axes.axvline(means[baseline], color=VERMILION, linestyle="--", linewidth=1)
    axes.axvline(100 * chance, color=GRAY, linestyle=":", linewidth=1)
    axes.set_yticks(range(len(arms)), list(arms))
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.set(xlabel="probes that are right (%); dotted: chance", ylabel="what is changed")
    axes.set_title(title)
    alt = Message(
        "Mean share of right probes, in percent, where chance is {chance:.0f}: {values}",
        chance=100 * chance,
        values=values_by_name(means, "{name} {value:.1f}"),
    )
    return Picture(figure, title, alt)


def figure_attention_masks(masks: Mapping[str, np.ndarray]) -> Picture:
    """Draw which pairs of positions attention looks at, one panel a mask.

    Parameters
    ----------
    masks : by name, (T, T) booleans: may the row look at the column?
    """
    title = "Who may look at whom"
    figure, panels = new_figure(2.9 * len(masks), 3.4, 1, len(masks), squeeze=False, sharey=True)
    figure.suptitle(title, fontweight="bold", x=0.01, ha="left")
    shares = {}
    for axes, (name, mask) in zip(panels[0], masks.items()):
        mask = np.asarray(mask)
        shares[name] = 100 * float(mask.mean())
        axes.imshow(mask, cmap="Blues", vmin=0, vmax=1.3, interpolation="nearest")
        axes.grid(False)
        axes.set_title(name, fontsize=11)
        axes.set(xlabel="position looked at")
    panels[0][0].set_ylabel("position that looks")
    alt = Message(
        "Square maps of positions; pairs that are computed, in percent: {values}",
        values=values_by_name(shares, "{name} {value:.0f}"),
    )
    return Picture(figure, title, alt)


def figure_temperature_gradients(
    temperatures: Sequence[float], plain: Sequence[float], squared: Sequence[float]
) -> Picture:
    """Draw how strongly soft targets pull, by temperature, with T² and without, on two logarithmic axes."""
    title = "Why T²: the pull of the soft targets"
    figure, axes = new_figure(7.5, 3.8)
    curves = {"without T²": (plain, VERMILION, "X"), "with T²": (squared, BLUE, "o")}
    for number, (name, (sizes, color, marker)) in enumerate(curves.items()):
        axes.plot(temperatures, sizes, color=color, marker=marker, linestyle=LINES[number], label=name)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(temperatures, [f"{temperature:g}" for temperature in temperatures])
    axes.set(xlabel="temperature T", ylabel="length of the gradient")
    axes.set_title(title)
    axes.legend()
    alt = Message(
        "Gradient against temperature. From T = {low:g} to T = {high:g} it falls to {plain:.4f} of its size without T², and "
        "to {squared:.2f} with it",
        low=temperatures[0],
        high=temperatures[-1],
        plain=plain[-1] / plain[0],
        squared=squared[-1] / squared[0],
    )
    return Picture(figure, title, alt)


def figure_students(students: Mapping[str, Sequence[float]], teacher: float) -> Picture:
    """Draw the accuracy of students by what they learned from; small dots are seeds, bars their means.

    Parameters
    ----------
    students : by name, test accuracies from 0 to 1, one a seed.
    teacher : accuracy of the teacher.
    """
    title = "Students of one teacher"
    figure, axes = new_figure(8.5, 1.0 + 0.42 * len(students))
    means = {name: 100 * float(np.mean(scores)) for name, scores in students.items()}
    for place, (name, scores) in enumerate(students.items()):
        axes.plot([100 * score for score in scores], [place] * len(scores), ".", color=ORANGE, markersize=6)
        axes.plot(means[name], place, "|", color=BLUE, markersize=16, markeredgewidth=3)
    axes.axvline(100 * teacher, color=VERMILION, linestyle="--", label="teacher")
    axes.set_yticks(range(len(students)), list(students))
    axes.set_ylim(len(students) - 0.5, -0.5)
    axes.set(xlabel="test accuracy (%)", ylabel="student")
    axes.set_title(title)
    axes.legend(loc="best")
    alt = Message(
        "Mean test accuracy in percent: {values}; the teacher has {teacher:.1f}",
        values=values_by_name(means, "{name} {value:.1f}"),
        teacher=100 * teacher,
    )
    return Picture(figure, title, alt)


def figure_trade_off(
    measurements: Sequence[Measurement], shown: Sequence[str], batch_size: int = 32
) -> Picture:
    """Draw accuracy against time for a text; the area of a mark is the file. The axes are those of all measurements.

    Parameters
    ----------
    measurements : all models, the teacher first.
    shown : names of those that are drawn: a few at first, and all in the end.
    batch_size : for which the time is drawn.
    """
    title = Message("Smaller and faster: {count} of {all} models", count=len(shown), all=len(measurements))
    figure, axes = new_figure(9, 4.6)
    teacher = measurements[0]
    described = []
    for number, model in enumerate(measurements):
        if model.name not in shown:
            continue
        low, high = (100 * bound for bound in model.interval)
        time, megabytes = model.milliseconds[batch_size], model.file_bytes / 1e6
        color = CYCLE[number % len(CYCLE)]
        label = Message("{name}, {megabytes:.1f} MB", name=Message(model.name), megabytes=megabytes)
        axes.errorbar(time, 100 * model.accuracy, [[100 * model.accuracy - low], [high - 100 * model.accuracy]],
                      color=color, linewidth=1)  # fmt: skip
        axes.plot(
            time,
            100 * model.accuracy,
            MARKERS[number % len(MARKERS)],
            color=color,
            markersize=4 + 14 * (model.file_bytes / teacher.file_bytes) ** 0.5,
            alpha=0.7,
            label=label,
        )
        described.append(
            Message(
                "{name}: {accuracy:.1f}%, {time:.1f} ms a text, {megabytes:.1f} MB",
                name=Message(model.name),
                accuracy=100 * model.accuracy,
                time=time,
                megabytes=megabytes,
            )
        )
    bounds = np.array([model.interval for model in measurements]) * 100
    axes.set_xlim(0, 1.08 * max(model.milliseconds[batch_size] for model in measurements))
    axes.set_ylim(bounds.min() - 1, bounds.max() + 1)
    axes.set_xlabel(Message("milliseconds a text, {size} at once", size=batch_size))
    axes.set_ylabel("test accuracy (%), 95% interval")
    axes.set_title(title)
    handles, labels = axes.get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="outside right upper", title="area: file")
    for handle in legend.legend_handles:
        handle.set_markersize(8)
    alt = Message("Accuracy against time. {found}.", found=joined("; ", described))
    return Picture(figure, title, alt)
