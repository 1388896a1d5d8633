"""Figures 14 and 15, tables 14 and 15: what they say of the data that they show."""

from __future__ import annotations

import re

import pytest

from course_lib.figures.named_entities import (
    figure_14_data_preparation,
    figure_15_fine_tuning,
    figure_error_kinds,
    figure_type_confusion,
    show_entities,
    show_errors,
    table_14_settings,
    table_15_results,
    table_error_kinds,
)
from course_lib.finetuning.entities import IGNORED, TAGS, error_counts, type_confusion
from course_lib.finetuning.loop import History, TrainingConfiguration

WORDS = ["Ann", "Lee", "left", "Oslo", "<b>"]
GOLD = ["B-PER", "I-PER", "O", "B-LOC", "O"]
TYPES = ("PER", "ORG", "LOC", "MISC")


def test_entities_are_highlighted_where_they_stand():
    assert repr(show_entities(WORDS, GOLD)) == "[Ann Lee PER] left [Oslo LOC] <b>"
    shown = show_entities(WORDS, GOLD)._repr_html_()
    assert "&lt;b&gt;" in shown and "<b>PER</b>" in shown


@pytest.mark.parametrize(
    ("predicted", "wanted"),
    [
        (GOLD, "[Ann Lee PER] left [Oslo LOC] <b>"),
        (["B-PER", "O", "O", "B-LOC", "O"], "[Ann boundary: PER → Ann Lee PER] Lee left [Oslo LOC] <b>"),
        (["B-PER", "I-PER", "O", "B-ORG", "O"], "[Ann Lee PER] left [Oslo type: ORG → Oslo LOC] <b>"),
        (["B-PER", "I-PER", "O", "O", "O"], "[Ann Lee PER] left [Oslo missed: nothing → Oslo LOC] <b>"),
        (["B-PER", "I-PER", "O", "B-LOC", "B-ORG"], "[Ann Lee PER] left [Oslo LOC] [<b> invented: ORG → nothing]"),
    ],
)  # fmt: skip
def test_errors_are_named_where_they_stand(predicted, wanted):
    assert repr(show_errors(WORDS, GOLD, predicted)) == wanted


def test_a_missed_name_inside_a_predicted_one_does_not_hide_the_text():
    shown = repr(show_errors(["a", "b", "c"], ["B-LOC", "B-ORG", "I-ORG"], ["B-ORG", "I-ORG", "I-ORG"]))
    assert shown == "[a missed: nothing → a LOC] [b c boundary: ORG → b c ORG]"
    shown = repr(show_errors(["a", "b", "c"], ["B-ORG", "I-ORG", "B-LOC"], ["B-ORG", "I-ORG", "I-ORG"]))
    assert shown == "[a b c boundary: ORG → a b ORG]"


def test_figure_14_counts_what_it_draws():
    pieces = ["[CLS]", "os", "##lo", "won", "[SEP]"]
    labels = [IGNORED, TAGS.index("B-LOC"), IGNORED, TAGS.index("O"), IGNORED]
    feature = {"labels": labels, "first_pieces": [1, 3]}
    picture = figure_14_data_preparation(["Oslo", "won"], ["B-LOC", "O"], pieces, feature)
    assert picture.alt.startswith("2 words become 5 tokens") and "2 of them carry a tag" in picture.alt
    drawn = [text.get_text() for text in picture.figure.axes[0].texts if text.get_text()]
    assert drawn.count("-100") == 3 and {"##lo", "B-LOC", "O", "Oslo"} <= set(drawn)
    assert picture.svg().startswith("<?xml")


@pytest.mark.parametrize("last", [0.8, 0.1])
def test_figure_15_says_what_its_data_show(last):
    scores = [{"precision": 0.5, "recall": 0.5, "f1": 0.5}, {"precision": 0.5, "recall": 0.5, "f1": last}]
    falling = History(losses=[2.0 - i / 30 for i in range(40)], scores=scores)
    said = figure_15_fine_tuning(falling, 0.3).alt
    assert re.search(
        f"loss falls.*precision 0.50, recall 0.50, F1 {last:.2f}; .*list of training names 0.30", said
    )
    level = History(losses=[2.0] * 40, scores=scores)
    assert "does not fall" in figure_15_fine_tuning(level, 0.3).alt


def test_error_figures_say_the_most_frequent_error():
    counts = {"one": error_counts([GOLD], [["O"] * 5]), "two": error_counts([GOLD], [GOLD])}
    picture = figure_error_kinds(counts)
    assert "one: 0% of the entities correct, the most frequent error is 'missed'" in picture.alt
    assert "two: 100% of the entities correct, no errors" in picture.alt
    table = table_error_kinds(counts)
    assert [row[1:] for row in table.rows if row[0] in ("correct", "missed")] == [[0, 2], [2, 0]]


def test_the_confusion_names_its_largest_cell():
    predicted = ["B-PER", "I-PER", "O", "B-ORG", "O"]
    alt = figure_type_confusion(type_confusion([GOLD], [predicted], TYPES), TYPES).alt
    assert (
        alt
        == "50% of the entities in the data got their own type. The most frequent confusion of two types is LOC taken for ORG"
    )
    clean = figure_type_confusion(type_confusion([GOLD], [GOLD], TYPES), TYPES).alt
    assert clean.endswith("No type is taken for another")


def test_tables_show_the_run():
    rows = table_14_settings(TrainingConfiguration(learning_rate=3e-4, epochs=5, frozen="none")).rows
    settings = {row[0]: row[-1] for row in rows}
    assert (
        settings["learning rate"] == "0.0003"
        and settings["epochs"] == 5
        and settings["embeddings"] == "trained"
    )
    scores = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3}
    assert table_15_results({"model": scores}).rows == [["model", "0.500", "0.250", "0.333"]]
