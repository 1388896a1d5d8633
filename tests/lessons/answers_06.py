"""Stubs, right answers and usual wrong answers of lesson 06; each wrong answer comes with a part of its own message."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
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
    """Return the sum of the mean loss of the chosen words and the mean loss of the pairs, as a tensor."""
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


def whole_division(step, peak, warmup_steps, total_steps):
    if step < warmup_steps:
        return peak * (step // warmup_steps)
    return peak * (total_steps - step) / (total_steps - warmup_steps)


def one_too_many(step, peak, warmup_steps, total_steps):
    if step < warmup_steps:
        return peak * step / (warmup_steps + 1)
    return peak * (total_steps - step) / (total_steps - warmup_steps)


def square_warmup(step, peak, warmup_steps, total_steps):
    if step < warmup_steps:
        return peak * (step / warmup_steps) ** 2
    return peak * (total_steps - step) / (total_steps - warmup_steps)


def rounded_rate(step, peak, warmup_steps, total_steps):
    return round(lower_line(step, peak, warmup_steps, total_steps), 6)


def of_the_paper(step, peak, warmup_steps, total_steps):
    return lower_line(step, 1e-4 if warmup_steps else peak, warmup_steps, total_steps)


def two_lines(step, peak, warmup_steps, total_steps):
    """Right, except that a run without a warm-up divides by 0."""
    return peak * min(step / warmup_steps, (total_steps - step) / (total_steps - warmup_steps))


def lower_line(step, peak, warmup_steps, total_steps):
    up = step / warmup_steps if warmup_steps else 1.0
    return peak * min(up, (total_steps - step) / (total_steps - warmup_steps))


def rate_of_torch(step, peak, warmup_steps, total_steps):
    up = torch.tensor(float(step)) / max(1, warmup_steps)
    down = torch.tensor(float(total_steps - step)) / (total_steps - warmup_steps)
    return peak * (up if step < warmup_steps else down)


def rate_of_32_bits(step, peak, warmup_steps, total_steps):
    if step < warmup_steps:
        return np.float32(peak) * np.float32(step) / np.float32(warmup_steps)
    return np.float32(peak) * (1 - np.float32(step - warmup_steps) / np.float32(total_steps - warmup_steps))


def interpolated_rate(step, peak, warmup_steps, total_steps):
    if not warmup_steps:
        return np.interp(step, [0, total_steps], [peak, 0.0])
    return np.interp(step, [0, warmup_steps, total_steps], [0.0, peak, 0.0])


def exact_rate(step, peak, warmup_steps, total_steps):
    share = (
        Fraction(step, warmup_steps)
        if step < warmup_steps
        else Fraction(total_steps - step, total_steps - warmup_steps)
    )
    return Fraction(peak) * share


def decimal_rate(step, peak, warmup_steps, total_steps):
    if step < warmup_steps:
        return Decimal(str(peak)) * step / warmup_steps
    return Decimal(str(peak)) * (total_steps - step) / (total_steps - warmup_steps)


def rate_in_an_array(step, peak, warmup_steps, total_steps):
    return np.array([lower_line(step, peak, warmup_steps, total_steps)])


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


def is_plain(model):
    """Return the numbers of the parameters that are not decayed."""
    norms = {id(p) for m in model.modules() if isinstance(m, nn.LayerNorm) for p in m.parameters()}
    return norms | {id(p) for name, p in model.named_parameters() if name.rpartition(".")[2] == "bias"}


def other_order(model, weight_decay):
    return grouped(model, weight_decay, lambda name: name.endswith("bias") or "norm" in name)[::-1]


def three_groups(model, weight_decay):
    decayed, plain = by_dimensions(model, weight_decay)
    return [decayed, plain, {"params": [], "weight_decay": 0.0}]


def fixed_decay(model, weight_decay):
    return by_dimensions(model, 0.01)


def none_in_a_group(model, weight_decay):
    linear = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.LayerNorm))]
    plain = [m.bias for m in linear] + [m.weight for m in linear if isinstance(m, nn.LayerNorm)]
    numbers = {id(p) for p in plain}
    decayed = [p for p in model.parameters() if id(p) not in numbers]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]


def names_with_norm(model, weight_decay):
    """Right for the course's names; a LayerNorm in a Sequential has a number for its name."""
    return grouped(model, weight_decay, lambda name: name.endswith("bias") or "norm" in name)


