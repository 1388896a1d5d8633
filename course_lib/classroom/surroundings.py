"""What a saved answer may use besides itself: the imports of its lesson's notebook."""

from __future__ import annotations

import ast
import json
from typing import Any

from course_lib import settings
from course_lib.lessons.catalog import find_exercise


def names_of_lesson(lesson: str) -> dict[str, Any]:
    """Return the names that the code cells of a lesson's notebook import.

    Parameters
    ----------
    lesson : its number, such as ``"4"``.

    Raises
    ------
    LookupError
        If there is no such lesson.
    """
    find_exercise(f"{lesson}.1")
    (notebook,) = settings.NOTEBOOKS.glob(f"{int(lesson):02d}_*.ipynb")
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        try:
            tree = ast.parse("".join(cell["source"]))
        except SyntaxError:  # a line of the shell or a magic command
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                _run_import(node, names)
    return names


def _run_import(node: ast.Import | ast.ImportFrom, names: dict[str, Any]) -> None:
    try:
        exec(compile(ast.Module([node], type_ignores=[]), "<imports>", "exec"), names)
    except ImportError:  # an extra that isn't installed: an answer that needs it will say so
        pass
