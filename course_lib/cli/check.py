"""``course check``."""

from __future__ import annotations

import argparse

from course_lib.cli.options import whole_number
from course_lib.translation import Message, translate

HELP = "say what a lesson still lacks"
EXAMPLES = (("course check 04", "what lesson 04 still lacks, or that it's whole"),)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    parser.add_argument("number", type=whole_number(0, 99), metavar="NN", help=translate("its number"))


def run(options: argparse.Namespace) -> int:
    """Print a line for each thing that is lacking; exit code 1 if there is one."""
    from course_lib.maintenance.lesson_files import missing_parts
    from course_lib.slides.deck import DeckError, deck_paths, problems, read_deck

    lacking = missing_parts(options.number)
    for path in deck_paths():
        if path.stem.startswith(f"{options.number:02d}_"):
            try:
                lacking += [str(Message("Deck: {problem}.", problem=p)) for p in problems(read_deck(path))]
            except DeckError as error:
                lacking.append(str(error))
    for line in lacking:
        print(line)
    message = "Lesson {number:02d} lacks {count} things." if lacking else "Lesson {number:02d} is whole."
    print(Message(message, number=options.number, count=len(lacking)))
    return 1 if lacking else 0
