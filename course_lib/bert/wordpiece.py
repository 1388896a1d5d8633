"""WordPiece: from text to the ids of word pieces, and how a vocabulary of pieces is learned.

A text goes through three steps. It is *normalized* (cleaned, lower-cased, accents stripped), cut into
*words* at spaces and punctuation, and each word is cut into the longest *pieces* that the vocabulary
knows. Every piece keeps the place in the original text that it came from.

Encoding: ``tokenization.py`` of Devlin et al. 2018. Training: Schuster & Nakajima 2012, Japanese and
Korean voice search, section 3; Wu et al. 2016, section 4.1.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

from course_lib.errors import CheckpointError, CourseError, DataFileError
from course_lib.files import whole_text

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CONTINUATION = "##"  # marks a piece that continues a word
MAX_CHARACTERS_PER_WORD = 100  # a longer word is not looked up, and becomes [UNK]

# The blocks that the original calls Chinese: ideographs, but neither kana nor Hangul, whose words
# are written with spaces or take endings.
CHINESE_BLOCKS = (
    (0x4E00, 0x9FFF),  # CJK Unified Ideographs
    (0x3400, 0x4DBF),  # Extension A
    (0x20000, 0x2A6DF),  # Extension B
    (0x2A700, 0x2B73F),  # Extension C
    (0x2B740, 0x2B81F),  # Extension D
    (0x2B820, 0x2CEAF),  # Extension E
    (0xF900, 0xFAFF),  # Compatibility Ideographs
    (0x2F800, 0x2FA1F),  # Compatibility Ideographs Supplement
)


class VocabularyError(CourseError, ValueError):
    """A vocabulary cannot be what it is asked to be, or does not know an id."""


class NormalizedText(NamedTuple):
    """A normalized text: ``origins[i]`` is the index, in the original, of what became ``text[i]``."""

    text: str
    origins: list[int]


class Word(NamedTuple):
    """One word or one punctuation mark; ``origins`` as in :class:`NormalizedText`."""

    text: str
    origins: list[int]

    def offsets(self, start: int = 0, end: int | None = None) -> tuple[int, int]:
        """Return where ``text[start:end]`` stands in the original: its first character, one past its last."""
        return self.origins[start], self.origins[(len(self.text) if end is None else end) - 1] + 1


class Encoding(NamedTuple):
    """The pieces of a text, one entry each in four lists of equal length.

    ``ids`` and ``tokens`` name the pieces; ``offsets`` are (start, end) in characters of the original
    text; ``word_numbers`` count the words from 0, so that pieces of one word share a number.
    """

    ids: list[int]
    tokens: list[str]
    offsets: list[tuple[int, int]]
    word_numbers: list[int]


def is_chinese(character: str) -> bool:
    """Tell whether the original BERT puts spaces around this character."""
    number = ord(character)
    return any(first <= number <= last for first, last in CHINESE_BLOCKS)


@lru_cache(maxsize=2**16)
def is_punctuation(character: str) -> bool:
    """Tell whether a character is a word of its own: Unicode's P*, and ASCII signs such as ``$`` or ``^``."""
    if character.isascii():
        return character.isprintable() and not character.isalnum() and character != " "
    return unicodedata.category(character).startswith("P")


@lru_cache(maxsize=2**16)
def _clean(character: str) -> str:
    """Return what cleaning makes of a character: nothing, a space, itself, or itself between spaces."""
    category = unicodedata.category(character)
    if character in "\t\n\r" or category.startswith("Z"):
        return " "
    # Control, format, private use, surrogate; unassigned characters (Cn) stay, as in the reference.
    if character == "\ufffd" or category in ("Cc", "Cf", "Co", "Cs"):
        return ""
    return f" {character} " if is_chinese(character) else character


@lru_cache(maxsize=2**16)
def vanishes(character: str) -> bool:
    """Tell whether cleaning drops a character without parting words: soft hyphens, zero-width spaces and the like."""
    return _clean(character) == "" and not character.isspace()


@lru_cache(maxsize=2**16)
def is_mark(character: str) -> bool:
    """Tell whether a character belongs to the letter before it: accents, vowel signs (Unicode's M*)."""
    return unicodedata.category(character).startswith("M")


def end_with_marks(text: str, end: int) -> int:
    """Return where a stretch of a text ends if the marks that belong to its last character are taken in.

    An uncased model strips accents, so the place of a piece ends before one that is written as a character of its
    own (é as e and U+0301). Characters that vanish are passed over on the way to a mark.
    """
    for position in range(end, len(text)):
        if is_mark(text[position]):
            end = position + 1
        elif not vanishes(text[position]):
            break
    return end


