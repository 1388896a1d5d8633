"""Pictures drawn for the first decks: letters for the last row, no title of their own, and what they say is drawn."""

from __future__ import annotations

import re

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from course_lib.figures import for_slides
from course_lib.figures.style import ORANGE

NAMES = ["triangle", "masked_loss", "static_and_dynamic", "span_scores", "null_line", "warm_up"]


@pytest.fixture(params=NAMES)
def picture(request):
    return getattr(for_slides, request.param)()


def test_it_has_words_and_no_title_of_its_own(picture):
    assert len(picture.alt) > 80 and picture.title
    assert picture.figure._suptitle is None
    assert all(axes.get_title() != picture.title for axes in picture.figure.axes)


def test_what_is_written_in_it_can_be_read_from_the_last_row(picture):
    written = [text for axes in picture.figure.axes for text in axes.texts if text.get_text()]
    ticks = [
        label
        for axes in picture.figure.axes
        if axes.axison
        for label in [*axes.get_xticklabels(), *axes.get_yticklabels()]
        if label.get_text()
    ]
    assert min(text.get_fontsize() for text in [*written, *ticks]) >= 15


def filled(axes, color: str) -> int:
    return sum(
        isinstance(patch, Rectangle) and to_hex(patch.get_facecolor()) == to_hex(color)
        for patch in axes.patches
    )


def test_left_to_right_one_word_sees_the_last_and_with_both_sides_all_do():
    one, all_of_them = for_slides.triangle().figure.axes
    assert (filled(one, ORANGE), filled(all_of_them, ORANGE)) == (1, len(for_slides.SENTENCE))


def test_the_words_ever_asked_about_are_counted_as_drawn():
    picture = for_slides.static_and_dynamic()
    counts = tuple(filled(axes, ORANGE) for axes in picture.figure.axes)
    assert counts == tuple(map(int, re.findall(r"(\d+)(?: words are ever|\.$)", picture.alt)))
    assert counts[0] < counts[1]
