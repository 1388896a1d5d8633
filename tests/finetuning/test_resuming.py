"""A run that is killed goes on from its last whole epoch, and ends as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from course_lib.bert.loading import read_tensors
from course_lib.errors import CheckpointError, SettingError
from course_lib.finetuning import epochs, launch, resuming
from course_lib.finetuning.loop import TrainingConfiguration
from course_lib.training.update import TrainingDivergedError

WORDS = {"bill": "bills", "parcel": "delivery", "password": "login"}
C = TrainingConfiguration(
    learning_rate=1e-3, epochs=4, batch_size=8, frozen="none", attention_dropout=0.1, seed=3
)
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


@pytest.fixture(scope="module")
def fine_tune(tickets, folder):
    """Fine-tune with every epoch kept on disk, however fast it is; a number of updates after which it's killed."""

    def run(save, configuration=C, *, killed_after=None, where="on_step_end", **named):
        options = {"encoder": folder, "texts": tickets, "patience": 2, "max_length": 24, "cpu": True} | named

        def hook(self, arguments, state, control, **_):
            if state.global_step == killed_after:
                raise KilledError
            return control

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(resuming, "SECONDS", named.pop("seconds", 0))
            options.pop("seconds", None)
            if killed_after is not None:
                # Of BestEpoch, whose turn is before that of the callback that writes.
                patch.setattr(epochs.BestEpoch, where, hook, raising=False)
            return launch.run("classification", configuration, save=save, **options)

    return run


@pytest.fixture(scope="module")
def whole(fine_tune, tmp_path_factory):
    """The folder and scores of a run that nothing has happened to."""
    save = tmp_path_factory.mktemp("whole") / "m"
    scores = fine_tune(save)
    assert not resuming.unfinished_folder(save).exists(), "what's done leaves nothing behind"
    return save, scores


def kill(fine_tune, save, updates, **named):
    """Kill a run after some updates, and return the names of the epochs it has left."""
    with pytest.raises(KilledError):
        fine_tune(save, killed_after=updates, **named)
    assert not save.exists()
    return [path.name for path in resuming.unfinished_folder(save).glob("*")]


def assert_same(one, other):
    tensors, others = (read_tensors(folder / "model.safetensors") for folder in (one, other))
    assert tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, others[name]), name


@pytest.mark.parametrize(
    ("updates", "where", "left"),
    [
        (2, "on_step_end", None),
        (STEPS, "on_epoch_end", None),
        (STEPS + 1, "on_step_end", STEPS),
        (2 * STEPS, "on_save", STEPS),  # the second epoch is written, and not whole yet
        (3 * STEPS + 3, "on_step_end", 3 * STEPS),
    ],
)
def test_a_killed_run_ends_with_the_same_weights(updates, where, left, whole, fine_tune, tmp_path, capsys):
    save = tmp_path / "m"
    names = kill(fine_tune, save, updates, where=where)
    assert names == [] if left is None else f"checkpoint-{left}" in names
    torch.manual_seed(99)  # a new process has other random numbers
    scores = fine_tune(save, resume=True)
    said = capsys.readouterr().err
    assert ("the run begins again" if left is None else f"Going on after update {left} ") in said
    assert scores == whole[1]
    assert_same(whole[0], save)
    assert not resuming.unfinished_folder(save).exists()


def test_another_configuration_or_other_data_is_refused(fine_tune, tickets, tmp_path):
    save = tmp_path / "m"
    kill(fine_tune, save, STEPS + 1)
    other = tmp_path / "other.csv"
    other.write_text(tickets.read_text(encoding="utf-8").replace("a bill", "the bill"), encoding="utf-8")
    for named, words in (
        ({"configuration": replace(C, learning_rate=2e-3)}, r"learning_rate 0\.001, not 0\.002\. Give what"),
        ({"max_length": 20, "patience": 3}, r"patience 2, not 3; max_length 24, not 20\."),
        ({"texts": other}, "other training rows"),
    ):
        with pytest.raises(SettingError, match=rf"m\.unfinished was started with .*{words}"):
            fine_tune(save, resume=True, **named)
    with pytest.raises(CheckpointError, match=r"an unfinished run\. Go on with it with --resume, or remove"):
        fine_tune(save)
    assert resuming.last_whole_epoch(resuming.unfinished_folder(save)), "it is still there after all that"


def test_a_run_that_time_has_ended_can_go_on(whole, fine_tune, tmp_path, capsys, monkeypatch):
    save = tmp_path / "m"
    clock = iter(range(10_000))
    monkeypatch.setattr(epochs.time, "monotonic", lambda: next(clock))
    fine_tune(save, minutes=12 / 60)  # the clock moves on with each update
    said = capsys.readouterr().err
    assert "has ended after 0.2 minutes" in said and "Go on from it with --resume" in said
    monkeypatch.undo()
    assert fine_tune(save, resume=True) == whole[1]
    assert_same(whole[0], save)


def test_short_and_diverging_runs_leave_nothing(fine_tune, tmp_path):
    assert kill(fine_tune, tmp_path / "m", 3 * STEPS, seconds=60) == []
    with pytest.raises(TrainingDivergedError):
        fine_tune(tmp_path / "m", replace(C, learning_rate=1e30))
    assert not list(tmp_path.iterdir())


def test_there_must_be_something_to_go_on_with(tmp_path, whole, fine_tune):
    with pytest.raises(SettingError, match="Name it with --save FOLDER"):
        fine_tune(None, resume=True)
    with pytest.raises(SettingError, match=r"has a model and no unfinished run\. Leave --resume out"):
        fine_tune(whole[0], resume=True)


def test_a_damaged_epoch_gets_one_sentence(fine_tune, tmp_path):
    save = tmp_path / "m"
    kill(fine_tune, save, STEPS + 1)
    (resuming.unfinished_folder(save) / f"checkpoint-{STEPS}" / resuming.BEST_FILE).write_bytes(b"PK")
    with pytest.raises(CheckpointError, match=r"best.pt can't be read .*Remove .*unfinished to begin again"):
        fine_tune(save, resume=True)
