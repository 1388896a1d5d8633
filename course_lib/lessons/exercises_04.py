"""Exercises and quiz of lesson 04, masked language modeling."""

import math
import operator
import random
from collections import Counter

import torch
from torch.nn.functional import cross_entropy

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, describe
from course_lib.translation import Message

# 4.1 ----------------------------------------------------------------------------------------------


def how_many(length):
    """Return how many tokens BERT chooses in a sequence of that length."""
    return min(20, max(1, round(0.15 * length)))


LENGTHS = (
    2,
    3,
    6,
    128,
    11,
    30,
    512,
    *range(4, 600),
)  # small, usual, rounded down, an exact half, capped, all


def examine_how_many(answer):
    counts = {length: _count(call(answer, length), length) for length in LENGTHS}
    if len(set(counts.values())) == 1:
        raise Mistake(
            "you choose {result} tokens at every length. Did you swap the limits? max(1, …) keeps a count "
            "from falling below 1, and min(20, …) keeps it from rising above 20.",
            result=counts[2],
        )
    for length, result in counts.items():
        if result <= 0:
            raise Mistake(
                "for length {length} you choose {result} tokens. A sequence without any prediction teaches "
                "nothing: choose at least 1.",
                length=length,
                result=result,
            )
        if length == 512 and result > 20:
            raise Mistake(
                "for length 512 you choose {result}. With the default limit, which goes with length 128, "
                "a sequence has at most 20 predictions. Cap the count.",
                result=result,
            )
    if max(counts.values()) < 20:
        raise Mistake(
            "you never choose more than {most} tokens, but the limit is 20.",
            most=max(counts.values()),
        )
    wrong = [length for length in LENGTHS if counts[length] != how_many(length)]
    if wrong:
        raise _wrong_rounding(counts, wrong[0])


def _count(result, length):
    """Return an answer as an int; numpy's and torch's will do."""
    try:
        if not isinstance(result, bool):
            return operator.index(result)
    except (TypeError, ValueError, RuntimeError):
        pass
    try:
        whole = not isinstance(result, str) and float(result) == int(result)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        whole = None
    if whole is None or isinstance(result, str):
        raise Mistake(
            "for length {length} you return {kind}. Return one whole number, the number of tokens to choose.",
            length=length,
            kind=describe(result),
        )
    if not whole:
        raise Mistake(
            "for length {length} you return {result:.2f}. You can't choose a fraction of a token, so "
            "round to a whole number.",
            length=length,
            result=float(result),
        )
    raise Mistake(
        "for length {length} you return {result}. That's a whole number, but return it as an int. round() "
        "without a second argument gives one, and so does int() around the whole expression.",
        length=length,
        result=str(result),
    )


def _wrong_rounding(counts, length):
    result, reference, share = counts[length], how_many(length), 0.15 * length

    def rounded(rounding):
        return all(counts[n] == min(20, max(1, rounding(n))) for n in LENGTHS)

    if rounded(lambda n: math.floor(0.15 * n)):
        return Mistake(
            "for length {length} you choose {result}: int() and // cut the decimals off. 0.15 × {length} = "
            "{share:.2f} rounds to {reference}.",
            length=length,
            result=result,
            share=share,
            reference=reference,
        )
    if rounded(lambda n: math.ceil(0.15 * n)):
        return Mistake(
            "for length {length} you choose {result}: ceil() always rounds up. 0.15 × {length} = {share:.2f} "
            "rounds to {reference}.",
            length=length,
            result=result,
            share=share,
            reference=reference,
        )
    if rounded(lambda n: math.floor(0.15 * n + 0.5)):
        return Mistake(
            "for length {length} you choose {result}. 0.15 × {length} = {share:.2f} is an exact half. Python's "
            "round(), which the authors' code uses, takes the even neighbor, {reference}.",
            length=length,
            result=result,
            share=share,
            reference=reference,
        )
    if rounded(lambda n: round(0.15 * (n - 2))):
        return Mistake(
            "for length {length} you choose {result}, which is 15% of {length} - 2. [CLS] and [SEP] are never "
            "chosen, but they do count toward the length.",
            length=length,
            result=result,
        )
    return Mistake(
        "for length {length} you choose {result}; it should be {reference}.",
        length=length,
        result=result,
        reference=reference,
    )


# 4.2 ----------------------------------------------------------------------------------------------


