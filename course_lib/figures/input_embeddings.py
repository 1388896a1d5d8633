"""Figures of lesson 03: the sum of three embeddings, position maps, vocabulary size against length."""

from __future__ import annotations

from torch import Tensor

from course_lib.figures.drawing import blank, box, token_width
from course_lib.figures.style import BLUE, GRAY, GREEN, LIGHT, ORANGE, Picture, new_figure
from course_lib.translation import Message, Verbatim

SEGMENT_COLORS = ("#D5F0E6", "#FBE3B0")  # segment A, segment B
POSITION_COLOR, TOKEN_COLOR = "#F3D3E3", "#DCEAF6"


def figure_sum_of_embeddings(tokens: list[str], token_type_ids: list[int]) -> Picture:
    """Draw what the encoder reads: under each token, the three embeddings that are added.

    Parameters
    ----------
    tokens : the packed tokens, with [CLS] and [SEP].
    token_type_ids : 0 or 1 for each token.
    """
    title = "Three embeddings for each token, added"
    figure, axes = new_figure(10, 3.8)
    widths = [max(token_width(token), token_width("E[CLS]")) for token in tokens]
    left = 2.6
    blank(axes, left + sum(widths), 5.6)
    rows = ((4.9, "input"), (3.6, "token"), (2.3, "segment"), (1.0, "position"))
    for y, label in rows:
        axes.text(0, y, label, va="center", fontsize=10, weight="bold")
    x = left
    for place, (token, kind, width) in enumerate(zip(tokens, token_type_ids, widths, strict=True)):
        middle = x + width / 2
        cells = (
            (4.9, token, LIGHT),
            (3.6, f"E[{token.strip('[]')}]" if token.startswith("[") else f"E({token})", TOKEN_COLOR),
            (2.3, "E(A)" if kind == 0 else "E(B)", SEGMENT_COLORS[kind]),
            (1.0, f"E({place})", POSITION_COLOR),
        )
        for y, text, color in cells:
            box(axes, middle, y, width - 0.16, 0.72, Verbatim(text), color, fontsize=8.5)
        for y in (2.95, 1.65):
            axes.text(middle, y, "+", ha="center", va="center", fontsize=12, color=GRAY)
        x += width
    axes.set_title(title)
    alt = Message(
        "{n} tokens: {tokens}. Segments: {segments}. Positions: 0 to {last}",
        n=len(tokens),
        tokens=" ".join(tokens),
        segments=" ".join("AB"[kind] for kind in token_type_ids),
        last=len(tokens) - 1,
    )
    return Picture(figure, title, alt)


def cosine_similarities(rows: Tensor) -> Tensor:
    """Return the cosine between every two rows of a table, (n, n) for (n, H)."""
    unit = rows / rows.norm(dim=1, keepdim=True)
    return unit @ unit.T


def mean_by_distance(similarities: Tensor, furthest: int) -> list[float]:
    """Return the mean similarity of two positions that are 1, 2, ..., ``furthest`` apart."""
    return [float(similarities.diagonal(distance).mean()) for distance in range(1, furthest + 1)]


def figure_position_similarity(learned: Tensor, sinusoidal: Tensor, furthest: int = 60) -> Picture:
    """Draw how similar positions are to each other: learned embeddings beside sinusoids.

    Parameters
    ----------
    learned, sinusoidal : (T, H), one row for each position.
    furthest : largest distance in the third panel.
    """
    title = "How similar are two positions?"
    figure, axes = new_figure(10.6, 4.3, columns=3)
    maps = [cosine_similarities(learned), cosine_similarities(sinusoidal)]
    names = ("learned (MiniLM)", "sinusoidal")
    for panel, similarities, name in zip(axes[:2], maps, names, strict=True):
        image = panel.imshow(similarities.numpy(), cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
        panel.grid(False)
        panel.set(title=name, xlabel="position", ylabel="position")
    figure.colorbar(image, ax=axes[:2], label="cosine similarity", shrink=0.85)
    curves = [mean_by_distance(similarities, furthest) for similarities in maps]
    for curve, name, color, line in zip(curves, names, (BLUE, ORANGE), ("-", "--"), strict=True):
        axes[2].plot(range(1, furthest + 1), curve, color=color, linestyle=line, label=name)
    axes[2].set(
        title="By distance", xlabel="distance between positions (tokens)", ylabel="mean cosine similarity"
    )
    axes[2].legend()
    alt = Message(
        "Two square maps, both brightest along the diagonal. Mean cosine of neighbors: learned {a:.2f}, "
        "sinusoidal {b:.2f}; of positions {far} apart: learned {c:.2f}, sinusoidal {d:.2f}",
        a=curves[0][0],
        b=curves[1][0],
        c=curves[0][-1],
        d=curves[1][-1],
        far=furthest,
    )
    return Picture(figure, title, alt)


def figure_vocabulary_size(curves: dict[str, dict[int, float]], real: tuple[int, float]) -> Picture:
    """Draw how many pieces a word takes, against the size of the vocabulary.

    Parameters
    ----------
    curves : for each way of joining, the mean number of pieces on held-out text by the size of the vocabulary.
    real : size and mean of BERT's own vocabulary.
    """
    title = "A larger vocabulary makes shorter sequences"
    figure, axes = new_figure(7.5, 3.8)
    for (name, means), color, marker in zip(curves.items(), (BLUE, GREEN), ("o", "^"), strict=True):
        axes.plot(
            list(means),
            list(means.values()),
            marker=marker,
            color=color,
            label=Message("joined {way}", way=Message(name)),
        )
    axes.plot(*real, marker="s", linestyle="none", markersize=9, color=ORANGE, label="BERT's own")
    axes.set_xscale("log")
    ticks = [*next(iter(curves.values())), real[0]]
    axes.set_xticks(ticks, [f"{size:,}" for size in ticks], rotation=30)
    axes.minorticks_off()
    axes.set(
        xlabel="entries in the vocabulary (log scale)",
        ylabel="pieces per word (mean)",
        ylim=(1, None),
        title=title,
    )
    axes.legend()
    points = {**curves, "BERT's own": dict([real])}
    texts = [
        f"{name} {', '.join(f'{n:,}: {mean:.2f}' for n, mean in c.items())}" for name, c in points.items()
    ]
    alt = Message("Pieces per word by vocabulary size, {pairs}", pairs="; ".join(texts))
    return Picture(figure, title, alt)
