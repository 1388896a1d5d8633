"""Stubs, right answers and usual wrong answers of lesson 06; each wrong answer comes with a part of its own message."""

import math

import torch
from torch import nn
from torch.nn import functional


def learning_rate_at(step, peak, warmup_steps, total_steps):
    """Return the learning rate after so many updates."""
    ...


def decay_groups(model, weight_decay):
    """Return two parameter groups for AdamW, the decayed parameters first."""
    ...


def joint_loss(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    """Return the sum of the mean loss of the chosen words and the mean loss of the pairs."""
    ...


def unigram_baseline(counts, targets):
    """Return (loss, accuracy) of the unigram model on held-out words."""
    ...


def training_days(parameters, tokens, peak, utilization, devices):
    """Return how many days a training run takes."""
    ...


STUBS = {
    "6.1": learning_rate_at,
    "6.2": decay_groups,
    "6.3": joint_loss,
    "6.4": unigram_baseline,
    "6.5": training_days,
}

# 6.1 ----------------------------------------------------------------------------------------------


def no_warmup(step, peak, warmup_steps, total_steps):
    return peak * min(1, (total_steps - step) / (total_steps - warmup_steps))


def no_decay(step, peak, warmup_steps, total_steps):
    return peak * min(1, step / max(1, warmup_steps))


def share_only(step, peak, warmup_steps, total_steps):
    if step < warmup_steps:
        return step / warmup_steps
    return (total_steps - step) / (total_steps - warmup_steps)


def decay_from_the_start(step, peak, warmup_steps, total_steps):
    """The schedule of the original code."""
    return peak * (step / warmup_steps if step < warmup_steps else 1 - step / total_steps)


def does_not_reach_zero(step, peak, warmup_steps, total_steps):
    return peak * (step / warmup_steps if step < warmup_steps else 1 - (step - warmup_steps) / total_steps)


def first_step_is_one(step, peak, warmup_steps, total_steps):
    return learning_rate_of(step + 1, peak, warmup_steps, total_steps)


def learning_rate_of(step, peak, warmup_steps, total_steps):
    if step < warmup_steps:
        return peak * step / warmup_steps
    return peak * (total_steps - step) / (total_steps - warmup_steps)


def cosine(step, peak, warmup_steps, total_steps):
    if step < warmup_steps:
        return peak * step / warmup_steps
    return peak * (1 + math.cos(math.pi * (step - warmup_steps) / (total_steps - warmup_steps))) / 2


def overshooting(step, peak, warmup_steps, total_steps):
    if step < warmup_steps:
        return peak * step / warmup_steps
    return peak * (1 - step / (total_steps - 2 * warmup_steps))


def always_warm(step, peak, warmup_steps, total_steps):
    return learning_rate_of(step, peak, warmup_steps, total_steps) if warmup_steps else 0.0


# 6.2 ----------------------------------------------------------------------------------------------


def grouped(model, weight_decay, is_plain):
    named = list(model.named_parameters())
    return [
        {"params": [p for name, p in named if not is_plain(name)], "weight_decay": weight_decay},
        {"params": [p for name, p in named if is_plain(name)], "weight_decay": 0.0},
    ]


def everything(model, weight_decay):
    """Error 12 of well-known teaching code."""
    return grouped(model, weight_decay, lambda name: False)


def copied_names(model, weight_decay):
    """A list of names that fits another code."""
    names = ("bias", "LayerNorm.weight")
    return grouped(model, weight_decay, lambda name: any(part in name for part in names))


def biases_decayed(model, weight_decay):
    return grouped(model, weight_decay, lambda name: "norm.weight" in name)


def other_way_round(model, weight_decay):
    return grouped(model, weight_decay, lambda name: not (name.endswith("bias") or "norm" in name))


def nothing_decayed(model, weight_decay):
    return grouped(model, weight_decay, lambda name: True)


def linear_layers_only(model, weight_decay):
    linear = [m for m in model.modules() if isinstance(m, nn.Linear)]
    return [
        {"params": [m.weight for m in linear], "weight_decay": weight_decay},
        {"params": [m.bias for m in linear], "weight_decay": 0.0},
    ]


def embeddings_plain(model, weight_decay):
    return grouped(model, weight_decay, lambda name: "output.weight" not in name)


def tied_twice(model, weight_decay):
    groups = grouped(model, weight_decay, lambda name: name.endswith("bias") or "norm" in name)
    groups[0]["params"].append(model.decoder.weight)
    return groups


def names_instead(model, weight_decay):
    names = [name for name, _ in model.named_parameters()]
    return [{"params": names, "weight_decay": weight_decay}, {"params": [], "weight_decay": 0.0}]


def own_number(model, weight_decay):
    return grouped(model, 0.1, lambda name: name.endswith("bias") or "norm" in name)


def decay_left_out(model, weight_decay):
    groups = grouped(model, weight_decay, lambda name: name.endswith("bias") or "norm" in name)
    del groups[1]["weight_decay"]
    return groups


# 6.3 ----------------------------------------------------------------------------------------------


def both(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    """Return the mean loss of the words, scored at all positions, and that of the pairs."""
    scores = word_head(hidden)
    words = functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), ignore_index=-100)
    return words, functional.cross_entropy(sentence_scores, next_sentence_labels)


