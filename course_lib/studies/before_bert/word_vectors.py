"""Static word vectors: skip-gram with negative sampling, in one file (Mikolov et al. 2013, arXiv:1310.4546)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from course_lib.studies.before_bert.word_counts import frequent_words


@dataclass(frozen=True)
class SkipGramConfiguration:
    """How word vectors are trained; the defaults go with a small text.

    Parameters
    ----------
    size : numbers of a vector.
    window : words on each side that a word is to predict; for each center a smaller one may be drawn, as in the
        original code, so that near words count for more.
    negatives : words drawn at random for each pair.
    noise_power : a word is drawn in proportion to its count to this power.
    subsample : a word with a larger share of the text than this is often left out.
    at_least : occurrences of a word that gets a vector.
    epochs : passes over the text.
    batch_size : pairs of one update.
    learning_rate : of Adam, falling to 0.
    seed : of everything that is drawn.
    """

    size: int = 50
    window: int = 5
    negatives: int = 5
    noise_power: float = 0.75
    subsample: float = 3e-4
    at_least: int = 10
    epochs: int = 3
    batch_size: int = 1024
    learning_rate: float = 1e-2
    seed: int = 0


@dataclass(frozen=True)
class WordVectors:
    """Words and one vector for each.

    Parameters
    ----------
    words : the most frequent first.
    vectors : (V, D) float32.
    """

    words: tuple[str, ...]
    vectors: Tensor

    def __post_init__(self):
        object.__setattr__(self, "_number", {word: number for number, word in enumerate(self.words)})

    def __contains__(self, word: str) -> bool:
        return word in self._number

    def __getitem__(self, word: str) -> Tensor:
        """Return the vector of a word, (D,)."""
        return self.vectors[self._number[word]]

    def centered(self) -> WordVectors:
        """Return the vectors less their mean."""
        return replace(self, vectors=self.vectors - self.vectors.mean(dim=0))

    def nearest(self, word: str, count: int = 5) -> list[tuple[str, float]]:
        """Return the words whose vectors have the largest cosine with that of a word, with the cosine."""
        unit = functional.normalize(self.vectors, dim=1)  # (V, D)
        cosines = unit @ unit[self._number[word]]  # (V,)
        best = cosines.topk(count + 1).indices.tolist()
        return [(self.words[n], float(cosines[n])) for n in best if self.words[n] != word][:count]


def skip_gram_pairs(sentence: np.ndarray, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all pairs of a center and a word of its window.

    Parameters
    ----------
    sentence : (T,) word numbers.
    windows : (T,) how many words on each side each center looks at.

    Returns
    -------
    centers, contexts : (P,) word numbers.
    """
    T = len(sentence)
    distance = np.arange(T)[None, :] - np.arange(T)[:, None]  # (T, T): from the center, a row each
    centers, contexts = np.nonzero((distance != 0) & (np.abs(distance) <= windows[:, None]))
    return sentence[centers], sentence[contexts]


def negative_sampling_loss(centers: Tensor, contexts: Tensor, negatives: Tensor) -> Tensor:
    """Return the mean loss of pairs: −log σ(v·u) − Σ log σ(−v·u'), equation 4 of the paper.

    Parameters
    ----------
    centers : (B, D), vectors of the words in the middle.
    contexts : (B, D), output vectors of words that stand near them.
    negatives : (B, K, D), output vectors of words that were drawn.
    """
    near = (centers * contexts).sum(dim=-1)  # (B,)
    drawn = (negatives @ centers[:, :, None])[:, :, 0]  # (B, K)
    return -(functional.logsigmoid(near) + functional.logsigmoid(-drawn).sum(dim=-1)).mean()


def train_word_vectors(
    sentences: Sequence[Sequence[str]], configuration: SkipGramConfiguration = SkipGramConfiguration()
) -> tuple[WordVectors, list[float]]:
    """Train word vectors on sentences.

    Parameters
    ----------
    sentences : words of each sentence.
    configuration : sizes and schedule.

    Returns
    -------
    vectors : the vectors of the centers, as is usual; those of the contexts are dropped.
    losses : the mean loss of each epoch.

    Raises
    ------
    ValueError
        If no word is frequent enough.
    """
    c = configuration
    counts = frequent_words(sentences, c.at_least)
    if not counts:
        raise ValueError(f"No word occurs {c.at_least} times. Give more text, or lower `at_least`.")
    number = {word: n for n, word in enumerate(counts)}
    text = [np.array([number[w] for w in s if w in number], dtype=np.int64) for s in sentences]
    frequency = np.array(list(counts.values()), dtype=np.float64)
    keep = np.minimum(1, np.sqrt(c.subsample * frequency.sum() / frequency))  # the paper, section 2.3
    noise = torch.tensor(frequency**c.noise_power)
    drawing, generator = np.random.default_rng(c.seed), torch.Generator().manual_seed(c.seed)
    centers = torch.nn.Parameter((torch.rand(len(counts), c.size, generator=generator) - 0.5) / c.size)
    contexts = torch.nn.Parameter(torch.zeros(len(counts), c.size))  # (V, D)
    optimizer = torch.optim.Adam([centers, contexts], lr=c.learning_rate)
    losses = []
    for epoch in range(c.epochs):
        pairs = _pairs_of_an_epoch(text, keep, c.window, drawing)  # (2, P)
        order = torch.randperm(pairs.shape[1], generator=generator)
        drawn = torch.multinomial(noise, len(order) * c.negatives, replacement=True, generator=generator)
        drawn, epoch_losses = drawn.view(-1, c.negatives), []
        for start in range(0, len(order), c.batch_size):
            rows = order[start : start + c.batch_size]
            center, context = pairs[:, rows]
            loss = negative_sampling_loss(centers[center], contexts[context], contexts[drawn[rows]])
            optimizer.zero_grad()
            loss.backward()
            done = (epoch + start / len(order)) / c.epochs
            optimizer.param_groups[0]["lr"] = c.learning_rate * (1 - done)
            optimizer.step()
            epoch_losses.append(loss.item())
        losses.append(sum(epoch_losses) / len(epoch_losses))
    return WordVectors(tuple(counts), centers.detach()), losses


def _pairs_of_an_epoch(text, keep, window: int, drawing: np.random.Generator) -> Tensor:
    """Return the pairs of one pass, (2, P): frequent words thinned out, a window drawn for each center."""
    parts = []
    for sentence in text:
        sentence = sentence[drawing.random(len(sentence)) < keep[sentence]]
        parts.append(skip_gram_pairs(sentence, drawing.integers(1, window + 1, len(sentence))))
    return torch.from_numpy(np.stack([np.concatenate(side) for side in zip(*parts, strict=True)]))
