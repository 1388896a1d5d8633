"""The fine-tuning loop: it learns, it keeps what is frozen, and it follows its configuration."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import sequence_classification_head, token_classification_head
from course_lib.errors import CourseError, SequenceTooLongError, SettingError
from course_lib.finetuning.classification import classification_loss
from course_lib.finetuning.entities import entity_loss, pad_entities
from course_lib.finetuning.loop import (
    TaskModel,
    TrainingConfiguration,
    fine_tune,
    freeze_body,
    predict,
)
from course_lib.training.batching import pad_batch
from course_lib.training.optimization import warmup_linear_share
from course_lib.training.update import TrainingDivergedError

SMALL = BertConfiguration(
    vocab_size=97,
    hidden_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=40,
    max_position_embeddings=16,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)
FAST = TrainingConfiguration(learning_rate=3e-3, epochs=3, batch_size=4)


def small_model(dropout: float = 0.0, pooled: bool = True) -> TaskModel:
    torch.manual_seed(0)
    configuration = dataclasses.replace(SMALL, hidden_dropout_prob=dropout)
    kind = sequence_classification_head if pooled else token_classification_head
    return TaskModel(BertEncoder(configuration), kind(configuration, 2), pooled)


def rows(count: int = 8) -> list[dict]:
    generator = torch.Generator().manual_seed(3)
    features = []
    for i in range(count):
        ids = torch.randint(1, 97, (3 + i % 9,), generator=generator).tolist()
        features.append({"input_ids": ids, "label": i % 2})
    return features


def train(model: TaskModel, features=None, loss_of=classification_loss, c=FAST, **named):
    return fine_tune(model, features or rows(), loss_of, c, progress=False, **named)


def state(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@pytest.fixture
def updates():
    """Rate and norm of the gradient at each step of an optimizer."""
    seen = []

    def look(optimizer, *_):
        gradients = [
            p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None
        ]
        norm = torch.stack([g.norm() for g in gradients]).norm().item()
        assert len({group["lr"] for group in optimizer.param_groups}) == 1
        seen.append((optimizer.param_groups[0]["lr"], norm))

    handle = register_optimizer_step_pre_hook(look)
    yield seen
    handle.remove()


# Learning


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_eight_rows_are_learned_by_heart(pooled, precision, monkeypatch):
    monkeypatch.setattr(
        "course_lib.training.precision.multiplies_bfloat16", lambda _: True
    )  # by software if need be
    model, features, loss = small_model(pooled=pooled), rows(), classification_loss
    if not pooled:
        features = [
            {"input_ids": f["input_ids"], "labels": [i % 2 for i in f["input_ids"]]} for f in features
        ]
        loss = entity_loss
    collate = pad_batch if pooled else pad_entities
    c = TrainingConfiguration(learning_rate=5e-3, epochs=40, batch_size=4, precision=precision)
    history = train(model, features, loss, c, collate=collate)
    assert history.losses[0] > 0.4 and max(history.losses[-2:]) < 0.02
    for feature, scores in zip(features, predict(model, features, collate=collate), strict=True):
        wanted = feature["label"] if pooled else feature["labels"]
        assert scores.argmax(dim=-1).tolist() == wanted


def test_history_counts_steps_and_tokens():
    features = rows(10)
    history = train(small_model(), features)
    assert len(history.losses) == 3 * 3  # 10 rows in batches of 4, three times
    assert history.tokens == 3 * sum(len(f["input_ids"]) for f in features)
    assert history.tokens < history.padded_tokens < 3 * 10 * 11
    assert history.seconds > 0


# What is frozen


def test_frozen_embeddings_stay_bit_by_bit_and_everything_else_moves():
    """Error 23: freezing the wrong parameters."""
    model = small_model(dropout=0.1)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)  # biases that are zero could hide an update by decay
    before = state(model)
    train(model)
    after = model.state_dict()
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert kept == {name for name in before if name.startswith("encoder.embeddings.")}
    assert len(kept) == 5


def test_without_freezing_the_embeddings_of_the_words_that_occur_move_too():
    model, features = small_model(), rows()
    before = state(model.encoder.embeddings)
    train(model, features, c=dataclasses.replace(FAST, frozen="none", weight_decay=0.0))
    changed = (model.encoder.embeddings.token.weight != before["token.weight"]).any(dim=1)
    assert set(changed.nonzero().flatten().tolist()) == {i for f in features for i in f["input_ids"]}


FROZEN = {
    "none": set(),
    "embeddings": {"encoder.embeddings"},
    "half": {"encoder.embeddings", "encoder.blocks.0"},
    "all": {"encoder"},
}


@pytest.mark.parametrize("part", FROZEN)
@pytest.mark.parametrize("before", ["none", "all"])
def test_freezing_a_part_freezes_it_and_unfreezes_everything_else(part, before):
    """Error 23: freezing the wrong parameters, or by a name that no parameter has."""
    model = small_model(dropout=0.1)
    freeze_body(model, before)
    freeze_body(model, part)
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    wanted = {
        name
        for name, _ in model.named_parameters()
        if any(name.startswith(f"{module}.") for module in FROZEN[part])
    }
    assert frozen == wanted
    assert not any(name.startswith("head.") for name in frozen)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)
    old = state(model)
    train(model, c=dataclasses.replace(FAST, frozen=part, weight_decay=0.1))
    kept = {name for name, tensor in model.state_dict().items() if torch.equal(old[name], tensor)}
    assert kept == wanted


@pytest.mark.parametrize("before", ["none", "half", "all"])
def test_what_the_caller_has_frozen_stays_so_if_asked(before):
    model = small_model()
    freeze_body(model, before)
    free = {name for name, p in model.named_parameters() if p.requires_grad}
    old = state(model)
    train(model, c=dataclasses.replace(FAST, frozen="as it is", weight_decay=0.1))
    assert {name for name, p in model.named_parameters() if p.requires_grad} == free
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(old[name], tensor)}
    assert "head.weight" in changed and changed <= free


def test_an_unknown_part_is_refused_and_nothing_is_changed():
    model = small_model()
    freeze_body(model, "half")
    before = [p.requires_grad for p in model.parameters()]
    with pytest.raises(
        SettingError, match=r"'top' cannot be frozen. Choose one of: none, embeddings, half, all, as it is"
    ):
        freeze_body(model, "top")
    assert [p.requires_grad for p in model.parameters()] == before


def test_a_model_with_nothing_left_to_train_is_refused():
    model = small_model()
    model.head = nn.Identity()
    with pytest.raises(CourseError, match="Every parameter of the model is frozen"):
        train(model, c=dataclasses.replace(FAST, frozen="all"))


def test_a_pooler_that_the_task_does_not_use_stays_as_it_is():
    model = small_model(pooled=False)
    features = [{"input_ids": f["input_ids"], "labels": [1] * len(f["input_ids"])} for f in rows()]
    before = state(model.encoder.pooler)
    train(model, features, entity_loss, collate=pad_entities)
    assert all(
        torch.equal(before[name], tensor) for name, tensor in model.encoder.pooler.state_dict().items()
    )


@pytest.mark.parametrize("reads", ["cls", "mean"])
def test_a_head_that_reads_past_the_pooler_leaves_it_as_it_is_and_trains_the_rest(reads):
    model = small_model()
    model.reads = reads
    before, head = state(model.encoder.pooler), state(model.head)
    train(model)
    assert all(torch.equal(before[name], t) for name, t in model.encoder.pooler.state_dict().items())
    assert not torch.equal(head["weight"], model.head.weight)


def test_a_reading_is_one_of_three_and_only_for_heads_of_whole_rows():
    encoder = small_model().encoder
    head = sequence_classification_head(encoder.configuration, 2)
    assert TaskModel(encoder, head, True).reads == "pooler"
    with pytest.raises(SettingError, match="Choose one of: pooler, cls, mean"):
        TaskModel(encoder, head, True, reads="max")
    with pytest.raises(SettingError, match="scores every token"):
        TaskModel(encoder, head, False, reads="mean")


def test_decay_is_on_matrices_and_neither_on_biases_nor_on_norms():
    """Error 12, seen in the weights: without any gradient, decay alone moves them."""
    model = small_model()
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    before = state(model)
    c = dataclasses.replace(FAST, learning_rate=0.1, weight_decay=0.5, frozen="none")
    train(model, loss_of=lambda scores, batch: scores.sum() * 0, c=c)
    share = 1.0
    for step in range(6):
        share *= 1 - 0.1 * warmup_linear_share(step, round(0.6), 6) * 0.5
    assert share < 0.95
    for name, tensor in model.state_dict().items():
        plain = name.endswith("bias") or "norm" in name
        torch.testing.assert_close(tensor, before[name] * (1 if plain else share), msg=name)


# Clipping and the schedule


@pytest.mark.parametrize("clip", [1.0, 0.01])
def test_a_huge_gradient_is_clipped_before_every_update(updates, clip):
    """Error 13: no gradient clipping."""
    c = dataclasses.replace(FAST, clip=clip)
    train(small_model(), loss_of=lambda scores, batch: 1e4 * classification_loss(scores, batch), c=c)
    assert len(updates) == 6
    assert all(norm == pytest.approx(clip, rel=1e-3) for _, norm in updates)


def test_a_small_gradient_is_left_alone(updates):
    train(small_model(), loss_of=lambda scores, batch: 1e-3 * classification_loss(scores, batch))
    assert all(0 < norm < 0.1 for _, norm in updates)


@pytest.mark.parametrize("rate", [1e-4, 3e-3])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_the_rate_warms_up_to_the_configured_one_and_decays_to_zero(updates, rate, share):
    """Error 11: a learning rate argument that a schedule overwrites."""
    train(small_model(), c=dataclasses.replace(FAST, learning_rate=rate, warmup_share=share, epochs=10))
    steps, warmup = 20, round(20 * share)
    wanted = [rate * (i / warmup if i < warmup else (steps - i) / (steps - warmup)) for i in range(steps)]
    assert [lr for lr, _ in updates] == pytest.approx(wanted)
    assert max(wanted) == rate


def test_another_rate_makes_another_model():
    models = [small_model() for _ in range(2)]
    for model, rate in zip(models, (1e-3, 2e-3), strict=True):
        train(model, c=dataclasses.replace(FAST, learning_rate=rate))
    assert not torch.equal(models[0].head.weight, models[1].head.weight)


CHANGES = {
    "learning_rate": 1e-3, "epochs": 2, "batch_size": 5, "warmup_share": 0.5, "weight_decay": 0.9, "clip": 0.001,
    "frozen": "none", "attention_dropout": 0.5, "precision": "bfloat16", "seed": 43,
}  # fmt: skip


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(TrainingConfiguration)])
def test_no_setting_is_accepted_and_ignored(field, monkeypatch):
    """Error 16: an argument that changes nothing. A new field fails here until something depends on it."""
    monkeypatch.setattr(
        "course_lib.training.precision.multiplies_bfloat16", lambda _: True
    )  # by software if need be
    trained = []
    for c in (FAST, dataclasses.replace(FAST, **{field: CHANGES[field]})):
        assert c == FAST or getattr(c, field) != getattr(FAST, field)
        model = small_model(dropout=0.1)
        train(model, c=c)
        trained.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert not torch.equal(*trained)


def test_batches_are_made_as_asked():
    """Error 16 for the two arguments that make batches; padding further changes no loss."""
    features, widths = rows(12), []

    def wide(chosen):
        batch = pad_batch(chosen, length=15)
        widths.append(batch["input_ids"].shape[1])
        return batch

    usual = train(small_model(), features, pool=1)
    padded = train(small_model(), features, collate=wide, pool=1)
    sorted_ = train(small_model(), features, pool=32)
    assert widths == [15] * 9
    assert padded.losses == pytest.approx(usual.losses, abs=1e-5)
    assert padded.tokens == usual.tokens and padded.padded_tokens == 3 * 12 * 15 > usual.padded_tokens
    assert sorted_.padded_tokens < usual.padded_tokens and sorted_.losses != usual.losses


# Randomness


def test_the_seed_decides_everything_and_nothing_else_does():
    def losses(seed: int, disturbance: int) -> list[float]:
        model = small_model(dropout=0.3)
        torch.manual_seed(disturbance)
        return train(model, c=dataclasses.replace(FAST, seed=seed)).losses

    assert losses(1, 5) == losses(1, 6)
    assert losses(1, 5) != losses(2, 5)


def test_the_order_of_rows_is_new_in_each_epoch():
    seen = []

    def loss_of(scores, batch):
        seen.append(tuple(batch["input_ids"][:, 0].tolist()))
        return classification_loss(scores, batch)

    features = [{"input_ids": [i, i], "label": 0} for i in range(1, 33)]
    train(small_model(), features, loss_of, dataclasses.replace(FAST, epochs=2, batch_size=8))
    assert sorted(sum(seen[:4], ())) == sorted(sum(seen[4:], ())) == list(range(1, 33))
    assert set(seen[:4]) != set(seen[4:])


def test_attention_dropout_is_the_configured_one():
    model = small_model()
    train(model, c=dataclasses.replace(FAST, attention_dropout=0.25, epochs=1))
    assert [block.attention.dropout for block in model.encoder.blocks] == [0.25, 0.25]


# Training and evaluation mode


def test_training_drops_out_and_ends_in_evaluation_mode():
    """Error 15: evaluation without eval()."""
    model, modes = small_model(dropout=0.5), []
    model.head.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    train(model.eval())
    assert all(modes) and len(modes) == 6
    assert not any(module.training for module in model.modules())


def test_evaluate_is_called_once_an_epoch_in_evaluation_mode_and_training_goes_on():
    model, calls, modes = small_model(dropout=0.5), [], []
    model.head.register_forward_pre_hook(lambda module, _: modes.append(module.training))

    def evaluate(given):
        assert given is model and not model.training
        calls.append(len(modes))
        return {"accuracy": len(calls) / 10}

    history = train(model, evaluate=evaluate)
    assert calls == [2, 4, 6]
    assert history.scores == [{"accuracy": 0.1}, {"accuracy": 0.2}, {"accuracy": 0.3}]
    assert all(modes)


@pytest.mark.parametrize("training", [True, False])
def test_predicting_drops_nothing_out_keeps_no_graph_and_restores_the_mode(training):
    """Error 15: evaluation without eval() and no_grad()."""
    model = small_model(dropout=0.5).train(training)
    first, second = predict(model, rows()), predict(model, rows())
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not any(scores.requires_grad for scores in first)
    assert {module.training for module in model.modules()} == {training}


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_scores_come_in_the_order_of_the_rows_and_at_their_length(pooled, batch_size):
    model, features = small_model(pooled=pooled).eval(), rows()
    for feature, scores in zip(features, predict(model, features, batch_size), strict=True):
        with torch.no_grad():
            alone = model({"input_ids": torch.tensor([feature["input_ids"]])})[0]
        assert scores.shape == ((2,) if pooled else (len(feature["input_ids"]), 2))
        torch.testing.assert_close(scores, alone, rtol=0, atol=1e-5)


def test_the_scores_of_evaluation_decide_nothing():
    """Error 24: the loop cannot choose by what it is shown, so not by test data either."""
    weights = []
    for sign in (1, -1):
        model, scores = small_model(dropout=0.1), iter([0.1 * sign, 0.9 * sign, 0.3 * sign])
        train(model, evaluate=lambda _, scores=scores: {"accuracy": next(scores)})
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.equal(*weights)


@pytest.mark.parametrize(
    ("scores", "epoch"), [((0.5, 0.9, 0.7), 2), ((0.9, 0.5, 0.9), 1), ((0.1, 0.2, 0.3), 3)]
)
def test_the_model_of_the_best_epoch_is_kept_if_asked(scores, epoch):
    """The weights are those that the validation part was scored with, and the earliest of equals wins."""
    model, weights, said = small_model(dropout=0.1), [], iter(scores)

    def evaluate(given):
        weights.append(state(given))
        return {"accuracy": next(said), "f1": 0.0}

    history = train(model, evaluate=evaluate, keep="accuracy")
    assert history.kept == epoch and not model.training
    assert all(torch.equal(tensor, weights[epoch - 1][name]) for name, tensor in model.state_dict().items())
    other = weights[epoch % 3]
    assert not all(torch.equal(tensor, other[name]) for name, tensor in model.state_dict().items())


def test_keeping_an_epoch_changes_neither_the_losses_nor_what_is_frozen():
    histories, models = [], []
    for keep in (None, "accuracy"):
        model, scores = small_model(dropout=0.1), iter((0.1, 0.2, 0.3))
        before = state(model.encoder.embeddings)
        histories.append(train(model, evaluate=lambda _, s=scores: {"accuracy": next(s)}, keep=keep))
        models.append(state(model))
        assert all(torch.equal(before[n], t) for n, t in model.encoder.embeddings.state_dict().items())
    assert histories[0].losses == histories[1].losses and [h.kept for h in histories] == [3, 3]
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])


@pytest.mark.parametrize(
    ("evaluate", "message"),
    [
        (None, "Nothing gives the score 'accuracy'"),
        (lambda _: {"f1": 0.5}, "epoch 1 has no such score. Choose one of: f1"),
        (lambda _: {"accuracy": float("nan")}, "epoch 1 has no such score"),
    ],
)
def test_an_epoch_cannot_be_kept_without_its_score(evaluate, message):
    with pytest.raises(CourseError, match=message):
        train(small_model(), evaluate=evaluate, keep="accuracy")


# Bad input


def test_a_row_longer_than_the_model_is_named_before_any_work():
    model, calls = small_model(), []
    features = [*rows(5), {"input_ids": [1] * 17, "label": 0}]
    before = state(model)
    message = "Row 5 has 17 pieces, and the model takes 16. Truncate it"
    with pytest.raises(SequenceTooLongError, match=message):
        train(model, features, loss_of=lambda *_: calls.append(1))
    with pytest.raises(SequenceTooLongError, match=message):
        predict(model, features)
    assert not calls and all(torch.equal(before[n], t) for n, t in model.state_dict().items())
    assert all(p.requires_grad for p in model.parameters())


def test_no_rows_at_all():
    with pytest.raises(CourseError, match="There is no row to work on"):
        fine_tune(small_model(), [], classification_loss, FAST, progress=False)
    assert predict(small_model(), []) == []


# Divergence


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_training_and_names_the_step(value):
    model, calls, states = small_model(), [], []

    def loss_of(scores, batch):
        calls.append(1)
        states.append(state(model))
        return classification_loss(scores, batch) * (value if len(calls) == 3 else 1)

    with pytest.raises(
        TrainingDivergedError, match=r"loss is (nan|inf) at step 3 of 6.*learning rate \(now 0.003\)"
    ):
        train(model, loss_of=loss_of)
    assert len(calls) == 3
    assert all(torch.equal(states[-1][name], tensor) for name, tensor in model.state_dict().items())
    assert issubclass(TrainingDivergedError, CourseError)


def test_a_wild_rate_ends_in_the_clear_error_or_in_a_finite_loss():
    c = dataclasses.replace(FAST, learning_rate=1e20, warmup_share=0.0)
    with pytest.raises(TrainingDivergedError, match="Lower the learning rate"):
        train(small_model(), c=c)


def test_the_half_of_three_blocks_is_the_lower_one():
    torch.manual_seed(0)
    configuration = dataclasses.replace(SMALL, num_hidden_layers=3)
    model = TaskModel(BertEncoder(configuration), sequence_classification_head(configuration, 2), True)
    freeze_body(model, "half")
    assert [any(p.requires_grad for p in block.parameters()) for block in model.encoder.blocks] == [
        False,
        True,
        True,
    ]


def test_the_loss_is_computed_in_float32_whatever_the_precision(monkeypatch):
    monkeypatch.setattr(
        "course_lib.training.precision.multiplies_bfloat16", lambda _: True
    )  # by software if need be
    kinds = []

    def loss_of(scores, batch):
        kinds.append(scores.dtype)
        return classification_loss(scores, batch)

    train(small_model(), loss_of=loss_of, c=dataclasses.replace(FAST, precision="bfloat16"))
    assert set(kinds) == {torch.float32}