def corrupt(input_ids, chosen, mask_id, random_ids, generator):
    """Return the corrupted ids: 80% [MASK], 10% a random word, 10% unchanged, at chosen places only."""
    draw = torch.rand(input_ids.shape, generator=generator)
    words = random_ids[torch.randint(len(random_ids), input_ids.shape, generator=generator)]
    corrupted = torch.where(chosen & (draw < 0.8), mask_id, input_ids)
    return torch.where(chosen & (draw >= 0.8) & (draw < 0.9), words, corrupted)


def examine_corrupt(answer):
    ids = torch.randint(1000, 2000, (64, 256), generator=_torch_generator(1))
    chosen = torch.rand(ids.shape, generator=_torch_generator(2)) < 0.5
    random_ids = torch.arange(2000, 30000)
    result = _corrupted(answer, ids, chosen, 103, random_ids, _torch_generator(3))
    if not torch.equal(result[~chosen], ids[~chosen]):
        raise Mistake("you change tokens that weren't chosen. Every condition must also include `chosen`.")
    _examine_shares(result, ids, chosen, random_ids)
    swapped = result[chosen & (result != 103) & (result != ids)]
    if not bool(torch.isin(swapped, random_ids).all()):
        raise Mistake(
            "some random words aren't in random_ids. Draw a position in random_ids and look up the word "
            "there; that's what keeps [CLS] and [PAD] out."
        )
    if len(swapped.unique()) < 0.5 * len(swapped):
        raise Mistake(
            "the same random word is used again and again. Draw one for each position: "
            "torch.randint(len(random_ids), input_ids.shape, ...)."
        )
    _examine_generator(answer, ids[:8, :64], chosen[:8, :64], random_ids)
    _examine_short_list(answer)
    _examine_small_batches(answer)


def _torch_generator(seed):
    return torch.Generator().manual_seed(seed)


def _corrupted(answer, ids, chosen, mask_id, random_ids, generator):
    """Return what an answer makes of a batch, if it has the right form and leaves its arguments alone."""
    arguments = {"input_ids": ids.clone(), "chosen": chosen.clone(), "random_ids": random_ids.clone()}
    result = call(
        answer, arguments["input_ids"], arguments["chosen"], mask_id, arguments["random_ids"], generator
    )
    if not isinstance(result, torch.Tensor) or result.shape != ids.shape:
        raise Mistake(
            "return one tensor with the shape of input_ids, {shape}, not {kind}.",
            shape=tuple(ids.shape),
            kind=describe(result),
        )
    if result.is_floating_point() or result.is_complex() or result.dtype == torch.bool:
        raise Mistake(
            "you return a tensor of {dtype}. Ids are whole numbers that an embedding looks up, so return "
            "int64, like input_ids.",
            dtype=result.dtype,
        )
    if not torch.equal(arguments["input_ids"], ids):
        raise Mistake(
            "you change input_ids itself, but the labels are read from it afterwards. Work on a copy, or "
            "use torch.where."
        )
    for name, before in (("chosen", chosen), ("random_ids", random_ids)):
        if not torch.equal(arguments[name], before):
            raise Mistake("you change `{name}`, but the caller still needs it. Work on a copy.", name=name)
    return result


def _examine_shares(result, ids, chosen, random_ids):
    masked = float((result[chosen] == 103).float().mean())
    kept = float((result[chosen] == ids[chosen]).float().mean())
    other = 1 - masked - kept
    if masked > 0.98:
        raise Mistake(
            "every chosen token becomes [MASK]. Then the model never learns to predict where it sees a "
            "real word, but in fine-tuning it sees only real words. 10% should stay and 10% become random "
            "words."
        )
    if abs(other - 0.02) < 0.012 and abs(masked - 0.8) < 0.03:
        raise Mistake(
            "only {other:.1%} become random words. You draw again and take 10% of the 20% that are left. "
            "Either take half of them, or compare the same draw with 0.8 and with 0.9.",
            other=other,
        )
    if masked < 0.02 and abs(other - 0.9) < 0.03:
        raise Mistake(
            "{other:.0%} become random words and none is [MASK]. `draw < 0.9` is also true below 0.8, so "
            "the random words overwrite every [MASK].",
            other=other,
        )
    if abs(masked - 0.72) < 0.03 and abs(other - 0.1) < 0.02:
        raise Mistake(
            "only {masked:.0%} are [MASK], because a second draw turns some of the masked tokens into "
            "random words. Let one draw decide which of the three happens.",
            masked=masked,
        )
    if other < 0.01:
        raise Mistake(
            "no chosen token becomes a random word: {masked:.0%} are [MASK] and {kept:.0%} stay. 10% "
            "should be random, so that the model doesn't trust any word blindly.",
            masked=masked,
            kept=kept,
        )
    if kept < 0.01:
        raise Mistake(
            "no chosen token stays as it is: {masked:.0%} are [MASK] and {other:.0%} random. 10% should "
            "be kept, so that the model learns to trust a word that fits.",
            masked=masked,
            other=other,
        )
    if abs(masked - 0.8) > 0.03 or abs(kept - 0.1) > 0.02 or abs(other - 0.1) > 0.02:
        raise Mistake(
            "the shares are {masked:.0%} [MASK], {other:.0%} random, {kept:.0%} kept; they should be 80%, "
            "10%, 10%.",
            masked=masked,
            other=other,
            kept=kept,
        )


