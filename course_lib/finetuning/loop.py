"""The fine-tuning loop, the same for every task (Devlin et al. 2018, section 4 and appendix A.3)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from tqdm import tqdm

from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import READINGS, check_reading, row_state
from course_lib.errors import CourseError, SequenceTooLongError, SettingError
from course_lib.training.batching import BucketBatchSampler, inference_batches, pad_batch, tokens_of
from course_lib.training.optimization import adamw
from course_lib.training.precision import autocast
from course_lib.training.update import UpdateStep

Collate = Callable[[list[dict]], dict[str, Tensor]]


@dataclass(frozen=True)
class TrainingConfiguration:
    """How to fine-tune.

    The paper searches batch sizes 16 and 32, rates 5e-5, 3e-5, 2e-5, and 2 to 4 epochs for models of
    110 million parameters and more; the smaller MiniLM wants a higher rate.
    """

    learning_rate: float = 2e-4
    epochs: int = 2
    batch_size: int = 16
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    frozen: str = "embeddings"  # or "none", "half" (of the blocks too), "all" (but the head), "as it is"
    attention_dropout: float = 0.0  # torch has no fast attention with dropout on a CPU
    precision: str = "float32"  # or "bfloat16", by autocast, where the device multiplies it
    seed: int = 42


@dataclass
class History:
    """What a run left behind: losses by step, scores by epoch, and its cost."""

    losses: list[float] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)
    tokens: int = 0  # real tokens, padding not counted
    padded_tokens: int = 0  # slots the model had to compute
    seconds: float = 0.0
    kept: int | None = None  # the epoch, from 1, whose weights the model has; None if nothing was trained

    def add(self, loss: Tensor, batch: dict[str, Tensor]) -> None:
        """Note one step."""
        self.losses.append(loss.item())
        self.tokens += int(batch["attention_mask"].sum())
        self.padded_tokens += batch["attention_mask"].numel()


class TaskModel(nn.Module):
    """An encoder and a head.

    Parameters
    ----------
    encoder : the pre-trained body.
    head : takes one state for each row (B, H) or all states (B, T, H), and gives scores.
    pooled : which of both the head takes.
    labels : what the head's outputs stand for, in their order: classes or tags; None where they have no names.
    reads : what the one state of a row is, see :func:`~course_lib.bert.heads.row_state`.

    Raises
    ------
    SettingError
        If there is no such reading, or one is chosen for a head that takes all states.
    CourseError
        If there are not as many labels as the head has outputs.
    """

    def __init__(
        self,
        encoder: BertEncoder,
        head: nn.Module,
        pooled: bool,
        labels: Sequence[str] | None = None,
        *,
        reads: str = READINGS[0],
    ):
        super().__init__()
        check_reading(reads)
        if not pooled and reads != READINGS[0]:
            raise SettingError(
                f"The head scores every token, so it cannot read {reads!r}, one state for a whole row. Leave it out."
            )
        self.encoder, self.head, self.pooled, self.reads = encoder, head, pooled, reads
        self.labels = None if labels is None else tuple(labels)
        if labels is not None and len(labels) != getattr(head, "out_features", len(labels)):
            raise CourseError(
                f"The head has {head.out_features} outputs, and there are {len(labels)} labels: {', '.join(labels)}. "
                "Give one label for each output, in their order."
            )

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        output = self.encoder(batch["input_ids"], batch.get("token_type_ids"), batch.get("attention_mask"))
        if self.pooled:
            return self.head(row_state(output, batch.get("attention_mask"), self.reads))
        return self.head(output.last_hidden_state)


def freeze(module: nn.Module) -> None:
    """Keep the parameters of a module as they are: no gradient, so no update and no decay."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)


