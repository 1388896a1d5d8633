"""Exercises and quiz of lesson 06, pre-training."""

import math
import random
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from course_lib.lessons.answer_forms import number
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call
from course_lib.translation import Message

# 6.1 ----------------------------------------------------------------------------------------------


def learning_rate_at(step, peak, warmup_steps, total_steps):
    """Return the rate after so many updates: up from 0 to the peak, then down to 0, both linearly."""
    if step < warmup_steps:
        return peak * step / warmup_steps
    return peak * (total_steps - step) / (total_steps - warmup_steps)


def examine_learning_rate_at(answer):
    peak, warmup, total = 1e-4, 10_000, 1_000_000

    def rate(*arguments):
        return number(call(answer, *arguments), Message("the learning rate"))

    steps = (0, 2_500, 10_000, 109_000, 505_000, 1_000_000)
    result = [rate(step, peak, warmup, total) for step in steps]
    right = [learning_rate_at(step, peak, warmup, total) for step in steps]
    if not all(near_rate(one, other, peak) for one, other in zip(result, right, strict=True)):
        message = _wrong_schedule(steps, result, right, peak, warmup, total)
        raise Mistake(message)
    _examine_without_warmup(answer)
    generator = random.Random(61)
    for _ in range(30):
        warmup = generator.randint(1, 300)
        total = warmup + generator.randint(1, 3_000)
        step, peak = generator.randint(0, total), generator.choice((1e-3, 7e-4, 3e-5))
        found, reference = rate(step, peak, warmup, total), learning_rate_at(step, peak, warmup, total)
        if near_rate(found, reference, peak):
            continue
        if any(near_rate(found, round(reference, digits), peak) for digits in (4, 5, 6, 7)):
            raise Mistake(
                "you round: at step {step} the learning rate should be {reference:.4g}, but you return "
                "{found:g}. Learning rates are small, so rounding leaves little of them.",
                step=step,
                reference=reference,
                found=found,
            )
        raise Mistake(
            "with peak {peak:g}, {warmup} warm-up steps and {total} in all, at step {step} you return {found:.4g}; it "
            "should be {reference:.4g}. Does your function use all four arguments?",
            peak=peak,
            warmup=warmup,
            total=total,
            step=step,
            found=found,
            reference=reference,
        )


def near_rate(one, other, peak):
    """Tell whether two rates agree as well as numbers of 32 bits can."""
    return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-6 * peak)


def _wrong_schedule(steps, result, right, peak, warmup, total):
    """Return what is wrong with a schedule, from its rates at a few steps of the paper's run."""

    def near(one, other):
        return near_rate(one, other, peak)

    first, quarter, top, _, _, last = result
    if all(math.isclose(g, r / peak, rel_tol=1e-5, abs_tol=1e-6) for g, r in zip(result, right, strict=True)):
        return Message("you return the share of the peak. The learning rate is the peak times that share.")
    if near(quarter, peak) and near(first, peak):
        return Message(
            "there is no warm-up: the learning rate is at its peak from the first update on, when Adam's "
            "averages of the gradient aren't reliable yet."
        )
    if near(quarter, peak * 2_501 / warmup):
        return Message(
            "at step 0 you return {first:g}. Here, step counts the updates so far, so the learning rate "
            "is 0 at step 0.",
            first=first,
        )
    if near(first, 0) and near(quarter, 0) and near(top, peak):
        return Message(
            "the learning rate is 0 until the warm-up ends, and then it jumps to the peak. Did you divide with //? That drops "
            "the fraction; use /."
        )
    if math.isclose(quarter, peak * 2_500 / (warmup + 1), rel_tol=1e-7):
        return Message(
            "on the way up you divide by warmup_steps + 1. Then the learning rate is still below its peak "
            "when the warm-up ends. Divide by warmup_steps."
        )
    if near(quarter, peak / 16):
        return Message(
            "on the way up the learning rate grows with the square of the step. It should grow linearly."
        )
    if near(top, peak) and near(last, peak):
        return Message(
            "the learning rate stays at its peak. After the warm-up it falls linearly, to 0 at the last step."
        )
    if near(top, peak * (1 - warmup / total)):
        return Message(
            "at the end of the warm-up you return {top:g}, below the peak: you count the decay from step "
            "0, so the learning rate jumps. (The original code does that, too.) Count it from the end of "
            "the warm-up.",
            top=top,
        )
    if last > 1e-9 * peak:
        return Message(
            "at the last step you return {last:g}. The learning rate must reach 0 there. There are "
            "total_steps - warmup_steps updates for the way down.",
            last=last,
        )
    if last < -1e-6 * peak:
        return Message(
            "at the last step you return {last:g}: the learning rate is negative before the end.", last=last
        )
    step, value, reference = next(
        row for row in zip(steps, result, right, strict=True) if not near(row[1], row[2])
    )
    if near(first, 0) and near(top, peak) and near(last, 0) and step > warmup:
        return Message(
            "both ends of the decay are right, but at step {step:,} you return {value:g}; on a straight "
            "line it is {reference:g}.",
            step=step,
            value=value,
            reference=reference,
        )
    return Message(
        "at step {step:,} you return {value:g}; it should be {reference:g}.",
        step=step,
        value=value,
        reference=reference,
    )


