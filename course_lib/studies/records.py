"""Results that take long, made once: a runner for experiments, and recordings with all that is needed to make them again.

A run is known by its study, code version, configuration and seed. What has been run is not run again,
so a study that was stopped goes on where it was, and two studies that need the same run share it.
A recording is the results of a study's runs in one file of the repository.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from course_lib import settings
from course_lib.data.weights import sha256_of
from course_lib.errors import RecordError
from course_lib.files import check_writable, read_json, write_json
from course_lib.studies import RECORDINGS

PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "gensim", "scikit-learn", "numpy")

PROVENANCE = ("threads", "versions", "machine", "bfloat16", "date")


def folder_of_runs() -> Path:
    """Return where the runs of the recordings are kept: in the course's cache."""
    return settings.current().cache / "runs"


@dataclass
class Runner:
    """Runs configurations by seeds, resumable, one JSON file a run.

    Parameters
    ----------
    folder : where runs are kept.
    earlier : the files of the runs that were asked for and that an earlier try had finished: their provenance,
        their ``minutes`` and more.
    """

    folder: Path
    earlier: list[dict] = field(default_factory=list)

    def path(self, study: str, code_version: int, configuration: Any, seed: int) -> Path:
        """Return where a run is kept: a file named by a hash of all that it depends on.

        Parameters
        ----------
        study : name of the study.
        code_version : raised when the code changes what is measured.
        configuration : a dataclass instance.
        seed : seed of the run.
        """
        identity = json.dumps([study, code_version, asdict(configuration), seed], sort_keys=True)
        name = hashlib.sha256(identity.encode()).hexdigest()[:16]
        return self.folder / study / f"{name}.json"

    def run(
        self,
        study: str,
        code_version: int,
        configuration: Any,
        seed: int,
        function: Callable[[Any, int], dict],
        products: Sequence[Path] = (),
    ) -> dict:
        """Return the results of one run, from its file if it was run before.

        Parameters
        ----------
        study, code_version, configuration, seed : as for :meth:`path`.
        function : takes configuration and seed, returns plain JSON.
        products : files that the run writes beside its results, such as a checkpoint. Their SHA-256 are kept with
            the run; if one of them is gone or is another by now, the run is made again.

        Raises
        ------
        RecordError
            If the results cannot be written, or are not plain JSON.
        """
        path = self.path(study, code_version, configuration, seed)
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            results = stored["results"]
            whole = all(key in stored for key in (*PROVENANCE, "minutes"))
            if whole and stored.get("products", {}) == _checksums(products):
                self.earlier.append(stored)
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

    def adopt(self, study: Any, name: str, record: Mapping | None) -> int:
        """Take over the runs of an earlier recording, so that a study with a further row makes that row alone.

        A run is taken over where there is none yet, and where its provenance is certain: the recording was made
        by the same version of the code, in one go. Its minutes are a share of the recording's.

        Parameters
        ----------
        study : the module that made the recording; only one with ``recorded_runs`` can tell its runs.
        name : what the study calls its runs.
        record : the recording as its file has it; None if there is none.

        Returns
        -------
        int
            How many runs were taken over.
        """
        certain = record is not None and record.get("code_version") == study.CODE_VERSION
        certain = (
            certain and all(key in record for key in (*PROVENANCE, "minutes")) and not record.get("kept_runs")
        )
        if not certain or not hasattr(study, "recorded_runs"):
            return 0
        runs = list(study.recorded_runs(record["configuration"], record["results"]))
        adopted = 0
        for configuration, seed, results in runs:
            path = self.path(name, study.CODE_VERSION, configuration, seed)
            if path.is_file():
                continue
            stored = {
                "study": name,
                "code_version": study.CODE_VERSION,
                "configuration": asdict(configuration),
                "seed": seed,
                **{key: record[key] for key in PROVENANCE},
                "minutes": round(record["minutes"] / len(runs), 2),
                "products": {},
                "results": results,
            }
            write_json(path, stored, then="start the study again: finished runs are kept")
            adopted += 1
        return adopted

    def grid(
        self,
        study: str,
        code_version: int,
        configurations: Mapping[str, Any],
        seeds: Iterable[int],
        function: Callable[[Any, int], dict],
        products: Mapping[str, Sequence[Path]] | None = None,
    ) -> dict[str, list[dict]]:
        """Run every configuration with every seed, and return the results by configuration, in seed order.

        Seeds are the outer loop: a study that is stopped has whole comparisons, of fewer seeds.

        Parameters
        ----------
        study, code_version, function : as for :meth:`run`.
        configurations, seeds : what to run, by name, and how often.
        products : files that a run writes, by the name of its configuration.
        """
        seeds, results = list(seeds), {name: [] for name in configurations}
        for seed in seeds:
            for name, configuration in configurations.items():
                written = (products or {}).get(name, ())
                results[name].append(self.run(study, code_version, configuration, seed, function, written))
                print(f"{study}, {name}, seed {seed}: {results[name][-1]}", flush=True)
        return results


