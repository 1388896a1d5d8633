"""The environment check behind ``course doctor`` and lesson 00.

A finding is ``OK``, ``WARN`` or ``FAIL``. A warning tells of what is slower or less comfortable; only what makes the
lessons impossible fails, and then ``make lab`` stops.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from course_lib import machine, settings
from course_lib.errors import CourseError
from course_lib.files import check_writable
from course_lib.translation import translate

OK, WARN, FAIL = "OK", "WARN", "FAIL"
MEMORY_COMFORTABLE = 4  # GiB free, for one notebook kernel of at most 3 GiB and a browser beside it
MEMORY_NEEDED = 1  # GiB free: below that not even the lightest lessons run
DISK_NEEDED = 1  # GiB free, for caches and checkpoints
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)  # the newest that all pinned packages are made for


Finding = tuple[str, str, str]  # level, what was examined, what was found


def pinned_packages() -> dict[str, str]:
    """Return the packages that ``requirements.txt`` pins, with their versions."""
    text = (settings.REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


def check_jupyter_folders() -> None:
    """Make sure that Jupyter can write where it keeps addresses of kernels, signatures and settings.

    Raises
    ------
    CourseError
        If a folder of these cannot be made or written; Jupyter itself would end in a traceback.
    """
    from jupyter_core import paths

    folders = {
        "JUPYTER_CONFIG_DIR": paths.jupyter_config_dir(),
        "JUPYTER_DATA_DIR": paths.jupyter_data_dir(),
        "JUPYTER_RUNTIME_DIR": paths.jupyter_runtime_dir(),
    }
    for variable, folder in folders.items():
        try:
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            message = translate(
                "Jupyter keeps files in {folder}, which cannot be written ({error}). Set HOME or {variable} "
                "to a folder that can be."
            )
            raise CourseError(message.format(folder=folder, error=error, variable=variable)) from None


def examine() -> Iterator[Finding]:
    """Examine this machine, one finding at a time.

    Yields
    ------
    tuple of (str, str, str)
        The level (``OK``, ``WARN`` or ``FAIL``), what was examined, and what was found (with the remedy where it
        isn't well).
    """
    for probe in PROBES:
        try:
            yield probe()
        except CourseError as error:
            yield FAIL, _name(probe), str(error)
        except (ImportError, OSError) as error:  # a broken machine is what this command is for
            text = translate("cannot be examined: {error}").format(error=error)
            yield FAIL, _name(probe), text


def _name(probe) -> str:
    return translate(probe.__name__.strip("_"))


def _level(well: bool, otherwise: str = FAIL) -> str:
    return OK if well else otherwise


def _clone() -> Finding:
    settings.require_clone()
    return OK, translate("clone"), str(settings.REPOSITORY)


def _python() -> Finding:
    text = platform.python_version()
    well = OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON
    if not well:
        text += translate(
            "; the course needs {oldest} to {newest}: set it up with one of them, such as make lab PYTHON=python{newest}"
        ).format(oldest="{}.{}".format(*OLDEST_PYTHON), newest="{}.{}".format(*NEWEST_PYTHON))
    return _level(well), "Python", text


def _packages() -> Finding:
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
        return FAIL, translate("packages"), text.format(wrong=", ".join(wrong))
    return OK, translate("packages"), translate("{n} packages as pinned").format(n=len(pins))


def _settings() -> Finding:
    current = settings.current()
    text = translate("profile {profile}, seed {seed}").format(profile=current.profile, seed=current.seed)
    return OK, translate("settings"), text


def _weights() -> Finding:
    from course_lib.data.weights import WEIGHTS_SHA256, bundled_weights_folder

    bundled_weights_folder()
    return OK, translate("weights"), f"MiniLM-L6-H384-uncased, SHA-256 {WEIGHTS_SHA256[:12]}…"


def _memory() -> Finding:
    free, total = (size / 2**30 for size in machine.memory())
    text = translate("{free:.1f} of {total:.1f} GiB free").format(free=free, total=total)
    if free >= MEMORY_COMFORTABLE:
        return OK, translate("memory"), text
    text += translate("; {n} GiB are comfortable: close other programs").format(n=MEMORY_COMFORTABLE)
    return WARN if free >= MEMORY_NEEDED else FAIL, translate("memory"), text


def _disk() -> Finding:
    free = shutil.disk_usage(settings.REPOSITORY).free / 2**30
    text = translate("{free:.1f} GiB free").format(free=free)
    if free < DISK_NEEDED:
        text += translate("; {n} GiB are needed: free some space").format(n=DISK_NEEDED)
    return _level(free >= DISK_NEEDED), translate("disk"), text


def _folders() -> Finding:
    """Look whether the lab can be opened, a lesson saved, and progress kept."""
    check_jupyter_folders()
    problems = []
    for folder, consequence in (
        (settings.current().home, translate("progress isn't kept: set COURSE_HOME to another folder")),
        (settings.NOTEBOOKS, translate("what you change in a lesson can't be saved")),
    ):
        try:
            check_writable(folder)
        except CourseError as error:
            problems.append(f"{error} {consequence}")
    if problems:
        return WARN, translate("folders"), "; ".join(problems)
    return OK, translate("folders"), translate("notebooks and progress can be saved")


def _threads() -> Finding:
    threads, processors = settings.current().threads, machine.processors()
    text = translate("{threads} of {processors} processors").format(threads=threads, processors=processors)
    if threads > processors:
        text += translate("; more threads than processors are slower: set COURSE_THREADS={n}").format(
            n=processors
        )
    return _level(threads <= processors, WARN), translate("threads"), text


def _processor() -> Finding:
    import torch

    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        return OK, "GPU", translate("{name}; used with COURSE_PROFILE=full").format(name=name)
    return OK, "GPU", translate("none, and none is needed: the quick profile runs on the processor")


def _hub() -> Finding:
    """Ask the hub whether it is there; it is fine if it isn't, unless the profile is ``full``."""
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    reason = _why_the_hub_is_away(endpoint)
    if not reason:
        return OK, translate("hub"), translate("reachable; COURSE_PROFILE=full uses its data and models")
    if settings.current().profile == "full":
        text = translate(
            "not reachable at {endpoint} ({reason}), and the full profile needs it: unset COURSE_PROFILE, or set HF_ENDPOINT "
            "to a mirror"
        )
        return FAIL, translate("hub"), text.format(endpoint=endpoint, reason=reason)
    text = translate("not reachable ({reason}); nothing of the quick profile needs it")
    return OK, translate("hub"), text.format(reason=reason)


def _why_the_hub_is_away(endpoint: str) -> str:
    """Return in a few words why the hub doesn't answer; an empty text if it does."""
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return translate("HF_HUB_OFFLINE is set")
    import httpx

    try:
        answer = httpx.get(endpoint + "/api/models?limit=1", timeout=4)
        return "" if answer.is_success else translate("status {code}").format(code=answer.status_code)
    # ImportError: a SOCKS proxy wants a package that isn't there. OSError: a certificate file that isn't.
    # ValueError: a proxy or a name that cannot be.
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        return str(error).partition("\n")[0].rstrip(".") or type(error).__name__


PROBES = (
    _clone,
    _python,
    _packages,
    _settings,
    _weights,
    _memory,
    _disk,
    _folders,
    _threads,
    _processor,
    _hub,
)
