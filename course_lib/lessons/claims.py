"""Claims of the lessons, on data that they were not made about.

The text of a lesson makes claims about the bundled data, and its cells assert them. With the profile ``full``
the same cells run on data of the hub, where a claim need not hold. There an assertion that fails is told and
the lesson goes on; with the bundled data it stops the notebook. ``settings.prepare()`` decides which it is.
"""

from __future__ import annotations

import ast

from course_lib import settings
from course_lib.translation import Message


def tell(claim: str) -> None:
    """Tell the reader that a claim does not hold on the data at hand.

    Parameters
    ----------
    claim : the condition, as it stands in the cell.
    """
    print(Message("Not so on these data: {claim}", claim=claim))


class Softened(ast.NodeTransformer):
    """Turn ``assert claim`` into ``if not claim: tell("claim")`` in the source of a cell."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """Return the statement that takes the place of an assertion."""
        call = ast.parse("__import__('course_lib.lessons.claims').lessons.claims.tell('')").body[0]
        call.value.args[0].value = ast.unparse(node.test)
        softened = ast.If(test=ast.UnaryOp(ast.Not(), node.test), body=[call], orelse=[])
        return ast.fix_missing_locations(ast.copy_location(softened, node))


def soften_claims(current: settings.Settings) -> None:
    """Let failed assertions of the cells to come be told, if this is a notebook with the profile ``full``."""
    if current.profile != "full":
        return
    try:
        from IPython import get_ipython
    except ImportError:  # the library without a notebook
        return
    shell = get_ipython()
    if shell is not None and not any(isinstance(t, Softened) for t in shell.ast_transformers):
        shell.ast_transformers.append(Softened())


settings.PREPARATIONS.append(soften_claims)
