"""What else a model can be asked for: spans, replaced tokens, words in random order.

Masks over spans follow Joshi et al. 2020 (SpanBERT), replaced tokens Clark et al. 2020 (ELECTRA), and the order
Yang et al. 2019 (XLNet). Sentence order, dynamic masks and whole words are in :mod:`course_lib.pretraining`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import BertEncoder, EncoderBlock
from course_lib.bert.heads import MaskedLanguageModelHead
from course_lib.errors import CourseError
from course_lib.pretraining.masking import MaskedBatch, MaskingStrategy, MaskingVocabulary, mask_tokens

# Static and dynamic masks -------------------------------------------------------------------------


def static_and_dynamic(
    input_ids: Tensor, vocabulary: MaskingVocabulary, epochs: int, seed: int
) -> dict[str, Tensor]:
    """Return where one sequence is masked in each epoch, drawn once or drawn anew (Liu et al. 2019, section 4.1).

    Parameters
    ----------
    input_ids : (T,) int64.
    vocabulary : what masking must know.
    epochs : how often the sequence is read.
    seed : of the draws.

    Returns
    -------
    dict of Tensor
        ``static`` and ``dynamic``, each (epochs, T) bool.
    """
    draws = torch.Generator().manual_seed(seed)
    masks = torch.cat(
        [mask_tokens(input_ids[None], vocabulary, generator=draws).chosen for _ in range(epochs)]
    )  # (epochs, T)
    return {"static": masks[:1].expand(epochs, -1), "dynamic": masks}


# Spans --------------------------------------------------------------------------------------------


def choose_spans(
    input_ids: Tensor,
    vocabulary: MaskingVocabulary,
    generator: torch.Generator,
    *,
    share: float = 0.15,
    stop: float = 0.2,
    longest: int = 10,
) -> Tensor:
    """Choose spans of tokens until a share of each sequence is covered; a span never reaches over a special token.

    Lengths are geometric: a span goes on with probability 1 − ``stop``, up to ``longest`` tokens.

    Parameters
    ----------
    input_ids : (B, T) int64, padded.
    vocabulary : what masking must know.
    generator : source of randomness.
    share : of the real tokens.
    stop : probability that a span ends after a token.
    longest : tokens of a span.

    Returns
    -------
    Tensor
        (B, T) bool.

    Raises
    ------
    CourseError
        If the share or the probability is not above 0 and at most 1.
    """
    if not (0 < share <= 1 and 0 < stop <= 1):
        raise CourseError(f"share is {share} and stop is {stop}. Choose both above 0 and at most 1.")
    chosen = torch.zeros_like(input_ids, dtype=torch.bool)
    possible = ~vocabulary.is_special[input_ids]  # (B, T)
    lengths = (input_ids != vocabulary.pad_id).sum(dim=1).tolist()
    for row, length in enumerate(lengths):
        count = min(max(1, round(share * length)), int(possible[row].sum()))
        while int(chosen[row].sum()) < count:
            free = (possible[row] & ~chosen[row]).nonzero()[:, 0]
            place = int(free[torch.randint(len(free), (1,), generator=generator)])
            size = 1
            while size < longest and float(torch.rand(1, generator=generator)) >= stop:
                size += 1
            for position in range(place, min(place + size, length)):
                if not possible[row, position] or int(chosen[row].sum()) == count:
                    break  # a sentence ends here, or the budget does
                chosen[row, position] = True
    return chosen


def mask_chosen(
    input_ids: Tensor, chosen: Tensor, vocabulary: MaskingVocabulary, generator: torch.Generator
) -> MaskedBatch:
    """Return a batch in which exactly the chosen tokens are asked for: 80% [MASK], 10% random, 10% as they are.

    Parameters
    ----------
    input_ids : (B, T) int64.
    chosen : (B, T) bool, none of them special.
    vocabulary : what masking must know.
    generator : source of randomness.
    """
    all_of_them = MaskingStrategy(selection=1.0)
    return mask_tokens(input_ids, vocabulary, all_of_them, generator=generator, never=~chosen)


# Replaced tokens ----------------------------------------------------------------------------------


class ReplacedBatch(NamedTuple):
    """A batch with some words of a generator in it.

    ``input_ids`` (B, T) int64 is what the discriminator reads; ``replaced`` (B, T) bool is true where a token isn't
    the original one; ``real`` (B, T) bool is false for padding.
    """

    input_ids: Tensor
    replaced: Tensor
    real: Tensor


def replaced_tokens(
    input_ids: Tensor, masked: MaskedBatch, scores: Tensor, pad_id: int, generator: torch.Generator
) -> ReplacedBatch:
    """Fill the masked places with words that a generator samples; a word that it gets right counts as original.

    Parameters
    ----------
    input_ids : (B, T) int64, the original text.
    masked : where the generator was asked.
    scores : (M, V) float, its scores there; no gradient goes through the sampling.
    pad_id : id of [PAD].
    generator : source of randomness.
    """
    probabilities = scores.detach().float().softmax(dim=-1)  # (M, V)
    words = torch.multinomial(probabilities, 1, generator=generator)[:, 0]  # (M,)
    filled = input_ids.flatten().index_copy(0, masked.positions, words).view_as(input_ids)  # (B, T)
    return ReplacedBatch(filled, filled != input_ids, input_ids != pad_id)


def detection_loss(scores: Tensor, batch: ReplacedBatch) -> Tensor:
    """Return the mean loss of telling replaced tokens from original ones, over all real tokens.

    Parameters
    ----------
    scores : (B, T) float, above 0 for "replaced".
    batch : what was read.
    """
    losses = functional.binary_cross_entropy_with_logits(
        scores.float(), batch.replaced.float(), reduction="none"
    )  # (B, T)
    return losses[batch.real].mean()


class ReplacedTokenModel(nn.Module):
    """A small generator of words, and a discriminator that tells which words are replaced.

    Parameters
    ----------
    generator_configuration : of the generator, mostly a quarter to half as wide.
    configuration : of the discriminator, which is what is used afterwards.
    """

    def __init__(self, generator_configuration: BertConfiguration, configuration: BertConfiguration):
        super().__init__()
        self.generator = BertEncoder(generator_configuration)
        self.generator_head = MaskedLanguageModelHead(
            generator_configuration, self.generator.embeddings.token
        )
        self.encoder = BertEncoder(configuration)
        self.transform = nn.Linear(configuration.hidden_size, configuration.hidden_size)
        self.detect = nn.Linear(configuration.hidden_size, 1)

    @property
    def configuration(self) -> BertConfiguration:
        """Sizes and rates of the discriminator."""
        return self.encoder.configuration

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return for each token how surely it is replaced: (B, T) float."""
        hidden = self.encoder(input_ids, attention_mask=attention_mask).last_hidden_state  # (B, T, H)
        return self.detect(functional.gelu(self.transform(hidden)))[..., 0]


