"""What a million requests cost: a fine-tuned BERT on a rented machine, beside a large language model paid by the token.

Every number is an assumption that you can change. None of them is a quotation: prices and speeds move every
month, and only the way to compute them stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from course_lib.bert.configuration import BertConfiguration
from course_lib.errors import CourseError
from course_lib.pretraining.cost import forward_operations


@dataclass(frozen=True)
class Assumptions:
    """What the prices are computed from.

    Parameters
    ----------
    request_tokens : of the text that a request is about.
    prompt_tokens : of the instructions and examples that a language model reads with each request besides.
    completion_tokens : that it writes.
    input_price, output_price : dollars a million tokens, read and written.
    machine_price : dollars an hour of a rented machine.
    machine_operations : floating-point operations a second that the machine can do at most.
    utilization : the share of them that is reached.
    busy_share : the share of the hours in which requests come in; the rest is paid too.
    labeled_examples, label_price : what fine-tuning needs to be taught with, and dollars a label.
    """

    request_tokens: int = 128
    prompt_tokens: int = 300
    completion_tokens: int = 10
    input_price: float = 1.0
    output_price: float = 4.0
    machine_price: float = 0.1
    machine_operations: float = 2e11
    utilization: float = 0.3
    busy_share: float = 0.3
    labeled_examples: int = 2000
    label_price: float = 0.1

    def __post_init__(self):
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise CourseError(f"{entry.name} is {value!r}; it must be a number from 0.")
        for name in ("utilization", "busy_share"):
            if not 0 < getattr(self, name) <= 1:
                raise CourseError(f"{name} is {getattr(self, name)!r}; it is a share, above 0 and at most 1.")
        if not self.machine_operations:
            raise CourseError("machine_operations is 0; a machine that computes nothing answers nothing.")


@dataclass(frozen=True)
class Price:
    """What a million requests cost, in dollars: each time, and once before the first of them."""

    name: str
    running: float
    beforehand: float


def encoder_seconds(configuration: BertConfiguration, assumptions: Assumptions) -> float:
    """Return the seconds that one request takes on the rented machine."""
    operations = forward_operations(configuration, assumptions.request_tokens, masked=0)
    return operations / (assumptions.machine_operations * assumptions.utilization)


def price_of_encoder(system: str, configuration: BertConfiguration, assumptions: Assumptions) -> Price:
    """Return what a million requests to a fine-tuned encoder cost."""
    a = assumptions
    hours = 1e6 * encoder_seconds(configuration, a) / 3600 / a.busy_share
    return Price(system, hours * a.machine_price, a.labeled_examples * a.label_price)


def price_of_prompts(system: str, assumptions: Assumptions) -> Price:
    """Return what a million requests to a language model cost that is paid by the token."""
    a = assumptions
    read = (
        a.request_tokens + a.prompt_tokens
    )  # tokens a request; times 1e6 requests, divided by 1e6 tokens a price
    return Price(system, read * a.input_price + a.completion_tokens * a.output_price, 0.0)


def break_even(encoder: Price, prompts: Price) -> float | None:
    """Return after how many requests the encoder is the cheaper one; None if it never is."""
    saved = prompts.running - encoder.running  # a million requests
    if saved <= 0:
        return None
    return 1e6 * max(0.0, encoder.beforehand - prompts.beforehand) / saved


def attention_shares(configuration: BertConfiguration, lengths: Sequence[int]) -> list[float]:
    """Return, by length, the share of a block's operations that grow with its square: all tokens with all tokens."""
    c, shares = configuration, []
    for length in lengths:
        if length < 1:
            raise CourseError(f"A text of {length} tokens has no cost. Use lengths from 1.")
        square = 4 * length**2 * c.hidden_size
        linear = 2 * length * (4 * c.hidden_size**2 + 2 * c.hidden_size * c.intermediate_size)
        shares.append(square / (square + linear))
    return shares
