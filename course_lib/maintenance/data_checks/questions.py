"""Checks of ``data/questions``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
    markdown_table,
    nearest_across_splits,
    shared_across_splits,
)
from course_lib.studies.finetuning.blind_baselines import (
    answerability_area,
    answerable,
    context_only_f1,
    paragraphs_of,
    question_only_f1,
)

LEAST_PARAGRAPHS, SHORTEST_PARAGRAPH, LONGEST_PARAGRAPH = 160, 60, 120  # paragraphs, words, words
LEAST_ANSWERABLE, LEAST_UNANSWERABLE, REFERENCES_IN_TEST = 1100, 400, 3
LARGEST_BLIND_F1 = 15.0  # percent, of a baseline that sees only the question, or only the paragraph


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the three files."""
    from course_lib.data.readers.squad import read_squad

    return {split: list(read_squad(folder / f"{split}.json")) for split in SPLITS}


def _paragraph_lengths(splits: Splits) -> list[int]:
    return [len(paragraph.split()) for paragraph in paragraphs_of(all_rows(splits))]


def misplaced_answers(splits: Splits) -> int:
    """Count answers, plausible ones included, that do not stand at their offset."""
    return sum(
        not text or start < 0 or row["context"][start : start + len(text)] != text
        for row in all_rows(splits)
        for name in ("answers", "plausible_answers")
        for text, start in zip(row[name]["text"], row[name]["answer_start"], strict=True)
    )


def malformed_questions(splits: Splits) -> int:
    """Count questions with an id used before, no text, or other answers than ``is_impossible`` asks for."""
    rows = all_rows(splits)
    repeated = len(rows) - len({row["id"] for row in rows})
    return repeated + sum(
        not row["question"].strip()
        or bool(row["answers"]["text"]) == row["is_impossible"]
        or bool(row["plausible_answers"]["text"]) != row["is_impossible"]
        for row in rows
    )


def references(splits: Splits) -> list[int]:
    """Return how many references each answerable test question has."""
    return [len(row["answers"]["text"]) for row in answerable(splits["test"])]


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """Return what the card counts in a split."""
    return {
        "subjects": len({row["title"] for row in rows}),
        "paragraphs": len(paragraphs_of(rows)),
        "answerable": len(answerable(rows)),
        "unanswerable": len(rows) - len(answerable(rows)),
    }


def details(splits: Splits) -> list[str]:
    """Return the lengths of the answers, and how much the question alone tells."""
    lengths = Counter(min(len(row["answers"]["text"][0].split()), 6) for row in answerable(all_rows(splits)))
    total = sum(lengths.values())
    header = ("words of the first answer", *("6 or more" if n == 6 else str(n) for n in range(1, 7)))
    table = markdown_table(header, [("share", *(f"{lengths[n] / total:.3f}" for n in range(1, 7)))])
    area = f"{answerability_area(splits):.3f}"
    bias = "Area under the ROC curve of telling from the question alone whether it has an answer"
    return [*table, "", f"{bias} (no limit; 0.5 is chance): {area}."]


def count_checks(paragraphs: int, answered: int, unanswered: int) -> dict[str, Check]:
    """Return the checks of how many paragraphs, and questions with and without an answer, there are at least."""
    return {
        "paragraphs": Check(
            "paragraphs", lambda splits: len(paragraphs_of(all_rows(splits))), at_least=paragraphs
        ),
        "answerable": Check(
            "answerable questions", lambda splits: len(answerable(all_rows(splits))), at_least=answered
        ),
        "unanswerable": Check(
            "unanswerable questions",
            lambda splits: sum(row["is_impossible"] for row in all_rows(splits)),
            at_least=unanswered,
        ),
    }


FEWEST_REFERENCES = Check(
    "fewest references of an answerable test question",
    lambda splits: min(references(splits)),
    at_least=REFERENCES_IN_TEST,
)
SHARED_SUBJECTS = Check(
    "subjects in more than one split",
    lambda splits: shared_across_splits(column(splits, "title")),
    at_most=0,
)

CHECKS = {
    **count_checks(LEAST_PARAGRAPHS, LEAST_ANSWERABLE, LEAST_UNANSWERABLE),
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
    "fewest_references": FEWEST_REFERENCES,
    "duplicates": Check(
        "duplicate questions",
        lambda splits: duplicates(row["question"] for row in all_rows(splits)),
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
        lambda splits: nearest_across_splits(column(splits, "question")),
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "five_grams": five_gram_check(lambda splits: [row["question"] for row in all_rows(splits)], "questions"),
    "paragraph_five_grams": five_gram_check(lambda splits: paragraphs_of(all_rows(splits)), "paragraphs"),
    "shared": SHARED_SUBJECTS,
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
}

QUESTIONS = DataSet("questions", read, CHECKS, sizes, details)
