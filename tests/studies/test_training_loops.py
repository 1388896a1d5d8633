"""The loops of two recordings, which are not that of the lessons, keep what the lessons teach."""

from __future__ import annotations

import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import BertForMaskedLanguageModel
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.weights import bundled_weights_folder
from course_lib.pretraining.corpus import corpus_from_pieces
from course_lib.pretraining.masking import MaskingStrategy, MaskingVocabulary, mask_tokens
from course_lib.pretraining.model import PretrainingModel
from course_lib.pretraining.sentence_pairs import PairBatch
from course_lib.studies.ablations import study as ablations
from course_lib.studies.masking import masked_word_model, masking_strategies
from course_lib.training.optimization import warmup_linear_share

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{n}" for n in range(59))]


class Noting(torch.optim.SGD):
    """An optimizer that notes the length of the gradient and the rate of each update."""

    def __init__(self, model: torch.nn.Module, rate: float):
        super().__init__([p for p in model.parameters() if p.requires_grad], lr=rate)
        self.model, self.norms, self.rates = model, [], []

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
    sequences[1::2, 6:], sequences[1::2, 5] = 0, 3  # every other one is shorter, and padded
    return sequences  # (N, T) int64


def seen_by(module: torch.nn.Module) -> list[dict]:
    """Return the named arguments of each call from now on, and whether gradients were on."""
    calls = []

    def note(_, arguments, named):
        names = ("input_ids", "token_type_ids", "attention_mask")
        calls.append(dict(zip(names, arguments)) | named | {"gradients": torch.is_grad_enabled()})

    module.register_forward_pre_hook(note, with_kwargs=True)
    return calls


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


def hides_padding(calls: list[dict]) -> bool:
    """Tell whether each call had a mask that hides its padding and nothing else, and some padding was there."""
    masks = [(call["attention_mask"], call["input_ids"] != 0) for call in calls]
    told = all(mask is not None and torch.equal(mask.bool(), real) for mask, real in masks)
    return told and not all(real.all() for _, real in masks)


def train_on(model: torch.nn.Module, sequences: torch.Tensor, steps: int) -> None:
    """Train the masked-word model on all sequences at each step."""
    for _ in masked_word_model.train_masked_language_model(
        model,
        sequences,
        MaskingVocabulary.from_tokens(WORDS),
        steps=steps,
        batch_size=len(sequences),
        learning_rate=0.01,
        warmup_steps=2,
    ):
        pass


def test_the_training_of_masked_words_masks_anew(monkeypatch):
    """Known error 7. Sequences of one length: their order must not be what makes the masks differ."""
    drawn = []

    def noted(*arguments, **named):
        drawn.append(mask_tokens(*arguments, **named))
        return drawn[-1]

    monkeypatch.setattr(masked_word_model, "mask_tokens", noted)
    train_on(small_model(), some_sequences()[::2], steps=8)
    assert len({masked.chosen.numpy().tobytes() for masked in drawn}) == 8


def test_the_training_of_masked_words_hides_padding():
    """Known error 19."""
    model = small_model()
    calls = seen_by(model)
    train_on(model, some_sequences(), steps=4)
    assert len(calls) == 4 and hides_padding(calls)


def test_masked_words_are_scored_without_gradient_and_without_padding():
    model = small_model()
    masked = mask_tokens(
        some_sequences(), MaskingVocabulary.from_tokens(WORDS), generator=torch.Generator().manual_seed(0)
    )
    calls = seen_by(model)
    masked_word_model.evaluate_masked(model, masked, pad_id=0, batch_size=5)
    assert len(calls) == 3 and not any(call["gradients"] for call in calls)
    assert hides_padding(calls)


def pairs_of_words() -> PairBatch:
    """Return four pairs, the last two of them padded."""
    ids = torch.randint(5, len(WORDS), (4, 12), generator=torch.Generator().manual_seed(1))
    ids[:, 0], ids[:, 6], ids[:, 11] = 2, 3, 3
    ids[2:, 10], ids[2:, 11] = 3, 0
    types = (torch.arange(12) > 6).long().expand(4, 12) * (ids != 0)
    return PairBatch(ids, types, (ids != 0).long(), torch.tensor([0, 1, 0, 1]))


def test_an_objective_masks_anew_and_hides_padding():
    batch, generator = pairs_of_words(), torch.Generator().manual_seed(0)
    model = PretrainingModel(small_model(dropout=0.0).encoder.configuration)
    calls = seen_by(model.encoder)
    for _ in range(3):
        ablations.masked_word_loss(
            model, batch, MaskingVocabulary.from_tokens(WORDS), MaskingStrategy(), generator, True
        )
    ablations.next_word_loss(model, batch)
    assert len({call["input_ids"].numpy().tobytes() for call in calls[:3]}) == 3
    assert len(calls) == 4 and hides_padding(calls)
    assert all(torch.equal(call["token_type_ids"], batch.token_type_ids) for call in calls)


