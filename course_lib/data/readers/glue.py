"""The tab-separated files of GLUE (Wang et al. 2018), as the benchmark distributes them.

Fields are parted by tabs and never quoted: a quotation mark is a character like any other. Each task has its
own header, CoLA none, and the test sets have no labels.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.data.readers.lines import LINE_LIMIT, Place, checked_text, describe, read_records
from course_lib.data.readers.tables import dataset_from_rows
from course_lib.errors import DataFileError

if TYPE_CHECKING:
    from datasets import Dataset, Features

logger = logging.getLogger(__name__)

NO_LABEL = -1  # the label of a row of a test set


@dataclass(frozen=True)
class GlueTask:
    """How the files of a task are laid out.

    Parameters
    ----------
    header : columns of the training file.
    test_header : columns of the test file.
    sentences : columns with the sentences, one or two.
    label : column of the label.
    labels : what the label column says, in the order of the label numbers; None for a score.
    names : what the labels mean, if not what the column says.
    index : column with the number of the row, in files that have it.
    has_header : whether the training file begins with the header.
    may_be_empty : whether a sentence may be empty, as a few of the official ones are.
    undecided : what the label column says where the annotators didn't agree; such a row has no label and is left out.
    """

    header: tuple[str, ...]
    test_header: tuple[str, ...]
    sentences: tuple[str, ...]
    label: str
    labels: tuple[str, ...] | None
    names: tuple[str, ...] | None = None
    index: str = "index"
    has_header: bool = True
    may_be_empty: bool = False
    undecided: str | None = None

    @property
    def sentence_columns(self) -> tuple[str, ...]:
        """Names of the sentences in the data set."""
        return ("sentence",) if len(self.sentences) == 1 else ("sentence1", "sentence2")


PAIR, INFERENCE = ("sentence1", "sentence2"), ("entailment", "not_entailment")
MRPC_STRINGS = ("#1 ID", "#2 ID", "#1 String", "#2 String")
STSB_HEADER = ("index", "genre", "filename", "year", "old_index", "source1", "source2", *PAIR)
PARSES = ("sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse", "sentence2_parse")
MNLI_HEADER = ("index", "promptID", "pairID", "genre", *PARSES, *PAIR)
TASKS = {
    "sst2": GlueTask(
        header=("sentence", "label"),
        test_header=("index", "sentence"),
        sentences=("sentence",),
        label="label",
        labels=("0", "1"),
        names=("negative", "positive"),
    ),
    "cola": GlueTask(
        header=("source", "label", "star", "sentence"),  # for reference: the file has no header
        test_header=("index", "sentence"),
        sentences=("sentence",),
        label="label",
        labels=("0", "1"),
        names=("unacceptable", "acceptable"),
        has_header=False,
    ),
    "mrpc": GlueTask(
        header=("Quality", *MRPC_STRINGS),
        test_header=("index", *MRPC_STRINGS),
        sentences=("#1 String", "#2 String"),
        label="Quality",
        labels=("0", "1"),
        names=("not_equivalent", "equivalent"),
    ),
    "stsb": GlueTask(
        header=(*STSB_HEADER, "score"), test_header=STSB_HEADER, sentences=PAIR, label="score", labels=None
    ),
    "qqp": GlueTask(
        header=("id", "qid1", "qid2", "question1", "question2", "is_duplicate"),
        test_header=("id", "question1", "question2"),
        sentences=("question1", "question2"),
        label="is_duplicate",
        labels=("0", "1"),
        names=("not_duplicate", "duplicate"),
        index="id",
        may_be_empty=True,
    ),
    "mnli": GlueTask(
        header=(*MNLI_HEADER, "label1", "gold_label"),
        test_header=MNLI_HEADER,
        sentences=PAIR,
        label="gold_label",
        labels=("entailment", "neutral", "contradiction"),
        undecided="-",
    ),
    "qnli": GlueTask(
        header=("index", "question", "sentence", "label"),
        test_header=("index", "question", "sentence"),
        sentences=("question", "sentence"),
        label="label",
        labels=INFERENCE,
    ),
    "rte": GlueTask(
        header=("index", *PAIR, "label"),
        test_header=("index", *PAIR),
        sentences=PAIR,
        label="label",
        labels=INFERENCE,
    ),
    "wnli": GlueTask(
        header=("index", *PAIR, "label"),
        test_header=("index", *PAIR),
        sentences=PAIR,
        label="label",
        labels=("0", "1"),
        names=INFERENCE[::-1],
    ),
}
ALIASES = {"sst-2": "sst2", "sts-b": "stsb"}
LABEL_COLUMNS_OF_MNLI = tuple(f"label{number}" for number in range(1, 6))  # the five annotators, in dev files


def glue_key(name: str, path: str | Path) -> str:
    """Return the name of a task here; ``SST-2`` and ``sst2`` are the same.

    Raises
    ------
    DataFileError
        If there is no such task.
    """
    key = str(name).lower()
    key = ALIASES.get(key, key)
    if key not in TASKS:
        raise DataFileError(path, f"GLUE has no task {name!r} here", f"Choose one of: {', '.join(TASKS)}")
    return key


def glue_task(name: str, path: str | Path) -> GlueTask:
    """Return the layout of a task.

    Raises
    ------
    DataFileError
        If there is no such task.
    """
    return TASKS[glue_key(name, path)]


def glue_features(task: GlueTask, columns: Sequence[str] = ()) -> Features:
    """Return the columns of a task's data set, and those of the file that are kept besides."""
    from datasets import ClassLabel, Features, Value

    label = Value("float64") if task.labels is None else ClassLabel(names=list(task.names or task.labels))
    sentences = {name: Value("string") for name in task.sentence_columns}
    kept = {name: Value("string") for name in columns}
    return Features({**sentences, "label": label, "idx": Value("int64"), **kept})


