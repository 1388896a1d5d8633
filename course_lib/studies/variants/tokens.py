"""Bytes against word pieces: what happens to emoji, code and names that no vocabulary has (Radford et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from course_lib.errors import CourseError

HARD_TEXTS = (
    "The plot twist got me 🤯🍿",
    "for i in range(10): print(i)",
    "x_train = data[:, 1:-1]",
    "Zażółć gęślą jaźń",
    "Ωμέγα and Ж",
    "Café, naïve, SMØRGÅSBORD",
)
BYTES = 256  # every text is made of these, so nothing is unknown


@dataclass(frozen=True)
class PieceRow:
    """What two tokenizers make of a text.

    Parameters
    ----------
    text : as it was given.
    byte_pieces, word_pieces : the pieces of each tokenizer.
    unknown : how many word pieces are [UNK].
    bytes_come_back, words_come_back : whether decoding gives the text again, letter for letter.
    """

    text: str
    byte_pieces: tuple[str, ...]
    word_pieces: tuple[str, ...]
    unknown: int
    bytes_come_back: bool
    words_come_back: bool


def train_byte_level(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn a byte-level BPE vocabulary, as RoBERTa and GPT-2 have it, without special tokens.

    Parameters
    ----------
    texts : to learn from.
    size : pieces, the 256 bytes counted.

    Raises
    ------
    CourseError
        If the vocabulary has no room for the bytes themselves.
    """
    if size < BYTES:
        raise CourseError(
            f"The vocabulary is to have {size} pieces. Choose at least {BYTES}: one for every byte."
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def compare_pieces(texts: Sequence[str], byte_level: Tokenizer, word_piece: Tokenizer) -> list[PieceRow]:
    """Return what both tokenizers make of texts.

    Parameters
    ----------
    texts : to be cut.
    byte_level : from :func:`train_byte_level`.
    word_piece : BERT's tokenizer.
    """
    rows = []
    for text in texts:
        of_bytes = byte_level.encode(text, add_special_tokens=False)
        of_words = word_piece.encode(text, add_special_tokens=False)
        rows.append(
            PieceRow(
                text,
                # A piece shows its own bytes: a character in several pieces can't be read in any of them.
                tuple(byte_level.decode([number]) for number in of_bytes.ids),
                tuple(of_words.tokens),
                of_words.tokens.count("[UNK]"),
                byte_level.decode(of_bytes.ids) == text,
                word_piece.decode(of_words.ids) == text,
            )
        )
    return rows
