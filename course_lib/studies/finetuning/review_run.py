"""Lesson 08's own fine-tuning on reviews, kept: its deck draws figure 11 and table 11 from this recording."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from course_lib import settings
from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.finetuning.classification import (
    class_probabilities,
    classification_features,
    classification_loss,
    classification_model,
    classification_scores,
    majority_baseline,
    tfidf_baseline,
)
from course_lib.finetuning.loop import TrainingConfiguration, fine_tune
from course_lib.studies.records import Runner

CODE_VERSION = 1
TRAINING = TrainingConfiguration(learning_rate=1e-4, epochs=3, batch_size=16)


@dataclass(frozen=True)
class Configuration:
    """What the recording depends on."""

    training: TrainingConfiguration = TRAINING
    max_length: int = 96


CONFIGURATION = Configuration()


def fine_tune_reviews(configuration: Configuration, seed: int) -> dict:
    """Fine-tune as lesson 08 does, and return losses, scores and the confusion matrix.

    Returns
    -------
    dict
        ``losses`` (nats, one an update), ``validation`` (scores after each epoch), ``test`` (scores of the
        model and of both baselines, from 0 to 1), ``confusion`` (counts, rows the truth), ``kinds`` (share
        of right answers for each kind of review), ``rows`` (training reviews).
    """
    c = configuration
    settings.prepare(seed)
    reviews = load_texts("reviews", "bundled")
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    features = {
        split: classification_features(
            rows["text"], tokenizer, rows["label"], max_length=c.max_length, number_of_labels=2
        )
        for split, rows in reviews.items()
    }
    train, validation, test = (reviews[split] for split in ("train", "validation", "test"))

    def evaluate(model) -> dict[str, float]:
        predicted = class_probabilities(model, features["validation"]).argmax(axis=1)
        return classification_scores(validation["label"], predicted)

    torch.manual_seed(seed)
    model = classification_model(2, "bundled")
    training = replace(c.training, seed=seed)
    history = fine_tune(model, features["train"], classification_loss, training, evaluate=evaluate)
    truth = np.array(test["label"])
    predicted = class_probabilities(model, features["test"]).argmax(axis=1)
    kinds = np.array(test["kind"])
    guesses = {
        "majority": majority_baseline(train["label"], len(test)),
        "TF-IDF + logistic regression": tfidf_baseline(train["text"], train["label"], test["text"]),
        "MiniLM, fine-tuned here": predicted,
    }
    return {
        "losses": [round(float(loss), 4) for loss in history.losses],
        "validation": [_rounded(scores) for scores in history.scores],
        "test": {name: _rounded(classification_scores(truth, guess)) for name, guess in guesses.items()},
        "confusion": [[int(((truth == i) & (predicted == j)).sum()) for j in (0, 1)] for i in (0, 1)],
        "kinds": {str(k): round(float((predicted == truth)[kinds == k].mean()), 4) for k in np.unique(kinds)},
        "rows": len(train),
    }


def record(configuration: Configuration, runner: Runner) -> dict:
    """Make the one run of the recording; see :func:`fine_tune_reviews`."""
    return runner.run("review-run", CODE_VERSION, configuration, settings.prepare().seed, fine_tune_reviews)


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(float(score), 4) for name, score in scores.items()}
