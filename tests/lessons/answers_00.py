"""Stubs of lesson 00, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import math
from collections import Counter
from fractions import Fraction

import numpy
import torch


def greet(name):
    """Return a greeting, such as "Hello, Ada!"."""
    ...


def accuracy(predictions, labels):
    """Return the share of predictions that equal their label, from 0 to 1; 0 for empty lists."""
    ...


def best_word(words, probabilities):
    """Return the word with the highest probability."""
    ...


STUBS = {"0.1": greet, "0.2": accuracy, "0.3": best_word}


def without_return(name):
    f"Hello, {name}!".strip()


def right(p, y):
    return sum(a == b for a, b in zip(p, y, strict=True))


def accuracy_in_torch(predictions, labels):
    if len(labels) == 0:
        return torch.tensor(0.0)
    return (torch.tensor(predictions) == torch.tensor(labels)).float().mean()


def accuracy_by_loop(predictions, labels):
    hits = 0
    for place in range(len(labels)):
        if predictions[place] == labels[place]:
            hits += 1
    return hits / max(1, len(labels))


def best_by_loop(words, probabilities):
    best, highest = None, -1
    for word, probability in zip(words, probabilities, strict=True):
        if probability > highest:
            best, highest = word, probability
    return best


def where(condition, words, probabilities):
    return next((word for word, p in zip(words, probabilities, strict=True) if condition(p)), "none")


RIGHT = {
    "0.1": [
        lambda name: "Hello, " + name + "!",
        lambda name: "Hello, {}!".format(name),  # noqa: UP032
        lambda name: "Hello, %s!" % name,  # noqa: UP031
        lambda name: numpy.str_(f"Hello, {name}!"),
        lambda name: "".join(["Hello", ", ", name, "!"]),
    ],
    "0.2": [
        accuracy_in_torch,
        accuracy_by_loop,
        lambda p, y: numpy.mean(numpy.array(p) == numpy.array(y)) if y else 0,
        lambda p, y: Fraction(right(p, y), len(y)) if len(y) else Fraction(0),
        lambda p, y: 1 - sum(map(int.__ne__, p, y)) / len(y) if y != [] else 0.0,
        lambda p, y: Counter(map(int.__eq__, p, y))[True] / (len(p) or 1),
    ],
    "0.3": [
        best_by_loop,
        lambda w, p: max(zip(p, w, strict=True))[1],
        lambda w, p: sorted(w, key=lambda word: p[w.index(word)])[-1],
        lambda w, p: w[int(numpy.argmax(p))],
        lambda w, p: numpy.array(w)[torch.tensor(p).argmax().item()],
        lambda w, p: max(dict(zip(w, p, strict=True)).items(), key=lambda item: item[1])[0],
    ],
}

WRONG = {
    "0.1": [
        (without_return, "use return"),
        (lambda name: "Hello, {name}!", "taken literally"),
        (lambda name: f"Hello, {name}", "exclamation mark"),
        (lambda name: f"Hello, {name}! ", "exclamation mark"),
        (lambda name: f"hello {name}!", "comma, capitals and spaces"),
        (lambda name: "Hello, Ada!", "use the argument"),
        (lambda name: 3, "return a string"),
        (lambda name: f"Hi, {name}!", "you return 'Hi, Ada!'"),
        (lambda name: f"Hello, {name.title()}!", "Leave the name as it is"),
    ],
    "0.2": [
        (lambda p, y: right(p, y) / len(y), "divides by zero"),
        (lambda p, y: 100 * right(p, y) / len(y), "percent"),
        (right, "number of right predictions"),
        (lambda p, y: right(p, y) // len(y), "drops the decimals"),
        (lambda p, y: sum(a and b for a, b in zip(p, y, strict=True)) / len(y), "don't count two zeros"),
        (lambda p, y: sum(a * b for a, b in zip(p, y, strict=True)) / len(y), "don't count two zeros"),
        (lambda p, y: round(right(p, y) / len(y), 1), "not 0.7"),
        (lambda p, y: round(right(p, y) / len(y), 2), "not 0.67"),
        (lambda p, y: 0.5 if len(y) != 4 or y[0] else 0.75, "one half for other lists"),
        (lambda p, y: sum((Counter(p) & Counter(y)).values()) / len(y), "at the same position"),
        (
            lambda p, y: 1 - sum(abs(a - b) for a, b in zip(p, y, strict=True)) / len(y),
            "you measure distances",
        ),
        (
            lambda p, y: sum(a == b or a == 2 for a, b in zip(p, y, strict=True)) / len(y),
            "whatever the classes are",
        ),
        (lambda p, y: right(p, y) / len(y) if y else math.nan, "for empty lists you return nan"),
        (lambda p, y: str(right(p, y) / len(y)) if y else 0, "return one number"),
        (lambda p, y: (right(p, y) / len(y), p.sort())[0] if y else 0, "you change the lists"),
    ],
    "0.3": [
        (lambda w, p: p.index(max(p)), "the position"),
        (lambda w, p: max(p), "the probability"),
        (lambda w, p: max(w), "Compare the probabilities"),
        (lambda w, p: max(zip(w, p, strict=True))[0], "Compare the probabilities"),
        (lambda w, p: w[0], "Compare the probabilities"),
        (lambda w, p: w[p.index(min(p))], "least probable"),
        (lambda w, p: w[1], "that was luck"),
        (lambda w, p: min(w), "that was luck"),
        (lambda w, p: where(lambda x: x >= 0.5, w, p), "no word reaches one half"),
        (lambda w, p: [w[p.index(max(p))]], "the most probable of"),
        (lambda w, p: best_by_loop(w, p[:5]) if len(w) < 6 else w[-1], "it should be"),
        (lambda w, p: (best_by_loop(w, p), p.sort())[0], "you change the lists"),
    ],
}
