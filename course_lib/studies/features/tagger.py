"""A BiLSTM that tags words by cached states of BERT (Devlin et al. 2018, section 5.3 and table 7)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_lib.bert.heads import IGNORED
from course_lib.errors import CourseError
from course_lib.finetuning.entities import TAGS
from course_lib.studies.features.cache import CachedStates
from course_lib.training.batching import length_buckets
from course_lib.training.optimization import adamw
from course_lib.training.update import UpdateStep

JOINS = ("concat", "mix", "mean")


@dataclass(frozen=True)
class Features:
    """Which layers a tagger reads, and how they are joined.

    Parameters
    ----------
    layers : 0 for the embeddings, 1 for the first block, negative from the last.
    join : ``"concat"``; ``"mix"``, a sum with learned weights; or ``"mean"``, the same weight for each.
    """

    layers: tuple[int, ...]
    join: str = "concat"


# The six rows of table 7, and a seventh that shows what learned weights add.
ROWS = {
    "embeddings": Features((0,)),
    "second-to-last hidden": Features((-2,)),
    "last hidden": Features((-1,)),
    "weighted sum of last four": Features((-4, -3, -2, -1), "mix"),
    "concat of last four": Features((-4, -3, -2, -1)),
    "weighted sum of all": Features((1, 2, 3, 4, 5, 6), "mix"),
    "equal weights, all": Features((1, 2, 3, 4, 5, 6), "mean"),
}


class LayerMix(nn.Module):
    """A sum of layers, weighted by a softmax, times one number (Peters et al. 2018, equation 1).

    Parameters
    ----------
    layers : how many there are.
    learned : whether weights and number are trained; else the sum stays the mean.
    """

    def __init__(self, layers: int, learned: bool = True):
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(layers), requires_grad=learned)  # equal weights at first
        self.scale = nn.Parameter(torch.ones(()), requires_grad=learned)

    def weights(self) -> Tensor:
        """Return the weight of each layer: (layers,), they sum to 1."""
        return self.scores.softmax(dim=0)

    def forward(self, states: Tensor) -> Tensor:
        """Join layers: (B, layers, T, H) -> (B, T, H)."""
        return self.scale * torch.einsum("l,blth->bth", self.weights(), states)


class BiLSTMTagger(nn.Module):
    """Two layers that read the words in both directions, then one score for each tag.

    Parameters
    ----------
    features : what is read.
    size : width H of a cached state.
    hidden : width of each direction; the paper's BiLSTM is 768-dimensional.
    depth : layers of the BiLSTM.
    tags : how many there are.
    dropout : share of its input that is dropped in training, and of what passes from layer to layer.

    Raises
    ------
    CourseError
        If layers are to be joined in another way than ``JOINS``.
    """

    def __init__(
        self,
        features: Features,
        size: int,
        *,
        hidden: int = 768,
        depth: int = 2,
        tags: int = len(TAGS),
        dropout: float = 0.3,
    ):
        super().__init__()
        if features.join not in JOINS:
            raise CourseError(f"Layers can't be joined by {features.join!r}. Choose: {', '.join(JOINS)}.")
        count = len(features.layers)
        self.features = features
        self.mix = None if features.join == "concat" else LayerMix(count, features.join == "mix")
        width = size * count if features.join == "concat" else size
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(width, hidden, depth, batch_first=True, bidirectional=True, dropout=dropout)
        self.output = nn.Linear(2 * hidden, tags)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Score tags: (B, layers, T, H) states and (B,) words of each sentence -> (B, T, tags)."""
        if self.mix is None:
            joined = states.transpose(1, 2).flatten(2)  # (B, T, layers · H)
        else:
            joined = self.mix(states)  # (B, T, H)
        # Packed, the backward direction begins at a sentence's last word and not in its padding.
        packed = pack_padded_sequence(self.dropout(joined), lengths, batch_first=True, enforce_sorted=False)
        read, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)  # (B, T, 2 · hidden)
        return self.output(read)


