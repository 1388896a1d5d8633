"""Putting an error into a live function: its own source, changed in one place, compiled into its place.

The code object of the function is exchanged, so whoever holds the function, by whatever name, runs the
changed one; afterwards the old code is put back. No file is touched.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import NamedTuple


class StaleMutantError(Exception):
    """The text that a mutant changes is not in the function any more, or not once: renew this mutant."""


class Mutant(NamedTuple):
    """An error that could be made.

    ``target`` names the function as ``module:name`` or ``module:Class.name``; ``changes`` are pairs of a
    text that occurs once in its source and what stands there instead; ``caught_by`` names tests of the
    suite, ``path::function``, the first of which must fail; ``area`` says what the error spoils.
    """

    name: str
    what: str
    target: str
    changes: tuple[tuple[str, str], ...]
    caught_by: tuple[str, ...]
    area: str


def find_function(target: str) -> FunctionType:
    """Return the function that a target names, out of its wrappers; for a property, what computes it."""
    module, _, path = target.partition(":")
    found = importlib.import_module(module)
    for part in path.split("."):
        found = inspect.getattr_static(found, part) if inspect.isclass(found) else getattr(found, part)
    found = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
    return inspect.unwrap(found)


def changed_source(mutant: Mutant) -> str:
    """Return the source of the mutant's function with its changes.

    Raises
    ------
    StaleMutantError
        If a text to be changed does not occur exactly once.
    """
    source = textwrap.dedent(inspect.getsource(find_function(mutant.target)))
    for old, new in mutant.changes:
        if source.count(old) != 1:
            raise StaleMutantError(
                f"{mutant.name}: {old!r} occurs {source.count(old)} times in {mutant.target}, and must once. "
                "Renew this mutant in tests/known_errors/mutants.py."
            )
        source = source.replace(old, new)
    return source


def compile_like(function: FunctionType, source: str) -> FunctionType:
    """Return a function compiled from a source in the module of another, without its decorators."""
    tree = ast.parse(source)
    definition = tree.body[0]
    definition.decorator_list = []
    if "__class__" in function.__code__.co_freevars:  # super() without arguments lives in a class
        tree.body[0] = ast.fix_missing_locations(
            ast.ClassDef("Holder", [], [], [definition], [], **({"type_params": []} if sys.version_info >= (3, 12) else {}))
        )  # fmt: skip
    names = dict(function.__globals__)
    flags = 0x1000000  # annotations stay text, as in the module: from __future__ import annotations
    exec(compile(tree, inspect.getfile(function), "exec", flags=flags), names)
    made = names["Holder"] if isinstance(tree.body[0], ast.ClassDef) else None
    return made.__dict__[definition.name] if made else names[definition.name]


def _forget(module: str) -> None:
    """Clear the caches of a module: they hold what the other code computed."""
    for value in vars(sys.modules[module]).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


@contextmanager
def put_in(mutant: Mutant) -> Iterator[None]:
    """Put an error into the live function for the length of a block.

    Raises
    ------
    StaleMutantError
        If a text to be changed does not occur exactly once.
    """
    function = find_function(mutant.target)
    changed = compile_like(function, changed_source(mutant))
    before = function.__code__, function.__defaults__, function.__kwdefaults__
    function.__code__, function.__defaults__, function.__kwdefaults__ = (
        changed.__code__,
        changed.__defaults__,
        changed.__kwdefaults__,
    )
    _forget(function.__module__)
    try:
        yield
    finally:
        function.__code__, function.__defaults__, function.__kwdefaults__ = before
        _forget(function.__module__)
