"""The table of the opening deck: published scores beside those of the models in lesson 00's tour."""

from __future__ import annotations

from course_lib.figures.style import Table
from course_lib.studies.published import CONLL2003_F1, SQUAD_1, SST2_TEST_ACCURACY
from course_lib.studies.records import load_record
from course_lib.translation import translate


def table_paper_and_here() -> Table:
    """Return BERT-base in the paper beside the recorded models of the tour, one row a task."""
    here = {task: result["stored"] for task, result in load_record("task-models")["results"].items()}
    return Table(
        translate("Scores in percent: BERT-base in the paper, MiniLM here"),
        [translate("task"), translate("paper, on"), translate("paper"), translate("here")],
        [
            [
                translate("judge a text (accuracy)"),
                "SST-2, test",
                SST2_TEST_ACCURACY["BERT-base"],
                f"{here['reviews']['accuracy']:.1f}",
            ],
            [
                translate("find names (F1)"),
                "CoNLL-2003, test",
                CONLL2003_F1["BERT-base, fine-tuned"][1],
                f"{here['entities']['f1']:.1f}",
            ],
            [
                translate("answer questions (F1)"),
                "SQuAD 1.1, dev",
                SQUAD_1["BERT-base, dev"][1],
                f"{here['questions']['f1']:.1f}",
            ],
        ],
        translate(
            "Paper: Devlin et al. 2018, tables 1, 2 and 7. Here: the bundled test parts, recorded by `course record task-models`."
        ),
    )
