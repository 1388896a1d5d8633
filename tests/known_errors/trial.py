"""Try every mutant in one process: ``python tests/known_errors/trial.py RESULTS.json [NAME...]``.

The named tests of the suite are collected once. With each error in turn in the code, they run in the order
they are named until one fails; that one must pass as the code is, so that it's the error that it saw.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import hypothesis
import pytest
from _pytest.runner import runtestprotocol
from mutants import ALL
from patching import StaleMutantError, put_in

HERE = Path(__file__).resolve().parent

# What a test says that sees an error, or the course itself. Any other exception is a crash of the changed text
# and proves nothing about what it computes.
KILLS = ("assert ", "AssertionError", "Failed", "course_lib.errors.")


def is_kill(failure: str) -> bool:
    """Tell whether the message of a failure is that of a check that saw an error, and not of a crash."""
    return failure.startswith(KILLS)


class Trial:
    """Runs the mutants in place of pytest's own loop over the tests."""

    def __init__(self, mutants):
        self.mutants, self.results, self.passing = mutants, {}, {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session) -> bool:
        items = {}
        for item in session.items:
            items.setdefault(item.nodeid.partition("[")[0], []).append(item)
        for mutant in self.mutants:
            start = time.perf_counter()
            result = {"caught_by": None, "problem": None}
            self.results[mutant.name] = result
            missing = [name for name in mutant.caught_by if name not in items]
            if missing:
                result["problem"] = f"there is no test {missing[0]}"
            else:
                self.try_one(mutant, items, result)
            result["seconds"] = round(time.perf_counter() - start, 2)
        return True

    def try_one(self, mutant, items, result) -> None:
        seen = None
        try:
            with put_in(mutant):
                for name in mutant.caught_by:
                    seen, failure = self.first_failure(items[name])
                    if seen is not None:
                        result["caught_by"], result["failure"] = name, failure[:300]
                        if not is_kill(failure):
                            result["problem"] = f"the changed text crashes: {failure[:200]}"
                        break
        except (StaleMutantError, SyntaxError) as error:
            result["problem"] = str(error)
        if seen is not None and not self.passes(seen):
            result["problem"] = f"{seen.nodeid} fails without the error"

    def passes(self, item) -> bool:
        """Tell whether a test passes as the code is; each is run once for that."""
        if item.nodeid not in self.passing:
            self.passing[item.nodeid] = self.first_failure([item])[0] is None
        return self.passing[item.nodeid]

    def first_failure(self, items) -> tuple:
        """Run tests until one fails; return it and the message of its failure, or None twice."""
        for item in items:
            item._initrequest()  # fixtures are made anew, as they were made with other code
            for report in runtestprotocol(item, log=False, nextitem=None):
                if report.failed:
                    crash = getattr(report.longrepr, "reprcrash", None)
                    return item, crash.message if crash else str(report.longrepr)[-300:]
        return None, None


def main(results: str, names: list[str]) -> int:
    mutants = [mutant for mutant in ALL if not names or mutant.name in names]
    # The first failing example is enough, and the same ones each time.
    hypothesis.settings.register_profile(
        "mutants",
        database=None,
        derandomize=True,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("mutants")
    root = HERE.parents[1]
    tests = sorted({name for mutant in mutants for name in mutant.caught_by})
    files = [name for name in tests if (root / name.partition("::")[0]).is_file()]
    trial = Trial(mutants)
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:timeout", f"--rootdir={root}"]
    pytest.main([*options, *files], plugins=[trial])
    Path(results).write_text(json.dumps(trial.results, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
