"""Exercises and quiz of lesson 06, pre-training."""

import math

import torch
from torch import nn
from torch.nn import functional

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call
from course_lib.translation import Message


def _number(value, what):
    """Return a learner's number as a float; a tensor of one element counts as one."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        return float(value)
    if hasattr(value, "item") and getattr(value, "size", None) == 1:  # a number of numpy's
        return float(value.item())
    raise Mistake("return {what}, one number; you return {kind}.", what=what, kind=type(value).__name__)


# 6.1 ----------------------------------------------------------------------------------------------


def learning_rate_at(step, peak, warmup_steps, total_steps):
    """Return the rate after so many updates: up from 0 to the peak, then down to 0, both linearly."""
    if step < warmup_steps:
        return peak * step / warmup_steps
    return peak * (total_steps - step) / (total_steps - warmup_steps)


def examine_learning_rate_at(answer):
    peak, warmup, total = 1e-4, 10_000, 1_000_000
    steps = (0, 2_500, 10_000, 109_000, 505_000, 1_000_000)
    result = []
    for step in steps:
        result.append(_number(call(answer, step, peak, warmup, total), Message("the learning rate")))
    right = [learning_rate_at(step, peak, warmup, total) for step in steps]

    def near(one, other):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-15)

    if not all(map(near, result, right)):
        first, quarter, top, _, middle, last = result
        if all(near(g, r / peak) for g, r in zip(result, right, strict=True)):
            raise Mistake("you return the share of the peak. The rate is the peak times that share.")
        if near(quarter, peak) and near(first, peak):
            raise Mistake(
                "there is no warm-up: the rate has its peak from the first update on, when Adam's averages "
                "of the gradient know nothing yet."
            )
        if near(quarter, peak * 2_501 / warmup):
            raise Mistake(
                "at step 0 you return {first:g}. Here a step counts the updates that are done, so the first "
                "one has a rate of 0.",
                first=first,
            )
        if near(top, peak) and near(last, peak):
            raise Mistake(
                "the rate stays at its peak. After the warm-up it falls linearly, to 0 at the last step."
            )
        if near(top, peak * (1 - warmup / total)):
            raise Mistake(
                "at the end of the warm-up you return {top:g}, below the peak: you count the decay from "
                "step 0, so the rate jumps. (The original code does, too.) Count it from the end of the "
                "warm-up.",
                top=top,
            )
        if last > 1e-9 * peak:
            raise Mistake(
                "at the last step you return {last:g}. The rate must reach 0 there: total_steps - "
                "warmup_steps updates are left for the way down.",
                last=last,
            )
        if last < 0:
            raise Mistake(
                "at the last step you return {last:g}: the rate is negative before the end.",
                last=last,
            )
        if near(top, peak) and near(last, 0.0):
            raise Mistake(
                "both ends of the decay are right, but at step 505,000 you return {middle:g}; on a straight "
                "line it is {line:g}.",
                middle=middle,
                line=right[4],
            )
        step, value, reference = next(
            row for row in zip(steps, result, right, strict=True) if not near(row[1], row[2])
        )
        raise Mistake(
            "at step {step:,} you return {value:g}; it should be {reference:g}.",
            step=step,
            value=value,
            reference=reference,
        )
    if not near(_number(call(answer, 0, 3e-4, 0, 100), Message("the learning rate")), 3e-4):
        raise Mistake("with warmup_steps = 0 the first update has the peak already.")


# 6.2 ----------------------------------------------------------------------------------------------


def decay_groups(model, weight_decay):
    """Return two parameter groups for AdamW: matrices with decay, biases and LayerNorm without."""
    plain = []
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, nn.LayerNorm) or name == "bias":
                plain.append(parameter)
    numbers = {id(parameter) for parameter in plain}
    matrices = [parameter for parameter in model.parameters() if id(parameter) not in numbers]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]


class _SmallModel(nn.Module):
    """A few layers with the names of the course's encoder; the decoder is tied to the embeddings."""

    def __init__(self):
        super().__init__()
        self.token = nn.Embedding(11, 4)
        self.norm = nn.LayerNorm(4)
        self.output = nn.Linear(4, 4)
        self.attention_norm = nn.LayerNorm(4)
        self.decoder = nn.Linear(4, 11)
        self.decoder.weight = self.token.weight


