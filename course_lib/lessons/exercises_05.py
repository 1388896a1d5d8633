"""Exercises and quiz of lesson 05, next-sentence prediction."""

import operator
import random
from collections import Counter

import torch

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, describe

# 5.1 ----------------------------------------------------------------------------------------------


def split_chunk(chunk, generator):
    """Return segment A, the first 1 to n - 1 sentences of a chunk, and segment B, the rest."""
    end = generator.randint(1, len(chunk) - 1)
    first = [token for sentence in chunk[:end] for token in sentence]
    second = [token for sentence in chunk[end:] for token in sentence]
    return first, second


CHUNK = [
    ["the", "sea", "."],
    ["it", "froze", "."],
    ["ships", "sank", "."],
    ["men", "walked", "."],
    ["home", "."],
]
BORDERS = [3, 6, 9, 12]  # tokens of A if it has 1 to 4 of these sentences


def examine_split_chunk(answer):
    generator, ends = random.Random(1), Counter()
    for _ in range(1200):
        first, second = _segments(answer, CHUNK, generator)
        _examine_segments(first, second, CHUNK)
        ends[len(first)] += 1
    if set(ends) - set(BORDERS):
        raise Mistake("you cut inside a sentence. The border between A and B is a border between sentences.")
    if len(ends) == 1:
        raise Mistake(
            "the border is always in the same place. Draw it: generator.randint(1, len(chunk) - 1)."
        )
    if set(BORDERS) - set(ends):
        raise Mistake(
            "A never has {number} of the 5 sentences. 1 to 4 are all possible.",
            number=next(BORDERS.index(n) + 1 for n in BORDERS if n not in ends),
        )
    rare, often = min(BORDERS, key=ends.get), max(BORDERS, key=ends.get)
    if ends[often] > 380 or ends[rare] < 220:  # 300, and more than five standard deviations away
        raise Mistake(
            "A has {rare} of the 5 sentences in {rare_share:.0%} of the draws, and {often} of them in "
            "{often_share:.0%}. 1 to n - 1 sentences are equally likely: 25% each.",
            rare=BORDERS.index(rare) + 1,
            rare_share=ends[rare] / 1200,
            often=BORDERS.index(often) + 1,
            often_share=ends[often] / 1200,
        )
    runs = []
    for seed in (2, 2, 3):
        generator = random.Random(seed)
        runs.append([len(_segments(answer, CHUNK, generator)[0]) for _ in range(100)])
    if runs[0] != runs[1]:
        raise Mistake(
            "two runs with the same generator differ. Draw with generator, not with the random module."
        )
    if runs[0] == runs[2]:
        raise Mistake(
            "generators with different seeds give the same borders. Draw with the generator that you're "
            "given."
        )
    draw = random.Random(4)
    for size in (2, 3, *range(2, 30)):
        chunk = [[f"{i}.{j}" for j in range(draw.randint(1, 5))] for i in range(size)]
        first, second = _segments(answer, chunk, draw)
        _examine_segments(first, second, chunk)
        if len(first) not in {sum(map(len, chunk[:end])) for end in range(1, size)}:
            raise Mistake(
                "for a chunk of {size} sentences you cut inside a sentence. The border between A and B is "
                "a border between sentences, and sentences may have any length.",
                size=size,
            )


def _segments(answer, chunk, generator):
    """Return an answer's two segments as lists, if it leaves the chunk alone."""
    given = [list(sentence) for sentence in chunk]
    result = call(answer, given, generator)
    if given != chunk:
        raise Mistake(
            "you change the chunk itself, as pop, extend and += on a sentence do. The chunk is read again "
            "when sentences go back, so build new lists."
        )
    try:
        first, second = result
    except (TypeError, ValueError):
        raise Mistake(
            "return two lists of tokens, A and B; you return {value}.", value=repr(result)[:80]
        ) from None
    if isinstance(first, str) or isinstance(second, str):
        raise Mistake("a segment is a list of tokens, but you return one text. Don't join the tokens.")
    try:
        return list(first), list(second)
    except TypeError:
        raise Mistake(
            "return two lists of tokens, A and B; you return {value}.", value=repr(result)[:80]
        ) from None


