"""``course site``."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from pathlib import Path

from course_lib import settings
from course_lib.translation import Message, translate

HELP = "build the website from the notebooks as they are: lessons, decks, glossary, search"
EXAMPLES = (
    ("course site", "the whole website, in build/site"),
    ("course site --decks none --output my-site", "without the decks, and sooner"),
)
ON_GITHUB = re.compile(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    parser.add_argument(
        "--decks",
        choices=["all", "html", "none"],
        default="all",
        help=translate("which decks go with it: HTML, PDF and PPTX, the HTML alone, or none"),
    )
    parser.add_argument(
        "--repository",
        metavar="OWNER/NAME",
        help=translate("where lessons can be opened on GitHub (default: what git or the workflow says)"),
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=settings.REPOSITORY / "build" / "site",
        help=translate("folder for the site (default: build/site)"),
    )


def run(options: argparse.Namespace) -> int:
    """Build the site, and print a sentence for each thing that is wrong with it."""
    from course_lib.site.build import build_site
    from course_lib.site.problems import SiteError

    repository = options.repository or published_at()
    try:
        problems = build_site(options.output, decks=options.decks, repository=repository)
    except OSError as error:  # a full disk, or a file that may not be read
        raise SiteError(str(Message("The site can't be written: {error}.", error=str(error)))) from error
    for sentence in problems:
        print(sentence)
    if problems:
        print(Message("{count} things are wrong; everything else was built.", count=len(problems)))
    return 1 if problems else 0


def published_at() -> str | None:
    """Return ``owner/name`` of the clone on GitHub, or None."""
    if os.environ.get("GITHUB_REPOSITORY"):
        return os.environ["GITHUB_REPOSITORY"]
    try:
        command = ["git", "remote", "get-url", "origin"]
        asked = subprocess.run(command, cwd=settings.REPOSITORY, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = ON_GITHUB.search(asked.stdout.strip())
    return found[1] if found else None