def freezes_as_well(model, weight_decay):
    groups = by_dimensions(model, weight_decay)
    for parameter in groups[1]["params"]:
        parameter.requires_grad_(False)
    return groups


def in_a_set(model, weight_decay):
    return [group | {"params": set(group["params"])} for group in by_dimensions(model, weight_decay)]


def one_dict(model, weight_decay):
    return {"params": list(model.parameters()), "weight_decay": weight_decay}


def by_dimensions(model, weight_decay):
    parts = {True: [], False: []}
    for parameter in model.parameters():
        parts[parameter.dim() >= 2].append(parameter)
    return [
        {"params": parts[True], "weight_decay": weight_decay},
        {"params": parts[False], "weight_decay": 0.0},
    ]


def by_type_and_name(model, weight_decay):
    plain = is_plain(model)
    groups = [{"params": [], "weight_decay": weight_decay}, {"params": [], "weight_decay": 0}]
    for parameter in model.parameters():
        groups[id(parameter) in plain]["params"].append(parameter)
    return groups


def tuple_of_generators(model, weight_decay):
    plain = is_plain(model)
    return (
        {
            "params": (p for p in model.parameters() if id(p) not in plain),
            "weight_decay": torch.tensor(weight_decay),
        },
        {"params": tuple(p for p in model.parameters() if id(p) in plain), "weight_decay": 0.0, "lr": 1e-3},
    )


def one_after_the_other(model, weight_decay):
    plain = is_plain(model)
    yield {"params": [p for p in model.parameters() if id(p) not in plain], "weight_decay": weight_decay}
    yield {"params": [p for p in model.parameters() if id(p) in plain], "weight_decay": 0.0}


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


def as_a_number(*arguments):
    return with_sums(*arguments).item()


