"""The glossary is in order, each line has its form, and lessons and glossary link to one another."""

import json
import re

import nbformat
import pytest

from course_lib import settings

GLOSSARY = settings.NOTEBOOKS / "GLOSSARY.md"
LINE = re.compile(
    r"- \*\*(?P<term>[^*]+)\*\* · (?P<definition>[^ ].*\.) \((?P<links>\[\d\d\]\(\S+\)(?:, \[\d\d\]\(\S+\))*)\)"
)
LINK = re.compile(r"\[(\d\d)\]\(([^)]+)\.ipynb\)")
NOTEBOOKS = sorted(settings.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def entries() -> list[str]:
    """Return the lines of the glossary below its introduction."""
    return [line for line in GLOSSARY.read_text(encoding="utf-8").splitlines()[3:] if line]


def sorting_key(term: str) -> str:
    """Return a term in small letters, without brackets and hyphens."""
    return "".join(character for character in term.casefold() if character.isalnum() or character == " ")


def terms() -> list[str]:
    return [LINE.fullmatch(line)["term"] for line in entries()]


@pytest.mark.parametrize("line", entries(), ids=lambda line: line[4:24])
def test_each_line_has_the_form(line):
    found = LINE.fullmatch(line)
    assert found, "the form is: - **term** · definition. ([04](04_masked_language_model.ipynb))"
    assert found["term"] == found["term"].strip()
    sentences = re.split(r"(?<=[.!?]) (?=[A-Z\[`])", found["definition"])
    assert len(sentences) <= 2, "a definition has one or two sentences"


def test_terms_are_in_alphabetical_order_and_unique():
    keys = [sorting_key(term) for term in terms()]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) >= 60


def test_links_lead_to_lessons_and_carry_their_number():
    existing = {path.stem for path in NOTEBOOKS}
    for line in entries():
        links = LINK.findall(LINE.fullmatch(line)["links"])
        assert links and links == sorted(set(links)), line
        for number, name in links:
            assert name in existing, line
            assert name.startswith(f"{number}_"), line


def words_of(text: str) -> str:
    return re.sub(r"[-_*`]", " ", text).casefold()


@pytest.fixture(scope="module")
def lessons() -> dict[str, str]:
    """What a reader sees of each lesson: its cells and what they have printed."""
    found = {}
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        said = [output.get("text") or output.data.get("text/plain", "") for output in outputs]
        found[path.stem] = words_of("\n".join([*(cell.source for cell in cells), *said]))
    return found


@pytest.mark.parametrize("line", entries(), ids=lambda line: line[4:24])
def test_a_lesson_that_is_linked_uses_the_term(lessons, line):
    term = words_of(re.sub(r"\(.*?\)", "", LINE.fullmatch(line)["term"]))
    stems = [word[: max(4, len(word) - 3)] for word in term.split()]  # "token embeddings", "of one token"
    for _, name in LINK.findall(LINE.fullmatch(line)["links"]):
        assert all(stem in lessons[name] for stem in stems), (name, stems)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_links_to_the_glossary(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert "](GLOSSARY.md" in text
