"""The command line: exit codes, and one sentence for whatever goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib import cli, settings
from course_lib.cli import lab
from course_lib.errors import CourseError, RecordError
from course_lib.lessons import doctor
from course_lib.maintenance import notebooks
from course_lib.studies import RECORDINGS, records


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    for name in ("00_start_here", "04_masks", "08_texts"):
        (tmp_path / f"{name}.ipynb").write_text("{}")
    (tmp_path / "draft.ipynb").write_text("{}")
    monkeypatch.setattr(settings, "NOTEBOOKS", tmp_path)
    return tmp_path


def run(capsys, *arguments):
    code = cli.main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("name", ["4", "04", "04_masks", "04_masks.ipynb"])
def test_a_lesson_is_found_by_number_and_name(lessons, name):
    assert notebooks.notebook_path(name).name == "04_masks.ipynb"


@pytest.mark.parametrize("name", ["5", "x", "0_", "draft", "", "²", "../04_masks"])
def test_an_unknown_lesson_lists_the_known_ones(lessons, name):
    with pytest.raises(CourseError, match="Choose one of: 00, 04, 08"):
        notebooks.notebook_path(name)


@pytest.mark.parametrize("command", ["run", "lab"])
def test_an_unknown_lesson_is_one_sentence(lessons, capsys, command):
    code, out, err = run(capsys, command, "77")
    assert (
        code == 2 and out == "" and err.startswith("course: There is no lesson '77'") and err.count("\n") == 1
    )


def test_doctor_prints_a_line_for_each_finding(monkeypatch, capsys):
    monkeypatch.setattr(
        doctor, "examine", lambda: iter([("OK", "Python", "3.11"), ("WARN", "memory", "2 GiB")])
    )
    code, out, _ = run(capsys, "doctor")
    assert code == 0 and "[OK] Python: 3.11\n[WARN] memory: 2 GiB\n" in out and "[FAIL]" not in out


def test_doctor_fails_if_one_finding_does(monkeypatch, capsys):
    monkeypatch.setattr(
        doctor, "examine", lambda: iter([("OK", "Python", "3.11"), ("FAIL", "memory", "0 GiB")])
    )
    code, out, _ = run(capsys, "doctor")
    assert code == 1 and "[FAIL] memory: 0 GiB\n" in out and "1 to mend" in out


@pytest.mark.parametrize("command", ["doctor", "progress", "record", "run"])
def test_an_unknown_profile_is_one_sentence(lessons, monkeypatch, capsys, command):
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    settings.current.cache_clear()
    code = cli.main([command])
    out, err = capsys.readouterr()
    assert code in (1, 2)
    assert "COURSE_PROFILE is 'fast'" in out + err and "quick, full" in out + err and "Traceback" not in err
    assert code == 1 or err.count("\n") == 1


def test_record_lists_the_recordings(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(settings, "RECORDED", tmp_path)
    first = sorted(RECORDINGS)[0]
    (tmp_path / f"{first}.json").write_text("{}")
    code, out, _ = run(capsys, "record")
    lines = dict(line.split(": ") for line in out.splitlines())
    assert code == 0 and sorted(lines) == sorted(RECORDINGS)
    assert lines.pop(first) == "recorded" and set(lines.values()) == {"not recorded yet"}


def test_record_makes_one(monkeypatch, capsys):
    monkeypatch.setattr(records, "make_record", lambda name: {"minutes": 1.5})
    code, out, _ = run(capsys, "record", "mlm-head")
    assert code == 0 and "mlm-head.json is written; it took 1.5 minutes" in out


def test_an_unknown_recording_is_one_sentence(capsys):
    code, _, err = run(capsys, "record", "nothing")
    assert code == 2 and "no recording 'nothing'" in err and err.count("\n") == 1


def test_a_recording_that_cannot_be_written_is_one_sentence(monkeypatch, capsys):
    def refuse(name):
        raise RecordError("x.json could not be written")

    monkeypatch.setattr(records, "make_record", refuse)
    assert run(capsys, "record", "mlm-head") == (2, "", "course: x.json could not be written\n")


def test_progress_as_json(home, capsys):
    from course_lib.lessons import check
    from course_lib.lessons.catalog import exercise_module

    exercise = exercise_module(4).EXERCISES[0]
    check(exercise.identifier, exercise.solution)
    capsys.readouterr()
    code, out, _ = run(capsys, "progress", "--json")
    found = json.loads(out)
    assert code == 0 and found["04"]["solved"] == 1 and found["04"]["tries"] == 1
    assert all(len(key) == 2 for key in found)


def test_progress_gives_answers_back_on_a_console_of_few_letters(home):
    from course_lib.lessons.event_log import remember

    remember("exercise", "4.1", "correct", source="answer = 'naïve'\n")
    run = subprocess.run(
        [sys.executable, "-m", "course_lib.cli", "progress", "--answers"],
        cwd=settings.REPOSITORY,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    head, code = run.stdout.strip().splitlines()
    assert run.returncode == 0 and head.startswith("# 4.1, correct, ") and code == r"answer = 'na\xefve'"


def test_progress_as_json_has_no_code(home, capsys):
    from course_lib.lessons.event_log import remember

    fields = json.loads(run(capsys, "progress", "--json")[1])["04"].keys()
    remember("exercise", "4.1", "correct", source="answer = 1\n")
    code, out, _ = run(capsys, "progress", "--json")
    assert code == 0 and json.loads(out)["04"].keys() == fields and "answer = 1" not in out
    with pytest.raises(SystemExit):
        cli.main(["progress", "--json", "--answers"])


def test_progress_as_a_figure(home, capsys, tmp_path):
    file = tmp_path / "mine.svg"
    code, out, _ = run(capsys, "progress", "--figure", str(file))
    assert code == 0 and str(file) in out and "</svg>" in file.read_text(encoding="utf-8")


def test_progress_as_text(home, capsys):
    code, out, _ = run(capsys, "progress")
    assert code == 0 and "04" in out and "0 / " in out


def test_run_takes_all_lessons_or_those_named(lessons, monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(
        cli.command_module("run"), "run_notebook", lambda path, keep_time: ran.append((path.stem, keep_time))
    )
    assert run(capsys, "run")[0] == 0
    assert run(capsys, "run", "8", "04", "--time")[0] == 0
    names = ["00_start_here", "04_masks", "08_texts"]
    assert ran == [(name, False) for name in names] + [("08_texts", True), ("04_masks", True)]


def test_lab_opens_lesson_00(lessons, monkeypatch, capsys):
    seen = []

    def open_lab(path, **named):
        seen.append((path.name, named))
        return 3

    monkeypatch.setattr(lab, "open_lab", open_lab)
    assert run(capsys, "lab")[0] == 3
    run(capsys, "lab", "4", "--no-browser", "--port", "9000")
    assert seen == [
        ("00_start_here.ipynb", {"browser": True, "port": 8888}),
        ("04_masks.ipynb", {"browser": False, "port": 9000}),
    ]


def test_data_check_is_the_command_of_the_help(monkeypatch, capsys):
    from course_lib.maintenance.data_checks import report

    seen = []
    monkeypatch.setattr(report, "main", lambda rest: seen.append(list(rest)) or 0)
    assert run(capsys, "data", "check", "reviews", "--update-cards")[0] == 0
    assert seen == [["reviews", "--update-cards"]]
    with pytest.raises(SystemExit) as stopped:
        cli.main(["data", "reviews"])
    assert stopped.value.code == 2 and "check" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="another kind of pipe")
def test_a_reader_who_has_seen_enough_is_no_error(home):
    code = "import sys; from course_lib import cli; sys.exit(cli.main(['progress']))"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert done.returncode == 1 and done.stderr == ""


def test_an_interrupt_is_quiet(monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(records, "make_record", interrupt)
    assert run(capsys, "record", "mlm-head") == (130, "", "")


@pytest.mark.parametrize(
    "arguments",
    [[], ["nothing"], ["lab", "--port", "x"], ["lab", "--port", "70000"], ["lab", "--port", "-5"]],
)
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2 and "usage: course" in capsys.readouterr().err


def test_a_wrong_setting_is_one_sentence_in_every_command(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COURSE_SEED", "abc")
    settings.current.cache_clear()
    for command in (
        ["finetune", "reviews"],
        ["pretrain", "--folder", str(tmp_path)],
        ["search", "--storage", "sqlite://"],
    ):
        code, out, err = run(capsys, *command)
        assert code == 2 and out == "" and err.startswith("course: The environment variable COURSE_SEED")
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    "command", [["lab"], ["run"], ["run", "04"], ["slides"], ["progress"], ["record"], ["data", "check"]]
)
def test_the_library_without_its_clone_is_one_sentence(monkeypatch, capsys, tmp_path, command):
    monkeypatch.setattr(settings, "NOTEBOOKS", tmp_path / "notebooks")
    code, out, err = run(capsys, *command)
    assert code == 2 and out == "" and "used from its clone" in err and "pip install --editable" in err


def test_every_command_has_a_module_with_help():
    for name in cli.COMMANDS:
        module = cli.command_module(name)
        assert module.HELP and module.run and module.add_options
    modules = {path.stem for path in Path(cli.__file__).parent.glob("*.py")}
    assert modules == {*cli.COMMANDS, "__init__", "__main__", "options", "lab_identity", "lab_in_container"}
