"""The BERT encoder: embeddings, post-norm Transformer blocks, pooler.

Devlin et al. 2018, section 3 and figure 2; Vaswani et al. 2017, sections 3.1 to 3.3.
In the shape comments, B is the batch, T the sequence length, H the hidden size, A the heads,
D = H / A the width of one head, and I the intermediate size.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.dropout import dropout_layer, fast_attention
from course_lib.errors import SequenceTooLongError

ACTIVATIONS = {
    "gelu": functional.gelu,  # exact (Hendrycks and Gimpel 2016)
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
}


class EncoderOutput(NamedTuple):
    """What the encoder returns.

    ``last_hidden_state`` is (B, T, H), ``pooled_output`` (B, H), both float. ``hidden_states`` (the
    embeddings, then each block's output) and ``attentions`` (each (B, A, T, T), rows sum to 1) are
    empty unless asked for.
    """

    last_hidden_state: Tensor
    pooled_output: Tensor
    hidden_states: tuple[Tensor, ...] = ()
    attentions: tuple[Tensor, ...] = ()


class BertEmbeddings(nn.Module):
    """Sum of token, segment and learned position embeddings (section 3, figure 2)."""

    def __init__(self, configuration: BertConfiguration):
        super().__init__()
        c = configuration
        self.token = nn.Embedding(c.vocab_size, c.hidden_size, padding_idx=c.pad_token_id)
        self.position = nn.Embedding(c.max_position_embeddings, c.hidden_size)
        self.segment = nn.Embedding(c.type_vocab_size, c.hidden_size)
        self.norm = nn.LayerNorm(c.hidden_size, eps=c.layer_norm_eps)
        self.dropout = dropout_layer(c)

    def forward(self, input_ids: Tensor, token_type_ids: Tensor | None) -> Tensor:
        length = input_ids.shape[1]
        if length > self.position.num_embeddings:
            raise SequenceTooLongError(
                f"The sequence has {length} tokens, and this model has embeddings for "
                f"{self.position.num_embeddings} positions. Truncate it, or cut it into windows."
            )
        embeddings = self.token(input_ids)  # (B, T) -> (B, T, H)
        if token_type_ids is None:
            embeddings = embeddings + self.segment.weight[0]  # every token in segment A
        else:
            embeddings = embeddings + self.segment(token_type_ids)  # (B, T, H)
        embeddings = embeddings + self.position.weight[:length]  # (T, H) added to each row
        return self.dropout(self.norm(embeddings))


class SelfAttention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2.2)."""

    def __init__(self, configuration: BertConfiguration):
        super().__init__()
        c = configuration
        self.heads, self.head_size = c.num_attention_heads, c.hidden_size // c.num_attention_heads
        # One product gives queries, keys and values, on a CPU faster than transformers' three: query, key, value.
        self.query_key_value = nn.Linear(c.hidden_size, 3 * c.hidden_size)
        self.output = nn.Linear(c.hidden_size, c.hidden_size)
        self.dropout = c.attention_probs_dropout_prob
        self.attend = fast_attention if c.fast_dropout else functional.scaled_dot_product_attention

    def forward(
        self, hidden: Tensor, mask: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        B, T, _ = hidden.shape
        joined = self.query_key_value(hidden).view(B, T, 3, self.heads, self.head_size)
        query, key, value = joined.permute(2, 0, 3, 1, 4)  # each (B, A, T, D)
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = query @ key.transpose(-2, -1) / math.sqrt(self.head_size)  # (B, A, T, T)
            if mask is not None:  # before the softmax, never after
                # The lowest finite number, not -inf: a row of padding alone would become NaN.
                scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
            weights = scores.softmax(dim=-1)  # each query's row sums to 1
            context = functional.dropout(weights, dropout) @ value  # (B, A, T, D)
        else:
            context = self.attend(query, key, value, attn_mask=mask, dropout_p=dropout)
        context = context.transpose(1, 2).reshape(B, T, -1)  # heads side by side again
        return self.output(context), weights


class EncoderBlock(nn.Module):
    """Attention, then feed-forward; each with a residual connection, then LayerNorm (post-norm)."""

    def __init__(self, configuration: BertConfiguration):
        super().__init__()
        c = configuration
        self.attention = SelfAttention(c)
        self.attention_norm = nn.LayerNorm(c.hidden_size, eps=c.layer_norm_eps)
        self.expand = nn.Linear(c.hidden_size, c.intermediate_size)  # transformers' intermediate.dense
        self.contract = nn.Linear(c.intermediate_size, c.hidden_size)  # and its output.dense
        self.output_norm = nn.LayerNorm(c.hidden_size, eps=c.layer_norm_eps)
        self.dropout = dropout_layer(c)
        self.activation = ACTIVATIONS[c.hidden_act]

    def forward(
        self, hidden: Tensor, mask: Tensor | None = None, need_weights: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        attended, weights = self.attention(hidden, mask, need_weights)
        hidden = self.attention_norm(hidden + self.dropout(attended))  # (B, T, H)
        expanded = self.activation(self.expand(hidden))  # (B, T, I)
        return self.output_norm(hidden + self.dropout(self.contract(expanded))), weights


class BertEncoder(nn.Module):
    """The encoder with its pooler, equal to transformers' ``BertModel``.

    Parameters
    ----------
    configuration : sizes and rates.
    with_pooler : whether there is a pooler; without one, ``pooled_output`` is the [CLS] state itself.
    """

    def __init__(self, configuration: BertConfiguration, with_pooler: bool = True):
        super().__init__()
        self.configuration = configuration
        self.embeddings = BertEmbeddings(configuration)
        self.blocks = nn.ModuleList(
            EncoderBlock(configuration) for _ in range(configuration.num_hidden_layers)
        )
        size = configuration.hidden_size
        self.pooler = nn.Linear(size, size) if with_pooler else None
        self.apply(lambda module: initialize_weights(module, configuration.initializer_range))

    def forward(
        self,
        input_ids: Tensor,
        token_type_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> EncoderOutput:
        """Encode a batch.

        Parameters
        ----------
        input_ids : (B, T) int64, word-piece ids.
        token_type_ids : (B, T) int64, 0 for segment A and 1 for B; all A if left out.
        attention_mask : (B, T), 1 for tokens and 0 for padding; all tokens if left out. Or (B, T, T), with a
            row of its own for each query, as a model that reads from left to right needs.
        output_hidden_states, output_attentions : whether to return those too.

        Raises
        ------
        SequenceTooLongError
            If T is larger than ``max_position_embeddings``.
        """
        mask = None
        # Attention without a mask is faster. On a CPU a look at it costs nothing; a GPU would have to be waited for.
        if attention_mask is not None and not (attention_mask.is_cpu and bool(attention_mask.all())):
            by_query = attention_mask if attention_mask.dim() == 3 else attention_mask[:, None]
            mask = by_query[:, None].bool()  # (B, 1, 1 or T, T): for all heads, and mostly for all queries
        hidden = self.embeddings(input_ids, token_type_ids)  # (B, T, H)
        hidden_states, attentions = [hidden], []
        for block in self.blocks:
            hidden, weights = block(hidden, mask, output_attentions)
            if output_hidden_states:
                hidden_states.append(hidden)
            if output_attentions:
                attentions.append(weights)
        first = hidden[:, 0]  # (B, H): the state of [CLS]
        pooled = first if self.pooler is None else torch.tanh(self.pooler(first))
        return EncoderOutput(
            hidden,
            pooled,
            tuple(hidden_states) if output_hidden_states else (),
            tuple(attentions),
        )

    def use_dropout(self, *, hidden: float | None = None, attention: float | None = None) -> None:
        """Use other rates of dropout from now on, as a model that was loaded may need.

        Parameters
        ----------
        hidden : of embeddings and of what each sublayer adds; as it is if left out.
        attention : of attention weights; as it is if left out.
        """
        if hidden is not None:
            self.configuration = replace(self.configuration, hidden_dropout_prob=hidden)
            for module in (self.embeddings, *self.blocks):
                module.dropout.p = hidden
        if attention is not None:
            self.configuration = replace(self.configuration, attention_probs_dropout_prob=attention)
            for block in self.blocks:
                block.attention.dropout = attention


def initialize_weights(module: nn.Module, standard_deviation: float = 0.02) -> None:
    """Initialize one module as the original does: normal cut at two standard deviations, zero biases."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.trunc_normal_(
            module.weight,
            std=standard_deviation,
            a=-2 * standard_deviation,
            b=2 * standard_deviation,
        )
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            with torch.no_grad():
                module.weight[module.padding_idx].zero_()


def number_of_parameters(module: nn.Module) -> int:
    """Return the number of parameters, each shared one counted once."""
    return sum(parameter.numel() for parameter in module.parameters())
