"""Formulas as MathML: the browser draws them, and no script is needed."""

from __future__ import annotations


def mathml(tex: str, display: bool) -> str:
    r"""Return a formula as MathML.

    Parameters
    ----------
    tex : the formula in TeX.
    display : whether it stands on a line of its own.

    Raises
    ------
    ValueError
        If the TeX cannot be read, or holds a command that is not known.
    """
    from latex2mathml.converter import convert

    try:
        found = convert(tex, display="block" if display else "inline")
    except Exception as error:  # the parser raises errors of many kinds
        raise ValueError(f"the formula {tex!r} cannot be read ({type(error).__name__})") from None
    if "\\" in found:
        raise ValueError(f"the formula {tex!r} holds a command that is not known")
    return found


def _visitor(display: bool):
    def visit(writer, node) -> None:
        from docutils import nodes
        from sphinx.util import logging

        tex = node.astext()
        try:
            writer.body.append(f'<span class="math">{mathml(tex, display)}</span>')
        except ValueError as error:
            logging.getLogger(__name__).warning("%s", error, location=node)
            writer.body.append(f"<code>{writer.encode(tex)}</code>")
        raise nodes.SkipNode

    return visit


def set_up(app) -> None:
    """Give Sphinx this way to show formulas."""
    app.add_html_math_renderer("course_mathml", (_visitor(False), None), (_visitor(True), None))