def _examine_without_warmup(answer):
    """Check that a schedule without a warm-up starts at its peak."""

    def without_error(*arguments):
        try:
            return answer(*arguments)
        except (ArithmeticError, ValueError):
            return math.nan

    for step in (0, 1, 40, 100):
        found = number(call(without_error, step, 3e-4, 0, 100), Message("the learning rate"))
        if math.isnan(found) or (step == 0 and math.isinf(found)):
            raise Mistake(
                "with warmup_steps = 0 you divide by 0. First ask whether the step is on the way up; "
                "without a warm-up, no step is."
            )
        if not near_rate(found, learning_rate_at(step, 3e-4, 0, 100), 3e-4):
            raise Mistake(
                "with warmup_steps = 0 the first update has the full peak, and the learning rate falls "
                "from there. At step {step} of 100 you return {found:g}.",
                step=step,
                found=found,
            )


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


def _numbered_model():
    """Return a model whose parts have numbers for names, one of them without a bias."""
    block = nn.Sequential(nn.Linear(4, 8, bias=False), nn.GELU(), nn.Linear(8, 4), nn.LayerNorm(4))
    return nn.Sequential(nn.Embedding(7, 4), nn.LayerNorm(4), block)


def examine_decay_groups(answer):
    for make, weight_decay in ((_SmallModel, 0.01), (_numbered_model, 0.1)):
        with torch.random.fork_rng(devices=[]):
            model = make()
        before = [(p.detach().clone(), p.requires_grad) for p in model.parameters()]
        groups = _groups(call(answer, model, weight_decay))
        after = list(model.parameters())
        if len(after) != len(before) or any(
            p.requires_grad != flag or not torch.equal(p, value)
            for p, (value, flag) in zip(after, before, strict=True)
        ):
            raise Mistake("your function changes the model. Sort its parameters, but leave them as they are.")
        _examine_decays(model, groups, weight_decay)


def _examine_decays(model, groups, weight_decay):
    names = {id(p): name for name, p in model.named_parameters()}
    decays, twice = {}, []
    for parameters, decay in groups:
        for parameter in parameters:
            name = names.get(id(parameter))
            if parameter is None:
                raise Mistake(
                    "a group contains None, because the bias of a Linear without a bias is None. Put only "
                    "parameters into a group."
                )
            if name is None:
                raise Mistake(
                    "a group contains something that isn't a parameter of the model. Put the parameters "
                    "themselves into it, not names or copies."
                )
            if name in decays:
                twice.append(name)
            decays[name] = decay
    norms = {id(p) for m in model.modules() if isinstance(m, nn.LayerNorm) for p in m.parameters()}
    gains = [n for number, n in names.items() if number in norms and not n.endswith("bias")]
    biases = [n for n in names.values() if n.endswith("bias")]
    matrices = [n for n in names.values() if n not in gains and n not in biases]
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
    if all(decay == 0 for decay in decays.values()):
        raise Mistake("nothing is decayed. The matrices should get the weight decay that you're given.")
    if all(decays[name] == 0 for name in matrices) and any(decays[name] for name in biases + gains):
        raise Mistake(
            "the two groups are the wrong way around. Matrices are decayed; biases and LayerNorm aren't."
        )
    if all(decays[name] for name in gains + biases):
        raise Mistake(
            "everything is decayed, even biases and LayerNorm. That would pull LayerNorm's gains from 1 "
            "toward 0, where they don't belong."
        )
    if any(decays[name] for name in gains):
        raise Mistake(
            "the gains of LayerNorm are decayed. In this model one is called {name}: a list of names that "
            "was copied from another model doesn't match anything here, and nothing tells you. Ask for "
            "the type, nn.LayerNorm.",
            name=next(name for name in gains if decays[name]),
        )
    if any(decays[name] for name in biases):
        decayed = next(name for name in biases if decays[name])
        raise Mistake("{decayed} is decayed. No bias is, whatever layer it belongs to.", decayed=decayed)
    for name in matrices:
        if decays[name] == 0:
            raise Mistake(
                "{name} isn't decayed. Leave out only biases and LayerNorm; an embedding is a matrix, too.",
                name=name,
            )
        if not math.isclose(decays[name], weight_decay, rel_tol=1e-6):
            raise Mistake(
                "the matrices have a decay of {decay!r}; use the weight_decay that you're given, here "
                "{given}.",
                decay=decays[name],
                given=weight_decay,
            )
    if groups[0][1] == 0:
        raise Mistake("both groups are right, but in the wrong order: the decayed parameters come first.")


