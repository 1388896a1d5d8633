"""The repository keeps its shape: pins, arrows between the packages, sizes, the two commands."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import course_lib
from course_lib.finetuning import onnx_export
from course_lib.lessons import doctor
from course_lib.settings import REPOSITORY

PIN = re.compile(r"^[A-Za-z0-9][\w.-]*==[\w.]+$")


def read(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def pins(text: str) -> dict[str, str]:
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    assert all(PIN.match(line) for line in lines), [line for line in lines if not PIN.match(line)]
    found = [line.split("==") for line in lines]
    assert len({name.lower() for name, _ in found}) == len(found), "a package is pinned twice"
    return {name.lower().replace("_", "-"): version for name, version in found}


def environment_lines() -> list[str]:
    return re.findall(r"^      - (.+)$", read("environment.yml"), re.MULTILINE)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a clone")
    command = ["git", "-c", "core.quotepath=off", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout.decode()
    found = [REPOSITORY / name for name in listed.split("\0") if name]
    assert len(found) > 50
    return [path for path in found if path.is_file()]


def test_every_pin_is_exact_and_all_three_lists_agree():
    direct, locked = pins(read("requirements.txt")), pins(read("requirements.lock"))
    conda = pins("\n".join(line for line in environment_lines() if not line.startswith("--")))
    assert conda == direct
    assert {name: locked.get(name) for name in direct} == direct


def test_the_lines_for_powershell_do_what_make_does():
    """Whoever has no make gets the same environment: the README's lines are those of the Makefile, in order."""
    (block,) = re.findall(r"```powershell\n(.*?)```", read("README.md"), re.DOTALL)
    typed = [line.strip().replace(".venv\\Scripts\\", "") for line in block.strip().splitlines()]
    recipes = re.findall(r"^(?:setup|\S*/\.installed|lab):.*\n((?:\t.+\n)*)", read("Makefile"), re.MULTILINE)
    made = [line.strip() for recipe in recipes for line in recipe.splitlines() if "python -c" not in line]
    for old, new in (("$(BIN)/", ""), ("$(VENV)", ".venv"), (" --quiet --disable-pip-version-check", "")):
        made = [line.replace(old, new) for line in made]
    made = [line for line in made if not line.startswith("$(PYTHON) -c")]
    (minor,) = re.findall(r"^py -3\.(\d+) ", typed[0])
    oldest, newest = supported_pythons()
    assert oldest <= int(minor) <= newest
    assert [line.replace("$(PYTHON)", f"py -3.{minor}") for line in made] == typed


def test_the_packages_for_onnx_are_those_that_the_message_and_the_page_name():
    extra = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]["onnx"]
    assert pins("\n".join(extra)).keys() == {"onnx", "onnxruntime"}
    assert " ".join(extra) == onnx_export.ONNX and onnx_export.ONNX in read("docs/your-own-task.md")


def test_the_conda_route_ends_like_the_pip_route():
    options = [line for line in environment_lines() if line.startswith("--")]
    assert options == ["--constraint requirements.lock", "--editable ."]
    assert re.search(r"- python=3\.\d+\n  - pip\n", read("environment.yml"))
    assert "  - conda-forge" in read("environment.yml") and "defaults" not in read("environment.yml")


def supported_pythons() -> tuple[int, int]:
    """Return the oldest and the newest minor version that pip takes, from the file: nothing is installed for it."""
    wanted = tomllib.loads(read("pyproject.toml"))["project"]["requires-python"]
    oldest, above = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", wanted).groups()
    return int(oldest), int(above) - 1


def test_the_same_pythons_are_named_everywhere():
    oldest, newest = supported_pythons()
    examined = [doctor.OLDEST_PYTHON, doctor.NEWEST_PYTHON]
    assert examined == [(3, oldest), (3, newest)]
    assert f"You need Python 3.{oldest} to 3.{newest}, git and make." in read("README.md")
    assert f"Python is the one range, 3.{oldest} to 3.{newest}, of which CI" in read("CONTRIBUTING.md")
    (conda,) = re.findall(r"- python=3\.(\d+)$", read("environment.yml"), re.MULTILINE)
    assert oldest <= int(conda) <= newest


def test_make_refuses_a_python_that_is_too_old_or_too_new(monkeypatch):
    (code,) = re.findall(r'^\t\$\(PYTHON\) -c "(.+)"$', read("Makefile"), re.MULTILINE)
    oldest, newest = supported_pythons()
    said = {}
    for minor in range(oldest - 2, newest + 3):
        with monkeypatch.context() as patched, pytest.raises(SystemExit) as stopped:
            patched.setattr(sys, "version_info", (3, minor, 1))
            exec(code)
        said[minor] = stopped.value.code
    assert [minor for minor, message in said.items() if message == 0] == list(range(oldest, newest + 1))
    sentence = f"Python 3.{oldest} to 3.{newest} is needed, and this is "
    assert all(text.startswith(sentence) and "PYTHON=" in text for text in said.values() if text != 0)


def test_no_registry_is_named(tracked):
    hosts = ["pypi" + ".org", "python" + "hosted", "anaconda" + ".org", "anaconda" + ".com", "npmjs" + ".org"]
    hosts += ["npmjs" + ".com", "index" + "-url", "tuna." + "tsinghua", "mirrors." + "aliyun"]
    hosts = [host.encode() for host in hosts]
    found = [
        (p.name, h) for p in tracked for content in [p.read_bytes().lower()] for h in hosts if h in content
    ]
    assert not found


def test_the_repository_is_small(tracked):
    sizes = {str(path.relative_to(REPOSITORY)): path.stat().st_size for path in tracked}
    assert sum(sizes.values()) <= 60e6
    assert not {name: size for name, size in sizes.items() if size > 30e6}


