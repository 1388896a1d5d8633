"""The lab as a container's command: ``python -m course_lib.cli.lab_in_container``.

``course lab`` listens on its own machine only, and no option opens it to others. In a container nobody could reach it
there, so this listens on all of the *container's* addresses. Who gets in is decided by ``docker run --publish``, and by
the token as ever.
"""

from __future__ import annotations

import sys
from pathlib import Path

from course_lib.cli.lab import open_lab
from course_lib.errors import CourseError
from course_lib.maintenance.notebooks import notebook_path
from course_lib.translation import translate

MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))  # Docker's and Podman's


def main() -> int:
    """Open lesson 00 for the ports that a container publishes.

    Raises
    ------
    CourseError
        If this isn't a container: a laptop's lab would be open to its whole network.
    """
    if not any(mark.exists() for mark in MARKS):
        raise CourseError(
            translate(
                "This isn't a container of Docker or Podman. On a machine of your own, type: course lab"
            )
        )
    return open_lab(notebook_path("00"), browser=False, address="0.0.0.0")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        sys.exit(2)
