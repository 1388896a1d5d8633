"""What a room sees of a deck, and when: answers wait for a click, and little of it is a terminal.

The sizes of letters are measured in a browser by ``test_decks``; here is what can be read in the deck.
"""

from __future__ import annotations

import re

import pytest

from course_lib.slides.deck import classes, deck_paths, plain, read_deck, reference, walk

PATHS = deck_paths()
MOST_TERMINALS, FEWEST_FRAGMENTS = 2, 4
# How notes say that the answer comes after the question.
BEFORE = re.compile(
    r"\b(?:before (?:you|the) (?:show|click|uncover|reveal|answer)|before you turn|uncover|one line at a time)",
    re.IGNORECASE,
)
# A slide that shows no answer of its own: the room answers from its notebook, or looks at the slide before it.
ELSEWHERE = ("demo",)


def options(element: dict) -> dict[str, str]:
    """Return the attributes of a piece of code, a division or a span."""
    return dict(element["c"][0][2]) if element["t"] in ("Code", "CodeBlock", "Div", "Span") else {}


def comes_at_a_click(slide) -> bool:
    return any(
        {"fragment", "incremental"} & set(classes(e)) or "reveal" in options(e) for e in walk(slide.blocks)
    )


def asks_first(slide) -> bool:
    return bool(BEFORE.search(plain(slide.notes)))


def is_a_terminal(slide) -> bool:
    return any(reference(e) == "output" and "columns" not in options(e) for e in walk(slide.blocks))


@pytest.fixture(params=PATHS, ids=[path.stem for path in PATHS])
def deck(request):
    return read_deck(request.param)


def test_where_the_notes_ask_first_the_answer_waits(deck):
    shown = [s for s in deck.slides if not any(reference(e) in ELSEWHERE for e in walk(s.blocks))]
    at_once = [slide.title for slide in shown if asks_first(slide) and not comes_at_a_click(slide)]
    assert at_once == [], "the notes ask before the answer, and it's on the slide from the start"


def test_a_click_follows_a_question(deck):
    unasked = [slide.title for slide in deck.slides if comes_at_a_click(slide) and not asks_first(slide)]
    assert unasked == [], "something waits for a click, and the notes don't say what to ask before it"


def test_a_deck_asks_its_room_several_times(deck):
    assert sum(map(comes_at_a_click, deck.slides)) >= FEWEST_FRAGMENTS


def test_few_slides_are_terminals(deck):
    terminals = [slide.title for slide in deck.slides if is_a_terminal(slide)]
    assert len(terminals) <= MOST_TERMINALS, terminals


def test_a_table_of_numbers_says_where_to_look(deck):
    found = ((slide, e) for slide in deck.slides for e in walk(slide.blocks) if reference(e) == "table")
    unmarked = [
        slide.title for slide, e in found if not {"mark", "reveal", "plain"} & {*options(e), *classes(e)}
    ]
    assert unmarked == [], "mark the cell that the notes speak of, or say .plain if all are alike"
