"""The bundled encoder with its lowest blocks alone, for tests that train: the same way in a third of the time."""

from __future__ import annotations

import json
import re

from safetensors.torch import load_file, save

from course_lib.data.weights import bundled_weights_folder

NUMBER = re.compile(r"encoder\.layer\.(\d+)\.")


def lowest_blocks(count: int) -> dict[str, bytes]:
    """Return the files of a checkpoint, name to content, that has so many blocks of the bundled one."""
    folder = bundled_weights_folder()
    names = ("vocab.txt", "tokenizer.json", "tokenizer_config.json")
    files = {name: (folder / name).read_bytes() for name in names}
    configuration = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    files["config.json"] = json.dumps(configuration | {"num_hidden_layers": count}).encode()
    tensors = load_file(folder / "model.safetensors")
    kept = {
        name: tensor
        for name, tensor in tensors.items()
        if not (found := NUMBER.search(name)) or int(found[1]) < count
    }
    assert 0 < len(kept) < len(tensors)
    return files | {"model.safetensors": save(kept, metadata={"format": "pt"})}
