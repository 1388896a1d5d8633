"""What the course shows a person, in the person's language, through gettext.

English is the language of the source; a catalog ``locale/<language>/LC_MESSAGES/course.mo`` beside this file
adds another. Text is translated where it is shown, and never before: a figure's texts in ``Picture``, a table's
in ``Table``, an error's and a printed line's when they become text. Code that has something to say only says it:
as a plain string where the text is fixed, as a :class:`Message` where values are filled in, because a catalog can
hold a template but never a text that already has a number in it.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from course_lib import settings


@lru_cache(maxsize=4)
def _catalog(language: str) -> gettext.NullTranslations:
    return gettext.translation(
        "course", Path(__file__).parent / "locale", languages=[language], fallback=True
    )


class Verbatim(str):
    """A text that is the same in every language, such as a token, or one that is translated already."""

    def __str__(self) -> str:
        return self  # libraries that call str() on a label keep what it is


class Message(str):
    """A text that remembers its template and values, so that a catalog need only hold the template.

    It can be used as the English text that it is. Printed, filled into another text or made the argument of an
    exception, it is in the reader's language: ``str(message)`` translates.

    Parameters
    ----------
    template : English text with names in braces, as :meth:`str.format` reads it. Without any values it is
        shown as it stands, braces included.
    values : what the names stand for; another message among them is translated too, any other value is data.
    """

    def __new__(cls, template: str, /, **values: object):
        english = {n: str.__str__(v) if isinstance(v, Message) else v for n, v in values.items()}
        message = super().__new__(cls, template.format(**english) if values else template)
        message.template, message.values = template, values
        return message

    def __str__(self) -> str:
        return Verbatim(translate(self))

    def __format__(self, form: str) -> str:
        return format(translate(self), form)

    def __getnewargs_ex__(self):
        return (self.template,), self.values


def joined(separator: str, texts: Iterable[str]) -> Message:
    """Return texts joined by a separator, each translated by itself."""
    fields = {f"text_{number}": text for number, text in enumerate(texts)}
    return Message(separator.join(f"{{{name}}}" for name in fields), **fields)


def translate(message: str) -> str:
    """Return the message in the language of the settings, or as it is where there is no catalog.

    Parameters
    ----------
    message : a text, or a :class:`Message`; a :class:`Verbatim` stays as it is.
    """
    if isinstance(message, Verbatim):
        return message
    if not message:
        return ""  # not the message: str() of it would ask again. A catalog has its header under this name.
    catalog = _catalog(settings.language())
    if not isinstance(message, Message):
        return catalog.gettext(message)
    template = catalog.gettext(message.template)
    return template.format(**message.values) if message.values else template
