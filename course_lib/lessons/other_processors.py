"""The notebooks' outputs as other processors would compute them: ``python -m course_lib.lessons.other_processors``.

Four libraries multiply in a lesson, and each chooses its instructions for itself. All four are held to those
of an older processor, with one thread and with two; what this processor does not have is named and left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from course_lib import settings
from course_lib.translation import translate


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
    return {**kept, **PROCESSORS[name].environment, "COURSE_THREADS": str(threads)}


def validate_on(names: Sequence[str], threads: Sequence[int]) -> int:
    """Validate the notebooks on each processor with each number of threads; return 1 if one of the runs failed.

    Parameters
    ----------
    names : names of ``PROCESSORS``.
    threads : numbers of threads.
    """
    failed = 0
    for name in names:
        if not runs_here(name):
            message = translate("{name}: this processor has no {instructions}; not run here")
            print(message.format(name=name, instructions=PROCESSORS[name].instructions), flush=True)
            continue
        for count in threads:
            print(translate("{name}: COURSE_THREADS={threads}").format(name=name, threads=count), flush=True)
            command = [sys.executable, "-m", "pytest", "-n", "0", "notebooks"]
            environment = environment_of(name, count, os.environ)
            failed |= subprocess.call(command, cwd=settings.REPOSITORY, env=environment) != 0
    return int(failed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and validate.

    Parameters
    ----------
    arguments : the words after the command; those of the process if left out.
    """
    parser = argparse.ArgumentParser(
        prog="python -m course_lib.lessons.other_processors", description=__doc__
    )
    parser.add_argument("--processors", nargs="+", choices=PROCESSORS, default=list(PROCESSORS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    chosen = parser.parse_args(arguments)
    return validate_on(chosen.processors, chosen.threads)


if __name__ == "__main__":
    sys.exit(main())
