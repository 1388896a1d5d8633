"""What to know about labeled texts before training: counts, copies, contradictions, labels that look alike."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.data.own.parts import text_keys, training_part
from course_lib.errors import DataFileError
from course_lib.translation import Message

if TYPE_CHECKING:
    import pandas

MOST_LABELS = 200  # more are hardly classes
UNEVEN = 3  # times as many rows of the largest class as of the smallest


def label_names(parts: dict[str, pandas.DataFrame], path: str | Path) -> tuple[str, ...]:
    """Return the classes of the training part, sorted by name; refuse what cannot be learned or scored.

    Raises
    ------
    DataFileError
        If there is no training part, one class only or almost as many as rows, or another part has a label that training lacks.
    """
    train = training_part(parts, path)
    counts = Counter(train["label"])
    if len(counts) < 2:
        raise DataFileError(
            path,
            f"every row of the training part has the label {next(iter(counts))!r}",
            "Add rows of another class",
        )
    if len(counts) > MOST_LABELS or (len(train) >= 20 and len(counts) > len(train) / 2):
        raise DataFileError(
            path,
            f"there are {len(counts)} different labels in {len(train)} rows",
            "Name the column of the classes with --label COLUMN, or give --score if they are numbers to be met",
        )
    for part, frame in parts.items():
        for label, place in zip(frame["label"], frame["place"], strict=True):
            if label not in counts:
                raise DataFileError(
                    place,
                    f"the label {label!r} is in the {part} part and not in training",
                    "Correct it, or add such rows",
                )
    return tuple(sorted(counts))


def findings(parts: dict[str, pandas.DataFrame], made: Iterable[str] = ()) -> list[Message]:
    """Return what is worth knowing about the data, a sentence each; nothing here stops a training run.

    Parameters
    ----------
    parts : frames by name.
    made : names of the parts that were split off.
    """
    sizes = ", ".join(f"{part} {len(frame):,}" for part, frame in parts.items())
    said = [Message("Rows: {sizes}.", sizes=sizes)]
    if made := list(made):
        said.append(
            Message(
                "There was no {made} part, so some rows of each label were split off; copies of a text stay together.",
                made=" and ".join(made),
            )
        )
    labels = list(parts["train"]["label"])
    if labels and isinstance(labels[0], str):
        said += _about_labels(Counter(labels))
    return said + _about_copies(parts)


def _about_labels(counts: Counter) -> list[Message]:
    said = [
        Message("Labels: {counts}.", counts=", ".join(f"{name} {n:,}" for name, n in counts.most_common()))
    ]
    alike: dict[str, list[str]] = {}
    for name in sorted(counts):
        folded = unicodedata.normalize("NFKC", name).casefold()
        alike.setdefault("".join(c for c in folded if c.isalnum()) or name, []).append(name)
    said += [
        Message(
            "These labels look alike: {names}. If they are one, give them one name.",
            names=", ".join(map(repr, names)),
        )
        for names in alike.values()
        if len(names) > 1
    ]
    rare = [name for name, number in counts.items() if number < 2]
    if rare:
        said.append(
            Message(
                "Only one training row has the label {names}: add some, or leave it out.",
                names=", ".join(map(repr, rare)),
            )
        )
    largest, smallest = max(counts.values()), min(counts.values())
    if largest >= UNEVEN * smallest:
        said.append(
            Message(
                "The largest class has {ratio:.0f} times the rows of the smallest. --class-weights makes them count the same.",
                ratio=largest / smallest,
            )
        )
    return said


def _about_copies(parts: dict[str, pandas.DataFrame]) -> list[Message]:
    seen: dict[tuple[str, ...], tuple[str, object, str]] = {}  # text: part, label and place of the first one
    copies, across, contradictions = 0, [], []
    for part, frame in parts.items():
        for key, label, place in zip(text_keys(frame), frame["label"], frame["place"], strict=True):
            if key not in seen:
                seen[key] = (part, label, place)
                continue
            first_part, first_label, first_place = seen[key]
            copies += 1
            if first_part != part:
                across.append((place, first_part))
            if first_label != label:
                contradictions.append((first_place, first_label, place, label))
    said = [Message("Rows that are copies of another one: {number}.", number=f"{copies:,}")] if copies else []
    if across:
        place, first = across[0]
        said.append(
            Message(
                "Copies in two parts: {number}, for instance {place}, which is in {part} too. Scores on them are too good.",
                number=len(across),
                place=place,
                part=first,
            )
        )
    if contradictions:
        place, label, other, wrong = contradictions[0]
        said.append(
            Message(
                "Copies with another label: {number}, for instance {place} ({label!r}) and {other} ({wrong!r}).",
                number=len(contradictions),
                place=place,
                label=label,
                other=other,
                wrong=wrong,
            )
        )
    return said
