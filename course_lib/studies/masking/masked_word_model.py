"""A masked-word model from MiniLM: the recording behind lesson 04's fill-mask.

MiniLM comes without a masked-language-model head, so one is trained here, together with the
encoder's blocks, on the Wikipedia sample. The embeddings stay as published: they are not stored
again, and the decoder is tied to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from tqdm import tqdm

from course_lib import settings
from course_lib.bert.compact import as_int8, restored
from course_lib.bert.heads import BertForMaskedLanguageModel, masked_language_model_loss
from course_lib.bert.loading import load_encoder, read_tensors, write_tensors
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.manifest import check_files, renew_manifest
from course_lib.data.weights import bundled_weights_folder
from course_lib.data.wikipedia import load_wikipedia
from course_lib.pretraining.corpus import TokenizedCorpus, full_sequences, tokenize_corpus
from course_lib.pretraining.masking import MaskedBatch, MaskingStrategy, MaskingVocabulary, mask_tokens
from course_lib.pretraining.model import set_output_bias
from course_lib.studies.records import Runner
from course_lib.training.optimization import adamw
from course_lib.training.update import UpdateStep

CODE_VERSION = 1
CHECKPOINT = settings.CHECKPOINTS / "mlm-head"


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    max_length: int = 128
    batch_size: int = 16
    steps: int = 1000
    learning_rate: float = 5e-4
    warmup_steps: int = 60
    evaluate_every: int = 100
    validation_every: int = 10  # one article in ten is kept for validation
    attention_dropout: float = 0.0  # torch has no fast attention with dropout on a CPU
    precision: str = "bfloat16"


CONFIGURATION = Configuration()


def wikipedia_split(
    tokenizer: Tokenizer, validation_every: int = 10
) -> tuple[TokenizedCorpus, TokenizedCorpus]:
    """Return the Wikipedia sample as a training and a validation corpus, split by article."""
    corpus = tokenize_corpus([article["sentences"] for article in load_wikipedia()], tokenizer)
    numbers = range(corpus.number_of_documents)
    return (
        corpus.documents([n for n in numbers if n % validation_every]),
        corpus.documents([n for n in numbers if not n % validation_every]),
    )


def train_masked_language_model(
    model: BertForMaskedLanguageModel,
    sequences: Tensor,
    vocabulary: MaskingVocabulary,
    *,
    strategy: MaskingStrategy = MaskingStrategy(),
    steps: int,
    batch_size: int,
    learning_rate: float,
    warmup_steps: int,
    precision: str = "float32",
    seed: int = 0,
) -> Iterator[tuple[int, float]]:
    """Train on freshly masked batches (dynamic masking), yielding the step and its loss.

    Parameters
    ----------
    model : the model; only parameters that require a gradient are trained.
    sequences : (N, T) int64, padded with [PAD].
    vocabulary, strategy : how to mask.
    steps, batch_size, learning_rate, warmup_steps : the schedule; the rate decays linearly to 0.
    precision : ``float32``, or ``bfloat16`` for autocast.
    seed : seed of batches and masks.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = adamw(model, learning_rate)
    update = UpdateStep(model, optimizer, learning_rate, warmup_steps, steps, precision=precision)
    order = torch.empty(0, dtype=torch.long)

    def loss_of(masked: MaskedBatch) -> Tensor:
        real = masked.input_ids != vocabulary.pad_id  # (B, T)
        scores = model(masked.input_ids, attention_mask=real, positions=masked.positions)  # (M, V)
        return masked_language_model_loss(scores, masked.targets)

    model.train()
    for step in range(steps):
        if len(order) < batch_size:  # a new pass over the data, in a new order
            order = torch.randperm(len(sequences), generator=generator)
        rows, order = order[:batch_size], order[batch_size:]
        batch = sequences[rows]  # (B, T)
        batch = batch[:, : int((batch != vocabulary.pad_id).sum(dim=1).max())]
        masked = mask_tokens(batch, vocabulary, strategy, generator=generator)
        yield step + 1, update(step, [masked], loss_of).item()


@torch.no_grad()
def evaluate_masked(
    model: BertForMaskedLanguageModel, masked: MaskedBatch, pad_id: int, batch_size: int = 64
) -> dict[str, float]:
    """Return the mean ``loss`` and the ``accuracy`` at the chosen positions of masked sequences."""
    was_training = model.training
    model.eval()
    loss, correct = 0.0, 0
    for start in range(0, len(masked.input_ids), batch_size):
        inputs, positions, targets = masked.rows(start, start + batch_size)
        scores = model(inputs, attention_mask=inputs != pad_id, positions=positions)  # (M, V)
        loss += float(masked_language_model_loss(scores, targets, count=1))
        correct += int((scores.argmax(dim=-1) == targets).sum())
    model.train(was_training)
    return {"loss": loss / len(masked.targets), "accuracy": correct / len(masked.targets)}


