"""One small runner for experiments: configurations by seeds, resumable, one JSON file a run.

A run is known by its study, code version, configuration and seed. What has been run is not run again,
so a study that was stopped goes on where it was, and two studies that need the same run share it.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from course_lib import settings
from course_lib.data.weights import sha256_of
from course_lib.files import write_json
from course_lib.studies.records import PROVENANCE, note_kept_run, provenance


def folder_of_runs() -> Path:
    """Return where runs are kept: in the course's cache."""
    return settings.current().cache / "runs"


def run_path(
    study: str, code_version: int, configuration: Any, seed: int, folder: Path | None = None
) -> Path:
    """Return where a run is kept: a file named by a hash of all that it depends on.

    Parameters
    ----------
    study : name of the study.
    code_version : raised when the code changes what is measured.
    configuration : a dataclass instance.
    seed : seed of the run.
    folder : where runs are kept; the course's cache if left out.
    """
    identity = json.dumps([study, code_version, asdict(configuration), seed], sort_keys=True)
    name = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return (folder or folder_of_runs()) / study / f"{name}.json"


def run(
    study: str,
    code_version: int,
    configuration: Any,
    seed: int,
    function: Callable[[Any, int], dict],
    folder: Path | None = None,
    products: Sequence[Path] = (),
) -> dict:
    """Return the results of one run, from its file if it was run before.

    Parameters
    ----------
    study, code_version, configuration, seed, folder : as for :func:`run_path`.
    function : takes configuration and seed, returns plain JSON.
    products : files that the run writes beside its results, such as a checkpoint. Their SHA-256 are kept with the
        run; if one of them is gone or is another by now, the run is made again.

    Raises
    ------
    RecordError
        If the results cannot be written, or are not plain JSON.
    """
    path = run_path(study, code_version, configuration, seed, folder)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        results = stored["results"]
        whole = all(field in stored for field in (*PROVENANCE, "minutes"))
        if whole and stored.get("products", {}) == _checksums(products):
            note_kept_run(stored)
            return results
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never run, or a file is gone or damaged: run it
    began = time.time()
    results = function(configuration, seed)
    stored = {
        "study": study,
        "code_version": code_version,
        "configuration": asdict(configuration),
        "seed": seed,
        **provenance(),
        "minutes": round((time.time() - began) / 60, 2),
        "products": _checksums(products),
        "results": results,
    }
    write_json(path, stored, then="start the study again: finished runs are kept")
    return json.loads(json.dumps(results))  # the same types as a run that is read back


def _checksums(products: Sequence[Path]) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in products}


def run_grid(
    study: str,
    code_version: int,
    configurations: Mapping[str, Any],
    seeds: Iterable[int],
    function: Callable[[Any, int], dict],
    folder: Path | None = None,
    products: Mapping[str, Sequence[Path]] | None = None,
) -> dict[str, list[dict]]:
    """Run every configuration with every seed, and return the results by configuration, in seed order.

    Seeds are the outer loop: a study that is stopped has whole comparisons, of fewer seeds.

    Parameters
    ----------
    study, code_version, function, folder : as for :func:`run`.
    configurations, seeds : what to run, by name, and how often.
    products : files that a run writes, by the name of its configuration.
    """
    seeds, results = list(seeds), {name: [] for name in configurations}
    for seed in seeds:
        for name, configuration in configurations.items():
            written = (products or {}).get(name, ())
            results[name].append(run(study, code_version, configuration, seed, function, folder, written))
            print(f"{study}, {name}, seed {seed}: {results[name][-1]}", flush=True)
    return results


def mean_and_deviation(values: Iterable[float]) -> tuple[float, float]:
    """Return the mean and the sample standard deviation of at least two values."""
    values = list(values)
    return statistics.fmean(values), statistics.stdev(values)
