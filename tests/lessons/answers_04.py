"""Stubs, right answers and usual wrong answers of lesson 04; each wrong answer comes with a part of its own message."""

import math

import torch


def how_many(length):
    """Return how many tokens BERT chooses in a sequence of that length, special tokens counted."""
    ...


def corrupt(input_ids, chosen, mask_id, random_ids, generator):
    """Return the corrupted ids.

    input_ids: (B, T) int64; chosen: (B, T) bool; random_ids: (R,) int64, words that may be drawn.
    """
    ...


def masked_loss(scores, labels):
    """Return the mean cross-entropy where labels are not -100, and 0 where there is none."""
    ...


def group_pieces(tokens):
    """Return the positions of each word's pieces, such as [[1], [2, 3, 4]]; special tokens are left out."""
    ...


STUBS = {"4.1": how_many, "4.2": corrupt, "4.3": masked_loss, "4.4": group_pieces}

# 4.1 ----------------------------------------------------------------------------------------------


def without_minimum(length):
    return min(20, round(0.15 * length))


def without_cap(length):
    return max(1, round(0.15 * length))


def cut_off(length):
    return min(20, max(1, int(0.15 * length)))


def rounded_up(length):
    return min(20, max(1, math.ceil(0.15 * length)))


def as_float(length):
    return float(min(20, max(1, round(0.15 * length))))


# 4.2 ----------------------------------------------------------------------------------------------


def words_for(input_ids, random_ids, generator):
    return random_ids[torch.randint(len(random_ids), input_ids.shape, generator=generator)]


def mask_all(input_ids, chosen, mask_id, random_ids, generator):
    return torch.where(chosen, mask_id, input_ids)


def in_place(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    input_ids[chosen & (draw < 0.8)] = mask_id
    return input_ids


def everywhere(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    return torch.where(draw < 0.8, mask_id, input_ids)


def a_tenth_of_the_rest(input_ids, chosen, mask_id, random_ids, generator):
    masked = chosen & (torch.rand(input_ids.shape, generator=generator) < 0.8)
    swapped = chosen & ~masked & (torch.rand(input_ids.shape, generator=generator) < 0.1)
    out = torch.where(masked, mask_id, input_ids)
    return torch.where(swapped, words_for(input_ids, random_ids, generator), out)


def never_random(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    return torch.where(chosen & (draw < 0.8), mask_id, input_ids)


def eighty_ten_ten(input_ids, chosen, mask_id, words, draw):
    corrupted = torch.where(chosen & (draw < 0.8), mask_id, input_ids)
    return torch.where(chosen & (draw >= 0.8) & (draw < 0.9), words, corrupted)


def any_word(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    words = torch.randint(30522, input_ids.shape, generator=generator)
    return eighty_ten_ten(input_ids, chosen, mask_id, words, draw)


def one_word(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    word = random_ids[torch.randint(len(random_ids), (1,), generator=generator)]
    return eighty_ten_ten(input_ids, chosen, mask_id, word, draw)


def unseeded(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape)
    words = random_ids[torch.randint(len(random_ids), input_ids.shape)]
    return eighty_ten_ten(input_ids, chosen, mask_id, words, draw)


# 4.3 ----------------------------------------------------------------------------------------------


def over_all_slots(scores, labels):
    loss = torch.nn.functional.cross_entropy(
        scores.flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="none"
    )
    return loss.mean()


def summed(scores, labels):
    return torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), reduction="sum")


def every_position(scores, labels):
    return torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten().clamp(min=0))


def nan_where_empty(scores, labels):
    return torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten())


# 4.4 ----------------------------------------------------------------------------------------------


def pieces_alone(tokens):
    return [[i] for i, token in enumerate(tokens) if token not in ("[CLS]", "[SEP]", "[PAD]")]


def with_special_tokens(tokens):
    words = []
    for i, token in enumerate(tokens):
        if token.startswith("##"):
            words[-1].append(i)
        else:
            words.append([i])
    return words


def flat_positions(tokens):
    return [i for i, token in enumerate(tokens) if token not in ("[CLS]", "[SEP]", "[PAD]")]


def with_punctuation(tokens):
    words = []
    for i, token in enumerate(tokens):
        if token in ("[CLS]", "[SEP]", "[PAD]"):
            continue
        if words and (token.startswith("##") or not token.isalnum()):
            words[-1].append(i)
        else:
            words.append([i])
    return words


def chinese_in_one(tokens):
    words = []
    for i, token in enumerate(tokens):
        if token in ("[CLS]", "[SEP]", "[PAD]"):
            continue
        if words and (token.startswith("##") or not token.isascii()):
            words[-1].append(i)
        else:
            words.append([i])
    return words


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "4.1": [
        (without_minimum, "choose at least 1"),
        (without_cap, "cap the count"),
        (cut_off, "cut the decimals off"),
        (rounded_up, "rounds up always"),
        (as_float, "a count is an int"),
    ],
    "4.2": [
        (mask_all, "every chosen token becomes [MASK]"),
        (in_place, "you change input_ids itself"),
        (everywhere, "tokens that were not chosen"),
        (a_tenth_of_the_rest, "10% of the 20% that are left"),
        (never_random, "the shares are"),
        (any_word, "not in random_ids"),
        (one_word, "the same random word"),
        (unseeded, "two runs with the same generator differ"),
    ],
    "4.3": [
        (over_all_slots, "divided by all 40"),
        (summed, "a sum; take the mean"),
        (every_position, "counts every position"),
        (nan_where_empty, "gives NaN"),
    ],
    "4.4": [
        (pieces_alone, "stands alone"),
        (with_special_tokens, "a special token is in a word"),
        (flat_positions, "a list of lists"),
        (with_punctuation, "punctuation was joined"),
        (chinese_in_one, "came out as one word"),
    ],
}
