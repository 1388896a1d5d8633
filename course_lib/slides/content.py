"""Filling a deck: each reference becomes the picture, table, code or number that it names."""

from __future__ import annotations

import base64
import html
import importlib
import inspect
import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from course_lib.figures.style import Table
from course_lib.slides.deck import Deck, DeckError, pandoc, reference
from course_lib.slides.mathematics import formula
from course_lib.slides.notebook import Lesson, StoredPicture, without_docstrings
from course_lib.slides.pictures import for_slide
from course_lib.translation import translate

Blocks = list[dict]
Steps = dict[tuple[int, int], int]
NUMBER = re.compile(r"[-−+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")


def _raw(markup: str) -> dict:
    return {"t": "RawBlock", "c": ["html", markup]}


def _code_block(text: str, *names: str) -> dict:
    return {"t": "CodeBlock", "c": [["", list(names), []], text]}


def picture_html(picture: StoredPicture, height: int) -> str:
    """Return a picture as an image that holds its own vector drawing.

    Parameters
    ----------
    picture : the picture.
    height : pixels that it may take on a page of 1280 by 720; its width follows.
    """
    alt = html.escape(f"{picture.title}. {picture.alt}")
    return (
        f'<img class="figure" style="height: {height}px" data-smallest-points="{picture.smallest_text:g}" '
        f'alt="{alt}" src="{picture.source}">'
    )


def table_html(
    table: Table, size: str = "normal", marked: Iterable[tuple[int, int]] = (), steps: Steps | None = None
) -> str:
    """Return a table as HTML, with its title as caption and its note below.

    Parameters
    ----------
    table : the table.
    size : ``normal`` or ``small``.
    marked : rows and columns, counted from 0, of the cells that matter.
    steps : for cells that come at a click, which click by row and column; all others are there from the start.
    """
    marked, steps = set(marked), steps or {}
    sides = ["right" if table.is_numeric(i) else "left" for i in range(len(table.columns))]

    def row(cells, tag: str, line: int = -1) -> str:
        made = []
        for column, (cell, side) in enumerate(zip(cells, sides, strict=True)):
            attributes = ' scope="col"' if tag == "th" else ""
            names = [side]
            text = html.escape(str(cell)).replace(" − ", "&nbsp;−&nbsp;")
            if (line, column) in marked:
                names.append("mark")
            if (line, column) in steps:
                text = f'<span class="fragment" data-fragment-index="{steps[line, column]}">{text}</span>'
            made.append(f'<{tag}{attributes} class="{" ".join(names)}">{text}</{tag}>')
        return f"<tr>{''.join(made)}</tr>"

    caption = f"<caption>{html.escape(table.title)}</caption>" if table.title else ""
    body = "".join(row(cells, "td", line) for line, cells in enumerate(table.rows))
    note = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(table.note))
    note = f'<p class="note">{note}</p>' if note else ""
    return (
        f'<table class="{size}">{caption}'
        f"<thead>{row(table.columns, 'th')}</thead><tbody>{body}</tbody></table>{note}"
    )


def look_up(tree, steps: list[str], name: str):
    """Follow keys and positions into nested dictionaries and lists.

    Raises
    ------
    DeckError
        If a step leads nowhere.
    """
    for step in steps:
        try:
            tree = tree[int(step)] if isinstance(tree, (list, tuple)) else tree[step]
        except (KeyError, IndexError, ValueError, TypeError):
            raise DeckError(f"{name!r} leads nowhere at {step!r}.") from None
    return tree


