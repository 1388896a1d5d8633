"""A recording is used only if it is what the code would record today."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from course_lib import files, settings
from course_lib.errors import RecordError
from course_lib.maintenance.other_processors import VALIDATED
from course_lib.maintenance.readme import BENCHMARKS, SUITE_TIME
from course_lib.studies import RECORDINGS, records


@dataclass(frozen=True)
class Configuration:
    steps: int = 3
    shares: tuple = (80, 10, 10)


@pytest.fixture
def study(tmp_path, monkeypatch):
    module = SimpleNamespace(
        CONFIGURATION=Configuration(),
        CODE_VERSION=1,
        record=lambda c, runner: {"accuracy": 0.5, "steps": c.steps},
    )
    monkeypatch.setattr(settings, "RECORDED", tmp_path / "recorded")
    monkeypatch.setattr(records, "folder_of_runs", lambda: tmp_path / "runs")
    monkeypatch.setitem(RECORDINGS, "tiny", "tiny_study")
    original = records.study_of
    monkeypatch.setattr(records, "study_of", lambda name: module if name == "tiny" else original(name))
    return module


RENEW = "course record tiny"


def refused() -> str:
    with pytest.raises(RecordError) as caught:
        records.load_record("tiny")
    message = str(caught.value)
    assert RENEW in message and str(records.record_path("tiny")) in message and "\n" not in message
    return message


def test_a_record_comes_back_with_its_provenance(study):
    made = records.make_record("tiny")
    assert records.load_record("tiny") == json.loads(json.dumps(made))
    assert made["results"] == {"accuracy": 0.5, "steps": 3}
    assert made["command"] == RENEW and made["seed"] == 42 and made["code_version"] == 1
    assert {"python", "torch", "transformers"} <= set(made["versions"])
    assert made["minutes"] >= 0 and made["machine"] and len(made["date"]) == 10
    assert isinstance(made["bfloat16"], bool)


def test_the_minutes_of_runs_that_an_earlier_try_has_finished_count(study, tmp_path):
    def recorded(configuration, runner):
        run = lambda c, seed: {"accuracy": 0.5}  # noqa: E731
        return runner.run("tiny", 1, configuration, 1, run)

    study.record = recorded
    assert records.make_record("tiny")["minutes"] == 0
    (path,) = (tmp_path / "runs").rglob("*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"minutes": 61.5}))
    assert records.make_record("tiny")["minutes"] == 61.5
    made = records.make_record("tiny")
    assert made["minutes"] == 61.5  # counted once each time
    assert made["kept_runs"] == []  # they came about as the record says of itself


def test_runs_from_another_machine_or_day_are_told_apart(study, tmp_path):
    def recorded(configuration, runner):
        run = lambda c, seed: {"accuracy": 0.5}  # noqa: E731
        return [runner.run("tiny", 1, configuration, seed, run) for seed in (1, 2, 3)]

    study.record = recorded
    assert records.make_record("tiny")["kept_runs"] == []
    for path in list((tmp_path / "runs").rglob("*.json"))[:2]:
        other = {"machine": "another", "date": "2020-01-01", "minutes": 10.25}
        path.write_text(json.dumps(json.loads(path.read_text()) | other))
    made = records.make_record("tiny")
    (kept,) = made["kept_runs"]
    assert (kept["runs"], kept["minutes"], kept["machine"]) == (2, 20.5, "another")
    assert kept["versions"] == made["versions"] and made["machine"] != "another"
    assert made["minutes"] == 20.5


def test_it_is_one_file_with_unix_lines_that_others_may_read(study):
    records.make_record("tiny")
    (path,) = settings.RECORDED.iterdir()
    assert path.name == "tiny.json"
    content = path.read_bytes()
    assert content.endswith(b"}\n") and b"\r" not in content
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o644


def test_a_changed_configuration_is_refused_by_field(study):
    records.make_record("tiny")
    study.CONFIGURATION = Configuration(steps=4)
    message = refused()
    assert "'configuration'" in message and "steps changed" in message and "shares" not in message


def test_a_field_that_is_gone_from_the_code_is_named(study):
    records.make_record("tiny")
    path = records.record_path("tiny")
    record = json.loads(path.read_text())
    record["configuration"]["warmup"] = 5
    path.write_text(json.dumps(record))
    assert "warmup changed" in refused()


def test_a_changed_code_version_is_refused(study):
    records.make_record("tiny")
    study.CODE_VERSION = 2
    message = refused()
    assert "'code_version': 1" in message and "at 2" in message


def test_a_missing_record_is_refused(study):
    assert "does not exist" in refused()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[1, 2]", b"null", b"3", b"{}", b'{"configuration": null}', b"[" * 50_000],
)
def test_a_damaged_record_is_refused(study, content):
    settings.RECORDED.mkdir()
    records.record_path("tiny").write_bytes(content)
    refused()


@pytest.mark.parametrize("field", ["configuration", "code_version", "results", "command", "date", "minutes"])
def test_a_record_without_a_field_is_refused(study, field):
    records.make_record("tiny")
    path = records.record_path("tiny")
    record = json.loads(path.read_text())
    del record[field]
    path.write_text(json.dumps(record))
    assert repr(field) in refused()


@pytest.mark.parametrize("configuration", [None, [], "x", 3, {}])
def test_an_odd_configuration_is_refused(study, configuration):
    records.make_record("tiny")
    path = records.record_path("tiny")
    record = json.loads(path.read_text())
    record["configuration"] = configuration
    path.write_text(json.dumps(record))
    assert "steps, shares changed" in refused()


def test_a_record_that_cannot_be_read_is_refused(study):
    records.record_path("tiny").mkdir(parents=True)
    refused()


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["open", "replace"])
def test_a_full_disk_leaves_the_old_record_and_nothing_else(study, monkeypatch, where):
    records.make_record("tiny")
    before = records.record_path("tiny").read_bytes()
    place = {"open": files, "replace": os}[where]
    with monkeypatch.context() as patched, pytest.raises(RecordError) as caught:
        patched.setattr(place, where, full, raising=False)
        records.make_record("tiny")
    assert RENEW in str(caught.value) and "No space left" in str(caught.value)
    assert [p.name for p in settings.RECORDED.iterdir()] == ["tiny.json"]
    assert records.record_path("tiny").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_said(study):
    settings.RECORDED.write_text("a file")
    with pytest.raises(RecordError, match=RENEW):
        records.make_record("tiny")


def test_results_that_are_not_json_leave_nothing(study):
    study.record = lambda configuration, runner: {"object": object()}
    with pytest.raises(RecordError, match="not plain JSON"):
        records.make_record("tiny")
    assert not settings.RECORDED.exists()


def test_an_interrupted_recording_leaves_nothing(study, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        records.make_record("tiny")
    assert list(settings.RECORDED.iterdir()) == []


@pytest.mark.parametrize("function", [records.make_record, records.load_record, records.study_of])
def test_an_unknown_name_lists_the_known_ones(function):
    with pytest.raises(RecordError) as caught:
        function("nothing")
    assert all(name in str(caught.value) for name in RECORDINGS)


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_every_committed_recording_is_what_the_code_would_record(name):
    record = records.load_record(name)
    assert record["name"] == name and record["command"] == f"course record {name}"
    assert record["minutes"] > 0 and record["results"]
    assert set(record["versions"]) == {"python", *records.PACKAGES}


def test_no_recording_lies_around_that_nothing_makes():
    known = {f"{name}.json" for name in RECORDINGS} | {
        "run-times.json",
        "realism.json",
        BENCHMARKS.name,
        SUITE_TIME.name,
        VALIDATED.name,
    }
    assert {path.name for path in settings.RECORDED.glob("*.json")} <= known
