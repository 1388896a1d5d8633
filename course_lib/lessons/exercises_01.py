"""Exercises and quiz of lesson 01, before BERT."""

import math

import torch

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, describe


def _number(value) -> float:
    """Return a learner's result as a float, or say that one number is wanted."""
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise Mistake("return one number, not {kind}.", kind=describe(value)) from None


def _is(value: float, reference: float) -> bool:
    return abs(value - reference) <= 1e-4 * max(1.0, abs(reference))


# 1.1 ----------------------------------------------------------------------------------------------


def next_word_probability(word, previous, followers, counts, weight):
    """Return weight · share of a word after the previous one + (1 − weight) · its share of the whole text."""
    alone = counts.get(word, 0) / sum(counts.values())
    after = followers.get(previous)
    if not after:
        return alone
    return weight * after.get(word, 0) / sum(after.values()) + (1 - weight) * alone


FOLLOWERS = {
    "the": {"river": 3, "bank": 5},
    "a": {"bank": 1, "boat": 3},
    "of": {"the": 2},
}
COUNTS = {"the": 10, "river": 5, "bank": 6, "a": 4, "boat": 3, "of": 2, "end": 10}  # 40 words


def examine_next_word_probability(answer):
    cases = [("bank", "the"), ("boat", "a"), ("river", "end"), ("end", "the"), ("the", "of")]
    for word, previous in cases:
        weight = 0.75
        result = _number(call(answer, word, previous, FOLLOWERS, COUNTS, weight))
        reference = next_word_probability(word, previous, FOLLOWERS, COUNTS, weight)
        if _is(result, reference):
            continue
        alone = COUNTS[word] / 40
        after = FOLLOWERS.get(previous, {})
        count, total = after.get(word, 0), sum(after.values())
        if not after:
            raise Mistake(
                "nothing ever followed “{previous}” in the text, but you return {result:.3f} for "
                "“{word}”. There's no share to mix in, so return the word's own share, {reference:.3f}.",
                word=word,
                previous=previous,
                result=result,
                reference=reference,
            )
        share = count / total
        if _is(result, (1 - weight) * share + weight * alone):
            raise Mistake(
                "the weight is on the wrong side. Multiply the share after “{previous}” by weight, and "
                "the word's own share by 1 − weight.",
                previous=previous,
            )
        if _is(result, share):
            raise Mistake(
                "you return {result:.3f}, the share after “{previous}” alone. A pair that didn't occur "
                "would get 0. Mix in the word's own share.",
                previous=previous,
                result=result,
            )
        if _is(result, alone):
            raise Mistake(
                "you return {result:.3f}, the word's own share of the text. The word before it should "
                "count, too.",
                result=result,
            )
        if _is(result, weight * count / COUNTS[previous] + (1 - weight) * alone):
            raise Mistake(
                "you divide by how often “{previous}” occurs, {times} times. But sometimes it's the last "
                "word of a sentence, and nothing follows. Divide by the sum of its followers, {total}.",
                times=COUNTS[previous],
                total=total,
                previous=previous,
            )
        pairs = sum(sum(words.values()) for words in FOLLOWERS.values())
        if _is(result, weight * count / pairs + (1 - weight) * alone):
            raise Mistake(
                "you divide by all {pairs} pairs of the text. The question is what follows “{previous}”: divide by "
                "the {total} words that do.",
                pairs=pairs,
                total=total,
                previous=previous,
            )
        if _is(result, weight * count + (1 - weight) * COUNTS[word]):
            raise Mistake(
                "you mix counts. A probability is made of shares, so divide each count by its total."
            )
        if _is(result, share + alone):
            raise Mistake("you add the two shares without weights, so they may add up to more than 1.")
        raise Mistake(
            "for “{word}” after “{previous}” you return {result:.3f}; it should be {reference:.3f}.",
            word=word,
            previous=previous,
            result=result,
            reference=reference,
        )


# 1.2 ----------------------------------------------------------------------------------------------


