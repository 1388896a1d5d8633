"""The files of a lesson: skeletons for a new one, and what a lesson still lacks.

``course new`` and ``course check`` call this module. What the tests prove of every committed lesson, and what an
author is told beforehand, is stated here once: the list of files, the form of a notebook and its limits.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template

from course_lib import settings
from course_lib.errors import CourseError
from course_lib.files import read_json, write_text
from course_lib.lessons.catalog import exercise_module
from course_lib.maintenance.notebooks import TIMES, clean_metadata
from course_lib.maintenance.readme import SYLLABUS
from course_lib.translation import Message

TEMPLATES = Path(__file__).parent / "lesson_template"
FILES = {  # kind of file, also the name of its template, to its place
    "notebook": "notebooks/NN_name.ipynb",
    "exercises": "course_lib/lessons/exercises_NN.py",
    "answers": "tests/lessons/answers_NN.py",
    "deck": "slides/NN_name.md",
}
SHARED_FILES = {  # files of the course that a lesson has lines in
    "syllabus": "course_lib/maintenance/readme.py",
    "glossary": "notebooks/GLOSSARY.md",
    "guide": "slides/INSTRUCTOR_GUIDE.md",
    "time": "data/recorded/run-times.json",
}
PARTS = [  # of a notebook, in their order; lesson 00 has no paper
    r"# (\d\d) · .+",
    r"\*\*What you'll do\.\*\* .+",
    r"\*\*You'll be able to\*\*",
    r"\*\*Time\.\*\* .+",
    r"\*\*Before this\.\*\* .+",
    r"## Paper versus here",
    r"## Common mistakes",
    r"## Quiz",
    r"## Summary",
    r"## References",
]
LONGEST_CELL, FEWEST_WORDS = 22, 700  # lines, words
FEWEST_EXERCISES, FEWEST_HINTS, QUESTIONS = 3, 2, 7
FEWEST_RIGHT_ANSWERS, FEWEST_WRONG_ANSWERS = 4, 6  # to each exercise, which its check is tried on
WORDS_PER_MINUTE = 200  # of a reader who follows a text that is new
TIME_TOLERANCE = 0.1  # share by which the minutes to work through may differ from those computed
RUN_TOLERANCE = 2  # factor between the stated and the recorded time to run: laptops differ that much
RUN = re.compile(
    r"^\*\*Time\.\*\* (?:About|Less than) (?:\d+ to )?(\d+) (minute|second)s? to run", re.MULTILINE
)
WORK_THROUGH = re.compile(r"^\*\*Time\.\*\* .*?(\d+) minutes to work through", re.MULTILINE)
PLACEHOLDER = "TODO"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def new_lesson(number: int, name: str) -> list[Path]:
    """Write the files of a new lesson, ready to be filled in.

    Parameters
    ----------
    number : number of the lesson, 0 to 99.
    name : its name in file names, such as ``sentence_pairs``.

    Returns
    -------
    list of Path
        What was written: a file for each entry of :data:`FILES`.

    Raises
    ------
    CourseError
        If the name cannot be used, or one of the files is there already; then nothing is written.
    """
    if not NAME.fullmatch(name):
        message = (
            "{name!r} cannot name a lesson. Use small letters, digits and single underscores: sentence_pairs."
        )
        raise CourseError(Message(message, name=name))
    planned = _syllabus_name(number)
    if planned not in (None, f"{number:02d}_{name}"):
        message = "The syllabus calls lesson {number:02d} {planned}. Type: course new {number:02d} {planned}"
        raise CourseError(Message(message, number=number, planned=planned[3:]))
    present = [path for pattern in FILES.values() for path in _matches(pattern, number)]
    if present:
        message = "Lesson {number:02d} has {path} already, and nothing was written. Take another number, or delete it."
        raise CourseError(Message(message, number=number, path=present[0]))
    paths = []
    try:
        for kind, pattern in FILES.items():
            path = settings.REPOSITORY / pattern.replace("NN", f"{number:02d}").replace("name", name)
            text = _filled_template(kind, number, _title(number, name))
            write_text(path, _notebook_text(text) if kind == "notebook" else text)
            paths.append(path)
    except CourseError:  # a part of a lesson would stand in the way of the next try
        for path in paths:
            path.unlink()
        raise
    return paths


def _syllabus_name(number: int) -> str | None:
    names = [name for lessons in SYLLABUS.values() for name in lessons]
    return next((name for name in names if name.startswith(f"{number:02d}_")), None)


def _title(number: int, name: str) -> str:
    titles = {file: title for lessons in SYLLABUS.values() for file, title in lessons.items()}
    return titles.get(f"{number:02d}_{name}", name.replace("_", " ").capitalize())


def _matches(pattern: str, number: int) -> list[Path]:
    """Return the files of a lesson that are there, whatever its name is."""
    return sorted(settings.REPOSITORY.glob(pattern.replace("NN", f"{number:02d}").replace("name", "*")))


def _filled_template(kind: str, number: int, title: str) -> str:
    text = (TEMPLATES / f"{kind}.txt").read_text(encoding="utf-8")
    rule = "-" * (97 - len(str(number)))
    return Template(text).substitute(number=f"{number:02d}", lesson=number, title=title, rule=rule)


def _notebook_text(template: str) -> str:
    """Return the notebook of a template, in which a line ``--- markdown`` or ``--- code`` begins a cell."""
    import nbformat

    parts = re.split(r"^--- (markdown|code)\n", template, flags=re.MULTILINE)[1:]
    notebook = nbformat.v4.new_notebook()
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    for position, (kind, source) in enumerate(zip(parts[::2], parts[1::2], strict=True)):
        notebook.cells.append(make[kind](source.strip(), id=f"cell-{position:03d}"))
    clean_metadata(notebook)
    return nbformat.writes(notebook) + "\n"


def missing_parts(number: int) -> list[str]:
    """Return what a lesson still lacks, a sentence for each, in the order of the files.

    The rules of a deck are those of :func:`course_lib.slides.deck.problems`, which are not repeated here.

    Parameters
    ----------
    number : number of the lesson.

    Raises
    ------
    CourseError
        If no file of the lesson is there, or one cannot be read.
    """
    paths = {kind: _matches(pattern, number) for kind, pattern in FILES.items()}
    if not any(paths.values()):
        message = "There is no lesson {number:02d}. Begin one with: course new {number:02d} NAME"
        raise CourseError(Message(message, number=number))
    messages = []
    for kind, pattern in FILES.items():
        if paths[kind]:
            messages += _placeholders(paths[kind][0])
        else:
            messages.append(Message("{file} is missing.", file=pattern.replace("NN", f"{number:02d}")))
    notebook = _read_notebook(paths["notebook"][0]) if paths["notebook"] else None
    if notebook:
        messages += _lacks_of_form(notebook, number)
    if paths["exercises"]:
        messages += _lacks_of_exercises(number, paths["answers"], notebook)
    if notebook and paths["exercises"]:
        messages += _wrong_time(notebook, number)
    messages += _lacks_of_shared_files(number, notebook)
    return [str(message) for message in messages]


def _placeholders(path: Path) -> Iterator[Message]:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [position for position, line in enumerate(lines, 1) if PLACEHOLDER in line]
    if found:
        message = "{file} has {count} lines to fill in; they say {placeholder}, the first is line {line}."
        yield Message(message, file=_relative(path), count=len(found), placeholder=PLACEHOLDER, line=found[0])


def _relative(path: Path) -> str:
    return path.relative_to(settings.REPOSITORY).as_posix()


def _read_notebook(path: Path):
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, nbformat.ValidationError) as error:
        message = "{path} is not a readable notebook ({error}). Fetch it again."
        raise CourseError(Message(message, path=path, error=str(error).partition("\n")[0])) from None


def _code(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _prose(notebook) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def _lacks_of_form(notebook, number: int) -> Iterator[Message]:
    """Yield what a notebook lacks of the form that all lessons share."""
    lines = [line.strip() for line in _prose(notebook).splitlines()]
    for part in PARTS:
        if not any(re.fullmatch(part, line) for line in lines) and not ("Paper" in part and number == 0):
            yield Message("The notebook has no part {part}.", part=re.sub(r"\\(?=\W)", "", part))
    words = len(_prose(notebook).split())
    if words < FEWEST_WORDS:
        yield Message("The notebook's text has {words} words of {fewest}.", words=words, fewest=FEWEST_WORDS)
    for cell in _code(notebook):
        count = len(cell.source.strip().splitlines())
        if count > LONGEST_CELL:
            message = "The cell that begins with {line!r} has {count} lines, more than {longest}."
            yield Message(message, line=cell.source.splitlines()[0], count=count, longest=LONGEST_CELL)
    cells = [cell for cell in _code(notebook) if cell.source.strip()]
    if not cells or "settings.prepare()" not in cells[0].source:
        yield Message("The notebook's first code cell does not call settings.prepare().")
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        message = "The notebook was not executed from top to bottom. Type: course run {number:02d}"
        yield Message(message, number=number)
    if not any(re.search(rf"^quiz\({number}\)$", cell.source, re.MULTILINE) for cell in cells):
        yield Message("No cell of the notebook shows the quiz: quiz({number}).", number=number)
    if "](GLOSSARY.md" not in _prose(notebook):
        yield Message("The notebook does not link the glossary.")


def _lacks_of_exercises(number: int, answers: list[Path], notebook) -> Iterator[Message]:
    """Yield what is lacking in the exercises, the answers they are tried on, their cells and the quiz."""
    try:
        module = exercise_module(number)
        right, wrong = map(_answer_counts, ("RIGHT", "WRONG"), answers * 2) if answers else ({}, {})
    except Exception as error:  # a file that is being written can be anything
        message = "The exercises or their answers cannot be read ({kind}: {error})."
        yield Message(message, kind=type(error).__name__, error=error)
        return
    if len(module.EXERCISES) < FEWEST_EXERCISES:
        message = "There are {count} exercises of at least {fewest}."
        yield Message(message, count=len(module.EXERCISES), fewest=FEWEST_EXERCISES)
    if len(module.QUIZ) != QUESTIONS:
        message = "The quiz has {count} questions, not {wanted}."
        yield Message(message, count=len(module.QUIZ), wanted=QUESTIONS)
    for exercise in module.EXERCISES:
        if len(exercise.hints) < FEWEST_HINTS:
            message = "Exercise {name} has {count} hints of at least {fewest}."
            yield Message(message, name=exercise.identifier, count=len(exercise.hints), fewest=FEWEST_HINTS)
        count = right.get(exercise.identifier, 0)
        if count < FEWEST_RIGHT_ANSWERS and callable(exercise.solution):
            message = "Exercise {name} is tried on {count} right answers of at least {fewest}."
            yield Message(message, name=exercise.identifier, count=count, fewest=FEWEST_RIGHT_ANSWERS)
        count = wrong.get(exercise.identifier, 0)
        if count < FEWEST_WRONG_ANSWERS:
            message = "Exercise {name} has messages for {count} wrong answers of at least {fewest}."
            yield Message(message, name=exercise.identifier, count=count, fewest=FEWEST_WRONG_ANSWERS)
        if notebook and not any(_checks(cell, exercise.identifier) for cell in _code(notebook)):
            yield Message("No cell of the notebook checks exercise {name}.", name=exercise.identifier)
        if notebook and not any(
            cell.cell_type == "markdown"
            and exercise.identifier in cell.source
            and exercise.title in cell.source
            for cell in notebook.cells
        ):
            message = "The notebook has no heading for exercise {name} · {title}."
            yield Message(message, name=exercise.identifier, title=exercise.title)
    if notebook and not _has_capstone(notebook):
        yield Message(
            "No cell of the notebook puts two of the reader's own functions to work (the capstone)."
        )


def minutes_to_work_through(words: int, exercises: float, seconds: float) -> int:
    """Return how long a lesson takes a reader: reading, the exercises, and waiting for it to run.

    Parameters
    ----------
    words : number of words of its text.
    exercises : minutes that its exercises take.
    seconds : time that it takes to run.

    Returns
    -------
    int
        Minutes, rounded to 5 and at least 5.
    """
    return max(5, 5 * round((words / WORDS_PER_MINUTE + exercises + seconds / 60) / 5))


def _wrong_time(notebook, number: int) -> Iterator[Message]:
    """Yield whether the times that a notebook states are missing or far from those computed and recorded."""
    times = read_json(TIMES, "Take the file from git again.") or {}
    seconds = next((t["seconds"] for name, t in times.items() if name.startswith(f"{number:02d}_")), 0)
    try:
        exercises = sum(exercise.minutes for exercise in exercise_module(number).EXERCISES)
    except Exception:  # a file that is being written can be anything; another message says so
        return
    minutes = minutes_to_work_through(len(_prose(notebook).split()), exercises, seconds)
    stated = WORK_THROUGH.search(_prose(notebook))
    if stated is None:
        message = (
            "The notebook's Time line doesn't state its minutes to work through: {minutes} would be right."
        )
        yield Message(message, minutes=minutes)
    elif abs(int(stated[1]) - minutes) > TIME_TOLERANCE * minutes:
        message = "The notebook states {stated} minutes to work through, but reading, exercises and running add up to {minutes}."
        yield Message(message, stated=int(stated[1]), minutes=minutes)
    run = RUN.search(_prose(notebook))
    if run and seconds:
        stated_seconds = int(run[1]) * (60 if run[2] == "minute" else 1)
        upper_bound = "Less than" in run[0] and seconds <= stated_seconds  # true however fast it is
        if not upper_bound and not 1 / RUN_TOLERANCE <= stated_seconds / seconds <= RUN_TOLERANCE:
            message = "The notebook states {stated} seconds to run, but {seconds} were recorded."
            yield Message(message, stated=stated_seconds, seconds=seconds)


def _answer_counts(table: str, path: Path) -> dict[str, int]:
    """Return how many answers a table of the file has for each exercise, those of one message once; read, not run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assigned = (
        node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
    )
    found = [node.value for node in assigned if ast.unparse(node.targets[0]) == table]
    return {
        ast.literal_eval(key): len(
            {ast.unparse(getattr(answer, "elts", [answer])[-1]) for answer in answers.elts}
        )
        for dictionary in found
        for key, answers in zip(dictionary.keys, dictionary.values, strict=True)
    }


