"""Notebooks as files: JupyterLab is local with a token; a run that fails changes nothing."""

from __future__ import annotations

import errno
import json
import os
import sys
import webbrowser
from types import SimpleNamespace

import nbclient
import nbformat
import pytest
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib import settings
from course_lib.cli import lab
from course_lib.errors import CourseError
from course_lib.maintenance import notebooks


@pytest.fixture
def called(monkeypatch):
    seen = []
    monkeypatch.setattr(lab.subprocess, "call", lambda command, env: seen.append((command, env)) or 0)
    monkeypatch.setattr(webbrowser, "get", lambda *_: SimpleNamespace())
    return seen


LESSON = settings.NOTEBOOKS / "04_masks.ipynb"


def test_lab_is_local_with_its_token_on(called):
    assert lab.open_lab(LESSON, port=9001) == 0
    ((command, environment),) = called
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert "--ServerApp.ip=127.0.0.1" in command and "--ServerApp.port=9001" in command
    assert "--LabApp.default_url=/lab/tree/notebooks/04_masks.ipynb" in command
    assert f"--ServerApp.root_dir={settings.REPOSITORY}" in command
    assert "--no-browser" not in command
    for switch in ("token", "password", "allow_origin", "0.0.0.0", "disable_check_xsrf", "allow_remote"):
        assert not any(switch in argument for argument in command), switch
    assert "--ServerApp.identity_provider_class=course_lib.cli.lab_identity.FreshIdentityProvider" in command
    assert not any("TOKEN" in name for name in environment.keys() - os.environ.keys())
    assert "--LabApp.news_url=None" in command


