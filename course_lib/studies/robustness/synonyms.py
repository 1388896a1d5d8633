"""A table of synonyms: groups of words that may stand for one another, one group a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.errors import DataFileError
from course_lib.settings import DATA

TABLE = DATA / "synonyms" / "film_words.txt"


@dataclass(frozen=True)
class SynonymTable:
    """Words by group; a word is in one group alone, so whatever may replace it may be replaced by it.

    Parameters
    ----------
    groups : of at least two words each, in lower case.
    """

    groups: tuple[tuple[str, ...], ...]
    _group_of: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "_group_of", {word: group for group in self.groups for word in group})

    def others(self, word: str) -> list[str]:
        """Return the words that may replace a word, none if it's in no group; upper case makes no difference."""
        word = word.lower()
        return [other for other in self._group_of.get(word, ()) if other != word]


def parse_synonyms(lines: Sequence[str], place: str | Path) -> SynonymTable:
    """Read a table: on each line words separated by commas; an empty line or one that starts with ``#`` is no group.

    Parameters
    ----------
    lines : of the file.
    place : its path, for messages.

    Raises
    ------
    DataFileError
        If a line has fewer than two words, an empty one, or one that's in the table already. A word in two groups
        would lead from *funny* by way of *odd* to *eerie*, and a word twice in its own group back to itself.
    """
    groups, line_of = [], {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        group = tuple(word.strip().lower() for word in line.split(","))
        if len(group) < 2 or not all(group):
            raise DataFileError(
                place,
                f"{line.strip()!r} is no group of words",
                "Write at least two, separated by commas",
                line=number,
            )
        for word in group:
            if word in line_of:
                raise DataFileError(
                    place,
                    f"{word!r} stands on line {line_of[word]} already, so synonyms of synonyms lead to another meaning, "
                    "or back in a circle",
                    "Keep it in one group, once",
                    line=number,
                )
            line_of[word] = number
        groups.append(group)
    if not groups:
        raise DataFileError(
            place, "there is no group of words", "Write one on each line, separated by commas"
        )
    return SynonymTable(tuple(groups))


def read_synonyms(path: str | Path = TABLE) -> SynonymTable:
    """Read a table of synonyms from a file, the course's own if left out, see :func:`parse_synonyms`.

    Raises
    ------
    DataFileError
        If the file can't be read, or is no table.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise DataFileError(
            path,
            f"it can't be read ({cause})",
            "Give a text file in UTF-8 with a group of words on each line",
        ) from None
    return parse_synonyms(text.splitlines(), path)
