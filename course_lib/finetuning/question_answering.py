"""Extractive question answering: find the span of a paragraph that answers (Devlin et al. 2018, 4.2, 4.3)."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from course_lib.bert.heads import span_head
from course_lib.bert.loading import load_encoder
from course_lib.bert.wordpiece import end_with_marks
from course_lib.data.readers.squad import NOWHERE
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning import chinese_answers
from course_lib.finetuning.loop import TaskModel, predict
from course_lib.finetuning.scores import check_pairs


@dataclass(frozen=True)
class WindowSettings:
    """How a question and its paragraph become windows, and windows an answer.

    Lengths are in word pieces. ``step`` is the distance from one window's start to the next, as in
    the original's ``doc_stride``; the overlap is what remains. ``max_answer`` is the longest answer, and
    ``best`` how many starts, ends and answers are considered.
    """

    max_length: int = 384
    max_question: int = 64
    step: int = 128
    max_answer: int = 30
    best: int = 20


@dataclass(frozen=True)
class Window:
    """One window of a paragraph with its question.

    ``feature`` goes to the model; ``example`` is the row it belongs to; ``first`` is the position of the
    window's first paragraph piece; ``offsets`` (start, end in characters, accents included) and ``has_most_context`` are
    given for each paragraph piece of the window.
    """

    example: int
    feature: dict
    first: int
    offsets: list[tuple[int, int]]
    has_most_context: list[bool]


@dataclass(frozen=True)
class Answer:
    """A decoded answer: its text (empty for none), its place, and what speaks for it.

    ``start`` and ``end`` are characters of the paragraph; ``score`` is the sum of the start's and the end's
    score; ``null_difference`` is the score of "no answer" minus that of the best span.
    """

    text: str
    start: int
    end: int
    score: float
    null_difference: float


@dataclass(frozen=True)
class Candidate:
    """One of the n best answers: its text (empty for "no answer"), place, score and probability."""

    text: str
    start: int
    end: int
    score: float
    probability: float


def question_model(source: str | Path | None = None) -> TaskModel:
    """Return a pre-trained encoder with a fresh span head."""
    encoder = load_encoder(encoder_folder(source))
    return TaskModel(encoder, span_head(encoder.configuration), pooled=False)


def window_starts(length: int, room: int, step: int) -> list[int]:
    """Return where windows of ``room`` pieces start in ``length`` pieces, ``step`` apart, covering all."""
    starts = [0]
    while starts[-1] + room < length:
        starts.append(starts[-1] + min(step, room))
    return starts


def make_windows(
    questions: Sequence[str],
    contexts: Sequence[str],
    tokenizer: Tokenizer,
    answers: Sequence[dict] | None = None,
    settings: WindowSettings = WindowSettings(),
) -> list[Window]:
    """Cut paragraphs into overlapping windows, with span targets where answers are given.

    Parameters
    ----------
    questions, contexts : one each a row.
    tokenizer : the model's tokenizer.
    answers : for each row ``{"text": [...], "answer_start": [...]}``, empty lists for none; the first
        one is the target. A row whose first one is nowhere (offset -1; the readers put those last) has nothing
        to learn from, and gives no window. Left out for prediction.
    settings : lengths and step.

    Raises
    ------
    CourseError
        If an answer does not stand at its offset in the paragraph or has no word piece, a window has no room
        for text, or questions, paragraphs and answers are not equally many.
    """
    s, windows = settings, []
    if s.step < 1:
        raise CourseError(f"step is {s.step}; windows must be at least 1 piece apart.")
    if len(questions) != len(contexts) or (answers is not None and len(answers) != len(questions)):
        raise CourseError(
            f"There are {len(questions)} questions, {len(contexts)} paragraphs and "
            f"{'no' if answers is None else len(answers)} answers. Give one of each a row."
        )
    cls_id, sep_id = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    asked = tokenizer.encode_batch(list(questions), add_special_tokens=False)
    different = list(dict.fromkeys(contexts))  # many questions may share a paragraph: it is tokenized once
    read = dict(zip(different, tokenizer.encode_batch(different, add_special_tokens=False), strict=True))
    # An answer reaches over the marks of its last character, as in the original's ``get_final_text``.
    places = {
        context: [(start, end_with_marks(context, end)) for start, end in read[context].offsets]
        for context in different
    }
    most_context = cache(_most_context)  # questions of one length cut a paragraph alike
    for row, (question, context) in enumerate(zip(asked, map(read.get, contexts), strict=True)):
        if answers is not None and answers[row]["answer_start"][:1] == [NOWHERE]:
            continue  # not "no answer" either: that would teach the model to abstain
        question_ids = question.ids[: s.max_question]
        room = s.max_length - len(question_ids) - 3  # [CLS] question [SEP] window [SEP]
        if room < 1:
            raise CourseError(
                f"Row {row}: a window of {s.max_length} pieces has no room beside the {len(question_ids)} pieces of "
                "the question. Raise max_length or lower max_question."
            )
        starts = window_starts(len(context.ids), room, s.step)
        spans = tuple((start, min(start + room, len(context.ids))) for start in starts)
        offsets = places[contexts[row]]
        target = (
            None if answers is None else _target_pieces(row, contexts[row], context.offsets, answers[row])
        )
        for number, (start, end) in enumerate(spans):
            first = len(question_ids) + 2
            ids = [cls_id, *question_ids, sep_id, *context.ids[start:end], sep_id]
            feature = {"input_ids": ids, "token_type_ids": [0] * first + [1] * (len(ids) - first)}
            if answers is not None:
                inside = target is not None and start <= target[0] and target[1] < end
                # A window without the whole answer points to [CLS], at position 0.
                feature["start"] = first + target[0] - start if inside else 0
                feature["end"] = first + target[1] - start if inside else 0
            windows.append(Window(row, feature, first, offsets[start:end], most_context(spans, number)))
    return windows


def _target_pieces(
    row: int, context: str, offsets: Sequence[tuple[int, int]], answer: dict
) -> tuple[int, int] | None:
    """Return first and last piece of the first reference answer, or None if there is no answer."""
    if not answer["text"]:
        return None
    text, start = answer["text"][0], answer["answer_start"][0]
    if start < 0 or context[start : start + len(text)] != text:
        raise CourseError(
            f"Row {row}: the answer {text!r} does not stand at offset {start} of its paragraph, where "
            f"{context[start : start + len(text)]!r} stands. Correct the offset, or load the file with repair=True."
        )
    touched = [i for i, (a, b) in enumerate(offsets) if a < start + len(text) and b > start]
    if not touched:  # to call it a question without an answer would teach the model to abstain
        raise CourseError(
            f"Row {row}: the answer {text!r} at offset {start} has no word piece, so no span can point to it. "
            "Give an answer with a visible character."
        )
    return touched[0], touched[-1]


def _most_context(spans: Sequence[tuple[int, int]], number: int) -> list[bool]:
    """Tell for each piece of a window whether this window gives it the most context of all windows.

    The context of a piece is the smaller of the distances to both ends of the window, plus a
    hundredth of the window's length, as in the original's ``_check_is_max_context``.
    """

    def context(span: tuple[int, int], piece: int) -> float:
        start, end = span
        return min(piece - start, end - 1 - piece) + 0.01 * (end - start)

    start, end = spans[number]
    result = []
    for piece in range(start, end):
        around = [i for i, span in enumerate(spans) if span[0] <= piece < span[1]]
        result.append(max(around, key=lambda i: context(spans[i], piece)) == number)
    return result


def span_loss(scores: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Mean of the cross-entropies of start and end over the real positions; (B, T, 2) scores."""
    scores = scores.masked_fill(batch["attention_mask"][:, :, None] == 0, torch.finfo(scores.dtype).min)
    start, end = scores.unbind(dim=-1)  # (B, T) each
    return (
        nn.functional.cross_entropy(start, batch["start"]) + nn.functional.cross_entropy(end, batch["end"])
    ) / 2


