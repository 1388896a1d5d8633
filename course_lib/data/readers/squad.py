"""Questions about paragraphs: the JSON of SQuAD 1.1 and 2.0 (Rajpurkar et al. 2016, 2018)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from course_lib.data.readers.json_text import member, parse_json, refuse_misspelled
from course_lib.data.readers.lines import Place, checked_text, describe, read_text
from course_lib.data.readers.tables import dataset_from_rows
from course_lib.errors import DataFileError

if TYPE_CHECKING:
    from datasets import Dataset, Features

SIZE_LIMIT = 256 * 2**20  # bytes; SQuAD 2.0's training set has 42 million
COLUMNS = ("id", "title", "context", "question", "answers", "is_impossible", "plausible_answers")
logger = logging.getLogger(__name__)


class Paragraph(NamedTuple):
    """A paragraph with its questions, still as parsed JSON.

    Parameters
    ----------
    title : title of the article.
    context : the paragraph.
    questions : the value of its ``qas``.
    place : where ``qas`` stands.
    flat : whether names are those of CMRC's flat layout, in which answers are bare strings.
    """

    title: str
    context: str
    questions: list
    place: Place
    flat: bool = False


NOWHERE = -1  # the offset of a reference that isn't in its paragraph: it counts for scoring, and is no target


class Misplaced(NamedTuple):
    """An answer that does not stand at its offset.

    Parameters
    ----------
    place : where the answer stands in the file.
    question_id : id of its question.
    text : the answer.
    start : the offset given, or None if none was.
    found : what stands there instead.
    nowhere : whether the answer stands nowhere else in the paragraph.
    """

    place: Place
    question_id: str
    text: str
    start: int | None
    found: str
    nowhere: bool


def squad_features() -> Features:
    """Return the columns of a data set of questions; offsets count characters (code points)."""
    from datasets import Features, List, Value

    answers = {"text": List(Value("string")), "answer_start": List(Value("int32"))}
    strings = {name: Value("string") for name in COLUMNS[:4]}
    return Features(
        {**strings, "answers": answers, "is_impossible": Value("bool"), "plausible_answers": answers}
    )


def nearest(text: str, context: str, start: int | None) -> int:
    """Return where ``text`` stands in ``context`` nearest to an offset (the first, without one), or -1."""
    start = min(max(start or 0, 0), len(context))
    before, after = context.rfind(text, 0, start + len(text)), context.find(text, start)
    if before < 0 or after < 0:
        return max(before, after)
    return before if start - before <= after - start else after


def _spelling(text: str, context: str, start: int | None) -> str | None:
    """Return a text as the context has it: itself, or with spaces of another number or kind, or None."""
    if text in context:
        return text
    found = list(re.finditer(r"\s+".join(map(re.escape, text.split())), context))
    return min(found, key=lambda match: abs(match.start() - (start or 0)))[0] if found else None


def _answers(
    records: list,
    paragraph: Paragraph,
    question_id: str,
    place: Place,
    repair: bool,
    misplaced: list[Misplaced],
) -> dict[str, list]:
    """Return texts and offsets of answers; those that do not stand where they say join ``misplaced``.

    Repaired ones stand where they are found; what is found nowhere comes last, at ``NOWHERE``.
    """
    answers, context = [], paragraph.context
    for position, record in enumerate(records):
        here = place.inside(position)
        if paragraph.flat and not isinstance(
            record, dict
        ):  # this layout gives no offsets, and some bare numbers
            text = str(record) if type(record) in (int, float) else record
            text, start = checked_text(text, here), None
        else:
            text = member(record, "text", str, here)
            start = member(record, "answer_start", int, here)
        if start is None or start < 0 or context[start : start + len(text)] != text:
            spelling = _spelling(text, context, start)
            found = NOWHERE if spelling is None else nearest(spelling, context, start)
            if found == NOWHERE or not (repair or (start is None and spelling == text)):
                there = "" if start is None or start < 0 else context[start : start + len(text)]
                misplaced.append(Misplaced(here, question_id, text, start, there, found == NOWHERE))
            elif start is not None:
                logger.info("%s: answer %r moved from offset %d to %d", question_id, text, start, found)
            text, start = spelling or text, found
        answers.append((text, start))
    answers.sort(key=lambda answer: answer[1] == NOWHERE)
    return {"text": [text for text, _ in answers], "answer_start": [start for _, start in answers]}


def _question_row(
    paragraph: Paragraph, record: Any, place: Place, repair: bool, misplaced: list[Misplaced]
) -> dict[str, Any]:
    id_field, question_field = ("query_id", "query_text") if paragraph.flat else ("id", "question")
    identifier = member(record, id_field, str, place)
    question = member(record, question_field, str, place, empty=True)  # CMRC 2018 has an empty one
    refuse_misspelled(
        record, (id_field, question_field, "answers", "is_impossible", "plausible_answers"), place
    )
    answers = member(record, "answers", list, place)
    impossible = member({"is_impossible": False, **record}, "is_impossible", bool, place)
    plausible = member({"plausible_answers": [], **record}, "plausible_answers", list, place)
    if not answers and not impossible:
        raise place.inside("answers").error(
            f"the question {describe(identifier)} has no answer, and is not marked as impossible",
            'Add the answer, or "is_impossible": true',
        )
    if answers and impossible:
        raise place.inside("is_impossible").error(
            f"the question {describe(identifier)} is marked as impossible, and has an answer",
            "Move the answer to plausible_answers, or mark the question as possible",
        )
    row = {"id": identifier, "title": paragraph.title, "context": paragraph.context, "question": question}
    row["answers"] = _answers(answers, paragraph, identifier, place.inside("answers"), repair, misplaced)
    row["is_impossible"] = impossible
    here = place.inside("plausible_answers")
    row["plausible_answers"] = _answers(plausible, paragraph, identifier, here, repair, misplaced)
    return row


def question_rows(paragraphs: Iterable[Paragraph], path: Path, repair: bool) -> list[dict[str, Any]]:
    """Return one row a question, every answer at its offset.

    Parameters
    ----------
    paragraphs : paragraphs of a file.
    path : the file.
    repair : whether an answer that is not at its offset is moved to where it stands nearest to it, and one that
        is nowhere is kept, at ``NOWHERE``, for scoring.

    Raises
    ------
    DataFileError
        If a field is missing or wrong, an id stands twice, or answers are not where they should be.
    """
    rows, places, misplaced = [], {}, []
    for paragraph in paragraphs:
        for position, record in enumerate(paragraph.questions):
            place = paragraph.place.inside(position)
            row = _question_row(paragraph, record, place, repair, misplaced)
            first = places.setdefault(row["id"], place)
            if first is not place:
                raise place.error(
                    f"the id {describe(row['id'])} stands twice, first at {first.field}",
                    "Make the ids unique",
                )
            rows.append(row)
    if misplaced and not repair:
        raise _misplaced_error(misplaced)
    if misplaced:
        logger.warning(
            "%s: answers that stand nowhere in their paragraph: %d, the first %r of question %s; they count for "
            "scoring, and none is a training target",
            path,
            len(misplaced),
            misplaced[0].text,
            misplaced[0].question_id,
        )
    return rows


def _misplaced_error(misplaced: list[Misplaced]) -> DataFileError:
    first, count = misplaced[0], len(misplaced)
    there = describe(first.found) if first.found else "nothing"
    offset = f"at its offset {first.start}, where {there} stands"
    if first.start is None:
        offset = "anywhere in the paragraph"
    remedy = (
        "Read with repair=True (a command: --repair) to move each to where its text stands nearest, and to keep for "
        "scoring alone what stands nowhere"
    )
    problem = (
        f"{count} {'answer does' if count == 1 else 'answers do'} not stand where they should, "
        f"{sum(wrong.nowhere for wrong in misplaced)} of them nowhere in the paragraph; "
        f"{describe(first.text)} of question {describe(first.question_id)} is not {offset}"
    )
    return first.place.error(problem, remedy)


def _paragraphs(document: Any, place: Place) -> Iterator[Paragraph]:
    data = member(document, "data", list, place)
    refuse_misspelled(document, ("version", "data"), place)
    for number, article in enumerate(data):
        here = place.inside("data").inside(number)
        title = member(article, "title", str, here, empty=True)
        for position, record in enumerate(member(article, "paragraphs", list, here)):
            inner = here.inside("paragraphs").inside(position)
            context = member(record, "context", str, inner)
            yield Paragraph(title, context, member(record, "qas", list, inner), inner.inside("qas"))


def read_squad(path: str | Path, *, repair: bool = False, size_limit: int = SIZE_LIMIT) -> Dataset:
    """Read SQuAD 1.1 or 2.0.

    Other fields than SQuAD's are ignored, unless one looks like a misspelling of an absent one. A question
    may be empty, as one in a published set is; a context or an answer may not.

    Parameters
    ----------
    path : the JSON file.
    repair : move an answer that is not at its offset to the nearest place where its text stands, with other
        spaces if need be; one that stands nowhere is kept for scoring, behind the others and at offset -1.
    size_limit : largest file, in bytes. JSON is read whole, which takes about ten times its size of memory.

    Returns
    -------
    Dataset
        ``id``, ``title``, ``context``, ``question`` (str), ``answers`` and ``plausible_answers`` (dict of the
        lists ``text`` and ``answer_start``, in characters), ``is_impossible`` (bool, False in SQuAD 1.1).

    Raises
    ------
    DataFileError
        If the file is not what it should be, or an answer is not at its offset.
    """
    document = parse_json(read_text(path, size_limit), Place(Path(path)))
    rows = question_rows(_paragraphs(document, Place(Path(path))), Path(path), repair)
    return dataset_from_rows(rows, squad_features(), path)
