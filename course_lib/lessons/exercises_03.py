"""Exercises and quiz of lesson 03, input embeddings."""

import math
from functools import lru_cache

import torch

from course_lib.bert.inputs import truncate_longest_first
from course_lib.lessons.exercises import Exercise, Mistake, NotAttempted, call
from course_lib.lessons.quizzes import Option, Question

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
        got, wanted = call(answer, word, set(PIECES)), split_word(word, PIECES)
        if got is None:
            raise NotAttempted
        if not isinstance(got, (list, tuple)) or not all(isinstance(piece, str) for piece in got):
            raise Mistake(f"return a list of pieces, such as {wanted}; you return {got!r}.")
        got = list(got)
        if got == wanted:
            continue
        bare = [piece.removeprefix("##") for piece in got]
        if word == "playing" and got == ["play", "##ing"]:
            raise Mistake(
                "'playing' comes out as play ##ing, but playing itself is in the vocabulary. Try the longest candidate first, then shorter ones."
            )
        if word in ("plays", "unbreakable") and got == bare and "".join(bare) == word:
            raise Mistake(
                f"{word!r} comes out as {got}. A piece that continues a word starts with ##: look up '##' + the rest, and return it so."
            )
        if word in ("plays", "unbreakable") and wanted[0] == got[0] and len(got) == 1:
            raise Mistake(
                f"{word!r} comes out as {got}: you stop after the first piece. Go on from where it ended, until the word is used up."
            )
        if word in ("plays", "unbreakable") and got == ["[UNK]"]:
            raise Mistake(
                f"{word!r} comes out as [UNK], but its pieces are in the vocabulary. After the first piece, look up '##' + the rest."
            )
        if word in ("playx", "xplay") and "[UNK]" in got and len(got) > 1:
            raise Mistake(
                f"{word!r} comes out as {got}. One part that cannot be spelled spoils the whole word: return ['[UNK]'] alone."
            )
        if word in ("playx", "xplay") and "[UNK]" not in got:
            raise Mistake(
                f"{word!r} comes out as {got}: the x is in no piece, and it is silently lost. Return ['[UNK]'] for such a word."
            )
        if word == "abc" and got == ["a", "##bc"]:
            raise Mistake(
                "'abc' comes out as a ##bc. That is a fine split, but not the greedy one: ab is longer than a, and once taken it is never given back. Nothing fits then, so the word is [UNK]."
            )
        raise Mistake(f"{word!r} comes out as {got}; it should be {wanted}.")


# 3.2 ----------------------------------------------------------------------------------------------


def pack_pair(first, second, cls_id, sep_id):
    """Return the ids of [CLS] first [SEP] second [SEP], and the token type of each."""
    input_ids = [cls_id, *first, sep_id, *second, sep_id]
    token_type_ids = [0] * (len(first) + 2) + [1] * (len(second) + 1)
    return input_ids, token_type_ids


