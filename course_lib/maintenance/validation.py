"""A pytest plugin that makes nbval fit for numbers: text exactly, decimals within a tolerance.

Integers and all text compare exactly. A decimal passes when it is within ``RELATIVE`` of the other,
or when it differs by one unit of its last printed digit and shows at least three digits. A cell tag
``nbval-rtol-5e-2`` widens the relative tolerance of that cell; the cell's metadata must give the
reason (``{"course": {"reason": "..."}}``). A notebook that was never run from top to bottom fails.
While notebooks are validated the network is closed and the learner's own progress is out of reach.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from course_lib.figures.style import PICTURE, TABLE

RELATIVE, ABSOLUTE = 1e-4, 1e-8
LARGEST_UNIT = 1e-2  # one unit of the last digit counts only if it is at most this share of the number
WIDEST = 0.5  # a number that may be off by more is not compared at all; assert what holds of it instead
WIDENED = re.compile(r"^nbval-rtol-(\d+(?:\.\d+)?(?:e[-+]?\d+)?)$")
# Not a number: what is part of a word (4B), and of a version (2.13.0), which has to be exact.
NUMBER = re.compile(
    r"(?<![\w.])[-+−]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?!\w|\.\d)|(?<![\w.])[-+]?(?:nan|inf)\b"
)
DATA_URI = re.compile(r"data:image/[\w+.-]+;base64,[A-Za-z0-9+/=]+")
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")


def last_digit(literal: str) -> float:
    """Return one unit of the last printed digit: ``0.9350`` gives 0.0001, ``2e-05`` gives 0.00001."""
    mantissa, _, exponent = literal.lower().partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def numbers_agree(left: str, right: str, relative: float = RELATIVE) -> bool:
    """Tell whether two printed numbers are the same within the tolerance."""
    if left == right:
        return True
    # A point with no digit behind it ends a sentence as often as a number: "in 2012." is an integer.
    decimals = [literal for literal in (left, right) if re.search(r"\.\d|\de", literal.lower())]
    if not decimals:
        return False  # two integers, or nan and inf
    a, b = (float(literal.replace("−", "-")) for literal in (left, right))
    if not (math.isfinite(a) and math.isfinite(b)):
        return False
    size = max(abs(a), abs(b))
    unit = max(last_digit(literal) for literal in decimals)
    allowed = max(relative * size, ABSOLUTE)
    if unit <= LARGEST_UNIT * size:
        allowed = max(allowed, 1.01 * unit)  # 1.01: the difference of two decimals is not exact in binary
    return abs(a - b) <= allowed


def texts_agree(left: str, right: str, relative: float = RELATIVE) -> bool:
    """Tell whether two outputs are the same: words exactly, spaces as one, decimals within the tolerance."""

    def words(text: str) -> str:
        text = re.sub(r"\s*\0\s*", "\0", NUMBER.sub("\0", text))
        return re.sub(r"\s+", " ", text).strip()

    if words(left) != words(right):
        return False
    pairs = zip(NUMBER.findall(left), NUMBER.findall(right), strict=True)
    return all(numbers_agree(a, b, relative) for a, b in pairs)


def without_pictures(text: str) -> str:
    """Return an output's text as it is compared: no picture's bytes and no address in memory."""
    return ADDRESS.sub("0x", DATA_URI.sub("image", text))


class Approximate(str):
    """A string whose equality is :func:`texts_agree`."""

    __hash__ = str.__hash__
    relative = RELATIVE

    def __eq__(self, other):
        return texts_agree(self, other, self.relative) if isinstance(other, str) else NotImplemented

    def __ne__(self, other):
        return not self == other


def tolerance_of(cell) -> tuple[float, str]:
    """Return the relative tolerance of a notebook cell and the reason why it is not the usual one."""
    course = cell.metadata.get("course", {})
    reason = str(course.get("reason", "")).strip() if isinstance(course, dict) else ""
    for tag in cell.metadata.get("tags", []):
        widened = WIDENED.match(tag)
        if widened:
            return float(widened[1]), reason
    return RELATIVE, reason


class ExecutedItem(pytest.Item):
    """Passes if a notebook was executed from top to bottom, once, with outputs kept."""

    def runtest(self):
        cells = [c for c in self.parent.nb.cells if c.cell_type == "code" and c.source.strip()]
        skipped = [
            c for c in cells if "nbval-skip" in c.metadata.get("tags", []) and c.execution_count is None
        ]
        counts = [c.execution_count for c in cells if c not in skipped]
        if counts != list(range(1, len(counts) + 1)):
            pytest.fail(
                f"{self.path.name} is not executed from top to bottom (execution counts {counts}). "
                f"Run it in place with: course run {self.path.name[:2]}",
                pytrace=False,
            )

    def reportinfo(self):
        return self.path, 0, f"{self.path.name} is executed from top to bottom"


def pytest_configure(config):
    if not (config.getoption("nbval", False) or config.getoption("nbval_lax", False)):
        return
    _close_network()
    _patch_nbval()


def pytest_unconfigure(config):
    if _own_folders:  # only the process that made the folder takes it away
        shutil.rmtree(_own_folders.pop(), ignore_errors=True)
        os.environ.pop("COURSE_VALIDATION_HOME", None)


_own_folders: list[str] = []


def _close_network() -> None:
    guard = str(Path(__file__).parent / "network_guard")
    paths = [guard, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    if "COURSE_VALIDATION_HOME" not in os.environ:
        _own_folders.append(tempfile.mkdtemp(prefix="course-validation-"))
        os.environ["COURSE_VALIDATION_HOME"] = _own_folders[-1]


def _patch_nbval() -> None:
    """Teach nbval's classes the tolerance, the reasons, the order of execution, and a home of their own."""
    from nbval import plugin
    from nbval.kernel import RunningKernel

    if getattr(plugin, "_course_validation", False):
        return
    plugin._course_validation = True
    sanitize, collect = plugin.IPyNbCell.sanitize, plugin.IPyNbFile.collect
    run_cell, setup, initialize = plugin.IPyNbCell.runtest, plugin.IPyNbFile.setup, plugin.IPyNbFile.__init__

    def sanitize_with_tolerance(self, text):
        text = sanitize(self, text)
        if not isinstance(text, str):
            return text
        text = Approximate(without_pictures(text))
        text.relative = tolerance_of(self.cell)[0]
        return text

    def run_cell_with_reason(self):
        relative, reason = tolerance_of(self.cell)
        if relative != RELATIVE and len(reason.split()) < 3:
            pytest.fail(
                f"{self.parent.path.name}, {self.name}: the tolerance is widened to {relative:g} and no reason is "
                'given. Add it to the cell\'s metadata: {"course": {"reason": "..."}}',
                pytrace=False,
            )
        if relative > WIDEST:
            pytest.fail(
                f"{self.parent.path.name}, {self.name}: the tolerance is {relative:g}, and none above {WIDEST:g} is a "
                "comparison. Assert what holds on every machine, and opt out with the tag nbval-ignore-output.",
                pytrace=False,
            )
        run_cell(self)

    def collect_with_order(self):
        yield from collect(self)
        yield ExecutedItem.from_parent(self, name="executed")

    def setup_with_own_home(self):
        name = re.sub(r"\W", "-", self.path.stem)
        os.environ["COURSE_HOME"] = tempfile.mkdtemp(prefix=name, dir=os.environ["COURSE_VALIDATION_HOME"])
        setup(self)

    def initialize_without_stderr(self, *arguments, **named):
        initialize(self, *arguments, **named)
        # Progress bars and log lines are shown to a person, never compared. What a figure or table stores for
        # decks says again what its text and HTML say, which are compared within the tolerance.
        self.skip_compare += ("stderr", PICTURE, TABLE)

    def execute_cell_input(self, cell_input, allow_stdin=None):
        # Like a person who reads an error and goes on: a cell that raises does not abort those already queued.
        return self.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)

    plugin.IPyNbCell.sanitize = sanitize_with_tolerance
    plugin.IPyNbCell.runtest = run_cell_with_reason
    plugin.IPyNbFile.collect = collect_with_order
    plugin.IPyNbFile.setup = setup_with_own_home
    plugin.IPyNbFile.__init__ = initialize_without_stderr
    RunningKernel.execute_cell_input = execute_cell_input
