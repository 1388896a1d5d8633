"""Runs that a test makes are kept apart from the learner's: a stand-in's result must never be taken for a real one."""

from __future__ import annotations

import pytest

from course_lib.studies import experiments


@pytest.fixture(autouse=True)
def runs_of_its_own(tmp_path, monkeypatch):
    """The folder where the runs of this test are kept."""
    folder = tmp_path / "runs of this test"
    monkeypatch.setattr(experiments, "folder_of_runs", lambda: folder)
    return folder
