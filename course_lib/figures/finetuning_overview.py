"""Figure 9, table 9, and the comparisons of lesson 07: frameworks, freezing, pre-trained against random."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.drawing import arrow, blank, box
from course_lib.figures.style import CYCLE, GREEN, LINES, ORANGE, PURPLE, SKY, Picture, Table, new_figure
from course_lib.finetuning.loop import TrainingConfiguration
from course_lib.translation import translate

BODY = "#DCEAF6"


def figure_09_one_body_four_heads(parameters: Mapping[str, int]) -> Picture:
    """Draw figure 9: the fine-tuning strategy.

    Parameters
    ----------
    parameters : number of parameters of ``body`` and of each head: ``class``, ``tags``, ``span``, ``choice``.
    """
    title = translate("Figure 9. The fine-tuning strategy: one body, four heads")
    heads = (
        (
            "class",
            translate("class of a text"),
            translate("reads [CLS]"),
            translate("review → positive"),
            SKY,
        ),
        (
            "tags",
            translate("tag of each word"),
            translate("reads every token"),
            translate("Ada → person"),
            "#8FD3BC",
        ),
        (
            "span",
            translate("start and end"),
            translate("reads every token"),
            translate("question → span"),
            "#F6C667",
        ),
        (
            "choice",
            translate("score of a choice"),
            translate("reads [CLS]"),
            translate("ending → score"),
            "#E9B8D3",
        ),
    )
    edges = dict(zip(("class", "tags", "span", "choice"), (CYCLE[0], GREEN, ORANGE, PURPLE), strict=True))
    figure, axes = new_figure(10, 5.0)
    blank(axes, 20, 9.6)
    text = (
        translate("pre-trained body: embeddings, Transformer blocks, pooler")
        + "\n"
        + translate("{n} parameters, the same for every task").format(n=f"{parameters['body']:,}")
    )
    box(axes, 10, 3.2, 19, 1.5, text, BODY, fontsize=11)
    box(axes, 10, 0.7, 19, 0.9, translate("[CLS]  text A  [SEP]  text B  [SEP]"))
    arrow(axes, (10, 1.2), (10, 2.35))
    for i, (name, what, reads, example, color) in enumerate(heads):
        x = 2.65 + 4.9 * i
        arrow(axes, (x, 4.0), (x, 5.05), color=edges[name])
        axes.text(x + 0.15, 4.5, reads, fontsize=9, va="center")
        count = translate("{n} parameters").format(n=f"{parameters[name]:,}")
        box(axes, x, 5.9, 4.5, 1.6, f"{what}\n{count}", color, edge=edges[name])
        arrow(axes, (x, 6.75), (x, 7.6), color=edges[name])
        axes.text(x, 8.0, example, fontsize=10, ha="center", va="center", style="italic")
    axes.set_title(title)
    listed = "; ".join(f"{what} {parameters[name]:,}" for name, what, *_ in heads)
    alt = translate(
        "One pre-trained body with {body} parameters reads [CLS] text A [SEP] text B [SEP]. One of four small heads "
        "stands on it, by the task. Parameters of the heads: {heads}"
    ).format(body=f"{parameters['body']:,}", heads=listed)
    return Picture(figure, title, alt)


def table_09_techniques(configuration: TrainingConfiguration) -> Table:
    """Return table 9: the techniques of fine-tuning, in the paper and here, and why."""
    c = configuration
    return Table(
        translate("Table 9. Techniques used in fine-tuning"),
        [translate("technique"), translate("paper"), translate("here"), translate("why")],
        [
            [translate("pre-trained body"), "BERT-base, BERT-large", "MiniLM-L6-H384",
             translate("the task's few labels need not teach the language")],
            [translate("new head"), translate("one layer a task"), translate("one layer a task"),
             translate("little that starts from nothing")],
            [translate("optimizer"), translate("Adam with decay 0.01"), f"AdamW, {c.weight_decay:g}",
             translate("no decay on biases and LayerNorm")],
            [translate("learning rate"), "5e-5, 3e-5, 2e-5", f"{c.learning_rate:g}",
             translate("small: what is known must not be washed out")],
            [translate("warm-up, then linear decay"), "10%", f"{c.warmup_share:.0%}",
             translate("the first updates of Adam are rough")],
            [translate("gradient clipping"), translate("norm 1"), translate("norm {n:g}").format(n=c.clip),
             translate("one odd batch cannot ruin the weights")],
            [translate("dropout"), "0.1", translate("0.1; in attention {p:g}").format(p=c.attention_dropout),
             translate("against learning the rows by heart")],
            [translate("batch size"), "16, 32", f"{c.batch_size}", translate("small data, small batches")],
            [translate("epochs"), "2, 3, 4", f"{c.epochs}",
             translate("by validation data; here: what is quick")],
            [translate("length buckets"), "–", translate("pools of 32 batches"),
             translate("less padding, the same words in less time")],
            [translate("freezing"), translate("none"),
             translate(c.frozen),
             translate("less to train and to store")],
        ],
        translate("Paper: Devlin et al. 2018, section 4, appendix A.3, and the original code (clipping, warm-up)."),
    )  # fmt: skip


def table_four_heads(rows: Sequence[tuple[str, tuple[int, ...], tuple[int, ...], int, str]]) -> Table:
    """Return the heads with what goes in, what comes out, and their size.

    Parameters
    ----------
    rows : task, shape that the head reads, shape of the scores, parameters, lesson.
    """
    return Table(
        translate("Four heads on one body"),
        [
            translate("task"),
            translate("reads"),
            translate("scores"),
            translate("parameters"),
            translate("lesson"),
        ],
        [[task, str(reads), str(scores), f"{size:,}", lesson] for task, reads, scores, size, lesson in rows],
    )


def figure_same_losses(losses: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the loss of each way to write the same training, and how far each is from the first.

    Parameters
    ----------
    losses : by name, the loss of each update; the first is the reference.
    """
    title = translate("Three ways to write one training")
    names = list(losses)
    steps = np.arange(1, len(losses[names[0]]) + 1)
    figure, (left, right) = new_figure(10, 3.5, columns=2)
    gaps = {}
    for i, name in enumerate(names):
        left.plot(
            steps, losses[name], color=CYCLE[i], linestyle=LINES[i], linewidth=2.4 - 0.6 * i, label=name
        )
        if i:
            gaps[name] = np.abs(np.array(losses[name]) - np.array(losses[names[0]]))
            right.plot(steps, gaps[name], color=CYCLE[i], linestyle=LINES[i], label=name)
    right.axhline(1e-4, color="black", linewidth=1, label=translate("allowed: 1e-4"))
    left.set(
        xlabel=translate("update"), ylabel=translate("loss (nats)"), title=translate("Loss"), ylim=(0, None)
    )
    right.set(
        xlabel=translate("update"),
        ylabel=translate("difference (nats)"),
        title=translate("Distance from the plain loop"),
        ylim=(-5e-6, 1.4e-4),
    )
    left.legend()
    right.legend(loc="upper left")
    within = all(gap.max() <= 1e-4 for gap in gaps.values())
    alt = translate(
        "{n} updates, written {ways} ways. The loss goes from {first:.2f} to {last:.2f}; {verdict} at every update"
    ).format(
        n=len(steps),
        ways=len(names),
        first=losses[names[0]][0],
        last=losses[names[0]][-1],
        verdict=translate("the ways agree to 1e-4") if within else translate("the ways do not agree to 1e-4"),
    )
    return Picture(figure, title, alt)


