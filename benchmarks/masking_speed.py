"""Masking of a batch: ours against transformers' DataCollatorForLanguageModeling.

Both get the same 256 sequences of up to 128 tokens. First masking alone, of a tensor: the collator finds
the special tokens itself, as ours does, or is given them, work that ours is then still doing. Then as a
data loader calls it, with examples that must be padded first, by both. The target of 3 is for every case
but the one in which ours does more.

    python -m benchmarks.masking_speed --repetitions 30
"""

from __future__ import annotations

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoTokenizer, DataCollatorForLanguageModeling

from benchmarks.timing import (
    paired_medians,
    print_table,
    result,
    run_from_command_line,
    use_course_threads,
)
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
    """Measure masking by tokens against each way to call the collator.

    Returns
    -------
    list of dict
        One row for each case: milliseconds of both, ratio (reference / ours), target (0 where none is set).
    """
    threads = use_course_threads()
    tokenizer = AutoTokenizer.from_pretrained(bundled_weights_folder())
    vocabulary = MaskingVocabulary.from_tokenizer(tokenizer)
    collator = DataCollatorForLanguageModeling(tokenizer)
    pad_id = tokenizer.pad_token_id
    input_ids = batch_of(ROWS, LENGTH, tokenizer.cls_token_id, tokenizer.sep_token_id, pad_id)
    special = vocabulary.is_special[input_ids]
    strategy = MaskingStrategy(max_predictions=None)  # the collator has no limit either
    generator = torch.Generator().manual_seed(0)
    tensors = [row[row != pad_id] for row in input_ids]
    lists = [row.tolist() for row in tensors]
    masks = [vocabulary.is_special[row].long() for row in tensors]

    def mask() -> object:
        return mask_tokens(input_ids, vocabulary, strategy, generator=generator)

    def pad_and_mask(rows: list) -> object:
        batch = pad_sequence([torch.as_tensor(row) for row in rows], True, pad_id)  # (B, T)
        return mask_tokens(batch, vocabulary, strategy, generator=generator), batch != pad_id

    def collate(rows: list, special_masks: list | None = None) -> object:
        examples = [{"input_ids": row} for row in rows]  # the collator takes entries out of its examples
        if special_masks is not None:
            examples = [e | {"special_tokens_mask": m} for e, m in zip(examples, special_masks, strict=True)]
        return collator(examples)

    # torch_mask_tokens writes into what it gets, so it gets a copy, as of a batch just collated.
    cases = {
        "tensor": (TARGET, mask, lambda: collator.torch_mask_tokens(input_ids.clone())),
        "tensor, special tokens given": (
            0.0,
            mask,
            lambda: collator.torch_mask_tokens(input_ids.clone(), special.clone()),
        ),
        "lists": (TARGET, lambda: pad_and_mask(lists), lambda: collate(lists)),
        "lists, special tokens given": (
            TARGET,
            lambda: pad_and_mask(lists),
            lambda: collate(lists, [m.tolist() for m in masks]),
        ),
        "tensors": (TARGET, lambda: pad_and_mask(tensors), lambda: collate(tensors)),
        "tensors, special tokens given": (
            TARGET,
            lambda: pad_and_mask(tensors),
            lambda: collate(tensors, masks),
        ),
    }
    rows = []
    for name, (target, ours, reference) in cases.items():
        times = paired_medians(ours, reference, repetitions)
        case = {"examples": name, "rows": ROWS, "length": LENGTH, "threads": threads}
        rows.append(result("masking", times, target, **case))
    print_table("Masking: ours against DataCollatorForLanguageModeling", rows)
    return rows


if __name__ == "__main__":
    run_from_command_line(main, __doc__)