def word_batch(layers: Tensor, starts: Sequence[int], rows: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Gather the states of some sentences, padded to the longest of them.

    Parameters
    ----------
    layers : (layers, words, H), of :meth:`CachedStates.layers`.
    starts : where each sentence begins, and the end of the last.
    rows : numbers of the sentences.

    Returns
    -------
    tuple of Tensor
        States (B, layers, T, H); words of each sentence (B,); and (B, T) int64, the number of each word
        in the cache, -1 behind a sentence's end.
    """
    first = torch.tensor([int(starts[row]) for row in rows])  # (B,)
    lengths = torch.tensor([int(starts[row + 1]) for row in rows]) - first  # (B,)
    places = torch.arange(int(lengths.max()))  # (T,)
    words = torch.where(places < lengths[:, None], first[:, None] + places, -1)  # (B, T)
    return layers[:, words].transpose(0, 1), lengths, words  # padding is overlooked by whoever packs


@dataclass(frozen=True)
class TaggerTraining:
    """How a tagger is trained on cached states."""

    hidden: int = 64
    epochs: int = 10
    learning_rate: float = 3e-3
    batch_size: int = 16
    dropout: float = 0.3
    warmup_share: float = 0.1
    seed: int = 42


def train_tagger(
    features: Features, cache: CachedStates, labels: Sequence[Sequence[int]], training: TaggerTraining
) -> tuple[BiLSTMTagger, dict]:
    """Train one tagger; the encoder isn't called at all.

    Parameters
    ----------
    features : what it reads.
    cache : states of the training sentences.
    labels : the number of each word's tag, a list a sentence.
    training : sizes, rate and so on.

    Returns
    -------
    tuple
        The tagger, in evaluation mode; and its ``losses`` by step, ``trainable`` parameters and
        ``epoch_seconds``, processor time of an epoch.

    Raises
    ------
    CourseError
        If sentences and labels don't pair up.
    """
    t, counts = training, [int(count) for count in cache.starts[1:] - cache.starts[:-1]]
    if [len(row) for row in labels] != counts:
        raise CourseError("The labels don't fit the cached sentences. Give one label a word, in their order.")
    torch.manual_seed(t.seed)
    layers = cache.layers(features.layers)  # (layers, words, H)
    model = BiLSTMTagger(features, layers.shape[-1], hidden=t.hidden, dropout=t.dropout)
    target = torch.tensor([*(label for row in labels for label in row), IGNORED])  # [-1] is padding
    rows_with_words = [row for row, count in enumerate(counts) if count]
    lengths = [counts[row] for row in rows_with_words]
    order = torch.Generator().manual_seed(t.seed)
    steps = t.epochs * -(-len(lengths) // t.batch_size)
    optimizer = adamw(model, t.learning_rate)
    update = UpdateStep(model, optimizer, t.learning_rate, round(steps * t.warmup_share), steps)

    def loss_of(batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        states, words_of_rows, words = batch
        scores = model(states, words_of_rows)  # (B, T, tags)
        return nn.functional.cross_entropy(
            scores.flatten(0, 1), target[words].flatten(), ignore_index=IGNORED
        )

    losses, began = [], time.process_time()
    for _ in range(t.epochs):
        for numbers in length_buckets(lengths, t.batch_size, order):
            batch = word_batch(layers, cache.starts, [rows_with_words[number] for number in numbers])
            losses.append(update(len(losses), [batch], loss_of).item())
    seconds = (time.process_time() - began) / t.epochs
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return model.eval(), {"losses": losses, "trainable": trainable, "epoch_seconds": seconds}


@torch.no_grad()
def tag_words(
    model: BiLSTMTagger, cache: CachedStates, tags: Sequence[str] = TAGS, batch_size: int = 64
) -> list[list[str]]:
    """Return the tag of each word of the cached sentences."""
    layers = cache.layers(model.features.layers)
    counts = cache.starts[1:] - cache.starts[:-1]
    found: list[list[str]] = [[] for _ in counts]
    rows = sorted((row for row, count in enumerate(counts) if count), key=lambda row: -counts[row])
    for start in range(0, len(rows), batch_size):
        chosen = rows[start : start + batch_size]
        states, lengths, _ = word_batch(layers, cache.starts, chosen)
        best = model(states, lengths).argmax(dim=-1)  # (B, T)
        for row, numbers, length in zip(chosen, best.tolist(), lengths.tolist(), strict=True):
            found[row] = [tags[number] for number in numbers[:length]]
    return found
