"""Exercises and quiz of lesson 07, fine-tuning overview."""

import torch
from torch import nn

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, call_procedure, nothing_returned
from course_lib.translation import Message

# 7.1 ----------------------------------------------------------------------------------------------


def head_parameters(task, hidden_size, labels):
    """Return how many parameters the head of a task has: "class", "tags", "span" or "choice"."""
    outputs = {"class": labels, "tags": labels, "span": 2, "choice": 1}[task]
    return (hidden_size + 1) * outputs


def examine_head_parameters(answer):
    for task, size, labels in (("class", 384, 2), ("tags", 768, 9), ("span", 768, 9), ("choice", 384, 4)):
        result, reference = call(answer, task, size, labels), head_parameters(task, size, labels)
        if result == reference:
            continue
        if result == reference * size // (size + 1):
            raise Mistake(
                "for {task!r} you return {result:,}: that is the matrix alone. Each output has a bias too.",
                task=task,
                result=result,
            )
        if task == "choice" and result == (size + 1) * labels:
            raise Mistake(
                "for 'choice' you count {labels} outputs, one an ending. One vector scores every ending, "
                "each read by itself: 1 output, so the same head works for any number of endings.",
                labels=labels,
            )
        if task == "span" and result == (size + 1) * labels:
            raise Mistake(
                "for 'span' the number of labels plays no part. Every token gets 2 scores: how well it "
                "starts the answer, and how well it ends it."
            )
        if task == "tags" and result and result % reference == 0:
            raise Mistake("for 'tags' the same head is used at every token; it is counted once.")
        raise Mistake(
            "for {task!r}, size {size}, {labels} labels, you return {result!r}; it should be {reference:,}.",
            task=task,
            size=size,
            labels=labels,
            result=result,
            reference=reference,
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
    """SGD that notes the gradient's norm and the rate at each step."""

    def __init__(self, parameters):
        super().__init__(parameters, lr=0.5)
        self.norms, self.rates = [], []

    def step(self, closure=None):
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        self.norms.append(torch.stack([g.norm() for g in gradients]).norm().item() if gradients else 0.0)
        self.rates.append(self.param_groups[0]["lr"])
        return super().step(closure)


def _two_steps(step):
    with torch.random.fork_rng(devices=[]):
        model = nn.Linear(3, 1)
    nn.init.constant_(model.weight, 0.5)
    nn.init.zeros_(model.bias)
    optimizer = _Watched(model.parameters())
    # The first update has a tenth of the rate; a scheduler that is stepped too early gives it two tenths.
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 0.1 * (n + 1))
    returned = []
    # A gradient that must be clipped; then a small one in another direction, where an old one would show.
    for scale, rows in (
        (9.0, [[4.0, 0.0, 1.0], [0.0, 5.0, -1.0]]),
        (0.1, [[0.0, -1.0, 2.0], [1.0, 0.0, 3.0]]),
    ):
        batch = torch.tensor(rows)
        returned.append(
            call_procedure(
                step, model, batch, lambda scores, _, s=scale: s * scores.sum(), optimizer, scheduler
            )
        )
    return model, optimizer, scheduler, returned


