"""Many questions over long documents: the answers of the usual way, from fewer exact windows."""

from dataclasses import replace

import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import span_head
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder
from course_lib.errors import SequenceTooLongError
from course_lib.finetuning import long_documents
from course_lib.finetuning.long_documents import answer_many, score_bounds, scores_at, useful_positions
from course_lib.finetuning.loop import TaskModel
from course_lib.finetuning.question_answering import (
    WindowSettings,
    answer_questions,
    legal_spans,
    make_windows,
    null_score,
)
from course_lib.training.batching import pad_batch

TOKENIZER = load_tokenizer(encoder_folder("bundled"))
SETTINGS = WindowSettings(max_length=48, max_question=10, step=12, max_answer=6, best=5)
DOCUMENT = " ".join(
    f"In {1800 + i} the town number {i} had {i * 37 % 101} houses at a river." for i in range(20)
)
QUESTIONS = [f"How many houses had town {i}?" for i in range(6)] + [
    "Which river?",
    "When was the war over, and who?",
]


def small_model(seed: int = 0) -> TaskModel:
    torch.manual_seed(seed)
    configuration = BertConfiguration(
        vocab_size=TOKENIZER.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=48,
        initializer_range=0.3,  # scores that differ, as those of a trained model
    )
    encoder = BertEncoder(configuration)
    return TaskModel(encoder, span_head(configuration), pooled=False).eval()


def windows_of(questions=QUESTIONS, document=DOCUMENT):
    return make_windows(questions, [document] * len(questions), TOKENIZER, settings=SETTINGS)


def assert_same(mine, theirs):
    assert [(a.text, a.start, a.end) for a in mine] == [(a.text, a.start, a.end) for a in theirs]
    for name in ("score", "null_difference"):
        torch.testing.assert_close(
            torch.tensor([getattr(a, name) for a in mine], dtype=torch.float64),
            torch.tensor([getattr(a, name) for a in theirs], dtype=torch.float64),
            atol=1e-5,
            rtol=1e-5,
        )


@pytest.mark.parametrize("padded", [False, True])
def test_scores_at_positions_are_those_of_the_whole_model(padded):
    model, features = small_model(), [w.feature for w in windows_of(QUESTIONS[:1])]
    batch = pad_batch(features[:1] if not padded else [features[0], features[-1]])
    assert bool(batch["attention_mask"].all()) is not padded
    positions = torch.tensor([[0, 7, 3, 11]] * len(batch["input_ids"]))
    with torch.no_grad():
        wanted = model(batch).gather(1, positions[:, :, None].expand(-1, -1, 2))
        torch.testing.assert_close(scores_at(model, batch, positions), wanted, atol=1e-5, rtol=1e-5)


