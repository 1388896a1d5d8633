"""The cards' figures of realism: equal to the records, and above what the course promises."""

import pytest

from course_lib import settings
from course_lib.studies.finetuning import realism


@pytest.mark.parametrize("task", ["reviews", "questions", "entities"])
def test_the_card_shows_the_recorded_figures(task):
    card = (settings.DATA / task / "README.md").read_text(encoding="utf-8")
    assert realism.card_block(task, realism.load_results()) in card


def test_models_trained_on_our_data_alone_carry_over_to_real_text():
    results = realism.load_results()
    assert min(r["scores"]["accuracy"] for r in results["reviews"]) >= realism.LEAST_REVIEW_ACCURACY
    assert min(r["scores"]["f1"] for r in results["questions"]) >= realism.LEAST_QUESTION_F1


def test_a_card_that_cannot_be_written_is_left_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "DATA", tmp_path)
    before = f"Ada\n{realism.BEGIN}\nold\n{realism.END}\n"
    for task in ("reviews", "questions", "entities"):
        (tmp_path / task).mkdir()
        (tmp_path / task / "README.md").write_text(before)
    monkeypatch.setattr(realism, "card_block", lambda task, results: "half a letter: \ud800")
    with pytest.raises(UnicodeEncodeError):  # in the middle of the writing
        realism.update_cards({})
    assert (tmp_path / "reviews" / "README.md").read_text() == before
    assert [path.name for path in (tmp_path / "reviews").iterdir()] == ["README.md"]