def words_detached(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    words = with_sums(hidden, word_head, labels, sentence_scores, next_sentence_labels)
    pairs = functional.cross_entropy(sentence_scores, next_sentence_labels)
    return (words - pairs).detach() + pairs


def labels_changed(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    chosen = labels != -100
    labels[~chosen] = 0
    words = functional.cross_entropy(word_head(hidden[chosen]), labels[chosen])
    return words + functional.cross_entropy(sentence_scores, next_sentence_labels)


def mean_of_means(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    means = [
        functional.cross_entropy(word_head(h[w != -100]), w[w != -100])
        for h, w in zip(hidden, labels)
        if (w != -100).any()
    ]
    return torch.stack(means).mean() + functional.cross_entropy(sentence_scores, next_sentence_labels)


def over_texts(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    words, pairs = both(hidden, word_head, labels, sentence_scores, next_sentence_labels)
    return words * (labels != -100).sum() / len(labels) + pairs


def pairs_not_divided(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    words, pairs = both(hidden, word_head, labels, sentence_scores, next_sentence_labels)
    return words + pairs * len(labels)


def pairs_flipped(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    words, _ = both(hidden, word_head, labels, sentence_scores, next_sentence_labels)
    return words + functional.cross_entropy(sentence_scores, 1 - next_sentence_labels)


def softmax_first(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    return with_sums(
        hidden, lambda states: word_head(states).softmax(-1), labels, sentence_scores, next_sentence_labels
    )


def without_log_softmax(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    chosen = labels != -100
    words = functional.nll_loss(word_head(hidden[chosen]), labels[chosen])
    return words + functional.cross_entropy(sentence_scores, next_sentence_labels)


def scored_twice(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    word_head(hidden[labels != -100])
    return with_sums(hidden, word_head, labels, sentence_scores, next_sentence_labels)


def with_sums(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    chosen = labels != -100
    words = functional.cross_entropy(word_head(hidden[chosen]), labels[chosen], reduction="sum")
    pairs = functional.cross_entropy(sentence_scores, next_sentence_labels, reduction="sum")
    return words / max(1, int(chosen.sum())) + pairs / len(next_sentence_labels)


def if_any(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    loss = nn.CrossEntropyLoss()(sentence_scores, next_sentence_labels)
    if (labels >= 0).any():
        rows, columns = (labels >= 0).nonzero(as_tuple=True)
        loss = loss + nn.CrossEntropyLoss()(word_head(hidden[rows, columns]), labels[rows, columns])
    return loss


def by_hand(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    """Minus the logarithm of each softmax, from its definition."""

    def minus_log(scores, targets):
        return scores.exp().sum(dim=-1).log() - scores.gather(-1, targets[:, None]).squeeze(-1)

    flat, words = hidden.reshape(-1, hidden.shape[-1]), labels.reshape(-1)
    places = torch.where(words != -100)[0]
    each = minus_log(word_head(flat[places]), words[places])
    return each.sum() / max(1, len(each)) + minus_log(sentence_scores, next_sentence_labels).mean()


def word_by_word(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    losses = []
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            if labels[row, column] != -100:
                scores = word_head(hidden[row, column].unsqueeze(0)).log_softmax(dim=-1)
                losses.append(-scores[0, labels[row, column]])
    pairs = functional.nll_loss(sentence_scores.log_softmax(dim=1), next_sentence_labels)
    return pairs + sum(losses) / len(losses) if losses else pairs


def in_double(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    scores = word_head(hidden[labels != -100]).double()
    each = functional.cross_entropy(scores, labels[labels != -100], reduction="none")
    return (
        each.sum() / max(len(each), 1)
        + functional.cross_entropy(sentence_scores.double(), next_sentence_labels)
    ).reshape(1)


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


def base_10(counts, targets):
    loss, accuracy = loss_and_accuracy(smoothed(counts), targets)
    return loss / math.log(10), accuracy


def summed(counts, targets):
    loss, accuracy = loss_and_accuracy(smoothed(counts), targets)
    return loss * len(targets), accuracy


def mean_first(counts, targets):
    shares = smoothed(counts)
    return float(-shares[targets].mean().log()), loss_and_accuracy(shares, targets)[1]


def over_the_vocabulary(counts, targets):
    shares = smoothed(counts)
    return float(-shares.log().mean()), loss_and_accuracy(shares, targets)[1]


def sum_grows_once(counts, targets):
    return loss_and_accuracy((counts + 0.1) / (counts.sum() + 0.1), targets)


def one_added(counts, targets):
    return loss_and_accuracy((counts + 1) / (counts + 1).sum(), targets)


def zeros_filled(counts, targets):
    filled = torch.where(counts == 0, 0.1, counts)
    return loss_and_accuracy(filled / filled.sum(), targets)


def shares_smoothed(counts, targets):
    return loss_and_accuracy(smoothed(counts / counts.sum()), targets)


def percentage(counts, targets):
    loss, accuracy = loss_and_accuracy(smoothed(counts), targets)
    return loss, 100 * accuracy


def counts_changed(counts, targets):
    counts += 0.1
    return loss_and_accuracy(counts / counts.sum(), targets)


def always_the_second(counts, targets):
    return loss_and_accuracy(smoothed(counts), targets)[0], float((targets == 1).double().mean())


def in_numpy(counts, targets):
    counts, targets = counts.numpy().astype(np.float64), targets.numpy()
    shares = (counts + 0.1) / (counts + 0.1).sum()
    return -np.log(shares[targets]).mean(), np.mean(targets == counts.argmax())


def in_an_array(counts, targets):
    return np.array(in_numpy(counts, targets))


def in_plain_python(counts, targets):
    numbers = [float(count) + 0.1 for count in counts]
    total, guess = sum(numbers), max(range(len(numbers)), key=numbers.__getitem__)
    logs = [math.log(numbers[int(t)] / total) for t in targets]
    return [-sum(logs) / len(logs), Fraction(sum(int(t) == guess for t in targets), len(targets))]


def with_cross_entropy(counts, targets):
    scores = (counts.double() + 0.1).log().expand(len(targets), -1)
    return torch.stack(
        [functional.cross_entropy(scores, targets), (targets == counts.argmax()).double().mean()]
    )


def in_place_on_a_copy(counts, targets):
    counts = counts.clone().float()
    guess = int(torch.argmax(counts))
    counts += 0.1
    counts /= counts.sum()
    return torch.log(counts).mul(-1)[targets].mean(), targets.eq(guess).float().mean()


def with_frequencies(counts, targets):
    """Sum over the vocabulary, each word as often as it is a target."""
    often = torch.bincount(targets, minlength=len(counts)).double()
    logs = (counts.double() + 0.1).log() - (counts.double() + 0.1).sum().log()
    return -(often * logs).sum() / often.sum(), often[counts.argmax()] / often.sum()


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


def three_operations(parameters, tokens, peak, utilization, devices):
    return days_of(3 * parameters * tokens, peak, utilization, devices)


def one_operation(parameters, tokens, peak, utilization, devices):
    return days_of(parameters * tokens, peak, utilization, devices)


def minutes(parameters, tokens, peak, utilization, devices):
    return 1_440 * days_of(6 * parameters * tokens, peak, utilization, devices)


def weeks(parameters, tokens, peak, utilization, devices):
    return days_of(6 * parameters * tokens, peak, utilization, devices) / 7


def upside_down(parameters, tokens, peak, utilization, devices):
    return 1 / days_of(6 * parameters * tokens, peak, utilization, devices)


def whole_days(parameters, tokens, peak, utilization, devices):
    return math.ceil(days_of(6 * parameters * tokens, peak, utilization, devices))


def three_decimals(parameters, tokens, peak, utilization, devices):
    return round(days_of(6 * parameters * tokens, peak, utilization, devices), 3)


def days_times_utilization(parameters, tokens, peak, utilization, devices):
    return utilization * days_of(6 * parameters * tokens, peak, 1, devices)


def step_by_step(parameters, tokens, peak, utilization, devices):
    speed = peak
    speed *= utilization
    speed *= devices
    seconds_needed = (2 + 4) * parameters * tokens / speed
    return seconds_needed / 3600 / 24


def days_of_numpy(parameters, tokens, peak, utilization, devices):
    return np.prod([6, parameters, tokens]) / np.prod([peak, utilization, devices, 86_400])


def days_of_torch(parameters, tokens, peak, utilization, devices):
    share = torch.tensor(parameters / peak) * (tokens / devices)  # 32 bits
    return 6 * share / utilization / 86_400


def exact_days(parameters, tokens, peak, utilization, devices):
    return (
        6
        * Fraction(parameters)
        * Fraction(tokens)
        / (Fraction(peak) * Fraction(utilization) * devices * 86_400)
    )


def decimal_days(parameters, tokens, peak, utilization, devices):
    return (
        6 * Decimal(parameters) * Decimal(tokens) / (Decimal(peak) * Decimal(utilization) * devices * 86_400)
    )


RIGHT = {  # more styles of a right answer than the solution's
    "6.1": [
        lower_line,
        rate_of_torch,
        rate_of_32_bits,
        interpolated_rate,
        exact_rate,
        decimal_rate,
        rate_in_an_array,
    ],
    "6.2": [by_dimensions, by_type_and_name, tuple_of_generators, one_after_the_other],
    "6.3": [with_sums, if_any, by_hand, word_by_word, in_double],
    "6.4": [in_numpy, in_an_array, in_plain_python, with_cross_entropy, in_place_on_a_copy, with_frequencies],
    "6.5": [step_by_step, days_of_numpy, days_of_torch, exact_days, decimal_days],
}

WRONG = {
    "6.1": [
        (no_warmup, "there is no warm-up"),
        (no_decay, "stays at its peak"),
        (share_only, "the share of the peak"),
        (decay_from_the_start, "so the learning rate jumps"),
        (does_not_reach_zero, "must reach 0 there"),
        (first_step_is_one, "step counts the updates so far"),
        (cosine, "on a straight line"),
        (overshooting, "negative before the end"),
        (always_warm, "the first update has the full peak"),
        (whole_division, "Did you divide with //"),
        (one_too_many, "divide by warmup_steps + 1"),
        (square_warmup, "the square of the step"),
        (rounded_rate, "you round"),
        (of_the_paper, "use all four arguments"),
        (two_lines, "you divide by 0"),
    ],
    "6.2": [
        (everything, "everything is decayed"),
        (copied_names, "one is called norm.weight"),
        (biases_decayed, "No bias is"),
        (other_way_round, "the wrong way around"),
        (nothing_decayed, "nothing is decayed"),
        (linear_layers_only, "is in no group"),
        (embeddings_plain, "an embedding is a matrix"),
        (tied_twice, "is there twice"),
        (names_instead, "isn't a parameter of the model"),
        (own_number, "have a decay of 0.1"),
        (decay_left_out, "gets AdamW's default"),
        (other_order, "the decayed parameters come first"),
        (three_groups, "you return 3 groups"),
        (fixed_decay, "that you're given, here 0.1"),
        (none_in_a_group, "a group contains None"),
        (names_with_norm, "one is called 1.weight"),
        (freezes_as_well, "changes the model"),
        (one_dict, "you return dict"),
        (in_a_set, "params is a set"),
    ],
    "6.3": [
        (every_position_scored, "word_head scored 24 positions"),
        (words_alone, "loss of the words alone"),
        (pairs_alone, "loss of the pairs alone"),
        (mean_of_both, "you take the mean of both"),
        (over_all_positions, "looks 4 times better than it is"),
        (words_not_divided, "Divide by the number of chosen words"),
        (two_sums, "both losses are sums"),
        (one_denominator, "by the same number"),
        (zero_ignored_in_pairs, "0 means IsNext"),
        (zero_ignored_in_words, "a word with the id 0"),
        (minus_100_is_zero, "as if their label were word 0"),
        (no_words_no_number, "the mean over zero words"),
        (one_by_one, "the loss of the pairs is left"),
        (as_a_number, "a model can't learn from it"),
        (words_detached, "cut off from the graph"),
        (labels_changed, "changes the labels"),
        (mean_of_means, "each text's mean first"),
        (over_texts, "by the number of texts"),
        (pairs_not_divided, "by the number of pairs"),
        (pairs_flipped, "you flip the labels"),
        (softmax_first, "softmax before cross_entropy"),
        (without_log_softmax, "nll_loss expects"),
        (scored_twice, "word_head scored 12 positions; score"),
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
        (counts_as_scores, "counts aren't scores"),
        (drawn, "draw the guesses"),
        (commonest_of_the_targets, "but nobody knows that word beforehand"),
        (share_in_training, "How often is that word right on the targets"),
        (a_count, "not a count"),
        (loss_alone, "return two numbers"),
        (base_10, "to base 10"),
        (summed, "the loss is a sum"),
        (mean_first, "average the probabilities"),
        (over_the_vocabulary, "average over the vocabulary"),
        (sum_grows_once, "0.1 times V"),
        (one_added, "you add 1 to each"),
        (zeros_filled, "only where the count is 0"),
        (shares_smoothed, "add 0.1 to the shares"),
        (percentage, "not a percentage"),
        (counts_changed, "changes the counts"),
        (always_the_second, "with other counts"),
    ],
    "6.5": [
        (forward_alone, "only the forward pass"),
        (backward_alone, "only the backward pass"),
        (hours, "those are hours"),
        (seconds, "those are seconds"),
        (whole_peak, "you take the whole peak"),
        (utilization_the_wrong_way, "your run gets shorter"),
        (one_device, "you count one device"),
        (longer_with_more, "more devices make your run longer"),
        (always_bert_base, "with other arguments"),
        (thousand_times, "for BERT-base on 8 devices"),
        (three_operations, "3 operations"),
        (one_operation, "you count one operation"),
        (minutes, "those are minutes"),
        (weeks, "those are weeks"),
        (upside_down, "the wrong way around"),
        (three_decimals, "you round: it should be"),
        (whole_days, "you round: it should be"),
        (days_times_utilization, "your run gets shorter"),
    ],
}
