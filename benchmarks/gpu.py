"""The code path of a GPU, all of it in a few minutes: BERT-base from random weights on made-up text.

What a real run does, only shorter: text and labels are read from files in their official layouts, pre-training and
fine-tuning run in bfloat16 against transformers' models on the same batches, and a pre-training run that is cut off goes
on from its checkpoint. The text is made up, so the losses say that learning works, and nothing about language. It takes
less than 8 minutes on a GPU, which has to be there:

    COURSE_PROFILE=full python -m benchmarks.gpu

The result, with versions, device and date, is kept in ``data/recorded/gpu.json``.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from transformers import BertConfig, BertForPreTraining, BertForSequenceClassification

from benchmarks.pretraining_speed import needed_operations
from course_lib import settings
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import sequence_classification_head
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.readers.glue import read_glue
from course_lib.data.weights import bundled_weights_folder
from course_lib.files import write_json
from course_lib.finetuning.classification import classification_features, classification_loss
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, fine_tune
from course_lib.pretraining.corpus import tokenize_corpus
from course_lib.pretraining.examples import PretrainingBatch, Stage
from course_lib.pretraining.loop import PretrainingConfiguration, PretrainingRun, new_accelerator
from course_lib.pretraining.masking import MaskedBatch, MaskingVocabulary
from course_lib.pretraining.texts import documents_from_file, read_vocabulary, tokenizer_of
from course_lib.studies.records import provenance
from course_lib.training.batching import BucketBatchSampler, pad_batch
from course_lib.training.optimization import adamw
from course_lib.training.precision import autocast

RESULT = settings.RECORDED / "gpu.json"
COMMAND = "COURSE_PROFILE=full python -m benchmarks.gpu"
SEED = 0


@dataclass(frozen=True)
class Sizes:
    """How much is done.

    Parameters
    ----------
    model : the encoder; its vocabulary is the bundled one.
    length, rows : pieces of a row and rows of a batch, of both kinds of training.
    steps : of pre-training; a checkpoint is written after half of them.
    timed : how many of them are timed again for the comparison, ours and transformers' in turn.
    documents, reviews : how much text is made up.
    product : rows and columns of the matrices whose product says what the device can do.
    """

    model: BertConfiguration
    length: int
    rows: int
    steps: int
    timed: int
    documents: int
    reviews: int
    product: int


BASE = Sizes(BertConfiguration.base(), 128, 128, 200, 20, 2_000, 8_192, 8_192)
TINY = Sizes(
    replace(
        BertConfiguration.base(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    ),
    *(32, 8, 8, 2, 12, 64, 64),
)


def finished(device: torch.device) -> float:
    """Wait until a device has done what it was asked for, and return the time."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Return the wall time of some work, its end on the device included."""
    began = finished(device)
    work()
    return finished(device) - began


def in_turn(
    ours: Callable[[], object], reference: Callable[[], object], device: torch.device, repetitions: int = 3
) -> tuple[float, float]:
    """Return median seconds of both, after one call of each that isn't counted."""
    pairs = [(seconds_of(ours, device), seconds_of(reference, device)) for _ in range(repetitions + 1)]
    own, other = zip(*pairs[1:], strict=True)
    return statistics.median(own), statistics.median(other)


