"""Going on with a run that was interrupted: its last whole epoch lies beside the folder of the model until it's done."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback

from course_lib.errors import CheckpointError, SettingError
from course_lib.files import read_json, write_json
from course_lib.finetuning.epochs import BestEpoch, any_process
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration
from course_lib.translation import Message

ENDING = ".unfinished"  # of the folder beside the model's
NOTE_FILE = "run.json"  # is written last: an epoch without it isn't whole
BEST_FILE = "best.pt"
SECONDS = (
    60  # between two epochs that are kept: what's trained faster is trained again as fast as it's written
)


def unfinished_folder(save: str | Path) -> Path:
    """Return where the epochs of a run lie whose model is saved in a given folder."""
    save = Path(save)
    return save.with_name(save.name + ENDING)


def last_whole_epoch(folder: Path) -> Path | None:
    """Return the newest whole epoch in a folder; None if there is none."""
    whole = [note.parent for note in folder.glob(f"checkpoint-*/{NOTE_FILE}")]
    return max(whole, key=lambda epoch: int(epoch.name.partition("-")[2]), default=None)


def epoch_to_go_on_from(save: str | Path | None, resume: bool) -> Path | None:
    """Return the epoch that a run goes on from, and None for a run that begins.

    Parameters
    ----------
    save : the folder of the model.
    resume : whether to go on with what is there.

    Raises
    ------
    SettingError
        If there is no folder to look for the run, or all that is there is a model that is done.
    CheckpointError
        If a run is there that nobody asked to go on with: its epochs would be lost.
    """
    if save is None:
        if resume:
            raise SettingError("A run is found again by the folder of its model. Name it with --save FOLDER.")
        return None
    folder = unfinished_folder(save)
    epoch = last_whole_epoch(folder)
    if epoch is not None and not resume:
        raise CheckpointError(
            f"{folder} has an unfinished run. Go on with it with --resume, or remove the folder to begin again."
        )
    if epoch is None and resume and (Path(save) / "config.json").is_file():
        raise SettingError(
            f"{save} has a model and no unfinished run. Leave --resume out to train and replace it."
        )
    return epoch


def identity(
    configuration: TrainingConfiguration,
    model: TaskModel,
    features: Sequence[Mapping[str, Any]],
    validation: Iterable[Mapping[str, Any]] = (),
    **named: Any,
) -> dict[str, Any]:
    """Return what has to be the same for a run to go on: settings by name, and hashes of weights and rows.

    Parameters
    ----------
    configuration : how to fine-tune.
    model : before the first step.
    features : the rows it learns from.
    validation : the rows that choose the epoch.
    **named : further settings that decide about the result.
    """
    weights = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        weights.update(name.encode())
        weights.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy())
    return {
        **asdict(configuration),
        **named,
        "weights": weights.hexdigest(),
        "training rows": _hash_of_rows(features),
        "validation rows": _hash_of_rows(validation),
    }


def _hash_of_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    hashed = hashlib.sha256()
    for row in rows:
        plain = {name: value.tolist() if isinstance(value, Tensor) else value for name, value in row.items()}
        plain.pop("place", None)  # a file may have moved
        hashed.update(repr(plain).encode())
    return hashed.hexdigest()


def _check_identity(epoch: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse to go on with a run of other settings, weights or rows."""
    different = []
    for name, value in wanted.items():
        before = found.get(name)
        if before != value:
            hashed = isinstance(value, str) and len(value) == hashlib.sha256().digest_size * 2
            different.append(f"other {name}" if hashed else f"{name} {before}, not {value}")
    if different:
        raise SettingError(
            f"The run in {epoch.parent} was started with {'; '.join(different)}. Give what it was started with, or remove the "
            "folder to begin again."
        )


class WholeEpochs(TrainerCallback):
    """Keep the last whole epoch of a run, with all that the next one depends on.

    The Trainer writes weights, optimizer, schedule and the states of the random numbers; this adds the scores, the
    best weights, and what the run is.

    Parameters
    ----------
    best : the callback that scores the epochs; it comes before this one.
    identity : of the run, see :func:`identity`.
    """

    def __init__(self, best: BestEpoch, identity: Mapping[str, Any]):
        self.best, self.identity = best, dict(identity)
        self.written = time.monotonic()

    def go_on(self, epoch: Path) -> None:
        """Take up the scores and the best weights of an epoch.

        Raises
        ------
        SettingError
            If the epoch is that of another run.
        CheckpointError
            If it can't be read.
        """
        remedy = f"Remove {epoch.parent} to begin again."
        note = read_json(epoch / NOTE_FILE, remedy, error=CheckpointError)
        _check_identity(epoch, note["identity"], self.identity)
        self.best.scores = note["scores"]
        if note["scores"]:
            try:
                self.best.best = torch.load(epoch / BEST_FILE, map_location="cpu", weights_only=True)
            except Exception as error:  # torch has several for a damaged file
                reason = str(error).splitlines()[0]
                raise CheckpointError(f"{epoch / BEST_FILE} can't be read ({reason}). {remedy}") from None

    def on_epoch_end(self, arguments, state, control, **_):
        late = time.monotonic() - self.written >= SECONDS
        # After its last epoch a run is done, and an epoch that ends too early isn't whole.
        if state.global_step < state.max_steps and not control.should_training_stop and any_process(late):
            control.should_save = True
        return control

    def on_save(self, arguments, state, control, **_):
        self.written = time.monotonic()
        if not state.is_world_process_zero:
            return
        folder = Path(arguments.output_dir)
        epoch = folder / f"checkpoint-{state.global_step}"
        if self.best.best is not None:
            torch.save(self.best.best, epoch / BEST_FILE)
        note = {"identity": self.identity, "scores": self.best.scores}
        write_json(epoch / NOTE_FILE, note, error=CheckpointError)
        for other in folder.glob("checkpoint-*"):
            if other != epoch:
                shutil.rmtree(other)


def remove_run(folder: Path, *, only_if_nothing_is_whole: bool = False) -> None:
    """Remove the epochs of a run.

    Parameters
    ----------
    folder : of :func:`unfinished_folder`.
    only_if_nothing_is_whole : whether to keep the folder if a run can go on from it.
    """
    if not (only_if_nothing_is_whole and last_whole_epoch(folder)):
        shutil.rmtree(folder, ignore_errors=True)


def how_it_goes_on(epoch: Path | None) -> Message:
    """Return a sentence about where a run that was asked to go on begins."""
    if epoch is None:
        return Message("No epoch of an earlier run is whole: the run begins again.")
    update = int(epoch.name.partition("-")[2])
    return Message("Going on after update {update:,} of an earlier run.", update=update)


def how_to_go_on(save: str | Path) -> list[Message]:
    """Return a sentence about what can be done with a run that ended early; none if no epoch of it was kept."""
    folder = unfinished_folder(save)
    if last_whole_epoch(folder) is None:
        return []
    return [
        Message(
            "{folder} has the last whole epoch. Go on from it with --resume, or remove it.", folder=folder
        )
    ]
