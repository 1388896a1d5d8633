"""From a saved model to answers, and to how good they are."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from course_lib import cli, settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.errors import CourseError, SettingError
from course_lib.figures.predictions import show_prediction
from course_lib.finetuning import (
    classification,
    entities,
    multiple_choice,
    question_answering,
    sentence_pairs,
)
from course_lib.finetuning.evaluation import accuracies, evaluate, macro_f1
from course_lib.finetuning.evaluation_report import html_report
from course_lib.finetuning.prediction import open_saved, predictions
from course_lib.finetuning.saving import save_model

TOPICS = ("bills", "<b>parcels</b>", "praise")
TEXTS = [
    "where is my parcel",
    "thanks a lot",
    "I paid twice",
    "a",
    "the red car",
    "no & never",
    "again and again",
]


def steep(model):
    torch.nn.init.normal_(model.head.weight, std=2.0)
    return model.eval()


@pytest.fixture(scope="module")
def saved(tmp_path_factory, folder, tokenizer):
    """Folders of random models, by task."""
    torch.manual_seed(3)
    place = tmp_path_factory.mktemp("models")
    models = {
        "classification": classification.classification_model(3, folder, labels=TOPICS),
        "pairs": sentence_pairs.pair_model(None, folder),
        "entities": entities.entity_model(entities.tags_of(["THING"]), folder),
        "questions": question_answering.question_model(folder),
        "endings": multiple_choice.choice_model(folder),
    }
    for task, model in models.items():
        save_model(task, steep(model), tokenizer, place / task, max_length=32)
    return {task: place / task for task in models}


def test_classes_come_with_their_probabilities(saved):
    opened = open_saved(saved["classification"])
    records = predictions(opened, TEXTS)
    features = classification.classification_features(
        TEXTS, load_tokenizer(saved["classification"]), max_length=32
    )
    shares = classification.class_probabilities(opened.model, features)
    for record, row in zip(records, shares, strict=True):
        np.testing.assert_allclose([record["probabilities"][topic] for topic in TOPICS], row, atol=1e-6)
        assert record["label"] == TOPICS[row.argmax()] and record["probability"] == max(
            record["probabilities"].values()
        )
    assert predictions(opened, []) == []


def test_other_tasks_answer_in_their_own_way(saved):
    pairs, tags = open_saved(saved["pairs"]), open_saved(saved["entities"])
    features = sentence_pairs.pair_features(["a"], ["b c"], pairs.tokenizer, max_length=32)
    score = sentence_pairs.pair_predictions(pairs.model, features)[0]
    assert predictions(pairs, ["a"], ["b c"]) == [{"score": pytest.approx(float(score))}]
    text = "the red car and a blue lamp stood in the yard"
    found = predictions(tags, [text])[0]["entities"]
    assert found and all(
        text[one["start"] : one["end"]] == one["text"] and one["type"] == "THING" for one in found
    )
    answer = predictions(open_saved(saved["questions"]), ["what?"], [text])[0]
    assert answer["answer"] == text[answer["start"] : answer["end"]] != ""
    for task, seconds, words in (
        ("classification", ["x"], "takes one text a row, and there is two"),
        ("pairs", None, "takes two texts a row, and there is one"),
        ("endings", None, "chooses among several"),
    ):
        with pytest.raises(CourseError, match=words):
            predictions(open_saved(saved[task]), ["x"], seconds)


def test_the_command_prints_records_and_writes_tables(saved, tmp_path, capsys):
    folder = str(saved["classification"])
    assert cli.main(["predict", folder, *TEXTS[:2]]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["text"] for record in records] == TEXTS[:2] and records[0]["label"] in TOPICS
    (tmp_path / "in.csv").write_text("body\n" + "\n".join(TEXTS), encoding="utf-8")
    command = ["predict", folder, "--data", str(tmp_path / "in.csv"), "--text", "body", "--output"]
    assert cli.main([*command, str(tmp_path / "out.csv")]) == 0
    with open(tmp_path / "out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == TEXTS
    assert rows[0]["label"] == records[0]["label"] and float(rows[0][f"p({TOPICS[0]})"]) <= 1
    assert cli.main([*command, str(tmp_path / "out.jsonl")]) == 0
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    again = json.loads(lines[0])  # in a batch of another size
    assert again["label"] == records[0]["label"]
    assert again["probabilities"] == pytest.approx(records[0]["probabilities"], abs=1e-6)
    assert cli.main(["predict", str(saved["pairs"]), "a", "b c"]) == 0
    assert json.loads(capsys.readouterr().out)["second"] == "b c"
    for options, words in (
        ([], "Give texts, or a table"),
        (["x", "--output", "out.docx"], "neither a .csv nor a .jsonl"),
        (["--data", str(tmp_path / "in.csv")], "no column 'text'"),
    ):
        assert cli.main(["predict", folder, *options]) == 2
        assert words in capsys.readouterr().err
    assert cli.main(["predict", str(saved["pairs"]), "a"]) == 2
    assert "one text has no second" in capsys.readouterr().err


# Evaluation --------------------------------------------------------------------------------------


def test_scores_of_confusion_matrices_are_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    truth, said = generator.integers(0, 4, 60), generator.integers(0, 3, 60)  # class 3 is never predicted
    matrix = confusion_matrix(truth, said, labels=range(5))[None]  # and class 4 is nowhere
    assert accuracies(matrix)[0] == pytest.approx(accuracy_score(truth, said))
    assert macro_f1(matrix)[0] == pytest.approx(f1_score(truth, said, average="macro"))


def labeled(path, opened, wrong):
    """Write the model's own answers as labels, except for the first ``wrong`` rows."""
    said = [record["label"] for record in predictions(opened, TEXTS)]
    labels = [
        TOPICS[(TOPICS.index(label) + 1) % 3] if row < wrong else label for row, label in enumerate(said)
    ]
    path.write_text(
        "text,label\n" + "".join(f"{t},{n}\n" for t, n in zip(TEXTS, labels, strict=True)), encoding="utf-8"
    )
    return labels


