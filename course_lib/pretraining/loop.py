"""The pre-training loop: joint loss, AdamW, warm-up and decay, on one process or many.

Devlin et al. 2018, section 3.1 and appendix A.2. Devices and processes are 🤗 Accelerate's work:
``course pretrain`` runs on one process; behind ``accelerate launch`` (GPUs) or
``torchrun`` (CPUs) the same command runs on as many as the launcher starts.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from course_lib import settings
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.heads import masked_language_model_loss
from course_lib.errors import CheckpointError, CourseError
from course_lib.pretraining import checkpoints
from course_lib.pretraining.corpus import TokenizedCorpus
from course_lib.pretraining.examples import (
    DROPOUT,
    WEIGHTS,
    PretrainingBatch,
    PretrainingBatches,
    Stage,
    derived_seed,
    held_out_batches,
)
from course_lib.pretraining.masking import MaskingStrategy, MaskingVocabulary
from course_lib.pretraining.model import (
    PretrainingModel,
    attend_to_neighbors,
    next_sentence_loss,
    set_output_bias,
)
from course_lib.training.optimization import adamw
from course_lib.training.precision import autocast
from course_lib.training.update import UpdateStep, check_loss
from course_lib.translation import translate

if TYPE_CHECKING:
    from accelerate import Accelerator


class PretrainingError(CourseError):
    """The run cannot start with these inputs."""


@dataclass(frozen=True)
class PretrainingConfiguration:
    """How to pre-train; the defaults are for a small model on a laptop.

    Parameters
    ----------
    model : sizes and rates of the encoder.
    stages : sequence lengths with their steps and batch sizes, one after the other.
    learning_rate, warmup_steps : peak of the rate and steps up to it; then it falls linearly to 0 at
        the last step of the last stage.
    weight_decay, clip : of matrices only; of the norm of the whole gradient.
    accumulation : batches whose gradients add up to one step.
    precision : ``float32``, or ``bfloat16`` by autocast.
    masking : shares and counts.
    objective : ``nsp``, or ``sop`` (sentence order, Lan et al. 2019).
    short_probability : share of documents cut into shorter sequences.
    word_frequencies_first : whether the output bias starts at the word frequencies, not at 0.
    neighbors_first : whether attention starts at near positions, not at random.
    evaluate_every, held_out_pairs : steps between evaluations, and the most pairs in one.
    checkpoint_every, report_every : steps between checkpoints, and between looks at the loss.
    seed : of weights, pairs, masks and dropout.
    """

    model: BertConfiguration = field(
        default_factory=lambda: BertConfiguration(
            vocab_size=8000,
            hidden_size=256,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=1024,
            max_position_embeddings=128,
        )
    )
    stages: tuple[Stage, ...] = (Stage(max_length=128, steps=1000, batch_size=32),)
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    accumulation: int = 1
    precision: str = "float32"
    masking: MaskingStrategy = field(default_factory=MaskingStrategy)
    objective: str = "nsp"
    short_probability: float = 0.1
    word_frequencies_first: bool = False
    neighbors_first: bool = False
    evaluate_every: int = 100
    held_out_pairs: int | None = 512
    checkpoint_every: int = 500
    report_every: int = 10
    seed: int = 42

    @property
    def steps(self) -> int:
        """Updates of the whole run."""
        return sum(stage.steps for stage in self.stages)

    @classmethod
    def of_paper(cls, processes: int = 1, batch_size: int = 32, **changes) -> PretrainingConfiguration:
        """BERT-base as in appendix A.2: 256 pairs a step, 900,000 steps at length 128, 100,000 at 512.

        Parameters
        ----------
        processes : how many will run; with ``batch_size`` pairs each, accumulation makes up the rest.
        batch_size : pairs that fit a device at length 512.
        changes : fields with other values.
        """
        return cls(
            **{
                "model": BertConfiguration.base(),
                "stages": (Stage(128, 900_000, batch_size), Stage(512, 100_000, batch_size)),
                "learning_rate": 1e-4,
                "warmup_steps": 10_000,
                "accumulation": max(1, 256 // (processes * batch_size)),
                "precision": "bfloat16",
                "evaluate_every": 5_000,
                "held_out_pairs": 2_048,
                "checkpoint_every": 5_000,
                "report_every": 100,
                **changes,
            }
        )


@dataclass
class PretrainingHistory:
    """What a run left behind, one entry for each step; evaluations where there was one.

    ``losses`` is the joint loss that is minimized, ``mlm_losses`` and ``nsp_losses`` are its parts, all
    means over the step; ``learning_rates`` those of the update; ``tokens_per_second`` counts tokens
    without padding. Each of ``evaluations`` has ``step``, ``mlm_loss``, ``mlm_accuracy``, ``nsp_loss``
    and ``nsp_accuracy`` on held-out text.
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    mlm_losses: list[float] = field(default_factory=list)
    nsp_losses: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    tokens_per_second: list[float] = field(default_factory=list)
    evaluations: list[dict[str, float]] = field(default_factory=list)


