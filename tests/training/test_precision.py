"""Products in 16 bits: only where they are asked for, and only where the device has instructions for them."""

from __future__ import annotations

import pytest
import torch

from course_lib.training.precision import autocast, casts, multiplies_bfloat16

NONE = {"avx2": True, "avx512_f": True, "avx512_bf16": False, "amx_bf16": False}


@pytest.mark.parametrize(
    ("capabilities", "used", "expected"),
    [
        (NONE, "AVX512", False),
        (NONE | {"avx512_bf16": True}, "AVX512", True),
        (NONE | {"amx_bf16": True}, "AVX512", True),
        (NONE | {"avx512_bf16": True, "amx_bf16": True}, "AVX2", False),  # PyTorch is held to AVX2
        (NONE | {"avx512_bf16": True}, "DEFAULT", False),
        ({"neon": True, "bf16": True}, "DEFAULT", True),
        ({"neon": True, "bf16": False}, "DEFAULT", False),
    ],
)
def test_a_processor_must_have_the_instructions(monkeypatch, capabilities, used, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: used)
    assert multiplies_bfloat16("cpu") is expected
    assert casts("cpu", "bfloat16") is expected
    assert not casts("cpu", "float32")


@pytest.mark.parametrize("able", [True, False])
def test_products_are_cast_and_weights_and_sums_are_not(monkeypatch, able):
    monkeypatch.setattr("course_lib.training.precision.multiplies_bfloat16", lambda _: able)
    layer, norm, x = torch.nn.Linear(4, 4), torch.nn.LayerNorm(4), torch.randn(2, 4)
    with autocast("cpu", "bfloat16"):
        product = layer(x)
        assert product.dtype == (torch.bfloat16 if able else torch.float32)
        assert norm(x).dtype == torch.float32
    with autocast("cpu", "float32"):
        assert layer(x).dtype == torch.float32
    assert layer.weight.dtype == torch.float32
