"""Columns of CoNLL files: what could be read in two ways is refused until somebody says how."""

from __future__ import annotations

import pytest

from course_lib.data.readers import read_conll
from course_lib.data.sources import load_texts
from course_lib.errors import DataFileError, SettingError

GERMEVAL = "1\tSchartau\tB-PER\tO\n2\tlebt\tO\tO\n3\tin\tO\tO\n4\tBerlin\tB-LOC\tB-ORG\n\n1\tEr\tO\tO\n"


def write(tmp_path, text):
    path = tmp_path / "train.tsv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GERMEVAL, "counts the tokens and the columns 3 and 4 hold tags"),
        ("1\tSchartau\tB-PER\n2\tlebt\tO\n", "counts the tokens"),
        ("Schartau\tB-PER\tO\nlebt\tO\tO\n", "the columns 2 and 3 hold tags"),
        ("Schartau\tB-PER\tNN\tI-PER\nlebt\tO\tVB\tO\n", "the columns 2 and 4 hold tags"),
    ],
)
def test_a_file_that_can_be_read_in_two_ways_is_refused_with_its_columns(tmp_path, text, reason):
    with pytest.raises(DataFileError, match=reason) as caught:
        read_conll(write(tmp_path, text))
    message = str(caught.value)
    assert "line 1" in message and "'Schartau'" in message
    assert "token_column" in message and "--tag-column" in message


def test_what_is_told_is_read(tmp_path):
    path = write(tmp_path, "#\tn-tv.de 2005\n" + GERMEVAL)
    with pytest.raises(DataFileError, match=r'comments="#"'):
        read_conll(path)
    told = {"token_column": 2, "comments": "#"}
    outer, inner = (read_conll(path, tag_column=column, **told) for column in (3, 4))
    assert outer[0]["tokens"] == ["Schartau", "lebt", "in", "Berlin"]
    assert outer[0]["tags"] == ["B-PER", "O", "O", "B-LOC"]
    assert inner[0]["tags"] == ["O", "O", "O", "B-ORG"]
    data = load_texts("entities", str(tmp_path), tag_column=3, **told)
    assert data["train"]["tags"] == outer["tags"]
    with pytest.raises(SettingError, match="for entities alone"):
        load_texts("reviews", str(tmp_path), token_column=2)


@pytest.mark.parametrize(
    "text",
    [
        "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP B-MISC\n",  # CoNLL-2003: chunks are no entities
        "1 O\n2 O\n",  # numbers can be tokens where there is no other column
        "# O\nEU B-ORG\n",  # so can a number sign
    ],
)
def test_files_with_one_reading_are_read(tmp_path, text):
    rows = read_conll(write(tmp_path, text))
    assert rows["tokens"] == [[line.split()[0] for line in text.splitlines()]]


@pytest.mark.parametrize(
    "told", [{"token_column": 5}, {"tag_column": 5}, {"tag_column": 0}, {"types": ["O"]}]
)
def test_a_column_that_cannot_be_is_refused(tmp_path, told):
    with pytest.raises(DataFileError, match=r"from 1|tag of a token outside"):
        read_conll(write(tmp_path, "EU NNP B-ORG\n"), **told)


@pytest.mark.parametrize(
    ("tag", "advice"),
    [("I-O", "has the tag O alone"), ("B-O", "has the tag O alone"), ("B-", "type of the entity")],
)
def test_a_tag_outside_every_entity_gets_advice_that_holds(tmp_path, tag, advice):
    with pytest.raises(DataFileError, match=advice) as caught:
        read_conll(write(tmp_path, f"The {tag}\n"))
    assert "allow more types" not in str(caught.value)
