"""The course's own film reviews: JSON Lines, one review a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.data.readers.json_text import member, parse_json
from course_lib.data.readers.lines import LINE_LIMIT, Place, read_records
from course_lib.data.readers.tables import dataset_from_rows

if TYPE_CHECKING:
    from datasets import Dataset, Features

LABELS = ("negative", "positive")
KINDS = {"text": str, "label": int, "title": str, "genre": str, "kind": str, "words": int}


def review_features() -> Features:
    """Return the columns of the reviews."""
    from datasets import ClassLabel, Features, Value

    strings = {name: Value("string") for name, kind in KINDS.items() if kind is str}
    columns = {**strings, "label": ClassLabel(names=list(LABELS)), "words": Value("int64")}
    return Features({name: columns[name] for name in KINDS})


def _parse_line(line: str, place: Place) -> dict[str, Any]:
    record = parse_json(line, place)
    row = {name: member(record, name, kind, place) for name, kind in KINDS.items()}
    for name in record.keys() - KINDS.keys():
        raise place.inside(name).error("the field is not known", f"Remove it; known are: {', '.join(KINDS)}")
    if row["label"] not in range(len(LABELS)):
        raise place.inside("label").error(f"the label is {row['label']}", "Use 0 (negative) or 1 (positive)")
    words = len(row["text"].split())
    if row["words"] != words:
        raise place.inside("words").error(
            f"it says {row['words']}, and the text has {words} words",
            "Correct the count, or restore the text",
        )
    return row


def read_reviews(path: str | Path, *, line_limit: int = LINE_LIMIT) -> Dataset:
    """Read reviews from JSON Lines.

    Parameters
    ----------
    path : the file.
    line_limit : longest line allowed, in bytes.

    Returns
    -------
    Dataset
        ``text``, ``title``, ``genre``, ``kind`` (str), ``label`` (0 negative, 1 positive) and ``words`` (int:
        the number of words of the text, as ``str.split`` counts them).

    Raises
    ------
    DataFileError
        If a line is no review: bad JSON, a field missing, unknown or wrong, another number of words.
    """
    rows = (_parse_line(line, place) for place, line in read_records(path, line_limit=line_limit))
    return dataset_from_rows(rows, review_features(), path)
