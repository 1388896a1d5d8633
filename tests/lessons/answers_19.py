"""Stubs of lesson 19, right answers in several styles, and the usual wrong answers, each with part of the message that it must get."""

import numpy as np
import torch
import torch.nn.functional as F

from course_lib.lessons import exercises_19 as reference


def encoder_parameters(vocabulary, embedding, hidden, blocks, shared):
    """Return the number of parameters of an encoder with 512 positions and 2 segments, and no pooler."""
    ...


def choose_spans(special, spans, budget):
    """Return the sorted positions to guess: spans (start, length) in their order, until `budget` are chosen."""
    ...


def distillation_loss(student_scores, teacher_scores, labels, temperature, soft_share):
    """Return the loss of a student, one number: soft_share of T² · KL(teacher ‖ student) and the rest of cross-entropy."""
    ...


def quantize_rows(weight):
    """Return weight (out, in) as int8 from -127 to 127, and the scale (out,) of each row."""
    ...


def cut_heads(query_weight, output_weight, head_size, heads):
    """Return query_weight (A·D, H) and output_weight (H, A·D) without the listed heads, numbered from 0."""
    ...


STUBS = {
    "19.1": encoder_parameters,
    "19.2": choose_spans,
    "19.3": distillation_loss,
    "19.4": quantize_rows,
    "19.5": cut_heads,
}


def counted(block=1, tables=(514, 2), bias=1, widen=None, always=False, pooler=0):
    """A count with one part of it counted wrong: blocks, rows beside the words, numbers of the norm, the widening."""

    def count(v, e, h, n, s):
        total = (v + tables[0]) * e + tables[1] * e + pooler * (h * h + h)
        if (e != h or always) if widen is None else widen:
            total += e * h + bias * h
        times = {1: 1 if s else n, "all": n, "one": 1}[block]
        return total + times * (12 * h * h + 13 * h)

    return count


def count_by_modules(v, e, h, n, s):
    block = torch.nn.TransformerEncoderLayer(h, 1, 4 * h, device="meta")
    parts = [torch.nn.Embedding(rows, e, device="meta") for rows in (v, 512, 2)]
    parts += [torch.nn.LayerNorm(e, device="meta")] + (1 if s else n) * [block]
    parts += [torch.nn.Linear(e, h, device="meta")] if e != h else []
    return sum(p.numel() for part in parts for p in part.parameters())


def spans_in_an_array(special, spans, budget):
    free = ~np.array(special)
    chosen = np.zeros(len(special), bool)
    for start, length in spans:
        stop = start + length
        if stop <= len(special) and (free & ~chosen)[start:stop].all():
            chosen[start : min(stop, start + budget - chosen.sum())] = True
    return np.flatnonzero(chosen)


def spans_with_a_list(special, spans, budget):
    chosen = []
    for start, length in spans:
        positions = [*range(start, start + length)]
        if positions[-1] >= len(special):
            continue
        if any(special[p] for p in positions) or set(positions) & set(chosen):
            continue
        chosen.extend(positions)
        if len(chosen) >= budget:
            break
    return sorted(chosen[:budget])


def spans_until_nothing_is_left(special, spans, budget):
    spans, chosen = list(spans), set()
    while spans and len(chosen) < budget:
        start, length = spans.pop(0)
        new = set(range(start, start + length))
        if max(new) < len(special) and not new & chosen and not sum(special[p] for p in new):
            chosen |= set(sorted(new)[: budget - len(chosen)])
    return tuple(sorted(chosen))


def spans_by_recursion(special, spans, budget):
    if not spans or not budget:
        return []
    (start, length), *others = spans
    if start + length > len(special) or any(special[start : start + length]):
        return spans_by_recursion(special, others, budget)
    new = list(range(start, start + length))[:budget]
    blocked = [s or p in range(start, start + length) for p, s in enumerate(special)]
    return sorted(new + spans_by_recursion(blocked, others, budget - len(new)))


