"""What is promised to run elsewhere does: systems, Pythons, processors, and the audit of the pinned packages."""

from __future__ import annotations

import itertools
import re
import tomllib

import pytest
import yaml

from course_lib.lessons.other_processors import PROCESSORS
from course_lib.settings import REPOSITORY

WORKFLOW = REPOSITORY / ".github" / "workflows" / "ci.yml"
JOBS = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
GATING = ("test", "outputs", "audit")


def combinations(job: str) -> list[dict]:
    """Return what a job's matrix runs; an entry of ``include`` that changes a value is one more."""
    matrix = dict(JOBS[job]["strategy"]["matrix"])
    more = matrix.pop("include", [])
    return [dict(zip(matrix, values)) for values in itertools.product(*matrix.values())] + more


def commands(job: str) -> str:
    return "\n".join(step.get("run", "") for step in JOBS[job]["steps"])


@pytest.mark.parametrize("job", GATING)
def test_a_job_runs_on_every_change_and_its_failure_counts(job):
    assert "if" not in JOBS[job] and not JOBS[job].get("continue-on-error", False)
    assert not any(step.get("continue-on-error", False) or "if" in step for step in JOBS[job]["steps"])
    assert not re.search(r"\|\| *(true|:|exit 0)", commands(job))


def test_the_suite_runs_on_three_systems_and_on_the_oldest_and_the_newest_python():
    assert "make test" in commands("test")
    found = combinations("test")
    assert {entry["os"].partition("-")[0] for entry in found} == {"ubuntu", "macos", "windows"}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    assert {entry["python"] for entry in found} == {oldest, "3.13"}
    (setup,) = [step for step in JOBS["test"]["steps"] if "setup-python" in step.get("uses", "")]
    assert setup["with"]["python-version"] == "${{ matrix.python }}"


def test_the_outputs_are_validated_on_every_processor_with_one_thread_and_two():
    assert re.search(
        r"make outputs .*CAPABILITIES=\$\{\{ matrix.capability \}\} THREADS=\$\{\{ matrix.threads \}\}",
        commands("outputs"),
    )
    found = {(entry["capability"], entry["threads"]) for entry in combinations("outputs")}
    assert found == set(itertools.product(PROCESSORS, (1, 2)))


def test_the_pinned_packages_are_audited():
    assert re.search(r"^pip-audit .*requirements\.lock$", commands("audit"), re.MULTILINE)


def test_the_makefile_names_the_same_processors():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    (names,) = re.findall(r"^CAPABILITIES \?= (.*)$", makefile, re.MULTILINE)
    assert names.split() == list(PROCESSORS)
    assert "course_lib.lessons.other_processors --processors $(CAPABILITIES) --threads $(THREADS)" in makefile
