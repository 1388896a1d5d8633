"""Errors read one by one: which ones to read first, and the reader's own names for them, kept and counted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from course_lib import settings
from course_lib.errors import CourseError
from course_lib.files import read_json, write_json

TYPES = {
    "irony": "it says the opposite of what it means",
    "both sides": "praise and blame are weighed, and one wins in the end",
    "negation": "a good word is denied, or a bad one",
    "comparison": "another film is praised or blamed in passing",
    "plot": "words of the story sound like an opinion",
    "knowledge": "you have to know something about the world",
    "label": "you would have given the other label",
    "none": "you can't see why the model is wrong",
}


def errors_by_loss(losses: np.ndarray, right: np.ndarray) -> list[int]:
    """Return the rows that are wrong, the surest mistake first.

    Parameters
    ----------
    losses : cross-entropy of each row.
    right : whether each row was predicted right.
    """
    wrong = np.flatnonzero(~np.asarray(right, dtype=bool))
    return wrong[np.argsort(-np.asarray(losses)[wrong], kind="stable")].tolist()


def typology_path() -> Path:
    """Return where the reader's types are kept: beside the progress of the course."""
    return settings.current().home / "error-types.json"


def remember_types(
    texts: Sequence[str], types: Mapping[int, str], path: Path | None = None
) -> dict[int, str]:
    """Keep the types that a reader gave to some rows, and return all that are kept for these texts, by row.

    A type that was given before stays until another is given for the same text; rows are known by their texts,
    so another order or other data don't mix them up.

    Parameters
    ----------
    texts : all texts, of which ``types`` names some by their number.
    types : a name from ``TYPES`` by row; may be empty.
    path : where they are kept; by default :func:`typology_path`.

    Raises
    ------
    CourseError
        If there is no such row or type, or the file can't be read or written.
    """
    path = typology_path() if path is None else path
    for row, name in types.items():
        if not 0 <= row < len(texts):
            raise CourseError(f"There is no row {row}; the rows are 0 to {len(texts) - 1}.")
        check_type(name)
    remedy = "Move it away, and give your types again."
    kept = read_json(path, remedy, error=CourseError) or {}
    kept |= {_key(texts[row]): name for row, name in types.items()}
    if types:
        write_json(path, kept, error=CourseError)
    return {row: kept[_key(text)] for row, text in enumerate(texts) if _key(text) in kept}


def check_type(name: str) -> None:
    """Refuse a type that the typology doesn't have."""
    if name not in TYPES:
        raise CourseError(f"{name!r} is not a type of error. Choose one of: {', '.join(TYPES)}.")


def count_types(types: Mapping[int, str]) -> dict[str, int]:
    """Return how many rows have each type, in the order of ``TYPES``; a type without rows counts 0."""
    for name in types.values():
        check_type(name)
    names = list(types.values())
    return {name: names.count(name) for name in TYPES}


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