def read_windows(
    model: TaskModel,
    questions: Sequence[str],
    contexts: Sequence[str],
    tokenizer: Tokenizer,
    settings: WindowSettings = WindowSettings(),
) -> list[list[tuple[Window, Tensor]]]:
    """Return, for each question, its windows with the model's scores, (T, 2) each."""
    windows = make_windows(questions, contexts, tokenizer, settings=settings)
    of_row: list[list[tuple[Window, Tensor]]] = [[] for _ in questions]
    for window, scores in zip(windows, predict(model, [w.feature for w in windows]), strict=True):
        of_row[window.example].append((window, scores))
    return of_row


def answer_questions(
    model: TaskModel,
    questions: Sequence[str],
    contexts: Sequence[str],
    tokenizer: Tokenizer,
    settings: WindowSettings = WindowSettings(),
    *,
    threshold: float | None = None,
) -> list[Answer]:
    """Answer questions.

    Parameters
    ----------
    model : a fine-tuned model.
    questions, contexts : one each a row.
    tokenizer : the model's tokenizer.
    settings : lengths, step, and how many candidates are kept.
    threshold : "no answer" is given where ``null_difference`` is above it (see :func:`tune_threshold`);
        ``None`` always answers, as in SQuAD 1.1.
    """
    read = read_windows(model, questions, contexts, tokenizer, settings)
    return [
        decode(context, parts, settings, threshold=threshold)
        for context, parts in zip(contexts, read, strict=True)
    ]


