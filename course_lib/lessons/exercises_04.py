"""Exercises and quiz of lesson 04, masked language modeling."""

import math

import torch

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call, describe

# 4.1 ----------------------------------------------------------------------------------------------


def how_many(length):
    """Return how many tokens BERT chooses in a sequence of that length."""
    return min(20, max(1, round(0.15 * length)))


def examine_how_many(answer):
    for length in (2, 3, 6, 128, 11, 30, 512):  # small, usual, rounded down, an exact half, capped
        result, reference = call(answer, length), how_many(length)
        if isinstance(result, float) and result == reference:
            raise Mistake(
                "for length {length} you return {result}: the right size, but a count is an int. Drop the "
                "decimals with round().",
                length=length,
                result=result,
            )
        if result == reference:
            continue
        if result == 0 and reference == 1:
            raise Mistake(
                "for length {length} you choose 0 tokens. A sequence without any prediction teaches "
                "nothing: choose at least 1.",
                length=length,
            )
        if length == 512 and result == round(0.15 * 512):
            raise Mistake(
                "for length 512 you choose 77. With the default limit, which was made for length 128, a "
                "sequence has at most 20 predictions: cap the count."
            )
        if result == math.floor(0.15 * length):
            raise Mistake(
                "for length {length} you choose {result}: int() and // cut the decimals off. 0.15 × "
                "{length} = {share:.2f} rounds to {reference}.",
                length=length,
                result=result,
                share=0.15 * length,
                reference=reference,
            )
        if result == math.ceil(0.15 * length):
            raise Mistake(
                "for length {length} you choose {result}: ceil() rounds up always. 0.15 × {length} = "
                "{share:.2f} rounds to {reference}.",
                length=length,
                result=result,
                share=0.15 * length,
                reference=reference,
            )
        raise Mistake(
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
    mask_id, random_ids = 103, torch.arange(2000, 30000)
    ids = torch.randint(1000, 2000, (64, 256), generator=torch.Generator().manual_seed(1))
    chosen = torch.rand(ids.shape, generator=torch.Generator().manual_seed(2)) < 0.5
    before = ids.clone()
    result = call(answer, ids, chosen, mask_id, random_ids, torch.Generator().manual_seed(3))
    if not isinstance(result, torch.Tensor) or result.shape != before.shape:
        raise Mistake(
            "return one tensor of the shape of input_ids, {shape}; you return {kind}.",
            shape=tuple(before.shape),
            kind=describe(result),
        )
    if not torch.equal(ids, before):
        raise Mistake(
            "you change input_ids itself. The labels are read from it afterwards: work on a copy, or use "
            "torch.where."
        )
    if not torch.equal(result[~chosen], before[~chosen]):
        raise Mistake("you change tokens that were not chosen. Every replacement must also ask for `chosen`.")
    masked = float((result[chosen] == mask_id).float().mean())
    kept = float((result[chosen] == before[chosen]).float().mean())
    other = 1 - masked - kept
    if masked > 0.98:
        raise Mistake(
            "every chosen token becomes [MASK]. Then the model never sees a real word where it must "
            "predict, as it will in fine-tuning: 10% stay and 10% become random words."
        )
    if abs(other - 0.02) < 0.012 and abs(masked - 0.8) < 0.03:
        raise Mistake(
            "only {other:.1%} become random words. You draw anew and take 10% of the 20% that are left: "
            "either take half of them, or compare one and the same draw with 0.8 and 0.9.",
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
    swapped = result[chosen & (result != mask_id) & (result != before)]
    if not bool(torch.isin(swapped, random_ids).all()):
        raise Mistake(
            "some random words are not in random_ids. Draw a position in random_ids and look the word up "
            "there: that is what keeps [CLS] and [PAD] out."
        )
    if len(swapped.unique()) < 0.5 * len(swapped):
        raise Mistake(
            "the same random word is used again and again. Draw one for each position: "
            "torch.randint(len(random_ids), input_ids.shape, ...)."
        )
    again = call(answer, ids, chosen, mask_id, random_ids, torch.Generator().manual_seed(3))
    if not torch.equal(result, again):
        raise Mistake("two runs with the same generator differ. Pass generator=generator to every draw.")


# 4.3 ----------------------------------------------------------------------------------------------


def masked_loss(scores, labels):
    """Return the mean cross-entropy over the positions whose label is not -100; 0 where there is none."""
    chosen = labels != -100
    if not chosen.any():
        return scores.sum() * 0.0
    return torch.nn.functional.cross_entropy(scores[chosen], labels[chosen])


def examine_masked_loss(answer):
    generator = torch.Generator().manual_seed(4)
    scores = torch.randn(4, 10, 50, generator=generator)
    labels = torch.full((4, 10), -100)
    labels[0, 3], labels[2, 7], labels[3, 1] = 5, 17, 42
    result = call(answer, scores.clone(), labels.clone())
    value, reference = float(result), float(masked_loss(scores, labels))
    everywhere = torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten().clamp(min=0))
    if not math.isfinite(value):
        raise Mistake(
            "your loss is {value}. With log, log_softmax is safer than softmax: a probability can round to "
            "0.",
            value=value,
        )
    if abs(value - reference * 3 / 40) < 1e-4:
        raise Mistake(
            "your loss is {value:.3f}, the sum over 3 chosen positions divided by all 40. Divide by the "
            "number of chosen positions: else the loss shrinks as sentences grow.",
            value=value,
        )
    if abs(value - reference * 3) < 1e-4:
        raise Mistake(
            "your loss is {value:.3f}, a sum; take the mean over the chosen positions ({reference:.3f}).",
            value=value,
            reference=reference,
        )
    if abs(value - float(everywhere)) < 1e-3:
        raise Mistake(
            "your loss counts every position, with -100 turned into a word. Only chosen positions may count."
        )
    if abs(value - reference) > 1e-4:
        raise Mistake(
            "your loss is {value:.3f}; the mean cross-entropy over the 3 chosen positions is "
            "{reference:.3f}.",
            value=value,
            reference=reference,
        )
    empty = call(answer, scores.clone(), torch.full((4, 10), -100))
    if not math.isfinite(float(empty)):
        raise Mistake(
            "a batch without any chosen token gives NaN: 0 divided by 0. One such batch would destroy the "
            "whole model; return 0 there."
        )


# 4.4 ----------------------------------------------------------------------------------------------


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
    ]
    for text, kind in cases:
        tokens = text.split()
        result, reference = call(answer, list(tokens)), group_pieces(tokens)
        try:
            result = [list(map(int, word)) for word in result]
        except (TypeError, ValueError):
            raise Mistake(
                "return a list of lists of positions, such as {reference}; you return {result!r}.",
                reference=reference,
                result=result,
            ) from None
        if result == reference:
            continue
        flat = [position for word in result for position in word]
        if any(tokens[p] in ("[CLS]", "[SEP]", "[PAD]") for p in flat):
            raise Mistake(
                "a special token is in a word (in {tokens}). [CLS], [SEP] and [PAD] are never masked, so "
                "leave them out.",
                tokens=tokens,
            )
        if kind == "chinese" and len(result) == 1:
            raise Mistake(
                "the Chinese sentence came out as one word. There are no spaces in it: every character that "
                "does not start with ## begins a word."
            )
        if kind in ("plain", "padding") and all(len(word) == 1 for word in result):
            raise Mistake(
                "each piece of {pieces} stands alone. A piece that starts with ## belongs to the word "
                "before it.",
                pieces=tokens[2:5],
            )
        if kind == "punctuation":
            raise Mistake(
                "punctuation was joined to its neighbors. WordPiece has already split it off: it is a word "
                "of its own."
            )
        raise Mistake(
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
        praise="At 128 tokens the rule gives 19; the cap of 20 first bites at length 137.",
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
                "One draw decides all: below 0.8 → [MASK]; from 0.8 to 0.9 → a random word; "
                "above 0.9 → unchanged."
            ),
            (
                "torch.where(condition, new, old) twice. A random word: "
                "random_ids[torch.randint(len(random_ids), input_ids.shape, generator=generator)]."
            ),
        ),
        solution=corrupt,
        praise="Chosen tokens only, one draw, no special token as a random word.",
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
        praise="Selecting first also saves the work of scoring words where nothing is asked.",
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
            "Everything else begins a new word, but for [CLS], [SEP] and [PAD], which you skip.",
        ),
        solution=group_pieces,
        praise=(
            "The same rule serves English, punctuation and Chinese, because WordPiece has split them before."
        ),
    ),
]

