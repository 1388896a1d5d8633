"""Sentences with a word of several senses: read whole, or refused with the line and the field that is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import settings
from course_lib.data.readers import read_senses
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import DataFileError

ROW = {
    "id": "w001",
    "word": "bank",
    "form": "bank",
    "start": 4,
    "sense": "side of a river",
    "sense_id": "bank.2",
    "sentence": "The bank was steep and muddy after the rain.",
}


def write(path, *rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_bundled_file_is_read_as_it_stands():
    path = settings.DATA / "senses" / "test.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert read_senses(path).to_list() == [json.loads(line) for line in lines]


def test_every_form_is_one_piece_of_the_vocabulary():
    vocabulary = (bundled_weights_folder(verify=False) / "vocab.txt").read_text(encoding="utf-8").split("\n")
    rows = read_senses(settings.DATA / "senses" / "test.jsonl")
    assert set(rows["form"]) == set(rows["word"]) <= set(vocabulary)


@given(st.text(max_size=12), st.text(max_size=12))
def test_offsets_count_characters(tmp_path_factory, before, after):
    if "\0" in before + after:
        return
    row = {**ROW, "start": len(before), "sentence": f"{before}bank{after}"}
    path = write(tmp_path_factory.mktemp("rows") / "test.jsonl", row)
    assert read_senses(path).to_list() == [row]


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"start": 5}, "start", "at 5 stands 'ank ', not 'bank'"),
        ({"start": -4}, "start", "stands nothing"),
        ({"start": 400}, "start", "stands nothing"),
        ({"start": "4"}, "start", "a whole number is wanted"),
        ({"form": "banks"}, "start", "not 'banks'"),
        ({"sense_id": "bark.2"}, "sense_id", "no sense of 'bank'"),
        ({"sense_id": "bank"}, "sense_id", "no sense of 'bank'"),
        ({"sentence": " "}, "sentence", "empty"),
        ({"meaning": "shore"}, "meaning", "not known"),
        ({"id": "w000"}, "id", "stands twice, first on line 1"),
    ],
)
def test_a_damaged_row_is_named_by_line_and_field(tmp_path, change, field, problem):
    path = write(tmp_path / "test.jsonl", {**ROW, "id": "w000"}, {**ROW, **change})
    with pytest.raises(DataFileError, match=problem) as caught:
        read_senses(path)
    assert f"{path}, line 2" in str(caught.value) and field in str(caught.value)


@pytest.mark.parametrize("field", ROW)
def test_a_missing_field_is_named(tmp_path, field):
    path = write(tmp_path / "test.jsonl", {name: value for name, value in ROW.items() if name != field})
    with pytest.raises(DataFileError, match=f"{field}.*the field is missing"):
        read_senses(path)
