"""The socket guard: loopback works, everything else is refused at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from course_lib.settings import REPOSITORY

GUARD = REPOSITORY / "course_lib" / "maintenance" / "network_guard"
ATTEMPTS = """
import json, socket, threading

def outcome(action):
    try:
        action()
    except BaseException as error:
        return [type(error).__name__, isinstance(error, ConnectionRefusedError), str(error)]
    return ["ok", False, ""]

def connect(host, family=socket.AF_INET, method="connect"):
    with socket.socket(family) as s:
        s.settimeout(3)
        code = getattr(s, method)((host, port))
        assert not code, code

def asynchronous(host):
    import asyncio
    async def run():
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
    asyncio.run(run())

def by_url(host):
    import urllib.request
    try:
        urllib.request.urlopen(f"http://{host}:{port}/", timeout=3)
    except urllib.error.URLError as error:
        raise error.reason

server = socket.create_server(("127.0.0.1", 0), backlog=20)
port = server.getsockname()[1]
found = {
    "documentation address": outcome(lambda: connect("192.0.2.1")),
    "private address": outcome(lambda: connect("10.0.0.1")),
    "connect_ex": outcome(lambda: connect("192.0.2.1", method="connect_ex")),
    "IPv6": outcome(lambda: connect("2001:db8::1", family=socket.AF_INET6)),
    "name": outcome(lambda: socket.create_connection(("example.invalid", 80), timeout=3)),
    "lookup": outcome(lambda: socket.getaddrinfo("example.invalid", 80)),
    "look-alike": outcome(lambda: socket.create_connection(("localhost.example.invalid", 80), timeout=3)),
    "asyncio": outcome(lambda: asynchronous("192.0.2.1")),
    "urllib": outcome(lambda: by_url("example.invalid")),
    "loopback": outcome(lambda: connect("127.0.0.1")),
    "loopback name": outcome(lambda: socket.create_connection(("localhost", port), timeout=3).close()),
    "loopback asyncio": outcome(lambda: asynchronous("127.0.0.1")),
    "listening": outcome(lambda: socket.create_server(("127.0.0.1", 0)).close()),
}
if hasattr(socket, "AF_UNIX"):
    found["pair"] = outcome(lambda: [s.close() for s in socket.socketpair()])
print(json.dumps(found))
"""


def run(**environment):
    found = subprocess.run(
        [sys.executable, "-c", ATTEMPTS],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(found.stdout)


@pytest.fixture(scope="module")
def found():
    return run(PYTHONPATH=str(GUARD))


REFUSED = [
    "documentation address",
    "private address",
    "connect_ex",
    "IPv6",
    "name",
    "lookup",
    "look-alike",
    "asyncio",
    "urllib",
]


@pytest.mark.parametrize("kind", REFUSED)
def test_the_network_is_closed(found, kind):
    name, is_refusal, message = found[kind]
    if kind == "IPv6" and name == "OSError":
        pytest.skip("no IPv6 here")
    assert name == "NetworkBlockedError" and is_refusal
    assert "network is closed" in message and "wanted" in message


@pytest.mark.parametrize("kind", ["loopback", "loopback name", "loopback asyncio", "listening", "pair"])
def test_loopback_is_open(found, kind):
    if kind not in found:
        pytest.skip("not on this system")
    assert found[kind][0] == "ok", found[kind]


def test_it_is_the_guard_that_refuses():
    """Without it the same attempt fails in another way, or succeeds: the tests above can fail."""
    probe = "import sys, socket; print(socket.getaddrinfo.__module__, 'sitecustomize' in sys.modules)"
    command = [sys.executable, "-S", "-c", probe]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["socket", "False"]
    command = [sys.executable, "-c", probe]
    environment = {**os.environ, "PYTHONPATH": str(GUARD)}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["sitecustomize", "True"]
