"""Exercises and quiz of lesson 08, text classification."""

import math
import random
from collections.abc import Iterator

import numpy as np
import torch

from course_lib.lessons.answer_forms import call_unchanged, number, whole_numbers
from course_lib.lessons.catalog import Exercise, Mistake, Option, Question
from course_lib.lessons.exercises import describe
from course_lib.translation import Message

RANDOM_CASES = 30  # besides those that speak to a mistake

# 8.1 ----------------------------------------------------------------------------------------------


def pack(pieces, max_length, cls_id, sep_id):
    """Return [CLS], as many pieces as fit, [SEP]: at most max_length ids."""
    return [cls_id, *pieces[: max_length - 2], sep_id]


def pack_cases() -> Iterator[tuple[list[int], int, int, int]]:
    """Yield arguments: short and long texts, other lengths, other special ids, texts that just fit or just don't."""
    yield [7, 8, 9], 128, 101, 102
    yield list(range(1000, 1300)), 128, 101, 102
    yield list(range(1000, 1300)), 40, 101, 102
    yield [7, 8, 9, 8, 7], 16, 2, 3
    yield from (([20] * (10 + more), 12, 2, 3) for more in (-1, 0, 1, 2))
    yield [], 8, 2, 3
    yield [7, 8], 3, 2, 3
    draw = random.Random(8)
    for _ in range(RANDOM_CASES):
        cls_id, sep_id = draw.sample(range(1, 300), 2)
        pieces = [draw.randrange(300, 30_000) for _ in range(draw.randrange(60))]
        yield pieces, draw.randrange(3, 60), cls_id, sep_id


def examine_pack(answer):
    for pieces, max_length, cls_id, sep_id in pack_cases():
        result = call_unchanged(answer, pieces, max_length, cls_id, sep_id)
        result = whole_numbers(result, Message("the ids"))
        if result != pack(pieces, max_length, cls_id, sep_id):
            raise packing_mistake(result, pieces, max_length, cls_id, sep_id)


