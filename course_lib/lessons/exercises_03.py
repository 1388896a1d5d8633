"""Exercises and quiz of lesson 03, input embeddings."""

import math
import random
from functools import lru_cache

import torch

from course_lib.bert.inputs import truncate_longest_first
from course_lib.lessons.answer_forms import as_ids, as_list, changed_argument
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, describe
from course_lib.translation import Message


def unchanged(given, before):
    """Raise a mistake if an answer has changed one of the values that it was given."""
    name = changed_argument(given, before)
    if name:
        raise Mistake(
            "you change {name}, but the caller still needs it. Work on a copy: list(…), set(…) or .clone().",
            name=name,
        )


# 3.1 ----------------------------------------------------------------------------------------------


def split_word(word, vocabulary):
    """Return the pieces of one word: again and again the longest piece that the vocabulary knows."""
    pieces, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        for end in range(len(word), start, -1):  # the longest candidate first
            if prefix + word[start:end] in vocabulary:
                break
        else:
            return ["[UNK]"]  # no candidate: the whole word is unknown
        pieces.append(prefix + word[start:end])
        start = end
    return pieces


PIECES = {
    "[UNK]",
    "play",
    "playing",
    "un",
    "u",
    "##able",
    "##break",
    "##b",
    "##r",
    "##e",
    "##ing",
    "##s",
    "s",
    "p",
}
PIECES |= {"ab", "a", "##bc"}
WORDS = ("play", "plays", "playing", "unbreakable", "playx", "xplay", "unplay", "abc")


def _without_marks_too(word, vocabulary):
    """Return what comes out if a later piece may be one without ## as well."""
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            if word[start:end] in vocabulary or (start and "##" + word[start:end] in vocabulary):
                break
        else:
            return ["[UNK]"]
        pieces.append(word[start:end])
        start = end
    return pieces


