"""Making a model small: distillation, int8, pruning, unpadding, files, and what is measured of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder, number_of_parameters
from course_lib.bert.heads import LinearHead
from course_lib.errors import CheckpointError, CourseError
from course_lib.finetuning.classification import classification_loss
from course_lib.finetuning.loop import TaskModel, TrainingConfiguration, predict
from course_lib.studies.compression import distillation, measurement, pruning, quantization, study
from course_lib.studies.compression.storage import load_small, save_small
from course_lib.studies.compression.unpadding import without_padding
from course_lib.training.batching import pad_batch

TRAINING = TrainingConfiguration(learning_rate=1e-2, epochs=2, batch_size=8, frozen="none")


def small_model(layers: int = 2, hidden: int = 12, seed: int = 0) -> TaskModel:
    torch.manual_seed(seed)
    configuration = BertConfiguration(
        vocab_size=50,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=3,
        intermediate_size=24,
        max_position_embeddings=20,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.3,  # large enough that scores differ
    )
    return TaskModel(BertEncoder(configuration), LinearHead(configuration, 2), pooled=True).eval()


def rows(number: int = 24, seed: int = 1) -> list[dict]:
    """Return texts of 5 to 13 tokens whose label says if a token below 25 comes first."""
    draws = torch.Generator().manual_seed(seed)
    texts = [torch.randint(5, 50, (3 + n % 9,), generator=draws).tolist() for n in range(number)]
    return [{"input_ids": [2, *text, 3], "label": int(text[0] < 25)} for text in texts]


def scores_of(model: TaskModel) -> torch.Tensor:
    return torch.stack(predict(model, rows()))


THIRD = [(0,), (2,)], [(0, 5, 9), (1, 2, 3)]  # heads and neurons to remove, block by block
SMALL = {
    "whole": lambda model: model,
    "student": lambda model: distillation.student_of(model, (1,)),
    "pruned": lambda model: pruning.pruned(model, *THIRD),
    "int8": lambda model: quantization.quantized(model, rows(), float_columns=2),
    "int8, plain": quantization.quantized,
    "without padding": without_padding,
    "stacked": lambda model: without_padding(quantization.quantized(pruning.pruned(model, *THIRD))),
}


# Distillation


def test_a_student_starts_from_the_blocks_that_are_named_and_changes_nothing_of_its_teacher():
    teacher = small_model(layers=4)
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    student = distillation.student_of(teacher, distillation.evenly(4, 2))
    assert distillation.evenly(4, 2) == (1, 3) and distillation.evenly(6, 3) == (1, 3, 5)
    assert student.encoder.configuration.num_hidden_layers == len(student.encoder.blocks) == 2
    for block, source in zip(student.encoder.blocks, (1, 3), strict=True):
        assert torch.equal(block.expand.weight, teacher.encoder.blocks[source].expand.weight)
    distillation.distill(student, teacher, rows(), TRAINING, progress=False)
    assert all(torch.equal(before[name], tensor) for name, tensor in teacher.state_dict().items())


@pytest.mark.parametrize("layers", [(), (1, 0), (0, 0), (2,), (-1,)])
def test_layers_that_a_teacher_does_not_have_are_named(layers):
    with pytest.raises(CourseError, match="layers 0 to 1"):
        distillation.student_of(small_model(), layers)


def test_a_student_deeper_than_its_teacher_is_refused_in_one_sentence():
    with pytest.raises(CourseError, match="A student of 3 layers"):
        distillation.evenly(2, 3)
    with pytest.raises(CourseError, match="3 layers and its teacher 2"):
        distillation.distill(small_model(3), small_model(2), rows(), TRAINING)


def test_soft_targets_are_the_divergence_by_hand_and_nothing_is_lost_where_both_agree():
    student, teacher = torch.tensor([[1.0, -1.0], [0.0, 2.0]]), torch.tensor([[2.0, 0.5], [1.0, 1.0]])
    p, q = (teacher / 2).softmax(1), (student / 2).softmax(1)
    by_hand = 4 * (p * (p / q).log()).sum() / 2
    assert distillation.soft_target_loss(student, teacher, 2.0) == pytest.approx(float(by_hand))
    assert distillation.soft_target_loss(teacher, teacher, 2.0) == pytest.approx(0.0, abs=1e-6)


def test_the_square_of_the_temperature_keeps_the_gradient_as_long_as_it_is():
    draws = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(16, 2, generator=draws) for _ in range(2))
    with_square = distillation.gradient_sizes(student, teacher, (20.0, 80.0))
    without = distillation.gradient_sizes(student, teacher, (20.0, 80.0), with_square=False)
    assert with_square[0] == pytest.approx(with_square[1], rel=0.01)
    assert without[0] / without[1] == pytest.approx(16, rel=0.01)
    # In the limit it's the gradient of half the mean squared difference of the centered scores, over the classes.
    centered = (student - student.mean(1, keepdim=True)) - (teacher - teacher.mean(1, keepdim=True))
    assert with_square[1] == pytest.approx(float(centered.norm()) / 2 / 16, rel=0.01)


def test_the_loss_weighs_labels_soft_targets_and_states():
    output = torch.tensor([[1.0, 0.0, 3.0, 4.0]])  # two scores and a state of two numbers
    batch = {
        "label": torch.tensor([1]),
        distillation.TEACHER: torch.tensor([[0.5, 0.0]]),
        distillation.STATE: torch.tensor([[4.0, -3.0]]),  # at a right angle to the student's
    }
    hard = float(functional.cross_entropy(output[:, :2], batch["label"]))
    soft = float(distillation.soft_target_loss(output[:, :2], batch[distillation.TEACHER], 3.0))
    assert distillation.distillation_loss(3.0, 0.0)(output, batch) == pytest.approx(hard)
    assert distillation.distillation_loss(3.0, 0.25)(output, batch) == pytest.approx(
        0.25 * soft + 0.75 * hard
    )
    assert distillation.distillation_loss(3.0, 0.0, 2.0)(output, batch) == pytest.approx(hard + 2.0)


@pytest.mark.parametrize("state_weight", [0.0, 1.0])
def test_a_student_comes_close_to_its_teacher(state_weight):
    teacher = small_model(seed=4)
    student = distillation.student_of(teacher, (0, 1))
    with torch.no_grad():
        student.head.weight *= 0.2  # it can do what its teacher does, and doesn't yet

    def distance() -> float:
        # Softmax sees the difference of two scores alone, so that is what soft targets teach.
        return float((scores_of(student) - scores_of(teacher)).diff(dim=1).abs().mean())

    before = distance()
    longer = replace(TRAINING, learning_rate=5e-2, epochs=10, frozen="all")  # the head alone: one minimum
    options = {"soft_share": 1.0, "state_weight": state_weight, "progress": False}
    distillation.distill(student, teacher, rows(), longer, **options)
    assert distance() < before / 2
    assert not student.training


def test_numbers_out_of_their_range_are_named():
    with pytest.raises(CourseError, match="temperature is 0"):
        distillation.soft_target_loss(torch.zeros(1, 2), torch.zeros(1, 2), 0)
    with pytest.raises(CourseError, match=r"soft_share is 1\.5"):
        distillation.distillation_loss(2.0, 1.5)
    with pytest.raises(CourseError, match="24 texts, and the teacher scored 3"):
        distillation.with_soft_targets(rows(), torch.zeros(3, 2))


# int8


def test_int8_layers_compute_nearly_what_the_floats_do_with_and_without_int8_products(monkeypatch):
    model, small = small_model(), quantization.quantized(small_model())
    assert small.encoder.blocks[0].expand.weight.dtype == torch.int8
    assert (scores_of(small) - scores_of(model)).abs().max() < 0.1 * scores_of(model).abs().max()
    by_integers = scores_of(small)
    monkeypatch.setattr(quantization, "has_int8_products", lambda: False)
    by_floats = scores_of(small)
    assert not torch.equal(by_integers, by_floats)  # activations are rounded in one of them only
    assert torch.allclose(by_integers, by_floats, atol=0.1 * float(by_floats.abs().max()))


def test_one_large_column_spoils_the_others_until_it_stays_a_float():
    torch.manual_seed(0)
    linear, states = torch.nn.Linear(16, 8), torch.randn(32, 16)
    states[:, 5] *= 200
    errors = {}
    for columns in ((), (5,)):
        layer = quantization.QuantizedLinear.from_linear(linear, columns)
        errors[columns] = float((layer(states) - linear(states).detach()).norm())
    assert errors[(5,)] < errors[()] / 10


def test_the_largest_columns_are_found():
    model = small_model()
    with torch.no_grad():
        model.encoder.embeddings.norm.bias[7] = 40.0
    found = quantization.largest_columns(model, rows(), 1)
    assert found["blocks.0.attention.query_key_value"] == (7,)
    assert set(found) == set(quantization.rounding_errors(model))
    assert not model.encoder.blocks[0].expand._forward_pre_hooks  # nothing is left behind


def test_a_quantized_model_is_not_quantized_again():
    with pytest.raises(CourseError, match="quantized already"):
        quantization.quantized(quantization.quantized(small_model()))


# Pruning


def test_removing_gives_the_scores_of_masking_in_smaller_matrices():
    model = small_model()
    small, zeros = pruning.pruned(model, *THIRD), pruning.masked(model, *THIRD)
    assert torch.allclose(scores_of(small), scores_of(zeros), atol=1e-5)
    assert not torch.allclose(scores_of(small), scores_of(model), atol=1e-3)
    block, whole = small.encoder.blocks[0], model.encoder.blocks[0]
    assert block.attention.query_key_value.weight.shape == (2 * 12, 12)  # two heads of three are left
    assert block.expand.weight.shape == (21, 12) and block.contract.weight.shape == (12, 21)
    assert number_of_parameters(zeros) == number_of_parameters(model) > number_of_parameters(small)
    assert whole.expand.weight.shape == (24, 12)


def test_attention_weights_of_the_heads_that_are_left_are_those_of_the_whole_model():
    model, batch = small_model(), pad_batch([{"input_ids": row["input_ids"]} for row in rows(4)])
    small = pruning.pruned(model, [(1,), ()], [(), ()])
    whole, left = (
        m.encoder(batch["input_ids"], None, batch["attention_mask"], output_attentions=True).attentions[0]
        for m in (model, small)
    )
    assert torch.allclose(left, whole[:, [0, 2]], atol=1e-6)


def test_importance_is_the_slope_of_the_loss_at_a_gate():
    model, row = small_model(), rows(1)
    heads, neurons = pruning.importance(model, row, classification_loss)
    batch, step = pad_batch(row), 1e-3
    losses = []
    for gate in (1 - step, 1 + step):  # the first head, and then the third neuron of the second block
        changed = small_model()
        with torch.no_grad():
            changed.encoder.blocks[0].attention.output.weight[:, :4] *= gate
        losses.append(float(classification_loss(changed(batch), batch)))
    assert heads[0, 0] == pytest.approx(abs(losses[1] - losses[0]) / (2 * step), rel=0.02)
    with torch.no_grad():
        model.encoder.blocks[1].contract.weight[:, 2] = 0.0
    _, neurons = pruning.importance(model, row, classification_loss)
    assert neurons[1, 2] == 0 and neurons.shape == (2, 24)


def test_the_weakest_go_the_same_number_in_each_block():
    matters = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
    assert pruning.weakest(matters, 1 / 3) == [(1,), (0,)]
    assert pruning.weakest(matters, 0.0) == [(), ()]


@pytest.mark.parametrize("remove", [pruning.pruned, pruning.masked])
def test_removing_everything_or_what_is_not_there_is_refused(remove):
    with pytest.raises(CourseError, match="All 3 heads of a block would go"):
        remove(small_model(), [(0, 1, 2), ()], [(), ()])
    with pytest.raises(CourseError, match="no neuron 24"):
        remove(small_model(), [(), ()], [(24,), ()])
    with pytest.raises(CourseError, match="2 blocks"):
        remove(small_model(), [()], [()])
    with pytest.raises(CourseError, match="something must stay"):
        pruning.weakest(torch.ones(1, 3), 1.0)


# Padding


def test_without_padding_the_numbers_are_the_same():
    model = small_model()
    batch = pad_batch([{"input_ids": row["input_ids"]} for row in rows(6)])
    real = batch["attention_mask"].bool()
    whole = model.encoder(batch["input_ids"], None, batch["attention_mask"])
    small = without_padding(model).encoder(batch["input_ids"], None, batch["attention_mask"])
    assert torch.allclose(small.last_hidden_state[real], whole.last_hidden_state[real], atol=1e-5)
    assert torch.allclose(small.pooled_output, whole.pooled_output, atol=1e-5)
    assert not small.last_hidden_state[~real].any()


def test_padding_takes_no_part_in_the_matrix_products():
    model, seen = without_padding(small_model()), []
    model.encoder.blocks[0].expand.register_forward_hook(lambda _, given, __: seen.append(given[0].shape))
    batch = pad_batch([{"input_ids": row["input_ids"]} for row in rows(6)])
    model(batch)
    assert seen == [(int(batch["attention_mask"].sum()), 12)]
    with pytest.raises(CourseError, match="already"):
        without_padding(model)


# Files and measurements


@pytest.mark.parametrize("kind", SMALL)
def test_what_is_stored_is_what_is_loaded(kind, tmp_path):
    model = SMALL[kind](small_model())
    save_small(model, tmp_path / "small.safetensors")
    again = load_small(tmp_path / "small.safetensors")
    assert torch.equal(scores_of(again), scores_of(model))
    assert type(again.encoder) is type(model.encoder) and not again.training


def test_a_file_that_is_missing_or_cut_is_named_in_one_sentence(tmp_path):
    with pytest.raises(CheckpointError, match=r"gone\.safetensors does not exist"):
        load_small(tmp_path / "gone.safetensors")
    path = tmp_path / "cut.safetensors"
    save_small(small_model(), path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match="not a small model as a whole"):
        load_small(path)
    with pytest.raises(CourseError, match="has no size"):
        measurement.file_bytes(tmp_path / "nothing")


def test_a_size_is_that_of_the_file_and_int8_takes_little_of_it(tmp_path):
    model = small_model(hidden=48)
    paths = {kind: tmp_path / kind for kind in ("whole", "int8, plain", "pruned")}
    for kind, path in paths.items():
        save_small(SMALL[kind](model), path)
    sizes = {kind: measurement.file_bytes(path) for kind, path in paths.items()}
    assert sizes["whole"] == paths["whole"].stat().st_size > 4 * number_of_parameters(model)
    assert sizes["int8, plain"] < 0.5 * sizes["whole"] and sizes["pruned"] < sizes["whole"]
    assert measurement.file_bytes(tmp_path) == sum(sizes.values())


def test_models_take_turns_and_medians_count(monkeypatch):
    clock, turns = [0.0], []

    class Slow(torch.nn.Module):
        def __init__(self, name, seconds):
            super().__init__()
            self.name, self.seconds = name, iter(seconds)

        def forward(self, batch):
            turns.append(self.name)
            clock[0] += next(self.seconds)

    monkeypatch.setattr(measurement.time, "perf_counter", lambda: clock[0])
    models = {"a": Slow("a", [9, 1, 2, 90]), "b": Slow("b", [9, 4, 4, 4])}
    found = measurement.latencies(models, rows(2), (2,), rounds=3)
    assert turns == ["a", "b"] * 4
    assert found == {"a": {2: 1000.0}, "b": {2: 2000.0}}  # two texts a batch


def test_measurements_compare():
    slow = measurement.Measurement("slow", (True, True, False, True), 400, {1: 8.0, 32: 4.0})
    fast = measurement.Measurement("fast", (True, False, False, True), 100, {1: 2.0})
    assert slow.accuracy == 0.75 and slow.interval[0] < 0.75 < slow.interval[1]
    assert fast.speed_over(slow, 1) == 4.0 and fast.size_over(slow) == 0.25
    assert fast.gain_over(slow)[0] == -0.25
    with pytest.raises(CourseError, match="not timed at batch size 32"):
        fast.speed_over(slow)


def test_a_measurement_needs_a_label_for_each_text():
    with pytest.raises(CourseError, match="24 texts and 1 labels"):
        measurement.measure({}, rows(), [0])


# The recording


def test_the_recording_measures_the_test_part_and_chooses_on_validation(monkeypatch, runner):
    test = [row | {"label": 1} for row in rows(12, seed=9)]
    parts = {"train": rows(), "validation": rows(10, seed=5), "test": test}
    teacher = small_model()
    monkeypatch.setattr(study, "teacher", lambda: teacher)
    monkeypatch.setattr(study, "review_features", lambda max_length: parts)
    training = replace(TRAINING, epochs=1)
    students = {
        "T = 2": study.Student((1,), training=training),
        "with states": study.Student((1,), state_weight=1.0, training=training),
    }
    c = replace(study.CONFIGURATION, students=students, seeds=(1, 2), repair=training, rounds=1)
    validation = {"T = 2": [0.3, 0.9], "with states": [0.7, 0.6]}
    scores = {name: iter(values) for name, values in validation.items()}
    trained = study.run_student

    def run(student, seed):
        name = next(name for name, known in students.items() if known == student)
        said = next(scores[name])
        return trained(student, seed) | {"validation": said, "test": 1 - said}

    monkeypatch.setattr(study, "run_student", run)
    found = study.record(c, runner)
    assert found["chosen"] == "with states"  # its mean is the larger one, though not its best seed
    measured = {m.name: m for m in study.measurements_of(found)}
    assert list(measured) == [
        "teacher",
        "without padding",
        "int8, plain",
        "int8",
        "pruned, masks only",
        "pruned, not trained",
        "pruned",
        "student",
        "all stacked",
        "low rank",
    ]
    said = scores_of_rows(teacher, test)
    assert measured["teacher"].right == measured["low rank"].right == tuple(bool(s) for s in said)
    assert measured["pruned, masks only"].right == measured["pruned, not trained"].right
    assert measured["all stacked"].file_bytes < measured["teacher"].file_bytes


def scores_of_rows(model: TaskModel, some: list[dict]) -> list[int]:
    return torch.stack(predict(model, some)).argmax(dim=1).tolist()
