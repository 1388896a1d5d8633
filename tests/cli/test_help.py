"""``course --help`` teaches: what to do first, commands by purpose, and examples of each that can be typed as they are."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib import cli
from course_lib.maintenance.notebooks import notebook_path
from course_lib.settings import REPOSITORY
from course_lib.studies import RECORDINGS

EXAMPLES = [(name, line) for name in cli.COMMANDS for line, _ in cli.command_module(name).EXAMPLES]


def help_of(capsys, *command: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        cli.main([*command, "--help"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_every_command_has_examples_and_no_more_than_three():
    for name in cli.COMMANDS:
        assert 1 <= len(cli.command_module(name).EXAMPLES) <= 3, name


@pytest.mark.parametrize(("name", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_an_example_parses_and_names_what_there_is(name, line):
    program, *words = shlex.split(line)
    options = cli.command_parser().parse_args(words)
    assert program == "course" and options.command == name
    named = [getattr(options, "lesson", None), *(getattr(options, "lessons", None) or [])]
    if name == "check":
        named.append(options.number)
    for lesson in named:
        assert lesson in (None, "", "all") or notebook_path(str(lesson)).is_file()
    if name == "record":
        assert options.name is None or options.name in RECORDINGS
    data = [word for word in words if word.startswith("data/")]
    assert all((REPOSITORY / path).is_file() for path in data)


def test_examples_are_shell_lines_that_powershell_reads_too():
    """No quotes but double ones, no backslashes, no variables, and nothing chained."""
    assert not [line for _, line in EXAMPLES if re.search(r"['\\$`;&|<>^%]", line)]


@pytest.mark.parametrize("width", ["50", "80", "200"])
def test_the_overview_says_what_to_do_first_and_groups_all_commands(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    text = help_of(capsys)
    first = re.search(r"Begin with these:\n((?:  .+\n)+)", text)[1]
    assert [line.split()[1] for line in first.splitlines()] == ["doctor", "lab", "progress"]
    shown = re.findall(r"^  ([a-z]+) +\S", text, re.MULTILINE)
    assert [name for name in shown if name != "course"] == list(cli.COMMANDS)
    for group, names in cli.GROUPS.items():
        part = text.partition(f"\n{group}:\n")[2].partition("\n\n")[0]
        assert tuple(re.findall(r"^  (\w+)", part, re.MULTILINE)) == names
    examples = text.partition("Examples:\n")[2]
    assert len(re.findall(r"^  course ", examples, re.MULTILINE)) == 3
    assert "course COMMAND --help" in " ".join(text.split())
    prose = [line for line in text.splitlines() if not line.startswith("  course ")]
    assert max(map(len, prose)) <= max(int(width), 42)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_command_says_what_it_does_and_shows_its_examples_on_one_line_each(capsys, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "60")
    text = help_of(capsys, name)
    told = cli.command_module(name).HELP
    assert text.startswith(f"usage: course {name} ")
    assert f"{told[0].upper()}{told[1:]}." in " ".join(text.split())
    for line, explained in cli.command_module(name).EXAMPLES:
        assert f"\n  {line}\n      " in text and explained in " ".join(text.split())


def test_course_alone_shows_the_overview(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([])
    assert stopped.value.code == 2  # nothing was done, and a script shall notice
    alone = capsys.readouterr().err
    assert alone == help_of(capsys)


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["docter"])
    said = capsys.readouterr().err
    assert stopped.value.code == 2 and "'docter'" in said and "doctor" in said


def test_the_help_needs_nothing_but_python():
    """It's there where the installation has stopped halfway."""
    command = [sys.executable, "-S", "-c", "from course_lib.cli import main; main(['--help'])"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0 and "Begin with these:" in done.stdout, done.stderr


def test_the_examples_of_the_overview_stand_in_the_readme_or_docs():
    pages = [REPOSITORY / "README.md", *Path(REPOSITORY / "docs").glob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    for name in cli.EXAMPLES_OF[1:]:
        assert cli.command_module(name).EXAMPLES[0][0] in text
