"""Stubs of lesson 07, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import copy
from fractions import Fraction

import numpy as np
import torch
from torch import nn

from course_lib.lessons import exercises_07


def head_parameters(task, hidden_size, labels):
    """Return how many parameters the head of a task has."""
    ...


def to_freeze(names, layers):
    """Return the names of the parameters of the embeddings and of the lower half of the blocks."""
    ...


def training_step(model, batch, loss_of, optimizer, scheduler):
    """Do one update with gradients clipped at norm 1, and return the loss as a number."""
    ...


def predict_classes(model, batches):
    """Return the class of every row, and leave the model in the mode it was in."""
    ...


STUBS = {"7.1": head_parameters, "7.4": to_freeze, "7.2": training_step, "7.3": predict_classes}


def outputs(task, labels):
    return {"class": labels, "tags": labels, "span": 2, "choice": 1}[task]


def embeddings_and(names, keep):
    return [n for n in names if ".embeddings." in n or (".blocks." in n and keep(int(n.split(".")[2])))]


def by_prefix(names, layers):
    starts = ["encoder.embeddings", *(f"encoder.blocks.{i}" for i in range(layers // 2))]
    return [n for n in names if n.startswith(tuple(starts))]


def step(order):
    def training_step(model, batch, loss_of, optimizer, scheduler):
        loss = loss_of(model(batch), batch)
        for part in order.split():
            if part == "zero":
                optimizer.zero_grad()
            elif part == "back":
                loss.backward()
            elif part == "clip":
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            elif part == "step":
                optimizer.step()
            else:
                scheduler.step()
        return loss.item()

    return training_step


def returns_nothing(*arguments):
    exercises_07.training_step(*arguments)


def returns_the_tensor(*arguments):
    return torch.tensor(exercises_07.training_step(*arguments))


def without_eval(model, batches):
    with torch.no_grad():
        return [int(c) for batch in batches for c in model(batch).argmax(dim=-1)]


def without_no_grad(model, batches):
    mode = model.training
    model.eval()
    classes = [int(c) for batch in batches for c in model(batch).argmax(dim=-1)]
    model.train(mode)
    return classes


@torch.no_grad()
def without_mode(model, batches):
    model.eval()
    return [int(c) for batch in batches for c in model(batch).argmax(dim=-1)]


@torch.no_grad()
def wrong_dimension(model, batches):
    mode = model.training
    model.eval()
    classes = [int(c) for batch in batches for c in model(batch).argmax(dim=0)]
    model.train(mode)
    return classes


# 7.1 ----------------------------------------------------------------------------------------------


def matrix_and_bias(task, hidden_size, labels):
    match task:
        case "span":
            labels = 2
        case "choice":
            labels = 1
    return hidden_size * labels + labels


def head_of_torch(task, hidden_size, labels):
    head = nn.Linear(hidden_size, {"span": 2, "choice": 1}.get(task, labels), device="meta")
    return sum(parameter.numel() for parameter in head.parameters())


def head_of_numpy(task, hidden_size, labels):
    return np.prod([hidden_size + 1, outputs(task, labels)])


def head_of_tensors(task, hidden_size, labels):
    return torch.ones(hidden_size + 1, outputs(task, labels)).sum()


def head_of_fractions(task, hidden_size, labels):
    return Fraction(outputs(task, labels)) * (hidden_size + 1)


# 7.2 ----------------------------------------------------------------------------------------------


def with_body(backward="loss.backward()", clip="", before="", after="", result="loss.item()"):
    """Return a training step of a few statements, right if nothing is replaced."""
    clip = clip or "nn.utils.clip_grad_norm_(model.parameters(), 1.0)"
    lines = [
        "def training_step(model, batch, loss_of, optimizer, scheduler):",
        *before.split(";"),
        "optimizer.zero_grad()",
        "loss = loss_of(model(batch), batch)",
        backward,
        *clip.split(";"),
        "optimizer.step()",
        "scheduler.step()",
        *after.split(";"),
        f"return {result}",
    ]
    namespace = {"nn": nn, "torch": torch}
    exec("\n    ".join(line for line in lines if line), namespace)
    return namespace["training_step"]


def clip_by_hand(model, batch, loss_of, optimizer, scheduler):
    for parameter in model.parameters():
        parameter.grad = None
    loss = loss_of(model(batch), batch)
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    norm = sum(g.square().sum() for g in gradients).sqrt()
    if norm > 1:
        for gradient in gradients:
            gradient /= norm
    optimizer.step()
    scheduler.step()
    return float(loss)


def with_a_closure(model, batch, loss_of, optimizer, scheduler):
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = loss_of(model(batch), batch)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1)
        losses.append(loss.detach().numpy())
        return loss

    optimizer.step(closure)
    scheduler.step()
    return losses[0]


def cleared_at_the_end(model, batch, loss_of, optimizer, scheduler):
    model.train()
    loss = loss_of(model(batch), batch)
    gradients = torch.autograd.grad(loss, [p for p in model.parameters() if p.requires_grad])
    for parameter, gradient in zip([p for p in model.parameters() if p.requires_grad], gradients):
        parameter.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    optimizer.step()
    scheduler.step()
    optimizer.zero_grad(set_to_none=False)
    return loss.detach().tolist()


def each_by_itself(model, batch, loss_of, optimizer, scheduler):
    loss = loss_of(model(batch), batch)
    optimizer.zero_grad()
    loss.backward()
    for parameter in model.parameters():
        nn.utils.clip_grad_norm_(parameter, 1.0)
    optimizer.step()
    scheduler.step()
    return loss.item()


def two_updates(*arguments):
    exercises_07.training_step(*arguments)
    return exercises_07.training_step(*arguments)


def scores_last(model, batch, loss_of, optimizer, scheduler):
    def other_way(scores, rows):
        return loss_of(rows, scores)

    return exercises_07.training_step(model, batch, other_way, optimizer, scheduler)


# 7.3 ----------------------------------------------------------------------------------------------


@torch.inference_mode()
def all_joined(model, batches):
    mode = model.training
    model.eval()
    found = torch.cat([model(batch).argmax(dim=1) for batch in batches])
    model.train(mode)
    return found


def of_a_copy(model, batches):
    own = copy.deepcopy(model).eval()
    with torch.no_grad():
        return np.concatenate([own(batch).numpy().argmax(axis=-1) for batch in batches])


def by_topk(model, batches):
    mode, classes = model.training, []
    model.train(False)
    try:
        with torch.no_grad():
            for batch in batches:
                classes.extend(model(batch).softmax(dim=-1).topk(1).indices[:, 0])
    finally:
        model.train(mode)
    return tuple(classes)


def in_plain_python(model, batches):
    was_training = model.training
    if was_training:
        model.eval()
    answer = []
    for batch in batches:
        with torch.no_grad():
            rows = model(batch).tolist()
        answer += [row.index(max(row)) for row in rows]
    if was_training:
        model.train()
    return answer


def predicting(of_scores, join=None):
    """Return a function that predicts in the right mode, and makes of each batch's scores what it is told."""

    def predict(model, batches):
        mode = model.training
        model.eval()
        with torch.no_grad():
            found = [of_scores(model(batch)) for batch in batches]
        model.train(mode)
        return join(found) if join else [c for part in found for c in part]

    return predict


