"""Checks of ``data/entities``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from course_lib.data.readers.conll import TYPES
from course_lib.finetuning.entities import entities_of
from course_lib.maintenance.data_checks.checks import (
    NEAR_DUPLICATE,
    SPLITS,
    Check,
    DataSet,
    Row,
    Splits,
    all_rows,
    duplicates,
    five_gram_check,
    markdown_table,
    nearest_across_splits,
    shared_across_splits,
)

LEAST_SENTENCES, LEAST_DOCUMENTS = 1200, 120
LEAST_NAMES_OF_A_TYPE = 10  # distinct names in each split: fewer say nothing about a type
LEAST_UNSEEN_NAMES = 0.35  # of the distinct names of the test part


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the three files; their scheme is given, since a lost B- must not pass for IOB1."""
    from course_lib.data.readers.conll import read_conll

    return {split: list(read_conll(folder / f"{split}.txt", scheme="bio")) for split in SPLITS}


def illegal_tags(splits: Splits) -> int:
    """Count tags that are unknown, missing, or continue no entity of their type."""
    known = {"O", *(f"{prefix}-{name}" for prefix in "BI" for name in TYPES)}
    count = 0
    for row in all_rows(splits):
        count += abs(len(row["tokens"]) - len(row["tags"]))
        for before, tag in zip(["O", *row["tags"]], row["tags"], strict=False):
            count += tag not in known or (tag.startswith("I-") and before[2:] != tag[2:])
    return count


def _sentence_texts(splits: Splits) -> dict[str, list[str]]:
    return {split: [" ".join(row["tokens"]) for row in splits[split]] for split in SPLITS}


def documents_of(rows: Iterable[Row]) -> list[str]:
    """Return the text of each document."""
    documents = defaultdict(list)
    for row in rows:
        documents[row["document"]].append(" ".join(row["tokens"]))
    return [" ".join(sentences) for sentences in documents.values()]


def _document_texts(splits: Splits) -> dict[str, list[str]]:
    return {split: documents_of(splits[split]) for split in SPLITS}


def names_of(rows: Iterable[Row], entity_type: str | None = None) -> set[str]:
    """Return the distinct names, of one type or of all, without regard to case: headlines are in capitals."""
    return {
        " ".join(row["tokens"][begin:end]).lower()
        for row in rows
        for begin, end, found in entities_of(row["tokens"], row["tags"])
        if entity_type in (None, found)
    }


def unseen_names(splits: Splits, entity_type: str | None = None) -> tuple[int, int]:
    """Return how many distinct names of the test part the training part lacks, and how many there are."""
    test, train = (names_of(splits[split], entity_type) for split in ("test", "train"))
    return len(test - train), len(test)


def unseen_share(splits: Splits, entity_type: str | None = None) -> float:
    """Return the share of the distinct test names that the training part lacks."""
    unseen, number = unseen_names(splits, entity_type)
    return unseen / number if number else 0.0


def _fewest_of_a_type(splits: Splits) -> int:
    return min(len(names_of(splits[split], name)) for split in SPLITS for name in TYPES)


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """Return what the card counts in a split."""
    types = Counter(found for row in rows for *_, found in entities_of(row["tokens"], row["tags"]))
    return {
        "documents": len(documents_of(rows)),
        "sentences": len(rows),
        "tokens": sum(len(row["tokens"]) for row in rows),
        **{entity_type: types[entity_type] for entity_type in TYPES},
    }


def details(splits: Splits) -> list[str]:
    """Return how many names of the test part are new, by type."""
    rows = [(kind, *(f"{count:,}" for count in unseen_names(splits, kind))) for kind in TYPES]
    total = ("any", *(f"{count:,}" for count in unseen_names(splits)))
    header = ("type", "distinct test names unseen in training", "distinct test names")
    return markdown_table(header, [*rows, total])


CHECKS = {
    "rows": Check("sentences", lambda splits: len(all_rows(splits)), at_least=LEAST_SENTENCES),
    "documents": Check(
        "documents",
        lambda splits: sum(len(texts) for texts in _document_texts(splits).values()),
        at_least=LEAST_DOCUMENTS,
    ),
    "illegal": Check("illegal tags", illegal_tags, at_most=0),
    "fewest_names": Check(
        "fewest distinct names of a type in a split", _fewest_of_a_type, at_least=LEAST_NAMES_OF_A_TYPE
    ),
    "duplicates": Check(
        "duplicate sentences",
        lambda splits: duplicates(" ".join(row["tokens"]) for row in all_rows(splits)),
        at_most=0,
    ),
    "nearest_sentences": Check(
        "nearest sentences of two splits (Jaccard of word 3-shingles)",
        lambda splits: nearest_across_splits(_sentence_texts(splits)),
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "nearest_documents": Check(
        "nearest documents of two splits (Jaccard of word 3-shingles)",
        lambda splits: nearest_across_splits(_document_texts(splits)),
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "five_grams": five_gram_check(
        lambda splits: [" ".join(row["tokens"]) for row in all_rows(splits)], "sentences"
    ),
    "shared": Check(
        "documents in more than one split",
        lambda splits: shared_across_splits(_document_texts(splits)),
        at_most=0,
    ),
    "unseen": Check(
        "share of distinct test names unseen in training",
        unseen_share,
        at_least=LEAST_UNSEEN_NAMES,
        decimals=3,
    ),
    **{
        f"unseen_{name}": Check(
            f"share of distinct test names unseen in training, {name}",
            lambda splits, name=name: unseen_share(splits, name),
            at_least=LEAST_UNSEEN_NAMES,
            decimals=3,
        )
        for name in TYPES
    },
}

ENTITIES = DataSet("entities", read, CHECKS, sizes, details)
