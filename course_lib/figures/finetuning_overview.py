"""Figure 9, table 9, and the comparisons of lesson 07: frameworks, freezing, pre-trained against random."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.figures.drawing import arrow, blank, box
from course_lib.figures.style import (
    CYCLE,
    GREEN,
    LINES,
    ORANGE,
    PURPLE,
    SKY,
    Picture,
    Table,
    new_figure,
    values_by_name,
)
from course_lib.finetuning.loop import TrainingConfiguration
from course_lib.translation import Message, joined

BODY = "#DCEAF6"


def figure_09_one_body_four_heads(parameters: Mapping[str, int]) -> Picture:
    """Draw figure 9: the fine-tuning strategy.

    Parameters
    ----------
    parameters : number of parameters of ``body`` and of each head: ``class``, ``tags``, ``span``, ``choice``.
    """
    title = "Figure 9. The fine-tuning strategy: one body, four heads"
    heads = (
        ("class", "class of a text", "reads [CLS]", "review → positive", SKY),
        ("tags", "tag of each word", "reads every token", "Ada → person", "#8FD3BC"),
        ("span", "start and end", "reads every token", "question → span", "#F6C667"),
        ("choice", "score of a choice", "reads [CLS]", "ending → score", "#E9B8D3"),
    )
    edges = dict(zip(("class", "tags", "span", "choice"), (CYCLE[0], GREEN, ORANGE, PURPLE), strict=True))
    figure, axes = new_figure(7.4, 4.1)
    blank(axes, 20, 9.6)
    text = Message(
        "pre-trained body: embeddings, Transformer blocks, pooler\n{n:,} parameters, the same for every task",
        n=parameters["body"],
    )
    box(axes, 10, 3.2, 19, 1.5, text, BODY, fontsize=11)
    box(axes, 10, 0.7, 19, 0.9, "[CLS]  text A  [SEP]  text B  [SEP]")
    arrow(axes, (10, 1.2), (10, 2.35))
    for i, (name, what, reads, example, color) in enumerate(heads):
        x = 2.65 + 4.9 * i
        arrow(axes, (x, 4.0), (x, 5.05), color=edges[name])
        axes.text(x + 0.15, 4.5, reads, fontsize=9, va="center")
        text = Message("{what}\n{n:,} parameters", what=Message(what), n=parameters[name])
        box(axes, x, 5.9, 4.5, 1.6, text, color, edge=edges[name])
        arrow(axes, (x, 6.75), (x, 7.6), color=edges[name])
        axes.text(x, 8.0, example, fontsize=10, ha="center", va="center", style="italic")
    axes.set_title(title)
    sizes = (Message("{what} {n:,}", what=Message(what), n=parameters[name]) for name, what, *_ in heads)
    alt = Message(
        "One pre-trained body with {body:,} parameters reads [CLS] text A [SEP] text B [SEP]. One of four "
        "small heads sits on it, depending on the task. Parameters of the heads: {heads}",
        body=parameters["body"],
        heads=joined("; ", sizes),
    )
    return Picture(figure, title, alt)


def table_09_techniques(configuration: TrainingConfiguration) -> Table:
    """Return table 9: the techniques of fine-tuning, in the paper and here, and why."""
    c = configuration
    return Table(
        "Table 9. Techniques used in fine-tuning",
        ["technique", "paper", "here", "why"],
        [
            [
                "pre-trained body",
                "BERT-base, BERT-large",
                "MiniLM-L6-H384",
                "the task's few labels need not teach the language",
            ],
            ["new head", "one layer per task", "one layer per task", "little that starts from nothing"],
            [
                "optimizer",
                "Adam with decay 0.01",
                f"AdamW, {c.weight_decay:g}",
                "no decay on biases and LayerNorm",
            ],
            [
                "learning rate",
                "5e-5, 3e-5, 2e-5",
                f"{c.learning_rate:g}",
                "small: what is known must not be washed out",
            ],
            [
                "warm-up, then linear decay",
                "10%",
                f"{c.warmup_share:.0%}",
                "the first updates of Adam are rough",
            ],
            [
                "gradient clipping",
                "norm 1",
                Message("norm {n:g}", n=c.clip),
                "one odd batch cannot ruin the weights",
            ],
            [
                "dropout",
                "0.1",
                Message("0.1; in attention {p:g}", p=c.attention_dropout),
                "against learning the rows by heart",
            ],
            ["batch size", "16, 32", f"{c.batch_size}", "small data, small batches"],
            ["epochs", "2, 3, 4", f"{c.epochs}", "by validation data; here: what is quick"],
            ["length buckets", "–", "pools of 32 batches", "less padding, the same words in less time"],
            [
                "freezing",
                "none",
                c.frozen,
                "less to train and to store",
            ],
        ],
        "Paper: Devlin et al. 2018, section 4, appendix A.3, and the original code (clipping, warm-up).",
    )


def table_four_heads(rows: Sequence[tuple[str, tuple[int, ...], tuple[int, ...], int, str]]) -> Table:
    """Return the heads with what goes in, what comes out, and their size.

    Parameters
    ----------
    rows : task, shape that the head reads, shape of the scores, parameters, lesson.
    """
    return Table(
        "Four heads on one body",
        ["task", "reads", "scores", "parameters", "lesson"],
        [[task, str(reads), str(scores), f"{size:,}", lesson] for task, reads, scores, size, lesson in rows],
    )


def figure_same_losses(losses: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the loss of each way to write the same training, and how far each is from the first.

    Parameters
    ----------
    losses : by name, the loss of each update; the first is the reference.
    """
    title = "Four ways to write one training"
    names = list(losses)
    steps = np.arange(1, len(losses[names[0]]) + 1)
    figure, (left, right) = new_figure(10, 3.5, columns=2)
    gaps = {}
    for i, name in enumerate(names):
        left.plot(
            steps, losses[name], color=CYCLE[i], linestyle=LINES[i], linewidth=2.6 - 0.5 * i, label=name
        )
        if i:
            gaps[name] = np.abs(np.array(losses[name]) - np.array(losses[names[0]]))
            right.plot(steps, gaps[name], color=CYCLE[i], linestyle=LINES[i], label=name)
    right.axhline(1e-4, color="black", linewidth=1, label="allowed: 1e-4")
    left.set(xlabel="update", ylabel="loss (nats)", title="Loss", ylim=(0, None))
    right.set(
        xlabel="update",
        ylabel="difference (nats)",
        title="Distance from the plain loop",
        ylim=(-5e-6, 1.4e-4),
    )
    left.legend()
    right.legend(loc="upper left")
    within = all(gap.max() <= 1e-4 for gap in gaps.values())
    alt = Message(
        "{n} updates, written {ways} ways. The loss goes from {first:.2f} to {last:.2f}; {verdict} at every "
        "update",
        n=len(steps),
        ways=len(names),
        first=losses[names[0]][0],
        last=losses[names[0]][-1],
        verdict=Message("the ways agree to 1e-4" if within else "the ways do not agree to 1e-4"),
    )
    return Picture(figure, title, alt)


