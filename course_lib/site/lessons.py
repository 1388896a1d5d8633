"""One lesson's page: its committed notebook, with what the site adds to it."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from pathlib import Path

from course_lib.figures.style import PICTURE, TABLE
from course_lib.html_text import escape
from course_lib.lessons.catalog import exercise_module, lessons_with_exercises
from course_lib.lessons.hosted import BRANCH
from course_lib.site.exercises import CHECK, QUIZ, help_html, quiz_html
from course_lib.site.problems import Problems
from course_lib.translation import Message, translate

CLAIMS = "# What the text says, checked"
IMAGE = re.compile(r'<img [^>]*alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]+)">')
OUTSIDE = re.compile(r"<!DOCTYPE[^>]*>|<metadata>.*?</metadata>", re.DOTALL)  # addresses that nobody asks for


@dataclass(frozen=True)
class Places:
    """Where a lesson can be opened, beside this page.

    Parameters
    ----------
    repository : ``owner/name`` on GitHub; None where it is not published.
    decks : what there is of each deck: its name, and the endings of its files.
    """

    repository: str | None
    decks: dict[str, list[str]]

    def links(self, name: str) -> list[tuple[str, str]]:
        """Return words and addresses for a lesson, seen from its page."""
        found = []
        if self.repository:
            path = f"{self.repository}/blob/{BRANCH}/{name}.ipynb"  # the copy that fetches the course
            binder = f"{self.repository}/main?labpath=notebooks%2F{name}.ipynb"
            found = [
                (translate("Open in Colab"), f"https://colab.research.google.com/github/{path}"),
                (
                    translate("Open in Kaggle"),
                    f"https://www.kaggle.com/kernels/welcome?src=https://github.com/{path}",
                ),
                (translate("Open in Binder"), f"https://mybinder.org/v2/gh/{binder}"),
                (translate("Open in Codespaces"), f"https://codespaces.new/{self.repository}"),
            ]
        found.append((translate("Download the notebook"), f"../downloads/{name}.ipynb"))
        words = {
            ".html": translate("Slides"),
            ".pdf": translate("Slides as PDF"),
            ".pptx": translate("Slides for PowerPoint"),
        }
        return found + [(words[ending], f"../slides/{name}{ending}") for ending in self.decks.get(name, [])]


def lesson_page(path: Path, places: Places, figures: Path, problems: Problems):
    """Return a lesson's notebook as the site shows it.

    Parameters
    ----------
    path : the committed notebook.
    places : where else it can be opened.
    figures : folder that gets its figures as files.
    problems : gets a sentence for what is wrong.
    """
    import nbformat
    from nbformat.v4 import new_code_cell

    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not any(cell.outputs for cell in code):
        run = f"course run {path.name[:2]}"
        problems.add("{notebook} has no outputs; run it first: {run}.", notebook=path.name, run=run)
    known = _lesson_parts(path)
    number = 0
    for cell in code:
        for output in cell.outputs:
            data = output.get("data", {})
            if PICTURE in data:
                number += 1
                data["text/html"] = _figure(path, data, figures / f"{path.stem}-{number}.svg", problems)
            elif "text/html" in data:
                data["text/html"] = f'<div class="course-output">{data["text/html"]}</div>'
            for stored_form in (PICTURE, TABLE):  # for decks and tests; Sphinx wouldn't know what it is
                data.pop(stored_form, None)
        if cell.source.startswith(CLAIMS):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
        _add_help(cell, known)
    bar = new_code_cell(
        "...", outputs=[_shown(_bar(places.links(path.stem)))]
    )  # a cell without code isn't shown
    bar.metadata["tags"] = ["remove-input"]
    notebook.cells.insert(1, bar)
    return notebook


def _lesson_parts(path: Path) -> dict:
    """Return a lesson's exercises by identifier, and its quiz under ``quiz``."""
    number = int(path.name[:2]) if path.name[:2].isdecimal() else None
    if number not in lessons_with_exercises():
        return {}
    module = exercise_module(number)
    return {exercise.identifier: exercise for exercise in module.EXERCISES} | {"quiz": (number, module.QUIZ)}


def _add_help(cell, known: dict) -> None:
    """Put help below an exercise's cell, and the clickable quiz in place of the stored one."""
    if QUIZ.search(cell.source) and "quiz" in known:
        cell.outputs = [_shown(quiz_html(*known["quiz"]))]
        return
    asked = CHECK.search(cell.source)
    if asked and asked[1] in known:
        cell.outputs = [*cell.outputs, _shown(help_html(known[asked[1]]))]


def _shown(markup: str):
    from nbformat.v4 import new_output

    return new_output("display_data", data={"text/html": markup})


def _figure(path: Path, data, target: Path, problems: Problems) -> str:
    """Write a stored figure as a file, and return the HTML that shows it with its alt text."""
    found = IMAGE.search("".join(data.get("text/html", "")))
    title = data[PICTURE]["title"]
    if not found:
        problems.add("{notebook}: the figure “{title}” is missing.", notebook=path.name, title=title)
        missing = Message("This figure is missing: {title}", title=title)
        return f"<p>{escape(str(missing))}</p>"
    target.parent.mkdir(parents=True, exist_ok=True)
    svg = OUTSIDE.sub("", base64.b64decode(found[2]).decode("utf-8"))
    target.write_text(svg, encoding="utf-8")
    source = html.escape(f"../figures/{target.name}")
    return f'<figure class="course-figure"><img alt="{found[1]}" src="{source}"></figure>'


def _bar(links: list[tuple[str, str]]) -> str:
    items = "".join(f'<li><a href="{html.escape(link)}">{escape(words)}</a></li>' for words, link in links)
    name = html.escape(translate("This lesson elsewhere"))
    return f'<nav class="course-bar" aria-label="{name}"><ul>{items}</ul></nav>'