def examine_decay_groups(answer):
    with torch.random.fork_rng(devices=[]):
        model = _SmallModel()
    names = {id(p): name for name, p in model.named_parameters()}
    given = call(answer, model, 0.01)
    decays, twice = {}, []
    for parameters, decay in _groups(given):
        for parameter in parameters:
            name = names.get(id(parameter))
            if name is None:
                raise Mistake(
                    "a group holds something that is no parameter of the model. Put the parameters "
                    "themselves into it, not names or copies."
                )
            if name in decays:
                twice.append(name)
            decays[name] = decay
    missing = sorted(set(names.values()) - set(decays))
    if missing:
        raise Mistake(
            "{name} is in no group, so the optimizer will never change it. Every parameter belongs to one "
            "group.",
            name=missing[0],
        )
    if twice:
        raise Mistake(
            "{name} is there twice. Each parameter belongs to one group only; torch refuses it otherwise.",
            name=twice[0],
        )
    biases = [name for name in decays if name.endswith("bias")]
    norms = ["norm.weight", "attention_norm.weight"]
    matrices = ["token.weight", "output.weight"]
    if all(decay == 0 for decay in decays.values()):
        raise Mistake("nothing is decayed. The matrices get the weight decay that is given.")
    if all(decays[name] == 0 for name in matrices) and any(decays[name] for name in biases + norms):
        raise Mistake(
            "the two groups are the wrong way around: matrices are decayed, biases and LayerNorm are not."
        )
    if all(decays[name] for name in norms + biases):
        raise Mistake(
            "everything is decayed, biases and LayerNorm too. Their gains would be pulled from 1 toward 0, "
            "which makes nothing simpler."
        )
    if any(decays[name] for name in norms):
        raise Mistake(
            "the gains of LayerNorm are decayed. In this model they are called norm.weight: a list of names "
            "such as 'LayerNorm.weight', copied from elsewhere, finds nothing and says nothing. Ask for the "
            "type, nn.LayerNorm."
        )
    if any(decays[name] for name in biases):
        decayed = next(name for name in biases if decays[name])
        raise Mistake("{decayed} is decayed. Biases are not, whatever layer they belong to.", decayed=decayed)
    for name in matrices:
        if decays[name] == 0:
            raise Mistake(
                "{name} is not decayed. Only biases and LayerNorm are left out; an embedding is a matrix, "
                "too.",
                name=name,
            )
        if decays[name] != 0.01:
            raise Mistake(
                "the matrices have a decay of {decay!r}; use the weight_decay that is given.",
                decay=decays[name],
            )


def _groups(given):
    """Return the (parameters, decay) of a learner's groups."""
    form = Message('return two dicts, each with "params", a list of parameters, and "weight_decay", a number')
    if not isinstance(given, (list, tuple)) or not all(isinstance(group, dict) for group in given):
        raise Mistake("{form}; you return {kind}.", form=form, kind=type(given).__name__)
    if len(given) != 2 or not all({"params", "weight_decay"} <= set(group) for group in given):
        raise Mistake("{form}; without its own weight_decay a group gets AdamW's default.", form=form)
    pairs = []
    for group in given:
        try:
            pairs.append((list(group["params"]), float(group["weight_decay"])))
        except (TypeError, ValueError):
            raise Mistake("{form}.", form=form) from None
    return pairs


# 6.3 ----------------------------------------------------------------------------------------------


