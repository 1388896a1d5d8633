"""Stubs of lesson 16, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import numpy as np
import torch


def changed(one, other):
    """Return the sorted list of names in which two dictionaries of settings differ."""
    ...


def left_to_right_mask(attention_mask):
    """Return (B, T, T) bool, True where a query may look at a key; attention_mask is (B, T)."""
    ...


def next_word_targets(input_ids, attention_mask):
    """Return (B, T): the id of the next token, and -100 where there is none."""
    ...


def seed_by_seed(variant, full):
    """Return mean and standard deviation of the differences, variant less full model."""
    ...


STUBS = {"16.1": changed, "16.2": left_to_right_mask, "16.3": next_word_targets, "16.4": seed_by_seed}


def triangle(how=torch.tril, hide="keys", invert=False, dtype=torch.bool):
    """Return a mask with one thing done differently."""

    def mask(attention_mask):
        T = attention_mask.shape[1]
        square = how(torch.ones(T, T)).bool()
        real = {
            "keys": attention_mask[:, None].bool(),
            "queries": attention_mask[:, :, None].bool(),
            "nothing": torch.ones_like(attention_mask)[:, None].bool(),
        }[hide]
        made = square & real
        return (~made if invert else made).to(dtype)

    return mask


def shifted(fill=-100, by=1, padding=True):
    def targets(input_ids, attention_mask):
        made = torch.full_like(input_ids, fill)
        if by == 1:
            made[:, :-1] = input_ids[:, 1:]
            if padding:
                made[:, :-1][attention_mask[:, 1:] == 0] = fill
        else:
            made[:, 1:] = input_ids[:, :-1]
        return made

    return targets


def by_its_own_mask(input_ids, attention_mask):
    made = torch.full_like(input_ids, -100)
    made[:, :-1] = input_ids[:, 1:]
    return made.masked_fill(attention_mask == 0, -100)


def in_place(input_ids, attention_mask):
    input_ids[:, :-1] = input_ids[:, 1:].clone()
    input_ids[:, -1] = -100
    return input_ids


def paired(mean=lambda d: d.mean(), spread=lambda d: d.std(ddof=1)):
    def compare(variant, full):
        difference = np.array(variant) - np.array(full)
        return mean(difference), spread(difference)

    return compare


def unpaired(variant, full):
    mean = np.mean(variant) - np.mean(full)
    return mean, (np.var(variant, ddof=1) + np.var(full, ddof=1)) ** 0.5


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "16.1": [
        (lambda one, other: [n for n in one if one[n] != other.get(n)], "only the second one has"),
        (lambda one, other: sorted(n for n in {**one, **other} if one.get(n) != other.get(n)), "even if its value was None"),
        (lambda one, other: sorted(n for n in one if n in other and one[n] != other[n]), "only the first one has"),
        (lambda one, other: {n: other.get(n) for n in one if one[n] != other.get(n)}, "as a list"),
        (lambda one, other: one != other, "as a list"),
        (lambda one, other: [(n, other[n]) for n in one if one[n] != other[n]], "without the values"),
        (lambda one, other: sorted(n for n in one if one[n] == other.get(n)), "stayed the same"),
        (lambda one, other: sorted((n for n in {**one, **other} if one.get(n, "?") != other.get(n, "?")), reverse=True), "Sort them"),
    ],
    "16.2": [
        (triangle(lambda x: x.tril(-1)), "look at itself"),
        (triangle(torch.triu), "right to left"),
        (triangle(lambda x: x.triu(1)), "must be hidden"),
        (triangle(hide="nothing"), "padding is visible"),
        (triangle(hide="queries"), "queries instead of its keys"),
        (triangle(invert=True), "wrong way around"),
        (triangle(dtype=torch.float32), "True and False"),
        (triangle(lambda x: x), "sees what comes after it"),
        (lambda mask: torch.ones(mask.shape[1], mask.shape[1]).tril().bool(), "(T, T)"),
        (lambda mask: torch.ones(5, 5).tril().bool() & torch.tensor([[1] * 5, [1, 1, 1, 0, 0]])[:, None].bool(), "B and T from the mask"),
    ],
    "16.3": [
        (lambda ids, mask: torch.roll(ids, -1, dims=1), "in a circle"),
        (lambda ids, mask: ids.clone(), "its own target"),
        (shifted(by=-1), "the wrong way"),
        (shifted(fill=0), "0 is a word"),
        (shifted(padding=False), "padding is a target"),
        (by_its_own_mask, "not at its own"),
        (in_place, "changes its input"),
        (lambda ids, mask: ids[:, 1:], "(B, T - 1)"),
        (lambda ids, mask: shifted()(ids, mask).float(), "decimals"),
    ],
    "16.4": [
        (lambda variant, full: paired()(full, variant), "sign is turned"),
        (unpaired, "Subtract seed by seed first"),
        (paired(spread=lambda d: d.std()), "ddof=1"),
        (paired(spread=lambda d: d.std(ddof=1) / len(d) ** 0.5), "standard error"),
        (paired(mean=lambda d: abs(d).mean()), "size of each difference"),
        (lambda variant, full: float(np.mean(variant) - np.mean(full)), "two numbers"),
    ],
}  # fmt: skip
