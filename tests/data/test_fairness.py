"""Frames and people: read whole or refused with the line and the column; filled sentences differ in the person alone."""

from __future__ import annotations

import csv
import io

import pytest

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.fairness import load_fairness, sentences_about
from course_lib.data.readers import read_frames, read_people
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import DataFileError, SettingError

FRAME = {"id": "f01", "style": "review", "text": "{person} felt {emotion}, as said.", "sentiment": "positive"}
FRAME["fillers"] = "glad|at ease"
PERSON = {"text": "Ada", "group_type": "gender", "group": "female", "kind": "name", "gender": "female"}
PERSON |= {"source": "a list, of 2020", "checked": "yes", "pieces": "1"}


def write(path, *rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def bundled():
    return load_fairness()


def test_rows_are_read_as_they_stand(tmp_path):
    assert read_frames(write(tmp_path / "frames.csv", FRAME)).to_list() == [
        {**FRAME, "fillers": ["glad", "at ease"]}
    ]
    assert read_people(write(tmp_path / "people.csv", PERSON)).to_list() == [{**PERSON, "pieces": 1}]
    frames, people = load_fairness(tmp_path)
    assert len(frames) == len(people) == 1


@pytest.mark.parametrize(
    ("read", "row", "change", "field", "problem"),
    [
        (read_frames, FRAME, {"text": "{emotion} it was."}, "text", "the gaps are emotion"),
        (read_frames, FRAME, {"text": "Nobody felt glad."}, "text", "the gaps are none"),
        (read_frames, FRAME, {"text": "{person} and {person}: {emotion}"}, "text", r"\{person\} once"),
        (read_frames, FRAME, {"text": "{person} {emotion} {state}"}, "text", "one other gap"),
        (read_frames, FRAME, {"text": "{person} {emotion} {"}, "text", r"\{person\} once"),
        (read_frames, FRAME, {"fillers": ""}, "fillers", "0 fillers for 1 gaps"),
        (read_frames, FRAME, {"text": "{person} came."}, "fillers", "2 fillers for 0 gaps"),
        (read_frames, FRAME, {"sentiment": "good"}, "sentiment", "'good' is not known"),
        (read_frames, FRAME, {"style": " "}, "style", "empty"),
        (read_frames, FRAME, {"id": "f00"}, "id", "stands twice, first on line 2"),
        (read_people, PERSON, {"group_type": "age"}, "group_type", "'age' is not known"),
        (read_people, PERSON, {"checked": "perhaps"}, "checked", "yes or partly or no or own"),
        (read_people, PERSON, {"pieces": "0"}, "pieces", "no number of pieces"),
        (read_people, PERSON, {"source": ""}, "source", "empty"),
        (read_people, PERSON, {"text": "Eve"}, "text", "stands twice, first on line 2"),
    ],
)
def test_a_damaged_row_is_named_by_line_and_column(tmp_path, read, row, change, field, problem):
    first = {**row, **({"id": "f00"} if read is read_frames else {"text": "Eve"})}
    path = write(tmp_path / "rows.csv", first, {**row, **change})
    with pytest.raises(DataFileError, match=problem) as caught:
        read(path)
    assert f"{path}, line 3" in str(caught.value) and field in str(caught.value)


@pytest.mark.parametrize("text", ["id,text\nf01,a\n", "id,style,text,sentiment,fillers,id\nf01,a,b,c,d,e\n"])
def test_another_header_is_refused(tmp_path, text):
    path = tmp_path / "frames.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataFileError, match=r"line 1.*id,style,text,sentiment,fillers"):
        read_frames(path)


def test_a_row_of_another_width_is_refused(tmp_path):
    path = write(tmp_path / "frames.csv", FRAME)
    path.write_text(path.read_text(encoding="utf-8").replace('"', ""), encoding="utf-8")
    with pytest.raises(DataFileError, match=r"line 2.*5 columns are wanted, and there are 6"):
        read_frames(path)


def test_without_a_clone_it_says_so(monkeypatch):
    monkeypatch.setattr("course_lib.settings.is_clone", lambda: False)
    with pytest.raises(SettingError, match="from its clone"):
        load_fairness()


def test_filling_puts_a_capital_where_the_sentence_begins():
    frame = {"text": "{person} felt {emotion}.", "fillers": ["glad", "at ease"]}
    assert list(sentences_about(frame, "my aunt")) == ["My aunt felt glad.", "My aunt felt at ease."]
    assert list(sentences_about({"text": "So says {person}.", "fillers": []}, "my aunt")) == [
        "So says my aunt."
    ]


def test_filled_sentences_differ_in_the_person_alone(bundled):
    frames, people = bundled
    for frame in frames:
        wanted = None
        for person in people["text"]:
            found = [
                text.replace(person[0].upper() + person[1:], "*").replace(person, "*")
                for text in sentences_about(frame, person)
            ]
            wanted = wanted or found
            assert found == wanted and all(text.count("*") == 1 for text in found)


def test_the_number_of_pieces_is_that_of_the_vocabulary(bundled):
    tokenizer = load_tokenizer(bundled_weights_folder(verify=False))
    for person in bundled[1]:
        assert len(tokenizer.encode(person["text"], add_special_tokens=False).tokens) == person["pieces"], (
            person["text"]
        )


def test_a_source_from_memory_is_said_to_be_one(bundled):
    unchecked = {row["group"] for row in bundled[1] if row["checked"] == "no"}
    assert unchecked == {"Indian", "Pakistani"}
    assert all((row["checked"] == "own") == (row["kind"] == "phrase") for row in bundled[1])