def null_score(parts: Sequence[tuple[Window, Tensor]]) -> float:
    """Return the score of "no answer": start plus end at [CLS], the minimum over the windows.

    One window may abstain only because the answer stands in another; all have to.
    """
    return min(float(scores[0, 0] + scores[0, 1]) for _, scores in parts)


def legal_spans(
    parts: Sequence[tuple[Window, Tensor]], settings: WindowSettings = WindowSettings()
) -> list[tuple[float, int, int]]:
    """Return the spans that may be an answer, best first: score, first and last character + 1.

    The constraints of the original's ``write_predictions``: start and end are among the ``best`` of their
    window and both in the paragraph; the window gives the start the most context; the end is not before the
    start; the span has at most ``max_answer`` pieces.
    """
    spans = []
    for window, scores in parts:  # scores (T, 2)
        count = min(settings.best, len(scores))
        starts, ends = (scores[:, side].topk(count).indices.tolist() for side in (0, 1))
        paragraph = range(window.first, window.first + len(window.offsets))
        for start in starts:
            if start not in paragraph or not window.has_most_context[start - window.first]:
                continue
            for end in ends:
                if end in paragraph and start <= end < start + settings.max_answer:
                    place = window.offsets[start - window.first][0], window.offsets[end - window.first][1]
                    spans.append((float(scores[start, 0] + scores[end, 1]), *place))
    return sorted(spans, key=lambda span: -span[0])


def decode(
    context: str,
    parts: Sequence[tuple[Window, Tensor]],
    settings: WindowSettings = WindowSettings(),
    *,
    threshold: float | None = None,
) -> Answer:
    """Choose the best legal span over all windows of one question, or none.

    Parameters
    ----------
    context : the paragraph.
    parts : the windows of one question, each with its scores, (T, 2).
    settings : the constraints, see :func:`legal_spans`.
    threshold : "no answer" is given where ``null_difference`` is above it; ``None`` always answers, unless
        no span at all is legal.
    """
    null, spans = null_score(parts), legal_spans(parts, settings)
    if not spans:
        return Answer("", 0, 0, null, float("inf"))
    score, start, end = spans[0]
    best = Answer(context[start:end], start, end, score, null - score)
    return best if threshold is None else abstain([best], threshold)[0]


