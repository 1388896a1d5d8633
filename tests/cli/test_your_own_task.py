"""The page about your own task: its commands are commands of the course, and its files are there."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pytest

from course_lib.cli import command_parser
from course_lib.data.sources import load_texts
from course_lib.settings import REPOSITORY
from course_lib.studies.records import load_record

PAGE = (REPOSITORY / "docs" / "your-own-task.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.S)
COMMANDS = [line.split("#")[0] for block in BLOCKS for line in block.splitlines()]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_page_is_understood(command):
    words = shlex.split(command)
    assert words[0] == "course"
    options = command_parser().parse_args(words[1:])
    data = str(getattr(options, "texts", "") if options.command == "finetune" else options.data or "")
    assert not data.startswith("data/") or (REPOSITORY / data).is_file()


def test_options_that_the_text_names_are_there():
    parser = command_parser()
    commands = next(action for action in parser._actions if action.dest == "command").choices
    known = {
        option
        for name in ("finetune", "predict", "evaluate")
        for option in commands[name]._option_string_actions
    }
    assert set(re.findall(r"--[a-z][a-z-]*", PAGE)) <= known and len(COMMANDS) > 5


def test_the_learning_curve_is_that_of_the_recording():
    record = load_record("case-study")
    labels = np.array(load_texts("reviews", "bundled")["test"]["label"])
    lines = []
    for size, runs in record["results"]["curve"].items():
        hits = ((np.array([run["margins"]["test"] for run in runs]) > 0) == labels).mean(axis=1)
        minutes = np.mean([run["processor_seconds"] for run in runs]) / 60
        lines.append(
            f"| {size} | {hits.mean():.1%} | {hits.min():.1%} to {hits.max():.1%} | {minutes:.1f} minutes |"
        )
    assert "\n".join(lines) in PAGE and f"{len(labels)} test reviews" in PAGE
    assert record["configuration"]["shared"]["max_length"] == 512
