"""Right answers to lesson 02's exercises in several styles, and usual wrong ones with a part of their message."""

import math
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy
import torch
from torch.nn import functional


def _attend(query, key, value, attention_mask, *, divisor=None, axis=-1, masking="before"):
    divisor = math.sqrt(query.shape[-1]) if divisor is None else divisor(query)
    scores = query @ key.transpose(-2, -1) / divisor
    padding = attention_mask[:, None, None, :] == 0
    if masking == "before":
        scores = scores.masked_fill(padding, -1e9)
    if masking == "inverted":
        scores = scores.masked_fill(~padding, -1e9)
    if masking == "minus infinity times mask":
        scores = scores + padding * float("-inf")
    if masking == "queries":
        scores = scores.masked_fill(attention_mask[:, None, :, None] == 0, -1e9)
    if masking == "multiplied":
        scores = scores * attention_mask[:, None, None, :]
    if masking == "tiny":
        scores = scores.masked_fill(padding, 1e-9)
    if masking == "weak":
        scores = scores.masked_fill(padding, -3.0)
    if masking == "added":
        scores = scores + attention_mask[:, None, None, :]
    if masking in ("causal", "diagonal"):
        T = scores.shape[-1]
        more = torch.ones(T, T).triu(1).bool() if masking == "causal" else torch.eye(T).bool()
        scores = scores.masked_fill(padding | more, -1e9)
    weights = scores.softmax(dim=axis)
    if masking == "after":
        weights = weights * attention_mask[:, None, None, :]
    return weights @ value, weights


def _attend_changing_the_query(query, key, value, attention_mask):
    context, weights = _attend(query, key, value, attention_mask)
    query /= math.sqrt(query.shape[-1])
    return context, weights


def _context_transposed(query, key, value, attention_mask):
    weights = _attend(query, key, value, attention_mask)[1]
    return weights.transpose(-2, -1) @ value, weights


def _layer_norm(hidden, weight, bias, eps, *, outside=False, unbiased=False, axis=-1, affine=True):
    mean = hidden.mean(axis, keepdim=True)
    variance = hidden.var(axis, unbiased=unbiased, keepdim=True)
    root = variance.sqrt() + eps if outside else (variance + eps).sqrt()
    normalized = (hidden - mean) / root
    return weight * normalized + bias if affine else normalized


