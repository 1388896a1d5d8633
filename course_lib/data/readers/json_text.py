"""JSON without surprises: every way in which it can be wrong becomes one error that names the place."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from course_lib.data.readers.lines import Place, checked_text, describe

KINDS = {dict: "an object", list: "a list", str: "a string", int: "a whole number", bool: "true or false"}


class _NotAllowedError(ValueError):
    """JSON that Python would accept, and that loses or distorts something."""


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # Python keeps the last one: the others would be lost without a word
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _NotAllowedError(f"the field {describe(twice)} stands twice in one object")
    return found


def _constant(name: str) -> None:
    raise _NotAllowedError(f"{name} is not a JSON number")


def parse_json(text: str, place: Place) -> Any:
    """Parse JSON strictly.

    Parameters
    ----------
    text : the text of one value.
    place : where it stands; without a line, the text is a whole file and errors find their line.

    Raises
    ------
    DataFileError
        If it is not JSON, is nested too deeply, or has a field twice in an object.
    """
    remedy = "Correct the file, or fetch it again: it may be damaged or cut short"
    try:
        return json.loads(text, object_pairs_hook=_object_without_duplicates, parse_constant=_constant)
    except json.JSONDecodeError as error:
        line = error.lineno if place.line is None else place.line
        problem = f"it is not valid JSON ({error.msg}, column {error.colno})"
        raise place._replace(line=line).error(problem, remedy) from None
    except _NotAllowedError as error:
        raise place.error(str(error), remedy) from None
    except RecursionError:
        raise place.error("the JSON is nested too deeply", remedy) from None
    except ValueError:  # Python refuses whole numbers of thousands of digits
        raise place.error("a number in the JSON has too many digits", remedy) from None


def checked_kind(value: Any, kind: type, place: Place) -> Any:
    """Return the value if it is of a kind of JSON value; true is not taken for 1.

    Raises
    ------
    DataFileError
        If it is of another kind.
    """
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise place.error(f"{KINDS[kind]} is wanted, and it is {describe(value)}", "Correct the value")
    return value


def member(record: Any, name: str, kind: type, place: Place, *, empty: bool = False) -> Any:
    """Return a field of an object, checked.

    Parameters
    ----------
    record : what should be an object.
    name : name of the field.
    kind : ``dict``, ``list``, ``str``, ``int`` or ``bool``.
    place : where the object stands.
    empty : whether a string may be empty.

    Raises
    ------
    DataFileError
        If the record is no object, the field is missing, or its value is of another kind.
    """
    checked_kind(record, dict, place)
    if name not in record:
        raise place.inside(name).error(
            "the field is missing", f"Add it; the fields that are there: {', '.join(map(describe, record))}"
        )
    if kind is str:
        return checked_text(record[name], place.inside(name), empty=empty)
    return checked_kind(record[name], kind, place.inside(name))


def refuse_misspelled(record: dict, known: Iterable[str], place: Place) -> None:
    """Refuse a field that looks like a known one: other extra fields are ignored, this one would be lost.

    Raises
    ------
    DataFileError
        If a field's name is almost, and not quite, one that is known and absent.
    """
    known = set(known)
    for name in record.keys() - known:
        close = difflib.get_close_matches(name, known - record.keys(), n=1, cutoff=0.75)
        if close:
            raise place.inside(name).error("the field is not known", f"Rename it, perhaps to {close[0]!r}")
