"""Pre-training: our loop against transformers' ``BertForPreTraining`` in its Trainer.

The same batches of real sentence pairs (32 × 128, the same masks), the same threads, the same precision
(float32, and the bfloat16 of the recorded runs: ``bf16=True`` in the Trainer), AdamW with the same
settings, dropout 0.1 everywhere, segments of steps in turn in one run. Ours also plans, packs and masks
its pairs as it goes; the Trainer gets them ready-made. The targets, in bfloat16, are 3 with a vocabulary
of 8,000 word pieces and 6 with 30,522. In float32 matrix products take more of the time of both, and ours
cannot save more of them than the reference wastes.

The second table says what share of the machine's matrix-multiply peak is reached. The operations
counted are those that the model cannot do without: 6 for each weight of a matrix that a token passes (2
forward, 4 backward), and 12 · T · H for each token and layer for the two products of attention:

    per token:          L · (6 · 12 · H² + 12 · T · H), T the tokens of its own pair
    per chosen word:    6 · (H² + H · V)
    per pair:           6 · (H² + 2 · H)

``bound`` in the rows is the ratio that would be reached at the whole peak. Padding, dropout, normalization, softmax and the optimizer count nothing.

    python -m benchmarks.pretraining_speed --repetitions 5 --steps 5
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from dataclasses import asdict
from functools import partial

import torch
from accelerate.state import AcceleratorState
from transformers import BertConfig, BertForPreTraining, Trainer, TrainerCallback, TrainingArguments

from benchmarks.timing import print_table, shares_of_time, use_course_threads
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.heads import IGNORED
from course_lib.data.weights import bundled_weights_folder
from course_lib.pretraining.corpus import TokenizedCorpus, tokenize_corpus
from course_lib.pretraining.examples import PretrainingBatch, Stage
from course_lib.pretraining.loop import PretrainingConfiguration, PretrainingRun, new_accelerator
from course_lib.pretraining.masking import MaskedBatch, MaskingVocabulary
from course_lib.pretraining.texts import learn_vocabulary, read_vocabulary, tokenizer_of, wikipedia_documents
from course_lib.training.precision import multiplies_bfloat16

TARGETS = {8000: 3.0, 30522: 6.0}
ROWS, LENGTH = 32, 128
SETTINGS = {"learning_rate": 1e-4, "weight_decay": 0.01, "warmup_steps": 10}


def configuration_of(vocabulary_size: int, steps: int, precision: str) -> PretrainingConfiguration:
    """Return the run that is measured: 4 layers, 256 wide."""
    model = BertConfiguration(
        vocab_size=vocabulary_size,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=1024,
        max_position_embeddings=LENGTH,
    )
    return PretrainingConfiguration(
        model=model, stages=(Stage(LENGTH, steps, ROWS),), precision=precision, **SETTINGS
    )


def corpus_and_vocabulary(size: int) -> tuple[TokenizedCorpus, list[str]]:
    """Return the Wikipedia sample in BERT's own vocabulary, or in one of another size learned from it."""
    documents = wikipedia_documents()
    if size == 30522:
        vocabulary = read_vocabulary(bundled_weights_folder(verify=False) / "vocab.txt")
    else:
        vocabulary = learn_vocabulary(documents, size)
    return tokenize_corpus(documents, tokenizer_of(vocabulary)), vocabulary


class OurSegments:
    """Our loop, a few steps at a time."""

    def __init__(
        self, configuration: PretrainingConfiguration, corpus: TokenizedCorpus, vocabulary: list[str]
    ):
        self.run = PretrainingRun(configuration, corpus, MaskingVocabulary.from_tokens(vocabulary))
        self.run.parallel.train()
        self.losses: list[float] = []

    def seconds_of(self, steps: range) -> float:
        """Return the time of some steps, making of their batches included."""
        AcceleratorState._reset_state(reset_partial_state=True)  # one a process, and the Trainer sets it too
        self.run.accelerator = self.run.update_step.accelerator = new_accelerator()
        began, parts = time.perf_counter(), []
        for step in steps:
            self.run.step = step
            parts.append(self.run.update(self.run.batches[step]))
        self.losses += torch.stack(parts).sum(dim=1).tolist()
        return time.perf_counter() - began


class ReferenceSegments(TrainerCallback):
    """``BertForPreTraining`` in transformers' Trainer, a few steps at a time."""

    def __init__(self, configuration: PretrainingConfiguration, batches: list[PretrainingBatch], folder: str):
        self.rows = [row for batch in batches for row in rows_of(batch)]
        model = BertForPreTraining(BertConfig(**asdict(configuration.model), attn_implementation="sdpa"))
        self.arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=ROWS,
            train_sampling_strategy="sequential",
            adam_epsilon=1e-6,
            max_grad_norm=1.0,
            logging_strategy="no",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            bf16=configuration.precision == "bfloat16",
            **SETTINGS,
        )
        self.model, self.times, self.optimizer, self.first_loss = model, [], None, None

    def on_step_end(self, args, state, control, **kwargs):
        self.times.append(time.perf_counter())

    def seconds_of(self, steps: range) -> float:
        """Return the time of some steps without the first, which pays for the start."""
        rows = self.rows[steps.start * ROWS : steps.stop * ROWS]
        self.arguments.max_steps = len(steps)
        AcceleratorState._reset_state(reset_partial_state=True)
        trainer = Trainer(
            self.model,
            self.arguments,
            train_dataset=rows,
            callbacks=[self],
            optimizers=(self.optimizer, None),
        )
        self.times = []
        result = trainer.train()
        self.optimizer = trainer.optimizer.optimizer  # without Accelerate's wrapper
        if self.first_loss is None:
            self.first_loss = result.training_loss
        return self.times[-1] - self.times[0]


