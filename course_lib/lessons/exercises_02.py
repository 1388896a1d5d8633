"""Exercises and quiz of lesson 02, the Transformer encoder."""

import math
import random
from functools import lru_cache
from itertools import product

import torch
from torch.nn import functional

from course_lib.bert.configuration import BertConfiguration
from course_lib.lessons.answer_forms import as_number, changed_argument
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, describe
from course_lib.translation import Message


def tensor_of_shape(result, shape):
    """Return what a learner's function gave if it is a tensor of that shape; say what it is if not."""
    if not isinstance(result, torch.Tensor):
        raise Mistake(
            "return a tensor of shape {shape}; you return {kind}.",
            shape=tuple(shape),
            kind=type(result).__name__,
        )
    if result.shape != shape:
        raise Mistake(
            "the shape should be {shape}; yours is {result}.",
            shape=tuple(shape),
            result=tuple(result.shape),
        )
    if not result.isfinite().all():
        raise Mistake(
            "the result holds NaN or infinity. Look for 0 times infinity, or for the root of a negative "
            "number. Hide scores with a large negative number, and never multiply by -inf."
        )
    return result


def same(result, reference, tolerance=1e-5, relative=0.0):
    """Tell whether two tensors are equal to within rounding."""
    return torch.allclose(result.detach().float(), reference.float(), rtol=relative, atol=tolerance)


# 2.1 ----------------------------------------------------------------------------------------------