def _examine_generator(answer, ids, chosen, random_ids):
    generators = [_torch_generator(seed) for seed in (3, 3, 4)]
    first, again, other = (_corrupted(answer, ids, chosen, 103, random_ids, g) for g in generators)
    if not torch.equal(first, again):
        raise Mistake("two runs with the same generator differ. Pass generator=generator to every draw.")
    if torch.equal(first, other):
        raise Mistake(
            "generators with different seeds give the same result. Draw from `generator`, and don't set a "
            "seed yourself, or every batch is masked the same way."
        )
    if torch.equal(first, _corrupted(answer, ids, chosen, 103, random_ids, generators[0])):
        raise Mistake(
            "a second call with the same generator repeats the first. Pass the generator to torch.rand, "
            "and don't reset it to its seed."
        )


def _examine_short_list(answer):
    """With few words and all tokens chosen, it shows which word comes how often, and who shares a draw."""
    ids = torch.randint(3000, 4000, (64, 128), generator=_torch_generator(5))
    mask_id, random_ids = 4, torch.tensor([2500, 12, 400, 7, 999, 31, 5, 64])
    result = _corrupted(
        answer, ids, torch.ones_like(ids, dtype=torch.bool), mask_id, random_ids, _torch_generator(6)
    )
    swapped = result[(result != ids) & (result != mask_id)]
    if bool((swapped == 103).any()):
        raise Mistake("you write 103, but mask_id is {mask_id} here. Use the argument.", mask_id=mask_id)
    if not bool(torch.isin(swapped, random_ids).all()):
        raise Mistake(
            "with random_ids {words} you also write {word}. The list may have gaps and may be in any "
            "order, so look up a word in it.",
            words=random_ids.tolist(),
            word=int(swapped[~torch.isin(swapped, random_ids)][0]),
        )
    masked = result == mask_id
    if bool((masked == masked[:, :1]).all()):
        raise Mistake(
            "all tokens of a sequence turn into the same thing. Make a separate draw for each token: the "
            "size of the draw is input_ids.shape."
        )
    if bool((masked == masked[:1]).all()):
        raise Mistake(
            "every sequence of the batch is masked at the same positions. Make a separate draw for each "
            "token: the size of the draw is input_ids.shape."
        )
    counts = Counter(swapped.tolist())
    for place, name in ((0, "first"), (-1, "last")):
        if random_ids[place].item() not in counts:
            raise Mistake(
                "the {name} word of random_ids is never drawn. torch.randint(n, size) gives 0 to n - 1, so "
                "n = len(random_ids) reaches them all.",
                name=Message("first") if name == "first" else Message("last"),
            )
    expected = len(swapped) / len(random_ids)
    word = max(random_ids.tolist(), key=lambda w: abs(counts[w] - expected))
    if abs(counts[word] - expected) > 6 * expected**0.5:  # six standard deviations
        raise Mistake(
            "some random words come up more often than others: of 8 words, number {place} comes up in "
            "{share:.0%} of the draws. Use a separate draw for the word. The draw that decides between "
            "80, 10 and 10 covers only a narrow range here.",
            place=random_ids.tolist().index(word) + 1,
            share=counts[word] / len(swapped),
        )


