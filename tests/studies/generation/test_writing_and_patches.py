"""Gibbs sampling, the mirror language, prices, and pictures as tokens."""

import numpy as np
import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import BertForMaskedLanguageModel
from course_lib.data.small_world import small_world_tokenizer
from course_lib.errors import CourseError
from course_lib.studies.generation import patches, prices
from course_lib.studies.generation.gibbs import forbidden_ids, gibbs_sample, mismatch, pseudo_log_likelihood
from course_lib.studies.generation.mirror import (
    IGNORED,
    TranslatorTraining,
    mirror,
    mirror_pairs,
    mirror_tokenizer,
    train_translator,
)

TOKENIZER = small_world_tokenizer()


@pytest.fixture(scope="module")
def model():
    """A masked-word model with random weights over the small language."""
    torch.manual_seed(0)
    configuration = BertConfiguration(
        vocab_size=TOKENIZER.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    return BertForMaskedLanguageModel(BertEncoder(configuration, with_pooler=False)).eval()


# Gibbs sampling -----------------------------------------------------------------------------------


def test_no_special_token_is_left_or_drawn(model):
    with torch.no_grad():  # a head that likes [MASK] best
        bias = next(
            p for name, p in model.head.named_parameters() if p.shape == (TOKENIZER.get_vocab_size(),)
        )
        bias[forbidden_ids(TOKENIZER)] += 50
        ids = [TOKENIZER.token_to_id(word) for word in ("anna", "cat")]
        texts = gibbs_sample(model, TOKENIZER, length=8, sweeps=3, seed=1)
        bias[forbidden_ids(TOKENIZER)] -= 50
    assert len(texts) == 3 and None not in ids
    for text in texts:
        assert len(TOKENIZER.encode(text, add_special_tokens=False).ids) == 8
        assert "[" not in text


def test_a_prefix_stays_and_a_seed_decides(model):
    texts = [gibbs_sample(model, TOKENIZER, length=4, sweeps=2, seed=s, prefix="Anna is") for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert all(text.startswith("anna is ") for text in texts[0])


@pytest.mark.parametrize("wrong", [{"length": 0}, {"sweeps": 0}, {"temperature": 0.0}, {"length": 31}])
def test_what_cannot_be_sampled_is_refused(model, wrong):
    with pytest.raises(CourseError):
        gibbs_sample(model, TOKENIZER, **{"length": 4, "sweeps": 1, "seed": 1} | wrong)


def test_the_pseudo_likelihood_masks_one_piece_at_a_time(model):
    ids = TOKENIZER.encode("Anna has a cat").ids
    expected = []
    for place in range(1, len(ids) - 1):
        row = torch.tensor([ids])
        row[0, place] = TOKENIZER.token_to_id("[MASK]")
        with torch.no_grad():
            scores = model.score_words(model.encoder(row).last_hidden_state)[0, place]
        expected.append(float(scores.log_softmax(dim=-1)[ids[place]]))
    assert pseudo_log_likelihood(model, TOKENIZER, "Anna has a cat") == pytest.approx(
        np.mean(expected), abs=1e-5
    )
    with pytest.raises(CourseError, match="text is empty"):
        pseudo_log_likelihood(model, TOKENIZER, " ")


def test_the_mismatch_is_two_shares(model):
    found = mismatch(model, TOKENIZER, ["Anna has a cat.", "Ben is a cook."])
    assert set(found) == {"masked", "there"} and all(0 <= share <= 1 for share in found.values())


# The mirror language ------------------------------------------------------------------------------


def test_a_mirror_in_a_mirror_shows_the_sentence():
    assert mirror("Anna has a cat.") == "tac a sah anna."
    for sentence, translation in mirror_pairs(50, seed=2):
        assert mirror(translation) == sentence.lower().replace(",", "")


def test_pairs_are_different_and_known_to_the_tokenizer():
    pairs, tokenizer = mirror_pairs(200, seed=2), mirror_tokenizer()
    assert len(set(pairs)) == 200
    assert not any("[UNK]" in tokenizer.encode(text).tokens for pair in pairs for text in pair)


def test_a_translator_learns_and_padding_is_no_label():
    training = TranslatorTraining(hidden_size=32, blocks=1, updates=25, batch_size=16)
    pairs = mirror_pairs(60, seed=1)
    translator, losses = train_translator(pairs, seed=1, training=training)
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    batch = translator.batch([("Anna has a cat.", "tac a sah anna."), ("Ben.", "neb.")])
    assert batch["labels"][1].tolist().count(IGNORED) == 3
    assert len(translator.translate([pairs[0][0], "Anna has a cat."])) == 2
    with pytest.raises(CourseError, match="isn't of the small language"):
        translator.translate(["Anna has a submarine."])


# Prices -------------------------------------------------------------------------------------------


def test_prices_by_hand():
    a = prices.Assumptions(
        request_tokens=100, prompt_tokens=400, completion_tokens=20, input_price=2, output_price=10
    )
    prompts = prices.price_of_prompts("a language model", a)
    assert (
        prompts.running == 500 * 2 + 20 * 10
    )  # 500 million tokens read at 2 dollars a million, 20 million written
    encoder = prices.Price("an encoder", running=200.0, beforehand=500.0)
    assert prices.break_even(encoder, prompts) == 500_000
    assert prices.break_even(prices.Price("dear", 5000, 0), prompts) is None


def test_an_encoders_price_follows_its_operations():
    a = prices.Assumptions()
    small, large = (
        prices.price_of_encoder("", BertConfiguration(num_hidden_layers=layers), a).running
        for layers in (6, 12)
    )
    assert large == pytest.approx(2 * small, rel=0.02)
    seconds = prices.encoder_seconds(BertConfiguration(), a)
    assert prices.price_of_encoder("", BertConfiguration(), a).running == pytest.approx(
        seconds * 1e6 / 3600 * a.machine_price / a.busy_share
    )


@pytest.mark.parametrize(
    "wrong", [{"utilization": 0}, {"busy_share": 2}, {"input_price": -1}, {"machine_price": "1"}]
)
def test_assumptions_that_make_no_sense_are_refused(wrong):
    with pytest.raises(CourseError):
        prices.Assumptions(**wrong)


def test_the_square_takes_over_as_texts_grow():
    shares = prices.attention_shares(BertConfiguration(), [128, 512, 4608, 8192])
    assert shares == sorted(shares) and shares[2] == pytest.approx(0.5)


# Pictures -----------------------------------------------------------------------------------------


def test_patches_put_together_are_the_picture():
    image, _ = patches.pictures(1, seed=1)
    rows = patches.patches_of(image)[0].reshape(4, 4, 6, 6)
    assert (np.block([list(row) for row in rows]) == image[0]).all()
    with pytest.raises(CourseError, match="can't be cut"):
        patches.patches_of(image, 7)


def test_the_encoder_reads_cls_and_the_patches_and_learns():
    model, losses = patches.train_on_pictures(seed=1, number=256, updates=100)
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    images, labels = patches.pictures(5, seed=2)
    cut = torch.from_numpy(patches.patches_of(images))
    assert model.tokens(cut).shape == (5, 17, 48) and model.attention(cut).shape == (5, 16)
    assert 0 <= patches.accuracy(model, images, labels) <= 1
    assert model(cut[:, torch.randperm(16)]).allclose(model(cut)) is False  # positions tell patches apart
