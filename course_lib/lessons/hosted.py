"""Lessons in Colab and Kaggle: a first cell that fetches the course, and what is done there before a lesson runs.

These services open one notebook, without the files beside it, in a kernel with packages of their own. ``course export
colab NN`` writes a lesson with the cell in front. What the cell calls needs the standard library alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from course_lib import settings
from course_lib.errors import CourseError, SettingError
from course_lib.files import write_text
from course_lib.lessons.doctor import NEWEST_PYTHON, OLDEST_PYTHON, pinned_packages
from course_lib.translation import Message, translate

BRANCH = "colab"  # of the repository: the exported lessons, one click away
FIRST_CELL = """\
# In Colab and Kaggle, this cell fetches the course. Anywhere else it does nothing.
import os
import subprocess
import sys
from pathlib import Path

ADDRESS = "{address}"
if {{"COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}} & set(os.environ):
    places = [Path.cwd(), *Path.cwd().parents, Path("bert-course").resolve()]
    folder = next((place for place in places if (place / "course_lib").is_dir()), places[-1])
    if not (folder / "course_lib").is_dir():
        print(f"Fetching the course from {{ADDRESS}} into {{folder}}.")
        command = ["git", "clone", "--quiet", "--depth", "1", ADDRESS, str(folder)]
        fetched = subprocess.run(command, capture_output=True, text=True)
        if fetched.returncode:
            print(fetched.stderr.strip())
            sys.exit("The course wasn't fetched. In Kaggle, switch Internet on, and run this cell again.")
    sys.path.insert(0, str(folder))
    from course_lib.lessons.hosted import prepare_session

    prepare_session()
"""
# Another version of these would replace what the service's kernel itself runs on, and it wouldn't start again.
OF_THE_KERNEL = {"jupyterlab", "ipykernel", "ipywidgets", "nbclient", "nbformat"}
# Large, made for the service's own GPUs, and mostly loaded before the first cell: any version of them is kept.
KEPT = {"torch", "numpy", "scikit-learn", "matplotlib", "tqdm", "psutil"}
# For decks, the website and the tests. No lesson needs them.
FOR_OTHER_WORK = {
    *("nbval", "pytest", "pytest-xdist", "pytest-timeout", "hypothesis", "ruff"),
    *("sphinx-revealjs", "myst-nb", "pydata-sphinx-theme", "sphinx-copybutton", "sphinx-design", "ziamath"),
    *("pypandoc_binary", "python-pptx", "playwright"),
}
RELATIVE = re.compile(r"\]\((?![a-z][a-z0-9+.-]*:|#|/)([^)\s]+)\)")
LESSON = re.compile(r"\d\d_\w+\.ipynb")


def first_cell(address: str) -> str:
    """Return the source of the cell that fetches the course.

    Parameters
    ----------
    address : what ``git clone`` takes.
    """
    return FIRST_CELL.format(address=address)


def hosted_notebook(notebook: Path, repository: str):
    """Return a lesson with the first cell in front of its code, and links that hold away from the clone.

    Parameters
    ----------
    notebook : of the lesson.
    repository : ``owner/name`` on GitHub.
    """
    import nbformat

    made = nbformat.read(notebook, as_version=4)
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = RELATIVE.sub(lambda link: f"]({_address_of(link[1], repository)})", cell.source)
    source = first_cell(f"https://github.com/{repository}").rstrip()
    made.cells.insert(1, nbformat.v4.new_code_cell(source, id="course-anywhere"))
    return made


def _address_of(target: str, repository: str) -> str:
    github = f"https://github.com/{repository}/blob"
    if LESSON.fullmatch(target):
        return f"https://colab.research.google.com/github/{repository}/blob/{BRANCH}/{target}"
    path = os.path.normpath(f"notebooks/{target}").replace(os.sep, "/")
    return f"{github}/main/{path}"


def export(notebook: Path, folder: Path, repository: str | None) -> Path:
    """Write a lesson for Colab and Kaggle into a folder, and return the path.

    Parameters
    ----------
    notebook : of the lesson.
    folder : gets the copy.
    repository : ``owner/name`` on GitHub, from where the copy fetches the course.

    Raises
    ------
    SettingError
        If the address isn't known, or the copy would replace the lesson.
    """
    import nbformat

    if not repository or not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise SettingError(
            translate(
                "It isn't known where on GitHub a copy can fetch the course. Name it: --repository OWNER/NAME"
            )
        )
    if folder.resolve() == notebook.parent.resolve():
        raise SettingError(
            translate("The copies would replace the lessons themselves. Name another folder: --save FOLDER")
        )
    path = folder / notebook.name
    write_text(path, nbformat.writes(hosted_notebook(notebook, repository)) + "\n")
    return path


def missing_packages() -> list[str]:
    """Return the pins that a lesson needs and this kernel lacks, as pip takes them."""
    lacking = []
    for name, wanted in pinned_packages().items():
        if name in OF_THE_KERNEL | FOR_OTHER_WORK:
            continue
        there = _version(name)
        if there is None or (there != wanted and name not in KEPT):
            lacking.append(f"{name}=={wanted}")
    return lacking


def _version(name: str) -> str | None:
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return None


def install(packages: list[str]) -> None:
    """Install packages into this kernel's Python.

    Parameters
    ----------
    packages : as pip takes them.

    Raises
    ------
    CourseError
        If pip can't.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "?").splitlines()[-1]
        message = Message("pip couldn't install what is missing: {last} Run this cell again.", last=last)
        raise CourseError(str(message))


def prepare_session(installer: Callable[[list[str]], None] = install) -> None:
    """Install what a lesson needs and this kernel lacks, go to the lessons' folder, and say what was done.

    Parameters
    ----------
    installer : gets the missing packages.

    Raises
    ------
    CourseError
        If the service's Python is too old or too new, or something can't be installed.
    """
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        raise CourseError(
            translate("The course needs Python {oldest} to {newest}, and this service runs {here}.").format(
                oldest="{}.{}".format(*OLDEST_PYTHON),
                newest="{}.{}".format(*NEWEST_PYTHON),
                here="{}.{}".format(*sys.version_info[:2]),
            )
        )
    lacking = missing_packages()
    loaded = {name: _version(name) for name in pinned_packages() if name.replace("-", "_") in sys.modules}
    if lacking:
        print(
            Message("Installing {count} packages. That may take a few minutes.", count=len(lacking)),
            flush=True,
        )
        installer(lacking)
    os.chdir(settings.NOTEBOOKS)
    paths = [str(settings.REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(
        dict.fromkeys(paths)
    )  # for lessons that start a second process
    print(Message("The course is ready. It works in {folder}.", folder=settings.NOTEBOOKS))
    _tell_of_other_versions()
    replaced = [name for name, version in loaded.items() if _version(name) != version]
    if replaced:
        message = Message(
            "This kernel still has the old {names}. Restart the session, and run this cell again.",
            names=", ".join(replaced),
        )
        print(message)


def _tell_of_other_versions() -> None:
    pins = pinned_packages()
    others = [
        f"{name} {_version(name)} ({pins[name]})" for name in sorted(KEPT) if _version(name) != pins[name]
    ]
    if others:
        message = Message(
            "Kept as they are here, with the course's own version in parentheses: {others}. Your numbers may differ "
            "a little from the stored ones.",
            others=", ".join(others),
        )
        print(message)
