"""Exercises and quiz of lesson 02, the Transformer encoder."""

import math
from functools import lru_cache
from itertools import product

import torch
from torch.nn import functional

from course_lib.bert.configuration import BertConfiguration
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call
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
            "the result holds NaN or infinity. Hide scores with a large negative number, and never multiply "
            "by -inf."
        )
    return result


def same(result, reference, tolerance=1e-5, relative=0.0):
    """Tell whether two tensors are equal to within rounding."""
    return torch.allclose(result.float(), reference, rtol=relative, atol=tolerance)


# 2.1 ----------------------------------------------------------------------------------------------


def attend(query, key, value, attention_mask):
    """Return the context (B, A, T, D) and the attention weights (B, A, T, T)."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (B, A, T, T)
    padding = attention_mask[:, None, None, :] == 0  # (B, 1, 1, T): the same keys for every query
    scores = scores.masked_fill(padding, torch.finfo(scores.dtype).min)
    weights = scores.softmax(dim=-1)
    return weights @ value, weights


WIDTH = 8  # of one head in the tensors that attention is examined with
SCALES = {
    "": "",
    "none": Message(
        "the scores are not divided by anything. Divide them by the square root of the width of one "
        "head, or the softmax saturates."
    ),
    "d_model": Message(
        "you divide by the square root of d_model, the width of all heads together. A score is a sum "
        "over one head's {D} numbers: divide by the square root of {D}.",
        D=WIDTH,
    ),
    "D": Message(
        "you divide by {D}; divide by its square root. The standard deviation of a score grows with "
        "the root of the width, not with the width.",
        D=WIDTH,
    ),
    "length": Message(
        "you divide by the square root of the sequence length. A score is a sum over the {D} numbers "
        "of one head: its length in tokens does not matter.",
        D=WIDTH,
    ),
}
MASKINGS = {
    "": "",
    "after": Message(
        "you apply the mask after the softmax. The rows of the weights then sum to less than 1, "
        "because padding has taken its share before. Hide the scores first, then take the softmax."
    ),
    "none": Message(
        "padding is attended to: the last key of the second sequence has weight, though its mask is "
        "0. Use attention_mask."
    ),
    "inverted": Message(
        "you hide the tokens and keep the padding. In attention_mask, 1 means token and 0 means padding."
    ),
    "queries": Message(
        "you hide the rows of padding queries. It is the keys that must be hidden: attention_mask[:, "
        "None, None, :], along the last axis."
    ),
}


def _faulty_attention(query, key, value, attention_mask, scale, axis, masking):
    D, A, T = query.shape[-1], query.shape[1], query.shape[2]
    divisor = {"": math.sqrt(D), "none": 1.0, "d_model": math.sqrt(A * D), "D": D, "length": math.sqrt(T)}[
        scale
    ]
    scores, lowest = query @ key.transpose(-2, -1) / divisor, torch.finfo(torch.float32).min
    padding = attention_mask[:, None, None, :] == 0
    if masking == "queries":
        padding = padding.transpose(-2, -1)
    if masking in ("", "inverted", "queries"):
        scores = scores.masked_fill(~padding if masking == "inverted" else padding, lowest)
    weights = scores.softmax(dim=axis)
    return weights.masked_fill(padding, 0.0) if masking == "after" else weights


def examine_attend(answer):
    generator = torch.Generator().manual_seed(21)
    query, key, value = (torch.randn(2, 3, 5, WIDTH, generator=generator) for _ in range(3))
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    result = call(answer, query.clone(), key.clone(), value.clone(), mask.clone())
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Mistake("return two tensors, the context and the weights: return context, weights.")
    context, weights = result
    weights = tensor_of_shape(weights, (2, 3, 5, 5))
    reference_context, reference_weights = attend(query, key, value, mask)
    if not same(weights, reference_weights):
        faults = sorted(
            product(SCALES, (-1, -2, 1), MASKINGS), key=lambda f: (f[0] != "") + (f[1] != -1) + (f[2] != "")
        )
        for scale, axis, masking in faults:
            if same(weights, _faulty_attention(query, key, value, mask, scale, axis, masking)):
                if axis != -1:
                    raise Mistake(
                        "the softmax runs over the wrong axis: each query's row must sum to 1. That is the "
                        "last axis, the keys: softmax(dim=-1)."
                    )
                raise Mistake(SCALES[scale] or MASKINGS[masking])
        sums = weights.sum(-1)
        if not same(sums, torch.ones_like(sums), 1e-4):
            raise Mistake(
                "the rows of the weights should sum to 1; the first sums to {sum:.3f}.",
                sum=float(sums[0, 0, 0]),
            )
        raise Mistake(
            "the rows sum to 1, but the weights are not those of softmax(query · key / √D). Check the "
            "transpose of the key: transpose(-2, -1)."
        )
    context = tensor_of_shape(context, (2, 3, 5, WIDTH))
    if not same(context, reference_context):
        raise Mistake(
            "the weights are right, the context is not. It is the weighted sum of the values: weights @ "
            "value."
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
            "the vectors are normalized, but weight and bias are not used. They let the model undo the "
            "normalization where that helps."
        ),
    )
    yield weight * right, Message("the bias is not added.")
    yield right + bias, Message("the weight is not multiplied in.")
    yield weight * hidden / torch.sqrt(variance + eps) + bias, Message("the mean is not subtracted.")
    yield (
        weight * centered / variance.sqrt() + bias,
        Message("eps is not used. It keeps a constant vector, whose variance is 0, from a division by zero."),
    )
    yield (
        weight * centered / (variance + eps) + bias,
        Message("you divide by the variance; divide by its square root."),
    )
    yield (
        weight * (right + bias),
        Message("the bias is multiplied by the weight: multiply first, then add the bias."),
    )


def examine_layer_norm(answer):
    generator = torch.Generator().manual_seed(22)
    hidden = 0.2 * torch.randn(2, 4, 6, generator=generator) + 0.5
    weight, bias = torch.randn(2, 6, generator=generator).unbind()
    result = tensor_of_shape(call(answer, hidden.clone(), weight.clone(), bias.clone(), 0.05), (2, 4, 6))
    if same(result, layer_norm(hidden, weight, bias, 0.05)):
        return
    for faulty, message in _faulty_norms(hidden, weight, bias, 0.05):
        if same(result, faulty):
            raise Mistake(message)
    raise Mistake(
        "the result differs from LayerNorm by up to {error:.3f}.",
        error=float((result - layer_norm(hidden, weight, bias, 0.05)).abs().max()),
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
        "there is no activation between the two feed-forward layers, so together they are one linear "
        "map. Put GELU between them."
    ),
    "tanh": Message(
        "the activation is the tanh approximation of GELU. These weights were trained with the exact "
        "one: gelu without approximate=."
    ),
    "no scale": Message("the attention scores are not divided by the square root of the width of one head."),
    "d_model": Message(
        "the attention scores are divided by the square root of the hidden size; divide by that of "
        "one head's width, H / heads."
    ),
    "one head": Message(
        "all of H works as a single head. Cut query, key and value into heads: view(B, T, heads, H "
        "// heads).transpose(1, 2)."
    ),
    "heads not joined": Message(
        "the heads are not put side by side again: transpose(1, 2) before reshape(B, T, H), or "
        "tokens and heads get mixed."
    ),
    "no output": Message("the output projection of attention (attention.output.dense) is missing."),
    "norms swapped": Message(
        "the two LayerNorms are swapped: attention.output.LayerNorm comes first, output.LayerNorm last."
    ),
}


def _faulty_block(hidden, layer, heads, fault):
    B, T, H = hidden.shape

    def linear(name, x):
        return functional.linear(x, layer[f"{name}.weight"], layer[f"{name}.bias"])

    def norm(name, x):
        return functional.layer_norm(x, (H,), layer[f"{name}.weight"], layer[f"{name}.bias"], 1e-12)

    first, last = "attention.output.LayerNorm", "output.LayerNorm"
    if fault == "norms swapped":
        first, last = last, first

    def attention(x):
        A = 1 if fault == "one head" else heads

        def cut(part):
            return linear(f"attention.self.{part}", x).view(B, T, A, H // A).transpose(1, 2)

        divisor = {"no scale": 1.0, "d_model": math.sqrt(H)}.get(fault, math.sqrt(H // A))
        context = (cut("query") @ cut("key").transpose(-2, -1) / divisor).softmax(-1) @ cut("value")
        context = (context if fault == "heads not joined" else context.transpose(1, 2)).reshape(B, T, H)
        return context if fault == "no output" else linear("attention.output.dense", context)

    def feed_forward(x):
        x = linear("intermediate.dense", x)
        if fault == "relu":
            x = functional.relu(x)
        elif fault != "no activation":
            x = functional.gelu(x, approximate="tanh" if fault == "tanh" else "none")
        return linear("output.dense", x)

    if fault == "pre-norm":
        middle = hidden + attention(norm(first, hidden))
        return middle + feed_forward(norm(last, middle))
    attended = attention(hidden)
    middle = norm(first, attended if fault in ("no first residual", "no residuals") else hidden + attended)
    added = {"no second residual": 0.0, "no residuals": 0.0, "stale residual": hidden}.get(fault, middle)
    return norm(last, added + feed_forward(middle))


@lru_cache(maxsize=1)
def real_layer_and_input():
    """Return the published weights of MiniLM's layer 0, the embeddings of a sentence, and its heads."""
    from course_lib.bert.loading import published_tensors
    from course_lib.data.weights import bundled_weights_folder

    folder = bundled_weights_folder()
    published = published_tensors(folder / "model.safetensors")
    ids = torch.tensor(
        [[101, 1996, 4937, 2938, 2006, 1996, 13523, 102]]
    )  # [CLS] the cat sat on the mat [SEP]
    summed = (
        published["embeddings.word_embeddings.weight"][ids]
        + published["embeddings.token_type_embeddings.weight"][0]
    )
    summed = summed + published["embeddings.position_embeddings.weight"][: ids.shape[1]]
    names = ("embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias")
    hidden = functional.layer_norm(summed, summed.shape[-1:], *(published[name] for name in names), 1e-12)
    prefix = "encoder.layer.0."
    layer = {
        name.removeprefix(prefix): tensor for name, tensor in published.items() if name.startswith(prefix)
    }
    return layer, hidden, BertConfiguration.from_file(folder / "config.json").num_attention_heads


