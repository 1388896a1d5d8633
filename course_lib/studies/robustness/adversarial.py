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
        self.weights = {name: weight for name, weight in model.named_parameters() if name == ATTACKED}
        self.needed = {name: weight.requires_grad for name, weight in self.weights.items()}
        for weight in self.weights.values():
            weight.requires_grad_(True)
        self.epsilon = epsilon
        self._kept: dict[str, Tensor] = {}

    @torch.no_grad()
    def attack(self) -> Tensor:
        """Move the embeddings of the tokens that have a gradient, and return the move, (V, H).

        Raises
        ------
        CourseError
            If there is no gradient yet, or the last attack was not taken back.
        """
        if self._kept:
            raise CourseError("The embeddings are moved already. Call restore before the next attack.")
        for name, weight in self.weights.items():
            if weight.grad is None:
                raise CourseError(
                    "The embeddings have no gradient. Call backward on the loss before the attack."
                )
            length = weight.grad.norm()
            move = self.epsilon * weight.grad / length if length > 0 else torch.zeros_like(weight)  # (V, H)
            self._kept[name] = weight.clone()
            weight += move
        return move

    @torch.no_grad()
    def restore(self) -> None:
        """Put the embeddings back, bit for bit: they were kept, as subtracting the move would round.

        Raises
        ------
        CourseError
            If nothing was moved.
        """
        if not self._kept:
            raise CourseError("No embedding is moved. Call attack first.")
        for name, weight in self.weights.items():
            weight.copy_(self._kept[name])
        self._kept = {}

    @contextmanager
    def attacked(self) -> Iterator[Tensor]:
        """Move the embeddings for a ``with`` block, which gets the move, and put them back whatever happens in it."""
        move = self.attack()
        try:
            yield move
        finally:
            self.restore()

    def close(self) -> None:
        """Leave the embeddings without a gradient if they had none before."""
        for name, weight in self.weights.items():
            weight.requires_grad_(self.needed[name])


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
