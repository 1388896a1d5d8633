"""Checks of ``data/pairs/paraphrase``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
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
    words_of,
)

KINDS = ("news", "question")
CONTRASTS = ("reworded", "reordered", "names", "numbers", "roles", "time", "scope", "negation", "other")
SAME = ("reworded", "reordered", "other")  # the contrasts that a paraphrase may have
COLUMNS = ("#1 ID", "#2 ID", "kind", "group", "topic", "contrast", "hard")
LEAST_PAIRS, LEAST_KIND_SHARE = 1800, 0.40
LEAST_PARAPHRASES, MOST_PARAPHRASES = 0.45, 0.60
LARGEST_SURFACE_ACCURACY = 0.65
LEAST_MOSTLY_SHARED = 0.5  # of the pairs that are no paraphrases
LOW, HIGH = 0.35, 0.55  # word overlap below which a paraphrase is hard, and above which another pair is
LONGEST_RUN = 8  # words of the same opening or ending; longer ones count as this


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the three files with their further columns."""
    from course_lib.data.readers.glue import read_glue

    return {split: list(read_glue(folder / f"{split}.tsv", "MRPC", columns=COLUMNS)) for split in SPLITS}


def is_hard(row: Row) -> bool:
    """Tell whether shared words speak against the label of a pair."""
    return overlap(row) < LOW if row["label"] else overlap(row) > HIGH


def malformed_pairs(splits: Splits) -> int:
    """Count pairs with a number used before, an unknown kind or contrast, or another mark than the definition's."""
    rows = all_rows(splits)
    repeated = len(rows) - len({row["#1 ID"] for row in rows})
    return repeated + sum(
        not re.fullmatch(r"p\d{4}a", row["#1 ID"])
        or row["#2 ID"] != row["#1 ID"][:-1] + "b"
        or row["kind"] not in KINDS
        or row["contrast"] not in (SAME if row["label"] else CONTRASTS[2:])
        or row["hard"] != str(int(is_hard(row)))
        for row in rows
    )


def paraphrase_share(rows: Sequence[Row]) -> float:
    """Return the share of pairs that mean the same."""
    return sum(row["label"] for row in rows) / len(rows)


def shared_words(row: Row) -> tuple[float, float]:
    """Return the share of its different words that the shorter, and the longer, sentence shares with the other."""
    one, other = set(words_of(row["sentence1"])), set(words_of(row["sentence2"]))
    shorter, longer = sorted((len(one), len(other)))
    return len(one & other) / max(1, shorter), len(one & other) / max(1, longer)


def mostly_shared(splits: Splits) -> float:
    """Return the share of pairs with another meaning whose shorter sentence has most of its words in the longer."""
    others = [row for row in all_rows(splits) if not row["label"]]
    return sum(shared_words(row)[0] > 0.5 for row in others) / len(others)


def run_of_shared_words(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words two lists begin with in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def surface(row: Row) -> list[float]:
    """Return what can be seen of a pair without reading: same opening and ending, overlap, lengths."""
    one, other = words_of(row["sentence1"]), words_of(row["sentence2"])
    runs = (run_of_shared_words(one, other), run_of_shared_words(one[::-1], other[::-1]))
    shorter, longer = sorted((len(one), len(other)))
    steps = [value for run in runs for value in (min(run, LONGEST_RUN), run >= 1, run >= 2, run >= 3)]
    return [*map(float, steps), overlap(row), *shared_words(row), longer - shorter, shorter / max(1, longer)]


def _classifier():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))