def _examine_small_batches(answer):
    """Shapes, ids and shares at random: a token that wasn't chosen stays, and a chosen one is one of three."""
    draw = random.Random(7)
    for seed in range(30):
        generator = _torch_generator(100 + seed)
        B, T = draw.randint(1, 4), draw.randint(2, 40)
        words = torch.randperm(500, generator=generator)
        mask_id, random_ids = int(words[0]), words[1 : 1 + draw.choice((1, 3, 90))]
        ids = 500 + torch.randint(500, (B, T), generator=generator)
        chosen = torch.rand(ids.shape, generator=generator) < draw.choice((0, 0.15, 0.6, 1))
        result = _corrupted(answer, ids, chosen, mask_id, random_ids, generator)
        right = (result == ids) | (chosen & ((result == mask_id) | torch.isin(result, random_ids)))
        if not bool(right.all()):
            row, column = (~right).nonzero()[0].tolist()
            raise Mistake(
                "in a batch of shape {shape} with {count} chosen tokens, id {before} becomes {after}. Here mask_id "
                "is {mask_id}, and there are {words} random words.",
                shape=(B, T),
                count=int(chosen.sum()),
                before=int(ids[row, column]),
                after=int(result[row, column]),
                mask_id=mask_id,
                words=len(random_ids),
            )


# 4.3 ----------------------------------------------------------------------------------------------


def masked_loss(scores, labels):
    """Return the mean cross-entropy over the positions whose label is not -100; 0 where there is none."""
    chosen = labels != -100
    if not chosen.any():
        return scores.sum() * 0.0
    return torch.nn.functional.cross_entropy(scores[chosen], labels[chosen])


def examine_masked_loss(answer):
    scores = torch.randn(5, 8, 50, generator=_torch_generator(4))
    labels = torch.full((5, 8), -100)
    labels[0, 3], labels[0, 6], labels[2, 7], labels[3, 1] = 5, 0, 17, 42
    value, _ = _loss(answer, scores, labels)
    if not _near(value, masked_loss(scores, labels)):
        raise _wrong_loss(float(value), scores, labels)
    value, _ = _loss(answer, 100 * scores, labels)
    if not math.isfinite(value):
        raise Mistake(
            "with large scores your loss is {value}: softmax rounds a small probability to 0, and log(0) "
            "is infinite. Use log_softmax or cross_entropy, which avoid that.",
            value=float(value),
        )
    empty = torch.full((5, 8), -100)
    value, gradient = _loss(answer, scores, empty)
    if not math.isfinite(value):
        raise Mistake(
            "a batch without any chosen token gives NaN, from 0 divided by 0. One such batch would ruin "
            "the whole model. Return 0 there."
        )
    if float(value) != 0:
        raise Mistake(
            "a batch without any chosen token gives a loss of {value:.3f}. Nothing was asked, so it "
            "should be 0.",
            value=float(value),
        )
    if not bool((gradient == 0).all()):
        raise Mistake("where no token was chosen the loss is 0, but its gradient isn't.")
    _examine_random_losses(answer)


def _loss(answer, scores, labels):
    """Return the loss that an answer computes, and its gradient for the scores."""
    leaf = scores.clone().requires_grad_()
    given, given_labels = leaf * 1, labels.clone()
    result = call(answer, given, given_labels)
    if not torch.equal(given_labels, labels):
        raise Mistake("you change labels itself, but the caller still needs it. Work on a copy.")
    if not torch.equal(given, scores):
        raise Mistake("you change scores itself, but the caller still needs it. Work on a copy.")
    some = Message("for a batch with chosen tokens")
    where = some if bool((labels != -100).any()) else Message("for a batch in which nothing was chosen")
    if not isinstance(result, torch.Tensor):
        raise Mistake(
            "{where}, you return {kind}. Training calls loss.backward(), so return a tensor that's "
            "computed from the scores, without .item(), float() or numpy. Where nothing is chosen, "
            "scores.sum() * 0.0 is such a zero.",
            where=where,
            kind=describe(result),
        )
    if result.numel() != 1:
        raise Mistake(
            "return one loss for the whole batch, not {kind}.",
            kind=describe(result),
        )
    if not result.requires_grad:
        raise Mistake(
            "{where}, you return a tensor that can't be differentiated, so loss.backward() stops. "
            "detach(), no_grad() and torch.tensor(…) cut it off from the scores. scores.sum() * 0.0 is a "
            "zero that isn't cut off.",
            where=where,
        )
    (gradient,) = torch.autograd.grad(result.sum(), leaf, allow_unused=True)
    return result.detach().reshape(()), torch.zeros_like(scores) if gradient is None else gradient


def _near(value, reference):
    """Tell whether a loss is right to a ten-thousandth, or to what its precision can hold."""
    tolerance = max(1e-4, 4 * torch.finfo(value.dtype).eps)
    return abs(float(value) - float(reference)) <= tolerance * max(1, abs(float(reference)))


