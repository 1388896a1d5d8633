"""The example files for a task of one's own open with what people open them with, and hold what their card says."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections import Counter
from xml.etree import ElementTree

import pandas
import pytest

from course_lib import settings
from course_lib.data.readers import read_conll, read_squad, read_swag
from course_lib.data.sources import load_texts
from course_lib.finetuning.entities import entities_of
from course_lib.maintenance.data_checks.checks import words_of

EXAMPLES = settings.DATA / "examples"
CARD = (EXAMPLES / "README.md").read_text(encoding="utf-8")
TYPES = ["PART", "PRODUCT"]
COLUMNS = ["id", "date", "subject", "body", "topic"]


def said(pattern):
    """Return the number that the card gives in a place."""
    return float(re.search(pattern, CARD)[1])


@pytest.fixture(scope="module")
def tickets():
    return pandas.read_csv(EXAMPLES / "tickets.csv")


@pytest.fixture(scope="module")
def tasks():
    return json.loads((EXAMPLES / "products_labelstudio.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lines():
    text = (EXAMPLES / "products_doccano.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_the_card_names_every_file():
    assert set(re.findall(r"^\| `([^`]+)` \|", CARD, re.MULTILINE)) == {
        path.name for path in EXAMPLES.iterdir() if path.name != "README.md"
    }


def test_the_tickets_are_a_table(tickets):
    assert list(tickets.columns) == COLUMNS and len(tickets) == said(r"(\d+) messages")
    assert not tickets.isna().any(axis=None) and tickets["id"].is_unique
    for topic, count in tickets["topic"].value_counts().items():
        assert count == said(rf"(\d+) {topic}\b")
    assert set(tickets["topic"]) == {"billing", "delivery", "technical", "other"}
    assert tickets["date"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    for mark in ('"', ",", "\n"):
        assert tickets["body"].str.contains(mark, regex=False).any()
    with open(EXAMPLES / "tickets.csv", encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == tickets.to_dict("records")


def _worksheet():
    """Return the rows of the worksheet, read without a library for spreadsheets."""
    with zipfile.ZipFile(EXAMPLES / "tickets.xlsx") as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    return [
        ["".join(part.text or "" for part in cell.iter(f"{space}t")) for cell in row.iter(f"{space}c")]
        for row in sheet.iter(f"{space}row")
    ]


def test_the_worksheet_has_the_first_rows_of_the_table(tickets):
    count = int(said(r"its first (\d+) rows"))
    assert _worksheet() == [COLUMNS, *tickets.head(count).values.tolist()]


def test_the_worksheet_opens_with_pandas(tickets):
    found = pandas.read_excel(EXAMPLES / "tickets.xlsx")
    pandas.testing.assert_frame_equal(found, tickets.head(len(found)), check_dtype=False)


def test_both_exports_have_the_same_spans(tasks, lines):
    assert len(tasks) == len(lines) == said(r"(\d+) sentences with")
    for task, line in zip(tasks, lines, strict=True):
        results = [result["value"] for result in task["annotations"][0]["result"]]
        assert task["data"]["text"] == line["text"]
        assert [[value["start"], value["end"], *value["labels"]] for value in results] == line["label"]
        assert all(value["text"] == line["text"][value["start"] : value["end"]] for value in results)
    spans = [span for line in lines for span in line["label"]]
    assert len(spans) == said(r"with (\d+) spans") and {kind for *_, kind in spans} == set(TYPES)
    assert any(not line["label"] for line in lines)


def test_the_columns_have_the_same_names_as_the_exports(lines):
    rows = read_conll(EXAMPLES / "products.conll", types=TYPES, scheme="bio")
    assert (
        load_texts("entities", EXAMPLES / "products.conll", types=TYPES)["test"].to_list() == rows.to_list()
    )
    for row, line in zip(rows, lines, strict=True):
        assert "".join(row["tokens"]) == line["text"].replace(" ", "")
        names = [
            ("".join(row["tokens"][begin:end]), kind)
            for begin, end, kind in entities_of(row["tokens"], row["tags"])
        ]
        assert names == [
            (line["text"][begin:end].replace(" ", ""), kind) for begin, end, kind in line["label"]
        ]


def test_the_manual_is_read_as_squad():
    rows = read_squad(EXAMPLES / "manual_questions.json")
    assert len(rows) == said(r"(\d+) questions about six paragraphs") and len(set(rows["context"])) == 6
    assert not any(rows["is_impossible"])
    assert load_texts("questions", EXAMPLES / "manual_questions.json")["test"].to_list() == rows.to_list()


def test_words_in_common_mislead_about_pairs():
    pairs = pandas.read_csv(EXAMPLES / "pairs.csv")
    assert list(pairs.columns) == ["left", "right", "same"] and len(pairs) == said(r"(\d+) pairs of")
    assert pairs.groupby("left")["same"].apply(lambda same: sorted(same) == [0, 1]).all()

    def overlap(pair):
        left, right = set(words_of(pair["left"])), set(words_of(pair["right"]))
        return len(left & right) / len(left | right)

    shares = pairs.assign(share=pairs.apply(overlap, axis=1)).groupby("same")["share"].mean()
    assert shares[0] > shares[1]


def test_the_choices_are_read_as_swag():
    rows = read_swag(EXAMPLES / "choices.csv")
    assert len(rows) == said(r"(\d+) beginnings") and all(len(endings) == 4 for endings in rows["endings"])
    assert max(Counter(rows["label"]).values()) <= len(rows) / 2


def test_the_tickets_are_as_hard_as_the_card_says(tickets):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=500))
    scores = cross_val_score(model, tickets["subject"] + " " + tickets["body"], tickets["topic"], cv=5)
    assert scores.mean() == pytest.approx(said(r"accuracy of (0\.\d+)"), abs=0.01)
