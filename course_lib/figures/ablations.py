"""Figures and tables of the ablations (lesson 16): the paper's and ours, side by side.

Results are those of :func:`course_lib.studies.ablations.study.record`: ``objectives``, ``untouched``,
``masking`` and ``sizes``, each with lists of runs by name, one run a seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.style import (
    BLACK,
    BLUE,
    GRAY,
    ORANGE,
    VERMILION,
    Picture,
    Table,
    new_figure,
    values_by_name,
)
from course_lib.studies.ablations.study import OBJECTIVES, PAIRS, TASKS
from course_lib.studies.published import (
    DIRECTION_ABLATION,
    MASKING_STRATEGIES,
    MODEL_SIZES,
    NEXT_SENTENCE_ABLATION,
    OBJECTIVE_TASKS,
)
from course_lib.studies.records import mean_and_deviation
from course_lib.translation import Message, joined

WITH_LSTM = "left to right + BiLSTM"
FULL = OBJECTIVES[0]
# Each variant, what it is compared with, and the one thing that has changed between the two.
CHANGES = {
    "MLM alone": (FULL, "NSP taken away"),
    "left to right": ("MLM alone", "then: left to right"),
    WITH_LSTM: ("left to right", "then: a BiLSTM on top"),
}
UNTOUCHED = {"MLM alone": "the original weights", "left to right": "the original weights with the triangle"}
LOOKS = {"MLM alone": (BLUE, "o"), "left to right": (VERMILION, "s"), WITH_LSTM: (ORANGE, "D")}


def scores_by_variant(objectives: Mapping[str, Sequence[Mapping]]) -> dict[str, dict[str, list[float]]]:
    """Return the scores of each variant by task, one a seed; the BiLSTM is a variant of its own.

    Parameters
    ----------
    objectives : runs by objective.
    """
    scores = {
        name: {task: [run["scores"][task] for run in runs] for task in TASKS}
        for name, runs in objectives.items()
    }
    runs = objectives["left to right"]
    scores[WITH_LSTM] = {task: [run["lstm"][task] for run in runs] for task in runs[0]["lstm"]}
    return scores


def differences(variant: Sequence[float], full: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation of a variant's score less that of the full model, seed by seed."""
    return mean_and_deviation(np.subtract(variant, full).tolist())


def table_paper_objectives() -> Table:
    """Return table 5 of the paper."""
    rows = {**NEXT_SENTENCE_ABLATION, **DIRECTION_ABLATION}
    return Table(
        "Table 5 of the paper: BERT-base with a part taken away",
        ["pre-training", *OBJECTIVE_TASKS],
        [[name, *values] for name, values in rows.items()],
        "Development sets (%): accuracy, F1 for SQuAD. Devlin et al. 2018, section 5.1.",
    )


def _spread(values: Sequence[float]) -> str:
    return "{:.1f} ± {:.1f}".format(*mean_and_deviation(values))


def table_objectives(
    objectives: Mapping[str, Sequence[Mapping]], untouched: Mapping[str, Sequence[Mapping]] | None = None
) -> Table:
    """Return our counterpart of the paper's table 5: each variant on each task, mean ± s.d. over the seeds.

    Parameters
    ----------
    objectives : runs by objective.
    untouched : runs of the weights as they came, by the direction they are read in, for the last rows.
    """
    rows, scores = [], scores_by_variant(objectives)
    for name, runs in (untouched or {}).items():
        scores[UNTOUCHED[name]] = {task: [run["scores"][task] for run in runs] for task in runs[0]["scores"]}
    for name, by_task in scores.items():
        cells = (_spread(by_task[task]) if task in by_task else "–" for task in TASKS)
        rows.append([name, *cells])
    seeds = len(objectives[FULL])
    return Table(
        "What is left if a part is taken away",
        ["pre-training", *TASKS],
        rows,
        Message(
            "Test scores (%): accuracy, F1 for questions and entities. Mean ± s.d. over {seeds} seeds.",
            seeds=seeds,
        ),
    )