def packing_mistake(result, pieces, max_length, cls_id, sep_id) -> Mistake:
    """Return what a wrong sequence of ids says about the code behind it."""
    reference = pack(pieces, max_length, cls_id, sep_id)
    case = Message("for {count} pieces and max_length {most}: ", count=len(pieces), most=max_length)
    if (cls_id, sep_id) != (101, 102) and result == pack(pieces, max_length, 101, 102):
        return Mistake(
            "you write 101 and 102 into the code. Another vocabulary gives [CLS] and [SEP] other ids: use "
            "cls_id and sep_id."
        )
    if max_length != 128 and result == pack(pieces, 128, cls_id, sep_id):
        return Mistake("{case}you keep 126 pieces, whatever max_length says.", case=case)
    if result == pack(pieces, max_length, sep_id, cls_id):
        return Mistake("[CLS] and [SEP] have changed places: [CLS] opens the sequence and [SEP] closes it.")
    if result == pieces[:max_length]:
        return Mistake("you cut the pieces and add nothing: [CLS] goes before them, [SEP] after them.")
    if not result or result[0] != cls_id:
        return Mistake("the first id must be [CLS]: its final state is what the head reads.")
    if result[-1] != sep_id and result == [cls_id, *pieces, sep_id][:max_length]:
        return Mistake(
            "the last [SEP] was cut off. Cut the pieces first, to max_length - 2, and add [SEP] afterward."
        )
    if len(result) == max_length > len(reference) and len(set(result[len(reference) :])) == 1:
        return Mistake(
            "{case}you fill the row up to max_length. Padding comes later: it depends on the batch.",
            case=case,
        )
    if result[-1] != sep_id:
        return Mistake("the last id must be [SEP]; every sequence that BERT was trained on ends with it.")
    if len(result) > max_length:
        return Mistake(
            "{case}you return {length} ids. [CLS] and [SEP] count too, so only {room} pieces fit.",
            case=case,
            length=len(result),
            room=max_length - 2,
        )
    if result == [cls_id, *pieces[len(pieces) - len(reference) + 2 :], sep_id]:
        return Mistake("{case}you keep the end of the text. The cut keeps the beginning.", case=case)
    if result.count(sep_id) > 1:
        return Mistake(
            "{case}there are {count} [SEP], and one text needs only one.",
            case=case,
            count=result.count(sep_id),
        )
    if len(result) < len(reference):
        return Mistake(
            "{case}you keep {kept} pieces where {room} fit.",
            case=case,
            kept=len(result) - 2,
            room=len(reference) - 2,
        )
    return Mistake(
        "{case}you return {result} …; it should be {reference} ….",
        case=case,
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


def pad_cases() -> Iterator[tuple[list[list[int]], int]]:
    """Yield batches with what pads them: several, one row alone, rows of one length, other padding."""
    yield [[101, 5, 102], [101, 5, 6, 7, 102], [101, 102]], 0
    yield [[2, 5, 3], [2, 5, 6, 7, 3], [2, 3]], 1
    yield [[101, 5, 6, 102]], 0
    yield [[101, 5, 102], [101, 6, 102]], 0
    draw = random.Random(8)
    for _ in range(RANDOM_CASES):
        lengths = [draw.randrange(1, 40) for _ in range(draw.randrange(1, 9))]
        yield [[draw.randrange(10, 30_000) for _ in range(n)] for n in lengths], draw.randrange(10)


def examine_pad(answer):
    for rows, pad_id in pad_cases():
        result = call_unchanged(answer, rows, pad_id)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise Mistake(
                "return two tensors, input_ids and attention_mask; you return {kind}.", kind=describe(result)
            )
        ids, mask = map(as_tensor, result)
        reference_ids, reference_mask = pad(rows, pad_id)
        mistake = ids_mistake(ids, reference_ids, rows, pad_id) or mask_mistake(mask, reference_mask)
        if mistake:
            raise mistake


def as_tensor(part) -> torch.Tensor:
    """Return one of the two parts as a tensor, whatever of arrays or lists it is."""
    if isinstance(part, list) and len({len(row) for row in part if isinstance(row, list)}) > 1:
        raise Mistake("your rows still have different lengths: a tensor needs them all equally long.")
    try:
        return torch.as_tensor(part)
    except (TypeError, ValueError, RuntimeError):
        raise Mistake("one of the two parts isn't a tensor: it's {kind}.", kind=describe(part)) from None


def ids_mistake(ids, reference, rows, pad_id) -> Mistake | None:
    """Return what is wrong with the padded ids, None if nothing is."""
    longest = reference.shape[1]
    if ids.dim() == 2 and ids.shape[0] == len(rows) and ids.shape[1] > longest:
        return Mistake(
            "you pad to {width}, but the longest row of this batch has {longest}. Padding further is wasted "
            "work: attention pays for every slot.",
            width=ids.shape[1],
            longest=longest,
        )
    if ids.dim() == 2 and ids.shape[0] == len(rows) and ids.shape[1] < longest:
        return Mistake(
            "you cut the rows to {width} ids, and the longest has {longest}. Don't lose any of them.",
            width=ids.shape[1],
            longest=longest,
        )
    if ids.shape != reference.shape:
        return Mistake(
            "input_ids has shape {shape}; it should be {reference}: one line per row of the batch.",
            shape=tuple(ids.shape),
            reference=tuple(reference.shape),
        )
    if ids.dtype not in (torch.long, torch.int):
        return Mistake(
            "input_ids has the type {dtype}. An embedding looks ids up by whole numbers: torch.long.",
            dtype=str(ids.dtype),
        )
    if torch.equal(ids, reference):
        return None
    if torch.equal(ids, pad(rows, pad_id)[1]):
        return Mistake("the two parts have changed places: input_ids first, then the attention mask.")
    if torch.equal(ids.sort(1).values, reference.sort(1).values):
        return Mistake(
            "the padding is on the wrong side. BERT pads on the right, so that [CLS] stays at position 0."
        )
    if sorted(ids.tolist()) == sorted(reference.tolist()):
        return Mistake("the rows come out in a different order, so each would get the label of another row.")
    if pad_id != 0 and torch.equal(ids, pad(rows)[0]):
        return Mistake(
            "you pad with 0, and pad_id is {pad_id}. Not every vocabulary has [PAD] at 0.", pad_id=pad_id
        )
    return Mistake(
        "{count} ids differ from the rows, or padding isn't pad_id.", count=int((ids != reference).sum())
    )


def mask_mistake(mask, reference) -> Mistake | None:
    """Return what is wrong with the attention mask, None if nothing is."""
    if mask.shape != reference.shape:
        return Mistake(
            "the attention mask has shape {shape}; it should be that of input_ids, {reference}: a 1 or a 0 "
            "for each id.",
            shape=tuple(mask.shape),
            reference=tuple(reference.shape),
        )
    if torch.equal(mask.double(), reference.double()):
        return None
    if bool((mask == 1).all()):
        return Mistake(
            "the attention mask is 1 everywhere, so the model attends to padding. It is 1 for tokens and 0 "
            "for [PAD]."
        )
    if torch.equal(mask.double(), 1 - reference.double()):
        return Mistake("the attention mask is upside down: 1 means a real token, 0 means padding.")
    if bool(((mask == 0) | (mask == 1)).all()):
        return Mistake(
            "the attention mask has {count} ones, and the rows have {reference} ids. [CLS] and [SEP] are tokens too.",
            count=int(mask.sum()),
            reference=int(reference.sum()),
        )
    return Mistake(
        "the attention mask has other values than 1 and 0: for instance {value}.", value=mask.max().item()
    )


# 8.3 ----------------------------------------------------------------------------------------------


def macro_f1(matrix):
    """Return the mean F1 of the classes; matrix[i, j] counts rows of class i that were called j."""
    scores = []
    for k in range(len(matrix)):
        found, called, true = matrix[k, k], matrix[:, k].sum(), matrix[k].sum()
        scores.append(2 * found / (called + true) if called + true else 0.0)
    return float(np.mean(scores))


def matrix_cases() -> Iterator[np.ndarray]:
    """Yield confusion matrices: two classes and more, classes that no row has or that are never predicted."""
    yield np.array([[90, 10], [30, 20]])
    yield np.array([[50, 3, 7], [10, 20, 2], [4, 9, 15]])
    yield np.array([[5, 0], [5, 0]])
    yield np.array([[6, 2], [0, 0]])
    yield np.array([[8, 0, 1], [0, 0, 0], [2, 0, 4]])
    yield np.diag([3, 4, 5, 6])
    draw = np.random.default_rng(8)
    for _ in range(RANDOM_CASES):
        classes = int(draw.integers(2, 8))
        yield draw.integers(0, 60, (classes, classes)) * (draw.random((classes, classes)) < 0.7)


def examine_macro_f1(answer):
    for matrix in matrix_cases():
        result = call_unchanged(answer, matrix)
        if getattr(result, "shape", ()) == (len(matrix),):
            raise Mistake(
                "you return one F1 for each of the {count} classes: right so far. Macro means their plain mean.",
                count=len(matrix),
            )
        value = number(result, Message("macro-F1"))
        if not math.isclose(value, macro_f1(matrix), rel_tol=1e-5, abs_tol=1e-7):
            raise macro_mistake(value, matrix)


def macro_mistake(value, matrix) -> Mistake:
    """Return what a wrong score of a confusion matrix is instead."""
    reference = macro_f1(matrix)
    if not math.isfinite(value):
        return Mistake(
            "where a class is never predicted you return NaN: 0 / 0. Its F1 is 0: nothing of it was found."
        )
    for other, message in other_scores(matrix):
        if math.isclose(value, other, rel_tol=1e-5):
            return Mistake(message)
    if math.isclose(value, 100 * reference, rel_tol=1e-5):
        return Mistake(
            "{value:.1f} is in percent. In the course a score is a share, from 0 to 1.", value=value
        )
    if len(matrix) > 2 and math.isclose(value, macro_f1(matrix[:2, :2]), rel_tol=1e-5):
        return Mistake("you look only at the first two of {count} classes.", count=len(matrix))
    if abs(value - reference) < 0.006:
        return Mistake(
            "you return {value}, and macro-F1 is {reference:.6f}. Don't round, neither in between nor at the end.",
            value=value,
            reference=reference,
        )
    return Mistake(
        "you return {value:.3f}; for the matrix {matrix} macro-F1 is {reference:.3f}.",
        value=value,
        matrix=str(matrix.tolist()),
        reference=reference,
    )


def other_scores(matrix) -> Iterator[tuple[float, Message]]:
    """Yield the scores that are taken for macro-F1, each with what to say."""
    found, called, true = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    score = found.sum() / matrix.sum()
    yield (
        score,
        Message(
            "{score:.3f} is the accuracy (micro-averaged F1 is the same number). Take the F1 of each class, then "
            "their plain mean.",
            score=score,
        ),
    )
    if called.all() and true.all():
        yield from other_scores_of_full(found, called, true)
        return
    score = mean_f1(called + true > 0, found, called, true)
    yield (
        score,
        Message(
            "{score:.3f} leaves out a class that has no row and that no row was called. Here it counts, with an "
            "F1 of 0.",
            score=score,
        ),
    )
    score = mean_f1(called > 0, found, called, true)
    yield (
        score,
        Message(
            "{score:.3f} leaves out a class that was never predicted. It counts, with an F1 of 0: that is what "
            "macro-F1 is there to show.",
            score=score,
        ),
    )


def mean_f1(kept, found, called, true) -> float:
    """Return the mean F1 of some classes."""
    return (2 * found[kept] / (called + true)[kept]).mean()


def other_scores_of_full(found, called, true) -> Iterator[tuple[float, Message]]:
    """Yield the scores that need a row and a prediction of each class."""
    recall, precision, f1 = (found / true).mean(), (found / called).mean(), 2 * found / (called + true)
    score = recall
    yield (
        score,
        Message(
            "{score:.3f} is the mean recall. F1 also asks how many of the rows called k are k.", score=score
        ),
    )
    score = precision
    yield (
        score,
        Message(
            "{score:.3f} is the mean precision. F1 also asks how many of the rows that are k were found.",
            score=score,
        ),
    )
    score = f1[1]
    yield (
        score,
        Message(
            "{score:.3f} is the F1 of class 1 alone. Macro means: the mean over all classes.", score=score
        ),
    )
    score = 2 * precision * recall / (precision + recall)
    yield (
        score,
        Message(
            "{score:.3f} is the F1 of the mean precision and mean recall. Macro-F1 is the mean of the classes' "
            "F1 scores.",
            score=score,
        ),
    )
    score = (f1 * true).sum() / true.sum()
    yield (
        score,
        Message(
            "{score:.3f} is the weighted F1: each class counts as often as it has rows. In macro-F1 all classes "
            "count the same.",
            score=score,
        ),
    )
    yield (
        f1.sum(),
        Message("{score:.3f} is the sum over the classes. Divide by their number.", score=f1.sum()),
    )
    score = f1.mean() / 2
    yield score, Message("{score:.3f} is half of it: F1 is 2 · found / (called + true).", score=score)


# 8.4 ----------------------------------------------------------------------------------------------


def choose_epoch(scores):
    """Return the number (from 1) of the epoch to keep: the best on validation, the earliest of equals."""
    validation = [score["validation"] for score in scores]
    return 1 + validation.index(max(validation))


def histories() -> Iterator[list[dict[str, float]]]:
    """Yield the scores of training runs: ties, a dip before the best, scores that rounding makes equal."""

    def history(training, validation, test):
        parts = zip(training, validation, test, strict=True)
        return [{"training": a, "validation": b, "test": c} for a, b, c in parts]

    yield history(
        (0.85, 0.88, 0.95, 0.97, 0.99, 0.98, 0.98),
        (0.72, 0.78, 0.78, 0.75, 0.74, 0.71, 0.73),
        (0.70, 0.74, 0.77, 0.79, 0.76, 0.75, 0.75),
    )
    yield history((0.80, 0.75, 0.90, 0.92, 0.95), (0.70, 0.68, 0.74, 0.79, 0.76), (0.6, 0.7, 0.7, 0.7, 0.8))
    yield history((0.90, 0.80, 0.95, 0.93), (0.7412, 0.7431, 0.7448, 0.7405), (0.70, 0.72, 0.71, 0.71))
    yield history((0.90, 0.85, 0.80), (0.60, 0.65, 0.70), (0.7, 0.72, 0.71))
    yield history((0.8, 0.9), (0.70, 0.69), (0.6, 0.7))
    yield history((0.8,), (0.7,), (0.6,))
    draw = random.Random(8)
    for _ in range(RANDOM_CASES):
        count = draw.randrange(1, 9)
        yield history(*([draw.randrange(500, 1000) / 1000 for _ in range(count)] for _ in range(3)))


def examine_choose_epoch(answer):
    for scores in histories():
        value = number(call_unchanged(answer, scores), Message("the number of the epoch"))
        if value != choose_epoch(scores):
            raise epoch_mistake(value, scores)


def epoch_mistake(value, scores) -> Mistake:
    """Return what choosing a wrong epoch says about the code behind it."""
    reference = choose_epoch(scores)
    validation = [score["validation"] for score in scores]
    case = Message("for the validation scores {scores}: ", scores=validation)
    if value in validation:
        return Mistake("{case}{value:g} is a score. Return the number of its epoch.", case=case, value=value)
    if value == 0 == reference - 1:
        return counted_from_0(case, value)
    if not 1 <= value <= len(scores) or value != int(value):
        return Mistake(
            "you return {value:g}; return the number of one of the {count} epochs, counted from 1.",
            value=value,
            count=len(scores),
        )
    chosen = scores[int(value) - 1]
    if chosen["validation"] == max(validation):
        return Mistake(
            "{case}epochs {reference} and {value:g} are equal. Take the earlier one: it has had less time to "
            "overfit, and validation gives you no reason to prefer the later one.",
            case=case,
            reference=reference,
            value=value,
        )
    if chosen["test"] == max(score["test"] for score in scores):
        return Mistake(
            "{case}epoch {value:g} is the best on test. If you choose by test, the test score promises more than "
            "new data will give; choose by validation.",
            case=case,
            value=value,
        )
    if value == len(scores):
        return Mistake(
            "{case}you keep the last epoch. It may be the best on training, but validation was better before.",
            case=case,
        )
    if chosen["training"] == max(score["training"] for score in scores):
        return Mistake(
            "{case}epoch {value:g} is the best on training, on texts that the model has seen. Choose by validation.",
            case=case,
            value=value,
        )
    if value == min(range(1, len(scores) + 1), key=lambda i: scores[i - 1]["training"] - validation[i - 1]):
        return Mistake(
            "{case}epoch {value:g} has the smallest gap to training. A model that learned nothing has no gap at all: "
            "take the highest score.",
            case=case,
            value=value,
        )
    if chosen["validation"] == min(validation):
        return Mistake(
            "{case}epoch {value:g} has the lowest score. Accuracy: higher is better.", case=case, value=value
        )
    if value < reference and validation[int(value)] < chosen["validation"]:  # the next epoch
        return Mistake(
            "{case}you stop where the score first falls. It may rise again: look at all epochs.", case=case
        )
    if round(chosen["validation"], 2) == round(max(validation), 2):
        return Mistake(
            "{case}epoch {reference} is a little better. Don't round.", case=case, reference=reference
        )
    if value == reference - 1:
        return counted_from_0(case, value)
    return Mistake(
        "{case}you return {value:g}; the best is epoch {reference}.",
        case=case,
        value=value,
        reference=reference,
    )


def counted_from_0(case, value) -> Mistake:
    return Mistake(
        "{case}epochs are counted from 1: the position in the list, plus 1. You return {value:g}.",
        case=case,
        value=value,
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
            "Two of the max_length places are taken, so max_length - 2 pieces fit.",
            "A slice takes the first of them, pieces[: …], and never complains when there are fewer.",
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
        praise="Padded to the longest row and no further, and the mask keeps the padding out of the model's sight.",
    ),
    Exercise(
        identifier="8.3",
        title="Macro-F1 from a confusion matrix",
        difficulty=2,
        minutes=10,
        examine=examine_macro_f1,
        hints=(
            "For class k: found = matrix[k, k], called = the sum of column k, true = the sum of row k.",
            "F1 = 2 · found / (called + true), and 0 for a class that has no row and that no row was called.",
            "Then take the plain mean over the classes: np.mean(scores).",
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
            "list.index counts from 0, and epochs are counted from 1.",
        ),
        solution=choose_epoch,
        praise="The test part is looked at once, at the end.",
    ),
]

