"""Which words a score rests on: gradient times input, and integrated gradients (Sundararajan et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from course_lib.bert.heads import row_state
from course_lib.errors import SettingError
from course_lib.finetuning.classification import classification_features
from course_lib.finetuning.loop import TaskModel

BASELINES = ("[PAD]", "[MASK]", "zero")
METHODS = ("gradient x input", "integrated gradients")


@dataclass(frozen=True)
class Attribution:
    """What each token of a text adds to a score.

    Parameters
    ----------
    tokens : the T tokens, [CLS] and [SEP] among them.
    values : (T,) float.
    score, baseline_score : the score of the text and of its baseline; the values should add up to the difference.
    """

    tokens: tuple[str, ...]
    values: Tensor
    score: float
    baseline_score: float

    @property
    def gap(self) -> float:
        """What is missing from completeness: the sum of the values less the difference of the scores."""
        return float(self.values.sum()) - (self.score - self.baseline_score)


def log_odds(scores: Tensor, label: int) -> Tensor:
    """Return how far one class is ahead of all others, (B, classes) -> (B,): 0 is a probability of one half."""
    others = [other for other in range(scores.shape[-1]) if other != label]
    return scores[:, label] - scores[:, others].logsumexp(dim=-1)


def score_of_vectors(model: TaskModel, label: int) -> Callable[[Tensor], Tensor]:
    """Return a function that scores token vectors, so that a gradient can reach them: (B, T, H) -> (B,).

    The vectors take the place of the token embeddings; segments, positions and all that follows are the model's.
    There is no padding among them.
    """

    def score(vectors: Tensor) -> Tensor:
        embed, length = model.encoder.embeddings, vectors.shape[1]
        hidden = vectors + embed.segment.weight[0] + embed.position.weight[:length]  # (B, T, H)
        hidden = embed.dropout(embed.norm(hidden))
        for block in model.encoder.blocks:
            hidden, _ = block(hidden)  # (B, T, H)
        pooler = model.encoder.pooler
        pooled = hidden[:, 0] if pooler is None else torch.tanh(pooler(hidden[:, 0]))  # (B, H)
        output = _Output(hidden, pooled)
        return log_odds(model.head(row_state(output, reads=model.reads)), label)

    return score


@dataclass(frozen=True)
class _Output:
    last_hidden_state: Tensor
    pooled_output: Tensor


def baseline_vectors(model: TaskModel, input_ids: Tensor, tokenizer: Tokenizer, baseline: str) -> Tensor:
    """Return the vectors of a text that says nothing: [CLS] and [SEP] stay, each word becomes the baseline.

    Parameters
    ----------
    model : the model.
    input_ids : (1, T) int64.
    tokenizer : its tokenizer.
    baseline : ``"[PAD]"``, ``"[MASK]"``, or ``"zero"`` for a vector of zeros.

    Raises
    ------
    SettingError
        If there is no such baseline.
    """
    if baseline not in BASELINES:
        raise SettingError(f"There is no baseline {baseline!r}. Choose one of {', '.join(BASELINES)}.")
    table = model.encoder.embeddings.token
    special = torch.tensor([tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")])
    word = ~torch.isin(input_ids, special)[..., None]  # (1, T, 1)
    blank = torch.zeros(table.embedding_dim)
    if baseline != "zero":
        blank = table.weight[tokenizer.token_to_id(baseline)].detach()  # (H,)
    return torch.where(word, blank, table(input_ids).detach())  # (1, T, H)


def gradients_at(score: Callable[[Tensor], Tensor], vectors: Tensor) -> Tensor:
    """Return the gradient of each row's score at its vectors, (B, T, H)."""
    vectors = vectors.detach().requires_grad_()
    return torch.autograd.grad(score(vectors).sum(), vectors)[0]


def gradient_times_input(score: Callable[[Tensor], Tensor], vectors: Tensor) -> Tensor:
    """Return gradient times input, summed over each token's vector: (1, T, H) -> (T,)."""
    return (gradients_at(score, vectors) * vectors).sum(dim=-1)[0].detach()


def integrated_gradients(
    score: Callable[[Tensor], Tensor], vectors: Tensor, baseline: Tensor, steps: int = 64, rows: int = 16
) -> Tensor:
    """Return integrated gradients by the midpoint rule, (1, T, H) -> (T,).

    Parameters
    ----------
    score : of (B, T, H) vectors, (B,).
    vectors, baseline : (1, T, H) each.
    steps : points of the path from the baseline to the text.
    rows : points that are read at once.
    """
    total = torch.zeros_like(vectors)
    shares = (torch.arange(steps) + 0.5) / steps  # midpoints of equal pieces of the path
    for part in shares.split(rows):
        path = baseline + part[:, None, None] * (vectors - baseline)  # (rows, T, H)
        total += gradients_at(score, path).sum(dim=0)  # (1, T, H)
    return ((vectors - baseline) * total / steps).sum(dim=-1)[0].detach()  # (T,)


def attribute(
    model: TaskModel,
    tokenizer: Tokenizer,
    text: str,
    label: int,
    *,
    method: str = METHODS[1],
    baseline: str = BASELINES[0],
    steps: int = 64,
    max_length: int = 128,
) -> Attribution:
    """Attribute the log-odds of a class to the tokens of a text.

    Parameters
    ----------
    model : a fine-tuned classifier of texts, yours or the course's, in evaluation mode.
    tokenizer : its tokenizer.
    text, label : the text, and the class whose score is explained.
    method : ``"gradient x input"`` or ``"integrated gradients"``.
    baseline, steps : of integrated gradients; the gap of the other method is measured from the same baseline.
    max_length : the most tokens.

    Raises
    ------
    SettingError
        If there is no such method or baseline.
    """
    if method not in METHODS:
        raise SettingError(f"There is no method {method!r}. Choose one of {', '.join(METHODS)}.")
    (feature,) = classification_features([text], tokenizer, max_length=max_length)
    ids = torch.tensor([feature["input_ids"]])  # (1, T)
    score = score_of_vectors(model, label)
    vectors = model.encoder.embeddings.token(ids).detach()  # (1, T, H)
    empty = baseline_vectors(model, ids, tokenizer, baseline)  # (1, T, H)
    if method == METHODS[0]:
        values = gradient_times_input(score, vectors)
    else:
        values = integrated_gradients(score, vectors, empty, steps)
    with torch.no_grad():
        full, nothing = score(vectors).item(), score(empty).item()
    return Attribution(tuple(map(tokenizer.id_to_token, ids[0].tolist())), values, full, nothing)


def by_word(tokens: Sequence[str], values: Tensor) -> list[tuple[str, float]]:
    """Join word pieces: ``##`` pieces go to the word they continue, and their values are added."""
    words: list[list] = []
    for token, value in zip(tokens, values.tolist(), strict=True):
        if token.startswith("##") and words:
            words[-1][0] += token[2:]
            words[-1][1] += value
        else:
            words.append([token, value])
    return [(word, value) for word, value in words]
