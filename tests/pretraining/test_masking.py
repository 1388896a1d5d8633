"""Masking: counts, shares, what is never touched, whole words, and a slow version of it all."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from tokenizers import Tokenizer
from torch import Tensor
from torch.overrides import TorchFunctionMode
from transformers import AutoTokenizer

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import BertForMaskedLanguageModel, masked_language_model_loss
from course_lib.data.weights import bundled_weights_folder
from course_lib.pretraining.masking import (
    MaskedBatch,
    MaskingStrategy,
    MaskingVocabulary,
    choose_tokens,
    mask_tokens,
    number_to_choose,
)
from course_lib.pretraining.whole_words import word_numbers

# A vocabulary small enough to see through: 5 special, 3 unused, 12 words, 10 continuations.
TOKENS = ["[PAD]", "[unused0]", "[unused1]", "[unused2]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENS += list("abcdefghijkl") + ["##" + letter for letter in "abcdefghij"]
SMALL = MaskingVocabulary.from_tokens(TOKENS)
PAD, UNK, CLS, SEP, MASK = (TOKENS.index(f"[{name}]") for name in ("PAD", "UNK", "CLS", "SEP", "MASK"))
WORDS = [TOKENS.index(letter) for letter in "abcdefghijkl"]
PIECES = [i for i, token in enumerate(TOKENS) if token.startswith("##")]
TABLE_8 = [
    (0.8, 0.1, 0.1),
    (1, 0, 0),
    (0.8, 0.2, 0),
    (0.8, 0, 0.2),
    (0, 0.8, 0.2),
    (0, 1, 0),
]  # mask, random, keep


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(bundled_weights_folder(verify=False) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@pytest.fixture(scope="module")
def vocabulary() -> MaskingVocabulary:
    return MaskingVocabulary.from_tokenizer(
        AutoTokenizer.from_pretrained(bundled_weights_folder(verify=False))
    )


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def padded(rows: list[list[int]]) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + [PAD] * (width - len(row)) for row in rows])


# Sequences as hypothesis draws them: [CLS], words with their pieces and a few [UNK], [SEP], maybe a second
# segment, padding.
word = st.tuples(st.sampled_from(WORDS), st.lists(st.sampled_from(PIECES), max_size=4)).map(
    lambda parts: [parts[0], *parts[1]]
)
text = st.lists(st.one_of(word, word, word, st.just([UNK])), max_size=14).map(
    lambda words: [*chain.from_iterable(words)]
)
sequence = st.tuples(text, st.none() | text).map(
    lambda parts: [CLS, *parts[0], SEP, *([*parts[1], SEP] if parts[1] is not None else [])]
)
batch = st.lists(sequence, min_size=1, max_size=5).map(padded)


def views(masked: MaskedBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Return what the model sees, the labels and where to predict, each (B, T)."""
    return masked.input_ids, masked.labels, masked.chosen


