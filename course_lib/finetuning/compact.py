"""Fine-tuned models in little space: what fine-tuning changed, as low-rank differences.

The weights of a fine-tuned model lie close to the pre-trained ones, and the difference of a matrix is
nearly of low rank (Hu et al. 2021, section 4.1, train such differences directly). So a matrix is stored
as the two thin factors of its difference, by singular value decomposition; the rest is stored whole.
"""

from __future__ import annotations

from pathlib import Path

import torch

from course_lib.bert.heads import READINGS
from course_lib.bert.loading import load_encoder, read_tensors, write_tensors
from course_lib.data.manifest import check_files, renew_manifest
from course_lib.data.weights import bundled_weights_folder
from course_lib.errors import CheckpointError
from course_lib.finetuning.loop import TaskModel


def save_compact(model: TaskModel, folder: str | Path, rank: int = 64) -> None:
    """Store how a model differs from the bundled encoder, and its head.

    Parameters
    ----------
    model : a fine-tuned model whose embeddings were frozen.
    folder : where to store it.
    rank : rank of the stored differences.

    Raises
    ------
    CheckpointError
        If the embeddings were changed, the encoder is not MiniLM's, or the folder cannot be written.
    """
    base = load_encoder(bundled_weights_folder()).state_dict()
    tensors = {f"{_head_name(model)}.{name}": t.half() for name, t in model.head.state_dict().items()}
    state = model.encoder.state_dict()
    if {name: tensor.shape for name, tensor in state.items()} != {n: t.shape for n, t in base.items()}:
        raise CheckpointError(
            "A compact model holds differences from the bundled encoder, and this encoder has other sizes. "
            "Store the whole encoder with save_encoder."
        )
    for name, tensor in state.items():
        difference = tensor - base[name]
        if not bool(difference.any()):
            continue
        if name.startswith("embeddings."):
            raise CheckpointError(
                f"{name} was trained, and a compact model keeps the published embeddings. Fine-tune with "
                "frozen='embeddings', or store the whole encoder with save_encoder."
            )
        if difference.dim() == 2:
            left, strengths, right = torch.linalg.svd(difference, full_matrices=False)
            root = strengths[:rank].sqrt()
            tensors[f"left.{name}"] = (left[:, :rank] * root).half()
            tensors[f"right.{name}"] = (root[:, None] * right[:rank]).half()
        else:
            tensors[f"whole.{name}"] = difference.half()
    write_tensors(tensors, Path(folder) / "model.safetensors")
    renew_manifest(folder)


def _head_name(model: TaskModel) -> str:
    """Return what a head is called in the file, by what it reads.

    A span head has as many outputs as one for two classes, and a head that has learned to read one state is wrong on
    another: with names of their own, none is taken for another.
    """
    if model.reads != READINGS[0]:
        return f"head.{model.reads}"
    return "head.classifier" if model.pooled or model.labels is not None else "head"


def load_compact(model: TaskModel, folder: str | Path) -> TaskModel:
    """Add stored differences to a model that holds the bundled encoder, and load its head.

    Raises
    ------
    WeightsError
        If the file is missing or damaged, or is not the one that was recorded.
    CheckpointError
        If it was stored for another kind of model.
    """
    path = Path(folder) / "model.safetensors"
    check_files(folder)
    tensors, head = read_tensors(path), _head_name(model)
    changes, used = [], 0  # nothing is added before everything is known to fit
    try:
        for name, tensor in model.head.state_dict().items():
            changes.append((name, tensor, tensors[f"{head}.{name}"].float()))
            used += 1
        for name, tensor in model.encoder.state_dict().items():
            if f"whole.{name}" in tensors:
                changes.append((name, tensor, tensors[f"whole.{name}"].float()))
                used += 1
            elif f"left.{name}" in tensors:
                changes.append(
                    (name, tensor, tensors[f"left.{name}"].float() @ tensors[f"right.{name}"].float())
                )
                used += 2
        for name, tensor, change in changes:
            if change.shape != tensor.shape:  # += would broadcast some of them
                raise RuntimeError(f"{name}: {tuple(change.shape)} for {tuple(tensor.shape)}")
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} was stored for another kind of model ({error}). Make it anew with `course record task-models`."
        ) from None
    if used != len(tensors):
        raise CheckpointError(
            f"{path} holds {len(tensors) - used} tensors that this model does not have. "
            "Make it anew with `course record task-models`."
        )
    with torch.no_grad():
        for tensor in model.head.state_dict().values():
            tensor.zero_()  # the head is stored whole, not as a difference
        for _, tensor, change in changes:
            tensor += change
    return model.eval()
