"""Missing parts are split off the train part: whole titles, every row once, and what is there stays."""

from __future__ import annotations

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data.sources import load_texts
from course_lib.data.splits import PARTS, all_parts, needed_parts
from course_lib.errors import CourseError


def rows_of(count, groups=None, column="title"):
    columns = {"text": [f"row {i}" for i in range(count)]}
    if groups:
        columns[column] = [f"group {i % groups}" for i in range(count)]
    return datasets.Dataset.from_dict(columns)


@given(
    count=st.integers(20, 60),
    groups=st.integers(8, 20),
    column=st.sampled_from([None, "title", "document"]),
    there=st.sets(st.sampled_from(["validation", "test"])),
    seed=st.integers(0, 5),
)
def test_every_row_is_in_one_part_and_groups_stay_together(count, groups, column, there, seed):
    train = rows_of(count, groups if column else None, column)
    given_parts = {part: rows_of(3) for part in there}
    parts = all_parts(datasets.DatasetDict({"train": train, **given_parts}), seed=seed)
    assert tuple(parts) == PARTS and all(len(parts[part]) for part in PARTS)
    for part in there:
        assert list(parts[part]["text"]) == list(given_parts[part]["text"])
    split = [part for part in PARTS if part not in there]
    assert sorted(text for part in split for text in parts[part]["text"]) == sorted(train["text"])
    if column:
        kept = [set(parts[part][column]) for part in split]
        assert sum(map(len, kept)) == len(set.union(*kept))


@pytest.mark.parametrize(("column", "value"), [("document", 0), ("title", "")])
def test_files_that_name_no_groups_are_split_by_rows(column, value):
    rows = datasets.Dataset.from_dict({"text": [str(i) for i in range(20)], column: [value] * 20})
    parts = all_parts(datasets.DatasetDict({"train": rows}))
    assert [len(parts[part]) for part in ("train", "validation", "test")] == [16, 2, 2]


def test_a_part_that_is_needed_and_not_there_is_told():
    data = {"train": 1, "test": 2}
    assert needed_parts(data, "test", "train") == [2, 1]
    with pytest.raises(CourseError, match="The parts are train, test: there is no validation part"):
        needed_parts(data, "train", "validation")


def test_a_seed_decides_and_another_one_differs():
    data = datasets.DatasetDict({"train": rows_of(100)})
    first, again, other = (list(all_parts(data, seed=s)["test"]["text"]) for s in (0, 0, 1))
    assert first == again != other
    assert len(first) == 10


def test_rows_that_are_sorted_by_class_are_not_split_off_from_one_end():
    data = datasets.DatasetDict({"train": datasets.Dataset.from_dict({"label": [0] * 100 + [1] * 100})})
    assert 0 < sum(all_parts(data)["validation"]["label"]) < 20


def test_the_bundled_parts_stay_as_they_are():
    for name in ("reviews", "questions", "entities"):
        data = load_texts(name, "bundled")
        parts = all_parts(data)
        assert all(parts[part] is data[part] for part in PARTS)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"test": rows_of(3)}, "The parts are test: there is none to learn from"),
        ({"train": rows_of(9, 1)}, "no validation and no test part.*1 values of 'title'"),
        ({"train": rows_of(2)}, r"too small to split one off \(2 rows\)"),
    ],
)
def test_what_cannot_be_split_is_refused_in_one_sentence(data, said):
    with pytest.raises(CourseError, match=said):
        all_parts(datasets.DatasetDict(data))
