"""The fast tokenizer of a model folder; its algorithm is that of :mod:`course_lib.bert.wordpiece`."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from tokenizers import Tokenizer

from course_lib.bert.wordpiece import SPECIAL_TOKENS, read_vocabulary
from course_lib.errors import CourseError, WeightsError


def load_tokenizer(folder: str | Path, *, special_tokens: bool = False) -> Tokenizer:
    """Load a model folder's WordPiece tokenizer, without truncation and padding of its own.

    Older checkpoints bring ``vocab.txt`` alone; whether they lower the letters, strip accents, cut Chinese into
    characters or have more tokens stands in ``tokenizer_config.json`` and the files beside it. They are followed
    as transformers follows them.

    Parameters
    ----------
    folder : the model folder.
    special_tokens : whether ``[SEP]``, ``[MASK]`` and their like that are written in a text become those tokens.
        If not, they are text as any other, and whoever writes ``[SEP]`` in a review ends no segment. The original
        cuts them at their brackets as well (``tokenization.py``, ``BasicTokenizer.tokenize``).

    Raises
    ------
    WeightsError
        If the folder has no tokenizer, or it is damaged, not BERT's, or has settings that cannot be followed.
    """
    path, vocabulary = Path(folder) / "tokenizer.json", Path(folder) / "vocab.txt"
    if not path.is_file() and not vocabulary.is_file():
        raise WeightsError(
            f"{path} does not exist: the model folder has no tokenizer. Save it beside the weights with the "
            "tokenizer's save_pretrained, or copy tokenizer.json from the model it came from."
        )
    try:
        tokenizer = Tokenizer.from_file(str(path)) if path.is_file() else _from_vocabulary(vocabulary)
    except CourseError:
        raise
    except Exception as error:  # the library raises nothing more special
        raise WeightsError(
            f"{path if path.is_file() else vocabulary} is not a whole tokenizer file ({error}). "
            "Copy the model folder again."
        ) from None
    _check_tokens(path if path.is_file() else vocabulary, tokenizer.get_vocab())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if special_tokens:
        return tokenizer
    tokenizer = _with_other_tokens_in_text(tokenizer)
    tokenizer.encode_special_tokens = True  # the library's name for "as if they were text"
    return tokenizer


def _check_tokens(path: Path, known: Collection[str]) -> None:
    for token in ("[CLS]", "[SEP]", "[UNK]"):
        if token not in known:
            raise WeightsError(
                f"{path}: the token {token} is missing, so this is not BERT's tokenizer. "
                "Use the folder of a BERT model."
            )


def _with_other_tokens_in_text(tokenizer: Tokenizer) -> Tokenizer:
    """Leave tokens that a model adds to BERT's five, such as markers of entities, to be written in texts."""
    added = {t.content for t in tokenizer.get_added_tokens_decoder().values() if t.special} - set(
        SPECIAL_TOKENS
    )
    if not added:
        return tokenizer
    content = json.loads(tokenizer.to_str())
    for token in content["added_tokens"]:
        token["special"] &= token["content"] not in added
    return Tokenizer.from_str(json.dumps(content))


def _from_vocabulary(path: Path) -> Tokenizer:
    """Build the WordPiece tokenizer of a checkpoint that has no ``tokenizer.json``, as transformers builds it."""
    from transformers import BertTokenizerFast

    place = path.with_name("tokenizer_config.json")
    told = json.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}
    kind = told.get("tokenizer_class") or "BertTokenizer"
    for name, wrong in (
        ("tokenizer_class", kind not in ("BertTokenizer", "BertTokenizerFast")),
        ("do_basic_tokenize", told.get("do_basic_tokenize") is False),
        ("never_split", bool(told.get("never_split"))),
    ):
        if wrong:  # transformers' own fast tokenizer takes no notice of the last two
            raise WeightsError(
                f"{place}: {name} is {told[name]!r}, which a fast BERT tokenizer cannot follow. Use a folder of a "
                "BERT model with a tokenizer.json."
            )
    words = {token: number for number, token in enumerate(read_vocabulary(path))}
    _check_tokens(path, words)  # transformers would give a missing one an id beyond the vocabulary
    return BertTokenizerFast.from_pretrained(
        path.parent, vocab=words, local_files_only=True
    ).backend_tokenizer
