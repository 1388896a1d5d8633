"""A lesson's files: the list that CONTRIBUTING gives, skeletons that pass, and what is lacking named."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from course_lib import cli, settings
from course_lib.errors import CourseError
from course_lib.lessons.catalog import exercise_module, lessons_with_exercises
from course_lib.maintenance import lesson_files, readme
from course_lib.maintenance.lesson_files import FILES, SHARED_FILES, missing_parts, new_lesson

LESSONS = lessons_with_exercises()
NEW = 97


def matches(pattern: str) -> dict[str, list]:
    """Return the files of a kind by the number of their lesson."""
    found = {}
    for path in settings.REPOSITORY.glob(pattern.replace("NN", "[0-9][0-9]").replace("name", "*")):
        found.setdefault(re.search(r"\d\d", path.name)[0], []).append(path)
    return found


@pytest.mark.parametrize("kind", FILES)
def test_every_lesson_has_one_file_of_each_kind_and_no_file_is_without_a_lesson(kind):
    found = matches(FILES[kind])
    assert sorted(found) == [f"{lesson:02d}" for lesson in LESSONS]
    assert all(len(paths) == 1 for paths in found.values())


def test_the_list_for_authors_is_the_one_that_is_checked():
    text = (settings.REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Add a lesson\n")[2].partition("\n## ")[0]
    files = [*FILES.values(), *SHARED_FILES.values()]
    assert re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE) == files
    assert all((settings.REPOSITORY / file).is_file() for file in SHARED_FILES.values())


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_committed_lesson_lacks_nothing(lesson):
    assert missing_parts(lesson) == []


@pytest.mark.parametrize(
    ("words", "exercises", "seconds", "minutes"),
    [(2000, 30, 60, 40), (2000, 30, 240, 45), (4000, 30, 60, 50), (2000, 60, 60, 70), (100, 0, 0, 5)],
)
def test_the_time_of_a_lesson_is_for_reading_exercises_and_waiting(words, exercises, seconds, minutes):
    assert lesson_files.minutes_to_work_through(words, exercises, seconds) == minutes


def lines_about_time(stated: str, run: str = "Less than 1 minute") -> list[str]:
    """Return what is said of a lesson of 1,600 words whose line of time states some minutes."""
    line = f"**Time.** {run} to run on a laptop with 2 cores, {stated}."
    cell = nbformat.v4.new_markdown_cell(line + "\n\n" + "word " * 1600)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    return [str(message) for message in lesson_files._wrong_time(notebook, 4)]


def test_a_stated_time_may_be_a_tenth_off():
    exercises = sum(exercise.minutes for exercise in exercise_module(4).EXERCISES)
    right = lesson_files.minutes_to_work_through(1613, exercises, 10)
    assert right >= 25
    for minutes in (right, int(0.9 * right + 0.99), int(1.1 * right)):
        assert lines_about_time(f"{minutes} minutes to work through: two sittings") == []
    for minutes in (int(0.9 * right - 0.01), int(1.1 * right) + 1):
        (line,) = lines_about_time(f"{minutes} minutes to work through")
        assert f"states {minutes} minutes" in line and line.endswith(f"add up to {right}.")
    assert str(right) in lines_about_time("an hour or so")[0]


@pytest.mark.parametrize(
    ("run", "seconds", "true"),
    [
        ("About 1 minute", 60, True),
        ("About 1 minute", 119, True),
        ("About 1 minute", 31, True),
        ("About 1 minute", 121, False),
        ("About 2 minutes", 59, False),
        ("About 80 seconds", 112, True),
        ("About 80 seconds", 30, False),
        ("About 3 to 4 minutes", 213, True),
        ("About 3 to 4 minutes", 20, False),
        ("Less than 1 minute", 9, True),
        ("Less than 1 minute", 150, False),
    ],
)
def test_a_stated_time_to_run_is_near_the_recorded_one(monkeypatch, run, seconds, true):
    monkeypatch.setattr(lesson_files, "read_json", lambda *_: {"04_masked": {"seconds": seconds}})
    lines = [line for line in lines_about_time("45 minutes to work through", run) if "were recorded" in line]
    assert len(lines) == (not true)


# A new lesson, in a copy of the course -------------------------------------------------------------


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of what an author works with, and a new lesson in it."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("course_lib", "notebooks", "slides", "tests/lessons"):
        shutil.copytree(
            settings.REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    (folder / "data" / "recorded").mkdir(parents=True)
    shutil.copy(settings.RECORDED / "run-times.json", folder / "data" / "recorded")
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(settings.REPOSITORY / name, folder / name)
    done = in_copy(folder, "-m", "course_lib.cli", "new", str(NEW), "longer_texts")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def in_copy(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(folder), "COURSE_HOME": str(folder / "home")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )


def files_of(folder):
    return [
        folder / pattern.replace("NN", str(NEW)).replace("name", "longer_texts") for pattern in FILES.values()
    ]


def test_a_new_lesson_has_all_files_and_says_where_they_are(copy):
    folder, said = copy
    lines = said.splitlines()
    assert [folder / line for line in lines[:-1]] == files_of(folder)
    assert f"course check {NEW}" in lines[-1]
    assert all(path.is_file() for path in files_of(folder))


def test_what_is_new_passes_the_linter(copy):
    folder, _ = copy
    for action in (["check"], ["format", "--check"]):
        done = in_copy(folder, "-m", "ruff", *action, "--no-cache", *map(str, files_of(folder)[1:3]))
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_notebook_is_one(copy):
    path = files_of(copy[0])[0]
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert nbformat.writes(notebook) + "\n" == path.read_text(encoding="utf-8")
    assert notebook.cells[0].source.startswith(f"# {NEW} · Longer texts\n")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            compile(cell.source, "cell", "exec")
    lines = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown").splitlines()
    places = [
        next(i for i, line in enumerate(lines) if re.fullmatch(part, line)) for part in lesson_files.PARTS
    ]
    assert places == sorted(places)


def test_a_new_notebook_runs(copy):
    folder, _ = copy
    cells = nbformat.read(files_of(folder)[0], as_version=4).cells
    (folder / "cells.py").write_text(
        "\n".join(c.source for c in cells if c.cell_type == "code"), encoding="utf-8"
    )
    done = in_copy(folder, "cells.py")
    assert done.returncode == 0, done.stderr
    for line in (
        f"○ {NEW}.1 TODO: a title: not attempted.",
        f"○ {NEW}.3 TODO: a title: the reference, until you've solved it",
    ):
        assert line in done.stdout


def test_new_exercises_and_wrong_answers_pass_the_tests_of_lessons(copy):
    folder, _ = copy
    chosen = f"{NEW} and not junk and not odd and not notebook"
    options = ["-p", "no:cacheprovider", "-n", "0", "-k", chosen]
    tests = [f"tests/lessons/test_{name}.py" for name in ("exercises", "messages", "quizzes")]
    done = in_copy(folder, "-m", "pytest", *options, *tests)
    assert done.returncode == 0, done.stdout[-3000:]
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed >= 3 * 8, done.stdout[-1000:]


def test_what_a_new_lesson_lacks_is_listed(copy):
    folder, _ = copy
    done = in_copy(folder, "-m", "course_lib.cli", "check", str(NEW))
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == f"Lesson {NEW} lacks {len(lines) - 1} things."
    wanted = [
        *(
            rf"{re.escape(path.relative_to(folder).as_posix())} has \d+ lines to fill in"
            for path in files_of(folder)
        ),
        rf"text has \d+ words of {lesson_files.FEWEST_WORDS}",
        rf"not executed .* course run {NEW}$",
        r"doesn't state its minutes to work through: \d+ would be right",
        r"The quiz has 5 questions, not 7\.",
        *(rf"Exercise {NEW}\.{n} is tried on 0 right answers of at least 4" for n in (1, 2, 3)),
        *(rf"Exercise {NEW}\.{n} has messages for 2 wrong answers of at least 6" for n in (1, 2, 3)),
        "SYLLABUS does not name the lesson",
        "GLOSSARY.md: no term links the lesson",
        f"INSTRUCTOR_GUIDE.md: no hour shows deck {NEW}",
        f"run-times.json: .* course run {NEW} --time",
        r"Deck: it has \d+ slides, not 12 to 20",
    ]
    for pattern in wanted:
        assert any(re.search(pattern, line) for line in lines), pattern
    assert len(lines) - 1 == len(wanted), done.stdout


def test_files_that_are_gone_are_named(copy, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(copy[0], folder)
    for path in files_of(folder)[:2]:
        path.unlink()
    lines = in_copy(folder, "-m", "course_lib.cli", "check", str(NEW)).stdout.splitlines()
    assert f"notebooks/{NEW}_name.ipynb is missing." in lines
    assert f"course_lib/lessons/exercises_{NEW}.py is missing." in lines


# What is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "name", "words"),
    [
        (8, "text_classification", "Lesson 08 has .*08_text_classification.ipynb already"),
        (8, "texts", "The syllabus calls lesson 08 text_classification"),
        (11, "pairs", "Type: course new 11 sentence_pairs"),
        (NEW, "Longer texts", "cannot name a lesson"),
        (NEW, "../texts", "cannot name a lesson"),
        (NEW, "longer__texts", "cannot name a lesson"),
    ],
)
def test_a_lesson_that_cannot_be_made_leaves_nothing(number, name, words, monkeypatch):
    written = []
    monkeypatch.setattr(lesson_files, "write_text", lambda *arguments: written.append(arguments))
    with pytest.raises(CourseError, match=words):
        new_lesson(number, name)
    assert written == []


def test_a_full_disk_leaves_no_part_of_a_lesson(tmp_path, monkeypatch):
    def write(path, text):
        if path.suffix == ".md":
            raise CourseError("no space")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    monkeypatch.setattr(settings, "REPOSITORY", tmp_path)
    monkeypatch.setattr(lesson_files, "write_text", write)
    with pytest.raises(CourseError, match="no space"):
        new_lesson(NEW, "longer_texts")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_lesson_of_the_syllabus_gets_its_title(monkeypatch):
    written = {}
    monkeypatch.setattr(lesson_files, "write_text", lambda path, text: written.setdefault(path.name, text))
    monkeypatch.setitem(readme.SYLLABUS["Beyond"], f"{NEW}_longer_texts", "Texts of any length")
    assert [path.name for path in new_lesson(NEW, "longer_texts")] == list(written)
    assert f"# {NEW} · Texts of any length" in written[f"{NEW}_longer_texts.ipynb"]
    assert "$" not in "".join(written.values())


def test_a_lesson_that_is_not_there_is_one_sentence(capsys):
    assert cli.main(["check", str(NEW)]) == 2
    error = capsys.readouterr().err
    assert (
        f"There is no lesson {NEW}. Begin one with: course new {NEW} NAME" in error and error.count("\n") == 1
    )


@pytest.mark.parametrize("number", ["100", "-1", "x"])
def test_a_number_of_a_lesson_has_two_digits_at_most(number, capsys):
    with pytest.raises(SystemExit):
        cli.main(["check", number])
    assert number in capsys.readouterr().err


# What is lacking is seen -----------------------------------------------------------------------------


def without(text):
    def change(notebook):
        for cell in notebook.cells:
            cell.source = cell.source.replace(text, "")

    return change


def add_lines(notebook):
    cell = next(c for c in notebook.cells if c.cell_type == "code")
    cell.source += "\npass" * lesson_files.LONGEST_CELL


def run_twice(notebook):
    next(c for c in notebook.cells if c.cell_type == "code").execution_count = 99


def drop_text(notebook):
    notebook.cells = [c for c in notebook.cells if c.cell_type == "code" or c.source.startswith(("#", "**"))][
        :30
    ]


LACKS = [
    (without("**What you'll do.** "), r"no part \*\*What you"),
    (without("## Common mistakes"), "no part ## Common mistakes"),
    (without("## References"), "no part ## References"),
    (without("settings.prepare()"), "does not call settings.prepare"),
    (without("](GLOSSARY.md"), "does not link the glossary"),
    (without("quiz(8)"), r"shows the quiz: quiz\(8\)"),
    (without('check("8.3"'), "No cell of the notebook checks exercise 8.3"),
    (without("Macro-F1 from a confusion matrix"), "no heading for exercise 8.3"),
    (without("# 08 · Text"), "The syllabus calls the lesson Text classification"),
    (add_lines, "lines, more than 22"),
    (run_twice, "not executed from top to bottom"),
    (drop_text, r"text has \d+ words of 700"),
]


@pytest.mark.parametrize(("change", "words"), LACKS, ids=[words for _, words in LACKS])
def test_what_a_notebook_lacks_is_said(change, words, monkeypatch):
    read = lesson_files._read_notebook

    def changed(path):
        notebook = read(path)
        change(notebook)
        return notebook

    monkeypatch.setattr(lesson_files, "_read_notebook", changed)
    assert any(re.search(words, line) for line in missing_parts(8))


def test_what_exercises_lack_is_said(monkeypatch):
    module = exercise_module(8)
    poor = type(module.EXERCISES[0])(**{**vars(module.EXERCISES[0]), "hints": ("one",)})
    monkeypatch.setattr(module, "EXERCISES", [poor, module.EXERCISES[1]])
    monkeypatch.setattr(module, "QUIZ", module.QUIZ[:4])
    monkeypatch.setattr(lesson_files, "_answer_counts", lambda table, path: {"8.1": 6, "8.2": 3})
    text = "\n".join(missing_parts(8))
    for words in (
        "2 exercises of at least 3",
        "8.1 has 1 hints of at least 2",
        "8.2 has messages for 3 wrong answers of at least 6",
        "8.2 is tried on 3 right answers of at least 4",
        "4 questions, not 7",
    ):
        assert words in text


@pytest.mark.parametrize("error", [SyntaxError("half a line"), NameError("x"), AttributeError("EXERCISES")])
def test_exercises_that_cannot_be_read_are_said_with_the_rest(error, monkeypatch):
    def refuse(number):
        raise error

    monkeypatch.setattr(lesson_files, "exercise_module", refuse)
    assert any(f"cannot be read ({type(error).__name__}: {error})" in line for line in missing_parts(8))


def test_a_cell_that_uses_two_own_functions_is_the_capstone():
    def cell(source):
        return nbformat.v4.new_code_cell(source)

    notebook = nbformat.v4.new_notebook()
    notebook.cells = [cell(f'def f{i}():\n    ...\n\n\ncheck("1.{i}", f{i})') for i in range(3)]
    notebook.cells.append(cell("print(f0())"))
    assert not lesson_files._has_capstone(notebook)
    notebook.cells.append(cell("print(f0(), f2())"))
    assert lesson_files._has_capstone(notebook)


def test_a_deck_that_breaks_its_rules_is_said_with_the_rest(monkeypatch, capsys):
    from course_lib.slides import deck

    monkeypatch.setattr(deck, "problems", lambda deck: ["its 3 slides are few"])
    assert cli.main(["check", "8"]) == 1
    assert "Deck: its 3 slides are few.\n" in capsys.readouterr().out


def test_a_deck_that_cannot_be_read_is_said_with_the_rest(monkeypatch, capsys):
    from course_lib.slides import deck

    def refuse(path):
        raise deck.DeckError("08_text_classification.md: there is text before the first slide.")

    monkeypatch.setattr(deck, "read_deck", refuse)
    assert cli.main(["check", "8"]) == 1
    assert "there is text before the first slide.\n" in capsys.readouterr().out
