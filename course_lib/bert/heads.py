"""What sits on the encoder: the head for masked words, and one linear layer for every other task.

Devlin et al. 2018, sections 3.1 (pre-training) and 4 (fine-tuning). Shape letters as in
:mod:`course_lib.bert.encoder`; M is the number of masked positions in the batch, V the vocabulary.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from course_lib.bert.configuration import BertConfiguration
from course_lib.bert.encoder import ACTIVATIONS, BertEncoder, EncoderOutput, initialize_weights
from course_lib.errors import SettingError

IGNORED = -100  # the label of a position that takes no part in a loss, as torch and transformers have it
READINGS = ("pooler", "cls", "mean")  # what a head for a whole row can read, see row_state


class MaskedLanguageModelHead(nn.Module):
    """Dense, GELU, LayerNorm, then a decoder tied to the token embeddings (section 3.1, task 1).

    Parameters
    ----------
    configuration : sizes of the encoder below.
    token_embedding : the encoder's own token embedding; its weight is used, not copied.
    """

    def __init__(self, configuration: BertConfiguration, token_embedding: nn.Embedding):
        super().__init__()
        c = configuration
        self.transform = nn.Linear(c.hidden_size, c.hidden_size)
        self.activation = ACTIVATIONS[c.hidden_act]
        self.norm = nn.LayerNorm(c.hidden_size, eps=c.layer_norm_eps)
        self.decoder = nn.Linear(c.hidden_size, c.vocab_size)
        initialize_weights(self.transform, c.initializer_range)
        nn.init.zeros_(self.decoder.bias)
        self.decoder.weight = token_embedding.weight  # tied: one matrix reads and writes words

    def forward(self, hidden: Tensor) -> Tensor:
        """Score every word of the vocabulary at each given position: (M, H) -> (M, V)."""
        return self.decoder(self.norm(self.activation(self.transform(hidden))))


class BertForMaskedLanguageModel(nn.Module):
    """An encoder with a masked-language-model head that looks at masked positions only."""

    def __init__(self, encoder: BertEncoder):
        super().__init__()
        self.encoder = encoder
        self.head = MaskedLanguageModelHead(encoder.configuration, encoder.embeddings.token)

    def forward(
        self,
        input_ids: Tensor,
        token_type_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        positions: Tensor | None = None,
    ) -> Tensor:
        """Return word scores.

        Parameters
        ----------
        input_ids, token_type_ids, attention_mask : as for the encoder, each (B, T).
        positions : (M,) int64, where to predict, in the batch read row by row: row · T + column; everywhere
            if left out.

        Returns
        -------
        Tensor
            (M, V) float scores in the order of the positions, or (B, T, V) without positions.
        """
        return self.score_words(
            self.encoder(input_ids, token_type_ids, attention_mask).last_hidden_state, positions
        )

    def score_words(self, hidden: Tensor, positions: Tensor | None = None) -> Tensor:
        """Score the words at the given positions of (B, T, H) states; see :meth:`forward`."""
        if positions is not None:  # before the expensive decoder: it sees 15% of the positions
            hidden = hidden.flatten(0, 1).index_select(0, positions)  # (B, T, H) -> (M, H)
        return self.head(hidden)


def check_reading(reads: str) -> None:
    """Refuse what is none of the :data:`READINGS`.

    Raises
    ------
    SettingError
        If there is no such reading.
    """
    if reads not in READINGS:
        raise SettingError(f"A head cannot read {reads!r}. Choose one of: {', '.join(READINGS)}.")


def row_state(output: EncoderOutput, attention_mask: Tensor | None = None, reads: str = "pooler") -> Tensor:
    """Return one state for each row, for a head to read: (B, H).

    Parameters
    ----------
    output : of the encoder.
    attention_mask : (B, T), 1 for tokens and 0 for padding; all tokens if left out.
    reads : ``"pooler"``, the [CLS] state through the pooler, as in the paper (an encoder without one gives the
        [CLS] state itself); ``"cls"``, the [CLS] state as the last block leaves it; or ``"mean"``, the mean of
        the states of all tokens, [CLS] and [SEP] among them, as Sentence-BERT reads a sentence.

    Raises
    ------
    SettingError
        If there is no such reading.
    """
    check_reading(reads)
    states = output.last_hidden_state  # (B, T, H)
    if reads == "pooler":
        return output.pooled_output
    if reads == "cls":
        return states[:, 0]  # (B, T, H) -> (B, H)
    if attention_mask is None:
        return states.mean(dim=1)  # (B, T, H) -> (B, H)
    real = attention_mask.unsqueeze(-1).to(states.dtype)  # (B, T, 1)
    return (states * real).sum(dim=1) / real.sum(dim=1)  # (B, T, H) -> (B, H)


class LinearHead(nn.Linear):
    """Dropout and one linear layer: (..., H) -> (..., outputs), which is all that a task adds to BERT.

    Parameters
    ----------
    configuration : sizes of the encoder below.
    outputs : number of scores for each state.
    dropout : share of the state that is dropped in training.
    """

    def __init__(self, configuration: BertConfiguration, outputs: int, dropout: float = 0.0):
        super().__init__(configuration.hidden_size, outputs)
        self.dropout = nn.Dropout(dropout)
        initialize_weights(self, configuration.initializer_range)

    def forward(self, states: Tensor) -> Tensor:
        return super().forward(self.dropout(states))


def next_sentence_head(configuration: BertConfiguration) -> LinearHead:
    """Return two scores from the pooled [CLS]: class 0 is IsNext, class 1 is random (section 3.1, task 2)."""
    return LinearHead(configuration, 2)


def sequence_classification_head(configuration: BertConfiguration, number_of_labels: int) -> LinearHead:
    """Return a score for each class from the pooled [CLS] state (section 4.1): (B, H) -> (B, classes)."""
    return LinearHead(configuration, number_of_labels, configuration.hidden_dropout_prob)


def token_classification_head(configuration: BertConfiguration, number_of_labels: int) -> LinearHead:
    """Return a score for each tag at every token (section 5.3): (B, T, H) -> (B, T, tags)."""
    return LinearHead(configuration, number_of_labels, configuration.hidden_dropout_prob)


def span_head(configuration: BertConfiguration) -> LinearHead:
    """Return two scores at every token, start and end of the answer (section 4.2): (B, T, H) -> (B, T, 2)."""
    return LinearHead(configuration, 2)


def choice_head(configuration: BertConfiguration) -> LinearHead:
    """Return one score for each choice from its pooled [CLS] state (section 4.4): (B·C, H) -> (B·C, 1)."""
    return LinearHead(configuration, 1, configuration.hidden_dropout_prob)


def masked_language_model_loss(scores: Tensor, targets: Tensor, count: int | None = None) -> Tensor:
    """Mean cross-entropy over the masked positions alone; zero, not NaN, where there is none.

    Parameters
    ----------
    scores : (M, V) float, one row for each masked position.
    targets : (M,) int64, the original ids at those positions.
    count : what the sum is divided by, if not M. A step may be spread over processes and over parts with
        different numbers of masked words, and the mean of their means is not the mean of the step: there it
        is the number of masked words of the whole step, and 1 for the sum itself.
    """
    summed = functional.cross_entropy(scores.float(), targets, reduction="sum")
    return summed / max(1, len(targets) if count is None else count)
