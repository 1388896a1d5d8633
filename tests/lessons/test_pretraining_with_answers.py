"""Lesson 06 pre-trains a small BERT with the answers that a learner saved in lessons 02 to 06."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from course_lib import settings
from course_lib.lessons.catalog import find_exercise
from course_lib.lessons.event_log import remember

sys.path.append(str(Path(__file__).parent))
from lesson_answers import answers

pytestmark = pytest.mark.usefixtures("fresh_log")
NUMBERS = ["2.1", "2.2", "3.1", "3.4", "3.5", "4.1", "4.2", "4.3", "5.1", "5.2", "5.4", "5.5"]
OF_THE_NOTEBOOK = {
    "learning_rate_at": "6.1",
    "decay_groups": "6.2",
    "joint_loss": "6.3",
    "unigram_baseline": "6.4",
}
BEFORE = ("c001", "c016", "c020", "c023", "c033", "c058a")  # names and data that the section takes from above
SECTION = [f"cap-{number:02d}" for number in range(1, 10)]
FEW = {"16_000": "1_100", "range(8)": "range(2)"}


def cells() -> dict[str, str]:
    notebook = nbformat.read(settings.REPOSITORY / "notebooks/06_pretraining.ipynb", as_version=4)
    return {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "code"}


def own(source: str) -> str:
    """Return a solution as a learner could have written it: in other words."""
    return source.replace("Return", "My own way to return", 1)


@pytest.fixture
def pretrain(home, monkeypatch, capsys):
    """Run the section, smaller, in a module that is ``__main__`` as in a notebook; return its names and output."""

    def run(stubs: dict, updates: int = 24) -> tuple[dict, str]:
        module = ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", module)
        names = vars(module)
        sources = cells()
        for key in (*BEFORE, *SECTION):
            if key == SECTION[0]:
                names.update(stubs)
                capsys.readouterr()
            source = sources[key]
            for long, short in {**FEW, "UPDATES = 120": f"UPDATES = {updates}"}.items():
                source = source.replace(long, short)
            exec(compile(source, key, "exec"), names)
        return names, capsys.readouterr().out

    return run


def test_the_saved_answers_pre_train(pretrain):
    for number in NUMBERS:
        remember("exercise", number, "correct", source=own(inspect.getsource(find_exercise(number).solution)))
    solutions = {name: find_exercise(number).solution for name, number in OF_THE_NOTEBOOK.items()}
    names, out = pretrain(solutions)
    assert out.count("★") == len(NUMBERS) + len(OF_THE_NOTEBOOK) and "○" not in out and "✗" not in out
    for function, number in zip(names["found"], NUMBERS, strict=False):
        assert inspect.getsource(function).count("My own way to return") == 1
        assert function.__code__.co_filename == f"<your answer to {number}>"
    assert names["found"][len(NUMBERS) :] == list(solutions.values())
    losses, reference = names["my_losses"], names["library_losses"]
    assert len(losses) == 24
    assert max(abs(one - other) for one, other in zip(losses, reference, strict=True)) < 1e-4
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.parametrize("style", range(3))
def test_answers_in_any_style_pre_train(pretrain, style):
    right = answers(6).RIGHT
    names, out = pretrain({name: right[number][style] for name, number in OF_THE_NOTEBOOK.items()}, updates=6)
    assert out.count("★") == len(OF_THE_NOTEBOOK)
    losses, reference = names["my_losses"], names["library_losses"]
    assert max(abs(one - other) for one, other in zip(losses, reference, strict=True)) < 1e-4


def test_what_is_not_solved_yet_is_the_reference(pretrain):
    def joint_loss(hidden, word_head, labels, sentence_scores, next_sentence_labels): ...

    stubs = {name: find_exercise(number).solution for name, number in OF_THE_NOTEBOOK.items()}
    names, out = pretrain(stubs | {"joint_loss": joint_loss}, updates=6)
    assert out.count("○") == len(NUMBERS) + 1 and out.count("★") == 3
    assert names["my_joint_loss"] is find_exercise("6.3").solution


def test_a_loss_that_was_built_in_wrongly_would_show(pretrain, monkeypatch):
    """The comparison with the library is no formality: another attention gives other losses."""
    number = "2.1"

    def attend(query, key, value, attention_mask):
        weights = (query @ key.transpose(-2, -1)).softmax(dim=-1)  # neither scaled nor masked
        return weights @ value, weights

    exercise = find_exercise(number)
    monkeypatch.setattr(
        "course_lib.lessons.capstone.saved_answer", lambda name: attend if name == number else ...
    )
    monkeypatch.setattr(
        "course_lib.lessons.capstone.judge",
        lambda e, answer: ("✓" if e is exercise and callable(answer) else "○", ""),
    )
    names, _ = pretrain(
        {name: find_exercise(number).solution for name, number in OF_THE_NOTEBOOK.items()}, updates=6
    )
    losses, reference = names["my_losses"], names["library_losses"]
    assert max(abs(one - other) for one, other in zip(losses, reference, strict=True)) > 1e-3


@pytest.mark.parametrize(
    "story, gap, said",
    [
        ("Emma is a knight.", "On Monday, Emma feeds her falcon.", "Write [MASK] once"),
        ("Emma is a knight.", "[MASK] feeds [MASK] falcon.", "Write [MASK] once"),
        ("Emma is a wizard.", "Emma feeds [MASK] falcon.", "no word 'wizard'"),
        ("Emma is a knight.", "Emma feeds [MASK] dragon.", "no word 'dragon'"),
        ("Emma is a knight. " * 12, "Emma feeds [MASK] falcon.", "the model has 64 positions"),
        ("Emma is a knight.", "Emma feeds [MASK] falcon.", "Emma feeds her falcon."),
        ("", "[MASK]", "her"),
    ],
)
def test_an_odd_gap_gets_a_sentence(home, story, gap, said):
    names, sources = {"__name__": "notebook"}, cells()
    for key in ("c001", "c016", "c020", "c023", "c058a"):
        exec(compile(sources[key].replace("16_000", "10"), key, "exec"), names)
    names["likeliest"] = lambda model, story, gap, number: [("her", 0.9)]
    names["model"] = None
    answer = names["fill_gap"](story, gap)
    assert said in answer and answer.count("\n") == 0
