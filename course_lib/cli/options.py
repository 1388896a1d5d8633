"""Numbers of the command line: each is read with its limits, and a wrong one ends in one sentence."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable

from course_lib.translation import translate


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number, and refuses one below ``least`` or above ``most``."""

    def read(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or int(text) < least:
            message = translate("{text!r} is not a whole number from {least}")
            raise argparse.ArgumentTypeError(message.format(text=text, least=least))
        if most is not None and int(text) > most:
            message = translate("{text!r} is more than {most}")
            raise argparse.ArgumentTypeError(message.format(text=text, most=most))
        return int(text)

    return read


def _number(text: str, usable: Callable[[float], bool], wanted: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not usable(number):
        raise argparse.ArgumentTypeError(f"{text!r}: {wanted}")
    return number


def number_above_zero(text: str) -> float:
    """Read a number above 0.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.
    """
    return _number(text, lambda number: 0 < number < math.inf, translate("a number above 0 is wanted"))


def share(text: str) -> float:
    """Read a share, such as that of dropout: from 0 to below 1.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.
    """
    return _number(text, lambda part: 0 <= part < 1, translate("a share from 0 to below 1 is wanted"))


def port(text: str) -> int:
    """Read the number of a port.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is not from 1 to 65535.
    """
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(
            translate("{text!r} is no port; give a number from 1 to 65535").format(text=text)
        )
    return int(text)
