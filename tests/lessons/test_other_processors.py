"""Other processors are imitated in all four libraries at once, and only where the real one can."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from course_lib.lessons import other_processors
from course_lib.lessons.other_processors import PROCESSORS, environment_of, main, runs_here

AVX2 = {"architecture": "x86_64", "avx2": True, "fma3": True, "avx512_f": False}
AVX512 = AVX2 | dict.fromkeys(("avx512_f", "avx512_vl", "avx512_bw", "avx512_dq"), True)
ARM = {"architecture": "arm64", "neon": True}


@pytest.fixture
def runs(monkeypatch):
    """The runs that would have been made, and what each returns."""
    seen, answers = [], {}

    def call(command, cwd, env):
        seen.append((command, env))
        return answers.get((env["ATEN_CPU_CAPABILITY"], env["COURSE_THREADS"]), 0)

    monkeypatch.setattr(other_processors.subprocess, "call", call)
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


def test_what_cannot_run_is_one_line_and_the_rest_goes_on(monkeypatch, runs, capsys):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: AVX2)
    assert main(["--processors", "avx512", "avx2", "--threads", "1", "2"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "avx512: this processor has no AVX-512; not run here",
        "avx2: COURSE_THREADS=1",
        "avx2: COURSE_THREADS=2",
    ]
    seen, _ = runs
    assert [(env["ATEN_CPU_CAPABILITY"], env["COURSE_THREADS"]) for _, env in seen] == [
        ("avx2", "1"),
        ("avx2", "2"),
    ]
    assert all(command[1:] == ["-m", "pytest", "-n", "0", "notebooks"] for command, _ in seen)


@pytest.mark.parametrize("failing", [("default", "1"), ("avx512", "2")])
def test_one_run_that_fails_is_the_exit_code_and_stops_none(monkeypatch, runs, failing):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: AVX512)
    seen, answers = runs
    answers[failing] = 1
    assert main([]) == 1
    assert len(seen) == 6


@pytest.mark.parametrize("name", PROCESSORS)
def test_all_four_libraries_are_held_and_limits_from_outside_replaced(name):
    outside = {"PATH": "/bin", "MKL_CBWR": "AUTO", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "COURSE_THREADS": "9"}
    made = environment_of(name, 2, outside)
    assert made["PATH"] == "/bin" and made["COURSE_THREADS"] == "2"
    assert made["ATEN_CPU_CAPABILITY"] == name and {"ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE"} < set(made)
    assert ("MKL_CBWR" in made) != ("MKL_ENABLE_INSTRUCTIONS" in made)
    assert "AUTO" not in made.values() and "SSE4_2" not in made.values()


@pytest.mark.parametrize("name", ["default", "avx2"])
def test_pytorch_takes_the_limit_and_bfloat16_is_off(name):
    if not runs_here(name):
        pytest.skip("not on this processor")
    code = "import torch; from course_lib.precision import multiplies_bfloat16 as m; "
    code += "torch.cpu.get_capabilities = lambda: {'architecture': 'x86_64', 'avx512_bf16': True, 'amx_bf16': True}; "
    code += "print(torch.backends.cpu.get_cpu_capability(), m('cpu'))"
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment_of(name, 1, os.environ), capture_output=True, text=True
    )
    assert run.stdout.split() == [name.upper(), "False"], run.stderr
