"""Figures of lesson 18: heads by pattern, attributions, deletion curves, probes by layer, and groups compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.style import (
    BLUE,
    CYCLE,
    GRAY,
    GREEN,
    LINES,
    VERMILION,
    Picture,
    new_figure,
    values_by_name,
)
from course_lib.studies.interpretation.attributions import Attribution, by_word
from course_lib.studies.interpretation.faithfulness import Faithfulness
from course_lib.studies.interpretation.heads import PATTERNS, HeadScores
from course_lib.translation import Message, Verbatim, joined

MARKERS = "osD^vPX"


def figure_head_patterns(scores: HeadScores) -> Picture:
    """Draw one map a pattern: a square for each layer and head, as dark as the weight the head puts there."""
    figure, grid = new_figure(9, 5.4, 2, 3, sharex=True, sharey=True)
    described = []
    for axes, pattern in zip(grid.flat, PATTERNS):
        weight = scores.weight[pattern].numpy()  # (L, A)
        shown = axes.imshow(weight, vmin=0, vmax=1, cmap="Blues", origin="lower", aspect="auto")
        layer, head, value = scores.best(pattern)
        axes.plot(head, layer, "s", markersize=13, markerfacecolor="none", markeredgecolor=VERMILION)
        name = (
            Verbatim(pattern) if pattern.startswith("[") else Message(pattern)
        )  # special tokens stay as they are
        axes.set_title(name, fontsize=11)
        axes.grid(False)
        layers, heads = weight.shape
        axes.set_xticks(range(0, heads, 2), [str(number) for number in range(0, heads, 2)])
        axes.set_yticks(range(layers), [str(number + 1) for number in range(layers)])
        described.append(
            Message(
                "{pattern}: layer {layer}, head {head} with {value:.2f}",
                pattern=name,
                layer=layer + 1,
                head=head,
                value=value,
            )
        )
    for axes in grid[-1]:
        axes.set_xlabel("head, from 0")
    for axes in grid[:, 0]:
        axes.set_ylabel("layer, from 1")
    figure.colorbar(shown, ax=grid, label="mean weight on the pattern", shrink=0.8)
    alt = Message(
        "Six maps of {layers} layers by {heads} heads. The strongest head of each, framed: {found}.",
        layers=layers,
        heads=heads,
        found=joined("; ", described),
    )
    return Picture(figure, "Six patterns, and the head that follows each best", alt)


def figure_attributions(explanations: Mapping[str, Attribution], label: str) -> Picture:
    """Draw what each word adds to the score of a class, one panel an explanation, with its gap of completeness.

    Parameters
    ----------
    explanations : by name, of the same text.
    label : the class that is explained.
    """
    first = next(iter(explanations.values()))
    words = [word for word, _ in by_word(first.tokens, first.values)]
    figure, row = new_figure(
        2.0 + 2.2 * len(explanations),
        1.1 + 0.25 * len(words),
        1,
        len(explanations),
        sharey=True,
        squeeze=False,
    )
    described = []
    for axes, (name, explanation) in zip(row[0], explanations.items()):
        values = [value for _, value in by_word(explanation.tokens, explanation.values)]
        colors = [BLUE if value >= 0 else VERMILION for value in values]
        axes.barh(range(len(words)), values, color=colors)
        axes.axvline(0, color=GRAY, linewidth=1)
        gap = round(explanation.gap, 2) + 0.0
        axes.set_title(joined("\n", [Message(name), Message("gap {gap:+.2f}", gap=gap)]), fontsize=11)
        axes.set_xlabel("adds to the log-odds")
        strongest = int(np.argmax(np.abs(values)))
        described.append(
            Message(
                "{name}: most from {word} ({value:+.2f}), gap {gap:+.2f}",
                name=Message(name),
                word=Verbatim(words[strongest]),
                value=values[strongest],
                gap=gap,
            )
        )
    row[0][0].set_yticks(range(len(words)), [Verbatim(word) for word in words])
    row[0][0].invert_yaxis()
    row[0][0].set_ylabel("word")
    alt = Message("Bars for each word. {found}.", found=joined("; ", described))
    return Picture(figure, Message("What speaks for “{label}”", label=Message(label)), alt)


def figure_deletion(results: Mapping[str, Faithfulness], shares: Sequence[float]) -> Picture:
    """Draw the loss of probability against the share of words: deleted on the left, kept alone on the right."""
    figure, panels = new_figure(9.5, 4.0, 1, 2, sharey=True)
    kinds = (("comprehensiveness", "top words deleted"), ("sufficiency", "only the top words kept"))
    means = {}
    for axes, (kind, meaning) in zip(panels, kinds):
        for number, (name, result) in enumerate(results.items()):
            mean = getattr(result, kind).mean(axis=0)  # (shares,)
            means[kind, name] = float(mean.mean())
            axes.plot(
                [100 * share for share in shares],
                mean,
                color=CYCLE[number % len(CYCLE)],
                linestyle=LINES[number % len(LINES)],
                marker=MARKERS[number % len(MARKERS)],
                label=Message(name),
            )
        axes.set(xlabel="share of the words (%)")
        axes.set_title(
            Message("{kind}: {meaning}", kind=Message(kind), meaning=Message(meaning)), fontsize=11
        )
    panels[0].set_ylabel("loss of probability")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(results))
    found = [
        Message(
            "{kind}: {values}",
            kind=Message(kind),
            values=values_by_name({name: means[kind, name] for name in results}, "{name} {value:.3f}"),
        )
        for kind, _ in kinds
    ]
    alt = Message("Mean loss over all shares. {found}.", found=joined("; ", found))
    return Picture(figure, "Does the model need the words an explanation names?", alt)


def figure_probe_controls(results: Mapping[str, Sequence[float]], chance: float, title: str) -> Picture:
    """Draw the balanced accuracy of probes by layer.

    Parameters
    ----------
    results : by name, one share a layer, the embeddings first.
    chance : the share of a guess.
    title : what is asked.
    """
    figure, axes = new_figure(7.5, 4.0)
    for number, (name, values) in enumerate(results.items()):
        axes.plot(
            range(len(values)),
            [100 * value for value in values],
            color=CYCLE[number % len(CYCLE)],
            linestyle=LINES[number % len(LINES)],
            marker=MARKERS[number % len(MARKERS)],
            label=Message(name),
        )
    axes.axhline(100 * chance, color=GRAY, linestyle=":", label="a guess")
    axes.set(xlabel="layer, 0 is the embeddings", ylabel="balanced accuracy (%)")
    axes.set_xticks(range(len(next(iter(results.values())))))
    figure.legend(loc="outside lower center", ncols=2)
    found = [
        Message(
            "{name} from {first:.0f} to {last:.0f} percent, most in layer {best} with {most:.0f}",
            name=Message(name),
            first=100 * values[0],
            last=100 * values[-1],
            best=int(np.argmax(values)),
            most=100 * max(values),
        )
        for name, values in results.items()
    ]
    alt = Message("Balanced accuracy by layer: {found}.", found=joined("; ", found))
    return Picture(figure, title, alt)


def figure_gaps(gaps: Mapping[str, tuple[float, float, float]], title: str, label: str) -> Picture:
    """Draw differences with their intervals, one row each, and a line at zero.

    Parameters
    ----------
    gaps : by name, the difference and the ends of its interval, shares.
    title : what is compared.
    label : of the axis; percentage points are drawn.
    """
    figure, axes = new_figure(7.5, 1.2 + 0.45 * len(gaps))
    for number, (mean, low, high) in enumerate(gaps.values()):
        axes.plot((100 * low, 100 * high), (number, number), color=BLUE, linewidth=3, solid_capstyle="butt")
        axes.plot(100 * mean, number, "o", color=BLUE, markersize=8)
    axes.axvline(0, color=GREEN, linestyle="--", linewidth=1.5)
    axes.set_yticks(range(len(gaps)), [Message(name) for name in gaps])
    axes.set(xlabel=label, ylim=(len(gaps) - 0.5, -0.5))
    axes.grid(axis="y", visible=False)
    found = [
        Message(
            "{name} {mean:+.1f} points, from {low:+.1f} to {high:+.1f}",
            name=Message(name),
            mean=100 * mean + 0.0,
            low=100 * low + 0.0,
            high=100 * high + 0.0,
        )
        for name, (mean, low, high) in gaps.items()
    ]
    return Picture(figure, title, Message("Dots with 95% intervals: {found}.", found=joined("; ", found)))


def figure_swaps(spans: Mapping[str, Sequence[tuple[float, float]]], title: str) -> Picture:
    """Draw, for each sentence frame, the span of probabilities as only the person changes.

    Parameters
    ----------
    spans : by name of a model, the lowest and highest probability of each frame, the frames in the same order.
    title : what is shown.
    """
    figure, axes = new_figure(8, 4.2)
    first, found = next(iter(spans.values())), []
    order = sorted(
        range(len(first)), key=lambda row: sum(first[row])
    )  # one order, so that a frame keeps its place
    for place, (name, rows) in enumerate(spans.items()):
        shift = (place - (len(spans) - 1) / 2) * 0.3
        for number, row in enumerate(order):
            axes.plot(
                (number + shift,) * 2,
                rows[row],
                color=CYCLE[place],
                linestyle=LINES[0],
                linewidth=4,
                solid_capstyle="butt",
                label=Message(name) if number == 0 else None,
            )
        widths = [high - low for low, high in rows]
        found.append(
            Message(
                "{name}: the widest span is {most:.2f}, the mean {mean:.2f}, and {flips} of {all} frames cross one half",
                name=Message(name),
                most=max(widths),
                mean=sum(widths) / len(widths),
                flips=sum(low <= 0.5 < high for low, high in rows),
                all=len(rows),
            )
        )
    axes.axhline(0.5, color=GRAY, linestyle="--", linewidth=1)
    axes.set(
        xlabel="sentence frames, from negative to positive", ylabel="probability of positive", ylim=(0, 1)
    )
    axes.set_xticks([])
    if len(spans) > 1:
        axes.legend(loc="upper left")
    return Picture(figure, title, Message("A bar for each frame. {found}.", found=joined("; ", found)))
