"""The cost of pre-training: formulas equal to counted operations, and to the paper's own numbers."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import MaskedLanguageModelHead, next_sentence_head
from course_lib.pretraining.cost import (
    PAPER_PHASES,
    Phase,
    days,
    forward_operations,
    training_operations,
)

BASE, LARGE = BertConfiguration.base(), BertConfiguration.large()


@pytest.mark.parametrize(("length", "masked", "batch"), [(24, 4, 2), (40, 1, 3)])
def test_the_formula_is_what_torch_counts(length, masked, batch):
    c = BertConfiguration(
        vocab_size=97,
        hidden_size=24,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=80,
        max_position_embeddings=64,
    )
    torch.manual_seed(0)
    encoder = BertEncoder(c)
    words, sentence = MaskedLanguageModelHead(c, encoder.embeddings.token), next_sentence_head(c)
    ids = torch.randint(1, 97, (batch, length))
    with FlopCounterMode(display=False) as counter:
        # Attention weights asked for: then attention is made of products that are counted.
        output = encoder(ids, output_attentions=True)
        scores = words(output.last_hidden_state[:, :masked])
        forward = counter.get_total_flops()
        (scores.sum() + sentence(output.pooled_output).sum()).backward()
    forward += batch * 2 * 2 * c.hidden_size  # the next-sentence head came after
    assert forward == batch * forward_operations(c, length, masked)
    assert counter.get_total_flops() == 3 * batch * forward_operations(c, length, masked)


def test_scoring_every_position_costs_more_by_the_head_alone():
    masked, all_of_them = (forward_operations(BASE, 128, 19, every) for every in (False, True))
    assert all_of_them - masked == 2 * (128 - 19) * (768**2 + 768 * 30522)
    assert forward_operations(BASE, 128, 128) == all_of_them


def test_longer_sequences_cost_more_for_each_token():
    short, long = (forward_operations(BASE, T, round(0.15 * T)) / T for T in (128, 512))
    assert 1.05 < long / short < 1.2


def test_the_run_of_the_paper():
    """The paper counts 128,000 tokens a batch and about 40 epochs: every step at length 512."""
    assert sum(phase.steps for phase in PAPER_PHASES) == 1_000_000
    full_length = Phase(1_000_000, 256, 512)
    assert 38 < full_length.tokens / 3.3e9 < 41
    assert sum(phase.tokens for phase in PAPER_PHASES) == 256 * (900_000 * 128 + 100_000 * 512)
    total = training_operations(BASE, PAPER_PHASES)
    rule_of_thumb = 6 * 110e6 * sum(phase.tokens for phase in PAPER_PHASES)
    assert 0.75 < total / rule_of_thumb < 1.0
    assert 3.2 < training_operations(LARGE, PAPER_PHASES) / total < 3.7


def test_days():
    assert days(86_400 * 1e12, 1e12, 0.5) == 2
    assert days(86_400 * 1e12, 1e12, 0.5, devices=4) == 0.5


@pytest.mark.parametrize("wrong", [{"utilization": 0}, {"utilization": 1.1}, {"devices": 0}, {"peak": 0}])
def test_days_refuses_what_is_no_machine(wrong):
    with pytest.raises(ValueError, match="at least 1 device"):
        days(1.0, **({"peak": 1.0, "utilization": 0.5} | wrong))
