"""Other processors are imitated in all four libraries at once, and only where the real one can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import nbformat
import pytest
import torch

from course_lib import cli, settings
from course_lib.errors import RecordError
from course_lib.maintenance import other_processors
from course_lib.maintenance.other_processors import PROCESSORS, environment_of, runs_here

AVX2 = {"architecture": "x86_64", "avx2": True, "fma3": True, "avx512_f": False}
AVX512 = AVX2 | dict.fromkeys(("avx512_f", "avx512_vl", "avx512_bw", "avx512_dq"), True)
ARM = {"architecture": "arm64", "neon": True}


def processors(words: list[str]) -> int:
    return cli.main(["maintain", "processors", *words])


@pytest.fixture
def record(tmp_path):
    return tmp_path / "other-processors.json"


@pytest.fixture
def runs(monkeypatch, record):
    """The runs that would have been made, and what each returns."""
    seen, answers = [], {}

    def call(command, cwd, env):
        seen.append((command, env))
        return answers.get((env["ATEN_CPU_CAPABILITY"], env["COURSE_THREADS"]), 0)

    monkeypatch.setattr(other_processors.subprocess, "call", call)
    monkeypatch.setattr(
        other_processors, "note_validated", partial(other_processors.note_validated, path=record)
    )
    return seen, answers


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        (AVX512, {"default", "avx2", "avx512"}),
        (AVX2, {"default", "avx2"}),
        (AVX512 | {"avx512_vl": False}, {"default", "avx2"}),  # PyTorch needs all four parts
        (ARM, {"default"}),
    ],
)
def test_a_processor_is_imitated_only_where_its_instructions_are(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert {name for name in PROCESSORS if runs_here(name)} == expected


def test_what_cannot_run_is_one_line_and_the_rest_goes_on(monkeypatch, runs, record, capsys):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: AVX2)
    assert processors(["--processors", "avx512", "avx2", "--threads", "1", "2", "--lessons", "00", "04"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "avx512: this processor has no AVX-512; not run here",
        "avx2: COURSE_THREADS=1",
        "avx2: COURSE_THREADS=2",
    ]
    seen, _ = runs
    notebooks = ["00_start_here.ipynb", "04_masked_language_model.ipynb"]
    assert [
        (env["ATEN_CPU_CAPABILITY"], env["COURSE_THREADS"], Path(command[-1]).name) for command, env in seen
    ] == [("avx2", threads, notebook) for threads in "12" for notebook in notebooks]
    for command, _ in seen:
        assert command[1:5] == ["-m", "pytest", "-n", "0"]
        # an imitated processor is slow, and that is no failure: a cell has longer than in `make test`
        assert {"--nbval-cell-timeout=1800", "--timeout=1800"} < set(command)
    assert list(json.loads(record.read_text())) == ["avx2"]


def test_nothing_run_is_no_success(monkeypatch, runs, record):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: AVX2)
    assert processors(["--processors", "avx512"]) == 1
    assert not record.exists()


@pytest.mark.parametrize("failing", [("default", "1"), ("avx512", "2")])
def test_one_run_that_fails_is_the_exit_code_and_stops_none(monkeypatch, runs, record, failing):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: AVX512)
    seen, answers = runs
    assert processors(["--lessons", "00"]) == 0 and len(seen) == 6
    answers[failing] = 1
    assert processors(["--lessons", "00"]) == 1 and len(seen) == 12
    kept = json.loads(record.read_text())
    # what an earlier run has shown is taken back
    assert {(name, threads): bool(kept[name][threads]) for name in kept for threads in kept[name]} == {
        (name, threads): (name, threads) != failing for name in PROCESSORS for threads in "12"
    }


def test_all_lessons_are_run_if_none_is_named(monkeypatch, runs):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: AVX512)
    assert processors(["--processors", "default", "--threads", "1"]) == 0
    assert sorted(command[-1] for command, _ in runs[0]) == sorted(
        map(str, settings.NOTEBOOKS.glob("*.ipynb"))
    )


def a_notebook(
    folder: Path,
    source: str = "print(1)",
    told: str = "1",
    html: str = "<b>1</b>",
    tag: str = "",
    text: str = "",
) -> Path:
    output = nbformat.v4.new_output("display_data", {"text/plain": told, "text/html": html})
    code = nbformat.v4.new_code_cell(source, outputs=[output], metadata={"tags": [tag] if tag else []})
    cells = [nbformat.v4.new_markdown_cell(text), code]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "04_a_lesson.ipynb")
    return folder / "04_a_lesson.ipynb"


def test_the_sentence_counts_what_was_validated_as_it_is_now(tmp_path, record):
    picture = '<img alt="one" src="data:image/png;base64,{}">'
    notebook = a_notebook(tmp_path, html=picture.format("AAAA"))
    line = partial(other_processors.validated_line, record, tmp_path)
    assert "have not been validated" in line()
    note = partial(other_processors.note_validated, notebook=notebook, path=record)
    note("default", 1, passed=True)
    note("default", 2, passed=False)
    assert "SSE4.1 × 1: 1 of 1; SSE4.1 × 2: 0 of 1 (" in line()
    # what is compared, and how closely; a picture's bytes and the text between the cells are not
    a_notebook(tmp_path, "# as before\n\nprint( 1 )", html=picture.format("BBBB"), text="another text")
    assert "SSE4.1 × 1: 1 of 1" in line()
    for other in (
        {"source": "print(2)"},
        {"source": "%precision 2"},
        {"told": "2"},
        {"html": "<b>2</b>"},
        {"tag": "nbval-rtol-1e-2"},
    ):
        a_notebook(tmp_path, **{"html": picture.format("AAAA")} | other)
        assert "have not been validated" in line(), other


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"default": {"1": {"04_a_lesson": {}}}}', '{"default": [1]}']
)
def test_a_damaged_record_is_named_with_what_to_do(tmp_path, record, content):
    a_notebook(tmp_path)
    record.write_text(content)
    with pytest.raises(RecordError, match="make outputs") as caught:
        other_processors.validated_line(record, tmp_path)
    assert str(record) in str(caught.value) and record.read_text() == content


def test_the_record_is_of_runs_that_were_made():
    """Each entry names what it ran with; one of a notebook that is gone would count for nothing, and has to go."""
    kept = json.loads(other_processors.VALIDATED.read_text(encoding="utf-8"))
    entries = [
        (name, stem, run) for name in kept for runs in kept[name].values() for stem, run in runs.items()
    ]
    assert {name for name, _, _ in entries} == set(PROCESSORS)
    for _, stem, run in entries:
        assert (settings.NOTEBOOKS / f"{stem}.ipynb").is_file()
        assert set(run) == {"date", "machine", "versions", "fingerprint"} and run["versions"]["torch"]


@pytest.mark.parametrize("name", PROCESSORS)
def test_all_four_libraries_are_held_and_limits_from_outside_replaced(name):
    outside = {"PATH": "/bin", "MKL_CBWR": "AUTO", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "COURSE_THREADS": "9"}
    made = environment_of(name, 2, outside)
    assert made["PATH"] == "/bin" and {made[variable] for variable in other_processors.THREADS} == {"2"}
    assert made["ATEN_CPU_CAPABILITY"] == name and {"ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE"} < set(made)
    assert ("MKL_CBWR" in made) != ("MKL_ENABLE_INSTRUCTIONS" in made)
    assert "AUTO" not in made.values() and "SSE4_2" not in made.values()


@pytest.mark.parametrize("name", ["default", "avx2"])
def test_pytorch_takes_the_limit_and_bfloat16_is_off(name):
    if not runs_here(name):
        pytest.skip("not on this processor")
    code = "import torch; from course_lib.training.precision import multiplies_bfloat16 as m; "
    code += "torch.cpu.get_capabilities = lambda: {'architecture': 'x86_64', 'avx512_bf16': True, 'amx_bf16': True}; "
    code += "print(torch.backends.cpu.get_cpu_capability(), m('cpu'))"
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment_of(name, 1, os.environ), capture_output=True, text=True
    )
    assert run.stdout.split() == [name.upper(), "False"], run.stderr


@pytest.mark.parametrize("threads", [1, 2])
def test_every_library_has_as_many_threads_as_it_is_told(threads):
    code = (
        "from course_lib import settings; settings.prepare()\n"
        "import json, numpy, scipy.linalg, torch, threadpoolctl\n"
        "found = {f\"{pool['internal_api']} {i}\": pool['num_threads'] for i, pool in "
        "enumerate(threadpoolctl.threadpool_info())}\n"
        "print(json.dumps(found | {'torch': torch.get_num_threads()}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=environment_of("default", threads, os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout)
    if sys.platform == "linux":  # elsewhere NumPy may use the system's own library
        assert any(name.startswith("openblas") for name in found)
    assert set(found.values()) == {min(threads, os.cpu_count())}, found
