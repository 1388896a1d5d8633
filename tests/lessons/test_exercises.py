"""Every exercise of every lesson: the reference passes, the stub is seen, usual mistakes get their own words."""

from __future__ import annotations

import contextlib
import inspect
import random
import re
import sys
from pathlib import Path

import nbformat
import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.lessons import exercises
from course_lib.lessons.catalog import exercise_module
from course_lib.lessons.exercises import check, hint, solution
from course_lib.lessons.report import summary
from course_lib.settings import NOTEBOOKS

sys.path.append(str(Path(__file__).parent))
from lesson_answers import LESSONS, answers, every_exercise, every_lesson, said


def test_there_are_lessons():
    assert 4 in LESSONS


@every_lesson
def test_a_lesson_has_its_exercises(lesson):
    found = exercise_module(lesson).EXERCISES
    assert len(found) >= 3
    assert [e.identifier for e in found] == [f"{lesson}.{i}" for i in range(1, len(found) + 1)]
    for exercise in found:
        assert len(exercise.hints) >= 2 and all(len(text.split()) >= 3 for text in exercise.hints)
        assert len(set(exercise.hints)) == len(exercise.hints)
        assert exercise.difficulty in (1, 2, 3) and 1 <= exercise.minutes <= 60
        assert exercise.title and exercise.praise


@every_lesson
def test_the_answers_cover_the_lesson(lesson):
    module, numbers = answers(lesson), [e.identifier for e in exercise_module(lesson).EXERCISES]
    assert sorted(module.STUBS) == sorted(module.WRONG) == sorted(numbers)
    assert set(module.RIGHT) <= set(numbers)


@every_exercise
def test_the_reference_passes(lesson, exercise):
    text = said(check, exercise.identifier, exercise.solution)
    assert text.startswith(f"✓ {exercise.identifier} ") and text.count("\n") == 1
    assert exercise.praise in text


@every_exercise
def test_the_stub_is_not_attempted(lesson, exercise):
    for stub in (answers(lesson).STUBS[exercise.identifier], ..., None):
        text = said(check, exercise.identifier, stub)
        assert text.startswith(f"○ {exercise.identifier} ") and "not attempted" in text
        assert f'hint("{exercise.identifier}")' in text


@every_exercise
def test_a_stub_that_raises_is_not_attempted(lesson, exercise):
    if not callable(exercise.solution):
        pytest.skip("the answer is a value")

    def stub(*arguments, **named):
        raise NotImplementedError

    assert "not attempted" in said(check, exercise.identifier, stub)


@every_exercise
def test_a_forgotten_return_is_said_and_counted(lesson, exercise, fresh_log):
    if not callable(exercise.solution):
        pytest.skip("the answer is a value")

    def silent(*arguments, **named):
        print(len(arguments))

    text = said(check, exercise.identifier, silent)
    assert f"\n✗ {exercise.identifier} " in text and "your function returns nothing" in text, text
    assert "not attempted" not in text
    assert summary()[lesson]["tries"] == 1


@every_exercise
def test_each_usual_mistake_gets_its_own_words(lesson, exercise):
    wrong = answers(lesson).WRONG[exercise.identifier]
    assert len(wrong) >= 2, f"{exercise.identifier} needs two usual wrong answers or more"
    fragments = [fragment for _, fragment in wrong]
    assert len(set(fragments)) >= 2, "two usual mistakes need two messages"
    messages = {}
    for answer, fragment in wrong:
        text = said(check, exercise.identifier, answer)
        assert text.startswith(f"✗ {exercise.identifier} "), text
        assert fragment in text, text
        assert "unexpected form" not in text and "Your function stops" not in text, text
        messages.setdefault(text, set()).add(fragment)
    assert all(len(kinds) == 1 for kinds in messages.values())


@every_exercise
def test_a_right_answer_in_another_style_is_right(lesson, exercise):
    for answer in answers(lesson).RIGHT.get(exercise.identifier, []):
        text = said(check, exercise.identifier, answer)
        assert text.startswith(f"✓ {exercise.identifier} "), text


