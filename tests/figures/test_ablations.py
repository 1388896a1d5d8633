"""Figures of the ablations: differences seed by seed, the paper's numbers, and what the alt text says."""

from __future__ import annotations

import pytest

from course_lib.figures.ablations import (
    WITH_LSTM,
    differences,
    figure_objectives,
    figure_sizes,
    figure_steps,
    scores_by_step,
    scores_by_variant,
    table_masking,
    table_objectives,
    table_paper_objectives,
    table_sizes,
)
from course_lib.studies.ablations.study import LSTM_TASKS, OBJECTIVES, PAIRS, TASKS, UNTOUCHED_TASKS
from course_lib.studies.published import DIRECTION_ABLATION, MODEL_SIZES, NEXT_SENTENCE_ABLATION

SHIFTS = {"MLM and NSP": 0.0, "MLM alone": -1.0, "left to right": -20.0}


@pytest.fixture
def objectives():
    """Three runs of each objective: seeds differ by 2 points, the variants by a constant."""
    return {
        name: [
            {
                "scores": {task: 70.0 + 2 * seed + SHIFTS[name] for task in TASKS},
                "steps": {"200": 70.0 + 2 * seed + SHIFTS[name], "50": 60.0 + seed + SHIFTS[name]},
                "features": 40.0 + seed if name == "MLM alone" else None,
                "lstm": {task: 55.0 + seed for task in LSTM_TASKS} if name == "left to right" else {},
            }
            for seed in range(3)
        ]
        for name in OBJECTIVES
    }


@pytest.fixture
def untouched():
    """Three runs in either direction, on one of the tasks."""
    return {
        name: [{"scores": {task: start + seed for task in UNTOUCHED_TASKS}} for seed in range(3)]
        for name, start in (("MLM alone", 80.0), ("left to right", 30.0))
    }


@pytest.fixture
def sizes():
    return {
        f"2 × {width}": [
            {
                "nsp_accuracy": 0.9,
                "mlm_accuracy": 0.2 + width / 400 + seed / 100,
                "parameters": 1000 * width,
                "unigram": 0.125,
            }
            for seed in range(3)
        ]
        for width in (32, 64)
    }


def test_the_seed_is_taken_out_of_a_difference(objectives):
    scores = scores_by_variant(objectives)
    assert differences(scores["MLM alone"]["reviews"], scores["MLM and NSP"]["reviews"]) == (-1.0, 0.0)
    assert set(scores[WITH_LSTM]) == set(LSTM_TASKS)
    assert differences(scores[WITH_LSTM]["entities"], scores["MLM and NSP"]["entities"]) == (-16.0, 1.0)


def test_the_table_has_every_variant_and_a_dash_for_what_was_not_run(objectives):
    table = table_objectives(objectives)
    assert [row[0] for row in table.rows] == [*OBJECTIVES, WITH_LSTM]
    assert table.rows[0][1] == "72.0 ± 2.0"
    assert table.rows[3][1:] == ["–", "56.0 ± 1.0", "56.0 ± 1.0", "–"]


def test_the_figure_says_what_one_change_is_worth_in_both(objectives):
    picture, scores = figure_objectives(objectives), scores_by_variant(objectives)
    mean, spread = differences(scores["left to right"]["reviews"], scores["MLM alone"]["reviews"])
    assert (
        "MRPC -9.0, SST-2 -0.5, SQuAD 1.1 -10.1; here reviews " + f"{mean:+.1f} ± {spread:.1f}" in picture.alt
    )
    assert picture.alt.endswith(
        "SQuAD 1.1 +7.1"
    )  # the BiLSTM, compared with left to right alone: the paper's only
    left, right = picture.figure.axes
    drawn = [label.get_text() for label in right.get_yticklabels()]
    assert len(left.get_yticks()) == 5 and drawn == [task for task in TASKS if task != PAIRS]
    assert (
        len(left.get_lines()) == 4 and len(right.containers) == 2
    )  # three changes and the zero; two changes


def test_the_weights_as_they_came_are_rows_of_their_own(objectives, untouched):
    rows = table_objectives(objectives, untouched).rows
    assert rows[4] == ["the original weights", "–", "–", "81.0 ± 1.0", "–"]
    assert rows[5][0] == "the original weights with the triangle" and rows[5][3] == "31.0 ± 1.0"


def test_updates_are_in_order_and_begin_with_the_weights_as_they_came(objectives, untouched):
    by_step = scores_by_step(objectives, untouched)
    assert list(by_step["MLM alone"]) == [0, 50, 200]
    assert by_step["MLM and NSP"][0] == by_step["MLM alone"][0] == [80.0, 81.0, 82.0]
    assert by_step["left to right"][0] == [30.0, 31.0, 32.0]
    alt = figure_steps(objectives, untouched).alt
    assert "after 0, 50, 200 updates: MLM and NSP 81.0 ± 1.0, 61.0 ± 1.0, 72.0 ± 2.0" in alt


def test_sizes_go_by_their_parameters(sizes):
    picture, table = figure_sizes(sizes), table_sizes(sizes)
    assert "2 × 32 29.0 ± 1.0%, 2 × 64 37.0 ± 1.0%; unigram 12.5%" in picture.alt
    assert table.rows[1] == ["2 × 64", "64,000", "37.0 ± 1.0", "90.0 ± 0.0"]


def test_masking_has_the_papers_scores_beside_ours(objectives):
    run = {"scores": {"entities": 60.0}, "features": 30.0}
    table = table_masking({"100/0/0": [run, run, run]}, objectives)
    assert table.rows == [
        ["80/10/10", 95.4, 94.9, "71.0 ± 2.0", "41.0 ± 1.0"],
        ["100/0/0", 94.9, 94.0, "60.0 ± 0.0", "30.0 ± 0.0"],
    ]


def test_the_papers_table_has_its_four_rows():
    table = table_paper_objectives()
    assert [row[0] for row in table.rows] == ["with NSP", "without NSP", "left to right", WITH_LSTM]
    assert table.rows[2][-1] == 77.8


def test_the_papers_tables_show_what_the_text_says_of_them():
    full = NEXT_SENTENCE_ABLATION["with NSP"]
    others = [NEXT_SENTENCE_ABLATION["without NSP"], *DIRECTION_ABLATION.values()]
    assert all(value < best for row in others for value, best in zip(row, full, strict=True))
    perplexities = [row[3] for row in MODEL_SIZES]
    assert perplexities == sorted(perplexities, reverse=True)
