"""The same fine-tuning with Keras 3: the encoder as a Keras layer, torch below it.

It takes the batches of :func:`course_lib.finetuning.loop.fine_tune`, in its order, with its optimizer,
schedule and clipping, and its draws of dropout, as the other frameworks do
(:mod:`course_lib.finetuning.frameworks`).
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.finetuning.frameworks import Collate, Loss, training_loader
from course_lib.finetuning.keras_backend import keras
from course_lib.finetuning.loop import (
    History,
    TaskModel,
    TrainingConfiguration,
    check_features,
    prepare_model,
)
from course_lib.training.batching import pad_batch
from course_lib.training.optimization import parameter_groups, warmup_linear_share
from course_lib.training.precision import autocast
from course_lib.training.update import check_loss


class WarmupLinear(keras.optimizers.schedules.LearningRateSchedule):
    """BERT's learning rate as a Keras schedule: up from 0 to the peak, then down to 0.

    Parameters
    ----------
    peak : the highest learning rate.
    warmup_steps, total_steps : updates of the warm-up, and of the whole run.
    """

    def __init__(self, peak: float, warmup_steps: int, total_steps: int):
        self.peak, self.warmup_steps, self.total_steps = peak, warmup_steps, total_steps

    def __call__(self, step) -> float:
        return self.peak * warmup_linear_share(int(step), self.warmup_steps, self.total_steps)


class BertAdamW(keras.optimizers.AdamW):
    """AdamW of Keras, with torch's epsilon.

    Both add a small epsilon to the root of the mean squared gradient. Torch adds it after it has corrected
    the bias of that mean, Keras before, where the mean is still small: at the first update, Keras' 1e-6 counts
    for as much as torch's 3e-5. So Keras gets the epsilon that is 1e-6 after the correction.
    """

    def apply(self, grads, trainable_variables=None):
        update = int(self.iterations) + 1
        self.epsilon = 1e-6 * (1 - self.beta_2**update) ** 0.5
        super().apply(grads, trainable_variables)


class KerasTask(keras.Model):
    """A body with a head as a Keras model.

    Parameters
    ----------
    model : body and head.
    loss_of : the loss of scores and a batch.
    configuration : how to fine-tune.
    steps : number of updates, for the schedule.
    """

    def __init__(self, model: TaskModel, loss_of: Loss, configuration: TrainingConfiguration, steps: int):
        super().__init__()
        self.task = keras.layers.TorchModuleWrapper(model)  # its weights are the model's own, not copies
        self.loss_of, self.configuration, self.steps = loss_of, configuration, steps
        self.history_of_losses = History()
        self.built = True  # nothing is left to build, so no batch is looked at beforehand

    def call(self, batch: dict[str, Tensor], training: bool = False) -> Tensor:
        device = batch["input_ids"].device.type
        with autocast(device, self.configuration.precision):
            return self.task(batch, training=training).float()

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = self.loss_of(y_pred, x)
        c, history = self.configuration, self.history_of_losses
        check_loss(loss, len(history.losses) + 1, self.steps, c.learning_rate)
        history.add(loss.detach(), x)
        return loss

    def bert_optimizer(self) -> BertAdamW:
        c = self.configuration
        schedule = WarmupLinear(c.learning_rate, round(self.steps * c.warmup_share), self.steps)
        optimizer = BertAdamW(schedule, weight_decay=c.weight_decay, global_clipnorm=c.clip)
        undecayed = {id(parameter) for parameter in parameter_groups(self.task.module)[1]["params"]}
        optimizer.exclude_from_weight_decay([v for v in self.trainable_variables if id(v.value) in undecayed])
        return optimizer


def fine_tune_with_keras(
    model: TaskModel,
    features: Sequence[dict],
    loss_of: Loss,
    configuration: TrainingConfiguration = TrainingConfiguration(),
    *,
    collate: Collate = pad_batch,
    pool: int = 32,
) -> History:
    """Fine-tune as :func:`course_lib.finetuning.loop.fine_tune` does, with ``keras.Model.fit``.

    Parameters and errors are those of the plain loop.
    """
    c, began = configuration, time.perf_counter()
    check_features(model, features)
    prepare_model(model, c)
    loader = training_loader(features, c, collate, pool)
    with keras.device(next(model.parameters()).device.type), warnings.catch_warnings():
        # A head that reads every token leaves out the pooler, which has no gradient then.
        warnings.filterwarnings("ignore", message=".*Gradients do not exist.*")
        task = KerasTask(model, loss_of, c, len(loader) * c.epochs)
        task.compile(optimizer=task.bert_optimizer(), jit_compile=False)
        torch.manual_seed(c.seed)  # dropout, whatever the construction has drawn
        task.fit(loader, epochs=c.epochs, shuffle=False, verbose=0)  # the loader shuffles
    model.eval()
    task.history_of_losses.seconds = time.perf_counter() - began
    return task.history_of_losses
