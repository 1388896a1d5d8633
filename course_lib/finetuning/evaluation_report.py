"""An evaluation as one HTML file that opens without a network, and as lines of text."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from course_lib.finetuning.evaluation import Evaluation
from course_lib.html_text import escape
from course_lib.translation import Message, translate

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; }
caption { text-align: left; font-weight: 600; }
th, td { border: 1px solid #767676; padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.number { text-align: right; }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #111; } }
"""


def report_lines(found: Evaluation) -> list[str]:
    """Return the scores with their intervals, a line each."""
    return [
        str(
            Message(
                "{name}: {score:.3f} (95% interval {low:.3f} to {high:.3f}, {rows} rows)",
                name=name,
                score=interval.score,
                low=interval.low,
                high=interval.high,
                rows=found.rows,
            )
        )
        for name, interval in found.scores.items()
    ]


def html_report(found: Evaluation, title: str) -> str:
    """Return a page with scores, confusion matrix and the worst errors.

    Parameters
    ----------
    found : the evaluation.
    title : of the page, such as model and file.
    """
    scores = [[name, f"{i.score:.3f}", f"{i.low:.3f}", f"{i.high:.3f}"] for name, i in found.scores.items()]
    parts = [
        f"<p>{escape(str(Message('{rows} rows were scored.', rows=found.rows)))}</p>",
        _table("Scores with their 95% intervals", ["score", "value", "from", "to"], scores),
    ]
    if found.confusion is not None:
        rows = [
            [label, *map(str, counts)] for label, counts in zip(found.labels, found.confusion, strict=True)
        ]
        parts.append(_table("Rows of a class (left), by what the model says", ["", *found.labels], rows))
    columns = ["where", "text", "truth", "model", "how sure, or how far off"]
    errors = [[e["place"], e["text"], e["truth"], e["said"], f"{e['sure']:.2f}"] for e in found.worst]
    parts.append(
        _table("The worst errors", columns, errors)
        if errors
        else f"<p>{translate('There was no error.')}</p>"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(translate(column))}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows)
    return f"<table>\n<caption>{escape(translate(caption))}</caption>\n<tr>{head}</tr>\n{body}</table>"


def _cell(value: str) -> str:
    number = value.replace(".", "", 1).replace("-", "", 1).isdigit()
    return f'<td class="number">{value}</td>' if number else f"<td>{escape(value)}</td>"