def _block(
    hidden,
    layer,
    heads,
    *,
    residual=True,
    pre_norm=False,
    activation=functional.gelu,
    root=None,
    mixed=False,
    order="add, then norm",
    cut="right",
    axis=-1,
    biases=True,
    eps=1e-12,
):
    B, T, H = hidden.shape

    def linear(name, x):
        return x @ layer[name + ".weight"].T + (layer[name + ".bias"] if biases else 0)

    def norm(name, x):
        return functional.layer_norm(x, (H,), layer[name + ".weight"], layer[name + ".bias"], eps)

    def cut_wrongly(x):
        D = H // heads
        query, key, value = (linear(f"attention.self.{part}", x) for part in ("query", "key", "value"))
        if cut == "interleaved":
            query, key, value = (
                part.view(B, T, D, heads).permute(0, 3, 1, 2) for part in (query, key, value)
            )
            context = (query @ key.mT / math.sqrt(D)).softmax(-1) @ value
            return context.permute(0, 2, 3, 1).reshape(B, T, H)
        sizes = (B, heads, T, D) if cut == "view" else (B, T, heads, D)
        query, key, value = (part.view(sizes) for part in (query, key, value))
        context = (query @ key.mT / math.sqrt(D)).softmax(-1) @ value
        return (context.transpose(1, 2) if cut == "view" else context).reshape(B, T, H)

    def attention(x):
        if cut != "right":
            return linear("attention.output.dense", cut_wrongly(x))
        parts = [
            linear(f"attention.self.{part}", x).view(B, T, heads, -1) for part in ("query", "key", "value")
        ]
        query, key, value = (part.transpose(1, 2) for part in parts)
        context = (query @ key.transpose(-2, -1) / (root or math.sqrt(H // heads))).softmax(axis) @ value
        context = context.reshape(B, T, H) if mixed else context.transpose(1, 2).reshape(B, T, H)
        return linear("attention.output.dense", context)

    def feed_forward(x):
        return linear("output.dense", activation(linear("intermediate.dense", x)))

    first, last = "attention.output.LayerNorm", "output.LayerNorm"
    if order == "norm, then add":
        hidden = hidden + norm(first, attention(hidden))
        return hidden + norm(last, feed_forward(hidden))
    if pre_norm:
        hidden = hidden + attention(norm(first, hidden))
        return hidden + feed_forward(norm(last, hidden))
    hidden = norm(first, attention(hidden) + (hidden if residual else 0))
    return norm(last, feed_forward(hidden) + hidden)


def _parameters(c, *, tied=True, heads=True, decoder_bias=True, by_heads=1, inner=None, norms=2, biases=True):
    H, inner = c.hidden_size, inner or c.intermediate_size
    embeddings = (c.vocab_size + c.max_position_embeddings + c.type_vocab_size) * H + 2 * H
    attention = by_heads * 4 * (H * H + H * biases)
    feed_forward = 2 * H * inner + (inner + H) * biases
    total = embeddings + c.num_hidden_layers * (attention + feed_forward + norms * 2 * H) + H * H + H
    if heads:
        total += H * H + 3 * H + c.vocab_size * decoder_bias + 2 * H + 2
    return total if tied else total + c.vocab_size * H


def _count_by_hand(c):
    V, H, L, inner = c.vocab_size, c.hidden_size, c.num_hidden_layers, c.intermediate_size
    blocks = L * (4 * (H * H + H) + 2 * H + H * inner + inner + inner * H + H + 2 * H)
    return (V + 512 + 2) * H + 2 * H + blocks + H * H + H


def _attend_in_numpy(query, key, value, attention_mask):
    q, k, v, mask = (x.numpy().astype(numpy.float64) for x in (query, key, value, attention_mask))
    scores = q @ k.swapaxes(-1, -2) / numpy.sqrt(q.shape[-1])
    scores = numpy.where(mask[:, None, None, :] == 1, scores, -numpy.inf)
    powers = numpy.exp(scores - scores.max(-1, keepdims=True))
    weights = powers / powers.sum(-1, keepdims=True)
    return torch.from_numpy(weights @ v), torch.from_numpy(weights)


def _attend_by_einsum(query, key, value, attention_mask):
    scores = torch.einsum("baid,bajd->baij", query, key) * query.size(-1) ** -0.5
    scores = scores + (1.0 - attention_mask.float())[:, None, None, :] * -10000.0
    weights = functional.softmax(scores, dim=3)
    return [torch.einsum("baij,bajd->baid", weights, value), weights]


def _attend_by_loops(query, key, value, attention_mask):
    B, A, T, D = query.shape
    context, weights = torch.zeros(B, A, T, D), torch.zeros(B, A, T, T)
    for b in range(B):
        real = [j for j in range(T) if attention_mask[b, j]]
        for a in range(A):
            for i in range(T):
                powers = {j: math.exp(float(query[b, a, i] @ key[b, a, j]) / math.sqrt(D)) for j in real}
                for j in real:
                    weights[b, a, i, j] = powers[j] / sum(powers.values())
                    context[b, a, i] += weights[b, a, i, j] * value[b, a, j]
    return context, weights


def _attend_in_place(query, key, value, attention_mask):
    scores = (query.double() @ key.double().mT).div_(math.sqrt(key.shape[-1]))
    scores.masked_fill_(attention_mask.bool().logical_not()[:, None, None], torch.finfo(torch.float64).min)
    weights = scores.exp_().div_(scores.sum(-1, keepdim=True))
    return weights.matmul(value.double()), weights


def _attend_by_library(query, key, value, attention_mask):
    seen = attention_mask[:, None, None, :].bool()
    context = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
    eye = torch.eye(query.shape[2]).expand(*query.shape[:3], -1)
    return context, functional.scaled_dot_product_attention(query, key, eye, attn_mask=seen)


def _norm_in_numpy(hidden, weight, bias, eps):
    x = hidden.numpy().astype("float64")
    normal = (x - x.mean(-1, keepdims=True)) / numpy.sqrt(x.var(-1, keepdims=True) + eps)
    return torch.tensor(normal * weight.numpy() + bias.numpy())


def _norm_by_loops(hidden, weight, bias, eps):
    result = torch.empty_like(hidden)
    for b, sentence in enumerate(hidden.tolist()):
        for t, numbers in enumerate(sentence):
            mean = sum(numbers) / len(numbers)
            spread = math.sqrt(sum((x - mean) ** 2 for x in numbers) / len(numbers) + eps)
            result[b, t] = torch.tensor([(x - mean) / spread for x in numbers]) * weight + bias
    return result


def _norm_in_place(hidden, weight, bias, eps):
    x = hidden.clone()
    x -= x.mean(-1, keepdim=True)
    x *= torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)
    return x.mul_(weight).add_(bias)


def _block_by_einsum(hidden, layer, heads):
    x, H = hidden.double(), hidden.shape[-1]

    def linear(name, x):
        return torch.einsum("bti,oi->bto", x, layer[name + ".weight"].double()) + layer[name + ".bias"]

    def norm(name, x):
        x = x - x.mean(-1, keepdim=True)
        return (
            x / (x.square().mean(-1, keepdim=True) + 1e-12).sqrt() * layer[name + ".weight"]
            + layer[name + ".bias"]
        )

    D, contexts = H // heads, []
    query, key, value = (linear(f"attention.self.{part}", x) for part in ("query", "key", "value"))
    for head in range(heads):
        columns = slice(head * D, (head + 1) * D)
        scores = query[..., columns] @ key[..., columns].mT / D**0.5
        contexts.append(scores.softmax(-1) @ value[..., columns])
    x = norm("attention.output.LayerNorm", x + linear("attention.output.dense", torch.cat(contexts, dim=-1)))
    inner = linear("intermediate.dense", x)
    inner = inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2)))
    return norm("output.LayerNorm", x + linear("output.dense", inner))


