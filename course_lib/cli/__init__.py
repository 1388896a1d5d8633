"""``course``: the command line of the course, one module per command.

A command's module has ``HELP``, ``EXAMPLES``, ``add_options(parser)`` and ``run(options) -> int``. All errors of
the course are printed in one way, as one sentence, and end with exit code 2.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import sys
import textwrap

from course_lib import settings
from course_lib.errors import CourseError
from course_lib.translation import translate

GROUPS = {
    "Learn": ("doctor", "lab", "progress"),
    "Your own task and your own model": ("finetune", "predict", "evaluate", "pretrain", "search"),
    "Teach": ("collect", "export", "slides", "site"),
    "Work on the course": ("run", "check", "new", "record", "data", "maintain"),
}
COMMANDS = tuple(name for names in GROUPS.values() for name in names)
FIRST = (
    ("doctor", "is this machine ready?"),
    ("lab", "opens lesson 00"),
    ("progress", "what you've solved"),
)
EXAMPLES_OF = ("lab", "finetune", "predict")  # their first examples are those of ``course --help``
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
    """Return the parser of the command line; its help, and that of each command, say what to type."""
    modules = {name: command_module(name) for name in COMMANDS}
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="course", usage="course COMMAND ...", description=_overview(modules), formatter_class=form
    )
    commands = parser.add_subparsers(prog="course", dest="command", metavar="COMMAND", help=argparse.SUPPRESS)
    for name, module in modules.items():
        told = translate(module.HELP)
        options = commands.add_parser(
            name,
            description=_filled(told[0].upper() + told[1:] + "."),
            epilog=_examples(module.EXAMPLES),
            formatter_class=form,
        )
        module.add_options(options)
    return parser


def _filled(text: str, *, first: str = "", rest: str = "") -> str:
    """Return a text in lines as wide as argparse makes its own."""
    width = max(shutil.get_terminal_size().columns - 2, 40)
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _examples(examples: tuple[tuple[str, str], ...]) -> str:
    """Return examples, each command on a line of its own, however long: it can be copied."""
    lines = [
        f"  {command}\n{_filled(translate(told), first=' ' * 6, rest=' ' * 6)}" for command, told in examples
    ]
    return "\n".join([translate("Examples:"), *lines])


def _overview(modules: dict) -> str:
    """Return what ``course --help`` says: where to begin, the commands by what one wants to do, and examples."""
    beginning = [f"  course {name:10s} {translate(told)}" for name, told in FIRST]
    parts = [
        _filled(translate("The commands of the BERT course.")),
        "\n".join([translate("Begin with these:"), *beginning]),
    ]
    for group, names in GROUPS.items():
        lines = [
            _filled(translate(modules[name].HELP), first=f"  {name:10s} ", rest=" " * 13) for name in names
        ]
        parts.append("\n".join([translate(group) + ":", *lines]))
    parts.append(_examples(tuple(modules[name].EXAMPLES[0] for name in EXAMPLES_OF)))
    parts.append(_filled(translate("course COMMAND --help says what a command takes, with examples.")))
    return "\n\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; errors of the course are printed as one sentence, exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without a letter shows its number, and goes on
            stream.reconfigure(errors="backslashreplace")
    try:
        parser = command_parser()
        options = parser.parse_args(arguments)
        if options.command is None:  # a newcomer who types `course` wants to know what there is
            parser.print_help(sys.stderr)
            sys.exit(2)
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
