"""Batches of questions with four endings: ours against transformers' ``DataCollatorForMultipleChoice``.

Both pad the same features of the bundled endings to the longest in the batch, and give the same tensors.
The target is a ratio of 1: at least as fast.

    python -m benchmarks.choice_speed --repetitions 30
"""

from __future__ import annotations

import torch
from transformers import DataCollatorForMultipleChoice, PreTrainedTokenizerFast

from benchmarks.timing import paired_medians, print_table, result, run_from_command_line, use_course_threads
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import load_texts
from course_lib.data.weights import bundled_weights_folder
from course_lib.finetuning.multiple_choice import choice_features, pad_choices

TARGET = 1.0
NAMES = ("input_ids", "token_type_ids", "attention_mask")


def main(repetitions: int = 30) -> list[dict]:
    """Measure both on the validation part, in batches of 16 and of 64 questions.

    Returns
    -------
    list of dict
        One row a batch size: milliseconds of all batches by both, ratio, target.
    """
    threads = use_course_threads()
    tokenizer = load_tokenizer(bundled_weights_folder())
    data = load_texts("endings", "bundled")["validation"]
    features = choice_features(data["sent1"], data["endings"], tokenizer, data["label"], starts=data["sent2"])
    with_masks = [
        feature | {"attention_mask": [[1] * len(ids) for ids in feature["input_ids"]]} for feature in features
    ]
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", model_input_names=list(NAMES)
    )
    reference = DataCollatorForMultipleChoice(wrapped, return_tensors="pt")
    rows = []
    for size in (16, 64):
        starts = range(0, len(features), size)

        def ours(size=size, starts=starts) -> list[dict]:
            return [pad_choices(features[start : start + size]) for start in starts]

        def theirs(size=size, starts=starts) -> list[dict]:
            # it takes the labels out of the rows that it is given
            return [reference([dict(row) for row in with_masks[start : start + size]]) for start in starts]

        for own, other in zip(ours(), theirs(), strict=True):
            if not all(torch.equal(own[name], other[name]) for name in NAMES):
                raise AssertionError("the two batches differ: a time would compare two kinds of work")
            if not torch.equal(own["label"], other["labels"]):
                raise AssertionError("the two batches have different labels")
        times = paired_medians(ours, theirs, repetitions)
        rows.append(
            result("choice", times, TARGET, questions=len(features), batch_size=size, threads=threads)
        )
    print_table("Batches of choices: ours against transformers", rows)
    return rows


if __name__ == "__main__":
    run_from_command_line(main, __doc__)
