"""Whatever stops a writer, the name holds the old content or the new one, and nothing else stays behind."""

from __future__ import annotations

import errno
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import files
from course_lib.errors import CheckpointError, CourseError, DataFileError, RecordError

CAUSES = {
    errno.ENOSPC: "Free some space",
    errno.EDQUOT: "Free some space",
    errno.EFBIG: "Free some space",
    errno.EACCES: "permissions",
    errno.EROFS: "permissions",
    errno.EIO: "Free some space, or check the path",
}


def raising(error):
    def function(*_, **__):
        raise error

    return function


@pytest.mark.parametrize("number", CAUSES)
@pytest.mark.parametrize("older", [True, False])
@pytest.mark.parametrize("step", ["open", "replace"])
def test_a_refusal_names_cause_and_remedy_and_leaves_what_was_there(
    tmp_path, monkeypatch, number, older, step
):
    path = tmp_path / "folder" / "file.txt"
    if older:
        files.write_text(path, "old")
    refusal = raising(OSError(number, os.strerror(number)))
    with monkeypatch.context() as patch, pytest.raises(RecordError) as caught:
        patch.setattr(files if step == "open" else os, step, refusal, raising=False)
        files.write_text(path, "new", error=RecordError, then="record it again")
    message = str(caught.value)
    assert str(path) in message and os.strerror(number) in message and CAUSES[number] in message
    assert message.endswith("and record it again.") and "\n" not in message
    assert [p.name for p in path.parent.iterdir()] == (["file.txt"] if older else [])
    assert not older or path.read_text() == "old"


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_nothing(tmp_path, error):
    for writer, name in ((files.whole_text, "file"), (files.whole_folder, "folder")):
        with pytest.raises(error), writer(tmp_path / name):
            raise error
    assert not list(tmp_path.iterdir())


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r")))
def test_text_comes_back_as_it_was(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("text") / "file"
    files.write_text(path, text)
    assert path.read_bytes() == text.encode()


def test_others_may_read_what_is_written(tmp_path):
    files.write_bytes(tmp_path / "file", b"content")
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_a_folder_in_the_way_of_a_file(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(DataFileError, match="it is a folder") as caught:
        files.write_text(tmp_path / "taken", "text", error=DataFileError)
    assert caught.value.path == tmp_path / "taken" and list(tmp_path.iterdir()) == [tmp_path / "taken"]


@pytest.mark.parametrize("replace", [True, False])
def test_a_folder_whose_name_is_taken(tmp_path, replace):
    with files.whole_folder(tmp_path / "run") as part:
        (part / "old").write_text("old")
    if not replace:
        with (
            pytest.raises(CheckpointError, match="already"),
            files.whole_folder(tmp_path / "run", error=CheckpointError),
        ):
            raise AssertionError("the name is looked at first")
    else:
        with files.whole_folder(tmp_path / "run", replace=True) as part:
            (part / "new").write_text("new")
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["new" if replace else "old"]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_what_a_killed_writer_left_goes(tmp_path):
    (tmp_path / "step-1.0123.part").mkdir()
    (tmp_path / "step-1").mkdir()
    (tmp_path / "other.0123.part").write_text("")
    files.remove_unfinished(tmp_path, "step-*")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.0123.part", "step-1"]


@pytest.mark.parametrize("content", ["", "[1]", "{", "\udcff", "[" * 100_000])
def test_json_that_is_damaged_is_one_sentence(tmp_path, content):
    path = tmp_path / "kept.json"
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(RecordError) as caught:
        files.read_json(path, "Make it again.")
    assert str(path) in str(caught.value) and str(caught.value).endswith("Make it again.")
    assert files.read_json(tmp_path / "absent.json", "") is None


def test_json_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(CourseError, match="not plain JSON"):
        files.write_json(tmp_path / "new" / "kept.json", {"object": object()})
    assert not list(tmp_path.iterdir())
    files.write_json(tmp_path / "kept.json", {"ä": [1, None]})
    assert files.read_json(tmp_path / "kept.json", "") == {"ä": [1, None]}


def test_a_folder_is_looked_at_before_the_work(tmp_path, monkeypatch):
    files.check_writable(tmp_path / "new" / "inner")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="could not be written"):
        files.check_writable(tmp_path / "file" / "inner")
    monkeypatch.setattr(files, "open", raising(OSError(errno.EROFS, "Read-only file system")), raising=False)
    with pytest.raises(CourseError, match=r"Read-only file system.*permissions.*and try again"):
        files.check_writable(tmp_path / "new")
