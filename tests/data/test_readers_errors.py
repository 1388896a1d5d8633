"""Every way in which a file can be wrong: the error names file, line or field, problem and remedy."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path

import pytest

from course_lib.data import readers
from course_lib.data.readers import lines, plain_text, tables
from course_lib.errors import DataFileError

sys.path.append(str(Path(__file__).parent))
import format_writers

MNLI, SST2 = partial(readers.read_glue, task="MNLI"), partial(readers.read_glue, task="SST-2")
STSB, RTE = partial(readers.read_glue, task="STS-B"), partial(readers.read_glue, task="RTE")
QQP, COLA = partial(readers.read_glue, task="QQP"), partial(readers.read_glue, task="CoLA")
FILE_READERS = {
    "squad": readers.read_squad,
    "cmrc": readers.read_cmrc,
    "conll": readers.read_conll,
    "reviews": readers.read_reviews,
    "glue": SST2,
    "cola": COLA,
    "swag": readers.read_swag,
    "plain text": readers.read_plain_text,
}
REVIEW = {"text": "Too long.", "label": 0, "title": "Dust", "genre": "western", "kind": "plain", "words": 2}
SWAG_HEADER = ",video-id,fold-ind,startphrase,sent1,sent2,gold-source,ending0,ending1,ending2,ending3,label\n"
SWAG_ROW = '0,v,1,"He sits, She","He sits.",She,gold,stands.,runs.,"sings, loudly.",naps.,2\n'
CONTEXT = "The oven door stays shut, and the oven cools."


def squad(**changes) -> str:
    """Return a SQuAD file of one question, some of its fields changed or, if None, taken out."""
    question = {"id": "q1", "question": "What cools?", "answers": [{"text": "oven", "answer_start": 34}]}
    question = {key: value for key, value in (question | changes).items() if value is not None}
    paragraph = {"context": CONTEXT, "qas": [question]}
    return json.dumps({"version": "1.1", "data": [{"title": "Kitchen", "paragraphs": [paragraph]}]})


def review(**changes) -> str:
    record = {key: value for key, value in (REVIEW | changes).items() if value is not None}
    return json.dumps(REVIEW) + "\n" + json.dumps(record) + "\n"


def answers(text: object, start: object) -> list:
    return [{"text": text, "answer_start": start}]


# reader, content, line, field, words of the message
WRONG_FILES = {
    "squad: cut short": (readers.read_squad, squad()[:-20], 1, None, ["not valid JSON", "cut short"]),
    "squad: line of bad JSON": (readers.read_squad, '{\n"version": 1,\n"data": [}', 3, None, ["not valid"]),
    "squad: field twice": (
        readers.read_squad,
        '{"data": [], "data": []}',
        None,
        None,
        ["'data' stands twice"],
    ),
    "squad: NaN": (readers.read_squad, '{"data": NaN}', None, None, ["NaN is not a JSON number"]),
    "squad: too deep": (readers.read_squad, "[" * 200_000, None, None, ["nested too deeply"]),
    "squad: digits": (readers.read_squad, '{"data": ' + "1" * 9999 + "}", None, None, ["too many digits"]),
    "squad: a list": (readers.read_squad, "[]", None, None, ["an object is wanted, and it is a list"]),
    "squad: no data": (readers.read_squad, '{"dat": []}', None, "data", ["missing", "'dat'"]),
    "squad: no questions": (readers.read_squad, '{"data": []}', None, None, ["nothing in it"]),
    "squad: no context": (
        readers.read_squad,
        '{"data": [{"title": "t", "paragraphs": [{"qas": []}]}]}',
        None,
        "data[0].paragraphs[0].context",
        ["missing"],
    ),
    "squad: offset": (
        readers.read_squad,
        squad(answers=answers("oven", 33)),
        None,
        "data[0].paragraphs[0].qas[0].answers[0]",
        ["1 answer does not", "'oven'", "'q1'", "offset 33, where ' ove' stands", "repair=True"],
    ),
    "squad: offset below zero": (
        readers.read_squad,
        squad(answers=answers(".", -1)),
        None,
        "data[0].paragraphs[0].qas[0].answers[0]",
        ["offset -1, where nothing stands"],
    ),
    "squad: plausible offset": (
        readers.read_squad,
        squad(answers=[], is_impossible=True, plausible_answers=answers("door", 10**30)),
        None,
        "data[0].paragraphs[0].qas[0].plausible_answers[0]",
        ["1 answer does not"],
    ),
    "squad: offset, and nowhere": (
        readers.read_squad,
        squad(answers=answers("oven", 30) + answers("stove", 4)),
        None,
        "data[0].paragraphs[0].qas[0].answers[0]",
        ["2 answers do not", "1 of them nowhere in the paragraph", "'oven'", "keep for scoring alone"],
    ),
    "squad: offset is text": (
        readers.read_squad,
        squad(answers=answers("oven", "34")),
        None,
        "data[0].paragraphs[0].qas[0].answers[0].answer_start",
        ["a whole number is wanted", "'34'"],
    ),
    "squad: offset is true": (
        readers.read_squad,
        squad(answers=answers("h", True)),
        None,
        "data[0].paragraphs[0].qas[0].answers[0].answer_start",
        ["a truth value"],
    ),
    "squad: answer is a string": (
        readers.read_squad,
        squad(answers=["oven"]),
        None,
        "data[0].paragraphs[0].qas[0].answers[0]",
        ["an object is wanted"],
    ),
    "squad: question is a number": (
        readers.read_squad,
        squad(question=7),
        None,
        "data[0].paragraphs[0].qas[0].question",
        ["a string is wanted, and it is 7"],
    ),
    "squad: NUL in a string": (
        readers.read_squad,
        squad(question="a\0b"),
        None,
        "data[0].paragraphs[0].qas[0].question",
        ["NUL"],
    ),
    "squad: half a pair": (
        readers.read_squad,
        squad(question="\ud83d?"),
        None,
        "data[0].paragraphs[0].qas[0].question",
        ["half a surrogate pair", "U+D83D"],
    ),
    "squad: empty answer": (
        readers.read_squad,
        squad(answers=answers("", 4)),
        None,
        "data[0].paragraphs[0].qas[0].answers[0].text",
        ["empty"],
    ),
    "squad: unanswered": (
        readers.read_squad,
        squad(answers=[]),
        None,
        "data[0].paragraphs[0].qas[0].answers",
        ["'q1' has no answer", "is_impossible"],
    ),
    "squad: impossible, yet answered": (
        readers.read_squad,
        squad(is_impossible=True),
        None,
        "data[0].paragraphs[0].qas[0].is_impossible",
        ["marked as impossible, and has an answer"],
    ),
    "squad: is_impossible is a number": (
        readers.read_squad,
        squad(is_impossible=0),
        None,
        "data[0].paragraphs[0].qas[0].is_impossible",
        ["true or false is wanted"],
    ),
    "squad: misspelled field": (
        readers.read_squad,
        squad(is_imposible=False),
        None,
        "data[0].paragraphs[0].qas[0].is_imposible",
        ["not known", "'is_impossible'"],
    ),
    "squad: too large": (
        partial(readers.read_squad, size_limit=99),
        squad(),
        None,
        None,
        ["larger than 99 bytes", "size_limit"],
    ),
    "cmrc: impossible": (
        readers.read_cmrc,
        squad(answers=[], is_impossible=True),
        None,
        None,
        ["'q1' is impossible", "SQuAD 2.0"],
    ),
    "cmrc: flat, answer nowhere": (
        readers.read_cmrc,
        '[{"context_text": "水温很高", "qas": [{"query_id": "1", "query_text": "？", "answers": ["气温"]}]}]',
        None,
        "[0].qas[0].answers[0]",
        ["1 answer does not", "1 of them nowhere", "'气温'", "not anywhere", "repair=True"],
    ),
    "cmrc: flat, field missing": (readers.read_cmrc, '[{"qas": []}]', None, "[0].context_text", ["missing"]),
    "conll: unknown tags": (
        readers.read_conll,
        "Ana B-PER\n\nOslo B-CITY\nin O\nMay B-TIME\n",
        3,
        None,
        ["'B-CITY', 'B-TIME'", "types=[..., 'CITY', 'TIME']", "B-LOC"],
    ),
    "conll: BIOES": (readers.read_conll, "Ana S-PER\n", 1, None, ["'S-PER'", "BIOES"]),
    "conll: I- without B-": (
        readers.read_conll,
        "Ana B-PER\n\nOslo B-LOC\nin O\nRome I-LOC\n",
        5,
        None,
        ["I-LOC of 'Rome' continues no entity", "the tag before is O", "B-LOC", "iob1"],
    ),
    "conll: I- of another type": (
        partial(readers.read_conll, scheme="bio"),
        "Ana B-PER\nOslo I-LOC\n",
        2,
        None,
        ["the tag before is B-PER"],
    ),
    "conll: one column": (readers.read_conll, "Ana\n", 1, None, ["at least 2 columns", "there are 1"]),
    "conll: another number of columns": (
        readers.read_conll,
        "Ana NNP O\nsleeps O\n",
        2,
        None,
        ["3 columns", "there are 2"],
    ),
    "conll: no such scheme": (partial(readers.read_conll, scheme="BILOU"), "a O\n", None, None, ["iob1"]),
    "conll: types is a string": (partial(readers.read_conll, types="PER"), "a O\n", None, None, ["['PER']"]),
    "conll: only documents": (
        readers.read_conll,
        "-DOCSTART- O\n\n-DOCSTART- O\n",
        None,
        None,
        ["nothing in it"],
    ),
    "reviews: bad JSON": (readers.read_reviews, review() + "{'text'}\n", 3, None, ["not valid JSON"]),
    "reviews: blank line": (readers.read_reviews, review().replace("\n", "\n\n", 1), 2, None, ["blank line"]),
    "reviews: missing field": (readers.read_reviews, review(genre=None), 2, "genre", ["missing"]),
    "reviews: unknown field": (readers.read_reviews, review(stars=5), 2, "stars", ["not known"]),
    "reviews: label": (readers.read_reviews, review(label=2), 2, "label", ["the label is 2", "0 (negative)"]),
    "reviews: label is text": (readers.read_reviews, review(label="1"), 2, "label", ["a whole number"]),
    "reviews: text is a number": (readers.read_reviews, review(text=5), 2, "text", ["a string is wanted"]),
    "reviews: words": (readers.read_reviews, review(words=3), 2, "words", ["it says 3", "has 2 words"]),
    "reviews: field twice": (
        readers.read_reviews,
        '{"text": "a", "text": "b"}',
        1,
        None,
        ["'text' stands twice"],
    ),
    "reviews: array": (readers.read_reviews, "[1]\n", 1, None, ["an object is wanted"]),
    "reviews: long line": (
        partial(readers.read_reviews, line_limit=150),
        review(text="x" * 150, words=1),
        2,
        None,
        ["longer than 150 bytes", "line_limit"],
    ),
    "glue: header of another task": (MNLI, "sentence\tlabel\nok\t1\n", 1, "sentence1", ["missing", "gold"]),
    "glue: no header": (SST2, "a fine film\t1\n", 1, "sentence", ["missing", "sentence | label"]),
    "glue: columns": (SST2, "sentence\tlabel\nok\t1\na\tb\t0\n", 3, None, ["2 columns", "there are 3"]),
    "glue: label": (SST2, "sentence\tlabel\nok\t2\n", 2, "label", ["the label is '2'", "0, 1"]),
    "glue: label of a word": (
        RTE,
        "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tneutral\n",
        2,
        "label",
        ["'neutral'", "entailment, not_entailment"],
    ),
    "glue: misspelled label": (SST2, "sentence\tlabl\nok\t1\n", 1, "label", ["missing", "labl"]),
    "glue: column twice": (SST2, "sentence\tlabel\tlabel\nok\t1\t1\n", 1, None, ["stands twice"]),
    "glue: score": (
        STSB,
        "index\tsentence1\tsentence2\tscore\n0\ta\tb\t5.2\n",
        2,
        "score",
        ["'5.2'", "from 0 to 5"],
    ),
    "glue: score is no number": (
        STSB,
        "index\tsentence1\tsentence2\tscore\n0\ta\tb\tnan\n",
        2,
        "score",
        ["nan"],
    ),
    "glue: index twice": (
        RTE,
        "index\tsentence1\tsentence2\n4\ta\tb\n4\tc\td\n",
        3,
        "index",
        ["4 stands twice"],
    ),
    "glue: index": (RTE, "index\tsentence1\tsentence2\n-1\ta\tb\n", 2, "index", ["'-1'"]),
    "glue: empty sentence": (SST2, "sentence\tlabel\n\t1\n", 2, "sentence", ["empty"]),
    "glue: only a header": (SST2, "sentence\tlabel\n", None, None, ["nothing in it"]),
    "glue: cola columns": (COLA, "gj04\t1\tHe left.\n", 1, None, ["4 columns", "there are 3"]),
    "glue: no such task": (partial(readers.read_glue, task="XNLI"), "a\n", None, None, ["XNLI", "sst2"]),
    "swag: missing column": (
        readers.read_swag,
        SWAG_HEADER.replace("ending3,", ""),
        1,
        "ending3",
        ["missing"],
    ),
    "swag: columns": (readers.read_swag, SWAG_HEADER + SWAG_ROW[:-3] + "\n", 2, None, ["12 columns", "11"]),
    "swag: label": (readers.read_swag, SWAG_HEADER + SWAG_ROW[:-2] + "4\n", 2, "label", ["'4'", "0, 1, 2"]),
    "swag: open quotation": (
        readers.read_swag,
        SWAG_HEADER + SWAG_ROW.replace('loudly."', "loudly."),
        2,
        None,
        ["not valid CSV", "quotation marks"],
    ),
    "swag: row number twice": (readers.read_swag, SWAG_HEADER + SWAG_ROW * 2, 3, None, ["'0' stands twice"]),
    "swag: misspelled label": (
        readers.read_swag,
        SWAG_HEADER.replace("label", "lable") + SWAG_ROW,
        1,
        "label",
        ["missing", "lable"],
    ),
    "swag: huge cell": (
        readers.read_swag,
        SWAG_HEADER + SWAG_ROW.replace("runs", "x" * 200_000),
        2,
        None,
        ["CSV"],
    ),
    "swag: empty ending": (
        readers.read_swag,
        SWAG_HEADER + SWAG_ROW.replace("runs.", ""),
        2,
        "ending1",
        ["empty"],
    ),
    "plain text: only blank lines": (readers.read_plain_text, "\n \n\t\n", None, None, ["nothing in it"]),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_wrong_file(tmp_path, name):
    reader, content, line, field, words = WRONG_FILES[name]
    path = tmp_path / "file"
    path.write_text(content, encoding="utf-8", newline="")
    with pytest.raises(DataFileError) as caught:
        reader(path)
    assert (caught.value.path, caught.value.line, caught.value.field) == (path, line, field)
    for word in [str(path), *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize("name", FILE_READERS)
class TestEveryFileReader:
    def read(self, name, path):
        with pytest.raises(DataFileError) as caught:
            FILE_READERS[name](path)
        assert str(caught.value.path) == str(path)
        return caught.value

    def test_missing(self, tmp_path, name):
        assert "no such file" in str(self.read(name, tmp_path / "absent"))

    def test_impossible_name(self, tmp_path, name):
        assert "cannot be read" in str(self.read(name, tmp_path / ("x" * 5000)))

    def test_folder(self, tmp_path, name):
        error = self.read(name, tmp_path)
        if name == "plain text":  # a folder is a corpus, and this one is empty
            assert "nothing in it" in error.problem
        else:
            assert "it is a folder, and a file is wanted" in error.problem

    def test_empty(self, tmp_path, name):
        (tmp_path / "file").touch()
        assert "the file is empty" in str(self.read(name, tmp_path / "file"))

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
    def test_pipe(self, tmp_path, name):
        os.mkfifo(tmp_path / "pipe")
        assert "not a regular file" in str(self.read(name, tmp_path / "pipe"))

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
    def test_forbidden(self, tmp_path, name):
        (tmp_path / "file").write_text("x")
        (tmp_path / "file").chmod(0)
        assert "cannot be read" in str(self.read(name, tmp_path / "file"))

    def test_not_utf8(self, tmp_path, name):
        start = {"glue": b"sentence\tlabel\nfine\t1\n", "swag": SWAG_HEADER.encode()}.get(name, b"[\n")
        start = {"conll": b"a O\n", "reviews": json.dumps(REVIEW).encode() + b"\n"}.get(name, start)
        start = {"cola": b"gj04\t1\t\tHe left.\n"}.get(name, start)
        (tmp_path / "file").write_bytes(b"\xef\xbb\xbf" + start + "na\xefve".encode("latin-1") + b"\n")
        error = self.read(name, tmp_path / "file")
        assert error.line == start.count(b"\n") + 1
        assert f"0xef is not UTF-8 (byte {3 + len(start) + 2} of the file)" in error.problem

    def test_nul(self, tmp_path, name):
        (tmp_path / "file").write_bytes(b"ab\0c\n")
        error = self.read(name, tmp_path / "file")
        assert error.line == 1 and "NUL byte (byte 2 of the file)" in error.problem

    @pytest.mark.parametrize(
        "start, words", [(b"\x1f\x8b\x08\xff", "gzip"), (b"\xff\xfea\0", "UTF-16"), (b"PK\x03\xff", "zip")]
    )
    def test_no_text(self, tmp_path, name, start, words):
        (tmp_path / "file").write_bytes(start)
        assert words in self.read(name, tmp_path / "file").problem

    def test_only_a_mark(self, tmp_path, name):
        (tmp_path / "file").write_bytes(b"\xef\xbb\xbf")
        self.read(name, tmp_path / "file")


def test_a_line_beyond_the_limit_is_not_read_whole(tmp_path, monkeypatch):
    path, asked = tmp_path / "file", []
    with open(path, "wb") as file:
        file.truncate(3 * 2**30)  # a sparse file: 3 GiB without a line end

    class Spy:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def __getattr__(self, name):
            return getattr(self.file, name)

        def readline(self, size):
            asked.append(size)
            return self.file.readline(size)

    monkeypatch.setattr(lines, "open", lambda *arguments: Spy(open(*arguments)), raising=False)
    with pytest.raises(DataFileError, match="longer than 1,000 bytes"):
        readers.read_plain_text(path, line_limit=1000)
    assert asked == [1001]


def test_a_document_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(plain_text, "DOCUMENT_LIMIT", 50)
    (tmp_path / "file").write_text("ten signs.\n" * 9)
    with pytest.raises(DataFileError, match="line 6: the document is longer than 50"):
        readers.read_plain_text(tmp_path / "file")


class TestImdbFolder:
    @pytest.fixture
    def folder(self, tmp_path):
        row = {"text": "Fine.", "label": 1, "rating": 8, "id": 0}
        rows = [row, row | {"label": 0, "rating": 2}]
        format_writers.write_imdb_folder({"train": rows, "test": rows}, tmp_path / "aclImdb")
        return tmp_path / "aclImdb"

    @pytest.mark.parametrize(
        "name, words",
        [
            ("train/pos/notes.txt", "its name is not like 12_8.txt"),
            ("train/pos/1_3.txt", "rating is 3, and not one of 'pos': 7 to 10"),
            ("train/neg/1_5.txt", "rating is 5, and not one of 'neg': 1 to 4"),
            ("train/pos/0_9.txt", "id 0 stands twice, also in 0_8.txt"),
            ("train/pos/00_9.txt", "stands twice"),
        ],
    )
    def test_wrong_name(self, folder, name, words):
        (folder / name).write_text("Text.")
        with pytest.raises(DataFileError, match=words) as caught:
            readers.read_imdb_folder(folder)
        assert caught.value.path.parent == (folder / name).parent

    @pytest.mark.parametrize(
        "content, words",
        [(b"", "empty"), (b" <br />", "empty"), (b"a\xffb", "byte 1 of the file"), (b"a\0", "NUL")],
    )
    def test_wrong_content(self, folder, content, words):
        (folder / "test/neg/3_1.txt").write_bytes(content)
        with pytest.raises(DataFileError, match=words) as caught:
            readers.read_imdb_folder(folder)
        assert caught.value.path == folder / "test/neg/3_1.txt"

    def test_review_too_long(self, folder):
        with pytest.raises(DataFileError, match="larger than 3 bytes"):
            readers.read_imdb_folder(folder, size_limit=3)

    def test_missing_folders(self, folder):
        with pytest.raises(DataFileError, match="Give the folder above it"):
            readers.read_imdb_folder(folder / "train")
        with pytest.raises(DataFileError, match="no 'train' and no 'test'"):
            readers.read_imdb_folder(folder / "train" / "pos")
        with pytest.raises(DataFileError, match="there is no such folder"):
            readers.read_imdb_folder(folder / "absent")
        with pytest.raises(DataFileError, match="it is a file, and a folder is wanted"):
            readers.read_imdb_folder(folder / "train/pos/0_8.txt")
        (folder / "train/neg").rename(folder / "train/negative")
        with pytest.raises(DataFileError, match="train/neg: there is no such folder"):
            readers.read_imdb_folder(folder)

    def test_a_folder_in_place_of_a_review(self, folder):
        (folder / "train/neg/9_1.txt").mkdir()
        with pytest.raises(DataFileError, match="it is a folder, and a file is wanted"):
            readers.read_imdb_folder(folder)


class TestCorpusFolder:
    @pytest.mark.parametrize(
        "name, content, words",
        [
            ("b.md", "x", r"does not end in \.txt"),
            ("b.txt", "", "the file is empty"),
            ("b.txt", "\n\n", "only blank lines"),
        ],
    )
    def test_wrong_file(self, tmp_path, name, content, words):
        (tmp_path / "a.txt").write_text("One.\n")
        (tmp_path / name).write_text(content)
        with pytest.raises(DataFileError, match=words) as caught:
            readers.read_plain_text(tmp_path)
        assert caught.value.path == tmp_path / name

    def test_empty_folder(self, tmp_path):
        with pytest.raises(DataFileError, match="nothing in it"):
            readers.read_plain_text(tmp_path)


def test_ids_stand_once_in_squad(tmp_path):
    document = json.loads(squad())
    document["data"] *= 2
    (tmp_path / "file").write_text(json.dumps(document))
    with pytest.raises(DataFileError, match=r"'q1' stands twice, first at data.0.") as caught:
        readers.read_squad(tmp_path / "file")
    assert caught.value.field == "data[1].paragraphs[0].qas[0]"


def test_every_wrong_offset_is_counted(tmp_path):
    wrong = answers("oven", 35) + answers("oven", 34) + answers("door", 0) + answers("cools", 99)
    (tmp_path / "file").write_text(squad(answers=wrong))
    with pytest.raises(DataFileError, match="3 answers do not stand"):
        readers.read_squad(tmp_path / "file")


class TestStorage:
    @pytest.fixture
    def path(self, tmp_path):
        format_writers.write_reviews([REVIEW] * 2500, tmp_path / "file")
        return tmp_path / "file"

    def test_small_data_needs_no_file(self, path):
        assert readers.read_reviews(path).cache_files == []

    def test_large_data_goes_to_a_file_of_its_own(self, path, monkeypatch):
        monkeypatch.setattr(tables, "MEMORY_SIZE", 1000)
        first, second = readers.read_reviews(path), readers.read_reviews(path)
        assert first.to_list() == second.to_list() == [REVIEW] * 2500
        assert first.features == tables_features()
        assert first.cache_files[0]["filename"] != second.cache_files[0]["filename"]

    @pytest.mark.parametrize("memory", [1000, tables.MEMORY_SIZE])
    def test_a_changed_file_is_read_anew(self, path, monkeypatch, memory):
        monkeypatch.setattr(tables, "MEMORY_SIZE", memory)
        before, status = readers.read_reviews(path), path.stat()
        before = before.map(lambda row: {"label": 1 - row["label"]})
        path.write_text(path.read_text().replace("Dust", "Rust"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # same name, size and time
        after = readers.read_reviews(path).map(lambda row: {"label": 1 - row["label"]})
        assert set(before["title"]) == {"Dust"} and set(after["title"]) == {"Rust"}

    def test_a_failure_leaves_no_file(self, path, monkeypatch):
        from datasets.fingerprint import get_temporary_cache_files_directory

        monkeypatch.setattr(tables, "MEMORY_SIZE", 1000)
        before = os.listdir(get_temporary_cache_files_directory())
        path.write_text(path.read_text() + "{")
        with pytest.raises(DataFileError, match="line 2501"):
            readers.read_reviews(path)
        assert os.listdir(get_temporary_cache_files_directory()) == before

    def test_a_full_disk_is_an_error_of_the_course(self, path, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(tables, "MEMORY_SIZE", 1000)
        monkeypatch.setattr(tables, "_spill", full)
        with pytest.raises(DataFileError, match=r"No space left on device.*TMPDIR"):
            readers.read_reviews(path)


def tables_features():
    from course_lib.data.readers.reviews import review_features

    return review_features()
