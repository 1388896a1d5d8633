"""The whole site, built once, and small clones to break."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.settings import REPOSITORY
from course_lib.site.build import build_site
from course_lib.site.problems import Problems


@dataclass(frozen=True)
class BuiltSite:
    """A built site: its folder, and what its build complained about."""

    folder: Path
    problems: Problems


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> BuiltSite:
    """The site of this repository, without decks, which have tests of their own."""
    folder = tmp_path_factory.mktemp("site") / "site"
    problems = build_site(folder, decks="none", repository="owner/course", say=lambda line: None)
    return BuiltSite(folder, problems)


@pytest.fixture
def clone(tmp_path) -> Path:
    """A clone with one lesson, to be broken."""
    folder = tmp_path / "clone"
    (folder / "notebooks").mkdir(parents=True)
    for name in ("GLOSSARY.md", "00_start_here.ipynb"):
        source = REPOSITORY / "notebooks" / name
        (folder / "notebooks" / name).write_bytes(source.read_bytes())
    write_lesson(folder, new_code_cell("1 + 1", outputs=[new_output("stream", text="2\n")]))
    return folder


def write_lesson(clone: Path, *cells) -> Path:
    """Write lesson 04 of a clone: a first cell in the form of the course, then these."""
    first = new_markdown_cell(
        "# 04 · Small\n\n**What you'll do.** You'll see a page.\n\n**Time.** A second to run."
    )
    path = clone / "notebooks" / "04_masked_language_model.ipynb"
    path.write_text(nbformat.writes(new_notebook(cells=[first, *cells])), encoding="utf-8")
    return path
