"""Files as people have them: read if they can be, and if not refused with file, row, column and remedy."""

from __future__ import annotations

import builtins
import csv
import json
import re
import time
import zipfile
from dataclasses import replace
from datetime import datetime

import datasets
import openpyxl
import pandas
import pytest

from course_lib.data.own.examples import ColumnNames, read_examples
from course_lib.data.own.findings import findings, label_names
from course_lib.data.own.parts import complete_parts
from course_lib.data.own.tables import read_table
from course_lib.errors import CourseError, DataFileError
from course_lib.settings import DATA

EXAMPLES = DATA / "examples"

ROWS = [
    ("where is my parcel", "delivery"),
    ('he said "no", twice', "other"),
    ("naïve café\nsecond line", "other"),
]
TABLE = pandas.DataFrame(ROWS, columns=["body", "topic"])
NAMES = ColumnNames(text="body", label="topic")


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content, encoding="utf-8")
    return path


WRITERS = {
    "comma.csv": lambda path: TABLE.to_csv(path, index=False),
    "marked.csv": lambda path: TABLE.to_csv(path, index=False, encoding="utf-8-sig"),
    "semicolon.csv": lambda path: TABLE.to_csv(path, index=False, sep=";"),
    "tabs.tsv": lambda path: TABLE.to_csv(path, index=False, sep="\t"),
    "lines.jsonl": lambda path: TABLE.to_json(path, orient="records", lines=True),
    "list.json": lambda path: TABLE.to_json(path, orient="records"),
    "columns.parquet": lambda path: TABLE.to_parquet(path),
    "saved": lambda path: datasets.Dataset.from_pandas(TABLE).save_to_disk(str(path)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_table_gives_the_same_rows(name, tmp_path):
    WRITERS[name](tmp_path / name)
    train = read_examples(tmp_path / name, NAMES)["train"]
    assert list(zip(train["text"], train["label"], strict=True)) == ROWS


def test_excel(tmp_path):
    TABLE.to_excel(tmp_path / "t.xlsx", index=False)
    train = read_examples(tmp_path / "t.xlsx", NAMES)["train"]
    assert list(zip(train["text"], train["label"], strict=True)) == ROWS


def test_reading_leaves_the_limit_of_a_field_as_it_was(tmp_path):
    before = csv.field_size_limit()
    path = tmp_path / "long.csv"
    path.write_text(f"text,label\n{'a' * (before + 1)},x\nb,y\n", encoding="utf-8")
    assert len(read_examples(path, ColumnNames(("text",), "label"))["train"]["text"][0]) == before + 1
    assert csv.field_size_limit() == before  # the readers of official files count on it


def test_a_line_number_counts_lines_within_quotation_marks(tmp_path):
    path = write(tmp_path / "t.csv", 'text,label\n"two\nlines",a\nb,\n')
    with pytest.raises(DataFileError, match="line 4, field 'label': the label is empty"):
        read_examples(path)


def test_a_folder_for_each_class_and_any_number_of_them(tmp_path):
    for name in ("neg", "neutral", "pos"):
        write(tmp_path / "one" / name / "1.txt", f"a {name} text\n")
        for part in ("train", "test"):
            write(tmp_path / "two" / part / name / "1.txt", f"{part} {name}")
    assert list(read_examples(tmp_path / "one")["train"]["label"]) == ["neg", "neutral", "pos"]
    write(tmp_path / "two" / "imdbEr.txt", "notes")
    parts = read_examples(tmp_path / "two")
    assert list(parts) == ["train", "test"] and list(parts["test"]["text"]) == [
        "test neg",
        "test neutral",
        "test pos",
    ]


def test_a_folder_with_a_table_for_each_part(tmp_path):
    for part in ("train", "dev", "test"):
        write(tmp_path / f"tickets_{part}.csv", f"text,label\n{part},a\n")
    assert {part: frame["text"][0] for part, frame in read_examples(tmp_path).items()} == {
        "train": "train", "validation": "dev", "test": "test",
    }  # fmt: skip


def test_scores_and_class_labels(tmp_path):
    path = write(tmp_path / "t.csv", "a,b,mark\nx,y,3.5\nz,w,4\n")
    train = read_examples(path, ColumnNames(text="a", second="b", label="mark", score=True))["train"]
    assert list(train["label"]) == [3.5, 4.0] and list(train["second"]) == ["y", "w"]
    named = datasets.Dataset.from_dict(
        {"text": ["x", "y"], "label": [1, 0]},
        features=datasets.Features(
            {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
        ),
    )
    datasets.DatasetDict({"train": named}).save_to_disk(str(tmp_path / "d"))
    assert list(read_examples(tmp_path / "d")["train"]["label"]) == ["yes", "no"]


# What cannot be read ---------------------------------------------------------------------------

TWENTY = "".join(f"text {number},{'ab'[number % 2]}\n" for number in range(20))
BROKEN = {
    "no such file": ("gone.csv", None, {}, "there is no such file. Check the path"),
    "empty": ("t.csv", "", {}, "the file is empty"),
    "header only": ("t.csv", "text,label\n", {}, "a header, and no row below it. Check"),
    "blank rows only": ("t.csv", "text,label\n,\n\n", {}, "a header, and no row below it"),
    "another kind": ("t.docx", "text", {}, "tables of the kind '.docx' are not read. Save it as .csv"),
    "Excel called CSV": ("t.csv", b"PK\x03\x04 text", {}, "Excel or zip file under another name. Rename it to .xlsx"),
    "Latin-1": ("t.csv", "text,label\na,b\ncafé,b\n".encode("latin-1"), {}, "t.csv, line 3.*UTF-8"),
    "UTF-16": ("t.csv", "text,label\na,b\n".encode("utf-16"), {}, "t.csv, line 1.*UTF-"),
    "a NUL": ("t.csv", "text,label\na\0,b\n", {}, "t.csv, line 2.*NUL"),
    "a quotation mark left open": ("t.csv", 'text,label\na,b\n"c,b\n', {}, "line 3: the row cannot be read.*Close"),
    "too many fields": ("t.csv", "text,label\na, b,c\n", {}, r"line 2: the row has 3 fields.*has 2 \(separated by commas"),
    "a column twice": ("t.csv", "text,label,text\na,b,c\n", {}, "line 1: the column 'text' stands 2 times.*Rename"),
    "no text column": ("t.csv", "body,label\na,b\n", {}, "no column 'text'; there are: body, label. Name it with --text"),
    "no label column": ("t.csv", "text,topic\na,b\n", {}, "no column 'label'.*with --label COLUMN"),
    "one column for both": ("t.csv", "x,y\na,b\n", {"text": "x", "label": "x"}, "'x' is asked for twice"),
    "no second column": ("t.csv", "text,label\na,b\n", {"second": "other"}, "no column 'other'.*with --second"),
    "an empty label": ("t.csv", "text,label\na,b\nc, \n", {}, "line 3, field 'label': the label is empty. Give it"),
    "an empty text": ("t.csv", "text,label\na,b\n ,b\n", {}, "line 3, field 'text': the text is empty. Give it"),
    "texts that are numbers": ("t.csv", "text,label\n1,b\n2.5,c\n", {}, "'text': the column of the texts holds only num"),
    "a word for a score": ("t.csv", "text,label\na,1\nb,high\n", {"score": True}, "line 3, field 'label'.*it is 'high'"),
    "an infinite score": ("t.csv", "text,label\na,inf\n", {"score": True}, "line 2, field 'label'.*a number is wanted"),
    "a sheet of a CSV": ("t.csv", "text,label\na,b\n", {"sheet": "May"}, "no Excel file. Leave --sheet out"),
    "bad JSON": ("t.jsonl", '{"text": "a", "label": "b"}\n{"text": \n', {}, "t.jsonl, line 2.*JSON"),
    "no object": ("t.jsonl", '{"text": "a", "label": "b"}\n["a"]\n', {}, "line 2: it is not an object"),
    "a list of labels": ("t.jsonl", '{"text": "a", "label": ["b"]}\n', {}, "line 1, field 'label'.*one label is wanted"),
    "an object for a text": ("t.jsonl", '{"text": {"a": 1}, "label": "b"}\n', {}, "'text'.*a text is wanted, and it is a dict"),
    "no list": ("t.json", '{"text": "a"}', {}, "not a list of objects"),
    "a cut Parquet file": ("t.parquet", b"PAR1 cut", {}, "not a whole Parquet file.*Export it again"),
    "an empty folder": ("d/", None, {}, "there is nothing in it. Give a folder"),
    "tables and folders": ("d/", {"a/1.txt": "x", "t.csv": "text,label\n"}, {}, "tables and folders in it"),
    "no table": ("d/", {"notes.doc": "x"}, {}, "no table and no folder in it"),
    "a part that nobody knows": ("d/", {"may.csv": "text,label\na,b\n"}, {}, "may.csv: its name does not say which part"),
    "a part twice": ("d/", {"train.csv": "text,label\na,b\n", "train.jsonl": "{}"}, {}, "both look like the train part"),
    "a class without files": ("d/", {"a/1.txt": "x", "b/": None}, {}, "b: there is no file in it"),
    "an empty file of a class": ("d/", {"a/1.txt": " \n"}, {}, "1.txt: the text is empty"),
    "a picture among the texts": ("d/", {"a/1.png": "x"}, {}, "1.png: it is no .txt file"),
    "a damaged datasets folder": ("d/", {"dataset_info.json": "{}"}, {}, "datasets cannot read it"),
}  # fmt: skip


def lay_out(place, name, content):
    path = place / name
    if isinstance(content, dict) or (content is None and name.endswith("/")):
        path.mkdir()
        for inner, text in (content or {}).items():
            (path / inner).mkdir(parents=True) if text is None else write(path / inner, text)
    elif content is not None:
        write(path, content)
    return path


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_read_is_refused_in_one_sentence(case, tmp_path):
    name, content, columns, message = BROKEN[case]
    path = lay_out(tmp_path, name, content)
    with pytest.raises(CourseError, match=message) as caught:
        read_examples(path, ColumnNames(**columns))
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def read_and_split(path):
    parts = read_examples(path)
    return label_names(parts, path), complete_parts(parts, path)


UNLEARNABLE = {
    "one class": ("t.csv", "text,label\n" + TWENTY.replace(",b", ",a"), "every row of the training part has the label 'a'"),
    "too few rows": ("t.csv", "text,label\na,b\nc,d\n", "it has 2 rows, too few.*Add rows, 10 at least"),
    "one text in all rows": ("t.csv", "text,label\n" + "same,a\nsame,b\n" * 15, "too much alike to be split"),
    "a label for each row": (
        "t.csv", "text,label\n" + "".join(f"t{n},l{n}\n" for n in range(40)), "there are 40 different labels in 40 rows. Name the column",
    ),
    "no training part": ("d/", {"test.csv": "text,label\na,b\n"}, "there is no training part, only test. Add"),
    "a label that training lacks": (
        "d/", {"train.csv": "text,label\n" + TWENTY, "dev.csv": "text,label\nx,a\ny,c\n"},
        "dev.csv, line 3: the label 'c' is in the validation part and not in training",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNLEARNABLE)
def test_what_cannot_be_learned_is_refused_before_training(case, tmp_path):
    name, content, message = UNLEARNABLE[case]
    with pytest.raises(DataFileError, match=message):
        read_and_split(lay_out(tmp_path, name, content))


def workbook(path, *sheets):
    """Write a workbook with openpyxl: each sheet a list of rows, the header first."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


HEADER = ["body", "topic"]
SHEET_ROWS = [HEADER, ["Broken", "technical"], ["Too late", "delivery"], ["Charged twice", "billing"]]


def test_excel_without_its_package(tmp_path, monkeypatch):
    path = workbook(tmp_path / "t.xlsx", SHEET_ROWS)
    load = builtins.__import__
    monkeypatch.setattr(
        builtins,
        "__import__",
        lambda name, *a, **k: load("not there" if name == "openpyxl" else name, *a, **k),
    )
    with pytest.raises(CourseError, match=r"pip install openpyxl==.*or save the sheet as CSV"):
        read_examples(path, NAMES)


def test_a_sheet_is_chosen_where_two_have_rows(tmp_path):
    path = workbook(tmp_path / "t.xlsx", SHEET_ROWS, SHEET_ROWS[:2], [])
    with pytest.raises(DataFileError, match=r"it has the sheets Sheet 1, Sheet 2. Choose one with --sheet"):
        read_examples(path, NAMES)
    with pytest.raises(DataFileError, match=r"no sheet 'July'. Choose one of: Sheet 1, Sheet 2"):
        read_examples(path, replace(NAMES, sheet="July"))
    for sheet, count in (("Sheet 1", 3), ("Sheet 2", 1)):
        assert len(read_examples(path, replace(NAMES, sheet=sheet))["train"]) == count
    only_one = workbook(tmp_path / "one.xlsx", [], SHEET_ROWS, [])
    assert len(read_examples(only_one, NAMES)["train"]) == 3  # empty sheets are no choice


def test_a_row_of_a_sheet_keeps_its_number(tmp_path):
    rows = [[], SHEET_ROWS[0], SHEET_ROWS[1], [], [None, None], SHEET_ROWS[2], []]
    frame = read_table(workbook(tmp_path / "t.xlsx", rows))
    assert list(frame.index) == [3, 6] and list(frame["topic"]) == ["technical", "delivery"]
    path = workbook(tmp_path / "gap.xlsx", [*rows, ["a text", None]])
    with pytest.raises(DataFileError, match=r"line 8, field 'topic': the label is empty"):
        read_examples(path, NAMES)


def test_dates_and_numbers_of_a_sheet_are_those_of_a_csv_file(tmp_path):
    rows = [
        ["when", "body", "topic"],
        [datetime(2026, 11, 30), "Broken", 1],
        [datetime(2026, 11, 30, 8, 5), "Too late", 2.0],
    ]
    names = ColumnNames(text=("when", "body"), label="topic")
    sheet = read_examples(workbook(tmp_path / "t.xlsx", rows), names)["train"]
    csv_file = write(
        tmp_path / "t.csv", "when,body,topic\n2026-11-30,Broken,1\n2026-11-30 08:05:00,Too late,2\n"
    )
    for column in ("text", "label"):
        assert list(sheet[column]) == list(read_examples(csv_file, names)["train"][column])


def test_a_note_beside_a_sheet_is_nobodys_column(tmp_path):
    rows = [
        HEADER,
        ["Broken", "technical", None, "call them"],
        ["Too late", "delivery"],
        [None, None, "a note"],
    ]
    frame = read_table(workbook(tmp_path / "t.xlsx", rows))
    assert list(frame.columns) == HEADER and list(frame.index) == [2, 3]


def save_results(path, results):
    """Give the formulas of a workbook the results that a spreadsheet program would have saved with them."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    text = contents[name].decode()
    for formula, result in results.items():
        assert f"<f>{formula}</f><v" in text
        text = re.sub(
            rf"<f>{re.escape(formula)}</f><v ?/>|<f>{re.escape(formula)}</f><v></v>",
            f"<f>{formula}</f><v>{result}</v>",
            text,
        )
    contents[name] = text.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def test_the_result_of_a_formula_is_read(tmp_path):
    path = workbook(tmp_path / "t.xlsx", [HEADER, ["Broken", "=1+1"], ["Too late", "=2+1"]])
    with pytest.raises(DataFileError, match=r"line 2, field 'topic': the cell has a formula.*save it again"):
        read_examples(path, NAMES)
    save_results(path, {"1+1": 2, "2+1": 3})
    assert list(read_examples(path, NAMES)["train"]["label"]) == ["2", "3"]


BAD_SHEETS = {
    "an error": ([HEADER, ["#REF!", "technical"]], r"line 2, field 'body': the cell shows the error #REF!"),
    "a text column of numbers": ([HEADER, [12, "a"], ["13", "b"]], "column of the texts holds only numbers"),
    "the same name twice": (
        [[*HEADER, "body"], ["a", "b", "c"]],
        r"line 1: the column 'body' stands 2 times",
    ),
    "a title above the table": (
        [["Tickets of May"], HEADER, ["a", "b"]],
        "no column 'body'; there are: Tickets of May",
    ),
    "a header only": ([HEADER], "there is a header, and no row below it"),
    "nothing": ([], "there is nothing in it"),
}


@pytest.mark.parametrize("case", BAD_SHEETS)
def test_a_sheet_that_is_no_table_gets_one_sentence(case, tmp_path):
    rows, message = BAD_SHEETS[case]
    with pytest.raises(DataFileError, match=message):
        read_examples(workbook(tmp_path / "t.xlsx", rows), NAMES)


@pytest.mark.parametrize("content", [b"PK", b"body,topic\n", b""])
def test_what_is_no_workbook_is_refused(content, tmp_path):
    with pytest.raises(DataFileError, match=r"not a whole Excel file|is empty"):
        read_examples(write(tmp_path / "t.xlsx", content), NAMES)


def test_the_worksheet_of_the_examples_is_the_beginning_of_the_table():
    names = ColumnNames(text=("subject", "body"), label="topic")
    sheet = read_examples(EXAMPLES / "tickets.xlsx", names)["train"]
    table = read_examples(EXAMPLES / "tickets.csv", names)["train"]
    assert len(sheet) == 60
    for column in ("text", "label"):
        assert list(sheet[column]) == list(table[column][: len(sheet)])


# The parts -------------------------------------------------------------------------------------


def table_of(counts, copies=0):
    rows = [(f"{label} {number}", label) for label, count in counts.items() for number in range(count)]
    rows += [(f" {text.upper()}", label) for text, label in rows[:copies]]
    frame = pandas.DataFrame(rows, columns=["text", "label"])
    return frame.assign(place=[f"t.csv, line {row + 2}" for row in range(len(frame))])


def test_a_split_keeps_the_shares_of_the_labels_and_copies_together():
    frame = table_of({"a": 200, "b": 50, "rare": 3}, copies=90)
    parts, made = complete_parts({"train": frame}, "t.csv")
    assert made == ("validation", "test") and sum(map(len, parts.values())) == len(frame)
    texts = {part: {" ".join(text.lower().split()) for text in rows["text"]} for part, rows in parts.items()}
    assert not texts["train"] & texts["test"] and not texts["validation"] & (texts["test"] | texts["train"])
    for part in made:
        singles = {text: text.split()[0] for text in texts[part]}
        assert sorted(singles.values()).count("a") == 20 and sorted(singles.values()).count("b") == 5
        assert "rare" in singles.values() and "rare" in set(parts["train"]["label"])
    again, _ = complete_parts({"train": frame}, "t.csv")
    other, _ = complete_parts({"train": frame}, "t.csv", seed=1)
    assert again["test"].equals(parts["test"]) and not other["test"].equals(parts["test"])


def test_parts_that_are_given_stay_as_they_are():
    frame, test = table_of({"a": 30, "b": 30}), table_of({"a": 1})
    parts, made = complete_parts({"train": frame, "test": test}, "d")
    assert made == ("validation",) and parts["test"] is test and len(parts["validation"]) == 6
    given = {"train": frame, "validation": test}
    assert complete_parts(given, "d") == (given, ())


def test_findings_tell_what_matters():
    train = table_of({"Spam": 12, "spam ": 2, "ham": 40, "once": 1}, copies=1)
    train.loc[len(train)] = ["ham 3", "Spam", "t.csv, line 99"]
    test = train[5:6]
    said = " ".join(map(str, findings({"train": train, "test": test}, ["test"])))
    for words in ("train 57", "There was no test part", "ham 40", "look alike: 'Spam', 'spam '", "has the label 'once'",
                  "40 times", "another one: 5.", "two parts: 1,", "another label: 3,",
                  "t.csv, line 14 ('spam ')"):  # fmt: skip
        assert words in said, (words, said)
    clean = findings({"train": table_of({"a": 20, "b": 20})})
    assert len(clean) == 2, [str(sentence) for sentence in clean]


def test_a_hundred_thousand_rows_are_read_in_time(tmp_path):
    path = write(
        tmp_path / "t.csv", "text,label\n" + "".join(f"some words {n},{n % 7}\n" for n in range(100_000))
    )
    began = time.process_time()
    assert len(read_examples(path)["train"]) == 100_000
    assert time.process_time() - began < 20


def test_labels_stay_strings(tmp_path):
    path = write(
        tmp_path / "t.jsonl",
        "".join(json.dumps({"text": "x", "label": label}) + "\n" for label in (1, 2.0, "003")),
    )
    assert list(read_examples(path)["train"]["label"]) == ["1", "2", "003"]


def test_texts_of_several_columns_are_joined(tmp_path):
    path = write(tmp_path / "t.csv", "subject,body,label\nlate,where is it?,a\n,no subject,b\n")
    assert list(read_examples(path, ColumnNames(text=("subject", "body")))["train"]["text"]) == [
        "late\nwhere is it?", "no subject",
    ]  # fmt: skip
    write(path, "subject,body,label\n,,b\n")
    with pytest.raises(DataFileError, match="line 2, field 'subject': the text is empty"):
        read_examples(path, ColumnNames(text=("subject", "body")))


def test_the_tickets_of_the_course_are_read_and_split():
    path = DATA / "examples" / "tickets.csv"
    names = ColumnNames(text=("subject", "body"), label="topic")
    rows = read_examples(path, names)
    assert len(rows["train"]) == 220 and label_names(rows, path) == (
        "billing",
        "delivery",
        "other",
        "technical",
    )
    assert rows["train"]["text"][0].startswith("Charged twice\nHi, I ordered")
    parts, _ = complete_parts(rows, path)
    assert [len(frame) for frame in parts.values()] == [176, 22, 22]
