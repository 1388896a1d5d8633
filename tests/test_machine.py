"""Processors and memory are what this process may use, not what the machine has."""

from __future__ import annotations

import os
from types import SimpleNamespace

import psutil
import pytest

from course_lib import machine

GIB = 2**30


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A machine of 16 GiB and 8 processors; a function that writes limits of this process's groups."""
    root, own = tmp_path / "cgroup", tmp_path / "own"
    root.mkdir()
    own.write_text("")
    monkeypatch.setattr(machine, "CGROUPS", root)
    monkeypatch.setattr(machine, "OWN_GROUPS", own)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10 * GIB, total=16 * GIB))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)

    def write(membership: str, **files: str):
        own.write_text(membership)
        for name, content in files.items():
            path = root / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return write


def test_without_groups_it_is_the_machine(groups):
    assert machine.processors() == 8 and machine.memory() == (10 * GIB, 16 * GIB)


def test_processors_that_are_not_allowed_are_not_counted(groups, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3}, raising=False)
    assert machine.processors() == 1


@pytest.mark.parametrize(
    ("quota", "count"), [("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("max 100000", 8)]
)
def test_a_quota_of_version_2(groups, quota, count):
    groups("0::/\n", cpu_DOT_max=quota)
    assert machine.processors() == count


def test_the_narrowest_of_nested_groups_counts(groups):
    groups(
        "0::/pod/one\n",
        cpu_DOT_max="max 100000",
        pod__cpu_DOT_max="300000 100000",
        pod__one__cpu_DOT_max="max 100000",
    )
    assert machine.processors() == 3


def test_a_quota_of_version_1(groups):
    groups(
        "4:cpu,cpuacct:/docker\n",
        cpu__docker__cpu_DOT_cfs_quota_us="200000",
        cpu__docker__cpu_DOT_cfs_period_us="100000",
    )
    assert machine.processors() == 2
    groups("4:cpu,cpuacct:/docker\n", cpu__docker__cpu_DOT_cfs_quota_us="-1")
    assert machine.processors() == 8


def test_a_limit_of_version_2_without_the_cached_files(groups):
    groups(
        "0::/\n",
        memory_DOT_max=str(2 * GIB),
        memory_DOT_current=str(GIB),
        memory_DOT_stat=f"anon 5\ninactive_file {GIB // 2}\n",
    )
    assert machine.memory() == (3 * GIB // 2, 2 * GIB)


def test_a_limit_of_version_1_and_none(groups):
    groups(
        "7:memory:/box\n",
        memory__box__memory_DOT_limit_in_bytes=str(4 * GIB),
        memory__box__memory_DOT_usage_in_bytes=str(5 * GIB),
    )
    assert machine.memory() == (0, 4 * GIB)
    groups("7:memory:/box\n", memory__box__memory_DOT_limit_in_bytes=str(2**63 - 4096))
    assert machine.memory() == (10 * GIB, 16 * GIB)


@pytest.mark.parametrize("content", ["", "max", "nonsense", "-", "1 2 3"])
def test_files_that_say_nothing_limit_nothing(groups, content):
    groups("0::/\n7:memory\n::::\n", memory_DOT_max=content, cpu_DOT_max=content)
    assert machine.processors() == 8 and machine.memory() == (10 * GIB, 16 * GIB)
