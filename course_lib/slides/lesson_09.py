"""Two tables of the deck on question answering: questions of the data, and one that the recorded model falls for."""

from __future__ import annotations

from course_lib.data.sources import load_texts
from course_lib.figures import style  # not Table itself: "Table" names a table that the notebook shows
from course_lib.translation import translate


def _sentence_at(paragraph: str, place: int) -> str:
    """Return the sentence of a paragraph in which a character stands."""
    before, after = paragraph[:place].rpartition(". ")[2], paragraph[place:].partition(". ")
    return before + after[0] + after[1].strip()


def table_two_questions() -> style.Table:
    """Return the notebook's two questions of the training part: one with an answer, one with none."""
    rows = load_texts("questions", "bundled")["train"]
    with_answer, without = rows[0], next(row for row in rows if row["is_impossible"])
    answer, plausible = with_answer["answers"], without["plausible_answers"]
    none = translate("none: “{plausible}” is only plausible").format(plausible=plausible["text"][0])
    return style.Table(
        translate("Two questions about one paragraph"),
        [translate("question"), translate("sentence of the paragraph"), translate("answer")],
        [
            [with_answer["question"], _sentence_at(with_answer["context"], answer["answer_start"][0]), answer["text"][0]],
            [without["question"], _sentence_at(without["context"], plausible["answer_start"][0]), none],
        ],
    )  # fmt: skip


def table_marked_all_the_same() -> style.Table:
    """Return what the recorded 1.1-style model marks for the first test question that has no answer."""
    from course_lib.bert.tokenizer import load_tokenizer
    from course_lib.data.sources import encoder_folder
    from course_lib.finetuning.question_answering import answer_questions
    from course_lib.studies.finetuning.task_models import load_task_model

    row = next(row for row in load_texts("questions", "bundled")["test"] if row["is_impossible"])
    model, tokenizer = load_task_model("questions"), load_tokenizer(encoder_folder("bundled"))
    (marked,) = answer_questions(model, [row["question"]], [row["context"]], tokenizer)
    return style.Table(
        translate("A question without an answer"),
        [translate("question"), translate("sentence of the paragraph"), translate("marked")],
        [[row["question"], _sentence_at(row["context"], marked.start), f"“{marked.text}”"]],
    )