def skip_gram_pairs(tokens, window):
    """Return all pairs (center, context) of two words that stand at most so many words apart."""
    return [
        (tokens[i], tokens[j])
        for i in range(len(tokens))
        for j in range(max(0, i - window), min(len(tokens), i + window + 1))
        if i != j
    ]


def examine_skip_gram_pairs(answer):
    for tokens, window in (
        (["the", "river", "bank", "was", "muddy"], 2),
        (["a", "b", "c", "d", "e", "f"], 1),
        (["to", "be", "or", "not", "to", "be"], 3),
        (["alone"], 2),
    ):
        result = call(answer, list(tokens), window)
        try:
            pairs = sorted((str(center), str(context)) for center, context in result)
        except (TypeError, ValueError, RuntimeError):
            raise Mistake(
                "return a list of pairs such as (“river”, “bank”); you return {kind}.", kind=describe(result)
            ) from None
        reference = sorted(skip_gram_pairs(tokens, window))
        if pairs == reference:
            continue
        n, places = len(tokens), range(len(tokens))

        def made_by(test, tokens=tokens, places=places):
            return sorted((tokens[i], tokens[j]) for i in places for j in places if test(j - i))

        if pairs == made_by(lambda d, window=window: abs(d) <= window):
            raise Mistake(
                "each word is paired with itself, but a word isn't its own context. Leave out the "
                "position of the center."
            )
        if pairs == made_by(lambda d, window=window: 0 < d <= window):
            raise Mistake("you take only the words to the right. The window covers both sides of the center.")
        if pairs == made_by(lambda d, window=window: 0 < -d <= window):
            raise Mistake("you take only the words to the left. The window covers both sides of the center.")
        if pairs == made_by(lambda d, window=window: d != 0 and -window <= d < window):
            raise Mistake(
                "on the right you stop one word early. range() leaves out its end, so the end has to be i "
                "+ window + 1."
            )
        wrapped = sorted(
            (tokens[i], tokens[(i + d) % n])
            for i in places
            for d in range(-window, window + 1)
            if d and i + d < n
        )
        if pairs == wrapped:
            raise Mistake(
                "a negative index counts from the end in Python, so your first words are paired with the "
                "last ones. Start at max(0, i − window)."
            )
        if pairs == sorted(set(reference)):
            raise Mistake(
                "in “{text}” some pairs occur twice, but you return them only once. Each occurrence is a "
                "training example, so keep a list, not a set.",
                text=" ".join(tokens),
            )
        if pairs == sorted(
            (tokens[i], tokens[j]) for i in places for j in places if i != j and i // window == j // window
        ):
            raise Mistake(
                "you cut the text into blocks. Each word has its own window, which moves along with it."
            )
        raise Mistake(
            "for “{text}” and a window of {window} you return {count} pairs; there are {wanted}, such as {first}.",
            text=" ".join(tokens),
            window=window,
            count=len(pairs),
            wanted=len(reference),
            first=reference[:2],
        )


# 1.3 ----------------------------------------------------------------------------------------------


def negative_sampling_loss(centers, contexts, negatives):
    """Return the mean over pairs of −log σ(v·u) − Σ log σ(−v·u'), for (B, D), (B, D) and (B, K, D)."""
    near = (centers * contexts).sum(dim=-1)  # (B,)
    drawn = (negatives * centers[:, None]).sum(dim=-1)  # (B, K)
    log_sigmoid = torch.nn.functional.logsigmoid
    return -(log_sigmoid(near) + log_sigmoid(-drawn).sum(dim=-1)).mean()


