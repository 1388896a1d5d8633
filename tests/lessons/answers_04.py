"""Stubs, right answers and usual wrong answers of lesson 04; each wrong answer comes with a part of its own message."""

import math
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy
import torch
from torch.nn import functional


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


def halves_up(length):
    exact = Decimal(15) * length / 100
    return min(20, max(1, int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))))


def without_frame(length):
    return min(20, max(1, round(0.15 * (length - 2))))


def limits_swapped(length):
    return max(20, min(1, round(0.15 * length)))


def as_text(length):
    return str(min(20, max(1, round(0.15 * length))))


def not_rounded(length):
    return min(20, max(1, 0.15 * length))


def limit_too_low(length):
    return min(19, max(1, round(0.15 * length)))


def share_of_ten(length):
    return min(20, max(1, round(0.1 * length)))


def how_many_step_by_step(length):
    count = round(length * 15 / 100)
    if count < 1:
        return 1
    if count > 20:
        return 20
    return count


def how_many_numpy(length):
    return numpy.clip(numpy.round(0.15 * length), 1, 20).astype(numpy.int64)


def how_many_torch(length):
    return (torch.tensor(length, dtype=torch.float64) * 0.15).round().clamp(1, 20).long()


def how_many_fraction(length):
    return sorted((1, round(Fraction(15, 100) * length), 20))[1]


def how_many_decimal(length):
    return int(min(Decimal(20), max(Decimal(1), round(Decimal("0.15") * length, 0))))


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


def fates(input_ids, chosen, mask_id, random_ids, generator, draw):
    return eighty_ten_ten(input_ids, chosen, mask_id, words_for(input_ids, random_ids, generator), draw)


