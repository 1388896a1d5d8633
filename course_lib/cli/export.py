"""``course export``."""

from __future__ import annotations

import argparse
from pathlib import Path

from course_lib import settings
from course_lib.cli.site import published_at
from course_lib.translation import Message, translate

HELP = "make an assignment of a lesson for nbgrader, or a copy of it for Colab and Kaggle"
EXAMPLES = (
    ("course export nbgrader 4 --save my-course", "lesson 04 as an assignment"),
    ("course export colab 04", "lesson 04 for Colab or Kaggle, in the folder colab"),
    ("course export colab all --repository OWNER/NAME", "all lessons, which fetch the course from your fork"),
)
ALL = "all"


def lesson_number(text: str) -> int | str:
    """Return the number of a lesson, or ``all``.

    Parameters
    ----------
    text : as it was typed.

    Raises
    ------
    ValueError
        If it's neither; argparse makes a sentence of that.
    """
    return ALL if text == ALL else int(text)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    parser.add_argument(
        "place", choices=["nbgrader", "colab"], help=translate("where it goes; colab is for Kaggle, too")
    )
    parser.add_argument(
        "lesson",
        metavar="NN",
        type=lesson_number,
        help=translate("number of the lesson; for colab also: all"),
    )
    parser.add_argument(
        "--save",
        metavar="FOLDER",
        type=Path,
        help=translate("gets the result (default: nbgrader, or colab)"),
    )
    parser.add_argument(
        "--repository",
        metavar="OWNER/NAME",
        help=translate("for colab: where on GitHub the copy fetches the course (default: what git says)"),
    )


def run(options: argparse.Namespace) -> int:
    """Write the lesson as that place takes it."""
    folder = options.save or Path(options.place)
    if options.place == "colab":
        return _export_for_colab(options, folder)
    from course_lib.classroom.nbgrader import export, said_of
    from course_lib.errors import SettingError

    if options.lesson == ALL:
        raise SettingError(translate("nbgrader gets one lesson at a time: name its number."))
    print(said_of(export(options.lesson, folder)))
    return 0


def _export_for_colab(options: argparse.Namespace, folder: Path) -> int:
    from course_lib.lessons.hosted import export
    from course_lib.maintenance.notebooks import notebook_path

    found = (
        sorted(settings.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
        if options.lesson == ALL
        else [notebook_path(str(options.lesson))]
    )
    for notebook in found:
        path = export(notebook, folder, options.repository or published_at())
        print(Message("{file} is written. Upload it to Colab or Kaggle, and run its first cell.", file=path))
    return 0
