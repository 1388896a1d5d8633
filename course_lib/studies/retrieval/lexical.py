"""Search by words: BM25 (Robertson and Zaragoza 2009), as the package bm25s computes it.

A passage scores for each word of the question that it holds: rare words count more, the tenth occurrence hardly more
than the third, and a long passage has to earn more of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import bm25s
import numpy as np

from course_lib.studies.retrieval.ranking import Hit, check_corpus, check_query, top_hits

WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case. No stemming, and no list of words to leave out."""
    return WORD.findall(text.lower())


class LexicalIndex:
    """A corpus, indexed by its words.

    Parameters
    ----------
    corpus : ``title`` and ``text`` of each passage, by its id. The title isn't indexed.
    k1 : how fast further occurrences of a word stop counting.
    b : how much a long passage is held back, from 0 to 1.

    Raises
    ------
    CourseError
        If the corpus has no passage.
    """

    def __init__(self, corpus: Mapping[str, Mapping[str, str]], k1: float = 0.9, b: float = 0.4):
        check_corpus(corpus)
        self.ids = list(corpus)
        words = [words_of(passage["text"]) for passage in corpus.values()]
        self._known = {word for passage in words for word in passage}
        self._index = bm25s.BM25(k1=k1, b=b)
        if self._known:
            self._index.index(words, show_progress=False)

    def scores(self, query: str) -> np.ndarray:
        """Return the score of every passage (passages,), in the order of the corpus.

        Raises
        ------
        CourseError
            If the question is empty.
        """
        check_query(query)
        words = [word for word in words_of(query) if word in self._known]
        if not words:  # not one of its words is in the corpus
            return np.zeros(len(self.ids), dtype=np.float32)
        return self._index.get_scores(words)

    def search(self, query: str, k: int = 10) -> list[Hit]:
        """Return the k best passages for a question."""
        return top_hits(self.ids, self.scores(query), k)
