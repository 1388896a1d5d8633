"""Streaming the lines of a text file safely, and saying where in it something is wrong.

Lines end with ``\\n`` or ``\\r\\n`` and with nothing else: a form feed or U+2028 inside a sentence does not
split it, as ``str.splitlines`` would. Text is UTF-8; a byte order mark at the start is accepted.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from course_lib.errors import DataFileError

LINE_LIMIT = 64 * 2**20  # bytes; longer "lines" are damage, and would fill the memory
ARCHIVES = {b"\x1f\x8b": "gzip", b"PK": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


class Place(NamedTuple):
    """Where in a file something stands.

    Parameters
    ----------
    path : the file or folder.
    line : number of the line, counted from 1, if known.
    field : name of the field or column, if one is meant.
    """

    path: Path
    line: int | None = None
    field: str | None = None

    def inside(self, name: str | int) -> Place:
        """Return the place of a member: ``data`` becomes ``data[3]`` or ``data.title``."""
        if isinstance(name, int):
            return self._replace(field=f"{self.field or ''}[{name}]")
        return self._replace(field=f"{self.field}.{name}" if self.field else name)

    def error(self, problem: str, remedy: str) -> DataFileError:
        """Return, for the caller to raise, the error that names this place."""
        return DataFileError(self.path, problem, remedy, line=self.line, field=self.field)


def checked_file(path: str | Path) -> Path:
    """Return the path of a file that can be opened and is not empty.

    Raises
    ------
    DataFileError
        If nothing is there, or a folder, a device or a pipe, or an empty file.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise DataFileError(path, "it is a folder, and a file is wanted", "Give the path of a file in it")
        if not path.exists():
            raise DataFileError(path, "there is no such file", "Check the path, or fetch the file first")
        if not path.is_file():  # reading a pipe or a device may never end
            raise DataFileError(path, "it is not a regular file", "Copy its content to a file first")
        if path.stat().st_size == 0:
            raise DataFileError(path, "the file is empty", "Fetch it again: the download was cut short")
    except OSError as error:
        raise unreadable(path, error) from None
    return path


