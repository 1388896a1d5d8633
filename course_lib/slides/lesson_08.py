"""Figures, tables and numbers of the deck on text classification: lesson 08's run, recorded, and its data."""

from __future__ import annotations

from functools import cache

import numpy as np

from course_lib.bert.tokenizer import load_tokenizer
from course_lib.data.sources import encoder_folder, load_texts
from course_lib.figures import text_classification as figures
from course_lib.figures.style import BLUE, Picture, Table, new_figure
from course_lib.finetuning.classification import classification_features
from course_lib.finetuning.loop import History
from course_lib.studies.finetuning.review_run import CONFIGURATION
from course_lib.studies.published import IMDB_FEATURES_ERROR, IMDB_TEST_ERROR, SST2_TEST_ACCURACY
from course_lib.studies.records import load_record
from course_lib.training.batching import length_buckets
from course_lib.translation import translate


def _results() -> dict:
    return load_record("review-run")["results"]


@cache
def _lengths() -> list[int]:
    """Return the number of word pieces of each training review, special tokens counted."""
    tokenizer = load_tokenizer(encoder_folder("bundled"))
    texts = load_texts("reviews", "bundled")["train"]["text"]
    return [len(f["input_ids"]) for f in classification_features(texts, tokenizer, max_length=10_000)]


def _padding_share(pool: int, to_longest: bool = True) -> float:
    import torch

    lengths = [min(length, CONFIGURATION.max_length) for length in _lengths()]
    batches = length_buckets(
        lengths, CONFIGURATION.training.batch_size, torch.Generator().manual_seed(0), pool
    )
    widths = [max(lengths[r] for r in rows) if to_longest else CONFIGURATION.max_length for rows in batches]
    return 1 - sum(lengths) / sum(len(rows) * width for rows, width in zip(batches, widths, strict=True))


def figure_10_data_preparation() -> Picture:
    """Return figure 10: lengths of the training reviews, and what padding costs."""
    padding = {
        translate("all to the maximum"): _padding_share(1, to_longest=False),
        translate("to the longest of the batch"): _padding_share(1),
        translate("length buckets"): _padding_share(32),
    }
    return figures.figure_10_data_preparation(_lengths(), CONFIGURATION.max_length, padding)


def figure_11_fine_tuning() -> Picture:
    """Return figure 11 of the recorded run."""
    results = _results()
    return figures.figure_11_fine_tuning(History(losses=results["losses"], scores=results["validation"]))


def table_10_settings() -> Table:
    """Return table 10: the run's settings beside the paper's."""
    return figures.table_10_settings(CONFIGURATION.training, CONFIGURATION.max_length)


def table_11_results() -> Table:
    """Return table 11: the recorded run beside both baselines."""
    return figures.table_11_results(_results()["test"])


def figure_confusion() -> Picture:
    """Return the confusion matrix of the recorded run."""
    names = [translate("negative"), translate("positive")]
    return figures.figure_confusion(np.array(_results()["confusion"]), names)


def figure_kinds() -> Picture:
    """Return the share of test reviews judged right, kind by kind, in the recorded run."""
    results = _results()
    right, overall = results["kinds"], results["test"]["MiniLM, fine-tuned here"]["accuracy"]
    title = translate("Accuracy by kind of review")
    figure, axes = new_figure(8, 3.4)
    axes.barh(list(right), list(right.values()), color=BLUE)
    axes.axvline(overall, color="black", linestyle="--", label=translate("all reviews"))
    axes.set(xlabel=translate("share of reviews judged right"), xlim=(0, 1), title=title)
    axes.legend(loc="lower right")
    shares = ", ".join(f"{kind} {share:.2f}" for kind, share in right.items())
    return Picture(
        figure,
        title,
        translate("Share judged right: {shares}; all {all:.2f}").format(shares=shares, all=overall),
    )


def table_paper_and_here() -> Table:
    """Return the recorded run and its baselines, and what was published on IMDB and SST-2, in one table."""
    results = _results()
    ours = translate("bundled, {rows} to learn from").format(rows=results["rows"])
    imdb, sst = translate("IMDB, 25,000 to learn from"), translate("SST-2, 67,000 to learn from")
    longer = load_record("task-models")["results"]["reviews"]["test"]["accuracy"]
    return Table(
        translate("Paper versus here: test accuracy (%)"),
        [translate("what"), translate("data"), translate("accuracy")],
        [
            *([name, ours, f"{100 * scores['accuracy']:.1f}"] for name, scores in results["test"].items()),
            [translate("MiniLM, recorded"), ours, f"{longer:.1f}"],
            [translate("BERT-base as fixed features"), imdb, f"{100 - IMDB_FEATURES_ERROR:.1f}"],
            [translate("BERT-base, fine-tuned"), imdb, f"{100 - min(IMDB_TEST_ERROR.values()):.1f}"],
            *(
                [translate("{name}, fine-tuned").format(name=name), sst, f"{score:.1f}"]
                for name, score in SST2_TEST_ACCURACY.items()
            ),
        ],
        translate("IMDB: Sun et al. 2019. SST-2: Devlin et al. 2018, table 1."),
    )


def bert_accuracy() -> float:
    """Return the accuracy of the recorded run on the test reviews, from 0 to 1."""
    return _results()["test"]["MiniLM, fine-tuned here"]["accuracy"]


def linear_accuracy() -> float:
    """Return the accuracy of TF-IDF with logistic regression on the test reviews, from 0 to 1."""
    return _results()["test"]["TF-IDF + logistic regression"]["accuracy"]


def count_of_test_reviews() -> int:
    """Return the number of test reviews."""
    return int(np.sum(_results()["confusion"]))
