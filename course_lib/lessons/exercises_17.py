"""Exercises and quiz of lesson 17, BERT as a source of features."""

import math

import torch

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call


def _tensor(result):
    """Refuse what isn't a tensor of floating-point numbers."""
    if not isinstance(result, torch.Tensor):
        raise Mistake("return a tensor, not {kind}.", kind=type(result).__name__)
    return result.detach().float()


def _close(one, other):
    return one.shape == other.shape and torch.allclose(one, other, atol=1e-4)


# 17.1 -----------------------------------------------------------------------------------------------


def concat_layers(states, layers):
    """Return (words, k·H): the states (L + 1, words, H) of k layers side by side, in the order of `layers`."""
    return torch.cat([states[layer] for layer in layers], dim=-1)


def examine_concat_layers(answer):
    states = torch.arange(4 * 3 * 2).float().view(4, 3, 2)  # (L + 1, words, H)
    result = _tensor(call(answer, states.clone(), [-2, -1]))
    wanted = concat_layers(states, [-2, -1])
    if _close(result, wanted):
        other = _tensor(call(answer, states.clone(), [3, 0]))
        if not _close(other, concat_layers(states, [3, 0])):
            raise Mistake(
                "for the layers [3, 0] the result is wrong. Take the layers that are asked for, in their order; 0 is "
                "the embeddings."
            )
        return
    if result.shape == (6, 2):
        raise Mistake(
            "the shape is (6, 2): the layers stand below each other, as if there were six words. Join them along "
            "the last dimension."
        )
    if result.shape == (2, 3, 2):
        raise Mistake(
            "the shape is (2, 3, 2): the layers are picked, but not joined yet. Each word needs one long vector."
        )
    if result.shape == (3, 2):
        raise Mistake(
            "the shape is (3, 2): that's a sum or a mean. Side by side, two layers of width 2 give width 4."
        )
    if result.shape == wanted.shape:
        if _close(result, concat_layers(states, [-1, -2])):
            raise Mistake(
                "the layers are there, but in the wrong order: {layers} was asked.", layers=[-2, -1]
            )
        if _close(result, states[-2:].reshape(3, 4)):
            raise Mistake(
                "reshape alone puts two words of one layer into one row. Move the layers next to the width first, or "
                "use torch.cat(..., dim=-1)."
            )
        if _close(result, states[-2:].permute(1, 2, 0).flatten(1)):
            raise Mistake(
                "the numbers of the two layers alternate. First all numbers of one layer, then all of the next."
            )
        raise Mistake(
            "the first row is {row}; it should be {wanted}.",
            row=result[0].tolist(),
            wanted=wanted[0].tolist(),
        )
    raise Mistake("the shape is {shape}; it should be (3, 4).", shape=tuple(result.shape))


# 17.2 -----------------------------------------------------------------------------------------------


def mix_layers(states, scores, scale):
    """Return (words, H): scale times the sum of the layers (layers, words, H), weighted by softmax(scores)."""
    weights = scores.softmax(dim=0)  # (layers,)
    return scale * torch.einsum("l,lwh->wh", weights, states)


def examine_mix_layers(answer):
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(3, 4, 5, generator=generator)  # (layers, words, H)
    scores, scale = torch.tensor([1.0, -0.5, 0.2]), torch.tensor(2.0)
    result = _tensor(call(answer, states.clone(), scores.clone(), scale.clone()))
    wanted = mix_layers(states, scores, scale)
    if _close(result, wanted):
        return
    if result.shape == states.shape:
        raise Mistake("the layers are weighted, but not summed yet: the result should be (words, H).")
    if result.shape != wanted.shape:
        raise Mistake("the shape is {shape}; it should be (4, 5).", shape=tuple(result.shape))
    if _close(result, wanted / scale):
        raise Mistake("the scale is missing. It lets the mix grow or shrink as a whole.")
    if _close(result, scale * torch.einsum("l,lwh->wh", scores, states)):
        raise Mistake(
            "the scores themselves are used as weights. A softmax makes them positive, with a sum of 1."
        )
    if _close(result, scale * states.mean(dim=0)):
        raise Mistake("that's the mean: the scores play no part. It's only where the mix begins.")
    if _close(result, torch.einsum("l,lwh->wh", (scale * scores).softmax(0), states)):
        raise Mistake("the scale belongs outside of the softmax: it multiplies the sum, not the scores.")
    if _close(result, scale * torch.einsum("l,lwh->wh", torch.sigmoid(scores), states)):
        raise Mistake("a sigmoid gives each layer a weight by itself. The weights should sum to 1: softmax.")
    raise Mistake(
        "the first number is {found:.3f}; it should be {wanted:.3f}.",
        found=float(result[0, 0]),
        wanted=float(wanted[0, 0]),
    )


# 17.3 -----------------------------------------------------------------------------------------------


def low_rank_forward(hidden, weight, bias, down, up, alpha):
    """Return hidden · weightᵀ + bias + alpha/r · (hidden · downᵀ) · upᵀ; down is (r, in), up is (out, r)."""
    scale = alpha / down.shape[0]
    return hidden @ weight.T + bias + scale * (hidden @ down.T) @ up.T


