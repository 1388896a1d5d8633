"""Batches for pre-training: a function of the seed and the step, and of nothing else.

No iterator has a state, so a run can stop anywhere and go on, and every process can work out by itself
which part of the step is its own. In the shape comments B is the batch of one process, G that of the
whole step, T the sequence length, M the number of chosen positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.pretraining import sentence_pairs
from course_lib.pretraining.corpus import TokenizedCorpus
from course_lib.pretraining.masking import MaskedBatch, MaskingStrategy, MaskingVocabulary, mask_tokens

# What a random number is for: each purpose has a stream of its own.
PAIRS, MASKS, DROPOUT, WEIGHTS, HELD_OUT = range(5)


@dataclass(frozen=True)
class Stage:
    """A part of the run with one sequence length (section A.2: 90% of the steps at 128, the rest at 512).

    Parameters
    ----------
    max_length : tokens of a pair, [CLS] and [SEP] counted.
    steps : updates of the weights.
    batch_size : pairs that one process takes at once; a step has ``batch_size`` times the accumulation
        times the number of processes.
    """

    max_length: int
    steps: int
    batch_size: int

    def __post_init__(self):
        if min(self.max_length - 4, self.steps, self.batch_size) < 1:
            raise ValueError(
                f"A stage of {self.steps} steps with batches of {self.batch_size} pairs of at most "
                f"{self.max_length} tokens cannot be run. Use at least 1 step, 1 pair and 5 tokens."
            )


class PretrainingBatch(NamedTuple):
    """What one process computes at once, and the counts of the whole step that it belongs to.

    ``input_ids`` (masked), ``token_type_ids``, ``attention_mask`` are (B, T) int64; ``positions`` (M,)
    int64 are places in the batch read row by row, ``targets`` (M,) int64 the original words there;
    ``next_sentence_labels`` (B,) int64. ``masked_in_step``, ``pairs_in_step`` and ``tokens_in_step``
    count chosen positions, pairs and tokens without padding over all processes.
    """

    input_ids: Tensor
    token_type_ids: Tensor
    attention_mask: Tensor
    positions: Tensor
    targets: Tensor
    next_sentence_labels: Tensor
    masked_in_step: int
    pairs_in_step: int
    tokens_in_step: int

    def to(self, device: torch.device) -> PretrainingBatch:
        """Return the batch on a device."""
        return PretrainingBatch(
            *(v.to(device, non_blocking=True) if isinstance(v, Tensor) else v for v in self)
        )


def derived_seed(seed: int, *path: int) -> int:
    """Return a seed for one purpose, such as ``(seed, MASKS, step)``, independent of all others."""
    return int(np.random.SeedSequence([seed, *path]).generate_state(1, np.uint64)[0] >> 1)


def _generator(seed: int, *path: int) -> torch.Generator:
    return torch.Generator().manual_seed(derived_seed(seed, *path))


class PretrainingBatches:
    """The batches of a run: ``batches[step]`` is the part of that step that falls to this process.

    An epoch plans its pairs anew, in a new order, and masks are drawn anew at each step (dynamic masking).
    N processes with batches of B get the parts of exactly the step that one process with N·B gets.

    Parameters
    ----------
    corpus : the tokenized text.
    vocabulary : what masking and packing must know of the vocabulary.
    stages : sequence lengths, one after the other.
    strategy : how to mask.
    objective : ``nsp`` (next sentence) or ``sop`` (sentence order).
    short_probability : share of the pairs with a random short length.
    seed : of the whole run.
    processes, process : how many processes there are, and which this one is.
    accumulation : batches of one step and process, one after the other.

    Raises
    ------
    ValueError
        If the corpus yields no pair at all.
    """

    def __init__(
        self,
        corpus: TokenizedCorpus,
        vocabulary: MaskingVocabulary,
        stages: Sequence[Stage],
        *,
        strategy: MaskingStrategy = MaskingStrategy(),
        objective: str = "nsp",
        short_probability: float = 0.1,
        seed: int = 42,
        processes: int = 1,
        process: int = 0,
        accumulation: int = 1,
    ):
        self.corpus, self.vocabulary = corpus, vocabulary
        self.stages, self.strategy, self.seed = tuple(stages), strategy, seed
        self.objective, self.short_probability = objective, short_probability
        self.processes, self.process, self.accumulation = processes, process, accumulation
        self.starts = np.cumsum([0, *(stage.steps for stage in self.stages)])  # first step of each stage
        self._pairs_in_epoch: dict[int, int] = {}
        self._planned: dict[tuple[int, int], sentence_pairs.SegmentPairs] = {}

    def __len__(self) -> int:
        return int(self.starts[-1])

    def stage_of(self, step: int) -> int:
        """Return the number of the stage that a step (counted from 0) belongs to.

        Raises
        ------
        IndexError
            If the run has no such step.
        """
        if not 0 <= step < len(self):
            raise IndexError(f"There is no step {step}: the run has {len(self)}, counted from 0.")
        return int(np.searchsorted(self.starts, step, side="right")) - 1

    def _pairs_of(self, stage: int, epoch: int) -> sentence_pairs.SegmentPairs:
        """Return the pairs of an epoch, in the order in which they come; the last ones made are kept."""
        if (stage, epoch) not in self._planned:
            pairs = sentence_pairs.plan_pairs(
                self.corpus,
                self.stages[stage].max_length,
                objective=self.objective,
                short_probability=self.short_probability,
                seed=derived_seed(self.seed, PAIRS, stage, epoch),
            )
            if not len(pairs):
                raise ValueError(
                    "The corpus yields no pair of segments. Give it documents of several sentences."
                )
            self._planned = {(stage, epoch): pairs}
        return self._planned[stage, epoch]

    def steps_in_epoch(self, stage: int) -> int:
        """Return the number of steps in one pass over the corpus, at least 1.

        The first plan decides: plans of the same corpus differ by a few pairs, and an epoch of fixed
        length makes the epoch of every step known without a look at those before.
        """
        if stage not in self._pairs_in_epoch:
            self._pairs_in_epoch[stage] = len(self._pairs_of(stage, 0))
        return max(1, self._pairs_in_epoch[stage] // self._pairs_in_step(stage))

    def _pairs_in_step(self, stage: int) -> int:
        return self.stages[stage].batch_size * self.accumulation * self.processes

    def __getitem__(self, step: int) -> list[PretrainingBatch]:
        """Return this process's batches of a step, one for each part that is accumulated."""
        stage = self.stage_of(step)
        size, pairs_in_step = self.stages[stage].batch_size, self._pairs_in_step(stage)
        epoch, place = divmod(step - int(self.starts[stage]), self.steps_in_epoch(stage))
        pairs = self._pairs_of(stage, epoch)
        rows = np.arange(place * pairs_in_step, (place + 1) * pairs_in_step) % len(pairs)  # (G,)
        gathered = sentence_pairs.gather_pairs(self.corpus, pairs, rows, self.vocabulary.special)
        # The whole step is masked here, by every process: then each knows how many words were chosen
        # in all, and the choice does not depend on how many processes there are.
        masked = mask_tokens(
            gathered.input_ids,
            self.vocabulary,
            self.strategy,
            generator=_generator(self.seed, MASKS, step),
        )
        counts = (len(masked.positions), pairs_in_step, int(gathered.attention_mask.sum()))
        firsts = [(part * self.processes + self.process) * size for part in range(self.accumulation)]
        return [_batch_of_rows(masked, gathered, first, first + size, counts) for first in firsts]


