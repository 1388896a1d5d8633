"""Copies of training texts in other words: EDA's four operations, synonyms, and words that BERT puts in.

EDA is Wei and Zou 2019, *Easy Data Augmentation*. What may replace a word comes from a function that lists
candidates: a table of synonyms, or the neighbors of the word's embedding. Nothing here knows the label, so
any copy may say something else than its label: look at some.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import BertForMaskedLanguageModel
from course_lib.errors import SettingError
from course_lib.training.batching import inference_batches

OPERATIONS = ("replace", "insert", "swap", "delete")
SHARE = 0.1  # of the words that change
LONGEST = 128  # pieces of a text in which words are put; what's behind stays
_PARTS = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)  # of a word: "(great," is "(", "great" and ","

Candidates = Callable[[str], Sequence[str]]


def _bare(word: str) -> str:
    return _PARTS.match(word).group(2)


def _in_place_of(word: str, other: str) -> str:
    """Return another word with the punctuation and the first letter's case of a word."""
    before, bare, after = _PARTS.match(word).groups()
    return before + (other[:1].upper() + other[1:] if bare[:1].isupper() else other) + after


def changed_words(words: Sequence[str], share: float = SHARE) -> int:
    """Return how many words an operation changes: a share of them, at least one."""
    return max(1, round(share * len(words)))


def replace_words(
    words: Sequence[str], number: int, candidates: Candidates, generator: np.random.Generator
) -> list[str]:
    """Replace words by synonyms.

    Parameters
    ----------
    words : of a text; each keeps its punctuation.
    number : how many at most: a word without candidates is never drawn.
    candidates : what may replace a word.
    generator : source of randomness.
    """
    words, left = list(words), number
    for place in generator.permutation(len(words)).tolist():
        others = candidates(_bare(words[place])) if left else ()
        if others:
            words[place] = _in_place_of(words[place], str(generator.choice(others)))
            left -= 1
    return words


def insert_words(
    words: Sequence[str], number: int, candidates: Candidates, generator: np.random.Generator
) -> list[str]:
    """Insert synonyms of words of the text at random places; parameters as for :func:`replace_words`."""
    words, left = list(words), number
    for word in [words[place] for place in generator.permutation(len(words)).tolist()]:
        others = candidates(_bare(word)) if left else ()
        if others:
            words.insert(int(generator.integers(len(words) + 1)), str(generator.choice(others)))
            left -= 1
    return words


def swap_words(words: Sequence[str], number: int, generator: np.random.Generator) -> list[str]:
    """Exchange two words, several times; a text of one word stays."""
    words = list(words)
    for _ in range(number if len(words) > 1 else 0):
        first, second = generator.choice(len(words), size=2, replace=False)
        words[first], words[second] = words[second], words[first]
    return words


def delete_words(words: Sequence[str], share: float, generator: np.random.Generator) -> list[str]:
    """Leave out each word with a probability; at least one stays."""
    kept = [word for word in words if generator.random() >= share]
    return kept or [str(generator.choice(list(words)))]


def apply_operation(
    operation: str, text: str, candidates: Candidates, generator: np.random.Generator, share: float = SHARE
) -> str:
    """Change a text by one of :data:`OPERATIONS`; a text without a word stays.

    Parameters
    ----------
    operation : which.
    text : any; line breaks become spaces.
    candidates : what may replace a word.
    generator : source of randomness.
    share : of the words that change.

    Raises
    ------
    SettingError
        If there is no such operation, or the share is none.
    """
    if operation not in OPERATIONS:
        raise SettingError(f"{operation!r} is no operation of EDA. Choose one of: {', '.join(OPERATIONS)}.")
    if not 0 < share < 1:
        raise SettingError(f"A share of {share} of the words can't change. Give a number between 0 and 1.")
    words = text.split()
    if not words:
        return text
    number = changed_words(words, share)
    if operation == "replace":
        words = replace_words(words, number, candidates, generator)
    elif operation == "insert":
        words = insert_words(words, number, candidates, generator)
    elif operation == "swap":
        words = swap_words(words, number, generator)
    else:
        words = delete_words(words, share, generator)
    return " ".join(words)


def eda(text: str, candidates: Candidates, generator: np.random.Generator, share: float = SHARE) -> str:
    """Change a text by one of EDA's operations, drawn; parameters as for :func:`apply_operation`."""
    return apply_operation(str(generator.choice(OPERATIONS)), text, candidates, generator, share)


class EmbeddingNeighbors:
    """The words whose token embeddings point almost the same way: words used alike, and antonyms are used alike.

    Parameters
    ----------
    encoder, tokenizer : a body and its word pieces; only words of one piece are known, and no function words: as in
        EDA, those stay.
    neighbors : how many.
    """

    def __init__(self, encoder: BertEncoder, tokenizer: Tokenizer, neighbors: int = 5):
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        ids = tokenizer.get_vocab()
        known = (word for word in ids if re.fullmatch("[a-z]{3,}", word))  # no piece within a word, no number
        self.words = sorted(set(known) - ENGLISH_STOP_WORDS)
        self.numbers = {word: number for number, word in enumerate(self.words)}
        table = encoder.embeddings.token.weight.detach()[[ids[word] for word in self.words]]
        self.directions = functional.normalize(table.cpu(), dim=-1)  # (words, H)
        self.neighbors = neighbors
        self._found: dict[str, list[str]] = {}

    def similarities(self, word: str) -> list[tuple[str, float]]:
        """Return the nearest other words with their cosines, none if the word isn't known as a whole."""
        word = word.lower()
        if word not in self.numbers:
            return []
        cosines = self.directions @ self.directions[self.numbers[word]]  # (words,)
        values, order = cosines.topk(self.neighbors + 1)
        nearest = [
            (self.words[number], value) for value, number in zip(values.tolist(), order.tolist(), strict=True)
        ]
        return [(other, value) for other, value in nearest if other != word][: self.neighbors]

    def others(self, word: str) -> list[str]:
        """Return the nearest other words."""
        if word not in self._found:
            self._found[word] = [other for other, _ in self.similarities(word)]
        return self._found[word]


