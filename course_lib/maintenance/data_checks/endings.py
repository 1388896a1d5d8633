"""Checks of ``data/endings``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import md5
from pathlib import Path
from typing import Any

from course_lib.maintenance.data_checks.checks import (
    LEAST_HARD_SHARE,
    NEAR_DUPLICATE,
    SPLITS,
    Check,
    DataSet,
    Row,
    Splits,
    all_rows,
    column,
    content_words,
    duplicates,
    five_gram_check,
    markdown_table,
    nearest_across_splits,
    shared_across_splits,
    words_of,
)

KINDS = ("captions", "howto", "everyday", "story", "commonsense")
SOURCE = re.compile(rf"({'|'.join(KINDS)})_[fs]\d{{3,4}}")  # a family, or a context by itself
COLUMNS = ("video-id", "fold-ind", "startphrase", "gold-source", "hard")
LEAST_CONTEXTS, LEAST_CANDIDATES, POSITIONS = 1000, 7, 4
LARGEST_POSITION_SHARE = 0.30  # of the right ending, in a split
LARGEST_ENDINGS_ACCURACY = 0.35  # of a model that sees the endings alone
LARGEST_VECTORS_ACCURACY = 0.45  # of one that sees them by an encoder
PARTS = 5  # a context is marked hard by a model of the families of the four other parts


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the three files with their further columns, and the pool of wrong endings."""
    from course_lib.data.readers.swag import read_candidates, read_swag

    splits = {split: list(read_swag(folder / f"{split}.csv", columns=COLUMNS)) for split in SPLITS}
    return splits | {"pool": list(read_candidates(folder / "pool.jsonl"))}


def kind(row: Row) -> str:
    """Return what kind of text a context is."""
    return row["video-id"].partition("_")[0]


def family(row: Row) -> str:
    """Return the family of a context; one by itself is alone in its own."""
    return row["video-id"].partition("_")[2]


def in_family(row: Row) -> bool:
    """Tell whether the wrong endings of a context are right ones of its siblings."""
    return family(row).startswith("f")


def malformed_contexts(splits: Splits) -> int:
    """Count contexts of a number used before, or with an unknown kind, mark or source, or an ending that comes twice."""
    rows = all_rows(splits)
    repeated = len(rows) - len({row["fold-ind"] for row in rows})
    return repeated + sum(
        not re.fullmatch(r"e\d{4}", row["fold-ind"])
        or not SOURCE.fullmatch(row["video-id"])
        or row["startphrase"] != f"{row['sent1']} {row['sent2']}"
        or row["gold-source"] != "gold"
        or row["hard"] not in ("0", "1")
        or not row["sent2"]
        or len({ending.lower() for ending in row["endings"]}) != POSITIONS
        for row in rows
    )


def strange_pool(splits: Splits) -> int:
    """Count contexts of the pool that aren't those of the set, or have too few wrong endings."""
    known = {row["fold-ind"]: row for row in all_rows(splits)}
    return sum(
        row["id"] not in known
        or row["right"] != known[row["id"]]["endings"][known[row["id"]]["label"]]
        or [row[name] for name in ("sent1", "sent2")]
        != [known[row["id"]][name] for name in ("sent1", "sent2")]
        or len(row["candidates"]) < LEAST_CANDIDATES
        for row in splits["pool"]
    )


def position_share(splits: Splits) -> float:
    """Return the share of right endings at the most frequent position, in the split where it's largest."""
    return max(
        max(Counter(labels).values()) / len(labels) for labels in column(splits, "label").values() if labels
    )


