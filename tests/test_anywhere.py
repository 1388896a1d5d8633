"""The course elsewhere: the image, Codespaces and Binder name files, commands and versions that the repository has."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import PurePosixPath

import pytest
import yaml

from course_lib import cli
from course_lib.cli import lab, lab_in_container
from course_lib.errors import CourseError
from course_lib.settings import REPOSITORY


def read(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def instructions(text: str) -> list[tuple[str, str]]:
    """Return a Dockerfile's instructions and what follows each, continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in joined.splitlines()]


DOCKERFILE = instructions(read("Dockerfile"))
DEVCONTAINER = json.loads(read(".devcontainer/devcontainer.json"))
TARGETS = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))


def values(instruction: str) -> list[str]:
    return [rest for name, rest in DOCKERFILE if name == instruction]


def stages() -> dict[str, str]:
    """Return each stage's name, and the image or stage that it's made from."""
    return {name: image for image, name in (rest.split(" AS ") for rest in values("FROM"))}


def shell_commands(text: str) -> list[list[str]]:
    """Return the words of each command in a script."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [shlex.split(part) for line in lines for part in line.split("&&")]


# The image ------------------------------------------------------------------------------------------


def test_the_image_ends_as_a_person_and_not_as_root():
    last_stage = DOCKERFILE[max(i for i, (name, _) in enumerate(DOCKERFILE) if name == "FROM") :]
    users = [rest for name, rest in last_stage if name == "USER"]
    assert users == ["learner"] and any("useradd" in rest and "learner" in rest for rest in values("RUN"))
    copied = [rest for rest in values("COPY")]
    assert copied and all(rest.startswith("--chown=learner:learner ") for rest in copied)


def test_what_the_image_copies_is_there():
    for rest in values("COPY"):
        *sources, _ = rest.split()[1:]
        assert all((REPOSITORY / source).exists() for source in sources)
    ignored = [line for line in read(".dockerignore").splitlines() if line and not line.startswith("#")]
    for name in (
        "requirements.txt",
        "requirements.lock",
        "pyproject.toml",
        "Makefile",
        "course_lib",
        "notebooks",
        "data",
    ):
        assert not any(PurePosixPath(name).match(pattern) for pattern in ignored), name


def test_the_image_leaves_out_what_git_leaves_out():
    ignored = {line.strip("/").removeprefix("**/") for line in read(".dockerignore").splitlines()}
    assert {line.strip("/") for line in read(".gitignore").splitlines()} <= ignored and ".git" in ignored


def test_the_image_is_of_a_python_that_the_course_supports_and_is_named_the_same_everywhere():
    (minor,) = re.findall(r"^python:3\.(\d+)-slim$", stages()["base"])
    wanted = tomllib.loads(read("pyproject.toml"))["project"]["requires-python"]
    oldest, above = map(int, re.fullmatch(r">=3\.(\d+),<3\.(\d+)", wanted).groups())
    assert oldest <= int(minor) < above
    assert read("binder/runtime.txt") == f"python-3.{minor}\n"
    assert re.search(rf"- python=3\.{minor}$", read("environment.yml"), re.MULTILINE)


def test_the_image_installs_the_pins_as_make_does():
    runs = "\n".join(values("RUN"))
    assert "pip install --quiet --disable-pip-version-check -r requirements.txt -c requirements.lock" in runs
    assert not re.search(r"\b\w[\w-]*==", runs), "a version of its own"
    (made,) = [words for run in values("RUN") for words in shell_commands(run) if words[0] == "make"]
    assert made == ["make", "setup", "VENV=/environment"] and "setup" in TARGETS
    assert "PATH=/environment/bin:$PATH" in " ".join(values("ENV"))
    assert re.search(r"^VENV := ", read("Makefile"), re.MULTILINE)


def test_the_image_is_built_as_linters_ask():
    """What hadolint finds most: no tag or ``latest``, ADD, sudo, apt without cleaning up, relative WORKDIR, shell CMD."""
    images = [image for image in stages().values() if image not in stages()]
    assert all(re.fullmatch(r"[a-z]+:\d[\w.-]*", image) for image in images), "a tag, and no registry's host"
    assert not values("ADD") and not values("MAINTAINER") and not re.search(r"\bsudo\b", read("Dockerfile"))
    for run in values("RUN"):
        if "apt-get install" in run:
            assert "--yes" in run and "--no-install-recommends" in run and "apt-get update &&" in run
            assert run.endswith("rm -rf /var/lib/apt/lists/*")
        assert not re.search(r"\bcd /|curl .*\| *(ba)?sh", run)
    assert (
        all(rest.startswith("/") for rest in values("WORKDIR")) and "PIP_NO_CACHE_DIR=1" in values("ENV")[0]
    )
    assert len(values("CMD")) == 1 and json.loads(values("CMD")[0])


def test_the_command_of_the_image_is_the_lab_on_the_port_that_it_names(monkeypatch, tmp_path):
    command = json.loads(values("CMD")[0])
    assert command == ["python", "-m", lab_in_container.__name__]
    started = []
    monkeypatch.setattr(lab, "check_jupyter_folders", lambda: None)
    monkeypatch.setattr(lab.subprocess, "call", lambda words, env: started.append(words) or 0)
    monkeypatch.setattr(lab_in_container, "MARKS", (tmp_path,))
    assert lab_in_container.main() == 0
    (words,) = started
    assert "--ServerApp.ip=0.0.0.0" in words and "--no-browser" in words
    assert f"--ServerApp.port={values('EXPOSE')[0]}" in words
    assert any("FreshIdentityProvider" in word for word in words), "the token is asked for as ever"


def test_outside_a_container_the_lab_isnt_opened_to_the_network(monkeypatch, tmp_path):
    monkeypatch.setattr(lab.subprocess, "call", lambda *_, **__: pytest.fail("the lab was opened"))
    monkeypatch.setattr(lab_in_container, "MARKS", (tmp_path / "none",))
    with pytest.raises(CourseError, match="isn't a container"):
        lab_in_container.main()


def docker_answers() -> bool:
    if not shutil.which("docker"):
        return False
    return not subprocess.run(["docker", "info"], capture_output=True, timeout=60).returncode


@pytest.mark.timeout(3600)
@pytest.mark.skipif(
    "COURSE_TEST_IMAGE" not in os.environ, reason="takes many minutes; CI's job `container` does it"
)
def test_the_image_can_be_built():
    if not docker_answers():
        pytest.skip("there is no docker here, or its daemon doesn't run")
    subprocess.run(["docker", "build", "--quiet", "--tag", "bert-course", "."], cwd=REPOSITORY, check=True)
    subprocess.run(["docker", "run", "--rm", "bert-course", "course", "doctor"], check=True)


def test_ci_builds_the_image_and_opens_its_lab():
    job = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"]["container"]
    commands = [words for step in job["steps"] for words in shell_commands(step.get("run", ""))]
    assert ["docker", "build", "--quiet", "--tag", "bert-course", "."] in commands
    assert ["docker", "run", "--rm", "bert-course", "course", "doctor"] in commands
    published = f"127.0.0.1:{values('EXPOSE')[0]}:{values('EXPOSE')[0]}"
    assert any(words[:2] == ["docker", "run"] and published in words for words in commands)


# Codespaces and other dev containers ----------------------------------------------------------------

# The keys used of the public schema, and the type of each.
SCHEMA = {
    "name": str,
    "build": dict,
    "remoteUser": str,
    "hostRequirements": dict,
    "updateContentCommand": str,
    "remoteEnv": dict,
    "forwardPorts": list,
    "portsAttributes": dict,
    "customizations": dict,
}


def test_the_dev_container_is_as_its_schema_says():
    assert {key: type(value) for key, value in DEVCONTAINER.items()} == SCHEMA
    assert set(DEVCONTAINER["build"]) <= {"dockerfile", "context", "target", "args"}
    needs = DEVCONTAINER["hostRequirements"]
    assert isinstance(needs["cpus"], int) and re.fullmatch(r"\d+[tgmk]b", needs["memory"])
    assert set(DEVCONTAINER["portsAttributes"]) == {str(port) for port in DEVCONTAINER["forwardPorts"]}
    for attributes in DEVCONTAINER["portsAttributes"].values():
        assert attributes["onAutoForward"] in {"notify", "openBrowser", "openPreview", "silent", "ignore"}


def test_the_dev_container_is_built_from_a_stage_that_has_all_it_runs():
    build, folder = DEVCONTAINER["build"], REPOSITORY / ".devcontainer"
    assert (folder / build["dockerfile"]).resolve() == REPOSITORY / "Dockerfile"
    assert (folder / build["context"]).resolve() == REPOSITORY
    assert build["target"] in stages()
    base = DOCKERFILE[: [rest for _, rest in DOCKERFILE].index(values("FROM")[1])]
    installed = " ".join(rest for name, rest in base if name == "RUN")
    assert (
        " git make " in installed
        and f"useradd --create-home --uid 1000 --shell /bin/bash {DEVCONTAINER['remoteUser']}" in installed
    )


def test_the_dev_container_sets_the_course_up_and_forwards_its_port():
    program, target = DEVCONTAINER["updateContentCommand"].split()
    assert program == "make" and target in TARGETS
    (port,) = DEVCONTAINER["forwardPorts"]
    assert cli.command_parser().parse_args(["lab"]).port == port
    assert DEVCONTAINER["remoteEnv"]["PATH"].startswith("${containerWorkspaceFolder}/.venv/bin:")
    custom = DEVCONTAINER["customizations"]
    assert custom["vscode"]["settings"]["python.defaultInterpreterPath"].endswith("/.venv/bin/python")
    assert all((REPOSITORY / name).is_file() for name in custom["codespaces"]["openFiles"])


# Binder ---------------------------------------------------------------------------------------------


def test_binder_installs_the_pins_as_make_does():
    lines = [line for line in read("binder/requirements.txt").splitlines() if not line.startswith("#")]
    assert lines == ["-r ../requirements.txt", "-c ../requirements.lock"]
    assert all((REPOSITORY / "binder" / line.split()[1]).resolve().is_file() for line in lines)
    names = {path.name for path in (REPOSITORY / "binder").iterdir()}
    assert names == {"requirements.txt", "runtime.txt", "postBuild"}, (
        "environment.yml or a Dockerfile would win"
    )


def test_pip_reads_the_paths_of_binders_list_from_its_folder():
    from pip._internal.network.session import PipSession
    from pip._internal.req.req_file import parse_requirements

    found = list(parse_requirements(str(REPOSITORY / "binder" / "requirements.txt"), session=PipSession()))
    required, allowed = (
        {line.requirement.lower().replace("_", "-") for line in found if line.constraint is constraint}
        for constraint in (False, True)
    )
    assert required <= allowed and [pin for pin in required if pin.startswith("torch==")]


@pytest.mark.skipif(os.name == "nt", reason="git keeps the mark of a program, and Windows doesn't show it")
def test_binder_can_run_what_comes_after():
    path = REPOSITORY / "binder" / "postBuild"
    text = path.read_text(encoding="utf-8")
    assert os.access(path, os.X_OK) and text.startswith("#!/usr/bin/env bash\n") and "\r" not in text
    assert subprocess.run(["bash", "-n", str(path)]).returncode == 0
    commands = shell_commands(text)
    assert ["set", "-euo", "pipefail"] in commands
    assert any(
        words[:4] == ["python", "-m", "pip", "install"] and words[-2:] == ["--editable", "."]
        for words in commands
    )


# Each way is on one page ----------------------------------------------------------------------------


def test_the_page_says_the_commands_that_the_files_hold():
    page = read("docs/anywhere.md")
    port = values("EXPOSE")[0]
    assert "docker build --tag bert-course ." in page
    assert f"--publish 127.0.0.1:{port}:{port}" in page, "the laptop's own address, not its network"
    assert f"{values('WORKDIR')[0]} " in page, "where the volume is mounted"
    assert "course export colab" in page and "make lab" in page
