"""Figures and tables of lesson 01: from counts to contextual vectors, each step with what it adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.drawing import blank
from course_lib.figures.style import (
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Picture,
    Table,
    new_figure,
    values_by_name,
)
from course_lib.studies.before_bert.directions import (
    BOTH_SIDES,
    EVIDENCE_AFTER,
    EVIDENCE_BEFORE,
    LEFT_TO_RIGHT,
)
from course_lib.studies.before_bert.scaling import PowerLaw
from course_lib.studies.published import TIMELINE
from course_lib.translation import Message, Verbatim, joined

CONTEXT_COLORS = {
    "the last few words": GRAY,
    "a window": ORANGE,
    "one vector a word": GREEN,
    "everything before": VERMILION,
    "two one-way readings": PURPLE,
    "both sides": BLUE,
}


def figure_timeline() -> Picture:
    """Draw the way from counts to BERT: when, what, what it added, and which context it uses."""
    title = "From counts to BERT, and after"
    figure, axes = new_figure(10, 6.4)
    rows = len(TIMELINE)
    blank(axes, 20, rows + 1.6)
    axes.plot([2.3, 2.3], [0.6, rows + 0.4], color=GRAY, lw=1.5)
    for number, (year, name, added, context, _) in enumerate(TIMELINE):
        y = rows - number
        axes.plot(2.3, y, "o", color=CONTEXT_COLORS[context], markersize=9)
        axes.text(1.8, y, Verbatim(str(year)), ha="right", va="center", fontsize=10)
        axes.text(2.8, y, name, va="center", fontsize=10, weight="bold")
        axes.text(8.2, y, added, va="center", fontsize=10)
    for number, (context, color) in enumerate(CONTEXT_COLORS.items()):
        axes.plot(17.0, rows - 0.9 * number, "o", color=color, markersize=9)
        axes.text(17.4, rows - 0.9 * number, context, va="center", fontsize=9.5)
    axes.text(16.8, rows + 0.9, "looks at", fontsize=9.5, weight="bold")
    named = ", ".join(f"{name} ({year})" for year, name, *_ in TIMELINE)
    return Picture(figure, title, Message("A timeline: {named}.", named=named))


def table_name() -> Table:
    """Return the name BERT, word by word."""
    rows = [
        ["Bidirectional", "every word sees the words on both sides, in every layer", "ELMo: joined at the end; GPT: left only"],
        ["Encoder", "it gives a vector to each word; it doesn't write text", "GPT is a decoder"],
        ["Representations", "the vectors are the product; a task adds a small head", "word2vec: one vector a word"],
        ["from Transformers", "attention does the work, with no recurrence", "ELMo: LSTMs"],
    ]  # fmt: skip
    return Table("The name BERT, word by word", ["word", "what it says", "unlike"], rows)


def table_n_grams(losses: Mapping[str, float], weights: Mapping[str, str]) -> Table:
    """Return the perplexity of n-gram models on articles held out.

    Parameters
    ----------
    losses : mean surprise in nats by the model's name.
    weights : what each mixes, by the same names.
    """
    rows = [[name, weights[name], f"{loss:.2f}", f"{np.exp(loss):.0f}"] for name, loss in losses.items()]
    return Table(
        "The next word from counts, on articles held out",
        ["model", "weight of the longest history", "surprise in nats", "perplexity"],
        rows,
    )


def figure_contexts(tokens: Sequence[str], masks: Mapping[str, Sequence]) -> Picture:
    """Draw which word may look at which, in several shapes of context.

    Parameters
    ----------
    tokens : the T words.
    masks : by name, the (T, T) masks whose readings are joined, one or two; a row looks at its columns.
    """
    title = "Three shapes of context"
    figure, panels = new_figure(10.5, 4.0, columns=len(masks))
    T = len(tokens)
    seen = {}
    for axes, (name, shown) in zip(np.atleast_1d(panels), masks.items(), strict=True):
        picture = np.ones((T, T, 3))
        for mask, color in zip(shown, ((0.0, 0.45, 0.70), (0.90, 0.62, 0.0)), strict=False):
            picture = np.where(np.asarray(mask, dtype=bool)[:, :, None], picture * np.array(color), picture)
        diagonal = np.eye(T, dtype=bool)
        picture[diagonal] = (0.12, 0.16, 0.22)
        axes.imshow(picture)
        axes.set_xticks(range(T), [Verbatim(token) for token in tokens], rotation=60, ha="right", fontsize=9)
        axes.set_yticks(range(T), [Verbatim(token) for token in tokens], fontsize=9)
        axes.set(title=name, xlabel="… may look at this word", ylabel="this word …")
        axes.grid(False)
        seen[name] = sum(int(np.asarray(mask).sum()) - T for mask in shown)
    alt = Message(
        "Each row is a word, each column one that it may look at; the dark diagonal is the word itself. Left to right, "
        "only the part below the diagonal is filled. Two one-way readings, in two colors, fill the part below and the "
        "part above. In every layer both sides: the whole square in one color. Pairs of words: {seen}.",
        seen=values_by_name(seen, "{name} {value:.0f}"),
    )
    return Picture(figure, title, alt)


def figure_sense_scores(by_layer: Mapping[str, Sequence[float]], levels: Mapping[str, float]) -> Picture:
    """Draw how often the nearest occurrence of a word has the same sense, by layer.

    Parameters
    ----------
    by_layer : for each way to read, a score for the embeddings and each layer.
    levels : scores without layers, drawn as level lines.
    """
    title = "Does a word's vector know its sense?"
    figure, axes = new_figure(9, 4.4)
    for (name, scores), color, marker in zip(
        by_layer.items(), (VERMILION, PURPLE, BLUE), "s^o", strict=False
    ):
        axes.plot(range(len(scores)), scores, marker=marker, color=color, label=name)
    for (name, score), style in zip(levels.items(), (":", "--", "-."), strict=False):
        axes.axhline(score, color=GRAY, linestyle=style, label=name)
    layers = len(next(iter(by_layer.values())))
    axes.set_xticks(range(layers), ["emb."] + [Verbatim(str(layer)) for layer in range(1, layers)])
    axes.set(xlabel="after layer", ylabel="share with the right sense", ylim=(0.4, 1))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    alt = Message(
        "Sense accuracy by layer. After the last layer: {ends}. Level lines: {levels}.",
        ends=values_by_name({name: scores[-1] for name, scores in by_layer.items()}),
        levels=values_by_name(levels),
    )
    return Picture(figure, title, alt)


def figure_cosines(by_layer: Mapping[str, Sequence[float]]) -> Picture:
    """Draw mean cosines of pairs of vectors by layer.

    Parameters
    ----------
    by_layer : for each kind of pair, a mean cosine for the embeddings and each layer.
    """
    title = "How alike are two vectors? It depends on the layer"
    figure, axes = new_figure(9, 4.2)
    for (name, cosines), color, marker in zip(
        by_layer.items(), (BLUE, SKY, VERMILION, GRAY), "osv^", strict=False
    ):
        axes.plot(range(len(cosines)), cosines, marker=marker, color=color, label=name)
    layers = len(next(iter(by_layer.values())))
    axes.set_xticks(range(layers), ["emb."] + [Verbatim(str(layer)) for layer in range(1, layers)])
    axes.set(xlabel="after layer", ylabel="mean cosine", ylim=(-0.05, 1.05))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    middle = layers // 2
    alt = Message(
        "Mean cosine of pairs by layer. After layer {middle}: {values}. After the last layer: {ends}.",
        middle=middle,
        values=values_by_name({name: cosines[middle] for name, cosines in by_layer.items()}),
        ends=values_by_name({name: cosines[-1] for name, cosines in by_layer.items()}),
    )
    return Picture(figure, title, alt)


def _mean_right(runs: Sequence[Mapping], step: str, way: str, rule: str) -> list[float]:
    return [run["answers"][step][way][rule] for run in runs]


def figure_readers(results: Mapping[str, Sequence[Mapping]]) -> Picture:
    """Draw how many questions two readers answer after so many updates, by where the evidence is.

    Parameters
    ----------
    results : of the recording ``reading-directions``.
    """
    title = "Two readers at one budget"
    rules = (*EVIDENCE_BEFORE, *EVIDENCE_AFTER)
    figure, panels = new_figure(11, 3.6, columns=len(rules), sharey=True)
    looks = {
        (LEFT_TO_RIGHT, "filled in"): ("left to right, filling in", VERMILION, "s-"),
        (LEFT_TO_RIGHT, "whole text"): ("left to right, whole texts", ORANGE, "^:"),
        (BOTH_SIDES, "filled in"): ("both sides, filling in", BLUE, "o-"),
    }
    ends = {}
    for axes, rule in zip(panels, rules, strict=True):
        for (direction, way), (name, color, style) in looks.items():
            runs = results[direction]
            steps = list(runs[0]["answers"])
            right = np.array([_mean_right(runs, step, way, rule) for step in steps])  # (steps, seeds)
            axes.plot([int(step) for step in steps], right.mean(axis=1), style, color=color, label=name)
            axes.fill_between(
                [int(step) for step in steps], right.min(axis=1), right.max(axis=1), color=color, alpha=0.15
            )
            ends[f"{rule}, {name}"] = right[-1].mean()
        side = "before" if rule in EVIDENCE_BEFORE else "after"
        axes.set_title(
            Message("{rule}\n(evidence {side} the gap)", rule=Message(rule), side=Message(side)), fontsize=9.5
        )
        axes.set(xlabel="updates", ylim=(-0.03, 1.05))
    panels[0].set_ylabel("share of right answers")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    alt = Message(
        "Right answers after so many updates, mean of {seeds} seeds with the range. At the end: {ends}.",
        seeds=len(results[BOTH_SIDES]),
        ends=values_by_name(ends),
    )
    return Picture(figure, title, alt)


def table_readers(results: Mapping[str, Sequence[Mapping]], chances: Mapping[str, float]) -> Table:
    """Return what two readers can fill in at the end, mean and worst seed, beside chance.

    Parameters
    ----------
    results : of the recording ``reading-directions``.
    chances : of a blind choice, by rule.
    """
    last = list(results[BOTH_SIDES][0]["answers"])[-1]

    def cell(direction: str, way: str, rule: str) -> str:
        right = _mean_right(results[direction], last, way, rule)
        return f"{np.mean(right):.2f} ({min(right):.2f})"

    rows = [
        [
            rule,
            "before" if rule in EVIDENCE_BEFORE else "after",
            f"{chances[rule]:.2f}",
            cell(LEFT_TO_RIGHT, "filled in", rule),
            cell(LEFT_TO_RIGHT, "whole text", rule),
            cell(BOTH_SIDES, "filled in", rule),
        ]
        for rule in (*EVIDENCE_BEFORE, *EVIDENCE_AFTER)
    ]
    columns = ["rule", "evidence", "chance", "left to right, fills in", "left to right, whole texts", "both sides, fills in"]  # fmt: skip
    note = Message(
        "Mean of {seeds} seeds, the worst in brackets; {step} updates.",
        seeds=len(results[BOTH_SIDES]),
        step=last,
    )
    return Table("What each reader can fill in", columns, rows, note)


def figure_power_law(
    points: Mapping[str, tuple[Sequence[float], Sequence[float]]], laws: Mapping[str, PowerLaw]
) -> Picture:
    """Draw losses over sizes on logarithmic scales, with a power law through each group.

    Parameters
    ----------
    points : sizes and losses by group.
    laws : the fitted law of each group.
    """
    title = "A power law through measured sizes"
    figure, panels = new_figure(9.5, 4.0, columns=len(points))
    for axes, (name, (sizes, losses)), color in zip(panels, points.items(), (BLUE, VERMILION), strict=True):
        law = laws[name]
        line = np.geomspace(min(sizes) / 1.3, max(sizes) * 1.3, 50)
        center = np.exp(np.log(sizes).mean())
        for exponent in (law.low, law.high):  # the lines turn around the middle of the points
            axes.plot(line, law.loss(center) * (line / center) ** -exponent, color=color, lw=0.8, ls=":")
        axes.plot(line, law.loss(line), color=color, label=f"−{law.exponent:.3f}")
        axes.plot(sizes, losses, "o", color=color, alpha=0.7)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_yticks(
            ticks := np.round(np.linspace(min(losses), max(losses), 4), 2), [f"{tick:.2f}" for tick in ticks]
        )
        axes.minorticks_off()
        axes.set(title=name, xlabel="weights in the layers", ylabel="loss at masked words in nats")
        axes.legend(title="exponent")
    described = joined(
        ", ",
        (
            Message(
                "{exponent:.3f} ({low:.3f} to {high:.3f})", exponent=law.exponent, low=law.low, high=law.high
            )
            for law in laws.values()
        ),
    )
    alt = Message(
        "Loss over size on logarithmic scales, with a fitted line and its interval in each panel. Exponents: {described}.",
        described=described,
    )
    return Picture(figure, title, alt)


def table_steps(rows: Sequence[Sequence[str]]) -> Table:
    """Return what each step added, with the numbers that the reader computed.

    Parameters
    ----------
    rows : year, step, what's measured, before it, with it.
    """
    return Table(
        "What each step added, measured in this lesson",
        ["year", "step", "measured here", "before", "with it"],
        [list(row) for row in rows],
    )
