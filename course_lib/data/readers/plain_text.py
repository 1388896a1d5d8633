"""Running text for pre-training: one sentence a line, documents parted by blank lines or one a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.data.readers.lines import (
    LINE_LIMIT,
    Place,
    checked_folder,
    checked_text,
    folder_entries,
    read_lines,
)
from course_lib.data.readers.tables import dataset_from_rows
from course_lib.errors import DataFileError

if TYPE_CHECKING:
    from datasets import Dataset, Features

DOCUMENT_LIMIT = 64 * 2**20  # characters; a document is held in memory whole


def plain_text_features() -> Features:
    """Return the columns of a corpus."""
    from datasets import Features, List, Value

    return Features({"title": Value("string"), "sentences": List(Value("string"))})


def _documents(path: Path, line_limit: int, *, blank_lines_part: bool) -> Iterator[list[str]]:
    """Yield the documents of a file, each a list of sentences."""
    sentences: list[str] = []
    size = 0
    for place, line in read_lines(path, line_limit=line_limit):
        sentence = line.strip()
        if sentence:
            sentences.append(sentence)
            size += len(sentence)
        elif sentences and blank_lines_part:
            yield sentences
            sentences, size = [], 0
        if size > DOCUMENT_LIMIT:
            raise place.error(
                f"the document is longer than {DOCUMENT_LIMIT:,} characters", "Part documents by blank lines"
            )
    if sentences:
        yield sentences


def _folder_rows(folder: Path, line_limit: int) -> Iterator[dict[str, Any]]:
    for path in folder_entries(folder):
        if path.suffix != ".txt":
            raise DataFileError(path, "its name does not end in .txt", "Rename it, or move it away")
        title = checked_text(path.stem, Place(path, field="title"))
        documents = list(_documents(path, line_limit, blank_lines_part=False))
        if not documents:
            raise DataFileError(path, "there are only blank lines in it", "Give it a text, or remove it")
        yield {"title": title, "sentences": documents[0]}


def read_plain_text(path: str | Path, *, line_limit: int = LINE_LIMIT) -> Dataset:
    """Read a corpus: a file of documents parted by blank lines, or a folder of files, one a document.

    White space around a sentence is not kept. In a folder, blank lines part nothing, hidden files are
    skipped, and any other file than ``.txt`` is an error.

    Parameters
    ----------
    path : the file or the folder.
    line_limit : longest line allowed, in bytes.

    Returns
    -------
    Dataset
        ``title`` (str: the file's name without ``.txt``; empty for documents of one file, which have none)
        and ``sentences`` (list of str), a row a document; those of a folder sorted by file name.

    Raises
    ------
    DataFileError
        If the path is missing, a file is no UTF-8 text or has no sentence, or a document is too long.
    """
    path = Path(path)
    try:
        is_folder = path.is_dir()
    except OSError:
        is_folder = False  # a name the system refuses: opening it will say so
    if is_folder:
        rows = _folder_rows(checked_folder(path), line_limit)
    else:
        documents = _documents(path, line_limit, blank_lines_part=True)
        rows = ({"title": "", "sentences": sentences} for sentences in documents)
    return dataset_from_rows(rows, plain_text_features(), path)
