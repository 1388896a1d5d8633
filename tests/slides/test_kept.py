"""What a slow notebook showed, kept for its deck: the same picture again, and nothing that has gone stale."""

from __future__ import annotations

import json

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib import settings
from course_lib.data.readers import read_conll
from course_lib.figures.style import Picture, Table
from course_lib.finetuning.loop import History, TrainingConfiguration
from course_lib.slides import content, deck, kept
from course_lib.slides.deck import DeckError

CELLS = [
    "import numpy as np\nfrom course_lib.figures import text_classification as figures\n"
    "from course_lib.figures.style import Picture, Table, new_figure\nfrom course_lib.finetuning.loop import History",
    "history = History(losses=[0.7, 0.5123456789], scores=[{'accuracy': 0.8, 'f1': 0.75}])\n"
    "figures.figure_11_fine_tuning(history, smooth=1)",
    "history.losses.append(9.0)\nfigures.figure_confusion(np.array([[8, 2], [1, 9]]), *[['no', 'yes']])",
    "rows = [['a', 1]]\nTable('Rows', ['name', 'n'], rows)",
    "figure, axes = new_figure()\nPicture(figure, 'By hand', 'drawn in the notebook')",
]


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    def write(*cells: str) -> str:
        notebook = new_notebook(cells=[new_markdown_cell("# 77 · A trial"), *map(new_code_cell, cells)])
        nbformat.write(notebook, tmp_path / "77_trial.ipynb")
        return "77_trial"

    monkeypatch.setattr(settings, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(settings, "RECORDED", tmp_path / "recorded")
    return write


def test_the_same_is_shown_again(lesson):
    path = kept.keep(lesson(*CELLS))
    assert path.name == "77_trial.json" and not list(path.parent.glob("*.part"))
    again = kept.shown_again("77_trial", "figure_11_fine_tuning")
    assert isinstance(again, Picture) and "2 updates" in again.alt
    assert kept.shown_again("77_trial", "figure_confusion").title == "Confusion matrix on the test reviews"
    table = kept.shown_again("77_trial", "Table")
    assert isinstance(table, Table) and table.rows == [["a", 1]]


def test_what_was_drawn_in_the_notebook_cannot_be_kept(lesson):
    kept.keep(lesson(*CELLS))
    with pytest.raises(DeckError, match=r"keeps no 'Picture'. A matplotlib.figure.Figure cannot be kept"):
        kept.shown_again("77_trial", "Picture")
    with pytest.raises(DeckError, match="It kept: figure_11_fine_tuning, figure_confusion, Table"):
        kept.shown_again("77_trial", "figure_99")


def test_another_notebook_needs_another_run(lesson):
    kept.keep(lesson(*CELLS))
    lesson(*CELLS[:-1])
    with pytest.raises(DeckError, match=r"the notebook's code has changed since.*course slides --keep 77"):
        kept.shown_again("77_trial", "figure_confusion")


def test_nothing_kept_is_one_sentence(lesson):
    lesson(*CELLS)
    with pytest.raises(DeckError, match=r"cannot be read.*course slides --keep 77"):
        kept.shown_again("77_trial", "figure_confusion")


def test_only_the_library_is_called(lesson):
    path = kept.keep(lesson(*CELLS))
    stored = json.loads(path.read_text())
    stored["calls"]["figure_confusion"]["function"] = "os:system"
    path.write_text(json.dumps(stored))
    with pytest.raises(DeckError, match="is not of the library"):
        kept.shown_again("77_trial", "figure_confusion")


def test_a_deck_takes_what_was_kept(lesson, tmp_path):
    kept.keep(lesson(*CELLS))
    path = tmp_path / "77_trial.md"
    path.write_text("---\nreplay: kept\n---\n\n## A\n\nWords.\n", encoding="utf-8")
    made = content.Content(deck.read_deck(path))
    assert "2 updates" in made.made("figure_11_fine_tuning", Picture).alt
    with pytest.raises(DeckError, match="makes a Table"):
        made.made("Table", Picture)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_what_is_kept_comes_back(value):
    assert kept.decode(json.loads(json.dumps(kept.encode(value)))) == value


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_come_back_as_well_as_they_are_shown(number):
    again = kept.decode(json.loads(json.dumps(kept.encode(number))))
    assert again == pytest.approx(number, rel=1e-5)


def test_objects_of_the_library_come_back():
    configuration = TrainingConfiguration(learning_rate=3e-4)
    history = History(losses=[0.5], scores=[{"f1": 0.25}], tokens=7)
    for value in (configuration, history, [history]):
        assert kept.decode(json.loads(json.dumps(kept.encode(value)))) == value
    array = np.arange(6, dtype=np.int64).reshape(2, 3)
    assert np.array_equal(kept.decode(kept.encode(array)), array)
    assert kept.decode(kept.encode(array)).dtype == array.dtype
    assert np.allclose(kept.decode(kept.encode(torch.tensor([0.5, 0.25]))), [0.5, 0.25])
    assert kept.encode(torch.tensor(3)) == 3 and kept.encode(np.float32(0.5)) == 0.5


def test_what_is_not_plain_is_refused():
    for value in (object(), read_conll, {1, 2}):
        with pytest.raises(DeckError, match="cannot be kept"):
            kept.encode(value)
