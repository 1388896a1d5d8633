"""Writing records, and only what will be read back the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from course_lib.data.readers.lines import Place, describe
from course_lib.errors import DataFileError
from course_lib.files import whole_text


def checked_row(row: Any, names: Iterable[str], place: Place) -> Mapping[str, Any]:
    """Return a row that has exactly the columns of the format.

    Raises
    ------
    DataFileError
        If a column is missing, or one is there that the file could not keep.
    """
    if not isinstance(row, Mapping):
        raise place.error(f"a row is wanted, and it is {describe(row)}", "Give dicts, or a Dataset")
    for name in names:
        if name not in row:
            raise place.inside(name).error("the row to be written lacks this column", "Add the column")
    for name in row.keys() - set(names):
        raise place.inside(str(name)).error("the format cannot keep this column", "Remove the column first")
    return row


def refuse_change(row: Mapping[str, Any], read: Mapping[str, Any], place: Place) -> None:
    """Refuse a row that would not be read back as it is.

    Raises
    ------
    DataFileError
        If a value differs.
    """
    for name, value in read.items():
        if row[name] != value:
            raise place.inside(name).error(
                f"the value {describe(row[name])} cannot be kept: it would be read as {describe(value)}",
                "Change the value before writing",
            )


def write_records(
    path: str | Path,
    rows: Iterable[Mapping[str, Any]],
    names: Iterable[str],
    format_row: Callable[[Mapping[str, Any], Place], str],
    parse_line: Callable[[str, Place], Mapping[str, Any]],
    header: str | None = None,
) -> None:
    """Write one record a line, each parsed again as its reader would before it is kept.

    Parameters
    ----------
    path : file to write.
    rows : what to write.
    names : columns of the format.
    format_row : makes a line, without its end, from a row.
    parse_line : the reader's function for a line.
    header : first line, if the format has one.

    Raises
    ------
    DataFileError
        If there are no rows, a row cannot be kept, or the file cannot be written.
    """
    path, names = Path(path), tuple(names)
    number = first = 1 if header is None else 2
    with whole_text(path, error=DataFileError) as file:
        if header is not None:
            file.write(header + "\n")
        for row in rows:
            place = Place(path, number)
            line = format_row(checked_row(row, names, place), place)
            if "\n" in line or line.endswith("\r") or not line:
                raise place.error("a value of the row holds a line break", "Replace line breaks by spaces")
            refuse_change(row, parse_line(line, place), place)
            file.write(line + "\n")
            number += 1
        if number == first:
            raise DataFileError(path, "there are no rows to write", "Give at least one row")
