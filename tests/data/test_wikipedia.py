"""The stages of cleaning: each keeps less, the last is what the course reads."""

from __future__ import annotations

from course_lib.data.wikipedia import clean_article, cleaning_stages

ARTICLE = """'''Ada''' was the first [[programmer|programmer of a machine]] that was never built.<ref name="a">A [[book]].</ref> She wrote notes of her own about it, and they are longer than the text.

{{Infobox person | name = Ada}}
== Life ==
* a list that nobody reads aloud
Short line.

The notes describe how the engine would compute numbers, step by step, for any reader. They were printed in 1843.

== See also ==
* [[Engine]] was a machine of many wheels that would have been driven by steam in its day.
"""


def test_each_stage_keeps_less():
    stages = cleaning_stages(ARTICLE)
    assert list(stages) == ["markup", "visible", "paragraphs", "sentences"]
    sizes = [sum(map(len, parts)) for parts in stages.values()]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] > 0
    assert stages["markup"] == ARTICLE.split("\n")
    assert "Short line." in stages["visible"] and "Short line." not in stages["paragraphs"]
    assert stages["sentences"] == clean_article(ARTICLE)


def test_what_goes_and_what_stays():
    sentences = cleaning_stages(ARTICLE)["sentences"]
    assert sentences[0] == "Ada was the first programmer of a machine that was never built."
    assert len(sentences) == 4
    text = " ".join(sentences)
    for gone in ("book", "Infobox", "Life", "list", "steam", "[[", "'''"):
        assert gone not in text


def test_a_redirect_has_no_text():
    stages = cleaning_stages("#REDIRECT [[Ada Lovelace]]")
    assert stages["visible"] == stages["paragraphs"] == stages["sentences"] == []