def examine_training_step(answer):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of a wrong order; so do we, in our words
        model, optimizer, scheduler, returned = _two_steps(answer)
    right, watched, _, losses = _two_steps(training_step)
    if returned[0] is None and not optimizer.norms:
        raise nothing_returned()
    if not optimizer.norms:
        raise Mistake("the weights did not move: optimizer.step() is missing.")
    if optimizer.norms[0] == 0.0:
        raise Mistake(
            "there is no gradient when optimizer.step() runs. loss.backward() comes after zero_grad() and "
            "before step()."
        )
    if optimizer.norms[0] > 1.01:
        raise Mistake(
            "at step() the gradient has norm {norm:.0f}. Clip it to norm 1 between backward() and step().",
            norm=optimizer.norms[0],
        )
    if optimizer.rates[0] > 0.06 and scheduler.last_epoch > 0:
        raise Mistake(
            "the first update ran at the second rate: scheduler.step() comes after optimizer.step()."
        )
    if scheduler.last_epoch == 0:
        raise Mistake("the rate never changes: scheduler.step() is missing. Without it, warm-up never ends.")
    if len(optimizer.norms) != 2:
        raise Mistake(
            "one call makes {updates:g} updates; it should make one.",
            updates=len(optimizer.norms) / 2,
        )
    if not torch.allclose(model.weight, right.weight, atol=1e-5):
        raise Mistake(
            "the second update goes the wrong way: it still has the gradient of the first batch. backward() "
            "adds to what is there, so optimizer.zero_grad() comes before it."
        )
    if returned[0] is None:
        raise Mistake("the update is right. Return the loss as well, as a number: loss.item().")
    if isinstance(returned[0], torch.Tensor):
        raise Mistake(
            "you return a tensor with its graph: a list of such losses keeps every batch in memory. Return "
            "loss.item()."
        )
    if any(abs(a - b) > 1e-4 for a, b in zip(returned, losses, strict=True)):
        raise Mistake("the number that you return is not the loss of the batch.")


# 7.3 ----------------------------------------------------------------------------------------------


def predict_classes(model, batches):
    """Return the class of every row, batch after batch, and leave the model in the mode it was in."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        classes = [int(c) for batch in batches for c in model(batch).argmax(dim=-1)]
    model.train(was_training)
    return classes


class _Spy(nn.Module):
    """Passes scores through, and notes in which mode it was called."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.modes, self.gradients = [], []

    def forward(self, batch):
        self.modes.append(self.training)
        self.gradients.append(torch.is_grad_enabled())
        return self.weight * batch


def examine_predict_classes(answer):
    batches = [torch.tensor([[0.1, 2.0, 0.3], [5.0, 1.0, 0.0]]), torch.tensor([[0.0, 1.0, 7.0]])]
    for training in (True, False):
        model = _Spy().train(training)
        result = call(answer, model, batches)
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
        if model.training != training:
            state = (Message("evaluation"), Message("training"))[training]
            raise Mistake(
                "the model came in {state} mode and leaves in the other. Between two epochs that silently "
                "turns dropout off for good: put the mode back.",
                state=state,
            )
        if len(model.modes) != len(batches):
            raise Mistake(
                "the model was called {calls} times for {batches} batches.",
                calls=len(model.modes),
                batches=len(batches),
            )
        result = [int(value) for value in torch.as_tensor(result).flatten()]
        if result == [1, 0, 2]:
            continue
        if len(result) != 3:
            raise Mistake(
                "there are 3 rows in all and you return {count} classes. argmax goes over dim=-1.",
                count=len(result),
            )
        raise Mistake("you return {result}; the highest scores are of the classes [1, 0, 2].", result=result)


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
    inside = [
        f"encoder.blocks.{i}.{part}.weight" for i in range(layers) for part in ("expand", "attention.output")
    ]
    first = ["encoder.embeddings.token.weight", "encoder.embeddings.norm.bias"]
    return [*first, *inside, "encoder.pooler.weight", "head.weight", "head.bias"]


