"""Chinese questions about paragraphs: the JSON of CMRC 2018 (Cui et al. 2019), in both its layouts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.data.readers.json_text import member, parse_json, refuse_misspelled
from course_lib.data.readers.lines import Place, describe, read_text
from course_lib.data.readers.squad import (
    SIZE_LIMIT,
    Paragraph,
    question_rows,
    squad_features,
)
from course_lib.data.readers.tables import dataset_from_rows

if TYPE_CHECKING:
    from datasets import Dataset


def _title(record: dict, place: Place) -> str:
    return member({"title": "", **record}, "title", str, place, empty=True)


def _paragraphs(document: Any, place: Place) -> Iterator[Paragraph]:
    """Yield paragraphs of either layout: articles with paragraphs, or a flat list of contexts."""
    if isinstance(document, list):
        yield from _flat_paragraphs(document, place)
        return
    data = member(document, "data", list, place)
    refuse_misspelled(document, ("version", "data"), place)
    for number, article in enumerate(data):
        here = place.inside("data").inside(number)
        if isinstance(article, dict) and "context_text" in article and "paragraphs" not in article:
            yield from _flat_paragraphs([article], here, single=True)
            continue
        paragraphs = member(article, "paragraphs", list, here)
        refuse_misspelled(article, ("title", "paragraphs"), here)
        for position, record in enumerate(paragraphs):
            inner = here.inside("paragraphs").inside(position)
            context = member(record, "context", str, inner)
            questions = member(record, "qas", list, inner)
            yield Paragraph(_title(article, here), context, questions, inner.inside("qas"))


def _flat_paragraphs(records: list, place: Place, *, single: bool = False) -> Iterator[Paragraph]:
    for position, record in enumerate(records):
        here = place if single else place.inside(position)
        context = member(record, "context_text", str, here)
        questions = member(record, "qas", list, here)
        refuse_misspelled(record, ("context_id", "context_text", "qas", "title"), here)
        yield Paragraph(_title(record, here), context, questions, here.inside("qas"), flat=True)


def read_cmrc(path: str | Path, *, repair: bool = False, size_limit: int = SIZE_LIMIT) -> Dataset:
    """Read CMRC 2018, to the columns of SQuAD.

    The flat layout (``context_text``, ``query_id``, ``query_text``) gives answers without offsets: each is
    found where it first stands. The original release has a few wrong offsets, and references that differ from the
    paragraph by a space or are not in it at all; ``repair`` reads them.

    Parameters
    ----------
    path : the JSON file.
    repair : as for :func:`course_lib.data.readers.squad.read_squad`.
    size_limit : largest file, in bytes. JSON is read whole, which takes about ten times its size of memory.

    Returns
    -------
    Dataset
        The columns of :func:`course_lib.data.readers.squad.read_squad`; a title that is not given is empty,
        and no question is impossible.

    Raises
    ------
    DataFileError
        If the file is not what it should be, or, without ``repair``, an answer is not at its offset or nowhere.
    """
    place = Place(Path(path))
    document = parse_json(read_text(path, size_limit), place)
    rows = question_rows(_paragraphs(document, place), place.path, repair)
    for row in rows:
        if row["is_impossible"]:
            raise place.error(
                f"the question {describe(row['id'])} is impossible, as none is in CMRC 2018",
                "Read the file as SQuAD 2.0",
            )
    return dataset_from_rows(rows, squad_features(), path)