def _wrong_loss(value, scores, labels):
    chosen = labels != -100
    count, right = int(chosen.sum()), float(masked_loss(scores, labels))

    def near(other):
        return abs(value - float(other)) < 1e-4

    if not math.isfinite(value):
        return Mistake("your loss is {value}. Is a logarithm taken of 0, or a sum divided by 0?", value=value)
    if near(right * count / labels.numel()):
        return Mistake(
            "your loss is {value:.3f}, the sum over {count} chosen positions divided by all {slots}. "
            "Divide by the number of chosen positions, or the loss shrinks when sentences get longer.",
            value=value,
            count=count,
            slots=labels.numel(),
        )
    if near(right * count):
        return Mistake(
            "your loss is {value:.3f}, a sum; take the mean over the chosen positions ({right:.3f}).",
            value=value,
            right=right,
        )
    if near(right * count / len(labels)):
        return Mistake(
            "your loss is {value:.3f}, the sum divided by the {rows} sentences. Divide by the {count} chosen "
            "positions.",
            value=value,
            rows=len(labels),
            count=count,
        )
    if near(cross_entropy(scores.flatten(0, 1), labels.flatten().clamp(min=0))):
        return Mistake(
            "your loss counts every position, with -100 turned into a word. Only chosen positions may count."
        )
    if near(cross_entropy(scores[labels > 0], labels[labels > 0])):
        return Mistake(
            "your loss leaves out a chosen position whose label is 0. That's a valid id, too. A position "
            "is chosen if its label isn't -100."
        )
    by_sentence = [masked_loss(s, row) for s, row in zip(scores, labels) if bool((row != -100).any())]
    if near(sum(by_sentence) / len(by_sentence)) or near(sum(by_sentence) / len(labels)):
        return Mistake(
            "your loss is {value:.3f}, which is the mean of each sentence's mean. That way, a token in a "
            "sentence with few chosen tokens counts for more. Take one mean over all chosen positions of "
            "the batch.",
            value=value,
        )
    if near(-right):
        return Mistake(
            "your loss is {value:.3f}, which is below 0. A surprise is *minus* the logarithm.", value=value
        )
    if near(masked_loss(scores.softmax(dim=-1), labels)):
        return Mistake(
            "your loss is {value:.3f}. cross_entropy takes the raw scores and applies softmax itself, and "
            "you've already applied it.",
            value=value,
        )
    if near(right / math.log(2)):
        return Mistake(
            "your loss is {value:.3f}, in bits: the logarithm has base 2. Take the natural one, torch.log.",
            value=value,
        )
    return Mistake(
        "your loss is {value:.3f}; the mean cross-entropy over the {count} chosen positions is {right:.3f}.",
        value=value,
        count=count,
        right=right,
    )


def _examine_random_losses(answer):
    """Sizes and shares at random; the gradient too, which is what a model learns from."""
    draw = random.Random(8)
    for seed in range(30):
        generator = _torch_generator(200 + seed)
        B, T, V = draw.randint(1, 4), draw.randint(1, 12), draw.randint(2, 30)
        scores = 3 * torch.randn(B, T, V, generator=generator)
        chosen = torch.rand(B, T, generator=generator) < draw.choice((0, 0.1, 0.5, 1))
        labels = torch.where(chosen, torch.randint(V, (B, T), generator=generator), -100)
        value, gradient = _loss(answer, scores, labels)
        (reference,) = torch.autograd.grad(masked_loss(leaf := scores.clone().requires_grad_(), labels), leaf)
        if not _near(value, masked_loss(scores, labels)):
            raise Mistake(
                "for scores of shape {shape} with {count} chosen positions your loss is {value:.4f}; it should be "
                "{reference:.4f}.",
                shape=tuple(scores.shape),
                count=int(chosen.sum()),
                value=float(value),
                reference=float(masked_loss(scores, labels)) + 0.0,  # no -0.0
            )
        if not torch.allclose(gradient.float(), reference, atol=max(1e-4, 4 * torch.finfo(value.dtype).eps)):
            raise Mistake(
                "your loss has the right value, but not the right gradient, so a model would learn "
                "something else. Does detach() or .item() cut off a part of it?"
            )


# 4.4 ----------------------------------------------------------------------------------------------

FRAME = ("[CLS]", "[SEP]", "[PAD]")


def group_pieces(tokens):
    """Return the positions of each word's pieces: a piece that starts with ## joins the word before it."""
    words = []
    for position, token in enumerate(tokens):
        if token in ("[CLS]", "[SEP]", "[PAD]"):
            continue
        if token.startswith("##") and words and words[-1][-1] == position - 1:
            words[-1].append(position)
        else:
            words.append([position])
    return words


