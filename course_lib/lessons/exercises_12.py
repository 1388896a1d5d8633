"""Exercises and quiz of lesson 12, Multiple choice."""

import math

import torch

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call

# 12.1 -----------------------------------------------------------------------------------------------


def pack_choices(context, endings, cls_id, sep_id):
    """Return (input_ids, token_type_ids), a list for each ending: [CLS] context [SEP] ending [SEP]."""
    input_ids = [[cls_id, *context, sep_id, *ending, sep_id] for ending in endings]
    token_type_ids = [[0] * (len(context) + 2) + [1] * (len(ending) + 1) for ending in endings]
    return input_ids, token_type_ids


def examine_pack_choices(answer):
    context, endings = [11, 12, 13], [[21, 22], [31], [41, 42, 43], [51]]
    result = call(answer, list(context), [list(ending) for ending in endings], 101, 102)
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Mistake("return two lists, input_ids and token_type_ids.")
    ids, types = result
    wanted_ids, wanted_types = pack_choices(context, endings, 101, 102)
    if len(ids) != 4:
        raise Mistake(
            "you return {count} rows for four endings. The model reads each ending in a separate row.",
            count=len(ids),
        )
    ids, types = [list(row) for row in ids], [list(row) for row in types]
    if ids == [row[:-1] for row in wanted_ids]:
        raise Mistake("the last [SEP] is missing: the second segment ends with one, too.")
    if ids == [[101, *ending, 102, *context, 102] for ending in endings]:
        raise Mistake("the ending comes before its context. The context is segment A, the ending segment B.")
    if ids == [[101, *ending, 102] for ending in endings]:
        raise Mistake(
            "the context is missing from the rows. Without it the model can only guess from the endings."
        )
    if ids == [[101, *context, *ending, 102] for ending in endings]:
        raise Mistake("there's no [SEP] between context and ending, so the model can't see where one stops.")
    if ids != wanted_ids:
        raise Mistake(
            "the first row is {row}; it should be {wanted}.",
            row=ids[0] if ids else [],
            wanted=wanted_ids[0],
        )
    if any(len(one) != len(other) for one, other in zip(ids, types, strict=False)) or len(types) != 4:
        raise Mistake("token_type_ids must have one number for each id, row by row.")
    if not any(map(any, types)):
        raise Mistake("every token type is 0. The ending and its [SEP] are segment B: 1.")
    if types == [[0] * (len(context) + 1) + [1] * (len(ending) + 2) for ending in endings]:
        raise Mistake("the [SEP] after the context belongs to segment A: its token type is 0.")
    if types != wanted_types:
        raise Mistake(
            "the first row of token types is {row}; it should be {wanted}.",
            row=types[0],
            wanted=wanted_types[0],
        )


# 12.2 -----------------------------------------------------------------------------------------------


def score_choices(pooled, weight, bias, choices):
    """Return the scores (B, C): one output for each pooled state (B·C, H), put back into questions."""
    scores = pooled @ weight + bias  # (B·C, H) @ (H,) -> (B·C,)
    return scores.view(-1, choices)  # (B, C)


