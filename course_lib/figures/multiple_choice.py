"""Figures of lesson 12: the shapes of a batch of choices, filtering by rounds, and what each reader gets right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.style import BLUE, CYCLE, ORANGE, VERMILION, Picture, new_figure, values_by_name
from course_lib.translation import Message

CHANCE = 25.0  # percent, of four endings


def figure_shapes(questions: int, choices: int, length: int) -> Picture:
    """Draw how a batch of questions becomes rows for the encoder, and its scores become questions again.

    Parameters
    ----------
    questions, choices, length : B, C and T of the batch.
    """
    title = "From (B, C, T) to rows and back"
    figure, panels = new_figure(9.6, 4.2, columns=3)
    rows = questions * choices
    for axes in panels:
        axes.set(xlim=(-0.4, 8.6), ylim=(rows + 0.8, -1.4))
        axes.axis("off")

    def block(axes, left: float, row: int, width: float, text: str = "") -> None:
        color = CYCLE[(row // choices) % len(CYCLE)]
        axes.add_patch(_rectangle(left, row, width, color))
        if text:
            axes.text(left + width / 2, row + 0.4, text, ha="center", va="center", fontsize=9)

    batch, flat, scores = panels
    for row in range(rows):
        block(batch, 0.5 * (row // choices), row, 7.0, Message("ending {n}", n=row % choices))
        block(flat, 0.5, row, 7.0)
        block(scores, 1.4 + 1.4 * (row % choices), choices * (row // choices) + choices // 2, 1.3)
    batch.set_title(Message("batch: ({b}, {c}, {t})", b=questions, c=choices, t=length), fontsize=12)
    flat.set_title(Message("encoder: ({n}, {t})", n=rows, t=length), fontsize=12)
    scores.set_title(Message("scores: ({b}, {c})", b=questions, c=choices), fontsize=12)
    flat.text(4, rows + 0.5, "each row is read by itself", ha="center", fontsize=10)
    scores.text(4, rows + 0.5, "softmax along each line", ha="center", fontsize=10)
    alt = Message(
        "Three panels. {b} questions with {c} endings of {t} tokens each become {n} rows for the encoder, one color "
        "a question; the {n} scores are put back as {b} lines of {c}",
        b=questions,
        c=choices,
        t=length,
        n=rows,
    )
    return Picture(figure, title, alt)


def _rectangle(left: float, top: float, width: float, color: str):
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, 0.8, facecolor=color, edgecolor="white", alpha=0.45)


def figure_filtering(accuracies: Sequence[float], questions: int) -> Picture:
    """Draw how often a model of the endings alone is right, before filtering and after each round.

    Parameters
    ----------
    accuracies : shares, of the random endings first, then of each round.
    questions : how many were judged, for the band of one standard error.
    """
    title = "Adversarial filtering, round by round"
    figure, axes = new_figure(8, 3.8)
    percent = 100 * np.array(accuracies)
    error = 100 * np.sqrt(percent / 100 * (1 - percent / 100) / questions)
    rounds = np.arange(len(percent))
    axes.errorbar(rounds, percent, yerr=error, marker="o", color=BLUE, capsize=4)
    axes.axhline(CHANCE, color=VERMILION, linestyle="--", label=Message("chance: {n:.0f}%", n=CHANCE))
    axes.set(xlabel="rounds of filtering", ylabel="right by the endings alone (%)", ylim=(0, 100))
    axes.set_xticks(rounds)
    axes.legend()
    named = {str(number): value for number, value in enumerate(percent)}
    alt = Message(
        "Accuracy of a model of the endings alone by round: {values}. Chance is {chance:.0f}%",
        values=values_by_name(named, "{name}: {value:.1f}%", "; "),
        chance=CHANCE,
    )
    return Picture(figure, title, alt)


def figure_readers(baselines: Mapping[str, float], readers: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the accuracy of each reader: baselines as bars, fine-tuned ones as bars with a dot for each seed.

    Parameters
    ----------
    baselines : accuracy in percent by name.
    readers : accuracies in percent of each seed, by name.
    """
    title = "What each reader gets right"
    figure, axes = new_figure(9, 0.6 + 0.55 * (len(baselines) + len(readers)))
    means = dict(baselines) | {name: float(np.mean(values)) for name, values in readers.items()}
    places = {name: place for place, name in enumerate(means)}
    colors = [ORANGE if name in baselines else BLUE for name in means]
    axes.barh(list(places.values()), list(means.values()), color=colors, alpha=0.75)
    for name, values in readers.items():
        axes.plot(values, [places[name]] * len(values), "o", color="black", markersize=5)
    axes.axvline(CHANCE, color=VERMILION, linestyle="--", label=Message("chance: {n:.0f}%", n=CHANCE))
    axes.set_yticks(list(places.values()), list(places))
    axes.invert_yaxis()
    axes.set(xlabel="questions answered right (%)", xlim=(0, 100))
    axes.legend(loc="lower right")
    alt = Message(
        "Accuracy in percent: {values}. Dots are single seeds, the dashed line is chance, {chance:.0f}%",
        values=values_by_name(means, "{name} {value:.1f}"),
        chance=CHANCE,
    )
    return Picture(figure, title, alt)