@every_exercise
def test_a_check_leaves_nothing_behind(lesson, exercise):
    """A wrong answer before does not change the verdict on the next one, and no generator moves."""
    wrong = answers(lesson).WRONG[exercise.identifier]
    for answer, _ in wrong:
        said(check, exercise.identifier, answer)
        assert said(check, exercise.identifier, exercise.solution).startswith("✓")
    answer, fragment = wrong[-1]
    assert fragment in said(check, exercise.identifier, answer)  # and the other way round
    states = random.getstate(), numpy.random.get_state()[1].copy(), torch.get_rng_state()
    said(check, exercise.identifier, exercise.solution)
    said(check, exercise.identifier, answers(lesson).STUBS[exercise.identifier])
    assert random.getstate() == states[0]
    assert (numpy.random.get_state()[1] == states[1]).all()
    assert torch.equal(torch.get_rng_state(), states[2])


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class Interrupted(BaseException):
    """Neither Exception nor KeyboardInterrupt, like asyncio's CancelledError once was."""


class Awkward:
    """Says no to everything that a check may try."""

    def _refuse(self, *arguments, **named):
        raise RuntimeError("refused")

    __eq__ = __ne__ = __len__ = __iter__ = __bool__ = __float__ = __int__ = __getitem__ = _refuse
    __repr__ = __str__ = __add__ = __sub__ = __lt__ = __gt__ = __array__ = _refuse
    __hash__ = None


def raising(error):
    def function(*arguments, **named):
        raise error

    return function


def endless(*arguments, **named):
    return endless(*arguments, **named)


ODD = [
    Awkward(),
    lambda *a, **k: Awkward(),
    lambda: 1,
    len,
    int,
    print,
    torch.nn.Linear(1, 1),
    raising(ValueError("x" * 10)),
    raising(Unprintable()),
    raising(SystemExit(3)),
    raising(SystemExit()),
    raising(GeneratorExit()),
    raising(Interrupted("stop")),
    raising(StopIteration()),
    raising(MemoryError()),
    raising(UnicodeDecodeError("utf-8", b"x", 0, 1, "why")),
    endless,
    lambda *a, **k: torch.zeros(3, 3),
    lambda *a, **k: float("nan"),
    lambda *a, **k: numpy.array([1, 2]),
    lambda *a, **k: a,
    lambda *a, **k: a[0] if a else None,
    lambda *a, **k: (yield 1),
    lambda *a, **k: exit(1),
]
VERDICT = re.compile(r"^[○✗] ", re.MULTILINE)


@pytest.mark.filterwarnings("ignore")
@every_exercise
def test_no_odd_answer_stops_the_lesson(lesson, exercise):
    for odd in ODD:
        text = said(check, exercise.identifier, odd)
        assert len(VERDICT.findall(text)) == 1 and "✓" not in text, text
    assert said(check, exercise.identifier, exercise.solution).startswith("✓")


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4)
)
junk = st.recursive(
    scalars,
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=3), part, max_size=2),
    max_leaves=6,
)


@pytest.mark.filterwarnings("ignore")
@every_exercise
@settings(max_examples=20, deadline=None)
@given(value=junk)
def test_no_junk_stops_the_lesson(lesson, exercise, value):
    for answer in (value, lambda *a, **k: value):
        text = said(check, exercise.identifier, answer)
        assert len(re.findall(r"^[○✗✓] ", text, re.MULTILINE)) == 1
    assert not text.startswith("✓ "), f"a function that always returns {value!r} passes"


def test_an_interrupt_by_the_learner_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        check("4.1", raising(KeyboardInterrupt()))


def test_an_error_in_the_answer_names_its_line():
    def broken(length):
        count = 0.15 * length
        return undefined_name + count  # noqa: F821

    line = inspect.getsourcelines(broken)[1] + 2
    text = said(check, "4.1", broken)
    assert "NameError" in text and "undefined_name" in text and f"line {line} " in text
    assert "Did you mean" not in text


def misspelt_argument(length):
    lenght_of_text = length  # noqa: F841
    return lenght_of_txt  # noqa: F821


class HidesItsNames:
    def __dir__(self):
        raise RuntimeError

    def __getattr__(self, name):
        raise AttributeError(name=name, obj=self)


@pytest.mark.parametrize(
    ("answer", "suggestion"),
    [
        (misspelt_argument, "Did you mean lenght_of_text?"),
        (lambda length: torch.trill(torch.ones(2, 2)), "Did you mean tril?"),
        (lambda length: rnge(length) + 0, "Did you mean range?"),  # noqa: F821
        (lambda length: length.qqqqqqqq, None),
        (lambda length: HidesItsNames().item, None),
    ],
)
def test_a_misspelt_name_gets_the_one_that_is_close(answer, suggestion):
    text = said(check, "4.1", answer)
    assert "Your function stops with" in text
    assert suggestion in text if suggestion else "Did you mean" not in text


