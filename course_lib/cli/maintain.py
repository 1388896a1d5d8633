"""``course maintain``: what is made from other files, made again."""

from __future__ import annotations

import argparse

from course_lib import settings
from course_lib.cli.options import whole_number
from course_lib.translation import translate

HELP = "make again what is made from other files: README, hashes, other processors' outputs"
EXAMPLES = (
    ("course maintain readme", "makes the generated parts of README and docs again"),
    (
        "course maintain processors --lessons 04 --threads 1",
        "validates lesson 04 as other processors would compute it",
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser(
        "readme", help=translate("the generated parts of README, docs and the list of known errors")
    )
    actions.add_parser("manifest", help=translate("the hashes of the files in data/checkpoints"))
    add = actions.add_parser(
        "processors", help=translate("validate notebooks as other processors would compute them")
    ).add_argument
    add("--processors", nargs="+", default=["default", "avx2", "avx512"])
    add("--threads", nargs="+", type=whole_number(1), default=[1, 2])
    add("--lessons", nargs="+", default=[""], metavar="NN", help=translate("all of them if left out"))


def run(options: argparse.Namespace) -> int:
    """Make what was asked for."""
    if options.action == "readme":
        from course_lib.maintenance import readme

        readme.write_pages()
    elif options.action == "manifest":
        from course_lib.data.manifest import renew_manifest

        renew_manifest()
    else:
        from course_lib.maintenance.other_processors import validate_on

        notebooks = (n for number in options.lessons for n in settings.NOTEBOOKS.glob(f"{number}*.ipynb"))
        return validate_on(options.processors, options.threads, sorted(notebooks))
    return 0
