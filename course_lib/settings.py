"""Profile, seed, threads and directories: the only place that reads the environment.

=================== ======================================= ============================
variable            meaning                                 default
=================== ======================================= ============================
COURSE_PROFILE      ``quick`` (bundled data, CPU) or        ``quick``
                    ``full`` (hub data, GPU if present)
COURSE_SEED         seed of every random draw               ``42``
COURSE_THREADS      threads that torch may use              logical processors that this
                                                            process may use, at most 2
COURSE_HOME         where progress and caches are kept      ``.course`` in the clone
COURSE_CACHE        where cleaned text is kept              ``.course/cache`` there
COURSE_LANGUAGE     language of messages and figures        ``en``
=================== ======================================= ============================

``HF_ENDPOINT``, ``HF_HUB_OFFLINE`` and ``HF_HOME`` are read by the Hugging Face libraries themselves; so is
``HF_HUB_DISABLE_XET``, which ``course_lib/__init__.py`` sets to 1 where it is not set.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from course_lib import machine
from course_lib.errors import SettingError

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = REPOSITORY / "data"
NOTEBOOKS = REPOSITORY / "notebooks"
RECORDED = DATA / "recorded"
CHECKPOINTS = DATA / "checkpoints"
HOME_WITHOUT_CLONE = (
    "~/.bert-course"  # never beside the installed package: the next upgrade would take it away
)
PROFILES = ("quick", "full")


@dataclass(frozen=True)
class Settings:
    """What the environment asks for.

    Parameters
    ----------
    profile : ``quick`` or ``full``.
    seed : seed of every random draw in the course.
    threads : number of threads torch may use.
    home : folder for the learner's progress.
    cache : folder for what can be made anew, such as cleaned text.
    language : language of messages and figures, an ISO 639 code.
    """

    profile: str
    seed: int
    threads: int
    home: Path
    cache: Path
    language: str


PREPARATIONS: list[Callable[[Settings], None]] = []  # what else is done when a notebook is prepared
MOST_THREADS = 1024  # far more than that, and torch dies without a word


def _positive_integer(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip() or str(default)
    # isdecimal, not isdigit: "²" is a digit. 18 digits: torch and numpy take no larger seed.
    threads = name == "COURSE_THREADS"
    if not text.isdecimal() or len(text) > 18 or (threads and not 1 <= int(text) <= MOST_THREADS):
        raise SettingError(
            f"The environment variable {name} is {text!r}, which is not a whole number that it can be. "
            f"Set {name}={default}, or unset it."
        )
    return int(text)


def _folder(name: str, default: str) -> Path:
    """Return a folder of the environment; one without a beginning is the same wherever Python was started."""
    given = os.environ.get(name, "").strip() or default
    try:
        return REPOSITORY / Path(given).expanduser()
    except RuntimeError:  # ~somebody, whom this machine does not know
        raise SettingError(
            f"The environment variable {name} is {given!r}, and the home of that user is not known. Set {name} to a "
            "folder that begins with /, or unset it."
        ) from None


def is_clone() -> bool:
    """Tell whether the library lies in a clone of the repository, with its notebooks and data beside it."""
    return NOTEBOOKS.is_dir() and DATA.is_dir()


def require_clone() -> None:
    """Refuse to go on where the library was installed without the rest of the repository.

    Raises
    ------
    SettingError
        If notebooks and data aren't there.
    """
    if not is_clone():
        raise SettingError(
            f"The notebooks and data of the course aren't in {REPOSITORY}: the course is used from its clone. "
            "Clone the repository, and in it type: pip install --editable ."
        )


def language() -> str:
    """Return the language of messages and figures; it can be asked for even when other settings are wrong."""
    return os.environ.get("COURSE_LANGUAGE", "").strip() or "en"


@lru_cache(maxsize=1)
def current() -> Settings:
    """Return the settings of this process, read from the environment once.

    Raises
    ------
    SettingError
        If a variable holds a value that the course does not know.
    """
    profile = os.environ.get("COURSE_PROFILE", "").strip() or "quick"
    if profile not in PROFILES:
        raise SettingError(
            f"The environment variable COURSE_PROFILE is {profile!r}, and no profile has that name. "
            f"Set it to one of: {', '.join(PROFILES)}."
        )
    home = ".course" if is_clone() else HOME_WITHOUT_CLONE
    return Settings(
        profile=profile,
        seed=_positive_integer("COURSE_SEED", 42),
        threads=_positive_integer("COURSE_THREADS", min(2, machine.processors())),
        home=_folder("COURSE_HOME", home),
        cache=_folder("COURSE_CACHE", f"{home}/cache"),
        language=language(),
    )


def prepare(seed: int | None = None) -> Settings:
    """Seed every generator and set torch's thread count; call it first in a notebook.

    With the exercises imported and the profile ``full``, an assertion that fails in a later cell is told and
    doesn't stop the lesson (``course_lib.lessons.claims``).

    Parameters
    ----------
    seed : seed to use instead of the one in the settings.

    Returns
    -------
    Settings
        The settings in force.
    """
    import numpy
    import torch

    settings = current()
    seed = settings.seed if seed is None else seed
    random.seed(seed)
    numpy.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    if torch.get_num_threads() != settings.threads:
        torch.set_num_threads(settings.threads)
    for prepare_more in PREPARATIONS:
        prepare_more(settings)
    return settings


def device():
    """Return the torch device of this profile: the CPU for ``quick``, a GPU if there is one for ``full``."""
    import torch

    if current().profile == "full":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
    return torch.device("cpu")
