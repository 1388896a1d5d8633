"""A part to learn from, one to choose the epoch by and one to be scored on, where there is only one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_lib.errors import DataFileError

if TYPE_CHECKING:
    import pandas

FEWEST = 10  # rows that can be split


def same_text(text: str) -> str:
    """Return what two texts have in common that differ in case and white space alone."""
    return " ".join(text.lower().split())


def text_keys(frame: pandas.DataFrame) -> list[tuple[str, ...]]:
    """Return for each row what its duplicates have in common."""
    columns = [frame[name] for name in ("text", "second") if name in frame.columns]
    return [tuple(map(same_text, texts)) for texts in zip(*columns, strict=True)]


def training_part(parts: dict[str, pandas.DataFrame], path) -> pandas.DataFrame:
    """Return the training part; refuse data without one.

    Raises
    ------
    DataFileError
        If there is none.
    """
    if "train" not in parts:
        raise DataFileError(
            path, f"there is no training part, only {', '.join(parts)}", "Add a file called train"
        )
    return parts["train"]


def complete_parts(
    parts: dict[str, pandas.DataFrame], path, *, share: float = 0.1, seed: int = 0
) -> tuple[dict[str, pandas.DataFrame], tuple[str, ...]]:
    """Split off what is missing of the training part, by label, with all copies of a text in one part.

    Parameters
    ----------
    parts : the frames of :func:`~course_lib.data.own.examples.read_examples`.
    path : where they come from, for messages.
    share : how much of each label a missing part gets, at least one text.
    seed : which of them.

    Returns
    -------
    tuple of dict and tuple of str
        The parts, and the names of those that were made. Validation is made where there is none, and test where there
        is neither.

    Raises
    ------
    DataFileError
        If there is no training part, or too little of it.
    """
    import numpy as np

    train = training_part(parts, path)
    if "validation" in parts:
        return parts, ()
    made = ("validation",) if "test" in parts else ("validation", "test")
    if len(train) < FEWEST:
        raise DataFileError(
            path,
            f"it has {len(train)} rows, too few to split some off",
            f"Add rows, {FEWEST} at least, or files for all parts",
        )
    drawn = _draw(text_keys(train), list(train["label"]), len(made), share, np.random.default_rng(seed))
    numbers = np.array(drawn)
    found = {"train": train[numbers == -1].reset_index(drop=True)}
    found |= {part: train[numbers == number].reset_index(drop=True) for number, part in enumerate(made)}
    for part in made:
        if found[part].empty or found["train"].empty:
            raise DataFileError(
                path, "its texts are too much alike to be split", "Add texts, or files for all parts"
            )
    return found | ({"test": parts["test"]} if "test" in parts else {}), made


def _draw(
    keys: Sequence[tuple[str, ...]], labels: Sequence, count: int, share: float, generator
) -> list[int]:
    """Return for each row the number of the made part that it goes to, -1 for those that stay."""
    label_of = dict(zip(reversed(keys), reversed(labels), strict=True))  # of copies, the first one's
    classes: dict[object, list[tuple[str, ...]]] = {}
    for key, label in label_of.items():
        classes.setdefault("score" if isinstance(label, float) else label, []).append(key)
    part_of: dict[tuple[str, ...], int] = {}
    for label in sorted(classes, key=str):
        texts = sorted(classes[label])
        order = [texts[number] for number in generator.permutation(len(texts))]
        size = max(1, round(share * len(texts)))
        for number in range(min(count, max(0, (len(texts) - 1) // size))):  # the last texts stay in training
            part_of |= dict.fromkeys(order[number * size : (number + 1) * size], number)
    return [part_of.get(key, -1) for key in keys]