def examine_group_pieces(answer):
    cases = [
        ("[CLS] the crowd app ##lau ##ded [SEP]", "plain"),
        ("[CLS] it ' s time , said o ' neill . [SEP]", "punctuation"),
        ("[CLS] 我 爱 北 京 [SEP]", "chinese"),
        ("[CLS] un ##believ ##able [SEP] [PAD] [PAD]", "padding"),
        ("[CLS] see [ 3 ] in chapter # 12 ##b [SEP]", "signs"),
        ("[CLS] so so ##n the so ##n of the sea [SEP] the ##n [SEP]", "repeated"),
        ("[CLS] [SEP]", "empty"),
    ]
    for text, kind in cases:
        tokens = text.split()
        result, reference = _words(answer, tokens), group_pieces(tokens)
        if result != reference:
            raise _wrong_words(tokens, kind, result, reference)
    draw = random.Random(9)
    for _ in range(30):
        tokens = _random_tokens(draw)
        result, reference = _words(answer, tokens), group_pieces(tokens)
        if result != reference:
            raise _wrong_words(tokens, "random", result, reference)


def _random_tokens(draw):
    """Return one or two sentences in a frame, with padding or without."""
    tokens = ["[CLS]"]
    for _ in range(draw.randint(1, 2)):
        for _ in range(draw.randint(0, 6)):
            tokens.append(draw.choice(("the", "sea", "1912", ".", "'", "#", "[", "京", "é", "a")))
            tokens.extend(
                draw.choice(("##s", "##1", "##ing", "##é")) for _ in range(draw.choice((0, 0, 1, 3)))
            )
        tokens.append("[SEP]")
    return tokens + ["[PAD]"] * draw.choice((0, 0, 1, 4))


def _words(answer, tokens):
    """Return an answer as a list of lists of int; tuples, arrays and tensors will do."""
    given = list(tokens)
    result = call(answer, given)
    if given != tokens:
        raise Mistake(
            "you change the list of tokens itself: {before} tokens became {after}. Leave the special "
            "tokens out of your result, but not out of the argument, or the positions no longer fit.",
            before=len(tokens),
            after=len(given),
        )
    try:
        words = [sorted(word) if isinstance(word, set | frozenset) else list(word) for word in result]
    except TypeError:
        raise Mistake(
            "return a list of lists of positions, such as {reference}; you return {result}.",
            reference=group_pieces(tokens),
            result=repr(result)[:80],
        ) from None
    try:
        return [[operator.index(position) for position in word] for word in words]
    except (TypeError, ValueError, RuntimeError):
        raise Mistake(
            "return the positions of the pieces, as numbers: for {tokens} they are {reference}, and you return {result}.",
            tokens=tokens,
            reference=group_pieces(tokens),
            result=repr(result)[:80],
        ) from None