def figure_pretrained_or_random(
    pretrained: Sequence[float], random: Sequence[float], smooth: int = 5
) -> Picture:
    """Draw the training loss from pre-trained and from random weights, on the same batches."""
    title = "The same batches, from pre-trained and from random weights"
    figure, axes = new_figure(8, 3.4)
    ends = {}
    for i, (name, losses) in enumerate((("pre-trained", pretrained), ("random", random))):
        values = np.array(losses)
        steps = np.arange(1, len(values) + 1)
        mean = np.convolve(values, np.ones(smooth) / smooth, mode="valid")
        axes.plot(steps, values, color=CYCLE[i], alpha=0.25)
        axes.plot(steps[smooth - 1 :], mean, color=CYCLE[i], linestyle=LINES[i], label=name)
        ends[name] = values[-smooth:].mean()
    axes.set(xlabel="update", ylabel="loss (nats)", title=title, ylim=(0, None))
    axes.legend()
    alt = Message("Mean loss of the last {n} updates: {ends}", n=smooth, ends=values_by_name(ends))
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
                row["name"],
                f"{row['trainable']:,}",
                f"{row['rate']:g}",
                f"{statistics.mean(row['processor_seconds']) / reference:.2f}",
                f"{statistics.mean(row['f1']):.1f} ± {statistics.stdev(row['f1']):.1f}",
                *([f"{live[row['name']]:.1f}" if row["name"] in live else "–"] if live else []),
            ]
        )
    columns = [
        "strategy",
        "trained parameters",
        "rate",
        "time (share)",
        "entity F1, recorded (%)",
        *(["live (%)"] if live else []),
    ]
    note = Message(
        "Mean ± s.d. over {n} seeds, test part. Time: of one training, compared with nothing frozen.",
        n=len(whole["f1"]),
    )
    return Table("Freezing, and starting from random weights", columns, cells, note)


