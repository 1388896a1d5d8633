"""What attention heads look at, measured: six patterns, each with a score (Clark et al. 2019, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from course_lib.bert.encoder import BertEncoder
from course_lib.errors import CourseError
from course_lib.finetuning.classification import classification_features

PATTERNS = ("previous token", "next token", "itself", "same word elsewhere", "[CLS]", "[SEP]")


@dataclass(frozen=True)
class HeadScores:
    """How much weight each head puts where a pattern says.

    Parameters
    ----------
    weight : by pattern, (L, A) float: the mean weight of the tokens that have such a target.
    even : by pattern, the weight there if every token looked at all tokens alike.
    tokens : by pattern, the number of tokens that have such a target.
    """

    weight: dict[str, Tensor]
    even: dict[str, float]
    tokens: dict[str, int]

    def best(self, pattern: str) -> tuple[int, int, float]:
        """Return layer and head, both from 0, of the largest weight, and that weight."""
        scores = self.weight[pattern]  # (L, A)
        layer, head = divmod(int(scores.argmax()), scores.shape[1])
        return layer, head, float(scores[layer, head])


def pattern_targets(input_ids: Tensor, cls_id: int, sep_id: int) -> dict[str, Tensor]:
    """Return, for one sequence, which tokens each pattern expects a token to look at.

    Tokens that look are the words; [CLS] and [SEP] themselves are left out.

    Parameters
    ----------
    input_ids : (T,) int64, no padding.
    cls_id, sep_id : ids of the two special tokens.

    Returns
    -------
    dict of Tensor
        By pattern, (T, T) bool; row i holds the targets of token i.
    """
    length = len(input_ids)
    is_cls, is_sep = input_ids == cls_id, input_ids == sep_id  # (T,)
    words = ~(is_cls | is_sep)
    itself = torch.eye(length, dtype=torch.bool)  # (T, T)
    same = (input_ids[:, None] == input_ids[None, :]) & ~itself  # (T, T)
    targets = {
        "previous token": torch.eye(length).roll(-1, dims=1).tril().bool(),
        "next token": torch.eye(length).roll(1, dims=1).triu().bool(),
        "itself": itself,
        "same word elsewhere": same,
        "[CLS]": is_cls.expand(length, length),
        "[SEP]": is_sep.expand(length, length),
    }
    return {name: target & words[:, None] for name, target in targets.items()}


@torch.no_grad()
def head_scores(
    encoder: BertEncoder, tokenizer: Tokenizer, texts: Sequence[str], max_length: int = 64
) -> HeadScores:
    """Score every head of an encoder for each of the six patterns.

    Parameters
    ----------
    encoder : the model, in evaluation mode.
    tokenizer : its tokenizer.
    texts : what is read; a pattern that no text has (such as a word that occurs twice) gets NaN.
    max_length : the most tokens of a text.

    Raises
    ------
    CourseError
        If there is no text.
    """
    if not len(texts):
        raise CourseError("There is no text to read. Give at least one.")
    cls_id, sep_id = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    shape = (encoder.configuration.num_hidden_layers, encoder.configuration.num_attention_heads)
    total = {name: torch.zeros(shape) for name in PATTERNS}
    even, tokens = dict.fromkeys(PATTERNS, 0.0), dict.fromkeys(PATTERNS, 0)
    for feature in classification_features(texts, tokenizer, max_length=max_length):
        ids = torch.tensor(feature["input_ids"])  # (T,)
        layers = encoder(ids[None], output_attentions=True).attentions
        weights = torch.stack(layers)[:, 0]  # (L, A, T, T)
        for name, target in pattern_targets(ids, cls_id, sep_id).items():
            looking = target.any(dim=1)  # (T,): the tokens that have such a target
            total[name] += (weights * target).sum(dim=-1)[..., looking].sum(dim=-1)  # (L, A)
            even[name] += float(target.float().mean(dim=1)[looking].sum())
            tokens[name] += int(looking.sum())
    return HeadScores(
        {name: total[name] / tokens[name] if tokens[name] else total[name] + torch.nan for name in PATTERNS},
        {name: even[name] / tokens[name] if tokens[name] else float("nan") for name in PATTERNS},
        tokens,
    )
