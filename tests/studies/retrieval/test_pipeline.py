"""Searching by words, by meaning and by reading, and the engine of all of them, with small encoders."""

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling

from course_lib.bert.loading import load_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.readers.beir import SearchData
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.classification import classification_model
from course_lib.finetuning.question_answering import question_model
from course_lib.studies.retrieval import cross_encoder as cross
from course_lib.studies.retrieval.bi_encoder import BiEncoder, DenseIndex, store_embeddings, stored_embeddings
from course_lib.studies.retrieval.cross_encoder import CrossEncoder, hard_negatives, training_pairs
from course_lib.studies.retrieval.lexical import LexicalIndex, words_of
from course_lib.studies.retrieval.pipeline import SearchPipeline, abstention, candidates, choose_threshold
from course_lib.studies.retrieval.ranking import Hit

TEXTS = {
    "cat": "The cat sleeps on the warm roof of the old house.",
    "dog": "A dog chased the cat down the road and barked at it twice.",
    "moon": "Astronauts walked on the Moon and collected rocks there.",
    "rice": "Rice grows in flooded fields in many countries of Asia.",
}
CORPUS = {name: {"title": name.title(), "text": text} for name, text in TEXTS.items()}


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(encoder_folder("bundled"))


@pytest.fixture(scope="module")
def bi_encoder(small_encoder, tokenizer):
    return BiEncoder(load_encoder(small_encoder), tokenizer)


@pytest.fixture(scope="module")
def cross_encoder(small_encoder, tokenizer):
    torch.manual_seed(0)
    return CrossEncoder(classification_model(2, small_encoder, reads="mean"), tokenizer, 64)


@pytest.fixture(scope="module")
def engine(bi_encoder, cross_encoder, small_encoder):
    torch.manual_seed(0)
    return SearchPipeline(CORPUS, bi_encoder, cross_encoder, question_model(small_encoder).eval())


# By words ---------------------------------------------------------------------------------------


def bm25(query: str, k1: float = 0.9, b: float = 0.4) -> list[float]:
    """BM25 by its formula (Lucene's variant, which bm25s computes), one passage at a time."""
    documents = [words_of(text) for text in TEXTS.values()]
    mean, scores = np.mean([len(words) for words in documents]), []
    for words in documents:
        score = 0.0
        for word in words_of(query):
            holding = sum(word in other for other in documents)
            rarity = np.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            count = words.count(word)
            score += rarity * count / (count + k1 * (1 - b + b * len(words) / mean))
        scores.append(score)
    return scores


@pytest.mark.parametrize("query", ["the cat", "rice in Asia", "Moon rocks, cat cat", "xyzzy the"])
def test_bm25_is_its_formula(query):
    assert LexicalIndex(CORPUS).scores(query) == pytest.approx(bm25(query), abs=1e-5)


def test_a_question_whose_words_no_passage_has_scores_nothing():
    assert LexicalIndex(CORPUS).scores("xyzzy").tolist() == [0, 0, 0, 0]


# By meaning -------------------------------------------------------------------------------------


def test_embeddings_are_those_of_sentence_transformers(bi_encoder, small_encoder, tokenizer):
    from sentence_transformers.models import Normalize

    class Body(torch.nn.Module):
        """The course's encoder, in the form that sentence-transformers reads."""

        def forward(self, features):
            output = bi_encoder.encoder(features["input_ids"], None, features["attention_mask"])
            return features | {"token_embeddings": output.last_hidden_state}

    encodings = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS.values()]
    rows = [torch.tensor([101, *ids, 102]) for ids in encodings]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    model = SentenceTransformer(
        modules=[Body(), Pooling(384, pooling_mode="mean"), Normalize()], device="cpu"
    )
    with torch.no_grad():
        expected = model({"input_ids": ids, "attention_mask": (ids != 0).long()})["sentence_embedding"]
    assert bi_encoder.embed(list(TEXTS.values())) == pytest.approx(expected.numpy(), abs=1e-5)


def test_a_text_longer_than_the_window_is_read_from_its_beginning(bi_encoder):
    long = "cat " * 600
    assert bi_encoder.embed([long])[0] == pytest.approx(bi_encoder.embed(["cat " * 254])[0], abs=1e-5)


def test_stored_embeddings_are_close_and_know_their_corpus(bi_encoder, tmp_path):
    embeddings = bi_encoder.embed(list(TEXTS.values()))
    store_embeddings(embeddings, CORPUS, tmp_path)
    stored = stored_embeddings(CORPUS, tmp_path)
    assert np.linalg.norm(stored, axis=1) == pytest.approx(1, abs=1e-6)
    assert (embeddings * stored).sum(axis=1).min() > 0.999
    with pytest.raises(CourseError, match="this corpus is another"):
        stored_embeddings(CORPUS | {"rice": {"title": "Rice", "text": "Rice."}}, tmp_path)


def test_embeddings_of_another_corpus_are_refused(bi_encoder):
    with pytest.raises(CourseError, match="4 passages and 3 embeddings"):
        DenseIndex(CORPUS, bi_encoder, np.zeros((3, 384), dtype=np.float32))


# By reading -------------------------------------------------------------------------------------


