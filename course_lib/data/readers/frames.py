"""Sentence frames with a gap for a person, and what fills it: two CSV files, in the way of the Equity corpus."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.data.readers.lines import LINE_LIMIT, Place, checked_text, describe, read_records
from course_lib.data.readers.swag import csv_cells
from course_lib.data.readers.tables import dataset_from_rows

if TYPE_CHECKING:
    from datasets import Dataset, Features

GAP = re.compile(r"\{([^{}]*)\}")
SENTIMENTS = ("positive", "negative", "neutral")
FRAME_COLUMNS = ("id", "style", "text", "sentiment", "fillers")
PEOPLE_COLUMNS = ("text", "group_type", "group", "kind", "gender", "source", "checked", "pieces")
CHOICES = {
    "sentiment": SENTIMENTS,
    "group_type": ("gender", "origin"),
    "kind": ("name", "phrase"),
    "gender": ("female", "male", "unmarked"),
    "checked": ("yes", "partly", "no", "own"),
}


def _records(
    path: str | Path, columns: tuple[str, ...], line_limit: int
) -> Iterator[tuple[Place, dict[str, str]]]:
    """Read the rows of a CSV file that has exactly these columns, and none of whose cells spans lines."""
    lines = read_records(path, line_limit=line_limit)
    place, first = next(lines)
    header = csv_cells(first, place)
    if sorted(header) != sorted(columns):
        raise place.error(f"the header is {','.join(header)}", f"Write {','.join(columns)}")
    for place, line in lines:
        cells = csv_cells(line, place)
        if len(cells) != len(header):
            raise place.error(
                f"{len(header)} columns are wanted, and there are {len(cells)}",
                "Put cells with commas in quotation marks",
            )
        record = dict(zip(header, cells, strict=True))
        for name, value in record.items():
            checked_text(value, place.inside(name), empty=name == "fillers")
            if value not in CHOICES.get(name, (value,)):
                raise place.inside(name).error(
                    f"{describe(value)} is not known", f"Write {' or '.join(CHOICES[name])}"
                )
        yield place, record


def _frame(record: Mapping[str, str], place: Place) -> dict[str, Any]:
    gaps = GAP.findall(record["text"])
    others = [gap for gap in gaps if gap != "person"]
    rest = GAP.sub("", record["text"])
    if gaps.count("person") != 1 or len(others) > 1 or "{" in rest or "}" in rest:
        raise place.inside("text").error(
            f"the gaps are {', '.join(gaps) or 'none'}", "Write {person} once, and one other gap at most"
        )
    fillers = [filler for filler in record["fillers"].split("|") if filler.strip()]
    if bool(others) != bool(fillers):
        raise place.inside("fillers").error(
            f"there are {len(fillers)} fillers for {len(others)} gaps besides the person",
            "Give words parted by |, if and only if the frame has a gap for them",
        )
    return {**record, "fillers": fillers}


def _person(record: Mapping[str, str], place: Place) -> dict[str, Any]:
    if not re.fullmatch(r"[1-9]\d?", record["pieces"], re.ASCII):
        raise place.inside("pieces").error(
            f"{describe(record['pieces'])} is no number of pieces", "Write a whole number from 1 to 99"
        )
    return {**record, "pieces": int(record["pieces"])}


def _rows(
    path: str | Path,
    columns: tuple[str, ...],
    key: str,
    parse: Callable[[Mapping[str, str], Place], dict[str, Any]],
    line_limit: int,
) -> Iterator[dict[str, Any]]:
    places: dict[str, Place] = {}
    for place, record in _records(path, columns, line_limit):
        first = places.setdefault(record[key], place)
        if first is not place:
            raise place.inside(key).error(
                f"{describe(record[key])} stands twice, first on line {first.line}", "Remove one of the rows"
            )
        yield parse(record, place)


def _features(columns: tuple[str, ...], **others: Any) -> Features:
    from datasets import Features, Value

    return Features({**dict.fromkeys(columns, Value("string")), **others})


def read_frames(path: str | Path, *, line_limit: int = LINE_LIMIT) -> Dataset:
    """Read sentence frames.

    Parameters
    ----------
    path : the CSV file.
    line_limit : longest line allowed, in bytes.

    Returns
    -------
    Dataset
        ``id``, ``style``, ``text`` (str: with ``{person}`` in it, and perhaps one more gap), ``sentiment`` (str:
        positive, negative or neutral, whoever the person is) and ``fillers`` (list of str: words for the other gap).

    Raises
    ------
    DataFileError
        If the CSV is broken, a cell is empty or unknown, a gap lacks or has no fillers, or an id stands twice.
    """
    from datasets import List, Value

    features = _features(FRAME_COLUMNS, fillers=List(Value("string")))
    return dataset_from_rows(_rows(path, FRAME_COLUMNS, "id", _frame, line_limit), features, path)


def read_people(path: str | Path, *, line_limit: int = LINE_LIMIT) -> Dataset:
    """Read names and phrases that fill the gap for a person.

    Parameters
    ----------
    path : the CSV file.
    line_limit : longest line allowed, in bytes.

    Returns
    -------
    Dataset
        ``text``, ``group_type`` (gender or origin), ``group``, ``kind`` (name or phrase), ``gender``, ``source``,
        ``checked`` (str: whether the source was looked up; own where there is none) and ``pieces`` (int).

    Raises
    ------
    DataFileError
        If the CSV is broken, a cell is empty or unknown, or a text stands twice.
    """
    from datasets import Value

    features = _features(PEOPLE_COLUMNS, pieces=Value("int32"))
    return dataset_from_rows(_rows(path, PEOPLE_COLUMNS, "text", _person, line_limit), features, path)
