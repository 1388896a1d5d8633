"""Entities from the exports of Label Studio and doccano: spans of characters become words with tags."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.data.readers.json_text import parse_json
from course_lib.data.readers.lines import Place, checked_file, read_records, read_text
from course_lib.errors import DataFileError
from course_lib.finetuning.entities import split_words

if TYPE_CHECKING:
    import pandas

REMEDY = "Export from Label Studio as JSON, or from doccano as JSONL"
Span = tuple[int, int, str]


def read_annotations(path: str | Path) -> pandas.DataFrame:
    """Read annotated texts: Label Studio's JSON or JSON-MIN, or doccano's JSONL.

    Of a text that several people have annotated, the first annotation that was not cancelled counts.

    Parameters
    ----------
    path : the file.

    Returns
    -------
    pandas.DataFrame
        ``tokens`` and ``tags`` (lists of str, BIO), ``text`` and ``place``, a row for each text.

    Raises
    ------
    DataFileError
        If the file is no such export, or a span is outside of its text, empty, without a label, or overlaps another.
    """
    import pandas

    rows = []
    for place, record in _records(checked_file(path)):
        text, spans = _text_and_spans(record, place)
        tokens, tags = tagged_words(text, spans, place)
        rows.append(
            {"tokens": tokens, "tags": tags, "text": text, "place": f"{place.path}, line {place.line}"}
        )
    if not any(tag != "O" for row in rows for tag in row["tags"]):
        raise DataFileError(path, "no text has an entity", REMEDY)
    return pandas.DataFrame(rows)


def _records(path: Path) -> Iterator[tuple[Place, Any]]:
    """Give the texts of a list or of lines, with their numbers."""
    if path.suffix.lower() == ".json":
        content = parse_json(read_text(path, 2**31), Place(path))
        if not isinstance(content, list):
            raise DataFileError(path, "it is not a list of annotated texts", REMEDY)
        yield from ((Place(path, number), record) for number, record in enumerate(content, 1))
    else:
        yield from ((place, parse_json(line, place)) for place, line in read_records(path))


def _text_and_spans(record: Any, place: Place) -> tuple[str, list[Span]]:
    if not isinstance(record, dict):
        raise place.error("it is not an object", REMEDY)
    if "annotations" in record:
        return _from_label_studio(record, place)
    text = record.get("text")
    marks = next(
        (record[name] for name in ("label", "labels", "entities") if isinstance(record.get(name), list)), None
    )
    if not isinstance(text, str) or marks is None:
        raise place.error("there is no 'text' with a list 'label' of spans", REMEDY)
    return text, [_span(mark, place) for mark in marks]


def _from_label_studio(record: dict, place: Place) -> tuple[str, list[Span]]:
    texts = [value for value in (record.get("data") or {}).values() if isinstance(value, str)]
    named = (record.get("data") or {}).get("text")
    text = named if isinstance(named, str) else (texts[0] if len(texts) == 1 else None)
    if text is None:
        raise place.inside("data").error("there is no 'text' in it", REMEDY)
    done = [one for one in record["annotations"] if not one.get("was_cancelled")]
    if not done:
        raise place.error("nobody has annotated this text", "Annotate it, or leave it out of the export")
    return text, [
        _span(one["value"], place) for one in done[0].get("result", []) if "start" in one.get("value", {})
    ]


def _span(mark: Any, place: Place) -> Span:
    """Return start, end and label of ``[0, 4, "PER"]`` or ``{"start": 0, "end": 4, "labels": ["PER"]}``."""
    if isinstance(mark, dict):
        label = mark.get("label", mark.get("labels"))
        start = mark.get("start", mark.get("start_offset"))
        mark = [
            start,
            mark.get("end", mark.get("end_offset")),
            label[0] if isinstance(label, list) and label else label,
        ]
    if not (isinstance(mark, list) and len(mark) == 3 and type(mark[0]) is type(mark[1]) is int):
        raise place.inside("label").error("a span is not start, end and label", REMEDY)
    if not isinstance(mark[2], str) or not mark[2].strip():
        raise place.inside("label").error(f"the span from {mark[0]} to {mark[1]} has no label", "Give it one")
    return mark[0], mark[1], "_".join(mark[2].split())


def tagged_words(text: str, spans: list[Span], place: Place) -> tuple[list[str], list[str]]:
    """Return the words of a text and their BIO tags; a word that a span touches belongs to it.

    Raises
    ------
    DataFileError
        If a span is outside of the text, holds no word, or overlaps another one.
    """
    places = split_words(text)
    tags = ["O"] * len(places)
    for start, end, label in sorted(spans):
        if not 0 <= start < end <= len(text):
            raise place.error(
                f"the span from {start} to {end} is outside of its text of {len(text)} characters",
                "Export it again",
            )
        touched = [number for number, (first, last) in enumerate(places) if first < end and start < last]
        shown = text[start:end]
        if not touched:
            raise place.error(f"the span from {start} to {end} holds no word", "Remove it")
        if any(tags[number] != "O" for number in touched):
            raise place.error(
                f"{shown!r} ({label}) overlaps another entity", "Keep one of them: tags cannot be nested"
            )
        for number in touched:
            tags[number] = f"{'B' if number == touched[0] else 'I'}-{label}"
    return [unicodedata.normalize("NFC", text[first:last]) for first, last in places], tags