def loose_spans(special, spans, budget, leave_out="meets", cut=True, ordered=True):
    """Spans with a rule left out: what may be met, whether parts of spans are taken, whether the last one is cut."""
    chosen = []
    for start, length in spans:
        positions = [p for p in range(start, start + length) if leave_out == "outside" or p < len(special)]
        bad = [p for p in positions if p < len(special) and special[p]]
        again = [p for p in positions if p in chosen]
        room = budget - len(chosen)
        if room <= 0:
            break
        if leave_out == "parts":
            positions = [p for p in positions if p not in bad + again]
        elif (bad and leave_out not in ("special", "outside")) or (again and leave_out != "twice"):
            continue
        if cut is False and length > room:
            continue
        chosen += positions if cut is None else positions[:room]
    return sorted(chosen) if ordered else chosen


def soft_part(student, teacher, temperature):
    p, q = (torch.softmax(scores / temperature, dim=-1) for scores in (teacher, student))
    return (p * (p.log() - q.log())).sum(dim=-1).mean()


def distilled(soft, weight=lambda t: t * t, hard=lambda s, y, t: F.cross_entropy(s, y), shares=None):
    """A loss of the given parts; shares are those of soft and hard."""
    shares = shares or (lambda a: (a, 1 - a))
    return lambda s, t, y, temperature, a: (
        shares(a)[0] * weight(temperature) * soft(s, t, temperature) + shares(a)[1] * hard(s, y, temperature)
    )


def loss_in_a_loop(student, teacher, labels, temperature, share):
    total = 0.0
    for s, t, y in zip(student, teacher, labels, strict=True):
        p = torch.exp(t / temperature) / torch.exp(t / temperature).sum()
        log_q = s / temperature - torch.logsumexp(s / temperature, 0)
        soft = (p * (torch.log(p) - log_q)).sum()
        total = total + share * temperature**2 * soft - (1 - share) * torch.log_softmax(s, 0)[y]
    return total / len(labels)


def quantize_in_a_loop(weight):
    whole, scales = torch.zeros(weight.shape, dtype=torch.int8), torch.ones(len(weight))
    for row, values in enumerate(weight):
        largest = float(values.abs().max())
        if largest:
            scales[row] = largest / 127
            whole[row] = torch.tensor([round(float(value) / largest * 127) for value in values])
    return whole, scales


def quantize_by_numpy(weight):
    values = weight.numpy()
    scale = np.maximum(np.abs(values).max(axis=1), 1e-12) / 127
    return torch.from_numpy(np.rint(values / scale[:, None]).astype(np.int8)), torch.from_numpy(scale)


def quantized(scale_of, convert=torch.round):
    """Rows by another scale or another way of rounding."""

    def quantize(weight):
        scale = torch.as_tensor(scale_of(weight))
        steps = scale[:, None] if scale.numel() == len(weight) and scale.dim() == 1 else scale
        return convert(weight / steps).to(torch.int8), scale

    return quantize


def row_scale(weight, steps=127):
    largest = weight.abs().amax(dim=1)
    return torch.where(largest > 0, largest / steps, 1.0)


def quantize_in_place(weight):
    whole, scale = reference.quantize_rows(weight.clone())
    weight /= scale[:, None]
    return whole, scale


def signed_scale(weight):
    largest = weight.amax(dim=1)
    return torch.where(largest > 0, largest / 127, 1.0)


