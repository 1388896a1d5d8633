"""Validation bites: a changed digit, a changed word, an unexplained tolerance, a notebook never run."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import nbformat
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib.figures.style import Table
from course_lib.maintenance.validation import RELATIVE, last_digit, numbers_agree, texts_agree, tolerance_of

SAME = [
    ("0.935", "0.936"),  # one unit of the last digit
    ("0.9350", "0.9351"),
    ("-0.935", "-0.936"),
    ("−0.935", "-0.935"),  # a minus sign and a hyphen
    ("1.23e-05", "1.24e-05"),
    ("12345.678", "12345.679"),
    ("0.12345678", "0.12345999"),  # within 1e-4
    ("0.000", "-0.000"),
    ("100", "100.0"),
    ("1e5", "1e+05"),
    ("nan", "nan"),
    ("inf", "inf"),
]
DIFFERENT = [
    ("0.935", "0.937"),
    ("0.935", "0.945"),
    ("0.935", "-0.935"),
    ("12", "13"),
    ("30522", "30523"),
    ("1000000", "1000001"),
    ("0.5", "0.6"),  # too few digits for the last to be noise
    ("0.12", "0.13"),
    ("1e-05", "2e-05"),
    ("1.23e-05", "1.23e-04"),
    ("nan", "0.935"),
    ("inf", "-inf"),
    ("nan", "inf"),
    ("100", "100.9"),  # an integer is exact: it has no last digit that is noise
    ("2012.", "2013."),  # the end of a sentence
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_numbers_that_agree(left, right):
    assert numbers_agree(left, right) and numbers_agree(right, left)


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_numbers_that_differ(left, right):
    assert not numbers_agree(left, right) and not numbers_agree(right, left)


@pytest.mark.parametrize(
    ("left", "right", "agree"),
    [
        ("loss 0.935 after 3 steps", "loss 0.936 after 3 steps", True),
        ("loss 0.935 after 3 steps", "loss 0.936 after 4 steps", False),
        ("loss 0.935", "Loss 0.935", False),
        ("a  b\n c", "a b c", True),  # the width of a column follows its numbers
        ("ab", "a b", False),
        ("accuracy 81.4%", "accuracy 81.5%", True),
        ("accuracy 81.4%", "accuracy 82.4%", False),
        ("accuracy 81%", "accuracy 82%", False),
        ("1,234.56 words", "1,234.57 words", True),
        ("1,234.56 words", "1,235.56 words", False),
        ("1,234 words", "2,234 words", False),
        ("written in 2012.", "written in 2013.", False),
        ("there are 412. Then", "there are 413. Then", False),
        ("torch 2.13.0", "torch 2.14.0", False),
        ("2024-11-22", "2024-11-23", False),
        ("BERT-base 110M", "BERT-base 111M", False),
        ("layer4", "layer5", False),
        ("[0.123 0.456]", "[0.123  0.457]", True),
        ("[0.123 0.456]", "[0.123 0.456 0.789]", False),
        ("[1 2 3]", "[1 2 4]", False),
        ("[-0.123]", "[0.123]", False),
        ("loss nan", "loss 0.935", False),
        ("loss nan", "loss nan", True),
        ("3-4", "3-5", False),
        ("0.935±0.012", "0.936±0.012", True),
        ("我爱北京 0.935", "我爱北京 0.936", True),
        ("我爱北京", "我爱南京", False),
        ("", "", True),
        ("", "0", False),
        ("lr=2e-05", "lr=3e-05", False),
        ("tensor([1., 2.])", "tensor([1., 3.])", False),
    ],
)
def test_texts(left, right, agree):
    assert texts_agree(left, right) is agree
    assert texts_agree(right, left) is agree


@given(st.integers(), st.integers())
def test_integers_are_exact(left, right):
    assert numbers_agree(str(left), str(right)) == (left == right)
    assert texts_agree(f"found {left} of them.", f"found {right} of them.") == (left == right)


decimals = st.integers(1000, 99999).map(lambda n: f"{n // 1000}.{n % 1000:03d}")  # 4 or 5 digits


@given(decimals, st.sampled_from([-1, 1]), st.sampled_from(["", "-"]))
def test_noise_in_the_last_digit_passes(text, step, sign):
    other = f"{float(text) + step * 0.001:.3f}"
    assert numbers_agree(sign + text, sign + other)
    assert texts_agree(f"loss {sign}{text} (mean)", f"loss {sign}{other} (mean)")


@given(decimals, st.data())
def test_a_change_in_any_other_digit_fails(text, data):
    place = data.draw(st.sampled_from([i for i, c in enumerate(text[:-1]) if c.isdigit()]))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != text[place]]))
    other = text[:place] + digit + text[place + 1 :]
    assert not numbers_agree(text, other)
    assert not texts_agree(f"loss {text}", f"loss {other}")


@given(st.text(max_size=30))
def test_a_text_agrees_with_itself(text):
    assert texts_agree(text, text)


@given(st.text(alphabet="abcXYZ ÄÖ我.,:", min_size=1, max_size=20), st.data())
def test_words_are_exact(text, data):
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("abcXYZ我"))
    assume(text[place] != letter)
    assert not texts_agree(text, text[:place] + letter + text[place + 1 :])


@given(st.floats(0.01, 1e6), st.floats(-1, 1))
def test_a_widened_tolerance_is_kept_to(value, share):
    other = value * (1 + share)
    left, right = f"{value:.9f}", f"{other:.9f}"
    difference = abs(float(left) - float(right)) / max(abs(float(left)), abs(float(right)))
    assume(abs(difference - 0.05) > 1e-6)
    assert numbers_agree(left, right, 0.05) == (difference < 0.05)


@pytest.mark.parametrize(
    ("literal", "unit"), [("0.9350", 1e-4), ("2e-05", 1e-5), ("1.5e3", 100), ("7", 1), ("7.", 1)]
)
def test_the_unit_of_the_last_digit(literal, unit):
    assert last_digit(literal) == pytest.approx(unit)


@pytest.mark.parametrize(
    ("metadata", "wanted"),
    [
        ({}, (RELATIVE, "")),
        ({"tags": ["other", "nbval-rtol-5e-2"]}, (0.05, "")),
        ({"tags": ["nbval-rtol-0.2"], "course": {"reason": " r "}}, (0.2, "r")),
        ({"tags": ["nbval-rtol-x"]}, (RELATIVE, "")),
        ({"course": "odd"}, (RELATIVE, "")),
    ],
)
def test_the_tolerance_of_a_cell(metadata, wanted):
    assert tolerance_of(new_code_cell("1", metadata=metadata)) == wanted


# With nbval, in a process and kernels of their own -----------------------------------------------


def shown(text):
    return new_output("stream", name="stdout", text=text + "\n")


def picture(alt, data):
    page = f'<img alt="{alt}" src="data:image/png;base64,{data}">'
    return {"text/html": page, "image/png": data, "text/plain": f"[{alt}]"}


def displays(alt, data, alt_kept, data_kept):
    source = f"display({picture(alt, data)!r}, raw=True)"
    return source, new_output("display_data", data=picture(alt_kept, data_kept))


def stores_rows(made, stored):
    """A cell that shows a table of one number, and the output as if it were another."""
    source = f"from course_lib.figures.style import Table\nTable('Scores', ['F1'], [['{made}']])"
    data = Table("Scores", ["F1"], [[stored]])._repr_mimebundle_()
    return source, new_output("execute_result", data=data, execution_count=1)


REASON = {"reason": "The order of the sums differs between processors."}
WIDE = ["nbval-rtol-5e-2"]
REFUSAL = """import socket
def outcome(host, port):
    try:
        socket.create_connection((host, port), timeout=3).close()
    except Exception as error:
        return type(error).__name__
    return "connected"
