"""The glossary's terms: an address for each, and a tooltip where a lesson first uses one."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

ENTRY = re.compile(
    r"^- \*\*(?P<name>.+?)\*\* · (?P<meaning>.+?)(?: \((?:\[\d\d\]\([^)]*\)(?:, )?)+\))?$", re.MULTILINE
)


@dataclass(frozen=True)
class Term:
    """A word of the glossary.

    Parameters
    ----------
    name : the word, as the glossary writes it.
    meaning : what it means, as Markdown.
    """

    name: str
    meaning: str

    @property
    def anchor(self) -> str:
        """The entry's address on the glossary's page."""
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def plain_meaning(self) -> str:
        """What it means, without Markdown's marks."""
        return re.sub(r"[*`]", "", re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", self.meaning))


def read_terms(text: str) -> dict[str, Term]:
    """Return the terms of a glossary by the form that :func:`singular` gives them.

    Parameters
    ----------
    text : the glossary as Markdown.
    """
    return {singular(found["name"]): Term(found["name"], found["meaning"]) for found in ENTRY.finditer(text)}


def singular(words: str) -> str:
    """Return words in small letters and without a plural's s, to be compared."""
    words = re.sub(r"[`*]", "", words).replace("’", "'").strip().lower()  # Sphinx curls apostrophes
    return words[:-1] if words.endswith("s") and not words.endswith("ss") else words


def tooltip(words: str, term: Term, page: str, number: int) -> str:
    """Return HTML of a word that explains itself when it's pointed at or reached by Tab.

    Parameters
    ----------
    words : what the lesson says.
    term : the term it stands for.
    page : address of the glossary, seen from the lesson.
    number : a number that no other tooltip of the page has.
    """
    return (
        f'<span class="course-term"><a href="{html.escape(page)}#{term.anchor}" aria-describedby="term-{number}">'
        f'{html.escape(words)}</a><span role="tooltip" id="term-{number}">{html.escape(term.plain_meaning)}'
        "</span></span>"
    )
