"""Exercises and quiz of lesson 14, Regularization and augmentation."""

import math
import random

import torch
from torch.nn.functional import cross_entropy, kl_div

from course_lib.lessons.answer_forms import number
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, describe
from course_lib.translation import Message

# 14.1 -----------------------------------------------------------------------------------------------


def layer_rates(rate, blocks, decay):
    """Return the learning rates of the embeddings, of each block from the lowest to the highest, and of the head."""
    return [rate * decay ** (blocks + 1 - depth) for depth in range(blocks + 2)]


def examine_layer_rates(answer):
    values, wanted = _rates(call(answer, 1e-3, 3, 0.5)), layer_rates(1e-3, 3, 0.5)
    if _same_rates(values, wanted):
        _examine_other_rates(answer)
        return
    if _same_rates(values, wanted[::-1]):
        raise Mistake(
            "that's the wrong way round: the head is new and learns fast, the embeddings come last. List the embeddings "
            "first."
        )
    if _same_rates(values, [1e-3 * 0.5**depth for depth in range(5)][::-1][1:] + [1e-3 / 0.5]):
        raise Mistake("your head learns faster than `rate`. `rate` is the head's.")
    if _same_rates(values, [rate * 2 for rate in wanted[:-1]] + wanted[-1:]):
        raise Mistake(
            "your highest block has the head's rate. Each step down is one factor, the first step too."
        )
    if _same_rates(values, [rate / 2 for rate in wanted]):
        raise Mistake("every rate has one factor too many. The head, at the top, learns with `rate` itself.")
    if (
        _same_rates(values, wanted[1:])
        or _same_rates(values, wanted[1:-1])
        or _same_rates(values, wanted[:-1])
    ):
        raise Mistake(
            "for 3 blocks you return {count} rates. There are blocks + 2 of them: the embeddings are below the blocks, "
            "and the head above.",
            count=len(values),
        )
    if _same_rates(values, [1e-3 * (1 - 0.5 * (4 - depth) / 4) for depth in range(5)]):
        raise Mistake("your rates fall by the same amount. Each step down multiplies by `decay`.")
    if _same_rates(values, [1e-3 * (0.5 if depth < 4 else 1) for depth in range(5)]):
        raise Mistake("all of the body has the same rate. Each step down multiplies by `decay` once more.")
    if len(values) != 5:
        raise Mistake("for 3 blocks you return {count} rates; it should be 5.", count=len(values))
    raise Mistake(
        "from 1e-3 with 3 blocks and decay=0.5 you return {values}; it should be {wanted}.",
        values=[f"{value:.6g}" for value in values],
        wanted=[f"{value:.6g}" for value in wanted],
    )


def _rates(result) -> list[float]:
    try:
        items = list(result)
    except Exception:
        raise Mistake("return a list of rates; you return {kind}.", kind=describe(result)) from None
    return [number(item, Message("each rate")) for item in items]


def _same_rates(values, wanted) -> bool:
    return len(values) == len(wanted) and all(
        math.isclose(value, other, rel_tol=1e-6) for value, other in zip(values, wanted, strict=True)
    )


def _examine_other_rates(answer):
    for case in ((2e-4, 6, 0.9), (5e-5, 12, 0.8)):
        if not _same_rates(_rates(call(answer, *case)), layer_rates(*case)):
            raise Mistake(
                "for {rate:g}, {blocks} blocks and decay={decay} the rates aren't right. Are all arguments used?",
                rate=case[0],
                blocks=case[1],
                decay=case[2],
            )
    if not _same_rates(_rates(call(answer, 1e-3, 2, 1.0)), [1e-3] * 4):
        raise Mistake("with decay=1 all rates are the same.")


# 14.2 -----------------------------------------------------------------------------------------------


def r_drop_loss(first, second, labels, weight):
    """Return the loss of two passes (B, C): both cross entropies, and `weight` times the symmetric KL divergence."""
    p, q = first.log_softmax(-1), second.log_softmax(-1)  # (B, C) each
    apart = kl_div(q, p, reduction="batchmean", log_target=True) + kl_div(
        p, q, reduction="batchmean", log_target=True
    )
    return cross_entropy(first, labels) + cross_entropy(second, labels) + weight * apart / 2


def _passes():
    first = torch.tensor([[2.0, -1.0, 0.3], [0.1, 0.4, -0.2], [-1.0, 1.5, 0.5], [0.7, 0.2, 1.1]])  # (B, C)
    second = torch.tensor([[0.6, 0.5, -0.4], [1.2, -0.8, 0.1], [-0.3, 2.1, -0.9], [0.2, 0.9, 0.4]])
    return first.requires_grad_(), second.requires_grad_(), torch.tensor([0, 1, 1, 2])


