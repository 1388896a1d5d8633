"""Files and folders that are whole or not there, and the JSON that the course keeps: the one place that writes."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from course_lib.errors import CourseError, DataFileError, RecordError

UNFINISHED = ".part"  # how the names of files and folders end that are still being written
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_error(path: Path, cause: Exception, error: type[CourseError], then: str) -> CourseError:
    """Return the error of the course that stands for one of the operating system.

    Parameters
    ----------
    path : what was to be written.
    cause : what the operating system, or a library that writes, says.
    error : class of the error.
    then : what to do once the cause is gone, the end of the remedy.
    """
    number = getattr(cause, "errno", None)
    reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    if number in FORBIDDEN:
        remedy = "Change the permissions of its folder, or choose another one"
    elif number in FULL:
        remedy = "Free some space, or choose another folder"
    else:
        remedy = "Free some space, or check the path and its permissions"
    problem, remedy = f"it could not be written ({reason})", f"{remedy}, and {then}"
    return _refusal(path, problem, remedy, error)


def _refusal(path: Path, problem: str, remedy: str, error: type[CourseError]) -> CourseError:
    if issubclass(error, DataFileError):
        return error(path, problem, remedy)
    return error(f"{path}: {problem}. {remedy}.")


def _beside(path: Path) -> Path:
    # Beside the target, so that the last step is a rename and not a copy.
    return path.with_name(f"{path.name}.{secrets.token_hex(8)}{UNFINISHED}")


def check_writable(
    folder: str | Path, *, error: type[CourseError] = CourseError, then: str = "try again"
) -> None:
    """Look whether files can be made in a folder, before the work whose result is to go there.

    Parameters
    ----------
    folder : the folder; if it isn't there yet, the one is looked at that it would be made in.
    error, then : as for :func:`whole_file`.

    Raises
    ------
    CourseError
        Of the class ``error``, if no file can be made there.
    """
    folder = place = Path(folder)
    while not place.exists() and place != place.parent:
        place = place.parent  # what isn't there yet would be made in this one
    probe = _beside(place / "probe")
    try:
        with open(probe, "xb"):
            pass
    except OSError as cause:
        raise write_error(folder, cause, error, then) from None
    finally:
        _remove(probe)


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    except OSError:
        pass  # the error that brought us here is the one to tell


@contextmanager
def whole_file(
    path: str | Path,
    *,
    error: type[CourseError] = CourseError,
    then: str = "try again",
    causes: tuple[type[Exception], ...] = (OSError,),
) -> Iterator[Path]:
    """Give the path of a temporary file to write; it takes its name when the block ends well, and goes if not.

    Parameters
    ----------
    path : the file's name; its folder is made, and an older file is untouched until the new one is whole.
    error : class of the error if it can't be written.
    then : what to do once the cause is gone, the end of the message: "and" comes before it.
    causes : what the writer may raise when the disk refuses.

    Raises
    ------
    CourseError
        Of the class ``error``, if a folder has that name, or the file can't be written.
    """
    path = Path(path)
    temporary = _beside(path)
    try:
        if path.is_dir():
            raise _refusal(path, "it is a folder, and a file is to be written", "Give another name", error)
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.chmod(temporary, 0o644)  # some writers make files for their owner alone
        os.replace(temporary, path)
    except causes as cause:
        raise write_error(path, cause, error, then) from None
    finally:  # after every other error too, and after Ctrl-C
        _remove(temporary)


@contextmanager
def whole_text(
    path: str | Path, *, error: type[CourseError] = CourseError, then: str = "try again"
) -> Iterator[TextIO]:
    """Open a UTF-8 file that appears under its name when the block ends well; see :func:`whole_file`."""
    with (
        whole_file(path, error=error, then=then) as temporary,
        open(temporary, "x", encoding="utf-8", newline="\n") as file,
    ):
        yield file


def write_text(
    path: str | Path, text: str, *, error: type[CourseError] = CourseError, then: str = "try again"
) -> None:
    """Write a UTF-8 file with Unix line ends; see :func:`whole_file`."""
    with whole_text(path, error=error, then=then) as file:
        file.write(text)


def write_bytes(
    path: str | Path, content: bytes, *, error: type[CourseError] = CourseError, then: str = "try again"
) -> None:
    """Write a file; see :func:`whole_file`."""
    with whole_file(path, error=error, then=then) as temporary:
        temporary.write_bytes(content)


@contextmanager
def whole_folder(
    path: str | Path,
    *,
    error: type[CourseError] = CourseError,
    then: str = "try again",
    causes: tuple[type[Exception], ...] = (OSError,),
    replace: bool = False,
) -> Iterator[Path]:
    """Give a temporary folder to fill; it takes its name when the block ends well, and goes if not.

    Parameters
    ----------
    path : the folder's name; the folder above it is made.
    error, then, causes : as for :func:`whole_file`.
    replace : whether an older folder of that name goes when the new one is whole; otherwise the name must be free.

    Raises
    ------
    CourseError
        Of the class ``error``, if the name is taken, or the folder can't be written.
    """
    path = Path(path)
    temporary = _beside(path)
    try:
        if not replace and (path.exists() or path.is_symlink()):
            raise _refusal(
                path, "something of this name is there already", "Give another name, or remove it", error
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        yield temporary
        for file in (*temporary.rglob("*"), temporary):
            _flush_to_disk(file)
        if replace and path.exists():
            shutil.rmtree(path)
        os.replace(temporary, path)
        _flush_to_disk(path.parent)
    except causes as cause:
        raise write_error(path, cause, error, then) from None
    finally:
        _remove(temporary)


def remove_unfinished(folder: str | Path, pattern: str) -> None:
    """Remove what a writer that was killed has left in a folder: names that fit ``pattern`` and are not finished."""
    for path in Path(folder).glob(f"{pattern}.*{UNFINISHED}"):
        _remove(path)


def _flush_to_disk(path: Path) -> None:
    """Wait until a file or folder has reached the disk: a renamed empty file would hold nothing."""
    if path.is_dir() and os.name == "nt":  # Windows opens no folders
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: str | Path, remedy: str, *, error: type[CourseError] = RecordError) -> dict | None:
    """Return the object in a JSON file that the course keeps, or None if there is no such file.

    Parameters
    ----------
    path : the file.
    remedy : what to do about a damaged one, a sentence.
    error : class of the error.

    Raises
    ------
    CourseError
        Of the class ``error``, if the file can't be read, or doesn't hold a JSON object.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise error(f"{path} cannot be read ({cause}). {remedy}") from None
    except (ValueError, RecursionError) as cause:
        raise error(f"{path} is not readable JSON ({cause}). {remedy}") from None
    if not isinstance(content, dict):
        raise error(f"{path} does not hold a JSON object. {remedy}")
    return content


def write_json(
    path: str | Path,
    content: dict | list,
    *,
    error: type[CourseError] = RecordError,
    then: str = "try again",
) -> None:
    """Write plain JSON, whole or not at all.

    Parameters
    ----------
    path : the file.
    content : what to keep.
    error, then : as for :func:`whole_file`.

    Raises
    ------
    CourseError
        Of the class ``error``, if the file can't be written, or the content isn't plain JSON.
    """
    try:
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    except (TypeError, ValueError) as cause:
        raise error(f"{path} could not be written: the content is not plain JSON ({cause}).") from None
    write_text(path, text, error=error, then=then)
