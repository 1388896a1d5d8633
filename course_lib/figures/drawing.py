"""Boxes, arrows and rows of tokens: the parts that the schematic figures are drawn with."""

from __future__ import annotations

from course_lib.figures.style import BLACK, GRAY, LIGHT
from course_lib.translation import Verbatim


def blank(axes, width: float, height: float) -> None:
    """Turn axes into an empty sheet of the given size, in units of the drawing."""
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.set_axis_off()


def box(
    axes, x: float, y: float, width: float, height: float, text: str, color: str = LIGHT, **named
) -> None:
    """Draw a rounded box around (x, y) with centered text."""
    from matplotlib.patches import FancyBboxPatch

    look = {"facecolor": color, "edgecolor": named.pop("edge", GRAY), "linewidth": 1}
    corner = (x - width / 2, y - height / 2)
    patch = FancyBboxPatch(corner, width, height, boxstyle="round,pad=0.02,rounding_size=0.08", **look)
    axes.add_patch(patch)
    style = {"ha": "center", "va": "center", "fontsize": 10, "color": BLACK} | named
    axes.text(x, y, text, **style)


def arrow(axes, start: tuple[float, float], end: tuple[float, float], color: str = GRAY, **named) -> None:
    """Draw an arrow."""
    axes.annotate(
        "", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.3} | named
    )


def token_row(
    axes, tokens: list[str], y: float, colors: list[str], x: float = 0.0, height: float = 0.6
) -> list[float]:
    """Draw a row of tokens, each as wide as its text, and return the middle of each."""
    middles = []
    for token, color in zip(tokens, colors, strict=True):
        width = token_width(token)
        box(axes, x + width / 2, y, width - 0.12, height, Verbatim(token), color)
        middles.append(x + width / 2)
        x += width
    return middles


def token_width(token: str) -> float:
    """Return the width that a token takes in a row, in units of the drawing."""
    return 0.45 + 0.155 * max(len(token), 2)
