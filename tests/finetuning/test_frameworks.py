"""The Trainer, Lightning and Keras do what the plain loop does, leave nothing behind and keep quiet."""

from __future__ import annotations

import dataclasses
import math
import warnings

import pytest
import torch

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import sequence_classification_head, token_classification_head
from course_lib.errors import CourseError, SequenceTooLongError
from course_lib.finetuning.classification import classification_loss
from course_lib.finetuning.entities import entity_loss, pad_entities
from course_lib.finetuning.frameworks import (
    fine_tune_with_lightning,
    fine_tune_with_trainer,
    training_loader,
)
from course_lib.finetuning.keras_classifier import fine_tune_with_keras
from course_lib.finetuning.loop import (
    TaskModel,
    TrainingConfiguration,
    fine_tune,
)
from course_lib.training.batching import BucketBatchSampler, length_buckets, pad_batch
from course_lib.training.update import TrainingDivergedError

C = TrainingConfiguration(learning_rate=3e-3, epochs=3, batch_size=4, clip=0.3, attention_dropout=0.1)
FRAMEWORKS = [
    pytest.param(fine_tune_with_trainer, id="trainer"),
    pytest.param(fine_tune_with_lightning, id="lightning"),
    pytest.param(fine_tune_with_keras, id="keras"),
]
every_framework = pytest.mark.parametrize("fine_tune_with", FRAMEWORKS)


def small_model(pooled: bool = True, labels: int = 2, reads: str = "pooler") -> TaskModel:
    torch.manual_seed(0)
    configuration = BertConfiguration(
        vocab_size=97, hidden_size=24, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=40, max_position_embeddings=16, initializer_range=0.2,
    )  # fmt: skip
    kind = sequence_classification_head if pooled else token_classification_head
    return TaskModel(BertEncoder(configuration), kind(configuration, labels), pooled, reads=reads)


def rows(count: int = 18, pooled: bool = True) -> list[dict]:
    """Rows of several lengths; the last batch of an epoch is smaller than the others."""
    generator = torch.Generator().manual_seed(3)
    features = []
    for i in range(count):
        ids = torch.randint(1, 97, (3 + i % 9,), generator=generator).tolist()
        target = {"label": i % 2} if pooled else {"labels": [-100] + [j % 2 for j in ids[1:]]}
        features.append({"input_ids": ids} | target)
    return features


def kind_of(pooled: bool) -> dict:
    """What training is told about the rows of a kind of head."""
    if pooled:
        return {"loss_of": classification_loss}
    return {"loss_of": entity_loss, "collate": pad_entities}


def plain(pooled: bool = True, c: TrainingConfiguration = C):
    model = small_model(pooled)
    history = fine_tune(model, rows(pooled=pooled), configuration=c, progress=False, **kind_of(pooled))
    return model, history


@every_framework
@pytest.mark.parametrize("pooled", [True, False])
def test_losses_and_weights_are_those_of_the_plain_loop(fine_tune_with, pooled):
    """With dropout, clipping, warm-up and decay at work; the losses are to agree to 1e-4."""
    wanted_model, wanted = plain(pooled)
    model = small_model(pooled)
    torch.rand(7)  # a draw between building and training is nobody's business
    found = fine_tune_with(model, rows(pooled=pooled), configuration=C, **kind_of(pooled))
    assert len(found.losses) == 3 * math.ceil(18 / 4)
    assert found.losses == pytest.approx(wanted.losses, abs=1e-4)
    for name, tensor in wanted_model.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], tensor, rtol=0, atol=1e-4, msg=name)
    assert (found.tokens, found.padded_tokens) == (wanted.tokens, wanted.padded_tokens)
    assert not any(module.training for module in model.modules()) and found.seconds > 0


@every_framework
def test_a_framework_reads_what_the_plain_loop_reads(fine_tune_with):
    models = [small_model(reads=reads) for reads in ("mean", "mean", "pooler")]
    wanted = fine_tune(models[0], rows(), classification_loss, C, progress=False).losses
    assert fine_tune_with(models[1], rows(), classification_loss, C).losses == pytest.approx(wanted, abs=1e-4)
    other = fine_tune_with(models[2], rows(), classification_loss, C).losses
    assert other != pytest.approx(wanted, abs=1e-2)


