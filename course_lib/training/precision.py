"""Products in 16 bits, where a configuration asks for them and the device gains by them."""

from __future__ import annotations

import torch


def multiplies_bfloat16(device_type: str) -> bool:
    """Tell whether a device has instructions that multiply bfloat16 numbers.

    A processor without them (AVX2 alone, for instance) gets the same numbers by software: measured on
    two such cores, fine-tuning then takes seven times as long as in float32.

    Parameters
    ----------
    device_type : ``"cpu"``, ``"cuda"`` and so on, as ``torch.device.type`` has it.
    """
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device_type != "cpu":
        return True
    has = torch.cpu.get_capabilities()
    if has.get("bf16", False):  # ARM
        return True
    # On x86 they come with AVX-512. PyTorch held to less, as to imitate an older processor, is one without them.
    allowed = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return allowed and any(has.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def casts(device_type: str, precision: str) -> bool:
    """Tell whether products are computed in bfloat16: if they are to be, and it does not slow them down.

    Sums, norms, losses and weights are float32 in either case, so a training differs by rounding alone.

    Parameters
    ----------
    device_type : as in :func:`multiplies_bfloat16`.
    precision : ``"float32"`` or ``"bfloat16"``, as the configurations have it.
    """
    return precision == "bfloat16" and multiplies_bfloat16(device_type)


def autocast(device_type: str, precision: str) -> torch.autocast:
    """Return the context in which a model computes its products in the precision of a configuration.

    Parameters
    ----------
    device_type, precision : as in :func:`casts`.
    """
    return torch.autocast(device_type, torch.bfloat16, enabled=casts(device_type, precision))
