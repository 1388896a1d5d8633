"""Figures of lesson 01: they show the numbers that they are given, and say them in words."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from course_lib.figures import before_bert
from course_lib.studies.before_bert.directions import BOTH_SIDES, LEFT_TO_RIGHT, RULES
from course_lib.studies.before_bert.scaling import fit_power_law
from course_lib.studies.before_bert.senses import context_mask
from course_lib.studies.published import TIMELINE

TOKENS = ["she", "sat", "on", "the", "bank"]


def runs(level, ways):
    """Two seeds of a reader whose answers after 10 and 20 updates are known."""
    return [
        {
            "answers": {
                step: {way: {rule: level + change + seed for rule in RULES} for way in ways}
                for step, change in (("10", 0.0), ("20", 0.1))
            }
        }
        for seed in (0.0, 0.2)
    ]


RESULTS = {LEFT_TO_RIGHT: runs(0.4, ("filled in", "whole text")), BOTH_SIDES: runs(0.6, ("filled in",))}


def draw():
    left, right, both = (context_mask(d, 5) for d in ("left to right", "right to left", "both sides"))
    sizes, losses = [1e4, 1e5, 1e6], [2.0, 1.6, 1.3]
    law = fit_power_law(sizes, losses)
    return {
        "timeline": before_bert.figure_timeline(),
        "contexts": before_bert.figure_contexts(TOKENS, {"one": [left], "two": [left, right], "all": [both]}),
        "senses": before_bert.figure_sense_scores(
            {"left": [0.45, 0.7], "joined": [0.45, 0.8], "both": [0.45, 0.91]}, {"static": 0.47}
        ),
        "cosines": before_bert.figure_cosines({"same": [0.9, 0.8, 0.71], "random": [0.1, 0.2, 0.05]}),
        "readers": before_bert.figure_readers(RESULTS),
        "power law": before_bert.figure_power_law(
            {"ours": (sizes, losses), "theirs": (sizes, losses)}, {"ours": law, "theirs": law}
        ),
    }


@pytest.fixture
def drawn():
    return draw()


def test_words_say_what_is_drawn(drawn):
    assert all(name in drawn["timeline"].alt for _, name, *_ in TIMELINE)
    assert "one 10, two 20, all 20" in drawn["contexts"].alt
    assert "both 0.91" in drawn["senses"].alt and "static 0.47" in drawn["senses"].alt
    assert "same 0.71" in drawn["cosines"].alt
    assert (
        "both sides, filling in 0.80" in drawn["readers"].alt
    )  # 0.6 + 0.1, and 0.2 more with the other seed
    assert "0.094" in drawn["power law"].alt


def test_figures_are_the_same_each_time_and_can_be_read(drawn):
    for picture, again in zip(drawn.values(), draw().values(), strict=True):
        assert picture.svg() == again.svg() and picture.smallest_text() >= 8
        assert len(picture.alt) > 40


def test_every_kind_of_context_has_a_color():
    assert {context for *_, context, _ in TIMELINE} == set(before_bert.CONTEXT_COLORS)
    years = [year for year, *_ in TIMELINE]
    assert years == sorted(years)


def test_a_mask_is_drawn_as_it_is(drawn):
    panels = [axes for axes in drawn["contexts"].figure.axes if axes.images]
    one, two, everything = (np.asarray(axes.images[0].get_array()) for axes in panels)
    white = np.ones(3)
    left = context_mask("left to right", 5).numpy()
    assert ((one != white).any(axis=2) == left).all()
    assert (two[0, 4] != two[4, 0]).any() and (everything[0, 4] == everything[4, 0]).all()


def test_tables_hold_means_and_worst_seeds():
    table = before_bert.table_readers(RESULTS, dict.fromkeys(RULES, 0.5))
    assert table.rows[0][:3] == [RULES[0], "before", "0.50"]
    assert table.rows[0][3:] == ["0.60 (0.50)", "0.60 (0.50)", "0.80 (0.70)"]
    n_grams = before_bert.table_n_grams({"words alone": float(np.log(740))}, {"words alone": "–"})
    assert n_grams.rows == [["words alone", "–", "6.61", "740"]]
    assert before_bert.table_steps([["1948", "n-grams", "perplexity", "740", "427"]]).rows[0][-1] == "427"
    assert [row[0][0] for row in before_bert.table_name().rows] == ["B", "E", "R", "f"]


def test_the_steps_of_an_update_are_in_order(drawn):
    (first, *_) = drawn["readers"].figure.axes
    lines = {line.get_label(): line for line in first.get_lines()}
    assert lines["both sides, filling in"].get_xdata().tolist() == [10, 20]
    assert torch.allclose(
        torch.tensor(lines["both sides, filling in"].get_ydata()), torch.tensor([0.7, 0.8]).double()
    )
