"""Figures and tables of lesson 11: a pair in one row, exchanged sentences, two correlations, and tasks in GLUE's manner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.style import (
    BLUE,
    CYCLE,
    GREEN,
    ORANGE,
    VERMILION,
    Picture,
    Table,
    new_figure,
    values_by_name,
)
from course_lib.translation import Message, Verbatim, joined

# What each task is scored by, as its columns are headed.
MEASURES = {
    "accuracy": "accuracy",
    "f1": "F1",
    "mcc": "MCC",
    "pearson": "Pearson",
    "spearman": "Spearman",
}
READERS = ("majority", "bag of words, hypothesis only", "bag of words", "random weights", "MiniLM")


def figure_pair_row(tokens: Sequence[str], token_type_ids: Sequence[int]) -> Picture:
    """Draw the tokens of a pair in one row, with the segment of each.

    Parameters
    ----------
    tokens : special ones included.
    token_type_ids : 0 or 1 for each.
    """
    title = "Two sentences, one row, two segments"
    widths = [max(1.0, 0.35 + 0.19 * len(token)) for token in tokens]
    lefts = np.cumsum([0.0, *widths])
    figure, axes = new_figure(10, 2.2)
    axes.set(xlim=(-1.6, lefts[-1] + 0.2), ylim=(-0.1, 2.3))
    axes.axis("off")
    for token, segment, left, width in zip(tokens, token_type_ids, lefts, widths, strict=False):
        color = ORANGE if segment else BLUE
        axes.add_patch(_box(left, 1.2, width - 0.1, color))
        axes.add_patch(_box(left, 0.0, width - 0.1, color))
        center = left + width / 2 - 0.05
        axes.text(center, 1.7, Verbatim(token), ha="center", va="center", fontsize=10)
        axes.text(center, 0.5, Verbatim(str(segment)), ha="center", va="center", fontsize=11)
    axes.text(-0.15, 1.7, "token", fontsize=10, ha="right", va="center")
    axes.text(-0.15, 0.5, "segment id", fontsize=10, ha="right", va="center")
    alt = Message(
        "The row {tokens}. Its first {first} tokens are segment 0, the other {second} segment 1",
        tokens=Verbatim(" ".join(tokens)),
        first=len(tokens) - sum(token_type_ids),
        second=sum(token_type_ids),
    )
    return Picture(figure, title, alt)


def _box(left: float, bottom: float, width: float, color: str):
    from matplotlib.patches import Rectangle

    return Rectangle((left, bottom), width, 1.0, facecolor=color, edgecolor="white", alpha=0.4)


def figure_exchanged_labels(counts: Mapping[str, Mapping[str, int]]) -> Picture:
    """Draw which label pairs have after A and B change places, by the label that they had before.

    Parameters
    ----------
    counts : pairs by label before, then by label after, all with the same labels.
    """
    title = "A and B exchanged: what becomes of a label"
    figure, axes = new_figure(9, 1.0 + 0.7 * len(counts))
    rows = list(range(len(counts)))
    left = np.zeros(len(counts))
    for color, after in zip(CYCLE, counts, strict=False):
        shares = np.array([100 * row[after] / sum(row.values()) for row in counts.values()])
        axes.barh(rows, shares, left=left, color=color, alpha=0.75, label=after)
        for row, share in enumerate(shares):
            if share >= 5:
                axes.text(left[row] + share / 2, row, f"{share:.0f}%", ha="center", va="center")
        left += shares
    names = [
        Message("{label} ({pairs} pairs)", label=label, pairs=sum(row.values()))
        for label, row in counts.items()
    ]
    axes.set_yticks(rows, names)
    axes.invert_yaxis()
    axes.set(xlabel="label after the exchange (%)", ylabel="label before", xlim=(0, 100))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.25), ncols=len(counts), frameon=False)
    alt = joined(
        "; ",
        (
            Message(
                "{label} becomes {others}",
                label=label,
                others=values_by_name(
                    {name: 100 * count / sum(row.values()) for name, count in row.items()},
                    "{name} {value:.0f}%",
                ),
            )
            for label, row in counts.items()
        ),
    )
    return Picture(figure, title, alt)


def figure_two_correlations(
    truth: Sequence[float],
    predictions: Mapping[str, Sequence[float]],
    correlations: Mapping[str, tuple[float, float]],
) -> Picture:
    """Draw predicted scores over true ones, a panel for each model, with both correlations.

    Parameters
    ----------
    truth : the true scores, 0 to 5.
    predictions : predicted scores by the name of a model.
    correlations : Pearson and Spearman by the same names.
    """
    title = "Right order, bent scale"
    figure, panels = new_figure(4.6 * len(predictions), 3.9, columns=len(predictions), squeeze=False)
    for axes, (name, values) in zip(panels[0], predictions.items(), strict=True):
        axes.plot(truth, values, "o", color=BLUE, alpha=0.4, markersize=4)
        axes.plot([0, 5], [0, 5], color=VERMILION, linestyle="--")
        axes.set(xlabel="true score (0 to 5)", ylabel="predicted score (0 to 5)")
        pearson, spearman = correlations[name]
        heading = Message(
            "{name}\nPearson {pearson:.2f}, Spearman {spearman:.2f}",
            name=name,
            pearson=pearson,
            spearman=spearman,
        )
        axes.set_title(heading, fontsize=11)
    alt = joined(
        "; ",
        (
            Message(
                "{name}: Pearson {pearson:.2f}, Spearman {spearman:.2f}",
                name=name,
                pearson=pearson,
                spearman=spearman,
            )
            for name, (pearson, spearman) in correlations.items()
        ),
    )
    return Picture(figure, title, alt)


def table_of_tasks(
    results: Mapping, counts: Mapping[str, tuple[int, int]], shared: Mapping[str, Mapping[str, float]]
) -> Table:
    """Return the tasks in the manner of GLUE: baselines, random weights and MiniLM.

    Parameters
    ----------
    results : ``tasks`` and ``baselines`` of the recording, see :mod:`course_lib.studies.finetuning.pairs`.
    counts : rows to learn from and rows of the test part, by task.
    shared : by task, the scores (%) of a model that sees only how many words both sentences share.
    """
    rows = []
    for task, runs in results["tasks"].items():
        for measure in runs["MiniLM"]["kept"]:
            simple = results["baselines"][task]
            cells = [f"{simple[name][measure]:.1f}" for name in READERS if name in simple]
            cells.append(f"{shared[task][measure]:.1f}")
            cells += [_over_seeds(runs[name]["kept"][measure]) for name in READERS if name in runs]
            worst = f"{min(runs['MiniLM']['kept'][measure]):.1f}"
            rows.append([task, MEASURES[measure], "{:,} / {:,}".format(*counts[task]), *cells, worst])
        if "mismatched" in runs["MiniLM"]:
            for measure in runs["MiniLM"]["mismatched"]:
                cells = [_over_seeds(runs[name]["mismatched"][measure]) for name in READERS if name in runs]
                worst = f"{min(runs['MiniLM']['mismatched'][measure]):.1f}"
                name = Message("{task}, other genres", task=Message(task))
                rows.append([str(name), MEASURES[measure], *["–"] * 5, *cells, worst])
    columns = ["task", "measure", "train / test", "majority", "B only", "bag of words", "shared words"]
    note = "Mean ± standard deviation of the seeds; correlations times 100. B only: a bag of words of sentence B."
    return Table(
        "Four tasks in the manner of GLUE (%)",
        [*columns, "random weights", "MiniLM", "worst seed"],
        rows,
        note,
    )


def _over_seeds(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"


def figure_tasks(results: Mapping) -> Picture:
    """Draw the main measure of every task: what sees less as bars, MiniLM with a dot for each seed.

    Parameters
    ----------
    results : ``tasks`` and ``baselines`` of the recording.
    """
    title = "What each reader gets out of a pair"
    tasks = list(results["tasks"])
    figure, panels = new_figure(2.6 * len(tasks), 3.9, columns=len(tasks), squeeze=False, sharey=True)
    means = {}
    for axes, task in zip(panels[0], tasks, strict=True):
        runs, simple = results["tasks"][task], results["baselines"][task]
        measure = next(iter(runs["MiniLM"]["kept"]))
        values = {
            name: [simple[name][measure]] if name in simple else runs[name]["kept"][measure]
            for name in READERS
        }
        means[task] = {name: float(np.mean(seeds)) for name, seeds in values.items()}
        colors = [ORANGE if name in simple else GREEN if name != "MiniLM" else BLUE for name in READERS]
        axes.bar(range(len(READERS)), list(means[task].values()), color=colors, alpha=0.75)
        for place, name in enumerate(READERS):
            if name in runs:
                axes.plot([place] * len(values[name]), values[name], "o", color="black", markersize=4)
        axes.set_title(
            Message("{task}\n({measure})", task=Message(task), measure=Message(MEASURES[measure])),
            fontsize=11,
        )
        short = ["majority", "B only", "bag of words", "random weights", "MiniLM"]
        axes.set_xticks(range(len(READERS)), short, rotation=50, ha="right", fontsize=9)
        axes.set(ylim=(0, 100))
    panels[0][0].set_ylabel("score on the test part (%)")
    alt = joined(
        "; ",
        (
            Message(
                "{task}: {values}",
                task=Message(task),
                values=values_by_name(found, "{name} {value:.1f}"),
            )
            for task, found in means.items()
        ),
    )
    return Picture(figure, title, alt)


def table_of_segments(results: Mapping) -> Table:
    """Return how models that learned with segment ids do without them, with swapped ones, and with A and B exchanged.

    Parameters
    ----------
    results : ``tasks`` of the recording.
    """
    rows = []
    for task, runs in results["tasks"].items():
        scores = runs["MiniLM"]
        measure = next(iter(scores["kept"]))
        inputs = [
            f"{np.mean(scores[name][measure]):.1f}" for name in ("kept", "removed", "swapped", "exchanged")
        ]
        rows.append([task, MEASURES[measure], *inputs, f"{np.mean(scores['agreement']):.1f}"])
    columns = ["task", "measure", "kept", "all 0", "swapped", "A and B exchanged", "agreement"]
    note = (
        "Means of the seeds, the same models in each row. Agreement: equal answers before and after the exchange; for "
        "similarity their Spearman correlation."
    )
    return Table("Segment ids and order, changed after training (%)", columns, rows, note)


def figure_helping(sides: Mapping[str, Mapping[str, Sequence[float]]]) -> Picture:
    """Draw scores of pairs of trainings that made the same number of updates, with a dot for each seed.

    Parameters
    ----------
    sides : by what is scored, the scores (%) by seed of two sides, the one without help first.
    """
    title = "What one task adds to another"
    figure, axes = new_figure(9, 1.2 + 0.75 * len(sides))
    for row, values in enumerate(sides.values()):
        for offset, color, (name, seeds) in zip((-0.16, 0.16), (ORANGE, BLUE), values.items(), strict=True):
            label = name if row == 0 else None
            axes.plot(seeds, [row + offset] * len(seeds), "o", color=color, alpha=0.75, label=label)
            axes.plot(
                [np.mean(seeds)] * 2, [row + offset - 0.14, row + offset + 0.14], color=color, linewidth=2.5
            )
    axes.set_yticks(range(len(sides)), list(sides))
    axes.invert_yaxis()
    axes.set(xlabel="score on the test part (%)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=2, frameon=False)
    alt = joined(
        "; ",
        (
            Message(
                "{what}: {values}",
                what=Message(what),
                values=values_by_name(
                    {name: float(np.mean(seeds)) for name, seeds in values.items()}, "{name} {value:.1f}"
                ),
            )
            for what, values in sides.items()
        ),
    )
    return Picture(figure, title, alt)
