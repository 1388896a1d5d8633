"""Right answers to the exercises of lesson 03 in several styles, and what the reader must be told about wrong ones."""

import itertools
import math
import re

import numpy
import torch
from torch.nn.functional import embedding, layer_norm, one_hot

from course_lib.lessons.exercises_03 import pack_pair, pack_within, sinusoids, split_word

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


def really_shortest_first(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        ends = [
            e for e in range(start + 1, len(word) + 1) if "##" * (start > 0) + word[start:e] in vocabulary
        ]
        if not ends:
            return ["[UNK]"]
        pieces.append("##" * (start > 0) + word[start : ends[0]])
        start = ends[0]
    return pieces


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


def in_proportion(first, second, max_length, cls_id, sep_id):
    room, whole = max_length - 3, len(first) + len(second)
    if whole <= room:
        return [cls_id, *first, sep_id, *second, sep_id]
    kept = round(room * len(first) / whole)
    return [cls_id, *first[:kept], sep_id, *second[: room - kept], sep_id]


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


def by_unbiased_variance(ids, types, token, segment, position, weight, bias):
    total = token[ids] + segment[types] + position[: ids.shape[1]]
    centered = total - total.mean(-1, keepdim=True)
    return centered / (total.var(-1, keepdim=True) + 1e-12).sqrt() * weight + bias


# 3.5


def _waves(length, size, frequency, second=torch.cos):
    angle = torch.arange(length)[:, None] * frequency(torch.arange(0, size, 2), size)
    return torch.stack([angle.sin(), second(angle)], dim=2).flatten(1)


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


# Right ones


def recursive(word, vocabulary, mark=""):
    for end in reversed(range(1, len(word) + 1)):
        if mark + word[:end] in vocabulary:
            rest = recursive(word[end:], vocabulary, "##") if word[end:] else ()
            return ["[UNK]"] if "[UNK]" in rest else [mark + word[:end], *rest]
    return ["[UNK]"]


def eating_letters(word, vocabulary):
    pieces = []
    while word:
        candidate = word
        while candidate and ("##" if pieces else "") + candidate not in vocabulary:
            candidate = candidate[:-1]
        if not candidate:
            return ("[UNK]",)
        pieces.append(("##" if pieces else "") + candidate)
        word = word[len(candidate) :]
    return tuple(pieces)


def by_regular_expression(word, vocabulary):
    known = {mark: [p for p in vocabulary if p.startswith("##") == bool(mark)] for mark in ("", "##")}
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if pieces else ""
        choices = sorted((p.removeprefix("##") for p in known[mark]), key=len, reverse=True)
        match = re.compile("|".join(map(re.escape, choices))).match(word, start) if choices else None
        if not match or not match[0]:
            return ["[UNK]"]
        pieces.append(mark + match[0])
        start = match.end()
    return pieces


def by_longest_of_all(word, vocabulary):
    pieces, rest, vocabulary = [], word, dict.fromkeys(vocabulary, 1)
    while rest:
        mark = "##" * bool(pieces)
        fitting = [rest[:n] for n in range(1, len(rest) + 1) if vocabulary.get(mark + rest[:n])]
        if not fitting:
            return numpy.array(["[UNK]"])
        pieces.append(mark + max(fitting, key=len))
        rest = rest.removeprefix(max(fitting, key=len))
    return numpy.array(pieces)


def pair_in_numpy(first, second, cls_id, sep_id):
    ids = numpy.concatenate([[cls_id], first, [sep_id], second, [sep_id]])
    return ids, (numpy.arange(len(ids)) >= len(first) + 2).astype(numpy.int64)


def pair_in_torch(first, second, cls_id, sep_id):
    ids = torch.tensor([cls_id] + first + [sep_id] + second + [sep_id])
    types = torch.zeros_like(ids)
    types[len(first) + 2 :] = 1
    return ids, types


def pair_by_loop(first, second, cls_id, sep_id):
    ids, types, kind = [], [], 0
    for token in itertools.chain([cls_id], first, [sep_id], second, [sep_id]):
        ids.append(token)
        types.append(kind)
        kind = kind or int(token == sep_id)
    return [tuple(ids), tuple(types)]


def pair_in_one_array(first, second, cls_id, sep_id):
    return numpy.array(pack_pair(first, second, cls_id, sep_id))


def pair_in_place_on_copies(first, second, cls_id, sep_id):
    a, b = first.copy(), second[:]
    a.insert(0, cls_id)
    a.append(sep_id)
    b += [sep_id]
    return a + b, [0 for _ in a] + [1 for _ in b]


def within_by_formula(first, second, max_length, cls_id, sep_id):
    room = max_length - 3
    a, b = len(first), len(second)
    if a + b > room:
        if b <= room // 2:
            a = room - b
        elif a <= room - room // 2:
            b = room - a
        else:
            a, b = room - room // 2, room // 2
    return [cls_id] + first[:a] + [sep_id] + second[:b] + [sep_id]


def within_by_counting(first, second, max_length, cls_id, sep_id):
    kept = [len(first), len(second)]
    while sum(kept) + 3 > max_length:
        kept[kept[1] >= kept[0]] -= 1
    return (cls_id, *first[: kept[0]], sep_id, *second[: kept[1]], sep_id)


def within_in_numpy(first, second, max_length, cls_id, sep_id):
    first, second = numpy.array(first), numpy.array(second)
    while len(first) + len(second) > max_length - 3:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    return numpy.hstack([cls_id, first, sep_id, second, sep_id])


def within_recursive(first, second, max_length, cls_id, sep_id):
    if 1 + len(first) + 1 + len(second) + 1 <= max_length:
        return torch.tensor([cls_id, *first, sep_id, *second, sep_id])
    shorter = (first[:-1], second) if len(first) > len(second) else (first, second[:-1])
    return within_recursive(*shorter, max_length, cls_id, sep_id)


def embed_in_double(ids, types, token, segment, position, weight, bias):
    total = token.double()[ids] + segment.double()[types] + position.double()[torch.arange(ids.size(1))]
    centered = total - total.mean(-1, keepdim=True)
    return centered / (centered.square().mean(-1, keepdim=True) + 1e-12).sqrt() * weight + bias


def embed_by_module(ids, types, token, segment, position, weight, bias):
    norm = torch.nn.LayerNorm(token.shape[1], eps=1e-12)
    norm.weight.data, norm.bias.data = weight, bias
    places = torch.arange(ids.shape[1]).expand_as(ids)
    return norm(embedding(ids, token) + embedding(types, segment) + embedding(places, position))


def embed_in_numpy(ids, types, token, segment, position, weight, bias):
    token, segment, position, weight, bias = (x.numpy() for x in (token, segment, position, weight, bias))
    total = token[ids.numpy()] + segment[types.numpy()] + position[None, : ids.shape[1]]
    total = (total - total.mean(-1, keepdims=True)) / numpy.sqrt(total.var(-1, keepdims=True) + 1e-12)
    return torch.from_numpy(total * weight + bias)


def embed_by_loops(ids, types, token, segment, position, weight, bias):
    rows = []
    for row, kinds in zip(ids.tolist(), types.tolist(), strict=True):
        for place, (word, kind) in enumerate(zip(row, kinds, strict=True)):
            rows.append(
                layer_norm(token[word] + segment[kind] + position[place], weight.shape, weight, bias, 1e-12)
            )
    return torch.stack(rows).reshape(*ids.shape, -1)


def embed_by_one_hot(ids, types, token, segment, position, weight, bias):
    total = token[ids]
    total += one_hot(types, len(segment)).float() @ segment
    total += position.narrow(0, 0, ids.shape[-1]).unsqueeze(0)
    return layer_norm(total, [token.shape[1]], weight, bias, eps=1e-12)


def waves_by_loops(length, size):
    table = torch.zeros(length, size)
    for t in range(length):
        for i in range(size // 2):
            angle = t / 10000 ** (2 * i / size)
            table[t, 2 * i], table[t, 2 * i + 1] = math.sin(angle), math.cos(angle)
    return table


def waves_by_logarithm(length, size):
    frequencies = torch.exp(torch.arange(0, size, 2) * (-math.log(10000.0) / size))
    angles = torch.outer(torch.arange(length).float(), frequencies)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).reshape(length, size)


def waves_in_numpy(length, size):
    angles = numpy.arange(length)[:, None] / numpy.power(10000, 2 * (numpy.arange(size) // 2) / size)
    angles[:, 0::2], angles[:, 1::2] = numpy.sin(angles[:, 0::2]), numpy.cos(angles[:, 1::2])
    return torch.tensor(angles)


def waves_as_shifted_sines(length, size):
    columns = torch.arange(size, dtype=torch.float64)
    angles = torch.arange(length)[:, None] / 10000 ** ((columns - columns % 2) / size)
    return torch.sin(angles + columns % 2 * math.pi / 2)


RIGHT = {
    "3.1": [recursive, eating_letters, by_regular_expression, by_longest_of_all],
    "3.2": [pair_in_numpy, pair_in_torch, pair_by_loop, pair_in_one_array, pair_in_place_on_copies],
    "3.3": [within_by_formula, within_by_counting, within_in_numpy, within_recursive],
    "3.4": [embed_in_double, embed_by_module, embed_in_numpy, embed_by_loops, embed_by_one_hot],
    "3.5": [waves_by_loops, waves_by_logarithm, waves_in_numpy, waves_as_shifted_sines],
}

WRONG = {
    "3.1": [
        (shortest_first, "longest candidate first"),
        (without_marks, "starts with ##"),
        (first_piece_only, "stop after the first piece"),
        (never_looks_up_marks, "comes out as [UNK], but its pieces"),
        (half_unknown, "the whole word is unknown"),
        (loses_letters, "silently lost"),
        (goes_back, "never given back"),
        (joined_text, "return a list of pieces"),
        (really_shortest_first, "shortest piece that fits"),
        (lambda w, v: split_word(w, v | {"##" + p for p in v}), "can only begin a word"),
        (lambda w, v: ["##" + p.removeprefix("##") for p in split_word(w, v)], "has no ## in front"),
        (lambda w, v: [p for p in split_word(w, v) if p != "[UNK]"], "comes out as an empty list"),
        (lambda w, v: split_word(w, v.discard("s") or v), "you change vocabulary"),
        (lambda w, v: split_word(w, {p for p in v if len(p) != 5}), "by the vocabulary"),
    ],
    "3.2": [
        (no_last_separator, "last [SEP] is missing"),
        (two_starts, "second [CLS]"),
        (first_separator_in_b, "first [SEP] has type 1"),
        (last_separator_in_a, "last [SEP] has type 0"),
        (forgets_special_types, "Every token has a type"),
        (counts_from_one, "types are 1 and 2"),
        (all_in_a, "all types are 0"),
        (lambda a, b, c, s: pack_pair(a, b, 101, 102), "whatever the arguments say"),
        (lambda a, b, c, s: pack_pair(a, b, c, s)[::-1], "in the wrong order"),
        (lambda a, b, c, s: pack_pair(b, a, c, s), "segments have changed places"),
        (
            lambda a, b, c, s: ([str(i) for i in pack_pair(a, b, c, s)[0]], pack_pair(a, b, c, s)[1]),
            "hold text",
        ),
        (
            lambda a, b, c, s: ([i / 1 for i in pack_pair(a, b, c, s)[0]], pack_pair(a, b, c, s)[1]),
            "whole numbers; you",
        ),
        (lambda a, b, c, s: pack_pair(a, b, c, s)[0], "return two lists"),
        (lambda a, b, c, s: ([*a, s, *b, s], [0] * (len(a) + 1) + [1] * (len(b) + 1)), "[CLS] is missing"),
        (lambda a, b, c, s: ([c, *a, *b, s], [0] * len(a) + [1] * (len(b) + 2)), "nothing separates"),
        (lambda a, b, c, s: ([c, *a, s, s, *b, s], [0] * len(a) + [1] * (len(b) + 4)), "three [SEP]"),
        (
            lambda a, b, c, s: (pack_pair(a, b, c, s)[0], [1 - t for t in pack_pair(a, b, c, s)[1]]),
            "types are exchanged",
        ),
        (lambda a, b, c, s: pack_pair(a, b + (b.append(s) or []), c, s), "you change second"),
    ],
    "3.3": [
        (cut_at_the_end, "last [SEP] is gone"),
        (cut_and_mend, "you cut only B"),
        (forgets_special_places, "need 3 places"),
        (half_each, "one token at a time"),
        (cut_at_the_front, "Drop the last tokens"),
        (changes_the_arguments, "change the lists"),
        (ties_cut_a, "shorten A when both are equally long"),
        (lambda a, b, n, c, s: pack_within(a, b, n, 101, 102), "whatever the arguments say"),
        (lambda a, b, n, c, s: [c, *a[: max(0, n - 3 - len(b))], s, *b[: n - 3], s], "a long B crowds out"),
        (lambda a, b, n, c, s: pack_pair(a, b, c, s), "return one list of ids"),
        (lambda a, b, n, c, s: pack_within(a, b, n, c, s)[:-1] + [0], "each segment must end with [SEP]"),
        (in_proportion, "always shortening the longer segment"),
    ],
    "3.4": [
        (without_norm, "LayerNorm is missing"),
        (without_positions, "position embeddings are missing"),
        (without_segments, "segment embeddings are missing"),
        (scaled, "root of H"),
        (concatenated, "side by side"),
        (default_eps, "1e-12"),
        (norm_of_each, "normalizes the sum once"),
        (
            lambda i, k, t, s, p, w, b: _norm(t[i] + s[0] + p[: i.shape[1]], w, b),
            "every token is in segment A",
        ),
        (
            lambda i, k, t, s, p, w, b: _norm(t[i] + s[k] + p[1 : i.shape[1] + 1], w, b),
            "positions start at 1",
        ),
        (lambda i, k, t, s, p, w, b: _norm(t[i] + s[k] + p[i % len(p)], w, b), "by the ids of words"),
        (lambda i, k, t, s, p, w, b: _norm(s[k] + p[: i.shape[1]], w, b), "token embeddings are missing"),
        (lambda i, k, t, s, p, w, b: _norm(t[i] * s[k] * p[: i.shape[1]], w, b), "multiply the three"),
        (
            lambda i, k, t, s, p, w, b: _norm(t[i] + s[k] + p[: i.shape[1]], None, None),
            "LayerNorm's weight and bias are missing",
        ),
        (by_unbiased_variance, "unbiased=False"),
        (
            lambda i, k, t, s, p, w, b: _norm(t[i] + s[k] + p[: i.shape[1]], w, 2 * b),
            "differ from the real layer's",
        ),
        (lambda i, k, t, s, p, w, b: t[i].tolist(), "return one tensor"),
        (
            lambda i, k, t, s, p, w, b: _norm(t[i] + s[k] + p.mul_(1.01)[: i.shape[1]] / 1.01, w, b),
            "you change position",
        ),
    ],
    "3.5": [
        (side_by_side, "interleaves them"),
        (from_one, "positions start at 1"),
        (own_wavelength_each, "different wavelengths"),
        (half_exponent, "half as fast"),
        (cosines_first, "changed places"),
        (turned, "shape (40, 16)"),
        (lambda n, h: sinusoids(n, h).long(), "sines need decimals"),
        (lambda n, h: _waves(n, h, lambda i, h: 10000 ** (i / h)), "divides by it"),
        (lambda n, h: _waves(n, h, lambda i, h: 1000 ** (-i / h)), "your base is 1000"),
        (lambda n, h: _waves(n, h, lambda i, h: 10000 ** (-2 * i / h)), "twice as fast"),
        (lambda n, h: _waves(n, h, lambda i, h: 10000 ** (-i / h) * math.pi / 180), "in radians already"),
        (lambda n, h: _waves(n, h, lambda i, h: 10000 ** (-i / h), torch.sin), "every column is a sine"),
        (lambda n, h: sinusoids(n, h).flip(1), "position 0 begins with"),
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
