"""What a slow notebook showed, kept: the numbers that its figures and tables were drawn from.

A notebook that trains takes minutes, too long for building a deck. ``course slides --keep 10`` runs it once
and keeps the arguments of every call that showed a figure or table; the deck then makes the same calls of
``course_lib.figures`` again. What is kept belongs to the notebook's code: when that changes, the build stops.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
from pathlib import Path

from course_lib import settings
from course_lib.figures.style import Picture, Table
from course_lib.files import write_json
from course_lib.slides.deck import DeckError
from course_lib.slides.notebook import Lesson

DIGITS = 6  # of a number that is kept; a picture shows fewer


def kept_path(name: str) -> Path:
    """Return where the calls of a lesson are kept."""
    return settings.RECORDED / "shown" / f"{name}.json"


def code_of(lesson: Lesson) -> str:
    """Return the SHA-256 of a notebook's code: what it showed belongs to it."""
    code = "\n\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()


def encode(value):
    """Return a value as plain JSON: numbers, text, lists, dictionaries, arrays and the library's dataclasses.

    Raises
    ------
    DeckError
        If a value is of another kind.
    """
    if hasattr(value, "detach"):  # a tensor
        value = value.detach().cpu().numpy()
    if hasattr(value, "tolist"):  # a number or an array of numpy
        if getattr(value, "shape", ()):
            return {"array": encode(value.tolist()), "type": str(value.dtype)}
        value = value.tolist()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    kind = type(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"named": f"{kind.__module__}:{kind.__qualname__}", "values": [encode(item) for item in value]}
    if isinstance(value, (list, range)):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, dict) or hasattr(value, "items"):
        return {"pairs": [[encode(key), encode(item)] for key, item in value.items()]}
    if dataclasses.is_dataclass(value) and kind.__module__.startswith("course_lib."):
        fields = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
        return {"object": f"{kind.__module__}:{kind.__qualname__}", "fields": fields}
    raise DeckError(f"A {kind.__module__}.{kind.__qualname__} cannot be kept for a deck.")


def _named(name: str):
    """Return a function or class of the library by module and name."""
    module, _, found = name.partition(":")
    if not module.startswith("course_lib."):
        raise DeckError(f"{name!r} is not of the library.")
    try:
        return getattr(importlib.import_module(module), found)
    except (ImportError, AttributeError):
        raise DeckError(f"The library has no {name!r} any more.") from None


def decode(value):
    """Return the value that was encoded."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        import numpy

        return numpy.array(decode(value["array"]), dtype=value["type"])
    if "named" in value:
        return _named(value["named"])(*decode(value["values"]))
    if "tuple" in value:
        return tuple(decode(value["tuple"]))
    if "pairs" in value:
        return {decode(key): decode(item) for key, item in value["pairs"]}
    return _named(value["object"])(**{name: decode(item) for name, item in value["fields"].items()})


def keep(name: str) -> Path:
    """Run a lesson in this process and keep the calls that showed its figures and tables.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    DeckError
        If a cell fails, or a call cannot be kept.
    """
    from course_lib.slides.replay import numbered, run

    calls: dict[str, dict] = {}

    def note(function, arguments: tuple, named: dict) -> None:
        shown = numbered(function.__name__, calls)
        made = f"{function.__module__}:{function.__qualname__}"
        try:
            calls[shown] = {"function": made, "arguments": encode(arguments), "named": encode(named)}
        except DeckError as error:
            calls[shown] = {"problem": str(error)}

    lesson = Lesson.of(name)
    run(name, note)
    content = {
        "lesson": name,
        "command": f"course slides --keep {name[:2]}",
        "code": code_of(lesson),
        "calls": calls,
    }
    path = kept_path(name)
    write_json(path, content, error=DeckError)
    return path


def shown_again(name: str, shown: str) -> Picture | Table:
    """Make a figure or table of a lesson again from what was kept.

    Raises
    ------
    DeckError
        If nothing was kept of it, or the notebook has changed since.
    """
    path, renew = kept_path(name), f"Make it anew with: course slides --keep {name[:2]}"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DeckError(f"{path} cannot be read ({error}). {renew}") from None
    if content.get("code") != code_of(Lesson.of(name)):
        raise DeckError(f"{path}: the notebook's code has changed since. {renew}")
    call = content["calls"].get(shown)
    if call is None or "problem" in call:
        known = ", ".join(key for key, value in content["calls"].items() if "problem" not in value)
        reason = call["problem"] if call else f"It kept: {known}."
        raise DeckError(f"{path} keeps no {shown!r}. {reason} {renew}")
    return _named(call["function"])(*decode(call["arguments"]), **decode(call["named"]))