def _block_of_modules(hidden, layer, heads):
    def linear(name):
        out, inner = layer[name + ".weight"].shape
        module = torch.nn.Linear(inner, out)
        module.load_state_dict({kind: layer[f"{name}.{kind}"] for kind in ("weight", "bias")})
        return module

    def norm(name):
        module = torch.nn.LayerNorm(hidden.shape[-1], eps=1e-12)
        module.load_state_dict({kind: layer[f"{name}.{kind}"] for kind in ("weight", "bias")})
        return module

    parts = (linear(f"attention.self.{part}")(hidden) for part in ("query", "key", "value"))
    parts = [part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in parts]
    context = functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
    middle = norm("attention.output.LayerNorm")(hidden + linear("attention.output.dense")(context))
    inner = torch.nn.GELU()(linear("intermediate.dense")(middle))
    return norm("output.LayerNorm")(middle + linear("output.dense")(inner))


def _block_of_torch(hidden, layer, heads):
    H = hidden.shape[-1]
    module = torch.nn.TransformerEncoderLayer(
        H, heads, layer["intermediate.dense.bias"].shape[0], 0.0, "gelu", 1e-12, batch_first=True
    ).eval()
    names = {"self_attn.out_proj": "attention.output.dense", "linear1": "intermediate.dense"}
    names |= {"linear2": "output.dense", "norm1": "attention.output.LayerNorm", "norm2": "output.LayerNorm"}
    state = {f"{o}.{kind}": layer[f"{t}.{kind}"] for o, t in names.items() for kind in ("weight", "bias")}
    for kind in ("weight", "bias"):
        parts = [layer[f"attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
        state[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
    module.load_state_dict(state)
    return module(hidden)


def _shapes(c):
    H, V, inner = c.hidden_size, c.vocab_size, c.intermediate_size
    outside = [(V, H), (c.max_position_embeddings, H), (c.type_vocab_size, H), (2, H)]
    block = [(4, H, H), (4, H), (2, H), (2, H), (H, inner), (inner,), (inner, H), (H,)]
    return [*outside, *block * c.num_hidden_layers, (H, H), (H,), (H, H), (H,), (2, H), (V,), (2, H), (2,)]


def _parameters_of_modules(c):
    """Build it on torch's device without memory, and ask the modules."""
    with torch.device("meta"):
        H = c.hidden_size
        block = torch.nn.TransformerEncoderLayer(H, 1, c.intermediate_size)
        outside = torch.nn.ModuleList(
            [
                *(
                    torch.nn.Embedding(n, H)
                    for n in (c.vocab_size, c.max_position_embeddings, c.type_vocab_size)
                ),
                *(torch.nn.LayerNorm(H), torch.nn.LayerNorm(H), torch.nn.Linear(H, H), torch.nn.Linear(H, H)),
                torch.nn.Linear(H, 2),
            ]
        )
    counts = [sum(p.numel() for p in module.parameters()) for module in (block, outside)]
    return c.num_hidden_layers * counts[0] + counts[1] + c.vocab_size


RIGHT = {
    "2.1": [_attend_in_numpy, _attend_by_einsum, _attend_by_loops, _attend_in_place, _attend_by_library],
    "2.2": [
        _norm_in_numpy,
        _norm_by_loops,
        _norm_in_place,
        lambda hidden, weight, bias, eps: functional.layer_norm(hidden, hidden.shape[-1:], weight, bias, eps),
        lambda hidden, weight, bias, eps: functional.layer_norm(
            hidden.double(), weight.shape, weight.double(), bias.double(), eps
        ),
        lambda h, w, b, eps: (
            (h - h.mean(2, True)) * (h.std(2, correction=0, keepdim=True) ** 2 + eps) ** -0.5 * w + b
        ),
    ],
    "2.3": [_block, _block_by_einsum, _block_of_modules, _block_of_torch],
    "2.4": [
        lambda c: sum(numpy.prod(shape) for shape in _shapes(c)),
        lambda c: torch.tensor([math.prod(shape) for shape in _shapes(c)]).sum(),
        lambda c: float(_parameters(c)),
        lambda c: Fraction(_parameters(c)),
        lambda c: Decimal(_parameters(c)),
        _parameters_of_modules,
    ],
}

WRONG = {
    "2.1": [
        (partial(_attend, divisor=lambda query: math.sqrt(query.shape[1] * query.shape[-1])), "d_model"),
        (partial(_attend, divisor=lambda query: 1.0), "the scores aren't divided by anything"),
        (partial(_attend, divisor=lambda query: query.shape[-1]), "its square root"),
        (partial(_attend, divisor=lambda query: math.sqrt(query.shape[2])), "sequence length"),
        (partial(_attend, axis=-2), "wrong axis"),
        (partial(_attend, axis=1), "wrong axis"),
        (partial(_attend, masking="after"), "after the softmax"),
        (partial(_attend, masking=None), "padding is attended to"),
        (partial(_attend, masking="inverted"), "1 means token"),
        (partial(_attend, masking="queries"), "keys that must be hidden"),
        (partial(_attend, masking="minus infinity times mask"), "NaN"),
        (_context_transposed, "uses them transposed"),
        (lambda query, key, value, attention_mask: (value, _attend(query, key, value, attention_mask)[1]), "weighted sum of the values"),
        (lambda query, key, value, attention_mask: value, "return context, weights"),
        (lambda query, key, value, attention_mask: (value, value), "the shape should be"),
        (partial(_attend, masking="multiplied"), "becomes 0"),
        (partial(_attend, masking="tiny"), "becomes 0"),
        (partial(_attend, masking="weak"), "isn't low enough"),
        (partial(_attend, masking="added"), "isn't low enough"),
        (partial(_attend, masking="causal"), "as in GPT"),
        (partial(_attend, masking="diagonal"), "doesn't see itself"),
        (partial(_attend, axis=0), "wrong axis"),
        (partial(_attend, divisor=lambda query: math.sqrt(32)), "the D of the lesson's model"),
        (partial(_attend, divisor=lambda query: math.sqrt(8)), "Compare with the four steps"),
        (lambda query, key, value, attention_mask: _attend(query, key, value, attention_mask)[::-1], "in the wrong order"),
        (lambda query, key, value, attention_mask: _attend(key, query, value, attention_mask), "changed places"),
        (lambda query, key, value, attention_mask: _attend(query, key, key, attention_mask), "not weights @ key"),
        (lambda query, key, value, attention_mask: (value, query @ key.mT / math.sqrt(query.shape[-1])), "softmax is missing"),
        (lambda query, key, value, attention_mask: (value, torch.sigmoid(query @ key.mT)), "the first sums to"),
        (_attend_changing_the_query, "changes query itself"),
    ],
    "2.2": [
        (partial(_layer_norm, outside=True), "outside the root"),
        (lambda hidden, weight, bias, eps: weight * (hidden - hidden.mean(-1, keepdim=True)) / (hidden.std(-1, keepdim=True) + eps) + bias, "And std() divides by H - 1"),
        (partial(_layer_norm, unbiased=True), "H - 1"),
        (partial(_layer_norm, axis=0), "wrong axis"),
        (partial(_layer_norm, axis=1), "wrong axis"),
        (partial(_layer_norm, axis=(0, 1, 2)), "wrong axis"),
        (partial(_layer_norm, affine=False), "weight and bias aren't used"),
        (lambda hidden, weight, bias, eps: hidden * weight + bias, "differs from LayerNorm by up to"),
        (lambda hidden, weight, bias, eps: _layer_norm(hidden, bias, weight, eps), "changed places"),
        (lambda hidden, weight, bias, eps: _layer_norm(hidden, weight, bias, 1e-12), "eps isn't used"),
        (lambda hidden, weight, bias, eps: weight * hidden / (hidden.square().mean(-1, keepdim=True) + eps).sqrt() + bias, "RMSNorm"),
        (lambda hidden, weight, bias, eps: weight * functional.normalize(hidden - hidden.mean(-1, keepdim=True), dim=-1) + bias, "length of the vector"),
        (lambda hidden, weight, bias, eps: _layer_norm(hidden, weight, 0, eps), "bias isn't added"),
        (lambda hidden, weight, bias, eps: _layer_norm(hidden, 1, bias, eps), "weight isn't multiplied in"),
        (lambda hidden, weight, bias, eps: weight * (_layer_norm(hidden, 1, 0, eps) + bias), "bias is multiplied by the weight"),
        (lambda hidden, weight, bias, eps: _layer_norm(hidden.sub_(0.01), weight, bias, eps), "changes hidden itself"),
        (lambda hidden, weight, bias, eps: hidden.tolist(), "you return list"),
    ],
    "2.3": [
        (partial(_block, residual=False), "residual around attention is missing"),
        (partial(_block, pre_norm=True), "post-norm"),
        (partial(_block, activation=functional.relu), "ReLU"),
        (partial(_block, activation=partial(functional.gelu, approximate="tanh")), "tanh approximation"),
        (partial(_block, activation=lambda x: x), "one linear map"),
        (partial(_block, root=1.0), "scores aren't divided by the square root"),
        (partial(_block, root=math.sqrt(384)), "divide by that of one head's width"),
        (partial(_block, mixed=True), "side by side"),
        (lambda hidden, layer, heads: hidden[0], "the shape should be"),
        (lambda hidden, layer, heads: hidden, "your output equals the input"),
        (lambda hidden, layer, heads: 2 * hidden, "differs from the real layer's by up to"),
        (partial(_block, order="norm, then add"), "normalize what the layer made and then add"),
        (partial(_block, cut="view"), "reads the numbers in the wrong order"),
        (partial(_block, cut="heads last"), "the heads of one token attend to each other"),
        (partial(_block, cut="interleaved"), "every A-th one"),
        (partial(_block, axis=-2), "over the queries"),
        (partial(_block, biases=False), "biases of the linear layers are missing"),
        (partial(_block, eps=1e-5), "BERT's is 1e-12"),
        (lambda hidden, layer, heads: _block(hidden, layer, 12), "whatever the argument says"),
        (lambda hidden, layer, heads: _block(hidden.mul_(1), layer, heads) * (layer.clear() or 1), "changes the dictionary"),
    ],
    "2.4": [
        (partial(_parameters, tied=False), "It's tied"),
        (partial(_parameters, heads=False), "both heads are missing"),
        (partial(_parameters, decoder_bias=False), "decoder's bias is missing"),
        (lambda c: _parameters(c, by_heads=c.num_attention_heads), "number of heads"),
        (lambda c: _parameters(c, inner=4 * c.hidden_size), "4 times the hidden size"),
        (partial(_parameters, norms=1), "two LayerNorms"),
        (partial(_parameters, biases=False), "biases of the dense layers in the blocks"),
        (lambda c: 110_000_000, "a difference of"),
        (lambda c: _parameters(c) - 2, "has a bias too"),
        (lambda c: _parameters(c) - c.vocab_size - 2, "both heads end without a bias"),
        (_count_by_hand, "this is the lesson's count_by_hand"),
        (lambda c: _parameters(c) + (514 - c.max_position_embeddings - c.type_vocab_size) * c.hidden_size, "use max_position_embeddings and type_vocab_size"),
        (lambda c: _parameters(c) + (512 - c.max_position_embeddings) * c.hidden_size, "you count 512 positions. "),
        (lambda c: str(_parameters(c)), "you return str"),
        (lambda c: _parameters(c) + (30522 - c.vocab_size) * (c.hidden_size + 1), "30,522 words"),
        (lambda c: torch.zeros(2), "return one number"),
    ],
}  # fmt: skip


def attend(query, key, value, attention_mask):
    """Return two tensors: the context (B, A, T, D) and the attention weights (B, A, T, T)."""
    ...


def layer_norm(hidden, weight, bias, eps):
    """Return each token's vector with mean 0 and variance 1, times weight, plus bias."""
    ...


def my_block(hidden, layer, heads):
    """Return the output (B, T, H) of one block with the published weights in the dictionary layer."""
    ...


def pretraining_parameters(configuration):
    """Return the number of parameters of encoder, pooler, word head and sentence head."""
    ...


STUBS = {"2.1": attend, "2.2": layer_norm, "2.3": my_block, "2.4": pretraining_parameters}
