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


class Columns(NamedTuple):
    """Which columns of a file are read.

    Parameters
    ----------
    token, tag : their numbers, from 1; None stands for the first and the last.
    comments : how lines begin that are skipped; None if there are none.
    """

    token: int | None = None
    tag: int | None = None
    comments: str | None = None


class Sentence(NamedTuple):
    """A sentence as it stands in the file.

    Parameters
    ----------
    document : number of its document, from 0.
    places : place of each token.
    rows : the columns of each token.
    tokens, tags : the two columns that are read.
    """

    document: int
    places: list[Place]
    rows: list[list[str]]
    tokens: list[str]
    tags: list[str]


def conll_features() -> Features:
    """Return the columns of a data set of tagged sentences."""
    from datasets import Features, List, Value

    strings = List(Value("string"))
    return Features({"document": Value("int64"), "tokens": strings, "tags": strings})


def _sentences(path: str | Path, line_limit: int, columns: Columns) -> Iterator[Sentence]:
    """Yield the sentences of a file; `-DOCSTART-` lines count documents, blank lines part sentences."""
    document, width, first = -1, None, None
    places: list[Place] = []
    rows: list[list[str]] = []

    def sentence() -> Sentence:
        token, tag = (columns.token or 1) - 1, (columns.tag or width) - 1
        return Sentence(
            max(document, 0), places, rows, [row[token] for row in rows], [row[tag] for row in rows]
        )

    for place, line in read_lines(path, line_limit=line_limit):
        if columns.comments and line.startswith(columns.comments):
            continue
        cells = re.split("[ \t]+", line.strip(" \t"))  # no-break and ideographic spaces belong to tokens
        starts = cells[0] == DOCUMENT_START
        if cells != [""] and not starts:
            first = first or line
            width = width or len(cells)
            if len(cells) != width or width < 2:
                wanted = f"{width} columns, as on the lines before," if width > 1 else "at least 2 columns"
                remedy = "Put one token on a line: the token first, its tag last, parted by spaces or tabs"
                if "#" in (first[0], line[0]):
                    remedy += '; if lines that begin with "#" are comments, skip them: comments="#"'
                raise place.error(f"{wanted} are wanted, and there are {len(cells)}", remedy)
            if max(columns.token or 1, columns.tag or 1) > width:
                raise place.error(
                    f"there are {width} columns, and column {max(columns.token or 1, columns.tag or 1)} is to be read",
                    "Number the columns from 1",
                )
            places.append(place)
            rows.append(cells)
            if len(rows) > SENTENCE_LIMIT:
                raise place.error(
                    f"the sentence has more than {SENTENCE_LIMIT:,} tokens", "Part sentences by blank lines"
                )
        elif rows:
            yield sentence()
            document, places, rows = max(document, 0), [], []
        document += starts
    if rows:
        yield sentence()


def _begins(previous: str, tag: str) -> bool:
    """Tell whether a tag stands where an entity begins: not behind a tag of its own type."""
    return tag != "O" and previous[2:] != tag[2:]


def _known_tags(types: Collection[str] | None) -> set[str]:
    types = TYPES if types is None else types
    return {"O"} | {f"{prefix}-{name}" for prefix in "BI" for name in types}


def _survey(path: str | Path, types: Collection[str] | None, line_limit: int, columns: Columns) -> str:
    """Read a file once to find its scheme, every tag that is not known, and columns that could be meant as well.

    A file is IOB1 if some entity begins with ``I-`` and no ``B-`` stands where IOB1 would not have it.
    """
    known, unknown = _known_tags(types), {}
    inside_first = begin_first = False
    counted, layers, example = True, None, None
    for sentence in _sentences(path, line_limit, columns):
        example = example or (sentence.places[0], sentence.rows[0])
        counted &= sentence.tokens == [str(n + 1) for n in range(len(sentence.tokens))]
        others = [set(column) for column in zip(*sentence.rows, strict=True)]
        layers = others if layers is None else [a | b for a, b in zip(layers, others, strict=True)]
        previous = "O"
        for place, tag in zip(sentence.places, sentence.tags, strict=True):
            if tag not in known and len(unknown) < 20:
                unknown.setdefault(tag, place)
            if _begins(previous, tag):
                inside_first |= tag.startswith("I-")
                begin_first |= tag.startswith("B-")
            previous = tag
    if example:
        _check_columns(*example, columns, counted, layers, known)
    if unknown:
        _raise_unknown(unknown, known)
    return "iob1" if inside_first and not begin_first else "bio"