def examine_r_drop_loss(answer):
    first, second, labels = _passes()
    result = call(answer, first, second, labels, 2.0)
    value, wanted = number(result, Message("the loss")), r_drop_loss(first, second, labels, 2.0).item()
    if not _near(value, wanted):
        _name_wrong_loss(value, *(tensor.detach() for tensor in (first, second, labels)))
        raise Mistake("you return {value:.4f}; it should be {wanted:.4f}.", value=value, wanted=wanted)
    _examine_gradients(result, first, second, labels)
    plain = number(call(answer, first, second, labels, 0.0), Message("the loss"))
    if not _near(plain, r_drop_loss(first, second, labels, 0.0).item()):
        raise Mistake("with weight=0 you return {value:.4f}. Is `weight` used?", value=plain)


def _name_wrong_loss(value, first, second, labels):
    p, q = first.log_softmax(-1), second.log_softmax(-1)
    both = cross_entropy(first, labels) + cross_entropy(second, labels)
    one_way = kl_div(q, p, reduction="batchmean", log_target=True)  # KL(p || q)
    other_way = kl_div(p, q, reduction="batchmean", log_target=True)
    apart = (one_way + other_way) / 2
    rows, classes = first.shape
    cases = [
        ((both, both / 2), Mistake("the two passes are never compared: the KL divergence is missing.")),
        (
            (both + 2 * one_way, both + 2 * other_way),
            Mistake("that's the divergence in one direction. Take both directions, and half of their sum."),
        ),
        ((both + 4 * apart,), Mistake("you add both directions. Take half of their sum.")),
        (
            (both - 2 * apart,),
            Mistake("you subtract the divergence, so the passes are driven apart. Add it."),
        ),
        (
            (cross_entropy(first, labels) + 2 * apart, cross_entropy(second, labels) + 2 * apart),
            Mistake("only one of the passes learns from the labels. Add both cross entropies."),
        ),
        (
            (both / 2 + 2 * apart,),
            Mistake(
                "you take the mean of the cross entropies. The paper adds them, and `weight` counts beside the sum."
            ),
        ),
        (
            (both + 2 * apart / classes,),
            Mistake(
                'your divergence is a mean over the classes, too: `reduction="mean"` divides by rows × classes. Sum over '
                "the classes, and take the mean over the rows (batchmean)."
            ),
        ),
        (
            (both + 2 * apart * rows,),
            Mistake("your divergence is the sum over the rows. Take their mean, as the cross entropy does."),
        ),
        ((both + apart,), Mistake("the divergence isn't multiplied by `weight`.")),
        (
            (
                both
                + (
                    kl_div(p.exp(), q.exp(), reduction="batchmean")
                    + kl_div(q.exp(), p.exp(), reduction="batchmean")
                ),
            ),
            Mistake("kl_div wants its first argument as log probabilities: log_softmax, and not softmax."),
        ),
    ]
    for values, mistake in cases:
        if any(_near(value, candidate.item()) for candidate in values):
            raise mistake


def _examine_gradients(result, first, second, labels):
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        raise Mistake(
            "nothing can be learned from your loss: it has no gradient. Return a tensor, without .item()."
        )
    found = torch.autograd.grad(result, (first, second), allow_unused=True)
    wanted = torch.autograd.grad(r_drop_loss(first, second, labels, 2.0), (first, second))
    if any(f is None or not _close(f, w) for f, w in zip(found, wanted, strict=True)):
        raise Mistake(
            "the value is right, and the gradient isn't: one of the passes is cut off (detach or no_grad). Both passes "
            "should come to meet."
        )


def _near(value: float, wanted: float) -> bool:
    return math.isclose(value, wanted, rel_tol=1e-4, abs_tol=1e-5)


# 14.3 -----------------------------------------------------------------------------------------------


def delete_words(words, share, draw):
    """Return the words without some of them: each goes with probability `share`, and one always stays."""
    left = [word for word in words if draw.random() >= share]
    return left or words[:1]


