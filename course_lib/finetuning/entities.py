"""Named entities: a tag for each word, predicted at its first piece (Devlin et al. 2018, section 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from course_lib.bert.heads import TokenClassificationHead
from course_lib.bert.loading import load_encoder
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TaskModel, predict

TAGS = ("O", *(f"{prefix}-{kind}" for kind in ("PER", "ORG", "LOC", "MISC") for prefix in "BI"))
IGNORED = -100  # a piece that carries no tag of its own


def entity_model(tags: Sequence[str] = TAGS, source: str | Path | None = None) -> TaskModel:
    """Return a pre-trained encoder with a fresh head that scores a tag for each piece."""
    encoder = load_encoder(encoder_folder(source))
    return TaskModel(encoder, TokenClassificationHead(encoder.configuration, len(tags)), pooled=False)


def entity_features(
    sentences: Sequence[Sequence[str]],
    tokenizer: Tokenizer,
    tags: Sequence[Sequence[str]] | None = None,
    *,
    tag_names: Sequence[str] = TAGS,
    max_length: int = 512,
) -> list[dict]:
    """Turn tokenized sentences into features; the tag of a word stands on its first piece alone.

    Parameters
    ----------
    sentences : the words of each sentence.
    tokenizer : the model's tokenizer.
    tags : the tag of each word; left out for prediction.
    tag_names : all tags, in the order of the head's outputs.
    max_length : the most tokens that the model takes.

    Returns
    -------
    list of dict
        ``input_ids``, ``labels`` (-100 where there is no tag) and ``first_pieces``, the position of
        each word's first piece.

    Raises
    ------
    CourseError
        If a sentence is too long, a tag is unknown, or words and tags do not pair up.
    """
    if tags is not None and len(tags) != len(sentences):
        raise CourseError(
            f"There are {len(sentences)} sentences and {len(tags)} lists of tags. Give one list a sentence."
        )
    cls_id, sep_id, unk_id = (tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]", "[UNK]"))
    number_of = {tag: i for i, tag in enumerate(tag_names)}
    features = []
    for row, words in enumerate(sentences):
        encodings = tokenizer.encode_batch(list(words), add_special_tokens=False)
        pieces = [encoding.ids or [unk_id] for encoding in encodings]  # every word needs a place for its tag
        firsts, ids = [], [cls_id]
        for piece in pieces:
            firsts.append(len(ids))
            ids += piece
        ids.append(sep_id)
        if len(ids) > max_length:
            raise CourseError(
                f"Sentence {row} ({' '.join(words[:5])} …) has {len(ids)} pieces, and the model takes {max_length}. "
                "Split the sentence: cutting it would lose the tags behind the cut."
            )
        labels = [IGNORED] * len(ids)
        if tags is not None:
            if len(tags[row]) != len(words):
                raise CourseError(
                    f"Sentence {row} has {len(words)} words and {len(tags[row])} tags. Give one tag a word."
                )
            for first, tag in zip(firsts, tags[row], strict=True):
                if tag not in number_of:
                    raise CourseError(
                        f"Sentence {row}: the tag {tag!r} is not one of {', '.join(tag_names)}. "
                        "Correct it, or make the model with that tag."
                    )
                labels[first] = number_of[tag]
        features.append({"input_ids": ids, "labels": labels, "first_pieces": firsts})
    return features


def model_inputs(features: Sequence[dict]) -> list[dict]:
    """Return what the model needs of the features: ids and labels, without the bookkeeping."""
    return [{"input_ids": f["input_ids"], "labels": f["labels"]} for f in features]


def entity_loss(scores: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Mean cross-entropy over the pieces that carry a tag, 0 without any; (B, T, tags) scores, (B, T) labels."""
    carries_tag = batch["labels"] != IGNORED  # (B, T)
    if not carries_tag.any():  # a batch of empty sentences: the mean of nothing would be NaN
        return scores.sum() * 0.0
    return nn.functional.cross_entropy(scores[carries_tag], batch["labels"][carries_tag])


def predict_tags(
    model: TaskModel, features: Sequence[dict], tag_names: Sequence[str] = TAGS
) -> list[list[str]]:
    """Return the tag of each word, read at its first piece."""
    scores = predict(model, model_inputs(features))
    return [
        [tag_names[i] for i in row[torch.tensor(f["first_pieces"], dtype=torch.long)].argmax(dim=-1).tolist()]
        for row, f in zip(scores, features, strict=True)
    ]


def entity_scores(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return entity-level ``precision``, ``recall`` and ``f1``, by seqeval, as CoNLL's script counts them."""
    from seqeval.metrics import f1_score, precision_score, recall_score

    gold, predicted = [list(tags) for tags in gold], [list(tags) for tags in predicted]
    return {
        "precision": float(precision_score(gold, predicted, zero_division=0)),
        "recall": float(recall_score(gold, predicted, zero_division=0)),
        "f1": float(f1_score(gold, predicted, zero_division=0)),
    }


def entities_of(words: Sequence[str], tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return start word, end word (exclusive) and type of each entity, by seqeval's reading of the tags."""
    from seqeval.metrics.sequence_labeling import get_entities

    return [(start, end + 1, kind) for kind, start, end in get_entities(list(tags))]
