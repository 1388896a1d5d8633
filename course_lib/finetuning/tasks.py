"""The one registry of tasks: what each brings to the loop, for lessons, studies and the command line.

A further task is one module with its model, features, loss and scores, and one entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tokenizers import Tokenizer
from torch import Tensor

from course_lib.bert.heads import check_reading
from course_lib.errors import SettingError
from course_lib.finetuning import (
    classification,
    entities,
    multiple_choice,
    question_answering,
    sentence_pairs,
)
from course_lib.finetuning.loop import Collate, TaskModel
from course_lib.training.batching import pad_batch

Scores = dict[str, float]


@dataclass(frozen=True)
class Task:
    """What a task brings.

    Parameters
    ----------
    name : the name of its data set, too.
    model : makes a pre-trained body with a fresh head, from a source such as ``bundled`` or a folder; where the
        task is pooled, it takes ``reads``, too.
    features : makes training rows for the loop of a data set's rows, a tokenizer and the most pieces of a row.
    loss : the loss of scores and a batch.
    score : scores a model on a data set's rows, given a tokenizer and the most pieces: shares from 0 to 1.
    main_score : the name of the score to compare models by.
    max_length : the most pieces of a row, if nothing else is said.
    collate : makes a batch; it knows what pads the task's fields.
    pooled : whether the head takes one state for a whole row, so that there is a choice of what it reads.
    """

    name: str
    model: Callable[..., TaskModel]
    features: Callable[[object, Tokenizer, int], list[dict]]
    loss: Callable[[Tensor, dict[str, Tensor]], Tensor]
    score: Callable[[TaskModel, object, Tokenizer, int], Scores]
    main_score: str
    max_length: int
    collate: Collate = pad_batch
    pooled: bool = False


def _review_features(rows, tokenizer: Tokenizer, max_length: int) -> list[dict]:
    return classification.classification_features(
        rows["text"], tokenizer, rows["label"], max_length=max_length, number_of_labels=2
    )


def _review_scores(model: TaskModel, rows, tokenizer: Tokenizer, max_length: int) -> Scores:
    features = classification.classification_features(rows["text"], tokenizer, max_length=max_length)
    predicted = classification.class_probabilities(model, features).argmax(axis=1)
    return classification.classification_scores(rows["label"], predicted)


def _entity_features(rows, tokenizer: Tokenizer, max_length: int, *, tags: Sequence[str]) -> list[dict]:
    features = entities.entity_features(
        rows["tokens"], tokenizer, rows["tags"], tag_names=tags, max_length=max_length
    )
    return entities.model_inputs(features)


def _entity_scores(model: TaskModel, rows, tokenizer: Tokenizer, max_length: int) -> Scores:
    features = entities.entity_features(rows["tokens"], tokenizer, max_length=max_length)
    return entities.entity_scores(rows["tags"], entities.predict_tags(model, features))


def _question_features(rows, tokenizer: Tokenizer, max_length: int) -> list[dict]:
    windows = question_answering.make_windows(
        rows["question"],
        rows["context"],
        tokenizer,
        rows["answers"],
        question_answering.WindowSettings(max_length=max_length),
    )
    return [window.feature for window in windows]


def _question_scores(model: TaskModel, rows, tokenizer: Tokenizer, max_length: int) -> Scores:
    references = [answer["text"] for answer in rows["answers"]]
    answers = question_answering.answer_questions(
        model,
        rows["question"],
        rows["context"],
        tokenizer,
        question_answering.WindowSettings(max_length=max_length),
        threshold=None if all(references) else 0.0,  # SQuAD 1.1 never abstains; lesson 09 tunes that of 2.0
    )
    by_kind = question_answering.scores_by_kind([answer.text for answer in answers], references)
    scores = by_kind.pop("overall")
    if not all(references):
        scores |= {f"{kind}_{name}": score for kind, part in by_kind.items() for name, score in part.items()}
    return scores


def _ending_features(rows, tokenizer: Tokenizer, max_length: int) -> list[dict]:
    return multiple_choice.choice_features(
        rows["sent1"], rows["endings"], tokenizer, rows["label"], starts=rows["sent2"], max_length=max_length
    )


def _ending_scores(model: TaskModel, rows, tokenizer: Tokenizer, max_length: int) -> Scores:
    chosen = multiple_choice.choice_probabilities(
        model, _ending_features(rows, tokenizer, max_length)
    ).argmax(axis=1)
    return multiple_choice.choice_scores(rows["label"], chosen)


def _pair_features(
    rows, tokenizer: Tokenizer, max_length: int, *, task: sentence_pairs.PairTask, labels: bool = True
) -> list[dict]:
    first, second = (rows["sentence"], None) if task.single else (rows["sentence1"], rows["sentence2"])
    return sentence_pairs.pair_features(
        first,
        second,
        tokenizer,
        rows["label"] if labels else None,
        names=task.labels,
        max_length=max_length,
        may_be_empty=task.may_be_empty,
    )


def _pair_scores(
    model: TaskModel, rows, tokenizer: Tokenizer, max_length: int, *, task: sentence_pairs.PairTask
) -> Scores:
    features = _pair_features(rows, tokenizer, max_length, task=task, labels=False)
    said = sentence_pairs.pair_predictions(model, features)
    return sentence_pairs.pair_scores(rows["label"], said, task.metrics)


def pair_task(glue: str = "mrpc") -> Task:
    """Return the task of one of GLUE's, single sentences too: its head and its metrics follow from it.

    Raises
    ------
    SettingError
        If GLUE has no such task here.
    """
    if glue not in sentence_pairs.GLUE_TASKS:
        raise SettingError(
            f"GLUE has no task {glue!r} here. Choose one of: {', '.join(sentence_pairs.GLUE_TASKS)}."
        )
    task = sentence_pairs.GLUE_TASKS[glue]
    return Task(
        name="pairs",
        model=partial(sentence_pairs.pair_model, task.labels),
        features=partial(_pair_features, task=task),
        loss=sentence_pairs.pair_loss,
        score=partial(_pair_scores, task=task),
        main_score=task.metrics[0],
        max_length=128,
        pooled=True,
    )


def entity_task(types: Sequence[str]) -> Task:
    """Return the task of entities of given types: its head and its tags follow from them."""
    tags = entities.tags_of(types)
    return Task(
        name="entities",
        model=partial(entities.entity_model, tags),
        features=partial(_entity_features, tags=tags),
        loss=entities.entity_loss,
        score=_entity_scores,
        main_score="f1",
        max_length=512,
        collate=entities.pad_entities,
    )


TASKS = {
    task.name: task
    for task in (
        Task(
            name="reviews",
            model=partial(classification.classification_model, 2, labels=("negative", "positive")),
            features=_review_features,
            loss=classification.classification_loss,
            score=_review_scores,
            main_score="accuracy",
            max_length=128,
            pooled=True,
        ),
        entity_task(entities.TYPES),
        Task(
            name="questions",
            model=question_answering.question_model,
            features=_question_features,
            loss=question_answering.span_loss,
            score=_question_scores,
            main_score="f1",
            max_length=question_answering.WindowSettings.max_length,
        ),
        Task(
            name="endings",
            model=multiple_choice.choice_model,
            features=_ending_features,
            loss=multiple_choice.choice_loss,
            score=_ending_scores,
            main_score="accuracy",
            max_length=64,
            collate=multiple_choice.pad_choices,
            pooled=True,
        ),
        pair_task(),
    )
}


def task_of(
    name: str, types: Sequence[str] | None = None, reads: str | None = None, glue: str | None = None
) -> Task:
    """Return a task by its name.

    Parameters
    ----------
    name : ``reviews``, ``entities``, ``questions``, ``endings`` or ``pairs``.
    types : entity types of your own, for ``entities``; PER, ORG, LOC and MISC if left out.
    reads : what the head reads of a row, for ``reviews``, ``endings`` and ``pairs``, see
        :func:`~course_lib.bert.heads.row_state`; the pooler if left out.
    glue : which task of GLUE, for ``pairs``; ``mrpc`` if left out.

    Raises
    ------
    SettingError
        If there is no such task or reading, types are given for another one than entities, a reading for a task
        whose head scores every token, or a task of GLUE for one that has none.
    """
    if name not in TASKS:
        raise SettingError(f"There is no task {name!r}. Choose one of: {', '.join(sorted(TASKS))}.")
    if types is not None and name != "entities":
        raise SettingError(f"Types were given for {name!r}, and only entities have types. Leave them out.")
    if glue is not None and name != "pairs":
        raise SettingError(f"A task of GLUE was given for {name!r}, and it is for pairs alone. Leave it out.")
    if glue is not None:
        task = pair_task(glue)
    else:
        task = TASKS[name] if types is None else entity_task(types)
    if reads is None:
        return task
    if not task.pooled:
        raise SettingError(
            f"A reading was given for {name!r}, whose head scores every token: there is nothing to choose. Leave it out."
        )
    check_reading(reads)
    return replace(task, model=partial(task.model, reads=reads))