def figure_pretrained_or_random(
    pretrained: Sequence[float], random: Sequence[float], smooth: int = 5
) -> Picture:
    """Draw the training loss from pre-trained and from random weights, on the same batches."""
    title = translate("The same batches, from pre-trained and from random weights")
    figure, axes = new_figure(8, 3.4)
    ends = {}
    for i, (name, losses) in enumerate(
        ((translate("pre-trained"), pretrained), (translate("random"), random))
    ):
        values = np.array(losses)
        steps = np.arange(1, len(values) + 1)
        mean = np.convolve(values, np.ones(smooth) / smooth, mode="valid")
        axes.plot(steps, values, color=CYCLE[i], alpha=0.25)
        axes.plot(steps[smooth - 1 :], mean, color=CYCLE[i], linestyle=LINES[i], label=name)
        ends[name] = values[-smooth:].mean()
    axes.set(xlabel=translate("update"), ylabel=translate("loss (nats)"), title=title, ylim=(0, None))
    axes.legend()
    ended = ", ".join(f"{name} {value:.2f}" for name, value in ends.items())
    alt = translate("Mean loss of the last {n} updates: {ended}").format(n=smooth, ended=ended)
    return Picture(figure, title, alt)


def table_strategies(rows: Sequence[dict], live: Mapping[str, float] | None = None) -> Table:
    """Return what was frozen, what it cost and how well it did: mean ± s.d. over the seeds.

    Parameters
    ----------
    rows : of the recording ``freezing``.
    live : by name, an F1 (%) measured just now.
    """
    live = live or {}
    whole = next(row for row in rows if row["name"] == "nothing frozen")
    reference = statistics.mean(whole["processor_seconds"])
    cells = []
    for row in sorted(rows, key=lambda row: -row["trainable"]):
        cells.append(
            [
                translate(row["name"]),
                f"{row['trainable']:,}",
                f"{row['rate']:g}",
                f"{statistics.mean(row['processor_seconds']) / reference:.2f}",
                f"{statistics.mean(row['f1']):.1f} ± {statistics.stdev(row['f1']):.1f}",
                *([f"{live[row['name']]:.1f}" if row["name"] in live else "–"] if live else []),
            ]
        )
    columns = [
        translate("strategy"),
        translate("trained parameters"),
        translate("rate"),
        translate("time (share)"),
        translate("entity F1, recorded (%)"),
        *([translate("live (%)")] if live else []),
    ]
    note = translate(
        "Mean ± s.d. over {n} seeds, test part. Time: of one training, compared with nothing frozen."
    )
    return Table(
        translate("Freezing, and starting from random weights"),
        columns,
        cells,
        note.format(n=len(whole["f1"])),
    )


