"""Two ways to fine-tune, side by side: a span head on BERT, and a decoder that writes the completion of a prompt.

The decoder is made of the same blocks as BERT. Two things make it one: a mask that lets a position look at itself and
to its left only, and a target that is the next token (Radford et al. 2018).

Shape letters: B examples in a batch, T tokens, V vocabulary.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from course_lib import settings
from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder
from course_lib.bert.heads import BertForMaskedLanguageModel, span_head
from course_lib.errors import CourseError
from course_lib.finetuning.loop import TaskModel
from course_lib.studies.generation.formats import Example, question_tokenizer, to_prompt
from course_lib.training.optimization import adamw
from course_lib.training.update import UpdateStep

IGNORED = -100  # the target of a position that teaches nothing


@dataclass(frozen=True)
class SmallTraining:
    """Sizes of a small model, and how it is trained."""

    hidden_size: int = 64
    blocks: int = 2
    heads: int = 4
    learning_rate: float = 2e-3
    updates: int = 400
    batch_size: int = 32
    max_length: int = 64


def small_configuration(vocabulary_size: int, training: SmallTraining) -> BertConfiguration:
    """Return the sizes of a small model, without dropout: most of what it sees is new to it.

    Its first weights are larger than BERT's. A standard deviation of 0.02 suits a width of 768; at 64, attention would
    start out almost uniform, and a decoder would take long to find the one word that it has to copy.
    """
    t = training
    return BertConfiguration(
        vocab_size=vocabulary_size,
        hidden_size=t.hidden_size,
        num_hidden_layers=t.blocks,
        num_attention_heads=t.heads,
        intermediate_size=4 * t.hidden_size,
        max_position_embeddings=t.max_length,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.1,
    )


def causal_mask(length: int) -> Tensor:
    """Return which positions a position may look at: itself and those to its left, (1, T, T) of ones and zeros."""
    return torch.ones(1, length, length, dtype=torch.long).tril()


class SmallDecoder(nn.Module):
    """A language model that reads from left to right, made of BERT's blocks and BERT's word head.

    Parameters
    ----------
    configuration : sizes.
    """

    def __init__(self, configuration: BertConfiguration):
        super().__init__()
        self.words = BertForMaskedLanguageModel(BertEncoder(configuration, with_pooler=False))

    def forward(self, input_ids: Tensor) -> Tensor:
        """Return the scores of the *next* token at each position, (B, T, V)."""
        states = self.words.encoder(input_ids, None, causal_mask(input_ids.shape[1])).last_hidden_state
        return self.words.score_words(states)  # (B, T, H) -> (B, T, V)


def completion_targets(
    prompt_ids: Sequence[int], completion_ids: Sequence[int], on_prompt: bool = False
) -> list[int]:
    """Return the target of each position: the token that comes next, or nothing to learn.

    Parameters
    ----------
    prompt_ids, completion_ids : the tokens of both, the completion with its end.
    on_prompt : whether the prompt is to be learned too. A common mistake in fine-tuning: most of the loss is then
        about how stories go, and little of it about answers.

    Returns
    -------
    list of int
        One fewer than there are tokens: the last one has no next.
    """
    following = [*prompt_ids[1:], *completion_ids]
    taught = (
        0 if on_prompt else len(prompt_ids) - 1
    )  # the prompt's last token has the answer's first as its next
    return [IGNORED] * taught + following[taught:]


def prompt_ids(example: Example, tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Return the tokens of an example's prompt, after [CLS], and of its completion, with [SEP] at the end."""
    prompt, completion = (tokenizer.encode(text, add_special_tokens=False).ids for text in to_prompt(example))
    return [tokenizer.token_to_id("[CLS]"), *prompt], [*completion, tokenizer.token_to_id("[SEP]")]


def decoder_batch(
    examples: Sequence[Example], tokenizer: Tokenizer, on_prompt: bool = False
) -> dict[str, Tensor]:
    """Return ``input_ids`` and ``targets`` of some examples, both (B, T)."""
    inputs, targets = [], []
    for example in examples:
        prompt, completion = prompt_ids(example, tokenizer)
        inputs.append(torch.tensor([*prompt, *completion[:-1]]))
        targets.append(torch.tensor(completion_targets(prompt, completion, on_prompt)))
    pad = nn.utils.rnn.pad_sequence
    padding = tokenizer.token_to_id("[PAD]")
    return {
        "input_ids": pad(inputs, batch_first=True, padding_value=padding),
        "targets": pad(targets, batch_first=True, padding_value=IGNORED),
    }


