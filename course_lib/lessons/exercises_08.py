"""Exercises and quiz of lesson 08, text classification."""

import numpy as np
import torch

from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import call

# 8.1 ----------------------------------------------------------------------------------------------


def pack(pieces, max_length, cls_id, sep_id):
    """Return [CLS], as many pieces as fit, [SEP]: at most max_length ids."""
    return [cls_id, *pieces[: max_length - 2], sep_id]


def examine_pack(answer):
    for pieces in ([7, 8, 9], list(range(1000, 1300))):
        result, reference = call(answer, list(pieces), 128, 101, 102), pack(pieces, 128, 101, 102)
        result = list(result)
        if result == reference:
            continue
        if not result or result[0] != 101:
            raise Mistake("the first id must be [CLS]: its final state is what the head reads.")
        if result[-1] != 102 and len(pieces) > 128:
            raise Mistake(
                "the last [SEP] was cut off. Cut the pieces first, to max_length - 2, and add [SEP] "
                "afterward."
            )
        if result[-1] != 102:
            raise Mistake("the last id must be [SEP]; every sequence that BERT was trained on ends with it.")
        if len(result) > 128:
            raise Mistake(
                "a long text gives {count} ids, more than max_length 128. [CLS] and [SEP] count too: only "
                "126 pieces fit.",
                count=len(result),
            )
        if len(result) < len(reference):
            raise Mistake(
                "you keep {count} pieces where {room} fit.",
                count=len(result) - 2,
                room=len(reference) - 2,
            )
        raise Mistake(
            "for {pieces} … you return {result} …; it should be {reference} ….",
            pieces=pieces[:3],
            result=result[:5],
            reference=reference[:5],
        )


# 8.2 ----------------------------------------------------------------------------------------------


