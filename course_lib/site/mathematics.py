"""Formulas as MathML: the browser draws them, and no script is needed."""

from __future__ import annotations

from course_lib.slides.deck import DeckError
from course_lib.slides.mathematics import mathml


def _visitor(display: bool):
    def visit(writer, node) -> None:
        from docutils import nodes
        from sphinx.util import logging

        tex = node.astext()
        try:
            writer.body.append(f'<span class="math">{mathml(tex, display)}</span>')
        except DeckError as error:
            logging.getLogger(__name__).warning("%s", error, location=node)
            writer.body.append(f"<code>{writer.encode(tex)}</code>")
        raise nodes.SkipNode

    return visit


def set_up(app) -> None:
    """Give Sphinx this way to show formulas."""
    app.add_html_math_renderer("course_mathml", (_visitor(False), None), (_visitor(True), None))