def checked_folder(path: str | Path) -> Path:
    """Return the path of a folder.

    Raises
    ------
    DataFileError
        If nothing is there, or something else than a folder.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return path
        if path.exists():
            raise DataFileError(path, "it is a file, and a folder is wanted", "Give the path of the folder")
    except OSError as error:
        raise unreadable(path, error) from None
    raise DataFileError(path, "there is no such folder", "Check the path, or unpack the archive first")


def folder_entries(folder: Path) -> list[Path]:
    """Return what stands in a folder, sorted by name; hidden entries (``.DS_Store``) are left out."""
    try:
        return sorted(folder / name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        raise unreadable(folder, error) from None


def unreadable(path: Path, error: OSError) -> DataFileError:
    """Return the error that stands for one of the operating system."""
    reason = error.strerror or type(error).__name__
    return DataFileError(path, f"it cannot be read ({reason})", "Check the path and its permissions")


def decode(data: bytes, place: Place, offset: int = 0) -> str:
    """Return the text of some bytes of a file.

    Parameters
    ----------
    data : bytes, of one line or of several.
    place : where they stand; its line is that of the first byte.
    offset : position in the file of the first byte.

    Raises
    ------
    DataFileError
        If the bytes are not UTF-8, or hold a NUL.
    """
    try:
        text = data.decode("utf-8")
        if "\0" not in text:
            return text
        position, problem = data.index(b"\0"), "there is a NUL byte"
        remedy = "Fetch the file again, or save it as UTF-8 if it is UTF-16"
    except UnicodeDecodeError as error:
        position, problem = error.start, f"the byte 0x{data[error.start]:02x} is not UTF-8"
        remedy = "Save the file in the encoding UTF-8"
        if offset == 0:
            for signature, name in ARCHIVES.items():
                if data.startswith(signature):
                    problem, remedy = f"it is a {name} archive, not text", "Unpack it first"
            if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                problem = "it is UTF-16, not UTF-8"
    line = None if place.line is None else place.line + data.count(b"\n", 0, position)
    raise place._replace(line=line).error(
        f"{problem} (byte {offset + position} of the file)", remedy
    ) from None


def read_lines(path: str | Path, *, line_limit: int = LINE_LIMIT) -> Iterator[tuple[Place, str]]:
    """Read a text file line by line, holding one line at a time.

    Parameters
    ----------
    path : a UTF-8 file, with or without a byte order mark.
    line_limit : longest line allowed, in bytes.

    Yields
    ------
    tuple of Place and str
        Where the line stands, and its text without the line end.

    Raises
    ------
    DataFileError
        If the file is missing, empty, not UTF-8, holds a NUL, or has a line beyond the limit.
    """
    path, number, offset = checked_file(path), 0, 0
    try:
        with open(path, "rb") as file:
            if file.read(3) == codecs.BOM_UTF8:
                offset = 3
            file.seek(offset)
            while raw := file.readline(line_limit + 1):
                number += 1
                place = Place(path, number)
                if len(raw) > line_limit:
                    raise place.error(
                        f"the line is longer than {line_limit:,} bytes",
                        "Check that the file is in the format that was asked for, or raise line_limit",
                    )
                text = decode(raw, place, offset)
                offset += len(raw)
                yield place, text.removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise unreadable(path, error) from None


def read_records(path: str | Path, *, line_limit: int = LINE_LIMIT) -> Iterator[tuple[Place, str]]:
    """Read a file of one record a line: as :func:`read_lines`, and no line may be blank but the last ones.

    Raises
    ------
    DataFileError
        As :func:`read_lines`, and if a blank line stands between records, or there are only blank lines.
    """
    blank, some = None, False
    for place, text in read_lines(path, line_limit=line_limit):
        if not text:
            blank = blank or place
        elif blank:
            raise blank.error("there is a blank line among the records", "Delete it, or restore what it was")
        else:
            some = True
            yield place, text
    if not some:
        raise Place(Path(path)).error("there are no records, only blank lines", "Fetch the file again")


def read_text(path: str | Path, size_limit: int) -> str:
    """Read a whole file, for formats that cannot be read in parts.

    Parameters
    ----------
    path : a UTF-8 file, with or without a byte order mark.
    size_limit : largest size allowed, in bytes.

    Raises
    ------
    DataFileError
        If the file is missing, empty, too large, not UTF-8, or holds a NUL.
    """
    path = checked_file(path)
    try:
        with open(path, "rb") as file:
            data = file.read(size_limit + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(data) > size_limit:
        raise DataFileError(
            path,
            f"the file is larger than {size_limit:,} bytes, and this format has to be read whole",
            "Split the file, or raise size_limit if there is memory for about ten times its size",
        )
    text = decode(data, Place(path, 1))
    return text.removeprefix("\ufeff")


def checked_text(value: Any, place: Place, *, empty: bool = False) -> str:
    """Return a string that any file and any Arrow table can hold.

    Parameters
    ----------
    value : what should be a string.
    place : where it stands.
    empty : whether white space alone, or nothing, is allowed.

    Raises
    ------
    DataFileError
        If the value is no string, is empty, or holds a NUL or half a surrogate pair.
    """
    if not isinstance(value, str):
        raise place.error(
            f"a string is wanted, and it is {describe(value)}", "Put the text in quotation marks"
        )
    if not empty and not value.strip():
        raise place.error("the text is empty", "Give it a text, or remove the record")
    if "\0" in value:
        raise place.error("there is a NUL character in the text", "Remove it")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            half = f"U+{ord(value[error.start]):04X}"
            raise place.error(f"the text holds half a surrogate pair ({half})", "Replace it") from None
    return value


def describe(value: Any) -> str:
    """Return a short description of a wrong value, for a message."""
    names = {dict: "an object", list: "a list", type(None): "null", bool: "a truth value"}
    if type(value) in names:
        return names[type(value)]
    shown = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