def overwritten(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    out = torch.where(chosen & (draw < 0.8), mask_id, input_ids)
    return torch.where(chosen & (draw < 0.9), words_for(input_ids, random_ids, generator), out)


def two_draws(input_ids, chosen, mask_id, random_ids, generator):
    out = torch.where(chosen & (torch.rand(input_ids.shape, generator=generator) < 0.8), mask_id, input_ids)
    swapped = chosen & (torch.rand(input_ids.shape, generator=generator) < 0.1)
    return torch.where(swapped, words_for(input_ids, random_ids, generator), out)


def never_kept(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    out = torch.where(chosen, words_for(input_ids, random_ids, generator), input_ids)
    return torch.where(chosen & (draw < 0.8), mask_id, out)


def half_and_half(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator) * 0.4 + 0.6
    return fates(input_ids, chosen, mask_id, random_ids, generator, draw)


def own_seed(input_ids, chosen, mask_id, random_ids, generator):
    generator = torch.Generator().manual_seed(0)
    draw = torch.rand(input_ids.shape, generator=generator)
    return fates(input_ids, chosen, mask_id, random_ids, generator, draw)


def from_its_seed(input_ids, chosen, mask_id, random_ids, generator):
    return corrupt_numpy(
        input_ids, chosen, mask_id, random_ids, numpy.random.default_rng(generator.initial_seed())
    )


def corrupt_numpy(input_ids, chosen, mask_id, random_ids, generator):
    if isinstance(generator, torch.Generator):
        seed = torch.randint(2**31, (1,), generator=generator).item()
        generator = numpy.random.default_rng(seed)
    ids, chosen = input_ids.numpy().copy(), chosen.numpy()
    draw = generator.random(ids.shape)
    words = generator.choice(random_ids.numpy(), ids.shape)
    ids[chosen & (draw < 0.8)] = mask_id
    swapped = chosen & (draw >= 0.8) & (draw < 0.9)
    ids[swapped] = words[swapped]
    return torch.from_numpy(ids)


def fixed_mask_id(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    return fates(input_ids, chosen, 103, random_ids, generator, draw)


def from_lowest_to_highest(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    low, high = int(random_ids.min()), int(random_ids.max())
    words = torch.randint(low, high + 1, input_ids.shape, generator=generator)
    return eighty_ten_ten(input_ids, chosen, mask_id, words, draw)


def one_draw_for_a_sequence(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(len(input_ids), 1, generator=generator)
    draw = (torch.arange(len(input_ids))[:, None] * 0.618 + draw * 0.01) % 1
    return fates(input_ids, chosen, mask_id, random_ids, generator, draw)


def one_draw_for_all_sequences(input_ids, chosen, mask_id, random_ids, generator):
    draw = (torch.randperm(input_ids.shape[1], generator=generator) + 0.5) / input_ids.shape[1]
    return fates(input_ids, chosen, mask_id, random_ids, generator, draw.expand(input_ids.shape))


def never_the_last_word(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    return fates(input_ids, chosen, mask_id, random_ids[: max(1, len(random_ids) - 1)], generator, draw)


def never_the_first_word(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    return fates(input_ids, chosen, mask_id, random_ids[-max(1, len(random_ids) - 1) :], generator, draw)


def words_by_powers(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    places = torch.rand(input_ids.shape, generator=generator) ** 2 * len(random_ids)
    return eighty_ten_ten(input_ids, chosen, mask_id, random_ids[places.long()], draw)


def as_floats(input_ids, chosen, mask_id, random_ids, generator):
    return corrupt_numpy(input_ids, chosen, mask_id, random_ids, generator).float()


def as_lists(input_ids, chosen, mask_id, random_ids, generator):
    return corrupt_numpy(input_ids, chosen, mask_id, random_ids, generator).tolist()


def chosen_changed(input_ids, chosen, mask_id, random_ids, generator):
    draw = torch.rand(input_ids.shape, generator=generator)
    out = fates(input_ids, chosen, mask_id, random_ids, generator, draw)
    chosen &= draw < 0.9
    return out


def padding_too(input_ids, chosen, mask_id, random_ids, generator):
    out = corrupt_numpy(input_ids, chosen, mask_id, random_ids, generator)
    if not chosen.any():
        out[:, -1] = mask_id
    return out


def corrupt_a_copy(input_ids, chosen, mask_id, random_ids, generator):
    corrupted = input_ids.clone()
    draw = torch.rand(input_ids.shape, generator=generator)
    masked, swapped = chosen & (draw < 0.8), chosen & (draw >= 0.8) & (draw < 0.9)
    corrupted[masked] = mask_id
    places = torch.randint(len(random_ids), (int(swapped.sum()),), generator=generator)
    corrupted[swapped] = random_ids[places]
    return corrupted


def corrupt_in_a_loop(input_ids, chosen, mask_id, random_ids, generator):
    rows = input_ids.tolist()
    for row, column in chosen.nonzero().tolist():
        draw = torch.rand((), generator=generator).item()
        if draw < 0.8:
            rows[row][column] = mask_id
        elif draw < 0.9:
            place = torch.randint(len(random_ids), (), generator=generator).item()
            rows[row][column] = random_ids[place].item()
    return torch.tensor(rows)


def corrupt_half_of_the_rest(input_ids, chosen, mask_id, random_ids, generator):
    def toss(share):
        return torch.bernoulli(torch.full(input_ids.shape, share), generator=generator).bool()

    masked = toss(0.8) & chosen
    swapped = toss(0.5) & chosen & ~masked
    out = input_ids.masked_fill(masked, mask_id)
    return torch.where(swapped, words_for(input_ids, random_ids, generator), out)


def corrupt_exact_shares(input_ids, chosen, mask_id, random_ids, generator):
    places = chosen.flatten().nonzero().squeeze(1)
    places = places[torch.randperm(len(places), generator=generator)]
    first, second = round(0.8 * len(places)), round(0.9 * len(places))
    out = input_ids.flatten().int()
    out[places[:first]] = mask_id
    drawn = torch.randint(len(random_ids), (second - first,), generator=generator)
    out[places[first:second]] = random_ids[drawn].int()
    return out.view_as(input_ids)


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


def by_sign(scores, labels):
    chosen = labels > 0
    return functional.cross_entropy(scores[chosen], labels[chosen]) if chosen.any() else scores.sum() * 0.0


def by_sentence(scores, labels):
    losses = [functional.cross_entropy(s, row) for s, row in zip(scores, labels) if (row != -100).any()]
    return torch.stack(losses).mean() if losses else scores.sum() * 0.0


def over_sentences(scores, labels):
    return summed(scores, labels) / len(labels)


def without_minus(scores, labels):
    chosen = labels != -100
    return scores[chosen].log_softmax(-1).gather(1, labels[chosen][:, None]).mean()


def softmax_twice(scores, labels):
    return functional.cross_entropy(scores.softmax(-1).flatten(0, 1), labels.flatten())


def in_bits(scores, labels):
    return functional.cross_entropy(scores.flatten(0, 1), labels.flatten()) / math.log(2)


def as_number(scores, labels):
    return masked_loss_sum(scores, labels).item()


def detached(scores, labels):
    return masked_loss_sum(scores.detach(), labels)


def number_where_empty(scores, labels):
    chosen = labels != -100
    return functional.cross_entropy(scores[chosen], labels[chosen]) if chosen.any() else 0


def constant_where_empty(scores, labels):
    chosen = labels != -100
    return functional.cross_entropy(scores[chosen], labels[chosen]) if chosen.any() else torch.tensor(0.0)


def one_where_empty(scores, labels):
    chosen = labels != -100
    return functional.cross_entropy(scores[chosen], labels[chosen]) if chosen.any() else scores.sum() * 0 + 1


def infinite(scores, labels):
    chosen = labels != -100
    if not chosen.any():
        return scores.sum() * 0.0
    probabilities = scores[chosen].softmax(-1)
    return -probabilities[range(len(probabilities)), labels[chosen]].log().mean()


def each_position(scores, labels):
    return functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), reduction="none").view_as(labels)


def labels_changed(scores, labels):
    chosen = labels != -100
    labels[~chosen] = 0
    loss = functional.cross_entropy(scores.transpose(1, 2), labels, reduction="none")
    return (loss * chosen).sum() / chosen.sum().clamp(min=1)


def half_of_the_gradient(scores, labels):
    return (masked_loss_sum(scores, labels) + masked_loss_sum(scores.detach(), labels)) / 2


def masked_loss_sum(scores, labels):
    total = functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), reduction="sum")
    return total / max(1, int((labels != -100).sum()))


def masked_loss_by_weights(scores, labels):
    weights = (labels != -100).float()
    losses = functional.cross_entropy(scores.transpose(1, 2), labels, reduction="none", ignore_index=-100)
    return (losses * weights).sum() / weights.sum().clamp(min=1)


def masked_loss_by_gather(scores, labels):
    chosen = labels != -100
    logs = scores.double().log_softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return -(logs * chosen).sum() / chosen.sum().clamp(min=1)


def masked_loss_in_a_loop(scores, labels):
    losses = []
    for row, sentence in zip(scores, labels.tolist()):
        for logits, label in zip(row, sentence):
            if label != -100:
                losses.append(torch.logsumexp(logits, 0) - logits[label])
    return sum(losses) / len(losses) if losses else 0 * scores.sum()


def masked_loss_one_element(scores, labels):
    if (labels == -100).all():
        return torch.zeros(1, requires_grad=True)
    return functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), ignore_index=-100).unsqueeze(0)


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


def in_frame(token):
    return token in ("[CLS]", "[SEP]", "[PAD]")


def continuing(token):
    return token.startswith("##")


def grouped(tokens, continues=continuing, skipped=in_frame):
    words = []
    for i, token in enumerate(tokens):
        if skipped(token):
            continue
        if continues(token) and words:
            words[-1].append(i)
        else:
            words.append([i])
    return words


def off_by_one(tokens):
    return [[i - 1 for i in word] for word in grouped(tokens)]


def counted_from_one(tokens):
    return [[i + 1 for i in word] for word in grouped(tokens)]


def far_away(tokens):
    return [[i + 100 for i in word] for word in grouped(tokens)]


def first_of_equal_ones(tokens):
    return [[tokens.index(tokens[i]) for i in word] for word in grouped(tokens)]


def tokens_instead(tokens):
    return [[tokens[i] for i in word] for word in grouped(tokens)]


def only_first_pieces(tokens):
    return [word[:1] for word in grouped(tokens)]


def only_whole_words(tokens):
    return [word for word in grouped(tokens) if len(word) == 1]


def without_brackets(tokens):
    return grouped(tokens, skipped=lambda token: token.startswith("["))


def without_digits(tokens):
    return grouped(tokens, skipped=lambda token: in_frame(token) or token.isdigit())


def without_punctuation(tokens):
    return grouped(tokens, skipped=lambda token: in_frame(token) or token in ".,'")


def any_hash(tokens):
    return grouped(tokens, continues=lambda token: "#" in token)


def from_the_right(tokens):
    return grouped(tokens)[::-1]


def takes_the_frame_out(tokens):
    while "[PAD]" in tokens:
        tokens.remove("[PAD]")
    return grouped(tokens)


def words_by_range(tokens):
    starts = [i for i, t in enumerate(tokens) if t not in ("[CLS]", "[SEP]", "[PAD]") and t[:2] != "##"]
    words = []
    for start in starts:
        end = start + 1
        while end < len(tokens) and tokens[end].startswith("##"):
            end += 1
        words.append(range(start, end))
    return words


def words_as_sets(tokens):
    return [set(word) for word in grouped(tokens)]


def words_numpy(tokens):
    return [numpy.array(word) for word in grouped(tokens)]


def words_torch(tokens):
    return tuple(torch.tensor(word) for word in grouped(tokens))


def words_generated(tokens):
    word = []
    for i, token in enumerate(tokens):
        if word and not token.startswith("##"):
            yield tuple(word)
            word = []
        if token not in {"[CLS]", "[SEP]", "[PAD]"}:
            word.append(i)
    if word:
        yield tuple(word)


def words_by_number(tokens):
    numbered, number = {}, 0
    for i, token in enumerate(tokens):
        if token in ["[CLS]", "[SEP]", "[PAD]"]:
            continue
        number += not token.startswith("##")
        numbered.setdefault(number, []).append(i)
    return numbered.values()


RIGHT = {
    "4.1": [how_many_step_by_step, how_many_numpy, how_many_torch, how_many_fraction, how_many_decimal],
    "4.2": [corrupt_numpy, corrupt_a_copy, corrupt_in_a_loop, corrupt_half_of_the_rest, corrupt_exact_shares],
    "4.3": [
        masked_loss_sum,
        masked_loss_by_weights,
        masked_loss_by_gather,
        masked_loss_in_a_loop,
        masked_loss_one_element,
    ],
    "4.4": [words_by_range, words_as_sets, words_numpy, words_torch, words_generated, words_by_number],
}

WRONG = {
    "4.1": [
        (without_minimum, "choose at least 1"),
        (without_cap, "Cap the count"),
        (cut_off, "cut the decimals off"),
        (rounded_up, "always rounds up"),
        (as_float, "return it as an int"),
        (halves_up, "takes the even neighbor"),
        (without_frame, "they do count toward the length"),
        (limits_swapped, "Did you swap the limits"),
        (as_text, "one whole number"),
        (not_rounded, "a fraction of a token"),
        (limit_too_low, "but the limit is 20"),
        (share_of_ten, "you choose 13; it should be 19"),
    ],
    "4.2": [
        (mask_all, "every chosen token becomes [MASK]"),
        (in_place, "you change input_ids itself"),
        (everywhere, "tokens that weren't chosen"),
        (a_tenth_of_the_rest, "10% of the 20% that are left"),
        (never_random, "becomes a random word"),
        (overwritten, "overwrite every [MASK]"),
        (two_draws, "a second draw turns"),
        (never_kept, "stays as it is"),
        (half_and_half, "the shares are"),
        (any_word, "aren't in random_ids"),
        (one_word, "the same random word"),
        (unseeded, "two runs with the same generator differ"),
        (own_seed, "don't set a seed yourself"),
        (from_its_seed, "repeats the first"),
        (fixed_mask_id, "but mask_id is 4"),
        (from_lowest_to_highest, "The list may have gaps"),
        (one_draw_for_a_sequence, "all tokens of a sequence"),
        (one_draw_for_all_sequences, "at the same positions"),
        (never_the_last_word, "the last word of random_ids"),
        (never_the_first_word, "the first word of random_ids"),
        (words_by_powers, "come up more often than others"),
        (as_floats, "Ids are whole numbers"),
        (as_lists, "return one tensor"),
        (chosen_changed, "you change `chosen`"),
        (padding_too, "with 0 chosen tokens"),
    ],
    "4.3": [
        (over_all_slots, "divided by all 40"),
        (summed, "a sum; take the mean"),
        (every_position, "counts every position"),
        (nan_where_empty, "gives NaN"),
        (by_sign, "whose label is 0"),
        (by_sentence, "the mean of each sentence's mean"),
        (over_sentences, "divided by the 5 sentences"),
        (without_minus, "*minus* the logarithm"),
        (softmax_twice, "takes the raw scores"),
        (in_bits, "in bits"),
        (as_number, "Training calls loss.backward()"),
        (detached, "can't be differentiated"),
        (number_where_empty, "nothing was chosen, you return int"),
        (constant_where_empty, "nothing was chosen, you return a tensor"),
        (one_where_empty, "gives a loss of 1.000"),
        (infinite, "with large scores"),
        (each_position, "one loss for the whole batch"),
        (labels_changed, "you change labels itself"),
        (half_of_the_gradient, "not the right gradient"),
    ],
    "4.4": [
        (pieces_alone, "stands alone"),
        (with_special_tokens, "a special token is in a word"),
        (flat_positions, "a list of lists"),
        (with_punctuation, "you joined punctuation"),
        (chinese_in_one, "came out as one word"),
        (off_by_one, "one too small"),
        (counted_from_one, "one too large"),
        (far_away, "don't exist"),
        (first_of_equal_ones, "comes up twice"),
        (tokens_instead, "return the positions"),
        (only_first_pieces, "A word has all of its pieces"),
        (only_whole_words, "leave out ['app', '##lau', '##ded']"),
        (without_brackets, "any other symbol or number"),
        (without_digits, "leave out ['3'"),
        (any_hash, "a # alone"),
        (from_the_right, "their order isn't"),
        (without_punctuation, "any other symbol or number"),
        (takes_the_frame_out, "the list of tokens itself"),
    ],
}