def attend(query, key, value, attention_mask):
    """Return two tensors: the context (B, A, T, D) and the attention weights (B, A, T, T)."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (B, A, T, T)
    padding = attention_mask[:, None, None, :] == 0  # (B, 1, 1, T): the same keys for every query
    scores = scores.masked_fill(padding, torch.finfo(scores.dtype).min)
    weights = scores.softmax(dim=-1)
    return weights @ value, weights


ATTENTION_SIZES = (
    (2, 3, 5, 8),
    (1, 1, 4, 16),
    (3, 2, 7, 4),
)  # (B, A, T, D) of what attention is examined with
AXIS = Message(
    "the softmax runs over the wrong axis: each query's row must sum to 1. That's the last axis, the "
    "keys: softmax(dim=-1)."
)


def _scale_messages(D):
    """Return what to say about each wrong divisor of the scores of heads of width D."""
    return {
        "": "",
        "none": Message(
            "the scores aren't divided by anything. Divide them by the square root of the width of one "
            "head, or the softmax saturates."
        ),
        "d_model": Message(
            "you divide by the square root of H (d_model), the width of all heads together. A score is a "
            "sum over one head's {D} numbers: divide by the square root of {D}.",
            D=D,
        ),
        "D": Message(
            "you divide by {D}; divide by its square root. The standard deviation of a score grows with "
            "the root of the width, not with the width.",
            D=D,
        ),
        "length": Message(
            "you divide by the square root of the sequence length. A score is a sum over the {D} numbers "
            "of one head, so the number of tokens doesn't matter.",
            D=D,
        ),
        "fixed": Message(
            "you divide by the square root of 32, the D of the lesson's model, but these heads have width {D}. "
            "Take it from the data: query.shape[-1].",
            D=D,
        ),
    }


MASKINGS = {
    "": "",
    "after": Message(
        "you apply the mask after the softmax. The rows of the weights then sum to less than 1, "
        "because padding has already taken its share. Hide the scores first, then take the softmax."
    ),
    "none": Message(
        "padding is attended to: the last key of the second sequence gets some weight, although its mask "
        "is 0. Use attention_mask."
    ),
    "zero": Message(
        "the score of a hidden key becomes 0, but e⁰ = 1, so the softmax gives it a share like any other "
        "key. Don't multiply the scores by the mask, and check the sign of the exponent: -1e9, not 1e-9."
    ),
    "inverted": Message(
        "you hide the tokens and keep the padding. In attention_mask, 1 means token and 0 means padding."
    ),
    "queries": Message(
        "you hide the rows of padding queries. It's the keys that must be hidden: attention_mask[:, "
        "None, None, :], along the last axis."
    ),
    "causal": Message(
        "a token sees only what's on its left, as in GPT. BERT's encoder looks both ways: hide padding and "
        "nothing else."
    ),
    "diagonal": Message(
        "a token doesn't see itself. In self-attention every token attends to itself as well: hide padding "
        "and nothing else."
    ),
}


def _faulty_attention(query, key, attention_mask, scale, axis, masking):
    D, A, T = query.shape[-1], query.shape[1], query.shape[2]
    divisors = {"": math.sqrt(D), "none": 1.0, "d_model": math.sqrt(A * D), "D": D, "length": math.sqrt(T)}
    divisors["fixed"] = math.sqrt(32)
    scores, lowest = query @ key.transpose(-2, -1) / divisors[scale], torch.finfo(torch.float32).min
    padding = attention_mask[:, None, None, :] == 0
    hidden = {
        "none": torch.zeros_like(padding),
        "after": torch.zeros_like(padding),
        "zero": torch.zeros_like(padding),
        "inverted": ~padding,
        "queries": padding.transpose(-2, -1),
        "causal": padding | torch.ones(T, T, dtype=torch.bool).triu(1),
        "diagonal": padding | torch.eye(T, dtype=torch.bool),
    }.get(masking, padding)
    if masking == "zero":
        scores = scores.masked_fill(padding, 0.0)
    weights = scores.masked_fill(hidden, lowest).softmax(dim=axis)
    return weights.masked_fill(padding, 0.0) if masking == "after" else weights


def unchanged(before, after):
    """Raise a mistake if an answer has changed one of the tensors that it was given."""
    name = changed_argument(after, before)
    if name:
        raise Mistake(
            "your function changes {name} itself, but the caller still needs it. Work on a new tensor: "
            "masked_fill instead of masked_fill_, x = x + 1 instead of x += 1.",
            name=name,
        )


def _attention_arguments(sizes, generator):
    """Return queries, keys, values and a mask, the last sequences with padding: left, right, in the middle."""
    B, A, T, D = sizes
    query, key, value = (torch.randn(B, A, T, D, generator=generator) for _ in range(3))
    mask = torch.ones(B, T, dtype=torch.long)
    if B > 1:
        mask[1, -2:] = 0
    if B > 2:
        mask[2, [0, 3]] = 0
    return {"query": query, "key": key, "value": value, "attention_mask": mask}


def examine_attend(answer):
    generator = torch.Generator().manual_seed(21)
    for sizes in ATTENTION_SIZES:
        arguments = _attention_arguments(sizes, generator)
        copies = {name: tensor.clone() for name, tensor in arguments.items()}
        result = call(answer, *copies.values())
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise Mistake("return two tensors, the context and the weights: return context, weights.")
        _examine_context_and_weights(*result, arguments)
        unchanged(arguments, copies)


def _examine_context_and_weights(context, weights, arguments):
    query, key, value, mask = arguments.values()
    B, A, T, D = query.shape
    shapes = [tuple(x.shape) if isinstance(x, torch.Tensor) else None for x in (context, weights)]
    if shapes == [(B, A, T, T), (B, A, T, D)]:
        raise Mistake("you return both tensors, but in the wrong order: return context, weights.")
    weights = tensor_of_shape(weights, (B, A, T, T))
    reference_context, reference_weights = attend(query, key, value, mask)
    if not same(weights, reference_weights):
        fault = _fault_of_weights(weights, reference_weights, arguments)
        raise Mistake(fault)
    context = tensor_of_shape(context, (B, A, T, D))
    if same(context, reference_context):
        return
    if same(context, weights.transpose(-2, -1) @ value):
        raise Mistake(
            "the weights are right, but the context uses them transposed: weights @ value, as they are."
        )
    for name in ("query", "key"):
        if same(context, weights @ arguments[name]):
            raise Mistake(
                "the weights are right, but the context adds up the wrong vectors: weights @ value, not "
                "weights @ {name}.",
                name=name,
            )
    raise Mistake(
        "the weights are right, the context isn't. It's the weighted sum of the values: weights @ value."
    )


def _fault_of_weights(weights, reference, arguments):
    query, key, _, mask = arguments.values()
    faults = sorted(
        product(_scale_messages(1), (-1, -2, 1, 0), MASKINGS),
        key=lambda f: (f[0] != "") + (f[1] != -1) + (f[2] != ""),
    )
    for scale, axis, masking in faults:
        if same(weights, _faulty_attention(query, key, mask, scale, axis, masking)):
            return AXIS if axis != -1 else _scale_messages(query.shape[-1])[scale] or MASKINGS[masking]
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    real = mask[:, None, None, :].bool().expand_as(scores)
    if same(weights[real], scores[real]):
        return Message("these are the scores, not the weights: the softmax is missing.")
    if same(weights, attend(key, query, query, mask)[1]):
        return Message(
            "query and key have changed places: row i must hold the scores of query i, query @ key.transpose(-2, -1)."
        )
    shown = weights.float().masked_fill(~real, 0.0)
    if same(shown / shown.sum(-1, keepdim=True), reference):
        return Message(
            "padding still gets up to {weight:.3f} of the attention: what you put in its place isn't low enough. "
            "Fill in a number such as -1e9, or torch.finfo(scores.dtype).min.",
            weight=float(weights.masked_fill(real, 0.0).max()),
        )
    sums = weights.float().sum(-1)
    if not same(sums, torch.ones_like(sums), 1e-4):
        return Message(
            "the rows of the weights should sum to 1; the first sums to {sum:.3f}.", sum=float(sums[0, 0, 0])
        )
    return Message(
        "the rows sum to 1, but the weights aren't those of softmax(query · key / √D). Compare with the four "
        "steps, one by one, for the first head."
    )


# 2.2 ----------------------------------------------------------------------------------------------


def layer_norm(hidden, weight, bias, eps):
    """Return each token's vector with mean 0 and variance 1, then scaled and shifted."""
    mean = hidden.mean(dim=-1, keepdim=True)  # (B, T, 1)
    variance = hidden.var(dim=-1, unbiased=False, keepdim=True)  # (B, T, 1)
    return weight * (hidden - mean) / torch.sqrt(variance + eps) + bias


