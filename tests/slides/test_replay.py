"""A notebook that is run once more for its deck: what it makes, and that it leaves nothing changed."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib import settings
from course_lib.figures.style import Table
from course_lib.slides import content, deck, replay
from course_lib.slides.deck import DeckError

CELLS = [
    "import torch\nfrom course_lib.lessons import check\nfrom course_lib.figures.style import Table",
    "torch.set_grad_enabled(False)\ntorch.manual_seed(1)\nprint('not to be seen')",
    "def table_of(numbers):\n    return Table('Numbers', ['n'], [[n] for n in numbers])\n\n\ntable_of([1, 2])",
    "def answer(x):\n    ...\n\n\ncheck('0.1', answer)",
    "gap = torch.tensor([0.25, 0.5])\nname = 'deck'",
]


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    def write(*cells: str) -> str:
        notebook = new_notebook(cells=[new_markdown_cell("# 77 · A trial"), *map(new_code_cell, cells)])
        nbformat.write(notebook, tmp_path / "77_trial.ipynb")
        return "77_trial"

    monkeypatch.setattr(settings, "NOTEBOOKS", tmp_path)
    replay.replay.cache_clear()
    yield write
    replay.replay.cache_clear()


def test_what_it_shows_is_kept_by_the_name_of_its_function(lesson, capsys):
    made = replay.replay(lesson(*CELLS))
    assert isinstance(made.shown["table_of"], Table) and made.shown["table_of"].rows == [[1], [2]]
    assert made.namespace["name"] == "deck"
    assert capsys.readouterr().out == ""


def test_checks_are_not_run(lesson, home):
    replay.replay(lesson(*CELLS))
    assert not (home / "progress.jsonl").exists()
    assert "answer" not in replay.replay("77_trial").namespace


def test_it_leaves_the_process_as_it_was(lesson):
    import torch

    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    replay.replay(lesson(*CELLS, "torch.set_num_threads(1)"))
    assert torch.is_grad_enabled() and torch.get_num_threads() == threads
    assert torch.equal(torch.rand(3), wanted)


def test_a_cell_that_fails_is_named(lesson):
    with pytest.raises(DeckError, match=r"77_trial.ipynb: the cell In \[.*\] fails .ZeroDivisionError"):
        replay.replay(lesson("1 / 0"))


def test_numbers_are_expressions_over_its_variables(lesson, tmp_path):
    lesson(*CELLS)
    path = tmp_path / "77_trial.md"
    path.write_text("---\nreplay: now\n---\n\n## A\n\nWords.\n", encoding="utf-8")
    made = content.Content(deck.read_deck(path))
    assert made.number("gap[-1]", ".2f") == "0.50"
    assert made.number("name", "") == "deck"
    assert made.made("table_of", Table).title == "Numbers"
    with pytest.raises(DeckError, match="has no such value"):
        made.number("nothing", "")
    with pytest.raises(DeckError, match="makes a Tensor"):
        made.number("gap", "")