def write_texts(folder: Path, words: list[str], sizes: Sizes) -> None:
    """Make up ``text.txt``, a sentence a line and a blank line between documents, and ``train.tsv`` as of SST-2.

    A document uses 30 words and no others, and every word of a review speaks for its label, so there is something to
    learn in a few steps.
    """
    draw = random.Random(SEED)
    documents = []
    for _ in range(sizes.documents):
        topic = draw.sample(words, 30)
        sentences = [" ".join(draw.choices(topic, k=draw.randint(8, 24))) + "." for _ in range(12)]
        documents.append("\n".join(sentences))
    (folder / "text.txt").write_text("\n\n".join(documents) + "\n", encoding="utf-8")
    lines = ["sentence\tlabel"]
    for _ in range(sizes.reviews):
        label = draw.randrange(2)
        side = words[: len(words) // 2] if label else words[len(words) // 2 :]
        lines.append(" ".join(draw.choices(side[:200], k=draw.randint(4, sizes.length - 4))) + f"\t{label}")
    (folder / "train.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


class CutOffError(Exception):
    """The run was interrupted on purpose."""


class CutOffRun(PretrainingRun):
    """A run that is interrupted a step after half of its way."""

    def update(self, parts: list[PretrainingBatch]) -> Tensor:
        if self.step == self.configuration.steps // 2 + 1:
            raise CutOffError
        return super().update(parts)


def product_speed(size: int, precision: str, device: torch.device) -> float:
    """Return the operations per second of a large matrix product, the best of five."""
    left, right = torch.randn(2, size, size, dtype=getattr(torch, precision), device=device)
    times = [seconds_of(lambda: left @ right, device) for _ in range(6)]
    return 2 * size**3 / min(times[1:])


def memory_of(work: Callable[[], object], device: torch.device) -> tuple[object, int]:
    """Return what some work returns, and the most MiB of the GPU that it took at once (0 on a CPU)."""
    if device.type != "cuda":
        return work(), 0
    torch.cuda.reset_peak_memory_stats(device)
    done = work()
    return done, torch.cuda.max_memory_allocated(device) // 2**20


def reference_steps(
    model: torch.nn.Module, batches: Iterable[dict[str, Tensor]], precision: str, device: torch.device
) -> Callable[[], None]:
    """Return the training of a model of transformers on batches: autocast, clipping and fused AdamW, as ours has them."""
    model, batches = model.to(device).train(), list(batches)
    optimizer = adamw(model, 1e-4, fused=True)

    def work() -> None:
        for batch in batches:
            with autocast(device.type, precision):
                loss = model(**{name: tensor.to(device) for name, tensor in batch.items()}).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

    return work


def pretraining(folder: Path, sizes: Sizes, precision: str, device: torch.device) -> dict:
    """Pre-train to the end, cut a second run off and go on, and time some steps against ``BertForPreTraining``."""
    vocabulary = read_vocabulary(bundled_weights_folder(verify=False) / "vocab.txt")
    corpus = tokenize_corpus(documents_from_file(folder / "text.txt"), tokenizer_of(vocabulary))
    masking = MaskingVocabulary.from_tokens(vocabulary)
    configuration = PretrainingConfiguration(
        model=replace(sizes.model, vocab_size=len(vocabulary)),
        stages=(Stage(sizes.length, sizes.steps, sizes.rows),),
        learning_rate=1e-4,
        warmup_steps=max(1, sizes.steps // 10),
        precision=precision,
        checkpoint_every=sizes.steps // 2,
        seed=SEED,
    )

    def run_of(kind: type[PretrainingRun], place: Path | None) -> PretrainingRun:
        return kind(configuration, corpus, masking, folder=place, accelerator=new_accelerator())

    whole = run_of(PretrainingRun, None)
    _, memory = memory_of(lambda: whole.train(progress=False), device)
    try:
        run_of(CutOffRun, folder / "run").train(progress=False)
    except CutOffError:
        pass
    resumed = run_of(PretrainingRun, folder / "run")
    resumed.train(progress=False)
    losses = whole.history.losses
    after = zip(losses[sizes.steps // 2 :], resumed.history.losses[sizes.steps // 2 :], strict=True)

    timed = run_of(PretrainingRun, None)
    timed.parallel.train()
    parts = [timed.batches[step] for step in range(sizes.timed)]
    batches = [part for (part,) in parts]
    model = BertForPreTraining(BertConfig(**asdict(configuration.model), attn_implementation="sdpa"))
    own, other = in_turn(
        lambda: [timed.update(part) for part in parts],
        reference_steps(model, map(reference_batch, batches), precision, device),
        device,
    )
    tokens = sum(batch.tokens_in_step for batch in batches)
    needed = sum(needed_operations(batch, configuration.model) for batch in batches)
    return {
        "first_loss": losses[0],
        "last_loss": statistics.mean(losses[-max(1, sizes.steps // 10) :]),
        "resumed_from_step": sizes.steps // 2,
        "largest_difference_after_resuming": max(abs(a - b) for a, b in after),
        "peak_memory_mib": memory,
        "ours_tokens_per_s": tokens / own,
        "reference_tokens_per_s": tokens / other,
        "ratio": other / own,
        "operations_per_s": needed / own,
    }


def reference_batch(batch: PretrainingBatch) -> dict[str, Tensor]:
    """Return a batch as ``BertForPreTraining`` takes it."""
    return {
        "input_ids": batch.input_ids,
        "token_type_ids": batch.token_type_ids,
        "attention_mask": batch.attention_mask.long(),
        "labels": MaskedBatch(batch.input_ids, batch.positions, batch.targets).labels,
        "next_sentence_label": batch.next_sentence_labels,
    }


def fine_tuning(folder: Path, sizes: Sizes, precision: str, device: torch.device) -> dict:
    """Fine-tune a classifier from random weights, against ``BertForSequenceClassification`` on the same batches."""
    rows = read_glue(folder / "train.tsv", "sst2")
    tokenizer = load_tokenizer(bundled_weights_folder(verify=False))
    features = classification_features(rows["sentence"], tokenizer, rows["label"], max_length=sizes.length)
    configuration = TrainingConfiguration(
        learning_rate=5e-5, epochs=1, batch_size=sizes.rows, frozen="none", precision=precision, seed=SEED
    )
    torch.manual_seed(SEED)
    model = replace(sizes.model, vocab_size=tokenizer.get_vocab_size())
    ours = TaskModel(BertEncoder(model), sequence_classification_head(model, 2), pooled=True).to(device)
    history, memory = memory_of(
        lambda: fine_tune(ours, features, classification_loss, configuration, progress=False), device
    )
    count = sizes.timed * sizes.rows
    lengths = [len(feature["input_ids"]) for feature in features[:count]]
    batches = [
        pad_batch([features[row] for row in chosen])
        for chosen in BucketBatchSampler(lengths, sizes.rows, SEED)
    ]
    for batch in batches:
        batch["labels"] = batch.pop("label")
    reference = BertForSequenceClassification(
        BertConfig(
            **asdict(model) | {"attention_probs_dropout_prob": configuration.attention_dropout},
            attn_implementation="sdpa",
            num_labels=2,
        )
    )
    own, other = in_turn(
        lambda: fine_tune(ours, features[:count], classification_loss, configuration, progress=False),
        reference_steps(reference, batches, precision, device),
        device,
    )
    tenth = max(1, len(history.losses) // 10)
    return {
        "first_loss": statistics.mean(history.losses[:tenth]),
        "last_loss": statistics.mean(history.losses[-tenth:]),
        "peak_memory_mib": memory,
        "ours_tokens_per_s": sum(lengths) / own,
        "reference_tokens_per_s": sum(lengths) / other,
        "ratio": other / own,
    }


def measure(sizes: Sizes, device: torch.device, precision: str = "bfloat16") -> dict:
    """Do everything once, and return the results with their provenance.

    Raises
    ------
    AssertionError
        If a loss does not fall, or the run that was cut off does not go on as the other one.
    """
    words = [
        word for word in read_vocabulary(bundled_weights_folder(verify=False) / "vocab.txt") if word.isalpha()
    ]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_texts(folder, random.Random(SEED).sample(words, min(2_000, len(words))), sizes)
        speed = product_speed(sizes.product, precision, device)
        results = {
            "pretraining": pretraining(folder, sizes, precision, device),
            "fine_tuning": fine_tuning(folder, sizes, precision, device),
        }
    results["pretraining"]["share_of_peak"] = results["pretraining"].pop("operations_per_s") / speed
    for name, found in results.items():
        if not found["last_loss"] < found["first_loss"]:
            raise AssertionError(f"{name}: the loss went from {found['first_loss']} to {found['last_loss']}")
    if results["pretraining"]["largest_difference_after_resuming"] > 0.05:
        raise AssertionError(f"The run goes on differently from its checkpoint: {results['pretraining']}")
    return {
        "command": COMMAND,
        "configuration": asdict(sizes) | {"precision": precision, "seed": SEED},
        "results": results | {"product_operations_per_s": speed},
        "minutes": (time.perf_counter() - began) / 60,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        **provenance(),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure on the GPU and keep the result; without a GPU, say so."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=RESULT, help="where the result is kept")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print(
            f"This script needs a GPU, and torch finds none here; on a machine with one, run: {COMMAND}",
            file=sys.stderr,
        )
        return 1
    os.environ["COURSE_PROFILE"] = "full"
    settings.current.cache_clear()  # whatever an import has read before
    settings.prepare()
    content = measure(BASE, settings.device())
    write_json(options.output, content, then=f"run it again: {COMMAND}")
    for name, found in content["results"].items():
        print(name, found)
    print(f"{options.output} is written; it took {content['minutes']:.1f} minutes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
