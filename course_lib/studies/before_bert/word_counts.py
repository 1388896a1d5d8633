"""n-gram language models: the next word from counts of the last few (Shannon 1948; Jelinek and Mercer 1980)."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

UNKNOWN, START = "<unknown>", "<start>"
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
WEIGHTS = tuple(share / 20 for share in range(1, 20))  # what an interpolation weight may be


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return WORD.findall(text.lower())


def frequent_words(sentences: Iterable[Sequence[str]], at_least: int) -> dict[str, int]:
    """Return the words that occur at least so often, with their counts, the most frequent first."""
    counts = Counter(word for sentence in sentences for word in sentence)
    return {word: count for word, count in counts.most_common() if count >= at_least}


class NGramModel:
    """Counts of words after the words before them, mixed with the counts after shorter histories.

    With a weight for each length of history, p(w | h) = weight · share of w after h + (1 − weight) · p(w | shorter h),
    down to a word's own share; a history that never occurred counts for nothing.

    Parameters
    ----------
    sentences : the training text, words of each sentence.
    order : 1 for the word alone, 2 for bigrams, 3 for trigrams.
    vocabulary : the words that are known; all others are one word, ``UNKNOWN``.
    """

    def __init__(self, sentences: Iterable[Sequence[str]], order: int, vocabulary: Iterable[str]):
        if order < 1:
            raise ValueError(f"An n-gram has at least 1 word, not {order}.")
        self.order, self.vocabulary = order, frozenset(vocabulary)
        self.weights = {length: 0.5 for length in range(1, order)}
        self.followers = [defaultdict(Counter) for _ in range(order)]  # by length of history
        for sentence in sentences:
            for history, word in self._places(sentence):
                for length in range(order):
                    self.followers[length][history[len(history) - length :]][word] += 1
        self.totals = [
            {history: followers.total() for history, followers in table.items()} for table in self.followers
        ]

    def _places(self, sentence: Sequence[str]) -> list[tuple[tuple[str, ...], str]]:
        """Return each word of a sentence with the words before it, as many as the model looks at."""
        known = [word if word in self.vocabulary else UNKNOWN for word in sentence]
        padded = [START] * (self.order - 1) + known
        return [(tuple(padded[place : place + self.order - 1]), word) for place, word in enumerate(known)]

    def probability(self, word: str, history: Sequence[str] = ()) -> float:
        """Return the probability of a word after the words before it, the last ones nearest."""
        word, *before = [w if w in self.vocabulary or w == START else UNKNOWN for w in (word, *history)]
        longest = min(self.order - 1, len(before))
        result = self.followers[0][()][word] / self.totals[0][()]
        for length in range(1, longest + 1):
            nearest = tuple(before[len(before) - length :])
            total = self.totals[length].get(nearest)
            if total is not None:
                share = self.followers[length][nearest][word] / total
                result = self.weights[length] * share + (1 - self.weights[length]) * result
        return result

    def shares(self, sentences: Iterable[Sequence[str]]) -> np.ndarray:
        """Return for each word of a text its share after each length of history.

        Returns
        -------
        (N, order) float
            The shortest history first; NaN where a history never occurred in the training text.
        """
        rows = []
        for sentence in sentences:
            for history, word in self._places(sentence):
                nearest = [history[len(history) - length :] for length in range(self.order)]
                totals = [self.totals[length].get(h, 0) for length, h in enumerate(nearest)]
                rows.append(
                    [
                        self.followers[length][h][word] / total if total else math.nan
                        for length, (h, total) in enumerate(zip(nearest, totals, strict=True))
                    ]
                )
        return np.array(rows)

    def _mixed(self, shares: np.ndarray, longest: int) -> np.ndarray:
        """Mix the shares of all histories up to a length, (N,)."""
        result = shares[:, 0]
        for length in range(1, longest + 1):
            share, weight = shares[:, length], self.weights[length]
            result = np.where(np.isnan(share), result, weight * share + (1 - weight) * result)
        return result

    def loss(self, sentences: Iterable[Sequence[str]]) -> float:
        """Return the mean surprise −ln p of the words of a text, in nats."""
        return float(-np.log(self._mixed(self.shares(sentences), self.order - 1)).mean())

    def choose_weights(self, sentences: Iterable[Sequence[str]]) -> dict[int, float]:
        """Set the weight of each length of history, the shortest first, to what surprises least on a text."""
        shares = self.shares(sentences)
        for length in range(1, self.order):
            losses = {}
            for weight in WEIGHTS:
                self.weights[length] = weight
                losses[weight] = -np.log(self._mixed(shares, length)).mean()
            self.weights[length] = min(losses, key=losses.get)
        return dict(self.weights)