def test_the_news_are_off(called, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    lab.open_lab(LESSON)
    own, mine = called[0][1]["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    with open(os.path.join(own, "labconfig", "page_config.json")) as file:
        assert json.load(file)["disabledExtensions"]["@jupyterlab/apputils-extension:announcements"] is True
    assert mine == "/mine"


def test_without_a_browser_the_address_is_printed(called, monkeypatch, capsys):
    def none():
        raise webbrowser.Error("none")

    monkeypatch.setattr(webbrowser, "get", none)
    lab.open_lab(LESSON)
    assert "--no-browser" in called[0][0] and "no browser" in capsys.readouterr().out


def test_no_browser_if_none_is_wanted(called, capsys):
    lab.open_lab(LESSON, browser=False)
    assert "--no-browser" in called[0][0] and capsys.readouterr().out == ""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no root here")
@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_root_is_allowed_only_to_root(called, monkeypatch, user, allowed):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    lab.open_lab(LESSON)
    assert ("--allow-root" in called[0][0]) is allowed


@pytest.mark.parametrize("variable", ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"])
@pytest.mark.parametrize("command", [lab.open_lab, notebooks.run_notebook])
def test_a_folder_of_jupyter_that_cannot_be_written_is_named(
    called, tmp_path, monkeypatch, command, variable
):
    (tmp_path / "file").write_text("no folder can be made in a file", encoding="utf-8")
    monkeypatch.setenv(variable, str(tmp_path / "file" / "inner"))
    with pytest.raises(
        CourseError, match=rf"Jupyter keeps files in .*inner, which .* Set HOME or {variable}"
    ):
        command(LESSON)
    assert not called


def some_notebook():
    outputs = [
        new_output("stream", name="stdout", text="1\n"),
        new_output("stream", name="stderr", text="50%\n"),
        new_output("display_data", data={"text/plain": "x"}, metadata={"image/png": {"width": 3}}),
    ]
    tags = {"tags": ["t"], "course": {"reason": "r"}, "execution": {"iopub.busy": "now"}, "collapsed": True}
    cells = [
        new_markdown_cell("# Title", metadata={"editable": True}),
        new_code_cell("print(1)", outputs=outputs),
    ]
    cells[1].metadata.update(tags)
    return new_notebook(
        cells=cells, metadata={"widgets": {}, "language_info": {"name": "python", "version": "3.11.7"}}
    )


def test_clean_metadata_keeps_what_belongs_to_the_lesson():
    notebook = some_notebook()
    notebooks.clean_metadata(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata["language_info"] == {"name": "python"}
    assert notebook.cells[0].metadata == {}
    assert notebook.cells[1].metadata == {"tags": ["t"], "course": {"reason": "r"}}
    assert [o.get("name", "display") for o in notebook.cells[1].outputs] == ["stdout", "display"]
    assert notebook.cells[1].outputs[1].metadata == {}
    once = nbformat.writes(notebook)
    notebooks.clean_metadata(notebook)
    assert nbformat.writes(notebook) == once
    nbformat.validate(nbformat.reads(once, as_version=4))


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "lessons" / "04_x.ipynb"
    file.parent.mkdir()
    nbformat.write(some_notebook(), file)
    return file


def executing(monkeypatch, action):
    """Let nbclient do something else than start a kernel."""
    seen = {}

    def execute(self, **named):
        seen.update(named["env"])
        action(self)

    monkeypatch.setattr(nbclient.NotebookClient, "execute", execute)
    return seen


def succeed(client):
    for count, cell in enumerate((c for c in client.nb.cells if c.cell_type == "code"), 1):
        cell.execution_count = count
        cell.outputs = [new_output("stream", name="stdout", text="2 — 我\n")]


def test_a_run_replaces_the_file_by_a_clean_one(path, monkeypatch, capsys):
    executing(monkeypatch, succeed)
    notebooks.run_notebook(path)
    content = path.read_bytes()
    assert b"\r" not in content and content.endswith(b"}\n") and not content.endswith(b"\n\n")
    cell = nbformat.read(path, as_version=4).cells[1]
    assert (
        cell.execution_count == 1 and cell.outputs[0].text == "2 — 我\n" and "execution" not in cell.metadata
    )
    assert os.listdir(path.parent) == [path.name]
    assert "04_x: " in capsys.readouterr().out


def test_the_learners_progress_is_not_touched(path, monkeypatch):
    monkeypatch.delenv("COURSE_HOME")
    seen = executing(monkeypatch, succeed)
    notebooks.run_notebook(path)
    assert not seen["COURSE_HOME"].startswith(str(settings.REPOSITORY)) and not os.path.exists(
        seen["COURSE_HOME"]
    )


def raising(error):
    def action(client):
        succeed(client)
        raise error

    return action


@pytest.mark.parametrize(
    "error",
    [
        CellExecutionError("traceback", "NameError", "x"),
        DeadKernelError("Kernel died"),
        FileNotFoundError(
            errno.ENOENT, "No such file or directory", "/old/python"
        ),  # a kernel whose Python is gone
        AssertionError(),
        json.JSONDecodeError("Expecting value", "", 0),  # a kernel.json that is none
    ],
)
def test_a_run_that_fails_changes_nothing(path, monkeypatch, error):
    before = path.read_bytes()
    executing(monkeypatch, raising(error))
    with pytest.raises(CourseError, match="left as it was"):
        notebooks.run_notebook(path)
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


def test_a_run_that_is_interrupted_changes_nothing(path, monkeypatch):
    before = path.read_bytes()
    executing(monkeypatch, raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        notebooks.run_notebook(path)
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


def test_a_full_disk_changes_nothing(path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = path.read_bytes()
    with monkeypatch.context() as patched, pytest.raises(CourseError, match="No space left"):
        executing(monkeypatch, succeed)
        patched.setattr(os, "replace", full)
        notebooks.run_notebook(path)
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"{}", b'{"nbformat": 4, "cells": 3}'])
def test_a_damaged_notebook_is_one_sentence(path, content):
    path.write_bytes(content)
    with pytest.raises(CourseError, match="not a readable notebook") as caught:
        notebooks.run_notebook(path)
    assert "\n" not in str(caught.value) and path.read_bytes() == content


def test_times_are_kept_for_the_readme(path, monkeypatch, tmp_path):
    monkeypatch.setattr(notebooks, "TIMES", tmp_path / "kept" / "run-times.json")
    executing(monkeypatch, succeed)
    notebooks.run_notebook(path, keep_time=True)
    found = json.loads(notebooks.TIMES.read_text())
    assert list(found) == ["04_x"] and set(found["04_x"]) == {"seconds", "gigabytes"}