def examine_block(answer):
    layer, hidden, heads = real_layer_and_input()
    with torch.no_grad():
        result = call(answer, hidden.clone(), dict(layer), heads)
        result = tensor_of_shape(result, hidden.shape)
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
    raise Mistake(
        "the output differs from the real layer's by up to {error:.3f}. Compare your steps with the figure "
        "of the block.",
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
            "you count the decoder's matrix a second time. It is tied: the word head uses the token "
            "embedding itself, and only the decoder's bias is new."
        ),
        V * H - V: Message(
            "the word head's decoder is tied to the token embedding: it has no matrix of its own, but it "
            "has a bias, one number a word."
        ),
        -(H * H + H): Message(
            "a dense layer of H × H with its bias is missing: there is one in the pooler and one in the "
            "word head."
        ),
        -2 * (H * H + H): Message("the pooler and the dense layer of the word head are both missing."),
        -V: Message("the decoder's own bias is missing: one number for each word."),
        -(2 * H + 2): Message("the next-sentence head is missing: it scores two classes, with a bias each."),
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
            "one LayerNorm is missing: there is one after the embeddings and one in the word head, "
            "beside the two in every block."
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
            "you take the intermediate size for 4 times the hidden size. That holds for BERT, but the "
            "configuration may say otherwise: use intermediate_size."
        ),
        L * 3 * (c.num_attention_heads - 1) * (H * H + H): Message(
            "you multiply by the number of heads. The heads share the H columns: each has H / A of them, "
            "so the count does not depend on A."
        ),
        L * 4 * (c.num_attention_heads - 1) * (H * H + H): Message(
            "you multiply by the number of heads. The heads share the H columns: each has H / A of them, "
            "so the count does not depend on A."
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
    for configuration in (unusual, BertConfiguration.base(), BertConfiguration.large()):
        result, reference = call(answer, configuration), pretraining_parameters(configuration)
        if not isinstance(result, (int, float)):
            raise Mistake("return one number; you return {kind}.", kind=type(result).__name__)
        if result == reference:
            continue
        message = _miscounts(configuration).get(round(result - reference))
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
            "Four lines: scores, hide the padding, softmax, weighted sum.",
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
            "weight * (hidden - mean) / torch.sqrt(variance + eps) + bias.",
        ),
        solution=layer_norm,
        praise=(
            "One token's numbers never touch another's: that is why it works for any batch and any length."
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
        praise="Your block does what a published layer does, to within 1e-5.",
    ),
    Exercise(
        identifier="2.4",
        title="Count the model as it is pre-trained",
        difficulty=2,
        minutes=15,
        examine=examine_pretraining_parameters,
        hints=(
            "Begin with the lesson's count of the encoder with its pooler, then add two heads.",
            (
                "Word head: a dense layer H × H, a LayerNorm, and a decoder to the vocabulary whose matrix "
                "is the token embedding. Sentence head: a dense layer from H to 2."
            ),
            (
                "So the heads add (H·H + H) + 2·H + V and 2·H + 2. The number of attention heads appears "
                "nowhere."
            ),
        ),
        solution=pretraining_parameters,
        praise="With its heads, BERT-base has 110.1 million parameters; the paper rounds to 110M.",
    ),
]

