"""Figures and tables of lesson 02: the encoder block, attention maps, cost, one word through the layers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from course_lib.bert.configuration import BertConfiguration
from course_lib.figures.drawing import arrow, blank, box
from course_lib.figures.style import BLUE, GRAY, ORANGE, SKY, VERMILION, Picture, Table, new_figure
from course_lib.translation import Message, Verbatim, joined

SEEN, ADDED, WIDE = "#DCEAF6", "#FBE3B0", "#BEEBDD"  # attention, Add & Norm, feed-forward


def figure_encoder_block(configuration: BertConfiguration | None = None) -> Picture:
    """Draw one post-norm encoder block with its shapes (Vaswani et al. 2017, figure 1, left).

    Parameters
    ----------
    configuration : the model whose sizes are written beside the arrows; MiniLM's if left out.
    """
    c = configuration or BertConfiguration(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    )
    title = "One block of the BERT encoder"
    figure, axes = new_figure(5.8, 5.2)
    blank(axes, 10, 12)
    attention = Message(
        "multi-head self-attention\n{heads} heads of width {width}",
        heads=c.num_attention_heads,
        width=c.hidden_size // c.num_attention_heads,
    )
    steps = (
        (2.4, attention, SEEN),
        (4.9, "Add & Norm", ADDED),
        (7.4, "feed-forward\nlinear, GELU, linear", WIDE),
        (9.9, "Add & Norm", ADDED),
    )
    for y, text, color in steps:
        box(axes, 4.2, y, 4.4, 1.2 if "\n" in text else 0.9, text, color)
    state = f"(B, T, {c.hidden_size})"
    for start, end in ((0.7, 1.75), (3.05, 4.4), (5.4, 6.75), (8.05, 9.4), (10.4, 11.5)):
        arrow(axes, (4.2, start), (4.2, end), color=BLUE)
        axes.text(4.5, (start + end) / 2, state, va="center", fontsize=9.5, color=GRAY)
    for below, above in ((1.2, 4.9), (5.9, 9.9)):  # the residual connections
        axes.plot([4.2, 1.0, 1.0], [below, below, above], color=VERMILION, lw=1.6, ls="--")
        arrow(axes, (1.0, above), (1.95, above), color=VERMILION, ls="--")
        axes.text(
            0.75,
            (below + above) / 2,
            "residual",
            rotation=90,
            va="center",
            ha="center",
            fontsize=9.5,
            color=VERMILION,
        )
    axes.text(6.7, 2.4, "tokens exchange\ninformation", va="center", fontsize=9.5)
    inside = Message("each token by itself,\n{width} wide inside", width=c.intermediate_size)
    axes.text(6.7, 7.4, inside, va="center", fontsize=9.5)
    axes.text(6.7, 4.9, "the sum, normalized\ntoken by token", va="center", fontsize=9.5)
    axes.text(4.2, 0.35, "input of the block", ha="center", fontsize=10, weight="bold")
    axes.text(4.2, 11.65, "output, input of the next block", ha="center", fontsize=10, weight="bold")
    axes.set_title(title)
    alt = Message(
        "From the bottom: multi-head self-attention, Add and Norm, feed-forward with GELU, Add and Norm. A "
        "residual connection leads around attention and another around feed-forward, each into the Add and "
        "Norm behind it. Every arrow carries a tensor (B, T, {width}).",
        width=c.hidden_size,
    )
    return Picture(figure, title, alt)


def _heat_map(
    axes, values, tokens: Sequence[str], *, digits: int | None = None, largest: float | None = None
):
    """Draw a matrix with tokens on both axes; rows look, columns are looked at."""
    values, tokens = np.asarray(values), [Verbatim(token) for token in tokens]
    image = axes.imshow(values, cmap="Blues", vmin=min(0.0, float(values.min())), vmax=largest)
    axes.set_xticks(range(len(tokens)), tokens, rotation=90, fontsize=9)
    axes.set_yticks(range(len(tokens)), tokens, fontsize=9)
    axes.grid(False)
    if digits is not None:
        middle = (image.norm.vmin + image.norm.vmax) / 2
        for row, column in np.ndindex(values.shape):
            color = "white" if values[row, column] > middle else "black"
            axes.text(
                column,
                row,
                f"{values[row, column]:.{digits}f}",
                ha="center",
                va="center",
                fontsize=8.5,
                color=color,
            )
    return image


def figure_scores_to_weights(scores, weights, tokens: Sequence[str]) -> Picture:
    """Draw a matrix of attention scores and the weights that the softmax makes of it.

    Parameters
    ----------
    scores, weights : (T, T), rows of the weights sum to 1.
    tokens : the T tokens.
    """
    title = "From scores to attention weights"
    figure, (left, right) = new_figure(9.4, 4.4, columns=2)
    _heat_map(left, scores, tokens, digits=1)
    _heat_map(right, weights, tokens, digits=2, largest=1.0)
    left.set(title="scores: query · key / √D", xlabel="key", ylabel="query")
    right.set(title="weights: each row sums to 1", xlabel="key", ylabel="query")
    best = np.asarray(weights).argmax(1)
    pairs = ", ".join(f"{token} → {tokens[i]}" for token, i in zip(tokens, best, strict=True))
    return Picture(figure, title, Message("Largest weight of each query: {pairs}", pairs=pairs))


def figure_scale(
    widths: Sequence[int], raw: Sequence[float], scaled: Sequence[float], peaks: dict[str, Sequence[float]]
) -> Picture:
    """Draw the variance of scores and the largest softmax weight against the width of a head.

    Parameters
    ----------
    widths : widths of a head.
    raw, scaled : variance of the scores before and after the division by the root of the width.
    peaks : mean largest weight at each width, under the names ``raw`` and ``scaled``.
    """
    title = "Why scores are divided by √D"
    figure, (left, right) = new_figure(9.4, 3.7, columns=2)
    left.loglog(widths, raw, "o--", color=VERMILION, label="query · key")
    left.loglog(widths, scaled, "s-", color=BLUE, label="query · key / √D")
    left.set(title="Variance of a score", xlabel="width of a head, D", ylabel="variance")
    left.legend()
    right.semilogx(widths, peaks["raw"], "o--", color=VERMILION, label="without the division")
    right.semilogx(widths, peaks["scaled"], "s-", color=BLUE, label="with it")
    right.set(title="Largest weight of a row", xlabel="width of a head, D", ylabel="weight", ylim=(0, 1))
    right.legend(loc="center left")
    for axes in (left, right):
        axes.set_xticks(widths, [str(width) for width in widths])
        axes.minorticks_off()
    alt = Message(
        "From width {first} to {last}, the variance of a raw score grows from {a:.1f} to {b:.1f}, and the "
        "largest weight from {c:.2f} to {d:.2f}. With the division the variance stays near 1, and the "
        "largest weight goes from {e:.2f} to {f:.2f}.",
        first=widths[0],
        last=widths[-1],
        a=raw[0],
        b=raw[-1],
        c=peaks["raw"][0],
        d=peaks["raw"][-1],
        e=peaks["scaled"][0],
        f=peaks["scaled"][-1],
    )
    return Picture(figure, title, alt)


def figure_activations() -> Picture:
    """Draw GELU beside ReLU."""
    title = "GELU and ReLU"
    figure, axes = new_figure(6, 3.4)
    x = np.linspace(-4, 3, 281)
    gelu = np.array([value * 0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x])
    axes.plot(x, np.maximum(x, 0), "--", color=ORANGE, label="ReLU: max(0, x)")
    axes.plot(x, gelu, color=BLUE, label="GELU: x · Φ(x)")
    axes.set(title=title, xlabel="input x", ylabel="output")
    axes.legend()
    alt = "GELU is smooth, slightly negative for small negative inputs, and close to ReLU far from zero."
    return Picture(figure, title, alt)


def figure_attention_maps(maps: dict[str, object], tokens: Sequence[str]) -> Picture:
    """Draw the attention of chosen heads as heat maps: the static picture beside the interactive view.

    Parameters
    ----------
    maps : caption of each head, such as ``layer 0, head 2: previous token``, and its weights (T, T).
    tokens : the T tokens.
    """
    title = "Attention maps of real heads"
    columns = min(2, len(maps))
    rows = -(-len(maps) // columns)
    size = 1.4 + 0.24 * len(tokens)
    figure, grid = new_figure(size * columns + 0.8, size * rows, rows=rows, columns=columns, squeeze=False)
    for axes in grid.flat[len(maps) :]:
        axes.set_axis_off()
    shared = None
    for axes, (caption, weights) in zip(grid.flat, maps.items(), strict=False):
        shared = _heat_map(axes, weights, tokens, largest=1.0)
        axes.set(xlabel="looks at", ylabel="this token")
        axes.set_title(caption, fontsize=10.5)
    figure.colorbar(shared, ax=grid, label="attention weight", shrink=0.6)
    alt = Message(
        "Heat maps over the tokens {tokens}. {captions}.",
        tokens=" ".join(tokens),
        captions=joined("; ", map(Message, maps)),
    )
    return Picture(figure, title, alt)


def figure_all_heads(attentions, tokens: Sequence[str]) -> Picture:
    """Draw every head of every layer as a thumbnail.

    Parameters
    ----------
    attentions : (L, A, T, T).
    tokens : the T tokens.
    """
    attentions = np.asarray(attentions)
    layers, heads = attentions.shape[:2]
    title = "All heads at a glance"
    figure, grid = new_figure(0.82 * heads, 0.9 * layers + 0.4, rows=layers, columns=heads, squeeze=False)
    for (layer, head), axes in np.ndenumerate(grid):
        axes.imshow(attentions[layer, head], cmap="Blues", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
        if layer == 0:
            axes.set_title(Message("head {number}", number=head), fontsize=8.5, loc="center", weight="normal")
        if head == 0:
            axes.set_ylabel(Message("layer {number}", number=layer), fontsize=8.5)
    alt = Message(
        "One thumbnail for each of {heads} heads in each of {layers} layers, over the tokens {tokens}.",
        heads=heads,
        layers=layers,
        tokens=" ".join(tokens),
    )
    return Picture(figure, title, alt)


def figure_cost(
    lengths: Sequence[int],
    seconds: Sequence[float],
    linear: float,
    quadratic: float,
    weight_bytes: Sequence[int],
) -> Picture:
    """Draw measured time against length with its two fitted parts, and the memory of the attention weights.

    The alt text names no time: times differ from run to run.

    Parameters
    ----------
    lengths : sequence lengths.
    seconds : processor time of one block at each length.
    linear, quadratic : fitted seconds a token, and seconds a pair of tokens.
    weight_bytes : bytes that one block's attention weights take at each length.
    """
    title = "Cost of one block against sequence length"
    figure, (left, right) = new_figure(9.6, 3.9, columns=2)
    x = np.linspace(0, max(lengths), 200)
    left.stackplot(
        x,
        1e3 * linear * x,
        1e3 * quadratic * x**2,
        colors=["#BFE3F5", "#F9D2BF"],
        labels=["part that grows with T", "part that grows with T²"],
    )
    left.plot(lengths, [1e3 * value for value in seconds], "o", color="black", label="measured")
    for T, value in zip(lengths, seconds, strict=True):
        if max(lengths) <= 2 * T:  # below, two labels would touch
            share = quadratic * T / (linear + quadratic * T)
            place = {"xytext": (-8, 0), "textcoords": "offset points", "ha": "right", "va": "center"}
            left.annotate(f"T²: {share:.0%}", (T, 1e3 * value), **place)
    left.set(title="Time", xlabel="sequence length T (tokens)", ylabel="processor time (ms)")
    left.legend(loc="upper left")
    right.plot(lengths, [value / 2**20 for value in weight_bytes], "o", color=VERMILION)
    right.plot(x, weight_bytes[-1] / 2**20 * (x / lengths[-1]) ** 2, color=VERMILION)
    right.set(
        title="Memory of the attention weights", xlabel="sequence length T (tokens)", ylabel="memory (MiB)"
    )
    alt = Message(
        "Left: time measured at {n} lengths up to {longest} tokens, with a fitted straight part and a "
        "fitted quadratic part on top of it, whose share grows with the length. Right: memory of the "
        "attention weights, a parabola.",
        n=len(lengths),
        longest=max(lengths),
    )
    return Picture(figure, title, alt)


def figure_word_senses(
    word: str, within: Sequence[float], across: Sequence[float], first, last, labels: Sequence[str]
) -> Picture:
    """Draw what the layers do to one word in two senses.

    Parameters
    ----------
    word : the word.
    within, across : mean cosine of two occurrences in one sense and in two, by layer, the embeddings first.
    first, last : (N, N) cosines of all occurrences after the embeddings and after the last layer.
    labels : short names of the N occurrences, sorted by sense.
    """
    title = Message("The word “{word}” through the layers", word=word)
    figure, (left, middle, right) = new_figure(10.5, 3.9, columns=3, width_ratios=(1.25, 1, 1))
    steps = range(len(within))
    left.plot(steps, within, "o-", color=BLUE, label="same sense")
    left.plot(steps, across, "s--", color=VERMILION, label="different senses")
    left.fill_between(steps, within, across, color=SKY, alpha=0.2)
    left.set_xticks(steps, ["emb."] + [str(step) for step in steps[1:]])
    left.set(title="Mean cosine", xlabel="after layer", ylabel="cosine similarity")
    left.legend()
    lowest = float(min(np.asarray(first).min(), np.asarray(last).min()))
    for axes, cosines, name in ((middle, first, "Embeddings"), (right, last, "Last layer")):
        image = axes.imshow(np.asarray(cosines), cmap="Blues", vmin=lowest, vmax=1)
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8.5)
        axes.set_yticks(range(len(labels)), labels, fontsize=8.5)
        axes.set_title(name)
        axes.grid(False)
    figure.colorbar(image, ax=[middle, right], label="cosine similarity", shrink=0.8)
    alt = Message(
        "After the embeddings, two occurrences have a mean cosine of {a:.3f} in one sense and {b:.3f} in "
        "different senses; after the last layer {c:.3f} and {d:.3f}. In the matrix of the last layer the "
        "two senses form two squares.",
        a=within[0],
        b=across[0],
        c=within[-1],
        d=across[-1],
    )
    return Picture(figure, title, alt)


def table_parameters(counts: dict[str, dict[str, int]]) -> Table:
    """Return where the parameters are, model beside model.

    Parameters
    ----------
    counts : for each model, the number of parameters of each part.
    """
    parts = list(next(iter(counts.values())))
    rows = [[part, *(f"{count[part]:,}" for count in counts.values())] for part in parts]
    rows.append(["all", *(f"{sum(count.values()):,}" for count in counts.values())])
    return Table("Where the parameters are", ["part", *counts], rows)


def table_paper_and_here(rows: Sequence[tuple[str, str, int, int]]) -> Table:
    """Return the paper's parameter counts beside the exact ones.

    Parameters
    ----------
    rows : model, the paper's number, encoder with pooler, the same with both pre-training heads.
    """
    return Table(
        "Parameters: paper versus here",
        ["model", "paper", "encoder and pooler", "with pre-training heads"],
        [[name, paper, f"{encoder:,}", f"{pretraining:,}"] for name, paper, encoder, pretraining in rows],
        "Paper: Devlin et al. 2018, section 3. Here: counted by formula, equal to the library's modules.",
    )
