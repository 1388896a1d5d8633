"""The fast gradient method: train on the embeddings moved to where the loss grows fastest (Miyato et al. 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from course_lib.errors import CourseError, SettingError
from course_lib.finetuning.classification import classification_features, classification_loss
from course_lib.finetuning.loop import TaskModel, predict
from course_lib.training.batching import pad_batch

ATTACKED = "encoder.embeddings.token.weight"  # the whole name: a part of it could hit LayerNorm, too


class FastGradientMethod:
    """Moves the token embeddings along their gradient, and back.

    One step of training: ``backward`` of the loss; :meth:`attack`; ``backward`` of the loss of the same rows again, which adds
    to the gradients; :meth:`restore`; then the optimizer's update. The table is never changed by more than the
    attack, unless the optimizer has it.

    The table needs a gradient, even where training leaves the embeddings as they are. So it gets one here: make
    the optimizer first, of what's to be trained.

    Parameters
    ----------
    model : body and head.
    epsilon : how long the move is, of all tokens of a batch together.

    Raises
    ------
    SettingError
        If the length isn't positive.
    """

    def __init__(self, model: TaskModel, epsilon: float = 1.0):
        if epsilon <= 0:
            raise SettingError(f"A move of length {epsilon} attacks nothing. Give a positive epsilon.")
        self.table = dict(model.named_parameters())[ATTACKED]
        self.needed = self.table.requires_grad
        self.table.requires_grad_(True)
        self.epsilon = epsilon
        self._rows: Tensor | None = None
        self._weights: Tensor | None = None

    @torch.no_grad()
    def attack(self) -> Tensor:
        """Move the embeddings of the tokens that have a gradient, and return the move, (V, H).

        Raises
        ------
        CourseError
            If there is no gradient yet, or the last attack was not taken back.
        """
        if self._rows is not None:
            raise CourseError("The embeddings are moved already. Call restore before the next attack.")
        if self.table.grad is None:
            raise CourseError("The embeddings have no gradient. Call backward on the loss before the attack.")
        gradient = self.table.grad  # (V, H)
        length = gradient.norm()
        move = self.epsilon * gradient / length if length > 0 else torch.zeros_like(gradient)
        self._rows = move.any(dim=1).nonzero().squeeze(1)  # (moved,) ids
        self._weights = self.table[self._rows].clone()  # (moved, H)
        self.table[self._rows] += move[self._rows]
        return move

    @torch.no_grad()
    def restore(self) -> None:
        """Put the embeddings back, bit for bit: the weights are kept, as subtracting the move would round.

        Raises
        ------
        CourseError
            If nothing was moved.
        """
        if self._rows is None:
            raise CourseError("No embedding is moved. Call attack first.")
        self.table[self._rows] = self._weights
        self._rows = self._weights = None

    @contextmanager
    def attacked(self) -> Iterator[Tensor]:
        """Move the embeddings for a ``with`` block, which gets the move, and put them back whatever happens in it."""
        try:
            yield self.attack()
        finally:
            self.restore()

    def close(self) -> None:
        """Leave the embeddings without a gradient if they had none before."""
        self.table.requires_grad_(self.needed)


@dataclass(frozen=True)
class TokenShift:
    """What an attack does with one token of a text.

    Parameters
    ----------
    token : its piece.
    norm : how far its embedding is moved; a token that's there several times moves once, everywhere.
    change : of the margin, if that token alone is moved.
    nearest : the piece whose embedding is nearest by then: mostly itself, so an attack is no other text.
    """

    token: str
    norm: float
    change: float
    nearest: str


@dataclass(frozen=True)
class Attack:
    """An attack on one text: what each token has to do with it, and the margin before and after."""

    tokens: tuple[TokenShift, ...]
    margin: float
    attacked_margin: float


def attack_on_text(
    model: TaskModel, tokenizer: Tokenizer, text: str, label: int, epsilon: float = 1.0, max_length: int = 64
) -> Attack:
    """Attack a model of two classes on one text, and take it back.

    Parameters
    ----------
    model : is the same afterwards.
    tokenizer : of the model.
    text, label : the text, and its class.
    epsilon : length of the move.
    max_length : tokens of the text, special ones counted.

    Returns
    -------
    Attack
        Its tokens are in the order of the text, each once.
    """
    feature = classification_features([text], tokenizer, [label], max_length=max_length)[0]
    table, was_training = model.encoder.embeddings.token.weight, model.training
    kept = table.grad
    model.eval()  # without dropout: the attack is on the model that answers
    method, batch = FastGradientMethod(model, epsilon), pad_batch([feature])
    table.grad = torch.autograd.grad(classification_loss(model(batch).float(), batch), table)[0]
    unmoved = table.detach().clone()  # (V, H)
    margin, ids = _margin(model, feature), list(dict.fromkeys(feature["input_ids"]))
    with method.attacked() as move:
        attacked = _margin(model, feature)
        nearest = torch.cdist(table.detach()[ids], unmoved).argmin(dim=1).tolist()  # (tokens, V) -> (tokens,)
    shifts = []
    for token, near in zip(ids, nearest, strict=True):
        with torch.no_grad():
            table[token] += move[token]
            change = _margin(model, feature) - margin
            table[token] = unmoved[token]
        pieces = tokenizer.id_to_token(token), tokenizer.id_to_token(near)
        shifts.append(TokenShift(pieces[0], float(move[token].norm()), change, pieces[1]))
    table.grad = kept
    method.close()
    model.train(was_training)
    return Attack(tuple(shifts), margin, attacked)


def _margin(model: TaskModel, feature: dict) -> float:
    scores = predict(model, [feature])[0]  # (2,)
    return float(scores[1] - scores[0])