QUIZ = [
    Question(
        "Why can BERT not simply be trained to predict the next word?",
        Option(
            "Next-word prediction is too slow on long texts.",
            "Speed is not the reason: a left-to-right model gets a prediction from every position.",
        ),
        Option(
            "It has no decoder that could write words.",
            "The masked-language-model head writes words too. What matters is what the input gives away.",
        ),
        Option(
            "Each position sees the whole sentence, so it would see the word it must predict.",
            "In a bidirectional encoder, the answer is in the input after one layer. Masking takes it out.",
            correct=True,
        ),
        Option(
            "WordPiece does not know where words end.",
            "It does: pieces that continue a word start with ##.",
        ),
    ),
    Question(
        "A token was chosen and stays unchanged (the 10% kept). Does it count in the loss?",
        Option(
            "No, nothing was hidden.",
            (
                "It counts. The model does not know which visible words are asked about, so it must keep a "
                "good representation of all."
            ),
        ),
        Option(
            "Yes, like every chosen token.",
            "All chosen tokens are predicted, whatever became of them.",
            correct=True,
        ),
        Option(
            "Only if the model is wrong.",
            "A loss is computed for every prediction; a right one simply has a small loss.",
        ),
        Option("With a tenth of the weight.", "All chosen positions weigh the same in the mean."),
    ),
    Question(
        "How many predictions does one epoch give, compared with a left-to-right model?",
        Option(
            "About 15% as many.",
            "That is the price of masking, and one reason why pre-training takes many steps.",
            correct=True,
        ),
        Option("About the same.", "A left-to-right model predicts every token; BERT only the chosen ones."),
        Option(
            "Twice as many, one for each direction.",
            "Each chosen token is predicted once, from both sides at the same time.",
        ),
        Option(
            "80% as many.",
            "80% is the share of chosen tokens that become [MASK], not the share that is chosen.",
        ),
    ),
    Question(
        "What does dynamic masking change?",
        Option(
            "The share of masked tokens grows during training.",
            "The share stays at 15%. What changes is which tokens are chosen.",
        ),
        Option("Hard words are masked more often.", "The draw is uniform over the tokens."),
        Option(
            "The mask token is replaced by a learned vector.",
            "[MASK] has a learned embedding in both cases.",
        ),
        Option(
            "Each time a sentence is seen, other tokens are chosen.",
            "The original drew the masks once and kept ten copies of the data; RoBERTa draws new ones.",
            correct=True,
        ),
    ),
    Question(
        "`app ##lau ##ded`: what does whole-word masking do when two more tokens may be chosen?",
        Option(
            "It masks `app` and `##lau`.",
            (
                "Then the rest of the word would give the answer away, which whole-word masking is there to "
                "prevent."
            ),
        ),
        Option(
            "It skips the word and looks for one that fits.",
            "A word that would exceed the count is passed over, as in the original code.",
            correct=True,
        ),
        Option(
            "It chooses one token more than the count allows.",
            "The number of predictions is fixed for a length; the original never exceeds it.",
        ),
        Option("It stops choosing.", "Shorter words further on may still fit, so the search continues."),
    ),
]