def table_buckets(runs: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> Table:
    """Return the scores of length buckets and of random batches, and the mean difference with its error.

    Parameters
    ----------
    runs : by name; each has ``buckets`` and ``random``, with a ``score`` in % for each seed.
    """
    rows = []
    for name, found in runs.items():
        scores = {kind: found[kind]["score"] for kind in ("buckets", "random")}
        apart = np.subtract(scores["buckets"], scores["random"])  # (seeds,): the seeds are the same in both
        rows.append(
            [
                name,
                len(apart),
                *(f"{statistics.mean(v):.1f} ± {statistics.stdev(v):.1f}" for v in scores.values()),
                f"{apart.mean():+.1f}",
                f"{apart.std(ddof=1) / len(apart) ** 0.5:.1f}",
            ]
        )
    columns = ("training", "seeds", "buckets", "random", "difference", "error")
    return Table(
        "Length buckets and random batches (%)",
        [column for column in columns],
        rows,
        "Mean ± s.d. over the seeds: F1 of the entities, accuracy of the reviews. The error is that of the "
        "difference.",
    )


def table_what_each_hides() -> Table:
    """Return who writes which part of a training."""
    you, it = "you", "the framework"
    rows = [
        ["task loss", you, "you: compute_loss", "you: training_step", "you: compute_loss"],
        ["order and padding of batches", you, "you, or its default", you, you],
        [
            "optimizer groups",
            you,
            "you, or its default (decay 0)",
            "you: configure_optimizers",
            "you: exclude_from_weight_decay",
        ],
        ["schedule", you, "you, or its default", "you: configure_optimizers", "you, or none"],
        ["zero_grad, backward, step", you, it, it, it],
        ["clipping", you, "max_grad_norm", "gradient_clip_val", "global_clipnorm"],
        # Lightning only warns of a model in evaluation mode; it restores modes after a validation of its own.
        ["train() before an epoch", you, it, you, it],
        ["eval() to score, and back", you, it, it, it],
        # Keras has no distribution of its own for torch.
        ["device, 16-bit numbers", you, it, it, it],
        ["many GPUs", you, it, it, you],
        ["checkpoints, logs, resuming", you, it, it, it],
    ]
    return Table(
        "What each way hides: who writes which part",
        ["part", "plain PyTorch", "Hugging Face Trainer", "PyTorch Lightning", "Keras 3 on PyTorch"],
        rows,
    )


def table_what_to_choose() -> Table:
    """Return what to choose when, as a rule of thumb."""
    rows = [
        [
            "a laptop, some hundred labels",
            "pre-trained, embeddings frozen",
            "no lower score in our record, less time and memory",
        ],
        ["a GPU, thousands of labels", "pre-trained, nothing frozen", "the paper's way"],
        [
            "many tasks on one machine",
            "whole body frozen, one head per task",
            "one body in memory, its states computed once; expect a lower score",
        ],
        [
            "text unlike any in pre-training",
            "pre-train further, then fine-tune",
            "more text of that kind costs no labels; not shown here",
        ],
        [
            "a large corpus and a large budget",
            "random weights, pre-training of your own",
            "labels alone are not enough for it",
        ],
        ["to understand or to change the loop", "plain PyTorch", "nothing is hidden"],
        ["standard task, GPUs", "Trainer", "least to write and to maintain"],
        ["own losses, several optimizers, GPUs", "Lightning", "your steps, its machinery"],
    ]
    return Table("What to choose when: rules of thumb", ["you have", "choose", "because"], rows)
