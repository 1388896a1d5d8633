"""Checkpoints: a run that is killed at any moment goes on to the same losses, bit for bit."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from course_lib import files, settings
from course_lib.errors import CheckpointError
from course_lib.pretraining import checkpoints
from course_lib.pretraining.examples import Stage
from course_lib.pretraining.loop import PretrainingConfiguration, pretrain
from course_lib.pretraining.model import PretrainingModel


def configuration_of(tiny, **changes) -> PretrainingConfiguration:
    return PretrainingConfiguration(
        **{
            "model": tiny.model,  # with dropout: its draws have to go on where they stopped too
            "stages": (Stage(24, 14, 4), Stage(48, 6, 4)),
            "learning_rate": 2e-3,
            "warmup_steps": 4,
            "evaluate_every": 5,
            "checkpoint_every": 4,
            "report_every": 3,
            **changes,
        }
    )


def run(tiny, folder, configuration=None, **arguments):
    c = configuration or configuration_of(tiny)
    return pretrain(c, tiny.corpus, tiny.vocabulary, **{"folder": folder, "progress": False, **arguments})


def curves(history):
    """Return everything that has to be the same; only the speed may differ."""
    fields = ("steps", "losses", "mlm_losses", "nsp_losses", "learning_rates", "evaluations")
    return {field: getattr(history, field) for field in fields}


class Interrupted(Exception):
    pass


def interrupt_after(monkeypatch, saves: int):
    """Let a run die right after its n-th checkpoint."""
    save, count = checkpoints.save_checkpoint, iter(range(1, 1000))

    def saved(*arguments):
        path = save(*arguments)
        if next(count) == saves:
            raise Interrupted
        return path

    monkeypatch.setattr(checkpoints, "save_checkpoint", saved)


@pytest.mark.parametrize("saves", [1, 3, 4])
def test_an_interrupted_run_goes_on_to_the_same_curves_and_weights(tiny, tmp_path, monkeypatch, saves):
    model, unbroken = run(tiny, None, held_out=tiny.held_out)
    with monkeypatch.context() as patch:
        interrupt_after(patch, saves)
        with pytest.raises(Interrupted):
            run(tiny, tmp_path, held_out=tiny.held_out)
    resumed, history = run(tiny, tmp_path, held_out=tiny.held_out)
    assert curves(history) == curves(unbroken)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), resumed.parameters(), strict=True))


def test_a_finished_run_is_only_loaded(tiny, tmp_path, monkeypatch):
    model, history = run(tiny, tmp_path)
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda *a: pytest.fail("trained again"))
    again, same = run(tiny, tmp_path)
    assert same == history
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert again.head.decoder.weight is again.encoder.embeddings.token.weight


def test_only_the_newest_checkpoint_stays_and_no_file_can_carry_code(tiny, tmp_path):
    run(tiny, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000020"]
    files = {path.name for path in (tmp_path / "step-00000020").iterdir()}
    assert files == {"model.safetensors", "optimizer.safetensors", "state.json"}


def test_another_number_of_parts_may_share_the_work(tiny, tmp_path, monkeypatch):
    c = configuration_of(
        tiny, model=replace(tiny.model, hidden_dropout_prob=0, attention_probs_dropout_prob=0)
    )
    _, unbroken = run(tiny, None, c)
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        with pytest.raises(Interrupted):
            run(tiny, tmp_path, c)
    halves = tuple(Stage(s.max_length, s.steps, 2) for s in c.stages)
    _, history = run(tiny, tmp_path, replace(c, stages=halves, accumulation=2))
    assert history.losses == pytest.approx(unbroken.losses, abs=1e-3)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("learning_rate", {"learning_rate": 1e-3}),
        ("seed", {"seed": 1}),
        ("model.hidden_dropout_prob", {}),
        ("stages", {"stages": (Stage(24, 14, 4), Stage(48, 7, 4))}),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused_by_field(tiny, tmp_path, field, change):
    run(tiny, tmp_path, configuration_of(tiny, stages=(Stage(24, 4, 4),)) if not change else None)
    c = configuration_of(tiny, **change)
    if not change:
        c = replace(c, stages=(Stage(24, 4, 4),), model=replace(c.model, hidden_dropout_prob=0.2))
    with pytest.raises(CheckpointError, match=f"field '{field}'.*another folder"):
        run(tiny, tmp_path, c)


def test_a_checkpoint_of_another_corpus_is_refused(tiny, tmp_path):
    run(tiny, tmp_path)
    with pytest.raises(CheckpointError, match="field 'corpus'"):
        pretrain(
            configuration_of(tiny), tiny.held_out, tiny.vocabulary, folder=tmp_path, progress=False
        )  # fmt: skip


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["missing", "cut", "strange"])
def test_a_damaged_checkpoint_gives_one_clear_message(tiny, tmp_path, name, damage):
    run(tiny, tmp_path)
    path = next(tmp_path.iterdir()) / name
    whole = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"[1]")
    with pytest.raises(CheckpointError, match=r"start\s+the run anew") as caught:
        run(tiny, tmp_path)
    assert name in str(caught.value)


STATES = {
    "no history": lambda state: state.pop("history"),
    "a list of history": lambda state: state.update(history=[]),
    "history of another version": lambda state: state["history"].update(weather=[]),
    "no run": lambda state: state.update(run=None),
    "half a step": lambda state: state.update(step=1.5),
    "a step before the first": lambda state: state.update(step=-1),
}


@pytest.mark.parametrize("damage", STATES)
def test_a_state_of_another_shape_gives_one_clear_message(tiny, tmp_path, damage):
    run(tiny, tmp_path)
    path = next(tmp_path.iterdir()) / "state.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    STATES[damage](state)
    path.write_text(json.dumps(state), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"state\.json.*start\s+the run anew"):
        run(tiny, tmp_path)


MOMENTS = {
    "none": lambda moments: moments.clear(),
    "one too few": lambda moments: moments.pop("0.exp_avg"),
    "one too many": lambda moments: moments.update({"999.step": torch.zeros(())}),
    "no number": lambda moments: moments.update(exp_avg=moments.pop("0.exp_avg")),
    "another shape": lambda moments: moments.update({"0.exp_avg": torch.zeros(3)}),
}


@pytest.mark.parametrize("damage", MOMENTS)
def test_moments_that_are_not_those_of_the_parameters_are_refused(tiny, tmp_path, damage):
    """Without its moments an optimizer goes on too, and to another result."""
    run(tiny, tmp_path)
    path = next(tmp_path.iterdir()) / "optimizer.safetensors"
    moments = load_file(path)
    MOMENTS[damage](moments)
    save_file(moments, path)
    with pytest.raises(CheckpointError, match=r"optimizer\.safetensors, tensor.*start the run anew"):
        run(tiny, tmp_path)


def test_tensors_of_another_model_are_named(tiny, tmp_path):
    run(tiny, tmp_path)
    found = checkpoints.latest_checkpoint(tmp_path)
    other = PretrainingModel(replace(tiny.model, intermediate_size=32))
    with pytest.raises(CheckpointError, match=r"tensor 'encoder.blocks.0.contract.weight': shape \(32, 64\)"):
        checkpoints.load_checkpoint(found, other, torch.optim.AdamW(other.parameters()))


@pytest.mark.parametrize("stage", ["save_file", "_flush_to_disk", "os.replace"])
def test_a_full_disk_gives_one_clear_message_and_keeps_the_checkpoint_before(
    tiny, tmp_path, monkeypatch, stage
):
    unbroken = curves(run(tiny, None)[1])
    with monkeypatch.context() as patch:
        interrupt_after(patch, 1)
        with pytest.raises(Interrupted):
            run(tiny, tmp_path)
    before = {path.name: path.read_bytes() for path in next(tmp_path.iterdir()).iterdir()}

    def full(*arguments, **keywords):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        target = {"save_file": checkpoints, "_flush_to_disk": files, "os.replace": os}[stage]
        patch.setattr(target, stage.removeprefix("os."), full)
        with pytest.raises(CheckpointError, match=r"No space left on device.*Free some space"):
            run(tiny, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000004"]
    assert {path.name: path.read_bytes() for path in next(tmp_path.iterdir()).iterdir()} == before
    assert curves(run(tiny, tmp_path)[1]) == unbroken


def test_a_limit_set_by_the_system_gives_the_same_message(tiny, tmp_path):
    """The error as safetensors raises it when the system refuses to write on."""
    resource = pytest.importorskip("resource", reason="Windows has no such limits")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # bytes; the model has more
    try:
        with pytest.raises(CheckpointError, match=r"could not be written.*Free some space"):
            run(tiny, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


PROGRAM = """
import json, sys, time
sys.path[:0] = {paths!r}
from pathlib import Path
import torch
torch.set_num_threads(1)
import conftest
from course_lib import files
from course_lib.pretraining.examples import Stage
from course_lib.pretraining.loop import PretrainingConfiguration, pretrain
tiny = conftest.tiny_parts()
folder, where, pause = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
flush = files._flush_to_disk
def slow(path):  # a checkpoint that takes a while can be hit in its middle
    time.sleep(pause)
    flush(path)
