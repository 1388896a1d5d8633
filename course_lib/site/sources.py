"""The folder that the site is made of: each page where the repository has it, so that its links hold."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from course_lib import settings
from course_lib.maintenance.readme import SYLLABUS
from course_lib.site import pages
from course_lib.site.lessons import Places, lesson_page
from course_lib.site.problems import Problems

LINK = re.compile(r"(?P<image>!?)\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\)")
CODE = re.compile(r"^(?P<fence>`{3,})[^\n]*\n.*?^(?P=fence)`*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LINK_OR_CODE = re.compile(f"{LINK.pattern}|{CODE.pattern}", re.MULTILINE | re.DOTALL)
DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ARROW = re.compile(r"^\s*(\w+) --> (\w+)$", re.MULTILINE)
README = Path("README.md")
PAGES = (
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/*.md",
    "notebooks/GLOSSARY.md",
    "data/**/*.md",
    "slides/INSTRUCTOR_GUIDE.md",
    "tests/known_errors/README.md",
)


@dataclass
class Sources:
    """What a site is made of, and where that is put.

    Parameters
    ----------
    folder : gets the pages' sources.
    places : where lessons can be opened, and which decks there are.
    repository : the clone.
    problems : gets a sentence for what is wrong.
    """

    folder: Path
    places: Places
    repository: Path = settings.REPOSITORY
    problems: Problems = field(default_factory=Problems)

    @property
    def extra(self) -> Path:
        """The folder of what goes into the site as it is: figures, notebooks, decks."""
        return self.folder / "_extra"

    def notebooks(self) -> list[Path]:
        """Return the notebooks that are in the syllabus and in the clone, in order."""
        names = [name for lessons in SYLLABUS.values() for name in lessons]
        paths = [self.repository / "notebooks" / f"{name}.ipynb" for name in names]
        return [path for path in paths if path.is_file()]

    @cached_property
    def markdown(self) -> list[Path]:
        """The Markdown files that are pages of the site, seen from the clone."""
        found = {path for pattern in PAGES for path in self.repository.glob(pattern)}
        return sorted(path.relative_to(self.repository) for path in found)

    def write(self) -> None:
        """Write the sources of all pages."""
        for path in self.markdown:
            text = (self.repository / path).read_text(encoding="utf-8")
            self._put(path, self.linked(without_diagrams(text), path))
        for path in self.notebooks():
            self._put_lesson(path)
        for name, text in pages.made_pages(self).items():
            self._put(Path(name), self.linked(text, Path(name)))

    def _put(self, path: Path, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def _put_lesson(self, path: Path) -> None:
        import nbformat

        where = path.relative_to(self.repository)
        try:
            notebook = lesson_page(path, self.places, self.extra / "figures", self.problems)
        except Exception as error:  # not a notebook at all: the parser raises errors of many kinds
            kind = type(error).__name__
            self.problems.add(
                "{notebook} can't be read as a notebook ({kind}).", notebook=path.name, kind=kind
            )
            return
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = self.linked(cell.source, where)
        self._put(where, nbformat.writes(notebook))
        download = self.extra / "downloads" / path.name
        download.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, download)

    def linked(self, text: str, page: Path) -> str:
        """Return Markdown whose links lead to pages of the site, or to files that go with it.

        Parameters
        ----------
        text : Markdown.
        page : the file that it belongs to, seen from the clone.
        """
        return LINK_OR_CODE.sub(lambda found: self._link(found, page) if found["target"] else found[0], text)

    def _link(self, found: re.Match, page: Path) -> str:
        address, _, anchor = found["target"].partition("#")
        if not address or re.match(r"[a-z]+:", address):
            return found[0]
        target = Path(os.path.normpath(page.parent / address))
        if target == README:
            target = Path("lessons.md" if anchor == "syllabus" else "index.md")
            anchor = ""
        elif not self._is_there(target):
            text = "{page}: the link to {target} leads nowhere."
            self.problems.add(text, page=page.as_posix(), target=found["target"])
            return found["words"]
        relative = Path(os.path.relpath(target, page.parent)).as_posix()
        return f"{found['image']}[{found['words']}]({relative}{'#' + anchor if anchor else ''})"

    def _is_there(self, target: Path) -> bool:
        """Say whether a page or file is part of the site, after a file that is linked has been made one."""
        if (self.folder / target).is_file() or target.as_posix() in pages.MADE or target in self.markdown:
            return True
        path = self.repository / target
        if path.suffix == ".ipynb":
            return path in self.notebooks()
        if target.parts[:1] == ("..",) or not path.is_file():
            return False
        copied = self.folder / target
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)
        return True


def without_diagrams(text: str) -> str:
    """Return Markdown in which a diagram of arrows is a table, since no script is there to draw it."""

    def table(found: re.Match) -> str:
        ends: dict[str, list[str]] = {}
        for start, end in ARROW.findall(found[1]):
            ends.setdefault(start, []).append(f"`{end}`")
        rows = [f"| `{start}` | {', '.join(reached)} |" for start, reached in ends.items()]
        return "\n".join(["| package | imports from |", "|:---|:---|", *rows])

    return DIAGRAM.sub(table, text)
