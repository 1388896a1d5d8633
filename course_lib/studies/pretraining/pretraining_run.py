"""A BERT pre-trained from nothing on real Wikipedia text: the recorded run of lesson 06.

Both objectives, the course's own loop, an own vocabulary. The text is small (about half a million word
pieces), so the run passes over it many times, with other pairs and other masks each time. It can be
stopped and started again: checkpoints are kept in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from course_lib import settings
from course_lib.bert.compact import as_half, restored
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.loading import read_tensors, write_tensors
from course_lib.data.manifest import check_files, renew_manifest
from course_lib.errors import CheckpointError
from course_lib.files import write_json, write_text
from course_lib.pretraining import texts
from course_lib.pretraining.corpus import TokenizedCorpus, tokenize_corpus
from course_lib.pretraining.examples import PretrainingBatch, Stage, held_out_batches
from course_lib.pretraining.loop import (
    PretrainingConfiguration,
    PretrainingHistory,
    baselines,
    evaluate_pretraining,
    pretrain,
)
from course_lib.pretraining.masking import MaskingVocabulary
from course_lib.pretraining.model import PretrainingModel
from course_lib.studies.records import Runner

CODE_VERSION = 1
CHECKPOINT = settings.CHECKPOINTS / "pretraining"
AGAIN = "record it again with: course record pretraining"
VOCABULARY_SIZE = 4000


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    held_out_every: int = 10  # one article in ten is held out
    steps_of_a_point: int = 50  # the curves are kept as means over so many steps
    run: PretrainingConfiguration = field(
        default_factory=lambda: PretrainingConfiguration(
            model=BertConfiguration(  # the size of BERT-Tiny (Turc et al. 2019), with four heads
                vocab_size=VOCABULARY_SIZE,
                hidden_size=128,
                num_hidden_layers=2,
                num_attention_heads=4,
                intermediate_size=512,
                max_position_embeddings=128,
                # Each pass over the text has other masks already; ALBERT (Lan et al. 2019) and Geiping and
                # Goldstein (2022) leave dropout out of pre-training too.
                hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0,
                # 0.02 is made for a width of 768; at 128, attention would start out almost even.
                initializer_range=0.08,
            ),
            # Short sequences give many steps for little text; the second stage trains the later positions.
            stages=(Stage(64, 8_000, 64), Stage(128, 600, 32)),
            learning_rate=1e-3,
            warmup_steps=200,
            precision="bfloat16",
            word_frequencies_first=True,
            neighbors_first=True,
            evaluate_every=250,
            held_out_pairs=400,
            checkpoint_every=500,
            report_every=50,
        )
    )


CONFIGURATION = Configuration()


def shipped_vocabulary(held_out_every: int = CONFIGURATION.held_out_every) -> list[str]:
    """Return the vocabulary of the run; if there is none yet, learn it from the training articles.

    The library that learns it decides ties by chance, so a vocabulary is learned once and kept.

    Raises
    ------
    DataFileError
        If the file is damaged.
    CheckpointError
        If it cannot be written.
    """
    path = CHECKPOINT / "vocab.txt"
    if not path.is_file():
        training = texts.part_of(texts.wikipedia_documents(), False, held_out_every)
        vocabulary = texts.learn_vocabulary(training, VOCABULARY_SIZE)
        write_text(path, "".join(token + "\n" for token in vocabulary), error=CheckpointError, then=AGAIN)
    return texts.read_vocabulary(path)


def corpora(
    vocabulary: list[str] | None = None, held_out_every: int = CONFIGURATION.held_out_every
) -> tuple[list[str], TokenizedCorpus, TokenizedCorpus]:
    """Return the vocabulary, and the Wikipedia sample as a training and a held-out corpus.

    Parameters
    ----------
    vocabulary : word pieces in the order of their ids; the run's own if left out.
    held_out_every : one article in so many is held out, the first one included.
    """
    vocabulary = vocabulary or shipped_vocabulary(held_out_every)
    documents, tokenizer = texts.wikipedia_documents(), texts.tokenizer_of(vocabulary)
    training, held_out = (
        tokenize_corpus(texts.part_of(documents, part, held_out_every), tokenizer) for part in (False, True)
    )
    return vocabulary, training, held_out


def evaluation_batches(
    vocabulary: list[str], held_out: TokenizedCorpus, run: PretrainingConfiguration
) -> list[PretrainingBatch]:
    """Return the held-out batches on which the run is evaluated."""
    return held_out_batches(
        held_out,
        MaskingVocabulary.from_tokens(vocabulary),
        run.stages[0].max_length,
        strategy=run.masking,
        objective=run.objective,
        limit=run.held_out_pairs,
        seed=run.seed,
    )


def pretrain_and_store(configuration: Configuration, seed: int) -> dict:
    """Pre-train, or go on where an earlier call stopped; store the model, and return the curves."""
    c = configuration
    settings.prepare(seed)
    vocabulary, training, held_out = corpora(held_out_every=c.held_out_every)
    model, history = pretrain(
        c.run,
        training,
        MaskingVocabulary.from_tokens(vocabulary),
        held_out=held_out,
        folder=settings.current().cache / "pretraining-run",
    )
    batches = evaluation_batches(vocabulary, held_out, c.run)
    before = evaluate_pretraining(model, batches)
    save_run(model)
    stored, _ = load_run()
    return {
        "curve": curve_points(history, c.steps_of_a_point),
        "evaluations": [_rounded(evaluation) for evaluation in history.evaluations],
        "baselines": _rounded(baselines(training, MaskingVocabulary.from_tokens(vocabulary), batches)),
        "final": _rounded(before),
        "stored": _rounded(evaluate_pretraining(stored, batches)),
        "training_tokens": len(training.tokens),
        "held_out_tokens": len(held_out.tokens),
        "held_out_words": sum(len(batch.targets) for batch in batches),
        "held_out_pairs": sum(len(batch.next_sentence_labels) for batch in batches),
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Make the one run of the recording; see :func:`pretrain_and_store`."""
    products = [CHECKPOINT / name for name in ("config.json", "vocab.txt", "model.safetensors")]
    seed = settings.prepare().seed
    return runner.run("pretraining", CODE_VERSION, configuration, seed, pretrain_and_store, products=products)


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in scores.items()}