def _wrong_words(tokens, kind, result, reference):
    flat = [position for word in result for position in word]
    if result == [[position - 1 for position in word] for word in reference]:
        return Mistake(
            "every position is one too small: enumerate(tokens[1:-1]) starts again from 0. [CLS] is position 0, "
            "so the first word is at 1."
        )
    if result == [[position + 1 for position in word] for word in reference]:
        return Mistake("every position is one too large. Count from 0: [CLS] is position 0.")
    if any(position not in range(len(tokens)) for position in flat):
        return Mistake(
            "for {tokens} you return {result}, and some of these positions don't exist: they go from 0 to {last}.",
            tokens=tokens,
            result=result,
            last=len(tokens) - 1,
        )
    if any(tokens[position] in FRAME for position in flat):
        return Mistake(
            "a special token is in a word (in {tokens}). [CLS], [SEP] and [PAD] are never masked, so "
            "leave them out.",
            tokens=tokens,
        )
    if len(set(flat)) < len(flat):
        return Mistake(
            "for {tokens} a position comes up twice: {result}. tokens.index() always finds the first of "
            "two equal tokens. enumerate gives each one its own position.",
            tokens=tokens,
            result=result,
        )
    lacking = [tokens[position] for word in reference for position in word if position not in flat]
    if lacking and any(token.startswith("##") for token in lacking):
        return Mistake(
            "for {tokens} you leave out {lacking}. A word has all of its pieces, including those with ##.",
            tokens=tokens,
            lacking=lacking,
        )
    if kind == "chinese" and len(result) == 1:
        return Mistake(
            "the Chinese sentence came out as one word. It has no spaces. Every token that doesn't start "
            "with ## begins a word."
        )
    if kind in ("plain", "padding") and all(len(word) == 1 for word in result):
        return Mistake(
            "each piece of {pieces} stands alone. A piece that starts with ## belongs to the word before it.",
            pieces=[tokens[position] for word in reference for position in word if len(word) > 1],
        )
    if kind == "punctuation" and any(len(word) > 1 for word in result):
        return Mistake(
            "you joined punctuation to its neighbors. The tokenizer has already split it off, so each "
            "mark is a word by itself."
        )
    if lacking:
        return Mistake(
            "for {tokens} you leave out {lacking}. Leave out only [CLS], [SEP] and [PAD]; any other "
            "symbol or number is a word.",
            tokens=tokens,
            lacking=lacking,
        )
    if sorted(map(sorted, result)) == reference:
        return Mistake(
            "for {tokens} you return {result}. The words are right, but their order isn't. Go from left "
            "to right, also within a word.",
            tokens=tokens,
            result=result,
        )
    if any("#" in tokens[word[0]] or any(tokens[p] == "#" for p in word[1:]) for word in result):
        return Mistake(
            "for {tokens} you return {result}. Only a token that *starts* with ## continues a word; a # "
            "alone is an ordinary symbol.",
            tokens=tokens,
            result=result,
        )
    return Mistake(
        "for {tokens} you return {result}; it should be {reference}.",
        tokens=tokens,
        result=result,
        reference=reference,
    )


EXERCISES = [
    Exercise(
        identifier="4.1",
        title="How many tokens to choose",
        difficulty=1,
        minutes=5,
        examine=examine_how_many,
        hints=(
            "The paper chooses 15% of the tokens; [CLS] and [SEP] count toward the length.",
            "Three steps: round to the nearest whole number, at least 1, at most 20.",
            "min(20, max(1, ...)) around round(0.15 * length).",
        ),
        solution=how_many,
        praise="At 128 tokens, the rule gives 19. The limit of 20 first matters at length 137.",
    ),
    Exercise(
        identifier="4.2",
        title="80/10/10 in two lines",
        difficulty=2,
        minutes=10,
        examine=examine_corrupt,
        hints=(
            (
                "Draw one number between 0 and 1 for each position: torch.rand(input_ids.shape, "
                "generator=generator)."
            ),
            (
                "One draw decides everything: below 0.8 → [MASK]; from 0.8 to 0.9 → a random word; "
                "from 0.9 on → unchanged."
            ),
            (
                "torch.where(condition, new, old) twice. A random word: "
                "random_ids[torch.randint(len(random_ids), input_ids.shape, generator=generator)]."
            ),
        ),
        solution=corrupt,
        praise="Only chosen tokens change, in the right shares, and every random word comes from random_ids.",
    ),
    Exercise(
        identifier="4.3",
        title="Loss on the chosen positions only",
        difficulty=2,
        minutes=10,
        examine=examine_masked_loss,
        hints=(
            "Which positions count? Those whose label is not -100.",
            (
                "Select first: scores[chosen] is (M, V) and labels[chosen] is (M,). Then cross_entropy takes "
                "the mean."
            ),
            (
                "Before that: if nothing is chosen, return scores.sum() * 0.0, a zero that can still be "
                "differentiated."
            ),
        ),
        solution=masked_loss,
        praise="Your loss is the mean over the chosen positions, it's finite for any scores, and it's a "
        "zero that can be differentiated if nothing was chosen.",
    ),
    Exercise(
        identifier="4.4",
        title="Words out of pieces",
        difficulty=2,
        minutes=10,
        examine=examine_group_pieces,
        hints=(
            "Walk through the tokens with enumerate and keep a list of words.",
            'token.startswith("##") means: append the position to words[-1].',
            "Everything else begins a new word, except [CLS], [SEP] and [PAD], which you skip.",
        ),
        solution=group_pieces,
        praise=(
            "The same rule works for English, punctuation and Chinese, because the tokenizer has already "
            "split them."
        ),
    ),
]

