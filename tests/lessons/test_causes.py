"""What probably went wrong: the cause that explains all cases, and calls that must not change their arguments."""

import math
from functools import partial

import pytest

from course_lib.lessons.catalog import Mistake
from course_lib.lessons.causes import call_unchanged, likely_cause
from course_lib.translation import Message

CAUSES = (
    (lambda a, b: a - b, Message("You subtract.")),
    (lambda a, b: a + b, Message("You add.")),
)
CASES = [(2, 0), (3, 4)]


def test_a_cause_has_to_explain_every_case():
    assert likely_cause([2, 7], CASES, CAUSES) == "You add."
    assert likely_cause([2, -1], CASES, CAUSES) == "You subtract."
    assert likely_cause([2, 12], CASES, CAUSES) is None


def test_results_are_the_same_as_far_as_asked():
    close = partial(math.isclose, rel_tol=1e-5)
    assert likely_cause([2.000001, 7.0], CASES, CAUSES) is None
    assert likely_cause([2.000001, 7.0], CASES, CAUSES, close) == "You add."


def test_an_answer_gets_copies_and_may_not_change_them():
    given = [3, 1, 2]
    assert call_unchanged(sorted, given) == [1, 2, 3]
    with pytest.raises(Mistake, match="changes the list"):
        call_unchanged(lambda numbers: numbers.sort() or numbers, given)
    assert given == [3, 1, 2]


def test_a_generator_is_read_before_its_arguments_are_compared():
    def emptied(numbers):
        while numbers:
            yield numbers.pop(0)

    with pytest.raises(Mistake, match="changes the list"):
        call_unchanged(emptied, [3, 1])
    assert call_unchanged(lambda numbers: (2 * number for number in numbers), [3, 1]) == [6, 2]
