"""How well each way of searching finds the passages that answer, and what a reader makes of them.

BM25 and the bundled MiniLM rank all passages. A cross-encoder, trained here with several seeds, reads the first few
passages of both. The recorded results hold every question's ranks and scores, so all means and intervals are computed from
them where they are shown.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from course_lib import settings
from course_lib.data.readers.beir import SearchData
from course_lib.data.search import load_search
from course_lib.data.weights import sha256_of
from course_lib.finetuning.question_answering import answer_questions, scores_by_question
from course_lib.machine import processors
from course_lib.studies.finetuning.unanswerable import load_model as load_reader
from course_lib.studies.records import Runner, load_record
from course_lib.studies.retrieval.bi_encoder import (
    PASSAGES,
    DenseIndex,
    load_bi_encoder,
    store_embeddings,
    stored_embeddings,
)
from course_lib.studies.retrieval.cross_encoder import (
    CHECKPOINT,
    CrossEncoderConfiguration,
    load_cross_encoder,
    store_cross_encoder,
    train_cross_encoder,
    training_pairs,
)
from course_lib.studies.retrieval.lexical import LexicalIndex
from course_lib.studies.retrieval.pipeline import (
    SearchPipeline,
    candidates,
    choose_threshold,
)
from course_lib.studies.retrieval.ranking import METRICS, top_hits
from course_lib.studies.statistics import paired_interval

CODE_VERSION = 1
JUDGES = ("validation", "test")  # the splits whose questions are recorded
METHODS = ("BM25", "bi-encoder", "cross-encoder")
CUTOFF = 10  # of all metrics
COSINE_WEIGHTS = (0, 5, 10, 20, 40)  # of the cosine beside the log odds: validation questions choose


CROSS_ENCODER = CrossEncoderConfiguration()


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on.

    ``from_bi_encoder`` and ``from_bm25`` are the candidates that the cross-encoder reads; ``most_lost`` is the
    largest share of validation questions with an answer that the threshold may refuse.
    """

    cross_encoder: CrossEncoderConfiguration = CROSS_ENCODER
    seeds: tuple[int, ...] = (1, 2, 3)
    from_bi_encoder: int = 7
    from_bm25: int = 3
    most_lost: float = 0.1
    timed_queries: int = 30


CONFIGURATION = Configuration()


@dataclass(frozen=True)
class CorpusRun:
    """The corpus, embedded once."""

    passages: int


@dataclass(frozen=True)
class RankingRun:
    """Both rankings of all passages, which need no training."""

    from_bi_encoder: int
    from_bm25: int


@dataclass(frozen=True)
class CrossEncoderRun:
    """One cross-encoder, trained, stored and used on the candidates."""

    cross_encoder: CrossEncoderConfiguration
    from_bi_encoder: int
    from_bm25: int


@dataclass(frozen=True)
class AnswerRun:
    """The whole engine with the stored cross-encoder, known by its SHA-256."""

    checkpoint: str
    timed_queries: int
    cosine_weight: float


# The parts of the recording -----------------------------------------------------------------------


def judged_queries(data: SearchData) -> list[str]:
    """Return the questions whose results are recorded: those of the validation and the test part."""
    return [query for split in JUDGES for query in data.splits[split]]


def judgments_of(data: SearchData, query: str) -> dict[str, int]:
    """Return the judgments of a question, none for one without an answer."""
    return next((qrels[query] for qrels in data.qrels.values() if query in qrels), {})


def indexes(data: SearchData) -> tuple[LexicalIndex, DenseIndex]:
    """Return both indexes over the corpus, the second with the stored embeddings."""
    return LexicalIndex(data.corpus), DenseIndex(
        data.corpus, load_bi_encoder(), stored_embeddings(data.corpus, PASSAGES)
    )


def embed_corpus(run: CorpusRun, seed: int) -> dict:
    """Embed all passages and store the embeddings."""
    settings.prepare(seed)
    corpus, began = load_search().corpus, time.process_time()
    embeddings = load_bi_encoder().embed([passage["text"] for passage in corpus.values()])
    store_embeddings(embeddings, corpus, PASSAGES)
    cosines = (embeddings * stored_embeddings(corpus, PASSAGES)).sum(axis=1)
    return {
        "passages": len(corpus),
        "seconds": round(time.process_time() - began, 1),
        "lowest_cosine_with_stored": round(float(cosines.min()), 5),
    }


def rank_of(scores: np.ndarray, place: int) -> int:
    """Return the rank of a passage from 1; of equal scores, the first passage of the corpus ranks first."""
    return int((scores > scores[place]).sum() + (scores[:place] == scores[place]).sum() + 1)