def endings_scores(train: Iterable[Row], rows: Sequence[Row], features=None) -> list[list[float]]:
    """Return how right the endings of some rows look to logistic regression that sees no context.

    Parameters
    ----------
    train, rows : what it learns from, and what it judges.
    features : a transformer of scikit-learn that turns endings into vectors; TF-IDF if left out.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts, labels = zip(
        *((ending, number == row["label"]) for row in train for number, ending in enumerate(row["endings"])),
        strict=True,
    )
    model = make_pipeline(
        features or TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(C=4, class_weight="balanced", max_iter=500),
    ).fit(texts, labels)
    scores = model.decision_function([ending for row in rows for ending in row["endings"]])
    return scores.reshape(-1, POSITIONS).tolist()


def endings_accuracy(train: Sequence[Row], rows: Sequence[Row], features=None) -> float:
    """Return the accuracy of :func:`endings_scores`; as good endings share the hit."""
    hits = 0.0
    for row, scores in zip(rows, endings_scores(train, rows, features), strict=True):
        best = max(scores)
        hits += (scores[row["label"]] == best) / scores.count(best)
    return hits / len(rows)


def bundled_vectors():
    """Return a transformer of scikit-learn that turns texts into the means of the bundled encoder's states."""
    import numpy as np
    from sklearn.preprocessing import FunctionTransformer

    def vectors(texts: Sequence[str]) -> np.ndarray:
        _encode(texts)
        return np.stack([_vectors[text] for text in texts])

    return FunctionTransformer(vectors)


_vectors: dict[str, Any] = {}  # text to vector, so that each is computed once


def _encode(texts: Sequence[str]) -> None:
    """Compute the vectors of texts that have none yet, those of one length together."""
    import torch

    from course_lib.bert.inputs import pack_texts
    from course_lib.bert.loading import load_encoder
    from course_lib.bert.wordpiece import WordPieceTokenizer
    from course_lib.data.weights import bundled_weights_folder

    lacking = sorted(set(texts) - _vectors.keys(), key=len)
    if lacking:
        folder = bundled_weights_folder()
        tokenizer, encoder = WordPieceTokenizer.from_file(folder / "vocab.txt"), load_encoder(folder)
        for first in range(0, len(lacking), 64):
            some = lacking[first : first + 64]
            batch = pack_texts(tokenizer, some, max_length=64)
            with torch.inference_mode():
                states = encoder(
                    batch.input_ids, batch.token_type_ids, batch.attention_mask
                ).last_hidden_state
            real = batch.attention_mask[:, :, None]  # (B, T, 1)
            means = (states * real).sum(dim=1) / real.sum(dim=1)  # (B, H)
            _vectors.update(zip(some, torch.nn.functional.normalize(means).numpy(), strict=True))


def hard_marks(splits: Splits) -> dict[str, bool]:
    """Return, by its number, whether a context is hard.

    It is, if a model that sees the endings alone, fitted on the families of the other parts, prefers a wrong ending,
    and the right one isn't that which shares the largest part of its content words with the context.
    """
    rows = all_rows(splits)
    parts = [int(md5(family(row).encode(), usedforsecurity=False).hexdigest(), 16) % PARTS for row in rows]
    marks = {}
    for part in range(PARTS):
        inside = [row for row, number in zip(rows, parts, strict=True) if number == part]
        outside = [row for row, number in zip(rows, parts, strict=True) if number != part]
        for row, scores in zip(inside, endings_scores(outside, inside) if inside else [], strict=True):
            shares = shared_words(row)
            right, share = scores[row["label"]], shares[row["label"]]
            marks[row["fold-ind"]] = right < max(scores) and not (share and share == max(shares))
    return marks


def shared_words(row: Row) -> list[float]:
    """Return the share of each ending's content words that stand in the context."""
    context = content_words(row["startphrase"])
    endings = [content_words(ending) for ending in row["endings"]]
    return [len(words & context) / max(1, len(words)) for words in endings]


def wrong_marks(splits: Splits) -> int:
    """Count contexts whose mark isn't that of :func:`hard_marks`."""
    marks = hard_marks(splits)
    return sum((row["hard"] == "1") != marks[row["fold-ind"]] for row in all_rows(splits))


def hard_share(rows: Sequence[Row]) -> float:
    """Return the share of contexts that are marked hard."""
    return sum(row["hard"] == "1" for row in rows) / len(rows)


def whole_text(row: Row) -> str:
    """Return a context with all it may end in."""
    return " / ".join([row["sent1"], *(f"{row['sent2']} {ending}" for ending in row["endings"])])


