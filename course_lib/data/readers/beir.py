"""The folders of BEIR (Thakur et al. 2021): a corpus, queries, and which passages answer them.

``corpus.jsonl`` and ``queries.jsonl`` hold an object a line, ``qrels`` a tab-separated file a split. A corpus may
give the SHA-256 of a passage in place of its text, if the text is read from elsewhere. The course adds
``answers.jsonl``, a file that BEIR doesn't have.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.data.readers.json_text import member, parse_json
from course_lib.data.readers.lines import Place, describe, folder_entries, read_records
from course_lib.errors import DataFileError

HEADER = "query-id\tcorpus-id\tscore"


@dataclass(frozen=True)
class SearchData:
    """A collection to search in.

    Parameters
    ----------
    corpus : ``title`` and ``text`` of each passage, by its id.
    queries : the text of each query, by its id.
    qrels : by split, the judgments of each query: the score of a passage by its id; what has none isn't relevant.
    splits : by split, the ids of its queries, those that no passage answers among them.
    answers : of a query, the ``passage`` it was asked of, the ``answer``, and at which character of the passage it
        ``start``s (None for one in other words); empty if the collection has none.
    """

    corpus: dict[str, dict[str, str]]
    queries: dict[str, str]
    qrels: dict[str, dict[str, dict[str, int]]]
    splits: dict[str, list[str]]
    answers: dict[str, dict[str, Any]]


def read_beir(folder: str | Path, texts: Mapping[str, str] | None = None) -> SearchData:
    """Read a collection in the layout of BEIR.

    Parameters
    ----------
    folder : holds ``corpus.jsonl``, ``queries.jsonl`` and the folder ``qrels``, and perhaps ``answers.jsonl``.
    texts : the texts of passages whose line has a hash instead, by the passage's id.

    Returns
    -------
    SearchData
        Queries in the order of their file. A query's split is that of its judgments; one without judgments may
        name it in its ``metadata``.

    Raises
    ------
    DataFileError
        If a file is missing or damaged, an id stands twice or is unknown, or a text isn't the hashed one.
    """
    folder = Path(folder)
    corpus = {
        record["_id"]: _passage(record, place, texts or {})
        for place, record in _records(folder / "corpus.jsonl")
    }
    queries, splits = {}, {}
    for place, record in _records(folder / "queries.jsonl"):
        queries[record["_id"]] = member(record, "text", str, place)
        metadata = member(record, "metadata", dict, place) if "metadata" in record else {}
        if "split" in metadata:
            splits[record["_id"]] = member(metadata, "split", str, place.inside("metadata"))
    qrels = {}
    for path in folder_entries(folder / "qrels"):
        if path.suffix == ".tsv":
            qrels[path.stem] = _judgments(path, queries, corpus)
            for query in qrels[path.stem]:
                if splits.setdefault(query, path.stem) != path.stem:
                    raise DataFileError(
                        path,
                        f"the query {query!r} is of the split {splits[query]!r}",
                        "Keep its judgments in one file",
                    )
    if not qrels:
        raise DataFileError(folder / "qrels", "no file of judgments is in it", "Add one, such as test.tsv")
    names = dict.fromkeys([*qrels, *splits.values()])
    path, answers = folder / "answers.jsonl", {}
    if path.is_file():
        answers = {record["_id"]: _answer(record, place, queries, corpus) for place, record in _records(path)}
    return SearchData(
        corpus,
        queries,
        qrels,
        {name: [query for query in queries if splits.get(query) == name] for name in names},
        answers,
    )


def _records(path: Path) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield the objects of a file, each with an id of its own."""
    seen: set[str] = set()
    for place, line in read_records(path):
        record = parse_json(line, place)
        name = member(record, "_id", str, place)
        if name in seen:
            raise place.inside("_id").error(f"{name!r} stands twice", "Make it unique")
        seen.add(name)
        yield place, record


def _passage(record: dict[str, Any], place: Place, texts: Mapping[str, str]) -> dict[str, str]:
    """Return title and text of a passage; a text from elsewhere has the hash of its line."""
    title = member(record, "title", str, place, empty=True) if "title" in record else ""
    if "text" in record or "sha256" not in record:
        return {"title": title, "text": member(record, "text", str, place, empty=True)}
    text = texts.get(record["_id"], "")
    if hashlib.sha256(text.encode("utf-8")).hexdigest() != record["sha256"]:
        problem = "another text than the one that was judged" if text else "no text"
        raise place.inside("sha256").error(
            f"there is {problem} for the passage {record['_id']!r}",
            "Restore the file, and the package or file that the texts are read from",
        )
    return {"title": title, "text": text}


def _answer(record: dict[str, Any], place: Place, queries: Mapping, corpus: Mapping) -> dict[str, Any]:
    """Return the answer to a query, which stands in its passage where it says."""
    passage, answer = (member(record, name, str, place) for name in ("passage", "answer"))
    for name, value, known in (("_id", record["_id"], queries), ("passage", passage, corpus)):
        if value not in known:
            raise place.inside(name).error(f"there is no {describe(value)}", "Correct the id")
    start = None if record.get("start") is None else member(record, "start", int, place)
    if start is not None and (start < 0 or not corpus[passage]["text"].startswith(answer, start)):
        raise place.inside("start").error(
            f"the answer isn't at character {start} of its passage", "Correct the number, or use null"
        )
    return {"passage": passage, "answer": answer, "start": start}


def _judgments(path: Path, queries: Mapping, corpus: Mapping) -> dict[str, dict[str, int]]:
    """Read the judgments of a split."""
    found: dict[str, dict[str, int]] = {}
    for place, line in read_records(path):
        if place.line == 1:
            if line != HEADER:
                raise place.error(f"the header is {describe(line)}", f"Begin with {HEADER!r}")
            continue
        cells = line.split("\t")
        if len(cells) != 3:
            raise place.error(f"3 columns are wanted, and there are {len(cells)}", "Part them by single tabs")
        query, passage, score = cells
        for value, known, name in ((query, queries, "query-id"), (passage, corpus, "corpus-id")):
            if value not in known:
                raise place.inside(name).error(f"there is no {describe(value)}", "Correct the id")
        if not re.fullmatch("[0-9]{1,9}", score):
            raise place.inside("score").error(f"the score is {describe(score)}", "Use a whole number from 0")
        if passage in found.setdefault(query, {}):
            raise place.error(f"{passage!r} was judged for {query!r} before", "Keep one of the lines")
        found[query][passage] = int(score)
    return found