def new_model(sequences: Tensor, vocabulary: MaskingVocabulary) -> BertForMaskedLanguageModel:
    """Return MiniLM with a fresh head: embeddings and pooler frozen, output bias at the word frequencies."""
    model = BertForMaskedLanguageModel(load_encoder(bundled_weights_folder()))
    model.encoder.embeddings.requires_grad_(False)
    if model.encoder.pooler is not None:
        model.encoder.pooler.requires_grad_(False)
    counts = torch.bincount(sequences.flatten(), minlength=len(vocabulary.is_special))  # (V,)
    set_output_bias(model, counts, vocabulary.is_special)
    return model


def train_and_store(configuration: Configuration, seed: int) -> dict:
    """Train the masked-word model, store its checkpoint, and return the curves."""
    c = configuration
    settings.prepare(seed)
    tokenizer = load_tokenizer(bundled_weights_folder(verify=False))
    vocabulary = MaskingVocabulary.from_tokens(
        [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    )
    cls_id, sep_id = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    training, validation = (
        full_sequences(part, c.max_length, cls_id, sep_id)
        for part in wikipedia_split(tokenizer, c.validation_every)
    )
    masked = mask_tokens(validation, vocabulary, generator=torch.Generator().manual_seed(seed))
    model = new_model(training, vocabulary)
    model.encoder.use_dropout(attention=c.attention_dropout)
    unigram = int(torch.bincount(training[~vocabulary.is_special[training]]).argmax())
    targets = masked.targets
    curve, losses = [], []
    bar = tqdm(total=c.steps, desc="masked-word model", unit="step")
    for step, loss in train_masked_language_model(
        model,
        training,
        vocabulary,
        steps=c.steps,
        batch_size=c.batch_size,
        learning_rate=c.learning_rate,
        warmup_steps=c.warmup_steps,
        precision=c.precision,
        seed=seed,
    ):
        losses.append(loss)
        bar.update()
        if step % c.evaluate_every == 0 or step == c.steps:
            point = evaluate_masked(model, masked, vocabulary.pad_id)
            curve.append(
                {
                    "step": step,
                    "training_loss": round(float(np.mean(losses)), 4),
                    "loss": round(point["loss"], 4),
                    "accuracy": round(point["accuracy"], 4),
                }
            )
            losses = []
            bar.set_postfix(loss=f"{point['loss']:.3f}", accuracy=f"{point['accuracy']:.3f}")
    bar.close()
    save_masked_word_model(model)
    stored = evaluate_masked(load_masked_word_model(), masked, vocabulary.pad_id)
    return {
        "curve": curve,
        "stored": {name: round(value, 4) for name, value in stored.items()},
        "training_tokens": int((training != vocabulary.pad_id).sum()),
        "validation_predictions": len(targets),
        "unigram_accuracy": round(float((targets == unigram).float().mean()), 4),
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Make the one run of the recording; see :func:`train_and_store`."""
    seed, product = settings.prepare().seed, CHECKPOINT / "model.safetensors"
    return runner.run("mlm-head", CODE_VERSION, configuration, seed, train_and_store, products=[product])


def save_masked_word_model(model: BertForMaskedLanguageModel, folder: Path = CHECKPOINT) -> None:
    """Store blocks and head; the embeddings are the published ones and stay out.

    Matrices are stored as 8-bit integers with one scale a row, everything else in half precision.

    Raises
    ------
    CheckpointError
        If the folder cannot be written.
    """
    write_tensors(as_int8(_stored(model)), folder / "model.safetensors")
    renew_manifest(folder)


def _stored(model: BertForMaskedLanguageModel) -> dict[str, Tensor]:
    """Return the tensors that the checkpoint holds: the decoder's matrix is that of the embeddings."""
    return {
        name: tensor
        for name, tensor in model.state_dict().items()
        if name.startswith(("encoder.blocks.", "head.")) and name != "head.decoder.weight"
    }


def load_masked_word_model(folder: Path = CHECKPOINT) -> BertForMaskedLanguageModel:
    """Load the recorded masked-word model: published embeddings, recorded blocks and head.

    Raises
    ------
    WeightsError
        If a file is missing or damaged, or is not the one that was recorded.
    CheckpointError
        If the checkpoint does not belong to this model.
    """
    check_files(folder)
    model = BertForMaskedLanguageModel(load_encoder(bundled_weights_folder()))
    path, remedy = folder / "model.safetensors", "Make the checkpoint anew with: course record mlm-head"
    tensors = restored(read_tensors(path), _stored(model), path, remedy)
    model.load_state_dict(tensors, strict=False)
    return model.eval()
