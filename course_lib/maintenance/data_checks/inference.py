"""Checks of ``data/pairs/inference``."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from course_lib.maintenance.data_checks.checks import (
    LEAST_HARD_SHARE,
    NEAR_DUPLICATE,
    Check,
    DataSet,
    Row,
    Splits,
    all_rows,
    column,
    duplicates,
    five_gram_check,
    markdown_table,
    nearest_across_splits,
    shared_across_splits,
)

LABELS = ("entailment", "neutral", "contradiction")
MATCHED, MISMATCHED = ("captions", "conversation", "news", "stories"), ("manuals", "travel")
GENRES = {
    "train": MATCHED,
    "validation": MATCHED,
    "test_matched": MATCHED,
    "test_mismatched": MISMATCHED,
}
SPLITS = tuple(GENRES)
HELD_OUT, TESTS = SPLITS[1:], SPLITS[2:]
SENTENCES = ("sentence1", "sentence2")
LEAST_PAIRS, LEAST_GENRES = 3000, 5
LARGEST_LABEL_SHARE = 0.35  # of the pairs of a split that have the same label
LARGEST_NEGATION_SHARE = 0.50  # of the hypotheses with a word of negation that have the same label
LARGEST_HYPOTHESIS_ACCURACY, LARGEST_OVERLAP_ACCURACY = 0.45, 0.50
LEAST_NEGATIONS = 5  # hypotheses that a word of negation has to be in to be looked at
HARD_ENTAILMENT, HARD_OTHER = 0.40, 0.70  # at most, and at least, of the content words that are shared
NEGATION = re.compile(
    r"\b(no one|no|not|never|nobody|none|nothing|neither|nor|without|nowhere|cannot|hardly)\b|(n't)\b"
)
WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
CLITIC = re.compile(r"('s|n't|'re|'ve|'ll|'d|'m|')$")
ENDINGS = ("ingly", "ings", "ing", "edly", "ied", "ies", "ed", "es", "s", "ly", "e")
FUNCTION_WORDS = frozenset(
    WORD.findall(
        """a an the this that these those he she it they we i you him her them his hers its their our your my me us one
    ones is are was were be been being am do does did has have had having will would can could may might must shall
    should to of in on at by for from with into onto out up down off over under and or but so if then than as when
    while who whom which what where there here not no never nobody none nothing only just very too also some any
    all every each both more most much many few yeah uh um well oh s t re ve ll d m"""
    )
)


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the four files."""
    from course_lib.data.readers.glue import read_glue

    columns = ("genre", "group", "hard")
    return {split: list(read_glue(folder / f"{split}.tsv", "MNLI", columns=columns)) for split in SPLITS}


def words_of(text: str) -> list[str]:
    """Return the words of a sentence in lower case; ``isn't`` is one."""
    return WORD.findall(text.lower())


def stem(word: str) -> str:
    """Return a word without its ending, roughly: ``carries`` and ``carried`` are one."""
    ending = next((end for end in ENDINGS if word.endswith(end) and len(word) - len(end) >= 3), "")
    word = word.removesuffix(ending)
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


@cache
def content_words(text: str) -> frozenset[str]:
    """Return the stems of a sentence's words that are neither function words nor negations."""
    words = (CLITIC.sub("", word) for word in words_of(text))
    return frozenset(stem(word) for word in words if word and word not in FUNCTION_WORDS)


def overlap(row: Row) -> float:
    """Return the share of the hypothesis' content words that are words of the premise too."""
    hypothesis = content_words(row["sentence2"])
    return len(hypothesis & content_words(row["sentence1"])) / max(1, len(hypothesis))


def is_hard(row: Row) -> bool:
    """Tell whether the share of common words points to another label than the pair's."""
    share = overlap(row)
    return share <= HARD_ENTAILMENT if LABELS[row["label"]] == "entailment" else share >= HARD_OTHER


def malformed_pairs(splits: Splits) -> int:
    """Count pairs whose genre isn't one of their split, or whose group or mark is none, and numbers used before."""
    rows = all_rows(splits)
    repeated = len(rows) - len({row["idx"] for row in rows})
    return repeated + sum(
        row["genre"] not in GENRES[split]
        or row["hard"] not in ("yes", "no")
        or not re.fullmatch(r"g\d{4}", row["group"])
        for split in SPLITS
        for row in splits[split]
    )


