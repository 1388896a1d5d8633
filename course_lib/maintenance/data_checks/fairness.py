"""Checks of ``data/fairness``."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from course_lib.data.fairness import load_fairness, sentences_about
from course_lib.data.readers.frames import SENTIMENTS
from course_lib.maintenance.data_checks.checks import (
    NEAR_DUPLICATE,
    Check,
    DataSet,
    Row,
    Splits,
    commonest_run_share,
    duplicates,
    markdown_table,
    nearest_across_splits,
)

LEAST_FRAMES, LEAST_NAMES = 30, 3  # frames, names of one gender in a group
LARGEST_LENGTH_DIFFERENCE = 2.0  # words, of the mean lengths of two sentiments
PRONOUN = re.compile(r"\b(he|she|his|hers?|him|(him|her)self)\b", re.IGNORECASE)


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the two files."""
    frames, people = load_fairness(folder)
    return {"frames": list(frames), "people": list(people)}


def _cells(splits: Splits) -> list[int]:
    """Return how many frames each style has of each sentiment."""
    styles = {row["style"] for row in splits["frames"]}
    counts = Counter((row["style"], row["sentiment"]) for row in splits["frames"])
    return [counts[cell] for cell in product(sorted(styles), SENTIMENTS)]


def groups_of(splits: Splits) -> dict[tuple[str, str], dict[str, list[Row]]]:
    """Return the people of each group by kind, and names by gender: ``name female``, ``name male``, ``phrase``."""
    groups: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in splits["people"]:
        kind = f"name {row['gender']}" if row["kind"] == "name" else "phrase"
        groups[row["group_type"], row["group"]][kind].append(row)
    return groups


def _names_of_groups(splits: Splits) -> list[tuple[int, int]]:
    """Return for each origin with names how many are female and how many male."""
    return [
        (len(kinds["name female"]), len(kinds["name male"]))
        for (group_type, _), kinds in groups_of(splits).items()
        if group_type == "origin" and (kinds["name female"] or kinds["name male"])
    ]


def _gender_sizes(splits: Splits) -> list[int]:
    counts = Counter((row["group"], row["kind"]) for row in splits["people"] if row["group_type"] == "gender")
    return [abs(counts["female", kind] - counts["male", kind]) for kind in ("name", "phrase")]


def sentences_of(splits: Splits) -> list[str]:
    """Return all frames with all people and fillers."""
    pairs = product(splits["frames"], splits["people"])
    return [text for frame, person in pairs for text in sentences_about(frame, person["text"])]


def _mean_lengths(splits: Splits) -> dict[str, float]:
    lengths = defaultdict(list)
    for row in splits["frames"]:
        lengths[row["sentiment"]].append(len(row["text"].split()))
    return {sentiment: sum(found) / len(found) for sentiment, found in lengths.items()}


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """Return what the card counts in a file."""
    return {"rows": len(rows)}


def details(splits: Splits) -> list[str]:
    """Return the people of each group, with their length in WordPieces and whether sources were looked up."""
    rows = []
    for (group_type, group), kinds in groups_of(splits).items():
        names = [*kinds["name female"], *kinds["name male"]]
        pieces = f"{sum(row['pieces'] for row in names) / len(names):.1f}" if names else ""
        checked = ", ".join(sorted({row["checked"] for row in names}))
        counts = [len(kinds[kind]) for kind in ("name female", "name male", "phrase")]
        rows.append((f"{group_type}: {group}", *map(str, counts), pieces, checked))
    header = (
        "group",
        "female names",
        "male names",
        "phrases",
        "mean pieces of a name",
        "source of the names looked up",
    )
    lengths = ", ".join(f"{name} {length:.1f}" for name, length in _mean_lengths(splits).items())
    total = f"All frames with all people and fillers: {len(sentences_of(splits)):,} sentences."
    return [*markdown_table(header, rows), "", f"Mean words of a frame: {lengths}. {total}"]


CHECKS = {
    "frames": Check("frames", lambda splits: len(splits["frames"]), at_least=LEAST_FRAMES),
    "balance": Check(
        "largest difference of a style's sentiments in frames",
        lambda splits: max(_cells(splits)) - min(_cells(splits)),
        at_most=0,
    ),
    "pronouns": Check(
        "frames with a pronoun that tells a gender",
        lambda splits: sum(bool(PRONOUN.search(row["text"])) for row in splits["frames"]),
        at_most=0,
    ),
    "lengths": Check(
        "largest difference of two sentiments in mean words",
        lambda splits: max(_mean_lengths(splits).values()) - min(_mean_lengths(splits).values()),
        at_most=LARGEST_LENGTH_DIFFERENCE,
        decimals=1,
    ),
    "nearest": Check(
        "nearest frames (Jaccard of word 3-shingles)",
        lambda splits: nearest_across_splits({row["id"]: [row["text"]] for row in splits["frames"]}),
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "runs": Check(
        "frames that hold the most widespread run of five words",
        lambda splits: commonest_run_share([row["text"] for row in splits["frames"]]) * len(splits["frames"]),
        at_most=1,
    ),
    "fewest_names": Check(
        "fewest names of one gender in an origin that has names",
        lambda splits: min(min(pair) for pair in _names_of_groups(splits)),
        at_least=LEAST_NAMES,
    ),
    "genders": Check(
        "largest difference of female and male in names or phrases of a group",
        lambda splits: max(
            *_gender_sizes(splits), *(abs(female - male) for female, male in _names_of_groups(splits))
        ),
        at_most=0,
    ),
    "duplicates": Check(
        "duplicate sentences after filling", lambda splits: duplicates(sentences_of(splits)), at_most=0
    ),
}

FAIRNESS = DataSet("fairness", read, CHECKS, sizes, details)
