"""``course slides``."""

from __future__ import annotations

import argparse
from pathlib import Path

from course_lib import settings
from course_lib.files import check_writable
from course_lib.translation import translate

HELP = "build the slide decks, all of them if none is named: HTML, PDF, PPTX"
EXAMPLES = (
    ("course slides 04", "the deck of lesson 04 as HTML, PDF and PPTX"),
    ("course slides --html", "all decks as HTML, which needs no browser"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    parser.add_argument("lessons", nargs="*", help=translate("numbers, such as 04 08"))
    parser.add_argument(
        "--html", action="store_true", help=translate("the HTML alone, which needs no browser")
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=settings.REPOSITORY / "build" / "slides",
        help=translate("folder for the files (default: build/slides)"),
    )


def run(options: argparse.Namespace) -> int:
    """Build the decks."""
    from course_lib.slides.build import build_decks
    from course_lib.slides.deck import deck_paths

    check_writable(options.output, then="build again, or name another folder with --output")
    build_decks(deck_paths(options.lessons), options.output, options.html)
    return 0
