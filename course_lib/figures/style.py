"""One look for every figure: palette, sizes, and a way to show a figure with its alt text."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass

from course_lib.translation import translate

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
    """A drawn figure with its title and alt text; a notebook shows it as an image that carries both.

    Parameters
    ----------
    figure : the matplotlib figure.
    title : one line that names what is shown; it is drawn.
    alt : what a reader who cannot see the figure should know; numbers in it are compared by validation.
    """

    figure: object
    title: str
    alt: str

    def __post_init__(self):
        """Write the title over the panels, unless it stands over one of them already."""
        shown = {axes.get_title(loc) for axes in self.figure.axes for loc in ("left", "center")}
        if self.title not in shown:
            self.figure.suptitle(self.title, x=0.01, ha="left", weight="bold", fontsize=13)

    def png(self, dpi: int = 110) -> bytes:
        """Return the figure as PNG."""
        return self._render("png", dpi=dpi)

    def svg(self) -> str:
        """Return the figure as SVG, the same bytes each time."""
        return self._render("svg", metadata={"Date": None}).decode()

    def _render(self, kind: str, **named) -> bytes:
        import matplotlib

        buffer = io.BytesIO()
        with matplotlib.rc_context(PARAMETERS):
            self.figure.savefig(buffer, format=kind, bbox_inches="tight", facecolor="white", **named)
        return buffer.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        alt = html.escape(f"{self.title}. {self.alt}")
        data = base64.b64encode(self.png()).decode()
        return {
            "text/html": f'<img style="max-width: 100%" alt="{alt}" src="data:image/png;base64,{data}">',
            "text/plain": f"[{translate('Figure')}: {self.title}. {self.alt}]",
        }


@dataclass
class Table:
    """A table with a title, shown as HTML in a notebook, as Markdown on a slide, as text elsewhere.

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

    def __post_init__(self):
        for number, row in enumerate(self.rows, 1):
            if len(row) != len(self.columns):
                raise ValueError(f"Row {number} has {len(row)} cells, the table {len(self.columns)} columns.")

    def _is_numeric(self, column: int) -> bool:
        cells = [
            str(row[column]).replace("%", "").replace(",", "").replace("±", "").split() for row in self.rows
        ]
        first = [cell[0] for cell in cells if cell and cell[0] not in ("–", "-")]
        return bool(first) and all(cell.lstrip("+-−").replace(".", "", 1).isdigit() for cell in first)

    def to_markdown(self) -> str:
        """Return the table as a Markdown pipe table with its caption."""
        escape = lambda cell: str(cell).replace("|", "\\|")  # noqa: E731
        ruler = ["---:" if self._is_numeric(i) else ":---" for i in range(len(self.columns))]
        lines = [self.columns, ruler, *self.rows]
        body = "\n".join("| " + " | ".join(escape(cell) for cell in line) + " |" for line in lines)
        return f"{body}\n\n: {self.title}"

    def _repr_html_(self) -> str:
        align = ["right" if self._is_numeric(i) else "left" for i in range(len(self.columns))]
        cell = lambda tag, text, side: (  # noqa: E731
            f'<{tag} style="text-align: {side}; padding: 0.25em 0.7em">{html.escape(str(text))}</{tag}>'
        )
        head = "".join(cell("th", t, a) for t, a in zip(self.columns, align, strict=True))
        body = "".join(
            "<tr>" + "".join(cell("td", t, a) for t, a in zip(row, align, strict=True)) + "</tr>"
            for row in self.rows
        )
        note = f"<p><small>{html.escape(self.note)}</small></p>" if self.note else ""
        return (
            f'<table><caption style="text-align: left; font-weight: bold">{html.escape(self.title)}</caption>'
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
            parts.append(html.escape(self.text[position:start]))
            color = self.colors.get(label, "#EEF2F6")
            parts.append(
                f'<mark style="background: {color}; padding: 0.1em 0.25em; border-radius: 0.25em">'
                f"{html.escape(self.text[start:end])} <small><b>{html.escape(label)}</b></small></mark>"
            )
            position = end
        return f'<p style="line-height: 1.9">{"".join(parts)}{html.escape(self.text[position:])}</p>'

    def __repr__(self) -> str:
        parts, position = [], 0
        for start, end, label in self.spans:
            parts.append(f"{self.text[position:start]}[{self.text[start:end]} {label}]")
            position = end
        return "".join(parts) + self.text[position:]