@dataclass(frozen=True)
class Content:
    """What the references of a deck stand for.

    Parameters
    ----------
    deck : the deck.
    """

    deck: Deck

    @cached_property
    def lesson(self) -> Lesson:
        """The deck's notebook."""
        return Lesson.of(self.deck.name)

    def number(self, name: str, options: Mapping[str, str]) -> str:
        """Return a number as text: of a recording, published, or one that a cell of the notebook shows.

        Parameters
        ----------
        name : ``record:NAME/step/...``, ``published:NAME/step/...``, or words of a cell.
        options : ``format`` for the first two. For a cell ``after``, words that it printed before the number, or
            ``row`` and ``column`` of a table that it showed, and ``number`` to choose the second number after
            the words, the third, ...

        Raises
        ------
        DeckError
            If it cannot be had, or does not fit the format.
        """
        source, _, rest = name.partition(":")
        form = options.get("format", "")
        if source == "record":
            from course_lib.studies.records import load_record

            recording, *steps = rest.split("/")
            result = look_up(load_record(recording), steps, name)
        elif source == "published":
            from course_lib.studies import published

            first, *steps = rest.split("/")
            result = look_up(vars(published), [first, *steps], name)
        else:
            return _power_of_ten(self._number_shown(name, options))
        try:
            return _power_of_ten(format(result, form))
        except (ValueError, TypeError) as error:
            raise DeckError(f"{name!r} cannot be written as {form!r} ({error}).") from None

    def _number_shown(self, name: str, options: Mapping[str, str]) -> str:
        """Return a number that a cell printed, or that stands in its table."""
        if "row" in options:
            text = _cell_of(self.lesson.shown(name, "table"), options["row"], options.get("column", ""))
        else:
            text, words = self.lesson.printed(self.lesson.cell(name)), options.get("after", "")
            if text.count(words) != 1 and words:
                raise DeckError(f"{name!r} shows {words!r} {text.count(words)} times; once is needed.")
            text = text.partition(words)[2] if words else text
        found, position = NUMBER.findall(text), int(options.get("number", 1))
        if len(found) < position:
            raise DeckError(f"{name!r} shows no such number ({dict(options)}).")
        return found[position - 1]

    def code(self, name: str) -> str:
        """Return code: a function of the notebook, a function of the library by its full name, or a cell.

        Raises
        ------
        DeckError
            If there is none.
        """
        if name.isidentifier():
            found = self.lesson.definition(name)
            if found is None:
                raise DeckError(f"{self.lesson.path.name} defines no {name!r}.")
            return found
        if name.startswith("course_lib."):
            module, _, function = name.rpartition(".")
            try:
                return inspect.getsource(getattr(importlib.import_module(module), function)).rstrip()
            except (ImportError, AttributeError, TypeError):
                raise DeckError(f"The library has no {name}.") from None
        return self.lesson.cell(name).source.strip()

    def drawing(self, name: str, options: Mapping[str, str]) -> StoredPicture:
        """Return a picture that a function of ``course_lib.figures`` draws for the deck, now.

        Parameters
        ----------
        name : its module and name, such as ``for_slides.triangle``.
        options : ``of``, words of a cell: the function gets what that cell printed.

        Raises
        ------
        DeckError
            If there is no such function.
        """
        module, _, function = name.rpartition(".")
        try:
            draw = getattr(importlib.import_module(f"course_lib.figures.{module}"), function)
        except (ImportError, AttributeError):
            raise DeckError(f"course_lib/figures has no function {name}.") from None
        printed = [self.lesson.printed(self.lesson.cell(options["of"]))] if "of" in options else []
        picture = draw(*printed)
        source = base64.b64encode(picture.svg().encode()).decode()
        drawn = StoredPicture(
            picture.title,
            picture.alt,
            picture.smallest_text(),
            f"data:image/svg+xml;base64,{source}",
            picture.number,
        )
        return for_slide(drawn, int(options.get("height", 540)))

    def block(self, element: dict) -> Blocks:
        """Return the blocks that stand for a reference on a line of its own.

        Raises
        ------
        DeckError
            If it leads nowhere.
        """
        (_, names, pairs), text = element["c"]
        if "fragment" in names:
            kept = [name for name in names if name != "fragment"]
            inner = {"t": "Code", "c": [["", kept, pairs], text]}
            return [{"t": "Div", "c": [["", ["fragment"], []], self.block(inner)]}]
        options, kind = dict(pairs), reference(element)
        size = ["small"] if "small" in names else []
        position = int(options["number"]) if "number" in options else None
        if kind == "figure":
            height = int(options.get("height", 540))
            picture = self.lesson.shown(text, kind, position)
            if "whole" not in names:
                picture = for_slide(picture, height, options.get("panels", ""))
            return [_raw(picture_html(picture, height))]
        if kind == "drawing":
            return [_raw(picture_html(self.drawing(text, options), int(options.get("height", 540))))]
        if kind == "table":
            table = self.lesson.shown(text, kind, position)
            if "bare" in names:
                table = replace(table, note="")
            return [_raw(_table_as_asked(table, options, *size))]
        if kind == "code":
            source = self.code(text)
            if "brief" in names:
                source = without_docstrings(source)
            if "bare" in names:
                source = re.sub(r"  # .*$", "", source, flags=re.MULTILINE)
            return [_code_block(_between(source, options, text), "python", *size)]
        if kind == "output":
            printed = _between(self.lesson.printed(self.lesson.cell(text)), options, text)
            if "columns" in options:
                return [_raw(_table_as_asked(table_of_lines(printed, options, text), options, *size))]
            return [_code_block(printed, "printed", *size)]
        if kind == "demo":
            cell = self.lesson.cell(text)
            line = translate(
                "**Live:** notebook `{notebook}`, section *{section}*, cell `In [{number}]`. Open it with `course lab {lesson}`."
            ).format(
                notebook=self.lesson.path.name,
                section=self.lesson.section(cell),
                number=cell.execution_count,
                lesson=self.deck.name[:2],
            )
            return [{"t": "Div", "c": [["", ["demo"], []], markdown_blocks(line)]}]
        assert kind == "notebook", kind
        blocks = markdown_blocks(self.lesson.part(text))
        return [{"t": "Div", "c": [["", [text, *size], []], blocks]}]

    def filled(self, tree):
        """Return pandoc's tree with every reference and formula replaced.

        Raises
        ------
        DeckError
            If one leads nowhere.
        """
        if isinstance(tree, list):
            result = []
            for item in tree:
                alone = _alone(item)
                if alone is not None and reference(alone) not in (None, "value"):
                    result += self.filled(self.block(alone))
                else:
                    result.append(self.filled(item))
            return result
        if not isinstance(tree, dict):
            return tree
        kind = reference(tree)
        if kind == "value":
            options = dict(tree["c"][0][2])
            text = self.number(tree["c"][1], options)
            if "command" in tree["c"][0][1]:
                return {"t": "Code", "c": [["", [], []], text]}
            return {"t": "Str", "c": text}
        if kind is not None:
            raise DeckError(f"`{tree['c'][1]}`{{.{kind}}} must stand in a paragraph of its own.")
        if tree.get("t") == "Math":
            return {
                "t": "RawInline",
                "c": ["html", formula(tree["c"][1], tree["c"][0]["t"] == "DisplayMath")],
            }
        return {key: self.filled(value) for key, value in tree.items()}