def _groups(given):
    """Return the (parameters, decay) of a learner's groups."""
    form = Message('return two dicts, each with "params", a list of parameters, and "weight_decay", a number')
    if isinstance(given, Iterator):
        given = list(given)
    if not isinstance(given, (list, tuple)) or not all(isinstance(group, dict) for group in given):
        raise Mistake("{form}; you return {kind}.", form=form, kind=type(given).__name__)
    if len(given) != 2:
        raise Mistake(
            "you return {count} groups. Two are enough: what is decayed, and what isn't.", count=len(given)
        )
    if not all("weight_decay" in group for group in given):
        raise Mistake("{form}; without its own weight_decay a group gets AdamW's default.", form=form)
    if any(isinstance(group.get("params"), (set, frozenset)) for group in given):
        raise Mistake(
            "a group's params is a set, and torch doesn't take sets, because their order changes from run "
            "to run. Use a list."
        )
    pairs = []
    for group in given:
        try:
            pairs.append((list(group["params"]), float(group["weight_decay"])))
        except (KeyError, TypeError, ValueError):
            raise Mistake("{form}.", form=form) from None
    return pairs


# 6.3 ----------------------------------------------------------------------------------------------


def joint_loss(hidden, word_head, labels, sentence_scores, next_sentence_labels):
    """Return the sum of both mean losses; the head of words sees the chosen positions alone."""
    chosen = labels != -100  # (B, T)
    words = word_head(hidden[chosen])  # (M, H) -> (M, V)
    word_loss = functional.cross_entropy(words, labels[chosen], reduction="sum") / max(1, len(words))
    return word_loss + functional.cross_entropy(sentence_scores, next_sentence_labels)