@lru_cache(maxsize=2**16)
def _decompose(character: str) -> str:
    """Clean a character and take its accents apart: é becomes e and U+0301."""
    return unicodedata.normalize("NFD", _clean(character))


@lru_cache(maxsize=2**16)
def _lower(character: str) -> str:
    """Return a character in lower case, and nothing for an accent (category Mn, a mark without width)."""
    return "" if unicodedata.category(character) == "Mn" else character.lower()


def _in_canonical_order(spelled: NormalizedText) -> NormalizedText:
    """Order the marks behind each letter as Unicode asks: by class, whatever order they were typed in.

    Nearly all marks vanish afterwards; this matters for the few that have width, such as Hangul tone
    marks. As in the reference, characters change places and the places in the original do not.
    """
    text, origins = spelled
    letters = list(accumulate(not unicodedata.combining(character) for character in text))
    order = sorted(range(len(text)), key=lambda i: (letters[i], unicodedata.combining(text[i])))
    places = iter(sorted(set(origins)))
    reordered: list[int] = []
    for i in order:
        begins_character = i == 0 or origins[i] != origins[i - 1]
        reordered.append(next(places) if begins_character else reordered[-1])
    return NormalizedText("".join(text[i] for i in order), reordered)


def _spell(text: str, origins: Iterable[int], rule) -> NormalizedText:
    """Replace each character by what a rule makes of it, which inherits its place."""
    spellings = [rule(character) for character in text]
    places = [origin for origin, spelling in zip(origins, spellings, strict=True) for _ in spelling]
    return NormalizedText("".join(spellings), places)


def normalize(text: str, lowercase: bool = True) -> NormalizedText:
    """Normalize a text as BERT does, remembering where each character came from.

    Control characters vanish, whitespace becomes a space, Chinese characters get spaces around them;
    an uncased model also loses accents and capitals. Each letter is lower-cased by itself, so a Greek
    sigma at the end of a word stays σ, as in the reference (Python's ``str.lower`` would make it ς).

    Parameters
    ----------
    text : any text.
    lowercase : true for an uncased model, which then strips accents too; false for a cased one.
    """
    if not lowercase:
        return _spell(text, range(len(text)), _clean)
    spelled = _spell(text, range(len(text)), _decompose)
    if not unicodedata.is_normalized("NFD", spelled.text):  # rare: marks typed in another order
        spelled = _in_canonical_order(spelled)
    return _spell(spelled.text, spelled.origins, _lower)


def pre_tokenize(normalized: NormalizedText) -> list[Word]:
    """Cut a normalized text into words at spaces; every punctuation mark is a word of its own."""
    text, origins = normalized
    words, start = [], 0
    for position, character in enumerate(text):
        separates = character == " "
        if separates or is_punctuation(character):
            if start < position:
                words.append(Word(text[start:position], origins[start:position]))
            if not separates:
                words.append(Word(character, [origins[position]]))
            start = position + 1
    if start < len(text):
        words.append(Word(text[start:], origins[start:]))
    return words


def read_vocabulary(path: str | Path) -> list[str]:
    """Read a ``vocab.txt``: one piece a line, the first line is id 0; the one reader of this format.

    A line ends with ``\\n`` or ``\\r\\n`` and with nothing else: ``str.splitlines`` would cut at U+2028 too, which
    is a piece of bert-base-chinese, and give every later piece a wrong id. A byte order mark is accepted.

    Raises
    ------
    DataFileError
        If the file is missing, is not UTF-8, or holds an empty or a repeated line.
    """
    path, remedy = Path(path), "Copy the vocab.txt that belongs to the model again"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataFileError(path, f"it cannot be read ({error.strerror})", remedy) from None
    except UnicodeDecodeError:
        raise DataFileError(path, "it is not UTF-8 text", remedy) from None
    tokens = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    seen: dict[str, int] = {}
    for line, token in enumerate(tokens, start=1):
        if not token:
            raise DataFileError(path, "the line is empty", remedy, line=line)
        if token in seen:
            raise DataFileError(path, f"{token!r} already stands in line {seen[token]}", remedy, line=line)
        seen[token] = line
    return tokens