def _cell_of(table: Table, row: str, column: str) -> str:
    """Return a cell by its column's heading and its row's first cell; a row may be numbered from 1."""
    labels = [str(cells[0]) for cells in table.rows]
    rows = [int(row) - 1] if row.isdigit() else [i for i, label in enumerate(labels) if label == row]
    if len(rows) != 1 or not 0 <= rows[0] < len(labels) or column not in table.columns:
        known = f"rows: {', '.join(labels)}; columns: {', '.join(table.columns)}"
        raise DeckError(f"{table.title!r} has no row {row!r} with a column {column!r} ({known}).")
    return str(table.rows[rows[0]][table.columns.index(column)])


def table_of_lines(printed: str, options: Mapping[str, str], name: str) -> Table:
    """Return printed lines as a table: what a room should compare isn't shown as a terminal.

    Parameters
    ----------
    printed : the lines; empty ones are left out.
    options : ``columns``, the headings with ``|`` between them, and ``split``, the pattern between the cells of a
        line, two or more spaces if it isn't given. A pattern with groups must match the whole line; then the
        groups are its cells.
    name : the reference, for messages.

    Raises
    ------
    DeckError
        If a line has more or fewer cells than there are headings.
    """
    headings = [heading.strip() for heading in options["columns"].split("|")]
    pattern = re.compile(options.get("split", r"\s{2,}"))
    rows = []
    for line in filter(None, map(str.strip, printed.splitlines())):
        if pattern.groups:
            found = pattern.fullmatch(line)
            cells = [cell.strip() for cell in found.groups("")] if found else []
        else:
            cells = pattern.split(line)
        if len(cells) != len(headings):
            raise DeckError(
                f"{name!r}: {line!r} makes {len(cells)} cells, and there are {len(headings)} columns."
            )
        rows.append(cells)
    return Table("", headings, rows)


