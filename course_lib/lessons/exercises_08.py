"""Exercises and quiz of lesson 08, text classification."""

import numpy as np
import torch

from course_lib.lessons.exercises import Exercise, Mistake, NotAttempted, call
from course_lib.lessons.quizzes import Option, Question

# 8.1 ----------------------------------------------------------------------------------------------


def pack(pieces, max_length, cls_id, sep_id):
    """Return [CLS], as many pieces as fit, [SEP]: at most max_length ids."""
    return [cls_id, *pieces[: max_length - 2], sep_id]


def examine_pack(answer):
    for pieces in ([7, 8, 9], list(range(1000, 1300))):
        got, wanted = call(answer, list(pieces), 128, 101, 102), pack(pieces, 128, 101, 102)
        if got is None:
            raise NotAttempted
        got = list(got)
        if got == wanted:
            continue
        if not got or got[0] != 101:
            raise Mistake("the first id must be [CLS]: its final state is what the head reads.")
        if got[-1] != 102 and len(pieces) > 128:
            raise Mistake(
                "the last [SEP] was cut off. Cut the pieces first, to max_length - 2, and add [SEP] afterward."
            )
        if got[-1] != 102:
            raise Mistake("the last id must be [SEP]; every sequence that BERT was trained on ends with it.")
        if len(got) > 128:
            raise Mistake(
                f"a long text gives {len(got)} ids, more than max_length 128. [CLS] and [SEP] count too: only 126 pieces fit."
            )
        if len(got) < len(wanted):
            raise Mistake(f"you keep {len(got) - 2} pieces where {len(wanted) - 2} fit.")
        raise Mistake(f"for {pieces[:3]} … you return {got[:5]} …; it should be {wanted[:5]} ….")


# 8.2 ----------------------------------------------------------------------------------------------