def _examine_segments(first, second, chunk):
    flat = [token for sentence in chunk for token in sentence]
    if any(isinstance(token, list | tuple) for token in first + second):
        raise Mistake(
            "a segment is one flat list of tokens, but yours still has lists of sentences in it. Join them."
        )
    if not first:
        raise Mistake(
            "segment A can come out empty. It needs at least the first sentence, so draw from 1, not from 0."
        )
    if not second:
        raise Mistake(
            "segment B can come out empty: A took all sentences. randint includes both ends, so stop at "
            "len(chunk) - 1."
        )
    if first + second == flat:
        return
    if second + first == flat:
        raise Mistake("A and B are swapped: A is the first part of the chunk, B the rest.")
    if [*first] in chunk and [*second] in chunk and len(chunk) > 2:
        raise Mistake(
            "you take single sentences as A and B, and lose the rest of the chunk. Segments are spans; "
            "RoBERTa found that single sentences are the worst format."
        )
    if len(first) + len(second) > len(flat):
        raise Mistake(
            "A and B together have {count} tokens, but the chunk has {size}, so they overlap. B starts "
            "where A ends.",
            count=len(first) + len(second),
            size=len(flat),
        )
    if len(first) + len(second) < len(flat):
        raise Mistake(
            "A and B together have {count} tokens, but the chunk has {size}. B is all the rest, up to the "
            "last sentence.",
            count=len(first) + len(second),
            size=len(flat),
        )
    raise Mistake("A and B together must be the whole chunk, each token once and in order.")


# 5.2 ----------------------------------------------------------------------------------------------


def random_document(own, number_of_documents, generator):
    """Return the number of another document, all others equally likely."""
    other = generator.randrange(number_of_documents - 1)
    return other + (other >= own)


def examine_random_document(answer):
    generator = random.Random(1)
    for own in (0, 2, 4):
        counts = Counter(_document(answer, own, 5, generator) for _ in range(1200))
        missing = sorted(set(range(5)) - {own} - set(counts))
        if len(counts) == 1:
            raise Mistake(
                "document {own} always gets document {other}. Draw one of the others.",
                own=own,
                other=next(iter(counts)),
            )
        if missing:
            raise Mistake(
                "document {own} never gets document {other}. All others must be possible.",
                own=own,
                other=missing[0],
            )
        often, count = counts.most_common(1)[0]
        if count > 380:  # 300, and more than five standard deviations
            raise Mistake(
                "document {own} gets document {often} in {share:.0%} of the draws; each of the 4 others "
                "should have 25%. If you step to the next document after a bad draw, you favor that "
                "neighbor. Draw from one document fewer, and shift.",
                own=own,
                often=often,
                share=count / 1200,
            )
    runs = []
    for seed in (2, 2, 3):
        generator = random.Random(seed)
        runs.append([_document(answer, 3, 9, generator) for _ in range(100)])
    if runs[0] != runs[1]:
        raise Mistake(
            "two runs with the same generator differ. Draw with generator, not with the random module."
        )
    if runs[0] == runs[2]:
        raise Mistake(
            "generators with different seeds give the same documents. Draw with the generator that you're "
            "given."
        )
    for count in range(2, 12):
        for own in range(count):
            _document(answer, own, count, generator)


def _document(answer, own, count, generator):
    """Return the document that an answer draws, an int; numpy's and torch's will do."""
    result = call(answer, own, count, generator)
    try:
        number = None if isinstance(result, bool) else operator.index(result)
    except (TypeError, ValueError, RuntimeError):
        number = None
    if number is None:
        raise Mistake(
            "return the number of a document, an int, not {result}.",
            result=repr(result)[:80],
        )
    if not 0 <= number < count:
        raise Mistake(
            "with {count} documents you return {number}; they are numbered from 0 to {last}.",
            count=count,
            number=number,
            last=count - 1,
        )
    if number == own:
        raise Mistake(
            'for document {own} of {count} you return document {own} itself. Then the "random" B could be '
            "the true next text, and the model would be punished for being right.",
            own=own,
            count=count,
        )
    return number


# 5.3 ----------------------------------------------------------------------------------------------


def expected_is_next(chunk_sizes):
    """Return the expected share of IsNext among pairs made of chunks of so many sentences each."""
    return sum(0.5 for size in chunk_sizes if size > 1) / len(chunk_sizes)


