"""Figures and tables of lesson 02: the encoder block, attention maps, cost, one word through the layers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from course_lib.bert.configuration import BertConfiguration
from course_lib.figures.drawing import arrow, blank, box
from course_lib.figures.style import BLUE, GRAY, ORANGE, SKY, VERMILION, Picture, Table, new_figure
from course_lib.translation import translate

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
    title = translate("One block of the BERT encoder")
    figure, axes = new_figure(7.6, 7.2)
    blank(axes, 10, 12)
    steps = (
        (2.4, translate("multi-head self-attention\n{heads} heads of width {width}"), SEEN),
        (4.9, translate("Add & Norm"), ADDED),
        (7.4, translate("feed-forward\nlinear, GELU, linear"), WIDE),
        (9.9, translate("Add & Norm"), ADDED),
    )
    for y, text, color in steps:
        text = text.format(heads=c.num_attention_heads, width=c.hidden_size // c.num_attention_heads)
        box(axes, 4.2, y, 4.4, 1.2 if "\n" in text else 0.9, text, color)
    state = f"(B, T, {c.hidden_size})"
    for start, end, text in (
        (0.7, 1.75, state), (3.05, 4.4, state), (5.4, 6.75, state), (8.05, 9.4, state), (10.4, 11.5, state),
    ):  # fmt: skip
        arrow(axes, (4.2, start), (4.2, end), color=BLUE)
        axes.text(4.5, (start + end) / 2, text, va="center", fontsize=9.5, color=GRAY)
    for below, above in ((1.2, 4.9), (5.9, 9.9)):  # the residual connections
        axes.plot([4.2, 1.0, 1.0], [below, below, above], color=VERMILION, lw=1.6, ls="--")
        arrow(axes, (1.0, above), (1.95, above), color=VERMILION, ls="--")
    axes.text(
        0.75, 3.0, translate("residual"), rotation=90, va="center", ha="center", fontsize=9.5, color=VERMILION
    )
    axes.text(
        0.75, 7.9, translate("residual"), rotation=90, va="center", ha="center", fontsize=9.5, color=VERMILION
    )
    axes.text(6.7, 2.4, translate("tokens exchange\ninformation"), va="center", fontsize=9.5)
    axes.text(6.7, 7.4, translate("each token by itself,\n{width} wide inside").format(width=c.intermediate_size), va="center", fontsize=9.5)  # fmt: skip
    axes.text(6.7, 4.9, translate("the sum, normalized\ntoken by token"), va="center", fontsize=9.5)
    axes.text(4.2, 0.35, translate("input of the block"), ha="center", fontsize=10, weight="bold")
    axes.text(
        4.2, 11.65, translate("output, input of the next block"), ha="center", fontsize=10, weight="bold"
    )
    axes.set_title(title)
    alt = translate(
        "From the bottom: multi-head self-attention, Add and Norm, feed-forward with GELU, Add and Norm. A residual "
        "connection leads around attention and another around feed-forward, each into the Add and Norm behind it. "
        "Every arrow carries a tensor (B, T, {width})."
    ).format(width=c.hidden_size)
    return Picture(figure, title, alt)


def _heat_map(
    axes, values, tokens: Sequence[str], *, digits: int | None = None, largest: float | None = None
):
    """Draw a matrix with tokens on both axes; rows look, columns are looked at."""
    values = np.asarray(values)
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
    title = translate("From scores to attention weights")
    figure, (left, right) = new_figure(9.4, 4.4, columns=2)
    _heat_map(left, scores, tokens, digits=1)
    _heat_map(right, weights, tokens, digits=2, largest=1.0)
    left.set(title=translate("scores: query · key / √D"), xlabel=translate("key"), ylabel=translate("query"))
    right.set(
        title=translate("weights: each row sums to 1"), xlabel=translate("key"), ylabel=translate("query")
    )
    best = np.asarray(weights).argmax(1)
    pairs = ", ".join(f"{token} → {tokens[i]}" for token, i in zip(tokens, best, strict=True))
    return Picture(figure, title, translate("Largest weight of each query: {pairs}").format(pairs=pairs))


def figure_scale(widths: Sequence[int], raw: Sequence[float], scaled: Sequence[float], peaks: dict[str, Sequence[float]]) -> Picture:  # fmt: skip
    """Draw the variance of scores and the largest softmax weight against the width of a head.

    Parameters
    ----------
    widths : widths of a head.
    raw, scaled : variance of the scores before and after the division by the root of the width.
    peaks : mean largest weight at each width, under the names ``raw`` and ``scaled``.
    """
    title = translate("Why scores are divided by √D")
    figure, (left, right) = new_figure(9.4, 3.7, columns=2)
    left.loglog(widths, raw, "o--", color=VERMILION, label=translate("query · key"))
    left.loglog(widths, scaled, "s-", color=BLUE, label=translate("query · key / √D"))
    left.set(
        title=translate("Variance of a score"),
        xlabel=translate("width of a head, D"),
        ylabel=translate("variance"),
    )
    left.legend()
    right.semilogx(widths, peaks["raw"], "o--", color=VERMILION, label=translate("without the division"))
    right.semilogx(widths, peaks["scaled"], "s-", color=BLUE, label=translate("with it"))
    right.set(title=translate("Largest weight of a row"), xlabel=translate("width of a head, D"), ylabel=translate("weight"), ylim=(0, 1))  # fmt: skip
    right.legend(loc="center left")
    for axes in (left, right):
        axes.set_xticks(widths, [str(width) for width in widths])
        axes.minorticks_off()
    alt = translate(
        "From width {first} to {last}, the variance of a raw score grows from {a:.1f} to {b:.1f}, and the largest weight "
        "from {c:.2f} to {d:.2f}. With the division the variance stays near 1, and the largest weight goes from {e:.2f} to {f:.2f}."
    ).format(
        first=widths[0], last=widths[-1], a=raw[0], b=raw[-1],
        c=peaks["raw"][0], d=peaks["raw"][-1], e=peaks["scaled"][0], f=peaks["scaled"][-1],
    )  # fmt: skip
    return Picture(figure, title, alt)


def figure_activations() -> Picture:
    """Draw GELU beside ReLU."""
    title = translate("GELU and ReLU")
    figure, axes = new_figure(6, 3.4)
    x = np.linspace(-4, 3, 281)
    gelu = np.array([value * 0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x])
    axes.plot(x, np.maximum(x, 0), "--", color=ORANGE, label="ReLU: max(0, x)")
    axes.plot(x, gelu, color=BLUE, label="GELU: x · Φ(x)")
    axes.set(title=title, xlabel=translate("input x"), ylabel=translate("output"))
    axes.legend()
    alt = translate(
        "GELU is smooth, slightly negative for small negative inputs, and close to ReLU far from zero."
    )
    return Picture(figure, title, alt)


def figure_attention_maps(maps: dict[str, object], tokens: Sequence[str]) -> Picture:
    """Draw the attention of chosen heads as heat maps: the static picture beside the interactive view.

    Parameters
    ----------
    maps : caption of each head, such as ``layer 0, head 2: previous token``, and its weights (T, T).
    tokens : the T tokens.
    """
    title = translate("Attention maps of real heads")
    columns = min(2, len(maps))
    rows = -(-len(maps) // columns)
    size = 1.4 + 0.24 * len(tokens)
    figure, grid = new_figure(size * columns + 0.8, size * rows, rows=rows, columns=columns, squeeze=False)
    for axes in grid.flat[len(maps) :]:
        axes.set_axis_off()
    shared = None
    for axes, (caption, weights) in zip(grid.flat, maps.items(), strict=False):
        shared = _heat_map(axes, weights, tokens, largest=1.0)
        axes.set(xlabel=translate("looks at"), ylabel=translate("this token"))
        axes.set_title(caption, fontsize=10.5)
    figure.colorbar(shared, ax=grid, label=translate("attention weight"), shrink=0.6)
    alt = translate("Heat maps over the tokens {tokens}. {captions}.").format(
        tokens=" ".join(tokens), captions="; ".join(maps)
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
    title = translate("All heads at a glance")
    figure, grid = new_figure(0.82 * heads, 0.9 * layers + 0.4, rows=layers, columns=heads, squeeze=False)
    for (layer, head), axes in np.ndenumerate(grid):
        axes.imshow(attentions[layer, head], cmap="Blues", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
        if layer == 0:
            axes.set_title(f"{translate('head')} {head}", fontsize=8.5, loc="center", weight="normal")
        if head == 0:
            axes.set_ylabel(f"{translate('layer')} {layer}", fontsize=8.5)
    alt = translate(
        "One thumbnail for each of {heads} heads in each of {layers} layers, over the tokens {tokens}."
    ).format(heads=heads, layers=layers, tokens=" ".join(tokens))
    return Picture(figure, title, alt)


def figure_cost(lengths: Sequence[int], seconds: Sequence[float], linear: float, quadratic: float, weight_bytes: Sequence[int]) -> Picture:  # fmt: skip
    """Draw measured time against length with its two fitted parts, and the memory of the attention weights.

    The alt text names no time: times differ from run to run.

    Parameters
    ----------
    lengths : sequence lengths.
    seconds : processor time of one block at each length.
    linear, quadratic : fitted seconds a token, and seconds a pair of tokens.
    weight_bytes : bytes that one block's attention weights take at each length.
    """
    title = translate("Cost of one block against sequence length")
    figure, (left, right) = new_figure(9.6, 3.9, columns=2)
    x = np.linspace(0, max(lengths), 200)
    left.stackplot(
        x, 1e3 * linear * x, 1e3 * quadratic * x**2, colors=["#BFE3F5", "#F9D2BF"],
        labels=[translate("part that grows with T"), translate("part that grows with T²")],
    )  # fmt: skip
    left.plot(lengths, [1e3 * value for value in seconds], "o", color="black", label=translate("measured"))
    left.set(
        title=translate("Time"),
        xlabel=translate("sequence length T (tokens)"),
        ylabel=translate("processor time (ms)"),
    )
    left.legend(loc="upper left")
    right.plot(lengths, [value / 2**20 for value in weight_bytes], "o", color=VERMILION)
    right.plot(x, weight_bytes[-1] / 2**20 * (x / lengths[-1]) ** 2, color=VERMILION)
    right.set(title=translate("Memory of the attention weights"), xlabel=translate("sequence length T (tokens)"), ylabel=translate("memory (MiB)"))  # fmt: skip
    alt = translate(
        "Left: time measured at {n} lengths up to {longest} tokens, with a fitted straight part and a fitted quadratic "
        "part on top of it, whose share grows with the length. Right: memory of the attention weights, a parabola."
    ).format(n=len(lengths), longest=max(lengths))
    return Picture(figure, title, alt)


def figure_word_senses(word: str, within: Sequence[float], across: Sequence[float], first, last, labels: Sequence[str]) -> Picture:  # fmt: skip
    """Draw what the layers do to one word in two senses.

    Parameters
    ----------
    word : the word.
    within, across : mean cosine of two occurrences in one sense and in two, after the embeddings and each layer.
    first, last : (N, N) cosines of all occurrences after the embeddings and after the last layer.
    labels : short names of the N occurrences, sorted by sense.
    """
    title = translate("The word “{word}” through the layers").format(word=word)
    figure, (left, middle, right) = new_figure(12, 4.1, columns=3, width_ratios=(1.25, 1, 1))
    steps = range(len(within))
    left.plot(steps, within, "o-", color=BLUE, label=translate("same sense"))
    left.plot(steps, across, "s--", color=VERMILION, label=translate("different senses"))
    left.fill_between(steps, within, across, color=SKY, alpha=0.2)
    left.set_xticks(steps, [translate("emb.")] + [str(step) for step in steps[1:]])
    left.set(
        title=translate("Mean cosine"), xlabel=translate("after layer"), ylabel=translate("cosine similarity")
    )
    left.legend()
    lowest = float(min(np.asarray(first).min(), np.asarray(last).min()))
    for axes, cosines, name in (
        (middle, first, translate("Embeddings")),
        (right, last, translate("Last layer")),
    ):
        image = axes.imshow(np.asarray(cosines), cmap="Blues", vmin=lowest, vmax=1)
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8.5)
        axes.set_yticks(range(len(labels)), labels, fontsize=8.5)
        axes.set_title(name)
        axes.grid(False)
    figure.colorbar(image, ax=[middle, right], label=translate("cosine similarity"), shrink=0.8)
    alt = translate(
        "After the embeddings, two occurrences have a mean cosine of {a:.3f} in one sense and {b:.3f} in different senses; "
        "after the last layer {c:.3f} and {d:.3f}. In the matrix of the last layer the two senses form two squares."
    ).format(a=within[0], b=across[0], c=within[-1], d=across[-1])
    return Picture(figure, title, alt)


def table_parameters(counts: dict[str, dict[str, int]]) -> Table:
    """Return where the parameters are, model beside model.

    Parameters
    ----------
    counts : for each model, the number of parameters of each part.
    """
    parts = list(next(iter(counts.values())))
    rows = [[part, *(f"{count[part]:,}" for count in counts.values())] for part in parts]
    rows.append([translate("all"), *(f"{sum(count.values()):,}" for count in counts.values())])
    return Table(translate("Where the parameters are"), [translate("part"), *counts], rows)


def table_paper_and_here(rows: Sequence[tuple[str, str, int, int]]) -> Table:
    """Return the paper's parameter counts beside the exact ones.

    Parameters
    ----------
    rows : model, the paper's number, encoder with pooler, the same with both pre-training heads.
    """
    return Table(
        translate("Parameters: paper versus here"),
        [
            translate("model"),
            translate("paper"),
            translate("encoder and pooler"),
            translate("with pre-training heads"),
        ],
        [[name, paper, f"{encoder:,}", f"{pretraining:,}"] for name, paper, encoder, pretraining in rows],
        translate(
            "Paper: Devlin et al. 2018, section 3. Here: counted by formula, equal to the library's modules."
        ),
    )
