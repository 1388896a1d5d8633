"""Film reviews in folders: the archive aclImdb (Maas et al. 2011), one file a review."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.data.readers.lines import (
    LINE_LIMIT,
    Place,
    checked_folder,
    checked_text,
    describe,
    folder_entries,
    read_text,
)
from course_lib.data.readers.tables import dataset_from_rows
from course_lib.errors import DataFileError

if TYPE_CHECKING:
    from datasets import DatasetDict, Features

LABELS = ("neg", "pos")
RATINGS = (range(1, 5), range(7, 11))  # stars of each label; reviews of 5 and 6 stars were left out
OFFICIAL_SPLITS = ("train", "test")
FILE_NAME = re.compile(r"([0-9]{1,18})_([0-9]{1,3})\.txt")
LINE_BREAK = "<br />"  # what the archive has in place of line breaks


def imdb_features() -> Features:
    """Return the columns of the reviews."""
    from datasets import ClassLabel, Features, Value

    number = Value("int64")
    return Features(
        {"text": Value("string"), "label": ClassLabel(names=list(LABELS)), "rating": number, "id": number}
    )


def _check_rating(rating: Any, label: int, place: Place) -> None:
    if type(rating) is not int or rating not in RATINGS[label]:
        stars = RATINGS[label]
        raise place.error(
            f"the rating is {describe(rating)}, and not one of {LABELS[label]!r}: {stars[0]} to {stars[-1]}",
            "Move the file to the folder of its rating, or correct its name",
        )


def _review_files(folder: Path, label: int) -> list[tuple[int, int, Path]]:
    """Return id, rating and path of the reviews of a folder, sorted by id."""
    found: dict[int, tuple[int, int, Path]] = {}
    for path in folder_entries(checked_folder(folder)):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise DataFileError(
                path,
                "its name is not like 12_8.txt: id, underscore, rating",
                "Rename the file, or move it away",
            )
        number, rating = int(match[1]), int(match[2])
        _check_rating(rating, label, Place(path))
        if number in found:
            raise DataFileError(
                path, f"the id {number} stands twice, also in {found[number][2].name}", "Make the ids unique"
            )
        found[number] = (number, rating, path)
    return [found[number] for number in sorted(found)]


def _rows(folder: Path, line_breaks: bool, size_limit: int) -> Iterator[dict[str, Any]]:
    for label, name in enumerate(LABELS):
        for number, rating, path in _review_files(folder / name, label):
            text = read_text(path, size_limit).removesuffix("\n").removesuffix("\r")
            checked_text(text, Place(path))
            text = text.replace(LINE_BREAK, "\n") if line_breaks else text
            checked_text(text, Place(path))
            yield {"text": text, "label": label, "rating": rating, "id": number}


def _splits(folder: Path) -> list[str]:
    """Return the names of the folders with reviews: train, test, and then any other."""
    names = [path.name for path in folder_entries(folder) if path.is_dir()]
    if set(LABELS) & set(names):
        raise DataFileError(folder, "it is one split, with 'pos' and 'neg' in it", "Give the folder above it")
    others = [name for name in names if any((folder / name / label).is_dir() for label in LABELS)]
    found = [name for name in OFFICIAL_SPLITS if name in names]
    found += [name for name in others if name not in found]
    if not found:
        raise DataFileError(
            folder, "there is no 'train' and no 'test' in it", "Give the folder aclImdb itself"
        )
    return found


def read_imdb_folder(
    path: str | Path, *, line_breaks: bool = True, size_limit: int = LINE_LIMIT
) -> DatasetDict:
    """Read aclImdb: ``train/pos/12_8.txt`` is the positive review 12 of 8 stars.

    Folders without ``pos`` and ``neg``, ``unsup`` and hidden files are skipped. Any other file beside the
    reviews is an error. A line end at the end of a file is not part of the review.

    Parameters
    ----------
    path : the folder that holds ``train`` and ``test``, or one of them.
    line_breaks : turn ``<br />`` into a line break; False keeps the text as it is.
    size_limit : largest review, in bytes.

    Returns
    -------
    DatasetDict
        By split: ``text`` (str), ``label`` (0 neg, 1 pos), ``rating`` (int, 1 to 4 or 7 to 10), ``id`` (int,
        unique within split and label); sorted by label, then id.

    Raises
    ------
    DataFileError
        If a folder or file is missing, misnamed, empty or no text, or an id stands twice.
    """
    from datasets import DatasetDict

    folder = checked_folder(path)
    return DatasetDict(
        {
            name: dataset_from_rows(
                _rows(folder / name, line_breaks, size_limit), imdb_features(), folder / name
            )
            for name in _splits(folder)
        }
    )
