"""``course``: the command line of the course."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from course_lib import settings
from course_lib.command_options import port
from course_lib.errors import CourseError
from course_lib.translation import translate


def notebook_path(lesson: str) -> Path:
    """Return the notebook of a lesson, given as a number such as ``04`` or as a name.

    Raises
    ------
    CourseError
        If there is no such lesson, or more than one.
    """
    wanted = lesson.removesuffix(".ipynb")
    stem = wanted.zfill(2) if wanted.isdigit() else wanted
    found = [p for p in sorted(settings.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")) if p.stem.startswith(stem)]
    if len(found) != 1:
        known = ", ".join(p.stem[:2] for p in sorted(settings.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")))
        raise CourseError(
            translate("There is no lesson {lesson!r}. Choose one of: {known}.").format(
                lesson=lesson, known=known
            )
        )
    return found[0]


def _doctor(arguments) -> int:
    from course_lib.lessons.doctor import examine

    failures = 0
    for ok, name, text in examine():
        print(f"[{'OK' if ok else 'FAIL'}] {name}: {text}")
        failures += not ok
    print(translate("All good: open lesson 00 with `course lab`.") if not failures else
          translate("{n} to mend; each [FAIL] line says how.").format(n=failures))  # fmt: skip
    return 1 if failures else 0


def _lab(arguments) -> int:
    from course_lib.maintenance.notebooks import open_lab

    return open_lab(notebook_path(arguments.lesson), browser=not arguments.no_browser, port=arguments.port)


def _run(arguments) -> int:
    from course_lib.maintenance.notebooks import run_notebook

    lessons = arguments.lessons or [p.stem for p in sorted(settings.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
    for lesson in lessons:
        run_notebook(notebook_path(lesson), keep_time=arguments.time)
    return 0


def _record(arguments) -> int:
    from course_lib.studies import RECORDINGS
    from course_lib.studies.records import make_record, record_path

    if arguments.name is None:
        for name in sorted(RECORDINGS):
            state = translate("recorded") if record_path(name).is_file() else translate("not recorded yet")
            print(f"{name}: {state}")
        return 0
    record = make_record(arguments.name)
    print(translate("{path} is written; it took {minutes} minutes.").format(
        path=record_path(arguments.name), minutes=record["minutes"]))  # fmt: skip
    return 0


def _progress(arguments) -> int:
    from course_lib.lessons.progress import print_answers, progress, summary

    if arguments.json:
        print(json.dumps({f"{lesson:02d}": row for lesson, row in summary().items()}, indent=1))
    elif arguments.answers:
        print_answers()
    else:
        progress(summary())
    return 0


def _pretrain(arguments) -> int:
    from course_lib.pretraining.__main__ import run

    return run(arguments)


def _slides(arguments) -> int:
    from course_lib.slides.build import build_decks
    from course_lib.slides.deck import deck_paths

    if arguments.keep:
        from course_lib.slides.kept import keep

        if not arguments.lessons:
            raise CourseError(translate("Name the lessons to run, such as: course slides --keep 10"))
        for lesson in arguments.lessons:
            print(translate("{path} is written.").format(path=keep(notebook_path(lesson).stem)))
        return 0
    build_decks(deck_paths(arguments.lessons), arguments.output, arguments.html)
    return 0


def _data(arguments) -> int:
    if arguments.action == "realism":
        from course_lib.studies.finetuning import realism

        return realism.main(arguments.rest)
    from course_lib.maintenance.data_checks import report

    return report.main(arguments.rest)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    main_parser = argparse.ArgumentParser(prog="course", description=translate("The BERT course's commands."))
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    add = commands.add_parser("doctor", help=translate("check this machine: packages, weights, memory, hub"))
    add.set_defaults(function=_doctor)

    add = commands.add_parser("lab", help=translate("open JupyterLab on a lesson"))
    add.add_argument("lesson", nargs="?", default="00", help=translate("number of the lesson (default: 00)"))
    add.add_argument("--no-browser", action="store_true", help=translate("only print the address"))
    add.add_argument("--port", type=port, default=8888)
    add.set_defaults(function=_lab)

    add = commands.add_parser("run", help=translate("execute lessons in place, all of them if none is named"))
    add.add_argument("lessons", nargs="*", help=translate("numbers, such as 04 08"))
    add.add_argument(
        "--time", action="store_true", help=translate("keep the time and memory it took for the README")
    )
    add.set_defaults(function=_run)

    add = commands.add_parser(
        "record", help=translate("make a long recording anew; list them without a name")
    )
    add.add_argument("name", nargs="?")
    add.set_defaults(function=_record)

    add = commands.add_parser(
        "slides", help=translate("build the slide decks, all of them if none is named: HTML, PDF, PPTX")
    )
    add.add_argument("lessons", nargs="*", help=translate("numbers, such as 04 08"))
    add.add_argument(
        "--keep",
        action="store_true",
        help=translate("run these lessons, and keep the numbers of their figures for the decks"),
    )
    add.add_argument("--html", action="store_true", help=translate("the HTML alone, which needs no browser"))
    add.add_argument(
        "--output",
        type=Path,
        default=settings.REPOSITORY / "build" / "slides",
        help=translate("folder for the files (default: build/slides)"),
    )
    add.set_defaults(function=_slides)

    add = commands.add_parser("progress", help=translate("show how far you have come"))
    shown = add.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help=translate("as JSON, for a teacher's script"))
    shown.add_argument(
        "--answers", action="store_true", help=translate("the code that you last checked for each exercise")
    )
    add.set_defaults(function=_progress)

    from course_lib.pretraining.__main__ import add_options

    add = commands.add_parser("pretrain", help=translate("pre-train a BERT"))
    add_options(add)
    add.set_defaults(function=_pretrain)

    add = commands.add_parser(
        "data", help=translate("examine the bundled data sets, or try their models on real data")
    )
    add.add_argument("action", choices=("check", "realism"))
    add.add_argument("rest", nargs=argparse.REMAINDER)
    add.set_defaults(function=_data)
    return main_parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; errors of the course are printed as one sentence, exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without a letter shows its number, and goes on
            stream.reconfigure(errors="backslashreplace")
    try:
        chosen = parser().parse_args(arguments)
        if chosen.function is not _doctor:  # the doctor reports wrong settings among the rest
            settings.current()
        code = chosen.function(chosen)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who reads has seen enough, as `head` does
        # Python flushes once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