def test_a_branch_without_return_names_its_case():
    def how_many(length):
        if length < 100:
            return min(20, max(1, round(0.15 * length)))

    assert "is a `return` missing? It was called with 128. Stuck?" in said(check, "4.1", how_many)


def unsupported(scores, labels):
    chosen = labels != -100
    return torch.nn.functional.cross_entropy(scores[chosen].long(), labels[chosen])


class Unfinished(torch.nn.Module):
    """A module without forward: torch raises NotImplementedError in its own code."""


def iterating(scores, labels):
    return sum(torch.utils.data.Dataset()[0] for _ in range(2))


@pytest.mark.parametrize("answer", [unsupported, Unfinished(), iterating])
def test_a_not_implemented_error_of_a_library_is_an_error(answer):
    """rasbt/machine-learning-book #144, pytorch #40388."""
    text = said(check, "4.3", answer)
    assert text.startswith("✗") and "Your function stops with NotImplementedError" in text


def test_an_operation_that_torch_lacks_is_named():
    assert "not implemented for 'Long'" in said(check, "4.3", unsupported)


def test_a_stub_may_say_what_is_to_be_done():
    def stub(scores, labels):
        raise NotImplementedError("your turn")

    @torch.no_grad()
    def decorated(scores, labels):
        raise NotImplementedError

    for answer in (stub, decorated):
        assert "not attempted" in said(check, "4.3", answer)


class Halved(torch.nn.Module):
    def forward(self, length):
        return length / nothing_at_all  # noqa: F821


class Divided:
    def __call__(self, length):
        return length / nothing_at_all  # noqa: F821


@torch.no_grad()
def without_graph(length):
    return length / nothing_at_all  # noqa: F821


@torch.inference_mode()
def in_inference(length):
    return length / nothing_at_all  # noqa: F821


@numpy.vectorize
def vectorized(length):
    return length / nothing_at_all  # noqa: F821


def through_a_helper(length):
    return max([length], key=Divided())


@contextlib.contextmanager
def managed(length):
    yield length / nothing_at_all  # noqa: F821


def entered(length):
    with managed(length) as count:
        return count


DECORATED = [Halved(), Divided(), without_graph, in_inference, vectorized, through_a_helper, entered]


@pytest.mark.parametrize("position", range(len(DECORATED)))
def test_a_line_is_one_of_the_answer_and_never_of_a_library(position):
    text = said(check, "4.1", DECORATED[position])
    line = int(re.search(r"\(line (\d+) of your cell\)", text)[1])
    assert "nothing_at_all" in inspect.getsource(sys.modules[__name__]).splitlines()[line - 1]


def test_an_error_in_another_cell_is_told_with_the_line_of_the_call():
    names = {}
    exec(compile("def helper(length):\n    return length / 0", "<other cell>", "exec"), names)

    def answer(length):
        return names["helper"](length)

    line = inspect.getsourcelines(answer)[1] + 1
    assert f"(line {line} of your cell)" in said(check, "4.1", answer)


def test_an_error_without_code_of_the_learner_has_no_line():
    assert "of your cell" not in said(check, "4.1", torch.nn.Linear(1, 1))


def test_a_called_function_instead_of_a_function():
    assert "without calling it" in said(check, "4.1", 19)


def dots(): ...  # fmt: skip


def documented_dots(a, b=1, *c, d=2, **e):
    """Say what it will do."""
    ...


def passing(a):
    pass


def returning(a):
    """Return nothing yet."""
    return


def returns_ellipsis(a):
    return ...


STUB_SHAPES = [dots, documented_dots, passing, returning, returns_ellipsis, lambda a: ..., lambda a: None]


@pytest.mark.parametrize("position", range(len(STUB_SHAPES)))
def test_what_a_stub_looks_like(position):
    assert exercises._is_stub(STUB_SHAPES[position])


SMALL_ANSWERS = [
    lambda a: a,
    lambda a, b: a + b,
    lambda a: -a,
    lambda a: 0,
    lambda a: 1,
    lambda a: "",
    lambda a: [],
    lambda a: {},
    lambda a: (a, a),
    lambda a: not a,
    lambda a, b: b,
    lambda a: a < a,
    len,
    torch.nn.ReLU(),
]


@pytest.mark.parametrize("position", range(len(SMALL_ANSWERS)))
def test_a_small_answer_is_an_answer(position):
    assert not exercises._is_stub(SMALL_ANSWERS[position])


