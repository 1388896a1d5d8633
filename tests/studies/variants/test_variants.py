"""What came after BERT: counted architectures, savings, other objectives, bytes, sparse attention, sentence vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder, number_of_parameters
from course_lib.data.small_world import Probe, small_world, small_world_tokenizer, vocabulary
from course_lib.errors import CourseError
from course_lib.pretraining.masking import MaskingVocabulary, mask_tokens
from course_lib.studies.variants import architectures, objectives, sentence_embeddings, study
from course_lib.studies.variants.sharing import SharedEncoder, factorized, sharing_table
from course_lib.studies.variants.sparse_attention import attended_pairs, attention_costs, window_mask
from course_lib.studies.variants.tokens import HARD_TEXTS, compare_pieces, train_byte_level

WORDS = MaskingVocabulary.from_tokens(vocabulary())
SMALL = study.Variant(
    hidden_size=16, layers=2, steps=4, batch_size=4, max_length=32, documents=16, probes=3, held_out=8
)


@pytest.fixture(scope="module")
def stories():
    return study.sequences_of(study.small_corpus(12, seed=1), 40)  # (N, 40)


def pair_of_sentences() -> torch.Tensor:
    tokenizer = small_world_tokenizer()
    return torch.tensor([tokenizer.encode("Anna has a dog.", "She feeds her dog on Monday.").ids])


# Architectures


def test_parameters_are_the_published_ones():
    found = {a.name: architectures.describe(a) for a in architectures.ARCHITECTURES}
    published = {  # of the papers' or the model cards, in millions
        "google-bert/bert-base-uncased": 110,
        "FacebookAI/roberta-base": 125,
        "albert/albert-base-v2": 12,
        "distilbert/distilbert-base-uncased": 66,
        "google/electra-base-discriminator": 110,
        "microsoft/deberta-v3-base": 184,
        "xlnet/xlnet-base-cased": 117,
        "allenai/longformer-base-4096": 149,
        "answerdotai/ModernBERT-base": 149,
    }
    assert set(found) == set(published)
    for name, millions in published.items():
        assert found[name].parameters == pytest.approx(millions * 1e6, rel=0.03), name
    rows = {row.name: row for row in found.values()}
    bert, albert = rows["bert-base-uncased"], rows["albert-base-v2"]
    assert albert.flops_per_token == bert.flops_per_token  # sharing saves memory, and nothing to compute
    assert rows["distilbert-base-uncased"].flops_per_token * 2 == bert.flops_per_token
    assert bert.memory_bytes == 4 * bert.parameters and bert.has_pooler
    # The same count by the encoder's own sizes: 12 layers of 12 H² numbers, and attention over 128 tokens.
    assert bert.flops_per_token == 2 * 12 * (12 * 768**2 + 2 * 128 * 768)
    assert rows["xlnet-base-cased"].longest_input is None and rows["ModernBERT-base"].longest_input == 8192


def test_an_architecture_that_is_not_known_is_named():
    with pytest.raises(CourseError, match="no architecture 'bart-of-simpson'"):
        architectures.describe(architectures.Architecture("x/y", 2020, "", "", "bart-of-simpson"))


# Sharing


def test_sharing_and_thin_embeddings_save_what_the_formulas_say():
    c = BertConfiguration(vocab_size=1000, hidden_size=48, num_hidden_layers=4, num_attention_heads=4)
    found = sharing_table(c, 8)
    block = number_of_parameters(BertEncoder(c).blocks[0])
    assert found["BERT"] - found["shared blocks"] == 3 * block
    assert found["BERT"] - found["thin embeddings"] == 1000 * 48 - (1000 * 8 + 8 * 48 + 48)
    assert (
        found["BERT"] - found["both"] == 2 * found["BERT"] - found["shared blocks"] - found["thin embeddings"]
    )
    with pytest.raises(CourseError, match="from 1 to the hidden size, 48"):
        factorized(BertEncoder(c), 49)


def test_a_shared_block_is_used_once_a_layer():
    c = BertConfiguration(vocab_size=50, hidden_size=12, num_hidden_layers=3, num_attention_heads=3)
    encoder, ids = SharedEncoder(c).eval(), torch.tensor([[2, 7, 3]])
    states = encoder(ids, output_hidden_states=True).hidden_states
    by_hand = states[0]
    for _ in range(3):
        by_hand, _ = encoder.blocks[0](by_hand)
    assert len(states) == 4 and torch.equal(states[-1], by_hand)


# Masks


def test_static_masks_stay_and_dynamic_ones_move(stories):
    found = objectives.static_and_dynamic(stories[0], WORDS, epochs=6, seed=0)
    assert all(torch.equal(row, found["static"][0]) for row in found["static"])
    assert torch.equal(found["static"][0], found["dynamic"][0])
    assert len(found["dynamic"].unique(dim=0)) > 1


@hypothesis_settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.15, 0.5, 1.0]))
def test_spans_cover_their_share_and_never_a_special_token(seed, share):
    ids = pair_of_sentences()
    chosen = objectives.choose_spans(ids, WORDS, torch.Generator().manual_seed(seed), share=share)
    possible = ~WORDS.is_special[ids]
    assert not (chosen & ~possible).any()
    assert int(chosen.sum()) == min(max(1, round(share * ids.shape[1])), int(possible.sum()))


def test_a_span_is_longer_than_chance_and_ends_before_a_separator():
    ids, draws = pair_of_sentences(), torch.Generator().manual_seed(0)
    separator = int((ids[0] == WORDS.special.sep_id).nonzero()[0])
    runs, crossing = [], 0
    for _ in range(200):
        (chosen,) = objectives.choose_spans(ids, WORDS, draws, share=0.3, stop=0.01)
        runs.append(int(chosen.int().diff(prepend=torch.zeros(1)).clamp(min=0).sum()))
        crossing += bool(chosen[separator - 1] and chosen[separator + 1] and runs[-1] == 1)
    assert np.mean(runs) < 2  # about four tokens in one or two runs
    assert not crossing


def test_exactly_the_chosen_tokens_are_asked_for(stories):
    draws = torch.Generator().manual_seed(0)
    chosen = objectives.choose_spans(stories, WORDS, draws)
    masked = objectives.mask_chosen(stories, chosen, WORDS, draws)
    assert torch.equal(masked.chosen, chosen)
    assert torch.equal(masked.targets, stories[chosen])


def test_shares_that_cannot_be_are_refused(stories):
    with pytest.raises(CourseError, match="share is 0"):
        objectives.choose_spans(stories, WORDS, torch.Generator(), share=0)


# Replaced tokens


def test_a_word_that_the_generator_gets_right_is_an_original_one(stories):
    draws = torch.Generator().manual_seed(0)
    masked = mask_tokens(stories, WORDS, generator=draws)
    sure = torch.full((len(masked.targets), len(vocabulary())), -50.0)
    sure[torch.arange(len(sure)), masked.targets] = 50.0
    right = objectives.replaced_tokens(stories, masked, sure, WORDS.pad_id, draws)
    assert torch.equal(right.input_ids, stories) and not right.replaced.any()
    wrong = objectives.replaced_tokens(stories, masked, -sure, WORDS.pad_id, draws)
    assert torch.equal(wrong.replaced, masked.chosen)


def test_every_real_token_teaches_the_discriminator_and_no_padding():
    replaced = torch.tensor([[False, True, False, False]])
    batch = objectives.ReplacedBatch(
        torch.tensor([[2, 9, 3, 0]]), replaced, torch.tensor([[True] * 3 + [False]])
    )
    scores = torch.zeros(1, 4, requires_grad=True)
    loss = objectives.detection_loss(scores, batch)
    loss.backward()
    assert loss.item() == pytest.approx(np.log(2))
    assert torch.allclose(scores.grad, torch.tensor([[1 / 6, -1 / 6, 1 / 6, 0.0]]))


def test_no_gradient_goes_through_the_sampled_words(stories):
    variant = replace(SMALL, objective="replaced tokens")
    model, loss_of = study.new_model(variant, 1), study.Loss(variant, stories, 1)
    batch, rows = next(study.batches_of(variant, study.small_corpus(12, seed=1), 1))
    monkey = study.DETECTION_WEIGHT
    with_detection = torch.autograd.grad(loss_of(model, batch, rows), model.generator_head.transform.weight)[
        0
    ]
    study.DETECTION_WEIGHT = 0.0
    try:
        alone = torch.autograd.grad(
            study.Loss(variant, stories, 1)(model, batch, rows), model.generator_head.transform.weight
        )[0]
    finally:
        study.DETECTION_WEIGHT = monkey
    assert torch.allclose(with_detection, alone)


# Permuted order


def test_special_tokens_come_first_and_padding_last(stories):
    order = objectives.random_order(stories, WORDS, torch.Generator().manual_seed(0))
    assert torch.equal(order.sort(dim=1).values, torch.arange(40).expand_as(order))
    assert not order[:, 0].any()
    real = stories != WORDS.pad_id
    for row, mask in zip(order, real, strict=True):
        assert row[mask].max() < len(row) if mask.all() else row[mask].max() < row[~mask].min()


def test_a_query_sees_what_came_before_and_never_itself():
    order = torch.tensor([[0, 2, 1]])
    content, query = objectives.permutation_masks(order)
    assert content.tolist() == [[[True, False, False], [True, True, True], [True, False, True]]]
    assert query.tolist() == [[[True, False, False], [True, False, True], [True, False, False]]]


def test_what_is_predicted_does_not_depend_on_itself_or_on_what_comes_later(stories):
    model = objectives.TwoStreamModel(study.bert_configuration(SMALL, 16)).eval()
    with torch.no_grad():
        model.query.normal_()
    ids = stories[:1]
    order = objectives.random_order(ids, WORDS, torch.Generator().manual_seed(3))
    place = int(order[0].argsort()[len(ids[0]) // 2])  # halfway through the order
    late = order[0] >= order[0, place]
    changed = torch.where(late, (ids + 7) % len(vocabulary()), ids)
    real = torch.ones_like(ids, dtype=torch.bool)
    before, after = (model(text, order, real)[0, place] for text in (ids, changed))
    assert torch.allclose(before, after, atol=1e-6)
    earlier = int(order[0].argsort()[3])
    changed = ids.clone()
    changed[0, earlier] = (ids[0, earlier] + 7) % len(vocabulary())
    assert not torch.allclose(before, model(changed, order, real)[0, place], atol=1e-6)


# Tokens


def test_bytes_come_back_and_word_pieces_lose_what_they_do_not_know():
    texts = [" ".join(story) for story in small_world(20, seed=0)]
    byte_level = train_byte_level(texts, 400)
    rows = compare_pieces([*HARD_TEXTS, texts[0]], byte_level, small_world_tokenizer())
    assert all(row.bytes_come_back for row in rows)
    assert rows[0].unknown and not rows[0].words_come_back
    assert rows[-1].unknown == 0 and len(rows[-1].byte_pieces) < len(texts[0])
    with pytest.raises(CourseError, match="at least 256"):
        train_byte_level(texts, 100)


# Sparse attention


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.integers(1, 24), st.integers(0, 30), st.integers(0, 26))
def test_the_count_of_pairs_is_that_of_the_mask(length, window, global_tokens):
    mask = window_mask(length, window, range(min(global_tokens, length)))
    assert attended_pairs(length, window, global_tokens) == int(mask.sum())
    assert torch.equal(mask, mask.T)


def test_sparse_cost_grows_with_the_length_and_full_cost_with_its_square():
    short, long = attention_costs((10_000, 20_000), window=64)
    assert long.full_pairs == 4 * short.full_pairs
    assert long.sparse_pairs / short.sparse_pairs == pytest.approx(2, rel=0.01)
    assert short.full_bytes == 4 * 10_000**2
    with pytest.raises(CourseError, match="no position 5"):
        window_mask(5, 1, [5])
    with pytest.raises(CourseError, match="window is -1"):
        window_mask(5, -1)


# Sentence vectors


def test_a_sentence_vector_is_the_mean_of_its_states_whatever_stands_beside_it():
    encoder = BertEncoder(study.bert_configuration(SMALL, 16)).eval()
    features = [{"input_ids": [2, 9, 8, 3]}, {"input_ids": [2, 9, 3]}, {"input_ids": [2, 20, 21, 22, 23, 3]}]
    vectors = sentence_embeddings.sentence_vectors(encoder, features)
    alone = encoder(torch.tensor([[2, 9, 3]])).last_hidden_state[0].mean(dim=0)
    assert torch.allclose(vectors[1], alone / alone.norm(), atol=1e-5)
    assert sentence_embeddings.cosines(vectors, vectors) == pytest.approx(np.ones(3), abs=1e-5)
    assert sentence_embeddings.spearman([0.1, 0.5, 0.9], [1, 2, 3]) == pytest.approx(1)
    with pytest.raises(CourseError, match="no sentence"):
        sentence_embeddings.sentence_vectors(encoder, [])
    with pytest.raises(CourseError, match="1 similarities and 2 scores"):
        sentence_embeddings.spearman([0.1], [1, 2])


def test_two_thousand_sentences_are_two_million_pairs():
    cost = sentence_embeddings.search_cost(2000, 0.01, 0.02)
    assert (cost.bi_passes, cost.cross_passes) == (2000, 1_999_000)
    assert cost.bi_seconds == pytest.approx(20) and cost.cross_seconds == pytest.approx(39_980)
    with pytest.raises(CourseError, match="two sentences"):
        sentence_embeddings.search_cost(1, 0.1, 0.1)


# The study


@pytest.mark.parametrize("name", study.CONFIGURATION.variants)
def test_every_variant_is_trained_and_asked(name, runner):
    variant = study.CONFIGURATION.variants[name]
    small = {
        field: getattr(SMALL, field)
        for field in ("hidden_size", "steps", "batch_size", "max_length", "documents", "probes", "held_out")
    }
    c = replace(study.CONFIGURATION, variants={name: replace(variant, **small)}, seeds=(1,))
    (run,) = study.record(c, runner)["variants"][name]
    assert set(run["probes"]) == set(study.RULES) and 0 <= run["mean"] <= 1
    assert (run["pairs"] is not None) == variant.reads_pairs
    assert run["tokens_read"] > 0


def test_a_variant_learns():
    short = replace(SMALL, steps=2, documents=60)
    losses = []
    for variant in (short, replace(short, steps=60, batch_size=8)):
        model, _ = study.train_variant(variant, 1)
        losses.append(study.masked_accuracy(model, variant))
    assert losses[1] > losses[0] + 0.02


def test_the_likeliest_filling_is_the_one_that_the_model_was_told():
    variant = replace(SMALL, objective="replaced tokens")
    number = {word: n for n, word in enumerate(vocabulary())}

    class Doubtful(torch.nn.Module):
        def forward(self, ids, mask):
            return (ids != number["his"]).float()  # everything else looks replaced

    probe = Probe("Adam has a dog.", "Adam feeds [MASK] dog.", "his", ("her",))
    assert study.share_right(Doubtful(), variant, [probe]) == 1.0
    other = Probe("Anna has a dog.", "Anna feeds [MASK] dog.", "her", ("his",))
    assert study.share_right(Doubtful(), variant, [probe, other]) == 0.5


def test_static_masks_of_a_batch_are_those_of_its_rows(stories):
    loss_of = study.Loss(replace(SMALL, masks="static"), stories, 1)
    rows = torch.tensor([3, 1])
    batch = study.PairBatch(stories[rows], *[torch.zeros(2, 40).long()] * 2, torch.zeros(2).long())
    first, second = loss_of.masked(batch, rows), loss_of.masked(batch, rows)
    assert torch.equal(first.input_ids, second.input_ids)
    assert torch.equal(first.targets, stories[rows].flatten()[first.positions])


def test_a_variant_that_is_not_known_is_refused():
    with pytest.raises(CourseError, match="no 'gap sentences'"):
        study.Variant("gap sentences")
