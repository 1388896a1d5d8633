"""Messages in the reader's language, through gettext.

Everything that the course shows a person (check messages, figure labels, table headings, the
command line) passes through :func:`translate`. English is the language of the source; a catalog
``locale/<language>/LC_MESSAGES/course.mo`` beside this file adds another.
"""

from __future__ import annotations

import gettext
from functools import lru_cache
from pathlib import Path

from course_lib import settings


@lru_cache(maxsize=4)
def _catalog(language: str) -> gettext.NullTranslations:
    return gettext.translation(
        "course", Path(__file__).parent / "locale", languages=[language], fallback=True
    )


def translate(message: str) -> str:
    """Return the message in the language of the settings, or as it is where there is no catalog."""
    return _catalog(settings.language()).gettext(message) if message else message
