"""The notebooks' outputs as other processors would compute them: ``course maintain processors``.

Four libraries multiply in a lesson, and each chooses its instructions for itself. All four are held to those
of an older processor, with one thread and with two; what this processor does not have is named and left out.
What was validated is kept in ``data/recorded``, notebook by notebook, and told in ``docs/processors.md``.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import nbformat

from course_lib import settings
from course_lib.errors import CourseError, RecordError
from course_lib.files import read_json, write_json
from course_lib.maintenance.validation import without_pictures
from course_lib.studies.records import provenance
from course_lib.translation import translate

VALIDATED = settings.RECORDED / "other-processors.json"

REMEDY = "Take the file from git again, or make it anew: make outputs."

LONGEST = 1800  # seconds for a cell; without vectors and with one thread a training takes many times as long

# COURSE_THREADS reaches PyTorch alone; NumPy and SciPy bring an OpenBLAS each, which would take all cores.
THREADS = ("COURSE_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Processor(NamedTuple):
    """A processor to be imitated.

    Parameters
    ----------
    instructions : the name of its vectors, as a person writes it.
    needs : what the real processor must have, as ``torch.cpu.get_capabilities`` names it.
    environment : what holds PyTorch, oneDNN, MKL and OpenBLAS to its instructions.
    """

    instructions: str
    needs: tuple[str, ...]
    environment: dict[str, str]


PROCESSORS = {
    "default": Processor(
        "SSE4.1",
        (),
        {
            "ATEN_CPU_CAPABILITY": "default",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "MKL_CBWR": "COMPATIBLE",
            "OPENBLAS_CORETYPE": "Nehalem",
        },
    ),
    "avx2": Processor(
        "AVX2",
        ("avx2", "fma3"),
        {
            "ATEN_CPU_CAPABILITY": "avx2",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "MKL_ENABLE_INSTRUCTIONS": "AVX2",
            "OPENBLAS_CORETYPE": "Haswell",
        },
    ),
    "avx512": Processor(
        "AVX-512",
        ("avx512_f", "avx512_vl", "avx512_bw", "avx512_dq"),
        {
            "ATEN_CPU_CAPABILITY": "avx512",
            # With bfloat16, where this processor has it: the course asks PyTorch, which does not know of this
            # limit, and oneDNN would compute such products by software.
            "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16",
            "MKL_ENABLE_INSTRUCTIONS": "AVX512",
            "OPENBLAS_CORETYPE": "SkylakeX",
        },
    ),
}


def runs_here(name: str) -> bool:
    """Tell whether this processor has the instructions of another; without them PyTorch dies at the first one.

    Parameters
    ----------
    name : a name of ``PROCESSORS``.
    """
    import torch

    has = torch.cpu.get_capabilities()
    return all(has.get(need, False) for need in PROCESSORS[name].needs)


def environment_of(name: str, threads: int, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which a process computes as another processor would.

    Parameters
    ----------
    name : a name of ``PROCESSORS``.
    threads : threads of the process.
    inherited : the environment that it starts from; limits that it sets are replaced.
    """
    limits = {variable for processor in PROCESSORS.values() for variable in processor.environment}
    kept = {variable: value for variable, value in inherited.items() if variable not in limits}
    return {**kept, **PROCESSORS[name].environment, **dict.fromkeys(THREADS, str(threads))}


def _code_alone(source: str) -> str:
    """Return the code of a cell without its layout; a cell of IPython's own syntax as it stands."""
    try:
        return ast.dump(ast.parse(source))
    except SyntaxError:
        return source


