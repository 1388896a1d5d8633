"""Compact weights come back as they were, as near as their kind can, and only into the model they are of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from course_lib.bert.compact import SCALE, as_half, as_int8, restored
from course_lib.errors import CheckpointError

TENSORS = {"matrix": torch.tensor([[1.0, -0.5, 0.26], [0.0, 0.0, 0.0]]), "bias": torch.tensor([0.1, -3.0])}


@pytest.mark.parametrize("compact", [as_half, as_int8])
def test_weights_come_back(compact):
    torch.manual_seed(0)
    tensors = {"matrix": torch.randn(20, 30), "empty row": torch.zeros(1, 4), "bias": torch.randn(7)}
    again = restored(compact(tensors), tensors, Path("file"), "")
    assert {tensor.dtype for tensor in again.values()} == {torch.float32}
    half_a_step = tensors["matrix"].abs().amax(dim=1, keepdim=True) / 254
    assert ((again["matrix"] - tensors["matrix"]).abs() <= half_a_step * 1.001).all()
    torch.testing.assert_close(again["bias"], tensors["bias"], rtol=1e-3, atol=0)
    assert again["empty row"].eq(0).all()


def test_integers_take_a_byte_and_each_row_has_its_scale():
    compact = as_int8(TENSORS)
    assert compact["matrix"].dtype == torch.int8 and compact["matrix"].tolist() == [[127, -64, 33], [0, 0, 0]]
    assert compact["matrix" + SCALE].shape == (2, 1) and compact["bias"].dtype == torch.float16


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"matrix": None}, "matrix"),
        ({"matrix" + SCALE: None}, "matrix.scale"),
        ({"matrix" + SCALE: torch.ones(2, 3)}, "matrix.scale"),
        ({"bias": torch.ones(3)}, "bias"),
        ({"bias": torch.ones(1)}, "bias"),
        ({"other": torch.ones(1)}, "other"),
        ({"bias" + SCALE: torch.ones(2, 1)}, "bias.scale"),
    ],
)
def test_what_is_not_the_model_s_is_named(changes, named):
    compact = {name: t for name, t in (as_int8(TENSORS) | changes).items() if t is not None}
    with pytest.raises(
        CheckpointError, match=rf"file: tensor '{named}' does not belong to this model\. Again"
    ):
        restored(compact, TENSORS, Path("file"), "Again.")