def long_batch(rows: int, length: int = 128, vocabulary: MaskingVocabulary = SMALL) -> Tensor:
    input_ids = vocabulary.random_ids[
        torch.randint(len(vocabulary.random_ids), (rows, length), generator=seeded(5))
    ]
    input_ids[:, 0], input_ids[:, length // 2], input_ids[:, -1] = CLS, SEP, SEP
    return input_ids


# How many


@pytest.mark.parametrize("limit", [20, None, 1, 77])
def test_the_count_for_every_length(limit):
    lengths = range(2, 513)
    found = number_to_choose(torch.tensor(lengths), MaskingStrategy(max_predictions=limit))
    assert found.tolist() == [min(limit or 512, max(1, round(0.15 * length))) for length in lengths]


@given(length=st.integers(0, 10_000), selection=st.floats(0.001, 1))
@settings(max_examples=200, deadline=None)
def test_the_count_rounds_as_python_does(length, selection):
    strategy = MaskingStrategy(selection=selection, max_predictions=None)
    assert number_to_choose(torch.tensor([length]), strategy).item() == max(1, round(length * selection))


@pytest.mark.parametrize("length", [10, 30, 50, 70, 90, 110, 130])
def test_exact_halves_round_to_the_even_number(length):
    assert 0.15 * length % 1 == pytest.approx(0.5)  # 1.5, 4.5, 7.5, ...
    found = number_to_choose(torch.tensor([length]), MaskingStrategy.of_paper())
    assert found.item() == min(20, round(0.15 * length))


@given(input_ids=batch, seed=st.integers(0, 999))
@settings(max_examples=100, deadline=None)
def test_each_sequence_gets_its_count_without_replacement(input_ids, seed):
    chosen = mask_tokens(input_ids, SMALL, MaskingStrategy.of_paper(), generator=seeded(seed)).chosen
    for row, found in zip(input_ids.tolist(), chosen.sum(dim=1).tolist(), strict=True):
        length = sum(token != PAD for token in row)
        candidates = sum(token not in (PAD, UNK, CLS, SEP, MASK) for token in row)
        assert found == min(20, max(1, round(0.15 * length)), candidates)


# What is touched, and what is not


@given(input_ids=batch, seed=st.integers(0, 999), whole=st.booleans(), shares=st.sampled_from(TABLE_8))
@settings(max_examples=150, deadline=None)
def test_only_chosen_words_change_and_labels_say_what_they_were(input_ids, seed, whole, shares):
    """Error 8: special tokens and padding are neither masked nor drawn."""
    mask, random, keep = shares
    strategy = MaskingStrategy(mask, random, keep, whole_words=whole, selection=0.5)
    before = input_ids.clone()
    masked, labels, chosen = views(mask_tokens(input_ids, SMALL, strategy, generator=seeded(seed)))
    assert torch.equal(input_ids, before), "the input was changed"
    assert masked.dtype == labels.dtype == torch.int64 and chosen.dtype == torch.bool
    assert not chosen[SMALL.is_special[input_ids]].any()
    assert torch.equal(masked[~chosen], input_ids[~chosen])
    assert torch.equal(labels[chosen], input_ids[chosen])
    assert labels[~chosen].eq(-100).all()
    allowed = {MASK, *WORDS, *PIECES}
    assert set(masked[chosen].tolist()) <= allowed


@given(input_ids=batch, seed=st.integers(0, 999), whole=st.booleans(), data=st.data())
@settings(max_examples=60, deadline=None)
def test_positions_that_must_never_be_chosen_are_not(input_ids, seed, whole, data):
    size = input_ids.numel()
    never = torch.tensor(data.draw(st.lists(st.booleans(), min_size=size, max_size=size))).view_as(input_ids)
    strategy = MaskingStrategy(selection=1, max_predictions=None, whole_words=whole)
    chosen = mask_tokens(input_ids, SMALL, strategy, generator=seeded(seed), never=never).chosen
    assert not (chosen & never).any()
    if whole:
        assert_words_are_whole(chosen, word_numbers(input_ids, SMALL))
    else:  # everything else is chosen when all is asked for
        assert torch.equal(chosen, ~never & ~SMALL.is_special[input_ids])


def test_random_words_come_from_the_whole_vocabulary_without_special_and_unused_ones(vocabulary):
    names = [
        token.strip() for token in (bundled_weights_folder(verify=False) / "vocab.txt").open(encoding="utf-8")
    ]
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    wanted = [i for i, name in enumerate(names) if name not in special and not name.startswith("[unused")]
    assert vocabulary.random_ids.tolist() == wanted
    assert {names[i] for i in vocabulary.is_special.nonzero()} == special
    assert len(wanted) == 30522 - 5 - 994


def test_every_word_of_the_vocabulary_is_drawn_equally_often():
    strategy = MaskingStrategy(0, 1, 0, selection=1, max_predictions=None)
    masked, _, chosen = views(mask_tokens(long_batch(500), SMALL, strategy, generator=seeded(3)))
    counts = torch.bincount(masked[chosen], minlength=len(TOKENS))
    assert counts[~torch.isin(torch.arange(len(TOKENS)), SMALL.random_ids)].eq(0).all()
    assert chisquare(counts[SMALL.random_ids].numpy()).pvalue > 0.001


def test_every_position_is_chosen_equally_often():
    input_ids = long_batch(6000, 64)
    counts = mask_tokens(input_ids, SMALL, generator=seeded(4)).chosen.sum(dim=0)
    assert counts[[0, 32, 63]].eq(0).all()
    counts = counts[counts > 0].numpy()
    assert len(counts) == 61 and counts.sum() == 6000 * 10
    assert chisquare(counts).pvalue > 0.001


def test_pairs_of_positions_are_chosen_independently_of_their_distance():
    """A draw without replacement: neighbours are chosen together as often as any other two."""
    chosen = mask_tokens(long_batch(6000, 64), SMALL, generator=seeded(6)).chosen.double()[:, 1:32]
    together = (chosen.T @ chosen).fill_diagonal_(0)
    wanted = 6000 * 10 / 61 * 9 / 60
    for distance in (1, 2, 15):
        assert together.diagonal(distance).mean().item() == pytest.approx(wanted, rel=0.05)


# The shares


@pytest.mark.parametrize("shares", TABLE_8, ids=str)
def test_the_shares_of_table_8(shares, vocabulary):
    input_ids = long_batch(1500, 128, vocabulary)
    input_ids[:, 0], input_ids[:, 64], input_ids[:, -1] = 101, 102, 102
    masked, labels, chosen = views(
        mask_tokens(input_ids, vocabulary, MaskingStrategy(*shares), generator=seeded(7))
    )
    after, original = masked[chosen], labels[chosen]
    n, same = len(after), 1 / len(vocabulary.random_ids)  # a random word can be the same word
    assert n == 1500 * 19
    mask, random, keep = shares
    counts = [after.eq(103).sum(), (after.ne(103) & after.ne(original)).sum(), after.eq(original).sum()]
    for count, share in zip(counts, (mask, random * (1 - same), keep + random * same), strict=True):
        assert abs(int(count) - n * share) <= 4.5 * math.sqrt(n * share * (1 - share))


@pytest.mark.parametrize(
    "shares",
    [
        (0.8, 0.1, 0.2),
        (0.8, 0.1, 0),
        (1.1, -0.1, 0),
        (0, 0, 0),
        (-1, 1, 1),
        (math.nan, 0.5, 0.5),
        (80, 10, 10),
    ],
)
def test_shares_that_do_not_add_up_are_refused(shares):
    with pytest.raises(ValueError, match="add up to 1"):
        MaskingStrategy(*shares)


@pytest.mark.parametrize("selection", [0, -0.1, 1.01, math.nan])
def test_a_selection_that_is_no_share_is_refused(selection):
    with pytest.raises(ValueError, match="it is a share"):
        MaskingStrategy(selection=selection)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit):
    with pytest.raises(ValueError, match="at least 1, or None"):
        MaskingStrategy(max_predictions=limit)