def fingerprint(notebook: Path) -> str:
    """Return a checksum of a notebook's code, of the outputs that validation compares, and of how it does.

    The bytes of pictures and the text between the cells are left out: neither is compared. So are comments and
    blank lines, which compute nothing.

    Parameters
    ----------
    notebook : the file.
    """
    told = []
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "code":
            printed = "".join(output.get("text", "") for output in cell.outputs)  # however it was cut up
            shown = [
                without_pictures(output.data.get(kind, ""))
                for output in cell.outputs
                if "data" in output
                for kind in ("text/plain", "text/html")
            ]
            told.append([_code_alone(cell.source), sorted(cell.metadata.get("tags", [])), printed, shown])
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def note_validated(name: str, threads: int, notebook: Path, passed: bool, path: Path = VALIDATED) -> None:
    """Keep what a run has shown; one that failed takes back what an earlier one had shown.

    Parameters
    ----------
    name : a name of ``PROCESSORS``.
    threads : threads of the run.
    notebook : what was validated.
    passed : whether all its outputs were those that are stored.
    path : the record.
    """
    kept = read_json(path, REMEDY) or {}
    runs = kept.setdefault(name, {}).setdefault(str(threads), {})
    runs.pop(notebook.stem, None)
    if passed:
        found = provenance()
        runs[notebook.stem] = {key: found[key] for key in ("date", "machine", "versions")}
        runs[notebook.stem]["fingerprint"] = fingerprint(notebook)
    write_json(path, kept, then="run it again")


def validated_line(path: Path = VALIDATED, notebooks: Path = settings.NOTEBOOKS) -> str:
    """Return one sentence: how many notebooks, as they are now, have been validated as which processor.

    Parameters
    ----------
    path : the record.
    notebooks : folder of the notebooks.

    Raises
    ------
    RecordError
        If the record is damaged.
    """
    kept = read_json(path, REMEDY) or {}
    now = {notebook.stem: fingerprint(notebook) for notebook in sorted(notebooks.glob("*.ipynb"))}
    said, dates = [], set()
    try:
        for name, processor in PROCESSORS.items():
            for threads, runs in sorted(kept.get(name, {}).items()):
                held = [run for stem, run in runs.items() if run["fingerprint"] == now.get(stem)]
                dates |= {run["date"] for run in held}
                said.append(f"{processor.instructions} × {threads}: {len(held)} of {len(now)}")
    except (KeyError, TypeError, AttributeError) as error:
        problem = f"a field is missing or has another form ({error!r})"
        raise RecordError(f"{path}: {problem}. {REMEDY}") from None
    if not dates:
        return "The outputs have not been validated as other processors would compute them."
    when = min(dates) if len(dates) == 1 else f"{min(dates)} to {max(dates)}"
    return (
        "Notebooks whose outputs, as they are now, were validated with the instructions of other processors, × the "
        f"number of threads: {'; '.join(said)} ({when}, by `make outputs`)."
    )


def validate_on(names: Sequence[str], threads: Sequence[int], notebooks: Sequence[Path]) -> int:
    """Validate notebooks on each processor with each number of threads; return 1 if a run failed or none was made.

    Parameters
    ----------
    names : names of ``PROCESSORS``.
    threads : numbers of threads.
    notebooks : the files.
    """
    unknown = [name for name in names if name not in PROCESSORS]
    if unknown:
        raise CourseError(f"There is no processor {unknown[0]!r}. Choose from: {', '.join(PROCESSORS)}.")
    failed, made = False, 0
    for name in names:
        if not runs_here(name):
            message = translate("{name}: this processor has no {instructions}; not run here")
            print(message.format(name=name, instructions=PROCESSORS[name].instructions), flush=True)
            continue
        for count in threads:
            print(translate("{name}: COURSE_THREADS={threads}").format(name=name, threads=count), flush=True)
            # An old processor may take its time: what it computes is compared here, not how fast it is.
            limits = [f"--nbval-cell-timeout={LONGEST}", f"--timeout={LONGEST}"]
            for notebook in notebooks:
                command = [sys.executable, "-m", "pytest", "-n", "0", *limits, str(notebook)]
                environment = environment_of(name, count, os.environ)
                passed = subprocess.call(command, cwd=settings.REPOSITORY, env=environment) == 0
                note_validated(name, count, notebook, passed)
                failed, made = failed or not passed, made + 1
    return int(failed or not made)
