"""What probably went wrong: the cause that explains all cases."""

import math
from functools import partial

from course_lib.lessons.causes import likely_cause
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
