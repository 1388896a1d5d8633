"""Named entities: a tag for each word, predicted at its first piece (Devlin et al. 2018, section 5.3)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from course_lib.bert.heads import IGNORED, token_classification_head
from course_lib.bert.loading import load_encoder
from course_lib.bert.wordpiece import is_mark, vanishes
from course_lib.data.readers.conll import TYPES
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TaskModel, predict
from course_lib.finetuning.scores import check_pairs
from course_lib.training.batching import pad_batch


def tags_of(types: Sequence[str]) -> tuple[str, ...]:
    """Return the tags of entity types in BIO, ``O`` first: the order of a head's outputs.

    Raises
    ------
    CourseError
        If there is no type, one stands twice, or a single string is given.
    """
    if isinstance(types, str) or not types or len(set(types)) < len(types):
        raise CourseError(
            f"The entity types are {types!r}. Give a list of different names, such as ['PER', 'EVENT']."
        )
    return ("O", *(f"{prefix}-{kind}" for kind in types for prefix in "BI"))


def types_of(tags: Sequence[str]) -> list[str]:
    """Return the entity types of tags, in the order of the tags."""
    return list(dict.fromkeys(tag[2:] for tag in tags if tag != "O"))


TAGS = tags_of(TYPES)  # those of CoNLL-2003
PAIR_KINDS = ("correct", "type", "boundary", "boundary and type", "missed", "invented")

Entity = tuple[int, int, str]  # start word, end word (exclusive), type
Words = Sequence[Sequence[str]]  # the words, or the tags, of each sentence


def entity_model(tags: Sequence[str] = TAGS, source: str | Path | None = None) -> TaskModel:
    """Return a pre-trained encoder with a fresh head that scores a tag for each piece."""
    encoder = load_encoder(encoder_folder(source))
    head = token_classification_head(encoder.configuration, len(tags))
    return TaskModel(encoder, head, pooled=False, labels=tags)


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


# A batch of entities: what is behind a sentence's end carries no tag.
pad_entities = partial(pad_batch, padding={"labels": IGNORED})


def model_inputs(features: Sequence[dict]) -> list[dict]:
    """Return what the model needs of the features: ids and labels, without the bookkeeping."""
    return [{"input_ids": f["input_ids"], "labels": f["labels"]} for f in features]


def entity_loss(scores: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Mean cross-entropy over the pieces that carry a tag, 0 without any; (B, T, tags) scores, (B, T) labels."""
    carries_tag = batch["labels"] != IGNORED  # (B, T)
    if not carries_tag.any():  # a batch of empty sentences: the mean of nothing would be NaN
        return scores.sum() * 0.0
    return nn.functional.cross_entropy(scores[carries_tag], batch["labels"][carries_tag])


def _tags_of_model(model: TaskModel, tag_names: Sequence[str] | None) -> Sequence[str]:
    """Return the tags that a model's outputs stand for; refuse others than it was made with."""
    if tag_names is None:
        tag_names = model.labels
    if tag_names is None:
        raise CourseError(
            "The model carries no tags, so its outputs have no names. Make it with entity_model(tags), or give its tags in "
            "the order of its outputs."
        )
    if model.labels is not None and tuple(tag_names) != model.labels:
        raise CourseError(
            f"The model was made for the tags {', '.join(model.labels)}, and is asked for {', '.join(tag_names)}. Leave "
            "the tags out: the model carries its own."
        )
    return tag_names


def predict_tags(
    model: TaskModel, features: Sequence[dict], tag_names: Sequence[str] | None = None
) -> list[list[str]]:
    """Return the tag of each word, read at its first piece.

    Parameters
    ----------
    model : it carries its tags.
    features : of :func:`entity_features`.
    tag_names : the tags of a model that carries none, in the order of its outputs.

    Raises
    ------
    CourseError
        If the tags don't belong to the model.
    """
    tag_names = _tags_of_model(model, tag_names)
    scores = predict(model, [{"input_ids": feature["input_ids"]} for feature in features])
    outputs = {row.shape[-1] for row in scores} or {len(tag_names)}
    if outputs != {len(tag_names)}:
        raise CourseError(
            f"The head has {max(outputs)} outputs, and {len(tag_names)} tags are given: {', '.join(tag_names)}. Give one tag "
            "for each output, in their order."
        )
    return [
        [tag_names[i] for i in row[torch.tensor(f["first_pieces"], dtype=torch.long)].argmax(dim=-1).tolist()]
        for row, f in zip(scores, features, strict=True)
    ]


