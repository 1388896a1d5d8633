"""Text for pre-training: the bundled sample, the hub's Wikipedia, or a file of your own.

A document is a list of sentences. Large texts are tokenized once, into arrays on disk that are mapped
into memory, so that they need not fit there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece
from tokenizers.trainers import WordPieceTrainer

from course_lib.bert import wordpiece
from course_lib.data.readers.plain_text import read_plain_text
from course_lib.data.sources import choose_source, hub_folder
from course_lib.data.wikipedia import load_wikipedia
from course_lib.errors import CheckpointError, DataFileError
from course_lib.files import remove_unfinished, whole_folder
from course_lib.pretraining.corpus import TokenizedCorpus, tokenize_corpus
from course_lib.pretraining.sentence_pairs import PairError

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_NORMALIZER = normalizers.BertNormalizer(lowercase=True)
DOCUMENTS_AT_ONCE = 1000  # tokenized together: many enough to use all threads, few enough for memory


def wikipedia_documents() -> list[list[str]]:
    """Return the articles of the bundled Wikipedia sample, each a list of sentences."""
    return [article["sentences"] for article in load_wikipedia()]


class HubDocuments:
    """The articles of the hub's Wikipedia (WikiText-103, Merity et al. 2016), read anew by each loop over it.

    Raises
    ------
    HubUnavailableError
        If they could not be had.
    """

    def __init__(self):
        import datasets

        files = sorted(hub_folder(choose_source("wikipedia", "hub")).glob("**/train-*.parquet"))
        self.rows = datasets.load_dataset("parquet", data_files=[str(file) for file in files], split="train")

    def __iter__(self) -> Iterator[list[str]]:
        return documents_of_wikitext(row["text"] for row in self.rows)


def documents_of_wikitext(lines: Iterable[str]) -> Iterator[list[str]]:
    """Take WikiText apart into articles and sentences.

    Its words stand between spaces. ``= Title =`` begins an article and ``= = Part = =`` a part of it;
    neither is text. ``@-@``, ``@,@`` and ``@.@`` are signs inside a word.
    """
    document: list[str] = []
    for line in lines:
        line = line.strip()
        if line.startswith("= ") and line.endswith(" ="):
            if not line.startswith("= =") and document:
                yield document
                document = []
        elif line:
            text = re.sub(r" @([-,.])@ ", r"\1", line)
            document += [s for s in re.split(r"(?<= [.?!]) +(?![a-z'\")])|(?<= [.?!] [\"')]) +", text) if s]
    if document:
        yield document


def documents_from_file(path: str | Path) -> list[list[str]]:
    """Read a text file in the form of the original's input: a sentence a line, a blank line between documents.

    Raises
    ------
    DataFileError
        If it cannot be read, is not UTF-8, or has no document of two sentences.
    """
    path = Path(path)
    documents = list(with_pairs(row["sentences"] for row in read_plain_text(path)))
    if not documents:
        raise DataFileError(
            path,
            "it has no document of two sentences or more",
            "Give a text file with one sentence a line and a blank line between documents",
        )
    return documents


def with_pairs(documents: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    """Yield the documents that pairs can be made of: those with two sentences or more that hold a token.

    A sentence of nothing but characters that the tokenizer drops, such as U+200D, goes like an empty line.
    """
    for document in documents:
        sentences = [s for s in document if re.search(r"\w", s) or _NORMALIZER.normalize_str(s).strip()]
        if len(sentences) > 1:
            yield sentences


def learn_vocabulary(documents: Iterable[Sequence[str]], size: int) -> list[str]:
    """Learn an uncased WordPiece vocabulary with the ``tokenizers`` library.

    It decides ties by chance: two calls may differ in a few pieces, so keep what was learned.

    Parameters
    ----------
    documents : training text alone: held-out words are not to be known.
    size : number of word pieces, special tokens counted; a small text may give fewer.

    Returns
    -------
    list of str
        The word pieces in the order of their ids.
    """
    tokenizer = tokenizer_of(SPECIAL_TOKENS)
    trainer = WordPieceTrainer(
        vocab_size=size,
        min_frequency=2,
        special_tokens=SPECIAL_TOKENS,
        limit_alphabet=1000,
        show_progress=False,
    )
    tokenizer.train_from_iterator((s for document in documents for s in document), trainer)
    return sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)


def tokenizer_of(vocabulary: Sequence[str], *, special_tokens: bool = False) -> Tokenizer:
    """Return BERT's uncased tokenizer with a vocabulary given in the order of its ids.

    ``special_tokens`` is that of :func:`course_lib.bert.tokenizer.load_tokenizer`.
    """
    numbers = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens([token for token in SPECIAL_TOKENS if token in numbers])
    tokenizer.encode_special_tokens = not special_tokens
    return tokenizer


def read_vocabulary(path: str | Path) -> list[str]:
    """Read a ``vocab.txt`` to pre-train with: it has every special token.

    Raises
    ------
    DataFileError
        As :func:`course_lib.bert.wordpiece.read_vocabulary`, and if it lacks a special token.
    """
    vocabulary = wordpiece.read_vocabulary(path)
    missing = [token for token in SPECIAL_TOKENS if token not in vocabulary]
    if missing:
        raise DataFileError(
            path,
            f"the vocabulary has no {missing[0]}, so no batch can be masked and packed",
            "Add it to the special tokens when the vocabulary is learned",
        )
    return vocabulary


def tokenize_to_folder(documents: Iterable[Sequence[str]], tokenizer: Tokenizer, folder: str | Path) -> None:
    """Tokenize documents a thousand at a time into arrays on disk; the folder is whole or not there.

    Raises
    ------
    CheckpointError
        If it cannot be written; nothing half-written stays behind.
    """
    folder = Path(folder)
    remove_unfinished(folder.parent, folder.name)  # by a run that was killed
    sentences, counts, chunk = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)], []
    with whole_folder(
        folder, error=CheckpointError, replace=True
    ) as part:  # replaces that of another vocabulary
        with open(part / "tokens.bin", "wb") as file:
            for document in with_pairs(documents):
                chunk.append(document)
                if len(chunk) == DOCUMENTS_AT_ONCE:
                    _append(tokenize_corpus(chunk, tokenizer), file, sentences, counts)
                    chunk = []
            if chunk:
                _append(tokenize_corpus(chunk, tokenizer), file, sentences, counts)
        np.save(part / "sentence_starts.npy", np.concatenate(sentences))
        np.save(part / "document_starts.npy", np.concatenate(counts))


def _append(corpus: TokenizedCorpus, file, sentences: list[np.ndarray], documents: list[np.ndarray]) -> None:
    """Put a corpus behind those before it."""
    corpus.tokens.tofile(file)
    sentences.append(sentences[-1][-1] + corpus.sentence_starts[1:])
    documents.append(documents[-1][-1] + corpus.document_starts[1:])


def corpus_in_folder(folder: str | Path) -> TokenizedCorpus:
    """Map a tokenized corpus into memory.

    Raises
    ------
    DataFileError
        If a file is missing or was cut short.
    """
    folder = Path(folder)
    try:
        corpus = TokenizedCorpus(
            np.memmap(folder / "tokens.bin", dtype=np.int32, mode="r"),
            np.load(folder / "sentence_starts.npy", mmap_mode="r", allow_pickle=False),
            np.load(folder / "document_starts.npy", mmap_mode="r", allow_pickle=False),
        )
        if len(corpus.tokens) != corpus.sentence_starts[-1]:
            raise ValueError(f"{len(corpus.tokens)} tokens of {corpus.sentence_starts[-1]}")
        return corpus
    except (OSError, ValueError, EOFError, IndexError) as error:
        raise DataFileError(
            folder,
            f"it is not a whole tokenized corpus ({error})",
            "Remove the folder to tokenize the text anew",
        ) from None


def part_of(documents: Iterable[Sequence[str]], held_out: bool, every: int) -> Iterator[Sequence[str]]:
    """Yield the held-out documents, every n-th and the first included, or all the others."""
    return (document for n, document in enumerate(documents) if (n % every == 0) == held_out)


def held_out_interval(documents: Sequence, every: int, objective: str = "nsp") -> int:
    """Return n for :func:`part_of` such that a short text, too, has documents for both parts.

    Parameters
    ----------
    documents : the documents of the whole text.
    every : one in so many is to be held out.
    objective : with "nsp", each part needs two documents, since a random B comes from another one than A.

    Raises
    ------
    PairError
        If the text has too few documents to train on some and evaluate on others.
    """
    least = 2 if objective == "nsp" else 1
    if len(documents) < 2 * least:
        number, remedy = len(documents), "Mark where documents end by blank lines, or add text"
        raise PairError(
            f"The text has {number} document{'s' if number > 1 else ''} of two sentences or more, and the objective "
            f"{objective!r} needs {2 * least}: {least} to train on and {least} held out. {remedy}"
            + (", or use the objective 'sop', which needs 2." if least == 2 else ".")
        )
    return min(every, len(documents) - least + 1)
