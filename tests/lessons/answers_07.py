"""Stubs of lesson 07, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

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


RIGHT = {}  # more styles of a right answer than the solution's

WRONG = {
    "7.1": [
        (lambda task, size, labels: size * outputs(task, labels), "bias too"),
        (lambda task, size, labels: (size + 1) * (2 if task == "span" else labels), "any number of endings"),
        (lambda task, size, labels: (size + 1) * labels, "plays no part"),
        (
            lambda task, size, labels: (size + 1) * outputs(task, labels) * (128 if task == "tags" else 1),
            "counted once",
        ),
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
    ],
    "7.2": [
        (step("back clip step schedule"), "zero_grad() comes before it"),
        (step("zero back step schedule"), "Clip it to norm 1"),
        (step("zero back step clip schedule"), "Clip it to norm 1"),
        (step("back zero clip step schedule"), "no gradient"),
        (step("zero back clip schedule step"), "comes after optimizer.step()"),
        (step("zero back clip step"), "warm-up never ends"),
        (step("zero back clip schedule"), "optimizer.step() is missing"),
        (returns_nothing, "Return the loss as well"),
        (returns_the_tensor, "keeps every batch in memory"),
    ],
    "7.3": [
        (without_eval, "model.eval() first"),
        (without_no_grad, "torch.no_grad()"),
        (without_mode, "put the mode back"),
        (wrong_dimension, "goes over dim=-1"),
    ],
}
