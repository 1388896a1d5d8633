"""A small student learns what a large teacher says (Hinton et al. 2015; Sanh et al. 2019, DistilBERT)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import row_state
from course_lib.errors import CourseError
from course_lib.finetuning.classification import classification_loss
from course_lib.finetuning.loop import History, TaskModel, TrainingConfiguration, fine_tune, predict
from course_lib.training.batching import pad_batch

TEACHER = "teacher_scores"  # the field of a feature that holds what the teacher said
STATE = "teacher_state"  # and the one with the state that its head read


def evenly(teacher_layers: int, student_layers: int) -> tuple[int, ...]:
    """Return the blocks that a student starts from, counted from 0: spread over the teacher, the last one included.

    Raises
    ------
    CourseError
        If the student has no layer, or more than the teacher.
    """
    if not 1 <= student_layers <= teacher_layers:
        raise CourseError(
            f"A student of {student_layers} layers can't start from a teacher of {teacher_layers}. "
            f"Choose 1 to {teacher_layers} layers."
        )
    return tuple((place + 1) * teacher_layers // student_layers - 1 for place in range(student_layers))


def student_of(teacher: TaskModel, layers: Sequence[int]) -> TaskModel:
    """Return a shallower model that starts from some of the teacher's blocks; all else is the teacher's.

    Parameters
    ----------
    teacher : a fine-tuned model, left as it is.
    layers : the blocks to copy, counted from 0, in rising order.

    Raises
    ------
    CourseError
        If there is no layer, or one that the teacher doesn't have.
    """
    c, layers = teacher.encoder.configuration, tuple(layers)
    rising = layers == tuple(sorted(set(layers)))
    if not layers or not rising or layers[0] < 0 or layers[-1] >= c.num_hidden_layers:
        raise CourseError(
            f"The student's layers are {list(layers)}, and the teacher has layers 0 to {c.num_hidden_layers - 1}. "
            "Name at least one of them, each once, in rising order."
        )
    student = copy.deepcopy(teacher)
    encoder = BertEncoder(replace(c, num_hidden_layers=len(layers)), teacher.encoder.pooler is not None)
    encoder.embeddings, encoder.pooler = student.encoder.embeddings, student.encoder.pooler
    encoder.blocks = torch.nn.ModuleList(student.encoder.blocks[layer] for layer in layers)
    student.encoder = encoder.train(teacher.training)
    return student


def teacher_scores(teacher: TaskModel, features: Sequence[dict]) -> Tensor:
    """Return the teacher's scores before the softmax, (rows, classes) float: read once, used in every epoch."""
    return torch.stack(predict(teacher, features))


class WithState(TaskModel):
    """A classifier that also returns the state that its head reads: (B, classes + H). It shares the model's layers."""

    def __init__(self, model: TaskModel):
        super().__init__(model.encoder, model.head, model.pooled, model.labels, reads=model.reads)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        output = self.encoder(batch["input_ids"], batch.get("token_type_ids"), batch.get("attention_mask"))
        state = row_state(output, batch.get("attention_mask"), self.reads)  # (B, H)
        return torch.cat([self.head(state), state], dim=-1)  # (B, classes + H)


def with_soft_targets(features: Sequence[dict], scores: Tensor, states: Tensor | None = None) -> list[dict]:
    """Return features that carry the teacher's scores, and the states that its head read.

    Parameters
    ----------
    features : training rows.
    scores : (rows, classes) float.
    states : (rows, H) float, if the student is to come close to them too.

    Raises
    ------
    CourseError
        If there is not one row of scores for each feature.
    """
    if len(features) != len(scores):
        raise CourseError(
            f"There are {len(features)} texts, and the teacher scored {len(scores)}. Score the same texts."
        )
    fields = {TEACHER: scores} if states is None else {TEACHER: scores, STATE: states}
    rows = zip(*(tensor.tolist() for tensor in fields.values()), strict=True)
    return [
        feature | dict(zip(fields, map(tuple, row), strict=True))
        for feature, row in zip(features, rows, strict=True)
    ]


