"""What is committed: executed, clean, complete, readable by everyone, and linked to what exists."""

from __future__ import annotations

import html
import math
import re
import sys
from pathlib import Path

import nbformat
import pytest

from course_lib.maintenance.lesson_files import FEWEST_WORDS, LONGEST_CELL, PARTS
from course_lib.maintenance.validation import WIDENED, WIDEST, tolerance_of
from course_lib.settings import NOTEBOOKS, REPOSITORY

sys.path.append(str(Path(__file__).parents[1]))
from leaks import leaks
from test_html_text import FORMULA, Runs

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
SHORTEST_ALT = 20
OPT_OUT = re.compile(r"nbval[-_](ignore|skip)", re.IGNORECASE)


@pytest.fixture(params=PATHS, ids=[path.stem for path in PATHS])
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def outputs(notebook):
    return [output for cell in code(notebook) for output in cell.outputs]


def texts(output) -> list[str]:
    """Return what an output shows as text, image bytes taken out."""
    found = [output.get("text", "")]
    found += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return [re.sub(r"base64,[A-Za-z0-9+/=\s]+", "", "".join(text)) for text in found]


CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
DISPLAYED = re.compile(r"(?<!\\)\$\$(?:\\.|[^$\\])+\$\$", re.DOTALL)


def stray_dollars(markdown: str) -> list[str]:
    """Return the dollar signs that JupyterLab would take for a formula's, each with what follows it.

    A formula has two of them on each side, a dollar of money has a backslash before it.
    """
    rest = DISPLAYED.sub("", CODE.sub("", markdown))
    return re.findall(r"(?<!\\)\$+[^$]{0,20}", rest)


@pytest.mark.parametrize(
    ("markdown", "count"),
    [
        ("It costs $31, or $135 million.", 2),
        (r"It costs \$31, or \$135 million.", 0),
        ("$$x = \\frac{a}{b}$$ and `$5` and\n```\n$6\n```", 0),
        ("$$x$$ costs $5, and $x$ is a formula in a line", 3),
        ("$$x costs", 1),
    ],
)
def test_stray_dollars_are_found(markdown, count):
    assert len(stray_dollars(markdown)) == count


def test_dollars_of_the_text_are_shown_as_text(notebook):
    assert stray_dollars(prose(notebook)) == []


def test_outputs_in_html_begin_no_formula(notebook):
    pages = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs(notebook)]
    assert [run for page in pages for run in Runs(page).runs if FORMULA.search(run)] == []


def test_there_are_notebooks():
    assert PATHS and all(re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem) for path in PATHS)
    numbers = [path.stem[:2] for path in PATHS]
    assert len(set(numbers)) == len(numbers)