class _JointCase:
    """A batch for the joint loss, and a head that notes how many positions it scores."""

    def __init__(self, generator, labels, pairs, width=5, vocabulary=9):
        self.labels, self.pairs = labels, pairs
        self.hidden = torch.randn(*labels.shape, width, generator=generator)
        self.matrix = torch.randn(width, vocabulary, generator=generator)
        self.sentence_scores = 3 * torch.randn(len(pairs), 2, generator=generator)
        self.scored = []

    def word_head(self, states):
        """Score the words at the given states, and note how many there are."""
        self.scored.append(states.numel() // len(self.matrix))
        return states @ self.matrix

    def loss_and_gradients(self, answer, run=call):
        """Return the loss of an answer and its gradients at the hidden states and the scores of the pairs."""
        inputs = [self.hidden.clone().requires_grad_(), self.sentence_scores.clone().requires_grad_()]
        labels, pairs = self.labels.clone(), self.pairs.clone()
        loss = run(answer, inputs[0], self.word_head, labels, inputs[1], pairs)
        if not torch.equal(labels, self.labels) or not torch.equal(pairs, self.pairs):
            raise Mistake(
                "your function changes the labels that it gets. Work on a copy, or on the chosen ones."
            )
        value = number(loss, Message("the joint loss"))
        if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
            return value, None
        gradients = torch.autograd.grad(loss.sum(), inputs, allow_unused=True)
        return value, [
            torch.zeros_like(i) if g is None else g for i, g in zip(inputs, gradients, strict=True)
        ]


def examine_joint_loss(answer):
    generator = torch.Generator().manual_seed(6)
    labels = torch.full((4, 6), -100)
    for row, column, word in ((0, 2, 7), (0, 3, 2), (1, 1, 0), (1, 4, 3), (1, 5, 5), (3, 5, 8)):
        labels[row, column] = word
    case = _JointCase(generator, labels, torch.tensor([0, 1, 0, 0]))
    result, gradients = case.loss_and_gradients(answer)
    _examine_joint_value(result, case)
    count, scored = int((labels != -100).sum()), list(case.scored)
    if max(scored, default=0) > count:
        raise Mistake(
            "the loss is right, but word_head scored {seen} positions, and only {count} were chosen. Its "
            "cost grows with the vocabulary: take the chosen states first, hidden[labels != -100].",
            seen=max(scored),
            count=count,
        )
    if sum(scored) != count:
        raise Mistake(
            "word_head scored {seen} positions; score the {count} chosen ones with it, once.",
            seen=sum(scored),
            count=count,
        )
    if gradients is None:
        raise Mistake(
            "the number is right, but a model can't learn from it: backward() needs the tensor itself, "
            "with its graph. Leave out item(), float(), detach() and no_grad()."
        )
    _examine_no_words(answer, generator)
    for _ in range(20):
        rows, columns = (int(torch.randint(1, 6, (), generator=generator)) for _ in range(2))
        labels = torch.randint(0, 9, (rows, columns), generator=generator)
        labels[torch.rand(rows, columns, generator=generator) < 0.5] = -100
        case = _JointCase(generator, labels, torch.randint(0, 2, (rows,), generator=generator))
        (result, gradients), (reference, right) = map(case.loss_and_gradients, (answer, joint_loss))
        if not math.isclose(result, reference, rel_tol=1e-4, abs_tol=1e-5):
            raise Mistake(
                "for a batch of {rows} texts of {columns} tokens, {count} of them chosen, you return {result:.4f}; it "
                "should be {reference:.4f}.",
                rows=rows,
                columns=columns,
                count=int((labels != -100).sum()),
                result=result,
                reference=reference,
            )
        if gradients is None or not all(map(_near_gradient, gradients, right)):
            raise Mistake(
                "the loss is right, but its gradient isn't: one of the two losses is cut off from the graph, by "
                "item(), detach() or torch.tensor(…)."
            )


def _near_gradient(one, other):
    return torch.allclose(one, other, rtol=1e-3, atol=1e-5)


def _examine_no_words(answer, generator):
    """Check a batch in which no word is chosen."""
    case = _JointCase(generator, torch.full((3, 5), -100), torch.tensor([1, 0, 1]))
    pairs = functional.cross_entropy(case.sentence_scores, case.pairs).item()
    nothing, gradients = case.loss_and_gradients(answer)
    if math.isnan(nothing):
        raise Mistake(
            "with no word chosen at all, the mean over zero words isn't a number. In that case, the loss "
            "of the words is 0."
        )
    if not math.isclose(nothing, pairs, rel_tol=1e-4):
        raise Mistake(
            "with no word chosen, only the loss of the pairs is left, {pairs:.4f}, but you return "
            "{nothing:.4f}.",
            pairs=pairs,
            nothing=nothing,
        )
    if gradients is None or not gradients[1].any() or gradients[0].isnan().any():
        raise Mistake("with no word chosen, the loss of the pairs must still have its gradient.")


def _examine_joint_value(result, case):
    """Raise what a wrong loss of a batch comes from."""
    labels, pair_labels, scores = case.labels, case.pairs, case.hidden @ case.matrix  # (B, T, V)
    chosen = labels != -100
    words = functional.cross_entropy(scores[chosen], labels[chosen]).item()
    pairs = functional.cross_entropy(case.sentence_scores, pair_labels).item()
    random_pairs = pair_labels != 0
    without_first = functional.cross_entropy(
        case.sentence_scores[random_pairs], pair_labels[random_pairs]
    ).item()
    swapped = functional.cross_entropy(case.sentence_scores, 1 - pair_labels).item()
    without_id_0 = chosen & (labels != 0)
    fewer = functional.cross_entropy(scores[without_id_0], labels[without_id_0]).item()
    count, places, texts = int(chosen.sum()), labels.numel(), len(labels)
    everywhere = functional.cross_entropy(scores.flatten(0, 1), labels.clamp(min=0).flatten()).item()
    of_rows = [
        functional.cross_entropy(s[c], w[c]).item()
        for s, c, w in zip(scores, chosen, labels, strict=True)
        if c.any()
    ]
    twice = functional.cross_entropy(scores[chosen].softmax(-1), labels[chosen]).item()
    pairs_twice = functional.cross_entropy(case.sentence_scores.softmax(-1), pair_labels).item()
    bare = functional.nll_loss(scores[chosen], labels[chosen]).item()
    bare_pairs = functional.nll_loss(case.sentence_scores, pair_labels).item()
    softmax_twice = Message(
        "you apply softmax before cross_entropy, which applies it itself. Give it the scores as they are."
    )
    no_softmax = Message(
        "nll_loss expects logarithms of probabilities and got scores. Take cross_entropy, or apply log_softmax first."
    )
    for wrong, message in (
        (words, Message("that is the loss of the words alone; add the loss of the pairs.")),
        (pairs, Message("that is the loss of the pairs alone; add the loss of the words.")),
        ((words + pairs) / 2, Message("you take the mean of both losses. The paper adds them, unweighted.")),
        (words * pairs, Message("you multiply the losses. The paper adds them.")),
        (words - pairs, Message("you subtract the loss of the pairs. The paper adds both losses.")),
        (
            words * count / places + pairs,
            Message(
                "you divide the loss of the {count} chosen words by all {places} positions, so it looks "
                "{factor} times better than it is, and the next-sentence loss drowns it out. Divide by "
                "the number of chosen positions.",
                count=count,
                places=places,
                factor=places // count,
            ),
        ),
        (
            words * count / texts + pairs,
            Message(
                "you divide the losses of the words by the number of texts. Divide by the number of "
                "chosen words."
            ),
        ),
        (
            sum(of_rows) / len(of_rows) + pairs,
            Message(
                "you take each text's mean first and then the mean of those, so a word counts more in a text with few "
                "chosen ones. Take one mean over all chosen words of the batch."
            ),
        ),
        (
            words * count + pairs,
            Message(
                "you add up the losses of the words without dividing. Divide by the number of chosen words."
            ),
        ),
        (
            words * count + pairs * texts,
            Message("both losses are sums. Each is a mean: over the chosen words, and over the pairs."),
        ),
        (
            words + pairs * texts,
            Message("you add up the losses of the pairs without dividing. Divide by the number of pairs."),
        ),
        (
            (words * count + pairs * texts) / (count + texts),
            Message(
                "you divide both by the same number. Each loss has its own mean, over the chosen words "
                "and over the pairs."
            ),
        ),
        (
            words + without_first,
            Message(
                "pairs of class 0 don't count, as with ignore_index=0. In the labels of the pairs, 0 "
                "means IsNext."
            ),
        ),
        (
            words + swapped,
            Message("you flip the labels of the pairs. Column 0 of the scores is IsNext, and so is label 0."),
        ),
        (
            fewer + pairs,
            Message("a word with the id 0 doesn't count. Only -100 marks positions that weren't chosen."),
        ),
        (
            everywhere + pairs,
            Message(
                "positions that weren't chosen count as if their label were word 0. They're marked by "
                "-100, so leave them out."
            ),
        ),
        (twice + pairs, softmax_twice),
        (words + pairs_twice, softmax_twice),
        (twice + pairs_twice, softmax_twice),
        (bare + pairs, no_softmax),
        (words + bare_pairs, no_softmax),
        (bare + bare_pairs, no_softmax),
    ):
        if math.isclose(result, wrong, rel_tol=1e-4):
            raise Mistake(message)
    if math.isnan(result):
        raise Mistake(
            "the loss is not a number. Take care that labels of -100 never reach a loss that doesn't "
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


# 6.4 ----------------------------------------------------------------------------------------------


def unigram_baseline(counts, targets):
    """Return loss and accuracy of the unigram model on held-out words; 0.1 is added to each count."""
    shares = (counts + 0.1) / (counts + 0.1).sum()  # (V,)
    loss = -shares.log()[targets].mean()
    accuracy = (targets == counts.argmax()).double().mean()
    return float(loss), float(accuracy)


def _loss_and_accuracy(answer, counts, targets):
    """Return what an answer gives for counts and targets, which it must leave as they are."""
    own_counts, own_targets = counts.clone(), targets.clone()
    given = call(answer, own_counts, own_targets)
    given = given.tolist() if hasattr(given, "tolist") else given
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise Mistake("return two numbers, the loss and the accuracy.")
    if not torch.equal(own_counts, counts) or not torch.equal(own_targets, targets):
        raise Mistake(
            "your function changes the counts or the targets that it gets; += works in place. Write "
            "counts = counts + 0.1, which makes a new tensor."
        )
    return number(given[0], Message("the loss first")), number(given[1], Message("the accuracy second"))


def _near(one, other):
    return math.isclose(one, other, rel_tol=1e-4)


def examine_unigram_baseline(answer):
    counts = torch.tensor([3.0, 60.0, 25.0, 0.0, 10.0, 1.0])
    targets = torch.tensor([1, 2, 1, 4, 0, 3, 2, 2])
    loss, accuracy = _loss_and_accuracy(answer, counts, targets)
    _examine_unigram_loss(loss, accuracy, counts, targets)
    _examine_unigram_accuracy(accuracy, counts, targets)
    generator = torch.Generator().manual_seed(64)
    for attempt in range(30):
        size, length = (int(torch.randint(2, 40, (), generator=generator)) for _ in range(2))
        counts = torch.randint(0, 500, (size,), generator=generator)
        counts[torch.rand(size, generator=generator) < 0.3] = 0
        counts[int(torch.randint(0, size, (), generator=generator))] = (
            1_000  # one most frequent word, and no tie
        )
        targets = torch.randint(0, size, (length,), generator=generator)
        counts = counts.to((torch.float32, torch.float64, torch.int64)[attempt % 3])
        found, reference = _loss_and_accuracy(answer, counts, targets), unigram_baseline(counts, targets)
        for name, value, right in zip((Message("loss"), Message("accuracy")), found, reference, strict=True):
            if not math.isclose(value, right, rel_tol=1e-4, abs_tol=1e-6):
                raise Mistake(
                    "with other counts and targets ({size} words, {length} targets, counts of type {dtype}) the "
                    "{name} is {value:.4f}; it should be {right:.4f}. Compute both numbers from the arguments.",
                    size=size,
                    length=length,
                    dtype=str(counts.dtype),
                    name=name,
                    value=value,
                    right=right,
                )


def _examine_unigram_loss(loss, accuracy, counts, targets):
    reference_loss, reference_accuracy = unigram_baseline(counts, targets)
    if _near(loss, reference_accuracy) and _near(accuracy, reference_loss):
        raise Mistake("the two are swapped: the loss comes first, the accuracy second.")
    if math.isinf(loss) or math.isnan(loss):
        raise Mistake(
            "the loss is not finite: a held-out word that never occurs in the training text has a "
            "probability of 0. Add 0.1 to each count."
        )

    def loss_of(shares):
        return float(-shares.log()[targets].mean())

    shares, plain = (counts + 0.1) / (counts + 0.1).sum(), counts / counts.sum()
    held_out = (torch.bincount(targets, minlength=6) + 0.1) / (targets.numel() + 0.6)
    filled = torch.where(counts == 0, 0.1, counts)
    for wrong, message in (
        (
            -reference_loss,
            Message("the loss is negative. It should be minus the logarithm of the probability."),
        ),
        (
            reference_loss / math.log(2),
            Message("the loss is in bits. Take the natural logarithm, as cross_entropy does."),
        ),
        (
            reference_loss / math.log(10),
            Message("you take the logarithm to base 10. The loss uses the natural one, log()."),
        ),
        (reference_loss * len(targets), Message("the loss is a sum; take the mean over the targets.")),
        (math.exp(reference_loss), Message("that is the perplexity, the exponential of the loss.")),
        (
            -math.log(float(shares[targets].mean())),
            Message(
                "you average the probabilities and then take the logarithm. Take the logarithm of each first, then "
                "the mean."
            ),
        ),
        (
            float(-shares.log().mean()),
            Message(
                "you average over the vocabulary. Take the mean over the targets, a word as often as it occurs."
            ),
        ),
        (
            float(-(shares * shares.log()).sum()),
            Message(
                "that's the entropy of the training text, without any held-out word. Take the "
                "probabilities of the targets."
            ),
        ),
        (
            loss_of(held_out),
            Message(
                "the probabilities come from the held-out words themselves. A baseline knows only the "
                "training text."
            ),
        ),
        (
            loss_of((counts + 0.1) / counts.sum()),
            Message("your probabilities add up to more than 1: after adding 0.1, divide by the new sum."),
        ),
        (
            loss_of((counts + 0.1) / (counts.sum() + 0.1)),
            Message("0.1 is added to each of the V counts, so the sum grows by 0.1 times V, not by 0.1."),
        ),
        (
            loss_of((counts + 1) / (counts + 1).sum()),
            Message("you add 1 to each count; add 0.1."),
        ),
        (
            loss_of(filled / filled.sum()),
            Message("you add 0.1 only where the count is 0. Add it to each count."),
        ),
        (
            loss_of((plain + 0.1) / (plain + 0.1).sum()),
            Message("you add 0.1 to the shares. Add it to the counts, before you divide."),
        ),
        (
            float(functional.cross_entropy(counts.expand(len(targets), -1), targets)),
            Message(
                "counts aren't scores: cross_entropy would take their exponentials. Divide by the sum, then "
                "take the logarithm."
            ),
        ),
    ):
        if _near(loss, wrong):
            raise Mistake(message)
    if not _near(loss, reference_loss):
        raise Mistake(
            "the loss is {loss:.4f}; it should be {reference_loss:.4f}.",
            loss=loss,
            reference_loss=reference_loss,
        )


def _examine_unigram_accuracy(accuracy, counts, targets):
    (_, reference), shares = unigram_baseline(counts, targets), (counts + 0.1) / (counts + 0.1).sum()
    if _near(accuracy, float(shares[targets].mean())):
        raise Mistake(
            "you draw the guesses from the shares. You do better by always saying the most common word, "
            "and that's the accuracy to beat."
        )
    if _near(accuracy, 3 / 8):
        raise Mistake(
            "you guess the word that's most frequent among the held-out targets, but nobody knows that "
            "word beforehand. Take the one from the counts."
        )
    if _near(accuracy, reference * len(targets)):
        raise Mistake("the accuracy is a share from 0 to 1, not a count.")
    if _near(accuracy, reference * 100):
        raise Mistake("the accuracy is a share from 0 to 1, not a percentage.")
    if _near(accuracy, float(counts.max() / counts.sum())) or _near(accuracy, float(shares.max())):
        raise Mistake(
            "that's the share of the most common word in the training text. How often is that word right "
            "on the targets?"
        )
    if not _near(accuracy, reference):
        raise Mistake(
            "the accuracy is {accuracy:.4f}; it should be {reference:.4f}.",
            accuracy=accuracy,
            reference=reference,
        )


# 6.5 ----------------------------------------------------------------------------------------------


def training_days(parameters, tokens, peak, utilization, devices):
    """Return the days of a training run, at 6 operations for each parameter and token."""
    operations = 6 * parameters * tokens
    return operations / (peak * utilization * devices) / (24 * 60 * 60)


def examine_training_days(answer):
    arguments = (110e6, 128e9, 312e12, 0.4, 8)
    result = number(call(answer, *arguments), Message("the days"))
    reference = training_days(*arguments)

    def near(one, other):
        return math.isclose(one, other, rel_tol=1e-5)

    for factor, message in (
        (
            1 / 3,
            Message(
                "you count only the forward pass, 2 operations for each parameter and token. Training "
                "also has a backward pass, which costs twice as much, so it's 6."
            ),
        ),
        (
            2 / 3,
            Message(
                "you count only the backward pass, 4 operations for each parameter and token. With the "
                "forward pass it's 6."
            ),
        ),
        (
            1 / 6,
            Message(
                "you count one operation for each parameter and token. A product and a sum are 2, and with "
                "the backward pass it's 6."
            ),
        ),
        (
            1 / 2,
            Message(
                "you count 3 operations for each parameter and token, which are the products. The sums "
                "count as well, so it's 6."
            ),
        ),
        (24, Message("those are hours; a day has 24.")),
        (86_400, Message("those are seconds; a day has 86,400.")),
        (1_440, Message("those are minutes; a day has 1,440.")),
        (1 / 7, Message("those are weeks; return days.")),
        (1 / reference**2, Message("you divide the wrong way around. Divide the operations by the speed.")),
        (0.4, Message("you take the whole peak. No device reaches it: multiply it by the utilization.")),
        (
            0.16,
            Message(
                "with a lower utilization your run gets shorter. A device that reaches only 40% of its "
                "peak takes longer, because its speed is the peak times the utilization."
            ),
        ),
        (8, Message("you count one device. Eight devices share the work.")),
        (64, Message("more devices make your run longer. They share the work: divide by their number.")),
    ):
        if near(result, factor * reference):
            raise Mistake(message)
    if not near(result, reference) and any(result == round(reference, digits) for digits in range(5)):
        raise Mistake(
            "you round: it should be {reference:.6g}. Round only when you print, or nothing is left of a "
            "run of a few minutes.",
            reference=reference,
        )
    if not near(result, reference):
        raise Mistake(
            "for BERT-base on 8 devices you return {result:.6g} days; it should be {reference:.6g}.",
            result=result,
            reference=reference,
        )
    generator = random.Random(65)
    for _ in range(30):
        more = (
            generator.uniform(1e6, 1e11),
            generator.uniform(1e6, 1e12),
            generator.uniform(1e10, 1e15),
            generator.uniform(0.05, 1.0),
            generator.randint(1, 1024),
        )
        found, right = number(call(answer, *more), Message("the days")), training_days(*more)
        if not near(found, right):
            raise Mistake(
                "with other arguments you return {found:.6g} days instead of {right:.6g}. Use all five arguments, and "
                "no numbers of your own; and don't round.",
                found=found,
                right=right,
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
                "There are two straight lines: from 0 up to the peak, and from the peak down to 0. Which "
                "one is the step on?"
            ),
            "On the way up, the share of the peak is step / warmup_steps.",
            (
                "On the way down, total_steps - step of the total_steps - warmup_steps updates are left. "
                "The share of the peak is their quotient."
            ),
        ),
        solution=learning_rate_at,
        praise="Your schedule reaches its peak exactly at the end of the warm-up, and 0 at the last step.",
    ),
    Exercise(
        identifier="6.2",
        title="What is decayed, and what is not",
        difficulty=2,
        minutes=15,
        examine=examine_decay_groups,
        hints=(
            (
                "Don't rely on the names of parameters alone: every library calls its LayerNorm something else. Its "
                "type is always nn.LayerNorm."
            ),
            (
                "Walk through model.modules(). module.named_parameters(recurse=False) gives the module's own "
                "parameters, such as weight and bias."
            ),
            (
                "Collect the parameters of each nn.LayerNorm and all that are called bias. Everything "
                "else in model.parameters() is decayed. Compare by id(): == compares the numbers in a "
                "tensor."
            ),
        ),
        solution=decay_groups,
        praise=(
            "Matrices and embeddings are decayed, biases and LayerNorm aren't, and every parameter is in exactly "
            "one group."
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
        praise="Each task has its own denominator, and the expensive head sees only 15% of the positions.",
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
            "That's what a model reaches without looking at the context. Anything better comes from the context."
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
                "Each token meets each parameter in one product and one sum: 2 operations. The backward pass costs "
                "twice the forward pass."
            ),
            "The run takes 6 * parameters * tokens operations. What does the machine do in a second?",
            "peak * utilization * devices operations a second; a day has 24 * 60 * 60 seconds.",
        ),
        solution=training_days,
        praise=("With one line of arithmetic, you can now tell whether you can afford a run."),
    ),
]