def _faulty_norms(hidden, weight, bias, eps):
    """Return the usual wrong answers, each with what to say about it."""
    mean, variance = hidden.mean(-1, keepdim=True), hidden.var(-1, unbiased=False, keepdim=True)
    unbiased = hidden.var(-1, keepdim=True)
    centered = hidden - mean
    right = centered / torch.sqrt(variance + eps)
    outside = Message(
        "eps is added to the standard deviation, outside the root. BERT adds it to the variance, "
        "inside: sqrt(variance + eps)."
    )
    axis = Message(
        "mean and variance run over the wrong axis. Each token is normalized by itself, over its own "
        "H numbers: dim=-1, with keepdim=True."
    )
    divisor = Message(
        "the variance divides by H - 1, the statistician's correction that var() and std() apply by "
        "default. LayerNorm divides by H: unbiased=False."
    )
    yield weight * centered / (variance.sqrt() + eps) + bias, outside
    twice = Message("{outside} And std() divides by H - 1: pass unbiased=False.", outside=outside)
    yield weight * centered / (unbiased.sqrt() + eps) + bias, twice
    yield weight * centered / torch.sqrt(unbiased + eps) + bias, divisor
    for axes in ((0,), (1,), (0, 1), (1, 2), (0, 1, 2)):
        for correct in (True, False):
            other = hidden.var(axes, unbiased=correct, keepdim=True)
            yield weight * (hidden - hidden.mean(axes, keepdim=True)) / torch.sqrt(other + eps) + bias, axis
    yield (
        right,
        Message(
            "the vectors are normalized, but weight and bias aren't used. They let the model undo the "
            "normalization where that helps."
        ),
    )
    yield weight * right, Message("the bias isn't added.")
    yield right + bias, Message("the weight isn't multiplied in.")
    yield weight * hidden / torch.sqrt(variance + eps) + bias, Message("the mean isn't subtracted.")
    yield (
        weight * centered / variance.sqrt() + bias,
        Message("eps isn't used. It keeps a constant vector, whose variance is 0, from a division by zero."),
    )
    yield (
        weight * centered / (variance + eps) + bias,
        Message("you divide by the variance; divide by its square root."),
    )
    yield (
        weight * (right + bias),
        Message("the bias is multiplied by the weight: multiply first, then add the bias."),
    )
    yield bias * right + weight, Message("weight and bias have changed places: multiply by weight, add bias.")
    length = Message(
        "you divide by the length of the vector. The standard deviation is the root of the *mean* square, not "
        "of the sum: divide by sqrt(variance + eps)."
    )
    for divisor in (
        centered.norm(dim=-1, keepdim=True),
        (centered.square().sum(-1, keepdim=True) + eps).sqrt(),
    ):
        yield weight * centered / divisor + bias, length
        yield weight * centered / (divisor + eps) + bias, length
    square = hidden.square().mean(-1, keepdim=True)
    root = Message(
        "that's RMSNorm, as in Llama: it divides by the root of the mean square and never subtracts the mean. "
        "LayerNorm subtracts the mean first."
    )
    yield weight * hidden / torch.sqrt(square + eps) + bias, root
    yield weight * hidden / torch.sqrt(square + eps), root
    yield (
        weight * centered / torch.sqrt(square + eps) + bias,
        Message(
            "you subtract the mean, but your variance is computed without it. The variance is the "
            "mean of (hidden - mean)²."
        ),
    )


def examine_layer_norm(answer):
    generator = torch.Generator().manual_seed(22)
    for shape, eps in (((2, 4, 6), 0.05), ((1, 1, 8), 0.3), ((4, 4, 4), 1e-5), ((3, 5, 384), 1e-12)):
        hidden = 0.2 * torch.randn(*shape, generator=generator) + 0.5
        weight, bias = torch.randn(2, shape[-1], generator=generator).unbind()
        arguments = {"hidden": hidden, "weight": weight, "bias": bias}
        copies = {name: tensor.clone() for name, tensor in arguments.items()}
        result = tensor_of_shape(call(answer, *copies.values(), eps), shape)
        _examine_norm(result, hidden, weight, bias, eps)
        unchanged(arguments, copies)


def _examine_norm(result, hidden, weight, bias, eps):
    reference = layer_norm(hidden, weight, bias, eps)
    if same(result, reference, relative=1e-5):
        return
    for faulty, message in _faulty_norms(hidden, weight, bias, eps):
        if same(result, faulty, relative=1e-5):
            raise Mistake(message)
    raise Mistake(
        "the result differs from LayerNorm by up to {error:.3f}. For the first token, print mean and variance "
        "before weight and bias: they should be 0 and nearly 1.",
        error=float((result - reference).abs().max()),
    )