# Permuted order -----------------------------------------------------------------------------------


def random_order(input_ids: Tensor, vocabulary: MaskingVocabulary, generator: torch.Generator) -> Tensor:
    """Return when each token's turn is, (B, T) int64: special tokens first, words in random order, padding last.

    Parameters
    ----------
    input_ids : (B, T) int64, padded.
    vocabulary : what masking must know.
    generator : source of randomness.
    """
    draw = torch.rand(input_ids.shape, generator=generator)  # (B, T) from 0 to 1
    draw = torch.where(vocabulary.is_special[input_ids], draw - 2, draw)
    draw = torch.where(input_ids == vocabulary.pad_id, draw + 4, draw)
    draw[:, 0] = -3.0  # [CLS] is the very first, so that every other token has something to look at
    return draw.argsort(dim=1).argsort(dim=1)


def permutation_masks(order: Tensor) -> tuple[Tensor, Tensor]:
    """Return who may look at whom, for content and for queries: each (B, T, T) bool, rows look at columns.

    A token's content stream sees what has had its turn, itself included. The query stream that is to predict it
    doesn't see the token itself. The first one would see nothing, so it may; it is never predicted.

    Parameters
    ----------
    order : (B, T) int64, when each token's turn is.
    """
    earlier = order[:, None, :] < order[:, :, None]  # (B, T, T)
    same = order[:, None, :] == order[:, :, None]
    first = (order == 0)[:, :, None]  # (B, T, 1)
    return earlier | same, earlier | (same & first)


class TwoStreamModel(nn.Module):
    """Attention in two streams over the same blocks: content knows the word, queries know its place only.

    Parameters
    ----------
    configuration : sizes and rates.
    """

    def __init__(self, configuration: BertConfiguration):
        super().__init__()
        self.encoder = BertEncoder(configuration)
        self.head = MaskedLanguageModelHead(configuration, self.encoder.embeddings.token)
        self.query = nn.Parameter(torch.zeros(configuration.hidden_size))  # takes the place of every word

    @property
    def configuration(self) -> BertConfiguration:
        """Sizes and rates of the encoder."""
        return self.encoder.configuration

    def query_states(self, input_ids: Tensor, order: Tensor, real: Tensor) -> Tensor:
        """Return the states that predict: (B, T, H).

        Parameters
        ----------
        input_ids : (B, T) int64.
        order : (B, T) int64, when each token's turn is.
        real : (B, T) bool, false for padding.
        """
        embeddings, T = self.encoder.embeddings, input_ids.shape[1]
        content_mask, query_mask = (
            mask & (real[:, None] | mask_of_first(T)) for mask in permutation_masks(order)
        )
        content = embeddings(input_ids, None)  # (B, T, H)
        places = embeddings.position.weight[:T] + embeddings.segment.weight[0] + self.query  # (T, H)
        query = embeddings.norm(places).expand_as(content)  # (B, T, H)
        for block in self.encoder.blocks:
            query = _through(block, query, content, query_mask)
            content = _through(block, content, content, content_mask)
        return query

    def forward(self, input_ids: Tensor, order: Tensor, real: Tensor) -> Tensor:
        """Return scores of all words at each place, from the words before it in the order: (B, T, V)."""
        return self.head(self.query_states(input_ids, order, real))


def mask_of_first(length: int) -> Tensor:
    """Return (1, 1, T) bool, true for the first position: [CLS] is real in every sequence."""
    return (torch.arange(length) == 0)[None, None]


def _through(block: EncoderBlock, stream: Tensor, content: Tensor, mask: Tensor) -> Tensor:
    """Return a stream (B, T, H) after a block in which it looks at the content where the mask lets it."""
    attention, (B, T, H) = block.attention, stream.shape

    def parts(states: Tensor) -> Tensor:
        joined = attention.query_key_value(states).view(B, T, 3, attention.heads, attention.head_size)
        return joined.permute(2, 0, 3, 1, 4)  # (3, B, A, T, D)

    (query, _, _), (_, key, value) = parts(stream), parts(content)
    context = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None])
    context = context.transpose(1, 2).reshape(B, T, H)
    hidden = block.attention_norm(stream + block.dropout(attention.output(context)))  # (B, T, H)
    expanded = block.activation(block.expand(hidden))  # (B, T, I)
    return block.output_norm(hidden + block.dropout(block.contract(expanded)))
