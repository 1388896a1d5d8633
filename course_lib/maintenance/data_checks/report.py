"""The command ``course data check``, and the generated part of each card."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from course_lib.errors import CourseError, DataFileError
from course_lib.files import write_text
from course_lib.maintenance.data_checks import DATA_SETS
from course_lib.maintenance.data_checks.checks import BESIDE, DataSet, Finding, Splits, markdown_table
from course_lib.translation import translate

FIGURES_BEGIN, FIGURES_END = "<!-- figures:begin -->", "<!-- figures:end -->"


def measure(data_set: DataSet, splits: Splits) -> dict[str, Finding]:
    """Measure every check of one data set, by its key."""
    return {key: Finding(check, check.measure(splits)) for key, check in data_set.checks.items()}


def report_text(name: str, findings: Mapping[str, Finding]) -> str:
    """Return the lines that the command prints for one data set, in the reader's language."""
    lines = [name]
    for finding in findings.values():
        mark, check = "[OK]  " if finding.passed else "[FAIL]", finding.check
        lines.append(f"  {mark} {translate(check.label)}: {finding.shown} ({check.limits(translate)})")
    return "\n".join(lines)


def print_report(names: Sequence[str], *, update_cards: bool = False) -> bool:
    """Print the figures of data sets, and tell whether all checks pass.

    Parameters
    ----------
    names : data sets to check.
    update_cards : whether the figures in their cards are rewritten.
    """
    passed = True
    for name in names:
        data_set = DATA_SETS[name]
        try:
            splits = data_set.load()
            findings = measure(data_set, splits)
            print(report_text(name, findings))
            if update_cards:
                update_card(data_set, card_figures(data_set, splits, findings))
        except CourseError as error:
            print(f"{name}\n  [FAIL] {error}")
            passed = False
            continue
        passed = passed and all(finding.passed for finding in findings.values())
    print(translate("All checks passed.") if passed else translate("Some checks failed."))
    return passed


def card_figures(data_set: DataSet, splits: Splits, findings: Mapping[str, Finding]) -> str:
    """Return the generated part of a card, markers included.

    Parameters
    ----------
    data_set : which one.
    splits : rows of its splits.
    findings : what :func:`measure` found.
    """
    sizes = {split: data_set.sizes(rows) for split, rows in splits.items() if split not in BESIDE}
    header = list(next(iter(sizes.values())))
    total = [f"{sum(size[column] for size in sizes.values()):,}" for column in header]
    rows = [(split, *(f"{size[column]:,}" for column in header)) for split, size in sizes.items()]
    checks = [
        (finding.check.label, finding.shown, finding.check.limits(), "yes" if finding.passed else "**no**")
        for finding in findings.values()
    ]
    parts = [
        markdown_table(("split", *header), [*rows, ("all", *total)]),
        data_set.details(splits),
        markdown_table(("check", "figure", "limit", "kept"), checks),
    ]
    return "\n".join([FIGURES_BEGIN, "\n\n".join("\n".join(part) for part in parts if part), FIGURES_END])


def update_card(data_set: DataSet, figures: str) -> None:
    """Put figures between the markers of a card.

    Raises
    ------
    DataFileError
        If the card is missing or has not exactly one pair of markers.
    """
    path = data_set.card
    remedy = f"Restore the card with one pair of lines {FIGURES_BEGIN} and {FIGURES_END}"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataFileError(path, "the card cannot be read", remedy) from error
    before, begin, rest = text.partition(FIGURES_BEGIN)
    _, end, after = rest.partition(FIGURES_END)
    if not begin or not end or FIGURES_BEGIN in rest or FIGURES_END in after:
        raise DataFileError(path, "the markers of the generated figures are not there once each", remedy)
    write_text(path, before + figures + after)


def main(arguments: list[str]) -> int:
    """Run ``course data check`` and return its exit code: 0 if every check passes, 1 if one fails.

    Parameters
    ----------
    arguments : names of data sets (all if there is none), and ``--update-cards``.
    """
    parser = argparse.ArgumentParser(
        prog="course data check", description=translate("Check the data sets written for the course.")
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(DATA_SETS))
    parser.add_argument(
        "--update-cards", action="store_true", help=translate("rewrite the figures in the data-set cards")
    )
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:  # argparse has printed what is wrong
        return int(stop.code or 0)
    for name in options.names:
        if name not in DATA_SETS:
            print(
                translate("There is no data set {name!r}. Choose from: {names}.").format(
                    name=name, names=", ".join(DATA_SETS)
                )
            )
            return 2
    return 0 if print_report(options.names or tuple(DATA_SETS), update_cards=options.update_cards) else 1
