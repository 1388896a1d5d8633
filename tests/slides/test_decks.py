"""Every deck that is committed: its rules, what it takes from its notebook, and its three formats.

What a browser must show is skipped where there is none; everything else is always tested.
"""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import pytest

from course_lib import settings
from course_lib.maintenance import readme
from course_lib.slides import browser, build
from course_lib.slides.deck import DeckError, deck_paths, problems, read_deck, reference, walk
from course_lib.slides.notebook import Lesson
from course_lib.slides.powerpoint import presentation

PATHS = deck_paths()
needs_browser = pytest.mark.skipif(
    browser.find_browser() is None, reason="no Chromium, Chrome or Edge on this machine"
)


@pytest.fixture(scope="module", params=PATHS, ids=[path.stem for path in PATHS])
def deck(request):
    return read_deck(request.param)


@pytest.fixture(scope="module")
def page(deck):
    settings.current.cache_clear()
    return build.page(deck)


@pytest.fixture(scope="module")
def file(deck, page, tmp_path_factory):
    path = tmp_path_factory.mktemp("deck") / f"{deck.name}.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shown(deck, file):
    """What the browser shows: faults, layouts, PDF and the speaker's window, taken once."""
    with browser.open_deck(file) as opened:
        found = {
            "slides": opened.slides,
            "pdf": opened.pdf(),  # first: the print view must not stay
            "faults": opened.faults(),
            "layouts": opened.layouts(),
        }
        opened.show(0)
        with opened.page.expect_popup() as waiting:
            opened.page.keyboard.press("s")
        opened.show(1)
        spoken = waiting.value.locator(".speaker-controls-notes .value")
        spoken.filter(has_text=first_words(deck.slides[0].notes)).wait_for(timeout=30_000)
        return found | {"spoken": spoken.inner_text(), "asked": opened.requests, "errors": opened.errors}


def first_words(notes) -> str:
    """Return three words of the notes that stand together."""
    words = (e["c"] if e["t"] == "Str" else " " for e in walk(notes) if e["t"] in ("Str", "Space"))
    return re.search(r"\w+ \w+ \w+", "".join(words))[0]


class Elements(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def names_of(deck, *kinds: str) -> list[str]:
    return [e["c"][1] for slide in deck.slides for e in walk(slide.blocks) if reference(e) in kinds]


def drawn(source: str) -> set[str]:
    """Return the paths of a drawing, but for the paper behind it."""
    text = base64.b64decode(source.partition("base64,")[2]).decode()
    without_paper = re.sub(r'id="patch_1">.*?</g>', "", text, count=1, flags=re.DOTALL)
    return {" ".join(path.split()) for path in re.findall(r'<path[^>]*? d="([^"]+)"', without_paper)}


# Words ---------------------------------------------------------------------------------------------


def test_there_are_decks():
    assert PATHS


def test_the_rules_are_kept(deck):
    assert problems(deck) == []


def test_deck_notebook_and_syllabus_agree_on_names(deck):
    titles = {name: title for lessons in readme.SYLLABUS.values() for name, title in lessons.items()}
    assert Lesson.of(deck.name).part("title") == titles[deck.name]


@pytest.mark.parametrize("kind", ["figure", "table"])
def test_it_shows_the_numbered_figures_and_tables_of_its_notebook(deck, kind):
    lesson = Lesson.of(deck.name)
    references = [e["c"] for slide in deck.slides for e in walk(slide.blocks) if reference(e) == kind]
    positions = [int(dict(pairs).get("number", 0)) or None for (_, _, pairs), _ in references]
    shown = [lesson.shown(text, kind, n) for (_, text), n in zip(references, positions, strict=True)]
    assert lesson.numbers(kind) <= {found.number for found in shown}


# HTML ----------------------------------------------------------------------------------------------


def test_the_page_holds_all_that_it_needs(page):
    for tag, attributes in Elements(page).tags:
        assert tag not in ("link", "iframe", "object", "embed", "video", "audio", "base"), tag
        assert "srcset" not in attributes
        if tag in ("script", "img"):
            assert attributes.get("src", "data:").startswith("data:")
        if tag == "a" and "href" in attributes:
            assert re.match(r"#|https://", attributes["href"]), attributes
    assert not re.search(r"url\(\s*['\"]?(?!data:|#)[^)]", page.split("</style>")[0])


def test_every_picture_and_formula_has_words(page):
    tags = Elements(page).tags
    for tag, attributes in tags:
        if tag == "img":
            assert len(attributes.get("alt", "")) >= 20
        if attributes.get("role") == "img":
            assert attributes.get("aria-label", "").strip()
    drawings = sum(tag == "svg" for tag, _ in tags)
    assert drawings == sum(attributes.get("role") == "img" for _, attributes in tags)


def test_every_slide_has_notes(deck, page):
    tags = [tag for tag, attributes in Elements(page).tags if tag in ("section", "aside")]
    assert tags == ["section", "aside"] * (len(deck.slides) + 1)


def test_pictures_are_vector_graphics_of_the_notebook(deck, page):
    images = [attributes["src"] for tag, attributes in Elements(page).tags if tag == "img"]
    assert len(images) == len(names_of(deck, "figure", "drawing"))
    assert all(source.startswith("data:image/svg+xml;base64,") for source in images)
    notebook = Lesson.of(deck.name).path.read_text(encoding="utf-8")
    stored = [drawn(source) for source in re.findall(r"data:image/svg\+xml;base64,[\w+/=]+", notebook)]
    shown = [drawn(source) for source in images]
    assert sum(any(one <= other for other in stored) for one in shown) >= len(names_of(deck, "figure"))


# In the browser ------------------------------------------------------------------------------------


@needs_browser
def test_nothing_overflows_is_too_small_or_asks_the_network(shown):
    assert shown["faults"] == []


@needs_browser
def test_the_pdf_has_one_page_a_slide(deck, shown):
    assert shown["slides"] == len(deck.slides) + 1
    assert len(re.findall(rb"/Type /Page\b", shown["pdf"])) == shown["slides"]
    boxes = {tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox \[([^\]]+)\]", shown["pdf"])}
    assert len(boxes) == 1
    _, _, width, height = boxes.pop()
    assert abs(width / height - 16 / 9) < 0.01


@needs_browser
def test_the_pptx_has_every_slide_with_its_notes_and_words_for_pictures(deck, shown):
    from pptx import Presentation
    from pptx.enum.shapes import MSO_SHAPE_TYPE

    made = Presentation(io.BytesIO(presentation(shown["layouts"], deck)))
    assert len(made.slides) == shown["slides"]
    assert abs(made.slide_width / made.slide_height - 16 / 9) < 1e-3
    for slide, described in zip(list(made.slides)[1:], deck.slides, strict=True):
        assert slide.shapes.title.text_frame.text == described.title
        assert "Minutes." in slide.notes_slide.notes_text_frame.text
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.top >= 0
            assert (
                shape.left + shape.width <= made.slide_width and shape.top + shape.height <= made.slide_height
            )
            if shape.shape_type == MSO_SHAPE_TYPE.PICTURE:
                assert shape._element.nvPicPr.cNvPr.get("descr", "").strip()


@needs_browser
def test_the_speaker_view_opens_without_a_network(shown, deck):
    assert first_words(deck.slides[0].notes) in shown["spoken"]
    assert shown["asked"] == [] and shown["errors"] == []


def test_a_deck_that_cannot_be_written_is_one_sentence_and_leaves_nothing(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DeckError, match=r"could not be written.*--output"):
        build.build_deck(deck_paths(["02"])[0], tmp_path / "taken", html_only=True)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
