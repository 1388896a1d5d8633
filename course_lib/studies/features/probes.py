"""What frozen states know about a whole text: logistic regression on [CLS] and on the mean of the words, layer by layer."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch

from course_lib.bert.encoder import BertEncoder
from course_lib.errors import CourseError
from course_lib.training.batching import inference_batches

POOLINGS = ("[CLS]", "mean", "pooler")


@torch.no_grad()
def pooled_states(
    encoder: BertEncoder, features: Sequence[dict], batch_size: int = 32
) -> dict[str, np.ndarray]:
    """Read every text once and return one vector a text and layer.

    Parameters
    ----------
    encoder : the model that stays as it is.
    features : one dictionary a text with ``input_ids``, [CLS] first.
    batch_size : texts that are read at once.

    Returns
    -------
    dict of numpy.ndarray
        ``[CLS]`` and ``mean`` (L + 1, texts, H) float32, the mean over all real tokens, [CLS] and [SEP] included;
        ``pooler`` (1, texts, H), which only the last layer has.

    Raises
    ------
    CourseError
        If there is no text.
    """
    if not features:
        raise CourseError("There is no text to read. Give at least one.")
    c, was_training = encoder.configuration, encoder.training
    shape = (c.num_hidden_layers + 1, len(features), c.hidden_size)
    pooled = {"[CLS]": np.empty(shape, np.float32), "mean": np.empty(shape, np.float32)}
    pooled["pooler"] = np.empty((1, *shape[1:]), np.float32)
    encoder.eval()
    rows = [{"input_ids": feature["input_ids"]} for feature in features]
    for numbers, batch in inference_batches(rows, batch_size):
        output = encoder(batch["input_ids"], None, batch["attention_mask"], output_hidden_states=True)
        states = torch.stack(output.hidden_states)  # (L + 1, B, T, H)
        real = batch["attention_mask"][:, :, None].float()  # (B, T, 1)
        pooled["[CLS]"][:, numbers] = states[:, :, 0].numpy()
        pooled["mean"][:, numbers] = ((states * real).sum(dim=2) / real.sum(dim=1)).numpy()
        pooled["pooler"][0, numbers] = output.pooled_output.numpy()
    encoder.train(was_training)
    return pooled


def probe(
    train: np.ndarray, train_labels: Sequence[int], test: np.ndarray, *, strength: float = 1.0
) -> np.ndarray:
    """Fit a logistic regression on frozen vectors and return its labels of other ones.

    Each direction is first brought to mean 0 and deviation 1, measured on the training vectors alone.

    Parameters
    ----------
    train, test : (texts, H).
    train_labels : one a training text.
    strength : scikit-learn's ``C``; smaller numbers mean more regularization.

    Raises
    ------
    CourseError
        If there are fewer than two classes, or vectors and labels don't pair up.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(train) != len(train_labels):
        raise CourseError(
            f"There are {len(train)} vectors and {len(train_labels)} labels. Give one label a vector."
        )
    if len(set(train_labels)) < 2:
        raise CourseError("All training texts have one label, so there is nothing to tell apart. Give two.")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)  # an unfinished fit would be a wrong number
        return model.fit(train, train_labels).predict(test)