QUIZ = [
    Question(
        "Why can't BERT simply be trained to predict the next word?",
        Option(
            "Predicting the next word is too slow for long texts.",
            "Speed isn't the reason: a left-to-right model even gets a prediction from every position.",
        ),
        Option(
            "Without a decoder it can't write the words it predicts.",
            "The masked-language-model head writes words too. What matters is what the input gives away.",
        ),
        Option(
            "WordPiece doesn't say where one word ends and the next begins.",
            "It does: a piece that continues a word starts with ##.",
        ),
        Option(
            "Every position sees the whole sentence, the next word too.",
            "In a bidirectional encoder, the answer is in the input after one layer. Masking takes it out.",
            correct=True,
        ),
    ),
    Question(
        "A token was chosen and stays unchanged (the 10% kept). Does it count in the loss?",
        Option(
            "No, because nothing was hidden from the model.",
            "It counts. The model doesn't know which visible words it'll be asked about, so it must keep a good representation of all of them.",
        ),
        Option(
            "Yes, exactly as any other chosen token.",
            "All chosen tokens are predicted, whatever became of them.",
            correct=True,
        ),
        Option(
            "Yes, but only if the model gets it wrong.",
            "A loss is computed for every prediction; a right one simply has a small loss.",
        ),
        Option(
            "Yes, with a tenth of the weight.",
            "All chosen positions weigh the same in the mean.",
        ),
    ),
    Question(
        "How many predictions does one epoch give, compared with a left-to-right model?",
        Option(
            "About 80% as many",
            "80% is the share of the *chosen* tokens that become [MASK], not the share that is chosen.",
        ),
        Option(
            "About twice as many",
            "Each chosen token is predicted once, from both sides at the same time.",
        ),
        Option(
            "About 15% as many",
            "That's the price of masking, and one reason why pre-training takes many steps.",
            correct=True,
        ),
        Option(
            "Exactly as many",
            "A left-to-right model predicts every token; BERT predicts only the chosen ones.",
        ),
    ),
    Question(
        "What does dynamic masking change?",
        Option(
            "Which tokens are chosen when a sentence comes up again.",
            "The original drew the masks once and kept ten copies of the data; RoBERTa draws new ones.",
            correct=True,
        ),
        Option(
            "How many tokens are chosen, which grows during training.",
            "The share stays at 15%. What changes is which tokens are chosen.",
        ),
        Option(
            "How often hard words are chosen, compared with easy ones.",
            "The draw is uniform over the tokens, hard and easy.",
        ),
        Option(
            "What stands in a gap: a learned vector, and not [MASK].",
            "[MASK] has a learned embedding in both cases.",
        ),
    ),
    Question(
        "`app ##lau ##ded`: what does whole-word masking do when only two more tokens may be chosen?",
        Option(
            "It masks `app` and `##lau`, which fit.",
            "Then the rest of the word would give the answer away, which whole-word masking is there to prevent.",
        ),
        Option(
            "It skips the word and tries the others.",
            "A word that would exceed the count is passed over, as in the original code.",
            correct=True,
        ),
        Option(
            "It masks all three, one more than allowed.",
            "The number of predictions is fixed for a length; the original never exceeds it.",
        ),
        Option(
            "It stops, with two tokens fewer.",
            "Shorter words further on may still fit, so the search continues.",
        ),
    ),
    Question(
        "Your training loss falls below 0.5 within minutes, but the model fills gaps badly. Which mistake fits?",
        Option(
            "The labels hold every token, masked or not.",
            "Then 85% of the predictions are copies of words in plain sight. They're easy, they pull the mean down, and they teach little.",
            correct=True,
        ),
        Option(
            "The masks are new in every batch.",
            "New masks make the task harder to memorize, so the loss would fall more slowly.",
        ),
        Option(
            "The loss is a mean over the chosen tokens only.",
            "That's how it should be. This mean says honestly how badly gaps are filled.",
        ),
        Option(
            "The random words are drawn from too few words.",
            "That touches one chosen token in ten. It can't bring the whole loss down so far.",
        ),
    ),
    Question(
        "Two sentences have 18 chosen tokens each, six have 2. You average within each sentence, then over sentences. What changes?",
        Option(
            "Nothing, since a mean of means is the mean.",
            "Only if all sentences have equally many chosen tokens. Here they don't.",
        ),
        Option(
            "A token in a long sentence counts for more.",
            "It's the other way around: it shares its sentence's eighth with 17 others.",
        ),
        Option(
            "A token in a short sentence counts for more.",
            "Each sentence gets an eighth. In the short ones 2 tokens share it, in the long ones 18: nine times the weight.",
            correct=True,
        ),
        Option(
            "The padding of short sentences counts, too.",
            "Padding has the label -100 and is in neither mean. What shifts is the weight between sentences.",
        ),
    ),
]