@pytest.mark.parametrize("name", ablations.OBJECTIVES)
def test_an_objective_predicts_with_the_embeddings_that_it_reads_with(noting, name):
    """Known error 14: an output layer that is tied no more, here after the encoder was put in another's place."""
    corpus, vocabulary = published_corpus()
    objective = ablations.Objective(name, steps=1, batch_size=1, max_length=16, early_steps=())
    list(ablations.continued_training(objective, corpus, vocabulary, seed=0))
    (optimizer,) = noting
    model = optimizer.model
    assert model.head.decoder.weight is model.encoder.embeddings.token.weight


def published_corpus():
    """Return a corpus of the published vocabulary's size, and what masking must know of it."""
    generator = torch.Generator().manual_seed(0)
    pieces = [torch.randint(2000, 3000, (8,), generator=generator).numpy() for _ in range(12 * 8)]
    names = ["[PAD]", *(f"[unused{n}]" for n in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = MaskingVocabulary.from_tokens([*names, *(f"w{n}" for n in range(30522 - len(names)))])
    return corpus_from_pieces(pieces, [8] * 12), vocabulary


def test_the_training_of_an_objective_clips_and_follows_its_schedule(noting):
    objective = ablations.Objective("MLM alone", steps=10, batch_size=1, max_length=16, early_steps=())
    for _ in ablations.continued_training(objective, *published_corpus(), seed=0):
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
    tokenizer = load_tokenizer(bundled_weights_folder(verify=False))
    encoder.embeddings.token = torch.nn.Embedding(tokenizer.get_vocab_size(), 16)
    sentences = [["Ada", "wrote", "a", "program"], ["Yes"]]
    one, other = (masking_strategies.first_piece_states(encoder, tokenizer, sentences) for _ in range(2))
    assert [len(states) for states in one] == [4, 1]
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert encoder.training is training
    (alone,) = masking_strategies.first_piece_states(encoder, tokenizer, sentences[1:])
    assert torch.allclose(torch.tensor(alone), torch.tensor(one[1]), atol=1e-5)  # padding is not attended to


def test_masked_words_are_scored_by_the_mean_over_all_of_them():
    """Batches with unequal numbers of masked words: the mean of their means is not the mean over all."""
    model = small_model().eval()
    masked = mask_tokens(
        some_sequences(), MaskingVocabulary.from_tokens(WORDS), generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        scores = model(masked.input_ids, attention_mask=masked.input_ids != 0, positions=masked.positions)
    targets = torch.where(  # an untrained model is right by chance alone
        torch.arange(len(scores)) % 3 == 0, scores.argmax(dim=-1), masked.targets
    )
    masked = masked._replace(targets=targets)
    found = masked_word_model.evaluate_masked(model, masked, pad_id=0, batch_size=5)
    assert found["loss"] == pytest.approx(float(torch.nn.functional.cross_entropy(scores, targets)), abs=1e-5)
    assert found["accuracy"] == pytest.approx(float((scores.argmax(dim=-1) == targets).double().mean()))


def test_states_are_those_of_the_first_pieces():
    encoder = small_model(dropout=0.0).encoder.eval()
    tokenizer = load_tokenizer(bundled_weights_folder(verify=False))
    encoder.embeddings.token = torch.nn.Embedding(tokenizer.get_vocab_size(), 16)
    words = ["Reykjavik", "applauded", "Ada"]
    (states,) = masking_strategies.first_piece_states(encoder, tokenizer, [words])
    encoding = tokenizer.encode(words, is_pretokenized=True)
    firsts = [encoding.word_ids.index(number) for number in range(len(words))]
    with torch.no_grad():
        wanted = encoder(torch.tensor([encoding.ids])).last_hidden_state[0, firsts]
    assert firsts != [1, 2, 3]
    assert torch.allclose(torch.tensor(states), wanted, atol=1e-5)


def test_no_article_is_in_both_parts(monkeypatch):
    sentences = [[f"{word} {word}."] for word in ("Ada", "ran", "far", "in", "rain", "and", "sun")]
    monkeypatch.setattr(masked_word_model, "load_wikipedia", lambda: [{"sentences": s} for s in sentences])
    tokenizer = load_tokenizer(bundled_weights_folder(verify=False))
    training, validation = masked_word_model.wikipedia_split(tokenizer, validation_every=3)
    pieces = [set(part.tokens.tolist()) - {tokenizer.token_to_id(".")} for part in (training, validation)]
    assert (training.number_of_documents, validation.number_of_documents) == (4, 3)
    assert pieces[0] and pieces[1] and pieces[0].isdisjoint(pieces[1])