def figure_objectives(objectives: Mapping[str, Sequence[Mapping]]) -> Picture:
    """Draw what each single change is worth, in the paper and here, task by task.

    Two recorded rows say too little to be drawn: the pairs, which some runs hadn't begun to learn when training
    ended, and the BiLSTM, which had too few updates. The lesson shows their numbers, and says why.
    """
    title = "What a part is worth: the paper and here"
    figure, (left, right) = new_figure(11, 4.6, columns=2)
    paper = {FULL: NEXT_SENTENCE_ABLATION["with NSP"], "MLM alone": NEXT_SENTENCE_ABLATION["without NSP"]}
    paper |= {name: DIRECTION_ABLATION[name] for name in ("left to right", WITH_LSTM)}
    ours = scores_by_variant(objectives)
    drawn = [task for task in TASKS if task != PAIRS]
    parts = []
    for number, (name, (other, change)) in enumerate(CHANGES.items()):
        color, marker = LOOKS[name]
        offset = 0.18 * (number - 1)
        points = np.subtract(paper[name], paper[other])  # (tasks,)
        left.plot(points, np.arange(len(points)) + offset, marker, color=color, label=change)
        theirs = values_by_name(dict(zip(OBJECTIVE_TASKS, points, strict=True)), "{name} {value:+.1f}")
        if name == WITH_LSTM:
            parts.append(Message("{change}: in the paper {theirs}", change=Message(change), theirs=theirs))
            continue
        by_task = {task: differences(ours[name][task], ours[other][task]) for task in drawn}
        means, spreads = zip(*by_task.values(), strict=True)
        rows = np.arange(len(drawn)) + offset
        right.errorbar(means, rows, xerr=spreads, fmt=marker, color=color, capsize=3)
        parts.append(
            Message(
                "{change}: in the paper {theirs}; here {ours}",
                change=Message(change),
                theirs=theirs,
                ours=values_by_name(by_task, "{name} {value[0]:+.1f} ± {value[1]:.1f}"),
            )
        )
    for axis, tasks, where in (
        (left, OBJECTIVE_TASKS, "Paper: BERT-base"),
        (right, drawn, "Here: MiniLM, mean ± s.d. (another scale)"),
    ):
        axis.axvline(0, color=BLACK, linewidth=1)
        axis.set_yticks(range(len(tasks)), tasks)
        axis.invert_yaxis()
        axis.set(xlabel="points gained or lost by one change", title=where)
    left.set_ylabel("task")
    # Below: inside, it would cover some mark or other.
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    alt = Message("Points that one change adds or takes away. {parts}", parts=joined(". ", parts))
    return Picture(figure, title, alt)


def scores_by_step(
    objectives: Mapping[str, Sequence[Mapping]], untouched: Mapping[str, Sequence[Mapping]]
) -> dict[str, dict[int, list[float]]]:
    """Return the entities' F1 of each objective by updates, one a seed; at 0 the weights as they came."""
    found = {}
    for name, runs in objectives.items():
        before = untouched.get(name, untouched["MLM alone"])  # without updates, both read both sides alike
        found[name] = {0: [run["scores"]["entities"] for run in before]} | {
            int(step): [run["steps"][step] for run in runs] for step in sorted(runs[0]["steps"], key=int)
        }
    return found


def figure_steps(
    objectives: Mapping[str, Sequence[Mapping]], untouched: Mapping[str, Sequence[Mapping]]
) -> Picture:
    """Draw the entities' score by updates of further pre-training: the paper's figure 5 at our scale."""
    title = "Longer pre-training, better fine-tuning?"
    figure, axis = new_figure(8.5, 4.3)
    looks = {FULL: (GRAY, "^", "-."), "MLM alone": (BLUE, "o", "-"), "left to right": (VERMILION, "s", "--")}
    curves = []
    for name, by_step in scores_by_step(objectives, untouched).items():
        steps = list(by_step)
        means, spreads = zip(*map(mean_and_deviation, by_step.values()), strict=True)
        color, marker, line = looks[name]
        axis.errorbar(
            steps, means, yerr=spreads, color=color, marker=marker, linestyle=line, capsize=3, label=name
        )
        scores = ", ".join(f"{mean:.1f} ± {sd:.1f}" for mean, sd in zip(means, spreads, strict=True))
        curves.append(Message("{name} {scores}", name=Message(name), scores=scores))
    axis.set(title=title, xlabel="updates of continued pre-training", ylabel="entities, test F1 (%)")
    axis.legend()
    alt = Message(
        "F1 on entities after {steps} updates: {curves}",
        steps=", ".join(map(str, steps)),
        curves=joined("; ", curves),
    )
    return Picture(figure, title, alt)


