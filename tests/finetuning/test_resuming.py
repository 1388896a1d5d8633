"""A run that is killed goes on from its last whole epoch, and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from course_lib import cli
from course_lib.bert.loading import read_tensors
from course_lib.data.own.examples import ColumnNames
from course_lib.errors import CheckpointError, CourseError, SettingError
from course_lib.finetuning import epochs, launch, resuming
from course_lib.finetuning.loop import TrainingConfiguration
from course_lib.training.update import TrainingDivergedError

WORDS = {"bill": "bills", "parcel": "delivery", "password": "login"}
C = TrainingConfiguration(learning_rate=1e-3, epochs=4, batch_size=8, frozen="none", seed=3)
STEPS = 5  # an epoch has


class KilledError(BaseException):
    """What no program can catch, as a kill."""


@pytest.fixture(scope="module")
def tickets(tmp_path_factory):
    path = tmp_path_factory.mktemp("tickets") / "tickets.csv"
    rows = [f"{start} {word} {'again ' * (number % 5)},{label}"
            for word, label in WORDS.items()
            for number, start in enumerate("abcdefghijklm")]  # fmt: skip
    path.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def fine_tune(tickets, folder, monkeypatch):
    """Fine-tune with every epoch kept on disk, however fast it is."""
    monkeypatch.setattr(resuming, "SECONDS", 0)

    def run(save, configuration=C, **named):
        options = {"encoder": folder, "texts": tickets, "patience": 2, "max_length": 24, "cpu": True} | named
        return launch.run("classification", configuration, save=save, **options)

    return run


def files(folder):
    """Return the tensors of a model's folder, and all that it says of the run but the time it took."""
    card = (folder / "README.md").read_text(encoding="utf-8")
    return read_tensors(folder / "model.safetensors"), card.replace(f"# {folder.name}\n", "")


def assert_same(one, other):
    (tensors, card), (others, other_card) = files(one), files(other)
    assert tensors.keys() == others.keys() and card == other_card
    for name, tensor in tensors.items():
        assert torch.equal(tensor, others[name]), name


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize(
    ("updates", "whole_epochs"), [(2, 0), (STEPS, 0), (STEPS + 1, 1), (2 * STEPS + 3, 2), (4 * STEPS, 3)]
)
def test_a_killed_run_ends_with_the_same_weights(
    updates, whole_epochs, dropout, fine_tune, tmp_path, capsys, monkeypatch
):
    configuration = replace(C, attention_dropout=dropout)
    fine_tune(tmp_path / "whole", configuration, progress=True)
    said = json.loads(capsys.readouterr().out)
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(epochs.ProgressLine, "on_step_end", killing(updates))
        fine_tune(tmp_path / "m", configuration, progress=True)
    place = resuming.unfinished_folder(tmp_path / "m")
    assert not (tmp_path / "m").exists()
    assert [path.name for path in place.glob("*")] == [f"checkpoint-{whole_epochs * STEPS}"][: whole_epochs]
    torch.manual_seed(99)  # a new process has other random numbers
    fine_tune(tmp_path / "m", configuration, progress=True, resume=True)
    out, err = capsys.readouterr()
    assert json.loads(out) == said
    assert ("begins again" in err) if whole_epochs == 0 else (f"after update {whole_epochs * STEPS}" in err)
    assert_same(tmp_path / "whole", tmp_path / "m")
    assert not place.exists(), "what's done leaves nothing behind"


def killing(updates):
    def on_step_end(self, arguments, state, control, **_):
        if state.global_step == updates:
            raise KilledError
        return control

    return on_step_end
