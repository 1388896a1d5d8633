"""What a saved model says of new texts: one record for each, ready for a table or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.errors import SettingError
from course_lib.finetuning import classification, entities, question_answering, sentence_pairs
from course_lib.finetuning.loop import TaskModel, predict
from course_lib.finetuning.saving import load_saved, saved_note

OLD_LENGTH = 128  # of folders that do not tell theirs


@dataclass(frozen=True)
class SavedModel:
    """A saved model with all that it takes to use it.

    Parameters
    ----------
    task : what it was saved as.
    model, tokenizer : on the CPU, in evaluation mode.
    max_length : the most pieces of a row.
    """

    task: str
    model: TaskModel
    tokenizer: Tokenizer
    max_length: int


def open_saved(folder: str | Path) -> SavedModel:
    """Open what ``course finetune --save`` has written, whatever the task.

    Raises
    ------
    WeightsError
        If the folder holds no fine-tuned model, or a damaged one.
    """
    note = saved_note(folder)
    positions_or_less = note.get("max_length") or OLD_LENGTH
    return SavedModel(
        note["task"], load_saved(note["task"], folder), load_tokenizer(folder), positions_or_less
    )


def predictions(
    saved: SavedModel, texts: Sequence[str], seconds: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Return what a model says of texts, of pairs, or of questions about paragraphs.

    Parameters
    ----------
    saved : the model.
    texts : the texts, the first sentences of pairs, or the questions.
    seconds : the second sentences, or the paragraphs to answer from.

    Returns
    -------
    list of dict
        For classes ``label``, ``probability`` and ``probabilities``, for scores ``score``, for entities ``entities``
        with ``start``, ``end`` (exclusive), ``type`` and ``text``, for questions ``answer``, ``start`` and ``end``.

    Raises
    ------
    SettingError
        If the task takes pairs and there are single texts, the other way round, or it is not done here.
    """
    paired = saved.task in ("pairs", "questions")
    if saved.task == "endings":
        raise SettingError(
            "A model for endings chooses among several: call choice_probabilities, see lesson 12."
        )
    if paired != (seconds is not None):
        wanted, given = ("two texts a row", "one") if paired else ("one text a row", "two")
        raise SettingError(f"The model is for {saved.task!r}: it takes {wanted}, and there is {given}.")
    if saved.task == "entities":
        return [_entities_of(text, saved) for text in texts]
    if saved.task == "questions":
        settings = question_answering.WindowSettings(max_length=saved.max_length)
        answers = question_answering.answer_questions(saved.model, texts, seconds, saved.tokenizer, settings)
        return [{"answer": answer.text, "start": answer.start, "end": answer.end} for answer in answers]
    if paired:
        features = sentence_pairs.pair_features(texts, seconds, saved.tokenizer, max_length=saved.max_length)
    else:
        features = classification.classification_features(texts, saved.tokenizer, max_length=saved.max_length)
    return _labels_of(saved.model, features)


def _labels_of(model: TaskModel, features: list[dict]) -> list[dict[str, Any]]:
    if not features:
        return []
    scores = torch.stack(predict(model, features))  # (rows, outputs)
    if scores.shape[-1] == 1:
        return [{"score": score} for score in scores.squeeze(-1).tolist()]
    names = model.labels or [str(number) for number in range(scores.shape[-1])]
    found = []
    for shares in scores.softmax(dim=-1).tolist():
        best = max(range(len(shares)), key=shares.__getitem__)
        probabilities = dict(zip(names, shares, strict=True))
        found.append({"label": names[best], "probability": shares[best], "probabilities": probabilities})
    return found


def _entities_of(text: str, saved: SavedModel) -> dict[str, Any]:
    spans = entities.find_entities(text, saved.model, saved.tokenizer)
    return {"entities": [{"start": a, "end": b, "type": kind, "text": text[a:b]} for a, b, kind in spans]}
