"""The errors a reader of the course can meet: each says what is wrong, where, and what to do."""

from __future__ import annotations

from pathlib import Path


class CourseError(Exception):
    """Base of every error that the course raises on purpose."""


class SettingError(CourseError):
    """An environment variable or option of the course has a value that it does not know."""


class DataFileError(CourseError):
    """A data file cannot be used as it is.

    Parameters
    ----------
    path : path of the file, or of the folder, that is wrong.
    problem : what is wrong, without a final period.
    remedy : what the reader can do about it, without a final period.
    line : number of the line, counted from 1, if one line is to blame.
    field : name of the field or column, if one is to blame.
    """

    def __init__(
        self,
        path: str | Path,
        problem: str,
        remedy: str,
        *,
        line: int | None = None,
        field: str | None = None,
    ):
        self.path, self.problem, self.remedy = Path(path), problem, remedy
        self.line, self.field = line, field
        where = str(path)
        if line is not None:
            where += f", line {line}"
        if field is not None:
            where += f", field {field!r}"
        super().__init__(f"{where}: {problem}. {remedy}.")


class WeightsError(CourseError):
    """A file of weights is missing, damaged, or does not fit the model it is loaded into."""


class SequenceTooLongError(CourseError):
    """A sequence has more tokens than the model has position embeddings."""


class CheckpointError(CourseError):
    """A checkpoint cannot be written, or does not belong to this configuration."""


class HubUnavailableError(CourseError):
    """Something was wanted from a hub of models and data sets, and could not be had."""


class RecordError(CourseError):
    """A recorded result is missing, or was made with another configuration than the code's."""
