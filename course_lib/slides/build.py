"""Building a deck: one HTML file that needs nothing else, and from it a PDF and a PPTX."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from string import Template

from course_lib import settings
from course_lib.figures import style
from course_lib.files import write_bytes, write_text
from course_lib.slides.content import Content, markdown_blocks
from course_lib.slides.deck import Deck, DeckError, Slide, pandoc, problems, read_deck, walk
from course_lib.translation import translate

THEME = Path(__file__).parent / "theme"
COLORS = {
    "ink": style.BLACK,
    "muted": "#55616E",  # GRAY of the figures, darker: it must be read from the last row
    "accent": style.BLUE,
    "warm": style.VERMILION,
    "green": "#00704F",  # GREEN of the figures, darker, for text
    "soft": style.LIGHT,
}

ELSEWHERE = "build it again, or name another folder with --output"


def reveal() -> Path:
    """Return the folder of reveal.js, which the package ``sphinx-revealjs`` carries."""
    return Path(str(resources.files("sphinx_revealjs"))) / "_static" / "revealjs"


def title_slide(content: Content) -> list[dict]:
    """Return pandoc's blocks of the first slide: number, title and promise of the notebook, and the notes."""
    lesson, deck = content.lesson, content.deck
    heading = markdown_blocks(f"## {deck.name[:2]} · {lesson.part('title')} {{#title-slide}}")
    promise = {"t": "Div", "c": [["", ["promise"], []], markdown_blocks(lesson.part("promise"))]}
    course = {"t": "Div", "c": [["", ["course"], []], markdown_blocks(translate("BERT: pre-training strategies and fine-tuning for downstream tasks"))]}  # fmt: skip
    return [*_timed(heading, Slide("", [], deck.opening).minutes), promise, course, _notes(deck.opening)]


def _timed(blocks: list[dict], minutes: int) -> list[dict]:
    """Return a slide's blocks with its minutes where the timer of the speaker view looks for them."""
    level, (identifier, names, pairs), words = blocks[0]["c"]
    attributes = [identifier, names, [*pairs, ["data-timing", str(60 * minutes)]]]
    return [{"t": "Header", "c": [level, attributes, words]}, *blocks[1:]]


def _notes(blocks: list[dict]) -> dict:
    return {"t": "Div", "c": [["", ["notes"], []], blocks]}


def _leave_out_caption(blocks: list[dict], title: str) -> None:
    """Take away a table's caption that only says the slide's title again."""
    for block in walk(blocks):
        if block["t"] == "RawBlock":
            block["c"][1] = block["c"][1].replace(f"<caption>{html.escape(title)}</caption>", "", 1)


def body(deck: Deck) -> str:
    """Return the slides of a deck as HTML sections.

    Raises
    ------
    DeckError
        If a reference leads nowhere.
    """
    content = Content(deck)
    blocks = title_slide(content)
    for slide in deck.slides:
        try:
            shown = content.filled(slide.blocks)
            _leave_out_caption(shown, slide.title)
            blocks += [*_timed(shown, slide.minutes), _notes(content.filled(slide.notes))]
        except DeckError as error:
            raise DeckError(f"{deck.path}, slide {slide.title!r}: {error}") from error
    document = {"pandoc-api-version": deck.api_version, "meta": {}, "blocks": blocks}
    return pandoc(
        json.dumps(document),
        "--from=json",
        "--to=revealjs",
        "--slide-level=2",
        "--syntax-highlighting=pygments",
    )


def page(deck: Deck) -> str:
    """Return a deck as one HTML page with its styles and scripts in it.

    Raises
    ------
    DeckError
        If the deck breaks a rule, or a reference leads nowhere.
    """
    found = problems(deck)
    if found:
        raise DeckError(f"{deck.path}: {'; '.join(found)}.")
    files = reveal()
    try:
        scripts = [
            files / "dist" / "reveal.js",
            *(files / "plugin" / n / f"{n}.js" for n in ("notes", "search")),
        ]
        script = "\n".join(path.read_text(encoding="utf-8") for path in scripts).replace(
            "</script", "<\\/script"
        )
        sheets = [files / "dist" / "reset.css", files / "dist" / "reveal.css", THEME / "slides.css"]
        sheet = "\n".join(path.read_text(encoding="utf-8") for path in sheets)
        fill = (THEME / "fill.js").read_text(encoding="utf-8")
    except OSError as error:
        raise DeckError(
            f"A part of the decks' theme cannot be read ({error}). Install the course anew: make setup"
        ) from None
    colors = "".join(f"--{name}: {color}; " for name, color in COLORS.items())
    title = f"{deck.name[:2]} · {Content(deck).lesson.part('title')}"
    template = Template((THEME / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        language=settings.language(),
        title=html.escape(title),
        colors=f":root {{ {colors}}}",
        sheet=sheet,
        body=body(deck),
        script=script,
        fill=fill,
    )


def build_deck(path: Path, output: Path, html_only: bool = False) -> list[Path]:
    """Build one deck.

    Parameters
    ----------
    path : its Markdown file.
    output : folder for the files.
    html_only : leave out what needs a browser, PDF and PPTX.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    DeckError
        If the deck breaks a rule, a reference leads nowhere, something does not fit its slide, or no browser
        is found.
    """
    return _written(read_deck(path), output, html_only)


def _written(deck: Deck, output: Path, html_only: bool) -> list[Path]:
    """Write the files of a deck that was read."""
    target = output / f"{deck.name}.html"
    write_text(target, page(deck), error=DeckError, then=ELSEWHERE)
    if html_only:
        return [target]
    from course_lib.slides.browser import open_deck
    from course_lib.slides.powerpoint import presentation

    with open_deck(target) as shown:
        faults = shown.faults()
        if faults:
            raise DeckError(f"{deck.path}: {'; '.join(faults)}.")
        files = {".pdf": shown.pdf(), ".pptx": presentation(shown.layouts(), deck)}
    for suffix, content in files.items():
        write_bytes(target.with_suffix(suffix), content, error=DeckError, then=ELSEWHERE)
    return [target, *(target.with_suffix(suffix) for suffix in files)]


def build_decks(paths: list[Path], output: Path, html_only: bool, say: Callable[[str], None] = print) -> None:
    """Build decks one after the other, and say what was written and how many minutes the slides take.

    Raises
    ------
    DeckError
        As :func:`build_deck`.
    """
    for path in paths:
        deck = read_deck(path)
        files = _written(deck, output, html_only)
        names = ", ".join(file.suffix[1:].upper() for file in files)
        text = translate("{name}: {minutes} minutes; {formats} in {folder}")
        say(text.format(name=path.stem, minutes=deck.minutes, formats=names, folder=output))
