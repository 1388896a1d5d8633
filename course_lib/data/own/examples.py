"""Labeled texts and pairs from a file or folder of one's own, checked row by row."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.data.own.tables import UnreadableCell, checked_column, is_table, read_table
from course_lib.data.readers.lines import LINE_LIMIT, Place, folder_entries, read_text
from course_lib.data.sources import split_of
from course_lib.errors import DataFileError

if TYPE_CHECKING:
    import pandas

PARTS = ("train", "validation", "test")
COLUMNS = ("text", "second", "label")


@dataclass(frozen=True)
class ColumnNames:
    """Which columns of a table are meant.

    Parameters
    ----------
    text, label : the text and what it is labeled with; texts of several columns are joined, a line each.
    second : the second text of a pair; None for single texts.
    sheet : of an Excel file.
    score : whether labels are numbers to be met, and no classes.
    """

    text: str | Sequence[str] = "text"
    label: str = "label"
    second: str | None = None
    sheet: str | None = None
    score: bool = False


def read_examples(path: str | Path, names: ColumnNames = ColumnNames()) -> dict[str, pandas.DataFrame]:
    """Read labeled texts, one frame for each part that there is.

    Parameters
    ----------
    path : a table; a folder with one for each part (``train.csv``, ``validation.csv``, ``test.csv``); a folder with a
        folder of ``.txt`` files for each class, or those below ``train`` and ``test``; or a folder that
        ``datasets`` has saved.
    names : of the columns; folders of ``.txt`` files have none.

    Returns
    -------
    dict of str and pandas.DataFrame
        By part, columns ``text``, ``label`` (str, or float for scores), ``place`` (file and line, to point at) and, for
        pairs, ``second``. A single table is all in ``train``.

    Raises
    ------
    DataFileError
        If a file cannot be read, or a row lacks a text or a label.
    """
    path = Path(path)
    if not path.is_dir():
        return {"train": checked_rows(read_table(path, sheet=names.sheet), path, names)}
    if (path / "dataset_dict.json").is_file() or (path / "dataset_info.json").is_file():
        return _from_datasets(path, names)
    entries = folder_entries(path)
    # Beside IMDB's folders lie notes: a .txt file is a table only if it is named itself.
    tables = [entry for entry in entries if entry.is_file() and is_table(entry) and entry.suffix != ".txt"]
    folders = [entry for entry in entries if entry.is_dir()]
    if (tables and folders) or not entries:
        problem = "there is nothing in it" if not entries else "there are tables and folders in it"
        raise DataFileError(
            path, problem, "Give a folder with one table for each part, or one folder for each class"
        )
    if folders:
        return _from_folders(path, folders)
    return _from_tables(path, tables, names)


def _from_tables(path: Path, tables: Sequence[Path], names: ColumnNames) -> dict[str, pandas.DataFrame]:
    parts: dict[str, Path] = {}
    for table in tables:
        part = split_of(table.stem)
        if part not in PARTS:
            raise DataFileError(
                table,
                "its name does not say which part it is",
                f"Call it one of: {', '.join(PARTS)}; or give the file",
            )
        if part in parts:
            raise DataFileError(
                path,
                f"{parts[part].name} and {table.name} both look like the {part} part",
                "Keep one of them",
            )
        parts[part] = table
    if not parts:
        raise DataFileError(path, "there is no table and no folder in it", "Give the path of a table")
    return {
        part: checked_rows(read_table(parts[part], sheet=names.sheet), parts[part], names)
        for part in PARTS
        if part in parts
    }


def _from_folders(path: Path, folders: Sequence[Path]) -> dict[str, pandas.DataFrame]:
    parts = {split_of(folder.name): folder for folder in folders if folder.name.lower() != "unsup"}
    if "train" in parts and set(parts) <= set(PARTS):
        return {part: _class_folders(parts[part]) for part in PARTS if part in parts}
    return {"train": _class_folders(path)}


def _class_folders(path: Path) -> pandas.DataFrame:
    """Read a folder for each class with a ``.txt`` file for each text; IMDB's unlabeled ``unsup`` is left out."""
    import pandas

    rows = []
    for folder in folder_entries(path):
        if not folder.is_dir() or folder.name == "unsup":
            continue
        files = folder_entries(folder)
        if not files:
            raise DataFileError(folder, "there is no file in it", "Add .txt files, or remove the folder")
        for file in files:
            if file.suffix.lower() != ".txt":
                raise DataFileError(
                    file, "it is no .txt file", "Save the text as .txt, or move the file away"
                )
            text = read_text(file, LINE_LIMIT).strip()
            if not text:
                raise DataFileError(file, "the text is empty", "Give it a text, or remove the file")
            rows.append({"text": text, "label": folder.name, "place": str(file)})
    if not rows:
        raise DataFileError(path, "there is no folder of texts in it", "Make one folder for each class")
    return pandas.DataFrame(rows)


