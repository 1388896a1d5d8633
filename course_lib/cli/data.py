"""``course data``."""

from __future__ import annotations

import argparse

HELP = "examine the bundled data sets, or try their models on real data"
EXAMPLES = (("course data check", "examines the bundled data sets"),)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command; those of an action follow it."""
    parser.add_argument("action", choices=("check", "realism"))
    parser.add_argument("rest", nargs=argparse.REMAINDER)


def run(options: argparse.Namespace) -> int:
    """Check the data sets, or score their models on real files."""
    if options.action == "realism":
        from course_lib.studies.finetuning import realism

        return realism.main(options.rest)
    from course_lib.maintenance.data_checks import report

    return report.main(options.rest)
