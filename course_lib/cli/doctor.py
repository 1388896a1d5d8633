"""``course doctor``."""

from __future__ import annotations

import argparse

from course_lib.translation import translate

HELP = "check this machine: packages, weights, memory, hub"
EXAMPLES = (("course doctor", "one line for each thing, and what to do where one isn't well"),)


def add_options(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(options: argparse.Namespace) -> int:
    """Print a line for each finding; only one that makes the lessons impossible ends with exit code 1."""
    from course_lib.lessons.doctor import FAIL, examine

    failures = 0
    for level, name, text in examine():
        print(f"[{level}] {name}: {text}")
        failures += level == FAIL
    if failures:
        print(translate("{n} to mend; each [FAIL] line says how.").format(n=failures))
        return 1
    print(translate("All good: open lesson 00 with `course lab`."))
    return 0
