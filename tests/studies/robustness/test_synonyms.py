"""The table of synonyms: no word in two groups, and a message with file and line for one that is."""

from __future__ import annotations

import re
from itertools import chain

import pytest

from course_lib.errors import CourseError
from course_lib.studies.robustness.synonyms import TABLE, parse_synonyms, read_synonyms


def test_the_bundled_table_has_enough_groups_and_every_word_once():
    table = read_synonyms()
    words = list(chain.from_iterable(table.groups))
    assert len(table.groups) >= 120 and len(words) == len(set(words))
    assert all(len(group) >= 2 for group in table.groups)
    assert all(re.fullmatch("[a-z]+(?:[ -][a-z]+)*", word) for word in words)


def test_synonyms_are_mutual_and_no_word_is_its_own():
    table = read_synonyms()
    for group in table.groups:
        for word in group:
            assert set(table.others(word)) == set(group) - {word}
    assert table.others("Film") == table.others("film") and not table.others("zebra")


def test_no_group_has_praise_beside_blame():
    praise, blame = (
        {"good", "great", "funny", "gripping", "moving"},
        {"bad", "awful", "boring", "silly", "flat"},
    )
    for group in read_synonyms().groups:
        assert not (praise & set(group) and blame & set(group)), group


def test_comments_and_empty_lines_are_no_groups():
    assert parse_synonyms(["# words", "", "Odd , strange"], "x").groups == (("odd", "strange"),)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["funny, odd", "# more", "odd, eerie"], "words.txt, line 3: 'odd' stands on line 1 already"),
        (["funny, odd, funny"], "words.txt, line 1: 'funny' stands on line 1 already"),
        (["funny, odd", "odd, eerie", "eerie, funny"], "words.txt, line 2: 'odd' stands on line 1 already"),
        (["funny"], "words.txt, line 1: 'funny' is no group of words. Write at least two"),
        (["funny, "], "words.txt, line 1: 'funny,' is no group of words"),
        (["# nothing"], "words.txt: there is no group of words"),
    ],
)
def test_a_table_that_leads_in_a_circle_names_file_and_line(tmp_path, lines, message):
    path = tmp_path / "words.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(CourseError) as caught:
        read_synonyms(path)
    assert message in str(caught.value) and str(caught.value).startswith(str(tmp_path))


def test_a_table_that_is_not_there_gets_one_sentence(tmp_path):
    with pytest.raises(CourseError, match=r"none\.txt: it can't be read .* Give a text file in UTF-8"):
        read_synonyms(tmp_path / "none.txt")


def test_the_table_is_in_the_data_folder():
    assert TABLE.is_file() and (TABLE.parent / "README.md").is_file()