def examine_score_choices(answer):
    generator = torch.Generator().manual_seed(0)
    pooled, weight = torch.randn(12, 5, generator=generator), torch.randn(5, generator=generator)
    bias = torch.tensor(3.0)
    result = call(answer, pooled.clone(), weight.clone(), bias.clone(), 4)
    wanted = score_choices(pooled, weight, bias, 4)
    if not isinstance(result, torch.Tensor):
        raise Mistake("return a tensor, not {kind}.", kind=type(result).__name__)
    if result.shape == (4, 3):
        raise Mistake(
            "the shape is (4, 3): choices came first. Three questions with four choices each are (3, 4)."
        )
    if result.shape in ((12,), (12, 1)):
        raise Mistake(
            "the shape is {shape}: the scores are there, but they aren't back in their questions. Use "
            ".view(-1, choices).",
            shape=tuple(result.shape),
        )
    if result.shape != wanted.shape:
        raise Mistake("the shape is {shape}; it should be (3, 4).", shape=tuple(result.shape))
    if torch.allclose(result, wanted, atol=1e-5):
        return
    if torch.allclose(result, wanted - bias, atol=1e-5):
        raise Mistake("the bias is missing: a linear layer is states · weight + bias.")
    if torch.allclose(result, wanted.flatten().view(4, 3).T, atol=1e-5):
        raise Mistake(
            "the scores landed in the wrong questions. The four rows of a question come one after the other, so the "
            "second question begins at row 4."
        )
    if torch.allclose(result.sum(dim=1), torch.ones(3), atol=1e-5):
        raise Mistake("that's already a softmax. Return the scores; the loss takes the softmax itself.")
    if torch.allclose(result, torch.sigmoid(wanted), atol=1e-5):
        raise Mistake(
            "you put each score through a sigmoid. Endings compete, so leave the scores as they are for a "
            "softmax over the four."
        )
    raise Mistake(
        "the first score is {found:.3f}; it should be {wanted:.3f}.",
        found=float(result[0, 0]),
        wanted=float(wanted[0, 0]),
    )


# 12.3 -----------------------------------------------------------------------------------------------


def choice_cross_entropy(scores, labels):
    """Return the mean over the questions of -log(softmax over the endings at the right one)."""
    log_shares = scores - scores.logsumexp(dim=1, keepdim=True)  # (B, C)
    return -log_shares.gather(1, labels[:, None]).mean()


def examine_choice_cross_entropy(answer):
    scores = torch.tensor([[2.0, 0.0, 1.0, -1.0], [0.0, 3.0, 0.5, 0.0], [1.0, 1.0, 1.0, 4.0]])
    labels = torch.tensor([0, 1, 2])
    value = float(call(answer, scores.clone(), labels.clone()))
    wanted = float(choice_cross_entropy(scores, labels))
    if math.isclose(value, wanted, abs_tol=1e-5):
        large = float(call(answer, torch.tensor([[1000.0, 0.0, 0.0, 0.0]]), torch.tensor([1])))
        if not math.isclose(large, 1000.0, rel_tol=1e-4):
            raise Mistake(
                "for a score of 1000 you return {value}; it should be 1000. Subtract the largest score first, or "
                "use logsumexp: exp(1000) is more than a float can hold.",
                value=large,
            )
        return
    right = torch.nn.functional.one_hot(labels, 4).float()
    others = {
        "sign": -wanted,
        "sum": 3 * wanted,
        "rows": float(-(scores.log_softmax(0)).gather(1, labels[:, None]).mean()),
        "yes or no": float(torch.nn.functional.binary_cross_entropy_with_logits(scores, right)),
        "no log": float(scores.softmax(1).gather(1, labels[:, None]).mean()),
        "score": float(-scores.gather(1, labels[:, None]).mean()),
    }
    said = next((name for name, other in others.items() if math.isclose(value, other, abs_tol=1e-5)), None)
    if said == "sign":
        raise Mistake("the sign is wrong: the logarithm of a share is below 0, and a loss is above it.")
    if said == "sum":
        raise Mistake(
            "that's the sum over the questions. Take the mean, or a larger batch takes larger steps."
        )
    if said == "rows":
        raise Mistake(
            "the softmax runs over the questions (dim 0). The four endings of one question compete: dim 1."
        )
    if said == "yes or no":
        raise Mistake(
            "those are four yes/no questions. Here exactly one ending is right, so take one softmax over the four."
        )
    if said == "no log":
        raise Mistake("that's the mean share of the right ending. The loss is minus its logarithm.")
    if said == "score":
        raise Mistake(
            "that's minus the score itself. It ignores the three other endings: take the softmax first."
        )
    raise Mistake("you return {value:.4f}; it should be {wanted:.4f}.", value=value, wanted=wanted)


# 12.4 -----------------------------------------------------------------------------------------------