def rank_queries(run: RankingRun, seed: int) -> dict:
    """Rank all passages for each recorded question, by words and by meaning."""
    settings.prepare(seed)
    data = load_search()
    lexical, dense = indexes(data)
    places = {name: place for place, name in enumerate(data.corpus)}
    found = {}
    for query in judged_queries(data):
        scores = {
            "BM25": lexical.scores(data.queries[query]),
            "bi-encoder": dense.scores(data.queries[query]),
        }
        hits = {name: top_hits(lexical.ids, values, 50) for name, values in scores.items()}
        chosen = candidates(hits["bi-encoder"], hits["BM25"], first=run.from_bi_encoder, second=run.from_bm25)
        relevant = judgments_of(data, query)
        found[query] = {
            "first": {name: [hit.passage for hit in ranking[:CUTOFF]] for name, ranking in hits.items()},
            "ranks": {
                name: {passage: rank_of(values, places[passage]) for passage in relevant}
                for name, values in scores.items()
            },
            "best": {name: round(ranking[0].score, 4) for name, ranking in hits.items()},
            "candidates": chosen,
            "cosines": [round(float(scores["bi-encoder"][places[name]]), 4) for name in chosen],
        }
    return {"queries": found}


def run_cross_encoder(run: CrossEncoderRun, seed: int, folder: Path | None = None) -> dict:
    """Train a cross-encoder, store it, and score the candidates of each recorded question as it is stored.

    Parameters
    ----------
    run : what to train.
    seed : of negatives, head, order and dropout.
    folder : where to store it; nowhere for good if left out.
    """
    settings.prepare(seed)
    data, began = load_search(), time.process_time()
    lexical, dense = indexes(data)
    c = run.cross_encoder
    searches = {
        "BM25": (lexical.search, c.bm25_negatives),
        "bi-encoder": (dense.search, c.bi_encoder_negatives),
    }
    pairs = training_pairs(data, searches, depth=c.depth, seed=seed)
    trained = train_cross_encoder(pairs, c, seed=seed)
    minutes = (time.process_time() - began) / 60
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary) if folder is None else folder
        store_cross_encoder(trained, c.rank, place)
        model = load_cross_encoder(place)
    scores = {}
    for query in judged_queries(data):
        question = data.queries[query]
        chosen = candidates(
            dense.search(question, 50),
            lexical.search(question, 50),
            first=run.from_bi_encoder,
            second=run.from_bm25,
        )
        texts = [data.corpus[name]["text"] for name in chosen]
        scores[query] = [round(float(score), 3) for score in model.scores(question, texts)]
    return {
        "pairs": len(pairs),
        "relevant_pairs": sum(pair.label for pair in pairs),
        "minutes_of_training": round(minutes, 2),
        "scores": scores,
    }


def store_first(run: CrossEncoderRun, seed: int) -> dict:
    """Train the cross-encoder that is kept."""
    return run_cross_encoder(run, seed, CHECKPOINT)


def references(data: SearchData, query: str) -> list[str]:
    """Return the answer of a question, none for one without."""
    return [data.answers[query]["answer"]] if query in data.answers else []


def answer_queries(run: AnswerRun, seed: int) -> dict:
    """Read the best passage of each method, and the relevant one, for each recorded question; then time the engine."""
    settings.prepare(seed)
    data = load_search()
    lexical, dense = indexes(data)
    cross_encoder, reader = load_cross_encoder(CHECKPOINT), load_reader()
    engine = SearchPipeline(
        data.corpus,
        dense.bi_encoder,
        cross_encoder,
        reader,
        embeddings=dense.embeddings,
        cosine_weight=run.cosine_weight,
    )
    queries = judged_queries(data)
    found = {query: engine.answer(data.queries[query]) for query in queries}
    sources = {
        method: {query: found[query].stages[method][0].passage for query in queries} for method in METHODS
    }
    sources["relevant passage"] = {
        query: data.answers[query]["passage"] for query in queries if query in data.answers
    }
    answers: dict = {query: {} for query in queries}
    for source, passages in sources.items():
        questions = [data.queries[query] for query in passages]
        contexts = [data.corpus[passage]["text"] for passage in passages.values()]
        read = answer_questions(reader, questions, contexts, cross_encoder.tokenizer)
        targets = [references(data, query) for query in passages]
        scores = scores_by_question([answer.text for answer in read], targets)
        for query, answer, (exact_match, f1) in zip(passages, read, scores, strict=True):
            answers[query][source] = {
                "answer": answer.text,
                "null_difference": round(answer.null_difference, 3),
                "exact_match": float(exact_match),
                "f1": round(float(f1), 4),
            }
    for query in queries:
        answers[query]["confidence"] = round(found[query].confidence, 3)
        answers[query]["passage"] = found[query].passage
    return {"queries": answers, "milliseconds": time_queries(engine, data, run.timed_queries)}