QUIZ = [
    Question(
        "What does the classification head of BERT read?",
        Option(
            "The mean of the final states of all tokens.",
            "Some later models do. The paper's head reads the state of one token.",
        ),
        Option(
            "The final state of the last `[SEP]`.",
            "[SEP] closes the sequence; the head doesn't look at it.",
        ),
        Option(
            "The embedding of `[CLS]` before layer 1.",
            "That's the same vector for every text; only attention fills it with meaning.",
        ),
        Option(
            "The pooled final state of the `[CLS]` token.",
            "A dense layer with tanh on the state of [CLS], then dropout and one linear layer.",
            correct=True,
        ),
    ),
    Question(
        "Why do we put texts of similar length into the same batch?",
        Option(
            "The model needs one length in all batches.",
            "It needs equal lengths within a batch only, and padding takes care of that.",
        ),
        Option(
            "Short texts are easier, so they come first.",
            "The batches are shuffled, so short and long ones come in any order.",
        ),
        Option(
            "Less padding means less work per word.",
            "Every slot costs the same work, whether it holds a word or [PAD].",
            correct=True,
        ),
        Option(
            "The mask can't handle mixed lengths.",
            "It can. Mixed lengths give the right answer too, only at a higher price.",
        ),
    ),
    Question(
        "Your model reaches 95% on training and 72% on validation after 8 epochs. What's the likeliest reason?",
        Option(
            "It has memorized the training reviews.",
            "That's overfitting: stop earlier, regularize, or get more data.",
            correct=True,
        ),
        Option(
            "Its learning rate is too low to learn.",
            "Then the training score would be low as well.",
        ),
        Option(
            "Its tokenizer isn't the one of the encoder.",
            "Then it would read nonsense in training too, and hardly reach 95% there.",
        ),
        Option(
            "Its validation reviews have wrong labels.",
            "Possible, and reading the errors would show it. But first suspect what happens most often.",
        ),
    ),
    Question(
        "TF-IDF with logistic regression comes within a point of BERT on your data. What do you report?",
        Option(
            "BERT alone, because it's the stronger method.",
            "Your readers would pay for a model that isn't worth it on these data.",
        ),
        Option(
            "Both, with the number of rows and the spread.",
            "One point on a few hundred rows is within chance; the baseline makes that visible.",
            correct=True,
        ),
        Option(
            "The mean of both, because they hardly differ.",
            "A mean of two models' scores says nothing about either.",
        ),
        Option(
            "Neither, until you've trained BERT to a clear lead.",
            "Training until the result pleases is choosing by the test set.",
        ),
    ),
    Question(
        "The same weights score differently at each evaluation. Which line is missing?",
        Option(
            "`torch.manual_seed(0)`",
            "It would make the score repeatable and leave the cause: dropout still deletes activations.",
        ),
        Option(
            "`model.eval()`",
            "Without it, dropout goes on deleting activations at random.",
            correct=True,
        ),
        Option(
            "`torch.no_grad()`",
            "It saves memory and time. The scores are the same with it and without it.",
        ),
        Option(
            "`optimizer.zero_grad()`",
            "It matters in training, where gradients would add up. Evaluation has no gradients.",
        ),
    ),
    Question(
        "Of 1,000 reviews 900 are positive. A model has an accuracy of 90% and a macro-F1 of 0.47. What does it do?",
        Option(
            "It calls every review positive.",
            "F1 is 0.95 for the positive class and 0 for the other; their mean is 0.47.",
            correct=True,
        ),
        Option(
            "It finds half of each class.",
            "Then about half of the 1,000 would be right, and not 900.",
        ),
        Option(
            "It calls every review negative.",
            "Then only 100 of the 1,000 would be right.",
        ),
        Option(
            "It finds most of the negative ones.",
            "Then the negative class would have a fair F1, and the mean would be far above one half.",
        ),
    ),
    Question(
        (
            "In evaluation mode a review scores 0.91 alone and 0.62 in a batch with longer reviews, each time. What's "
            "wrong?"
        ),
        Option(
            "Dropout deletes other activations in each batch.",
            "Not in evaluation mode. And its scores wouldn't be the same each time.",
        ),
        Option(
            "The longer reviews of the batch weigh more.",
            "Each row is computed on its own; its neighbors have no weight in it.",
        ),
        Option(
            "The model attends to the padding of this row.",
            "The attention mask is missing or wrong, so [PAD] takes part in every mean.",
            correct=True,
        ),
        Option(
            "Normalization mixes the rows of the batch.",
            "Batch normalization would in training. LayerNorm, which BERT has, works on one token.",
        ),
    ),
]
