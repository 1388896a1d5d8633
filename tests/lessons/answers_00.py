"""Stubs of lesson 00, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""


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


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "0.1": [
        (without_return, "Use return"),
        (lambda name: "Hello, {name}!", "taken literally"),
        (lambda name: f"Hello, {name}", "exclamation mark"),
        (lambda name: "Hello, Ada!", "use the argument"),
        (lambda name: 3, "return a string"),
    ],
    "0.2": [
        (lambda p, y: right(p, y) / len(y), "divides by zero"),
        (lambda p, y: 100 * right(p, y) / len(y), "percent"),
        (right, "number of right predictions"),
        (lambda p, y: right(p, y) // len(y), "drops the decimals"),
    ],
    "0.3": [
        (lambda w, p: p.index(max(p)), "the position"),
        (lambda w, p: max(w), "Compare the probabilities"),
        (lambda w, p: w[p.index(min(p))], "least probable"),
        (lambda w, p: w[1], "by luck"),
    ],
}
