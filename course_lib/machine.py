"""What this process may use of the machine: processors and memory, within the limits of a container."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CGROUPS = Path("/sys/fs/cgroup")  # where Linux shows the limits of its groups of processes
OWN_GROUPS = Path("/proc/self/cgroup")  # the groups of this process
UNLIMITED = 2**60  # bytes; version 1 writes a number above this where there is no limit


class Memory(NamedTuple):
    """Bytes of memory that this process could still take, and that there are for it in all."""

    free: int
    total: int


def processors() -> int:
    """Return how many logical processors this process may use: those allowed to it, within its quota of time."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(1, min([allowed, *map(math.ceil, _quotas())]))


def memory() -> Memory:
    """Return the memory for this process: the lesser of the machine's and of its container's."""
    import psutil

    machine = psutil.virtual_memory()
    free, total = machine.available, machine.total
    for folder in _group_folders("memory"):
        limit = _number(folder / "memory.max", folder / "memory.limit_in_bytes")
        if limit is None or limit >= UNLIMITED:
            continue
        used = _number(folder / "memory.current", folder / "memory.usage_in_bytes") or 0
        # Cached pages of files count as used, and go when memory is wanted.
        used -= _field(folder / "memory.stat", "inactive_file") or _field(
            folder / "memory.stat", "total_inactive_file"
        )
        free, total = min(free, max(0, int(limit - used))), min(total, int(limit))
    return Memory(free, total)


def _quotas() -> Iterator[float]:
    """Yield the processors' time that each group of this process may take, in processors."""
    for folder in _group_folders("cpu"):
        words = _text(folder / "cpu.max").split()
        if len(words) == 2 and words[0].isdigit() and int(words[1]):
            yield int(words[0]) / int(words[1])
        quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        if quota and period and quota > 0:
            yield quota / period


def _group_folders(controller: str) -> Iterator[Path]:
    """Yield the folders of this process's groups and of those above them, in both versions of Linux's groups."""
    for line in _text(OWN_GROUPS).splitlines():
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0":
            root = CGROUPS
        elif controller in controllers.split(","):
            root = CGROUPS / controllers
            if not root.is_dir():
                root = CGROUPS / controller
        else:
            continue
        folder = root / path.strip("/")
        while True:
            if folder.is_dir():
                yield folder
            if folder == root:
                break
            folder = folder.parent


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _number(*paths: Path) -> float | None:
    """Return the number in the first file that holds one."""
    for path in paths:
        try:
            return float(_text(path))
        except ValueError:
            continue
    return None


def _field(path: Path, name: str) -> int:
    """Return a field of a file with a name and a number on each line, 0 if it isn't there."""
    for line in _text(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.strip().isdigit():
            return int(value)
    return 0