def soft_target_loss(scores: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """Return T² times the divergence of the student's softened probabilities from the teacher's.

    Dividing the scores by T makes the gradient about T² times smaller; the factor undoes that, so that the
    same learning rate and the same weight beside the hard labels fit every T (Hinton et al. 2015, section 2.1).

    Parameters
    ----------
    scores : (B, classes) float, the student's, before the softmax.
    targets : (B, classes) float, the teacher's, before the softmax.
    temperature : T, above 0; the larger, the softer.

    Raises
    ------
    CourseError
        If the temperature is not above 0.
    """
    if not temperature > 0:
        raise CourseError(f"The temperature is {temperature}. Choose a number above 0.")
    student = (scores / temperature).log_softmax(dim=-1)  # (B, classes)
    teacher = (targets / temperature).softmax(dim=-1)  # (B, classes)
    return temperature**2 * functional.kl_div(student, teacher, reduction="batchmean")


def distillation_loss(
    temperature: float, soft_share: float, state_weight: float = 0.0
) -> Callable[[Tensor, dict[str, Tensor]], Tensor]:
    """Return the loss of a student: soft targets, the labels for the rest, and the teacher's state beside both.

    Parameters
    ----------
    temperature : of the soft targets.
    soft_share : weight of the soft targets, 0 to 1; 0 is ordinary fine-tuning.
    state_weight : of 1 − cosine between the student's state and the teacher's (Sanh et al. 2019, section 3); above 0,
        the model is to return its state too, see :class:`WithState`.

    Raises
    ------
    CourseError
        If the share is outside 0 to 1.
    """
    if not 0 <= soft_share <= 1:
        raise CourseError(f"soft_share is {soft_share}. Choose a share from 0 to 1.")

    def loss_of(output: Tensor, batch: dict[str, Tensor]) -> Tensor:
        classes = batch[TEACHER].shape[1]
        scores, state = output[:, :classes], output[:, classes:]  # (B, classes), (B, H or 0)
        soft = soft_target_loss(scores, batch[TEACHER], temperature)
        loss = soft_share * soft + (1 - soft_share) * classification_loss(scores, batch)
        if state_weight:
            loss = loss + state_weight * (1 - functional.cosine_similarity(state, batch[STATE])).mean()
        return loss

    return loss_of


def batch_with_targets(features: Sequence[dict]) -> dict[str, Tensor]:
    """Join features that carry the teacher's scores and states: those are (B, ...), and need no padding."""
    fields = [name for name in (TEACHER, STATE) if name in features[0]]
    plain = [{name: v for name, v in feature.items() if name not in fields} for feature in features]
    return pad_batch(plain) | {name: torch.tensor([f[name] for f in features]) for name in fields}


def distill(
    student: TaskModel,
    teacher: TaskModel,
    features: Sequence[dict],
    configuration: TrainingConfiguration,
    *,
    temperature: float = 2.0,
    soft_share: float = 0.5,
    state_weight: float = 0.0,
    evaluate: Callable[[TaskModel], dict[str, float]] | None = None,
    progress: bool = True,
) -> History:
    """Train a student in place on the teacher's scores, on the labels, and on the teacher's states.

    Parameters
    ----------
    student : trained in place.
    teacher : reads every row once.
    features : training rows with labels.
    configuration, evaluate, progress : as for :func:`~course_lib.finetuning.loop.fine_tune`.
    temperature, soft_share, state_weight : as for :func:`distillation_loss`.

    Raises
    ------
    CourseError
        If the student is deeper than its teacher, or a number is out of its range.
    """
    layers = [len(model.encoder.blocks) for model in (teacher, student)]
    if layers[1] > layers[0]:
        raise CourseError(
            f"The student has {layers[1]} layers and its teacher {layers[0]}. Give the larger model as the teacher."
        )
    loss_of = distillation_loss(temperature, soft_share, state_weight)
    outputs = teacher_scores(WithState(teacher), features)  # (rows, classes + H)
    scores, states = outputs.tensor_split([teacher.head.out_features], dim=1)
    history = fine_tune(
        WithState(student),
        with_soft_targets(features, scores, states),
        loss_of,
        configuration,
        evaluate=None if evaluate is None else lambda _: evaluate(student.eval()),
        progress=progress,
        collate=batch_with_targets,
    )
    student.eval()
    return history


def gradient_sizes(
    scores: Tensor, targets: Tensor, temperatures: Sequence[float], *, with_square: bool = True
) -> list[float]:
    """Return how long the gradient of the soft targets is for each temperature, with the factor T² or without it.

    Parameters
    ----------
    scores, targets, temperatures : as for :func:`soft_target_loss`.
    with_square : whether the factor is there.
    """
    sizes = []
    for temperature in temperatures:
        leaf = scores.detach().clone().requires_grad_()
        loss = soft_target_loss(leaf, targets, temperature)
        (gradient,) = torch.autograd.grad(loss if with_square else loss / temperature**2, leaf)
        sizes.append(float(gradient.norm()))
    return sizes
