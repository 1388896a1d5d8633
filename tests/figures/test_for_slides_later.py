"""Pictures drawn for the decks of lessons 11 to 21: large letters, one title, and what they count is what they draw."""

from __future__ import annotations

import inspect

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from course_lib.figures import for_slides_later as pictures
from course_lib.figures import style

PRINTED = {
    "duels": "seed 1: fine-tuned alone right 9, TF-IDF alone 3, p = 0.1460\nseed 2: fine-tuned alone right 5, TF-IDF alone 5, p = 1.0000",
    "rates_by_layer": "head        decay 0.9: 2.0e-04  decay 0.8: 2.0e-04\nblock 6     decay 0.9: 1.8e-04  decay 0.8: 1.6e-04\n16 groups",
    "stopped_too_early": "its accuracies without the pruner: 40.00 61.50 70.25\nits accuracies with the pruner:    40.00 (stopped)",
}
NAMES = [
    name
    for name, value in vars(pictures).items()
    if inspect.isfunction(value) and value.__module__ == pictures.__name__ and not name.startswith("_")
]


def drawn(name: str) -> style.Picture:
    return getattr(pictures, name)(*([PRINTED[name]] if name in PRINTED else []))


def squares(axes, color: str) -> int:
    patches = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return sum(to_hex(patch.get_facecolor()) == color.lower() for patch in patches)


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_read_from_the_last_row_and_has_no_second_title(name):
    picture = drawn(name)
    width = picture.figure.get_size_inches()[0] * 72  # points, 1168 pixels wide on a slide
    assert picture.smallest_text() * min(1168 / width, 4 / 3 * 560 / 480) >= 20
    assert picture.title and len(picture.alt) > 60
    assert not picture.figure.get_suptitle()
    assert all(axes.get_title(where) == "" for axes in picture.figure.axes for where in ("left", "center"))


@pytest.mark.parametrize("name", NAMES)
def test_no_words_lie_on_others(name):
    figure = drawn(name).figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    texts = [text for axes in figure.axes for text in axes.texts if text.get_text().strip()]
    boxes = [
        (text.get_text(), text.get_window_extent(renderer)) for text in texts if not text.get_rotation() % 90
    ]
    for place, (one, box) in enumerate(boxes):
        for other, another in boxes[place + 1 :]:
            assert not box.overlaps(another), (one, other)


def test_a_picture_is_the_same_each_time():
    assert drawn("grid_and_random").svg() == drawn("grid_and_random").svg()


def test_the_triangle_is_half_of_the_square():
    both, left = drawn("looks_left_only").figure.axes
    assert squares(both, style.BLUE) == 36 and squares(left, style.BLUE) == 21
    assert "21 are" in drawn("looks_left_only").alt


def test_two_rows_cost_less_than_one():
    one, two = drawn("looks_between_sentences").figure.axes
    assert squares(one, style.BLUE) == 49 and squares(two, style.BLUE) == 25


def test_only_the_diagonal_compares_a_score_with_its_label():
    (axes,) = drawn("every_score_against_every_label").figure.axes
    assert squares(axes, style.GREEN) == 4 + 4 and squares(axes, style.VERMILION) == 12


def test_a_shared_block_is_stored_once_and_computed_twelve_times():
    (axes,) = drawn("stored_and_computed").figure.axes
    assert squares(axes, style.ORANGE) == 1 + 12 and squares(axes, style.BLUE) == 2 * (12 + 6)


def test_words_say_what_was_printed():
    assert "seed 1: 9 and 3; seed 2: 5 and 5" in drawn("duels").alt
    assert "from 2.0e-04 to 1.8e-04, with factor 0.8 to 1.6e-04" in drawn("rates_by_layer").alt
    assert (
        "first epoch at 40.0%" in drawn("stopped_too_early").alt
        and "ends at 70.2%" in drawn("stopped_too_early").alt
    )
    assert "grid tries 3 values, random tries 9 values" in drawn("grid_and_random").alt