def examine_expected_is_next(answer):
    draw = random.Random(1)
    drawn = [[draw.choice((1, 1, 2, 3, 8)) for _ in range(draw.randint(1, 40))] for _ in range(30)]
    for sizes in ([4, 3, 5, 6], [1, 1], [1, 4, 3, 1, 2], [2, 1, 1, 7, 1, 3, 1, 1], *drawn):
        given = list(sizes)
        result, reference = _share(call(answer, given), sizes), expected_is_next(sizes)
        if given != sizes:
            raise Mistake("you change the list of sizes itself. Leave it as it is.")
        if not abs(result - reference) <= 1e-6:  # so written, NaN is wrong; float32 is allowed
            raise _wrong_share(sizes, result, reference)


def _share(result, sizes):
    try:
        if not isinstance(result, str):
            return float(result)
    except (TypeError, ValueError, RuntimeError):
        pass
    raise Mistake(
        "return one number for {sizes}, a share from 0 to 1, not {result}.",
        sizes=sizes,
        result=repr(result)[:80],
    )


def _wrong_share(sizes, result, reference):
    def near(other):
        return abs(result - other) < 1e-6

    with_choice = sum(size > 1 for size in sizes)
    if near(0.5):
        return Mistake(
            "for chunks of {sizes} sentences you say one half. A chunk of one sentence has nothing left "
            "for a true B, so it always gets a random one.",
            sizes=sizes,
        )
    if near(1 - reference):
        return Mistake(
            "for {sizes} you return {result:.3f}, the share of *random* pairs. IsNext is the rest.",
            sizes=sizes,
            result=result,
        )
    if near(with_choice / len(sizes)):
        return Mistake(
            "for {sizes} you return {result:.3f}, the share of chunks that have a choice. Of those, "
            "only half become IsNext.",
            sizes=sizes,
            result=result,
        )
    if near(0.5 - (len(sizes) - with_choice) / len(sizes)):
        return Mistake(
            "for {sizes} you return {result:.3f}. You subtract every chunk of one sentence from one half. "
            "But such a chunk would have been IsNext only half of the time, so subtract half of it.",
            sizes=sizes,
            result=result,
        )
    if near(0.5 * with_choice):
        return Mistake(
            "for {sizes} you return {result}, a number of pairs. Divide it by the {count} chunks to get a "
            "share.",
            sizes=sizes,
            result=result,
            count=len(sizes),
        )
    if near(100 * reference):
        return Mistake(
            "for {sizes} you return {result:.1f}, in percent. A share goes from 0 to 1.",
            sizes=sizes,
            result=result,
        )
    if near(0.5 * sum(size > 2 for size in sizes) / len(sizes)):
        return Mistake(
            "for {sizes} you return {result:.3f}, as if two sentences weren't enough. They are: one is A, "
            "and the other is the true B.",
            sizes=sizes,
            result=result,
        )
    if near(0.5 * sum(size for size in sizes if size > 1) / sum(sizes)):
        return Mistake(
            "for {sizes} you return {result:.3f}: long chunks count for more. Each chunk makes one pair, so "
            "each counts once.",
            sizes=sizes,
            result=result,
        )
    if any(near(round(reference, digits)) for digits in range(1, 5)):
        return Mistake(
            "for {sizes} you return {result}, which is rounded. Return the share itself, and round only what "
            "you print.",
            sizes=sizes,
            result=result,
        )
    return Mistake(
        "for chunks of {sizes} sentences you return {result:.6g}; it should be {reference:.6g}.",
        sizes=sizes,
        result=result,
        reference=reference,
    )


# 5.4 ----------------------------------------------------------------------------------------------


def pack_pair(first, second, max_length, generator):
    """Return [CLS] A [SEP] B [SEP], the longer segment cut at random ends until all fits."""
    first, second = list(first), list(second)
    while len(first) + len(second) > max_length - 3:
        longer = first if len(first) > len(second) else second
        longer.pop(0 if generator.random() < 0.5 else -1)
    return ["[CLS]", *first, "[SEP]", *second, "[SEP]"]


