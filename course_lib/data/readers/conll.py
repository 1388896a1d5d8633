"""Tokens and entity tags in columns: the files of the CoNLL-2003 task (Tjong Kim Sang & De Meulder 2003).

Two schemes are read. In BIO (IOB2) every entity begins with ``B-``. In IOB1, which CoNLL-2003 itself uses, an
entity begins with ``I-``, and with ``B-`` only right behind another of its type.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from course_lib.data.readers.lines import LINE_LIMIT, Place, checked_text, describe, read_lines
from course_lib.data.readers.tables import dataset_from_rows
from course_lib.errors import DataFileError

if TYPE_CHECKING:
    from datasets import Dataset, Features

TYPES = ("PER", "ORG", "LOC", "MISC")
SCHEMES = ("bio", "iob1")
DOCUMENT_START = "-DOCSTART-"
SENTENCE_LIMIT = 100_000  # tokens; more without a blank line between them are not a sentence


class Sentence(NamedTuple):
    """A sentence as it stands in the file.

    Parameters
    ----------
    document : number of its document, from 0.
    places : place of each token.
    tokens : the first column.
    tags : the last column.
    """

    document: int
    places: list[Place]
    tokens: list[str]
    tags: list[str]


def conll_features() -> Features:
    """Return the columns of a data set of tagged sentences."""
    from datasets import Features, List, Value

    strings = List(Value("string"))
    return Features({"document": Value("int64"), "tokens": strings, "tags": strings})


def _sentences(path: str | Path, line_limit: int) -> Iterator[Sentence]:
    """Yield the sentences of a file; `-DOCSTART-` lines count documents, blank lines part sentences."""
    document, width = -1, None
    places: list[Place] = []
    tokens: list[str] = []
    tags: list[str] = []
    for place, line in read_lines(path, line_limit=line_limit):
        cells = re.split("[ \t]+", line.strip(" \t"))  # no-break and ideographic spaces belong to tokens
        starts = cells[0] == DOCUMENT_START
        if cells != [""] and not starts:
            width = width or len(cells)
            if len(cells) != width or width < 2:
                wanted = f"{width} columns, as on the lines before," if width > 1 else "at least 2 columns"
                raise place.error(
                    f"{wanted} are wanted, and there are {len(cells)}",
                    "Put one token on a line: the token first, its tag last, parted by spaces or tabs",
                )
            places.append(place)
            tokens.append(cells[0])
            tags.append(cells[-1])
            if len(tokens) > SENTENCE_LIMIT:
                raise place.error(
                    f"the sentence has more than {SENTENCE_LIMIT:,} tokens", "Part sentences by blank lines"
                )
        elif tokens:
            yield Sentence(max(document, 0), places, tokens, tags)
            document, places, tokens, tags = max(document, 0), [], [], []
        document += starts
    if tokens:
        yield Sentence(max(document, 0), places, tokens, tags)


def _begins(previous: str, tag: str) -> bool:
    """Tell whether a tag stands where an entity begins: not behind a tag of its own type."""
    return tag != "O" and previous[2:] != tag[2:]


def _known_tags(types: Collection[str] | None) -> set[str]:
    types = TYPES if types is None else types
    return {"O"} | {f"{prefix}-{name}" for prefix in "BI" for name in types}


def _survey(path: str | Path, types: Collection[str] | None, line_limit: int) -> str:
    """Read a file once to find its scheme, and every tag that is not known.

    A file is IOB1 if some entity begins with ``I-`` and no ``B-`` stands where IOB1 would not have it.
    """
    known, unknown = _known_tags(types), {}
    inside_first = begin_first = False
    for sentence in _sentences(path, line_limit):
        previous = "O"
        for place, tag in zip(sentence.places, sentence.tags, strict=True):
            if tag not in known and len(unknown) < 20:
                unknown.setdefault(tag, place)
            if _begins(previous, tag):
                inside_first |= tag.startswith("I-")
                begin_first |= tag.startswith("B-")
            previous = tag
    if unknown:
        _raise_unknown(unknown, known)
    return "iob1" if inside_first and not begin_first else "bio"


def _raise_unknown(unknown: dict[str, Place], known: set[str]) -> None:
    names = sorted({tag[2:] for tag in unknown if tag[:2] in ("B-", "I-") and tag[2:]})
    remedy = f"Known are: {', '.join(sorted(known))}. Correct the tags"
    if names:
        remedy += f", or allow more types with types=[..., {', '.join(map(repr, names))}]"
    if any(tag[:2] in ("S-", "E-", "L-", "U-") for tag in unknown):
        remedy += "; the schemes BIOES and BILOU have to be converted to BIO first"
    place = next(iter(unknown.values()))
    raise place.error(f"tags that are not known: {', '.join(map(describe, unknown))}", remedy)


def _to_bio(sentence: Sentence, scheme: str) -> dict[str, Any]:
    """Return a row with tags in BIO."""
    tags, previous = [], "O"
    for place, token, tag in zip(sentence.places, sentence.tokens, sentence.tags, strict=True):
        checked_text(token, place, empty=True)  # a lone no-break space is a token
        if tag.startswith("I-") and _begins(previous, tag):
            if scheme == "bio":
                raise place.error(
                    f"the tag {tag} of {describe(token)} continues no entity: the tag before is {previous}",
                    f'Begin the entity with B-{tag[2:]}, or read the file with scheme="iob1" '
                    "(a command: --scheme iob1) if it is IOB1",
                )
            tags.append(f"B-{tag[2:]}")
        else:
            tags.append(tag)
        previous = tag
    return {"document": sentence.document, "tokens": sentence.tokens, "tags": tags}


def read_conll(
    path: str | Path,
    *,
    types: Collection[str] | None = None,
    scheme: str | None = None,
    line_limit: int = LINE_LIMIT,
) -> Dataset:
    """Read tokens and tags from columns, and give the tags in BIO.

    The token is the first column and the tag the last; those between are not kept. ``-DOCSTART-`` lines
    part documents. The file is read twice: first for its scheme and its tags, then for its rows.

    Parameters
    ----------
    path : the file, its columns parted by spaces or tabs.
    types : entity types allowed; PER, ORG, LOC and MISC if left out.
    scheme : ``bio`` or ``iob1``; detected if left out.
    line_limit : longest line allowed, in bytes.

    Returns
    -------
    Dataset
        ``document`` (int, from 0), ``tokens`` and ``tags`` (lists of str of equal length); a row a sentence.

    Raises
    ------
    DataFileError
        If columns are missing, a tag is not known, or, in BIO, an ``I-`` stands without its ``B-``.
    """
    if scheme is not None and scheme not in SCHEMES:
        raise DataFileError(path, f"there is no scheme {scheme!r}", f"Choose one of: {', '.join(SCHEMES)}")
    if isinstance(types, str):
        raise DataFileError(path, f"types is the string {types!r}", f"Give a list: types=[{types!r}]")
    detected = _survey(path, types, line_limit)
    rows = (_to_bio(sentence, scheme or detected) for sentence in _sentences(path, line_limit))
    return dataset_from_rows(rows, conll_features(), path)