def test_nothing_made_by_a_machine_is_tracked(tracked):
    names = [path.relative_to(REPOSITORY).as_posix() for path in tracked]
    made = (
        r"(^|/)(\.venv|\.course|__pycache__|\.ipynb_checkpoints|\.hypothesis|[^/]+\.egg-info)/|\.part$|\.pyc$"
    )
    assert not [name for name in names if re.search(made, name)]


IMPORT = """
import sys, time
before = time.perf_counter()
import {module}
seconds = time.perf_counter() - before
heavy = [m for m in ("torch", "transformers", "datasets", "numpy", "matplotlib", "gensim") if m in sys.modules]
print(seconds, *heavy)
"""


@pytest.mark.parametrize(
    "module", ["course_lib", "course_lib.cli", "course_lib.lessons", "course_lib.settings"]
)
def test_import_is_quick_and_light(module):
    command = [sys.executable, "-c", IMPORT.format(module=module)]
    runs = [
        subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3)
    ]
    assert all(heavy == [] for _, *heavy in runs), runs
    if module == "course_lib":
        assert min(float(seconds) for seconds, *_ in runs) < 0.3


# package: the packages it may import from. docs/architecture.md draws the same arrows.
GROUND = {"errors", "files", "frontend", "html_text", "machine", "settings", "translation"}
BERT = GROUND | {"bert"}
DATA = BERT | {"data"}
TRAINING = DATA | {"training"}
STUDIES = TRAINING | {"pretraining", "finetuning", "studies"}
TOP = STUDIES | {"figures", "lessons"}
ALLOWED = {
    "__init__": set(),
    "errors": set(),
    "frontend": set(),
    "html_text": set(),
    "machine": set(),
    "settings": {"errors", "machine"},
    "files": {"errors"},
    "translation": {"errors", "settings"},
    "bert": BERT,
    "data": DATA,
    "training": TRAINING,
    "pretraining": TRAINING | {"pretraining"},
    "finetuning": TRAINING | {"finetuning"},
    "studies": STUDIES,
    "figures": STUDIES | {"figures"},
    "lessons": STUDIES | {"lessons"},
    "slides": STUDIES | {"figures", "slides"},
    "classroom": TOP | {"classroom"},
    "maintenance": TOP | {"maintenance"},
    "site": TOP | {"maintenance", "site", "slides"},
    "cli": TOP | {"classroom", "cli", "maintenance", "site", "slides"},
}


def rooms_imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            names = [node.module]
            if node.module == "course_lib":
                names = [f"course_lib.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("course_lib.")}
    return found


MODULES = sorted(
    path.relative_to(REPOSITORY / "course_lib").as_posix()
    for path in (REPOSITORY / "course_lib").rglob("*.py")
)


@pytest.mark.parametrize("module", MODULES)
def test_arrows_point_one_way(module):
    room = module.split("/")[0].removesuffix(".py")
    assert room in ALLOWED, f"{room} is new: say in this test what it may import"
    wrong = rooms_imported(REPOSITORY / "course_lib" / module) - ALLOWED[room]
    assert not wrong, f"course_lib/{module} imports {sorted(wrong)}"


def test_no_package_hands_out_a_name_that_hides_a_module_of_it():
    """``from course_lib.lessons import progress`` is the function, so no module may be called so."""
    for path in (REPOSITORY / "course_lib").rglob("__init__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        package = ".".join(path.parent.relative_to(REPOSITORY).parts)
        names = {
            alias.asname or alias.name for node in imported if node.module != package for alias in node.names
        }
        modules = {other.stem for other in path.parent.glob("*.py")} - {"__init__"}
        assert not names & modules, f"{path}: {sorted(names & modules)}"


def test_the_environment_is_read_in_one_place():
    """HF_* belong to the Hugging Face libraries; what starts other processes passes the environment on."""
    pattern = re.compile(r"(?:environ(?:\.get\(|\[)|getenv\()\s*[\"']COURSE_(?!VALIDATION_HOME)")
    exempt = {"settings.py", "lessons/doctor.py", "maintenance/notebooks.py", "maintenance/validation.py"}
    readers = {m for m in MODULES if pattern.search(read(f"course_lib/{m}"))}
    assert "settings.py" in readers or "_positive_integer" in read("course_lib/settings.py")
    assert readers <= exempt


def test_the_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", course_lib.__version__)
    assert 'version = { attr = "course_lib.__version__" }' in read("pyproject.toml")


def test_ci_runs_what_a_newcomer_runs():
    assert re.search(r"^make test$", read(".ci/run"), re.MULTILINE)
    if os.name != "nt":
        assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)
    workflow = read(".github/workflows/ci.yml")
    assert "make test" in workflow
    systems = re.search(r"os: \[(.+)\]", workflow)[1]
    assert [name.strip().split("-")[0] for name in systems.split(",")] == ["ubuntu", "macos", "windows"]


def test_make_test_runs_tests_notebooks_and_lint():
    makefile = read("Makefile")
    assert re.search(r"^test: lint$", makefile, re.MULTILINE)
    assert re.search(r"^\t.*pytest .*notebooks tests$", makefile, re.MULTILINE)
    assert "-r requirements.txt -c requirements.lock" in makefile
    assert "--nbval " in read("pyproject.toml")


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("course_lib/jupyter/labconfig/page_config.json", "jupyter/**/*.json"),
        ("course_lib/slides/theme/slides.css", "slides/theme/*"),
        ("course_lib/maintenance/lesson_template/notebook.txt", "maintenance/lesson_template/*"),
        ("course_lib/site/theme/static/search.js", "site/theme/**/*"),
    ],
)
def test_files_that_the_package_needs_go_with_it(name, pattern):
    assert (REPOSITORY / name).is_file() and f'"{pattern}"' in read("pyproject.toml")