def examine_pack_pair(answer):
    cls_id, sep_id = 101, 102
    for first, second in (([7, 8, 9], [4, 5]), ([7], [4, 5, 6, 3])):
        got = call(answer, list(first), list(second), cls_id, sep_id)
        if got is None:
            raise NotAttempted
        try:
            ids, types = (list(map(int, part)) for part in got)
        except (TypeError, ValueError):
            raise Mistake(f"return two lists, the ids and the token types; you return {got!r}.") from None
        wanted_ids, wanted_types = pack_pair(first, second, cls_id, sep_id)
        if ids == wanted_ids[:-1]:
            raise Mistake("the last [SEP] is missing. Each segment ends with one: B too.")
        if ids.count(cls_id) == 2:
            raise Mistake(
                "there is a second [CLS] before segment B. A sequence has one [CLS]; only [SEP] stands between the segments."
            )
        if ids.count(sep_id) == 3:
            raise Mistake("there are three [SEP]. One ends A and one ends B; B does not begin with one.")
        if ids != wanted_ids:
            raise Mistake(f"for A = {first} and B = {second} the ids are {ids}; they should be {wanted_ids}.")
        if len(types) != len(ids):
            raise Mistake(
                f"there are {len(ids)} ids and {len(types)} token types. Every token has a type: [CLS] and both [SEP] too."
            )
        if set(types) == {1, 2}:
            raise Mistake("your types are 1 and 2. They index a table with two rows, so they are 0 and 1.")
        if types == [1 - t for t in wanted_types]:
            raise Mistake("your types are exchanged. Segment A is 0, B is 1.")
        if types == [0] * (len(first) + 1) + [1] * (len(second) + 2):
            raise Mistake("the first [SEP] has type 1. It ends segment A, so it is of type 0, as [CLS] is.")
        if types == [*wanted_types[:-1], 0]:
            raise Mistake("the last [SEP] has type 0. It ends segment B, so it is of type 1.")
        if not any(types):
            raise Mistake(
                "all types are 0. Then the model cannot tell the segments apart: B and its [SEP] are 1."
            )
        if types != wanted_types:
            raise Mistake(
                f"for A = {first} and B = {second} the types are {types}; they should be {wanted_types}."
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
        got = call(answer, *given, max_length, cls_id, sep_id)
        if got is None:
            raise NotAttempted
        try:
            ids = list(map(int, got))
        except (TypeError, ValueError):
            raise Mistake(f"return one list of ids; you return {got!r}.") from None
        if given != (first, second):
            raise Mistake(
                "you change the lists that you were given, so the caller loses its text. Work on copies: first = list(first)."
            )
        whole = [cls_id, *first, sep_id, *second, sep_id]
        wanted = pack_within(first, second, max_length, cls_id, sep_id)
        where = f"A has {lengths[0]} tokens, B has {lengths[1]}, max_length is {max_length}"
        if ids == wanted:
            continue
        if ids == whole[:max_length] and ids[-1:] != [sep_id]:
            raise Mistake(
                f"{where}: you cut the packed sequence, and the last [SEP] is gone. Shorten the segments first, then add the special tokens."
            )
        if ids == [*whole[: max_length - 1], sep_id]:
            raise Mistake(
                f"{where}: the last [SEP] is there, but all of the cut fell on B. Take tokens from the longer segment, one at a time."
            )
        if len(ids) > max_length:
            raise Mistake(
                f"{where}: you return {len(ids)} ids. [CLS] and two [SEP] need 3 places, so the segments share max_length - 3."
            )
        if len(ids) < len(wanted):
            raise Mistake(
                f"{where}: you return {len(ids)} ids, though {len(wanted)} fit. Cut only while the segments are too long, one token at a time."
            )
        if ids.count(sep_id) != 2 or ids[-1] != sep_id or ids[0] != cls_id:
            raise Mistake(
                f"{where}: the result is {ids}. It must begin with [CLS], and each segment must end with [SEP]."
            )
        cut = ids.index(sep_id)
        a, b = ids[1:cut], ids[cut + 1 : -1]
        if (a, b) != (first[: len(a)], second[: len(b)]):
            raise Mistake(
                f"{where}: you cut at the front, or out of order. Drop the last tokens: list.pop() does."
            )
        kept = truncate_longest_first(*lengths, max_length - 3)
        if lengths[0] == lengths[1] and (len(b), len(a)) == kept:
            raise Mistake(
                f"{where}: you shorten A when both are equally long. The original shortens B then (its test is `>`, not `>=`)."
            )
        raise Mistake(
            f"{where}: you keep {len(a)} and {len(b)} tokens; always shortening the longer segment leaves {kept[0]} and {kept[1]}."
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
        got = call(answer, ids, types, token, segment, position, weight, bias)
    if got is None:
        raise NotAttempted
    size = token.shape[1]
    if isinstance(got, torch.Tensor) and got.shape[-1] == 3 * size:
        raise Mistake(
            f"you put the three embeddings side by side: {3 * size} numbers a token. They are added, and {size} numbers stay."
        )
    if not isinstance(got, torch.Tensor) or got.shape != (*ids.shape, size):
        raise Mistake(
            f"return one tensor of shape (B, T, H), here {(*ids.shape, size)}; you return {_describe(got)}."
        )
    places = torch.arange(ids.shape[1])

    def normed(total, eps=1e-12):
        return torch.nn.functional.layer_norm(total, (size,), weight, bias, eps=eps)

    def same(other):
        return torch.allclose(got, other, atol=2e-5)

    t, s, p = token[ids], segment[types], position[places]
    if same(normed(t + s + p)):
        return
    usual = [
        (t + s + p, "the sum is right, but LayerNorm is missing. It comes after the sum, before the first block."),
        (normed(t + s), "the position embeddings are missing. Without them BERT cannot tell one word order from another."),
        (normed(t + p), "the segment embeddings are missing. Look token_type_ids up in `segment`."),
        (normed(t + segment[0] + p), "every token is in segment A. Look token_type_ids up in `segment`, instead of taking its first row."),
        (normed(t + s + position[places + 1]), "your positions begin at 1. [CLS] has position 0."),
        (normed(t + s + position[ids % len(position)]), "you look positions up by the ids of words. A position is the place in the row: 0, 1, 2, ..."),
        (normed(t + s + position[: len(ids), None]), "every token of a row has the same position, the number of its row. Positions run along the sequence, the second axis."),
        (normed(t * math.sqrt(size) + s + p), "you multiply the token embeddings by the root of H. The Transformer of 2017 does; BERT does not."),
        (normed(t + s + p, 1e-5), "you are very near. LayerNorm's eps is 1e-12 in BERT; torch's own default is 1e-5."),
        (torch.nn.functional.layer_norm(t + s + p, (size,), eps=1e-12), "LayerNorm's own weight and bias are missing: pass norm_weight and norm_bias."),
        (normed(t) + normed(s) + normed(p), "you normalize each embedding and then add. BERT adds first, and normalizes the sum once."),
    ]  # fmt: skip
    for wrong, message in usual:
        if torch.allclose(got, wrong, atol=2e-5):
            raise Mistake(message)
    largest = (got - normed(t + s + p)).abs().max()
    raise Mistake(
        f"your numbers differ from the real model's by up to {largest:.3f}. Three look-ups, two additions, one LayerNorm."
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
    got, wanted = call(answer, length, size), sinusoids(length, size)
    if got is None:
        raise NotAttempted
    if not isinstance(got, torch.Tensor) or got.shape != (length, size):
        raise Mistake(
            f"for length {length} and size {size}, return one tensor of shape ({length}, {size}); you return {_describe(got)}."
        )
    got = got.float()
    sine, cosine = wanted[:, 0::2], wanted[:, 1::2]

    def same(other):
        return torch.allclose(got, other, atol=1e-4)

    if same(wanted):
        return
    if same(torch.cat([sine, cosine], dim=1)):
        raise Mistake(
            "all sines come first, then all cosines. The paper interleaves them: even columns are sines, odd ones cosines. table[:, 0::2] is every other column."
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
            "a sine and the cosine beside it have different wavelengths. Columns 2i and 2i + 1 share the exponent 2i / size."
        )
    half = torch.arange(length)[:, None] / 10000 ** (torch.arange(size // 2) / size)
    if same(torch.stack([half.sin(), half.cos()], dim=2).flatten(1)):
        raise Mistake(
            "your wavelengths grow half as fast as they should: the exponent is 2i / size, where 2i is the even column (0, 2, 4, ...)."
        )
    times = torch.arange(length)[:, None] * 10000 ** (torch.arange(0, size, 2) / size)
    if torch.allclose(got[:, 0::2], times.sin(), atol=1e-2):
        raise Mistake(
            "you multiply by 10000 to the power; the paper divides by it, so that later columns swing ever more slowly."
        )
    raise Mistake(f"position 1 begins with {_first(got[1])}; it should begin with {_first(wanted[1])}.")


def _first(row) -> str:
    return ", ".join(f"{value:.3f}" for value in row[:4].tolist())


def _describe(value) -> str:
    return (
        f"a tensor of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
    )


EXERCISES = [
    Exercise(
        "3.1", "Greedy longest match", 2, 15, examine_split_word,
        ("Keep a place `start` in the word. While it is not at the end, look for the longest piece that begins there.",
         "for end in range(len(word), start, -1) tries the longest candidate first. From the second piece on, the candidate is '##' + word[start:end].",
         "If no candidate is in the vocabulary, return ['[UNK]'] at once. Otherwise append the piece and set start = end."),
        split_word,
        "You have written the heart of BERT's tokenizer.",
    ),
    Exercise(
        "3.2", "Pack a pair", 1, 10, examine_pack_pair,
        ("The order is [CLS] A [SEP] B [SEP].",
         "A list can be built with stars: [cls_id, *first, sep_id, ...].",
         "Type 0: [CLS], A and its [SEP], which is len(first) + 2 tokens. Type 1: B and its [SEP], which is len(second) + 1."),
        pack_pair,
        "Two lists of the same length: that is what BERT reads.",
    ),
    Exercise(
        "3.3", "Truncate, and keep [SEP]", 2, 15, examine_pack_within,
        ("Shorten the segments before you add [CLS] and [SEP]. How many places are left for them?",
         "while len(first) + len(second) > max_length - 3: take one token from the end of the longer one.",
         "Copy first: first, second = list(first), list(second). Then (first if len(first) > len(second) else second).pop()."),
        pack_within,
        "No [SEP] is ever lost, and no segment is emptied while the other is long.",
    ),
    Exercise(
        "3.4", "The embedding layer", 2, 10, examine_embed,
        ("Indexing a table with a tensor of ids looks all of them up: token[input_ids] is (B, T, H).",
         "Positions are 0, 1, 2, ...: position[:input_ids.shape[1]] is (T, H), and adding broadcasts it over the rows.",
         "torch.nn.functional.layer_norm(total, total.shape[-1:], norm_weight, norm_bias, eps=1e-12)."),
        embed,
        "Your layer gives the same numbers as the real model's.",
    ),
    Exercise(
        "3.5", "Sinusoidal positions", 2, 10, examine_sinusoids,
        ("Each pair of columns 2i and 2i + 1 shares one angle: position / 10000 ** (2i / size).",
         "torch.arange(0, size, 2) gives all 2i; torch.arange(length)[:, None] / ... gives all angles, (length, size / 2).",
         "table = torch.empty(length, size); table[:, 0::2] = angle.sin(); table[:, 1::2] = angle.cos()."),
        sinusoids,
        "A table for any length, and nothing to learn in it.",
    ),
]  # fmt: skip

QUIZ = [
    Question("Why does BERT cut rare words into pieces?", (
        Option("So that every sequence gets shorter.", "Pieces make sequences longer: a rare word becomes several tokens. What gets smaller is the vocabulary."),
        Option("So that a vocabulary of fixed size can spell almost any word.", "Frequent words stay whole, rare ones are built from parts, and hardly anything is unknown.", True),
        Option("So that pieces are syllables with a meaning.", "A piece is whatever raised the likelihood of the training text. Some are meaningful endings, many are not."),
        Option("Because attention cannot see inside a word.", "Attention works between tokens of any kind. The reason is the size of the vocabulary."),
    )),
    Question("A vocabulary holds `ab`, `a` and `##bc`. What becomes of the word `abc`?", (
        Option("`a ##bc`", "That would be a split, but greedy matching takes `ab` first and never goes back."),
        Option("`ab [UNK]`", "A word is never half unknown: if any part fails, the whole word is `[UNK]`."),
        Option("`ab ##c`", "`##c` is not in the vocabulary, so it cannot be produced."),
        Option("`[UNK]`", "`ab` is the longest match; then `##c` is missing, and the whole word is lost.", True),
    )),
    Question("Why may token, segment and position embeddings be added, although a sum seems to mix them up?", (
        Option("In many dimensions they keep to nearly separate directions, so a linear layer can read each one.", "You have measured it: small cosines, and a linear probe that finds position and segment in the sum.", True),
        Option("LayerNorm takes them apart again.", "LayerNorm only shifts and scales the sum. It knows nothing of the three parts."),
        Option("They use separate halves of the vector.", "No column is reserved for any of them; each table may use all columns."),
        Option("The sum is undone in the last layer.", "Nothing undoes it. The layers read from it what they need."),
    )),
    Question("Which positions does BERT have for a text of 600 tokens?", (
        Option("0 to 599; the sinusoids go on.", "BERT's positions are learned, not computed: there is one row for each of 512."),
        Option("None beyond 511: the text must be truncated or cut into windows.", "A row that was never trained does not exist. A clear error is better than a made-up vector.", True),
        Option("The last 88 tokens share position 511.", "A program could do that, but the model was never trained so. Ours refuses."),
        Option("Positions start again at 0 after 511.", "Then two tokens would claim the same place. A window is a new sequence of its own instead."),
    )),
    Question("What does the attention mask of a padded batch say?", (
        Option("Which tokens were chosen for masking.", "That is `[MASK]`, a token. The attention mask tells real tokens from padding."),
        Option("Which tokens belong to segment B.", "That is the task of token type ids."),
        Option("Which tokens are real (1) and which are padding (0) that nobody may attend to.", "Without it, each sentence would depend on the longest one in its batch.", True),
        Option("Which word each piece belongs to.", "The `##` tells that, and the encoding's word numbers. The encoder is not told."),
    )),
]  # fmt: skip
