"""One look for every figure: palette, sizes, and a way to show a figure with its alt text."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from course_lib.html_text import escape
from course_lib.translation import Message, Verbatim, joined, translate

# What a notebook stores of a picture and a table beside what it shows; decks and the website read it there.
PICTURE = "application/vnd.bert-course.picture+json"
TABLE = "application/vnd.bert-course.table+json"

# Okabe & Ito's palette, told apart by readers of every kind of color vision.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, BLACK = "#56B4E9", "#CC79A7", "#F0E442", "#1F2A37"
GRAY, LIGHT = "#6B7785", "#EEF2F6"
CYCLE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK)
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))

PARAMETERS = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDE3E9",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.dpi": 100,
    "svg.fonttype": "path",
    "svg.hashsalt": "course",
}


def new_figure(width: float = 8.0, height: float = 4.0, rows: int = 1, columns: int = 1, **named):
    """Return a matplotlib figure and its axes in the style of the course.

    Parameters
    ----------
    width, height : size in inches.
    rows, columns : grid of axes.
    """
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context(PARAMETERS):
        figure = Canvas(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, **named)
    return figure, axes


@dataclass
class Picture:
    """A drawn figure with its title and alt text; a notebook shows and stores it as an image with both.

    Title, alt text and every text in the figure are translated here, once. Code that draws writes plain
    texts, fills values in by :class:`Message`, and marks data by :class:`Verbatim`.

    Parameters
    ----------
    figure : the matplotlib figure.
    title : one line that names what is shown; it is drawn.
    alt : what a reader who cannot see the figure should know; numbers in it are compared by validation.
    """

    figure: object
    title: str
    alt: str
    number: int | None = field(init=False)

    def __post_init__(self):
        """Translate every text, and write the title over the panels, unless it stands over one of them."""
        self.number = _number_in(self.title)
        self.title, self.alt = translate(self.title), translate(self.alt)
        _translate_texts(self.figure)
        shown = {axes.get_title(loc) for axes in self.figure.axes for loc in ("left", "center")}
        if self.title not in shown:
            self.figure.suptitle(self.title, x=0.01, ha="left", weight="bold", fontsize=13)

    def svg(self) -> str:
        """Return the figure as SVG on white paper, the same bytes each time; its letters are drawn as paths."""
        import matplotlib

        text = io.StringIO()
        with matplotlib.rc_context(PARAMETERS):
            self.figure.savefig(
                text, format="svg", bbox_inches="tight", facecolor="white", metadata={"Date": None}
            )
        return text.getvalue()

    def smallest_text(self) -> float:
        """Return the size of the smallest text, in points."""
        shown = [text for text in _texts(self.figure) if text.get_text().strip() and text.get_visible()]
        return min((text.get_fontsize() for text in shown), default=0.0)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        # An image in HTML, because JupyterLab gives an image of its own no alt text, and shows no SVG of a
        # notebook that this reader has not run yet.
        alt = html.escape(f"{self.title}. {self.alt}")
        data = base64.b64encode(self.svg().encode()).decode()
        return {
            "text/html": f'<img style="max-width: 100%" alt="{alt}" src="data:image/svg+xml;base64,{data}">',
            "text/plain": f"[{translate('Figure')}: {self.title}. {self.alt}]",
            PICTURE: {
                "title": self.title,
                "number": self.number,
                "alt": self.alt,
                "smallest_text": self.smallest_text(),
            },
        }


def values_by_name(
    values: Mapping[str, float], template: str = "{name} {value:.2f}", separator: str = ", "
) -> Message:
    """Return names with their values for an alt text, such as ``reviews 0.81, entities 0.79``.

    Parameters
    ----------
    values : by name; names are translated, unless they are :class:`Verbatim`.
    template : how one name and its value are written.
    separator : what stands between one and the next.
    """
    return joined(
        separator,
        (
            Message(template, name=name if isinstance(name, Verbatim) else Message(name), value=value)
            for name, value in values.items()
        ),
    )


def _number_in(title: str) -> int | None:
    """Return the number of a figure or table whose title begins with one."""
    found = re.match(r"(?:Figure|Table) (\d+)\. ", title)
    return int(found[1]) if found else None


def _texts(figure) -> list:
    from matplotlib.text import Text

    return figure.findobj(Text)


def _translate_texts(figure) -> None:
    """Translate every text of a figure, the names at the ticks of its axes included."""
    for text in _texts(figure):
        text.set_text(translate(text.get_text()))
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            names = [label.get_text() for label in axis.get_ticklabels()]
            translated = [translate(name) for name in names]
            if translated != names:  # setting labels fixes the places of ticks: only where there are names
                axis.set_ticks(axis.get_ticklocs(), translated)


@dataclass
class Table:
    """A table with a title, shown as HTML in a notebook and as text elsewhere; a notebook stores its rows.

    Every text is translated here, once, as in a :class:`Picture`.

    Parameters
    ----------
    title : one line that names what is shown.
    columns : column headings.
    rows : cells; numbers are set to the right.
    note : a line below the table, such as the source.
    """

    title: str
    columns: list[str]
    rows: list[list]
    note: str = ""
    number: int | None = field(init=False)

    def __post_init__(self):
        for number, row in enumerate(self.rows, 1):
            if len(row) != len(self.columns):
                raise ValueError(f"Row {number} has {len(row)} cells, the table {len(self.columns)} columns.")
        self.number = _number_in(self.title)
        self.title, self.note = translate(self.title), translate(self.note)
        self.columns = [translate(column) for column in self.columns]
        self.rows = [
            [translate(cell) if isinstance(cell, str) else cell for cell in row] for row in self.rows
        ]

    def is_numeric(self, column: int) -> bool:
        """Tell whether a column holds numbers, so that it is set to the right."""
        cells = [
            str(row[column]).replace("%", "").replace(",", "").replace("±", "").split() for row in self.rows
        ]
        first = [cell[0] for cell in cells if cell and cell[0] not in ("–", "-")]
        return bool(first) and all(cell.lstrip("+-−").replace(".", "", 1).isdigit() for cell in first)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {
            "text/html": self._repr_html_(),
            "text/plain": repr(self),
            TABLE: {
                "title": self.title,
                "number": self.number,
                "columns": self.columns,
                "rows": [[str(cell) for cell in row] for row in self.rows],
                "note": self.note,
            },
        }

    def _repr_html_(self) -> str:
        align = ["right" if self.is_numeric(i) else "left" for i in range(len(self.columns))]
        cell = lambda tag, text, side: (  # noqa: E731
            f'<{tag} style="text-align: {side}; padding: 0.25em 0.7em">{escape(text)}</{tag}>'
        )
        head = "".join(cell("th", t, a) for t, a in zip(self.columns, align, strict=True))
        body = "".join(
            "<tr>" + "".join(cell("td", t, a) for t, a in zip(row, align, strict=True)) + "</tr>"
            for row in self.rows
        )
        note = f"<p><small>{escape(self.note)}</small></p>" if self.note else ""
        return (
            f'<table><caption style="text-align: left; font-weight: bold">{escape(self.title)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"
        )

    def __repr__(self) -> str:
        cells = [[str(c) for c in row] for row in [self.columns, *self.rows]]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
        return "\n".join([self.title, *lines, *([self.note] if self.note else [])])


def highlight(text: str, spans: list[tuple[int, int, str]], colors: dict[str, str] | None = None):
    """Return an object that shows text with labelled spans highlighted.

    Parameters
    ----------
    text : the text.
    spans : start, end (offsets in characters) and label of each span, not overlapping.
    colors : background of each label; the palette in turn if left out.
    """
    labels = list(dict.fromkeys(label for _, _, label in spans))
    colors = colors or dict(
        zip(labels, ("#BFE3F5", "#FBE3B0", "#BEEBDD", "#F3D3E3", "#F9D2BF"), strict=False)
    )
    return _Highlighted(text, sorted(spans), colors)


@dataclass
class _Highlighted:
    text: str
    spans: list[tuple[int, int, str]]
    colors: dict[str, str]

    def _repr_html_(self) -> str:
        parts, position = [], 0
        for start, end, label in self.spans:
            parts.append(escape(self.text[position:start]))
            color = self.colors.get(label, "#EEF2F6")
            parts.append(
                f'<mark style="background: {color}; color: {BLACK}; padding: 0.1em 0.25em; '
                f'border-radius: 0.25em">{escape(self.text[start:end])} '
                f"<small><b>{escape(translate(label))}</b></small></mark>"
            )
            position = end
        return f'<p style="line-height: 1.9">{"".join(parts)}{escape(self.text[position:])}</p>'

    def __repr__(self) -> str:
        parts, position = [], 0
        for start, end, label in self.spans:
            parts.append(f"{self.text[position:start]}[{self.text[start:end]} {translate(label)}]")
            position = end
        return "".join(parts) + self.text[position:]
