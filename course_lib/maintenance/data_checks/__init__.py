"""Checks of the data sets written for the course: what `course data check` prints and the tests assert.

A check is one number, measured by a pure function of the splits, with the limits that the number has to keep.
The cards in ``data/*/README.md`` show the same numbers, between two markers, so that they cannot grow old.
Each data set has a module here; :data:`DATA_SETS` names them all.
"""

from __future__ import annotations

from course_lib.maintenance.data_checks.checks import DataSet
from course_lib.maintenance.data_checks.chinese_questions import CHINESE_QUESTIONS
from course_lib.maintenance.data_checks.endings import ENDINGS
from course_lib.maintenance.data_checks.entities import ENTITIES
from course_lib.maintenance.data_checks.fairness import FAIRNESS
from course_lib.maintenance.data_checks.inference import INFERENCE
from course_lib.maintenance.data_checks.paraphrase import PARAPHRASE
from course_lib.maintenance.data_checks.questions import QUESTIONS
from course_lib.maintenance.data_checks.reviews import REVIEWS
from course_lib.maintenance.data_checks.search import SEARCH
from course_lib.maintenance.data_checks.senses import SENSES
from course_lib.maintenance.data_checks.similarity import SIMILARITY

DATA_SETS: dict[str, DataSet] = {
    data_set.name: data_set
    for data_set in (
        REVIEWS,
        QUESTIONS,
        ENTITIES,
        SIMILARITY,
        INFERENCE,
        PARAPHRASE,
        ENDINGS,
        SEARCH,
        CHINESE_QUESTIONS,
        SENSES,
        FAIRNESS,
    )
}
