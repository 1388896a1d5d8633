"""Running text for pre-training: one sentence a line, documents parted by blank lines or one a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.data.readers.lines import (
    LINE_LIMIT,
    Place,
    checked_folder,
    checked_text,
    describe,
    folder_entries,
    read_lines,
)
from course_lib.data.readers.tables import dataset_from_rows
from course_lib.data.readers.writing import checked_row
from course_lib.errors import DataFileError
from course_lib.files import whole_folder, whole_text

if TYPE_CHECKING:
    from datasets import Dataset, Features

COLUMNS = ("title", "sentences")
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


def _checked_document(row: Any, place: Place) -> str:
    """Return the text of a document, once it is known to be read back the same."""
    checked_row(row, COLUMNS, place)
    if not isinstance(row["sentences"], list) or not row["sentences"]:
        raise place.inside("sentences").error("a document needs a list of sentences", "Give at least one")
    for position, sentence in enumerate(row["sentences"]):
        here = place.inside("sentences").inside(position)
        checked_text(sentence, here)
        if sentence != sentence.strip() or "\n" in sentence:
            raise here.error("there is white space around the sentence, or a line break in it", "Remove it")
        if sentence.startswith("\ufeff"):
            raise here.error("a byte order mark begins the sentence", "Remove it")
    return "\n".join(row["sentences"]) + "\n"


def write_plain_text(
    rows: Iterable[Mapping[str, Any]], path: str | Path, *, folder: bool = False, drop_titles: bool = False
) -> None:
    """Write a corpus, whole or not at all.

    Parameters
    ----------
    rows : rows with the columns of :func:`read_plain_text`, such as a Dataset.
    path : file to write, or folder to make; no folder of that name may be there yet.
    folder : write one file a document, named by its title, rather than one file of all.
    drop_titles : allow titles to be lost, which a single file cannot keep.

    Raises
    ------
    DataFileError
        If there are no rows, a row would not be read back as it is, or it cannot be written.
    """
    path, number = Path(path), -1
    if folder:
        _write_folder(rows, path)
        return
    with whole_text(path, error=DataFileError) as file:
        for number, row in enumerate(rows):  # the number is wanted after the loop
            place = Place(path).inside("rows").inside(number)
            text = _checked_document(row, place)
            if row["title"] and not drop_titles:
                raise place.inside("title").error(
                    f"a file cannot keep the title {describe(row['title'])}",
                    "Write a folder with folder=True, or give titles up with drop_titles=True",
                )
            file.write(("\n" if number else "") + text)
        if number < 0:
            raise DataFileError(path, "there are no rows to write", "Give at least one row")


def _write_folder(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    seen: set[str] = set()
    with whole_folder(path, error=DataFileError) as folder:
        for number, row in enumerate(rows):
            place = Place(path).inside("rows").inside(number)
            text, here = _checked_document(row, place), place.inside("title")
            title = checked_text(row["title"], here)
            if title.startswith(".") or any(c in '/\\:*?"<>|' or not c.isprintable() for c in title):
                raise here.error(f"no file can be named {describe(title)} everywhere", "Change the title")
            if title.casefold() in seen:  # some systems do not tell capitals from small letters in names
                raise here.error(f"the title {describe(title)} stands twice", "Make the titles unique")
            seen.add(title.casefold())
            (folder / f"{title}.txt").write_text(text, encoding="utf-8", newline="")
        if not seen:
            raise DataFileError(path, "there are no rows to write", "Give at least one row")
