"""Checks of the data sets written for the course: what `course data check` prints and the tests assert.

A check is one number, measured by a pure function of the splits, with the limits that the number has to keep.
The cards in ``data/*/README.md`` show the same numbers, between two markers, so that they cannot grow old.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib import settings
from course_lib.errors import CourseError, DataFileError
from course_lib.files import whole_text
from course_lib.translation import translate

SPLITS = ("train", "validation", "test")
SUFFIXES = {"reviews": ".jsonl", "questions": ".json", "entities": ".txt"}
REVIEW_KINDS = ("plain", "mixed", "negated", "sarcastic", "comparison", "plot-heavy", "short")
ENTITY_TYPES = ("PER", "ORG", "LOC", "MISC")

LEAST_REVIEWS, SHORTEST_REVIEW, LONGEST_REVIEW = 1200, 8, 300  # rows, words, words
LEAST_PARAGRAPHS, SHORTEST_PARAGRAPH, LONGEST_PARAGRAPH = 160, 60, 120  # paragraphs, words, words
LEAST_ANSWERABLE, LEAST_UNANSWERABLE, REFERENCES_IN_TEST = 1100, 400, 3
LEAST_SENTENCES, LEAST_DOCUMENTS = 1200, 120
LEAST_NAMES_OF_A_TYPE = 10  # distinct names in each split: fewer say nothing about a type
NEAR_DUPLICATE = 0.5  # Jaccard similarity of word 3-shingles from which two rows count as the same text
LARGEST_FIVE_GRAM_SHARE = 0.01  # of the rows that may hold the same five words in a row
LEAST_LABEL_SHARE, LARGEST_LABEL_SHARE = 0.45, 0.55  # of positive reviews
LARGEST_ONE_FEATURE_ACCURACY = 0.60
LEAST_TFIDF_ACCURACY, LARGEST_TFIDF_ACCURACY = 0.70, 0.90
LARGEST_BLIND_F1 = 15.0  # percent, of a baseline that sees only the question, or only the paragraph
LEAST_UNSEEN_NAMES = 0.35  # of the distinct names of the test part

FIGURES_BEGIN, FIGURES_END = "<!-- figures:begin -->", "<!-- figures:end -->"
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


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return WORD.findall(text.lower())


def shingles(text: str, length: int) -> set[tuple[str, ...]]:
    """Return every run of ``length`` words; a shorter text is one run."""
    words = words_of(text)
    return {tuple(words[start : start + length]) for start in range(max(1, len(words) - length + 1))}


def duplicates(texts: Iterable[str]) -> int:
    """Count texts that have the same words as an earlier one."""
    counts = Counter(tuple(words_of(text)) for text in texts)
    return sum(count - 1 for count in counts.values())


def nearest_across_splits(texts: Mapping[str, Sequence[str]]) -> float:
    """Return the highest Jaccard similarity of word 3-shingles between texts of different splits.

    An index from shingle to texts compares only pairs that share something, so no hashing is needed.
    """
    sizes, splits, index = [], [], defaultdict(list)
    for split, members in texts.items():
        for text in members:
            runs = shingles(text, 3)
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


def commonest_five_gram_share(texts: Sequence[str]) -> float:
    """Return the share of texts that hold the most widespread run of five words."""
    counts = Counter(run for text in texts for run in shingles(text, 5) if len(run) == 5)
    return max(counts.values(), default=0) / max(1, len(texts))


def shared_across_splits(keys: Mapping[str, Iterable[Any]]) -> int:
    """Count the values that stand in more than one split."""
    counts = Counter(key for members in keys.values() for key in set(members))
    return sum(count > 1 for count in counts.values())


def _all(splits: Splits) -> list[Row]:
    return [row for split in SPLITS for row in splits[split]]


def _column(splits: Splits, name: str) -> dict[str, list[Any]]:
    return {split: [row[name] for row in splits[split]] for split in SPLITS}


def _held_out(splits: Splits) -> list[Row]:
    return [*splits["validation"], *splits["test"]]


def malformed_reviews(splits: Splits) -> int:
    """Count reviews with an empty field, a label that is not 0 or 1, a kind unknown or a wrong word count."""
    return sum(
        not (row["text"].strip() and row["title"] and row["genre"])
        or row["label"] not in (0, 1)
        or row["kind"] not in REVIEW_KINDS
        or row["words"] != len(row["text"].split())
        for row in _all(splits)
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
    rows = _held_out(splits)
    return sum(((feature(row) >= thresholds[best]) == upward) == row["label"] for row in rows) / len(rows)


def category_accuracy(splits: Splits, feature: Callable[[Row], str]) -> float:
    """Return the held-out accuracy of giving each category its commonest label of the training part."""
    counts = defaultdict(Counter)
    for row in splits["train"]:
        counts[feature(row)][row["label"]] += 1
    commonest = Counter(row["label"] for row in splits["train"]).most_common(1)[0][0]
    rule = {category: int(found[1] > found[0]) for category, found in counts.items()}
    rows = _held_out(splits)
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
    texts, labels = _column(splits, "text"), _column(splits, "label")
    return float(model.fit(texts["train"], labels["train"]).score(texts["test"], labels["test"]))


def paragraphs_of(rows: Iterable[Row]) -> list[str]:
    """Return the different paragraphs of rows, in order."""
    return list(dict.fromkeys(row["context"] for row in rows))


def _paragraph_lengths(splits: Splits) -> list[int]:
    return [len(paragraph.split()) for paragraph in paragraphs_of(_all(splits))]


def _answerable(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if not row["is_impossible"]]


def misplaced_answers(splits: Splits) -> int:
    """Count answers, plausible ones included, that do not stand at their offset."""
    return sum(
        not text or start < 0 or row["context"][start : start + len(text)] != text
        for row in _all(splits)
        for name in ("answers", "plausible_answers")
        for text, start in zip(row[name]["text"], row[name]["answer_start"], strict=True)
    )


def malformed_questions(splits: Splits) -> int:
    """Count questions with an id used before, no text, or other answers than ``is_impossible`` asks for."""
    rows = _all(splits)
    repeated = len(rows) - len({row["id"] for row in rows})
    return repeated + sum(
        not row["question"].strip()
        or bool(row["answers"]["text"]) == row["is_impossible"]
        or bool(row["plausible_answers"]["text"]) != row["is_impossible"]
        for row in rows
    )


def _references(splits: Splits) -> list[int]:
    return [len(row["answers"]["text"]) for row in _answerable(splits["test"])]


def span_f1(rows: Sequence[Row], predictions: Sequence[str]) -> float:
    """Return the F1 of SQuAD in percent, the best reference counting for each question."""
    from torchmetrics.functional.text import squad

    target = [{"id": str(number), "answers": row["answers"]} for number, row in enumerate(rows)]
    answers = [{"id": str(number), "prediction_text": text} for number, text in enumerate(predictions)]
    return float(squad(answers, target)["f1"])


def question_only_f1(splits: Splits) -> float:
    """Return the test F1 of answering with the answer of the most similar training question (TF-IDF)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    train, test = _answerable(splits["train"]), _answerable(splits["test"])
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
    known = vectorizer.fit_transform(row["question"] for row in train)  # (training questions, terms)
    asked = vectorizer.transform(row["question"] for row in test)  # (test questions, terms)
    nearest = (asked @ known.T).toarray().argmax(axis=1)  # (test questions,)
    return span_f1(test, [train[position]["answers"]["text"][0] for position in nearest])


