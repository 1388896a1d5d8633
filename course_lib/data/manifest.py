"""The SHA-256 of each file of ``data/checkpoints``: what is loaded there is what was recorded.

``SHA256SUMS`` has one line a file, as ``sha256sum`` writes and checks them. Whatever stores a checkpoint
renews its lines; ``course maintain manifest`` writes all of them anew.
"""

from __future__ import annotations

from pathlib import Path

from course_lib import settings
from course_lib.data.weights import sha256_of
from course_lib.errors import WeightsError

NAME = "SHA256SUMS"


def read_manifest() -> dict[str, str]:
    """Return the SHA-256 of each file by its path within ``data/checkpoints``.

    Raises
    ------
    WeightsError
        If the manifest is missing or is no text.
    """
    path = settings.CHECKPOINTS / NAME
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(
            f"{path} cannot be read ({error}), and without it no checkpoint can be checked. Fetch the file again."
        ) from None
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def renew_manifest(folder: str | Path | None = None) -> None:
    """Write the lines of a folder's files anew; nothing is written for a folder that is elsewhere.

    Parameters
    ----------
    folder : a folder of ``data/checkpoints`` whose files have just been stored; all of them if left out.

    Raises
    ------
    DataFileError
        If the manifest cannot be written.
    """
    from course_lib.files import whole_text

    root = settings.CHECKPOINTS.resolve()
    folder = root if folder is None else Path(folder).resolve()
    if not folder.is_relative_to(root):
        return
    path = settings.CHECKPOINTS / NAME
    # The other lines stay as they are: a file that was damaged meanwhile is not declared whole.
    kept = read_manifest() if folder != root and path.is_file() else {}
    lines = {name: digest for name, digest in kept.items() if not (root / name).is_relative_to(folder)}
    lines |= {name: sha256_of(root / name) for name in _files_in(folder)}
    with whole_text(path, error=WeightsError) as file:
        file.writelines(f"{digest}  {name}\n" for name, digest in sorted(lines.items()))


def check_files(folder: str | Path) -> None:
    """Refuse a folder of ``data/checkpoints`` with a file that is not the recorded one; others are not looked at.

    Parameters
    ----------
    folder : the folder that a checkpoint is to be loaded from.

    Raises
    ------
    WeightsError
        If a file differs from its line, or has none.
    """
    root, folder = settings.CHECKPOINTS.resolve(), Path(folder).resolve()
    if not folder.is_relative_to(root):
        return
    settings.require_clone()
    recorded = read_manifest()
    for name in _files_in(folder):
        if recorded.get(name) != sha256_of(root / name):
            raise WeightsError(
                f"{root / name} is not the file that was recorded: its SHA-256 is not the one in {NAME}. "
                "Fetch the file again, or make it anew with `course record`."
            )


def _files_in(folder: Path) -> list[str]:
    """Return the files of a folder by their paths within ``data/checkpoints``."""
    root = settings.CHECKPOINTS.resolve()
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part"]
    return sorted(path.relative_to(root).as_posix() for path in files if path != root / NAME)