def _batch_of_rows(
    masked: MaskedBatch,
    gathered: sentence_pairs.PairBatch,
    first: int,
    last: int,
    counts: tuple[int, int, int],
) -> PretrainingBatch:
    part = masked.rows(first, last)
    return PretrainingBatch(
        part.input_ids,
        gathered.token_type_ids[first:last],
        gathered.attention_mask[first:last],
        part.positions,
        part.targets,
        gathered.labels[first:last],
        *counts,
    )


def held_out_batches(
    corpus: TokenizedCorpus,
    vocabulary: MaskingVocabulary,
    max_length: int,
    *,
    batch_size: int = 32,
    strategy: MaskingStrategy = MaskingStrategy(),
    objective: str = "nsp",
    short_probability: float = 0.1,
    limit: int | None = None,
    seed: int = 42,
) -> list[PretrainingBatch]:
    """Return batches of held-out pairs with masks drawn once, so that evaluations can be compared.

    Parameters
    ----------
    corpus, vocabulary, strategy, objective, short_probability : as in :class:`PretrainingBatches`.
    max_length : tokens of a pair, special ones counted.
    limit : the most pairs; all if left out.
    """
    pairs = sentence_pairs.plan_pairs(
        corpus,
        max_length,
        objective=objective,
        short_probability=short_probability,
        seed=derived_seed(seed, HELD_OUT, 0),
    )
    generator, batches = _generator(seed, HELD_OUT, 1), []
    for rows in torch.arange(len(pairs))[:limit].split(batch_size):  # the plan is in random order
        gathered = sentence_pairs.gather_pairs(corpus, pairs, rows, vocabulary.special)
        masked = mask_tokens(gathered.input_ids, vocabulary, strategy, generator=generator)
        counts = (len(masked.positions), len(rows), int(gathered.attention_mask.sum()))
        batches.append(_batch_of_rows(masked, gathered, 0, len(rows), counts))
    return batches
