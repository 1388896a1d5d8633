"""Stubs, right answers and usual wrong answers of lesson 05; each wrong answer comes with a part of its own message."""

import math
import random
from fractions import Fraction
from itertools import chain

import numpy
import torch


def split_chunk(chunk, generator):
    """Return segment A and segment B of a chunk, each a list of tokens."""
    ...


def random_document(own, number_of_documents, generator):
    """Return the number of a document other than own, all others equally likely."""
    ...


def expected_is_next(chunk_sizes):
    """Return the expected share of IsNext among the pairs."""
    ...


def pack_pair(first, second, max_length, generator):
    """Return the tokens [CLS] A [SEP] B [SEP], at most max_length of them."""
    ...


def is_next_probability(scores):
    """Return the probability that B follows A for each pair, (B,), from scores (B, 2)."""
    ...


STUBS = {
    "5.1": split_chunk,
    "5.2": random_document,
    "5.3": expected_is_next,
    "5.4": pack_pair,
    "5.5": is_next_probability,
}

# 5.1 ----------------------------------------------------------------------------------------------


def joined(sentences):
    return [token for sentence in sentences for token in sentence]


def cut_at(chunk, end):
    return joined(chunk[:end]), joined(chunk[end:])


def single_sentences(chunk, generator):
    """Error 5 of well-known teaching code."""
    place = generator.randrange(len(chunk) - 1)
    return chunk[place], chunk[place + 1]


def first_may_be_empty(chunk, generator):
    return cut_at(chunk, generator.randint(0, len(chunk) - 1))


def second_may_be_empty(chunk, generator):
    return cut_at(chunk, generator.randint(1, len(chunk)))


def never_the_last_border(chunk, generator):
    return cut_at(chunk, generator.randrange(1, len(chunk) - 1))


