"""Checks of ``data/chinese/questions``: those of the English questions, counted in characters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course_lib.maintenance.data_checks.checks import (
    LARGEST_FIVE_GRAM_SHARE,
    NEAR_DUPLICATE,
    SPLITS,
    Check,
    DataSet,
    Row,
    Splits,
    all_rows,
    column,
    commonest_run_share,
    duplicates,
    markdown_table,
    nearest_across_splits,
)
from course_lib.maintenance.data_checks.questions import (
    FEWEST_REFERENCES,
    LARGEST_BLIND_F1,
    SHARED_SUBJECTS,
    count_checks,
    malformed_questions,
    misplaced_answers,
    sizes,
)
from course_lib.studies.finetuning.blind_baselines import (
    answerability_area,
    answerable,
    context_only_f1,
    paragraphs_of,
    question_only_f1,
)

LEAST_PARAGRAPHS, SHORTEST_PARAGRAPH, LONGEST_PARAGRAPH = 160, 180, 600  # paragraphs, characters, characters
LEAST_ANSWERABLE, LEAST_UNANSWERABLE = 900, 400
LARGEST_AREA = 0.75  # of telling from the question alone whether it has an answer
NEAR_LENGTH, RUN_LENGTH = 5, 8  # characters, about as much as three and five English words
HARD_BELOW, LEAST_HARD_SHARE = 0.35, 0.25
HARD_FILE = "hard_test_ids.txt"  # one id a line
UNIT = re.compile(r"[\u3400-\u9fff]|[A-Za-z]+|\d+")  # a Chinese character, a Latin word, a number
FUNCTION_CHARACTERS = set(
    "什么谁何哪几多少怎样为吗呢啊吧的地得了着过是在和与及或有就也都又还把被让给由从到对向于以之其这那此个些里时会能可要不很最"
)
# Simplified characters that GB 2312 lacks; the Table of General Standard Chinese Characters (2013) has them.
LATER_CHARACTERS = set("昇蹚彧鼩鸮")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff”》）][,.;:?!()\"'\[\]]|[,;:?!()\"'\[\]][\u4e00-\u9fff“《（]")


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the three files; ``hard`` says whether the list of hard questions names a row."""
    from course_lib.data.readers.lines import read_records
    from course_lib.data.readers.squad import read_squad

    named = {line for _, line in read_records(folder / HARD_FILE)}
    splits = {split: read_squad(folder / f"{split}.json") for split in SPLITS}
    return {split: [{**row, "hard": row["id"] in named} for row in rows] for split, rows in splits.items()}


def unit_text(text: str) -> str:
    """Return the units of a text with spaces between them, so that what counts words counts characters."""
    return " ".join(UNIT.findall(text))


def _sentence(context: str, begin: int, end: int) -> str:
    """Return the sentence, or the sentences, in which a span stands."""
    borders = [0, *(found.end() for found in re.finditer(r"[。！？][”’）]?", context)), len(context)]
    return context[max(b for b in borders if b <= begin) : min(b for b in borders if b >= end)]


def overlap(row: Row) -> float:
    """Return the share of a question's content that the sentence of its first answer holds."""
    text, begin = row["answers"]["text"][0], row["answers"]["answer_start"][0]
    asked = set(UNIT.findall(row["question"])) - FUNCTION_CHARACTERS
    told = set(UNIT.findall(_sentence(row["context"], begin, begin + len(text))))
    return len(asked & told) / len(asked) if asked else 0.0


def hard_share(splits: Splits) -> float:
    """Return the share of the answerable test questions that are hard by the card's definition."""
    rows = answerable(splits["test"])
    return sum(overlap(row) < HARD_BELOW for row in rows) / max(1, len(rows))


def wrong_marks(splits: Splits) -> int:
    """Count questions that the list of hard ones should name and does not, or names and should not."""
    return sum(
        row["hard"] != (split == "test" and not row["is_impossible"] and overlap(row) < HARD_BELOW)
        for split in SPLITS
        for row in splits[split]
    )


def _texts(splits: Splits) -> list[str]:
    rows = all_rows(splits)
    return [*paragraphs_of(rows), *(row["question"] for row in rows), *{row["title"] for row in rows}]


def foreign_characters(splits: Splits) -> int:
    """Count Chinese characters that are not simplified ones."""
    found = {char for text in _texts(splits) for char in text if "\u3400" <= char <= "\u9fff"}
    return sum(not char.encode("gb2312", "ignore") for char in found - LATER_CHARACTERS)


def wrong_marks_of_punctuation(splits: Splits) -> int:
    """Count texts with half-width punctuation in Chinese, an open bracket, or no question mark at the end."""
    pairs = ("“”", "‘’", "《》", "（）")
    return sum(
        bool(HALF_WIDTH.search(text)) or any(text.count(left) != text.count(right) for left, right in pairs)
        for text in _texts(splits)
    ) + sum(not row["question"].endswith("？") for row in all_rows(splits))


def _spaced_rows(splits: Splits) -> dict[str, list[dict[str, Any]]]:
    """Return the rows with spaced questions and answers, for baselines that count words."""
    return {
        split: [
            {
                **row,
                "question": unit_text(row["question"]),
                "answers": {**row["answers"], "text": [unit_text(text) for text in row["answers"]["text"]]},
            }
            for row in splits[split]
        ]
        for split in SPLITS
    }


def _first(pattern: str) -> Callable[[str], str]:
    def policy(context: str) -> str:
        found = re.search(pattern, context)
        return unit_text(found.group() if found else context)

    return policy