def _checksums(products: Sequence[Path]) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in products}


def mean_and_deviation(values: Iterable[float]) -> tuple[float, float]:
    """Return the mean and the sample standard deviation of at least two values."""
    values = list(values)
    return statistics.fmean(values), statistics.stdev(values)


def study_of(name: str):
    """Return the module that makes a recording.

    Raises
    ------
    RecordError
        If there is no recording of that name.
    """
    if name not in RECORDINGS:
        raise RecordError(f"There is no recording {name!r}. Choose one of: {', '.join(sorted(RECORDINGS))}.")
    return importlib.import_module(RECORDINGS[name])


def record_path(name: str) -> Path:
    """Return where a recording is kept."""
    return settings.RECORDED / f"{name}.json"


def provenance() -> dict:
    """Return what a result depends on beside its configuration: threads, versions, machine, date.

    ``bfloat16`` tells whether the machine has computed products in it where that was configured.
    """
    from course_lib.training.precision import (
        multiplies_bfloat16,  # needs torch, and reading a record does not
    )

    return {
        "threads": settings.current().threads,
        "versions": {"python": platform.python_version(), **{p: metadata.version(p) for p in PACKAGES}},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "bfloat16": multiplies_bfloat16(settings.device().type),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def make_record(name: str) -> dict:
    """Run a recording, store it with its provenance, and return it.

    A row that was added to a study is made alone where the study can tell the runs of its earlier recording.
    ``minutes`` counts the runs that an earlier try has finished and kept, too. Where those came about in
    another way than the rest, ``kept_runs`` says how: the provenance, how many runs, their minutes.

    Raises
    ------
    RecordError
        If there is no recording of that name, or the result cannot be written.
    """
    study = study_of(name)
    check_writable(settings.RECORDED, error=RecordError, then=f"start again: course record {name}")
    began = time.time()
    runner = Runner(folder_of_runs())
    runner.adopt(study, name, _earlier_record(name))
    results = study.record(study.CONFIGURATION, runner)
    minutes = (time.time() - began) / 60 + sum(run["minutes"] for run in runner.earlier)
    here = provenance()
    record = {
        "name": name,
        "command": f"course record {name}",
        "configuration": asdict(study.CONFIGURATION),
        "code_version": study.CODE_VERSION,
        "seed": settings.current().seed,
        **here,
        "kept_runs": _by_provenance(runner.earlier, here),
        "minutes": round(minutes, 1),
        "results": results,
    }
    write_json(record_path(name), record, then=f"record it again with: course record {name}")
    return record


def _earlier_record(name: str) -> dict | None:
    """Return the recording as it is by now; None if there is none, or none that can be read."""
    try:
        return read_json(record_path(name), "")
    except RecordError:
        return None  # a damaged file is what a recording is made anew for


def _by_provenance(runs: list[dict], here: dict) -> list[dict]:
    """Count the runs of each provenance that is not that of the recording itself."""
    found: dict[str, dict] = {}
    for run in runs:
        own = {name: run[name] for name in PROVENANCE}
        if own != here:
            entry = found.setdefault(json.dumps(own, sort_keys=True), own | {"runs": 0, "minutes": 0.0})
            entry["runs"] += 1
            entry["minutes"] = round(entry["minutes"] + run["minutes"], 2)
    return list(found.values())


def load_record(name: str) -> dict:
    """Load a recording, refusing one that the code no longer stands for.

    Raises
    ------
    RecordError
        If it is missing, damaged, or was made with another configuration or code version.
    """
    study, path = study_of(name), record_path(name)
    renew = f"Make it anew with: course record {name}"
    record = read_json(path, renew)
    if record is None:
        raise RecordError(f"{path} does not exist. {renew}")
    for key in ("configuration", "code_version", "results", "command", "date", "minutes"):
        if key not in record:
            raise RecordError(f"{path}, field {key!r}: it is missing. {renew}")
    wanted = json.loads(json.dumps(asdict(study.CONFIGURATION)))  # tuples become lists, as in the file
    found = record["configuration"]
    if found != wanted:
        found = found if isinstance(found, dict) else {}
        changed = [k for k in wanted | found if k not in wanted or k not in found or found[k] != wanted[k]]
        raise RecordError(f"{path}, field 'configuration': {', '.join(changed)} changed since. {renew}")
    if record["code_version"] != study.CODE_VERSION:
        raise RecordError(
            f"{path}, field 'code_version': {record['code_version']}, the code is at {study.CODE_VERSION}. {renew}"
        )
    return record