def every_position_scored(*arguments):
    """Error 14 of well-known teaching code."""
    return sum(both(*arguments))


def words_alone(*arguments):
    return both(*arguments)[0]


def pairs_alone(*arguments):
    return both(*arguments)[1]


def mean_of_both(*arguments):
    return sum(both(*arguments)) / 2


def over_all_positions(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    """Error 1 of well-known teaching code."""
    words, pairs = both(hidden, word_head, labels, sentence_scores, next_sentence_labels)
    return words * (labels != -100).sum() / labels.numel() + pairs


def words_not_divided(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    words, pairs = both(hidden, word_head, labels, sentence_scores, next_sentence_labels)
    return words * (labels != -100).sum() + pairs


def two_sums(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    words, pairs = both(hidden, word_head, labels, sentence_scores, next_sentence_labels)
    return words * (labels != -100).sum() + pairs * len(next_sentence_labels)


def one_denominator(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    words, pairs = both(hidden, word_head, labels, sentence_scores, next_sentence_labels)
    count = (labels != -100).sum()
    return (words * count + pairs * len(next_sentence_labels)) / (count + len(next_sentence_labels))


def zero_ignored_in_pairs(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    """Error 2 of well-known teaching code."""
    words, _ = both(hidden, word_head, labels, sentence_scores, next_sentence_labels)
    return words + functional.cross_entropy(sentence_scores, next_sentence_labels, ignore_index=0)


def zero_ignored_in_words(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    _, pairs = both(hidden, word_head, labels, sentence_scores, next_sentence_labels)
    chosen = labels > 0
    return functional.cross_entropy(word_head(hidden[chosen]), labels[chosen]) + pairs


def minus_100_is_zero(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    _, pairs = both(hidden, word_head, labels, sentence_scores, next_sentence_labels)
    scores = word_head(hidden).flatten(0, 1)
    return functional.cross_entropy(scores, labels.clamp(min=0).flatten()) + pairs


def no_words_no_number(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    """Error 9 of well-known teaching code."""
    chosen = labels != -100
    words = functional.cross_entropy(word_head(hidden[chosen]), labels[chosen])
    return words + functional.cross_entropy(sentence_scores, next_sentence_labels)


def one_by_one(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    """Right, but for a batch without any chosen word: then the loss of the pairs is lost, too."""
    chosen = labels != -100
    if not chosen.any():
        return torch.tensor(0.0)
    words = functional.cross_entropy(word_head(hidden[chosen]), labels[chosen])
    return words + functional.cross_entropy(sentence_scores, next_sentence_labels)


# 6.4 ----------------------------------------------------------------------------------------------


def loss_and_accuracy(shares, targets):
    return float(-shares.log()[targets].mean()), float((targets == shares.argmax()).double().mean())


def smoothed(counts):
    return (counts + 0.1) / (counts + 0.1).sum()


def not_smoothed(counts, targets):
    return loss_and_accuracy(counts / counts.sum(), targets)


def swapped(counts, targets):
    return loss_and_accuracy(smoothed(counts), targets)[::-1]


def negative(counts, targets):
    loss, accuracy = loss_and_accuracy(smoothed(counts), targets)
    return -loss, accuracy


def in_bits(counts, targets):
    loss, accuracy = loss_and_accuracy(smoothed(counts), targets)
    return loss / math.log(2), accuracy


def perplexity(counts, targets):
    loss, accuracy = loss_and_accuracy(smoothed(counts), targets)
    return math.exp(loss), accuracy


def entropy(counts, targets):
    shares = smoothed(counts)
    return float(-(shares * shares.log()).sum()), loss_and_accuracy(shares, targets)[1]


def from_held_out(counts, targets):
    return loss_and_accuracy(smoothed(torch.bincount(targets, minlength=len(counts))), targets)


def old_sum(counts, targets):
    return loss_and_accuracy((counts + 0.1) / counts.sum(), targets)


def counts_as_scores(counts, targets):
    loss = functional.cross_entropy(counts.expand(len(targets), -1), targets)
    return float(loss), loss_and_accuracy(smoothed(counts), targets)[1]


def drawn(counts, targets):
    shares = smoothed(counts)
    return loss_and_accuracy(shares, targets)[0], float(shares[targets].mean())


def commonest_of_the_targets(counts, targets):
    guess = targets.mode().values
    return loss_and_accuracy(smoothed(counts), targets)[0], float((targets == guess).double().mean())


def share_in_training(counts, targets):
    return loss_and_accuracy(smoothed(counts), targets)[0], float(counts.max() / counts.sum())


def a_count(counts, targets):
    loss, accuracy = loss_and_accuracy(smoothed(counts), targets)
    return loss, accuracy * len(targets)


def loss_alone(counts, targets):
    return loss_and_accuracy(smoothed(counts), targets)[0]


# 6.5 ----------------------------------------------------------------------------------------------


def days_of(operations, peak, utilization, devices):
    return operations / (peak * utilization * devices) / 86_400


def forward_alone(parameters, tokens, peak, utilization, devices):
    return days_of(2 * parameters * tokens, peak, utilization, devices)


def backward_alone(parameters, tokens, peak, utilization, devices):
    return days_of(4 * parameters * tokens, peak, utilization, devices)


def hours(parameters, tokens, peak, utilization, devices):
    return 24 * days_of(6 * parameters * tokens, peak, utilization, devices)


def seconds(parameters, tokens, peak, utilization, devices):
    return 86_400 * days_of(6 * parameters * tokens, peak, utilization, devices)


def whole_peak(parameters, tokens, peak, utilization, devices):
    return days_of(6 * parameters * tokens, peak, 1, devices)


def utilization_the_wrong_way(parameters, tokens, peak, utilization, devices):
    return days_of(6 * parameters * tokens, peak, 1 / utilization, devices)


def one_device(parameters, tokens, peak, utilization, devices):
    return days_of(6 * parameters * tokens, peak, utilization, 1)


def longer_with_more(parameters, tokens, peak, utilization, devices):
    return days_of(6 * parameters * tokens, peak, utilization, 1 / devices)


def always_bert_base(parameters, tokens, peak, utilization, devices):
    return days_of(6 * 110e6 * tokens, peak, utilization, devices)


def thousand_times(parameters, tokens, peak, utilization, devices):
    return 1000 * days_of(6 * parameters * tokens, peak, utilization, devices)


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "6.1": [
        (no_warmup, "there is no warm-up"),
        (no_decay, "stays at its peak"),
        (share_only, "the share of the peak"),
        (decay_from_the_start, "so the rate jumps"),
        (does_not_reach_zero, "must reach 0 there"),
        (first_step_is_one, "counts the updates that are done"),
        (cosine, "on a straight line"),
        (overshooting, "negative before the end"),
        (always_warm, "with warmup_steps = 0"),
    ],
    "6.2": [
        (everything, "everything is decayed"),
        (copied_names, "finds nothing and says nothing"),
        (biases_decayed, "Biases are not"),
        (other_way_round, "the wrong way around"),
        (nothing_decayed, "nothing is decayed"),
        (linear_layers_only, "is in no group"),
        (embeddings_plain, "an embedding is a matrix"),
        (tied_twice, "is there twice"),
        (names_instead, "no parameter of the model"),
        (own_number, "use the weight_decay that is given"),
        (decay_left_out, "gets AdamW's default"),
    ],
    "6.3": [
        (every_position_scored, "word_head scored 24 positions"),
        (words_alone, "loss of the words alone"),
        (pairs_alone, "loss of the pairs alone"),
        (mean_of_both, "you take the mean of both"),
        (over_all_positions, "looks 4 times better than it is"),
        (words_not_divided, "divide by how many were chosen"),
        (two_sums, "both losses are sums"),
        (one_denominator, "one common number"),
        (zero_ignored_in_pairs, "0 means IsNext"),
        (zero_ignored_in_words, "a word with the id 0"),
        (minus_100_is_zero, "as if the word 0 were their label"),
        (no_words_no_number, "the mean over zero words"),
        (one_by_one, "the loss of the pairs is left"),
    ],
    "6.4": [
        (not_smoothed, "not finite"),
        (swapped, "swapped"),
        (negative, "the loss is negative"),
        (in_bits, "in bits"),
        (perplexity, "the perplexity"),
        (entropy, "entropy of the training text"),
        (from_held_out, "the held-out words themselves"),
        (old_sum, "divide by the new sum"),
        (counts_as_scores, "counts are no scores"),
        (drawn, "draw the guesses"),
        (commonest_of_the_targets, "which nobody knows beforehand"),
        (share_in_training, "How often is it right on the targets"),
        (a_count, "not a count"),
        (loss_alone, "return two numbers"),
    ],
    "6.5": [
        (forward_alone, "the forward pass alone"),
        (backward_alone, "the backward pass alone"),
        (hours, "those are hours"),
        (seconds, "those are seconds"),
        (whole_peak, "you take the whole peak"),
        (utilization_the_wrong_way, "where you should multiply"),
        (one_device, "you count one device"),
        (longer_with_more, "more devices make your run longer"),
        (always_bert_base, "with other arguments"),
        (thousand_times, "it should be"),
    ],
}
