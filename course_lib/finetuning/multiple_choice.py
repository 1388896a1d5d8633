"""Multiple choice: a context and its endings, one score for each (Devlin et al. 2018, section 4.4).

Shape letters: B questions in a batch, C choices of a question, T tokens, H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import READINGS, choice_head
from course_lib.bert.loading import load_encoder
from course_lib.data.sources import encoder_folder
from course_lib.errors import CourseError
from course_lib.finetuning.classification import classification_loss, whole_label
from course_lib.finetuning.loop import TaskModel, predict
from course_lib.finetuning.scores import check_pairs

CHOICES = 4  # endings of a context in SWAG
FIELDS = ("input_ids", "token_type_ids")


class ChoiceModel(TaskModel):
    """An encoder that reads each choice by itself, and one output that says how good a choice is.

    Parameters
    ----------
    encoder : the pre-trained body.
    head : takes the states of the rows (B·C, H) and gives one score for each, (B·C, 1).
    reads : what the state of a row is, see :func:`~course_lib.bert.heads.row_state`.

    Raises
    ------
    CourseError
        If the head has more than one output.
    """

    def __init__(self, encoder: BertEncoder, head: nn.Linear, *, reads: str = READINGS[0]):
        if head.out_features != 1:
            raise CourseError(
                f"The head has {head.out_features} outputs, and a choice has one score: outputs by position would make "
                "the answer depend on the order of the endings. Give it a head with one output."
            )
        super().__init__(encoder, head, pooled=True, reads=reads)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Score every choice: (B, C, T) -> (B, C)."""
        questions, choices, _ = batch["input_ids"].shape
        rows = {name: tensor.flatten(0, 1) for name, tensor in batch.items() if tensor.ndim == 3}  # (B·C, T)
        return super().forward(rows).view(questions, choices)  # (B·C, 1) -> (B, C)


def choice_model(source: str | Path | None = None, *, reads: str = READINGS[0]) -> ChoiceModel:
    """Return a pre-trained encoder with a fresh head for choices.

    Parameters
    ----------
    source : where the encoder comes from, see :func:`~course_lib.data.sources.encoder_folder`.
    reads : what the head reads of each row, see :func:`~course_lib.bert.heads.row_state`.
    """
    encoder = load_encoder(encoder_folder(source))
    return ChoiceModel(encoder, choice_head(encoder.configuration), reads=reads)


def choice_features(
    contexts: Sequence[str] | None,
    endings: Sequence[Sequence[str]],
    tokenizer: Tokenizer,
    labels: Sequence[int] | None = None,
    *,
    starts: Sequence[str] | None = None,
    max_length: int = 64,
    number_of_choices: int = CHOICES,
) -> list[dict]:
    """Turn questions into features: for each ending [CLS] context [SEP] start and ending [SEP].

    Where a row is too long, the context loses its beginning; what the ending continues stays.

    Parameters
    ----------
    contexts : the first sentence of each question; None for a model that is to see the endings alone.
    endings : the choices of each question.
    tokenizer : the model's tokenizer.
    labels : which ending is right, from 0; left out for prediction.
    starts : how the second sentence begins, put before each ending; SWAG's ``sent2``.
    max_length : the most tokens of a row, special ones counted.
    number_of_choices : how many endings each question has.

    Returns
    -------
    list of dict
        ``input_ids`` and ``token_type_ids``, a list for each choice, and ``label`` where there are labels.

    Raises
    ------
    CourseError
        If a question has another number of endings, an ending or a context is empty, an ending alone is too
        long, a label is none of the choices, or the columns don't pair up.
    """
    _check_columns(contexts, endings, labels, starts)
    _check_endings(endings, number_of_choices)
    seconds = [ending for choices in endings for ending in choices]
    if starts is not None:
        seconds = [
            f"{start} {ending}".strip()
            for start, choices in zip(starts, endings, strict=True)
            for ending in choices
        ]
    second_ids = [encoding.ids for encoding in tokenizer.encode_batch(seconds, add_special_tokens=False)]
    first_ids = None
    if contexts is not None:
        first_ids = [
            encoding.ids for encoding in tokenizer.encode_batch(list(contexts), add_special_tokens=False)
        ]
    cls_id, sep_id = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    features = []
    for row in range(len(endings)):
        feature: dict = {name: [] for name in FIELDS}
        for choice in range(number_of_choices):
            second = second_ids[row * number_of_choices + choice]
            if first_ids is None:
                first = [cls_id]
                room = max_length - 2
            else:
                context = first_ids[row]
                if not context:
                    raise CourseError(
                        f"Row {row}: the context is empty. Write one, or give contexts=None to all rows for a model "
                        "of the endings alone."
                    )
                room = max_length - 4  # [CLS], one piece of the context, two [SEP]
                kept = max(1, max_length - 3 - len(second))
                first = [cls_id, *context[-kept:], sep_id]
            if len(second) > room:
                raise CourseError(
                    f"Row {row}: ending {choice} has {len(second)} pieces with its beginning, and max_length "
                    f"{max_length} leaves room for {max(room, 0)}. Raise max_length, or shorten the ending."
                )
            feature["input_ids"].append([*first, *second, sep_id])
            # the second segment: the start, the ending and its [SEP]; endings alone are the first
            segment = 0 if first_ids is None else 1
            feature["token_type_ids"].append([0] * len(first) + [segment] * (len(second) + 1))
        if labels is not None:
            feature["label"] = _choice_number(row, labels[row], number_of_choices)
        features.append(feature)
    return features


