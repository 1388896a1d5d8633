"""The questions on Wikipedia come with the passages that were judged, or not at all."""

from __future__ import annotations

import hashlib
import json

import pytest

from course_lib.data import search
from course_lib.data.readers import read_beir
from course_lib.data.search import FEWEST, MOST, cut_passages, load_search
from course_lib.errors import DataFileError

TEXTS = {"ada-001": "Ada lived in London. It rained.", "ada-002": "She wrote a program."}
QRELS = "query-id\tcorpus-id\tscore\n"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def folder(tmp_path):
    """A collection of two passages and three questions, as the course has it: with hashes, and answers."""
    put(tmp_path, "corpus.jsonl", [passage("ada-001"), passage("ada-002")])
    asked = {"q1": "Where was Ada?", "q2": "What did she write?", "q3": "Who was her cat?"}
    queries = [{"_id": name, "text": text} for name, text in asked.items()]
    queries[2]["metadata"] = {"split": "test"}
    put(tmp_path, "queries.jsonl", queries)
    answers = [answer(), {"_id": "q2", "passage": "ada-002", "answer": "software", "start": None}]
    put(tmp_path, "answers.jsonl", answers)
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "train.tsv").write_text(QRELS + "q2\tada-002\t2\nq2\tada-001\t1\n")
    (tmp_path / "qrels" / "test.tsv").write_text(QRELS + "q1\tada-001\t2\n")
    return tmp_path


def passage(name, **changes):
    return {"_id": name, "title": "Ada", "sha256": digest(TEXTS[name])} | changes


def answer(**changes):
    return {"_id": "q1", "passage": "ada-001", "answer": "London", "start": 13} | changes


def put(folder, name, rows):
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_collection_is_read_whole(folder):
    found = read_beir(folder, TEXTS)
    assert found.corpus["ada-002"] == {"title": "Ada", "text": TEXTS["ada-002"]}
    assert list(found.queries) == ["q1", "q2", "q3"]
    assert found.qrels == {
        "test": {"q1": {"ada-001": 2}},
        "train": {"q2": {"ada-002": 2, "ada-001": 1}},
    }
    assert found.splits == {"test": ["q1", "q3"], "train": ["q2"]}
    assert found.answers["q1"] == {"passage": "ada-001", "answer": "London", "start": 13}
    assert found.answers["q2"]["start"] is None


def test_a_collection_of_ones_own_has_its_texts(folder):
    put(
        folder, "corpus.jsonl", [{"_id": "ada-001", "text": TEXTS["ada-001"]}, {"_id": "ada-002", "text": ""}]
    )
    (folder / "answers.jsonl").unlink()
    found = load_search(str(folder))
    assert found.corpus["ada-001"] == {"title": "", "text": TEXTS["ada-001"]} and found.answers == {}


DAMAGED = {
    "id twice": ("corpus.jsonl", [passage("ada-001"), passage("ada-001")], 2, "_id", "stands twice"),
    "other text": ("corpus.jsonl", [passage("ada-001", sha256=digest("x"))], 1, "sha256", "another text"),
    "no text": ("corpus.jsonl", [passage("ada-001", _id="ada-009")], 1, "sha256", "no text"),
    "neither": ("corpus.jsonl", [{"_id": "ada-001", "title": "Ada"}], 1, "text", "missing"),
    "no question": ("queries.jsonl", [{"_id": "q1", "text": " "}], 1, "text", "empty"),
    "bad split": ("queries.jsonl", [{"_id": "q1", "text": "Why?", "metadata": {"split": 1}}], 1, "metadata.split", "string"),
    "unknown query": ("answers.jsonl", [answer(_id="q9")], 1, "_id", "no 'q9'"),
    "unknown passage": ("answers.jsonl", [answer(passage="ada-003")], 1, "passage", "no 'ada-003'"),
    "offset": ("answers.jsonl", [answer(start=12)], 1, "start", "character 12"),
    "negative offset": ("answers.jsonl", [answer(start=-18)], 1, "start", "character -18"),
    "header": ("qrels/test.tsv", "q1\tada-001\t2\n", 1, None, "the header is"),
    "columns": ("qrels/test.tsv", QRELS + "q1 ada-001 2\n", 2, None, "3 columns are wanted"),
    "judged query": ("qrels/test.tsv", QRELS + "q8\tada-001\t2\n", 2, "query-id", "no 'q8'"),
    "judged passage": ("qrels/test.tsv", QRELS + "q1\tada-007\t2\n", 2, "corpus-id", "no 'ada-007'"),
    "score": ("qrels/test.tsv", QRELS + "q1\tada-001\t-1\n", 2, "score", "whole number"),
    "judged twice": ("qrels/test.tsv", QRELS + "q1\tada-001\t1\nq1\tada-001\t2\n", 3, None, "judged for 'q1' before"),
    "two splits": ("qrels/test.tsv", QRELS + "q2\tada-001\t2\n", None, None, "of the split 'test'"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_named_by_file_line_and_field(folder, name):
    file, content, line, field, problem = DAMAGED[name]
    if isinstance(content, str):
        (folder / file).write_text(content)
    else:
        put(folder, file, content)
    with pytest.raises(DataFileError, match=problem) as caught:
        read_beir(folder, TEXTS)
    assert (caught.value.line, caught.value.field) == (line, field)
    wanted = "train.tsv" if name == "two splits" else file.split("/")[-1]
    assert caught.value.path.name == wanted


def test_a_collection_without_judgments_is_refused(folder):
    for path in (folder / "qrels").iterdir():
        path.unlink()
    with pytest.raises(DataFileError, match="no file of judgments"):
        read_beir(folder, TEXTS)


@pytest.mark.parametrize(
    ("sizes", "passages"),
    [
        ([30, 30, 50, 70, 20, 9], [60, 120]),  # the rest of 29 words fits nowhere
        ([60, 40, 1], [101]),
        ([60, 41, 1], [102]),
        ([60, 61], [60, 61]),
        ([70, 59], [70]),
        ([9, 120, 70], [120, 70]),  # the nine words stand before a giant sentence
        ([59], []),
    ],
)
def test_passages_are_whole_sentences_of_the_right_length(sizes, passages):
    sentences = [
        " ".join([f"{number}.{place}" for place in range(size)]) for number, size in enumerate(sizes)
    ]
    found = cut_passages("Été & co.", sentences)
    assert list(found) == [f"t-co-{number:03d}" for number in range(1, len(passages) + 1)]
    assert [len(text.split()) for text in found.values()] == passages
    for text in found.values():
        assert FEWEST <= len(text.split()) <= MOST and any(
            text.startswith(sentence) for sentence in sentences
        )


def test_the_bundled_questions_have_the_passages_that_were_judged():
    found = load_search()
    assert set(found.splits) == {"train", "validation", "test"}
    assert all(FEWEST <= len(passage["text"].split()) <= MOST for passage in found.corpus.values())
    answered = {query for queries in found.qrels.values() for query in queries}
    assert answered == set(found.answers) < set(found.queries)


def test_another_sample_is_refused(monkeypatch):
    texts = search.sample_passages() | {"abraham-lincoln-001": "Something else."}
    monkeypatch.setattr(search, "sample_passages", lambda: texts)
    with pytest.raises(DataFileError, match=r"another text.*'abraham-lincoln-001'"):
        load_search()
