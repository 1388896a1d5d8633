"""A search engine in four steps: words and embeddings find candidates, a cross-encoder sorts them, a reader answers.

Each step reads fewer passages than the one before it, and reads them more carefully. If the evidence is weak, the
engine abstains: it says that it found no answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from course_lib.data.search import load_search
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TaskModel
from course_lib.finetuning.question_answering import answer_questions
from course_lib.studies.finetuning.unanswerable import load_model as load_reader
from course_lib.studies.retrieval.bi_encoder import BiEncoder, DenseIndex, load_bi_encoder, stored_embeddings
from course_lib.studies.retrieval.cross_encoder import CrossEncoder, load_cross_encoder
from course_lib.studies.retrieval.lexical import LexicalIndex
from course_lib.studies.retrieval.ranking import Hit, check_query

FROM_BI_ENCODER, FROM_BM25 = 7, 3  # candidates that the cross-encoder reads
T = TypeVar("T")


def candidates(dense: Sequence[Hit], lexical: Sequence[Hit], *, first: int, second: int) -> list[str]:
    """Return the best of one ranking, and then the best of another one that aren't among them.

    Parameters
    ----------
    dense, lexical : rankings, best first.
    first, second : how many to take from each.
    """
    chosen = [hit.passage for hit in dense[:first]]
    further = [hit.passage for hit in lexical if hit.passage not in chosen and hit.score > 0]
    return chosen + further[:second]


def confidence(relevance: float, null_difference: float) -> float:
    """Return how sure the engine is of an answer, from two models that read question and passage together.

    Parameters
    ----------
    relevance : the score of the best passage that the ranking went by.
    null_difference : the reader's score of "no answer" less that of its best span.
    """
    return relevance - null_difference


@dataclass
class Found:
    """What a search came back with.

    Parameters
    ----------
    answer : the reader's answer; empty where the engine abstains.
    passage, title : where the answer was read: the id of the passage, and its article.
    confidence : how sure the engine is, see :func:`confidence`.
    stages : the best passages of each step, best first.
    milliseconds : what each step took.
    """

    answer: str
    passage: str
    title: str
    confidence: float
    stages: dict[str, list[Hit]]
    milliseconds: dict[str, float] = field(default_factory=dict)


class SearchPipeline:
    """BM25 and a bi-encoder, then a cross-encoder, then a reader.

    Parameters
    ----------
    corpus : ``title`` and ``text`` of each passage, by its id.
    bi_encoder, cross_encoder, reader : the three models.
    embeddings : of the passages, if there are any yet; they are made if left out, which takes a while.
    threshold : the engine abstains where its confidence is below; None never abstains.
    from_bi_encoder, from_bm25 : how many candidates come from which ranking.
    cosine_weight : how much the bi-encoder's cosine counts beside the cross-encoder's log odds.

    Raises
    ------
    CourseError
        If the corpus has no passage, or no candidate would be read.
    """

    def __init__(
        self,
        corpus: Mapping[str, Mapping[str, str]],
        bi_encoder: BiEncoder,
        cross_encoder: CrossEncoder,
        reader: TaskModel,
        *,
        embeddings: np.ndarray | None = None,
        threshold: float | None = None,
        from_bi_encoder: int = FROM_BI_ENCODER,
        from_bm25: int = FROM_BM25,
        cosine_weight: float = 0.0,
    ):
        if from_bi_encoder < 1 or from_bm25 < 0:
            raise CourseError("The cross-encoder needs candidates: take at least one from the bi-encoder.")
        self.corpus, self.threshold = corpus, threshold
        self.lexical = LexicalIndex(corpus)
        self.dense = DenseIndex(corpus, bi_encoder, embeddings)
        self.cross_encoder, self.reader = cross_encoder, reader
        self.from_bi_encoder, self.from_bm25 = from_bi_encoder, from_bm25
        self.cosine_weight = cosine_weight
        self.places = {name: place for place, name in enumerate(corpus)}

    def answer(self, question: str, threshold: float | None = None, depth: int = 10) -> Found:
        """Search for a question, and answer it from the best passage or abstain.

        Parameters
        ----------
        question : in words; as long as you like, the models read its beginning.
        threshold : in place of the engine's own.
        depth : how many passages of each step to give back.

        Raises
        ------
        CourseError
            If the question is empty.
        """
        check_query(question)
        found = Found("", "", "", 0.0, {})
        lexical = self._timed(found, "BM25", lambda: self.lexical.search(question, max(depth, 50)))
        dense = self._timed(found, "bi-encoder", lambda: self.dense.search(question, max(depth, 50)))
        names = candidates(dense, lexical, first=self.from_bi_encoder, second=self.from_bm25)
        texts = {name: self.corpus[name]["text"] for name in names}
        ranked = self._timed(found, "cross-encoder", lambda: self._rank(question, texts))
        best, context = ranked[0], texts[ranked[0].passage]
        read = self._timed(
            found,
            "reader",
            lambda: answer_questions(self.reader, [question], [context], self.cross_encoder.tokenizer)[0],
        )
        found.passage, found.title = best.passage, self.corpus[best.passage]["title"]
        found.confidence = confidence(best.score, read.null_difference)
        found.stages = {"BM25": lexical[:depth], "bi-encoder": dense[:depth], "cross-encoder": ranked[:depth]}
        threshold = self.threshold if threshold is None else threshold
        found.answer = read.text if threshold is None or found.confidence >= threshold else ""
        return found

    def _rank(self, question: str, texts: Mapping[str, str]) -> list[Hit]:
        """Return the candidates by the cross-encoder's score, with as much of the cosine as the engine adds."""
        ranked = self.cross_encoder.rank(question, texts)
        if not self.cosine_weight:
            return ranked
        vector, places = self.dense.bi_encoder.embed([question])[0], self.places
        hits = [
            Hit(name, score + self.cosine_weight * float(self.dense.embeddings[places[name]] @ vector))
            for name, score in ranked
        ]
        return sorted(hits, key=lambda hit: -hit.score)

    @staticmethod
    def _timed(found: Found, stage: str, step: Callable[[], T]) -> T:
        began = time.perf_counter()
        result = step()
        found.milliseconds[stage] = 1000 * (time.perf_counter() - began)
        return result


