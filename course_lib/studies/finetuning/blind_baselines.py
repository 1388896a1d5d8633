"""How far one gets with questions blindly: from the question alone, or from the paragraph alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Splits = Mapping[str, Sequence[Row]]


def paragraphs_of(rows: Iterable[Row]) -> list[str]:
    """Return the different paragraphs of rows, in order."""
    return list(dict.fromkeys(row["context"] for row in rows))


def answerable(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that have an answer."""
    return [row for row in rows if not row["is_impossible"]]


def span_f1(rows: Sequence[Row], predictions: Sequence[str]) -> float:
    """Return the F1 of SQuAD in percent, the best reference counting for each question."""
    from torchmetrics.functional.text import squad

    target = [{"id": str(number), "answers": row["answers"]} for number, row in enumerate(rows)]
    answers = [{"id": str(number), "prediction_text": text} for number, text in enumerate(predictions)]
    return float(squad(answers, target)["f1"])


def question_only_f1(splits: Splits) -> float:
    """Return the test F1 of answering with the answer of the most similar training question (TF-IDF)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    train, test = answerable(splits["train"]), answerable(splits["test"])
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
    known = vectorizer.fit_transform(row["question"] for row in train)  # (training questions, terms)
    asked = vectorizer.transform(row["question"] for row in test)  # (test questions, terms)
    nearest = (asked @ known.T).toarray().argmax(axis=1)  # (test questions,)
    return span_f1(test, [train[position]["answers"]["text"][0] for position in nearest])


def answerability_area(splits: Splits, shortest_word: int = 2) -> float:
    """Return how well the question alone tells on the test part whether it has an answer.

    It is the area under the ROC curve (0.5 is chance) of logistic regression on TF-IDF of words and pairs.
    The card shows it as a bias; it is not a check.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline

    words = rf"(?u)\b\w{{{shortest_word},}}\b"
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=words),
        LogisticRegression(max_iter=1000, class_weight="balanced"),
    )
    train, test = splits["train"], splits["test"]
    model.fit([row["question"] for row in train], [row["is_impossible"] for row in train])
    probabilities = model.predict_proba([row["question"] for row in test])[:, 1]
    return float(roc_auc_score([row["is_impossible"] for row in test], probabilities))


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found.group().strip() if found else text.split(".")[0]


NAME = r"[A-Z][\w'’-]+(?: (?:of |the |de |von |van )?[A-Z][\w'’-]+)*"
POSITION_POLICIES: dict[str, Callable[[str], str]] = {
    "first name inside a sentence": lambda context: _first(rf"(?<=[a-z,] ){NAME}", context),
    "first number": lambda context: _first(r"\d[\d,.]*\d|\d", context),
    "first year": lambda context: _first(r"\b1\d{3}\b|\b20\d\d\b", context),
    "first date": lambda context: _first(r"(?:\d{1,2} )?(?:[A-Z][a-z]+ )?\b[12]\d{3}\b", context),
    "first words": lambda context: " ".join(context.split()[:3]),
    "commonest name": lambda context: (
        Counter(re.findall(NAME, context)).most_common(1)[0][0]
        if re.search(NAME, context)
        else _first(r"\w+", context)
    ),
    "first sentence": lambda context: context.split(". ")[0],
    "last words": lambda context: " ".join(context.split()[-3:]),
}


def context_only_f1(
    splits: Splits, policies: Mapping[str, Callable[[str], str]] = POSITION_POLICIES
) -> float:
    """Return the test F1 of one span a paragraph, whatever is asked, by the best rule on validation."""
    validation, test = answerable(splits["validation"]), answerable(splits["test"])
    best = max(
        policies.values(),
        key=lambda policy: span_f1(validation, [policy(row["context"]) for row in validation]),
    )
    return span_f1(test, [best(row["context"]) for row in test])