def answerability_area(splits: Splits) -> float:
    """Return how well the question alone tells on the test part whether it has an answer.

    It is the area under the ROC curve (0.5 is chance) of logistic regression on TF-IDF of words and pairs.
    The card shows it as a bias; it is not a check.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000, class_weight="balanced")
    )
    questions, labels = _column(splits, "question"), _column(splits, "is_impossible")
    model.fit(questions["train"], labels["train"])
    return float(roc_auc_score(labels["test"], model.predict_proba(questions["test"])[:, 1]))


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


def context_only_f1(splits: Splits) -> float:
    """Return the test F1 of one span a paragraph, whatever is asked, by the best rule on validation."""
    validation, test = _answerable(splits["validation"]), _answerable(splits["test"])
    best = max(
        POSITION_POLICIES.values(),
        key=lambda policy: span_f1(validation, [policy(row["context"]) for row in validation]),
    )
    return span_f1(test, [best(row["context"]) for row in test])


def spans_of(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return begin, end (exclusive) and type of the entities that legal BIO tags mark."""
    spans = []
    for position, tag in enumerate(tags):
        if tag.startswith("B-"):
            spans.append((position, position + 1, tag[2:]))
        elif tag.startswith("I-") and spans:
            spans[-1] = (spans[-1][0], position + 1, spans[-1][2])
    return spans


