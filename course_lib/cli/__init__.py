"""``course``: the command line of the course, one module per command.

A command's module has ``HELP``, ``add_options(parser)`` and ``run(options) -> int``. All errors of the course
are printed in one way, as one sentence, and end with exit code 2.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from course_lib import settings
from course_lib.errors import CourseError
from course_lib.translation import translate

COMMANDS = (
    "doctor",
    "lab",
    "progress",
    "collect",
    "export",
    "finetune",
    "predict",
    "evaluate",
    "pretrain",
    "search",
    "run",
    "slides",
    "site",
    "record",
    "data",
    "new",
    "check",
    "maintain",
)
WITHOUT_CLONE = (
    "doctor",
    "finetune",
    "predict",
    "evaluate",
    "pretrain",
)  # the others need the notebooks or data that lie beside the library


def command_module(name: str):
    """Return the module of a command."""
    return importlib.import_module(f"course_lib.cli.{name}")


def command_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="course", description=translate("The BERT course's commands."))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = command_module(name)
        module.add_options(commands.add_parser(name, help=translate(module.HELP)))
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; errors of the course are printed as one sentence, exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without a letter shows its number, and goes on
            stream.reconfigure(errors="backslashreplace")
    try:
        options = command_parser().parse_args(arguments)
        if options.command != "doctor":  # the doctor reports wrong settings among the rest
            settings.current()
        if options.command not in WITHOUT_CLONE:
            settings.require_clone()
        code = command_module(options.command).run(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who reads has seen enough, as `head` does
        # Python flushes once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
