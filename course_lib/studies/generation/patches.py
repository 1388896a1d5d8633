"""Pictures as tokens: a picture is cut into patches, and BERT's blocks read them (Dosovitskiy et al. 2020).

Nothing in a block knows about words. It wants a row of vectors, and where they come from is up to the embeddings:
here each patch is flattened and multiplied by one matrix.

Shape letters: B pictures in a batch, S pixels a side, P pixels of a patch's side, N patches, T = N + 1 tokens, H hidden size,
C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib import settings
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import EncoderBlock, initialize_weights
from course_lib.errors import CourseError
from course_lib.training.optimization import adamw
from course_lib.training.update import UpdateStep

SHAPES = ("disk", "square", "cross", "ring")
SIDE, PATCH = 24, 6  # pixels


def draw(shape: str, generator: np.random.Generator, side: int = SIDE) -> np.ndarray:
    """Draw a shape of random size and place on a noisy ground, (S, S) float32, 0 for black and 1 for white.

    Raises
    ------
    CourseError
        If there is no such shape.
    """
    if shape not in SHAPES:
        raise CourseError(f"There is no shape {shape!r}. Choose one of: {', '.join(SHAPES)}.")
    radius = generator.uniform(0.2, 0.34) * side
    row, column = generator.uniform(radius, side - radius, size=2)
    down, right = (np.mgrid[:side, :side] - np.array([row, column])[:, None, None]).astype(
        np.float32
    )  # (S, S) each
    distance, box = np.hypot(down, right), np.maximum(abs(down), abs(right))
    inside = {
        "disk": distance <= radius,
        "square": box <= 0.85 * radius,
        "cross": (np.minimum(abs(down), abs(right)) <= 0.25 * radius) & (box <= radius),
        "ring": (distance <= radius) & (distance >= 0.6 * radius),
    }[shape]
    noise = generator.normal(0, 0.1, size=(side, side))
    return np.clip(0.15 + 0.7 * inside + noise, 0, 1).astype(np.float32)


def pictures(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures (number, S, S) with the numbers of their shapes in :data:`SHAPES`."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(len(SHAPES), size=number)
    return np.stack([draw(SHAPES[label], generator) for label in labels]), labels


def patches_of(images: np.ndarray, patch: int = PATCH) -> np.ndarray:
    """Cut pictures into square patches, row by row: (..., S, S) -> (..., N, P * P).

    Raises
    ------
    CourseError
        If the side of a picture isn't a multiple of the patch's.
    """
    *rest, height, width = images.shape
    if patch < 1 or height % patch or width % patch:
        raise CourseError(
            f"A picture of {height} × {width} pixels can't be cut into patches of {patch} × {patch}."
        )
    blocks = images.reshape(*rest, height // patch, patch, width // patch, patch)
    blocks = np.moveaxis(blocks, -3, -2)  # rows of patches, patches of a row, rows of a patch, its pixels
    return blocks.reshape(*rest, -1, patch * patch)


class PatchEncoder(nn.Module):
    """BERT's blocks over the patches of a picture, and a head for its class.

    Parameters
    ----------
    configuration : sizes of the blocks; a vocabulary plays no part.
    patch : pixels of a patch's side.
    patches : how many patches a picture has.
    classes : of the head.
    """

    def __init__(
        self,
        configuration: BertConfiguration,
        patch: int = PATCH,
        patches: int = (SIDE // PATCH) ** 2,
        classes: int = len(SHAPES),
    ):
        super().__init__()
        size = configuration.hidden_size
        self.embed = nn.Linear(patch * patch, size)  # in place of the word embeddings
        self.cls = nn.Parameter(torch.zeros(size))
        self.positions = nn.Embedding(patches + 1, size)
        self.norm = nn.LayerNorm(size)
        self.blocks = nn.ModuleList(
            EncoderBlock(configuration) for _ in range(configuration.num_hidden_layers)
        )
        self.head = nn.Linear(size, classes)
        self.apply(lambda module: initialize_weights(module, 0.1))

    def tokens(self, patches: Tensor) -> Tensor:
        """Return the vectors that the first block reads: [CLS], then the patches, (B, N, P * P) -> (B, T, H)."""
        embedded = self.embed(patches)  # (B, N, P * P) -> (B, N, H)
        first = self.cls.expand(len(patches), 1, -1)  # (B, 1, H)
        return self.norm(torch.cat([first, embedded], dim=1) + self.positions.weight)  # (B, T, H)

    def forward(self, patches: Tensor) -> Tensor:
        """Return the scores of the classes, (B, N, P * P) -> (B, C)."""
        hidden = self.tokens(patches)  # (B, T, H)
        for block in self.blocks:
            hidden, _ = block(hidden)
        return self.head(hidden[:, 0])  # the state of [CLS], as in BERT

    @torch.no_grad()
    def attention(self, patches: Tensor) -> Tensor:
        """Return how much [CLS] looks at each patch in the last block, the mean over the heads: (B, N)."""
        hidden = self.tokens(patches)
        for block in self.blocks:
            hidden, weights = block(hidden, need_weights=True)
        return weights.mean(dim=1)[:, 0, 1:]  # (B, A, T, T) -> (B, N)


PATCH_CONFIGURATION = BertConfiguration(
    vocab_size=1,
    hidden_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=192,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)


def train_on_pictures(
    *, seed: int, number: int = 1024, updates: int = 300, batch_size: int = 64
) -> tuple[PatchEncoder, list[float]]:
    """Train a small encoder to tell shapes apart, and return it with the losses of its updates."""
    settings.prepare(seed)
    images, labels = pictures(number, seed)
    patches, targets = torch.from_numpy(patches_of(images)), torch.from_numpy(labels)
    model = PatchEncoder(PATCH_CONFIGURATION)
    update = UpdateStep(model, adamw(model, 2e-3, 0.01), 2e-3, updates // 10, updates)
    generator = torch.Generator().manual_seed(seed)

    def loss_of(rows: Tensor) -> Tensor:
        return functional.cross_entropy(model(patches[rows]), targets[rows])

    losses = [
        update(step, [torch.randint(number, (batch_size,), generator=generator)], loss_of).item()
        for step in range(updates)
    ]
    return model.eval(), losses


@torch.no_grad()
def shapes_of(model: PatchEncoder, images: np.ndarray) -> list[str]:
    """Return the shape that a model sees in each picture (B, S, S)."""
    scores = model(torch.from_numpy(patches_of(images)))  # (B, C)
    return [SHAPES[place] for place in scores.argmax(dim=-1).tolist()]


def accuracy(model: PatchEncoder, images: np.ndarray, labels: Sequence[int]) -> float:
    """Return the share of pictures whose shape a model names right."""
    right = [SHAPES[label] == shape for label, shape in zip(labels, shapes_of(model, images), strict=True)]
    return float(np.mean(right))