def examine_negative_sampling_loss(answer):
    generator = torch.Generator().manual_seed(1)
    centers, contexts = (torch.randn(4, 6, generator=generator) for _ in range(2))
    negatives = torch.randn(4, 3, 6, generator=generator)
    before = centers.clone()
    result = call(answer, centers, contexts, negatives)
    if isinstance(result, torch.Tensor) and result.numel() > 1:
        raise Mistake(
            "you return a tensor of shape {shape}; the loss is one number, the mean over the pairs.",
            shape=tuple(result.shape),
        )
    value, reference = _number(result), float(negative_sampling_loss(centers, contexts, negatives))
    log_sigmoid = torch.nn.functional.logsigmoid
    near = (before * contexts).sum(dim=-1)
    drawn = (negatives * before[:, None]).sum(dim=-1)
    positive, negative = log_sigmoid(near), log_sigmoid(-drawn)
    if _is(value, -reference):
        raise Mistake(
            "your loss has the wrong sign. The logarithm of a probability is negative, and training makes "
            "the loss smaller, so put a minus sign in front."
        )
    if _is(value, float(-(positive + log_sigmoid(drawn).sum(dim=-1)).mean())):
        raise Mistake(
            "you pull the random words closer, just like the real neighbors. They should be pushed away: "
            "use log σ(−v·u'), with the minus inside."
        )
    if _is(value, float(-positive.mean())):
        raise Mistake(
            "the random words don't count in your loss. Without them, nothing stops all vectors from "
            "becoming the same."
        )
    if _is(value, float(-(positive + negative.mean(dim=-1)).mean())):
        raise Mistake("you take the mean over the random words; the paper takes the sum over the K of them.")
    if _is(value, 4 * reference):
        raise Mistake(
            "you return {value:.3f}, the sum over the 4 pairs. Take their mean ({reference:.3f}), so that "
            "the loss doesn't grow with the batch.",
            value=value,
            reference=reference,
        )
    if _is(value, float(-(near + (-drawn).sum(dim=-1)).mean())):
        raise Mistake("the sigmoid and its logarithm are missing: you add bare dot products.")
    if _is(value, float(-(near.sigmoid() + (-drawn).sigmoid().sum(dim=-1)).mean())):
        raise Mistake("the logarithm is missing: you add probabilities, not their surprise.")
    scores = torch.cat([near[:, None], drawn], dim=1)  # (B, 1 + K)
    if _is(value, float(-scores.log_softmax(dim=-1)[:, 0].mean())):
        raise Mistake(
            "you let the words compete in a softmax. Negative sampling asks a yes/no question about each word: "
            "one sigmoid for each."
        )
    if not _is(value, reference):
        raise Mistake(
            "your loss is {value:.3f}; it should be {reference:.3f}.", value=value, reference=reference
        )
    large = negative_sampling_loss(100 * centers, contexts, negatives)
    if not math.isfinite(_number(call(answer, 100 * centers, contexts, negatives))):
        raise Mistake(
            "with long vectors your loss is infinite, but it should be {large:.1f}. The sigmoid rounds to "
            "0 before you take the logarithm. Use logsigmoid.",
            large=float(large),
        )


# 1.4 ----------------------------------------------------------------------------------------------


def sense_accuracy(vectors, senses):
    """Return the share of occurrences whose nearest other one, by cosine, has the same sense."""
    unit = vectors / vectors.norm(dim=1, keepdim=True)  # (N, H)
    cosines = unit @ unit.T  # (N, N)
    cosines.fill_diagonal_(-2)
    nearest = cosines.argmax(dim=1).tolist()
    return sum(senses[i] == senses[j] for i, j in enumerate(nearest)) / len(senses)


def _occurrences():
    """Return twelve vectors of two senses and different lengths; each way to measure gives another score."""
    generator = torch.Generator().manual_seed(7)
    senses = ["money"] * 6 + ["river"] * 6
    middle = torch.zeros(12, 8)
    middle[:6, 0], middle[6:, 1] = 1.2, 1.2
    length = torch.rand(12, 1, generator=generator) * 4 + 0.2
    return (middle + 0.6 * torch.randn(12, 8, generator=generator) + 0.5) * length, senses


