"""Figures 10 and 11, tables 10 and 11: text classification (lesson 08)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from course_lib.figures.style import (
    BLUE,
    GREEN,
    ORANGE,
    VERMILION,
    Picture,
    Table,
    new_figure,
    values_by_name,
)
from course_lib.finetuning.loop import History, TrainingConfiguration
from course_lib.translation import Message


def figure_10_data_preparation(lengths: Sequence[int], max_length: int, padding: dict[str, float]) -> Picture:
    """Draw figure 10: how long the texts are, and how much of a batch is padding.

    Parameters
    ----------
    lengths : word pieces of each text, special tokens counted, before truncation.
    max_length : where texts are cut.
    padding : share of padding slots for each way to make batches.
    """
    title = "Figure 10. Preparing texts: lengths, and what padding costs"
    figure, (left, right) = new_figure(9.4, 4.2, columns=2)
    left.hist(lengths, bins=30, color=BLUE, edgecolor="white")
    left.axvline(max_length, color=VERMILION, linestyle="--", label=Message("cut at {n}", n=max_length))
    left.set(xlabel="length of a review (word pieces)", ylabel="reviews", title="Lengths")
    left.legend()
    names = list(padding)
    bars = right.barh(range(len(names)), [100 * padding[name] for name in names], color=(ORANGE, BLUE, GREEN))
    right.bar_label(bars, fmt="%.0f%%", padding=4)
    right.set_yticks(range(len(names)), names)
    right.invert_yaxis()
    right.set(xlabel="slots that hold padding (%)", title="Padding", xlim=(0, 100))
    cut = float(np.mean(np.array(lengths) > max_length))
    alt = Message(
        "Median length {median:.0f} pieces, {cut:.0%} of the reviews are cut. Share of padding: {shares}",
        median=float(np.median(lengths)),
        cut=cut,
        shares=values_by_name(padding, "{name} {value:.0%}", "; "),
    )
    return Picture(figure, title, alt)


def figure_11_fine_tuning(history: History, smooth: int = 10) -> Picture:
    """Draw figure 11: the loss at each step, and the validation scores after each epoch."""
    title = "Figure 11. Fine-tuning: training loss and validation score"
    figure, (left, right) = new_figure(9, 4, columns=2)
    losses = np.array(history.losses)
    steps = np.arange(1, len(losses) + 1)
    left.plot(steps, losses, color=BLUE, alpha=0.35, label="each batch")
    if len(losses) >= smooth:
        mean = np.convolve(losses, np.ones(smooth) / smooth, mode="valid")
        left.plot(steps[smooth - 1 :], mean, color=BLUE, label=Message("mean of {n}", n=smooth))
    left.axhline(np.log(2), color=ORANGE, linestyle="--", label="a coin: ln 2")
    left.set(xlabel="updates", ylabel="loss (nats)", title="Training loss", ylim=(0, None))
    left.legend(loc="lower left")
    epochs = range(1, len(history.scores) + 1)
    accuracies, f1s = ([scores[name] for scores in history.scores] for name in ("accuracy", "f1"))
    # Both lines nearly coincide: the wider one below shows on both sides of the other.
    right.plot(
        epochs, accuracies, marker="o", markersize=9, linewidth=4, alpha=0.5, color=BLUE, label="accuracy"
    )
    right.plot(epochs, f1s, marker="s", markersize=4, linestyle="--", color=GREEN, label="F1")
    right.axhline(0.5, color=ORANGE, linestyle=":", label="a coin")
    right.set_xticks(list(epochs))
    right.set(xlabel="epoch", ylabel="score", title="Validation", ylim=(0.4, 1))
    right.legend(loc="lower right")
    # One decimal: the same on every machine. A mean of a quarter of the updates hardly moves.
    part = max(1, len(losses) // 4)
    alt = Message(
        "{n} updates. The mean loss of the first quarter is {first:.1f}, of the last quarter {last:.1f}; "
        "validation accuracy after the last epoch is {accuracy:.1f}",
        n=len(losses),
        first=losses[:part].mean(),
        last=losses[-part:].mean(),
        accuracy=history.scores[-1]["accuracy"] if history.scores else float("nan"),
    )
    return Picture(figure, title, alt)


def figure_confusion(matrix: np.ndarray, names: Sequence[str]) -> Picture:
    """Draw a confusion matrix, rows the truth, columns the prediction, as shares of each row."""
    title = "Confusion matrix on the test reviews"
    figure, axes = new_figure(4.6, 4.0)
    shares = matrix / matrix.sum(axis=1, keepdims=True)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), share in np.ndenumerate(shares):
        color = "white" if share > 0.55 else "black"
        axes.text(j, i, f"{share:.0%}", ha="center", va="center", color=color, fontsize=14)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.grid(False)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    recognized = dict(zip(names, shares.diagonal(), strict=True))
    alt = Message(
        "Share of each true class that is recognized, to one decimal: {shares}",
        shares=values_by_name(recognized, "{name} {value:.1f}"),
    )
    return Picture(figure, title, alt)


def table_10_settings(configuration: TrainingConfiguration, max_length: int) -> Table:
    """Return table 10: the settings of this run beside the paper's."""
    c = asdict(configuration)
    return Table(
        "Table 10. Settings of the model",
        ["setting", "paper", "here"],
        [
            ["model", "BERT-base, 110M", "MiniLM-L6-H384, 22.7M"],
            ["learning rate", "5e-5, 3e-5, 2e-5", f"{c['learning_rate']:g}"],
            ["batch size", "16, 32", c["batch_size"]],
            ["epochs", "2, 3, 4", c["epochs"]],
            ["warm-up", "10%", f"{c['warmup_share']:.0%}"],
            ["weight decay", "0.01", c["weight_decay"]],
            ["longest text (pieces)", "512", max_length],
            ["embeddings", "trained", "trained" if c["frozen"] == "none" else "frozen"],
        ],
        "Paper: Devlin et al. 2018, appendix A.3, and the original code (warm-up, weight decay).",
    )


def table_11_results(results: dict[str, dict[str, float]]) -> Table:
    """Return table 11: the models compared on the test part, accuracy and macro-F1."""
    return Table(
        "Table 11. Results on the test reviews",
        ["model", "accuracy", "F1"],
        [[name, f"{scores['accuracy']:.3f}", f"{scores['f1']:.3f}"] for name, scores in results.items()],
    )