def test_it_is_valid(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_it_is_executed_from_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in code(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert all(cell.source.strip() for cell in notebook.cells), "an empty cell"


def test_it_ran_without_error_or_warning(notebook):
    for output in outputs(notebook):
        assert output.output_type != "error", output.get("evalue")
        assert output.get("name") != "stderr"
        for text in texts(output):
            assert not re.search(r"\w*Warning: |Traceback \(most recent", text), text


def test_nothing_of_this_machine_is_in_it(path):
    assert not leaks(path.read_text(encoding="utf-8"))


def test_its_metadata_are_clean(notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.language_info) == {"name"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags", "course"}, cell.metadata
    assert all(not output.get("metadata") for output in outputs(notebook))


def test_few_cells_opt_out_of_validation(notebook):
    out = [
        c
        for c in code(notebook)
        if OPT_OUT.search(c.source) or OPT_OUT.search(" ".join(c.metadata.get("tags", [])))
    ]
    assert len(out) <= max(1, math.ceil(0.05 * len(code(notebook))))
    for cell in notebook.cells:
        if cell.metadata.get("tags"):
            assert len(str(cell.metadata.get("course", {}).get("reason", "")).split()) >= 3, cell.metadata


def test_a_cell_s_tags_are_those_that_validation_knows(notebook):
    """``raises-exception`` would let a cell fail, and a tag that is misspelled would do nothing."""
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            assert tag == "nbval-ignore-output" or (WIDENED.match(tag) and tolerance_of(cell)[0] <= WIDEST), (
                tag
            )


def test_few_cells_of_the_course_are_hardly_compared():
    cells = [cell for path in PATHS for cell in code(nbformat.read(path, as_version=4))]
    hardly = [
        cell
        for cell in cells
        if tolerance_of(cell)[0] > 0.1 or OPT_OUT.search(" ".join(cell.metadata.get("tags", [])))
    ]
    assert 0 < len(hardly) <= 0.05 * len(cells)


def test_every_picture_has_words_for_who_cannot_see_it(notebook):
    for output in outputs(notebook):
        data = output.get("data", {})
        pictures = re.findall(r"<(?:img|svg)\b[^>]*>", "".join(data.get("text/html", "")))
        for picture in pictures:
            alt = re.search(r'alt="([^"]*)"', picture)
            assert alt and len(html.unescape(alt[1])) >= SHORTEST_ALT, picture[:200]
        bare = [kind for kind in data if kind.startswith("image/")]
        assert not bare or pictures, f"a bare {bare[0]} has no alt text: return a Picture"
    for alt in re.findall(r"!\[([^\]]*)\]\(", prose(notebook)):
        assert len(alt) >= SHORTEST_ALT
    assert not re.search(r"\]\(attachment:", prose(notebook))


def test_its_parts_are_there_in_order(path, notebook):
    lines, position = prose(notebook).splitlines(), 0
    for part in PARTS:
        places = [i for i, line in enumerate(lines) if re.fullmatch(part, line.strip())]
        if "Paper versus" in part and path.stem.startswith("00") and not places:
            continue
        assert len(places) == 1, f"{part} occurs {len(places)} times"
        assert places[0] >= position, f"{part} is out of order"
        position = places[0]
    assert re.match(PARTS[0], lines[0])[1] == path.stem[:2]


def test_it_links_the_glossary(notebook):
    assert "](GLOSSARY.md" in prose(notebook)


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}
    return made | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def test_its_links_lead_somewhere(path, notebook):
    for target in re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)", prose(notebook)):
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https://"), target
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{path.name} links {target}, which does not exist"
        if anchor and file.suffix == ".md":
            assert anchor.lower() in anchors(file.read_text(encoding="utf-8")), f"{target}: no such heading"


def lessons_called_planned(text):
    """Return the numbers of lessons that stand near the word *planned*."""
    near = re.findall(r".{0,40}\bplanned\b.{0,20}", text, re.IGNORECASE)
    return {number for words in near if "esson" in words for number in re.findall(r"\b\d\d\b", words)}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("(Lesson 11 is planned.)", {"11"}),
        ("A later lesson (17, planned) builds it.", {"17"}),
        ("(A planned lesson, 15, comes back to this.)", {"15"}),
        ("the pairs, as the library planned them, 64 tokens each", set()),
    ],
)
def test_a_planned_lesson_is_found(text, numbers):
    assert lessons_called_planned(text) == numbers


def test_no_lesson_that_is_there_is_called_planned():
    there = {path.name[:2] for path in PATHS}
    texts = {p: "\n".join(cell.source for cell in nbformat.read(p, as_version=4).cells) for p in PATHS}
    for folder, pattern in (("slides", "*.md"), ("course_lib/lessons", "exercises_*.py")):
        texts |= {path: path.read_text(encoding="utf-8") for path in (REPOSITORY / folder).glob(pattern)}
    assert len(texts) > 2 * len(there)
    assert {
        path.name: found for path, text in texts.items() if (found := lessons_called_planned(text) & there)
    } == {}


def test_its_cells_are_short_and_its_text_is_long_enough(notebook):
    for cell in code(notebook):
        lines = cell.source.strip().splitlines()
        assert len(lines) <= LONGEST_CELL, f"{len(lines)} lines: {lines[0]}"
    assert len(prose(notebook).split()) >= FEWEST_WORDS


def test_code_cells_are_introduced(notebook):
    """No more than three code cells in a row without a word between them."""
    kinds = "".join("c" if cell.cell_type == "code" else "m" for cell in notebook.cells)
    assert kinds.startswith("m") and "cccc" not in kinds