QUIZ = [
    Question(
        "Why are the scores divided by the square root of the width of a head?",
        Option(
            "So that the rows of the weights sum to 1.",
            "The softmax does that, whatever the scores are.",
        ),
        Option("To save computation.", "A division costs a little and saves nothing."),
        Option(
            "A dot product of longer vectors varies more, and a softmax over large scores is almost one-hot.",
            (
                "The variance of a score is the width. Divided by its root, it is 1 again, and gradients "
                "flow through the softmax."
            ),
            correct=True,
        ),
        Option(
            "To make attention insensitive to padding.",
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
            "Attend, add, normalize; feed-forward, add, normalize.",
            "Post-norm: each LayerNorm works on the sum, so the output of every block is normalized.",
            correct=True,
        ),
        Option(
            "Attend, normalize, add; feed-forward, normalize, add.",
            "Then the sum itself would never be normalized, and the states would grow from block to block.",
        ),
        Option(
            "Feed-forward, add, normalize; attend, add, normalize.",
            "Attention comes first: the feed-forward layer works on what it has gathered.",
        ),
    ),
    Question(
        "A batch holds sentences of different lengths. Where does the padding mask act?",
        Option(
            "On the keys, before the softmax.",
            (
                "A hidden key gets a score so low that its weight is 0, and the others share all of the "
                "attention."
            ),
            correct=True,
        ),
        Option(
            "On the weights, after the softmax.",
            (
                "By then padding has taken its share: the rows sum to less than 1, and a sentence's result "
                "depends on how much padding stands beside it."
            ),
        ),
        Option(
            "On the embeddings: padding is the zero vector.",
            "Even a zero vector gets position and segment added, and it would get a score and so a weight.",
        ),
        Option(
            "Nowhere: the model has learned to ignore [PAD].",
            "During pre-training padding was hidden as well, so there was nothing to learn it from.",
        ),
    ),
    Question(
        "BERT-base gets 24 heads in place of 12, at the same hidden size. What becomes of its parameters?",
        Option(
            "They double.",
            "The heads share the columns of the same matrices; more heads means thinner ones.",
        ),
        Option(
            "Those of the attention double, the rest stays.",
            "Query, key and value are still H × H. Only the way they are cut changes.",
        ),
        Option(
            "They halve, because each head is thinner.",
            "Twice as many heads, each half as wide: the product stays.",
        ),
        Option(
            "Nothing.",
            "A head has H / A columns, so A heads have H. The number of heads is not in the formula.",
            correct=True,
        ),
    ),
    Question(
        "The sequence becomes twice as long. What happens in one block?",
        Option(
            "All of it costs four times as much.",
            "Projections and feed-forward work on each token by itself: they only double.",
        ),
        Option(
            "All of it costs twice as much.",
            "Each of twice as many queries looks at twice as many keys: that part costs four times as much.",
        ),
        Option(
            "Scores and weights cost four times as much, projections and feed-forward twice.",
            "So the longer the sequence, the larger the share of attention: that is the O(n²) part.",
            correct=True,
        ),
        Option(
            "Nothing: BERT always computes 512 positions.",
            (
                "It computes as many positions as the batch is long; 512 is only the largest number it has "
                "embeddings for."
            ),
        ),
    ),
]
