"""The cards' figures of realism: equal to the records, and above what the course promises."""

import pytest

from course_lib import settings
from course_lib.studies import realism


@pytest.mark.parametrize("task", ["reviews", "questions", "entities"])
def test_the_card_shows_the_recorded_figures(task):
    card = (settings.DATA / task / "README.md").read_text(encoding="utf-8")
    assert realism.card_block(task, realism.load_results()) in card


def test_models_trained_on_our_data_alone_carry_over_to_real_text():
    results = realism.load_results()
    assert min(r["scores"]["accuracy"] for r in results["reviews"]) >= realism.LEAST_REVIEW_ACCURACY
    assert min(r["scores"]["f1"] for r in results["questions"]) >= realism.LEAST_QUESTION_F1
