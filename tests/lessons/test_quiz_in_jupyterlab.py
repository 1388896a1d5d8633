"""The quiz in a real JupyterLab: buttons for a person, the folded quiz once the kernel is gone."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import nbformat
import pytest

from course_lib import settings
from course_lib.lessons.catalog import exercise_module
from course_lib.slides.browser import find_browser

LESSON, TOKEN, SECONDS = 4, "quiz", 60
OPTIONS = sum(len(question.options) for question in exercise_module(LESSON).QUIZ)
BUTTONS = ".course-quiz-option button"
# What is wider than its place, and neither shows nor cuts off the rest.
SCROLLED = """() => [...document.querySelectorAll('.jp-OutputArea-output, .course-quiz, .course-quiz *')]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))
  .map((e) => e.className)"""

pytestmark = pytest.mark.skipif(find_browser() is None, reason="there is no browser on this machine")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def jupyterlab(folder):
    """Run JupyterLab on a folder, with settings of its own, and yield its address."""
    port = free_port()
    places = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    paths = os.pathsep.join(filter(None, (str(settings.REPOSITORY), os.environ.get("PYTHONPATH"))))
    home = {"COURSE_HOME": str(folder / "home"), "PYTHONPATH": paths}
    options = [
        f"--port={port}",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.user_settings_dir={folder / 'settings'}",
        f"--LabApp.workspaces_dir={folder / 'workspaces'}",
    ]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *options],
        env={**os.environ, **places, **home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: urllib.request.urlopen(f"{address}/api?token={TOKEN}").status == 200)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=SECONDS)


def wait_for(condition) -> None:
    """Wait until a condition holds; an error of the network means that it doesn't yet."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def end_kernels(address: str) -> None:
    with urllib.request.urlopen(f"{address}/api/sessions?token={TOKEN}") as answer:
        sessions = json.load(answer)
    for session in sessions:
        name = f"{address}/api/sessions/{session['id']}?token={TOKEN}"
        urllib.request.urlopen(urllib.request.Request(name, method="DELETE")).close()


def open_notebook(page, address: str) -> None:
    page.goto(f"{address}/lab/tree/quiz.ipynb?token={TOKEN}&reset")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()


def test_a_quiz_is_clicked_kept_and_folded_again(tmp_path):
    from playwright.sync_api import expect, sync_playwright

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(f"from course_lib.lessons import quiz\n\nquiz({LESSON})")]
    )
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
    path = tmp_path / "quiz.ipynb"
    nbformat.write(notebook, path)
    progress = tmp_path / "home" / "progress.jsonl"
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    arguments = ["--disable-gpu", *(["--no-sandbox"] if root else [])]
    with jupyterlab(tmp_path) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_browser()), args=arguments)
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        page.set_default_timeout(SECONDS * 1000)

        # A person runs the cell: there are buttons and no folded quiz.
        open_notebook(page, address)
        page.get_by_text("(ipykernel) | Idle").wait_for()
        page.get_by_text("Run", exact=True).first.click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.locator(BUTTONS).nth(OPTIONS - 1).wait_for()
        assert page.locator(BUTTONS).count() == OPTIONS
        expect(page.locator("details:visible")).to_have_count(0)

        # The keyboard is enough; what is chosen is explained and kept.
        page.locator(BUTTONS).first.focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.locator(".course-quiz [role=alert]").wait_for()
        (event,) = map(json.loads, filter(None, progress.read_text(encoding="utf-8").splitlines()))
        assert (event["number"], event["answer"]) == (f"{LESSON}.q1", "b")
        shown = page.locator(".course-quiz [role=alert]").inner_text()
        assert re.sub(r"^. \S+ ", "", shown) == exercise_module(LESSON).QUIZ[0].options[1].explanation
        assert page.evaluate(SCROLLED) == []

        # Saved, and opened again without the kernel: the folded quiz, and no error in place of the widget.
        page.keyboard.press("Control+s")
        wait_for(lambda: "widget-view" in path.read_text(encoding="utf-8"))
        end_kernels(address)
        open_notebook(page, address)
        expect(page.locator("details:visible")).to_have_count(OPTIONS)
        page.get_by_text("Error displaying widget").wait_for(state="attached")
        assert not page.get_by_text("Error displaying widget").is_visible()
        assert page.locator(BUTTONS).count() == 0
        browser.close()