def _shortest_first(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        ends = [end for end in range(start + 1, len(word) + 1) if prefix + word[start:end] in vocabulary]
        if not ends:
            return ["[UNK]"]
        pieces.append(prefix + word[start : ends[0]])
        start = ends[0]
    return pieces


def _random_words(generator):
    """Return a vocabulary over three letters and a word of them, most of which can be spelled."""
    letters = [generator.choice("abc") for _ in range(generator.randint(1, 8))]
    texts = ["".join(generator.choice("abc") for _ in range(generator.randint(1, 3))) for _ in range(12)]
    singles = generator.sample(["a", "b", "c", "##a", "##b", "##c"], generator.randint(3, 6))
    return "".join(letters), {generator.choice(("", "##")) + text for text in texts} | set(singles)


def examine_split_word(answer):
    for word in WORDS:
        vocabulary = set(PIECES)
        result = _pieces(call(answer, word, vocabulary), word, PIECES)
        unchanged({"vocabulary": vocabulary}, {"vocabulary": PIECES})
        if result != split_word(word, PIECES):
            fault = _fault_of_split(answer, word, result)
            raise Mistake(fault)
    generator = random.Random(31)
    for word, vocabulary in (_random_words(generator) for _ in range(150)):
        result, reference = (
            _pieces(call(answer, word, set(vocabulary)), word, vocabulary),
            split_word(word, vocabulary),
        )
        if result != reference:
            raise Mistake(
                "{word!r} comes out as {result}; it should be {reference}, by the vocabulary {vocabulary}.",
                word=word,
                result=result,
                reference=reference,
                vocabulary=sorted(vocabulary),
            )


def _pieces(result, word, vocabulary):
    pieces = as_list(result)
    if pieces is None or not all(isinstance(piece, str) for piece in pieces):
        raise Mistake(
            "return a list of pieces, such as {reference}, not {result!r}.",
            reference=split_word(word, vocabulary),
            result=result,
        )
    return [str(piece) for piece in pieces]


def _fault_of_split(answer, word, result):
    """Return what to say of an answer that splits a word of ``WORDS`` into the wrong pieces."""
    bare, reference = [piece.removeprefix("##") for piece in result], split_word(word, PIECES)
    if not result:
        return Message(
            "{word!r} comes out as an empty list. Append each piece that you find; a word that can't be spelled is ['[UNK]'].",
            word=word,
        )
    if result == _shortest_first(word, PIECES) and _pieces(
        call(answer, "playing", set(PIECES)), "playing", PIECES
    ) == _shortest_first("playing", PIECES):
        return Message(
            "{word!r} comes out as {result}: you take the shortest piece that fits. Try the longest candidate "
            "first: let the end run from len(word) down.",
            word=word,
            result=result,
        )
    if word == "playing" and result == ["play", "##ing"]:
        return Message(
            "'playing' comes out as play ##ing, but playing itself is in the vocabulary. Try the "
            "longest candidate first, then shorter ones."
        )
    if result == ["##" + piece for piece in bare] and bare[0] == reference[0]:
        return Message(
            "{word!r} comes out as {result}. The first piece of a word has no ## in front, because it "
            "doesn't continue anything.",
            word=word,
            result=result,
        )
    if word in ("plays", "unbreakable") and result == bare and "".join(bare) == word:
        return Message(
            "{word!r} comes out as {result}. A piece that continues a word starts with ##: look up '##' "
            "+ the rest, and return it like that.",
            word=word,
            result=result,
        )
    if word in ("plays", "unbreakable") and reference[0] == result[0] and len(result) == 1:
        return Message(
            "{word!r} comes out as {result}: you stop after the first piece. Continue from where it ended, "
            "until the word is used up.",
            word=word,
            result=result,
        )
    if word in ("plays", "unbreakable") and result == ["[UNK]"]:
        return Message(
            "{word!r} comes out as [UNK], but its pieces are in the vocabulary. After the first piece, "
            "look up '##' + the rest.",
            word=word,
        )
    if word in ("playx", "xplay") and "[UNK]" in result and len(result) > 1:
        return Message(
            "{word!r} comes out as {result}. If one part can't be spelled, the whole word is unknown: "
            "return ['[UNK]'] alone.",
            word=word,
            result=result,
        )
    if word in ("playx", "xplay") and "[UNK]" not in result:
        return Message(
            "{word!r} comes out as {result}. No piece contains the x, so it's silently lost. Return "
            "['[UNK]'] for such a word.",
            word=word,
            result=result,
        )
    if word == "unplay" and bare == _without_marks_too(word, PIECES):
        return Message(
            "'unplay' comes out as {result}, but ##play isn't in the vocabulary. A piece without ## can "
            "only begin a word. From the second piece on, look up '##' + the rest and nothing else.",
            result=result,
        )
    if word == "abc" and result == ["a", "##bc"]:
        return Message(
            "'abc' comes out as a ##bc. That's a possible split, but not the greedy one: ab is longer "
            "than a, and once taken it's never given back. After ab nothing fits, so the word is [UNK]."
        )
    return Message(
        "{word!r} comes out as {result}; it should be {reference}.",
        word=word,
        result=result,
        reference=reference,
    )


# 3.2 ----------------------------------------------------------------------------------------------


def pack_pair(first, second, cls_id, sep_id):
    """Return the ids of [CLS] first [SEP] second [SEP], and the token type of each."""
    input_ids = [cls_id, *first, sep_id, *second, sep_id]
    token_type_ids = [0] * (len(first) + 2) + [1] * (len(second) + 1)
    return input_ids, token_type_ids


def examine_pack_pair(answer):
    generator = random.Random(32)
    cases = [([7, 8, 9], [4, 5], 101, 102), ([7], [4, 5, 6, 3], 101, 102), ([12, 15], [11], 2, 3)]
    for _ in range(30):
        cls_id, sep_id, *ids = generator.sample(range(200), generator.randint(4, 20))
        cut = generator.randint(1, len(ids) - 1)
        cases.append((ids[:cut], ids[cut:], cls_id, sep_id))
    for first, second, cls_id, sep_id in cases:
        given = {"first": list(first), "second": list(second)}
        result = call(answer, *given.values(), cls_id, sep_id)
        unchanged(given, {"first": first, "second": second})
        _examine_pair(result, first, second, cls_id, sep_id)


def _examine_pair(result, first, second, cls_id, sep_id):
    parts = as_list(result)
    lists = [as_list(part) for part in parts] if parts is not None and len(parts) == 2 else []
    if not lists or None in lists:
        raise Mistake("return two lists, the ids and the token types, not {result!r}.", result=result)
    if any(isinstance(value, str) for part in lists for value in part):
        raise Mistake(
            "your lists hold text. Ids and types are whole numbers that look up rows of a table: 7, not '7'."
        )
    ids, types = map(as_ids, parts)
    if ids is None or types is None:
        raise Mistake("ids and types must be whole numbers; you return {result!r}.", result=result)
    reference_ids, reference_types = pack_pair(first, second, cls_id, sep_id)
    if ids == reference_types and types == reference_ids:
        raise Mistake("both lists are right, but in the wrong order: the ids come first, then the types.")
    if (cls_id, sep_id) != (101, 102) and ids == pack_pair(first, second, 101, 102)[0]:
        raise Mistake(
            "you write 101 and 102, whatever the arguments say. Another vocabulary has other ids: use cls_id and "
            "sep_id."
        )
    if ids == [*first, sep_id, *second, sep_id]:
        raise Mistake("[CLS] is missing. Every sequence begins with it.")
    if ids == [cls_id, *first, *second, sep_id]:
        raise Mistake("nothing separates the segments. Each segment ends with [SEP], and so does A.")
    if ids == reference_ids[:-1]:
        raise Mistake("the last [SEP] is missing. Each segment ends with one, and so does B.")
    if ids == [cls_id, *second, sep_id, *first, sep_id]:
        raise Mistake("the segments have changed places: `first` is A, `second` is B.")
    if ids.count(cls_id) == 2:
        raise Mistake(
            "there is a second [CLS] before segment B. A sequence has one [CLS]; between the segments there is "
            "only [SEP]."
        )
    if ids.count(sep_id) == 3:
        raise Mistake("there are three [SEP] tokens. One ends A and one ends B; B doesn't begin with one.")
    if ids != reference_ids:
        raise Mistake(
            "for A = {first} and B = {second} the ids are {ids}; they should be {reference_ids}.",
            first=first,
            second=second,
            ids=ids,
            reference_ids=reference_ids,
        )
    fault = _fault_of_types(types, reference_types, first, second)
    if fault:
        raise Mistake(fault)


def _fault_of_types(types, reference, first, second):
    """Return what to say of wrong token types, None if they are right."""
    if types == reference:
        return None
    if len(types) != len(reference):
        return Message(
            "there are {count} ids and {types} token types. Every token has a type, including [CLS] and "
            "both [SEP].",
            count=len(reference),
            types=len(types),
        )
    if set(types) == {1, 2}:
        return Message("your types are 1 and 2. They index a table with two rows, so they are 0 and 1.")
    if types == [1 - t for t in reference]:
        return Message("your types are exchanged. Segment A is 0, B is 1.")
    if types == [0] * (len(first) + 1) + [1] * (len(second) + 2):
        return Message("the first [SEP] has type 1. It ends segment A, so its type is 0, like that of [CLS].")
    if types == [*reference[:-1], 0]:
        return Message("the last [SEP] has type 0. It ends segment B, so its type is 1.")
    if not any(types):
        return Message("all types are 0, so the model can't tell the segments apart. B and its [SEP] are 1.")
    return Message(
        "for A = {first} and B = {second} the types are {types}; they should be {reference}.",
        first=first,
        second=second,
        types=types,
        reference=reference,
    )


# 3.3 ----------------------------------------------------------------------------------------------


def pack_within(first, second, max_length, cls_id, sep_id):
    """Return [CLS] first [SEP] second [SEP], shortened to max_length ids at most."""
    first, second = list(first), list(second)  # copies: the caller's lists stay whole
    while len(first) + len(second) > max_length - 3:
        longer = first if len(first) > len(second) else second
        longer.pop()
    return [cls_id, *first, sep_id, *second, sep_id]


def examine_pack_within(answer):
    generator = random.Random(33)
    cases = [(*sizes, 101, 102) for sizes in ((3, 4, 20), (3, 4, 10), (4, 10, 12), (10, 4, 12), (9, 9, 12))]
    for _ in range(60):
        cls_id, sep_id = generator.sample(range(200, 300), 2)
        sizes = generator.randint(1, 12), generator.randint(1, 12), generator.randint(5, 24)
        cases.append((*sizes, cls_id, sep_id))
    for length_a, length_b, max_length, cls_id, sep_id in cases:
        first, second = list(range(1, 1 + length_a)), list(range(51, 51 + length_b))
        given = list(first), list(second)
        result = call(answer, *given, max_length, cls_id, sep_id)
        ids = as_ids(result)
        if ids is None:
            raise Mistake("return one list of ids, without the types, not {result!r}.", result=result)
        if given != (first, second):
            raise Mistake(
                "you change the lists that you were given, but the caller still needs them. Work on "
                "copies: first = list(first)."
            )
        if ids != pack_within(first, second, max_length, cls_id, sep_id):
            fault = _fault_of_cut(ids, first, second, max_length, cls_id, sep_id)
            raise Mistake(fault)


def _fault_of_cut(ids, first, second, max_length, cls_id, sep_id):
    """Return what to say of a pair that was shortened in the wrong way."""
    whole = [cls_id, *first, sep_id, *second, sep_id]
    reference = pack_within(first, second, max_length, cls_id, sep_id)
    lengths = len(first), len(second)
    where = Message(
        "A has {first} tokens, B has {second}, max_length is {max_length}",
        first=lengths[0],
        second=lengths[1],
        max_length=max_length,
    )
    if (cls_id, sep_id) != (101, 102) and ids == pack_within(first, second, max_length, 101, 102):
        return Message("you write 101 and 102, whatever the arguments say: use cls_id and sep_id.")
    if ids == whole[:max_length] and ids[-1:] != [sep_id]:
        return Message(
            "{where}: you cut the packed sequence, and the last [SEP] is gone. Shorten the segments "
            "first, then add the special tokens.",
            where=where,
        )
    if ids == [*whole[: max_length - 1], sep_id]:
        return Message(
            "{where}: the last [SEP] is there, but you cut only B. Take tokens from the longer segment, "
            "one at a time.",
            where=where,
        )
    if len(ids) > max_length:
        return Message(
            "{where}: you return {count} ids. [CLS] and two [SEP] need 3 places, so the segments share "
            "max_length - 3.",
            where=where,
            count=len(ids),
        )
    if len(ids) < len(reference):
        return Message(
            "{where}: you return {count} ids, although {room} fit. Cut only while the segments are too "
            "long, one token at a time.",
            where=where,
            count=len(ids),
            room=len(reference),
        )
    if ids.count(sep_id) != 2 or ids[-1] != sep_id or ids[0] != cls_id:
        return Message(
            "{where}: the result is {ids}. It must begin with [CLS], and each segment must end with [SEP].",
            where=where,
            ids=ids,
        )
    cut = ids.index(sep_id)
    a, b = ids[1:cut], ids[cut + 1 : -1]
    if (a, b) != (first[: len(a)], second[: len(b)]):
        return Message(
            "{where}: you cut at the front, or out of order. Drop the last tokens, as list.pop() does.",
            where=where,
        )
    kept = truncate_longest_first(*lengths, max_length - 3)
    if len(a) == max(0, max_length - 3 - lengths[1]) < kept[0]:
        return Message(
            "{where}: you cut only A, so a long B crowds out a short question. Take tokens from the "
            "longer segment, one at a time.",
            where=where,
        )
    if abs(len(a) - len(b)) <= 1 and (len(b), len(a)) == kept:
        return Message(
            "{where}: you shorten A when both are equally long. In that case the original shortens B (its "
            "test is `>`, not `>=`).",
            where=where,
        )
    return Message(
        "{where}: you keep {a} and {b} tokens; always shortening the longer segment leaves "
        "{reference_a} and {reference_b}.",
        where=where,
        a=len(a),
        b=len(b),
        reference_a=kept[0],
        reference_b=kept[1],
    )


# 3.4 ----------------------------------------------------------------------------------------------


def embed(input_ids, token_type_ids, token, segment, position, norm_weight, norm_bias):
    """Return the sum of the three embeddings, then LayerNorm with eps 1e-12: (B, T, H)."""
    length = input_ids.shape[1]
    total = token[input_ids] + segment[token_type_ids] + position[:length]  # (B, T, H); (T, H) for each row
    return torch.nn.functional.layer_norm(total, total.shape[-1:], norm_weight, norm_bias, eps=1e-12)


@lru_cache(maxsize=1)
def real_tables():
    """Return the five tensors of the real MiniLM embeddings, in the order in which ``embed`` takes them."""
    from course_lib.bert.loading import load_encoder
    from course_lib.data.weights import bundled_weights_folder

    e = load_encoder(bundled_weights_folder()).embeddings
    tables = e.token.weight, e.segment.weight, e.position.weight, e.norm.weight, e.norm.bias
    return tuple(table.detach() for table in tables)


NAMES = ("input_ids", "token_type_ids", "token", "segment", "position", "norm_weight", "norm_bias")


def _random_tables(generator):
    """Return ids, types and tables of a small model, in the order in which ``embed`` takes them."""
    B, T, V, P, H = 3, 4, 30, 9, 6
    ids = torch.randint(0, V, (B, T), generator=generator)
    types = torch.randint(0, 3, (B, T), generator=generator)
    tables = [torch.randn(rows, H, generator=generator) for rows in (V, 3, P)]
    return (ids, types, *tables, *torch.randn(2, H, generator=generator).unbind())


def examine_embed(answer):
    ids = torch.tensor([[101, 7592, 2088, 102, 2129, 102], [101, 2054, 102, 2522, 2283, 102]])
    types = torch.tensor([[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]])
    generator = torch.Generator().manual_seed(34)
    for arguments in (
        (ids, types, *real_tables()),
        (ids[:1, :1], types[:1, :1], real_tables()[0][:200], *real_tables()[1:]),
        _random_tables(generator),
    ):
        copies = [tensor.clone() for tensor in arguments]
        with torch.no_grad():
            result = call(answer, *copies)
            _examine_embedded(result, *arguments)
        unchanged(dict(zip(NAMES, copies, strict=True)), dict(zip(NAMES, arguments, strict=True)))


def _examine_embedded(result, ids, types, token, segment, position, weight, bias):
    size = token.shape[1]
    if isinstance(result, torch.Tensor) and result.dim() and result.shape[-1] == 3 * size:
        raise Mistake(
            "you put the three embeddings side by side, which gives {numbers} numbers for each token. Add "
            "them instead, so that there are still {size}.",
            numbers=3 * size,
            size=size,
        )
    if not isinstance(result, torch.Tensor) or result.shape != (*ids.shape, size):
        raise Mistake(
            "return one tensor of shape (B, T, H), here {shape}; you return {kind}.",
            shape=(*ids.shape, size),
            kind=describe(result),
        )
    places = torch.arange(ids.shape[1])

    def normed(total, eps=1e-12):
        return torch.nn.functional.layer_norm(total, (size,), weight, bias, eps=eps)

    t, s, p = token[ids], segment[types], position[places]
    result, reference = result.float(), normed(t + s + p)
    if torch.allclose(result, reference, atol=2e-5):
        return
    by_var = (t + s + p - (t + s + p).mean(-1, keepdim=True)) / (
        (t + s + p).var(-1, keepdim=True) + 1e-12
    ).sqrt()
    usual = [
        (
            t + s + p,
            Message(
                "the sum is right, but LayerNorm is missing. It comes after the sum, before the first block."
            ),
        ),
        (
            normed(t + s),
            Message(
                "the position embeddings are missing. Without them BERT can't tell one word order from "
                "another."
            ),
        ),
        (normed(t + p), Message("the segment embeddings are missing. Look token_type_ids up in `segment`.")),
        (
            normed(t + segment[0] + p),
            Message(
                "every token is in segment A. Look token_type_ids up in `segment`, instead of taking its "
                "first row."
            ),
        ),
        (
            normed(t + s + position[(places + 1) % len(position)]),
            Message("your positions start at 1. [CLS] has position 0."),
        ),
        (
            normed(t + s + position[ids % len(position)]),
            Message(
                "you look up positions by the ids of words. A position is the token's place in the row: "
                "0, 1, 2, ..."
            ),
        ),
        (
            normed(t + s + position[: len(ids), None]),
            Message(
                "every token of a row has the same position, the number of its row. Positions run along the "
                "sequence, the second axis."
            ),
        ),
        (
            normed(t * math.sqrt(size) + s + p),
            Message(
                "you multiply the token embeddings by the root of H. The Transformer of 2017 does; BERT "
                "doesn't."
            ),
        ),
        (
            by_var * weight + bias,
            Message(
                "your variance divides by H - 1, as var() and std() do by default. LayerNorm divides by H: "
                "unbiased=False."
            ),
        ),
        (
            normed(s + p),
            Message(
                "the token embeddings are missing, so nothing says which word it is. Look input_ids up in "
                "`token`."
            ),
        ),
        (
            normed(t * s * p),
            Message("you multiply the three embeddings. They are added."),
        ),
        (
            normed(t + s + p, 1e-5),
            Message("you're very close. LayerNorm's eps is 1e-12 in BERT; torch's default is 1e-5."),
        ),
        (
            torch.nn.functional.layer_norm(t + s + p, (size,), eps=1e-12),
            Message("LayerNorm's weight and bias are missing: pass norm_weight and norm_bias."),
        ),
        (
            normed(t) + normed(s) + normed(p),
            Message(
                "you normalize each embedding and then add. BERT adds first, and normalizes the sum once."
            ),
        ),
    ]
    for wrong, message in usual:
        if torch.allclose(result, wrong, atol=2e-5):
            raise Mistake(message)
    raise Mistake(
        "your numbers differ from the real layer's by up to {largest:.3f}. Three look-ups, two additions, "
        "one LayerNorm.",
        largest=float((result - reference).abs().max()),
    )


# 3.5 ----------------------------------------------------------------------------------------------


def sinusoids(length, size):
    """Return the sinusoidal position embeddings (length, size): sines at even columns, cosines at odd."""
    position = torch.arange(length, dtype=torch.float32)[:, None]  # (T, 1)
    column = torch.arange(0, size, 2, dtype=torch.float32)  # (H/2,): this is 2i in the paper
    angle = position / 10000 ** (column / size)  # (T, H/2)
    table = torch.empty(length, size)
    table[:, 0::2], table[:, 1::2] = angle.sin(), angle.cos()
    return table


def examine_sinusoids(answer):
    for length, size in ((40, 16), (7, 4), (1, 2), (512, 384), (5, 30)):
        result, reference = call(answer, length, size), sinusoids(length, size)
        if not isinstance(result, torch.Tensor) or result.shape != (length, size):
            raise Mistake(
                "for length {length} and size {size}, return one tensor of shape ({length}, {size}); you return "
                "{kind}.",
                length=length,
                size=size,
                kind=describe(result),
            )
        if not result.is_floating_point():
            raise Mistake("your tensor holds {kind}; sines need decimals. Return floats.", kind=result.dtype)
        # Angles go up to 511, where 32-bit numbers are 3e-5 apart.
        if not torch.allclose(result.float(), reference, atol=1e-3):
            fault = _fault_of_waves(result.float(), reference)
            raise Mistake(fault)


def _fault_of_waves(result, reference):
    """Return what to say of a table of sinusoids that isn't the paper's."""
    length, size = reference.shape
    sine, cosine = reference[:, 0::2], reference[:, 1::2]
    places = torch.arange(length)[:, None]

    def same(other):
        return other.shape == result.shape and torch.allclose(result, other, atol=1e-3)

    def waves(angle):
        return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)

    every_column = places / 10000 ** (torch.arange(size) / size)
    even = torch.arange(0, size, 2) / size
    messages = {
        "halves": Message(
            "all sines come first, then all cosines. The paper interleaves them: even columns are sines, "
            "odd ones cosines. table[:, 0::2] is every other column."
        ),
        "exchanged": Message("sines and cosines have changed places: even columns (0, 2, ...) are sines."),
        "one": Message(
            "your positions start at 1. The first token has position 0, so its sines are 0 and its "
            "cosines are 1."
        ),
        "each": Message(
            "a sine and the cosine next to it have different wavelengths. Columns 2i and 2i + 1 share the "
            "exponent 2i / size."
        ),
        "slow": Message(
            "your wavelengths grow half as fast as they should: the exponent is 2i / size, where 2i is the "
            "even column (0, 2, 4, ...)."
        ),
        "fast": Message(
            "your wavelengths grow twice as fast as they should. If you count the pairs by i, the exponent is "
            "2i / size; if you count even columns, they are 2i already."
        ),
        "times": Message(
            "you multiply by the power of 10000. The paper divides by it, so that later columns change "
            "more and more slowly."
        ),
        "sines": Message("every column is a sine. The odd ones are cosines of the same angle."),
        "thousand": Message("your base is 1000. It should be 10000, with four zeros."),
        "degrees": Message(
            "you turn the angle into radians, but it's in radians already: no deg2rad, no factor π / 180."
        ),
    }
    usual = {
        "halves": torch.cat([sine, cosine], dim=1),
        "exchanged": torch.stack([cosine, sine], dim=2).flatten(1),
        "one": sinusoids(length + 1, size)[1:],
        "each": torch.where(torch.arange(size) % 2 == 0, every_column.sin(), every_column.cos()),
        "slow": waves(places / 10000 ** (even / 2)),
        "fast": waves(places / 10000 ** (even * 2)),
        "sines": torch.stack([sine, sine], dim=2).flatten(1),
        "thousand": waves(places / 1000**even),
        "degrees": waves(places / 10000**even * math.pi / 180),
    }
    for name, other in usual.items():
        if same(other):
            return messages[name]
    if torch.allclose(result[:, 0::2], (places * 10000**even).sin(), atol=1e-2):
        return messages["times"]
    wrong = int((result - reference).abs().amax(dim=1).gt(1e-3).nonzero()[0])
    return Message(
        "position {place} begins with {start}; it should begin with {target}.",
        place=wrong,
        start=_first(result[wrong]),
        target=_first(reference[wrong]),
    )


