"""``course progress``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from course_lib.files import write_text
from course_lib.translation import Message, translate

HELP = "show how far you have come"
EXAMPLES = (
    ("course progress", "what you've solved, lesson by lesson"),
    ("course progress --answers", "the code that you last checked, in case a notebook is lost"),
    ("course progress --json", "the same for a teacher's script"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help=translate("as JSON, for a teacher's script"))
    form.add_argument(
        "--answers", action="store_true", help=translate("the code that you last checked for each exercise")
    )
    form.add_argument(
        "--figure", metavar="FILE", type=Path, help=translate("draw your BERT, part by part, as an SVG file")
    )


def run(options: argparse.Namespace) -> int:
    """Show the progress in the form that was asked for."""
    from course_lib.lessons.report import parts, print_answers, progress, summary

    if options.json:
        print(json.dumps({f"{lesson:02d}": row for lesson, row in summary().items()}, indent=1))
    elif options.answers:
        print_answers()
    elif options.figure:
        from course_lib.figures.your_bert import your_bert

        write_text(options.figure, your_bert(parts()).svg())
        print(Message("Your BERT is drawn in {file}.", file=options.figure))
    else:
        progress(summary())
    return 0
