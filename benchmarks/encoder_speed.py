"""Forward pass of our encoder against transformers' BertModel with sdpa.

The same MiniLM weights, the same batch, the same threads, in interleaved pairs of one run. The target
is a ratio of at least 1.0: ours at least as fast.

    python -m benchmarks.encoder_speed --repetitions 30
"""

from __future__ import annotations

import torch
from transformers import BertModel

from benchmarks.timing import (
    paired_medians,
    print_table,
    result,
    run_from_command_line,
    shares_of_time,
    use_course_threads,
)
from course_lib.bert.loading import load_encoder
from course_lib.data.weights import bundled_weights_folder

TARGET = 1.0
LENGTHS = (64, 128, 512)
WARM_UP = 20  # a process's first passes are slower, by up to a tenth, and not alike for both
TOKENS_IN_A_BATCH = 2048  # the batch shrinks as the length grows


def batch_of(length: int, padded: bool) -> dict[str, torch.Tensor]:
    """Return a batch of random ids; if padded, its rows are between half and wholly full."""
    rows = TOKENS_IN_A_BATCH // length
    generator = torch.Generator().manual_seed(length)
    lengths = torch.linspace(length / 2, length, rows).round() if padded else torch.full((rows,), length)
    return {
        "input_ids": torch.randint(1000, 30000, (rows, length), generator=generator),
        "token_type_ids": torch.zeros(rows, length, dtype=torch.long),
        "attention_mask": (torch.arange(length) < lengths[:, None]).long(),
    }


def main(repetitions: int = 30, lengths: tuple[int, ...] = LENGTHS) -> list[dict]:
    """Measure every length, whole and padded.

    Returns
    -------
    list of dict
        One row for each case: milliseconds of both, ratio (reference / ours), target; of whole rows also the
        share of our time that each kind of operation takes.
    """
    threads = use_course_threads()
    folder = bundled_weights_folder()
    ours = load_encoder(folder)
    reference = BertModel.from_pretrained(folder, attn_implementation="sdpa", use_safetensors=True).eval()
    rows, breakdown = [], []
    with torch.inference_mode():
        for length in lengths:
            for padded in (False, True):
                batch = batch_of(length, padded)
                tokens = batch["attention_mask"].bool()
                gap = (ours(**batch)[0] - reference(**batch)[0])[tokens].abs().max().item()
                if gap > 1e-4:  # a fast encoder that computes something else would win nothing
                    raise AssertionError(f"length {length}: the two encoders differ by {gap}")
                times = paired_medians(
                    lambda batch=batch: ours(**batch),
                    lambda batch=batch: reference(**batch),
                    repetitions,
                    warm_up=WARM_UP,
                )
                case = {"length": length, "rows": len(tokens), "padded": padded, "threads": threads}
                rows.append(result("encoder", times, TARGET, **case))
                if not padded:  # padding changes how much is computed, and not what
                    breakdown.append({"length": length, **shares_of_time(lambda batch=batch: ours(**batch))})
    print_table("Encoder, forward: ours against transformers' BertModel with sdpa", rows)
    print_table("Share of our time by kind of operation", breakdown)
    for row, shares in zip(rows[::2], breakdown, strict=True):
        row["shares_of_time"] = {name: value for name, value in shares.items() if name != "length"}
    return rows


if __name__ == "__main__":
    run_from_command_line(main, __doc__)