def joint_loss(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    """Return the sum of both mean losses; the head of words sees the chosen positions alone."""
    chosen = labels != -100  # (B, T)
    words = word_head(hidden[chosen])  # (M, H) -> (M, V)
    word_loss = functional.cross_entropy(words, labels[chosen], reduction="sum") / max(1, len(words))
    return word_loss + functional.cross_entropy(sentence_scores, next_sentence_labels)


def examine_joint_loss(answer):
    generator = torch.Generator().manual_seed(6)
    B, T, H, V = 4, 6, 5, 9
    hidden = torch.randn(B, T, H, generator=generator)
    matrix = torch.randn(H, V, generator=generator)
    sentence_scores = 3 * torch.randn(B, 2, generator=generator)
    next_sentence_labels = torch.tensor([0, 1, 0, 0])
    labels = torch.full((B, T), -100)
    for row, column, word in ((0, 2, 7), (0, 3, 2), (1, 1, 0), (1, 4, 3), (1, 5, 5), (3, 5, 8)):
        labels[row, column] = word
    seen = []

    def word_head(states):
        """Score the words at the given states, and note how many there are."""
        seen.append(states.numel() // H)
        return states @ matrix

    def loss_of(labels):
        found = call(
            answer,
            hidden.clone(),
            word_head,
            labels.clone(),
            sentence_scores.clone(),
            next_sentence_labels.clone(),
        )
        return _number(found, Message("the joint loss"))

    result = loss_of(labels)
    chosen = labels != -100
    words = functional.cross_entropy((hidden @ matrix)[chosen], labels[chosen]).item()
    pairs = functional.cross_entropy(sentence_scores, next_sentence_labels).item()
    first_class = next_sentence_labels == 0
    without_first = functional.cross_entropy(
        sentence_scores[~first_class], next_sentence_labels[~first_class]
    ).item()
    without_id_0 = chosen & (labels != 0)
    fewer = functional.cross_entropy((hidden @ matrix)[without_id_0], labels[without_id_0]).item()
    count, places = int(chosen.sum()), B * T
    everywhere = functional.cross_entropy(
        (hidden @ matrix).flatten(0, 1), labels.clamp(min=0).flatten()
    ).item()
    for wrong, message in (
        (words, Message("that is the loss of the words alone; add the loss of the pairs.")),
        (pairs, Message("that is the loss of the pairs alone; add the loss of the words.")),
        ((words + pairs) / 2, Message("you take the mean of both losses. The paper adds them, unweighted.")),
        (
            words * count / places + pairs,
            Message(
                "you divide the loss of the {count} chosen words by all {places} positions, so it looks "
                "{factor} times better than it is, and the next-sentence loss drowns it. Divide by the number "
                "of chosen positions.",
                count=count,
                places=places,
                factor=places // count,
            ),
        ),
        (
            words * count + pairs,
            Message("the losses of the words are added up and not divided: divide by how many were chosen."),
        ),
        (
            words * count + pairs * B,
            Message("both losses are sums. Each is a mean: over the chosen words, and over the pairs."),
        ),
        (
            (words * count + pairs * B) / (count + B),
            Message(
                "you divide both by one common number. Each loss is a mean of its own: over the chosen "
                "words, and over the pairs."
            ),
        ),
        (
            words + without_first,
            Message(
                "pairs of class 0 do not count: an ignore_index=0 does that. In the labels of the pairs, 0 "
                "means IsNext."
            ),
        ),
        (
            fewer + pairs,
            Message("a word with the id 0 does not count. Only -100 marks positions that were not chosen."),
        ),
        (
            everywhere + pairs,
            Message(
                "positions that were not chosen count as if the word 0 were their label. -100 marks them: "
                "leave them out."
            ),
        ),
    ):
        if math.isclose(result, wrong, rel_tol=1e-4):
            raise Mistake(message)
    if math.isnan(result):
        raise Mistake(
            "the loss is not a number. Take care that labels of -100 never reach a loss that does not "
            "ignore them."
        )
    if not math.isclose(result, words + pairs, rel_tol=1e-4):
        raise Mistake(
            "you return {result:.4f}; with {words:.4f} for the words and {pairs:.4f} for the pairs it "
            "should be {total:.4f}.",
            result=result,
            words=words,
            pairs=pairs,
            total=words + pairs,
        )
    if max(seen, default=0) > count:
        raise Mistake(
            "the loss is right, but word_head scored {seen} positions where {count} were chosen. It is the "
            "most expensive part of a small model: take the chosen states first, hidden[labels != -100].",
            seen=max(seen),
            count=count,
        )
    if sum(seen) != count:
        raise Mistake(
            "word_head scored {seen} positions; score the {count} chosen ones with it, once.",
            seen=sum(seen),
            count=count,
        )
    nothing = loss_of(torch.full((B, T), -100))
    if math.isnan(nothing):
        raise Mistake(
            "with no word chosen at all, the mean over zero words is not a number. Then the loss of the "
            "words is 0."
        )
    if not math.isclose(nothing, pairs, rel_tol=1e-4):
        raise Mistake(
            "with no word chosen, the loss of the pairs is left, {pairs:.4f}; you return {nothing:.4f}.",
            pairs=pairs,
            nothing=nothing,
        )


# 6.4 ----------------------------------------------------------------------------------------------


def unigram_baseline(counts, targets):
    """Return loss and accuracy of the unigram model on held-out words; 0.1 is added to each count."""
    shares = (counts + 0.1) / (counts + 0.1).sum()  # (V,)
    loss = -shares.log()[targets].mean()
    accuracy = (targets == counts.argmax()).double().mean()
    return float(loss), float(accuracy)


def examine_unigram_baseline(answer):
    counts = torch.tensor([3.0, 60.0, 25.0, 0.0, 10.0, 1.0])
    targets = torch.tensor([1, 2, 1, 4, 0, 3, 2, 2])
    given = call(answer, counts.clone(), targets.clone())
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise Mistake("return two numbers, the loss and the accuracy.")
    loss, accuracy = (
        _number(given[0], Message("the loss first")),
        _number(given[1], Message("the accuracy second")),
    )
    reference_loss, reference_accuracy = unigram_baseline(counts, targets)
    shares = (counts + 0.1) / (counts + 0.1).sum()
    near = lambda one, other: math.isclose(one, other, rel_tol=1e-4)  # noqa: E731
    if near(loss, reference_accuracy) and near(accuracy, reference_loss):
        raise Mistake("the two are swapped: the loss comes first, the accuracy second.")
    if math.isinf(loss) or math.isnan(loss):
        raise Mistake(
            "the loss is not finite: a held-out word that never occurs in the training text has a "
            "probability of 0. Add 0.1 to each count."
        )
    held_out = (torch.bincount(targets, minlength=6) + 0.1) / (targets.numel() + 0.6)
    for wrong, message in (
        (-reference_loss, Message("the loss is negative; it is minus the logarithm of the probability.")),
        (
            reference_loss / math.log(2),
            Message("the loss is in bits. Take the natural logarithm, as cross_entropy does."),
        ),
        (reference_loss * len(targets), Message("the loss is a sum; take the mean over the targets.")),
        (math.exp(reference_loss), Message("that is the perplexity, the exponential of the loss.")),
        (
            float(-(shares * shares.log()).sum()),
            Message(
                "that is the entropy of the training text, which looks at no held-out word. Take the "
                "probabilities of the targets."
            ),
        ),
        (
            float(-held_out.log()[targets].mean()),
            Message(
                "the probabilities come from the held-out words themselves. A baseline knows the training "
                "text alone."
            ),
        ),
        (
            float(-((counts + 0.1) / counts.sum()).log()[targets].mean()),
            Message("your probabilities add up to more than 1: after adding 0.1, divide by the new sum."),
        ),
        (
            float(functional.cross_entropy(counts.expand(8, -1), targets)),
            Message(
                "counts are no scores: cross_entropy would take their exponentials. Divide by the sum, then "
                "take the logarithm."
            ),
        ),
    ):
        if near(loss, wrong):
            raise Mistake(message)
    if not near(loss, reference_loss):
        raise Mistake(
            "the loss is {loss:.4f}; it should be {reference_loss:.4f}.",
            loss=loss,
            reference_loss=reference_loss,
        )
    if near(accuracy, float(shares[targets].mean())):
        raise Mistake(
            "you draw the guesses from the shares. One does better by always saying the commonest word; "
            "that is the accuracy to beat."
        )
    if near(accuracy, 3 / 8):
        raise Mistake(
            "you guess the word that is most frequent among the held-out targets, which nobody knows "
            "beforehand."
        )
    if near(accuracy, reference_accuracy * len(targets)):
        raise Mistake("the accuracy is a share from 0 to 1, not a count.")
    if near(accuracy, 0.6 / 0.99) or near(accuracy, float(shares.max())):
        raise Mistake(
            "that is the share of the commonest word in the training text. How often is it right on the "
            "targets?"
        )
    if not near(accuracy, reference_accuracy):
        raise Mistake(
            "the accuracy is {accuracy:.4f}; it should be {reference_accuracy:.4f}.",
            accuracy=accuracy,
            reference_accuracy=reference_accuracy,
        )
    other = unigram_baseline(counts.flip(0), targets)
    second = call(answer, counts.flip(0), targets.clone())
    if not isinstance(second, (tuple, list)) or not all(
        near(_number(result, Message("two numbers")), reference)
        for result, reference in zip(second, other, strict=False)
    ):
        raise Mistake(
            "with other counts, the answer stays the same or goes wrong. Compute both numbers from the "
            "arguments."
        )


# 6.5 ----------------------------------------------------------------------------------------------


def training_days(parameters, tokens, peak, utilization, devices):
    """Return the days of a training run, at 6 operations for each parameter and token."""
    operations = 6 * parameters * tokens
    return operations / (peak * utilization * devices) / (24 * 60 * 60)


def examine_training_days(answer):
    arguments = (110e6, 128e9, 312e12, 0.4, 8)
    result = call(answer, *arguments)
    result, reference = _number(result, Message("the days")), training_days(*arguments)
    near = lambda one, other: math.isclose(one, other, rel_tol=1e-6)  # noqa: E731
    for factor, message in (
        (
            1 / 3,
            Message(
                "you count the forward pass alone, 2 operations for each parameter and token. Training goes "
                "back as well, which costs twice as much again."
            ),
        ),
        (
            2 / 3,
            Message(
                "you count the backward pass alone, 4 operations for each parameter and token. The forward "
                "pass comes to it: 6."
            ),
        ),
        (
            1 / 6,
            Message(
                "you count one operation for each parameter and token. A product and a sum are 2, and with "
                "the way back it is 6."
            ),
        ),
        (24, Message("those are hours; a day has 24.")),
        (86_400, Message("those are seconds; a day has 86,400.")),
        (1_440, Message("those are minutes; a day has 1,440.")),
        (0.4, Message("you take the whole peak. No device reaches it: multiply it by the utilization.")),
        (
            0.16,
            Message(
                "you divide by the utilization where you should multiply: a device that reaches 40% of its "
                "peak needs longer."
            ),
        ),
        (8, Message("you count one device. Eight devices share the work.")),
        (64, Message("more devices make your run longer. They share the work: divide by their number.")),
    ):
        if near(result, factor * reference):
            raise Mistake(message)
    if not near(result, reference):
        raise Mistake(
            "for BERT-base on 8 devices you return {result:g} days; it should be {reference:g}.",
            result=result,
            reference=reference,
        )
    more = (340e6, 50e9, 1e12, 0.25, 3)
    if not near(_number(call(answer, *more), Message("the days")), training_days(*more)):
        raise Mistake(
            "with other arguments the days are wrong. Use all five of them, and no numbers of your own."
        )


EXERCISES = [
    Exercise(
        identifier="6.1",
        title="The learning rate at a step",
        difficulty=1,
        minutes=10,
        examine=examine_learning_rate_at,
        hints=(
            (
                "Two straight lines: from 0 up to the peak, and from the peak down to 0. Which one is the "
                "step on?"
            ),
            "On the way up, the share of the peak is step / warmup_steps.",
            (
                "On the way down, total_steps - step updates are left of total_steps - warmup_steps: the "
                "share is their quotient."
            ),
        ),
        solution=learning_rate_at,
        praise="Up, then down, with the peak exactly at the end of the warm-up and 0 at the last step.",
    ),
    Exercise(
        identifier="6.2",
        title="What is decayed, and what is not",
        difficulty=2,
        minutes=15,
        examine=examine_decay_groups,
        hints=(
            (
                "Do not rely on names of parameters alone: how a LayerNorm is called differs from code to "
                "code. Its type does not."
            ),
            (
                "Walk through model.modules(). module.named_parameters(recurse=False) gives the module's own "
                "parameters, such as weight and bias."
            ),
            (
                "Collect those of an nn.LayerNorm and all that are called bias; everything else of "
                "model.parameters() is decayed. Compare by id(): == compares the numbers in a tensor."
            ),
        ),
        solution=decay_groups,
        praise=(
            "Matrices and embeddings are decayed, biases and LayerNorm are not, and nothing is lost or there "
            "twice."
        ),
    ),
    Exercise(
        identifier="6.3",
        title="The joint loss",
        difficulty=2,
        minutes=15,
        examine=examine_joint_loss,
        hints=(
            (
                "chosen = labels != -100 marks the positions that were chosen, (B, T). What do "
                "hidden[chosen] and labels[chosen] hold?"
            ),
            (
                "hidden[chosen] is (M, H): score it with word_head, and take the cross-entropy with "
                "labels[chosen]."
            ),
            (
                'Use reduction="sum" and divide by max(1, M): with M = 0 that is 0. Add '
                "functional.cross_entropy(sentence_scores, next_sentence_labels)."
            ),
        ),
        solution=joint_loss,
        praise="Each task has its own denominator, and the expensive head sees 15% of the positions.",
    ),
    Exercise(
        identifier="6.4",
        title="The unigram baseline",
        difficulty=2,
        minutes=10,
        examine=examine_unigram_baseline,
        hints=(
            "Turn the counts into probabilities first: add 0.1 to each, and divide by the sum.",
            "The loss is the mean of minus the logarithm of the targets' probabilities: log()[targets].",
            "The guess is always the same word, counts.argmax(). How often is it the target?",
        ),
        solution=unigram_baseline,
        praise=(
            "That is what a model reaches that never looks at the context. Whatever is better has been read "
            "from it."
        ),
    ),
    Exercise(
        identifier="6.5",
        title="How many days?",
        difficulty=1,
        minutes=10,
        examine=examine_training_days,
        hints=(
            (
                "Each token passes each parameter: one product and one sum, 2 operations. The way back costs "
                "twice the way forward."
            ),
            "The run takes 6 * parameters * tokens operations. What does the machine do in a second?",
            "peak * utilization * devices operations a second; a day has 24 * 60 * 60 seconds.",
        ),
        solution=training_days,
        praise=(
            "Six operations for each parameter and token: one line of arithmetic tells whether a run is "
            "within reach."
        ),
    ),
]

QUIZ = [
    Question(
        "Why must the pre-training corpus consist of whole documents?",
        Option(
            "A document has a source, so its license can be checked before training.",
            "Good practice, and not why the paper asks for documents.",
        ),
        Option("Shuffled sentences have fewer words.", "They have the same words in another order."),
        Option(
            "Long, continuous sequences and true next segments exist only there.",
            "Section 3.1 asks for a document-level corpus for this reason.",
            correct=True,
        ),
        Option(
            "WordPiece needs paragraphs to tell frequent words from rare ones when it learns its vocabulary.",
            "WordPiece counts words, and their order does not matter to it.",
        ),
    ),
    Question(
        (
            "The held-out loss of masked words falls to the unigram loss and stays exactly there. The "
            "accuracy is that of the commonest word. What has the model learned so far?"
        ),
        Option(
            "Which words are frequent, and hardly anything from the context.",
            (
                "The unigram loss is exactly what word frequencies give. A loss below it, or a higher "
                "accuracy, would show that the context is used."
            ),
            correct=True,
        ),
        Option(
            (
                "Nothing at all: a model that learns anything leaves the unigram loss at once, so the code "
                "must be broken."
            ),
            (
                "It has learned the frequencies: before that, the loss is the logarithm of the vocabulary's "
                "size."
            ),
        ),
        Option(
            "Everything that the text holds.",
            "A model that uses the context goes far below the unigram loss.",
        ),
        Option(
            "The next-sentence task first, the words come later.",
            "The loss of masked words says nothing about the other task.",
        ),
    ),
    Question(
        "Why does the learning rate warm up?",
        Option(
            "So that the first batches are not learned by heart.",
            "One batch changes little at any usual rate; that is not the reason.",
        ),
        Option(
            "Adam's averages rest on few batches at first.",
            (
                "A large step in a badly known direction can spoil the weights. So: small steps until the "
                "averages are reliable."
            ),
            correct=True,
        ),
        Option("To save computation in the first steps.", "An update costs the same at any rate."),
        Option(
            "Because weight decay is off during the warm-up.",
            "Weight decay works from the first step on; with AdamW, it's scaled by the learning rate.",
        ),
    ),
    Question(
        "You have the same number of sequences, but each is four times as long. What does a step cost?",
        Option(
            "The same: a step is a step, and the number of sequences has not changed.",
            "Every token passes through all the matrices, so more tokens cost more.",
        ),
        Option(
            "Four times as much.",
            "The matrices alone would give that; attention compares all pairs of tokens and grows faster.",
        ),
        Option(
            "Sixteen times as much.",
            "Only attention itself grows with the square, and at these lengths it is the smaller part.",
        ),
        Option(
            "More than four times as much.",
            (
                "The matrices cost four times as much, and attention grows with the square of the length. So "
                "90% of the steps are made at 128."
            ),
            correct=True,
        ),
    ),
    Question(
        (
            "A pre-training log shows a loss of 0.9 after ten minutes on one CPU, with a vocabulary of "
            "30,000 pieces. What do you check first?"
        ),
        Option(
            "Whether the loss of masked words is divided by all positions instead of the chosen ones.",
            "Dividing by everything makes the loss at least six times smaller, and nothing better.",
            correct=True,
        ),
        Option(
            "Whether the batch is large enough.",
            "A small batch makes the curve noisy; it does not make a loss too good.",
        ),
        Option(
            "Nothing: a loss below 1 shows that the model is good.",
            (
                "At this stage a sound loss is near the unigram loss, several times as large. Too good is a "
                "symptom."
            ),
        ),
        Option("Whether weight decay was forgotten.", "That changes a loss by far less within ten minutes."),
    ),
]
