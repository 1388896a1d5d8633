"""Lessons in Colab and Kaggle: the first cell alone, in a folder with nothing in it, with a local clone as its address."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from course_lib import cli
from course_lib.cli import export as command
from course_lib.errors import CourseError, SettingError
from course_lib.lessons import hosted
from course_lib.settings import NOTEBOOKS, REPOSITORY

LESSON = NOTEBOOKS / "04_masked_language_model.ipynb"
SERVICES = ["COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"]
GIT = ["git", "-c", "user.name=course", "-c", "user.email=course@example.org"]
# Stands for the library, so that the address is a small clone: says what the cell has brought about, and where.
STAND_IN = "import os, sys\n\ndef prepare_session():\n    print('prepared', os.getcwd(), sys.path[0])\n"


@pytest.fixture
def address(tmp_path) -> str:
    """A bare repository with a library in it, as the address of a course."""
    source = tmp_path / "source"
    (source / "course_lib" / "lessons").mkdir(parents=True)
    (source / "course_lib" / "__init__.py").touch()
    (source / "course_lib" / "lessons" / "__init__.py").touch()
    (source / "course_lib" / "lessons" / "hosted.py").write_text(STAND_IN)
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Begin"]):
        subprocess.run([*GIT, *arguments], cwd=source, check=True)
    bare = tmp_path / "course.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(source), str(bare)], check=True)
    return bare.as_uri()


def run_cell(address: str, folder: Path, *services: str) -> subprocess.CompletedProcess:
    """Run the cell in a Python of its own that knows no course, and reaches no network through a proxy or git."""
    folder.mkdir(exist_ok=True)
    hidden = ("PYTHONPATH", *SERVICES)
    variables = {name: value for name, value in os.environ.items() if name not in hidden}
    variables |= dict.fromkeys(services, "1") | {"GIT_ALLOW_PROTOCOL": "file", "PYTHONIOENCODING": "utf-8"}
    asked = [sys.executable, "-S", "-c", hosted.first_cell(address)]
    return subprocess.run(asked, cwd=folder, env=variables, capture_output=True, text=True, encoding="utf-8")


@pytest.mark.parametrize("service", SERVICES)
def test_the_cell_fetches_the_course_and_says_so(tmp_path, address, service):
    folder = tmp_path / "content"
    done = run_cell(address, folder, service)
    assert done.returncode == 0, done.stderr
    clone = folder / "bert-course"
    fetched, prepared = done.stdout.splitlines()
    assert fetched == f"Fetching the course from {address} into {clone}."
    assert prepared == f"prepared {folder} {clone}"
    again = run_cell(address, folder, service)  # the kernel was restarted: nothing is fetched twice
    assert again.stdout == f"prepared {folder} {clone}\n"
    inside = run_cell(
        address, clone / "notebooks", service
    )  # the cell is run a second time, in the lessons' folder
    assert inside.stdout == f"prepared {clone / 'notebooks'} {clone}\n"


def test_on_a_laptop_the_cell_does_nothing_and_says_nothing(tmp_path, address):
    folder = tmp_path / "laptop"
    done = run_cell(address, folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "") and not list(folder.iterdir())


def test_a_course_that_cannot_be_fetched_is_told(tmp_path):
    for address in ((tmp_path / "nowhere.git").as_uri(), "https://example.invalid/owner/course"):
        done = run_cell(address, tmp_path / "content", SERVICES[0])
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert "The course wasn't fetched. In Kaggle, switch Internet on" in done.stderr
        assert not (tmp_path / "content" / "bert-course").exists()


def test_the_cell_is_short_and_the_library_is_as_it_says():
    source = hosted.first_cell("address").rstrip()
    assert len(source.splitlines()) <= 22
    assert "from course_lib.lessons.hosted import prepare_session" in source
    code = (
        "import course_lib.lessons.hosted"  # the service may have none of our packages when the cell calls it
    )
    subprocess.run([sys.executable, "-S", "-c", code], cwd=REPOSITORY, check=True)


def notebook_links(notebook) -> list[str]:
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return re.findall(r"\]\(([^)\s]+)\)", "\n".join(texts))


def test_a_copy_is_the_lesson_with_the_cell_in_front_and_links_that_hold(tmp_path):
    lesson = nbformat.read(LESSON, as_version=4)
    path = hosted.export(LESSON, tmp_path, "owner/course")
    made = nbformat.read(path, as_version=4)
    nbformat.validate(made)
    first = made.cells.pop(1)
    assert 'ADDRESS = "https://github.com/owner/course"\n' in first.source and not first.outputs
    assert [cell.id for cell in made.cells] == [cell.id for cell in lesson.cells] and first.id not in [
        cell.id for cell in lesson.cells
    ]
    code = [(cell.source, cell.outputs) for cell in lesson.cells if cell.cell_type == "code"]
    assert [(cell.source, cell.outputs) for cell in made.cells if cell.cell_type == "code"] == code
    links = notebook_links(made)
    assert len(links) == len(notebook_links(lesson)) and all(
        link.startswith(("https://", "#")) for link in links
    )
    here = "https://github.com/owner/course/blob/main/"
    targets = [link.removeprefix(here).partition("#")[0] for link in links if link.startswith(here)]
    assert "notebooks/GLOSSARY.md" in targets and all((REPOSITORY / target).exists() for target in targets)
    elsewhere = (
        f"https://colab.research.google.com/github/owner/course/blob/{hosted.BRANCH}/00_start_here.ipynb"
    )
    assert elsewhere in links


def test_a_copy_is_not_made_without_an_address_nor_over_the_lesson(tmp_path):
    for repository in (None, "", "course", 'owner/course"; import os #'):
        with pytest.raises(SettingError, match="--repository OWNER/NAME"):
            hosted.export(LESSON, tmp_path, repository)
    before = LESSON.read_bytes()
    with pytest.raises(SettingError, match="would replace the lessons"):
        hosted.export(LESSON, NOTEBOOKS, "owner/course")
    assert LESSON.read_bytes() == before and not list(tmp_path.iterdir())


def test_the_command_writes_one_lesson_or_all(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "published_at", lambda: "owner/course")
    assert cli.main(["export", "colab", "4", "--save", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [LESSON.name]
    assert "04_masked_language_model.ipynb is written" in capsys.readouterr().out
    assert cli.main(["export", "colab", "all", "--save", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        path.name for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")
    }
    capsys.readouterr()
    assert cli.main(["export", "colab", "77", "--save", str(tmp_path)]) == 2
    assert cli.main(["export", "nbgrader", "all", "--save", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "There is no lesson" in said and "one lesson at a time" in said


# What is done once the course is there -------------------------------------------------------------


@pytest.fixture
def session(tmp_path, monkeypatch):
    """A service's session: what it has installed can be said, and is changed by installing."""
    there = {name: version for name, version in hosted.pinned_packages().items()}
    monkeypatch.setattr(hosted, "_version", there.get)
    monkeypatch.setattr(hosted.sys, "version_info", (3, 12, 1))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "other")
    return there


