"""Writers of the official formats, as plain as can be: what the readers should give back is written by them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from course_lib.data.readers import conll, glue, imdb_folder, reviews, swag


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")


def write_squad(rows: Iterable[Mapping], path: Path, *, version: str = "v2.0") -> None:
    def answer_records(answers: Mapping) -> list[dict]:
        pairs = zip(answers["text"], answers["answer_start"], strict=True)
        return [{"text": text, "answer_start": start} for text, start in pairs]

    def question_record(row: Mapping) -> dict:
        record = {"id": row["id"], "question": row["question"], "answers": answer_records(row["answers"])}
        if version == "v2.0":  # 1.1 has neither
            record["is_impossible"] = row["is_impossible"]
            record["plausible_answers"] = answer_records(row["plausible_answers"])
        return record

    data = [
        {
            "title": title,
            "paragraphs": [
                {"context": context, "qas": [question_record(row) for row in group]}
                for context, group in groupby(article, key=lambda row: row["context"])
            ],
        }
        for title, article in groupby(rows, key=lambda row: row["title"])
    ]
    articles = ",\n".join(json.dumps(article, ensure_ascii=False) for article in data)
    write(path, f'{{"version": "{version}", "data": [\n{articles}\n]}}\n')


def write_cmrc(rows: Iterable[Mapping], path: Path) -> None:
    write_squad(rows, path, version="1.1")


def write_conll(rows: Iterable[Mapping], path: Path, *, columns: int = 4) -> None:
    """Write columns parted by spaces: the token, ``-X-`` in those between, the tag."""
    filler, document, lines = ["-X-"] * (columns - 2), -1, []
    for row in rows:
        for _ in range(document, row["document"]):
            lines += [" ".join([conll.DOCUMENT_START, *filler, "O"]), ""]
        document = row["document"]
        lines += [
            " ".join([token, *filler, tag]) for token, tag in zip(row["tokens"], row["tags"], strict=True)
        ]
        lines.append("")
    write(path, "".join(line + "\n" for line in lines))


def write_reviews(rows: Iterable[Mapping], path: Path) -> None:
    records = [json.dumps({name: row[name] for name in reviews.KINDS}, ensure_ascii=False) for row in rows]
    write(path, "".join(record + "\n" for record in records))


def write_glue(rows: Iterable[Mapping], path: Path, task: str) -> None:
    """Write a training file, or a test file if the labels are -1; columns that the rows lack are empty."""
    rows, layout = list(rows), glue.glue_task(task, path)
    labelled = rows[0]["label"] != glue.NO_LABEL
    header = layout.header if labelled else layout.test_header
    lines = ["\t".join(header)] if layout.has_header or not labelled else []
    for row in rows:
        record = dict.fromkeys(header, "")
        record |= {
            column: row[name] for name, column in zip(layout.sentence_columns, layout.sentences, strict=True)
        }
        if layout.index in record:
            record[layout.index] = str(row["idx"])
        if labelled:
            record[layout.label] = layout.labels[row["label"]] if layout.labels else repr(row["label"])
        lines.append("\t".join(record.values()))
    write(path, "".join(line + "\n" for line in lines))


def write_swag(rows: Iterable[Mapping], path: Path) -> None:
    """Write a training file, or a test file if the labels are -1."""
    rows = list(rows)
    labelled = rows[0]["label"] != swag.NO_LABEL
    header = swag.HEADER if labelled else swag.HEADER[:-1]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for number, row in enumerate(rows):
        record = dict.fromkeys(header, "") | {"": str(number), "sent1": row["sent1"], "sent2": row["sent2"]}
        record |= dict(zip(swag.ENDINGS, row["endings"], strict=True))
        if labelled:
            record["label"] = str(row["label"])
        writer.writerow(record.values())
    write(path, buffer.getvalue())


def write_imdb_folder(
    splits: Mapping[str, Iterable[Mapping]], path: Path, *, line_breaks: bool = True
) -> None:
    for split, rows in splits.items():
        for label in imdb_folder.LABELS:
            (path / split / label).mkdir(parents=True)
        for row in rows:
            text = row["text"].replace("\n", imdb_folder.LINE_BREAK) if line_breaks else row["text"]
            name = f"{row['id']}_{row['rating']}.txt"
            write(path / split / imdb_folder.LABELS[row["label"]] / name, text)


def write_plain_text(rows: Iterable[Mapping], path: Path) -> None:
    write(path, "\n".join("".join(line + "\n" for line in row["sentences"]) for row in rows))


def write_document_folder(rows: Iterable[Mapping], path: Path) -> None:
    path.mkdir()
    for row in rows:
        write_plain_text([row], path / f"{row['title']}.txt")
