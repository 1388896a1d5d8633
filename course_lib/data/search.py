"""The course's questions on passages of Wikipedia: their texts are cut from the sample that gensim carries."""

from __future__ import annotations

import re
from pathlib import Path

from course_lib import settings
from course_lib.data.readers.beir import SearchData, read_beir
from course_lib.data.wikipedia import load_wikipedia

FEWEST, AIM, MOST = 60, 100, 120  # words of a passage


def cut_passages(title: str, sentences: list[str]) -> dict[str, str]:
    """Cut an article into passages of whole, consecutive sentences.

    A passage takes sentences until it has ``FEWEST`` words, and then more as long as it stays within ``AIM``. A
    rest at the article's end joins the passage before it. What fits nowhere is left out: a rest that would make
    that passage longer than ``MOST``, a few words before a giant sentence.

    Parameters
    ----------
    title : the article's title.
    sentences : its sentences, in order.

    Returns
    -------
    dict
        The texts by their ids, such as ``alain-connes-002``.
    """
    sizes = [len(sentence.split()) for sentence in sentences]
    spans, start, words = [], 0, 0
    for place, size in enumerate(sizes):
        if words + size > (AIM if words >= FEWEST else MOST):
            spans += [(start, place)] * (words >= FEWEST)
            start, words = place, 0
        words += size
    if words >= FEWEST:
        spans.append((start, len(sizes)))
    elif spans and spans[-1][1] == start and sum(sizes[spans[-1][0] :]) <= MOST:
        spans[-1] = (spans[-1][0], len(sizes))
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return {
        f"{slug}-{number:03d}": " ".join(sentences[start:end])
        for number, (start, end) in enumerate(spans, start=1)
    }


def load_search(source: str | Path | None = None) -> SearchData:
    """Load the questions with the passages they are asked of, or a collection of your own.

    Parameters
    ----------
    source : a folder in the layout of BEIR; the course's own questions if left out.

    Returns
    -------
    SearchData
        Corpus, queries, judgments and splits. A judgment is 2 for a passage that answers the whole question, and
        1 for one that answers a part. The first passages of the sample come first.

    Raises
    ------
    DataFileError
        If a file is damaged, or gensim's sample isn't the one that was judged.
    SettingError
        If the course is installed without its data.
    """
    if source is not None:
        return read_beir(Path(source).expanduser())
    settings.require_clone()
    return read_beir(settings.DATA / "search", sample_passages())


def sample_passages() -> dict[str, str]:
    """Return the passages of gensim's sample by their ids."""
    return {
        name: text
        for article in load_wikipedia()
        for name, text in cut_passages(article["title"], article["sentences"]).items()
    }