def examine_delete_words(answer):
    words = [f"w{place}" for place in range(40)]
    results = [_left(answer, words, 0.25, seed) for seed in range(60)]
    for result in results:
        if not set(result) <= set(words) or len(set(result)) < len(result):
            raise Mistake("you return words that aren't in the text, or more often. Only leave words out.")
        if result != sorted(result, key=words.index):
            raise Mistake("your words are in another order. Leave words out, and keep the order of the rest.")
    again = _left(answer, words, 0.25, 0)
    if again != results[0]:
        raise Mistake(
            "two draws with the same seed give two results. Take every random number from `draw`, such as "
            "draw.random(); another generator can't be repeated."
        )
    _examine_how_many(results, len(words))
    _examine_repeated_words(answer)
    _examine_what_is_left(answer)


def _left(answer, words, share, seed) -> list[str]:
    given = list(words)
    result = _words(call(answer, given, share, random.Random(seed)))
    if given != list(words):
        raise Mistake(
            "your function changes the list it's given, and the text is needed again for the next copy. Build a new list."
        )
    return result


def _words(result) -> list[str]:
    if isinstance(result, str):
        raise Mistake("return a list of words, and not a text.")
    try:
        items = list(result)
    except Exception:
        raise Mistake("return a list of words; you return {kind}.", kind=describe(result)) from None
    if not all(isinstance(item, str) for item in items):
        raise Mistake("return a list of words. Is what you return the words, or where they are?")
    return items


def _examine_how_many(results, length):
    counts = [length - len(result) for result in results]  # words that are gone, of each draw
    share = sum(counts) / (length * len(counts))
    if abs(share - 0.75) < 0.05:
        raise Mistake("with share=0.25 you delete three in four. `share` is what goes, and the rest stays.")
    if not any(counts):
        raise Mistake("you delete nothing at all.")
    if len(set(counts)) == 1:
        raise Mistake(
            "you delete exactly {count} words each time. Each word has its own draw, so their number varies.",
            count=counts[0],
        )
    if abs(share - 0.25) > 0.05:  # more than five standard deviations of 2,400 draws
        raise Mistake("with share=0.25 you delete {share:.0%} of the words.", share=share)


def _examine_repeated_words(answer):
    same = ["so"] * 8
    counts = {len(_left(answer, same, 0.5, seed)) for seed in range(40)}
    if counts <= {1, 8}:
        raise Mistake(
            'of ["so"] * 8 you keep all or one. A word that occurs several times has a draw at each place: don\'t look '
            "words up by what they say."
        )


def _examine_what_is_left(answer):
    for words in (["not", "bad", "at", "all"], ["fine"]):
        result = _left(answer, words, 1.0, 0)
        if not result:
            raise Mistake(
                "with share=1 nothing is left of the text, and a row without words has nothing to learn from. Keep one."
            )
        if len(result) > 1:
            raise Mistake(
                "with share=1 you keep {count} words. Each one goes; then one of them stays, so that there is a text.",
                count=len(result),
            )
    words = ["not", "bad"]
    if _left(answer, words, 0.0, 0) != words:
        raise Mistake("with share=0 all words stay.")


# 14.4 -----------------------------------------------------------------------------------------------


def attack(weight, radius):
    """Move a weight in place by `radius` along its gradient, and return a copy of what it was."""
    before = weight.detach().clone()  # (V, H)
    length = weight.grad.norm()
    if length > 0:
        with torch.no_grad():
            weight += radius * weight.grad / length
    return before


def _embedding(gradient=None):
    draw = torch.Generator().manual_seed(14)
    weight = torch.nn.Parameter(torch.randn(6, 4, generator=draw))  # (V, H)
    weight.grad = torch.randn(6, 4, generator=draw) if gradient is None else gradient
    weight.grad[2] = 0  # a word that isn't in the batch
    return weight


def examine_attack(answer):
    weight = _embedding()
    original, gradient = weight.detach().clone(), weight.grad.clone()
    result = call(answer, weight, 0.5)
    if not isinstance(result, torch.Tensor) or result.shape != original.shape:
        raise Mistake(
            "return a copy of the weight as it was, of shape (6, 4); you return {kind}.",
            kind=describe(result),
        )
    moved = weight.detach() - original
    if not weight.grad.equal(gradient):
        raise Mistake("you change the gradient. The update that follows needs it as it is.")
    if not moved.any():
        if _close(result.detach() - original, 0.5 * gradient / gradient.norm()):
            raise Mistake(
                "the weight is where it was: you return a moved one instead. Move the weight in place, so that the "
                "next pass reads it, and return what it was."
            )
        raise Mistake(
            "the weight is where it was. `weight + …` makes a new tensor: move it in place, with torch.no_grad() and +=."
        )
    _examine_direction(moved, gradient)
    if result.data_ptr() == weight.data_ptr() or result.detach().equal(weight.detach()):
        raise Mistake(
            "what you return has moved, too: it's the same memory under a second name. Only a clone made before "
            "the move can bring the weight back."
        )
    if not result.detach().equal(original):
        raise Mistake(
            "what you return isn't the weight as it was. Undoing the move must give it bit for bit."
        )
    _examine_no_gradient(answer)


