"""Tiny files in the official layouts, written for these tests, and the data sets of the course."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import ClassLabel

from course_lib import settings
from course_lib.data import readers
from course_lib.data.readers.squad import nearest, squad_features
from course_lib.errors import DataFileError

sys.path.append(str(Path(__file__).parent))
import format_writers


def write(path, text, encoding="utf-8"):
    path.write_text(text, encoding=encoding, newline="")
    return path


SQUAD_11 = """{"data": [{"title": "Lighthouses", "paragraphs": [{
 "context": "The lamp was lit at six. Six men saw it.",
 "qas": [{"answers": [{"answer_start": 20, "text": "six"}, {"answer_start": 17, "text": "at six"}],
          "question": "When was it lit?", "id": "a1"}]}]}], "version": "1.1"}"""


def test_squad_11_lacks_is_impossible(tmp_path):
    data = readers.read_squad(write(tmp_path / "dev.json", SQUAD_11))
    assert data.features == squad_features()
    assert data[0] == {
        "id": "a1",
        "title": "Lighthouses",
        "context": "The lamp was lit at six. Six men saw it.",
        "question": "When was it lit?",
        "answers": {"text": ["six", "at six"], "answer_start": [20, 17]},
        "is_impossible": False,
        "plausible_answers": {"text": [], "answer_start": []},
    }


def test_squad_20_has_plausible_answers(tmp_path):
    question = {"id": "b", "question": "When was it put out?", "is_impossible": True, "answers": []}
    question["plausible_answers"] = [{"text": "six", "answer_start": 20}]
    document = json.loads(SQUAD_11)
    document["data"][0]["paragraphs"][0]["qas"].append(question)
    row = readers.read_squad(write(tmp_path / "dev.json", json.dumps(document)))[1]
    assert row["is_impossible"] and row["answers"]["text"] == []
    assert row["plausible_answers"] == {"text": ["six"], "answer_start": [20]}


def test_offsets_count_characters_not_bytes_or_code_units(tmp_path):
    document = json.loads(SQUAD_11.replace("The lamp", "😀é lamp").replace("20", "19").replace("17", "16"))
    row = readers.read_squad(write(tmp_path / "dev.json", json.dumps(document)))[0]
    assert row["answers"]["answer_start"] == [19, 16]


@pytest.mark.parametrize(
    "start, found", [(None, 0), (-5, 0), (0, 0), (2, 0), (3, 4), (4, 4), (6, 4), (7, 8), (99, 8)]
)
def test_nearest(start, found):
    assert nearest("six", "six six six", start) == found


def test_nearest_of_equally_near_is_the_first():
    assert nearest("ab", "ab  ab", 2) == 0
    assert nearest("x", "ab", 1) == -1


def test_repair_moves_only_what_is_wrong(tmp_path):
    wrong = SQUAD_11.replace('"answer_start": 20', '"answer_start": 22')
    path = write(tmp_path / "dev.json", wrong)
    with pytest.raises(DataFileError, match="repair=True"):
        readers.read_squad(path)
    assert readers.read_squad(path, repair=True)[0]["answers"]["answer_start"] == [20, 17]


CMRC_FLAT = """[{"context_id": "D_0", "context_text": "灯塔在山上。山上有风。", "title": "灯塔", "qas": [
 {"query_id": "D_0_Q_0", "query_text": "灯塔在哪里？", "answers": ["山上", "在山上"]}]}]"""
CMRC = """{"version": "v1.0", "data": [{"paragraphs": [{"id": "D_0",
 "context": "灯塔在山上。山上有风。", "qas": [
 {"question": "灯塔在哪里？", "id": "D_0_Q_0", "answers": [{"text": "山上", "answer_start": 3},
 {"text": "在山上", "answer_start": 2}]}]}], "id": "D_0", "title": "灯塔"}]}"""


def test_cmrc_is_the_same_in_both_layouts(tmp_path):
    flat = readers.read_cmrc(write(tmp_path / "flat.json", CMRC_FLAT))
    deep = readers.read_cmrc(write(tmp_path / "deep.json", CMRC))
    inner = readers.read_cmrc(write(tmp_path / "inner.json", f'{{"data": {CMRC_FLAT}}}'))
    assert flat.to_list() == deep.to_list() == inner.to_list()
    assert flat.features == squad_features()
    assert flat[0]["answers"] == {"text": ["山上", "在山上"], "answer_start": [3, 2]}


def test_cmrc_needs_no_title_and_squad_does(tmp_path):
    path = write(tmp_path / "deep.json", CMRC.replace(', "title": "灯塔"', ""))
    assert readers.read_cmrc(path)[0]["title"] == ""
    with pytest.raises(DataFileError, match="title"):
        readers.read_squad(path)


def deep_cmrc(context, *references):
    """Return a file in the layout with offsets, of one question with references and their offsets."""
    answers = [{"text": text, "answer_start": start} for text, start in references]
    question = {"question": "？", "id": "D_0_Q_0", "answers": answers}
    paragraph = {"id": "D_0", "context": context, "qas": [question]}
    return json.dumps({"version": "v1.0", "data": [{"paragraphs": [paragraph], "id": "D_0", "title": "t"}]})


def flat_cmrc(context, *answers):
    """Return a file in the flat layout, of one question with answers."""
    question = {"query_id": "D_0_Q_0", "query_text": "？", "answers": list(answers)}
    return json.dumps([{"context_id": "D_0", "context_text": context, "qas": [question], "title": "t"}])


@pytest.mark.parametrize("reader", [readers.read_cmrc, readers.read_squad])
def test_a_reference_that_is_nowhere_is_kept_for_scoring_and_comes_last(tmp_path, reader, caplog):
    path = write(tmp_path / "dev.json", deep_cmrc("共有3 只鸟。", ("3只", -1), ("3 只", 2), ("鸟", 1)))
    with pytest.raises(DataFileError, match=r"2 answers .* 1 of them nowhere in the paragraph"):
        reader(path)
    expected = {"text": ["3 只", "鸟", "3只"], "answer_start": [2, 5, -1]}
    assert reader(path, repair=True)[0]["answers"] == expected
    assert "nowhere in their paragraph: 1, the first '3只'" in caplog.text


def test_a_reference_that_is_nowhere_is_kept_in_the_flat_layout_too(tmp_path):
    path = write(tmp_path / "dev.json", flat_cmrc("共有3 只鸟。", "3只", "3 只"))
    with pytest.raises(DataFileError, match=r"1 answer .* 1 of them nowhere .* repair=True"):
        readers.read_cmrc(path)
    expected = {"text": ["3 只", "3只"], "answer_start": [2, -1]}
    assert readers.read_cmrc(path, repair=True)[0]["answers"] == expected


@pytest.mark.parametrize("number, text", [(3, "3"), (1998, "1998"), (2.5, "2.5")])
def test_a_number_among_the_answers_of_the_flat_layout_is_a_text(tmp_path, number, text):
    path = write(tmp_path / "dev.json", flat_cmrc(f"有{text}只。", number, f"{text}只"))
    expected = {"text": [text, f"{text}只"], "answer_start": [1, 1]}
    assert readers.read_cmrc(path)[0]["answers"] == expected


@pytest.mark.parametrize("answer", [True, None, ["3"]])
def test_no_other_kind_of_value_is_an_answer(tmp_path, answer):
    with pytest.raises(DataFileError, match="a string is wanted"):
        readers.read_cmrc(write(tmp_path / "dev.json", flat_cmrc("有3只。", answer)), repair=True)


@pytest.mark.parametrize("inside, given", [("  ", " "), ("\u00a0", " "), (" ", "\u00a0"), ("\u3000", "  ")])
def test_an_answer_may_differ_by_its_spaces_and_is_spelled_as_in_the_paragraph(tmp_path, inside, given):
    context, answer = f"他说Hello{inside}World。Hello{inside}World！", f"Hello{given}World"
    for content in (deep_cmrc(context, (answer, 15)), flat_cmrc(context, answer)):
        path = write(tmp_path / "dev.json", content)
        with pytest.raises(DataFileError, match="0 of them nowhere"):
            readers.read_cmrc(path)
        found = readers.read_cmrc(path, repair=True)[0]["answers"]
        assert found["text"] == [f"Hello{inside}World"]
        assert context[found["answer_start"][0] :].startswith(found["text"][0])
    assert found["answer_start"] == [2]


IOB1 = """-DOCSTART- -X- -X- O

