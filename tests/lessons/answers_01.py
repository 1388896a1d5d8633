"""Stubs of lesson 01, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import math
from collections import Counter

import numpy as np
import torch


def next_word_probability(word, previous, followers, counts, weight):
    """Return weight · share after the previous word + (1 − weight) · share of the whole text."""
    ...


def skip_gram_pairs(tokens, window):
    """Return a list of pairs (center, context) of words that stand at most `window` places apart."""
    ...


def negative_sampling_loss(centers, contexts, negatives):
    """Return the mean over pairs of −log σ(v·u) − Σ log σ(−v·u')."""
    ...


def sense_accuracy(vectors, senses):
    """Return the share of occurrences whose nearest other one, by cosine, has the same sense."""
    ...


def mean_cosine(vectors):
    """Return the mean cosine of all pairs of two different vectors, for (N, H)."""
    ...


STUBS = {
    "1.1": next_word_probability,
    "1.2": skip_gram_pairs,
    "1.3": negative_sampling_loss,
    "1.4": sense_accuracy,
    "1.5": mean_cosine,
}

# 1.1 ----------------------------------------------------------------------------------------------


def shares(word, previous, followers, counts):
    """Return the share after the previous word, None where nothing followed, and the word's own share."""
    after = followers.get(previous, {})
    own = counts.get(word, 0) / sum(counts.values())
    return (after.get(word, 0) / sum(after.values()) if after else None), own


def with_numpy(word, previous, followers, counts, weight):
    own = counts.get(word, 0) / np.sum(list(counts.values()))
    after = followers.get(previous, {})
    if previous not in followers:
        return np.float32(own)
    return np.float32(np.dot([weight, 1 - weight], [after.get(word, 0) / np.sum(list(after.values())), own]))


def with_try(word, previous, followers, counts, weight):
    own = counts[word] / sum(counts.values())
    try:
        after = followers[previous]
    except KeyError:
        return own
    return own + weight * (after.get(word, 0) / sum(after.values()) - own)


def with_counters(word, previous, followers, counts, weight):
    after, all_words = Counter(followers.get(previous, {})), Counter(counts)
    mixed = weight if after else 0.0
    return mixed * after[word] / max(1, after.total()) + (1 - mixed) * all_words[word] / all_words.total()


def with_a_loop(word, previous, followers, counts, weight):
    total = 0
    for count in counts.values():
        total += count
    result = torch.tensor(counts[word] / total)
    if previous in followers:
        seen = torch.tensor(list(followers[previous].values()), dtype=torch.float64).sum()
        result = (1 - weight) * result + weight * followers[previous].get(word, 0) / seen
    return result


def nothing_for_an_unseen_history(word, previous, followers, counts, weight):
    after, own = shares(word, previous, followers, counts)
    return weight * (after or 0) + (1 - weight) * own


def weight_swapped(word, previous, followers, counts, weight):
    after, own = shares(word, previous, followers, counts)
    return own if after is None else (1 - weight) * after + weight * own


def pair_alone(word, previous, followers, counts, weight):
    after, own = shares(word, previous, followers, counts)
    return own if after is None else after


def word_alone(word, previous, followers, counts, weight):
    return shares(word, previous, followers, counts)[1]


def divided_by_occurrences(word, previous, followers, counts, weight):
    after, own = followers.get(previous), shares(word, previous, followers, counts)[1]
    return weight * after.get(word, 0) / counts[previous] + (1 - weight) * own if after else own


def divided_by_all_pairs(word, previous, followers, counts, weight):
    after, own = followers.get(previous), shares(word, previous, followers, counts)[1]
    pairs = sum(sum(words.values()) for words in followers.values())
    return weight * after.get(word, 0) / pairs + (1 - weight) * own if after else own


def counts_mixed(word, previous, followers, counts, weight):
    after, own = followers.get(previous), shares(word, previous, followers, counts)[1]
    return weight * after.get(word, 0) + (1 - weight) * counts[word] if after else own


def without_weights(word, previous, followers, counts, weight):
    after, own = shares(word, previous, followers, counts)
    return own if after is None else after + own


# 1.2 ----------------------------------------------------------------------------------------------


def by_distance(tokens, window):
    pairs = []
    for distance in range(1, window + 1):
        for left, right in zip(tokens, tokens[distance:], strict=False):
            pairs += [(left, right), (right, left)]
    return pairs


def as_generator(tokens, window):
    for i, center in enumerate(tokens):
        for j, context in enumerate(tokens):
            if 0 < abs(i - j) <= window:
                yield center, context


def with_slices(tokens, window):
    return [
        [center, context]
        for i, center in enumerate(tokens)
        for context in tokens[max(i - window, 0) : i] + tokens[i + 1 : i + 1 + window]
    ]


def with_an_array(tokens, window):
    places = np.arange(len(tokens))
    distance = np.abs(places[:, None] - places[None, :])
    return np.array(tokens)[np.argwhere((distance > 0) & (distance <= window))]


def by_test(test):
    def pairs(tokens, window):
        places = range(len(tokens))
        return [(tokens[i], tokens[j]) for i in places for j in places if test(i, j, window)]

    return pairs


def wrapping(tokens, window):
    n = len(tokens)
    return [
        (tokens[i], tokens[i + d])
        for i in range(n)
        for d in range(-window, window + 1)
        if d and -n <= i + d < n
    ]


def as_set(tokens, window):
    return set(by_distance(tokens, window))


def flat(tokens, window):
    return [3] * len(by_distance(tokens, window))


# 1.3 ----------------------------------------------------------------------------------------------

log_sigmoid = torch.nn.functional.logsigmoid


def scores(centers, contexts, negatives):
    return (centers * contexts).sum(dim=-1), (negatives * centers[:, None]).sum(dim=-1)


def with_einsum(centers, contexts, negatives):
    near = torch.einsum("bd,bd->b", centers, contexts)
    drawn = torch.einsum("bd,bkd->bk", centers, negatives)
    return torch.nn.functional.softplus(-near).mean() + torch.nn.functional.softplus(drawn).sum(1).mean()


def with_cross_entropy(centers, contexts, negatives):
    words = torch.cat([contexts[:, None], negatives], dim=1)
    logits = (words @ centers[:, :, None]).squeeze(-1)
    labels = torch.zeros_like(logits)
    labels[:, 0] = 1
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return loss.sum(dim=1).mean()


def in_numpy(centers, contexts, negatives):
    centers, contexts, negatives = (x.double().numpy() for x in (centers, contexts, negatives))
    near, drawn = (centers * contexts).sum(-1), (negatives * centers[:, None]).sum(-1)
    return (np.logaddexp(0, -near) + np.logaddexp(0, drawn).sum(-1)).mean()


def with_loops(centers, contexts, negatives):
    total = 0.0
    for center, context, drawn in zip(centers, contexts, negatives, strict=True):
        total -= log_sigmoid(center @ context).item()
        for word in drawn:
            total -= log_sigmoid(-(center @ word)).item()
    return total / len(centers)


def positive_sign(*vectors):
    return -with_einsum(*vectors)


def pulled_nearer(*vectors):
    near, drawn = scores(*vectors)
    return -(log_sigmoid(near) + log_sigmoid(drawn).sum(1)).mean()


def without_negatives(*vectors):
    return -log_sigmoid(scores(*vectors)[0]).mean()


def mean_of_negatives(*vectors):
    near, drawn = scores(*vectors)
    return -(log_sigmoid(near) + log_sigmoid(-drawn).mean(1)).mean()


def summed(*vectors):
    return 4 * with_einsum(*vectors)


def one_loss_a_pair(*vectors):
    near, drawn = scores(*vectors)
    return -(log_sigmoid(near) + log_sigmoid(-drawn).sum(1))


def without_sigmoid(*vectors):
    near, drawn = scores(*vectors)
    return -(near - drawn.sum(1)).mean()


def without_logarithm(*vectors):
    near, drawn = scores(*vectors)
    return -(near.sigmoid() + (-drawn).sigmoid().sum(1)).mean()


def with_softmax(*vectors):
    near, drawn = scores(*vectors)
    return -torch.cat([near[:, None], drawn], dim=1).log_softmax(1)[:, 0].mean()


def rounding_to_zero(*vectors):
    near, drawn = scores(*vectors)
    return -(near.sigmoid().log() + (-drawn).sigmoid().log().sum(1)).mean()


# 1.4 ----------------------------------------------------------------------------------------------


def by_closeness(closeness_of):
    def accuracy(vectors, senses):
        closeness = closeness_of(vectors).clone().fill_diagonal_(-math.inf)
        return np.mean([senses[i] == senses[j] for i, j in enumerate(closeness.argmax(1).tolist())])

    return accuracy


def cosines(vectors):
    return torch.nn.functional.cosine_similarity(vectors[:, None], vectors[None], dim=-1)


def with_sorting(vectors, senses):
    order = cosines(vectors).argsort(dim=1, descending=True)[:, 1]  # the first is the vector itself
    return sum(senses[i] == senses[j] for i, j in enumerate(order)) / len(senses)


def in_plain_python(vectors, senses):
    rows = [row / math.sqrt(sum(x * x for x in row)) for row in vectors.double().numpy()]
    right = 0
    for i, row in enumerate(rows):
        others = [j for j in range(len(rows)) if j != i]
        right += senses[max(others, key=lambda j, row=row: float(row @ rows[j]))] == senses[i]
    return right / len(rows)


def of_unit_distance(vectors):
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    return -torch.cdist(unit, unit)  # among unit vectors, the nearest by distance is the nearest by cosine


def its_own_neighbor(vectors, senses):
    return sum(senses[i] == senses[j] for i, j in enumerate(cosines(vectors).argmax(1).tolist())) / len(
        senses
    )


def in_percent(vectors, senses):
    return 100 * by_closeness(cosines)(vectors, senses)


def counted(vectors, senses):
    return len(senses) * by_closeness(cosines)(vectors, senses)


def share_wrong(vectors, senses):
    return 1 - by_closeness(cosines)(vectors, senses)


def by_halves(vectors, senses):
    nearest = cosines(vectors).fill_diagonal_(-2).argmax(1).tolist()
    return sum((i < 6) == (j < 6) for i, j in enumerate(nearest)) / 12


def changing(vectors, senses):
    vectors /= vectors.norm(dim=1, keepdim=True)
    return by_closeness(cosines)(vectors, senses)


# 1.5 ----------------------------------------------------------------------------------------------


def by_identity(vectors):
    unit = torch.nn.functional.normalize(vectors, dim=1)
    N = len(unit)
    return (unit.sum(0).square().sum() - N) / (N * (N - 1))


def over_pairs(vectors):
    values = [
        torch.cosine_similarity(vectors[i], vectors[j], dim=0).item()
        for i in range(len(vectors))
        for j in range(i)
    ]
    return sum(values) / len(values)


def by_mask(vectors):
    return cosines(vectors)[~torch.eye(len(vectors), dtype=torch.bool)].mean()


def by_triangle(vectors):
    unit = vectors.double().numpy()
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    return (unit @ unit.T)[np.triu_indices(len(unit), k=1)].mean()


def with_diagonal(vectors):
    return cosines(vectors).mean()


def too_many_pairs(vectors):
    return (cosines(vectors).sum() - len(vectors)) / len(vectors) ** 2


def of_dot_products(vectors):
    return (vectors @ vectors.T)[~torch.eye(len(vectors), dtype=torch.bool)].mean()


def of_absolute_values(vectors):
    return cosines(vectors)[~torch.eye(len(vectors), dtype=torch.bool)].abs().mean()


def summed_up(vectors):
    return cosines(vectors).sum() - len(vectors)


def centered(vectors):
    return by_mask(vectors - vectors.mean(0))


def length_of_the_mean(vectors):
    return torch.nn.functional.normalize(vectors, dim=1).mean(0).norm()


def normalizing_in_place(vectors):
    vectors /= vectors.norm(dim=1, keepdim=True)
    return by_mask(vectors)


RIGHT = {
    "1.1": [with_numpy, with_try, with_counters, with_a_loop],
    "1.2": [by_distance, as_generator, with_slices, with_an_array],
    "1.3": [with_einsum, with_cross_entropy, in_numpy, with_loops],
    "1.4": [by_closeness(cosines), with_sorting, in_plain_python, by_closeness(of_unit_distance)],
    "1.5": [by_identity, over_pairs, by_mask, by_triangle],
}

WRONG = {
    "1.1": [
        (nothing_for_an_unseen_history, "There's no share to mix in"),
        (weight_swapped, "on the wrong side"),
        (pair_alone, "A pair that didn't occur"),
        (word_alone, "The word before it should count"),
        (divided_by_occurrences, "the last word of a sentence"),
        (divided_by_all_pairs, "divide by the 8 words that do"),
        (counts_mixed, "you mix counts"),
        (without_weights, "without weights"),
    ],
    "1.2": [
        (by_test(lambda i, j, w: abs(i - j) <= w), "paired with itself"),
        (by_test(lambda i, j, w: 0 < j - i <= w), "only the words to the right"),
        (by_test(lambda i, j, w: 0 < i - j <= w), "only the words to the left"),
        (by_test(lambda i, j, w: i != j and -w <= j - i < w), "stop one word early"),
        (wrapping, "counts from the end"),
        (as_set, "keep a list, not a set"),
        (by_test(lambda i, j, w: i != j and i // w == j // w), "cut the text into blocks"),
        (flat, "return a list of pairs"),
    ],
    "1.3": [
        (positive_sign, "the wrong sign"),
        (pulled_nearer, "pushed away"),
        (without_negatives, "don't count in your loss"),
        (mean_of_negatives, "the sum over the K"),
        (summed, "the sum over the 4 pairs"),
        (one_loss_a_pair, "the loss is one number"),
        (without_sigmoid, "bare dot products"),
        (without_logarithm, "the logarithm is missing"),
        (with_softmax, "compete in a softmax"),
        (rounding_to_zero, "Use logsigmoid"),
    ],
    "1.4": [
        (its_own_neighbor, "its own nearest neighbor"),
        (by_closeness(lambda v: v @ v.T), "you compare dot products"),
        (by_closeness(lambda v: -torch.cdist(v, v)), "you use the distance"),
        (by_closeness(lambda v: -cosines(v)), "the *least* similar"),
        (in_percent, "percent are for print"),
        (counted, "a count; divide it"),
        (share_wrong, "the share that is wrong"),
        (by_halves, "in another order"),
        (changing, "you change the vectors"),
    ],
    "1.5": [
        (with_diagonal, "compared with itself"),
        (too_many_pairs, "divide by N²"),
        (of_dot_products, "these are dot products"),
        (of_absolute_values, "absolute values"),
        (summed_up, "you return a sum"),
        (centered, "you subtract the mean vector"),
        (length_of_the_mean, "Its *square* is the mean cosine"),
        (normalizing_in_place, "you change the vectors"),
    ],
}