def time_queries(engine: SearchPipeline, data: SearchData, number: int) -> dict:
    """Return the median milliseconds of each step over some test questions, with up to two threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(min(2, processors()))
    try:
        taken = [engine.answer(data.queries[query]).milliseconds for query in data.splits["test"][:number]]
    finally:
        torch.set_num_threads(threads)
    return {step: round(float(np.median([times[step] for times in taken])), 1) for step in taken[0]} | {
        "whole": round(float(np.median([sum(times.values()) for times in taken])), 1)
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Embed the corpus, rank it, train the cross-encoders, and answer the questions."""
    c, first = configuration, configuration.seeds[0]
    embeddings, checkpoint = PASSAGES / "model.safetensors", CHECKPOINT / "model.safetensors"
    size = CorpusRun(len(load_search().corpus))
    corpus = runner.run("retrieval-corpus", CODE_VERSION, size, first, embed_corpus, products=[embeddings])
    print("corpus embedded:", corpus, flush=True)
    rankings = runner.run(
        "retrieval-rankings", CODE_VERSION, RankingRun(c.from_bi_encoder, c.from_bm25), first, rank_queries
    )
    print("passages ranked", flush=True)
    cross_encoders = []
    for seed in c.seeds:
        run = CrossEncoderRun(c.cross_encoder, c.from_bi_encoder, c.from_bm25)
        function, products = (store_first, [checkpoint]) if seed == first else (run_cross_encoder, ())
        cross_encoders.append(
            runner.run("retrieval-cross-encoder", CODE_VERSION, run, seed, function, products=products)
        )
        print(
            "cross-encoder, seed",
            seed,
            {k: v for k, v in cross_encoders[-1].items() if k != "scores"},
            flush=True,
        )
    parts = {"rankings": rankings["queries"], "cross-encoders": cross_encoders}
    weight = best_cosine_weight(parts, load_search())
    answers = runner.run(
        "retrieval-answers",
        CODE_VERSION,
        AnswerRun(sha256_of(checkpoint), c.timed_queries, weight),
        first,
        answer_queries,
    )
    return {
        "corpus": corpus,
        **parts,
        "cosine_weight": weight,
        "answers": answers["queries"],
        "milliseconds": answers["milliseconds"],
    }


# What the recording says --------------------------------------------------------------------------


def retrieval_results() -> dict:
    """Return the recorded results: ``rankings`` and ``answers`` by question, ``cross-encoders`` by seed, and more."""
    return load_record("retrieval")["results"]


def first_passages(results: Mapping, method: str, query: str, seed: int = 0) -> list[str]:
    """Return the first ten passages of a method for a question.

    Parameters
    ----------
    results : of :func:`retrieval_results`.
    method : one of :data:`METHODS`, or ``"cross-encoder and cosine"``, the sum of both models' scores.
    query : a question of the validation or test part.
    seed : which of the recorded cross-encoders, from 0.
    """
    ranking = results["rankings"][query]
    if method in ranking["first"]:
        return ranking["first"][method]
    scores = np.array(results["cross-encoders"][seed]["scores"][query])
    if method == "cross-encoder and cosine":
        scores = scores + results["cosine_weight"] * np.array(ranking["cosines"])
    return [hit.passage for hit in top_hits(ranking["candidates"], scores, CUTOFF)]


def metric_by_query(
    results: Mapping, data: SearchData, method: str, metric: str, split: str = "test"
) -> np.ndarray:
    """Return a metric of each question that has an answer: (questions,), or (seeds, questions) for a cross-encoder."""
    seeds = range(len(results["cross-encoders"]) if method not in ("BM25", "bi-encoder") else 1)
    score = METRICS[metric]
    table = [
        [
            score(first_passages(results, method, query, seed), judgments)
            for query, judgments in data.qrels[split].items()
        ]
        for seed in seeds
    ]
    return np.array(table if len(table) > 1 else table[0])


def lead(
    results: Mapping, data: SearchData, first: str, second: str, metric: str, split: str = "test"
) -> tuple[float, float, float]:
    """Return how far the first method is ahead of the second, with a 95% bootstrap interval over the questions."""
    ahead = np.atleast_2d(metric_by_query(results, data, first, metric, split)).mean(axis=0)
    behind = np.atleast_2d(metric_by_query(results, data, second, metric, split)).mean(axis=0)
    return paired_interval(ahead, behind)


def best_cosine_weight(parts: Mapping, data: SearchData) -> float:
    """Return the weight of the cosine with the highest MRR@10 on the validation questions, the mean over the seeds.

    Parameters
    ----------
    parts : ``rankings`` and ``cross-encoders`` of the results.
    data : questions and judgments.
    """
    method, metric = "cross-encoder and cosine", "MRR@10"
    scores = {
        weight: metric_by_query({**parts, "cosine_weight": weight}, data, method, metric, "validation").mean()
        for weight in COSINE_WEIGHTS
    }
    return max(scores, key=scores.get)


def confidences(results: Mapping, data: SearchData, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the engine's confidence in each question of a split, and whether the question has an answer."""
    queries = data.splits[split]
    values = [results["answers"][query]["confidence"] for query in queries]
    return np.array(values), np.array([query in data.qrels[split] for query in queries])


def recorded_threshold() -> float:
    """Return the threshold that the validation questions choose."""
    values, answerable = confidences(retrieval_results(), load_search(), "validation")
    return choose_threshold(values, answerable, CONFIGURATION.most_lost)