def examine_pack_pair(answer):
    first, second = ["a1", "a2"], ["b1", "b2", "b3"]
    for max_length in (16, 8):  # 8 is an exact fit
        result = _packed(answer, first, second, max_length, random.Random(0))
        if result != pack_pair(first, second, max_length, random.Random(0)):
            raise Mistake(
                "with max_length {max_length} a pair that fits is changed: {result}. It should be "
                "[CLS] a1 a2 [SEP] b1 b2 b3 [SEP].",
                max_length=max_length,
                result=" ".join(map(str, result)),
            )
    for sizes in ((12, 20), (20, 12)):
        _examine_coin(answer, *sizes)
    runs = []
    for seed in (2, 2, 3):
        generator = random.Random(seed)
        runs.append([_cut(answer, 12, 20, 16, generator) for _ in range(20)])
    if runs[0] != runs[1]:
        raise Mistake("two runs with the same generator differ. Use generator to toss the coin.")
    if runs[0] == runs[2]:
        raise Mistake(
            "generators with different seeds cut the same way. Use the generator that you're given to "
            "toss the coin."
        )
    draw = random.Random(5)
    for _ in range(30):
        _cut(answer, draw.randint(1, 15), draw.randint(1, 15), draw.randint(5, 35), draw)


def _examine_coin(answer, first_size, second_size):
    """The front of the longer segment loses half of what it must lose, in binomial numbers."""
    generator, fronts = random.Random(1), Counter()
    for _ in range(300):
        front, total = max(_cut(answer, first_size, second_size, 16, generator), key=lambda cut: cut[1])
        fronts[front] += 1
    if fronts.keys() == {0}:
        raise Mistake("you always cut at the end. Toss a fair coin for each token: front or end.")
    if fronts.keys() == {total}:
        raise Mistake("you always cut at the front. Toss a fair coin for each token: front or end.")
    if len(fronts) == 1:
        raise Mistake(
            "you always cut {front} of {total} tokens at the front and the rest at the back. Let a coin decide for "
            "each token.",
            front=front,
            total=total,
        )
    mean = sum(place * count for place, count in fronts.items()) / 300
    spread = sum((place - mean) ** 2 * count for place, count in fronts.items()) / 300
    if abs(mean - total / 2) > 0.8 or not 1.5 < spread < 6:  # fair coins: a standard error of 0.1, and 3.5
        raise Mistake(
            "of {total} tokens that a segment must lose, {mean:.1f} go at the front on average, with a standard "
            "deviation of {deviation:.1f}; fair coins give {half:.1f} and {usual:.1f}. Toss a fair coin for each token.",
            total=total,
            mean=mean,
            deviation=spread**0.5,
            half=total / 2,
            usual=(total / 4) ** 0.5,
        )


def _packed(answer, first, second, max_length, generator):
    """Return an answer's tokens as a list, if it leaves both segments alone."""
    given = list(first), list(second)
    result = call(answer, *given, max_length, generator)
    if given != (first, second):
        raise Mistake(
            "you change the segments themselves, as pop and del do. Cut copies, such as list(first)."
        )
    if not isinstance(result, list | tuple):
        raise Mistake("return one list of tokens, not {kind}.", kind=describe(result))
    if any(isinstance(token, list | tuple) for token in result):
        raise Mistake(
            "return one flat list of tokens, but yours has a list in it. *first puts its tokens in."
        )
    return list(result)


def _cut(answer, first_size, second_size, max_length, generator):
    """Return how many tokens each segment lost at the front, and in all: ((front, all), (front, all))."""
    long = [f"a{i}" for i in range(first_size)], [f"b{i}" for i in range(second_size)]
    result = _packed(answer, *long, max_length, generator)
    if result[-1:] != ["[SEP]"]:
        raise Mistake(
            "the last [SEP] is gone: the result ends with {end}. Cut the segments first, and then add the "
            "special tokens.",
            end=" ".join(map(str, result[-2:])),
        )
    if result.count("[SEP]") != 2 or result[0] != "[CLS]" or result.count("[CLS]") != 1:
        raise Mistake("the result needs one [CLS] at the start and two [SEP], one after A and one after B.")
    if len(result) > max_length:
        raise Mistake(
            "the result has {count} tokens, and max_length is {max_length}: [CLS] and the two [SEP] count, too.",
            count=len(result),
            max_length=max_length,
        )
    if len(result) < min(max_length, first_size + second_size + 3):
        raise Mistake(
            "the result has {count} tokens, but {max_length} are allowed. You cut more than you have to.",
            count=len(result),
            max_length=max_length,
        )
    middle = result.index("[SEP]")
    segments = result[1:middle], result[middle + 1 : -1]
    if any(token in long[1] for token in segments[0]) or any(token in long[0] for token in segments[1]):
        raise Mistake("A and B are swapped or mixed. A comes first, after [CLS].")
    sizes = tuple(map(len, segments))
    reference = pack_pair(*long, max_length, random.Random(0))
    middle = reference.index("[SEP]")
    if sizes != (middle - 1, len(reference) - middle - 2):
        raise _wrong_lengths(max_length, long, sizes, (middle - 1, len(reference) - middle - 2))
    if not all(_is_run(*pair) for pair in zip(segments, long)):
        raise Mistake(
            "tokens are missing from the middle of a segment, or out of order. Cut only at its two ends."
        )
    return [(whole.index(part[0]), len(whole) - len(part)) for part, whole in zip(segments, long)]


