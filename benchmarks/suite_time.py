"""How long the whole suite takes: runs what ``make test`` runs after the linter, and keeps the time for ``docs/benchmarks.md``.

Run it on a machine that does nothing else: ``python -m benchmarks.suite_time``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from benchmarks.timing import BUSY, used_by_others
from course_lib import settings
from course_lib.files import write_json
from course_lib.maintenance.readme import SUITE_TIME, write_pages
from course_lib.studies.records import provenance

WORKERS, THREADS = 2, 1  # threads of each worker, as `make test` has them
LIMIT = 30  # minutes, on two cores


def main() -> int:
    """Run the suite, and keep its time if it passes."""
    # The long files first: at the end a worker would wait for the other one.
    order = ("--dist", "loadfile", "--no-loadscope-reorder", "notebooks", "tests")
    command = [sys.executable, "-m", "pytest", "-n", str(WORKERS), *order]
    busy = used_by_others()
    began = time.perf_counter()
    code = subprocess.call(
        command, cwd=settings.REPOSITORY, env={**os.environ, "COURSE_THREADS": str(THREADS)}
    )
    minutes = (time.perf_counter() - began) / 60
    print(f"{minutes:.1f} minutes with {WORKERS} workers; the limit is {LIMIT}")
    if busy > BUSY:
        print(
            f"Other programs took {busy:.0f}% of the processors: nothing is kept. Close them, and run it again."
        )
        return 1
    if code == 0:
        content = {"minutes": round(minutes, 1), "workers": WORKERS, **provenance(), "threads": THREADS}
        write_json(SUITE_TIME, content, then="run it again")
        write_pages(draw=False)
    return code or int(minutes > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
