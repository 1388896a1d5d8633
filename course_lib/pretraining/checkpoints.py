"""Checkpoints that are whole or not there: a run can be killed at any moment and go on.

A checkpoint is a folder ``step-00001000`` with ``model.safetensors``, ``optimizer.safetensors`` and
``state.json``. It is written beside its place and takes its name in one step at the very end, so every
folder of that name is complete. No file can carry code.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from course_lib.bert.loading import read_tensors
from course_lib.errors import CheckpointError, WeightsError
from course_lib.files import remove_unfinished, whole_folder

NAME = re.compile(r"^step-(\d{8,})$")
GOES_ON = "start again: the run goes on from the checkpoint before it, which is untouched"


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint in a folder, or None."""
    if not Path(folder).is_dir():
        return None
    found = [path for path in Path(folder).iterdir() if path.is_dir() and NAME.match(path.name)]
    return max(found, key=lambda path: int(NAME.match(path.name)[1]), default=None)


def save_checkpoint(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, state: dict) -> Path:
    """Write a checkpoint, then remove the older ones.

    Parameters
    ----------
    folder : where checkpoints go; made if it is not there.
    model, optimizer : what to keep.
    state : plain JSON values; ``state["step"]`` is the number of updates done.

    Returns
    -------
    Path
        The new checkpoint.

    Raises
    ------
    CheckpointError
        If it cannot be written; the checkpoint before it is untouched and nothing half-written stays.
    """
    folder = Path(folder)
    final = folder / f"step-{state['step']:08d}"
    remove_unfinished(folder, "step-*")  # by a run that was killed
    causes = (OSError, SafetensorError)
    with whole_folder(final, error=CheckpointError, then=GOES_ON, causes=causes, replace=True) as part:
        save_file(_shared_once(model), part / "model.safetensors", metadata={"format": "pt"})
        save_file(_optimizer_tensors(optimizer), part / "optimizer.safetensors")
        (part / "state.json").write_text(json.dumps(state), encoding="utf-8")
    for path in folder.iterdir():  # only now that the new one is complete
        if NAME.match(path.name) and path != final:
            shutil.rmtree(path, ignore_errors=True)
    return final


def _shared_once(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters, a tied one under its first name only."""
    return {name: p.detach().contiguous() for name, p in model.named_parameters()}


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimizer's moments and counters under ``<number of the parameter>.<name>``."""
    return {
        f"{number}.{name}": value.detach().contiguous()
        for number, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def read_state(checkpoint: Path) -> dict:
    """Read the plain values of a checkpoint.

    Raises
    ------
    CheckpointError
        If ``state.json`` is missing or damaged.
    """
    path = Path(checkpoint) / "state.json"
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        if type(state["step"]) is not int or state["step"] < 0:
            raise ValueError(f"step is {state['step']!r}")
        if not isinstance(state["run"], dict) or not isinstance(state["history"], dict):
            raise ValueError("run and history are objects")
        return state
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is not the state of a run ({error!r}). Remove the folder {Path(checkpoint)} to start "
            "the run anew."
        ) from None


def load_checkpoint(checkpoint: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Put a checkpoint's tensors into a model and its optimizer.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or belongs to another model.
    """
    checkpoint = Path(checkpoint)
    remedy = f"Remove the folder {checkpoint} to start the run anew."
    try:
        weights = read_tensors(checkpoint / "model.safetensors")
        moments = read_tensors(checkpoint / "optimizer.safetensors")
    except WeightsError as error:
        raise CheckpointError(f"{error} {remedy}") from None
    parameters = dict(model.named_parameters())
    for name in sorted(parameters.keys() | weights.keys()):
        shapes = [tuple(d[name].shape) if name in d else None for d in (weights, parameters)]
        if shapes[0] != shapes[1]:
            raise CheckpointError(
                f"{checkpoint / 'model.safetensors'}, tensor {name!r}: shape {shapes[0]}, but this model "
                f"has {shapes[1]}. Use the configuration of the checkpoint, or another folder."
            )
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
    state = optimizer.state_dict()
    state["state"] = {}
    trained = [p for group in optimizer.param_groups for p in group["params"]]
    expected = {
        f"{number}.{name}": () if name == "step" else tuple(p.shape)
        for number, p in enumerate(trained)
        for name in ("step", "exp_avg", "exp_avg_sq")
    }
    found = {name: tuple(value.shape) for name, value in moments.items()}
    if found != expected:
        wrong = min(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        raise CheckpointError(
            f"{checkpoint / 'optimizer.safetensors'}, tensor {wrong!r}: shape {found.get(wrong)}, but the optimizer "
            f"of this model has {expected.get(wrong)}. {remedy}"
        )
    for key, value in moments.items():
        number, name = key.split(".", 1)
        state["state"].setdefault(int(number), {})[name] = value
    optimizer.load_state_dict(state)