def best_answers(
    context: str,
    parts: Sequence[tuple[Window, Tensor]],
    settings: WindowSettings = WindowSettings(),
    *,
    none: bool = True,
) -> list[Candidate]:
    """Return the n best answers with different texts, and their probabilities, best first.

    Parameters
    ----------
    context : the paragraph.
    parts : the windows of one question, each with its scores, (T, 2).
    settings : the constraints, see :func:`legal_spans`; at most ``best`` spans are kept.
    none : whether "no answer" is one of the candidates, as in SQuAD 2.0.
    """
    found: dict[str, tuple[float, int, int]] = {"": (null_score(parts), 0, 0)} if none else {}
    for span in legal_spans(parts, settings):
        if len(found) == settings.best + none:
            break
        found.setdefault(context[span[1] : span[2]], span)
    ranked = sorted(found.items(), key=lambda item: -item[1][0])
    probabilities = torch.tensor([span[0] for _, span in ranked]).softmax(dim=0).tolist()
    return [
        Candidate(text, start, end, score, probability)
        for (text, (score, start, end)), probability in zip(ranked, probabilities, strict=True)
    ]


def abstain(answers: Sequence[Answer], threshold: float) -> list[Answer]:
    """Give "no answer" where ``null_difference`` is above a threshold, and leave the other answers."""
    return [
        Answer("", 0, 0, answer.score + answer.null_difference, answer.null_difference)
        if answer.null_difference > threshold and answer.text
        else answer
        for answer in answers
    ]