def table_masking(
    masking: Mapping[str, Sequence[Mapping]], objectives: Mapping[str, Sequence[Mapping]]
) -> Table:
    """Return our counterpart of the paper's table 8: named entities after other ways to mask.

    Parameters
    ----------
    masking : runs by their shares, such as ``"100/0/0"``.
    objectives : runs by objective; MLM alone is the one with the paper's 80/10/10.
    """
    runs_of = {"80/10/10": objectives["MLM alone"], **masking}
    published = {"/".join(map(str, row[:3])): row[4:] for row in MASKING_STRATEGIES}
    rows = [
        [
            shares,
            *published[shares],
            _spread([run["scores"]["entities"] for run in runs]),
            _spread([run["features"] for run in runs]),
        ]
        for shares, runs in runs_of.items()
    ]
    return Table(
        "Masking strategies and named entities: the paper's table 8 and here",
        [
            "[MASK] / same / random (%)",
            "paper, fine-tuned",
            "paper, as features",
            "here, fine-tuned",
            "here, as features",
        ],
        rows,
        Message(
            "Entity F1 (%). Paper: CoNLL-2003, dev. Here: bundled test, mean ± s.d. over {seeds} seeds.",
            seeds=len(runs_of["80/10/10"]),
        ),
    )


def table_sizes(sizes: Mapping[str, Sequence[Mapping]]) -> Table:
    """Return our counterpart of the paper's table 6: sizes from nothing on the small language."""
    return Table(
        "Sizes, from nothing, on the small language",
        ["layers × width", "parameters", "masked words right (%)", "next sentence right (%)"],
        [
            [
                name,
                f"{runs[0]['parameters']:,}",
                _spread([100 * run["mlm_accuracy"] for run in runs]),
                _spread([100 * run["nsp_accuracy"] for run in runs]),
            ]
            for name, runs in sizes.items()
        ],
        Message("Held-out documents, mean ± s.d. over {seeds} seeds.", seeds=len(next(iter(sizes.values())))),
    )


def figure_sizes(sizes: Mapping[str, Sequence[Mapping]]) -> Picture:
    """Draw how masked words get easier with size: the paper's table 6, and ours from nothing."""
    title = "Larger models: the paper and here"
    figure, (left, right) = new_figure(11, 4, columns=2)
    names = [f"{layers} × {width}, {heads}" for layers, width, heads, *_ in MODEL_SIZES]
    left.plot(names, [row[3] for row in MODEL_SIZES], "o-", color=BLUE)
    left.tick_params(axis="x", rotation=30)
    left.set(xlabel="layers × width, heads", ylabel="perplexity of masked words", title="Paper")
    parameters = [runs[0]["parameters"] for runs in sizes.values()]
    found = [mean_and_deviation(100 * run["mlm_accuracy"] for run in runs) for runs in sizes.values()]
    means, spreads = zip(*found, strict=True)
    unigram = 100 * float(np.mean([run["unigram"] for runs in sizes.values() for run in runs]))
    right.errorbar(parameters, means, yerr=spreads, fmt="o-", color=BLUE, capsize=3)
    for name, place, mean in zip(sizes, parameters, means, strict=True):
        right.annotate(name, (place, mean), textcoords="offset points", xytext=(6, -12), fontsize=9)
    right.axhline(unigram, color=ORANGE, linestyle="--", label="unigram")
    right.set(
        xscale="log",
        xlabel="parameters, on a logarithmic scale",
        ylabel="masked words right (%)",
        title="Here: small language, mean ± s.d.",
    )
    right.set_xticks(parameters, [f"{number:,}" for number in parameters])
    right.minorticks_off()  # of a logarithmic scale: they would lie between the four sizes and say nothing
    right.tick_params(axis="x", rotation=30)
    right.legend(loc="lower right")
    said = ", ".join(f"{name} {mean:.1f} ± {sd:.1f}%" for name, (mean, sd) in zip(sizes, found, strict=True))
    alt = Message(
        "Paper: perplexity falls from {first} with 3 layers to {last} with 24. Here, masked words right: "
        "{said}; unigram {unigram:.1f}%",
        first=MODEL_SIZES[0][3],
        last=MODEL_SIZES[-1][3],
        said=said,
        unigram=unigram,
    )
    return Picture(figure, title, alt)
