"""Recorded results, kept with everything needed to make them again."""

from __future__ import annotations

import importlib
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from course_lib import settings
from course_lib.errors import RecordError
from course_lib.files import check_writable, read_json, write_json
from course_lib.studies import RECORDINGS

PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "gensim", "scikit-learn", "numpy")

PROVENANCE = ("threads", "versions", "machine", "bfloat16", "date")

_kept: ContextVar[list[dict] | None] = ContextVar("kept", default=None)


@contextmanager
def noting_kept_runs() -> Iterator[list[dict]]:
    """Collect the runs that an earlier try has finished and that are read from their files in this context."""
    runs: list[dict] = []
    token = _kept.set(runs)
    try:
        yield runs
    finally:
        _kept.reset(token)


def note_kept_run(stored: dict) -> None:
    """Tell the recording that is being made, if there is one, of a run that it did not have to make.

    Parameters
    ----------
    stored : the run's file: its provenance, its ``minutes`` and more.
    """
    runs = _kept.get()
    if runs is not None:
        runs.append(stored)


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
    with noting_kept_runs() as kept:
        results = study.record(study.CONFIGURATION)
    minutes = (time.time() - began) / 60 + sum(run["minutes"] for run in kept)
    here = provenance()
    record = {
        "name": name,
        "command": f"course record {name}",
        "configuration": asdict(study.CONFIGURATION),
        "code_version": study.CODE_VERSION,
        "seed": settings.current().seed,
        **here,
        "kept_runs": _by_provenance(kept, here),
        "minutes": round(minutes, 1),
        "results": results,
    }
    write_json(record_path(name), record, then=f"record it again with: course record {name}")
    return record


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
    for field in ("configuration", "code_version", "results", "command", "date", "minutes"):
        if field not in record:
            raise RecordError(f"{path}, field {field!r}: it is missing. {renew}")
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