def normalize_answer(text: str) -> str:
    """Return an answer as SQuAD compares it: lower case, no ASCII punctuation, no articles, single spaces."""
    text = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def scores_by_question(answers: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return exact match and F1 of each question, shares (questions, 2) float, by torchmetrics.

    The best reference counts. That of a question without one is the empty answer (SQuAD 2.0).
    """
    from torchmetrics.functional.text import squad

    scores = []
    for answer, texts in zip(answers, references, strict=True):
        texts = [text for text in texts if normalize_answer(text)] or [""]
        target = {"id": "0", "answers": {"text": texts, "answer_start": [0] * len(texts)}}
        found = squad({"id": "0", "prediction_text": answer}, target)
        scores.append((float(found["exact_match"]), float(found["f1"])))  # torchmetrics gives percent
    return np.array(scores, dtype=float).reshape(-1, 2) / 100


def answer_scores(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return ``exact_match`` and ``f1``, shares of all questions, by torchmetrics (SQuAD's definitions).

    The reference of a question without references is the empty answer (SQuAD 2.0). Where the references are
    Chinese, ``cmrc_exact_match`` and ``cmrc_f1`` stand beside them, by the rules of CMRC 2018.

    Raises
    ------
    CourseError
        If there is no question.
    """
    check_pairs(references, answers, "question")
    exact_match, f1 = scores_by_question(answers, references).mean(axis=0)
    scores = {"exact_match": float(exact_match), "f1": float(f1)}
    if chinese_answers.is_chinese_text(text for texts in references for text in texts):
        pairs = [(answer, texts or [""]) for answer, texts in zip(answers, references, strict=True)]
        for name, rule in (("exact_match", chinese_answers.exact_match), ("f1", chinese_answers.f1)):
            scores[f"cmrc_{name}"] = sum(rule(*pair) for pair in pairs) / len(pairs)
    return scores


def scores_by_kind(
    answers: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Return the scores over all questions (``overall``), those with (``HasAns``) and without answer (``NoAns``).

    The names are those of SQuAD 2.0's official script; a kind without questions is left out.
    """
    check_pairs(references, answers, "question")
    kinds = {"overall": [True] * len(references), "HasAns": [bool(len(texts)) for texts in references]}
    kinds["NoAns"] = [not has for has in kinds["HasAns"]]
    return {
        kind: answer_scores(
            [answer for answer, chosen in zip(answers, members, strict=True) if chosen],
            [texts for texts, chosen in zip(references, members, strict=True) if chosen],
        )
        for kind, members in kinds.items()
        if any(members)
    }


@dataclass(frozen=True)
class ThresholdCurve:
    """F1 on the validation part for each threshold; all arrays (thresholds,), thresholds rising."""

    thresholds: np.ndarray
    overall: np.ndarray
    has_answer: np.ndarray
    no_answer: np.ndarray

    @property
    def best(self) -> float:
        """The threshold with the highest overall F1, the lowest of equals."""
        return float(self.thresholds[self.overall.argmax()])


def threshold_curve(answers: Sequence[Answer], references: Sequence[Sequence[str]]) -> ThresholdCurve:
    """Return F1 as a function of the threshold, as SQuAD 2.0's official ``find_best_thresh`` searches it.

    Parameters
    ----------
    answers : answers on the *validation* part, decoded without a threshold.
    references : the reference answers, empty lists for none.

    Raises
    ------
    CourseError
        If there are not both kinds of questions: then every threshold, or none, would do. Or if no question has
        a legal span, so that nothing depends on a threshold.
    """
    check_pairs(references, answers, "question")
    has = np.array([bool(len(texts)) for texts in references])
    if has.all() or not has.any():
        raise CourseError(
            f"A threshold weighs questions with an answer against those without, and of {len(has)} questions "
            f"{int(has.sum())} have one. Tune it on a validation part with both kinds."
        )
    difference = np.array([answer.null_difference for answer in answers])
    given = scores_by_question([answer.text for answer in answers], references)[:, 1]
    withheld = np.where(has, 0.0, 1.0)  # F1 of "no answer"
    finite = np.unique(difference[np.isfinite(difference)])
    if not len(finite):
        raise CourseError(
            f"Not one of the {len(answers)} questions has a legal span, so no threshold can decide. Raise max_answer "
            "or best, or look whether the paragraphs are empty."
        )
    between = (finite[:-1] + finite[1:]) / 2  # halfway, so that rounding cannot turn an answer over
    thresholds = np.concatenate([finite[:1] - 1, between, finite[-1:] + 1])
    f1 = np.where(difference[None] > thresholds[:, None], withheld, given)  # (thresholds, questions)
    return ThresholdCurve(thresholds, f1.mean(axis=1), f1[:, has].mean(axis=1), f1[:, ~has].mean(axis=1))


def tune_threshold(
    model: TaskModel,
    splits: Mapping,
    tokenizer: Tokenizer,
    settings: WindowSettings = WindowSettings(),
) -> ThresholdCurve:
    """Tune the threshold of "no answer" on the validation part, and on no other (its ``best`` is the one to use).

    Parameters
    ----------
    model : a fine-tuned model.
    splits : a data set with its parts, such as :func:`~course_lib.data.sources.load_texts` gives; only
        ``validation`` is read, so that the test part cannot leak into the choice.
    tokenizer : the model's tokenizer.
    settings : lengths, step, and how many candidates are kept.

    Raises
    ------
    CourseError
        If there is no validation part, or it lacks one of both kinds of questions.
    """
    if "validation" not in splits:
        raise CourseError(
            f"The data set has the parts {', '.join(splits)} and no validation part. Set questions aside from the "
            "training part; a threshold tuned on test makes the test score a promise that new data do not keep."
        )
    rows = splits["validation"]
    answers = answer_questions(model, rows["question"], rows["context"], tokenizer, settings)
    return threshold_curve(answers, [reference["text"] for reference in rows["answers"]])


def sentence_baseline(questions: Sequence[str], contexts: Sequence[str]) -> list[str]:
    """Answer with the sentence of the paragraph that is most like the question (TF-IDF, by scikit-learn)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=r"(?u)\b\w+\b").fit(list(contexts))
    answers = []
    for question, context in zip(questions, contexts, strict=True):
        sentences = re.split(r"(?<=[.!?])\s+", context.strip())
        similarity = (vectorizer.transform(sentences) @ vectorizer.transform([question]).T).toarray()[:, 0]
        answers.append(sentences[int(similarity.argmax())])
    return answers
