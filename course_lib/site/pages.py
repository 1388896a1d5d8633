"""Pages that only the site has: its start, the map of the lessons, and what several files say together."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.maintenance.readme import FIRST_LESSON, SYLLABUS, outputs_block
from course_lib.translation import translate

if TYPE_CHECKING:
    from course_lib.site.sources import Sources

MADE = ("index.md", "lessons.md", "reference.md", "references.md", "search.md")
REFERENCES = re.compile(r"^## References\n(.+?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
TIME = re.compile(r"^\*\*Time\.\*\* (.+)$", re.MULTILINE)
PROMISE = re.compile(r"^\*\*What you'll do\.\*\* (.+)$", re.MULTILINE)
REFERENCE_PAGES = (  # in the order of the menu; those that are not there are left out
    "notebooks/GLOSSARY.md",
    "references.md",
    "docs/data.md",
    "data/README.md",
    "docs/numbers.md",
    "docs/benchmarks.md",
    "docs/processors.md",
    "docs/architecture.md",
    "tests/known_errors/README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
)
SETUP_PAGES = ("docs/anywhere.md", "docs/troubleshooting.md")
TEACHING_PAGES = ("docs/teaching.md", "docs/classroom.md", "slides/INSTRUCTOR_GUIDE.md")
LEADS_TO = {  # an output of the first page, and the lesson that builds what gives it
    "Fill in the blank": "04_masked_language_model.ipynb",
    "Judge a review": "08_text_classification.ipynb",
    "Find the names": "10_named_entity_recognition.ipynb",
    "Answer a question": "09_question_answering.ipynb",
}


def made_pages(sources: Sources) -> dict[str, str]:
    """Return the Markdown of the site's own pages by file name.

    Parameters
    ----------
    sources : what the site is made of; its lessons have been written.
    """
    return {
        "lessons.md": lessons_page(sources),
        "references.md": references_page(sources),
        "reference.md": reference_page(sources),
        "index.md": start_page(sources),
    }


def _first_cell(path: Path) -> str:
    import nbformat

    return nbformat.read(path, as_version=4).cells[0].source


def _toctree(entries: list[str], *options: str) -> str:
    return "\n".join(["```{toctree}", *options, "", *entries, "```"])


def lessons_page(sources: Sources) -> str:
    """Return the map: every lesson of the syllabus with its promise and times."""
    ready = {path.stem: path for path in sources.notebooks()}
    shown = [f"# {translate('The lessons')}", translate("Start at the top, or go straight to the lesson you need: each one says what it builds on.")]  # fmt: skip
    for part, lessons in SYLLABUS.items():
        rows = [f"| {translate('lesson')} | {translate('what you do')} | {translate('time')} |", "|:---|:---|:---|"]  # fmt: skip
        for name, title in lessons.items():
            number = f"{name[:2]} · {translate(title)}"
            if name in ready:
                text = _first_cell(ready[name])
                promise, time = (found[1] if (found := form.search(text)) else "" for form in (PROMISE, TIME))
                rows.append(f"| [{number}](notebooks/{name}.ipynb) | {promise} | {time} |")
            else:
                rows.append(f"| {number} | *{translate('in preparation')}* | |")
        shown += [f"## {translate(part)}", "\n".join(rows)]
        there = [f"notebooks/{name}" for name in lessons if name in ready]
        shown.append(_toctree(there, ":hidden:", f":caption: {translate(part)}"))
    return "\n\n".join(shown) + "\n"


def references_page(sources: Sources) -> str:
    """Return the references of all lessons, under the lesson that gives them."""
    import nbformat

    shown = [f"# {translate('References')}", translate("What each lesson refers to.")]
    for path in sources.notebooks():
        cells = nbformat.read(path, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        found = REFERENCES.search(text)
        if found:
            title = text.splitlines()[0].removeprefix("# ")
            shown += [f"## [{title}](notebooks/{path.name})", found[1].strip()]
    return "\n\n".join(shown) + "\n"


def reference_page(sources: Sources) -> str:
    """Return the page that leads to what one looks up."""
    there = {path.as_posix() for path in sources.markdown} | set(MADE)
    entries = [name for name in REFERENCE_PAGES if name in there]
    elsewhere = {*REFERENCE_PAGES, *TEACHING_PAGES, *SETUP_PAGES, "docs/your-own-task.md"}
    # A new page finds a place, too.
    entries += sorted(name for name in there - elsewhere if name.startswith("docs/"))
    cards = [name for name in sorted(there) if name.startswith("data/") and name != "data/README.md"]
    shown = [
        f"# {translate('Look it up')}",
        translate(
            "Words, sources, data and numbers: what each one means, where it comes from, and how it's proven."
        ),
        _toctree(entries, ":maxdepth: 1"),
        f"## {translate('Data cards')}",
        translate(
            "Every data set of the course says what's in it, who wrote it, and what it can't tell you."
        ),
        _toctree(cards, ":maxdepth: 1"),
    ]
    return "\n\n".join(shown) + "\n"


def start_page(sources: Sources) -> str:
    """Return the first page."""
    there = {path.as_posix() for path in sources.markdown}
    entries = ["lessons", "docs/your-own-task.md", *TEACHING_PAGES, *SETUP_PAGES, "reference"]
    entries = [name for name in entries if not name.endswith(".md") or name in there]
    text = Path(__file__).parent / "theme" / "start.md"
    words = text.read_text(encoding="utf-8")
    return words.replace("{outputs}", _outputs(sources)) + "\n" + _toctree(entries, ":hidden:") + "\n"


def _outputs(sources: Sources) -> str:
    """Return what lesson 00 prints, one card for each of its models."""
    notebook = sources.repository / "notebooks" / FIRST_LESSON.name
    try:
        printed = outputs_block(notebook)
    except (CourseError, OSError) as error:
        sources.problems.add("The first page has no outputs: {error}", error=str(error))
        return ""
    cards = []
    for text in printed.removeprefix("```text\n").removesuffix("\n```").split("\n\n"):
        title, *lines = text.splitlines()
        lines = [line for line in lines if " " in line.strip()]  # the names of labels are left out
        lesson = LEADS_TO.get(title, FIRST_LESSON.name)
        words = translate("Build it in lesson {number}").format(number=lesson[:2])
        shown = ["```text", textwrap.dedent("\n".join(lines)), "```", "", f"[{words}](notebooks/{lesson})"]
        cards.append("\n".join([f"````{{grid-item-card}} {title}", *shown, "````"]))
    return "\n".join(["`````{grid} 1 1 2 2", ":gutter: 3", "", *cards, "`````"])
