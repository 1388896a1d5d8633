"""The environment check behind ``course doctor`` and lesson 00."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata

from course_lib import settings
from course_lib.errors import CourseError
from course_lib.translation import translate

MEMORY_NEEDED = 4  # GiB free, for one notebook kernel of at most 3 GiB and a browser beside it
DISK_NEEDED = 1  # GiB free, for caches and checkpoints
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)  # the newest that all pinned packages are made for


def pinned_packages() -> dict[str, str]:
    """Return the packages that ``requirements.txt`` pins, with their versions."""
    text = (settings.REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


def examine() -> Iterator[tuple[bool, str, str]]:
    """Examine this machine, one finding at a time.

    Yields
    ------
    tuple of (bool, str, str)
        Whether it is well, what was examined, and what was found (with the remedy where it is not well).
    """
    for probe in (_python, _packages, _settings, _weights, _memory, _disk, _threads, _processor, _hub):
        try:
            yield probe()
        except (ImportError, OSError) as error:  # a broken machine is what this command is for
            text = translate("cannot be examined: {error}").format(error=error)
            yield False, probe.__name__.strip("_"), text


def _python() -> tuple[bool, str, str]:
    text = platform.python_version()
    well = OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON
    if not well:
        text += translate(
            "; the course needs {oldest} to {newest}: set it up with one of them, such as make lab PYTHON=python{newest}"
        ).format(oldest="{}.{}".format(*OLDEST_PYTHON), newest="{}.{}".format(*NEWEST_PYTHON))
    return well, "Python", text


def _packages() -> tuple[bool, str, str]:
    wrong = []
    pins = pinned_packages()
    for name, wanted in pins.items():
        try:
            found = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            found = translate("missing")
        if found != wanted:
            wrong.append(f"{name} {found} ({wanted})")
    if wrong:
        text = translate(
            "{wrong}. Install the pinned ones: pip install -r requirements.txt -c requirements.lock"
        )
        return False, translate("packages"), text.format(wrong=", ".join(wrong))
    return True, translate("packages"), translate("{n} packages as pinned").format(n=len(pins))


def _settings() -> tuple[bool, str, str]:
    try:
        found = settings.current()
    except CourseError as error:
        return False, translate("settings"), str(error)
    return (
        True,
        translate("settings"),
        translate("profile {profile}, seed {seed}").format(profile=found.profile, seed=found.seed),
    )


def _weights() -> tuple[bool, str, str]:
    from course_lib.data.weights import WEIGHTS_SHA256, bundled_weights_folder

    try:
        bundled_weights_folder()
    except CourseError as error:
        return False, translate("weights"), str(error)
    return True, translate("weights"), f"MiniLM-L6-H384-uncased, SHA-256 {WEIGHTS_SHA256[:12]}…"


def _memory() -> tuple[bool, str, str]:
    import psutil

    memory = psutil.virtual_memory()
    free, total = memory.available / 2**30, memory.total / 2**30
    text = translate("{free:.1f} of {total:.1f} GiB free").format(free=free, total=total)
    if free < MEMORY_NEEDED:
        text += translate("; {n} GiB are comfortable: close other programs").format(n=MEMORY_NEEDED)
    return free >= MEMORY_NEEDED, translate("memory"), text


def _disk() -> tuple[bool, str, str]:
    free = shutil.disk_usage(settings.REPOSITORY).free / 2**30
    text = translate("{free:.1f} GiB free").format(free=free)
    if free < DISK_NEEDED:
        text += translate("; {n} GiB are needed: free some space").format(n=DISK_NEEDED)
    return free >= DISK_NEEDED, translate("disk"), text


def _threads() -> tuple[bool, str, str]:
    try:
        threads = settings.current().threads
    except CourseError as error:
        return False, translate("threads"), str(error)
    processors = os.cpu_count() or 1
    text = translate("{threads} of {processors} processors").format(threads=threads, processors=processors)
    if threads > processors:
        text += translate("; more threads than processors are slower: set COURSE_THREADS={n}").format(
            n=processors
        )
    return threads <= processors, translate("threads"), text


def _processor() -> tuple[bool, str, str]:
    import torch

    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        return True, "GPU", translate("{name}; used with COURSE_PROFILE=full").format(name=name)
    return True, "GPU", translate("none, and none is needed: the quick profile runs on the processor")


def _hub() -> tuple[bool, str, str]:
    """Ask the hub whether it is there; it is fine if it is not, unless the profile is ``full``."""
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    full = os.environ.get("COURSE_PROFILE", "quick") == "full"
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        reachable = False
    else:
        import httpx

        try:
            reachable = httpx.get(endpoint + "/api/models?limit=1", timeout=4).is_success
        # ValueError: a proxy or a name that cannot be
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            reachable = False
    if reachable:
        return True, translate("hub"), translate("reachable; COURSE_PROFILE=full uses its data and models")
    if full:
        text = translate(
            "not reachable at {endpoint}, and the full profile needs it: unset COURSE_PROFILE, or set HF_ENDPOINT to a mirror"
        )
        return False, translate("hub"), text.format(endpoint=endpoint)
    return True, translate("hub"), translate("not reachable; nothing of the quick profile needs it")
