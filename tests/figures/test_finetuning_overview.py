"""The figures and tables of lesson 07 say what their data show."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from course_lib.figures import finetuning_overview as figures
from course_lib.figures.style import Picture
from course_lib.finetuning.loop import TrainingConfiguration

SIZES = {"body": 22713216, "class": 770, "tags": 3465, "span": 771, "choice": 385}
FALLING = list(2.2 * np.exp(-np.arange(24) / 8) + 0.3)


def test_figure_9_names_every_part_with_its_size():
    picture = figures.figure_09_one_body_four_heads(SIZES)
    assert isinstance(picture, Picture) and picture.title.startswith("Figure 9.")
    drawn = " ".join(text.get_text() for text in picture.figure.axes[0].texts)
    for size in SIZES.values():
        assert f"{size:,}" in picture.alt and f"{size:,}" in drawn
    other = figures.figure_09_one_body_four_heads(SIZES | {"tags": 9})
    assert other.alt != picture.alt
    assert picture.svg() == figures.figure_09_one_body_four_heads(SIZES).svg()


@pytest.mark.parametrize(
    ("gap", "verdict"), [(5e-5, "the ways agree to 1e-4"), (2e-4, "do not agree to 1e-4")]
)
def test_the_comparison_of_losses_tells_whether_they_agree(gap, verdict):
    losses = {"plain": FALLING, "Trainer": list(FALLING), "Lightning": [*FALLING[:-1], FALLING[-1] + gap]}
    picture = figures.figure_same_losses(losses)
    assert verdict in picture.alt and "24 updates, written 3 ways" in picture.alt
    assert f"from {FALLING[0]:.2f} to {FALLING[-1]:.2f}" in picture.alt
    left, right = picture.figure.axes
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in (left, right))
    assert len(left.lines) == 3 and right.get_ylim()[1] > 1e-4


def test_the_comparison_of_beginnings_has_both_ends_in_words():
    picture = figures.figure_pretrained_or_random(FALLING, [loss + 1 for loss in FALLING])
    ends = [np.mean(FALLING[-5:]), np.mean(FALLING[-5:]) + 1]
    assert picture.alt.endswith(f"pre-trained {ends[0]:.2f}, random {ends[1]:.2f}")


def test_table_9_shows_the_run_and_not_the_usual():
    usual = repr(figures.table_09_techniques(TrainingConfiguration()))
    c = dataclasses.replace(
        TrainingConfiguration(),
        learning_rate=7e-5,
        warmup_share=0.25,
        clip=0.5,
        epochs=9,
        frozen="none",
    )
    changed = repr(figures.table_09_techniques(c))
    assert "7e-05" in changed and "25%" in changed and "norm 0.5" in changed and "7e-05" not in usual
    assert usual.count("embeddings") == 1 and changed.count("embeddings") == 0


def row(name: str, trained: int, f1: list[float], seconds: float) -> dict:
    spent = [seconds] * len(f1)
    return {"name": name, "rate": 3e-4, "trainable": trained, "f1": f1, "processor_seconds": spent}


def test_the_table_of_strategies_has_mean_spread_and_share_of_time():
    rows = [row("whole body frozen", 10, [10, 20, 30], 5.0), row("nothing frozen", 1000, [60, 62, 64], 20.0)]
    table = figures.table_strategies(rows, {"whole body frozen": 21.04})
    assert table.rows == [
        ["nothing frozen", "1,000", "0.0003", "1.00", "62.0 ± 2.0", "–"],
        ["whole body frozen", "10", "0.0003", "0.25", "20.0 ± 10.0", "21.0"],
    ]
    assert "3 seeds" in table.note
    assert len(figures.table_strategies(rows).columns) == 5


def test_the_tables_of_advice_are_whole():
    for table in (figures.table_what_each_hides(), figures.table_what_to_choose()):
        assert len(table.rows) >= 8 and all(all(str(cell).strip() for cell in cells) for cells in table.rows)
    heads = figures.table_four_heads([("class", (1, 384), (1, 2), 770, "08")])
    assert heads.rows == [["class", "(1, 384)", "(1, 2)", "770", "08"]]


def keras_watched():
    """Return a Keras model around a torch layer in evaluation mode; it notes the layer's mode when it is called."""
    import torch

    from course_lib.finetuning.keras_backend import keras

    class KerasWatched(keras.Model):
        def __init__(self):
            super().__init__()
            self.linear = keras.layers.TorchModuleWrapper(torch.nn.Linear(1, 1).eval())
            self.built = True

        def call(self, x, training=False):
            scores = self.linear(x, training=training)
            self.was_training = self.linear.module.training
            return scores

    model = KerasWatched()
    model.compile(optimizer="sgd", loss="mse", jit_compile=False)
    return model


def test_the_table_says_who_switches_to_training_mode(tmp_path):
    """Each framework gets a model in evaluation mode, as a pre-trained body comes, and is watched."""
    import torch
    from lightning.pytorch import LightningModule
    from lightning.pytorch import Trainer as LightningTrainer
    from transformers import Trainer

    from course_lib.finetuning.frameworks import trainer_arguments

    class Watched(LightningModule):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(1, 1)

        def forward(self, x):
            self.was_training = self.training
            return {"loss": self.linear(x).sum()}

        def training_step(self, batch, batch_index):
            return self(**batch)["loss"]

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    rows = [{"x": torch.ones(1)}] * 2
    given, taken = Watched().eval(), Watched().eval()
    arguments = trainer_arguments(str(tmp_path), TrainingConfiguration(epochs=1, batch_size=2), use_cpu=True)
    Trainer(given, arguments, train_dataset=rows).train()
    quiet = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    LightningTrainer(max_epochs=1, accelerator="cpu", **quiet).fit(taken, torch.utils.data.DataLoader(rows))
    watched = keras_watched()
    watched.fit(torch.utils.data.DataLoader([(row["x"], row["x"]) for row in rows]), shuffle=False, verbose=0)
    said = {cells[0]: cells[2:] for cells in figures.table_what_each_hides().rows}["train() before an epoch"]
    who = {True: "the framework", False: "you"}
    assert said == [who[model.was_training] for model in (given, taken, watched)]


def test_the_table_of_buckets_compares_seed_by_seed():
    scores = {"buckets": {"score": [71.0, 74.0, 77.0, 80.0]}, "random": {"score": [70.0, 74.0, 76.0, 78.0]}}
    table = figures.table_buckets({"reviews": scores})
    # differences 1, 0, 1, 2: their mean is 1.0, their standard deviation 0.82, the error of the mean half of it
    assert table.rows == [["reviews", 4, "75.5 ± 3.9", "74.5 ± 3.4", "+1.0", "0.4"]]
