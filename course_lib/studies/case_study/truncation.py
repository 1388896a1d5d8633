"""Which part of a text a model gets to read when the whole text doesn't fit: its head, its tail, or some of both."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

from course_lib.errors import CourseError

WAYS = ("head", "tail", "head+tail")
HEAD_SHARE = 0.25  # Sun et al. 2019, section 5.3.1: 128 of 510 pieces from the head, 382 from the tail
SPECIAL_TOKENS = 2  # [CLS] and [SEP]


def cut_pieces(pieces: Sequence[int], room: int, way: str) -> list[int]:
    """Return at most so many pieces of a text; a text that fits stays whole.

    Parameters
    ----------
    pieces : ids of the word pieces, without special tokens.
    room : the most pieces to keep.
    way : ``"head"``, ``"tail"`` or ``"head+tail"``.

    Raises
    ------
    CourseError
        If there is no such way, or no room for a piece.
    """
    if way not in WAYS:
        raise CourseError(f"{way!r} is not a way to cut a text. Choose one of: {', '.join(WAYS)}.")
    if room < 1:
        raise CourseError(f"There is room for {room} pieces. Leave room for at least one.")
    if len(pieces) <= room:
        return list(pieces)
    head = {"head": room, "tail": 0, "head+tail": round(HEAD_SHARE * room)}[way]
    return [*pieces[:head], *pieces[len(pieces) - (room - head) :]]


def cut_features(
    texts: Sequence[str], tokenizer: Tokenizer, labels: Sequence[int], *, max_length: int, way: str = "head"
) -> list[dict]:
    """Turn texts into features of at most ``max_length`` tokens: [CLS], the pieces that are kept, [SEP].

    Parameters
    ----------
    texts, labels : the texts, and the class of each.
    tokenizer : the model's tokenizer.
    max_length : the most tokens, special ones counted.
    way : which pieces are kept, see :func:`cut_pieces`.
    """
    cls_id, sep_id = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    encodings = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    kept = [cut_pieces(encoding.ids, max_length - SPECIAL_TOKENS, way) for encoding in encodings]
    return [
        {"input_ids": [cls_id, *pieces, sep_id], "label": int(label)}
        for pieces, label in zip(kept, labels, strict=True)
    ]