def freeze_body(model: TaskModel, part: str) -> None:
    """Freeze one part of the body and unfreeze everything else.

    Parameters
    ----------
    model : body and head; the head is always trained.
    part : ``"none"``, ``"embeddings"``, ``"half"`` (embeddings and the lower half of the blocks) or
        ``"all"`` (the whole body with its pooler). ``"as it is"`` changes nothing: what the caller has frozen
        stays frozen. :func:`fine_tune` does it, by its configuration.

    Raises
    ------
    SettingError
        If there is no such part.
    """
    body = model.encoder
    frozen = {
        "none": [],
        "embeddings": [body.embeddings],
        "half": [body.embeddings, *body.blocks[: len(body.blocks) // 2]],
        "all": [body],
    }
    if part == "as it is":
        return
    if part not in frozen:
        raise SettingError(f"{part!r} cannot be frozen. Choose one of: {', '.join(frozen)}, as it is.")
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    for module in frozen[part]:
        freeze(module)


def prepare_model(model: TaskModel, configuration: TrainingConfiguration) -> None:
    """Freeze what the configuration freezes, set the attention's dropout, and start the draws of dropout.

    Raises
    ------
    CourseError
        If no parameter is left to train.
    """
    torch.manual_seed(configuration.seed)  # dropout
    freeze_body(model, configuration.frozen)
    model.encoder.use_dropout(attention=configuration.attention_dropout)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise CourseError(
            "Every parameter of the model is frozen, so nothing can be learned. Give it a head with weights."
        )


def check_features(model: TaskModel, features: Sequence[dict]) -> None:
    """Refuse rows that the model cannot read, before any work is done.

    Raises
    ------
    CourseError
        If there is no row.
    SequenceTooLongError
        If a row has more pieces than the model has positions.
    """
    if not features:
        raise CourseError("There is no row to work on. Check the file, or the filter that left none.")
    most = model.encoder.configuration.max_position_embeddings
    for row, feature in enumerate(features):
        if tokens_of(feature) > most:
            raise SequenceTooLongError(
                f"Row {row} has {tokens_of(feature)} pieces, and the model takes {most}. Truncate it "
                "(max_length), or cut it into windows (lesson 09)."
            )


class BestWeights:
    """The weights of the epoch with the best score, the earliest of equals.

    Parameters
    ----------
    name : of the score that decides; higher is better.

    Raises
    ------
    CourseError
        If an epoch's scores lack that one, or it is no number.
    """

    def __init__(self, name: str):
        self.name, self.score, self.epoch = name, -math.inf, None
        self.weights: dict[str, Tensor] = {}

    def look_at(self, model: TaskModel, scores: dict[str, float], epoch: int) -> None:
        """Copy the weights that can have changed, if the model is better than all before it."""
        score = scores.get(self.name, math.nan)
        if math.isnan(score):
            raise CourseError(
                f"The model of the best epoch is kept by {self.name!r}, and epoch {epoch} has no such score. "
                f"Choose one of: {', '.join(scores)}."
            )
        if score > self.score:
            self.score, self.epoch = score, epoch
            self.weights = {
                name: parameter.detach().clone()
                for name, parameter in model.named_parameters()
                if parameter.requires_grad
            }

    def restore(self, model: TaskModel) -> None:
        """Give a model the weights of the best epoch."""
        model.load_state_dict(self.weights, strict=False)


def fine_tune(
    model: TaskModel,
    features: Sequence[dict],
    loss_of: Callable[[Tensor, dict[str, Tensor]], Tensor],
    configuration: TrainingConfiguration = TrainingConfiguration(),
    *,
    evaluate: Callable[[TaskModel], dict[str, float]] | None = None,
    keep: str | None = None,
    progress: bool = True,
    collate: Collate = pad_batch,
    pool: int = 32,
) -> History:
    """Fine-tune a model in place and leave it in evaluation mode.

    Parameters
    ----------
    model : body and head.
    features : one dictionary a row, as :func:`pad_batch` takes them.
    loss_of : the loss of scores and a batch.
    configuration : rate, epochs, batch size and so on.
    evaluate : called after each epoch, on validation data, never on test data; it decides nothing but what ``keep``
        says.
    keep : name of a score that ``evaluate`` gives. The model ends with the weights of the epoch where it was highest, the
        earliest of equals. Left out, it ends with those of the last epoch.
    progress : whether to show a progress bar.
    collate : makes a batch of features.
    pool : batches that are sorted by length together, see :func:`length_buckets`.

    Raises
    ------
    TrainingDivergedError
        If the loss becomes NaN or infinite.
    SequenceTooLongError
        If a row has more pieces than the model has positions.
    CourseError
        If there are no rows, nothing is left to train, or there is no score to keep an epoch by.
    """
    c, history, began = configuration, History(), time.perf_counter()
    if keep is not None and evaluate is None:
        raise CourseError(
            f"Nothing gives the score {keep!r} that the epoch is kept by. Give evaluate as well."
        )
    best = None if keep is None else BestWeights(keep)
    check_features(model, features)
    prepare_model(model, c)
    lengths = [tokens_of(feature) for feature in features]
    epochs = BucketBatchSampler(lengths, c.batch_size, c.seed, pool)  # the order of the rows
    steps = len(epochs) * c.epochs
    optimizer = adamw(model, c.learning_rate, c.weight_decay)
    warmup_steps = round(steps * c.warmup_share)
    update = UpdateStep(model, optimizer, c.learning_rate, warmup_steps, steps, c.clip, c.precision)
    device = next(model.parameters()).device

    def loss_of_batch(batch: dict[str, Tensor]) -> Tensor:
        scores = model(batch).float()
        with autocast(device.type, "float32"):  # a loss is float32, whatever it computes
            return loss_of(scores, batch)

    bar = tqdm(total=steps, desc="fine-tuning", unit="step", disable=not progress)
    for epoch in range(1, c.epochs + 1):
        model.train()
        for rows in epochs:
            batch = {name: tensor.to(device) for name, tensor in collate([features[r] for r in rows]).items()}
            loss = update(len(history.losses), [batch], loss_of_batch)
            history.add(loss, batch)
            bar.update()
            bar.set_postfix(loss=f"{loss.item():.3f}")
        model.eval()
        history.kept = epoch
        if evaluate is not None:
            history.scores.append(evaluate(model))
        if best is not None:
            best.look_at(model, history.scores[-1], epoch)
    bar.close()
    if best is not None and best.epoch is not None:
        best.restore(model)
        history.kept = best.epoch
    history.seconds = time.perf_counter() - began
    return history


@torch.no_grad()
def predict(
    model: TaskModel, features: Sequence[dict], batch_size: int = 32, *, collate: Collate = pad_batch
) -> list[Tensor]:
    """Return the scores of each row, in the order of the rows, without gradient and without dropout.

    Scores of token-level heads are cut to the row's own length.

    Parameters
    ----------
    model : body and head.
    features : one dictionary a row, as for :func:`fine_tune`.
    batch_size : rows that are read at once.
    collate : makes a batch of features, as for :func:`fine_tune`.

    Raises
    ------
    SequenceTooLongError
        If a row has more pieces than the model has positions.
    """
    if not features:
        return []
    check_features(model, features)
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    scores: list[Tensor] = [torch.empty(0)] * len(features)
    for rows, batch in inference_batches(features, batch_size, collate):
        output = model({name: tensor.to(device) for name, tensor in batch.items()}).cpu()
        for row, values in zip(rows, output, strict=True):
            scores[row] = values if model.pooled else values[: len(features[row]["input_ids"])]
    model.train(was_training)
    return scores
