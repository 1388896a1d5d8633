"""What is promised to run elsewhere does: systems, Pythons, processors, and the audit of the pinned packages."""

from __future__ import annotations

import itertools
import re
import shlex
import tomllib

import pytest
import yaml

from course_lib.maintenance.other_processors import PROCESSORS
from course_lib.settings import REPOSITORY

WORKFLOW = REPOSITORY / ".github" / "workflows" / "ci.yml"
JOBS = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
GATING = ("test", "outputs", "container", "audit")


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
    oldest, above = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups()
    assert {entry["python"] for entry in found} == {f"3.{oldest}", f"3.{int(above) - 1}"}
    (setup,) = [step for step in JOBS["test"]["steps"] if "setup-python" in step.get("uses", "")]
    assert setup["with"]["python-version"] == "${{ matrix.python }}"


def test_the_outputs_are_validated_on_every_processor_with_one_thread_and_two():
    assert re.search(
        r"make outputs .*CAPABILITIES=\$\{\{ matrix.capability \}\} THREADS=\$\{\{ matrix.threads \}\}",
        commands("outputs"),
    )
    found = {(entry["capability"], entry["threads"]) for entry in combinations("outputs")}
    assert found == set(itertools.product(PROCESSORS, (1, 2)))


# Options of the audit that leave out no package and no finding; any other may, as --dry-run and --ignore-vuln do.
AUDITING = {"--no-deps", "--disable-pip", "--require-hashes", "--strict"}


def audits_everything(script: str) -> bool:
    """Tell whether a script has one audit, of all pinned packages, from which nothing is left out."""
    lines = [shlex.split(line) for line in script.splitlines() if "pip-audit" in shlex.split(line)[:1]]
    if len(lines) != 1:
        return False
    words, (option, file) = lines[0][1:-2], lines[0][-2:]
    return option in ("--requirement", "-r") and file == "requirements.lock" and set(words) <= AUDITING


def test_the_pinned_packages_are_audited():
    assert audits_everything(commands("audit"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--no-deps --requirement requirements.lock", True),
        ("--strict -r requirements.lock", True),
        ("--dry-run --requirement requirements.lock", False),
        ("--dry --requirement requirements.lock", False),
        ("-d -r requirements.lock", False),
        ("--ignore-vuln PYSEC-2030-1 --requirement requirements.lock", False),
        ("--ignore-vuln=PYSEC-2030-1 --requirement requirements.lock", False),
        ("--skip-editable --requirement requirements.lock", False),
        ("--requirement requirements.lock --dry-run", False),
        ("--requirement requirements.lock; true", False),
        ("--requirement other.lock", False),
        ("requirements.lock", False),
    ],
)
def test_an_audit_that_leaves_something_out_is_seen(words, expected):
    assert audits_everything(f"python -m pip install pip-audit\npip-audit {words}") is expected


def test_an_audit_that_is_not_there_is_seen():
    assert not audits_everything("python -m pip install pip-audit\n# pip-audit -r requirements.lock")


def test_the_makefile_names_the_same_processors():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    (names,) = re.findall(r"^CAPABILITIES \?= (.*)$", makefile, re.MULTILINE)
    assert names.split() == list(PROCESSORS)
    assert "course maintain processors --processors $(CAPABILITIES) --threads $(THREADS)" in makefile


def test_the_website_is_published_only_if_all_of_it_was_built():
    site = yaml.safe_load((WORKFLOW.parent / "site.yml").read_text(encoding="utf-8"))
    build, publish = site["jobs"]["build"], site["jobs"]["publish"]
    assert site[True]["push"] == {"branches": ["main"]}  # YAML reads the word "on" as true
    assert publish["needs"] == "build" and not {"if", "continue-on-error"} & {*build, *publish}
    steps = [step.get("run") or step["uses"] for step in build["steps"]]
    assert steps[-2] == "make site PYTHON=python" and steps[-1].startswith("actions/upload-pages-artifact@")
    assert build["steps"][-1]["with"] == {"path": "build/site"}
    assert not any({"if", "continue-on-error"} & {*step} for step in build["steps"])
    assert site["permissions"] == {"contents": "read"}
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^site: setup\n\t\$\(BIN\)/course site$", makefile, re.MULTILINE)