def examine_sense_accuracy(answer):
    vectors, senses = _occurrences()
    before = vectors.clone()
    value, reference = _number(call(answer, vectors, list(senses))), sense_accuracy(before, senses)
    if not torch.equal(vectors, before):
        raise Mistake("you change the vectors that were given to you. Work on a copy.")
    unit = before / before.norm(dim=1, keepdim=True)

    def score(closeness):
        closeness = closeness.clone().fill_diagonal_(-math.inf)
        return sum(senses[i] == senses[j] for i, j in enumerate(closeness.argmax(dim=1).tolist())) / len(
            senses
        )

    if _is(value, 1.0):
        raise Mistake(
            "you find that everything is right, because each occurrence is its own nearest neighbor. "
            "First set the diagonal to something below −1."
        )
    if _is(value, 100 * reference):
        raise Mistake(
            "you return {value:.1f}. A share lies between 0 and 1; percent are for printing.", value=value
        )
    if _is(value, len(senses) * reference):
        raise Mistake(
            "you return {value:.0f}, which is a count; divide it by the {count} occurrences.",
            value=value,
            count=len(senses),
        )
    if _is(value, reference):
        pass
    elif _is(value, score(before @ before.T)):
        raise Mistake(
            "you compare dot products, so a long vector looks near to everything. Divide each vector by "
            "its length first."
        )
    elif _is(value, score(-torch.cdist(before, before))):
        raise Mistake(
            "you use the distance. The cosine depends on the direction only, so lengths must not matter."
        )
    elif _is(value, score(-(unit @ unit.T))):
        raise Mistake("you take the *least* similar one. The nearest has the largest cosine.")
    elif _is(value, 1 - reference):
        raise Mistake("you return {value:.3f}, which is the share that is wrong.", value=value)
    else:
        raise Mistake(
            "you return {value:.3f}, but a share of {reference:.3f} of the occurrences have a nearest "
            "neighbor with the same sense.",
            value=value,
            reference=reference,
        )
    order = [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]
    mixed = _number(call(answer, before[order].clone(), [senses[i] for i in order]))
    if not _is(mixed, reference):
        raise Mistake(
            "when the same occurrences come in another order, your score is {mixed:.3f}, not "
            "{reference:.3f}. Look at the list of senses; don't assume that the first half has one sense.",
            mixed=mixed,
            reference=reference,
        )


# 1.5 ----------------------------------------------------------------------------------------------


def mean_cosine(vectors):
    """Return the mean cosine of all pairs of two different vectors, for (N, H)."""
    unit = vectors / vectors.norm(dim=1, keepdim=True)  # (N, H)
    N = len(unit)
    cosines = unit @ unit.T  # (N, N)
    return (cosines.sum() - N) / (N * (N - 1))


def examine_mean_cosine(answer):
    generator = torch.Generator().manual_seed(3)
    vectors = torch.randn(5, 4, generator=generator) * torch.tensor([[1.0], [3.0], [0.5], [2.0], [1.0]]) - 0.4
    before = vectors.clone()
    value = _number(call(answer, vectors))
    reference = float(mean_cosine(before))
    unit = before / before.norm(dim=1, keepdim=True)
    cosines = unit @ unit.T
    pairs = cosines[~torch.eye(5, dtype=torch.bool)]
    if _is(value, reference):
        if not torch.equal(vectors, before):
            raise Mistake("you change the vectors that were given to you. Work on a copy.")
        return
    if _is(value, float(cosines.mean())):
        raise Mistake(
            "each vector is also compared with itself, and that cosine is always 1. Leave out the "
            "diagonal: there are N · (N − 1) pairs."
        )
    if _is(value, float(cosines.sum() - 5) / 25):
        raise Mistake(
            "you leave the diagonal out of the sum, but you divide by N². There are N · (N − 1) pairs."
        )
    dots = before @ before.T
    if _is(value, float(dots[~torch.eye(5, dtype=torch.bool)].mean())):
        raise Mistake(
            "these are dot products. Divide each vector by its length first, so that they are cosines."
        )
    if _is(value, float(pairs.abs().mean())):
        raise Mistake(
            "you take absolute values. Keep negative cosines as they are: two vectors can point in "
            "opposite directions."
        )
    if _is(value, float(pairs.sum())) or _is(value, float(pairs.sum()) / 2):
        raise Mistake("you return a sum, {value:.3f}; take the mean over the pairs.", value=value)
    middle = before - before.mean(dim=0)
    if _is(value, float(mean_cosine(middle))):
        raise Mistake(
            "you subtract the mean vector first. That's the next step of the lesson; here we want the "
            "baseline without it."
        )
    if _is(value, float(unit.mean(dim=0).norm())):
        raise Mistake(
            "that's the length of the mean unit vector. Its *square* is the mean cosine, if each vector "
            "is also paired with itself."
        )
    raise Mistake("you return {value:.3f}; it should be {reference:.3f}.", value=value, reference=reference)


