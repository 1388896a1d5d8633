"""BERT as one half of a translator: an encoder reads, a decoder with cross-attention writes (Rothe et al. 2020).

The language to translate into is the small language in a mirror: every word is spelled backward, and the
sentence begins with its last word.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from course_lib import settings
from course_lib.data.small_world import small_world, small_world_tokenizer, vocabulary
from course_lib.errors import CourseError
from course_lib.training.optimization import adamw
from course_lib.training.update import UpdateStep

IGNORED = -100


def mirror(sentence: str) -> str:
    """Return a sentence in the mirror language: its words in the opposite order, each spelled backward.

    Parameters
    ----------
    sentence : of the small language; its full stop stays at the end, and case isn't kept.
    """
    words = sentence.lower().rstrip(".").replace(",", "").split()
    return " ".join(word[::-1] for word in reversed(words)) + "."


def mirror_pairs(number: int, seed: int) -> list[tuple[str, str]]:
    """Return different sentences of at most eight words, with their translations.

    Parameters
    ----------
    number : how many pairs.
    seed : the same seed gives the same pairs.
    """
    generator, pairs = random.Random(seed), {}
    while len(pairs) < number:
        for document in small_world(number, generator.randrange(2**31)):
            pairs |= {sentence: mirror(sentence) for sentence in document if len(sentence.split()) <= 8}
    sentences = generator.sample(sorted(pairs), number)
    return [(sentence, pairs[sentence]) for sentence in sentences]


def mirror_tokenizer() -> Tokenizer:
    """Return a tokenizer of both languages, one piece a word."""
    words = [word for word in vocabulary()[5:] if not word.startswith("##")]
    nouns = {word + "s" for word in words}
    everything = sorted({*words, *nouns, *(word[::-1] for word in {*words, *nouns})})
    return small_world_tokenizer([*vocabulary()[:5], *everything])


@dataclass(frozen=True)
class TranslatorTraining:
    """Sizes of a translator, and how it is trained."""

    hidden_size: int = 64
    blocks: int = 2
    heads: int = 4
    learning_rate: float = 3e-3
    updates: int = 300
    batch_size: int = 32


class Translator:
    """Two small BERTs in transformers' ``EncoderDecoderModel``: the second one looks left only, and at the first.

    Parameters
    ----------
    training : sizes.
    """

    def __init__(self, training: TranslatorTraining = TranslatorTraining()):
        from transformers import BertConfig, EncoderDecoderConfig, EncoderDecoderModel

        t, self.tokenizer = training, mirror_tokenizer()
        sizes = {
            "vocab_size": self.tokenizer.get_vocab_size(),
            "hidden_size": t.hidden_size,
            "num_hidden_layers": t.blocks,
            "num_attention_heads": t.heads,
            "intermediate_size": 4 * t.hidden_size,
            "max_position_embeddings": 32,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        }
        configuration = EncoderDecoderConfig.from_encoder_decoder_configs(
            BertConfig(**sizes), BertConfig(**sizes)
        )
        configuration.decoder_start_token_id = self.tokenizer.token_to_id("[CLS]")
        configuration.pad_token_id = self.tokenizer.token_to_id("[PAD]")
        configuration.eos_token_id = self.tokenizer.token_to_id("[SEP]")
        self.model = EncoderDecoderModel(config=configuration)

    def batch(self, pairs: Sequence[tuple[str, str]]) -> dict[str, Tensor]:
        """Return sentences, what the decoder reads and what it has to write, each (B, T); padding is no label.

        The decoder reads [CLS] and the words so far, and has to write the next one: the labels, one place on.
        """
        sources, targets = zip(*pairs, strict=True)
        rows = [torch.tensor(encoding.ids) for encoding in self.tokenizer.encode_batch(list(targets))]
        pad = torch.nn.utils.rnn.pad_sequence
        return self._read(sources) | {
            "decoder_input_ids": pad([row[:-1] for row in rows], batch_first=True, padding_value=0),
            "labels": pad([row[1:] for row in rows], batch_first=True, padding_value=IGNORED),
        }

    def _read(self, sentences: Sequence[str]) -> dict[str, Tensor]:
        rows = [torch.tensor(encoding.ids) for encoding in self.tokenizer.encode_batch(list(sentences))]
        ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=0)  # (B, T)
        return {"input_ids": ids, "attention_mask": (ids != 0).long()}

    @torch.no_grad()
    def translate(self, sentences: Sequence[str], most: int = 16) -> list[str]:
        """Return translations, word by word, each time the best one.

        Parameters
        ----------
        sentences : of the small language.
        most : words of a translation, if it doesn't end earlier.

        Raises
        ------
        CourseError
            If a sentence is empty, or has a word that isn't of the small language.
        """
        tensors = self._read(sentences)
        if not all(sentence.strip() for sentence in sentences):
            raise CourseError("A sentence is empty. Write at least one word of the small language.")
        if bool((tensors["input_ids"] == self.tokenizer.token_to_id("[UNK]")).any()):
            raise CourseError(
                "A word isn't of the small language, so the translator can't know it. Use words of its stories."
            )
        self.model.eval()
        start, end = (self.tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        written = torch.full((len(sentences), 1), start)  # (B, 1)
        states = self.model.encoder(**tensors)
        for _ in range(most):
            scores = self.model(
                encoder_outputs=states, attention_mask=tensors["attention_mask"], decoder_input_ids=written
            ).logits[:, -1]  # (B, V)
            written = torch.cat([written, scores.argmax(dim=-1, keepdim=True)], dim=1)
        texts = []
        for row in written[:, 1:].tolist():
            words = self.tokenizer.decode(row[: row.index(end)] if end in row else row)
            texts.append(words.replace(" .", "."))
        return texts


def train_translator(
    pairs: Sequence[tuple[str, str]], *, seed: int, training: TranslatorTraining = TranslatorTraining()
) -> tuple[Translator, list[float]]:
    """Train a translator, and return it with the losses of its updates.

    Parameters
    ----------
    pairs : sentences with their translations.
    seed : of weights and order.
    training : sizes and updates.

    Raises
    ------
    CourseError
        If there is no pair.
    """
    if not pairs:
        raise CourseError("There is no pair to learn from. Write some with mirror_pairs.")
    settings.prepare(seed)
    t, translator, draw = training, Translator(training), random.Random(seed)
    optimizer = adamw(translator.model, t.learning_rate, 0.01)
    update = UpdateStep(translator.model, optimizer, t.learning_rate, t.updates // 10, t.updates)

    def loss_of(chosen: list[tuple[str, str]]) -> Tensor:
        batch = translator.batch(chosen)
        labels = batch.pop("labels")
        scores = translator.model(**batch).logits  # (B, T, V)
        return functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)

    translator.model.train()
    losses = [
        update(step, [draw.choices(pairs, k=t.batch_size)], loss_of).item() for step in range(t.updates)
    ]
    translator.model.eval()
    return translator, losses