def table_buckets(trainings: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> Table:
    """Return the scores of length buckets and of random batches, and the mean difference with its error.

    Parameters
    ----------
    trainings : by name; each has ``buckets`` and ``random``, with a ``score`` in % for each seed.
    """
    rows = []
    for name, found in trainings.items():
        scores = {kind: found[kind]["score"] for kind in ("buckets", "random")}
        apart = np.subtract(scores["buckets"], scores["random"])  # (seeds,): the seeds are the same in both
        rows.append(
            [
                translate(name),
                len(apart),
                *(f"{statistics.mean(v):.1f} ± {statistics.stdev(v):.1f}" for v in scores.values()),
                f"{apart.mean():+.1f}",
                f"{apart.std(ddof=1) / len(apart) ** 0.5:.1f}",
            ]
        )
    columns = ("training", "seeds", "buckets", "random", "difference", "error")
    return Table(
        translate("Length buckets and random batches (%)"),
        [translate(column) for column in columns],
        rows,
        translate(
            "Mean ± s.d. over the seeds: F1 of the entities, accuracy of the reviews. The error is that of the difference."
        ),
    )


def table_what_each_hides() -> Table:
    """Return who writes which part of a training."""
    you, it = translate("you"), translate("the framework")
    rows = [
        [translate("task loss"), you, translate("you: compute_loss"), translate("you: training_step")],
        [translate("order and padding of batches"), you, translate("you, or its default"), you],
        [translate("optimizer groups"), you, translate("you, or its default (decay 0)"),
         translate("you: configure_optimizers")],
        [translate("schedule"), you, translate("you, or its default"), translate("you: configure_optimizers")],
        [translate("zero_grad, backward, step"), you, it, it],
        [translate("clipping"), you, translate("max_grad_norm"), translate("gradient_clip_val")],
        # Lightning only warns of a model in evaluation mode; it restores modes after a validation of its own.
        [translate("train() before an epoch"), you, it, you],
        [translate("eval() to score, and back"), you, it, it],
        [translate("device, 16-bit numbers, many GPUs"), you, it, it],
        [translate("checkpoints, logs, resuming"), you, it, it],
    ]  # fmt: skip
    return Table(
        translate("What each way hides: who writes which part"),
        [translate("part"), translate("plain PyTorch"), "Hugging Face Trainer", "PyTorch Lightning"],
        rows,
    )


def table_what_to_choose() -> Table:
    """Return what to choose when, as a rule of thumb."""
    rows = [
        [translate("a laptop, some hundred labels"), translate("pre-trained, embeddings frozen"),
         translate("no lower score in our record, less time and memory")],
        [translate("a GPU, thousands of labels"), translate("pre-trained, nothing frozen"), translate("the paper's way")],
        [translate("many tasks on one machine"), translate("whole body frozen, one head a task"),
         translate("one body in memory, its states computed once; expect a lower score")],
        [translate("text unlike any in pre-training"), translate("pre-train further, then fine-tune"),
         translate("more text of that kind costs no labels; not shown here")],
        [translate("a large corpus and a large budget"), translate("random weights, pre-training of your own"),
         translate("labels alone are not enough for it")],
        [translate("to understand or to change the loop"), translate("plain PyTorch"), translate("nothing is hidden")],
        [translate("standard task, GPUs"), "Trainer", translate("least to write and to maintain")],
        [translate("own losses, several optimizers, GPUs"), "Lightning", translate("your steps, its machinery")],
    ]  # fmt: skip
    return Table(
        translate("What to choose when: rules of thumb"),
        [translate("you have"), translate("choose"), translate("because")],
        rows,
    )