def choose_threshold(
    confidences: Sequence[float], answerable: Sequence[bool], most_lost: float = 0.1
) -> float:
    """Return the highest threshold that loses few questions that have an answer.

    Parameters
    ----------
    confidences : of validation questions, never of test questions: the threshold would know what it is tested on.
    answerable : whether each question has an answer in the corpus.
    most_lost : the largest share of answerable questions that may be refused.

    Raises
    ------
    CourseError
        If no question has an answer.
    """
    known = np.sort([value for value, has_answer in zip(confidences, answerable, strict=True) if has_answer])
    if not len(known):
        raise CourseError(
            "No validation question has an answer, so any threshold would do. Add some that have one."
        )
    return float(known[int(most_lost * len(known) + 1e-9)])


def abstention(
    confidences: Sequence[float], answerable: Sequence[bool], threshold: float
) -> dict[str, float]:
    """Return the share of unanswerable questions ``refused`` and of answerable ones ``lost`` by a threshold."""
    low, known = np.asarray(confidences) < threshold, np.asarray(answerable, dtype=bool)
    return {"refused": float(low[~known].mean()), "lost": float(low[known].mean())}


def load_pipeline(threshold: float | None = None) -> SearchPipeline:
    """Return the engine over the course's passages, with the recorded models, embeddings and threshold.

    Parameters
    ----------
    threshold : in place of the recorded one.

    Raises
    ------
    WeightsError
        If the recorded cross-encoder or the stored embeddings are missing or damaged.
    """
    from course_lib.studies.retrieval.study import recorded_threshold, retrieval_results

    corpus = load_search().corpus
    threshold = recorded_threshold() if threshold is None else threshold
    return SearchPipeline(
        corpus,
        load_bi_encoder(),
        load_cross_encoder(),
        load_reader(),
        embeddings=stored_embeddings(corpus),
        threshold=threshold,
        cosine_weight=retrieval_results()["cosine_weight"],
    )