def keep_hardest(plausibility, count):
    """Return the positions of the `count` most plausible candidates, the most plausible first."""
    order = sorted(range(len(plausibility)), key=lambda place: -plausibility[place])
    return order[:count]


def examine_keep_hardest(answer):
    plausibility = [0.1, 0.7, 0.2, 0.9, 0.4, 0.3, 0.05]
    result = call(answer, list(plausibility), 3)
    try:
        result = [float(value) for value in result]
    except (TypeError, ValueError):
        raise Mistake("return a list of positions, such as [3, 1, 4].") from None
    if result == [3, 1, 4]:
        other = list(call(answer, list(plausibility), 2))
        if [float(value) for value in other] != [3, 1]:
            raise Mistake("for count 2 you return {result}; it should be [3, 1].", result=other)
        return
    if result == [0.9, 0.7, 0.4]:
        raise Mistake("those are the scores. Return their positions, which lead back to the endings.")
    if result in ([6, 0, 2], [2, 0, 6]):
        raise Mistake(
            "those are the three that the model finds least plausible. They're the easy ones; a filter throws them out."
        )
    if result == [4, 1, 3]:
        raise Mistake("the positions are right, but the most plausible comes first: [3, 1, 4].")
    if result == [1, 3, 4]:
        raise Mistake(
            "you return the positions in the order of the list. Sort by score: the most plausible first."
        )
    if result == [0, 1, 2]:
        raise Mistake("those are the first three, whatever their scores are. Nothing was filtered.")
    if len(result) != 3:
        raise Mistake("you return {count} positions; count is 3.", count=len(result))
    raise Mistake("you return {result}; it should be [3, 1, 4].", result=result)


EXERCISES = [
    Exercise(
        identifier="12.1",
        title="Four rows for one question",
        difficulty=1,
        minutes=10,
        examine=examine_pack_choices,
        hints=(
            "Write one row first: [cls_id, *context, sep_id, *ending, sep_id].",
            "Token types: 0 for [CLS], the context and its [SEP]; 1 for the ending and its [SEP].",
            "A list comprehension over endings gives the four rows.",
        ),
        solution=pack_choices,
        praise="Four rows that differ in the ending alone: that's all the model is asked to compare.",
    ),
    Exercise(
        identifier="12.2",
        title="One score each",
        difficulty=2,
        minutes=10,
        examine=examine_score_choices,
        hints=(
            "pooled @ weight gives one number for each row: (B·C, H) @ (H,) -> (B·C,).",
            "Add the bias, then put four rows at a time into one question.",
            "(pooled @ weight + bias).view(-1, choices)",
        ),
        solution=score_choices,
        praise="One weight vector for all endings, whatever their place.",
    ),
    Exercise(
        identifier="12.3",
        title="The endings compete",
        difficulty=2,
        minutes=10,
        examine=examine_choice_cross_entropy,
        hints=(
            "The log of a softmax is the score minus the logsumexp of its row.",
            "gather(1, labels[:, None]) picks the right ending of each question.",
            "Minus, and the mean over the questions.",
        ),
        solution=choice_cross_entropy,
        praise="The loss falls only if the right ending gains on the other three.",
    ),
    Exercise(
        identifier="12.4",
        title="Keep the hardest",
        difficulty=1,
        minutes=5,
        examine=examine_keep_hardest,
        hints=(
            "Sort positions, not scores: sorted(range(len(...)), key=...).",
            "The most plausible first, so sort by minus the score.",
            "Then cut the list at count.",
        ),
        solution=keep_hardest,
        praise="What fools the weak model stays. That's one round of adversarial filtering.",
    ),
]

