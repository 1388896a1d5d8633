"""``make bench``: what is kept, what is not, and when it fails; the measuring itself is not a test's work."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from course_lib.settings import REPOSITORY


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """The command with a file of its own, pages that are only counted, and numbers made up here."""
    monkeypatch.syspath_prepend(str(REPOSITORY))
    module = importlib.import_module("benchmarks.__main__")
    monkeypatch.setattr(module, "BENCHMARKS", tmp_path / "benchmarks.json")
    monkeypatch.setattr(module.settings, "REPOSITORY", tmp_path)
    monkeypatch.setattr(module, "used_by_others", lambda: 1.0)
    monkeypatch.setattr(module, "NAMES", ["one", "two"])
    module.written = []
    monkeypatch.setattr(module, "write_pages", lambda draw: module.written.append(1))
    module.ratios = {"one": 3.0, "two": 1.0}
    monkeypatch.setattr(
        module, "measure", lambda name, _: [{"ratio": module.ratios[name], "target": 2.0 * (name == "one")}]
    )
    return module


def kept(bench) -> dict[str, float]:
    results = json.loads(bench.BENCHMARKS.read_text(encoding="utf-8"))["results"]
    assert all(measured["date"] and measured["versions"]["torch"] for measured in results.values())
    return {name: measured["rows"][0]["ratio"] for name, measured in results.items()}


def test_results_are_kept_and_the_page_is_written(bench):
    assert bench.main([]) == 0
    assert kept(bench) == {"one": 3.0, "two": 1.0} and bench.written == [1]


def test_measuring_one_anew_keeps_the_others(bench):
    bench.main([])
    bench.ratios = {"one": 4.0, "two": 9.0}
    bench.main(["one"])
    assert kept(bench) == {"one": 4.0, "two": 1.0}


def test_what_another_processor_has_measured_last_stays_beside_it(bench, monkeypatch):
    def measured_by(processor: str, ratio: float) -> dict:
        monkeypatch.setattr(bench, "processor_name", lambda: processor)
        bench.ratios["one"] = ratio
        bench.main(["one"])
        return json.loads(bench.BENCHMARKS.read_text(encoding="utf-8"))["results"]["one"]

    def ratios(found: dict) -> list:
        return [part["rows"][0]["ratio"] for part in (found, *filter(None, [found.get("elsewhere")]))]

    assert ratios(measured_by("A", 3.0)) == [3.0]
    assert ratios(measured_by("A", 3.5)) == [3.5]
    assert ratios(measured_by("B", 2.0)) == [2.0, 3.5]
    assert ratios(measured_by("B", 2.5)) == [2.5, 3.5]
    found = measured_by("C", 4.0)
    assert ratios(found) == [4.0, 2.5] and "elsewhere" not in found["elsewhere"]


def test_a_processor_has_a_name(bench):
    name, vectors = bench.processor_name().rsplit(", ", 1)
    assert name and vectors == bench.torch.backends.cpu.get_cpu_capability()


def test_a_missed_target_fails_and_is_kept_and_named(bench, capsys):
    bench.ratios["one"] = 1.5
    assert bench.main([]) == 1
    assert kept(bench)["one"] == 1.5 and "one: 1.50, and the target is 2" in capsys.readouterr().out


def test_on_a_busy_machine_nothing_is_kept(bench, monkeypatch, capsys):
    monkeypatch.setattr(bench, "used_by_others", lambda: 60.0)
    assert bench.main([]) == 1
    assert not bench.BENCHMARKS.exists() and not bench.written
    assert "60% of the processors: nothing is kept" in capsys.readouterr().out


def test_a_dry_run_keeps_nothing(bench):
    assert bench.main(["--dry"]) == 0
    assert not bench.BENCHMARKS.exists() and not bench.written


def test_an_unknown_name_lists_the_known_ones(bench, capsys):
    with pytest.raises(SystemExit):
        bench.main(["three"])
    assert "one, two" in capsys.readouterr().err


PYTHON = """#!/bin/sh
echo "$2" >> "{log}"
case "$2" in benchmarks) exit {first};; *) exit {second};; esac
"""


@pytest.mark.skipif(os.name == "nt" or shutil.which("make") is None, reason="the command is make's")
@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (0, 1), (3, 1)])
def test_a_missed_target_keeps_the_suite_from_nothing_and_fails_in_the_end(tmp_path, first, second):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(PYTHON.format(log=tmp_path / "log", first=first, second=second))
    python.chmod(0o755)
    (tmp_path / ".installed").touch()
    run = subprocess.run(
        ["make", "bench", f"VENV={tmp_path}"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert (tmp_path / "log").read_text().split() == ["benchmarks", "benchmarks.suite_time"]
    assert (run.returncode != 0) is bool(first or second), run.stderr


def test_every_benchmark_of_the_repository_is_found(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY))
    names = importlib.import_module("benchmarks.__main__").NAMES
    assert {"encoder", "masking", "wordpiece"} <= set(names)
    for name in names:
        text = (REPOSITORY / "benchmarks" / f"{name}_speed.py").read_text(encoding="utf-8")
        assert re.search(r"^def main\(\s*repetitions: int = \d+", text, re.MULTILINE), name


def test_every_benchmark_has_a_result_that_is_kept(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY))
    module = importlib.import_module("benchmarks.__main__")
    results = json.loads(module.BENCHMARKS.read_text(encoding="utf-8"))["results"]
    assert set(results) == set(module.NAMES), "run: make bench"
    assert all(measured["rows"] for measured in results.values())


def test_a_benchmark_without_a_target_is_refused(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY))
    module = importlib.import_module("benchmarks.__main__")
    rows = SimpleNamespace(main=lambda repetitions=3: [{"ratio": float(repetitions)}])
    monkeypatch.setattr(module.importlib, "import_module", lambda name: rows)
    with pytest.raises(KeyError, match="a row has no target"):
        module.measure("any", 5)
    rows.main = lambda repetitions=3: [{"ratio": float(repetitions), "target": 1.0}]
    assert [module.measure("any", n)[0]["ratio"] for n in (None, 5)] == [3.0, 5.0]


@pytest.mark.parametrize(
    ("busy", "code", "kept_minutes"), [(3.0, 0, True), (60.0, 0, False), (3.0, 1, False)]
)
def test_the_time_of_the_suite_is_kept_if_it_passed_on_an_idle_machine(
    monkeypatch, tmp_path, busy, code, kept_minutes
):
    monkeypatch.syspath_prepend(str(REPOSITORY))
    module = importlib.import_module("benchmarks.suite_time")
    written, path = [], tmp_path / "suite-time.json"
    monkeypatch.setattr(module, "used_by_others", lambda: busy)
    monkeypatch.setattr(module.subprocess, "call", lambda *_, **__: code)
    monkeypatch.setattr(module, "write_pages", lambda draw: written.append(1))
    monkeypatch.setattr(module, "SUITE_TIME", path)
    assert module.main() == int(not kept_minutes)
    assert path.exists() is kept_minutes is bool(written)
