"""Usual wrong answers to the exercises of lesson 03, and what the reader must be told about each."""

import torch
from torch.nn.functional import layer_norm

from course_lib.lessons.exercises_03 import pack_pair, pack_within, sinusoids

# 3.1


def shortest_first(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        ends = [e for e in range(start + 1, len(word) + 1) if prefix + word[start:e] in vocabulary]
        if not ends:
            return ["[UNK]"]
        end = next((e for e in ends if e - start > 1), ends[0])
        pieces.append(prefix + word[start:end])
        start = end
    return pieces


def _greedy(word, vocabulary, *, marked=True, spoil=True, skip=False):
    pieces, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        end = len(word)
        while end > start and prefix + word[start:end] not in vocabulary:
            end -= 1
        if end == start:
            if skip:
                start += 1
                continue
            return ["[UNK]"] if spoil else [*pieces, "[UNK]"]
        pieces.append((prefix if marked else "") + word[start:end])
        start = end
    return pieces


def without_marks(word, vocabulary):
    return _greedy(word, vocabulary, marked=False)


def first_piece_only(word, vocabulary):
    return _greedy(word, vocabulary)[:1]


def never_looks_up_marks(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        end = len(word)
        while end > start and word[start:end] not in (vocabulary if not start else set()):
            end -= 1
        if end == start:
            return ["[UNK]"]
        pieces.append(word[start:end])
        start = end
    return pieces


def half_unknown(word, vocabulary):
    return _greedy(word, vocabulary, spoil=False)


def loses_letters(word, vocabulary):
    return _greedy(word, vocabulary, skip=True)


def goes_back(word, vocabulary, start=0):
    if start == len(word):
        return []
    prefix = "##" if start else ""
    for end in range(len(word), start, -1):
        if prefix + word[start:end] in vocabulary:
            rest = goes_back(word, vocabulary, end)
            if rest != ["[UNK]"]:
                return [prefix + word[start:end], *rest]
    return ["[UNK]"]


def joined_text(word, vocabulary):
    return " ".join(_greedy(word, vocabulary))


# 3.2


def no_last_separator(first, second, cls_id, sep_id):
    return [cls_id, *first, sep_id, *second], [0] * (len(first) + 2) + [1] * len(second)


def two_starts(first, second, cls_id, sep_id):
    ids = [cls_id, *first, sep_id, cls_id, *second, sep_id]
    return ids, [0] * (len(first) + 2) + [1] * (len(second) + 2)


def first_separator_in_b(first, second, cls_id, sep_id):
    return pack_pair(first, second, cls_id, sep_id)[0], [0] * (len(first) + 1) + [1] * (len(second) + 2)


def last_separator_in_a(first, second, cls_id, sep_id):
    ids, types = pack_pair(first, second, cls_id, sep_id)
    return ids, [*types[:-1], 0]


def forgets_special_types(first, second, cls_id, sep_id):
    return pack_pair(first, second, cls_id, sep_id)[0], [0] * len(first) + [1] * len(second)


def counts_from_one(first, second, cls_id, sep_id):
    ids, types = pack_pair(first, second, cls_id, sep_id)
    return ids, [t + 1 for t in types]


def all_in_a(first, second, cls_id, sep_id):
    ids, types = pack_pair(first, second, cls_id, sep_id)
    return ids, [0] * len(types)


# 3.3


def cut_at_the_end(first, second, max_length, cls_id, sep_id):
    return [cls_id, *first, sep_id, *second, sep_id][:max_length]


def cut_and_mend(first, second, max_length, cls_id, sep_id):
    whole = [cls_id, *first, sep_id, *second, sep_id]
    return whole if len(whole) <= max_length else [*whole[: max_length - 1], sep_id]


def forgets_special_places(first, second, max_length, cls_id, sep_id):
    return pack_within(first, second, max_length + 3, cls_id, sep_id)


def half_each(first, second, max_length, cls_id, sep_id):
    half = (max_length - 3) // 2
    return [cls_id, *first[:half], sep_id, *second[:half], sep_id]


def cut_at_the_front(first, second, max_length, cls_id, sep_id):
    first, second = list(first), list(second)
    while len(first) + len(second) > max_length - 3:
        (first if len(first) > len(second) else second).pop(0)
    return [cls_id, *first, sep_id, *second, sep_id]


def changes_the_arguments(first, second, max_length, cls_id, sep_id):
    while len(first) + len(second) > max_length - 3:
        (first if len(first) > len(second) else second).pop()
    return [cls_id, *first, sep_id, *second, sep_id]


def ties_cut_a(first, second, max_length, cls_id, sep_id):
    first, second = list(first), list(second)
    while len(first) + len(second) > max_length - 3:
        (first if len(first) >= len(second) else second).pop()
    return [cls_id, *first, sep_id, *second, sep_id]


# 3.4


def _norm(total, weight, bias, eps=1e-12):
    return layer_norm(total, total.shape[-1:], weight, bias, eps)


def without_norm(ids, types, token, segment, position, weight, bias):
    return token[ids] + segment[types] + position[: ids.shape[1]]


def without_positions(ids, types, token, segment, position, weight, bias):
    return _norm(token[ids] + segment[types], weight, bias)


def without_segments(ids, types, token, segment, position, weight, bias):
    return _norm(token[ids] + position[: ids.shape[1]], weight, bias)


def scaled(ids, types, token, segment, position, weight, bias):
    tokens = token[ids] * token.shape[1] ** 0.5
    return _norm(tokens + segment[types] + position[: ids.shape[1]], weight, bias)


def concatenated(ids, types, token, segment, position, weight, bias):
    places = position[: ids.shape[1]].expand(len(ids), -1, -1)
    return torch.cat([token[ids], segment[types], places], dim=-1)


def default_eps(ids, types, token, segment, position, weight, bias):
    return _norm(token[ids] + segment[types] + position[: ids.shape[1]], weight, bias, 1e-5)


def norm_of_each(ids, types, token, segment, position, weight, bias):
    parts = token[ids], segment[types], position[: ids.shape[1]]
    return sum(_norm(part, weight, bias) for part in parts)


# 3.5


def side_by_side(length, size):
    table = sinusoids(length, size)
    return torch.cat([table[:, 0::2], table[:, 1::2]], dim=1)


def from_one(length, size):
    return sinusoids(length + 1, size)[1:]


def own_wavelength_each(length, size):
    angle = torch.arange(length)[:, None] / 10000 ** (torch.arange(size) / size)
    return torch.where(torch.arange(size) % 2 == 0, angle.sin(), angle.cos())


def half_exponent(length, size):
    angle = torch.arange(length)[:, None] / 10000 ** (torch.arange(size // 2) / size)
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)


def cosines_first(length, size):
    table = sinusoids(length, size)
    return torch.stack([table[:, 1::2], table[:, 0::2]], dim=2).flatten(1)


def turned(length, size):
    return sinusoids(length, size).T


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "3.1": [
        (shortest_first, "longest candidate first"),
        (without_marks, "starts with ##"),
        (first_piece_only, "stop after the first piece"),
        (never_looks_up_marks, "comes out as [UNK], but its pieces"),
        (half_unknown, "spoils the whole word"),
        (loses_letters, "silently lost"),
        (goes_back, "never given back"),
        (joined_text, "return a list of pieces"),
    ],
    "3.2": [
        (no_last_separator, "last [SEP] is missing"),
        (two_starts, "second [CLS]"),
        (first_separator_in_b, "first [SEP] has type 1"),
        (last_separator_in_a, "last [SEP] has type 0"),
        (forgets_special_types, "Every token has a type"),
        (counts_from_one, "types are 1 and 2"),
        (all_in_a, "all types are 0"),
    ],
    "3.3": [
        (cut_at_the_end, "last [SEP] is gone"),
        (cut_and_mend, "cut fell on B"),
        (forgets_special_places, "need 3 places"),
        (half_each, "one token at a time"),
        (cut_at_the_front, "Drop the last tokens"),
        (changes_the_arguments, "change the lists"),
        (ties_cut_a, "shorten A when both are equally long"),
    ],
    "3.4": [
        (without_norm, "LayerNorm is missing"),
        (without_positions, "position embeddings are missing"),
        (without_segments, "segment embeddings are missing"),
        (scaled, "root of H"),
        (concatenated, "side by side"),
        (default_eps, "1e-12"),
        (norm_of_each, "normalizes the sum once"),
    ],
    "3.5": [
        (side_by_side, "interleaves them"),
        (from_one, "positions begin at 1"),
        (own_wavelength_each, "different wavelengths"),
        (half_exponent, "half as fast"),
        (cosines_first, "changed places"),
        (turned, "shape (40, 16)"),
    ],
}


def split_word_stub(word, vocabulary):
    """Return the pieces of one word, or ["[UNK]"]."""
    ...


def pack_pair_stub(first, second, cls_id, sep_id):
    """Return the ids of [CLS] first [SEP] second [SEP], and the token type of each: two lists."""
    ...


def pack_within_stub(first, second, max_length, cls_id, sep_id):
    """Return [CLS] first [SEP] second [SEP], shortened to max_length ids at most."""
    ...


def sinusoids_stub(length, size):
    """Return the sinusoidal position embeddings, a float tensor of shape (length, size)."""
    ...


def embed_stub(input_ids, token_type_ids, token, segment, position, norm_weight, norm_bias):
    """Return the LayerNorm (eps 1e-12) of the sum of the three embeddings, (B, T, H)."""
    ...


STUBS = {
    "3.1": split_word_stub,
    "3.2": pack_pair_stub,
    "3.3": pack_within_stub,
    "3.4": embed_stub,
    "3.5": sinusoids_stub,
}
