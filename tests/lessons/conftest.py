"""What several tests of lessons share."""

from __future__ import annotations

import os

import pytest

from course_lib import settings
from course_lib.lessons import event_log


@pytest.fixture
def fresh_log(home, monkeypatch):
    """A log of events without a file, in a process that has not written to one."""
    monkeypatch.setattr(event_log, "_warned", False)
    monkeypatch.setattr(event_log, "_unsaved", [])


class Kernel:
    """A running kernel whose cells are sent by a program with or without a person in front of it."""

    def __init__(self, client):
        self.client = client

    def messages(self, code: str, *, person: bool) -> list[dict]:
        """Run a cell, and return what it shows: kind and content of each message."""
        shown = []

        def keep(message):
            if message["msg_type"] in ("display_data", "execute_result", "stream", "error"):
                shown.append({"kind": message["msg_type"], **message["content"]})

        self.client.execute_interactive(code, allow_stdin=person, output_hook=keep, timeout=120)
        return shown


@pytest.fixture(scope="session")
def kernel(tmp_path_factory):
    """A kernel with the course's lessons imported, and a COURSE_HOME of its own."""
    from jupyter_client.manager import start_new_kernel

    home = str(tmp_path_factory.mktemp("kernel"))
    paths = os.pathsep.join(filter(None, (str(settings.REPOSITORY), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "COURSE_HOME": home, "PYTHONPATH": paths}
    environment.pop("NO_COLOR", None)
    manager, client = start_new_kernel(kernel_name="python3", env=environment)
    started = Kernel(client)
    assert started.messages("from course_lib.lessons import check, quiz", person=False) == []
    yield started
    client.stop_channels()
    manager.shutdown_kernel(now=True)
