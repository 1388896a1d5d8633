"""Checks of ``data/search``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_lib.maintenance.data_checks.checks import (
    LEAST_HARD_SHARE,
    NEAR_DUPLICATE,
    SPLITS,
    Check,
    DataSet,
    Row,
    Splits,
    all_rows,
    column,
    content_words,
    duplicates,
    five_gram_check,
    markdown_table,
    nearest_across_splits,
    shared_across_splits,
    words_of,
)

LEAST_ANSWERABLE, LEAST_UNANSWERABLE, FULL = 220, 40, 2  # questions, questions, the score of a full answer
LEAST_PASSAGES = 4000
LARGEST_TFIDF_RECALL = 0.70  # at ten, on the test part
DEPTH = 10  # passages of a ranking that are looked at


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the questions of each split, and under ``corpus`` the passages."""
    from course_lib.data.readers.beir import read_beir
    from course_lib.data.search import sample_passages

    found = read_beir(folder, sample_passages())
    nothing = {"passage": None, "answer": None, "start": None}
    return {
        split: [
            {
                "id": query,
                "question": found.queries[query],
                "relevant": dict(found.qrels[split].get(query, {})),
                **found.answers.get(query, nothing),
            }
            for query in found.splits[split]
        ]
        for split in SPLITS
    } | {"corpus": [{"id": name, **found.corpus[name]} for name in found.corpus]}


def answerable(rows: Sequence[Row]) -> list[Row]:
    """Return the questions that a passage answers."""
    return [row for row in rows if row["relevant"]]


def malformed_questions(splits: Splits) -> int:
    """Count questions with a judgment of no passage, with no full answer, or asked of a passage that isn't one."""
    known = {passage["id"] for passage in splits["corpus"]}
    return sum(
        not row["relevant"].keys() <= known
        or not set(row["relevant"].values()) <= {1, FULL}
        or (row["relevant"].get(row["passage"]) != FULL if row["relevant"] else row["passage"] is not None)
        for row in all_rows(splits)
    )


def unjudged_passages(splits: Splits) -> int:
    """Count passages without a judgment that look like an answer.

    They hold the answer word for word, and of the question's content words more than half, and three at least.
    """
    texts = [f" {' '.join(words_of(passage['text']))} " for passage in splits["corpus"]]
    count = 0
    for row in all_rows(splits):
        if row["start"] is None:
            continue
        answer, question_words = f" {' '.join(words_of(row['answer']))} ", content_words(row["question"])
        for passage, text in zip(splits["corpus"], texts, strict=True):
            if answer in text and passage["id"] not in row["relevant"]:
                common = question_words & content_words(f"{passage['title']} {passage['text']}")
                count += len(common) > max(2, len(question_words) / 2)
    return count


def articles(splits: Splits) -> dict[str, list[str]]:
    """Return the articles of the relevant passages of each split."""
    return {
        split: [name.rpartition("-")[0] for row in splits[split] for name in row["relevant"]]
        for split in SPLITS
    }


def tfidf_scores(splits: Splits, rows: Sequence[Row]) -> Any:
    """Return the TF-IDF cosine of each question (rows) and passage (columns)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = TfidfVectorizer(sublinear_tf=True, stop_words="english")
    passages = model.fit_transform(f"{passage['title']}. {passage['text']}" for passage in splits["corpus"])
    return (model.transform(row["question"] for row in rows) @ passages.T).toarray()


def shares_in_the_first(splits: Splits, rows: Sequence[Row], scores: Any) -> list[float]:
    """Return for each question the share of its relevant passages that are among the ten with the highest scores."""
    names = [passage["id"] for passage in splits["corpus"]]
    return [
        sum(names[place] in row["relevant"] for place in ranking[:DEPTH]) / len(row["relevant"])
        for row, ranking in zip(rows, scores.argsort(axis=1)[:, ::-1], strict=True)
    ]


def tfidf_shares(splits: Splits) -> list[float]:
    """Return for each answerable test question the share of its relevant passages among TF-IDF's first ten."""
    rows = answerable(splits["test"])
    return shares_in_the_first(splits, rows, tfidf_scores(splits, rows))