def illegal_tags(splits: Splits) -> int:
    """Count tags that are unknown, missing, or continue no entity of their type."""
    known = {"O", *(f"{prefix}-{name}" for prefix in "BI" for name in ENTITY_TYPES)}
    count = 0
    for row in _all(splits):
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
        for begin, end, found in spans_of(row["tags"])
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
    return min(len(names_of(splits[split], name)) for split in SPLITS for name in ENTITY_TYPES)


def _five_gram_check(texts: Callable[[Splits], Sequence[str]], rows: str) -> Check:
    label = f"share of {rows} that hold the most widespread run of five words"
    return Check(
        label,
        lambda splits: commonest_five_gram_share(texts(splits)),
        at_most=LARGEST_FIVE_GRAM_SHARE,
        decimals=4,
    )


def _one_feature_check(label: str, measure: Callable[[Splits], float]) -> Check:
    return Check(label, measure, at_most=LARGEST_ONE_FEATURE_ACCURACY, decimals=3)


CHECKS: dict[str, dict[str, Check]] = {
    "reviews": {
        "rows": Check("reviews", lambda splits: len(_all(splits)), at_least=LEAST_REVIEWS),
        "malformed": Check("reviews with a malformed field", malformed_reviews, at_most=0),
        "kinds": Check(
            "kinds of review",
            lambda splits: len({row["kind"] for row in _all(splits)}),
            at_least=len(REVIEW_KINDS),
            at_most=len(REVIEW_KINDS),
        ),
        "shortest": Check(
            "words of the shortest review",
            lambda splits: min(len(row["text"].split()) for row in _all(splits)),
            at_least=SHORTEST_REVIEW,
        ),
        "longest": Check(
            "words of the longest review",
            lambda splits: max(len(row["text"].split()) for row in _all(splits)),
            at_most=LONGEST_REVIEW,
        ),
        "duplicates": Check(
            "duplicate reviews", lambda splits: duplicates(row["text"] for row in _all(splits)), at_most=0
        ),
        "nearest": Check(
            "nearest reviews of two splits (Jaccard of word 3-shingles)",
            lambda splits: nearest_across_splits(_column(splits, "text")),
            below=NEAR_DUPLICATE,
            decimals=3,
        ),
        "five_grams": _five_gram_check(lambda splits: [row["text"] for row in _all(splits)], "reviews"),
        "shared": Check(
            "films in more than one split",
            lambda splits: shared_across_splits(_column(splits, "title")),
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
        "tfidf_accuracy": Check(
            "test accuracy of TF-IDF and logistic regression",
            tfidf_accuracy,
            at_least=LEAST_TFIDF_ACCURACY,
            at_most=LARGEST_TFIDF_ACCURACY,
            decimals=3,
        ),
    },
    "questions": {
        "paragraphs": Check(
            "paragraphs", lambda splits: len(paragraphs_of(_all(splits))), at_least=LEAST_PARAGRAPHS
        ),
        "answerable": Check(
            "answerable questions", lambda splits: len(_answerable(_all(splits))), at_least=LEAST_ANSWERABLE
        ),
        "unanswerable": Check(
            "unanswerable questions",
            lambda splits: sum(row["is_impossible"] for row in _all(splits)),
            at_least=LEAST_UNANSWERABLE,
        ),
        "malformed": Check("malformed questions", malformed_questions, at_most=0),
        "misplaced": Check("answers that are not at their offset", misplaced_answers, at_most=0),
        "shortest": Check(
            "words of the shortest paragraph",
            lambda splits: min(_paragraph_lengths(splits)),
            at_least=SHORTEST_PARAGRAPH,
        ),
        "longest": Check(
            "words of the longest paragraph",
            lambda splits: max(_paragraph_lengths(splits)),
            at_most=LONGEST_PARAGRAPH,
        ),
        "fewest_references": Check(
            "fewest references of an answerable test question",
            lambda splits: min(_references(splits)),
            at_least=REFERENCES_IN_TEST,
        ),
        "duplicates": Check(
            "duplicate questions",
            lambda splits: duplicates(row["question"] for row in _all(splits)),
            at_most=0,
        ),
        "nearest_paragraphs": Check(
            "nearest paragraphs of two splits (Jaccard of word 3-shingles)",
            lambda splits: nearest_across_splits({split: paragraphs_of(splits[split]) for split in SPLITS}),
            below=NEAR_DUPLICATE,
            decimals=3,
        ),
        "nearest_questions": Check(
            "nearest questions of two splits (Jaccard of word 3-shingles)",
            lambda splits: nearest_across_splits(_column(splits, "question")),
            below=NEAR_DUPLICATE,
            decimals=3,
        ),
        "five_grams": _five_gram_check(lambda splits: [row["question"] for row in _all(splits)], "questions"),
        "paragraph_five_grams": _five_gram_check(lambda splits: paragraphs_of(_all(splits)), "paragraphs"),
        "shared": Check(
            "subjects in more than one split",
            lambda splits: shared_across_splits(_column(splits, "title")),
            at_most=0,
        ),
        "question_only": Check(
            "test F1 (%) of a baseline that sees only the question",
            question_only_f1,
            at_most=LARGEST_BLIND_F1,
            decimals=1,
        ),
        "context_only": Check(
            "test F1 (%) of a baseline that sees only the paragraph",
            context_only_f1,
            at_most=LARGEST_BLIND_F1,
            decimals=1,
        ),
    },
    "entities": {
        "rows": Check("sentences", lambda splits: len(_all(splits)), at_least=LEAST_SENTENCES),
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
            lambda splits: duplicates(" ".join(row["tokens"]) for row in _all(splits)),
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
        "five_grams": _five_gram_check(
            lambda splits: [" ".join(row["tokens"]) for row in _all(splits)], "sentences"
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
            for name in ENTITY_TYPES
        },
    },
}


def load(name: str, folder: Path | None = None) -> dict[str, list[dict[str, Any]]]:
    """Read one of the course's data sets.

    Parameters
    ----------
    name : ``reviews``, ``questions`` or ``entities``.
    folder : folder of its three files; the course's own if left out.

    Returns
    -------
    dict
        Rows of ``train``, ``validation`` and ``test``, as the reader of the format gives them.

    Raises
    ------
    DataFileError
        If a file is missing or is not what it should be.
    """
    from course_lib.data.readers.conll import read_conll
    from course_lib.data.readers.reviews import read_reviews
    from course_lib.data.readers.squad import read_squad

    readers = {
        "reviews": read_reviews,
        "questions": read_squad,
        "entities": lambda path: read_conll(path, scheme="bio"),  # a lost B- must not pass for IOB1
    }
    folder = folder or settings.DATA / name
    return {split: list(readers[name](folder / f"{split}{SUFFIXES[name]}")) for split in SPLITS}


def report(name: str, splits: Splits | None = None) -> dict[str, Finding]:
    """Measure every check of one data set.

    Parameters
    ----------
    name : ``reviews``, ``questions`` or ``entities``.
    splits : rows of its splits; read from the course's files if left out.

    Returns
    -------
    dict
        Finding of each check, by its key in :data:`CHECKS`.
    """
    splits = load(name) if splits is None else splits
    return {key: Finding(check, check.measure(splits)) for key, check in CHECKS[name].items()}


def report_text(name: str, findings: Mapping[str, Finding]) -> str:
    """Return the lines that the command prints for one data set, in the reader's language."""
    lines = [name]
    for finding in findings.values():
        mark, check = "[OK]  " if finding.passed else "[FAIL]", finding.check
        lines.append(f"  {mark} {translate(check.label)}: {finding.shown} ({check.limits(translate)})")
    return "\n".join(lines)


def print_report(names: Sequence[str] = tuple(CHECKS), *, update_cards: bool = False) -> bool:
    """Print the figures of data sets, and tell whether all checks pass.

    Parameters
    ----------
    names : data sets to check.
    update_cards : whether the figures in their cards are rewritten.
    """
    passed = True
    for name in names:
        try:
            splits = load(name)
            findings = report(name, splits)
            print(report_text(name, findings))
            if update_cards:
                update_card(name, card_figures(name, splits, findings))
        except CourseError as error:
            print(f"{name}\n  [FAIL] {error}")
            passed = False
            continue
        passed = passed and all(finding.passed for finding in findings.values())
    print(translate("All checks passed.") if passed else translate("Some checks failed."))
    return passed


def _split_sizes(name: str, rows: Sequence[Row]) -> dict[str, int]:
    """Return what the card counts in a split."""
    if name == "reviews":
        positive = sum(row["label"] for row in rows)
        films = len({row["title"] for row in rows})
        return {"reviews": len(rows), "positive": positive, "negative": len(rows) - positive, "films": films}
    if name == "questions":
        return {
            "subjects": len({row["title"] for row in rows}),
            "paragraphs": len(paragraphs_of(rows)),
            "answerable": len(_answerable(rows)),
            "unanswerable": len(rows) - len(_answerable(rows)),
        }
    types = Counter(found for row in rows for *_, found in spans_of(row["tags"]))
    return {
        "documents": len(documents_of(rows)),
        "sentences": len(rows),
        "tokens": sum(len(row["tokens"]) for row in rows),
        **{entity_type: types[entity_type] for entity_type in ENTITY_TYPES},
    }


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table; all columns but the first are set to the right."""
    rule = ["---"] + ["--:"] * (len(header) - 1)
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


def _details(name: str, splits: Splits) -> list[str]:
    """Return the second table of a card: kinds of review, lengths of answers, or unseen names by type."""
    if name == "reviews":
        counts = Counter((row["kind"], row["label"]) for row in _all(splits))
        rows = [(kind, f"{counts[kind, 1]:,}", f"{counts[kind, 0]:,}") for kind in REVIEW_KINDS]
        return _table(("kind", "positive", "negative"), rows)
    if name == "questions":
        lengths = Counter(min(len(row["answers"]["text"][0].split()), 6) for row in _answerable(_all(splits)))
        total = sum(lengths.values())
        header = ("words of the first answer", *("6 or more" if n == 6 else str(n) for n in range(1, 7)))
        table = _table(header, [("share", *(f"{lengths[n] / total:.3f}" for n in range(1, 7)))])
        area = f"{answerability_area(splits):.3f}"
        bias = "Area under the ROC curve of telling from the question alone whether it has an answer"
        return [*table, "", f"{bias} (no limit; 0.5 is chance): {area}."]
    rows = [(kind, *(f"{count:,}" for count in unseen_names(splits, kind))) for kind in ENTITY_TYPES]
    total = ("any", *(f"{count:,}" for count in unseen_names(splits)))
    return _table(("type", "distinct test names unseen in training", "distinct test names"), [*rows, total])


def card_figures(name: str, splits: Splits, findings: Mapping[str, Finding] | None = None) -> str:
    """Return the generated part of a card, markers included.

    Parameters
    ----------
    name : ``reviews``, ``questions`` or ``entities``.
    splits : rows of its splits.
    findings : what :func:`report` measured; measured here if left out.
    """
    findings = report(name, splits) if findings is None else findings
    sizes = {split: _split_sizes(name, splits[split]) for split in SPLITS}
    header = list(sizes["train"])
    total = [f"{sum(size[column] for size in sizes.values()):,}" for column in header]
    rows = [(split, *(f"{size[column]:,}" for column in header)) for split, size in sizes.items()]
    checks = [
        (finding.check.label, finding.shown, finding.check.limits(), "yes" if finding.passed else "**no**")
        for finding in findings.values()
    ]
    parts = [
        _table(("split", *header), [*rows, ("all", *total)]),
        _details(name, splits),
        _table(("check", "figure", "limit", "kept"), checks),
    ]
    return "\n".join([FIGURES_BEGIN, "\n\n".join("\n".join(part) for part in parts), FIGURES_END])


def card_path(name: str) -> Path:
    """Return the path of a data set's card."""
    return settings.DATA / name / "README.md"


def update_card(name: str, figures: str, path: Path | None = None) -> None:
    """Put figures between the markers of a card.

    Raises
    ------
    DataFileError
        If the card is missing or has not exactly one pair of markers.
    """
    path = path or card_path(name)
    remedy = f"Restore the card with one pair of lines {FIGURES_BEGIN} and {FIGURES_END}"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataFileError(path, "the card cannot be read", remedy) from error
    before, begin, rest = text.partition(FIGURES_BEGIN)
    _, end, after = rest.partition(FIGURES_END)
    if not begin or not end or FIGURES_BEGIN in rest or FIGURES_END in after:
        raise DataFileError(path, "the markers of the generated figures are not there once each", remedy)
    with whole_text(path) as file:
        file.write(before + figures + after)


def main(arguments: list[str]) -> int:
    """Run ``course data check`` and return its exit code: 0 if every check passes, 1 if one fails.

    Parameters
    ----------
    arguments : names of data sets (all if there is none), and ``--update-cards``.
    """
    parser = argparse.ArgumentParser(
        prog="course data check", description=translate("Check the data sets written for the course.")
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CHECKS))
    parser.add_argument(
        "--update-cards", action="store_true", help=translate("rewrite the figures in the data-set cards")
    )
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:  # argparse has printed what is wrong
        return int(stop.code or 0)
    for name in options.names:
        if name not in CHECKS:
            print(
                translate("There is no data set {name!r}. Choose from: {names}.").format(
                    name=name, names=", ".join(CHECKS)
                )
            )
            return 2
    return 0 if print_report(options.names or tuple(CHECKS), update_cards=options.update_cards) else 1
