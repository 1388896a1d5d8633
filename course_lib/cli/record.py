"""``course record``."""

from __future__ import annotations

import argparse

from course_lib.translation import translate

HELP = "make a long recording anew; list them without a name"
EXAMPLES = (
    ("course record", "lists the recordings"),
    ("course record mlm-head", "makes one again, which may take hours"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    parser.add_argument("name", nargs="?")


def run(options: argparse.Namespace) -> int:
    """List the recordings, or make one."""
    from course_lib.studies import RECORDINGS, records

    if options.name is None:
        for name in sorted(RECORDINGS):
            there = records.record_path(name).is_file()
            print(f"{name}: {translate('recorded') if there else translate('not recorded yet')}")
        return 0
    record = records.make_record(options.name)
    message = translate("{path} is written; it took {minutes} minutes.")
    print(message.format(path=records.record_path(options.name), minutes=record["minutes"]))
    return 0
