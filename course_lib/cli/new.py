"""``course new``."""

from __future__ import annotations

import argparse

from course_lib import settings
from course_lib.cli.options import whole_number
from course_lib.translation import Message, translate

HELP = "write the skeletons of a new lesson"
EXAMPLES = (("course new 22 distillation", "skeletons of a lesson 22, to be filled"),)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    parser.add_argument("number", type=whole_number(0, 99), metavar="NN", help=translate("its number"))
    parser.add_argument("name", help=translate("its name in file names, such as sentence_pairs"))


def run(options: argparse.Namespace) -> int:
    """Write the files, and say where they are."""
    from course_lib.maintenance.lesson_files import PLACEHOLDER, new_lesson

    for path in new_lesson(options.number, options.name):
        print(path.relative_to(settings.REPOSITORY).as_posix())
    message = "Fill in what says {placeholder}. What is lacking after that: course check {number:02d}"
    print(Message(message, placeholder=PLACEHOLDER, number=options.number))
    return 0