def test_a_relevant_passage_is_never_a_negative():
    hits = [Hit(name, 1.0) for name in "abcdef"]
    for seed in range(20):
        drawn = hard_negatives(hits, {"a", "c"}, 3, np.random.default_rng(seed))
        assert len(set(drawn)) == 3 and not {"a", "c"} & set(drawn)
    assert hard_negatives(hits[:2], {"a"}, 3, np.random.default_rng(0)) == ["b"]


def search_data(**parts):
    """A collection whose training questions are one about the cat and one without an answer."""
    qrels = {"train": {"q1": {"cat": 2, "dog": 1}}}
    queries = {"q1": "Where does the cat sleep?", "q2": "Who is the king of rice?"}
    return SearchData(CORPUS, queries, qrels, {"train": ["q1", "q2"]}, {}) if not parts else None


def test_training_pairs_hold_relevant_passages_once_and_negatives_of_both_rankings(bi_encoder):
    data = search_data()
    searches = {
        "BM25": (LexicalIndex(CORPUS).search, 1),
        "bi-encoder": (DenseIndex(CORPUS, bi_encoder).search, 1),
    }
    pairs = training_pairs(data, searches, depth=4, seed=3)
    first = [pair for pair in pairs if pair.query == data.queries["q1"]]
    assert {(pair.text, pair.label) for pair in first} == {
        (TEXTS["cat"], 1),
        (TEXTS["dog"], 1),
        (TEXTS["moon"], 0),
        (TEXTS["rice"], 0),
    }
    assert [pair.label for pair in pairs if pair.query == data.queries["q2"]] == [0, 0]


def test_training_tells_passages_apart(small_encoder, tokenizer):
    pairs = [cross.Pair("cat", TEXTS["cat"], 1), cross.Pair("cat", TEXTS["rice"], 0)] * 8
    configuration = cross.CrossEncoderConfiguration(
        training=cross.TrainingConfiguration(learning_rate=1e-3, epochs=6, batch_size=8), max_length=32
    )
    model = classification_model(2, small_encoder, labels=cross.LABELS, reads="mean")
    trained = cross.train_cross_encoder(pairs, configuration, seed=1, model=model)
    assert [hit.passage for hit in trained.rank("cat", {"rice": TEXTS["rice"], "cat": TEXTS["cat"]})] == [
        "cat",
        "rice",
    ]


def test_pairs_of_one_label_teach_nothing():
    with pytest.raises(CourseError, match="same label"):
        cross.train_cross_encoder([cross.Pair("cat", "cat", 1)] * 3, seed=1)


# All together -----------------------------------------------------------------------------------


def test_candidates_come_from_both_rankings_without_repetition():
    dense, lexical = [Hit("a", 1), Hit("b", 0.5), Hit("c", 0.2)], [Hit("b", 9), Hit("d", 8), Hit("e", 0)]
    assert candidates(dense, lexical, first=2, second=2) == [
        "a",
        "b",
        "d",
    ]  # a passage without a word isn't found


def test_the_engine_answers_from_its_best_passage(engine):
    found = engine.answer("Where does the cat sleep?", threshold=-1e9)
    assert set(found.stages) == {"BM25", "bi-encoder", "cross-encoder"} and set(found.milliseconds) == {
        *found.stages,
        "reader",
    }
    scores = [hit.score for hit in found.stages["cross-encoder"]]
    assert (
        scores == sorted(scores, reverse=True) and found.passage == found.stages["cross-encoder"][0].passage
    )
    assert found.answer and found.answer in TEXTS[found.passage] and found.title == found.passage.title()


def test_the_engine_abstains_below_its_threshold(engine):
    sure = engine.answer("Where does the cat sleep?").confidence
    assert engine.answer("Where does the cat sleep?", threshold=sure + 1e-3).answer == ""
    assert engine.answer("Where does the cat sleep?", threshold=sure - 1e-3).answer


@pytest.mark.parametrize("question", ["", "   ", "\n"])
def test_an_empty_question_is_refused_in_one_sentence(engine, question):
    with pytest.raises(CourseError, match="The question is empty"):
        engine.answer(question)


def test_a_question_longer_than_the_window_is_answered(engine):
    assert engine.answer("Where does the cat sleep? " * 200, threshold=-1e9).passage in CORPUS


def test_a_corpus_of_one_passage_is_searched(bi_encoder, cross_encoder, engine):
    alone = {"rice": CORPUS["rice"]}
    found = SearchPipeline(alone, bi_encoder, cross_encoder, engine.reader).answer("Where does rice grow?")
    assert found.passage == "rice" and [hit.passage for hit in found.stages["BM25"]] == ["rice"]


def test_a_corpus_without_passages_is_refused(bi_encoder, cross_encoder, engine):
    with pytest.raises(CourseError, match="no passage to search in"):
        SearchPipeline({}, bi_encoder, cross_encoder, engine.reader)


def test_a_threshold_loses_at_most_the_share_it_may():
    values, answerable = (
        np.array([0.1, 0.5, 0.2, 0.9, 0.4, 0.3, 0.0]),
        np.array([1, 1, 1, 1, 1, 0, 0], dtype=bool),
    )
    threshold = choose_threshold(values, answerable, most_lost=0.2)
    assert threshold == 0.2
    assert abstention(values, answerable, threshold) == {"refused": 0.5, "lost": 0.2}
    assert abstention(values, answerable, choose_threshold(values, answerable, 0.0))["lost"] == 0
    with pytest.raises(CourseError, match="No validation question has an answer"):
        choose_threshold([0.5], [False])
