"""Exercises and quiz of lesson 05, next-sentence prediction."""

import random
from collections import Counter

import torch

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call

# 5.1 ----------------------------------------------------------------------------------------------


def split_chunk(chunk, generator):
    """Return segment A, the first 1 to n - 1 sentences of a chunk, and segment B, the rest."""
    end = generator.randint(1, len(chunk) - 1)
    first = [token for sentence in chunk[:end] for token in sentence]
    second = [token for sentence in chunk[end:] for token in sentence]
    return first, second


def examine_split_chunk(answer):
    chunk = [
        ["the", "sea", "."],
        ["it", "froze", "."],
        ["ships", "sank", "."],
        ["men", "walked", "."],
        ["home", "."],
    ]
    flat, ends = [token for sentence in chunk for token in sentence], Counter()
    first_run = []
    for seed in range(400):
        result = call(answer, [list(sentence) for sentence in chunk], random.Random(seed))
        first, second = _two_lists(result)
        if any(isinstance(token, list) for token in first + second):
            raise Mistake(
                "a segment is one list of tokens; yours still holds sentences as lists inside it. Join them."
            )
        if not first:
            raise Mistake(
                "segment A can come out empty. It takes at least the first sentence: draw from 1, not from 0."
            )
        if not second:
            raise Mistake(
                "segment B can come out empty: A took all sentences. randint includes both ends, so stop at "
                "len(chunk) - 1."
            )
        if first + second != flat:
            if len(first) <= 3 and len(second) <= 3:
                raise Mistake(
                    "you take single sentences as A and B, and lose the rest of the chunk. Segments are "
                    "spans: RoBERTa measured that single sentences are the worst format."
                )
            raise Mistake("A and B together must be the whole chunk, each token once and in order.")
        ends[len(first)] += 1
        first_run.append(len(first))
    starts = [3, 6, 9, 12]
    if set(ends) - set(starts):
        raise Mistake("you cut inside a sentence. The border between A and B is a border between sentences.")
    if len(ends) == 1:
        raise Mistake(
            "the border is always at the same place. Draw it: generator.randint(1, len(chunk) - 1)."
        )
    if set(starts) - set(ends):
        raise Mistake(
            "A never has {number} of the 5 sentences. 1 to 4 are all possible.",
            number=next(starts.index(n) + 1 for n in starts if n not in ends),
        )
    if max(ends.values()) > 1.7 * 100:
        raise Mistake(
            "some borders come up far more often than others. 1 to n - 1 sentences are equally likely."
        )
    second_run = [
        len(call(answer, [list(sentence) for sentence in chunk], random.Random(seed))[0])
        for seed in range(400)
    ]
    if first_run != second_run:
        raise Mistake(
            "two runs with the same generator differ. Draw with generator, not with the random module."
        )


def _two_lists(value):
    try:
        first, second = value
        return list(first), list(second)
    except (TypeError, ValueError):
        raise Mistake("return two lists of tokens, A and B; you return {value!r}.", value=value) from None


# 5.2 ----------------------------------------------------------------------------------------------


def random_document(own, number_of_documents, generator):
    """Return the number of another document, all others equally likely."""
    other = generator.randrange(number_of_documents - 1)
    return other + (other >= own)


def examine_random_document(answer):
    generator = random.Random(1)
    for own in (0, 2, 4):
        counts = Counter()
        for _ in range(2000):
            result = call(answer, own, 5, generator)
            if isinstance(result, bool) or not isinstance(result, int):
                raise Mistake(
                    "return the number of a document, an int; you return {result!r}.",
                    result=result,
                )
            if not 0 <= result < 5:
                raise Mistake(
                    "with 5 documents you return {result}; they are numbered from 0 to 4.",
                    result=result,
                )
            if result == own:
                raise Mistake(
                    'for document {own} you return document {own} itself. Then the "random" B can be the '
                    "true next text, labeled as random: the model is punished for being right.",
                    own=own,
                )
            counts[result] += 1
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
        if max(counts.values()) > 700:
            often = counts.most_common(1)[0][0]
            raise Mistake(
                "document {own} gets document {often} in {share:.0%} of the draws; each of the 4 others "
                "should have 25%. Stepping aside after a bad draw favors the neighbor: draw from one "
                "document fewer, and shift.",
                own=own,
                often=often,
                share=counts[often] / 2000,
            )
    if call(answer, 0, 2, generator) != 1 or call(answer, 1, 2, generator) != 0:
        raise Mistake("with 2 documents there is one other only, and you do not return it.")


# 5.3 ----------------------------------------------------------------------------------------------


def expected_is_next(chunk_sizes):
    """Return the expected share of IsNext among pairs made of chunks of so many sentences each."""
    return sum(0.5 for size in chunk_sizes if size > 1) / len(chunk_sizes)