EXERCISES = [
    Exercise(
        identifier="1.1",
        title="The next word, from counts",
        difficulty=1,
        minutes=10,
        examine=examine_next_word_probability,
        hints=(
            "Two shares: that of the word in the whole text, and that among the words after the previous one.",
            "The share after the previous word is followers[previous][word] / sum(followers[previous].values()).",
            "followers.get(previous) is None where nothing ever followed: return the word's own share there.",
        ),
        solution=next_word_probability,
        praise="Now no pair gets probability 0, as long as the word itself occurs in the text.",
    ),
    Exercise(
        identifier="1.2",
        title="Which words are neighbors",
        difficulty=1,
        minutes=10,
        examine=examine_skip_gram_pairs,
        hints=(
            "You need two loops: one over the position i of the center, and one over the positions j in "
            "its window.",
            "The window runs from i − window to i + window, but not past either end of the text.",
            "range(max(0, i - window), min(len(tokens), i + window + 1)), without i itself.",
        ),
        solution=skip_gram_pairs,
        praise="These pairs are all that word2vec ever sees of a text. It doesn't even know which word "
        "came first.",
    ),
    Exercise(
        identifier="1.3",
        title="The loss of word2vec",
        difficulty=2,
        minutes=15,
        examine=examine_negative_sampling_loss,
        hints=(
            "Start with a dot product for each pair: (centers * contexts).sum(dim=-1) has shape (B,).",
            "For the random words, centers[:, None] is (B, 1, D). Multiply it by negatives and sum over "
            "the last dimension to get (B, K).",
            "Take logsigmoid of the first, and add the sum over K of logsigmoid of minus the second. Then "
            "take the mean, with a minus sign.",
        ),
        solution=negative_sampling_loss,
        praise="That's the loss that made word2vec famous in 2013.",
    ),
    Exercise(
        identifier="1.4",
        title="Score the senses",
        difficulty=2,
        minutes=15,
        examine=examine_sense_accuracy,
        hints=(
            "Divide each vector by its length; then unit @ unit.T has all cosines, (N, N).",
            "No vector may be its own neighbor: cosines.fill_diagonal_(-2) takes care of that.",
            "argmax(dim=1) gives the position of each nearest neighbor. Compare the senses at both "
            "positions.",
        ),
        solution=sense_accuracy,
        praise="Now you have a number, and you can compare any two kinds of vectors with it.",
    ),
    Exercise(
        identifier="1.5",
        title="How alike are two random words?",
        difficulty=2,
        minutes=10,
        examine=examine_mean_cosine,
        hints=(
            "Compute all cosines first, as in the exercise before: (N, N).",
            "The diagonal is 1 everywhere: subtract N from the sum.",
            "That leaves N · (N − 1) pairs.",
        ),
        solution=mean_cosine,
        praise="The next time someone shows you a cosine of 0.8, ask for this number first.",
    ),
]

