"""Claims about the bundled data: asserted there, told and not enforced on other data."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from course_lib.lessons.claims import Softened

CODE = """
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_cell("from course_lib import settings; from course_lib.lessons import check").raise_error()
assert not shell.ast_transformers, "an import rewrites no cell"
shell.run_cell("settings.prepare(); settings.prepare()").raise_error()
assert len(shell.ast_transformers) <= 1
result = shell.run_cell("score = 3\\nassert score > 5, 'low'\\nprint('went on')")
print("stopped by", type(result.error_in_exec).__name__)
"""


def run(source: str, capsys) -> str:
    tree = Softened().visit(ast.parse(source))
    exec(compile(tree, "<cell>", "exec"), {})
    return capsys.readouterr().out


def test_what_holds_is_silent_and_what_does_not_is_told(capsys):
    assert run("score = 7\nassert score > 5", capsys) == ""
    assert run("score = 3\nassert score > 5\nprint('on')", capsys) == "Not so on these data: score > 5\non\n"


def test_claims_in_loops_and_functions_are_claims_too(capsys):
    source = "def f(n):\n    assert n, 'message'\nfor n in (0, 1):\n    f(n)\n    assert n < 1"
    assert run(source, capsys).splitlines() == ["Not so on these data: n", "Not so on these data: n < 1"]


def test_other_errors_stay_errors(capsys):
    with pytest.raises(ZeroDivisionError):
        run("assert 1 / 0", capsys)


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("quick", "stopped by AssertionError"),
        ("full", "Not so on these data: score > 5\nwent on\nstopped by NoneType"),
    ],
)
def test_the_profile_decides(profile, said, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", profile)
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(said + "\n")
