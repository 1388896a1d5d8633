"""Broken sources: each is told in one sentence, and the rest of the site is built."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course_lib import cli
from course_lib.cli import site as command
from course_lib.figures.style import PICTURE
from course_lib.site import build, inspection, sources
from course_lib.site.glossary import read_terms, singular
from course_lib.site.lessons import Places
from course_lib.site.problems import Problems, SiteError
from course_lib.slides import build as deck_build
from course_lib.slides.deck import DeckError
from course_lib.slides.mathematics import mathml
from tests.site.conftest import write_lesson

NAME = "04_masked_language_model"


def written(clone, tmp_path, **places):
    """Write the sources of a clone's pages, and return them."""
    found = sources.Sources(tmp_path / "pages", Places(None, {}, **places), clone)
    found.write()
    return found


def lesson_source(found) -> str:
    notebook = nbformat.read(found.folder / "notebooks" / f"{NAME}.ipynb", as_version=4)
    outputs = [
        str(output.get("data", {}).get("text/html", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    ]
    return "\n".join([*(cell.source for cell in notebook.cells), *outputs])


def about_the_lesson(found) -> list[str]:
    return [sentence for sentence in found.problems if sentence.startswith(NAME) or f"/{NAME}" in sentence]


def test_a_clone_that_is_whole_has_nothing_to_tell_about_its_lesson(clone, tmp_path):
    assert about_the_lesson(written(clone, tmp_path)) == []


def test_a_notebook_without_outputs(clone, tmp_path):
    write_lesson(clone, new_code_cell("1 + 1"))
    found = written(clone, tmp_path)
    assert about_the_lesson(found) == [f"{NAME}.ipynb has no outputs; run it first: course run 04."]
    assert "1 + 1" in lesson_source(found)


def test_a_link_into_nothing_becomes_plain_words(clone, tmp_path):
    output = new_output("stream", text="2")
    write_lesson(
        clone, new_markdown_cell("See [this page](nowhere.md)."), new_code_cell("2", outputs=[output])
    )
    found = written(clone, tmp_path)
    assert about_the_lesson(found) == [f"notebooks/{NAME}.ipynb: the link to nowhere.md leads nowhere."]
    assert "See this page." in lesson_source(found)


def test_a_figure_without_its_picture(clone, tmp_path):
    data = {PICTURE: {"title": "A curve", "alt": "It falls."}, "text/plain": "[Figure]"}
    write_lesson(clone, new_code_cell("draw()", outputs=[new_output("display_data", data=data)]))
    found = written(clone, tmp_path)
    assert about_the_lesson(found) == [f"{NAME}.ipynb: the figure “A curve” is missing."]
    assert "This figure is missing: A curve" in lesson_source(found)


def test_a_file_that_is_no_notebook(clone, tmp_path):
    (clone / "notebooks" / f"{NAME}.ipynb").write_text("{ not JSON", encoding="utf-8")
    found = written(clone, tmp_path)
    assert [s for s in found.problems if s.startswith(f"{NAME}.ipynb can't be read as a notebook")]
    assert (found.folder / "notebooks" / "00_start_here.ipynb").is_file()


def test_the_rest_is_built_and_the_command_tells(clone, tmp_path, monkeypatch, capsys):
    write_lesson(clone, new_markdown_cell("See [this page](nowhere.md)."), new_code_cell("1 + 1"))
    monkeypatch.setattr(command, "published_at", lambda: None)
    monkeypatch.setitem(build.build_site.__kwdefaults__, "clone", clone)
    output = tmp_path / "out" / "site"
    output.parent.mkdir()
    assert cli.main(["site", "--decks", "none", "--output", str(output)]) == 1
    said = capsys.readouterr().out
    assert f"{NAME}.ipynb has no outputs" in said and "nowhere.md leads nowhere" in said
    assert "Traceback" not in said
    for name in ("index.html", f"notebooks/{NAME}.html", "notebooks/00_start_here.html", "search.html"):
        assert (output / name).is_file()
    assert "colab" not in (output / "notebooks" / f"{NAME}.html").read_text(encoding="utf-8")


def test_a_folder_of_someone_else_is_not_replaced(clone, tmp_path):
    output = tmp_path / "mine"
    output.mkdir()
    (output / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(SiteError, match="isn't an earlier site"):
        build.build_site(output, decks="none", clone=clone, say=lambda line: None)
    assert (output / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_an_empty_clone_is_told(tmp_path):
    with pytest.raises(SiteError, match="no notebooks"):
        build.build_site(tmp_path / "site", decks="none", clone=tmp_path, say=lambda line: None)


PAGE = '<html><head>{head}</head><body id="top">{body}</body></html>'


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ('<script src="https://cdn.example.org/a.js"></script>', ""),
        ('<link rel="stylesheet" href="//fonts.example.org/a.css">', ""),
        ("<style>@import 'https://fonts.example.org/a.css';</style>", ""),
        ("", '<img alt="a" src="http://example.org/a.png">'),
        ("", '<img alt="a" srcset="https://example.org/a.png 2x">'),
        ("", '<p style="background: url(https://example.org/a.png)">a</p>'),
        ("", '<iframe src="https://example.org"></iframe>'),
    ],
)
def test_a_request_to_elsewhere_is_found(tmp_path, head, body):
    (tmp_path / "index.html").write_text(PAGE.format(head=head, body=body), encoding="utf-8")
    (fault,) = inspection.external_requests(tmp_path)
    assert fault.startswith("index.html asks for ") and "example.org" in fault


def test_a_request_in_a_style_sheet_is_found(tmp_path):
    (tmp_path / "a.css").write_text("body { background: url('https://example.org/a.png') }", encoding="utf-8")
    assert len(inspection.external_requests(tmp_path)) == 1


def test_a_link_to_elsewhere_is_no_request(tmp_path):
    body = '<a href="https://arxiv.org/abs/1810.04805">paper</a>'
    (tmp_path / "index.html").write_text(PAGE.format(head="", body=body), encoding="utf-8")
    assert inspection.faults(tmp_path) == []


@pytest.mark.parametrize(
    ("address", "broken"),
    [
        ("other.html", False),
        ("other.html#here", False),
        ("#top", False),
        ("", False),
        ("other.html#there", True),
        ("missing.html", True),
        ("#bottom", True),
        ("../outside.html", True),
        ("mailto:someone@example.org", False),
    ],
)
def test_a_broken_link_is_found(tmp_path, address, broken):
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "outside.html").write_text("<p>outside</p>", encoding="utf-8")
    (site / "other.html").write_text('<p id="here">other</p>', encoding="utf-8")
    (site / "index.html").write_text(
        PAGE.format(head="", body=f'<a href="{address}">a</a>'), encoding="utf-8"
    )
    assert bool(inspection.broken_links(site)) is broken


@pytest.mark.parametrize("alt", ["", ' alt=""', ' alt=" "'])
def test_a_picture_without_words_is_found(tmp_path, alt):
    (tmp_path / "index.html").write_text(f'<p>a<img src="a.svg"{alt}></p>', encoding="utf-8")
    assert inspection.pictures_without_words(tmp_path) == [
        "index.html: the picture a.svg has no alternative text."
    ]


def test_code_is_no_link(clone, tmp_path):
    text = "`[a](b.md)` and\n\n```text\n[a](b.md)\n```\n"
    found = sources.Sources(tmp_path / "pages", Places(None, {}), clone)
    assert found.linked(text, sources.Path("docs/a.md")) == text and found.problems == []


def test_a_link_around_code_is_one(clone, tmp_path):
    found = sources.Sources(tmp_path / "pages", Places(None, {}), clone)
    text = found.linked(
        "[`words`](../notebooks/GLOSSARY.md) and [map](../README.md#syllabus)", sources.Path("docs/a.md")
    )
    assert text == "[`words`](../notebooks/GLOSSARY.md) and [map](../lessons.md)" and found.problems == []


def test_a_diagram_becomes_a_table():
    text = "```mermaid\nflowchart TD\n    a --> b\n    a --> c\n```"
    assert "| `a` | `b`, `c` |" in sources.without_diagrams(text)


def test_a_formula_that_cannot_be_read_is_told():
    assert "<math" in mathml(r"\frac{1}{n}\sum_i x_i", display=True)
    with pytest.raises(DeckError, match="not known"):
        mathml(r"\nosuchcommand{x}", display=False)


def test_terms_are_read_with_brackets_and_plurals():
    text = "- **[CLS]** · The *first* token. ([03](03_input_embeddings.ipynb))\n- **loss** · A number.\n"
    terms = read_terms(text)
    assert terms["[cls]"].plain_meaning == "The first token." and terms["[cls]"].anchor == "term-cls"
    assert singular("Batches of `ids`") == "batches of id" and singular("loss") == "loss"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("git@github.com:owner/course.git", "owner/course"),
        ("https://github.com/owner/course", "owner/course"),
        ("https://example.org/owner/course.git", None),
    ],
)
def test_the_repository_is_read_from_git(monkeypatch, address, expected):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)

    class Asked:
        stdout = address + "\n"

    monkeypatch.setattr(command.subprocess, "run", lambda *arguments, **options: Asked())
    assert command.published_at() == expected


