"""What pre-training costs: floating-point operations, and days on a given machine.

A product of an (n, k) and a (k, m) matrix takes 2·n·k·m operations; training takes three times those of
the forward pass, because each product needs two more on the way back. In the formulas L is the number
of layers, H the hidden size, I the intermediate size, T the sequence length, M the masked positions of
a sequence, V the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from course_lib.bert.configuration import BertConfiguration

SECONDS_IN_A_DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Phase:
    """A part of a pre-training run with one sequence length.

    Parameters
    ----------
    steps : updates of the weights.
    batch_size : sequences in an update.
    length : tokens of a sequence, padding counted, since it is computed all the same.
    selection : share of the tokens that is masked.
    """

    steps: int
    batch_size: int
    length: int
    selection: float = 0.15

    @property
    def tokens(self) -> int:
        """Tokens read in the whole phase."""
        return self.steps * self.batch_size * self.length


# Devlin et al. 2018, appendix A.2: a million steps of 256 sequences, 90% of them at length 128.
PAPER_PHASES = (Phase(900_000, 256, 128), Phase(100_000, 256, 512))


def forward_operations(
    configuration: BertConfiguration, length: int, masked: int, every_position: bool = False
) -> int:
    """Return the operations of all matrix products for one sequence, forward.

    Parameters
    ----------
    configuration : sizes of the model.
    length : tokens of the sequence.
    masked : masked positions, which the masked-language-model head scores.
    every_position : whether that head scores all positions instead, as some implementations do.
    """
    c, T = configuration, length
    H, I, V = c.hidden_size, c.intermediate_size, c.vocab_size  # noqa: E741
    projections = 2 * T * 4 * H * H  # queries, keys, values, output
    attention = 2 * 2 * T * T * H  # all queries with all keys, then with all values
    feed_forward = 2 * T * 2 * H * I
    positions = T if every_position else masked
    words = 2 * positions * (H * H + H * V)
    sentence = 2 * (H * H + 2 * H)  # pooler and next-sentence head, on [CLS] alone
    return c.num_hidden_layers * (projections + attention + feed_forward) + words + sentence


def training_operations(
    configuration: BertConfiguration, phases: Iterable[Phase], every_position: bool = False
) -> int:
    """Return the operations of a pre-training run, forward and backward."""
    return sum(
        3
        * phase.steps
        * phase.batch_size
        * forward_operations(
            configuration, phase.length, max(1, round(phase.selection * phase.length)), every_position
        )
        for phase in phases
    )


def days(operations: float, peak: float, utilization: float, devices: int = 1) -> float:
    """Return how many days a run takes.

    Parameters
    ----------
    operations : of the whole run.
    peak : operations a second that one device can do at most.
    utilization : the share of the peak that is reached; 0.3 to 0.5 is usual on a well-used GPU.
    devices : how many devices share the batch.

    Raises
    ------
    ValueError
        If the utilization is no share, or there is no device.
    """
    if not 0 < utilization <= 1 or devices < 1 or peak <= 0:
        raise ValueError(
            f"utilization is {utilization}, devices {devices}, peak {peak}. Use a share above 0 and at most 1, "
            "at least 1 device, and a peak above 0."
        )
    return operations / (peak * utilization * devices) / SECONDS_IN_A_DAY
