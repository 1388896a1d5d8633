"""A BERT of a few kilobytes in the layout in which bert-base-uncased is published."""

from __future__ import annotations

from pathlib import Path

WORDS = [
    "the",
    "film",
    "was",
    "good",
    "bad",
    "ada",
    "lived",
    "in",
    "london",
    "where",
    "who",
    "wrote",
    "it",
    ".",
]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
VOCABULARY += [prefix + letter for prefix in ("", "##") for letter in "abcdefghijklmnopqrstuvwxyz"]
CHINESE = "艾达住在伦敦。她在那里写了一本书，书里讲的是一条河。"
CHINESE_QUESTION = "艾达住在哪里？"
VOCABULARY += sorted({*CHINESE, *CHINESE_QUESTION})


def tiny_bert(folder: Path) -> dict[str, bytes]:
    """Return the files of a tiny BERT: the old names of its tensors, both heads, a pickle beside.

    Parameters
    ----------
    folder : where the configuration and the tokenizer may be written.
    """
    import torch
    from safetensors.torch import save
    from transformers import BertConfig, BertForPreTraining, BertTokenizerFast

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    model = BertForPreTraining(BertConfig(vocab_size=len(VOCABULARY), max_position_embeddings=128, **sizes))
    model.config.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab={word: i for i, word in enumerate(VOCABULARY)}).save_pretrained(folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    weights = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in model.state_dict().items()
        if name not in ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")  # tied to others
    }
    weights = {name: value.clone() for name, value in weights.items()}
    return files | {"model.safetensors": save(weights, {"format": "pt"}), "pytorch_model.bin": b"a pickle"}