QUIZ = [
    Question(
        "A bigram model has never seen “muddy bank”. What probability does it give to “bank” after “muddy”?",
        Option(
            "Always 0, because the pair has the count 0.",
            "That's the share without interpolation. With probability 0, a single new pair would make a "
            "whole text impossible.",
        ),
        Option(
            "The share of “bank” among the words that resemble it the most, such as “shore”.",
            "Counts don't know which words resemble each other. That took vectors, in 2013.",
        ),
        Option(
            "With interpolation, a part of the share of “bank” in the whole text.",
            "The share after “muddy” is 0, but the mixture still contains the word's own share.",
            correct=True,
        ),
        Option(
            "One divided by the number of words in the vocabulary.",
            "Only a model that knows nothing does that. Here the word's own frequency is known.",
        ),
    ),
    Question(
        "Why does word2vec give “bank” one vector, whatever the sentence?",
        Option(
            "Its table has one row per word, and nothing else is used.",
            "Training mixes all senses of a word into its row, and the row is all there is to look up.",
            correct=True,
        ),
        Option(
            "The window of five words is too small to tell the senses apart.",
            "Whatever the window, the result is a table with one row per word.",
        ),
        Option(
            "Negative sampling draws too few words to separate the two senses.",
            "The negatives keep vectors apart; they don't give a word a second row.",
        ),
        Option(
            "The Wikipedia sample is small.",
            "More text makes better rows, but still one for each word.",
        ),
    ),
    Question(
        "The static vectors find the right sense in 46.7% of the sentences. What have they learned about senses?",
        Option(
            "A little: 46.7% is near 50%.",
            "Chance isn't 50% here. A sentence isn't its own neighbor, so only seven of the other fifteen "
            "share its sense.",
        ),
        Option(
            "Less than nothing: they're worse than a coin, so they must mislead.",
            "They'd mislead if they scored below 7 in 15, which is what a random guess scores here.",
        ),
        Option(
            "Almost half of what an encoder learns.",
            "Measure a score from chance upward. These vectors are exactly at chance.",
        ),
        Option(
            "Nothing: all vectors of a word are equal, and 7/15 is chance.",
            "When all sixteen are equally near, the score is the share of the other fifteen that have the "
            "right sense.",
            correct=True,
        ),
    ),
    Question(
        "What can deep bidirectional reading do that two joined one-way readers can't?",
        Option(
            "See the words on both sides of a gap.",
            "The joined ones see both sides, too: one reader from the left, one from the right.",
        ),
        Option(
            "Let what's on the left change what the right means.",
            "In the joined pair, the two sides meet only after the last layer. The interaction that we "
            "measured is 0 there.",
            correct=True,
        ),
        Option(
            "Read a text in one pass instead of two.",
            "It's one pass, but that isn't the point: the two passes could run at the same time.",
        ),
        Option(
            "Do without masking when it is trained.",
            "It's the other way around: because each word sees everything, the word to guess must be masked.",
        ),
    ),
    Question(
        "Two occurrences of one word have a cosine of 0.8. Do they mean the same?",
        Option(
            "You can't tell before you know how other pairs score.",
            "Here, two occurrences with different senses are nearly as close. You need something to "
            "compare with.",
            correct=True,
        ),
        Option(
            "Yes, since 0.8 is close to 1, and 1 means equal.",
            "A cosine has no fixed scale. All vectors of a layer have a part in common, and that raises "
            "every cosine.",
        ),
        Option(
            "Yes, if both vectors are from the last layer of the encoder.",
            "The baseline differs from layer to layer, so you need it for the last one, too.",
        ),
        Option(
            "No, since words of one meaning have a cosine of 1.",
            "Two occurrences have different neighbors and places, so contextual vectors are never equal.",
        ),
    ),
    Question(
        "At an equal number of updates, why does the left-to-right reader learn faster at first?",
        Option(
            "Its task is easier, because it sees more of the text.",
            "It sees less: only what stands before the word.",
        ),
        Option(
            "Its layers are larger.",
            "Both are the same encoder, from the same random weights.",
        ),
        Option(
            "It is asked about every word, the other about 15%.",
            "Each batch gives it more than six times as many answers to learn from. That's the price of "
            "masking.",
            correct=True,
        ),
        Option(
            "It needs no softmax over the vocabulary.",
            "Both score the whole vocabulary wherever they predict.",
        ),
    ),
    Question(
        "What may you conclude from a power law through five sizes?",
        Option(
            "That a model a thousand times as large follows it.",
            "A line through measured points promises nothing outside of them. There it's a hypothesis.",
        ),
        Option(
            "By which factor the loss fell per doubling, in this range.",
            "The exponent and its interval sum up what was measured: these sizes, this text, this budget.",
            correct=True,
        ),
        Option(
            "That size is the only thing that matters for the loss.",
            "Text and updates were held fixed here. They could matter more.",
        ),
        Option(
            "That the published exponent is wrong if ours differs.",
            "Another text, another budget and another loss give another exponent.",
        ),
    ),
]
