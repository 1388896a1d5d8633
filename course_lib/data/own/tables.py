"""Tables of any common kind as one pandas frame, whose index is the line or row in the file."""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.data.readers.json_text import parse_json
from course_lib.data.readers.lines import LINE_LIMIT, Place, checked_file, read_lines, read_records, read_text
from course_lib.errors import DataFileError, SettingError

if TYPE_CHECKING:
    import pandas

SEPARATORS = {"comma": ",", "semicolon": ";", "tabulator": "\t"}
KINDS = {
    ".csv": "separated",
    ".tsv": "separated",
    ".txt": "separated",
    ".jsonl": "json lines",
    ".ndjson": "json lines",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "excel",
}
EXCEL = "openpyxl==3.1.5"  # as in requirements.txt


@dataclass(frozen=True)
class UnreadableCell:
    """A cell of a spreadsheet without a value that could be used; it matters if its column is asked for.

    Parameters
    ----------
    problem, remedy : what is wrong with it, and what to do.
    """

    problem: str
    remedy: str


def is_table(path: Path) -> bool:
    """Tell whether a file's name is that of a table."""
    return path.suffix.lower() in KINDS


def read_table(path: str | Path, *, sheet: str | None = None) -> pandas.DataFrame:
    """Read a table: CSV (comma, semicolon or tabulator), TSV, JSON Lines, JSON, Parquet or Excel.

    Parameters
    ----------
    path : the file; its ending says what it is.
    sheet : of an Excel file; the only one that isn't empty if left out.

    Returns
    -------
    pandas.DataFrame
        One column for each of the table. Rows without any value are left out; the index is the line in the file, for
        Excel and Parquet the row, with the header as row 1.

    Raises
    ------
    DataFileError
        If the file is missing, damaged, not what its name says, or has no rows.
    SettingError
        If a sheet is named for another file than Excel's, or Excel's package isn't installed.
    """
    path = checked_file(path)
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise DataFileError(
            path, f"tables of the kind {path.suffix!r} are not read", f"Save it as {', '.join(KINDS)}"
        )
    if sheet is not None and kind != "excel":
        raise SettingError(f"A sheet was named, and {path} is no Excel file. Leave --sheet out.")
    if kind == "excel":
        frame = _read_excel(path, sheet)
    else:
        reader = {"separated": _read_separated, "json lines": _read_json_lines, "json": _read_json}.get(
            kind, _read_parquet
        )
        frame = reader(path)
    frame = frame.loc[~(frame.isna() | (frame == "")).all(axis=1)]
    if frame.empty:
        raise DataFileError(path, "there is a header, and no row below it", "Check that it is the right file")
    return frame


@contextmanager
def _long_fields() -> Iterator[None]:
    """Allow long fields while a file is read: the limit belongs to the whole process, and others count on it."""
    before = csv.field_size_limit(LINE_LIMIT)
    try:
        yield
    finally:
        csv.field_size_limit(before)


@_long_fields()
def _read_separated(path: Path) -> pandas.DataFrame:
    import pandas

    with open(path, "rb") as file:
        if file.read(2) == b"PK":
            raise DataFileError(
                path, "it is an Excel or zip file under another name", "Rename it to .xlsx, or unpack it"
            )
    texts = (f"{text}\n" for _, text in read_lines(path))
    first = next(texts)
    counts = {name: first.count(mark) for name, mark in SEPARATORS.items()}
    name = "tabulator" if path.suffix.lower() == ".tsv" else max(counts, key=counts.get)
    header = next(csv.reader([first], delimiter=SEPARATORS[name]))
    _check_header(path, header)
    reader, rows, lines = csv.reader(texts, delimiter=SEPARATORS[name], strict=True), [], []
    began = 2
    try:
        for row in reader:
            place = Place(path, began)
            if len(row) > len(header):
                raise place.error(
                    f"the row has {len(row)} fields, and the header has {len(header)} (separated by {name}s)",
                    'Put a text that holds the separator in quotation marks: "..."',
                )
            rows.append(row + [""] * (len(header) - len(row)))
            lines.append(began)
            began = reader.line_num + 2
    except csv.Error as error:
        raise Place(path, began).error(
            f"the row cannot be read ({error})", 'Close each quotation mark, and write " in a text twice'
        ) from None
    return pandas.DataFrame(rows, columns=header, index=lines, dtype=object)


def _check_header(path: Path, header: list[str], line: int = 1) -> None:
    for name, number in Counter(header).items():
        if number > 1:
            raise Place(path, line).error(
                f"the column {name!r} stands {number} times in the header", "Rename one of them"
            )


def _read_json_lines(path: Path) -> pandas.DataFrame:
    found = [(place.line, parse_json(text, place)) for place, text in read_records(path)]
    return _from_objects(path, found)


