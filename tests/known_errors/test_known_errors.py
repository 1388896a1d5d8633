"""Every known error, put into the code, is caught; so are further small ones. The tries are made by ``trial.py``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from course_lib.bert.inputs import truncate_longest_first
from course_lib.settings import REPOSITORY

sys.path.append(str(Path(__file__).parent))
from mutants import ALL, AREAS, FURTHER, KNOWN_ERRORS
from patching import Mutant, StaleMutantError, changed_source, find_function, put_in
from trial import is_kill

TRIAL = Path(__file__).resolve().parent / "trial.py"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What became of every mutant, tried in a process of its own."""
    path = tmp_path_factory.mktemp("trial") / "results.json"
    run = subprocess.run(
        [sys.executable, str(TRIAL), str(path)],
        cwd=REPOSITORY,
        env={**os.environ, "COURSE_THREADS": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert path.is_file(), run.stdout[-2000:] + run.stderr[-2000:]
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_the_error_is_caught(results, mutant):
    result = results[mutant.name]
    assert result["problem"] is None, result["problem"]
    assert result["caught_by"] is not None, f"no test sees that error: {mutant.what}"


@pytest.mark.parametrize("number", sorted(KNOWN_ERRORS))
def test_the_test_in_the_table_is_the_one_that_catches_it(results, number):
    for mutant in KNOWN_ERRORS[number]:
        assert results[mutant.name]["caught_by"] == mutant.caught_by[0]


def test_each_of_the_24_known_errors_is_there():
    assert sorted(KNOWN_ERRORS) == list(range(1, 25))


def test_there_are_forty_further_ones_in_all_areas_and_each_is_different():
    assert {mutant.area for mutant in ALL} <= {*AREAS, "other"}
    counts = Counter(mutant.area for mutant in FURTHER)
    assert all(counts[area] for area in AREAS) and sum(counts[area] for area in AREAS) >= 40, counts
    assert len({mutant.name for mutant in ALL}) == len(ALL)
    assert len({(mutant.target, mutant.changes) for mutant in ALL}) == len(ALL)


# The harness itself -------------------------------------------------------------------------------


def mutant_of(old: str, new: str, target: str = "course_lib.bert.inputs:truncate_longest_first") -> Mutant:
    return Mutant("trial", "A trial.", target, ((old, new),), (), "other")


def test_an_error_is_in_the_live_function_and_gone_afterwards():
    function = truncate_longest_first
    before = function(9, 3, 6)
    with put_in(mutant_of("if first > second:", "if first < second:")):
        assert function(9, 3, 6) != before
        assert find_function("course_lib.bert.inputs:truncate_longest_first") is function
    assert function(9, 3, 6) == before == (3, 3)


def test_it_is_gone_after_a_failure_too():
    with pytest.raises(RuntimeError), put_in(mutant_of("if first > second:", "if first < second:")):
        raise RuntimeError
    assert truncate_longest_first(9, 3, 6) == (3, 3)


@pytest.mark.parametrize("old", ["if first >= second:", "first"])
def test_a_text_that_is_gone_or_stands_twice_asks_for_a_new_mutant(old):
    with pytest.raises(StaleMutantError, match="Renew this mutant"):
        changed_source(mutant_of(old, "pass"))


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        ("assert 3 == 4", True),
        ("AssertionError: the model is blind", True),
        ("Failed: DID NOT RAISE <class 'KeyError'>", True),
        ("course_lib.errors.CourseError: Row 0: too long.", True),
        ("TypeError: unsupported operand", False),
        ("KeyError: 'label'", False),
        ("IndexError: list index out of range", False),
        ("RuntimeError: shape '[2, 3]' is invalid", False),
        ("NameError: name 'x' is not defined", False),
    ],
)
def test_a_crash_is_not_a_kill(failure, expected):
    assert is_kill(failure) is expected


def test_a_default_a_method_with_super_and_a_decorated_function_can_be_changed():
    import torch

    from course_lib.bert.configuration import BertConfiguration
    from course_lib.bert.heads import LinearHead
    from course_lib.finetuning.loop import predict
    from course_lib.training.optimization import adamw

    layer = torch.nn.Linear(2, 2)
    with put_in(
        mutant_of("epsilon: float = 1e-6", "epsilon: float = 0.5", "course_lib.training.optimization:adamw")
    ):
        assert adamw(layer, 0.1).defaults["eps"] == 0.5
    assert adamw(layer, 0.1).defaults["eps"] == 1e-6
    configuration = BertConfiguration(hidden_size=8, num_attention_heads=2)
    outputs, seven = (f"super().__init__(configuration.hidden_size, {n})" for n in ("outputs", 7))
    with put_in(mutant_of(outputs, seven, "course_lib.bert.heads:LinearHead.__init__")):
        assert LinearHead(configuration, 2).out_features == 7
    assert LinearHead(configuration, 2).out_features == 2
    with put_in(mutant_of("if not features:", "if features == []:", "course_lib.finetuning.loop:predict")):
        assert predict(None, []) == []