QUIZ = [
    Question(
        "Why must the pre-training corpus consist of whole documents?",
        Option(
            "A document has one source, so its license can be checked.",
            "Checking it is good practice, but it isn't why the paper asks for documents.",
        ),
        Option(
            "Shuffled sentences hold fewer different words than documents.",
            "They hold exactly the same words. What is lost is what came next.",
        ),
        Option(
            "Only there do you find long passages and real next sentences.",
            "Section 3.1 asks for a document-level corpus for this reason.",
            correct=True,
        ),
        Option(
            "WordPiece learns its vocabulary from paragraphs, not from sentences.",
            "WordPiece counts words, and their order doesn't matter to it.",
        ),
    ),
    Question(
        (
            "The held-out loss of masked words falls to the unigram loss and stays exactly there. The "
            "accuracy is that of the most frequent word. What has the model learned so far?"
        ),
        Option(
            "Nothing: a model that learns anything leaves this loss at once.",
            "It has learned the frequencies: before that, the loss is the logarithm of the vocabulary's size.",
        ),
        Option(
            "Which words are frequent, and nothing from around the gaps.",
            (
                "The unigram loss is exactly what word frequencies give. A loss below it, or a higher "
                "accuracy, would show that the context is used."
            ),
            correct=True,
        ),
        Option(
            "The order of the words, but not yet what any of them means.",
            "The order is context as well, and a model that uses context gets below the unigram loss.",
        ),
        Option(
            "The next-sentence task, because pairs are always learned before words.",
            "The loss of masked words says nothing about pairs, and this lesson's runs have no such order.",
        ),
    ),
    Question(
        "Why does the learning rate warm up?",
        Option(
            "Adam's running means rest on only a few batches at first.",
            (
                "A large step in a badly known direction can spoil the weights. So steps stay small until the "
                "means are reliable."
            ),
            correct=True,
        ),
        Option(
            "The first batches would otherwise be learned by heart.",
            "One batch changes little at any usual learning rate, so there's nothing to prevent.",
        ),
        Option(
            "Small steps are cheaper while the weights are still random.",
            "An update costs the same at any learning rate.",
        ),
        Option(
            "Weight decay has to stay off until the weights have grown.",
            "Weight decay works from the first step on; with AdamW, it's scaled by the learning rate.",
        ),
    ),
    Question(
        "You keep the number of sequences in a step and make each four times as long. What does the step cost now?",
        Option(
            "As much as before: it's one step with as many sequences.",
            "Every token passes through all the matrices, so more tokens cost more.",
        ),
        Option(
            "Four times as much, because there are four times as many tokens.",
            "The matrices alone would give that; attention compares all pairs of tokens and adds to it.",
        ),
        Option(
            "Sixteen times as much, because attention grows with the square.",
            "Only attention itself grows that fast, and at these lengths it's the smaller part.",
        ),
        Option(
            "More than four times as much, but far less than sixteen times.",
            (
                "The matrices cost four times as much, and attention, the smaller part, sixteen times. That's why "
                "90% of the paper's steps are made at 128."
            ),
            correct=True,
        ),
    ),
    Question(
        (
            "A run has read its 600,000 tokens fifty times. Its training loss still falls; the held-out loss hasn't "
            "moved for a long time. What helps most?"
        ),
        Option(
            "More updates, since a loss that still falls isn't finished.",
            "It falls on the training text alone: more updates are more learning by heart.",
        ),
        Option(
            "More text, since the model has begun to memorize this one.",
            "What the model hasn't read is what the held-out loss asks for, and it has read this text fifty times.",
            correct=True,
        ),
        Option(
            "A larger batch, since a steadier gradient finds a lower loss.",
            "The training loss falls without trouble, so the gradient isn't what is missing.",
        ),
        Option(
            "A longer warm-up, since the first steps decide where it ends.",
            "A warm-up protects the first steps. This run got through those long ago.",
        ),
    ),
    Question(
        (
            "A model passes 98% of the agreement probes. With another noun in between it passes 20%, where blind "
            "choice passes 50%. What does that say?"
        ),
        Option(
            "It knows the rule, and forgets the noun over a longer distance.",
            "A model that had forgotten the noun would have to guess, and guessing gives 50%, not 20%.",
        ),
        Option(
            "It guesses both times, and has been lucky the first time.",
            "98 right guesses of 100 don't happen, and 20% isn't guessing either: it's worse.",
        ),
        Option(
            "It follows the nearest noun, which is the wrong one there.",
            "A score far below chance comes from a wrong rule: the nearest noun always has the other number there.",
            correct=True,
        ),
        Option(
            "It can't tell yet which of the nouns are in the plural.",
            "Then it would fail the first kind of probe too, where the noun is right before the gap.",
        ),
    ),
    Question(
        (
            "A step is shared by two devices. One has 60 chosen words with a mean loss of 4, the other 20 with a mean "
            "loss of 2. What is the loss of the step?"
        ),
        Option(
            "3.5: the 80 words have 240 + 40 between them.",
            "Every chosen word counts the same, so sums are added and divided by the count of the whole step.",
            correct=True,
        ),
        Option(
            "3.0: it's the mean of the two devices' means.",
            "Then a word on the second device would count three times as much as one on the first.",
        ),
        Option(
            "6.0: the losses of the devices are added up.",
            "Then the loss would grow with the number of devices; a mean doesn't.",
        ),
        Option(
            "2.5: the device with fewer words counts more.",
            "It's the other way around: more words weigh more.",
        ),
    ),
]
