"""Chinese answers by CMRC 2018's rules: cases worked out by its published script, and the keys in the scores."""

from __future__ import annotations

import pytest

from course_lib.finetuning.chinese_answers import answer_units, exact_match, f1, is_chinese_text
from course_lib.finetuning.question_answering import answer_scores, scores_by_kind


@pytest.mark.parametrize(
    ("answer", "references", "exact", "overlap"),
    [
        ("在山上", ["山上"], 0, 4 / 5),  # two of three characters, two of two
        ("山上", ["在山上", "山上"], 1, 1),
        ("《红楼梦》", ["红楼梦"], 1, 1),  # its signs don't count
        ("1998年", ["1998"], 0, 2 / 3),  # a number is one unit
        ("199年", ["1998年"], 0, 1 / 2),
        ("山下上", ["山上"], 0, 2 / 5),  # the longest run, not all characters that are shared
        ("Python语言", ["python 语言"], 0, 1),  # exact match keeps spaces, as the script does
        ("北京", ["上海"], 0, 0),
        ("", ["上海"], 0, 0),
        ("", [""], 1, 1),
        ("上海", [""], 0, 0),
    ],
)
def test_answers_are_scored_as_the_official_script_scores_them(answer, references, exact, overlap):
    assert exact_match(answer, references) == exact
    assert f1(answer, references) == pytest.approx(overlap)


def test_units_are_characters_and_words():
    assert answer_units("在2010年，Apple 发布iPad。") == [*"在", "2010", "年", "apple", *"发布", "ipad"]


def test_a_run_of_more_than_200_characters_is_found_whole():
    text = "的" * 300 + "山上"  # difflib's shortcut for long texts would leave out what is frequent
    assert f1(text, [text]) == 1.0


def test_the_rules_stand_beside_squad_s_where_the_data_are_chinese():
    scores = answer_scores(["在山上", ""], [["山上"], []])
    assert scores == pytest.approx(
        {"exact_match": 0.5, "f1": 0.5, "cmrc_exact_match": 0.5, "cmrc_f1": (4 / 5 + 1) / 2}
    )
    assert scores_by_kind(["在山上", ""], [["山上"], []])["HasAns"]["cmrc_f1"] == pytest.approx(4 / 5)
    assert set(answer_scores(["on the hill"], [["the hill"]])) == {"exact_match", "f1"}


@pytest.mark.parametrize(
    ("texts", "chinese"),
    [(["山上", "NBA联赛"], True), (["on the hill"], False), ([], False), (["1998", "12"], False)],
)
def test_the_language_is_told_by_the_letters(texts, chinese):
    assert is_chinese_text(texts) is chinese