def pretrain(
    configuration: PretrainingConfiguration,
    corpus: TokenizedCorpus,
    vocabulary: MaskingVocabulary,
    *,
    held_out: TokenizedCorpus | None = None,
    folder: Path | None = None,
    model: PretrainingModel | None = None,
    progress: bool = True,
    observe: Callable[[PretrainingModel], dict[str, float]] | None = None,
) -> tuple[PretrainingModel, PretrainingHistory]:
    """Pre-train a BERT, or go on with a run that was interrupted.

    Parameters
    ----------
    configuration : model, stages, rates.
    corpus : the tokenized training text.
    vocabulary : what masking and packing must know of the vocabulary.
    held_out : text of other documents, to evaluate on; no evaluation if left out.
    folder : where checkpoints are kept. If one is there, the run goes on from it, to the same losses.
    model : a model to go on with, trained in place; a fresh one if left out.
    progress : whether to show a progress bar.
    observe : called with the model at each evaluation; what it returns is kept among the scores.

    Returns
    -------
    model, history
        The model in evaluation mode, and the curves of the whole run.

    Raises
    ------
    PretrainingError
        If text, vocabulary and model do not belong together.
    TrainingDivergedError
        If the loss is no longer a number.
    CheckpointError
        If a checkpoint cannot be written, is damaged, or was made with another configuration.
    """
    _check(configuration, corpus, vocabulary, held_out, model)
    accelerator = new_accelerator()
    devices = [accelerator.device] if accelerator.device.type == "cuda" else []
    with torch.random.fork_rng(devices):  # the caller's random numbers stay as they were
        run = PretrainingRun(
            configuration,
            corpus,
            vocabulary,
            held_out=held_out,
            folder=folder,
            model=model,
            observe=observe,
            accelerator=accelerator,
        )
        run.train(progress)
    return run.model.eval(), run.history


def new_accelerator() -> Accelerator:
    """Return 🤗 Accelerate's view of devices and processes: the CPU alone in the quick profile."""
    from accelerate import Accelerator

    # The loop casts by its own configuration. Left open, the precision would come from the environment,
    # where a Trainer of the same process may have left its own.
    return Accelerator(cpu=settings.device().type == "cpu", mixed_precision="no")


def _check(
    c: PretrainingConfiguration,
    corpus: TokenizedCorpus,
    vocabulary: MaskingVocabulary,
    held_out: TokenizedCorpus | None,
    model: PretrainingModel | None,
) -> None:
    """Refuse text, vocabulary and model that do not belong together, before any time is spent."""
    words, size = len(vocabulary.is_special), c.model.vocab_size
    if words != size:
        raise PretrainingError(
            f"The vocabulary has {words} word pieces, but the model's configuration says vocab_size {size}. "
            f"Set vocab_size={words}."
        )
    ids = {
        "corpus": corpus.tokens,
        "list of special tokens": np.array([*vocabulary.special, vocabulary.mask_id]),
    }
    if held_out is not None:
        ids["held-out corpus"] = held_out.tokens
    for name, tokens in ids.items():
        for number in (int(tokens.min(initial=0)), int(tokens.max(initial=0))):
            if not 0 <= number < size:
                raise PretrainingError(
                    f"The {name} has the word-piece id {number}, but the vocabulary goes from 0 to {size - 1}. "
                    "Tokenize the text with the vocabulary that is given here."
                )
    if held_out is not None and c.objective == "nsp" and held_out.number_of_documents == 1:
        raise PretrainingError(
            "The held-out corpus is one document, and a random B must come from another one. Hold out two "
            "documents, leave held_out away, or use objective='sop'."
        )
    longest = max(stage.max_length for stage in c.stages)
    if longest > c.model.max_position_embeddings:
        raise PretrainingError(
            f"A stage has max_length {longest}, but the model has {c.model.max_position_embeddings} "
            "positions. Raise max_position_embeddings, or shorten the stage."
        )
    if model is not None and model.configuration != c.model:
        raise PretrainingError(
            "The model that is given was built with another configuration than configuration.model. "
            "Use model.configuration for both."
        )


