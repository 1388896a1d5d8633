"""A fine-tuned model as a file of ONNX, which onnxruntime and other programs run without torch."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from course_lib.errors import CheckpointError, SettingError
from course_lib.files import whole_file
from course_lib.finetuning.loop import TaskModel

ONNX_FILE = "model.onnx"
ONNX = "onnx==1.23.2 onnxruntime==1.32.0"  # as in pyproject.toml, the extra "onnx"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
SPANS = ("start_logits", "end_logits")


def require_onnx() -> None:
    """Refuse to go on where the package that writes ONNX isn't installed.

    Raises
    ------
    SettingError
        If it isn't.
    """
    if importlib.util.find_spec("onnx") is None:
        raise SettingError(
            f"The package that writes {ONNX_FILE} is not installed. Install it with: pip install {ONNX}; or leave out "
            "--onnx."
        )


class _Outputs(nn.Module):
    """A task's model that takes tensors one by one, and names a span's two scores as transformers does."""

    def __init__(self, model: TaskModel, spans: bool):
        super().__init__()
        self.model, self.spans = model, spans

    def forward(self, *tensors: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        scores = self.model(dict(zip(INPUTS, tensors, strict=True)))
        return (scores[..., 0], scores[..., 1]) if self.spans else scores  # (B, T) each


def write_onnx(task_name: str, model: TaskModel, folder: str | Path) -> Path:
    """Write a model as ``model.onnx`` into its folder, for any number of rows and pieces.

    The inputs are ``input_ids``, ``attention_mask`` and ``token_type_ids``, all int64. The output is ``logits``, and
    for questions ``start_logits`` and ``end_logits``, as in the folder that transformers opens.

    Parameters
    ----------
    task_name : as for :func:`course_lib.finetuning.saving.save_model`.
    model : in evaluation mode, on the CPU.
    folder : of the saved model.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    SettingError
        If the package for it isn't installed.
    CheckpointError
        If the file cannot be written.
    """
    require_onnx()
    axes = {0: "rows", 1: "choices", 2: "pieces"} if task_name == "endings" else {0: "rows", 1: "pieces"}
    shape = [{"rows": 2, "choices": 3, "pieces": 6}[name] for name in axes.values()]
    mask = torch.ones(shape, dtype=torch.long)
    mask[..., -2:] = 0  # padding in the example: without it, the way through the mask would not be recorded
    example = (torch.ones_like(mask), mask, torch.zeros_like(mask))
    spans = task_name == "questions"
    scores = axes if spans or not model.pooled else {number: axes[number] for number in range(len(shape) - 1)}
    outputs = SPANS if spans else ("logits",)
    path = Path(folder) / ONNX_FILE
    with (
        whole_file(path, error=CheckpointError, then="leave out --onnx") as temporary,
        warnings.catch_warnings(),
        torch.no_grad(),
    ):
        warnings.simplefilter("ignore")  # torch's newer exporter can't follow the encoder's look at the mask
        torch.onnx.export(
            _Outputs(model, spans).eval(),
            example,
            str(temporary),
            input_names=INPUTS,
            output_names=outputs,
            dynamic_axes=dict.fromkeys(INPUTS, axes) | dict.fromkeys(outputs, scores),
            dynamo=False,
        )
    return path