class WordPieceTokenizer:
    """Greedy longest-match-first tokenizer over a vocabulary of word pieces.

    Parameters
    ----------
    vocabulary : the pieces in the order of their ids, or a mapping from piece to id.
    lowercase : whether the vocabulary is of an uncased model.
    unknown_token : what stands for a word that cannot be pieced together.
    special_tokens : tokens that a text may be asked to hold, see :meth:`encode`; those that the vocabulary
        does not hold are left out.

    Raises
    ------
    VocabularyError
        If a piece occurs twice, ids have gaps, or ``unknown_token`` is missing.
    """

    def __init__(
        self,
        vocabulary: Sequence[str] | Mapping[str, int],
        *,
        lowercase: bool = True,
        unknown_token: str = "[UNK]",
        special_tokens: Sequence[str] = SPECIAL_TOKENS,
    ):
        is_mapping = isinstance(vocabulary, Mapping)
        self.tokens = sorted(vocabulary, key=vocabulary.get) if is_mapping else list(vocabulary)
        self.vocabulary = {token: number for number, token in enumerate(self.tokens)}
        if len(self.vocabulary) < len(self.tokens):
            twice = next(token for token, count in Counter(self.tokens).items() if count > 1)
            raise VocabularyError(f"The piece {twice!r} is in the vocabulary twice. Keep one of them.")
        if is_mapping and self.vocabulary != dict(vocabulary):
            raise VocabularyError("The ids of the vocabulary have gaps or repeat. Number the pieces from 0.")
        if unknown_token not in self.vocabulary:
            raise VocabularyError(
                f"The vocabulary has no {unknown_token}, which stands for words that it cannot spell. "
                "Add it, or name another with unknown_token."
            )
        self.lowercase, self.unknown_token = lowercase, unknown_token
        self.special_tokens = tuple(token for token in special_tokens if token in self.vocabulary)
        longest_first = sorted(self.special_tokens, key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")  # (?!) never matches
        self._longest = max(map(len, self.tokens))

    @classmethod
    def from_file(cls, path: str | Path, **options) -> WordPieceTokenizer:
        """Read a ``vocab.txt``: one piece a line, the first line is id 0.

        Parameters
        ----------
        path : the file.
        options : further arguments of the class, such as ``lowercase``.

        Raises
        ------
        DataFileError
            As :func:`read_vocabulary`.
        VocabularyError
            If it has no unknown token.
        """
        return cls(read_vocabulary(path), **options)

    def save(self, path: str | Path) -> None:
        """Write the vocabulary as a ``vocab.txt``, whole or not at all.

        Raises
        ------
        CheckpointError
            If it cannot be written; an older file of that name is untouched.
        """
        with whole_text(path, error=CheckpointError) as file:
            file.writelines(token + "\n" for token in self.tokens)

    def split_word(self, word: str) -> list[str]:
        """Cut one word into pieces: again and again the longest piece that the vocabulary knows.

        Returns
        -------
        list of str
            The pieces, or the unknown token alone if the word is too long or does not come out.
        """
        if len(word) > MAX_CHARACTERS_PER_WORD:
            return [self.unknown_token]
        pieces, start = [], 0
        while start < len(word):
            prefix = CONTINUATION if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                if prefix + word[start:end] in self.vocabulary:
                    break
            else:
                return [self.unknown_token]  # one piece that cannot be spelled spoils the whole word
            pieces.append(prefix + word[start:end])
            start = end
        return pieces

    def _words(self, text: str, shift: int) -> list[Word]:
        """Normalize a stretch of text and cut it into words, with origins counted from ``shift`` on."""
        normalized = normalize(text, self.lowercase)
        return pre_tokenize(NormalizedText(normalized.text, [o + shift for o in normalized.origins]))

    def encode(self, text: str, special_tokens: bool = False) -> Encoding:
        """Encode a text, without adding [CLS] or [SEP].

        Parameters
        ----------
        text : any text.
        special_tokens : whether ``[SEP]`` and its like that are written in it become those tokens. If not, they
            are cut at their brackets as any other text: a user who writes one in a review ends no segment.

        Returns
        -------
        Encoding
            ids, tokens, offsets and word numbers of the pieces; empty lists for a text without words.
        """
        encoding, number, position = Encoding([], [], [], []), 0, 0

        def add(token: str, offsets: tuple[int, int]) -> None:
            for values, value in zip(encoding, (self.vocabulary[token], token, offsets, number), strict=True):
                values.append(value)

        found = self._special.finditer(text) if special_tokens else ()
        for match in [*found, None]:  # None stands for the end of the text
            for word in self._words(text[position : match.start() if match else len(text)], position):
                pieces = self.split_word(word.text)
                if pieces == [self.unknown_token]:
                    add(self.unknown_token, word.offsets())
                else:
                    start = 0
                    for piece in pieces:
                        end = start + len(piece) - (len(CONTINUATION) if start else 0)
                        add(piece, word.offsets(start, end))
                        start = end
                number += 1
            if match:
                add(match[0], match.span())
                number, position = number + 1, match.end()
        return encoding

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = True) -> str:
        """Join pieces to a text: what the model was shown, without the capitals and accents it was not.

        Parameters
        ----------
        ids : ids of pieces.
        skip_special_tokens : whether [CLS], [SEP] and their like are left out.

        Raises
        ------
        VocabularyError
            If an id is not in the vocabulary.
        """
        text = ""
        for number in ids:
            number = int(number)
            if not 0 <= number < len(self.tokens):
                raise VocabularyError(
                    f"{number} is not an id of this vocabulary, which goes from 0 to {len(self.tokens) - 1}. "
                    "Decode with the vocabulary that the ids were made with."
                )
            token = self.tokens[number]
            if skip_special_tokens and token in self.special_tokens:
                continue
            if text and token.startswith(CONTINUATION):
                text += token.removeprefix(CONTINUATION)
            else:
                text += token if not text or token.startswith((".", "?", "!", ",")) else " " + token
        return text


