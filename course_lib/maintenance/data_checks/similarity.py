"""Checks of ``data/pairs/similarity``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from course_lib.maintenance.data_checks.checks import (
    LEAST_HARD_SHARE,
    SPLITS,
    Check,
    DataSet,
    Row,
    Splits,
    all_rows,
    column,
    markdown_table,
    overlap,
    pair_checks,
    shared_across_splits,
)

GENRES = ("main-captions", "main-news", "main-forums")
BINS = ("0 to 1", "1 to 2", "2 to 3", "3 to 4", "4 to 5")
LEAST_PAIRS, LEAST_IN_A_BIN, LEAST_AGREEMENT = 1400, 200, 0.80  # pairs, pairs, Pearson's correlation
LARGEST_OVERLAP_SPEARMAN = 0.70
LARGEST_DIFFERENCE = 1.0  # of two scorings that are averaged; beyond it, the guideline decides
SCORING = re.compile(r"\d{4}(\t[0-5]\.\d){2}\t(none|[0-5]\.\d)")
HARD = 0.45  # difference of score / 5 and word overlap from which a pair is hard


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the three files, and beside them the two scorings of each pair."""
    from course_lib.data.readers.glue import read_glue
    from course_lib.data.readers.lines import describe, read_records

    scorings = {}
    for place, line in read_records(folder / "scores.tsv"):
        if place.line > 1 and not SCORING.fullmatch(line):
            raise place.error(
                f"{describe(line)} is no number, two scores and a decision or none",
                "Restore the line from the repository",
            )
        scorings[line[:4]] = line[5:].split("\t")
    columns = ("genre", "filename", "old_index")
    return {
        split: [
            {**row, "scorings": scorings.get(row["old_index"])}
            for row in read_glue(folder / f"{split}.tsv", "STS-B", columns=columns)
        ]
        for split in SPLITS
    }


def malformed_pairs(splits: Splits) -> int:
    """Count pairs of an unknown genre, of a number used before, or whose score isn't that of its scorings.

    It is their mean, rounded to a tenth, or where they are far apart, what was decided by the guideline.
    """
    rows = all_rows(splits)
    repeated = len(rows) - len({row["old_index"] for row in rows})
    return repeated + sum(row["genre"] not in GENRES or not _score_fits(row) for row in rows)


def _score_fits(row: Row) -> bool:
    if row["scorings"] is None:
        return False
    first, second, decision = row["scorings"]
    first, second = float(first), float(second)
    far = abs(first - second) > LARGEST_DIFFERENCE + 1e-9
    if far != (decision != "none"):
        return False
    return row["label"] == float(decision) if far else abs(row["label"] - (first + second) / 2) < 0.051


def bin_of(row: Row) -> int:
    """Return the fifth of the scale that a pair's score is in, from 0 to 4."""
    return min(int(row["label"]), 4)


def fewest_in_a_bin(splits: Splits) -> int:
    """Return the pairs of the fifth of the scale that has fewest."""
    counts = Counter(bin_of(row) for row in all_rows(splits))
    return min(counts[number] for number in range(len(BINS)))


def spearman(rows: Sequence[Row], values: Sequence[float]) -> float:
    """Return Spearman's correlation of scores and some other values."""
    from scipy.stats import spearmanr

    return float(spearmanr([row["label"] for row in rows], values).statistic)


def overlap_spearman(splits: Splits) -> float:
    """Return Spearman's correlation of score and word overlap, in all or in the test part, whichever is higher."""
    return max(spearman(rows, list(map(overlap, rows))) for rows in (all_rows(splits), splits["test"]))


def tfidf_spearman(splits: Splits) -> float:
    """Return Spearman's correlation, on the test part, of score and cosine of TF-IDF vectors."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    sentences = [row[name] for row in splits["train"] for name in ("sentence1", "sentence2")]
    model = TfidfVectorizer().fit(sentences)
    one, other = (model.transform(column(splits, name)["test"]) for name in ("sentence1", "sentence2"))
    return spearman(splits["test"], one.multiply(other).sum(axis=1).A1)


def agreement(splits: Splits) -> float:
    """Return Pearson's correlation of the two scorings of all pairs."""
    from scipy.stats import pearsonr

    first, second = zip(*(map(float, row["scorings"][:2]) for row in all_rows(splits)), strict=True)
    return float(pearsonr(first, second).statistic)


def hard_share(rows: Sequence[Row]) -> float:
    """Return the share of pairs whose word overlap is far from their score."""
    return sum(abs(row["label"] / 5 - overlap(row)) > HARD for row in rows) / len(rows)


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """Return what the card counts in a split."""
    genres = Counter(row["genre"] for row in rows)
    return {"pairs": len(rows), "groups": len({row["filename"] for row in rows})} | {
        genre.removeprefix("main-"): genres[genre] for genre in GENRES
    }


def details(splits: Splits) -> list[str]:
    """Return the table of genres and scores, and how far the two scorings agree."""
    counts = Counter((row["genre"], bin_of(row)) for row in all_rows(splits))
    table = markdown_table(
        ("genre, pairs scored", *BINS),
        [(genre, *(f"{counts[genre, number]:,}" for number in range(len(BINS)))) for genre in GENRES],
    )
    scorings = [row["scorings"] for row in all_rows(splits)]
    gaps = [abs(float(first) - float(second)) for first, second, _ in scorings]
    decisions = sum(decision != "none" for _, _, decision in scorings)
    return [
        *table,
        "",
        f"Two scorings of a pair are {sum(gaps) / len(gaps):.2f} apart on average; "
        f"{sum(gap <= 0.5 + 1e-9 for gap in gaps) / len(gaps):.1%} within half a point, "
        f"{sum(gap <= 1 + 1e-9 for gap in gaps) / len(gaps):.1%} within one. "
        f"The guideline decided the {decisions} pairs that were further apart.",
    ]


def _spearman_check(label: str, measure: Callable[[Splits], float]) -> Check:
    return Check(label, measure, at_most=LARGEST_OVERLAP_SPEARMAN, decimals=3)


CHECKS = {
    "rows": Check("pairs", lambda splits: len(all_rows(splits)), at_least=LEAST_PAIRS),
    "malformed": Check(
        "pairs with a malformed field, or a score that isn't that of its scorings", malformed_pairs, at_most=0
    ),
    "fewest": Check(
        "pairs of the fifth of the scale that has fewest", fewest_in_a_bin, at_least=LEAST_IN_A_BIN
    ),
    **pair_checks(),
    "shared": Check(
        "groups in more than one split",
        lambda splits: shared_across_splits(column(splits, "filename")),
        at_most=0,
    ),
    "overlap": _spearman_check("Spearman's correlation of score and word overlap", overlap_spearman),
    "tfidf": _spearman_check("test Spearman's correlation of score and TF-IDF cosine", tfidf_spearman),
    "agreement": Check(
        "Pearson's correlation of the two scorings", agreement, at_least=LEAST_AGREEMENT, decimals=3
    ),
    "hard": Check(
        "share of hard pairs in the test part",
        lambda splits: hard_share(splits["test"]),
        at_least=LEAST_HARD_SHARE,
        decimals=3,
    ),
}

SIMILARITY = DataSet("similarity", read, CHECKS, sizes, details, place="pairs/similarity")