def _first(row) -> str:
    return ", ".join(f"{value:.3f}" for value in row[:4].tolist())


EXERCISES = [
    Exercise(
        identifier="3.1",
        title="Greedy longest match",
        difficulty=2,
        minutes=15,
        examine=examine_split_word,
        hints=(
            (
                "Keep track of a position `start` in the word. While it isn't at the end, look for the "
                "longest piece that begins there."
            ),
            (
                "for end in range(len(word), start, -1) tries the longest candidate first. From the second "
                "piece on, the candidate is '##' + word[start:end]."
            ),
            (
                "If no candidate is in the vocabulary, return ['[UNK]'] at once. Otherwise append the piece "
                "and set start = end."
            ),
        ),
        solution=split_word,
        praise="You've written the heart of BERT's tokenizer, and it gives the right pieces with 150 "
        "made-up vocabularies.",
    ),
    Exercise(
        identifier="3.2",
        title="Pack a pair",
        difficulty=1,
        minutes=10,
        examine=examine_pack_pair,
        hints=(
            "The order is [CLS] A [SEP] B [SEP].",
            "You can build a list with stars: [cls_id, *first, sep_id, ...].",
            (
                "How many tokens does segment A have with its two special tokens, and segment B with its one? "
                "[0] * 5 is a list of five zeros."
            ),
        ),
        solution=pack_pair,
        praise="Two lists of the same length: that's what BERT reads.",
    ),
    Exercise(
        identifier="3.3",
        title="Truncate, and keep [SEP]",
        difficulty=2,
        minutes=15,
        examine=examine_pack_within,
        hints=(
            "Shorten the segments before you add [CLS] and [SEP]. How many places are left for them?",
            "while len(first) + len(second) > max_length - 3: take one token from the end of the longer one.",
            (
                "Work on copies, list(first) and list(second). Which one is longer may change with every token "
                "that you drop, so ask again each time."
            ),
        ),
        solution=pack_within,
        praise="No [SEP] is ever lost, and a long segment can't crowd out a short one.",
    ),
    Exercise(
        identifier="3.4",
        title="The embedding layer",
        difficulty=2,
        minutes=10,
        examine=examine_embed,
        hints=(
            "Indexing a table with a tensor of ids looks all of them up: token[input_ids] is (B, T, H).",
            (
                "Positions are 0, 1, 2, ...: position[:input_ids.shape[1]] is (T, H), and adding broadcasts "
                "it over the rows."
            ),
            "Normalize the sum once, over its last axis: torch.nn.functional.layer_norm takes the shape, "
            "the weight, the bias and eps.",
        ),
        solution=embed,
        praise="Your layer gives the same numbers as the real model's.",
    ),
    Exercise(
        identifier="3.5",
        title="Sinusoidal positions",
        difficulty=2,
        minutes=10,
        examine=examine_sinusoids,
        hints=(
            "Each pair of columns 2i and 2i + 1 shares one angle: position / 10000 ** (2i / size).",
            (
                "torch.arange(0, size, 2) gives all 2i; torch.arange(length)[:, None] / ... gives all "
                "angles, (length, size / 2)."
            ),
            "Make an empty table of (length, size) and fill every other column: table[:, 0::2] are the even ones.",
        ),
        solution=sinusoids,
        praise="Your table works for any length, and there's nothing in it to train.",
    ),
]

