"""Exercises and quiz of lesson 07, fine-tuning overview."""

import operator
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from course_lib.lessons.answer_forms import as_number, number
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, call_procedure, nothing_returned
from course_lib.translation import Message

# 7.1 ----------------------------------------------------------------------------------------------


def head_parameters(task, hidden_size, labels):
    """Return how many parameters the head of a task has: "class", "tags", "span" or "choice"."""
    outputs = {"class": labels, "tags": labels, "span": 2, "choice": 1}[task]
    return (hidden_size + 1) * outputs


def examine_head_parameters(answer):
    cases = [("class", 384, 3), ("tags", 768, 9), ("span", 768, 9), ("choice", 384, 4)]
    generator = random.Random(71)
    for _ in range(20):
        task = generator.choice(("class", "tags", "span", "choice"))
        cases.append((task, generator.randint(1, 1024), generator.randint(1, 40)))
    for task, size, labels in cases:
        result = number(call(answer, task, size, labels), Message("how many parameters the head has"))
        reference = head_parameters(task, size, labels)
        if result == reference:
            continue
        outputs = reference // (size + 1)
        if result == size * outputs:
            raise Mistake(
                "for {task!r} you return {result:,.0f}: that is the matrix alone. Each output has a bias too.",
                task=task,
                result=result,
            )
        if result == size * outputs + 1:
            raise Mistake(
                "for {task!r} you return {result:,.0f}: you count one bias. Each of the {outputs} outputs has one.",
                outputs=outputs,
                task=task,
                result=result,
            )
        if result == size + outputs:
            raise Mistake(
                "for {task!r} you add the width and the outputs. The matrix has a number for every pair of input and "
                "output: multiply.",
                task=task,
            )
        if result == size * (outputs + 1):
            raise Mistake(
                "for {task!r} there's one bias for each output, {outputs} in all; you count {size}, one for each input.",
                task=task,
                outputs=outputs,
                size=size,
            )
        if result in (reference + size * size, reference + size * (size + 1)):
            raise Mistake(
                "for {task!r} you count the pooler as well. It belongs to the body; the head is one linear layer.",
                task=task,
            )
        if task == "choice" and result == (size + 1) * labels:
            raise Mistake(
                "for 'choice' you count {labels} outputs, one for each ending. One vector scores every ending, "
                "each read by itself: 1 output, so the same head works for any number of endings.",
                labels=labels,
            )
        if task == "span" and result == (size + 1) * labels:
            raise Mistake(
                "for 'span' the number of labels doesn't matter. Every token gets 2 scores: how well it "
                "starts the answer, and how well it ends it."
            )
        if task == "span" and result == size + 1:
            raise Mistake(
                "for 'span' one score isn't enough: a token can start the answer or end it, so 2 scores."
            )
        if task == "class" and result == (size + 1) * (labels - 1):
            raise Mistake(
                "for 'class' you leave out one label. Each label has its own score, even when there are only two."
            )
        if task == "tags" and result > reference and result % reference == 0:
            raise Mistake("for 'tags' the same head is used at every token, so it is counted once.")
        raise Mistake(
            "for {task!r}, size {size}, {labels} labels, you return {result:,.0f}; it should be {reference:,}.",
            size=size,
            labels=labels,
            reference=reference,
            task=task,
            result=result,
        )


# 7.2 ----------------------------------------------------------------------------------------------


def training_step(model, batch, loss_of, optimizer, scheduler):
    """Do one update with gradients clipped at norm 1, and return the loss as a number."""
    loss = loss_of(model(batch), batch)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    return loss.item()


class _Watched(torch.optim.SGD):
    """SGD that notes the gradients and the rate at each step."""

    def __init__(self, parameters):
        super().__init__(parameters, lr=0.5)
        self.gradients, self.rates = [], []

    def step(self, closure=None):
        if closure is not None:
            with torch.enable_grad():
                closure()
        parts = [p for group in self.param_groups for p in group["params"]]
        self.gradients.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parts])
        self.rates.append(self.param_groups[0]["lr"])
        return super().step()


