"""Real text that arrives by pip: the Wikipedia articles in gensim's package, cleaned.

Markup, references, tables, lists and headings go; documents, paragraphs and sentences stay. The text
is Wikipedia's (CC BY-SA 3.0). It is cleaned on the reader's machine at first use and cached.
"""

from __future__ import annotations

import bz2
import contextlib
import hashlib
import html
import json
import re
from importlib.resources import files
from pathlib import Path

from course_lib import settings
from course_lib.errors import DataFileError, RecordError
from course_lib.files import write_json

ARCHIVE = "test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
ARCHIVE_SHA256 = "a53f4648dec40467ebdcbc7a1307eddb51fe6e28e9309f6ebde81ba0d04bea2d"
CLEANING_VERSION = 1  # raise it when the cleaning below changes, so that caches are made anew
DROPPED_TAGS = {"ref", "table", "gallery", "math", "timeline", "score", "code", "source", "pre"}
DROPPED_TAGS |= {"imagemap", "references", "sub", "sup", "syntaxhighlight", "blockquote"}
END_SECTIONS = re.compile(
    r"^==\s*(see also|references|notes|footnotes|further reading|external links|bibliography|sources|"
    r"works cited|citations|notes and references|works|filmography|discography)\b.*$",
    re.IGNORECASE | re.MULTILINE,
)
MARKED_LINE = re.compile(r"^\s*(?:[*#:;|!=]|\{\||\|\}|__)")  # lists, tables, indents, headings, magic words


def archive_path() -> Path:
    """Return the path of the Wikipedia sample that the gensim package carries.

    Raises
    ------
    DataFileError
        If the file is missing or is not the one the course was written for.
    """
    path = Path(str(files("gensim") / ARCHIVE))
    remedy = "Install the pinned package again with `pip install --force-reinstall --no-deps gensim==4.4.0`"
    if not path.is_file():
        raise DataFileError(path, "the Wikipedia sample is not in this gensim", remedy)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != ARCHIVE_SHA256:
        raise DataFileError(path, f"its SHA-256 is {found}, not the published one", remedy)
    return path


def _visible_text(wikitext: str) -> str:
    """Return what a reader would see of an article's running text, one paragraph a line."""
    import mwparserfromhell

    end = END_SECTIONS.search(wikitext)
    code = mwparserfromhell.parse(wikitext[: end.start()] if end else wikitext, skip_style_tags=True)
    for node in code.filter_tags(matches=lambda n: str(n.tag).lower() in DROPPED_TAGS):
        _replace(code, node, "")
    for link in code.filter_wikilinks(
        matches=lambda n: re.match(r"\s*:?(file|image|category|[a-z-]{2,12}):", str(n.title).lower())
    ):
        _replace(code, link, "")
    for template in code.filter_templates():
        name = str(template.name).strip().lower()
        if name in ("convert", "cvt") and len(template.params) >= 2:
            _replace(code, template, f"{template.params[0]} {template.params[1]}")
        elif name in ("lang", "nowrap", "transl", "nihongo") and template.params:
            position = 1 if name in ("lang", "transl") and len(template.params) > 1 else 0
            _replace(code, template, str(template.params[position]))
        else:
            _replace(code, template, "")
    lines = code.strip_code(normalize=True, collapse=False).replace("'''", "").replace("''", "")
    return "\n".join(line for line in lines.split("\n") if not MARKED_LINE.match(line))


def _replace(code, node, text: str) -> None:
    try:
        code.replace(node, text)
    except ValueError:
        return  # it went with a node around it


def _clean_paragraph(line: str) -> str:
    """Normalize one paragraph: entities, spaces, and the brackets that dropped templates leave empty."""
    line = html.unescape(line).replace("\u00a0", " ").replace("\u200b", "")
    line = re.sub(r"\[?https?://\S+\]?", "", line)
    line = re.sub(r"\(\s*[;,:\s]*\)|\[\s*\]", "", line)
    line = re.sub(r"\(\s*[;,:]\s*", "(", line)
    line = re.sub(r"\s+([,.;:)])", r"\1", line)
    return re.sub(r"\s+", " ", line).strip()


