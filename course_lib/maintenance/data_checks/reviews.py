"""Checks of ``data/reviews``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from course_lib.maintenance.data_checks.checks import (
    NEAR_DUPLICATE,
    SPLITS,
    Check,
    DataSet,
    Row,
    Splits,
    all_rows,
    column,
    duplicates,
    five_gram_check,
    held_out,
    markdown_table,
    nearest_across_splits,
    shared_across_splits,
    words_of,
)

KINDS = ("plain", "mixed", "negated", "sarcastic", "comparison", "plot-heavy", "short")
LEAST_REVIEWS, SHORTEST_REVIEW, LONGEST_REVIEW = 1200, 8, 300  # rows, words, words
LEAST_LABEL_SHARE, LARGEST_LABEL_SHARE = 0.45, 0.55  # of positive reviews
LEAST_LONG_REVIEWS, SHORTEST_LONG_REVIEW, LONGEST_LONG_REVIEW = 250, 200, 600  # rows, words, words
LEAST_BREAK_SHARE, BREAK = 0.20, "<br />"  # of long reviews with HTML's line break, as on the web
LARGEST_ONE_FEATURE_ACCURACY = 0.60
LEAST_TFIDF_ACCURACY, LARGEST_TFIDF_ACCURACY = 0.70, 0.90


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the three files, and that of the long reviews."""
    from course_lib.data.readers.reviews import read_reviews

    return {split: list(read_reviews(folder / f"{split}.jsonl")) for split in (*SPLITS, "long")}


def malformed_reviews(rows: Sequence[Row], kinds: Sequence[str] = KINDS) -> int:
    """Count reviews with an empty field, a label that is not 0 or 1, a kind unknown or a wrong word count."""
    return sum(
        not (row["text"].strip() and row["title"] and row["genre"])
        or row["label"] not in (0, 1)
        or row["kind"] not in kinds
        or row["words"] != len(row["text"].split())
        for row in rows
    )


def positive_shares(splits: Splits) -> list[float]:
    """Return the share of positive reviews in all, in each split and in each kind."""
    groups = defaultdict(list)
    for split in SPLITS:
        for row in splits[split]:
            for group in ("all", f"split {split}", f"kind {row['kind']}"):
                groups[group].append(row["label"])
    return [sum(labels) / len(labels) for labels in groups.values()]


def threshold_accuracy(splits: Splits, feature: Callable[[Row], float]) -> float:
    """Return the held-out accuracy of the best threshold on one number, fitted on the training part."""
    import numpy

    values = numpy.array([feature(row) for row in splits["train"]], dtype=float)
    labels = numpy.array([row["label"] for row in splits["train"]])
    thresholds = numpy.unique(values)
    accuracies = numpy.array([numpy.mean((values >= threshold) == labels) for threshold in thresholds])
    best = int(numpy.argmax(numpy.maximum(accuracies, 1 - accuracies)))
    upward = accuracies[best] >= 0.5  # else the smaller values are the positive ones
    rows = held_out(splits)
    return sum(((feature(row) >= thresholds[best]) == upward) == row["label"] for row in rows) / len(rows)


def category_accuracy(splits: Splits, feature: Callable[[Row], str]) -> float:
    """Return the held-out accuracy of giving each category its commonest label of the training part."""
    counts = defaultdict(Counter)
    for row in splits["train"]:
        counts[feature(row)][row["label"]] += 1
    commonest = Counter(row["label"] for row in splits["train"]).most_common(1)[0][0]
    rule = {category: int(found[1] > found[0]) for category, found in counts.items()}
    rows = held_out(splits)
    return sum(rule.get(feature(row), commonest) == row["label"] for row in rows) / len(rows)


def punctuation_accuracy(splits: Splits) -> float:
    """Return the best held-out accuracy that the count of one mark reaches, new lines included."""
    text = "".join(row["text"] for row in splits["train"])
    marks = sorted({mark for mark in text if mark == "\n" or not (mark.isalnum() or mark.isspace())})
    return max(
        (threshold_accuracy(splits, lambda row, mark=mark: row["text"].count(mark)) for mark in marks),
        default=0.0,
    )


def most_telling_word(splits: Splits) -> str:
    """Return the word whose presence tells most about the label in the training part."""
    counts, labels = defaultdict(Counter), Counter(row["label"] for row in splits["train"])
    for row in splits["train"]:
        for word in set(words_of(row["text"])):
            counts[word][row["label"]] += 1

    def correct(word: str) -> int:  # rows that the better of the two rules gets right
        right = counts[word][1] + labels[0] - counts[word][0]
        return max(right, sum(labels.values()) - right)

    return max(sorted(counts), key=correct)