def _train(
    model: nn.Module,
    examples: Sequence[Example],
    loss_of: Callable[[list[Example]], Tensor],
    training: SmallTraining,
    seed: int,
) -> list[float]:
    """Train a model on batches of examples drawn at random, and return the losses."""
    if not examples:
        raise CourseError("There is no example to learn from. Write some with small_questions.")
    t, draw = training, random.Random(seed)
    optimizer = adamw(model, t.learning_rate, 0.01)
    update = UpdateStep(model, optimizer, t.learning_rate, t.updates // 10, t.updates, 1.0, "float32")
    model.train()
    losses = [
        update(step, [draw.choices(examples, k=t.batch_size)], loss_of).item() for step in range(t.updates)
    ]
    model.eval()
    return losses


def train_decoder(
    examples: Sequence[Example],
    *,
    seed: int,
    on_prompt: bool = False,
    training: SmallTraining = SmallTraining(),
) -> tuple[SmallDecoder, list[float]]:
    """Train a decoder to complete prompts, and return it with the losses of its updates.

    Parameters
    ----------
    examples : to learn from.
    seed : of weights and order.
    on_prompt : whether the loss counts the prompt too, see :func:`completion_targets`.
    training : sizes and updates.
    """
    settings.prepare(seed)
    tokenizer = question_tokenizer()
    decoder = SmallDecoder(small_configuration(tokenizer.get_vocab_size(), training))

    def loss_of(batch: list[Example]) -> Tensor:
        tensors = decoder_batch(batch, tokenizer, on_prompt)
        scores = decoder(tensors["input_ids"])  # (B, T, V)
        return functional.cross_entropy(
            scores.flatten(0, 1), tensors["targets"].flatten(), ignore_index=IGNORED
        )

    return decoder, _train(decoder, examples, loss_of, training, seed)


@torch.no_grad()
def complete(decoder: SmallDecoder, example: Example, most: int = 4) -> str:
    """Return what a decoder writes after an example's prompt, taking the best token each time.

    Parameters
    ----------
    decoder : a trained one.
    example : its answer isn't looked at.
    most : tokens to write, if no [SEP] ends the answer earlier.
    """
    tokenizer = question_tokenizer()
    ids, _ = prompt_ids(example, tokenizer)
    written: list[int] = []
    end = tokenizer.token_to_id("[SEP]")
    while len(written) < most:
        scores = decoder(torch.tensor([ids + written]))[0, -1]  # (V,)
        written.append(int(scores.argmax()))
        if written[-1] == end:
            break
    return tokenizer.decode(written)


# BERT's way ---------------------------------------------------------------------------------------


def extractive_batch(examples: Sequence[Example], tokenizer: Tokenizer) -> dict[str, Tensor]:
    """Return question and paragraph of some examples, (B, T), with the tokens where their answers start and end.

    An answer that isn't a span has [CLS] as its start and end, as in SQuAD 2.0.
    """
    encodings = tokenizer.encode_batch([(example.question, example.context) for example in examples])
    spans = [_span(example, encoding) for example, encoding in zip(examples, encodings, strict=True)]
    longest = max(len(encoding.ids) for encoding in encodings)
    for encoding in encodings:
        encoding.pad(longest)
    return {
        "input_ids": torch.tensor([encoding.ids for encoding in encodings]),
        "token_type_ids": torch.tensor([encoding.type_ids for encoding in encodings]),
        "attention_mask": torch.tensor([encoding.attention_mask for encoding in encodings]),
        "spans": torch.tensor(spans),  # (B, 2)
    }


def _span(example: Example, encoding) -> tuple[int, int]:
    if example.start is None:
        return 0, 0
    last = example.start + len(example.answer) - 1
    return encoding.char_to_token(example.start, 1), encoding.char_to_token(last, 1)


def train_extractive(
    examples: Sequence[Example], *, seed: int, training: SmallTraining = SmallTraining()
) -> tuple[TaskModel, list[float]]:
    """Train BERT's blocks with a span head on the same examples, and return the model with its losses.

    Parameters
    ----------
    examples : to learn from.
    seed : of weights and order.
    training : sizes and updates.
    """
    settings.prepare(seed)
    tokenizer = question_tokenizer()
    configuration = small_configuration(tokenizer.get_vocab_size(), training)
    model = TaskModel(BertEncoder(configuration, with_pooler=False), span_head(configuration), pooled=False)

    def loss_of(batch: list[Example]) -> Tensor:
        tensors = extractive_batch(batch, tokenizer)
        scores = model(tensors)  # (B, T, 2)
        scores = scores.masked_fill(tensors["attention_mask"][..., None] == 0, torch.finfo(scores.dtype).min)
        return functional.cross_entropy(scores, tensors["spans"])  # a choice among T, for start and for end

    return model, _train(model, examples, loss_of, training, seed)


@torch.no_grad()
def extract(model: TaskModel, example: Example) -> str:
    """Return the span that a model marks, empty if it points at [CLS]. It can't say anything else."""
    tokenizer = question_tokenizer()
    encoding = tokenizer.encode(example.question, example.context)
    scores = model(extractive_batch([example], tokenizer))[0]  # (T, 2)
    legal = [0] + [place for place, part in enumerate(encoding.sequence_ids) if part == 1]
    start = max(legal, key=lambda place: float(scores[place, 0]))
    if start == 0:
        return ""
    end = max((place for place in legal if place >= start), key=lambda place: float(scores[place, 1]))
    return example.context[encoding.offsets[start][0] : encoding.offsets[end][1]]


def exact_matches(answers: Sequence[str], examples: Sequence[Example]) -> dict[str, float]:
    """Return the share of right answers among questions whose answer is a ``span``, and among the others (``no span``)."""
    right = {"span": [], "no span": []}
    for answer, example in zip(answers, examples, strict=True):
        kind = "no span" if example.start is None else "span"
        right[kind].append(answer.strip().lower() == example.answer.lower())
    return {kind: sum(values) / len(values) for kind, values in right.items() if values}