QUIZ = [
    Question(
        "BERT could give every word a number. What does it gain by cutting rare words into pieces?",
        Option(
            "A list of fixed size that can spell almost any word.",
            "Frequent words stay whole, rare ones are built from parts, and hardly anything is unknown.",
            correct=True,
        ),
        Option(
            "Sequences that are shorter than those of whole words.",
            "Compared with letters they're shorter; compared with words they're longer. What shrinks is the vocabulary.",
        ),
        Option(
            "Parts that are syllables and have a meaning each.",
            "A piece is whatever the trainer's counting favored. Some are meaningful endings, many aren't.",
        ),
        Option(
            "Attention that can look into the letters of a word.",
            "Attention works between tokens of any kind, and a frequent word is still a single token.",
        ),
    ),
    Question(
        "A vocabulary holds `ab`, `a` and `##bc`. What becomes of the word `abc`?",
        Option(
            "`a ##bc`",
            "That would be a split, but greedy matching takes `ab` first and never goes back.",
        ),
        Option("`ab [UNK]`", "A word is never half unknown: if any part fails, the whole word is `[UNK]`."),
        Option(
            "`[UNK]`",
            "`ab` is the longest match; then `##c` is missing, and the whole word is lost.",
            correct=True,
        ),
        Option("`ab ##c`", "`##c` isn't in the vocabulary, so it can't be produced."),
    ),
    Question(
        "Token, segment and position embeddings are added. Why isn't that a hopeless mixture?",
        Option(
            "LayerNorm takes the three parts of a sum apart again.",
            "LayerNorm only shifts and scales the sum. It knows nothing of the three parts.",
        ),
        Option(
            "Each of the three tables uses other columns of the vector.",
            "No column is reserved for any of them; each table may use all columns.",
        ),
        Option(
            "The last layer undoes the sum before anyone needs the parts.",
            "Nothing undoes it. The layers read from it what they need.",
        ),
        Option(
            "They point in nearly separate directions of a large space.",
            "You've measured it: small cosines, and a linear probe that finds word and position in the sum.",
            correct=True,
        ),
    ),
    Question(
        "Which positions does BERT have for a text of 600 tokens?",
        Option(
            "0 to 599: the waves have no end.",
            "BERT's positions are learned, not computed: there's one row for each of 512.",
        ),
        Option(
            "0 to 511, so the rest must go elsewhere.",
            "Truncate the text, or cut it into windows. A clear error is better than a made-up vector.",
            correct=True,
        ),
        Option(
            "0 to 511, where 88 tokens share the last one.",
            "A program could do that, but the model was never trained that way. Ours refuses.",
        ),
        Option(
            "0 to 511, and then it begins again at 0.",
            "Then two tokens would claim the same place. A window is a new sequence instead.",
        ),
    ),
    Question(
        "What does the attention mask of a padded batch say?",
        Option(
            "Which tokens are real, and which are padding.",
            "1 is real, 0 is padding. Without it, each sentence would depend on the longest one in its batch.",
            correct=True,
        ),
        Option(
            "Which tokens are hidden, and must be predicted.",
            "That's `[MASK]`, a token. The attention mask tells real tokens from padding.",
        ),
        Option(
            "Which tokens belong to segment B.",
            "That's the task of the token type ids.",
        ),
        Option(
            "Which tokens are pieces of the same word.",
            "The `##` tells that, and the encoding's word numbers. The encoder isn't told.",
        ),
    ),
    Question(
        "Someone sorts the lines of `vocab.txt` by the alphabet and changes nothing else. What happens?",
        Option(
            "Nothing changes, because words are looked up by their text.",
            "The pieces stay the same, but the place in the list is the id, and the id picks the row of the table.",
        ),
        Option(
            "It runs, and every token gets the vector of some other.",
            "All ids are valid and all are wrong. There's no error: only the scores would tell you.",
            correct=True,
        ),
        Option(
            "It stops, because the ids no longer fit the table.",
            "There are as many lines as before, so each id still has a row.",
        ),
        Option(
            "It runs, but words are cut into other pieces than before.",
            "Greedy matching asks only whether a piece is in the list, wherever it is.",
        ),
    ),
    Question(
        "A has 300 tokens and B has 20, and `max_length` is 128. How much does BERT's truncation leave?",
        Option(
            "64 of A and 20 of B",
            "There's room for 125 tokens of text. Cutting stops as soon as both fit.",
        ),
        Option(
            "117 of A and 8 of B",
            "That's in proportion to their lengths. The rule always cuts the longer one, and A stays the longer one.",
        ),
        Option(
            "105 of A and 20 of B",
            "Three places go to `[CLS]` and two `[SEP]`. A is longer all the way down to 105, so B loses nothing.",
            correct=True,
        ),
        Option(
            "108 of A and 20 of B",
            "That fills 128 places with text alone. `[CLS]` and two `[SEP]` need three of them.",
        ),
    ),
]
