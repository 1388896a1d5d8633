"""What a deck takes from its notebook: parts of the text, code, what the code printed, and what it showed."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from course_lib import settings
from course_lib.figures.style import PICTURE, TABLE, Table
from course_lib.slides.deck import DeckError

PARTS = {  # what a deck may ask for: where it begins in the notebook's text, and where it ends
    "title": (r"\A# \d\d · (.+?)$", None),
    "promise": (r"^\*\*What you'll do\.\*\* (.+?)$", None),
    "objectives": (r"^\*\*You'll be able to\*\*\n(.+?)(?=^\*\*)", re.DOTALL),
    "mistakes": (r"^## Common mistakes\n(.+?)(?=^## |\Z)", re.DOTALL),
    "summary": (r"^## Summary\n(.+?)(?=^Next: |^## |\Z)", re.DOTALL),
    "references": (r"^## References\n(.+)\Z", re.DOTALL),
}


@dataclass(frozen=True)
class StoredPicture:
    """A figure as a notebook's output holds it.

    Parameters
    ----------
    title, alt : what it shows, and what it says to a reader who cannot see it.
    smallest_text : size of its smallest letters, in points.
    source : its SVG as an address, ``data:image/svg+xml;base64,...``.
    number : of a numbered figure.
    """

    title: str
    alt: str
    smallest_text: float
    source: str
    number: int | None = None


def _stored_picture(data: Mapping) -> StoredPicture:
    source = re.search(r'src="(data:image/svg\+xml;base64,[^"]+)"', data["text/html"])
    return StoredPicture(source=source[1], **data[PICTURE])


def _stored_table(data: Mapping) -> Table:
    return Table(**{name: data[TABLE][name] for name in ("title", "columns", "rows", "note")})


STORED = {"figure": (PICTURE, _stored_picture), "table": (TABLE, _stored_table)}


@dataclass(frozen=True)
class Lesson:
    """A lesson's notebook, as it is committed.

    Parameters
    ----------
    path : the notebook.
    """

    path: Path

    @classmethod
    def of(cls, name: str) -> Lesson:
        """Return the lesson of a deck's name.

        Raises
        ------
        DeckError
            If it has no notebook.
        """
        path = settings.NOTEBOOKS / f"{name}.ipynb"
        if not path.is_file():
            raise DeckError(f"The deck {name}.md has no notebook {path.name}. Name the deck like its lesson.")
        return cls(path)

    @cached_property
    def cells(self) -> list:
        """The cells of the notebook."""
        import nbformat

        return nbformat.read(self.path, as_version=4).cells

    def part(self, name: str) -> str:
        """Return a part of the text as Markdown, links to files taken out.

        Raises
        ------
        DeckError
            If there is no such part.
        """
        if name not in PARTS:
            raise DeckError(f"{name!r} is no part of a notebook. Choose one of: {', '.join(PARTS)}.")
        text = "\n\n".join(cell.source for cell in self.cells if cell.cell_type == "markdown")
        pattern, flags = PARTS[name]
        found = re.search(pattern, text, re.MULTILINE | (flags or 0))
        if not found:
            raise DeckError(f"{self.path.name} has no {name}.")
        return re.sub(r"\[([^\]]+)\]\((?!https:)[^)]*\)", r"\1", found[1]).strip()

    def cell(self, fragment: str):
        """Return the one code cell that holds these words.

        Raises
        ------
        DeckError
            If no cell holds them, or more than one.
        """
        found = [cell for cell in self.cells if cell.cell_type == "code" and fragment in cell.source]
        if len(found) != 1:
            raise DeckError(f"{len(found)} code cells of {self.path.name} hold {fragment!r}; one must.")
        return found[0]

    def definition(self, name: str) -> str | None:
        """Return the source of a function or class that a cell defines, or None."""
        for cell in self.cells:
            if cell.cell_type == "code" and re.search(
                rf"^(def|class) {re.escape(name)}\b", cell.source, re.MULTILINE
            ):
                return source_of(cell.source, name)
        return None

    def section(self, wanted) -> str:
        """Return the heading under which a cell stands."""
        heading = ""
        for cell in self.cells:
            if cell is wanted:
                return heading
            if cell.cell_type == "markdown":
                heading = (re.findall(r"^#{1,2} (.+)$", cell.source, re.MULTILINE) or [heading])[-1]
        raise DeckError(f"{self.path.name}: the cell is not in it.")

    def printed(self, cell) -> str:
        """Return what a cell printed, or the text of what it showed.

        Raises
        ------
        DeckError
            If it showed nothing.
        """
        texts = [
            output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs
        ]
        printed = "\n".join(text.rstrip() for text in texts if text.strip())
        if not printed:
            first = cell.source.splitlines()[0]
            raise DeckError(f"{self.path.name}: the cell that begins with {first!r} shows nothing.")
        return printed

    def shown(self, fragment: str, kind: str, position: int | None = None) -> StoredPicture | Table:
        """Return a figure or table that a cell showed when it was executed.

        Parameters
        ----------
        fragment : words of the cell.
        kind : ``figure`` or ``table``.
        position : which one, counted from 1, if the cell showed several.

        Raises
        ------
        DeckError
            If there is none, or it is not said which.
        """
        mime, read = STORED[kind]
        cell = self.cell(fragment)
        found = [output.data for output in cell.outputs if mime in output.get("data", {})]
        if position is None and len(found) > 1:
            raise DeckError(f"{fragment!r} shows {len(found)} {kind}s: say which by number=1 and so on.")
        if not 1 <= (position or 1) <= len(found):
            run = f"course run {self.path.name[:2]}"
            raise DeckError(f"{self.path.name}: {fragment!r} shows no such {kind}. Is it executed? {run}")
        return read(found[(position or 1) - 1])

    def numbers(self, kind: str) -> set[int]:
        """Return the numbers of all figures or tables that the notebook shows."""
        mime = STORED[kind][0]
        outputs = (output for cell in self.cells if cell.cell_type == "code" for output in cell.outputs)
        stored = (output.data[mime] for output in outputs if mime in output.get("data", {}))
        return {found["number"] for found in stored} - {None}


def source_of(code: str, name: str) -> str | None:
    """Return the source of a function or class from a piece of code, or None."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return textwrap.dedent("\n".join(code.splitlines()[first - 1 : node.end_lineno]))
    return None


def without_docstrings(code: str) -> str:
    """Return code without the docstrings of its functions and classes; a slide says them in other words."""
    lines: list[str | None] = list(code.splitlines())
    for node in ast.walk(ast.parse(code)):
        if (
            isinstance(node, (ast.FunctionDef, ast.ClassDef))
            and ast.get_docstring(node)
            and len(node.body) > 1
        ):
            docstring = node.body[0]
            lines[docstring.lineno - 1 : docstring.end_lineno] = [None] * (
                docstring.end_lineno - docstring.lineno + 1
            )
    return "\n".join(line for line in lines if line is not None)