server = socket.create_server(("127.0.0.1", 0))
print(outcome("192.0.2.1", 80), outcome("example.invalid", 80), outcome("127.0.0.1", server.getsockname()[1]))"""
HOME = """import os
print("learner" in os.environ["COURSE_HOME"], os.path.isdir(os.environ["COURSE_HOME"]))"""

# name: source, committed output, metadata, whether the cell should pass
CELLS = {
    "unchanged": ("print('loss 0.9351')", shown("loss 0.9351"), {}, True),
    "one changed digit": ("print('loss 0.9351')", shown("loss 0.9451"), {}, False),
    "last-digit noise": ("print('loss 0.935')", shown("loss 0.936"), {}, True),
    "a changed integer": ("print('412 of 500.')", shown("413 of 500."), {}, False),
    "a changed word": ("print('all is well')", shown("all was well"), {}, False),
    "an output that is gone": ("print('one')", None, {}, False),
    "an output too many": ("pass", shown("one"), {}, False),
    "widened without a reason": ("print(0.935)", shown("0.935"), {"tags": WIDE}, False),
    "widened for no real reason": (
        "print(0.935)",
        shown("0.935"),
        {"tags": WIDE, "course": {"reason": "x"}},
        False,
    ),
    "widened with a reason": ("print(0.935)", shown("0.955"), {"tags": WIDE, "course": REASON}, True),
    "widened and outside": ("print(0.935)", shown("0.835"), {"tags": WIDE, "course": REASON}, False),
    "widened beyond comparison": (
        "print(0.935)",
        shown("0.935"),
        {"tags": ["nbval-rtol-6e-1"], "course": REASON},
        False,
    ),
    "a reason without a tag": ("print(0.935)", shown("0.955"), {"course": REASON}, False),
    "stderr": ("import sys; print('a', file=sys.stderr); print('b')", shown("b"), {}, True),
    "image bytes": (*displays("accuracy 0.935", "AAAA", "accuracy 0.936", "BBBB"), {}, True),
    "a changed alt text": (*displays("accuracy 0.935", "AAAA", "accuracy 0.835", "AAAA"), {}, False),
    "what a table stores": (*stores_rows("0.935", "0.936"), {}, True),
    "a changed cell of a table": (*stores_rows("0.935", "0.835"), {}, False),
    "a cell that raises": ("raise ValueError('no')", shown("no"), {}, False),
    "the cell after it": ("print('on we go')", shown("on we go"), {}, True),
    "the network": (REFUSAL, shown("NetworkBlockedError NetworkBlockedError connected"), {}, True),
    "the learner's home": (HOME, shown("False True"), {}, True),
}


def write(path, cells, counts):
    made = []
    for (source, output, metadata, _), count in zip(cells, counts, strict=True):
        outputs = [output] if output is not None and count is not None else []
        made.append(new_code_cell(source, outputs=outputs, metadata=metadata, execution_count=count))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    nbformat.write(new_notebook(cells=made, metadata=kernel), path)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """One pytest over three notebooks: of cells, never executed, executed out of order. One kernel each."""
    folder = tmp_path_factory.mktemp("validated")
    one, two = CELLS["unchanged"], CELLS["last-digit noise"]
    skip = ("print('hub')", None, {"tags": ["nbval-skip"]}, True)
    write(folder / "cells.ipynb", CELLS.values(), range(1, len(CELLS) + 1))
    write(folder / "never.ipynb", [one, two], [None, None])
    write(folder / "order.ipynb", [one, skip, two], [1, 3, 2])
    before = {path.name: path.read_bytes() for path in folder.glob("*.ipynb")}
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "COURSE_VALIDATION_HOME")}
    environment |= {
        "COURSE_HOME": str(folder / "learner"),
        "TMPDIR": str(tmp_path_factory.mktemp("temporary")),
    }
    command = [sys.executable, "-m", "pytest", "-p", "course_lib.maintenance.validation", "--nbval", "-rA"]
    command += ["-p", "no:cacheprovider", "--color=no", "."]
    found = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    results = re.findall(r"^(PASSED|FAILED|ERROR) (\S+?)::([^-\n]+?)(?: - .*)?$", found.stdout, re.MULTILINE)
    verdicts = {(name, cell): verdict == "PASSED" for verdict, name, cell in results}
    after = {path.name: path.read_bytes() for path in folder.glob("*.ipynb")}
    return {
        "verdicts": verdicts,
        "text": found.stdout + found.stderr,
        "code": found.returncode,
        "same files": before == after,
        "left": os.listdir(environment["TMPDIR"]),
        "learner": (folder / "learner").exists(),
    }


@pytest.mark.parametrize("name", CELLS)
def test_a_cell(outcome, name):
    position = list(CELLS).index(name)
    assert outcome["verdicts"][("cells.ipynb", f"Cell {position}")] is CELLS[name][3], outcome["text"][-3000:]


def test_a_notebook_run_in_order_is_said_to_be(outcome):
    assert outcome["verdicts"][("cells.ipynb", "executed")]


def test_a_notebook_never_run_fails_although_each_of_its_cells_passes(outcome):
    assert outcome["verdicts"][("never.ipynb", "Cell 0")] and outcome["verdicts"][("never.ipynb", "Cell 1")]
    assert not outcome["verdicts"][("never.ipynb", "executed")]
    assert "never.ipynb is not executed from top to bottom" in outcome["text"]


def test_a_notebook_run_out_of_order_fails(outcome):
    assert not outcome["verdicts"][("order.ipynb", "executed")]
    assert "execution counts [1, 3, 2]" in outcome["text"]


def test_a_failure_says_what_to_do(outcome):
    assert outcome["code"] == 1
    assert "no reason is given" in outcome["text"].replace("\n", " ")
    assert "course run " in outcome["text"]


def test_validation_changes_nothing_and_leaves_nothing(outcome):
    assert outcome["same files"] and not outcome["learner"]
    assert not [name for name in outcome["left"] if name.startswith("course-validation")]


class Parent:
    def __init__(self, cells):
        self.nb = new_notebook(cells=cells)


@pytest.mark.parametrize(
    ("counts", "skipped", "passes"),
    [
        ([1, 2, 3], None, True),
        ([1, 2, 3], 1, True),  # skipped by validation, executed by `course run`
        ([1, None, 2], 1, True),  # skipped by both
        ([1, None, 2], None, False),
        ([2, 3, 4], None, False),  # run twice
        ([1, 1, 2], None, False),
        ([3, 2, 1], None, False),
        ([None, None, None], None, False),
    ],
)
def test_the_order_of_execution(counts, skipped, passes, monkeypatch, tmp_path):
    from course_lib.maintenance.validation import ExecutedItem

    cells = [new_code_cell(f"print({i})", execution_count=count) for i, count in enumerate(counts)]
    if skipped is not None:
        cells[skipped].metadata["tags"] = ["nbval-skip"]
    cells.append(new_code_cell("  \n"))  # an empty cell has no number
    item = ExecutedItem.__new__(ExecutedItem)
    item.parent, item.path = Parent(cells), tmp_path / "04_x.ipynb"
    if passes:
        item.runtest()
    else:
        with pytest.raises(pytest.fail.Exception, match="course run 04"):
            item.runtest()


def test_another_project_that_uses_nbval_is_left_alone(tmp_path):
    """The course is installed beside it: its numbers are compared exactly, its order and its network are its own."""
    cells = [
        new_code_cell(
            "print(0.12345)",
            execution_count=3,
            outputs=[new_output("stream", name="stdout", text="0.12346\n")],
        ),
        new_code_cell(
            "1 + 1",
            execution_count=5,
            outputs=[new_output("execute_result", {"text/plain": "2"}, execution_count=5)],
        ),
        new_code_cell(
            "import socket; print(socket.socket.__module__)",
            execution_count=7,
            outputs=[new_output("stream", name="stdout", text="socket\n")],
        ),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "analysis.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "--color=no", "-q", "."]
    environment = {k: v for k, v in os.environ.items() if k != "COURSE_VALIDATION_HOME"}
    paths = environment.get("PYTHONPATH", "").split(os.pathsep)
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if "network_guard" not in path)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200)
    assert "1 failed, 2 passed" in done.stdout, done.stdout