def _checks(cell, identifier: str = "") -> bool:
    return re.search(rf"""^check\(["']{re.escape(identifier)}""", cell.source, re.MULTILINE) is not None


def _has_capstone(notebook) -> bool:
    """Tell whether a cell without a check names two functions that cells with one define."""
    code = _code(notebook)
    defined = {
        name for cell in code if _checks(cell) for name in re.findall(r"^def (\w+)", cell.source, re.M)
    }
    names = [set(re.findall(r"\w+", cell.source)) & defined for cell in code if not _checks(cell)]
    return any(len(own) >= 2 for own in names)


def _lacks_of_shared_files(number: int, notebook) -> Iterator[Message]:
    """Yield which of the files that lessons share say nothing of this one."""
    shared = {kind: settings.REPOSITORY / file for kind, file in SHARED_FILES.items()}
    planned = _syllabus_name(number)
    if planned is None:
        yield Message("{file}: SYLLABUS does not name the lesson.", file=SHARED_FILES["syllabus"])
    elif notebook and f"# {number:02d} · {_title(number, planned[3:])}" not in _prose(notebook):
        message = "The syllabus calls the lesson {title}, the notebook does not."
        yield Message(message, title=_title(number, planned[3:]))
    if f"[{number:02d}](" not in shared["glossary"].read_text(encoding="utf-8"):
        yield Message("{file}: no term links the lesson.", file=SHARED_FILES["glossary"])
    if f"deck {number:02d}" not in shared["guide"].read_text(encoding="utf-8"):
        yield Message("{file}: no hour shows deck {number:02d}.", file=SHARED_FILES["guide"], number=number)
    times = read_json(TIMES, "Take the file from git again.") or {}
    if not any(name.startswith(f"{number:02d}_") for name in times):
        message = "{file}: its time and memory are not known. Type: course run {number:02d} --time"
        yield Message(message, file=SHARED_FILES["time"], number=number)
