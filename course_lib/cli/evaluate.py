"""``course evaluate``: how good a saved model is on labeled texts.

course evaluate my-model --data test.csv --text body --label topic --report report.html
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from course_lib import settings
from course_lib.errors import DataFileError
from course_lib.files import write_text
from course_lib.translation import Message, translate

HELP = "score a fine-tuned model on labeled texts, with intervals and its worst errors"
EXAMPLES = (
    (
        "course evaluate my-tickets --data labeled.csv --text subject body --label topic",
        "its scores on texts that you have labeled",
    ),
    (
        "course evaluate my-tickets --data labeled.csv --text subject body --label topic --report report.html",
        "and a page with its worst errors",
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    add = parser.add_argument
    add("folder", type=Path, help=translate("of a model that course finetune has saved"))
    add("--data", type=Path, required=True, help=translate("labeled texts, as course finetune takes them"))
    add("--text", nargs="+", default="text", help=translate("column of the texts, or columns to join"))
    add("--label", default="label", help=translate("column of the classes or scores"))
    add("--second", help=translate("column of the second text of a pair"))
    add("--sheet", help=translate("of an Excel file with several"))
    add("--report", type=Path, help=translate("an HTML file to write: confusion matrix and worst errors"))


def run(options: argparse.Namespace) -> int:
    """Score, print the scores, and write the report if one is named."""
    from course_lib.data.own.examples import ColumnNames
    from course_lib.finetuning.evaluation import evaluate
    from course_lib.finetuning.evaluation_report import html_report, report_lines
    from course_lib.finetuning.prediction import open_saved

    saved = open_saved(options.folder)
    score = saved.task == "pairs" and saved.model.labels is None
    names = ColumnNames(options.text, options.label, options.second, options.sheet, score)
    found = evaluate(saved, options.data, names, seed=settings.prepare().seed)
    for line in report_lines(found):
        print(line)
    if options.report is not None:
        title = f"{options.folder.resolve().name}: {options.data.name}"
        write_text(options.report, html_report(found, title), error=DataFileError)
        print(str(Message("The report is in {file}.", file=options.report)), file=sys.stderr)
    return 0
