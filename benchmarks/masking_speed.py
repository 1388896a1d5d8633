"""Masking of a batch: ours against transformers' DataCollatorForLanguageModeling, masking alone.

Both get the same tensor of 256 sequences of 128 tokens. The collator is measured as its users meet it,
finding the special tokens itself as ours does, and also with a mask of special tokens made beforehand,
work that ours is then still doing. The target of 3 is for the first.

    python -m benchmarks.masking_speed --repetitions 30
"""

from __future__ import annotations

import argparse

import torch
from transformers import AutoTokenizer, DataCollatorForLanguageModeling

from benchmarks.timing import paired_medians, print_table, use_course_threads
from course_lib.data.weights import bundled_weights_folder
from course_lib.pretraining.masking import MaskingStrategy, MaskingVocabulary, mask_tokens

TARGET = 3.0
ROWS, LENGTH = 256, 128


def batch_of(rows: int, length: int, cls_id: int, sep_id: int, pad_id: int) -> torch.Tensor:
    """Return a batch of random ids with [CLS], [SEP] and some padding."""
    input_ids = torch.randint(1000, 30000, (rows, length), generator=torch.Generator().manual_seed(0))
    lengths = torch.linspace(length / 2, length, rows).round().long()
    input_ids[:, 0] = cls_id
    input_ids[torch.arange(rows), lengths - 1] = sep_id
    return input_ids.masked_fill(torch.arange(length) >= lengths[:, None], pad_id)


def main(repetitions: int = 30) -> list[dict]:
    """Measure masking by tokens against the collator with and without a given special-token mask.

    Returns
    -------
    list of dict
        One row for each case: milliseconds of both, ratio (reference / ours), target (0 where none is set).
    """
    threads = use_course_threads()
    tokenizer = AutoTokenizer.from_pretrained(bundled_weights_folder())
    vocabulary = MaskingVocabulary.from_tokenizer(tokenizer)
    collator = DataCollatorForLanguageModeling(tokenizer)
    input_ids = batch_of(ROWS, LENGTH, tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id)
    special = vocabulary.is_special[input_ids]
    strategy = MaskingStrategy(max_predictions=None)  # the collator has no limit either
    generator = torch.Generator().manual_seed(0)

    def ours() -> object:
        return mask_tokens(input_ids, vocabulary, strategy, generator=generator)

    # The collator writes into what it gets, so it gets a copy, as it would from a batch just collated.
    cases = {
        "finds special tokens": (TARGET, lambda: collator.torch_mask_tokens(input_ids.clone())),
        "special tokens given": (0.0, lambda: collator.torch_mask_tokens(input_ids.clone(), special.clone())),
    }
    rows = []
    for name, (target, reference) in cases.items():
        times = paired_medians(ours, reference, repetitions)
        rows.append(
            {
                "benchmark": "masking",
                "collator": name,
                "rows": ROWS,
                "length": LENGTH,
                "threads": threads,
                "ours_ms": 1000 * times.ours,
                "reference_ms": 1000 * times.reference,
                "ratio": times.ratio,
                "target": target,
            }
        )
    print_table("Masking: ours against DataCollatorForLanguageModeling", rows)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=30)
    main(parser.parse_args().repetitions)