def entity_scores(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return entity-level ``precision``, ``recall`` and ``f1``, shares, by seqeval, as CoNLL's script counts them.

    Raises
    ------
    CourseError
        If there is no sentence to score, or the tags don't pair up.
    """
    from seqeval.metrics import f1_score, precision_score, recall_score

    _check_tags(gold, predicted)
    gold, predicted = [list(tags) for tags in gold], [list(tags) for tags in predicted]
    return {
        "precision": float(precision_score(gold, predicted, zero_division=0)),
        "recall": float(recall_score(gold, predicted, zero_division=0)),
        "f1": float(f1_score(gold, predicted, zero_division=0)),
    }


def _check_tags(gold: Words, predicted: Words) -> None:
    """Refuse no sentence, no word, and tags that don't pair up."""
    check_pairs(gold, predicted, "sentence")
    for row, (true, said) in enumerate(zip(gold, predicted, strict=True)):
        if len(true) != len(said):
            raise CourseError(
                f"Sentence {row} has {len(true)} right tags and {len(said)} predicted ones. Give one of each per word."
            )
    check_pairs([tag for row in gold for tag in row], [tag for row in predicted for tag in row], "word")


def entities_of(words: Sequence[str], tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return start word, end word (exclusive) and type of each entity, by seqeval's reading of the tags."""
    from seqeval.metrics.sequence_labeling import get_entities

    return [(start, end + 1, kind) for kind, start, end in get_entities(list(tags))]


# Tag schemes --------------------------------------------------------------------------------------


def iob1_to_bio(tags: Sequence[str]) -> list[str]:
    """Return tags in BIO for tags in IOB1, the scheme of the CoNLL-2003 files (Ramshaw and Marcus 1995).

    In IOB1 an entity begins with ``I-``, and with ``B-`` only right behind another of its type.
    """
    bio, previous = [], "O"
    for tag in tags:
        begins = tag.startswith("I-") and previous[2:] != tag[2:]
        bio.append(f"B-{tag[2:]}" if begins else tag)
        previous = tag
    return bio


def bio_to_iob1(tags: Sequence[str]) -> list[str]:
    """Return tags in IOB1 for legal tags in BIO: ``B-`` stays only where two entities of a type touch."""
    iob1, previous = [], "O"
    for tag in tags:
        parts = tag.startswith("B-") and previous[2:] == tag[2:]
        iob1.append(f"I-{tag[2:]}" if tag != "O" and not parts else tag)
        previous = tag
    return iob1


# Baselines ----------------------------------------------------------------------------------------


def _key(words: Sequence[str], cased: bool) -> tuple[str, ...]:
    return tuple(words) if cased else tuple(word.lower() for word in words)


def gazetteer_of(sentences: Words, tags: Words, *, cased: bool = True) -> dict[tuple[str, ...], str]:
    """Return the names of tagged sentences, each with its most frequent type.

    Parameters
    ----------
    sentences, tags : the words of each sentence and their tags.
    cased : whether *May* and *may* are two entries.
    """
    types: dict[tuple[str, ...], Counter] = {}
    for words, row in zip(sentences, tags, strict=True):
        for start, end, kind in entities_of(words, row):
            types.setdefault(_key(words[start:end], cased), Counter())[kind] += 1
    return {name: count.most_common(1)[0][0] for name, count in types.items()}


def gazetteer_tags(
    sentences: Words, gazetteer: Mapping[tuple[str, ...], str], *, cased: bool = True
) -> list[list[str]]:
    """Tag the names that a gazetteer holds, from left to right, the longest first."""
    longest = max(map(len, gazetteer), default=0)
    rows = []
    for words in sentences:
        key, tags, start = _key(words, cased), ["O"] * len(words), 0
        while start < len(words):
            ends = range(min(start + longest, len(words)), start, -1)
            end = next((end for end in ends if key[start:end] in gazetteer), None)
            if end is None:
                start += 1
                continue
            kind = gazetteer[key[start:end]]
            tags[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
            start = end
        rows.append(tags)
    return rows


def capital_letter_tags(sentences: Words, kind: str) -> list[list[str]]:
    """Tag every run of capitalized words as one entity of one type, the first word of a sentence left out.

    Parameters
    ----------
    sentences : the words of each sentence; one all in capitals, such as a headline, says nothing and gets no entity.
    kind : the type that every entity gets.
    """
    rows = []
    for words in sentences:
        capital = [word[:1].isupper() for word in words]
        shouted = not any(character.islower() for word in words for character in word)
        if capital:
            capital[0] = False  # every sentence begins with a capital letter
        if shouted:
            capital = [False] * len(words)
        tags = [f"I-{kind}" if one else "O" for one in capital]
        rows.append(iob1_to_bio(tags))
    return rows


# What the scores count ----------------------------------------------------------------------------


def tag_scores(gold: Words, predicted: Words) -> dict[str, float]:
    """Return ``accuracy`` of single tags, O included, and the micro-averaged ``f1`` of those other than O, shares.

    Raises
    ------
    CourseError
        If there is no word to score, or the tags don't pair up.
    """
    from sklearn.metrics import accuracy_score, f1_score

    _check_tags(gold, predicted)
    true, said = ([tag for row in rows for tag in row] for rows in (gold, predicted))
    names = sorted({*true, *said} - {"O"})
    f1 = f1_score(true, said, labels=names, average="micro", zero_division=0) if names else 0.0
    return {"accuracy": float(accuracy_score(true, said)), "f1": float(f1)}


def tags_on_every_piece(features: Sequence[dict], tags: Words) -> list[list[str]]:
    """Copy the tag of each word to all its pieces, as BERT does not; for showing what that would claim.

    Parameters
    ----------
    features : of :func:`entity_features`.
    tags : the tag of each word.
    """
    rows = []
    for feature, row in zip(features, tags, strict=True):
        ends = [*feature["first_pieces"][1:], len(feature["input_ids"]) - 1]  # [SEP] ends the last word
        widths = [end - first for first, end in zip(feature["first_pieces"], ends, strict=True)]
        rows.append([tag for tag, width in zip(row, widths, strict=True) for _ in range(width)])
    return rows


def pair_entities(
    gold: Collection[Entity], predicted: Collection[Entity]
) -> list[tuple[Entity | None, Entity | None, str]]:
    """Pair the entities of one sentence with those that were predicted, and name what became of each.

    Each entity is in one pair. Equal ones are paired first, then those of equal words, then overlapping
    ones of equal type, then any that overlap; within each step from left to right.

    Returns
    -------
    list of tuple
        Gold entity or None, predicted entity or None, and one of ``PAIR_KINDS``.
    """

    def overlap(a: Entity, b: Entity) -> bool:
        return a[0] < b[1] and b[0] < a[1]

    steps = {
        "correct": lambda a, b: a == b,
        "type": lambda a, b: a[:2] == b[:2],
        "boundary": lambda a, b: overlap(a, b) and a[2] == b[2],
        "boundary and type": overlap,
    }
    left, right, pairs = sorted(gold), sorted(predicted), []
    for kind, fits in steps.items():
        for one in list(left):
            other = next((entity for entity in right if fits(one, entity)), None)
            if other is not None:
                left.remove(one)
                right.remove(other)
                pairs.append((one, other, kind))
    pairs += [(one, None, "missed") for one in left]
    pairs += [(None, other, "invented") for other in right]
    return sorted(pairs, key=lambda pair: (pair[0] or pair[1], pair[2]))


def pairs_of(gold: Words, predicted: Words) -> list[list[tuple[Entity | None, Entity | None, str]]]:
    """Return the pairs of :func:`pair_entities` for each sentence, from its tags."""
    return [
        pair_entities(entities_of(true, true), entities_of(said, said))
        for true, said in zip(gold, predicted, strict=True)
    ]


def error_counts(gold: Words, predicted: Words) -> dict[str, int]:
    """Count the pairs of each kind.

    All kinds but ``invented`` add up to the gold entities; all but ``missed`` to the predicted ones.
    """
    count = Counter(kind for row in pairs_of(gold, predicted) for _, _, kind in row)
    return {kind: count[kind] for kind in PAIR_KINDS}


def type_confusion(gold: Words, predicted: Words, types: Sequence[str]) -> list[list[int]]:
    """Count pairs by type, rows the truth, columns the prediction; the last of each stands for *no entity*."""
    number = {kind: i for i, kind in enumerate(types)}
    matrix = [[0] * (len(types) + 1) for _ in range(len(types) + 1)]
    for row in pairs_of(gold, predicted):
        for one, other, _ in row:
            matrix[number[one[2]] if one else -1][number[other[2]] if other else -1] += 1
    return matrix


def recall_by_seen(
    sentences: Words, gold: Words, predicted: Words, known: Collection[tuple[str, ...]]
) -> dict[str, tuple[int, int]]:
    """Return how many entities were found, and of how many, for names ``seen`` in training and ``unseen``.

    Parameters
    ----------
    sentences, gold, predicted : words, their tags, and the predicted tags.
    known : names of the training part in lowercase, such as the keys of an uncased gazetteer.
    """
    found, all_ = Counter(), Counter()
    for words, true, said in zip(sentences, gold, predicted, strict=True):
        right = set(entities_of(words, said))
        for entity in entities_of(words, true):
            group = "seen" if _key(words[entity[0] : entity[1]], cased=False) in known else "unseen"
            found[group] += entity in right
            all_[group] += 1
    return {group: (found[group], all_[group]) for group in ("seen", "unseen")}


# Running text -------------------------------------------------------------------------------------


def _characters(text: str) -> list[tuple[int, int]]:
    """Return start and end of each character together with its marks and the invisible characters behind it.

    Invisible characters with nothing before them, such as a byte order mark, belong to no character and are left out.
    """
    places: list[tuple[int, int]] = []
    follows = False  # whether a mark here has a character to belong to
    for position, character in enumerate(text):
        if follows and (is_mark(character) or vanishes(character)):
            places[-1] = places[-1][0], position + 1
        elif not vanishes(character):
            places.append((position, position + 1))
            follows = not character.isspace()
    return places


def split_words(text: str) -> list[tuple[int, int]]:
    """Return start and end (exclusive, in characters) of the words and marks of a text, as CoNLL parts them.

    An accent, a vowel sign, a soft hyphen or a zero-width space belongs to its word: the words are the same whether
    é is one character or e and U+0301.
    """
    places = _characters(text)
    letters = "".join(unicodedata.normalize("NFC", text[start:end])[0] for start, end in places)
    # U.S. · the 's of a genitive · Guinea-Bissau, O'Neill, 1,131 · any other mark by itself
    word = r"(?:[A-Za-z]\.){2,}|['’]s\b|[^\W_]+(?:(?!['’]s\b)[-'’.,/][^\W_]+)*|\S"
    return [(places[match.start()][0], places[match.end() - 1][1]) for match in re.finditer(word, letters)]


def find_entities(
    text: str, model: TaskModel, tokenizer: Tokenizer, tag_names: Sequence[str] | None = None
) -> list[Entity]:
    """Return start, end (exclusive, in characters) and type of each entity of a text.

    Parameters are those of :func:`predict_tags`.
    """
    places = split_words(text)
    words = [unicodedata.normalize("NFC", text[start:end]) for start, end in places]
    tags = predict_tags(model, entity_features([words], tokenizer), tag_names)[0]
    return [(places[a][0], places[b - 1][1], kind) for a, b, kind in entities_of(words, tags)]