def wrong_marks(splits: Splits) -> int:
    """Count pairs whose mark ``hard`` isn't that of the definition."""
    return sum((row["hard"] == "yes") != is_hard(row) for row in all_rows(splits))


def label_share(splits: Splits) -> float:
    """Return the share of the most frequent label in the split where it's highest."""
    return max(
        max(Counter(labels).values()) / len(labels) for labels in column(splits, "label").values() if labels
    )


def genres_of(splits: Splits, names: Iterable[str] = SPLITS) -> set[str]:
    """Return the genres of some splits."""
    return {row["genre"] for name in names for row in splits[name]}


def unseen_genres(splits: Splits) -> int:
    """Count the genres that are in the mismatched test part alone."""
    return len(genres_of(splits, ["test_mismatched"]) - genres_of(splits, SPLITS[:3]))


def negations(splits: Splits) -> dict[str, Counter[int]]:
    """Return the labels of the hypotheses with each word of negation, the most frequent word first."""
    labels = defaultdict(Counter)
    for row in all_rows(splits):
        for word in {word or clitic for word, clitic in NEGATION.findall(row["sentence2"].lower())}:
            labels[word][row["label"]] += 1
    frequent = {word: counts for word, counts in labels.items() if counts.total() >= LEAST_NEGATIONS}
    return dict(sorted(frequent.items(), key=lambda item: -item[1].total()))


def negation_share(splits: Splits) -> float:
    """Return the share of the most frequent label for the word of negation where it's highest."""
    return max((max(counts.values()) / counts.total() for counts in negations(splits).values()), default=0)


def overlap_features(row: Row) -> list[float]:
    """Return what can be said of a pair by its shared words, lengths and negations."""
    premise, hypothesis = (set(words_of(row[name])) for name in SENTENCES)
    lengths = [len(row[name].split()) for name in SENTENCES]
    negated = [bool(NEGATION.search(row[name].lower())) for name in SENTENCES]
    common = len(premise & hypothesis)
    shares = [common / max(1, len(hypothesis)), common / max(1, len(premise | hypothesis)), overlap(row)]
    return [*shares, *lengths, lengths[0] - lengths[1], *negated]


def held_out_accuracies(splits: Splits, model, features: Callable[[Row], Any]) -> dict[str, float]:
    """Return the accuracy that a model fitted on the training part reaches on each other part."""
    model.fit([features(row) for row in splits["train"]], column(splits, "label")["train"])
    return {
        split: float(model.score([features(row) for row in splits[split]], column(splits, "label")[split]))
        for split in HELD_OUT
    }


def hypothesis_accuracies(splits: Splits) -> dict[str, float]:
    """Return the accuracies of logistic regression on TF-IDF of the hypothesis' words and pairs of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    terms = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\b\w+\b")
    model = make_pipeline(terms, LogisticRegression(max_iter=1000))
    return held_out_accuracies(splits, model, lambda row: row["sentence2"])


def overlap_accuracies(splits: Splits) -> dict[str, float]:
    """Return the accuracies of logistic regression on shared words, lengths and negations."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return held_out_accuracies(splits, model, overlap_features)


def tree_accuracies(splits: Splits) -> dict[str, float]:
    """Return the accuracies of boosted trees on shared words, lengths and negations."""
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(n_estimators=60, max_depth=2, random_state=0)
    return held_out_accuracies(splits, model, overlap_features)


def hard_share(rows: Sequence[Row]) -> float:
    """Return the share of pairs that are hard by the definition, whatever their marks say."""
    return sum(map(is_hard, rows)) / max(1, len(rows))


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """Return what the card counts in a split."""
    labels = Counter(row["label"] for row in rows)
    return {
        "pairs": len(rows),
        "groups": len({row["group"] for row in rows}),
        **{name: labels[number] for number, name in enumerate(LABELS)},
        "hard": sum(map(is_hard, rows)),
    }