def test_returning_the_argument_is_an_attempt():
    assert said(check, "4.1", lambda length: length).startswith("✗")


@every_exercise
def test_hints_step_and_start_again(lesson, exercise, monkeypatch):
    monkeypatch.setattr(exercises, "_hints_shown", {})
    count = len(exercise.hints)
    shown = [said(hint, exercise.identifier) for _ in range(count + 1)]
    for step, (text, wanted) in enumerate(zip(shown, exercise.hints, strict=False), 1):
        assert text.startswith(f"Hint {step} of {count}: ") and wanted in text
        assert (f'solution("{exercise.identifier}")' in text.replace(wanted, "")) == (step == count)
    assert shown[count] == shown[0]


@every_exercise
def test_the_solution_is_shown(lesson, exercise):
    text = said(solution, exercise.identifier)
    if callable(exercise.solution):
        assert text.strip() == inspect.getsource(exercise.solution).strip()
        compile(text, "solution", "exec")
    else:
        assert repr(exercise.solution) in text


UNKNOWN = [
    "99.1",
    "4.99",
    "4",
    "",
    ".",
    "x",
    "².1",
    "4.²",
    "-1.1",
    "9" * 5000 + ".1",
    None,
    4,
    99.1,
    [],
    Awkward(),
]


@pytest.mark.parametrize("function", [check, hint, solution])
@pytest.mark.parametrize("position", range(len(UNKNOWN)))
def test_an_unknown_number_gives_a_sentence(function, position):
    text = said(function, UNKNOWN[position])
    assert text.startswith("There is no exercise ") and "Try one of: " in text and text.count("\n") == 1
    if str(type(UNKNOWN[position])) == str(str) and UNKNOWN[position].startswith("4."):
        assert "4.1" in text


@pytest.mark.parametrize("number", [4.1, " 4.1 "])
def test_a_number_may_be_typed_as_one(number):
    assert "not attempted" in said(check, number)


def streams(cell) -> str:
    return "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout")


@every_exercise
def test_the_notebook_asks_it_and_its_output_is_not_attempted(lesson, exercise):
    (path,) = NOTEBOOKS.glob(f"{lesson:02d}_*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    call = re.compile(rf"""^check\(["']{re.escape(exercise.identifier)}["']""", re.MULTILINE)
    cells = [c for c in notebook.cells if c.cell_type == "code" and call.search(c.source)]
    assert len(cells) == 1, f"{path.name} checks {exercise.identifier} in {len(cells)} cells"
    lines = [line for line in streams(cells[0]).splitlines() if f" {exercise.identifier} " in line]
    assert len(lines) == 1 and lines[0].startswith("○") and "not attempted" in lines[0]
    assert any(
        exercise.identifier in c.source and exercise.title in c.source
        for c in notebook.cells
        if c.cell_type == "markdown"
    ), f"no heading of {path.name} names exercise {exercise.identifier} {exercise.title}"


# The color of a mark -------------------------------------------------------------------------------

WRONG, RIGHT = (
    'check("4.1", lambda lengths: "three")',
    'from course_lib.lessons.exercises_04 import EXERCISES; check("4.1", EXERCISES[0].solution)',
)


def shown_by_kernel(kernel, code: str) -> str:
    return "".join(message["text"] for message in kernel.messages(code, person=False))


def test_a_notebook_shows_the_mark_in_color_and_the_words_plain(kernel):
    assert shown_by_kernel(kernel, RIGHT).startswith("\033[1;32m✓\033[0m 4.1 ")
    wrong = shown_by_kernel(kernel, WRONG)
    assert wrong.startswith("\033[1;31m✗\033[0m 4.1 ") and wrong.count("\033") == 2
    assert shown_by_kernel(kernel, 'check("4.1")').startswith("○ 4.1 ")


def test_no_color_is_respected(kernel):
    quiet = f"import os; os.environ['NO_COLOR'] = '1'\n{WRONG}\ndel os.environ['NO_COLOR']"
    assert shown_by_kernel(kernel, quiet).startswith("✗ 4.1 ")


def test_a_file_written_from_a_notebook_has_no_codes_of_color(kernel):
    to_file = f"import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as file:\n    {WRONG}"
    assert shown_by_kernel(kernel, f"{to_file}\nprint(ascii(file.getvalue()))").startswith("'\\u2717 4.1 ")


def test_a_terminal_shows_the_mark_plain(home, capsys):
    check("4.1", lambda lengths: "three")
    assert capsys.readouterr().out.startswith("✗ 4.1 ")
