"""Keras 3 with torch below it: the one place of the course that imports Keras.

Keras chooses what it computes with once, when it is imported, and writes that choice into a folder of the
user's home; while it's imported, it also draws from Python's generator. None of that is to be noticed
elsewhere: the folder is one in the course's cache, and the draws are taken back.
"""

from __future__ import annotations

import os
import random
import sys

from course_lib import settings
from course_lib.errors import SettingError

BACKEND = "torch"


def refuse_backend(name: str) -> None:
    """Refuse any backend other than torch, which the encoder is written in.

    Raises
    ------
    SettingError
        If Keras computes, or would compute, with something else.
    """
    if name != BACKEND:
        raise SettingError(
            f"Keras is set to compute with {name!r}, and the encoder is written in torch. Restart the kernel and set "
            "the environment variable KERAS_BACKEND to torch, or to nothing, before Keras is imported."
        )


if "keras" in sys.modules:
    refuse_backend(sys.modules["keras"].config.backend())
else:
    refuse_backend(os.environ.get("KERAS_BACKEND") or BACKEND)
    os.environ["KERAS_BACKEND"] = BACKEND
    os.environ.setdefault("KERAS_HOME", str(settings.current().cache / "keras"))
_draws = random.getstate()
import keras  # noqa: E402 - the environment comes first

random.setstate(_draws)

__all__ = ["keras"]