def _check_columns(
    place: Place, row: list[str], columns: Columns, counted: bool, layers: list[set[str]], known: set[str]
) -> None:
    """Refuse a file whose first column counts the tokens, or that has two columns of tags, until told what to read.

    A column of chunks (``B-NP``), as CoNLL-2003 has it, holds no type of entities, so it is no such column.
    """
    reasons = []
    if columns.token is None and counted and len(row) > 2:
        reasons.append("the first column counts the tokens")
    tags = [n for n, values in enumerate(layers, 1) if n > 1 and _are_tags(values, known)]
    if columns.tag is None and len(row) > 2 and any(n < len(row) for n in tags):
        both = " and ".join(map(str, sorted({*tags, len(row)})))
        reasons.append(f"the columns {both} hold tags")
    if reasons:
        shown = ", ".join(f"{n}: {describe(cell)}" for n, cell in enumerate(row, 1))
        raise place.error(
            f"{' and '.join(reasons)} (columns of this line: {shown})",
            "Say which columns to read, numbered from 1: token_column=..., tag_column=... "
            "(a command: --token-column, --tag-column)",
        )


def _are_tags(values: set[str], known: set[str]) -> bool:
    """Tell whether a column's values are tags of entities, some of a known type."""
    return bool(values & (known - {"O"})) and all(v == "O" or re.match("[BI]-.", v) for v in values)


def _raise_unknown(unknown: dict[str, Place], known: set[str]) -> None:
    names = sorted({tag[2:] for tag in unknown if tag[:2] in ("B-", "I-")} - {"", "O"})
    remedy = f"Known are: {', '.join(sorted(known))}. Correct the tags"
    if names:
        remedy += f", or allow more types with types=[..., {', '.join(map(repr, names))}]"
    if any(tag in ("B-O", "I-O") for tag in unknown):
        remedy += "; a token outside every entity has the tag O alone"
    if any(tag in ("B", "I", "B-", "I-") for tag in unknown):
        remedy += "; behind B- and I- stands the type of the entity"
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
    token_column: int | None = None,
    tag_column: int | None = None,
    comments: str | None = None,
    line_limit: int = LINE_LIMIT,
) -> Dataset:
    """Read tokens and tags from columns, and give the tags in BIO.

    The token is the first column and the tag the last, unless told otherwise; the others are not kept. ``-DOCSTART-`` lines
    part documents. The file is read twice: first for its scheme and its tags, then for its rows.

    Parameters
    ----------
    path : the file, its columns parted by spaces or tabs.
    types : entity types allowed; PER, ORG, LOC and MISC if left out.
    scheme : ``bio`` or ``iob1``; detected if left out.
    token_column, tag_column : numbers of the columns, from 1. A file whose first column counts the tokens, or
        with two layers of tags (as GermEval 2014 has them), is refused until they are given.
    comments : how lines begin that are skipped, such as ``"#"``; none are if left out.
    line_limit : longest line allowed, in bytes.

    Returns
    -------
    Dataset
        ``document`` (int, from 0), ``tokens`` and ``tags`` (lists of str of equal length); a row a sentence.

    Raises
    ------
    DataFileError
        If columns are missing or could be read in two ways, a tag is not known, or, in BIO, an ``I-`` stands
        without its ``B-``.
    """
    if scheme is not None and scheme not in SCHEMES:
        raise DataFileError(path, f"there is no scheme {scheme!r}", f"Choose one of: {', '.join(SCHEMES)}")
    if isinstance(types, str):
        raise DataFileError(path, f"types is the string {types!r}", f"Give a list: types=[{types!r}]")
    if "O" in (types or ()):
        raise DataFileError(
            path, "types has 'O', the tag of a token outside every entity", "Leave it out of types"
        )
    for name, number in (("token_column", token_column), ("tag_column", tag_column)):
        if number is not None and number < 1:
            raise DataFileError(path, f"{name} is {number}", "Number the columns from 1")
    columns = Columns(token_column, tag_column, comments)
    detected = _survey(path, types, line_limit, columns)
    rows = (_to_bio(sentence, scheme or detected) for sentence in _sentences(path, line_limit, columns))
    return dataset_from_rows(rows, conll_features(), path)