def _check_header(header: list[str], task: GlueTask, place: Place, columns: Sequence[str] = ()) -> None:
    """Refuse a header that lacks a column of the task, or may hide the one of the labels."""
    for name in (*task.sentences, *columns):
        if name not in header:
            raise place.inside(name).error(
                "the column is missing from the header",
                f"Check the task: its header is {' | '.join(task.header)}, or of a test set "
                f"{' | '.join(task.test_header)}",
            )
    if len(set(header)) < len(header):
        raise place.error("a column stands twice in the header", "Rename or remove one of them")
    known = {*task.header, *task.test_header, *LABEL_COLUMNS_OF_MNLI}
    unknown = [name for name in header if name not in known]
    if task.label not in header and unknown:  # perhaps a misspelled label column: no test set then
        raise place.inside(task.label).error(
            f"the column of the labels is missing, and the header has unknown ones: {', '.join(unknown)}",
            "Correct the header; a test set has no other columns than the official ones",
        )


def _label(text: str, task: GlueTask, place: Place) -> int | float:
    if task.labels is None:
        if re.fullmatch(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?", text) and 0 <= float(text) <= 5:
            return float(text)
        raise place.error(f"the score is {describe(text)}", "Use a number from 0 to 5")
    for spelling in _spellings(task):
        if text in spelling:
            return spelling.index(text)
    raise place.error(f"the label is {describe(text)}", f"Use one of: {', '.join(task.labels)}")


def _spellings(task: GlueTask) -> tuple[tuple[str, ...], ...]:
    """Return the ways to write a task's labels, the official one first: as numbers, or as words."""
    numbers = tuple(str(number) for number in range(len(task.labels or ())))
    return tuple(dict.fromkeys((task.labels or (), numbers, task.names or ())))


def _check_spelling(text: str, first: str, place: Place) -> None:
    """Refuse a word among numbers, or a number among words: whose numbers these are would be a guess."""
    if text.isdigit() != first.isdigit():
        raise place.error(
            f"the label is {describe(text)}, and the first row has {describe(first)}",
            "Write all labels as words, or all as numbers",
        )


def _parse_line(line: str, place: Place, header: list[str], task: GlueTask, number: int) -> dict[str, Any]:
    """Return a row; ``number`` is its position in the file, which is its index if the file gives none."""
    cells = line.split("\t")
    if len(cells) != len(header):
        raise place.error(
            f"{len(header)} columns are wanted, and there are {len(cells)}",
            "Part the columns by single tabs, and remove tabs and line breaks from the sentences, or read with "
            "skip_broken=True",
        )
    record = dict(zip(header, cells, strict=True))
    row: dict[str, Any] = {}
    for name, column in zip(task.sentence_columns, task.sentences, strict=True):
        row[name] = checked_text(record[column], place.inside(column), empty=task.may_be_empty)
    row["label"] = NO_LABEL
    if task.label in record:
        row["label"] = _label(record[task.label], task, place.inside(task.label))
    row["idx"] = number
    if task.index in record:
        if not re.fullmatch("[0-9]{1,18}", record[task.index]):
            raise place.inside(task.index).error(
                f"the index is {describe(record[task.index])}", "Use a whole number from 0"
            )
        row["idx"] = int(record[task.index])
    return row


def _rows(
    path: str | Path, task: GlueTask, columns: Sequence[str], skip_broken: bool, line_limit: int
) -> Iterator[dict[str, Any]]:
    records = read_records(path, line_limit=line_limit)
    place, first = next(records)
    header = first.split("\t")
    if not task.has_header and header != list(task.test_header):
        header, records = list(task.header), chain([(place, first)], records)
    else:
        _check_header(header, task, place, columns)
    seen: set[int] = set()
    broken: list[Place] = []
    undecided, spelling = 0, None
    for number, (place, line) in enumerate(records):
        if skip_broken and line.count("\t") != len(header) - 1:
            broken.append(place)
            continue
        cells = dict(zip(header, line.split("\t"), strict=False))
        label = cells.get(task.label)
        if label is not None and label == task.undecided:
            undecided += 1
            continue
        row = _parse_line(line, place, header, task, number)
        if label is not None and task.labels is not None:
            spelling = spelling or label
            _check_spelling(label, spelling, place.inside(task.label))
        if row["idx"] in seen:
            raise place.inside(task.index).error(f"the index {row['idx']} stands twice", "Make it unique")
        if task.index in header:
            seen.add(row["idx"])
        yield row | {name: checked_text(cells[name], place.inside(name), empty=True) for name in columns}
    if undecided:
        logger.warning(
            "%s: %d rows without an agreed label (%s) were left out", path, undecided, task.undecided
        )
    if broken:
        lines = ", ".join(str(place.line) for place in broken[:5])
        logger.warning(
            "%s: %d lines with another number of columns than the header were skipped, the first: %s",
            path,
            len(broken),
            lines,
        )


def read_glue(
    path: str | Path,
    task: str,
    *,
    columns: Sequence[str] = (),
    skip_broken: bool = False,
    line_limit: int = LINE_LIMIT,
) -> Dataset:
    """Read a file of GLUE.

    Parameters
    ----------
    path : ``train.tsv``, ``dev.tsv``, ``test.tsv``, or MRPC's ``msr_paraphrase_train.txt``.
    task : SST-2, CoLA, MRPC, STS-B, QQP, MNLI, QNLI, RTE or WNLI, with or without hyphen, in any case.
    columns : further columns of the file to keep as they are, such as ``genre``.
    skip_broken : leave out lines that have not as many columns as the header, and log how many; a question of
        QQP that is broken over two lines makes two of them.
    line_limit : longest line allowed, in bytes.

    Returns
    -------
    Dataset
        ``sentence``, or ``sentence1`` and ``sentence2`` (str); ``label`` (class number, whether the file has words or
        numbers; for STS-B a float from 0 to 5; -1 in a test set, which has no labels); ``idx`` (the file's own index,
        or else the number of the row from 0); the further columns (str).

    Raises
    ------
    DataFileError
        If columns are missing or too many, a label is not one of the task's, labels are words in one row and numbers in
        another, or an index stands twice.
    """
    layout = glue_task(task, path)
    rows = _rows(path, layout, columns, skip_broken, line_limit)
    return dataset_from_rows(rows, glue_features(layout, columns), path)