def _check_columns(contexts, endings, labels, starts) -> None:
    for name, column in (("contexts", contexts), ("labels", labels), ("starts", starts)):
        if column is not None and len(column) != len(endings):
            raise CourseError(
                f"There are {len(endings)} lists of endings and {len(column)} {name}. Give one of each a question."
            )


def _check_endings(endings: Sequence[Sequence[str]], number_of_choices: int) -> None:
    for row, choices in enumerate(endings):
        if isinstance(choices, str) or len(choices) != number_of_choices:
            found = "one text" if isinstance(choices, str) else f"{len(choices)} endings"
            raise CourseError(
                f"Row {row} has {found}, and {number_of_choices} endings are wanted. Complete the row, or say "
                "number_of_choices."
            )
        for choice, ending in enumerate(choices):
            if not ending.strip():
                raise CourseError(
                    f"Row {row}: ending {choice} is empty. Write an ending, or leave the row out."
                )


def _choice_number(row: int, label, number_of_choices: int) -> int:
    """Return a label as the number of a choice."""
    number = whole_label(label)
    if number is not None and 0 <= number < number_of_choices:
        return number
    raise CourseError(
        f"Row {row}: the label is {label!r}, and the endings are numbered 0 to {number_of_choices - 1}. Correct the "
        "label."
    )


def pad_choices(features: Sequence[dict], length: int | None = None) -> dict[str, Tensor]:
    """Join questions into tensors, padded to the longest choice of them all.

    Parameters
    ----------
    features : of :func:`choice_features`.
    length : pad at least to this many instead.

    Returns
    -------
    dict of Tensor
        ``input_ids``, ``token_type_ids``, ``attention_mask`` (B, C, T) int64, and ``label`` (B,) int64 where
        the features have one.

    Raises
    ------
    CourseError
        If the questions have different numbers of choices.
    """
    choices = len(features[0]["input_ids"])
    if any(len(feature["input_ids"]) != choices for feature in features):
        raise CourseError(
            "The questions of a batch have different numbers of choices. Give all of them as many."
        )
    lengths = np.array([len(ids) for feature in features for ids in feature["input_ids"]])  # (B·C,)
    longest = max(length or 0, int(lengths.max()))
    real = np.arange(longest) < lengths[:, None]  # (B·C, T): which slots hold a token
    batch = {}
    for name in FIELDS:
        padded = np.zeros(real.shape, dtype=np.int64)  # [PAD] and segment A are both 0
        padded[real] = [token for feature in features for ids in feature[name] for token in ids]  # row by row
        batch[name] = torch.from_numpy(padded.reshape(-1, choices, longest))  # (B, C, T)
    batch["attention_mask"] = torch.from_numpy(real.astype(np.int64).reshape(-1, choices, longest))
    if "label" in features[0]:
        batch["label"] = torch.tensor([feature["label"] for feature in features])
    return batch


def choice_loss(scores: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Mean cross-entropy of the softmax over the choices, (B, C) scores.

    Raises
    ------
    CourseError
        If a label is none of the choices.
    """
    return classification_loss(scores, batch)  # a choice is a class of its question


def choice_probabilities(model: ChoiceModel, features: Sequence[dict]) -> np.ndarray:
    """Return the probability of each choice, (questions, choices) float; (0, choices) of no question."""
    if not features:
        return np.zeros((0, CHOICES), dtype=np.float32)
    return torch.stack(predict(model, features, collate=pad_choices)).softmax(dim=-1).numpy()


def choice_scores(labels: Sequence[int], predictions: Sequence[int]) -> dict[str, float]:
    """Return ``accuracy``, a share: of the questions, how many have their right ending chosen.

    Raises
    ------
    CourseError
        If there is nothing to score, or labels and predictions don't pair up.
    """
    check_pairs(labels, predictions, "question")
    return {"accuracy": float(np.mean(np.asarray(labels) == np.asarray(predictions)))}


def words_of_endings_baseline(
    training_endings: Sequence[Sequence[str]],
    training_labels: Sequence[int],
    endings: Sequence[Sequence[str]],
) -> np.ndarray:
    """Choose by the endings alone: TF-IDF of words and word pairs, and logistic regression, by scikit-learn.

    Every ending is one row, right or wrong; of a question's endings, the one most likely right is chosen.

    Parameters
    ----------
    training_endings, training_labels : the choices of each training question, and which of them is right.
    endings : the choices of the questions to answer.

    Returns
    -------
    ndarray
        (questions,) int, the number of the chosen ending.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
    texts = [ending for choices in training_endings for ending in choices]
    right = [
        choice == label
        for choices, label in zip(training_endings, training_labels, strict=True)
        for choice in range(len(choices))
    ]
    model.fit(texts, right)
    flat = model.decision_function([ending for choices in endings for ending in choices])
    return flat.reshape(len(endings), -1).argmax(axis=1)
