"""Formulas as SVG, drawn when the deck is built: nothing is left to do for the browser."""

from __future__ import annotations

import html
import re

from course_lib.figures.style import BLACK
from course_lib.slides.deck import DeckError

SIZE = 30  # pixels of the text that a formula is drawn for; it grows and shrinks with the text around it
DISPLAY_SIZE = 36  # pixels, beside text of SIZE


def mathml(tex: str, display: bool) -> str:
    r"""Return a formula as MathML.

    Parameters
    ----------
    tex : the formula in TeX.
    display : whether it has a line of its own.

    Raises
    ------
    DeckError
        If the TeX cannot be read, or holds a command that is not known.
    """
    from latex2mathml.converter import convert

    try:
        found = convert(tex, display="block" if display else "inline")
    except Exception as error:  # the parser raises errors of many kinds
        raise DeckError(f"the formula {tex!r} cannot be set ({type(error).__name__}: {error})") from None
    if "\\" in found:
        raise DeckError(f"the formula {tex!r} holds a command that is not known")
    return found


def formula(tex: str, display: bool) -> str:
    """Return a formula as an HTML element that carries its TeX as alternative text.

    Parameters
    ----------
    tex : the formula in TeX.
    display : whether it stands on a line of its own.

    Raises
    ------
    DeckError
        If the TeX cannot be set, or holds a command that is not known.
    """
    import ziamath

    mathml(tex, display)  # which knows what is unknown
    ziamath.config.svg2 = False  # glyphs in place: identifiers shared between formulas would clash
    try:
        drawn = ziamath.Latex(tex, size=DISPLAY_SIZE if display else SIZE, color=BLACK, inline=not display)
        picture, below = drawn.svg(), -drawn.getyofst()
    except Exception as error:  # the parser raises errors of many kinds
        raise DeckError(f"the formula {tex!r} cannot be set ({type(error).__name__}: {error})") from None
    kind = "display" if display else "inline"
    width, height = (
        float(re.search(rf' {side}="([\d.]+)"', picture)[1]) / SIZE for side in ("width", "height")
    )
    style = f"width: {width:.3f}em; height: {height:.3f}em"
    style += "" if display else f"; vertical-align: {-below / SIZE:.3f}em"
    picture = picture.replace("<svg ", f'<svg aria-hidden="true" style="{style}" ', 1)
    return f'<span class="math {kind}" role="img" aria-label="{html.escape(tex)}">{picture}</span>'