def _from_datasets(path: Path, names: ColumnNames) -> dict[str, pandas.DataFrame]:
    import datasets

    try:
        found = datasets.load_from_disk(str(path))
    except Exception as error:  # many, from a missing file to a damaged one
        reason = str(error).splitlines()[0]
        raise DataFileError(
            path, f"datasets cannot read it ({reason})", "Save it again with save_to_disk"
        ) from None
    found = found if isinstance(found, datasets.DatasetDict) else {"train": found}
    frames = {}
    for part, rows in found.items():
        frame = rows.to_pandas().astype(object)
        frame.index = range(1, len(frame) + 1)
        kind = rows.features.get(names.label)
        if isinstance(kind, datasets.ClassLabel):
            frame[names.label] = [kind.names[number] if number >= 0 else "" for number in frame[names.label]]
        frames[split_of(part) or part] = checked_rows(frame, path, names)
    return frames


def checked_rows(frame: pandas.DataFrame, path: Path, names: ColumnNames) -> pandas.DataFrame:
    """Return the columns that are meant under the course's names; refuse rows that lack one.

    Raises
    ------
    DataFileError
        If a column or a value is missing, a text is no text, or a label no class or score.
    """
    import pandas

    columns = {"text": checked_texts(frame, names.text, path, "--text")}
    used = [names.text] if isinstance(names.text, str) else list(names.text)
    if names.second is not None:
        checked_column(frame, names.second, path, "--second", used)
        columns["second"] = checked_texts(frame, names.second, path, "--second")
        used.append(names.second)
    checked_column(frame, names.label, path, "--label", used)
    parse = _score if names.score else _label
    columns["label"] = [
        parse(value, Place(path, line, names.label)) for line, value in frame[names.label].items()
    ]
    columns["place"] = [f"{path}, line {line}" for line in frame.index]
    return pandas.DataFrame(columns)


def checked_texts(frame: pandas.DataFrame, names: str | Sequence[str], path: Path, option: str) -> list[str]:
    """Return the texts of a column, or of several, joined with a line each.

    Parameters
    ----------
    frame, path : the table and its file.
    names, option : of the column or columns, and the option that names them.

    Raises
    ------
    DataFileError
        If there is no such column, it holds numbers only, or a row has no text.
    """
    columns = [names] if isinstance(names, str) else list(names)
    for number, name in enumerate(columns):
        checked_column(frame, name, path, option, columns[:number])
        _check_texts(frame[name], path, option)
    if len(columns) == 1:
        return [_text(value, Place(path, line, columns[0])) for line, value in frame[columns[0]].items()]
    texts = []
    for line, *values in frame[columns].itertuples(name=None):
        places = [Place(path, line, name) for name in columns]
        parts = [
            _text(value, place) for value, place in zip(values, places, strict=True) if not _is_missing(value)
        ]
        texts.append(_text("\n".join(parts), places[0]))
    return texts


def _is_missing(value) -> bool:
    """Tell whether a cell is empty: pandas and Excel have NaN for that."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _check_texts(values: pandas.Series, path: Path, option: str) -> None:
    """Refuse a column of numbers as texts: it is the wrong one."""
    some = [value for value in values if not _is_missing(value)]
    if some and all(_is_number(value) for value in some):
        raise DataFileError(
            path,
            "the column of the texts holds only numbers",
            f"Name that of the texts with {option} COLUMN",
            field=values.name,
        )


def _is_number(value) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _refuse_unreadable(value, place: Place) -> None:
    if isinstance(value, UnreadableCell):
        raise place.error(value.problem, value.remedy)


def _text(value, place: Place) -> str:
    _refuse_unreadable(value, place)
    if _is_missing(value):
        raise place.error("the text is empty", "Give it a text, or remove the row")
    if not isinstance(value, (str, numbers.Number)):
        raise place.error(f"a text is wanted, and it is a {type(value).__name__}", "Write it as a string")
    return str(value)


def _label(value, place: Place) -> str:
    _refuse_unreadable(value, place)
    if _is_missing(value):
        raise place.error("the label is empty", "Give it a label, or remove the row")
    if not isinstance(value, (str, numbers.Number)):
        raise place.error(
            f"one label is wanted, and it is a {type(value).__name__}",
            "Write one name for each row: several are not learned",
        )
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column of whole numbers with gaps, as pandas reads it
    return str(value)


def _score(value, place: Place) -> float:
    _refuse_unreadable(value, place)
    if _is_missing(value):
        raise place.error("the score is empty", "Give it a number, or remove the row")
    try:
        score = float(value)
    except (TypeError, ValueError):
        score = float("nan")
    if score != score or score in (float("inf"), float("-inf")):
        raise place.error(
            f"a number is wanted, and it is {value!r}", "Correct it, or leave --score out to learn classes"
        )
    return score
