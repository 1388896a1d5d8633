"""Stubs, right answers and usual wrong answers of lesson 05; each wrong answer comes with a part of its own message."""

import random


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


# 5.3 ----------------------------------------------------------------------------------------------


def one_half(chunk_sizes):
    return 0.5


def share_of_random(chunk_sizes):
    return 1 - sum(0.5 for size in chunk_sizes if size > 1) / len(chunk_sizes)


def share_with_a_choice(chunk_sizes):
    return sum(size > 1 for size in chunk_sizes) / len(chunk_sizes)


def counts_instead(chunk_sizes):
    return sum(0.5 for size in chunk_sizes if size > 1)


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


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "5.1": [
        (single_sentences, "single sentences as A and B"),
        (first_may_be_empty, "segment A can come out empty"),
        (second_may_be_empty, "segment B can come out empty"),
        (never_the_last_border, "A never has 4 of the 5 sentences"),
        (in_the_middle, "always at the same place"),
        (still_nested, "still holds sentences as lists"),
        (by_tokens, "you cut inside a sentence"),
        (own_randomness, "two runs with the same generator differ"),
        (overlapping, "each token once and in order"),
    ],
    "5.2": [
        (any_document, "itself"),
        (the_next_one, "always gets document 1"),
        (steps_aside, "Stepping aside"),
        (never_the_last, "never gets document 4"),
        (counted_from_one, "numbered from 0 to 4"),
    ],
    "5.3": [
        (one_half, "nothing left for a true B"),
        (share_of_random, "the share of *random* pairs"),
        (share_with_a_choice, "only half become IsNext"),
        (counts_instead, "it should be"),
    ],
    "5.4": [
        (cut_afterward, "the last [SEP] is gone"),
        (only_the_second, "from the longer segment"),
        (frame_not_counted, "count, too"),
        (always_the_end, "always cut the end"),
        (always_the_front, "always cut the front"),
        (one_coin_for_all, "Toss a fair coin for each token"),
        (from_the_middle, "missing from the middle"),
        (one_separator, "two [SEP]"),
    ],
    "5.5": [
        (inverted, "the probability of *random*"),
        (raw_score, "scores, not probabilities"),
        (over_the_batch, "softmax over the batch"),
        (one_sigmoid, "only their difference counts"),
        (both_classes, "one probability for each pair"),
    ],
}
