"""What each layer knows about its tokens: probes with a control task and random weights (Hewitt & Liang 2019)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer

from course_lib.bert.encoder import BertEncoder
from course_lib.errors import CourseError

BUCKETS = 5  # of positions


@dataclass(frozen=True)
class TokenStates:
    """States of words, one a row, and what is asked of them.

    Parameters
    ----------
    states : (L + 1, words, H) float32: the embeddings, then each block's output, at a word's first piece.
    words : the words, in small letters.
    labels : by task, (words,) int: ``name`` (part of a name or not), ``segment`` (first or second sentence) and
        ``position`` (in which fifth of the sequence).
    """

    states: np.ndarray
    words: list[str]
    labels: dict[str, np.ndarray]


@torch.no_grad()
def token_states(
    encoder: BertEncoder,
    tokenizer: Tokenizer,
    sentences: Sequence[tuple[Sequence[str], Sequence[str]]],
    max_length: int = 64,
) -> TokenStates:
    """Read sentences two at a time, as segments A and B, and return the state of each word.

    Parameters
    ----------
    encoder : the model.
    tokenizer : its tokenizer.
    sentences : (words, tags) each; a tag other than ``"O"`` is part of a name.
    max_length : pairs with more tokens are left out.

    Raises
    ------
    CourseError
        If no pair fits.
    """
    encoder.eval()
    cls_id, sep_id = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    states, words, labels = [], [], {"name": [], "segment": [], "position": []}
    for first, second in zip(sentences[::2], sentences[1::2]):
        ids, segments, places = [cls_id], [0], []
        for segment, (sentence, tags) in enumerate((first, second)):
            for word, tag in zip(sentence, tags, strict=True):
                places.append((len(ids), word.lower(), tag != "O", segment))
                ids += tokenizer.encode(word, add_special_tokens=False).ids
            ids.append(sep_id)
            segments += [segment] * (len(ids) - len(segments))
        places = [place for place in places if place[0] < len(ids) and ids[place[0]] != sep_id]
        if len(ids) > max_length or not places:
            continue
        output = encoder(torch.tensor([ids]), torch.tensor([segments]), output_hidden_states=True)
        layers = torch.stack(output.hidden_states)[:, 0]  # (L + 1, T, H)
        states.append(layers[:, [place[0] for place in places]].numpy())
        words += [place[1] for place in places]
        labels["name"] += [int(place[2]) for place in places]
        labels["segment"] += [place[3] for place in places]
        labels["position"] += [place[0] * BUCKETS // max_length for place in places]
    if not states:
        raise CourseError(
            f"No pair of sentences fits into {max_length} tokens. Give shorter ones, or more room."
        )
    arrays = {task: np.array(values) for task, values in labels.items()}
    return TokenStates(np.concatenate(states, axis=1), words, arrays)


def control_labels(words: Sequence[str], seed: int, shares: Sequence[float] = (0.5, 0.5)) -> np.ndarray:
    """Give each word a random label, the same wherever it occurs: a task that can only be learned by heart.

    Parameters
    ----------
    words : one a token.
    seed : another seed gives other labels.
    shares : how frequent each label is among the different words.
    """
    kinds = sorted(set(words))
    drawn = np.random.default_rng(seed).choice(len(shares), size=len(kinds), p=np.asarray(shares))
    label = dict(zip(kinds, drawn.tolist()))
    return np.array([label[word] for word in words])


def balanced_accuracy(
    train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray
) -> float:
    """Fit a logistic regression to states (words, H) and return its balanced accuracy on other states, a share.

    Raises
    ------
    CourseError
        If the training labels are all the same.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(train_labels)) < 2:
        raise CourseError("All training words have one label, so there is nothing to tell apart. Give two.")
    probe = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.01, max_iter=2000, class_weight="balanced")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)  # an unfinished fit would be a wrong number
        probe.fit(train, train_labels)
    return float(balanced_accuracy_score(test_labels, probe.predict(test)))


def probe_layers(train: TokenStates, test: TokenStates, task: str) -> list[float]:
    """Return the balanced accuracy of a probe for each layer, the embeddings first.

    Raises
    ------
    CourseError
        If there is no such task.
    """
    if task not in train.labels:
        raise CourseError(f"There is no task {task!r}. Choose one of {', '.join(train.labels)}.")
    return [
        balanced_accuracy(before, train.labels[task], after, test.labels[task])
        for before, after in zip(train.states, test.states)
    ]


def with_control(train: TokenStates, test: TokenStates, seed: int) -> tuple[TokenStates, TokenStates]:
    """Return both with one more task, ``control``: random labels, as frequent as those of ``name``.

    The words of both parts get their labels together, so that a word has the same one in both.
    """
    share = float(train.labels["name"].mean())
    drawn = control_labels([*train.words, *test.words], seed, (1 - share, share))
    cut = len(train.words)
    return (
        TokenStates(train.states, train.words, {**train.labels, "control": drawn[:cut]}),
        TokenStates(test.states, test.words, {**test.labels, "control": drawn[cut:]}),
    )


def random_encoder(encoder: BertEncoder, seed: int) -> BertEncoder:
    """Return an encoder of the same shape that has learned nothing."""
    torch.manual_seed(seed)
    return BertEncoder(encoder.configuration).eval()