def overlap_accuracy(splits: Splits) -> float:
    """Return the accuracy, on the test part, of overlap, lengths and the cosine of TF-IDF vectors."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    sentences = [row[name] for row in splits["train"] for name in ("sentence1", "sentence2")]
    model = TfidfVectorizer().fit(sentences)
    features = {}
    for split in ("train", "test"):
        one, other = (model.transform(column(splits, name)[split]) for name in ("sentence1", "sentence2"))
        cosines = one.multiply(other).sum(axis=1).A1
        features[split] = [
            [overlap(row), *shared_words(row), surface(row)[-2], cosine]
            for row, cosine in zip(splits[split], cosines, strict=True)
        ]
    labels = column(splits, "label")
    fitted = _classifier().fit(features["train"], labels["train"])
    return float(fitted.score(features["test"], labels["test"]))


def surface_accuracy(rows: Sequence[Row]) -> float:
    """Return the accuracy of :func:`surface` in five parts by group, each judged by a model of the others."""
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_score

    parts = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    features, labels = [surface(row) for row in rows], [row["label"] for row in rows]
    groups = [row["group"] for row in rows]
    return float(cross_val_score(_classifier(), features, labels, groups=groups, cv=parts).mean())


def of_kind(rows: Sequence[Row], kind: str) -> list[Row]:
    """Return the pairs of a kind."""
    return [row for row in rows if row["kind"] == kind]


def hard_share(rows: Sequence[Row]) -> float:
    """Return the share of pairs that are marked hard."""
    return sum(row["hard"] == "1" for row in rows) / len(rows)


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """Return what the card counts in a split."""
    counts = {"pairs": len(rows), "groups": len({row["group"] for row in rows})}
    counts |= {kind: len(of_kind(rows, kind)) for kind in KINDS}
    return counts | {
        "paraphrases": sum(row["label"] for row in rows),
        "hard": sum(row["hard"] == "1" for row in rows),
    }


def details(splits: Splits) -> list[str]:
    """Return the tables of word overlap and of contrasts."""
    rows, names = all_rows(splits), {1: "paraphrases", 0: "others"}
    overlaps = []
    for kind in KINDS:
        for label, name in names.items():
            values = [overlap(row) for row in of_kind(rows, kind) if row["label"] == label]
            low, high = (
                sum(test) / len(values) for test in ([v < LOW for v in values], [v > HIGH for v in values])
            )
            overlaps.append((f"{kind}, {name}", f"{low:.2f}", f"{1 - low - high:.2f}", f"{high:.2f}"))
    contrasts = Counter((row["label"], row["contrast"]) for row in rows)
    return [
        *markdown_table(
            ("word overlap (Jaccard)", f"below {LOW}", f"{LOW} to {HIGH}", f"above {HIGH}"), overlaps
        ),
        "",
        *markdown_table(
            ("contrast", *CONTRASTS),
            [(names[label], *(str(contrasts[label, contrast]) for contrast in CONTRASTS)) for label in names],
        ),
    ]


CHECKS = {
    "rows": Check("pairs", lambda splits: len(all_rows(splits)), at_least=LEAST_PAIRS),
    "malformed": Check("pairs with a malformed field", malformed_pairs, at_most=0),
    "balance": Check(
        "share of paraphrases",
        lambda splits: paraphrase_share(all_rows(splits)),
        at_least=LEAST_PARAPHRASES,
        at_most=MOST_PARAPHRASES,
        decimals=3,
    ),
    "kinds": Check(
        "share of the kind that has fewer pairs",
        lambda splits: min(len(of_kind(all_rows(splits), kind)) for kind in KINDS) / len(all_rows(splits)),
        at_least=LEAST_KIND_SHARE,
        decimals=3,
    ),
    **pair_checks(),
    "shared": Check(
        "groups in more than one split",
        lambda splits: shared_across_splits(column(splits, "group")),
        at_most=0,
    ),
    "mostly_shared": Check(
        "share of other pairs whose shorter sentence has most of its words in the longer",
        mostly_shared,
        at_least=LEAST_MOSTLY_SHARED,
        decimals=3,
    ),
    "overlap": Check(
        "test accuracy of word overlap, length and TF-IDF cosine",
        overlap_accuracy,
        at_most=LARGEST_SURFACE_ACCURACY,
        decimals=3,
    ),
    **{
        f"surface_{kind}": Check(
            f"accuracy of same opening and ending, overlap and length, {kind}, cross-validated",
            lambda splits, kind=kind: surface_accuracy(of_kind(all_rows(splits), kind)),
            at_most=LARGEST_SURFACE_ACCURACY,
            decimals=3,
        )
        for kind in KINDS
    },
    "hard": Check(
        "share of hard pairs in the test part",
        lambda splits: hard_share(splits["test"]),
        at_least=LEAST_HARD_SHARE,
        decimals=3,
    ),
}

PARAPHRASE = DataSet("paraphrase", read, CHECKS, sizes, details, place="pairs/paraphrase")