def pad(rows, pad_id=0):
    """Return (input_ids, attention_mask), both (B, longest), padded on the right."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [pad_id] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


def examine_pad(answer):
    rows = [[101, 5, 102], [101, 5, 6, 7, 102], [101, 102]]
    got = call(answer, [list(row) for row in rows])
    if got is None:
        raise NotAttempted
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Mistake("return two tensors, input_ids and attention_mask.")
    ids, mask = (torch.as_tensor(part) for part in got)
    wanted_ids, wanted_mask = pad(rows)
    if ids.dim() == 2 and ids.shape[1] > 5:
        raise Mistake(
            f"you pad to {ids.shape[1]}, but the longest row of this batch has 5. Padding further is work for nothing: attention pays for every slot."
        )
    if ids.shape != wanted_ids.shape:
        raise Mistake(f"input_ids has shape {tuple(ids.shape)}; it should be {tuple(wanted_ids.shape)}.")
    if torch.equal(ids.flip(1), wanted_ids.flip(1)) is False and torch.equal(
        ids.sort(1).values, wanted_ids.sort(1).values
    ):
        raise Mistake(
            "the padding is on the wrong side. BERT pads on the right, so that [CLS] stays at position 0."
        )
    if not torch.equal(ids, wanted_ids):
        raise Mistake("the ids changed, or padding is not 0, the id of [PAD].")
    if bool((mask == 1).all()):
        raise Mistake(
            "the attention mask is 1 everywhere, so the model attends to padding. It is 1 for tokens and 0 for [PAD]."
        )
    if torch.equal(mask, 1 - wanted_mask):
        raise Mistake("the attention mask is upside down: 1 means a real token, 0 means padding.")
    if not torch.equal(mask.long(), wanted_mask):
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
    got = call(answer, matrix.copy())
    if got is None:
        raise NotAttempted
    value, wanted = float(got), macro_f1(matrix)
    accuracy = np.trace(matrix) / matrix.sum()
    recall = np.mean(np.diag(matrix) / matrix.sum(axis=1))
    precision = np.mean(np.diag(matrix) / matrix.sum(axis=0))
    positive = 2 * 20 / (50 + 30)
    if abs(value - wanted) < 1e-6:
        empty = call(answer, np.array([[5, 0], [5, 0]]))
        if not np.isfinite(float(empty)):
            raise Mistake(
                "where a class is never predicted you return NaN. Its F1 is 0: nothing of it was found."
            )
        return
    if abs(value - accuracy) < 1e-6:
        raise Mistake(
            f"{value:.3f} is the accuracy (micro-averaged F1 is the same number). Take the F1 of each class, then their plain mean."
        )
    if abs(value - recall) < 1e-6:
        raise Mistake(f"{value:.3f} is the mean recall. F1 also asks how many of the rows called k are k.")
    if abs(value - precision) < 1e-6:
        raise Mistake(
            f"{value:.3f} is the mean precision. F1 also asks how many of the rows that are k were found."
        )
    if abs(value - positive) < 1e-6:
        raise Mistake(f"{value:.3f} is the F1 of class 1 alone. Macro means: the mean over all classes.")
    if abs(value - 2 * precision * recall / (precision + recall)) < 1e-6:
        raise Mistake(
            f"{value:.3f} is the F1 of the mean precision and mean recall. Macro-F1 is the mean of the classes' F1 scores."
        )
    raise Mistake(f"you return {value:.3f}; for that matrix macro-F1 is {wanted:.3f}.")


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
    got = call(answer, [dict(score) for score in scores])
    if got is None:
        raise NotAttempted
    if got == 2:
        return
    if got == 4:
        raise Mistake(
            "epoch 4 is the best on test (and on training). Choosing by test makes the test score a promise that new data will not keep; choose by validation."
        )
    if got == 3:
        raise Mistake(
            "epochs 2 and 3 are equal on validation. Take the earlier one: it has seen less, and you cannot know that the test part likes 3 better."
        )
    if got == 1:
        raise Mistake(
            "epochs are counted from 1: the position in the list, plus 1. Epoch 1 has the lowest validation score."
        )
    raise Mistake(f"you return {got!r}; return the number of one of the 4 epochs, counted from 1.")


EXERCISES = [
    Exercise(
        "8.1", "Pack a text", 1, 5, examine_pack,
        ("Three parts: [CLS], the pieces, [SEP].",
         "Two of max_length places are taken, so max_length - 2 pieces fit.",
         "[cls_id, *pieces[: max_length - 2], sep_id]"),
        pack,
        "Cut first, close afterward: the last [SEP] is never lost.",
    ),
    Exercise(
        "8.2", "Pad a batch", 2, 10, examine_pad,
        ("longest = max(map(len, rows)) is how far to pad: no further.",
         "Add [pad_id] * (longest - len(row)) on the right of each row.",
         "The mask has 1 for each id of the row, then 0 for each padding slot."),
        pad,
        "Padded to the longest of the batch, and the padding is out of the model's sight.",
    ),
    Exercise(
        "8.3", "Macro-F1 from a confusion matrix", 2, 10, examine_macro_f1,
        ("For class k: found = matrix[k, k], called = the sum of column k, true = the sum of row k.",
         "F1 = 2 · found / (called + true), and 0 where nothing was called and nothing is true.",
         "Then the plain mean over the classes: np.mean(scores)."),
        macro_f1,
        "A rare class weighs as much as a frequent one: that is the point of macro.",
    ),
    Exercise(
        "8.4", "Which epoch to keep", 1, 5, examine_choose_epoch,
        ("Which of the three scores may you look at while choosing?",
         "max(...) over the validation scores, then list.index, which finds the earliest.",
         "1 + validation.index(max(validation))"),
        choose_epoch,
        "The test part is looked at once, at the end.",
    ),
]  # fmt: skip

QUIZ = [
    Question("What does the classification head of BERT read?", (
        Option("The mean of all final states.", "Some later models do. The paper's head reads one state alone."),
        Option("The pooled final state of `[CLS]`.", "A dense layer with tanh on the state of [CLS], then dropout and one linear layer.", True),
        Option("The final state of the last `[SEP]`.", "[SEP] closes the sequence; the head does not look at it."),
        Option("The embedding of `[CLS]` before the first layer.", "That is the same vector for every text; only attention fills it with meaning."),
    )),
    Question("Why are batches made of texts of like length?", (
        Option("Less padding, so less work for the same words.", "Every slot costs, whether it holds a word or [PAD].", True),
        Option("The model needs equal lengths in an epoch.", "It needs equal lengths within a batch only, and padding takes care of that."),
        Option("Short texts are easier and should come first.", "The batches are shuffled; no order of difficulty is meant."),
        Option("The attention mask would not work otherwise.", "The mask works for any mix of lengths."),
    )),
    Question("Your model reaches 95% on training and 72% on validation after 8 epochs. What is the likeliest?", (
        Option("The learning rate is too low.", "Then the training score would be low as well."),
        Option("The validation part is wrong.", "Possible, but the pattern is what overfitting looks like; look at the errors first."),
        Option("The tokenizer is not the model's.", "Then training would suffer too."),
        Option("It has learned the training texts by heart.", "Overfitting: stop earlier, regularize, or get more data.", True),
    )),
    Question("TF-IDF with logistic regression comes within a point of BERT on your data. What do you report?", (
        Option("Only BERT, it is the stronger method.", "A reader would pay for a model that is not worth it on this data."),
        Option("The mean of both.", "A mean of two models says nothing about either."),
        Option("Both, with the number of test rows and the spread.", "One point on a few hundred rows is within chance; a baseline makes that visible.", True),
        Option("Neither, until BERT is clearly better.", "Leaving out results that do not please is how wrong beliefs are made."),
    )),
    Question("Evaluation gives another score each time, with the same weights. What was forgotten?", (
        Option("`optimizer.zero_grad()`", "It matters in training, where gradients would add up."),
        Option("`model.eval()`", "Without it dropout goes on deleting activations at random during evaluation.", True),
        Option("`torch.no_grad()`", "It saves memory and time; the scores are the same."),
        Option("Shuffling the test part.", "The order of the rows does not change the score."),
    )),
]  # fmt: skip
