"""Each finding of the environment check can be a failure, with a remedy."""

from __future__ import annotations

from collections import namedtuple
from importlib import metadata

import httpx
import pytest

from course_lib import machine, settings
from course_lib.data import weights
from course_lib.errors import CourseError
from course_lib.lessons import doctor

Disk = namedtuple("Disk", "free")


class Answer:
    is_success = True


@pytest.fixture(autouse=True)
def _well(monkeypatch):
    """A machine that is well, whatever this one is."""
    monkeypatch.setenv("COURSE_THREADS", "1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.setattr(machine, "memory", lambda: machine.Memory(8 * 2**30, 16 * 2**30))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: Disk(50 * 2**30))
    monkeypatch.setattr(httpx, "get", lambda *_, **__: Answer())
    settings.current.cache_clear()


def examined():
    return {name: (level, text) for level, name, text in doctor.examine()}


def finding(name, level=doctor.FAIL):
    """The text of the one finding that isn't well."""
    found = examined()
    assert {n: lev for n, (lev, _) in found.items() if lev != doctor.OK} == {name: level}
    return found[name][1]


def warning(name):
    return finding(name, doctor.WARN)


def test_all_is_well():
    found = examined()
    assert all(level == doctor.OK for level, _ in found.values()), found
    assert list(found) == [
        "clone",
        "Python",
        "packages",
        "settings",
        "weights",
        "memory",
        "disk",
        "folders",
        "threads",
        "GPU",
        "hub",
    ]
    assert weights.WEIGHTS_SHA256[:12] in found["weights"][1]


def test_all_pins_are_examined():
    lines = (settings.REPOSITORY / "requirements.txt").read_text().splitlines()
    assert len(doctor.pinned_packages()) == len([x for x in lines if x and not x.startswith("#")])


def test_another_version_of_a_package(monkeypatch):
    real = metadata.version
    monkeypatch.setattr(doctor.metadata, "version", lambda n: "0.0.1" if n == "tqdm" else real(n))
    text = finding("packages")
    assert f"tqdm 0.0.1 ({doctor.pinned_packages()['tqdm']})" in text and "pip install" in text


def test_a_build_for_another_processor_is_the_same_version(monkeypatch):
    real = metadata.version
    monkeypatch.setattr(doctor.metadata, "version", lambda n: real(n).partition("+")[0] + "+cu128")
    assert examined()["packages"][0] == doctor.OK


def test_a_missing_package(monkeypatch):
    def version(name):
        if name == "gensim":
            raise metadata.PackageNotFoundError(name)
        return doctor.pinned_packages()[name]

    monkeypatch.setattr(doctor.metadata, "version", version)
    assert "gensim missing" in finding("packages")


def test_a_package_that_cannot_be_imported_does_not_stop_the_examination(monkeypatch):
    def broken():
        raise ImportError("No module named 'psutil'")

    broken.__name__ = "_memory"
    probes = tuple(broken if probe is doctor._memory else probe for probe in doctor.PROBES)
    monkeypatch.setattr(doctor, "PROBES", probes)
    assert "psutil" in finding("memory")


def test_weights_that_are_not_the_published_ones(monkeypatch):
    monkeypatch.setattr(weights, "sha256_of", lambda path: "0" * 64)
    text = finding("weights")
    assert "0" * 64 in text and "pip install" in text


@pytest.mark.parametrize(("free", "level"), [(4.0, "OK"), (3.9, "WARN"), (1.1, "WARN"), (0.9, "FAIL")])
def test_little_memory_is_a_warning_and_hardly_any_a_failure(monkeypatch, free, level):
    monkeypatch.setattr(machine, "memory", lambda: machine.Memory(int(free * 2**30), 8 * 2**30))
    found, text = examined()["memory"]
    assert (
        found == level
        and f"{free:.1f} of 8.0 GiB" in text
        and ("close other programs" in text) is (level != "OK")
    )


def test_little_disk(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: Disk(2**29))
    assert "0.5 GiB free" in finding("disk")


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 99), (3, 14, 0), (4, 0, 0)])
def test_a_python_that_is_too_old_or_too_new(monkeypatch, version):
    monkeypatch.setattr(doctor.sys, "version_info", version)
    text = finding("Python")
    assert "needs 3.11 to 3.13" in text and "make lab PYTHON=python3.13" in text and "\n" not in text


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 99)])
def test_the_oldest_python_and_the_newest(monkeypatch, version):
    monkeypatch.setattr(doctor.sys, "version_info", version)
    assert examined()["Python"][0] == doctor.OK


def test_more_threads_than_processors(monkeypatch):
    monkeypatch.setattr(machine, "processors", lambda: 2)
    monkeypatch.setenv("COURSE_THREADS", "64")
    settings.current.cache_clear()
    text = warning("threads")
    assert "64 of 2" in text and "COURSE_THREADS=2" in text


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("no"),
        httpx.ReadTimeout("slow"),
        httpx.InvalidURL("bad"),
        ValueError("Unknown scheme for proxy URL"),
        ImportError("Using SOCKS proxy, but the 'socksio' package is not installed."),
        FileNotFoundError(2, "No such file or directory", "/etc/ssl/corp.pem"),
        OSError("Could not find a suitable TLS CA certificate bundle"),
    ],
)
@pytest.mark.parametrize("profile", ["full", " full "])
def test_no_hub_is_well_unless_the_profile_needs_it(monkeypatch, error, profile):
    def get(*_, **__):
        raise error

    monkeypatch.setattr(httpx, "get", get)
    level, text = examined()["hub"]
    assert level == doctor.OK and "nothing of the quick profile needs it" in text and "\n" not in text
    monkeypatch.setenv("COURSE_PROFILE", profile)
    settings.current.cache_clear()
    assert "HF_ENDPOINT" in finding("hub")


def test_offline_is_not_even_tried(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(httpx, "get", lambda *_, **__: pytest.fail("asked the hub"))
    assert "not reachable" in examined()["hub"][1]


def test_a_mirror_is_asked_where_one_is_set(monkeypatch):
    asked = []
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example/")
    monkeypatch.setattr(httpx, "get", lambda url, **_: asked.append(url) or Answer())
    assert "reachable" in examined()["hub"][1]
    assert asked[0].startswith("http://mirror.example/api/")


def test_a_wrong_profile_fails_wherever_it_is_needed(monkeypatch):
    def refuse():
        raise settings.SettingError("COURSE_PROFILE is 'fast'")

    monkeypatch.setattr(settings, "current", refuse)
    found = examined()
    assert found["settings"] == found["threads"] == (doctor.FAIL, "COURSE_PROFILE is 'fast'")
    assert found["Python"][0] == doctor.OK


def test_folders_that_cannot_be_written_are_found_before_the_work(monkeypatch, tmp_path):
    refused = []

    def check(folder):
        if folder in refused:
            raise CourseError(f"{folder}: it could not be written (Read-only file system).")

    monkeypatch.setattr(doctor, "check_writable", check)
    refused.append(settings.NOTEBOOKS)
    assert "can't be saved" in warning("folders")
    refused[:] = [settings.current().home]
    assert "COURSE_HOME" in warning("folders")


def test_folders_of_jupyter_that_cannot_be_written_stop_the_lab(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder can be made in a file")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "file" / "inner"))
    assert "Set HOME or JUPYTER_RUNTIME_DIR" in finding("folders")


def test_the_library_without_its_clone_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "NOTEBOOKS", tmp_path / "notebooks")
    assert "pip install --editable" in examined()["clone"][1]
