"""The process in which saved answers are checked again; :mod:`course_lib.classroom.closed_process` starts it.

It imports what it needs, closes itself, and prints one JSON line for each answer.
"""

from __future__ import annotations

import ast
import json
import linecache
import os
import sys
from pathlib import Path
from typing import Any

import psutil

from course_lib.classroom.closed_process import RIGHT, UNCHECKED, WRONG, Answer, Verdict
from course_lib.classroom.surroundings import names_of_lesson
from course_lib.lessons.catalog import find_exercise, printable
from course_lib.lessons.exercises import judge
from course_lib.translation import Message

LARGEST_FILE = 100_000_000  # bytes that an answer may write into its folder
MORE_MEMORY = 4 * 2**30  # bytes that answers may take besides what the process has when it closes; Linux only
# Events that only a way out makes; "open" and what changes files are looked at one by one.
REFUSED = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.kill",
    "pty.",
    "signal.pthread_kill",
    "ftplib.",
    "http.",
    "urllib.",
    "smtplib.",
    "webbrowser.",
    "winreg.",
)
CHANGES = (
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.truncate",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.chown",
    "os.utime",
    "os.setxattr",
    "os.removexattr",
    "shutil.",
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class ClosedError(PermissionError):
    """The answer wanted out."""


def close(folder: Path) -> None:
    """Refuse from now on whatever leaves the folder; it can't be undone.

    Parameters
    ----------
    folder : the only one in which files may change.
    """
    inside = os.path.realpath(folder) + os.sep

    def is_outside(path: object) -> bool:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return False  # an open file's number: it was looked at when it was opened
        real = os.path.realpath(os.fsdecode(path))
        return real != os.devnull and not (real + os.sep).startswith(inside)

    def look(event: str, arguments: tuple) -> None:
        if event == "open":
            path, mode, flags = arguments
            if isinstance(mode, str):
                writes = any(letter in mode for letter in "wax+")
            else:
                writes = bool((flags or 0) & WRITING)
            if writes and is_outside(path):
                raise ClosedError("the answer wanted to write a file outside its folder")
        elif event.startswith(REFUSED):
            raise ClosedError(f"the answer wanted {event}")
        elif event.startswith(CHANGES) and any(is_outside(path) for path in arguments[:2]):
            raise ClosedError("the answer wanted to change files outside its folder")

    try:
        import resource
    except ImportError:  # Windows has no such limits
        pass
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if (
            sys.platform == "linux"
        ):  # elsewhere the limit of addresses isn't kept, or is passed from the start
            most = psutil.Process().memory_info().vms + MORE_MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
    sys.addaudithook(look)


def answer_of(source: str, names: dict[str, Any], file: str) -> Any:
    """Run the text of a saved answer, and return the function, class or value that it makes.

    Parameters
    ----------
    source : as :func:`course_lib.lessons.exercises.source_of` keeps it.
    names : what the answer may use; what it makes is added.
    file : name of the text, for messages.
    """
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    tree = ast.parse(source)
    made = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    if made:
        exec(compile(tree, file, "exec"), names)
        return names[made[-1].name]
    if (
        len(tree.body) == 1
        and isinstance(tree.body[0], ast.Assign)
        and isinstance(tree.body[0].targets[0], ast.Name)
    ):
        exec(compile(tree, file, "exec"), names)
        return names[tree.body[0].targets[0].id]
    (function, *_) = [
        node for node in ast.walk(tree) if isinstance(node, ast.Lambda)
    ]  # kept with the line around it
    return eval(compile(ast.Expression(function), file, "eval"), names)


def verdict_on(answer: Answer, names: dict[str, Any]) -> Verdict:
    """Return what a check says of a saved answer.

    Parameters
    ----------
    answer : with its source.
    names : those that its lesson's notebook imports.
    """
    names = dict(names)
    for position, other in enumerate(answer.others):
        try:
            answer_of(other, names, f"<other answer {position}>")
        except Exception:  # it is another exercise's, and judged there
            continue
    try:
        made = answer_of(answer.source, names, f"<answer {answer.number}>")
    except NameError as error:
        return Verdict(answer.number, UNCHECKED, _missing_name(error))
    except BaseException as error:
        message = Message(
            "the saved text doesn't run: {kind}: {error}", kind=type(error).__name__, error=printable(error)
        )
        return Verdict(answer.number, WRONG, str(message))
    mark, sentence = judge(find_exercise(answer.number), made)
    if mark == "✗" and "NameError" in sentence:  # a variable of the learner's notebook, which isn't here
        return Verdict(answer.number, UNCHECKED, sentence)
    return Verdict(answer.number, RIGHT if mark == "✓" else WRONG, sentence)


def _missing_name(error: NameError) -> str:
    return str(Message("it uses {name}, which isn't part of it.", name=error.name))


def main(task: Path) -> None:
    """Check the answers of a task file, and print a line for each.

    Parameters
    ----------
    task : JSON list of answers; its folder is the only one that may change.
    """
    answers = [
        Answer(**{**row, "others": tuple(row["others"])})
        for row in json.loads(task.read_text(encoding="utf-8"))
    ]
    names = {
        lesson: names_of_lesson(lesson)
        for lesson in sorted({answer.number.split(".")[0] for answer in answers})
    }
    for answer in answers:
        find_exercise(answer.number)  # imports its module before the doors close
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what answers print goes nowhere, were it a gigabyte
    os.dup2(nowhere, 2)
    close(task.parent)
    for answer in answers:
        verdict = verdict_on(answer, names[answer.number.split(".")[0]])
        results.write(json.dumps(vars(verdict)) + "\n")
        results.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