files._flush_to_disk = slow
c = PretrainingConfiguration(
    model=tiny.model, stages=(Stage(24, 60, 4), Stage(48, 20, 4)), learning_rate=2e-3, warmup_steps=4,
    evaluate_every=20, checkpoint_every=2, report_every=2)
print("ready", flush=True)
_, h = pretrain(
    c, tiny.corpus, tiny.vocabulary, held_out=tiny.held_out, folder=folder, progress=False)
where.write_text(json.dumps([h.steps, h.losses, h.nsp_losses, h.learning_rates, h.evaluations]))
"""


def start(tmp_path, folder, where, pause):
    program = tmp_path / "program.py"
    paths = [str(settings.REPOSITORY / "tests" / "pretraining"), str(settings.REPOSITORY)]
    program.write_text(PROGRAM.format(paths=paths), encoding="utf-8")
    environment = os.environ | {"COURSE_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(program), str(folder), str(where), str(pause)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def finish(process):
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-3000:]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_run_killed_again_and_again_has_the_losses_of_an_unbroken_one(tmp_path):
    finish(start(tmp_path, tmp_path / "unbroken", tmp_path / "unbroken.json", 0.0))
    folder, generator = tmp_path / "killed", random.Random()  # other moments in every run of this test
    moments = []
    for _ in range(5):
        process = start(tmp_path, folder, tmp_path / "killed.json", 0.02)
        assert process.stdout.readline() == "ready\n"
        before, deadline = checkpoints.latest_checkpoint(folder), time.monotonic() + 120
        while checkpoints.latest_checkpoint(folder) == before and time.monotonic() < deadline:
            time.sleep(0.005)  # until it has got ahead
        moments.append(generator.uniform(0, 0.4))
        time.sleep(moments[-1])
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "it was over before it could be killed"
    finish(start(tmp_path, folder, tmp_path / "killed.json", 0.0))
    unbroken, killed = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("unbroken", "killed"))
    assert killed == unbroken, f"killed {moments} s after a checkpoint"
    assert not list(folder.glob("*" + files.UNFINISHED))


@pytest.mark.parametrize("moment", range(1, 8))
def test_a_kill_in_the_middle_of_a_checkpoint_leaves_the_one_before(tiny, tmp_path, monkeypatch, moment):
    """Stop at every single call that touches the disk: what is found afterwards is always whole."""
    c = configuration_of(tiny, stages=(Stage(24, 12, 4),))
    unbroken = curves(run(tiny, None, c)[1])
    with monkeypatch.context() as patch:
        interrupt_after(patch, 1)
        with pytest.raises(Interrupted):
            run(tiny, tmp_path, c)
    calls = iter(range(1, 1000))

    def dying(function):
        def called(*arguments, **keywords):
            if next(calls) == moment:
                raise KeyboardInterrupt  # like SIGKILL, it is not handled
            return function(*arguments, **keywords)

        return called

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *a, **k: None)  # the dead clean nothing up
        patch.setattr(checkpoints, "save_file", dying(checkpoints.save_file))
        patch.setattr(files, "_flush_to_disk", dying(files._flush_to_disk))
        patch.setattr(os, "replace", dying(os.replace))
        with pytest.raises(KeyboardInterrupt):
            run(tiny, tmp_path, c)
    assert checkpoints.latest_checkpoint(tmp_path).name in ("step-00000004", "step-00000008")
    assert curves(run(tiny, tmp_path, c)[1]) == unbroken
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000012"]