def _middle_sentence(context: str) -> str:
    sentences = context.split("。")
    return unit_text(sentences[len(sentences) // 2])


POLICIES: dict[str, Callable[[str], str]] = {
    "first sentence": _first(r"^.*?。"),
    "first clause": _first(r"^[^，。]+"),
    "second clause": _first(r"(?<=[，。])[^，。]+"),
    "last clause": _first(r"[^，。；]+(?=。$)"),
    "first number": _first(r"\d+(\.\d+)?"),
    "first year or date": _first(r"[12]\d{3}年(\d+月)?(\d+日)?"),
    "first name in marks": _first(r"(?<=[“《])[^”》]+"),
    "middle sentence": _middle_sentence,
    "whole paragraph": unit_text,
}


def details(splits: Splits) -> list[str]:
    """Return the lengths of the answers, and the figures that have no limit."""
    bounds = ((1, 3), (4, 6), (7, 10), (11, 15), (16, 20))
    lengths = [len(row["answers"]["text"][0]) for row in answerable(all_rows(splits))]
    counts = Counter(next((bound for bound in bounds if n <= bound[1]), None) for n in lengths)
    shares = [f"{counts[bound] / len(lengths):.3f}" for bound in (*bounds, None)]
    header = ("characters of the first answer", *(f"{low} to {high}" for low, high in bounds), "21 or more")
    overlaps = {split: [overlap(row) for row in answerable(splits[split])] for split in SPLITS}
    hard = [
        (split, f"{sum(found) / len(found):.3f}", f"{sum(x < HARD_BELOW for x in found) / len(found):.3f}")
        for split, found in overlaps.items()
    ]
    share = commonest_run_share([unit_text(text) for text in paragraphs_of(all_rows(splits))], RUN_LENGTH)
    return [
        *markdown_table(header, [("share", *shares)]),
        "",
        *markdown_table(("split", "mean share of the question in the answer's sentence", "hard"), hard),
        "",
        f"Share of paragraphs that hold the most widespread run of eight characters (no limit): {share:.4f}.",
    ]


def _paragraph_lengths(splits: Splits) -> list[int]:
    return [len(paragraph) for paragraph in paragraphs_of(all_rows(splits))]


def _spaced_texts(texts: dict[str, list[str]]) -> dict[str, list[str]]:
    return {split: [unit_text(text) for text in found] for split, found in texts.items()}


CHECKS = {
    **count_checks(LEAST_PARAGRAPHS, LEAST_ANSWERABLE, LEAST_UNANSWERABLE),
    "malformed": Check("malformed questions", malformed_questions, at_most=0),
    "misplaced": Check("answers that are not at their offset", misplaced_answers, at_most=0),
    "characters": Check("characters that are not simplified", foreign_characters, at_most=0),
    "punctuation": Check("texts with wrong punctuation", wrong_marks_of_punctuation, at_most=0),
    "shortest": Check(
        "characters of the shortest paragraph",
        lambda splits: min(_paragraph_lengths(splits)),
        at_least=SHORTEST_PARAGRAPH,
    ),
    "longest": Check(
        "characters of the longest paragraph",
        lambda splits: max(_paragraph_lengths(splits)),
        at_most=LONGEST_PARAGRAPH,
    ),
    "fewest_references": FEWEST_REFERENCES,
    "duplicates": Check(
        "duplicate questions",
        lambda splits: duplicates(unit_text(row["question"]) for row in all_rows(splits)),
        at_most=0,
    ),
    "nearest_paragraphs": Check(
        "nearest paragraphs of two splits (Jaccard of runs of five characters)",
        lambda splits: nearest_across_splits(
            _spaced_texts({split: paragraphs_of(splits[split]) for split in SPLITS}), NEAR_LENGTH
        ),
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "nearest_questions": Check(
        "nearest questions of two splits (Jaccard of runs of five characters)",
        lambda splits: nearest_across_splits(_spaced_texts(column(splits, "question")), NEAR_LENGTH),
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "runs": Check(
        "share of questions that hold the most widespread run of eight characters",
        lambda splits: commonest_run_share(
            [unit_text(row["question"]) for row in all_rows(splits)], RUN_LENGTH
        ),
        at_most=LARGEST_FIVE_GRAM_SHARE,
        decimals=4,
    ),
    "shared": SHARED_SUBJECTS,
    "question_only": Check(
        "test F1 (%) of a baseline that sees only the question",
        lambda splits: question_only_f1(_spaced_rows(splits)),
        at_most=LARGEST_BLIND_F1,
        decimals=1,
    ),
    "context_only": Check(
        "test F1 (%) of a baseline that sees only the paragraph",
        lambda splits: context_only_f1(_spaced_rows(splits), POLICIES),
        at_most=LARGEST_BLIND_F1,
        decimals=1,
    ),
    "answerability": Check(
        "area under the ROC curve of telling from the question alone whether it has an answer",
        lambda splits: answerability_area(_spaced_rows(splits), shortest_word=1),
        at_most=LARGEST_AREA,
        decimals=3,
    ),
    "hard": Check(
        "share of hard questions in the test part", hard_share, at_least=LEAST_HARD_SHARE, decimals=3
    ),
    "marks": Check("hard questions that the list misses or should not name", wrong_marks, at_most=0),
}

CHINESE_QUESTIONS = DataSet("chinese_questions", read, CHECKS, sizes, details, place="chinese/questions")