def _read_json(path: Path) -> pandas.DataFrame:
    content = parse_json(read_text(path, 2**31), Place(path))
    if not isinstance(content, list):
        raise DataFileError(
            path, "it is not a list of objects", "Give one object for each row: [{...}, {...}]"
        )
    return _from_objects(path, list(enumerate(content, 1)))


def _from_objects(path: Path, found: list[tuple[int, object]]) -> pandas.DataFrame:
    import pandas

    for line, record in found:
        if not isinstance(record, dict):
            raise Place(path, line).error("it is not an object", 'Write {"text": "...", "label": "..."}')
    return pandas.DataFrame([record for _, record in found], index=[line for line, _ in found], dtype=object)


def _read_parquet(path: Path) -> pandas.DataFrame:
    import pandas

    try:
        frame = pandas.read_parquet(path)
    except Exception as error:  # pyarrow has many
        reason = str(error).splitlines()[0]
        raise DataFileError(path, f"it is not a whole Parquet file ({reason})", "Export it again") from None
    frame.index = range(2, len(frame) + 2)
    return frame.astype(object)


def _read_excel(path: Path, sheet: str | None) -> pandas.DataFrame:
    import pandas

    sheets = {name: rows for name, rows in _worksheets(path).items() if rows or name == sheet}
    if sheet is not None and sheet not in sheets:
        raise DataFileError(path, f"there is no sheet {sheet!r}", f"Choose one of: {', '.join(sheets)}")
    if sheet is None and len(sheets) > 1:
        raise DataFileError(path, f"it has the sheets {', '.join(sheets)}", "Choose one with --sheet NAME")
    rows = sheets[sheet] if sheet is not None else next(iter(sheets.values()), {})
    if not rows:
        raise DataFileError(path, "there is nothing in it", "Check that it is the right file")
    first = next(iter(rows))
    header = ["" if isinstance(name, UnreadableCell) else str(name) for name in rows.pop(first)]
    _check_header(path, [name for name in header if name], first)
    # Notes beside the table have no name above them, so nobody can ask for them.
    named = [number for number, name in enumerate(header) if name]
    return pandas.DataFrame(
        [[values[number] if number < len(values) else "" for number in named] for values in rows.values()],
        columns=[header[number] for number in named],
        index=list(rows),
        dtype=object,
    )


def _worksheets(path: Path) -> dict[str, dict[int, list]]:
    """Return the rows of each worksheet that aren't empty, by their number."""
    try:
        import openpyxl
    except ImportError:
        raise SettingError(
            f"{path} is an Excel file, and the package that reads it is not installed. Install it with: pip install "
            f"{EXCEL}; or save the sheet as CSV."
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which hold no text
            with (
                closing(openpyxl.load_workbook(path, data_only=True, read_only=True)) as results,
                closing(openpyxl.load_workbook(path, read_only=True)) as formulas,
            ):
                names = [worksheet.title for worksheet in results.worksheets]
                return {name: _rows_of_sheet(results[name], formulas[name]) for name in names}
    except Exception as error:  # zip, XML and openpyxl's own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataFileError(
            path, f"it is not a whole Excel file ({reason})", "Save it again as .xlsx"
        ) from None


def _rows_of_sheet(results, formulas) -> dict[int, list]:
    """Return the values of a worksheet's rows that aren't empty; of a formula, the result that was saved with it."""
    for worksheet in (results, formulas):
        worksheet.reset_dimensions()  # some programs save wrong ones
    rows = {}
    for line, (cells, written) in enumerate(zip(results.iter_rows(), formulas.iter_rows(), strict=True), 1):
        values = [_cell_value(cell, formula) for cell, formula in zip(cells, written, strict=True)]
        if any(value != "" for value in values):
            rows[line] = values
    return rows


def _cell_value(cell, formula):
    """Return what a cell shows: dates as a CSV file has them, whole numbers without a point."""
    value = cell.value
    if cell.data_type == "e":
        return UnreadableCell(f"the cell shows the error {value}", "Correct it in the spreadsheet")
    if value is None and formula.data_type == "f":
        return UnreadableCell(
            "the cell has a formula, and its result was not saved",
            "Open the file in a spreadsheet program and save it again",
        )
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, (date, time, timedelta)):
        return str(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def checked_column(
    frame: pandas.DataFrame, name: str, path: Path, option: str, others: Iterable[str] = ()
) -> None:
    """Refuse a column that isn't there, or is asked for twice.

    Parameters
    ----------
    frame, path : the table and its file.
    name, option : of the column, and the option that names it.
    others : columns that are used already.

    Raises
    ------
    DataFileError
        If there is no such column, or it is one of the others.
    """
    if name not in frame.columns:
        columns = ", ".join(map(str, frame.columns))
        raise DataFileError(
            path, f"there is no column {name!r}; there are: {columns}", f"Name it with {option} COLUMN"
        )
    if name in others:
        raise DataFileError(
            path, f"the column {name!r} is asked for twice", f"Name another one with {option} COLUMN"
        )