def word_accuracy(splits: Splits) -> float:
    """Return the held-out accuracy of the most telling single word of the training part."""
    word = most_telling_word(splits)
    return threshold_accuracy(splits, lambda row: word in words_of(row["text"]))


def tfidf_accuracy(splits: Splits) -> float:
    """Return the test accuracy of logistic regression on TF-IDF of words and pairs, by default settings."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
    texts, labels = column(splits, "text"), column(splits, "label")
    return float(model.fit(texts["train"], labels["train"]).score(texts["test"], labels["test"]))


def _long_lengths(splits: Splits) -> list[int]:
    return [len(row["text"].split()) for row in splits["long"]]


def nearest_long_review(splits: Splits) -> float:
    """Return the highest Jaccard similarity of word 3-shingles of a long review and any other, long or not."""
    texts = {str(number): [row["text"]] for number, row in enumerate(splits["long"])}
    return nearest_across_splits(texts | {"others": [row["text"] for row in all_rows(splits)]})


def both_halves(rows: Sequence[Row], measure: Callable[[Splits], float]) -> list[float]:
    """Return what a measure finds on each half of some rows, every second one, fitted on the other."""
    parts = rows[::2], rows[1::2]
    return [measure({"train": fit, "validation": [], "test": test}) for fit, test in (parts, parts[::-1])]


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """Return what the card counts in a split."""
    positive, films = sum(row["label"] for row in rows), len({row["title"] for row in rows})
    return {"reviews": len(rows), "positive": positive, "negative": len(rows) - positive, "films": films}


def details(splits: Splits) -> list[str]:
    """Return the table of kinds."""
    counts = Counter((row["kind"], row["label"]) for row in all_rows(splits))
    rows = [(kind, f"{counts[kind, 1]:,}", f"{counts[kind, 0]:,}") for kind in KINDS]
    kinds = markdown_table(("kind", "positive", "negative"), rows)
    header, counts = zip(*sizes(splits["long"]).items(), strict=True)
    lengths, breaks = sorted(_long_lengths(splits)), sum(BREAK in row["text"] for row in splits["long"])
    long = markdown_table(
        ("file", *header, "words, median", f"with `{BREAK}`"),
        [("long", *(f"{count:,}" for count in counts), str(lengths[len(lengths) // 2]), str(breaks))],
    )
    with_long = tfidf_accuracy({**splits, "train": [*splits["train"], *splits["long"]]})
    words = ", ".join(f"{accuracy:.3f}" for accuracy in both_halves(splits["long"], word_accuracy))
    return [
        *kinds,
        "",
        *long,
        "",
        f"Single features of the long reviews are fitted on one half of them and judged on the other, both ways; the "
        f"figure is the mean. That of the most telling word comes from {words}. TF-IDF and logistic regression, fitted "
        f"on the training part and the long reviews together, reach {with_long:.3f} on the test part.",
    ]


def _one_feature_check(label: str, measure: Callable[[Splits], float]) -> Check:
    return Check(label, measure, at_most=LARGEST_ONE_FEATURE_ACCURACY, decimals=3)


def _long_check(
    label: str, measure: Callable[[Splits], float], at_most: float = LARGEST_ONE_FEATURE_ACCURACY
) -> Check:
    return Check(
        label, lambda splits: sum(both_halves(splits["long"], measure)) / 2, at_most=at_most, decimals=3
    )


CHECKS = {
    "rows": Check("reviews", lambda splits: len(all_rows(splits)), at_least=LEAST_REVIEWS),
    "malformed": Check(
        "reviews with a malformed field", lambda splits: malformed_reviews(all_rows(splits)), at_most=0
    ),
    "kinds": Check(
        "kinds of review",
        lambda splits: len({row["kind"] for row in all_rows(splits)}),
        at_least=len(KINDS),
        at_most=len(KINDS),
    ),
    "shortest": Check(
        "words of the shortest review",
        lambda splits: min(len(row["text"].split()) for row in all_rows(splits)),
        at_least=SHORTEST_REVIEW,
    ),
    "longest": Check(
        "words of the longest review",
        lambda splits: max(len(row["text"].split()) for row in all_rows(splits)),
        at_most=LONGEST_REVIEW,
    ),
    "duplicates": Check(
        "duplicate reviews", lambda splits: duplicates(row["text"] for row in all_rows(splits)), at_most=0
    ),
    "nearest": Check(
        "nearest reviews of two splits (Jaccard of word 3-shingles)",
        lambda splits: nearest_across_splits(column(splits, "text")),
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "five_grams": five_gram_check(lambda splits: [row["text"] for row in all_rows(splits)], "reviews"),
    "shared": Check(
        "films in more than one split",
        lambda splits: shared_across_splits(column(splits, "title")),
        at_most=0,
    ),
    "lowest_balance": Check(
        "lowest share of positive reviews in all, a split or a kind",
        lambda splits: min(positive_shares(splits)),
        at_least=LEAST_LABEL_SHARE,
        decimals=3,
    ),
    "highest_balance": Check(
        "highest share of positive reviews in all, a split or a kind",
        lambda splits: max(positive_shares(splits)),
        at_most=LARGEST_LABEL_SHARE,
        decimals=3,
    ),
    "length_accuracy": _one_feature_check(
        "accuracy of the length in words alone",
        lambda splits: threshold_accuracy(splits, lambda row: len(row["text"].split())),
    ),
    "kind_accuracy": _one_feature_check(
        "accuracy of the kind alone", lambda splits: category_accuracy(splits, lambda row: row["kind"])
    ),
    "genre_accuracy": _one_feature_check(
        "accuracy of the genre alone", lambda splits: category_accuracy(splits, lambda row: row["genre"])
    ),
    "punctuation_accuracy": _one_feature_check(
        "accuracy of the best single punctuation mark", punctuation_accuracy
    ),
    "word_accuracy": _one_feature_check("accuracy of the most telling single word", word_accuracy),
    "long_rows": Check("long reviews", lambda splits: len(splits["long"]), at_least=LEAST_LONG_REVIEWS),
    "long_malformed": Check(
        "long reviews with a malformed field",
        lambda splits: malformed_reviews(splits["long"], ("long",)),
        at_most=0,
    ),
    "long_shortest": Check(
        "words of the shortest long review",
        lambda splits: min(_long_lengths(splits)),
        at_least=SHORTEST_LONG_REVIEW,
    ),
    "long_longest": Check(
        "words of the longest long review",
        lambda splits: max(_long_lengths(splits)),
        at_most=LONGEST_LONG_REVIEW,
    ),
    "long_nearest": Check(
        "nearest of a long review and any other (Jaccard of word 3-shingles)",
        nearest_long_review,
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "long_five_grams": five_gram_check(
        lambda splits: [row["text"].replace(BREAK, " ") for row in splits["long"]], "long reviews"
    ),
    "long_shared": Check(
        "films of long reviews that another file reviews",
        lambda splits: len(
            {row["title"] for row in splits["long"]} & {row["title"] for row in all_rows(splits)}
        ),
        at_most=0,
    ),
    "long_balance": Check(
        "share of positive long reviews",
        lambda splits: sum(row["label"] for row in splits["long"]) / len(splits["long"]),
        at_least=LEAST_LABEL_SHARE,
        at_most=LARGEST_LABEL_SHARE,
        decimals=3,
    ),
    "long_breaks": Check(
        "share of long reviews with HTML's line breaks",
        lambda splits: sum(BREAK in row["text"] for row in splits["long"]) / len(splits["long"]),
        at_least=LEAST_BREAK_SHARE,
        decimals=3,
    ),
    "long_length_accuracy": _long_check(
        "accuracy of the length alone, long reviews",
        lambda half: threshold_accuracy(half, lambda row: row["words"]),
    ),
    "long_punctuation_accuracy": _long_check(
        "accuracy of the best single punctuation mark, long reviews",
        punctuation_accuracy,
    ),
    "long_word_accuracy": _long_check(
        "accuracy of the most telling single word, long reviews",
        word_accuracy,
    ),
    "long_tfidf_accuracy": _long_check(
        "accuracy of TF-IDF and logistic regression, long reviews", tfidf_accuracy, LARGEST_TFIDF_ACCURACY
    ),
    "tfidf_accuracy": Check(
        "test accuracy of TF-IDF and logistic regression",
        tfidf_accuracy,
        at_least=LEAST_TFIDF_ACCURACY,
        at_most=LARGEST_TFIDF_ACCURACY,
        decimals=3,
    ),
}

REVIEWS = DataSet("reviews", read, CHECKS, sizes, details)
