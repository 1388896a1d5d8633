"""Sentences that differ in nothing but the person they are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib import settings
from course_lib.data.readers.frames import GAP, read_frames, read_people

if TYPE_CHECKING:
    from datasets import Dataset


def load_fairness(folder: str | Path | None = None) -> tuple[Dataset, Dataset]:
    """Load frames and people, as ``read_frames`` and ``read_people`` of ``course_lib.data.readers`` give them.

    Parameters
    ----------
    folder : a folder of your own with ``frames.csv`` and ``people.csv``; the course's if left out.

    Raises
    ------
    DataFileError
        If a file is missing or not what it should be.
    SettingError
        If the course's files are not there.
    """
    if folder is None:
        settings.require_clone()
    folder = Path(folder or settings.DATA / "fairness")
    return read_frames(folder / "frames.csv"), read_people(folder / "people.csv")


def sentences_about(frame: Mapping[str, Any], person: str) -> Iterator[str]:
    """Yield a frame's sentences about a person, one for each filler of its other gap.

    Parameters
    ----------
    frame : a row of the frames.
    person : what fills the gap; a capital letter is put where it opens the sentence.
    """
    for filler in frame["fillers"] or [""]:
        text = GAP.sub(lambda gap, filler=filler: person if gap[1] == "person" else filler, frame["text"])
        yield text[0].upper() + text[1:]