Mara NNP I-NP I-PER
Quill NNP I-NP I-PER
Ann NNP I-NP B-PER
left VBD I-VP O

-DOCSTART- -X- -X- O

Oslo NNP I-NP I-LOC
Bank NNP I-NP I-ORG
"""


def test_conll_2003_is_iob1_and_becomes_bio(tmp_path):
    data = readers.read_conll(write(tmp_path / "eng.testa", IOB1))
    assert data.to_list() == [
        {"document": 0, "tokens": ["Mara", "Quill", "Ann", "left"], "tags": ["B-PER", "I-PER", "B-PER", "O"]},
        {"document": 1, "tokens": ["Oslo", "Bank"], "tags": ["B-LOC", "B-ORG"]},
    ]


def test_conll_two_columns_tabs_and_no_documents(tmp_path):
    data = readers.read_conll(write(tmp_path / "ner.txt", "\n\nMara\tB-PER\nQuill\tI-PER\n \t\nleft\tO"))
    assert data["tokens"][:] == [["Mara", "Quill"], ["left"]] and data["document"][:] == [0, 0]


def test_conll_keeps_unusual_spaces_in_tokens(tmp_path):
    data = readers.read_conll(write(tmp_path / "ner.txt", "10\u00a0km O\n\u2028 O\n\u00a0 O\n"))
    assert data[0]["tokens"] == ["10\u00a0km", "\u2028", "\u00a0"]


def test_conll_other_types_are_allowed_by_name(tmp_path):
    path = write(tmp_path / "ner.txt", "Aspirin B-DRUG\n")
    assert readers.read_conll(path, types=["DRUG"])[0]["tags"] == ["B-DRUG"]
    with pytest.raises(DataFileError, match="B-DRUG"):
        readers.read_conll(path)


def test_conll_scheme_may_be_given(tmp_path):
    path = write(tmp_path / "ner.txt", "Mara B-PER\n\nOslo I-LOC\n")
    with pytest.raises(DataFileError, match="line 3"):  # BIO, for IOB1 has no B- at the start
        readers.read_conll(path)
    assert readers.read_conll(path, scheme="iob1")["tags"][:] == [["B-PER"], ["B-LOC"]]


def test_imdb_folder(tmp_path):
    for name, text in {
        "train/neg/10_2.txt": "Dull.<br /><br />Very.",
        "train/neg/9_1.txt": "No.",
        "train/pos/10_10.txt": "Yes!\n",
        "train/unsup/0_0.txt": "Perhaps.",
        "train/pos/.DS_Store": "junk",
        "test/pos/0_7.txt": "Good.",
        "test/neg/0_4.txt": "Bad\u0085.",
        "README": "read me",
        "imdb.vocab": "the",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path / name, text)
    data = readers.read_imdb_folder(tmp_path)
    assert list(data) == ["train", "test"]
    assert data["train"].to_list() == [
        {"text": "No.", "label": 0, "rating": 1, "id": 9},
        {"text": "Dull.\n\nVery.", "label": 0, "rating": 2, "id": 10},
        {"text": "Yes!", "label": 1, "rating": 10, "id": 10},
    ]
    raw = readers.read_imdb_folder(tmp_path, line_breaks=False)
    assert raw["train"][1]["text"] == "Dull.<br /><br />Very."


GLUE_FILES = {
    "SST-2 train": (
        'sentence\tlabel\nan "odd film \t1\n',
        {"sentence": 'an "odd film ', "label": 1, "idx": 0},
    ),
    "SST-2 test": ("index\tsentence\n7\tfine .\n", {"sentence": "fine .", "label": -1, "idx": 7}),
    "CoLA train": ("bk01\t0\t*\tHim left.\n", {"sentence": "Him left.", "label": 0, "idx": 0}),
    "CoLA test": ("index\tsentence\n0\tHe left.\n", {"sentence": "He left.", "label": -1, "idx": 0}),
    "MRPC train": (
        '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t70\t71\t"Rain" fell .\tIt rained .\r\n',
        {"sentence1": '"Rain" fell .', "sentence2": "It rained .", "label": 1, "idx": 0},
    ),
    "MRPC test": (
        "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n3\t70\t71\ta\tb\n",
        {"sentence1": "a", "sentence2": "b", "label": -1, "idx": 3},
    ),
    "STS-B train": (
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        "0\tcaptions\tx\t2012\t1\tnone\tnone\tA cat.\tA dog.\t1.250\n",
        {"sentence1": "A cat.", "sentence2": "A dog.", "label": 1.25, "idx": 0},
    ),
    "QQP train": (
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n44\t1\t2\tWhy?\t\t0\n",
        {"sentence1": "Why?", "sentence2": "", "label": 0, "idx": 44},
    ),
    "QQP test": (
        "id\tquestion1\tquestion2\n1\tWhy?\tHow?\n",
        {"sentence1": "Why?", "sentence2": "How?", "label": -1, "idx": 1},
    ),
    "MNLI dev": (
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse"
        "\tsentence2_parse\tsentence1\tsentence2\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label\n"
        "5\t1\t1n\tfiction\t( a )\t( b )\t(ROOT a)\t(ROOT b)\tIt is.\tIt may be.\tneutral\tneutral\tneutral"
        "\tentailment\tneutral\tcontradiction\n",
        {"sentence1": "It is.", "sentence2": "It may be.", "label": 2, "idx": 5},
    ),
    "QNLI train": (
        "index\tquestion\tsentence\tlabel\n0\tWho?\tMara did.\tnot_entailment\n",
        {"sentence1": "Who?", "sentence2": "Mara did.", "label": 1, "idx": 0},
    ),
    "WNLI dev": (
        "index\tsentence1\tsentence2\tlabel\n0\tThe drain is full of hair. It is clean.\tThe hair is clean.\t0\n",
        {
            "sentence1": "The drain is full of hair. It is clean.",
            "sentence2": "The hair is clean.",
            "label": 0,
            "idx": 0,
        },
    ),
    "RTE test": (
        "index\tsentence1\tsentence2\n0\ta\tb\n\n",
        {"sentence1": "a", "sentence2": "b", "label": -1, "idx": 0},
    ),
}


@pytest.mark.parametrize("name", GLUE_FILES)
def test_glue(tmp_path, name):
    text, row = GLUE_FILES[name]
    data = readers.read_glue(write(tmp_path / "file.tsv", text), name.split()[0])
    assert data.to_list() == [row]
    if not name.startswith("STS-B"):
        assert isinstance(data.features["label"], ClassLabel)


def test_glue_keeps_the_columns_asked_for(tmp_path):
    text, row = GLUE_FILES["STS-B train"]
    path = write(tmp_path / "file.tsv", text)
    found = readers.read_glue(path, "STS-B", columns=("genre", "filename")).to_list()
    assert found == [row | {"genre": "captions", "filename": "x"}]
    with pytest.raises(DataFileError, match="missing from the header") as caught:
        readers.read_glue(path, "STS-B", columns=("genre", "group"))
    assert caught.value.field == "group"


def test_glue_names_its_labels(tmp_path):
    for name, labels in {
        "MNLI dev": ["entailment", "neutral", "contradiction"],  # the order of the published numbers
        "QNLI train": ["entailment", "not_entailment"],
        "WNLI dev": ["not_entailment", "entailment"],
        "SST-2 train": ["negative", "positive"],
    }.items():
        data = readers.read_glue(write(tmp_path / "file.tsv", GLUE_FILES[name][0]), name.split()[0])
        assert data.features["label"].names == labels


SWAG = """,video-id,fold-ind,startphrase,sent1,sent2,gold-source,ending0,ending1,ending2,ending3,label
0,clip_1,34,"A man, in red, sat. He","A man, in red, sat.",He,gold,"says ""hi"".",runs off.,sits.,sleeps.,0
1,clip_2,35,Rain falls. The roof,Rain falls.,The roof,gen,leaks.,sings.,is a cat.,reads.,2
"""


def test_swag(tmp_path):
    data = readers.read_swag(write(tmp_path / "val.csv", SWAG))
    assert data[0]["sent1"] == "A man, in red, sat." and data[0]["endings"][0] == 'says "hi".'
    assert data["label"][:] == [0, 2] and data["sent2"][:] == ["He", "The roof"]


def test_swag_test_set_has_no_labels(tmp_path):
    text = "\n".join(line.rsplit(",", 1)[0] for line in SWAG.splitlines())
    assert readers.read_swag(write(tmp_path / "test.csv", text))["label"][:] == [-1, -1]


def test_swag_keeps_the_columns_asked_for(tmp_path):
    data = readers.read_swag(write(tmp_path / "val.csv", SWAG), columns=("video-id", "fold-ind"))
    assert data["video-id"][:] == ["clip_1", "clip_2"] and data["fold-ind"][:] == ["34", "35"]
    with pytest.raises(DataFileError, match="missing from the header") as caught:
        readers.read_swag(tmp_path / "val.csv", columns=("family",))
    assert caught.value.field == "family"


CANDIDATES = {
    "id": "e1",
    "sent1": "A man sat.",
    "sent2": "He",
    "right": "rises.",
    "candidates": ["a.", "b.", "c.", "d."],
}


def test_candidates(tmp_path):
    rows = [CANDIDATES, CANDIDATES | {"id": "e2", "candidates": ["a.", "b.", "c.", "d.", "e."]}]
    path = write(tmp_path / "pool.jsonl", "\n".join(map(json.dumps, rows)))
    assert readers.read_candidates(path).to_list() == rows


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "e1"}, "id"),
        ({"right": 3}, "right"),
        ({"candidates": "none"}, "candidates"),
        ({"candidates": ["a.", "b.", "c."]}, "candidates"),
        ({"candidates": ["a.", "b.", "c.", "a."]}, "candidates"),
        ({"candidates": ["a.", "b.", "c.", "rises."]}, "candidates"),
        ({"candidates": ["a.", "b.", "c.", 4]}, "candidates"),
    ],
)
def test_broken_candidates_are_named(tmp_path, change, field):
    rows = [CANDIDATES, CANDIDATES | {"id": "e2"} | change]
    path = write(tmp_path / "pool.jsonl", "\n".join(map(json.dumps, rows)))
    with pytest.raises(DataFileError) as caught:
        readers.read_candidates(path)
    assert (caught.value.line, caught.value.field) == (2, field)


def test_plain_text(tmp_path):
    text = "\n\nOne here.\n Two\u2028here. \n\n \nThree.\n\n"
    expected = [["One here.", "Two\u2028here."], ["Three."]]
    assert readers.read_plain_text(write(tmp_path / "corpus.txt", text))["sentences"][:] == expected
    data = readers.read_plain_text(tmp_path)  # the same file as a document of a folder
    assert data.to_list() == [{"title": "corpus", "sentences": expected[0] + expected[1]}]


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_data_of_the_course(tmp_path, split):
    questions = readers.read_squad(settings.DATA / "questions" / f"{split}.json")
    for row in questions:
        for text, start in zip(*row["answers"].values(), strict=True):
            assert row["context"][start : start + len(text)] == text
        assert bool(row["answers"]["text"]) != row["is_impossible"]
    entities = settings.DATA / "entities" / f"{split}.txt"
    format_writers.write_conll(readers.read_conll(entities), tmp_path / "entities.txt")
    assert (tmp_path / "entities.txt").read_text().split() == entities.read_text().split()
    reviews = settings.DATA / "reviews" / f"{split}.jsonl"
    assert len(readers.read_reviews(reviews)) == len(reviews.read_text().splitlines())


def test_importing_the_readers_is_cheap():
    code = "import sys, course_lib.data.readers; print({'datasets', 'pyarrow', 'torch'} & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.REPOSITORY, capture_output=True, text=True
    )
    assert found.stdout.strip() == "set()", found.stderr


def test_nothing_stays_behind_when_python_ends(tmp_path):
    write(tmp_path / "corpus.txt", "A sentence.\n\n" * 3000)
    (tmp_path / "temporary").mkdir()
    code = (
        "from course_lib.data.readers import read_plain_text, tables\n"
        "tables.MEMORY_SIZE = 1000\n"
        f"data = read_plain_text({str(tmp_path / 'corpus.txt')!r})\n"
        "print(len(data), len(data.cache_files))"
    )
    environment = {"PYTHONPATH": str(settings.REPOSITORY), "TMPDIR": str(tmp_path / "temporary")}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert found.stdout.split() == ["3000", "1"], found.stderr
    assert not list((tmp_path / "temporary").iterdir())