# 2.3 ----------------------------------------------------------------------------------------------


def block(hidden, layer, heads):
    """Return the output (B, T, H) of one encoder block with the published weights of a layer."""
    B, T, H = hidden.shape

    def linear(name, x):
        return functional.linear(x, layer[f"{name}.weight"], layer[f"{name}.bias"])

    def norm(name, x):
        return functional.layer_norm(x, (H,), layer[f"{name}.weight"], layer[f"{name}.bias"], eps=1e-12)

    query, key, value = (
        linear(f"attention.self.{part}", hidden).view(B, T, heads, H // heads).transpose(1, 2)  # (B, A, T, D)
        for part in ("query", "key", "value")
    )
    weights = (query @ key.transpose(-2, -1) / math.sqrt(H // heads)).softmax(dim=-1)  # (B, A, T, T)
    context = (weights @ value).transpose(1, 2).reshape(B, T, H)
    hidden = norm("attention.output.LayerNorm", hidden + linear("attention.output.dense", context))
    expanded = functional.gelu(linear("intermediate.dense", hidden))  # (B, T, I)
    return norm("output.LayerNorm", hidden + linear("output.dense", expanded))


BLOCK_FAULTS = {
    "no first residual": Message(
        "the residual around attention is missing: add the block's input before the first LayerNorm, "
        "norm(hidden + attended)."
    ),
    "no second residual": Message(
        "the residual around the feed-forward layer is missing: add what went into it before the "
        "last LayerNorm."
    ),
    "no residuals": Message(
        "both residual connections are missing. Each LayerNorm gets a sum: what went in plus what "
        "the layer made of it."
    ),
    "stale residual": Message(
        "the second residual adds the input of the whole block. It adds the output of the first "
        "LayerNorm, which is what went into the feed-forward layer."
    ),
    "pre-norm": Message(
        "you normalize before attention and feed-forward (pre-norm, as in GPT-2). BERT is post-norm: "
        "add first, then normalize the sum."
    ),
    "relu": Message("the activation is ReLU. BERT uses GELU: torch.nn.functional.gelu."),
    "no activation": Message(
        "there's no activation between the two feed-forward layers, so together they are one linear "
        "map. Put GELU between them."
    ),
    "tanh": Message(
        "the activation is the tanh approximation of GELU. These weights were trained with the exact "
        "one: gelu without approximate=."
    ),
    "no scale": Message("the attention scores aren't divided by the square root of the width of one head."),
    "d_model": Message(
        "the attention scores are divided by the square root of the hidden size; divide by that of "
        "one head's width, H / heads."
    ),
    "one head": Message(
        "you use all of H as a single head. Cut query, key and value into heads: view(B, T, heads, H // "
        "heads).transpose(1, 2)."
    ),
    "heads not joined": Message(
        "you don't put the heads back side by side. Use transpose(1, 2) before reshape(B, T, H), or "
        "tokens and heads get mixed up."
    ),
    "no output": Message("the output projection of attention (attention.output.dense) is missing."),
    "norms swapped": Message(
        "the two LayerNorms are swapped: attention.output.LayerNorm comes first, output.LayerNorm last."
    ),
    "norm, then add": Message(
        "you normalize what the layer made and then add the input. BERT adds first: norm(hidden + attended), so "
        "the sum itself is normalized."
    ),
    "cut without transpose": Message(
        "view(B, heads, T, D) reads the numbers in the wrong order: a head gets pieces of several tokens. Cut the "
        "last axis first, then move it: view(B, T, heads, D).transpose(1, 2)."
    ),
    "over heads": Message(
        "the heads of one token attend to each other, because the shape is still (B, T, A, D). Move the heads "
        "before the tokens, transpose(1, 2), before you compute scores."
    ),
    "interleaved": Message(
        "a head has D columns next to each other; view(B, T, D, heads) gives it every A-th one. It's "
        "view(B, T, heads, D)."
    ),
    "wrong axis": Message(
        "the softmax of the attention runs over the queries. Each query shares out its own attention over the "
        "keys: softmax(dim=-1)."
    ),
    "no biases": Message(
        "the biases of the linear layers are missing. Each layer has one, such as attention.self.query.bias."
    ),
    "no attention biases": Message("query, key and value have a bias each, and yours leave it out."),
    "affine": Message(
        "the LayerNorms don't use their weight and bias. In published weights they're far from 1 and 0."
    ),
    "value as key": Message("the context adds up keys. Keys are for the scores; add up the values."),
    "12 heads": Message(
        "you cut into 12 heads, whatever the argument says. Here it's another number: use heads."
    ),
}


def _faulty_block(hidden, layer, heads, fault):
    B, T, H = hidden.shape
    without_bias = {"no biases": ("",), "no attention biases": ("attention.self",)}.get(fault, ())

    def linear(name, x):
        bias = None if name.startswith(without_bias) else layer[f"{name}.bias"]
        return functional.linear(x, layer[f"{name}.weight"], bias)

    def norm(name, x):
        affine = () if fault == "affine" else (layer[f"{name}.weight"], layer[f"{name}.bias"])
        return functional.layer_norm(x, (H,), *affine, eps=1e-12)

    def feed_forward(x):
        x = linear("intermediate.dense", x)
        if fault == "relu":
            x = functional.relu(x)
        elif fault != "no activation":
            x = functional.gelu(x, approximate="tanh" if fault == "tanh" else "none")
        return linear("output.dense", x)

    def attention(x):
        context = _faulty_context(linear, x, 12 if fault == "12 heads" else heads, fault)
        return context if fault == "no output" else linear("attention.output.dense", context)

    first, last = "attention.output.LayerNorm", "output.LayerNorm"
    if fault == "norms swapped":
        first, last = last, first
    if fault == "pre-norm":
        middle = hidden + attention(norm(first, hidden))
        return middle + feed_forward(norm(last, middle))
    if fault == "norm, then add":
        middle = hidden + norm(first, attention(hidden))
        return middle + norm(last, feed_forward(middle))
    attended = attention(hidden)
    middle = norm(first, attended if fault in ("no first residual", "no residuals") else hidden + attended)
    added = {"no second residual": 0.0, "no residuals": 0.0, "stale residual": hidden}.get(fault, middle)
    return norm(last, added + feed_forward(middle))


def _faulty_context(linear, x, heads, fault):
    B, T, H = x.shape
    A = 1 if fault == "one head" else heads

    def cut(part):
        whole = linear(f"attention.self.{part}", x)
        if fault == "cut without transpose":
            return whole.view(B, A, T, H // A)
        if fault == "over heads":
            return whole.view(B, T, A, H // A)
        if fault == "interleaved":
            return whole.view(B, T, H // A, A).permute(0, 3, 1, 2)
        return whole.view(B, T, A, H // A).transpose(1, 2)

    divisor = {"no scale": 1.0, "d_model": math.sqrt(H)}.get(fault, math.sqrt(H // A))
    scores = cut("query") @ cut("key").transpose(-2, -1) / divisor
    weights = scores.softmax(-2 if fault == "wrong axis" else -1)
    context = weights @ cut("key" if fault == "value as key" else "value")
    if fault == "interleaved":
        return context.permute(0, 2, 3, 1).reshape(B, T, H)
    return (context if fault in ("heads not joined", "over heads") else context.transpose(1, 2)).reshape(
        B, T, H
    )


SENTENCES = [
    [101, 1996, 4937, 2938, 2006, 1996, 13523, 102],  # [CLS] the cat sat on the mat [SEP]
    [101, 2016, 2441, 2019, 4070, 2012, 2924, 102],  # [CLS] she opened an account at bank [SEP]
]


@lru_cache(maxsize=1)
def published_layers_and_input():
    """Return the published weights of MiniLM's layers, the embeddings of two sentences, and its heads."""
    from course_lib.bert.loading import published_tensors
    from course_lib.data.weights import bundled_weights_folder

    folder = bundled_weights_folder()
    published = published_tensors(folder / "model.safetensors")
    ids = torch.tensor(SENTENCES)  # (B, T)
    summed = (
        published["embeddings.word_embeddings.weight"][ids]
        + published["embeddings.token_type_embeddings.weight"][0]
        + published["embeddings.position_embeddings.weight"][: ids.shape[1]]
    )  # (B, T, H)
    names = ("embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias")
    hidden = functional.layer_norm(summed, summed.shape[-1:], *(published[name] for name in names), 1e-12)
    configuration = BertConfiguration.from_file(folder / "config.json")
    layers = []
    for n in range(configuration.num_hidden_layers):
        prefix = f"encoder.layer.{n}."
        layers.append({k.removeprefix(prefix): v for k, v in published.items() if k.startswith(prefix)})
    return layers, hidden, configuration.num_attention_heads


def examine_block(answer):
    layers, hidden, heads = published_layers_and_input()
    cases = (
        (layers[0], hidden[:1], heads),
        (layers[3], hidden[:, :5], heads),
        (layers[0], hidden, heads // 2),
    )
    for layer, states, count in cases:
        copies = {name: tensor.clone() for name, tensor in layer.items()}
        own_states = states.clone()
        with torch.no_grad():
            result = tensor_of_shape(call(answer, own_states, copies, count), states.shape)
            _examine_output_of_block(result, layer, states, count)
        unchanged({"hidden": states}, {"hidden": own_states})
        if copies.keys() != layer.keys():
            raise Mistake("your function changes the dictionary layer itself; read from it with layer[name].")
        unchanged(layer, copies)


def _examine_output_of_block(result, layer, hidden, heads):
    reference = block(hidden, layer, heads)
    if same(result, reference):
        return
    for fault, message in BLOCK_FAULTS.items():
        if same(
            result, _faulty_block(hidden, layer, heads, fault), relative=1e-4
        ):  # without post-norm, states are large
            raise Mistake(message)
    error = float((result - reference).abs().max())
    if error < 1e-3:
        raise Mistake(
            "you are within {error:.0e} of the real layer, but not within 1e-5. Look at eps: BERT's is "
            "1e-12.",
            error=error,
        )
    if same(result, hidden):
        raise Mistake("your output equals the input, as if attention and feed-forward did nothing.")
    raise Mistake(
        "the output differs from the real layer's by up to {error:.3f}. Compare your steps with the figure "
        "of the block, and print the shape after each.",
        error=error,
    )


# 2.4 ----------------------------------------------------------------------------------------------


def pretraining_parameters(configuration):
    """Return how many parameters BERT has while it is pre-trained: encoder, pooler and both heads."""
    c = configuration
    H, inner = c.hidden_size, c.intermediate_size
    embeddings = (c.vocab_size + c.max_position_embeddings + c.type_vocab_size) * H + 2 * H
    attention = 4 * (H * H + H) + 2 * H  # query, key, value, output; LayerNorm
    feed_forward = (H * inner + inner) + (inner * H + H) + 2 * H
    pooler = H * H + H
    word_head = (H * H + H) + 2 * H + c.vocab_size  # the decoder's matrix is the token embedding
    sentence_head = 2 * H + 2
    return embeddings + c.num_hidden_layers * (attention + feed_forward) + pooler + word_head + sentence_head


def _miscounts(c):
    """Return what usual miscounts are off by, each with what to say about it."""
    H, L, V, inner = c.hidden_size, c.num_hidden_layers, c.vocab_size, c.intermediate_size
    head_biases = 2 * H + V + 2  # of the word head (dense, LayerNorm, decoder) and of the sentence head
    return {
        V * H: Message(
            "you count the decoder's matrix a second time. It's tied: the word head uses the token "
            "embedding itself, and only the decoder's bias is new."
        ),
        V * H - V: Message(
            "the word head's decoder is tied to the token embedding: it has no separate matrix, but it "
            "has a bias, one number for each word."
        ),
        -(H * H + H): Message(
            "a dense layer of H × H with its bias is missing: there's one in the pooler and one in the "
            "word head."
        ),
        -2 * (H * H + H): Message("the pooler and the dense layer of the word head are both missing."),
        -V: Message("the decoder's bias is missing: one number for each word."),
        -(2 * H + 2): Message("the next-sentence head is missing: it scores two classes, with a bias each."),
        -2: Message("the next-sentence head has a bias too: one number for each of its two classes."),
        -V - 2: Message(
            "both heads end without a bias: the decoder has one for each word, the sentence head two."
        ),
        (512 + 2 - c.max_position_embeddings - c.type_vocab_size) * H: Message(
            "you count 512 positions and 2 segments, as the lesson's count_by_hand does. Another configuration "
            "has other numbers: use max_position_embeddings and type_vocab_size."
        ),
        (512 - c.max_position_embeddings) * H: Message(
            "you count 512 positions. That's BERT's number; use max_position_embeddings."
        ),
        (2 - c.type_vocab_size) * H: Message(
            "you count 2 segments. That's BERT's number; use type_vocab_size."
        ),
        (30522 - V) * (H + 1): Message("you count 30,522 words. That's BERT's vocabulary; use vocab_size."),
        -(H * H + 3 * H + V + 2 * H + 2)
        + (512 + 2 - c.max_position_embeddings - c.type_vocab_size) * H: Message(
            "this is the lesson's count_by_hand: encoder and pooler, for 512 positions and 2 segments. Use the "
            "configuration's numbers, and add the two heads."
        ),
        -(H * H + 3 * H + V): Message(
            "the masked-language-model head is missing: dense, LayerNorm, and the bias of the tied decoder."
        ),
        -(H * H + 3 * H + V + 2 * H + 2): Message(
            "both heads are missing. You have counted the encoder with its pooler; add the word head and "
            "the sentence head."
        ),
        -c.max_position_embeddings * H: Message("the position embeddings are missing."),
        -c.type_vocab_size * H: Message("the segment embeddings are missing."),
        -2 * H: Message(
            "one LayerNorm is missing: there's one after the embeddings and one in the word head, "
            "besides the two in every block."
        ),
        -4 * H: Message(
            "two LayerNorms are missing: the one after the embeddings and the one in the word head."
        ),
        -2 * H * L: Message("each block has two LayerNorms, and you count one."),
        -4 * H * L: Message(
            "the LayerNorms of the blocks are missing: two in each block, with a weight and a bias each."
        ),
        -(H * H + H) * L: Message(
            "each block has four dense layers in its attention: query, key, value and the output "
            "projection. One is missing."
        ),
        -(4 * H + inner + H) * L: Message("the biases of the dense layers in the blocks are missing."),
        -((4 * H + inner + H) * L + 2 * H + V + 2): Message("the biases of the dense layers are missing."),
        -head_biases: Message("the biases of the heads are missing."),
        L * (2 * H * (4 * H - inner) + 4 * H - inner): Message(
            "you assume that the intermediate size is 4 times the hidden size. That's true of BERT, but "
            "other configurations may differ: use intermediate_size."
        ),
        L * 3 * (c.num_attention_heads - 1) * (H * H + H): Message(
            "you multiply by the number of heads. The heads share the H columns: each has H / A of them, "
            "so the count doesn't depend on A."
        ),
        L * 4 * (c.num_attention_heads - 1) * (H * H + H): Message(
            "you multiply by the number of heads. The heads share the H columns: each has H / A of them, "
            "so the count doesn't depend on A."
        ),
    }


def examine_pretraining_parameters(answer):
    unusual = BertConfiguration(
        vocab_size=1009,
        hidden_size=48,
        num_hidden_layers=5,
        num_attention_heads=4,
        intermediate_size=110,
        max_position_embeddings=77,
        type_vocab_size=3,
    )
    generator = random.Random(24)
    drawn = [
        BertConfiguration(
            vocab_size=generator.randint(200, 60_000),
            hidden_size=heads * generator.randint(1, 80),
            num_hidden_layers=generator.randint(1, 30),
            num_attention_heads=heads,
            intermediate_size=generator.randint(1, 5000),
            max_position_embeddings=generator.randint(1, 1024),
            type_vocab_size=generator.randint(1, 5),
        )
        for heads in (generator.randint(1, 16) for _ in range(30))
    ]
    for configuration in (unusual, BertConfiguration.base(), BertConfiguration.large(), *drawn):
        returned, reference = call(answer, configuration), pretraining_parameters(configuration)
        result = as_number(returned)
        if result is None:
            raise Mistake("return one number; you return {kind}.", kind=describe(returned))
        if result == reference:
            continue
        message = _miscounts(configuration).get(round(result - reference)) if math.isfinite(result) else None
        if message:
            raise Mistake(message)
        raise Mistake(
            "for hidden size {H} and {L} layers you count {result:,}; it should be {reference:,}, a "
            "difference of {difference:+,}.",
            H=configuration.hidden_size,
            L=configuration.num_hidden_layers,
            result=result,
            reference=reference,
            difference=result - reference,
        )


EXERCISES = [
    Exercise(
        identifier="2.1",
        title="Attention with a mask",
        difficulty=2,
        minutes=15,
        examine=examine_attend,
        hints=(
            "It takes four lines: compute the scores, hide the padding, take the softmax, return the "
            "weighted sum.",
            (
                "A score is a dot product: query @ key.transpose(-2, -1), divided by the square root of the "
                "last size of query."
            ),
            (
                "The mask is (B, T), the scores are (B, A, T, T): attention_mask[:, None, None, :] == 0 "
                "marks the padding keys, and masked_fill takes it."
            ),
        ),
        solution=attend,
        praise="Every row sums to 1, and padding has no weight at all.",
    ),
    Exercise(
        identifier="2.2",
        title="LayerNorm by hand",
        difficulty=1,
        minutes=10,
        examine=examine_layer_norm,
        hints=(
            "Mean and variance of each token's own vector: over the last axis, with keepdim=True.",
            "torch.var divides by H - 1 unless you say unbiased=False.",
            (
                "Subtract the mean, divide by the root of variance plus eps, and only then use weight and bias: "
                "both are (H,), so they fit every token without a reshape."
            ),
        ),
        solution=layer_norm,
        praise=(
            "One token's numbers never touch another's. That's why it works for any batch and any length."
        ),
    ),
    Exercise(
        identifier="2.3",
        title="A whole block, against real weights",
        difficulty=3,
        minutes=25,
        examine=examine_block,
        hints=(
            "Write it in the order of the figure: attention, add, norm, feed-forward, add, norm.",
            (
                "functional.linear(x, weight, bias) and functional.layer_norm(x, (H,), weight, bias, "
                "eps=1e-12) take the tensors from the dictionary."
            ),
            (
                "Heads: view(B, T, heads, H // heads).transpose(1, 2) for each of query, key and value; "
                "afterwards transpose(1, 2).reshape(B, T, H)."
            ),
        ),
        solution=block,
        praise="Your block gives what two published layers give, to within 1e-5, with any number of heads.",
    ),
    Exercise(
        identifier="2.4",
        title="Count the model as it is pre-trained",
        difficulty=2,
        minutes=15,
        examine=examine_pretraining_parameters,
        hints=(
            "Start with the lesson's count of the encoder with its pooler, then add two heads.",
            (
                "Word head: a dense layer H × H, a LayerNorm, and a decoder to the vocabulary whose matrix "
                "is the token embedding. Sentence head: a dense layer from H to 2."
            ),
            (
                "In the decoder, only the bias is new: one number for each word. The number of attention "
                "heads appears nowhere."
            ),
        ),
        solution=pretraining_parameters,
        praise="Your count is right for BERT-base (110,106,428), for BERT-large, and for 31 sizes that no "
        "one has built.",
    ),
]

QUIZ = [
    Question(
        "Why are the scores divided by the square root of the width of a head?",
        Option(
            "So that the weights in every row add up to 1.",
            "The softmax does that, whatever the scores are.",
        ),
        Option(
            "So that scores don't grow with the width of the head.",
            "The variance of a score is the width. Divided by the root, it's 1 again, and the softmax isn't saturated.",
            correct=True,
        ),
        Option(
            "So that the dot products of wide heads cost less time.",
            "A division costs a little and saves nothing.",
        ),
        Option(
            "So that padding gets a weight close to 0 in each row.",
            "Padding is a matter of the mask, not of the scale.",
        ),
    ),
    Question(
        "In what order does BERT's block compute?",
        Option(
            "Normalize, attend, add; normalize, feed-forward, add.",
            "That's pre-norm, as in GPT-2 and most later models. BERT keeps the order of 2017.",
        ),
        Option(
            "Attend, normalize, add; feed-forward, normalize, add.",
            "Then the sum itself would never be normalized, and the states would grow from block to block.",
        ),
        Option(
            "Feed-forward, add, normalize; attend, add, normalize.",
            "Attention comes first: the feed-forward layer works on what it has gathered.",
        ),
        Option(
            "Attend, add, normalize; feed-forward, add, normalize.",
            "Post-norm: each LayerNorm works on the sum, so the output of every block is normalized.",
            correct=True,
        ),
    ),
    Question(
        "A batch holds sentences of different lengths. Where does the padding mask act?",
        Option(
            "On the scores of padding keys, before the softmax.",
            "A hidden key gets a score so low that its weight is 0, and the others share all of the attention.",
            correct=True,
        ),
        Option(
            "On the weights of padding keys, after the softmax.",
            (
                "By then padding has taken its share. The rows sum to less than 1, and a sentence's result "
                "depends on how much padding comes with it."
            ),
        ),
        Option(
            "On the embeddings, where padding is the zero vector.",
            "Even a zero vector gets position and segment added; it would have a score, and so a weight.",
        ),
        Option(
            "Nowhere, because the model has learned to ignore it.",
            "During pre-training padding was hidden as well, so there was nothing to learn it from.",
        ),
    ),
    Question(
        "You give BERT-base 24 heads instead of 12 and keep the hidden size. What changes?",
        Option(
            "The parameters double, and the attention maps stay.",
            "It's the other way around: query, key and value are still H × H, but each head draws a separate map.",
        ),
        Option(
            "The parameters stay, and every score costs double.",
            "A head is half as wide now, so each score is a sum over half as many products.",
        ),
        Option(
            "The parameters stay, and the attention maps double.",
            (
                "The heads share the H columns of the same matrices. But each has its own T × T weights, so "
                "these take twice the memory."
            ),
            correct=True,
        ),
        Option(
            "Nothing changes that you could count in the model.",
            "The parameters don't change. Count the attention weights, though: A·T² of them in every block.",
        ),
    ),
    Question(
        "The sequence becomes twice as long. What happens in one block?",
        Option(
            "Everything in it costs four times as much as before.",
            "Projections and feed-forward work on each token by itself: they only double.",
        ),
        Option(
            "Scores cost four times as much, and projections twice.",
            "So the longer the sequence, the larger the share of attention: that's the O(T²) part.",
            correct=True,
        ),
        Option(
            "Scores cost twice as much, and projections cost the same.",
            "Twice as many queries meet twice as many keys, and there are twice as many tokens to project.",
        ),
        Option(
            "Nothing, because it always computes 512 positions.",
            "It computes as many positions as the batch is long; 512 is only how many it has embeddings for.",
        ),
    ),
    Question(
        "You take the position embeddings away and shuffle the tokens of a sentence. What comes out?",
        Option(
            "An error: attention can't do without an order.",
            "Attention never asks for the order. It compares vectors, wherever they are in the row.",
        ),
        Option(
            "Other vectors, since every token has new neighbors.",
            "Without positions there are no neighbors: each token sees the same set of tokens as before.",
        ),
        Option(
            "The same vectors as before, in the shuffled order.",
            (
                "Every step treats a sentence as a set of vectors. Only the position embeddings tell "
                "'dog bites man' from 'man bites dog'."
            ),
            correct=True,
        ),
        Option(
            "The same vector for every token of the sentence.",
            "The tokens still differ in their token embeddings, and so do their queries.",
        ),
    ),
    Question(
        "A colleague's BERT scores a review differently when a longer one is in the batch, always by the same "
        "amount. What do you look at first?",
        Option(
            "Whether the mask reaches the softmax of every block.",
            (
                "A longer neighbor means more padding. If one block attends to it, the result depends on the "
                "company that a text is in."
            ),
            correct=True,
        ),
        Option(
            "Whether its GELU is the exact one or the tanh one.",
            "That changes every score a little, but by the same amount in any batch.",
        ),
        Option(
            "Whether dropout is still switched on during evaluation.",
            "Then the score would change from run to run, with and without the longer review.",
        ),
        Option(
            "Whether the scores are divided by √D, and not by √H.",
            "A wrong divisor flattens the weights in every batch alike, whatever comes next to the review.",
        ),
    ),
]
