"""What several tests of lessons share."""

from __future__ import annotations

import pytest

from course_lib.lessons import event_log


@pytest.fixture
def fresh_log(home, monkeypatch):
    """A log of events without a file, in a process that has not written to one."""
    monkeypatch.setattr(event_log, "_warned", False)
    monkeypatch.setattr(event_log, "_unsaved", [])
