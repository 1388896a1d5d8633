"""Extractive question answering: find the span of a paragraph that answers (Devlin et al. 2018, 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from course_lib.bert.heads import SpanHead
from course_lib.bert.loading import load_encoder
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TaskModel, predict


@dataclass(frozen=True)
class WindowSettings:
    """How a question and its paragraph become windows, and windows an answer.

    Lengths are in word pieces. ``step`` is the distance from one window's start to the next, as in
    the original's ``doc_stride``; the overlap is what remains.
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
    window's first paragraph piece; ``offsets`` (start, end in characters) and ``has_most_context`` are
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

    ``null_difference`` is the score of "no answer" minus that of the best span.
    """

    text: str
    start: int
    end: int
    score: float
    null_difference: float


def question_model(source: str | Path | None = None) -> TaskModel:
    """Return a pre-trained encoder with a fresh span head."""
    encoder = load_encoder(encoder_folder(source))
    return TaskModel(encoder, SpanHead(encoder.configuration), pooled=False)


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
        one is the target. Left out for prediction.
    settings : lengths and step.

    Raises
    ------
    CourseError
        If an answer does not stand at its offset in the paragraph, or a window has no room for text.
    """
    s, windows = settings, []
    if s.step < 1:
        raise CourseError(f"step is {s.step}; windows must be at least 1 piece apart.")
    cls_id, sep_id = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    asked = tokenizer.encode_batch(list(questions), add_special_tokens=False)
    read = tokenizer.encode_batch(list(contexts), add_special_tokens=False)
    for row, (question, context) in enumerate(zip(asked, read, strict=True)):
        question_ids = question.ids[: s.max_question]
        room = s.max_length - len(question_ids) - 3  # [CLS] question [SEP] window [SEP]
        if room < 1:
            raise CourseError(
                f"Row {row}: a window of {s.max_length} pieces has no room beside the {len(question_ids)} pieces of "
                "the question. Raise max_length or lower max_question."
            )
        starts = window_starts(len(context.ids), room, s.step)
        spans = [(start, min(start + room, len(context.ids))) for start in starts]
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
            windows.append(
                Window(row, feature, first, context.offsets[start:end], _most_context(spans, number))
            )
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
            f"{context[start : start + len(text)]!r} stands. Correct the offset, or read the file with repair=True."
        )
    touched = [i for i, (a, b) in enumerate(offsets) if a < start + len(text) and b > start]
    return (touched[0], touched[-1]) if touched else None


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
    threshold : "no answer" is given where ``null_difference`` is above it (tune it on validation
        data); ``None`` always answers, as in SQuAD 1.1.
    """
    windows = make_windows(questions, contexts, tokenizer, settings=settings)
    scores = predict(model, [window.feature for window in windows])
    of_row: list[list[tuple[Window, Tensor]]] = [[] for _ in questions]
    for window, values in zip(windows, scores, strict=True):
        of_row[window.example].append((window, values))
    return [decode(contexts[row], parts, settings, threshold=threshold) for row, parts in enumerate(of_row)]


def decode(
    context: str,
    parts: Sequence[tuple[Window, Tensor]],
    settings: WindowSettings = WindowSettings(),
    *,
    threshold: float | None = None,
) -> Answer:
    """Choose the best span over all windows of one question (the constraints of the original).

    Start and end are among the ``best`` of their window, the start is the piece's own best-context
    window's, the end is not before the start, and the span is at most ``max_answer`` pieces long.
    The null score is the minimum over the windows: each may abstain only because the answer lies elsewhere.
    """
    null = min(float(scores[0, 0] + scores[0, 1]) for _, scores in parts)
    best, place = -float("inf"), (0, 0)
    for window, scores in parts:
        inside = scores[window.first : window.first + len(window.offsets)]  # (pieces, 2)
        count = min(settings.best, len(inside))
        starts, ends = (inside[:, side].topk(count).indices.tolist() for side in (0, 1))
        for start in starts:
            for end in ends:
                legal = start <= end < start + settings.max_answer and window.has_most_context[start]
                value = float(inside[start, 0] + inside[end, 1])
                if legal and value > best:
                    best, place = value, (window.offsets[start][0], window.offsets[end][1])
    difference = null - best
    if threshold is not None and difference > threshold:
        return Answer("", 0, 0, null, difference)
    return Answer(context[place[0] : place[1]], *place, best, difference)


def answer_scores(answers: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return ``exact_match`` and ``f1`` in percent, by torchmetrics, with SQuAD's normalization.

    The reference of a question without references is the empty answer (SQuAD 2.0).
    """
    from torchmetrics.text import SQuAD

    metric = SQuAD()
    for number, (answer, texts) in enumerate(zip(answers, references, strict=True)):
        texts = list(texts) or [""]
        metric.update(
            [{"prediction_text": answer, "id": str(number)}],
            [{"answers": {"text": texts, "answer_start": [0] * len(texts)}, "id": str(number)}],
        )
    return {key: float(value) for key, value in metric.compute().items()}