class _SmallHead(nn.Module):
    """A linear layer below one that is frozen; it notes how often and in which mode it is called."""

    def __init__(self):
        super().__init__()
        self.frozen, self.head = nn.Linear(3, 3), nn.Linear(3, 1)
        self.modes = []
        with torch.no_grad():
            self.frozen.weight.copy_(torch.eye(3))
            self.frozen.bias.zero_()
            self.head.weight.fill_(0.5)
            self.head.bias.zero_()
        self.frozen.requires_grad_(False)

    def forward(self, batch):
        self.modes.append(self.training)
        return self.head(self.frozen(batch))


# A gradient that must be clipped; then a small one in another direction, where an old one would show; then large
# and small again. The first number is the scale of the loss.
_BATCHES = (
    (9.0, [[4.0, 0.0, 1.0], [0.0, 5.0, -1.0]]),
    (0.1, [[0.0, -1.0, 2.0], [1.0, 0.0, 3.0]]),
    (7.0, [[-2.0, 0.0, 1.0]]),
    (0.2, [[0.0, 0.5, -1.0], [1.0, 1.0, 0.0], [0.0, -1.0, 0.0]]),
)


class _Updates:
    """A few updates with a training step: the model, what was noted, and what the step returned."""

    def __init__(self, step):
        with torch.random.fork_rng(devices=[]):
            self.model = _SmallHead()
        self.optimizer = _Watched([p for p in self.model.parameters() if p.requires_grad])
        # The first update has a tenth of the rate; a scheduler that is stepped too early gives it two tenths.
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda n: 0.1 * (n + 1))
        self.raw, self.calls, self.returned, self.swapped = [], [], [], []
        for scale, rows in _BATCHES:
            batch = torch.tensor(rows)
            self.raw.append(self._gradient(scale, batch))
            before = len(self.model.modes)
            self.returned.append(
                call_procedure(
                    step,
                    self.model,
                    batch,
                    _loss_with(scale, batch, self.swapped),
                    self.optimizer,
                    self.scheduler,
                )
            )
            self.calls.append(len(self.model.modes) - before)
            self.model.train()

    def _gradient(self, scale, batch):
        """Return the gradient of a batch, as one vector, without leaving it anywhere."""
        head = self.model.head
        loss = scale * head(self.model.frozen(batch)).sum()
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(head.parameters()))])

    def gradient_at(self, update):
        return torch.cat([g.flatten() for g in self.optimizer.gradients[update]])


def _loss_with(scale, batch, swapped):
    def loss_of(scores, rows):
        if scores is batch:
            swapped.append(True)
            scores = rows
        return scale * scores.sum()

    return loss_of


@contextmanager
def _stars_explained() -> Iterator[None]:
    """Say how the model is called where Python speaks of the ``**`` in ``model(**batch)``."""
    try:
        yield
    except Mistake as mistake:
        if "argument after ** must be a mapping" in str(mistake):
            raise Mistake(
                "you call model(**batch). Here the batch goes in as one argument: model(batch)."
            ) from None
        raise


