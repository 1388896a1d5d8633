"""The three parts that a lesson needs, where a data set is published with fewer of them."""

from __future__ import annotations

from course_lib.errors import CourseError

PARTS = ("train", "validation", "test")
KEPT_TOGETHER = ("title", "document")  # columns whose rows belong together, where there is such a column


def needed_parts(data, *names: str) -> list:
    """Return some parts of a data set, or say before any training that one is not there.

    Parameters
    ----------
    data : a ``datasets.DatasetDict``, as ``load_texts`` returns it.
    names : of the parts.

    Raises
    ------
    CourseError
        If a part is not there.
    """
    missing = [name for name in names if name not in data]
    if missing:
        raise CourseError(
            f"The parts are {', '.join(data)}: there is no {' and no '.join(missing)} part. Give a folder with files "
            f"for {' and '.join(names)}, or see all_parts in course_lib.data.splits."
        )
    return [data[name] for name in names]


def all_parts(data, *, share: float = 0.1, seed: int = 0):
    """Return the train, validation and test part of a data set, splitting what is missing off the train part.

    SQuAD's test part is not public, and IMDB has no validation part. Rows of one title or document go into
    the same part, so that no part gives away another.

    Parameters
    ----------
    data : a ``datasets.DatasetDict``, as ``load_texts`` returns it.
    share : how much of the train part a missing part gets, by titles or documents if there are any, else by rows.
    seed : which of them.

    Returns
    -------
    datasets.DatasetDict
        The three parts. What is there already stays as it is, but for the rows that leave the train part.

    Raises
    ------
    CourseError
        If there is no train part, or too little in it to split.
    """
    import datasets
    import numpy as np

    if "train" not in data:
        raise CourseError(
            f"The parts are {', '.join(data)}: there is none to learn from. Give a folder with a train file."
        )
    missing, train = [part for part in PARTS if part not in data], data["train"]
    if not missing:
        return datasets.DatasetDict({part: data[part] for part in PARTS})
    column = next((name for name in KEPT_TOGETHER if name in train.column_names), None)
    together = list(train[column]) if column else []
    if not any(together):  # no such column, or files that name no titles, or have no -DOCSTART-
        column, together = None, list(range(len(train)))
    groups = list(dict.fromkeys(together))
    count = max(1, round(share * len(groups)))
    if len(groups) <= count * len(missing):
        raise CourseError(
            f"There is no {' and no '.join(missing)} part, and the train part is too small to split one off "
            f"({len(groups)} {f'values of {column!r}' if column else 'rows'}). Give files for all three parts."
        )
    drawn = [groups[i] for i in np.random.default_rng(seed).permutation(len(groups))]
    part_of = {}
    for number, part in enumerate(missing):
        part_of |= dict.fromkeys(drawn[number * count : (number + 1) * count], part)
    rows = {part: [] for part in ("train", *missing)}
    for row, group in enumerate(together):
        rows[part_of.get(group, "train")].append(row)
    return datasets.DatasetDict(
        {part: train.select(rows[part]) if part in rows else data[part] for part in PARTS}
    )