def examine_expected_is_next(answer):
    for sizes in ([4, 3, 5, 6], [1, 1], [1, 4, 3, 1, 2], [2, 1, 1, 7, 1, 3, 1, 1]):
        result, reference = call(answer, list(sizes)), expected_is_next(sizes)
        try:
            result = float(result)
        except (TypeError, ValueError):
            raise Mistake(
                "return one number, a share from 0 to 1; you return {result!r}.",
                result=result,
            ) from None
        if abs(result - reference) < 1e-9:
            continue
        singles = sizes.count(1)
        if abs(result - 0.5) < 1e-9:
            raise Mistake(
                "for chunks of {sizes} sentences you say one half. A chunk of one sentence has nothing left "
                "for a true B, so it always gets a random one.",
                sizes=sizes,
            )
        if abs(result - (1 - reference)) < 1e-9:
            raise Mistake(
                "for {sizes} you return {result:.3f}, the share of *random* pairs. IsNext is the rest.",
                sizes=sizes,
                result=result,
            )
        if abs(result - (len(sizes) - singles) / len(sizes)) < 1e-9:
            raise Mistake(
                "for {sizes} you return {result:.3f}, the share of chunks that have a choice. Of those, "
                "only half become IsNext.",
                sizes=sizes,
                result=result,
            )
        raise Mistake(
            "for chunks of {sizes} sentences you return {result:.3f}; it should be {reference:.3f}.",
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
    short = ["a1", "a2"], ["b1", "b2", "b3"]
    long = [f"a{i}" for i in range(12)], [f"b{i}" for i in range(20)]
    result = call(answer, list(short[0]), list(short[1]), 16, random.Random(0))
    if not isinstance(result, list):
        raise Mistake("return one list of tokens; you return {kind}.", kind=type(result).__name__)
    if result != ["[CLS]", *short[0], "[SEP]", *short[1], "[SEP]"]:
        raise Mistake(
            "a pair that fits is changed: {result}. It should be [CLS] a1 a2 [SEP] b1 b2 b3 [SEP].",
            result=" ".join(map(str, result)),
        )
    fronts = Counter()
    for seed in range(200):
        arguments = [list(long[0]), list(long[1])]
        result = call(answer, *arguments, 16, random.Random(seed))
        if list(result)[-1:] != ["[SEP]"]:
            raise Mistake(
                "the last [SEP] is gone: the result ends with {end}. Cut the segments first, and add the "
                "special tokens then.",
                end=" ".join(map(str, result[-2:])),
            )
        if result.count("[SEP]") != 2 or result[0] != "[CLS]":
            raise Mistake("the result needs one [CLS] at the start and two [SEP], behind A and behind B.")
        if len(result) > 16:
            raise Mistake(
                "the result has {count} tokens, and max_length is 16: [CLS] and the two [SEP] count, too.",
                count=len(result),
            )
        middle = result.index("[SEP]")
        first, second = result[1:middle], result[middle + 1 : -1]
        if len(result) < 16:
            raise Mistake(
                "the result has {count} tokens where 16 are allowed: you cut more than you must.",
                count=len(result),
            )
        if (len(first), len(second)) != (7, 6):
            raise Mistake(
                "of 12 and 20 tokens, {first} and {second} are left. Take one token at a time from the "
                "longer segment, from B when both are equally long: 7 and 6 are left.",
                first=len(first),
                second=len(second),
            )
        if not (_is_run(first, long[0]) and _is_run(second, long[1])):
            raise Mistake(
                "tokens are missing from the middle of a segment, or out of order. Cut only at its two ends."
            )
        fronts[long[1].index(second[0])] += 1
    if fronts.keys() == {0}:
        raise Mistake(
            "you always cut the end, so the model never sees how sentences end. A fair coin decides: front "
            "or back."
        )
    if fronts.keys() == {14}:
        raise Mistake("you always cut the front. A fair coin decides for each token: front or back.")
    mean = sum(place * count for place, count in fronts.items()) / fronts.total()
    if len(fronts) < 5 or abs(mean - 7) > 1.2:
        raise Mistake(
            "of 14 tokens that B must lose, {mean:.1f} go at the front on average, in {ways} different "
            "ways. Toss a fair coin for each token.",
            mean=mean,
            ways=len(fronts),
        )


def _is_run(part, whole):
    start = whole.index(part[0]) if part and part[0] in whole else -1
    return start >= 0 and whole[start : start + len(part)] == part


# 5.5 ----------------------------------------------------------------------------------------------


def is_next_probability(scores):
    """Return the probability that B follows A, (B,), from the scores of the head, (B, 2)."""
    return scores.softmax(dim=-1)[:, 0]


def examine_is_next_probability(answer):
    scores = torch.tensor([[2.0, -1.0], [0.5, 0.5], [-3.0, 1.0], [1.0, 4.0]])
    result = call(answer, scores.clone())
    if not isinstance(result, torch.Tensor) or result.shape != (4,):
        shape = tuple(result.shape) if isinstance(result, torch.Tensor) else type(result).__name__
        raise Mistake(
            "return one probability for each pair, a tensor of shape (4,); you return {shape}.",
            shape=shape,
        )
    reference = is_next_probability(scores)
    if torch.allclose(result, reference, atol=1e-5):
        return
    if torch.allclose(result, 1 - reference, atol=1e-5):
        raise Mistake(
            "that is the probability of *random*. In BERT's convention class 0 is IsNext; read the other "
            "way round, a good published model looks worse than chance."
        )
    if torch.allclose(result, scores[:, 0]) or (result < 0).any() or (result > 1).any():
        raise Mistake(
            "those are scores, not probabilities. Turn the two scores of a pair into probabilities with "
            "softmax."
        )
    if torch.allclose(result, scores.softmax(dim=0)[:, 0], atol=1e-5):
        raise Mistake(
            "you take softmax over the batch, so pairs compete with one another. Take it over the two "
            "classes: dim=-1."
        )
    if torch.allclose(result, scores[:, 0].sigmoid(), atol=1e-5):
        raise Mistake(
            "sigmoid looks at one score alone. There are two, and only their difference counts: use softmax."
        )
    raise Mistake(
        "you return {result}; it should be {reference}.",
        result=[round(float(p), 3) for p in result],
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
        praise="Spans of whole sentences, every border equally likely, nothing lost.",
    ),
    Exercise(
        identifier="5.2",
        title="Another document, never the same",
        difficulty=2,
        minutes=10,
        examine=examine_random_document,
        hints=(
            "Drawing again until it differs works, and so does a draw that cannot fail.",
            "There are number_of_documents - 1 others: draw one of so many numbers.",
            (
                "other = generator.randrange(number_of_documents - 1); numbers from own upward move up by "
                "one: other + (other >= own)."
            ),
        ),
        solution=random_document,
        praise=(
            "All others equally likely, and the own one impossible. The original tries ten times and then "
            "takes what it gets."
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
        praise="One half is the share where there is a choice; over all pairs it is less.",
    ),
    Exercise(
        identifier="5.4",
        title="Truncate a pair, and keep both [SEP]",
        difficulty=2,
        minutes=15,
        examine=examine_pack_pair,
        hints=(
            "How many tokens of A and B together fit? Three places are taken.",
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
        praise="Cut first, pack afterward: the frame can never be lost.",
    ),
    Exercise(
        identifier="5.5",
        title="Read the head the right way around",
        difficulty=1,
        minutes=5,
        examine=examine_is_next_probability,
        hints=(
            "Two scores a pair; softmax turns them into two probabilities.",
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
            "One sentence of the text.",
            "That is RoBERTa's sentence-pair format, the worst of those compared. BERT takes spans.",
        ),
        Option(
            "The first 1 to n − 1 sentences of a chunk of n.",
            "A chunk fills the length, and a random border between sentences divides it.",
            correct=True,
        ),
        Option(
            "The first half of the sequence, in tokens.",
            "The border lies between two sentences, wherever it is drawn.",
        ),
        Option(
            "The paragraph before segment B.",
            "The algorithm knows documents and sentences, but no paragraphs.",
        ),
    ),
    Question(
        'Why are more than half of the labels "random"?',
        Option(
            "The random generator is not fair.",
            "It is: where there is a choice, half of the pairs are random.",
        ),
        Option(
            "Random pairs are easier, so the original uses more of them.",
            "The paper says 50%; the excess is a by-product of the algorithm.",
        ),
        Option("Truncation removes true pairs.", "Truncation shortens segments and removes no pair."),
        Option(
            "A chunk of one sentence has no rest.",
            "It always gets a random B, on top of the half of the other chunks.",
            correct=True,
        ),
    ),
    Question(
        "A colleague's model reaches an NSP accuracy of 8% with published weights. What is the likely cause?",
        Option(
            "The labels are inverted: class 0 is IsNext.",
            "92% right under the right convention is 8% under the other one.",
            correct=True,
        ),
        Option(
            "The model is too small for the task.",
            "A model that knows nothing is right in about half of the cases, never in 8%.",
        ),
        Option(
            "The final [SEP] was cut off.",
            "That hurts, but it does not make a model systematically wrong.",
        ),
        Option(
            "The pairs come from too few documents.",
            "Then the score is noisy, and still not far below one half.",
        ),
    ),
    Question(
        "Why is sentence-order prediction harder than next-sentence prediction?",
        Option(
            "Its segments are shorter, with fewer clues.",
            "The segments are built in the same way and are as long.",
        ),
        Option(
            "Its two classes are out of balance.",
            "They are almost perfectly balanced; every chunk has a choice.",
        ),
        Option(
            "Both classes have the same words and the same topic.",
            "Swapping A and B changes no word, so only the order of the thoughts can tell.",
            correct=True,
        ),
        Option(
            "It needs two documents for each of its pairs.",
            "It needs one; next-sentence prediction needs two.",
        ),
    ),
    Question(
        "What did RoBERTa find when it removed the next-sentence loss?",
        Option(
            "About the same or slightly better results, with full-length text.",
            "Filling sequences with consecutive sentences of one document did best.",
            correct=True,
        ),
        Option(
            "The model could no longer compare two sentences.",
            (
                "Fine-tuning on pairs worked as well; BERT's own ablation had found a loss on QNLI, in "
                "another setting."
            ),
        ),
        Option("Training became unstable, so the loss came back.", "Nothing of the kind was reported."),
        Option(
            "Much better results, because NSP is harmful in itself.",
            "The differences are small, and the input format changed along with the loss.",
        ),
    ),
]
