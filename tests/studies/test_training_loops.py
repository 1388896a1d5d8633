"""The loops of two recordings, which are not that of the lessons, keep what the lessons teach."""

from __future__ import annotations

import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import BertForMaskedLanguageModel
from course_lib.bert.inputs import SpecialIds
from course_lib.optimization import warmup_linear_share
from course_lib.pretraining.corpus import corpus_from_pieces
from course_lib.pretraining.masking import MaskingVocabulary, mask_tokens
from course_lib.studies import ablations, masked_word_model, masking_strategies

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{n}" for n in range(59))]


class Noting(torch.optim.SGD):
    """An optimizer that notes the length of the gradient and the rate of each update."""

    def __init__(self, model: torch.nn.Module, rate: float):
        super().__init__([p for p in model.parameters() if p.requires_grad], lr=rate)
        self.norms, self.rates = [], []

    def step(self, closure=None):
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        self.norms.append(torch.stack([gradient.norm() for gradient in gradients]).norm().item())
        self.rates.append(self.param_groups[0]["lr"])
        super().step(closure)


@pytest.fixture
def noting(monkeypatch):
    """Let both modules train with an optimizer that notes, and with a loss far too large."""
    made = []

    def optimizer_of(model, rate):
        made.append(Noting(model, rate))
        return made[-1]

    for module, name in ((masked_word_model, "masked_language_model_loss"), (ablations, "masked_word_loss")):
        loss_of = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, loss_of=loss_of, **k: 1e4 * loss_of(*a, **k))
        monkeypatch.setattr(module, "adamw", optimizer_of)
    return made


def small_model(dropout: float = 0.1) -> BertForMaskedLanguageModel:
    torch.manual_seed(0)
    return BertForMaskedLanguageModel(
        BertEncoder(
            BertConfiguration(
                vocab_size=len(WORDS),
                hidden_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=32,
                max_position_embeddings=16,
                hidden_dropout_prob=dropout,
                attention_probs_dropout_prob=0.0,
            )
        )
    )


def some_sequences() -> torch.Tensor:
    sequences = torch.randint(5, len(WORDS), (12, 10), generator=torch.Generator().manual_seed(0))
    sequences[:, 0], sequences[:, -1] = 2, 3
    return sequences  # (N, T) int64


def test_the_training_of_masked_words_clips_and_follows_its_schedule(noting):
    for _ in masked_word_model.train_masked_language_model(
        small_model(),
        some_sequences(),
        MaskingVocabulary.from_tokens(WORDS),
        steps=6,
        batch_size=4,
        learning_rate=0.01,
        warmup_steps=2,
    ):
        pass
    (optimizer,) = noting
    assert optimizer.norms == pytest.approx([1.0] * 6, abs=1e-4)
    assert optimizer.rates == pytest.approx([0.01 * warmup_linear_share(step, 2, 6) for step in range(6)])


def test_the_training_of_an_objective_clips_and_follows_its_schedule(noting):
    generator = torch.Generator().manual_seed(0)
    pieces = [torch.randint(2000, 3000, (8,), generator=generator).numpy() for _ in range(12 * 8)]
    names = ["[PAD]", *(f"[unused{n}]" for n in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = MaskingVocabulary.from_tokens([*names, *(f"w{n}" for n in range(30522 - len(names)))])
    objective = ablations.Objective("MLM alone", steps=10, batch_size=1, max_length=16, early_steps=())
    for _ in ablations.continued_training(
        objective, corpus_from_pieces(pieces, [8] * 12), vocabulary, SpecialIds(101, 102, 0), seed=0
    ):
        pass
    (optimizer,) = noting
    assert optimizer.norms == pytest.approx([1.0] * 10, abs=1e-4)
    expected = [objective.learning_rate * warmup_linear_share(step, 1, 10) for step in range(10)]
    assert optimizer.rates == pytest.approx(expected)


@pytest.mark.parametrize("training", [True, False])
def test_masked_words_are_scored_without_dropout_and_the_mode_is_kept(training):
    model = small_model(dropout=0.5).train(training)
    masked = mask_tokens(
        some_sequences(),
        MaskingVocabulary.from_tokens(WORDS),
        generator=torch.Generator().manual_seed(0),
    )
    one, other = (masked_word_model.evaluate_masked(model, masked, pad_id=0) for _ in range(2))
    assert one == other
    assert model.training is training and all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_states_are_read_without_dropout_and_the_mode_is_kept(training):
    encoder = small_model(dropout=0.5).encoder.train(training)
    tokenizer = masked_word_model.load_tokenizer()
    encoder.embeddings.token = torch.nn.Embedding(tokenizer.get_vocab_size(), 16)
    sentences = [["Ada", "wrote", "a", "program"], ["Yes"]]
    one, other = (masking_strategies.first_piece_states(encoder, tokenizer, sentences) for _ in range(2))
    assert [len(states) for states in one] == [4, 1]
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert encoder.training is training