def curve_points(history: PretrainingHistory, steps: int) -> list[dict[str, float]]:
    """Return the curves as means over so many steps; ``step`` is the last of them."""
    points = []
    for end in range(steps, len(history.steps) + 1, steps):
        part = slice(end - steps, end)
        points.append(
            {
                "step": history.steps[end - 1],
                "mlm_loss": round(float(np.mean(history.mlm_losses[part])), 4),
                "nsp_loss": round(float(np.mean(history.nsp_losses[part])), 4),
                "learning_rate": round(history.learning_rates[end - 1], 7),
                "tokens_per_second": round(float(np.median(history.tokens_per_second[part]))),
            }
        )
    return points


def save_run(model: PretrainingModel) -> None:
    """Store a model in half precision, with its configuration, beside its vocabulary.

    Raises
    ------
    CheckpointError
        If the folder cannot be written.
    """
    write_json(CHECKPOINT / "config.json", model.configuration.to_dict(), error=CheckpointError, then=AGAIN)
    write_tensors(as_half(dict(model.named_parameters())), CHECKPOINT / "model.safetensors")
    renew_manifest(CHECKPOINT)


def load_run(folder: Path | None = None) -> tuple[PretrainingModel, list[str]]:
    """Load the recorded model and its vocabulary, ready for inference or to go on with.

    Parameters
    ----------
    folder : where they are, if not in their own place.

    Raises
    ------
    WeightsError
        If the weights or the configuration are missing or damaged, or are not those that were recorded.
    DataFileError
        If the vocabulary is.
    CheckpointError
        If weights, configuration and vocabulary do not belong together.
    """
    folder = CHECKPOINT if folder is None else Path(folder)
    check_files(folder)
    configuration = BertConfiguration.from_file(folder / "config.json")
    vocabulary = texts.read_vocabulary(folder / "vocab.txt")
    path, remedy = folder / "model.safetensors", "Make the checkpoint anew with: course record pretraining"
    if len(vocabulary) != configuration.vocab_size:
        raise CheckpointError(
            f"{folder}: the vocabulary of {len(vocabulary)} pieces does not belong to config.json. {remedy}"
        )
    model = PretrainingModel(configuration)
    # The course's own file is older than the name of the head.
    tensors = {n.replace("masked_language_model.", "head."): t for n, t in read_tensors(path).items()}
    model.load_state_dict(restored(tensors, dict(model.named_parameters()), path, remedy), strict=False)
    return model.eval(), vocabulary