QUIZ = [
    Question(
        "Two questions, four endings each, padded to 30 tokens. What shape does the encoder read?",
        Option(
            "(2, 120): each question is one long row.",
            "Then endings could look at each other, and order would count.",
        ),
        Option(
            "(2, 30): the right ending of each question.", "Which one is right is what we want to find out."
        ),
        Option(
            "(4, 30): the two questions share a row.",
            "Questions have nothing to do with each other; each row has one ending.",
        ),
        Option(
            "(8, 30): each ending is a separate row.",
            "The encoder knows nothing of questions: 2 · 4 rows of 30 tokens.",
            correct=True,
        ),
    ),
    Question(
        "Why does the head have one output and not four?",
        Option(
            "So that an ending's score doesn't depend on its place.",
            "The same weights judge every ending, so shuffling them only moves the scores.",
            correct=True,
        ),
        Option(
            "So that training takes a quarter of the time.",
            "The head is tiny beside the encoder. Time isn't the reason.",
        ),
        Option(
            "Because a softmax needs a single number as its input.",
            "A softmax takes as many numbers as you like; here it's over four scores.",
        ),
        Option(
            "Because MiniLM is too small for four outputs.",
            "Any encoder could have a head with four outputs. It would be the wrong one here.",
        ),
    ),
    Question(
        "A model that reads only the endings gets 45% on a new four-way set. What does that tell you?",
        Option(
            "The model has learned common sense.",
            "It never saw the context, so it can't know what makes sense there.",
        ),
        Option(
            "The endings themselves give part of the answer away.",
            "Chance is 25%. Something in their wording marks the right ones.",
            correct=True,
        ),
        Option(
            "The labels of the set are 45% correct, the rest is noise.",
            "Wrong labels would pull such a model toward chance.",
        ),
        Option(
            "The test part is too small to say anything about that.",
            "It depends on the number of rows, which you can check; 20 points are rarely chance.",
        ),
    ),
    Question(
        "In a round of adversarial filtering, which wrong endings stay?",
        Option(
            "The ones that people marked as wrong the fastest.",
            "No person is asked in the loop. A weak model decides.",
        ),
        Option(
            "Those with the fewest words of the context in them.",
            "That may happen as a side effect, but it isn't the rule.",
        ),
        Option("Those that the weak model takes for right.", "They fool it. The easy ones go.", correct=True),
        Option(
            "Three that are drawn at random from the pool.",
            "That's where filtering begins. After that a model chooses.",
        ),
    ),
    Question(
        "You add 5 to all four scores of a question. What changes?",
        Option(
            "The loss gets smaller by 5.",
            "The softmax divides by the sum, and the same factor stands in both parts.",
        ),
        Option(
            "Nothing: a softmax only sees differences.",
            "exp(5) is a factor of every term, so it cancels.",
            correct=True,
        ),
        Option(
            "The model gets surer of its first choice.",
            "It'd be surer if the differences grew. They stay as they are.",
        ),
        Option(
            "The gradient of the right ending is zero from then on.",
            "Gradients depend on the shares, and those don't change.",
        ),
    ),
    Question(
        "A row is too long for the model. What should you cut?",
        Option(
            "The beginning of the context.",
            "What the ending continues is the context's last words, and endings must stay whole.",
            correct=True,
        ),
        Option(
            "The longest of the four endings.",
            "Then one ending is judged by a part of it, and the others aren't.",
        ),
        Option(
            "The end of every row, as it comes.",
            "That cuts the ending and the last [SEP]: what the question is about.",
        ),
        Option("The whole question.", "That's a last resort. It throws a row away that could be read."),
    ),
    Question(
        "You shuffle the endings of the training rows to make more data. What must you not forget?",
        Option(
            "To train the head again from the start.",
            "The head has no notion of order. It can go on as it is.",
        ),
        Option(
            "To sort the rows by their length once more.",
            "A batch is padded to its longest row anyway. Order within a question doesn't count.",
        ),
        Option(
            "To move the label along with its ending.",
            "Otherwise three of four labels name a wrong ending, and the model learns noise.",
            correct=True,
        ),
        Option(
            "To use a smaller learning rate with them.",
            "The rows say the same as before, so nothing calls for another rate.",
        ),
    ),
]