def _wrong_lengths(max_length, long, sizes, right):
    before = tuple(map(len, long))
    if sizes == (right[1], right[0]) and abs(right[0] - right[1]) == 1:
        return Mistake(
            "of {before} tokens, {after} are left with max_length {max_length}; it should be {right}. When both "
            "segments are equally long, B loses the next token.",
            before=before,
            after=sizes,
            max_length=max_length,
            right=right,
        )
    if sizes[0] == before[0] or sizes[1] == before[1]:
        return Mistake(
            "of {before} tokens, {after} are left with max_length {max_length}: you cut only one segment. "
            "Take one token at a time from the longer segment, so that {right} are left.",
            before=before,
            after=sizes,
            max_length=max_length,
            right=right,
        )
    return Mistake(
        "of {before} tokens, {after} are left with max_length {max_length}. Take one token at a time from the "
        "longer segment, from B when both are equally long: {right} are left.",
        before=before,
        after=sizes,
        max_length=max_length,
        right=right,
    )


def _is_run(part, whole):
    start = whole.index(part[0]) if part and part[0] in whole else -1
    return start >= 0 and whole[start : start + len(part)] == part


# 5.5 ----------------------------------------------------------------------------------------------


def is_next_probability(scores):
    """Return the probability that B follows A, (B,), from the scores of the head, (B, 2)."""
    return scores.softmax(dim=-1)[:, 0]


def examine_is_next_probability(answer):
    _examine_probabilities(answer, torch.tensor([[2.0, -1.0], [0.5, 0.5], [-3.0, 1.0], [1.0, 4.0]]))
    for seed in range(30):
        generator = torch.Generator().manual_seed(seed)
        _examine_probabilities(answer, 3 * torch.randn(1 + seed % 9, 2, generator=generator))


def _examine_probabilities(answer, scores):
    given = scores.clone()
    result = call(answer, given)
    if not torch.equal(given, scores):
        raise Mistake("you change the scores themselves, but the caller still needs them. Work on a copy.")
    try:
        values = torch.as_tensor(result).detach()
        values = values.to(torch.promote_types(values.dtype, torch.half))  # whole numbers and bool, too
    except (TypeError, ValueError, RuntimeError):
        values = None
    if values is None or values.shape != (len(scores),):
        raise Mistake(
            "return one probability for each pair, a tensor of shape {shape}, not {kind}.",
            shape=(len(scores),),
            kind=describe(result if values is None else values),
        )
    reference = is_next_probability(scores)
    tolerance = max(1e-5, 4 * torch.finfo(values.dtype).eps)

    def near(other):
        return torch.allclose(values.double(), other.double(), atol=tolerance)

    if near(reference):
        return
    if bool(((values == 0) | (values == 1)).all()):
        raise Mistake(
            "you return decisions, {result}. A probability says how sure the model is, so don't use "
            "argmax or >.",
            result=values.tolist(),
        )
    if near(1 - reference):
        raise Mistake(
            "that is the probability of *random*. In BERT's convention, class 0 is IsNext. If you read it "
            "the other way around, a good model looks worse than chance."
        )
    if near(reference.log()):
        raise Mistake(
            "those are logarithms of probabilities, from log_softmax. Take softmax, or exp() of them."
        )
    if near(scores[:, 0].softmax(dim=0)) or near(scores.softmax(dim=0)[:, 0]):
        raise Mistake(
            "you take softmax over the batch, so pairs compete with one another. Take it over the two "
            "classes: dim=-1."
        )
    if near(scores.softmax(dim=-1).max(dim=-1).values):
        raise Mistake(
            "that's the probability of the likelier class, whichever it is. Take class 0, IsNext, for "
            "every pair."
        )
    if near(scores[:, 0] / scores.sum(dim=-1)):
        raise Mistake(
            "you divide a score by the sum of both. A score can be below 0: softmax takes exp() first."
        )
    if near(scores[:, 0]) or (values < 0).any() or (values > 1).any():
        raise Mistake(
            "those are scores, not probabilities. Turn the two scores of a pair into probabilities with "
            "softmax."
        )
    if near(scores[:, 0].sigmoid()):
        raise Mistake(
            "sigmoid looks at a single score. There are two, and only their difference matters, so use "
            "softmax."
        )
    raise Mistake(
        "for scores {scores} you return {result}; it should be {reference}.",
        scores=[[round(float(s), 2) for s in row] for row in scores],
        result=[round(float(p), 3) for p in values],
        reference=[round(float(p), 3) for p in reference],
    )