def _good_sentence(sentence: str) -> bool:
    """Tell running text from fragments: a capital or digit first, a full stop last, words between."""
    words = sentence.split()
    return (
        4 <= len(words) <= 120
        and sentence[0] in "\"'(“‘" + sentence[0] * (sentence[0].isupper() or sentence[0].isdigit())
        and sentence.rstrip("\"'”’)")[-1:] in tuple(".?!")
        and not re.search(r"[{}|<>]|\[\[|\]\]|==|&\w+;", sentence)
    )


def clean_article(wikitext: str) -> list[str]:
    """Return the sentences of one article, in order.

    Parameters
    ----------
    wikitext : an article in MediaWiki markup.

    Returns
    -------
    list of str
        Sentences of running text; empty for a redirect.
    """
    return cleaning_stages(wikitext)["sentences"]


def cleaning_stages(wikitext: str) -> dict[str, list[str]]:
    """Return what is left of one article after each stage of its cleaning, in order.

    Parameters
    ----------
    wikitext : an article in MediaWiki markup.

    Returns
    -------
    dict
        Lists of str under four names: the lines of the ``markup``, those of the ``visible`` text, the
        ``paragraphs`` of 12 words and more, and the ``sentences``; all but the first empty for a redirect.
    """
    stages = {"markup": wikitext.split("\n"), "visible": [], "paragraphs": [], "sentences": []}
    if wikitext.lstrip().lower().startswith("#redirect"):
        return stages
    stages["visible"] = [line for line in _visible_text(wikitext).split("\n") if line.strip()]
    for line in stages["visible"]:
        paragraph = _clean_paragraph(line)
        if len(paragraph.split()) < 12:  # a caption or a stray label, not a paragraph
            continue
        stages["paragraphs"].append(paragraph)
        stages["sentences"] += [text for _, text in split_sentences(paragraph) if _good_sentence(text)]
    return stages


def split_sentences(paragraph: str) -> list[tuple[int, str]]:
    """Return the sentences of a paragraph, each with the place of its first character."""
    from syntok import segmenter

    spans = [
        (tokens[0].offset, tokens[-1].offset + len(tokens[-1].value))
        for parts in segmenter.process(paragraph)
        for tokens in parts
    ]
    return [(begin, paragraph[begin:end]) for begin, end in spans]


def raw_articles() -> list[tuple[str, str]]:
    """Return the title and the wikitext of every article of the sample, redirects among them.

    Raises
    ------
    DataFileError
        If gensim's sample is missing or damaged.
    """
    from gensim.corpora.wikicorpus import extract_pages

    with bz2.open(archive_path()) as archive:
        return [(title, text) for title, text, _ in extract_pages(archive, filter_namespaces=("0",))]


def load_wikipedia(cache: Path | None = None) -> list[dict]:
    """Load the cleaned Wikipedia sample: about 100 articles, each with its sentences.

    Parameters
    ----------
    cache : folder for the cleaned text; the settings' if left out.

    Returns
    -------
    list of dict
        ``title`` (str) and ``sentences`` (list of str) of each article that has running text.

    Raises
    ------
    DataFileError
        If gensim's sample is missing or damaged.
    """
    cache = (cache or settings.current().cache) / f"wikipedia-{CLEANING_VERSION}.json"
    if cache.is_file():
        try:
            articles = json.loads(cache.read_text(encoding="utf-8"))
            if articles and all(article["title"] and article["sentences"] for article in articles):
                return articles
        except (ValueError, TypeError, KeyError, RecursionError):
            pass  # a half-written or damaged cache: make it anew
    articles = [{"title": title, "sentences": clean_article(text)} for title, text in raw_articles()]
    articles = [article for article in articles if len(article["sentences"]) >= 5]
    with contextlib.suppress(RecordError):  # a cache is a convenience: go on without it
        write_json(cache, articles)
    return articles
