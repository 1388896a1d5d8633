"""Stubs of lesson 14, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import itertools
import random

import numpy as np
import torch
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional

from course_lib.lessons import exercises_14 as reference
from course_lib.studies.robustness.regularizers import consistency


def delete_words(words, share, draw):
    """Return the words without some of them: each goes with probability `share`, and one always stays."""
    ...


def r_drop_loss(first, second, labels, weight):
    """Return the loss of two passes (B, C): both cross entropies, and `weight` times the symmetric KL divergence."""
    ...


def attack(weight, radius):
    """Move a weight in place by `radius` along its gradient, and return a copy of what it was."""
    ...


def layer_rates(rate, blocks, decay):
    """Return the learning rates of the embeddings, of each block from the lowest to the highest, and of the head."""
    ...


STUBS = {"14.1": layer_rates, "14.2": r_drop_loss, "14.3": delete_words, "14.4": attack}


def delete_in_a_loop(words, share, draw):
    left = []
    for word in words:
        if draw.random() < share:
            continue
        left.append(word)
    if not left:
        left.append(draw.choice(words))
    return left


def delete_from_a_copy(words, share, draw):
    left = list(words)
    for place in reversed(range(len(words))):
        if len(left) > 1 and draw.random() < share:
            del left[place]
    return left


def deleted(chosen):
    """An answer that leaves out what a function of words, share and draw returns, and keeps one word."""

    def answer(words, share, draw):
        gone = chosen(words, share, draw)
        return [word for place, word in enumerate(words) if place not in gone] or words[-1:]

    return answer


def both_cross_entropies(first, second, labels):
    return 2 * functional.cross_entropy(torch.cat([first, second]), torch.cat([labels, labels]))


def r_drop_by_distributions(first, second, labels, weight):
    p, q = Categorical(logits=first), Categorical(logits=second)
    apart = (kl_divergence(p, q) + kl_divergence(q, p)) / 2
    return both_cross_entropies(first, second, labels) + weight * apart.mean()


def r_drop_by_hand(first, second, labels, weight):
    p, q = first.softmax(-1), second.softmax(-1)
    rows = torch.arange(len(labels))
    loss = -(p[rows, labels].log() + q[rows, labels].log())
    apart = (p * (p / q).log() + q * (q / p).log()).sum(1) / 2
    return (loss + weight * apart).mean()


def r_drop_by_kl_div(first, second, labels, weight):
    p, q = first.log_softmax(-1), second.log_softmax(-1)
    apart = functional.kl_div(p, q.exp(), reduction="sum") + functional.kl_div(q, p.exp(), reduction="sum")
    return both_cross_entropies(first, second, labels) + weight * apart / (2 * len(labels))


def dropped(divergence):
    """An answer whose divergence, times its weight, comes from a function of two log probabilities."""

    def answer(first, second, labels, weight):
        p, q = first.log_softmax(-1), second.log_softmax(-1)
        return both_cross_entropies(first, second, labels) + weight * divergence(p, q)

    return answer


def kl(p, q, reduction="batchmean"):
    """KL(p || q) of log probabilities."""
    return functional.kl_div(q, p, reduction=reduction, log_target=True)


def symmetric(p, q, reduction="batchmean"):
    return (kl(p, q, reduction) + kl(q, p, reduction)) / 2


def attack_by_data(weight, radius):
    before = weight.data.clone()
    weight.data.add_(weight.grad / weight.grad.norm().clamp(min=1e-12), alpha=radius)
    return before


def attack_by_copy(weight, radius):
    before = torch.tensor(weight.detach().numpy().copy())
    direction = functional.normalize(weight.grad.flatten(), dim=0).view_as(weight)
    with torch.no_grad():
        weight.copy_(before + radius * direction)
    return before


@torch.no_grad()
def attack_by_the_sum_of_squares(weight, radius):
    before = weight.clone()
    square = (weight.grad**2).sum()
    if square != 0:
        weight += radius * weight.grad * square**-0.5
    return before


def moved(step):
    """An answer that moves by what a function of gradient and radius returns."""

    def answer(weight, radius):
        before = weight.detach().clone()
        with torch.no_grad():
            weight += step(weight.grad, radius)
        return before

    return answer


def attack_with_a_second_name(weight, radius):
    before = weight.data
    weight.data.add_(radius * weight.grad / weight.grad.norm())
    return before


def attack_out_of_place(weight, radius):
    before = weight.detach().clone()
    weight = weight + radius * weight.grad / weight.grad.norm()
    return before


def attack_that_eats_the_gradient(weight, radius):
    before = weight.detach().clone()
    weight.grad /= weight.grad.norm()
    weight.data += radius * weight.grad
    return before


def attack_that_returns_the_step(weight, radius):
    step = radius * weight.grad / weight.grad.norm()
    weight.data += step
    return step


def rates_from_the_top(rate, blocks, decay):
    rates = [rate]
    for _ in range(blocks + 1):
        rates.insert(0, rates[0] * decay)
    return rates


RIGHT = {
    "14.1": [
        rates_from_the_top,
        lambda r, n, d: r * d ** np.arange(n + 1, -1, -1),
        lambda r, n, d: torch.tensor([r * d**k for k in reversed(range(n + 2))], dtype=torch.float64),
        lambda r, n, d: list(itertools.accumulate([r, *[d] * (n + 1)], lambda x, y: x * y))[::-1],
    ],
    "14.2": [
        r_drop_by_distributions,
        r_drop_by_hand,
        r_drop_by_kl_div,
        lambda a, b, y, w: both_cross_entropies(a, b, y) + w * consistency(a, b),
    ],
    "14.3": [
        delete_in_a_loop,
        delete_from_a_copy,
        lambda words, share, draw: [w for w in words if draw.uniform(0, 1) > share] or [words[-1]],
        lambda words, share, draw: (
            tuple(itertools.compress(words, [draw.random() >= share for _ in words])) or tuple(words[:1])
        ),
    ],
    "14.4": [
        attack_by_data,
        attack_by_copy,
        attack_by_the_sum_of_squares,
        moved(lambda g, r: r * g / max(g.norm().item(), 1e-9)),
    ],
}

WRONG = {
    "14.1": [
        (lambda r, n, d: rates_from_the_top(r, n, d)[::-1], "wrong way round"),
        (lambda r, n, d: [r * d ** (n - k) for k in range(n + 1)] + [r], "highest block"),
        (lambda r, n, d: [r * d ** (n + 2 - k) for k in range(n + 2)], "one factor too many"),
        (lambda r, n, d: [r * d ** (n - k) for k in range(n + 2)], "faster than `rate`"),
        (lambda r, n, d: [r * d ** (n + 1 - k) for k in range(n + 1)], "below the blocks"),
        (
            lambda r, n, d: [r * (1 - (1 - d) * (n + 1 - k) / (n + 1)) for k in range(n + 2)],
            "by the same amount",
        ),
        (lambda r, n, d: [r * d] * (n + 1) + [r], "all of the body"),
        (lambda r, n, d: [r] * n, "it should be 5"),
        (lambda r, n, d: [r * 0.5 ** (n + 1 - k) for k in range(n + 2)], "all arguments"),
        (lambda r, n, d: r * d, "a list of rates"),
    ],
    "14.2": [
        (lambda a, b, y, w: both_cross_entropies(a, b, y), "never compared"),
        (dropped(kl), "in one direction"),
        (dropped(lambda p, q: kl(q, p)), "in one direction"),
        (dropped(lambda p, q: 2 * symmetric(p, q)), "add both directions"),
        (dropped(lambda p, q: -symmetric(p, q)), "driven apart"),
        (lambda a, b, y, w: functional.cross_entropy(a, y) + w * consistency(a, b), "only one of the passes"),
        (
            lambda a, b, y, w: both_cross_entropies(a, b, y) / 2 + w * consistency(a, b),
            "the mean of the cross entropies",
        ),
        (dropped(lambda p, q: symmetric(p, q) / p.shape[1]), "over the classes"),
        (dropped(lambda p, q: symmetric(p, q, "sum")), "sum over the rows"),
        (lambda a, b, y, w: both_cross_entropies(a, b, y) + consistency(a, b), "isn't multiplied"),
        (
            dropped(
                lambda p, q: (
                    (
                        functional.kl_div(p.exp(), q.exp(), reduction="batchmean")
                        + functional.kl_div(q.exp(), p.exp(), reduction="batchmean")
                    )
                    / 2
                )
            ),
            "log_softmax, and not softmax",
        ),
        (dropped(lambda p, q: symmetric(p, q.detach())), "cut off"),
        (lambda a, b, y, w: reference.r_drop_loss(a, b, y, w).item(), "has no gradient"),
        (lambda a, b, y, w: reference.r_drop_loss(a, b, y, 2), "Is `weight` used"),
    ],
    "14.3": [
        (
            lambda words, share, draw: [w for w in words if random.random() >= share] or words[:1],
            "from `draw`",
        ),
        (deleted(lambda w, s, draw: {i for i in range(len(w)) if draw.random() >= s}), "three in four"),
        (deleted(lambda w, s, draw: draw.sample(range(len(w)), int(s * len(w)))), "exactly 10 words"),
        (
            lambda words, share, draw: (lambda gone: [w for w in words if w not in gone] or words[:1])(
                [w for w in words if draw.random() < share]
            ),
            "what they say",
        ),
        (lambda words, share, draw: [w for w in words if draw.random() >= share], "nothing is left"),
        (
            lambda words, share, draw: [w for w in words if draw.random() >= share] or words,
            "you keep 4 words",
        ),
        (
            lambda words, share, draw: list({w for w in words if draw.random() >= share})[::-1],
            "another order",
        ),
        (lambda words, share, draw: " ".join(w for w in words if draw.random() >= share), "not a text"),
        (lambda words, share, draw: [draw.choice(words) for _ in words], "or more often"),
        (lambda words, share, draw: list(words), "nothing at all"),
        (
            lambda words, share, draw: [i for i, _ in enumerate(words) if draw.random() >= share],
            "where they are",
        ),
        (deleted(lambda w, s, draw: {i for i in range(len(w)) if draw.random() < s / 2}), "of the words"),
        (
            lambda words, share, draw: words.pop(draw.randrange(len(words))) and words,
            "changes the list",
        ),
    ],
    "14.4": [
        (moved(lambda g, r: -r * g / g.norm()), "downhill"),
        (moved(lambda g, r: r * g.sign()), "FGSM"),
        (moved(lambda g, r: r * g), "a small gradient"),
        (moved(lambda g, r: r * g / g.norm(dim=1, keepdim=True)), "a word that hardly matters"),
        (moved(lambda g, r: r * g / g.norm() ** 2), "squared length"),
        (moved(lambda g, r: r * g / g.abs().max()), "largest entry"),
        (moved(lambda g, r: r * g / g.norm()), "becomes NaN"),
        (moved(lambda g, r: g / g.norm()), "has moved by 1.000"),
        (attack_with_a_second_name, "a second name"),
        (attack_out_of_place, "makes a new tensor"),
        (lambda w, r: w.detach() + r * w.grad / w.grad.norm(), "a moved one instead"),
        (attack_that_eats_the_gradient, "change the gradient"),
        (attack_that_returns_the_step, "bit for bit"),
        (lambda w, r: w.grad.norm(), "of shape (6, 4)"),
    ],
}