def details(splits: Splits) -> list[str]:
    """Return the tables of genres, of words of negation and of what models without understanding reach."""
    genres = defaultdict(list)
    for row in all_rows(splits):
        genres[row["genre"]].append(row)
    counts = {genre: sizes(genres[genre]) for genre in (*MATCHED, *MISMATCHED)}
    words = [
        (
            word,
            f"{labels.total()}",
            *(f"{labels[number] / labels.total():.1%}" for number in range(len(LABELS))),
        )
        for word, labels in negations(splits).items()
    ]
    baselines = {
        "hypothesis alone: TF-IDF, logistic regression": hypothesis_accuracies(splits),
        "shared words: logistic regression": overlap_accuracies(splits),
        "shared words: boosted trees": tree_accuracies(splits),
    }
    tables = [
        markdown_table(
            ("genre", *sizes([])),
            [(genre, *(f"{count:,}" for count in size.values())) for genre, size in counts.items()],
        ),
        markdown_table(("word of negation", "hypotheses", *LABELS), words),
        markdown_table(
            ("accuracy from", *HELD_OUT),
            [(name, *(f"{found[split]:.3f}" for split in HELD_OUT)) for name, found in baselines.items()],
        ),
    ]
    return "\n\n".join("\n".join(table) for table in tables).split("\n")


def _accuracy_check(label: str, measure: Callable[[Splits], dict[str, float]], limit: float) -> Check:
    return Check(label, lambda splits: max(measure(splits).values()), at_most=limit, decimals=3)


def _sentences(splits: Splits) -> dict[str, list[str]]:
    """Return the different sentences of each split."""
    return {
        split: list(dict.fromkeys(row[name] for row in splits[split] for name in SENTENCES))
        for split in SPLITS
    }


CHECKS = {
    "rows": Check("pairs", lambda splits: len(all_rows(splits)), at_least=LEAST_PAIRS),
    "malformed": Check(
        "pairs with a malformed field, or a genre of another split", malformed_pairs, at_most=0
    ),
    "marks": Check("pairs whose mark hard isn't that of the definition", wrong_marks, at_most=0),
    "labels": Check(
        "share of the most frequent label, in the split where it's highest",
        label_share,
        at_most=LARGEST_LABEL_SHARE,
        decimals=3,
    ),
    "genres": Check("genres", lambda splits: len(genres_of(splits)), at_least=LEAST_GENRES),
    "unseen": Check("genres of the mismatched test part alone", unseen_genres, at_least=2, at_most=2),
    "duplicates": Check(
        "duplicate pairs",
        lambda splits: duplicates(f"{row['sentence1']} / {row['sentence2']}" for row in all_rows(splits)),
        at_most=0,
    ),
    "shared": Check(
        "groups in more than one split",
        lambda splits: shared_across_splits(column(splits, "group")),
        at_most=0,
    ),
    "sentences": Check(
        "sentences in more than one split",
        lambda splits: shared_across_splits(
            {split: [tuple(words_of(text)) for text in texts] for split, texts in _sentences(splits).items()}
        ),
        at_most=0,
    ),
    "nearest": Check(
        "nearest sentences of two splits (Jaccard of word 3-shingles)",
        lambda splits: nearest_across_splits(_sentences(splits)),
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "five_grams": five_gram_check(
        lambda splits: [f"{row['sentence1']} / {row['sentence2']}" for row in all_rows(splits)], "pairs"
    ),
    "negation": Check(
        f"share of a label among the hypotheses with a word of negation (of {LEAST_NEGATIONS} or more), where it's highest",
        negation_share,
        at_most=LARGEST_NEGATION_SHARE,
        decimals=3,
    ),
    "hypothesis": _accuracy_check(
        "accuracy from the hypothesis alone, in the part where it's highest",
        hypothesis_accuracies,
        LARGEST_HYPOTHESIS_ACCURACY,
    ),
    "overlap": _accuracy_check(
        "accuracy from shared words, in the part where it's highest",
        overlap_accuracies,
        LARGEST_OVERLAP_ACCURACY,
    ),
    "hard": Check(
        "share of hard pairs, in the test part where it's lowest",
        lambda splits: min(hard_share(splits[split]) for split in TESTS),
        at_least=LEAST_HARD_SHARE,
        decimals=3,
    ),
}

INFERENCE = DataSet("inference", read, CHECKS, sizes, details, place="pairs/inference")