def best(scores):
    return scores.argmax(dim=-1).tolist()


def leaves_training(model, batches):
    model.eval()
    with torch.no_grad():
        classes = [int(c) for batch in batches for c in model(batch).argmax(dim=-1)]
    model.train()
    return classes


def gradients_stay_off(model, batches):
    torch.set_grad_enabled(False)
    return predicting(best)(model, batches)


def flag_alone(model, batches):
    mode = model.training
    model.eval()
    with torch.no_grad():
        classes = [int(c) for batch in batches for c in model(batch).argmax(dim=-1)]
    model.training = mode
    return classes


def one_by_one(model, batches):
    mode = model.training
    model.eval()
    with torch.no_grad():
        for batch in batches:
            yield from model(batch).argmax(-1)
    model.train(mode)


def called_for_each_row(model, batches):
    return predicting(best)(model, [row for batch in batches for row in batch.split(1)])


# 7.4 ----------------------------------------------------------------------------------------------


def with_whole_numbers(names, layers):
    frozen = set()
    for name in names:
        if name.startswith("encoder.embeddings."):
            frozen.add(name)
        elif name.startswith("encoder.blocks."):
            number = name.removeprefix("encoder.blocks.").partition(".")[0]
            if int(number) in range(layers // 2):
                frozen.add(name)
    return frozen


def with_dots(names, layers):
    starts = ("encoder.embeddings.", *(f"encoder.blocks.{i}." for i in range(layers // 2)))
    return tuple(filter(lambda name: name.startswith(starts), names))


def with_a_pattern(names, layers):
    import re

    for name in names:
        block = re.match(r"encoder\.blocks\.(\d+)\.", name)
        if "embeddings" in name or (block and int(block[1]) < layers // 2):
            yield name


def in_an_array(names, layers):
    return np.array(exercises_07.to_freeze(names, layers))


def right_and(keep):
    return lambda names, n: [name for name in exercises_07.to_freeze(names, n) if keep(name)]


RIGHT = {  # more styles of a right answer than the solution's
    "7.1": [matrix_and_bias, head_of_torch, head_of_numpy, head_of_tensors, head_of_fractions],
    "7.2": [
        with_body(),
        clip_by_hand,
        with_a_closure,
        cleared_at_the_end,
        step("zero back clip step schedule"),
    ],
    "7.3": [one_by_one, all_joined, of_a_copy, by_topk, in_plain_python],
    "7.4": [with_whole_numbers, with_dots, with_a_pattern, in_an_array],
}


def step_with_stars(model, batch, loss_of, optimizer, scheduler):
    loss = loss_of(model(**batch), batch)
    loss.backward()
    return loss.item()


@torch.no_grad()
def classes_with_stars(model, batches):
    return [int(c) for batch in batches for c in model(**batch).argmax(-1)]


WRONG = {
    "7.1": [
        (lambda task, size, labels: size * outputs(task, labels), "bias too"),
        (lambda task, size, labels: (size + 1) * (2 if task == "span" else labels), "any number of endings"),
        (lambda task, size, labels: (size + 1) * labels, "the number of labels doesn't matter"),
        (
            lambda task, size, labels: (size + 1) * outputs(task, labels) * (128 if task == "tags" else 1),
            "counted once",
        ),
        (lambda task, size, labels: size * outputs(task, labels) + 1, "you count one bias"),
        (lambda task, size, labels: size + outputs(task, labels), "you add the width"),
        (lambda task, size, labels: size * outputs(task, labels) + size, "one for each input"),
        (lambda task, size, labels: (size + 1) * (outputs(task, labels) + size), "count the pooler"),
        (
            lambda task, size, labels: (size + 1) * (1 if task == "span" else outputs(task, labels)),
            "one score",
        ),
        (
            lambda task, size, labels: (size + 1) * (outputs(task, labels) - (task == "class")),
            "leave out one label",
        ),
        (lambda task, size, labels: 385 * outputs(task, labels), "it should be"),
    ],
    "7.4": [
        (lambda names, n: embeddings_and(names, lambda i: i >= n // 2), "upper half"),
        (lambda names, n: embeddings_and(names, lambda i: i <= n // 2), "one block too many"),
        (by_prefix, "compare whole numbers"),
        (
            lambda names, n: [x for x in exercises_07.to_freeze(names, n) if "embeddings" not in x],
            "left free",
        ),
        (lambda names, n: [x for x in names if "blocks" not in x], "freeze the head"),
        (lambda names, n: ["bert.embeddings.weight"], "not the name of a parameter"),
        (lambda names, n: [x for x in names if x not in exercises_07.to_freeze(names, n)], "what stays free"),
        (lambda names, n: [x for x in names if "encoder" in x], "freeze the pooler"),
        (lambda names, n: embeddings_and(names, lambda i: False), "the embeddings alone"),
        (lambda names, n: embeddings_and(names, lambda i: True), "all 6 blocks"),
        (lambda names, n: embeddings_and(names, lambda i: i < (n + 1) // 2), "the half rounded down"),
        (lambda names, n: embeddings_and(names, lambda i: 1 <= i <= n // 2), "count the blocks from 1"),
        (lambda names, n: embeddings_and(names, lambda i: i < 3), "freeze 3"),
        (lambda names, n: embeddings_and(names, lambda i: i in (0, 2)), "you freeze [0, 2]"),
        (right_and(lambda name: name.endswith("weight")), "matrices alone"),
        (right_and(lambda name: "embeddings" not in name or "token" in name), "positions and LayerNorm"),
        (right_and(lambda name: "blocks" not in name or "attention" in name), "its attention alone"),
        (
            lambda names, n: [name in exercises_07.to_freeze(names, n) for name in names],
            "your list holds bool",
        ),
        (lambda names, n: ", ".join(exercises_07.to_freeze(names, n)), "you return str"),
    ],
    "7.2": [
        (step_with_stars, "goes in as one argument"),
        (step("back clip step schedule"), "zero_grad() comes before it"),
        (step("zero back step schedule"), "Clip it to norm 1"),
        (step("zero back step clip schedule"), "Clip it to norm 1"),
        (step("back zero clip step schedule"), "no gradient"),
        (step("zero back clip schedule step"), "comes after optimizer.step()"),
        (step("zero back clip step"), "warm-up never ends"),
        (step("zero back clip schedule"), "optimizer.step() is missing"),
        (returns_nothing, "Return the loss as well"),
        (returns_the_tensor, "you return a tensor. Return"),
        (with_body(result="loss"), "keeps every batch in memory"),
        (with_body(result="loss.detach()"), "you return a tensor. Return"),
        (with_body(clip="nn.utils.clip_grad_norm_(model.parameters(), 0.1)"), "to norm 0.10"),
        (with_body(clip="nn.utils.clip_grad_value_(model.parameters(), 0.3)"), "by value"),
        (
            with_body(clip="nn.utils.clip_grad_norm_(model.parameters(), 1.0, norm_type=1)"),
            "sum of the absolute",
        ),
        (
            with_body(
                clip="g = [p.grad for p in model.head.parameters()];n = sum(x.norm() ** 2 for x in g) ** 0.5;_ = [x.div_(n) for x in g]"
            ),
            "Clipping only shortens",
        ),
        (each_by_itself, "each parameter by itself"),
        (with_body(backward="(-loss).backward()"), "uphill"),
        (with_body(backward="(loss / 2).backward()"), "0.5 times as long"),
        (two_updates, "one call makes 2 updates"),
        (with_body(after="scheduler.step()"), "the schedule has made 8 steps"),
        (with_body(before="model.eval()"), "in evaluation mode"),
        (with_body(result="loss_of(model(batch), batch).item()"), "calls the model 2 times"),
        (with_body(result="loss.item() / len(batch)"), "neither scaled"),
        (with_body(before="_ = [p.requires_grad_() for p in model.parameters()]"), "unfreezes a parameter"),
        (
            with_body(after="_ = [p.data.mul_(0.99) for p in model.parameters()]"),
            "only optimizer.step() may move them",
        ),
        (scores_last, "scores first"),
    ],
    "7.3": [
        (classes_with_stars, "goes in as one argument"),
        (without_eval, "model.eval() first"),
        (without_no_grad, "torch.no_grad()"),
        (without_mode, "put the mode back"),
        (wrong_dimension, "down the columns"),
        (leaves_training, "came in evaluation mode and leaves"),
        (gradients_stay_off, "records no gradients anymore"),
        (flag_alone, "only the flag"),
        (called_for_each_row, "called 3 times for 2 batches"),
        (predicting(lambda scores: [int(scores.argmax())]), "the whole batch"),
        (predicting(best, lambda found: found[-1]), "last batch alone"),
        (predicting(best, lambda found: found[0]), "first batch alone"),
        (predicting(best, lambda found: [c for part in found for c in part] + [0]), "one for each row"),
        (predicting(best, list), "one flat list"),
        (predicting(lambda scores: scores.argmin(dim=-1).tolist()), "the lowest score"),
        (predicting(lambda scores: (scores.argmax(dim=-1) + 1).tolist()), "classes from 1"),
        (predicting(lambda scores: scores.max(dim=-1).values.tolist()), "the highest scores"),
        (predicting(best, lambda found: [c for part in found for c in part][::-1]), "in another order"),
        (
            predicting(best, lambda found: [0 for part in found for c in part]),
            "the highest scores are those of",
        ),
        (predicting(best, str), "you return str"),
        (predicting(best, lambda found: [float(c) for part in found for c in part]), "are decimals"),
    ],
}