EXERCISES = [
    Exercise(
        identifier="5.1",
        title="Split a chunk into two segments",
        difficulty=1,
        minutes=10,
        examine=examine_split_chunk,
        hints=(
            "Draw how many sentences A gets: at least 1, at most len(chunk) - 1.",
            "generator.randint(1, len(chunk) - 1) includes both ends. A is chunk[:end], B is chunk[end:].",
            "A segment is a flat list: [token for sentence in chunk[:end] for token in sentence].",
        ),
        solution=split_chunk,
        praise="Your segments are spans of whole sentences, every border is equally likely, and nothing "
        "gets lost.",
    ),
    Exercise(
        identifier="5.2",
        title="Another document, never the same",
        difficulty=2,
        minutes=10,
        examine=examine_random_document,
        hints=(
            "You can draw again until the number differs, or draw in a way that can't fail.",
            "There are number_of_documents - 1 others: draw a number from 0 to number_of_documents - 2.",
            (
                "other = generator.randrange(number_of_documents - 1); then add one to every number from "
                "own upward: other + (other >= own)."
            ),
        ),
        solution=random_document,
        praise=(
            "All other documents are equally likely, and you never get A's own. (The original code tries "
            "ten times and then takes what it gets.)"
        ),
    ),
    Exercise(
        identifier="5.3",
        title="How many labels are IsNext?",
        difficulty=1,
        minutes=10,
        examine=examine_expected_is_next,
        hints=(
            "What is the chance of IsNext for a chunk of 4 sentences? And for a chunk of 1?",
            "0.5 for two sentences or more, 0 for one sentence.",
            "Add up the chances and divide by the number of chunks.",
        ),
        solution=expected_is_next,
        praise="The share is one half where there's a choice, and less over all pairs.",
    ),
    Exercise(
        identifier="5.4",
        title="Truncate a pair, and keep both [SEP]",
        difficulty=2,
        minutes=15,
        examine=examine_pack_pair,
        hints=(
            "How many tokens of A and B fit in together? Three places are taken.",
            (
                "While there are too many: pick the longer list (B when they are equally long) and drop its "
                "first or its last token."
            ),
            (
                "longer.pop(0 if generator.random() < 0.5 else -1). Add [CLS] and both [SEP] when the loop "
                "is done."
            ),
        ),
        solution=pack_pair,
        praise="Cut first, pack afterward, and no [SEP] gets lost.",
    ),
    Exercise(
        identifier="5.5",
        title="Read the head the right way around",
        difficulty=1,
        minutes=5,
        examine=examine_is_next_probability,
        hints=(
            "Each pair has two scores; softmax turns them into two probabilities.",
            "Which class is IsNext in BERT? The label 0.",
            "Softmax over the last dimension, then column 0: scores.softmax(dim=-1)[:, 0].",
        ),
        solution=is_next_probability,
        praise="Class 0 is IsNext, in the authors' code and in their checkpoints.",
    ),
]