def test_an_evaluation_counts_errors_and_names_the_worst(saved, tmp_path, capsys):
    opened = open_saved(saved["classification"])
    labels = labeled(tmp_path / "t.csv", opened, 3)
    found = evaluate(opened, tmp_path / "t.csv")
    score = found.scores["accuracy"]
    assert score.score == pytest.approx(4 / 7) and 0 <= score.low < score.score < score.high <= 1
    assert found.confusion.sum() == 7 and np.trace(found.confusion) == 4
    assert {error["text"] for error in found.worst} == set(TEXTS[:3])
    sure = [error["sure"] for error in found.worst]
    assert sure == sorted(sure, reverse=True) and found.worst[0]["truth"] in labels
    assert evaluate(opened, tmp_path / "t.csv").scores == found.scores, (
        "the same seed gives the same interval"
    )
    labeled(tmp_path / "all.csv", opened, 0)
    perfect = evaluate(opened, tmp_path / "all.csv")
    assert perfect.worst == [] and perfect.scores["f1"].low == perfect.scores["f1"].score == 1
    assert cli.main(["evaluate", str(saved["classification"]), "--data", str(tmp_path / "t.csv"), "--report",
                     str(tmp_path / "r.html")]) == 0  # fmt: skip
    assert "accuracy: 0.571 (95% interval" in capsys.readouterr().out
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    again = evaluate(opened, tmp_path / "t.csv", seed=settings.current().seed)
    assert page == html_report(again, "classification: t.csv")


def test_the_report_needs_no_network_and_escapes_texts(saved, tmp_path):
    opened = open_saved(saved["classification"])
    labeled(tmp_path / "t.csv", opened, 7)
    page = html_report(evaluate(opened, tmp_path / "t.csv"), "<model>")
    assert not re.search(r"https?:|src=|<script|<link|@import", page)
    assert (
        "<b>" not in page
        and "&lt;b&gt;parcels" in page
        and "no &amp; never" in page
        and "&lt;model&gt;" in page
    )
    assert page.count("<tr>") == 3 + 4 + 8


