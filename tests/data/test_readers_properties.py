"""Properties of every reader: what is written is read back, and damage is noticed or harmless."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.data import readers
from course_lib.errors import DataFileError

sys.path.append(str(Path(__file__).parent))
import format_writers

SETTINGS = settings(deadline=None, max_examples=40, database=None, suppress_health_check=list(HealthCheck))


def text(without: str = "", **sizes):
    """Any text with something to see in it, apart from some characters."""
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0" + without)
    return st.text(characters, min_size=1, **sizes).filter(str.strip)


@st.composite
def answer_lists(draw, context: str, least: int):
    spans = []
    for _ in range(draw(st.integers(least, 3))):
        start = draw(st.integers(0, len(context) - 1))
        end = draw(st.integers(start + 1, len(context)))
        if context[start:end].strip():
            spans.append((context[start:end], start))
    if least and not spans:
        spans = [(context, 0)]
    return {"text": [answer for answer, _ in spans], "answer_start": [start for _, start in spans]}


@st.composite
def questions(draw, may_be_impossible: bool):
    rows = []
    for title in draw(st.lists(st.just("") | text(max_size=8), min_size=1, max_size=2)):
        for context in draw(st.lists(text(max_size=30), min_size=1, max_size=2)):
            for _ in range(draw(st.integers(1, 3))):
                impossible = may_be_impossible and draw(st.booleans())
                row = {"id": f"question {len(rows)}", "title": title, "context": context}
                row["question"] = draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=9))
                row["question"] = row["question"].replace("\0", "")
                none = {"text": [], "answer_start": []}
                row["answers"] = none if impossible else draw(answer_lists(context, 1))
                row["is_impossible"] = impossible
                row["plausible_answers"] = draw(answer_lists(context, 0)) if impossible else none
                rows.append(row)
    return rows


@st.composite
def tagged_sentences(draw):
    rows, document = [], 0
    token = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0 \t\r\n"), min_size=1)
    token = token.filter(lambda word: word != "-DOCSTART-" and not word.startswith("\ufeff"))
    for _ in range(draw(st.integers(1, 4))):
        tags = []
        for name, length in draw(
            st.lists(
                st.tuples(st.sampled_from(["O", "PER", "LOC"]), st.integers(1, 3)), min_size=1, max_size=4
            )
        ):
            tags += ["O"] * length if name == "O" else [f"B-{name}"] + [f"I-{name}"] * (length - 1)
        tokens = draw(st.lists(token, min_size=len(tags), max_size=len(tags)))
        rows.append({"document": document, "tokens": tokens, "tags": tags})
        document += draw(st.integers(0, 2))
    return rows


@st.composite
def reviews(draw):
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        review = draw(text())
        row = {"text": review, "label": draw(st.integers(0, 1)), "title": draw(text()), "genre": draw(text())}
        rows.append({**row, "kind": draw(text()), "words": len(review.split())})
    return rows


@st.composite
def glue_rows(draw, task: str):
    labels = {"mnli": st.integers(0, 2), "stsb": st.floats(0, 5)}.get(task, st.integers(0, 1))
    if labelled := draw(st.booleans()):
        label = labels.map(lambda value: abs(value))
    else:
        label = st.just(-1)
    sentences = ("sentence",) if task in ("sst2", "cola") else ("sentence1", "sentence2")
    numbered = task not in ("sst2", "cola", "mrpc") or not labelled
    rows = draw(st.lists(st.tuples(text("\t\r\n"), text("\t\r\n"), label), min_size=1, max_size=4))
    first = draw(st.integers(0, 99)) if numbered else 0
    return [
        {**dict(zip(sentences, row, strict=False)), "label": row[2], "idx": first + 3 * number * numbered}
        | ({} if numbered else {"idx": number})
        for number, row in enumerate(rows)
    ]


@st.composite
def swag_rows(draw):
    label = draw(st.sampled_from([st.integers(0, 3), st.just(-1)]))
    line = text("\r\n", max_size=12)
    row = st.fixed_dictionaries(
        {
            "sent1": line,
            "sent2": st.just("") | line,
            "endings": st.lists(line, min_size=4, max_size=4),
            "label": label,
        }
    )
    return draw(st.lists(row, min_size=1, max_size=4))


@st.composite
def imdb_splits(draw):
    splits = {}
    body = text("\r", max_size=40).filter(lambda review: review[0] != "\ufeff" and "<br />" not in review)
    for split in draw(st.sampled_from([["train"], ["test"], ["train", "test"], ["train", "validation"]])):
        labels = sorted(draw(st.lists(st.integers(0, 1), min_size=1, max_size=4)))
        splits[split] = [
            {
                "text": draw(body),
                "label": label,
                "rating": draw(st.integers(7, 10) if label else st.integers(1, 4)),
                "id": 7 * number,
            }
            for number, label in enumerate(labels)
        ]
    return splits


def sentences():
    one = text("\r\n").map(lambda line: line.strip().lstrip("\ufeff").strip()).filter(bool)
    return st.lists(one.filter(lambda line: line[0] != "\ufeff"), min_size=1, max_size=4)


def corpora():
    return st.lists(sentences().map(lambda found: {"title": "", "sentences": found}), min_size=1, max_size=4)


def titled_corpora():
    titles = st.lists(st.text("abc xyz-1.é漢", min_size=1, max_size=9), min_size=1, max_size=4, unique=True)
    titles = titles.map(lambda names: sorted(f"{name.strip().lstrip('.')}t" for name in names))
    titles = titles.filter(lambda names: len(set(names)) == len(names))
    return titles.flatmap(
        lambda names: st.tuples(*[sentences() for _ in names]).map(
            lambda found: [
                {"title": name, "sentences": lines} for name, lines in zip(names, found, strict=True)
            ]
        )
    )


def filled_lines(data: bytes) -> int:
    return sum(1 for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.removesuffix(b"\r"))


def questions_in(data: bytes) -> int:
    found = json.loads(data.decode("utf-8-sig"))
    return sum(len(paragraph["qas"]) for article in found["data"] for paragraph in article["paragraphs"])


def tokens_in(data: bytes) -> int:
    lines = [
        line.removesuffix(b"\r").strip(b" \t") for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    ]
    return sum(1 for line in lines if line and line.replace(b"\t", b" ").split(b" ")[0] != b"-DOCSTART-")


def sentences_in(data: bytes) -> int:
    return sum(1 for line in data.decode("utf-8-sig").split("\n") if line.strip())


@dataclass(frozen=True)
class Format:
    """A format under test: its rows, writer, reader, and two independent counts of records."""

    rows: st.SearchStrategy
    write: Callable
    read: Callable
    count: Callable[[bytes], int]
    size: Callable[[list], int] = len


def glue_format(task: str) -> Format:
    def count(data: bytes) -> int:
        first = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")[0]
        return filled_lines(data) - (task != "cola" or first.startswith(b"index\t"))

    return Format(
        glue_rows(task),
        partial(format_writers.write_glue, task=task),
        partial(readers.read_glue, task=task),
        count,
    )


def sum_of(name: str) -> Callable[[list], int]:
    return lambda rows: sum(len(row[name]) for row in rows)


FORMATS = {
    "squad": Format(questions(True), format_writers.write_squad, readers.read_squad, questions_in),
    "squad-1.1": Format(
        questions(False), partial(format_writers.write_squad, version="1.1"), readers.read_squad, questions_in
    ),
    "cmrc": Format(questions(False), format_writers.write_cmrc, readers.read_cmrc, questions_in),
    "conll": Format(
        tagged_sentences(), format_writers.write_conll, readers.read_conll, tokens_in, sum_of("tokens")
    ),
    "conll-2": Format(
        tagged_sentences(),
        partial(format_writers.write_conll, columns=2),
        readers.read_conll,
        tokens_in,
        sum_of("tokens"),
    ),
    "reviews": Format(reviews(), format_writers.write_reviews, readers.read_reviews, filled_lines),
    "swag": Format(
        swag_rows(), format_writers.write_swag, readers.read_swag, lambda data: filled_lines(data) - 1
    ),
    "plain text": Format(
        corpora(), format_writers.write_plain_text, readers.read_plain_text, sentences_in, sum_of("sentences")
    ),
    **{task: glue_format(task) for task in ("sst2", "cola", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte")},
}
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "delete", "insert", "truncate", "cut line"]),
        st.floats(0, 1),
        st.integers(0, 255) | st.sampled_from(list(b'\n\r\t ",{}[]\0\\:')),
    ),
    min_size=1,
    max_size=3,
)


def damage(data: bytes, edits: list) -> bytes:
    """Return the bytes with some changed, taken out, put in, or with the end missing."""
    for edit, share, byte in edits:
        position = int(share * max(len(data) - 1, 0))
        before, after = data[:position], data[position:]
        if edit == "truncate":
            data = before
        elif edit == "insert":
            data = before + bytes([byte]) + after
        elif edit == "delete":
            data = before + after[1:]
        elif edit == "flip":
            data = before + bytes([byte]) + after[1:]
        else:
            data = before + b"\n" + after
    return data


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read_back(name):
    layout = FORMATS[name]

    @SETTINGS
    @given(layout.rows)
    def check(rows):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            layout.write(rows, path)
            found = layout.read(path)
            assert found.to_list() == rows
            assert layout.count(path.read_bytes()) == layout.size(rows)
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
            assert (
                layout.read(path).to_list() == rows
            )  # a byte order mark and Windows line ends change nothing
            assert entries(Path(folder)) == ["file"]

    check()


@pytest.mark.parametrize("name", FORMATS)
def test_damage_is_noticed_or_loses_nothing(name):
    layout = FORMATS[name]

    @SETTINGS
    @given(layout.rows, EDITS)
    def check(rows, edits):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            layout.write(rows, path)
            damaged = damage(path.read_bytes(), edits)
            path.write_bytes(damaged)
            try:
                found = layout.read(path)
            except DataFileError as error:
                assert error.path == path and error.problem and error.remedy
            else:
                assert layout.size(found.to_list()) == layout.count(damaged)

    check()


@SETTINGS
@given(imdb_splits(), st.booleans())
def test_imdb_folder_is_read_back(splits, line_breaks):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "aclImdb"
        if not line_breaks:
            splits = {
                name: [{**row, "text": row["text"].replace("\n", "<br />") + "."} for row in rows]
                for name, rows in splits.items()
            }
        format_writers.write_imdb_folder(splits, path, line_breaks=line_breaks)
        found = readers.read_imdb_folder(path, line_breaks=line_breaks)
        assert {name: rows.to_list() for name, rows in found.items()} == splits
        assert entries(Path(folder)) == ["aclImdb"]


@SETTINGS
@given(imdb_splits(), EDITS, st.floats(0, 1))
def test_damage_to_an_imdb_folder_is_noticed_or_loses_nothing(splits, edits, share):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "aclImdb"
        format_writers.write_imdb_folder(splits, path)
        files = sorted(path.rglob("*.txt"))
        file = files[int(share * (len(files) - 1))]
        file.write_bytes(damage(file.read_bytes(), edits))
        try:
            found = readers.read_imdb_folder(path)
        except DataFileError as error:
            assert error.path == file
        else:
            assert sum(map(len, found.values())) == len(files)


@SETTINGS
@given(titled_corpora())
def test_folder_of_documents_is_read_back(rows):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus"
        format_writers.write_document_folder(rows, path)
        found = readers.read_plain_text(path).to_list()
        assert sorted(found, key=lambda row: row["title"]) == sorted(rows, key=lambda row: row["title"])


@SETTINGS
@given(st.binary(max_size=60))
def test_any_bytes_give_an_error_of_the_course_or_rows(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        for layout in FORMATS.values():
            try:
                layout.read(path)
            except DataFileError:
                pass


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(SETTINGS, max_examples=150)
@given(json_values, st.data())
def test_any_json_value_in_any_place_gives_an_error_of_the_course_or_rows(value, data):
    answer = {"text": "tea", "answer_start": 5}
    question = {"id": "q", "question": "What?", "answers": [answer], "is_impossible": False}
    question["plausible_answers"] = [{"text": "Some", "answer_start": 0}]
    paragraph = {"context": "Some tea.", "qas": [question]}
    document = {"version": "1", "data": [{"title": "Tea", "paragraphs": [paragraph]}]}
    flat = {"query_id": "q", "query_text": "What?", "answers": ["tea"]}
    flat = [{"context_id": "1", "context_text": "Some tea.", "title": "Tea", "qas": [flat]}]
    review = {"text": "a b", "label": 0, "title": "t", "genre": "g", "kind": "k", "words": 2}
    reader, whole = data.draw(
        st.sampled_from(
            [
                (readers.read_squad, document),
                (readers.read_cmrc, document),
                (readers.read_cmrc, flat),
                (readers.read_reviews, review),
            ]
        )
    )
    node = whole
    for _ in range(data.draw(st.integers(0, 9))):  # walk down, and then put the value there
        children = [node[key] for key in (node if isinstance(node, dict) else range(len(node)))]
        children = [child for child in children if isinstance(child, (dict, list)) and child]
        if not children:
            break
        node = data.draw(st.sampled_from(children))
    key = data.draw(st.sampled_from(list(node if isinstance(node, dict) else range(len(node)))))
    node[key] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_text(json.dumps(whole))
        try:
            reader(path)
        except DataFileError as error:
            assert error.problem and error.remedy