def _table_as_asked(table: Table, options: Mapping[str, str], size: str = "normal") -> str:
    """Return a table as HTML with the rows, marks and steps that a reference asks for.

    Rows and columns are counted from 1, rows as in the notebook's table, also where only some are shown.
    """
    chosen = [int(row) - 1 for row in options.get("rows", "").split()] or list(range(len(table.rows)))
    if not all(0 <= row < len(table.rows) for row in chosen):
        raise DeckError(f"{table.title!r} has {len(table.rows)} rows, not rows {options['rows']!r}.")
    marked = [place for part in _parts(options, "mark") for place in places(table, part)]
    steps: Steps = {}
    for click, part in enumerate(_parts(options, "reveal")):
        steps |= dict.fromkeys(places(table, part), click)
    line = {row: i for i, row in enumerate(chosen)}
    whole = {
        row for part in _parts(options, "mark", "reveal") if part[0] != ":" for row, _ in places(table, part)
    }
    if whole - set(chosen):
        raise DeckError(f"{table.title!r}: row {min(whole - set(chosen)) + 1} isn't among the rows shown.")
    return table_html(
        replace(table, rows=[table.rows[row] for row in chosen]),
        size,
        [(line[row], column) for row, column in marked if row in line],
        {(line[row], column): click for (row, column), click in steps.items() if row in line},
    )


def _parts(options: Mapping[str, str], *names: str) -> list[str]:
    """Return the places that the options name, each as ``row:column``, ``row`` or ``:column``."""
    return [part.strip() for name in names for part in options.get(name, "").split(";") if part.strip()]


def places(table: Table, part: str) -> list[tuple[int, int]]:
    """Return the rows and columns, counted from 0, that ``row:column``, ``row`` or ``:column`` stands for.

    Raises
    ------
    DeckError
        If the table has no such row or column.
    """
    row, _, column = part.partition(":")
    labels = [str(cells[0]) for cells in table.rows]

    def position(name: str, known: list[str], what: str) -> list[int]:
        if not name:
            return list(range(len(known)))
        if name.isdigit() and 1 <= int(name) <= len(known):
            return [int(name) - 1]
        if known.count(name) == 1:
            return [known.index(name)]
        raise DeckError(f"{table.title!r} has no {what} {name!r} ({', '.join(known)}).")

    return [(i, j) for i in position(row, labels, "row") for j in position(column, table.columns, "column")]


def _power_of_ten(text: str) -> str:
    """Return a number as people write it: 2.4e+19 as 2.4 × 10¹⁹."""
    found = re.fullmatch(r"(-?[\d.]+)e([+-]\d+)", text)
    if not found:
        return text
    return f"{found[1]} × 10{str(int(found[2])).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _alone(block) -> dict | None:
    """Return the one thing in a paragraph, if there is only one."""
    if isinstance(block, dict) and block.get("t") in ("Para", "Plain") and len(block["c"]) == 1:
        return block["c"][0]
    return None


def _between(text: str, options: dict[str, str], name: str) -> str:
    """Return the lines from the one that holds ``first`` to the one that holds ``last``."""
    lines = text.splitlines()
    start, stop = 0, len(lines)
    if "first" in options:
        start = next((i for i, line in enumerate(lines) if options["first"] in line), -1)
    if "last" in options:
        stop = next((i + 1 for i in range(max(start, 0), len(lines)) if options["last"] in lines[i]), -1)
    if start < 0 or stop < 0:
        raise DeckError(
            f"{name!r} has no line with {options.get('first')!r} followed by {options.get('last')!r}."
        )
    return textwrap.dedent("\n".join(lines[start:stop])).rstrip()


def markdown_blocks(text: str) -> Blocks:
    """Return Markdown as pandoc's blocks."""
    return json.loads(pandoc(text, "--from=markdown-implicit_figures-smart", "--to=json"))["blocks"]
