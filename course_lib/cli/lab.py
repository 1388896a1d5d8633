"""``course lab``: JupyterLab on a lesson, for this machine alone."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import webbrowser
from pathlib import Path

from course_lib import settings
from course_lib.cli.options import port
from course_lib.lessons.doctor import check_jupyter_folders
from course_lib.maintenance.notebooks import notebook_path
from course_lib.translation import translate

HELP = "open JupyterLab on a lesson"
EXAMPLES = (
    ("course lab 04", "opens lesson 04"),
    ("course lab", "opens lesson 00"),
    ("course lab 04 --no-browser --port 9000", "prints the address, and uses another port"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of this command."""
    parser.add_argument(
        "lesson", nargs="?", default="00", help=translate("number of the lesson (default: 00)")
    )
    parser.add_argument("--no-browser", action="store_true", help=translate("only print the address"))
    parser.add_argument("--port", type=port, default=8888)


def run(options: argparse.Namespace) -> int:
    """Open the lab, and wait until it is closed."""
    return open_lab(notebook_path(options.lesson), browser=not options.no_browser, port=options.port)


def open_lab(notebook: Path, *, browser: bool = True, port: int = 8888, address: str = "127.0.0.1") -> int:
    """Open JupyterLab on a notebook: on localhost only by default, with a fresh token, without a news pop-up.

    What keeps others out stands on the command line, which goes before the reader's own configuration files.

    Parameters
    ----------
    notebook : the notebook to open.
    browser : whether to open a browser; without one the address is printed.
    port : first port to try.
    address : where it listens; no option of the command line changes it.

    Raises
    ------
    CourseError
        If Jupyter cannot write its own folders.
    """
    check_jupyter_folders()
    if browser:
        try:
            webbrowser.get()
        except webbrowser.Error:
            browser = False
            print(
                translate("There is no browser here: open the address that JupyterLab prints below in one.")
            )
    environment = dict(os.environ)
    # JupyterLab looks here for page_config.json, which switches its announcements off.
    own = str(Path(__file__).parents[1] / "jupyter")
    environment["JUPYTER_CONFIG_PATH"] = os.pathsep.join(
        filter(None, [own, environment.get("JUPYTER_CONFIG_PATH", "")])
    )
    command = [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.ip={address}",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={settings.REPOSITORY}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--LabApp.default_url=/lab/tree/{notebook.relative_to(settings.REPOSITORY).as_posix()}",
        "--LabApp.collaborative=False",
        "--ServerApp.identity_provider_class=course_lib.cli.lab_identity.FreshIdentityProvider",
    ]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers run as root; the address is still local only
    return subprocess.call(command, env=environment)
