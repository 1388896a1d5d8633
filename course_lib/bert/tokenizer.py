"""The fast tokenizer of a model folder; its algorithm is that of :mod:`course_lib.bert.wordpiece`."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer

from course_lib.errors import WeightsError


def load_tokenizer(folder: str | Path) -> Tokenizer:
    """Load a model folder's WordPiece tokenizer, without truncation and padding of its own.

    Older checkpoints bring ``vocab.txt`` alone; whether they lower the letters stands in
    ``tokenizer_config.json``, and they do if nothing is said.

    Raises
    ------
    WeightsError
        If the folder has no tokenizer, or it is damaged or not BERT's.
    """
    path, vocabulary = Path(folder) / "tokenizer.json", Path(folder) / "vocab.txt"
    if not path.is_file() and not vocabulary.is_file():
        raise WeightsError(
            f"{path} does not exist: the model folder has no tokenizer. Save it beside the weights with the "
            "tokenizer's save_pretrained, or copy tokenizer.json from the model it came from."
        )
    try:
        tokenizer = Tokenizer.from_file(str(path)) if path.is_file() else _from_vocabulary(vocabulary)
    except Exception as error:  # the library raises nothing more special
        raise WeightsError(
            f"{path if path.is_file() else vocabulary} is not a whole tokenizer file ({error}). "
            "Copy the model folder again."
        ) from None
    for token in ("[CLS]", "[SEP]", "[UNK]"):
        if tokenizer.token_to_id(token) is None:
            raise WeightsError(
                f"{path if path.is_file() else vocabulary}: the token {token} is missing, so this is not BERT's "
                "tokenizer. Use the folder of a BERT model."
            )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _from_vocabulary(path: Path) -> Tokenizer:
    """Build the WordPiece tokenizer of a checkpoint that has no ``tokenizer.json``."""
    from tokenizers.implementations import BertWordPieceTokenizer

    settings = path.with_name("tokenizer_config.json")
    lower = (
        json.loads(settings.read_text(encoding="utf-8")).get("do_lower_case", True)
        if settings.is_file()
        else True
    )
    return BertWordPieceTokenizer(str(path), lowercase=lower)._tokenizer
