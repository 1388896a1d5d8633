"""Stubs of lesson 16, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import statistics
from decimal import Decimal
from fractions import Fraction

import numpy as np
import torch

from course_lib.lessons import exercises_16


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


# 16.1, right


def changed_with_a_loop(one, other):
    names = []
    for name in one:
        if name not in other or one[name] != other[name]:
            names.append(name)
    for name in other:
        if name not in one:
            names.append(name)
    names.sort()
    return names


def changed_with_sets(one, other):
    same = {name for name in one.keys() & other.keys() if one[name] == other[name]}
    return tuple(sorted((one.keys() | other.keys()) - same))


def changed_by_removing(one, other):
    one = dict(one)
    for name, value in other.items():
        if name in one and one[name] == value:
            one.pop(name)
        else:
            one[name] = value
    return np.array(sorted(one), dtype=str)


def changed_as_generator(one, other):
    for name in sorted({*one, *other}):
        if (name in one) != (name in other) or one[name] != other[name]:
            yield name


# 16.1, wrong


def kept_by_identity(one, other):
    return sorted(n for n in {**one, **other} if n not in one or n not in other or one[n] is not other[n])


def emptied(one, other):
    names = exercises_16.changed(one, other)
    one.update(other)
    return names


# 16.2, right


def mask_of_lists(attention_mask):
    return [
        [[key <= query and bool(real) for key, real in enumerate(row)] for query in range(len(row))]
        for row in attention_mask.tolist()
    ]


def mask_with_numpy(attention_mask):
    real = attention_mask.numpy().astype(bool)
    places = np.arange(real.shape[1])
    return (places[None, :] <= places[:, None])[None] & real[:, None, :]


def mask_in_place_on_a_copy(attention_mask):
    mask = attention_mask.clone().bool()[:, None].repeat(1, attention_mask.shape[1], 1)
    for query in range(mask.shape[1]):
        mask[:, query, query + 1 :] = False
    return mask


def mask_for_heads(attention_mask):
    T = attention_mask.shape[1]
    later = torch.triu(torch.ones(T, T), diagonal=1) == 1
    return ~later & (attention_mask == 1)[:, None, None, :]


def mask_by_product(attention_mask):
    T = attention_mask.shape[1]
    return (torch.tril(torch.ones(T, T)) * attention_mask.unsqueeze(1)) > 0


# 16.2, wrong


def triangle(how=torch.tril, hide="keys", invert=False, dtype=torch.bool):
    """Return a mask with one thing done differently."""

    def mask(attention_mask):
        T = attention_mask.shape[1]
        square = how(torch.ones(T, T)).bool()
        keys, queries = attention_mask[:, None].bool(), attention_mask[:, :, None].bool()
        real = {"keys": keys, "queries": queries, "both": keys & queries, "nothing": torch.ones_like(keys)}[
            hide
        ]
        made = square & real
        return (~made if invert else made).to(dtype)

    return mask


def mask_of_five(attention_mask):
    padding = torch.tensor([[1] * 5, [1, 1, 1, 0, 0]])
    return torch.ones(5, 5).tril().bool() & padding[:, None].bool()


def first_row_for_all(attention_mask):
    mask = exercises_16.left_to_right_mask(attention_mask)
    return mask[:1].expand_as(mask)


def mask_in_the_input(attention_mask):
    mask = exercises_16.left_to_right_mask(attention_mask)
    attention_mask.zero_()
    return mask


# 16.3, right


def targets_of_lists(input_ids, attention_mask):
    rows = []
    for ids, mask in zip(input_ids.tolist(), attention_mask.tolist(), strict=True):
        real = sum(mask)
        rows.append(ids[1:real] + [-100] * (len(ids) - real + 1))
    return rows


def targets_with_numpy(input_ids, attention_mask):
    ids = np.roll(input_ids.numpy(), -1, axis=1)
    asked = np.roll(attention_mask.numpy(), -1, axis=1).astype(bool)
    asked[:, -1] = False
    return np.where(asked, ids, -100)


def targets_by_padding(input_ids, attention_mask):
    ids = torch.nn.functional.pad(input_ids[:, 1:], (0, 1), value=-100)
    real = torch.nn.functional.pad(attention_mask[:, 1:], (0, 1), value=0)
    return ids.masked_fill(~real.bool(), -100).int()


def targets_in_place_on_a_copy(input_ids, attention_mask):
    targets = input_ids.clone()
    targets[attention_mask == 0] = -100
    targets = targets.roll(-1, 1)
    targets[:, -1] = -100
    return targets


# 16.3, wrong


def shifted(fill=-100, by=1, padding=True):
    def targets(input_ids, attention_mask):
        made = torch.full_like(input_ids, fill)
        if by > 0:
            made[:, :-by] = input_ids[:, by:]
            if padding:
                made[:, :-by][attention_mask[:, by:] == 0] = fill
        else:
            made[:, 1:] = input_ids[:, :-1]
            if padding:
                made[attention_mask == 0] = fill
        return made

    return targets


def by_its_own_mask(input_ids, attention_mask):
    made = torch.full_like(input_ids, -100)
    made[:, :-1] = input_ids[:, 1:]
    return made.masked_fill(attention_mask == 0, -100)


def by_number_zero(input_ids, attention_mask):
    made = torch.full_like(input_ids, -100)
    made[:, :-1] = input_ids[:, 1:]
    return made.masked_fill(made == 0, -100)


def without_sep(input_ids, attention_mask):
    targets = exercises_16.next_word_targets(input_ids, attention_mask)
    return targets.masked_fill(targets == 102, -100)


def in_place(input_ids, attention_mask):
    input_ids[:, :-1] = input_ids[:, 1:].clone()
    input_ids[:, -1] = -100
    return input_ids


# 16.4, right


def paired_with_statistics(variant, full):
    differences = [one - other for one, other in zip(variant, full, strict=True)]
    return statistics.mean(differences), statistics.stdev(differences)


def paired_in_float32(variant, full):
    differences = torch.tensor(variant) - torch.tensor(full)
    return torch.stack([differences.mean(), differences.std()])


def paired_with_fractions(variant, full):
    differences = [Fraction(one) - Fraction(other) for one, other in zip(variant, full, strict=True)]
    mean = sum(differences) / len(differences)
    variance = sum((d - mean) ** 2 for d in differences) / (len(differences) - 1)
    return [mean, float(variance) ** 0.5]


def paired_with_decimals(variant, full):
    differences = [Decimal(str(one)) - Decimal(str(other)) for one, other in zip(variant, full, strict=True)]
    mean = sum(differences) / len(differences)
    return mean, (sum((d - mean) ** 2 for d in differences) / (len(differences) - 1)).sqrt()


def paired_in_place_on_a_copy(variant, full):
    differences = np.array(variant, dtype=np.float32)
    differences -= np.array(full, dtype=np.float32)
    return np.array([differences.mean(), np.sqrt(np.cov(differences))])


# 16.4, wrong


def paired(mean=lambda d: d.mean(), spread=lambda d: d.std(ddof=1)):
    def compare(variant, full):
        difference = np.array(variant) - np.array(full)
        return mean(difference), spread(difference)

    return compare


def with_spread(spread):
    """Return a comparison whose mean is right and whose spread is some other."""
    return lambda variant, full: (np.mean(variant) - np.mean(full), spread(np.array(variant), np.array(full)))


def sorted_first(variant, full):
    return paired()(sorted(variant), sorted(full))


def subtracts_in_place(variant, full):
    for seed, score in enumerate(full):
        variant[seed] -= score
    return statistics.mean(variant), statistics.stdev(variant)


RIGHT = {
    "16.1": [changed_with_a_loop, changed_with_sets, changed_by_removing, changed_as_generator],
    "16.2": [
        mask_of_lists,
        mask_with_numpy,
        mask_in_place_on_a_copy,
        mask_for_heads,
        mask_by_product,
        triangle(hide="both"),
    ],
    "16.3": [targets_of_lists, targets_with_numpy, targets_by_padding, targets_in_place_on_a_copy],
    "16.4": [
        paired_with_statistics,
        paired_in_float32,
        paired_with_fractions,
        paired_with_decimals,
        paired_in_place_on_a_copy,
    ],
}

WRONG = {
    "16.1": [
        (lambda one, other: sorted(n for n in one if n not in other or one[n] != other[n]), "look only at the names of the first one"),
        (lambda one, other: sorted(n for n in other if n not in one or one[n] != other[n]), "look only at the names of the second one"),
        (lambda one, other: sorted(n for n in one if n in other and one[n] != other[n]), "names that both have"),
        (lambda one, other: [n for n in sorted(one) if one[n] != other.get(n)], "looks to you like a setting that is gone"),
        (lambda one, other: sorted(one.keys() ^ other.keys()), "names alone. A setting also"),
        (lambda one, other: sorted(n for n in {**one, **other} if one.get(n) != other.get(n)), "get returns None"),
        (lambda one, other: sorted(n for n in {**one, **other} if one.get(n, 0) != other.get(n, 0)), "You take 0"),
        (lambda one, other: sorted(n for n in {**one, **other} if one.get(n, "") != other.get(n, "")), "an empty text"),
        (lambda one, other: sorted(n for n in one if n in other and one[n] == other[n]), "what stayed the same"),
        (lambda one, other: sorted({**one, **other}), "every name"),
        (kept_by_identity, "they are one object"),
        (emptied, "changes the settings"),
        (lambda one, other: set(exercises_16.changed(one, other)), "you return a set"),
        (lambda one, other: {n: other.get(n) for n in exercises_16.changed(one, other)}, "as a list"),
        (lambda one, other: [(n, one.get(n)) for n in exercises_16.changed(one, other)], "without the values"),
        (lambda one, other: exercises_16.changed(one, other)[::-1], "Sort them"),
    ],
    "16.2": [
        (triangle(lambda x: x.tril(-1)), "look at itself"),
        (triangle(torch.triu), "right to left"),
        (triangle(lambda x: x.triu(1)), "the places to hide"),
        (triangle(hide="nothing"), "Padding is visible"),
        (triangle(hide="queries"), "the padding's rows"),
        (triangle(invert=True), "wrong way around"),
        (triangle(dtype=torch.float32), "True and False"),
        (triangle(lambda x: x), "sees what comes after it"),
        (lambda mask: torch.ones(mask.shape[1], mask.shape[1]).tril().bool(), "the shape is (T, T)"),
        (lambda mask: mask.bool(), "A row is a query"),
        (mask_of_five, "B and T from the mask"),
        (first_row_for_all, "keys up to its own place"),
        (mask_in_the_input, "changes the attention mask"),
        (lambda mask: "mask", "return a tensor"),
    ],
    "16.3": [
        (lambda ids, mask: torch.roll(ids, -1, dims=1), "in a circle"),
        (lambda ids, mask: ids.clone(), "Each token is its own target"),
        (lambda ids, mask: ids.masked_fill(mask == 0, -100), "Each real token is its own target"),
        (shifted(by=-1), "the word after a token"),
        (shifted(by=-1, padding=False), "never padding"),
        (shifted(by=2), "shift by two"),
        (shifted(fill=0), "0 is a token"),
        (shifted(padding=False), "Padding is a target"),
        (by_its_own_mask, "not at its own"),
        (by_number_zero, "You take 0 for the padding"),
        (without_sep, "like others"),
        (in_place, "changes its input"),
        (lambda ids, mask: ids[:, 1:], "(B, T - 1)"),
        (lambda ids, mask: ids[0], "that of input_ids"),
        (lambda ids, mask: shifted()(ids, mask).float(), "decimals"),
        (lambda ids, mask: shifted()(ids, mask).clamp(max=999), "or doesn't exist"),
    ],
    "16.4": [
        (paired(mean=lambda d: -d.mean()), "sign is flipped"),
        (paired(mean=lambda d: abs(d).mean()), "size of each difference."),
        (paired(mean=np.median), "the median"),
        (paired(mean=np.sum), "the sum"),
        (lambda variant, full: paired()(variant, full)[::-1], "The mean comes first"),
        (lambda variant, full: (100 * np.mean(np.array(variant) / np.array(full) - 1), 1), "You take percent"),
        (lambda variant, full: (np.mean(variant), np.std(variant, ddof=1)), "the variant's own mean"),
        (paired(spread=np.std), "ddof=1"),
        (paired(spread=lambda d: d.std(ddof=1) / len(d) ** 0.5), "standard error"),
        (paired(spread=lambda d: d.var(ddof=1)), "its root"),
        (paired(spread=np.ptp), "the largest difference less"),
        (paired(spread=lambda d: abs(d).std(ddof=1)), "Keep the signs"),
        (with_spread(lambda v, f: (v.var(ddof=1) + f.var(ddof=1)) ** 0.5), "add up the spreads"),
        (with_spread(lambda v, f: v.std(ddof=1) - f.std(ddof=1)), "You subtract the spreads"),
        (with_spread(lambda v, f: v.std(ddof=1)), "the variant's scores"),
        (sorted_first, "describe these differences"),
        (subtracts_in_place, "changes what it's given"),
        (lambda variant, full: float(np.mean(variant) - np.mean(full)), "two numbers"),
    ],
}  # fmt: skip