def rows_of(batch: PretrainingBatch) -> list[dict[str, torch.Tensor]]:
    """Return the rows of a batch as transformers' models want them, padded to the full length."""
    columns = {
        "input_ids": batch.input_ids,
        "token_type_ids": batch.token_type_ids,
        "attention_mask": batch.attention_mask,
        "labels": MaskedBatch(batch.input_ids, batch.positions, batch.targets).labels,
    }
    filling = {"labels": IGNORED}
    missing = LENGTH - batch.input_ids.shape[1]
    columns = {
        name: torch.nn.functional.pad(column, (0, missing), value=filling.get(name, 0))
        for name, column in columns.items()
    }
    return [
        {name: column[row] for name, column in columns.items()}
        | {"next_sentence_label": batch.next_sentence_labels[row]}
        for row in range(len(batch.input_ids))
    ]


def needed_operations(batch: PretrainingBatch, model: BertConfiguration) -> float:
    """Return the floating-point operations that a step cannot do without, as the module's text counts them."""
    H, V, L = model.hidden_size, model.vocab_size, model.num_hidden_layers
    lengths = batch.attention_mask.sum(dim=1).double()  # (B,)
    encoder = L * (72 * H * H * lengths + 12 * H * lengths**2).sum()
    heads = 6 * batch.masked_in_step * (H * H + H * V) + 6 * batch.pairs_in_step * (H * H + 2 * H)
    return float(encoder + heads)


def matrix_multiply_peak(precision: str, size: int = 2048, repetitions: int = 5) -> float:
    """Return the operations per second of a large matrix product in a precision, the best of some."""
    left, right = torch.randn(2, size, size, dtype=getattr(torch, precision))
    times = []
    for _ in range(repetitions + 1):
        began = time.perf_counter()
        torch.mm(left, right)
        times.append(time.perf_counter() - began)
    return 2 * size**3 / min(times[1:])


def main(
    repetitions: int = 5,
    steps: int = 5,
    sizes: tuple[int, ...] = tuple(TARGETS),
    precisions: tuple[str, ...] | None = None,
) -> list[dict]:
    """Measure each vocabulary in each precision.

    Parameters
    ----------
    repetitions : pairs of segments; the reference's first is dropped.
    steps : steps of a segment that are counted.
    sizes : sizes of the vocabulary.
    precisions : ``float32``, ``bfloat16``, or both; left out, those that the processor multiplies.

    Returns
    -------
    list of dict
        One row for each vocabulary and precision: tokens per second of both, ratio (reference / ours), target, share of
        the peak, and the share of our time that each kind of operation takes.
    """
    threads, rows, breakdown = use_course_threads(), [], []
    if precisions is None:
        precisions = ("float32", "bfloat16") if multiplies_bfloat16("cpu") else ("float32",)
    for size, precision in itertools.product(sizes, precisions):
        corpus, vocabulary = corpus_and_vocabulary(size)
        configuration = configuration_of(len(vocabulary), (repetitions + 1) * (steps + 1) + steps, precision)
        ours = OurSegments(configuration, corpus, vocabulary)
        batches = [ours.run.batches[step][0] for step in range((repetitions + 1) * (steps + 1))]
        with tempfile.TemporaryDirectory() as folder:
            reference = ReferenceSegments(configuration, batches, folder)
            rates, peaks = [], []
            for repetition in range(repetitions + 1):
                start = repetition * (steps + 1)
                counted = batches[start + 1 : start + 1 + steps]
                tokens = sum(batch.tokens_in_step for batch in counted)
                peaks.append(matrix_multiply_peak(precision))
                ours.seconds_of(range(start, start + 1))  # the reference's first step is not counted either
                own = ours.seconds_of(range(start + 1, start + 1 + steps))
                other = reference.seconds_of(range(start, start + 1 + steps))
                needed = sum(needed_operations(batch, configuration.model) for batch in counted)
                rates.append((tokens / own, tokens / other, other / own, needed / own / peaks[-1]))
        own, other, ratio, share = (statistics.median(values) for values in zip(*rates[1:], strict=True))
        if abs(ours.losses[0] - reference.first_loss) > 0.2:  # two runs of different tasks compare nothing
            raise AssertionError(f"first losses {ours.losses[0]} and {reference.first_loss}")
        last = (repetitions + 1) * (steps + 1)
        shares = shares_of_time(partial(ours.seconds_of, range(last, last + steps)))
        breakdown.append({"vocabulary": size, "precision": precision, **shares})
        rows.append(
            {
                "benchmark": "pretraining",
                "vocabulary": size,
                "precision": precision,
                "rows": ROWS,
                "length": LENGTH,
                "threads": threads,
                "ours_tokens_per_s": own,
                "reference_tokens_per_s": other,
                "ratio": ratio,
                "target": TARGETS.get(size, 0.0) if precision == "bfloat16" else 0.0,
                "peak_gflops": statistics.median(peaks) / 1e9,
                "share_of_peak": share,
                "bound": ratio / share,
                "shares_of_time": shares,
            }
        )
    shown = [{name: value for name, value in row.items() if name != "shares_of_time"} for row in rows]
    print_table("Pre-training: ours against BertForPreTraining in the Trainer", shown)
    print_table("Share of our time by kind of operation", breakdown)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(TARGETS))
    parser.add_argument("--precisions", nargs="+", choices=("float32", "bfloat16"))
    chosen = parser.parse_args()
    main(chosen.repetitions, chosen.steps, tuple(chosen.sizes), chosen.precisions)
