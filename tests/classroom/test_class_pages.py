"""The page for a class: its lines run where that can be, and name nothing that isn't there."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from traitlets import Dict
from traitlets.config import Config, Configurable

from course_lib import cli, settings
from course_lib.classroom.grade_book import collect
from course_lib.lessons import check
from course_lib.lessons.catalog import find_exercise
from course_lib.settings import NOTEBOOKS, REPOSITORY

PAGE = (REPOSITORY / "docs" / "classroom.md").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL)
LINES = [line.strip() for _, code in BLOCKS for line in code.splitlines() if line.strip()]
LESSON = "04_masked_language_model.ipynb"
needs_bash = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None,
    reason="bash lines; PowerShell's are compared with them",
)


def block(language: str, word: str) -> str:
    """Return the one block of the page in a language that has a word."""
    (found,) = [code for name, code in BLOCKS if name == language and word in code]
    return found


def bash(code: str, folder: Path, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", "-c", code],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


# Updates ------------------------------------------------------------------------------------------


@pytest.fixture
def git(tmp_path, monkeypatch):
    """Run git as a person whose settings are empty."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")

    def run(folder: Path, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return run


@pytest.fixture
def clones(tmp_path, git):
    """A course and a student's clone of it, with one real lesson."""
    course = tmp_path / "course"
    (course / "notebooks").mkdir(parents=True)
    shutil.copy(NOTEBOOKS / LESSON, course / "notebooks")
    shutil.copy(REPOSITORY / ".gitignore", course)
    git(course, "init", "--quiet", "--initial-branch", "main")
    git(course, "add", ".")
    git(course, "commit", "--quiet", "--message", "The lesson")
    git(tmp_path, "clone", "--quiet", "course", "student")
    return course, tmp_path / "student"


def write(folder: Path, text: str) -> str:
    """Change the first code cell of the lesson, as a student or the course would, and return the file's text."""
    path = folder / "notebooks" / LESSON
    notebook = json.loads(path.read_text(encoding="utf-8"))
    next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")["source"] = [text]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def move_on(course: Path, git, text: str) -> str:
    written = write(course, text)
    git(course, "commit", "--quiet", "--all", "--message", text)
    return written


def copies(student: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in student.glob(f"notebooks_*/{LESSON}")]


@needs_bash
def test_an_update_keeps_what_a_student_wrote_and_solved(clones, git, tmp_path, monkeypatch):
    course, student = clones
    monkeypatch.setenv("COURSE_HOME", str(student / ".course"))
    settings.current.cache_clear()
    check("4.1", find_exercise("4.1").solution)
    saved = (student / ".course" / "progress.jsonl").read_bytes()
    mine, theirs = write(student, "answer = 'mine'"), move_on(course, git, "'the course moves on'")
    refused = bash("git pull --ff-only", student)
    assert refused.returncode != 0 and (student / "notebooks" / LESSON).read_text(encoding="utf-8") == mine

    done = bash(block("bash", "cp -r notebooks"), student)
    assert done.returncode == 0, done.stderr
    assert (student / "notebooks" / LESSON).read_text(encoding="utf-8") == theirs
    assert copies(student) == [mine]
    assert (student / ".course" / "progress.jsonl").read_bytes() == saved
    (tmp_path / "handed_in").mkdir()
    shutil.copytree(student / ".course", tmp_path / "handed_in" / "ada")
    (learner,) = collect(tmp_path / "handed_in")
    assert learner.lessons[4]["solved"] == 1 and learner.remarks == []
    assert all(line.startswith("?? notebooks_") for line in git(student, "status", "--short").splitlines())


@needs_bash
def test_a_second_update_keeps_the_first_copy(clones, git):
    course, student = clones
    recipe = block("bash", "cp -r notebooks")
    first, _ = write(student, "first = 1"), move_on(course, git, "'one'")
    assert bash(recipe, student).returncode == 0
    (folder,) = student.glob("notebooks_*")
    folder.rename(student / "notebooks_2026-01-01_000000")  # this test doesn't wait for another second
    second, theirs = write(student, "second = 2"), move_on(course, git, "'two'")
    git(student, "add", ".")  # a student who has gone halfway to a commit
    assert bash(recipe, student).returncode == 0
    assert sorted(copies(student)) == sorted([first, second])
    assert (student / "notebooks" / LESSON).read_text(encoding="utf-8") == theirs


@needs_bash
def test_without_a_copy_nothing_is_undone(clones, git, tmp_path):
    course, student = clones
    mine = write(student, "mine = 1")
    move_on(course, git, "'two'")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cp").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")  # a full disk
    (tmp_path / "bin" / "cp").chmod(0o755)
    done = bash(block("bash", "cp -r notebooks"), student, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert done.returncode != 0
    assert (student / "notebooks" / LESSON).read_text(encoding="utf-8") == mine


@needs_bash
def test_commits_of_a_student_are_kept_on_a_branch(clones, git):
    course, student = clones
    mine = write(student, "mine = 1")
    git(student, "commit", "--quiet", "--all", "--message", "Mine")
    theirs = move_on(course, git, "'two'")
    refused = bash("git pull --ff-only", student)
    (said,) = re.findall(r"Does git say \*(.+?)\*\?", PAGE)
    assert refused.returncode != 0 and said in refused.stderr
    done = bash(block("bash", "git branch"), student)
    assert done.returncode == 0, done.stderr
    assert (student / "notebooks" / LESSON).read_text(encoding="utf-8") == theirs
    (branch,) = [b for b in git(student, "branch", "--format=%(refname:short)").split() if b != "main"]
    assert git(student, "show", f"{branch}:notebooks/{LESSON}") == mine.strip()


@pytest.mark.parametrize("word", ["git pull --ff-only", "git branch"])
def test_powershell_calls_git_in_the_same_way(word):
    shells = [code for name, code in BLOCKS if word in code and "sudo" not in code]
    in_bash, in_powershell = (
        re.findall(r"git \w+(?: [\w.\-]+| \"@\{upstream\}\")*", code) for code in shells
    )
    assert in_bash == in_powershell and len(in_bash) >= 2


# A hub --------------------------------------------------------------------------------------------


def test_the_link_opens_a_lesson_of_the_course():
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(block("python", "git-pull"), {})
    link = urlsplit(said.getvalue().strip())
    assert (link.scheme, link.netloc, link.path) == (
        "https",
        "hub.example.org",
        "/hub/user-redirect/git-pull",
    )
    query = {name: value for name, (value,) in parse_qs(link.query).items()}
    assert set(query) == {"repo", "branch", "urlpath"}
    lab, tree, folder, *path = query["urlpath"].split("/")
    assert (lab, tree, folder) == ("lab", "tree", query["repo"].rsplit("/", 1)[1])
    assert REPOSITORY.joinpath(*path).is_file()


def test_the_kernel_of_the_hub_is_the_one_that_lessons_ask_for(tmp_path):
    (line,) = re.findall(r"-m (ipykernel install) --prefix \S+$", PAGE, re.MULTILINE)
    subprocess.run(
        [sys.executable, "-m", *line.split(), "--prefix", str(tmp_path)], check=True, capture_output=True
    )
    (kernel,) = (tmp_path / "share" / "jupyter" / "kernels").iterdir()
    asked = {
        json.loads(path.read_text(encoding="utf-8"))["metadata"]["kernelspec"]["name"]
        for path in NOTEBOOKS.glob("*.ipynb")
    }
    assert asked == {kernel.name}
    assert json.loads((kernel / "kernel.json").read_text(encoding="utf-8"))["argv"][0] == sys.executable


class Spawner(Configurable):
    """What JupyterHub's spawner is here: something with an environment that has been set before."""

    environment = Dict({"SET": "before"}).tag(config=True)


def test_progress_is_kept_in_each_students_home(tmp_path, monkeypatch):
    c = Config()
    exec(block("python", "c.Spawner"), {"c": c})
    environment = Spawner(config=c).environment
    assert environment.pop("SET") == "before"
    for name, value in {**environment, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    settings.current.cache_clear()
    current = settings.current()
    assert (current.home, current.threads) == (tmp_path / ".course", 2)
    assert current.cache.is_relative_to(current.home)  # the shared folder can't be written by students


@needs_bash
@pytest.mark.skipif(sys.platform == "darwin", reason="install of GNU; the hub is on Linux")
def test_logs_are_copied_from_the_homes_of_a_hub(tmp_path):
    for name in ("ada", "ben"):
        log = tmp_path / "home" / f"jupyter-{name}" / ".course" / "progress.jsonl"
        log.parent.mkdir(parents=True)
        log.write_text('{"time": 1, "kind": "hint", "number": "4.1", "outcome": "1"}\n', encoding="utf-8")
    (tmp_path / "home" / "jupyter-new").mkdir()  # hasn't begun
    loop, command = block("bash", "/home/jupyter-").rsplit("done\n", 1)
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    bash(f'sudo() {{ "$@"; }}\n{loop.replace("/home", f"{tmp_path}/home")}done', tmp_path, USER=user)
    arguments = command.split("bin/course ")[1].split()
    learners = list(collect(tmp_path / arguments[arguments.index("collect") + 1]))
    assert [learner.name for learner in learners] == ["jupyter-ada", "jupyter-ben"]
    cli.command_parser().parse_args(arguments)


def test_the_memory_of_a_hub_is_that_of_the_syllabus():
    memory = {row[0]: float(row[1]) for row in re.findall(r"\[(\d\d) · [^|]+\|[^|]+\| (\d+\.\d) \|", README)}
    largest = max(memory.values())
    assert len(memory) > 15
    (lesson, needed, all_of_them) = re.search(
        r"Lesson (\d\d) needs the most, ([\d.]+) GB, so thirty students .+? need ([\d.]+) GB", PAGE
    ).groups()
    assert memory[lesson] == largest == float(needed) and 30 * largest == pytest.approx(float(all_of_them))
    assert int(re.search(r"limits\.memory (\d+)G", PAGE)[1]) >= largest + 1  # JupyterLab itself needs some


# Rooms --------------------------------------------------------------------------------------------


def as_bash(code: str) -> list[str]:
    """Return PowerShell's lines as bash has them."""
    return re.sub(
        r"^python ", "python3 ", code.replace(".venv\\Scripts\\", ".venv/bin/"), flags=re.M
    ).splitlines()


@pytest.mark.parametrize("word", ["pip wheel", "--no-build-isolation"])
def test_windows_has_the_same_lines_without_a_network(word):
    assert as_bash(block("powershell", word)) == block("bash", word).splitlines()


def test_the_wheel_folder_is_filled_with_what_the_room_installs():
    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    wanted = re.search(r"(-r .+)$", block("bash", "pip wheel"), re.MULTILINE)[1]
    assert f"--find-links wheels {wanted}\n" in block("bash", "--no-build-isolation")
    assert set(re.findall(r'"(.+?)"', wanted)) == set(build["requires"])
    assert "--wheel-dir wheels" in block("bash", "pip wheel")
    for name in re.findall(r"-[rc] (\S+)", wanted):
        assert (REPOSITORY / name).is_file()


@pytest.mark.parametrize("command", ["install", "wheel"])
def test_options_of_pip_exist(command):
    told = subprocess.run(
        [sys.executable, "-m", "pip", command, "--help"], capture_output=True, text=True, check=True
    )
    known = set(re.findall(r"--[a-z][a-z-]+", told.stdout))
    lines = [line for line in LINES if f"-m pip {command} " in line]
    used = {option for line in lines for option in re.findall(r"--[a-z][a-z-]+", line)}
    assert lines and used <= known
    variables = set(re.findall(r"`PIP_([A-Z_]+)[`=]", PAGE))
    assert variables and {f"--{name.lower().replace('_', '-')}" for name in variables} <= known


def test_commands_and_targets_of_its_blocks_exist():
    commands = [match[1] for line in LINES if (match := re.search(r"(?:bin/|Scripts\\)course (.+)$", line))]
    assert len(commands) >= 4
    for command in commands:
        cli.command_parser().parse_args(command.split())
    targets = set(
        re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    used = {match[1] for line in LINES if (match := re.search(r"(?:^|sudo )make (\w+)", line))}
    assert used and used <= targets


def test_the_lines_for_windows_install_what_make_does():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    by_make = [
        re.sub(r"--quiet |--disable-pip-version-check ", "", line)
        for line in re.findall(r"-m (pip install .+)$", makefile, re.MULTILINE)
    ]
    (lines,) = re.findall(r"^ *```powershell\n(.+?)^ *```", README, re.MULTILINE | re.DOTALL)
    assert re.findall(r"-m (pip install .+)$", lines, re.MULTILINE) == by_make and len(by_make) == 2


def test_every_block_is_held_by_something_here():
    """A new block of the page needs a test: each known one is told by a word of it."""
    known = (
        "tljh.jupyter.org", "tljh-config", "c.Spawner", "git-pull", "/home/jupyter-", "sudo git pull", "HTTPS_PROXY=http:",
        "$env:HTTPS_PROXY", "ALL_PROXY", "pip wheel", "--no-build-isolation", "cp -r notebooks", "Copy-Item", "git branch",
    )  # fmt: skip
    assert [code for _, code in BLOCKS if not any(word in code for word in known)] == []


def test_both_shells_set_the_same_variables():
    in_bash = re.findall(r"^export (\w+)=(\S+)$", block("bash", "HTTPS_PROXY=http:"), re.MULTILINE)
    in_powershell = re.findall(r'^\$env:(\w+) = "(\S+)"$', block("powershell", "$env:"), re.MULTILINE)
    assert in_bash == in_powershell and len(in_bash) == 2