def cut_by_view(query, output, size, heads):
    keep = [head for head in range(len(query) // size) if head not in heads]
    by_head = query.view(-1, size, query.shape[1])[keep]
    columns = output.view(output.shape[0], -1, size)[:, keep]
    return by_head.flatten(0, 1), columns.flatten(1)


def cut_by_mask(query, output, size, heads):
    keep = torch.tensor([row // size not in heads for row in range(len(query))])
    return query[keep], output[:, keep]


def cut_by_pieces(query, output, size, heads):
    keep = [head for head in range(len(query) // size) if head not in heads]
    first = torch.cat([query[head * size : (head + 1) * size] for head in keep])
    return first, torch.cat([output[:, head * size : (head + 1) * size] for head in keep], dim=1)


def cut_one_after_another(query, output, size, heads):
    for head in sorted(heads, reverse=True):
        rows = [r for r in range(len(query)) if not head * size <= r < (head + 1) * size]
        query, output = query[rows], output[:, rows]
    return [query, output]


def zeroed(query, output, size, heads):
    query, output = query.clone(), output.clone()
    for head in heads:
        query[head * size : (head + 1) * size] = 0
        output[:, head * size : (head + 1) * size] = 0
    return query, output


def without(query, output, rows):
    keep = [row for row in range(len(query)) if row not in rows]
    return query[keep], output[:, keep]


RIGHT = {
    "19.1": [
        count_by_modules,
        counted(),
        lambda v, e, h, n, s: sum((v * e, 516 * e, (e != h) * (e + 1) * h, (s or n) * h * (12 * h + 13))),
        lambda v, e, h, n, s: float(reference.encoder_parameters(v, e, h, n, s)),
    ],
    "19.2": [spans_in_an_array, spans_with_a_list, spans_until_nothing_is_left, spans_by_recursion],
    "19.3": [
        loss_in_a_loop,
        distilled(soft_part),
        lambda s, t, y, k, a: torch.lerp(F.cross_entropy(s, y), k**2 * soft_part(s, t, k), a),
        lambda s, t, y, k, a: a * k * k * F.kl_div(
            (s / k).log_softmax(1), (t / k).log_softmax(1), reduction="batchmean", log_target=True
        ) + (1 - a) * F.nll_loss(s.log_softmax(1), y),
    ],
    "19.4": [
        quantize_in_a_loop,
        quantize_by_numpy,
        quantized(row_scale),
        lambda w: (w.div(row_scale(w).view(-1, 1)).round().clamp(-127, 127).char(), row_scale(w)[:, None]),
    ],
    "19.5": [cut_by_view, cut_by_mask, cut_by_pieces, cut_one_after_another],
}  # fmt: skip

WRONG = {
    "19.1": [
        (counted("all"), "they're stored once"),
        (counted("one"), "count each of them"),
        (counted(widen=False), "what widens them is missing"),
        (counted(bias=0), "has a bias, too"),
        (counted(always=True), "a square matrix too many"),
        (counted(tables=(512, 2)), "two segments *and*"),
        (counted(tables=(514, 1)), "a scale *and* a shift"),
        (counted(tables=(0, 2)), "positions and the 2 segments are missing"),
        (counted(pooler=1), "a square matrix too many"),
        (
            lambda v, e, h, n, s: (
                (v + 516) * h + (e != h) * (e + 1) * h + (1 if s else n) * h * (12 * h + 13)
            ),
            "embedding numbers a row",
        ),
        (lambda v, e, h, n, s: v * e, "it should be"),
        (lambda v, e, h, n, s: [v], "return one number"),
    ],
    "19.2": [
        (lambda s, p, b: loose_spans(s, p, b, "special"), "is [CLS] or [SEP]"),
        (lambda s, p, b: loose_spans(s[:-1] + [False], p, b, "outside"), "is [CLS] or [SEP]"),
        (lambda s, p, b: [*range(len(s), len(s) + b)], "outside the text"),
        (lambda s, p, b: loose_spans(s, p, b, "twice"), "chosen twice"),
        (lambda s, p, b: loose_spans(s, p, b, "parts"), "half a span"),
        (lambda s, p, b: loose_spans(s, p, b, cut=None), "Cut the last span"),
        (lambda s, p, b: loose_spans(s, p, b, cut=False), "there's room for"),
        (lambda s, p, b: loose_spans(s, p, b, ordered=False), "they aren't sorted"),
        (lambda s, p, b: sorted({start for start, _ in p if not s[start]})[:b], "only the starts"),
        (lambda s, p, b: reference.choose_spans(s, p[::-1], b), "in their order"),
        (lambda s, p, b: b, "return a list"),
    ],
    "19.3": [
        (distilled(soft_part, weight=lambda t: 1), "T² is missing"),
        (distilled(soft_part, weight=lambda t: t), "multiplied by T."),
        (distilled(lambda s, t, k: soft_part(t, s, k)), "the wrong way"),
        (distilled(lambda s, t, k: soft_part(s, t, k) / 5), "texts *and* classes"),
        (distilled(lambda s, t, k: 4 * soft_part(s, t, k)), "summed over the texts"),
        (distilled(soft_part, shares=lambda a: (1 - a, a)), "the shares are swapped"),
        (distilled(soft_part, hard=lambda s, y, t: F.cross_entropy(s / t, y)), "the hard part is softened"),
        (
            distilled(lambda s, t, k: F.cross_entropy(s / k, (t / k).softmax(-1))),
            "that's cross-entropy",
        ),
        (distilled(lambda s, t, k: soft_part(s, k * t, k)), "only the student is softened"),
        (distilled(soft_part, shares=lambda a: (a, 1)), "its full weight"),
        (distilled(lambda s, t, k: F.mse_loss(s, t)), "the loss is"),
        (lambda s, t, y, k, a: reference.distillation_loss(s, t, y, k, a).detach(), "has no gradient"),
        (lambda s, t, y, k, a: F.cross_entropy(s, y, reduction="none"), "with one number"),
        (lambda s, t, y, k, a: s.sum() * torch.nan, "isn't a number"),
    ],
    "19.4": [
        (quantized(lambda w: w.abs().max() / 127), "one scale for the whole matrix"),
        (quantized(lambda w: w.abs().amax(dim=0) / 127), "scales of columns"),
        (quantized(lambda w: row_scale(w, 128)), "int8 ends at 127"),
        (quantized(lambda w: row_scale(w, 255)), "255 steps"),
        (quantized(signed_scale), "taken with its sign"),
        (quantized(row_scale, lambda x: x), "the fractions are cut off"),
        (quantized(row_scale, torch.floor), "rounded down"),
        (quantized(lambda w: w.abs().amax(dim=1) / 127, lambda x: x.nan_to_num().round()), "0/0"),
        (lambda w: (torch.round(w / row_scale(w)[:, None]), row_scale(w)), "a byte each"),
        (lambda w: (reference.quantize_rows(w)[0], 1 / row_scale(w)), "that's 1/scale"),
        (quantized(lambda w: w.abs().mean(dim=1) + 1), "its largest absolute value"),
        (lambda w: (reference.quantize_rows(-w)[0], row_scale(w)), "the first row becomes"),
        (lambda w: reference.quantize_rows(w)[0], "return two tensors"),
        (lambda w: (reference.quantize_rows(w)[0][0], row_scale(w)), "it should be (3, 4)"),
        (quantize_in_place, "changes the weights"),
    ],
    "19.5": [
        (zeroed, "multiplied as slowly"),
        (lambda q, o, d, h: (q, cut_by_view(q, o, d, h)[1]), "as it was"),
        (lambda q, o, d, h: (cut_by_view(q, o, d, h)[0], o), "its *columns* go"),
        (lambda q, o, d, h: cut_by_view(q, o, d, [n for n in range(3) if n not in h]), "Keep the others"),
        (lambda q, o, d, h: without(q, o, h), "one row goes"),
        (lambda q, o, d, h: without(q, o, [r for r in range(len(q)) if r % 3 in h]), "every third row"),
        (
            lambda q, o, d, h: (without(q, q.T[:6], [r for r in range(6) if r // d in h])[0], o[2:]),
            "rows of the output's",
        ),
        (lambda q, o, d, h: (q[:, 2:], o), "columns of the query's"),
        (lambda q, o, d, h: (q[:4], o[:, :4]), "the wrong numbers"),
        (lambda q, o, d, h: q, "return two tensors"),
    ],
}
