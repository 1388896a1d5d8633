"""Runs that a test makes are kept apart from the learner's: a stand-in's result must never be taken for a real one."""

from __future__ import annotations

import pytest

from course_lib.studies.records import Runner


@pytest.fixture
def runner(tmp_path):
    """What makes the runs of a test, and keeps them in a folder of the test's own."""
    return Runner(tmp_path / "runs of this test")
