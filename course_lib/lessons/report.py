"""How far the learner has come, and the answers that were kept, out of the log of events."""

from __future__ import annotations

import re
from datetime import datetime

from course_lib.errors import SettingError
from course_lib.lessons.catalog import exercise_module, lessons_with_exercises
from course_lib.lessons.event_log import read_events
from course_lib.translation import translate

# What BERT is made of, and the exercises in which the reader writes it, from the text to the answers.
PARTS = {
    "WordPiece": ("3.1",),
    "packing": ("3.2", "3.3"),
    "embeddings": ("3.4", "3.5"),
    "attention": ("2.1",),
    "LayerNorm": ("2.2",),
    "block": ("2.3", "2.4"),
    "masking": ("4.1", "4.2", "4.4"),
    "masked-word loss": ("4.3",),
    "sentence pairs": ("5.1", "5.2", "5.3", "5.4"),
    "next-sentence head": ("5.5",),
    "pre-training": ("6.1", "6.2", "6.3", "6.4", "6.5"),
    "fine-tuning": ("7.1", "7.2", "7.3", "7.4"),
    "classification": ("8.1", "8.2", "8.3", "8.4"),
    "question answering": ("9.1", "9.2", "9.3", "9.4"),
    "named entities": ("10.1", "10.2", "10.3", "10.4", "10.5"),
}


def parts() -> dict[str, tuple[int, int]]:
    """Return for each part of BERT how many of its exercises the learner has solved, and how many there are.

    Raises
    ------
    SettingError
        If the learner's progress cannot be read.
    """
    right = {e["number"] for e in read_events() if e["kind"] == "exercise" and e["outcome"] == "correct"}
    return {name: (len(right.intersection(numbers)), len(numbers)) for name, numbers in PARTS.items()}


def summary(events: list[dict] | None = None) -> dict[int, dict]:
    """Return, for each lesson, what there is and what is done.

    Parameters
    ----------
    events : of one learner, as :func:`read_events` returns them; this machine's if left out.

    Returns
    -------
    dict
        Lesson number to ``exercises``, ``solved``, ``tries``, ``questions``, ``answered`` and ``right_at_first``
        (counts), and to ``answers``: the last letter given to each quiz question.
    """
    events = read_events() if events is None else events
    first_outcome = {e["number"]: e["outcome"] for e in reversed(events) if e["kind"] == "quiz"}
    report = {}
    for lesson in lessons_with_exercises():
        module = exercise_module(lesson)
        numbers = {e.identifier for e in module.EXERCISES}
        questions = {f"{lesson}.q{i}" for i in range(1, len(module.QUIZ) + 1)}
        right = {e["number"] for e in events if e["outcome"] == "correct"}
        report[lesson] = {
            "exercises": len(numbers),
            "solved": len(numbers & right),
            "tries": sum(e["kind"] == "exercise" and e["number"] in numbers for e in events),
            "questions": len(questions),
            "answered": len(questions & right),
            "right_at_first": sum(first_outcome.get(question) == "correct" for question in questions),
            "answers": {
                e["number"]: e["answer"]
                for e in events
                if e["number"] in questions and isinstance(e.get("answer"), str)
            },
        }
    return report


def progress(report: dict[int, dict] | None = None) -> None:
    """Print how far the learner has come, lesson by lesson, or why that is not known.

    Parameters
    ----------
    report : as :func:`summary` returns it; read anew if left out, and then nothing is raised: a lesson goes on.
    """
    try:
        report = summary() if report is None else report
        built = parts()
    except SettingError as error:
        print(error)
        return
    print(translate("lesson   exercises solved   quiz questions right"))
    for lesson, row in report.items():
        solved, questions = f"{row['solved']} / {row['exercises']}", f"{row['answered']} / {row['questions']}"
        print(f"{lesson:02d}       {solved:<18} {questions}")
    print("\n" + translate("Your BERT, part by part:"))
    for name, (solved, every) in built.items():
        mark = "★" if solved == every else "◐" if solved else "○"
        print(f"{mark} {translate(name):<20} {solved} / {every}   {', '.join(PARTS[name])}")


def last_answers() -> dict[str, dict]:
    """Return the last event of each exercise that has an answer, in the order of the lessons.

    Returns
    -------
    dict
        Number of the exercise to its event, with ``source``.
    """
    found = {
        event["number"]: event
        for event in read_events()
        if event["kind"] in ("answer", "exercise") and isinstance(event.get("source"), str)
    }
    return dict(sorted(found.items(), key=lambda item: [int(n) for n in re.findall(r"\d{1,9}", item[0])]))


def print_answers() -> None:
    """Print the last answer kept for each exercise, with its date, as a piece of Python."""
    answers = last_answers()
    if not answers:
        print(translate("No answer is kept yet: check keeps the function or value that it is given."))
    for number, event in answers.items():
        print(f"# {number}, {translate(event['outcome'])}, {_date_of(event)}\n{event['source'].rstrip()}\n")


def _date_of(event: dict) -> str:
    try:
        return datetime.fromtimestamp(event["time"]).strftime("%Y-%m-%d %H:%M")
    except (KeyError, TypeError, ValueError, OverflowError, OSError):  # a line that was written by hand
        return translate("date unknown")
