"""Figures and tables of lesson 06: they show the data that they are given, and sources for what is published."""

from __future__ import annotations

import re

import numpy as np
import pytest

from course_lib.bert.configuration import BertConfiguration
from course_lib.figures import pretraining as figures
from course_lib.pretraining.examples import Stage
from course_lib.pretraining.loop import PretrainingConfiguration, PretrainingHistory

BASELINES = {"mlm_loss": 4.2, "mlm_accuracy": 0.13, "nsp_loss": 0.69, "nsp_accuracy": 0.56}


@pytest.fixture
def history():
    steps = list(range(1, 101))
    return PretrainingHistory(
        steps=steps,
        losses=[5.0 - 0.03 * s for s in steps],
        mlm_losses=[4.3 - 0.025 * s for s in steps],
        nsp_losses=[0.7 - 0.005 * s for s in steps],
        learning_rates=[1e-3 * min(s / 10, (100 - s) / 90) for s in steps],
        tokens_per_second=[1.0] * 100,
        evaluations=[
            {"step": 0, "mlm_loss": 5.4, "mlm_accuracy": 0.01, "nsp_loss": 0.7, "nsp_accuracy": 0.44},
            {"step": 100, "mlm_loss": 1.5, "mlm_accuracy": 0.71, "nsp_loss": 0.3, "nsp_accuracy": 0.88},
        ],
    )


def lines(axes):
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


@pytest.mark.parametrize("draw", [figures.figure_01_strategy, figures.figure_02_and_fine_tuning])
def test_schematic_figures_stay_inside_their_sheet(draw):
    picture = draw()
    (axes,) = picture.figure.axes
    picture.svg()  # lays the text out
    sheet = axes.get_window_extent()
    for text in axes.texts:
        if text.get_text():
            extent = text.get_window_extent()
            assert extent.x0 >= sheet.x0 - 2 and extent.x1 <= sheet.x1 + 2, text.get_text()
    assert picture.svg().startswith("<?xml")
    assert re.fullmatch(r"Figure [12]\. .+", picture.title) and len(picture.alt) > 100


def test_the_process_shows_the_history_and_its_baselines(history):
    picture = figures.figure_08_process(history, BASELINES, "test text", smooth=10)
    left, middle, right = picture.figure.axes
    drawn = lines(left)
    steps, values = drawn["MLM, training"]
    assert steps == list(range(10, 101))
    assert values[0] == pytest.approx(np.mean(history.mlm_losses[:10]))
    assert values[-1] == pytest.approx(np.mean(history.mlm_losses[-10:]))
    assert drawn["MLM, held out"] == ([0, 100], [5.4, 1.5])
    assert set(drawn["MLM, unigram"][1]) == {4.2}
    drawn = lines(middle)
    assert drawn["MLM"][1] == [0.01, 0.71] and drawn["NSP"][1] == [0.44, 0.88]
    assert set(drawn["MLM, baseline"][1]) == {0.13} and set(drawn["NSP, baseline"][1]) == {0.56}
    assert list(right.lines[0].get_ydata()) == history.learning_rates
    assert "test text" in picture.title
    for shown in (
        "100 updates",
        "MLM loss 1.50",
        "0.71 (unigram 0.13)",
        "0.88 (majority 0.56)",
        "update 10,",
    ):
        assert shown in picture.alt


def test_cleaning_shows_its_counts():
    stages = {"markup": 1000, "visible text": 400, "sentences": 350}
    picture = figures.figure_07_cleaning(stages, {"links": 12, "references": 30}, [5, 10, 10, 40], "Ada")
    left, middle, right = picture.figure.axes
    assert [bar.get_width() for bar in left.patches] == [1.0, 0.4, 0.35]
    assert [bar.get_width() for bar in middle.patches] == [12, 30]
    assert sum(bar.get_height() for bar in right.patches) == 4
    assert "markup 100%, visible text 40%, sentences 35%" in picture.alt
    assert "links 12, references 30" in picture.alt and "median of 10 words" in picture.alt


def test_every_rule_has_its_panel():
    scores = {f"rule {i}": [0.1 * i, 0.9] for i in range(7)}
    picture = figures.figure_rules([0, 50], scores, dict.fromkeys(scores, 0.5))
    panels = [axes for axes in picture.figure.axes if axes.lines]
    assert [axes.get_title() for axes in panels] == list(scores)
    assert [list(axes.lines[0].get_ydata()) for axes in panels] == list(scores.values())
    assert picture.alt.count("(chance 0.50)") == 7


def test_panels_have_titles_and_axis_labels(history):
    pictures = [
        figures.figure_07_cleaning({"a": 10}, {"b": 2}, [3, 4], "c"),
        figures.figure_08_process(history, BASELINES, "text"),
    ]
    for picture in pictures:
        for axes in picture.figure.axes:
            assert axes.get_title() and axes.get_xlabel() and axes.get_ylabel()
        assert picture.figure.get_suptitle() == picture.title


def test_table_8_shows_the_run_beside_the_paper():
    here = PretrainingConfiguration(
        model=BertConfiguration(
            vocab_size=99, hidden_size=64, num_hidden_layers=3, num_attention_heads=2, intermediate_size=128
        ),
        stages=(Stage(24, 300, 16), Stage(48, 100, 16)),
        accumulation=2,
        learning_rate=3e-3,
        warmup_steps=40,
    )
    rows = {row[0]: row[1:3] for row in figures.table_08_techniques(here).rows}
    assert rows["layers × width"] == ["12 × 768", "3 × 64"]
    assert rows["sequence length"] == ["128 → 512", "24 → 48"]
    assert rows["pairs in a batch"] == ["256", "32"]
    assert rows["updates"] == ["1,000,000", "400"]
    assert rows["warm-up"] == ["1%", "10%"]
    assert rows["AdamW, peak learning rate"] == ["0.0001", "0.003"]


def test_published_tables_name_their_sources():
    for table in (figures.table_02_influences(), figures.table_07_corpora()):
        assert len(table.rows) >= 8
        for row in table.rows:
            assert re.search(r"et al\. 20\d\d", row[-1]), row
            assert re.search(r"\d", row[1] + row[2]), row
    sizes = {row[0]: row[1] for row in figures.table_07_corpora().rows}
    assert sizes["BooksCorpus"] == "800M words"
    assert figures.table_07_corpora([("mine", "3 words", "tests")]).rows[-1][:3] == [
        "mine",
        "3 words",
        "tests",
    ]


def test_table_1_names_modules_that_exist():
    import importlib.util

    for row in figures.table_01_steps().rows:
        assert importlib.util.find_spec(row[2]), row


def test_small_tables():
    evaluation = {"mlm_accuracy": 0.7, "nsp_accuracy": 0.9}
    assert [row[2:] for row in figures.table_accuracy(evaluation, BASELINES).rows] == [
        ["0.130", "0.700"],
        ["0.560", "0.900"],
    ]
    assert figures.table_rules({"next day": 0.5}, {"next day": 1 / 7}).rows == [["next day", "0.14", "0.50"]]
    assert figures.table_devices([("GPU", 312e12, 8, 0.4, 1234.56)]).rows == [
        ["GPU", "312 TFLOPS", 8, "40%", "1,234.6"]
    ]