def test_where_all_is_there_nothing_is_installed(session, capsys):
    hosted.prepare_session(installer=lambda packages: pytest.fail(f"installed {packages}"))
    assert Path.cwd() == NOTEBOOKS
    assert os.environ["PYTHONPATH"] == os.pathsep.join([str(REPOSITORY), "other"])
    assert capsys.readouterr().out == f"The course is ready. It works in {NOTEBOOKS}.\n"


def test_what_is_missing_is_installed_as_pinned_and_the_kernel_is_left_alone(session, capsys):
    pins = hosted.pinned_packages()
    missing = ("torch", "bertviz", "ruff", "myst-nb", "nbval")
    other = ("numpy", "transformers", "ipykernel", "ipywidgets", "jupyterlab", "pytest")
    for name in missing:
        del session[name]
    session |= dict.fromkeys(other, "1.0")
    asked = []

    def install(packages):
        asked.extend(packages)
        session.update(package.split("==") for package in packages)

    hosted.prepare_session(installer=install)
    assert sorted(asked) == sorted(f"{name}=={pins[name]}" for name in ("torch", "bertviz", "transformers"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Installing 3 packages.") and lines[1].startswith("The course is ready.")
    assert f"numpy 1.0 ({pins['numpy']})" in lines[2] and "torch" not in lines[2]


def test_a_package_that_was_loaded_before_asks_for_a_restart(session, monkeypatch, capsys):
    session["transformers"] = "4.0.0"

    def install(packages):
        session.update(package.split("==") for package in packages)

    monkeypatch.setitem(sys.modules, "transformers", sys)
    hosted.prepare_session(installer=install)
    assert "still has the old transformers. Restart the session" in capsys.readouterr().out


def test_every_pin_is_installed_kept_or_of_no_use_to_a_lesson():
    groups = hosted.OF_THE_KERNEL, hosted.KEPT, hosted.FOR_OTHER_WORK
    pins = set(hosted.pinned_packages())
    assert set().union(*groups) <= pins and sum(map(len, groups)) == len(set().union(*groups))


def test_no_lesson_imports_what_is_left_out():
    left_out = {name.replace("-", "_") for name in hosted.FOR_OTHER_WORK}
    left_out |= {"pptx", "pypandoc", "sphinx", "sphinx_revealjs", "myst_nb"}
    for path in NOTEBOOKS.glob("*.ipynb"):
        code = [
            cell["source"]
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
            if cell["cell_type"] == "code"
        ]
        imported = re.findall(r"^\s*(?:import|from) (\w+)", "\n".join(map("".join, code)), re.MULTILINE)
        assert "course_lib" in imported and not left_out & set(imported), path.name


def test_a_python_that_is_too_old_and_a_pip_that_fails_are_told(session, monkeypatch):
    with pytest.raises(CourseError, match="pip couldn't install what is missing"):
        hosted.install(["--no-index", "course-that-nobody-has==1.0"])
    monkeypatch.setattr(hosted.sys, "version_info", (3, 9, 1))
    with pytest.raises(CourseError, match=r"needs Python 3.11 to 3.13, and this service runs 3.9"):
        hosted.prepare_session()


# The branch that the website's links lead to --------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="the workflow's shell is that of Linux")
def test_the_workflow_publishes_the_copies_on_the_branch_of_the_links(tmp_path, address):
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/site.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["lessons"]["steps"]
    assert workflow["jobs"]["build"]["needs"] == "lessons"
    assert workflow["jobs"]["lessons"]["permissions"] == {"contents": "write"}
    asked = next(step["run"] for step in steps if "export" in step.get("run", ""))
    (arguments,) = re.findall(r"^python -m course_lib\.cli (.+)$", asked)
    options = cli.command_parser().parse_args(arguments.split())
    assert (options.place, options.lesson, options.save) == ("colab", "all", Path("build/colab"))
    clone = tmp_path / "clone"
    for attempt in ("first", "second"):  # the second finds the branch there
        subprocess.run(["git", "clone", "-q", address, str(clone)], check=True)
        (clone / "build/colab").mkdir(parents=True)
        (clone / "build/colab/04_x.ipynb").write_text(attempt)
        subprocess.run(["bash", "-e", "-c", steps[-1]["run"]], cwd=clone, check=True)
        clone.rename(tmp_path / attempt)
    bare = tmp_path / "course.git"
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", hosted.BRANCH], cwd=bare, capture_output=True
    )
    shown = subprocess.run(["git", "show", f"{hosted.BRANCH}:04_x.ipynb"], cwd=bare, capture_output=True)
    assert listed.stdout.decode() == "04_x.ipynb\n" and shown.stdout.decode() == "second"
