"""``course run``."""

from __future__ import annotations

import argparse

from course_lib.maintenance.notebooks import notebook_path, notebook_paths, run_notebook
from course_lib.translation import translate

HELP = "execute lessons in place, all of them if none is named"
EXAMPLES = (
    ("course run 04 08", "executes lessons 04 and 08, and stores their outputs"),
    ("course run", "executes all of them, which takes a while"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    parser.add_argument("lessons", nargs="*", help=translate("numbers, such as 04 08"))
    parser.add_argument(
        "--time", action="store_true", help=translate("keep the time and memory it took for the README")
    )


def run(options: argparse.Namespace) -> int:
    """Execute the lessons one after the other."""
    paths = [notebook_path(lesson) for lesson in options.lessons] or notebook_paths()
    for path in paths:
        run_notebook(path, keep_time=options.time)
    return 0