def test_the_bounds_are_reached_from_the_useful_positions_alone():
    torch.manual_seed(1)
    for window in windows_of():
        scores = torch.randn(len(window.feature["input_ids"]), 2)
        elsewhere = torch.full_like(scores, long_documents.LOWEST)
        places = useful_positions(window, SETTINGS)
        elsewhere[places] = scores[places]
        bound, null = score_bounds(window, scores, SETTINGS).tolist()
        everything = replace(SETTINGS, best=10**6)
        assert bound == pytest.approx(legal_spans([(window, scores)], everything)[0][0])
        assert null == pytest.approx(null_score([(window, scores)]))
        assert score_bounds(window, elsewhere, SETTINGS).tolist() == [bound, null]
        assert legal_spans([(window, scores)], SETTINGS)[0:1] <= [(bound + 1e-6, 0, 0)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_answers_are_those_of_the_usual_way(seed, precision, monkeypatch):
    monkeypatch.setattr(long_documents, "casts", lambda *_: True)  # slow on some processors, the same on all
    model, contexts = small_model(seed), [DOCUMENT] * len(QUESTIONS)
    usual = answer_questions(model, QUESTIONS, contexts, TOKENIZER, SETTINGS)
    assert_same(answer_many(model, QUESTIONS, contexts, TOKENIZER, SETTINGS, precision=precision), usual)
    threshold = sorted(answer.null_difference for answer in usual)[len(usual) // 2]
    options = {"threshold": threshold + 1e-3}
    assert_same(
        answer_many(model, QUESTIONS, contexts, TOKENIZER, SETTINGS, precision=precision, **options),
        answer_questions(model, QUESTIONS, contexts, TOKENIZER, SETTINGS, **options),
    )


def test_few_windows_are_read_twice_and_more_where_the_first_look_is_trusted_less(monkeypatch):
    model, counts = small_model(), []
    settings = replace(SETTINGS, best=20)  # of so few candidates as elsewhere here, the bounds know nothing
    usual = long_documents.predict

    def counted(model, features, *rest):
        counts.append(len(features))
        return usual(model, features, *rest)

    monkeypatch.setattr(long_documents, "predict", counted)
    read = []
    for safety in (2.0, 1e9):
        counts.clear()
        answer_many(
            model,
            QUESTIONS,
            [DOCUMENT] * len(QUESTIONS),
            TOKENIZER,
            settings,
            safety=safety,
            precision="float32",
        )
        read.append(sum(counts))
    assert len(QUESTIONS) <= read[0] <= 3 * len(QUESTIONS) < read[1] == len(windows_of())


def test_a_first_look_that_is_far_off_changes_no_answer(monkeypatch):
    """The error is measured, so a look that misleads costs time and nothing else."""
    model, contexts, usual = small_model(), [DOCUMENT] * len(QUESTIONS), long_documents.first_look

    def shaken(*arguments):
        bounds = usual(*arguments)
        return bounds + torch.randn(bounds.shape, generator=torch.Generator().manual_seed(0))

    monkeypatch.setattr(long_documents, "first_look", shaken)
    mine = answer_many(model, QUESTIONS, contexts, TOKENIZER, SETTINGS, precision="float32")
    assert_same(mine, answer_questions(model, QUESTIONS, contexts, TOKENIZER, SETTINGS))


def test_without_instructions_for_it_the_usual_way_does_the_work(monkeypatch):
    monkeypatch.setattr(long_documents, "casts", lambda *_: False)
    monkeypatch.setattr(long_documents, "first_look", None)
    model = small_model()
    assert_same(
        answer_many(model, QUESTIONS[:2], [DOCUMENT] * 2, TOKENIZER, SETTINGS),
        answer_questions(model, QUESTIONS[:2], [DOCUMENT] * 2, TOKENIZER, SETTINGS),
    )


def test_short_documents_are_read_once(monkeypatch):
    monkeypatch.setattr(long_documents, "first_look", None)
    model, short = small_model(), [DOCUMENT[:150]] * 2
    assert_same(
        answer_many(model, QUESTIONS[:2], short, TOKENIZER, SETTINGS, precision="float32"),
        answer_questions(model, QUESTIONS[:2], short, TOKENIZER, SETTINGS),
    )
    with pytest.raises(TypeError):  # a long one has a first look
        answer_many(model, QUESTIONS[:2], [DOCUMENT] * 2, TOKENIZER, SETTINGS, precision="float32")


def test_no_question_an_empty_document_and_a_window_too_long():
    model = small_model()
    assert answer_many(model, [], [], TOKENIZER, SETTINGS, precision="float32") == []
    contexts = ["", DOCUMENT, " "]
    answers = answer_many(model, ["Who?"] * 3, contexts, TOKENIZER, SETTINGS, precision="float32")
    assert_same(answers, answer_questions(model, ["Who?"] * 3, contexts, TOKENIZER, SETTINGS))
    assert [answer.text == "" for answer in answers] == [True, False, True]
    with pytest.raises(SequenceTooLongError, match="48"):
        answer_many(model, ["Who?"], [DOCUMENT * 9], TOKENIZER, precision="float32")


def test_the_model_stays_as_it_is():
    model = small_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    answer_many(model, QUESTIONS[:1], [DOCUMENT], TOKENIZER, SETTINGS, precision="float32")
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
