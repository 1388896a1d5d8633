"""Keras computes with torch, takes nothing from the other cells' draws, and corrects the bias as torch does."""

from __future__ import annotations

import os
import random
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_lib.errors import SettingError
from course_lib.finetuning import keras_backend
from course_lib.finetuning.classification import classification_loss
from course_lib.finetuning.keras_backend import keras
from course_lib.finetuning.keras_classifier import BertAdamW, KerasTask, WarmupLinear, fine_tune_with_keras
from course_lib.training.optimization import adamw, warmup_linear_share
from tests.finetuning.test_frameworks import C, plain, rows, small_model

IMPORT = """
import os, random
import numpy, torch
def state():
    return (random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist(),
            torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_default_dtype(),
            torch.get_float32_matmul_precision(), torch.is_grad_enabled())
before = state()
from course_lib.finetuning.keras_backend import keras
assert state() == before, "importing Keras changed a generator or a setting of torch"
import sys
assert keras.config.backend() == "torch" and not {"tensorflow", "jax"} & set(sys.modules)
"""


def test_importing_keras_changes_no_generator_and_leaves_nothing_in_the_home(tmp_path):
    home, cache = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KERAS")}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "COURSE_CACHE": str(cache)}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", IMPORT], env=environment, check=True)
    assert not (home / ".keras").exists()


def test_another_backend_in_the_environment_is_refused_before_keras_is_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with pytest.raises(
        SettingError, match=r"'tensorflow'.*written in torch.*Restart the kernel.*KERAS_BACKEND"
    ):
        runpy.run_path(keras_backend.__file__)
    assert "keras" not in sys.modules


def test_another_backend_of_a_keras_that_is_there_already_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(config=SimpleNamespace(backend=lambda: "jax")))
    with pytest.raises(SettingError, match="'jax'"):
        runpy.run_path(keras_backend.__file__)


def test_training_with_keras_draws_what_the_plain_loop_draws():
    """What a cell draws after it is the same, whoever trained: from torch, NumPy and Python."""
    plain()
    wanted = torch.get_rng_state()
    before = random.getstate(), np.random.get_state()[1].copy()
    fine_tune_with_keras(small_model(), rows(), classification_loss, C)
    assert torch.equal(torch.get_rng_state(), wanted)
    assert random.getstate() == before[0]
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


@pytest.mark.parametrize(
    ("optimizer", "same"), [(BertAdamW, True), (keras.optimizers.AdamW, False)], ids=["ours", "Keras' own"]
)
def test_epsilon_counts_as_in_torch(optimizer, same):
    """With gradients as small as epsilon, Keras' own AdamW takes far smaller first steps."""
    gradient = torch.full((3,), 1e-6)
    theirs = torch.nn.Linear(3, 1, bias=False)
    start = theirs.weight.detach().clone()
    ours = keras.Variable(start.clone(), dtype="float32")
    of_torch = adamw(theirs, 0.01, weight_decay=0.0)
    of_keras = optimizer(0.01, weight_decay=0.0, epsilon=1e-6)
    for _ in range(3):
        theirs.weight.grad = gradient.reshape(1, 3).clone()
        of_torch.step()
        with torch.no_grad():
            of_keras.apply([gradient.reshape(1, 3).clone()], [ours])
    moved = (ours.value.detach() - start) / (theirs.weight.detach() - start)
    assert bool(((moved - 1).abs() < 1e-2).all()) == same and bool((moved < 0.3).all()) != same


def test_the_schedule_is_that_of_the_plain_loop():
    schedule = WarmupLinear(3e-4, 3, 24)
    assert [schedule(step) for step in range(25)] == [
        pytest.approx(3e-4 * warmup_linear_share(step, 3, 24)) for step in range(25)
    ]
    assert schedule(0) == 0 and schedule(3) == 3e-4


def test_the_weights_are_the_models_own_and_not_copies():
    model = small_model()
    task = KerasTask(model, classification_loss, C, 10)
    assert {v.value.data_ptr() for v in task.variables} == {p.data_ptr() for p in model.parameters()}
