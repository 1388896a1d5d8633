"""``course collect``."""

from __future__ import annotations

import argparse
from pathlib import Path

from course_lib.lessons.exercises import SECONDS
from course_lib.translation import Message, translate

HELP = "read a class's progress, check its answers again, and write a grade book"
EXAMPLES = (
    ("course collect class", "a table of all learners whose files are in the folder class"),
    ("course collect class --save grades.xlsx", "and the grade book as an Excel file"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        type=Path,
        help=translate("with NAME.jsonl, or a folder NAME, for each learner"),
    )
    parser.add_argument(
        "--save", metavar="FILE", type=Path, help=translate("write the grade book, .csv or .xlsx")
    )
    parser.add_argument(
        "--seconds",
        metavar="N",
        type=float,
        default=2.0 * SECONDS,
        help=translate("that one answer may take (default: %(default)g)"),
    )


def run(options: argparse.Namespace) -> int:
    """Check the answers of a class again, print a line for each learner, and write the grade book."""
    from functools import partial

    from course_lib.classroom.closed_process import check_again
    from course_lib.classroom.grade_book import check_grade_book, collect, write_grade_book

    if options.save:
        check_grade_book(options.save)  # before the work is done
    learners = []
    for learner in collect(options.folder, partial(check_again, seconds=options.seconds)):
        learners.append(learner)
        rows = learner.lessons.values()
        print(
            Message(
                "{name}: {solved} of {exercises} exercises solved, {right} of {questions} questions right at once",
                name=learner.name,
                solved=sum(row["solved"] for row in rows),
                exercises=sum(row["exercises"] for row in rows),
                right=sum(row["right_at_first"] for row in rows),
                questions=sum(row["questions"] for row in rows),
            )
        )
        for remark in learner.remarks:
            print(f"    {remark}")
    if options.save:
        for file in write_grade_book(learners, options.save):
            print(Message("{file} is written.", file=file))
    return 0
