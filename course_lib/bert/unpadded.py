"""The encoder without the work that padding makes: the same numbers, in the time that the real tokens take.

A batch of texts of different lengths is a table with holes. Each product of the encoder treats a position like any
other, so padding costs as much as text. Here the real positions of all rows are laid in one line, (N, H), and only
attention puts them apart again, because there a token may look at its own row alone (Zhai et al. 2022, *ByteTransformer*).
In the shape comments B is the batch, T the longest row, N the number of real tokens, n those of one row.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.bert.encoder import BertEncoder, EncoderBlock, EncoderOutput, SelfAttention


class UnpaddedEncoder(BertEncoder):
    """A :class:`~course_lib.bert.encoder.BertEncoder` that leaves padding out; its state dict is the same.

    Padded positions of what it returns are 0. Where nothing is padded, or attention weights or a mask with a row for
    each query are wanted, the encoder's own way is taken. With dropout, other positions are drawn than there.
    """

    def forward(
        self,
        input_ids: Tensor,
        token_type_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> EncoderOutput:
        """Encode a batch; see :meth:`course_lib.bert.encoder.BertEncoder.forward`."""
        if (
            attention_mask is None
            or attention_mask.dim() == 3
            or output_attentions
            or bool(attention_mask.all())
        ):
            return super().forward(
                input_ids,
                token_type_ids,
                attention_mask,
                output_hidden_states=output_hidden_states,
                output_attentions=output_attentions,
            )
        real = attention_mask.bool()  # (B, T)
        lengths = real.sum(dim=1).tolist()  # n of each row
        hidden = self.embeddings(input_ids, token_type_ids)[real]  # (B, T, H) -> (N, H)
        states = [hidden]
        for block in self.blocks:
            hidden = _block_output(block, hidden, lengths)
            states.append(hidden)
        wanted = states if output_hidden_states else states[-1:]
        padded = tuple(_with_padding(state, real) for state in wanted)  # each (B, T, H)
        first = padded[-1][:, 0]  # (B, H): the state of [CLS]
        pooled = first if self.pooler is None else torch.tanh(self.pooler(first))
        return EncoderOutput(padded[-1], pooled, padded if output_hidden_states else ())


def without_padding(encoder: BertEncoder) -> UnpaddedEncoder:
    """Return an encoder that leaves padding out and *shares* the given one's weights.

    Parameters
    ----------
    encoder : stays as it is. Training either of the two changes both.
    """
    made = UnpaddedEncoder.__new__(UnpaddedEncoder)
    made.__dict__.update(encoder.__dict__)
    return made


def _block_output(block: EncoderBlock, hidden: Tensor, lengths: list[int]) -> Tensor:
    attended = _attention_output(block.attention, hidden, lengths)
    hidden = block.attention_norm(hidden + block.dropout(attended))  # (N, H)
    expanded = block.activation(block.expand(hidden))  # (N, I)
    return block.output_norm(hidden + block.dropout(block.contract(expanded)))


def _attention_output(attention: SelfAttention, hidden: Tensor, lengths: list[int]) -> Tensor:
    joined = attention.query_key_value(hidden).view(len(hidden), 3, attention.heads, attention.head_size)
    dropout = attention.dropout if attention.training else 0.0
    contexts = []
    for row in joined.split(lengths):  # (n, 3, A, D)
        query, key, value = row.permute(1, 2, 0, 3)[:, None]  # each (1, A, n, D)
        context = attention.attend(query, key, value, dropout_p=dropout)
        contexts.append(context[0].transpose(0, 1).flatten(1))  # (n, H): heads side by side again
    return attention.output(torch.cat(contexts))


def _with_padding(states: Tensor, real: Tensor) -> Tensor:
    places = real.flatten().nonzero()[:, 0]  # (N,)
    table = states.new_zeros(real.numel(), states.shape[-1]).index_copy(0, places, states)
    return table.view(*real.shape, -1)  # (B, T, H)