def _examine_direction(moved, gradient):
    wanted = 0.5 * gradient / gradient.norm()
    if _close(moved, wanted):
        return
    if _close(moved, -wanted):
        raise Mistake("you go downhill. An attack makes the loss larger: along the gradient.")
    if _close(moved, 0.5 * gradient.sign()):
        raise Mistake(
            "that's the sign of the gradient: FGSM, for pixels. Keep the direction and divide by its length."
        )
    if _close(moved, 0.5 * gradient):
        raise Mistake(
            "you don't divide by the length, so a small gradient is a small attack. The length is `radius`."
        )
    rows = gradient.norm(dim=1, keepdim=True)
    if _close(moved, 0.5 * gradient / rows.clamp(min=1e-30)) or moved.isnan().any():
        raise Mistake(
            "each row has a length of its own, so a word that hardly matters moves as far as any other, and one that "
            "isn't in the batch divides 0 by 0. Take one length for the whole gradient."
        )
    if _close(moved, 0.5 * gradient / gradient.norm() ** 2):
        raise Mistake("you divide by the squared length. Take the root: gradient.norm().")
    if _close(moved, 0.5 * gradient / gradient.abs().max()):
        raise Mistake("you divide by the largest entry. Divide by the length, gradient.norm().")
    raise Mistake(
        "the weight has moved by {length:.3f} in all; with radius=0.5 it should be 0.500, along the gradient.",
        length=moved.norm().item(),
    )


def _examine_no_gradient(answer):
    weight = _embedding(torch.zeros(6, 4))
    original = weight.detach().clone()
    call(answer, weight, 0.5)
    if weight.isnan().any():
        raise Mistake("with a gradient of 0 the weight becomes NaN: 0 divided by 0. Don't move it then.")
    if not weight.detach().equal(original):
        raise Mistake("with a gradient of 0 there's no direction, so the weight shouldn't move.")


def _close(values, wanted) -> bool:
    return torch.allclose(values, wanted, rtol=1e-3, atol=1e-5)


EXERCISES = [
    Exercise(
        identifier="14.1",
        title="A learning rate for each layer",
        difficulty=1,
        minutes=5,
        examine=examine_layer_rates,
        hints=(
            "There are blocks + 2 rates: embeddings, blocks, head.",
            "The head has `rate`; the highest block has rate * decay.",
            "[rate * decay ** (blocks + 1 - depth) for depth in range(blocks + 2)]",
        ),
        solution=layer_rates,
        praise="The head runs, and what was learned in pre-training walks.",
    ),
    Exercise(
        identifier="14.2",
        title="Two passes, one answer",
        difficulty=3,
        minutes=15,
        examine=examine_r_drop_loss,
        hints=(
            "Begin with the sum of cross_entropy(first, labels) and cross_entropy(second, labels).",
            "p, q = first.log_softmax(-1), second.log_softmax(-1); kl_div(q, p, reduction='batchmean', log_target=True) "
            "is KL(p‖q).",
            "Add KL(q‖p), take half of the sum, and multiply it by weight.",
        ),
        solution=r_drop_loss,
        praise="Symmetric, with a gradient to both passes, and one mean over the rows.",
    ),
    Exercise(
        identifier="14.3",
        title="Leave words out",
        difficulty=1,
        minutes=5,
        examine=examine_delete_words,
        hints=(
            "Give each word its own draw: it stays if draw.random() >= share.",
            "A list comprehension over the words keeps their order, and doesn't care about repeated words.",
            "If nothing is left, return words[:1]: `return left or words[:1]`.",
        ),
        solution=delete_words,
        praise="Repeatable, in order, and never an empty row. Now ask whether the label survived.",
    ),
    Exercise(
        identifier="14.4",
        title="Attack, and a way back",
        difficulty=2,
        minutes=10,
        examine=examine_attack,
        hints=(
            "Before anything moves: before = weight.detach().clone().",
            "The direction is weight.grad / weight.grad.norm(); a length of 0 has no direction.",
            "with torch.no_grad(): weight += radius * weight.grad / length. Then return before.",
        ),
        solution=attack,
        praise="Uphill by exactly the radius, and the way back is bit for bit.",
    ),
]

