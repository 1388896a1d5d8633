"""The same fine-tuning with the Hugging Face Trainer and with PyTorch Lightning.

Both take the batches of :func:`course_lib.finetuning.loop.fine_tune`, in its order, with its optimizer,
schedule and clipping, and its draws of dropout: what is left to differ is who writes the loop. Neither
leaves logs or checkpoints behind, and neither asks the network for anything.
"""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch import Trainer as LightningTrainer
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments

from course_lib.finetuning.loop import (
    History,
    TaskModel,
    TrainingConfiguration,
    check_features,
    prepare_model,
)
from course_lib.training.batching import BucketBatchSampler, pad_batch
from course_lib.training.optimization import adamw, linear_schedule
from course_lib.training.precision import casts
from course_lib.training.update import check_loss

Loss = Callable[[Tensor, dict[str, Tensor]], Tensor]
Collate = Callable[[list[dict]], dict[str, Tensor]]


def training_loader(
    features: Sequence[dict],
    configuration: TrainingConfiguration,
    collate: Collate = pad_batch,
    pool: int = 32,
) -> DataLoader:
    """Return a ``DataLoader`` that gives the batches of the plain loop, epoch after epoch."""
    lengths = [len(feature["input_ids"]) for feature in features]
    return DataLoader(
        features,
        batch_sampler=BucketBatchSampler(lengths, configuration.batch_size, configuration.seed, pool),
        collate_fn=collate,
        generator=torch.Generator(),  # a loader draws a number for each epoch: not from dropout's generator
    )


class TaskTrainer(Trainer):
    """The Hugging Face Trainer for a body with a head, with BERT's optimizer and schedule.

    Parameters
    ----------
    loss_of : the loss of scores and a batch.
    configuration : rate, decay, warm-up and so on.
    loader : the batches; the Trainer makes its own if left out, as it must for several processes.
    **named : everything else goes to ``transformers.Trainer``.
    """

    def __init__(
        self, loss_of: Loss, configuration: TrainingConfiguration, loader: DataLoader | None = None, **named
    ):
        self.loss_of, self.configuration, self.loader = loss_of, configuration, loader
        self.history = History()
        super().__init__(**named)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        scores = model(inputs).float()
        loss = self.loss_of(scores, inputs)
        check_loss(loss, self.state.global_step + 1, self.state.max_steps, self.configuration.learning_rate)
        self.history.add(loss.detach(), inputs)
        return (loss, scores) if return_outputs else loss

    def create_optimizer(self, model=None):
        if self.optimizer is None:
            c = self.configuration
            self.optimizer = adamw(model or self.model, c.learning_rate, c.weight_decay)
        return self.optimizer

    def create_scheduler(self, num_training_steps, optimizer=None):
        if self.lr_scheduler is None:
            warmup = round(num_training_steps * self.configuration.warmup_share)
            self.lr_scheduler = linear_schedule(optimizer or self.optimizer, warmup, num_training_steps)
        return self.lr_scheduler

    def get_train_dataloader(self):
        if self.loader is None:
            return super().get_train_dataloader()
        return self.accelerator.prepare(self.loader)


def trainer_arguments(folder: str, configuration: TrainingConfiguration, **named) -> TrainingArguments:
    """Return the Trainer's arguments for a configuration: no logs, no checkpoints, nothing reported.

    Parameters
    ----------
    folder : where the Trainer may write.
    configuration : how to fine-tune; optimizer and schedule are :class:`TaskTrainer`'s business.
    **named : further arguments of ``TrainingArguments``.
    """
    c = configuration
    device = "cuda" if torch.cuda.is_available() and not named.get("use_cpu") else "cpu"
    return TrainingArguments(
        output_dir=folder,
        num_train_epochs=c.epochs,
        per_device_train_batch_size=c.batch_size,
        max_grad_norm=c.clip,
        bf16=casts(device, c.precision),
        seed=c.seed,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        **named,
    )


def fine_tune_with_trainer(
    model: TaskModel,
    features: Sequence[dict],
    loss_of: Loss,
    configuration: TrainingConfiguration = TrainingConfiguration(),
    *,
    collate: Collate = pad_batch,
    pool: int = 32,
) -> History:
    """Fine-tune as :func:`course_lib.finetuning.loop.fine_tune` does, with the Hugging Face Trainer.

    Parameters and errors are those of the plain loop.
    """
    c, began = configuration, time.perf_counter()
    check_features(model, features)
    prepare_model(model, c)
    on_cpu = next(model.parameters()).device.type == "cpu"
    with tempfile.TemporaryDirectory() as folder:
        trainer = TaskTrainer(
            loss_of,
            c,
            training_loader(features, c, collate, pool),
            model=model,
            args=trainer_arguments(folder, c, use_cpu=on_cpu, dataloader_pin_memory=not on_cpu),
            train_dataset=features,
        )
        trainer.remove_callback(PrinterCallback)
        torch.manual_seed(c.seed)  # dropout, whatever the construction has drawn
        trainer.train()
    model.eval()
    trainer.history.seconds = time.perf_counter() - began
    return trainer.history


class LightningTask(LightningModule):
    """A body with a head as a Lightning module.

    Parameters
    ----------
    model : body and head.
    loss_of : the loss of scores and a batch.
    configuration : how to fine-tune.
    steps : number of updates, for the schedule.
    """

    def __init__(self, model: TaskModel, loss_of: Loss, configuration: TrainingConfiguration, steps: int):
        super().__init__()
        self.model, self.loss_of, self.configuration, self.steps = model, loss_of, configuration, steps
        self.history = History()

    def on_train_start(self):
        torch.manual_seed(self.configuration.seed)  # dropout

    def training_step(self, batch, batch_index):
        loss = self.loss_of(self.model(batch).float(), batch)
        check_loss(loss, len(self.history.losses) + 1, self.steps, self.configuration.learning_rate)
        self.history.add(loss.detach(), batch)
        return loss

    def configure_optimizers(self):
        c = self.configuration
        optimizer = adamw(self.model, c.learning_rate, c.weight_decay)
        scheduler = linear_schedule(optimizer, round(self.steps * c.warmup_share), self.steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def fine_tune_with_lightning(
    model: TaskModel,
    features: Sequence[dict],
    loss_of: Loss,
    configuration: TrainingConfiguration = TrainingConfiguration(),
    *,
    collate: Collate = pad_batch,
    pool: int = 32,
) -> History:
    """Fine-tune as :func:`course_lib.finetuning.loop.fine_tune` does, with PyTorch Lightning.

    Parameters and errors are those of the plain loop.
    """
    c, began = configuration, time.perf_counter()
    check_features(model, features)
    prepare_model(model, c)
    loader = training_loader(features, c, collate, pool)
    task = LightningTask(model, loss_of, c, len(loader) * c.epochs)
    device = next(model.parameters()).device.type
    talk = logging.getLogger("lightning.pytorch")
    level = talk.level
    try:
        talk.setLevel(logging.ERROR)  # it lists the devices it has found, and advertises
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning's own use of torch
            trainer = LightningTrainer(
                max_epochs=c.epochs,
                accelerator={"cuda": "gpu"}.get(device, device),
                devices=1,
                precision="bf16-mixed" if casts(device, c.precision) else "32-true",
                gradient_clip_val=c.clip,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
            )
            task.train()
            trainer.fit(task, loader)
    finally:
        talk.setLevel(level)
    model.eval()
    task.history.seconds = time.perf_counter() - began
    return task.history