@pytest.mark.parametrize("missing", ["[MASK]", "[PAD]"])
def test_a_vocabulary_without_mask_or_padding_is_refused(missing):
    with pytest.raises(ValueError, match=rf"has no \[{missing[1:-1]}\]"):
        MaskingVocabulary.from_tokens([token for token in TOKENS if token != missing])


@pytest.mark.parametrize(("s", "limit"), [(MaskingStrategy(), None), (MaskingStrategy.of_paper(), 20)])
def test_the_shares_are_those_of_the_paper_and_its_limit_is_asked_for(s, limit):
    """The limit is a flag of the authors' code that goes with 128 tokens; a run at 512 would lose by it."""
    assert (s.mask, s.random, s.keep, s.selection, s.max_predictions) == (0.8, 0.1, 0.1, 0.15, limit)


# Randomness


@given(seed=st.integers(0, 2**30), whole=st.booleans())
@settings(max_examples=15, deadline=None)
def test_a_seed_decides_and_another_one_differs(seed, whole):
    """Error 7: each call draws anew, unless the same seed is given."""
    input_ids, strategy = long_batch(8), MaskingStrategy(whole_words=whole)
    first, again = (mask_tokens(input_ids, SMALL, strategy, generator=seeded(seed)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    generator = seeded(seed)
    draws = [mask_tokens(input_ids, SMALL, strategy, generator=generator).chosen for _ in range(3)]
    other = mask_tokens(input_ids, SMALL, strategy, generator=seeded(seed + 1)).chosen
    assert torch.equal(draws[0], first.chosen)
    assert not torch.equal(draws[0], draws[1]) and not torch.equal(draws[1], draws[2])
    assert not torch.equal(other, first.chosen)


def test_without_a_generator_the_global_seed_decides():
    input_ids = long_batch(4)
    torch.manual_seed(1)
    first = mask_tokens(input_ids, SMALL)
    torch.manual_seed(1)
    assert torch.equal(mask_tokens(input_ids, SMALL).input_ids, first.input_ids)
    assert not torch.equal(mask_tokens(input_ids, SMALL).chosen, first.chosen)


# Whole words


def assert_words_are_whole(chosen: Tensor, words: Tensor) -> None:
    for row_chosen, row_words in zip(chosen, words, strict=True):
        for number in set(row_words[row_words >= 0].tolist()):
            pieces = row_chosen[row_words == number]
            assert pieces.all() or not pieces.any(), f"word {number} is torn"


@given(input_ids=batch, seed=st.integers(0, 999), selection=st.floats(0.05, 1), limit=st.integers(1, 20))
@settings(max_examples=150, deadline=None)
def test_pieces_of_a_word_go_together_and_never_over_the_budget(input_ids, seed, selection, limit):
    strategy = MaskingStrategy(selection=selection, max_predictions=limit, whole_words=True)
    chosen = mask_tokens(input_ids, SMALL, strategy, generator=seeded(seed)).chosen
    words = word_numbers(input_ids, SMALL)
    assert_words_are_whole(chosen, words)
    budgets = number_to_choose((input_ids != PAD).sum(dim=1), strategy)
    for row_chosen, row_words, budget in zip(chosen, words, budgets.tolist(), strict=True):
        left = min(budget, int((row_words >= 0).sum())) - int(row_chosen.sum())
        assert left >= 0
        untouched = row_words[~row_chosen & (row_words >= 0)].tolist()
        lengths = [untouched.count(number) for number in set(untouched)]
        assert all(length > left for length in lengths), "a word that still fits was passed over"


def test_a_word_that_overflows_is_skipped_and_a_later_one_taken():
    """As the original: skipped, not cut, and the search goes on."""
    a, b, c = WORDS[:3]
    piece = PIECES[0]
    input_ids = torch.tensor(
        [[CLS, a, piece, piece, piece, b, c, SEP]]
    )  # 8 tokens: a count of round(2.4) = 2
    strategy = MaskingStrategy(selection=0.3, whole_words=True)
    for seed in range(40):
        chosen = mask_tokens(input_ids, SMALL, strategy, generator=seeded(seed)).chosen[0]
        assert chosen.tolist() == [False] * 5 + [True, True, False]


def test_a_sequence_whose_words_are_all_too_long_has_no_masked_token():
    input_ids = torch.tensor([[CLS, WORDS[0], PIECES[0], PIECES[1], SEP]])
    assert not mask_tokens(input_ids, SMALL, MaskingStrategy(whole_words=True)).chosen.any()


@given(words=st.lists(word, min_size=1, max_size=12))
@settings(deadline=None)
def test_words_are_numbered_from_zero_and_special_tokens_stand_outside(words):
    input_ids = torch.tensor([[CLS, *chain.from_iterable(words), SEP, PAD]])
    wanted = [-1] + [number for number, pieces in enumerate(words) for _ in pieces] + [-1, -1]
    assert word_numbers(input_ids, SMALL).tolist() == [wanted]


def test_a_piece_after_a_special_token_does_not_join_a_word_before_it():
    input_ids = torch.tensor([[CLS, WORDS[0], SEP, PIECES[0], PIECES[1], UNK, PIECES[2], SEP]])
    assert word_numbers(input_ids, SMALL).tolist() == [[-1, 0, -1, 1, 1, -1, 2, -1]]


def test_words_of_real_text(tokenizer, vocabulary):
    """Error 10: an unspaced Chinese sentence is many words; punctuation is no part of a word."""
    encoding = tokenizer.encode("Unbelievably, embeddings are semi-linear! 我爱北京天安门。 naïve")
    numbers = word_numbers(torch.tensor([encoding.ids]), vocabulary)[0].tolist()
    words: dict[int, str] = {}
    for token, number in zip(encoding.tokens, numbers, strict=True):
        words[number] = words.get(number, "") + token.removeprefix("##")
    outside = words.pop(-1)
    assert (
        outside.replace("[UNK]", "") == "[CLS][SEP]"
    )  # characters that the vocabulary lacks are outside too
    wanted = ["unbelievably", ",", "embeddings", "are", "semi", "-", "linear", "!"]
    found = list(words.values())
    assert found[:8] == wanted and found[-2:] == ["。", "naive"]
    chinese = found[8:-2]
    assert len(chinese) + outside.count("[UNK]") == 7 and all(len(character) == 1 for character in chinese)
    assert len(chinese) >= 4


def test_whole_words_of_unspaced_chinese_are_masked_by_the_character(tokenizer, vocabulary):
    """Error 10: with one word for the sentence, nothing could be masked, or everything would be."""
    input_ids = torch.tensor([tokenizer.encode("上海大学和中国人民大学西安日本東京山水花木火土金" * 2).ids])
    counts = set()
    for seed in range(20):
        chosen = mask_tokens(
            input_ids, vocabulary, MaskingStrategy(whole_words=True), generator=seeded(seed)
        ).chosen
        counts.add(int(chosen.sum()))
    assert counts == {round(0.15 * input_ids.shape[1])}


def test_words_of_a_segmenter_are_respected(tokenizer, vocabulary):
    encoding = tokenizer.encode("北京大学和中国")
    assert len(encoding.ids) == 9 and "[UNK]" not in encoding.tokens
    words = torch.tensor([[-1, 700, 700, 9, 9, 3, 50_000, 50_000, -1]])  # numbers of any size and order
    strategy = MaskingStrategy(selection=0.5, whole_words=True)  # a count of round(4.5) = 4
    seen = set()
    for seed in range(60):
        chosen = mask_tokens(
            torch.tensor([encoding.ids]), vocabulary, strategy, generator=seeded(seed), words=words
        ).chosen
        assert_words_are_whole(chosen, words)
        assert not chosen[0, [0, 8]].any()
        seen.add(tuple(chosen[0].nonzero().squeeze(1).tolist()))
    # two words of two, or one of two and the one of one, which then leaves no room for another of two
    assert seen == {(1, 2, 3, 4), (1, 2, 6, 7), (3, 4, 6, 7), (1, 2, 5), (3, 4, 5), (5, 6, 7)}


def test_negative_numbers_stand_outside_words_however_they_are_numbered():
    input_ids = torch.tensor([[CLS, *WORDS[:6], SEP]])
    words = torch.tensor([[-1, -5, -5, -2, 4, 4, -1, -1]])
    strategy = MaskingStrategy(selection=1, max_predictions=None, whole_words=True)
    chosen = mask_tokens(input_ids, SMALL, strategy, words=words).chosen
    assert chosen.tolist() == [[False] * 4 + [True] * 2 + [False] * 2]


def test_words_that_are_not_contiguous_go_together():
    input_ids = torch.tensor([[CLS, *WORDS[:4], SEP]])
    words = torch.tensor([[-1, 0, 1, 0, 1, -1]])
    for seed in range(20):
        chosen = mask_tokens(
            input_ids,
            SMALL,
            MaskingStrategy(selection=0.34, whole_words=True),
            generator=seeded(seed),
            words=words,
        ).chosen
        assert chosen.sum() == 2
        assert_words_are_whole(chosen, words)


def test_whole_words_draw_the_fate_of_each_piece():
    """BERT_FACTS: 80/10/10 is drawn by piece, also in whole-word masking."""
    input_ids = torch.tensor([[CLS, WORDS[0], PIECES[0], PIECES[1], SEP]] * 3000)
    strategy = MaskingStrategy(selection=1, whole_words=True)
    masked, _, chosen = views(mask_tokens(input_ids, SMALL, strategy, generator=seeded(2)))
    assert chosen.sum() == 9000
    all_three = masked[:, 1:4].eq(MASK).all(dim=1).double().mean().item()
    assert all_three == pytest.approx(0.8**3, abs=4.5 * math.sqrt(0.512 * 0.488 / 3000))


# Against a slow version


def slow_masking(
    input_ids: Tensor, strategy: MaskingStrategy, generator: torch.Generator, words: list[list[int]]
) -> tuple[list, list]:
    """The original's loop, one sequence and one word at a time, with the same random numbers."""
    ranks = torch.rand(input_ids.shape, generator=generator).tolist()
    random_words = [i for i, t in enumerate(TOKENS) if not t.startswith("[")]
    outputs, all_labels = [], []
    for r, row in enumerate(input_ids.tolist()):
        length = len([token for token in row if token != PAD])
        budget = max(1, round(strategy.selection * length))
        if strategy.max_predictions is not None:
            budget = min(strategy.max_predictions, budget)
        candidates: dict[object, list[int]] = {}
        for i, token in enumerate(row):
            if TOKENS[token] in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"):
                continue
            name = words[r][i] if strategy.whole_words else i
            candidates.setdefault(name, []).append(i)
        chosen: list[int] = []
        # a random order: that of the ranks of the words' first pieces
        for positions in sorted(candidates.values(), key=lambda positions: ranks[r][positions[0]]):
            if len(chosen) >= budget:
                break
            if len(chosen) + len(positions) > budget:
                continue
            chosen += positions
        outputs.append(list(row))
        all_labels.append([row[i] if i in chosen else -100 for i in range(len(row))])
    places = [(r, i) for r, row in enumerate(all_labels) for i, label in enumerate(row) if label != -100]
    draws = torch.rand(len(places), generator=generator)
    picks = torch.randint(len(random_words), (len(places),), generator=generator).tolist()
    for (r, i), draw, pick in zip(places, draws, picks, strict=True):
        if draw < strategy.mask:
            outputs[r][i] = MASK
        elif draw < strategy.mask + strategy.random:
            outputs[r][i] = random_words[pick]
    return outputs, all_labels


@given(
    input_ids=batch,
    seed=st.integers(0, 99_999),
    whole=st.booleans(),
    shares=st.sampled_from(TABLE_8),
    selection=st.sampled_from([0.15, 0.4, 1.0]),
    limit=st.sampled_from([None, 2, 20]),
)
@settings(max_examples=250, deadline=None)
def test_a_batch_equals_the_slow_loop_over_sequences(input_ids, seed, whole, shares, selection, limit):
    strategy = MaskingStrategy(*shares, selection=selection, max_predictions=limit, whole_words=whole)
    words = []
    for row in input_ids.tolist():  # numbered the slow way
        number, numbers = -1, []
        for i, token in enumerate(row):
            before_is_special = i == 0 or TOKENS[row[i - 1]].startswith("[")
            number += before_is_special or not TOKENS[token].startswith("##")
            numbers.append(number)
        words.append(numbers)
    masked, labels, chosen = views(mask_tokens(input_ids, SMALL, strategy, generator=seeded(seed)))
    slow_masked, slow_labels = slow_masking(input_ids, strategy, seeded(seed), words)
    assert labels.tolist() == slow_labels
    assert masked.tolist() == slow_masked
    assert torch.equal(chosen, labels != -100)


# Corners


@pytest.mark.parametrize("whole", [False, True])
def test_special_tokens_alone_give_no_mask_and_no_nan(whole):
    """Error 9."""
    input_ids = torch.tensor([[CLS, SEP, PAD], [CLS, UNK, SEP], [PAD, PAD, PAD]])
    batch = mask_tokens(input_ids, SMALL, MaskingStrategy(whole_words=whole))
    masked, labels, chosen = views(batch)
    assert torch.equal(masked, input_ids) and labels.eq(-100).all() and not chosen.any()
    model = BertForMaskedLanguageModel(
        BertEncoder(
            BertConfiguration(
                vocab_size=len(TOKENS),
                hidden_size=8,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=8,
                max_position_embeddings=4,
            )
        )
    )
    loss = masked_language_model_loss(model(masked, positions=batch.positions), batch.targets)
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is None or p.grad.eq(0).all() for p in model.parameters())


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("shape", [(0, 7), (3, 0), (0, 0)])
def test_an_empty_batch_stays_empty(shape, whole):
    masked, labels, chosen = views(
        mask_tokens(torch.zeros(shape, dtype=torch.long), SMALL, MaskingStrategy(whole_words=whole))
    )
    assert masked.shape == labels.shape == chosen.shape == shape


class RecordDraws(TorchFunctionMode):
    """Note on which device each random draw is asked for."""

    def __init__(self):
        super().__init__()
        self.devices = []

    def __torch_function__(self, function, types, arguments=(), named=None):
        named = named or {}
        if getattr(function, "__name__", "") in ("rand", "randint", "randperm", "randn"):
            self.devices.append(named.get("device"))
        return function(*arguments, **named)


@pytest.mark.parametrize("whole", [False, True])
def test_every_random_draw_is_made_where_the_batch_lies(whole):
    """The generator of a GPU refuses to draw on the CPU: each draw must name the device of the batch."""
    input_ids = long_batch(2)
    with RecordDraws() as record:
        mask_tokens(input_ids, SMALL, MaskingStrategy(whole_words=whole))
    assert len(record.devices) == 3 and set(record.devices) == {input_ids.device}


def test_the_order_of_the_rows_is_kept():
    input_ids = long_batch(6)
    masked = mask_tokens(input_ids, SMALL, generator=seeded(0))
    labels = masked.labels
    assert np.array_equal(labels[labels != -100].numpy(), input_ids[labels != -100].numpy())
    assert (labels != -100).sum(dim=1).tolist() == [19] * 6
    assert masked.positions.tolist() == sorted(masked.positions.tolist())
    assert torch.equal(masked.targets, input_ids.flatten()[masked.positions])


@pytest.mark.parametrize("size", [1, 4, 7, 9])
def test_rows_of_a_batch_are_a_batch(size):
    masked = mask_tokens(long_batch(7), SMALL, generator=seeded(0))
    parts = [masked.rows(first, first + size) for first in range(0, 7, size)]
    for whole, pieces in zip(views(masked), zip(*map(views, parts), strict=True), strict=True):
        assert torch.equal(torch.cat(pieces), whole)
    assert torch.equal(torch.cat([part.targets for part in parts]), masked.targets)


def test_equal_scores_do_not_choose_more_than_asked_for():
    """Two random numbers of 24 bits can be the same; all tokens of that score would be chosen with the last."""
    scores, counts = torch.tensor([[0.5, 0.25, 0.5, 0.5, 0.75]] * 4), torch.tensor([0, 1, 2, 4])
    chosen = choose_tokens(scores, counts)
    assert chosen.sum(dim=1).tolist() == counts.tolist()
    assert chosen[2].tolist() == [True, True, False, False, False]


def test_a_row_that_begins_with_a_continuation_begins_with_a_word():
    input_ids = torch.tensor([[PIECES[0], PIECES[1], WORDS[0], SEP]])
    assert word_numbers(input_ids, SMALL).tolist() == [[0, 0, 1, -1]]


def test_special_tokens_of_a_tokenizer_s_own_are_special():
    tokenizer = AutoTokenizer.from_pretrained(bundled_weights_folder(verify=False))
    tokenizer.add_special_tokens({"additional_special_tokens": ["[ENTITY]"]})
    own = tokenizer.convert_tokens_to_ids("[ENTITY]")
    vocabulary = MaskingVocabulary.from_tokenizer(tokenizer)
    assert vocabulary.is_special[own] and own not in vocabulary.random_ids