@dataclass
class MaskedWords:
    """Puts words in by a masked language model, which reads what's around them (Kobayashi 2018; Wu et al. 2019).

    Parameters
    ----------
    model, tokenizer : which predict.
    share : of a text's whole words that are masked at once, at least one.
    candidates : so many best words are drawn from, by their probability; the word itself is none of them.
    """

    model: BertForMaskedLanguageModel
    tokenizer: Tokenizer
    share: float = SHARE
    candidates: int = 5

    def __post_init__(self):
        vocabulary = self.tokenizer.get_vocab()
        self.mask_id = vocabulary["[MASK]"]
        whole = torch.zeros(len(vocabulary), dtype=torch.bool)
        whole[[number for word, number in vocabulary.items() if re.fullmatch("[a-z]+", word)]] = True
        self.whole = whole  # (V,) which pieces are words

    def substitute(self, texts: Sequence[str], seed: int) -> list[str]:
        """Return the texts with some words replaced, the rest as it was.

        Parameters
        ----------
        texts : any.
        seed : of the draws.
        """
        generator = np.random.default_rng(seed)
        encodings = self.tokenizer.encode_batch(list(texts))
        features, places = [], []
        for encoding in encodings:
            ids = encoding.ids[:LONGEST]
            words = encoding.word_ids[: LONGEST + 1]
            known = [
                place
                for place, number in enumerate(ids)
                if self.whole[number] and words.count(words[place]) == 1  # a word of one piece
            ]
            chosen = sorted(
                generator.permutation(known)[: changed_words(known, self.share)].astype(int).tolist()
            )
            places.append(chosen)
            features.append(
                {
                    "input_ids": [
                        self.mask_id if place in chosen else number for place, number in enumerate(ids)
                    ]
                }
            )
        copies = list(texts)
        for rows, batch in inference_batches(features, 32):
            scores = iter(
                self._scores(batch, [places[row] for row in rows])
            )  # of the masked pieces, in order
            for row in rows:
                found = [(place, next(scores)) for place in places[row]]
                copies[row] = self._with_words(texts[row], encodings[row], found, generator)
        return copies

    @torch.no_grad()
    def _scores(self, batch: Mapping[str, Tensor], places: Sequence[Sequence[int]]) -> Tensor:
        """Return the scores of the words at the masked places of a batch, (masked, V)."""
        length = batch["input_ids"].shape[1]
        flat = [row * length + place for row, chosen in enumerate(places) for place in chosen]
        positions = torch.tensor(flat, dtype=torch.long)
        scores = self.model(
            batch["input_ids"], attention_mask=batch["attention_mask"], positions=positions
        )  # (masked, V)
        return scores.masked_fill(~self.whole, -torch.inf)

    def _with_words(self, text: str, encoding, found: Sequence[tuple[int, Tensor]], generator) -> str:
        for place, scores in reversed(found):  # from the end, so that earlier offsets hold
            scores[encoding.ids[place]] = -torch.inf  # another word than there was
            values, words = scores.topk(self.candidates)
            drawn = generator.choice(self.candidates, p=_shares(values))
            start, end = encoding.offsets[place]
            word = self.tokenizer.id_to_token(int(words[drawn]))
            text = text[:start] + _in_place_of(text[start:end], word) + text[end:]
        return text


def _shares(scores: Tensor) -> np.ndarray:
    shares = scores.double().softmax(dim=-1).numpy()
    return shares / shares.sum()


@dataclass(frozen=True)
class Rows:
    """Rows of a task: each with one text, or with two, and a label.

    Parameters
    ----------
    texts : lists of texts, one list for each sentence of a row, as long as the labels.
    labels : class numbers.
    """

    texts: tuple[list[str], ...]
    labels: list[int]

    def __len__(self) -> int:
        return len(self.labels)


def with_copies(rows: Rows, change: Callable[[Sequence[str], int], list[str]], seed: int) -> Rows:
    """Return rows and a changed copy of each, with the same label: twice as many.

    Parameters
    ----------
    rows : of training; a changed validation or test part would measure something else.
    change : takes texts and a seed, and returns the changed texts.
    seed : of the first sentences' copies; those of the second have the next one.
    """
    texts = tuple(
        list(column) + list(change(column, seed + number)) for number, column in enumerate(rows.texts)
    )
    return Rows(texts, [*rows.labels, *rows.labels])


def augmented_parts(
    parts: Mapping[str, Rows], change: Callable[[Sequence[str], int], list[str]], seed: int
) -> dict[str, Rows]:
    """Return all parts, of which only ``train`` has copies, see :func:`with_copies`."""
    return dict(parts) | {"train": with_copies(parts["train"], change, seed)}


def changer(
    operation: Callable[[str, np.random.Generator], str],
) -> Callable[[Sequence[str], int], list[str]]:
    """Return what :func:`with_copies` wants, of an operation on one text."""

    def change(texts: Sequence[str], seed: int) -> list[str]:
        generator = np.random.default_rng(seed)
        return [operation(text, generator) for text in texts]

    return change
