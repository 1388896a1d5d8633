"""What every test needs: settings read anew, and the learner's own progress out of reach."""

from __future__ import annotations

import pytest

from course_lib import settings

# Each takes over half a minute by itself. At the end, one worker would wait for the other.
LONG = {
    "test_full_profile.py",
    "test_known_errors.py",
    "test_small_recordings.py",
    "test_decks.py",
    "test_data_checks.py",
}


def pytest_collection_modifyitems(items):
    """Let the notebooks and the long files come first; ``--no-loadscope-reorder`` hands them out in this order."""
    items.sort(key=lambda item: (item.path.suffix != ".ipynb", item.path.name not in LONG))


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory):
    """A COURSE_HOME for all tests of a session; the cleaned Wikipedia sample is shared with the learner's."""
    home = tmp_path_factory.mktemp("home")
    cache = settings.REPOSITORY / ".course" / "cache"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        (home / "cache").symlink_to(cache, target_is_directory=True)
    except OSError:  # Windows without the right to make links: the sample is cleaned once more
        pass
    return home


@pytest.fixture(autouse=True)
def _settings_of_its_own(shared_home, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(shared_home))
    for name in ("COURSE_PROFILE", "COURSE_SEED", "COURSE_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    settings.current.cache_clear()
    yield
    getattr(settings.current, "cache_clear", lambda: None)()  # a test may have put a plain function there


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A COURSE_HOME that belongs to one test alone."""
    folder = tmp_path / "home"
    monkeypatch.setenv("COURSE_HOME", str(folder))
    settings.current.cache_clear()
    return folder