class PretrainingRun:
    """One run: the model and its optimizer, the step it is at, and the curves so far.

    :func:`pretrain` makes one and trains it; benchmarks take it apart. Its parameters are those of that function, and:

    Parameters
    ----------
    accelerator : 🤗 Accelerate's view of devices and processes; :func:`new_accelerator` if left out.
    """

    def __init__(
        self,
        configuration: PretrainingConfiguration,
        corpus: TokenizedCorpus,
        vocabulary: MaskingVocabulary,
        *,
        held_out: TokenizedCorpus | None = None,
        folder: Path | None = None,
        model: PretrainingModel | None = None,
        observe: Callable[[PretrainingModel], dict[str, float]] | None = None,
        accelerator: Accelerator | None = None,
    ):
        self.configuration = c = configuration
        self.accelerator = accelerator or new_accelerator()
        self.folder = None if folder is None else Path(folder)
        self.observe = observe
        self.step, self.history = 0, PretrainingHistory()
        pairs_and_masks = {
            "strategy": c.masking,
            "objective": c.objective,
            "short_probability": c.short_probability,
            "seed": c.seed,
        }
        self.batches = PretrainingBatches(
            corpus,
            vocabulary,
            c.stages,
            **pairs_and_masks,
            processes=self.accelerator.num_processes,
            process=self.accelerator.process_index,
            accumulation=c.accumulation,
        )
        self.held_out = []
        if held_out is not None:
            length = c.stages[0].max_length
            self.held_out = held_out_batches(
                held_out, vocabulary, length, **pairs_and_masks, limit=c.held_out_pairs
            )
        self.model = (model or _new_model(c, corpus, vocabulary)).to(self.accelerator.device)
        optimizer = adamw(self.model, c.learning_rate, c.weight_decay, fused=True)
        self.parallel, self.optimizer = self.accelerator.prepare(self.model, optimizer)
        self.update_step = UpdateStep(
            self.parallel,
            self.optimizer,
            c.learning_rate,
            c.warmup_steps,
            c.steps,
            c.clip,
            c.precision,
            self.accelerator,
        )
        self.identity = _identity(c, corpus, self.accelerator.num_processes)

    def train(self, progress: bool) -> None:
        """Run to the last step: report, evaluate and keep checkpoints as configured."""
        c = self.configuration
        self._resume()
        if self.step == 0:
            self._evaluate()
        cuda = self.accelerator.device.type == "cuda"
        loader = DataLoader(
            self.batches,
            batch_size=None,  # an item is a whole step already
            sampler=range(self.step, c.steps),
            num_workers=2 if cuda else 0,
            pin_memory=cuda,
        )
        bar = tqdm(
            total=c.steps,
            initial=self.step,
            desc=translate("pre-training"),
            unit=translate("step"),
            disable=not (progress and self.accelerator.is_main_process),
        )
        losses, tokens, began = [], 0, time.perf_counter()
        self.parallel.train()
        with bar:
            for parts in loader:
                losses.append(self.update(parts))
                tokens += parts[0].tokens_in_step
                self.step += 1
                bar.update()
                evaluate, save = self._is_due(c.evaluate_every), self._is_due(c.checkpoint_every)
                if evaluate or save or self._is_due(c.report_every):
                    self._report(losses, tokens, began, bar)
                    if evaluate:
                        self._evaluate()
                    if save:
                        self._save()
                    losses, tokens, began = [], 0, time.perf_counter()

    def _is_due(self, every: int) -> bool:
        """Tell whether what is done every so many steps, and after the last one, is to be done now; 0 is never."""
        return every > 0 and (self.step % every == 0 or self.step == self.configuration.steps)

    def update(self, parts: list[PretrainingBatch]) -> Tensor:
        """Update the weights once; return (2,) the parts of the loss that this process has computed."""
        self.history.learning_rates.append(self.update_step.rate(self.step))
        return self.update_step(self.step, list(enumerate(parts)), self._losses)

    def _losses(self, numbered: tuple[int, PretrainingBatch]) -> Tensor:
        """Return (2,) what a part adds to the step's losses of words and of pairs."""
        number, part = numbered
        # Dropout depends on the step alone, so no state of a generator has to be kept.
        process = self.accelerator.process_index
        torch.manual_seed(derived_seed(self.configuration.seed, DROPOUT, self.step, process, number))
        batch = part.to(self.accelerator.device)
        scores = self.parallel(*batch[:4])
        words = masked_language_model_loss(scores.words, batch.targets, batch.masked_in_step)
        pairs = next_sentence_loss(scores.sentences, batch.next_sentence_labels, batch.pairs_in_step)
        return torch.stack([words, pairs])

    def _report(self, unread: list[Tensor], tokens: int, began: float, bar: tqdm) -> None:
        """Read the losses since the last report: one exchange between processes for many steps."""
        losses = self.accelerator.reduce(torch.stack(unread), reduction="sum").tolist()  # (steps, 2)
        rate = tokens / (time.perf_counter() - began)
        history = self.history
        for step, (mlm, nsp) in enumerate(losses, start=len(history.steps) + 1):
            c = self.configuration
            check_loss(mlm + nsp, step, c.steps, c.learning_rate, remedy="lengthen the warm-up")
            history.steps.append(step)
            history.losses.append(mlm + nsp)
            history.mlm_losses.append(mlm)
            history.nsp_losses.append(nsp)
            history.tokens_per_second.append(rate)
        bar.set_postfix({"loss": f"{history.losses[-1]:.3f}", translate("tokens/s"): f"{rate:,.0f}"})

    def _evaluate(self) -> None:
        if self.held_out:
            scores = evaluate_pretraining(
                self.model,
                self.held_out,
                precision=self.configuration.precision,
                accelerator=self.accelerator,
            )
            if self.observe is not None:
                was_training = self.model.training
                scores |= self.observe(self.model.eval())
                self.model.train(was_training)
            self.history.evaluations.append({"step": self.step, **scores})

    def _save(self) -> None:
        if self.folder is not None and self.accelerator.is_main_process:
            state = {
                "step": self.step,
                "run": self.identity,
                "history": asdict(self.history),
            }
            checkpoints.save_checkpoint(self.folder, self.model, self.optimizer, state)
        self.accelerator.wait_for_everyone()

    def _resume(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        found = None if self.folder is None else checkpoints.latest_checkpoint(self.folder)
        if found is None:
            return
        state = checkpoints.read_state(found)
        kept = state.get("run", {})
        for name in sorted(kept.keys() | self.identity.keys()):
            if kept.get(name) != self.identity.get(name):
                raise CheckpointError(
                    f"{found / 'state.json'}, field {name!r}: the checkpoint was made with "
                    f"{kept.get(name)!r}, this run has {self.identity.get(name)!r}. "
                    "Use another folder, or the configuration of the checkpoint."
                )
        checkpoints.load_checkpoint(found, self.model, self.optimizer)
        self.step = state["step"]
        try:
            self.history = PretrainingHistory(**state["history"])
        except TypeError as error:
            raise CheckpointError(
                f"{found / 'state.json'}, field 'history': it is of another version ({error}). "
                f"Remove the folder {found} to start the run anew."
            ) from None


def _new_model(
    c: PretrainingConfiguration, corpus: TokenizedCorpus, vocabulary: MaskingVocabulary
) -> PretrainingModel:
    """Return a model with fresh weights, which follow from the seed."""
    torch.manual_seed(derived_seed(c.seed, WEIGHTS))
    model = PretrainingModel(c.model)
    if c.word_frequencies_first:
        set_output_bias(model, word_counts(corpus, c.model.vocab_size), vocabulary.is_special)
    if c.neighbors_first:
        attend_to_neighbors(model)
    return model


def _identity(c: PretrainingConfiguration, corpus: TokenizedCorpus, processes: int) -> dict:
    """Return what must be the same for a run to go on: another number of processes may share the work."""
    values = asdict(c)
    for name in ("accumulation", "evaluate_every", "held_out_pairs", "checkpoint_every", "report_every"):
        values.pop(name)
    for stage in values["stages"]:
        stage["pairs_in_step"] = stage.pop("batch_size") * c.accumulation * processes
    values |= {
        f"model.{name}": value for name, value in values.pop("model").items() if name != "fast_dropout"
    }
    values["corpus"] = {
        "tokens": len(corpus.tokens),
        "sentences": len(corpus.sentence_starts) - 1,
        "documents": corpus.number_of_documents,
        "sha256": sha256(corpus.tokens[: 2**20].tobytes()).hexdigest()[:16],
    }
    return json.loads(json.dumps(values))  # tuples become lists, as in the file


def word_counts(corpus: TokenizedCorpus, vocabulary_size: int) -> Tensor:
    """Count each word piece of a corpus: (V,) int64."""
    return torch.from_numpy(np.bincount(corpus.tokens, minlength=vocabulary_size))


@torch.no_grad()
def evaluate_pretraining(
    model: PretrainingModel,
    batches: Sequence[PretrainingBatch],
    *,
    precision: str = "float32",
    accelerator=None,
) -> dict[str, float]:
    """Return ``mlm_loss``, ``mlm_accuracy``, ``nsp_loss`` and ``nsp_accuracy`` on held-out batches.

    The model is put into evaluation mode for it, without dropout, and back afterwards.

    Parameters
    ----------
    model : the model; with several processes the one inside, not its wrapper.
    batches : with masks that stay the same, from :func:`held_out_batches`.
    precision : as in the configuration.
    accelerator : shares the batches among the processes, if there are several.
    """
    was_training, device = model.training, next(model.parameters()).device
    process, processes = (
        (0, 1) if accelerator is None else (accelerator.process_index, accelerator.num_processes)
    )
    model.eval()
    sums = torch.zeros(6, dtype=torch.float64, device=device)
    for part in batches[process::processes]:
        batch = part.to(device)
        with autocast(device.type, precision):
            scores = model(*batch[:4])
        losses = (
            masked_language_model_loss(scores.words, batch.targets, count=1),
            next_sentence_loss(scores.sentences, batch.next_sentence_labels, count=1),
        )
        words = (scores.words.argmax(dim=-1) == batch.targets).sum()
        pairs = (scores.sentences.argmax(dim=-1) == batch.next_sentence_labels).sum()
        counts = (len(batch.targets), len(batch.next_sentence_labels))
        sums += torch.tensor([*losses, words, pairs, *counts], dtype=torch.float64, device=device)
    if accelerator is not None:
        sums = accelerator.reduce(sums, reduction="sum")
    model.train(was_training)
    mlm_loss, nsp_loss, words, pairs, masked, rows = sums.tolist()
    return {
        "mlm_loss": mlm_loss / masked,
        "mlm_accuracy": words / masked,
        "nsp_loss": nsp_loss / rows,
        "nsp_accuracy": pairs / rows,
    }


def baselines(
    corpus: TokenizedCorpus, vocabulary: MaskingVocabulary, batches: Sequence[PretrainingBatch]
) -> dict[str, float]:
    """Return what is reached without looking at the context, under the names of an evaluation.

    The words come from the shares of the training text (the unigram model, with 0.1 added to each
    count), the sentence pairs from the label that is more frequent in the batches.

    Parameters
    ----------
    corpus : the training text.
    vocabulary : its special tokens are never predicted.
    batches : held-out batches.
    """
    counts = (
        word_counts(corpus, len(vocabulary.is_special)).double().masked_fill(vocabulary.is_special, 0) + 0.1
    )
    targets = torch.cat([batch.targets for batch in batches])
    labels = torch.cat([batch.next_sentence_labels for batch in batches])
    share = float(labels.double().mean())
    majority = max(share, 1 - share)
    entropy = -sum(p * math.log(p) for p in (share, 1 - share) if p > 0)
    return {
        "mlm_loss": float(-(counts / counts.sum()).log()[targets].mean()),
        "mlm_accuracy": float((targets == counts.argmax()).double().mean()),
        "nsp_loss": entropy,
        "nsp_accuracy": majority,
    }
