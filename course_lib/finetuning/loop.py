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
from course_lib.errors import CourseError
from course_lib.finetuning.batching import inference_batches, length_buckets, pad_batch
from course_lib.optimization import adamw, linear_schedule


class TrainingDivergedError(CourseError):
    """The loss is no longer a number."""


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
    freeze_embeddings: bool = True
    attention_dropout: float = 0.0  # torch has no fast attention with dropout on a CPU
    precision: str = "float32"  # or "bfloat16", by autocast
    seed: int = 42


@dataclass
class History:
    """What a run left behind: losses by step, scores by epoch, and its cost."""

    losses: list[float] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)
    tokens: int = 0  # real tokens, padding not counted
    padded_tokens: int = 0  # slots the model had to compute
    seconds: float = 0.0


class TaskModel(nn.Module):
    """An encoder and a head.

    Parameters
    ----------
    encoder : the pre-trained body.
    head : takes the pooled state (B, H) or all states (B, T, H), and gives scores.
    pooled : which of both the head takes.
    """

    def __init__(self, encoder: BertEncoder, head: nn.Module, pooled: bool):
        super().__init__()
        self.encoder, self.head, self.pooled = encoder, head, pooled

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        output = self.encoder(batch["input_ids"], batch.get("token_type_ids"), batch.get("attention_mask"))
        return self.head(output.pooled_output if self.pooled else output.last_hidden_state)


def freeze(module: nn.Module) -> None:
    """Keep the parameters of a module as they are: no gradient, so no update and no decay."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)


def fine_tune(
    model: TaskModel,
    features: Sequence[dict],
    loss_of: Callable[[Tensor, dict[str, Tensor]], Tensor],
    configuration: TrainingConfiguration = TrainingConfiguration(),
    *,
    evaluate: Callable[[TaskModel], dict[str, float]] | None = None,
    progress: bool = True,
) -> History:
    """Fine-tune a model in place and leave it in evaluation mode.

    Parameters
    ----------
    model : body and head.
    features : one dictionary a row, as :func:`pad_batch` takes them.
    loss_of : the loss of scores and a batch.
    configuration : rate, epochs, batch size and so on.
    evaluate : called after each epoch, on validation data, never on test data.
    progress : whether to show a progress bar.

    Raises
    ------
    TrainingDivergedError
        If the loss becomes NaN or infinite.
    """
    c, history, began = configuration, History(), time.perf_counter()
    torch.manual_seed(c.seed)  # dropout
    generator = torch.Generator().manual_seed(c.seed)  # order of the rows
    if c.freeze_embeddings:
        freeze(model.encoder.embeddings)
    for block in model.encoder.blocks:
        block.attention.dropout = c.attention_dropout
    lengths = [len(feature["input_ids"]) for feature in features]
    steps = math.ceil(len(features) / c.batch_size) * c.epochs
    optimizer = adamw(model, c.learning_rate, c.weight_decay)
    scheduler = linear_schedule(optimizer, round(steps * c.warmup_share), steps)
    device = next(model.parameters()).device
    bar = tqdm(total=steps, desc="fine-tuning", unit="step", disable=not progress)
    for _ in range(c.epochs):
        model.train()
        for rows in length_buckets(lengths, c.batch_size, generator):
            batch = {
                name: tensor.to(device) for name, tensor in pad_batch([features[r] for r in rows]).items()
            }
            with torch.autocast(device.type, torch.bfloat16, enabled=c.precision == "bfloat16"):
                scores = model(batch)
            loss = loss_of(scores.float(), batch)
            if not torch.isfinite(loss):
                raise TrainingDivergedError(
                    f"The loss is {loss.item()} at step {len(history.losses) + 1} of {steps}. "
                    f"Lower the learning rate (now {c.learning_rate:g}) or check the labels."
                )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), c.clip)
            optimizer.step()
            scheduler.step()
            history.losses.append(loss.item())
            history.tokens += int(batch["attention_mask"].sum())
            history.padded_tokens += batch["attention_mask"].numel()
            bar.update()
            bar.set_postfix(loss=f"{loss.item():.3f}")
        model.eval()
        if evaluate is not None:
            history.scores.append(evaluate(model))
    bar.close()
    history.seconds = time.perf_counter() - began
    return history


@torch.no_grad()
def predict(model: TaskModel, features: Sequence[dict], batch_size: int = 32) -> list[Tensor]:
    """Return the scores of each row, in the order of the rows, without gradient and without dropout.

    Scores of token-level heads are cut to the row's own length.
    """
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    scores: list[Tensor] = [torch.empty(0)] * len(features)
    for rows, batch in inference_batches(features, batch_size):
        output = model({name: tensor.to(device) for name, tensor in batch.items()}).cpu()
        for row, values in zip(rows, output, strict=True):
            scores[row] = values if model.pooled else values[: len(features[row]["input_ids"])]
    model.train(was_training)
    return scores
