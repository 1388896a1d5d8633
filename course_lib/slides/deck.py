"""Reading a deck: its slides, what stands on them, and the rules that every deck keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course_lib import settings
from course_lib.errors import CourseError

DECKS = settings.REPOSITORY / "slides"
FEWEST_SLIDES, MOST_SLIDES = 12, 20
PAPER_VERSUS_HERE, REFERENCES = "Paper versus here", "References"
RESOLVED = ("figure", "drawing", "table", "code", "output", "demo", "value", "notebook")
# A decimal or a percentage: what a measurement looks like. Whole numbers count things on the slide.
MEASURED = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+\s?%?|\s?%)")
# Numbers that are names: sections, tables, versions and identifiers of papers.
NAMES = re.compile(
    r"(?:sections?|appendix|SQuAD|profile|arXiv)[\s:]\s*[A-Z]?[\d.]+(?: and [A-Z]?[\d.]+)?", re.IGNORECASE
)


class DeckError(CourseError):
    """A deck cannot be built as it is."""


@dataclass(frozen=True)
class Slide:
    """One slide of a deck.

    Parameters
    ----------
    title : its heading as plain text.
    blocks : pandoc's blocks, heading first, speaker notes left out.
    notes : pandoc's blocks of the speaker notes.
    """

    title: str
    blocks: list[dict]
    notes: list[dict]

    @property
    def minutes(self) -> int:
        """Minutes that the speaker notes give to the slide; 0 if they do not say."""
        found = re.search(r"\bMinutes\.\s*(\d+)", plain(self.notes))
        return int(found[1]) if found else 0


@dataclass(frozen=True)
class Deck:
    """A deck as it was read.

    Parameters
    ----------
    path : its Markdown file.
    opening : pandoc's blocks of the title slide's speaker notes.
    facts : numbers that the deck may state, each with its source.
    slides : all slides but the title slide.
    api_version : version of pandoc's document format.
    """

    path: Path
    opening: list[dict]
    facts: dict[str, str]
    slides: list[Slide]
    api_version: list[int]

    @property
    def name(self) -> str:
        """Name of the lesson, such as ``04_masked_language_model``."""
        return self.path.stem

    @property
    def minutes(self) -> int:
        """Minutes of all slides together."""
        opening = Slide("", [], self.opening)
        return opening.minutes + sum(slide.minutes for slide in self.slides)


def deck_paths(lessons: list[str] | None = None, folder: Path = DECKS) -> list[Path]:
    """Return the decks of the lessons given by number or name, all of them if none is given.

    Raises
    ------
    DeckError
        If a lesson has no deck.
    """
    paths = sorted(folder.glob("[0-9][0-9]_*.md"))
    if not lessons:
        return paths
    chosen = []
    for lesson in lessons:
        stem = lesson.zfill(2) if lesson.isdecimal() else lesson.removesuffix(".md")
        found = [path for path in paths if path.stem == stem or path.stem.startswith(f"{stem}_")]
        if len(found) != 1:
            known = ", ".join(path.stem[:2] for path in paths)
            raise DeckError(f"There is no deck {lesson!r} in {folder}. Choose one of: {known}.")
        chosen += found
    return chosen


def pandoc(text: str, *options: str) -> str:
    """Run pandoc on a text.

    Raises
    ------
    DeckError
        If pandoc refuses the text or warns about it.
    """
    import subprocess

    import pypandoc

    command = [pypandoc.get_pandoc_path(), "--fail-if-warnings", "--wrap=none", "--columns=1000", *options]
    done = subprocess.run(command, input=text.encode(), capture_output=True)
    if done.returncode:
        raise DeckError(f"pandoc: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()


def walk(tree) -> Iterator[dict]:
    """Yield every element of pandoc's tree, outer ones first."""
    if isinstance(tree, dict):
        if "t" in tree:
            yield tree
        for value in tree.values():
            yield from walk(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from walk(value)


def classes(element: dict) -> list[str]:
    """Return the classes of a piece of code, a block of code, a division or a span."""
    return element["c"][0][1] if element.get("t") in ("Code", "CodeBlock", "Div", "Span") else []


def reference(element: dict) -> str | None:
    """Return which kind of reference a piece of code is (``figure``, ``value``, ...), or None."""
    if element.get("t") != "Code":
        return None
    return next((name for name in classes(element) if name in RESOLVED), None)


def plain(tree) -> str:
    """Return the words of pandoc's blocks, without code, formulas and what is filled in later."""
    parts = []
    for element in walk(tree):
        if element["t"] == "Str":
            parts.append(element["c"])
        elif element["t"] in ("Space", "SoftBreak", "LineBreak"):
            parts.append(" ")
        elif element["t"] in ("Para", "Plain", "Header", "CodeBlock"):
            parts.append("\n")
        elif element["t"] in ("Code", "Math"):
            parts.append("\u2060")  # a word joiner: what follows is no new word
    return "".join(parts).strip()


def read_deck(path: Path) -> Deck:
    """Read a deck.

    Raises
    ------
    DeckError
        If it is not readable, has text before its first slide, or a heading that is no slide's.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeckError(f"{path} cannot be read ({error}).") from None
    try:
        document = json.loads(pandoc(text, "--from=markdown-implicit_figures-smart", "--to=json"))
    except DeckError as error:
        raise DeckError(f"{path}: {error} Mend the Markdown.") from None
    slides: list[tuple[list, list]] = []
    for block in document["blocks"]:
        if block["t"] == "Header" and block["c"][0] == 2:
            slides.append(([block], []))
        elif block["t"] == "Header":
            raise DeckError(
                f"{path}: {plain([block])!r} is a heading of level {block['c'][0]}. Slides begin with ##."
            )
        elif not slides:
            raise DeckError(f"{path}: there is text before the first slide. Begin a slide with ##.")
        elif "notes" in classes(block):
            slides[-1][1].extend(block["c"][1])
        else:
            slides[-1][0].append(block)
    meta = document["meta"]
    facts = {key: plain(value) for key, value in meta.get("facts", {}).get("c", {}).items()}
    return Deck(
        path,
        meta.get("notes", {}).get("c", []),
        facts,
        [Slide(plain(blocks[:1]), blocks, notes) for blocks, notes in slides],
        document["pandoc-api-version"],
    )


def problems(deck: Deck) -> list[str]:
    """Return what is wrong with a deck, one sentence each, before anything is built.

    The rules: 12 to 20 slides with the title slide; speaker notes on each that say what to say, what to ask
    and how many minutes it takes; one live demonstration; the paper beside the course; references at the
    end; no picture but by reference; and no measured number typed by hand.
    """
    found = []
    count = len(deck.slides) + 1
    if not FEWEST_SLIDES <= count <= MOST_SLIDES:
        found.append(f"it has {count} slides, not {FEWEST_SLIDES} to {MOST_SLIDES}")
    titles = [slide.title for slide in deck.slides]
    found += [f"two slides are called {title!r}" for title in sorted(set(titles)) if titles.count(title) > 1]
    for name in (PAPER_VERSUS_HERE, REFERENCES):
        if name not in titles:
            found.append(f"no slide is called {name!r}")
    if titles and titles[-1] != REFERENCES:
        found.append(f"the last slide is {titles[-1]!r}, not {REFERENCES!r}")
    demos = [s.title for s in deck.slides if any(reference(e) == "demo" for e in walk(s.blocks))]
    if len(demos) != 1:
        found.append(f"{len(demos)} slides name a cell for a live demonstration, not one")
    stated = set()
    for slide in [Slide("title slide", [], deck.opening), *deck.slides]:
        where = f"slide {slide.title!r}"
        notes = plain(slide.notes)
        for part in ("Say.", "Ask.", "Minutes."):
            if not any(e["t"] == "Strong" and plain(e["c"]) == part for e in walk(slide.notes)):
                found.append(f"{where}: the notes have no **{part}**")
        if not slide.minutes:
            found.append(f"{where}: the notes give it no minutes")
        if len(notes.split()) < 15:
            found.append(f"{where}: the notes are hardly notes: {notes!r}")
        if any(e["t"] in ("Image", "RawBlock", "RawInline") for e in walk([slide.blocks, slide.notes])):
            found.append(f"{where}: pictures come by reference, and raw HTML is not used")
        for number in MEASURED.findall(NAMES.sub("", plain(slide.blocks))):
            stated.add(number)
            if number not in deck.facts:
                found.append(
                    f"{where}: {number} is typed by hand. Refer to a result, or name its source under facts"
                )
    found += [f"the fact {number!r} is on no slide" for number in deck.facts if number not in stated]
    return found
