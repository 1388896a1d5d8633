"""Four tasks of sentence pairs in the manner of GLUE: MiniLM against what sees less; lesson 11's table.

MiniLM is fine-tuned on each task alone, from its own weights and from random ones. How to train was chosen on the
validation parts; the test parts are scored once a run. Each model is also scored with other segment ids and with its
sentences exchanged, which needs no training. :mod:`course_lib.studies.finetuning.pair_transfer` has the runs in which one
task helps another.
"""

from __future__ import annotations

from functools import cache

from course_lib import settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.finetuning.sentence_pairs import (
    PAIR_TASKS,
    pair_features,
)
from course_lib.studies.ablations.question_sentences import question_sentence_pairs

MAX_LENGTH = 96
PAIRING_SEED = 7  # which other sentence of the paragraph stands beside a question
# The genres of MNLI's matched part are those of training; the mismatched part has others.
PARTS = {"inference": ("test_matched", "test_mismatched")}


def test_part(task: str) -> str:
    """Return the name of the part that a task is scored on."""
    return PARTS.get(task, ("test",))[0]


@cache
def load_pairs(task: str) -> dict:
    """Return the parts of a bundled task, each with ``sentence1``, ``sentence2`` and ``label``.

    Parameters
    ----------
    task : ``paraphrase``, ``inference``, ``question-sentence`` or ``similarity``.

    Returns
    -------
    dict
        ``train``, ``validation`` and ``test``; for inference ``test_matched`` and ``test_mismatched``. Every part is a
        ``datasets.Dataset``. The question-sentence pairs are made of the bundled questions as QNLI was of SQuAD's, and
        the questions are split by paragraph already.
    """
    import datasets

    settings.require_clone()
    if task != "question-sentence":
        return dict(load_texts(task, "bundled"))
    parts = {}
    for name, rows in load_texts("questions", "bundled").items():
        pairs = question_sentence_pairs(rows, PAIRING_SEED)
        columns = zip(*pairs, strict=True)
        parts[name] = datasets.Dataset.from_dict(
            dict(zip(("sentence1", "sentence2", "label"), map(list, columns), strict=True))
        )
    return parts


def features_of(task: str, rows, *, exchanged: bool = False, max_length: int = MAX_LENGTH) -> list[dict]:
    """Return the features of a bundled task's rows, A and B exchanged or not.

    Parameters
    ----------
    task : see :func:`load_pairs`.
    rows : with ``sentence1``, ``sentence2`` and ``label``.
    exchanged : whether B comes first.
    max_length : the most tokens of a pair.
    """
    firsts, seconds = rows["sentence1"], rows["sentence2"]
    if exchanged:
        firsts, seconds = seconds, firsts
    return pair_features(
        firsts,
        seconds,
        load_tokenizer(encoder_folder("bundled")),
        rows["label"],
        names=PAIR_TASKS[task].labels,
        max_length=max_length,
    )
