"""The encoder that leaves padding out, against transformers' BertModel with sdpa, on reviews of different lengths.

The same MiniLM weights, the same batches in random order, the same threads, in interleaved pairs of one run: a forward
pass, and a step of fine-tuning (forward, backward, AdamW) of a classifier with two classes. The target of the forward
pass depends on how much of the batch is real text: 1.8 where about 4 slots of 10 are, 1.05 where about 8 are. A step's
target is 1.4.

    python -m benchmarks.padding_speed --repetitions 10
"""

from __future__ import annotations

import copy
import random

import torch
from torch import nn
from transformers import BertModel

from benchmarks.timing import paired_medians, print_table, result, run_from_command_line, use_course_threads
from course_lib.bert.loading import load_encoder
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.bert.unpadded import without_padding
from course_lib.data.sources import load_texts
from course_lib.data.weights import bundled_weights_folder
from course_lib.finetuning.classification import classification_features
from course_lib.training.batching import pad_batch

ROWS = 32  # of a batch
STEP_TARGET = 1.4
CASES = {
    "padded to 256": (256, 1.8),
    "cut at 32": (32, 1.05),
}  # most pieces of a row, target of the forward pass


def batches_of(max_length: int, count: int = 4) -> list[dict[str, torch.Tensor]]:
    """Return batches of reviews in random order, each padded to its longest row."""
    reviews = load_texts("reviews", "bundled")["train"]
    features = classification_features(
        reviews["text"], load_tokenizer(bundled_weights_folder()), reviews["label"], max_length=max_length
    )
    random.Random(0).shuffle(features)
    batches = [pad_batch(features[start : start + ROWS]) for start in range(0, count * ROWS, ROWS)]
    for batch in batches:
        batch["token_type_ids"] = torch.zeros_like(batch["input_ids"])
    return batches


class Classifier(nn.Module):
    """An encoder of ours or of transformers, and a layer on its pooled output."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(384, 2)
        self.optimizer = torch.optim.AdamW(self.parameters(), lr=1e-6)

    def step(self, batch: dict[str, torch.Tensor]) -> float:
        """Make one update, and return the loss."""
        inputs = {name: batch[name] for name in ("input_ids", "token_type_ids", "attention_mask")}
        loss = nn.functional.cross_entropy(self.head(self.encoder(**inputs)[1]), batch["label"])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def main(repetitions: int = 10, cases: dict[str, tuple[int, float]] = CASES) -> list[dict]:
    """Measure both cases, and return the rows.

    Parameters
    ----------
    repetitions : pairs of passes over all batches.
    cases : by name, the most pieces of a row and the target of the forward pass.
    """
    threads, folder, rows = use_course_threads(), bundled_weights_folder(), []
    usual = load_encoder(folder)
    reference = BertModel.from_pretrained(folder, attn_implementation="sdpa", use_safetensors=True).eval()
    ours = without_padding(usual)
    for name, (max_length, target) in cases.items():
        batches = batches_of(max_length)
        real = torch.cat([batch["attention_mask"].flatten() for batch in batches]).float().mean().item()
        inputs = [{key: value for key, value in batch.items() if key != "label"} for batch in batches]
        with torch.inference_mode():
            for batch in inputs:
                gap = (
                    (ours(**batch)[0] - reference(**batch)[0])[batch["attention_mask"].bool()]
                    .abs()
                    .max()
                    .item()
                )
                if gap > 1e-4:  # a fast encoder that computes something else would win nothing
                    raise AssertionError(f"{name}: the two encoders differ by {gap}")
            times = paired_medians(
                lambda inputs=inputs: [ours(**batch) for batch in inputs],
                lambda inputs=inputs: [reference(**batch) for batch in inputs],
                repetitions,
            )
        case = {"rows": ROWS, "real": f"{real:.0%}", "threads": threads}
        rows.append(result("padding", times, target, work=f"forward, {name}", **case))
    batches = batches_of(256)[:2]
    models = [Classifier(without_padding(copy.deepcopy(usual))), Classifier(copy.deepcopy(reference))]
    for model in models:
        model.train()
        for module in model.modules():  # the same work for both: dropout draws cost time of their own
            if isinstance(module, nn.Dropout):
                module.p = 0.0
    models[0].encoder.use_dropout(hidden=0.0, attention=0.0)
    times = paired_medians(
        *(lambda model=model: [model.step(batch) for batch in batches] for model in models),
        repetitions,
        warm_up=1,
    )
    rows.append(
        result(
            "padding",
            times,
            STEP_TARGET,
            work="fine-tuning step, padded to 256",
            **case | {"real": rows[0]["real"]},
        )
    )
    print_table("Reviews in random order: without padding, against transformers' BertModel with sdpa", rows)
    return rows


if __name__ == "__main__":
    run_from_command_line(main, __doc__, repetitions=10)
