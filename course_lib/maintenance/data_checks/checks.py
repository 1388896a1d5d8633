"""What checks of data sets are made of: a number with its limits, and the measures that all sets share."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_lib import settings

SPLITS = ("train", "validation", "test")
BESIDE = ("corpus", "long", "pool")  # passages, long reviews, more endings: no splits
NEAR_DUPLICATE = 0.5  # Jaccard similarity of word 3-shingles from which two rows count as the same text
LARGEST_FIVE_GRAM_SHARE = 0.01  # of the rows that may hold the same five words in a row
LEAST_HARD_SHARE = 0.25  # of the test part, by the definition of a card
WORD = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")

Row = Mapping[str, Any]
Splits = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Check:
    """A number and its limits.

    Parameters
    ----------
    label : what the number says, in English.
    measure : function from the splits to the number.
    at_least, at_most : limits that the number may reach.
    below : limit that it may not reach.
    decimals : how many decimals are printed.
    """

    label: str
    measure: Callable[[Splits], float]
    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None
    decimals: int = 0

    def passes(self, value: float) -> bool:
        """Tell whether a value keeps the limits."""
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )

    def show(self, value: float) -> str:
        """Return a value as it is printed."""
        return f"{value:,.{self.decimals}f}"

    def limits(self, language: Callable[[str], str] = str) -> str:
        """Return the limits in words, in English or as ``language`` translates them."""
        if self.at_least is not None and self.at_least == self.at_most:
            return self.show(self.at_least)
        parts = (("at least", self.at_least), ("at most", self.at_most), ("below", self.below))
        return ", ".join(f"{language(word)} {self.show(limit)}" for word, limit in parts if limit is not None)


@dataclass(frozen=True)
class Finding:
    """The value that a check measured."""

    check: Check
    value: float

    @property
    def passed(self) -> bool:
        """Whether the value keeps the limits of the check."""
        return self.check.passes(self.value)

    @property
    def shown(self) -> str:
        """The value as it is printed."""
        return self.check.show(self.value)


@dataclass(frozen=True)
class DataSet:
    """A data set of the course, as its checks and its card see it.

    Parameters
    ----------
    name : what it's called on the command line.
    read : reads its splits from a folder.
    checks : its checks by key.
    sizes : what the card counts in a split.
    details : further lines of the card, Markdown.
    place : its folder within ``data``; the name if left out.
    """

    name: str
    read: Callable[[Path], dict[str, list[dict[str, Any]]]]
    checks: Mapping[str, Check]
    sizes: Callable[[Sequence[Row]], dict[str, int]]
    details: Callable[[Splits], list[str]]
    place: str = field(default="")

    @property
    def folder(self) -> Path:
        """Folder of its files."""
        return settings.DATA / (self.place or self.name)

    @property
    def card(self) -> Path:
        """Path of its card."""
        return self.folder / "README.md"

    def load(self, folder: Path | None = None) -> dict[str, list[dict[str, Any]]]:
        """Read its splits, from the course's files if no folder is named.

        Raises
        ------
        DataFileError
            If a file is missing or isn't what it should be.
        """
        return self.read(folder or self.folder)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table; all columns but the first are set to the right."""
    rule = ["---"] + ["--:"] * (len(header) - 1)
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return WORD.findall(text.lower())


def content_words(text: str) -> set[str]:
    """Return the words of a text without function words."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return set(words_of(text)) - ENGLISH_STOP_WORDS


def shingles(text: str, length: int) -> set[tuple[str, ...]]:
    """Return every run of ``length`` words; a shorter text is one run."""
    words = words_of(text)
    return {tuple(words[start : start + length]) for start in range(max(1, len(words) - length + 1))}


def duplicates(texts: Iterable[str]) -> int:
    """Count texts that have the same words as an earlier one."""
    counts = Counter(tuple(words_of(text)) for text in texts)
    return sum(count - 1 for count in counts.values())


def nearest_across_splits(texts: Mapping[str, Sequence[str]], length: int = 3) -> float:
    """Return the highest Jaccard similarity of shingles of ``length`` words between texts of different splits.

    An index from shingle to texts compares only pairs that share something, so no hashing is needed.
    """
    sizes, splits, index = [], [], defaultdict(list)
    for split, members in texts.items():
        for text in members:
            runs = shingles(text, length)
            for run in runs:
                index[run].append(len(sizes))
            sizes.append(len(runs))
            splits.append(split)
    shared = Counter()
    for members in index.values():
        for position, right in enumerate(members):
            shared.update((left, right) for left in members[:position] if splits[left] != splits[right])
    return max(
        (count / (sizes[left] + sizes[right] - count) for (left, right), count in shared.items()), default=0.0
    )


def commonest_run_share(texts: Sequence[str], length: int = 5) -> float:
    """Return the share of texts that hold the most widespread run of ``length`` words."""
    counts = Counter(run for text in texts for run in shingles(text, length) if len(run) == length)
    return max(counts.values(), default=0) / max(1, len(texts))


def shared_across_splits(keys: Mapping[str, Iterable[Any]]) -> int:
    """Count the values that stand in more than one split."""
    counts = Counter(key for members in keys.values() for key in set(members))
    return sum(count > 1 for count in counts.values())


def all_rows(splits: Splits) -> list[Row]:
    """Return the rows of all splits."""
    return [row for split, rows in splits.items() if split not in BESIDE for row in rows]


def column(splits: Splits, name: str) -> dict[str, list[Any]]:
    """Return one column of each split."""
    return {split: [row[name] for row in rows] for split, rows in splits.items() if split not in BESIDE}


def held_out(splits: Splits) -> list[Row]:
    """Return the rows that are not for training."""
    return [*splits["validation"], *splits["test"]]


def five_gram_check(texts: Callable[[Splits], Sequence[str]], rows: str) -> Check:
    """Return the check of the most widespread run of five words."""
    label = f"share of {rows} that hold the most widespread run of five words"
    return Check(
        label,
        lambda splits: commonest_run_share(texts(splits)),
        at_most=LARGEST_FIVE_GRAM_SHARE,
        decimals=4,
    )


def overlap(row: Row) -> float:
    """Return the Jaccard similarity of the words of the two sentences of a pair."""
    one, other = set(words_of(row["sentence1"])), set(words_of(row["sentence2"]))
    return len(one & other) / max(1, len(one | other))


def pair_checks() -> dict[str, Check]:
    """Return the checks of what must not come back in a set of sentence pairs."""
    pair = ("sentence1", "sentence2")
    return {
        "duplicates": Check(
            "duplicate pairs",
            lambda splits: duplicates(
                " ".join(sorted(row[name].lower() for name in pair)) for row in all_rows(splits)
            ),
            at_most=0,
        ),
        "nearest": Check(
            "nearest sentences of two splits (Jaccard of word 3-shingles)",
            lambda splits: nearest_across_splits(
                {
                    split: list(dict.fromkeys(row[name] for row in splits[split] for name in pair))
                    for split in SPLITS
                }
            ),
            below=NEAR_DUPLICATE,
            decimals=3,
        ),
        "five_grams": five_gram_check(
            lambda splits: [" / ".join(row[name] for name in pair) for row in all_rows(splits)], "pairs"
        ),
    }
