"""From rows to a `datasets.Dataset`, in bounded memory and without a cache that could be stale.

`Dataset.from_generator` keys its cache by its arguments: a file that changes under the same name would give
the old rows. So rows go straight into Arrow: kept in memory while they are few, and beyond that written to a
file that nothing looks up again, in the temporary folder that `datasets` removes when Python ends.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import DataFileError

if TYPE_CHECKING:
    import pyarrow
    from datasets import Dataset, Features

BATCH_ROWS = 1000
BATCH_SIZE = 8 * 2**20  # characters in a batch, roughly; a batch is written when either bound is met
MEMORY_SIZE = 64 * 2**20  # bytes of Arrow kept in memory; larger data sets are memory-mapped from disk


def _size(value: Any) -> int:
    """Return about how many characters a row holds."""
    if isinstance(value, str):
        return len(value) + 8
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 8


def _batches(rows: Iterable[dict], schema: pyarrow.Schema) -> Iterator[pyarrow.RecordBatch]:
    import pyarrow

    held, size = [], 0
    for row in rows:
        held.append(row)
        size += _size(row)
        if len(held) >= BATCH_ROWS or size >= BATCH_SIZE:
            yield pyarrow.RecordBatch.from_pylist(held, schema=schema)
            held, size = [], 0
    if held:
        yield pyarrow.RecordBatch.from_pylist(held, schema=schema)


def dataset_from_rows(rows: Iterable[dict], features: Features, path: str | Path) -> Dataset:
    """Build a data set from rows, reading them once.

    Parameters
    ----------
    rows : one dict a row; a generator is consumed in batches.
    features : names and types of the columns.
    path : file or folder that the rows come from, for messages.

    Returns
    -------
    Dataset
        In memory, or memory-mapped if it takes more than ``MEMORY_SIZE`` bytes.

    Raises
    ------
    DataFileError
        If there are no rows, or no disk space; and whatever the rows raise.
    """
    import pyarrow
    from datasets import Dataset
    from datasets.table import InMemoryTable

    batches, size = _batches(rows, features.arrow_schema), 0
    kept: list[pyarrow.RecordBatch] = []
    try:
        for batch in batches:
            kept.append(batch)
            size += batch.nbytes
            if size > MEMORY_SIZE:
                return Dataset.from_file(_spill(kept, batches))
    except (OSError, MemoryError, OverflowError, pyarrow.ArrowException) as error:
        raise DataFileError(
            path, f"its rows cannot be stored ({error})", "Free space in the temporary folder, or set TMPDIR"
        ) from None
    if not kept:
        raise DataFileError(
            path, "there is nothing in it", "Fetch it again, or check that it is the right one"
        )
    return Dataset(InMemoryTable.from_batches(kept, schema=features.arrow_schema))


def _spill(kept: list[pyarrow.RecordBatch], others: Iterable[pyarrow.RecordBatch]) -> str:
    """Write batches to a file of the session; nothing stays if one of them cannot be made."""
    import pyarrow
    from datasets.fingerprint import get_temporary_cache_files_directory

    # A name never used before: `datasets` derives fingerprints, and so its own caches, from it.
    name = os.path.join(get_temporary_cache_files_directory(), f"rows-{secrets.token_hex(16)}.arrow")
    try:
        with pyarrow.OSFile(name, "wb") as file, pyarrow.ipc.new_stream(file, kept[0].schema) as writer:
            while kept:
                writer.write_batch(kept.pop(0))
            for batch in others:
                writer.write_batch(batch)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return name
