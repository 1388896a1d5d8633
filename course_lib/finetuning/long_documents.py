"""Many questions over long documents: a quick look at every window, and a careful one where it decides.

A long document has dozens of windows, and most of them have nothing to say about a question. So every window is first
read in bfloat16, and the last block only computes the states that an answer may use. Those scores are a little off, but
they show which windows could hold the best answer. Only these are read again, exactly as
:func:`~course_lib.finetuning.question_answering.answer_questions` reads them, and their scores alone make the answer.
In the shape comments B is the batch, T the longest window, P the positions that are scored, H the hidden size.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from course_lib.finetuning.loop import TaskModel, check_features, predict
from course_lib.finetuning.question_answering import (
    Answer,
    Window,
    WindowSettings,
    answer_questions,
    decode,
    legal_spans,
    make_windows,
    null_score,
)
from course_lib.training.batching import inference_batches, pad_batch
from course_lib.training.precision import casts

WORTHWHILE = 4  # windows of a question, on average; of fewer, most would be read twice
LOWEST = torch.finfo(torch.float32).min


def answer_many(
    model: TaskModel,
    questions: Sequence[str],
    contexts: Sequence[str],
    tokenizer: Tokenizer,
    settings: WindowSettings = WindowSettings(),
    *,
    threshold: float | None = None,
    safety: float = 2.0,
    precision: str = "bfloat16",
) -> list[Answer]:
    """Answer as :func:`~course_lib.finetuning.question_answering.answer_questions` does, in less time.

    Where the processor has no instructions for bfloat16, or the documents are short, that function does the work.

    Parameters
    ----------
    model, questions, contexts, tokenizer, settings, threshold : as there.
    safety : how many times the largest error of the first look, as far as it is known, is expected of a window that
        hasn't been read again. A larger number reads more windows twice.
    precision : of the first look.
    """
    windows = make_windows(questions, contexts, tokenizer, settings=settings)
    quicker = precision != "bfloat16" or casts(next(model.parameters()).device.type, precision)
    if not quicker or len(windows) < WORTHWHILE * len(questions):
        return answer_questions(model, questions, contexts, tokenizer, settings, threshold=threshold)
    of_row: list[list[int]] = [[] for _ in questions]
    for number, window in enumerate(windows):
        of_row[window.example].append(number)
    bounds = first_look(model, windows, settings, precision)
    exact = exact_scores(model, windows, of_row, bounds, settings, safety)
    return [
        decode(
            context, [(windows[n], exact[n]) for n in numbers if n in exact], settings, threshold=threshold
        )
        for context, numbers in zip(contexts, of_row, strict=True)
    ]


def exact_scores(
    model: TaskModel,
    windows: Sequence[Window],
    of_row: Sequence[Sequence[int]],
    bounds: Tensor,
    settings: WindowSettings,
    safety: float,
) -> dict[int, Tensor]:
    """Return the exact scores, (T, 2) each, of the windows that decide the answers, by their numbers.

    Parameters
    ----------
    model : the model, as it is.
    windows : of all questions.
    of_row : the numbers of each question's windows.
    bounds : (windows, 2) float, what :func:`first_look` has found.
    settings : the constraints on answers.
    safety : see :func:`answer_many`.
    """
    exact: dict[int, Tensor] = {}

    def read(numbers: Iterable[int]) -> None:
        chosen = sorted(set(numbers) - exact.keys())
        scores = predict(model, [windows[number].feature for number in chosen])
        exact.update(zip(chosen, scores, strict=True))

    # The most promising window of each question, and the one that most rejects "no answer".
    rows = [torch.tensor(numbers) for numbers in of_row]
    read(int(row[bounds[row, 0].argmax()]) for row in rows)
    read(int(row[bounds[row, 1].argmin()]) for row in rows)
    error = max(
        (float((score_bounds(windows[n], exact[n], settings) - bounds[n]).abs().max()) for n in exact),
        default=0.0,
    )
    due: list[int] = []
    for row in rows:
        parts = [(windows[n], exact[n]) for n in row.tolist() if n in exact]
        spans = legal_spans(parts, settings)
        best = spans[0][0] if spans else LOWEST
        may_hold_best = bounds[row, 0] + safety * error >= best
        may_be_null = bounds[row, 1] - safety * error <= null_score(parts)
        due += row[may_hold_best | may_be_null].tolist()
    read(due)
    return exact


@torch.no_grad()
def first_look(
    model: TaskModel,
    windows: Sequence[Window],
    settings: WindowSettings,
    precision: str,
    batch_size: int = 32,
) -> Tensor:
    """Return what each window could reach, see :func:`score_bounds`, from scores in a precision: (windows, 2) float.

    Parameters
    ----------
    model : the model; a copy of it is cast, once, so no product has to cast its weights.
    windows : of all questions.
    settings : the constraints on answers.
    precision : ``"bfloat16"``, or ``"float32"``, which changes no number.
    batch_size : windows that are read at once.
    """
    features = [window.feature for window in windows]
    bounds = torch.empty(len(windows), 2)
    if not windows:
        return bounds
    check_features(model, features)
    device = next(model.parameters()).device
    quick = copy.deepcopy(model).to(getattr(torch, precision)).eval()
    for rows, batch in inference_batches(features, batch_size, pad_batch):
        chosen = [useful_positions(windows[row], settings) for row in rows]
        longest = max(map(len, chosen))
        positions = torch.stack([functional.pad(p, (0, longest - len(p))) for p in chosen])  # (B, P)
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        scores = scores_at(quick, batch, positions.to(device)).float().cpu()  # (B, P, 2)
        for row, places, values in zip(rows, chosen, scores, strict=True):
            full = torch.full((len(features[row]["input_ids"]), 2), LOWEST)  # (T, 2)
            full[places] = values[: len(places)]
            bounds[row] = score_bounds(windows[row], full, settings)
    return bounds


def useful_positions(window: Window, settings: WindowSettings) -> Tensor:
    """Return the positions whose scores an answer may use: [CLS], legal starts, and the ends they allow, (P,) int64."""
    if not window.offsets:
        return torch.zeros(1, dtype=torch.int64)
    most = torch.tensor(window.has_most_context)
    within_reach = functional.pad(most.float(), (settings.max_answer - 1, 0))[
        None
    ]  # a start up to so many before
    ends = functional.max_pool1d(within_reach, settings.max_answer, stride=1)[0].bool()  # (pieces,)
    places = ends.nonzero()[:, 0] + window.first
    return torch.cat([torch.zeros(1, dtype=torch.int64), places])


def score_bounds(window: Window, scores: Tensor, settings: WindowSettings) -> Tensor:
    """Return the most that a legal span of a window can score, and the score of "no answer": (2,) float.

    No legal span has a higher score: only the rule that start and end are among the ``best`` of their window is left
    out, so a window that can hold the best answer never looks as if it couldn't.

    Parameters
    ----------
    window : the window.
    scores : (T, 2) float, of start and end.
    settings : the constraints.
    """
    pieces = scores[window.first : window.first + len(window.offsets)]  # (pieces, 2)
    if not any(window.has_most_context):
        return torch.stack([scores.new_tensor(LOWEST), scores[0].sum()])
    most = torch.tensor(window.has_most_context)
    ends = functional.pad(pieces[:, 1], (0, settings.max_answer - 1), value=LOWEST)[None]
    best_end = functional.max_pool1d(ends, settings.max_answer, stride=1)[
        0
    ]  # (pieces,): the best of those in reach
    return torch.stack([(pieces[most, 0] + best_end[most]).max(), scores[0].sum()])


def scores_at(model: TaskModel, batch: dict[str, Tensor], positions: Tensor) -> Tensor:
    """Return the model's scores at some positions alone: (B, P) int64 -> (B, P, outputs).

    Every block but the last is computed as it is. In the last one, all positions give keys and values, and only the
    chosen ones ask, pass the feed-forward layers and are scored.

    Parameters
    ----------
    model : in evaluation mode, with a head for tokens.
    batch : as the model takes it.
    positions : where to score.
    """
    encoder, H = model.encoder, model.encoder.configuration.hidden_size
    mask = batch["attention_mask"][:, None, None].bool()  # (B, 1, 1, T)
    mask = None if bool(mask.all()) else mask
    hidden = encoder.embeddings(batch["input_ids"], batch.get("token_type_ids"))  # (B, T, H)
    for block in encoder.blocks[:-1]:
        hidden, _ = block(hidden, mask)
    last, attention = encoder.blocks[-1], encoder.blocks[-1].attention
    chosen = hidden.gather(1, positions[:, :, None].expand(-1, -1, H))  # (B, T, H) -> (B, P, H)
    joined = attention.query_key_value
    query = functional.linear(chosen, joined.weight[:H], joined.bias[:H])  # (B, P, H)
    key, value = functional.linear(hidden, joined.weight[H:], joined.bias[H:]).chunk(
        2, dim=-1
    )  # (B, T, H) each
    query, key, value = (
        states.unflatten(-1, (attention.heads, attention.head_size)).transpose(1, 2)
        for states in (query, key, value)
    )  # (B, A, P or T, D)
    context = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)  # (B, A, P, D)
    chosen = last.attention_norm(chosen + attention.output(context.transpose(1, 2).flatten(2)))  # (B, P, H)
    chosen = last.output_norm(chosen + last.contract(last.activation(last.expand(chosen))))
    return model.head(chosen)
