"""What is wrong with the site's sources: one sentence each, and the rest of the build goes on."""

from __future__ import annotations

from course_lib.errors import CourseError
from course_lib.translation import Message


class SiteError(CourseError):
    """The website cannot be built at all."""


class Problems(list):
    """The sentences that a build has collected, each of them once."""

    def add(self, template: str, **values: object) -> None:
        """Keep a sentence.

        Parameters
        ----------
        template, values : the sentence, as :class:`~course_lib.translation.Message` takes it.
        """
        sentence = str(Message(template, **values))
        if sentence not in self:
            self.append(sentence)
