"""Text out of BERT: Gibbs sampling from its masked-word head (Wang and Cho 2019).

BERT fills gaps, it doesn't continue a text. Still, the gaps can be moved: mask one word, draw it from what the
head predicts, go on to the next one, and start over at the end. After enough sweeps the words fit each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor

from course_lib.bert.heads import BertForMaskedLanguageModel
from course_lib.errors import CourseError


def forbidden_ids(tokenizer: Tokenizer) -> Tensor:
    """Return the ids that no draw may give: [PAD], [UNK], [CLS], [SEP], [MASK] and the unused ones."""
    return torch.tensor(
        [
            number
            for token, number in tokenizer.get_vocab().items()
            if token.startswith("[") and token.endswith("]")
        ]
    )


@torch.no_grad()
def gibbs_sample(
    model: BertForMaskedLanguageModel,
    tokenizer: Tokenizer,
    *,
    length: int,
    sweeps: int,
    seed: int,
    temperature: float = 1.0,
    prefix: str = "",
) -> list[str]:
    """Write a text by Gibbs sampling, and return it as it was after each sweep.

    Parameters
    ----------
    model : with a masked-word head.
    tokenizer : its tokenizer.
    length : word pieces to write, not counting the prefix.
    sweeps : how often every position is drawn again. The first sweep fills the masks, so no text has one left.
    seed : of the draws.
    temperature : below 1 the likelier words win more often.
    prefix : words that stay as they are, at the beginning.

    Raises
    ------
    CourseError
        If nothing is to be written, there is no sweep, the temperature isn't above 0, or the text is longer than
        the model's window.
    """
    if length < 1 or sweeps < 1 or temperature <= 0:
        raise CourseError("Sampling needs a length and sweeps from 1, and a temperature above 0.")
    kept = tokenizer.encode(prefix, add_special_tokens=False).ids
    most = model.encoder.configuration.max_position_embeddings
    if len(kept) + length + 2 > most:
        raise CourseError(
            f"The text would have {len(kept) + length + 2} tokens, and the model takes {most}. Write less."
        )
    cls_id, sep_id, mask_id = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]", "[MASK]"))
    ids = torch.tensor([[cls_id, *kept, *[mask_id] * length, sep_id]])  # (1, T)
    forbidden = forbidden_ids(tokenizer)
    generator, texts = torch.Generator().manual_seed(seed), []
    was_training = model.training
    model.eval()
    for _ in range(sweeps):
        for place in (torch.randperm(length, generator=generator) + 1 + len(kept)).tolist():
            ids[0, place] = mask_id
            states = model.encoder(ids).last_hidden_state  # (1, T, H)
            scores = model.score_words(states[:, place])[0] / temperature  # (V,)
            scores[forbidden] = -torch.inf
            ids[0, place] = torch.multinomial(scores.softmax(dim=-1), 1, generator=generator)
        texts.append(tokenizer.decode(ids[0, 1:-1].tolist()))
    model.train(was_training)
    return texts


@torch.no_grad()
def pseudo_log_likelihood(model: BertForMaskedLanguageModel, tokenizer: Tokenizer, text: str) -> float:
    """Return how well a text fits a masked-word model: the mean log probability of each piece, masked alone.

    A way to compare texts (Salazar et al. 2020), but not the log probability of the text: the pieces' predictions
    each look at all the others, so they don't multiply to one.

    Raises
    ------
    CourseError
        If the text has no piece.
    """
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    if not ids:
        raise CourseError("The text is empty. Give at least one word.")
    cls_id, sep_id, mask_id = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]", "[MASK]"))
    rows = torch.tensor([[cls_id, *ids, sep_id]]).repeat(len(ids), 1)  # (T, T + 2): one row a masked piece
    places = torch.arange(len(ids))
    rows[places, places + 1] = mask_id
    states = model.encoder(rows).last_hidden_state[places, places + 1]  # (T, T + 2, H) -> (T, H)
    log_probabilities = model.score_words(states).log_softmax(dim=-1)  # (T, V)
    return float(log_probabilities[places, torch.tensor(ids)].mean())


def mismatch(
    model: BertForMaskedLanguageModel, tokenizer: Tokenizer, texts: Sequence[str], seed: int = 0
) -> dict[str, float]:
    """Return how often a model names one word of each text right, where it is ``masked`` and where it is ``there``.

    Pre-training shows [MASK], and no later text has one. Where the word itself is in its place, the model only has to
    copy it, and it learned to do that from a tenth of the chosen words.

    Parameters
    ----------
    model, tokenizer : with a masked-word head.
    texts : at least one.
    seed : draws the word of each text.
    """
    generator = torch.Generator().manual_seed(seed)
    mask_id, right = tokenizer.token_to_id("[MASK]"), {"masked": 0, "there": 0}
    with torch.no_grad():
        for text in texts:
            ids = torch.tensor([tokenizer.encode(text).ids])  # (1, T)
            place = int(torch.randint(1, ids.shape[1] - 1, (1,), generator=generator))
            masked = ids.clone()
            masked[0, place] = mask_id
            for name, row in (("masked", masked), ("there", ids)):
                scores = model.score_words(model.encoder(row).last_hidden_state[:, place])  # (1, V)
                right[name] += int(scores.argmax()) == int(ids[0, place])
    return {name: count / len(texts) for name, count in right.items()}
