"""Figures and tables 1, 2, 7, 8: pre-training (lesson 06)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.data.small_world import Probe
from course_lib.figures.drawing import arrow, blank, box
from course_lib.figures.style import (
    BLUE,
    CYCLE,
    GRAY,
    GREEN,
    ORANGE,
    VERMILION,
    Picture,
    Table,
    new_figure,
    values_by_name,
)
from course_lib.pretraining.loop import PretrainingConfiguration, PretrainingHistory
from course_lib.studies.published import PRETRAINING_CORPORA, PRETRAINING_INFLUENCES
from course_lib.translation import Message, Verbatim

TEXT, WORK, LOSS, KEPT = "#FBE3B0", "#DCEAF6", "#F9D2BF", "#BEEBDD"


def figure_01_strategy() -> Picture:
    """Draw figure 1: from plain text to the weights, in one round of pre-training."""
    title = "Figure 1. Pre-training at a glance"
    figure, axes = new_figure(10.2, 5.2)
    blank(axes, 21.2, 10.8)
    steps = (
        (2.2, "plain text\n(documents)", TEXT),
        (6.0, "cleaned sentences,\nword pieces", TEXT),
        (9.9, "pairs A, B\n50% next, 50% random", WORK),
        (14.0, "15% of the tokens\nchosen, 80/10/10", WORK),
    )
    for (x, text, color), (end, _, _) in zip(steps, (*steps[1:], (None,) * 3), strict=True):
        box(axes, x, 9.6, 3.3, 1.3, text, color, fontsize=9)
        if end is not None:
            arrow(axes, (x + 1.7, 9.6), (end - 1.7, 9.6))
    arrow(axes, (15.7, 9.6), (17.4, 9.6))
    axes.text(17.6, 9.6, "[CLS] A [SEP] B [SEP]", va="center", fontsize=9, weight="bold", color=BLUE)
    arrow(axes, (19.4, 9.15), (19.4, 7.6), color=BLUE)
    axes.plot([19.4, 10.6], [7.6, 7.6], color=BLUE, lw=1.3)
    arrow(axes, (10.6, 7.6), (10.6, 6.85), color=BLUE)
    box(axes, 10.6, 6.2, 13.0, 1.2, "BERT encoder: every token attends to every token", WORK)
    for x, head, loss in (
        (6.4, "next-sentence head\non [CLS]: 2 classes", "NSP loss\nmean over the pairs"),
        (14.8, "masked-language-model head\non the chosen positions", "MLM loss\nmean over the chosen"),
    ):
        arrow(axes, (x, 5.55), (x, 5.0), color=BLUE)
        box(axes, x, 4.3, 5.2, 1.3, head, KEPT)
        arrow(axes, (x, 3.6), (x, 3.1), color=BLUE)
        box(axes, x, 2.5, 4.2, 1.1, loss, LOSS)
        arrow(axes, (x, 1.9), (10.6 + (1.6 if x > 10 else -1.6), 0.85), color=VERMILION)
    box(axes, 10.6, 0.6, 3.1, 0.8, "sum, gradient", LOSS)
    axes.plot([12.2, 20.4, 20.4], [0.6, 0.6, 6.2], color=VERMILION, lw=1.3, ls="--")
    arrow(axes, (20.4, 6.2), (17.2, 6.2), color=VERMILION, ls="--")
    arrow(axes, (20.4, 4.3), (17.5, 4.3), color=VERMILION, ls="--")  # the heads are updated, too
    axes.plot([9.0, 2.0, 2.0], [0.6, 0.6, 4.3], color=VERMILION, lw=1.3, ls="--")
    arrow(axes, (2.0, 4.3), (3.75, 4.3), color=VERMILION, ls="--")
    axes.text(20.3, 0.2, "AdamW updates all weights", fontsize=9.5, color=VERMILION, ha="right", va="center")
    axes.set_title(title)
    alt = (
        "Plain text is cleaned and cut into word pieces, pairs of segments are built, 15% of the tokens are "
        "chosen. The encoder feeds two heads: next-sentence on [CLS], masked words at the chosen positions. "
        "Their losses are added, and the gradient updates all weights, those of the encoder and of both heads."
    )
    return Picture(figure, title, alt)


def figure_02_and_fine_tuning() -> Picture:
    """Draw figure 2: pre-training once and without labels, fine-tuning many times with them."""
    title = "Figure 2. Pre-training and fine-tuning: one body, many heads"
    figure, axes = new_figure(9.8, 4.6)
    blank(axes, 21.2, 10)
    axes.text(3.4, 9.5, "Pre-training: once", weight="bold", ha="center", fontsize=12)
    axes.text(15.2, 9.5, "Fine-tuning: once for each task", weight="bold", ha="center", fontsize=12)
    axes.plot([7.1, 7.1], [0.3, 9.4], color=GRAY, lw=1, ls=":")
    box(axes, 3.4, 1.3, 5.0, 1.1, "billions of words, no labels", TEXT)
    arrow(axes, (3.4, 1.9), (3.4, 3.6))
    box(axes, 3.4, 4.5, 5.0, 1.7, "encoder\nfrom random weights", WORK)
    for x, text in ((2.0, "MLM head"), (4.8, "NSP head")):
        arrow(axes, (x, 5.4), (x, 6.6), color=BLUE)
        box(axes, x, 7.2, 2.5, 1.0, text, KEPT)
    axes.text(3.4, 8.4, "days on many devices", ha="center", fontsize=9.5, color=GRAY)
    arrow(axes, (5.95, 4.5), (8.3, 4.5), color=VERMILION, lw=2.4)
    axes.text(
        7.15,
        4.95,
        "weights",
        ha="center",
        fontsize=10,
        color=VERMILION,
        bbox={"fc": "white", "ec": "none", "pad": 1},
    )
    tasks = (
        ("text\nclassification", "texts, classes"),
        ("question\nanswering", "questions, answers"),
        ("named\nentities", "words, tags"),
        ("sentence\npairs", "pairs, relations"),
    )
    for number, (task, labels) in enumerate(tasks):
        x = 9.9 + 3.2 * number
        box(axes, x, 1.3, 2.9, 1.1, labels, TEXT, fontsize=9)
        arrow(axes, (x, 1.9), (x, 3.6))
        box(axes, x, 4.5, 2.9, 1.7, "the same encoder,\nall weights\nmove a little", WORK, fontsize=9)
        arrow(axes, (x, 5.4), (x, 6.6), color=BLUE)
        box(axes, x, 7.2, 2.9, 1.0, task, KEPT, fontsize=9.5)
    axes.text(
        14.7, 8.4, "minutes or hours on one device; the heads are new", ha="center", fontsize=9.5, color=GRAY
    )
    axes.set_title(title)
    alt = (
        "On the left, pre-training: text without labels, an encoder from random weights, two heads, days on "
        "many devices. An arrow named weights leads to four copies of the encoder on the right, each with "
        "labeled data of its own and a new head: text classification, question answering, named entities, "
        "sentence pairs."
    )
    return Picture(figure, title, alt)


def figure_07_cleaning(
    stages: Mapping[str, int], kinds: Mapping[str, int], lengths: Sequence[int], article: str
) -> Picture:
    """Draw figure 7: how much of an article survives each stage, what its markup held, and the sentences.

    Parameters
    ----------
    stages : characters left after each stage, the markup first.
    kinds : how often each kind of markup occurs in the article.
    lengths : words of each sentence that is kept.
    article : the article's title.
    """
    title = "Figure 7. Choosing and cleaning: what is left of an article"
    figure, (left, middle, right) = new_figure(10.6, 4.6, columns=3)
    names, first = list(stages), next(iter(stages.values()))
    bars = left.barh(
        range(len(names)), [count / 1000 for count in stages.values()], color=CYCLE[: len(names)]
    )
    left.bar_label(bars, [f"{count / first:.0%}" for count in stages.values()], padding=4)
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    left.set(
        xlabel="characters (thousands)", ylabel="stage", title="What is left", xlim=(0, 1.18 * first / 1000)
    )
    bars = middle.barh(range(len(kinds)), list(kinds.values()), color=GRAY)
    middle.bar_label(bars, padding=4)
    middle.set_yticks(range(len(kinds)), list(kinds))
    middle.invert_yaxis()
    middle.set(
        xlabel="occurrences", ylabel="kind of markup", title="What goes", xlim=(0, 1.2 * max(kinds.values()))
    )
    right.hist(lengths, bins=range(0, max(lengths) + 6, 5), color=BLUE, edgecolor="white")
    right.axvline(
        float(np.median(lengths)),
        color=VERMILION,
        linestyle="--",
        label=Message("median {n:.0f}", n=np.median(lengths)),
    )
    right.set(xlabel="words", ylabel="sentences", title="What stays")
    right.legend()
    alt = Message(
        "The article {article}. Characters left: {shares}. Markup found: {counted}. {n} sentences stay, "
        "with a median of {median:.0f} words",
        article=article,
        shares=values_by_name({name: n / first for name, n in stages.items()}, "{name} {value:.0%}"),
        counted=values_by_name(kinds, "{name} {value}"),
        n=len(lengths),
        median=np.median(lengths),
    )
    return Picture(figure, title, alt)


def figure_08_process(
    history: PretrainingHistory, baselines: Mapping[str, float], where: str, smooth: int = 20
) -> Picture:
    """Draw figure 8: the losses, the held-out accuracies with their baselines, and the learning rate.

    Parameters
    ----------
    history : of the run.
    baselines : ``mlm_loss`` and ``mlm_accuracy`` of the unigram model, ``nsp_accuracy`` of the majority.
    where : what was trained on, for the title.
    smooth : steps in the running mean of the training losses.
    """
    title = Message("Figure 8. The pre-training process: {where}", where=Message(where))
    figure, (left, middle, right) = new_figure(11, 4.8, columns=3)
    checked = [point["step"] for point in history.evaluations]
    for values, color, style, name in (
        (history.mlm_losses, BLUE, "-", "MLM, training"),
        (history.nsp_losses, GREEN, "--", "NSP, training"),
    ):
        width = min(smooth, len(values))
        mean = np.convolve(values, np.ones(width) / width, mode="valid")
        left.plot(history.steps[width - 1 :], mean, color=color, linestyle=style, label=name)
    held_out = [point["mlm_loss"] for point in history.evaluations]
    left.plot(checked, held_out, "o", color=BLUE, markersize=4, label="MLM, held out")
    left.axhline(baselines["mlm_loss"], color=ORANGE, linestyle=":", label="MLM, unigram")
    left.set(xlabel="updates", ylabel="loss (nats)", title="Loss", ylim=(0, None))
    left.legend(fontsize=9)
    for name, label, color, style in (
        ("mlm_accuracy", "MLM", BLUE, "-"),
        ("nsp_accuracy", "NSP", GREEN, "--"),
    ):
        values = [point[name] for point in history.evaluations]
        middle.plot(checked, values, marker="o", markersize=4, color=color, linestyle=style, label=label)
        middle.axhline(
            baselines[name], color=color, linestyle=":", label=Message("{name}, baseline", name=label)
        )
    middle.set(xlabel="updates", ylabel="accuracy", title="Held-out accuracy", ylim=(0, 1))
    middle.legend(fontsize=9)
    right.plot(history.steps, history.learning_rates, color=VERMILION)
    right.set(xlabel="updates", ylabel="learning rate", title="Warm-up, linear decay", ylim=(0, None))
    # No factor above the axis, where the title is.
    right.yaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
    last, peak = history.evaluations[-1], int(np.argmax(history.learning_rates))
    alt = Message(
        "After {step} updates on held-out text: MLM loss {loss:.2f}, MLM accuracy {mlm:.2f} (unigram "
        "{unigram:.2f}), NSP accuracy {nsp:.2f} (majority {majority:.2f}). The learning rate rises to its "
        "peak at update {peak}, then falls to 0",
        step=last["step"],
        loss=last["mlm_loss"],
        mlm=last["mlm_accuracy"],
        unigram=baselines["mlm_accuracy"],
        nsp=last["nsp_accuracy"],
        majority=baselines["nsp_accuracy"],
        peak=history.steps[peak],
    )
    return Picture(figure, title, alt)


def figure_rules(
    steps: Sequence[int], scores: Mapping[str, Sequence[float]], chances: Mapping[str, float]
) -> Picture:
    """Draw how each rule of the small language is learned: share of right answers against the update.

    Parameters
    ----------
    steps : updates at which the probes were asked.
    scores : for each rule, the accuracy at each of the steps.
    chances : for each rule, the accuracy of blind choice.
    """
    title = "Which rules are learned, and when"
    figure, panels = new_figure(12.4, 4.6, rows=2, columns=-(-len(scores) // 2), sharex=True, sharey=True)
    panels = panels.flatten()
    for axes, (rule, values), color in zip(panels, scores.items(), CYCLE, strict=False):
        axes.plot(steps, values, marker="o", markersize=3, color=color)
        axes.axhline(chances[rule], color=GRAY, linestyle=":")
        axes.set_title(rule, fontsize=10.5)
        axes.set(ylim=(0, 1.05))
    for axes in panels[len(scores) :]:
        axes.set_axis_off()
    for axes in panels[:: len(panels) // 2]:
        axes.set_ylabel("accuracy")
    for axes in panels[len(panels) // 2 : len(scores)]:
        axes.set_xlabel("updates")
    ends = values_by_name(
        {rule: (values[-1], chances[rule]) for rule, values in scores.items()},
        "{name} {value[0]:.2f} (chance {value[1]:.2f})",
    )
    return Picture(figure, title, Message("At the end: {ends}", ends=ends))


def table_01_steps() -> Table:
    """Return table 1: the main steps of pre-training, and where each stands in the library."""
    return Table(
        "Table 1. Main steps of pre-training",
        ["step", "what happens", "in the library", "lesson"],
        [
            [
                "choose and clean",
                "long documents of running text; markup, lists and tables go",
                "course_lib.data.wikipedia",
                "06",
            ],
            ["vocabulary", "WordPiece is trained on the text", "course_lib.bert.wordpiece", "03"],
            [
                "tokenize once",
                "pieces with the ends of sentences and documents",
                "course_lib.pretraining.corpus",
                "04",
            ],
            [
                "build pairs",
                "A and B are spans of sentences; B is random half of the time",
                "course_lib.pretraining.sentence_pairs",
                "05",
            ],
            ["mask", "15% of the tokens, 80/10/10", "course_lib.pretraining.masking", "04"],
            [
                "forward",
                "one encoder, two heads, the sum of two losses",
                "course_lib.pretraining.model",
                "06",
            ],
            [
                "update",
                "clipped gradient, AdamW, warm-up and linear decay",
                "course_lib.training.optimization",
                "06",
            ],
            [
                "watch and keep",
                "held-out accuracy against baselines; checkpoints",
                "course_lib.pretraining.loop",
                "06",
            ],
        ],
        "Devlin et al. 2018, section 3.1 and appendix A.2.",
    )


def table_02_influences() -> Table:
    """Return table 2: what influences what pre-training learns, with published evidence."""
    return Table(
        "Table 2. What influences what pre-training learns",
        ["what is changed", "from → to", "what it does", "source"],
        [[cell for cell in row[:3]] + [row[3]] for row in PRETRAINING_INFLUENCES],
        "Each row is meant to change one thing; numbers of different rows come from different models.",
    )


def table_07_corpora(ours: Sequence[tuple[str, str, str]] = ()) -> Table:
    """Return table 7: common corpora of pre-training.

    Parameters
    ----------
    ours : rows for the corpora at hand: name, size, what it is used for here.
    """
    rows = [[cell for cell in row[:3]] + [row[3]] for row in PRETRAINING_CORPORA]
    return Table(
        "Table 7. Common pre-training corpora",
        ["corpus", "size", "used for", "source"],
        rows + [[*row, "computed above"] for row in ours],
        "Words, tokens and gigabytes are not the same unit; each source counts its own.",
    )


def table_08_techniques(configuration: PretrainingConfiguration) -> Table:
    """Return table 8: the techniques of pre-training, the paper's values beside those of a run.

    Parameters
    ----------
    configuration : of the run here.
    """
    here, paper = configuration, PretrainingConfiguration.of_paper()
    lengths = lambda c: " → ".join(str(stage.max_length) for stage in c.stages)  # noqa: E731
    size = lambda c: f"{c.model.num_hidden_layers} × {c.model.hidden_size}"  # noqa: E731
    share = lambda c: f"{c.warmup_steps / c.steps:.0%}"  # noqa: E731
    pairs = lambda c: c.stages[0].batch_size * c.accumulation  # noqa: E731
    return Table(
        "Table 8. Techniques of pre-training",
        ["technique", "paper", "here", "what it is for"],
        [
            [
                "joint loss",
                "MLM + NSP",
                f"MLM + {here.objective.upper()}",
                "words and sentences from one pass, unweighted",
            ],
            ["layers × width", size(paper), size(here), "what the model can hold"],
            [
                "sequence length",
                lengths(paper),
                lengths(here),
                "most steps short and cheap, the last ones long",
            ],
            ["pairs in a batch", f"{pairs(paper)}", f"{pairs(here)}", "a steadier gradient"],
            [
                "updates",
                f"{paper.steps:,}",
                f"{here.steps:,}",
                "more updates, lower loss",
            ],
            [
                "AdamW, peak learning rate",
                f"{paper.learning_rate:g}",
                f"{here.learning_rate:g}",
                "small models bear larger steps",
            ],
            ["warm-up", share(paper), share(here), "Adam's running means rest on few batches at first"],
            ["learning rate decay", "linear to 0", "linear to 0", "settles at the end"],
            [
                "weight decay",
                f"{paper.weight_decay:g}",
                f"{here.weight_decay:g}",
                "matrices only; not biases, not LayerNorm",
            ],
            [
                "gradient clipping",
                f"{paper.clip:g}",
                f"{here.clip:g}",
                "one bad batch cannot ruin the weights",
            ],
            [
                "dropout",
                f"{paper.model.hidden_dropout_prob:g}",
                f"{here.model.hidden_dropout_prob:g}",
                "against learning by heart; needless where no text comes twice",
            ],
            ["masks", "static, 10 copies", "dynamic", "other words hidden at each pass"],
            ["precision", "not stated", here.precision, "half the memory; the weights stay in float32"],
        ],
        "Paper: Devlin et al. 2018, appendix A.2, and the original code (clipping, masks).",
    )


def table_probes(probes: Mapping[str, Sequence[Probe]]) -> Table:
    """Return one probe of each rule of the small language: the word that obeys it and one that breaks it.

    Parameters
    ----------
    probes : by rule; the first of each is shown.
    """
    return Table(
        "One question for each rule of the small language",
        ["rule", "story | question", "right", "wrong"],
        [
            [
                rule,
                Verbatim(f"{probe.first} | {probe.second}"),
                Verbatim(probe.right),
                Verbatim(probe.wrong[0]),
            ]
            for rule, (probe, *_) in probes.items()
        ],
    )


def table_accuracy(evaluation: Mapping[str, float], baselines: Mapping[str, float]) -> Table:
    """Return both tasks' held-out accuracy beside what needs no context."""
    return Table(
        "Held-out accuracy",
        ["task", "baseline", "without context", "the model"],
        [
            [task, name, f"{baselines[key]:.3f}", f"{evaluation[key]:.3f}"]
            for task, name, key in (
                ("masked words", "the most frequent word", "mlm_accuracy"),
                ("next sentence", "the commoner label", "nsp_accuracy"),
            )
        ],
    )


def table_rules(scores: Mapping[str, float], chances: Mapping[str, float]) -> Table:
    """Return the share of probes answered right for each rule, beside blind choice."""
    return Table(
        "Which rules were learned",
        ["rule", "blind choice", "right"],
        [[rule, f"{chances[rule]:.2f}", f"{score:.2f}"] for rule, score in scores.items()],
    )


def table_devices(rows: Sequence[tuple[str, float, int, float, float]]) -> Table:
    """Return what a run takes on several machines.

    Parameters
    ----------
    rows : name, peak (operations a second of one device), devices, utilization, days.
    """
    return Table(
        "BERT-base, the paper's million steps: days by machine",
        ["machine", "peak of one device", "devices", "share of the peak", "days"],
        [
            [name, f"{peak / 1e12:g} TFLOPS", devices, f"{share:.0%}", f"{value:,.1f}"]
            for name, peak, devices, share, value in rows
        ],
        "Peaks as the makers publish them, 16-bit matrix products without sparsity. Shares of the peak are "
        "assumed, unless a row says otherwise.",
    )
