"""Ablations: nothing looks to the right, all objectives read the same, and the BiLSTM sees no padding."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import span_head
from course_lib.bert.loading import load_encoder
from course_lib.data.weights import bundled_weights_folder
from course_lib.pretraining.corpus import corpus_from_pieces
from course_lib.pretraining.masking import MaskingStrategy, MaskingVocabulary, mask_tokens
from course_lib.pretraining.model import PretrainingModel
from course_lib.pretraining.sentence_pairs import PairBatch
from course_lib.studies.ablations import study as ablations
from course_lib.studies.ablations.study import (
    CONFIGURATION,
    OBJECTIVES,
    PARTS,
    BiLstmModel,
    LeftToRightEncoder,
    MeanLeftToRightEncoder,
    Objective,
    Size,
    continued_training,
    masked_word_loss,
    next_word_loss,
    run_size,
)
from course_lib.studies.published import MASKING_STRATEGIES

SMALL = BertConfiguration(
    vocab_size=40,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=16,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    initializer_range=0.3,
)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{n}" for n in range(35))]


@pytest.fixture
def batch():
    """Two rows of nine and six tokens, padded to ten."""
    torch.manual_seed(0)
    lengths = torch.tensor([9, 6])
    attention_mask = (torch.arange(10) < lengths[:, None]).long()
    input_ids = torch.randint(5, 40, (2, 10)) * attention_mask
    return PairBatch(
        input_ids, (torch.arange(10) > 4).long() * attention_mask, attention_mask, torch.tensor([0, 1])
    )


def test_no_token_sees_what_stands_after_it(batch):
    torch.manual_seed(0)
    encoder = LeftToRightEncoder(SMALL).eval()
    states = encoder(*batch[:3]).last_hidden_state
    for place in range(1, 9):
        changed = batch.input_ids.clone()
        changed[0, place] = changed[0, place] % 34 + 6  # another word
        other = encoder(changed, *batch[1:3]).last_hidden_state
        assert torch.equal(other[0, :place], states[0, :place])
        assert not torch.allclose(other[0, place:9], states[0, place:9], atol=1e-3)


def test_the_last_token_is_pooled_and_padding_changes_nothing(batch):
    torch.manual_seed(0)
    encoder = LeftToRightEncoder(SMALL).eval()
    output = encoder(*batch[:3])
    alone = encoder(batch.input_ids[1:, :6], batch.token_type_ids[1:, :6])
    assert torch.allclose(output.last_hidden_state[1, :6], alone.last_hidden_state[0], atol=1e-6)
    assert torch.allclose(output.pooled_output[1:], alone.pooled_output, atol=1e-6)
    expected = torch.tanh(encoder.pooler(output.last_hidden_state[0, 8]))
    assert torch.allclose(output.pooled_output[0], expected)


def test_the_mean_is_over_real_tokens_alone_and_no_state_changes(batch):
    torch.manual_seed(0)
    last = LeftToRightEncoder(SMALL).eval()
    mean = MeanLeftToRightEncoder(SMALL).eval()
    mean.load_state_dict(last.state_dict())
    output = mean(*batch[:3])
    assert torch.equal(output.last_hidden_state, last(*batch[:3]).last_hidden_state)
    expected = torch.tanh(mean.pooler(output.last_hidden_state[1, :6].mean(dim=0)))
    assert torch.allclose(output.pooled_output[1], expected, atol=1e-6)
    alone = mean(batch.input_ids[1:, :6], batch.token_type_ids[1:, :6])
    assert torch.allclose(output.pooled_output[1:], alone.pooled_output, atol=1e-6)


def test_a_mask_by_query_that_shows_everything_is_no_mask(batch):
    torch.manual_seed(0)
    encoder = BertEncoder(SMALL).eval()
    by_query = batch.attention_mask[:, None].expand(2, 10, 10)
    real = batch.attention_mask.bool()
    same = encoder(batch.input_ids, batch.token_type_ids, by_query).last_hidden_state[real]
    assert torch.allclose(same, encoder(*batch[:3]).last_hidden_state[real], atol=1e-6)


def test_next_words_are_scored_from_the_words_before_them(batch):
    torch.manual_seed(0)
    model = PretrainingModel(SMALL).eval()
    model.encoder = LeftToRightEncoder(SMALL).eval()
    losses = []
    for row, length in ((0, 9), (1, 6)):
        hidden = model.encoder(*(part[row : row + 1, :length] for part in batch[:3])).last_hidden_state[0]
        scores = model.head(hidden[:-1])
        losses.append(functional.cross_entropy(scores, batch.input_ids[row, 1:length], reduction="none"))
    assert next_word_loss(model, batch).item() == pytest.approx(torch.cat(losses).mean().item(), rel=1e-5)


def test_the_sentence_loss_is_there_only_when_asked_for(batch):
    torch.manual_seed(0)
    model, vocabulary = PretrainingModel(SMALL).eval(), MaskingVocabulary.from_tokens(WORDS)

    def loss(next_sentence: bool) -> float:
        generator, strategy = torch.Generator().manual_seed(3), MaskingStrategy()
        return masked_word_loss(model, batch, vocabulary, strategy, generator, next_sentence).item()

    with torch.no_grad():
        model.next_sentence.weight.zero_()  # two equal scores: the loss of a coin
    assert loss(True) - loss(False) == pytest.approx(torch.log(torch.tensor(2.0)).item(), rel=1e-5)


def test_the_lstm_sees_both_sides_and_no_padding(batch):
    torch.manual_seed(0)
    model = BiLstmModel(LeftToRightEncoder(SMALL), span_head(SMALL), pooled=False).eval()
    inputs = dict(zip(("input_ids", "token_type_ids", "attention_mask"), batch[:3], strict=True))
    scores = model(inputs)
    assert scores.shape == (2, 10, 2)
    alone = model({name: part[1:, :6] for name, part in inputs.items()})
    assert torch.allclose(scores[1, :6], alone[0], atol=1e-6)
    changed = batch.input_ids.clone()
    changed[0, 8] = changed[0, 8] % 34 + 6
    other = model(inputs | {"input_ids": changed})
    assert not torch.allclose(other[0, 0], scores[0, 0], atol=1e-6)  # the first word hears of the last
    pooled = BiLstmModel(LeftToRightEncoder(SMALL), span_head(SMALL), pooled=True).eval()
    pooled.load_state_dict(model.state_dict())
    padded, bare = pooled(inputs), pooled({name: part[1:, :6] for name, part in inputs.items()})
    assert torch.allclose(padded[1:], bare, atol=1e-6)


@pytest.fixture(scope="module")
def wikipedia_like():
    """A corpus of 12 documents in the ids of the bundled vocabulary."""
    torch.manual_seed(0)
    pieces = [torch.randint(2000, 3000, (8,)).numpy() for _ in range(12 * 8)]
    return corpus_from_pieces(pieces, [8] * 12)


@pytest.fixture(scope="module")
def vocabulary():
    """What masking must know of a vocabulary with the bundled one's ids."""
    return MaskingVocabulary.from_tokens(
        ["[PAD]", *(f"[unused{n}]" for n in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        + [f"w{n}" for n in range(30522 - 104)]
    )


def test_objectives_read_the_same_pairs_and_train_the_body(wikipedia_like, vocabulary, monkeypatch):
    seen, published = {}, load_encoder(bundled_weights_folder()).state_dict()
    gather = ablations.gather_pairs
    for name in OBJECTIVES:
        rows = seen.setdefault(name, [])

        def noted(*arguments, rows=rows):
            batch = gather(*arguments)
            rows.append(batch.input_ids)
            return batch

        monkeypatch.setattr(ablations, "gather_pairs", noted)
        objective = Objective(name, steps=2, batch_size=2, max_length=32, early_steps=(1,))
        reached = []
        for step, encoder in continued_training(objective, wikipedia_like, vocabulary, seed=4):
            reached.append(step)
            assert isinstance(encoder, LeftToRightEncoder) == (name == "left to right")
        assert reached == [1, 2]
        state = encoder.state_dict()
        assert torch.equal(state["embeddings.token.weight"], published["embeddings.token.weight"])
        moved = [
            key
            for key in published
            if "query_key_value.weight" in key and not torch.equal(state[key], published[key])
        ]
        assert len(moved) == 6
    assert all(
        torch.equal(one, other)
        for name in OBJECTIVES
        for one, other in zip(seen[name], seen[OBJECTIVES[0]], strict=True)
    )


def test_the_parts_of_an_objective_are_what_is_trained(wikipedia_like, vocabulary, monkeypatch):
    """Each part that an ablation names decides what it says it does."""
    losses = []

    def masked(model, batch, vocabulary, strategy, generator, next_sentence):
        losses.append((next_sentence, "masked words"))
        return model.encoder.blocks[0].expand.weight.sum()

    def following(model, batch):
        losses.append((False, "every next word"))
        return model.encoder.blocks[0].expand.weight.sum()

    monkeypatch.setattr(ablations, "masked_word_loss", masked)
    monkeypatch.setattr(ablations, "next_word_loss", following)
    one, other = torch.tensor([[101, 2054, 2003, 102]]), torch.tensor([[101, 2054, 2003, 2004]])
    for name, parts in PARTS.items():
        objective = Objective(name, steps=1, batch_size=2, max_length=32, early_steps=())
        ((_, encoder),) = continued_training(objective, wikipedia_like, vocabulary, seed=1)
        assert losses.pop() == (parts.next_sentence, parts.predicted)
        with torch.no_grad():
            first, second = encoder.eval()(one), encoder(other)
        sees_the_right = not torch.equal(first.last_hidden_state[:, 0], second.last_hidden_state[:, 0])
        assert sees_the_right == (parts.direction == "both ways")
        place = {"[CLS]": 0, "last token": -1}[parts.read_off]
        pooled = torch.tanh(encoder.pooler(first.last_hidden_state[:, place]))  # (1, H)
        assert torch.allclose(first.pooled_output, pooled, atol=1e-6)


def test_no_steps_leave_the_weights_as_they_are(wikipedia_like):
    objective = Objective("MLM alone", steps=0, early_steps=())
    ((step, encoder),) = continued_training(objective, wikipedia_like, None, seed=1)
    published = load_encoder(bundled_weights_folder()).state_dict()
    assert step == 0
    assert all(torch.equal(tensor, published[name]) for name, tensor in encoder.state_dict().items())


def test_an_unknown_objective_is_refused(wikipedia_like):
    with pytest.raises(ValueError, match=r"no objective 'right to left'.*MLM and NSP"):
        next(continued_training(Objective("right to left"), wikipedia_like, None, seed=0))


def test_a_score_leaves_the_body_as_it_was(monkeypatch):
    monkeypatch.setattr(ablations.task_models, "score", lambda *_: {"accuracy": 1.0})
    encoder = load_encoder(bundled_weights_folder())
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    objective = replace(Objective("MLM alone"), epochs=1, review_length=16)
    objective.rows["reviews"] = 8
    assert ablations.task_score(encoder, "reviews", objective, seed=1) == 1.0
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())


def test_a_larger_model_has_more_parameters_and_learns():
    small, large = (run_size(Size(1, width, 2, steps=30, documents=40), seed=1) for width in (16, 32))
    assert small["parameters"] < large["parameters"]
    assert 0 < small["mlm_accuracy"] < 1 and small["unigram"] == large["unigram"]


def test_the_masking_of_an_objective_is_the_one_that_is_drawn(wikipedia_like, monkeypatch):
    seen = []

    def noted(input_ids, vocabulary, strategy, **named):
        seen.append(strategy)
        return mask_tokens(input_ids, vocabulary, strategy, **named)

    monkeypatch.setattr(ablations, "mask_tokens", noted)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{n}" for n in range(30517))]
    for objective in (*CONFIGURATION.masking, CONFIGURATION.objectives[1]):
        short = replace(objective, steps=1, batch_size=2, max_length=32, early_steps=())
        for _ in continued_training(short, wikipedia_like, MaskingVocabulary.from_tokens(words), seed=1):
            pass
    shares = [(round(100 * s.mask), round(100 * s.keep), round(100 * s.random)) for s in seen]
    # The order is the paper's: [MASK], the same word, a random one.
    assert shares == [*(row[:3] for row in MASKING_STRATEGIES[1:]), (80, 10, 10)]


def test_variants_differ_from_the_full_model_in_what_their_name_says():
    full, *variants = (vars(objective) for objective in CONFIGURATION.objectives)
    for variant in variants:
        assert {name for name in full if full[name] != variant[name]} == {"name"}
    for objective, with_pairs in zip(CONFIGURATION.objectives, map(vars, CONFIGURATION.pairs), strict=True):
        before = vars(objective)
        assert {name for name in before if before[name] != with_pairs[name]} == {
            "tasks",
            "rows",
            "early_steps",
        }
    (longer,), short = map(vars, CONFIGURATION.longer), vars(CONFIGURATION.pairs[1])
    assert {name for name in short if short[name] != longer[name]} == {"epochs"}
    alone = vars(CONFIGURATION.objectives[1])
    for other in map(vars, CONFIGURATION.masking):
        assert {name for name in alone if alone[name] != other[name]} == {"masking", "tasks", "early_steps"}


def test_every_part_of_the_recording_has_names_of_its_own():
    parts = ablations.studies()
    assert {part: len(runs) for part, (runs, _) in parts.items()} == {
        "objectives": 3, "pairs": 3, "longer": 1, "untouched": 2, "masking": 5, "readings": 2, "sizes": 4,
    }  # fmt: skip


def test_the_pairs_stand_among_the_scores_of_their_objective_and_seed(monkeypatch, runner):
    def run(objective, seed):
        tasks = getattr(objective, "tasks", ())
        return {"scores": {task: f"{objective.name} {seed}" for task in tasks}}

    monkeypatch.setattr(ablations, "run_objective", run)
    monkeypatch.setattr(ablations, "run_reading", lambda reading, seed: {})
    monkeypatch.setattr(ablations, "run_size", lambda size, seed: {})
    found = ablations.record(CONFIGURATION, runner)
    assert "pairs" not in found
    for name, runs in found["objectives"].items():
        for seed, result in zip(CONFIGURATION.seeds, runs, strict=True):
            assert list(result["scores"]) == list(ablations.TASKS)
            assert set(result["scores"].values()) == {f"{name} {seed}"}