def count_words(texts: Iterable[str], lowercase: bool = True) -> Counter[str]:
    """Count the normalized words of texts: all that training needs to know of them."""
    return Counter(word.text for text in texts for word in pre_tokenize(normalize(text, lowercase)))


def train_wordpiece(
    texts: Iterable[str] | Mapping[str, int],
    vocab_size: int,
    *,
    minimum_frequency: int = 2,
    alphabet_size: int = 1000,
    lowercase: bool = True,
    special_tokens: Sequence[str] = SPECIAL_TOKENS,
    by_frequency: bool = False,
) -> list[str]:
    """Learn a vocabulary: from characters up, merging the most closely associated pair of pieces.

    The score of a pair is count(pair) / (count(left) · count(right)): how much more often the two meet
    than they would by chance. Rare pieces that only ever meet each other therefore win, which is why
    there is a minimum frequency. Equal scores are decided by the higher count, then by the alphabet, so
    the same words always give the same vocabulary.

    Parameters
    ----------
    texts : texts, or the count of each word, as :func:`count_words` gives it.
    vocab_size : how many entries to learn, special tokens and characters included; fewer come back
        when no pair is frequent enough any more.
    minimum_frequency : a rarer pair is never merged.
    alphabet_size : how many different characters to keep, the most frequent first; a word with
        another character takes no part.
    lowercase : whether texts are normalized for an uncased model.
    special_tokens : entries that come first.
    by_frequency : merge the most frequent pair instead, as byte-pair encoding does (Sennrich et al. 2016).

    Returns
    -------
    list of str
        The vocabulary in the order of its ids: special tokens, characters, merged pieces as learned.

    Raises
    ------
    VocabularyError
        If ``vocab_size`` does not even hold the special tokens and characters.
    """
    counts = texts if isinstance(texts, Mapping) else count_words(texts, lowercase)
    words = _WordsInPieces(_within_alphabet(counts, alphabet_size))
    vocabulary = dict.fromkeys([*special_tokens, *sorted(words.piece_counts)])
    if len(vocabulary) > vocab_size:
        raise VocabularyError(
            f"vocab_size is {vocab_size}, but the special tokens and characters alone are {len(vocabulary)}. "
            "Raise vocab_size, or lower alphabet_size."
        )
    while len(vocabulary) < vocab_size:
        pair = words.best_pair(minimum_frequency, by_frequency)
        if pair is None:
            break
        vocabulary.setdefault(words.merge(*pair))
    return list(vocabulary)


def _within_alphabet(counts: Mapping[str, int], alphabet_size: int) -> dict[str, int]:
    """Keep the words written with the most frequent characters."""
    characters: Counter[str] = Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    alphabet = set(sorted(characters, key=lambda c: (-characters[c], c))[:alphabet_size])
    return {word: count for word, count in counts.items() if word and alphabet.issuperset(word)}