@every_framework
@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 1e-3}, {"epochs": 2}, {"batch_size": 5}, {"warmup_share": 0.5}, {"weight_decay": 0.9},
        {"clip": 0.01}, {"frozen": "none"}, {"attention_dropout": 0.4}, {"precision": "bfloat16"}, {"seed": 7},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_every_setting_reaches_the_framework(fine_tune_with, change, monkeypatch):
    """Error 16: arguments that are accepted and ignored. Each changes the plain loop, and these with it."""
    monkeypatch.setattr(
        "course_lib.training.precision.multiplies_bfloat16", lambda _: True
    )  # by software if need be
    c = dataclasses.replace(C, **change)
    _, usual = plain()
    wanted_model, wanted = plain(c=c)
    model = small_model()
    found = fine_tune_with(model, rows(), classification_loss, c)
    close = 2e-2 if c.precision == "bfloat16" else 1e-4  # two ways to cast, 8 bits of mantissa
    assert found.losses == pytest.approx(wanted.losses, abs=close)
    after = torch.cat([p.flatten() for p in wanted_model.parameters()])
    assert wanted.losses != usual.losses or not torch.equal(
        after, torch.cat([p.flatten() for p in plain()[0].parameters()])
    )
    if c.precision == "float32":
        found_after = torch.cat([p.flatten() for p in model.parameters()])
        torch.testing.assert_close(found_after, after, rtol=0, atol=1e-4)


@every_framework
@pytest.mark.parametrize("part", ["embeddings", "half", "all"])
def test_what_is_frozen_stays_frozen(fine_tune_with, part):
    """Error 23: freezing the wrong parameters."""
    c = dataclasses.replace(C, frozen=part)
    wanted_model, _ = plain(c=c)
    model = small_model()
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    fine_tune_with(model, rows(), classification_loss, c)
    kept = {name for name, p in model.named_parameters() if torch.equal(before[name], p)}
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen and kept == frozen
    assert kept == {name for name, p in wanted_model.named_parameters() if torch.equal(before[name], p)}


@every_framework
def test_nothing_is_said_and_nothing_is_left(fine_tune_with, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # no notebook shows those of a library
        fine_tune_with(small_model(), rows(), classification_loss, C)
    assert list(tmp_path.iterdir()) == []
    out, err = capfd.readouterr()
    assert out == "" and err == ""


@every_framework
def test_bad_input_gets_the_message_of_the_plain_loop(fine_tune_with):
    with pytest.raises(SequenceTooLongError, match="Row 1 has 17 pieces, and the model takes 16"):
        fine_tune_with(
            small_model(), [rows()[0], {"input_ids": [1] * 17, "label": 0}], classification_loss, C
        )
    with pytest.raises(CourseError, match="no row"):
        fine_tune_with(small_model(), [], classification_loss, C)
    calls = []

    def loss_of(scores, batch):
        calls.append(1)
        return classification_loss(scores, batch) * (float("nan") if len(calls) == 3 else 1)

    with pytest.raises(
        TrainingDivergedError, match=r"loss is nan at step 3 of 15.*learning rate \(now 0.003\)"
    ):
        fine_tune_with(small_model(), rows(), loss_of, C)


def test_the_loader_gives_the_batches_of_the_plain_loop_and_draws_nothing():
    features = rows()
    lengths = [len(f["input_ids"]) for f in features]
    loader = training_loader(features, C)
    generator = torch.Generator().manual_seed(C.seed)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    for _ in range(3):
        wanted = [pad_batch([features[r] for r in batch]) for batch in length_buckets(lengths, 4, generator)]
        found = list(loader)
        assert len(found) == len(wanted) == len(loader)
        for a, b in zip(found, wanted, strict=True):
            assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
    assert torch.equal(torch.get_rng_state(), before), "dropout would be another one"


def test_a_sampler_of_another_seed_gives_other_batches():
    lengths = [3 + i % 9 for i in range(18)]
    assert list(BucketBatchSampler(lengths, 4, 1)) != list(BucketBatchSampler(lengths, 4, 2))