QUIZ = [
    Question(
        "What is segment A?",
        Option(
            "One sentence, and segment B is another.",
            "That's RoBERTa's sentence-pair format, the worst of those compared. BERT takes spans.",
        ),
        Option(
            "The first 1 to n − 1 sentences of a chunk of n.",
            "A chunk fills the length, and a random border between sentences divides it.",
            correct=True,
        ),
        Option(
            "The first half of the sequence, counted in tokens, without [CLS].",
            "The border lies between two sentences, wherever it is drawn.",
        ),
        Option(
            "The paragraph that comes before segment B.",
            "The algorithm knows documents and sentences, but no paragraphs.",
        ),
    ),
    Question(
        'Why are more than half of the labels "random"?',
        Option(
            "A chunk of one sentence has no rest.",
            "It always gets a random B, on top of half of the other chunks.",
            correct=True,
        ),
        Option(
            "The coin for B isn't a fair one.",
            "It is: where there is a choice, half of the pairs are random.",
        ),
        Option(
            "Random pairs are easier, so there are more.",
            "The paper says 50%; the excess is a by-product of the algorithm.",
        ),
        Option(
            "Truncation removes more of the true pairs.",
            "Truncation shortens segments and removes no pair.",
        ),
    ),
    Question(
        "Published weights reach an NSP accuracy of 8% on your pairs. What do you conclude?",
        Option(
            "The model is too small to have learned the task.",
            "A model that knows nothing is right in about half of the cases, never in 8%.",
        ),
        Option(
            "The final [SEP] is missing from every pair.",
            "That hurts, but it doesn't make a model systematically wrong.",
        ),
        Option(
            "It knows the task, and your labels are flipped.",
            "92% right under the right convention is 8% under the other one.",
            correct=True,
        ),
        Option(
            "Your pairs come from too few documents.",
            "Then the score is noisy, and still not far below one half.",
        ),
    ),
    Question(
        "Why is sentence-order prediction harder than next-sentence prediction?",
        Option(
            "Its segments are shorter and give fewer clues.",
            "The segments are built in the same way and are as long.",
        ),
        Option(
            "Its two classes are badly out of balance.",
            "They're almost perfectly balanced; every chunk has a choice.",
        ),
        Option(
            "It needs two documents for each of its pairs, not one.",
            "It needs one; next-sentence prediction needs two.",
        ),
        Option(
            "Its two classes share all words and the topic.",
            "Swapping A and B changes no word, so only the order of the thoughts can tell.",
            correct=True,
        ),
    ),
    Question(
        "What did RoBERTa find when it removed the next-sentence loss?",
        Option(
            "Results as good, or slightly better, on full-length text.",
            "Filling sequences with consecutive sentences of one document did best.",
            correct=True,
        ),
        Option(
            "A model that could no longer compare two sentences in fine-tuning.",
            "Fine-tuning on pairs worked as well; BERT's own ablation had found a loss on QNLI, in another setting.",
        ),
        Option(
            "Training that became unstable, until the loss came back.",
            "Nothing of the kind was reported.",
        ),
        Option(
            "Much better results, since NSP does harm.",
            "The differences are small, and the input format changed along with the loss.",
        ),
    ),
    Question(
        "Your model reaches 55% on held-out pairs. What do you compare that with first?",
        Option(
            "With 50%, the share of a fair coin.",
            'A coin ignores that the classes aren\'t equally frequent. Always saying "random" beats it for free.',
        ),
        Option(
            "With ALBERT's table, which has a row for NSP.",
            "Other data, another model and other pairs: the difference could mean anything.",
        ),
        Option(
            'With the share of "random" among these pairs.',
            "That's what a model gets that always says the same. At 55% random, yours has learned nothing.",
            correct=True,
        ),
        Option(
            "With its accuracy on the pairs that it was trained on.",
            "That tells memorizing from learning, but neither number says what an empty model gets.",
        ),
    ),
    Question(
        "Your corpus is one long novel, stored as a single document. What goes wrong?",
        Option(
            "Every chunk has one sentence only.",
            "Chunks are filled with sentences to the length, in a novel as anywhere.",
        ),
        Option(
            "There's no other document for a random B.",
            "B must come from another document, and there is none. Split the novel, by chapters for instance.",
            correct=True,
        ),
        Option(
            "The first pairs are cut at the front, the last at the end.",
            "Each token that must go is cut by a coin, wherever the pair stands in the document.",
        ),
        Option(
            'All labels become "random", as A has no neighbor.',
            "The true B is there as always. It's the random one that's missing.",
        ),
    ),
]
