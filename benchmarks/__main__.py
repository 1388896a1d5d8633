"""All benchmarks of the repository, one after the other: ``python -m benchmarks``, or ``make bench``.

Each ``*_speed.py`` has ``main(repetitions)``, which measures ours and a reference in turn and returns
rows with ``ratio`` (above 1, ours is faster) and ``target`` (0 where none is set). What was measured is
kept in ``data/recorded/benchmarks.json``, and ``docs/benchmarks.md`` shows it; on a machine that other programs keep
busy it is printed only. What was measured last on another processor stays beside it: how many times as fast
something is depends on the processor too. The exit code is 1 if a target is missed, or nothing was kept.

    python -m benchmarks --repetitions 30 masking encoder
"""

from __future__ import annotations

import argparse
import importlib
import platform
import re
import sys
from pathlib import Path

import torch

from benchmarks.timing import BUSY, used_by_others
from course_lib import settings
from course_lib.files import read_json, write_json
from course_lib.maintenance.readme import BENCHMARKS, write_pages
from course_lib.studies.records import provenance

NAMES = sorted(path.stem.removesuffix("_speed") for path in Path(__file__).parent.glob("*_speed.py"))


def measure(name: str, repetitions: int | None) -> list[dict]:
    """Run one benchmark and return its rows."""
    module = importlib.import_module(f"benchmarks.{name}_speed")
    rows = module.main() if repetitions is None else module.main(repetitions)
    for row in rows:
        missing = {"ratio", "target"} - set(row)
        if missing:
            raise KeyError(f"benchmarks/{name}_speed.py: a row has no {' and no '.join(sorted(missing))}")
    return rows


def processor_name() -> str:
    """Return what the processor calls itself, and which of its vectors PyTorch uses."""
    path = Path("/proc/cpuinfo")  # of Linux; Python knows no more than "x86_64" there
    found = re.search(r"^model name\s*:\s*(.+)$", path.read_text(), re.MULTILINE) if path.is_file() else None
    name = found[1].strip() if found else platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"


def measured_elsewhere(before: dict | None, processor: str) -> dict:
    """Return, as the field ``elsewhere``, the last measurement on another processor, if there was one.

    Parameters
    ----------
    before : what has been kept of the benchmark so far.
    processor : the name of the one that has measured now.
    """
    if before is None:
        return {}
    if before.get("processor") == processor:
        return {key: value for key, value in before.items() if key == "elsewhere"}
    return {"elsewhere": {key: value for key, value in before.items() if key != "elsewhere"}}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that are named, all if none is; keep the results and rewrite their page."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument(
        "--repetitions", type=int, help="pairs of measurements; each benchmark's own if left out"
    )
    parser.add_argument("--dry", action="store_true", help="print only: keep no results and leave the page")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; choose from {', '.join(NAMES)}")
    results, busy = {}, 0.0
    for name in options.names or NAMES:
        busy = max(busy, used_by_others())
        results[name] = measure(name, options.repetitions)
        print()
    missed = [
        (name, row) for name, rows in results.items() for row in rows if row["target"] and row["ratio"] < row["target"]
    ]  # fmt: skip
    for name, row in missed:
        print(f"{name}: {row['ratio']:.2f}, and the target is {row['target']:g}")
    too_busy = busy > BUSY and not options.dry
    if too_busy:
        print(
            f"Other programs took {busy:.0f}% of the processors: nothing is kept. Close them, and run it again."
        )
    elif not options.dry:
        kept = (read_json(BENCHMARKS, "Take the file from git again.") or {"results": {}})["results"]
        # What this run did not measure stays, with the date at which it was measured.
        here = {**provenance(), "processor": processor_name(), "repetitions": options.repetitions}
        measured = {
            name: {**here, "rows": rows, **measured_elsewhere(kept.get(name), here["processor"])}
            for name, rows in results.items()
        }
        content = {"command": "make bench", "results": dict(sorted((kept | measured).items()))}
        write_json(BENCHMARKS, content, then="run it again: make bench")
        write_pages(draw=False)
        print(f"{BENCHMARKS.relative_to(settings.REPOSITORY)} and docs/benchmarks.md are written.")
    return int(bool(missed) or too_busy)


if __name__ == "__main__":
    sys.exit(main())