def examine_training_step(answer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of a wrong order; so do we, in our words
        with _stars_explained():
            seen = _Updates(answer)
    if seen.swapped:
        raise Mistake("give loss_of the scores first and then the batch: loss_of(scores, batch).")
    right = _Updates(training_step)
    optimizer, updates = seen.optimizer, len(_BATCHES)
    if seen.returned[0] is None and not optimizer.gradients:
        raise nothing_returned()
    if not optimizer.gradients:
        raise Mistake("the weights didn't move: optimizer.step() is missing.")
    if len(optimizer.gradients) != updates:
        raise Mistake(
            "one call makes {updates:g} updates; it should make one.",
            updates=len(optimizer.gradients) / updates,
        )
    if any(p.requires_grad for p in seen.model.frozen.parameters()):
        raise Mistake("your step unfreezes a parameter that was frozen. Leave requires_grad as it is.")
    _examine_first_gradient(seen)
    if optimizer.rates[0] > 0.06 and seen.scheduler.last_epoch > 0:
        raise Mistake(
            "the first update ran at the second rate: scheduler.step() comes after optimizer.step()."
        )
    if seen.scheduler.last_epoch == 0:
        raise Mistake(
            "the learning rate never changes: scheduler.step() is missing. Without it, warm-up never ends."
        )
    if seen.scheduler.last_epoch != updates:
        raise Mistake(
            "after {updates} updates the schedule has made {steps} steps. It makes one in each update.",
            updates=updates,
            steps=seen.scheduler.last_epoch,
        )
    _examine_later_gradients(seen)
    if any(call != 1 for call in seen.calls):
        raise Mistake(
            "one update calls the model {calls} times. Score the batch once, and keep the loss.",
            calls=max(seen.calls),
        )
    if not all(seen.model.modes):
        raise Mistake("your step runs the model in evaluation mode, so dropout is off while it learns.")
    if not all(
        torch.allclose(p, q, atol=1e-5)
        for p, q in zip(seen.model.parameters(), right.model.parameters(), strict=True)
    ):
        raise Mistake(
            "the gradients are right, but the weights end up elsewhere: only optimizer.step() may move them."
        )
    _examine_returned_losses(seen.returned, right.returned)


def _examine_first_gradient(seen):
    """Check the clipped gradient of the first update, whose length was far above 1."""
    gradient, raw = seen.gradient_at(0), seen.raw[0]
    norm, direction = gradient.norm().item(), nn.functional.cosine_similarity(gradient, raw, dim=0).item()
    if norm == 0.0:
        raise Mistake(
            "there is no gradient when optimizer.step() runs. loss.backward() comes after zero_grad() and "
            "before step()."
        )
    if direction < -0.99:
        raise Mistake(
            "the update goes uphill: backward() starts from minus the loss. Start it from the loss."
        )
    each = [g.norm().item() for g in seen.optimizer.gradients[0]]
    if max(each) < 1.01 and sum(n > 0.99 for n in each) == len(each):
        raise Mistake(
            "you clip each parameter by itself, so together they have norm {norm:.2f}. Clip them as one vector: "
            "clip_grad_norm_(model.parameters(), 1.0).",
            norm=norm,
        )
    if direction < 0.99:
        raise Mistake(
            "your clipping changes the direction of the gradient: clipping by value cuts each number by "
            "itself. Clip by norm, clip_grad_norm_, which shortens the gradient as a whole."
        )
    if norm > 1.01:
        raise Mistake(
            "at step() the gradient has norm {norm:.0f}. Clip it to norm 1 between backward() and step().",
            norm=norm,
        )
    if abs(sum(g.abs().sum().item() for g in seen.optimizer.gradients[0]) - 1) < 0.01:
        raise Mistake(
            "you clip by the sum of the absolute values. Norm 1 means the usual length, the root of the sum of squares."
        )
    if norm < 0.99:
        raise Mistake("you clip the gradient to norm {norm:.2f}; the limit is 1.", norm=norm)


def _examine_later_gradients(seen):
    """Check the updates after the first: small gradients stay as they are, and no old one is left."""
    for update in range(1, len(seen.raw)):
        gradient, raw = seen.gradient_at(update), seen.raw[update]
        right = raw / max(1.0, raw.norm().item())
        if torch.allclose(gradient, right, atol=1e-4):
            continue
        if torch.allclose(gradient, raw / raw.norm(), atol=1e-3):
            raise Mistake(
                "a gradient of norm {norm:.2f} was made longer. Clipping only shortens: what is below norm 1 stays as "
                "it is.",
                norm=raw.norm().item(),
            )
        size = (gradient @ raw / (raw @ raw)).item()
        if torch.allclose(gradient, size * raw, atol=1e-4):
            raise Mistake(
                "a small gradient, which needs no clipping, arrives {size:.3g} times as long as it should be. Is the "
                "loss divided or multiplied, or backward() called twice?",
                size=size,
            )
        raise Mistake(
            "the second update goes the wrong way: it still has the gradient of the first batch. backward() "
            "adds to what is there, so optimizer.zero_grad() comes before it."
        )


def _examine_returned_losses(returned, losses):
    if returned[0] is None:
        raise Mistake("the update is right. Return the loss as well, as a number: loss.item().")
    if isinstance(returned[0], torch.Tensor):
        if returned[0].requires_grad:
            raise Mistake(
                "you return a tensor with its graph: a list of such losses keeps every batch in memory. Return "
                "loss.item()."
            )
        raise Mistake("you return a tensor. Return a plain number: loss.item().")
    found = [number(value, Message("the loss")) for value in returned]
    if any(abs(one - other) > 1e-4 for one, other in zip(found, losses, strict=True)):
        raise Mistake(
            "you return {found:.4f} and the loss of the batch was {loss:.4f}. Return the loss that the update began "
            "with, neither scaled nor computed again.",
            found=found[0],
            loss=losses[0],
        )


# 7.3 ----------------------------------------------------------------------------------------------


def predict_classes(model, batches):
    """Return the class of every row, batch after batch, and leave the model in the mode it was in."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        classes = [int(c) for batch in batches for c in model(batch).argmax(dim=-1)]
    model.train(was_training)
    return classes


class _Notes(list):
    """What a spy has seen; a copy of the spy writes into the same notes."""

    def __deepcopy__(self, memory):
        return self


class _Spy(nn.Module):
    """Passes scores through, and notes in which mode it was called."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.dropout = nn.Dropout()
        self.modes, self.gradients = _Notes(), _Notes()

    def forward(self, batch):
        self.modes.append(self.training or self.dropout.training)
        self.gradients.append(torch.is_grad_enabled())
        return self.weight * batch


def examine_predict_classes(answer):
    generator = torch.Generator().manual_seed(73)
    first = [torch.tensor([[0.1, 2.0, 0.3], [5.0, 1.0, 0.0]]), torch.tensor([[0.0, 1.0, 7.0]])]
    for attempt in range(12):
        batches = first
        if attempt > 1:
            count, classes = (int(torch.randint(1, 6, (), generator=generator)) + 1 for _ in range(2))
            sizes = torch.randint(1, 5, (count,), generator=generator).tolist()
            batches = [torch.randn(size, classes, generator=generator) - 5 * (attempt % 3) for size in sizes]
        _examine_prediction(answer, batches, training=attempt % 2 == 0)


def _examine_prediction(answer, batches, *, training):
    model = _Spy().train(training)
    with torch.enable_grad():
        with _stars_explained():
            result = call(answer, model, list(batches))
        if isinstance(result, Iterator):  # a generator runs only when it is asked
            result = list(result)
        recording = torch.is_grad_enabled()
    if any(model.modes):
        raise Mistake(
            "the model runs in training mode: dropout deletes activations at random, so the scores "
            "change from call to call. Call model.eval() first."
        )
    if any(model.gradients):
        raise Mistake(
            "gradients are being recorded. The scores are right, but every batch keeps its graph in "
            "memory: use torch.no_grad()."
        )
    if not recording:
        raise Mistake(
            "after your function, torch records no gradients anymore, so the next training step fails. Use "
            "with torch.no_grad(), which ends by itself."
        )
    if training and not model.training:
        raise Mistake(
            "the model came in training mode and leaves in evaluation mode. Between two epochs that silently "
            "turns dropout off for good: put the mode back."
        )
    if model.training and not training:
        raise Mistake(
            "the model came in evaluation mode and leaves in training mode, so its next prediction has dropout. "
            "Remember model.training at the start, and put it back."
        )
    if model.dropout.training != training:
        raise Mistake(
            "model.training is only the flag of the whole: the layers inside, such as dropout, keep their mode. "
            "model.train(mode) sets all of them."
        )
    if len(model.modes) != len(batches):
        raise Mistake(
            "the model was called {calls} times for {batches} batches. Call it once for each batch.",
            calls=len(model.modes),
            batches=len(batches),
        )
    _examine_classes(result, batches)


def _examine_classes(result, batches):
    right = [int(scores.argmax()) for batch in batches for scores in batch]
    found, whole = _flat_classes(result)
    if found == right:
        if not whole:
            raise Mistake(
                "the classes are right, but they are decimals such as {first:.1f}. A class is a whole number: int(…) makes "
                "one.",
                first=found[0],
            )
        return
    if len(found) == len(batches) and len(batches) < len(right):
        last = [int(batch.argmax()) for batch in batches]
        if found == last:
            raise Mistake(
                "argmax() without dim looks for the highest score of the whole batch. Take it in each row, "
                "argmax(dim=-1)."
            )
    if found == [int(scores.argmax()) for scores in batches[-1]]:
        raise Mistake("you return the classes of the last batch alone. Collect those of all batches.")
    if found == [int(scores.argmax()) for scores in batches[0]]:
        raise Mistake("you return the classes of the first batch alone. Is there a return inside the loop?")
    if found == [int(c) for batch in batches for c in batch.argmax(dim=0)]:
        raise Mistake(
            "argmax goes down the columns: it finds a row for each class. It should go over dim=-1, the classes."
        )
    if len(found) != len(right):
        raise Mistake(
            "there are {rows} rows in all and you return {count} classes. Return one for each row.",
            rows=len(right),
            count=len(found),
        )
    if found == [int(scores.argmin()) for batch in batches for scores in batch]:
        raise Mistake("you return the class with the lowest score. Take the highest, argmax.")
    if found == [index + 1 for index in right]:
        raise Mistake("you count the classes from 1. The first class is 0.")
    if all(
        abs(v - float(s.max())) < 1e-5 for v, s in zip(found, (s for b in batches for s in b), strict=True)
    ):
        raise Mistake(
            "you return the highest scores. Return where they are, the number of the class: argmax."
        )
    if sorted(found) == sorted(right):
        raise Mistake(
            "the classes are right, but in another order. Keep the order of the batches and their rows."
        )
    raise Mistake(
        "you return {found}; the highest scores are those of the classes {right}.", found=found, right=right
    )


def _flat_classes(result):
    """Return a learner's classes as a list of numbers, and whether all are whole ones that can be an index."""
    if hasattr(result, "tolist"):  # a tensor, an array
        result = result.tolist()
    if not isinstance(result, (list, tuple)):
        raise Mistake(
            "return a list with the class of every row; you return {kind}.", kind=type(result).__name__
        )
    if any(isinstance(part, (list, tuple)) or as_number(part) is None for part in result):
        raise Mistake(
            "return one flat list of classes. Yours holds an element that isn't one number: use extend() instead of "
            "append(), or torch.cat."
        )
    return [as_number(part) for part in result], all(_is_whole(part) for part in result)


def _is_whole(value):
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


# 7.4 ----------------------------------------------------------------------------------------------


def to_freeze(names, layers):
    """Return the names of the parameters of the embeddings and of the lower half of the blocks."""
    frozen = []
    for name in names:
        parts = name.split(".")
        if parts[:2] == ["encoder", "embeddings"] or (
            parts[:2] == ["encoder", "blocks"] and int(parts[2]) < layers // 2
        ):
            frozen.append(name)
    return frozen


def _names(layers):
    parts = ("attention.query", "attention.output", "attention_norm", "expand", "contract")
    inside = [
        f"encoder.blocks.{i}.{part}.{kind}"
        for i in range(layers)
        for part in parts
        for kind in ("weight", "bias")
    ]
    first = [f"encoder.embeddings.{part}.weight" for part in ("token", "position", "token_type", "norm")]
    last = [f"{part}.{kind}" for part in ("encoder.pooler", "head") for kind in ("weight", "bias")]
    return [*first, "encoder.embeddings.norm.bias", *inside, *last]


def examine_to_freeze(answer):
    for layers in (6, 24, 12, 5, 1):
        names = _names(layers)
        random.Random(layers).shuffle(names)
        result = call(answer, list(names), layers)
        found, reference = _frozen_names(result), set(to_freeze(names, layers))
        if found != reference:
            _examine_names(found, reference, names, layers)


def _examine_names(found, reference, names, layers):
    """Raise what is wrong with a choice of names."""
    if found - set(names):
        raise Mistake(
            "{name!r} is not the name of a parameter. Freezing by a name that nothing has freezes "
            "nothing, without an error.",
            name=min(found - set(names)),
        )
    if found == set(names) - reference:
        raise Mistake("you return what stays free. Return the names of what is frozen.")
    if any(name.startswith("head.") for name in found):
        raise Mistake("you freeze the head. It starts from random numbers: it is what must be trained.")
    if any("pooler" in name for name in found):
        raise Mistake(
            "you freeze the pooler. It sits above the last block, close to the task; leave it free."
        )
    if not any("embeddings" in name for name in found):
        raise Mistake(
            "the embeddings are left free. They lie below every block: with frozen blocks above them "
            "you would still pay for the whole way back."
        )
    blocks = {int(name.split(".")[2]) for name in found if ".blocks." in name}
    half = layers // 2
    if not blocks and half:
        raise Mistake("you freeze the embeddings alone. Freeze the lower half of the blocks, too.")
    if blocks == set(range(half, layers)):
        raise Mistake("you freeze the upper half. Blocks count from the input: 0 is the lowest.")
    starts = tuple(map(str, range(half)))
    if layers > 10 and blocks == {block for block in range(layers) if str(block).startswith(starts)}:
        raise Mistake(
            "of {layers} blocks you freeze block {block} too. A name that starts with 'encoder.blocks.1' "
            "may be block 1 or block 10 to 19: compare whole numbers, not beginnings.",
            layers=layers,
            block=max(blocks),
        )
    if blocks == set(range(layers)) and layers > 1:
        raise Mistake("you freeze all {layers} blocks; it should be the lower half.", layers=layers)
    if layers % 2 and blocks == set(range(half + 1)):
        raise Mistake(
            "of {layers} blocks the middle one, block {half}, stays free: freeze {half}, the half rounded down.",
            layers=layers,
            half=half,
        )
    if blocks == set(range(half + 1)):
        raise Mistake(
            "one block too many: of {layers} blocks freeze {half}, 0 to {last}.",
            layers=layers,
            half=half,
            last=half - 1,
        )
    if blocks == set(range(1, half + 1)):
        raise Mistake("you count the blocks from 1. Block 0 is the first one above the embeddings.")
    if blocks == set(range(3)) and half != 3:
        raise Mistake(
            "of {layers} blocks you freeze 3. Compute the half from layers, the argument.", layers=layers
        )
    if blocks != set(range(half)):
        raise Mistake(
            "of {layers} blocks you freeze {blocks}; it should be the lower {half}.",
            layers=layers,
            blocks=sorted(blocks),
            half=half,
        )
    missing = min(reference - found)
    if all(name.endswith(".weight") for name in found):
        raise Mistake(
            "you freeze matrices alone. Freeze the biases as well, such as {missing}.", missing=missing
        )
    if missing.startswith("encoder.embeddings"):
        raise Mistake(
            "{missing} is left free. Everything in encoder.embeddings is frozen, positions and LayerNorm included.",
            missing=missing,
        )
    raise Mistake(
        "of the lower blocks {missing} is left free. Freeze all parts of a block, not its attention alone or its "
        "feed-forward layers alone.",
        missing=missing,
    )


def _frozen_names(result):
    """Return the names that a learner gives."""
    if isinstance(result, (str, dict)) or not hasattr(result, "__iter__"):
        raise Mistake("return a list of names; you return {kind}.", kind=type(result).__name__)
    result = list(result)
    if any(not isinstance(name, str) for name in result):
        raise Mistake(
            "return the names themselves; your list holds {kind}.",
            kind=next(type(name).__name__ for name in result if not isinstance(name, str)),
        )
    return set(result)


EXERCISES = [
    Exercise(
        identifier="7.1",
        title="The right head, and its size",
        difficulty=1,
        minutes=5,
        examine=examine_head_parameters,
        hints=(
            (
                "Each head is one linear layer: a matrix from hidden_size to the outputs, and a bias for "
                "each output."
            ),
            "Outputs: a score for each label; for a span, start and end; for a choice, a single score.",
            '(hidden_size + 1) * {"class": labels, "tags": labels, "span": 2, "choice": 1}[task]',
        ),
        solution=head_parameters,
        praise="Your task adds a few thousand new numbers to millions that are already good.",
    ),
    Exercise(
        identifier="7.2",
        title="A training step in the right order",
        difficulty=2,
        minutes=10,
        examine=examine_training_step,
        hints=(
            "Six lines: loss, zero_grad, backward, clip, step of the optimizer, step of the schedule.",
            (
                "nn.utils.clip_grad_norm_(model.parameters(), 1.0) goes between backward() and "
                "optimizer.step()."
            ),
            "scheduler.step() is last; return loss.item().",
        ),
        solution=training_step,
        praise="Clear, backward, clip, step, schedule: every loop of the course has this order.",
    ),
    Exercise(
        identifier="7.3",
        title="Predict in evaluation mode",
        difficulty=1,
        minutes=5,
        examine=examine_predict_classes,
        hints=(
            "Remember model.training, then model.eval().",
            "with torch.no_grad(): go through the batches and take model(batch).argmax(dim=-1).",
            "model.train(was_training) puts the mode back.",
        ),
        solution=predict_classes,
        praise="No dropout, no graph, and training continues as before.",
    ),
    Exercise(
        identifier="7.4",
        title="What to freeze",
        difficulty=2,
        minutes=10,
        examine=examine_to_freeze,
        hints=(
            (
                'name.split(".") gives the parts: parts[1] is "embeddings", "blocks" or "pooler"; parts[2] '
                "of a block its number."
            ),
            "The lower half of the blocks: those with int(parts[2]) < layers // 2.",
            (
                'Keep a name if parts[:2] is ["encoder", "embeddings"], or if it is ["encoder", "blocks"] '
                "and the number is low."
            ),
        ),
        solution=to_freeze,
        praise="You compare whole numbers, count from the input, and leave the head free.",
    ),
]

QUIZ = [
    Question(
        "BERT is fine-tuned the way the paper does it. What starts from random numbers?",
        Option(
            "The head alone, one linear layer.",
            "In BERT everything below it comes from pre-training. (The pooler of our bundled body was never trained.)",
            correct=True,
        ),
        Option(
            "The head and the last block.",
            "The last block is pre-trained as well; some people reset it, the paper doesn't.",
        ),
        Option(
            "The embeddings of the task's words.",
            "The vocabulary and its embeddings are those of pre-training.",
        ),
        Option(
            "Every weight, from the embeddings up.",
            "That is training from random weights: the lesson measures how much worse it does.",
        ),
    ),
    Question(
        "The plain loop, the Trainer and Lightning gave the same losses. Why?",
        Option(
            "All three call the course's own training loop inside.",
            "They run loops of their own; ours only supplied batches, optimizer and schedule.",
        ),
        Option(
            "Batches, start, dropout, optimizer and schedule were equal.",
            "With all five equal, only the person who wrote the loop is different.",
            correct=True,
        ),
        Option(
            "The order of the rows hardly matters to the loss of a batch.",
            "It does matter: another seed gives other losses at every update.",
        ),
        Option(
            "Losses are averaged, which hides any small differences.",
            "Each update was compared by itself, without any mean.",
        ),
    ),
    Question(
        "You freeze the whole body and train the head. What is true?",
        Option(
            "Only memory is saved; an update takes as long as before.",
            "The backward pass through the body falls away, and it's the larger part of the work.",
        ),
        Option(
            "The head can't learn, because it gets no gradient anymore.",
            "The head isn't part of the body: it's what learns.",
        ),
        Option(
            "The score is about as good as with nothing frozen.",
            "The table says otherwise for our data; the paper's features come closer with a larger model.",
        ),
        Option(
            "A text's states are the same in each epoch, dropout aside.",
            "So they can be computed once and kept; lesson 17 does that.",
            correct=True,
        ),
    ),
    Question(
        "Which rows may decide when to stop and which learning rate to take?",
        Option(
            "The training rows, because there are the most of them.",
            "The training loss falls nearly always, so it can't tell you when to stop.",
        ),
        Option(
            "The test rows, as long as there are enough of them.",
            "However many there are, a score on rows that helped to choose is too good to be true.",
        ),
        Option(
            "The validation rows, and no others until the end.",
            "They are for choosing; the test rows are looked at once, afterward.",
            correct=True,
        ),
        Option(
            "All rows together, because no information should be lost.",
            "Then nothing is left that could tell how good the model is on new data.",
        ),
    ),
    Question(
        "Your losses are `0.69, 0.66, nan, nan, …`. What do you do first?",
        Option(
            "Lower the learning rate, and look at the labels.",
            "Those are the two usual causes; the course's loop stops at the first NaN and says so.",
            correct=True,
        ),
        Option(
            "Skip the batches whose loss is NaN, and go on.",
            "The weights are NaN from the first bad update on, so every batch after it is lost.",
        ),
        Option(
            "Train longer, until the loss becomes a number again.",
            "NaN never turns into a number again.",
        ),
        Option(
            "Turn gradient clipping off, which changes the values.",
            "Clipping protects from large gradients; without it, things get worse.",
        ),
    ),
    Question(
        "A training step clips at norm 1 and forgets `zero_grad()`. What happens?",
        Option(
            "Nothing changes: clipping keeps every gradient at norm 1 anyway.",
            "Clipping limits the length. The direction is that of all batches so far.",
        ),
        Option(
            "The loss is NaN after a few updates, as the sum grows.",
            "Clipping keeps the sum short. What goes wrong is its direction.",
        ),
        Option(
            "Each update follows a mix of its batch and the older ones.",
            "backward() adds to what is there, so the old gradients pull at every later update.",
            correct=True,
        ),
        Option(
            "torch raises an error, because the graph is gone.",
            "The graph of the old batch is gone, its gradient in .grad isn't. torch adds to it and says nothing.",
        ),
    ),
    Question(
        (
            "Of 12 blocks you freeze the upper six, by mistake, and train the embeddings and the lower six. How far "
            "does the backward pass go?"
        ),
        Option(
            "It ends at the top, since frozen blocks need no gradient at all.",
            "Their weights need none, but the blocks below get theirs only through them.",
        ),
        Option(
            "Through all twelve blocks, down to the embeddings.",
            "Frozen weights get no gradient, but it must pass through them. So little time is saved.",
            correct=True,
        ),
        Option(
            "It skips the frozen six and begins with the lower six.",
            "The chain rule has no shortcut: the loss depends on the lower blocks through the upper ones.",
        ),
        Option(
            "Nowhere: with a frozen top no block can learn.",
            "The lower blocks do learn. Only the frozen ones stay as they are.",
        ),
    ),
]
