"""Formulas as SVG, drawn when the deck is built: nothing is left to do for the browser."""

from __future__ import annotations

import html

from course_lib.figures.style import BLACK
from course_lib.slides.deck import DeckError

INLINE_SIZE, DISPLAY_SIZE = 30, 36  # pixels on a page of 1280 by 720


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
    from latex2mathml.converter import convert

    ziamath.config.svg2 = False  # glyphs in place: identifiers shared between formulas would clash
    try:
        unknown = "\\" in convert(tex)
        drawn = ziamath.Latex(
            tex, size=DISPLAY_SIZE if display else INLINE_SIZE, color=BLACK, inline=not display
        )
        picture, below = drawn.svg(), -drawn.getyofst()
    except Exception as error:  # the parser raises errors of many kinds
        raise DeckError(f"the formula {tex!r} cannot be set ({type(error).__name__}: {error})") from None
    if unknown:
        raise DeckError(f"the formula {tex!r} holds a command that is not known")
    kind = "display" if display else "inline"
    style = "" if display else f' style="vertical-align: {-below:.1f}px"'
    picture = picture.replace("<svg ", f'<svg aria-hidden="true"{style} ', 1)
    return f'<span class="math {kind}" role="img" aria-label="{html.escape(tex)}">{picture}</span>'
