"""The Wikipedia sample: what cleaning makes of markup, and a cache that is never half a cache."""

from __future__ import annotations

import bz2
import errno
import json
import os

import gensim.corpora.wikicorpus
import pytest

from course_lib import files as course_files
from course_lib import settings
from course_lib.data import wikipedia
from course_lib.data.wikipedia import clean_article, load_wikipedia
from course_lib.errors import DataFileError

ARTICLE = """{{Infobox river
| name = Wren
| length = {{convert|80|km|mi}}
}}
[[File:Wren.jpg|thumb|right|The Wren in spring, seen from the old stone bridge near the mill.]]
The '''Wren''' is a [[river]] in the [[North Country (region)|north]] of the land.<ref>Atlas, p. 3.</ref> It is {{convert|80|km|mi}} long, and it flows into the sea near [[Port Ada]] (called ''Old Port'' until 1901).

== Course ==
The river rises on a hill &ndash; the name of which is lost &ndash; and turns east at the mill.<ref name="a" /> Its water was used by several mills until the last of them burned down in 1888.
* a list entry that should not be kept in the running text of an article
{| class="wikitable"
! year !! flow
|-
| 1901 || 12
|}
short caption here

=== Bridges ===
There are two bridges, {{lang|fr|Pont Vieux}} and {{nowrap|Iron Bridge}}; both were built before the war. <!-- check --> Nobody knows who built the first one, or why it has five arches instead of three.

== References ==
The list of references would be here, and it is a sentence that must not be kept at all.
[[Category:Rivers]]
"""
SENTENCES = [
    "The Wren is a river in the north of the land.",
    "It is 80 km long, and it flows into the sea near Port Ada (called Old Port until 1901).",
    "The river rises on a hill – the name of which is lost – and turns east at the mill.",
    "Its water was used by several mills until the last of them burned down in 1888.",
    "There are two bridges, Pont Vieux and Iron Bridge; both were built before the war.",
    "Nobody knows who built the first one, or why it has five arches instead of three.",
]


def test_running_text_is_kept_in_order_and_everything_else_goes():
    assert clean_article(ARTICLE) == SENTENCES


@pytest.mark.parametrize(
    "text", ["#REDIRECT [[Wren]]", "  #redirect [[Wren]]", "", "== See also ==\n* [[Wren]]"]
)
def test_an_article_without_running_text_has_no_sentence(text):
    assert clean_article(text) == []


LONG = "and so the paragraph is long enough to be taken for running text and not for a caption."


@pytest.mark.parametrize(
    ("wikitext", "sentence"),
    [
        (f"Two of them ({{{{citation needed}}}}) dry up, {LONG}", f"Two of them dry up, {LONG}"),
        (f"A space&nbsp;and an ampersand &amp; more, {LONG}", f"A space and an ampersand & more, {LONG}"),
        (f"Bold '''and''' ''italic'' go, {LONG}", f"Bold and italic go, {LONG}"),
        (f"A formula <math>x^2</math> goes, {LONG}", f"A formula goes, {LONG}"),
        (f"[[Image:A.png|thumb|A [[link]] inside]]It is gone, {LONG}", f"It is gone, {LONG}"),
    ],
)
def test_markup_becomes_what_a_reader_sees(wikitext, sentence):
    assert clean_article(wikitext) == [sentence]


@pytest.mark.parametrize(
    "text",
    [
        f"lower case at the start is a fragment of something else, {LONG}",
        "No full stop ends this line of fourteen words so it is probably not a sentence",
        "Only three words. " * 4,
    ],
)
def test_fragments_are_dropped(text):
    assert clean_article(text) == []


def page(title: str, text: str, namespace: int = 0) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return (
        f"<page><title>{title}</title><ns>{namespace}</ns><id>1</id>"
        f"<revision><id>1</id><text>{escaped}</text></revision></page>"
    )


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A sample of our own in place of gensim's; counts how often it is read."""
    pages = [
        page("Wren", ARTICLE),
        page("Wrenn", "#REDIRECT [[Wren]]"),
        page("Talk:Wren", ARTICLE, 1),
        page("Short", f"One sentence only, {LONG}"),
    ]
    path = tmp_path / "sample.bz2"
    content = f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">{"".join(pages)}</mediawiki>'
    path.write_bytes(bz2.compress(content.encode()))
    monkeypatch.setattr(wikipedia, "archive_path", lambda: path)
    reads = []
    extract = gensim.corpora.wikicorpus.extract_pages

    def counted(*arguments, **named):
        reads.append(1)
        return extract(*arguments, **named)

    monkeypatch.setattr(gensim.corpora.wikicorpus, "extract_pages", counted)
    return reads


WANTED = [{"title": "Wren", "sentences": SENTENCES}]


def test_articles_of_some_length_are_loaded_and_cached(archive, tmp_path):
    cache = tmp_path / "cache"
    assert load_wikipedia(cache) == WANTED
    assert load_wikipedia(cache) == WANTED
    assert len(archive) == 1
    assert [path.name for path in cache.iterdir()] == [f"wikipedia-{wikipedia.CLEANING_VERSION}.json"]


def test_another_cleaning_makes_another_cache(archive, tmp_path, monkeypatch):
    load_wikipedia(tmp_path / "cache")
    monkeypatch.setattr(wikipedia, "CLEANING_VERSION", wikipedia.CLEANING_VERSION + 1)
    load_wikipedia(tmp_path / "cache")
    assert len(archive) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "null",
        lambda text: "[]",
        lambda text: '[{"title": "Wren"}]',
        lambda text: '[{"title": "Wren", "sentences": []}]',
        lambda text: "[1, 2]",
    ],
)
def test_a_damaged_cache_is_made_anew(archive, tmp_path, damage):
    cache = tmp_path / "cache"
    load_wikipedia(cache)
    (path,) = cache.iterdir()
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert load_wikipedia(cache) == WANTED
    assert json.loads(path.read_text(encoding="utf-8")) == WANTED


@pytest.mark.parametrize("where", ["replace", "open", "mkdir"])
def test_a_full_disk_costs_the_cache_and_nothing_else(archive, tmp_path, monkeypatch, where):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    target = {"replace": os, "open": course_files, "mkdir": wikipedia.Path}[where]
    monkeypatch.setattr(
        target, where, full, raising=where != "open"
    )  # a built-in function, before it is hidden
    cache = tmp_path / "cache"
    assert load_wikipedia(cache) == WANTED
    assert not cache.exists() or not list(cache.iterdir())


def test_the_cache_of_the_settings_is_used(archive, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "mine"))
    settings.current.cache_clear()
    load_wikipedia()
    assert (tmp_path / "mine").is_dir()


def test_another_archive_than_the_published_one_is_refused(tmp_path, monkeypatch):
    other = tmp_path / wikipedia.ARCHIVE
    monkeypatch.setattr(wikipedia, "files", lambda package: tmp_path)
    with pytest.raises(DataFileError, match=r"not in this gensim.*pip install --force-reinstall"):
        wikipedia.archive_path()
    other.parent.mkdir(parents=True)
    other.write_bytes(b"changed")
    with pytest.raises(DataFileError, match="SHA-256") as caught:
        wikipedia.archive_path()
    assert str(other) in str(caught.value)