def test_a_lesson_without_a_repository_can_still_be_downloaded():
    links = dict(Places(None, {NAME: [".html"]}).links(NAME))
    assert links == {
        "Download the notebook": f"../downloads/{NAME}.ipynb",
        "Slides": f"../slides/{NAME}.html",
    }


def test_a_full_disk_is_told_in_one_sentence(tmp_path, monkeypatch, capsys):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build, "build_site", full)
    assert cli.main(["site", "--output", str(tmp_path / "site")]) == 2
    error = capsys.readouterr().err
    assert "No space left on device" in error and error.count("\n") == 1


def test_decks_go_with_the_site_and_a_broken_one_is_left_out(clone, tmp_path, monkeypatch):
    for name in ("00_start_here", NAME):
        (clone / "slides").mkdir(exist_ok=True)
        (clone / "slides" / f"{name}.md").write_text("words", encoding="utf-8")
    asked = []

    def build_deck(path, output, html_only=False):
        asked.append(path.stem)
        if path.stem == NAME:
            raise SiteError("its figure isn't there.")
        output.mkdir(parents=True, exist_ok=True)
        (output / f"{path.stem}.html").write_text("deck", encoding="utf-8")

    monkeypatch.setattr(deck_build, "build_deck", build_deck)
    problems = Problems()
    for _ in range(2):
        ready = build._decks(tmp_path / "slides", "html", clone, problems)
        assert ready == {"00_start_here": [".html"]}
        assert (tmp_path / "slides" / "00_start_here.html").read_text(encoding="utf-8") == "deck"
    assert problems == [f"The deck {NAME}.md is left out: its figure isn't there."]
    assert asked == ["00_start_here", NAME, NAME], "a deck that is newer than its lesson was built again"