def sizes(rows: Sequence[Row]) -> dict[str, int]:
    """Return what the card counts in a split."""
    families = Counter(map(in_family, rows))
    labels = Counter(row["label"] for row in rows)
    counts = {"contexts": len(rows), "in families": families[True], "single": families[False]}
    counts |= {f"right: {number}": labels[number] for number in range(POSITIONS)}
    return counts | {"hard": sum(row["hard"] == "1" for row in rows)}


def details(splits: Splits) -> list[str]:
    """Return the table of kinds, and the baselines and lengths of families and single contexts."""
    rows, pool = all_rows(splits), splits["pool"]
    counts = Counter((kind(row), in_family(row)) for row in rows)
    lines = markdown_table(
        ("kind", "in families", "single"),
        [(name, str(counts[name, True]), str(counts[name, False])) for name in KINDS],
    )
    parts = {"in families": True, "single": False}
    table = []
    for name, found in parts.items():
        lengths = {True: [], False: []}
        for row in rows:
            if in_family(row) == found:
                for number, ending in enumerate(row["endings"]):
                    lengths[number == row["label"]].append(len(words_of(ending)))
        accuracy = endings_accuracy(
            splits["train"], [row for row in splits["test"] if in_family(row) == found]
        )
        table.append(
            (name, *(f"{sum(values) / len(values):.1f}" for values in lengths.values()), f"{accuracy:.3f}")
        )
    families = len({family(row) for row in rows if in_family(row)})
    return [
        *lines,
        "",
        *markdown_table(
            (
                "contexts",
                "words of a right ending",
                "of a wrong ending",
                "test accuracy of TF-IDF of the endings",
            ),
            table,
        ),
        "",
        f"There are {families} families. The pool has {len(pool)} contexts with {min(len(row['candidates']) for row in pool)} "
        f"or {max(len(row['candidates']) for row in pool)} wrong endings.",
    ]


CHECKS = {
    "rows": Check("contexts", lambda splits: len(all_rows(splits)), at_least=LEAST_CONTEXTS),
    "malformed": Check("contexts with a malformed field", malformed_contexts, at_most=0),
    "pool": Check(
        "contexts of the pool that aren't the set's, or have too few wrong endings", strange_pool, at_most=0
    ),
    "positions": Check(
        "share of the most frequent position of the right ending, in a split",
        position_share,
        at_most=LARGEST_POSITION_SHARE,
        decimals=3,
    ),
    "duplicates": Check(
        "duplicate contexts",
        lambda splits: duplicates(row["startphrase"] for row in all_rows(splits)),
        at_most=0,
    ),
    "nearest": Check(
        "nearest first sentences of two splits (Jaccard of word 3-shingles)",
        lambda splits: nearest_across_splits(column(splits, "sent1")),
        below=NEAR_DUPLICATE,
        decimals=3,
    ),
    "five_grams": five_gram_check(lambda splits: list(map(whole_text, all_rows(splits))), "contexts"),
    "shared": Check(
        "families in more than one split",
        lambda splits: shared_across_splits({split: map(family, splits[split]) for split in SPLITS}),
        at_most=0,
    ),
    "shared_endings": Check(
        "endings in more than one split",
        lambda splits: shared_across_splits(
            {split: [ending for row in splits[split] for ending in row["endings"]] for split in SPLITS}
        ),
        at_most=0,
    ),
    "endings": Check(
        "test accuracy of TF-IDF of the endings alone",
        lambda splits: endings_accuracy(splits["train"], splits["test"]),
        at_most=LARGEST_ENDINGS_ACCURACY,
        decimals=3,
    ),
    "endings_vectors": Check(
        "test accuracy of MiniLM's vectors of the endings alone",
        lambda splits: endings_accuracy(splits["train"], splits["test"], bundled_vectors()),
        at_most=LARGEST_VECTORS_ACCURACY,
        decimals=2,  # processors round the vectors differently
    ),
    "hard": Check(
        "share of hard contexts in the test part",
        lambda splits: hard_share(splits["test"]),
        at_least=LEAST_HARD_SHARE,
        decimals=3,
    ),
    "marks": Check("contexts whose mark isn't the definition's", wrong_marks, at_most=0),
}

ENDINGS = DataSet("endings", read, CHECKS, sizes, details)
