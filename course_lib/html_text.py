"""Text inside HTML: the one place that escapes it."""

from __future__ import annotations

import html
import re


def escape(text: object) -> str:
    """Return text as the content of an HTML element, shown letter by letter wherever a notebook is read.

    JupyterLab and the browser's MathJax look for formulas in every output: what stands between two dollar signs,
    ``\\(`` and ``\\)``, or ``\\begin`` and ``\\end`` loses its spaces. A sign in an element of its own begins none.

    Parameters
    ----------
    text : what is to be shown; ``str`` of it is taken.

    Returns
    -------
    str
        HTML for the content of an element. For the value of an attribute take ``html.escape``, since an attribute
        cannot hold elements and is never searched for formulas.
    """
    return re.sub(r"[$\\]", r"<span>\g<0></span>", html.escape(str(text), quote=False))