def pad(rows, pad_id=0):
    """Return (input_ids, attention_mask), both (B, longest), padded on the right."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [pad_id] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


def examine_pad(answer):
    rows = [[101, 5, 102], [101, 5, 6, 7, 102], [101, 102]]
    result = call(answer, [list(row) for row in rows])
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Mistake("return two tensors, input_ids and attention_mask.")
    ids, mask = (torch.as_tensor(part) for part in result)
    reference_ids, reference_mask = pad(rows)
    if ids.dim() == 2 and ids.shape[1] > 5:
        raise Mistake(
            "you pad to {width}, but the longest row of this batch has 5. Padding further is work for "
            "nothing: attention pays for every slot.",
            width=ids.shape[1],
        )
    if ids.shape != reference_ids.shape:
        raise Mistake(
            "input_ids has shape {shape}; it should be {reference}.",
            shape=tuple(ids.shape),
            reference=tuple(reference_ids.shape),
        )
    if torch.equal(ids.flip(1), reference_ids.flip(1)) is False and torch.equal(
        ids.sort(1).values, reference_ids.sort(1).values
    ):
        raise Mistake(
            "the padding is on the wrong side. BERT pads on the right, so that [CLS] stays at position 0."
        )
    if not torch.equal(ids, reference_ids):
        raise Mistake("the ids changed, or padding is not 0, the id of [PAD].")
    if bool((mask == 1).all()):
        raise Mistake(
            "the attention mask is 1 everywhere, so the model attends to padding. It is 1 for tokens and 0 "
            "for [PAD]."
        )
    if torch.equal(mask, 1 - reference_mask):
        raise Mistake("the attention mask is upside down: 1 means a real token, 0 means padding.")
    if not torch.equal(mask.long(), reference_mask):
        raise Mistake("the attention mask does not fit the lengths of the rows.")


# 8.3 ----------------------------------------------------------------------------------------------


def macro_f1(matrix):
    """Return the mean F1 of the classes; matrix[i, j] counts rows of class i that were called j."""
    scores = []
    for k in range(len(matrix)):
        found, called, true = matrix[k, k], matrix[:, k].sum(), matrix[k].sum()
        scores.append(2 * found / (called + true) if called + true else 0.0)
    return float(np.mean(scores))


def examine_macro_f1(answer):
    matrix = np.array([[90, 10], [30, 20]])
    result = call(answer, matrix.copy())
    value, reference = float(result), macro_f1(matrix)
    accuracy = np.trace(matrix) / matrix.sum()
    recall = np.mean(np.diag(matrix) / matrix.sum(axis=1))
    precision = np.mean(np.diag(matrix) / matrix.sum(axis=0))
    positive = 2 * 20 / (50 + 30)
    if abs(value - reference) < 1e-6:
        empty = call(answer, np.array([[5, 0], [5, 0]]))
        if not np.isfinite(float(empty)):
            raise Mistake(
                "where a class is never predicted you return NaN. Its F1 is 0: nothing of it was found."
            )
        return
    if abs(value - accuracy) < 1e-6:
        raise Mistake(
            "{value:.3f} is the accuracy (micro-averaged F1 is the same number). Take the F1 of each class, "
            "then their plain mean.",
            value=value,
        )
    if abs(value - recall) < 1e-6:
        raise Mistake(
            "{value:.3f} is the mean recall. F1 also asks how many of the rows called k are k.",
            value=value,
        )
    if abs(value - precision) < 1e-6:
        raise Mistake(
            "{value:.3f} is the mean precision. F1 also asks how many of the rows that are k were found.",
            value=value,
        )
    if abs(value - positive) < 1e-6:
        raise Mistake(
            "{value:.3f} is the F1 of class 1 alone. Macro means: the mean over all classes.",
            value=value,
        )
    if abs(value - 2 * precision * recall / (precision + recall)) < 1e-6:
        raise Mistake(
            "{value:.3f} is the F1 of the mean precision and mean recall. Macro-F1 is the mean of the "
            "classes' F1 scores.",
            value=value,
        )
    raise Mistake(
        "you return {value:.3f}; for that matrix macro-F1 is {reference:.3f}.",
        value=value,
        reference=reference,
    )


# 8.4 ----------------------------------------------------------------------------------------------


def choose_epoch(scores):
    """Return the number (from 1) of the epoch to keep: the best on validation, the earliest of equals."""
    validation = [score["validation"] for score in scores]
    return 1 + validation.index(max(validation))


def examine_choose_epoch(answer):
    scores = [
        {"training": 0.80, "validation": 0.71, "test": 0.70},
        {"training": 0.91, "validation": 0.78, "test": 0.74},
        {"training": 0.97, "validation": 0.78, "test": 0.77},
        {"training": 0.99, "validation": 0.75, "test": 0.79},
    ]
    result = call(answer, [dict(score) for score in scores])
    if result == 2:
        return
    if result == 4:
        raise Mistake(
            "epoch 4 is the best on test (and on training). Choosing by test makes the test score a promise "
            "that new data will not keep; choose by validation."
        )
    if result == 3:
        raise Mistake(
            "epochs 2 and 3 are equal on validation. Take the earlier one: it has seen less, and you cannot "
            "know that the test part likes 3 better."
        )
    if result == 1:
        raise Mistake(
            "epochs are counted from 1: the position in the list, plus 1. Epoch 1 has the lowest validation "
            "score."
        )
    raise Mistake(
        "you return {result!r}; return the number of one of the 4 epochs, counted from 1.",
        result=result,
    )


EXERCISES = [
    Exercise(
        identifier="8.1",
        title="Pack a text",
        difficulty=1,
        minutes=5,
        examine=examine_pack,
        hints=(
            "Three parts: [CLS], the pieces, [SEP].",
            "Two of max_length places are taken, so max_length - 2 pieces fit.",
            "[cls_id, *pieces[: max_length - 2], sep_id]",
        ),
        solution=pack,
        praise="Cut first, close afterward: the last [SEP] is never lost.",
    ),
    Exercise(
        identifier="8.2",
        title="Pad a batch",
        difficulty=2,
        minutes=10,
        examine=examine_pad,
        hints=(
            "longest = max(map(len, rows)) is how far to pad: no further.",
            "Add [pad_id] * (longest - len(row)) on the right of each row.",
            "The mask has 1 for each id of the row, then 0 for each padding slot.",
        ),
        solution=pad,
        praise="Padded to the longest of the batch, and the padding is out of the model's sight.",
    ),
    Exercise(
        identifier="8.3",
        title="Macro-F1 from a confusion matrix",
        difficulty=2,
        minutes=10,
        examine=examine_macro_f1,
        hints=(
            "For class k: found = matrix[k, k], called = the sum of column k, true = the sum of row k.",
            "F1 = 2 · found / (called + true), and 0 where nothing was called and nothing is true.",
            "Then the plain mean over the classes: np.mean(scores).",
        ),
        solution=macro_f1,
        praise="A rare class weighs as much as a frequent one: that is the point of macro.",
    ),
    Exercise(
        identifier="8.4",
        title="Which epoch to keep",
        difficulty=1,
        minutes=5,
        examine=examine_choose_epoch,
        hints=(
            "Which of the three scores may you look at while choosing?",
            "max(...) over the validation scores, then list.index, which finds the earliest.",
            "1 + validation.index(max(validation))",
        ),
        solution=choose_epoch,
        praise="The test part is looked at once, at the end.",
    ),
]

QUIZ = [
    Question(
        "What does the classification head of BERT read?",
        Option(
            "The mean of all final states.",
            "Some later models do. The paper's head reads one state alone.",
        ),
        Option(
            "The pooled final state of `[CLS]`.",
            "A dense layer with tanh on the state of [CLS], then dropout and one linear layer.",
            correct=True,
        ),
        Option(
            "The final state of the last `[SEP]`.",
            "[SEP] closes the sequence; the head does not look at it.",
        ),
        Option(
            "The embedding of `[CLS]` before the first layer.",
            "That is the same vector for every text; only attention fills it with meaning.",
        ),
    ),
    Question(
        "Why are batches made of texts of like length?",
        Option(
            "Less padding, so less work for the same words.",
            "Every slot costs, whether it holds a word or [PAD].",
            correct=True,
        ),
        Option(
            "The model needs equal lengths in an epoch.",
            "It needs equal lengths within a batch only, and padding takes care of that.",
        ),
        Option(
            "Short texts are easier and should come first.",
            "The batches are shuffled; no order of difficulty is meant.",
        ),
        Option("The attention mask would not work otherwise.", "The mask works for any mix of lengths."),
    ),
    Question(
        "Your model reaches 95% on training and 72% on validation after 8 epochs. What is the likeliest?",
        Option("The learning rate is too low.", "Then the training score would be low as well."),
        Option(
            "The validation part is wrong.",
            "Possible, but the pattern is what overfitting looks like; look at the errors first.",
        ),
        Option("The tokenizer is not the model's.", "Then training would suffer too."),
        Option(
            "It has learned the training texts by heart.",
            "Overfitting: stop earlier, regularize, or get more data.",
            correct=True,
        ),
    ),
    Question(
        "TF-IDF with logistic regression comes within a point of BERT on your data. What do you report?",
        Option(
            "Only BERT, it is the stronger method.",
            "A reader would pay for a model that is not worth it on this data.",
        ),
        Option("The mean of both.", "A mean of two models says nothing about either."),
        Option(
            "Both, with the number of test rows and the spread.",
            "One point on a few hundred rows is within chance; a baseline makes that visible.",
            correct=True,
        ),
        Option(
            "Neither, until BERT is clearly better.",
            "Leaving out results that do not please is how wrong beliefs are made.",
        ),
    ),
    Question(
        "Evaluation gives another score each time, with the same weights. What was forgotten?",
        Option("`optimizer.zero_grad()`", "It matters in training, where gradients would add up."),
        Option(
            "`model.eval()`",
            "Without it dropout goes on deleting activations at random during evaluation.",
            correct=True,
        ),
        Option("`torch.no_grad()`", "It saves memory and time; the scores are the same."),
        Option("Sorting the test part by length.", "The order of the rows does not change the score."),
    ),
]
