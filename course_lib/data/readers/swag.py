"""Four-way sentence completion: the CSV files of SWAG (Zellers et al. 2018), and contexts with more wrong endings."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.data.readers.json_text import member, parse_json
from course_lib.data.readers.lines import LINE_LIMIT, Place, checked_text, describe, read_records
from course_lib.data.readers.tables import dataset_from_rows

if TYPE_CHECKING:
    from datasets import Dataset, Features

ENDINGS = ("ending0", "ending1", "ending2", "ending3")
NEEDED = ("sent1", "sent2", *ENDINGS)
HEADER = ("", "video-id", "fold-ind", "startphrase", "sent1", "sent2", "gold-source", *ENDINGS, "label")
CONTEXT = ("id", "sent1", "sent2", "right")
NO_LABEL = -1  # the label of a row of the test set


def swag_features(columns: Sequence[str] = ()) -> Features:
    """Return the columns of SWAG, and those of the file that are kept besides."""
    from datasets import Features, List, Value

    string = Value("string")
    kept = dict.fromkeys(columns, string)
    return Features(
        {"sent1": string, "sent2": string, "endings": List(string), "label": Value("int64"), **kept}
    )


def csv_cells(line: str, place: Place) -> list[str]:
    """Split one line; no record of SWAG spans lines, so an open quotation mark is damage."""
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise place.error(
            f"it is not valid CSV ({error})",
            "Put cells with commas in quotation marks, double marks inside, and keep a record on one line",
        ) from None


def _check_header(header: list[str], place: Place, columns: Sequence[str] = ()) -> None:
    for name in (*NEEDED, *columns):
        if name not in header:
            raise place.inside(name).error(
                "the column is missing from the header", f"The header of SWAG is {','.join(HEADER)}"
            )
    if len(set(header)) < len(header):
        raise place.error("a column stands twice in the header", "Rename or remove one of them")
    unknown = [name for name in header if name not in HEADER]
    if "label" not in header and unknown:  # perhaps a misspelled label column: no test set then
        raise place.inside("label").error(
            f"the column is missing, and the header has unknown ones: {', '.join(unknown)}",
            "Correct the header",
        )


def _parse_line(line: str, place: Place, header: list[str], columns: Sequence[str]) -> dict[str, Any]:
    cells = csv_cells(line, place)
    if len(cells) != len(header):
        raise place.error(
            f"{len(header)} columns are wanted, and there are {len(cells)}",
            "Put cells with commas in quotation marks",
        )
    record = dict(zip(header, cells, strict=True))
    for name in NEEDED:  # sent2, the beginning of the second sentence, may be empty
        checked_text(record[name], place.inside(name), empty=name == "sent2")
    label = record.get("label", str(NO_LABEL))
    if "label" in record and not re.fullmatch("[0-3]", label):
        raise place.inside("label").error(f"the label is {describe(label)}", "Use 0, 1, 2 or 3")
    endings = [record[name] for name in ENDINGS]
    row = {"sent1": record["sent1"], "sent2": record["sent2"], "endings": endings, "label": int(label)}
    return row | {name: checked_text(record[name], place.inside(name), empty=True) for name in columns}


def _rows(path: str | Path, columns: Sequence[str], line_limit: int) -> Iterator[dict[str, Any]]:
    records = read_records(path, line_limit=line_limit)
    place, first = next(records)
    header = csv_cells(first, place)
    _check_header(header, place, columns)
    seen: set[str] = set()
    for place, line in records:
        if header[0] == "":  # the unnamed first column numbers the rows
            number = csv_cells(line, place)[0]
            if number in seen:
                raise place.error(f"the row number {describe(number)} stands twice", "Make it unique")
            seen.add(number)
        yield _parse_line(line, place, header, columns)


def read_swag(path: str | Path, *, columns: Sequence[str] = (), line_limit: int = LINE_LIMIT) -> Dataset:
    """Read SWAG: ``train.csv``, ``val.csv`` or ``test.csv``.

    Parameters
    ----------
    path : the file.
    columns : further columns of the file to keep as they are, such as ``video-id``.
    line_limit : longest line allowed, in bytes.

    Returns
    -------
    Dataset
        ``sent1``, ``sent2`` (str: the first sentence, the beginning of the second), ``endings`` (list of 4
        str), ``label`` (int: the right ending, 0 to 3; -1 in the test set, which has no labels); the
        further columns (str).

    Raises
    ------
    DataFileError
        If the CSV is broken, columns are missing, a label is not 0 to 3, or a row number stands twice.
    """
    return dataset_from_rows(_rows(path, columns, line_limit), swag_features(columns), path)


def read_candidates(path: str | Path, *, line_limit: int = LINE_LIMIT) -> Dataset:
    """Read contexts with all wrong endings that were written for them, from JSON Lines.

    Parameters
    ----------
    path : the file.
    line_limit : longest line allowed, in bytes.

    Returns
    -------
    Dataset
        ``id``, ``sent1``, ``sent2``, ``right`` (str), ``candidates`` (list of at least 4 str: wrong endings).

    Raises
    ------
    DataFileError
        If a line is no such context, or an id stands twice.
    """
    from datasets import Features, List, Value

    string = Value("string")
    columns = Features({**dict.fromkeys(CONTEXT, string), "candidates": List(string)})
    return dataset_from_rows(_candidates(path, line_limit), columns, path)


def _candidates(path: str | Path, line_limit: int) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for place, line in read_records(path, line_limit=line_limit):
        record = parse_json(line, place)
        row = {name: member(record, name, str, place) for name in CONTEXT}
        candidates, inside = member(record, "candidates", list, place), place.inside("candidates")
        endings = {ending for ending in candidates if isinstance(ending, str) and ending.strip()}
        if len(endings - {row["right"]}) < len(candidates) or len(candidates) < len(ENDINGS):
            raise inside.error(
                f"they are not {len(ENDINGS)} or more different texts, none of them the right ending",
                "Give each wrong ending once",
            )
        if row["id"] in seen:
            raise place.inside("id").error(f"{describe(row['id'])} stands twice", "Make the ids unique")
        seen.add(row["id"])
        yield row | {"candidates": candidates}
