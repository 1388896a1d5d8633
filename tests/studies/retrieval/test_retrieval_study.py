"""The recording of lesson 21 from end to end with little to do, and what its statistics say."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.data import weights
from course_lib.data.readers.beir import SearchData
from course_lib.finetuning import compact
from course_lib.finetuning.classification import classification_model
from course_lib.finetuning.question_answering import question_model
from course_lib.studies.retrieval import study
from course_lib.studies.retrieval.cross_encoder import LABELS, CrossEncoderConfiguration

ANIMALS = ("cat", "dog", "horse", "goat", "seal", "bear", "fox", "hen", "crow", "frog", "bee", "ant")
CORPUS = {
    animal: {
        "title": animal.title(),
        "text": f"The {animal} lives in house number {place} and sleeps until noon.",
    }
    for place, animal in enumerate(ANIMALS)
}
QUERIES = {f"q{place}": f"Where does the {animal} live?" for place, animal in enumerate(ANIMALS)}
QUERIES |= {"n0": "Who paints the bridge?", "n1": "When was the king born?", "n2": "What do comets weigh?"}
SPLITS = {
    "train": ["q0", "q1", "q2", "n0"],
    "validation": ["q3", "q4", "q5", "n1"],
    "test": ["q6", "q7", "q8", "n2"],
}
QRELS = {
    split: {query: {ANIMALS[int(query[1:])]: 2} for query in queries if query.startswith("q")}
    for split, queries in SPLITS.items()
}
ANSWERS = {
    query: {
        "passage": name,
        "answer": f"house number {query[1:]}",
        "start": CORPUS[name]["text"].index("house"),
    }
    for qrels in QRELS.values()
    for query, judgments in qrels.items()
    for name in judgments
}
DATA = SearchData(CORPUS, QUERIES, QRELS, SPLITS, ANSWERS)


@pytest.fixture
def small_study(small_encoder, tmp_path, monkeypatch):
    """The study on few passages with a small encoder, and a place for what it stores."""
    for module in (weights, compact):
        monkeypatch.setattr(module, "bundled_weights_folder", lambda *place, **checks: small_encoder)
    from course_lib.studies.retrieval import cross_encoder

    monkeypatch.setattr(study, "load_search", lambda: DATA)
    monkeypatch.setattr(study, "PASSAGES", tmp_path / "passages")
    monkeypatch.setattr(study, "CHECKPOINT", tmp_path / "cross-encoder")
    monkeypatch.setattr(study, "load_reader", lambda: question_model("bundled").eval())
    monkeypatch.setattr(
        cross_encoder,
        "new_cross_encoder",
        lambda: classification_model(2, "bundled", labels=LABELS, reads="mean"),
    )
    training = replace(study.CROSS_ENCODER.training, epochs=1, precision="float32")
    quick = CrossEncoderConfiguration(training=training, max_length=48, rank=4)
    return study.Configuration(cross_encoder=quick, seeds=(1, 2), timed_queries=1)


def test_the_recording_holds_what_the_statistics_need(small_study, runner):
    results = study.record(small_study, runner)
    recorded = [*SPLITS["validation"], *SPLITS["test"]]
    assert list(results["rankings"]) == list(results["answers"]) == recorded
    assert (
        results["corpus"]["passages"] == len(CORPUS)
        and results["corpus"]["lowest_cosine_with_stored"] > 0.999
    )
    for method in (*study.METHODS, "cross-encoder and cosine"):
        for metric in study.METRICS:
            found = study.metric_by_query(results, DATA, method, metric)
            assert found.shape == ((3,) if method in ("BM25", "bi-encoder") else (2, 3))
    assert (
        study.metric_by_query(results, DATA, "BM25", "MRR@10") == 1
    ).all()  # the animal is a word of its passage
    assert results["rankings"]["q6"]["ranks"]["BM25"] == {"fox": 1}
    for query in recorded:
        candidates = results["rankings"][query]["candidates"]
        assert all(len(run["scores"][query]) == len(candidates) for run in results["cross-encoders"])
        scores = np.array(results["cross-encoders"][0]["scores"][query])
        scores = scores + results["cosine_weight"] * np.array(results["rankings"][query]["cosines"])
        place = candidates.index(results["answers"][query]["passage"])
        assert scores[place] == pytest.approx(scores.max(), abs=0.02)  # recorded ones are rounded
    assert set(results["milliseconds"]) == {*study.METHODS, "reader", "whole"}
    values, answerable = study.confidences(results, DATA, "test")
    assert answerable.tolist() == [True, True, True, False] and len(values) == 4
    earlier = len(runner.earlier)
    assert (
        study.record(small_study, runner) == results and len(runner.earlier) == earlier + 5
    )  # nothing ran again


def stand_in(scores: dict[str, list[list[float]]]) -> dict:
    """Results of two questions with three candidates each, and of the cross-encoders that gave these scores."""
    ranking = {
        "first": {"BM25": ["c", "b", "a"], "bi-encoder": ["a", "b", "c"]},
        "candidates": ["a", "b", "c"],
        "cosines": [0.5, 0.4, 0.3],
    }
    seeds = [{"scores": {query: runs[seed] for query, runs in scores.items()}} for seed in range(2)]
    return {"rankings": dict.fromkeys(scores, ranking), "cross-encoders": seeds, "cosine_weight": 10}


def test_a_lead_is_the_mean_over_questions_and_seeds():
    results = stand_in({"x": [[0.0, 3.0, 1.0], [0.0, 1.0, 3.0]], "y": [[0.0, 3.0, 1.0], [0.0, 3.0, 1.0]]})
    data = SearchData({}, {}, {"test": {"x": {"b": 2}, "y": {"b": 1}}}, {"test": ["x", "y"]}, {})
    ranks = study.metric_by_query(results, data, "cross-encoder", "MRR@10")
    assert ranks.tolist() == [[1.0, 1.0], [0.5, 1.0]]
    gain, low, high = study.lead(results, data, "cross-encoder", "bi-encoder", "MRR@10")
    assert gain == pytest.approx(0.375) and (low, high) == (0.25, 0.5)


def test_the_cosine_joins_the_score():
    results = stand_in({"x": [[0.0, 0.5, 0.4]] * 2})
    assert study.first_passages(results, "cross-encoder", "x") == ["b", "c", "a"]
    assert study.first_passages(results, "cross-encoder and cosine", "x") == ["a", "b", "c"]


def test_a_rank_counts_the_better_ones_and_the_earlier_equals():
    scores = np.array([0.5, 0.9, 0.5, 0.1])
    assert [study.rank_of(scores, place) for place in range(4)] == [2, 1, 3, 4]


def test_the_threshold_is_chosen_on_validation_questions(monkeypatch):
    queries = {**dict.fromkeys(SPLITS["validation"], 5.0), **dict.fromkeys(SPLITS["test"], -5.0)}
    monkeypatch.setattr(study, "load_search", lambda: DATA)
    answers = {query: {"confidence": value} for query, value in queries.items()}
    monkeypatch.setattr(study, "retrieval_results", lambda: {"answers": answers})
    assert study.recorded_threshold() == 5.0


def test_the_weight_of_the_cosine_is_chosen_on_validation_questions():
    results = stand_in({"x": [[0.0, 0.7, 0.4]] * 2, "y": [[0.0, 1.5, 0.4]] * 2})
    judged = {"validation": {"x": {"a": 2}, "y": {"b": 2}}, "test": {"x": {"c": 2}, "y": {"c": 2}}}
    data = SearchData({}, {}, judged, {split: ["x", "y"] for split in judged}, {})
    assert study.best_cosine_weight(results, data) == 10  # 5 leaves "b" first for x, 20 puts "a" first for y
