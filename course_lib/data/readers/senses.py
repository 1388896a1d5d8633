"""Sentences with a word of several senses: JSON Lines, one sentence a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.data.readers.json_text import member, parse_json
from course_lib.data.readers.lines import LINE_LIMIT, Place, describe, read_records
from course_lib.data.readers.tables import dataset_from_rows

if TYPE_CHECKING:
    from datasets import Dataset

KINDS = {"id": str, "word": str, "form": str, "start": int, "sense": str, "sense_id": str, "sentence": str}


def _parse_line(line: str, place: Place) -> dict[str, Any]:
    record = parse_json(line, place)
    row = {name: member(record, name, kind, place) for name, kind in KINDS.items()}
    for name in record.keys() - KINDS.keys():
        raise place.inside(name).error("the field is not known", f"Remove it; known are: {', '.join(KINDS)}")
    start, form = row["start"], row["form"]
    there = row["sentence"][start : start + len(form)] if start >= 0 else ""
    if there != form:
        raise place.inside("start").error(
            f"at {start} stands {describe(there) if there else 'nothing'}, not {describe(form)}",
            "Correct the offset, which counts characters from 0, or the form",
        )
    if row["sense_id"].rpartition(".")[0] != row["word"]:
        raise place.inside("sense_id").error(
            f"{describe(row['sense_id'])} is no sense of {describe(row['word'])}",
            f"Write the word, a full stop and a number, such as {row['word']}.1",
        )
    return row


def read_senses(path: str | Path, *, line_limit: int = LINE_LIMIT) -> Dataset:
    """Read sentences with an ambiguous word from JSON Lines.

    Parameters
    ----------
    path : the file.
    line_limit : longest line allowed, in bytes.

    Returns
    -------
    Dataset
        ``id``, ``word``, ``form`` (the word as it stands in the sentence), ``sense`` (a gloss), ``sense_id``,
        ``sentence`` (str) and ``start`` (int: where the form begins, in characters).

    Raises
    ------
    DataFileError
        If a line is no such sentence: bad JSON, a field missing, unknown or wrong, a form that is not at its
        offset, a sense of another word, an id that stands twice.
    """
    from datasets import Features, Value

    columns = {name: Value("string" if kind is str else "int32") for name, kind in KINDS.items()}
    return dataset_from_rows(_rows(path, line_limit), Features(columns), path)


def _rows(path: str | Path, line_limit: int):
    places: dict[str, Place] = {}
    for place, line in read_records(path, line_limit=line_limit):
        row = _parse_line(line, place)
        first = places.setdefault(row["id"], place)
        if first is not place:
            raise place.inside("id").error(
                f"{describe(row['id'])} stands twice, first on line {first.line}", "Make the ids unique"
            )
        yield row