def in_the_middle(chunk, generator):
    return cut_at(chunk, len(chunk) // 2)


def still_nested(chunk, generator):
    end = generator.randint(1, len(chunk) - 1)
    return chunk[:end], chunk[end:]


def by_tokens(chunk, generator):
    tokens = joined(chunk)
    end = generator.randint(1, len(tokens) - 1)
    return tokens[:end], tokens[end:]


def own_randomness(chunk, generator):
    return cut_at(chunk, random.SystemRandom().randint(1, len(chunk) - 1))


def overlapping(chunk, generator):
    end = generator.randint(1, len(chunk) - 1)
    return joined(chunk[:end]), joined(chunk[end - 1 :])


def swapped_segments(chunk, generator):
    second, first = cut_at(chunk, generator.randint(1, len(chunk) - 1))
    return first, second


def without_the_last(chunk, generator):
    end = generator.randint(1, len(chunk) - 1)
    return joined(chunk[:end]), joined(chunk[end:])[:-1]


def sorted_tokens(chunk, generator):
    first, second = cut_at(chunk, generator.randint(1, len(chunk) - 1))
    return first[::-1], second


def rounded_place(chunk, generator):
    return cut_at(chunk, round(generator.uniform(1, len(chunk) - 1)))


def own_generator(chunk, generator):
    own_generator.calls = (getattr(own_generator, "calls", 0) + 1) % 100
    return cut_at(chunk, random.Random(own_generator.calls).randint(1, len(chunk) - 1))


def takes_out_of_the_chunk(chunk, generator):
    end = generator.randint(1, len(chunk) - 1)
    return joined(chunk.pop(0) for _ in range(end)), joined(chunk)


def as_texts(chunk, generator):
    first, second = cut_at(chunk, generator.randint(1, len(chunk) - 1))
    return " ".join(first), " ".join(second)


def one_list(chunk, generator):
    return joined(chunk)


def split_by_chain(chunk, generator):
    end = generator.randrange(1, len(chunk))
    return list(chain.from_iterable(chunk[:end])), list(chain(*chunk[end:]))


def split_in_tuples(chunk, generator):
    end = generator.choice(range(1, len(chunk)))
    return tuple(joined(chunk[:end])), tuple(joined(chunk[end:]))


def split_by_lengths(chunk, generator):
    ends = numpy.cumsum([len(sentence) for sentence in chunk])[:-1]
    return numpy.split(numpy.array(joined(chunk)), [int(generator.choice(list(ends)))])


def split_a_copy(chunk, generator):
    rest = [list(sentence) for sentence in chunk]
    first = []
    for _ in range(int(generator.random() * (len(chunk) - 1)) + 1):
        first += rest.pop(0)
    return first, joined(rest)


# 5.2 ----------------------------------------------------------------------------------------------


def any_document(own, number_of_documents, generator):
    """Error 4 of well-known teaching code."""
    return generator.randrange(number_of_documents)


def the_next_one(own, number_of_documents, generator):
    return (own + 1) % number_of_documents


def steps_aside(own, number_of_documents, generator):
    other = generator.randrange(number_of_documents)
    return (other + 1) % number_of_documents if other == own else other


def never_the_last(own, number_of_documents, generator):
    other = own
    while other == own:
        other = generator.randrange(number_of_documents - 1) if number_of_documents > 2 else 1 - own
    return other


def counted_from_one(own, number_of_documents, generator):
    other = own
    while other == own:
        other = generator.randint(1, number_of_documents)
    return other


def module_randomness(own, number_of_documents, generator):
    return random_document_again(own, number_of_documents, random.SystemRandom())


def random_document_again(own, number_of_documents, generator):
    other = own
    while other == own:
        other = generator.randrange(number_of_documents)
    return other


def own_sequence(own, number_of_documents, generator):
    own_sequence.calls = (getattr(own_sequence, "calls", 0) + 1) % 100
    return random_document_again(own, number_of_documents, random.Random(own_sequence.calls))


def as_float(own, number_of_documents, generator):
    return float(random_document_again(own, number_of_documents, generator))


def list_of_one(own, number_of_documents, generator):
    return generator.sample([i for i in range(number_of_documents) if i != own], 1)


def document_from_the_others(own, number_of_documents, generator):
    return generator.choice([other for other in range(number_of_documents) if other != own])


def document_numpy(own, number_of_documents, generator):
    return generator.choice(numpy.delete(numpy.arange(number_of_documents), own))


def document_torch(own, number_of_documents, generator):
    others = torch.arange(number_of_documents)
    return others[others != own][generator.randrange(number_of_documents - 1)]


def document_around(own, number_of_documents, generator):
    return (own + generator.randint(1, number_of_documents - 1)) % number_of_documents


# 5.3 ----------------------------------------------------------------------------------------------


def one_half(chunk_sizes):
    return 0.5


def share_of_random(chunk_sizes):
    return 1 - sum(0.5 for size in chunk_sizes if size > 1) / len(chunk_sizes)


def share_with_a_choice(chunk_sizes):
    return sum(size > 1 for size in chunk_sizes) / len(chunk_sizes)


def counts_instead(chunk_sizes):
    return sum(0.5 for size in chunk_sizes if size > 1)


def in_percent(chunk_sizes):
    return 50 * share_with_a_choice(chunk_sizes)


def from_three_on(chunk_sizes):
    return sum(0.5 for size in chunk_sizes if size > 2) / len(chunk_sizes)


def by_sentences(chunk_sizes):
    return sum(0.5 * size for size in chunk_sizes if size > 1) / sum(chunk_sizes)


def rounded_share(chunk_sizes):
    return round(share_with_a_choice(chunk_sizes) / 2, 2)


def as_text(chunk_sizes):
    return f"{share_with_a_choice(chunk_sizes) / 2:.3f}"


def by_singles(chunk_sizes):
    return chunk_sizes.count(1) / len(chunk_sizes) / 4


def takes_off_whole_ones(chunk_sizes):
    return 0.5 - chunk_sizes.count(1) / len(chunk_sizes)


def sorts_the_sizes(chunk_sizes):
    chunk_sizes.sort()
    return share_with_a_choice(chunk_sizes) / 2


def share_torch(chunk_sizes):
    return (torch.tensor(chunk_sizes) > 1).float().mean() / 2


def share_numpy(chunk_sizes):
    return 0.5 * numpy.mean(numpy.array(chunk_sizes) != 1)


def share_fraction(chunk_sizes):
    return Fraction(len(chunk_sizes) - chunk_sizes.count(1), 2 * len(chunk_sizes))


def share_in_a_loop(chunk_sizes):
    total = 0.0
    for size in chunk_sizes:
        total += 0 if size == 1 else 0.5
    return total / len(chunk_sizes)


# 5.4 ----------------------------------------------------------------------------------------------


def packed(first, second):
    return ["[CLS]", *first, "[SEP]", *second, "[SEP]"]


def cut_afterward(first, second, max_length, generator):
    """Error 6 of well-known teaching code."""
    return packed(first, second)[:max_length]


def only_the_second(first, second, max_length, generator):
    return packed(first, second[: max_length - 3 - len(first)])


def frame_not_counted(first, second, max_length, generator):
    return shortened(first, second, max_length, lambda: generator.choice([0, -1]))


def shortened(first, second, room, end):
    first, second = list(first), list(second)
    while len(first) + len(second) > room:
        longer = first if len(first) > len(second) else second
        longer.pop(end())
    return packed(first, second)


def always_the_end(first, second, max_length, generator):
    return shortened(first, second, max_length - 3, lambda: -1)


def always_the_front(first, second, max_length, generator):
    return shortened(first, second, max_length - 3, lambda: 0)


def one_coin_for_all(first, second, max_length, generator):
    end = generator.choice([0, -1])
    return shortened(first, second, max_length - 3, lambda: end)


def from_the_middle(first, second, max_length, generator):
    return shortened(first, second, max_length - 3, lambda: 1)


def one_separator(first, second, max_length, generator):
    if len(first) + len(second) < max_length - 3:
        return packed(first, second)
    tokens = packed(first, second)
    return [*tokens[: max_length - 1], "[SEP]"] if max_length < 10 else ["[CLS]", *second[:14], "[SEP]"]


def coin(generator):
    return lambda: 0 if generator.random() < 0.5 else -1


def first_loses_a_tie(first, second, max_length, generator):
    first, second = list(first), list(second)
    while len(first) + len(second) > max_length - 3:
        longer = first if len(first) >= len(second) else second
        longer.pop(coin(generator)())
    return packed(first, second)


def in_place(first, second, max_length, generator):
    while len(first) + len(second) > max_length - 3:
        (first if len(first) > len(second) else second).pop(coin(generator)())
    return packed(first, second)


def halves(first, second, max_length, generator):
    room = (max_length - 3) // 2
    first, second = list(first), list(second)
    while len(first) > room:
        first.pop(coin(generator)())
    while len(second) > room:
        second.pop(coin(generator)())
    return packed(first, second)


def one_too_many(first, second, max_length, generator):
    fits = len(first) + len(second) <= max_length - 3
    return shortened(first, second, max_length - 3 if fits else max_length - 4, coin(generator))


def always_cuts(first, second, max_length, generator):
    return shortened(first, second, max_length - 4, coin(generator))


def wrong_order(first, second, max_length, generator):
    tokens = shortened(first, second, max_length - 3, coin(generator))
    middle = tokens.index("[SEP]")
    return (
        ["[CLS]", *tokens[middle + 1 :], *tokens[1 : middle + 1]] if tokens[1:3] != ["a1", "a2"] else tokens
    )


def own_coin(first, second, max_length, generator):
    return shortened(first, second, max_length - 3, coin(random.SystemRandom()))


def own_seed(first, second, max_length, generator):
    own_seed.calls = (getattr(own_seed, "calls", 0) + 1) % 20
    return shortened(first, second, max_length - 3, coin(random.Random(own_seed.calls)))


def unfair_coin(first, second, max_length, generator):
    return shortened(first, second, max_length - 3, lambda: 0 if generator.random() < 0.75 else -1)


def turns(first, second, max_length, generator):
    ends = iter([0, -1] * 100)
    return shortened(first, second, max_length - 3, lambda: next(ends))


def as_one_text(first, second, max_length, generator):
    return " ".join(shortened(first, second, max_length - 3, coin(generator)))


def nested(first, second, max_length, generator):
    return ["[CLS]", first, "[SEP]", second, "[SEP]"]


def pack_by_choice(first, second, max_length, generator):
    return shortened(first, second, max_length - 3, lambda: generator.choice([0, -1]))


def pack_in_a_tuple(first, second, max_length, generator):
    return tuple(shortened(first, second, max_length - 3, coin(generator)))


def lengths_left(first, second, room):
    a, b = len(first), len(second)
    while a + b > room:
        a, b = (a - 1, b) if a > b else (a, b - 1)
    return a, b


def pack_by_slices(first, second, max_length, generator):
    parts = []
    for part, left in zip((first, second), lengths_left(first, second, max_length - 3)):
        front = sum(generator.getrandbits(1) for _ in range(len(part) - left))
        parts.append(part[front : front + left])
    return packed(*parts)


def pack_binomial(first, second, max_length, generator):
    draws = numpy.random.default_rng(generator.getrandbits(32))
    parts = []
    for part, left in zip((first, second), lengths_left(first, second, max_length - 3)):
        front = draws.binomial(len(part) - left, 0.5)
        parts.append(part[front : front + left])
    return packed(*parts)


# 5.5 ----------------------------------------------------------------------------------------------


def inverted(scores):
    """Error 3 of well-known teaching code."""
    return scores.softmax(dim=-1)[:, 1]


def raw_score(scores):
    return scores[:, 0]


def over_the_batch(scores):
    return scores.softmax(dim=0)[:, 0]


def one_sigmoid(scores):
    return scores[:, 0].sigmoid()


def both_classes(scores):
    return scores.softmax(dim=-1)


def decided(scores):
    return scores.argmax(dim=-1)


def likelier(scores):
    return scores.softmax(dim=-1).max(dim=-1).values


def logarithm(scores):
    return scores.log_softmax(dim=-1)[:, 0]


def ratio(scores):
    return scores[:, 0] / scores.sum(dim=-1)


def exponential(scores):
    return scores.exp_()[:, 0] / scores.sum(dim=-1)


def half_as_sure(scores):
    return (scores / 2).softmax(dim=-1)[:, 0]


def mean_of_all(scores):
    return scores.softmax(dim=-1)[:, 0].mean()


def probability_double(scores):
    return scores.double().softmax(-1)[:, 0]


def probability_numpy(scores):
    powers = numpy.exp(scores.numpy())
    return torch.tensor(powers[:, 0] / powers.sum(1))


def probability_of_the_difference(scores):
    return torch.sigmoid(scores[:, 0] - scores[:, 1])


def probability_in_a_loop(scores):
    return [1 / (1 + math.exp(random - real)) for real, random in scores.tolist()]


def probability_half(scores):
    return torch.nn.functional.softmax(scores.half(), dim=1).select(1, 0)


RIGHT = {
    "5.1": [split_by_chain, split_in_tuples, split_by_lengths, split_a_copy],
    "5.2": [random_document_again, document_from_the_others, document_numpy, document_torch, document_around],
    "5.3": [share_torch, share_numpy, share_fraction, share_in_a_loop],
    "5.4": [pack_by_choice, pack_in_a_tuple, pack_by_slices, pack_binomial],
    "5.5": [
        probability_double,
        probability_numpy,
        probability_of_the_difference,
        probability_in_a_loop,
        probability_half,
    ],
}

WRONG = {
    "5.1": [
        (single_sentences, "single sentences as A and B"),
        (first_may_be_empty, "segment A can come out empty"),
        (second_may_be_empty, "segment B can come out empty"),
        (never_the_last_border, "A never has 4 of the 5 sentences"),
        (in_the_middle, "always in the same place"),
        (still_nested, "still has lists of sentences"),
        (by_tokens, "you cut inside a sentence"),
        (own_randomness, "two runs with the same generator differ"),
        (overlapping, "they overlap"),
        (swapped_segments, "A and B are swapped"),
        (without_the_last, "B is all the rest"),
        (sorted_tokens, "each token once and in order"),
        (rounded_place, "1 to n - 1 sentences are equally likely"),
        (own_generator, "different seeds"),
        (takes_out_of_the_chunk, "you change the chunk itself"),
        (as_texts, "one text"),
        (one_list, "return two lists"),
    ],
    "5.2": [
        (any_document, "itself"),
        (the_next_one, "always gets document 1"),
        (steps_aside, "step to the next document"),
        (never_the_last, "never gets document 4"),
        (counted_from_one, "numbered from 0 to 4"),
        (module_randomness, "two runs with the same generator differ"),
        (own_sequence, "different seeds"),
        (as_float, "an int, not"),
        (list_of_one, "an int, not ["),
    ],
    "5.3": [
        (one_half, "nothing left for a true B"),
        (share_of_random, "the share of *random* pairs"),
        (share_with_a_choice, "only half become IsNext"),
        (counts_instead, "a number of pairs"),
        (in_percent, "in percent"),
        (from_three_on, "two sentences weren't enough"),
        (by_sentences, "long chunks count for more"),
        (rounded_share, "which is rounded"),
        (as_text, "return one number"),
        (by_singles, "it should be 0.5"),
        (takes_off_whole_ones, "subtract half of it"),
        (sorts_the_sizes, "the list of sizes itself"),
    ],
    "5.4": [
        (cut_afterward, "the last [SEP] is gone"),
        (only_the_second, "you cut only one segment"),
        (first_loses_a_tie, "B loses the next token"),
        (in_place, "you change the segments"),
        (halves, "is changed"),
        (always_cuts, "is changed"),
        (one_too_many, "You cut more than you have to"),
        (wrong_order, "swapped or mixed"),
        (own_coin, "two runs with the same generator differ"),
        (own_seed, "different seeds"),
        (unfair_coin, "Toss a fair coin for each token"),
        (turns, "at the front and the rest at the back"),
        (as_one_text, "not str"),
        (nested, "one flat list"),
        (frame_not_counted, "count, too"),
        (always_the_end, "always cut at the end"),
        (always_the_front, "always cut at the front"),
        (one_coin_for_all, "Toss a fair coin for each token"),
        (from_the_middle, "missing from the middle"),
        (one_separator, "two [SEP]"),
    ],
    "5.5": [
        (inverted, "the probability of *random*"),
        (raw_score, "scores, not probabilities"),
        (over_the_batch, "softmax over the batch"),
        (one_sigmoid, "only their difference matters"),
        (both_classes, "one probability for each pair"),
        (decided, "you return decisions"),
        (likelier, "the likelier class"),
        (logarithm, "logarithms"),
        (ratio, "divide a score by the sum"),
        (exponential, "you change the scores"),
        (half_as_sure, "it should be"),
        (mean_of_all, "not a tensor of shape ()"),
    ],
}