class _WordsInPieces:
    """All words, cut into pieces, with counts of pieces and pairs that follow every merge."""

    def __init__(self, word_counts: Mapping[str, int]):
        self.counts = list(word_counts.values())
        self.words = [[word[0], *(CONTINUATION + c for c in word[1:])] for word in word_counts]
        self.piece_counts: Counter[str] = Counter()
        self.pair_counts: Counter[tuple[str, str]] = Counter()
        self.places: defaultdict[tuple[str, str], set[int]] = defaultdict(set)  # the words that hold a pair
        for index in range(len(self.words)):
            self._count(index, sign=1)

    def _count(self, index: int, sign: int) -> None:
        """Add one word to the counts, or take it out of them."""
        pieces, amount = self.words[index], sign * self.counts[index]
        for piece in pieces:
            self.piece_counts[piece] += amount
        for pair in pairwise(pieces):
            self.pair_counts[pair] += amount
            if sign > 0:
                self.places[pair].add(index)
            elif not self.pair_counts[pair]:
                del self.pair_counts[pair]

    def best_pair(self, minimum_frequency: int, by_frequency: bool = False) -> tuple[str, str] | None:
        """Return the pair of highest score, or None when no pair is frequent enough."""
        best, best_rank = None, (0.0, 0)
        for pair, count in self.pair_counts.items():
            if count < minimum_frequency:
                continue
            chance = 1 if by_frequency else self.piece_counts[pair[0]] * self.piece_counts[pair[1]]
            rank = (count / chance, count)
            if rank > best_rank or (rank == best_rank and pair < best):
                best, best_rank = pair, rank
        return best

    def merge(self, left: str, right: str) -> str:
        """Make one piece of two wherever they meet; only the words that hold the pair are counted again."""
        joined = left + right.removeprefix(CONTINUATION)
        for index in self.places.pop((left, right)):
            self._count(index, sign=-1)
            merged: list[str] = []
            for piece in self.words[index]:
                if merged and merged[-1] == left and piece == right:
                    merged[-1] = joined
                else:
                    merged.append(piece)
            self.words[index] = merged
            self._count(index, sign=1)
        return joined


# Where the reference, `tokenizers` 0.23 in Rust, treats a character in another way than this module
# on Python 3.11, because they know different editions of Unicode:
# - its categories are of 2015: marks and punctuation that came later pass for letters there, newer
#   format characters stay, and U+166D, 1734, 1885 and 1886 have changed category since;
# - its lower case is newer than Python's (1C89, A7CB, 10D50, 16EA0 and their neighbours);
# - of four marks (1715, 1193D, 16FF0, 16FF1) it does not know the order among other marks;
# - its block of Extension E begins at 2B920, a slip: the original, and we, have 2B820.
_DIFFERENT = """
61D 7FD 890-891 898-89F 8CA-8E2 9FD-9FE A76 AFA-AFF B55 C04 C3C C77 C84 D00 D3B-D3C D81 EBA 166D 1715
1734 180F 1885-1886 1ABF-1ACE 1B7D-1B7E 1C89 1DF6-1DFB 2E43-2E4F 2E52-2E5D A7CB-A7CC A7CE A7D2 A7D4 A7DA
A7DC A82C A8C5 A8FF A9BD 10D24-10D27 10D50-10D65 10EAB-10EAD 10F46-10F50 10F55-10F59 10F82-10F89 11070
11073-11074 110C2 110CD 111C9 111CF 1123E 1133B 11438-1143F 11442-11444 11446 1144B-1144F 1145A-1145B
1145D-1145E 11660-1166C 116B9 1182F-11837 11839-1183B 11938 1193B-1193E 11943-11946 119D4-119D7
119DA-119DB 119E0 119E2 11A01-11A0A 11A33-11A38 11A3B-11A47 11A51-11A56 11A59-11A5B 11A8A-11A96
11A98-11A9C 11A9E-11AA2 11C30-11C36 11C38-11C3D 11C3F 11C41-11C45 11C70-11C71 11C92-11CA7 11CAA-11CB0
11CB2-11CB3 11CB5-11CB6 11D31-11D36 11D3A 11D3C-11D3D 11D3F-11D45 11D47 11D90-11D91 11D95 11D97
11EF3-11EF4 11EF7-11EF8 11FFF 12FF1-12FF2 13430-13438 16E97-16E9A 16EA0-16EB8 16F4F 16FE2 16FE4
16FF0-16FF1 1CF00-1CF2D 1CF30-1CF46 1E000-1E006 1E008-1E018 1E01B-1E021 1E023-1E024 1E026-1E02A
1E130-1E136 1E2AE 1E2EC-1E2EF 1E944-1E94A 1E95E-1E95F 2B820-2B91F
"""


@lru_cache(maxsize=1)
def _different_characters() -> frozenset[str]:
    ranges = [(part + "-" + part).split("-")[:2] for part in _DIFFERENT.split()]
    return frozenset(chr(c) for first, last in ranges for c in range(int(first, 16), int(last, 16) + 1))


def differs_from_reference(character: str) -> bool:
    """Tell whether the reference treats this character in another way, knowing another edition of Unicode.

    There are 819 of them, all rare; on texts without them, ids and offsets are equal. The list is exact
    for ``tokenizers`` 0.23 and Python 3.11 (Unicode 14).
    """
    return character in _different_characters()
