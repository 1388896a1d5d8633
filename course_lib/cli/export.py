"""``course export``."""

from __future__ import annotations

import argparse
from pathlib import Path

from course_lib.translation import translate

HELP = "make an assignment of a lesson, for a grading system"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    parser.add_argument("system", choices=["nbgrader"], help=translate("the grading system"))
    parser.add_argument("lesson", metavar="NN", type=int, help=translate("number of the lesson"))
    parser.add_argument(
        "--save",
        metavar="FOLDER",
        type=Path,
        default=Path("nbgrader"),
        help=translate("its course folder (default: %(default)s)"),
    )


def run(options: argparse.Namespace) -> int:
    """Write the lesson as the system's source."""
    from course_lib.classroom.nbgrader import export, said_of

    print(said_of(export(options.lesson, options.save)))
    return 0
