"""Figures and tables of lesson 09: they show the data that they are given."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from course_lib.figures import question_answering as figures
from course_lib.finetuning.loop import History, TrainingConfiguration
from course_lib.finetuning.question_answering import Answer, Window, WindowSettings, window_starts

LENGTH, ROOM, STEP, ANSWER = 100, 40, 20, 55


def windows(length=LENGTH):
    """Return windows of a text of ``length`` pieces, three characters each; the answer is piece 55."""
    found = []
    for start in window_starts(length, ROOM, STEP):
        end = min(start + ROOM, length)
        inside = start <= ANSWER < end
        target = 5 + ANSWER - start if inside else 0
        offsets = [(3 * i, 3 * i + 2) for i in range(start, end)]
        most = [abs(i - (start + end) / 2) <= STEP / 2 for i in range(start, end)]
        found.append(Window(0, {"start": target, "end": target}, 5, offsets, most))
    return found


def curve(best):
    thresholds = np.linspace(-5, 5, 41)
    has, none = 60 / (1 + np.exp(-thresholds)), 100 / (1 + np.exp(thresholds))
    overall = 50 - (thresholds - best) ** 2
    return {"thresholds": thresholds, "overall": overall, "HasAns": has, "NoAns": none}


def history(steps=50):
    return History(losses=list(3 * np.exp(-np.arange(steps) / 20) + 1))


def figure_12(length=LENGTH):
    return figures.figure_12_data_preparation(
        windows(length), length, [150, 160, 170], [0.05, 0.15, 0.16, 0.9]
    )


def figure_13():
    return figures.figure_13_fine_tuning(
        history(), {"1.1-style": curve(4.9), "2.0-style": curve(-1.0), "live": curve(0.5)}
    )


def test_figure_12_shows_the_windows_and_where_the_target_is():
    picture = figure_12()
    top, left, right = picture.figure.axes
    stars = [line for line in top.lines if line.get_marker() == "*" and len(line.get_xdata())]
    assert [int(line.get_xdata()[0]) for line in stars] == [ANSWER] * 2
    assert sum(text.get_text() == "[CLS]" for text in top.texts) == 2
    assert "4 windows, of which 2 hold the whole answer" in picture.alt
    assert "150 to 170 tokens, the median is 160" in picture.alt and "50% of them" in picture.alt
    assert sum(patch.get_height() for patch in right.patches) == 4
    assert figure_12(140).alt != picture.alt


def test_figure_13_marks_the_top_of_each_curve():
    picture = figure_13()
    loss, *panels = picture.figure.axes
    assert loss.lines[1].get_ydata()[0] == pytest.approx(np.mean(history().losses[:8]))
    for panel, best in zip(panels, (5.0, -1.0, 0.5), strict=True):
        (chosen,) = [line for line in panel.lines if line.get_label() == "chosen"]
        assert chosen.get_xdata()[0] == pytest.approx(best, abs=0.13)
    assert "2.0-style: overall F1 50% at the best threshold, 14% if it always answers" in picture.alt


@pytest.mark.parametrize("draw", [figure_12, figure_13])
def test_figures_have_labels_that_do_not_collide(draw):
    picture = draw()
    canvas = FigureCanvasAgg(picture.figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    titles = []
    for axes in picture.figure.axes:
        assert axes.get_xlabel() and axes.get_ylabel()
        titles += [t.get_window_extent(renderer) for t in (axes.title, axes._left_title) if t.get_text()]
    titles.sort(key=lambda place: place.x0)
    assert all(one.x1 <= next_.x0 for one, next_ in itertools.pairwise(titles))
    assert draw().svg() == draw().svg() and "{" not in picture.alt


def test_answers_are_shown_in_their_places_and_never_twice():
    context = "Built in 1874 by Ingrid Voss."
    answers = [
        Answer("1874", 9, 13, 1.0, 0.0),
        Answer("", 0, 0, 1.0, 2.0),
        Answer("in 1874 by", 6, 16, 1.0, 0.0),
    ]
    answers.append(Answer("Ingrid Voss", 17, 28, 1.0, 0.0))
    shown = figures.show_answers(context, answers)
    assert repr(shown) == "Built in [1874 1] by [Ingrid Voss 4]."
    assert shown._repr_html_().count("<mark") == 2


def test_the_tables_show_settings_and_scores():
    live = replace(TrainingConfiguration(), epochs=1, batch_size=8)
    table = figures.table_12_settings(
        WindowSettings(step=64), {"long": TrainingConfiguration(), "live": live}
    )
    assert ["step of the windows (pieces)", "128", 64, 64] in table.rows
    assert ["batch size", "32 (1.1), 48 (2.0)", 16, 8] in table.rows
    scores = {"overall": {"exact_match": 40.04, "f1": 50.06}, "HasAns": {"exact_match": 1.0, "f1": 2.0}}
    assert figures.table_13_results({"model": scores}).rows == [["model", "40.0 / 50.1", "1.0 / 2.0", "–"]]
