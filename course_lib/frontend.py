"""The program that shows a notebook: whether there's a person in front of it."""

from __future__ import annotations

import sys


def is_attended() -> bool:
    """Tell whether the running cell was sent by a program with a person in front of it.

    JupyterLab, Jupyter Notebook and VS Code let a cell ask for input, because somebody is there to type it.
    ``course run``, nbval, nbconvert and papermill don't. They keep what a cell shows, in a committed notebook or
    on an exported page, and there no kernel answers a click.

    Returns
    -------
    bool
        False outside a Jupyter kernel too: in a script, a terminal or a test.
    """
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython.get_ipython(), "kernel", None) if ipython else None
    if not hasattr(kernel, "get_parent"):
        return False
    request = kernel.get_parent("shell") or {}
    return bool(request.get("content", {}).get("allow_stdin"))
