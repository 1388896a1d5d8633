"""Runs that a test makes are kept apart from the learner's: a stand-in's result must never be taken for a real one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from course_lib.studies.records import Runner

sys.path.append(str(Path(__file__).parents[1]))
from lowest_blocks import lowest_blocks


@pytest.fixture
def runner(tmp_path):
    """What makes the runs of a test, and keeps them in a folder of the test's own."""
    return Runner(tmp_path / "runs of this test")


@pytest.fixture(scope="module")
def small_encoder(tmp_path_factory):
    """A folder with the two lowest blocks of the bundled encoder."""
    folder = tmp_path_factory.mktemp("encoder")
    for name, content in lowest_blocks(2).items():
        (folder / name).write_bytes(content)
    return folder