def tfidf_recall(splits: Splits) -> float:
    """Return Recall@10 of TF-IDF on the test part."""
    shares = tfidf_shares(splits)
    return sum(shares) / len(shares)


def hard_share(splits: Splits) -> float:
    """Return the share of the answerable test questions whose relevant passages TF-IDF all misses."""
    shares = tfidf_shares(splits)
    return shares.count(0.0) / len(shares)


def tfidf_row(splits: Splits, split: str) -> tuple[str, str, str]:
    """Return a split's name, Recall@10 and nDCG@10 of TF-IDF, the score of a judgment being its gain."""
    from sklearn.metrics import ndcg_score

    rows = answerable(splits[split])
    scores = tfidf_scores(splits, rows)
    shares = shares_in_the_first(splits, rows, scores)
    gains = [[row["relevant"].get(passage["id"], 0) for passage in splits["corpus"]] for row in rows]
    return split, f"{sum(shares) / len(shares):.3f}", f"{ndcg_score(gains, scores, k=DEPTH):.3f}"


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """Return what the card counts in a split."""
    scores = [score for row in rows for score in row["relevant"].values()]
    return {
        "questions with an answer": len(answerable(rows)),
        "without": len(rows) - len(answerable(rows)),
        "full judgments": scores.count(FULL),
        "judgments of a part": scores.count(1),
    }


def details(splits: Splits) -> list[str]:
    """Return the sizes of the collection, and what TF-IDF finds."""
    lengths = [len(passage["text"].split()) for passage in splits["corpus"]]
    questions = [len(row["question"].split()) for row in all_rows(splits)]
    several = sum(len(row["relevant"]) > 1 for row in all_rows(splits))
    spans = sum(row["start"] is not None for row in all_rows(splits))
    titles = len({passage["title"] for passage in splits["corpus"]})
    table = markdown_table(
        ("TF-IDF, cosine", "Recall@10", "nDCG@10"),
        [tfidf_row(splits, split) for split in SPLITS],
    )
    return [
        f"{len(lengths):,} passages of {titles} articles, of {min(lengths)} to {max(lengths)} words, "
        f"{sum(lengths) / len(lengths):.0f} on average. Questions of {min(questions)} to {max(questions)} words, "
        f"{sum(questions) / len(questions):.1f} on average; {several} have more than one relevant passage, "
        f"and {spans} an answer that is a span of their passage.",
        "",
        *table,
    ]


CHECKS = {
    "answerable": Check(
        "questions with an answer",
        lambda splits: len(answerable(all_rows(splits))),
        at_least=LEAST_ANSWERABLE,
    ),
    "unanswerable": Check(
        "questions without an answer",
        lambda splits: sum(not row["relevant"] for row in all_rows(splits)),
        at_least=LEAST_UNANSWERABLE,
    ),
    "malformed": Check("malformed questions or judgments", malformed_questions, at_most=0),
    "passages": Check(
        "passages whose text has its published hash",
        lambda splits: len(splits["corpus"]),
        at_least=LEAST_PASSAGES,
    ),
    "unjudged": Check("passages without a judgment that look like an answer", unjudged_passages, at_most=0),
    "duplicates": Check(
        "duplicate questions",
        lambda splits: duplicates(row["question"] for row in all_rows(splits)),
        at_most=0,
    ),
    "nearest": Check(
        "nearest questions of two splits (Jaccard of word 3-shingles)",
        lambda splits: nearest_across_splits(column(splits, "question")),
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "five_grams": five_gram_check(lambda splits: [row["question"] for row in all_rows(splits)], "questions"),
    "shared": Check(
        "articles with relevant passages for more than one split",
        lambda splits: shared_across_splits(articles(splits)),
        at_most=0,
    ),
    "recall": Check("test Recall@10 of TF-IDF", tfidf_recall, at_most=LARGEST_TFIDF_RECALL, decimals=3),
    "hard": Check(
        "share of hard questions in the test part", hard_share, at_least=LEAST_HARD_SHARE, decimals=3
    ),
}

SEARCH = DataSet("search", read, CHECKS, sizes, details)