def examine_low_rank_forward(answer):
    generator = torch.Generator().manual_seed(0)
    hidden, weight, bias, down, up = (
        torch.randn(*shape, generator=generator) for shape in ((5, 6), (4, 6), (4,), (2, 6), (4, 2))
    )
    given = [tensor.clone() for tensor in (hidden, weight, bias, down, up)]
    result = _tensor(call(answer, *given, 8.0))
    base, product = hidden @ weight.T + bias, hidden @ down.T @ up.T
    wanted = base + 4 * product
    if _close(result, wanted):
        return
    if result.shape != wanted.shape:
        raise Mistake("the shape is {shape}; it should be (5, 4).", shape=tuple(result.shape))
    others = {
        "base": base,
        "product": 4 * product,
        "unscaled": base + product,
        "alpha": base + 8 * product,
        "bias": wanted - bias,
        "both": hidden @ weight.T + 4 * (product + bias),
    }
    said = next((name for name, other in others.items() if _close(result, other)), None)
    if said == "base":
        raise Mistake("that's the frozen layer alone. The low-rank product is missing.")
    if said == "product":
        raise Mistake("the frozen layer is missing: the product is *added* to what it gives.")
    if said == "unscaled":
        raise Mistake("the product isn't scaled. Multiply it by alpha / r, here 8 / 2.")
    if said == "alpha":
        raise Mistake(
            "you scale by alpha. Divide it by the rank r, so that another rank needs no other rate."
        )
    if said == "bias":
        raise Mistake("the bias of the frozen layer is missing.")
    if said == "both":
        raise Mistake("the bias is scaled, too. Only the product is.")
    raise Mistake(
        "the first number is {found:.3f}; it should be {wanted:.3f}.",
        found=float(result[0, 0]),
        wanted=float(wanted[0, 0]),
    )


# 17.4 -----------------------------------------------------------------------------------------------


def merge_update(weight, down, up, alpha):
    """Return one matrix (out, in) that does the work of the weight and its low-rank update."""
    return weight + alpha / down.shape[0] * up @ down


def examine_merge_update(answer):
    generator = torch.Generator().manual_seed(1)
    weight, down, up = (
        torch.randn(*shape, generator=generator) for shape in ((6, 6), (3, 6), (6, 3))
    )  # a square weight, so that a transposed product has the right shape
    given = [tensor.clone() for tensor in (weight, down, up)]
    result, update = _tensor(call(answer, *given, 6.0)), up @ down
    if not torch.equal(given[0], weight):
        raise Mistake("your function changes the weight that it was given. Return a new matrix.")
    if _close(result, weight + 2 * update):
        return
    if result.shape != weight.shape:
        raise Mistake("the shape is {shape}; it should be (6, 6).", shape=tuple(result.shape))
    others = {
        "transposed": weight + 2 * update.T,
        "alone": 2 * update,
        "unscaled": weight + update,
        "alpha": weight + 6 * update,
        "taken away": weight - 2 * update,
        "nothing": weight,
    }
    said = next((name for name, other in others.items() if _close(result, other)), None)
    if said == "transposed":
        raise Mistake("the update is transposed. The weight is (out, in), and so is up @ down.")
    if said == "alone":
        raise Mistake("that's the update alone. Add the frozen weight.")
    if said == "unscaled":
        raise Mistake("the update isn't scaled. Multiply it by alpha / r, as in the forward pass.")
    if said == "alpha":
        raise Mistake("you scale by alpha. It's alpha / r, as in the forward pass.")
    if said == "taken away":
        raise Mistake("that takes the update away: it's how you'd undo a merge. Add it.")
    if said == "nothing":
        raise Mistake("that's the weight as it was. Nothing is merged.")
    found, wanted = float(result[0, 0]), float((weight + 2 * update)[0, 0])
    if math.isnan(found):
        raise Mistake("the result has numbers that are no numbers (NaN).")
    raise Mistake("the first number is {found:.3f}; it should be {wanted:.3f}.", found=found, wanted=wanted)