QUIZ = [
    Question(
        "The training loss goes to 0, the validation loss rises, and the validation accuracy stays. What's going on?",
        Option(
            "The learning rate is too low to leave the valley.",
            "The training loss has reached 0, so the model got where it wanted to go.",
        ),
        Option(
            "The model gets surer, and it's just as sure where it's wrong.",
            "Accuracy counts answers; the loss also counts how sure a wrong answer is.",
            correct=True,
        ),
        Option(
            "The validation part is easier than the training part, so its loss can't be compared.",
            "An easier part would have a lower loss, and this one rises.",
        ),
        Option(
            "Nothing: accuracy is what counts, and it doesn't fall.",
            "It matters as soon as someone acts on the model's confidence.",
        ),
    ),
    Question(
        "You raise `hidden_dropout_prob` to 0.3, and hardly anything changes. What should you look at first?",
        Option(
            "At the dropout of the attention weights, which has a switch of its own.",
            "It's `attention_probs_dropout_prob`. Raise both, or say that you raise one.",
            correct=True,
        ),
        Option(
            "At the seed, which decides which values are dropped.",
            "Another seed drops other values, but as many of them.",
        ),
        Option("At `model.eval()`, which must be called first.", "That turns all dropout off."),
        Option(
            "At the weight decay: dropout and decay cancel each other, so one of them has to be 0.",
            "They're independent, and many recipes use both.",
        ),
    ),
    Question(
        "R-Drop reads each batch twice. What happens with all dropout at 0?",
        Option(
            "The two passes differ only by rounding, and the divergence pulls as strongly as before.",
            "A divergence of about 0 pulls at nothing.",
        ),
        Option(
            "Training stops with an error, since the divergence of equal answers isn't defined.",
            "It's defined, and it's 0.",
        ),
        Option("It works better, since noise is gone.", "The noise is what makes the passes differ."),
        Option(
            "Both passes say the same, so the divergence is 0, and you pay double for plain training.",
            "That's why a test should make sure that the two passes differ.",
            correct=True,
        ),
    ),
    Question(
        "Why must FGM put the embeddings back before the optimizer's step?",
        Option(
            "Because the optimizer can't change a weight that has moved.",
            "It can, and that's the trouble: it would start from the attacked weights.",
        ),
        Option(
            "Because the gradient of the attack would be lost otherwise, and with it the second pass.",
            "Gradients are in .grad, and moving a weight doesn't touch them.",
        ),
        Option(
            "Otherwise each attack stays in the weights, and they add up.",
            "The model is to be trained against the attack, and not to be damaged by it.",
            correct=True,
        ),
        Option(
            "It's only to save memory: a second table is large.",
            "The copy costs memory, in fact. Nothing is saved by putting it back.",
        ),
    ),
    Question(
        "Which edit of “not bad at all” is the most dangerous for a classifier of reviews?",
        Option("Swapping the last two words.", "It reads oddly, but it still says the same."),
        Option(
            "Replacing “bad” by “awful”, a word of the same meaning and a little stronger.",
            "“Not awful at all” is still praise.",
        ),
        Option(
            "Adding “film” at the end, a word that is in most of the other reviews as well.",
            "It says nothing about the verdict.",
        ),
        Option(
            "Leaving out “not”.",
            "The text now says the opposite, and the label still says “positive”.",
            correct=True,
        ),
    ),
    Question(
        "A run with mixup has 84% on validation, one without it has 82%. What do you report?",
        Option(
            "That mixup is worth two points.",
            "Another seed without it may be two points better as well.",
        ),
        Option(
            "Nothing yet: first, several seeds of both, and the interval of the paired difference.",
            "On small data, seeds alone differ by as much as that.",
            correct=True,
        ),
        Option(
            "That mixup does no harm.",
            "You don't know that either: one run can be lucky in both directions.",
        ),
        Option(
            "The best of several seeds of each, so that luck is on both sides.",
            "The best of several is luck by design, and more so where runs differ more.",
        ),
    ),
    Question(
        "An ensemble of five has the best accuracy of the table. What's its price?",
        Option(
            "Five times the training, and five times the computing for every answer.",
            "Training is paid once. Answers are paid for as long as the model is in use.",
            correct=True,
        ),
        Option(
            "Five times the training; answers cost the same.",
            "Each member has to read the text, so an answer costs five times as much.",
        ),
        Option("Nothing, if the five runs are there already.", "The answers still cost five times as much."),
        Option(
            "Calibration: averages of probabilities are always less honest than what one model says.",
            "Usually they're more honest, since the members disagree where they aren't sure.",
        ),
    ),
]