def examine_to_freeze(answer):
    for layers in (6, 24):
        names = _names(layers)
        result = call(answer, list(names), layers)
        found, reference = set(result), set(to_freeze(names, layers))
        if found == reference:
            continue
        if found - set(names):
            raise Mistake(
                "{name!r} is not the name of a parameter. Freezing by a name that nothing has freezes "
                "nothing, without an error.",
                name=min(found - set(names)),
            )
        if any(name.startswith("head.") for name in found):
            raise Mistake("you freeze the head. It starts from random numbers: it is what must be trained.")
        if "encoder.pooler.weight" in found:
            raise Mistake(
                "you freeze the pooler. It stands above the last block, close to the task; leave it free."
            )
        if not any("embeddings" in name for name in found):
            raise Mistake(
                "the embeddings are left free. They lie below every block: with frozen blocks above them "
                "you would still pay for the whole way back."
            )
        blocks = {int(name.split(".")[2]) for name in found if ".blocks." in name}
        if blocks == set(range(layers // 2, layers)):
            raise Mistake("you freeze the upper half. Blocks count from the input: 0 is the lowest.")
        if blocks == set(range(layers // 2 + 1)):
            raise Mistake(
                "one block too many: of {layers} blocks freeze {half}, 0 to {last}.",
                layers=layers,
                half=layers // 2,
                last=layers // 2 - 1,
            )
        if layers == 24 and blocks - set(range(12)):
            raise Mistake(
                "with 24 blocks you freeze block {block} too. A name that starts with 'encoder.blocks.1' "
                "may be block 1 or block 10 to 19: compare whole numbers, not beginnings.",
                block=max(blocks),
            )
        raise Mistake(
            "of {layers} blocks you freeze {blocks}; it should be 0 to {last}.",
            layers=layers,
            blocks=sorted(blocks),
            last=layers // 2 - 1,
        )


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
        praise="A few thousand new numbers on top of millions that are already good.",
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
                "nn.utils.clip_grad_norm_(model.parameters(), 1.0) stands between backward() and "
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
        praise="No dropout, no graph, and the training goes on as it was.",
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
        praise="By whole numbers, from the input upward, and the head stays free.",
    ),
]

QUIZ = [
    Question(
        "What is new, with random weights, when BERT is fine-tuned for a task?",
        Option(
            "The whole model.",
            "That is training from random weights: the lesson measures how much worse it does.",
        ),
        Option(
            "The embeddings of the task's words.",
            "The vocabulary and its embeddings are those of pre-training.",
        ),
        Option(
            "The head: one linear layer.",
            "In BERT everything below it comes from pre-training. (The pooler of our bundled body was never trained.)",
            correct=True,
        ),
        Option(
            "The last block and the head.",
            "The last block is pre-trained as well; some people reset it, the paper does not.",
        ),
    ),
    Question(
        "The plain loop, the Trainer and Lightning gave the same losses. Why?",
        Option(
            "They saw the same batches with the same weights, dropout, optimizer and schedule.",
            "What they differ in is who writes the loop.",
            correct=True,
        ),
        Option(
            "All three use the GPU in the same way.",
            "The device doesn't decide it: the losses agree on a processor, too.",
        ),
        Option(
            "The loss hardly depends on the order of the rows.",
            "It does: another seed gives other losses at every update.",
        ),
        Option(
            "The Trainer and Lightning use the course's own loop inside.",
            "They run loops of their own; ours only supplied batches, optimizer and schedule.",
        ),
    ),
    Question(
        "You freeze the whole body. What is true?",
        Option(
            "Training is as slow as before, only memory is saved.",
            "The way back through the body falls away, and it is the larger part of the work.",
        ),
        Option(
            "The body's states of a text are the same in every epoch, dropout aside.",
            "So they can be computed once and kept; lesson 17 (planned) does that.",
            correct=True,
        ),
        Option("The head cannot learn any more.", "The head is not part of the body; it is what learns."),
        Option(
            "The score is about as good as with nothing frozen.",
            "The table says otherwise for our data; the paper's features come closer with a larger model.",
        ),
    ),
    Question(
        "Which rows may decide when to stop and which learning rate to take?",
        Option(
            "The training rows.",
            "The training loss falls nearly always; it cannot tell you when to stop.",
        ),
        Option(
            "The test rows, if they are many.",
            "However many: a score on rows that helped to choose is too good to be true.",
        ),
        Option(
            "Training and test rows together.",
            "Then nothing is left that could tell how good the model is on new data.",
        ),
        Option(
            "The validation rows.",
            "They are for choosing; the test rows are looked at once, afterward.",
            correct=True,
        ),
    ),
    Question(
        "Your losses are `0.69, 0.66, nan, nan, …`. What do you do first?",
        Option(
            "Lower the learning rate, and look at the labels.",
            "The usual two causes; the course's loop stops at the first NaN and says so.",
            correct=True,
        ),
        Option(
            "Skip the batches with NaN.",
            "The weights are NaN from the first bad update on; every batch after it is lost.",
        ),
        Option("Train longer.", "NaN never turns into a number again."),
        Option(
            "Turn gradient clipping off.",
            "Clipping protects from large gradients; without it things get worse.",
        ),
    ),
]