EXERCISES = [
    Exercise(
        identifier="17.1",
        title="Layers side by side",
        difficulty=1,
        minutes=5,
        examine=examine_concat_layers,
        hints=(
            "states[layer] is (words, H); negative numbers count from the last layer, as in any list.",
            "torch.cat joins tensors along a dimension that you choose.",
            "torch.cat([states[layer] for layer in layers], dim=-1)",
        ),
        solution=concat_layers,
        praise="That's the best row of the paper's table 7: four layers, one long vector a word.",
    ),
    Exercise(
        identifier="17.2",
        title="A learned mix",
        difficulty=2,
        minutes=10,
        examine=examine_mix_layers,
        hints=(
            "scores.softmax(dim=0) gives one weight a layer; they sum to 1.",
            "weights[:, None, None] * states weights each layer; then sum over the layers.",
            'Or in one line: scale * torch.einsum("l,lwh->wh", weights, states).',
        ),
        solution=mix_layers,
        praise="A handful of numbers decides which layers are heard. You'll look at them in a moment.",
    ),
    Exercise(
        identifier="17.3",
        title="A low-rank update",
        difficulty=2,
        minutes=10,
        examine=examine_low_rank_forward,
        hints=(
            "The frozen layer gives hidden @ weight.T + bias.",
            "hidden @ down.T is (…, r), and that times up.T is (…, out).",
            "Scale the product by alpha / r before you add it; r is down.shape[0].",
        ),
        solution=low_rank_forward,
        praise="That's LoRA, all of it. The rest is deciding which layers get one.",
    ),
    Exercise(
        identifier="17.4",
        title="Merge it",
        difficulty=1,
        minutes=5,
        examine=examine_merge_update,
        hints=(
            "(hidden · downᵀ) · upᵀ = hidden · (up · down)ᵀ.",
            "So the update of the weight is alpha / r · up @ down, a matrix (out, in).",
            "Add it to the weight, and return the sum.",
        ),
        solution=merge_update,
        praise="After training, nothing is left to pay: the merged model has its old shape.",
    ),
]

QUIZ = [
    Question(
        "You train ten taggers on the states of a frozen encoder. How often does the encoder read a training sentence?",
        Option("Ten times, once for each.", "The states don't depend on the tagger. They're kept."),
        Option(
            "Once; its states are kept for all.",
            "Frozen and without dropout, it would say the same thing every time.",
            correct=True,
        ),
        Option(
            "Once an epoch, for each of the ten taggers.", "That's what fine-tuning costs. Here it's saved."
        ),
        Option(
            "Never: the embeddings are looked up in a table.",
            "That's true of layer 0 alone. The blocks have to be computed.",
        ),
    ),
    Question(
        "Which features does table 7 of the paper find best for named entities?",
        Option(
            "The last four layers, put side by side.",
            "96.1 F1 on the dev part, 0.3 below full fine-tuning.",
            correct=True,
        ),
        Option("The last layer, as it is.", "94.9: a good deal below the second-to-last, 95.6."),
        Option("The embeddings, before any block.", "91.0: they know a word, but not where it stands."),
        Option(
            "The pooler's output, given to every word of a text.",
            "The pooler gives one vector a text, none for words.",
        ),
    ),
    Question(
        "You compute the cache while the encoder is in training mode. What happens?",
        Option("Nothing: frozen weights can't change.", "The weights don't change, but the states do."),
        Option(
            "The cache gets larger than it has to be.",
            "Its size depends on words, layers and width alone.",
        ),
        Option(
            "The states are noisy: dropout is on.",
            "Each reading drops other numbers, and the cache keeps one of them forever.",
            correct=True,
        ),
        Option("An error: states can't be saved in training.", "Nobody stops you. That's why it happens."),
    ),
    Question(
        "What can document context add for named entities?",
        Option("More sentences to train on.", "The sentences are the same. Each is read with its neighbors."),
        Option(
            "Other sentences can say who a name belongs to.",
            "“Leeds” is a club if the line above is about a match.",
            correct=True,
        ),
        Option(
            "Longer rows, so fewer positions are needed.",
            "Longer rows need more positions; 512 are there.",
        ),
        Option("Tags that continue from one sentence to the next one.", "Entities end with their sentence."),
    ),
    Question(
        "Why does the up matrix of LoRA begin as zeros?",
        Option("So that fewer numbers have to be stored.", "Zeros are stored like any other number."),
        Option(
            "So that the down matrix stays as it is for a few steps.",
            "That's a side effect of the first step, and not the reason.",
        ),
        Option("Because any other start makes it diverge.", "Small numbers would work, with a worse start."),
        Option(
            "So that training begins at the pre-trained model.",
            "The product is zero, so the first forward pass is the old one.",
            correct=True,
        ),
    ),
    Question(
        "LoRA trains about one percent of the parameters. Which cost falls as much?",
        Option(
            "What the optimizer keeps: gradients and averages.",
            "Twelve bytes for each trained parameter, and none for a frozen one.",
            correct=True,
        ),
        Option(
            "The time of an epoch.",
            "The forward pass is the same, and the gradient still runs through all blocks.",
        ),
        Option(
            "The activations that are kept for the backward pass.",
            "The gradient needs them in every block that has an update.",
        ),
        Option("The time to answer a question later.", "Merged, it's exactly the old time."),
    ),
    Question(
        "A linear probe does better on the mean of the words than on [CLS]. What follows?",
        Option(
            "[CLS] holds no information about the text.",
            "A linear probe finds less of it there. Fine-tuning may still use it.",
        ),
        Option(
            "Fine-tuning should use the mean as well.", "It may help. A probe of frozen states can't tell."
        ),
        Option(
            "The mean is easier to read from these frozen states.",
            "MiniLM was trained with the mean, so that says as much about its training as about [CLS].",
            correct=True,
        ),
        Option("The probe on [CLS] was trained too long.", "Logistic regression has one best solution."),
    ),
]
