"""The environment is read once, and a value that the course does not know gives one sentence."""

from __future__ import annotations

import random

import numpy
import pytest
import torch

from course_lib import settings
from course_lib.errors import SettingError


def read(monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.current.cache_clear()
    return settings.current()


def test_the_defaults(monkeypatch):
    monkeypatch.delenv("COURSE_THREADS", raising=False)
    monkeypatch.delenv("COURSE_HOME")
    found = read(monkeypatch)
    assert (found.profile, found.seed, found.language) == ("quick", 42, "en")
    assert 1 <= found.threads <= 2
    assert found.home == settings.REPOSITORY / ".course"


def test_every_variable_is_read_and_blanks_are_trimmed(monkeypatch, tmp_path):
    found = read(
        monkeypatch,
        COURSE_PROFILE=" full ",
        COURSE_SEED="7",
        COURSE_THREADS="3",
        COURSE_HOME=str(tmp_path),
        COURSE_CACHE=str(tmp_path / "cache"),
        COURSE_LANGUAGE="zh",
    )
    assert found == settings.Settings("full", 7, 3, tmp_path, tmp_path / "cache", "zh")


@pytest.mark.parametrize("name", ["COURSE_PROFILE", "COURSE_SEED", "COURSE_THREADS", "COURSE_HOME"])
def test_an_empty_variable_is_an_unset_one(monkeypatch, name):
    monkeypatch.delenv(name, raising=False)
    unset = read(monkeypatch)
    assert read(monkeypatch, **{name: "  "}) == unset


def test_a_tilde_in_home_is_the_home_of_the_user(monkeypatch):
    assert "~" not in str(read(monkeypatch, COURSE_HOME="~/course").home)


@pytest.mark.parametrize("name", ["COURSE_HOME", "COURSE_CACHE"])
def test_a_folder_without_a_beginning_is_the_same_wherever_python_was_started(monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    found = read(monkeypatch, **{name: "mine"})
    assert getattr(found, name.removeprefix("COURSE_").lower()) == settings.REPOSITORY / "mine"


def test_a_home_of_nobody_is_one_sentence(monkeypatch):
    with pytest.raises(SettingError, match="COURSE_HOME is '~nobody-of-that-name/x'"):
        read(monkeypatch, COURSE_HOME="~nobody-of-that-name/x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COURSE_PROFILE", "fast"),
        ("COURSE_PROFILE", "QUICK"),
        ("COURSE_SEED", "-1"),
        ("COURSE_SEED", "1.5"),
        ("COURSE_SEED", "²"),  # a digit to Python, and no number
        ("COURSE_SEED", "9" * 30),  # more than a generator takes
        ("COURSE_SEED", "9" * 5000),  # more than int() takes
        ("COURSE_THREADS", "0"),
        ("COURSE_THREADS", "two"),
        ("COURSE_THREADS", "200000"),  # torch dies without a word
    ],
)
def test_a_wrong_value_gives_a_sentence_with_the_variable_and_a_remedy(monkeypatch, name, value):
    with pytest.raises(SettingError) as caught:
        read(monkeypatch, **{name: value})
    message = str(caught.value)
    assert name in message and value[:20] in message and "\n" not in message
    assert "quick, full" in message if name == "COURSE_PROFILE" else f"{name}=" in message


def test_settings_are_read_once(monkeypatch):
    before = read(monkeypatch, COURSE_SEED="5")
    monkeypatch.setenv("COURSE_SEED", "6")
    assert settings.current() is before


def draws():
    return random.random(), float(numpy.random.rand()), float(torch.rand(()))


def test_prepare_seeds_all_generators(monkeypatch):
    read(monkeypatch, COURSE_SEED="11", COURSE_THREADS="1")
    assert settings.prepare().seed == 11
    first = draws()
    settings.prepare()
    assert draws() == first
    settings.prepare(seed=12)
    assert not set(draws()) & set(first)
    assert torch.get_num_threads() == 1


def test_the_largest_seed_is_taken(monkeypatch):
    read(monkeypatch, COURSE_SEED="9" * 18, COURSE_THREADS="1")
    settings.prepare()


def test_quick_runs_on_the_processor_even_beside_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    read(monkeypatch, COURSE_PROFILE="quick")
    assert settings.device().type == "cpu"
    read(monkeypatch, COURSE_PROFILE="full")
    assert settings.device().type == "cuda"
