"""What the course shows a person, in the person's language, through gettext.

English is the language of the source; a catalog ``locale/<language>/LC_MESSAGES/course.mo`` beside this file
adds another. Text is translated where it is shown, and never before: what is made earlier, such as an error or
the message of a check, is a :class:`Message`, which keeps template and values apart. A catalog can hold the
template; it could never hold a text that already has a number in it.
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


class Message:
    """A text with values for its names, translated and filled in when it is printed.

    It can be the argument of an exception: ``str(error)`` is then the text in the reader's language.

    Parameters
    ----------
    template : English text with names in braces, as :meth:`str.format` reads it. Without any values it is
        shown as it stands, braces included.
    values : what the names stand for; another message among them is translated too.
    """

    def __init__(self, template: str, /, **values: object):
        self.template, self.values = template, values

    def __str__(self) -> str:
        text = translate(self.template)
        return text.format(**self.values) if self.values else text

    def __repr__(self) -> str:
        return f"Message({self.template!r})"