def predictions_as_tags(text, spans):
    """Return a tag for each word of a text, with the spans in IOB2."""
    begins = {begin: end for begin, end, _ in spans}
    tags, at, end = [], 0, -1
    for word in text.split():
        end = begins.get(at, end)
        tags.append("B-THING" if at in begins else "I-THING" if at < end else "O")
        at += len(word) + 1
    return tags


def test_scores_and_entities_are_evaluated_too(saved, tmp_path):
    pairs, tags = open_saved(saved["pairs"]), open_saved(saved["entities"])
    said = [record["score"] for record in predictions(pairs, TEXTS, TEXTS[::-1])]
    rows = [f"{a},{b},{score + 1}\n" for a, b, score in zip(TEXTS, TEXTS[::-1], said, strict=True)]
    (tmp_path / "p.csv").write_text("a,b,mark\n" + "".join(rows), encoding="utf-8")
    assert cli.main(["evaluate", str(saved["pairs"]), "--data", str(tmp_path / "p.csv"), "--text", "a", "--second", "b",
                     "--label", "mark"]) == 0  # fmt: skip
    text = "the red car and a blue lamp stood in the yard"
    spans = [[one["start"], one["end"], "THING"] for one in predictions(tags, [text])[0]["entities"]]
    lines = [json.dumps({"text": text, "label": spans}), json.dumps({"text": text, "label": spans[1:]})]
    (tmp_path / "e.jsonl").write_text("\n".join(lines), encoding="utf-8")
    found = evaluate(tags, tmp_path / "e.jsonl")
    right, wrong = 2 * len(spans) - 1, 1
    assert found.scores["f1"].score == pytest.approx(2 * right / (2 * right + wrong))
    assert [error["said"] != "nothing" for error in found.worst] == [True]
    tagged = [text.split(), predictions_as_tags(text, spans)]
    (tmp_path / "e.conll").write_text(
        "\n".join(" ".join(line) for line in zip(*tagged, strict=True)), encoding="utf-8"
    )
    columns = evaluate(tags, tmp_path / "e.conll")
    assert columns.scores["f1"].score == 1.0 and columns.rows == 1
    with pytest.raises(CourseError, match="'questions' are not scored here"):
        evaluate(open_saved(saved["questions"]), tmp_path / "e.jsonl")


def test_a_label_that_the_model_does_not_know_is_refused(saved, tmp_path):
    (tmp_path / "t.csv").write_text("text,label\na,bills\nb,fees\n", encoding="utf-8")
    with pytest.raises(CourseError, match=r"t.csv, line 3: the model has no label 'fees'. It knows: bills"):
        evaluate(open_saved(saved["classification"]), tmp_path / "t.csv")


def test_a_notebook_highlights_what_was_predicted():
    text = "Bob sold a <chair>"
    found = {"entities": [{"start": 0, "end": 3, "type": "PER", "text": "Bob"}]}
    shown = show_prediction(text, found)
    assert repr(shown) == "[Bob PER] sold a <chair>"
    html = shown._repr_html_()
    assert "&lt;chair&gt;" in html and "<mark" in html and "<script" not in html
    assert "color: " in html, "the text on a bright ground is dark in both themes"
    label = {"label": "billing", "probability": 0.912, "probabilities": {}}
    assert repr(show_prediction("Charged twice", label)) == "[Charged twice billing 91%]"
    answer = {"answer": "chair", "start": 12, "end": 17}
    assert repr(show_prediction(text, answer)) == "Bob sold a <[chair answer]>"
    assert repr(show_prediction(text, {"answer": "", "start": 0, "end": 0})) == text
    with pytest.raises(SettingError, match="nothing can be highlighted"):
        show_prediction(text, {"score": 3.2})
