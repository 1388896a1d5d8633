"""Exercises and quiz of lesson 03, input embeddings."""

import math
from functools import lru_cache

import torch

from course_lib.bert.inputs import truncate_longest_first
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, describe
from course_lib.translation import Message

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


def examine_split_word(answer):
    for word in ("play", "plays", "playing", "unbreakable", "playx", "xplay", "abc"):
        result, reference = call(answer, word, set(PIECES)), split_word(word, PIECES)
        if not isinstance(result, (list, tuple)) or not all(isinstance(piece, str) for piece in result):
            raise Mistake(
                "return a list of pieces, such as {reference}; you return {result!r}.",
                reference=reference,
                result=result,
            )
        result = list(result)
        if result == reference:
            continue
        bare = [piece.removeprefix("##") for piece in result]
        if word == "playing" and result == ["play", "##ing"]:
            raise Mistake(
                "'playing' comes out as play ##ing, but playing itself is in the vocabulary. Try the "
                "longest candidate first, then shorter ones."
            )
        if word in ("plays", "unbreakable") and result == bare and "".join(bare) == word:
            raise Mistake(
                "{word!r} comes out as {result}. A piece that continues a word starts with ##: look up '##' "
                "+ the rest, and return it so.",
                word=word,
                result=result,
            )
        if word in ("plays", "unbreakable") and reference[0] == result[0] and len(result) == 1:
            raise Mistake(
                "{word!r} comes out as {result}: you stop after the first piece. Go on from where it ended, "
                "until the word is used up.",
                word=word,
                result=result,
            )
        if word in ("plays", "unbreakable") and result == ["[UNK]"]:
            raise Mistake(
                "{word!r} comes out as [UNK], but its pieces are in the vocabulary. After the first piece, "
                "look up '##' + the rest.",
                word=word,
            )
        if word in ("playx", "xplay") and "[UNK]" in result and len(result) > 1:
            raise Mistake(
                "{word!r} comes out as {result}. One part that cannot be spelled spoils the whole word: "
                "return ['[UNK]'] alone.",
                word=word,
                result=result,
            )
        if word in ("playx", "xplay") and "[UNK]" not in result:
            raise Mistake(
                "{word!r} comes out as {result}: the x is in no piece, and it is silently lost. Return "
                "['[UNK]'] for such a word.",
                word=word,
                result=result,
            )
        if word == "abc" and result == ["a", "##bc"]:
            raise Mistake(
                "'abc' comes out as a ##bc. That is a fine split, but not the greedy one: ab is longer than "
                "a, and once taken it is never given back. Nothing fits then, so the word is [UNK]."
            )
        raise Mistake(
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
    cls_id, sep_id = 101, 102
    for first, second in (([7, 8, 9], [4, 5]), ([7], [4, 5, 6, 3])):
        result = call(answer, list(first), list(second), cls_id, sep_id)
        try:
            ids, types = (list(map(int, part)) for part in result)
        except (TypeError, ValueError):
            raise Mistake(
                "return two lists, the ids and the token types; you return {result!r}.",
                result=result,
            ) from None
        reference_ids, reference_types = pack_pair(first, second, cls_id, sep_id)
        if ids == reference_ids[:-1]:
            raise Mistake("the last [SEP] is missing. Each segment ends with one: B too.")
        if ids.count(cls_id) == 2:
            raise Mistake(
                "there is a second [CLS] before segment B. A sequence has one [CLS]; only [SEP] stands "
                "between the segments."
            )
        if ids.count(sep_id) == 3:
            raise Mistake("there are three [SEP]. One ends A and one ends B; B does not begin with one.")
        if ids != reference_ids:
            raise Mistake(
                "for A = {first} and B = {second} the ids are {ids}; they should be {reference_ids}.",
                first=first,
                second=second,
                ids=ids,
                reference_ids=reference_ids,
            )
        if len(types) != len(ids):
            raise Mistake(
                "there are {count} ids and {types} token types. Every token has a type: [CLS] and both "
                "[SEP] too.",
                count=len(ids),
                types=len(types),
            )
        if set(types) == {1, 2}:
            raise Mistake("your types are 1 and 2. They index a table with two rows, so they are 0 and 1.")
        if types == [1 - t for t in reference_types]:
            raise Mistake("your types are exchanged. Segment A is 0, B is 1.")
        if types == [0] * (len(first) + 1) + [1] * (len(second) + 2):
            raise Mistake("the first [SEP] has type 1. It ends segment A, so it is of type 0, as [CLS] is.")
        if types == [*reference_types[:-1], 0]:
            raise Mistake("the last [SEP] has type 0. It ends segment B, so it is of type 1.")
        if not any(types):
            raise Mistake(
                "all types are 0. Then the model cannot tell the segments apart: B and its [SEP] are 1."
            )
        if types != reference_types:
            raise Mistake(
                "for A = {first} and B = {second} the types are {types}; they should be {reference_types}.",
                first=first,
                second=second,
                types=types,
                reference_types=reference_types,
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
    cls_id, sep_id = 101, 102
    for lengths, max_length in (((3, 4), 20), ((3, 4), 10), ((4, 10), 12), ((10, 4), 12), ((9, 9), 12)):
        first, second = list(range(1, 1 + lengths[0])), list(range(51, 51 + lengths[1]))
        given = list(first), list(second)
        result = call(answer, *given, max_length, cls_id, sep_id)
        try:
            ids = list(map(int, result))
        except (TypeError, ValueError):
            raise Mistake("return one list of ids; you return {result!r}.", result=result) from None
        if given != (first, second):
            raise Mistake(
                "you change the lists that you were given, so the caller loses its text. Work on copies: "
                "first = list(first)."
            )
        whole = [cls_id, *first, sep_id, *second, sep_id]
        reference = pack_within(first, second, max_length, cls_id, sep_id)
        where = Message(
            "A has {first} tokens, B has {second}, max_length is {max_length}",
            first=lengths[0],
            second=lengths[1],
            max_length=max_length,
        )
        if ids == reference:
            continue
        if ids == whole[:max_length] and ids[-1:] != [sep_id]:
            raise Mistake(
                "{where}: you cut the packed sequence, and the last [SEP] is gone. Shorten the segments "
                "first, then add the special tokens.",
                where=where,
            )
        if ids == [*whole[: max_length - 1], sep_id]:
            raise Mistake(
                "{where}: the last [SEP] is there, but all of the cut fell on B. Take tokens from the "
                "longer segment, one at a time.",
                where=where,
            )
        if len(ids) > max_length:
            raise Mistake(
                "{where}: you return {count} ids. [CLS] and two [SEP] need 3 places, so the segments share "
                "max_length - 3.",
                where=where,
                count=len(ids),
            )
        if len(ids) < len(reference):
            raise Mistake(
                "{where}: you return {count} ids, though {room} fit. Cut only while the segments are too "
                "long, one token at a time.",
                where=where,
                count=len(ids),
                room=len(reference),
            )
        if ids.count(sep_id) != 2 or ids[-1] != sep_id or ids[0] != cls_id:
            raise Mistake(
                "{where}: the result is {ids}. It must begin with [CLS], and each segment must end with "
                "[SEP].",
                where=where,
                ids=ids,
            )
        cut = ids.index(sep_id)
        a, b = ids[1:cut], ids[cut + 1 : -1]
        if (a, b) != (first[: len(a)], second[: len(b)]):
            raise Mistake(
                "{where}: you cut at the front, or out of order. Drop the last tokens: list.pop() does.",
                where=where,
            )
        kept = truncate_longest_first(*lengths, max_length - 3)
        if lengths[0] == lengths[1] and (len(b), len(a)) == kept:
            raise Mistake(
                "{where}: you shorten A when both are equally long. The original shortens B then (its test "
                "is `>`, not `>=`).",
                where=where,
            )
        raise Mistake(
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


def examine_embed(answer):
    token, segment, position, weight, bias = real_tables()
    ids = torch.tensor([[101, 7592, 2088, 102, 2129, 102], [101, 2054, 102, 2522, 2283, 102]])
    types = torch.tensor([[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]])
    with torch.no_grad():
        result = call(answer, ids, types, token, segment, position, weight, bias)
    size = token.shape[1]
    if isinstance(result, torch.Tensor) and result.shape[-1] == 3 * size:
        raise Mistake(
            "you put the three embeddings side by side: {numbers} numbers a token. They are added, and "
            "{size} numbers stay.",
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

    def same(other):
        return torch.allclose(result, other, atol=2e-5)

    t, s, p = token[ids], segment[types], position[places]
    if same(normed(t + s + p)):
        return
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
                "the position embeddings are missing. Without them BERT cannot tell one word order from "
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
        (normed(t + s + position[places + 1]), Message("your positions begin at 1. [CLS] has position 0.")),
        (
            normed(t + s + position[ids % len(position)]),
            Message(
                "you look positions up by the ids of words. A position is the place in the row: 0, 1, 2, ..."
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
                "you multiply the token embeddings by the root of H. The Transformer of 2017 does; BERT does "
                "not."
            ),
        ),
        (
            normed(t + s + p, 1e-5),
            Message("you are very near. LayerNorm's eps is 1e-12 in BERT; torch's own default is 1e-5."),
        ),
        (
            torch.nn.functional.layer_norm(t + s + p, (size,), eps=1e-12),
            Message("LayerNorm's own weight and bias are missing: pass norm_weight and norm_bias."),
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
    largest = (result - normed(t + s + p)).abs().max()
    raise Mistake(
        "your numbers differ from the real model's by up to {largest:.3f}. Three look-ups, two additions, "
        "one LayerNorm.",
        largest=largest,
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
    length, size = 40, 16
    result, reference = call(answer, length, size), sinusoids(length, size)
    if not isinstance(result, torch.Tensor) or result.shape != (length, size):
        raise Mistake(
            "for length {length} and size {size}, return one tensor of shape ({length}, {size}); you return "
            "{kind}.",
            length=length,
            size=size,
            kind=describe(result),
        )
    result = result.float()
    sine, cosine = reference[:, 0::2], reference[:, 1::2]

    def same(other):
        return torch.allclose(result, other, atol=1e-4)

    if same(reference):
        return
    if same(torch.cat([sine, cosine], dim=1)):
        raise Mistake(
            "all sines come first, then all cosines. The paper interleaves them: even columns are sines, "
            "odd ones cosines. table[:, 0::2] is every other column."
        )
    if same(torch.stack([cosine, sine], dim=2).flatten(1)):
        raise Mistake("sines and cosines have changed places: even columns (0, 2, ...) are sines.")
    if same(sinusoids(length + 1, size)[1:]):
        raise Mistake(
            "your positions begin at 1. The first token has position 0: its sines are 0 and its cosines 1."
        )
    every_column = torch.arange(length)[:, None] / 10000 ** (torch.arange(size) / size)
    if same(torch.where(torch.arange(size) % 2 == 0, every_column.sin(), every_column.cos())):
        raise Mistake(
            "a sine and the cosine beside it have different wavelengths. Columns 2i and 2i + 1 share the "
            "exponent 2i / size."
        )
    half = torch.arange(length)[:, None] / 10000 ** (torch.arange(size // 2) / size)
    if same(torch.stack([half.sin(), half.cos()], dim=2).flatten(1)):
        raise Mistake(
            "your wavelengths grow half as fast as they should: the exponent is 2i / size, where 2i is the "
            "even column (0, 2, 4, ...)."
        )
    times = torch.arange(length)[:, None] * 10000 ** (torch.arange(0, size, 2) / size)
    if torch.allclose(result[:, 0::2], times.sin(), atol=1e-2):
        raise Mistake(
            "you multiply by 10000 to the power; the paper divides by it, so that later columns swing ever "
            "more slowly."
        )
    raise Mistake(
        "position 1 begins with {start}; it should begin with {target}.",
        start=_first(result[1]),
        target=_first(reference[1]),
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
                "Keep a place `start` in the word. While it is not at the end, look for the longest piece "
                "that begins there."
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
        praise="You have written the heart of BERT's tokenizer.",
    ),
    Exercise(
        identifier="3.2",
        title="Pack a pair",
        difficulty=1,
        minutes=10,
        examine=examine_pack_pair,
        hints=(
            "The order is [CLS] A [SEP] B [SEP].",
            "A list can be built with stars: [cls_id, *first, sep_id, ...].",
            (
                "Type 0: [CLS], A and its [SEP], which is len(first) + 2 tokens. Type 1: B and its [SEP], "
                "which is len(second) + 1."
            ),
        ),
        solution=pack_pair,
        praise="Two lists of the same length: that is what BERT reads.",
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
                "Copy first: first, second = list(first), list(second). Then (first if len(first) > "
                "len(second) else second).pop()."
            ),
        ),
        solution=pack_within,
        praise="No [SEP] is ever lost, and no segment is emptied while the other is long.",
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
            "torch.nn.functional.layer_norm(total, total.shape[-1:], norm_weight, norm_bias, eps=1e-12).",
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
            "table = torch.empty(length, size); table[:, 0::2] = angle.sin(); table[:, 1::2] = angle.cos().",
        ),
        solution=sinusoids,
        praise="A table for any length, and nothing to learn in it.",
    ),
]

QUIZ = [
    Question(
        "Why does BERT cut rare words into pieces?",
        Option(
            "So that every sequence gets shorter than with whole words.",
            (
                "Pieces make sequences longer: a rare word becomes several tokens. What gets smaller is the "
                "vocabulary."
            ),
        ),
        Option(
            "So that a vocabulary of fixed size can spell almost any word.",
            "Frequent words stay whole, rare ones are built from parts, and hardly anything is unknown.",
            correct=True,
        ),
        Option(
            "So that pieces are syllables with a meaning.",
            ("A piece is whatever the trainer's counting favored. Some are meaningful endings, many aren't."),
        ),
        Option(
            "Because attention cannot see inside a word.",
            "Attention works between tokens of any kind. The reason is the size of the vocabulary.",
        ),
    ),
    Question(
        "A vocabulary holds `ab`, `a` and `##bc`. What becomes of the word `abc`?",
        Option(
            "`a ##bc`",
            "That would be a split, but greedy matching takes `ab` first and never goes back.",
        ),
        Option("`ab [UNK]`", "A word is never half unknown: if any part fails, the whole word is `[UNK]`."),
        Option("`ab ##c`", "`##c` is not in the vocabulary, so it cannot be produced."),
        Option(
            "`[UNK]`",
            "`ab` is the longest match; then `##c` is missing, and the whole word is lost.",
            correct=True,
        ),
    ),
    Question(
        "Why may token, segment and position embeddings be added, although a sum seems to mix them up?",
        Option(
            (
                "In many dimensions they keep to nearly separate directions, so a linear layer can read each "
                "one."
            ),
            (
                "You have measured it: small cosines, and a linear probe that finds word and position in "
                "the sum."
            ),
            correct=True,
        ),
        Option(
            "LayerNorm takes them apart again.",
            "LayerNorm only shifts and scales the sum. It knows nothing of the three parts.",
        ),
        Option(
            "They use separate halves of the vector.",
            "No column is reserved for any of them; each table may use all columns.",
        ),
        Option(
            "The sum is undone in the last layer.",
            "Nothing undoes it. The layers read from it what they need.",
        ),
    ),
    Question(
        "Which positions does BERT have for a text of 600 tokens?",
        Option(
            "0 to 599; the sinusoids go on.",
            "BERT's positions are learned, not computed: there is one row for each of 512.",
        ),
        Option(
            "None beyond 511: the text must be truncated or cut into windows.",
            "A row that was never trained does not exist. A clear error is better than a made-up vector.",
            correct=True,
        ),
        Option(
            "The last 88 tokens share position 511.",
            "A program could do that, but the model was never trained so. Ours refuses.",
        ),
        Option(
            "Positions start again at 0 after 511.",
            "Then two tokens would claim the same place. A window is a new sequence of its own instead.",
        ),
    ),
    Question(
        "What does the attention mask of a padded batch say?",
        Option(
            "Which tokens were chosen for masking.",
            "That is `[MASK]`, a token. The attention mask tells real tokens from padding.",
        ),
        Option("Which tokens belong to segment B.", "That is the task of token type ids."),
        Option(
            "Which tokens are real (1) and which are padding (0) that nobody may attend to.",
            "Without it, each sentence would depend on the longest one in its batch.",
            correct=True,
        ),
        Option(
            "Which word each piece belongs to.",
            "The `##` tells that, and the encoding's word numbers. The encoder is not told.",
        ),
    ),
]
