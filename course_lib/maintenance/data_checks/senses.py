"""Checks of ``data/senses``."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_lib.maintenance.data_checks.checks import (
    NEAR_DUPLICATE,
    Check,
    DataSet,
    Row,
    Splits,
    duplicates,
    five_gram_check,
    markdown_table,
    nearest_across_splits,
)

LEAST_WORDS, SENSES_OF_A_WORD, LEAST_SENTENCES = 24, 2, 8  # words, senses, sentences a sense
SHORTEST_SENTENCE, LONGEST_SENTENCE = 8, 25  # words
LEAST_HARD_SHARE = 0.25  # of the sentences whose other words lead to the wrong sense


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the one file: there is nothing to train on."""
    from course_lib.data.readers.senses import read_senses

    return {"test": list(read_senses(folder / "test.jsonl"))}


def malformed_sentences(splits: Splits) -> int:
    """Count sentences in which the form is not at its offset, stands twice, or is another than the word."""
    return sum(
        row["sentence"][row["start"] : row["start"] + len(row["form"])] != row["form"]
        or len(re.findall(rf"\b{re.escape(row['form'])}\b", row["sentence"].lower())) != 1
        or row["form"] != row["word"]
        for row in splits["test"]
    )


def _by_word(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found = defaultdict(list)
    for row in rows:
        found[row["word"]].append(row)
    return found


def _senses_by_word(splits: Splits) -> list[int]:
    return [len({row["sense_id"] for row in rows}) for rows in _by_word(splits["test"]).values()]


def _sentences_by_sense(splits: Splits) -> Counter:
    return Counter(row["sense_id"] for row in splits["test"])


def hits_by_word(rows: Sequence[Row]) -> dict[str, list[float]]:
    """Return for each sentence of each word whether the nearest of its others has the same sense.

    Nearest is by the other words of the sentences (cosine of TF-IDF); of several that are as near, the share counts.
    A sentence is *hard* where less than half of it is right.
    """
    import numpy
    from sklearn.feature_extraction.text import TfidfVectorizer

    hits = {}
    for word, group in _by_word(rows).items():
        terms = TfidfVectorizer(stop_words=[word]).fit_transform(row["sentence"] for row in group)
        similarity = (terms @ terms.T).toarray()  # (sentences, sentences)
        numpy.fill_diagonal(similarity, -1)
        senses = numpy.array([row["sense_id"] for row in group])
        nearest = similarity >= similarity.max(axis=1, keepdims=True) - 1e-9
        same = senses[:, None] == senses[None, :]
        hits[word] = list((nearest & same).sum(axis=1) / nearest.sum(axis=1))
    return hits


def _all_hits(splits: Splits) -> list[float]:
    return [hit for hits in hits_by_word(splits["test"]).values() for hit in hits]


def hard_share(splits: Splits) -> float:
    """Return the share of the sentences that are hard."""
    hits = _all_hits(splits)
    return sum(hit < 0.5 for hit in hits) / max(1, len(hits))


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """Return what the card counts."""
    senses = len({row["sense_id"] for row in rows})
    return {"words": len(_by_word(rows)), "senses": senses, "sentences": len(rows)}


def details(splits: Splits) -> list[str]:
    """Return the two senses of each word, and how often its other words tell which it is."""
    hits, rows = hits_by_word(splits["test"]), []
    for word, group in _by_word(splits["test"]).items():
        senses = dict(sorted((row["sense_id"], row["sense"]) for row in group))
        rows.append((word, "; ".join(senses.values()), f"{sum(hits[word]) / len(hits[word]):.2f}"))
    header = ("word", "senses", "right sense by the nearest other words")
    accuracy = sum(_all_hits(splits)) / len(splits["test"])
    return [*markdown_table(header, rows), "", f"By the nearest other words, over all: {accuracy:.3f}."]


CHECKS = {
    "words": Check("words", lambda splits: len(_by_word(splits["test"])), at_least=LEAST_WORDS),
    "fewest_senses": Check(
        "fewest senses of a word",
        lambda splits: min(_senses_by_word(splits)),
        at_least=SENSES_OF_A_WORD,
    ),
    "most_senses": Check(
        "most senses of a word", lambda splits: max(_senses_by_word(splits)), at_most=SENSES_OF_A_WORD
    ),
    "fewest": Check(
        "fewest sentences of a sense",
        lambda splits: min(_sentences_by_sense(splits).values()),
        at_least=LEAST_SENTENCES,
    ),
    "balance": Check(
        "largest difference of two senses in sentences",
        lambda splits: max(_sentences_by_sense(splits).values()) - min(_sentences_by_sense(splits).values()),
        at_most=0,
    ),
    "malformed": Check("malformed sentences", malformed_sentences, at_most=0),
    "shortest": Check(
        "words of the shortest sentence",
        lambda splits: min(len(row["sentence"].split()) for row in splits["test"]),
        at_least=SHORTEST_SENTENCE,
    ),
    "longest": Check(
        "words of the longest sentence",
        lambda splits: max(len(row["sentence"].split()) for row in splits["test"]),
        at_most=LONGEST_SENTENCE,
    ),
    "duplicates": Check(
        "duplicate sentences",
        lambda splits: duplicates(row["sentence"] for row in splits["test"]),
        at_most=0,
    ),
    "nearest": Check(
        "nearest sentences (Jaccard of word 3-shingles)",
        lambda splits: nearest_across_splits({row["id"]: [row["sentence"]] for row in splits["test"]}),
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "five_grams": five_gram_check(lambda splits: [row["sentence"] for row in splits["test"]], "sentences"),
    "hard": Check(
        "share of hard sentences: the nearest by their other words has the other sense",
        hard_share,
        at_least=LEAST_HARD_SHARE,
        decimals=3,
    ),
}

SENSES = DataSet("senses", read, CHECKS, sizes, details)
